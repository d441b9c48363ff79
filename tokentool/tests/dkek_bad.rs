//! Share files and wrapped keys that are broken or surprising: what the tool says to each.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use std::collections::BTreeSet;

use bench::{Bench, PIN};
use tokenkeep::backup::{Import, split};
use tokenkeep::cryptoki::ids::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../module/tests/fixtures/dkek");

/// The shares of the DKEK under which the files were made.
const SHARES: [&str; 2] = [
    "d01f919d17c410a9cb9c07cac51deb714799e91d504a3b7128e1c4a9dc9f4b1b",
    "0c237bcfdf5899a0acaa700ad8e36ae3b5adadcb6fa9e348e1b142c130a89fa7",
];

const PASSWORD: &[&str] = &["--password", "correct horse 1"];

/// A token of so many shares, of which these are there.
fn token(shares: usize, there: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.init(&["--label", "one", "--dkek-shares", &shares.to_string()]).ok();
    bench.call("one", CKU_USER, |call| {
        for share in there {
            call.dkek_import(0, &split::digits(share).unwrap(), Import::default()).unwrap();
        }
    });
    bench
}

fn import(bench: &Bench, file: &str, more: &[&str]) -> bench::Ended {
    let path = format!("{FIXTURES}/{file}");
    bench.run(&[&["dkek", "import-share", &path, "--pin", PIN][..], more].concat())
}

fn files(start: &str, end: &str) -> BTreeSet<String> {
    let names = std::fs::read_dir(FIXTURES).unwrap().map(|file| file.unwrap().file_name());
    names
        .map(|name| name.into_string().unwrap())
        .filter(|name| name.starts_with(start) && name.ends_with(end))
        .collect()
}

/// Broken wrapped keys by the ends of their names, for every type of key.
const WRAPPED: &[(&str, &[&str])] = &[
    ("kcv", &["wrapped under another DKEK", "the token's 507BE84101B3952A"]),
    ("wrong-dkek", &["is 208D744BBD4DF86E, the token's 507BE84101B3952A"]),
    ("type", &["damaged or forged: its MAC is wrong"]),
    ("oid", &["damaged or forged: its MAC is wrong"]),
    ("cipher-first", &["damaged or forged: its MAC is wrong"]),
    ("cipher-last", &["damaged or forged: its MAC is wrong"]),
    ("mac", &["damaged or forged: its MAC is wrong"]),
    ("blob-short1", &["damaged or forged: its MAC is wrong"]),
    ("blob-short16", &["damaged or forged: its MAC is wrong"]),
    ("oid-remac", &["its default algorithm is not that of type"]),
    ("file-truncated", &["no wrapped key: it is no SEQUENCE, or ends too early"]),
    ("not-der", &["no wrapped key: it is no SEQUENCE, or ends too early"]),
    ("wrong-public-point", &["the public point does not belong to the private value"]),
];

#[test]
fn every_broken_wrapped_key_is_refused_with_what_is_wrong_and_nothing_is_made() {
    let bench = token(2, &SHARES);
    let mut tried = BTreeSet::new();
    for (end, words) in WRAPPED {
        for kind in ["ec-prime256v1", "rsa2048"] {
            let name = format!("neg-{kind}-{end}.wrapped");
            if files(&name, "").is_empty() {
                continue;
            }
            bench.run(&["key", "unwrap", &format!("{FIXTURES}/{name}"), "--pin", PIN]).fails(words);
            tried.insert(name);
        }
    }
    assert_eq!(tried, files("neg-", ".wrapped"), "every file is in the table");
    assert_eq!(bench.json(&["objects", "--pin", PIN]), serde_json::json!([]));
}

#[test]
fn wrapped_keys_without_description_or_certificate_are_taken() {
    let bench = token(2, &SHARES);
    for name in files("edge-", ".wrapped") {
        let done = bench.json(&["key", "unwrap", &format!("{FIXTURES}/{name}"), "--force", "--pin", PIN]);
        assert_eq!(
            (done["public"].is_u64(), &done["certificate"]),
            (true, &serde_json::Value::Null),
            "{name}"
        );
    }
    assert_eq!(files("edge-", ".wrapped").len(), 4);
    // Without a description the file's name is the label.
    let objects = bench.json(&["objects", "--pin", PIN]).to_string();
    assert!(
        objects.contains("edge-rsa2048-bare") && objects.contains("edge-ec-prime256v1-bare"),
        "{objects}"
    );
}

/// Share files, what to open them with, and the answer; each name once, so that no file is forgotten. Those that take the
/// seconds of a password are spread over tests that run side by side.
fn refused(names: &[&str], words: &[&str]) {
    let bench = token(2, &[]);
    for name in names {
        import(&bench, name, PASSWORD).fails(words);
    }
    assert_eq!(bench.json(&["dkek", "status"])["missing"], 2);
}

