//! The pseudo-random functions of TLS 1.0 to 1.2 (RFC 2246 §5, RFC 5246 §5).

use super::hash::Hash;
use super::mac::Hmac;
use crate::cryptoki::Secret;

/// Which version's function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prf {
    /// TLS 1.0 and 1.1: MD5 under the first half of the secret, SHA-1 under the second.
    Old,
    /// TLS 1.2.
    Of(Hash),
}

impl Prf {
    /// `len` bytes from the secret, the label, and the seed in its parts.
    pub fn run(self, secret: &Secret, label: &[u8], seed: &[&[u8]], len: usize) -> Secret {
        let seed = [label, &seed.concat()].concat();
        match self {
            Prf::Of(hash) => expand(hash, secret, &seed, len),
            Prf::Old => {
                // The halves share the byte in the middle of an odd length.
                let half = secret.len().div_ceil(2);
                let (first, second) = (&secret.expose()[..half], &secret.expose()[secret.len() - half..]);
                let mut out = expand(Hash::Md5, &first.into(), &seed, len);
                let other = expand(Hash::Sha1, &second.into(), &seed, len);
                out.expose_mut().iter_mut().zip(other.expose()).for_each(|(a, b)| *a ^= b);
                out
            }
        }
    }
}

/// P_hash (RFC 5246 §5).
fn expand(hash: Hash, secret: &Secret, seed: &[u8], len: usize) -> Secret {
    let mut hmac = Hmac::new(hash, secret);
    let mut run = |parts: &[&[u8]]| {
        parts.iter().for_each(|part| hmac.update(part));
        Secret::from(hmac.finish())
    };
    let (mut out, mut state) = (Secret::zeroed(len), run(&[seed]));
    for chunk in out.expose_mut().chunks_mut(hash.len()) {
        chunk.copy_from_slice(&run(&[state.expose(), seed]).expose()[..chunk.len()]);
        state = run(&[state.expose()]);
    }
    out
}
