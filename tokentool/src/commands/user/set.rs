//! `tokentool user add`, and `tokentool user reset`: a PIN for a named user, new or known.

use clap::Args;
use tokenkeep::token::User as Role;

use super::{Done, as_officer, must_be, named};
use crate::Answer;
use crate::options::Options;
use crate::paint::{GOOD, paint, plain};
use crate::pin::{NewPin, Rule, SoPin};
use crate::problem::{Problem, Result};
use crate::tokens::{Tokens, quoted};

/// Make a named user, as SO
///
/// PINs that no option gives are asked for.
#[derive(Args)]
#[command(after_help = ADD)]
pub struct Add {
    #[command(flatten)]
    set: Set,
}

/// Give a named user another PIN and a full counter, as SO
///
/// PINs that no option gives are asked for.
#[derive(Args)]
#[command(after_help = RESET)]
pub struct Reset {
    #[command(flatten)]
    set: Set,
}

const ADD: &str = "\
Examples:
  tokentool user add alice --token bench
  SO=… PIN=… tokentool user add 'build server' --so-pin-env SO --new-pin-env PIN";

const RESET: &str = "\
Examples:
  tokentool user reset alice --token bench
  SO=… PIN=… tokentool user reset alice --so-pin-env SO --new-pin-env PIN";

#[derive(Args)]
struct Set {
    /// The user's name, at most 64 bytes
    name: String,

    #[command(flatten)]
    so_pin: SoPin,

    #[command(flatten)]
    new: NewPin,
}

impl Add {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        self.set.run(options, true)
    }
}

impl Reset {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        self.set.run(options, false)
    }
}

impl Set {
    fn run(&self, options: &Options, new: bool) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let name = plain(self.name.as_bytes());
        match new {
            false => must_be(&chosen, &self.name)?,
            true if named(&chosen, &self.name)?.is_some() => {
                return Err(Problem::new(format!("token {:?} has a user {name:?} already", chosen.label()))
                    .advise(format!(
                        "`tokentool user reset {}` for another PIN, or another name",
                        quoted(&self.name)
                    )));
            }
            true => {}
        }
        let so_pin = chosen.ask(Role::Officer, &self.so_pin.source())?;
        let pin = self.new.source().chosen(Rule::of(&chosen.header, Role::User))?;
        as_officer(&tokens, &chosen, &so_pin, |call| match new {
            true => call.add_user(&self.name, &pin),
            false => call.reset_user(&self.name, &pin),
        })?;
        let label = chosen.label();
        let text = match new {
            true => format!("{} User {name:?} can log in to token {label:?}.\n", paint(GOOD, "✓")),
            false => format!(
                "{} User {name:?} of token {label:?} has a new PIN, and all tries.\n",
                paint(GOOD, "✓")
            ),
        };
        Answer::new(text, &Done::new(&chosen, &self.name, if new { "added" } else { "reset" }))
    }
}
