//! Public keys as SubjectPublicKeyInfo (RFC 5280 §4.1, RFC 3279, RFC 5480): the value of CKA_PUBLIC_KEY_INFO.

use super::ec::{self, Curve};
use super::edwards;
use super::field;
use super::hash::Hash;
use super::pq;
use super::tlv::{self, Elements};
use crate::cryptoki::{Error, Result, Rv};

/// 1.2.840.113549.1.1.1, with its tag and length.
pub(super) const RSA_ENCRYPTION: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// 1.2.840.10045.2.1, with its tag and length.
pub(super) const EC_PUBLIC_KEY: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
/// The parameters of `RSA_ENCRYPTION`.
pub(super) const NO_PARAMETERS: &[u8] = &[tlv::NULL, 0];

/// What a SubjectPublicKeyInfo holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKeyInfo {
    /// Modulus and public exponent, big-endian, without leading zeros.
    Rsa { modulus: Vec<u8>, public_exponent: Vec<u8> },
    /// A point, uncompressed, known to be on the curve.
    Ec { curve: Curve, point: Vec<u8> },
}

/// An RSA public key. Modulus and exponent are big-endian; leading zeros do not matter.
pub fn rsa(modulus: &[u8], public_exponent: &[u8]) -> Vec<u8> {
    let (n, e) = (tlv::put_number(modulus), tlv::put_number(public_exponent));
    let key = tlv::put(tlv::SEQUENCE, &[n.expose(), e.expose()]);
    info(&[RSA_ENCRYPTION, NO_PARAMETERS], key.expose())
}

/// A public key on a curve; the point as it is to stand there, uncompressed.
pub fn ec(curve: Curve, point: &[u8]) -> Vec<u8> {
    info(&[EC_PUBLIC_KEY, curve.params()], point)
}

/// A public key of Curve25519 or Curve448 (RFC 8410 §4).
pub fn edwards(curve: edwards::Curve, point: &[u8]) -> Vec<u8> {
    info(&[curve.params()], point)
}

/// A post-quantum public key (RFC 9881 §4, RFC 9935 §4, RFC 9909 §4).
pub fn pq(set: pq::Set, key: &[u8]) -> Vec<u8> {
    info(&[set.oid()], key)
}

/// A DSA or Diffie-Hellman public key (RFC 3279 §2.3.2, §2.3.3).
pub fn field(domain: &field::Domain, public: &[u8]) -> Vec<u8> {
    let [oid, parameters] = field::algorithm(domain);
    info(&[&oid, &parameters], tlv::put_number(public).expose())
}

fn info(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    let algorithm = tlv::put(tlv::SEQUENCE, algorithm);
    let key = tlv::put(tlv::BIT_STRING, &[&[0], key]);
    tlv::put(tlv::SEQUENCE, &[algorithm.expose(), key.expose()]).expose().to_vec()
}

/// Reads a SubjectPublicKeyInfo. `CKR_ATTRIBUTE_VALUE_INVALID` when it is not one, `CKR_CURVE_NOT_SUPPORTED`
/// for an unknown curve, `CKR_KEY_TYPE_INCONSISTENT` for a key of another kind.
pub fn read(der: &[u8]) -> Result<PublicKeyInfo> {
    let (algorithm, parameters, key) =
        outline(der).ok_or_else(|| garbled("SubjectPublicKeyInfo is not DER"))?;
    match algorithm {
        RSA_ENCRYPTION => {
            let (n, e) = rsa_numbers(key).ok_or_else(|| garbled("RSAPublicKey is not DER"))?;
            Ok(PublicKeyInfo::Rsa { modulus: n.to_vec(), public_exponent: e.to_vec() })
        }
        EC_PUBLIC_KEY => {
            let curve = Curve::from_params(parameters)?;
            let point = ec::PublicKey::new(curve, key)?.point();
            Ok(PublicKeyInfo::Ec { curve, point })
        }
        _ => Err(Rv::KeyTypeInconsistent.because("SubjectPublicKeyInfo is neither an RSA nor an EC key")),
    }
}

