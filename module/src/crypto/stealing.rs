//! AES modes that steal from the last whole block to fill up the rest: CBC-CS1 and XTS, over whole messages.

use super::cipher::{Algorithm, Direction, Mode, check_key, whole};
use crate::cryptoki::{Error, Result, Rv, Secret};

/// Bytes of a block.
const BLOCK: usize = 16;
/// Blocks of a data unit of XTS, at most (SP 800-38E).
const UNIT: usize = 1 << 20;

fn aes(mode: Mode, direction: Direction, key: &Secret, iv: &[u8], data: &[u8]) -> Result<Secret> {
    whole(Algorithm::Aes, mode, direction, key, iv, data)
}

fn length(direction: Direction, why: &'static str) -> Error {
    match direction {
        Direction::Encrypt => Rv::DataLenRange.because(why),
        Direction::Decrypt => Rv::EncryptedDataLenRange.because(why),
    }
}

/// CBC with ciphertext stealing, variant CS1 (SP 800-38A addendum): as many bytes as went in.
///
/// # Errors
/// `CKR_KEY_SIZE_RANGE`, `CKR_MECHANISM_PARAM_INVALID` for an IV that is no block, `CKR_DATA_LEN_RANGE` or
/// `CKR_ENCRYPTED_DATA_LEN_RANGE` for less than a block.
pub fn cts(direction: Direction, key: &Secret, iv: &[u8], data: &[u8]) -> Result<Secret> {
    let rest = data.len() % BLOCK;
    match (data.len(), direction) {
        (..BLOCK, _) => Err(length(direction, "ciphertext stealing needs at least one block of 16 bytes")),
        _ if rest == 0 => aes(Mode::Cbc, direction, key, iv, data),
        (len, Direction::Encrypt) => {
            // The last but one block of ciphertext loses what can be had back from the last.
            let padded = Secret::from([data, &[0; BLOCK][rest..]].concat());
            let sealed = aes(Mode::Cbc, direction, key, iv, padded.expose())?;
            let (head, last) = sealed.expose().split_at(padded.len() - BLOCK);
            Ok([&head[..len - BLOCK], last].concat().into())
        }
        (len, Direction::Decrypt) => {
            let (head, last) = data.split_at(len - BLOCK);
            let stolen = aes(Mode::Ecb, direction, key, &[], last)?;
            let before = [head, &stolen.expose()[rest..]].concat();
            let plain = aes(Mode::Cbc, direction, key, iv, &before)?;
            let tail = xored(&head[head.len() - rest..], &stolen.expose()[..rest]);
            Ok([plain.expose(), tail.expose()].concat().into())
        }
    }
}

/// XTS (IEEE 1619, SP 800-38E) over one data unit, whose number is `tweak`; the key is two keys of AES.
///
/// # Errors
/// `CKR_KEY_SIZE_RANGE`, `CKR_MECHANISM_PARAM_INVALID` for a tweak that is no block, `CKR_DATA_LEN_RANGE` or
/// `CKR_ENCRYPTED_DATA_LEN_RANGE` for less than a block or more than 2^20.
pub fn xts(direction: Direction, key: &Secret, tweak: &[u8], data: &[u8]) -> Result<Secret> {
    let (key, tweak_key) = halves(key)?;
    if !(BLOCK..=UNIT * BLOCK).contains(&data.len()) {
        return Err(length(direction, "XTS takes one block of 16 bytes to 2^20 blocks"));
    }
    if tweak.len() != BLOCK {
        return Err(Rv::MechanismParamInvalid.because("the data unit's number has 16 bytes"));
    }
    let first = aes(Mode::Ecb, Direction::Encrypt, &tweak_key, &[], tweak)?;
    let rest = data.len() % BLOCK;
    let tweaks = tweaks(first.expose(), data.len().div_ceil(BLOCK));
    let xex = |tweaks: &[u8], blocks: &[u8]| -> Result<Secret> {
        let inner = aes(Mode::Ecb, direction, &key, &[], xored(blocks, tweaks).expose())?;
        Ok(xored(inner.expose(), tweaks))
    };
    if rest == 0 {
        return xex(tweaks.expose(), data);
    }
    // Two blocks are woven together at the end, with their tweaks in the other order when decrypting.
    let plain = data.len() - BLOCK - rest;
    let (before, ends) = tweaks.expose().split_at(plain);
    let (mut one, mut other) = ends.split_at(BLOCK);
    if direction == Direction::Decrypt {
        (one, other) = (other, one);
    }
    let head = xex(before, &data[..plain])?;
    let whole = xex(one, &data[plain..plain + BLOCK])?;
    let (short, lent) = whole.expose().split_at(rest);
    let woven = xex(other, Secret::from([&data[plain + BLOCK..], lent].concat()).expose())?;
    Ok([head.expose(), woven.expose(), short].concat().into())
}

/// The key of the data and the key of the tweak.
fn halves(key: &Secret) -> Result<(Secret, Secret)> {
    let (data, tweak) = key.expose().split_at(key.len() / 2);
    let (data, tweak) = (Secret::from(data), Secret::from(tweak));
    match check_key(&data).is_ok() && data.len() != 24 && data.len() == tweak.len() {
        true => Ok((data, tweak)),
        false => Err(Rv::KeySizeRange.because("an XTS key has 32 or 64 bytes")),
    }
}

/// The first tweak, and each next one its double in GF(2^128), little-endian.
fn tweaks(first: &[u8], blocks: usize) -> Secret {
    let mut all = Secret::zeroed(blocks * BLOCK);
    let mut tweak = first.iter().rev().fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    for place in all.expose_mut().chunks_mut(BLOCK) {
        place.copy_from_slice(&tweak.to_le_bytes());
        tweak = tweak << 1 ^ (0x87 & (tweak >> 127).wrapping_neg());
    }
    all
}

/// The two, bit by bit; as long as the shorter.
pub fn xored(a: &[u8], b: &[u8]) -> Secret {
    let mut out = Secret::zeroed(a.len().min(b.len()));
    out.expose_mut().iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = a ^ b);
    out
}
