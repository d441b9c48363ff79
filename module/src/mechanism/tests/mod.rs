//! The rows at work, without a token: keys from attributes, operations in one part and in many.

mod ec;
mod edwards;
mod field;
mod known_curves;
mod pq;
mod rsa;

use super::*;
use crate::object::{Attributes, Birth, Object, Sort, Value, key};

/// What a key is made of.
pub type Parts<'a> = &'a [(CK_ATTRIBUTE_TYPE, Value)];

pub fn unhex(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

pub fn bytes(hex: &str) -> Value {
    Value::Bytes(unhex(hex))
}

pub fn secret(hex: &str) -> Value {
    Value::Secret(unhex(hex).into())
}

/// The code of a refusal.
pub fn refused<T>(result: Result<T>) -> Rv {
    result.err().expect("must be refused").rv()
}

/// A key as C_CreateObject makes it.
pub fn create(class: CK_OBJECT_CLASS, kind: CK_KEY_TYPE, parts: Parts) -> Result<Object> {
    let mut attributes = Attributes::default()
        .with(CKA_CLASS, Value::Ulong(class))
        .with(CKA_KEY_TYPE, Value::Ulong(kind))
        .with(CKA_EXTRACTABLE, Value::Bool(true));
    for (attribute, value) in parts {
        attributes.set(*attribute, value.clone());
    }
    Object::born(attributes, Birth::Create)
}

pub fn public(kind: CK_KEY_TYPE, parts: Parts) -> Object {
    create(CKO_PUBLIC_KEY, kind, parts).unwrap()
}

pub fn private(kind: CK_KEY_TYPE, parts: Parts) -> Object {
    create(CKO_PRIVATE_KEY, kind, parts).unwrap()
}

/// A key pair as C_GenerateKeyPair makes it.
pub fn generate(id: CK_MECHANISM_TYPE, parts: Parts) -> Result<(Object, Object)> {
    let row = find(id)?;
    let mut template = Attributes::default();
    for (attribute, value) in parts {
        template.set(*attribute, value.clone());
    }
    let (world, private) = (Emulation::new(None), template.clone());
    let mut fill = |bytes: &mut [u8]| world.fill(bytes);
    let mut making =
        Making { row, params: &Params::None, template: &template, private: &private, fill: &mut fill };
    let (made_public, made_private) = row.pair.expect("makes pairs")(&mut making)?;
    let born = |class, made: Attributes| {
        let mut attributes = template.clone();
        attributes.set(CKA_CLASS, Value::Ulong(class));
        attributes.set(CKA_KEY_TYPE, Value::Ulong(row.keys[0]));
        attributes.set(CKA_EXTRACTABLE, Value::Bool(true));
        attributes.absorb(made);
        Object::born(attributes, Birth::Generate(id))
    };
    Ok((born(CKO_PUBLIC_KEY, made_public)?, born(CKO_PRIVATE_KEY, made_private)?))
}

/// Works with a key, after the checks that C_…Init makes.
pub fn with<T>(
    id: CK_MECHANISM_TYPE,
    params: &Params,
    key: &Object,
    work: impl FnOnce(&Mechanism, &Start) -> Result<T>,
) -> Result<T> {
    let (row, world) = (find(id)?, Emulation::new(None));
    row.suits(key.sort().kind, key.key()?)?;
    work(row, &Start { row, params, key: key.key()?, emulation: &world })
}

/// Signs, in three parts when the mechanism hashes.
pub fn sign(id: CK_MECHANISM_TYPE, params: &Params, key: &Object, data: &[u8]) -> Result<Vec<u8>> {
    with(id, params, key, |row, start| {
        let mut begun = row.sign.expect("signs")(start)?;
        let mut out = Vec::new();
        for part in [&data[..data.len() / 3], &data[data.len() / 3..data.len() / 2], &data[data.len() / 2..]]
        {
            begun.update(part, &mut out)?;
        }
        let room = begun.rest(0);
        begun.finish(&mut out)?;
        assert!(out.len() <= room, "{} says {room} bytes and gives {}", row.name(), out.len());
        Ok(out)
    })
}

/// Judges a signature over data that come in one part.
pub fn verify(
    id: CK_MECHANISM_TYPE,
    params: &Params,
    key: &Object,
    data: &[u8],
    signature: &[u8],
) -> Result<()> {
    with(id, params, key, |row, start| {
        let mut begun = row.verify.expect("verifies")(start)?;
        begun.update(data, &mut Vec::new())?;
        begun.verify(signature)
    })
}

pub fn wrap(id: CK_MECHANISM_TYPE, params: &Params, key: &Object, target: &[u8]) -> Result<Vec<u8>> {
    with(id, params, key, |row, start| Ok(row.wrap.expect("wraps")(start, target)?.expose().to_vec()))
}

pub fn unwrap(id: CK_MECHANISM_TYPE, params: &Params, key: &Object, wrapped: &[u8]) -> Result<Secret> {
    with(id, params, key, |row, start| row.unwrap.expect("unwraps")(start, wrapped))
}

/// A private key leaves as PKCS#8 and comes back the same.
pub fn goes_and_comes(object: &Object) -> Secret {
    let der = key::encode(object.attributes()).unwrap();
    let sort: Sort = object.sort();
    let mut back = key::decode(sort, der.clone()).unwrap();
    back.set(CKA_CLASS, Value::Ulong(sort.class));
    back.set(CKA_KEY_TYPE, Value::Ulong(sort.kind));
    let back = Object::born(back, Birth::Unwrap).unwrap();
    for (attribute, value) in object.attributes().iter() {
        let own = matches!(
            attribute,
            CKA_EXTRACTABLE
                | CKA_LOCAL
                | CKA_KEY_GEN_MECHANISM
                | CKA_ALWAYS_SENSITIVE
                | CKA_NEVER_EXTRACTABLE
        );
        assert!(own || back.attributes().of(attribute) == Some(value), "{}", names::attribute(attribute));
    }
    der
}

#[test]
fn a_signature_comes_with_its_verification_and_a_wrapping_with_its_unwrapping() {
    for row in all() {
        assert_eq!(row.sign.is_some(), row.verify.is_some(), "{}", row.name());
        assert_eq!(row.encrypt.is_some(), row.decrypt.is_some(), "{}", row.name());
        assert_eq!(row.wrap.is_some(), row.unwrap.is_some(), "{}", row.name());
    }
}
