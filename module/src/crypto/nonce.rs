//! The nonces of deterministic ECDSA (RFC 6979 §3.2).

use super::hash::Hash;
use super::mac::Hmac;
use super::tlv::trim;
use crate::cryptoki::Secret;

/// HMAC_DRBG fed with a private key and a digest: what it gives is a function of these alone.
pub struct Nonces {
    hash: Hash,
    /// Bits of the order, of which a nonce has as many.
    bits: usize,
    key: Secret,
    value: Secret,
}

impl Nonces {
    /// Of a private key, as wide as the order n, and a digest (steps a to g).
    pub fn new(hash: Hash, (order, bits): (&[u8], usize), private: &Secret, digest: &[u8]) -> Nonces {
        let (key, value) = (Secret::zeroed(hash.len()), Secret::from(vec![1; hash.len()]));
        let mut nonces = Nonces { hash, bits, key, value };
        let digest = reduced(leftmost(digest, bits), order);
        for round in [0, 1] {
            nonces.stir(&[&[round], private.expose(), digest.expose()]);
        }
        nonces
    }

    /// The next candidate (step h), as wide as the order; it may be 0, or the order or more.
    pub fn next(&mut self) -> Secret {
        let mut bytes = Secret::default();
        while 8 * bytes.len() < self.bits {
            self.value = self.mac(&[]);
            bytes.extend(self.value.expose());
        }
        // What is stirred in here counts only when there is a next one.
        self.stir(&[&[0]]);
        leftmost(&bytes.expose()[..self.bits.div_ceil(8)], self.bits)
    }

    fn stir(&mut self, parts: &[&[u8]]) {
        self.key = self.mac(parts);
        self.value = self.mac(&[]);
    }

    fn mac(&self, parts: &[&[u8]]) -> Secret {
        let mut hmac = Hmac::new(self.hash, &self.key);
        hmac.update(self.value.expose());
        parts.iter().for_each(|part| hmac.update(part));
        hmac.finish().into()
    }
}

/// The leftmost bits of some bytes as a number with as many bits, padded with zeros on the left (§2.3.2).
fn leftmost(bytes: &[u8], bits: usize) -> Secret {
    let mut number = Secret::zeroed(bits.div_ceil(8));
    let size = number.len();
    let taken = &bytes[..bytes.len().min(size)];
    // Only what is cut in the middle of a byte moves.
    let shift = if taken.len() == size { 8 * size - bits } else { 0 };
    let (out, start) = (number.expose_mut(), size - taken.len());
    let mut above = 0;
    for (to, byte) in out[start..].iter_mut().zip(taken) {
        let both = u16::from_be_bytes([above, *byte]) >> shift;
        (*to, above) = (both as u8, *byte);
    }
    number
}

/// The number less the order, if it is not below it: both are equally wide (§2.3.4).
fn reduced(mut number: Secret, order: &[u8]) -> Secret {
    let order = trim(order);
    if number.len() == order.len() && number.expose() >= order {
        let mut borrow = 0;
        for (digit, less) in number.expose_mut().iter_mut().zip(order).rev() {
            let difference = i16::from(*digit) - i16::from(*less) - borrow;
            (*digit, borrow) = (difference as u8, i16::from(difference < 0));
        }
    }
    number
}
