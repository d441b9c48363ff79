//! Primitives: functions over bytes and `Secret`; the only room that names a crypto crate.
//!
//! ```text
//!   hash ── mac ── kdf, kdf108, tls   RustCrypto          rng   the system's randomness
//!   seal                      RustCrypto          tlv   DER in small
//!   rsa  ── components        aws-lc works, `rsa` finds primes
//!   ec   edwards                aws-lc; `k256` signs on its curve, `ed448-goldilocks` has Curve448
//!   field                          aws-lc counts: DSA, Diffie-Hellman
//!   pq   slhdsa   prehash        aws-lc for lattices, `slh-dsa`, `shake`
//!   cipher  gcm  ccm  wrap  chacha     aws-lc, and what it lacks: feedback, stealing
//!   domain                     curves spelled out
//!   threshold                  t of n over a prime field
//!   spki certificate          public keys and certificates as DER
//!   awslc                     aws-lc in safe functions: the only `unsafe` of the room
//! ```

mod awslc;
pub mod ccm;
pub mod certificate;
pub mod chacha;
pub mod cipher;
mod ctr;
mod curve;
pub mod domain;
pub mod ec;
mod ed448;
pub mod edwards;
pub mod feedback;
pub mod field;
pub mod gcm;
mod groups;
pub mod hash;
mod k256;
pub mod kdf;
pub mod kdf108;
pub mod mac;
mod nonce;
pub mod otp;
pub mod pq;
mod pq_encoding;
pub mod prehash;
#[cfg(test)]
mod rfc6979_vectors;
pub mod rng;
pub mod rsa;
pub mod seal;
mod slhdsa;
pub mod spki;
pub mod stealing;
pub mod threshold;
pub mod tls;
pub mod tlv;
pub mod wrap;

use crate::cryptoki::Result;

/// Where randomness comes from: fills all of the bytes, or says why not.
pub type Fill<'a> = dyn FnMut(&mut [u8]) -> Result<()> + 'a;
