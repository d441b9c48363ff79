//! Objects: what may be made, seen, read, changed, copied and destroyed, and by whom.

use tests::keys::{self, hex};
use tests::{Rv, Scene, Session, Template, USER_PIN, ids::*, names, template};

fn data() -> Template {
    template![CKA_CLASS => CKO_DATA, CKA_LABEL => "a note", CKA_APPLICATION => "tests", CKA_VALUE => "text"]
}

fn aes() -> Template {
    keys::secret(CKK_AES, &[0x11; 32])
}

/// Every kind of object that the first issue stores, with its name.
fn kinds() -> Vec<(&'static str, Template)> {
    vec![
        ("data", data()),
        ("certificate", keys::certificate()),
        ("RSA public key", keys::rsa_public()),
        ("RSA private key", keys::rsa_private()),
        ("EC public key", keys::ec_public()),
        ("EC private key", keys::ec_private()),
        ("AES key", aes()),
        ("generic secret", keys::secret(CKK_GENERIC_SECRET, b"any length at all")),
    ]
}

#[test]
fn every_kind_of_object_is_made_found_read_and_destroyed() {
    let scene = Scene::new();
    let session = scene.session();
    for (name, template) in kinds() {
        for token in [false, true] {
            let template = template.clone().with(CKA_TOKEN, token).with(CKA_LABEL, "one of its kind");
            let handle = session.create(&template).unwrap_or_else(|rv| panic!("{name}: {rv:?}"));
            assert_eq!(session.find(&template![CKA_LABEL => "one of its kind"]), Ok(vec![handle]), "{name}");
            let sensitive = session.flag(handle, CKA_SENSITIVE) == Ok(true);
            for (attribute, value) in template.bytes() {
                match session.get(handle, attribute) {
                    Err(Rv::AttributeSensitive) => assert!(sensitive, "{name}"),
                    answer => {
                        assert_eq!(answer, Ok(value.to_vec()), "{name} {}", names::attribute(attribute))
                    }
                }
            }
            assert!(session.size(handle).is_ok_and(|size| size > 0), "{name}");
            assert_eq!(session.destroy(handle), Ok(()), "{name}");
            assert_eq!(session.destroy(handle), Err(Rv::ObjectHandleInvalid), "{name}");
            assert_eq!(session.find(&template![CKA_LABEL => "one of its kind"]), Ok(vec![]), "{name}");
        }
    }
}

mod creating {
    use super::*;

    #[test]
    fn a_template_that_lacks_what_its_kind_needs_is_incomplete() {
        let scene = Scene::new();
        for (name, template, needed) in [
            ("certificate", keys::certificate(), &[CKA_CERTIFICATE_TYPE, CKA_VALUE][..]),
            ("RSA public key", keys::rsa_public(), &[CKA_KEY_TYPE, CKA_MODULUS, CKA_PUBLIC_EXPONENT]),
            ("RSA private key", keys::rsa_private(), &[CKA_KEY_TYPE, CKA_MODULUS, CKA_PRIVATE_EXPONENT]),
            ("EC public key", keys::ec_public(), &[CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_EC_POINT]),
            ("EC private key", keys::ec_private(), &[CKA_KEY_TYPE, CKA_EC_PARAMS, CKA_VALUE]),
            ("AES key", aes(), &[CKA_CLASS, CKA_KEY_TYPE, CKA_VALUE]),
        ] {
            for attribute in needed {
                let answer = scene.session().create(&template.clone().without(*attribute));
                let left_out = names::attribute(*attribute);
                assert_eq!(answer, Err(Rv::TemplateIncomplete), "{name} without {left_out}");
            }
        }
        assert_eq!(scene.session().create(&template![]), Err(Rv::TemplateIncomplete));
    }

    #[test]
    fn one_attribute_with_two_values_is_inconsistent() {
        let scene = Scene::new();
        for template in [
            data().also(CKA_LABEL, "another"),
            aes().also(CKA_SENSITIVE, true),
            aes().also(CKA_CLASS, CKO_DATA),
        ] {
            assert_eq!(scene.session().create(&template), Err(Rv::TemplateInconsistent), "{template:?}");
        }
    }

