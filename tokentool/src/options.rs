//! The command line: what every command takes.

use std::path::PathBuf;

use clap::{Args, Parser, ValueHint};

use crate::commands::Command;
use crate::problem::{Problem, Result};

/// Makes, shows and manages Tokenkeep tokens: HSM tokens in a file, for every program that speaks PKCS#11.
#[derive(Parser)]
#[command(version, name = "tokentool", after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct Line {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub options: Options,
}

const EXAMPLES: &str = "\
Examples:
  tokentool init --label bench        make a token; its PINs are asked for
  tokentool list                      the tokens there are
  tokentool objects --token bench     what is in one
  tokentool demo                      see it all work, on a token that is thrown away";

/// What to do when no token can be named.
pub const LEAVE_OUT: &str = "the command without --token";

/// Options of every command.
#[derive(Args)]
pub struct Options {
    /// Directory of the tokens [default: $TOKENKEEP_DIR, or what tokenkeep.toml says, or ~/.local/share/tokenkeep]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Every command")]
    pub dir: Option<PathBuf>,

    /// The token, by its label, serial number or slot; not needed when there is only one
    #[arg(long, short, global = true, value_name = "LABEL|SERIAL|SLOT", help_heading = "Every command")]
    pub token: Option<String>,

    /// Print JSON
    #[arg(long, global = true, help_heading = "Every command")]
    pub json: bool,
}

impl Options {
    /// For a command that works on none of the tokens there are: who names one expects something else of it.
    pub fn without_token(&self, instead: &str) -> Result<()> {
        match &self.token {
            None => Ok(()),
            Some(token) => {
                let what =
                    format!("--token {token:?} says nothing here: the command works on none of the tokens");
                Err(Problem::new(what).advise(instead))
            }
        }
    }
}
