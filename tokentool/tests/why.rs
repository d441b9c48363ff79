//! `tokentool why`: real refusals of the loaded module, told with their rules; never a PIN.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use bench::{Bench, ended};
use serde_json::Value;

/// The steps of the demo in a directory of ours, traced: they sign, forge, read what is sensitive, and lock a PIN, all
/// through the module.
fn traced() -> (Bench, String) {
    let bench = Bench::new();
    let trace = bench.path("trace").display().to_string();
    let settings = bench.path("tokenkeep.toml");
    std::fs::write(&settings, format!("trace = {trace:?}\nkdf_iterations = 1000\n")).unwrap();
    let stage = bench.dir().display().to_string();
    ended(bench.command(&["demo", "--stage", &stage, "--json"]).env("TOKENKEEP_CONF", settings)).ok();
    (bench, trace)
}

fn find<'a>(refusals: &'a [Value], code: &str) -> &'a Value {
    refusals.iter().find(|refusal| refusal["code"] == code).unwrap_or_else(|| panic!("{code}: {refusals:?}"))
}

#[test]
fn what_is_no_trace_tells_nothing() {
    let bench = Bench::with(&["one"]);
    bench.run(&["why", "--trace", bench.file().to_str().unwrap()]).fails(&["is no trace", "TOKENKEEP_TRACE"]);
    bench.run(&["why", "--trace", "/x", "--last", "0"]).misused("0 is not in 1..");
}

#[test]
fn what_the_module_refused_is_told_with_its_rule_for_each_process() {
    let (bench, trace) = traced();
    let all = bench.json(&["why", "--trace", &trace, "--last", "100"]);
    let all = all.as_array().unwrap();
    let sensitive = find(all, "CKR_ATTRIBUTE_SENSITIVE");
    assert_eq!(sensitive["function"], "C_GetAttributeValue");
    assert_eq!(sensitive["section"], "PKCS#11 v3.2 §5.7.5");
    assert!(sensitive["attribute"].as_str().unwrap().starts_with("CKA_"), "{sensitive}");
    assert!(sensitive["rule"].as_str().unwrap().contains("is not shown"), "{sensitive}");
    assert_eq!(find(all, "CKR_PIN_INCORRECT")["function"], "C_Login");
    assert_eq!(find(all, "CKR_PIN_LOCKED")["function"], "C_Login");
    for pin in ["0000", "1234", "4321", "87654321"] {
        assert!(all.iter().all(|refusal| !refusal["why"].to_string().contains(pin)), "{pin}: {all:?}");
    }

    let (process, count) = (all[0]["process"].to_string(), all.len());
    let one = bench.json(&["why", "--trace", &trace, "--process", &process, "--last", "1"]);
    assert_eq!(one.as_array().unwrap()[..], all[count - 1..]);
    let ended = ended(bench.command(&["why", "--process", "1"]).env("TOKENKEEP_TRACE", &trace));
    assert!(ended.ok().starts_with("Nothing was refused"), "{}", ended.out);
    let ended = bench.run(&["why", "--trace", &trace, "--process", &process, "--last", "100"]);
    assert!(ended.ok().contains("C_Login answered CKR_PIN_LOCKED\n"), "{}", ended.out);
    assert!(ended.out.contains("PKCS#11 v3.2 §5.6.8\n"), "{}", ended.out);
}

#[test]
fn a_refusal_is_followed_as_it_comes() {
    let bench = Bench::new();
    let trace = bench.path("trace");
    let write = |text: &str| {
        let mut file = OpenOptions::new().create(true).append(true).open(&trace).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    let line = |n| {
        format!(
            "{{\"time\":{n},\"process\":9,\"function\":\"C_Sign\",\"rv\":\"CKR_DATA_LEN_RANGE\",\"why\":\"\"}}\n"
        )
    };
    write(&line(1));
    let mut follow = Command::new(env!("CARGO_BIN_EXE_tokentool"))
        .args(["why", "--follow", "--json", "--trace"])
        .arg(&trace)
        .env("HOME", bench.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(follow.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&out.next().unwrap().unwrap()).unwrap()["time"].clone();
    assert_eq!(next(), 1);
    let second = line(2);
    let (begin, end) = second.split_at(20);
    write(begin);
    write(end);
    assert_eq!(next(), 2, "a line that came in two pieces is one");
    follow.kill().unwrap();
    follow.wait().unwrap();
}

#[test]
fn without_a_trace_it_says_how_to_get_one() {
    let bench = Bench::with(&["bench"]);
    bench.run(&["why"]).fails(&["nothing is traced", "TOKENKEEP_TRACE"]);
    bench.run(&["why", "--trace", "/nowhere"]).fails(&["/nowhere is not there"]);
}
