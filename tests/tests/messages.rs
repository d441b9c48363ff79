//! Messages: many under one key, whole and in parts, with IVs that the token makes (PKCS#11 v3.2 §5.9, §5.11, §5.14,
//! §5.16, §6.13); signatures that come before their data; keys wrapped with associated data.

use std::collections::HashSet;

use tests::{Family, Gcm, Kind, Mechanism, Rv, Scene, USER_PIN, ids::*, keys, raw, template};

const DATA: &[u8] = b"a message of some length that is no multiple of sixteen bytes";
const AAD: &[u8] = b"seen by all";

fn gcm() -> Option<Mechanism> {
    Some(CKM_AES_GCM.into())
}

/// What C_Encrypt makes of the same: ciphertext, and tag behind.
fn reference(scene: &Scene, key: CK_OBJECT_HANDLE, iv: &[u8], data: &[u8]) -> Vec<u8> {
    scene.open().encrypt(Mechanism::gcm(iv, AAD, 128), key, data).expect("C_Encrypt")
}

mod ciphers {
    use super::*;

    #[test]
    fn a_message_is_what_c_encrypt_makes_of_it_with_the_tag_apart() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 32]);
        session.begin_messages(Kind::Encrypt, gcm(), key).expect("C_MessageEncryptInit");
        session.begin_messages(Kind::Decrypt, gcm(), key).expect("C_MessageDecryptInit");
        for iv in [&[5; 12][..], &[6; 16], &[7; 1]] {
            let mut params = Gcm::given(iv);
            let answer = session.crypt_message(Kind::Encrypt, &mut params, AAD, DATA, Some(DATA.len()));
            let cipher = answer.bytes().expect("C_EncryptMessage");
            assert_eq!([&cipher[..], &params.tag].concat(), reference(&scene, key, iv, DATA));
            let plain = session.crypt_message(Kind::Decrypt, &mut params, AAD, &cipher, Some(DATA.len()));
            assert_eq!(plain.bytes(), Ok(DATA.to_vec()));
        }
        assert_eq!(session.end_messages(Kind::Encrypt), Ok(()));
        assert_eq!(session.end_messages(Kind::Decrypt), Ok(()));
        assert_eq!(session.end_messages(Kind::Encrypt), Err(Rv::OperationNotInitialized));
    }

    #[test]
    fn parts_make_the_same_message() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        session.begin_messages(Kind::Encrypt, gcm(), key).expect("C_MessageEncryptInit");
        session.begin_messages(Kind::Decrypt, gcm(), key).expect("C_MessageDecryptInit");
        for step in [1, 7, 16, 40, 61] {
            let mut params = Gcm::given(&[9; 12]);
            for (kind, data) in [(Kind::Encrypt, DATA.to_vec()), (Kind::Decrypt, vec![])] {
                let whole = reference(&scene, key, &[9; 12], DATA);
                let data = if kind == Kind::Decrypt { whole[..DATA.len()].to_vec() } else { data };
                session.begin_message(kind, &mut params, AAD).expect("Begin");
                let mut out = Vec::new();
                let count = data.chunks(step).count();
                for (at, part) in data.chunks(step).enumerate() {
                    let answer = session.next_message(kind, &mut params, part, Some(80), at + 1 == count);
                    out.extend(answer.bytes().expect("Next"));
                }
                let expected = if kind == Kind::Decrypt { DATA } else { &whole[..DATA.len()] };
                assert_eq!(out, expected, "{kind:?} by {step}");
                assert_eq!(params.tag, whole[DATA.len()..], "{kind:?} by {step}");
            }
        }
    }

    #[test]
    fn every_family_of_messages_goes_there_and_back() {
        let scene = Scene::new();
        let session = scene.session();
        let (aes, chacha) = (scene.aes(&[1; 16]), scene.object(&keys::secret(CKK_CHACHA20, &[2; 32])));
        for (family, key) in [(Family::Gcm, aes), (Family::Ccm(DATA.len()), aes), (Family::ChaCha, chacha)] {
            session.begin_messages(Kind::Encrypt, Some(family.id().into()), key).expect("Init");
            session.begin_messages(Kind::Decrypt, Some(family.id().into()), key).expect("Init");
            let mut params = Gcm { family, ..Gcm::given(&[9; 12]) };
            let whole = session.crypt_message(Kind::Encrypt, &mut params, AAD, DATA, Some(DATA.len()));
            let cipher = whole.bytes().unwrap_or_else(|rv| panic!("{family:?}: {rv:?}"));
            let mut parts = Gcm { family, ..Gcm::given(&[9; 12]) };
            session.begin_message(Kind::Encrypt, &mut parts, AAD).expect("Begin");
            let mut out =
                session.next_message(Kind::Encrypt, &mut parts, &DATA[..20], Some(80), false).bytes();
            let more = session.next_message(Kind::Encrypt, &mut parts, &DATA[20..], Some(80), true).bytes();
            out.as_mut().expect("Next").extend(more.expect("Next"));
            assert_eq!((out, &parts.tag), (Ok(cipher.clone()), &params.tag), "{family:?}");
            let plain = session.crypt_message(Kind::Decrypt, &mut params, AAD, &cipher, Some(DATA.len()));
            assert_eq!(plain.bytes(), Ok(DATA.to_vec()), "{family:?}");
            params.tag[0] ^= 1;
            let forged = session.crypt_message(Kind::Decrypt, &mut params, AAD, &cipher, Some(DATA.len()));
            assert_eq!(forged.rv, Rv::AeadDecryptFailed, "{family:?}");
            session.end_messages(Kind::Encrypt).expect("Final");
            session.end_messages(Kind::Decrypt).expect("Final");
        }
    }

    #[test]
    fn an_empty_message_has_a_tag() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        session.begin_messages(Kind::Encrypt, gcm(), key).expect("C_MessageEncryptInit");
        let mut params = Gcm::given(&[9; 12]);
        assert_eq!(session.crypt_message(Kind::Encrypt, &mut params, AAD, b"", Some(0)).bytes(), Ok(vec![]));
        assert_eq!(params.tag, reference(&scene, key, &[9; 12], b""));
    }

    #[test]
    fn a_length_query_and_a_small_buffer_run_nothing() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        session.begin_messages(Kind::Encrypt, gcm(), key).expect("C_MessageEncryptInit");
        let mut params = Gcm::generated(CKG_GENERATE_COUNTER, &[0; 12], 32);
        for size in [None, Some(DATA.len() - 1), None] {
            let answer = session.crypt_message(Kind::Encrypt, &mut params, AAD, DATA, size);
            let expected = if size.is_none() { Rv::Ok } else { Rv::BufferTooSmall };
            assert_eq!((answer.rv, answer.length), (expected, DATA.len()));
            assert_eq!((params.iv[11], &params.tag[..]), (0, &[0; 16][..]), "nothing was written");
        }
        session.begin_message(Kind::Encrypt, &mut params, AAD).expect("Begin");
        assert_eq!(params.iv[11], 0, "the queries counted for nothing");
        for last in [false, true] {
            let small = session.next_message(Kind::Encrypt, &mut params, DATA, Some(3), last);
            assert_eq!((small.rv, small.length), (Rv::BufferTooSmall, DATA.len()));
            let query = session.next_message(Kind::Encrypt, &mut params, DATA, None, last);
            assert_eq!((query.rv, query.length), (Rv::Ok, DATA.len()));
        }
        let cipher = session.next_message(Kind::Encrypt, &mut params, DATA, Some(DATA.len()), true);
        let iv = params.iv.clone();
        let whole = [cipher.bytes().expect("Next"), params.tag].concat();
        assert_eq!(whole, reference(&scene, key, &iv, DATA));
    }

    #[test]
    fn a_changed_message_is_not_decrypted_and_ends_only_itself() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        let whole = reference(&scene, key, &[9; 12], DATA);
        let (cipher, tag) = whole.split_at(DATA.len());
        session.begin_messages(Kind::Decrypt, gcm(), key).expect("C_MessageDecryptInit");
        let good = || Gcm { tag: tag.to_vec(), ..Gcm::given(&[9; 12]) };
        let mut wrong = good();
        wrong.tag[15] ^= 1;
        let answer = session.crypt_message(Kind::Decrypt, &mut wrong, AAD, cipher, Some(80));
        assert_eq!(answer.rv, Rv::AeadDecryptFailed);
        let answer = session.crypt_message(Kind::Decrypt, &mut good(), b"seen by ALL", cipher, Some(80));
        assert_eq!(answer.rv, Rv::AeadDecryptFailed);

        session.begin_message(Kind::Decrypt, &mut good(), AAD).expect("Begin");
        let first = session.next_message(Kind::Decrypt, &mut good(), &cipher[..40], Some(80), false);
        assert_eq!(first.bytes(), Ok(vec![]), "no plaintext before the tag was good");
        let last = session.next_message(Kind::Decrypt, &mut wrong, &cipher[40..], Some(80), true);
        assert_eq!(last.rv, Rv::AeadDecryptFailed);
        let gone = session.next_message(Kind::Decrypt, &mut good(), b"", Some(80), true);
        assert_eq!(gone.rv, Rv::OperationNotInitialized);
        let answer = session.crypt_message(Kind::Decrypt, &mut good(), AAD, cipher, Some(80));
        assert_eq!(answer.bytes(), Ok(DATA.to_vec()), "the process goes on");
    }

    #[test]
    fn calls_out_of_order_are_named_so() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        let mut params = Gcm::given(&[9; 12]);
        let none = Rv::OperationNotInitialized;
        assert_eq!(session.crypt_message(Kind::Encrypt, &mut params, AAD, DATA, Some(80)).rv, none);
        assert_eq!(session.begin_message(Kind::Encrypt, &mut params, AAD), Err(none));
        session.begin_messages(Kind::Encrypt, gcm(), key).expect("C_MessageEncryptInit");
        assert_eq!(session.begin_messages(Kind::Encrypt, gcm(), key), Err(Rv::OperationActive));
        assert_eq!(session.next_message(Kind::Encrypt, &mut params, DATA, Some(80), true).rv, none);
        session.begin_message(Kind::Encrypt, &mut params, AAD).expect("Begin");
        assert_eq!(session.begin_message(Kind::Encrypt, &mut params, AAD), Err(Rv::OperationActive));
        let whole = session.crypt_message(Kind::Encrypt, &mut params, AAD, DATA, Some(80));
        assert_eq!(whole.rv, Rv::OperationActive);
        assert_eq!(session.end_messages(Kind::Encrypt), Err(Rv::OperationActive));
        assert_eq!(session.begin_messages(Kind::Encrypt, None, 0), Ok(()), "NULL ends it all");
        assert_eq!(session.end_messages(Kind::Encrypt), Err(none));
        assert_eq!(session.begin_messages(Kind::Encrypt, None, 0), Ok(()), "also where there is nothing");
    }

    #[test]
    fn c_session_cancel_ends_what_its_flags_name() {
        let scene = Scene::new();
        let session = scene.session();
        let (key, secret) = (scene.aes(&[1; 16]), scene.secret(&[2; 32]));
        let hmac = || Some(CKM_SHA256_HMAC.into());
        let processes = [
            (Kind::Encrypt, gcm(), key, CKF_MESSAGE_ENCRYPT),
            (Kind::Decrypt, gcm(), key, CKF_MESSAGE_DECRYPT),
            (Kind::Sign, hmac(), secret, CKF_MESSAGE_SIGN),
            (Kind::Verify, hmac(), secret, CKF_MESSAGE_VERIFY),
        ];
        for (kind, mechanism, key, _) in &processes {
            session.begin_messages(*kind, mechanism.clone(), *key).expect("Init");
        }
        session.begin(Kind::Encrypt, CKM_AES_ECB, key).expect("C_EncryptInit");
        assert_eq!(session.cancel_session(0), Ok(()));
        assert_eq!(session.cancel_session(CKF_ENCRYPT), Ok(()));
        assert_eq!(session.finish(Kind::Encrypt, Some(16)).rv, Rv::OperationNotInitialized);
        for (kind, _, _, flag) in processes {
            assert_eq!(session.cancel_session(flag), Ok(()));
            assert_eq!(session.end_messages(kind), Err(Rv::OperationNotInitialized), "{kind:?}");
        }
    }

    #[test]
    fn parameters_and_mechanisms_that_do_not_fit_are_refused() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        for id in [CKM_AES_ECB, CKM_SHA256_HMAC] {
            let answer = session.begin_messages(Kind::Encrypt, Some(id.into()), key);
            assert_eq!(answer, Err(Rv::MechanismInvalid));
        }
        let odd = Mechanism::bytes(CKM_AES_GCM, &[0; 7]);
        assert_eq!(session.begin_messages(Kind::Encrypt, Some(odd), key), Err(Rv::MechanismParamInvalid));
        let secret = scene.secret(&[2; 16]);
        assert_eq!(session.begin_messages(Kind::Encrypt, gcm(), secret), Err(Rv::KeyTypeInconsistent));
        session.begin_messages(Kind::Encrypt, gcm(), key).expect("C_MessageEncryptInit");
        let bad = [
            Gcm { tag: vec![0; 17], ..Gcm::given(&[0; 12]) },
            Gcm { tag: vec![0; 3], ..Gcm::given(&[0; 12]) },
            Gcm::given(&[]),
            Gcm::generated(7, &[0; 12], 0),
            Gcm::generated(CKG_GENERATE, &[0; 12], 96),
        ];
        for mut params in bad {
            let answer = session.crypt_message(Kind::Encrypt, &mut params, AAD, DATA, Some(80));
            assert_eq!(answer.rv, Rv::MechanismParamInvalid, "{params:?}");
        }
        let answer = session.crypt_message(Kind::Encrypt, &mut Gcm::given(&[1; 12]), AAD, DATA, Some(80));
        assert_eq!(answer.rv, Rv::Ok, "the process goes on");
    }
}

