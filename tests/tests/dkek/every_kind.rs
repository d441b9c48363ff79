//! A token with one object of every kind that can be: backed up, restored, and everything the same.

use std::collections::BTreeSet;

use tests::{keys, template};
use tokenkeep::api::Call;
use tokenkeep::backup::Archive;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Rv, names};
use tokenkeep::mechanism;
use tokenkeep::object::key::{DOMAIN_TYPES, FREE_TYPES, PAIR_TYPES, SECRET_TYPES};
use tokenkeep::object::{Given, Template, Value};

use super::archive::{backed_up, entries, seen};
use super::bench::*;

fn of(template: &tests::Template) -> Template {
    template.bytes().map(|(attribute, value)| (attribute, Given::Bytes(value.into()))).collect()
}

fn oid(body: &[u8]) -> Vec<u8> {
    [&[6, body.len() as u8], body].concat()
}

/// The domain parameters that a token generates, and what a key pair takes of them.
fn group(call: &Call<'_>, generate: CK_MECHANISM_TYPE, bits: u64, parts: &[CK_ATTRIBUTE_TYPE]) -> Template {
    let wanted = of(&template![CKA_PRIME_BITS => bits as CK_ULONG, CKA_TOKEN => true]);
    let group = call.generate(&choice(generate), &wanted).unwrap();
    parts.iter().map(|part| (*part, attribute(call, group, *part).unwrap())).collect()
}

/// What the public keys of a mechanism that makes pairs are made of: one pair for each.
fn pairs(call: &Call<'_>, id: CK_MECHANISM_TYPE) -> Vec<Template> {
    let curves =
        |oids: &[&[u8]]| oids.iter().map(|body| of(&template![CKA_EC_PARAMS => oid(body)])).collect();
    let sets = |sets: &[CK_ULONG]| sets.iter().map(|set| of(&template![CKA_PARAMETER_SET => *set])).collect();
    match id {
        CKM_RSA_PKCS_KEY_PAIR_GEN => [1024, 2056]
            .map(|bits: CK_ULONG| {
                of(&template![CKA_MODULUS_BITS => bits, CKA_PUBLIC_EXPONENT => keys::RSA_E])
            })
            .into(),
        CKM_EC_KEY_PAIR_GEN => {
            let p256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
            let certicom = [
                [0x2b, 0x81, 4, 0, 0x21],
                [0x2b, 0x81, 4, 0, 0x22],
                [0x2b, 0x81, 4, 0, 0x23],
                [0x2b, 0x81, 4, 0, 0x0a],
            ];
            curves(&[&[p256][..], &certicom.each_ref().map(|oid| &oid[..])].concat())
        }
        CKM_EC_EDWARDS_KEY_PAIR_GEN => curves(&[&[0x2b, 0x65, 0x70], &[0x2b, 0x65, 0x71]]),
        CKM_EC_MONTGOMERY_KEY_PAIR_GEN => curves(&[&[0x2b, 0x65, 0x6e], &[0x2b, 0x65, 0x6f]]),
        CKM_ML_DSA_KEY_PAIR_GEN => sets(&[CKP_ML_DSA_44, CKP_ML_DSA_65, CKP_ML_DSA_87]),
        CKM_ML_KEM_KEY_PAIR_GEN => sets(&[CKP_ML_KEM_512, CKP_ML_KEM_768, CKP_ML_KEM_1024]),
        CKM_SLH_DSA_KEY_PAIR_GEN => sets(&[CKP_SLH_DSA_SHA2_128F, CKP_SLH_DSA_SHAKE_128F]),
        CKM_DSA_KEY_PAIR_GEN => {
            vec![group(call, CKM_DSA_PARAMETER_GEN, 1024, &[CKA_PRIME, CKA_SUBPRIME, CKA_BASE])]
        }
        CKM_DH_PKCS_KEY_PAIR_GEN => {
            vec![group(call, CKM_DH_PKCS_PARAMETER_GEN, 2048, &[CKA_PRIME, CKA_BASE])]
        }
        other => panic!("{} makes pairs, and this test does not know of what", names::mechanism(other)),
    }
}

/// The value of a secret key: bytes of odd parity, none like another.
fn value(kind: CK_KEY_TYPE) -> Vec<u8> {
    let len = match kind {
        CKK_DES => 8,
        CKK_DES2 => 16,
        CKK_DES3 => 24,
        CKK_AES_XTS => 64,
        kind if FREE_TYPES.contains(&kind) => 61,
        _ => 32,
    };
    (1u8..).filter(|byte| byte.count_ones() % 2 == 1).take(len).collect()
}

