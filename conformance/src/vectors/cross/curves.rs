//! Elliptic curves: ECDSA, EdDSA, agreement with every key derivation function, key pairs, keys wrapped by agreement.

use serde_json::{Value, json};
use tests::{Mechanism, ids::*, keys::secret, template};

use super::super::judge::{Judge, Verdict, bytes, digits, readable, refused, same};
use super::super::keys::{ec_private, ec_public};
use super::super::names::{CURVES, ED448, ED25519, HASHES, X448, X25519};
use super::{both_ways, data};
use crate::vectors::module::Result;

/// A curve for agreement or signatures: what the peer calls it, the type of its keys, its OID, bytes of a point.
struct Curve {
    name: &'static str,
    kind: CK_KEY_TYPE,
    params: &'static [u8],
    point: usize,
}

#[rustfmt::skip]
const EDWARDS: &[Curve] = &[
    Curve { name: "Ed25519", kind: CKK_EC_EDWARDS, params: ED25519, point: 32 },
    Curve { name: "Ed448",   kind: CKK_EC_EDWARDS, params: ED448,   point: 57 },
];
#[rustfmt::skip]
const MONTGOMERY: &[Curve] = &[
    Curve { name: "X25519", kind: CKK_EC_MONTGOMERY, params: X25519, point: 32 },
    Curve { name: "X448",   kind: CKK_EC_MONTGOMERY, params: X448,   point: 56 },
];

impl Curve {
    /// A new key of the peer's: the private value and the point.
    fn made(&self, judge: &mut Judge) -> std::result::Result<(Vec<u8>, Vec<u8>), String> {
        let work = if self.kind == CKK_EC { "ec_key" } else { "curve25519_key" };
        let key = judge.peer.ask(work, json!({ "curve": self.name }))?;
        Ok((bytes(&key["value"]), bytes(&key["point"])))
    }

    fn agreed(&self, judge: &mut Judge, value: &[u8], point: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let work = if self.kind == CKK_EC { "ecdh" } else { "xdh" };
        let request = json!({ "curve": self.name, "value": digits(value), "point": digits(point) });
        judge.peer.bytes(work, request)
    }

    fn public(&self, judge: &mut Judge, value: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let work = if self.kind == CKK_EC { "ec_public" } else { "curve25519_public" };
        judge.peer.bytes(work, json!({ "curve": self.name, "value": digits(value) }))
    }
}

pub fn run(judge: &mut Judge) -> Result<()> {
    let known = judge.peer.ask("ec_curves", json!({}))?;
    let known = |name: &str| known.as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let weierstrass: Vec<_> = CURVES
        .iter()
        .filter(|curve| known(curve.name))
        .map(|curve| Curve {
            name: curve.name,
            kind: CKK_EC,
            params: curve.params,
            point: 1 + 2 * curve.size,
        })
        .collect();
    for curve in &weierstrass {
        ecdsa(judge, curve);
        agreements(judge, CKM_ECDH1_DERIVE, curve);
        agreements(judge, CKM_ECDH1_COFACTOR_DERIVE, curve);
        generates(judge, CKM_EC_KEY_PAIR_GEN, curve);
    }
    for curve in EDWARDS {
        eddsa(judge, curve);
        generates(judge, CKM_EC_EDWARDS_KEY_PAIR_GEN, curve);
    }
    for curve in MONTGOMERY {
        agreements(judge, CKM_ECDH1_DERIVE, curve);
        generates(judge, CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve);
        wraps(judge, CKM_ECDH_X_AES_KEY_WRAP, curve);
    }
    for curve in weierstrass.iter().filter(|curve| curve.point >= 65) {
        wraps(judge, CKM_ECDH_AES_KEY_WRAP, curve);
        wraps(judge, CKM_ECDH_COF_AES_KEY_WRAP, curve);
    }
    Ok(())
}

