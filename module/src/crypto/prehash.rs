//! Hash functions as prehashed signatures use them (FIPS 204 §5.4.1, FIPS 205 §10.2.2): with an OID, SHAKE among them.

use shake::{ExtendableOutput, Shake128, Shake256, Update};

use super::hash::{Hash, Hasher};

/// A hash function that may stand before a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prehash {
    Hash(Hash),
    /// With 32 bytes of output.
    Shake128,
    /// With 64 bytes of output.
    Shake256,
}

/// 2.16.840.1.101.3.4.2.11 and .12, with tag and length.
const SHAKE128: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 11];
const SHAKE256: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 12];

impl Prehash {
    /// The OID in DER; `None` for MD5 and SHA-1, which these signatures do not know.
    pub fn oid(self) -> Option<&'static [u8]> {
        match self {
            Prehash::Hash(Hash::Md5 | Hash::Sha1) => None,
            // SEQUENCE, SEQUENCE, the OID of 11 bytes: see `Hash::digest_info`.
            Prehash::Hash(hash) => hash.digest_info().get(4..15),
            Prehash::Shake128 => Some(SHAKE128),
            Prehash::Shake256 => Some(SHAKE256),
        }
    }

    /// Bytes of a digest.
    #[allow(clippy::len_without_is_empty, reason = "no digest is empty")]
    pub fn len(self) -> usize {
        match self {
            Prehash::Hash(hash) => hash.len(),
            Prehash::Shake128 => 32,
            Prehash::Shake256 => 64,
        }
    }

    /// A digest in parts.
    pub fn start(self) -> Prehasher {
        match self {
            Prehash::Hash(hash) => Prehasher::Hash(hash.start()),
            Prehash::Shake128 => Prehasher::Shake128(Shake128::default()),
            Prehash::Shake256 => Prehasher::Shake256(Shake256::default()),
        }
    }
}

/// A digest in the making.
#[derive(Clone)]
pub enum Prehasher {
    Hash(Hasher),
    Shake128(Shake128),
    Shake256(Shake256),
}

impl Prehasher {
    /// Takes the next part.
    pub fn update(&mut self, data: &[u8]) {
        match self {
            Prehasher::Hash(hasher) => hasher.update(data),
            Prehasher::Shake128(hasher) => hasher.update(data),
            Prehasher::Shake256(hasher) => hasher.update(data),
        }
    }

    /// The digest of all parts since the start; begins anew.
    pub fn finish(&mut self) -> Vec<u8> {
        match self {
            Prehasher::Hash(hasher) => hasher.finish(),
            Prehasher::Shake128(hasher) => squeezed(std::mem::take(hasher), 32),
            Prehasher::Shake256(hasher) => squeezed(std::mem::take(hasher), 64),
        }
    }
}

fn squeezed(hasher: impl ExtendableOutput, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    hasher.finalize_xof_into(&mut out);
    out
}

/// SHAKE256 over some parts, 64 bytes of it.
pub fn shake256(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = Shake256::default();
    parts.iter().for_each(|part| hasher.update(part));
    squeezed(hasher, 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 202: the digests of nothing; and the parts of something.
    #[test]
    fn shakes_are_the_published_ones() {
        for (prehash, empty) in [
            (Prehash::Shake128, "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"),
            (
                Prehash::Shake256,
                "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762fd75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be",
            ),
        ] {
            let mut hasher = prehash.start();
            assert_eq!(hex::encode(hasher.finish()), empty);
            hasher.update(b"a");
            hasher.update(b"bc");
            let parts = hasher.finish();
            hasher.update(b"abc");
            assert_eq!(hasher.finish(), parts);
            assert_eq!(parts.len(), prehash.len());
        }
    }

    #[test]
    fn every_oid_is_one_of_nist() {
        for hash in Hash::ALL {
            let oid = Prehash::Hash(*hash).oid();
            assert_eq!(oid.is_none(), matches!(hash, Hash::Md5 | Hash::Sha1));
            assert!(oid.is_none_or(|oid| oid[..10] == SHAKE128[..10] && oid.len() == 11), "{hash:?}");
        }
    }
}
