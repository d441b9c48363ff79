//! ML-DSA, SLH-DSA and ML-KEM: pairs made here, signatures pure and of digests, keys encapsulated on both sides.

use serde_json::{Value, json};
use tests::{Mechanism, Rv, Session, ids::*, raw, template};

use super::super::judge::{Judge, Verdict, bytes, digits, readable, refused, same};
use super::super::wycheproof::pq::{context, decapsulate};
use super::{data, spoiled};
use crate::vectors::module::Result;

/// The mechanisms over digests: the hash, its mechanism, and the two that are named after it.
#[rustfmt::skip]
const HASHED: &[(&str, CK_MECHANISM_TYPE, CK_MECHANISM_TYPE, CK_MECHANISM_TYPE)] = &[
    ("SHA-224", CKM_SHA224, CKM_HASH_ML_DSA_SHA224, CKM_HASH_SLH_DSA_SHA224),
    ("SHA-256", CKM_SHA256, CKM_HASH_ML_DSA_SHA256, CKM_HASH_SLH_DSA_SHA256),
    ("SHA-384", CKM_SHA384, CKM_HASH_ML_DSA_SHA384, CKM_HASH_SLH_DSA_SHA384),
    ("SHA-512", CKM_SHA512, CKM_HASH_ML_DSA_SHA512, CKM_HASH_SLH_DSA_SHA512),
    ("SHA3-224", CKM_SHA3_224, CKM_HASH_ML_DSA_SHA3_224, CKM_HASH_SLH_DSA_SHA3_224),
    ("SHA3-256", CKM_SHA3_256, CKM_HASH_ML_DSA_SHA3_256, CKM_HASH_SLH_DSA_SHA3_256),
    ("SHA3-384", CKM_SHA3_384, CKM_HASH_ML_DSA_SHA3_384, CKM_HASH_SLH_DSA_SHA3_384),
    ("SHA3-512", CKM_SHA3_512, CKM_HASH_ML_DSA_SHA3_512, CKM_HASH_SLH_DSA_SHA3_512),
    ("SHAKE128", 0, CKM_HASH_ML_DSA_SHAKE128, CKM_HASH_SLH_DSA_SHAKE128),
    ("SHAKE256", 0, CKM_HASH_ML_DSA_SHAKE256, CKM_HASH_SLH_DSA_SHAKE256),
];

const ML_DSA: [(CK_ULONG, u32); 3] = [(CKP_ML_DSA_44, 44), (CKP_ML_DSA_65, 65), (CKP_ML_DSA_87, 87)];
const ML_KEM: [(CK_ULONG, u32); 3] = [(CKP_ML_KEM_512, 512), (CKP_ML_KEM_768, 768), (CKP_ML_KEM_1024, 1024)];
#[rustfmt::skip]
const SLH_DSA: [(CK_ULONG, &str); 12] = [
    (CKP_SLH_DSA_SHA2_128S, "SHA2-128S"), (CKP_SLH_DSA_SHAKE_128S, "SHAKE-128S"),
    (CKP_SLH_DSA_SHA2_128F, "SHA2-128F"), (CKP_SLH_DSA_SHAKE_128F, "SHAKE-128F"),
    (CKP_SLH_DSA_SHA2_192S, "SHA2-192S"), (CKP_SLH_DSA_SHAKE_192S, "SHAKE-192S"),
    (CKP_SLH_DSA_SHA2_192F, "SHA2-192F"), (CKP_SLH_DSA_SHAKE_192F, "SHAKE-192F"),
    (CKP_SLH_DSA_SHA2_256S, "SHA2-256S"), (CKP_SLH_DSA_SHAKE_256S, "SHAKE-256S"),
    (CKP_SLH_DSA_SHA2_256F, "SHA2-256F"), (CKP_SLH_DSA_SHAKE_256F, "SHAKE-256F"),
];

/// A pair made here.
struct Pair {
    /// What the peer calls the parameter set.
    set: Value,
    /// The peer's check of a signature.
    check: &'static str,
    public: CK_OBJECT_HANDLE,
    private: CK_OBJECT_HANDLE,
    value: Vec<u8>,
}

