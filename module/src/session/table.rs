//! The session table: sharded, so that only opening and closing in the same shard wait for each other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::cryptoki::{Error, Result, Rv};
use crate::token::Token;

use super::{Session, Work};

const SHARDS: usize = 16;

/// All sessions of the application.
#[derive(Default)]
pub struct Table {
    last: AtomicU64,
    shards: [RwLock<HashMap<u64, Arc<Session>>>; SHARDS],
}

impl Table {
    /// Opens a session; answers its handle.
    ///
    /// # Errors
    /// Those of [`Token::enter`].
    pub fn open(&self, slot: u64, token: Arc<Token>, read_write: bool) -> Result<u64> {
        let handle = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        token.enter(handle, read_write)?;
        let session = Session { handle, slot, read_write, token, work: Mutex::new(Work::default()) };
        self.shard(handle).write().unwrap_or_else(PoisonError::into_inner).insert(handle, Arc::new(session));
        Ok(handle)
    }

    /// The session of a handle.
    ///
    /// # Errors
    /// CKR_SESSION_HANDLE_INVALID.
    pub fn of(&self, handle: u64) -> Result<Arc<Session>> {
        self.shard(handle)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&handle)
            .cloned()
            .ok_or_else(|| unknown(handle))
    }

    /// Closes a session.
    ///
    /// # Errors
    /// CKR_SESSION_HANDLE_INVALID.
    pub fn close(&self, handle: u64) -> Result<()> {
        let session = self.shard(handle).write().unwrap_or_else(PoisonError::into_inner).remove(&handle);
        let session = session.ok_or_else(|| unknown(handle))?;
        session.token.leave(handle);
        Ok(())
    }

    /// Closes all sessions with the token of a slot.
    pub fn close_all(&self, slot: u64) {
        for handle in self.of_slot(slot) {
            // Another thread may have closed it by now, which is as well.
            let _ = self.close(handle);
        }
    }

    fn of_slot(&self, slot: u64) -> Vec<u64> {
        let mut handles = Vec::new();
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            handles
                .extend(shard.values().filter(|session| session.slot == slot).map(|session| session.handle));
        }
        handles
    }

    fn shard(&self, handle: u64) -> &RwLock<HashMap<u64, Arc<Session>>> {
        &self.shards[handle as usize % SHARDS]
    }
}

fn unknown(handle: u64) -> Error {
    Rv::SessionHandleInvalid.because(format!("there is no session {handle:#x}"))
}
