//! Templates of keys whose parts a vector gives; all are session objects that may be used for everything.

use serde_json::Value;
use tests::{Template, ids::*, template};

use super::judge::bytes;

fn public(kind: CK_KEY_TYPE) -> Template {
    template![CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => kind, CKA_TOKEN => false, CKA_PRIVATE => false]
}

fn private(kind: CK_KEY_TYPE) -> Template {
    template![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => kind,
        CKA_TOKEN => false,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
    ]
}

/// A number without the zeros in front of it.
pub fn number(value: &Value) -> Vec<u8> {
    let bytes = bytes(value);
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes[zeros..].to_vec()
}

/// With `modulus` and `publicExponent`.
pub fn rsa_public(key: &Value) -> Template {
    public(CKK_RSA)
        .also(CKA_VERIFY, true)
        .also(CKA_ENCRYPT, true)
        .also(CKA_WRAP, true)
        .also(CKA_MODULUS, number(&key["modulus"]))
        .also(CKA_PUBLIC_EXPONENT, number(&key["publicExponent"]))
}

/// The numbers of PKCS #1 by their names there.
pub const RSA_NUMBERS: [(&str, CK_ATTRIBUTE_TYPE); 8] = [
    ("modulus", CKA_MODULUS),
    ("publicExponent", CKA_PUBLIC_EXPONENT),
    ("privateExponent", CKA_PRIVATE_EXPONENT),
    ("prime1", CKA_PRIME_1),
    ("prime2", CKA_PRIME_2),
    ("exponent1", CKA_EXPONENT_1),
    ("exponent2", CKA_EXPONENT_2),
    ("coefficient", CKA_COEFFICIENT),
];

/// With all eight numbers of PKCS #1.
pub fn rsa_private(key: &Value) -> Template {
    RSA_NUMBERS.into_iter().fold(
        private(CKK_RSA).also(CKA_SIGN, true).also(CKA_DECRYPT, true).also(CKA_UNWRAP, true),
        |template, (name, attribute)| template.also(attribute, number(&key[name])),
    )
}

/// A DER OCTET STRING.
pub fn octets(bytes: &[u8]) -> Vec<u8> {
    der(0x04, bytes)
}

/// A DER value of that tag.
pub fn der(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len();
    let head = match len {
        ..0x80 => vec![tag, len as u8],
        0x80..0x100 => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [head, bytes.to_vec()].concat()
}

/// A point of a curve, as the bytes of its encoding.
pub fn ec_public(kind: CK_KEY_TYPE, params: &[u8], point: &[u8]) -> Template {
    public(kind).also(CKA_EC_PARAMS, params).also(CKA_EC_POINT, octets(point))
}

/// A scalar of a curve, or the seed of an Edwards key.
pub fn ec_private(kind: CK_KEY_TYPE, params: &[u8], value: &[u8]) -> Template {
    private(kind).also(CKA_EC_PARAMS, params).also(CKA_VALUE, value)
}

/// With `p`, `q`, `g` and `y`.
pub fn dsa_public(key: &Value) -> Template {
    public(CKK_DSA)
        .also(CKA_PRIME, number(&key["p"]))
        .also(CKA_SUBPRIME, number(&key["q"]))
        .also(CKA_BASE, number(&key["g"]))
        .also(CKA_VALUE, number(&key["y"]))
}

/// With `p`, `q`, `g` and `x`.
pub fn dsa_private(key: &Value) -> Template {
    private(CKK_DSA)
        .also(CKA_PRIME, number(&key["p"]))
        .also(CKA_SUBPRIME, number(&key["q"]))
        .also(CKA_BASE, number(&key["g"]))
        .also(CKA_VALUE, number(&key["x"]))
}

/// A post-quantum public key of a parameter set.
pub fn pq_public(kind: CK_KEY_TYPE, set: CK_ULONG, value: &[u8]) -> Template {
    public(kind).also(CKA_PARAMETER_SET, set).also(CKA_VALUE, value)
}

/// A post-quantum private key by its expanded value (CKA_VALUE) or its seed (CKA_SEED).
pub fn pq_private(kind: CK_KEY_TYPE, set: CK_ULONG, attribute: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Template {
    private(kind).also(CKA_PARAMETER_SET, set).also(attribute, value)
}
