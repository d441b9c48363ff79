//! `tokentool csr`, `self-sign` and `export`: what openssl and ssh-keygen say of it.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;
mod signer;

use std::fs;
use std::path::Path;
use std::process::Command;

use bench::{Bench, PIN};
use serde_json::json;
use signer::{Signer, openssl};
use tokenkeep::cryptoki::ids::CKA_ALWAYS_AUTHENTICATE;

/// Keys by the options of `openssl genpkey`, and whether SSH has them.
const KEYS: [(&str, &[&str], bool); 6] = [
    ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], true),
    ("p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], true),
    ("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], true),
    ("p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], true),
    ("ed25519", &["-algorithm", "ED25519"], true),
    ("ed448", &["-algorithm", "ED448"], false),
];

/// A token with a key of every kind; each is in a file of its name too.
fn furnished() -> Bench {
    let bench = Bench::with(&["one"]);
    for (name, options, _) in KEYS {
        let file = path(&bench, name);
        openssl(&[&["genpkey"], options, &["-out", &file]].concat());
        bench.run(&["import", "--pin", PIN, &file]).ok();
    }
    bench
}

fn path(bench: &Bench, name: &str) -> String {
    bench.path(name).display().to_string()
}

#[test]
fn every_kind_of_key_makes_requests_and_certificates_that_openssl_verifies() {
    let bench = furnished();
    let sign = ["--pin", PIN, "--subject", "CN=a\\, b,O=Tokenkeep,C=NL"];
    for (name, more) in
        KEYS.iter().map(|key| (key.0, None)).chain([("rsa", Some("--pss")), ("p256", Some("--hash=sha512"))])
    {
        let label = [&["--label", name][..], &sign, &Vec::from_iter(more)].concat();
        let request = bench.run(&[&["csr", "--san", "dns:a.example,ip:::1"], &label[..]].concat());
        let file = path(&bench, "csr");
        fs::write(&file, request.ok()).unwrap();
        let told = openssl(&["req", "-in", &file, "-noout", "-verify", "-text", "-nameopt", "RFC2253"]);
        assert!(told.contains("verify OK"), "{told}");
        assert!(told.contains(r"Subject: CN=a\, b,O=Tokenkeep,C=NL"), "{told}");
        assert!(told.contains("DNS:a.example, IP Address:0:0:0:0:0:0:0:1"), "{told}");

        let certificate = bench.run(&[&["self-sign", "--ca", "--output-only"], &label[..]].concat());
        let file = path(&bench, "ca");
        fs::write(&file, certificate.ok()).unwrap();
        let told = openssl(&["verify", "-x509_strict", "-check_ss_sig", "-CAfile", &file, &file]);
        assert!(told.contains(": OK"), "{told}");
    }
    assert!(bench.json(&["objects"]).as_array().unwrap().iter().all(|o| o["class"] != "CKO_CERTIFICATE"));
}

#[test]
fn a_certificate_says_what_was_asked_and_stays_under_the_keys_id() {
    let bench = furnished();
    let file = path(&bench, "web.pem");
    let uses = [
        "--key-usage",
        "digitalSignature,keyEncipherment",
        "--extended-key-usage",
        "serverAuth,1.3.6.1.5.5.7.3.2",
    ];
    let names = ["--san", "dns:localhost,ip:127.0.0.1,email:me@example.org,uri:https://example.org/a"];
    let make =
        ["self-sign", "--pin", PIN, "--label", "rsa", "--subject", "/C=NL/O=x\\/y/CN=web", "--days", "10000"];
    let done = bench.json(&[&make[..], &uses, &names, &["-o", &file]].concat());
    assert_eq!(
        (&done["subject"], &done["algorithm"]),
        (&json!("CN=web,O=x/y,C=NL"), &json!("sha256WithRSAEncryption"))
    );
    let told = openssl(&["x509", "-in", &file, "-noout", "-text", "-nameopt", "RFC2253"]);
    for line in [
        "Subject: CN=web,O=x/y,C=NL",
        "Digital Signature, Key Encipherment",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "DNS:localhost, IP Address:127.0.0.1, email:me@example.org, URI:https://example.org/a",
        "CA:FALSE",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        "Version: 3 (0x2)",
    ] {
        assert!(told.contains(line), "{line} is not in {told}");
    }
    openssl(&["x509", "-in", &file, "-noout", "-checkend", "863000000"]);
    let all = bench.json(&["objects", "--pin", PIN]);
    let of = |class: &str| {
        all.as_array().unwrap().iter().find(|o| o["class"] == class && o["label"] == "rsa").unwrap()
    };
    assert_eq!(of("CKO_CERTIFICATE")["id"], of("CKO_PRIVATE_KEY")["id"]);

    let objects = || bench.json(&["objects"]).as_array().unwrap().len();
    let before = objects();
    for (place, word) in [(&file, "is there already"), (&path(&bench, "nowhere/x"), "cannot write")] {
        bench.run(&[&make[..], &["-o", place]].concat()).fails(&[word]);
        assert_eq!(objects(), before, "the token keeps no certificate whose file cannot be written");
    }
    let refused = |more: &[&str], words: &[&str]| bench.run(&[&make[..], more].concat()).fails(words);
    refused(&["--san", "host"], &["--san \"host\""]);
    refused(&["--san", "ip:1.2.3"], &["--san \"ip:1.2.3\""]);
    refused(&["--key-usage", "everything"], &["--key-usage \"everything\"", "keyCertSign"]);
    let csr = |more: &[&str]| bench.run(&[&["csr", "--pin", PIN, "--subject", "CN=x"], more].concat());
    csr(&["--label", "nobody"]).fails(&["no private key"]);
    csr(&["--label", "p256", "--pss"]).fails(&["--pss is for RSA"]);
    bench.run(&["csr", "--pin", PIN, "--label", "rsa", "--subject", "me"]).fails(&["--subject \"me\""]);
}

#[test]
fn a_key_that_wants_the_pin_for_each_use_gets_it() {
    let bench = Bench::with(&["one"]);
    Signer::open(&bench, "one").generates("careful", CKA_ALWAYS_AUTHENTICATE);
    let file = path(&bench, "csr");
    bench.run(&["csr", "--pin", PIN, "--label", "careful", "--subject", "CN=x", "-o", &file]).ok();
    assert!(openssl(&["req", "-in", &file, "-noout", "-verify"]).contains("verify OK"));
}

#[test]
fn post_quantum_keys_sign_certificates_too() {
    let bench = Bench::with(&["one"]);
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ml-dsa-65.pem");
    bench.run(&["import", "--pin", PIN, key.to_str().unwrap(), "--label", "new"]).ok();
    let file = path(&bench, "new.der");
    let make = ["self-sign", "--pin", PIN, "--label", "new", "--subject", "CN=new", "--der", "-o", &file];
    assert_eq!(bench.json(&make)["algorithm"], "ML-DSA-65");
    // id-ml-dsa-65, as openssl before 3.5 prints what it does not know.
    let told = openssl(&["x509", "-inform", "DER", "-in", &file, "-noout", "-text"]);
    assert!(told.contains("2.16.840.1.101.3.4.3.18") || told.to_lowercase().contains("ml-dsa-65"), "{told}");
}

#[test]
fn public_keys_are_exported_as_they_are() {
    let bench = furnished();
    for (name, _, ssh) in KEYS {
        let (file, key) = (path(&bench, &format!("{name}.der")), path(&bench, name));
        let expected = openssl(&["pkey", "-in", &key, "-pubout"]);
        assert_eq!(bench.run(&["export", "--label", name]).ok(), expected);
        bench.run(&["export", "--label", name, "--format", "der", "-o", &file]).ok();
        assert_eq!(openssl(&["pkey", "-pubin", "-inform", "DER", "-in", &file, "-pubout"]), expected);
        let line = bench.run(&["export", "--label", name, "--format", "ssh"]);
        if !ssh {
            line.fails(&["SSH has no keys of the type of \"ed448\""]);
            continue;
        }
        let public = path(&bench, "public");
        fs::write(&public, &expected).unwrap();
        if name != "ed25519" {
            let theirs =
                Command::new("ssh-keygen").args(["-i", "-m", "PKCS8", "-f", &public]).output().unwrap();
            let theirs = String::from_utf8(theirs.stdout).unwrap();
            assert_eq!(line.ok().trim_end(), format!("{} {name}", theirs.trim_end()));
        }
        fs::write(&public, line.ok()).unwrap();
        let told = Command::new("ssh-keygen").args(["-l", "-f", &public]).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    }
    bench.run(&["export", "--label", "rsa", "--format", "der"]).fails(&["--output"]);
    bench.run(&["export", "--label", "nobody"]).fails(&["no public key", "backup"]);
}

#[test]
fn json_web_keys_go_out_and_come_in_again() {
    let bench = furnished();
    let set = path(&bench, "set.json");
    bench.run(&["export", "--all", "--format", "jwk", "-o", &set]).ok();
    bench.make("two");
    bench.run(&["import", "--pin", PIN, "-t", "two", &set]).ok();
    for (name, ..) in KEYS {
        let pem = |token: &str| bench.run(&["export", "-t", token, "--label", name]).ok().to_owned();
        assert_eq!(pem("one"), pem("two"));
    }
}

#[test]
fn a_chain_goes_from_the_leaf_to_the_root() {
    let bench = furnished();
    let at = |name: &str| path(&bench, name);
    bench
        .run(&[
            "self-sign",
            "--pin",
            PIN,
            "--label",
            "p384",
            "--subject",
            "CN=root",
            "--ca",
            "-o",
            &at("root.pem"),
        ])
        .ok();
    // The root's private half is in a file of its name: openssl signs with it.
    bench.run(&["csr", "--pin", PIN, "--label", "p256", "--subject", "CN=leaf", "-o", &at("leaf.csr")]).ok();
    let sign =
        ["x509", "-req", "-days", "9", "-set_serial", "7", "-in", &at("leaf.csr"), "-CA", &at("root.pem")];
    openssl(&[&sign[..], &["-CAkey", &at("p384"), "-out", &at("leaf.pem")]].concat());
    bench.run(&["import", "--pin", PIN, &at("leaf.pem")]).ok();
    let chain = bench.run(&["export", "--label", "p256", "--type", "chain"]);
    let [leaf, root] = ["leaf.pem", "root.pem"].map(|name| fs::read_to_string(at(name)).unwrap());
    assert_eq!(chain.ok(), format!("{leaf}{root}"));
    assert_eq!(bench.run(&["export", "--label", "p256", "--type", "certificate"]).ok(), leaf);
    bench.run(&["export", "--label", "p256", "--type", "chain", "--format", "jwk"]).fails(&["PEM or DER"]);
}
