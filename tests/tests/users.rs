//! Named users: the SO makes them, each logs in with a PIN of its own and has the user's rights (§5.6.9).

use tests::{LABEL, Rv, SO_PIN, Scene, Session, USER_PIN, ids::*, keys, raw, template};
use tokenkeep::api::{Call, Module};
use tokenkeep::cryptoki::Secret;

/// The SO, working in the way of tokentool: by the safe interface, as another process.
///
/// It lives as long as the scene: two SQLites in one process do not see each other's locks, so that neither may
/// close the file under the other.
struct Officer {
    module: Module,
    slot: CK_SLOT_ID,
}

impl Officer {
    fn of(scene: &Scene) -> Officer {
        let settings = scene.library.home().settings();
        let module = Module::start(Some(settings.to_str().expect("UTF-8"))).expect("the module");
        Officer { module, slot: scene.slot }
    }

    fn does<T>(&self, work: impl FnOnce(&Call) -> tokenkeep::cryptoki::Result<T>) -> tests::Result<T> {
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        let session = self.module.open_session(self.slot, flags).expect("a session");
        let call = self.module.session(session).expect("a call");
        call.login(CKU_SO, Some(&secret(SO_PIN))).expect("the SO logs in");
        let done = work(&call).map_err(|error| error.rv());
        self.module.close_session(session).expect("close");
        done
    }

    fn adds(&self, name: &str, pin: &str) -> tests::Result<()> {
        self.does(|so| so.add_user(name, &secret(pin)))
    }
}

fn secret(text: &str) -> Secret {
    Secret::from(text.as_bytes())
}

fn login(session: Session, user: CK_USER_TYPE, name: &str, pin: &str) -> Rv {
    let c = session.library.c_3_2().expect("version 3.2");
    let (n, p) = (name.as_bytes(), pin.as_bytes());
    raw!(
        c,
        C_LoginUser(
            session.handle,
            user,
            p.as_ptr().cast_mut(),
            p.len() as CK_ULONG,
            n.as_ptr().cast_mut(),
            n.len() as CK_ULONG
        )
    )
}

#[test]
fn without_a_name_it_is_c_login() {
    let scene = Scene::closed();
    let session = scene.open();
    assert_eq!(login(session, CKU_USER, "", "wrong"), Rv::PinIncorrect);
    assert_eq!(login(session, CKU_USER, "", USER_PIN), Rv::Ok);
    assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS));
    assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::UserAlreadyLoggedIn));
    session.logout().expect("C_Logout");
    assert_eq!(login(session, CKU_SO, "", SO_PIN), Rv::Ok);
    assert_eq!(session.state(), Ok(CKS_RW_SO_FUNCTIONS));
}

#[test]
fn a_named_user_has_the_users_rights_and_a_pin_of_its_own() {
    let scene = Scene::new();
    let officer = Officer::of(&scene);
    let key = keys::secret(CKK_AES, &[1; 16]).with(CKA_TOKEN, true).with(CKA_LABEL, "shared");
    scene.session().create(&key).expect("a private key");
    scene.session().logout().expect("C_Logout");
    officer.adds("älice", "alices pin").expect("add");
    let session = scene.session();
    assert_eq!(login(session, CKU_USER, "älice", USER_PIN), Rv::PinIncorrect);
    assert_eq!(login(session, CKU_USER, "älice", "alices pin"), Rv::Ok);
    assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS));
    assert_eq!(session.find(&template![CKA_LABEL => "shared"]).map(|found| found.len()), Ok(1));
    session.create(&key.clone().with(CKA_LABEL, "hers")).expect("she writes");
    assert_eq!(login(session, CKU_USER, "älice", "alices pin"), Rv::UserAlreadyLoggedIn);
    assert_eq!(login(session, CKU_USER, "bob", "bobs pin"), Rv::UserAnotherAlreadyLoggedIn);
    assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::UserAnotherAlreadyLoggedIn));
    session.logout().expect("C_Logout");
    session.login(CKU_USER, USER_PIN).expect("the user");
    assert_eq!(session.find(&template![CKA_LABEL => "hers"]).map(|found| found.len()), Ok(1));
}

#[test]
fn nobody_logs_in_under_a_name_that_is_not_there() {
    let scene = Scene::closed();
    let officer = Officer::of(&scene);
    let session = scene.open();
    for name in ["nobody", "so", "user", "user:user"] {
        assert_eq!(login(session, CKU_USER, name, SO_PIN), Rv::UserPinNotInitialized, "{name}");
    }
    officer.adds("so", "his own pin").expect("a user may be called so");
    assert_eq!(login(session, CKU_USER, "so", SO_PIN), Rv::PinIncorrect);
    assert_eq!(login(session, CKU_SO, "so", SO_PIN), Rv::UserTypeInvalid);
    assert_eq!(login(session, 17, "so", SO_PIN), Rv::UserTypeInvalid);
    assert_eq!(login(session, CKU_USER, "so", "his own pin"), Rv::Ok);
    assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS), "by name he is a user");
}

