//! PINs: from an option, the environment, a file or the terminal; never shown.

use std::env;
use std::fs::File;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use tokenkeep::cryptoki::Secret;
use tokenkeep::store::Header;
use tokenkeep::token::User;

use crate::paint::{WARN, paint};
use crate::problem::{Problem, Result};
use crate::terminal;

/// The longest file that is read as a PIN.
const LONGEST: u64 = 4096;

/// Where a PIN comes from.
pub struct Source<'a> {
    /// What it is called: `user PIN`.
    what: &'static str,
    /// The option: `pin`, to which `-env` and `-file` can be added.
    option: &'static str,
    given: Option<&'a str>,
    env: Option<&'a str>,
    file: Option<&'a Path>,
}

/// What a PIN or password to be set must be like.
#[derive(Clone, Copy)]
pub enum Rule {
    /// From so many bytes to so many.
    Length(usize, usize),
    /// The SO PIN of a SmartCard-HSM.
    CardOfficer,
    /// The user's PIN of a SmartCard-HSM, with so many tries.
    CardUser(u32),
}

/// Shortest PIN of a SmartCard-HSM, and the longest, which is the SO's: by them its rules are known.
pub const CARD: (usize, usize) = (6, 16);

impl Rule {
    /// For a new PIN of that user.
    pub fn of(header: &Header, user: User) -> Rule {
        match ((header.pin_min, header.pin_max), user) {
            (CARD, User::Officer) => Rule::CardOfficer,
            (CARD, User::User) => Rule::CardUser(header.user_tries),
            ((min, max), _) => Rule::Length(min, max),
        }
    }

    /// Shortest and longest, in bytes.
    fn length(self) -> (usize, usize) {
        match self {
            Rule::Length(min, max) => (min, max),
            Rule::CardOfficer => (CARD.1, CARD.1),
            Rule::CardUser(_) => (CARD.0, CARD.1 - 1),
        }
    }

    /// What is wrong with a PIN, as the end of a sentence.
    fn broken(self, pin: &Secret) -> Option<&'static str> {
        let (min, max) = self.length();
        let most = match pin.len() {
            ..=6 => 3,
            7 => 5,
            _ => 10,
        };
        match self {
            _ if pin.len() < min => Some("is too short"),
            _ if pin.len() > max => Some("is too long"),
            Rule::CardOfficer if !pin.expose().iter().all(u8::is_ascii_hexdigit) => {
                Some("is no hexadecimal number")
            }
            Rule::CardUser(tries) if tries > most => Some("is too short for so many tries"),
            _ => None,
        }
    }

    /// What it asks for, with the unit of its length.
    fn wants(self, unit: &str) -> String {
        let (min, max) = self.length();
        match self {
            Rule::CardOfficer => format!("{max} hexadecimal digits"),
            Rule::CardUser(4..) => {
                format!("{min} to {max} {unit}; at most 3 tries for 6, 5 for 7, 10 for more")
            }
            _ => format!("{min} to {max} {unit}"),
        }
    }
}

/// The three options of a PIN or password: `--NAME PIN`, `--NAME-env VARIABLE`, `--NAME-file FILE`, of which one may be given.
macro_rules! pin_options {
    ($name:ident, $option:literal, $value:literal, $what:literal) => {
        #[doc = concat!("Where the ", $what, " comes from.")]
        #[derive(clap::Args)]
        #[group(id = concat!($option, "-source"), multiple = false)]
        pub struct $name {
            #[arg(
                id = $option, long = $option, value_name = $value, help_heading = "PINs",
                help = concat!("The ", $what, "; while the command runs, others can see it in the list of processes")
            )]
            given: Option<String>,
            #[arg(
                id = concat!($option, "-env"), long = concat!($option, "-env"), value_name = "NAME",
                help_heading = "PINs", help = concat!("The ", $what, " is in this environment variable")
            )]
            env: Option<String>,
            #[arg(
                id = concat!($option, "-file"), long = concat!($option, "-file"), value_name = "FILE",
                help_heading = "PINs", value_hint = clap::ValueHint::FilePath,
                help = concat!("The ", $what, " is in this file; - reads a line of standard input")
            )]
            file: Option<PathBuf>,
        }

        impl $name {
            #[doc = concat!("The ", $what, ".")]
            pub fn source(&self) -> Source<'_> {
                Source {
                    what: $what,
                    option: $option,
                    given: self.given.as_deref(),
                    env: self.env.as_deref(),
                    file: self.file.as_deref(),
                }
            }
        }
    };
}

pin_options!(SoPin, "so-pin", "PIN", "SO PIN");
pin_options!(UserPin, "pin", "PIN", "user PIN");
pin_options!(OldPin, "old-pin", "PIN", "present PIN");
pin_options!(NewPin, "new-pin", "PIN", "new PIN");
pin_options!(Password, "password", "PASSWORD", "password");
pin_options!(SoftHsmPin, "softhsm-pin", "PIN", "user PIN of the SoftHSM token");

