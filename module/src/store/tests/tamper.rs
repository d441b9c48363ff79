//! Somebody edits the file: every change shows, at the read where it can and at verification always.

use super::*;

/// A token with private rows 1 and 2, vouched public rows 3 and 4, and an older state of row 1 in a table aside.
fn scene() -> Scene {
    let scene = Scene::new();
    let first = record(true, "1", &["a", "one"]);
    let batch =
        [first.clone(), record(true, "2", &["a"]), record(false, "3", &["b"]), record(false, "4", &["b"])];
    assert_eq!(scene.vault.put(Some(&scene.keys), &batch, &fill).unwrap(), [1, 2, 3, 4]);
    scene
}

fn verify(scene: &Scene) -> Report {
    scene.vault.verify(Some(&scene.keys)).unwrap()
}

#[test]
fn every_edit_of_a_row_is_found_when_it_is_read() {
    for (edit, row) in [
        ("UPDATE object SET private=0 WHERE handle=1", 1),
        ("UPDATE object SET private=1 WHERE handle=3", 3),
        ("UPDATE object SET private=7 WHERE handle=3", 3),
        ("UPDATE object SET revision=2 WHERE handle=1", 1),
        ("UPDATE object SET revision=-1 WHERE handle=3", 3),
        ("UPDATE object SET id=randomblob(16) WHERE handle=1", 1),
        ("UPDATE object SET id=x'00' WHERE handle=1", 1),
        ("UPDATE object SET body=(SELECT body FROM object WHERE handle=2) WHERE handle=1", 1),
        ("UPDATE object SET body=(SELECT body FROM object WHERE handle=4) WHERE handle=3", 3),
        ("UPDATE object SET body=x'' WHERE handle=1", 1),
        ("UPDATE object SET body=zeroblob(40) WHERE handle=3", 3),
        ("UPDATE object SET vouch=(SELECT vouch FROM object WHERE handle=4) WHERE handle=3", 3),
        ("UPDATE object SET vouch=x'' WHERE handle=3", 3),
    ] {
        let scene = scene();
        assert_eq!(scene.outside(edit), 1, "{edit}");
        assert_eq!(rv(scene.text(row)), Rv::DeviceError, "{edit}");
        let sound = scene.vault.verify(Some(&scene.keys)).is_ok_and(|report| report.is_sound());
        assert!(!sound, "{edit}");
        assert_eq!(scene.text(2).unwrap().as_deref(), Some("2"), "{edit}: the others still open");
    }
}

#[test]
fn every_edit_of_the_set_is_found_by_verification() {
    for edit in [
        "DELETE FROM object WHERE handle=1",
        "DELETE FROM object WHERE handle=3",
        "DELETE FROM object",
        "UPDATE object SET vouch=NULL WHERE handle=3",
        "UPDATE object SET handle=handle+10",
        "UPDATE token SET digest=zeroblob(68)",
        "UPDATE token SET digest=x''",
        "INSERT INTO removed VALUES(zeroblob(41))",
        "INSERT INTO removed VALUES(x'00')",
        "DELETE FROM search WHERE object=1",
        "UPDATE search SET object=2 WHERE object=1 AND tag<>(SELECT tag FROM search WHERE object=2)",
        "INSERT INTO search VALUES(randomblob(16), 3)",
        "INSERT INTO search VALUES(randomblob(16), 99)",
    ] {
        let scene = scene();
        assert!(scene.outside(edit) > 0, "{edit}");
        assert!(!verify(&scene).is_sound(), "{edit}");
        assert_eq!(
            rv(scene.vault.vouch_all(&scene.keys, &fill)),
            Rv::DeviceError,
            "{edit}: no damage is accepted"
        );
    }
}

#[test]
fn a_private_row_cannot_be_dropped_by_a_tombstone() {
    let scene = scene();
    let mark = {
        let mut marks = Vec::new();
        scene
            .vault
            .store()
            .survey(&mut |_, mark| {
                marks.push(mark);
                Ok(())
            })
            .unwrap();
        marks.remove(0)
    };
    let item: String = mark.item().iter().map(|byte| format!("{byte:02x}")).collect();
    scene.outside(&format!("INSERT INTO removed VALUES(x'{item}')"));
    scene.outside("DELETE FROM search WHERE object=1");
    scene.outside("DELETE FROM object WHERE handle=1");
    assert!(!verify(&scene).is_sound());
}

