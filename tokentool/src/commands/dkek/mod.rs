//! `tokentool dkek`: makes shares of a device key encryption key, imports them, shows how it stands.

mod create;
mod custodians;
mod import;
mod init;
mod status;

use clap::{Args, Subcommand};
use serde::Serialize;
use tokenkeep::backup::Status;

use crate::Answer;
use crate::options::Options;
use crate::paint::{GOOD, WARN, count, paint};
use crate::problem::Result;
use crate::table::facts;

/// Make and import the shares of the key that keys are backed up under (DKEK), as sc-hsm-tool does
#[derive(Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct Dkek {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  tokentool dkek create-share alice.pbe                     one person, one password
  tokentool dkek create-share safe.pbe --pwd-shares-threshold 3 --pwd-shares-total 5
  tokentool init --label hsm --dkek-shares 2
  tokentool dkek import-share alice.pbe
  tokentool dkek import-share safe.pbe --pwd-shares-total 3
  tokentool dkek status";

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a process")]
enum Command {
    Init(init::Init),
    CreateShare(create::CreateShare),
    ImportShare(Box<import::ImportShare>),
    Status(status::Show),
}

impl Dkek {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        match &self.command {
            Command::Init(command) => command.run(options),
            Command::CreateShare(command) => command.run(options),
            Command::ImportShare(command) => command.run(options),
            Command::Status(command) => command.run(options),
        }
    }
}

/// How it stands, for programs.
#[derive(Serialize)]
pub struct State {
    shares: u8,
    missing: u8,
    kcv: Option<String>,
}

impl From<Status> for State {
    fn from(status: Status) -> State {
        State { shares: status.shares, missing: status.missing, kcv: status.kcv.map(|kcv| kcv.to_string()) }
    }
}

impl State {
    /// The lines of sc-hsm-tool.
    pub fn text(&self) -> String {
        let shares = ("DKEK shares", self.shares.to_string().into());
        match &self.kcv {
            Some(kcv) => facts([shares, ("DKEK key check value", kcv.as_str().into())]),
            None => facts([shares]) + &format!("{}\n", paint(WARN, self.pending())),
        }
    }

    /// In a word or two.
    pub fn short(&self) -> String {
        match &self.kcv {
            Some(kcv) if self.shares == 0 => format!("{kcv}, random"),
            Some(kcv) => format!("{kcv}, of {}", count(self.shares.into(), "share", "shares")),
            None => format!("{} of {} missing", self.missing, count(self.shares.into(), "share", "shares")),
        }
    }

    fn pending(&self) -> String {
        format!("DKEK import pending, {} share(s) still missing", self.missing)
    }
}

/// A line that says what was done.
fn done(what: &str) -> String {
    format!("{} {what}\n", paint(GOOD, "✓"))
}
