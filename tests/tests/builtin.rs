//! The token's own objects, the rarer classes, dates, and trust (PKCS#11 v3.2 §4.3, §4.6, §4.7, §4.8, §4.12 – §4.15).

use tests::{Home, Kind, Mechanism, Rv, SO_PIN, Scene, Template, USER_PIN, ids::*, keys, template};

mod own {
    use super::*;

    fn of_class(scene: &Scene, class: CK_OBJECT_CLASS) -> Vec<CK_OBJECT_HANDLE> {
        scene.session().find(&template![CKA_CLASS => class]).expect("find")
    }

    #[test]
    fn the_profiles_are_published_without_a_login() {
        let scene = Scene::closed();
        let session = scene.open_read_only();
        let wanted = template![CKA_CLASS => CKO_PROFILE, CKA_TOKEN => true];
        let ids: Vec<_> = session
            .find(&wanted)
            .expect("find")
            .into_iter()
            .map(|profile| session.number(profile, CKA_PROFILE_ID).expect("CKA_PROFILE_ID"))
            .collect();
        for profile in [
            CKP_BASELINE_PROVIDER,
            CKP_EXTENDED_PROVIDER,
            CKP_AUTHENTICATION_TOKEN,
            CKP_PUBLIC_CERTIFICATES_TOKEN,
        ] {
            assert!(ids.contains(&profile), "{profile}");
        }
        let served = scene.library.mechanisms(scene.slot).expect("mechanisms").contains(&CKM_HKDF_DATA);
        assert_eq!(ids.contains(&CKP_HKDF_TLS_TOKEN), served);
        let one = template![CKA_CLASS => CKO_PROFILE, CKA_PROFILE_ID => CKP_PUBLIC_CERTIFICATES_TOKEN];
        assert_eq!(session.find(&one).map(|found| found.len()), Ok(1));
    }

    #[test]
    fn a_search_finds_them_only_when_it_names_their_class() {
        let scene = Scene::new();
        let session = scene.session();
        for template in [template![], template![CKA_TOKEN => true], template![CKA_PRIVATE => false]] {
            assert_eq!(session.find(&template), Ok(vec![]), "{template:?}");
        }
        assert_eq!(of_class(&scene, CKO_VALIDATION), [], "nobody validated this token");
    }

    #[test]
    fn every_mechanism_has_its_object() {
        let scene = Scene::new();
        let mut types: Vec<_> = of_class(&scene, CKO_MECHANISM)
            .into_iter()
            .map(|object| scene.session().number(object, CKA_MECHANISM_TYPE).expect("CKA_MECHANISM_TYPE"))
            .collect();
        let mut list = scene.library.mechanisms(scene.slot).expect("C_GetMechanismList");
        types.sort_unstable();
        list.sort_unstable();
        assert_eq!(types, list);
    }

    #[test]
    fn the_counter_never_gives_a_number_twice() {
        let scene = Scene::new();
        let wanted = template![CKA_CLASS => CKO_HW_FEATURE, CKA_HW_FEATURE_TYPE => CKH_MONOTONIC_COUNTER];
        let read = |scene: &Scene| {
            let counter = scene.session().find(&wanted).expect("find")[0];
            assert_eq!(scene.session().flag(counter, CKA_RESET_ON_INIT), Ok(false));
            assert_eq!(scene.session().flag(counter, CKA_HAS_RESET), Ok(false));
            let value = scene.session().get(counter, CKA_VALUE).expect("CKA_VALUE");
            u64::from_be_bytes(value.try_into().expect("8 bytes"))
        };
        let (first, second) = (read(&scene), read(&scene));
        assert!(second > first);
        scene.library.restart();
        let session = scene.open();
        let counter = session.find(&wanted).expect("find")[0];
        let third = session.get(counter, CKA_VALUE).expect("CKA_VALUE");
        assert!(u64::from_be_bytes(third.try_into().expect("8 bytes")) > second, "after a restart too");
    }

