//! `tokentool delete`.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use bench::Bench;

#[test]
fn a_deleted_token_is_gone_with_all_its_files() {
    let bench = Bench::with(&["bench"]);
    bench.run(&["delete"]).fails(&["no terminal", "--yes"]);
    assert_eq!(bench.json(&["list"]).as_array().unwrap().len(), 1);
    let deleted = bench.json(&["delete", "--yes"]);
    assert_eq!(deleted["label"], "bench");
    assert!(bench.files().is_empty(), "{:?}", bench.files());
}

#[test]
fn with_two_tokens_the_one_to_delete_is_named() {
    let bench = Bench::with(&["a", "b"]);
    bench.run(&["delete", "--yes"]).fails(&["there are 2 tokens"]);
    bench.run(&["delete", "--yes", "--token", "a"]).ok();
    assert_eq!(bench.json(&["list"])[0]["label"], "b");
    bench.make("c");
    assert_eq!(bench.json(&["show", "--token", "c"])["slot"], 0);
}
