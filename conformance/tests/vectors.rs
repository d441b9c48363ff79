//! Families of vectors on the module that Cargo built, as far as they take seconds; `conformance vectors` runs them all.

use std::process::Command;

use serde_json::Value;

/// Runs a family; every failure is named. Answers how many vectors passed.
fn passed(family: &str) -> u64 {
    let output = Command::new(env!("CARGO_BIN_EXE_conformance")).args(["vectors", "--json", family]).output();
    let output = output.unwrap_or_else(|error| panic!("conformance does not run: {error}"));
    let tally: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let (mut passed, mut failed) = (0, Vec::new());
    for (mechanism, sources) in tally["mechanisms"].as_object().into_iter().flatten() {
        for (source, evidence) in sources.as_object().into_iter().flatten() {
            passed += evidence["passed"].as_u64().unwrap_or_default();
            let failures = evidence["failed"].as_array().into_iter().flatten();
            failed.extend(failures.map(|failure| format!("{mechanism}, {source}, {failure}")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    passed
}

#[test]
fn published_tables() {
    assert!(passed("published") >= 47);
}

#[test]
fn wycheproof_macs() {
    assert!(passed("wycheproof-mac") >= 2400);
}

#[test]
fn wycheproof_ciphers() {
    assert!(passed("wycheproof-cipher") >= 2100);
}

#[test]
fn wycheproof_derivations() {
    assert!(passed("wycheproof-kdf") >= 900);
}

#[test]
fn wycheproof_ecdsa() {
    assert!(passed("wycheproof-ecdsa") >= 12_000);
}

#[test]
fn wycheproof_dsa() {
    assert!(passed("wycheproof-dsa") >= 900);
}

#[test]
fn wycheproof_eddsa() {
    assert!(passed("wycheproof-eddsa") >= 230);
}

#[test]
fn wycheproof_agreement() {
    assert!(passed("wycheproof-xdh") >= 1000);
}

#[test]
fn wycheproof_post_quantum() {
    assert!(passed("wycheproof-pq") >= 2300);
}

#[test]
fn an_unknown_family_is_told_with_those_there_are() {
    let output = Command::new(env!("CARGO_BIN_EXE_conformance")).args(["vectors", "nothing"]).output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(said.is_ok_and(|said| said.contains("no family nothing; there are cross-pq, ")));
}