mod ivs {
    use super::*;

    #[test]
    fn every_generator_gives_ivs_that_differ_and_keep_their_fixed_bits() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        for generator in [CKG_GENERATE, CKG_GENERATE_COUNTER, CKG_GENERATE_RANDOM, CKG_GENERATE_COUNTER_XOR] {
            session.begin_messages(Kind::Encrypt, gcm(), key).expect("C_MessageEncryptInit");
            let mut ivs = HashSet::new();
            for _ in 0..100 {
                let mut params = Gcm::generated(generator, b"fixed-------", 40);
                let answer = session.crypt_message(Kind::Encrypt, &mut params, AAD, DATA, Some(80));
                let cipher = answer.bytes().expect("C_EncryptMessage");
                assert_eq!(&params.iv[..5], b"fixed");
                let whole = reference(&scene, key, &params.iv, DATA);
                assert_eq!([&cipher[..], &params.tag].concat(), whole, "the IV told is the IV used");
                assert!(ivs.insert(params.iv), "an IV came twice");
            }
            session.end_messages(Kind::Encrypt).expect("C_MessageEncryptFinal");
        }
    }

    #[test]
    fn the_counter_begins_at_zero() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        session.begin_messages(Kind::Encrypt, gcm(), key).expect("C_MessageEncryptInit");
        for count in 0..3u8 {
            let mut params = Gcm::generated(CKG_GENERATE_COUNTER, &[0xff; 12], 64);
            session.begin_message(Kind::Encrypt, &mut params, AAD).expect("Begin");
            assert_eq!(params.iv, [&[0xff; 8][..], &[0, 0, 0, count]].concat());
            assert_eq!(session.next_message(Kind::Encrypt, &mut params, b"", Some(0), true).rv, Rv::Ok);
        }
        let mut varied = Gcm::generated(CKG_GENERATE_COUNTER_XOR, &[1; 12], 0);
        assert_eq!(session.begin_message(Kind::Encrypt, &mut varied, AAD), Ok(()));
        session.next_message(Kind::Encrypt, &mut varied, b"", Some(0), true);
        varied.iv[0] ^= 1;
        assert_eq!(session.begin_message(Kind::Encrypt, &mut varied, AAD), Err(Rv::MechanismParamInvalid));
    }
}

