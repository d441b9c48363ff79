//! `tokentool demo`: through the module that Cargo built beside the tool.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use bench::Bench;

#[test]
fn every_step_of_the_demo_passes_and_nothing_is_left() {
    let bench = Bench::new();
    let place = bench.path("tmp");
    std::fs::create_dir(&place).unwrap();
    let output = bench.command(&["demo", "--json"]).env("TMPDIR", &place).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{report:#}");
    assert_eq!(report["passed"], true);
    let steps = report["steps"].as_array().unwrap();
    assert!(steps.len() >= 25 && steps.iter().all(|step| step["ok"] == true), "{report:#}");
    // The custodians bring the same key back, and with it every object.
    let found = |name: &str| {
        let step =
            steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("{name}: {report:#}"));
        step["found"].as_str().unwrap().to_owned()
    };
    let (_, kcv) = found("five custodians").rsplit_once(' ').map(|(_, kcv)| ((), kcv.to_owned())).unwrap();
    assert!(kcv.len() == 16 && found("three of five").ends_with(&kcv), "{report:#}");
    assert!(
        found("back up").starts_with("5 objects") && found("restore").starts_with("5 objects"),
        "{report:#}"
    );
    assert!(found("sign as before").contains("verified by the certificate from before"));
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0, "the demo leaves something behind");
    assert!(!bench.dir().exists(), "the user's directory is not touched");
    let module = report["module"].as_str().unwrap();
    assert!(report["try"].to_string().contains(module));
}

#[test]
fn the_demo_tells_its_steps() {
    let out = Bench::new().run(&["demo"]);
    assert!(
        out.ok().contains("✓ sign with EC           CKM_ECDSA_SHA256, 64 bytes, verified by crate p256\n")
    );
    assert!(out.out.contains("pkcs11-tool --module /"));
}

#[test]
fn a_module_that_is_not_there_or_is_none_is_told() {
    let bench = Bench::new();
    bench.run(&["demo", "--module", "/nowhere/lib.so"]).fails(&["/nowhere/lib.so", "cargo build --release"]);
    let text = bench.path("lib.so");
    std::fs::write(&text, "this is no library").unwrap();
    let out = bench.run(&["demo", "--module", text.to_str().unwrap()]);
    assert_eq!(out.code, 1);
    assert!(out.out.starts_with("✗ load the module"), "{}", out.out);
    assert!(out.err.contains("the demo failed"), "{}", out.err);
}