pub fn run(judge: &mut Judge) -> Result<()> {
    for (set, number) in ML_DSA {
        let pair = made(judge, CKM_ML_DSA_KEY_PAIR_GEN, set, json!(number), "ml_dsa_verify");
        signatures(judge, CKM_ML_DSA_KEY_PAIR_GEN, &pair, CKM_ML_DSA, CKM_HASH_ML_DSA, |row| row.2);
    }
    for (set, name) in SLH_DSA {
        let pair = made(judge, CKM_SLH_DSA_KEY_PAIR_GEN, set, json!(name), "slh_dsa_verify");
        // The small sets take long to sign, and differ from the fast ones in numbers only.
        let few: fn(&Row) -> CK_MECHANISM_TYPE = if name.ends_with("128F") { |row| row.3 } else { |_| NONE };
        let own = if name.ends_with("128F") { CKM_HASH_SLH_DSA } else { NONE };
        signatures(judge, CKM_SLH_DSA_KEY_PAIR_GEN, &pair, CKM_SLH_DSA, own, few);
        if let (Ok(pair), true) = (&pair, name.ends_with("128F")) {
            judge.cross(CKM_SLH_DSA, &format!("{name}, signed by the peer"), |judge| {
                signed_there(judge, pair)
            });
        }
    }
    for (set, number) in ML_KEM {
        judge
            .cross(CKM_ML_KEM_KEY_PAIR_GEN, &number.to_string(), |judge| kem(judge, set, number).map(|_| ()));
        judge.cross(CKM_ML_KEM, &number.to_string(), |judge| kem(judge, set, number).map(|_| ()));
    }
    Ok(())
}

type Row = (&'static str, CK_MECHANISM_TYPE, CK_MECHANISM_TYPE, CK_MECHANISM_TYPE);

/// No mechanism of any module.
const NONE: CK_MECHANISM_TYPE = CK_ULONG::MAX;

fn made(
    judge: &Judge,
    maker: CK_MECHANISM_TYPE,
    set: CK_ULONG,
    name: Value,
    check: &'static str,
) -> std::result::Result<Pair, String> {
    let (public, private) = judge.pair(maker, &template![CKA_PARAMETER_SET => set]).map_err(refused)?;
    let value = judge.session().get(public, CKA_VALUE).map_err(refused)?;
    Ok(Pair { set: name, check, public, private, value })
}

/// Pure signatures with and without a context, and those of every hash.
fn signatures(
    judge: &mut Judge,
    maker: CK_MECHANISM_TYPE,
    pair: &std::result::Result<Pair, String>,
    pure: CK_MECHANISM_TYPE,
    digested: CK_MECHANISM_TYPE,
    named: fn(&Row) -> CK_MECHANISM_TYPE,
) {
    if !judge.has(maker) {
        return;
    }
    let pair = match pair {
        Ok(pair) => pair,
        Err(why) => return judge.note(maker, "cross-check", "a pair", Err(why.clone())),
    };
    judge.cross(maker, &pair.set.to_string(), |judge| {
        signed(judge, pair, pure, &data(50), &data(50), &[], None)
    });
    if digested == NONE {
        return;
    }
    judge.cross(pure, &format!("{}, with context", pair.set), |judge| {
        signed(judge, pair, pure, &data(50), &data(50), b"context", None)
    });
    for row in HASHED {
        let size = if row.0 == "SHAKE128" { 32 } else { 64 };
        let digest = |judge: &mut Judge| {
            let request = json!({ "hash": row.0, "data": digits(&data(77)), "size": size });
            judge.peer.bytes("digest", request)
        };
        judge.cross(named(row), &format!("{}, {}", pair.set, row.0), |judge| {
            let digest = digest(judge)?;
            signed(judge, pair, named(row), &data(77), &digest, b"context", Some((row, false)))
        });
        if row.1 != 0 {
            judge.cross(digested, &format!("{}, {}", pair.set, row.0), |judge| {
                let digest = digest(judge)?;
                signed(judge, pair, digested, &digest, &digest, b"", Some((row, true)))
            });
        }
    }
}

/// A signature of ours is the peer's to check; then it verifies here, and not for another message.
fn signed(
    judge: &mut Judge,
    pair: &Pair,
    id: CK_MECHANISM_TYPE,
    message: &[u8],
    theirs: &[u8],
    words: &[u8],
    hash: Option<(&Row, bool)>,
) -> Verdict {
    let mut words = words.to_vec();
    let mut plain = context(&mut words);
    let mut hashed = CK_HASH_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: plain.hedgeVariant,
        pContext: plain.pContext,
        ulContextLen: plain.ulContextLen,
        hash: hash.map_or(0, |(row, _)| row.1),
    };
    let mechanism = match hash {
        Some((_, true)) => Mechanism::of(id, &mut hashed),
        _ => Mechanism::of(id, &mut plain),
    };
    let signature = judge.session().sign(mechanism.clone(), pair.private, message).map_err(refused)?;
    let request = json!({
        "set": pair.set, "public": digits(&pair.value), "data": digits(theirs), "signature": digits(&signature),
        "context": digits(&words), "hash": hash.map_or("", |(row, _)| row.0),
    });
    judge.peer.agrees(pair.check, request)?;
    let verify = |message: &[u8]| judge.session().verify(mechanism.clone(), pair.public, message, &signature);
    verify(message).map_err(refused)?;
    match verify(&spoiled(message)) {
        Err(Rv::SignatureInvalid) => Ok(()),
        other => Err(format!("of another message: {other:?}")),
    }
}