    #[test]
    fn an_attribute_that_the_kind_does_not_have_is_of_an_invalid_type() {
        let scene = Scene::new();
        for template in [
            data().also(CKA_MODULUS, b"\x01"),
            data().also(CKA_ENCRYPT, true),
            aes().also(CKA_EC_PARAMS, keys::P256),
            keys::certificate().also(CKA_KEY_TYPE, CKK_RSA),
            aes().also(CKA_VENDOR_DEFINED | 0x77, "?"),
        ] {
            let answer = scene.session().create(&template);
            assert!(
                matches!(answer, Err(Rv::AttributeTypeInvalid | Rv::TemplateInconsistent)),
                "{template:?}: {answer:?}"
            );
        }
    }

    #[test]
    fn what_only_the_token_knows_cannot_be_given() {
        let scene = Scene::new();
        for (attribute, value) in
            [(CKA_LOCAL, true), (CKA_ALWAYS_SENSITIVE, true), (CKA_NEVER_EXTRACTABLE, true)]
        {
            let answer = scene.session().create(&aes().with(attribute, value));
            assert_eq!(answer, Err(Rv::AttributeReadOnly), "{}", names::attribute(attribute));
        }
        let answer = scene.session().create(&aes().with(CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN));
        assert_eq!(answer, Err(Rv::AttributeReadOnly));
    }

    #[test]
    fn values_that_make_no_sense_are_invalid() {
        let scene = Scene::new();
        let cut = |text: &str| hex(text)[..40].to_vec();
        let off_curve = [&b"\x04\x41\x04"[..], &[7; 64]].concat();
        for (what, template) in [
            ("a certificate cut short", keys::certificate().with(CKA_VALUE, cut(keys::CERTIFICATE))),
            ("no certificate at all", keys::certificate().with(CKA_VALUE, "not DER")),
            (
                "a certificate with more behind",
                keys::certificate().with(CKA_VALUE, [hex(keys::CERTIFICATE), vec![0]].concat()),
            ),
            ("a CK_BBOOL of two bytes", data().with(CKA_TOKEN, b"\x00\x00")),
            ("a CK_BBOOL of no byte", data().with(CKA_TOKEN, b"")),
            ("a CK_ULONG of four bytes", aes().with(CKA_KEY_TYPE, b"\x1f\x00\x00\x00")),
            ("an AES key of 15 bytes", aes().with(CKA_VALUE, &[1; 15])),
            ("an AES key of no byte", aes().with(CKA_VALUE, b"")),
            ("a point that is not on the curve", keys::ec_public().with(CKA_EC_POINT, off_curve)),
            ("a scalar of 0", keys::ec_private().with(CKA_VALUE, &[0; 32])),
            ("a scalar beyond the order", keys::ec_private().with(CKA_VALUE, &[0xFF; 32])),
            ("an even modulus", keys::rsa_public().with(CKA_MODULUS, &[0x80; 256])),
            ("primes that are not its own", keys::rsa_private().with(CKA_PRIME_1, hex(keys::RSA_Q))),
        ] {
            let answer = scene.session().create(&template);
            let sound = [
                Err(Rv::AttributeValueInvalid),
                Err(Rv::TemplateInconsistent),
                Err(Rv::KeySizeRange),
                Err(Rv::PublicKeyInvalid),
            ];
            assert!(sound.contains(&answer), "{what}: {answer:?}");
        }
        let cut = keys::certificate().with(CKA_VALUE, cut(keys::CERTIFICATE));
        assert_eq!(scene.session().create(&cut), Err(Rv::AttributeValueInvalid));
    }

    #[test]
    fn a_curve_that_is_not_known_is_named_so() {
        let scene = Scene::new();
        let template = keys::ec_public().with(CKA_EC_PARAMS, b"\x06\x03\x2a\x03\x04");
        let answer = scene.session().create(&template);
        let sound = [Rv::CurveNotSupported, Rv::DomainParamsInvalid, Rv::AttributeValueInvalid];
        assert!(answer.is_err_and(|rv| sound.contains(&rv)), "{answer:?}");
    }

