//! Typed keys: what a mechanism works with, parsed from attributes once and shared.

pub mod edwards;
pub mod field;
pub mod otp;
pub mod pq;
mod x509;

use std::sync::Arc;

use crate::crypto::{cipher, ec, hash::Hash, rsa, spki};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret, names};

use super::attributes::{Attributes, Value};
use super::policy::{Birth, Sort};

pub use otp::Otp;

/// The types of secret keys this token keeps: first those of any length, then those whose type says how long.
pub const SECRET_TYPES: &[CK_KEY_TYPE] = &[
    CKK_GENERIC_SECRET,
    CKK_MD5_HMAC,
    CKK_SHA_1_HMAC,
    CKK_SHA224_HMAC,
    CKK_SHA256_HMAC,
    CKK_SHA384_HMAC,
    CKK_SHA512_HMAC,
    CKK_SHA512_224_HMAC,
    CKK_SHA512_256_HMAC,
    CKK_SHA3_224_HMAC,
    CKK_SHA3_256_HMAC,
    CKK_SHA3_384_HMAC,
    CKK_SHA3_512_HMAC,
    CKK_HKDF,
    CKK_AES,
    CKK_AES_XTS,
    CKK_DES,
    CKK_DES2,
    CKK_DES3,
    CKK_CHACHA20,
    CKK_POLY1305,
];

/// Those of any length.
pub const FREE_TYPES: &[CK_KEY_TYPE] = SECRET_TYPES.split_at(14).0;

/// The key types whose domain parameters this token keeps.
pub const DOMAIN_TYPES: &[CK_KEY_TYPE] = &[CKK_DSA, CKK_DH];

/// The types of key pairs this token keeps.
pub const PAIR_TYPES: &[CK_KEY_TYPE] = &[
    CKK_RSA,
    CKK_EC,
    CKK_EC_EDWARDS,
    CKK_EC_MONTGOMERY,
    CKK_ML_DSA,
    CKK_ML_KEM,
    CKK_SLH_DSA,
    CKK_DSA,
    CKK_DH,
];

/// The types of private keys whose public half stands in their attributes.
pub const PUBLIC_HALVES: &[CK_KEY_TYPE] = &[CKK_RSA, CKK_EC];

/// A key, ready for work.
#[derive(Clone)]
pub enum Key {
    Secret(Secret),
    RsaPublic(Arc<rsa::PublicKey>),
    RsaPrivate(Arc<rsa::PrivateKey>),
    EcPublic(Arc<ec::PublicKey>),
    EcPrivate(Arc<ec::PrivateKey>),
    /// Of Edwards and Montgomery keys alike: the curve tells which.
    EdwardsPublic(Arc<crate::crypto::edwards::PublicKey>),
    EdwardsPrivate(Arc<crate::crypto::edwards::PrivateKey>),
    FieldPublic(Arc<crate::crypto::field::FieldKey>),
    FieldPrivate(Arc<crate::crypto::field::FieldKey>),
    PqPublic(Arc<crate::crypto::pq::PublicKey>),
    PqPrivate(Arc<crate::crypto::pq::PrivateKey>),
    Otp(Arc<Otp>),
}

