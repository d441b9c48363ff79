//! What SQLite says, in Cryptoki's words.

use std::path::Path;

use rusqlite::{Error as Sql, ErrorCode, ffi};
use rustix::fs::{Access, access};

use crate::cryptoki::{Error, Rv};

/// Why a transaction did not happen: SQLite failed, or we refused.
#[derive(Debug)]
pub enum Fault {
    Sql(Sql),
    Refused(Error),
}

impl From<Sql> for Fault {
    fn from(error: Sql) -> Fault {
        Fault::Sql(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Refused(error)
    }
}

impl Fault {
    /// As the error of a file that is being opened.
    pub fn found(self, path: &Path) -> Error {
        match self {
            Fault::Sql(error) => opening(path, error),
            Fault::Refused(error) => error,
        }
    }

    /// As the error of an open token with that serial.
    pub fn told(self, serial: &str) -> Error {
        match self {
            Fault::Sql(error) => working(serial, error),
            Fault::Refused(error) => error,
        }
    }
}

/// A failure while working with an open token.
fn working(name: &str, error: Sql) -> Error {
    match &error {
        Sql::SqliteFailure(cause, _) => refuse(name, cause, &error, Rv::DeviceError),
        // Anything else is a value of a wrong type, length or range, or a table that is not as we made it.
        _ => Rv::DeviceError.because(format!("token {name} was changed outside Tokenkeep: {error}")),
    }
}

/// A failure while opening a file: what is no database, or damaged, is not a token.
pub fn opening(path: &Path, error: Sql) -> Error {
    let name = path.display().to_string();
    // SQLite does not say why. Asked and not tried: closing a token file would drop this process's locks on it.
    if error.sqlite_error_code() == Some(ErrorCode::CannotOpen)
        && let Err(errno) = access(path, Access::READ_OK)
    {
        return disk(path, "open", errno.into());
    }
    match &error {
        Sql::SqliteFailure(cause, _) => refuse(&name, cause, &error, Rv::TokenNotRecognized),
        _ => Rv::TokenNotRecognized.because(format!("{name} is not a token file: {error}")),
    }
}

fn refuse(name: &str, cause: &ffi::Error, error: &Sql, damaged: Rv) -> Error {
    match cause.code {
        ErrorCode::NotADatabase => {
            damaged.because(format!("{name}: found no SQLite database, expected a token file"))
        }
        ErrorCode::DatabaseCorrupt => damaged.because(format!("{name} is damaged or cut short: {error}")),
        ErrorCode::Unknown => damaged.because(format!("{name} has not the tables of a token file: {error}")),
        ErrorCode::DiskFull => Rv::DeviceMemory.because(format!("the disk of token {name} is full")),
        _ if cause.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Rv::DeviceMemory.because(format!("the disk of token {name} is full"))
        }
        ErrorCode::ConstraintViolation => {
            Rv::FunctionFailed.because(format!("token {name} has such a row already: {error}"))
        }
        // Whoever may not write the log's index needs a reader among those who may: usually there is one.
        _ if [ffi::SQLITE_READONLY_CANTINIT, ffi::SQLITE_READONLY_RECOVERY]
            .contains(&cause.extended_code) =>
        {
            Rv::FunctionFailed
                .because(format!("token {name} is just being written by another user: try again"))
        }
        ErrorCode::OutOfMemory => Rv::HostMemory.because("SQLite got no memory"),
        ErrorCode::ReadOnly => {
            Rv::TokenWriteProtected.because(format!("token {name} cannot be written: {error}"))
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Rv::FunctionFailed
            .because(format!("another process kept token {name} locked for half a minute: {error}")),
        _ => Rv::DeviceError.because(format!("token {name}: {error}")),
    }
}

/// A failure of the file system.
pub fn disk(path: &Path, verb: &str, error: std::io::Error) -> Error {
    let rv = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Rv::DeviceMemory,
        std::io::ErrorKind::NotFound => Rv::TokenNotPresent,
        std::io::ErrorKind::ReadOnlyFilesystem => Rv::TokenWriteProtected,
        std::io::ErrorKind::AlreadyExists => Rv::FunctionFailed,
        _ => Rv::DeviceError,
    };
    rv.because(format!("cannot {verb} {}: {error}", path.display()))
}