mod signatures {
    use super::*;

    #[test]
    fn messages_are_signed_and_verified_whole_and_in_parts() {
        let scene = Scene::new();
        let session = scene.session();
        let ((public, private), secret) = (scene.ec(), scene.secret(&[2; 32]));
        let (rsa_public, rsa_private) = scene.rsa();
        for (id, signs, verifies, size) in [
            (CKM_ECDSA_SHA256, private, public, 64),
            (CKM_SHA256_HMAC, secret, secret, 32),
            (CKM_SHA384_RSA_PKCS, rsa_private, rsa_public, 256),
        ] {
            session.begin_messages(Kind::Sign, Some(id.into()), signs).expect("C_MessageSignInit");
            session.begin_messages(Kind::Verify, Some(id.into()), verifies).expect("C_MessageVerifyInit");
            assert_eq!(session.sign_message(DATA, None).length, size);
            let small = session.sign_message(DATA, Some(size - 1));
            assert_eq!((small.rv, small.length), (Rv::BufferTooSmall, size));
            let whole = session.sign_message(DATA, Some(size)).bytes().expect("C_SignMessage");

            session.begin_sign_message().expect("C_SignMessageBegin");
            assert_eq!(session.begin_sign_message(), Err(Rv::OperationActive));
            assert_eq!(session.sign_message(DATA, Some(size)).rv, Rv::OperationActive);
            assert_eq!(session.more_to_sign(&DATA[..10]), Rv::Ok);
            assert_eq!(session.last_to_sign(&DATA[10..], None).length, size);
            assert_eq!(session.last_to_sign(&DATA[10..], Some(1)).rv, Rv::BufferTooSmall);
            let parts = session.last_to_sign(&DATA[10..], Some(size)).bytes().expect("C_SignMessageNext");
            assert_eq!(session.last_to_sign(b"", Some(size)).rv, Rv::OperationNotInitialized);

            for signature in [&whole, &parts] {
                assert_eq!(session.verify_message(DATA, signature), Ok(()));
                assert_eq!(session.verify_message(b"other", signature), Err(Rv::SignatureInvalid));
                session.begin_verify_message().expect("C_VerifyMessageBegin");
                assert_eq!(session.verify_message(DATA, signature), Err(Rv::OperationActive));
                assert_eq!(session.next_to_verify(&DATA[..33], None), Ok(()));
                assert_eq!(session.next_to_verify(&DATA[33..], Some(signature)), Ok(()));
                let over = session.next_to_verify(b"", Some(signature));
                assert_eq!(over, Err(Rv::OperationNotInitialized));
            }
            assert_eq!(session.verify_message(DATA, &whole[1..]), Err(Rv::SignatureLenRange));
            assert_eq!(session.end_messages(Kind::Sign), Ok(()));
            assert_eq!(session.end_messages(Kind::Verify), Ok(()));
        }
    }