impl Key {
    /// The key of these attributes.
    ///
    /// # Errors
    /// CKR_KEY_HANDLE_INVALID for an object that is no key; what the key's parser says otherwise.
    pub fn parse(attributes: &Attributes) -> Result<Key> {
        let sort = Sort::of(attributes);
        Ok(match (sort.class, sort.kind) {
            (CKO_SECRET_KEY, _) => Key::Secret(attributes.bytes(CKA_VALUE).unwrap_or_default().into()),
            (CKO_OTP_KEY, _) => Key::Otp(Arc::new(Otp::parse(attributes)?)),
            (CKO_PUBLIC_KEY, CKK_RSA) => {
                let (n, e) = (attributes.need(CKA_MODULUS)?, attributes.need(CKA_PUBLIC_EXPONENT)?);
                Key::RsaPublic(Arc::new(rsa::PublicKey::new(n, e)?))
            }
            (CKO_PRIVATE_KEY, CKK_RSA) => {
                Key::RsaPrivate(Arc::new(rsa::PrivateKey::new(&components(attributes)?)?))
            }
            (CKO_PUBLIC_KEY, CKK_EC) => {
                let curve = ec::Curve::from_params(attributes.need(CKA_EC_PARAMS)?)?;
                let point = ec::point_from_attribute(curve, attributes.need(CKA_EC_POINT)?)?;
                Key::EcPublic(Arc::new(ec::PublicKey::new(curve, &point)?))
            }
            (CKO_PRIVATE_KEY, CKK_EC) => {
                let curve = ec::Curve::from_params(attributes.need(CKA_EC_PARAMS)?)?;
                let scalar = attributes.need(CKA_VALUE)?.into();
                Key::EcPrivate(Arc::new(ec::PrivateKey::new(curve, &scalar)?))
            }
            (CKO_PUBLIC_KEY, CKK_EC_EDWARDS | CKK_EC_MONTGOMERY) => edwards::parse_public(attributes)?,
            (CKO_PRIVATE_KEY, CKK_EC_EDWARDS | CKK_EC_MONTGOMERY) => edwards::parse_private(attributes)?,
            (CKO_PUBLIC_KEY, CKK_ML_DSA | CKK_ML_KEM | CKK_SLH_DSA) => pq::parse_public(attributes)?,
            (CKO_PRIVATE_KEY, CKK_ML_DSA | CKK_ML_KEM | CKK_SLH_DSA) => pq::parse_private(attributes)?,
            (CKO_PUBLIC_KEY, CKK_DSA | CKK_DH) => field::parse_public(attributes)?,
            (CKO_PRIVATE_KEY, CKK_DSA | CKK_DH) => field::parse_private(attributes)?,
            _ => return Err(Rv::KeyHandleInvalid.because("the object is no key")),
        })
    }

    /// The size of the key in bits: of the modulus, of the curve, of the secret, of a post-quantum public key.
    pub fn bits(&self) -> usize {
        match self {
            Key::Secret(secret) => secret.len() * 8,
            Key::Otp(key) => key.secret.len() * 8,
            Key::RsaPublic(key) => key.bits(),
            Key::RsaPrivate(key) => key.bits(),
            Key::EcPublic(key) => key.curve().bits(),
            Key::EcPrivate(key) => key.curve().bits(),
            Key::EdwardsPublic(key) => key.curve().bits(),
            Key::EdwardsPrivate(key) => key.curve().bits(),
            Key::FieldPublic(key) | Key::FieldPrivate(key) => key.domain().bits(),
            Key::PqPublic(key) => key.set().public_size() * 8,
            Key::PqPrivate(key) => key.set().public_size() * 8,
        }
    }
}

/// The numbers of an RSA private key, in the order of RFC 8017 appendix A.1.2; the first two are public.
pub const RSA_NUMBERS: [CK_ATTRIBUTE_TYPE; 8] = [
    CKA_MODULUS,
    CKA_PUBLIC_EXPONENT,
    CKA_PRIVATE_EXPONENT,
    CKA_PRIME_1,
    CKA_PRIME_2,
    CKA_EXPONENT_1,
    CKA_EXPONENT_2,
    CKA_COEFFICIENT,
];

/// The RSA components in the attributes of a private key that is complete.
///
/// # Errors
/// CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_VALUE_INVALID when it is not.
pub fn components(attributes: &Attributes) -> Result<rsa::Components> {
    let [n, e, d, p, q, dp, dq, inverse] = RSA_NUMBERS.map(|attribute| attributes.need(attribute));
    Ok(rsa::Components {
        modulus: n?.to_vec(),
        public_exponent: e?.to_vec(),
        private_exponent: d?.into(),
        prime_1: p?.into(),
        prime_2: q?.into(),
        exponent_1: dp?.into(),
        exponent_2: dq?.into(),
        coefficient: inverse?.into(),
    })
}

/// The attributes of an RSA private key.
pub fn from_components(key: rsa::Components) -> Attributes {
    let public = [key.modulus, key.public_exponent].map(Value::Bytes);
    let (primes, exponents) = ([key.prime_1, key.prime_2], [key.exponent_1, key.exponent_2]);
    let secret = [key.private_exponent].into_iter().chain(primes).chain(exponents).chain([key.coefficient]);
    let values = public.into_iter().chain(secret.map(Value::Secret));
    RSA_NUMBERS
        .into_iter()
        .zip(values)
        .fold(Attributes::default(), |all, (attribute, value)| all.with(attribute, value))
}

