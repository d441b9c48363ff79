//! AES key wrap, plain (RFC 3394, SP 800-38F KW) and padded (RFC 5649, KWP).

use super::awslc;
use super::cipher::check_key;
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
}

impl Wrap {
    fn iv(&self) -> Option<&[u8; 8]> {
        match self {
            Wrap::Plain { iv } => Some(iv),
            Wrap::Padded => None,
        }
    }
}

/// The data, wrapped. `CKR_KEY_SIZE_RANGE` for a key that is no AES key, `CKR_DATA_LEN_RANGE` for a length that the
/// wrapping does not take.
pub fn wrap(how: Wrap, key: &Secret, data: &[u8]) -> Result<Vec<u8>> {
    check_key(key)?;
    let bad = || {
        Rv::DataLenRange
            .because("AES key wrap takes multiples of 8 bytes from 16 on, with padding any but none")
    };
    let wrapped = awslc::wrap(true, key.expose(), how.iv(), data).ok_or_else(bad)?;
    Ok(wrapped.expose().to_vec())
}

/// What was wrapped. `CKR_KEY_SIZE_RANGE`, `CKR_ENCRYPTED_DATA_LEN_RANGE` for a length that wrapping never gives,
/// `CKR_ENCRYPTED_DATA_INVALID` for what was not wrapped under this key and IV.
pub fn unwrap(how: Wrap, key: &Secret, wrapped: &[u8]) -> Result<Secret> {
    check_key(key)?;
    let least = if how == Wrap::Padded { 16 } else { 24 };
    if wrapped.len() < least || !wrapped.len().is_multiple_of(8) {
        return Err(Rv::EncryptedDataLenRange
            .because("what AES key wrap gives is a multiple of 8 bytes, at least 16 or 24"));
    }
    let bad = || Rv::EncryptedDataInvalid.because("the data were not wrapped under this key and IV");
    awslc::wrap(false, key.expose(), how.iv(), wrapped).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Wrap = Wrap::Plain { iv: DEFAULT_IV };

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
        for how in [PLAIN, Wrap::Padded] {
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
            let whole = data.repeat(16);
            let wrapped = wrap(PLAIN, &key, &whole).unwrap();
            prop_assert_eq!(unwrap(PLAIN, &key, &wrapped).unwrap(), Secret::from(whole));
        }
    }
}