    #[test]
    fn an_ec_point_is_accepted_raw_and_answered_in_der() {
        let scene = Scene::new();
        let bits = [&b"\x03\x42\x00"[..], &hex(keys::EC_Q)].concat();
        for point in [hex(keys::EC_Q), keys::ec_point(), bits] {
            let handle = scene.object(&keys::ec_public().with(CKA_EC_POINT, point));
            assert_eq!(scene.session().get(handle, CKA_EC_POINT), Ok(keys::ec_point()));
        }
    }

    #[test]
    fn who_may_not_write_is_told_why() {
        let scene = Scene::closed();
        let (public, read_only) = (scene.open(), scene.open_read_only());
        let note = data().with(CKA_PRIVATE, false);
        let secret = data().with(CKA_PRIVATE, true);
        assert_eq!(public.create(&secret), Err(Rv::UserNotLoggedIn));
        assert_eq!(read_only.create(&note.clone().with(CKA_TOKEN, true)), Err(Rv::SessionReadOnly));
        assert!(
            read_only.create(&note.clone().with(CKA_TOKEN, false)).is_ok(),
            "session objects may be made"
        );
        public.login(CKU_USER, USER_PIN).expect("C_Login");
        let kept = public.create(&note.with(CKA_TOKEN, true)).expect("C_CreateObject");
        assert_eq!(read_only.destroy(kept), Err(Rv::SessionReadOnly));
        assert_eq!(read_only.set(kept, &template![CKA_LABEL => "x"]), Err(Rv::SessionReadOnly));
        assert!(public.create(&secret).is_ok());
    }

    #[test]
    fn keys_may_do_what_their_type_can_unless_told_otherwise() {
        let scene = Scene::new();
        let session = scene.session();
        let bare = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_VALUE => &[1; 16]];
        let handle = scene.object(&bare);
        for usage in [CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_SIGN, CKA_VERIFY, CKA_DERIVE] {
            assert_eq!(session.flag(handle, usage), Ok(true), "{}", names::attribute(usage));
            let told = scene.object(&bare.clone().with(usage, false));
            assert_eq!(session.flag(told, usage), Ok(false), "{}", names::attribute(usage));
        }
    }

    #[test]
    fn every_common_attribute_has_a_default() {
        let scene = Scene::new();
        let session = scene.session();
        let bare = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_VALUE => &[1; 16]];
        let handle = scene.object(&bare);
        for (attribute, value) in [
            (CKA_TOKEN, false),
            (CKA_MODIFIABLE, true),
            (CKA_COPYABLE, true),
            (CKA_DESTROYABLE, true),
            (CKA_LOCAL, false),
            (CKA_ALWAYS_SENSITIVE, false),
            (CKA_NEVER_EXTRACTABLE, false),
            (CKA_TRUSTED, false),
            (CKA_WRAP_WITH_TRUSTED, false),
        ] {
            assert_eq!(session.flag(handle, attribute), Ok(value), "{}", names::attribute(attribute));
        }
        for attribute in [CKA_LABEL, CKA_ID, CKA_START_DATE, CKA_END_DATE] {
            assert_eq!(session.get(handle, attribute), Ok(vec![]), "{}", names::attribute(attribute));
        }
        assert_eq!(session.number(handle, CKA_KEY_GEN_MECHANISM), Ok(CK_UNAVAILABLE_INFORMATION));
        assert_eq!(session.number(handle, CKA_VALUE_LEN), Ok(16));
        let private = scene.object(&keys::rsa_private());
        assert_eq!(session.flag(private, CKA_ALWAYS_AUTHENTICATE), Ok(false));
        let public = scene.object(&keys::rsa_public());
        assert_eq!(session.number(public, CKA_MODULUS_BITS), Ok(2048));
        assert_eq!(session.flag(scene.object(&keys::certificate()), CKA_TRUSTED), Ok(false));
    }
}

mod reading {
    use super::*;

