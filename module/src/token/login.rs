//! Logging in: PINs, their counters, and what happens when they run out.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::store::{Header, Keys};

use super::users::role;
use super::{Login, Token};

/// Who may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// CKU_SO
    Officer,
    /// CKU_USER
    User,
}

impl User {
    /// The PIN's name in the store.
    pub fn role(self) -> &'static str {
        match self {
            User::Officer => "so",
            User::User => "user",
        }
    }
}

impl Token {
    /// Who is logged in.
    pub fn user(&self) -> Option<User> {
        self.state().login.as_ref().map(|login| login.user)
    }

    /// The state of a session (PKCS#11 v3.2 §5.6, CKS_…).
    pub fn session_state(&self, read_write: bool) -> CK_STATE {
        match (self.user(), read_write) {
            (None, false) => CKS_RO_PUBLIC_SESSION,
            (None, true) => CKS_RW_PUBLIC_SESSION,
            (Some(User::User), false) => CKS_RO_USER_FUNCTIONS,
            (Some(User::User), true) => CKS_RW_USER_FUNCTIONS,
            (Some(User::Officer), _) => CKS_RW_SO_FUNCTIONS,
        }
    }

    /// The keys of whoever is logged in.
    pub(super) fn keys(&self) -> Option<Arc<Keys>> {
        self.state().login.as_ref().map(|login| login.keys.clone())
    }

    /// C_Login (§5.6.8), and C_LoginUser when there is a name (§5.6.9).
    ///
    /// # Errors
    /// CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_SESSION_READ_ONLY_EXISTS for the SO,
    /// CKR_USER_PIN_NOT_INITIALIZED, CKR_PIN_LOCKED, CKR_PIN_INCORRECT.
    pub fn login(&self, user: User, name: &str, pin: &Secret) -> Result<()> {
        let _trying = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        self.look()?;
        self.may_login(user, name)?;
        let keys = self.prove(&role(user, name), pin)?;
        self.state_mut().login = Some(Login { user, name: name.to_owned(), keys: Arc::new(keys) });
        Ok(())
    }

    fn may_login(&self, user: User, name: &str) -> Result<()> {
        let state = self.state();
        match &state.login {
            Some(login) if login.user == user && login.name == name => {
                Err(Rv::UserAlreadyLoggedIn.because("this user is logged in already"))
            }
            Some(_) => {
                Err(Rv::UserAnotherAlreadyLoggedIn.because("another user is logged in: log out first"))
            }
            None if user == User::Officer && state.read_only_sessions > 0 => Err(Rv::SessionReadOnlyExists
                .because(format!(
                    "{} read-only sessions are open: the SO logs in with read-write sessions only",
                    state.read_only_sessions
                ))),
            None => Ok(()),
        }
    }

    /// The PIN's name in the store, of who is logged in.
    fn own_role(&self) -> Option<String> {
        self.state().login.as_ref().map(|login| role(login.user, &login.name))
    }

    /// CKU_CONTEXT_SPECIFIC: the same user proves again to be there, for one use of a key.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_PIN_LOCKED, CKR_PIN_INCORRECT; CKR_USER_TYPE_INVALID for another's name.
    pub fn prove_again(&self, name: &str, pin: &Secret) -> Result<()> {
        let _trying = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        let own = self.own_role().ok_or_else(|| Rv::UserNotLoggedIn.because("nobody is logged in"))?;
        if !name.is_empty() && own != role(User::User, name) {
            return Err(Rv::UserTypeInvalid.because(format!("it is not {name:?} who is logged in")));
        }
        self.prove(&own, pin).map(drop)
    }

    /// Tries a PIN: the try is spent, durably, before the PIN is looked at; a right PIN gives it back.
    fn prove(&self, role: &str, pin: &Secret) -> Result<Keys> {
        self.vault.unlock(role, pin).map_err(|error| self.explain(role, error))
    }