    #[test]
    fn what_is_wrong_with_key_or_parameter_is_told_at_the_beginning() {
        let scene = Scene::new();
        let session = scene.session();
        let (public, private) = scene.rsa();
        let pss = Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA256, 32);
        let answer = session.begin_messages(Kind::Sign, Some(pss), private);
        assert_eq!(answer, Err(Rv::MechanismParamInvalid));
        let answer = session.begin_messages(Kind::Verify, Some(CKM_ECDSA.into()), public);
        assert_eq!(answer, Err(Rv::KeyTypeInconsistent));
        session.begin_messages(Kind::Sign, Some(CKM_SHA256_RSA_PKCS.into()), private).expect("Init");
        let mut byte = 0u8;
        let c = scene.library.c_3_2().expect("version 3.2");
        let answer = raw!(c, C_SignMessageBegin(session.handle, (&raw mut byte).cast(), 1));
        assert_eq!(answer, Rv::MechanismParamInvalid);
    }

    #[test]
    fn a_key_that_asks_for_a_login_of_its_own_asks_for_each_message() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.object(&keys::ec_private().with(CKA_ALWAYS_AUTHENTICATE, true));
        session.begin_messages(Kind::Sign, Some(CKM_ECDSA_SHA256.into()), key).expect("Init");
        for _ in 0..2 {
            assert_eq!(session.sign_message(DATA, Some(64)).rv, Rv::UserNotLoggedIn);
            session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).expect("C_Login");
            assert_eq!(session.sign_message(DATA, Some(1)).rv, Rv::BufferTooSmall);
            assert_eq!(session.sign_message(DATA, Some(64)).rv, Rv::Ok);
        }
        let again = session.login(CKU_CONTEXT_SPECIFIC, USER_PIN);
        assert_eq!(again, Ok(()), "the next message waits for it");
    }

    #[test]
    fn logging_out_ends_the_process_of_a_private_key() {
        let scene = Scene::new();
        let session = scene.session();
        let (public, private) = scene.ec();
        session.begin_messages(Kind::Sign, Some(CKM_ECDSA_SHA256.into()), private).expect("Init");
        session.begin_messages(Kind::Verify, Some(CKM_ECDSA_SHA256.into()), public).expect("Init");
        session.logout().expect("C_Logout");
        assert_eq!(session.sign_message(DATA, Some(64)).rv, Rv::OperationNotInitialized);
        assert_eq!(session.verify_message(DATA, &[0; 64]), Err(Rv::SignatureInvalid), "a public key's stays");
    }
}

