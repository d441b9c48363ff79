//! Sessions, logins and tokens that end in the middle of things, through the safe interface and through C.

use std::fs;
use std::path::PathBuf;

use tests::{Home, Kind, LABEL, Rv, SO_PIN, Safe, Scene, Template, USER_PIN, given, ids::*, keys, template};
use tokenkeep::cryptoki::Secret;

fn data() -> Template {
    template![CKA_CLASS => CKO_DATA, CKA_TOKEN => false, CKA_PRIVATE => false, CKA_LABEL => "data"]
}

mod sessions {
    use super::*;

    #[test]
    fn a_call_whose_session_closes_makes_nothing_and_logs_nobody_in() {
        let safe = Safe::new();
        let slot = safe.call().info().expect("C_GetSessionInfo").slot;
        let call = safe.call();
        safe.module.close_session(safe.session).expect("C_CloseSession");
        let pin = Secret::from(&b"1234"[..]);
        assert_eq!(call.login(CKU_USER, Some(&pin)).unwrap_err().rv(), Rv::SessionClosed);
        assert_eq!(call.create(&given(&data())).unwrap_err().rv(), Rv::SessionClosed);
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        let next = safe.module.open_session(slot, flags).expect("C_OpenSession");
        let next = safe.module.session(next).expect("a call");
        assert_eq!(next.info().expect("C_GetSessionInfo").state, CKS_RW_PUBLIC_SESSION);
        next.find_init(&given(&data())).expect("C_FindObjectsInit");
        assert_eq!(next.find(9), Ok(vec![]));
    }
}

mod removal {
    use super::*;

    /// The token's file, and another name for it while it is away.
    fn places(scene: &Scene) -> (PathBuf, PathBuf) {
        let entries = fs::read_dir(scene.library.home().path()).expect("the directory");
        let mut files = entries.map(|entry| entry.expect("an entry").path());
        let file = files.find(|path| path.extension().is_some_and(|end| end == "token")).expect("a token");
        let away = file.with_extension("away");
        (file, away)
    }

    #[test]
    fn a_token_that_goes_takes_its_sessions_along_and_comes_back_without_them() {
        let scene = Scene::new();
        let (old, key) = (scene.session(), scene.secret(&[7; 32]));
        let (file, away) = places(&scene);
        fs::rename(&file, &away).expect("the token goes");
        assert_eq!(scene.library.slots(true), Ok(vec![]));
        assert_eq!(old.state(), Err(Rv::DeviceRemoved));
        assert_eq!(old.get(key, CKA_CLASS), Err(Rv::DeviceRemoved));
        fs::rename(&away, &file).expect("the token comes back");
        assert_eq!(scene.library.slots(true), Ok(vec![scene.slot]));
        assert_eq!(old.state(), Err(Rv::DeviceRemoved), "the session was closed with the token");
        let new = scene.open();
        assert_eq!(new.state(), Ok(CKS_RW_PUBLIC_SESSION), "and the login with it");
        assert_eq!(new.login(CKU_USER, USER_PIN), Ok(()));
        assert_eq!(new.get(key, CKA_CLASS), Err(Rv::ObjectHandleInvalid));
        assert_eq!((old.close(), new.close()), (Ok(()), Ok(())));
        assert_eq!(scene.library.init_token(scene.slot, SO_PIN, LABEL), Ok(()));
    }

    #[test]
    fn a_token_in_whose_place_another_comes_takes_its_sessions_along() {
        let home = Home::new();
        let (scene, other) = (Scene::new(), Scene::closed_on(&home));
        let session = scene.session();
        let ((here, _), (there, _)) = (places(&scene), places(&other));
        drop(other.library);
        fs::rename(&there, &here).expect("the other token comes");
        scene.library.slots(true).expect("C_GetSlotList");
        assert_eq!(session.state(), Err(Rv::DeviceRemoved));
        assert_eq!(scene.open().state(), Ok(CKS_RW_PUBLIC_SESSION));
    }
}

mod initialised_elsewhere {
    use super::*;

    /// A logged-in user whose token another process initialises.
    fn stale() -> Scene {
        let scene = Scene::new();
        let (second, slot) = scene.second();
        second.init_token(slot, SO_PIN, LABEL).expect("C_InitToken");
        scene
    }

    #[test]
    fn the_session_tells_that_nobody_is_logged_in() {
        assert_eq!(stale().session().state(), Ok(CKS_RW_PUBLIC_SESSION));
    }

    #[test]
    fn nothing_private_can_be_made_and_public_objects_can() {
        for token in [false, true] {
            let object = data().with(CKA_TOKEN, token);
            let private = object.clone().with(CKA_PRIVATE, true);
            assert_eq!(stale().session().create(&private), Err(Rv::UserNotLoggedIn), "{token}");
            assert!(stale().session().create(&object).is_ok(), "{token}");
        }
    }

    #[test]
    fn who_was_the_so_of_the_token_before_trusts_no_key() {
        let scene = Scene::closed();
        let session = scene.open();
        session.login(CKU_SO, SO_PIN).expect("C_Login");
        let trusted = keys::secret(CKK_AES, &[1; 16]).with(CKA_PRIVATE, false).with(CKA_TRUSTED, true);
        session.create(&trusted).expect("the SO trusts a key");
        let (second, slot) = scene.second();
        second.init_token(slot, SO_PIN, LABEL).expect("C_InitToken");
        assert!(session.create(&trusted).is_err());
        assert_eq!(session.init_pin(USER_PIN), Err(Rv::UserNotLoggedIn));
    }
}

mod one_use {
    use super::*;

    #[test]
    fn who_gives_wrong_pins_until_none_is_left_is_logged_out() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.object(&keys::ec_private().with(CKA_ALWAYS_AUTHENTICATE, true));
        session.begin(Kind::Sign, CKM_ECDSA_SHA256, key).expect("C_SignInit");
        let wrong = || session.login(CKU_CONTEXT_SPECIFIC, "000000");
        assert_eq!((wrong(), wrong()), (Err(Rv::PinIncorrect), Err(Rv::PinIncorrect)));
        assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS));
        assert_eq!(wrong(), Err(Rv::PinLocked), "the try that locks says so (§4.9)");
        assert_eq!(session.state(), Ok(CKS_RW_PUBLIC_SESSION));
        assert_eq!(session.get(key, CKA_CLASS), Err(Rv::ObjectHandleInvalid));
        assert_eq!(session.single(Kind::Sign, b"data", Some(64)).rv, Rv::OperationNotInitialized);
    }
}
