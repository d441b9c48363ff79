//! What a key says of the keys that go out and come in by it, and what keys and certificates are known by.

use tests::keys;
use tests::{Mechanism, Rv, Scene, Template, USER_PIN, ids::*, template};

const VALUE: [u8; 32] = *b"a key of thirty-two whole bytes.";

/// An AES key that may do everything, with other attributes in place of its own.
fn aes(scene: &Scene, other: &Template) -> CK_OBJECT_HANDLE {
    scene.object(&keys::secret(CKK_AES, &[5; 16]).and(other))
}

/// An AES key to come, which shows its value.
fn open() -> Template {
    template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]
}

fn iv(id: CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism::bytes(id, &[9; 16])
}

mod imposed {
    use super::*;

    /// The outcome of C_UnwrapKey by a key with that CKA_UNWRAP_TEMPLATE.
    fn unwrapped(scene: &Scene, imposed: Template, asked: &Template) -> Result<CK_OBJECT_HANDLE, Rv> {
        let (session, by) = (scene.session(), aes(scene, &template![CKA_UNWRAP_TEMPLATE => imposed]));
        let wrapped = session.encrypt(CKM_AES_ECB, by, &VALUE).expect("C_Encrypt");
        session.unwrap(CKM_AES_ECB, by, &wrapped, asked)
    }

    #[test]
    fn what_a_user_must_not_ask_for_does_not_come_by_a_template_of_a_key() {
        let scene = Scene::new();
        let trusted = || template![CKA_TRUSTED => true];
        assert_eq!(unwrapped(&scene, trusted(), &open()), Err(Rv::AttributeReadOnly));
        let base = aes(&scene, &template![CKA_DERIVE_TEMPLATE => trusted()]);
        let derived =
            scene.session().derive(CKM_SHA256_KEY_DERIVATION, base, &open().with(CKA_VALUE_LEN, 16u64));
        assert_eq!(derived, Err(Rv::AttributeReadOnly));
        let strange = template![CKA_ALWAYS_AUTHENTICATE => true];
        assert_eq!(unwrapped(&scene, strange, &open()), Err(Rv::TemplateInconsistent));
    }

    #[test]
    fn what_a_key_imposes_is_added_and_not_contradicted() {
        let scene = Scene::new();
        let whole = || template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_SENSITIVE => true];
        let key =
            unwrapped(&scene, whole(), &template![CKA_LABEL => "known by its label"]).expect("C_UnwrapKey");
        assert_eq!(scene.session().number(key, CKA_KEY_TYPE), Ok(CKK_AES));
        assert_eq!(scene.session().get(key, CKA_VALUE), Err(Rv::AttributeSensitive));
        assert_eq!(unwrapped(&scene, whole(), &open()), Err(Rv::TemplateInconsistent));
    }
}

mod coming_back {
    use super::*;