/// The peer's signature with the same key is ours, when both are deterministic.
fn signed_there(judge: &mut Judge, pair: &Pair) -> Verdict {
    let mut none = Vec::new();
    let mut params = context(&mut none);
    let mechanism = Mechanism::of(CKM_SLH_DSA, &mut params);
    let session = judge.session();
    let private = session.get(pair.private, CKA_VALUE).map_err(refused)?;
    let ours = session.sign(mechanism.clone(), pair.private, &data(33)).map_err(refused)?;
    let request = json!({ "set": pair.set, "private": digits(&private), "data": digits(&data(33)) });
    let theirs = judge.peer.bytes("slh_dsa_sign", request)?;
    judge.session().verify(mechanism, pair.public, &data(33), &theirs).map_err(refused)?;
    same(&ours, &theirs)
}

/// A key encapsulated there is decapsulated here, and one encapsulated here there.
fn kem(judge: &mut Judge, set: CK_ULONG, number: u32) -> Verdict {
    let pair = made(judge, CKM_ML_KEM_KEY_PAIR_GEN, set, json!(number), "")?;
    let wanted = readable(CKK_GENERIC_SECRET, 32);
    let request = json!({ "set": number, "public": digits(&pair.value), "random": digits(&data(32)) });
    let theirs = judge.peer.ask("ml_kem_encapsulate", request)?;
    let key = decapsulate(&judge.session(), pair.private, &bytes(&theirs["ciphertext"]), &wanted)
        .map_err(refused)?;
    same(&judge.take(key).map_err(refused)?, &bytes(&theirs["secret"]))?;
    let (ciphertext, key) = encapsulate(&judge.session(), pair.public, &wanted).map_err(refused)?;
    let private = judge.session().get(pair.private, CKA_VALUE).map_err(refused)?;
    let request = json!({ "set": number, "private": digits(&private), "ciphertext": digits(&ciphertext) });
    let secret = judge.peer.bytes("ml_kem_decapsulate", request)?;
    same(&judge.take(key).map_err(refused)?, &secret)
}

/// C_EncapsulateKey.
fn encapsulate(
    session: &Session,
    public: CK_OBJECT_HANDLE,
    wanted: &tests::Template,
) -> tests::Result<(Vec<u8>, CK_OBJECT_HANDLE)> {
    let list = session.library.c_3_2().ok_or(Rv::FunctionNotSupported)?;
    let (mut ciphertext, mut key) = (vec![0; 2000], CK_INVALID_HANDLE);
    let mut len = ciphertext.len() as CK_ULONG;
    let rv = Mechanism::from(CKM_ML_KEM).lend(|mechanism| {
        wanted.lend(|t, n| {
            let out = ciphertext.as_mut_ptr();
            raw!(list, C_EncapsulateKey(session.handle, mechanism, public, t, n, out, &mut len, &mut key))
        })
    });
    ciphertext.truncate(len as usize);
    if rv == Rv::Ok { Ok((ciphertext, key)) } else { Err(rv) }
}
