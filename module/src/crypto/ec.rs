//! Elliptic curves in Weierstrass form: keys, ECDSA, ECDH, and their encodings.

use zeroize::Zeroize;

use super::Fill;
use super::awslc::EcKey;
use super::domain::Domain;
use super::hash::Hash;
use super::k256;
use super::nonce::Nonces;
use super::spki::EC_PUBLIC_KEY;
use super::tlv::{self, Elements};
use crate::cryptoki::{Error, Result, Rv, Secret};

pub use super::curve::Curve;

/// A new key pair: the scalar (`order_size` bytes) and the uncompressed point. The scalar is drawn by
/// rejection (FIPS 186-5 A.2.2).
pub fn generate(curve: Curve, rng: &mut Fill) -> Result<(Secret, Vec<u8>)> {
    let mut scalar = Secret::zeroed(curve.order_size());
    let spare = (8 * curve.order_size() - curve.order_bits()) as u32;
    // With a sound generator one draw in two or better succeeds.
    for _ in 0..128 {
        rng(scalar.expose_mut())?;
        if let Some(top) = scalar.expose_mut().first_mut() {
            *top &= 0xff >> spare;
        }
        if let Ok(key) = PrivateKey::new(curve, &scalar) {
            return Ok((scalar, key.public_point()));
        }
    }
    Err(Rv::DeviceError.because("the random generator gives no usable scalar"))
}

/// A private key, parsed once; to be shared between threads.
pub struct PrivateKey {
    curve: Curve,
    key: EcKey,
    point: Vec<u8>,
    /// The same key where another library signs faster.
    fast: Option<k256::Signer>,
}

impl PrivateKey {
    /// From its scalar, big-endian, short ones padded on the left. `CKR_ATTRIBUTE_VALUE_INVALID` unless 0 < scalar < n.
    pub fn new(curve: Curve, scalar: &Secret) -> Result<PrivateKey> {
        let bad = || {
            Rv::AttributeValueInvalid.because("the private value must be above 0 and below the curve's order")
        };
        let scalar = tlv::trim(scalar.expose());
        let fits = scalar.len() <= curve.order_size();
        let key = fits.then(|| EcKey::private(curve.nid(), scalar)).flatten().ok_or_else(bad)?;
        let point = key.public_point().ok_or_else(bad)?;
        let fast = if curve == Curve::K256 { k256::Signer::new(scalar) } else { None };
        Ok(PrivateKey { curve, key, point, fast })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The public point, uncompressed.
    pub fn public_point(&self) -> Vec<u8> {
        self.point.clone()
    }

    /// ECDSA (FIPS 186-5 §6.4.1): r and s, each `order_size` bytes. Of a digest longer than the order the
    /// leftmost bits count.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>> {
        self.fast
            .as_ref()
            .and_then(|fast| fast.sign(digest))
            .or_else(|| self.key.sign(digest))
            .ok_or_else(|| Rv::FunctionFailed.because("the ECDSA signature could not be made"))
    }

    /// Deterministic ECDSA (RFC 6979), which gives the same signature for the same digest; `hash` made the digest.
    pub fn sign_deterministic(&self, hash: Hash, digest: &[u8]) -> Result<Vec<u8>> {
        let signed = || -> Option<Vec<u8>> {
            let order = (Domain::named(self.curve.params())?.n, self.curve.order_bits());
            let mut nonces = Nonces::new(hash, order, &self.key.scalar()?, digest);
            // One nonce in two or better is below the order.
            (0..128).find_map(|_| self.key.sign_with(digest, &nonces.next()))
        };
        signed().ok_or_else(|| Rv::FunctionFailed.because("the ECDSA signature could not be made"))
    }

    /// ECDH (SP 800-56A §5.7.1.2): the x coordinate, `size` bytes. The peer's point may be compressed;
    /// `CKR_MECHANISM_PARAM_INVALID` when it is not on the curve.
    pub fn ecdh(&self, peer_point: &[u8]) -> Result<Secret> {
        let bad =
            || Rv::MechanismParamInvalid.because("the peer's public key is not a point of this key's curve");
        let encoded = is_encoded(self.point.len(), peer_point);
        encoded.then(|| self.key.agree(peer_point)).flatten().ok_or_else(bad)
    }
}

