//! A token as a whole: every object out for a backup, every object in from one.

use crate::backup::Entry;
use crate::cryptoki::{Result, Rv};
use crate::object::{Object, encoding};

use crate::store::Report;

use super::objects::{CHANGE_TRIES, record};
use super::{Access, Token, User};

impl Token {
    /// Every token object with all its attributes, secrets too, all of one moment. For [`crate::backup`] only.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN unless the user is, CKR_FUNCTION_FAILED when other processes write all the time.
    pub fn everything(&self) -> Result<Vec<Entry>> {
        let keys = match (self.user(), self.keys()) {
            (Some(User::User), Some(keys)) => keys,
            _ => {
                return Err(
                    Rv::UserNotLoggedIn.because("a token is backed up and restored by the user, logged in")
                );
            }
        };
        for _ in 0..CHANGE_TRIES {
            let fresh = self.look()?;
            let hidden = self.hidden(Some(&keys))?;
            let mut entries = Vec::new();
            for row in self.vault.find(Some(&keys), &[])?.into_iter().filter(|row| !hidden.contains(row)) {
                if let Some(opened) = self.vault.load(Some(&keys), row.0)? {
                    entries
                        .push(Entry { id: opened.id, attributes: encoding::decode(opened.plain.expose())? });
                }
            }
            if self.look()? == fresh {
                return Ok(entries);
            }
        }
        Err(Rv::FunctionFailed.because("other processes keep changing the token: try again"))
    }

    /// Looks through the whole token; sees more when somebody is logged in.
    ///
    /// # Errors
    /// What prevents the look.
    pub fn verify(&self) -> Result<Report> {
        self.look()?;
        self.vault.verify(self.keys().as_deref())
    }

    /// Puts entries into the token, all of them or none, and reads them again.
    ///
    /// # Errors
    /// Those of [`Token::may_write`] and of the keys inside; CKR_DEVICE_ERROR when what is read is not what was
    /// written: it is removed then.
    pub fn take_in(&self, access: Access, entries: &[Entry]) -> Result<()> {
        let objects = self.acceptable(access, entries)?;
        let record = |(entry, object): (&Entry, Object)| record(None, entry.id, 0, object.attributes());
        let records: Vec<_> = entries.iter().zip(objects).map(record).collect();
        let rows = self.vault.put(self.keys().as_deref(), &records, &|bytes| self.emulation.fill(bytes))?;
        let whole = self.everything()?;
        if entries.iter().all(|entry| whole.contains(entry)) {
            return Ok(());
        }
        self.vault.remove(self.keys().as_deref(), &rows, &|bytes| self.emulation.fill(bytes))?;
        Err(Rv::DeviceError
            .because("the restored objects are not those of the backup: they were removed again"))
    }

    /// The entries as objects, if this token can hold all of them.
    ///
    /// # Errors
    /// As [`Token::take_in`].
    pub fn acceptable(&self, access: Access, entries: &[Entry]) -> Result<Vec<Object>> {
        let object = |entry: &Entry| {
            let object = Object::new(entry.attributes.clone());
            self.may_write(access, &object)?;
            if object.is_key() {
                let refuse = |error: crate::cryptoki::Error| {
                    error.rv().because(format!("{} of the backup: {}", object.describe(), error.why()))
                };
                object.key().map_err(refuse)?;
            }
            Ok(object)
        };
        entries.iter().map(object).collect()
    }
}
