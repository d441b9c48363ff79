//! Slots: one per token file in the directory, each with the id that the file carries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::emulation::Emulation;
use crate::store::{self, NewToken, Vault};

use super::info::{MANUFACTURER, VERSION};
use super::settings::{PIN_LENGTH, Settings};
use super::{Limits, SlotInfo, Token, TokenInfo};

/// What is in a slot.
#[derive(Clone)]
pub enum Slot {
    /// A token that waits for C_InitToken.
    Blank,
    /// A token.
    Token(Arc<Token>),
    /// A file that cannot be opened, and why.
    Unrecognized(PathBuf, Error),
    /// The file is gone.
    Empty,
}

impl Slot {
    /// What is in it from now on; a token that was in it is taken away.
    fn put(&mut self, next: Slot) {
        if let Slot::Token(token) = std::mem::replace(self, next) {
            token.retire();
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Slot::Token(token) => Some(token.path()),
            Slot::Unrecognized(path, _) => Some(path),
            Slot::Blank | Slot::Empty => None,
        }
    }
}

/// All slots, in ascending order of their ids. The list grows and never shrinks while the module is loaded.
pub struct Slots {
    settings: Settings,
    emulation: Arc<Emulation>,
    slots: RwLock<Vec<(u64, Slot)>>,
    /// Slots whose token came or went, not yet told by C_WaitForSlotEvent.
    events: Mutex<BTreeSet<u64>>,
}

impl Slots {
    /// The slots of the tokens that are there.
    ///
    /// # Errors
    /// CKR_DEVICE_ERROR when the directory cannot be read.
    pub fn new(settings: Settings, emulation: Arc<Emulation>) -> Result<Slots> {
        let slots = Slots { settings, emulation, slots: RwLock::default(), events: Mutex::default() };
        slots.scan()?;
        slots.events().clear();
        Ok(slots)
    }

