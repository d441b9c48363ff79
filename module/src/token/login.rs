//! Logging in: PINs, their counters, and what happens when they run out.

use std::sync::Arc;

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::store::{Header, Keys};

use super::Token;
use super::state::Login;
use super::users::role;

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
        self.state().user()
    }

    /// Who is logged in, unless another process initialised the token since: then nobody is.
    ///
    /// # Errors
    /// Those of the store.
    pub fn user_now(&self) -> Result<Option<User>> {
        if self.user().is_some() {
            self.look()?;
        }
        Ok(self.user())
    }

    /// The state of a session (PKCS#11 v3.2 §5.6, CKS_…).
    ///
    /// # Errors
    /// Those of the store.
    pub fn session_state(&self, read_write: bool) -> Result<CK_STATE> {
        Ok(match (self.user_now()?, read_write) {
            (None, false) => CKS_RO_PUBLIC_SESSION,
            (None, true) => CKS_RW_PUBLIC_SESSION,
            (Some(User::User), false) => CKS_RO_USER_FUNCTIONS,
            (Some(User::User), true) => CKS_RW_USER_FUNCTIONS,
            (Some(User::Officer), _) => CKS_RW_SO_FUNCTIONS,
        })
    }

    /// The keys of whoever is logged in.
    pub(super) fn keys(&self) -> Option<Arc<Keys>> {
        self.state().login.as_ref().map(|login| login.keys.clone())
    }

    /// C_Login (§5.6.8), and C_LoginUser when there is a name (§5.6.9).
    ///
    /// # Errors
    /// CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_SESSION_READ_ONLY_EXISTS for the SO,
    /// CKR_USER_PIN_NOT_INITIALIZED, CKR_PIN_LOCKED, CKR_PIN_INCORRECT, CKR_SESSION_CLOSED.
    pub fn login(&self, session: u64, user: User, name: &str, pin: &Secret) -> Result<()> {
        let _turn = self.turn();
        self.look()?;
        let generation = self.may_login(session, user, name)?;
        let keys = self.prove(&role(user, name), pin)?;
        self.admit(session, generation, Login { user, name: name.to_owned(), keys: Arc::new(keys) })
    }

    /// Whether a PIN is worth trying; answers the generation that its keys will have.
    pub(super) fn may_login(&self, session: u64, user: User, name: &str) -> Result<u64> {
        let state = self.state();
        state.may_login(session, user, name)?;
        Ok(state.generation)
    }

    /// Lets in who proved to be there, if nothing came between: trying a PIN takes its time.
    pub(super) fn admit(&self, session: u64, generation: u64, login: Login) -> Result<()> {
        self.look()?;
        let mut state = self.state_mut();
        state.may_login(session, login.user, &login.name)?;
        if state.generation != generation {
            return Err(Rv::DeviceRemoved.because("the token was initialised while the PIN was tried"));
        }
        state.login = Some(login);
        Ok(())
    }

    /// The PIN's name in the store, of who is logged in.
    fn own_role(&self) -> Option<String> {
        self.state().login.as_ref().map(|login| role(login.user, &login.name))
    }

    /// CKU_CONTEXT_SPECIFIC: the same user proves again to be there, for one use of a key. Who has no try left is logged
    /// out (§4.9).
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_PIN_LOCKED, CKR_PIN_INCORRECT; CKR_USER_TYPE_INVALID for another's name.
    pub fn prove_again(&self, name: &str, pin: &Secret) -> Result<()> {
        let _turn = self.turn();
        self.look()?;
        let own = self.own_role().ok_or_else(|| Rv::UserNotLoggedIn.because("nobody is logged in"))?;
        if !name.is_empty() && own != role(User::User, name) {
            return Err(Rv::UserTypeInvalid.because(format!("it is not {name:?} who is logged in")));
        }
        let Err(error) = self.prove(&own, pin) else { return Ok(()) };
        let spent = self.vault.header()?.pin(&own).is_some_and(|pin| pin.tries_left == 0);
        if error.rv() != Rv::PinLocked && !spent {
            return Err(error);
        }
        self.end_login(&mut self.state_mut());
        Err(Rv::PinLocked.because("no try of the PIN is left: the user is logged out (§4.9)"))
    }

    /// Tries a PIN: the try is spent, durably, before the PIN is looked at; a right PIN gives it back.
    pub(super) fn prove(&self, role: &str, pin: &Secret) -> Result<Keys> {
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
        match self.end_login(&mut self.state_mut()) {
            true => Ok(()),
            false => Err(Rv::UserNotLoggedIn.because("nobody is logged in")),
        }
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
        match (self.user_now()?, self.keys()) {
            (Some(User::Officer), Some(keys)) => Ok(keys),
            _ => Err(Rv::UserNotLoggedIn.because("only the SO, logged in, gives users their PINs")),
        }
    }

    /// C_SetPIN: the own PIN of who is logged in, the user's otherwise (§5.6.6).
    ///
    /// # Errors
    /// CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_LEN_RANGE, CKR_PIN_INVALID, CKR_USER_PIN_NOT_INITIALIZED.
    pub fn set_pin(&self, old: &Secret, new: &Secret) -> Result<()> {
        let _turn = self.turn();
        self.look()?;
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
        let _turn = self.turn();
        let (sessions, _) = self.sessions();
        if sessions > 0 {
            return Err(Rv::SessionExists.because(format!(
                "{sessions} sessions are open on the token: close them before C_InitToken"
            )));
        }
        // No session opens before the turn ends: see `enter`.
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
