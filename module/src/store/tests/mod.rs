//! Tests of the store, through its own doors and, to break things, through plain SQLite.

mod files;
mod law;
mod measure;
mod pins;
mod tamper;
mod together;

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use super::*;

/// Random enough for a test.
fn fill(bytes: &mut [u8]) -> Result<()> {
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = RandomState::new().hash_one(n) as u8;
    }
    Ok(())
}

fn pin(text: &str) -> Secret {
    text.as_bytes().into()
}

fn new_token() -> NewToken {
    NewToken {
        label: *b"a token                         ",
        slot: 7,
        created: 1_700_000_000,
        so_pin: pin("12345678"),
        user_pin: Some(pin("648219")),
        kdf_iterations: 10,
        so_tries: 3,
        user_tries: 3,
        pin_min: 4,
        pin_max: 64,
    }
}

fn id() -> Id {
    let mut id = [0; 16];
    fill(&mut id).unwrap();
    id
}

fn record(private: bool, text: &str, index: &[&str]) -> Record {
    let index = index.iter().map(|string| string.as_bytes().to_vec()).collect();
    Record { handle: None, id: id(), revision: 0, private, plain: text.as_bytes().into(), index }
}

fn index(strings: &[&str]) -> Vec<Vec<u8>> {
    strings.iter().map(|string| string.as_bytes().to_vec()).collect()
}

/// The handles of what was found.
fn found_rows(found: Vec<(u64, bool)>) -> Vec<u64> {
    found.into_iter().map(|(handle, _)| handle).collect()
}

/// A token in a directory that goes with it.
struct Scene {
    dir: tempfile::TempDir,
    vault: Vault,
    keys: Keys,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::create(dir.path(), &new_token(), &fill).unwrap();
        let keys = vault.unlock(USER, &pin("648219")).unwrap();
        Scene { dir, vault, keys }
    }

    fn path(&self) -> PathBuf {
        only_token(self.dir.path())
    }

    fn put(&self, private: bool, text: &str, index: &[&str]) -> u64 {
        self.vault.put(Some(&self.keys), &[record(private, text, index)], &fill).unwrap()[0]
    }

    fn text(&self, handle: u64) -> Result<Option<String>> {
        let opened = self.vault.load(Some(&self.keys), handle)?;
        Ok(opened.map(|opened| String::from_utf8(opened.plain.expose().to_vec()).unwrap()))
    }

    /// Plain SQLite on the file, as somebody else would use it.
    fn outside(&self, sql: &str) -> usize {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.execute_batch("PRAGMA ignore_check_constraints=ON").unwrap();
        let changed = connection.execute(sql, []).unwrap();
        std::mem::forget(connection); // closing it would drop this process's locks on the file
        changed
    }

    /// The file as after the last close, opened again.
    fn reopened(self) -> Scene {
        let path = self.path();
        let Scene { dir, vault, .. } = self;
        drop(vault);
        let vault = Vault::open(&path).unwrap();
        let keys = vault.unlock(USER, &pin("648219")).unwrap();
        Scene { dir, vault, keys }
    }
}

fn only_token(dir: &Path) -> PathBuf {
    let found = scan(dir).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn rv<T>(result: Result<T>) -> Rv {
    match result {
        Ok(_) => Rv::Ok,
        Err(error) => error.rv(),
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
