//! Elliptic curves against keys, signatures and secrets that OpenSSL made.

use super::known_curves::{KNOWN, Known};
use super::*;
use crate::crypto::ec::Curve;
use crate::crypto::kdf;

const ECDSA: &[CK_MECHANISM_TYPE] = &[
    CKM_ECDSA_SHA1,
    CKM_ECDSA_SHA224,
    CKM_ECDSA_SHA256,
    CKM_ECDSA_SHA384,
    CKM_ECDSA_SHA512,
    CKM_ECDSA_SHA3_224,
    CKM_ECDSA_SHA3_256,
    CKM_ECDSA_SHA3_384,
    CKM_ECDSA_SHA3_512,
];

fn keys(known: &Known) -> (Object, Object) {
    let params = (CKA_EC_PARAMS, bytes(known.params));
    let public = public(CKK_EC, &[params.clone(), (CKA_EC_POINT, bytes(known.point))]);
    (public, private(CKK_EC, &[params, (CKA_VALUE, secret(known.scalar))]))
}

#[test]
fn every_curve_agrees_with_openssl() {
    assert_eq!(KNOWN.len(), Curve::ALL.len());
    for known in KNOWN {
        let (public, private) = keys(known);
        let info = Some(unhex(known.info));
        assert_eq!(public.attributes().bytes(CKA_PUBLIC_KEY_INFO).map(<[u8]>::to_vec), info);
        assert_eq!(private.attributes().of(CKA_EC_POINT), public.attributes().of(CKA_EC_POINT));
        assert_eq!(hex::encode(goes_and_comes(&private).expose()), known.pkcs8);
        let signature = unhex(known.signature);
        verify(CKM_ECDSA_SHA3_384, &Params::None, &public, b"tokenkeep", &signature).unwrap();
        let other = verify(CKM_ECDSA_SHA3_384, &Params::None, &public, b"tokenkeeps", &signature);
        assert_eq!(refused(other), Rv::SignatureInvalid);
        let null = Params::Ecdh { kdf: CKD_NULL, shared: Vec::new(), public: unhex(known.peer) };
        for id in [CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE] {
            assert_eq!(hex::encode(derive(id, &null, &private, None).unwrap().expose()), known.agreed);
        }
    }
}

#[test]
fn explicit_parameters_of_a_known_curve_are_that_curve() {
    for known in KNOWN {
        for explicit in [known.explicit, known.compressed] {
            let curve = Curve::from_params(&unhex(explicit)).unwrap();
            assert_eq!(hex::encode(curve.params()), known.params);
        }
        let parts = [(CKA_EC_PARAMS, bytes(known.explicit)), (CKA_EC_POINT, bytes(known.point))];
        let key = public(CKK_EC, &parts);
        assert_eq!(key.attributes().of(CKA_EC_PARAMS), Some(&bytes(known.params)));
    }
}

#[test]
fn explicit_parameters_of_another_curve_are_refused() {
    let given = unhex(KNOWN[2].explicit);
    let number = |hex: &str| {
        let hex = unhex(hex);
        given.windows(hex.len()).position(|window| window == hex).unwrap()
    };
    // The field, the coefficient b, the base point's x, the order of P-256.
    for at in ["ffffffff00000001", "5ac635d8aa3a93e7", "6b17d1f2e12c4247", "ffffffff00000000ffffffff"] {
        let mut other = given.clone();
        other[number(at) + 8] ^= 1;
        assert_eq!(refused(Curve::from_params(&other)), Rv::CurveNotSupported, "{at}");
    }
    for end in 3..given.len() {
        let rv = refused(Curve::from_params(&given[..end]));
        assert_eq!(rv, Rv::AttributeValueInvalid);
    }
}

#[test]
fn every_hash_signs_on_every_curve() {
    for curve in Curve::ALL {
        let params = (CKA_EC_PARAMS, Value::Bytes(curve.params().to_vec()));
        let (public, private) = generate(CKM_EC_KEY_PAIR_GEN, &[params]).unwrap();
        goes_and_comes(&private);
        for id in ECDSA {
            let signature = sign(*id, &Params::None, &private, b"a message").unwrap();
            assert_eq!(signature.len(), 2 * curve.order_size());
            verify(*id, &Params::None, &public, b"a message", &signature).unwrap();
            let hash = find(*id).unwrap().hash.unwrap();
            verify(CKM_ECDSA, &Params::None, &public, &hash.digest(b"a message"), &signature).unwrap();
        }
        for len in [1, 20, 31, 33, 64, 100] {
            let signature = sign(CKM_ECDSA, &Params::None, &private, &vec![7; len]).unwrap();
            verify(CKM_ECDSA, &Params::None, &public, &vec![7; len], &signature).unwrap();
        }
    }
}

fn derive(id: CK_MECHANISM_TYPE, params: &Params, key: &Object, len: Option<usize>) -> Result<Secret> {
    with(id, params, key, |row, start| row.derive.expect("derives")(start, len))
}

