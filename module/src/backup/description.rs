//! The private key description of PKCS#15 (ISO 7816-15) that goes with a wrapped key: label, ID, usage.

use crate::crypto::tlv::{BIT_STRING, INTEGER, OCTET_STRING, SEQUENCE, context, put, put_number};

use super::tlv;

/// What kind of key is described: the outermost tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rsa,
    Ec,
    Secret,
}

/// Kinds and their tags.
const TAGS: [(Kind, u8); 3] = [(Kind::Rsa, SEQUENCE), (Kind::Ec, context(0)), (Kind::Secret, context(8))];

const UTF8: u8 = 0x0c;

/// A key's description. Nothing in it is authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub kind: Kind,
    pub label: Vec<u8>,
    pub id: Vec<u8>,
    /// Named bits, the first of them the highest: encrypt, decrypt, sign, signRecover, wrap, unwrap, verify,
    /// verifyRecover, derive, nonRepudiation.
    pub usage: u16,
    /// Of the modulus or the field; of a secret key its length. 0: not told.
    pub bits: u16,
}

/// Bits of [`Description::usage`], in the order of the standard.
pub const ENCRYPT: u16 = 0x8000;
pub const DECRYPT: u16 = 0x4000;
pub const SIGN: u16 = 0x2000;
pub const SIGN_RECOVER: u16 = 0x1000;
pub const WRAP: u16 = 0x0800;
pub const UNWRAP: u16 = 0x0400;
pub const VERIFY: u16 = 0x0200;
pub const DERIVE: u16 = 0x0080;

/// Reads a description; what is not known is passed over. `None` when it is none.
pub fn read(mut bytes: &[u8]) -> Option<Description> {
    let outer = tlv::next(&mut bytes)?;
    let (kind, _) = *TAGS.iter().find(|(_, tag)| u32::from(*tag) == outer.tag)?;
    let mut parts = tlv::all(outer.value);
    let mut sequence = || parts.next().filter(|part| part.tag == u32::from(SEQUENCE));
    let (object, key) = (sequence()?.value, sequence()?.value);
    let first = |value, tag: u8| {
        tlv::all(value).find(|element| element.tag == u32::from(tag)).map(|element| element.value)
    };
    Some(Description {
        kind,
        label: first(object, UTF8).unwrap_or_default().to_vec(),
        id: first(key, OCTET_STRING).unwrap_or_default().to_vec(),
        // The second BIT STRING would be the access flags.
        usage: first(key, BIT_STRING).map_or(0, named_bits),
        bits: bits(kind, parts.map(|part| part.value)).unwrap_or(0),
    })
}

fn named_bits(value: &[u8]) -> u16 {
    let byte = |at| value.get(at).copied().map_or(0, u16::from);
    byte(1) << 8 | byte(2)
}

/// `A1 { SEQUENCE { …, INTEGER } }`, or for a secret key `A0 { SEQUENCE { INTEGER } }`.
fn bits<'a>(kind: Kind, parts: impl Iterator<Item = &'a [u8]>) -> Option<u16> {
    let last = match kind {
        Kind::Secret => parts.take(1).last()?,
        _ => parts.last()?,
    };
    let inner = tlv::all(last).next()?.value;
    let number = tlv::all(inner).find(|element| element.tag == u32::from(INTEGER))?.value;
    let number =
        number.iter().try_fold(0u32, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()))?;
    u16::try_from(number).ok()
}

/// Writes a description, as OpenSC reads it.
pub fn write(of: &Description) -> Vec<u8> {
    let tag = TAGS.iter().find(|(kind, _)| *kind == of.kind).map_or(SEQUENCE, |(_, tag)| *tag);
    let label = put(UTF8, &[&of.label]);
    let object = put(SEQUENCE, &[label.expose()]);
    let (id, usage) = (put(OCTET_STRING, &[&of.id]), put_bits(of.usage));
    let key = put(SEQUENCE, &[id.expose(), &usage]);
    let number = put_number(&of.bits.to_be_bytes());
    let attributes = match of.kind {
        Kind::Secret => put(context(0), &[put(SEQUENCE, &[number.expose()]).expose()]),
        _ => {
            let path = put(SEQUENCE, &[put(OCTET_STRING, &[]).expose()]);
            put(context(1), &[put(SEQUENCE, &[path.expose(), number.expose()]).expose()])
        }
    };
    put(tag, &[object.expose(), key.expose(), attributes.expose()]).expose().to_vec()
}

/// A BIT STRING of named bits: zeros at its end are left out (X.690 §11.2.2).
fn put_bits(bits: u16) -> Vec<u8> {
    let unused = bits.trailing_zeros().min(16) as u8;
    let bytes = bits.to_be_bytes();
    let used = bytes.len() - usize::from(unused) / 8;
    put(BIT_STRING, &[&[unused % 8], &bytes[..used]]).expose().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Part F of the design's worked example, and one that a real Nitrokey wrote.
    #[test]
    fn descriptions_of_others_are_read_and_ours_is_bit_exact() {
        let known = "a03130060c0464656d6f301b04140102030405060708090a0b0c0d0e0f10111213140303072080a10a30083002040002020100";
        let read = read(&hex::decode(known).unwrap()).unwrap();
        assert_eq!((read.kind, &read.label[..], read.id.len(), read.bits), (Kind::Ec, &b"demo"[..], 20, 256));
        assert_eq!(read.usage, SIGN | DERIVE);
        assert_eq!(hex::encode(write(&read)), known);
        let nitrokey = format!(
            "a03f30110c086274632d74657374030206c0040101301e0414{}0303073080020101a10a30083002040002020100",
            "11".repeat(20)
        );
        let nitrokey = super::read(&hex::decode(nitrokey).unwrap()).unwrap();
        assert_eq!((&nitrokey.label[..], &nitrokey.id[..]), (&b"btc-test"[..], &[0x11; 20][..]));
        assert_eq!(nitrokey.usage, SIGN | SIGN_RECOVER | DERIVE);
        let aes = "a81e30020c003008040136030307c010a006300402020100a106300430020400";
        let aes = super::read(&hex::decode(aes).unwrap()).unwrap();
        assert_eq!((aes.kind, aes.label.len(), &aes.id[..], aes.bits), (Kind::Secret, 0, &b"6"[..], 256));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(label: String, id: Vec<u8>, usage: u16, bits in 1u16..=16384, kind in 0..3usize) {
            let (label, kind) = (label.into_bytes(), TAGS[kind].0);
            let description = Description { kind, label, id, usage: usage & 0xff80, bits };
            prop_assert_eq!(read(&write(&description)), Some(description));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(mut bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
            read(&bytes);
            bytes = hex::decode("a03130060c0464656d6f301b04140102030405060708090a0b0c0d0e0f10111213140303072080a10a30083002040002020100").unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            read(&bytes);
        }
    }
}