    #[test]
    fn the_clock_tells_the_tokens_time() {
        let scene = Scene::new();
        let wanted = template![CKA_CLASS => CKO_HW_FEATURE, CKA_HW_FEATURE_TYPE => CKH_CLOCK];
        let clock = scene.session().find(&wanted).expect("find")[0];
        let before = scene.library.token_info(scene.slot).expect("C_GetTokenInfo").utcTime;
        let now = scene.session().get(clock, CKA_VALUE).expect("CKA_VALUE");
        let after = scene.library.token_info(scene.slot).expect("C_GetTokenInfo").utcTime;
        assert!(before[..] <= now[..] && now[..] <= after[..], "{now:?}");
    }

    #[test]
    fn nobody_makes_changes_copies_or_destroys_them() {
        let scene = Scene::new();
        let session = scene.session();
        for class in [CKO_PROFILE, CKO_MECHANISM, CKO_HW_FEATURE] {
            assert_eq!(session.create(&template![CKA_CLASS => class]), Err(Rv::AttributeValueInvalid));
            let object = of_class(&scene, class)[0];
            assert_eq!(session.set(object, &template![CKA_LABEL => "mine"]), Err(Rv::ActionProhibited));
            assert_eq!(session.copy(object, &template![]), Err(Rv::ActionProhibited));
            assert_eq!(session.destroy(object), Err(Rv::ActionProhibited));
            assert!(session.size(object).is_ok_and(|size| size > 0));
            let key = session.begin(Kind::Sign, CKM_SHA256_HMAC, object);
            assert_eq!(key, Err(Rv::KeyHandleInvalid), "it is no key");
        }
        assert_eq!(session.create(&template![CKA_CLASS => CKO_VALIDATION]), Err(Rv::AttributeValueInvalid));
    }
}

mod classes {
    use super::*;

    fn attribute_certificate() -> Template {
        template![
            CKA_CLASS => CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE => CKC_X_509_ATTR_CERT,
            CKA_OWNER => b"\x30\x00", CKA_VALUE => b"\x30\x03\x02\x01\x01",
        ]
    }

    fn wtls() -> Template {
        template![
            CKA_CLASS => CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE => CKC_WTLS,
            CKA_SUBJECT => b"subject", CKA_VALUE => b"a WTLS certificate",
        ]
    }

    fn trust() -> Template {
        template![
            CKA_CLASS => CKO_TRUST, CKA_ISSUER => b"\x30\x00", CKA_SERIAL_NUMBER => b"\x02\x01\x01",
            CKA_HASH_OF_CERTIFICATE => [7u8; 32].as_slice(), CKA_NAME_HASH_ALGORITHM => CKM_SHA256,
            CKA_TRUST_SERVER_AUTH => CK_ULONG::from(CKT_TRUST_ANCHOR),
        ]
    }

    #[test]
    fn an_attribute_certificate_is_kept_as_the_standard_says() {
        let scene = Scene::new();
        let session = scene.session();
        let object = session.create(&attribute_certificate().with(CKA_TOKEN, true)).expect("create");
        assert_eq!(session.get(object, CKA_OWNER), Ok(b"\x30\x00".to_vec()));
        for empty in [CKA_AC_ISSUER, CKA_SERIAL_NUMBER, CKA_ATTR_TYPES, CKA_LABEL] {
            assert_eq!(session.get(object, empty), Ok(vec![]));
        }
        assert_eq!(session.get(object, CKA_CHECK_VALUE).map(|value| value.len()), Ok(3));
        assert_eq!(session.set(object, &template![CKA_AC_ISSUER => b"x", CKA_ATTR_TYPES => b"y"]), Ok(()));
        assert_eq!(session.set(object, &template![CKA_OWNER => b"x"]), Err(Rv::AttributeReadOnly));
        assert_eq!(session.get(object, CKA_SUBJECT), Err(Rv::AttributeTypeInvalid));
        for missing in [CKA_OWNER, CKA_VALUE] {
            let answer = session.create(&attribute_certificate().without(missing));
            assert_eq!(answer, Err(Rv::TemplateIncomplete));
        }
    }

