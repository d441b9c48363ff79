//! Keys that leave and come by C_WrapKey and C_UnwrapKey under the DKEK, through the C border.

use tests::{Kind, Rv, SO_PIN, Scene, Session, Template, USER_PIN, keys, template};
use tokenkeep::api::{Form, Module};
use tokenkeep::backup::{Import, Kcv};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::vendor::*;
use tokenkeep::token::Settings;

use super::bench::{Bench, choice, pair, refused, share, text};

/// A token whose key domains have DKEKs of one share each; a domain without a share waits for it.
fn scene(domains: &[(u64, Option<u8>)]) -> Scene {
    let scene = Scene::closed();
    let mut settings = Settings::read(Some("dir=.")).unwrap();
    settings.dir = scene.library.home().path().to_owned();
    let module = Module::with(settings).unwrap();
    let session = module.open_session(scene.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
    let call = module.session(session).unwrap();
    call.login(CKU_SO, Some(&SO_PIN.as_bytes().into())).unwrap();
    for (domain, byte) in domains {
        call.dkek_init(*domain, 1).unwrap();
        byte.iter().for_each(|byte| _ = call.dkek_import(*domain, &share(*byte), Import::default()).unwrap());
    }
    module.close_session(session).unwrap();
    scene
}

/// A session with the user logged in.
fn user(scene: &Scene) -> Session<'_> {
    let session = scene.open();
    session.login(CKU_USER, USER_PIN).unwrap();
    session
}

fn any_dkek() -> Template {
    template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_TOKENKEEP_DKEK]
}

fn dkek(session: &Session<'_>) -> CK_OBJECT_HANDLE {
    session.find(&any_dkek().also(CKA_TOKENKEEP_KEY_DOMAIN, 0 as CK_ULONG)).unwrap()[0]
}

/// What makes a key that can be compared.
fn open() -> Template {
    template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]
}

#[test]
fn the_user_finds_complete_dkeks_by_type_or_label_and_by_nothing_else() {
    let scene = scene(&[(0, Some(1)), (3, Some(2)), (4, None)]);
    let session = scene.open();
    assert_eq!(session.find(&any_dkek()), Ok(vec![]), "before a login");
    session.login(CKU_USER, USER_PIN).unwrap();
    let both = session.find(&any_dkek()).unwrap();
    assert_eq!(both.len(), 2);
    for (label, domain) in [("DKEK", 0), ("DKEK 3", 3 as CK_ULONG)] {
        let found = session.find(&template![CKA_LABEL => label]).unwrap();
        assert_eq!(found.len(), 1, "{label}");
        assert!(both.contains(&found[0]));
        assert_eq!(session.number(found[0], CKA_TOKENKEEP_KEY_DOMAIN), Ok(domain));
        assert_eq!(session.get(found[0], CKA_CHECK_VALUE).map(|kcv| kcv.len()), Ok(8));
    }
    assert_eq!(session.find(&template![CKA_LABEL => "DKEK 4"]), Ok(vec![]), "its share is missing");
    for others in [template![], template![CKA_CLASS => CKO_SECRET_KEY], template![CKA_TOKEN => true]] {
        assert_eq!(session.find(&others), Ok(vec![]));
    }
    // A key of the user's own may have the same label.
    session.create(&keys::secret(CKK_AES, &[1; 16]).also(CKA_LABEL, "DKEK")).unwrap();
    assert_eq!(session.find(&template![CKA_LABEL => "DKEK"]).map(|found| found.len()), Ok(2));
}

#[test]
fn a_dkek_is_not_read_changed_copied_destroyed_made_or_used_for_anything_else() {
    let scene = scene(&[(0, Some(1))]);
    let session = user(&scene);
    let dkek = dkek(&session);
    assert_eq!(session.get(dkek, CKA_VALUE), Err(Rv::AttributeSensitive));
    for (attribute, flag) in [
        (CKA_TOKEN, true),
        (CKA_PRIVATE, true),
        (CKA_SENSITIVE, true),
        (CKA_WRAP, true),
        (CKA_UNWRAP, true),
        (CKA_EXTRACTABLE, false),
        (CKA_ENCRYPT, false),
        (CKA_DECRYPT, false),
        (CKA_LOCAL, false),
    ] {
        assert_eq!(session.flag(dkek, attribute), Ok(flag), "{}", tests::names::attribute(attribute));
    }
    assert_eq!(session.set(dkek, &template![CKA_LABEL => "mine"]), Err(Rv::ActionProhibited));
    assert_eq!(session.copy(dkek, &template![CKA_TOKEN => false]), Err(Rv::ActionProhibited));
    assert_eq!(session.destroy(dkek), Err(Rv::ActionProhibited));
    assert_eq!(
        session.create(&any_dkek().also(CKA_VALUE, [7u8; 32].as_slice())),
        Err(Rv::AttributeValueInvalid)
    );
    for kind in [Kind::Encrypt, Kind::Decrypt] {
        assert_eq!(session.begin(kind, CKM_AES_ECB, dkek), Err(Rv::KeyTypeInconsistent));
    }
    assert_eq!(session.begin(Kind::Sign, CKM_SHA256_HMAC, dkek), Err(Rv::KeyTypeInconsistent));
    let derived = session.derive(CKM_SHA256_KEY_DERIVATION, dkek, &template![]);
    assert_eq!(derived, Err(Rv::KeyTypeInconsistent));
    let aes = session.create(&keys::secret(CKK_AES, &[1; 32])).unwrap();
    assert_eq!(session.wrap(CKM_AES_KEY_WRAP_KWP, aes, dkek), Err(Rv::KeyUnextractable));
    assert_eq!(session.wrap(CKM_TOKENKEEP_DKEK, dkek, dkek), Err(Rv::KeyUnextractable));
}

