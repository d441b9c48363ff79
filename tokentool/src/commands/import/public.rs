//! Public keys: SubjectPublicKeyInfo of every algorithm that the token has.

use tokenkeep::crypto::edwards::{Curve, Family};
use tokenkeep::crypto::field::Domain;
use tokenkeep::crypto::tlv::{self, Elements};
use tokenkeep::crypto::{pq, spki};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Error, Result, Rv};
use tokenkeep::object::key::{edwards, field, pq as post_quantum};
use tokenkeep::object::{Attributes, Value};

/// 1.2.840.10040.4.1, with its tag and length.
const DSA: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];

/// 1.2.840.113549.1.3.1, with its tag and length.
const DH: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1];

/// The families of post-quantum keys, with the type of their keys.
pub const POST_QUANTUM: [(pq::Family, CK_KEY_TYPE); 3] =
    [(pq::Family::MlDsa, CKK_ML_DSA), (pq::Family::MlKem, CKK_ML_KEM), (pq::Family::SlhDsa, CKK_SLH_DSA)];

/// The families of Curve25519 and Curve448.
pub const EDWARDS: [(Family, CK_KEY_TYPE); 2] =
    [(Family::Edwards, CKK_EC_EDWARDS), (Family::Montgomery, CKK_EC_MONTGOMERY)];

/// The algorithms over a field, with the type of their keys.
const FIELDS: [(&[u8], CK_KEY_TYPE); 2] = [(DSA, CKK_DSA), (DH, CKK_DH)];

/// The algorithm's OID (with its tag), its parameters, and the key's bytes.
pub fn outline(info: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut info = Elements::new(tlv::only(tlv::SEQUENCE, info)?)?;
    let mut algorithm = info.sequence()?;
    let oid = algorithm.whole()?;
    let parameters = if algorithm.done() { &[] } else { algorithm.whole()? };
    Some((oid, parameters, info.bits()?))
}

/// The type of a public key and its attributes.
///
/// # Errors
/// CKR_ATTRIBUTE_VALUE_INVALID when it is not one, CKR_KEY_TYPE_INCONSISTENT for an algorithm that the token has not,
/// CKR_CURVE_NOT_SUPPORTED.
pub fn read(info: &[u8]) -> Result<(CK_KEY_TYPE, Attributes)> {
    let bad = || Rv::AttributeValueInvalid.because("the public key is no SubjectPublicKeyInfo in DER");
    let (oid, parameters, key) = outline(info).ok_or_else(bad)?;
    if let Some((curve, kind)) = curve(oid) {
        return Ok((kind, edwards::public(curve, key)));
    }
    if let Some((set, kind)) = set(oid) {
        return Ok((kind, post_quantum::public(set, key)));
    }
    if let Some(kind) = self::field(oid) {
        let domain = domain(kind, parameters).ok_or_else(bad)?;
        let value = tlv::only(tlv::INTEGER, key).map(tlv::trim).ok_or_else(bad)?;
        return Ok((kind, field::group(&domain).with(CKA_VALUE, Value::Bytes(value.to_vec()))));
    }
    match spki::read(info) {
        Ok(spki::PublicKeyInfo::Rsa { modulus, public_exponent }) => {
            let numbers = Attributes::default().with(CKA_MODULUS, Value::Bytes(modulus));
            Ok((CKK_RSA, numbers.with(CKA_PUBLIC_EXPONENT, Value::Bytes(public_exponent))))
        }
        Ok(spki::PublicKeyInfo::Ec { curve, point }) => {
            let curve = Attributes::default().with(CKA_EC_PARAMS, Value::Bytes(curve.params().to_vec()));
            Ok((CKK_EC, curve.with(CKA_EC_POINT, Value::Bytes(point))))
        }
        Err(error) if error.rv() == Rv::KeyTypeInconsistent => Err(unknown(oid)),
        Err(error) => Err(error),
    }
}

/// Curve25519 or Curve448, and the type of its keys.
pub fn curve(oid: &[u8]) -> Option<(Curve, CK_KEY_TYPE)> {
    EDWARDS.iter().find_map(|(family, kind)| Some((Curve::from_params(*family, oid).ok()?, *kind)))
}

/// The type of keys of DSA and Diffie-Hellman.
pub fn field(oid: &[u8]) -> Option<CK_KEY_TYPE> {
    FIELDS.iter().find(|(known, _)| *known == oid).map(|(_, kind)| *kind)
}

/// A post-quantum parameter set, and the type of its keys.
pub fn set(oid: &[u8]) -> Option<(pq::Set, CK_KEY_TYPE)> {
    POST_QUANTUM
        .iter()
        .find_map(|(family, kind)| Some((pq::Set::all(*family).find(|set| set.oid() == oid)?, *kind)))
}

/// An algorithm that the token has not.
pub fn unknown(oid: &[u8]) -> Error {
    use x509_cert::der::{Decode, oid::ObjectIdentifier};
    let name = <ObjectIdentifier>::from_der(oid).map_or_else(|_| "?".to_owned(), |oid| oid.to_string());
    Rv::KeyTypeInconsistent.because(format!("this token has no keys of the algorithm {name}"))
}

/// The group of DSA (RFC 3279 §2.3.2) or Diffie-Hellman (PKCS #3 §9, which may say a length too).
fn domain(kind: CK_KEY_TYPE, parameters: &[u8]) -> Option<Domain> {
    let mut numbers = Elements::new(tlv::only(tlv::SEQUENCE, parameters)?)?;
    let prime = numbers.number()?.to_vec();
    let subprime = if kind == CKK_DSA { Some(numbers.number()?.to_vec()) } else { None };
    Some(Domain { prime, subprime, base: numbers.number()?.to_vec() })
}
