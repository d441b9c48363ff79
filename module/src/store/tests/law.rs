//! What every store does: the same tests on the file and in memory.

use super::*;

/// One vault of each kind, with the user's keys.
fn each(test: impl Fn(Vault, Keys)) {
    let dir = tempfile::tempdir().unwrap();
    for vault in [
        Vault::create(&dir.path().join("tokens"), &new_token(), &fill).unwrap(),
        Vault::in_memory(&new_token(), &fill).unwrap(),
    ] {
        let keys = vault.unlock(USER, &pin("648219")).unwrap();
        test(vault, keys);
    }
}

fn put(vault: &Vault, keys: Option<&Keys>, record: Record) -> Result<u64> {
    vault.put(keys, &[record], &fill).map(|handles| handles[0])
}

#[test]
fn the_header_says_what_was_asked_for() {
    each(|vault, _| {
        let header = vault.header().unwrap();
        assert_eq!((header.slot, header.generation, header.kdf_iterations), (7, 1, 10));
        assert_eq!(header.label, new_token().label);
        assert_eq!(header.serial.len(), 16);
        assert_eq!(header.pins.iter().map(|pin| pin.role.as_str()).collect::<Vec<_>>(), [SO, USER]);
        vault.store().set_slot(u64::MAX).unwrap();
        vault.store().set_label(&[b'x'; 32]).unwrap();
        let header = vault.header().unwrap();
        assert_eq!((header.slot, header.label), (u64::MAX, [b'x'; 32]));
    });
}

#[test]
fn settings_are_kept_and_forgotten() {
    each(|vault, _| {
        let store = vault.store();
        assert_eq!(store.setting("inserted").unwrap(), None);
        store.set_setting("inserted", Some("no")).unwrap();
        store.set_setting("inserted", Some("yes")).unwrap();
        assert_eq!(store.setting("inserted").unwrap().as_deref(), Some("yes"));
        store.set_setting("inserted", None).unwrap();
        assert_eq!(store.setting("inserted").unwrap(), None);
    });
}

#[test]
fn an_object_comes_back_as_it_was_put() {
    each(|vault, keys| {
        for private in [false, true] {
            let handle = put(&vault, Some(&keys), record(private, "text", &["label"])).unwrap();
            let opened = vault.load(Some(&keys), handle).unwrap().unwrap();
            assert_eq!(opened.plain.expose(), b"text");
            assert_eq!((opened.revision, opened.private, opened.vouched), (1, private, true));
            assert_eq!(vault.head(handle).unwrap(), Some((1, private)));
        }
        assert!(vault.load(Some(&keys), 99).unwrap().is_none());
        assert!(vault.load(Some(&keys), u64::MAX).unwrap().is_none());
    });
}

#[test]
fn without_keys_private_objects_are_not_there() {
    each(|vault, keys| {
        let private = put(&vault, Some(&keys), record(true, "hidden", &["a"])).unwrap();
        let public = put(&vault, Some(&keys), record(false, "seen", &["a"])).unwrap();
        assert!(vault.load(None, private).unwrap().is_none());
        assert!(!vault.load(None, public).unwrap().unwrap().vouched);
        for strings in [&["a"][..], &[]] {
            assert_eq!(found_rows(vault.find(None, &index(strings)).unwrap()), [public]);
            assert_eq!(found_rows(vault.find(Some(&keys), &index(strings)).unwrap()), [private, public]);
        }
        assert_eq!(rv(put(&vault, None, record(true, "x", &[]))), Rv::UserNotLoggedIn);
        assert_eq!(rv(vault.remove(None, &[private], &fill)), Rv::UserNotLoggedIn);
        let seized = Record { handle: Some(private), revision: 1, ..record(false, "x", &[]) };
        assert_eq!(rv(put(&vault, None, seized)), Rv::UserNotLoggedIn);
    });
}

