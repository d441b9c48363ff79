//! The DKEK of a token: shares, keys that leave and come under it, whole tokens, and what happens when it goes wrong.

mod archive;
mod bench;
mod every_kind;
mod mechanism;

use bench::*;
use tokenkeep::api::{Brought, Form};
use tokenkeep::backup::{Container, Import, Kcv};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::vendor::*;
use tokenkeep::cryptoki::{Rv, Secret};
use tokenkeep::object::{Given, Value};

#[test]
fn shares_come_in_one_by_one_and_everybody_sees_how_it_stands() {
    let bench = Bench::new();
    let status = |bench: &Bench| bench.nobody(|call| call.dkek_status(0).unwrap());
    assert_eq!(status(&bench), None);
    bench.officer(|call| call.dkek_init(0, 2).unwrap());
    let now = status(&bench).unwrap();
    assert_eq!((now.shares, now.missing, now.kcv), (2, 2, None));
    bench.user(|call| call.dkek_import(0, &share(0xa5), Import::default()).unwrap());
    assert_eq!(status(&bench).unwrap().missing, 1);
    let done = bench.officer(|call| call.dkek_import(0, &share(0xe1), Import::default()).unwrap());
    assert_eq!(done.kcv.unwrap().to_string(), "BB391415C05E39D7");
    assert_eq!(status(&bench), Some(done));
    assert_eq!(bench.user(|call| call.dkek_status(0).unwrap()), Some(done));
    assert_eq!(bench.nobody(|call| call.dkek_status(1).unwrap()), None);
}

#[test]
fn what_must_not_be_imported_changes_nothing() {
    let bench = Bench::new();
    bench.user(|call| {
        refused(call.dkek_init(0, 2), Rv::UserNotLoggedIn, "only the SO");
        refused(call.dkek_import(0, &share(1), Import::default()), Rv::KeyNeeded, "no DKEK");
    });
    bench.officer(|call| {
        call.dkek_init(0, 3).unwrap();
        call.dkek_init(0, 2).unwrap();
        call.dkek_import(0, &share(0xa5), Import::default()).unwrap();
        let before = call.dkek_status(0).unwrap();
        refused(call.dkek_import(0, &share(0xa5), Import::default()), Rv::DataInvalid, "imported before");
        let twice = Import { repeated: true, expect: None };
        refused(call.dkek_import(0, &share(0xa5), twice), Rv::DataInvalid, "all zero");
        let other = Import { repeated: false, expect: Some(Kcv([1; 8])) };
        refused(call.dkek_import(0, &share(0xe1), other), Rv::DataInvalid, "BB391415C05E39D7");
        refused(call.dkek_import(0, &Secret::zeroed(31), Import::default()), Rv::DataInvalid, "32 bytes");
        assert_eq!(call.dkek_status(0).unwrap(), before);
        let right = Import { repeated: false, expect: Some("BB391415C05E39D7".parse().unwrap()) };
        call.dkek_import(0, &share(0xe1), right).unwrap();
        refused(call.dkek_import(0, &share(7), Import::default()), Rv::ActionProhibited, "all 2 shares");
        refused(call.dkek_init(0, 1), Rv::ActionProhibited, "C_InitToken");
    });
    bench.nobody(|call| {
        refused(call.dkek_import(0, &share(1), Import::default()), Rv::UserNotLoggedIn, "log in");
    });
}

#[test]
fn the_dkek_is_no_object_for_anybody_and_goes_with_the_token() {
    let bench = Bench::with_dkek(&[1, 2]);
    for found in [bench.user(everything), bench.nobody(everything)] {
        assert_eq!(found, []);
    }
    bench.user(|call| {
        assert_eq!(of_class(call, CKO_TOKENKEEP_DKEK), []);
        for handle in 0..10 {
            refused(call.destroy(handle), Rv::ObjectHandleInvalid, "no object");
            refused(call.attributes(handle, &[CKA_VALUE]), Rv::ObjectHandleInvalid, "no object");
        }
    });
    bench.module.init_token(bench.slot, &SO_PIN.into(), [b' '; 32]).unwrap();
    assert_eq!(bench.nobody(|call| call.dkek_status(0).unwrap()), None);
}