    #[test]
    fn a_sensitive_value_is_not_told() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.object(&aes().with(CKA_SENSITIVE, true));
        let hidden = scene.object(&aes().with(CKA_EXTRACTABLE, false));
        for handle in [key, hidden] {
            let (rv, read) = session.read(handle, &[(CKA_VALUE, Some(64))]);
            assert_eq!((rv, read[0].length, read[0].bytes.len()), (Rv::AttributeSensitive, None, 0));
            assert_eq!(session.read(handle, &[(CKA_VALUE, None)]).0, Rv::AttributeSensitive);
        }
        let rsa = scene.object(&keys::rsa_private());
        for part in
            [CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT]
        {
            assert_eq!(session.get(rsa, part), Err(Rv::AttributeSensitive), "{}", names::attribute(part));
        }
        assert_eq!(session.get(rsa, CKA_MODULUS), Ok(hex(keys::RSA_N)));
        let ec = scene.object(&keys::ec_private());
        assert_eq!(session.get(ec, CKA_VALUE), Err(Rv::AttributeSensitive));
    }

    #[test]
    fn many_attributes_at_once_are_judged_one_by_one() {
        let scene = Scene::new();
        let key = scene.object(&aes().with(CKA_SENSITIVE, true).with(CKA_LABEL, "the label"));
        let (rv, read) = scene.session().read(
            key,
            &[
                (CKA_VALUE, Some(64)),
                (CKA_LABEL, Some(64)),
                (CKA_MODULUS, Some(64)),
                (CKA_KEY_TYPE, None),
                (CKA_LABEL, Some(2)),
                (CKA_TOKEN, Some(1)),
            ],
        );
        let lengths: Vec<_> = read.iter().map(|read| read.length).collect();
        assert_eq!(lengths, [None, Some(9), None, Some(8), None, Some(1)]);
        assert_eq!((&read[1].bytes[..], &read[5].bytes[..]), (&b"the label"[..], &[CK_FALSE][..]));
        let sound = [Rv::AttributeSensitive, Rv::AttributeTypeInvalid, Rv::BufferTooSmall];
        assert!(sound.contains(&rv), "{rv:?}");
    }

    #[test]
    fn an_attribute_that_is_not_there_is_of_an_invalid_type() {
        let scene = Scene::new();
        let note = scene.object(&data());
        for attribute in [CKA_MODULUS, CKA_KEY_TYPE, CKA_VENDOR_DEFINED | 1] {
            let (rv, read) = scene.session().read(note, &[(attribute, Some(8))]);
            assert_eq!((rv, read[0].length), (Rv::AttributeTypeInvalid, None));
        }
    }

    #[test]
    fn a_buffer_of_the_exact_size_is_enough_and_one_byte_less_is_not() {
        let scene = Scene::new();
        let note = scene.object(&data());
        let (rv, read) = scene.session().read(note, &[(CKA_VALUE, Some(4))]);
        assert_eq!((rv, &read[0].bytes[..]), (Rv::Ok, &b"text"[..]));
        let (rv, read) = scene.session().read(note, &[(CKA_VALUE, Some(3))]);
        assert_eq!((rv, read[0].length), (Rv::BufferTooSmall, None));
    }
}

mod changing {
    use super::*;

    #[test]
    fn label_and_id_may_change_and_are_found_anew() {
        let scene = Scene::new();
        let session = scene.session();
        for (name, template) in kinds().into_iter().filter(|(name, _)| *name != "data") {
            let handle = scene.object(&template.with(CKA_TOKEN, true).with(CKA_LABEL, "old"));
            let fresh = template![CKA_LABEL => "new", CKA_ID => b"\x01\x02"];
            assert_eq!(session.set(handle, &fresh), Ok(()), "{name}");
            assert_eq!(session.find(&fresh), Ok(vec![handle]), "{name}");
            assert_eq!(session.find(&template![CKA_LABEL => "old"]), Ok(vec![]), "{name}");
            session.destroy(handle).expect("C_DestroyObject");
        }
    }

