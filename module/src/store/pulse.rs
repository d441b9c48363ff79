//! Whether anything changed, for the price of one read: the header of the write-ahead log's index.
//!
//! Asking SQLite takes and gives back a file lock, which costs more than a signature's preparation. The first 48
//! bytes of `-shm` are what SQLite itself compares to see whether its view is still good (WAL-index header, "The
//! WAL-Index File Format" §2.1): as long as they are the same bytes, nothing was committed. When they are not,
//! SQLite is asked.
//!
//! Closing any descriptor of a file drops all of a process's POSIX locks on it. So the file is opened once in a
//! process, and closed only after the last connection to it.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::gate;

const HEADER: usize = 48;
type Header = [u8; HEADER];

/// The index files that this process has open; touched only inside the gate.
static OPEN: Mutex<Vec<(u64, u64, Weak<File>)>> = Mutex::new(Vec::new());

/// The index of one token's log, and what was known when it last changed. Dropped after the connections.
#[derive(Default)]
pub struct Pulse {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    index: Option<Arc<File>>,
    /// The header, and the version of the data that goes with it.
    known: Option<(Header, u64)>,
}

impl Pulse {
    /// A connection to the token file was opened, inside the gate; without a log there is nothing to read.
    pub fn opened(&self, token: &Path) {
        let mut state = lock(&self.state);
        *state = State { index: index(token), known: None };
    }

    /// The version of the data, when nothing was committed since `ask` last told it.
    pub fn known(&self) -> Option<u64> {
        let state = lock(&self.state);
        let (header, version) = state.known?;
        (read(state.index.as_ref()?)? == header).then_some(version)
    }

    /// Asks for the version, and keeps it when nothing was committed meanwhile.
    ///
    /// Errors: those of `ask`.
    pub fn ask<E>(&self, ask: impl FnOnce() -> Result<u64, E>) -> Result<u64, E> {
        let index = lock(&self.state).index.clone();
        let before = index.as_ref().and_then(read);
        let version = ask()?;
        let after = index.as_ref().and_then(read);
        if let Some(header) = before.filter(|_| before == after) {
            lock(&self.state).known = Some((header, version));
        }
        Ok(version)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let _gate = gate::pass();
        // Nobody is opening the same index while this one may be closing it.
        let mut open = lock(&OPEN);
        lock(&self.state).index = None;
        open.retain(|(_, _, file)| file.strong_count() > 0);
    }
}

fn read(index: &Arc<File>) -> Option<Header> {
    let mut header = [0; HEADER];
    index.read_exact_at(&mut header, 0).ok().map(|()| header)
}

/// The index beside a token file; the one that is open already, if there is one.
fn index(token: &Path) -> Option<Arc<File>> {
    let mut path = token.as_os_str().to_owned();
    path.push("-shm");
    let path = PathBuf::from(path);
    let mut open = lock(&OPEN);
    let place = std::fs::metadata(&path).ok().map(|data| (data.dev(), data.ino()))?;
    if let Some(file) =
        open.iter().find(|(dev, ino, _)| (*dev, *ino) == place).and_then(|(_, _, file)| file.upgrade())
    {
        return Some(file);
    }
    let file = Arc::new(File::open(&path).ok()?);
    open.push((place.0, place.1, Arc::downgrade(&file)));
    Some(file)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
