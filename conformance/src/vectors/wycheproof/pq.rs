//! ML-DSA signed and verified, ML-KEM decapsulated, keys by seed and expanded.

use serde_json::Value;
use tests::{Mechanism, Rv, Session, Template, ids::*, raw};

use super::super::judge::{Judge, bytes, readable};
use super::super::keys::{pq_private, pq_public};
use super::{Did, File, files, has_flag, vectors};
use crate::vectors::module::Result;

const ML_DSA: [(&str, CK_ULONG); 3] =
    [("mldsa_44", CKP_ML_DSA_44), ("mldsa_65", CKP_ML_DSA_65), ("mldsa_87", CKP_ML_DSA_87)];
const ML_KEM: [(&str, CK_ULONG); 3] =
    [("mlkem_512", CKP_ML_KEM_512), ("mlkem_768", CKP_ML_KEM_768), ("mlkem_1024", CKP_ML_KEM_1024)];

pub fn run(judge: &mut Judge) -> Result<()> {
    if judge.has(CKM_ML_DSA) {
        ML_DSA.into_iter().for_each(|(name, set)| signatures(judge, name, set));
    }
    if judge.has(CKM_ML_KEM) {
        ML_KEM.into_iter().for_each(|(name, set)| encapsulations(judge, name, set));
    }
    Ok(())
}

fn signatures(judge: &mut Judge, name: &str, set: CK_ULONG) {
    files!(mldsa_verify, [format!("{name}_verify")]).for_each(|file| verified(judge, &file, set));
    for (form, part, attribute) in [("noseed", "privateKey", CKA_VALUE), ("seed", "privateSeed", CKA_SEED)] {
        for file in files!(mldsa_sign, [format!("{name}_sign_{form}")]) {
            signed(judge, &file, |group| pq_private(CKK_ML_DSA, set, attribute, &bytes(&group[part])));
        }
    }
}

fn encapsulations(judge: &mut Judge, name: &str, set: CK_ULONG) {
    let names = ["", "_keygen_seed", "_semi_expanded_decaps", "_encaps"].map(|form| format!("{name}{form}"));
    for file in files!(mlkem, names) {
        for group in file.groups() {
            for test in vectors(&group) {
                kem(judge, &file, set, &group, test);
            }
        }
    }
}

/// CK_SIGN_ADDITIONAL_CONTEXT of a vector; signatures are deterministic, as those of the vectors.
pub fn context(context: &mut [u8]) -> CK_SIGN_ADDITIONAL_CONTEXT {
    CK_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: CKH_DETERMINISTIC_REQUIRED,
        pContext: context.as_mut_ptr(),
        ulContextLen: context.len() as CK_ULONG,
    }
}

fn verified(judge: &mut Judge, file: &File, set: CK_ULONG) {
    for group in file.groups() {
        let key = judge.session().create(&pq_public(CKK_ML_DSA, set, &bytes(&group["publicKey"])));
        for test in vectors(&group) {
            let mut ctx = bytes(&test["ctx"]);
            let mut params = context(&mut ctx);
            let mechanism = Mechanism::of(CKM_ML_DSA, &mut params);
            let (message, signature) = (bytes(&test["msg"]), bytes(&test["sig"]));
            let did = key.and_then(|key| judge.session().verify(mechanism, key, &message, &signature));
            file.judge(judge, CKM_ML_DSA, test, did.map(|()| true));
        }
        if let Ok(key) = key {
            let _ = judge.session().destroy(key);
        }
    }
}

fn signed(judge: &mut Judge, file: &File, template: impl Fn(&Value) -> Template) {
    for group in file.groups() {
        let key = judge.session().create(&template(&group));
        for test in vectors(&group) {
            if test["msg"].is_null() || has_flag(test, "Internal") || has_flag(test, "Randomized") {
                judge
                    .tally
                    .leave_out("ML-DSA from μ or with a given random value, which PKCS #11 does not take");
                continue;
            }
            let mut ctx = bytes(&test["ctx"]);
            let mut params = context(&mut ctx);
            let mechanism = Mechanism::of(CKM_ML_DSA, &mut params);
            let did = key.and_then(|key| judge.session().sign(mechanism, key, &bytes(&test["msg"])));
            file.judge(judge, CKM_ML_DSA, test, did.map(|signature| signature == bytes(&test["sig"])));
        }
        if let Ok(key) = key {
            let _ = judge.session().destroy(key);
        }
    }
}

fn kem(judge: &mut Judge, file: &File, set: CK_ULONG, group: &Value, test: &Value) {
    let did = match group["type"].as_str() {
        Some("MLKEMTest") => decapsulated(judge, set, CKA_SEED, &test["seed"], test),
        Some("MLKEMDecapsValidationTest") => decapsulated(judge, set, CKA_VALUE, &test["dk"], test),
        Some("MLKEMKeyGen") => expanded(judge, set, test),
        _ if test["result"] == "valid" => {
            judge
                .tally
                .leave_out("ML-KEM encapsulated with a given random value, which PKCS #11 does not take");
            return;
        }
        _ => judge.with(&pq_public(CKK_ML_KEM, set, &bytes(&test["ek"])), |_, _| Ok(true)),
    };
    file.judge(judge, CKM_ML_KEM, test, did);
}

fn decapsulated(
    judge: &Judge,
    set: CK_ULONG,
    attribute: CK_ATTRIBUTE_TYPE,
    key: &Value,
    test: &Value,
) -> Did {
    let wanted = readable(CKK_GENERIC_SECRET, 32);
    let key = judge.with(&pq_private(CKK_ML_KEM, set, attribute, &bytes(key)), |session, key| {
        decapsulate(session, key, &bytes(&test["c"]), &wanted)
    })?;
    Ok(judge.take(key)? == bytes(&test["K"]))
}

/// C_DecapsulateKey.
pub fn decapsulate(
    session: &Session,
    private: CK_OBJECT_HANDLE,
    ciphertext: &[u8],
    wanted: &Template,
) -> tests::Result<CK_OBJECT_HANDLE> {
    let list = session.library.c_3_2().ok_or(Rv::FunctionNotSupported)?;
    let mut key = CK_INVALID_HANDLE;
    let (data, len) = (ciphertext.as_ptr().cast_mut(), ciphertext.len() as CK_ULONG);
    let rv = Mechanism::from(CKM_ML_KEM).lend(|mechanism| {
        wanted.lend(|t, n| {
            raw!(list, C_DecapsulateKey(session.handle, mechanism, private, t, n, data, len, &mut key))
        })
    });
    if rv == Rv::Ok { Ok(key) } else { Err(rv) }
}

/// A private key by its seed has the expanded value of the vector, and its public key.
fn expanded(judge: &Judge, set: CK_ULONG, test: &Value) -> Did {
    judge.with(&pq_private(CKK_ML_KEM, set, CKA_SEED, &bytes(&test["seed"])), |session, key| {
        let info = session.get(key, CKA_PUBLIC_KEY_INFO)?;
        Ok(session.get(key, CKA_VALUE)? == bytes(&test["dk"]) && info.ends_with(&bytes(&test["ek"])))
    })
}
