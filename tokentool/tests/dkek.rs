//! `tokentool dkek`, `key`, `backup`, `restore`, `snapshot` and `verify`: the story of a token that is lost.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use std::os::unix::fs::PermissionsExt;

use bench::{Bench, PIN, SO_PIN};
use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::mechanism::{Choice, Params};
use tokenkeep::object::{Given, Value};

/// A P-256 pair in the token of that label, made by another program.
fn make_pair(bench: &Bench, token: &str, label: &str) {
    let named = [
        (CKA_TOKEN, Value::Bool(true).to_given()),
        (CKA_LABEL, Given::Bytes(label.as_bytes().into())),
        (CKA_ID, Given::Bytes(label.as_bytes().into())),
    ];
    let curve = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let params = (CKA_EC_PARAMS, Given::Bytes(Secret::from(&curve[..])));
    let choice = Choice { id: CKM_EC_KEY_PAIR_GEN, params: Params::None };
    let public = [&[params][..], &named].concat();
    bench.call(token, CKU_USER, |call| call.generate_pair(&choice, &public, &named.to_vec()).unwrap());
}

/// One share, made and imported on two tokens: the rounds of its password take most of this test's time.
#[test]
fn a_token_is_backed_up_under_a_share_and_restored_on_another_one() {
    let bench = Bench::new();
    let path = |name: &str| bench.path(name).display().to_string();
    let (share, file, dir, wrapped) = (path("a.pbe"), path("a.backup"), path("dir/"), path("a.wrapped"));
    bench.init(&["--label", "one", "--dkek-shares", "1"]).ok();
    make_pair(&bench, "one", "ca");
    bench
        .run(&["key", "wrap", "--label", "ca", &wrapped, "--pin", PIN, "--token", "one"])
        .fails(&["1 share(s) still"]);

    let made = bench.json(&["dkek", "create-share", &share, "--password", "correct horse"]);
    assert_eq!(std::fs::metadata(&share).unwrap().len(), 64);
    bench.run(&["dkek", "create-share", &share, "--password", "x"]).fails(&["is there already"]);
    let import = ["dkek", "import-share", &share, "--password", "correct horse", "--pin", PIN];
    let done = bench.json(&[&import[..], &["--token", "one"]].concat());
    assert_eq!(done["kcv"], made["share_kcv"]);
    let status = bench.run(&["dkek", "status", "--token", "one"]);
    assert!(status.ok().contains(done["kcv"].as_str().unwrap()), "{}", status.out);
    bench.run(&[&import[..], &["--token", "one"]].concat()).fails(&["all shares"]);

    bench.run(&["key", "wrap", "--label", "ca", &wrapped, "--pin", PIN, "--token", "one"]).ok();
    bench.run(&["backup", &file, "--pin", PIN, "--token", "one"]).ok();
    bench.run(&["backup", &file, "--pin", PIN, "--token", "one"]).fails(&["is there already"]);
    bench.run(&["backup", &dir, "--pin", PIN, "--token", "one"]).ok();
    let mode = std::fs::metadata(&dir).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "for the owner only, whatever the umask");

    bench.init(&["--label", "two", "--dkek-shares", "1"]).ok();
    bench.run(&["restore", &file, "--pin", PIN, "--token", "two"]).fails(&["still missing"]);
    let kcv = done["kcv"].as_str().unwrap();
    bench.run(&[&import[..], &["--token", "two", "--expect-kcv", kcv]].concat()).ok();
    let dry = bench.json(&["restore", &dir, "--dry-run", "--pin", PIN, "--token", "two"]);
    assert_eq!((&dry["written"], dry["objects"].as_array().unwrap().len()), (&false.into(), 2));
    bench.run(&["restore", &dir, "--pin", PIN, "--token", "two"]).ok();
    bench.run(&["restore", &file, "--pin", PIN, "--token", "two"]).fails(&["not empty", "a fresh token"]);
    bench.run(&["restore", &file, "--verify", "--pin", PIN, "--token", "two"]).ok();
    let objects = |token| {
        let mut objects = bench.json(&["objects", "--token", token, "--pin", PIN]);
        objects.as_array_mut().unwrap().iter_mut().for_each(|row| row["handle"] = 0.into());
        objects
    };
    assert_eq!(objects("one"), objects("two"));

    bench.run(&["key", "unwrap", &wrapped, "--pin", PIN, "--token", "two"]).fails(&["CKA_ID", "--force"]);
    bench
        .run(&["dkek", "init", "--shares", "1", "--so-pin", SO_PIN, "--token", "two"])
        .fails(&["try: `tokentool dkek status`", "init --dkek-shares"]);
    bench.run(&["key", "unwrap", &wrapped, "--force", "--label", "new", "--pin", PIN, "--token", "two"]).ok();
    assert!(objects("two").to_string().contains("\"new\""));
}

