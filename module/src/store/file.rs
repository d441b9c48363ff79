//! Token files: where they are, how they come to be in one piece, and how they are opened.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig::*;
use rusqlite::{Connection, OpenFlags};

use super::draft::{self, Draft, Over, parent};
use super::{fault, rows};
use crate::cryptoki::{Error, Result, Rv};

/// "TKKP", in the SQLite header, where `file` finds it too.
pub const APPLICATION: i32 = 0x544B_4B50;

/// The format that this code reads and writes.
pub const FORMAT: i32 = 1;

/// How long a writer waits for another process, and who knows a PIN for those who try one.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Set on each connection. The commit is on the disk when it returns; nothing is left in freed pages, in
/// temporary files or in a memory map; the file's own schema is not trusted.
const MANNERS: &str = "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cell_size_check=ON; \
    PRAGMA trusted_schema=OFF; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=8388608";

/// How a file can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write.
    Write,
    /// Somebody else writes it, we cannot.
    Read,
    /// Nobody writes it now: it is read as it lies there, and read again when its stamp changes.
    Frozen,
    /// The same, for want of room for a log: what is written finds the disk full, or makes a log when it no longer is.
    Full,
}

/// What changes when another process writes a frozen file: device, inode, size, time, and the log beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    place: (u64, u64),
    size: u64,
    time: (i64, i64),
    log: bool,
}

/// The token files of a directory, by name. A directory that is not there has none.
///
/// Drafts and everything else are passed over. Errors: `DeviceError`.
pub fn scan(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| fault::disk(dir, "read", e))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| fault::disk(dir, "read", e))?.path();
        if is_token(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn is_token(path: &Path) -> bool {
    let digit = |c: u8| c.is_ascii_digit() || (b'A'..=b'F').contains(&c);
    let stem = path.file_stem().map(OsStrExt::as_bytes).unwrap_or_default();
    path.extension().is_some_and(|end| end == "token") && stem.len() == 16 && stem.iter().copied().all(digit)
}

/// Where the token with that serial is in a directory.
pub fn path(dir: &Path, serial: &str) -> PathBuf {
    dir.join(format!("{serial}.token"))
}

/// Makes a directory and its missing parents, for its owner only, whatever the umask.
pub fn make_dir(dir: &Path) -> Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    dir.parent().map_or(Ok(()), make_dir)?;
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        made => made.map_err(|e| fault::disk(dir, "make", e))?,
    }
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(|e| fault::disk(dir, "protect", e))
}

/// A file that appears complete or not at all: `build` fills it in a place of its own, for the owner only.
///
/// Errors: `FunctionFailed` when there is such a file, also one that came meanwhile; what `build` says; those of the
/// disk.
pub fn publish(to: &Path, build: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let told = |verb| move |error| fault::disk(to, verb, error);
    let draft = Draft::of(to).map_err(told("make"))?;
    if fs::symlink_metadata(to).is_ok() {
        return Err(told("make")(std::io::ErrorKind::AlreadyExists.into()));
    }
    let path = draft.path();
    let file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(told("make"))?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(told("protect"))?;
    // Who reads of it knows the file by the name that it was to have.
    let names = [path.as_path(), to].map(|path| path.display().to_string());
    build(&path).map_err(|error| error.rv().because(error.why().replace(&names[0], &names[1])))?;
    file.sync_all().map_err(told("sync"))?;
    // Before anybody opens the file: closing a descriptor drops all locks that this process has on it.
    drop(file);
    draft::reveal(&path, to, Over::Nothing).map_err(told("make"))
}

