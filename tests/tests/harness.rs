//! The harness itself: a scene is what it says.

use tests::{Kind, Rv, SO_PIN, Scene, ids::*, keys::hex};

#[test]
fn a_scene_has_a_token_with_its_user_logged_in() {
    let scene = Scene::new();
    assert_eq!(scene.session().state(), Ok(CKS_RW_USER_FUNCTIONS));
    assert_eq!(scene.session().login(CKU_SO, SO_PIN), Err(Rv::UserAnotherAlreadyLoggedIn));
}

#[test]
fn two_libraries_in_one_process_do_not_share_their_state() {
    let (one, two) = (Scene::new(), Scene::closed());
    assert_eq!(two.open().state(), Ok(CKS_RW_PUBLIC_SESSION));
    two.library.finalize().expect("C_Finalize");
    assert_eq!(one.session().state(), Ok(CKS_RW_USER_FUNCTIONS));
}

#[test]
fn a_second_library_sees_the_same_token() {
    let scene = Scene::closed();
    let (second, slot) = scene.second();
    let serial = |info: CK_TOKEN_INFO| info.serialNumber;
    assert_eq!(second.token_info(slot).map(serial), scene.library.token_info(scene.slot).map(serial));
}

#[test]
fn an_answer_that_fits_its_buffer_comes_back_whole() {
    let scene = Scene::new();
    let answer = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(scene.session().digest(CKM_SHA256, b"abc"), Ok(answer.clone()));
    scene.session().begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    assert_eq!(scene.session().single(Kind::Digest, b"abc", Some(100)).bytes(), Ok(answer));
}
