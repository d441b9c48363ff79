//! RSA: signatures and ciphertexts of every padding, raw powers, key pairs, keys wrapped by OAEP and AES.

use serde_json::{Value, json};
use tests::{Mechanism, ids::*, keys::secret, template};

use super::super::judge::{Judge, Verdict, digits, readable, refused, same};
use super::super::keys::{RSA_NUMBERS, rsa_private, rsa_public};
use super::super::names::{self, HASHES};
use super::{both_ways, data};
use crate::vectors::module::Result;

/// The bytes of the modulus of the peer's key.
const SIZE: usize = 256;

/// A pair in the token, and its numbers.
struct Pair {
    numbers: Value,
    handles: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
}

pub fn run(judge: &mut Judge) -> Result<()> {
    let numbers = judge.peer.ask("rsa_key", json!({ "bits": SIZE * 8 }))?;
    let made = |template| judge.session().create(&template).map_err(refused);
    let handles = (made(rsa_public(&numbers))?, made(rsa_private(&numbers))?);
    let pair = Pair { numbers, handles };
    signatures(judge, &pair);
    digests(judge, &pair);
    powers(judge, &pair);
    ciphers(judge, &pair);
    wraps(judge, &pair);
    generates(judge);
    Ok(())
}

fn signatures(judge: &mut Judge, pair: &Pair) {
    for hash in HASHES {
        let pkcs =
            if hash.name == "MD5" { Some(CKM_MD5_RSA_PKCS) } else { hash.signs.map(|signs| signs.rsa) };
        if let Some(id) = pkcs {
            judge.cross(id, "PKCS #1 v1.5", |judge| signed(judge, pair, id.into(), hash.name, json!({})));
        }
        let Some(signs) = hash.signs else { continue };
        for (mgf, salt) in [(hash.name, hash.len), (hash.name, 0), ("SHA-1", 20), ("SHA-384", 11)] {
            let Some(mask) = names::hash(mgf).and_then(|hash| hash.signs) else { continue };
            judge.cross(signs.pss, &format!("MGF1 of {mgf}, a salt of {salt} bytes"), |judge| {
                let mechanism = Mechanism::pss(signs.pss, hash.digest, mask.mgf, salt);
                signed(judge, pair, mechanism, hash.name, json!({ "salt": salt, "mgf": mgf }))
            });
        }
    }
}

fn signed(judge: &mut Judge, pair: &Pair, mechanism: Mechanism, hash: &str, more: Value) -> Verdict {
    with_peer(judge, pair, mechanism, hash, &data(100), &data(100), more)
}

/// `message` is what we are given, `theirs` what the peer is given.
fn with_peer(
    judge: &mut Judge,
    pair: &Pair,
    mechanism: Mechanism,
    hash: &str,
    message: &[u8],
    theirs: &[u8],
    more: Value,
) -> Verdict {
    let mut request = json!({ "key": pair.numbers, "hash": hash, "data": digits(theirs) });
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    let mut check = request.clone();
    both_ways(
        judge,
        &mechanism,
        pair.handles,
        message,
        |judge, signature| {
            check["signature"] = json!(digits(signature));
            judge.peer.agrees("rsa_verify", check)
        },
        |judge| judge.peer.bytes("rsa_sign", request),
    )
}

/// What the caller hashed: a DigestInfo for PKCS #1 v1.5, the digest for PSS.
fn digests(judge: &mut Judge, pair: &Pair) {
    let hashes = [
        ("SHA-256", "3031300d060960864801650304020105000420"),
        ("SHA-512", "3051300d060960864801650304020305000440"),
    ];
    for (name, head) in hashes {
        let Some(hash) = names::hash(name) else { continue };
        let digest = data(hash.len);
        judge.cross(CKM_RSA_PKCS, &format!("a DigestInfo of {name}"), |judge| {
            let info = [tests::keys::hex(head), digest.clone()].concat();
            with_peer(judge, pair, CKM_RSA_PKCS.into(), name, &info, &digest, json!({ "digested": true }))
        });
        judge.cross(CKM_RSA_PKCS_PSS, &format!("a digest of {name}"), |judge| {
            let Some(signs) = hash.signs else { return Ok(()) };
            let mechanism = Mechanism::pss(CKM_RSA_PKCS_PSS, hash.digest, signs.mgf, 20);
            with_peer(judge, pair, mechanism, name, &digest, &digest, json!({ "digested": true, "salt": 20 }))
        });
    }
}

fn powers(judge: &mut Judge, pair: &Pair) {
    for len in [1, 100, SIZE] {
        judge.cross(CKM_RSA_X_509, &format!("a number of {len} bytes"), |judge| {
            let number = [vec![0], data(len)[1..].to_vec()].concat();
            let padded = [vec![0; SIZE - len], number.clone()].concat();
            let request =
                |private| json!({ "key": pair.numbers, "data": digits(&number), "private": private });
            let (signed, sealed) = (
                judge.peer.bytes("rsa_power", request(true))?,
                judge.peer.bytes("rsa_power", request(false))?,
            );
            let session = judge.session();
            let (public, private) = pair.handles;
            same(&session.sign(CKM_RSA_X_509, private, &number).map_err(refused)?, &signed)?;
            session.verify(CKM_RSA_X_509, public, &number, &signed).map_err(refused)?;
            same(&session.encrypt(CKM_RSA_X_509, public, &number).map_err(refused)?, &sealed)?;
            same(&session.decrypt(CKM_RSA_X_509, private, &sealed).map_err(refused)?, &padded)
        });
    }
}