mod signature_first {
    use super::*;

    #[test]
    fn a_signature_may_come_before_its_data() {
        let scene = Scene::new();
        let session = scene.session();
        let (public, private) = scene.ec();
        let signature = session.sign(CKM_ECDSA_SHA256, private, DATA).expect("sign");
        let begin = |s: &[u8]| session.begin_judging(CKM_ECDSA_SHA256, public, s);
        begin(&signature).expect("C_VerifySignatureInit");
        assert_eq!(begin(&signature), Err(Rv::OperationActive));
        assert_eq!(session.judge(DATA), Ok(()));
        assert_eq!(session.judge(DATA), Err(Rv::OperationNotInitialized));

        begin(&signature).expect("C_VerifySignatureInit");
        assert_eq!(session.judge_update(&DATA[..20]), Ok(()));
        assert_eq!(session.judge_update(&DATA[20..]), Ok(()));
        assert_eq!(session.judge_finish(), Ok(()));
        assert_eq!(session.judge_finish(), Err(Rv::OperationNotInitialized));

        begin(&signature).expect("C_VerifySignatureInit");
        assert_eq!(session.judge(b"other"), Err(Rv::SignatureInvalid));
        begin(&signature[1..]).expect("C_VerifySignatureInit");
        assert_eq!(session.judge(DATA), Err(Rv::SignatureLenRange));

        begin(&signature).expect("C_VerifySignatureInit");
        assert_eq!(session.judge_update(DATA), Ok(()));
        assert_eq!(session.judge(DATA), Err(Rv::OperationActive), "a whole in the middle of parts");
        begin(&signature).expect("C_VerifySignatureInit");
        assert_eq!(session.cancel_session(CKF_VERIFY), Ok(()));
        assert_eq!(session.judge(DATA), Err(Rv::OperationNotInitialized));
    }

