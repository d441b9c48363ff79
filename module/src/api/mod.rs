//! Cryptoki in safe Rust: one method per function, the standard's names without their prefix.
//!
//! [`Module`] answers what needs no session; [`Call`] is one call on one session.

mod archive;
mod backup;
mod dkek;
mod general;
mod keys;
mod messages;
mod objects;
mod operations;
mod sessions;
mod shared;
mod state;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::cryptoki::{Result, Rv};
use crate::emulation::{Emulation, Point};
use crate::session::{Session, Table};
use crate::token::{Settings, Slots};

pub use crate::session::Kind;
pub use crate::token::{NamedUser, SlotInfo, TokenInfo};
pub use archive::Backup;
pub use backup::{Brought, Form};
pub use general::{Info, MechanismInfo};
pub use keys::Derived;
pub use objects::List;
pub use sessions::SessionInfo;

/// How often a thread that waits for a slot event looks at the directory.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The module between C_Initialize and C_Finalize.
pub struct Module {
    emulation: Arc<Emulation>,
    slots: Slots,
    sessions: Table,
    states: state::States,
    stopped: AtomicBool,
    waiting: (Mutex<()>, Condvar),
}

/// One call on one session.
pub struct Call<'a> {
    module: &'a Module,
    session: Arc<Session>,
}

impl Module {
    /// C_Initialize; `reserved` is the string in pReserved.
    ///
    /// # Errors
    /// CKR_ARGUMENTS_BAD, CKR_GENERAL_ERROR for settings that cannot be read, CKR_DEVICE_ERROR for a directory
    /// that cannot.
    pub fn start(reserved: Option<&str>) -> Result<Module> {
        let settings = Settings::read(reserved)?;
        let emulation = world(&settings);
        emulation.around("C_Initialize", || Module::on(settings, Arc::clone(&emulation)))
    }

    /// A module with these settings.
    ///
    /// # Errors
    /// CKR_DEVICE_ERROR for a directory that cannot be read.
    pub fn with(settings: Settings) -> Result<Module> {
        let emulation = world(&settings);
        Module::on(settings, emulation)
    }

    fn on(settings: Settings, emulation: Arc<Emulation>) -> Result<Module> {
        for setting in &settings.unknown {
            emulation.at(Point::Unknown(setting))?;
        }
        let slots = Slots::new(settings, emulation.clone())?;
        let states = state::States::new(&emulation)?;
        Ok(Module {
            emulation,
            slots,
            sessions: Table::default(),
            states,
            stopped: AtomicBool::new(false),
            waiting: (Mutex::new(()), Condvar::new()),
        })
    }

    /// C_Finalize: whoever waits for a slot event waits no longer.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        let _waiting = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.1.notify_all();
    }

    /// A function of the C border, from its entry to its answer, before whoever listens.
    ///
    /// # Errors
    /// Those of the work, or an injected fault.
    #[inline]
    pub fn around(&self, function: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        self.emulation.around(function, work)
    }

    /// The slots, for the tool's own work on tokens.
    pub fn slots_table(&self) -> &Slots {
        &self.slots
    }

    /// A call on a session: the handle is checked, and that its token is there, before any other argument is.
    ///
    /// # Errors
    /// CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED.
    pub fn session(&self, handle: u64) -> Result<Call<'_>> {
        let session = self.sessions.of(handle)?;
        session.token.there()?;
        Ok(Call { module: self, session })
    }

    /// C_WaitForSlotEvent: the slot whose token came or went (§5.5.4).
    ///
    /// # Errors
    /// CKR_NO_EVENT when not to block, CKR_CRYPTOKI_NOT_INITIALIZED when C_Finalize came meanwhile.
    pub fn wait_for_slot_event(&self, block: bool) -> Result<u64> {
        let mut guard = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.stopped.load(Ordering::Acquire) {
                return Err(Rv::CryptokiNotInitialized.because("C_Finalize was called"));
            }
            self.slots.scan()?;
            match self.slots.event() {
                Some(slot) => return Ok(slot),
                None if !block => return Err(Rv::NoEvent.because("no token came or went")),
                None => {}
            }
            guard = match self.waiting.1.wait_timeout(guard, LOOK_AGAIN) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

/// The world as the settings want it.
fn world(settings: &Settings) -> Arc<Emulation> {
    let world = Emulation::new(settings.trace.as_deref());
    Arc::new(world.signing(settings.deterministic_signatures))
}
