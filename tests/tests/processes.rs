//! Several processes on one token: see `src/bin/process.rs`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Child;

use tests::{Ended, Home, LABEL, Library, Program, Rv, SO_PIN, Scene, USER_PIN, ids::*, keys, template};

/// A process that has loaded the module and waits for its signal.
fn ready(mode: &str, directory: &Path) -> Child {
    let mut child = Program::new(env!("CARGO_BIN_EXE_process")).arg(mode).arg(directory).start();
    let output = child.stdout.as_mut().expect("a pipe");
    // One byte at a time, so that nothing behind the line is swallowed.
    let mut line = String::new();
    BufReader::with_capacity(1, output).read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    child
}

fn go(child: &mut Child) {
    child.stdin.take().expect("a pipe").write_all(b"\n").expect("the process listens");
}

/// The name of the code that the process ended with.
fn answer(mut child: Child) -> String {
    go(&mut child);
    Ended::of(child).success().out.trim().to_owned()
}

#[test]
fn three_wrong_pins_in_three_processes_lock_the_token_for_all() {
    let scene = Scene::closed();
    let home = scene.library.home().path();
    for _ in 0..3 {
        assert_eq!(answer(ready("wrong-pin", home)), "CKR_PIN_INCORRECT");
    }
    assert_eq!(answer(ready("right-pin", home)), "CKR_PIN_LOCKED");
    assert_eq!(scene.open().login(CKU_USER, USER_PIN), Err(Rv::PinLocked));
}

#[test]
fn of_many_wrong_pins_at_once_only_three_are_tried() {
    let scene = Scene::closed();
    let home = scene.library.home().path();
    let mut children: Vec<_> = (0..8).map(|_| ready("wrong-pin", home)).collect();
    children.iter_mut().for_each(go);
    let answers: Vec<_> = children.into_iter().map(|child| Ended::of(child).success().out).collect();
    let count = |name: &str| answers.iter().filter(|answer| answer.trim() == name).count();
    assert_eq!((count("CKR_PIN_INCORRECT"), count("CKR_PIN_LOCKED")), (3, 5), "{answers:?}");
}

/// A login with the right PIN, killed between the debit of the try and the end of the key derivation.
///
/// The try shows in the flags as soon as it is debited; the process dies then. False if it got through first.
fn killed_in_the_middle(scene: &Scene, debited: CK_FLAGS) -> bool {
    let shows = || scene.flags() & debited != 0;
    let mut child = ready("right-pin", scene.library.home().path());
    go(&mut child);
    while !shows() && child.try_wait().expect("the process's state").is_none() {}
    child.kill().expect("SIGKILL");
    Ended::of(child).out.trim().is_empty() && shows()
}

#[test]
fn a_process_killed_in_the_middle_of_a_login_has_spent_a_try() {
    let scene = Scene::closed_on(&Home::new().with("kdf_iterations=600000"));
    let steps = [CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED];
    let (mut step, mut attempts) = (0, 0);
    while step < steps.len() {
        // A login that got through gives the tries back: begin again.
        step = if killed_in_the_middle(&scene, steps[step]) { step + 1 } else { 0 };
        attempts += 1;
        assert!(attempts < 30, "logins are over before they can be killed, or their tries do not show");
    }
    assert_eq!(scene.open().login(CKU_USER, USER_PIN), Err(Rv::PinLocked));
    let session = scene.open();
    session.login(CKU_SO, SO_PIN).expect("the SO is not locked out");
    session.init_pin(USER_PIN).expect("and can unblock");
    session.logout().expect("C_Logout");
    assert_eq!(session.login(CKU_USER, USER_PIN), Ok(()));
}

#[test]
fn eight_processes_that_start_at_once_all_succeed_and_lose_nothing() {
    let scene = Scene::new();
    scene.object(&keys::ec_private().with(CKA_TOKEN, true));
    let home = scene.library.home().path();
    let mut children: Vec<_> = (0..8).map(|_| ready("work", home)).collect();
    children.iter_mut().for_each(go);
    for child in children {
        assert_eq!(Ended::of(child).success().out.trim(), "CKR_OK");
    }
    let found = scene.session().find(&template![CKA_CLASS => CKO_DATA]).expect("C_FindObjects");
    let label = |object: &_| scene.session().get(*object, CKA_LABEL).expect("CKA_LABEL");
    let labels: BTreeSet<_> = found.iter().map(label).collect();
    assert_eq!((found.len(), labels.len()), (80, 8));
}

#[test]
fn eight_processes_may_start_on_an_empty_directory_at_once() {
    let home = Home::new();
    let mut children: Vec<_> = (0..8).map(|_| ready("initialize", home.path())).collect();
    children.iter_mut().for_each(go);
    for child in children {
        assert_eq!(Ended::of(child).success().out.trim(), "CKR_OK");
    }
    assert_eq!(Library::on(&home).slot_of(LABEL), None);
}
