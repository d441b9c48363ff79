//! A refusal: the return value, and why.

use std::borrow::Cow;
use std::fmt;

use super::Rv;

/// What every fallible function of the module answers.
pub type Result<T> = std::result::Result<T, Error>;

/// A return value with the rule that was broken. Never carries a PIN, a key or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    rv: Rv,
    why: Cow<'static, str>,
}

impl Error {
    /// The code that crosses the C border.
    pub fn rv(&self) -> Rv {
        self.rv
    }

    /// The reason, as a sentence for people; empty when the code says it all.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl Rv {
    /// This code, with its reason: name the attribute or argument, its value, and the rule.
    pub fn because(self, why: impl Into<Cow<'static, str>>) -> Error {
        Error { rv: self, why: why.into() }
    }
}

impl From<Rv> for Error {
    fn from(rv: Rv) -> Error {
        Error { rv, why: Cow::Borrowed("") }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why.as_ref() {
            "" => f.write_str(self.rv.name()),
            why => write!(f, "{why} ({})", self.rv.name()),
        }
    }
}

impl std::error::Error for Error {}