    #[test]
    fn what_a_key_is_cannot_change() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.object(&aes());
        for change in [
            template![CKA_CLASS => CKO_DATA],
            template![CKA_KEY_TYPE => CKK_DES3],
            template![CKA_VALUE => &[2; 32]],
            template![CKA_LOCAL => true],
            template![CKA_TOKEN => true],
            template![CKA_PRIVATE => false],
        ] {
            assert_eq!(session.set(key, &change), Err(Rv::AttributeReadOnly), "{change:?}");
        }
        let unknown = session.set(key, &template![CKA_MODULUS => b"\x01"]);
        assert_eq!(unknown, Err(Rv::AttributeTypeInvalid));
    }

    #[test]
    fn a_refused_change_changes_nothing() {
        let scene = Scene::new();
        let key = scene.object(&aes().with(CKA_LABEL, "old"));
        let change = template![CKA_LABEL => "new", CKA_CLASS => CKO_DATA];
        assert_eq!(scene.session().set(key, &change), Err(Rv::AttributeReadOnly));
        assert_eq!(scene.session().get(key, CKA_LABEL), Ok(b"old".to_vec()));
    }

    #[test]
    fn a_key_becomes_sensitive_and_unextractable_and_never_turns_back() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.object(&aes());
        assert_eq!(session.get(key, CKA_VALUE), Ok(vec![0x11; 32]));
        for (attribute, tighter) in [(CKA_SENSITIVE, true), (CKA_EXTRACTABLE, false)] {
            let name = names::attribute(attribute);
            assert_eq!(session.set(key, &template![attribute => tighter]), Ok(()), "{name}");
            assert_eq!(session.flag(key, attribute), Ok(tighter), "{name}");
            let back = session.set(key, &template![attribute => !tighter]);
            assert_eq!(back, Err(Rv::AttributeReadOnly), "{name}");
            let copy = session.copy(key, &template![attribute => !tighter]);
            assert!(
                matches!(copy, Err(Rv::AttributeReadOnly | Rv::TemplateInconsistent)),
                "{name}: {copy:?}"
            );
        }
        assert_eq!(session.get(key, CKA_VALUE), Err(Rv::AttributeSensitive));
        assert_eq!(session.flag(key, CKA_ALWAYS_SENSITIVE), Ok(false), "it was not always so");
    }

    #[test]
    fn what_forbids_it_is_not_modified_copied_or_destroyed() {
        let scene = Scene::new();
        let session = scene.session();
        let fixed = scene.object(&data().with(CKA_MODIFIABLE, false));
        let label = template![CKA_LABEL => "x"];
        assert_eq!(session.set(fixed, &label), Err(Rv::ActionProhibited));
        let single = scene.object(&data().with(CKA_COPYABLE, false));
        assert_eq!(session.copy(single, &template![]), Err(Rv::ActionProhibited));
        let eternal = scene.object(&data().with(CKA_DESTROYABLE, false));
        assert_eq!(session.destroy(eternal), Err(Rv::ActionProhibited));
    }

    #[test]
    fn only_the_so_makes_a_certificate_trusted() {
        let scene = Scene::new();
        let session = scene.session();
        let trusted = template![CKA_TRUSTED => true];
        let handle = scene.object(&keys::certificate().with(CKA_TOKEN, true));
        assert!(session.set(handle, &trusted).is_err());
        session.logout().expect("C_Logout");
        session.login(CKU_SO, tests::SO_PIN).expect("C_Login");
        let handle = session.find(&template![CKA_CLASS => CKO_CERTIFICATE]).expect("C_FindObjects")[0];
        assert_eq!(session.set(handle, &trusted), Ok(()));
        assert_eq!(session.flag(handle, CKA_TRUSTED), Ok(true));
    }

    #[test]
    fn a_copy_is_a_new_object_with_the_changes_asked_for() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.object(&aes().with(CKA_LABEL, "session key"));
        let changes = template![CKA_TOKEN => true, CKA_LABEL => "token key", CKA_SENSITIVE => true];
        let copy = session.copy(key, &changes).expect("C_CopyObject");
        assert_ne!(copy, key);
        assert_eq!(session.flag(copy, CKA_TOKEN), Ok(true));
        assert_eq!(session.get(copy, CKA_LABEL), Ok(b"token key".to_vec()));
        assert_eq!(session.get(copy, CKA_VALUE), Err(Rv::AttributeSensitive));
        assert_eq!(session.get(key, CKA_VALUE), Ok(vec![0x11; 32]));
        let block = session.encrypt(CKM_AES_ECB, key, &[0; 16]).expect("encrypt");
        assert_eq!(session.encrypt(CKM_AES_ECB, copy, &[0; 16]), Ok(block));
        assert!(session.copy(key, &template![]).is_ok(), "no change at all is a copy too");
    }
}

