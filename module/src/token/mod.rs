//! A token: who is logged in, which objects are alive, and what changed since the last look.

mod builtin;
mod dkek;
mod info;
mod keyring;
mod limits;
mod login;
mod objects;
pub mod settings;
pub mod slots;
mod users;
mod whole;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::cryptoki::{Result, Rv};
use crate::emulation::Emulation;
use crate::store::{Keys, Vault};

pub use info::{SlotInfo, TokenInfo};
pub use limits::Limits;
pub use login::User;
pub use objects::Access;
pub use settings::{EdwardsPoint, Settings};
pub use slots::{Slot, Slots};
pub use users::NamedUser;

/// Who is logged in, and how many sessions look on. All sessions of an application share it (§5.6).
#[derive(Default)]
struct State {
    login: Option<Login>,
    read_only_sessions: u64,
    read_write_sessions: u64,
    /// C_InitToken by whichever process counts this up: what was known before is void then.
    generation: u64,
}

struct Login {
    user: User,
    /// The user's name; empty for CKU_SO and for CKU_USER without one.
    name: String,
    keys: Arc<Keys>,
}

/// A token in a file, open in this process.
pub struct Token {
    path: PathBuf,
    vault: Vault,
    emulation: Arc<Emulation>,
    state: RwLock<State>,
    /// Counts logouts: a private handle or operation of an earlier epoch is void (§5.6.8).
    epoch: AtomicU64,
    /// The store's freshness at the last look.
    seen: AtomicU64,
    objects: objects::Live,
    limits: Limits,
    /// One PIN is tried at a time.
    trying: Mutex<()>,
}

impl Token {
    /// The token in this vault, which was opened from this file.
    ///
    /// # Errors
    /// Those of reading its header.
    pub fn new(path: PathBuf, vault: Vault, emulation: Arc<Emulation>, limits: Limits) -> Result<Token> {
        let state = State { generation: vault.header()?.generation, ..State::default() };
        Ok(Token {
            path,
            vault,
            emulation,
            state: RwLock::new(state),
            epoch: AtomicU64::new(0),
            seen: AtomicU64::new(u64::MAX),
            objects: objects::Live::default(),
            limits,
            trying: Mutex::new(()),
        })
    }

    /// The sealed store below, for the tool's own work on it.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// How often somebody logged out.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks whether another process changed the token; answers the store's freshness.
    fn look(&self) -> Result<u64> {
        let fresh = self.vault.freshness()?;
        if self.seen.swap(fresh, Ordering::AcqRel) != fresh {
            let generation = self.vault.header()?.generation;
            if self.state().generation != generation {
                self.forget(generation);
            }
        }
        Ok(fresh)
    }

    /// The token was initialised anew: nobody is logged in, and no handle is good.
    fn forget(&self, generation: u64) {
        let mut state = self.state_mut();
        state.login = None;
        state.generation = generation;
        drop(state);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.objects.forget_private();
    }

    /// A session opens.
    ///
    /// # Errors
    /// CKR_SESSION_COUNT; CKR_SESSION_READ_WRITE_SO_EXISTS for a read-only session while the SO is logged in (§5.6.1).
    pub fn enter(&self, read_write: bool) -> Result<()> {
        let mut state = self.state_mut();
        let all = state.read_only_sessions + state.read_write_sessions;
        self.limits.admit((all, state.read_write_sessions), read_write)?;
        if read_write {
            state.read_write_sessions += 1;
            return Ok(());
        }
        if matches!(state.login, Some(Login { user: User::Officer, .. })) {
            return Err(Rv::SessionReadWriteSoExists
                .because("the SO is logged in, with whom there are no read-only sessions (§5.6.1)"));
        }
        state.read_only_sessions += 1;
        Ok(())
    }

    /// A session closes; with the last one the login ends (§5.6.2).
    pub fn leave(&self, session: u64, read_write: bool) {
        let last = {
            let mut state = self.state_mut();
            let count = match read_write {
                true => &mut state.read_write_sessions,
                false => &mut state.read_only_sessions,
            };
            *count = count.saturating_sub(1);
            state.read_only_sessions + state.read_write_sessions == 0 && state.login.is_some()
        };
        self.objects.drop_session(session);
        if last {
            let _ = self.logout();
        }
    }

    /// How many sessions this application has: all, and the read-write ones among them.
    pub fn sessions(&self) -> (u64, u64) {
        let state = self.state();
        (state.read_only_sessions + state.read_write_sessions, state.read_write_sessions)
    }
}
