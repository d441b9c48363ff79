//! Hash functions: one table, from which the names, the lengths and the engines come.

use sha1::digest::common::hazmat::{SerializableState, SerializedState};
use sha1::digest::{Digest, FixedOutputReset};

use super::awslc;
use crate::cryptoki::{Error, Result, Rv, Secret};

/// DigestInfo up to the digest, for the NIST hashes: 2.16.840.1.101.3.4.2.`arc` (RFC 8017 §9.2 note 1).
const fn nist(arc: u8, len: u8) -> [u8; 19] {
    [0x30, 17 + len, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, arc, 5, 0, 4, len]
}

macro_rules! hashes {
    ($($name:ident = $engine:ty, $len:literal, $block:literal, $info:expr;)*) => {
        /// A hash function (FIPS 180-4, FIPS 202, RFC 1321).
        #[allow(non_camel_case_types, reason = "the standard's names: without the underscore Sha3_256 could not be read")]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Hash { $(#[doc = stringify!($name)] $name),* }

        #[allow(non_camel_case_types, reason = "the same names")]
        #[derive(Clone)]
        enum Engine { $($name($engine)),* }

        impl Hash {
            /// Every hash function, in the table's order.
            pub const ALL: &[Hash] = &[$(Hash::$name),*];

            /// Bytes of a digest.
            #[allow(clippy::len_without_is_empty, reason = "no digest is empty")]
            pub const fn len(self) -> usize {
                match self { $(Hash::$name => $len),* }
            }

            /// Bytes of a block, as HMAC needs them.
            pub const fn block(self) -> usize {
                match self { $(Hash::$name => $block),* }
            }

            /// The DER that stands before the digest in a PKCS#1 DigestInfo (RFC 8017 §9.2).
            pub const fn digest_info(self) -> &'static [u8] {
                match self { $(Hash::$name => { const INFO: &[u8] = &$info; INFO }),* }
            }

            /// The digest of `data`.
            pub fn digest(self, data: &[u8]) -> Vec<u8> {
                match self { $(Hash::$name => <$engine>::digest(data).to_vec()),* }
            }

            /// A digest in parts.
            pub fn start(self) -> Hasher {
                Hasher(match self { $(Hash::$name => Engine::$name(<$engine>::new())),* })
            }
        }

        impl Hasher {
            /// Takes the next part.
            pub fn update(&mut self, data: &[u8]) {
                match &mut self.0 { $(Engine::$name(engine) => Digest::update(engine, data)),* }
            }

            /// The digest of all parts since the start; begins anew.
            pub fn finish(&mut self) -> Vec<u8> {
                match &mut self.0 { $(Engine::$name(engine) => engine.finalize_fixed_reset().to_vec()),* }
            }

            /// What it took in so far, as bytes that [`Hasher::load`] goes on from.
            pub fn save(&self) -> Secret {
                match &self.0 { $(Engine::$name(engine) => engine.serialize().as_slice().into()),* }
            }

            /// Goes on from what the same hash saved; `CKR_SAVED_STATE_INVALID` for anything else.
            pub fn load(&mut self, state: &[u8]) -> Result<()> {
                match &mut self.0 {
                    $(Engine::$name(engine) => {
                        let state: &SerializedState<$engine> = state.try_into().map_err(|_| unknown())?;
                        *engine = <$engine>::deserialize(state).map_err(|_| unknown())?;
                    })*
                }
                Ok(())
            }
        }
    };
}

/// A digest in the making.
#[derive(Clone)]
pub struct Hasher(Engine);

hashes! {
    Md5 = md5::Md5, 16, 64, [0x30, 32, 0x30, 12, 6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5, 5, 0, 4, 16];
    Sha1 = sha1::Sha1, 20, 64, [0x30, 33, 0x30, 9, 6, 5, 0x2b, 14, 3, 2, 26, 5, 0, 4, 20];
    Sha224 = sha2::Sha224, 28, 64, nist(4, 28);
    Sha256 = sha2::Sha256, 32, 64, nist(1, 32);
    Sha384 = sha2::Sha384, 48, 128, nist(2, 48);
    Sha512 = sha2::Sha512, 64, 128, nist(3, 64);
    Sha512_224 = sha2::Sha512_224, 28, 128, nist(5, 28);
    Sha512_256 = sha2::Sha512_256, 32, 128, nist(6, 32);
    Sha3_224 = sha3::Sha3_224, 28, 144, nist(7, 28);
    Sha3_256 = sha3::Sha3_256, 32, 136, nist(8, 32);
    Sha3_384 = sha3::Sha3_384, 48, 104, nist(9, 48);
    Sha3_512 = sha3::Sha3_512, 64, 72, nist(10, 64);
}

/// SHAKE-128 or, `wide`, SHAKE-256 (FIPS 202): as many bytes as are asked.
pub fn shake(wide: bool, data: &Secret, len: usize) -> Result<Secret> {
    let mut out = Secret::zeroed(len);
    awslc::shake(wide, data.expose(), out.expose_mut())
        .ok_or_else(|| Rv::FunctionFailed.because("SHAKE could not run"))?;
    Ok(out)
}

fn unknown() -> Error {
    Rv::SavedStateInvalid.because("the saved bytes are no state of this hash")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// FIPS 180-4, FIPS 202, RFC 1321: the digests of "abc".
    const ABC: &[(Hash, &str)] = &[
        (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Hash::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Hash::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            Hash::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (Hash::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (Hash::Sha512_224, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"),
        (Hash::Sha512_256, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
        (Hash::Sha3_224, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"),
        (Hash::Sha3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        (
            Hash::Sha3_384,
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
        ),
        (
            Hash::Sha3_512,
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        ),
    ];

    #[test]
    fn every_hash_has_its_published_digest() {
        for hash in Hash::ALL {
            let (_, known) = ABC.iter().find(|row| row.0 == *hash).unwrap();
            assert_eq!(hex::encode(hash.digest(b"abc")), *known, "{hash:?}");
        }
    }

    #[test]
    fn every_row_agrees_with_its_engine() {
        for hash in Hash::ALL {
            let info = hash.digest_info();
            assert_eq!(hash.digest(b"").len(), hash.len());
            assert_eq!(usize::from(info[1]) + 2, info.len() + hash.len(), "{hash:?}");
            assert_eq!(usize::from(info[info.len() - 1]), hash.len());
        }
    }

    #[test]
    fn a_state_of_nothing_known_is_refused() {
        for hash in Hash::ALL {
            for state in [&b""[..], &[0xff; 17], &[0xff; 400]] {
                assert_eq!(hash.start().load(state).unwrap_err().rv(), Rv::SavedStateInvalid, "{hash:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn parts_give_the_digest_of_the_whole(data: Vec<u8>, cut: prop::sample::Index) {
            let (a, b) = data.split_at(cut.index(data.len() + 1));
            for hash in Hash::ALL {
                let mut hasher = hash.start();
                hasher.update(a);
                let mut twin = hash.start();
                twin.load(hasher.save().expose()).unwrap();
                hasher.update(b);
                twin.update(b);
                prop_assert_eq!(hasher.finish(), hash.digest(&data));
                prop_assert_eq!(hasher.finish(), hash.digest(b""));
                prop_assert_eq!(twin.finish(), hash.digest(&data));
            }
        }
    }
}
