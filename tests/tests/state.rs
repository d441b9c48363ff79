//! Saving what a session is doing, and going on elsewhere (PKCS#11 v3.2 §5.6.6, §5.6.7).

use tests::{Kind, Mechanism, Rv, Scene, USER_PIN, ids::*, keys, raw, room, template};

const DATA: &[u8] = b"the quick brown fox jumps over the lazy dog, and then once more over the dog";

/// Every operation that can be saved, with its key, and the one that verifies.
fn saveable(scene: &Scene) -> Vec<(Kind, Mechanism, CK_OBJECT_HANDLE)> {
    let ((_, rsa), (_, ec), secret) = (scene.rsa(), scene.ec(), scene.secret(&[7; 40]));
    let pss = Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 0);
    let mut all = vec![
        (Kind::Sign, CKM_SHA256_RSA_PKCS.into(), rsa),
        (Kind::Sign, CKM_RSA_PKCS.into(), rsa),
        (Kind::Sign, pss, rsa),
        (Kind::Sign, CKM_SHA256_HMAC.into(), secret),
        (Kind::Sign, Mechanism::number(CKM_SHA512_HMAC_GENERAL, 13), secret),
        (Kind::Sign, CKM_ECDSA_SHA256.into(), ec),
    ];
    for digest in [CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512] {
        all.push((Kind::Digest, digest.into(), CK_INVALID_HANDLE));
    }
    all
}

#[test]
fn what_is_saved_in_the_middle_goes_on_in_another_session_and_here() {
    let scene = Scene::new();
    let here = scene.session();
    for (kind, mechanism, key) in saveable(&scene) {
        here.begin(kind, mechanism.clone(), key).expect("begin");
        assert_eq!(here.update(kind, &DATA[..33], None).rv, Rv::Ok);
        let state = here.operation_state().expect("C_GetOperationState");
        let there = scene.open();
        there.set_operation_state(&state, 0, key).unwrap_or_else(|rv| panic!("{mechanism:?}: {rv:?}"));
        let ends: Vec<Vec<u8>> = [here, there]
            .map(|session| {
                assert_eq!(session.update(kind, &DATA[33..], None).rv, Rv::Ok);
                session.finish(kind, Some(512)).bytes().expect("finish")
            })
            .into();
        if mechanism.id != CKM_ECDSA_SHA256 {
            assert_eq!(ends[0], ends[1], "{mechanism:?}");
            assert_eq!(here.whole(kind, mechanism.clone(), key, DATA), Ok(ends[0].clone()), "{mechanism:?}");
        }
        there.close().expect("C_CloseSession");
    }
}

#[test]
fn a_verification_is_saved_too() {
    let scene = Scene::new();
    let session = scene.session();
    let (public, private) = scene.ec();
    let signature = session.sign(CKM_ECDSA_SHA256, private, DATA).expect("sign");
    session.begin(Kind::Verify, CKM_ECDSA_SHA256, public).expect("C_VerifyInit");
    session.update(Kind::Verify, &DATA[..9], None);
    let state = session.operation_state().expect("C_GetOperationState");
    assert_eq!(session.verify_finish(&signature), Err(Rv::SignatureInvalid));
    session.set_operation_state(&state, 0, 0).expect("C_SetOperationState");
    assert_eq!(session.update(Kind::Verify, &DATA[9..], None).rv, Rv::Ok);
    assert_eq!(session.verify_finish(&signature), Ok(()));
}

#[test]
fn a_state_follows_the_length_protocol() {
    let scene = Scene::new();
    let session = scene.session();
    let call = |size| room(size, |p, l| raw!(scene.library.c(), C_GetOperationState(session.handle, p, l)));
    assert_eq!(call(None).rv, Rv::OperationNotInitialized);
    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    let query = call(None);
    assert_eq!(query.rv, Rv::Ok);
    let small = call(Some(query.length - 1));
    assert_eq!((small.rv, small.length), (Rv::BufferTooSmall, query.length));
    assert_eq!(call(Some(query.length)).length, query.length);
}

#[test]
fn what_is_encrypted_cannot_be_saved() {
    let scene = Scene::new();
    let session = scene.session();
    let key = scene.aes(&[1; 16]);
    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    session.begin(Kind::Encrypt, CKM_AES_ECB, key).expect("C_EncryptInit");
    assert_eq!(session.operation_state(), Err(Rv::StateUnsaveable));
    assert_eq!(session.cancel(Kind::Encrypt), Rv::Ok);
    assert!(session.operation_state().is_ok());
}