/// Does something with a new pair of the peer's in the token.
fn with_pair(
    judge: &mut Judge,
    curve: &Curve,
    work: impl FnOnce(&mut Judge, (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE), &[u8], &[u8]) -> Verdict,
) -> Verdict {
    let (value, point) = curve.made(judge)?;
    let session = judge.session();
    let public = session.create(&ec_public(curve.kind, curve.params, &point)).map_err(refused)?;
    let private = session.create(&ec_private(curve.kind, curve.params, &value)).map_err(refused)?;
    let verdict = work(judge, (public, private), &value, &point);
    let _ = (judge.session().destroy(public), judge.session().destroy(private));
    verdict
}

fn ecdsa(judge: &mut Judge, curve: &Curve) {
    for hash in HASHES {
        let Some(signs) = hash.signs else { continue };
        for (id, digested) in [(signs.ecdsa, false), (CKM_ECDSA, true)] {
            judge.cross(id, &format!("{}, {}", curve.name, hash.name), |judge| {
                let message = data(if digested { hash.len } else { 100 });
                with_pair(judge, curve, |judge, pair, value, point| {
                    let request = json!({
                        "curve": curve.name, "hash": hash.name, "data": digits(&message), "digested": digested,
                    });
                    signed(judge, &id.into(), pair, &message, ("ecdsa", request), value, point)
                })
            });
        }
    }
}

fn eddsa(judge: &mut Judge, curve: &Curve) {
    for len in [0, 1, 100, 1000] {
        judge.cross(CKM_EDDSA, &format!("{}, {len} bytes", curve.name), |judge| {
            // A first byte, so that there is a message to spoil.
            let message = [data(len), vec![1]].concat();
            let mut pure =
                CK_EDDSA_PARAMS { phFlag: CK_FALSE, ulContextDataLen: 0, pContextData: std::ptr::null_mut() };
            let mechanism = match curve.name {
                "Ed448" => Mechanism::of(CKM_EDDSA, &mut pure),
                _ => CKM_EDDSA.into(),
            };
            with_pair(judge, curve, |judge, pair, value, point| {
                let request = json!({ "curve": curve.name, "data": digits(&message) });
                signed(judge, &mechanism, pair, &message, ("eddsa", request), value, point)
            })
        });
    }
}

fn signed(
    judge: &mut Judge,
    mechanism: &Mechanism,
    pair: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    message: &[u8],
    (work, request): (&str, Value),
    value: &[u8],
    point: &[u8],
) -> Verdict {
    let (mut check, mut sign) = (request.clone(), request);
    check["point"] = json!(digits(point));
    sign["value"] = json!(digits(value));
    both_ways(
        judge,
        mechanism,
        pair,
        message,
        |judge, signature| {
            check["signature"] = json!(digits(signature));
            judge.peer.agrees(&format!("{work}_verify"), check)
        },
        |judge| judge.peer.bytes(&format!("{work}_sign"), sign),
    )
}

/// Key derivation functions: the number, the hash, and whether the counter stands first (SP 800-56A).
#[rustfmt::skip]
const KDFS: &[(CK_EC_KDF_TYPE, &str, bool)] = &[
    (CKD_SHA1_KDF, "SHA-1", false), (CKD_SHA224_KDF, "SHA-224", false), (CKD_SHA256_KDF, "SHA-256", false),
    (CKD_SHA384_KDF, "SHA-384", false), (CKD_SHA512_KDF, "SHA-512", false), (CKD_SHA3_256_KDF, "SHA3-256", false),
    (CKD_SHA1_KDF_SP800, "SHA-1", true), (CKD_SHA256_KDF_SP800, "SHA-256", true),
    (CKD_SHA384_KDF_SP800, "SHA-384", true), (CKD_SHA3_512_KDF_SP800, "SHA3-512", true),
];

fn spread(
    judge: &mut Judge,
    secret: &[u8],
    kdf: CK_EC_KDF_TYPE,
    shared: &[u8],
    size: usize,
) -> std::result::Result<Vec<u8>, String> {
    match KDFS.iter().find(|(id, _, _)| *id == kdf) {
        None => Ok(secret.to_vec()),
        Some((_, hash, first)) => judge.peer.bytes(
            "concat_kdf",
            json!({ "hash": hash, "secret": digits(secret), "info": digits(shared), "size": size, "first": first }),
        ),
    }
}

