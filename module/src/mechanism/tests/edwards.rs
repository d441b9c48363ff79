//! Edwards and Montgomery keys as the token keeps them, and EdDSA with its parameter.

use super::*;

const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
const ED448: &[u8] = b"\x13\x05Ed448";

fn pair(maker: CK_MECHANISM_TYPE, params: &[u8]) -> (Object, Object) {
    generate(maker, &[(CKA_EC_PARAMS, Value::Bytes(params.to_vec()))]).unwrap()
}

fn variant(prehash: bool, context: &[u8]) -> Params {
    Params::Eddsa { prehash, context: context.to_vec() }
}

#[test]
fn every_variant_signs_and_only_its_own_is_good() {
    for params in [ED25519, ED448] {
        let (public, private) = pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, params);
        goes_and_comes(&private);
        let ways = [Params::None, variant(false, b"c"), variant(true, b""), variant(true, b"c")];
        for how in &ways {
            let signature = sign(CKM_EDDSA, how, &private, b"a message").unwrap();
            for other in &ways {
                let answer = verify(CKM_EDDSA, other, &public, b"a message", &signature);
                assert_eq!(answer.is_ok(), how == other);
            }
        }
        let bare = sign(CKM_EDDSA, &variant(false, b""), &private, b"a message").unwrap();
        verify(CKM_EDDSA, &Params::None, &public, b"a message", &bare).unwrap();
        let long = variant(false, &[0; 256]);
        assert_eq!(refused(sign(CKM_EDDSA, &long, &private, b"")), Rv::MechanismParamInvalid);
        assert_eq!(refused(sign(CKM_EDDSA, &Params::None, &public, b"")), Rv::KeyTypeInconsistent);
    }
}

#[test]
fn keys_of_one_family_are_refused_by_the_other() {
    let (_, edwards) = pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, ED25519);
    let (_, montgomery) = pair(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, b"\x13\x0acurve25519");
    assert_eq!(refused(sign(CKM_EDDSA, &Params::None, &montgomery, b"")), Rv::KeyTypeInconsistent);
    let ecdh = Params::Ecdh { kdf: CKD_NULL, shared: Vec::new(), public: vec![9; 32] };
    let derived = with(CKM_ECDH1_DERIVE, &ecdh, &edwards, |row, start| row.derive.unwrap()(start, None));
    assert_eq!(refused(derived), Rv::KeyTypeInconsistent);
    let params = [(CKA_EC_PARAMS, Value::Bytes(ED25519.to_vec()))];
    assert_eq!(refused(generate(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, &params)), Rv::CurveNotSupported);
    assert_eq!(refused(generate(CKM_EC_KEY_PAIR_GEN, &params)), Rv::CurveNotSupported);
}

#[test]
fn montgomery_keys_agree_with_each_other() {
    for params in [&b"\x13\x06X25519"[..], b"\x13\x04X448"] {
        let ours = pair(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, params);
        let theirs = pair(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, params);
        goes_and_comes(&ours.1);
        let agree = |private: &Object, public: &Object| {
            let point = public.attributes().bytes(CKA_EC_POINT).unwrap().to_vec();
            let dressed = [&[4, point.len() as u8], &point[..]].concat();
            let [bare, dressed] = [point, dressed].map(|public| {
                let params = Params::Ecdh { kdf: CKD_SHA256_KDF, shared: b"s".to_vec(), public };
                with(CKM_ECDH1_DERIVE, &params, private, |row, start| row.derive.unwrap()(start, Some(32)))
                    .unwrap()
            });
            assert_eq!(bare, dressed);
            bare
        };
        assert_eq!(agree(&ours.1, &theirs.0), agree(&theirs.1, &ours.0));
    }
}

#[test]
fn the_curve_that_pkcs11_tool_misspells_is_kept_as_its_oid() {
    let (public, private) = pair(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, b"\x13\x0bcurve25519");
    for key in [public, private] {
        assert_eq!(key.attributes().bytes(CKA_EC_PARAMS), Some(&b"\x06\x03\x2b\x65\x6e"[..]));
    }
}

#[test]
fn keys_are_kept_in_one_form_whatever_form_they_come_in() {
    let point = unhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
    for form in [point.clone(), [b"\x04\x20", &point[..]].concat(), [b"\x03\x21\x00", &point[..]].concat()] {
        for params in [ED25519, b"\x13\x0cedwards25519", b"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"] {
            let parts =
                [(CKA_EC_PARAMS, Value::Bytes(params.to_vec())), (CKA_EC_POINT, Value::Bytes(form.clone()))];
            let key = public(CKK_EC_EDWARDS, &parts);
            assert_eq!(key.attributes().bytes(CKA_EC_POINT), Some(&point[..]));
            assert_eq!(key.attributes().bytes(CKA_EC_PARAMS), Some(ED25519));
        }
    }
    let parts = [(CKA_EC_PARAMS, Value::Bytes(ED25519.to_vec())), (CKA_EC_POINT, Value::Bytes(vec![2; 31]))];
    assert_eq!(refused(create(CKO_PUBLIC_KEY, CKK_EC_EDWARDS, &parts)), Rv::AttributeValueInvalid);
    let value = Value::Secret((0..32).collect::<Vec<u8>>().into());
    let params = (CKA_EC_PARAMS, Value::Bytes(ED25519.to_vec()));
    let key = private(CKK_EC_EDWARDS, &[params.clone(), (CKA_VALUE, value.clone())]);
    assert_eq!(key.attributes().bytes(CKA_EC_POINT), Some(&point[..]));
    let wrong = [params, (CKA_VALUE, value), (CKA_EC_POINT, bytes(&"58".repeat(32)))];
    assert_eq!(refused(create(CKO_PRIVATE_KEY, CKK_EC_EDWARDS, &wrong)), Rv::AttributeValueInvalid);
}
