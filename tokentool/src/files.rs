//! Files that the tool reads and writes: whole or not at all, and never over another that is not kept.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokenkeep::cryptoki::Secret;
use tokenkeep::store::{Draft, Over, parent, reveal};

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

/// Who may read what is written, whatever the umask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Mode 600, in directories of mode 700.
    Owner,
    /// Mode 644, in directories of mode 755.
    All,
}

impl Readers {
    fn file(self) -> u32 {
        if self == Readers::All { 0o644 } else { 0o600 }
    }

    fn directory(self) -> u32 {
        if self == Readers::All { 0o755 } else { 0o700 }
    }
}

/// Writes a new file, for the owner only.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    prepare(Readers::Owner, path, bytes)?.publish()
}

/// A new file that is on the disk, and is not there under its name until it may be.
pub struct Prepared<'a> {
    path: &'a Path,
    draft: Draft,
}

/// Prepares a new file; it is gone when nobody publishes it.
pub fn prepare<'a>(readers: Readers, path: &'a Path, bytes: &[u8]) -> Result<Prepared<'a>> {
    let draft = drafted(readers, path, bytes).map_err(|error| unmade(path, &error))?;
    Ok(Prepared { path, draft })
}

impl Prepared<'_> {
    /// Gives it its name.
    pub fn publish(self) -> Result<()> {
        reveal(&self.draft.path(), self.path, Over::Nothing).map_err(|error| unmade(self.path, &error))
    }
}

fn unmade(path: &Path, error: &io::Error) -> Problem {
    match error.kind() {
        ErrorKind::AlreadyExists => taken(path),
        _ => Problem::file("write", path, error),
    }
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

/// Writes a file in the place of the old one, which is kept as `FILE.~N~` with a number that is free.
pub fn replace(readers: Readers, path: &Path, bytes: &[u8]) -> Result<Written> {
    let told = |error: io::Error| Problem::file("write", path, &error);
    let file = path.display().to_string();
    // The file that a link points at is the one to replace.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if !path.exists() {
        let place = parent(path);
        make_dir(readers, place).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                Problem::new(format!("{} is no directory", place.display())).advise("another place")
            }
            _ => told(error),
        })?;
        prepare(readers, path, bytes)?.publish()?;
        return Ok(Written { file, changed: true, kept: None });
    }
    let _old = alone(path).map_err(told)?;
    if read(path)? == bytes {
        return Ok(Written { file, changed: false, kept: None });
    }
    let draft = drafted(readers, path, bytes).map_err(told)?;
    let kept = keep(path).map_err(told)?;
    reveal(&draft.path(), path, Over::Old).map_err(told)?;
    Ok(Written { file, changed: true, kept: Some(kept.display().to_string()) })
}

/// Makes a directory and its missing parents.
fn make_dir(readers: Readers, dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    make_dir(readers, parent(dir))?;
    match DirBuilder::new().mode(0o700).create(dir) {
        // Another process was first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        made => made.and_then(|()| fs::set_permissions(dir, Permissions::from_mode(readers.directory()))),
    }
}

/// The file as it will be, on the disk already.
fn drafted(readers: Readers, path: &Path, bytes: &[u8]) -> io::Result<Draft> {
    let draft = Draft::of(path)?;
    lay(readers, &draft.path(), bytes)?;
    Ok(draft)
}

/// Writes a file in a draft.
fn lay(readers: Readers, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(readers.file()))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The old file, locked: of two that replace it at once, one would be lost, as both keep the old one.
fn alone(path: &Path) -> io::Result<File> {
    let busy = || io::Error::new(ErrorKind::ResourceBusy, "another process replaces it");
    let file = File::open(path)?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => busy(),
        TryLockError::Error(error) => error,
    })?;
    match file.metadata()?.ino() == fs::metadata(path)?.ino() {
        true => Ok(file),
        false => Err(busy()),
    }
}

/// A second name for the file, which it keeps when another takes the first.
fn keep(path: &Path) -> io::Result<PathBuf> {
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
    let told = |error: io::Error| match error.kind() {
        ErrorKind::DirectoryNotEmpty => taken(path),
        _ => Problem::file("write", path, &error),
    };
    if path.exists() && fs::read_dir(path).map_err(told)?.next().is_some() {
        return Err(taken(path));
    }
    let draft = Draft::of(path).map_err(told)?;
    let whole = draft.path();
    make_dir(Readers::Owner, &whole).map_err(told)?;
    for (name, bytes) in files {
        lay(Readers::Owner, &whole.join(name), bytes).map_err(told)?;
    }
    File::open(&whole).and_then(|whole| whole.sync_all()).map_err(told)?;
    // An empty directory of that name gives way.
    reveal(&whole, path, Over::Old).map_err(told)
}

/// There is something already.
pub fn taken(path: &Path) -> Problem {
    Problem::new(format!("{} is there already", path.display()))
        .advise("another name: nothing is overwritten")
}
