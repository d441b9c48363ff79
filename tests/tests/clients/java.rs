//! SunPKCS11.

use std::thread;

use tests::{Mechanism, Scene, ids::*, keys, template};

#[test]
fn slot_list_index_counts_all_slots_and_a_slot_is_an_int() {
    let scene = Scene::closed();
    let all = scene.library.slots(false).expect("C_GetSlotList");
    assert_eq!(all[0], scene.slot);
    assert!(i32::try_from(all[0]).is_ok());
}

#[test]
fn a_mechanism_flags_both_its_sides() {
    let scene = Scene::closed();
    for id in scene.library.mechanisms(scene.slot).expect("C_GetMechanismList") {
        let flags = scene.library.mechanism_info(scene.slot, id).expect("C_GetMechanismInfo").flags;
        for (one, other) in [(CKF_ENCRYPT, CKF_DECRYPT), (CKF_SIGN, CKF_VERIFY), (CKF_WRAP, CKF_UNWRAP)] {
            assert_eq!(flags & one != 0, flags & other != 0, "{}", tests::names::mechanism(id));
        }
    }
}

#[test]
fn a_key_store_finds_key_and_certificate_by_one_id_and_the_chain_by_its_names() {
    let scene = Scene::new();
    let session = scene.session();
    let key = scene.object(&keys::ec_private().with(CKA_ID, b"alias").with(CKA_LABEL, "alias"));
    let certificate = scene.object(&keys::certificate().with(CKA_ID, b"alias"));
    assert_eq!(session.find(&template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_ID => b"alias"]), Ok(vec![key]));
    let mine = template![CKA_CLASS => CKO_CERTIFICATE, CKA_ID => b"alias"];
    assert_eq!(session.find(&mine), Ok(vec![certificate]));
    for name in [CKA_SUBJECT, CKA_ISSUER] {
        let chain = template![CKA_CLASS => CKO_CERTIFICATE, name => keys::hex(keys::NAME)];
        assert_eq!(session.find(&chain), Ok(vec![certificate]));
    }
    session.get(certificate, CKA_LABEL).expect("CKA_LABEL");
    assert_eq!(session.flag(certificate, CKA_TRUSTED), Ok(false));
}

#[test]
fn secure_random_and_hmac_keys_are_offered() {
    let scene = Scene::new();
    assert_ne!(scene.flags() & CKF_RNG, 0);
    let key = template![CKA_VALUE_LEN => 32 as CK_ULONG, CKA_TOKEN => false, CKA_SIGN => true];
    let key = scene.session().generate(CKM_GENERIC_SECRET_KEY_GEN, &key).expect("an HMAC key");
    assert_eq!(scene.session().sign(CKM_SHA256_HMAC, key, b"data").map(|mac| mac.len()), Ok(32));
}

#[test]
fn an_ecdh_secret_needs_no_length() {
    let scene = Scene::new();
    let (_, private) = scene.ec();
    let ecdh = Mechanism::ecdh(CKD_NULL, b"", &keys::hex(keys::EC_Q));
    let secret =
        template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_TOKEN => false];
    let secret = secret.with(CKA_SENSITIVE, false).with(CKA_EXTRACTABLE, true);
    let key = scene.session().derive(ecdh, private, &secret).expect("C_DeriveKey");
    assert_eq!(scene.session().number(key, CKA_VALUE_LEN), Ok(32));
}

#[test]
fn sessions_are_many_and_other_threads_close_and_destroy() {
    let scene = Scene::new();
    let work: Vec<_> = (0..200).map(|n| (scene.open().handle, scene.secret(&[n as u8 + 1; 16]))).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            for (session, object) in &work {
                scene.session().destroy(*object).expect("C_DestroyObject");
                scene.library.session(*session).close().expect("C_CloseSession");
            }
        });
    });
    let info = scene.library.token_info(scene.slot).expect("C_GetTokenInfo");
    assert_eq!(info.ulSessionCount, 1, "only the scene's own");
}
