//! `tokentool key`: keys out of a token and into one, under the DKEK.

mod unwrap;
mod wrap;

use clap::{Args, Subcommand};

use crate::Answer;
use crate::options::Options;
use crate::problem::{Problem, Result};

/// Wrap a key into a file under the DKEK, and unwrap it again, as sc-hsm-tool does
#[derive(Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct Key {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  tokentool key wrap --label ca ca.wrapped
  tokentool key unwrap ca.wrapped --token spare";

#[derive(Subcommand)]
enum Command {
    Wrap(wrap::Wrap),
    Unwrap(unwrap::Unwrap),
}

impl Key {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        match &self.command {
            Command::Wrap(command) => command.run(options),
            Command::Unwrap(command) => command.run(options),
        }
    }
}

/// A CKA_ID as it is typed.
pub fn id(hex: &str) -> Result<Vec<u8>> {
    let digits = tokenkeep::backup::split::digits(hex).map_err(|_| {
        Problem::new(format!("--id {hex:?} is not hexadecimal")).advise("`tokentool objects` shows the IDs")
    })?;
    Ok(digits.expose().to_vec())
}
