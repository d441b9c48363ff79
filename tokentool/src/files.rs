//! Files that the tool reads and writes: whole or not at all, for the owner only, and never over another that is
//! not kept.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;
use tokenkeep::cryptoki::Secret;
use tokenkeep::store::{Draft, parent};

use crate::problem::{Problem, Result};

/// The longest file that is read.
const LONGEST: u64 = 1 << 30;

/// The contents of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let told = |error| Problem::file("read", path, &error);
    let size = fs::metadata(path).map_err(told)?.len();
    match size <= LONGEST {
        true => fs::read(path).map_err(told),
        false => {
            Err(Problem::new(format!("{} has {size} bytes: that is no file of this kind", path.display()))
                .advise("another file"))
        }
    }
}

/// The contents of a file that may hold keys.
pub fn read_secret(path: &Path) -> Result<Secret> {
    read(path).map(Secret::from)
}

/// Writes a new file, as mode 600.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let told = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => taken(path),
        _ => Problem::file("write", path, &error),
    };
    let (draft, whole) = drafted(path, bytes).map_err(told)?;
    whole.persist_noclobber(path).map_err(|error| told(error.error))?;
    settle(draft, path)
}

/// What became of a file that was to be replaced.
#[derive(Serialize)]
pub struct Written {
    pub file: String,
    /// Whether it says something else now.
    pub changed: bool,
    /// Where the old one is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
}

/// Writes a file, as mode 600, in the place of the old one, which is kept as `FILE.~N~` with a number that is free.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<Written> {
    let told = |error: std::io::Error| Problem::file("write", path, &error);
    let file = path.display().to_string();
    // The file that a link points at is the one to replace.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if !path.exists() {
        let place = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(place).map_err(told)?;
        write(path, bytes)?;
        return Ok(Written { file, changed: true, kept: None });
    }
    if read(path)? == bytes {
        return Ok(Written { file, changed: false, kept: None });
    }
    let (draft, whole) = drafted(path, bytes).map_err(told)?;
    let kept = keep(path).map_err(told)?;
    whole.persist(path).map_err(|error| told(error.error))?;
    settle(draft, path)?;
    Ok(Written { file, changed: true, kept: Some(kept.display().to_string()) })
}

/// The file as it will be, on the disk already, for the owner only.
fn drafted(path: &Path, bytes: &[u8]) -> std::io::Result<(Draft, NamedTempFile)> {
    let draft = Draft::of(path)?;
    let mut file = NamedTempFile::new_in(draft.place())?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok((draft, file))
}

/// A second name for the file, which it keeps when another takes the first.
fn keep(path: &Path) -> std::io::Result<PathBuf> {
    let mut number = 1;
    loop {
        let kept = PathBuf::from(format!("{}.~{number}~", path.display()));
        match fs::hard_link(path, &kept) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            done => return done.map(|()| kept),
        }
    }
}

/// Writes a new directory of files, as mode 700; it appears when all of them are on the disk.
pub fn write_all(path: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    let told = |error: std::io::Error| Problem::file("write", path, &error);
    if path.exists() && fs::read_dir(path).map_err(told)?.next().is_some() {
        return Err(taken(path));
    }
    let draft = Draft::of(path).map_err(told)?;
    let whole = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir_in(draft.place());
    let whole = whole.map_err(told)?;
    for (name, bytes) in files {
        write(&whole.path().join(name), bytes)?;
    }
    // An empty directory of that name gives way.
    fs::rename(whole.path(), path).map_err(told)?;
    settle(draft, path)
}

/// The draft is done: what was renamed is there also after a power cut.
pub fn settle(draft: Draft, path: &Path) -> Result<()> {
    drop(draft);
    let place = parent(path);
    let told = |error: std::io::Error| Problem::file("write", place, &error);
    fs::File::open(place).and_then(|place| place.sync_all()).map_err(told)
}

/// There is something already.
pub fn taken(path: &Path) -> Problem {
    Problem::new(format!("{} is there already", path.display()))
        .advise("another name: nothing is overwritten")
}
