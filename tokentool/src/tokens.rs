//! The tokens of the directory, the one that is meant, and logging in to it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use tokenkeep::api::Module;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Error, Rv, Secret};
use tokenkeep::store::Header;
use tokenkeep::token::{Settings, Slot, Token, User};

use crate::options::Options;
use crate::paint::{count, plain};
use crate::pin::Source;
use crate::problem::{Problem, Result};

/// The directory with its tokens, opened.
pub struct Tokens {
    pub settings: Settings,
    module: Module,
    wanted: Option<String>,
}

/// A token file: where it is, and the token, or why it cannot be opened.
pub struct Found {
    pub slot: u64,
    pub path: PathBuf,
    pub token: std::result::Result<Chosen, Error>,
}

/// A token that can be worked with.
#[derive(Clone)]
pub struct Chosen {
    pub slot: u64,
    pub token: Arc<Token>,
    pub header: Header,
}

/// The settings, with `--dir` before everything else.
pub fn settings(options: &Options) -> Result<Settings> {
    // A directory that is named on the command line is found also where there is no home.
    let mut settings = Settings::read(options.dir.as_ref().map(|_| "dir=."))?;
    if let Some(dir) = &options.dir {
        settings.dir.clone_from(dir);
    }
    Ok(settings)
}

/// A label without its padding, fit for the screen.
pub fn label(header: &Header) -> String {
    plain(header.label.trim_ascii_end())
}

impl Tokens {
    /// Opens every token of the directory.
    pub fn open(options: &Options) -> Result<Tokens> {
        let settings = settings(options)?;
        Ok(Tokens { module: Module::with(settings.clone())?, settings, wanted: options.token.clone() })
    }

    /// The module that opened them.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Every token file, by slot.
    pub fn all(&self) -> Vec<Found> {
        let slots = self.module.slots_table();
        let found = |slot| match slots.of(slot).ok()? {
            Slot::Token(token) => {
                let path = token.path().to_owned();
                let header = token.vault().header();
                Some(Found { slot, path, token: header.map(|header| Chosen { slot, token, header }) })
            }
            Slot::Unrecognized(path, error) => Some(Found { slot, path, token: Err(error) }),
            Slot::Blank | Slot::Empty => None,
        };
        slots.ids(false).into_iter().filter_map(found).collect()
    }

    /// Files that would be tokens if they had the name of one; a directory that cannot be read has none.
    pub fn misnamed(&self) -> Vec<PathBuf> {
        let known: Vec<PathBuf> = self.all().into_iter().map(|found| found.path).collect();
        let files = fs::read_dir(&self.settings.dir).into_iter().flatten().flatten().map(|file| file.path());
        let token = |path: &PathBuf| path.extension().is_some_and(|end| end == "token");
        let mut misnamed: Vec<PathBuf> = files.filter(|path| token(path) && !known.contains(path)).collect();
        misnamed.sort();
        misnamed
    }

    /// Those that `--token` names, which are some; all without it.
    pub fn meant(&self) -> Result<Vec<Found>> {
        let Some(wanted) = &self.wanted else { return Ok(self.all()) };
        let (meant, others): (Vec<_>, _) = self.all().into_iter().partition(|found| found.is(wanted));
        match meant.is_empty() {
            true => Err(self.nobody(&others)),
            false => Ok(meant),
        }
    }

    /// The token that `--token` names, or the only one.
    pub fn one(&self) -> Result<Chosen> {
        match &self.meant()?[..] {
            [found] => found.token.clone().map_err(|error| unreadable(found, &error)),
            [] => Err(self.nobody(&[])),
            several => Err(self.several(several)),
        }
    }

    fn nobody(&self, all: &[Found]) -> Problem {
        let dir = self.settings.dir.display();
        match (&self.wanted, all.is_empty()) {
            (Some(wanted), false) => {
                // It may be one that cannot be opened.
                let closed = all.iter().find_map(|found| Some((found, found.token.as_ref().err()?)));
                if let Some((found, error)) = closed {
                    return unreadable(found, error)
                        .but(&format!("token {wanted:?} is not among those that open"));
                }
                Problem::new(format!("no token has the label, serial number or slot {wanted:?}"))
                    .advise(these(all, all))
            }
            _ => Problem::new(format!("there is no token in {dir}"))
                .advise("`tokentool init --label NAME` makes one")
                .advise("--dir DIR, or TOKENKEEP_DIR, if they are elsewhere"),
        }
    }

    fn several(&self, meant: &[Found]) -> Problem {
        match &self.wanted {
            Some(wanted) => Problem::new(format!("{wanted:?} fits more than one token")),
            None => Problem::new(format!("there are {} tokens: which one?", meant.len())),
        }
        .advise(these(meant, &self.all()))
    }
}

/// How many tokens are named in an advice.
const NAMED: usize = 4;

/// What `--token` could be for each of those that are meant: what no other of all tokens has.
fn these(meant: &[Found], all: &[Found]) -> String {
    if meant.len() > NAMED {
        return "`tokentool list`, and then --token LABEL".into();
    }
    let name = |found: &Found| {
        let header = found.token.as_ref().ok().map(|chosen| (chosen.label(), chosen.header.serial.clone()));
        let names = header.into_iter().flat_map(|(label, serial)| [label, serial]);
        let slot = found.slot.to_string();
        let only = |name: &String| found.is(name) && all.iter().filter(|other| other.is(name)).count() == 1;
        format!("--token {}", quoted(&names.chain([slot.clone()]).find(only).unwrap_or(slot)))
    };
    meant.iter().map(name).collect::<Vec<_>>().join(", or ")
}

