//! Logging in: session states, PINs, their counters and flags, and C_InitToken.

use tests::{Home, LABEL, Library, Rv, SO_PIN, Scene, USER_PIN, ids::*, template};

const WRONG: &str = "000000";

/// What the flags say of the user PIN.
const USER_STATE: CK_FLAGS = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
/// What the flags say of the SO PIN.
const SO_STATE: CK_FLAGS = CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED;

mod states {
    use super::*;

    #[test]
    fn sessions_move_between_states_together() {
        let scene = Scene::closed();
        let (write, read) = (scene.open(), scene.open_read_only());
        let states = || (write.state(), read.state());
        assert_eq!(states(), (Ok(CKS_RW_PUBLIC_SESSION), Ok(CKS_RO_PUBLIC_SESSION)));
        read.login(CKU_USER, USER_PIN).expect("C_Login in the read-only session");
        assert_eq!(states(), (Ok(CKS_RW_USER_FUNCTIONS), Ok(CKS_RO_USER_FUNCTIONS)));
        assert_eq!(scene.open().state(), Ok(CKS_RW_USER_FUNCTIONS), "a new session joins");
        write.logout().expect("C_Logout");
        assert_eq!(states(), (Ok(CKS_RW_PUBLIC_SESSION), Ok(CKS_RO_PUBLIC_SESSION)));
        read.close().expect("C_CloseSession");
        write.login(CKU_SO, SO_PIN).expect("C_Login as SO");
        assert_eq!(write.state(), Ok(CKS_RW_SO_FUNCTIONS));
        assert_eq!(scene.open().state(), Ok(CKS_RW_SO_FUNCTIONS));
    }

    #[test]
    fn the_session_tells_its_slot_and_flags() {
        let scene = Scene::closed();
        for (session, flags) in [
            (scene.open(), CKF_SERIAL_SESSION | CKF_RW_SESSION),
            (scene.open_read_only(), CKF_SERIAL_SESSION),
        ] {
            let info = session.info().expect("C_GetSessionInfo");
            assert_eq!((info.slotID, info.flags), (scene.slot, flags));
        }
    }

    #[test]
    fn closing_the_last_session_logs_out() {
        let scene = Scene::new();
        scene.session().close().expect("C_CloseSession");
        assert_eq!(scene.open().state(), Ok(CKS_RW_PUBLIC_SESSION));
        let scene = Scene::new();
        scene.library.close_all(scene.slot).expect("C_CloseAllSessions");
        assert_eq!(scene.open().state(), Ok(CKS_RW_PUBLIC_SESSION));
    }

    #[test]
    fn the_so_is_refused_while_a_read_only_session_is_open() {
        let scene = Scene::closed();
        let (write, read) = (scene.open(), scene.open_read_only());
        assert_eq!(write.login(CKU_SO, SO_PIN), Err(Rv::SessionReadOnlyExists));
        read.close().expect("C_CloseSession");
        assert_eq!(write.login(CKU_SO, SO_PIN), Ok(()));
    }

    #[test]
    fn a_read_only_session_is_refused_while_the_so_is_logged_in() {
        let scene = Scene::closed();
        let session = scene.open();
        session.login(CKU_SO, SO_PIN).expect("C_Login");
        let refusal = scene.library.open(scene.slot, false).err();
        assert_eq!(refusal, Some(Rv::SessionReadWriteSoExists));
        session.logout().expect("C_Logout");
        assert!(scene.library.open(scene.slot, false).is_ok());
    }

    #[test]
    fn logging_in_twice_is_told_apart_by_who_it_is() {
        let scene = Scene::new();
        let session = scene.open();
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::UserAlreadyLoggedIn));
        assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::UserAlreadyLoggedIn));
        assert_eq!(session.login(CKU_SO, SO_PIN), Err(Rv::UserAnotherAlreadyLoggedIn));
        session.logout().expect("C_Logout");
        session.login(CKU_SO, SO_PIN).expect("C_Login");
        assert_eq!(session.login(CKU_SO, SO_PIN), Err(Rv::UserAlreadyLoggedIn));
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::UserAnotherAlreadyLoggedIn));
    }

    #[test]
    fn who_is_not_logged_in_cannot_log_out() {
        let scene = Scene::closed();
        assert_eq!(scene.open().logout(), Err(Rv::UserNotLoggedIn));
    }

    #[test]
    fn two_processes_log_in_each_for_itself() {
        let scene = Scene::new();
        let (second, slot) = scene.second();
        let session = second.open(slot, true).expect("C_OpenSession");
        assert_eq!(session.state(), Ok(CKS_RW_PUBLIC_SESSION));
        session.login(CKU_USER, USER_PIN).expect("C_Login");
        scene.session().logout().expect("C_Logout");
        assert_eq!(session.state(), Ok(CKS_RW_USER_FUNCTIONS));
    }

    #[test]
    fn a_login_for_one_use_is_refused_where_no_key_asks_for_it() {
        let scene = Scene::new();
        let answer = scene.session().login(CKU_CONTEXT_SPECIFIC, USER_PIN);
        assert_eq!(answer, Err(Rv::OperationNotInitialized));
    }
}