    #[test]
    fn a_wtls_certificate_or_where_it_is() {
        let scene = Scene::new();
        let session = scene.session();
        let object = session.create(&wtls()).expect("create");
        assert_eq!(session.set(object, &template![CKA_ISSUER => b"issuer"]), Ok(()));
        assert_eq!(session.get(object, CKA_ID), Err(Rv::AttributeTypeInvalid));
        let link = wtls().without(CKA_VALUE).with(CKA_URL, "http://example.com");
        assert_eq!(session.create(&link), Err(Rv::TemplateIncomplete), "the hashes are missing");
        let link = link
            .with(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, [1u8; 20].as_slice())
            .with(CKA_HASH_OF_ISSUER_PUBLIC_KEY, [2u8; 20].as_slice());
        assert!(session.create(&link).is_ok());
        assert_eq!(session.create(&wtls().without(CKA_VALUE)), Err(Rv::TemplateIncomplete));
    }

    #[test]
    fn a_trust_object_says_which_certificate_it_trusts_and_for_what() {
        let scene = Scene::new();
        let session = scene.session();
        let object = session.create(&trust().with(CKA_TOKEN, true)).expect("create");
        assert_eq!(session.number(object, CKA_TRUST_SERVER_AUTH), Ok(CK_ULONG::from(CKT_TRUST_ANCHOR)));
        assert_eq!(session.number(object, CKA_TRUST_OCSP_SIGNING), Ok(CK_ULONG::from(CKT_TRUST_UNKNOWN)));
        assert_eq!(session.flag(object, CKA_PRIVATE), Ok(false));
        let found = template![CKA_CLASS => CKO_TRUST, CKA_ISSUER => b"\x30\x00", CKA_SERIAL_NUMBER => b"\x02\x01\x01"];
        assert_eq!(session.find(&found), Ok(vec![object]));
        let odd = template![CKA_TRUST_CODE_SIGNING => 77 as CK_ULONG];
        assert_eq!(session.set(object, &odd), Err(Rv::AttributeValueInvalid));
        assert_eq!(
            session.set(object, &template![CKA_TRUST_CODE_SIGNING => CK_ULONG::from(CKT_TRUSTED)]),
            Ok(())
        );
        for missing in [CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_HASH_OF_CERTIFICATE] {
            assert_eq!(session.create(&trust().without(missing)), Err(Rv::TemplateIncomplete));
        }
        let distrust = trust()
            .without(CKA_HASH_OF_CERTIFICATE)
            .with(CKA_TRUST_SERVER_AUTH, CK_ULONG::from(CKT_NOT_TRUSTED));
        assert!(session.create(&distrust).is_ok(), "distrust needs no hash (§4.7)");
    }

    #[test]
    fn domain_parameters_of_no_known_type_are_refused() {
        let scene = Scene::new();
        let template = template![CKA_CLASS => CKO_DOMAIN_PARAMETERS, CKA_KEY_TYPE => CKK_KEA];
        assert_eq!(scene.session().create(&template), Err(Rv::AttributeValueInvalid));
        let template = template![CKA_CLASS => CKO_DOMAIN_PARAMETERS];
        assert_eq!(scene.session().create(&template), Err(Rv::TemplateIncomplete));
    }

    #[test]
    fn a_trusted_certificate_is_changed_by_the_so_only() {
        let scene = Scene::new();
        let session = scene.session();
        let plain = keys::certificate().with(CKA_TOKEN, true).with(CKA_LABEL, "root");
        let trusted = plain.clone().with(CKA_TRUSTED, true);
        assert_eq!(session.create(&trusted), Err(Rv::AttributeReadOnly));
        session.logout().expect("C_Logout");
        session.login(CKU_SO, SO_PIN).expect("the SO");
        let object = session.create(&trusted).expect("the SO creates it");
        assert_eq!(session.set(object, &template![CKA_LABEL => "anchor"]), Ok(()));
        session.logout().expect("C_Logout");
        session.login(CKU_USER, USER_PIN).expect("the user");
        assert_eq!(session.set(object, &template![CKA_LABEL => "mine"]), Err(Rv::ActionProhibited));
        assert_eq!(session.set(object, &template![CKA_TRUSTED => false]), Err(Rv::ActionProhibited));
        let key = keys::secret(CKK_AES, &[1; 16]).with(CKA_TRUSTED, true);
        assert_eq!(session.create(&key), Err(Rv::AttributeReadOnly));
    }