/// A name as a shell wants it.
pub fn quoted(name: &str) -> String {
    let simple = |c: char| c.is_alphanumeric() || "._-+@:/".contains(c);
    match !name.is_empty() && name.chars().all(simple) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', r"'\''")),
    }
}

/// Why a token cannot be opened, and what then.
pub fn unreadable(found: &Found, error: &Error) -> Problem {
    let problem = Problem::new(error.to_string());
    match error.rv() {
        Rv::DeviceMemory => error.clone().into(),
        Rv::TokenNotRecognized => {
            problem.advise(format!("move {} away if it is no token", found.path.display()))
        }
        _ => problem.advise(format!("look at {}: its owner, permissions and disk", found.path.display())),
    }
}

impl Found {
    fn is(&self, wanted: &str) -> bool {
        let by_slot = wanted.parse() == Ok(self.slot);
        by_slot
            || self.token.as_ref().is_ok_and(|chosen| {
                chosen.header.serial.eq_ignore_ascii_case(wanted)
                    || chosen.header.label.trim_ascii_end() == wanted.as_bytes().trim_ascii_end()
            })
    }
}

/// What a person calls a user.
pub fn name(user: User) -> &'static str {
    match user {
        User::Officer => "SO",
        User::User => "user",
    }
}

impl Chosen {
    /// The label, fit for the screen.
    pub fn label(&self) -> String {
        label(&self.header)
    }

    /// Tries of a PIN that are left; none when there is no such PIN.
    pub fn tries(&self, user: User) -> Option<u32> {
        self.token.vault().header().ok()?.pin(user.role()).map(|pin| pin.tries_left)
    }

    /// Stops before a PIN is asked for that cannot be right.
    pub fn may_login(&self, user: User) -> Result<()> {
        match self.tries(user) {
            None => Err(no_pin(self)),
            Some(0) => Err(locked(self, user)),
            Some(_) => Ok(()),
        }
    }

    /// Opens a session, `CKF_RW_SESSION` or 0, and logs in; the session's handle.
    pub fn login(&self, tokens: &Tokens, user: User, pin: &Secret, mode: CK_FLAGS) -> Result<u64> {
        self.possible(user, pin)?;
        let session = tokens.module.open_session(self.slot, CKF_SERIAL_SESSION | mode)?;
        let kind = if user == User::Officer { CKU_SO } else { CKU_USER };
        let done = tokens.module.session(session)?.login(kind, Some(pin));
        done.map_err(|error| self.refused(user, error))?;
        Ok(session)
    }

    /// Stops before a try is spent on what no PIN of the token can be: Enter alone, an empty file, the wrong file.
    fn possible(&self, user: User, pin: &Secret) -> Result<()> {
        let (min, max) = (self.header.pin_min, self.header.pin_max);
        let wrong = match pin.len() {
            0 => "is empty",
            length if length < min => "is too short",
            length if length > max => "is too long",
            _ => return Ok(()),
        };
        Err(Problem::new(format!("the {} PIN {wrong}; no try was spent", name(user)))
            .advise(format!("the PIN of token {:?}: it has {min} to {max} bytes", self.label())))
    }

    /// The PIN from where it is, or asked for, unless it is locked.
    pub fn ask(&self, user: User, pin: &Source<'_>) -> Result<Secret> {
        self.may_login(user)?;
        pin.known(&format!(" of {:?}", self.label()))
    }

    /// Takes the PIN as [`Self::ask`], and logs in as [`Self::login`].
    pub fn enter(&self, tokens: &Tokens, user: User, pin: &Source<'_>, mode: CK_FLAGS) -> Result<u64> {
        self.login(tokens, user, &self.ask(user, pin)?, mode)
    }

    /// A PIN was refused: how many tries are left, and what then.
    pub fn refused(&self, user: User, error: Error) -> Problem {
        match (error.rv(), self.tries(user)) {
            (Rv::PinIncorrect, Some(0)) => {
                let mut problem = Problem::new(format!("wrong {} PIN: it is locked now", name(user)));
                for advice in locked(self, user).advice() {
                    problem = problem.advise(advice);
                }
                problem
            }
            (Rv::PinIncorrect, Some(left)) => {
                let left = count(left.into(), "try", "tries");
                let problem = Problem::new(format!("wrong {} PIN, {left} left", name(user)));
                problem.advise("`tokentool pin status` shows the counters, and spends no try")
            }
            (Rv::PinLocked, _) => locked(self, user),
            (Rv::UserPinNotInitialized, _) => no_pin(self),
            _ => error.into(),
        }
    }
}

fn no_pin(chosen: &Chosen) -> Problem {
    Problem::new(format!("token {:?} has no user PIN yet", chosen.label()))
        .advise("`tokentool pin unblock`: the SO gives the user a PIN")
}

fn locked(chosen: &Chosen, user: User) -> Problem {
    let problem = Problem::new(format!("the {} PIN of token {:?} is locked", name(user), chosen.label()));
    match user {
        User::User => problem.advise("`tokentool pin unblock`: the SO gives the user a new PIN"),
        User::Officer => problem.advise("the user's PIN still works; nothing unlocks an SO PIN").advise(
            "restore a copy of the file from before, or `tokentool delete` it and `tokentool init` again",
        ),
    }
}
