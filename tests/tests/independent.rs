//! What the token computes, checked by others: published vectors and independent implementations.

use p256::ecdsa::signature::Verifier as _;
use p256::elliptic_curve::{point::AffineCoordinates as _, sec1::ToSec1Point as _};
use rsa::{BoxedUint, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use tests::keys::{self, hex};
use tests::{Mechanism, Rv, Scene, ids::*, names, template};

const MESSAGE: &[u8] = b"what do ya want for nothing?";

fn number(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

fn rsa_public() -> RsaPublicKey {
    RsaPublicKey::new(number(&hex(keys::RSA_N)), number(keys::RSA_E)).expect("an RSA key")
}

fn rsa_private() -> RsaPrivateKey {
    let primes = vec![number(&hex(keys::RSA_P)), number(&hex(keys::RSA_Q))];
    let (n, d) = (number(&hex(keys::RSA_N)), number(&hex(keys::RSA_D)));
    RsaPrivateKey::from_components(n, number(keys::RSA_E), d, primes).expect("an RSA key")
}

fn ec_public() -> p256::ecdsa::VerifyingKey {
    p256::ecdsa::VerifyingKey::from_sec1_bytes(&hex(keys::EC_Q)).expect("a point")
}

#[test]
fn digests_are_those_of_another_implementation() {
    let scene = Scene::new();
    let data: Vec<u8> = (0..1000u32).map(|i| i as u8).collect();
    for (mechanism, expected) in [
        (CKM_SHA256, Sha256::digest(&data).to_vec()),
        (CKM_SHA384, Sha384::digest(&data).to_vec()),
        (CKM_SHA512, Sha512::digest(&data).to_vec()),
    ] {
        assert_eq!(scene.session().digest(mechanism, &data), Ok(expected), "{}", names::mechanism(mechanism));
    }
    let sha1 = hex("a9993e364706816aba3e25717850c26c9cd0d89d"); // FIPS 180
    assert_eq!(scene.session().digest(CKM_SHA_1, b"abc"), Ok(sha1));
}

#[test]
fn macs_are_those_of_rfc_2202_and_rfc_4231() {
    let scene = Scene::new();
    let key = scene.secret(b"Jefe");
    for (mechanism, expected) in [
        (CKM_SHA_1_HMAC, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (CKM_SHA256_HMAC, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            CKM_SHA384_HMAC,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            CKM_SHA512_HMAC,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
             caeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        assert_eq!(
            scene.session().sign(mechanism, key, MESSAGE),
            Ok(hex(expected)),
            "{}",
            names::mechanism(mechanism)
        );
    }
}

#[test]
fn ciphertexts_are_those_of_sp_800_38a() {
    let scene = Scene::new();
    let key = scene.aes(&hex("2b7e151628aed2a6abf7158809cf4f3c"));
    let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                     30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
    let counter = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").try_into().expect("16 bytes");
    for (mechanism, expected) in [
        (
            Mechanism::from(CKM_AES_ECB),
            "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf\
             43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4",
        ),
        (
            Mechanism::bytes(CKM_AES_CBC, &hex("000102030405060708090a0b0c0d0e0f")),
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2\
             73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
        ),
        (
            Mechanism::ctr(128, counter),
            "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff\
             5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
        ),
    ] {
        assert_eq!(
            scene.session().encrypt(mechanism.clone(), key, &plain),
            Ok(hex(expected)),
            "{mechanism:?}"
        );
        assert_eq!(scene.session().decrypt(mechanism.clone(), key, &hex(expected)), Ok(plain.clone()));
    }
}

#[test]
fn gcm_is_that_of_its_own_test_case_4() {
    let scene = Scene::new();
    let key = scene.aes(&hex("feffe9928665731c6d6a8f9467308308"));
    let plain = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9595680953\
                     2fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    let cipher = hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c\
                      7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47");
    let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let gcm = Mechanism::gcm(&hex("cafebabefacedbaddecaf888"), &aad, 128);
    assert_eq!(scene.session().encrypt(gcm.clone(), key, &plain), Ok(cipher.clone()));
    assert_eq!(scene.session().decrypt(gcm, key, &cipher), Ok(plain));
}

#[test]
fn a_counter_of_few_bits_wraps_without_touching_the_others() {
    let scene = Scene::new();
    let key = scene.aes(&[7; 16]);
    let mut last = [0xAB; 16];
    last[15] = 0xFF;
    let mut first = [0xAB; 16];
    first[15] = 0;
    let blocks = [last, first].concat();
    let expected = scene.session().encrypt(CKM_AES_ECB, key, &blocks).expect("encrypt");
    assert_eq!(scene.session().encrypt(Mechanism::ctr(8, last), key, &[0; 32]), Ok(expected));
}

#[test]
fn rsa_signatures_are_verified_by_another_implementation() {
    let scene = Scene::new();
    let (_, key) = scene.rsa();
    let sign = |mechanism: Mechanism| scene.session().sign(mechanism, key, MESSAGE).expect("sign");
    let of = |bytes: Vec<u8>| rsa::pkcs1v15::Signature::try_from(&bytes[..]).expect("a signature");
    let verifier = rsa::pkcs1v15::VerifyingKey::<Sha256>::new(rsa_public());
    assert!(verifier.verify(MESSAGE, &of(sign(CKM_SHA256_RSA_PKCS.into()))).is_ok());
    let verifier = rsa::pkcs1v15::VerifyingKey::<Sha512>::new(rsa_public());
    assert!(verifier.verify(MESSAGE, &of(sign(CKM_SHA512_RSA_PKCS.into()))).is_ok());
    let of = |bytes: Vec<u8>| rsa::pss::Signature::try_from(&bytes[..]).expect("a signature");
    for salt in [0, 20, 32] {
        let mechanism = Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, salt);
        let verifier = rsa::pss::VerifyingKey::<Sha256>::new_with_salt_len(rsa_public(), salt);
        assert!(verifier.verify(MESSAGE, &of(sign(mechanism))).is_ok(), "a salt of {salt} bytes");
    }
}

#[test]
fn a_raw_rsa_signature_of_a_padded_digest_is_the_padded_signature() {
    let scene = Scene::new();
    let (_, key) = scene.rsa();
    let info = [hex("3031300d060960864801650304020105000420"), Sha256::digest(MESSAGE).to_vec()].concat();
    let block = [&[0, 1][..], &[0xFF; 202], &[0], &info].concat();
    assert_eq!(block.len(), 256);
    let expected = scene.session().sign(CKM_SHA256_RSA_PKCS, key, MESSAGE).expect("sign");
    assert_eq!(scene.session().sign(CKM_RSA_PKCS, key, &info), Ok(expected.clone()));
    assert_eq!(scene.session().sign(CKM_RSA_X_509, key, &block), Ok(expected));
}

#[test]
fn what_the_token_encrypts_with_rsa_another_implementation_decrypts() {
    let scene = Scene::new();
    let (key, _) = scene.rsa();
    let encrypt = |mechanism: Mechanism| scene.session().encrypt(mechanism, key, MESSAGE).expect("encrypt");
    let pkcs = encrypt(CKM_RSA_PKCS.into());
    assert_eq!(rsa_private().decrypt(rsa::Pkcs1v15Encrypt, &pkcs), Ok(MESSAGE.to_vec()));
    let oaep = encrypt(Mechanism::oaep(CKM_SHA256, CKG_MGF1_SHA256, b""));
    assert_eq!(rsa_private().decrypt(rsa::Oaep::<Sha256>::new(), &oaep), Ok(MESSAGE.to_vec()));
    let oaep = encrypt(Mechanism::oaep(CKM_SHA384, CKG_MGF1_SHA256, b"a label"));
    let padding = rsa::Oaep::<Sha384, Sha256>::new_with_mgf_hash_and_label(&b"a label"[..]);
    assert_eq!(rsa_private().decrypt(padding, &oaep), Ok(MESSAGE.to_vec()));
}

#[test]
fn ecdsa_signatures_are_verified_by_another_implementation() {
    let scene = Scene::new();
    let (_, key) = scene.ec();
    let of = |bytes: Vec<u8>| p256::ecdsa::Signature::from_slice(&bytes).expect("r and s of 32 bytes");
    let hashed = scene.session().sign(CKM_ECDSA_SHA256, key, MESSAGE).expect("sign");
    assert!(ec_public().verify(MESSAGE, &of(hashed)).is_ok());
    let raw = scene.session().sign(CKM_ECDSA, key, &Sha256::digest(MESSAGE)).expect("sign");
    assert!(ec_public().verify(MESSAGE, &of(raw)).is_ok());
}

mod generating {
    use super::*;

    #[test]
    fn a_generated_rsa_pair_signs_so_that_others_verify() {
        let scene = Scene::new();
        let session = scene.session();
        for bits in [2048, 3072] {
            let (public, private) = session
                .generate_pair(
                    CKM_RSA_PKCS_KEY_PAIR_GEN,
                    &template![CKA_MODULUS_BITS => bits as CK_ULONG, CKA_PUBLIC_EXPONENT => keys::RSA_E],
                    &template![],
                )
                .expect("C_GenerateKeyPair");
            let modulus = session.get(public, CKA_MODULUS).expect("CKA_MODULUS");
            assert_eq!((modulus.len() * 8, modulus[0] >> 7), (bits, 1));
            assert_eq!(session.get(private, CKA_MODULUS), Ok(modulus.clone()));
            assert_eq!(session.get(private, CKA_PUBLIC_EXPONENT), Ok(keys::RSA_E.to_vec()));
            for handle in [public, private] {
                assert_eq!(session.flag(handle, CKA_LOCAL), Ok(true));
                assert_eq!(session.number(handle, CKA_KEY_GEN_MECHANISM), Ok(CKM_RSA_PKCS_KEY_PAIR_GEN));
            }
            let key = RsaPublicKey::new(number(&modulus), number(keys::RSA_E)).expect("a sound key");
            let signature = session.sign(CKM_SHA256_RSA_PKCS, private, MESSAGE).expect("sign");
            let signature = rsa::pkcs1v15::Signature::try_from(&signature[..]).expect("a signature");
            assert!(rsa::pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(MESSAGE, &signature).is_ok());
        }
    }

    #[test]
    fn a_generated_ec_pair_signs_so_that_others_verify() {
        let scene = Scene::new();
        let (public, private) = scene.generate_ec().expect("C_GenerateKeyPair");
        let point = scene.session().get(public, CKA_EC_POINT).expect("CKA_EC_POINT");
        assert_eq!(point[..3], [0x04, 0x41, 0x04], "an OCTET STRING of an uncompressed point");
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point[2..]).expect("a point of the curve");
        let signature = scene.session().sign(CKM_ECDSA_SHA256, private, MESSAGE).expect("sign");
        let signature = p256::ecdsa::Signature::from_slice(&signature).expect("r and s of 32 bytes");
        assert!(key.verify(MESSAGE, &signature).is_ok());
    }

    #[test]
    fn signatures_of_every_curve_have_twice_its_size() {
        let scene = Scene::new();
        let session = scene.session();
        for (curve, size) in [(&keys::P256[..], 64), (keys::P384, 96), (keys::P521, 132)] {
            let public = template![CKA_EC_PARAMS => curve];
            let pair = session.generate_pair(CKM_EC_KEY_PAIR_GEN, &public, &template![]);
            let (public, private) = pair.expect("C_GenerateKeyPair");
            let signature = session.sign(CKM_ECDSA, private, &[1; 32]).expect("sign");
            assert_eq!(signature.len(), size);
            assert_eq!(session.verify(CKM_ECDSA, public, &[1; 32], &signature), Ok(()));
        }
    }

    #[test]
    fn generated_secrets_have_the_length_asked_for_and_are_never_the_same() {
        let scene = Scene::new();
        let session = scene.session();
        for (mechanism, lengths) in
            [(CKM_AES_KEY_GEN, &[16, 24, 32][..]), (CKM_GENERIC_SECRET_KEY_GEN, &[1, 20, 64])]
        {
            let mut seen = Vec::new();
            for length in lengths.iter().chain(lengths) {
                let wanted = template![
                    CKA_VALUE_LEN => *length as CK_ULONG, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
                ];
                let key = session.generate(mechanism, &wanted).expect("C_GenerateKey");
                let value = session.get(key, CKA_VALUE).expect("CKA_VALUE");
                assert_eq!(value.len(), *length);
                assert_eq!(session.flag(key, CKA_LOCAL), Ok(true));
                assert!(*length < 8 || !seen.contains(&value));
                seen.push(value);
            }
        }
    }

    #[test]
    fn a_key_that_was_always_safe_says_so() {
        let scene = Scene::new();
        let session = scene.session();
        let safe =
            template![CKA_VALUE_LEN => 32 as CK_ULONG, CKA_SENSITIVE => true, CKA_EXTRACTABLE => false];
        let key = session.generate(CKM_AES_KEY_GEN, &safe).expect("C_GenerateKey");
        assert_eq!(session.flag(key, CKA_ALWAYS_SENSITIVE), Ok(true));
        assert_eq!(session.flag(key, CKA_NEVER_EXTRACTABLE), Ok(true));
    }

    #[test]
    fn a_template_without_a_size_is_incomplete() {
        let scene = Scene::new();
        let session = scene.session();
        let nothing = template![];
        assert_eq!(session.generate(CKM_AES_KEY_GEN, &nothing), Err(Rv::TemplateIncomplete));
        for mechanism in [CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_EC_KEY_PAIR_GEN] {
            assert_eq!(session.generate_pair(mechanism, &nothing, &nothing), Err(Rv::TemplateIncomplete));
        }
        let odd = template![CKA_VALUE_LEN => 17 as CK_ULONG];
        let answer = session.generate(CKM_AES_KEY_GEN, &odd);
        assert!(matches!(answer, Err(Rv::KeySizeRange | Rv::AttributeValueInvalid)), "{answer:?}");
    }

    #[test]
    fn random_bytes_are_not_the_same_twice() {
        let scene = Scene::new();
        let one = scene.session().random(1000).expect("C_GenerateRandom");
        assert_ne!(scene.session().random(1000), Ok(one.clone()));
        assert!(one.chunks(16).any(|chunk| chunk != &one[..chunk.len()]));
        assert_eq!(scene.session().seed(b"some seed"), Ok(()));
    }
}

mod agreeing {
    use super::*;

    fn agreed() -> (p256::PublicKey, Vec<u8>) {
        let own = p256::SecretKey::from_slice(&[0x35; 32]).expect("a scalar");
        let token = p256::PublicKey::from_sec1_bytes(&hex(keys::EC_Q)).expect("a point");
        let shared = (token.to_projective() * *own.to_nonzero_scalar()).to_affine();
        (own.public_key(), shared.x().to_vec())
    }

    #[test]
    fn both_sides_derive_the_same_secret_from_a_raw_or_der_point() {
        let scene = Scene::new();
        let (_, private) = scene.ec();
        let (peer, expected) = agreed();
        let raw = peer.to_sec1_point(false).as_bytes().to_vec();
        let der = [&b"\x04\x41"[..], &raw].concat();
        let wanted = template![
            CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_TOKEN => false,
            CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
        ];
        for point in [raw, der] {
            for length in [None, Some(32), Some(16)] {
                let wanted = match length {
                    Some(length) => wanted.clone().with(CKA_VALUE_LEN, length as CK_ULONG),
                    None => wanted.clone(),
                };
                let secret = scene.session().derive(Mechanism::ecdh(CKD_NULL, b"", &point), private, &wanted);
                let value = scene.session().get(secret.expect("C_DeriveKey"), CKA_VALUE);
                // §6.3.20: truncation removes bytes from the leading end.
                assert_eq!(value, Ok(expected[32 - length.unwrap_or(32)..].to_vec()), "{length:?}");
            }
        }
    }

    #[test]
    fn a_point_that_is_not_on_the_curve_is_refused() {
        let scene = Scene::new();
        let (_, private) = scene.ec();
        let wanted = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET];
        for point in [[&[4][..], &[7; 64]].concat(), vec![0], vec![], vec![4; 64]] {
            let answer = scene.session().derive(Mechanism::ecdh(CKD_NULL, b"", &point), private, &wanted);
            let sound = [Rv::MechanismParamInvalid, Rv::PublicKeyInvalid, Rv::ArgumentsBad];
            assert!(answer.is_err_and(|rv| sound.contains(&rv)), "{point:?}: {answer:?}");
        }
    }
}

mod wrapping {
    use super::*;

    fn aes() -> tests::Template {
        template![
            CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => false,
            CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
        ]
    }

    #[test]
    fn a_key_wrapped_with_rsa_comes_back_and_others_can_open_it() {
        let scene = Scene::new();
        let session = scene.session();
        let (public, private) = scene.rsa();
        let key = scene.aes(&[0x42; 32]);
        for mechanism in [Mechanism::from(CKM_RSA_PKCS), Mechanism::oaep(CKM_SHA_1, CKG_MGF1_SHA1, b"")] {
            let wrapped = session.wrap(mechanism.clone(), public, key).expect("C_WrapKey");
            let back = session.unwrap(mechanism, private, &wrapped, &aes()).expect("C_UnwrapKey");
            assert_eq!(session.get(back, CKA_VALUE), Ok(vec![0x42; 32]));
            assert_eq!(session.flag(back, CKA_LOCAL), Ok(false));
        }
        let wrapped = session.wrap(CKM_RSA_PKCS, public, key).expect("C_WrapKey");
        assert_eq!(rsa_private().decrypt(rsa::Pkcs1v15Encrypt, &wrapped), Ok(vec![0x42; 32]));
    }

    #[test]
    fn what_is_not_extractable_is_not_wrapped() {
        let scene = Scene::new();
        let (public, _) = scene.rsa();
        let key = scene.object(&keys::secret(CKK_AES, &[1; 16]).with(CKA_EXTRACTABLE, false));
        assert_eq!(scene.session().wrap(CKM_RSA_PKCS, public, key), Err(Rv::KeyUnextractable));
    }

    #[test]
    fn a_key_that_may_not_wrap_does_not() {
        let scene = Scene::new();
        let public = scene.object(&keys::rsa_public().with(CKA_WRAP, false));
        let key = scene.aes(&[1; 16]);
        let answer = scene.session().wrap(CKM_RSA_PKCS, public, key);
        assert_eq!(answer, Err(Rv::KeyFunctionNotPermitted));
    }
}
