//! What the curves must do: published answers, agreement with the RustCrypto crates, and refusals.

use proptest::prelude::*;

use super::super::rfc6979_vectors::VECTORS;
use super::super::rng::system;
use super::*;

fn unhex(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn refused<T>(result: Result<T>) -> Rv {
    result.err().expect("must be refused").rv()
}

fn pair(curve: Curve) -> (PrivateKey, PublicKey) {
    let (scalar, point) = generate(curve, &mut system).unwrap();
    (PrivateKey::new(curve, &scalar).unwrap(), PublicKey::new(curve, &point).unwrap())
}

#[test]
fn a_curve_is_found_by_its_oid_and_by_each_of_its_names() {
    for curve in Curve::ALL {
        assert_eq!(Curve::from_params(curve.params()).unwrap(), *curve);
        for name in curve.names() {
            let name = tlv::put(tlv::PRINTABLE_STRING, &[name.to_uppercase().as_bytes()]);
            assert_eq!(Curve::from_params(name.expose()).unwrap(), *curve);
        }
    }
    assert_eq!(refused(Curve::from_params(&[6, 3, 0x2b, 0x65, 0x70])), Rv::CurveNotSupported);
    assert_eq!(refused(Curve::from_params(&[0x13, 3, b'x', b'y', b'z'])), Rv::CurveNotSupported);
    assert_eq!(refused(Curve::from_params(&[5, 0])), Rv::DomainParamsInvalid);
    assert_eq!(refused(Curve::from_params(&[0x30, 0])), Rv::DomainParamsInvalid);
    for garbage in [&[][..], &[6], &[6, 0], &[6, 5, 0x2b], b"P-256", &[6, 5, 0x2b, 0x81, 4, 0, 0x22, 0]] {
        assert_eq!(refused(Curve::from_params(garbage)), Rv::AttributeValueInvalid, "{garbage:?}");
    }
}

/// RFC 6979 A.2.3 to A.2.7: each curve with each hash.
#[test]
fn deterministic_signatures_are_the_published_ones() {
    for vectors in VECTORS {
        let key = PrivateKey::new(vectors.curve, &unhex(vectors.scalar).into()).unwrap();
        let public = PublicKey::new(vectors.curve, &key.public_point()).unwrap();
        for (hash, sample, test) in vectors.signatures {
            for (message, halves) in [(&b"sample"[..], sample), (&b"test"[..], test)] {
                let digest = hash.digest(message);
                let signature = key.sign_deterministic(hash, &digest).unwrap();
                assert_eq!(hex::encode(&signature), halves.concat(), "{:?} {hash:?}", vectors.curve);
                public.verify(&digest, &signature).unwrap();
                let other = hash.digest(b"simple");
                assert_eq!(refused(public.verify(&other, &signature)), Rv::SignatureInvalid);
            }
        }
    }
}

/// Curves that the RFC has no vectors for: from OpenSSL 3 by Python's cryptography, of "sample" with SHA-256.
#[test]
fn deterministic_signatures_are_those_of_openssl() {
    for (curve, scalar, r, s) in [
        (
            Curve::K256,
            "8101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f90",
            "ea3fb1d1077e6a4dbcd64fef14edf35fc1b279cd38935b7023b88075ac778404",
            "3d2cbed616caa2cca191682332b5927ec20b92860f66a395fee414744fc110a4",
        ),
        (
            Curve::Bp256,
            "8101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f90",
            "19a33f5e58aa62e193ad8fe51ec30318707b2a2002df6d68d5b1962c8a02cd1a",
            "0c34d8cf5f1ef12b3476329f1fe5d2f2df47be210739336d5061216bddab9649",
        ),
        (
            Curve::Bp384,
            "8101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f9010911192129313941495159616971798",
            "70c5d7c49c7dd2267affab99782eda3dac61651a202c39a173560171485410e2b89c2444b36d631ac82d5c90cdca3238",
            "242d05b0e16df575cbbb056928e8e1c91c1f297c6731e3b7992eec3ff44149e03e56e50073795a10984fcc271000761f",
        ),
        (
            Curve::Bp512,
            "8101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f90109111921293139414951596169717981899199a1a9b1b9c1c9d1d9e1e9f1fa0",
            "4e25b513b3dfdc442b3b9339b86b1649aea51731c15ec3246850e5980e0ceca615708769a8fbc3db69314f2ff7f1c213c10804e0147b300ae99ab83aea7daa5f",
            "6a67194a160207aa3d607e16ebe3bbf5163d94d422da355a864620f7081530ccc90d61b266417448049d0ab228d1f9357f648a49181606fac8e3d6820614ead2",
        ),
    ] {
        let scalar = format!("{scalar:0>width$}", width = 2 * curve.order_size());
        let key = PrivateKey::new(curve, &unhex(&scalar).into()).unwrap();
        let signature = key.sign_deterministic(Hash::Sha256, &Hash::Sha256.digest(b"sample")).unwrap();
        assert_eq!(hex::encode(signature), [r, s].concat(), "{curve:?}");
    }
}

#[test]
fn every_curve_signs_deterministically_and_digests_of_any_length() {
    for curve in Curve::ALL {
        let (key, public) = pair(*curve);
        for digest in [&[][..], &[7], &[0xff; 20], &[0xff; 64], &[0xff; 100]] {
            let signature = key.sign_deterministic(Hash::Sha512, digest).unwrap();
            assert_eq!(key.sign_deterministic(Hash::Sha512, digest).unwrap(), signature, "{curve:?}");
            assert_ne!(
                key.sign(digest).unwrap(),
                signature,
                "{curve:?}: usually a signature is never the same"
            );
            public.verify(digest, &signature).unwrap();
        }
    }
}

/// NIST CAVS, SP 800-56A ECC CDH, P-256, count 0.
#[test]
fn a_published_agreement_is_met() {
    let scalar = Secret::from(unhex("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534"));
    let peer = unhex(
        "04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
    );
    let z = PrivateKey::new(Curve::P256, &scalar).unwrap().ecdh(&peer).unwrap();
    assert_eq!(hex::encode(z.expose()), "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
}

#[test]
fn every_curve_signs_digests_of_every_length() {
    for curve in Curve::ALL {
        let (private, public) = pair(*curve);
        for len in [0, 1, 20, 32, 48, 64, 65, 66, 67, 200] {
            let digest = vec![0xa5; len];
            let signature = private.sign(&digest).unwrap();
            assert_eq!(signature.len(), 2 * curve.order_size());
            public.verify(&digest, &signature).unwrap();
        }
        let long = vec![0xff; curve.order_size() + 1];
        let signature = private.sign(&long).unwrap();
        public.verify(&[&long[..], &[1, 2, 3]].concat(), &signature).unwrap();
    }
}

#[test]
fn every_curve_agrees_both_ways_and_takes_compressed_points() {
    for curve in Curve::ALL {
        let ((a, _), (b, public)) = (pair(*curve), pair(*curve));
        let z = a.ecdh(&b.public_point()).unwrap();
        assert_eq!(z, b.ecdh(&a.public_point()).unwrap());
        assert_eq!(z.len(), curve.size());
        let compressed = compress(&public.point());
        assert_eq!(a.ecdh(&compressed).unwrap(), z);
        assert_eq!(PublicKey::new(*curve, &compressed).unwrap().point(), public.point());
    }
}

fn compress(point: &[u8]) -> Vec<u8> {
    let size = (point.len() - 1) / 2;
    let mut out = vec![2 + (point[point.len() - 1] & 1)];
    out.extend_from_slice(&point[1..1 + size]);
    out
}

#[test]
fn points_that_are_not_of_the_curve_are_refused() {
    for curve in Curve::ALL {
        let (private, public) = pair(*curve);
        let good = public.point();
        let mut off = good.clone();
        *off.last_mut().unwrap() ^= 1;
        let mut hybrid = good.clone();
        hybrid[0] = 6 + (good[good.len() - 1] & 1);
        let (short, long) = (good[..good.len() - 1].to_vec(), [&good[..], &[0]].concat());
        for bad in [vec![], vec![0], vec![0; good.len()], vec![4], off, hybrid, short, long] {
            assert_eq!(refused(PublicKey::new(*curve, &bad)), Rv::AttributeValueInvalid);
            assert_eq!(refused(point_from_attribute(*curve, &bad)), Rv::AttributeValueInvalid);
            assert_eq!(refused(private.ecdh(&bad)), Rv::MechanismParamInvalid);
        }
    }
}

#[test]
fn scalars_outside_the_order_are_refused_and_short_ones_taken() {
    let n = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    for bad in [vec![], vec![0], vec![0; 32], n.clone(), vec![0xff; 32], vec![1; 33]] {
        assert_eq!(refused(PrivateKey::new(Curve::P256, &Secret::from(bad))), Rv::AttributeValueInvalid);
    }
    let mut last = n;
    last[31] -= 1;
    PrivateKey::new(Curve::P256, &Secret::from(last)).unwrap();
    let one = PrivateKey::new(Curve::P256, &Secret::from(vec![1])).unwrap();
    let wide = PrivateKey::new(Curve::P256, &Secret::from([vec![0; 40], vec![1]].concat())).unwrap();
    assert_eq!(one.public_point(), wide.public_point());
}

#[test]
fn signatures_may_be_trimmed_evenly_and_no_other_way() {
    let (private, public) = pair(Curve::P521);
    let (mut trimmed, digest) = (0, [7; 32]);
    while trimmed < 3 {
        let signature = private.sign(&digest).unwrap();
        let (r, s) = signature.split_at(66);
        if r[0] == 0 && s[0] == 0 {
            public.verify(&digest, &[&r[1..], &s[1..]].concat()).unwrap();
            trimmed += 1;
        }
        assert_eq!(refused(public.verify(&digest, &signature[..131])), Rv::SignatureLenRange);
        let mut bad = signature.clone();
        bad[100] ^= 1;
        assert_eq!(refused(public.verify(&digest, &bad)), Rv::SignatureInvalid);
    }
    assert_eq!(refused(public.verify(&digest, &[])), Rv::SignatureLenRange);
    assert_eq!(refused(public.verify(&digest, &[1; 134])), Rv::SignatureLenRange);
    assert_eq!(refused(public.verify(&digest, &[0; 132])), Rv::SignatureInvalid);
    assert_eq!(refused(public.verify(&digest, &[1, 1])), Rv::SignatureInvalid);
}

#[test]
fn a_point_is_read_in_every_wrapping() {
    for curve in Curve::ALL {
        let point = pair(*curve).1.point();
        for bare in [point.clone(), compress(&point)] {
            let bits = tlv::put(tlv::BIT_STRING, &[&[0], &bare]);
            for value in [&bare[..], &point_to_attribute(&bare), bits.expose()] {
                assert_eq!(point_from_attribute(*curve, value).unwrap(), point);
            }
        }
    }
}

#[test]
fn pkcs8_goes_out_and_comes_back() {
    for curve in Curve::ALL {
        let (scalar, point) = generate(*curve, &mut system).unwrap();
        for public in [None, Some(&point[..])] {
            let der = to_pkcs8(*curve, &scalar, public).unwrap();
            assert_eq!(from_pkcs8(der.expose()).unwrap(), (*curve, scalar.clone(), point.clone()));
            for end in 0..der.len() {
                assert_eq!(refused(from_pkcs8(&der.expose()[..end])), Rv::WrappedKeyInvalid);
            }
        }
        let (_, other) = generate(*curve, &mut system).unwrap();
        let der = to_pkcs8(*curve, &scalar, Some(&other)).unwrap();
        assert_eq!(refused(from_pkcs8(der.expose())), Rv::WrappedKeyInvalid);
    }
}

#[test]
fn the_p256_crate_reads_our_pkcs8_and_we_read_its() {
    use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey};
    let (scalar, point) = generate(Curve::P256, &mut system).unwrap();
    let der = to_pkcs8(Curve::P256, &scalar, Some(&point)).unwrap();
    let theirs = p256::SecretKey::from_pkcs8_der(der.expose()).unwrap();
    let back = theirs.to_pkcs8_der().unwrap();
    assert_eq!(from_pkcs8(back.as_bytes()).unwrap(), (Curve::P256, scalar, point));
}

#[test]
fn a_broken_generator_is_an_error_and_not_a_loop() {
    assert_eq!(refused(generate(Curve::P256, &mut |_| Err(Rv::RandomNoRng.into()))), Rv::RandomNoRng);
    assert_eq!(refused(generate(Curve::P256, &mut |_| Ok(()))), Rv::DeviceError);
}

#[test]
fn keys_are_shared_between_threads() {
    let (private, public) = pair(Curve::P256);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..50).for_each(|_| public.verify(&[1; 32], &private.sign(&[1; 32]).unwrap()).unwrap())
            });
        }
    });
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        for curve in Curve::ALL {
            let _ = PublicKey::new(*curve, &bytes);
            let _ = point_from_attribute(*curve, &bytes);
            let _ = PrivateKey::new(*curve, &Secret::from(&bytes[..]));
        }
        let _ = from_pkcs8(&bytes);
        let _ = Curve::from_params(&bytes);
    }
}
