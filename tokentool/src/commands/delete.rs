//! `tokentool delete`: removes a token for good.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use serde::Serialize;

use crate::Answer;
use crate::options::Options;
use crate::paint::{BAD, GOOD, paint};
use crate::problem::{Problem, Result};
use crate::tokens::{Chosen, Tokens};

/// Remove a token and its keys, for good
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Delete {
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  tokentool delete --token bench
  tokentool delete --token bench --yes";

#[derive(Serialize)]
struct Deleted {
    label: String,
    serial: String,
    slot: u64,
    file: String,
}

impl Delete {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let chosen = Tokens::open(options)?.one()?;
        if !self.yes {
            confirm(&chosen)?;
        }
        chosen.token.vault().store().delete()?;
        let deleted = Deleted {
            label: chosen.label(),
            serial: chosen.header.serial.clone(),
            slot: chosen.slot,
            file: chosen.token.path().display().to_string(),
        };
        let text = format!(
            "{} Token {:?} is deleted, slot {} is free.\n",
            paint(GOOD, "✓"),
            deleted.label,
            deleted.slot
        );
        Answer::new(text, &deleted)
    }
}

/// The label must be typed.
fn confirm(chosen: &Chosen) -> Result<()> {
    if !io::stdin().is_terminal() {
        return Err(Problem::new("deleting needs a yes, and there is no terminal to ask at").advise("--yes"));
    }
    let label = chosen.label();
    let mut err = anstream::stderr();
    writeln!(
        err,
        "{} Token {label:?} and all keys on it will be gone: {}",
        paint(BAD, "!"),
        chosen.token.path().display()
    )?;
    write!(err, "Type its label to delete it: ")?;
    err.flush()?;
    let mut typed = String::new();
    io::stdin().read_line(&mut typed)?;
    match typed.trim_end_matches(['\r', '\n']) == label {
        true => Ok(()),
        false => Err(Problem::new(format!("that is not {label:?}: nothing was deleted"))
            .advise("the command again, with the label as `tokentool list` shows it")),
    }
}
