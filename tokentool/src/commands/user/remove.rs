//! `tokentool user remove`: the PIN of a named user is gone; the objects stay.

use clap::Args;
use tokenkeep::token::User as Role;

use super::{Done, as_officer, must_be};
use crate::Answer;
use crate::options::Options;
use crate::paint::{GOOD, paint, plain};
use crate::pin::SoPin;
use crate::problem::Result;
use crate::tokens::Tokens;

/// Remove a named user, as SO
///
/// The objects stay: they belong to the token. Who is logged in as that user stays so until logging out.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Remove {
    /// The user's name
    name: String,

    #[command(flatten)]
    so_pin: SoPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool user remove alice --token bench
  SO=… tokentool user remove alice --so-pin-env SO";

impl Remove {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        must_be(&chosen, &self.name)?;
        let so_pin = chosen.ask(Role::Officer, &self.so_pin.source())?;
        as_officer(&tokens, &chosen, &so_pin, |call| call.remove_user(&self.name))?;
        let text = format!(
            "{} Token {:?} has no user {:?} any more.\n",
            paint(GOOD, "✓"),
            chosen.label(),
            plain(self.name.as_bytes())
        );
        Answer::new(text, &Done::new(&chosen, &self.name, "removed"))
    }
}