#[test]
fn a_snapshot_opens_with_the_same_pin_and_is_whole() {
    let bench = Bench::with(&["one"]);
    make_pair(&bench, "one", "ca");
    let name = bench.file().file_name().unwrap().to_owned();
    let copy = bench.path("copy").join(name);
    std::fs::create_dir(copy.parent().unwrap()).unwrap();
    let copied = copy.display().to_string();
    bench.run(&["snapshot", &copied]).ok();
    bench.run(&["snapshot", &copied]).fails(&["is there already"]);
    bench.run(&["snapshot", "/nowhere/x"]).fails(&["cannot make /nowhere/x", "look at the path"]);
    let dir = copy.parent().unwrap().display().to_string();
    let whole = bench.json(&["verify", "--dir", &dir, "--pin", PIN]);
    assert_eq!((&whole["whole"], &whole["objects"]), (&true.into(), &2.into()));
    assert!(bench.run(&["verify"]).ok().contains("without a PIN"));
}

#[test]
fn the_rules_of_a_smart_card_hsm_are_kept_when_asked_for() {
    let bench = Bench::new();
    let init = |more: &[&str]| {
        let plain = ["init", "--label", "x", "--sc-hsm", "--kdf-iterations", "1000"];
        bench.run(&[&plain, more].concat())
    };
    init(&["--so-pin", SO_PIN, "--pin", "648219"]).fails(&["too short", "16 hexadecimal digits"]);
    init(&["--so-pin", "not hexadecimal!", "--pin", "648219"]).fails(&["is no hexadecimal number"]);
    init(&["--so-pin", "3537363231383830", "--pin", "64821"]).fails(&["too short"]);
    init(&["--so-pin", "3537363231383830", "--pin", "648219", "--pin-retries", "4"])
        .fails(&["too short for so many tries", "3 tries for 6"]);
    init(&["--so-pin", "3537363231383830", "--pin", "648219"]).ok();
    bench.run(&["dkek", "status"]).fails(&["has no DKEK"]);
    bench.run(&["dkek", "init", "--shares", "2", "--so-pin", "3537363231383830"]).ok();
    assert_eq!(bench.json(&["dkek", "status"])["missing"], 2);

    // For as long as the token is one.
    let so = ["--so-pin", "3537363231383830"];
    let change = ["pin", "change", "--old-pin", "648219", "--new-pin"];
    let officer = ["pin", "change", "--so", "--old-pin", so[1], "--new-pin"];
    bench.run(&[&change[..], &["1234567890123456"]].concat()).fails(&["too long", "6 to 15"]);
    bench.run(&[&officer[..], &["12345678"]].concat()).fails(&["too short", "16 hexadecimal digits"]);
    bench.run(&[&["pin", "unblock", "--new-pin", "1234567890123456"], &so[..]].concat()).fails(&["too long"]);
    bench
        .run(&[&["user", "add", "ada", "--new-pin", "1234567890123456"], &so[..]].concat())
        .fails(&["too long"]);
    bench.run(&[&officer[..], &["00112233445566FF"]].concat()).ok();
    bench.run(&[&change[..], &["123456789012345"]].concat()).ok();
}

#[test]
fn bad_share_files_and_shares_say_what_is_wrong() {
    let bench = Bench::with(&["one"]);
    let share = bench.path("a.pbe").display().to_string();
    let import = |more: &[&str]| bench.run(&[&["dkek", "import-share", &share][..], more].concat());
    std::fs::write(&share, b"Salted__short").unwrap();
    import(&["--password", "x", "--pin", PIN]).fails(&["64 bytes, this one 13"]);
    std::fs::write(&share, [b'x'; 64]).unwrap();
    import(&["--password", "x", "--pin", PIN]).fails(&["not a DKEK share"]);
    import(&["--password", "x", "--pwd-shares-total", "2"]).misused("cannot be used with");
    bench.run(&["dkek", "create-share", &share, "--pwd-shares-total", "3"]).misused("pwd-shares-threshold");
    let create =
        ["dkek", "create-share", "new.pbe", "--pwd-shares-threshold", "1", "--pwd-shares-total", "3"];
    bench.run(&create).fails(&["2 or larger"]);
}