#[test]
fn a_search_wants_all_strings() {
    each(|vault, keys| {
        let rows = [
            record(true, "1", &["a", "b"]),
            record(false, "2", &["b", "c"]),
            record(true, "3", &["a", "b", "c"]),
        ];
        let handles = vault.put(Some(&keys), &rows, &fill).unwrap();
        let find = |strings: &[&str]| found_rows(vault.find(Some(&keys), &index(strings)).unwrap());
        assert_eq!(find(&["b"]), handles);
        assert_eq!(find(&["a", "b"]), [handles[0], handles[2]]);
        assert_eq!(find(&["c", "a", "b", "c"]), [handles[2]]);
        assert_eq!(find(&["d"]), []);
        assert_eq!(find(&["b", "d"]), []);

        let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
        let handle = put(&vault, Some(&keys), record(true, "many", &many)).unwrap();
        put(&vault, Some(&keys), record(true, "most", &many[..99])).unwrap();
        assert_eq!(find(&many), [handle]);
        many.push("b");
        assert_eq!(find(&many), []);
    });
}

#[test]
fn a_change_needs_the_revision_that_is_there() {
    each(|vault, keys| {
        let first = record(true, "1", &["a"]);
        let handle = put(&vault, Some(&keys), first.clone()).unwrap();
        let change = |revision, text: &str, string| Record {
            handle: Some(handle),
            id: first.id,
            revision,
            ..record(true, text, &[string])
        };
        assert_eq!(put(&vault, Some(&keys), change(1, "2", "b")).unwrap(), handle);
        assert_eq!(rv(put(&vault, Some(&keys), change(1, "3", "c"))), Rv::FunctionFailed);
        let other = Record { id: id(), ..change(2, "3", "c") };
        assert_eq!(rv(put(&vault, Some(&keys), other)), Rv::ObjectHandleInvalid);
        assert_eq!(
            rv(put(&vault, Some(&keys), Record { handle: Some(77), ..change(2, "3", "c") })),
            Rv::ObjectHandleInvalid
        );
        assert_eq!(vault.load(Some(&keys), handle).unwrap().unwrap().plain.expose(), b"2");
        assert_eq!(found_rows(vault.find(Some(&keys), &index(&["a"])).unwrap()), []);
        assert_eq!(found_rows(vault.find(Some(&keys), &index(&["b"])).unwrap()), [handle]);
        assert_eq!(vault.verify(Some(&keys)).unwrap().whole, Some(true));
    });
}

#[test]
fn a_batch_is_all_or_nothing() {
    each(|vault, keys| {
        let twin = record(false, "twin", &[]);
        let before = vault.verify(Some(&keys)).unwrap();
        assert!(vault.put(Some(&keys), &[twin.clone(), twin], &fill).is_err());
        let handle = put(&vault, Some(&keys), record(true, "x", &[])).unwrap();
        assert_eq!(rv(vault.remove(Some(&keys), &[handle, 99], &fill)), Rv::ObjectHandleInvalid);
        assert!(vault.load(Some(&keys), handle).unwrap().is_some());
        vault.remove(Some(&keys), &[handle], &fill).unwrap();
        assert_eq!(vault.verify(Some(&keys)).unwrap(), before);
    });
}

#[test]
fn handles_are_never_used_twice() {
    each(|vault, keys| {
        let one = put(&vault, Some(&keys), record(true, "1", &[])).unwrap();
        vault.remove(Some(&keys), &[one], &fill).unwrap();
        let two = put(&vault, Some(&keys), record(true, "2", &[])).unwrap();
        assert!(two > one);
        vault.reset(&pin("87654321"), &[b' '; 32], &fill).unwrap();
        let three = put(&vault, None, record(false, "3", &[])).unwrap();
        assert!(three > two);
    });
}

#[test]
fn what_is_written_without_login_is_unvouched_until_accepted() {
    each(|vault, keys| {
        let [kept, changed, gone] = ["kept", "changed", "gone"].map(|text| record(false, text, &[text]));
        let handles = vault.put(Some(&keys), &[kept, changed.clone(), gone.clone()], &fill).unwrap();
        let change = Record { handle: Some(handles[1]), revision: 1, ..changed.clone() };
        put(&vault, None, change).unwrap();
        vault.remove(None, &handles[2..], &fill).unwrap();
        let new = put(&vault, None, record(false, "new", &[])).unwrap();
        assert!(!vault.load(Some(&keys), new).unwrap().unwrap().vouched);

        let report = vault.verify(Some(&keys)).unwrap();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!(report.unvouched, [handles[1], new]);
        let mut ids = [changed.id, gone.id];
        ids.sort_unstable();
        assert_eq!(report.removed, ids);

        assert_eq!(vault.vouch_all(&keys, &fill).unwrap(), 4);
        let report = vault.verify(Some(&keys)).unwrap();
        assert_eq!((report.rows, report.whole), (3, Some(true)));
        assert!(report.unvouched.is_empty() && report.removed.is_empty());
        assert!(vault.load(Some(&keys), new).unwrap().unwrap().vouched);
    });
}

