//! Sessions: the table of them, and the operations each has begun.

pub mod kind;
pub mod message;
pub mod operation;
pub mod saved;
pub mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::mechanism::message::Generator;
use crate::token::{Access, Token};

pub use kind::{Kind, Side};
pub use message::Process;
pub use operation::{Active, KeyName, Origin};
pub use table::Table;

/// A session of the application with a token.
pub struct Session {
    pub handle: u64,
    pub slot: u64,
    pub read_write: bool,
    pub token: Arc<Token>,
    work: Mutex<Work>,
}

/// What a session is doing: at most one operation of each kind, and a search.
#[derive(Default)]
pub struct Work {
    operations: [Option<Active>; Kind::COUNT],
    processes: [Option<Process>; Kind::COUNT],
    /// The IVs of C_WrapKeyAuthenticated.
    pub wrapping: Generator,
    /// The handles that C_FindObjects has still to give, the next one last.
    pub found: Option<Vec<u64>>,
}

impl Work {
    /// The place of the operation of a kind.
    pub fn slot(&mut self, kind: Kind) -> &mut Option<Active> {
        &mut self.operations[kind as usize]
    }

    /// The place of the message process of a kind.
    pub fn process(&mut self, kind: Kind) -> &mut Option<Process> {
        &mut self.processes[kind as usize]
    }

    /// Those who wait for a login of their own, with it.
    pub fn unproven(&mut self) -> impl Iterator<Item = &mut bool> {
        let operations = self.operations.iter_mut().flatten().map(|active| &mut active.unproven);
        let processes = self.processes.iter_mut().flatten().map(|process| &mut process.unproven);
        operations.chain(processes).filter(|unproven| **unproven)
    }

    /// All operations with their kinds.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, &Active)> {
        Kind::all().zip(&self.operations).filter_map(|(kind, slot)| Some((kind, slot.as_ref()?)))
    }
}

impl Session {
    /// The session's work, for as long as the guard lives: calls on the same session wait.
    pub fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who asks, for the token.
    pub fn access(&self) -> Access {
        Access { session: self.handle, read_write: self.read_write }
    }
}
