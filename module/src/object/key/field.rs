//! Keys and domain parameters of DSA and Diffie-Hellman (PKCS#11 v3.2 §6.2, §6.4).

use std::sync::Arc;

use crate::crypto::field::{self, Domain, FieldKey};
use crate::crypto::spki;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};

use super::super::attributes::{Attributes, Value};
use super::{Key, computed};

/// The group in the attributes of a key of this type, or of a template for one.
pub fn domain(kind: CK_KEY_TYPE, attributes: &Attributes) -> Result<Domain> {
    let subprime = match kind {
        CKK_DSA => Some(attributes.need(CKA_SUBPRIME)?.to_vec()),
        _ => None,
    };
    let (prime, base) = (attributes.need(CKA_PRIME)?.to_vec(), attributes.need(CKA_BASE)?.to_vec());
    Ok(Domain { prime, subprime, base })
}

fn domain_of(attributes: &Attributes) -> Result<Domain> {
    domain(attributes.ulong(CKA_KEY_TYPE).unwrap_or(CKK_DSA), attributes)
}

/// The attributes of a group.
pub fn group(domain: &Domain) -> Attributes {
    let mut attributes = Attributes::default()
        .with(CKA_PRIME, Value::Bytes(domain.prime.clone()))
        .with(CKA_BASE, Value::Bytes(domain.base.clone()));
    if let Some(subprime) = &domain.subprime {
        attributes.set(CKA_SUBPRIME, Value::Bytes(subprime.clone()));
    }
    attributes
}

/// The attributes of a private key.
pub fn private(domain: &Domain, value: Secret) -> Attributes {
    group(domain).with(CKA_VALUE, Value::Secret(value))
}

pub fn parse_public(attributes: &Attributes) -> Result<Key> {
    let key = FieldKey::public(domain_of(attributes)?, attributes.need(CKA_VALUE)?)?;
    Ok(Key::FieldPublic(Arc::new(key)))
}

pub fn parse_private(attributes: &Attributes) -> Result<Key> {
    let key = FieldKey::private(domain_of(attributes)?, attributes.need(CKA_VALUE)?.into())?;
    Ok(Key::FieldPrivate(Arc::new(key)))
}

pub fn settle_public(attributes: &mut Attributes) -> Result<()> {
    let (domain, value) = (domain_of(attributes)?, attributes.need(CKA_VALUE)?.to_vec());
    field::check_public(&domain, &value)?;
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(spki::field(&domain, &value)))
}

pub fn settle_private(attributes: &mut Attributes) -> Result<()> {
    let (domain, value) = (domain_of(attributes)?, Secret::from(attributes.need(CKA_VALUE)?));
    let public = field::public(&domain, &value)?;
    if domain.subprime.is_none() {
        let first = value.expose().first().map_or(0, |first| first.leading_zeros() as usize);
        attributes.set(CKA_VALUE_BITS, Value::Ulong((8 * value.len() - first) as u64));
    }
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(spki::field(&domain, &public)))
}

/// Domain parameters: checked, and measured.
pub fn settle_domain(attributes: &mut Attributes) -> Result<()> {
    let domain = domain_of(attributes)?;
    domain.check()?;
    let measure = |attributes: &mut Attributes, attribute, bits: usize| match attributes.ulong(attribute) {
        Some(asked) if asked != bits as u64 => {
            Err(Rv::AttributeValueInvalid.because("the size is not that of the number"))
        }
        _ => {
            attributes.set(attribute, Value::Ulong(bits as u64));
            Ok(())
        }
    };
    measure(attributes, CKA_PRIME_BITS, domain.bits())?;
    match domain.subprime_size() {
        0 => Ok(()),
        size => measure(attributes, CKA_SUBPRIME_BITS, 8 * size),
    }
}

pub fn encode(attributes: &Attributes) -> Result<Secret> {
    Ok(field::to_pkcs8(&domain_of(attributes)?, &attributes.need(CKA_VALUE)?.into()))
}

pub fn decode(kind: CK_KEY_TYPE, der: &[u8]) -> Result<Attributes> {
    let (domain, value) = field::from_pkcs8(kind == CKK_DSA, der)?;
    Ok(private(&domain, value))
}