#[test]
fn a_rewrite_with_the_key_vouches() {
    each(|vault, keys| {
        let row = record(false, "new", &["x"]);
        let handle = put(&vault, None, row.clone()).unwrap();
        put(&vault, Some(&keys), Record { handle: Some(handle), revision: 1, ..row }).unwrap();
        let report = vault.verify(Some(&keys)).unwrap();
        assert!(report.is_sound() && report.unvouched.is_empty());
        assert!(vault.load(Some(&keys), handle).unwrap().unwrap().vouched);
    });
}

#[test]
fn after_a_reset_old_keys_are_refused() {
    each(|vault, keys| {
        let handle = put(&vault, Some(&keys), record(false, "old", &["a"])).unwrap();
        vault.store().set_setting("kept", Some("yes")).unwrap();
        vault.reset(&pin("87654321"), b"another label                   ", &fill).unwrap();

        let header = vault.header().unwrap();
        assert_eq!((header.generation, &header.label[..7]), (2, &b"another"[..]));
        assert_eq!(header.pins.len(), 1);
        assert_eq!(vault.store().setting("kept").unwrap().as_deref(), Some("yes"));
        assert!(vault.load(None, handle).unwrap().is_none());
        assert_eq!(rv(vault.unlock(USER, &pin("648219"))), Rv::UserPinNotInitialized);
        assert_eq!(rv(vault.unlock(SO, &pin("12345678"))), Rv::PinIncorrect);

        assert_eq!(rv(put(&vault, Some(&keys), record(true, "x", &[]))), Rv::DeviceRemoved);
        assert_eq!(rv(vault.find(Some(&keys), &[])), Rv::DeviceRemoved);
        assert_eq!(rv(vault.set_pin(&keys, USER, &pin("1111"), None, &fill)), Rv::DeviceRemoved);
        assert_eq!(rv(vault.verify(Some(&keys))), Rv::DeviceRemoved);

        let so = vault.unlock(SO, &pin("87654321")).unwrap();
        vault.set_pin(&so, USER, &pin("1111"), Some(5), &fill).unwrap();
        let user = vault.unlock(USER, &pin("1111")).unwrap();
        let handle = put(&vault, Some(&user), record(true, "new", &["a"])).unwrap();
        assert_eq!(rv(vault.load(Some(&keys), handle)), Rv::DeviceRemoved);
        assert_eq!(found_rows(vault.find(Some(&user), &index(&["a"])).unwrap()), [handle]);
        assert!(vault.verify(Some(&user)).unwrap().is_sound());
    });
}

#[test]
fn freshness_moves_with_every_change_and_only_then() {
    each(|vault, keys| {
        let mut last = vault.freshness().unwrap();
        assert_eq!(vault.freshness().unwrap(), last);
        let handle = put(&vault, Some(&keys), record(true, "x", &[])).unwrap();
        for step in 0..4 {
            let now = vault.freshness().unwrap();
            assert_ne!(now, last, "step {step}");
            assert_eq!(vault.freshness().unwrap(), now);
            last = now;
            match step {
                0 => vault.store().set_slot(9).unwrap(),
                1 => drop(vault.unlock(USER, &pin("wrong")).unwrap_err()),
                _ => vault.remove(Some(&keys), &[if step == 2 { handle } else { break }], &fill).unwrap(),
            }
        }
    });
}

#[test]
fn a_failing_source_of_randomness_writes_nothing() {
    each(|vault, keys| {
        let dry = |_: &mut [u8]| Err(Rv::RandomNoRng.into());
        let before = vault.freshness().unwrap();
        assert_eq!(rv(vault.put(Some(&keys), &[record(true, "x", &[])], &dry)), Rv::RandomNoRng);
        assert_eq!(rv(vault.reset(&pin("87654321"), &[b' '; 32], &dry)), Rv::RandomNoRng);
        assert_eq!(vault.freshness().unwrap(), before);
    });
}
