//! Which refusal comes first when several fit (PKCS#11 v3.2 §5.1.6 and §5.1.8, and the functions' own words).

use std::ptr::null_mut;

use tests::{Kind, Mechanism, Rv, Scene, every, ids::*, keys, raw, template};

const NOWHERE: CK_SESSION_HANDLE = 0x7fff_fff0;

#[test]
fn a_module_that_is_not_initialised_comes_before_all() {
    let scene = Scene::closed();
    let (c, c3) = (scene.library.c(), scene.library.c_3_2().expect("version 3.2"));
    scene.library.finalize().expect("C_Finalize");
    let all = [every::general(c), every::of_session(c, NOWHERE), every::of_session_3(c3, NOWHERE)].concat();
    assert_eq!(every::others(all, Rv::CryptokiNotInitialized), []);
}

#[test]
fn the_session_comes_before_every_other_argument() {
    let scene = Scene::new();
    let (c, c3) = (scene.library.c(), scene.library.c_3_2().expect("version 3.2"));
    let all = [every::of_session(c, NOWHERE), every::of_session_3(c3, NOWHERE)].concat();
    let relics = [Rv::SessionHandleInvalid, Rv::FunctionNotParallel];
    let wrong: Vec<_> = all.into_iter().filter(|(_, rv)| !relics.contains(rv)).collect();
    assert_eq!(wrong, []);
}

#[test]
fn a_slot_comes_before_the_place_for_the_answer() {
    let scene = Scene::closed();
    let c = scene.library.c();
    let answers = [
        raw!(c, C_OpenSession(NOWHERE, 0, null_mut(), None, &mut 0)),
        raw!(c, C_OpenSession(NOWHERE, CKF_SERIAL_SESSION | CKF_ASYNC_SESSION, null_mut(), None, &mut 0)),
        raw!(c, C_GetMechanismInfo(NOWHERE, CK_ULONG::MAX, &mut CK_MECHANISM_INFO::default())),
    ];
    assert_eq!(answers, [Rv::SlotIdInvalid; 3]);
}

#[test]
fn an_active_operation_comes_before_what_is_wrong_with_the_next() {
    let scene = Scene::new();
    let session = scene.session();
    session.begin(Kind::Sign, CKM_SHA256_HMAC, scene.secret(&[1; 32])).expect("C_SignInit");
    assert_eq!(session.begin(Kind::Sign, CKM_SHA256_HMAC, 4711), Err(Rv::OperationActive));
    assert_eq!(session.begin(Kind::Sign, CKM_SHA256_HMAC, scene.aes(&[1; 16])), Err(Rv::OperationActive));
    session.begin(Kind::Digest, CKM_SHA256, CK_INVALID_HANDLE).expect("C_DigestInit");
    for kind in [Kind::Sign, Kind::Digest] {
        for odd in [Mechanism::from(CKM_VENDOR_DEFINED | 1), Mechanism::bytes(CKM_AES_CBC, &[0; 5])] {
            assert_eq!(session.begin(kind, odd, 4711), Err(Rv::OperationActive), "{kind:?}");
        }
    }
}

#[test]
fn an_operation_that_was_not_begun_comes_before_what_is_wrong_with_the_call() {
    let scene = Scene::new();
    let session = scene.session();
    assert_eq!(session.digest_key(4711), Err(Rv::OperationNotInitialized));
    session.begin(Kind::Digest, CKM_SHA256, CK_INVALID_HANDLE).expect("C_DigestInit");
    assert_eq!(session.digest_key(4711), Err(Rv::KeyHandleInvalid));
}

#[test]
fn the_mechanism_comes_before_its_parameter_the_parameter_before_the_key() {
    let scene = Scene::new();
    let session = scene.session();
    let odd = Mechanism::bytes(CKM_VENDOR_DEFINED | 1, &[0; 5]);
    assert_eq!(session.begin(Kind::Encrypt, odd, 4711), Err(Rv::MechanismInvalid));
    let short = Mechanism::bytes(CKM_AES_CBC, &[0; 5]);
    assert_eq!(session.begin(Kind::Encrypt, short, 4711), Err(Rv::MechanismParamInvalid));
    assert_eq!(session.begin(Kind::Encrypt, CKM_AES_ECB, 4711), Err(Rv::KeyHandleInvalid));
}

