//! Files: modes, one piece, one file after the last close, and everything that is not a token.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_last_close_leaves_one_file() {
    let scene = Scene::new();
    scene.put(true, "x", &["a"]);
    let name = scene.path().file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(names(scene.dir.path()), [name.clone(), format!("{name}-shm"), format!("{name}-wal")]);
    let Scene { dir, vault, .. } = scene;
    drop(vault);
    assert_eq!(names(dir.path()), [name]);
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["000", "022", "777"] {
        let dir = tempfile::tempdir().unwrap();
        let child = Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$0\" --exact store::tests::files::child --ignored")])
            .arg(std::env::current_exe().unwrap())
            .env("TOKENKEEP_TEST_DIR", dir.path())
            .output()
            .unwrap();
        assert!(child.status.success(), "{umask}: {}", String::from_utf8_lossy(&child.stdout));
    }
}

/// Runs in a process of its own, under an umask.
#[test]
#[ignore = "run by modes_do_not_depend_on_the_umask"]
fn child() {
    let root: PathBuf = std::env::var_os("TOKENKEEP_TEST_DIR").unwrap().into();
    let dir = root.join("a").join("b");
    let vault = Vault::create(&dir, &new_token(), &fill).unwrap();
    vault.put(None, &[record(false, "x", &[])], &fill).unwrap();
    vault.store().snapshot(&dir.join("copy.token")).unwrap();
    assert_eq!((mode(&root.join("a")), mode(&dir)), (0o700, 0o700));
    let files = names(&dir);
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&dir.join(&file)), 0o600, "{file}");
    }
}

#[test]
fn a_killed_creation_is_no_token() {
    let scene = Scene::new();
    let whole = fs::read(scene.path()).unwrap();
    let draft = scene.dir.path().join(draft_name('0'));
    fs::create_dir(&draft).unwrap();
    fs::write(draft.join("draft"), &whole[..whole.len() / 2]).unwrap();
    for other in ["notes.token", "0123456789abcdef.token", "0123456789ABCDEF.token~", "0123456789ABCDE.token"]
    {
        fs::write(scene.dir.path().join(other), b"").unwrap();
    }
    assert_eq!(scan(scene.dir.path()).unwrap(), [scene.path()]);
    assert!(scan(&scene.dir.path().join("nowhere")).unwrap().is_empty());
}

/// The name of a draft, by the last digit.
fn draft_name(last: char) -> String {
    format!(".tokenkeep-draft-0123456789abcde{last}")
}

#[test]
fn what_a_killed_process_was_making_is_swept_and_what_is_being_made_stays() {
    let dir = tempfile::tempdir().unwrap();
    let living = Draft::of(&dir.path().join("living")).unwrap();
    fs::write(living.path(), b"half").unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::files::maker", "--ignored"])
        .env("TOKENKEEP_TEST_DIR", dir.path())
        .output()
        .unwrap();
    assert!(!child.status.success());
    assert_eq!(
        names(dir.path()).len(),
        4,
        "three drafts are left, {}",
        String::from_utf8_lossy(&child.stdout)
    );
    drop(Draft::of(&dir.path().join("next")).unwrap());
    assert_eq!(names(dir.path()).len(), 1);
    assert!(living.path().exists());
}

/// Runs in a process of its own, and dies while it makes a file, a token in a directory, and a backup's directory.
#[test]
#[ignore = "run by what_a_killed_process_was_making_is_swept_and_what_is_being_made_stays"]
fn maker() {
    let dir: PathBuf = std::env::var_os("TOKENKEEP_TEST_DIR").unwrap().into();
    let drafts = ["file", "token", "backup"].map(|name| Draft::of(&dir.join(name)).unwrap());
    let [file, token, backup] = drafts.each_ref().map(Draft::path);
    for path in file::beside(&file) {
        fs::write(path, b"half").unwrap();
    }
    let vault = Vault::create(&token, &new_token(), &fill).unwrap();
    vault.put(None, &[record(false, "x", &[])], &fill).unwrap();
    fs::create_dir(&backup).unwrap();
    for name in ["manifest", "0001.sealed", "0001.wrapped"] {
        fs::write(backup.join(name), b"half").unwrap();
    }
    let _ = vault.store().snapshot(&token.join("copy")).and_then(|()| {
        fs::remove_file(token.join("copy")).unwrap();
        file::publish(&token.join("copy"), |_| std::process::abort())
    });
}

