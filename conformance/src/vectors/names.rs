//! Hashes and curves by the names that vectors give them.

use tests::ids::*;

/// A hash with the mechanisms it stands in.
pub struct Hash {
    /// As Wycheproof writes it.
    pub name: &'static str,
    pub digest: CK_MECHANISM_TYPE,
    pub hmac: CK_MECHANISM_TYPE,
    pub general: CK_MECHANISM_TYPE,
    /// The type of keys for its HMAC.
    pub kind: CK_KEY_TYPE,
    pub key_gen: CK_MECHANISM_TYPE,
    pub derive: CK_MECHANISM_TYPE,
    pub len: usize,
    pub signs: Option<Signs>,
}

/// The signatures over a hash; MD5 and SHA-512/t have none of PSS and ECDSA.
#[derive(Clone, Copy)]
pub struct Signs {
    pub rsa: CK_MECHANISM_TYPE,
    pub pss: CK_MECHANISM_TYPE,
    pub ecdsa: CK_MECHANISM_TYPE,
    pub mgf: CK_RSA_PKCS_MGF_TYPE,
}

macro_rules! hash {
    ($name:literal, $len:literal, $digest:ident, $hmac:ident, $general:ident, $kind:ident, $key_gen:ident, $derive:ident $(,
        $rsa:ident, $pss:ident, $ecdsa:ident, $mgf:ident)?) => {
        Hash {
            name: $name,
            digest: $digest,
            hmac: $hmac,
            general: $general,
            kind: $kind,
            key_gen: $key_gen,
            derive: $derive,
            len: $len,
            signs: [$(Some(Signs { rsa: $rsa, pss: $pss, ecdsa: $ecdsa, mgf: $mgf }),)? None][0],
        }
    };
}

#[rustfmt::skip]
pub const HASHES: &[Hash] = &[
    hash!("MD5", 16, CKM_MD5, CKM_MD5_HMAC, CKM_MD5_HMAC_GENERAL, CKK_MD5_HMAC, CKM_GENERIC_SECRET_KEY_GEN, CKM_MD5_KEY_DERIVATION),
    hash!("SHA-1", 20, CKM_SHA_1, CKM_SHA_1_HMAC, CKM_SHA_1_HMAC_GENERAL, CKK_SHA_1_HMAC, CKM_SHA_1_KEY_GEN, CKM_SHA1_KEY_DERIVATION,
        CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_ECDSA_SHA1, CKG_MGF1_SHA1),
    hash!("SHA-224", 28, CKM_SHA224, CKM_SHA224_HMAC, CKM_SHA224_HMAC_GENERAL, CKK_SHA224_HMAC, CKM_SHA224_KEY_GEN, CKM_SHA224_KEY_DERIVATION,
        CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_ECDSA_SHA224, CKG_MGF1_SHA224),
    hash!("SHA-256", 32, CKM_SHA256, CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKK_SHA256_HMAC, CKM_SHA256_KEY_GEN, CKM_SHA256_KEY_DERIVATION,
        CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA_SHA256, CKG_MGF1_SHA256),
    hash!("SHA-384", 48, CKM_SHA384, CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, CKK_SHA384_HMAC, CKM_SHA384_KEY_GEN, CKM_SHA384_KEY_DERIVATION,
        CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_ECDSA_SHA384, CKG_MGF1_SHA384),
    hash!("SHA-512", 64, CKM_SHA512, CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL, CKK_SHA512_HMAC, CKM_SHA512_KEY_GEN, CKM_SHA512_KEY_DERIVATION,
        CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKM_ECDSA_SHA512, CKG_MGF1_SHA512),
    hash!("SHA-512/224", 28, CKM_SHA512_224, CKM_SHA512_224_HMAC, CKM_SHA512_224_HMAC_GENERAL, CKK_SHA512_224_HMAC, CKM_SHA512_224_KEY_GEN, CKM_SHA512_224_KEY_DERIVATION),
    hash!("SHA-512/256", 32, CKM_SHA512_256, CKM_SHA512_256_HMAC, CKM_SHA512_256_HMAC_GENERAL, CKK_SHA512_256_HMAC, CKM_SHA512_256_KEY_GEN, CKM_SHA512_256_KEY_DERIVATION),
    hash!("SHA3-224", 28, CKM_SHA3_224, CKM_SHA3_224_HMAC, CKM_SHA3_224_HMAC_GENERAL, CKK_SHA3_224_HMAC, CKM_SHA3_224_KEY_GEN, CKM_SHA3_224_KEY_DERIVATION,
        CKM_SHA3_224_RSA_PKCS, CKM_SHA3_224_RSA_PKCS_PSS, CKM_ECDSA_SHA3_224, CKG_MGF1_SHA3_224),
    hash!("SHA3-256", 32, CKM_SHA3_256, CKM_SHA3_256_HMAC, CKM_SHA3_256_HMAC_GENERAL, CKK_SHA3_256_HMAC, CKM_SHA3_256_KEY_GEN, CKM_SHA3_256_KEY_DERIVATION,
        CKM_SHA3_256_RSA_PKCS, CKM_SHA3_256_RSA_PKCS_PSS, CKM_ECDSA_SHA3_256, CKG_MGF1_SHA3_256),
    hash!("SHA3-384", 48, CKM_SHA3_384, CKM_SHA3_384_HMAC, CKM_SHA3_384_HMAC_GENERAL, CKK_SHA3_384_HMAC, CKM_SHA3_384_KEY_GEN, CKM_SHA3_384_KEY_DERIVATION,
        CKM_SHA3_384_RSA_PKCS, CKM_SHA3_384_RSA_PKCS_PSS, CKM_ECDSA_SHA3_384, CKG_MGF1_SHA3_384),
    hash!("SHA3-512", 64, CKM_SHA3_512, CKM_SHA3_512_HMAC, CKM_SHA3_512_HMAC_GENERAL, CKK_SHA3_512_HMAC, CKM_SHA3_512_KEY_GEN, CKM_SHA3_512_KEY_DERIVATION,
        CKM_SHA3_512_RSA_PKCS, CKM_SHA3_512_RSA_PKCS_PSS, CKM_ECDSA_SHA3_512, CKG_MGF1_SHA3_512),
];

