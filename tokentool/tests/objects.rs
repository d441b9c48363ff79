//! `tokentool objects` and the counts of `show`, on a token with something in it.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use bench::{Bench, PIN};
use tokenkeep::api::Module;
use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::mechanism::{Choice, Params};
use tokenkeep::object::{Given, Template};
use tokenkeep::token::Settings;

const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn template(more: &[(CK_ATTRIBUTE_TYPE, &[u8])]) -> Template {
    let all = [&[(CKA_TOKEN, &[1][..])], more].concat();
    all.into_iter().map(|(attribute, bytes)| (attribute, Given::Bytes(bytes.into()))).collect()
}

/// A token with an EC pair, an AES key whose value can be read, and a data object with an evil label.
fn furnished() -> Bench {
    let bench = Bench::with(&["bench"]);
    let mut settings = Settings::read(Some("dir=.")).unwrap();
    settings.dir = bench.dir();
    let module = Module::with(settings).unwrap();
    let session = module.open_session(0, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
    let call = module.session(session).unwrap();
    call.login(CKU_USER, Some(&Secret::from(PIN.as_bytes()))).unwrap();
    let make = |id| Choice { id, params: Params::None };
    let names: [(CK_ATTRIBUTE_TYPE, &[u8]); 2] = [(CKA_LABEL, "Grüße".as_bytes()), (CKA_ID, &[0xab, 0x01])];
    let public = template(&[&names[..], &[(CKA_EC_PARAMS, P256)]].concat());
    call.generate_pair(&make(CKM_EC_KEY_PAIR_GEN), &public, &template(&names)).unwrap();
    let length = 32u64.to_ne_bytes();
    let open: [(CK_ATTRIBUTE_TYPE, &[u8]); 4] =
        [(CKA_VALUE_LEN, &length), (CKA_SENSITIVE, &[0]), (CKA_EXTRACTABLE, &[1]), (CKA_PRIVATE, &[1])];
    call.generate(&make(CKM_AES_KEY_GEN), &template(&open)).unwrap();
    let class = CKO_DATA.to_ne_bytes();
    call.create(&template(&[(CKA_CLASS, &class), (CKA_LABEL, b"a\x1b[2J"), (CKA_PRIVATE, &[0])])).unwrap();
    bench
}

#[test]
fn public_objects_show_without_a_pin_and_private_ones_with_it() {
    let bench = furnished();
    let public = bench.run(&["objects"]);
    assert!(
        !public.ok().contains("private key") && public.out.contains("public key  EC P-256"),
        "{}",
        public.out
    );
    assert!(public.out.contains("--login"), "{}", public.out);
    let all = bench.run(&["objects", "--pin", PIN]);
    assert_eq!(all.ok().lines().count(), 5, "{}", all.out);
    assert!(all.out.lines().all(|line| line == line.trim_end()), "{}", all.out);
    let key = all.out.lines().find(|line| line.starts_with("private key")).unwrap();
    for word in ["EC P-256", "Grüße", "ab01", "sign", "always-sensitive never-extractable"] {
        assert!(key.contains(word), "{word}: {key}");
    }
    assert!(all.out.contains("AES 256") && all.out.contains("not-sensitive"), "{}", all.out);
    assert!(all.out.contains("a\\u{1b}[2J") && !all.out.contains('\u{1b}'), "{}", all.out);
}

#[test]
fn json_has_the_standards_names() {
    let bench = furnished();
    let all = bench.json(&["objects", "--pin", PIN]);
    let of = |class: &str| all.as_array().unwrap().iter().find(|row| row["class"] == class).unwrap();
    let key = of("CKO_PRIVATE_KEY");
    assert_eq!(
        (&key["key_type"], &key["curve"], &key["id"]),
        (&"CKK_EC".into(), &"P-256".into(), &"ab01".into())
    );
    assert_eq!((&key["private"], &key["label"]), (&true.into(), &"Grüße".into()));
    assert_eq!(of("CKO_SECRET_KEY")["bits"], 256);
    assert!(of("CKO_SECRET_KEY")["flags"].as_array().unwrap().contains(&"extractable".into()));
}

#[test]
fn show_counts_private_objects_for_who_knows_the_pin() {
    let bench = furnished();
    assert_eq!(bench.json(&["show"])["objects"], serde_json::json!({ "public": 2, "private": null }));
    assert_eq!(
        bench.json(&["show", "--pin", PIN])["objects"],
        serde_json::json!({ "public": 2, "private": 2 })
    );
}
