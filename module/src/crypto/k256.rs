//! secp256k1 signatures by the `k256` crate, which is seven times faster at them than aws-lc.

use ::ecdsa::hazmat::sign_prehashed_rfc6979;
use ::k256::NonZeroScalar;
use ::k256::Secp256k1;
use ::k256::elliptic_curve::FieldBytes;
use sha2::Sha256;

use super::rng;

/// A private key, parsed once.
pub struct Signer(NonZeroScalar);

impl Signer {
    /// From a scalar without leading zeros; `None` unless 0 < scalar < n.
    pub fn new(scalar: &[u8]) -> Option<Signer> {
        let mut wide = FieldBytes::<Secp256k1>::default();
        let start = wide.len().checked_sub(scalar.len())?;
        wide[start..].copy_from_slice(scalar);
        Option::from(NonZeroScalar::from_repr(wide)).map(Signer)
    }

    /// ECDSA over a digest of any length: r and s. The nonce is that of RFC 6979 §3.6 with fresh randomness beside the
    /// key, so that neither a weak generator nor a fault repeated shows it.
    pub fn sign(&self, digest: &[u8]) -> Option<Vec<u8>> {
        // As wide as the order: short digests count from the right, of long ones the leftmost bits.
        let mut wide = [0; 32];
        let digest = &digest[..digest.len().min(32)];
        wide[32 - digest.len()..].copy_from_slice(digest);
        let mut fresh = [0; 32];
        rng::system(&mut fresh).ok()?;
        let (signature, _) = sign_prehashed_rfc6979::<Secp256k1, Sha256>(&self.0, &wide, &fresh);
        Some(signature.to_bytes().to_vec())
    }
}
