//! Looking at tokens: `list`, `show`, `objects`, `mechanisms`, and which token is meant.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Stdio;

use bench::{Bench, PIN, SO_PIN, TOOL, ended};

#[test]
fn an_empty_directory_is_no_error_for_list_and_one_for_show() {
    let bench = Bench::new();
    assert!(bench.run(&["list"]).ok().contains("No tokens in"));
    assert_eq!(bench.json(&["list"]), serde_json::json!([]));
    for command in [&["show"][..], &["objects"], &["pin", "status"], &["delete", "--yes"]] {
        bench.run(command).fails(&["there is no token in", "tokentool init --label"]);
        bench.run(&[command, &["--token", "x"]].concat()).fails(&["there is no token in"]);
    }
}

#[test]
fn whoever_reads_may_stop_and_what_was_to_be_done_is_done() {
    let bench = Bench::with(&["first"]);
    let file = bench.path("first.snapshot").display().to_string();
    let init = ["init", "--label", "second", "--so-pin", SO_PIN, "--pin", PIN, "--kdf-iterations", "1000"];
    for arguments in [
        &["list"][..],
        &["show", "--json"],
        &["objects"],
        &["mechanisms"],
        &["configure"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["snapshot", &file],
        &init,
        &["demo"],
        &["demo", "--json"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = bench.child(TOOL);
        let output = child.args(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
    assert_eq!(bench.json(&["list"]).as_array().unwrap().len(), 2);
    assert!(bench.path("first.snapshot").exists());
}

#[test]
fn an_answer_that_cannot_be_written_is_told() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    for word in ["mechanisms", "--help", "--version"] {
        let full = full.try_clone().unwrap();
        let output = Bench::new().child(TOOL).arg(word).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot write standard output") && said.contains("make room"), "{said}");
    }
}

#[test]
fn a_token_is_named_by_label_serial_or_slot_when_there_are_two() {
    let bench = Bench::with(&["first", "the second"]);
    bench.run(&["show"]).fails(&["there are 2 tokens", "--token first, or --token 'the second'"]);
    let serial = bench.json(&["list"])[1]["serial"].as_str().unwrap().to_owned();
    for name in ["the second", serial.as_str(), &serial.to_lowercase(), "1"] {
        assert_eq!(bench.json(&["show", "--token", name])["label"], "the second", "{name}");
    }
    for command in ["show", "list"] {
        bench.run(&[command, "--token", "third"]).fails(&["\"third\"", "--token first"]);
    }
    assert_eq!(bench.json(&["list", "--token", "first"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_label_that_is_another_tokens_slot_is_ambiguous() {
    let bench = Bench::with(&["1", "x"]);
    bench.run(&["show", "--token", "1"]).fails(&["\"1\" fits more than one token"]);
    assert_eq!(bench.json(&["show", "--token", "0"])["label"], "1");
}

#[test]
fn an_ambiguous_name_is_answered_with_names_that_are_not() {
    let bench = Bench::with(&["1", "aa", "other"]);
    bench.run(&["show", "--token", "1"]).fails(&["\"1\" fits more"]);
    let serial = |label: &str| bench.json(&["show", "--token", label])["serial"].as_str().unwrap().to_owned();
    let (one, aa) = (serial("0"), serial("aa"));
    let said = bench.run(&["show", "--token", "1"]).err;
    assert!(said.contains(&format!("--token {one}, or --token aa\n")), "{said}");

    // The same file under another name: neither label nor serial number tells them apart.
    let file = bench.dir().join(format!("{aa}.token"));
    fs::copy(file, bench.dir().join("00000000000000AA.token")).unwrap();
    let slots: Vec<u64> = bench
        .json(&["list"])
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["label"] == "aa")
        .map(|row| row["slot"].as_u64().unwrap())
        .collect();
    let expected = match slots[..] {
        [a, b] => format!("--token {a}, or --token {b}\n"),
        _ => panic!("{slots:?}"),
    };
    let said = bench.run(&["show", "--token", "aa"]).err;
    assert!(said.contains(&expected.replace("--token 1,", &format!("--token {},", slots[0]))), "{said}");
}

#[test]
fn a_directory_option_comes_before_the_environment() {
    let (bench, other) = (Bench::with(&["here"]), Bench::with(&["there"]));
    let list = bench.json(&["list", "--dir", other.dir().to_str().unwrap()]);
    assert_eq!(list[0]["label"], "there");
}

#[test]
fn show_tells_all_facts() {
    let bench = Bench::with(&["bench"]);
    let show = bench.json(&["show"]);
    assert_eq!(show["slot"], 0);
    assert_eq!(show["serial"].as_str().unwrap().len(), 16);
    assert_eq!(show["objects"], serde_json::json!({ "public": 0, "private": null }));
    assert_eq!(show["file"], bench.file().to_str().unwrap());
    assert!(show["flags"].as_array().unwrap().contains(&"LOGIN_REQUIRED".into()));
    assert!(show["size"].as_u64().unwrap() > 1000);
    let out = bench.run(&["show"]);
    assert_eq!((&show["users"], &show["dkek"]), (&serde_json::json!([]), &serde_json::Value::Null));
    let so = ["--so-pin", SO_PIN];
    bench.run(&[&["user", "add", "ada", "--new-pin", "2468"], &so[..]].concat()).ok();
    bench.run(&[&["dkek", "init", "--shares", "2"], &so[..]].concat()).ok();
    let more = bench.run(&["show"]);
    assert!(more.ok().contains("named users  ada\n"), "{}", more.out);
    assert!(more.out.contains("2 of 2 shares missing\n"), "{}", more.out);
    assert!(out.ok().contains("  PIN hashing  PBKDF2-HMAC-SHA256, 1 000 rounds\n"), "{}", out.out);
}

#[test]
fn an_empty_token_has_no_objects() {
    let bench = Bench::with(&["bench"]);
    let out = bench.run(&["objects"]);
    assert!(out.ok().starts_with("No public objects.\n  try: --login"), "{}", out.out);
    assert_eq!(bench.run(&["objects", "--pin", PIN]).ok(), "No objects.\n");
    assert_eq!(bench.json(&["objects", "--pin", PIN]), serde_json::json!([]));
    bench.run(&["objects", "--login"]).fails(&["no terminal"]);
}

#[test]
fn a_file_that_is_no_token_is_listed_with_its_reason_and_the_others_still_work() {
    let bench = Bench::with(&["good"]);
    fs::write(bench.dir().join("00000000000000BA.token"), "this is no SQLite file").unwrap();
    let out = bench.run(&["list"]);
    assert!(out.out.contains("unreadable") && out.out.contains("good"), "{}", out.out);
    assert!(out.err.contains("1 token cannot be opened\n  try: move "), "{}", out.err);
    let list = bench.run(&["list", "--json"]);
    assert_eq!((out.code, list.code), (1, 1));
    let list: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    let bad = list.as_array().unwrap().iter().find(|row| row["error"].is_string()).unwrap();
    assert!(bad["error"].as_str().unwrap().contains("CKR_TOKEN_NOT_RECOGNIZED"), "{bad}");
    assert_eq!(bench.json(&["show", "--token", "good"])["label"], "good");
    let slot = bad["slot"].to_string();
    bench.run(&["show", "--token", &slot]).fails(&["00000000000000BA.token", "CKR_TOKEN_NOT_RECOGNIZED"]);
    bench.init(&["--label", "x", "--slot", &slot]).fails(&["belongs to", "00000000000000BA.token"]);
}

#[test]
fn a_token_that_may_not_be_read_says_so() {
    let bench = Bench::with(&["mine"]);
    // Who is root may read everything: somebody else looks.
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mode = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    [bench.path(""), bench.dir()].into_iter().for_each(|path| mode(path, 0o755));
    mode(bench.file(), if root { 0o600 } else { 0 });
    let mut list = match root {
        true => bench.child("setpriv"),
        false => bench.child(TOOL),
    };
    if root {
        list.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", TOOL]);
    }
    let output = list.arg("list").output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("Permission denied") && said.contains("its owner, permissions"), "{said}");
}

#[test]
fn a_snapshot_goes_back_under_the_name_of_its_serial() {
    let bench = Bench::with(&["one"]);
    let (file, copy) = (bench.file(), bench.dir().join("old.token"));
    bench.run(&["snapshot", copy.to_str().unwrap()]).ok();
    let list = bench.run(&["list"]);
    assert!(list.ok().contains("passed over: ") && list.out.contains("old.token: "), "{}", list.out);
    bench.files().iter().filter(|path| **path != copy).for_each(|path| fs::remove_file(path).unwrap());
    assert!(bench.run(&["list"]).ok().contains("old.token: "));
    fs::rename(copy, file).unwrap();
    bench.run(&["verify", "--pin", PIN]).ok();
    assert!(!bench.run(&["list"]).ok().contains("passed over"));
}

#[test]
fn the_mechanisms_in_conformance_are_those_of_the_table() {
    let bench = Bench::new();
    let current = bench.run(&["mechanisms", "--markdown"]);
    let kept = include_str!("../../conformance/mechanisms.md");
    assert!(current.ok() == kept, "run: tokentool mechanisms --markdown > conformance/mechanisms.md");
    for row in tokenkeep::mechanism::all() {
        assert!(kept.contains(&format!("| {} |", row.name())), "{}", row.name());
    }
}

#[test]
fn a_profile_leaves_what_it_does_not_turn_off() {
    let bench = Bench::new();
    let all = bench.json(&["mechanisms"]).as_array().unwrap().len();
    let modern = bench.json(&["mechanisms", "--profile", "modern"]);
    assert!(modern.as_array().unwrap().len() < all);
    let row = |name: &str| modern.as_array().unwrap().iter().find(|row| row["name"] == name).cloned();
    assert_eq!(row("CKM_MD5"), None);
    assert_eq!(row("CKM_SHA1_RSA_PKCS").unwrap()["flags"], serde_json::json!(["verify"]));
    assert_eq!(row("CKM_RSA_PKCS").unwrap()["min"], 2048);
    bench.run(&["mechanisms", "--profile", "ancient"]).fails(&["\"ancient\"", "open, modern"]);
}

#[test]
fn mechanisms_are_those_of_the_table() {
    let bench = Bench::new();
    let all = bench.json(&["mechanisms"]);
    assert_eq!(all.as_array().unwrap().len(), tokenkeep::mechanism::all().count());
    let out = bench.run(&["mechanisms", "sha256-rsa-pkcs"]);
    assert!(out.ok().contains("CKM_SHA256_RSA_PKCS  "), "{}", out.out);
    bench.run(&["mechanisms", "rot13"]).fails(&["ROT13"]);
}

#[test]
fn colours_are_for_terminals() {
    let bench = Bench::with(&["bench"]);
    assert!(!bench.run(&["list"]).ok().contains('\u{1b}'));
    let forced = ended(bench.command(&["list"]).env("CLICOLOR_FORCE", "1"));
    assert!(forced.ok().contains('\u{1b}'));
}

/// The names of the commands below one, as its help lists them.
fn commands(help: &str) -> Vec<String> {
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let name = |line: &str| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned);
    listed.filter_map(name).filter(|name| !name.is_empty() && name != "help").collect()
}

#[test]
fn every_command_has_help_with_examples() {
    let bench = Bench::new();
    let (mut left, mut seen) = (vec![Vec::new()], 0);
    while let Some(command) = left.pop() {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let help = bench.run(&[&words[..], &["--help"]].concat()).ok().to_owned();
        let examples = help.split_once("Examples:\n  ").map(|(_, examples)| examples);
        assert!(examples.is_some_and(|examples| examples.contains("tokentool ")), "{command:?}: {help}");
        left.extend(commands(&help).into_iter().map(|name| [&command[..], &[name]].concat()));
        seen += 1;
    }
    assert!(seen > 35, "{seen} commands");
    bench.run(&["frobnicate"]).misused("unrecognized subcommand");
}

#[test]
fn completions_and_manual_pages_are_made() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(bench.run(&["completions", shell]).ok().contains("mechanisms"), "{shell}");
    }
    assert!(bench.run(&["man"]).ok().contains(".TH tokentool"));
    let pages = bench.path("man");
    bench.run(&["man", pages.to_str().unwrap()]).ok();
    assert!(pages.join("tokentool-pin-unblock.1").is_file());
}

#[test]
fn a_file_without_write_permission_can_be_looked_at() {
    let bench = Bench::with(&["bench"]);
    let mut permissions = fs::metadata(bench.file()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(bench.file(), permissions).unwrap();
    assert!(bench.json(&["show"])["flags"].as_array().unwrap().contains(&"WRITE_PROTECTED".into()));
    bench.run(&["pin", "change", "--old-pin", PIN, "--new-pin", "1234"]).fails(&["chmod u+w"]);
    bench.run(&["delete", "--yes"]).fails(&["chmod u+w"]);
    assert!(bench.file().is_file());
}
