//! Attributes as bytes in the store: independent of the machine's word size and byte order.
//!
//! `version 1 | (type u64 | tag u8 | length u32 | value)*`, everything big-endian.

use crate::cryptoki::{Result, Rv, Secret};

use super::attributes::{Attributes, Value};

const VERSION: u8 = 1;

/// The attributes as bytes.
pub fn encode(attributes: &Attributes) -> Secret {
    let mut out = Vec::with_capacity(64 + encoded_size(attributes));
    out.push(VERSION);
    put(&mut out, attributes);
    out.into()
}

/// An upper bound, so that the buffer with the key material is never moved and left behind.
fn encoded_size(attributes: &Attributes) -> usize {
    attributes
        .iter()
        .map(|(_, value)| {
            32 + match value {
                Value::Template(nested) => encoded_size(nested),
                other => other.size() * 2,
            }
        })
        .sum()
}

fn put(out: &mut Vec<u8>, attributes: &Attributes) {
    for (attribute, value) in attributes.iter() {
        out.extend(attribute.to_be_bytes());
        let (tag, len_at) = (tag(value), out.len() + 1);
        out.extend([tag, 0, 0, 0, 0]);
        match value {
            Value::Bool(yes) => out.push(u8::from(*yes)),
            Value::Ulong(number) => out.extend(number.to_be_bytes()),
            Value::Bytes(bytes) => out.extend(bytes),
            Value::Secret(secret) => out.extend(secret.expose()),
            Value::Ulongs(numbers) => numbers.iter().for_each(|n| out.extend(n.to_be_bytes())),
            Value::Template(nested) => put(out, nested),
        }
        let len = (out.len() - len_at - 4) as u32;
        out[len_at..len_at + 4].copy_from_slice(&len.to_be_bytes());
    }
}

fn tag(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 1,
        Value::Ulong(_) => 2,
        Value::Bytes(_) => 3,
        Value::Secret(_) => 4,
        Value::Ulongs(_) => 5,
        Value::Template(_) => 6,
    }
}

/// The attributes again.
///
/// # Errors
/// CKR_DEVICE_ERROR when the bytes are not what [`encode`] writes, or of a newer version.
pub fn decode(bytes: &[u8]) -> Result<Attributes> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => take(rest, 0),
        Some((version, _)) => Err(Rv::DeviceError.because(format!(
            "the object is of encoding version {version}, this Tokenkeep knows version {VERSION}"
        ))),
        None => Err(damaged()),
    }
}

fn take(mut bytes: &[u8], depth: usize) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at_checked(13).ok_or_else(damaged)?;
        let len = u32::from_be_bytes([head[9], head[10], head[11], head[12]]) as usize;
        let (value, rest) = rest.split_at_checked(len).ok_or_else(damaged)?;
        let value = match (head[8], value) {
            (1, [yes]) => Value::Bool(*yes != 0),
            (2, value) => Value::Ulong(number(value)?),
            (3, value) => Value::Bytes(value.to_vec()),
            (4, value) => Value::Secret(value.into()),
            (5, value) => Value::Ulongs(value.chunks(8).map(number).collect::<Result<_>>()?),
            (6, value) if depth < 4 => Value::Template(take(value, depth + 1)?),
            _ => return Err(damaged()),
        };
        attributes.set(number(&head[..8])?, value);
        bytes = rest;
    }
    Ok(attributes)
}

fn number(bytes: &[u8]) -> Result<u64> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| damaged())
}

fn damaged() -> crate::cryptoki::Error {
    Rv::DeviceError.because("an object in the token file cannot be read: run `tokentool verify`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cryptoki::ids::*;

    fn sample() -> Attributes {
        Attributes::default()
            .with(CKA_TOKEN, Value::Bool(true))
            .with(CKA_CLASS, Value::Ulong(CKO_SECRET_KEY))
            .with(CKA_LABEL, Value::Bytes(b"key".to_vec()))
            .with(CKA_VALUE, Value::Secret((&[7u8; 32][..]).into()))
            .with(CKA_ALLOWED_MECHANISMS, Value::Ulongs(vec![CKM_AES_GCM, CKM_AES_CBC]))
            .with(
                CKA_WRAP_TEMPLATE,
                Value::Template(Attributes::default().with(CKA_EXTRACTABLE, Value::Bool(true))),
            )
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode(encode(&sample()).expose()).unwrap(), sample());
    }

    #[test]
    fn damaged_bytes_are_refused_and_never_panic() {
        let whole = encode(&sample());
        for len in 0..whole.len() {
            let _ = decode(&whole.expose()[..len]);
            let mut flipped = whole.expose().to_vec();
            flipped[len] ^= 0xff;
            let _ = decode(&flipped);
        }
        assert_eq!(decode(&[2]).unwrap_err().rv(), Rv::DeviceError);
        assert_eq!(decode(&[]).unwrap_err().rv(), Rv::DeviceError);
    }
}