mod tries {
    use super::*;

    #[test]
    fn the_third_wrong_user_pin_locks_and_every_step_shows_in_the_flags() {
        let scene = Scene::closed();
        let session = scene.open();
        assert_eq!(scene.flags() & USER_STATE, 0);
        assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
        assert_eq!(scene.flags() & USER_STATE, CKF_USER_PIN_COUNT_LOW);
        assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
        assert_eq!(scene.flags() & USER_STATE, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
        assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
        assert_eq!(scene.flags() & USER_STATE, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED);
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::PinLocked), "even the right one");
        assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::PinLocked));
        assert_eq!(session.state(), Ok(CKS_RW_PUBLIC_SESSION));
    }

    #[test]
    fn the_so_pin_locks_in_the_same_way() {
        let scene = Scene::closed();
        let session = scene.open();
        assert_eq!(scene.flags() & SO_STATE, 0);
        assert_eq!(session.login(CKU_SO, WRONG), Err(Rv::PinIncorrect));
        assert_eq!(scene.flags() & SO_STATE, CKF_SO_PIN_COUNT_LOW);
        assert_eq!(session.login(CKU_SO, WRONG), Err(Rv::PinIncorrect));
        assert_eq!(scene.flags() & SO_STATE, CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY);
        assert_eq!(session.login(CKU_SO, WRONG), Err(Rv::PinIncorrect));
        assert_eq!(scene.flags() & SO_STATE, CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_LOCKED);
        assert_eq!(session.login(CKU_SO, SO_PIN), Err(Rv::PinLocked));
        assert_eq!(scene.flags() & USER_STATE, 0, "the user's tries are the user's");
        assert_eq!(session.login(CKU_USER, USER_PIN), Ok(()));
    }

    #[test]
    fn the_right_pin_gives_the_tries_back() {
        let scene = Scene::closed();
        let session = scene.open();
        for _ in 0..2 {
            assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
            assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
            assert_eq!(session.login(CKU_USER, USER_PIN), Ok(()));
            assert_eq!(scene.flags() & USER_STATE, 0);
            session.logout().expect("C_Logout");
        }
    }

    #[test]
    fn spent_tries_are_spent_for_every_process_and_after_a_restart() {
        let scene = Scene::closed();
        assert_eq!(scene.open().login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
        let (second, slot) = scene.second();
        let session = second.open(slot, true).expect("C_OpenSession");
        assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
        // Two copies of the module in one process lose each other's file locks when one closes the file.
        drop(second);
        scene.library.restart();
        assert_eq!(scene.flags() & USER_STATE, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
        assert_eq!(scene.open().login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
        let (second, slot) = scene.second();
        let session = second.open(slot, true).expect("C_OpenSession");
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::PinLocked));
    }

    #[test]
    fn a_wrong_old_pin_in_set_pin_costs_a_try() {
        let scene = Scene::closed();
        let session = scene.open();
        for _ in 0..3 {
            assert_eq!(session.set_pin(WRONG, "111111"), Err(Rv::PinIncorrect));
        }
        assert_eq!(session.set_pin(USER_PIN, "111111"), Err(Rv::PinLocked));
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::PinLocked));
    }

    #[test]
    fn the_so_unblocks_the_user_and_the_objects_are_still_there() {
        let scene = Scene::new();
        let label = template![CKA_CLASS => CKO_DATA, CKA_LABEL => "kept", CKA_PRIVATE => true];
        scene.object(&label.clone().with(CKA_TOKEN, true).with(CKA_VALUE, "v"));
        let session = scene.session();
        session.logout().expect("C_Logout");
        for _ in 0..3 {
            assert_eq!(session.login(CKU_USER, WRONG), Err(Rv::PinIncorrect));
        }
        session.login(CKU_SO, SO_PIN).expect("C_Login as SO");
        session.init_pin("999999").expect("C_InitPIN");
        assert_eq!(scene.flags() & USER_STATE, 0);
        session.logout().expect("C_Logout");
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::PinIncorrect));
        assert_eq!(session.login(CKU_USER, "999999"), Ok(()));
        let found = session.find(&label).expect("C_FindObjects");
        assert_eq!(found.len(), 1);
        assert_eq!(session.get(found[0], CKA_VALUE), Ok(b"v".to_vec()));
    }
}