    /// Says how many tries are left.
    fn explain(&self, role: &str, error: Error) -> Error {
        if error.rv() != Rv::PinIncorrect {
            return error;
        }
        match self.vault.header().ok().and_then(|header| header.pin(role).map(|pin| pin.tries_left)) {
            Some(1) => Rv::PinIncorrect.because("wrong PIN, 1 try left"),
            Some(left) => Rv::PinIncorrect.because(format!("wrong PIN, {left} tries left")),
            None => error,
        }
    }

    /// C_Logout: private handles, session objects and operations are void from here (§5.6.10).
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN.
    pub fn logout(&self) -> Result<()> {
        if self.state_mut().login.take().is_none() {
            return Err(Rv::UserNotLoggedIn.because("nobody is logged in"));
        }
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.objects.forget_private();
        Ok(())
    }

    /// C_InitPIN: the SO gives the user a PIN, with a full counter (§5.6.5). `None`: no PIN was given.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN unless the SO is, CKR_PIN_LEN_RANGE, CKR_PIN_INVALID.
    pub fn init_pin(&self, pin: &Secret) -> Result<()> {
        let keys = self.officers_keys()?;
        check_pin(&self.vault.header()?, pin)?;
        self.vault.set_pin(&keys, User::User.role(), pin, None, &|bytes| self.emulation.fill(bytes))
    }

    /// The token's keys in the hands of the SO.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN for anybody else.
    pub(super) fn officers_keys(&self) -> Result<Arc<Keys>> {
        match (self.user(), self.keys()) {
            (Some(User::Officer), Some(keys)) => Ok(keys),
            _ => Err(Rv::UserNotLoggedIn.because("only the SO, logged in, gives users their PINs")),
        }
    }

    /// C_SetPIN: the own PIN of who is logged in, the user's otherwise (§5.6.6).
    ///
    /// # Errors
    /// CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_LEN_RANGE, CKR_PIN_INVALID, CKR_USER_PIN_NOT_INITIALIZED.
    pub fn set_pin(&self, old: &Secret, new: &Secret) -> Result<()> {
        let _trying = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        let role = self.own_role().unwrap_or_else(|| User::User.role().to_owned());
        check_pin(&self.vault.header()?, new)?;
        let keys = self.prove(&role, old)?;
        self.vault.set_pin(&keys, &role, new, None, &|bytes| self.emulation.fill(bytes))
    }

    /// C_InitToken on a token that is one already: everything on it goes, but its slot and serial number (§5.5.7).
    ///
    /// # Errors
    /// CKR_SESSION_EXISTS, CKR_PIN_INCORRECT, CKR_PIN_LOCKED; nothing is wiped then.
    pub fn init_again(&self, pin: &Secret, label: [u8; 32]) -> Result<()> {
        let _trying = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        let (sessions, _) = self.sessions();
        if sessions > 0 {
            return Err(Rv::SessionExists.because(format!(
                "{sessions} sessions are open on the token: close them before C_InitToken"
            )));
        }
        self.prove(User::Officer.role(), pin)?;
        self.vault.reset(pin, &label, &|bytes| self.emulation.fill(bytes))?;
        self.look().map(drop)
    }
}

/// Whether a PIN may be set: its length in bytes, and that it is text (§3.4 CK_UTF8CHAR).
///
/// # Errors
/// CKR_PIN_LEN_RANGE, CKR_PIN_INVALID.
pub fn check_pin(header: &Header, pin: &Secret) -> Result<()> {
    let (min, max) = (header.pin_min, header.pin_max);
    if !(min..=max).contains(&pin.len()) {
        return Err(
            Rv::PinLenRange.because(format!("a PIN has {min} to {max} bytes, this one {}", pin.len()))
        );
    }
    match std::str::from_utf8(pin.expose()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Rv::PinInvalid.because("a PIN is UTF-8 text (§3.4)")),
    }
}
