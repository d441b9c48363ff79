//! OpenSSL: the engine of libp11, and pkcs11-provider.

use tests::{Home, Library, Mechanism, Rv, Scene, ids::*, keys, template};

#[test]
fn c_get_token_info_answers_for_a_token_that_is_not_initialised() {
    let library = Library::on(&Home::new());
    let spare = library.spare_slot().expect("a slot");
    assert_eq!(library.token_info(spare).map(|info| info.flags & CKF_TOKEN_INITIALIZED), Ok(0));
}

#[test]
fn sixteen_sessions_are_open_at_once() {
    let scene = Scene::new();
    let sessions: Vec<_> = (0..16).map(|_| scene.open()).collect();
    assert!(sessions.iter().all(|session| session.state() == Ok(CKS_RW_USER_FUNCTIONS)));
}

#[test]
fn what_the_engine_reads_of_a_key_is_there() {
    let scene = Scene::new();
    let session = scene.session();
    let wanted: [(CK_OBJECT_HANDLE, &[CK_ATTRIBUTE_TYPE]); 4] = [
        (scene.rsa().0, &[CKA_MODULUS, CKA_PUBLIC_EXPONENT]),
        (scene.rsa().1, &[CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_ALWAYS_AUTHENTICATE]),
        (scene.ec().0, &[CKA_EC_PARAMS, CKA_EC_POINT]),
        (scene.ec().1, &[CKA_EC_PARAMS, CKA_ALWAYS_AUTHENTICATE]),
    ];
    for (key, attributes) in wanted {
        for attribute in attributes.iter().chain(&[CKA_CLASS, CKA_KEY_TYPE, CKA_ID, CKA_LABEL]) {
            session
                .get(key, *attribute)
                .unwrap_or_else(|rv| panic!("{}: {rv:?}", tests::names::attribute(*attribute)));
        }
    }
}

#[test]
fn ecdsa_takes_a_digest_that_was_cut() {
    let scene = Scene::new();
    let (public, private) = scene.ec();
    let signature = scene.session().sign(CKM_ECDSA, private, &[5; 20]).expect("C_Sign");
    assert_eq!(scene.session().verify(CKM_ECDSA, public, &[5; 20], &signature), Ok(()));
}

#[test]
fn a_derived_key_may_be_for_encryption() {
    let scene = Scene::new();
    let (_, private) = scene.ec();
    let wanted = template![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => CKK_GENERIC_SECRET,
        CKA_TOKEN => false,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
        CKA_ENCRYPT => true,
        CKA_DECRYPT => true,
        CKA_VALUE_LEN => 32 as CK_ULONG,
    ];
    let ecdh = Mechanism::ecdh(CKD_NULL, b"", &keys::hex(keys::EC_Q));
    let key = scene.session().derive(ecdh, private, &wanted).expect("C_DeriveKey");
    assert_eq!(scene.session().get(key, CKA_VALUE).map(|value| value.len()), Ok(32));
}

#[test]
fn the_provider_reads_what_few_others_read() {
    let scene = Scene::new();
    let session = scene.session();
    let key = scene.object(&keys::ec_private().with(CKA_SUBJECT, keys::hex(keys::NAME)));
    assert_eq!(session.get(key, CKA_ALLOWED_MECHANISMS), Ok(vec![]), "no limit");
    assert_eq!(session.get(key, CKA_SUBJECT), Ok(keys::hex(keys::NAME)));
    assert!(session.get(key, CKA_PUBLIC_KEY_INFO).is_ok_and(|info| !info.is_empty()));
    assert_eq!(session.get(key, CKA_PARAMETER_SET), Err(Rv::AttributeTypeInvalid), "keys of ML-DSA have it");
}

#[test]
fn a_key_is_copied_into_a_read_only_session() {
    let scene = Scene::new();
    let key = scene.object(&keys::ec_private().with(CKA_TOKEN, true));
    let reader = scene.open_read_only();
    let copy = reader.copy(key, &template![CKA_TOKEN => false]).expect("C_CopyObject");
    assert_eq!(reader.sign(CKM_ECDSA, copy, &[1; 32]).map(|signature| signature.len()), Ok(64));
    assert_eq!(reader.copy(key, &template![]), Err(Rv::SessionReadOnly), "a token object is none of its own");
}