    #[test]
    fn it_wants_a_key_that_verifies() {
        let scene = Scene::new();
        let (_, private) = scene.ec();
        let mute = scene.object(&keys::ec_public().with(CKA_VERIFY, false));
        let session = scene.session();
        let answer = session.begin_judging(CKM_ECDSA, mute, &[0; 64]);
        assert_eq!(answer, Err(Rv::KeyFunctionNotPermitted));
        let answer = session.begin_judging(CKM_ECDSA, private, &[0; 64]);
        assert!([Err(Rv::KeyFunctionNotPermitted), Err(Rv::KeyTypeInconsistent)].contains(&answer));
    }
}

mod wrapping {
    use super::*;

    #[test]
    fn a_key_is_wrapped_with_associated_data_and_an_iv_of_the_tokens() {
        let scene = Scene::new();
        let session = scene.session();
        let (with, key) = (scene.aes(&[1; 32]), scene.aes(&[3; 24]));
        let mut params = Gcm::generated(CKG_GENERATE, &[0; 12], 32);
        let query = session.wrap_authenticated(&mut params, with, key, AAD, None);
        assert_eq!((query.rv, query.length), (Rv::Ok, 24));
        let small = session.wrap_authenticated(&mut params, with, key, AAD, Some(23));
        assert_eq!((small.rv, small.length, &params.tag[..]), (Rv::BufferTooSmall, 24, &[0; 16][..]));
        let wrapped =
            session.wrap_authenticated(&mut params, with, key, AAD, Some(24)).bytes().expect("wrap");
        assert_eq!([&wrapped[..], &params.tag].concat(), reference(&scene, with, &params.iv, &[3; 24]));

        let wanted = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES,
            CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let back = session.unwrap_authenticated(&mut params, with, &wrapped, AAD, &wanted).expect("unwrap");
        assert_eq!(session.get(back, CKA_VALUE), Ok(vec![3; 24]));
        assert_eq!(session.flag(back, CKA_LOCAL), Ok(false));
        let forged = session.unwrap_authenticated(&mut params, with, &wrapped, b"other", &wanted);
        assert_eq!(forged, Err(Rv::WrappedKeyInvalid));
        let mut again = Gcm::generated(CKG_GENERATE, &[0; 12], 32);
        assert_eq!(session.wrap_authenticated(&mut again, with, key, AAD, Some(24)).rv, Rv::Ok);
        assert_ne!(again.iv, params.iv, "an IV is used once");
    }

