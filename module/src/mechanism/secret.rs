//! Secret keys of any type: generation, and what unwrapping one can say.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::object::{Attributes, Value, key};

use super::{Making, Mechanism, ROW, Unit};

pub const ROWS: &[Mechanism] = &[Mechanism {
    id: CKM_GENERIC_SECRET_KEY_GEN,
    keys: &[
        CKK_GENERIC_SECRET,
        CKK_SHA_1_HMAC,
        CKK_SHA224_HMAC,
        CKK_SHA256_HMAC,
        CKK_SHA384_HMAC,
        CKK_SHA512_HMAC,
        CKK_HKDF,
    ],
    sizes: (1, 65_536),
    unit: Unit::Bytes,
    generate: Some(generate),
    ..ROW
}];

/// A random key of CKA_VALUE_LEN bytes.
pub fn generate(making: &mut Making<'_>) -> Result<Attributes> {
    let kind = making.template.ulong(CKA_KEY_TYPE).unwrap_or(CKK_GENERIC_SECRET);
    let len = making.template.ulong(CKA_VALUE_LEN).unwrap_or(0);
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    key::check_length(kind, len)?;
    let mut value = Secret::zeroed(len);
    (making.fill)(value.expose_mut())?;
    Ok(Attributes::default().with(CKA_VALUE, Value::Secret(value)))
}

/// What a failed decryption is called when a key was expected.
pub fn not_a_key(error: Error) -> Error {
    match error.rv() {
        Rv::EncryptedDataInvalid => Rv::WrappedKeyInvalid.because(error.why().to_owned()),
        Rv::EncryptedDataLenRange => Rv::WrappedKeyLenRange.because(error.why().to_owned()),
        _ => error,
    }
}
