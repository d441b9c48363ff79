//! Elliptic curves over prime fields (PKCS#11 v3.2 §6.3): key pairs, ECDSA, ECDH.

use crate::crypto::ec::{self, Curve};
use crate::crypto::hash::Hash;
use crate::crypto::kdf;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::{Attributes, Key, Value, key};

use super::operation::{Act, Check, Intake};
use super::{Begun, Making, Mechanism, Params, ROW, Shape, Start};

const EC: Mechanism = Mechanism {
    keys: &[CKK_EC],
    sizes: (224, 521),
    flags: CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_UNCOMPRESS,
    ..ROW
};

const ECDSA: Mechanism = Mechanism { sign: Some(sign), verify: Some(verify), ..EC };

const fn ecdsa(id: CK_MECHANISM_TYPE, hash: Hash) -> Mechanism {
    Mechanism { id, hash: Some(hash), ..ECDSA }
}

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_EC_KEY_PAIR_GEN, pair: Some(generate), ..EC },
    Mechanism { id: CKM_ECDSA, ..ECDSA },
    ecdsa(CKM_ECDSA_SHA1, Hash::Sha1),
    ecdsa(CKM_ECDSA_SHA224, Hash::Sha224),
    ecdsa(CKM_ECDSA_SHA256, Hash::Sha256),
    ecdsa(CKM_ECDSA_SHA384, Hash::Sha384),
    ecdsa(CKM_ECDSA_SHA512, Hash::Sha512),
    Mechanism { id: CKM_ECDH1_DERIVE, shape: Shape::Ecdh, derive: Some(derive), ..EC },
];

/// Hashed when the mechanism is named after a hash, whole otherwise.
fn intake(start: &Start<'_>) -> Intake {
    start.row.hash.map_or_else(Intake::whole, |hash| Intake::Hashed(hash.start()))
}

fn sign(start: &Start<'_>) -> Result<Begun> {
    let Key::EcPrivate(key) = start.key else { return Err(start.wrong_key()) };
    let (key, len) = (key.clone(), 2 * key.curve().order_size());
    let work = move |digest: &[u8]| Ok(Secret::from(key.sign(digest)?));
    Ok(Box::new(Act { intake: intake(start), work, len }))
}

fn verify(start: &Start<'_>) -> Result<Begun> {
    let Key::EcPublic(key) = start.key else { return Err(start.wrong_key()) };
    let key = key.clone();
    let work = move |digest: &[u8], signature: &[u8]| key.verify(digest, signature);
    Ok(Box::new(Check { intake: intake(start), work }))
}

fn derive(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let Key::EcPrivate(key) = start.key else { return Err(start.wrong_key()) };
    let Params::Ecdh { kdf, shared, public } = start.params else {
        return Err(start.wrong_params("a CK_ECDH1_DERIVE_PARAMS is needed"));
    };
    let point = ec::point_from_attribute(key.curve(), public)
        .map_err(|error| start.wrong_params(format!("pPublicData: {}", error.why())))?;
    let secret = key.ecdh(&point)?;
    let hash = match *kdf {
        CKD_NULL if shared.is_empty() => return last(secret, len),
        CKD_NULL => return Err(start.wrong_params("CKD_NULL takes no pSharedData (§6.3.17)")),
        CKD_SHA1_KDF => Hash::Sha1,
        CKD_SHA224_KDF => Hash::Sha224,
        CKD_SHA256_KDF => Hash::Sha256,
        CKD_SHA384_KDF => Hash::Sha384,
        CKD_SHA512_KDF => Hash::Sha512,
        other => return Err(start.wrong_params(format!("kdf {other:#x} is none of this token"))),
    };
    Ok(kdf::x963(hash, &secret, shared, len.unwrap_or(hash.len())))
}

/// The last `len` bytes: truncation removes bytes from the leading end (§6.3.17).
pub(super) fn last(secret: Secret, len: Option<usize>) -> Result<Secret> {
    match len {
        None => Ok(secret),
        Some(len) if len <= secret.len() => Ok(secret.expose()[secret.len() - len..].into()),
        Some(len) => Err(Rv::KeySizeRange
            .because(format!("{len} bytes are asked, the shared secret has only {}", secret.len()))),
    }
}

fn generate(making: &mut Making<'_>) -> Result<(Attributes, Attributes)> {
    let curve = Curve::from_params(making.template.need(CKA_EC_PARAMS)?)?;
    let (scalar, point) = ec::generate(curve, making.fill)?;
    let public = Attributes::default()
        .with(CKA_EC_PARAMS, Value::Bytes(curve.params().to_vec()))
        .with(CKA_EC_POINT, Value::Bytes(ec::point_to_attribute(&point)));
    Ok((public, key::from_scalar(curve, scalar, &point)))
}
