//! The judges themselves, on the module that Cargo built.

use std::process::{Command, Output, Stdio};

fn judge(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_conformance")).args(arguments).output();
    output.unwrap_or_else(|error| panic!("conformance does not run: {error}"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_table_of_functions_has_all_104() {
    let said = text(&judge(&["functions"]));
    let rows = said.lines().filter(|line| line.starts_with("C_")).count();
    assert_eq!(rows, 104, "{said}");
    assert!(!said.contains("ABSENT"), "{said}");
}

#[test]
fn our_module_passes_the_mandatory_test_cases() {
    let output = judge(&["profile"]);
    let said = text(&output);
    for case in ["BL-M-1-32", "EXT-M-1-32", "AUTH-M-1-32", "CERT-M-1-32"] {
        assert!(said.contains(&format!("passed  {case}")), "{said}");
    }
    assert!(output.status.success());
}

#[test]
fn a_module_that_is_not_there_is_told_and_not_judged() {
    let output = judge(&["profile", "--module", "/nowhere.so"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere.so"));
}

#[test]
fn a_judge_that_nobody_listens_to_ends_quietly() {
    for arguments in [&["functions"][..], &["profile"], &["client", "--list"]] {
        let (reader, writer) = std::io::pipe().unwrap_or_else(|error| panic!("no pipe: {error}"));
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
        let status = command.args(arguments).stdout(writer).stderr(Stdio::piped()).output();
        let output = status.unwrap_or_else(|error| panic!("conformance does not run: {error}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.as_str()), (Some(141), ""), "{arguments:?}");
    }
}

/// The module that ours is compared with, where it is installed.
const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

#[test]
fn each_difference_to_softhsm_has_its_reason_and_the_page_is_current() {
    if !std::path::Path::new(SOFTHSM).exists() {
        return;
    }
    let output = judge(&["differences", "--beside", SOFTHSM]);
    assert!(output.status.success(), "{}", text(&output));
    let page = include_str!("../differences.md");
    assert_eq!(text(&judge(&["differences", "--markdown"])), page, "conformance differences --markdown");
    let reasons = include_str!("../src/differences/reasons.rs").matches("\n    row(").count();
    assert_eq!(page.matches("\n## ").count(), reasons, "a reason without a difference is out of date");
}

#[test]
fn a_module_beside_itself_does_not_differ() {
    let ours = std::path::Path::new(env!("CARGO_BIN_EXE_conformance"))
        .with_file_name("deps")
        .join("libtokenkeep.so");
    let output = judge(&["differences", "--beside", &ours.display().to_string()]);
    let said = text(&output);
    assert!(said.contains(" questions: 0 answered differently"), "{said}");
    let count: usize = said.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    assert!(count > 500, "{said}");
}