#[test]
fn one_row_rolled_back_is_found() {
    let scene = scene();
    let id = scene.vault.load(Some(&scene.keys), 1).unwrap().unwrap().id;
    let old = scene.vault.store().load(1).unwrap().unwrap();
    let change = Record { handle: Some(1), id, revision: 1, ..record(true, "1 again", &["a", "one"]) };
    scene.vault.put(Some(&scene.keys), &[change], &fill).unwrap();
    let body: String = old.body.iter().map(|byte| format!("{byte:02x}")).collect();
    scene.outside(&format!("UPDATE object SET revision=1, body=x'{body}' WHERE handle=1"));
    assert_eq!(scene.text(1).unwrap().as_deref(), Some("1"), "the row alone cannot know");
    assert_eq!(verify(&scene).whole, Some(false));
    let change = Record { handle: Some(1), id, revision: 1, ..record(true, "new", &[]) };
    scene.vault.put(Some(&scene.keys), &[change], &fill).unwrap();
    assert_eq!(verify(&scene).whole, Some(false), "nor is it washed by the next change");
}

#[test]
fn a_row_of_another_token_does_not_open() {
    let (here, there) = (scene(), scene());
    let from = there.path();
    drop(there.vault); // checkpointed
    let connection = rusqlite::Connection::open(here.path()).unwrap();
    connection.execute("ATTACH ?1 AS there", [from.to_str().unwrap()]).unwrap();
    for handle in [1, 3] {
        let copy = "UPDATE object SET (id, revision, private, vouch, body)=(SELECT id, revision, private, vouch, body \
                    FROM there.object o WHERE o.handle=?1) WHERE handle=?1";
        assert_eq!(connection.execute(copy, [handle]).unwrap(), 1);
    }
    std::mem::forget(connection);
    assert_eq!(rv(here.text(1)), Rv::DeviceError);
    assert_eq!(rv(here.text(3)), Rv::DeviceError);
    assert!(!here.vault.verify(None).unwrap().is_sound(), "public rows show it without a key");
}

#[test]
fn damage_is_told_with_row_and_token() {
    let scene = scene();
    scene.outside("UPDATE object SET private=0 WHERE handle=1");
    let error = scene.vault.load(None, 1).unwrap_err();
    let serial = scene.vault.header().unwrap().serial;
    assert_eq!(error.why(), format!("row 1 of token {serial} was changed outside Tokenkeep"));
}

#[test]
fn a_digest_of_another_time_does_not_fit() {
    let scene = scene();
    let digest = scene.vault.store().survey(&mut |_, _| Ok(())).unwrap().digest;
    scene.put(true, "5", &[]);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    scene.outside(&format!("UPDATE token SET digest=x'{hex}'"));
    assert_eq!(verify(&scene).whole, Some(false));
}

#[test]
fn odd_values_in_any_column_are_errors_and_no_panics() {
    let columns = [
        (
            "token",
            "serial label slot generation created public_secret kdf_iterations pin_min pin_max so_tries user_tries digest",
        ),
        ("pin", "role salt iterations wrapped tries_left tries_max to_be_changed"),
        ("object", "id revision private vouch body"),
        ("search", "tag object"),
    ];
    let values =
        ["-1", "9223372036854775807", "-9223372036854775808", "x''", "zeroblob(33)", "''", "'é'", "x'ff'"];
    let scene = scene();
    let path = scene.path();
    drop(scene.vault);
    for (table, names) in columns {
        for column in names.split(' ') {
            for value in values {
                let copy = scene.dir.path().join("copy");
                std::fs::copy(&path, &copy).unwrap();
                let edit = rusqlite::Connection::open(&copy).unwrap();
                let done = edit.execute(&format!("UPDATE OR IGNORE {table} SET {column}={value}"), []);
                drop(edit);
                if done.is_ok() {
                    touch_everything(&copy);
                }
                std::fs::remove_file(&copy).unwrap();
            }
        }
    }
}

/// Every door of a vault; only panics are failures.
pub fn touch_everything(path: &Path) {
    let Ok(vault) = Vault::open(path) else { return };
    let _ = vault.header();
    let keys = vault.unlock(USER, &pin("648219")).ok();
    for handle in 0..6 {
        let _ = vault.load(keys.as_ref(), handle);
        let _ = vault.head(handle);
    }
    let _ = vault.find(keys.as_ref(), &index(&["a"]));
    let _ = vault.find(keys.as_ref(), &[]);
    let _ = vault.verify(keys.as_ref());
    let _ = vault.put(keys.as_ref(), &[record(keys.is_some(), "new", &["a"])], &fill);
    let _ = vault.remove(keys.as_ref(), &[1], &fill);
    let _ = vault.reset(&pin("1234"), &[b' '; 32], &fill);
}
