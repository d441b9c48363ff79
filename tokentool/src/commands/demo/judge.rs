//! Judges signatures with code that has nothing to do with the module: the crates `rsa` and `p256`.

use p256::ecdsa::{Signature as EcSignature, VerifyingKey as EcKey};
use rsa::pkcs1v15::{Signature as RsaSignature, VerifyingKey as RsaVerifier};
use rsa::pkcs8::EncodePublicKey;
use rsa::signature::Verifier;
use rsa::{BoxedUint, RsaPublicKey};
use sha2::{Digest, Sha256};

use crate::problem::{Problem, Result, at};

/// A public key, read from the token's attributes.
pub enum Judge {
    Rsa(RsaPublicKey),
    Ec(EcKey),
}

impl Judge {
    /// From CKA_MODULUS and CKA_PUBLIC_EXPONENT.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Judge> {
        let number = BoxedUint::from_be_slice_vartime;
        let key = RsaPublicKey::new(number(modulus), number(exponent));
        key.map(Judge::Rsa).map_err(at("crate rsa refuses the public key"))
    }

    /// From CKA_EC_POINT: a DER octet string with the uncompressed point in it.
    pub fn ec(point: &[u8]) -> Result<Judge> {
        let [0x04, 65, raw @ ..] = point else {
            return Err(Problem::new("CKA_EC_POINT is no octet string of 65 bytes"));
        };
        EcKey::from_sec1_bytes(raw).map(Judge::Ec).map_err(at("crate p256 refuses the public key"))
    }

    /// Is it this key's signature of the message, with SHA-256?
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<()> {
        let bad = at("the signature is not good");
        match self {
            Judge::Rsa(key) => RsaSignature::try_from(signature)
                .and_then(|signature| RsaVerifier::<Sha256>::new(key.clone()).verify(message, &signature))
                .map_err(bad),
            Judge::Ec(key) => EcSignature::from_slice(signature)
                .and_then(|signature| key.verify(message, &signature))
                .map_err(bad),
        }
    }

    /// The first half of the SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
    pub fn fingerprint(&self) -> Result<String> {
        let der = match self {
            Judge::Rsa(key) => key.to_public_key_der(),
            Judge::Ec(key) => key.to_public_key_der(),
        };
        let der = der.map_err(at("the public key cannot be encoded"))?;
        Ok(Sha256::digest(der.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The base point of P-256, as CKA_EC_POINT has it.
    const POINT: &str = "0441046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                         4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

    #[test]
    fn a_judge_does_not_accept_anything() {
        let hex = |at| u8::from_str_radix(&POINT[at..at + 2], 16).unwrap();
        let point: Vec<u8> = (0..POINT.len()).step_by(2).map(hex).collect();
        let judge = Judge::ec(&point).unwrap();
        assert!(judge.verify(b"message", &[1; 64]).is_err());
        assert!(judge.verify(b"message", &[]).is_err());
        assert!(Judge::ec(&point[2..]).is_err());
        assert!(Judge::rsa(&[0; 256], &[1, 0, 1]).is_err());
    }
}