/// A public key, parsed once; to be shared between threads.
pub struct PublicKey {
    curve: Curve,
    key: EcKey,
    point: Vec<u8>,
}

impl PublicKey {
    /// From a point, compressed or not. `CKR_ATTRIBUTE_VALUE_INVALID` unless it is on the curve and finite.
    pub fn new(curve: Curve, point: &[u8]) -> Result<PublicKey> {
        let bad = || Rv::AttributeValueInvalid.because("the public key is not a point of its curve");
        let encoded = is_encoded(1 + 2 * curve.size(), point);
        let key = encoded.then(|| EcKey::public(curve.nid(), point)).flatten().ok_or_else(bad)?;
        let point = key.public_point().ok_or_else(bad)?;
        Ok(PublicKey { curve, key, point })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The point, uncompressed.
    pub fn point(&self) -> Vec<u8> {
        self.point.clone()
    }

    /// Checks an ECDSA signature r‖s of any even length up to twice the order's: some programs trim both halves.
    /// `CKR_SIGNATURE_LEN_RANGE`, `CKR_SIGNATURE_INVALID`.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        let half = signature.len() / 2;
        if signature.is_empty() || !signature.len().is_multiple_of(2) || half > self.curve.order_size() {
            return Err(
                Rv::SignatureLenRange.because("an ECDSA signature is r and s, each as long as the order")
            );
        }
        let (r, s) = signature.split_at(half);
        self.key.verify(digest, r, s).ok_or_else(|| Rv::SignatureInvalid.into())
    }
}

/// Whether these are the bytes of a finite point (SEC 1 §2.3.3), where an uncompressed one has `full` bytes.
fn is_encoded(full: usize, point: &[u8]) -> bool {
    match point.first() {
        Some(4) => point.len() == full,
        Some(2 | 3) => point.len() == full.div_ceil(2),
        _ => false,
    }
}

/// The uncompressed point of a CKA_EC_POINT as programs write it: raw, in an OCTET STRING, or in a BIT STRING.
/// `CKR_ATTRIBUTE_VALUE_INVALID` when none of these gives a point of the curve.
pub fn point_from_attribute(curve: Curve, value: &[u8]) -> Result<Vec<u8>> {
    let bare = if is_encoded(1 + 2 * curve.size(), value) {
        value
    } else if let Some(inner) = tlv::only(tlv::OCTET_STRING, value) {
        inner
    } else {
        Elements::new(value).and_then(|mut bits| bits.bits().filter(|_| bits.done())).unwrap_or_default()
    };
    PublicKey::new(curve, bare).map(|key| key.point)
}

/// A point as CKA_EC_POINT gives it: in a DER OCTET STRING (PKCS#11 v3.2 §6.3.3).
pub fn point_to_attribute(point: &[u8]) -> Vec<u8> {
    tlv::put(tlv::OCTET_STRING, &[point]).expose().to_vec()
}

/// PKCS#8 PrivateKeyInfo (RFC 5208) around an ECPrivateKey (RFC 5915), with the point if there is one.
pub fn to_pkcs8(curve: Curve, scalar: &Secret, point: Option<&[u8]>) -> Result<Secret> {
    let mut wide = Secret::zeroed(curve.order_size());
    let bytes = tlv::trim(scalar.expose());
    let start = wide.len().checked_sub(bytes.len());
    let start = start
        .ok_or_else(|| Rv::AttributeValueInvalid.because("the private value is above the curve's order"))?;
    wide.expose_mut()[start..].copy_from_slice(bytes);
    let value = tlv::put(tlv::OCTET_STRING, &[wide.expose()]);
    let point = point.map(|point| tlv::put(tlv::BIT_STRING, &[&[0], point]));
    let point = point.map(|bits| tlv::put(tlv::context(1), &[bits.expose()])).unwrap_or_default();
    let key = tlv::put(tlv::SEQUENCE, &[&[2, 1, 1], value.expose(), point.expose()]);
    Ok(pkcs8(&[EC_PUBLIC_KEY, curve.params()], &key))
}

