//! RSA: signatures of PKCS #1 v1.5 and PSS verified, ciphertexts of PKCS #1 v1.5 and OAEP decrypted.

use serde_json::Value;
use tests::{Mechanism, Session, Template, ids::*};

use super::super::judge::{Judge, bytes};
use super::super::keys::{rsa_private, rsa_public};
use super::super::names;
use super::{Did, File, files, vectors};
use crate::vectors::module::Result;

/// The bits of the files' keys; 1024 to 4096 stand in the files that are called `misc`.
const SIZES: [&str; 4] = ["2048", "3072", "4096", "8192"];
const HASHES: [&str; 10] = [
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    "sha512_224",
    "sha512_256",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
];
const PSS: [&str; 18] = [
    "2048_sha1_mgf1_20",
    "2048_sha256_mgf1_0",
    "2048_sha256_mgf1_32",
    "2048_sha256_mgf1sha1_20",
    "2048_sha384_mgf1_48",
    "2048_sha512_224_mgf1_28",
    "2048_sha512_256_mgf1_32",
    "2048_sha512_mgf1sha256_32",
    "2048_shake128",
    "2048_shake256",
    "3072_sha256_mgf1_32",
    "3072_shake128",
    "3072_shake256",
    "4096_sha256_mgf1_32",
    "4096_sha384_mgf1_48",
    "4096_sha512_mgf1_32",
    "4096_sha512_mgf1_64",
    "misc",
];

pub fn signatures(judge: &mut Judge) -> Result<()> {
    let signed = SIZES.iter().flat_map(|size| HASHES.map(|hash| format!("rsa_signature_{size}_{hash}")));
    files!(rsa_pkcs1_verify, signed).for_each(|file| verified(judge, &file, pkcs));
    let salted = PSS.iter().flat_map(|name| ["", "_params"].map(|more| format!("rsa_pss_{name}{more}")));
    files!(rsa_pss_verify, salted).for_each(|file| verified(judge, &file, pss));
    Ok(())
}

pub fn ciphers(judge: &mut Judge) -> Result<()> {
    let sealed = SIZES.iter().map(|size| format!("rsa_pkcs1_{size}"));
    files!(rsa_pkcs1_decrypt, sealed).for_each(|file| decrypted(judge, &file, CKM_RSA_PKCS, implicit));
    let padded = SIZES.iter().flat_map(|size| {
        HASHES
            .into_iter()
            .chain(["sha1"])
            .flat_map(move |hash| ["sha1", hash].map(|mgf| format!("rsa_oaep_{size}_{hash}_mgf1{mgf}")))
    });
    let mut padded: Vec<_> = padded.chain(["rsa_oaep_misc".to_owned()]).collect();
    padded.dedup();
    files!(rsa_oaep, padded).for_each(|file| decrypted(judge, &file, CKM_RSA_PKCS_OAEP, opened));
    Ok(())
}

fn verified(judge: &mut Judge, file: &File, mechanism: fn(&Value) -> Option<Mechanism>) {
    for group in file.groups() {
        let Some(mechanism) = mechanism(&group).filter(|mechanism| judge.has(mechanism.id)) else {
            vectors(&group)
                .for_each(|_| judge.tally.leave_out("RSA over a hash that PKCS #11 has no mechanism of"));
            continue;
        };
        each(judge, file, &group, mechanism.id, &rsa_public(&group["publicKey"]), |session, key, test| {
            let (message, signature) = (bytes(&test["msg"]), bytes(&test["sig"]));
            session.verify(mechanism.clone(), key, &message, &signature).map(|()| true)
        });
    }
}

fn pkcs(group: &Value) -> Option<Mechanism> {
    Some(names::hash(group["sha"].as_str()?)?.signs?.rsa.into())
}

fn pss(group: &Value) -> Option<Mechanism> {
    let hash = names::hash(group["sha"].as_str()?)?;
    let mgf = names::hash(group["mgfSha"].as_str()?)?.signs?.mgf;
    Some(Mechanism::pss(hash.signs?.pss, hash.digest, mgf, group["sLen"].as_u64()? as usize))
}

fn decrypted(
    judge: &mut Judge,
    file: &File,
    id: CK_MECHANISM_TYPE,
    work: fn(&Session, CK_OBJECT_HANDLE, &Value, &Value) -> Did,
) {
    for group in file.groups() {
        let hashes = [&group["sha"], &group["mgfSha"]];
        let known = |name: &&Value| {
            name.is_null() || name.as_str().and_then(names::hash).is_some_and(|hash| hash.signs.is_some())
        };
        if !judge.has(id) || !hashes.iter().all(known) {
            vectors(&group).for_each(|_| {
                judge.tally.leave_out("OAEP with a mask generation that PKCS #11 has no name of")
            });
            continue;
        }
        each(judge, file, &group, id, &rsa_private(&group["privateKey"]), |session, key, test| {
            work(session, key, &group, test)
        });
    }
}

/// What is badly padded gives a value of its own, the same each time, so that nobody learns of the padding.
fn implicit(session: &Session, key: CK_OBJECT_HANDLE, _: &Value, test: &Value) -> Did {
    let decrypt = || session.decrypt(CKM_RSA_PKCS, key, &bytes(&test["ct"]));
    let (first, second) = (decrypt()?, decrypt()?);
    match test["result"] == "invalid" && first == second {
        true => Err(tests::Rv::EncryptedDataInvalid),
        false => Ok(first == bytes(&test["msg"])),
    }
}

fn opened(session: &Session, key: CK_OBJECT_HANDLE, group: &Value, test: &Value) -> Did {
    let name = |value: &Value| value.as_str().and_then(names::hash);
    let (Some(hash), Some(mgf)) = (name(&group["sha"]), name(&group["mgfSha"]).and_then(|hash| hash.signs))
    else {
        return Err(tests::Rv::MechanismParamInvalid);
    };
    let mechanism = Mechanism::oaep(hash.digest, mgf.mgf, &bytes(&test["label"]));
    session.decrypt(mechanism, key, &bytes(&test["ct"])).map(|plain| plain == bytes(&test["msg"]))
}

/// Every vector of a group with one key.
fn each(
    judge: &mut Judge,
    file: &File,
    group: &Value,
    id: CK_MECHANISM_TYPE,
    template: &Template,
    work: impl Fn(&Session, CK_OBJECT_HANDLE, &Value) -> Did,
) {
    let key = judge.session().create(template);
    for test in vectors(group) {
        let did = key.and_then(|key| work(&judge.session(), key, test));
        file.judge(judge, id, test, did);
    }
    if let Ok(key) = key {
        let _ = judge.session().destroy(key);
    }
}
