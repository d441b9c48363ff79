//! AES-CCM of whole messages: the mode wants the length first, so nothing comes in parts.

use super::awslc;
use super::cipher::{Direction, check_key, failed};
use crate::cryptoki::{Result, Rv, Secret};

/// What a CCM operation must begin with (SP 800-38C §5.3). `CKR_KEY_SIZE_RANGE`; `CKR_MECHANISM_PARAM_INVALID` for a nonce
/// that has not 7 to 13 bytes or a tag that has not 4, 6 … 16.
pub fn check(key: &Secret, nonce: &[u8], tag: usize) -> Result<()> {
    check_key(key)?;
    if !(7..=13).contains(&nonce.len()) {
        return Err(Rv::MechanismParamInvalid.because("a CCM nonce has 7 to 13 bytes"));
    }
    if !matches!(tag, 4 | 6 | 8 | 10 | 12 | 14 | 16) {
        return Err(Rv::MechanismParamInvalid.because("a CCM tag has 4 to 16 bytes, in steps of 2"));
    }
    Ok(())
}

/// Encrypts or decrypts (SP 800-38C, PKCS#11 v3.2 §6.13.5); the tag of `tag` bytes stands behind the ciphertext.
/// What [`check`] refuses; `CKR_DATA_LEN_RANGE` for more than the nonce leaves room to count;
/// `CKR_ENCRYPTED_DATA_LEN_RANGE` for data shorter than the tag; `CKR_ENCRYPTED_DATA_INVALID` for a wrong tag.
pub fn run(
    direction: Direction,
    key: &Secret,
    nonce: &[u8],
    aad: &[u8],
    tag: usize,
    data: &[u8],
) -> Result<Secret> {
    check(key, nonce, tag)?;
    let encrypt = direction == Direction::Encrypt;
    let least = if encrypt { 0 } else { tag };
    let most = 1u64.checked_shl(8 * (15 - nonce.len()) as u32).map_or(MOST, |counted| MOST.min(counted - 1));
    let body = data.len().checked_sub(least);
    if body.is_none_or(|body| body as u64 > most) || aad.len() as u64 > MOST {
        let rv = if encrypt { Rv::DataLenRange } else { Rv::EncryptedDataLenRange };
        return Err(
            rv.because("the data are shorter than the tag, or longer than the nonce leaves room to count")
        );
    }
    let broken = || match direction {
        Direction::Encrypt => failed(),
        Direction::Decrypt => {
            Rv::EncryptedDataInvalid.because("the tag does not fit key, nonce, data and ciphertext")
        }
    };
    awslc::ccm(encrypt, key.expose(), nonce, aad, tag, data).ok_or_else(broken)
}

/// The longest message, in bytes: a C int counts them.
const MOST: u64 = i32::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code<T>(result: Result<T>) -> Rv {
        result.err().expect("must be refused").rv()
    }

    /// SP 800-38C, examples 1 and 2.
    #[test]
    fn published_messages() {
        let unhex = |hex: &str| hex::decode(hex).unwrap();
        let key = Secret::from(unhex("404142434445464748494a4b4c4d4e4f"));
        for (nonce, aad, plain, tag, sealed) in [
            ("10111213141516", "0001020304050607", "20212223", 4, "7162015b4dac255d"),
            (
                "1011121314151617",
                "000102030405060708090a0b0c0d0e0f",
                "202122232425262728292a2b2c2d2e2f",
                6,
                "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd",
            ),
        ] {
            let (nonce, aad, plain, sealed) = (unhex(nonce), unhex(aad), unhex(plain), unhex(sealed));
            assert_eq!(run(Direction::Encrypt, &key, &nonce, &aad, tag, &plain).unwrap().expose(), sealed);
            assert_eq!(run(Direction::Decrypt, &key, &nonce, &aad, tag, &sealed).unwrap().expose(), plain);
        }
    }

    #[test]
    fn bad_parameters_have_their_codes() {
        let key = Secret::from(vec![1; 16]);
        let go = |direction, nonce: usize, tag, len: usize| {
            run(direction, &key, &vec![0; nonce], b"", tag, &vec![0; len])
        };
        for nonce in [0, 6, 14] {
            assert_eq!(code(go(Direction::Encrypt, nonce, 16, 1)), Rv::MechanismParamInvalid);
        }
        for tag in [0, 2, 5, 18, usize::MAX] {
            assert_eq!(code(go(Direction::Encrypt, 12, tag, 1)), Rv::MechanismParamInvalid);
        }
        assert_eq!(code(go(Direction::Encrypt, 13, 16, 1 << 16)), Rv::DataLenRange);
        assert_eq!(code(go(Direction::Decrypt, 12, 16, 15)), Rv::EncryptedDataLenRange);
        assert_eq!(code(go(Direction::Decrypt, 12, 16, 40)), Rv::EncryptedDataInvalid);
        assert_eq!(
            code(run(Direction::Encrypt, &Secret::zeroed(17), &[0; 12], b"", 16, b"")),
            Rv::KeySizeRange
        );
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(key: [u8; 32], nonce in prop::collection::vec(any::<u8>(), 7..14), aad: Vec<u8>, data: Vec<u8>) {
            let key = Secret::from(&key[..]);
            let sealed = run(Direction::Encrypt, &key, &nonce, &aad, 10, &data).unwrap();
            prop_assert_eq!(sealed.len(), data.len() + 10);
            prop_assert_eq!(run(Direction::Decrypt, &key, &nonce, &aad, 10, sealed.expose()).unwrap(), Secret::from(data));
        }
    }
}
