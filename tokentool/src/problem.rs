//! What went wrong, and what to do next.

use std::fmt::Display;
use std::io;
use std::path::Path;

use tokenkeep::cryptoki::{Error, Rv};

/// What every fallible function of the tool answers.
pub type Result<T> = std::result::Result<T, Problem>;

/// An error for people. Never carries a PIN.
#[derive(Clone, Debug)]
pub struct Problem {
    what: String,
    advice: Vec<String>,
}

impl Problem {
    /// A problem, as a sentence without a full stop.
    pub fn new(what: impl Into<String>) -> Problem {
        Problem { what: what.into(), advice: Vec::new() }
    }

    /// The same problem with something to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Problem {
        self.advice.push(advice.into());
        self
    }

    /// The same problem as the reason of another.
    #[must_use]
    pub fn but(mut self, what: &str) -> Problem {
        self.what = format!("{what}: {}", self.what);
        self
    }

    /// The same problem of a file that people know in another directory.
    #[must_use]
    pub fn elsewhere(mut self, unknown: &Path, known: &Path) -> Problem {
        self.what = self.what.replace(&unknown.display().to_string(), &known.display().to_string());
        self
    }

    /// A file that could not be read, written or removed.
    pub fn file(verb: &str, path: &Path, error: &io::Error) -> Problem {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, ResourceBusy, StorageFull};
        Problem::new(format!("cannot {verb} {}: {error}", path.display())).advise(match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => "make room on the disk",
            ResourceBusy => "the command again, when the other one has ended",
            _ => "look at its path, its owner and its permissions",
        })
    }

    /// What went wrong.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do, one line each.
    pub fn advice(&self) -> &[String] {
        &self.advice
    }
}

/// A refusal that has no answer of its own elsewhere, by return value.
const ADVICE: &[(Rv, &str)] = &[
    (Rv::UserPinNotInitialized, "`tokentool pin unblock`: the SO gives the user a PIN"),
    (Rv::TokenNotPresent, "look at the path named above: its file or its directory is not there"),
    (Rv::TokenWriteProtected, "give the file and its directory write permission: chmod u+w"),
    (Rv::TokenNotRecognized, "`tokentool list` shows the tokens that can be opened"),
    (Rv::DeviceRemoved, "the command again: the token was removed or initialised meanwhile"),
    (Rv::FunctionFailed, "the command again: another process was at the token"),
    (
        Rv::KeyNeeded,
        "`tokentool dkek status` says what is missing, `tokentool dkek import-share FILE` imports it",
    ),
    (Rv::KeyUnextractable, "`tokentool objects --login` shows the other keys"),
    (Rv::KeyNotWrappable, "`tokentool backup`, which takes every kind of object"),
    (Rv::WrappedKeyInvalid, "another copy of the file, or the token with its DKEK"),
    (Rv::WrappedKeyLenRange, "another copy of the file"),
    (Rv::CurveNotSupported, "the key is of use in a real device only"),
    (Rv::EncryptedDataInvalid, "the right password, or another copy of the file"),
    (Rv::DataLenRange, "another copy of the file"),
    (Rv::DataInvalid, "another file: `tokentool dkek status` shows how it stands"),
    (Rv::ArgumentsBad, "the command again, as its --help says"),
    (
        Rv::ActionProhibited,
        "`tokentool objects --login` shows the objects, and the token keeps this one as it is",
    ),
    (Rv::DeviceMemory, "make room on the disk"),
    (Rv::DeviceError, "look at the file or directory named above: its owner, its permissions, the disk"),
    (Rv::GeneralError, "correct the setting, or TOKENKEEP_CONF=FILE for other settings"),
];

/// In the reason of a `DeviceError` that no disk is to blame for.
const CHANGED: &str = "changed outside Tokenkeep";

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        if error.rv() == Rv::DeviceError && error.why().contains(CHANGED) {
            return Problem::new(error.to_string())
                .advise("`tokentool verify --login` tells everything that was changed")
                .advise("the last snapshot or backup");
        }
        let advice = ADVICE.iter().filter(|(rv, _)| *rv == error.rv());
        Problem { what: error.to_string(), advice: advice.map(|(_, advice)| (*advice).to_owned()).collect() }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        Problem::new(error.to_string())
    }
}

/// Puts where it happened before an error of another library.
pub fn at<E: Display>(place: &str) -> impl FnOnce(E) -> Problem {
    move |error| Problem::new(format!("{place}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_outside_is_no_matter_of_permissions() {
        let advice = |why: &'static str| Problem::from(Rv::DeviceError.because(why)).advice().join(" ");
        assert!(advice("row 1 of token 00 was changed outside Tokenkeep").contains("tokentool verify"));
        assert!(advice("cannot read /x: Permission denied").contains("permissions"));
    }
}
