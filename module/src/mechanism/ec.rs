//! Elliptic curves over prime fields (PKCS#11 v3.2 §6.3): key pairs and ECDSA; their agreement is in `agreement.rs`.

use crate::crypto::ec::{self, Curve};
use crate::crypto::hash::Hash;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Secret};
use crate::object::{Attributes, Key, Value, key};

use super::operation::{Act, Check, Intake};
use super::{Begun, Making, Mechanism, Params, ROW, Shape, Start};

/// What every mechanism on these curves has in common, agreement too.
pub(super) const EC: Mechanism = Mechanism {
    keys: &[CKK_EC],
    sizes: (192, 521),
    flags: CKF_EC_F_P
        | CKF_EC_OID
        | CKF_EC_CURVENAME
        | CKF_EC_ECPARAMETERS
        | CKF_EC_UNCOMPRESS
        | CKF_EC_COMPRESS,
    ..ROW
};

/// The parameter is none of the standard's for ECDSA: a caller may ask for a deterministic signature by its hedgeVariant.
const ECDSA: Mechanism =
    Mechanism { shape: Shape::SignContext, sign: Some(sign), verify: Some(verify), ..EC };

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
    ecdsa(CKM_ECDSA_SHA3_224, Hash::Sha3_224),
    ecdsa(CKM_ECDSA_SHA3_256, Hash::Sha3_256),
    ecdsa(CKM_ECDSA_SHA3_384, Hash::Sha3_384),
    ecdsa(CKM_ECDSA_SHA3_512, Hash::Sha3_512),
];

/// Hashed when the mechanism is named after a hash, whole otherwise.
fn intake(start: &Start<'_>) -> Intake {
    start.row.hash.map_or_else(Intake::whole, |hash| Intake::Hashed(hash.start()))
}

/// Whether a signature has fresh randomness in it, or is that of RFC 6979.
fn hedged(start: &Start<'_>) -> Result<bool> {
    match start.params {
        Params::None => start.hedged(CKH_HEDGE_PREFERRED),
        Params::SignContext { hedge, context, .. } if context.is_empty() => start.hedged(*hedge),
        _ => Err(start.wrong_params("ECDSA has no context")),
    }
}

/// The hash that digests of this length are usually of.
fn usual(len: usize) -> Hash {
    const USUAL: [Hash; 5] = [Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512];
    USUAL.into_iter().find(|hash| hash.len() == len).unwrap_or(Hash::Sha256)
}

fn sign(start: &Start<'_>) -> Result<Begun> {
    let Key::EcPrivate(key) = start.key else { return Err(start.wrong_key()) };
    let (key, len) = (key.clone(), 2 * key.curve().order_size());
    let (hedged, hash) = (hedged(start)?, start.row.hash);
    let work = move |digest: &[u8]| {
        Ok(Secret::from(match hedged {
            true => key.sign(digest)?,
            false => key.sign_deterministic(hash.unwrap_or_else(|| usual(digest.len())), digest)?,
        }))
    };
    Ok(Box::new(Act { intake: intake(start), work, len }))
}

fn verify(start: &Start<'_>) -> Result<Begun> {
    let Key::EcPublic(key) = start.key else { return Err(start.wrong_key()) };
    hedged(start)?;
    let key = key.clone();
    let work = move |digest: &[u8], signature: &[u8]| key.verify(digest, signature);
    Ok(Box::new(Check { intake: intake(start), work }))
}

fn generate(making: &mut Making<'_>) -> Result<(Attributes, Attributes)> {
    let curve = Curve::from_params(making.template.need(CKA_EC_PARAMS)?)?;
    let (scalar, point) = ec::generate(curve, making.fill)?;
    let public = Attributes::default()
        .with(CKA_EC_PARAMS, Value::Bytes(curve.params().to_vec()))
        .with(CKA_EC_POINT, Value::Bytes(ec::point_to_attribute(&point)));
    Ok((public, key::from_scalar(curve, scalar, &point)))
}