/// One object of each kind, with attributes that are none of their defaults.
fn furnish(call: &Call<'_>) {
    let telling = |number: usize| {
        of(&template![
            CKA_TOKEN => true, CKA_LABEL => format!("number {number} ÄÖ€").as_str(), CKA_ID => [number as u8].as_slice(),
            CKA_START_DATE => b"20260101", CKA_END_DATE => b"99991231", CKA_DERIVE => false,
        ])
    };
    let mut number = 0;
    for row in mechanism::all().filter(|row| row.pair.is_some()) {
        for public in pairs(call, row.id) {
            number += 1;
            let flags = [
                (CKA_EXTRACTABLE, number % 2 == 0),
                (CKA_SENSITIVE, number % 3 != 0),
                (CKA_ALWAYS_AUTHENTICATE, number % 5 == 0),
            ];
            let flags = flags.map(|(flag, value)| (flag, given(Value::Bool(value))));
            let private = [telling(number), flags.to_vec()].concat();
            call.generate_pair(&choice(row.id), &[public, telling(number)].concat(), &private)
                .unwrap_or_else(|error| panic!("{}: {error}", row.name()));
        }
    }
    for kind in SECRET_TYPES {
        number += 1;
        let mut key = telling(number);
        key.extend(of(&template![
            CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => *kind, CKA_VALUE => value(*kind),
            CKA_WRAP_WITH_TRUSTED => number % 2 == 0, CKA_EXTRACTABLE => number % 3 == 0,
        ]));
        let nested =
            vec![yes(CKA_SENSITIVE), (CKA_ALLOWED_MECHANISMS, given(Value::Ulongs(vec![CKM_AES_CBC])))];
        key.push((CKA_UNWRAP_TEMPLATE, Given::Template(nested)));
        call.create(&key).unwrap_or_else(|error| panic!("{}: {error}", names::key_type(*kind)));
    }
    for object in [
        keys::certificate().with(CKA_ID, b"\x07").with(CKA_CERTIFICATE_CATEGORY, 2 as CK_ULONG),
        template![CKA_CLASS => CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE => CKC_X_509_ATTR_CERT, CKA_OWNER => b"\x30\x00", CKA_VALUE => b"\x30\x03\x02\x01\x01"],
        template![CKA_CLASS => CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE => CKC_WTLS, CKA_SUBJECT => b"subject", CKA_VALUE => b"WTLS"],
        template![CKA_CLASS => CKO_DATA, CKA_APPLICATION => "somebody's", CKA_OBJECT_ID => b"\x06\x01\x2a", CKA_VALUE => vec![0x5a; 5000], CKA_PRIVATE => true],
        template![CKA_CLASS => CKO_DATA, CKA_MODIFIABLE => false, CKA_COPYABLE => false, CKA_DESTROYABLE => false],
        template![CKA_CLASS => CKO_TRUST, CKA_ISSUER => b"\x30\x00", CKA_SERIAL_NUMBER => b"\x02\x01\x01", CKA_HASH_OF_CERTIFICATE => [7u8; 32].as_slice()],
    ] {
        call.create(&of(&object.with(CKA_TOKEN, true))).unwrap();
    }
}

/// The classes and types that are there.
fn kinds(call: &Call<'_>) -> BTreeSet<(u64, u64)> {
    let number = |object, of| match attribute(call, object, of) {
        Ok(Given::Bytes(bytes)) => u64::from_ne_bytes(bytes.expose().try_into().unwrap()),
        _ => 0,
    };
    everything(call)
        .into_iter()
        .map(|object| (number(object, CKA_CLASS), number(object, CKA_KEY_TYPE)))
        .collect()
}

#[test]
fn every_kind_of_object_comes_back_with_every_attribute_and_a_refused_restore_changes_nothing() {
    let one = Bench::with_dkek(&[1, 2]);
    let before = one.user(|call| {
        furnish(call);
        let there = kinds(call);
        for (class, types) in [
            (CKO_PUBLIC_KEY, PAIR_TYPES),
            (CKO_PRIVATE_KEY, PAIR_TYPES),
            (CKO_SECRET_KEY, SECRET_TYPES),
            (CKO_DOMAIN_PARAMETERS, DOMAIN_TYPES),
        ] {
            for kind in types {
                assert!(
                    there.contains(&(class, *kind)),
                    "{} {}",
                    names::class(class),
                    names::key_type(*kind)
                );
            }
        }
        seen(call)
    });
    let backup = backed_up(&one);
    assert_eq!((backup.objects, backup.left_out.len()), (before.len(), 0));
    let archive = Archive::read(&backup.archive).unwrap();
    let wrapped = archive.manifest.objects.iter().filter(|item| item.key.is_some()).count();
    assert_eq!(wrapped, 2 + 5 + 1, "RSA, EC and AES go in the vendor's format too");

    let two = Bench::with_dkek(&[1, 2]);
    let restore = |bytes: &[u8], dry| two.user(|call| call.restore(bytes, dry, &mut |_, _| {}));
    let empty = || two.user(|call| assert_eq!(everything(call), [], "a refused restore leaves nothing"));
    for at in (0..backup.archive.len()).step_by(backup.archive.len() / 40) {
        let mut bad = backup.archive.clone();
        bad[at] ^= 0x20;
        refused(restore(&bad, false), Rv::DataInvalid, "");
        empty();
    }
    refused(restore(&backed_up(&Bench::with_dkek(&[9])).archive, false), Rv::DataInvalid, "another DKEK");
    let read_only = two.module.open_session(two.slot, CKF_SERIAL_SESSION).unwrap();
    let call = two.module.session(read_only).unwrap();
    call.login(CKU_USER, Some(&PIN.into())).unwrap();
    refused(call.restore(&backup.archive, false, &mut |_, _| {}), Rv::SessionReadOnly, "read-only");
    two.module.close_session(read_only).unwrap();
    assert_eq!(restore(&backup.archive, true).unwrap().objects.len(), before.len());
    empty();

    restore(&backup.archive, false).unwrap();
    assert_eq!(two.user(seen), before);
    refused(restore(&backup.archive, false), Rv::ActionProhibited, "not empty");
    assert_eq!(two.user(seen), before);
    // What cannot be seen is the same too.
    assert_eq!(entries(&two, &backed_up(&two).archive), entries(&one, &backup.archive));
}
