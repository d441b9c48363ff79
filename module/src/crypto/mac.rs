//! Message authentication: HMAC over any hash, AES-CMAC, and comparison in constant time.

use subtle::ConstantTimeEq;

use super::awslc;
use super::cipher::{Algorithm, Cipher, Direction, Mode, failed};
use super::hash::{Hash, Hasher};
use crate::cryptoki::{Result, Rv, Secret};

/// HMAC (RFC 2104, FIPS 198-1), in parts.
#[derive(Clone)]
pub struct Hmac {
    /// The two hashes, keyed and otherwise empty: what every new message begins with.
    keyed: [Hasher; 2],
    inner: Hasher,
}

impl Hmac {
    /// An HMAC under `key`, of any length, none included.
    pub fn new(hash: Hash, key: &Secret) -> Hmac {
        let mut block = Secret::zeroed(hash.block());
        if key.len() > hash.block() {
            let short = Secret::from(hash.digest(key.expose()));
            block.expose_mut()[..short.len()].copy_from_slice(short.expose());
        } else {
            block.expose_mut()[..key.len()].copy_from_slice(key.expose());
        }
        let keyed = [0x36, 0x36 ^ 0x5c].map(|pad| {
            block.expose_mut().iter_mut().for_each(|byte| *byte ^= pad);
            let mut hasher = hash.start();
            hasher.update(block.expose());
            hasher
        });
        Hmac { inner: keyed[0].clone(), keyed }
    }

    /// Takes the next part.
    pub fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    /// What it took in so far; the key is not in it, but who has it can go on without one.
    pub fn save(&self) -> Secret {
        self.inner.save()
    }

    /// Goes on from what an HMAC of the same hash and key saved. `CKR_SAVED_STATE_INVALID` for anything else.
    pub fn load(&mut self, state: &[u8]) -> Result<()> {
        self.inner.load(state)
    }

    /// The tag over all parts, as long as the hash's digest; begins anew under the same key.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut outer = self.keyed[1].clone();
        outer.update(&self.inner.finish());
        self.inner = self.keyed[0].clone();
        outer.finish()
    }
}

/// CMAC (SP 800-38B, RFC 4493) of AES or triple DES, in parts; a tag is as long as a block.
pub struct Cmac {
    /// Keyed and otherwise empty: what every new message begins with.
    keyed: awslc::Cmac,
    running: awslc::Cmac,
}

impl Cmac {
    /// Begins. `CKR_KEY_SIZE_RANGE` for a key of a length the algorithm does not have, and for single DES.
    pub fn new(algorithm: Algorithm, key: &Secret) -> Result<Cmac> {
        let (key, des) = (algorithm.key(key)?, algorithm == Algorithm::Des);
        if des && key.len() == 8 {
            return Err(Rv::KeySizeRange.because("CMAC takes no single DES"));
        }
        let keyed = awslc::Cmac::new(des, key.expose()).ok_or_else(failed)?;
        Ok(Cmac { running: keyed.twin().ok_or_else(failed)?, keyed })
    }

    /// Takes the next part.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        self.running.update(data).ok_or_else(failed)
    }

    /// The tag over all parts; begins anew under the same key.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        let tag = self.running.finish().ok_or_else(failed)?;
        self.running = self.keyed.twin().ok_or_else(failed)?;
        Ok(tag)
    }

    /// The same state once more, for C_GetOperationState and the like.
    pub fn twin(&self) -> Result<Cmac> {
        let twin = |cmac: &awslc::Cmac| cmac.twin().ok_or_else(failed);
        Ok(Cmac { keyed: twin(&self.keyed)?, running: twin(&self.running)? })
    }
}

/// CBC-MAC (FIPS 113), in parts: the last block of a CBC encryption from a zero IV, the data filled up with zeros.
/// A tag is as long as a block.
pub struct CbcMac {
    cipher: Cipher,
    block: usize,
    taken: usize,
    last: Vec<u8>,
}

