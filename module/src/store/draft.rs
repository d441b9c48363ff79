//! Drafts: what is being made, where nobody looks; what a killed process left of one is swept by the next maker.
//!
//! ```text
//!   .tokenkeep-draft-0123456789abcdef/     locked while its process lives
//!     draft                                a file, and what SQLite puts beside it
//!     draft/                               or a directory: a backup's files, or the one a token is made in
//! ```

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// How the directories are called: this, and 16 hexadecimal digits that are random, so that nobody else's are.
const PREFIX: &str = ".tokenkeep-draft-";

/// What is made in one is called, until it gets its name.
const NAME: &str = "draft";

/// All that is ever in one: files, which may have one of [`ENDS`], and directories. `#` is a hexadecimal digit.
const FILES: [&str; 6] = [
    "draft",
    "draft/################.token",
    "draft/.tokenkeep-draft-################/draft",
    "draft/manifest",
    "draft/####.sealed",
    "draft/####.wrapped",
];
const DIRECTORIES: [&str; 2] = ["draft", "draft/.tokenkeep-draft-################"];

/// What SQLite appends to the names of files that it puts beside another.
pub const ENDS: [&str; 3] = ["-wal", "-shm", "-journal"];

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
    /// Errors: those of the disk.
    pub fn of(to: &Path) -> Result<Draft> {
        sweep(parent(to));
        Draft::locked(to, File::lock)
    }

    /// The directory with its lock; without the lock there is no directory either.
    pub(super) fn locked(to: &Path, lock: impl Fn(&File) -> Result<()>) -> Result<Draft> {
        loop {
            let place = parent(to).join(format!("{PREFIX}{:016x}", RandomState::new().hash_one(PREFIX)));
            match DirBuilder::new().mode(0o700).create(&place) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            let private = fs::set_permissions(&place, Permissions::from_mode(0o700));
            match private.and_then(|()| hold(&place, &lock)) {
                Ok(lock) => return Ok(Draft { place, _lock: lock }),
                // Somebody swept it before it was locked.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    let _ = fs::remove_dir(&place);
                    return Err(error);
                }
            }
        }
    }

    /// Where to make it: a file, or a directory.
    pub fn path(&self) -> PathBuf {
        self.place.join(NAME)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Best effort: what is left is swept by the next.
        let _ = fs::remove_dir_all(&self.place);
    }
}

/// What something new may take the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Of nothing: who comes second is refused.
    Nothing,
    /// Of what has the name now; a directory, of an empty one.
    Old,
}

/// Gives what was made in a draft its name; it is there also after a power cut.
///
/// Errors: `AlreadyExists` when it may not take the place of what is there; those of the disk.
pub fn reveal(made: &Path, to: &Path, over: Over) -> Result<()> {
    match over {
        Over::Old => fs::rename(made, to)?,
        Over::Nothing => match renameat_with(CWD, made, CWD, to, RenameFlags::NOREPLACE) {
            // Not on every file system. A second name is not given over another either; the first goes with the draft.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::hard_link(made, to)?,
            done => done?,
        },
    }
    File::open(parent(to))?.sync_all()
}

/// The directory that a file is in.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Best effort: whatever is not a draft in all respects stays, and what cannot be opened or removed.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if is_name(&entry.file_name()) {
            let _ = clear(&entry.path());
        }
    }
}

fn is_name(name: &OsStr) -> bool {
    name.to_str()
        .and_then(|name| name.strip_prefix(PREFIX))
        .is_some_and(|rest| fits(rest, "################"))
}

fn fits(name: &str, shape: &str) -> bool {
    let same = |(at, of): (u8, u8)| if of == b'#' { at.is_ascii_hexdigit() } else { at == of };
    name.len() == shape.len() && name.bytes().zip(shape.bytes()).all(same)
}

/// Removes the draft of a dead process: file by file, and none of them if there is anything else.
fn clear(place: &Path) -> Result<()> {
    let _lock = hold(place, |dir| {
        let data = dir.metadata()?;
        match data.uid() == rustix::process::geteuid().as_raw() && data.mode() & 0o7777 == 0o700 {
            true => Ok(dir.try_lock()?),
            false => Err(ErrorKind::PermissionDenied.into()),
        }
    })?;
    let mut found = Vec::new();
    list(place, "", &mut found)?;
    for (path, is_dir) in found {
        if is_dir { fs::remove_dir(path) } else { fs::remove_file(path) }?;
    }
    fs::remove_dir(place)
}

/// What is in a draft, each directory after what is in it; an error when anything is not a draft's.
fn list(place: &Path, within: &str, found: &mut Vec<(PathBuf, bool)>) -> Result<()> {
    for entry in fs::read_dir(place)? {
        let (entry, foreign) = (entry?, || Error::from(ErrorKind::InvalidData));
        let name = format!("{within}{}", entry.file_name().to_str().ok_or_else(foreign)?);
        let alone = ENDS.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        let kind = entry.file_type()?;
        match kind.is_dir() {
            true if DIRECTORIES.iter().any(|shape| fits(&name, shape)) => {
                list(&entry.path(), &format!("{name}/"), found)?;
            }
            false if kind.is_file() && FILES.iter().any(|shape| fits(alone, shape)) => {}
            _ => return Err(foreign()),
        }
        found.push((entry.path(), kind.is_dir()));
    }
    Ok(())
}

/// A directory, no link to one, with its lock; `NotFound` when it is removed meanwhile, or another by that name.
fn hold(place: &Path, lock: impl FnOnce(&File) -> Result<()>) -> Result<File> {
    let alone = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let dir = OpenOptions::new().read(true).custom_flags(alone).open(place)?;
    lock(&dir)?;
    let (held, there) = (dir.metadata()?, fs::symlink_metadata(place)?);
    match (held.dev(), held.ino()) == (there.dev(), there.ino()) {
        true => Ok(dir),
        false => Err(ErrorKind::NotFound.into()),
    }
}
