//! The store in a file: two connections per token and process, one that reads and one that writes.
//!
//! A writer waits for the disk and for other processes; readers of this process must not wait with it. That the
//! reader is another connection also makes SQLite's `data_version` tell our own commits like anybody else's.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::Fault;
use super::file::{self, Access, Stamp};
use super::gate::Link;
use super::pulse::Pulse;
use super::*;

/// One token file.
pub struct SqliteStore {
    path: PathBuf,
    serial: String,
    born: Stamp,
    reader: Link,
    writer: Link,
    /// Stands after the connections, since it is dropped after them.
    pulse: Pulse,
    seen: Mutex<(Access, Stamp)>,
    openings: AtomicU64,
    spent: Mutex<HashMap<String, u32>>,
}

impl SqliteStore {
    /// Makes the file `<dir>/<serial>.token`, complete or not at all, and the directory when there is none.
    ///
    /// Errors: `FunctionFailed` when there is such a token; those of [`Store`].
    pub fn create(dir: &Path, genesis: &Genesis) -> Result<SqliteStore> {
        file::make_dir(dir)?;
        let path = file::path(dir, &genesis.header.serial);
        file::publish(&path, |draft| file::build(draft, |connection| rows::begin(connection, genesis)))?;
        SqliteStore::open(&path)
    }

    /// Opens a token file; without the right to write it, for reading only.
    ///
    /// Errors: `TokenNotPresent` (no file), `TokenNotRecognized` (not a token, damaged, or a newer format),
    /// `DeviceError`.
    pub fn open(path: &Path) -> Result<SqliteStore> {
        let mut store = SqliteStore {
            path: std::path::absolute(path).map_err(|e| fault::disk(path, "open", e))?,
            serial: String::new(),
            born: file::stamp(path),
            reader: Link::new(),
            writer: Link::new(),
            pulse: Pulse::default(),
            seen: Mutex::new((Access::Write, Stamp::default())),
            openings: AtomicU64::new(0),
            spent: Mutex::default(),
        };
        // Pages that are missing or wrong show only when they are read.
        let seed = |c: &Connection| rows::seed(c).map_err(|fault| fault.found(path));
        store.serial = store.reading(|c| Ok(seed(c)?.serial))?;
        Ok(store)
    }

    fn reading<T>(&self, work: impl FnOnce(&mut Connection) -> std::result::Result<T, Fault>) -> Result<T> {
        self.thaw();
        let open = || {
            let (connection, access) = file::open(&self.path)?;
            *self.seen() = (access, file::stamp(&self.path));
            self.openings.fetch_add(1, Relaxed);
            self.pulse.opened(&self.path);
            Ok(connection)
        };
        self.reader.with(open, |connection| work(connection).map_err(|fault| fault.told(&self.serial)))
    }

    /// Several statements that see one moment.
    fn looking<T>(&self, work: impl FnOnce(&Transaction) -> std::result::Result<T, Fault>) -> Result<T> {
        self.reading(|connection| work(&connection.transaction()?))
    }

    /// An immediate transaction: it waits for other writers before it reads, so that it never has to give up
    /// in the middle. `sync` false spares the disk (see [`Store::credit`]).
    fn writing<T>(
        &self,
        sync: bool,
        work: impl FnOnce(&Transaction) -> std::result::Result<T, Fault>,
    ) -> Result<T> {
        if let Some(why) = self.read_only() {
            return Err(Rv::TokenWriteProtected.because(format!("token {}: {why}", self.serial)));
        }
        if !self.present() {
            return Err(
                Rv::DeviceRemoved.because(format!("{} is gone, or another file", self.path.display()))
            );
        }
        self.writer.with(
            || match file::open(&self.path)? {
                (_, Access::Full) => {
                    Err(Rv::DeviceMemory.because(format!("the disk of token {} is full", self.serial)))
                }
                (connection, _) => Ok(connection),
            },
            |connection| commit(connection, sync, work).map_err(|fault| fault.told(&self.serial)),
        )
    }

    /// A frozen file that was written by somebody is opened again.
    fn thaw(&self) {
        let (access, stamp) = *self.seen();
        if matches!(access, Access::Frozen | Access::Full) && stamp != file::stamp(&self.path) {
            self.reader.rest();
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, (Access, Stamp)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where no try can be stored, this process at least counts its own. The file can be copied anyway.
    fn debit_here(&self, role: &str) -> Result<PinLock> {
        let (lock, left) = self.reading(|c| rows::peek(c, role))?;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let count = spent.entry(role.to_owned()).or_default();
        if *count >= left {
            return Err(rows::pin_locked(role));
        }
        *count += 1;
        Ok(lock)
    }
}

fn commit<T>(
    connection: &mut Connection,
    sync: bool,
    work: impl FnOnce(&Transaction) -> std::result::Result<T, Fault>,
) -> std::result::Result<T, Fault> {
    if !sync {
        connection.execute_batch("PRAGMA synchronous=NORMAL")?;
    }
    let done = (|| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    })();
    if !sync {
        connection.execute_batch("PRAGMA synchronous=FULL")?;
    }
    done
}

impl Store for SqliteStore {
    fn header(&self) -> Result<Header> {
        self.looking(|c| rows::header(c))
    }

