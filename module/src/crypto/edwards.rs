//! Curve25519 and Curve448: EdDSA signatures (RFC 8032), X25519 and X448 agreement (RFC 7748), and their encodings.

use super::Fill;
use super::awslc::{self, Number};
use super::ec::{open_pkcs8, pkcs8};
use super::ed448;
use super::tlv::{self, Elements};
use crate::cryptoki::{Error, Result, Rv, Secret};

pub use super::awslc::Eddsa;

/// What a key is for, which the standard makes a key type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// CKK_EC_EDWARDS: signatures.
    Edwards,
    /// CKK_EC_MONTGOMERY: agreement.
    Montgomery,
}

/// A curve in one of its two forms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Curve {
    Ed25519,
    Ed448,
    X25519,
    X448,
}

struct Row {
    curve: Curve,
    family: Family,
    /// What programs call it, in any case of letters.
    names: &'static [&'static str],
    /// Bits of the field.
    bits: usize,
    /// Bytes of a private and of a public value.
    size: usize,
    /// What CKA_EC_PARAMS may be: the OID of RFC 8410 first, then others that programs still send.
    oids: &'static [&'static [u8]],
}

/// 1.3.6.1.4.1.11591.15.1
const GNU_ED25519: &[u8] = &[6, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];
/// 1.3.6.1.4.1.3029.1.5.1
const OLD_CURVE25519: &[u8] = &[6, 10, 0x2b, 6, 1, 4, 1, 0x97, 0x55, 1, 5, 1];
/// pkcs11-tool's PrintableString "curve25519", whose length is one too many (OpenSC 0.23).
const OPENSC_CURVE25519: &[u8] = b"\x13\x0bcurve25519";

use Family::{Edwards, Montgomery};

/// In the order of `Curve`.
#[rustfmt::skip]
const ROWS: [Row; 4] = [
    Row { curve: Curve::Ed25519, family: Edwards, names: &["edwards25519", "Ed25519", "id-Ed25519"], bits: 255, size: 32,
          oids: &[&[6, 3, 0x2b, 0x65, 0x70], GNU_ED25519] },
    Row { curve: Curve::Ed448, family: Edwards, names: &["edwards448", "Ed448", "id-Ed448"], bits: 448, size: 57,
          oids: &[&[6, 3, 0x2b, 0x65, 0x71]] },
    Row { curve: Curve::X25519, family: Montgomery, names: &["curve25519", "X25519", "id-X25519"], bits: 255, size: 32,
          oids: &[&[6, 3, 0x2b, 0x65, 0x6e], OLD_CURVE25519, OPENSC_CURVE25519] },
    Row { curve: Curve::X448, family: Montgomery, names: &["curve448", "X448", "id-X448"], bits: 448, size: 56,
          oids: &[&[6, 3, 0x2b, 0x65, 0x6f]] },
];

const _: () = {
    let mut i = 0;
    while i < ROWS.len() {
        assert!(ROWS[i].curve as usize == i, "ROWS stand in the order of Curve");
        i += 1;
    }
    assert!(Curve::ALL.len() == ROWS.len());
};

impl Curve {
    /// Every curve.
    pub const ALL: &[Curve] = &[Curve::Ed25519, Curve::Ed448, Curve::X25519, Curve::X448];

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The OID in DER (RFC 8410 §3): the value of CKA_EC_PARAMS.
    pub fn params(self) -> &'static [u8] {
        self.row().oids[0]
    }

    /// Bits of the field.
    pub fn bits(self) -> usize {
        self.row().bits
    }

    /// Bytes of a private and of a public value.
    pub fn size(self) -> usize {
        self.row().size
    }

    /// The first of its names.
    pub fn name(self) -> &'static str {
        self.row().names[1]
    }

    /// The curve of a family that a CKA_EC_PARAMS names, by OID or PrintableString (PKCS#11 v3.2 §6.3.5, §6.3.7).
    /// `CKR_CURVE_NOT_SUPPORTED` for every other.
    pub fn from_params(family: Family, der: &[u8]) -> Result<Curve> {
        let name = tlv::only(tlv::PRINTABLE_STRING, der);
        let named = |known: &&str| name.is_some_and(|name| known.as_bytes().eq_ignore_ascii_case(name));
        let is =
            |row: &&Row| row.family == family && (row.oids.contains(&der) || row.names.iter().any(named));
        ROWS.iter().find(is).map(|row| row.curve).ok_or_else(|| {
            Rv::CurveNotSupported.because(match family {
                Edwards => "CKA_EC_PARAMS names neither Ed25519 nor Ed448",
                Montgomery => "CKA_EC_PARAMS names neither X25519 nor X448",
            })
        })
    }

    fn whole<'a>(self, bytes: &'a [u8], name: &str) -> Result<&'a [u8]> {
        match bytes.len() == self.size() {
            true => Ok(bytes),
            false => Err(Rv::AttributeValueInvalid.because(format!(
                "{name} of {} has {} bytes, not {}",
                self.name(),
                self.size(),
                bytes.len()
            ))),
        }
    }
}

