//! A program that forks, exits and unloads in the ways that programs do. `tests/fork.rs` runs it.
//!
//! `fork <mode> <directory>`: it makes its token there, since it may end without tidying up.
//! Exit code 0: all went well. A child that hangs is ended by its alarm.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tests::{Home, Library, Rv, Scene, USER_PIN, every, ids::*, template};

/// How many times the storm forks.
const FORKS: usize = 20;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("child") => child_starts_anew(),
        Some("finalize") => child_finalizes(),
        Some("grandchild") => grandchild_starts_anew(),
        Some("storm") => forks_in_a_storm(),
        Some("atexit") => finalizes_at_exit(),
        Some("exit") => exits_without_finalizing(),
        Some("unload") => unloads_without_finalizing(),
        Some("reload") => loads_and_unloads_many_times(),
        other => panic!("no such mode: {other:?}"),
    }
}

/// Forks; the child runs `work` and must end well within half a minute.
fn fork(work: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs `work` and then `_exit`: it returns to nothing of its parent.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => {
            // SAFETY: both are always sound to call.
            unsafe { libc::alarm(30) };
            let failed = catch_unwind(AssertUnwindSafe(work)).is_err();
            // SAFETY: as above.
            unsafe { libc::_exit(failed.into()) }
        }
        child => child,
    }
}

fn wait(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: `status` is a valid place.
    let waited = unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(waited, child, "{}", std::io::Error::last_os_error());
    assert_eq!(status, 0, "the child failed, or hung until its alarm (status 14)");
}

fn home() -> Home {
    Home::at(std::env::args().nth(2).expect("usage: fork <mode> <directory>"))
}

/// A scene with an EC key pair in the token, labelled "pair".
fn scene() -> Scene {
    let scene = Scene::on(&home());
    let kept = template![CKA_TOKEN => true, CKA_LABEL => "pair"];
    scene.object(&tests::keys::ec_private().and(&kept));
    scene.object(&tests::keys::ec_public().and(&kept));
    scene
}

/// The handle of the key labelled "pair" of that class.
fn key(session: tests::Session, class: CK_OBJECT_CLASS) -> CK_OBJECT_HANDLE {
    let found = session.find(&template![CKA_CLASS => class, CKA_LABEL => "pair"]).expect("C_FindObjects");
    assert_eq!(found.len(), 1, "the key is there once");
    found[0]
}

fn sign_and_verify(session: tests::Session) {
    let signature = session.sign(CKM_ECDSA, key(session, CKO_PRIVATE_KEY), &[7; 32]).expect("C_Sign");
    let answer = session.verify(CKM_ECDSA, key(session, CKO_PUBLIC_KEY), &[7; 32], &signature);
    assert_eq!(answer, Ok(()));
}

/// What a child must find: nothing until it initialises, then everything.
fn start_anew(scene: &Scene, slots: &[CK_SLOT_ID], old: CK_SESSION_HANDLE) {
    let library = &scene.library;
    let mut answers = [every::general(library.c()), every::of_session(library.c(), old)].concat();
    if let Some(c) = library.c_3_2() {
        answers.extend(every::of_session_3(c, old));
    }
    assert_eq!(every::others(answers, Rv::CryptokiNotInitialized), [], "before C_Initialize");
    library.initialize().expect("C_Initialize in the child");
    assert_eq!(library.slots(false).as_deref(), Ok(slots));
    assert_eq!(library.session(old).state(), Err(Rv::SessionHandleInvalid), "no session is inherited");
    let session = scene.open();
    assert_eq!(session.state(), Ok(CKS_RW_PUBLIC_SESSION), "nor is the login");
    session.login(CKU_USER, USER_PIN).expect("C_Login in the child");
    sign_and_verify(session);
}

fn child_starts_anew() {
    let scene = scene();
    let slots = scene.library.slots(false).expect("C_GetSlotList");
    let info = format!("{:?}", scene.library.info().expect("C_GetInfo"));
    wait(fork(|| {
        start_anew(&scene, &slots, scene.session().handle);
        let fresh = template![CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_LABEL => "from the child"];
        scene.open().create(&fresh).expect("C_CreateObject in the child");
        assert_eq!(format!("{:?}", scene.library.info().expect("C_GetInfo")), info);
        scene.library.finalize().expect("C_Finalize in the child");
    }));
    assert_eq!(scene.session().state(), Ok(CKS_RW_USER_FUNCTIONS), "the parent is still logged in");
    sign_and_verify(scene.session());
    let seen = scene.session().find(&template![CKA_LABEL => "from the child"]);
    assert_eq!(seen.map(|seen| seen.len()), Ok(1));
}