/// The attributes of an EC private key.
pub fn from_scalar(curve: ec::Curve, scalar: Secret, point: &[u8]) -> Attributes {
    Attributes::default()
        .with(CKA_EC_PARAMS, Value::Bytes(curve.params().to_vec()))
        .with(CKA_EC_POINT, Value::Bytes(ec::point_to_attribute(point)))
        .with(CKA_VALUE, Value::Secret(scalar))
}

/// Checks what an object is made of, brings it into its one stored form, and computes what follows from it:
/// missing RSA components, CKA_MODULUS_BITS, CKA_VALUE_LEN, CKA_CHECK_VALUE, CKA_PUBLIC_KEY_INFO …
///
/// # Errors
/// CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT, CKR_DOMAIN_PARAMS_INVALID, CKR_CURVE_NOT_SUPPORTED,
/// naming the attribute.
pub fn settle(attributes: &mut Attributes, birth: Birth) -> Result<()> {
    let sort = Sort::of(attributes);
    match (sort.class, sort.kind) {
        (CKO_CERTIFICATE, kind) => x509::settle(attributes, kind),
        (CKO_TRUST, _) => settle_trust(attributes),
        (CKO_PUBLIC_KEY, CKK_RSA) => settle_rsa_public(attributes),
        (CKO_PRIVATE_KEY, CKK_RSA) => settle_rsa_private(attributes, birth),
        (CKO_PUBLIC_KEY, CKK_EC) => settle_ec_public(attributes),
        (CKO_PRIVATE_KEY, CKK_EC) => settle_ec_private(attributes),
        (CKO_PUBLIC_KEY, CKK_EC_EDWARDS | CKK_EC_MONTGOMERY) => edwards::settle_public(attributes),
        (CKO_PRIVATE_KEY, CKK_EC_EDWARDS | CKK_EC_MONTGOMERY) => edwards::settle_private(attributes),
        (CKO_PUBLIC_KEY, CKK_ML_DSA | CKK_ML_KEM | CKK_SLH_DSA) => pq::settle_public(attributes),
        (CKO_PRIVATE_KEY, CKK_ML_DSA | CKK_ML_KEM | CKK_SLH_DSA) => pq::settle_private(attributes),
        (CKO_PUBLIC_KEY, CKK_DSA | CKK_DH) => field::settle_public(attributes),
        (CKO_PRIVATE_KEY, CKK_DSA | CKK_DH) => field::settle_private(attributes),
        (CKO_DOMAIN_PARAMETERS, _) => field::settle_domain(attributes),
        (CKO_SECRET_KEY, kind) => settle_secret(attributes, kind),
        (CKO_OTP_KEY, kind) => {
            otp::settle(attributes)?;
            settle_secret(attributes, kind)
        }
        _ => Ok(()),
    }
}

/// Sets a computed attribute; a caller who gave it must have given the same.
fn computed(attributes: &mut Attributes, attribute: CK_ATTRIBUTE_TYPE, value: Value) -> Result<()> {
    match attributes.of(attribute) {
        Some(given) if given.size() > 0 && *given != value => Err(Rv::AttributeValueInvalid
            .because(format!("{} does not match the rest of the object", names::attribute(attribute)))),
        _ => {
            attributes.set(attribute, value);
            Ok(())
        }
    }
}

/// For what a trust object says whether a certificate is trusted.
const USES: [CK_ATTRIBUTE_TYPE; 7] = [
    CKA_TRUST_SERVER_AUTH,
    CKA_TRUST_CLIENT_AUTH,
    CKA_TRUST_CODE_SIGNING,
    CKA_TRUST_EMAIL_PROTECTION,
    CKA_TRUST_IPSEC_IKE,
    CKA_TRUST_TIME_STAMPING,
    CKA_TRUST_OCSP_SIGNING,
];

/// Whoever trusts must say which certificate, by its hash (§4.7, footnote 2).
fn settle_trust(attributes: &mut Attributes) -> Result<()> {
    const KNOWN: [u32; 5] =
        [CKT_TRUST_UNKNOWN, CKT_TRUSTED, CKT_TRUST_ANCHOR, CKT_NOT_TRUSTED, CKT_TRUST_MUST_VERIFY_TRUST];
    for usage in USES {
        let Some(trust) = attributes.ulong(usage) else { continue };
        if !KNOWN.iter().any(|known| u64::from(*known) == trust) {
            return Err(Rv::AttributeValueInvalid
                .because(format!("{} is {trust:#x}, which is no CKT_", names::attribute(usage))));
        }
        let harmless = [CKT_TRUST_UNKNOWN, CKT_NOT_TRUSTED].iter().any(|known| u64::from(*known) == trust);
        if !harmless && attributes.bytes(CKA_HASH_OF_CERTIFICATE).is_none() {
            return Err(Rv::TemplateIncomplete.because(format!(
                "CKA_HASH_OF_CERTIFICATE is missing: {} trusts (§4.7)",
                names::attribute(usage)
            )));
        }
    }
    Ok(())
}