mod finding {
    use super::*;

    #[test]
    fn a_search_matches_every_attribute_that_it_names() {
        let scene = Scene::new();
        let session = scene.session();
        let one = scene.object(&data().with(CKA_LABEL, "one"));
        let two = scene.object(&data().with(CKA_LABEL, "two"));
        let of = |template: Template| session.find(&template.with(CKA_CLASS, CKO_DATA));
        assert_eq!(of(template![]), Ok(vec![one.min(two), one.max(two)]));
        assert_eq!(of(template![CKA_LABEL => "two"]), Ok(vec![two]));
        assert_eq!(of(template![CKA_LABEL => "two", CKA_VALUE => "other"]), Ok(vec![]));
        assert_eq!(of(template![CKA_LABEL => "tw"]), Ok(vec![]), "no prefixes");
        assert_eq!(of(template![CKA_TOKEN => true]), Ok(vec![]));
    }

    #[test]
    fn a_class_that_nobody_knows_is_found_nowhere() {
        let scene = Scene::new();
        scene.object(&data());
        for class in [CKO_VENDOR_DEFINED | 0x4E53_4353, CKO_OTP_KEY, CKO_DOMAIN_PARAMETERS, 0x7777] {
            assert_eq!(scene.session().find(&template![CKA_CLASS => class]), Ok(vec![]), "{class:#x}");
        }
        assert_eq!(scene.session().find(&template![CKA_VENDOR_DEFINED | 9 => "x"]), Ok(vec![]));
    }

    #[test]
    fn a_value_that_is_sensitive_cannot_be_guessed_by_searching() {
        let scene = Scene::new();
        scene.object(&aes().with(CKA_SENSITIVE, true));
        assert_eq!(scene.session().find(&template![CKA_VALUE => &[0x11; 32]]), Ok(vec![]));
    }

    #[test]
    fn a_search_is_begun_once_and_ended_once() {
        let scene = Scene::new();
        let session = scene.session();
        assert_eq!(session.find_next(1), Err(Rv::OperationNotInitialized));
        assert_eq!(session.find_final(), Err(Rv::OperationNotInitialized));
        session.find_init(&template![]).expect("C_FindObjectsInit");
        assert_eq!(session.find_init(&template![]), Err(Rv::OperationActive));
        session.find_final().expect("C_FindObjectsFinal");
        assert_eq!(session.find_final(), Err(Rv::OperationNotInitialized));
    }

    #[test]
    fn results_come_in_portions_without_loss_or_repetition() {
        let scene = Scene::new();
        let session = scene.session();
        let mut made: Vec<_> = (0..25).map(|_| scene.object(&data())).collect();
        made.sort_unstable();
        session.find_init(&template![CKA_CLASS => CKO_DATA]).expect("C_FindObjectsInit");
        let mut found = Vec::new();
        for size in [1, 7, 0, 10, 100] {
            found.extend(session.find_next(size).expect("C_FindObjects"));
        }
        found.sort_unstable();
        assert_eq!(found, made);
        assert_eq!(session.find_next(5), Ok(vec![]));
    }
}

mod living {
    use super::*;

    fn found(session: Session, label: &str) -> usize {
        session.find(&template![CKA_LABEL => label]).expect("C_FindObjects").len()
    }

