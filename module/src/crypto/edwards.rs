//! Curve25519: Ed25519 signatures and X25519 agreement.

use super::Fill;
use super::awslc;
use super::tlv;
use crate::cryptoki::{Error, Result, Rv, Secret};

pub use super::awslc::Eddsa;

/// Bytes of every key, point and secret here.
pub const SIZE: usize = 32;

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Curve {
    Ed25519,
    X25519,
}

impl Curve {
    /// Every curve.
    pub const ALL: &[Curve] = &[Curve::Ed25519, Curve::X25519];

    /// The OID in DER (RFC 8410 §3): the value of CKA_EC_PARAMS.
    pub fn params(self) -> &'static [u8] {
        match self {
            Curve::Ed25519 => &[6, 3, 0x2b, 0x65, 0x70],
            Curve::X25519 => &[6, 3, 0x2b, 0x65, 0x6e],
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Curve::Ed25519 => &["edwards25519", "Ed25519"],
            Curve::X25519 => &["curve25519", "X25519"],
        }
    }

    /// The curve that a CKA_EC_PARAMS names, by OID or PrintableString (PKCS#11 v3.2 §6.3.5, §6.3.7).
    /// `CKR_CURVE_NOT_SUPPORTED` for every other.
    pub fn from_params(der: &[u8]) -> Result<Curve> {
        let name = tlv::only(tlv::PRINTABLE_STRING, der);
        let named = |known: &&str| name.is_some_and(|name| known.as_bytes().eq_ignore_ascii_case(name));
        let found = Curve::ALL.iter().find(|curve| curve.params() == der || curve.names().iter().any(named));
        found
            .copied()
            .ok_or_else(|| Rv::CurveNotSupported.because("CKA_EC_PARAMS names neither Ed25519 nor X25519"))
    }
}

/// A new key pair: the private value and the public one, 32 bytes each.
pub fn generate(curve: Curve, rng: &mut Fill) -> Result<(Secret, Vec<u8>)> {
    let mut private = Secret::zeroed(SIZE);
    rng(private.expose_mut())?;
    let public = public(curve, &private)?;
    Ok((private, public))
}

/// The public value of a private one. `CKR_ATTRIBUTE_VALUE_INVALID` unless that has 32 bytes.
pub fn public(curve: Curve, private: &Secret) -> Result<Vec<u8>> {
    let private = whole(private.expose())?;
    Ok(match curve {
        Curve::Ed25519 => awslc::ed25519_key(private).expose()[SIZE..].to_vec(),
        Curve::X25519 => awslc::x25519_public(private).to_vec(),
    })
}

/// An Ed25519 private key, spread out once; to be shared between threads.
pub struct PrivateKey(Secret);

impl PrivateKey {
    /// From its 32-byte seed (RFC 8032 §5.1.5), else `CKR_ATTRIBUTE_VALUE_INVALID`.
    pub fn new(seed: &Secret) -> Result<PrivateKey> {
        Ok(PrivateKey(awslc::ed25519_key(whole(seed.expose())?)))
    }

    /// A signature of 64 bytes over the whole message. `CKR_MECHANISM_PARAM_INVALID` for a context of more than 255 bytes,
    /// and for none with `Eddsa::Context`.
    pub fn sign(&self, how: Eddsa, message: &[u8]) -> Result<Vec<u8>> {
        check(how)?;
        let failed = || Rv::FunctionFailed.because("the Ed25519 signature could not be made");
        awslc::ed25519_sign(how, &self.0, message).map(Vec::from).ok_or_else(failed)
    }
}

/// Checks an Ed25519 signature. `CKR_SIGNATURE_LEN_RANGE` unless it has 64 bytes, `CKR_SIGNATURE_INVALID`,
/// `CKR_ATTRIBUTE_VALUE_INVALID` for a public value that has not 32 bytes.
pub fn verify(how: Eddsa, public: &[u8], message: &[u8], signature: &[u8]) -> Result<()> {
    check(how)?;
    let public = whole(public)?;
    let long = |_| -> Error { Rv::SignatureLenRange.because("an Ed25519 signature has 64 bytes") };
    let signature = <&[u8; 64]>::try_from(signature).map_err(long)?;
    awslc::ed25519_verify(how, public, message, signature).ok_or_else(|| Rv::SignatureInvalid.into())
}