fn agreements(judge: &mut Judge, id: CK_MECHANISM_TYPE, curve: &Curve) {
    for (kdf, shared) in KDFS.iter().map(|(kdf, _, _)| (*kdf, &b"shared"[..])).chain([(CKD_NULL, &b""[..])]) {
        judge.cross(id, &format!("{}, kdf {kdf}", curve.name), |judge| {
            let ((_, point), (value, _)) = (curve.made(judge)?, curve.made(judge)?);
            let secret = curve.agreed(judge, &value, &point)?;
            let size = if kdf == CKD_NULL { secret.len() } else { 70 };
            let wanted = spread(judge, &secret, kdf, shared, size)?;
            let mut mechanism = Mechanism::ecdh(kdf, shared, &point);
            mechanism.id = id;
            let base = ec_private(curve.kind, curve.params, &value);
            let key = readable(CKK_GENERIC_SECRET, size);
            judge.derived(mechanism, &base, &key, &wanted)
        });
    }
}

/// The private value of a pair made here has, for the peer, the point that it has here.
fn generates(judge: &mut Judge, maker: CK_MECHANISM_TYPE, curve: &Curve) {
    judge.cross(maker, curve.name, |judge| {
        let (public, private) =
            judge.pair(maker, &template![CKA_EC_PARAMS => curve.params]).map_err(refused)?;
        let session = judge.session();
        let point = session.get(public, CKA_EC_POINT).map_err(refused)?;
        let value = session.get(private, CKA_VALUE).map_err(refused)?;
        let _ = (session.destroy(public), session.destroy(private));
        let wanted = curve.public(judge, &value)?;
        same(&point[point.len().saturating_sub(curve.point)..], &wanted)
    });
}

fn wraps(judge: &mut Judge, id: CK_MECHANISM_TYPE, curve: &Curve) {
    for (kdf, bits) in [(CKD_SHA256_KDF, 256), (CKD_SHA384_KDF_SP800, 128), (CKD_SHA1_KDF, 192)] {
        judge.cross(id, &format!("{}, an AES key of {bits} bits", curve.name), |judge| {
            with_pair(judge, curve, |judge, (public, private), value, point| {
                let (mut shared, target) = (data(5), data(33));
                let mut params = CK_ECDH_AES_KEY_WRAP_PARAMS {
                    ulAESKeyBits: bits,
                    kdf,
                    ulSharedDataLen: 5,
                    pSharedData: shared.as_mut_ptr(),
                };
                let mechanism = Mechanism::of(id, &mut params);
                let size = bits as usize / 8;
                let wrapping = |key: &[u8], data: &[u8]| json!({ "how": "KWP", "key": digits(key), "data": digits(data) });
                let ours = judge.with(&secret(CKK_GENERIC_SECRET, &target), |session, key| {
                    session.wrap(mechanism.clone(), public, key)
                });
                let ours = ours.map_err(refused)?;
                let (head, tail) = ours.split_at_checked(curve.point).ok_or("too short")?;
                let agreed = curve.agreed(judge, value, head)?;
                let key = spread(judge, &agreed, kdf, &data(5), size)?;
                same(&judge.peer.bytes("unwrap", wrapping(&key, tail))?, &target)?;
                let (other, head) = curve.made(judge)?;
                let agreed = curve.agreed(judge, &other, point)?;
                let key = spread(judge, &agreed, kdf, &data(5), size)?;
                let theirs = [head, judge.peer.bytes("wrap", wrapping(&key, &target))?].concat();
                let wanted = readable(CKK_GENERIC_SECRET, 33).without(CKA_VALUE_LEN);
                let back = judge.session().unwrap(mechanism, private, &theirs, &wanted).map_err(refused)?;
                same(&judge.take(back).map_err(refused)?, &target)
            })
        });
    }
}