#[test]
fn nothing_is_swept_that_is_not_a_draft_in_all_respects() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let make = |name: &str, files: &[&str]| {
        fs::create_dir(at(name)).unwrap();
        for file in files.iter().map(|file| at(name).join(file)) {
            make_dir(file.parent().unwrap()).unwrap();
            fs::write(file, b"precious").unwrap();
        }
        chmod(&at(name), 0o700);
    };
    let token = "0123456789ABCDEF.token";
    // Other names; also those of earlier drafts.
    let short = draft_name('f').trim_end_matches('f').to_owned();
    for name in
        [".tokenkeep-ci", ".tokenkeep-draft-mine", ".tokenkeep-draft-", &short, &(draft_name('f') + "0")]
    {
        make(name, &[token, "draft"]);
    }
    // Other contents, alone or beside a draft's.
    let others =
        ["notes", token, "draft.txt", "draft/notes", "draft/0001.sealed.txt", "draft/sub/draft", "drafts/x"];
    for (other, last) in others.iter().zip('0'..) {
        make(&draft_name(last), &[other]);
    }
    make(&draft_name('8'), &["draft", "draft-wal", "notes"]);
    let nested = format!("draft/{}/draft/manifest", draft_name('1'));
    make(&draft_name('9'), &[&nested, "draft/manifest"]);
    // Other modes.
    for (mode, last) in [0o755, 0o500, 0o1700].into_iter().zip('a'..) {
        make(&draft_name(last), &["draft"]);
        chmod(&at(&draft_name(last)), mode);
    }
    // Links, to a draft and in one; a file.
    make("aside", &["draft"]);
    std::os::unix::fs::symlink(at("aside"), at(&draft_name('d'))).unwrap();
    make(&draft_name('e'), &[]);
    std::os::unix::fs::symlink(at("aside"), at(&draft_name('e')).join("draft")).unwrap();
    fs::write(at(&draft_name('f')), b"precious").unwrap();
    let before = tree(dir.path());
    drop(Draft::of(&at("x")).unwrap());
    assert_eq!(tree(dir.path()), before);
    // With the mode and the names of one, it is one.
    chmod(&at(&draft_name('a')), 0o700);
    drop(Draft::of(&at("x")).unwrap());
    assert_eq!(tree(dir.path()).len(), before.len() - 2);
}

/// Needs root, to give something away; elsewhere it passes without looking.
#[test]
fn a_draft_of_somebody_else_is_not_swept() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join(draft_name('0'));
    fs::create_dir(&place).unwrap();
    chmod(&place, 0o700);
    if std::os::unix::fs::chown(&place, Some(65534), None).is_ok() {
        drop(Draft::of(&dir.path().join("x")).unwrap());
        assert!(place.exists());
    }
}

/// All that is in a directory.
fn tree(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()) {
        all.push(entry.path());
        if entry.file_type().unwrap().is_dir() {
            all.extend(tree(&entry.path()));
        }
    }
    all.sort();
    all
}

#[test]
fn without_a_lock_there_is_no_draft() {
    let dir = tempfile::tempdir().unwrap();
    let draft = Draft::locked(&dir.path().join("x"), |_| Err(std::io::ErrorKind::Unsupported.into()));
    assert_eq!(draft.err().unwrap().kind(), std::io::ErrorKind::Unsupported);
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn of_two_that_make_the_same_at_once_the_second_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("same");
    let wrote = |draft: &Path, text| {
        fs::write(draft, text).unwrap();
        Ok(())
    };
    let slow = file::publish(&to, |draft| {
        file::publish(&to, |draft| wrote(draft, "first"))?;
        wrote(draft, "second")
    });
    assert_eq!(rv(slow), Rv::FunctionFailed);
    assert_eq!(fs::read(&to).unwrap(), b"first");
    assert_eq!(names(dir.path()), ["same"]);
}

#[test]
fn a_second_token_under_the_same_serial_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let fixed = |bytes: &mut [u8]| {
        bytes.fill(0xA5);
        Ok(())
    };
    let vault = Vault::create(dir.path(), &new_token(), &fixed).unwrap();
    assert_eq!(vault.header().unwrap().serial, "A5A5A5A5A5A5A5A5");
    assert_eq!(rv(Vault::create(dir.path(), &new_token(), &fixed)), Rv::FunctionFailed);
    assert!(vault.unlock(USER, &pin("648219")).is_ok());
    drop(vault);
    assert_eq!(names(dir.path()), ["A5A5A5A5A5A5A5A5.token"]);
}