/// X25519 (RFC 7748 §6.1): 32 bytes. `CKR_MECHANISM_PARAM_INVALID` for a peer that has not 32 bytes or gives zero.
pub fn agree(private: &Secret, peer: &[u8]) -> Result<Secret> {
    let bad = || -> Error {
        Rv::MechanismParamInvalid.because("the peer's public key is not an X25519 key of full order")
    };
    let peer = <&[u8; SIZE]>::try_from(peer).map_err(|_| bad())?;
    awslc::x25519(whole(private.expose())?, peer).ok_or_else(bad)
}

fn whole(bytes: &[u8]) -> Result<&[u8; SIZE]> {
    bytes.try_into().map_err(|_| Rv::AttributeValueInvalid.because("a key of Curve25519 has 32 bytes"))
}

fn check(how: Eddsa) -> Result<()> {
    match how {
        Eddsa::Context([]) => Err(Rv::MechanismParamInvalid.because("Ed25519ctx needs a context")),
        Eddsa::Context(context) | Eddsa::Prehash(context) if context.len() > 255 => {
            Err(Rv::MechanismParamInvalid.because("an EdDSA context has at most 255 bytes"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rng::system;
    use super::*;

    fn unhex(hex: &str) -> Secret {
        Secret::from(hex::decode(hex).unwrap())
    }

    /// RFC 8032 §7.1 test 2, §7.2 "foo", §7.3.
    #[test]
    fn published_signatures() {
        for (how, seed, message, signature) in [
            (
                Eddsa::Pure,
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                &b"\x72"[..],
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                Eddsa::Prehash(b""),
                "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
                b"abc",
                "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
            ),
        ] {
            let key = PrivateKey::new(&unhex(seed)).unwrap();
            assert_eq!(hex::encode(key.sign(how, message).unwrap()), signature);
            let public = public(Curve::Ed25519, &unhex(seed)).unwrap();
            verify(how, &public, message, unhex(signature).expose()).unwrap();
        }
    }

    /// RFC 7748 §6.1.
    #[test]
    fn a_published_agreement() {
        let a = unhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        let a_public = unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
        let b = unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        let b_public = unhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
        let secret = unhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        assert_eq!(public(Curve::X25519, &a).unwrap(), a_public.expose());
        assert_eq!(agree(&a, b_public.expose()).unwrap(), secret);
        assert_eq!(agree(&b, a_public.expose()).unwrap(), secret);
    }

    #[test]
    fn contexts_and_messages_are_told_apart() {
        let (seed, public) = generate(Curve::Ed25519, &mut system).unwrap();
        let key = PrivateKey::new(&seed).unwrap();
        let ways = [
            Eddsa::Pure,
            Eddsa::Context(b"a"),
            Eddsa::Context(b"b"),
            Eddsa::Prehash(b""),
            Eddsa::Prehash(b"a"),
        ];
        for how in ways {
            let signature = key.sign(how, b"message").unwrap();
            for other in ways {
                assert_eq!(verify(other, &public, b"message", &signature).is_ok(), how == other);
            }
            assert_eq!(verify(how, &public, b"", &signature).unwrap_err().rv(), Rv::SignatureInvalid);
            assert_eq!(
                verify(how, &public, b"message", &signature[1..]).unwrap_err().rv(),
                Rv::SignatureLenRange
            );
            assert_eq!(
                verify(how, &public[1..], b"message", &signature).unwrap_err().rv(),
                Rv::AttributeValueInvalid
            );
        }
        for how in [Eddsa::Context(b""), Eddsa::Context(&[0; 256]), Eddsa::Prehash(&[0; 256])] {
            assert_eq!(key.sign(how, b"").unwrap_err().rv(), Rv::MechanismParamInvalid);
        }
    }

    #[test]
    fn bad_keys_have_their_codes() {
        assert_eq!(PrivateKey::new(&Secret::zeroed(31)).err().unwrap().rv(), Rv::AttributeValueInvalid);
        let (private, _) = generate(Curve::X25519, &mut system).unwrap();
        for peer in [&[0; 32][..], &[1; 31], &[]] {
            assert_eq!(agree(&private, peer).unwrap_err().rv(), Rv::MechanismParamInvalid);
        }
        assert_eq!(agree(&Secret::zeroed(33), &[9; 32]).unwrap_err().rv(), Rv::AttributeValueInvalid);
        for curve in Curve::ALL {
            assert_eq!(Curve::from_params(curve.params()).unwrap(), *curve);
        }
        assert_eq!(Curve::from_params(b"\x13\x0cedwards25519").unwrap(), Curve::Ed25519);
        assert_eq!(Curve::from_params(&[5, 0]).unwrap_err().rv(), Rv::CurveNotSupported);
    }
}
