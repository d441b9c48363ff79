//! The judges themselves, on the module that Cargo built.

use std::process::{Command, Output};

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
