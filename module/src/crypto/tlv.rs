//! DER in small: what goes in, what comes out, strictly.

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader};

use crate::cryptoki::Secret;

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OID: u8 = 0x06;
pub const PRINTABLE_STRING: u8 = 0x13;
pub const SEQUENCE: u8 = 0x30;
/// `[n]`, constructed.
pub const fn context(n: u8) -> u8 {
    0xa0 | n
}

/// Tag, length, and the parts one behind the other. Allocated once: no part of a secret stays behind.
pub fn put(tag: u8, parts: &[&[u8]]) -> Secret {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let digits = len.to_be_bytes();
    let digits = &digits[digits.iter().take_while(|byte| **byte == 0).count()..];
    let mut out = Vec::with_capacity(2 + digits.len() + len);
    out.push(tag);
    if len >= 0x80 {
        // At most eight digits, so no bit is lost.
        out.push(0x80 | digits.len() as u8);
        out.extend_from_slice(digits);
    } else {
        out.push(len as u8);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Secret::from(out)
}

/// A positive INTEGER of these big-endian bytes.
pub fn put_number(bytes: &[u8]) -> Secret {
    let bytes = trim(bytes);
    match bytes.first() {
        Some(first) if *first < 0x80 => put(INTEGER, &[bytes]),
        _ => put(INTEGER, &[&[0], bytes]),
    }
}

/// Big-endian bytes without their leading zeros; nothing for zero.
pub fn trim(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

/// Reads one element after the other; `None` is anything that is not DER.
pub struct Elements<'a>(SliceReader<'a>);

impl<'a> Elements<'a> {
    /// Over bytes that hold elements and nothing else.
    pub fn new(bytes: &'a [u8]) -> Option<Elements<'a>> {
        SliceReader::new(bytes).ok().map(Elements)
    }

    /// The contents of the next element, if it has this tag.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let found = self.tag()? == tag;
        let next = AnyRef::decode(&mut self.0).ok()?;
        found.then(|| next.value())
    }

    /// The next element as it stands, tag and length included.
    pub fn whole(&mut self) -> Option<&'a [u8]> {
        self.0.tlv_bytes().ok()
    }

    /// The tag of the next element.
    pub fn tag(&self) -> Option<u8> {
        self.0.peek_byte()
    }

    /// The bytes of a positive INTEGER, without leading zeros.
    pub fn number(&mut self) -> Option<&'a [u8]> {
        let bytes = self.take(INTEGER)?;
        (bytes.first()? & 0x80 == 0).then(|| trim(bytes))
    }

    /// The bytes of a BIT STRING of whole bytes.
    pub fn bits(&mut self) -> Option<&'a [u8]> {
        let (unused, bytes) = self.take(BIT_STRING)?.split_first()?;
        (*unused == 0).then_some(bytes)
    }

    /// Over the contents of the next element, a SEQUENCE.
    pub fn sequence(&mut self) -> Option<Elements<'a>> {
        Elements::new(self.take(SEQUENCE)?)
    }

    /// True when nothing is left.
    pub fn done(&self) -> bool {
        self.0.is_finished()
    }
}

/// The contents of `bytes`, if they are exactly one element with this tag.
pub fn only(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    let mut elements = Elements::new(bytes)?;
    let value = elements.take(tag)?;
    elements.done().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_der() {
        assert_eq!(put(OCTET_STRING, &[]).expose(), [4, 0]);
        assert_eq!(put(OCTET_STRING, &[&[1; 127]]).expose()[..2], [4, 127]);
        assert_eq!(put(OCTET_STRING, &[&[1; 128]]).expose()[..3], [4, 0x81, 128]);
        assert_eq!(put(OCTET_STRING, &[&[1; 300]]).expose()[..4], [4, 0x82, 1, 44]);
        assert_eq!(put_number(&[0, 0]).expose(), [2, 1, 0]);
        assert_eq!(put_number(&[0, 0x80]).expose(), [2, 2, 0, 0x80]);
        assert_eq!(only(OCTET_STRING, &[4, 0x81, 1, 7]), None);
        assert_eq!(only(OCTET_STRING, &[4, 1, 7, 0]), None);
        assert_eq!(only(OCTET_STRING, &[4, 2, 7]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            if let Some(mut elements) = Elements::new(&bytes) {
                elements.tag();
                elements.bits();
                elements.number();
                elements.sequence();
                elements.whole();
            }
            let element = put(SEQUENCE, &[&bytes]);
            prop_assert_eq!(only(SEQUENCE, element.expose()), Some(&bytes[..]));
        }
    }
}