#[test]
fn a_dkek_is_there_for_the_user_only_and_its_handle_goes_with_the_login() {
    let scene = scene(&[(0, Some(1))]);
    let session = user(&scene);
    let before = dkek(&session);
    session.logout().unwrap();
    assert_eq!(session.get(before, CKA_LABEL), Err(Rv::ObjectHandleInvalid));
    session.login(CKU_SO, SO_PIN).unwrap();
    assert_eq!(session.find(&any_dkek()), Ok(vec![]));
    session.logout().unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(session.get(before, CKA_LABEL), Err(Rv::ObjectHandleInvalid), "PKCS#11 v3.2 §5.6.8");
    assert_eq!(session.get(dkek(&session), CKA_LABEL), Ok(b"DKEK".to_vec()));
}

#[test]
fn every_type_of_key_goes_from_token_to_token() {
    let (one, two) = (scene(&[(0, Some(1))]), scene(&[(0, Some(1))]));
    let (from, to) = (user(&one), user(&two));
    let (with, there) = (dkek(&from), dkek(&to));
    let rsa = keys::rsa_private().and(&open());
    let ec = keys::ec_private().and(&open());
    let aes = keys::secret(CKK_AES, &[9; 32]);
    for (key, values) in [
        (rsa, &[CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_COEFFICIENT][..]),
        (ec, &[CKA_EC_PARAMS, CKA_EC_POINT, CKA_VALUE]),
        (aes, &[CKA_VALUE, CKA_VALUE_LEN, CKA_CHECK_VALUE]),
    ] {
        let key = from.create(&key).unwrap();
        let blob = from.wrap(CKM_TOKENKEEP_DKEK, with, key).unwrap();
        let wanted = open().also(CKA_TOKEN, true).also(CKA_LABEL, "came").also(CKA_ID, b"\x07");
        let came = to.unwrap(CKM_TOKENKEEP_DKEK, there, &blob, &wanted).unwrap();
        for attribute in [&[CKA_CLASS, CKA_KEY_TYPE][..], values].concat() {
            let (before, after) = (from.get(key, attribute), to.get(came, attribute));
            assert_eq!(before.unwrap(), after.unwrap(), "{}", tests::names::attribute(attribute));
        }
        assert_eq!(to.get(came, CKA_LABEL), Ok(b"came".to_vec()));
        for flag in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
            assert_eq!(to.flag(came, flag), Ok(false));
        }
        // What the template does not say is closed.
        let closed = to.unwrap(CKM_TOKENKEEP_DKEK, there, &blob, &template![]).unwrap();
        assert_eq!((to.flag(closed, CKA_SENSITIVE), to.flag(closed, CKA_EXTRACTABLE)), (Ok(true), Ok(false)));
        assert_eq!(to.flag(closed, CKA_TOKEN), Ok(false));
    }
}

#[test]
fn a_key_that_nobody_can_extract_leaves_under_the_dkek_and_signs_elsewhere() {
    let (one, two) = (scene(&[(0, Some(1))]), scene(&[(0, Some(1))]));
    let (from, to) = (user(&one), user(&two));
    let (public, private) = from
        .generate_pair(
            CKM_EC_KEY_PAIR_GEN,
            &template![CKA_EC_PARAMS => keys::P256],
            &template![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false, CKA_WRAP_WITH_TRUSTED => true],
        )
        .unwrap();
    let blob = from.wrap(CKM_TOKENKEEP_DKEK, dkek(&from), private).unwrap();
    let came = to.unwrap(CKM_TOKENKEEP_DKEK, dkek(&to), &blob, &template![]).unwrap();
    let signature = to.sign(CKM_ECDSA_SHA256, came, b"message").unwrap();
    from.verify(CKM_ECDSA_SHA256, public, b"message", &signature).unwrap();
}

