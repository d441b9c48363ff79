//! The store's envelope: AES-256-GCM with a 16-byte tag.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};

use super::hash::Hash;
use crate::cryptoki::{Result, Rv, Secret};

/// Bytes of the tag at the end of what is sealed.
const TAG: usize = 16;

/// Seals and opens under one key.
#[derive(Clone)]
pub struct Sealer(Aes256Gcm);

impl Sealer {
    /// A sealer under a 32-byte key. A key of another length is hashed to 32 bytes first.
    pub fn new(key: &Secret) -> Sealer {
        let key = if key.len() == 32 { key.clone() } else { Secret::from(Hash::Sha256.digest(key.expose())) };
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        bytes.copy_from_slice(key.expose());
        Sealer(Aes256Gcm::new((&*bytes).into()))
    }

    /// Ciphertext and tag. A nonce must never come twice under one key.
    pub fn seal(&self, nonce: &[u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len() + TAG);
        sealed.extend_from_slice(plain);
        match self.0.encrypt_inout_detached(&Nonce::from(*nonce), aad, sealed.as_mut_slice().into()) {
            Ok(tag) => sealed.extend_from_slice(&tag),
            // Only lengths beyond 64 GiB fail. Nothing then leaves in the clear: what is empty does not open.
            Err(_) => sealed.clear(),
        }
        sealed
    }

    /// The plaintext, or `CKR_ENCRYPTED_DATA_INVALID` when the key, the nonce, the associated data or a byte is another.
    pub fn open(&self, nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Result<Secret> {
        let (body, tag) = sealed
            .split_last_chunk::<TAG>()
            .ok_or_else(|| Rv::EncryptedDataInvalid.because("what is sealed is shorter than its tag"))?;
        let mut plain = Secret::from(body);
        self.0
            .decrypt_inout_detached(&Nonce::from(*nonce), aad, plain.expose_mut().into(), &Tag::from(*tag))
            .map_err(|_| {
                Rv::EncryptedDataInvalid.because("the seal is broken, or made under another key or name")
            })?;
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 14.
    #[test]
    fn known_answer() {
        let sealer = Sealer::new(&Secret::zeroed(32));
        let sealed = sealer.seal(&[0; 12], b"", &[0; 16]);
        assert_eq!(hex::encode(sealed), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    }

    #[test]
    fn whatever_is_changed_does_not_open() {
        let sealer = Sealer::new(&Secret::from(vec![7; 32]));
        let sealed = sealer.seal(&[1; 12], b"name", b"plain");
        assert_eq!(sealer.open(&[1; 12], b"name", &sealed).unwrap().expose(), b"plain");
        let broken = |result: Result<Secret>| assert_eq!(result.unwrap_err().rv(), Rv::EncryptedDataInvalid);
        broken(sealer.open(&[2; 12], b"name", &sealed));
        broken(sealer.open(&[1; 12], b"other", &sealed));
        broken(Sealer::new(&Secret::from(vec![8; 32])).open(&[1; 12], b"name", &sealed));
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            broken(sealer.open(&[1; 12], b"name", &bad));
            broken(sealer.open(&[1; 12], b"name", &sealed[..at]));
        }
    }

    proptest! {
        #[test]
        fn opens_what_it_sealed(key: Vec<u8>, nonce: [u8; 12], aad: Vec<u8>, plain: Vec<u8>) {
            let sealer = Sealer::new(&Secret::from(key));
            let sealed = sealer.seal(&nonce, &aad, &plain);
            prop_assert_eq!(sealed.len(), plain.len() + 16);
            prop_assert_eq!(sealer.open(&nonce, &aad, &sealed).unwrap(), Secret::from(plain));
        }
    }
}