fn ciphers(judge: &mut Judge, pair: &Pair) {
    judge.cross(CKM_RSA_PKCS, "encryption", |judge| sealed(judge, pair, &CKM_RSA_PKCS.into(), json!({})));
    for hash in HASHES.iter().filter(|hash| hash.signs.is_some()) {
        for (mgf, label) in [(hash.name, &b""[..]), ("SHA-1", b"label"), (hash.name, b"label")] {
            let Some(mask) = names::hash(mgf).and_then(|hash| hash.signs) else { continue };
            judge.cross(
                CKM_RSA_PKCS_OAEP,
                &format!("{}, MGF1 of {mgf}, {} bytes of label", hash.name, label.len()),
                |judge| {
                    let mechanism = Mechanism::oaep(hash.digest, mask.mgf, label);
                    sealed(
                        judge,
                        pair,
                        &mechanism,
                        json!({ "hash": hash.name, "mgf": mgf, "label": digits(label) }),
                    )
                },
            );
        }
    }
}

fn sealed(judge: &mut Judge, pair: &Pair, mechanism: &Mechanism, mut request: Value) -> Verdict {
    let message = data(40);
    request["key"] = pair.numbers.clone();
    let ours = judge.session().encrypt(mechanism.clone(), pair.handles.0, &message).map_err(refused)?;
    request["data"] = json!(digits(&ours));
    same(&judge.peer.bytes("rsa_decrypt", request.clone())?, &message)?;
    request["data"] = json!(digits(&message));
    let theirs = judge.peer.bytes("rsa_encrypt", request)?;
    same(&judge.session().decrypt(mechanism.clone(), pair.handles.1, &theirs).map_err(refused)?, &message)
}

/// An AES key under OAEP, and the target under the AES key.
fn wraps(judge: &mut Judge, pair: &Pair) {
    for (bits, len) in [(128, 20), (192, 32), (256, 100)] {
        judge.cross(CKM_RSA_AES_KEY_WRAP, &format!("{len} bytes, an AES key of {bits} bits"), |judge| {
            let mut oaep = CK_RSA_PKCS_OAEP_PARAMS {
                hashAlg: CKM_SHA256,
                mgf: CKG_MGF1_SHA256,
                source: CKZ_DATA_SPECIFIED,
                pSourceData: std::ptr::null_mut(),
                ulSourceDataLen: 0,
            };
            let mut params = CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: bits, pOAEPParams: &raw mut oaep };
            let mechanism = Mechanism::of(CKM_RSA_AES_KEY_WRAP, &mut params);
            let sealing =
                |data: &[u8]| json!({ "key": pair.numbers, "hash": "SHA-256", "data": digits(data) });
            let wrapping =
                |key: &[u8], data: &[u8]| json!({ "how": "KWP", "key": digits(key), "data": digits(data) });
            let ours = judge.with(&secret(CKK_GENERIC_SECRET, &data(len)), |session, target| {
                session.wrap(mechanism.clone(), pair.handles.0, target)
            });
            let ours = ours.map_err(refused)?;
            let (head, tail) = ours.split_at_checked(SIZE).ok_or("too short")?;
            let key = judge.peer.bytes("rsa_decrypt", sealing(head))?;
            if key.len() as CK_ULONG * 8 != bits {
                return Err(format!("an AES key of {} bytes", key.len()));
            }
            same(&judge.peer.bytes("unwrap", wrapping(&key, tail))?, &data(len))?;
            let key = data(bits as usize / 8);
            let head = judge.peer.bytes("rsa_encrypt", sealing(&key))?;
            let theirs = [head, judge.peer.bytes("wrap", wrapping(&key, &data(len)))?].concat();
            let wanted = readable(CKK_GENERIC_SECRET, len).without(CKA_VALUE_LEN);
            let back =
                judge.session().unwrap(mechanism, pair.handles.1, &theirs, &wanted).map_err(refused)?;
            same(&judge.take(back).map_err(refused)?, &data(len))
        });
    }
}

/// The peer takes all eight numbers of a key that is made here, and both sides sign with it.
fn generates(judge: &mut Judge) {
    for (bits, exponent) in [(1024, &[1, 0, 1][..]), (2048, &[1, 0, 1]), (2048, &[3])] {
        judge.cross(
            CKM_RSA_PKCS_KEY_PAIR_GEN,
            &format!("{bits} bits, e of {} bytes", exponent.len()),
            |judge| {
                let wanted = template![CKA_MODULUS_BITS => bits as CK_ULONG, CKA_PUBLIC_EXPONENT => exponent];
                let (public, private) = judge.pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &wanted).map_err(refused)?;
                let mut numbers = json!({});
                for (name, attribute) in RSA_NUMBERS {
                    numbers[name] = json!(digits(&judge.session().get(private, attribute).map_err(refused)?));
                }
                let pair = Pair { numbers, handles: (public, private) };
                let verdict = signed(judge, &pair, CKM_SHA256_RSA_PKCS.into(), "SHA-256", json!({}));
                let _ = (judge.session().destroy(public), judge.session().destroy(private));
                verdict
            },
        );
    }
}
