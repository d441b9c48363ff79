//! Named users: each has a PIN of its own, with its own counter, and the rights of the user (§5.6.9).

use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::store::PinState;

use super::login::check_pin;
use super::{Token, User};

/// Before a name in the store, so that nobody's PIN can take the place of the SO's or the user's.
const NAMED: &str = "user:";
/// The longest name, in bytes.
const NAME_LIMIT: usize = 64;

/// A named user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUser {
    pub name: String,
    /// Wrong PINs until it is locked; 0 is locked.
    pub tries_left: u32,
    pub tries_max: u32,
}

/// The name in the store of a user's PIN.
pub(super) fn role(user: User, name: &str) -> String {
    match name {
        "" => user.role().to_owned(),
        name => format!("{NAMED}{name}"),
    }
}

impl Token {
    /// The named users, in the order of their names; everybody may know them.
    ///
    /// # Errors
    /// Those of reading the store.
    pub fn users(&self) -> Result<Vec<NamedUser>> {
        let user = |pin: PinState| {
            let name = pin.role.strip_prefix(NAMED)?.to_owned();
            Some(NamedUser { name, tries_left: pin.tries_left, tries_max: pin.tries_max })
        };
        Ok(self.vault.header()?.pins.into_iter().filter_map(user).collect())
    }

    /// The SO makes a user of that name, who has all rights of the user.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN unless the SO is, CKR_ARGUMENTS_BAD for a name that cannot be or is taken,
    /// CKR_PIN_LEN_RANGE, CKR_PIN_INVALID.
    pub fn add_user(&self, name: &str, pin: &Secret) -> Result<()> {
        check_name(name)?;
        if self.users()?.iter().any(|user| user.name == name) {
            return Err(Rv::ArgumentsBad.because(format!("there is a user {name:?} already")));
        }
        self.put_user(name, pin)
    }

    /// The SO gives a named user another PIN, with a full counter.
    ///
    /// # Errors
    /// As [`Token::add_user`]; CKR_USER_PIN_NOT_INITIALIZED when there is no such user.
    pub fn reset_user(&self, name: &str, pin: &Secret) -> Result<()> {
        match self.users()?.iter().any(|user| user.name == name) {
            true => self.put_user(name, pin),
            false => Err(nobody(name)),
        }
    }

    fn put_user(&self, name: &str, pin: &Secret) -> Result<()> {
        let keys = self.officers_keys()?;
        check_pin(&self.vault.header()?, pin)?;
        let role = role(User::User, name);
        self.vault.set_pin(&keys, &role, pin, None, &|bytes| self.emulation.fill(bytes))
    }

    /// The SO takes a named user's PIN away; the objects belong to the token, and stay.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN unless the SO is, CKR_USER_PIN_NOT_INITIALIZED when there is no such user.
    pub fn remove_user(&self, name: &str) -> Result<()> {
        let keys = self.officers_keys()?;
        match name {
            "" => Err(nobody(name)),
            name => self.vault.remove_pin(&keys, &role(User::User, name)),
        }
    }
}

fn nobody(name: &str) -> Error {
    Rv::UserPinNotInitialized.because(format!("the token has no user named {name:?}"))
}

fn check_name(name: &str) -> Result<()> {
    match name {
        "" => Err(Rv::ArgumentsBad.because("a user's name is empty")),
        name if name.len() > NAME_LIMIT => {
            Err(Rv::ArgumentsBad.because(format!("a user's name has at most {NAME_LIMIT} bytes")))
        }
        name if name.chars().any(char::is_control) || name.trim() != name => {
            Err(Rv::ArgumentsBad.because("a user's name has no control characters and no blanks at its ends"))
        }
        _ => Ok(()),
    }
}
