//! Message authentication: HMAC over any hash, and comparison in constant time.

use subtle::ConstantTimeEq;

use super::hash::{Hash, Hasher};
use crate::cryptoki::Secret;

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

    /// The tag over all parts, as long as the hash's digest; begins anew under the same key.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut outer = self.keyed[1].clone();
        outer.update(&self.inner.finish());
        self.inner = self.keyed[0].clone();
        outer.finish()
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