    #[test]
    fn ccm_wraps_too() {
        let scene = Scene::new();
        let session = scene.session();
        let (with, key) = (scene.aes(&[1; 32]), scene.aes(&[3; 24]));
        let generated = Gcm::generated(CKG_GENERATE, &[0; 12], 32);
        let mut params = Gcm { family: Family::Ccm(0), tag: vec![0; 10], ..generated };
        let wrapped =
            session.wrap_authenticated(&mut params, with, key, AAD, Some(24)).bytes().expect("wrap");
        let wanted = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES,
            CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let back = session.unwrap_authenticated(&mut params, with, &wrapped, AAD, &wanted).expect("unwrap");
        assert_eq!(session.get(back, CKA_VALUE), Ok(vec![3; 24]));
        params.tag[9] ^= 1;
        let forged = session.unwrap_authenticated(&mut params, with, &wrapped, AAD, &wanted);
        assert_eq!(forged, Err(Rv::WrappedKeyInvalid));
    }

    #[test]
    fn a_private_key_goes_the_same_way() {
        let scene = Scene::new();
        let session = scene.session();
        let with = scene.aes(&[1; 32]);
        let key = scene.object(&keys::ec_private().with(CKA_EXTRACTABLE, true).with(CKA_SENSITIVE, true));
        let mut params = Gcm::generated(CKG_GENERATE_RANDOM, &[0; 12], 0);
        let length = session.wrap_authenticated(&mut params, with, key, AAD, None).length;
        let wrapped =
            session.wrap_authenticated(&mut params, with, key, AAD, Some(length)).bytes().expect("wrap");
        let wanted = template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC, CKA_SIGN => true];
        let back = session.unwrap_authenticated(&mut params, with, &wrapped, AAD, &wanted).expect("unwrap");
        let signature = session.sign(CKM_ECDSA_SHA256, back, DATA).expect("sign");
        let public = scene.object(&keys::ec_public());
        assert_eq!(session.verify(CKM_ECDSA_SHA256, public, DATA, &signature), Ok(()));
    }

    #[test]
    fn the_rules_of_wrapping_hold() {
        let scene = Scene::new();
        let session = scene.session();
        let (with, key) = (scene.aes(&[1; 32]), scene.aes(&[3; 16]));
        let stays = scene.object(&keys::secret(CKK_AES, &[3; 16]).with(CKA_EXTRACTABLE, false));
        let mute = scene.object(&keys::secret(CKK_AES, &[3; 16]).with(CKA_WRAP, false));
        let secret = scene.secret(&[1; 32]);
        let wrap =
            |with, key| session.wrap_authenticated(&mut Gcm::given(&[0; 12]), with, key, AAD, Some(64)).rv;
        assert_eq!(wrap(with, stays), Rv::KeyUnextractable);
        assert_eq!(wrap(mute, key), Rv::KeyFunctionNotPermitted);
        assert_eq!(wrap(secret, key), Rv::WrappingKeyTypeInconsistent);
        assert_eq!(wrap(4711, key), Rv::WrappingKeyHandleInvalid);
        assert_eq!(wrap(with, 4711), Rv::KeyHandleInvalid);
        let c = scene.library.c_3_2().expect("version 3.2");
        let mut length = 64;
        let mut ecb =
            CK_MECHANISM { mechanism: CKM_AES_ECB, pParameter: std::ptr::null_mut(), ulParameterLen: 0 };
        let mut out = [0; 64];
        let answer = raw!(
            c,
            C_WrapKeyAuthenticated(
                session.handle,
                &mut ecb,
                with,
                key,
                std::ptr::null_mut(),
                0,
                out.as_mut_ptr(),
                &mut length
            )
        );
        assert_eq!(answer, Rv::MechanismInvalid);
    }
}

