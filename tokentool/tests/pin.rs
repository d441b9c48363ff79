//! `tokentool pin`: counters, changes, locks, and the way out.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use bench::{Bench, PIN, SO_PIN, ended};

fn user(bench: &Bench) -> String {
    bench.json(&["pin", "status"])["user"]["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_changed_pin_replaces_the_old_one() {
    let bench = Bench::with(&["bench"]);
    let change = bench.json(&["pin", "change", "--old-pin", PIN, "--new-pin", "new one"]);
    assert_eq!(change["changed"], "user");
    bench.run(&["objects", "--pin", "new one"]).ok();
    bench.run(&["objects", "--pin", PIN]).fails(&["wrong user PIN, 2 tries left"]);
}

#[test]
fn the_sos_pin_is_changed_by_the_so() {
    let bench = Bench::with(&["bench"]);
    let line = ["pin", "change", "--so", "--old-pin", SO_PIN, "--new-pin", "another"];
    assert!(bench.run(&line).ok().contains("The SO PIN of token \"bench\" is changed"));
    bench.run(&line).fails(&["wrong SO PIN, 14 tries left"]);
    bench.run(&["pin", "unblock", "--so-pin", "another", "--new-pin", PIN]).ok();
}

#[test]
fn wrong_pins_lock_and_the_so_unblocks() {
    let bench = Bench::with(&["bench"]);
    let wrong = ["pin", "change", "--old-pin", "0000", "--new-pin", "1111"];
    assert_eq!(user(&bench), "ok");
    bench.run(&wrong).fails(&["wrong user PIN, 2 tries left"]);
    assert_eq!(user(&bench), "low");
    bench.run(&wrong).fails(&["wrong user PIN, 1 try left"]);
    assert_eq!(user(&bench), "final-try");
    bench.run(&wrong).fails(&["wrong user PIN: it is locked now", "tokentool pin unblock"]);
    assert_eq!(user(&bench), "locked");
    bench.run(&["objects", "--pin", PIN]).fails(&["is locked", "tokentool pin unblock"]);
    assert!(bench.run(&["list"]).ok().contains("locked"));
    assert!(bench.run(&["pin", "status"]).ok().contains("try: `tokentool pin unblock`"));

    bench
        .run(&["pin", "unblock", "--so-pin", "0000", "--new-pin", "1111"])
        .fails(&["wrong SO PIN, 14 tries left"]);
    assert_eq!(user(&bench), "locked");
    let done = bench.run(&["pin", "unblock", "--so-pin", SO_PIN, "--new-pin", "2222"]);
    assert_eq!(done.ok(), "✓ The user of token \"bench\" has a new PIN, and 3 tries.\n");
    assert_eq!(user(&bench), "ok");
    bench.run(&["objects", "--pin", "2222"]).ok();
}

#[test]
fn a_locked_so_has_no_way_out_and_says_so() {
    let bench = Bench::new();
    bench.init(&["--label", "x", "--so-pin-retries", "1"]).ok();
    let wrong = ["pin", "unblock", "--so-pin", "0000", "--new-pin", "1111"];
    bench.run(&wrong).fails(&["wrong SO PIN: it is locked now", "nothing unlocks"]);
    bench.run(&wrong).fails(&["the SO PIN of token \"x\" is locked"]);
    bench.run(&["objects", "--pin", PIN]).ok();
}

#[test]
fn a_new_pin_of_the_wrong_length_spends_no_try() {
    let bench = Bench::with(&["bench"]);
    bench
        .run(&["pin", "change", "--old-pin", "0000", "--new-pin", "abc"])
        .fails(&["the new PIN is too short"]);
    bench
        .run(&["pin", "unblock", "--so-pin", "0000", "--new-pin", "abc"])
        .fails(&["the new PIN is too short"]);
    let status = bench.json(&["pin", "status"]);
    assert_eq!((&status["user"]["state"], &status["so"]["state"]), (&"ok".into(), &"ok".into()));
}

#[test]
fn pins_come_from_the_environment() {
    let bench = Bench::with(&["bench"]);
    let line = ["pin", "change", "--old-pin-env", "OLD", "--new-pin-env", "NEW"];
    ended(bench.command(&line).env("OLD", PIN).env("NEW", "secret")).ok();
    bench.run(&["objects", "--pin", "secret"]).ok();
    bench.run(&["pin", "change"]).fails(&["the present PIN is needed", "--old-pin-env NAME"]);
}

#[test]
fn the_right_pin_gives_the_tries_back() {
    let bench = Bench::with(&["bench"]);
    bench.run(&["objects", "--pin", "0000"]).fails(&["2 tries left"]);
    bench.run(&["objects", "--pin", PIN]).ok();
    assert_eq!(user(&bench), "ok");
}

#[test]
fn what_no_pin_can_be_spends_no_try() {
    let bench = Bench::with(&["bench"]);
    let file = bench.path("pin").display().to_string();
    let long = "1".repeat(300);
    for (contents, why) in [
        (&b""[..], "is empty"),
        (b"\n", "is empty"),
        (&[0xff, 0, 1], "too short"),
        (long.as_bytes(), "too long"),
    ] {
        std::fs::write(&file, contents).unwrap();
        for line in [
            &["objects", "--pin-file", &file][..],
            &["pin", "change", "--old-pin-file", &file, "--new-pin", "1111"],
            &["pin", "unblock", "--so-pin-file", &file, "--new-pin", "1111"],
            &["csr", "--label", "x", "--subject", "CN=x", "--pin-file", &file],
        ] {
            bench.run(line).fails(&[why, "no try was spent", "4 to 255 bytes"]);
        }
    }
    bench.run(&["objects", "--pin", ""]).fails(&["the user PIN is empty"]);
    let status = bench.json(&["pin", "status"]);
    assert_eq!((&status["user"]["state"], &status["so"]["state"]), (&"ok".into(), &"ok".into()));
}
