//! `tokentool pin unblock`: the SO gives the user a PIN, with a full counter.

use clap::Args;
use tokenkeep::cryptoki::ids::CKF_RW_SESSION;
use tokenkeep::token::User;

use super::change::Done;
use crate::Answer;
use crate::options::Options;
use crate::paint::{GOOD, count, paint};
use crate::pin::{NewPin, Rule, SoPin};
use crate::problem::Result;
use crate::tokens::Tokens;

/// Give the user a new PIN and a full counter, as SO
///
/// The keys on the token stay as they are. PINs that no option gives are asked for.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Unblock {
    #[command(flatten)]
    so_pin: SoPin,

    #[command(flatten)]
    new: NewPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool pin unblock
  SO=… PIN=… tokentool pin unblock --token bench --so-pin-env SO --new-pin-env PIN";

impl Unblock {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let so_pin = chosen.ask(User::Officer, &self.so_pin.source())?;
        let new = self.new.source().chosen(Rule::of(&chosen.header, User::User))?;
        let session = chosen.login(&tokens, User::Officer, &so_pin, CKF_RW_SESSION)?;
        tokens.module().session(session)?.init_pin(Some(&new))?;
        let done = Done {
            label: chosen.label(),
            serial: chosen.header.serial.clone(),
            changed: User::User.role(),
            tries_left: chosen.tries(User::User),
        };
        let tries = count(done.tries_left.unwrap_or(0).into(), "try", "tries");
        let text =
            format!("{} The user of token {:?} has a new PIN, and {tries}.\n", paint(GOOD, "✓"), done.label);
        Answer::new(text, &done)
    }
}
