//! `tokentool pin change`: a new PIN for who knows the present one.

use clap::Args;
use serde::Serialize;
use tokenkeep::cryptoki::ids::CKF_RW_SESSION;
use tokenkeep::token::User;

use crate::Answer;
use crate::options::Options;
use crate::paint::{GOOD, count, paint};
use crate::pin::{NewPin, OldPin, Rule};
use crate::problem::Result;
use crate::tokens::{Chosen, Tokens, name};

/// Change the user's PIN, or the SO's
///
/// PINs that no option gives are asked for.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Change {
    /// The SO's PIN instead of the user's
    #[arg(long)]
    so: bool,

    #[command(flatten)]
    old: OldPin,

    #[command(flatten)]
    new: NewPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool pin change
  tokentool pin change --so --token bench
  OLD=… NEW=… tokentool pin change --old-pin-env OLD --new-pin-env NEW";

/// What was done to which PIN.
#[derive(Serialize)]
pub struct Done {
    pub label: String,
    pub serial: String,
    pub changed: &'static str,
    pub tries_left: Option<u32>,
}

impl Change {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let user = if self.so { User::Officer } else { User::User };
        chosen.may_login(user)?;
        let old = self.old.source().known(&hint(&chosen, user))?;
        let new = self.new.source().chosen(Rule::of(&chosen.header, user))?;
        let session = chosen.login(&tokens, user, &old, CKF_RW_SESSION)?;
        tokens.module().session(session)?.set_pin(Some(&old), Some(&new))?;
        let done = Done {
            label: chosen.label(),
            serial: chosen.header.serial.clone(),
            changed: user.role(),
            tries_left: chosen.tries(user),
        };
        let text =
            format!("{} The {} PIN of token {:?} is changed.\n", paint(GOOD, "✓"), name(user), done.label);
        Answer::new(text, &done)
    }
}

/// Behind a prompt: whose PIN, and what is at stake.
pub fn hint(chosen: &Chosen, user: User) -> String {
    let left = chosen.tries(user).unwrap_or(0);
    let full = chosen.header.pin(user.role()).is_some_and(|pin| pin.tries_left == pin.tries_max);
    match full {
        true => format!(" of the {} of {:?}", name(user), chosen.label()),
        false => format!(
            " of the {} of {:?} ({} left)",
            name(user),
            chosen.label(),
            count(left.into(), "try", "tries")
        ),
    }
}