/// The CKA_ID that NSS and OpenSC give to a key and its certificate: SHA-1 of the modulus, the point, the public value. None
/// when it is no SubjectPublicKeyInfo.
pub fn usual_id(der: &[u8]) -> Option<Vec<u8>> {
    let (algorithm, parameters, key) = outline(der)?;
    let value = match (algorithm, parameters, key) {
        (RSA_ENCRYPTION, ..) => rsa_numbers(key)?.0,
        (EC_PUBLIC_KEY, _, [2 | 3, ..]) => match read(der).ok()? {
            PublicKeyInfo::Ec { point, .. } => return Some(Hash::Sha1.digest(&point)),
            PublicKeyInfo::Rsa { .. } => return None,
        },
        (EC_PUBLIC_KEY, ..) | (_, [], _) => key,
        // The public value of DSA and Diffie-Hellman is an INTEGER.
        _ => tlv::only(tlv::INTEGER, key).map_or(key, tlv::trim),
    };
    Some(Hash::Sha1.digest(value))
}

/// The algorithm's OID (with its tag), its parameters, and the key's bytes.
fn outline(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut info = Elements::new(tlv::only(tlv::SEQUENCE, der)?)?;
    let mut algorithm = info.sequence()?;
    let oid = algorithm.whole()?;
    let parameters = if algorithm.done() { &[] } else { algorithm.whole()? };
    let key = info.bits()?;
    (algorithm.done() && info.done()).then_some((oid, parameters, key))
}

fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut key = Elements::new(tlv::only(tlv::SEQUENCE, key)?)?;
    let (n, e) = (key.number()?, key.number()?);
    key.done().then_some((n, e))
}

fn garbled(why: &'static str) -> Error {
    Rv::AttributeValueInvalid.because(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let rsa = rsa(&[0, 0xc5, 1, 2, 3], &[1, 0, 1]);
        let read_back = PublicKeyInfo::Rsa { modulus: vec![0xc5, 1, 2, 3], public_exponent: vec![1, 0, 1] };
        assert_eq!(read(&rsa).unwrap(), read_back);
        for curve in Curve::ALL {
            let (_, point) = ec::generate(*curve, &mut super::super::rng::system).unwrap();
            assert_eq!(read(&ec(*curve, &point)).unwrap(), PublicKeyInfo::Ec { curve: *curve, point });
        }
    }

    #[test]
    fn an_id_is_of_the_value_however_it_is_written() {
        let id = |value: &[u8]| Some(Hash::Sha1.digest(value));
        assert_eq!(usual_id(&rsa(&[0, 0xc5, 1, 2, 3], &[1, 0, 1])), id(&[0xc5, 1, 2, 3]));
        let (_, point) = ec::generate(Curve::P256, &mut super::super::rng::system).unwrap();
        assert_eq!(usual_id(&ec(Curve::P256, &point)), id(&point));
        let (x, y) = point[1..].split_at(32);
        let compressed = [&[2 + (y[31] & 1)], x].concat();
        assert_eq!(usual_id(&ec(Curve::P256, &compressed)), id(&point));
        // It looks like an INTEGER, and is none.
        let edwards_point = [&[2, 30][..], &[9; 30]].concat();
        assert_eq!(usual_id(&edwards(edwards::Curve::Ed25519, &edwards_point)), id(&edwards_point));
        assert_eq!(usual_id(b"no key"), None);
    }

    #[test]
    fn the_p256_crate_reads_ours() {
        use p256::pkcs8::{DecodePublicKey, EncodePublicKey};
        let (_, point) = ec::generate(Curve::P256, &mut super::super::rng::system).unwrap();
        let der = ec(Curve::P256, &point);
        let key = p256::PublicKey::from_public_key_der(&der).unwrap();
        assert_eq!(key.to_public_key_der().unwrap().as_bytes(), der);
    }

    #[test]
    fn garbage_is_refused() {
        let good = rsa(&[0xc5; 128], &[1, 0, 1]);
        for end in 0..good.len() {
            assert_eq!(read(&good[..end]).unwrap_err().rv(), Rv::AttributeValueInvalid);
        }
        let trailing = [&good[..], &[0]].concat();
        assert_eq!(read(&trailing).unwrap_err().rv(), Rv::AttributeValueInvalid);
        let other = info(&[&[6, 3, 0x2b, 0x65, 0x70]], &[1; 32]);
        assert_eq!(read(&other).unwrap_err().rv(), Rv::KeyTypeInconsistent);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