    #[test]
    fn only_what_filled_a_key_up_is_cut_off() {
        let scene = Scene::new();
        let (session, by) = (scene.session(), aes(&scene, &template![]));
        let generic = open().with(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
        let odd = scene.object(&keys::secret(CKK_GENERIC_SECRET, &VALUE[..21]));
        let even = scene.object(&keys::secret(CKK_GENERIC_SECRET, &VALUE));
        for (mechanism, fills) in [
            (Mechanism::from(CKM_AES_ECB), true),
            (iv(CKM_AES_CBC), true),
            (CKM_AES_KEY_WRAP.into(), true),
            (iv(CKM_AES_CBC_PAD), false),
            (CKM_AES_KEY_WRAP_KWP.into(), false),
            (CKM_AES_KEY_WRAP_PKCS7.into(), false),
        ] {
            let back = |wrapped: &[u8], len: CK_ULONG| {
                let key =
                    session.unwrap(mechanism.clone(), by, wrapped, &generic.clone().with(CKA_VALUE_LEN, len));
                key.map(|key| session.get(key, CKA_VALUE).expect("CKA_VALUE"))
            };
            let wrapped = session.wrap(mechanism.clone(), by, odd).expect("C_WrapKey");
            assert_eq!(back(&wrapped, 21), Ok(VALUE[..21].to_vec()), "{mechanism:?}");
            assert_eq!(back(&wrapped, 20), Err(Rv::TemplateInconsistent), "{mechanism:?}");
            let filled =
                if fills { Ok([&VALUE[..21], &[0]].concat()) } else { Err(Rv::TemplateInconsistent) };
            assert_eq!(back(&wrapped, 22), filled, "{mechanism:?}");
            let wrapped = session.wrap(mechanism.clone(), by, even).expect("C_WrapKey");
            for len in [1, 16, 31] {
                assert_eq!(back(&wrapped, len), Err(Rv::TemplateInconsistent), "{mechanism:?} {len}");
            }
        }
    }

    #[test]
    fn what_rsa_cannot_unwrap_is_a_wrong_wrapped_key() {
        let scene = Scene::new();
        let (_, private) = scene.rsa();
        let oaep = Mechanism::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
        for mechanism in [Mechanism::from(CKM_RSA_PKCS), oaep.clone()] {
            let refused = scene.session().unwrap(mechanism.clone(), private, &[1; 255], &open());
            assert_eq!(refused, Err(Rv::WrappedKeyLenRange), "{mechanism:?}");
        }
        assert_eq!(scene.session().unwrap(oaep, private, &[1; 256], &open()), Err(Rv::WrappedKeyInvalid));
    }

    #[test]
    fn what_only_trusted_keys_wrap_is_not_drawn_out_by_derivation() {
        let scene = Scene::new();
        let session = scene.session();
        let base = aes(&scene, &template![CKA_WRAP_WITH_TRUSTED => true]);
        let extract = Mechanism::number(CKM_EXTRACT_KEY_FROM_KEY, 0);
        let asked = open().with(CKA_VALUE_LEN, 16u64);
        let copy = session.derive(extract.clone(), base, &asked).expect("C_DeriveKey");
        assert_eq!(session.flag(copy, CKA_WRAP_WITH_TRUSTED), Ok(true));
        let loose = asked.with(CKA_WRAP_WITH_TRUSTED, false);
        assert_eq!(session.derive(extract, base, &loose), Err(Rv::TemplateInconsistent));
    }
}

#[test]
fn only_a_private_key_asks_for_its_pin_each_time() {
    let scene = Scene::new();
    let each_time = keys::rsa_private().with(CKA_ALWAYS_AUTHENTICATE, true);
    assert!(scene.session().create(&each_time).is_ok());
    assert_eq!(scene.session().create(&each_time.with(CKA_PRIVATE, false)), Err(Rv::TemplateInconsistent));
}

#[test]
fn a_copy_of_a_trusted_certificate_says_what_was_trusted() {
    let scene = Scene::new();
    let session = scene.session();
    session.create(&keys::certificate().with(CKA_TOKEN, true)).expect("C_CreateObject");
    session.logout().expect("C_Logout");
    session.login(CKU_SO, tests::SO_PIN).expect("C_Login");
    let found = || session.find(&template![CKA_CLASS => CKO_CERTIFICATE]).expect("C_FindObjects")[0];
    session.set(found(), &template![CKA_TRUSTED => true]).expect("C_SetAttributeValue");
    session.logout().expect("C_Logout");
    session.login(CKU_USER, USER_PIN).expect("C_Login");
    let certificate = found();
    for other in [template![CKA_LABEL => "another"], template![CKA_ID => b"another"]] {
        assert_eq!(session.copy(certificate, &other), Err(Rv::ActionProhibited));
    }
    let copy = session.copy(certificate, &template![CKA_TOKEN => false]).expect("C_CopyObject");
    assert_eq!(session.flag(copy, CKA_TRUSTED), Ok(true));
}

/// As the driver of a SmartCard-HSM does it: Java finds the certificate of a key by the CKA_ID that they share.
#[test]
fn a_pair_and_its_certificate_get_one_id_where_none_is_given() {
    let scene = Scene::new();
    let session = scene.session();
    let id = |object| session.get(object, CKA_ID).expect("CKA_ID");
    let (public, private) = scene.generate_ec().expect("C_GenerateKeyPair");
    assert_eq!((id(public).len(), id(public)), (20, id(private)));
    let certificate = scene.object(&keys::certificate().without(CKA_ID));
    let of_it = session.get(certificate, CKA_PUBLIC_KEY_INFO).expect("CKA_PUBLIC_KEY_INFO");
    assert_eq!(Some(id(certificate)), tokenkeep::crypto::spki::usual_id(&of_it));
    let without = keys::rsa_private().without(CKA_ID);
    assert_eq!(id(scene.object(&without)).len(), 20);
    assert_eq!(id(scene.object(&without.with(CKA_ID, b""))), b"");
    assert_eq!(id(aes(&scene, &template![])), b"", "a secret key has no public value");
}