#[test]
fn what_is_no_token_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("0123456789ABCDEF.token");
    let refused = |why: &str| {
        let error = Vault::open(&path).err().unwrap();
        assert_eq!(error.rv(), Rv::TokenNotRecognized, "{error}");
        assert!(error.why().contains(why) && error.why().contains("0123456789ABCDEF"), "{error}");
    };
    assert_eq!(rv(Vault::open(&path)), Rv::TokenNotPresent);
    fs::write(&path, b"").unwrap();
    refused("application id 0x00000000, expected 0x544b4b50");
    fs::write(&path, vec![b'x'; 5000]).unwrap();
    refused("no SQLite database");
    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE objects(id)").unwrap();
    refused("application id 0x00000000");
    other.execute_batch("PRAGMA application_id=0x544B4B50; PRAGMA user_version=2").unwrap();
    refused("format 2, expected 1");
    other.execute_batch("PRAGMA user_version=1").unwrap();
    refused("schema");
    drop(other);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("not a file");
}

#[test]
fn a_token_with_a_trigger_is_no_token() {
    let scene = Scene::new();
    scene.outside("CREATE TRIGGER t AFTER INSERT ON object BEGIN DELETE FROM object; END");
    assert_eq!(rv(Vault::open(&scene.path())), Rv::TokenNotRecognized);
}

#[test]
fn a_file_cut_anywhere_is_refused_without_a_panic() {
    let scene = Scene::new();
    for n in 0..20 {
        scene.put(n % 2 == 0, &"x".repeat(3000), &["a"]);
    }
    let path = scene.path();
    drop(scene.vault);
    let whole = fs::read(&path).unwrap();
    let cut = scene.dir.path().join("cut");
    let lengths = (0..200).chain((200..whole.len()).step_by(1021)).chain((4096..whole.len()).step_by(4096));
    for length in lengths {
        fs::write(&cut, &whole[..length]).unwrap();
        assert_eq!(rv(Vault::open(&cut)), Rv::TokenNotRecognized, "{length} bytes");
    }
}

#[test]
fn a_file_with_flipped_bytes_never_panics() {
    let scene = Scene::new();
    for n in 0..6 {
        scene.put(n % 2 == 0, "text", &["a"]);
    }
    let path = scene.path();
    drop(scene.vault);
    let whole = fs::read(&path).unwrap();
    let bad = scene.dir.path().join("bad");
    for at in (0..112).chain((112..whole.len()).step_by(211)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x81;
        fs::write(&bad, &bytes).unwrap();
        super::tamper::touch_everything(&bad);
        file::beside(&bad).iter().for_each(|path| drop(fs::remove_file(path)));
    }
}

#[test]
fn a_file_without_write_bits_is_read_and_never_written() {
    let scene = Scene::new();
    let handle = scene.put(true, "x", &["a"]);
    let path = scene.path();
    let Scene { dir, vault, .. } = scene;
    drop(vault);
    let before = fs::read(&path).unwrap();
    chmod(&path, 0o400);
    let vault = Vault::open(&path).unwrap();
    assert!(vault.store().read_only().is_some());
    let keys = vault.unlock(USER, &pin("648219")).unwrap();
    assert!(vault.load(Some(&keys), handle).unwrap().is_some());
    assert_eq!(rv(vault.put(Some(&keys), &[record(true, "y", &[])], &fill)), Rv::TokenWriteProtected);
    assert_eq!(rv(vault.store().set_slot(1)), Rv::TokenWriteProtected);
    assert_eq!(rv(vault.store().delete()), Rv::TokenWriteProtected);
    for _ in 0..3 {
        assert_eq!(rv(vault.unlock(USER, &pin("0000"))), Rv::PinIncorrect);
    }
    assert_eq!(rv(vault.unlock(USER, &pin("648219"))), Rv::PinLocked, "this process counts at least its own");
    assert!(vault.verify(Some(&keys)).unwrap().is_sound());
    vault.store().snapshot(&dir.path().join("copy")).unwrap();
    drop(vault);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(names(dir.path()).len(), 2, "the token and its copy");
    assert!(Vault::open(&dir.path().join("copy")).unwrap().store().read_only().is_none());
}

#[test]
fn a_directory_without_write_bits_makes_it_read_only() {
    let scene = Scene::new();
    let path = scene.path();
    let Scene { dir, vault, .. } = scene;
    drop(vault);
    chmod(dir.path(), 0o500);
    let vault = Vault::open(&path).unwrap();
    assert!(vault.store().read_only().is_some());
    assert!(vault.unlock(USER, &pin("648219")).is_ok());
    assert_eq!(names(dir.path()).len(), 1);
    chmod(dir.path(), 0o700);
}

