//! `tokentool pin`: looks at PINs, changes and unblocks them.

mod change;
pub mod state;
mod status;
mod unblock;

use clap::{Args, Subcommand};

use crate::Answer;
use crate::options::Options;
use crate::problem::Result;

/// Look at PINs, change and unblock them
#[derive(Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct Pin {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  tokentool pin status
  tokentool pin change
  tokentool pin unblock --token bench";

#[derive(Subcommand)]
enum Command {
    Status(status::Status),
    Change(change::Change),
    Unblock(unblock::Unblock),
}

impl Pin {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        match &self.command {
            Command::Status(command) => command.run(options),
            Command::Change(command) => command.run(options),
            Command::Unblock(command) => command.run(options),
        }
    }
}