#[test]
fn the_type_of_a_key_comes_before_its_usage_and_its_usage_before_its_mechanisms() {
    let scene = Scene::new();
    let session = scene.session();
    let only = CKM_AES_GCM.to_ne_bytes();
    let mute = keys::secret(CKK_AES, &[1; 16]).with(CKA_ENCRYPT, false).with(CKA_ALLOWED_MECHANISMS, &only);
    let key = scene.object(&mute);
    assert_eq!(session.begin(Kind::Encrypt, CKM_RSA_PKCS, key), Err(Rv::KeyTypeInconsistent));
    assert_eq!(session.begin(Kind::Encrypt, CKM_AES_ECB, key), Err(Rv::KeyFunctionNotPermitted));
    let key = scene.object(&mute.with(CKA_ENCRYPT, true));
    assert_eq!(session.begin(Kind::Encrypt, CKM_AES_ECB, key), Err(Rv::MechanismInvalid));
}

#[test]
fn a_bad_signature_comes_before_a_small_buffer() {
    let scene = Scene::new();
    let (public, _) = scene.rsa();
    let (c, h) = (scene.library.c(), scene.session().handle);
    let mut mechanism = CK_MECHANISM { mechanism: CKM_RSA_PKCS, ..Default::default() };
    assert_eq!(raw!(c, C_VerifyRecoverInit(h, &mut mechanism, public)), Rv::Ok);
    let (mut signature, mut out, mut len) = ([7u8; 256], [0; 1], 1);
    let answer = raw!(c, C_VerifyRecover(h, signature.as_mut_ptr(), 256, out.as_mut_ptr(), &mut len));
    assert_eq!(answer, Rv::SignatureInvalid);
}

#[test]
fn what_the_template_says_comes_before_who_may_write() {
    let scene = Scene::closed();
    let session = scene.open_read_only();
    let odd = template![CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_MODULUS => b"x"];
    assert_eq!(session.create(&odd), Err(Rv::TemplateInconsistent));
    let whole = template![CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_PRIVATE => true];
    assert_eq!(session.create(&whole), Err(Rv::SessionReadOnly), "and the session before the login");
    assert_eq!(session.create(&whole.with(CKA_TOKEN, false)), Err(Rv::UserNotLoggedIn));
}

#[test]
fn of_many_attributes_the_first_refusal_is_told_and_all_are_served() {
    let scene = Scene::new();
    let key = scene.object(&keys::secret(CKK_AES, &[1; 16]).with(CKA_SENSITIVE, true));
    let asked = [(CKA_MODULUS, None), (CKA_VALUE, Some(16)), (CKA_LABEL, Some(0)), (CKA_CLASS, Some(8))];
    let (rv, read) = scene.session().read(key, &asked);
    assert_eq!(rv, Rv::AttributeTypeInvalid);
    let lengths: Vec<_> = read.iter().map(|attribute| attribute.length).collect();
    assert_eq!(lengths, [None, None, Some(0), Some(8)]);
}

#[test]
fn a_locked_pin_comes_before_a_wrong_one_and_another_user_before_both() {
    let scene = Scene::closed();
    let session = scene.open();
    (0..3).for_each(|_| assert_eq!(session.login(CKU_USER, "wrong"), Err(Rv::PinIncorrect)));
    assert_eq!(session.login(CKU_USER, "wrong"), Err(Rv::PinLocked));
    session.login(CKU_SO, tests::SO_PIN).expect("the SO");
    assert_eq!(session.login(CKU_USER, "wrong"), Err(Rv::UserAnotherAlreadyLoggedIn));
    assert_eq!(session.login(77, "wrong"), Err(Rv::UserTypeInvalid));
}
