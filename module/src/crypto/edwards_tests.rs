//! What Curve25519 and Curve448 must do: published answers, agreement with OpenSSL, and refusals.

use super::super::rng::system;
use super::*;
use crate::crypto::spki;

fn unhex(hex: &str) -> Secret {
    Secret::from(hex::decode(hex).unwrap())
}

fn refused<T>(result: Result<T>) -> Rv {
    result.err().expect("must be refused").rv()
}

fn pair(curve: Curve) -> (PrivateKey, PublicKey) {
    let (private, public) = generate(curve, &mut system).unwrap();
    (PrivateKey::new(curve, &private).unwrap(), PublicKey::new(curve, &public).unwrap())
}

/// RFC 8032 §7.1 test 2, §7.3, §7.5; and one of OpenSSL's.
#[test]
fn published_signatures() {
    let counted: Vec<u8> = (0..57).collect();
    for (curve, how, seed, message, signature) in [
        (
            Curve::Ed25519,
            Eddsa::Pure,
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            &b"\x72"[..],
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            Curve::Ed25519,
            Eddsa::Prehash(b""),
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            b"abc",
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
        ),
        (
            Curve::Ed448,
            Eddsa::Prehash(b""),
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42ef7822e0d5104127dc05d6dbefde69e3ab2cec7c867c6e2c49",
            b"abc",
            "822f6901f7480f3d5f562c592994d9693602875614483256505600bbc281ae381f54d6bce2ea911574932f52a4e6cadd78769375ec3ffd1b801a0d9b3f4030cd433964b6457ea39476511214f97469b57dd32dbc560a9a94d00bff07620464a3ad203df7dc7ce360c3cd3696d9d9fab90f00",
        ),
        (
            Curve::Ed448,
            Eddsa::Pure,
            &hex::encode(counted),
            b"tokenkeep",
            "844621c129b92dcd878e5498d2f7fc5575b8ff2c484e56f9c296a6e6839439babf00a2de79edb4115fa011244c076a5994f8cb61dffbcd9e0034616b3a01adf5f180f6b7fc983573c61ceb3bfc1808f501d13ed06cc871aae922e85ee3d4ce641422b952ef94446333625c5a17b6f86c3e00",
        ),
    ] {
        let key = PrivateKey::new(curve, &unhex(seed)).unwrap();
        assert_eq!(hex::encode(key.sign(how, message).unwrap()), signature);
        let public = PublicKey::new(curve, key.public()).unwrap();
        public.verify(how, message, unhex(signature).expose()).unwrap();
    }
}

/// RFC 7748 §6.1; X448 by OpenSSL.
#[test]
fn published_agreements() {
    let count = |from: u8| hex::encode((from..from + 56).collect::<Vec<u8>>());
    for (curve, a, b, b_public, secret) in [
        (
            Curve::X25519,
            "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
        ),
        (
            Curve::X448,
            &count(0),
            &count(1),
            "bda7365ba1bd9a66f2ef38db6ec5ac5fad5452e990d8b2f88f721fd53363237e775f65205d1d4667d473f0e1f4c57694d2d802e8dff06026",
            "418b6ce93fc7d0292f05c303074d4721f0aaf8f1221ddc0eb787365522b7877bc5ed0143a75b00f2d5778690b8e6150b4da1d6dd2e0e58fa",
        ),
    ] {
        let (a, b) = (PrivateKey::new(curve, &unhex(a)).unwrap(), PrivateKey::new(curve, &unhex(b)).unwrap());
        assert_eq!(hex::encode(b.public()), b_public);
        assert_eq!(hex::encode(a.agree(b.public()).unwrap().expose()), secret);
        assert_eq!(hex::encode(b.agree(a.public()).unwrap().expose()), secret);
    }
}

#[test]
fn keys_are_written_as_openssl_writes_them() {
    let counted = |len: usize| -> Secret { (0..len as u8).collect::<Vec<u8>>().into() };
    for (curve, family, pkcs8, info) in [
        (
            Curve::Ed448,
            Edwards,
            "3047020100300506032b6571043b0439000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738",
            "3043300506032b6571033a0018d0a70e42a742dfb561279893385061d7b4dad8f6feed4791eaab66b2f4a4f02fc09462a8bfb1842d0bac60e8a1b3e55ba2407f33226f3800",
        ),
        (
            Curve::Ed25519,
            Edwards,
            "302e020100300506032b657004220420000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "302a300506032b657003210003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
        ),
        (
            Curve::X448,
            Montgomery,
            "3046020100300506032b656f043a0438000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
            "3042300506032b656f0339003c6fd1d02960e0d9e93308fc65736141c30db307977f81b7b10996e51e53f573e5c86621205ff491209d3b7cd7933428177ba4defae14dc1",
        ),
        (
            Curve::X25519,
            Montgomery,
            "302e020100300506032b656e04220420000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "302a300506032b656e0321008f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f",
        ),
    ] {
        let private = counted(curve.size());
        let key = PrivateKey::new(curve, &private).unwrap();
        assert_eq!(hex::encode(to_pkcs8(curve, &private).expose()), pkcs8);
        assert_eq!(hex::encode(spki::edwards(curve, key.public())), info);
        assert_eq!(from_pkcs8(family, unhex(pkcs8).expose()).unwrap(), (curve, private));
        let other = if family == Edwards { Montgomery } else { Edwards };
        assert_eq!(refused(from_pkcs8(other, unhex(pkcs8).expose())), Rv::KeyTypeInconsistent);
        for end in 0..pkcs8.len() / 2 {
            assert_eq!(refused(from_pkcs8(family, &unhex(pkcs8).expose()[..end])), Rv::WrappedKeyInvalid);
        }
    }
}

