//! Session functions (PKCS#11 v3.2 §5.6), and the random ones (§5.20), which need no more than a session.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::session::Kind;
use crate::token::{NamedUser, User};

use super::{Call, Module};

/// CK_SESSION_INFO
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    pub slot: u64,
    pub state: CK_STATE,
    pub flags: CK_FLAGS,
    pub device_error: u64,
}

impl Module {
    /// C_OpenSession
    ///
    /// # Errors
    /// CKR_SESSION_PARALLEL_NOT_SUPPORTED without CKF_SERIAL_SESSION, CKR_TOKEN_WRITE_PROTECTED for a read-write
    /// session with a file that cannot be written, CKR_SESSION_READ_WRITE_SO_EXISTS, and those of the slot.
    pub fn open_session(&self, slot: u64, flags: CK_FLAGS) -> Result<u64> {
        let token = self.slots.token(slot)?;
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Rv::SessionParallelNotSupported
                .because("CKF_SERIAL_SESSION must be set, for reasons of history (§5.6.1)"));
        }
        if flags & CKF_ASYNC_SESSION != 0 {
            return Err(Rv::SessionAsyncNotSupported.because(
                "no function of this token pends: CKF_ASYNC_SESSION_SUPPORTED is not set (§5.6.1)",
            ));
        }
        let read_write = flags & CKF_RW_SESSION != 0;
        if read_write && token.vault().store().read_only().is_some() {
            return Err(Rv::TokenWriteProtected
                .because(format!("{} cannot be written: open a read-only session", token.path().display())));
        }
        self.sessions.open(slot, token, read_write)
    }

    /// C_CloseSession
    ///
    /// # Errors
    /// CKR_SESSION_HANDLE_INVALID.
    pub fn close_session(&self, session: u64) -> Result<()> {
        self.sessions.close(session)
    }

    /// C_CloseAllSessions
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID.
    pub fn close_all_sessions(&self, slot: u64) -> Result<()> {
        self.slots.of(slot)?;
        self.sessions.close_all(slot);
        Ok(())
    }
}

/// A PIN that was given; a NULL one would be asked for on a device of the token's own.
fn given(pin: Option<&Secret>) -> Result<&Secret> {
    pin.ok_or_else(|| {
        Rv::ArgumentsBad.because("the PIN is NULL: this token has no protected authentication path")
    })
}