#[test]
fn each_has_a_counter_of_its_own() {
    let scene = Scene::closed();
    let officer = Officer::of(&scene);
    officer.adds("bob", "bobs pin").expect("add");
    let session = scene.open();
    for _ in 0..3 {
        assert_eq!(login(session, CKU_USER, "bob", "wrong"), Rv::PinIncorrect);
    }
    assert_eq!(login(session, CKU_USER, "bob", "bobs pin"), Rv::PinLocked);
    assert_eq!(scene.flags() & (CKF_USER_PIN_LOCKED | CKF_USER_PIN_COUNT_LOW), 0, "not the user's");
    session.login(CKU_USER, USER_PIN).expect("the user is not locked");
    session.logout().expect("C_Logout");
    let users = officer.does(|so| so.users()).expect("users");
    assert_eq!((users[0].name.as_str(), users[0].tries_left, users[0].tries_max), ("bob", 0, 3));
    officer.does(|so| so.reset_user("bob", &secret("new pin"))).expect("reset");
    assert_eq!(login(session, CKU_USER, "bob", "new pin"), Rv::Ok);
}

#[test]
fn who_is_logged_in_changes_the_own_pin() {
    let scene = Scene::closed();
    let officer = Officer::of(&scene);
    officer.adds("bob", "bobs pin").expect("add");
    let session = scene.open();
    assert_eq!(login(session, CKU_USER, "bob", "bobs pin"), Rv::Ok);
    assert_eq!(session.set_pin(USER_PIN, "another"), Err(Rv::PinIncorrect));
    assert_eq!(session.set_pin("bobs pin", "another"), Ok(()));
    session.logout().expect("C_Logout");
    assert_eq!(login(session, CKU_USER, "bob", "another"), Rv::Ok);
    session.logout().expect("C_Logout");
    assert_eq!(session.login(CKU_USER, USER_PIN), Ok(()), "the user's PIN is as it was");
}

#[test]
fn only_the_so_makes_users_and_only_with_good_names_and_pins() {
    let scene = Scene::closed();
    let officer = Officer::of(&scene);
    let bad = Err(Rv::ArgumentsBad);
    for name in ["", " bob", "bob\n", "a\0b", &"x".repeat(65)] {
        assert_eq!(officer.adds(name, "bobs pin"), bad, "{name:?}");
    }
    assert_eq!(officer.adds("bob", "123"), Err(Rv::PinLenRange));
    assert_eq!(officer.adds("bob", "bobs pin"), Ok(()));
    assert_eq!(officer.adds("bob", "other pin"), bad, "twice");
    assert_eq!(officer.does(|so| so.reset_user("eve", &secret("eves pin"))), Err(Rv::UserPinNotInitialized));
    let refused = officer.does(|so| {
        so.logout()?;
        so.login(CKU_USER, Some(&secret(USER_PIN)))?;
        so.add_user("eve", &secret("eves pin"))
    });
    assert_eq!(refused, Err(Rv::UserNotLoggedIn));
}

#[test]
fn a_removed_user_is_gone_and_so_are_all_after_c_init_token() {
    let scene = Scene::closed();
    let officer = Officer::of(&scene);
    officer.adds("bob", "bobs pin").expect("add");
    officer.adds("eve", "eves pin").expect("add");
    officer.does(|so| so.remove_user("bob")).expect("remove");
    assert_eq!(officer.does(|so| so.remove_user("bob")), Err(Rv::UserPinNotInitialized));
    assert_eq!(officer.does(|so| so.remove_user("")), Err(Rv::UserPinNotInitialized));
    let session = scene.open();
    assert_eq!(login(session, CKU_USER, "bob", "bobs pin"), Rv::UserPinNotInitialized);
    assert_eq!(login(session, CKU_USER, "eve", "eves pin"), Rv::Ok);
    session.close().expect("C_CloseSession");
    scene.library.init_token(scene.slot, SO_PIN, LABEL).expect("C_InitToken");
    assert_eq!(officer.does(|so| so.users()), Ok(vec![]));
}

#[test]
fn a_named_user_proves_again_with_the_own_pin() {
    let scene = Scene::closed();
    let officer = Officer::of(&scene);
    officer.adds("bob", "bobs pin").expect("add");
    let session = scene.open();
    assert_eq!(login(session, CKU_USER, "bob", "bobs pin"), Rv::Ok);
    let key = session.create(&keys::ec_private().with(CKA_ALWAYS_AUTHENTICATE, true)).expect("a key");
    session.begin(tests::Kind::Sign, CKM_ECDSA, key).expect("C_SignInit");
    assert_eq!(session.login(CKU_CONTEXT_SPECIFIC, USER_PIN), Err(Rv::PinIncorrect));
    assert_eq!(login(session, CKU_CONTEXT_SPECIFIC, "eve", "bobs pin"), Rv::UserTypeInvalid);
    assert_eq!(login(session, CKU_CONTEXT_SPECIFIC, "bob", "bobs pin"), Rv::Ok);
    assert_eq!(session.single(tests::Kind::Sign, &[1; 32], Some(64)).rv, Rv::Ok);
}
