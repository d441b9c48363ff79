//! Session limits, and the event of a token that comes or goes (PKCS#11 v3.2 §3.2, §5.5.4, §5.6.1).

use std::sync::mpsc;
use std::thread;

use tests::{Home, LABEL, Library, Rv, SO_PIN, Scene, ids::*, raw};

#[test]
fn a_limit_of_sessions_is_told_and_kept() {
    let scene = Scene::closed_on(&Home::new().with("max_sessions=3 max_rw_sessions=1"));
    let info = scene.library.token_info(scene.slot).expect("C_GetTokenInfo");
    assert_eq!((info.ulMaxSessionCount, info.ulMaxRwSessionCount), (3, 1));
    let first = scene.open();
    let open = |write| scene.library.open(scene.slot, write).map(|session| session.handle);
    assert_eq!(open(true), Err(Rv::SessionCount), "one that writes");
    let (second, third) = (open(false).expect("the second"), open(false).expect("the third"));
    assert_ne!(second, third);
    assert_eq!(open(false), Err(Rv::SessionCount), "three of any kind");
    first.close().expect("C_CloseSession");
    assert!(open(true).is_ok());
}

#[test]
fn without_a_limit_there_is_none() {
    let scene = Scene::closed_on(&Home::new().with("max_sessions=0"));
    let info = scene.library.token_info(scene.slot).expect("C_GetTokenInfo");
    assert_eq!(info.ulMaxSessionCount, CK_EFFECTIVELY_INFINITE);
    for _ in 0..300 {
        scene.open();
    }
}

/// C_WaitForSlotEvent; the slot when it answers CKR_OK.
fn wait(library: &Library, flags: CK_FLAGS) -> Result<CK_SLOT_ID, Rv> {
    let mut slot = CK_SLOT_ID::MAX;
    match raw!(library.c(), C_WaitForSlotEvent(flags, &mut slot, std::ptr::null_mut())) {
        Rv::Ok => Ok(slot),
        refusal => Err(refusal),
    }
}

/// The function list in another thread: it is the same for all, and outlives the thread.
struct Shared<'a>(&'a Library);

// SAFETY: PKCS#11 functions may be called from any thread after CKF_OS_LOCKING_OK.
unsafe impl Sync for Shared<'_> {}

#[test]
fn a_token_that_comes_and_one_that_goes_are_events_once() {
    let home = Home::new();
    let (watcher, maker) = (Library::on(&home), Library::on(&home));
    assert_eq!(wait(&watcher, CKF_DONT_BLOCK), Err(Rv::NoEvent));
    let slot = maker.spare_slot().expect("a spare slot");
    maker.init_token(slot, SO_PIN, LABEL).expect("C_InitToken");
    let event = wait(&watcher, CKF_DONT_BLOCK).expect("a token came");
    assert_eq!(watcher.slot_of(LABEL), Some(event));
    assert_eq!(wait(&watcher, CKF_DONT_BLOCK), Err(Rv::NoEvent), "told once");
    for entry in std::fs::read_dir(home.path()).expect("the directory") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("remove");
    }
    assert_eq!(wait(&watcher, CKF_DONT_BLOCK), Ok(event), "it went");
    assert_eq!(watcher.slot_info(event).map(|info| info.flags & CKF_TOKEN_PRESENT), Ok(0));
    assert_eq!(watcher.token_info(event).map(drop), Err(Rv::TokenNotPresent));
    assert_eq!(watcher.open(event, false).map(drop), Err(Rv::TokenNotPresent));
    assert!(watcher.slots(false).expect("slots").contains(&event), "the list never shrinks");
    assert!(!watcher.slots(true).expect("slots").contains(&event));
}

#[test]
fn who_waits_is_woken_by_a_token_that_comes() {
    let home = Home::new();
    let (watcher, maker) = (Library::on(&home), Library::on(&home));
    let (sender, woken) = mpsc::channel();
    let shared = Shared(&watcher);
    thread::scope(|scope| {
        let shared = &shared;
        scope.spawn(move || sender.send(wait(shared.0, 0)).expect("send"));
        let slot = maker.spare_slot().expect("a spare slot");
        maker.init_token(slot, SO_PIN, LABEL).expect("C_InitToken");
        let event = woken.recv().expect("the event");
        assert_eq!(event, Ok(watcher.slot_of(LABEL).expect("the token")));
    });
}

#[test]
fn who_waits_is_woken_by_c_finalize() {
    let watcher = Library::fresh();
    let (sender, woken) = mpsc::channel();
    let shared = Shared(&watcher);
    thread::scope(|scope| {
        let shared = &shared;
        scope.spawn(move || {
            sender.send(None).expect("send");
            sender.send(Some(wait(shared.0, 0))).expect("send");
        });
        assert_eq!(woken.recv(), Ok(None), "it is about to wait");
        watcher.finalize().expect("C_Finalize");
        assert_eq!(woken.recv(), Ok(Some(Err(Rv::CryptokiNotInitialized))));
    });
}

#[test]
fn the_reserved_pointer_must_be_null() {
    let library = Library::fresh();
    let (mut slot, mut reserved) = (0, 0u8);
    let answer = raw!(library.c(), C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut slot, (&raw mut reserved).cast()));
    assert_eq!(answer, Rv::ArgumentsBad);
    let answer =
        raw!(library.c(), C_WaitForSlotEvent(CKF_DONT_BLOCK, std::ptr::null_mut(), std::ptr::null_mut()));
    assert_eq!(answer, Rv::ArgumentsBad);
}