#[test]
fn a_key_goes_to_another_token_and_signs_there() {
    let (one, two) = (Bench::with_dkek(&[1, 2]), Bench::with_dkek(&[2, 1]));
    let (file, signature) = one.user(|call| {
        let (_, private) = pair(call, "demo");
        let file = call.dkek_wrap(private, Form::File).unwrap();
        assert_eq!(Container::read(&file).unwrap().description.unwrap().label, b"demo");
        (file, sign(call, private, &[7; 32]))
    });
    two.user(|call| {
        let brought = call.dkek_unwrap(&file, &Vec::new(), false).unwrap();
        let Brought { key, public: Some(public), certificate: None, left_out: None } = brought else {
            panic!("{brought:?}");
        };
        assert_eq!(attribute(call, key, CKA_LABEL), Ok(text("demo")));
        assert_eq!(attribute(call, key, CKA_ID), Ok(text("demo")));
        assert_eq!(attribute(call, key, CKA_VALUE).unwrap_err().rv(), Rv::AttributeSensitive);
        assert_eq!(attribute(call, key, CKA_NEVER_EXTRACTABLE), Ok(given(Value::Bool(false))));
        assert!(verifies(call, public, &[7; 32], &signature));
        assert!(verifies(call, public, &[8; 32], &sign(call, key, &[8; 32])));
        refused(call.dkek_unwrap(&file, &Vec::new(), false), Rv::ActionProhibited, "has the CKA_ID");
        let again = call.dkek_unwrap(&file, &vec![(CKA_LABEL, text("new"))], true).unwrap();
        assert_eq!((again.key, everything(call).len()), (key, 2));
        assert_eq!(attribute(call, key, CKA_LABEL), Ok(text("new")));
        let other = call.dkek_unwrap(&file, &vec![(CKA_ID, text("2"))], false).unwrap();
        assert_ne!(other.key, key);
    });
}

#[test]
fn a_key_leaves_only_when_it_may_and_the_dkek_is_complete() {
    let bench = Bench::new();
    bench.user(|call| {
        let (public, private) = pair(call, "demo");
        refused(call.dkek_wrap(private, Form::Blob), Rv::KeyNeeded, "no DKEK");
        refused(call.dkek_wrap(public, Form::Blob), Rv::KeyNotWrappable, "no secret or private key");
        refused(call.dkek_wrap(99, Form::Blob), Rv::KeyHandleInvalid, "no object");
    });
    bench.officer(|call| call.dkek_init(0, 1).unwrap());
    bench.user(|call| {
        let private = of_class(call, CKO_PRIVATE_KEY)[0];
        refused(call.dkek_wrap(private, Form::Blob), Rv::KeyNeeded, "1 share(s) still missing");
        call.dkek_import(0, &share(5), Import::default()).unwrap();
        call.dkek_wrap(private, Form::Blob).unwrap();
        call.set_attributes(private, &vec![(CKA_TOKENKEEP_BACKUP, given(Value::Bool(false)))]).unwrap();
        refused(call.dkek_wrap(private, Form::Blob), Rv::KeyUnextractable, "CKA_TOKENKEEP_BACKUP");
        refused(call.set_attributes(private, &vec![yes(CKA_TOKENKEEP_BACKUP)]), Rv::AttributeReadOnly, "");
        let hidden = vec![
            (CKA_VALUE_LEN, given(Value::Ulong(32))),
            yes(CKA_TOKEN),
            (CKA_TOKENKEEP_KEY_DOMAIN, given(Value::Ulong(3))),
        ];
        let key = call.generate(&choice(CKM_AES_KEY_GEN), &hidden).unwrap();
        refused(call.dkek_wrap(key, Form::Blob), Rv::KeyNeeded, "key domain 3");
    });
    bench.officer(|call| {
        refused(call.dkek_wrap(1, Form::Blob), Rv::UserNotLoggedIn, "by the user");
    });
}

#[test]
fn each_domain_has_its_own_dkek_and_a_blob_finds_it() {
    let bench = Bench::with_dkek(&[1]);
    bench.officer(|call| {
        call.dkek_init(3, 1).unwrap();
        call.dkek_import(3, &share(9), Import::default()).unwrap();
    });
    bench.user(|call| {
        let template = vec![
            (CKA_VALUE_LEN, given(Value::Ulong(24))),
            yes(CKA_TOKEN),
            (CKA_ID, text("x")),
            (CKA_TOKENKEEP_KEY_DOMAIN, given(Value::Ulong(3))),
        ];
        let key = call.generate(&choice(CKM_AES_KEY_GEN), &template).unwrap();
        let file = call.dkek_wrap(key, Form::File).unwrap();
        let brought = call.dkek_unwrap(&file, &vec![(CKA_ID, text("y"))], false).unwrap();
        let domain = attribute(call, brought.key, CKA_TOKENKEEP_KEY_DOMAIN);
        assert_eq!(domain, Ok(given(Value::Ulong(3))));
        let check = |key| attribute(call, key, CKA_CHECK_VALUE).unwrap();
        assert_eq!(check(key), check(brought.key));
    });
    Bench::with_dkek(&[2]).user(|call| {
        let file = bench.user(|call| {
            let (_, private) = pair(call, "p");
            call.dkek_wrap(private, Form::File).unwrap()
        });
        refused(call.dkek_unwrap(&file, &Vec::new(), false), Rv::WrappedKeyInvalid, "another DKEK");
        assert_eq!(everything(call), []);
    });
}

