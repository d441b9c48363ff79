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
    let draft = scene.dir.path().join(".tokenkeep-0123456789ABCDEF.token");
    fs::create_dir(&draft).unwrap();
    fs::write(draft.join("0123456789ABCDEF.token"), &whole[..whole.len() / 2]).unwrap();
    for other in ["notes.token", "0123456789abcdef.token", "0123456789ABCDEF.token~", "0123456789ABCDE.token"]
    {
        fs::write(scene.dir.path().join(other), b"").unwrap();
    }
    assert_eq!(scan(scene.dir.path()).unwrap(), [scene.path()]);
    assert!(scan(&scene.dir.path().join("nowhere")).unwrap().is_empty());
}

#[test]
fn a_draft_that_nobody_holds_is_swept_and_what_is_being_made_stays() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let living = Draft::of(&at("living")).unwrap();
    fs::create_dir(at(".tokenkeep-dead")).unwrap();
    fs::write(at(".tokenkeep-dead").join("half"), b"x").unwrap();
    for other in [".tokenkeep-file", ".other"] {
        fs::write(at(other), b"").unwrap();
    }
    assert_eq!(Draft::of(&at("living")).err().unwrap().kind(), std::io::ErrorKind::ResourceBusy);
    assert_eq!(names(dir.path()), [".other", ".tokenkeep-file", ".tokenkeep-living"]);
    drop(Draft::of(&at("dead")).unwrap());
    drop(living);
    assert_eq!(names(dir.path()), [".other", ".tokenkeep-file"]);
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
