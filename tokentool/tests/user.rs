//! `tokentool user`: named users, made by the SO; a program then logs in as one of them by C_LoginUser.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use bench::{Bench, PIN, SO_PIN, ended};
use tokenkeep::api::Module;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Rv, Secret};

const ALICE: &str = "alices own";

/// C_LoginUser as a program calls it, in a module of its own on the same directory: the state of the session then.
fn login(bench: &Bench, name: &str, pin: &str) -> Result<CK_STATE, Rv> {
    let module = Module::start(Some(&format!("dir={}", bench.dir().display()))).unwrap();
    let slot = module.slots(true, true).unwrap()[0];
    let session = module.open_session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
    let call = module.session(session).unwrap();
    call.login_user(CKU_USER, Some(&Secret::from(pin.as_bytes())), name).map_err(|error| error.rv())?;
    Ok(call.info().unwrap().state)
}

/// The SO runs a command.
fn run(bench: &Bench, command: &[&str]) -> bench::Ended {
    bench.run(&[command, &["--so-pin", SO_PIN]].concat())
}

#[test]
fn a_user_who_was_added_logs_in_by_name_and_is_the_user() {
    let bench = Bench::with(&["bench"]);
    let done = run(&bench, &["user", "add", "älice", "--new-pin", ALICE]);
    assert_eq!(done.ok(), "✓ User \"älice\" can log in to token \"bench\".\n");
    assert_eq!(login(&bench, "älice", ALICE), Ok(CKS_RW_USER_FUNCTIONS));
    assert_eq!(login(&bench, "älice", PIN), Err(Rv::PinIncorrect));
    assert_eq!(login(&bench, "", PIN), Ok(CKS_RW_USER_FUNCTIONS), "the nameless user is as before");
    run(&bench, &["user", "add", "älice", "--new-pin", ALICE])
        .fails(&["has a user \"älice\" already", "tokentool user reset älice"]);
}

#[test]
fn wrong_pins_show_in_the_list_and_the_so_resets() {
    let bench = Bench::with(&["bench"]);
    assert!(bench.run(&["user", "list"]).ok().contains("no named users"));
    run(&bench, &["user", "add", "bob", "--new-pin", "bobs own"]).ok();
    run(&bench, &["user", "add", "alice", "--new-pin", ALICE]).ok();
    for _ in 0..3 {
        assert_eq!(login(&bench, "bob", "wrong"), Err(Rv::PinIncorrect));
    }
    assert_eq!(login(&bench, "bob", "bobs own"), Err(Rv::PinLocked));
    let list = bench.json(&["user", "list"]);
    assert_eq!(list[0]["name"], "alice");
    assert_eq!((&list[0]["tries_left"], &list[0]["locked"]), (&3.into(), &false.into()));
    assert_eq!((&list[1]["tries_left"], &list[1]["locked"]), (&0.into(), &true.into()));
    assert!(bench.run(&["user", "list"]).ok().contains("bob    locked"));

    let line = ["user", "reset", "bob", "--json", "--new-pin-env", "NEW", "--so-pin", SO_PIN];
    let done = ended(bench.command(&line).env("NEW", "another"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(done.ok()).unwrap()["done"], "reset");
    assert_eq!(login(&bench, "bob", "another"), Ok(CKS_RW_USER_FUNCTIONS));
}

#[test]
fn a_removed_user_does_not_log_in() {
    let bench = Bench::with(&["bench"]);
    run(&bench, &["user", "add", "bob", "--new-pin", "bobs own"]).ok();
    run(&bench, &["user", "remove", "bob"]).ok();
    assert_eq!(login(&bench, "bob", "bobs own"), Err(Rv::UserPinNotInitialized));
    for command in [&["user", "remove", "bob"][..], &["user", "reset", "bob", "--new-pin", "bobs own"]] {
        run(&bench, command).fails(&["no user named \"bob\"", "tokentool user list"]);
    }
}

#[test]
fn only_the_so_and_only_with_good_names_and_pins() {
    let bench = Bench::with(&["bench"]);
    let pin = bench.path("pin");
    std::fs::write(&pin, "bobs own\n").unwrap();
    let add = ["user", "add", "bob", "--new-pin-file", pin.to_str().unwrap()];
    bench.run(&[&add[..], &["--so-pin", "0000"]].concat()).fails(&["wrong SO PIN, 14 tries left"]);
    bench
        .run(&["user", "add", "bob", "--new-pin", "abc", "--so-pin", "0000"])
        .fails(&["the new PIN is too short"]);
    assert_eq!(bench.json(&["pin", "status"])["so"]["tries_left"], 14, "which spends no try");
    bench.run(&add).fails(&["the SO PIN is needed", "--so-pin-env NAME"]);
    run(&bench, &["user", "add", "bob", "--new-pin", "abc"]).fails(&["the new PIN is too short"]);
    run(&bench, &["user", "add", " bob", "--new-pin", "bobs own"]).fails(&["no blanks at its ends"]);
    assert_eq!(bench.json(&["user", "list"]), serde_json::json!([]));
    run(&bench, &add).ok();
    assert_eq!(login(&bench, "bob", "bobs own"), Ok(CKS_RW_USER_FUNCTIONS));
}