#[test]
fn every_type_of_key_of_the_format_comes_back_as_it_was() {
    let bench = Bench::with_dkek(&[1]);
    bench.user(|call| {
        let exponent = (CKA_PUBLIC_EXPONENT, Given::Bytes([1, 0, 1][..].into()));
        let bits = |bits| (CKA_MODULUS_BITS, given(Value::Ulong(bits)));
        let curve = |der: &[u8]| vec![(CKA_EC_PARAMS, Given::Bytes(der.into()))];
        let publics = [
            (CKM_RSA_PKCS_KEY_PAIR_GEN, vec![bits(1024), exponent.clone()]),
            (CKM_RSA_PKCS_KEY_PAIR_GEN, vec![bits(2056), exponent]),
            (CKM_EC_KEY_PAIR_GEN, curve(&[6, 5, 0x2b, 0x81, 4, 0, 0x22])),
            (CKM_EC_KEY_PAIR_GEN, curve(&[6, 5, 0x2b, 0x81, 4, 0, 0x23])),
            (CKM_EC_KEY_PAIR_GEN, curve(&[6, 5, 0x2b, 0x81, 4, 0, 0x0a])),
        ];
        for (at, (mechanism, public)) in publics.into_iter().enumerate() {
            let open = vec![yes(CKA_TOKEN), (CKA_SENSITIVE, given(Value::Bool(false))), yes(CKA_EXTRACTABLE)];
            let (public, private) = call.generate_pair(&choice(mechanism), &public, &open).unwrap();
            let file = call.dkek_wrap(private, Form::File).unwrap();
            let id = (CKA_ID, text(&at.to_string()));
            let brought = call.dkek_unwrap(&file, &[&open[..], &[id]].concat(), false).unwrap();
            for attribute in [CKA_MODULUS, CKA_PRIME_1, CKA_PRIVATE_EXPONENT, CKA_EC_POINT, CKA_VALUE] {
                let of = |key| call.attributes(key, &[attribute]).unwrap().remove(0).ok();
                assert_eq!(of(private), of(brought.key));
                assert_eq!(of(public), of(brought.public.unwrap()));
            }
        }
    });
}

/// Shares in the clear of the DKEKs under which the real tool's keys were wrapped, by the beginning of the files' names.
const DKEKS: [(&[&str], &[&str]); 2] = [
    (
        &["dkek2-", "ours-", "edge-"],
        &[
            "d01f919d17c410a9cb9c07cac51deb714799e91d504a3b7128e1c4a9dc9f4b1b",
            "0c237bcfdf5899a0acaa700ad8e36ae3b5adadcb6fa9e348e1b142c130a89fa7",
        ],
    ),
    (&["dkek3-"], &["c7daf29c59d0222248a55acde4a5f36ab4b883cec75733d7222b810686e69060"]),
];

#[test]
fn every_key_that_the_real_tool_wrapped_works_in_a_token() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../module/tests/fixtures/dkek");
    let mut worked = 0;
    for (names, shares) in DKEKS {
        let bench = Bench::new();
        bench.officer(|call| {
            call.dkek_init(0, shares.len() as u8).unwrap();
            let share = |hex: &str| tokenkeep::backup::split::digits(hex).unwrap();
            shares.iter().for_each(|hex| _ = call.dkek_import(0, &share(hex), Import::default()).unwrap());
        });
        for file in std::fs::read_dir(fixtures).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if !name.ends_with(".wrapped") || !names.iter().any(|start| name.starts_with(start)) {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            bench.user(|call| {
                let brought = call.dkek_unwrap(&bytes, &vec![(CKA_ID, text(&name))], false).unwrap();
                assert_eq!(brought.left_out, None, "{name}");
                assert_eq!(brought.certificate.is_some(), name.contains("x509"), "{name}");
                match brought.public {
                    Some(public) if name.contains("-ec-") => {
                        assert!(
                            verifies(call, public, &[7; 32], &sign(call, brought.key, &[7; 32])),
                            "{name}"
                        );
                    }
                    Some(_) => assert!(name.contains("rsa"), "{name}"),
                    None => assert!(name.contains("aes"), "{name}"),
                }
            });
            worked += 1;
        }
    }
    assert_eq!(worked, 30);
}