#[test]
fn contexts_and_messages_are_told_apart() {
    for curve in [Curve::Ed25519, Curve::Ed448] {
        let (key, public) = pair(curve);
        let ways = [
            Eddsa::Pure,
            Eddsa::Context(b"a"),
            Eddsa::Context(b"b"),
            Eddsa::Prehash(b""),
            Eddsa::Prehash(b"a"),
        ];
        for how in ways {
            let signature = key.sign(how, b"message").unwrap();
            assert_eq!(signature.len(), key.signature_size());
            for other in ways {
                assert_eq!(public.verify(other, b"message", &signature).is_ok(), how == other);
            }
            assert_eq!(refused(public.verify(how, b"", &signature)), Rv::SignatureInvalid);
            assert_eq!(refused(public.verify(how, b"message", &signature[1..])), Rv::SignatureLenRange);
        }
        for how in [Eddsa::Context(&[0; 256]), Eddsa::Prehash(&[0; 256])] {
            assert_eq!(refused(key.sign(how, b"")), Rv::MechanismParamInvalid);
        }
        assert_eq!(refused(key.agree(public.point())), Rv::KeyTypeInconsistent);
    }
    assert_eq!(refused(pair(Curve::Ed25519).0.sign(Eddsa::Context(b""), b"")), Rv::MechanismParamInvalid);
    assert_eq!(refused(pair(Curve::X448).0.sign(Eddsa::Pure, b"")), Rv::KeyTypeInconsistent);
}

#[test]
fn bad_keys_have_their_codes() {
    for curve in Curve::ALL {
        let (key, public) = pair(*curve);
        let size = curve.size();
        assert_eq!(refused(PrivateKey::new(*curve, &Secret::zeroed(size - 1))), Rv::AttributeValueInvalid);
        assert_eq!(refused(PublicKey::new(*curve, &public.point()[1..])), Rv::AttributeValueInvalid);
        if curve.row().family == Montgomery {
            for peer in [&vec![0; size], &vec![1; size - 1], &vec![]] {
                assert_eq!(refused(key.agree(peer)), Rv::MechanismParamInvalid);
            }
        } else {
            // y = 2 is on neither curve's list of squares, y above the field is no encoding.
            let off = (0..=255).filter(|y| {
                let mut point = vec![0; size];
                point[0] = *y;
                PublicKey::new(*curve, &point).is_err()
            });
            let off = off.count();
            assert!(
                (64..240).contains(&off),
                "a half or more of all y give no point of the group, not {off} on {curve:?}"
            );
            assert_eq!(refused(PublicKey::new(*curve, &vec![0xff; size])), Rv::AttributeValueInvalid);
        }
    }
}

#[test]
fn curves_are_found_by_all_their_names() {
    for row in &ROWS {
        for oid in row.oids {
            assert_eq!(Curve::from_params(row.family, oid).unwrap(), row.curve);
        }
        for name in row.names {
            let name = tlv::put(tlv::PRINTABLE_STRING, &[name.as_bytes()]);
            assert_eq!(Curve::from_params(row.family, name.expose()).unwrap(), row.curve);
        }
        let other = if row.family == Edwards { Montgomery } else { Edwards };
        assert_eq!(refused(Curve::from_params(other, row.oids[0])), Rv::CurveNotSupported);
    }
    assert_eq!(refused(Curve::from_params(Edwards, &[5, 0])), Rv::CurveNotSupported);
}

#[test]
fn a_point_is_taken_raw_and_in_both_strings() {
    for curve in Curve::ALL {
        let (_, public) = pair(*curve);
        let point = public.point();
        let octets = tlv::put(tlv::OCTET_STRING, &[point]);
        let bits = tlv::put(tlv::BIT_STRING, &[&[0], point]);
        for form in [point, octets.expose(), bits.expose()] {
            assert_eq!(point_from_attribute(*curve, form).unwrap(), point);
        }
        assert_eq!(refused(point_from_attribute(*curve, &octets.expose()[1..])), Rv::AttributeValueInvalid);
    }
}