impl CbcMac {
    /// Begins. `CKR_KEY_SIZE_RANGE` for a key of a length the algorithm does not have.
    pub fn new(algorithm: Algorithm, key: &Secret) -> Result<CbcMac> {
        let (block, zeros) = (algorithm.block(), [0; 16]);
        let cipher = Cipher::new(algorithm, Mode::Cbc, Direction::Encrypt, key, &zeros[..block])?;
        Ok(CbcMac { cipher, block, taken: 0, last: Vec::new() })
    }

    /// Takes the next part.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        for part in data.chunks(1 << 16) {
            self.cipher.update(part, &mut self.last)?;
            self.last.drain(..self.last.len().saturating_sub(self.block));
            self.taken = (self.taken + part.len()) % self.block;
        }
        Ok(())
    }

    /// The tag over all parts; nothing at all counts as one block of zeros.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        let missing = if self.last.is_empty() || self.taken > 0 { self.block - self.taken } else { 0 };
        self.update(&[0; 16][..missing])?;
        Ok(self.last.clone())
    }
}

/// True when both are the same bytes; the time tells only the lengths.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{KeyInit, Mac};
    use proptest::prelude::*;

    #[test]
    fn rfc_4231_case_2() {
        let mut mac = Hmac::new(Hash::Sha256, &Secret::from(&b"Jefe"[..]));
        mac.update(b"what do ya want ");
        mac.update(b"for nothing?");
        let tag = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex::encode(mac.finish()), tag);
        mac.update(b"what do ya want for nothing?");
        assert_eq!(hex::encode(mac.finish()), tag, "begins anew under the same key");
    }

    /// RFC 4493 §4, examples 1 to 4.
    #[test]
    fn cmac_known_answers() {
        let key = Secret::from(hex::decode("2b7e151628aed2a6abf7158809cf4f3c").unwrap());
        let data = hex::decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710").unwrap();
        let mut mac = Cmac::new(Algorithm::Aes, &key).unwrap();
        for (len, tag) in [
            (0, "bb1d6929e95937287fa37d129b756746"),
            (16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (40, "dfa66747de9ae63030ca32611497c827"),
            (64, "51f0bebf7e3b9d92fc49741779363cfe"),
        ] {
            mac.update(&data[..len / 3]).unwrap();
            let mut twin = mac.twin().unwrap();
            mac.update(&data[len / 3..len]).unwrap();
            twin.update(&data[len / 3..len]).unwrap();
            assert_eq!(hex::encode(mac.finish().unwrap()), tag);
            assert_eq!(hex::encode(twin.finish().unwrap()), tag);
        }
        for len in [0, 15, 17, 64] {
            assert_eq!(
                Cmac::new(Algorithm::Aes, &Secret::zeroed(len)).err().unwrap().rv(),
                crate::cryptoki::Rv::KeySizeRange
            );
        }
    }

    #[test]
    fn equal_compares_length_and_bytes() {
        assert!(equal(b"", b"") && equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd") && !equal(b"abc", b"ab"));
    }

    proptest! {
        #[test]
        fn agrees_with_the_hmac_crate(key in prop::collection::vec(any::<u8>(), 0..300), data: Vec<u8>) {
            let secret = Secret::from(&key[..]);
            let mut ours = Hmac::new(Hash::Sha256, &secret);
            ours.update(&data);
            let mut theirs = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
            theirs.update(&data);
            prop_assert_eq!(ours.finish(), theirs.finalize().into_bytes().to_vec());
            let mut ours = Hmac::new(Hash::Sha512, &secret);
            ours.update(&data);
            let mut theirs = hmac::Hmac::<sha2::Sha512>::new_from_slice(&key).unwrap();
            theirs.update(&data);
            prop_assert_eq!(ours.finish(), theirs.finalize().into_bytes().to_vec());
        }
    }
}