/// The file and what SQLite puts beside it.
pub fn beside(path: &Path) -> [PathBuf; 4] {
    let [log, index, journal] = draft::ENDS;
    ["", log, index, journal].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// The stamp of a file as it is now; all zero when it is gone.
///
/// Only by `stat`: opening and closing a token file would drop this process's SQLite locks on it.
pub fn stamp(path: &Path) -> Stamp {
    let [_, log, ..] = beside(path);
    fs::metadata(path).map_or_else(
        |_| Stamp::default(),
        |data| Stamp {
            place: (data.dev(), data.ino()),
            size: data.size(),
            time: (data.mtime(), data.mtime_nsec()),
            log: log.exists(),
        },
    )
}

impl Stamp {
    /// Is it the same file, whatever its content?
    pub fn same_place(&self, other: &Stamp) -> bool {
        self.place == other.place
    }
}

/// Opens a token file, as well as its mode and its directory allow, and checks that it is one.
///
/// Errors: `TokenNotPresent`, `TokenNotRecognized` with what was found and what was expected, `DeviceError`.
pub fn open(path: &Path) -> Result<(Connection, Access)> {
    let data = fs::metadata(path).map_err(|e| fault::disk(path, "open", e))?;
    if !data.is_file() {
        return Err(Rv::TokenNotRecognized.because(format!("{} is not a file", path.display())));
    }
    let quiet = !stamp(path).log;
    let (connection, access) = connect_as_allowed(path, &data, quiet)?;
    if quiet {
        // SQLite reads a last page that is cut as if the rest were zero.
        let page = connection.query_row("PRAGMA page_size", [], |row| row.get::<_, u32>(0));
        let page = u64::from(page.map_err(|e| fault::opening(path, e))?);
        if data.len().checked_rem(page) != Some(0) {
            let expected = format!("a multiple of {page}");
            return Err(foreign(path, "a length of", &data.len().to_string(), &expected));
        }
    }
    Ok((connection, access))
}

/// `quiet`: there is no log, so nobody has the file open for writing.
fn connect_as_allowed(path: &Path, data: &fs::Metadata, quiet: bool) -> Result<(Connection, Access)> {
    // Also root keeps to the mode: a fixture without write bits stays as it is.
    let locked = |data: &fs::Metadata| data.mode() & 0o222 == 0;
    let sealed = locked(data) || fs::metadata(parent(path)).is_ok_and(|dir| locked(&dir));
    if sealed && quiet {
        return frozen(path);
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if sealed || connection.is_readonly("main").map_err(|e| fault::opening(path, e))? {
        // SQLite would leave a log and its index behind, which the file's owner could not write.
        if quiet {
            return frozen(path);
        }
        return check(path, &connection).map(|()| (connection, Access::Read));
    }
    match check(path, &connection).and_then(|()| keep_log(path, &connection)) {
        Ok(()) => Ok((connection, Access::Write)),
        // The directory cannot be written, so there can be no log and no writer.
        Err(_) if quiet && !stamp(path).log && cannot_log(&connection) => frozen(path),
        // There is no room for the log's index; others would have one that we could use.
        Err(error) if error.rv() == Rv::DeviceMemory && log_is_empty(path) => {
            frozen(path).map(|(connection, _)| (connection, Access::Full))
        }
        Err(error) => Err(error),
    }
}

fn frozen(path: &Path) -> Result<(Connection, Access)> {
    let connection =
        connect(&immutable(path)?, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)?;
    check(path, &connection)?;
    Ok((connection, Access::Frozen))
}

fn log_is_empty(path: &Path) -> bool {
    let [_, log, ..] = beside(path);
    fs::metadata(log).map_or_else(|error| error.kind() == std::io::ErrorKind::NotFound, |log| log.len() == 0)
}

fn cannot_log(connection: &Connection) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    let look = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    look.is_err_and(|e| matches!(e.sqlite_error_code(), Some(CannotOpen | ReadOnly)))
}

/// The name by which SQLite opens a file that nobody writes.
fn immutable(path: &Path) -> Result<PathBuf> {
    let whole = std::path::absolute(path).map_err(|e| fault::disk(path, "open", e))?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-".contains(b);
    let name: String = whole
        .as_os_str()
        .as_bytes()
        .iter()
        .map(|b| match plain(b) {
            true => char::from(*b).to_string(),
            false => format!("%{b:02X}"),
        })
        .collect();
    Ok(format!("file://{name}?immutable=1").into())
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let told = |e| fault::opening(path, e);
    let connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(told)?;
    connection.busy_timeout(PATIENCE).map_err(told)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Apart from `connect`, since it may read the file already.
fn teach(path: &Path, connection: &Connection) -> Result<()> {
    let told = |e| fault::opening(path, e);
    for (setting, on) in [
        (SQLITE_DBCONFIG_DEFENSIVE, true),
        (SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(setting, on).map_err(told)?;
    }
    connection.execute_batch(MANNERS).map_err(told)
}

/// Is it ours, in our format, with our tables and no others?
fn check(path: &Path, connection: &Connection) -> Result<()> {
    teach(path, connection)?;
    let told = |e| fault::opening(path, e);
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i32>(0)).map_err(told);
    let (application, format) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application != APPLICATION {
        return Err(foreign(
            path,
            "application id",
            &format!("{application:#010x}"),
            &format!("{APPLICATION:#010x}"),
        ));
    }
    if format != FORMAT {
        return Err(foreign(path, "format", &format.to_string(), &FORMAT.to_string()));
    }
    let mut tables = rows::schema(connection).map_err(told)?;
    let mut ours: Vec<&str> = rows::SCHEMA.to_vec();
    tables.sort();
    ours.sort_unstable();
    match tables == ours {
        true => Ok(()),
        false => {
            Err(foreign(path, "schema of", &format!("{} other tables or indices", tables.len()), "ours"))
        }
    }
}

fn foreign(path: &Path, what: &str, found: &str, expected: &str) -> Error {
    Rv::TokenNotRecognized.because(format!("{}: found {what} {found}, expected {expected}", path.display()))
}

/// A copy of a file may have lost its write-ahead mode.
fn keep_log(path: &Path, connection: &Connection) -> Result<()> {
    let told = |e| fault::opening(path, e);
    let mode = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).map_err(told);
    if mode("PRAGMA journal_mode")? != "wal" && mode("PRAGMA journal_mode=WAL")? != "wal" {
        return Err(
            Rv::DeviceError.because(format!("{}: no write-ahead log is possible there", path.display()))
        );
    }
    Ok(())
}

/// Fills an empty file with our tables and what `fill` puts in them, and leaves it closed, in write-ahead mode.
pub fn build(path: &Path, fill: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<()> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    teach(path, &connection)?;
    let work = || {
        // Nobody sees the file before it is complete, and `publish` syncs it once.
        connection.execute_batch("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; BEGIN")?;
        connection
            .execute_batch(&format!("PRAGMA application_id={APPLICATION}; PRAGMA user_version={FORMAT}"))?;
        rows::SCHEMA.iter().try_for_each(|table| connection.execute_batch(table))?;
        fill(&connection)?;
        connection.execute_batch("COMMIT; PRAGMA journal_mode=WAL")
    };
    work().map_err(|e| fault::opening(path, e))?;
    close(path, connection)
}

/// Puts an existing, unshared copy into write-ahead mode, and leaves it closed.
pub fn settle(path: &Path) -> Result<()> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    teach(path, &connection)?;
    keep_log(path, &connection)?;
    close(path, connection)
}

fn close(path: &Path, connection: Connection) -> Result<()> {
    connection.close().map_err(|(_, e)| fault::opening(path, e))
}
