//! Digests, HMAC, keys derived by hashing, and the keys that are generated for them.

use serde_json::json;
use tests::{Mechanism, ids::*, keys::secret};

use super::super::judge::{Judge, digits, readable, refused, same};
use super::super::names::{HASHES, Hash};
use super::data;
use crate::vectors::module::Result;

/// Lengths about the ends of blocks.
const LENGTHS: [usize; 16] = [0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 135, 136, 143, 144, 1000];

pub fn run(judge: &mut Judge) -> Result<()> {
    for hash in HASHES {
        digests(judge, hash);
        macs(judge, hash);
        derives(judge, hash.derive, hash.name, hash.len);
        let maker = hash.key_gen;
        if hash.name != "MD5" && judge.has(maker) {
            generates(judge, hash);
        }
    }
    derives(judge, CKM_SHAKE_128_KEY_DERIVATION, "SHAKE128", 50);
    derives(judge, CKM_SHAKE_256_KEY_DERIVATION, "SHAKE256", 200);
    judge.generated(CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, 40, |judge, key, value| {
        mac(judge, &HASHES[3], key, value)
    });
    Ok(())
}

fn digests(judge: &mut Judge, hash: &Hash) {
    for len in LENGTHS {
        judge.cross(hash.digest, &format!("{len} bytes"), |judge| {
            let theirs =
                judge.peer.bytes("digest", json!({ "hash": hash.name, "data": digits(&data(len)) }))?;
            same(&judge.session().digest(hash.digest, &data(len)).map_err(refused)?, &theirs)
        });
    }
}

fn theirs(judge: &mut Judge, hash: &Hash, key: &[u8], len: usize) -> std::result::Result<Vec<u8>, String> {
    judge.peer.bytes("hmac", json!({ "hash": hash.name, "key": digits(key), "data": digits(&data(len)) }))
}

fn macs(judge: &mut Judge, hash: &Hash) {
    for (key, len) in [(1, 0), (hash.len, 100), (64, 1), (65, 10), (144, 2), (145, 1000)] {
        let key = data(key);
        let template = secret(CKK_GENERIC_SECRET, &key);
        judge.cross(hash.hmac, &format!("a key of {} bytes, {len} bytes", key.len()), |judge| {
            let tag = theirs(judge, hash, &key, len)?;
            let made = judge.with(&template, |session, key| {
                session.verify(hash.hmac, key, &data(len), &tag)?;
                session.sign(hash.hmac, key, &data(len))
            });
            same(&made.map_err(refused)?, &tag)
        });
        for cut in [1, hash.len / 2, hash.len] {
            judge.cross(
                hash.general,
                &format!("a key of {} bytes, {cut} bytes of tag", key.len()),
                |judge| {
                    let tag = theirs(judge, hash, &key, len)?;
                    let mechanism = Mechanism::number(hash.general, cut as CK_ULONG);
                    let made = judge.with(&template, |session, key| {
                        session.verify(mechanism.clone(), key, &data(len), &tag[..cut])?;
                        session.sign(mechanism, key, &data(len))
                    });
                    same(&made.map_err(refused)?, &tag[..cut])
                },
            );
        }
    }
}

/// The digest of the key is the new key, or as much of it as is asked.
fn derives(judge: &mut Judge, id: CK_MECHANISM_TYPE, name: &str, len: usize) {
    for (base, cut) in [(1, len), (40, len), (200, len / 2)] {
        judge.cross(id, &format!("{cut} bytes from a key of {base}"), |judge| {
            let value = judge
                .peer
                .bytes("digest", json!({ "hash": name, "data": digits(&data(base)), "size": len }))?;
            let base = secret(CKK_GENERIC_SECRET, &data(base));
            judge.derived(id.into(), &base, &readable(CKK_GENERIC_SECRET, cut), &value[..cut])
        });
    }
}

fn mac(judge: &mut Judge, hash: &Hash, key: CK_OBJECT_HANDLE, value: &[u8]) -> super::Verdict {
    let tag = theirs(judge, hash, value, 100)?;
    same(&judge.session().sign(hash.hmac, key, &data(100)).map_err(refused)?, &tag)
}

fn generates(judge: &mut Judge, hash: &Hash) {
    judge.generated(hash.key_gen, hash.kind, hash.len, |judge, key, value| mac(judge, hash, key, value));
}
