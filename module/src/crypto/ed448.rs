//! Ed448 and X448 by the crates of the RustCrypto family.

use ed448_goldilocks::{PreHasherXof, Signature, SigningKey, VerifyingKey};
use shake::Shake256;
use shake::digest::Update;
use x448::X448_BASEPOINT_BYTES;

use super::awslc::Eddsa;
use crate::cryptoki::Secret;

fn key(seed: &[u8]) -> Option<SigningKey> {
    SigningKey::try_from(seed).ok()
}

fn point(bytes: &[u8]) -> Option<VerifyingKey> {
    VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()
}

fn hashed(message: &[u8]) -> PreHasherXof<Shake256> {
    let mut hasher = Shake256::default();
    hasher.update(message);
    PreHasherXof::new(hasher)
}

/// The public key of a 57-byte seed.
pub fn public(seed: &[u8]) -> Option<Vec<u8>> {
    Some(key(seed)?.verifying_key().to_bytes().to_vec())
}

/// Whether these are the bytes of a point.
pub fn is_point(bytes: &[u8]) -> bool {
    point(bytes).is_some()
}

/// A signature of 114 bytes.
pub fn sign(how: Eddsa, seed: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    let key = key(seed)?;
    let signature = match how {
        Eddsa::Pure => key.sign_ctx(&[], message),
        Eddsa::Context(context) => key.sign_ctx(context, message),
        Eddsa::Prehash(context) => {
            key.sign_prehashed::<PreHasherXof<Shake256>>(Some(context), hashed(message))
        }
    };
    Some(signature.ok()?.to_bytes().to_vec())
}

/// Whether a signature is good. The last byte of R has one bit, the sign (RFC 8032 §5.2.2): the crate passes over the rest.
pub fn verify(how: Eddsa, public: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = point(public)?;
    signature.get(56).filter(|last| **last & 0x7f == 0)?;
    let signature = Signature::try_from(signature).ok()?;
    match how {
        Eddsa::Pure => key.verify_ctx(&signature, &[], message),
        Eddsa::Context(context) => key.verify_ctx(&signature, context, message),
        Eddsa::Prehash(context) => {
            key.verify_prehashed::<PreHasherXof<Shake256>>(&signature, Some(context), hashed(message))
        }
    }
    .ok()
}

/// The public value of an X448 key.
pub fn x448_public(private: &[u8; 56]) -> Vec<u8> {
    x448::x448_unchecked(*private, X448_BASEPOINT_BYTES).to_vec()
}

/// The X448 secret; `None` for a peer of small order.
pub fn x448(private: &[u8; 56], peer: &[u8; 56]) -> Option<Secret> {
    let secret = x448::x448(*private, *peer).map(|secret| Secret::from(&secret[..]))?;
    secret.expose().iter().any(|byte| *byte != 0).then_some(secret)
}