/// A new key pair: the private value and the public one.
pub fn generate(curve: Curve, rng: &mut Fill) -> Result<(Secret, Vec<u8>)> {
    let mut private = Secret::zeroed(curve.size());
    rng(private.expose_mut())?;
    let public = PrivateKey::new(curve, &private)?.public;
    Ok((private, public))
}

/// A private key, spread out once; to be shared between threads.
pub struct PrivateKey {
    curve: Curve,
    /// The private value; of Ed25519 with the public one behind it.
    key: Secret,
    public: Vec<u8>,
}

impl PrivateKey {
    /// From its private value (RFC 8032 §5.1.5, RFC 7748 §5), else `CKR_ATTRIBUTE_VALUE_INVALID`.
    pub fn new(curve: Curve, private: &Secret) -> Result<PrivateKey> {
        let value = curve.whole(private.expose(), "CKA_VALUE")?;
        let short = |_| Error::from(Rv::AttributeValueInvalid);
        let (key, public) = match curve {
            Curve::Ed25519 => {
                let key = awslc::ed25519_key(value.try_into().map_err(short)?);
                let public = key.expose()[32..].to_vec();
                (key, public)
            }
            Curve::X25519 => {
                let public = awslc::x25519_public(value.try_into().map_err(short)?);
                (private.clone(), public.to_vec())
            }
            Curve::Ed448 => (private.clone(), ed448::public(value).ok_or(Rv::AttributeValueInvalid)?),
            Curve::X448 => (private.clone(), ed448::x448_public(value.try_into().map_err(short)?)),
        };
        Ok(PrivateKey { curve, key, public })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The public value.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Bytes of a signature.
    pub fn signature_size(&self) -> usize {
        2 * self.curve.size()
    }

    /// A signature over the whole message. `CKR_MECHANISM_PARAM_INVALID` for a context of more than 255 bytes, and for none
    /// with `Eddsa::Context` of Ed25519; `CKR_KEY_TYPE_INCONSISTENT` for a key that is for agreement.
    pub fn sign(&self, how: Eddsa, message: &[u8]) -> Result<Vec<u8>> {
        check(self.curve, how)?;
        let failed = || Rv::FunctionFailed.because("the EdDSA signature could not be made");
        match self.curve {
            Curve::Ed25519 => awslc::ed25519_sign(how, &self.key, message).map(Vec::from).ok_or_else(failed),
            Curve::Ed448 => ed448::sign(how, self.key.expose(), message).ok_or_else(failed),
            Curve::X25519 | Curve::X448 => Err(wrong_family()),
        }
    }

    /// X25519 or X448 (RFC 7748 §6). `CKR_MECHANISM_PARAM_INVALID` for a peer that is too short or too long or gives zero;
    /// `CKR_KEY_TYPE_INCONSISTENT` for a key that is for signatures.
    pub fn agree(&self, peer: &[u8]) -> Result<Secret> {
        let bad = || -> Error {
            Rv::MechanismParamInvalid
                .because(format!("the peer's public key is no {} key of full order", self.curve.name()))
        };
        let short = |_| bad();
        let own = self.key.expose();
        match self.curve {
            Curve::X25519 => {
                let own = own.try_into().map_err(short)?;
                awslc::x25519(own, peer.try_into().map_err(short)?).ok_or_else(bad)
            }
            Curve::X448 => {
                let own = own.try_into().map_err(short)?;
                ed448::x448(own, peer.try_into().map_err(short)?).ok_or_else(bad)
            }
            Curve::Ed25519 | Curve::Ed448 => Err(wrong_family()),
        }
    }
}

/// A public key; to be shared between threads.
pub struct PublicKey {
    curve: Curve,
    point: Vec<u8>,
}

impl PublicKey {
    /// From its bytes. `CKR_ATTRIBUTE_VALUE_INVALID` unless they are as many as the curve's, and for EdDSA a point.
    pub fn new(curve: Curve, point: &[u8]) -> Result<PublicKey> {
        curve.whole(point, "CKA_EC_POINT")?;
        let sound = match curve {
            Curve::Ed25519 => is_ed25519(point).unwrap_or(false),
            Curve::Ed448 => ed448::is_point(point),
            Curve::X25519 | Curve::X448 => true,
        };
        match sound {
            true => Ok(PublicKey { curve, point: point.to_vec() }),
            false => {
                Err(Rv::AttributeValueInvalid
                    .because(format!("CKA_EC_POINT is not a point of {}", curve.name())))
            }
        }
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The public value.
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// Checks an EdDSA signature. `CKR_SIGNATURE_LEN_RANGE`, `CKR_SIGNATURE_INVALID`, and as for signing.
    pub fn verify(&self, how: Eddsa, message: &[u8], signature: &[u8]) -> Result<()> {
        check(self.curve, how)?;
        let long = || -> Error {
            Rv::SignatureLenRange.because(format!(
                "a signature of {} has {} bytes",
                self.curve.name(),
                2 * self.curve.size()
            ))
        };
        if signature.len() != 2 * self.curve.size() {
            return Err(long());
        }
        let good = match self.curve {
            Curve::Ed25519 => {
                let (key, signature) = (self.point[..].try_into(), signature.try_into());
                let (Ok(key), Ok(signature)) = (key, signature) else { return Err(long()) };
                awslc::ed25519_verify(how, key, message, signature)
            }
            Curve::Ed448 => ed448::verify(how, &self.point, message, signature),
            Curve::X25519 | Curve::X448 => return Err(wrong_family()),
        };
        good.ok_or_else(|| Rv::SignatureInvalid.into())
    }
}

fn wrong_family() -> Error {
    Rv::KeyTypeInconsistent.because("signatures are made by Ed25519 and Ed448, agreement by X25519 and X448")
}

fn check(curve: Curve, how: Eddsa) -> Result<()> {
    match how {
        Eddsa::Context([]) if curve == Curve::Ed25519 => {
            Err(Rv::MechanismParamInvalid.because("Ed25519ctx needs a context"))
        }
        Eddsa::Context(context) | Eddsa::Prehash(context) if context.len() > 255 => {
            Err(Rv::MechanismParamInvalid.because("an EdDSA context has at most 255 bytes"))
        }
        _ => Ok(()),
    }
}

/// 2^255 - 19, and d of the curve -x² + y² = 1 + dx²y² (RFC 8032 §5.1), big-endian.
const P: [u8; 32] = {
    let mut p = [0xff; 32];
    (p[0], p[31]) = (0x7f, 0xed);
    p
};
const D: [u8; 32] = [
    0x52, 0x03, 0x6c, 0xee, 0x2b, 0x6f, 0xfe, 0x73, 0x8c, 0xc7, 0x40, 0x79, 0x77, 0x79, 0xe8, 0x98, 0x00,
    0x70, 0x0a, 0x4d, 0x41, 0x41, 0xd8, 0xab, 0x75, 0xeb, 0x4d, 0xca, 0x13, 0x59, 0x78, 0xa3,
];

/// Whether some x goes with this y: (y² - 1) / (dy² + 1) is a square (RFC 8032 §5.1.3).
fn is_ed25519(point: &[u8]) -> Option<bool> {
    let mut y: Vec<u8> = point.iter().rev().copied().collect();
    *y.first_mut()? &= 0x7f;
    let (y, p, d, one) = (Number::new(&y)?, Number::new(&P)?, Number::new(&D)?, Number::new(&[1])?);
    if y >= p {
        return Some(false);
    }
    let square = y.times(&y)?.modulo(&p)?;
    // y² + p - 1 is not below zero; u/v and uv are squares together.
    let u = square.plus(&p)?.minus(&one)?;
    let v = d.times(&square)?.plus(&one)?;
    let uv = u.times(&v)?.modulo(&p)?;
    let euler = uv.power(&p.half()?, &p)?;
    Some(uv.bits() == 0 || euler.is_one())
}

/// The public value of a CKA_EC_POINT as programs write it: raw, in an OCTET STRING, or in a BIT STRING.
/// `CKR_ATTRIBUTE_VALUE_INVALID` when none of these gives one.
pub fn point_from_attribute(curve: Curve, value: &[u8]) -> Result<Vec<u8>> {
    let bare = if value.len() == curve.size() {
        value
    } else if let Some(inner) = tlv::only(tlv::OCTET_STRING, value) {
        inner
    } else {
        let bits = Elements::new(value).and_then(|mut bits| bits.bits().filter(|_| bits.done()));
        bits.unwrap_or(value)
    };
    PublicKey::new(curve, bare).map(|key| key.point)
}

/// PKCS#8 PrivateKeyInfo around a CurvePrivateKey (RFC 8410 §7).
pub fn to_pkcs8(curve: Curve, private: &Secret) -> Secret {
    let key = tlv::put(tlv::OCTET_STRING, &[private.expose()]);
    pkcs8(&[curve.params()], &key)
}

/// The curve and the private value of a PKCS#8 key of a family. `CKR_WRAPPED_KEY_INVALID` when it is not one,
/// `CKR_KEY_TYPE_INCONSISTENT` for a key of another kind.
pub fn from_pkcs8(family: Family, der: &[u8]) -> Result<(Curve, Secret)> {
    let bad =
        || -> Error { Rv::WrappedKeyInvalid.because("the key is not a PKCS#8 private key of RFC 8410") };
    let (oid, parameters, key) = open_pkcs8(der).ok_or_else(bad)?;
    let curve = Curve::from_params(family, oid)
        .map_err(|_| Rv::KeyTypeInconsistent.because("the PKCS#8 key is of another algorithm"))?;
    let private = tlv::only(tlv::OCTET_STRING, key).filter(|_| parameters.is_empty()).ok_or_else(bad)?;
    curve.whole(private, "the private value").map_err(|_| bad())?;
    Ok((curve, private.into()))
}

#[cfg(test)]
#[path = "edwards_tests.rs"]
mod tests;
