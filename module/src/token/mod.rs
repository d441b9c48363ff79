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
mod state;
mod users;
mod whole;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use crate::cryptoki::{Result, Rv};
use crate::emulation::Emulation;
use crate::store::Vault;

pub use info::{SlotInfo, TokenInfo};
pub use limits::Limits;
pub use login::User;
pub use objects::Access;
pub use settings::{EdwardsPoint, Settings};
pub use slots::{Slot, Slots};
pub use users::NamedUser;

use state::State;

/// A token in a file, open in this process.
pub struct Token {
    path: PathBuf,
    vault: Vault,
    emulation: Arc<Emulation>,
    state: RwLock<State>,
    /// Counts logouts, under the state's lock: a private handle or operation of an earlier epoch is void (§5.6.10).
    epoch: AtomicU64,
    /// Taken out of its slot for good: a file that comes back is another token.
    retired: AtomicBool,
    /// The store's freshness at the last look.
    seen: AtomicU64,
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
        let state = State::new(vault.header()?.generation);
        Ok(Token {
            path,
            vault,
            emulation,
            state: RwLock::new(state),
            epoch: AtomicU64::new(0),
            retired: AtomicBool::new(false),
            seen: AtomicU64::new(u64::MAX),
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

    /// Whether the token is in its slot.
    ///
    /// # Errors
    /// CKR_DEVICE_REMOVED.
    #[inline]
    pub fn there(&self) -> Result<()> {
        match self.retired.load(Ordering::Acquire) {
            false => Ok(()),
            true => Err(Rv::DeviceRemoved.because("the token was taken away, which closed its sessions")),
        }
    }

    /// Looks whether another process changed the token; answers the store's freshness.
    fn look(&self) -> Result<u64> {
        let fresh = self.vault.freshness()?;
        if self.seen.load(Ordering::Acquire) != fresh {
            self.forget(self.vault.header()?.generation);
            self.seen.store(fresh, Ordering::Release);
        }
        Ok(fresh)
    }
}