mod pins {
    use super::*;

    #[test]
    fn without_a_user_pin_the_user_cannot_log_in() {
        let scene = Scene::without_user_pin();
        assert_eq!(scene.flags() & CKF_USER_PIN_INITIALIZED, 0);
        assert_eq!(scene.open().login(CKU_USER, USER_PIN), Err(Rv::UserPinNotInitialized));
        assert_eq!(scene.flags() & USER_STATE, 0, "and no try is spent");
    }

    #[test]
    fn only_the_so_initialises_the_user_pin() {
        let scene = Scene::new();
        assert_eq!(scene.session().init_pin("111111"), Err(Rv::UserNotLoggedIn));
        scene.session().logout().expect("C_Logout");
        assert_eq!(scene.session().init_pin("111111"), Err(Rv::UserNotLoggedIn));
        assert_eq!(scene.session().login(CKU_USER, USER_PIN), Ok(()));
    }

    #[test]
    fn a_pin_has_4_to_255_bytes() {
        let scene = Scene::without_user_pin();
        let session = scene.open();
        session.login(CKU_SO, SO_PIN).expect("C_Login");
        let long = "7".repeat(256);
        for pin in ["", "1", "123", &long] {
            assert_eq!(session.init_pin(pin), Err(Rv::PinLenRange), "{} bytes", pin.len());
            assert_eq!(session.set_pin(SO_PIN, pin), Err(Rv::PinLenRange), "{} bytes", pin.len());
        }
        for pin in ["1234", &long[..255]] {
            assert_eq!(session.init_pin(pin), Ok(()), "{} bytes", pin.len());
            session.logout().expect("C_Logout");
            assert_eq!(session.login(CKU_USER, pin), Ok(()), "{} bytes", pin.len());
            session.logout().expect("C_Logout");
            session.login(CKU_SO, SO_PIN).expect("C_Login");
        }
    }

    #[test]
    fn a_token_is_not_initialised_with_a_pin_of_a_wrong_length() {
        let library = Library::fresh();
        let slot = library.spare_slot().expect("a spare slot");
        let long = "7".repeat(256);
        for pin in ["123", &long] {
            let answer = library.init_token(slot, pin, LABEL);
            // §5.5.7 does not list CKR_PIN_LEN_RANGE for C_InitToken, though it is the clearer one.
            assert!(matches!(answer, Err(Rv::PinLenRange | Rv::PinIncorrect)), "{answer:?}");
        }
        assert_eq!(library.spare_slot(), Some(slot));
    }

    #[test]
    fn the_user_changes_the_pin_logged_in_or_not() {
        let scene = Scene::new();
        let session = scene.session();
        assert_eq!(session.set_pin(WRONG, "111111"), Err(Rv::PinIncorrect));
        assert_eq!(session.set_pin(USER_PIN, "111111"), Ok(()));
        session.logout().expect("C_Logout");
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::PinIncorrect));
        assert_eq!(session.set_pin("111111", "222222"), Ok(()), "a public session changes the user's");
        scene.library.restart();
        assert_eq!(scene.open().login(CKU_USER, "222222"), Ok(()));
    }

    #[test]
    fn the_so_changes_the_so_pin() {
        let scene = Scene::closed();
        let session = scene.open();
        session.login(CKU_SO, SO_PIN).expect("C_Login");
        assert_eq!(session.set_pin(SO_PIN, "87654321"), Ok(()));
        session.logout().expect("C_Logout");
        assert_eq!(session.login(CKU_SO, SO_PIN), Err(Rv::PinIncorrect));
        assert_eq!(session.login(CKU_SO, "87654321"), Ok(()));
        session.logout().expect("C_Logout");
        assert_eq!(session.login(CKU_USER, USER_PIN), Ok(()), "the user's is untouched");
    }

    #[test]
    fn a_pin_is_not_set_in_a_read_only_session() {
        let scene = Scene::closed();
        assert_eq!(scene.open_read_only().set_pin(USER_PIN, "111111"), Err(Rv::SessionReadOnly));
    }

    #[test]
    fn a_change_by_one_process_holds_for_the_other() {
        let scene = Scene::new();
        let (second, slot) = scene.second();
        scene.session().set_pin(USER_PIN, "111111").expect("C_SetPIN");
        let session = second.open(slot, true).expect("C_OpenSession");
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::PinIncorrect));
        assert_eq!(session.login(CKU_USER, "111111"), Ok(()));
    }

    #[test]
    fn a_pin_is_bytes_and_may_be_utf_8() {
        let scene = Scene::new();
        scene.session().set_pin(USER_PIN, "pässwörd ☂").expect("C_SetPIN");
        scene.session().logout().expect("C_Logout");
        assert_eq!(scene.session().login(CKU_USER, "pässwörd ☂"), Ok(()));
    }
}