    fn seed(&self) -> Result<Seed> {
        self.reading(|c| rows::seed(c))
    }

    fn freshness(&self) -> Result<u64> {
        if let Some(version) = self.pulse.known() {
            return Ok(version);
        }
        self.pulse.ask(|| {
            let version = self.reading(|c| {
                let mut look = c.prepare_cached("PRAGMA data_version")?;
                Ok(look.query_row([], |line| line.get::<_, i64>(0))?)
            })?;
            // A connection that is opened again begins to count again.
            Ok(version.cast_unsigned().wrapping_add(self.openings.load(Relaxed) << 32))
        })
    }

    fn read_only(&self) -> Option<&'static str> {
        match self.seen().0 {
            Access::Write | Access::Full => None,
            Access::Read => Some("the file cannot be written by this user"),
            Access::Frozen => Some("the file or its directory cannot be written"),
        }
    }

    fn present(&self) -> bool {
        file::stamp(&self.path).same_place(&self.born)
    }

    fn set_label(&self, label: &[u8; 32]) -> Result<()> {
        self.writing(true, |c| rows::set_label(c, label))
    }

    fn set_slot(&self, slot: u64) -> Result<()> {
        self.writing(true, |c| rows::set_slot(c, slot))
    }

    fn setting(&self, name: &str) -> Result<Option<String>> {
        self.reading(|c| rows::setting(c, name))
    }

    fn set_setting(&self, name: &str, value: Option<&str>) -> Result<()> {
        self.writing(true, |c| rows::set_setting(c, name, value))
    }

    fn count(&self) -> Result<u64> {
        self.writing(true, |c| rows::count(c))
    }

    fn turn(&self) -> Result<gate::Turn> {
        gate::turn(self.path.parent(), file::PATIENCE)
    }

    fn debit(&self, role: &str) -> Result<PinLock> {
        match self.read_only() {
            Some(_) => self.debit_here(role),
            None => self.writing(true, |c| rows::debit(c, role)),
        }
    }

    /// Not synced: a power cut then costs tries, and never gives any. The next synced commit carries it along.
    fn credit(&self, role: &str, lock: &PinLock) -> Result<()> {
        if self.read_only().is_some() {
            self.spent.lock().unwrap_or_else(PoisonError::into_inner).remove(role);
            return Ok(());
        }
        self.writing(false, |c| rows::credit(c, role, lock))
    }

    fn put_pin(&self, generation: u64, role: &str, lock: &PinLock, tries: Option<u32>) -> Result<()> {
        self.writing(true, |c| rows::put_pin(c, generation, role, lock, tries))
    }

    fn remove_pin(&self, generation: u64, role: &str) -> Result<()> {
        self.writing(true, |c| rows::remove_pin(c, generation, role))
    }

    fn expire_pin(&self, role: &str, to_be_changed: bool) -> Result<()> {
        self.writing(true, |c| rows::expire_pin(c, role, to_be_changed))
    }

    fn load(&self, handle: u64) -> Result<Option<Row>> {
        self.reading(|c| rows::load(c, handle))
    }

    fn head(&self, handle: u64) -> Result<Option<(u64, bool)>> {
        self.reading(|c| rows::head(c, handle))
    }

    fn find(&self, tags: &[Tag], private: bool) -> Result<Found> {
        self.reading(|c| rows::find(c, tags, private))
    }

    fn write(&self, generation: u64, changes: &[Change], amend: Option<&Amend>) -> Result<Vec<u64>> {
        self.writing(true, |c| rows::write(c, generation, changes, amend))
    }

    fn reset(&self, genesis: &Genesis) -> Result<()> {
        self.writing(true, |c| {
            rows::same_generation(c, genesis.header.generation.wrapping_sub(1))?;
            Ok(rows::begin(c, genesis)?)
        })?;
        // The log still has the old rows. Readers elsewhere may keep it a little longer; that is no failure.
        let empty =
            |c: &mut Connection| Ok(c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).is_ok());
        self.writer.with(|| file::open(&self.path).map(|(c, _)| c), empty).map(drop)
    }

    fn survey(&self, visit: &mut dyn FnMut(Row, Mark) -> Result<()>) -> Result<Ledger> {
        self.looking(|c| rows::survey(c, visit))
    }

    fn snapshot(&self, to: &Path) -> Result<()> {
        file::publish(to, |draft| {
            let name = draft.to_str();
            let name = name.ok_or_else(|| Rv::ArgumentsBad.because("SQLite wants a file name in UTF-8"))?;
            self.reading(|c| Ok(c.execute("VACUUM INTO ?1", [name])?))?;
            file::settle(draft)
        })
    }

    fn delete(&self) -> Result<()> {
        if let Some(why) = self.read_only() {
            return Err(Rv::TokenWriteProtected.because(format!("token {}: {why}", self.serial)));
        }
        // First the name, so that nobody opens it any more; the last connection then removes its own log.
        std::fs::remove_file(&self.path).map_err(|e| fault::disk(&self.path, "remove", e))?;
        self.writer.remove();
        self.reader.remove();
        // What a killed process left. Not there is what we want.
        file::beside(&self.path).iter().skip(1).for_each(|path| drop(std::fs::remove_file(path)));
        Ok(())
    }
}
