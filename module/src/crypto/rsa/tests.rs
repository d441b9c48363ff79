//! What RSA must do: agreement with the `rsa` crate and itself, published answers, and refusals.

use proptest::prelude::*;
use rsa::{BoxedUint, Pkcs1v15Encrypt, RsaPrivateKey};

use super::*;
use crate::crypto::awslc::Number;
use crate::crypto::hash::Hash;
use crate::crypto::rng::system;
use crate::crypto::tlv::trim;
use crate::cryptoki::{Result, Rv, Secret};

const F4: &[u8] = &[1, 0, 1];

fn make(bits: usize, e: &[u8]) -> Components {
    generate(bits, e, &mut system).unwrap()
}

fn pair(components: &Components) -> (PrivateKey, PublicKey) {
    let public = PublicKey::new(&components.modulus, &components.public_exponent).unwrap();
    (PrivateKey::new(components).unwrap(), public)
}

fn refused<T>(result: Result<T>) -> Rv {
    result.err().expect("must be refused").rv()
}

/// The same key in the `rsa` crate.
fn theirs(key: &Components) -> RsaPrivateKey {
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
    let primes = vec![number(key.prime_1.expose()), number(key.prime_2.expose())];
    let (e, d) = (number(&key.public_exponent), number(key.private_exponent.expose()));
    RsaPrivateKey::from_components(number(&key.modulus), e, d, primes).unwrap()
}

fn minus_one(modulus: &[u8]) -> Vec<u8> {
    let mut out = modulus.to_vec();
    *out.last_mut().unwrap() -= 1;
    out
}

#[test]
fn keys_have_the_size_and_the_exponent_that_were_asked() {
    for (bits, e) in [
        (1024, &[3][..]),
        (1024, &[5]),
        (1024, &[17]),
        (1024, &[1, 1]),
        (1024, F4),
        (1025, &[0, 3]),
        (1031, F4),
        (1536, F4),
    ] {
        let key = make(bits, e);
        let (private, public) = pair(&key);
        assert_eq!((private.bits(), public.bits()), (bits, bits));
        assert_eq!((private.size(), public.size()), (bits.div_ceil(8), bits.div_ceil(8)));
        assert_eq!(key.public_exponent, trim(e));
        public.verify_pkcs1(b"data", &private.sign_pkcs1(b"data").unwrap()).unwrap();
        theirs(&key).validate().unwrap();
    }
}

#[test]
fn impossible_keys_are_refused() {
    for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &[1, 0, 0, 0, 0, 1]] {
        assert_eq!(refused(generate(1024, e, &mut system)), Rv::AttributeValueInvalid, "{e:?}");
    }
    for bits in [0, 1, 512, 1023, 16385, usize::MAX] {
        assert_eq!(refused(generate(bits, F4, &mut system)), Rv::KeySizeRange);
    }
    let mut draws = 0;
    let mut broken = |bytes: &mut [u8]| {
        draws += 1;
        if draws > 1 { Err(Rv::RandomNoRng.into()) } else { system(bytes) }
    };
    assert_eq!(refused(generate(1024, F4, &mut broken)), Rv::RandomNoRng);
}

#[test]
fn the_same_randomness_makes_the_same_key() {
    let stream = || {
        let mut n = 0u64;
        move |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(32) {
                n += 1;
                chunk.copy_from_slice(&Hash::Sha256.digest(&n.to_le_bytes())[..chunk.len()]);
            }
            Ok(())
        }
    };
    assert_eq!(generate(1024, F4, &mut stream()).unwrap(), generate(1024, F4, &mut stream()).unwrap());
}

#[test]
fn a_key_is_completed_from_whatever_is_there() {
    for e in [&[3][..], F4] {
        let key = make(1024, e);
        let (n, d) = (&key.modulus[..], key.private_exponent.expose());
        let primes = Some((key.prime_1.expose(), key.prime_2.expose()));
        for (e, primes) in [(Some(e), primes), (None, primes), (Some(e), None), (None, None)] {
            assert_eq!(complete(n, e, d, primes).unwrap(), key);
        }
        let zeros = |bytes: &[u8]| [&[0, 0], bytes].concat();
        assert_eq!(complete(&zeros(n), Some(&zeros(e)), &zeros(d), None).unwrap(), key);
        let swapped = complete(n, Some(e), d, primes.map(|(p, q)| (q, p))).unwrap();
        assert_eq!(swapped.prime_1, key.prime_2);
        let (private, public) = pair(&swapped);
        public.verify_pkcs1(b"x", &private.sign_pkcs1(b"x").unwrap()).unwrap();
    }
}

