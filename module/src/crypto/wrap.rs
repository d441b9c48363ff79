//! AES key wrap, plain (RFC 3394, SP 800-38F KW) and padded (RFC 5649, KWP).

use super::awslc;
use super::cipher::{Algorithm, Direction, Mode, check_key, whole};
use crate::cryptoki::{Result, Rv, Secret};

/// The IV of RFC 3394 §2.2.3.1.
pub const DEFAULT_IV: [u8; 8] = [0xa6; 8];

/// Which wrapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrap {
    /// KW: whole blocks of 8 bytes, at least two.
    Plain { iv: [u8; 8] },
    /// KWP: any length but none.
    Padded,
    /// KWP with another constant than that of RFC 5649 §3 before the length.
    PaddedAs { icv: [u8; 4] },
}

/// The data, wrapped. `CKR_KEY_SIZE_RANGE` for a key that is no AES key, `CKR_DATA_LEN_RANGE` for a length that the
/// wrapping does not take.
pub fn wrap(how: Wrap, key: &Secret, data: &[u8]) -> Result<Vec<u8>> {
    check_key(key)?;
    let bad = || {
        Rv::DataLenRange
            .because("AES key wrap takes multiples of 8 bytes from 16 on, with padding any but none")
    };
    match how {
        Wrap::Plain { iv } => awslc::wrap(true, key.expose(), Some(&iv), data),
        Wrap::Padded => awslc::wrap(true, key.expose(), None, data),
        Wrap::PaddedAs { icv } => padded_as(icv, key, data)?,
    }
    .map(|wrapped| wrapped.expose().to_vec())
    .ok_or_else(bad)
}

/// The alternative initial value of RFC 5649 §3: the constant and the length in bytes.
fn initial(icv: [u8; 4], len: usize) -> Option<[u8; 8]> {
    let mut value = [0; 8];
    value[..4].copy_from_slice(&icv);
    value[4..].copy_from_slice(&u32::try_from(len).ok()?.to_be_bytes());
    Some(value)
}

fn padded_as(icv: [u8; 4], key: &Secret, data: &[u8]) -> Result<Option<Secret>> {
    let Some(value) = initial(icv, data.len()).filter(|_| !data.is_empty()) else { return Ok(None) };
    let padding = data.len().next_multiple_of(8) - data.len();
    let padded = Secret::from([data, &[0; 8][..padding]].concat());
    if padded.len() > 8 {
        return Ok(awslc::wrap(true, key.expose(), Some(&value), padded.expose()));
    }
    let block = Secret::from([&value[..], padded.expose()].concat());
    whole(Algorithm::Aes, Mode::Ecb, Direction::Encrypt, key, &[], block.expose()).map(Some)
}

fn unpadded_as(icv: [u8; 4], key: &Secret, wrapped: &[u8]) -> Result<Option<Secret>> {
    let most = wrapped.len() - 8;
    let fits = |len: usize, padded: &Secret| {
        let (data, padding) = padded.expose().split_at(len);
        padding.iter().all(|byte| *byte == 0).then(|| Secret::from(data))
    };
    if most == 8 {
        let block = whole(Algorithm::Aes, Mode::Ecb, Direction::Decrypt, key, &[], wrapped)?;
        let (value, padded) = block.expose().split_at(8);
        let len = (1..=8).find(|len| initial(icv, *len).is_some_and(|wanted| wanted == value));
        return Ok(len.and_then(|len| fits(len, &padded.into())));
    }
    // The length is within the value that unwrapping checks: one of eight fits.
    Ok((most - 7..=most).find_map(|len| {
        let padded = awslc::wrap(false, key.expose(), Some(&initial(icv, len)?), wrapped)?;
        fits(len, &padded)
    }))
}

