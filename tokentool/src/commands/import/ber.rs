//! BER into DER as far as PKCS#12 needs it: NSS and Windows write lengths that are told at the end, and strings in pieces.

/// How deep elements may lie in each other.
const DEPTH: usize = 32;

const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

/// The first element of the bytes, with definite lengths and whole octet strings.
pub fn to_der(bytes: &[u8]) -> Option<Vec<u8>> {
    element(bytes, 0).map(|(der, _)| der)
}

/// An element as DER, and what follows it.
fn element(bytes: &[u8], depth: usize) -> Option<(Vec<u8>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    // No tag of these formats has a number above 30.
    if depth > DEPTH || tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = length(rest)?;
    let (mut value, after) = match length {
        Some(length) => rest.split_at_checked(length)?,
        None => (rest, &[][..]),
    };
    if tag & CONSTRUCTED == 0 {
        length?;
        return Some((put(tag, value), after));
    }
    let (mut parts, string) = (Vec::new(), tag == OCTET_STRING | CONSTRUCTED);
    loop {
        match (length, value) {
            (Some(_), []) => break,
            (None, [0, 0, after @ ..]) => return Some((put(whole(tag, string), &parts), after)),
            _ => {}
        }
        let (part, rest) = element(value, depth + 1)?;
        parts.extend_from_slice(if string { contents(&part)? } else { &part });
        value = rest;
    }
    Some((put(whole(tag, string), &parts), after))
}

fn whole(tag: u8, string: bool) -> u8 {
    if string { tag & !CONSTRUCTED } else { tag }
}

/// A length, none when it is told at the end; and what follows.
fn length(bytes: &[u8]) -> Option<(Option<usize>, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match first {
        0x80 => Some((None, rest)),
        0..0x80 => Some((Some(first.into()), rest)),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.len() <= 4)
                .then(|| digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)))
                .map(|length| (Some(length), rest))
        }
    }
}

/// What is inside an octet string.
fn contents(der: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = der.split_first()?;
    (tag == OCTET_STRING).then_some(())?;
    length(rest).map(|(_, value)| value)
}

fn put(tag: u8, value: &[u8]) -> Vec<u8> {
    tokenkeep::crypto::tlv::put(tag, &[value]).expose().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indefinite_lengths_and_strings_in_pieces_become_whole() {
        let ber = [0x30, 0x80, 2, 1, 3, 0x24, 0x80, 4, 1, 7, 4, 2, 8, 9, 0, 0, 0, 0];
        assert_eq!(to_der(&ber).unwrap(), [0x30, 8, 2, 1, 3, 4, 3, 7, 8, 9]);
        assert_eq!(to_der(&[0x30, 0x81, 3, 2, 1, 3]).unwrap(), [0x30, 3, 2, 1, 3]);
    }

    #[test]
    fn what_ends_too_early_or_lies_too_deep_is_nothing() {
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 1, 7, 0, 0, 0, 0];
        (0..ber.len()).for_each(|end| assert_eq!(to_der(&ber[..end]), None));
        assert_eq!(to_der(&[0x30, 0x80].repeat(100)), None);
        assert_eq!(to_der(&[4, 0x80, 0, 0]), None);
    }
}
