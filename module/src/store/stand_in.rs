//! A stand-in for the crypto room, with its interface; it goes when that room is there.

pub mod kdf {
    use hmac::{Hmac, KeyInit, Mac};

    use crate::cryptoki::Secret;

    /// PBKDF2-HMAC-SHA256 with 32 bytes of output.
    pub fn pbkdf2_sha256(pin: &Secret, salt: &[u8], iterations: u32) -> Secret {
        let mut key = Secret::zeroed(32);
        // HMAC takes keys of any length, so this never fails.
        let _ = pbkdf2::pbkdf2::<Hmac<sha2::Sha256>>(pin.expose(), salt, iterations, key.expose_mut());
        key
    }

    /// HKDF-SHA256, extract and expand.
    pub fn hkdf_sha256(key: &Secret, salt: &[u8], info: &[u8], len: usize) -> Secret {
        let prk = mac(salt, &[key.expose()]);
        let (mut out, mut block, mut counter) = (Vec::new(), Vec::new(), 1u8);
        while out.len() < len {
            block = mac(&prk, &[&block, info, &[counter]]);
            out.extend_from_slice(&block);
            counter = counter.wrapping_add(1);
        }
        out.truncate(len);
        out.into()
    }

    fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }
}

pub mod seal {
    use aes_gcm::aead::{Aead, KeyInit, Payload};

    use crate::cryptoki::{Result, Rv, Secret};

    /// AES-256-GCM with a 16-byte tag.
    pub struct Sealer(aes_gcm::Aes256Gcm);

    impl Sealer {
        /// A sealer under a 32-byte key.
        pub fn new(key: &Secret) -> Sealer {
            // The store only derives keys of 32 bytes.
            Sealer(aes_gcm::Aes256Gcm::new_from_slice(key.expose()).expect("32 bytes"))
        }

        /// Ciphertext and tag.
        pub fn seal(&self, nonce: &[u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
            // Fails only beyond 64 GB.
            self.0.encrypt(&(*nonce).into(), Payload { msg: plain, aad }).expect("a short message")
        }

        /// The plaintext, when the tag is right.
        pub fn open(&self, nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Result<Secret> {
            self.0
                .decrypt(&(*nonce).into(), Payload { msg: sealed, aad })
                .map(Secret::from)
                .map_err(|_| Rv::AeadDecryptFailed.because("the tag does not match"))
        }
    }
}

pub mod hash {
    /// A hash function.
    #[derive(Clone, Copy)]
    pub enum Hash {
        Sha256,
    }
}

pub mod mac {
    use hmac::{KeyInit, Mac};
    use subtle::ConstantTimeEq;

    use crate::cryptoki::Secret;

    /// HMAC.
    pub struct Hmac(hmac::Hmac<sha2::Sha256>);

    impl Hmac {
        /// A MAC under a key of any length.
        pub fn new(_: super::hash::Hash, key: &Secret) -> Hmac {
            // HMAC takes keys of any length.
            Hmac(hmac::Hmac::new_from_slice(key.expose()).expect("any length"))
        }

        /// More of the message.
        pub fn update(&mut self, data: &[u8]) {
            self.0.update(data);
        }

        /// The tag.
        pub fn finish(self) -> Vec<u8> {
            self.0.finalize().into_bytes().to_vec()
        }
    }

    /// Comparison in constant time.
    pub fn equal(a: &[u8], b: &[u8]) -> bool {
        a.ct_eq(b).into()
    }
}
