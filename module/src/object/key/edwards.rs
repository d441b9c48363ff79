//! Keys of CKK_EC_EDWARDS and CKK_EC_MONTGOMERY (PKCS#11 v3.2 §6.3.5, §6.3.6): Curve25519 and Curve448.

use std::sync::Arc;

use crate::crypto::edwards::{self, Curve, Family, PrivateKey, PublicKey};
use crate::crypto::{ec, spki};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};

use super::super::attributes::{Attributes, Value};
use super::super::policy::Sort;
use super::{Key, computed};

/// The family of a key type.
fn family(kind: CK_KEY_TYPE) -> Family {
    match kind {
        CKK_EC_MONTGOMERY => Family::Montgomery,
        _ => Family::Edwards,
    }
}

fn curve(attributes: &Attributes) -> Result<Curve> {
    let kind = attributes.ulong(CKA_KEY_TYPE).unwrap_or(CKK_EC_EDWARDS);
    Curve::from_params(family(kind), attributes.need(CKA_EC_PARAMS)?)
}

/// Whether an object is a key of these types.
pub fn is_one(sort: Sort) -> bool {
    matches!(sort.class, CKO_PUBLIC_KEY | CKO_PRIVATE_KEY)
        && matches!(sort.kind, CKK_EC_EDWARDS | CKK_EC_MONTGOMERY)
}

/// A public value as callers of 2.40 expect CKA_EC_POINT: in a DER OCTET STRING.
pub fn dressed(point: &[u8]) -> Secret {
    ec::point_to_attribute(point).into()
}

/// The public value in a DER OCTET STRING, if that is what it is.
pub fn undressed(dressed: &[u8]) -> Option<Secret> {
    match dressed {
        [4, len, point @ ..] if usize::from(*len) == point.len() && *len < 0x80 => Some(point.into()),
        _ => None,
    }
}

/// The attributes of a public key.
pub fn public(curve: Curve, point: &[u8]) -> Attributes {
    Attributes::default()
        .with(CKA_EC_PARAMS, Value::Bytes(curve.params().to_vec()))
        .with(CKA_EC_POINT, Value::Bytes(point.to_vec()))
}

/// The attributes of a private key.
pub fn private(curve: Curve, value: Secret, point: &[u8]) -> Attributes {
    public(curve, point).with(CKA_VALUE, Value::Secret(value))
}

pub fn parse_public(attributes: &Attributes) -> Result<Key> {
    let curve = curve(attributes)?;
    let point = edwards::point_from_attribute(curve, attributes.need(CKA_EC_POINT)?)?;
    Ok(Key::EdwardsPublic(Arc::new(PublicKey::new(curve, &point)?)))
}

pub fn parse_private(attributes: &Attributes) -> Result<Key> {
    let value = attributes.need(CKA_VALUE)?.into();
    Ok(Key::EdwardsPrivate(Arc::new(PrivateKey::new(curve(attributes)?, &value)?)))
}

pub fn settle_public(attributes: &mut Attributes) -> Result<()> {
    let curve = curve(attributes)?;
    let point = edwards::point_from_attribute(curve, attributes.need(CKA_EC_POINT)?)?;
    attributes.absorb(public(curve, &point));
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(spki::edwards(curve, &point)))
}

pub fn settle_private(attributes: &mut Attributes) -> Result<()> {
    let curve = curve(attributes)?;
    let value: Secret = attributes.need(CKA_VALUE)?.into();
    let key = PrivateKey::new(curve, &value)?;
    if let Some(given) = attributes.bytes(CKA_EC_POINT)
        && edwards::point_from_attribute(curve, given)? != key.public()
    {
        return Err(Rv::AttributeValueInvalid.because("CKA_EC_POINT is not the point of CKA_VALUE"));
    }
    attributes.absorb(private(curve, value, key.public()));
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(spki::edwards(curve, key.public())))
}

pub fn encode(attributes: &Attributes) -> Result<Secret> {
    Ok(edwards::to_pkcs8(curve(attributes)?, &attributes.need(CKA_VALUE)?.into()))
}

pub fn decode(kind: CK_KEY_TYPE, der: &[u8]) -> Result<Attributes> {
    let (curve, value) = edwards::from_pkcs8(family(kind), der)?;
    let key = PrivateKey::new(curve, &value)?;
    Ok(private(curve, value, key.public()))
}
