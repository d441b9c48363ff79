//! Drafts: what is being made, where nobody looks; what a killed process left of one is swept by the next maker.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How the directories are called: this, and the name of what is made in them.
const PREFIX: &str = ".tokenkeep-";

/// A directory beside what is to appear, for its owner only. It is locked while it is in use, and removed in the end.
///
/// The lock is `flock`'s, on the directory: it ends with the process, however that ends, and SQLite's locks on the
/// files within, which are `fcntl`'s, are not touched by it.
pub struct Draft {
    place: PathBuf,
    _lock: File,
}

impl Draft {
    /// Begins what will be `to`, and sweeps what was begun beside it by processes that are dead.
    ///
    /// Errors: `ResourceBusy` when another process makes the same; those of the disk.
    pub fn of(to: &Path) -> Result<Draft> {
        let name = to.file_name().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "it has no name"))?;
        sweep(parent(to));
        let mut hidden = OsString::from(PREFIX);
        hidden.push(name);
        let place = to.with_file_name(hidden);
        Ok(Draft { _lock: claim(&place)?, place })
    }

    /// The directory, to make it in.
    pub fn place(&self) -> &Path {
        &self.place
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Best effort: what is left is swept by the next.
        let _ = fs::remove_dir_all(&self.place);
    }
}

/// The directory that a file is in.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn claim(place: &Path) -> Result<File> {
    loop {
        DirBuilder::new().mode(0o700).create(place).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::new(ErrorKind::ResourceBusy, "another process is making it"),
            _ => error,
        })?;
        let open = fs::set_permissions(place, Permissions::from_mode(0o700));
        match open.and_then(|()| lock(place, File::lock)) {
            // Somebody swept it before it was locked.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            claimed => return claimed,
        }
    }
}

/// Best effort: whatever cannot be opened or removed stays.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let ours = entry.file_name().as_bytes().starts_with(PREFIX.as_bytes());
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let path = entry.path();
            let dead = lock(&path, |dir| Ok(dir.try_lock()?));
            let _ = dead.and_then(|_lock| fs::remove_dir_all(&path));
        }
    }
}

/// The lock of a directory; `NotFound` when it is removed meanwhile, or another by that name.
fn lock(place: &Path, how: impl FnOnce(&File) -> Result<()>) -> Result<File> {
    let dir = File::open(place)?;
    how(&dir)?;
    match fs::metadata(place)?.ino() == dir.metadata()?.ino() {
        true => Ok(dir),
        false => Err(ErrorKind::NotFound.into()),
    }
}
