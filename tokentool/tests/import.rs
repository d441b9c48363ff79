//! `tokentool import`: what openssl, keytool, NSS and SoftHSM wrote comes into a token, and works there.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;
mod signer;

use std::fs;
use std::path::{Path, PathBuf};

use bench::{Bench, PIN};
use serde_json::{Value, json};
use signer::{Signer, openssl};
use tokenkeep::crypto::pq::{self, Family, Pair, Set};
use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::object::Given;

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name).display().to_string()
}

/// A file of that name in the bench.
fn put(bench: &Bench, name: &str, contents: &[u8]) -> String {
    let path = bench.path(name);
    fs::write(&path, contents).unwrap();
    path.display().to_string()
}

fn path(bench: &Bench, name: &str) -> String {
    bench.path(name).display().to_string()
}

/// What `import` says it did: class, label, and whether it replaced something.
fn import(bench: &Bench, arguments: &[&str]) -> Vec<(String, String)> {
    let done = bench.json(&[&["import", "--pin", PIN], arguments].concat());
    let text = |made: &Value, field: &str| made[field].as_str().unwrap().to_owned();
    let made = done["objects"].as_array().unwrap().iter();
    made.map(|made| (text(made, "class").replace("CKO_", ""), text(made, "label"))).collect()
}

fn objects(bench: &Bench) -> Vec<Value> {
    bench.json(&["objects", "--pin", PIN]).as_array().unwrap().clone()
}

/// One of each algorithm in the forms that openssl writes: algorithm, its options, and the key's signing mechanism.
const KEYS: &[(&str, &[&str], Option<CK_MECHANISM_TYPE>)] = &[
    ("RSA", &["rsa_keygen_bits:2048"], Some(CKM_SHA256_RSA_PKCS)),
    ("RSA-PSS", &["rsa_keygen_bits:2048"], None),
    ("EC", &["ec_paramgen_curve:P-256"], Some(CKM_ECDSA_SHA256)),
    ("EC", &["ec_paramgen_curve:P-384", "ec_param_enc:explicit"], Some(CKM_ECDSA_SHA256)),
    ("EC", &["ec_paramgen_curve:P-521"], Some(CKM_ECDSA_SHA256)),
    ("EC", &["ec_paramgen_curve:brainpoolP256r1"], Some(CKM_ECDSA_SHA256)),
    ("ED25519", &[], None),
    ("ED448", &[], None),
    ("X25519", &[], None),
    ("X448", &[], None),
    ("DH", &["group:modp_2048"], None),
];

#[test]
fn private_keys_of_openssl_come_in_every_form_and_sign() {
    let bench = Bench::with(&["one"]);
    for (number, (algorithm, options, mechanism)) in KEYS.iter().enumerate() {
        let name = |form: &str| format!("{number}-{form}");
        let at = |form: &str| path(&bench, &name(form));
        let mut generate = vec!["genpkey", "-algorithm", algorithm];
        options.iter().for_each(|option| generate.extend(["-pkeyopt", option]));
        let (plain, public) = (at("plain"), at("public"));
        openssl(&[&generate[..], &["-out", &plain]].concat());
        openssl(&["pkey", "-in", &plain, "-pubout", "-out", &public]);
        let mut forms = vec![plain.clone()];
        let encrypted = ["-passout", "pass:secret", "-in", &plain, "-out"];
        for (form, more) in [
            ("der", &["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"][..]),
            ("pbes2", &["pkcs8", "-topk8"]),
            ("aes128", &["pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"]),
            ("des3", &["pkcs8", "-topk8", "-v2", "des3"]),
            ("scrypt", &["pkcs8", "-topk8", "-scrypt", "-scrypt_N", "1024"]),
            ("pkcs12", &["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"]),
        ] {
            // One key in all encryptions is enough.
            if number == 0 || form == "der" {
                openssl(&[more, &encrypted, &[&at(form)]].concat());
                forms.push(at(form));
            }
        }
        if matches!(*algorithm, "RSA" | "EC") {
            openssl(&["pkey", "-traditional", "-in", &plain, "-out", &at("old")]);
            openssl(&[
                "pkey",
                "-traditional",
                "-aes256",
                "-passout",
                "pass:secret",
                "-in",
                &plain,
                "-out",
                &at("locked"),
            ]);
            openssl(&["pkey", "-traditional", "-outform", "DER", "-in", &plain, "-out", &at("bare")]);
            forms.extend([at("old"), at("locked"), at("bare")]);
        }
        for form in &forms {
            let label = Path::new(form).file_name().unwrap().to_str().unwrap();
            let made = import(&bench, &[form, "--password", "secret", "--force", "--label", label]);
            assert_eq!(made[0], ("PRIVATE_KEY".into(), label.into()));
        }
        if let Some(mechanism) = mechanism {
            let label = Path::new(forms.last().unwrap()).file_name().unwrap().to_str().unwrap();
            let signer = Signer::open(&bench, "one");
            signer.verified_by_openssl(*mechanism, label, &public);
        }
    }
    let all = objects(&bench);
    assert_eq!(all.len(), 2 * KEYS.len(), "each key is there once");
    assert!(all.iter().all(|object| object["id"].as_str().unwrap().len() == 40));
    for key in all.iter().filter(|object| object["class"] == "CKO_PRIVATE_KEY") {
        let flags = key["flags"].as_array().unwrap();
        assert!(flags.contains(&json!("sensitive")) && !flags.contains(&json!("extractable")), "{key}");
        assert!(!flags.contains(&json!("local")) && !flags.contains(&json!("never-extractable")), "{key}");
    }
}

