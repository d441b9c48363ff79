//! Whole tokens: out of one, into another, and attribute by attribute the same.

use std::collections::BTreeMap;

use tokenkeep::api::{Backup, Call};
use tokenkeep::backup::{Archive, Import, archive};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::vendor::*;
use tokenkeep::cryptoki::{Rv, names};
use tokenkeep::object::{Given, Value};

use super::bench::*;

/// A bit of everything: pairs of every kind, secrets, data, certificates are not needed to be more than bytes.
fn furnish(call: &Call<'_>) {
    let (_, private) = pair(call, "ec");
    call.set_attributes(private, &vec![(CKA_START_DATE, text("20260101")), (CKA_SUBJECT, text("s"))])
        .unwrap();
    let exponent = (CKA_PUBLIC_EXPONENT, Given::Bytes([1, 0, 1][..].into()));
    let rsa = vec![(CKA_MODULUS_BITS, given(Value::Ulong(1024))), exponent, yes(CKA_TOKEN)];
    let private =
        vec![yes(CKA_TOKEN), yes(CKA_EXTRACTABLE), (CKA_LABEL, text("rsa")), yes(CKA_WRAP_WITH_TRUSTED)];
    call.generate_pair(&choice(CKM_RSA_PKCS_KEY_PAIR_GEN), &rsa, &private).unwrap();
    let nested = Given::Template(vec![yes(CKA_EXTRACTABLE), (CKA_LABEL, text("inner"))]);
    let aes = vec![
        (CKA_VALUE_LEN, given(Value::Ulong(32))),
        yes(CKA_TOKEN),
        (CKA_UNWRAP_TEMPLATE, nested),
        (CKA_ALLOWED_MECHANISMS, given(Value::Ulongs(vec![CKM_AES_CBC, CKM_AES_GCM]))),
        (CKA_DESTROYABLE, given(Value::Bool(false))),
    ];
    call.generate(&choice(CKM_AES_KEY_GEN), &aes).unwrap();
    let secret = vec![(CKA_VALUE_LEN, given(Value::Ulong(77))), yes(CKA_TOKEN), (CKA_LABEL, text("äöü"))];
    call.generate(&choice(CKM_GENERIC_SECRET_KEY_GEN), &secret).unwrap();
    for private in [false, true] {
        let class = (CKA_CLASS, given(Value::Ulong(CKO_DATA)));
        let more =
            [(CKA_VALUE, text("some data")), (CKA_PRIVATE, given(Value::Bool(private))), yes(CKA_TOKEN)];
        call.create(&[&[class][..], &more].concat()).unwrap();
    }
}

/// Every attribute that anybody can see, of every object, by CKA_UNIQUE_ID.
pub fn seen(call: &Call<'_>) -> BTreeMap<String, Vec<String>> {
    let types: Vec<_> = names::ATTRIBUTES.iter().map(|(attribute, _)| *attribute).collect();
    let look = |handle| {
        let values = call.attributes(handle, &types).unwrap();
        let id = format!("{:?}", attribute(call, handle, CKA_UNIQUE_ID).unwrap());
        let shown = |value: &tokenkeep::cryptoki::Result<Given>| match value {
            Ok(Given::Bytes(bytes)) => format!("{:?}", bytes.expose()),
            other => format!("{other:?}"),
        };
        let unique = attribute(call, handle, CKA_UNIQUE_ID).unwrap();
        let key = match unique {
            Given::Bytes(bytes) => String::from_utf8(bytes.expose().to_vec()).unwrap(),
            _ => id,
        };
        (key, values.iter().map(shown).collect())
    };
    everything(call).into_iter().map(look).collect()
}

pub fn backed_up(bench: &Bench) -> Backup {
    let mut told = (0, 0);
    let backup = bench.user(|call| call.backup(0, &mut |done, of| told = (done, of)).unwrap());
    assert_eq!(told.0, told.1);
    backup
}

#[test]
fn a_token_comes_back_attribute_by_attribute() {
    let one = Bench::with_dkek(&[1, 2]);
    let before = one.user(|call| {
        furnish(call);
        seen(call)
    });
    let backup = backed_up(&one);
    assert_eq!((backup.objects, backup.left_out.len(), before.len()), (8, 0, 8));
    // RSA, EC and AES are there as sc-hsm-tool reads them, the generic secret is not.
    let archive = Archive::read(&backup.archive).unwrap();
    assert_eq!(archive.manifest.objects.iter().filter(|item| item.key.is_some()).count(), 3);

    let two = Bench::with_dkek(&[1, 2]);
    two.user(|call| {
        let dry = call.restore(&backup.archive, true, &mut |_, _| {}).unwrap();
        assert_eq!((dry.objects.len(), everything(call).len()), (8, 0));
        call.restore(&backup.archive, false, &mut |_, _| {}).unwrap();
        assert_eq!(seen(call), before);
        refused(call.restore(&backup.archive, false, &mut |_, _| {}), Rv::ActionProhibited, "not empty");
    });
    // What cannot be seen is the same too: the second token's backup opens to the same entries.
    assert_eq!(entries(&two, &backed_up(&two).archive), entries(&two, &backup.archive));
}