mod nothing_pends {
    use super::*;

    #[test]
    fn nothing_pends_on_a_token_that_answers_at_once() {
        let scene = Scene::new();
        let session = scene.session();
        let c = scene.library.c_3_2().expect("version 3.2");
        let (h, mut id) = (session.handle, 0);
        let name = c"C_SignInit".as_ptr().cast_mut().cast();
        let null = std::ptr::null_mut();
        assert_eq!(raw!(c, C_AsyncComplete(h, name, std::ptr::null_mut())), Rv::OperationNotInitialized);
        assert_eq!(raw!(c, C_AsyncGetID(h, name, &mut id)), Rv::OperationNotInitialized);
        assert_eq!(raw!(c, C_AsyncJoin(h, name, 1, null, 0)), Rv::SavedStateInvalid);
        assert_eq!(raw!(c, C_AsyncGetID(h, name, std::ptr::null_mut())), Rv::ArgumentsBad);
        assert_eq!(raw!(c, C_AsyncComplete(h, null, std::ptr::null_mut())), Rv::ArgumentsBad);
        let mut handle = 0;
        let flags = CKF_SERIAL_SESSION | CKF_ASYNC_SESSION;
        let open = raw!(c, C_OpenSession(scene.slot, flags, std::ptr::null_mut(), None, &mut handle));
        assert_eq!(open, Rv::SessionAsyncNotSupported);
        assert_eq!(scene.flags() & CKF_ASYNC_SESSION_SUPPORTED, 0);
    }
}