/// Needs root, to become somebody else; elsewhere it passes without looking.
#[test]
fn what_belongs_to_somebody_else_is_read_only() {
    let scene = Scene::new();
    let path = scene.path();
    if fs::metadata(&path).unwrap().uid() != 0 {
        return;
    }
    let stranger = |expected: &str| {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::files::stranger", "--ignored"])
            .env("TOKENKEEP_TEST_FILE", &path)
            .env("TOKENKEEP_TEST_EXPECTED", expected)
            .uid(65534)
            .gid(65534)
            .current_dir("/")
            .output();
        let child = child.unwrap();
        assert!(child.status.success(), "{expected}: {}", String::from_utf8_lossy(&child.stdout));
    };
    stranger("CKR_DEVICE_ERROR");
    chmod(scene.dir.path(), 0o755);
    stranger("CKR_DEVICE_ERROR");
    drop(scene.vault);
    chmod(&path, 0o644);
    stranger("CKR_OK");
    let writer = Vault::open(&path).unwrap();
    writer.put(None, &[record(false, "x", &[])], &fill).unwrap();
    writer.header().unwrap(); // a look of the writer's own makes the log readable for others
    stranger("CKR_OK");
    drop(writer);
    chmod(&path, 0o666); // the file could be written, but no log beside it
    stranger("CKR_OK");
    assert_eq!(names(scene.dir.path()).len(), 1, "the stranger left nothing");
}

/// Runs as another user.
#[test]
#[ignore = "run by what_belongs_to_somebody_else_is_read_only"]
fn stranger() {
    let path: PathBuf = std::env::var_os("TOKENKEEP_TEST_FILE").unwrap().into();
    let vault = Vault::open(&path);
    let expected = std::env::var("TOKENKEEP_TEST_EXPECTED").unwrap();
    let answer = vault.as_ref().map_or_else(|e| e.to_string(), |_| Rv::Ok.name().into());
    assert!(answer.contains(&expected), "{answer}");
    if let Ok(vault) = vault {
        assert!(vault.store().read_only().is_some());
        assert!(vault.unlock(USER, &pin("648219")).is_ok());
        assert_eq!(rv(vault.store().set_slot(1)), Rv::TokenWriteProtected);
        assert!(vault.verify(None).unwrap().is_sound());
    }
}

#[test]
fn a_frozen_file_that_was_written_is_read_again() {
    let scene = Scene::new();
    let path = scene.path();
    let Scene { dir, vault, keys } = scene;
    drop(vault);
    chmod(&path, 0o400);
    let reader = Vault::open(&path).unwrap();
    let before = reader.freshness().unwrap();
    chmod(&path, 0o600);
    let writer = Vault::open(&path).unwrap();
    let handle = writer.put(Some(&keys), &[record(true, "x", &[])], &fill).unwrap()[0];
    assert_ne!(reader.freshness().unwrap(), before);
    assert!(reader.load(Some(&keys), handle).unwrap().is_some());
    drop((writer, dir));
}

#[test]
fn odd_names_of_directories_do_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a b?c#d%20é&mode=memory");
    drop(Vault::create(&odd, &new_token(), &fill).unwrap());
    let path = only_token(&odd);
    chmod(&path, 0o400);
    assert!(Vault::open(&path).unwrap().store().read_only().is_some());
}

#[test]
fn a_snapshot_is_a_token() {
    let scene = Scene::new();
    let handle = scene.put(true, "x", &["a"]);
    let to = scene.dir.path().join("copy.token");
    scene.vault.store().snapshot(&to).unwrap();
    assert_eq!(rv(scene.vault.store().snapshot(&to)), Rv::FunctionFailed);
    let copy = Vault::open(&to).unwrap();
    assert_eq!(copy.header().unwrap(), scene.vault.header().unwrap());
    let keys = copy.unlock(USER, &pin("648219")).unwrap();
    assert!(copy.verify(Some(&keys)).unwrap().is_sound());
    assert_eq!(found_rows(copy.find(Some(&keys), &index(&["a"])).unwrap()), [handle]);
    let next = copy.put(Some(&keys), &[record(true, "y", &[])], &fill).unwrap()[0];
    assert!(next > handle);
}

#[test]
fn a_deleted_token_is_gone_for_everybody() {
    let scene = Scene::new();
    let other = Vault::open(&scene.path()).unwrap();
    scene.vault.store().delete().unwrap();
    assert_eq!(rv(scene.vault.header()), Rv::DeviceRemoved);
    assert!(!other.store().present());
    assert_eq!(rv(other.put(None, &[record(false, "x", &[])], &fill)), Rv::DeviceRemoved);
    drop(other);
    assert_eq!(names(scene.dir.path()), [""; 0]);
}

#[test]
fn reopening_changes_nothing() {
    let scene = Scene::new();
    let handle = scene.put(true, "x", &["a"]);
    let header = scene.vault.header().unwrap();
    let scene = scene.reopened();
    assert_eq!(scene.vault.header().unwrap(), header);
    assert_eq!(scene.text(handle).unwrap().as_deref(), Some("x"));
}