/// Every entry of an archive, secrets too, in the order of their ids.
pub fn entries(bench: &Bench, bytes: &[u8]) -> Vec<tokenkeep::backup::Entry> {
    let key = [1u8 ^ 2; 32];
    let dkek = tokenkeep::backup::Dkek::new(key[..].into()).unwrap();
    bench.user(|call| assert_eq!(call.dkek_status(0).unwrap().unwrap().kcv, Some(dkek.kcv())));
    let mut entries = Archive::read(bytes).unwrap().open(&dkek, &mut |_, _| {}).unwrap();
    entries.sort_by_key(|entry| entry.id);
    entries
}

#[test]
fn a_signature_made_after_the_restore_verifies_with_the_key_from_before() {
    let (one, two) = (Bench::with_dkek(&[1, 2]), Bench::with_dkek(&[2, 1]));
    one.user(|call| pair(call, "ca"));
    let backup = backed_up(&one);
    let signature = two.user(|call| {
        call.restore(&backup.archive, false, &mut |_, _| {}).unwrap();
        sign(call, of_class(call, CKO_PRIVATE_KEY)[0], &[3; 32])
    });
    one.user(|call| assert!(verifies(call, of_class(call, CKO_PUBLIC_KEY)[0], &[3; 32], &signature)));
}

#[test]
fn every_flipped_byte_and_every_cut_is_refused_and_nothing_is_restored() {
    let one = Bench::with_dkek(&[1]);
    one.user(|call| pair(call, "ca"));
    let archive = backed_up(&one).archive;
    let two = Bench::with_dkek(&[1]);
    two.user(|call| {
        for at in 0..archive.len() {
            let mut bad = archive.clone();
            bad[at] ^= 1;
            let error = call.restore(&bad, true, &mut |_, _| {}).unwrap_err();
            assert_eq!(error.rv(), Rv::DataInvalid, "{at}: {error}");
        }
        for end in 0..archive.len() {
            refused(call.restore(&archive[..end], true, &mut |_, _| {}), Rv::DataInvalid, "");
        }
        let longer = [&archive[..], b"more"].concat();
        refused(call.restore(&longer, false, &mut |_, _| {}), Rv::DataInvalid, "behind its end");
        assert_eq!(everything(call), []);
    });
    Bench::with_dkek(&[7]).user(|call| {
        refused(call.restore(&archive, false, &mut |_, _| {}), Rv::DataInvalid, "another DKEK");
        assert_eq!(everything(call), []);
    });
}

#[test]
fn a_backup_needs_the_user_and_the_whole_dkek_and_leaves_out_what_must_stay() {
    let bench = Bench::new();
    bench.user(|call| refused(call.backup(0, &mut |_, _| {}), Rv::KeyNeeded, "no DKEK"));
    bench.officer(|call| {
        call.dkek_init(0, 1).unwrap();
        call.dkek_import(0, &share(1), Import::default()).unwrap();
        refused(call.backup(0, &mut |_, _| {}), Rv::UserNotLoggedIn, "by the user");
    });
    bench.user(|call| {
        let (_, private) = pair(call, "stays");
        call.set_attributes(private, &vec![(CKA_TOKENKEEP_BACKUP, given(Value::Bool(false)))]).unwrap();
        let backup = call.backup(0, &mut |_, _| {}).unwrap();
        assert_eq!((backup.objects, backup.left_out), (1, vec!["CKO_PRIVATE_KEY \"stays\"".to_owned()]));
        assert_eq!(call.verify_backup(&backup.archive, &mut |_, _| {}).unwrap().left_out, 1);
    });
}

#[test]
fn an_archive_is_the_same_as_files() {
    let bench = Bench::with_dkek(&[1]);
    bench.user(|call| pair(call, "ca"));
    let whole = backed_up(&bench).archive;
    let files = Archive::read(&whole).unwrap().files();
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.starts_with(&["manifest"]) && names.iter().any(|name| name.ends_with(".wrapped")),
        "{names:?}"
    );
    let read = |name: &str| match files.iter().find(|(file, _)| file == name) {
        Some((_, bytes)) => Ok(bytes.clone()),
        None => Err(Rv::DataInvalid.because("not there")),
    };
    assert_eq!(archive::from_files(read).unwrap(), whole);
    // A key of the archive is a wrapped key like any other.
    let (_, wrapped) = files.iter().find(|(name, _)| name.ends_with(".wrapped")).unwrap();
    Bench::with_dkek(&[1]).user(|call| call.dkek_unwrap(wrapped, &Vec::new(), false).unwrap());
}