impl Source<'_> {
    /// Whether an option says where the PIN is.
    pub fn is_given(&self) -> bool {
        self.given.is_some() || self.env.is_some() || self.file.is_some()
    }

    /// The file that holds the PIN, if it is in one.
    pub fn path(&self) -> Option<&Path> {
        self.file.filter(|path| *path != Path::new("-"))
    }

    /// A PIN that exists already; asked for once, with `hint` behind its name.
    pub fn known(&self, hint: &str) -> Result<Secret> {
        match self.given()? {
            Some(pin) => Ok(pin),
            None => self.prompt(&format!("{}{hint}: ", capital(self.what))),
        }
    }

    /// A PIN to be set; asked for twice.
    pub fn chosen(&self, rule: Rule) -> Result<Secret> {
        if let Some(pin) = self.given()? {
            return self.measured(pin, rule);
        }
        let pin = self.prompt(&format!("{} ({}): ", capital(self.what), rule.wants("characters")))?;
        let pin = self.measured(pin, rule)?;
        match pin == self.prompt(&format!("{} again: ", capital(self.what)))? {
            true => Ok(pin),
            false => Err(Problem::new(format!("the two entries of the {} differ", self.what))
                .advise("the command again; nothing was changed")),
        }
    }

    fn measured(&self, pin: Secret, rule: Rule) -> Result<Secret> {
        match rule.broken(&pin) {
            None => Ok(pin),
            Some(broken) => {
                Err(Problem::new(format!("the {} {broken}", self.what)).advise(rule.wants("bytes")))
            }
        }
    }

    fn given(&self) -> Result<Option<Secret>> {
        match (self.given, self.env, self.file) {
            (Some(pin), ..) => {
                let option = self.option;
                warn(self.what, &format!("--{option}-env NAME or --{option}-file FILE hides it"))?;
                Ok(Some(pin.as_bytes().into()))
            }
            (_, Some(name), _) => self.in_env(name).map(Some),
            (.., Some(path)) if path == Path::new("-") => self.on_stdin().map(Some),
            (.., Some(path)) => self.in_file(path).map(Some),
            _ => Ok(None),
        }
    }

    fn in_env(&self, name: &str) -> Result<Secret> {
        match env::var(name) {
            Ok(pin) => Ok(pin.into_bytes().into()),
            Err(env::VarError::NotPresent) => {
                let option = self.option;
                // What was given may be the secret itself: it is not repeated.
                Err(Problem::new(format!("--{option}-env names no environment variable that is there")).advise(
                    format!(
                        "the name of the variable, not the secret itself: export {name}=…; --{option}-env {name}",
                        name = variable(option)
                    ),
                ))
            }
            Err(env::VarError::NotUnicode(_)) => {
                Err(Problem::new(format!("the environment variable {name:?} is not UTF-8 text"))
                    .advise(format!("--{}-file FILE, for any bytes", self.option)))
            }
        }
    }

    fn in_file(&self, path: &Path) -> Result<Secret> {
        let told = |error| Problem::file("read", path, &error);
        let file = File::open(path).map_err(told)?;
        let mut bytes = Vec::with_capacity(LONGEST as usize);
        file.take(LONGEST).read_to_end(&mut bytes).map_err(told)?;
        Ok(without_line_end(bytes))
    }

    fn on_stdin(&self) -> Result<Secret> {
        let mut bytes = Vec::with_capacity(LONGEST as usize);
        io::stdin().lock().take(LONGEST).read_until(b'\n', &mut bytes)?;
        match bytes.is_empty() {
            true => Err(Problem::new(format!("standard input ended before the {}", self.what))
                .advise(format!("one line for each PIN that is read there, or --{}-env NAME", self.option))),
            false => Ok(without_line_end(bytes)),
        }
    }

    fn prompt(&self, prompt: &str) -> Result<Secret> {
        if !io::stdin().is_terminal() {
            let option = self.option;
            return Err(Problem::new(format!(
                "the {} is needed, and there is no terminal to ask for it",
                self.what
            ))
            .advise(format!("--{option}-env NAME or --{option}-file FILE")));
        }
        terminal::ask(prompt).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => Problem::new(format!("no {} was typed", self.what))
                .advise("the command again; nothing was changed"),
            _ => Problem::new(format!("cannot ask for the {}: {error}", self.what)),
        })
    }
}

/// Whoever types a secret on the command line should know; a script's author has read it in `--help`.
pub fn warn(what: &str, instead: &str) -> Result<()> {
    if io::stderr().is_terminal() {
        let warning = paint(WARN, format!("others can see a {what} on the command line:"));
        writeln!(anstream::stderr(), "{warning} {instead}")?;
    }
    Ok(())
}

fn without_line_end(mut bytes: Vec<u8>) -> Secret {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes.into()
}

fn capital(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn variable(option: &str) -> String {
    option.replace('-', "_").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_no_part_of_a_pin() {
        for (file, pin) in
            [("1234\n", "1234"), ("1234\r\n", "1234"), ("12 34\n\n", "12 34\n"), ("1234", "1234")]
        {
            assert_eq!(without_line_end(file.into()), Secret::from(pin.as_bytes()));
        }
    }
}