/// PrivateKeyInfo of this algorithm around a key in DER.
pub(super) fn pkcs8(algorithm: &[&[u8]], key: &Secret) -> Secret {
    let algorithm = tlv::put(tlv::SEQUENCE, algorithm);
    let key = tlv::put(tlv::OCTET_STRING, &[key.expose()]);
    tlv::put(tlv::SEQUENCE, &[&[2, 1, 0], algorithm.expose(), key.expose()])
}

/// The algorithm's OID (with its tag), its parameters, and the key, of a PrivateKeyInfo or OneAsymmetricKey (RFC 5958).
pub(super) fn open_pkcs8(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut info = Elements::new(tlv::only(tlv::SEQUENCE, der)?)?;
    let version = info.number()?;
    let mut algorithm = info.sequence()?;
    let oid = algorithm.whole()?;
    let parameters = if algorithm.done() { &[] } else { algorithm.whole()? };
    let key = info.take(tlv::OCTET_STRING)?;
    // What may follow: attributes [0], and in version 1 the public key [1].
    while !info.done() {
        info.whole()?;
    }
    (version.len() <= 1 && version <= &[1][..] && algorithm.done()).then_some((oid, parameters, key))
}

/// Curve, scalar and uncompressed point of a PKCS#8 key. `CKR_WRAPPED_KEY_INVALID` when it is not one, when the scalar
/// is impossible, or when a point stands there that is not the scalar's; `CKR_KEY_TYPE_INCONSISTENT` for a key of another kind.
pub fn from_pkcs8(der: &[u8]) -> Result<(Curve, Secret, Vec<u8>)> {
    let bad = || -> Error { Rv::WrappedKeyInvalid.because("the key is not a PKCS#8 EC private key") };
    let (oid, parameters, key) = open_pkcs8(der).ok_or_else(bad)?;
    if oid != EC_PUBLIC_KEY {
        return Err(Rv::KeyTypeInconsistent.because("the PKCS#8 key is not an EC key"));
    }
    let curve = Curve::from_params(parameters)?;
    let (scalar, point) = sec1(key).ok_or_else(bad)?;
    let scalar = Secret::from(scalar);
    let private = PrivateKey::new(curve, &scalar)
        .map_err(|_| Rv::WrappedKeyInvalid.because("the private value is not below the curve's order"))?;
    if point.is_some_and(|point| {
        PublicKey::new(curve, point).map_or(true, |public| public.point != private.point)
    }) {
        return Err(Rv::WrappedKeyInvalid.because("the public point is not the private key's"));
    }
    let mut wide = vec![0; curve.order_size().saturating_sub(scalar.len())];
    wide.reserve_exact(scalar.len());
    wide.extend_from_slice(scalar.expose());
    let start = wide.len() - curve.order_size();
    let scalar = Secret::from(&wide[start..]);
    wide.zeroize();
    Ok((curve, scalar, private.point))
}

/// The scalar and the point of an ECPrivateKey (RFC 5915 §3).
fn sec1(key: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut key = Elements::new(tlv::only(tlv::SEQUENCE, key)?)?;
    let version = key.number()?;
    let scalar = key.take(tlv::OCTET_STRING)?;
    if key.tag() == Some(tlv::context(0)) {
        key.whole()?;
    }
    let point = match key.tag() {
        Some(tag) if tag == tlv::context(1) => {
            let mut inner = Elements::new(key.take(tag)?)?;
            Some(inner.bits().filter(|_| inner.done())?)
        }
        _ => None,
    };
    (version == [1] && key.done()).then_some((scalar, point))
}

#[cfg(test)]
#[path = "ec_tests.rs"]
mod tests;