/// The mechanism of that name, which may be a vendor's.
pub fn mechanism(name: &str) -> Option<CK_MECHANISM_TYPE> {
    tests::names::MECHANISMS.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
}

/// The hash of that name.
pub fn hash(name: &str) -> Option<&'static Hash> {
    HASHES.iter().find(|hash| hash.name == name)
}

/// A curve: its name, the OID in DER as CKA_EC_PARAMS wants it, and the bytes of a number.
pub struct Curve {
    pub name: &'static str,
    pub params: &'static [u8],
    pub size: usize,
}

#[rustfmt::skip]
pub const CURVES: &[Curve] = &[
    Curve { name: "secp192r1", params: b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x01", size: 24 },
    Curve { name: "secp224r1", params: b"\x06\x05\x2b\x81\x04\x00\x21", size: 28 },
    Curve { name: "secp256r1", params: b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", size: 32 },
    Curve { name: "secp384r1", params: b"\x06\x05\x2b\x81\x04\x00\x22", size: 48 },
    Curve { name: "secp521r1", params: b"\x06\x05\x2b\x81\x04\x00\x23", size: 66 },
    Curve { name: "secp256k1", params: b"\x06\x05\x2b\x81\x04\x00\x0a", size: 32 },
    Curve { name: "brainpoolP224r1", params: b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x05", size: 28 },
    Curve { name: "brainpoolP256r1", params: b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07", size: 32 },
    Curve { name: "brainpoolP320r1", params: b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x09", size: 40 },
    Curve { name: "brainpoolP384r1", params: b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", size: 48 },
    Curve { name: "brainpoolP512r1", params: b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", size: 64 },
];

/// Curve25519 and Curve448 in both their forms.
pub const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
pub const ED448: &[u8] = b"\x06\x03\x2b\x65\x71";
pub const X25519: &[u8] = b"\x06\x03\x2b\x65\x6e";
pub const X448: &[u8] = b"\x06\x03\x2b\x65\x6f";
