//! What the settings forbid: more sessions than so many, and keys before and after their dates.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv};
use crate::mechanism::Profile;
use crate::object::Object;

use super::{Settings, Token};

/// The limits of a token in this application.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub sessions: Option<u64>,
    pub read_write_sessions: Option<u64>,
    /// Whether a key works only from CKA_START_DATE to CKA_END_DATE.
    pub dates: bool,
    /// Which mechanisms and keys are off.
    pub profile: &'static Profile,
}

impl Limits {
    /// The limits that the settings say.
    pub fn of(settings: &Settings) -> Limits {
        Limits {
            sessions: settings.max_sessions.map(u64::from),
            read_write_sessions: settings.max_rw_sessions.map(u64::from),
            dates: settings.enforce_dates,
            profile: settings.profile,
        }
    }

    /// Whether one session more may be opened, beside so many, of which so many are read-write.
    ///
    /// # Errors
    /// CKR_SESSION_COUNT.
    pub fn admit(&self, (all, read_write): (u64, u64), wants_read_write: bool) -> Result<()> {
        let full = |limit: Option<u64>, count| limit.filter(|limit| count >= *limit);
        if let Some(limit) = full(self.sessions, all) {
            return Err(Rv::SessionCount.because(format!("max_sessions is {limit}: close one first")));
        }
        match full(self.read_write_sessions, read_write).filter(|_| wants_read_write) {
            Some(limit) => {
                Err(Rv::SessionCount.because(format!("max_rw_sessions is {limit}: close one first")))
            }
            None => Ok(()),
        }
    }
}

impl Token {
    /// Which mechanisms and keys are off.
    pub fn profile(&self) -> &'static Profile {
        self.limits.profile
    }

    /// Whether a key may be used today. The first and the last day count.
    ///
    /// # Errors
    /// CKR_KEY_FUNCTION_NOT_PERMITTED.
    pub fn in_time(&self, key: &Object) -> Result<()> {
        if !self.limits.dates {
            return Ok(());
        }
        let date = |attribute| key.attributes().bytes(attribute);
        let (start, end) = (date(CKA_START_DATE), date(CKA_END_DATE));
        if start.is_none() && end.is_none() {
            return Ok(());
        }
        let today = self.emulation.now().date();
        let said = |date: &[u8]| String::from_utf8_lossy(date).into_owned();
        if let Some(start) = start.filter(|start| today[..] < **start) {
            return Err(Rv::KeyFunctionNotPermitted.because(format!(
                "CKA_START_DATE of {} is {}, after today ({})",
                key.describe(),
                said(start),
                said(&today)
            )));
        }
        match end.filter(|end| today[..] > **end) {
            Some(end) => Err(Rv::KeyFunctionNotPermitted.because(format!(
                "CKA_END_DATE of {} is {}, before today ({})",
                key.describe(),
                said(end),
                said(&today)
            ))),
            None => Ok(()),
        }
    }
}
