//! Curve25519 and Curve448 (PKCS#11 v3.2 §6.3.13 – §6.3.16): key pairs and EdDSA; their agreement is in `agreement.rs`.

use crate::crypto::edwards::{self, Curve, Eddsa, Family};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Secret};
use crate::object::{Attributes, Key, key};

use super::operation::{Act, Check, Intake};
use super::{Begun, Making, Mechanism, Params, ROW, Shape, Start};

const FLAGS: CK_FLAGS = CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_COMPRESS;

const EDWARDS: Mechanism = Mechanism { keys: &[CKK_EC_EDWARDS], sizes: (255, 448), flags: FLAGS, ..ROW };

const MONTGOMERY: Mechanism = Mechanism { keys: &[CKK_EC_MONTGOMERY], ..EDWARDS };

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_EC_EDWARDS_KEY_PAIR_GEN, pair: Some(|it| generate(Family::Edwards, it)), ..EDWARDS },
    Mechanism {
        id: CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
        pair: Some(|it| generate(Family::Montgomery, it)),
        ..MONTGOMERY
    },
    Mechanism { id: CKM_EDDSA, shape: Shape::Eddsa, sign: Some(sign), verify: Some(verify), ..EDWARDS },
];

fn generate(family: Family, making: &mut Making<'_>) -> Result<(Attributes, Attributes)> {
    let curve = Curve::from_params(family, making.template.need(CKA_EC_PARAMS)?)?;
    let (value, point) = edwards::generate(curve, making.fill)?;
    Ok((key::edwards::public(curve, &point), key::edwards::private(curve, value, &point)))
}

/// CK_EDDSA_PARAMS, owned: which variant, and its context.
struct Variant {
    prehash: bool,
    context: Vec<u8>,
}

impl Variant {
    /// No parameter, or one without a flag and a context, means the pure variant (§6.3.15).
    fn of(start: &Start<'_>) -> Result<Variant> {
        match start.params {
            Params::None => Ok(Variant { prehash: false, context: Vec::new() }),
            Params::Eddsa { context, .. } if context.len() > 255 => {
                Err(start.wrong_params("a context has at most 255 bytes (RFC 8032)"))
            }
            Params::Eddsa { prehash, context } => Ok(Variant { prehash: *prehash, context: context.clone() }),
            _ => Err(start.wrong_params("a CK_EDDSA_PARAMS is needed, or none")),
        }
    }

    fn how(&self) -> Eddsa<'_> {
        match (self.prehash, &self.context[..]) {
            (true, context) => Eddsa::Prehash(context),
            (false, []) => Eddsa::Pure,
            (false, context) => Eddsa::Context(context),
        }
    }
}

fn sign(start: &Start<'_>) -> Result<Begun> {
    let Key::EdwardsPrivate(key) = start.key else { return Err(start.wrong_key()) };
    let (key, variant) = (key.clone(), Variant::of(start)?);
    let len = key.signature_size();
    let work = move |message: &[u8]| Ok(Secret::from(key.sign(variant.how(), message)?));
    Ok(Box::new(Act { intake: Intake::whole(), work, len }))
}

fn verify(start: &Start<'_>) -> Result<Begun> {
    let Key::EdwardsPublic(key) = start.key else { return Err(start.wrong_key()) };
    let (key, variant) = (key.clone(), Variant::of(start)?);
    let work = move |message: &[u8], signature: &[u8]| key.verify(variant.how(), message, signature);
    Ok(Box::new(Check { intake: Intake::whole(), work }))
}