    #[test]
    fn keys_tell_whether_they_encapsulate() {
        let scene = Scene::new();
        let (public, private) = scene.ec();
        for (key, usage, template) in [
            (public, CKA_ENCAPSULATE, CKA_ENCAPSULATE_TEMPLATE),
            (private, CKA_DECAPSULATE, CKA_DECAPSULATE_TEMPLATE),
        ] {
            assert!(scene.session().flag(key, usage).is_ok());
            assert_eq!(scene.session().get(key, template), Ok(vec![]));
            assert_eq!(scene.session().number(key, CKA_OBJECT_VALIDATION_FLAGS), Ok(0));
        }
        let given = keys::ec_public().with(CKA_OBJECT_VALIDATION_FLAGS, 1 as CK_ULONG);
        assert_eq!(scene.session().create(&given), Err(Rv::AttributeReadOnly));
    }
}

mod dates {
    use super::*;

    const PAST: &[u8; 8] = b"20010101";
    const FUTURE: &[u8; 8] = b"29991231";

    fn used(scene: &Scene, start: &[u8], end: &[u8]) -> tests::Result<Vec<u8>> {
        let template = keys::secret(CKK_AES, &[1; 16]).with(CKA_START_DATE, start).with(CKA_END_DATE, end);
        let key = scene.session().create(&template).expect("a key");
        scene.session().encrypt(CKM_AES_ECB, key, &[0; 16])
    }

    #[test]
    fn a_key_works_from_its_first_day_to_its_last() {
        let scene = Scene::new();
        let now = scene.library.token_info(scene.slot).expect("C_GetTokenInfo").utcTime;
        let today = &now[..8];
        let never = Err(Rv::KeyFunctionNotPermitted);
        for (start, end) in [(&b""[..], &b""[..]), (PAST, FUTURE), (PAST, b""), (b"", FUTURE), (today, b"")] {
            assert!(used(&scene, start, end).is_ok(), "{start:?} {end:?}");
        }
        for (start, end) in [(&FUTURE[..], &b""[..]), (b"", PAST), (PAST, PAST), (FUTURE, FUTURE)] {
            assert_eq!(used(&scene, start, end), never, "{start:?} {end:?}");
        }
    }

    #[test]
    fn no_use_of_a_key_is_beyond_its_dates() {
        let scene = Scene::new();
        let session = scene.session();
        let old = scene.object(&keys::secret(CKK_AES, &[1; 16]).with(CKA_END_DATE, PAST));
        let other = scene.aes(&[2; 16]);
        let never = Rv::KeyFunctionNotPermitted;
        for kind in [Kind::Encrypt, Kind::Decrypt] {
            assert_eq!(session.begin(kind, CKM_AES_ECB, old), Err(never));
            assert_eq!(session.begin_messages(kind, Some(CKM_AES_GCM.into()), old), Err(never));
        }
        let pad = Mechanism::bytes(CKM_AES_CBC_PAD, &[0; 16]);
        assert_eq!(session.wrap(pad.clone(), old, other), Err(never));
        let wanted = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
        assert_eq!(session.unwrap(pad, old, &[0; 32], &wanted), Err(never));
        session.set(old, &template![CKA_END_DATE => FUTURE]).expect("the date may change (footnote 8)");
        assert!(session.encrypt(CKM_AES_ECB, old, &[0; 16]).is_ok());
    }

    #[test]
    fn a_setting_leaves_the_dates_to_the_application() {
        let scene = Scene::on(&Home::new().with("enforce_dates=false"));
        assert!(used(&scene, FUTURE, PAST).is_ok());
    }
}
