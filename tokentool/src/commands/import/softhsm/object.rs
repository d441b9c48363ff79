//! Object files of SoftHSM 2: a generation number, then attributes with type, kind and value, big-endian throughout.

use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::*;

/// A value as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    Bool(bool),
    Ulong(u64),
    Bytes(Secret),
    Map(Vec<(CK_ATTRIBUTE_TYPE, Raw)>),
    Mechanisms(Vec<u64>),
}

/// The attributes of an object, in the order of the file.
pub type Attributes = Vec<(CK_ATTRIBUTE_TYPE, Raw)>;

/// How deep templates may lie in each other.
const DEPTH: usize = 4;

/// Reads a file; none when it is damaged.
pub fn read(bytes: &[u8]) -> Option<Attributes> {
    let mut bytes = bytes;
    ulong(&mut bytes)?;
    attributes(bytes, 0)
}

fn attributes(mut bytes: &[u8], depth: usize) -> Option<Attributes> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (attribute, kind) = (ulong(&mut bytes)?, ulong(&mut bytes)?);
        let value = match kind {
            1 => Raw::Bool(take(&mut bytes, 1)? != [0]),
            2 => Raw::Ulong(ulong(&mut bytes)?),
            3 => Raw::Bytes(counted(&mut bytes)?.into()),
            4 if depth < DEPTH => Raw::Map(attributes(counted(&mut bytes)?, depth + 1)?),
            5 => {
                let number = ulong(&mut bytes)?;
                Raw::Mechanisms((0..number).map(|_| ulong(&mut bytes)).collect::<Option<_>>()?)
            }
            _ => return None,
        };
        found.push((attribute, value));
    }
    Some(found)
}

fn ulong(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes, 8)?.try_into().ok().map(u64::from_be_bytes)
}

fn counted<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(ulong(bytes)?).ok()?;
    take(bytes, length)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_and_a_file_that_ends_early_is_nothing() {
        let number = |number: u64| number.to_be_bytes().to_vec();
        let parts = [
            [number(7), number(CKA_TOKEN), number(1), vec![0xff]].concat(),
            [number(CKA_CLASS), number(2), number(CKO_DATA)].concat(),
            [number(CKA_LABEL), number(3), number(2), b"ab".to_vec()].concat(),
            [number(CKA_WRAP_TEMPLATE), number(4), number(17), number(CKA_SIGN), number(1), vec![0]].concat(),
            [number(CKA_ALLOWED_MECHANISMS), number(5), number(1), number(CKM_ECDSA)].concat(),
        ];
        let expected = [
            (CKA_TOKEN, Raw::Bool(true)),
            (CKA_CLASS, Raw::Ulong(CKO_DATA)),
            (CKA_LABEL, Raw::Bytes(b"ab"[..].into())),
            (CKA_WRAP_TEMPLATE, Raw::Map(vec![(CKA_SIGN, Raw::Bool(false))])),
            (CKA_ALLOWED_MECHANISMS, Raw::Mechanisms(vec![CKM_ECDSA])),
        ];
        let file = parts.concat();
        assert_eq!(read(&file).unwrap(), expected);
        let mut ends = vec![8];
        parts.iter().fold(0, |end, part| {
            ends.push(end + part.len());
            end + part.len()
        });
        for end in (0..file.len()).filter(|end| !ends.contains(end)) {
            assert_eq!(read(&file[..end]), None, "{end}");
        }
    }
}