#[test]
fn every_key_derivation_function_is_the_one_of_its_number() {
    let known = &KNOWN[2];
    let (_, private) = keys(known);
    let agreed = Secret::from(unhex(known.agreed));
    let params =
        |kdf, shared: &[u8]| Params::Ecdh { kdf, shared: shared.to_vec(), public: unhex(known.peer) };
    for named in hashes::HASHES {
        let Some((x963, sp800)) = named.kdf else { continue };
        for len in [None, Some(1), Some(100)] {
            let size = len.unwrap_or(named.hash.len());
            let derived = derive(CKM_ECDH1_DERIVE, &params(x963, b"info"), &private, len).unwrap();
            assert_eq!(derived, kdf::x963(named.hash, &agreed, b"info", size));
            let derived = derive(CKM_ECDH1_DERIVE, &params(sp800, b"info"), &private, len).unwrap();
            assert_eq!(derived, kdf::sp800_56(named.hash, &agreed, b"info", size));
        }
    }
    for (kdf, shared, len, rv) in [
        (CKD_NULL, &b"x"[..], None, Rv::MechanismParamInvalid),
        (CKD_NULL, b"", Some(33), Rv::KeySizeRange),
        (CKD_CPDIVERSIFY_KDF, b"", None, Rv::MechanismParamInvalid),
    ] {
        assert_eq!(refused(derive(CKM_ECDH1_DERIVE, &params(kdf, shared), &private, len)), rv);
    }
    let off = Params::Ecdh { kdf: CKD_NULL, shared: Vec::new(), public: vec![4; 65] };
    assert_eq!(refused(derive(CKM_ECDH1_DERIVE, &off, &private, None)), Rv::MechanismParamInvalid);
}

#[test]
fn a_key_wrapped_under_an_agreed_secret_is_unwrapped() {
    let curves =
        Curve::ALL.iter().map(|curve| (CKM_EC_KEY_PAIR_GEN, curve.params().to_vec(), 1 + 2 * curve.size()));
    let montgomery = [(b"\x06\x03\x2b\x65\x6e", 32), (b"\x06\x03\x2b\x65\x6f", 56)];
    let montgomery = montgomery.iter().map(|(oid, len)| (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, oid.to_vec(), *len));
    for (maker, oid, len) in curves.chain(montgomery) {
        let (public, private) = generate(maker, &[(CKA_EC_PARAMS, Value::Bytes(oid))]).unwrap();
        let ids = match maker {
            CKM_EC_KEY_PAIR_GEN => &[CKM_ECDH_AES_KEY_WRAP, CKM_ECDH_COF_AES_KEY_WRAP][..],
            _ => &[CKM_ECDH_X_AES_KEY_WRAP],
        };
        for id in ids {
            for (bits, kdf) in [(128, CKD_NULL), (192, CKD_SHA1_KDF), (256, CKD_SHA3_256_KDF_SP800)] {
                let params = Params::EcdhAes { bits, kdf, shared: Vec::new() };
                let wrapped = wrap(*id, &params, &public, &[7; 21]).unwrap();
                assert_eq!(wrapped.len(), len + 32);
                assert_eq!(unwrap(*id, &params, &private, &wrapped).unwrap().expose(), [7; 21]);
                // The public value may also stand in an OCTET STRING.
                let head: &[u8] = if len < 128 { &[4, len as u8] } else { &[4, 0x81, len as u8] };
                let dressed = [head, &wrapped].concat();
                let dressed = unwrap(*id, &params, &private, &dressed);
                assert!(len > 255 || dressed.unwrap().expose() == [7; 21]);
                assert_eq!(refused(unwrap(*id, &params, &private, &wrapped[..len])), Rv::WrappedKeyLenRange);
                let mut bad = wrapped.clone();
                *bad.last_mut().unwrap() ^= 1;
                assert_eq!(refused(unwrap(*id, &params, &private, &bad)), Rv::WrappedKeyInvalid);
            }
            let odd = Params::EcdhAes { bits: 129, kdf: CKD_NULL, shared: Vec::new() };
            assert_eq!(refused(wrap(*id, &odd, &public, &[7; 16])), Rv::MechanismParamInvalid);
        }
    }
}

/// By hand, as another program would do it.
#[test]
fn an_agreed_wrapping_is_what_the_standard_says() {
    let known = &KNOWN[2];
    let (_, private) = keys(known);
    let agreed = unhex(known.agreed);
    for (bits, kdf, key) in [
        (128, CKD_NULL, agreed[..16].to_vec()),
        (
            256,
            CKD_SHA256_KDF,
            kdf::x963(hashes::by_digest(CKM_SHA256).unwrap(), &agreed.clone().into(), b"s", 32)
                .expose()
                .to_vec(),
        ),
    ] {
        let shared = if kdf == CKD_NULL { Vec::new() } else { b"s".to_vec() };
        let wrapped =
            crate::crypto::wrap::wrap(crate::crypto::wrap::Wrap::Padded, &key.into(), b"target").unwrap();
        let whole = [unhex(known.peer), wrapped].concat();
        let params = Params::EcdhAes { bits, kdf, shared };
        assert_eq!(unwrap(CKM_ECDH_AES_KEY_WRAP, &params, &private, &whole).unwrap().expose(), b"target");
    }
}