#[test]
fn a_private_exponent_by_the_other_totient_is_taken() {
    let key = make(1024, F4);
    let (p, q) = (key.prime_1.expose(), key.prime_2.expose());
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
    let euler = RsaPrivateKey::from_primes(vec![number(p), number(q)], number(F4)).unwrap();
    let d = rsa::traits::PrivateKeyParts::d(&euler).to_be_bytes();
    let whole = complete(&key.modulus, Some(F4), &d, None).unwrap();
    assert_eq!(whole.private_exponent.expose(), trim(&d));
    let (private, public) = pair(&whole);
    public.verify_pkcs1(b"x", &private.sign_pkcs1(b"x").unwrap()).unwrap();
}

#[test]
fn numbers_that_do_not_belong_together_are_refused() {
    let (key, other) = (make(1024, F4), make(1024, F4));
    let (n, d) = (&key.modulus[..], key.private_exponent.expose());
    let (p, q, p2) = (key.prime_1.expose(), key.prime_2.expose(), other.prime_1.expose());
    let d2 = other.private_exponent.expose();
    let even = minus_one(n);
    let one: (&[u8], &[u8]) = (&[1], n);
    for (n, e, d, primes) in [
        (n, Some(F4), d, Some((p, p2))),
        (n, Some(F4), d, Some((p, p))),
        (n, Some(F4), d, Some(one)),
        (n, Some(F4), d, Some((n, &[1]))),
        (n, Some(F4), d, Some((&[], &[]))),
        (n, Some(&[3][..]), d, Some((p, q))),
        (n, Some(&[3]), d, None),
        (n, Some(F4), d2, None),
        (n, Some(F4), d2, Some((p, q))),
        (n, Some(F4), &[0], None),
        (n, Some(F4), &[1], None),
        (n, Some(F4), n, None),
        (n, Some(&[1]), &[1], None),
        (n, Some(&[2]), d, None),
        (n, Some(&[]), d, None),
        (n, None, &[2], Some((p, q))),
        (&even, Some(F4), d, None),
        (&[], Some(F4), d, None),
        (&[35], Some(&[5]), &[5], None),
        (&[0xff; 3000], Some(F4), d, None),
        (n, Some(&[0xff; 33]), d, None),
    ] {
        assert_eq!(refused(complete(n, e, d, primes)), Rv::AttributeValueInvalid);
    }
    assert_eq!(refused(complete(n, None, d2, None)), Rv::TemplateIncomplete, "no usual exponent fits");
    // n = p · (q · p2) · …: the product fits, but one factor is not prime.
    let number = |bytes: &[u8]| Number::new(bytes).unwrap();
    let composite = number(q).times(&number(p2)).unwrap();
    let n3 = number(p).times(&composite).unwrap().bytes();
    let primes = Some((p, composite.bytes()));
    let primes = primes.as_ref().map(|(p, q)| (*p, q.expose()));
    assert_eq!(refused(complete(n3.expose(), Some(F4), d, primes)), Rv::AttributeValueInvalid);
    let mut mixed = key.clone();
    mixed.exponent_1 = other.exponent_1.clone();
    assert_eq!(refused(PrivateKey::new(&mixed)), Rv::AttributeValueInvalid);
    assert_eq!(refused(PublicKey::new(&even, F4)), Rv::AttributeValueInvalid);
    for (n, e) in [(n, &[1][..]), (n, &[2]), (n, &[]), (n, n), (&[35], &[5]), (&[], F4), (&[0xff; 2049], F4)]
    {
        assert_eq!(refused(PublicKey::new(n, e)), Rv::AttributeValueInvalid);
    }
}

#[test]
fn the_raw_operation_takes_every_number_below_the_modulus() {
    let key = make(1024, F4);
    let (private, public) = pair(&key);
    let last = minus_one(&key.modulus);
    let wide = |bytes: &[u8]| [vec![0; 128 - bytes.len()], bytes.to_vec()].concat();
    for fixed in [&[][..], &[0], &[1], &wide(&[1]), &last] {
        let same = wide(fixed);
        assert_eq!(private.raw(fixed).unwrap().expose(), same);
        assert_eq!(public.raw(fixed).unwrap(), same);
    }
    for data in [&[2][..], b"short", &minus_one(&last)] {
        let signature = private.raw(data).unwrap();
        assert_eq!(public.raw(signature.expose()).unwrap(), wide(data));
    }
    for high in [&key.modulus[..], &[0xff; 128]] {
        assert_eq!(refused(private.raw(high)), Rv::DataInvalid);
        assert_eq!(refused(public.raw(high)), Rv::DataInvalid);
    }
    assert_eq!(refused(private.raw(&[0; 129])), Rv::DataLenRange);
    assert_eq!(refused(public.raw(&[0; 129])), Rv::DataLenRange);
}

