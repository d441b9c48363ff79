//! Elements of BER as other programs write them: tags of one to three bytes, definite lengths, minimal or not.

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its tag bytes, as a number: `0x30`, `0x7f21`.
    pub tag: u32,
    pub value: &'a [u8],
    /// With tag and length.
    pub whole: &'a [u8],
}

/// Takes the first element off; `None` when nothing whole stands there.
pub fn next<'a>(bytes: &mut &'a [u8]) -> Option<Element<'a>> {
    let (mut rest, mut tag) = (*bytes, u32::from(*bytes.first()?));
    rest = &rest[1..];
    if tag & 0x1f == 0x1f {
        loop {
            let byte = *rest.first()?;
            rest = &rest[1..];
            tag = tag << 8 | u32::from(byte);
            match byte & 0x80 {
                0 => break,
                _ if tag > 0xffff => return None,
                _ => {}
            }
        }
    }
    let (first, after) = rest.split_first()?;
    let (len, rest) = match *first {
        short @ ..=0x7f => (usize::from(short), after),
        long @ 0x81..=0x84 => {
            let (digits, rest) = after.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(len)?;
    let whole = &bytes[..bytes.len() - rest.len()];
    *bytes = rest;
    Some(Element { tag, value, whole })
}

/// All elements of a value, up to the first that is not whole.
pub fn all(mut bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    std::iter::from_fn(move || next(&mut bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_and_lengths_of_every_form() {
        let bytes = [0x30, 2, 1, 2, 0x7f, 0x21, 0x81, 1, 9, 4, 0x82, 0, 0, 5];
        let tags: Vec<_> = all(&bytes).map(|element| (element.tag, element.value.to_vec())).collect();
        assert_eq!(tags, [(0x30, vec![1, 2]), (0x7f21, vec![9]), (4, vec![])]);
        assert_eq!(all(&[0x30, 0x80, 0, 0]).count(), 0, "indefinite lengths are not read");
        assert_eq!(all(&[0x30, 3, 1]).count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            prop_assert!(all(&bytes).map(|element| element.whole.len()).sum::<usize>() <= bytes.len());
        }
    }
}