#[test]
fn a_chain_beside_its_key_gets_the_keys_id_and_authorities_their_names() {
    let bench = Bench::with(&["one"]);
    let at = |name: &str| path(&bench, name);
    let authority =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/O=x/CN=The CA"];
    openssl(&[&authority[..], &["-keyout", &at("ca.key"), "-out", &at("ca.pem")]].concat());
    let request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server"];
    openssl(&[&request[..], &["-keyout", &at("server.key"), "-out", &at("csr")]].concat());
    let sign = ["x509", "-req", "-set_serial", "1", "-days", "9"];
    let files = ["-in", &at("csr"), "-CA", &at("ca.pem"), "-CAkey", &at("ca.key"), "-out", &at("leaf.pem")];
    openssl(&[&sign[..], &files].concat());
    let both = [fs::read(at("leaf.pem")).unwrap(), fs::read(at("ca.pem")).unwrap()].concat();
    let chain = put(&bench, "chain", &both);

    let dry = bench.json(&["import", "--pin", PIN, "--dry-run", &chain]);
    assert_eq!((&dry["dry_run"], objects(&bench).len()), (&json!(true), 0));

    bench.run(&["import", "--pin", PIN, &at("server.key"), "--id", "0a0b", "--label", "web"]).ok();
    let made = import(&bench, &[&chain]);
    assert_eq!(made, [("CERTIFICATE".into(), "web".into()), ("CERTIFICATE".into(), "The CA".into())]);
    let all = objects(&bench);
    let id = |class: &str, label: &str| {
        all.iter().find(|o| o["class"] == class && o["label"] == label).unwrap()["id"].clone()
    };
    assert_eq!(id("CKO_CERTIFICATE", "web"), "0a0b");
    assert_eq!(id("CKO_CERTIFICATE", "The CA").as_str().unwrap().len(), 40);

    // What only asks for one is none.
    bench.run(&["import", "--pin", PIN, &at("csr")]).fails(&["csr is a request for a certificate"]);

    // The authority is no stumbling block for the next one; what was meant is.
    bench.run(&["import", "--pin", PIN, &chain]).fails(&["has already", "certificate \"web\"", "--force"]);
    assert_eq!(import(&bench, &[&chain, "--force"]).len(), 1);
    assert_eq!(objects(&bench).len(), all.len());

    // Nothing comes when anything cannot.
    bench.make("two");
    let broken = put(&bench, "broken.pem", b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    bench.run(&["import", "--pin", PIN, "-t", "two", &chain, &broken]).fails(&["broken.pem"]);
    assert_eq!(bench.json(&["objects", "--pin", PIN, "-t", "two"]), json!([]));

    // An authority with its own key is what is meant by --id.
    bench.make("ca");
    bench.run(&["import", "--pin", PIN, "-t", "ca", "--id", "0c", &at("ca.key"), &at("ca.pem")]).ok();
    let ca = bench.json(&["objects", "--pin", PIN, "-t", "ca"]);
    let is = |o: &Value| o["id"] == "0c" && o["label"] == "The CA";
    assert!(ca.as_array().unwrap().iter().all(is), "{ca}");

    // A key that has no ID yet gets the one of its certificate.
    bench.make("nameless");
    bench.run(&["import", "--pin", PIN, "-t", "nameless", &at("server.key")]).ok();
    bench.call("nameless", CKU_USER, |call| {
        call.find_init(&Vec::new()).unwrap();
        for key in call.find(9).unwrap() {
            call.set_attributes(key, &vec![(CKA_ID, Given::Bytes([][..].into()))]).unwrap();
        }
    });
    bench.run(&["import", "--pin", PIN, "-t", "nameless", "--dry-run", &at("leaf.pem")]).ok();
    let ids = || {
        let all = bench.json(&["objects", "--pin", PIN, "-t", "nameless"]);
        all.as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(), ["", ""]);
    bench.run(&["import", "--pin", PIN, "-t", "nameless", &at("leaf.pem")]).ok();
    assert!(matches!(&ids()[..], [a, b, c] if a == b && b == c && a.len() == 40), "{:?}", ids());
}

#[test]
fn keystores_come_with_their_names() {
    let bench = Bench::with(&["one"]);
    let at = |name: &str| path(&bench, name);
    bench
        .run(&["import", "--pin", PIN, &fixture("java.p12"), "--password", "false"])
        .fails(&["wrong password"]);
    let named = |made: Vec<(String, String)>, class: &str| -> Vec<String> {
        made.into_iter().filter(|(of, _)| of == class).map(|(_, label)| label).collect()
    };
    let made = import(&bench, &[&fixture("java.p12"), "--password", "secret"]);
    assert_eq!(named(made.clone(), "PRIVATE_KEY"), ["one", "two"]);
    assert_eq!(named(made.clone(), "CERTIFICATE"), ["one", "two"]);
    assert_eq!(named(made, "SECRET_KEY"), ["sec"]);
    let secret = objects(&bench).into_iter().find(|o| o["class"] == "CKO_SECRET_KEY").unwrap();
    assert_eq!((&secret["key_type"], &secret["bits"]), (&json!("CKK_AES"), &json!(256)));
    for (file, name) in [("nss.p12", "my key"), ("pbmac1.p12", "fips")] {
        bench
            .run(&["import", "--pin", PIN, &fixture(file), "--password", "false"])
            .fails(&["wrong password"]);
        assert_eq!(named(import(&bench, &[&fixture(file), "--password", "secret"]), "PRIVATE_KEY"), [name]);
    }

    let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=me"];
    openssl(&[&new[..], &["-keyout", &at("key"), "-out", &at("cert")]].concat());
    for (name, more) in
        [("modern", &[][..]), ("legacy", &["-legacy"]), ("bare", &["-nomac"]), ("lone", &["-nocerts"])]
    {
        let (p12, label) = (at(name), format!("my {name}"));
        let export =
            ["pkcs12", "-export", "-passout", "pass:gr\u{fc}n", "-name", &label, "-inkey", &at("key")];
        openssl(&[&export[..], more, &["-in", &at("cert"), "-out", &p12]].concat());
        bench.run(&["import", "--pin", PIN, &p12, "--password", "x"]).fails(&["wrong password", name]);
        let made = import(&bench, &[&p12, "--password", "gr\u{fc}n", "--force"]);
        assert_eq!(named(made, "PRIVATE_KEY"), [label.as_str()]);
        Signer::open(&bench, "one").signs(CKM_SHA256_RSA_PKCS, &label, b"x");
    }
}

#[test]
fn a_key_store_that_was_cut_off_is_refused_wherever_that_was() {
    let bench = Bench::with(&["one"]);
    for name in ["java.p12", "nss.p12"] {
        let whole = fs::read(fixture(name)).unwrap();
        for end in (1..whole.len()).step_by(211) {
            let cut = put(&bench, "cut.p12", &whole[..end]);
            bench.run(&["import", "--pin", PIN, &cut, "--password", "secret"]).fails(&["cut.p12"]);
        }
    }
}

#[test]
fn json_web_keys_come_alone_and_in_sets() {
    let bench = Bench::with(&["one"]);
    // RFC 7515 appendix A.1 and A.3, RFC 8037 appendix A.1, RFC 7517 appendix A.1.
    let set = br#"{"keys":[
        {"kty":"EC","kid":"signer","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
         "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"},
        {"kty":"OKP","kid":"ed","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
         "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"oct","kid":"mac","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
        {"kty":"oct","kid":"wrapper","alg":"A128KW","k":"GawgguFyGrWKav7AX4VKUg"},
        {"kty":"EC","kid":"other","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
         "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;
    let made = import(&bench, &[&put(&bench, "set.json", set)]);
    let labels: Vec<_> = made.iter().map(|(class, label)| (class.as_str(), label.as_str())).collect();
    let pairs =
        [("PRIVATE_KEY", "signer"), ("PUBLIC_KEY", "signer"), ("PRIVATE_KEY", "ed"), ("PUBLIC_KEY", "ed")];
    let others = [("SECRET_KEY", "mac"), ("SECRET_KEY", "wrapper"), ("PUBLIC_KEY", "other")];
    assert_eq!(labels, [&pairs[..], &others].concat());
    // RFC 8037 appendix A.4: deterministic.
    let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = Signer::open(&bench, "one").signs(CKM_EDDSA, "ed", signed);
    assert_eq!(signature[..4], [0x86, 0x0c, 0x98, 0xd2]);
    let kinds: Vec<_> = objects(&bench).iter().map(|o| o["key_type"].as_str().unwrap().to_owned()).collect();
    assert!(kinds.contains(&"CKK_AES".into()) && kinds.contains(&"CKK_GENERIC_SECRET".into()));

    let forged = br#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"AAAQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    bench
        .run(&["import", "--pin", PIN, &put(&bench, "forged.json", forged)])
        .fails(&["forged.json", "not the point"]);
    let odd = br#"{"kty":"EC","crv":"P-257","x":"","y":""}"#;
    bench.run(&["import", "--pin", PIN, &put(&bench, "odd.json", odd)]).fails(&["P-257"]);
}

#[test]
fn secret_keys_public_keys_and_post_quantum_keys_come_too() {
    let bench = Bench::with(&["one"]);
    let raw = put(&bench, "kek.bin", &[7; 32]);
    bench.run(&["import", "--pin", PIN, &raw]).fails(&["kek.bin", "--secret-key"]);
    assert_eq!(import(&bench, &[&raw, "--secret-key", "aes"]), [("SECRET_KEY".into(), "kek".into())]);
    let short = put(&bench, "short.bin", &[7; 15]);
    bench
        .run(&["import", "--pin", PIN, &short, "--secret-key", "aes"])
        .fails(&["short.bin", "16, 24 or 32 bytes"]);

    let made = import(&bench, &[&fixture("ml-dsa-65.pem")]);
    assert_eq!(made.len(), 2);
    // The public half is the one that was written beside the private one.
    bench.run(&["import", "--pin", PIN, &fixture("ml-dsa-65.pub.pem")]).fails(&["public key \"ml-dsa-65\""]);
    let signature = Signer::open(&bench, "one").signs(CKM_ML_DSA, "ml-dsa-65", b"x");
    assert_eq!(signature.len(), 3309);
    assert_eq!(import(&bench, &[&fixture("ml-kem-768.pem")]).len(), 2);

    // The other two forms of RFC 9881: seed and expanded key, and the expanded key alone.
    let set = Set::of(Family::MlDsa, 1).unwrap();
    let pair = || Pair::from_seed(set, &Secret::from(vec![9; 32])).unwrap();
    let (whole, alone) = (pair(), Pair { seed: None, ..pair() });
    for (name, pair) in [("both.der", whole), ("expanded.der", alone)] {
        let file = put(&bench, name, pq::to_pkcs8(&pair).expose());
        assert_eq!(import(&bench, &[&file, "--force"])[0].0, "PRIVATE_KEY");
    }
    let there = objects(&bench).iter().filter(|o| o["label"] == "both").count();
    assert_eq!(there, 2, "the second took the place of the first, and its name");
}

#[test]
fn a_directory_is_imported_whole_and_says_what_was_left_out() {
    let bench = Bench::with(&["one"]);
    let place = bench.path("keys");
    fs::create_dir(&place).unwrap();
    let at = |name: &str| place.join(name).display().to_string();
    for name in ["a.pem", "b.pem"] {
        openssl(&["genpkey", "-algorithm", "ED25519", "-out", &at(name)]);
    }
    fs::write(at("notes.txt"), "nothing").unwrap();
    let done = bench.json(&["import", "--pin", PIN, place.to_str().unwrap()]);
    assert_eq!(done["objects"].as_array().unwrap().len(), 4);
    assert!(done["left_out"][0].as_str().unwrap().contains("notes.txt"));
    bench
        .run(&["import", "--pin", PIN, &at("a.pem"), &at("b.pem"), "--force", "--id", "01"])
        .fails(&["for one key"]);
    let java = put(&bench, "old.jks", b"\xfe\xed\xfe\xed....");
    bench.run(&["import", "--pin", PIN, &java]).fails(&["old.jks", "keytool -importkeystore"]);
}

#[test]
fn a_softhsm_token_comes_whole_and_signs_as_before() {
    let bench = Bench::with(&["one"]);
    let token = fixture("softhsm/token");
    bench
        .run(&["import", "softhsm", &token, "--pin", PIN])
        .fails(&["wrong user PIN of the SoftHSM token \"old\""]);
    let import = ["import", "softhsm", &token, "--pin", PIN, "--softhsm-pin", "4711"];
    let done = bench.json(&import);
    assert_eq!(done["objects"].as_array().unwrap().len(), 13);
    assert_eq!(done["left_out"], json!([]));
    let all = objects(&bench);
    let find = |class: &str, label: &str| {
        all.iter().find(|o| o["class"] == class && o["label"] == label).unwrap().clone()
    };
    assert_eq!(find("CKO_PRIVATE_KEY", "an RSA key")["id"], "01");
    assert_eq!(find("CKO_CERTIFICATE", "cert")["id"], "05");
    assert_eq!(find("CKO_DATA", "data")["private"], true);
    assert_eq!(find("CKO_DATA", "public data")["private"], false);
    assert_eq!(find("CKO_SECRET_KEY", "aes")["bits"], 256);
    assert!(find("CKO_SECRET_KEY", "open")["flags"].as_array().unwrap().contains(&json!("extractable")));

    let signer = Signer::open(&bench, "one");
    let message = fs::read(fixture("softhsm/message")).unwrap();
    let signature = signer.signs(CKM_SHA256_RSA_PKCS, "an RSA key", &message);
    assert_eq!(signature, fs::read(fixture("softhsm/rsa.sig")).unwrap());
    signer.pair_agrees(CKM_ECDSA_SHA256, "ec");
    signer.pair_agrees(CKM_EDDSA, "ed");
    // CKA_ALLOWED_MECHANISMS came along.
    assert!(signer.refuses(CKM_SHA512_RSA_PKCS, "an RSA key").contains("CKA_ALLOWED_MECHANISMS"));

    bench.run(&import).fails(&["has already", "--force"]);
    let damaged = bench.path("damaged");
    fs::create_dir(&damaged).unwrap();
    for file in fs::read_dir(&token).unwrap().map(|file| file.unwrap().path()) {
        fs::copy(&file, damaged.join(file.file_name().unwrap())).unwrap();
    }
    // What SoftHSM leaves behind where it fails to generate a key: a class and a type, and no value.
    let half = [0, CKA_CLASS, 2, CKO_SECRET_KEY, CKA_KEY_TYPE, 2, CKK_DES3].map(u64::to_be_bytes).concat();
    fs::write(damaged.join("half.object"), half).unwrap();
    let again =
        ["import", "softhsm", damaged.to_str().unwrap(), "--pin", PIN, "--softhsm-pin", "4711", "--force"];
    let done = bench.json(&again);
    assert_eq!((done["objects"].as_array().unwrap().len(), objects(&bench).len()), (13, 13));
    assert!(done["left_out"][0].as_str().unwrap().contains("half.object: \"\" is incomplete"), "{done}");

    let object: PathBuf = damaged.join("514cd96b-0850-3851-1f2d-2c7c7d72f14c.object");
    let bytes = fs::read(&object).unwrap();
    fs::write(&object, &bytes[..bytes.len() - 5]).unwrap();
    bench.run(&again).fails(&["514cd96b-0850-3851-1f2d-2c7c7d72f14c.object is damaged"]);
}