mod init_token {
    use super::*;

    fn data() -> tests::Template {
        template![CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_LABEL => "kept"]
    }

    #[test]
    fn a_wrong_so_pin_wipes_nothing() {
        let scene = Scene::new();
        scene.object(&data());
        scene.library.close_all(scene.slot).expect("C_CloseAllSessions");
        assert_eq!(scene.library.init_token(scene.slot, "00000000", "other"), Err(Rv::PinIncorrect));
        let session = scene.open();
        assert_eq!(scene.library.slot_of(LABEL), Some(scene.slot));
        assert_eq!(session.login(CKU_USER, USER_PIN), Ok(()));
        assert_eq!(session.find(&data()).map(|found| found.len()), Ok(1));
    }

    #[test]
    fn an_open_session_stands_in_the_way() {
        let scene = Scene::closed();
        let session = scene.open_read_only();
        assert_eq!(scene.library.init_token(scene.slot, SO_PIN, "other"), Err(Rv::SessionExists));
        session.close().expect("C_CloseSession");
        assert_eq!(scene.library.init_token(scene.slot, SO_PIN, "other"), Ok(()));
    }

    #[test]
    fn initialising_again_wipes_the_objects_and_keeps_slot_and_serial_number() {
        let scene = Scene::new();
        let serial = |slot| scene.library.token_info(slot).expect("C_GetTokenInfo").serialNumber;
        let before = serial(scene.slot);
        scene.object(&data());
        scene.object(&data().with(CKA_PRIVATE, true));
        scene.library.close_all(scene.slot).expect("C_CloseAllSessions");
        scene.library.init_token(scene.slot, SO_PIN, "second life").expect("C_InitToken");
        assert_eq!(scene.library.slot_of("second life"), Some(scene.slot));
        assert_eq!(scene.library.slot_of(LABEL), None);
        assert_eq!(serial(scene.slot), before);
        assert_eq!(scene.flags() & CKF_USER_PIN_INITIALIZED, 0, "the user PIN is gone too");
        let session = scene.open();
        assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::UserPinNotInitialized));
        session.login(CKU_SO, SO_PIN).expect("C_Login");
        session.init_pin(USER_PIN).expect("C_InitPIN");
        session.logout().expect("C_Logout");
        session.login(CKU_USER, USER_PIN).expect("C_Login");
        assert_eq!(session.find(&data()), Ok(vec![]));
    }

    #[test]
    fn wrong_so_pins_here_are_tries_too() {
        let scene = Scene::closed();
        for _ in 0..3 {
            assert_eq!(scene.library.init_token(scene.slot, WRONG, "other"), Err(Rv::PinIncorrect));
        }
        assert_eq!(scene.flags() & SO_STATE, CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_LOCKED);
        assert_eq!(scene.library.init_token(scene.slot, SO_PIN, "other"), Err(Rv::PinLocked));
    }

    #[test]
    fn five_tokens_live_side_by_side_in_five_directories() {
        let homes: Vec<_> = (0..5).map(|_| Home::new()).collect();
        let scenes: Vec<_> = homes.iter().map(Scene::closed_on).collect();
        for scene in &scenes {
            assert_eq!(scene.open().login(CKU_USER, USER_PIN), Ok(()));
        }
    }
}