fn child_finalizes() {
    let scene = scene();
    wait(fork(|| {
        assert_eq!(scene.library.finalize(), Err(Rv::CryptokiNotInitialized));
        let slots = scene.library.slots(false);
        assert_eq!(slots, Err(Rv::CryptokiNotInitialized));
    }));
    sign_and_verify(scene.session());
}

fn grandchild_starts_anew() {
    let scene = scene();
    let slots = scene.library.slots(false).expect("C_GetSlotList");
    wait(fork(|| {
        start_anew(&scene, &slots, scene.session().handle);
        wait(fork(|| start_anew(&scene, &slots, scene.session().handle)));
        sign_and_verify(scene.open());
    }));
    wait(fork(|| wait(fork(|| start_anew(&scene, &slots, scene.session().handle)))));
    sign_and_verify(scene.session());
}

/// Forks while other threads hold whatever locks there are.
fn forks_in_a_storm() {
    let scene = scene();
    let slots = scene.library.slots(false).expect("C_GetSlotList");
    let (over, rounds) = (AtomicBool::new(false), [const { AtomicUsize::new(0) }; 3]);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (index, count) in rounds.iter().enumerate() {
            let (scene, over) = (&scene, &over);
            threads.push(scope.spawn(move || {
                let session = scene.open();
                let note = template![
                    CKA_CLASS => CKO_DATA, CKA_TOKEN => index == 2, CKA_PRIVATE => true, CKA_LABEL => "storm",
                ];
                while !over.load(Ordering::Relaxed) {
                    match index {
                        0 => sign_and_verify(session),
                        _ => session.create(&note).and_then(|o| session.destroy(o)).expect("an object"),
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        let storm = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..FORKS {
                // Every thread has done something since the last fork.
                let before: Vec<_> = rounds.iter().map(|count| count.load(Ordering::Relaxed)).collect();
                let moved = || rounds.iter().zip(&before).all(|(c, b)| c.load(Ordering::Relaxed) > *b);
                while !moved() {
                    assert!(
                        !threads.iter().any(|thread| thread.is_finished()),
                        "a thread of the parent failed"
                    );
                    std::thread::yield_now();
                }
                wait(fork(|| start_anew(&scene, &slots, scene.session().handle)));
            }
        }));
        over.store(true, Ordering::Relaxed);
        storm.expect("every fork went well");
    });
    sign_and_verify(scene.session());
}

static AT_EXIT: OnceLock<&Library> = OnceLock::new();

extern "C" fn finalize() {
    if let Some(library) = AT_EXIT.get() {
        let _ = library.finalize();
    }
}

/// Two handlers, as when a program and a library of it both tidy up.
fn finalizes_at_exit() {
    // SAFETY: `finalize` may be called at any time.
    assert_eq!(unsafe { libc::atexit(finalize) }, 0);
    let scene = scene();
    let (slot, session) = (scene.slot, scene.session().handle);
    let library = scene.library.leak();
    AT_EXIT.set(library).ok().expect("set once");
    // SAFETY: as above.
    assert_eq!(unsafe { libc::atexit(finalize) }, 0);
    sign_and_verify(library.session(session));
    assert!(library.token_info(slot).is_ok());
    std::process::exit(0);
}

fn exits_without_finalizing() {
    let scene = scene();
    sign_and_verify(scene.session());
    let session = scene.session().handle;
    let library = scene.library.leak();
    library.session(session).begin(tests::Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    std::process::exit(0);
}

fn unloads_without_finalizing() {
    let scene = scene();
    std::thread::scope(|scope| _ = scope.spawn(|| sign_and_verify(scene.session())));
    scene.library.unload();
    std::thread::spawn(|| ()).join().expect("threads still begin and end");
}

fn loads_and_unloads_many_times() {
    let home = home();
    for _ in 0..30 {
        let library = Library::on(&home);
        assert!(library.info().is_ok());
        drop(library);
    }
}