impl Call<'_> {
    /// C_GetSessionInfo
    ///
    /// # Errors
    /// Those of looking whether another process initialised the token.
    pub fn info(&self) -> Result<SessionInfo> {
        let session = &self.session;
        let rw = if session.read_write { CKF_RW_SESSION } else { 0 };
        Ok(SessionInfo {
            slot: session.slot,
            state: session.token.session_state(session.read_write)?,
            flags: CKF_SERIAL_SESSION | rw,
            device_error: 0,
        })
    }

    /// C_Login
    ///
    /// # Errors
    /// CKR_USER_TYPE_INVALID, CKR_OPERATION_NOT_INITIALIZED for CKU_CONTEXT_SPECIFIC without an operation that
    /// waits for it, and those of the token's login.
    pub fn login(&self, user: CK_USER_TYPE, pin: Option<&Secret>) -> Result<()> {
        self.login_user(user, pin, "")
    }

    /// C_LoginUser: with no name it is C_Login; a named user has the rights of CKU_USER (§5.6.9).
    ///
    /// # Errors
    /// As [`Call::login`]; CKR_USER_TYPE_INVALID for an SO with a name.
    pub fn login_user(&self, user: CK_USER_TYPE, pin: Option<&Secret>, name: &str) -> Result<()> {
        let login = |user| self.session.token.login(self.session.handle, user, name, given(pin)?);
        match user {
            CKU_SO if name.is_empty() => login(User::Officer),
            CKU_SO => Err(Rv::UserTypeInvalid.because("the SO has no name: only CKU_USER does")),
            CKU_USER => login(User::User),
            CKU_CONTEXT_SPECIFIC => self.login_for_one_use(name, given(pin)?),
            other => Err(no_user(other)),
        }
    }

    /// The login of CKA_ALWAYS_AUTHENTICATE, for the operation that was just begun (§4.9).
    fn login_for_one_use(&self, name: &str, pin: &Secret) -> Result<()> {
        let mut work = self.session.work();
        if work.unproven().next().is_none() {
            return Err(Rv::OperationNotInitialized.because(
                "no operation waits for CKU_CONTEXT_SPECIFIC: begin one with a CKA_ALWAYS_AUTHENTICATE key",
            ));
        }
        self.session.token.prove_again(name, pin)?;
        work.unproven().for_each(|unproven| *unproven = false);
        Ok(())
    }

    /// C_Logout
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN.
    pub fn logout(&self) -> Result<()> {
        self.session.token.logout()
    }

    /// C_InitPIN
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN unless the SO is, CKR_PIN_LEN_RANGE, CKR_PIN_INVALID.
    pub fn init_pin(&self, pin: Option<&Secret>) -> Result<()> {
        self.session.token.init_pin(given(pin)?)
    }

    /// C_SetPIN
    ///
    /// # Errors
    /// CKR_SESSION_READ_ONLY, and those of the token.
    pub fn set_pin(&self, old: Option<&Secret>, new: Option<&Secret>) -> Result<()> {
        self.writes("a PIN is set")?;
        self.session.token.set_pin(given(old)?, given(new)?)
    }

    /// The named users of the session's token; `tokentool user list`.
    ///
    /// # Errors
    /// Those of the token.
    pub fn users(&self) -> Result<Vec<NamedUser>> {
        self.session.token.users()
    }

    /// Makes a named user; `tokentool user add`.
    ///
    /// # Errors
    /// CKR_SESSION_READ_ONLY, and those of [`crate::token::Token::add_user`].
    pub fn add_user(&self, name: &str, pin: &Secret) -> Result<()> {
        self.writes("a user is made")?;
        self.session.token.add_user(name, pin)
    }

    /// Gives a named user another PIN; `tokentool user reset`.
    ///
    /// # Errors
    /// CKR_SESSION_READ_ONLY, and those of [`crate::token::Token::reset_user`].
    pub fn reset_user(&self, name: &str, pin: &Secret) -> Result<()> {
        self.writes("a user's PIN is set")?;
        self.session.token.reset_user(name, pin)
    }

    /// Removes a named user; `tokentool user remove`.
    ///
    /// # Errors
    /// CKR_SESSION_READ_ONLY, and those of [`crate::token::Token::remove_user`].
    pub fn remove_user(&self, name: &str) -> Result<()> {
        self.writes("a user is removed")?;
        self.session.token.remove_user(name)
    }

    fn writes(&self, what: &str) -> Result<()> {
        match self.session.read_write {
            true => Ok(()),
            false => Err(Rv::SessionReadOnly.because(format!("{what} in a read-write session only (§5.6)"))),
        }
    }

    /// C_SessionCancel: ends the operations that the flags name (§5.6.12).
    ///
    /// # Errors
    /// None of its own.
    pub fn cancel_session(&self, flags: CK_FLAGS) -> Result<()> {
        let mut work = self.session.work();
        for kind in Kind::all().filter(|kind| flags & kind.flag() != 0) {
            *work.slot(kind) = None;
        }
        for kind in Kind::all().filter(|kind| flags & kind.message_flag() != 0) {
            *work.process(kind) = None;
        }
        if flags & CKF_FIND_OBJECTS != 0 {
            work.found = None;
        }
        Ok(())
    }

    /// C_GetSessionValidationFlags: a token that was validated by nobody has none (§5.6.14).
    ///
    /// # Errors
    /// CKR_ARGUMENTS_BAD for a type the standard does not know.
    pub fn validation_flags(&self, kind: CK_ULONG) -> Result<CK_FLAGS> {
        match kind {
            CKS_LAST_VALIDATION_OK => Ok(0),
            other => {
                Err(Rv::ArgumentsBad.because(format!("there are no validation flags of type {other:#x}")))
            }
        }
    }

    /// C_AsyncComplete and C_AsyncGetID: no function of this token ever pends (§5.21).
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, always.
    pub fn pending(&self, function: &str) -> Result<()> {
        Err(Rv::OperationNotInitialized
            .because(format!("{function} does not pend: this token answers every call at once")))
    }

    /// C_AsyncJoin: nobody can have an identifier (§5.21.3).
    ///
    /// # Errors
    /// CKR_SAVED_STATE_INVALID, always.
    pub fn join(&self, function: &str, id: u64) -> Result<()> {
        Err(Rv::SavedStateInvalid
            .because(format!("{id:#x} is no identifier of a pending {function}: this token gives none")))
    }

    /// C_SeedRandom: the system's randomness needs no seed, and clients want to hear that it is well.
    ///
    /// # Errors
    /// None of its own.
    pub fn seed(&self, _seed: &[u8]) -> Result<()> {
        Ok(())
    }

    /// C_GenerateRandom
    ///
    /// # Errors
    /// CKR_DEVICE_ERROR when the system gives none.
    pub fn random(&self, bytes: &mut [u8]) -> Result<()> {
        self.module.emulation.fill(bytes)
    }
}

fn no_user(user: CK_USER_TYPE) -> Error {
    Rv::UserTypeInvalid
        .because(format!("user type {user} is none of CKU_SO, CKU_USER and CKU_CONTEXT_SPECIFIC"))
}