#[test]
fn nonsense_and_states_of_others_are_refused() {
    let (scene, other) = (Scene::new(), Scene::new());
    let session = scene.session();
    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    let state = session.operation_state().expect("C_GetOperationState");
    let refused = Err(Rv::SavedStateInvalid);
    assert_eq!(other.session().set_operation_state(&state, 0, 0), refused, "of another token and module");
    let (second, slot) = scene.second();
    assert_eq!(second.open(slot, true).expect("open").set_operation_state(&state, 0, 0), refused);
    for len in 0..state.len() {
        assert_eq!(session.set_operation_state(&state[..len], 0, 0), refused, "{len} bytes");
        let mut forged = state.clone();
        forged[len] ^= 1;
        assert_eq!(session.set_operation_state(&forged, 0, 0), refused, "byte {len}");
    }
    assert_eq!(session.set_operation_state(&[], 0, 0), refused);
    assert_eq!(session.finish(Kind::Digest, Some(32)).rv, Rv::Ok, "a refusal leaves what was there");
}

#[test]
fn the_keys_given_must_be_those_of_the_saved_operations() {
    let scene = Scene::new();
    let session = scene.session();
    let (key, another) = (scene.secret(&[7; 32]), scene.secret(&[7; 32]));
    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    let digest = session.operation_state().expect("C_GetOperationState");
    for (encryption, authentication) in [(key, 0), (0, key), (key, key)] {
        let answer = session.set_operation_state(&digest, encryption, authentication);
        assert_eq!(answer, Err(Rv::KeyNotNeeded));
    }
    assert_eq!(session.cancel(Kind::Digest), Rv::Ok);
    session.begin(Kind::Sign, CKM_SHA256_HMAC, key).expect("C_SignInit");
    let sign = session.operation_state().expect("C_GetOperationState");
    assert_eq!(session.set_operation_state(&sign, another, key), Err(Rv::KeyNotNeeded));
    assert_eq!(session.set_operation_state(&sign, 0, another), Err(Rv::KeyChanged));
    assert_eq!(session.set_operation_state(&sign, 0, 4711), Err(Rv::KeyChanged));
    assert_eq!(session.set_operation_state(&sign, key, key), Ok(()), "as pkcs11-provider does");
    assert_eq!(session.set_operation_state(&sign, 0, 0), Ok(()), "CKF_RESTORE_KEY_NOT_NEEDED");
    assert_ne!(scene.flags() & CKF_RESTORE_KEY_NOT_NEEDED, 0);
    session.destroy(key).expect("C_DestroyObject");
    assert_eq!(session.set_operation_state(&sign, 0, 0), Err(Rv::KeyNeeded));
}

#[test]
fn a_state_does_not_outlive_its_login() {
    let scene = Scene::new();
    let session = scene.session();
    let stored = keys::secret(CKK_GENERIC_SECRET, &[3; 32]).with(CKA_TOKEN, true).with(CKA_LABEL, "mac");
    let key = session.create(&stored).expect("a token key");
    session.begin(Kind::Sign, CKM_SHA256_HMAC, key).expect("C_SignInit");
    let state = session.operation_state().expect("C_GetOperationState");
    session.logout().expect("C_Logout");
    assert_eq!(session.operation_state(), Err(Rv::OperationNotInitialized));
    assert_eq!(session.set_operation_state(&state, 0, 0), Err(Rv::KeyNeeded));
    session.login(CKU_USER, USER_PIN).expect("C_Login");
    assert_eq!(session.set_operation_state(&state, 0, 0), Err(Rv::KeyNeeded), "another handle now");
    let key = session.find(&template![CKA_LABEL => "mac"]).expect("find")[0];
    assert_eq!(session.set_operation_state(&state, 0, key), Ok(()));
}

#[test]
fn a_login_for_one_use_is_not_saved_with_the_operation() {
    let scene = Scene::new();
    let session = scene.session();
    let key = scene.object(&keys::ec_private().with(CKA_ALWAYS_AUTHENTICATE, true));
    session.begin(Kind::Sign, CKM_ECDSA_SHA256, key).expect("C_SignInit");
    session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).expect("C_Login");
    let state = session.operation_state().expect("C_GetOperationState");
    assert_eq!(session.single(Kind::Sign, DATA, Some(64)).rv, Rv::Ok);
    session.set_operation_state(&state, 0, key).expect("C_SetOperationState");
    assert_eq!(session.single(Kind::Sign, DATA, Some(64)).rv, Rv::UserNotLoggedIn);
}

#[test]
fn two_operations_are_saved_together() {
    let scene = Scene::new();
    let session = scene.session();
    let key = scene.secret(&[7; 32]);
    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    session.begin(Kind::Sign, CKM_SHA256_HMAC, key).expect("C_SignInit");
    session.update(Kind::Digest, DATA, None);
    session.update(Kind::Sign, DATA, None);
    let state = session.operation_state().expect("C_GetOperationState");
    let there = scene.open();
    there.begin(Kind::Digest, CKM_SHA512, 0).expect("C_DigestInit");
    there.set_operation_state(&state, 0, 0).expect("what is active gives way");
    let digest = there.finish(Kind::Digest, Some(64)).bytes();
    let mac = there.finish(Kind::Sign, Some(64)).bytes();
    assert_eq!(digest, session.finish(Kind::Digest, Some(64)).bytes());
    assert_eq!(mac, session.finish(Kind::Sign, Some(64)).bytes());
}
