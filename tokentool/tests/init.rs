//! `tokentool init`.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use bench::{Bench, PIN, SO_PIN, ended};

#[test]
fn the_line_that_scripts_use_makes_a_token_in_slot_0() {
    let bench = Bench::new();
    let line = ["init", "--label", "bench", "--so-pin", SO_PIN, "--pin", PIN, "--kdf-iterations", "10000"];
    let out = bench.run(&line);
    assert!(out.ok().starts_with("✓ Token \"bench\" is ready.\n"), "{}", out.out);
    let list = bench.json(&["list"]);
    assert_eq!(list[0]["label"], "bench");
    assert_eq!(list[0]["slot"], 0);
    assert_eq!(bench.json(&["show"])["kdf_iterations"], 10_000);
    assert_eq!(bench.json(&["show", "--pin", PIN])["objects"]["private"], 0);
}

#[test]
fn slots_are_the_lowest_free_or_the_chosen_one() {
    let bench = Bench::with(&["a"]);
    bench.init(&["--label", "b", "--slot", "2"]).ok();
    bench.make("c");
    bench.make("d");
    bench.init(&["--label", "e", "--slot", "2147483647"]).ok();
    let slots: Vec<_> =
        bench.json(&["list"]).as_array().unwrap().iter().map(|row| row["slot"].clone()).collect();
    assert_eq!(slots, [0, 1, 2, 3, 2_147_483_647]);
    bench.init(&["--label", "f", "--slot", "2"]).fails(&["slot 2 belongs to token \"b\"", "--slot 4"]);
    bench.init(&["--label", "f", "--slot", "2147483648"]).misused("2147483648");
}

#[test]
fn a_label_is_text_of_1_to_32_bytes_and_not_used_twice() {
    let bench = Bench::new();
    bench.init(&["--label", &"ü".repeat(16)]).ok();
    bench.init(&["--label", &"ü".repeat(17)]).fails(&["the label has 34 bytes in UTF-8", "32"]);
    bench.init(&["--label", " "]).fails(&["the label is empty"]);
    bench.init(&["--label", "a\u{1b}[2J"]).fails(&["control characters"]);
    bench.init(&["--label", &"ü".repeat(16)]).fails(&[
        "already, in slot 0",
        "another label",
        "tokentool delete",
    ]);
    assert_eq!(bench.files().len(), 1);
}

#[test]
fn pins_have_4_to_255_bytes() {
    let bench = Bench::new();
    let init = |so: &str, pin: &str| {
        bench.run(&["init", "--label", "x", "--so-pin", so, "--pin", pin, "--kdf-iterations", "1000"])
    };
    init("abc", PIN).fails(&["the SO PIN is too short", "4 to 255 bytes"]);
    init(SO_PIN, "abc").fails(&["the user PIN is too short", "4 to 255 bytes"]);
    init(SO_PIN, &"x".repeat(256)).fails(&["the user PIN is too long"]);
    assert!(bench.files().is_empty());
    init(&"x".repeat(255), "abcd").ok();
}

#[test]
fn pins_come_from_the_environment_or_from_files() {
    let bench = Bench::new();
    let so = bench.path("so");
    std::fs::write(&so, format!("{SO_PIN}\n")).unwrap();
    let line = ["init", "--label", "x", "--kdf-iterations", "1000", "--so-pin-file", so.to_str().unwrap()];
    let from_env = [&line[..], &["--pin-env", "THE_PIN"]].concat();
    bench.run(&from_env).fails(&["no environment variable", "not the secret itself"]);
    // A PIN where its name should stand: `run` looks that it is not in the output.
    bench.run(&[&line[..], &["--pin-env", PIN]].concat()).fails(&["no environment variable"]);
    bench.run(&["init", "--label", "x", "--so-pin-file", "-"]).fails(&["standard input ended"]);
    let nowhere = ["init", "--label", "x", "--so-pin", SO_PIN, "--pin", PIN, "--dir", "/proc/nowhere/tokens"];
    bench.run(&nowhere).fails(&["/proc/nowhere", "in which you may write"]);
    bench.run(&[&line[..], &["--pin-file", "/nowhere/pin"]].concat()).fails(&["cannot read /nowhere/pin"]);
    ended(bench.command(&from_env).env("THE_PIN", PIN)).ok();
    bench.json(&["show", "--pin", PIN]);
    let from_stdin =
        ["init", "--label", "y", "--kdf-iterations", "1000", "--so-pin-file", "-", "--pin-file", "-"];
    ended(bench.command(&from_stdin).write_stdin(format!("{SO_PIN}\n{PIN}\n"))).ok();
    bench.json(&["show", "--token", "y", "--pin", PIN]);
    bench.run(&[&line[..], &["--pin", PIN, "--pin-env", "X"]].concat()).misused("cannot be used with");
}

#[test]
fn without_a_terminal_a_missing_pin_is_an_error_with_advice() {
    let bench = Bench::new();
    bench.run(&["init", "--label", "x"]).fails(&["the SO PIN is needed", "no terminal", "--so-pin-env NAME"]);
    bench
        .run(&["init", "--label", "x", "--so-pin", SO_PIN])
        .fails(&["the user PIN is needed", "--pin-file FILE"]);
    assert!(bench.files().is_empty());
}

#[test]
fn a_token_can_begin_without_a_user_pin() {
    let bench = Bench::new();
    bench.run(&["init", "--label", "x", "--so-pin", SO_PIN, "--no-pin", "--kdf-iterations", "1000"]).ok();
    assert_eq!(bench.json(&["pin", "status"])["user"]["state"], "not-set");
    bench.run(&["objects", "--pin", PIN]).fails(&["has no user PIN yet", "tokentool pin unblock"]);
    bench.run(&["pin", "unblock", "--so-pin", SO_PIN, "--new-pin", PIN]).ok();
    bench.run(&["objects", "--pin", PIN]).ok();
}

#[test]
fn numbers_are_checked_on_the_command_line() {
    let bench = Bench::new();
    bench.init(&["--label", "x", "--pin-retries", "0"]).misused("0 is not in 1..=255");
    bench.run(&["init", "--label", "x", "--kdf-iterations", "0"]).misused("0 is not in");
    bench.run(&["init"]).misused("--label");
}

#[test]
fn counters_are_as_long_as_asked() {
    let bench = Bench::new();
    bench.init(&["--label", "x", "--pin-retries", "5", "--so-pin-retries", "2"]).ok();
    let status = bench.json(&["pin", "status"]);
    assert_eq!((&status["user"]["tries_max"], &status["so"]["tries_max"]), (&5.into(), &2.into()));
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let bench = Bench::new();
    let file = bench.path("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("tokens");
    bench.init(&["--label", "x", "--dir", below.to_str().unwrap()]).fails(&[below.to_str().unwrap()]);
}

#[test]
fn a_token_is_not_named_where_none_is_worked_on() {
    let bench = Bench::with(&["bench"]);
    let commands: [&[&str]; 8] = [
        &["init", "--label", "x", "--so-pin", SO_PIN, "--no-pin"],
        &["mechanisms"],
        &["completions", "bash"],
        &["man"],
        &["why"],
        &["demo"],
        &["configure"],
        &["dkek", "create-share", "share.pbe"],
    ];
    for command in commands {
        bench.run(&[command, &["--token", "bench"]].concat()).fails(&["--token \"bench\" says nothing here"]);
    }
    assert_eq!(bench.files().len(), 1);
}