#[test]
fn pkcs1_signatures_agree_with_the_rsa_crate() {
    let key = make(1024, F4);
    let (private, public) = pair(&key);
    let digest = Hash::Sha256.digest(b"message");
    let signature = private.sign_pkcs1(&[Hash::Sha256.digest_info(), &digest].concat()).unwrap();
    assert_eq!(signature, theirs(&key).sign(rsa::Pkcs1v15Sign::new::<sha2::Sha256>(), &digest).unwrap());
    for len in [0, 1, 36, 117] {
        let data = vec![0xab; len];
        let signature = private.sign_pkcs1(&data).unwrap();
        public.verify_pkcs1(&data, &signature).unwrap();
        assert_eq!(public.recover_pkcs1(&signature).unwrap(), data);
        assert_eq!(refused(public.verify_pkcs1(b"other", &signature)), Rv::SignatureInvalid);
    }
    assert_eq!(refused(private.sign_pkcs1(&[0; 118])), Rv::DataLenRange);
    assert_eq!(refused(public.verify_pkcs1(&digest, &signature[1..])), Rv::SignatureLenRange);
    assert_eq!(refused(public.verify_pkcs1(&digest, &[])), Rv::SignatureLenRange);
    for bad in [vec![0; 128], vec![0xff; 128], key.modulus.clone(), minus_one(&key.modulus)] {
        assert_eq!(refused(public.verify_pkcs1(&digest, &bad)), Rv::SignatureInvalid);
        assert_eq!(refused(public.recover_pkcs1(&bad)), Rv::SignatureInvalid);
    }
}

#[test]
fn pss_takes_every_pair_of_hashes_and_every_salt() {
    let (private, public) = pair(&make(2048, F4));
    for hash in Hash::ALL {
        let digest = hash.digest(b"message");
        for mgf in Hash::ALL {
            let signature = private.sign_pss(*hash, *mgf, hash.len(), &digest).unwrap();
            public.verify_pss(*hash, *mgf, hash.len(), &digest, &signature).unwrap();
            let wrong = public.verify_pss(*hash, *mgf, hash.len() - 1, &digest, &signature);
            assert_eq!(refused(wrong), Rv::SignatureInvalid);
        }
        for salt in [0, 1, 256 - 2 - hash.len()] {
            let signature = private.sign_pss(*hash, *hash, salt, &digest).unwrap();
            public.verify_pss(*hash, *hash, salt, &digest, &signature).unwrap();
        }
        for salt in [256 - 1 - hash.len(), usize::MAX] {
            assert_eq!(refused(private.sign_pss(*hash, *hash, salt, &digest)), Rv::DataLenRange);
        }
        assert_eq!(refused(private.sign_pss(*hash, *hash, 0, &digest[1..])), Rv::DataLenRange);
        assert_eq!(refused(public.verify_pss(*hash, *hash, 0, &digest, &[0; 255])), Rv::SignatureLenRange);
        assert_eq!(refused(public.verify_pss(*hash, *hash, 0, &digest, &[0; 256])), Rv::SignatureInvalid);
    }
}

#[test]
fn oaep_takes_every_pair_of_hashes_and_labels() {
    let (private, public) = pair(&make(2048, F4));
    for hash in Hash::ALL {
        for mgf in Hash::ALL {
            for label in [&b""[..], b"label"] {
                let sealed = public.encrypt_oaep(*hash, *mgf, label, b"data").unwrap();
                assert_eq!(private.decrypt_oaep(*hash, *mgf, label, &sealed).unwrap().expose(), b"data");
                assert_eq!(
                    refused(private.decrypt_oaep(*hash, *mgf, b"another", &sealed)),
                    Rv::EncryptedDataInvalid
                );
            }
        }
        let most = 256 - 2 - 2 * hash.len();
        for len in [0, most] {
            let sealed = public.encrypt_oaep(*hash, *hash, b"", &vec![5; len]).unwrap();
            assert_eq!(private.decrypt_oaep(*hash, *hash, b"", &sealed).unwrap().expose(), vec![5; len]);
        }
        assert_eq!(refused(public.encrypt_oaep(*hash, *hash, b"", &vec![5; most + 1])), Rv::DataLenRange);
        assert_eq!(refused(private.decrypt_oaep(*hash, *hash, b"", &[0; 255])), Rv::EncryptedDataLenRange);
        for bad in [[0; 256], [0xff; 256]] {
            assert_eq!(refused(private.decrypt_oaep(*hash, *hash, b"", &bad)), Rv::EncryptedDataInvalid);
        }
    }
}