/// What was wrapped. `CKR_KEY_SIZE_RANGE`, `CKR_ENCRYPTED_DATA_LEN_RANGE` for a length that wrapping never gives,
/// `CKR_ENCRYPTED_DATA_INVALID` for what was not wrapped under this key and IV.
pub fn unwrap(how: Wrap, key: &Secret, wrapped: &[u8]) -> Result<Secret> {
    check_key(key)?;
    let least = if matches!(how, Wrap::Plain { .. }) { 24 } else { 16 };
    if wrapped.len() < least || !wrapped.len().is_multiple_of(8) {
        return Err(Rv::EncryptedDataLenRange
            .because("what AES key wrap gives is a multiple of 8 bytes, at least 16 or 24"));
    }
    match how {
        Wrap::Plain { iv } => awslc::wrap(false, key.expose(), Some(&iv), wrapped),
        Wrap::Padded => awslc::wrap(false, key.expose(), None, wrapped),
        Wrap::PaddedAs { icv } => unpadded_as(icv, key, wrapped)?,
    }
    .ok_or_else(|| Rv::EncryptedDataInvalid.because("the data were not wrapped under this key and IV"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Wrap = Wrap::Plain { iv: DEFAULT_IV };

    const RFC_5649: Wrap = Wrap::PaddedAs { icv: [0xa6, 0x59, 0x59, 0xa6] };

    fn unhex(hex: &str) -> Secret {
        Secret::from(hex::decode(hex).unwrap())
    }

    #[test]
    fn rfc_3394_4_6_and_rfc_5649_6() {
        let key = unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        let data = unhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
        let known = "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21";
        assert_eq!(hex::encode(wrap(PLAIN, &key, data.expose()).unwrap()), known);
        let key = unhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (data, known) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            assert_eq!(hex::encode(wrap(Wrap::Padded, &key, unhex(data).expose()).unwrap()), known);
        }
    }

    #[test]
    fn bad_lengths_keys_and_bytes_have_their_codes() {
        let key = Secret::from(vec![1; 16]);
        for len in [0, 8, 15, 17] {
            assert_eq!(wrap(PLAIN, &key, &vec![0; len]).unwrap_err().rv(), Rv::DataLenRange);
        }
        assert_eq!(wrap(Wrap::Padded, &key, &[]).unwrap_err().rv(), Rv::DataLenRange);
        for how in [PLAIN, Wrap::Padded, Wrap::PaddedAs { icv: *b"icv2" }] {
            assert_eq!(wrap(how, &Secret::zeroed(15), &[0; 16]).unwrap_err().rv(), Rv::KeySizeRange);
            for len in [0, 8, 15, 17, 31] {
                assert_eq!(unwrap(how, &key, &vec![0; len]).unwrap_err().rv(), Rv::EncryptedDataLenRange);
            }
            let wrapped = wrap(how, &key, &[7; 24]).unwrap();
            for at in 0..wrapped.len() {
                let mut bad = wrapped.clone();
                bad[at] ^= 1;
                assert_eq!(unwrap(how, &key, &bad).unwrap_err().rv(), Rv::EncryptedDataInvalid);
            }
        }
        let other = wrap(Wrap::Plain { iv: [1; 8] }, &key, &[7; 24]).unwrap();
        assert_eq!(unwrap(PLAIN, &key, &other).unwrap_err().rv(), Rv::EncryptedDataInvalid);
    }

    proptest! {
        #[test]
        fn what_is_wrapped_is_unwrapped(key: [u8; 24], data in prop::collection::vec(any::<u8>(), 1..200)) {
            let key = Secret::from(&key[..]);
            let wrapped = wrap(Wrap::Padded, &key, &data).unwrap();
            prop_assert_eq!(unwrap(Wrap::Padded, &key, &wrapped).unwrap(), Secret::from(&data[..]));
            prop_assert_eq!(&wrap(RFC_5649, &key, &data).unwrap(), &wrapped);
            prop_assert_eq!(unwrap(RFC_5649, &key, &wrapped).unwrap(), Secret::from(&data[..]));
            let other = Wrap::PaddedAs { icv: *b"icv2" };
            let wrapped = wrap(other, &key, &data).unwrap();
            prop_assert_eq!(unwrap(other, &key, &wrapped).unwrap(), Secret::from(&data[..]));
            prop_assert!(unwrap(Wrap::Padded, &key, &wrapped).is_err());
            let whole = data.repeat(16);
            let wrapped = wrap(PLAIN, &key, &whole).unwrap();
            prop_assert_eq!(unwrap(PLAIN, &key, &wrapped).unwrap(), Secret::from(whole));
        }
    }
}
