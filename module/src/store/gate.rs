//! Fork: a gate through which everybody goes to SQLite, and a list of the connections behind it.
//!
//! A PKCS#11 module lives through `fork()` of a program that knows nothing of it. Two things would go wrong:
//! a thread of the parent is inside SQLite and its mutexes are never unlocked in the child; or the child's
//! SQLite believes to hold the parent's file locks (POSIX locks are not inherited, SQLite's table of them is).
//!
//! ```text
//! parent   pthread_atfork prepare   close()               waits until nobody is inside
//!          pthread_atfork parent    drop the guard
//! child    pthread_atfork child     drop the guard        no connection is used: the module answers
//!                                                         CKR_CRYPTOKI_NOT_INITIALIZED
//!          C_Initialize             abandon_inherited()   closes what was inherited, without a checkpoint,
//!                                                         which also empties SQLite's table of locks
//! ```
//!
//! Closing in the child harms nobody: `fcntl` unlocks only what this process holds (nothing), and with
//! NO_CKPT_ON_CLOSE neither the write-ahead log nor its index is deleted.
//!
//! A test of it: the parent opens a Vault and keeps it, forks while eight threads write; the child calls
//! `abandon_inherited`, sees `CryptokiNotInitialized` from the old Vault, opens a new one, writes and exits;
//! the parent's threads go on, and a third process verifies the file.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::cryptoki::{Result, Rv};

static GATE: RwLock<()> = RwLock::new(());
/// Held while a PIN is tried, so that no fork happens then: a child would inherit the turn and never end it.
static TRYING: RwLock<()> = RwLock::new(());
static LINKS: Mutex<Vec<Weak<Mutex<Wire>>>> = Mutex::new(Vec::new());

/// The right to be inside SQLite. Not to be taken twice by a thread.
pub type Guard = RwLockReadGuard<'static, ()>;

/// Goes through the gate; waits while a fork is under way.
pub fn pass() -> Guard {
    GATE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Closes the gate and waits until nobody is inside, for at most as long as a writer waits for another
/// process. For the prepare handler of `pthread_atfork`.
pub fn close() -> Closed {
    let trying = TRYING.write().unwrap_or_else(PoisonError::into_inner);
    let gate = GATE.write().unwrap_or_else(PoisonError::into_inner);
    Closed { _trying: trying, _gate: gate }
}

/// The gate is closed, until this is dropped.
pub struct Closed {
    _gate: RwLockWriteGuard<'static, ()>,
    _trying: RwLockWriteGuard<'static, ()>,
}

/// A turn at trying a PIN: among all processes one tries at a time, so that those who know the PIN do not use up
/// each other's tries. The turn of a process that dies ends with it.
pub struct Turn {
    _lock: Option<File>,
    _trying: Guard,
}

/// Between two looks whether a turn is to be had.
const PAUSE: Duration = Duration::from_millis(1);

/// Waits for a turn; `directory` is what the processes have in common, none when there are no others.
///
/// Errors: `FunctionFailed` when others had it all the time; `DeviceError` when the directory cannot be locked.
pub fn turn(directory: Option<&Path>, patience: Duration) -> Result<Turn> {
    let pauses = patience.as_millis() / PAUSE.as_millis();
    for pause in 0..=pauses {
        if pause > 0 {
            rest(PAUSE);
        }
        // Neither held nor open while it waits: a fork need not wait with it, and no child inherits the lock.
        let trying = TRYING.read().unwrap_or_else(PoisonError::into_inner);
        match directory.map(lock_now).transpose() {
            Ok(lock) => return Ok(Turn { _lock: lock, _trying: trying }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(Rv::DeviceError.because(format!("waiting for a turn to try a PIN: {error}")));
            }
        }
    }
    let seconds = patience.as_secs();
    Err(Rv::FunctionFailed.because(format!("another process kept trying a PIN for {seconds} seconds")))
}

fn lock_now(directory: &Path) -> std::result::Result<File, TryLockError> {
    let file = File::open(directory).map_err(TryLockError::Error)?;
    file.try_lock().map(|()| file)
}

#[allow(clippy::disallowed_methods, reason = "`flock` can be waited for without an end, or not at all")]
fn rest(pause: Duration) {
    std::thread::sleep(pause);
}

/// In a forked child, when it initialises: closes every connection of the parent's time. Whoever still holds
/// one of those stores gets `CryptokiNotInitialized` from it.
pub fn abandon_inherited() {
    let _gate = pass();
    for link in lock(&LINKS).drain(..).filter_map(|link| link.upgrade()) {
        abandon(&mut lock(&link));
    }
}

/// Closes a connection that another process goes on using.
fn abandon(wire: &mut Wire) {
    if let Wire::Open(connection) = std::mem::replace(wire, Wire::Abandoned) {
        // On failure the parent's log might be deleted under it: then better leave the connection open.
        match connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            Ok(_) => drop(connection),
            Err(_) => std::mem::forget(connection),
        }
    }
}

/// What a link holds.
enum Wire {
    Idle,
    Open(Connection),
    Removed,
    Abandoned,
}

/// One connection, opened at first use, used by one thread at a time, and only inside the gate.
pub struct Link {
    wire: Arc<Mutex<Wire>>,
    process: u32,
}

impl Link {
    /// A link that is not open yet; it is listed until it is dropped.
    #[allow(clippy::new_without_default)] // making one has an effect
    pub fn new() -> Link {
        let _gate = pass();
        let wire = Arc::new(Mutex::new(Wire::Idle));
        let mut links = lock(&LINKS);
        links.retain(|link| link.strong_count() > 0);
        links.push(Arc::downgrade(&wire));
        Link { wire, process: std::process::id() }
    }

    /// Works on the connection. `work` must not use any link: a fork that waits between would lock it up.
    pub fn with<T>(
        &self,
        open: impl FnOnce() -> Result<Connection>,
        work: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let _gate = pass();
        let mut wire = lock(&self.wire);
        if let Wire::Idle = *wire {
            *wire = Wire::Open(open()?);
        }
        match &mut *wire {
            Wire::Open(connection) => work(connection),
            Wire::Removed => Err(Rv::DeviceRemoved.because("the token was deleted")),
            Wire::Idle | Wire::Abandoned => {
                Err(Rv::CryptokiNotInitialized.because("the token was opened before this process was forked"))
            }
        }
    }

    /// Closes the connection; it is opened again at the next use.
    pub fn rest(&self) {
        self.end(Wire::Idle);
    }

    /// Closes the connection for good, because the file goes.
    pub fn remove(&self) {
        self.end(Wire::Removed);
    }

    fn end(&self, next: Wire) {
        let _gate = pass();
        let mut wire = lock(&self.wire);
        // A child that drops what it inherited before it abandons it does no harm either.
        if self.process != std::process::id() {
            abandon(&mut wire);
        }
        if !matches!(*wire, Wire::Abandoned) {
            *wire = next;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end(Wire::Idle);
    }
}

/// A poisoned mutex is as good as any: SQLite rolls back what a panic left.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