fn settle_rsa_public(attributes: &mut Attributes) -> Result<()> {
    let (n, e) = (attributes.need(CKA_MODULUS)?, attributes.need(CKA_PUBLIC_EXPONENT)?);
    let (bits, info) = (rsa::PublicKey::new(n, e)?.bits(), spki::rsa(n, e));
    attributes.set(CKA_MODULUS_BITS, Value::Ulong(bits as u64));
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(info))
}

fn settle_rsa_private(attributes: &mut Attributes, birth: Birth) -> Result<()> {
    let n = attributes.need(CKA_MODULUS)?;
    let d = attributes.need(CKA_PRIVATE_EXPONENT)?;
    let primes = attributes.bytes(CKA_PRIME_1).zip(attributes.bytes(CKA_PRIME_2));
    let key = match (attributes.bytes(CKA_PUBLIC_EXPONENT), primes) {
        // It was checked where it was made.
        _ if matches!(birth, Birth::Generate(_)) => components(attributes)?,
        (e, primes) => rsa::complete(n, e, d, primes)?,
    };
    let info = spki::rsa(&key.modulus, &key.public_exponent);
    attributes.absorb(from_components(key));
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(info))
}

fn settle_ec_public(attributes: &mut Attributes) -> Result<()> {
    let curve = ec::Curve::from_params(attributes.need(CKA_EC_PARAMS)?)?;
    let point = ec::point_from_attribute(curve, attributes.need(CKA_EC_POINT)?)?;
    attributes.set(CKA_EC_PARAMS, Value::Bytes(curve.params().to_vec()));
    attributes.set(CKA_EC_POINT, Value::Bytes(ec::point_to_attribute(&point)));
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(spki::ec(curve, &point)))
}

fn settle_ec_private(attributes: &mut Attributes) -> Result<()> {
    let curve = ec::Curve::from_params(attributes.need(CKA_EC_PARAMS)?)?;
    let scalar = padded(attributes.need(CKA_VALUE)?, curve.order_size());
    let point = ec::PrivateKey::new(curve, &scalar)?.public_point();
    if let Some(given) = attributes.bytes(CKA_EC_POINT)
        && ec::point_from_attribute(curve, given)? != point
    {
        return Err(Rv::AttributeValueInvalid.because("CKA_EC_POINT is not the point of CKA_VALUE"));
    }
    let info = spki::ec(curve, &point);
    attributes.absorb(from_scalar(curve, scalar, &point));
    computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(info))
}

fn padded(number: &[u8], size: usize) -> Secret {
    let mut secret = Secret::zeroed(size.max(number.len()));
    let start = secret.len() - number.len();
    secret.expose_mut()[start..].copy_from_slice(number);
    secret
}

fn settle_secret(attributes: &mut Attributes, kind: CK_KEY_TYPE) -> Result<()> {
    let value: Secret = attributes.need(CKA_VALUE)?.into();
    check_length(kind, value.len())?;
    if let Some(len) = attributes.ulong(CKA_VALUE_LEN)
        && len != value.len() as u64
    {
        return Err(Rv::TemplateInconsistent
            .because(format!("CKA_VALUE_LEN is {len}, CKA_VALUE has {} bytes", value.len())));
    }
    attributes.set(CKA_VALUE_LEN, Value::Ulong(value.len() as u64));
    computed(attributes, CKA_CHECK_VALUE, Value::Bytes(check_value(kind, &value)?))
}

/// The length in bytes that a template asks of a secret key: by CKA_VALUE_LEN, or by a type that has only one.
///
/// # Errors
/// As [`check_length`].
pub fn wanted_length(kind: CK_KEY_TYPE, template: &Attributes) -> Result<Option<usize>> {
    let Some(len) = template.ulong(CKA_VALUE_LEN) else { return Ok(only_length(kind)) };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    check_length(kind, len).map(|()| Some(len))
}