    /// How the module behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The ids of all slots, or of those with a token in them.
    pub fn ids(&self, present: bool) -> Vec<u64> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let there = |slot: &Slot| !present || !matches!(slot, Slot::Empty);
        slots.iter().filter(|(_, slot)| there(slot)).map(|(id, _)| *id).collect()
    }

    /// The slot of that id.
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID.
    pub fn of(&self, id: u64) -> Result<Slot> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let at = slots.binary_search_by_key(&id, |(id, _)| *id);
        at.map(|at| slots[at].1.clone()).map_err(|_| {
            Rv::SlotIdInvalid.because(format!("there is no slot {id}: C_GetSlotList says which there are"))
        })
    }

    /// The token in a slot.
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED also for one not yet initialised.
    pub fn token(&self, id: u64) -> Result<Arc<Token>> {
        match self.of(id)? {
            Slot::Token(token) => Ok(token),
            Slot::Unrecognized(_, error) => Err(error),
            Slot::Blank => Err(Rv::TokenNotRecognized.because(format!(
                "the token in slot {id} is not initialised: C_InitToken or `tokentool init` does it"
            ))),
            Slot::Empty => Err(Rv::TokenNotPresent.because(format!("the token of slot {id} was taken away"))),
        }
    }

    /// Every token that is there.
    pub fn tokens(&self) -> Vec<(u64, Arc<Token>)> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let token = |(id, slot): &(u64, Slot)| match slot {
            Slot::Token(token) => Some((*id, token.clone())),
            _ => None,
        };
        slots.iter().filter_map(token).collect()
    }

    fn events(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A slot whose token came or went since this was last asked.
    pub fn event(&self) -> Option<u64> {
        self.events().pop_first()
    }

    /// C_GetSlotInfo
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID.
    pub fn info(&self, id: u64) -> Result<SlotInfo> {
        let present = match self.of(id)? {
            Slot::Empty => 0,
            _ => CKF_TOKEN_PRESENT,
        };
        Ok(SlotInfo {
            description: format!("Tokenkeep slot {id}"),
            manufacturer: MANUFACTURER.into(),
            flags: present,
            hardware: VERSION,
            firmware: VERSION,
        })
    }

    /// C_GetTokenInfo
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED.
    pub fn token_info(&self, id: u64) -> Result<TokenInfo> {
        match self.of(id)? {
            Slot::Blank => Ok(TokenInfo::blank()),
            _ => self.token(id)?.info(),
        }
    }

    /// C_InitToken: a new token in a blank slot, or the token there anew (§5.5.7).
    ///
    /// # Errors
    /// CKR_PIN_LEN_RANGE for the SO PIN of a new token, and those of [`Token::init_again`].
    pub fn init(&self, id: u64, pin: &Secret, label: [u8; 32]) -> Result<()> {
        if !matches!(self.of(id)?, Slot::Blank) {
            return self.token(id)?.init_again(pin, label);
        }
        let (min, max) = PIN_LENGTH;
        if !(min..=max).contains(&pin.len()) {
            return Err(Rv::PinLenRange
                .because(format!("the SO PIN has {min} to {max} bytes, this one {}", pin.len())));
        }
        let new = NewToken {
            label,
            slot: id,
            created: self.emulation.now().0,
            so_pin: pin.clone(),
            user_pin: None,
            kdf_iterations: self.settings.kdf_iterations,
            so_tries: self.settings.so_pin_retries,
            user_tries: self.settings.pin_retries,
            pin_min: min,
            pin_max: max,
        };
        Vault::create(&self.settings.dir, &new, &|bytes| self.emulation.fill(bytes))?;
        self.scan()
    }

    /// Looks at the directory: new token files get slots, files that are gone leave theirs empty.
    ///
    /// # Errors
    /// CKR_DEVICE_ERROR when the directory cannot be read.
    pub fn scan(&self) -> Result<()> {
        let files = store::scan(&self.settings.dir)?;
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let mut events = self.events();
        for (id, slot) in slots.iter_mut() {
            if slot.path().is_some_and(|path| !files.iter().any(|file| file == path)) {
                slot.put(Slot::Empty);
                events.insert(*id);
            }
        }
        for file in files {
            let at = slots.iter().position(|(_, slot)| slot.path() == Some(&file));
            let was_there = match at.map(|at| &slots[at].1) {
                Some(Slot::Token(token)) if token.vault().store().present() => continue,
                Some(Slot::Unrecognized(..)) => true,
                _ => false,
            };
            let (wants, found) = self.open(file);
            let news = !was_there || matches!(found, Slot::Token(_));
            let id = place(&mut slots, at, (wants, found));
            if news {
                events.insert(id);
            }
        }
        let blank = slots.iter().any(|(_, slot)| matches!(slot, Slot::Blank));
        if !blank && (slots.is_empty() || self.settings.spare_slot) {
            let id = lowest_free(&slots);
            insert(&mut slots, id, Slot::Blank);
        }
        Ok(())
    }

    fn open(&self, file: PathBuf) -> (Option<u64>, Slot) {
        let token = Vault::open(&file).and_then(|vault| {
            let id = vault.header()?.slot;
            Ok((
                id,
                Arc::new(Token::new(
                    file.clone(),
                    vault,
                    self.emulation.clone(),
                    Limits::of(&self.settings),
                )?),
            ))
        });
        match token {
            Ok((id, token)) => (Some(id), Slot::Token(token)),
            Err(error) => (None, Slot::Unrecognized(file, error)),
        }
    }
}

/// Gives what was found its slot, and answers it: where it was, else where it wants to be, else the lowest free.
fn place(slots: &mut Vec<(u64, Slot)>, at: Option<usize>, (wants, found): (Option<u64>, Slot)) -> u64 {
    if let Some(at) = at {
        slots[at].1.put(found);
        return slots[at].0;
    }
    let taken = |id: &u64| {
        slots.iter().any(|(other, slot)| other == id && !matches!(slot, Slot::Blank | Slot::Empty))
    };
    let id = wants.filter(|id| !taken(id)).unwrap_or_else(|| lowest_free(slots));
    insert(slots, id, found);
    id
}

fn insert(slots: &mut Vec<(u64, Slot)>, id: u64, slot: Slot) {
    match slots.binary_search_by_key(&id, |(id, _)| *id) {
        Ok(at) => slots[at].1.put(slot),
        Err(at) => slots.insert(at, (id, slot)),
    }
}

fn lowest_free(slots: &[(u64, Slot)]) -> u64 {
    (0..).find(|id| !slots.iter().any(|(taken, _)| taken == id)).unwrap_or(0)
}
