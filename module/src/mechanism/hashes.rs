//! The hash functions under all the names that parameters give them.

use crate::crypto::hash::Hash;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, names};

/// A hash function with its numbers.
pub struct Named {
    pub hash: Hash,
    /// The digest's CKM_, as PSS, OAEP and prehashed signatures name it.
    pub digest: CK_MECHANISM_TYPE,
    /// CKG_MGF1_…; MD5 and SHA-512/t have none.
    pub mgf: Option<CK_RSA_PKCS_MGF_TYPE>,
    /// CKD_…_KDF (ANSI X9.63) and CKD_…_KDF_SP800 (SP 800-56A).
    pub kdf: Option<(CK_EC_KDF_TYPE, CK_EC_KDF_TYPE)>,
}

const fn plain(hash: Hash, digest: CK_MECHANISM_TYPE) -> Named {
    Named { hash, digest, mgf: None, kdf: None }
}

const fn named(
    hash: Hash,
    digest: CK_MECHANISM_TYPE,
    mgf: CK_RSA_PKCS_MGF_TYPE,
    x963: CK_EC_KDF_TYPE,
    sp800: CK_EC_KDF_TYPE,
) -> Named {
    Named { mgf: Some(mgf), kdf: Some((x963, sp800)), ..plain(hash, digest) }
}

#[rustfmt::skip]
pub const HASHES: &[Named] = &[
    plain(Hash::Md5, CKM_MD5),
    named(Hash::Sha1,     CKM_SHA_1,    CKG_MGF1_SHA1,     CKD_SHA1_KDF,     CKD_SHA1_KDF_SP800),
    named(Hash::Sha224,   CKM_SHA224,   CKG_MGF1_SHA224,   CKD_SHA224_KDF,   CKD_SHA224_KDF_SP800),
    named(Hash::Sha256,   CKM_SHA256,   CKG_MGF1_SHA256,   CKD_SHA256_KDF,   CKD_SHA256_KDF_SP800),
    named(Hash::Sha384,   CKM_SHA384,   CKG_MGF1_SHA384,   CKD_SHA384_KDF,   CKD_SHA384_KDF_SP800),
    named(Hash::Sha512,   CKM_SHA512,   CKG_MGF1_SHA512,   CKD_SHA512_KDF,   CKD_SHA512_KDF_SP800),
    plain(Hash::Sha512_224, CKM_SHA512_224),
    plain(Hash::Sha512_256, CKM_SHA512_256),
    named(Hash::Sha3_224, CKM_SHA3_224, CKG_MGF1_SHA3_224, CKD_SHA3_224_KDF, CKD_SHA3_224_KDF_SP800),
    named(Hash::Sha3_256, CKM_SHA3_256, CKG_MGF1_SHA3_256, CKD_SHA3_256_KDF, CKD_SHA3_256_KDF_SP800),
    named(Hash::Sha3_384, CKM_SHA3_384, CKG_MGF1_SHA3_384, CKD_SHA3_384_KDF, CKD_SHA3_384_KDF_SP800),
    named(Hash::Sha3_512, CKM_SHA3_512, CKG_MGF1_SHA3_512, CKD_SHA3_512_KDF, CKD_SHA3_512_KDF_SP800),
];

fn find(is: impl Fn(&Named) -> bool) -> Option<&'static Named> {
    HASHES.iter().find(|named| is(named))
}

/// The hash that a CKM_ of a digest names.
///
/// # Errors
/// CKR_MECHANISM_PARAM_INVALID when it is none.
pub fn by_digest(id: CK_MECHANISM_TYPE) -> Result<Hash> {
    find(|named| named.digest == id).map(|named| named.hash).ok_or_else(|| {
        Rv::MechanismParamInvalid.because(format!("{} is no hash of this token", names::mechanism(id)))
    })
}

/// The hash of a mask generation function.
pub fn by_mgf(mgf: CK_RSA_PKCS_MGF_TYPE) -> Option<Hash> {
    find(|named| named.mgf == Some(mgf)).map(|named| named.hash)
}

/// The hash of a key derivation function, and whether it is the one of SP 800-56A.
pub fn by_kdf(kdf: CK_EC_KDF_TYPE) -> Option<(Hash, bool)> {
    let one = |named: &Named| named.kdf.is_some_and(|(x963, sp800)| kdf == x963 || kdf == sp800);
    find(one).map(|named| (named.hash, named.kdf.is_some_and(|(_, sp800)| kdf == sp800)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_is_found_by_each_of_its_numbers() {
        assert_eq!(HASHES.len(), Hash::ALL.len());
        for named in HASHES {
            assert_eq!(by_digest(named.digest), Ok(named.hash));
            if let (Some(mgf), Some((x963, sp800))) = (named.mgf, named.kdf) {
                assert_eq!(by_mgf(mgf), Some(named.hash));
                assert_eq!(by_kdf(x963), Some((named.hash, false)));
                assert_eq!(by_kdf(sp800), Some((named.hash, true)));
            }
        }
        assert_eq!(by_digest(CKM_RSA_PKCS).unwrap_err().rv(), Rv::MechanismParamInvalid);
        assert_eq!((by_mgf(0), by_kdf(CKD_NULL)), (None, None));
    }
}