    #[test]
    fn session_objects_are_seen_by_all_sessions_and_go_with_their_own() {
        let scene = Scene::new();
        let other = scene.open();
        other.create(&data().with(CKA_LABEL, "passing")).expect("C_CreateObject");
        assert_eq!(found(scene.session(), "passing"), 1);
        let (second, slot) = scene.second();
        assert_eq!(found(second.open(slot, true).expect("C_OpenSession"), "passing"), 0);
        other.close().expect("C_CloseSession");
        assert_eq!(found(scene.session(), "passing"), 0);
    }

    #[test]
    fn token_objects_of_every_kind_outlive_the_process_as_they_were() {
        let scene = Scene::new();
        for (name, template) in kinds() {
            scene.object(&template.with(CKA_TOKEN, true).with(CKA_LABEL, name));
        }
        let (second, slot) = scene.second();
        scene.library.finalize().expect("C_Finalize");
        let session = second.open(slot, true).expect("C_OpenSession");
        session.login(CKU_USER, USER_PIN).expect("C_Login");
        for (name, template) in kinds() {
            let found = session.find(&template![CKA_LABEL => name]).expect("C_FindObjects");
            assert_eq!(found.len(), 1, "{name}");
            for (attribute, value) in template.with(CKA_TOKEN, true).with(CKA_LABEL, name).bytes() {
                match session.get(found[0], attribute) {
                    Err(Rv::AttributeSensitive) => {}
                    answer => {
                        assert_eq!(answer, Ok(value.to_vec()), "{name} {}", names::attribute(attribute))
                    }
                }
            }
        }
    }

    #[test]
    fn private_objects_are_for_the_user_who_is_logged_in() {
        let scene = Scene::new();
        let session = scene.session();
        let kept = data().with(CKA_TOKEN, true).with(CKA_LABEL, "kept");
        let secret = scene.object(&kept.clone().with(CKA_PRIVATE, true));
        let passing = scene.object(&data().with(CKA_LABEL, "passing").with(CKA_PRIVATE, true));
        let public = scene.object(&kept.with(CKA_PRIVATE, false));
        session.logout().expect("C_Logout");
        assert_eq!(session.find(&template![CKA_LABEL => "kept"]), Ok(vec![public]));
        for handle in [secret, passing] {
            assert_eq!(session.get(handle, CKA_LABEL), Err(Rv::ObjectHandleInvalid));
            assert_eq!(session.destroy(handle), Err(Rv::ObjectHandleInvalid));
        }
        session.login(CKU_USER, USER_PIN).expect("C_Login");
        assert_eq!(found(session, "kept"), 2);
        assert_eq!(found(session, "passing"), 0, "private session objects went with the logout");
        session.logout().expect("C_Logout");
        session.login(CKU_SO, tests::SO_PIN).expect("C_Login");
        assert_eq!(found(session, "kept"), 1, "the SO is not the user");
    }

    #[test]
    fn what_one_process_makes_changes_and_destroys_the_other_sees_at_once() {
        let scene = Scene::new();
        let (second, slot) = scene.second();
        let session = second.open(slot, true).expect("C_OpenSession");
        session.login(CKU_USER, USER_PIN).expect("C_Login");
        assert_eq!(found(session, "fresh"), 0);
        let fresh = data().with(CKA_TOKEN, true).with(CKA_PRIVATE, true).with(CKA_LABEL, "fresh");
        let handle = scene.object(&fresh);
        let seen = session.find(&template![CKA_LABEL => "fresh"]).expect("C_FindObjects");
        assert_eq!(seen.len(), 1);
        scene.session().set(handle, &template![CKA_LABEL => "changed"]).expect("C_SetAttributeValue");
        assert_eq!(session.get(seen[0], CKA_LABEL), Ok(b"changed".to_vec()));
        assert_eq!(found(session, "fresh"), 0);
        scene.session().destroy(handle).expect("C_DestroyObject");
        assert_eq!(session.get(seen[0], CKA_LABEL), Err(Rv::ObjectHandleInvalid));
        assert_eq!(found(session, "changed"), 0);
    }
}
