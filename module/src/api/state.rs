//! Saving a session's operations and restoring them, here or in another session (PKCS#11 v3.2 §5.6.6, §5.6.7).
//!
//! A saved state is sealed under a key that only this module has, between its C_Initialize and C_Finalize, and
//! that holds for one token: nonsense, and states of other tokens, processes and times, do not open.

use crate::crypto::seal::Sealer;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Reply, Result, Room, Rv, Secret};
use crate::emulation::Emulation;
use crate::session::saved::{self, Saved};
use crate::session::{Active, KeyName, Kind, Side, operation};

use super::Call;

/// Bytes of the nonce before, and of the tag behind what is sealed.
const NONCE: usize = 12;
const TAG: usize = 16;

/// The key of the module's saved states.
pub struct States(Sealer);

impl States {
    /// A key that nobody had before.
    ///
    /// # Errors
    /// CKR_DEVICE_ERROR when the system gives no randomness.
    pub fn new(emulation: &Emulation) -> Result<States> {
        let mut key = Secret::zeroed(32);
        emulation.fill(key.expose_mut())?;
        Ok(States(Sealer::new(&key)))
    }
}

/// The keys that a caller gives to go on with.
struct Given {
    encryption: Option<u64>,
    authentication: Option<u64>,
}

impl Given {
    fn of(&self, side: Side) -> Option<u64> {
        match side {
            Side::None => None,
            Side::Encryption => self.encryption,
            Side::Authentication => self.authentication,
        }
    }

    /// A key that no operation needs. Who gives one key for both, as pkcs11-provider does, means the one needed.
    fn extra(&self, operations: &[Saved]) -> Option<&'static str> {
        let needs = |side| operations.iter().any(|saved| saved.kind.side() == side);
        let (encrypts, authenticates) = (needs(Side::Encryption), needs(Side::Authentication));
        let same = self.encryption == self.authentication && (encrypts || authenticates);
        match (self.encryption, self.authentication) {
            (Some(_), _) if !encrypts && !same => Some("hEncryptionKey"),
            (_, Some(_)) if !authenticates && !same => Some("hAuthenticationKey"),
            _ => None,
        }
    }
}

impl Call<'_> {
    /// C_GetOperationState
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, CKR_STATE_UNSAVEABLE.
    pub fn operation_state(&self, room: Room) -> Result<Reply> {
        let work = self.session.work();
        let live = work.kinds().filter(|(_, active)| self.lives(active));
        let operations: Vec<Saved> = live.map(|(kind, active)| active.save(kind)).collect::<Result<_>>()?;
        if operations.is_empty() {
            return Err(operation::nothing());
        }
        let plain = saved::encode(&operations);
        let len = NONCE + plain.len() + TAG;
        match room {
            Room::Query => Ok(Reply::Length(len)),
            Room::Of(size) if size < len => Ok(Reply::TooSmall(len)),
            Room::Of(_) => {
                let mut nonce = [0; NONCE];
                self.module.emulation.fill(&mut nonce)?;
                let sealed = self.module.states.0.seal(&nonce, &self.place()?, plain.expose());
                Ok(Reply::Data([&nonce[..], &sealed].concat().into()))
            }
        }
    }

    /// C_SetOperationState: what the session was doing gives way to what was saved.
    ///
    /// # Errors
    /// CKR_SAVED_STATE_INVALID; CKR_KEY_NEEDED when the key of the saved operation cannot be reached any more;
    /// CKR_KEY_CHANGED for another key than that; CKR_KEY_NOT_NEEDED for one that no operation has.
    pub fn set_operation_state(
        &self,
        state: &[u8],
        encryption: Option<u64>,
        authentication: Option<u64>,
    ) -> Result<()> {
        let given = Given { encryption, authentication };
        let operations = self.opened(state)?;
        if let Some(extra) = given.extra(&operations) {
            return Err(Rv::KeyNotNeeded.because(format!("no operation of the saved state needs {extra}")));
        }
        let begun: Vec<(Kind, Active)> = operations
            .iter()
            .map(|saved| Ok((saved.kind, self.resumed(saved, given.of(saved.kind.side()))?)))
            .collect::<Result<_>>()?;
        let mut work = self.session.work();
        Kind::all().for_each(|kind| *work.slot(kind) = None);
        begun.into_iter().for_each(|(kind, active)| *work.slot(kind) = Some(active));
        Ok(())
    }

    /// What a saved state is bound to beside the module.
    fn place(&self) -> Result<Vec<u8>> {
        let header = self.session.token.vault().header()?;
        Ok([b"operation state of ", header.serial.as_bytes(), &header.generation.to_be_bytes()].concat())
    }

    fn opened(&self, state: &[u8]) -> Result<Vec<Saved>> {
        let (nonce, sealed) = state.split_first_chunk::<NONCE>().ok_or_else(|| invalid("it is too short"))?;
        let plain = self.module.states.0.open(nonce, &self.place()?, sealed).map_err(|_| {
            invalid("it was not saved by this module since C_Initialize, for this token, or it was changed")
        })?;
        saved::decode(plain.expose())
    }

    /// The saved operation once more, with its own key; a login for one use is not saved with it.
    fn resumed(&self, saved: &Saved, given: Option<u64>) -> Result<Active> {
        let row = self.row(saved.choice.id, saved.kind.flag())?;
        let mut active = match &saved.key {
            None => self.begin_digest(saved.kind, &saved.choice, row)?,
            Some(key) => {
                self.same_key(key, given)?;
                self.begin_with_key(saved.kind, &saved.choice, row, given.unwrap_or(key.handle))?
            }
        };
        active.resume(saved)?;
        Ok(active)
    }

    fn same_key(&self, key: &KeyName, given: Option<u64>) -> Result<()> {
        let unique = |handle| {
            let object = self.session.token.object(handle)?;
            Ok::<_, Error>(object.attributes().bytes(CKA_UNIQUE_ID).unwrap_or_default().to_vec())
        };
        match (given, unique(given.unwrap_or(key.handle))) {
            (_, Ok(found)) if found == key.unique => Ok(()),
            (None, _) => Err(Rv::KeyNeeded
                .because("the key of the saved operation is gone, or its login is over: give it again")),
            (Some(_), _) => {
                Err(Rv::KeyChanged.because("the key is not the one that the operation was begun with"))
            }
        }
    }
}

fn invalid(why: &'static str) -> Error {
    Rv::SavedStateInvalid.because(format!("the saved state does not open: {why}"))
}