#[test]
fn bad_pkcs1_padding_gives_what_the_draft_says_and_no_error() {
    for bits in [1024, 1031, 2048] {
        let key = make(bits, F4);
        let ((private, public), theirs) = (pair(&key), theirs(&key));
        let size = private.size();
        for len in [0, 1, size - 11] {
            let sealed = public.encrypt_pkcs1(&vec![9; len]).unwrap();
            assert_eq!(private.decrypt_pkcs1(&sealed).unwrap().expose(), vec![9; len]);
        }
        let mut block = vec![0x55; size];
        block[..2].copy_from_slice(&[0, 2]);
        let edit = |edits: &[(usize, u8)]| {
            let mut block = block.clone();
            edits.iter().for_each(|(at, byte)| block[*at] = *byte);
            block
        };
        let mut blocks =
            vec![edit(&[]), edit(&[(9, 0)]), edit(&[(10, 0)]), edit(&[(1, 1), (20, 0)]), edit(&[(2, 0)])];
        blocks.extend([
            edit(&[(size - 1, 0)]),
            edit(&[(0, 0), (1, 0), (30, 0)]),
            vec![0; size],
            minus_one(&key.modulus),
        ]);
        for n in 0..20 {
            blocks.push([vec![0; size - 20], vec![n + 1; 20]].concat());
        }
        for block in blocks {
            let sealed = public.raw(&block).unwrap();
            let ours = private.decrypt_pkcs1(&sealed).unwrap();
            assert_eq!(ours.expose(), theirs.decrypt(Pkcs1v15Encrypt, &sealed).unwrap());
            assert_eq!(
                ours,
                private.decrypt_pkcs1(&sealed).unwrap(),
                "the same ciphertext, the same message"
            );
        }
        assert_eq!(refused(private.decrypt_pkcs1(&vec![0; size - 1])), Rv::EncryptedDataLenRange);
        assert_eq!(refused(private.decrypt_pkcs1(&key.modulus)), Rv::EncryptedDataInvalid);
        assert_eq!(refused(public.encrypt_pkcs1(&vec![0; size - 10])), Rv::DataLenRange);
    }
}

#[test]
fn pkcs8_goes_out_and_comes_back_also_through_the_rsa_crate() {
    use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
    let key = make(1024, F4);
    let der = to_pkcs8(&key).unwrap();
    assert_eq!(from_pkcs8(der.expose()).unwrap(), key);
    let theirs = RsaPrivateKey::from_pkcs8_der(der.expose()).unwrap();
    assert_eq!(from_pkcs8(theirs.to_pkcs8_der().unwrap().as_bytes()).unwrap(), key);
    for end in 0..der.len() {
        assert_eq!(refused(from_pkcs8(&der.expose()[..end])), Rv::WrappedKeyInvalid);
    }
    let mut mixed = key;
    mixed.coefficient = Secret::from(vec![5]);
    assert_eq!(refused(from_pkcs8(to_pkcs8(&mixed).unwrap().expose())), Rv::WrappedKeyInvalid);
}

#[test]
fn a_key_is_shared_between_threads() {
    let (private, public) = pair(&make(1024, F4));
    std::thread::scope(|scope| {
        for n in 0..4u8 {
            let (private, public) = (&private, &public);
            scope.spawn(move || {
                for m in 0..50 {
                    public.verify_pkcs1(&[n, m], &private.sign_pkcs1(&[n, m]).unwrap()).unwrap();
                }
            });
        }
    });
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_a_panic(n: Vec<u8>, e: Vec<u8>, d: Vec<u8>, p: Vec<u8>, q: Vec<u8>) {
        let _ = PublicKey::new(&n, &e);
        let _ = complete(&n, Some(&e), &d, Some((&p, &q)));
        let _ = complete(&n, None, &d, None);
        let _ = from_pkcs8(&n);
        let parts = [&d, &p, &q, &d, &p].map(|bytes| Secret::from(&bytes[..]));
        let [private_exponent, prime_1, prime_2, exponent_1, exponent_2] = parts;
        let coefficient = Secret::from(q);
        let _ = PrivateKey::new(&Components {
            modulus: n, public_exponent: e, private_exponent, prime_1, prime_2, exponent_1, exponent_2, coefficient,
        });
    }
}