#[test]
fn a_file_that_is_no_share_is_told_before_a_password_is_tried() {
    refused(&["neg-share-magic.pbe"], &["not a DKEK share", "Salted__"]);
    refused(&["neg-share-truncated63.pbe"], &["64 bytes, this one 63"]);
}

#[test]
fn a_damaged_share_is_told() {
    refused(
        &["neg-share-salt.pbe", "neg-share-block2.pbe"],
        &["the password is wrong, or the file is damaged"],
    );
}

#[test]
fn a_damaged_share_and_one_that_was_imported_before_are_told() {
    refused(&["neg-share-lastblock.pbe"], &["the password is wrong, or the file is damaged"]);
    let bench = token(2, &SHARES[..1]);
    let again = import(&bench, "dkek2-share1.pbe", PASSWORD);
    again.fails(&["imported before", "cancel each other out"]);
    assert_eq!(bench.json(&["dkek", "status"])["missing"], 1);
}

#[test]
fn a_dkek_of_zeros_is_refused_even_when_forced() {
    let bench = token(2, &SHARES[..1]);
    import(&bench, "dkek2-share1.pbe", &[PASSWORD, &["--force"]].concat()).fails(&["all zero"]);
    assert_eq!(bench.json(&["dkek", "status"])["missing"], 1);
}

#[test]
fn a_share_that_was_changed_unseen_shows_in_the_check_value() {
    let bench = token(2, &SHARES[1..]);
    let expect = [PASSWORD, &["--expect-kcv", "507BE84101B3952A"]].concat();
    let ended = import(&bench, "edge-share-firstblock.pbe", &expect);
    ended.fails(&["not 507BE84101B3952A", "one of the shares is wrong"]);
    // Bytes behind the share are nobody's.
    let ended = import(&bench, "edge-share-trailing.pbe", &expect);
    assert!(ended.ok().contains("507BE84101B3952A"), "{}", ended.out);
}

#[test]
fn custodians_too_few_or_twice_are_told() {
    let bench = token(1, &[]);
    let three_of_five = |more: &[&str]| {
        let prime = ["--prime", "f7:12:bb:5d:f9:b9:6e:23", "--share", "1:48:de:be:c2:7d:a4:1f:b5"];
        import(&bench, "dkek3-share1-3of5.pbe", &[&prime, more].concat())
    };
    three_of_five(&[]).fails(&["at least two password shares"]);
    three_of_five(&["--share", "1:48debec27da41fb5"]).fails(&["twice"]);
    three_of_five(&["--share", "2:ffffffffffffffff"]).fails(&["prime"]);
    three_of_five(&["--share", "second:ef3d"]).fails(&["share 2 of 2: ", "no share ID", "custodian's paper"]);
    three_of_five(&["--share", "2:ef3dfdb0b60c85e1"]).fails(&["the password is wrong", "custodians"]);
}

#[test]
fn share_ids_from_ten_on_are_read_as_they_are_shown_or_as_sc_hsm_tool_wants_them() {
    let manifest = std::fs::read_to_string(format!("{FIXTURES}/manifest.toml")).unwrap();
    let part = manifest.split("[[share]]").find(|part| part.contains("edge-share-2of12.pbe")).unwrap();
    let value = |id: &str| {
        let rest = part.split_once(&format!("{{ id = \"{id}\", value = \"")).unwrap().1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    for ids in [["10", "12"], ["a", "C"]] {
        let (ten, twelve) = (format!("{}:{}", ids[0], value("10")), format!("{}:{}", ids[1], value("12")));
        let shares = ["--prime", "d5:22:3d:34:3c:90:bb:5b", "--share", &ten, "--share", &twelve];
        let done = import(&token(1, &[]), "edge-share-2of12.pbe", &shares);
        assert!(done.ok().contains("E1FA64134D6449E9"), "{ids:?}");
    }
}

#[test]
fn a_password_with_a_leading_zero_opens_in_both_its_forms() {
    for (file, prime, one, two, kcv) in [
        (
            "edge-share-zero-2of3.pbe",
            "d89a58331715c67f",
            "1:06e8cce29c7e5b90",
            "2:0d2a1666182ee4e9",
            "A2B83FE2B0DB96E2",
        ),
        (
            "edge-share-zero-trimmed-2of3.pbe",
            "c81fc1e1b05ad637",
            "1:9b6d0c09f34f66c7",
            "3:41d3f2e2a259c57b",
            "C9854D28FCE44479",
        ),
    ] {
        let done = import(&token(1, &[]), file, &["--prime", prime, "--share", one, "--share", two]);
        assert!(done.ok().contains(kcv), "{file}");
    }
}

/// The tests above name every share file that is broken or surprising.
#[test]
fn no_share_file_is_forgotten() {
    let tests = include_str!("dkek_bad.rs");
    for name in files("neg-", ".pbe").iter().chain(&files("edge-", ".pbe")) {
        assert!(tests.contains(&format!("\"{name}\"")), "{name}");
    }
}
