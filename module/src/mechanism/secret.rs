//! Secret keys of any type: generation, and what unwrapping one can say.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret, names};
use crate::object::{Attributes, Key, Value, key};

use super::{Making, Mechanism, ROW, Start, Unit};

/// A row whose key is a secret of any type, as the base keys of derivations are.
pub const BASE: Mechanism = Mechanism { keys: key::SECRET_TYPES, unit: Unit::Bytes, ..ROW };

pub const ROWS: &[Mechanism] = &[Mechanism {
    id: CKM_GENERIC_SECRET_KEY_GEN,
    keys: key::FREE_TYPES,
    sizes: (1, 65_536),
    unit: Unit::Bytes,
    generate: Some(generate),
    ..ROW
}];

/// The value of the secret key that an operation begins with.
pub fn value<'a>(start: &Start<'a>) -> Result<&'a Secret> {
    match start.key {
        Key::Secret(value) => Ok(value),
        _ => Err(start.wrong_key()),
    }
}

/// The first `len` bytes of what a derivation gave.
pub fn first(bytes: Secret, len: Option<usize>) -> Result<Secret> {
    match len {
        None => Ok(bytes),
        Some(len) if len <= bytes.len() => Ok(bytes.expose()[..len].into()),
        Some(len) => Err(Rv::KeySizeRange
            .because(format!("{len} bytes are asked, the derivation gives only {}", bytes.len()))),
    }
}

/// A random key of CKA_VALUE_LEN bytes, or as long as its type is.
pub fn generate(making: &mut Making<'_>) -> Result<Attributes> {
    let kind = making.template.ulong(CKA_KEY_TYPE).unwrap_or(CKK_GENERIC_SECRET);
    let len = key::wanted_length(kind, making.template)?.ok_or_else(|| {
        Rv::TemplateIncomplete.because(format!(
            "CKA_VALUE_LEN must be given when a key of {} is generated (PKCS#11 v3.2 §4.1.1)",
            names::key_type(kind)
        ))
    })?;
    let mut value = Secret::zeroed(len);
    (making.fill)(value.expose_mut())?;
    Ok(Attributes::default().with(CKA_VALUE, Value::Secret(key::with_parity(kind, value))))
}

/// A key to be wrapped, filled up with zeros as the row has it.
pub fn filled(start: &Start<'_>, key: &[u8]) -> Secret {
    let mut filled = Secret::zeroed(key.len().next_multiple_of(start.row.fill));
    filled.expose_mut()[..key.len()].copy_from_slice(key);
    filled
}

/// What a failed decryption is called when a key was expected.
pub fn not_a_key(error: Error) -> Error {
    match error.rv() {
        Rv::EncryptedDataInvalid => Rv::WrappedKeyInvalid.because(error.why().to_owned()),
        Rv::EncryptedDataLenRange => Rv::WrappedKeyLenRange.because(error.why().to_owned()),
        _ => error,
    }
}