#[test]
fn what_must_stay_stays() {
    let scene = scene(&[(0, Some(1)), (3, Some(2))]);
    let session = user(&scene);
    let dkek = dkek(&session);
    let aes = |more: &Template| session.create(&keys::secret(CKK_AES, &[1; 16]).and(more)).unwrap();
    let wrap = |key| session.wrap(CKM_TOKENKEEP_DKEK, dkek, key).err();
    assert_eq!(wrap(aes(&template![])), None);
    assert_eq!(wrap(aes(&template![CKA_TOKENKEEP_BACKUP => false])), Some(Rv::KeyUnextractable));
    let elsewhere = aes(&template![CKA_TOKENKEEP_KEY_DOMAIN => 3 as CK_ULONG]);
    assert_eq!(wrap(elsewhere), Some(Rv::KeyNotWrappable));
    let secret = session.create(&keys::secret(CKK_GENERIC_SECRET, &[1; 20])).unwrap();
    assert_eq!(wrap(secret), Some(Rv::KeyNotWrappable), "the format does not know it");
    let public = session.create(&keys::ec_public()).unwrap();
    assert_eq!(wrap(public), Some(Rv::KeyNotWrappable));
    assert_eq!(wrap(0x1234), Some(Rv::KeyHandleInvalid));
    let key = aes(&template![]);
    assert_eq!(session.wrap(CKM_TOKENKEEP_DKEK, key, key), Err(Rv::WrappingKeyTypeInconsistent));
    assert_eq!(session.wrap(CKM_TOKENKEEP_DKEK, 0x1234, key), Err(Rv::WrappingKeyHandleInvalid));
}

#[test]
fn a_template_that_contradicts_the_blob_is_refused_and_makes_nothing() {
    let scene = scene(&[(0, Some(1))]);
    let session = user(&scene);
    let dkek = dkek(&session);
    let wrapped = |key: &Template| {
        let key = session.create(key).unwrap();
        let blob = session.wrap(CKM_TOKENKEEP_DKEK, dkek, key).unwrap();
        session.destroy(key).unwrap();
        blob
    };
    let (aes, ec) = (wrapped(&keys::secret(CKK_AES, &[1; 16])), wrapped(&keys::ec_private()));
    for (blob, template) in [
        (&aes, template![CKA_CLASS => CKO_PRIVATE_KEY]),
        (&aes, template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET]),
        (&aes, template![CKA_VALUE_LEN => 32 as CK_ULONG]),
        (&aes, template![CKA_CHECK_VALUE => b"abc"]),
        (&aes, template![CKA_VALUE => [2u8; 16].as_slice()]),
        (&aes, template![CKA_TOKENKEEP_KEY_DOMAIN => 3 as CK_ULONG]),
        (&aes, template![CKA_TOKENKEEP_CARD_ALGORITHMS => b"\x10"]),
        (&ec, template![CKA_KEY_TYPE => CKK_RSA]),
        (&ec, template![CKA_EC_PARAMS => keys::P384]),
        (&ec, template![CKA_PUBLIC_KEY_INFO => b"another"]),
        (&ec, template![CKA_MODULUS => b"\x01"]),
    ] {
        let answer = session.unwrap(CKM_TOKENKEEP_DKEK, dkek, blob, &template);
        assert_eq!(answer, Err(Rv::TemplateInconsistent), "{template:?}");
    }
    assert_eq!(session.find(&template![]), Ok(vec![]));
    let agrees = template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_PARAMS => keys::P256];
    session.unwrap(CKM_TOKENKEEP_DKEK, dkek, &ec, &agrees).unwrap();
}

#[test]
fn a_blob_that_is_not_ours_or_not_whole_is_refused() {
    let (one, two) = (scene(&[(0, Some(1))]), scene(&[(0, Some(2))]));
    let (from, to) = (user(&one), user(&two));
    let key = from.create(&keys::secret(CKK_AES, &[1; 16])).unwrap();
    let blob = from.wrap(CKM_TOKENKEEP_DKEK, dkek(&from), key).unwrap();
    let unwrap = |session: &Session<'_>, blob: &[u8]| {
        session.unwrap(CKM_TOKENKEEP_DKEK, dkek(session), blob, &template![]).err()
    };
    assert_eq!(unwrap(&to, &blob), Some(Rv::WrappedKeyInvalid), "another DKEK");
    assert_eq!(unwrap(&from, &blob[..40]), Some(Rv::WrappedKeyLenRange));
    for at in 0..blob.len() {
        let mut bad = blob.clone();
        bad[at] ^= 1;
        assert_eq!(unwrap(&from, &bad), Some(Rv::WrappedKeyInvalid), "{at}");
    }
    assert_eq!(unwrap(&from, &blob), None);
}

#[test]
fn a_blob_of_another_dkek_is_refused_with_both_check_values() {
    let wrapped = Bench::with_dkek(&[1]).user(|call| {
        let (_, key) = pair(call, "demo");
        call.dkek_wrap(key, Form::Blob).unwrap()
    });
    Bench::with_dkek(&[2]).user(|call| {
        let name = vec![(CKA_LABEL, text("DKEK"))];
        call.find_init(&name).unwrap();
        let dkek = call.find(2).unwrap()[0];
        call.find_final().unwrap();
        let answer = call.unwrap(&choice(CKM_TOKENKEEP_DKEK), dkek, &wrapped, &Vec::new());
        let kcv = |byte| Kcv::of(&share(byte)).to_string();
        refused(answer.clone(), Rv::WrappedKeyInvalid, &kcv(1));
        refused(answer, Rv::WrappedKeyInvalid, &kcv(2));
    });
}
