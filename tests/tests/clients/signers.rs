//! OpenSSH, and the signers of DNSSEC.

use std::thread;

use tests::{Kind, Rv, Scene, USER_PIN, ids::*, keys, template};

#[test]
fn ssh_lists_keys_and_certificates_without_a_login_then_signs_with_a_login_for_each_use() {
    let scene = Scene::new();
    let (id, kept) = (b"\x01", |template: tests::Template| template.with(CKA_TOKEN, true));
    scene.object(&kept(keys::ec_private().with(CKA_ID, id).with(CKA_ALWAYS_AUTHENTICATE, true)));
    scene.object(&kept(keys::ec_public().with(CKA_ID, id)));
    scene.object(&kept(keys::certificate().with(CKA_ID, id)));
    scene.session().logout().expect("C_Logout");

    let session = scene.open();
    for class in [CKO_CERTIFICATE, CKO_PUBLIC_KEY] {
        let found = session.find(&template![CKA_CLASS => class]).expect("C_FindObjects");
        assert_eq!(found.len(), 1);
        assert_eq!(session.get(found[0], CKA_ID), Ok(id.to_vec()));
    }
    let public = session.find(&template![CKA_CLASS => CKO_PUBLIC_KEY]).expect("C_FindObjects")[0];
    assert_eq!(session.get(public, CKA_EC_PARAMS), Ok(keys::P256.to_vec()));
    assert_eq!(session.get(public, CKA_EC_POINT).map(|point| point[..2].to_vec()), Ok(vec![0x04, 0x41]));

    let private = template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_ID => id, CKA_SIGN => true];
    assert_eq!(session.find(&private), Ok(vec![]), "nothing private without a login");
    session.login(CKU_USER, USER_PIN).expect("C_Login");
    let private = session.find(&private).expect("C_FindObjects")[0];
    session.begin(Kind::Sign, CKM_ECDSA, private).expect("C_SignInit");
    assert_eq!(session.flag(private, CKA_ALWAYS_AUTHENTICATE), Ok(true), "read after C_SignInit");
    session.login(CKU_CONTEXT_SPECIFIC, USER_PIN).expect("C_Login for this one use");
    assert_eq!(session.single(Kind::Sign, &[1; 32], Some(64)).rv, Rv::Ok);
    session.begin(Kind::Sign, CKM_ECDSA, private).expect("C_SignInit");
    assert_eq!(session.single(Kind::Sign, &[1; 32], Some(64)).rv, Rv::UserNotLoggedIn, "one login, one use");
}

#[test]
fn dnssec_makes_a_key_under_its_own_id_finds_it_at_once_and_signs_in_many_threads() {
    let scene = Scene::new();
    let session = scene.session();
    assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS));
    let id = [0xab; 20];
    let public = template![CKA_EC_PARAMS => keys::P256, CKA_TOKEN => true, CKA_ID => &id, CKA_VERIFY => true];
    let private = template![CKA_TOKEN => true, CKA_ID => &id, CKA_SIGN => true];
    let (public, private) = session.generate_pair(CKM_EC_KEY_PAIR_GEN, &public, &private).expect("a pair");
    assert_eq!(session.find(&template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_ID => &id]), Ok(vec![private]));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let session = scene.open();
                for _ in 0..20 {
                    let signature = session.sign(CKM_ECDSA, private, &[3; 32]).expect("the handle is kept");
                    assert_eq!(session.verify(CKM_ECDSA, public, &[3; 32], &signature), Ok(()));
                }
            });
        }
    });
}
