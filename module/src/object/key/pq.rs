//! Post-quantum keys (PKCS#11 v3.2 §6.67 – §6.69): ML-DSA, ML-KEM, SLH-DSA.

use std::sync::Arc;

use crate::crypto::pq::{self, Family, Pair, PrivateKey, PublicKey, Set};
use crate::crypto::spki;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};

use super::super::attributes::{Attributes, Value};
use super::{Key, computed};

/// The family of a key type.
fn family(kind: CK_KEY_TYPE) -> Family {
    match kind {
        CKK_ML_DSA => Family::MlDsa,
        CKK_ML_KEM => Family::MlKem,
        _ => Family::SlhDsa,
    }
}

/// The parameter set in the attributes of a key, or of the template for one of this type.
pub fn set(kind: CK_KEY_TYPE, attributes: &Attributes) -> Result<Set> {
    let number = attributes
        .ulong(CKA_PARAMETER_SET)
        .ok_or_else(|| Rv::TemplateIncomplete.because("CKA_PARAMETER_SET is missing"))?;
    Set::of(family(kind), number)
}

fn set_of(attributes: &Attributes) -> Result<Set> {
    set(attributes.ulong(CKA_KEY_TYPE).unwrap_or(CKK_ML_DSA), attributes)
}

/// The attributes of the public half.
pub fn public(set: Set, bytes: &[u8]) -> Attributes {
    Attributes::default()
        .with(CKA_PARAMETER_SET, Value::Ulong(set.number()))
        .with(CKA_VALUE, Value::Bytes(bytes.to_vec()))
}

/// The attributes of the private half.
pub fn private(pair: Pair) -> Attributes {
    let mut attributes = Attributes::default()
        .with(CKA_PARAMETER_SET, Value::Ulong(pair.set.number()))
        .with(CKA_PUBLIC_KEY_INFO, Value::Bytes(spki::pq(pair.set, &pair.public)))
        .with(CKA_VALUE, Value::Secret(pair.private));
    if let Some(seed) = pair.seed {
        attributes.set(CKA_SEED, Value::Secret(seed));
    }
    attributes
}

pub fn parse_public(attributes: &Attributes) -> Result<Key> {
    let key = PublicKey::new(set_of(attributes)?, attributes.need(CKA_VALUE)?)?;
    Ok(Key::PqPublic(Arc::new(key)))
}

pub fn parse_private(attributes: &Attributes) -> Result<Key> {
    let key = PrivateKey::new(set_of(attributes)?, &attributes.need(CKA_VALUE)?.into())?;
    Ok(Key::PqPrivate(Arc::new(key)))
}

pub fn settle_public(attributes: &mut Attributes) -> Result<()> {
    let (set, bytes) = (set_of(attributes)?, attributes.need(CKA_VALUE)?.to_vec());
    PublicKey::new(set, &bytes)?;
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(spki::pq(set, &bytes)))
}

/// A key that was made here is whole already; one that was given is completed from its seed, or checked.
pub fn settle_private(attributes: &mut Attributes) -> Result<()> {
    let set = set_of(attributes)?;
    let secret = |attribute| attributes.bytes(attribute).map(Secret::from);
    let pair = match (secret(CKA_SEED), secret(CKA_VALUE)) {
        (Some(_), _) if set.seed_size() == 0 => {
            return Err(Rv::TemplateInconsistent.because("CKA_SEED is no attribute of an SLH-DSA key"));
        }
        (Some(seed), value) => {
            let pair = Pair::from_seed(set, &seed)?;
            if value.is_some_and(|value| value != pair.private) {
                return Err(Rv::AttributeValueInvalid.because("CKA_VALUE does not come from CKA_SEED"));
            }
            pair
        }
        (None, Some(value)) => Pair::from_private(set, &value)?,
        (None, None) => {
            return Err(Rv::TemplateIncomplete.because("CKA_VALUE is missing: a key needs it or CKA_SEED"));
        }
    };
    let info = spki::pq(set, &pair.public);
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(info))?;
    attributes.absorb(private(pair));
    Ok(())
}

pub fn encode(attributes: &Attributes) -> Result<Secret> {
    let (set, private) = (set_of(attributes)?, Secret::from(attributes.need(CKA_VALUE)?));
    let seed = attributes.bytes(CKA_SEED).map(Secret::from);
    // The public half is not part of what is written.
    Ok(pq::to_pkcs8(&Pair { set, seed, private, public: Vec::new() }))
}

pub fn decode(kind: CK_KEY_TYPE, der: &[u8]) -> Result<Attributes> {
    pq::from_pkcs8(family(kind), der).map(private)
}