/// The length of a type of keys that are all equally long.
fn only_length(kind: CK_KEY_TYPE) -> Option<usize> {
    match kind {
        CKK_DES => Some(8),
        CKK_DES2 => Some(16),
        CKK_DES3 => Some(24),
        CKK_CHACHA20 | CKK_POLY1305 => Some(32),
        _ => None,
    }
}

/// The bytes as a key of this type has them when the token makes it: with odd parity in DES (FIPS 46-3).
pub fn with_parity(kind: CK_KEY_TYPE, mut value: Secret) -> Secret {
    if matches!(kind, CKK_DES | CKK_DES2 | CKK_DES3) {
        for byte in value.expose_mut() {
            *byte = *byte & 0xfe | (1 ^ (*byte >> 1).count_ones() as u8 & 1);
        }
    }
    value
}

/// Whether a secret key of this type can have this length in bytes.
///
/// # Errors
/// CKR_ATTRIBUTE_VALUE_INVALID naming the lengths that can be.
pub fn check_length(kind: CK_KEY_TYPE, len: usize) -> Result<()> {
    let (fits, wants) = match kind {
        CKK_AES => (matches!(len, 16 | 24 | 32), "16, 24 or 32 bytes"),
        CKK_AES_XTS => (matches!(len, 32 | 64), "32 or 64 bytes"),
        CKK_DES => (len == 8, "8 bytes"),
        CKK_DES2 => (len == 16, "16 bytes"),
        CKK_DES3 => (len == 24, "24 bytes"),
        CKK_CHACHA20 | CKK_POLY1305 => (len == 32, "32 bytes"),
        CKK_HOTP => ((10..=64).contains(&len), "10 to 64 bytes"),
        _ => ((1..=65_536).contains(&len), "1 to 65536 bytes"),
    };
    match fits {
        true => Ok(()),
        false => Err(Rv::AttributeValueInvalid
            .because(format!("a key of {} has {wants}, not {len}", names::key_type(kind)))),
    }
}

/// The first three bytes of an encrypted block of zeros, or of the SHA-1 of the value (§4.10.2).
fn check_value(kind: CK_KEY_TYPE, value: &Secret) -> Result<Vec<u8>> {
    let mut block = match kind {
        CKK_AES => encrypted_zeros(cipher::Algorithm::Aes, value)?,
        CKK_DES | CKK_DES2 | CKK_DES3 => encrypted_zeros(cipher::Algorithm::Des, value)?,
        _ => Hash::Sha1.digest(value.expose()),
    };
    block.truncate(3);
    Ok(block)
}

fn encrypted_zeros(algorithm: cipher::Algorithm, key: &Secret) -> Result<Vec<u8>> {
    let zeros = &[0; 16][..algorithm.block()];
    let block = cipher::whole(algorithm, cipher::Mode::Ecb, cipher::Direction::Encrypt, key, &[], zeros)?;
    Ok(block.expose().to_vec())
}

/// A key as it leaves by C_WrapKey: the value of a secret key, PKCS#8 for a private key (§5.18.3).
///
/// # Errors
/// CKR_KEY_NOT_WRAPPABLE for anything else.
pub fn encode(attributes: &Attributes) -> Result<Secret> {
    let sort = Sort::of(attributes);
    match (sort.class, sort.kind) {
        (CKO_SECRET_KEY | CKO_OTP_KEY, _) => Ok(attributes.need(CKA_VALUE)?.into()),
        (CKO_PRIVATE_KEY, CKK_RSA) => rsa::to_pkcs8(&components(attributes)?),
        (CKO_PRIVATE_KEY, CKK_EC) => {
            let curve = ec::Curve::from_params(attributes.need(CKA_EC_PARAMS)?)?;
            let scalar: Secret = attributes.need(CKA_VALUE)?.into();
            let point = ec::point_from_attribute(curve, attributes.need(CKA_EC_POINT)?)?;
            ec::to_pkcs8(curve, &scalar, Some(&point))
        }
        (CKO_PRIVATE_KEY, CKK_EC_EDWARDS | CKK_EC_MONTGOMERY) => edwards::encode(attributes),
        (CKO_PRIVATE_KEY, CKK_ML_DSA | CKK_ML_KEM | CKK_SLH_DSA) => pq::encode(attributes),
        (CKO_PRIVATE_KEY, CKK_DSA | CKK_DH) => field::encode(attributes),
        _ => Err(Rv::KeyNotWrappable.because("only secret and private keys can be wrapped")),
    }
}

