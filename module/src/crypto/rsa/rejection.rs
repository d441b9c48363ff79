//! PKCS#1 v1.5 decryption without an oracle: bad padding gives another message, not an error
//! (draft-irtf-cfrg-rsa-guidance §7).

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};

use crate::crypto::hash::Hash;
use crate::crypto::mac::Hmac;
use crate::cryptoki::Secret;

/// Bytes around a message: 00 02, eight of padding, 00.
pub const OVERHEAD: usize = 11;

/// HMAC-SHA-256 under `key` in counter mode: `len` bytes named `label` (§7.1).
fn expand(key: &Secret, label: &[u8], len: usize) -> Secret {
    let mut out = Secret::zeroed(len);
    let mut mac = Hmac::new(Hash::Sha256, key);
    for (counter, chunk) in (0u16..).zip(out.expose_mut().chunks_mut(32)) {
        mac.update(&counter.to_be_bytes());
        mac.update(label);
        // At most 2048 bytes are asked: 16384 bits.
        mac.update(&((8 * len) as u16).to_be_bytes());
        let block = Secret::from(mac.finish());
        chunk.copy_from_slice(&block.expose()[..chunk.len()]);
    }
    out
}

/// The message in the block `encoded`, which is the ciphertext decrypted. `secret` is SHA-256 of the private exponent,
/// padded to the modulus's length. The time depends on the lengths of block and answer only.
pub fn unpad(encoded: &Secret, secret: &Secret, ciphertext: &[u8]) -> Secret {
    let size = encoded.len();
    let Some(most) = size.checked_sub(OVERHEAD) else { return Secret::default() };
    let mut mac = Hmac::new(Hash::Sha256, secret);
    mac.update(ciphertext);
    let key = Secret::from(mac.finish());
    let other = expand(&key, b"message", size);
    let other_len = length(&expand(&key, b"length", 256), most as u32);
    let (bad, len) = check(encoded.expose());
    let len = u32::conditional_select(&len, &other_len, bad);
    let mut message = Secret::zeroed(size);
    let pairs = encoded.expose().iter().zip(other.expose());
    for (byte, (real, other)) in message.expose_mut().iter_mut().zip(pairs) {
        *byte = u8::conditional_select(real, other, bad);
    }
    // `len` is at most `size`; from here on it is known to whoever gets the answer.
    let start = size.saturating_sub(len as usize);
    Secret::from(&message.expose()[start..])
}

/// The last of the 128 candidates that is a possible length, or 0 (§7.2 step 3.3).
fn length(candidates: &Secret, most: u32) -> u32 {
    let mask = most.checked_ilog2().map_or(0, |top| u32::MAX >> (31 - top));
    candidates.expose().chunks_exact(2).fold(0, |len, pair| {
        let candidate = u32::from(u16::from_be_bytes([pair[0], pair[1]])) & mask;
        u32::conditional_select(&candidate, &len, candidate.ct_gt(&most))
    })
}

/// Whether the block is not 00 02, eight or more bytes that are not zero, 00; and the length of what follows.
fn check(encoded: &[u8]) -> (Choice, u32) {
    let mut bad = !encoded[0].ct_eq(&0) | !encoded[1].ct_eq(&2);
    let (mut looking, mut zero) = (Choice::from(1), 0u32);
    for (at, byte) in (2u32..).zip(&encoded[2..]) {
        let here = byte.ct_eq(&0);
        zero.conditional_assign(&at, looking & here);
        looking &= !here;
    }
    bad |= looking | !zero.ct_gt(&9);
    (bad, (encoded.len() as u32).wrapping_sub(zero).wrapping_sub(1))
}