/// What the public half of a private key has of it (§6.43.8): its numbers, and what a person gave it.
const OF_PRIVATE: &[(CK_ATTRIBUTE_TYPE, CK_ATTRIBUTE_TYPE)] = &[
    (CKA_MODULUS, CKA_MODULUS),
    (CKA_PUBLIC_EXPONENT, CKA_PUBLIC_EXPONENT),
    (CKA_EC_PARAMS, CKA_EC_PARAMS),
    (CKA_EC_POINT, CKA_EC_POINT),
    (CKA_ENCRYPT, CKA_DECRYPT),
    (CKA_VERIFY, CKA_SIGN),
    (CKA_VERIFY_RECOVER, CKA_SIGN_RECOVER),
    (CKA_WRAP, CKA_UNWRAP),
    (CKA_DERIVE, CKA_DERIVE),
    (CKA_ID, CKA_ID),
    (CKA_START_DATE, CKA_START_DATE),
    (CKA_END_DATE, CKA_END_DATE),
    (CKA_SUBJECT, CKA_SUBJECT),
    (CKA_PUBLIC_KEY_INFO, CKA_PUBLIC_KEY_INFO),
    (CKA_ALLOWED_MECHANISMS, CKA_ALLOWED_MECHANISMS),
];

/// Fills the attributes of a public key from its private key, where the caller said nothing.
pub fn public_half(attributes: &mut Attributes, private: &Attributes) {
    for (attribute, from) in OF_PRIVATE {
        if let (None, Some(value)) = (attributes.of(*attribute), private.of(*from)) {
            attributes.set(*attribute, value.clone());
        }
    }
}

/// How many bytes the DER of a private key takes of those that begin with it, as far as its header says.
pub fn encoded_length(bytes: &[u8]) -> Option<usize> {
    match *bytes {
        [0x30, short @ 0..=0x7f, ..] => Some(2 + usize::from(short)),
        [0x30, 0x81, len, ..] => Some(3 + usize::from(len)),
        [0x30, 0x82, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([high, low]))),
        _ => None,
    }
}

/// The key attributes in bytes that came by C_UnwrapKey or C_DeriveKey, for a key of this sort.
///
/// # Errors
/// CKR_WRAPPED_KEY_INVALID when the bytes are no such key.
pub fn decode(sort: Sort, bytes: Secret) -> Result<Attributes> {
    match (sort.class, sort.kind) {
        (CKO_SECRET_KEY | CKO_OTP_KEY, _) => Ok(Attributes::default().with(CKA_VALUE, Value::Secret(bytes))),
        (CKO_DATA, _) => Ok(Attributes::default().with(CKA_VALUE, Value::Bytes(bytes.expose().to_vec()))),
        (CKO_PRIVATE_KEY, CKK_RSA) => rsa::from_pkcs8(bytes.expose()).map(from_components).map_err(wrong),
        (CKO_PRIVATE_KEY, CKK_EC) => {
            let (curve, scalar, point) = ec::from_pkcs8(bytes.expose()).map_err(wrong)?;
            Ok(from_scalar(curve, scalar, &point))
        }
        (CKO_PRIVATE_KEY, CKK_EC_EDWARDS | CKK_EC_MONTGOMERY) => {
            edwards::decode(sort.kind, bytes.expose()).map_err(wrong)
        }
        (CKO_PRIVATE_KEY, CKK_ML_DSA | CKK_ML_KEM | CKK_SLH_DSA) => {
            pq::decode(sort.kind, bytes.expose()).map_err(wrong)
        }
        (CKO_PRIVATE_KEY, CKK_DSA | CKK_DH) => field::decode(sort.kind, bytes.expose()).map_err(wrong),
        _ => Err(Rv::TemplateInconsistent.because("only secret and private keys can be unwrapped")),
    }
}

fn wrong(error: crate::cryptoki::Error) -> crate::cryptoki::Error {
    Rv::WrappedKeyInvalid.because(format!("the wrapped key is not what the template says: {}", error.why()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_type_has_any_length_and_no_other_has() {
        for kind in SECRET_TYPES {
            assert_eq!(
                check_length(*kind, 7).is_ok(),
                FREE_TYPES.contains(kind),
                "{}",
                names::key_type(*kind)
            );
        }
    }
}
