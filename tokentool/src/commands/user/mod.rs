//! `tokentool user`: named users, whom the SO makes. Each has all rights of the user, and a PIN of its own.

mod list;
mod remove;
mod set;

use clap::{Args, Subcommand};
use serde::Serialize;
use tokenkeep::api::{Call, NamedUser};
use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::CKF_RW_SESSION;
use tokenkeep::token::User as Role;

use crate::Answer;
use crate::options::Options;
use crate::paint::plain;
use crate::problem::{Problem, Result};
use crate::tokens::{Chosen, Tokens, quoted};

/// Make named users, each with a PIN of its own
///
/// A program logs in as one of them by C_LoginUser with CKU_USER and the name. Objects belong to the token, not to
/// the user who made them: who is logged in sees and uses all of them.
#[derive(Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct User {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  tokentool user add alice --token bench
  tokentool user list
  tokentool user reset alice
  tokentool user remove alice";

#[derive(Subcommand)]
enum Command {
    Add(set::Add),
    List(list::List),
    Reset(set::Reset),
    Remove(remove::Remove),
}

impl User {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        match &self.command {
            Command::Add(command) => command.run(options),
            Command::List(command) => command.run(options),
            Command::Reset(command) => command.run(options),
            Command::Remove(command) => command.run(options),
        }
    }
}

/// What was done to which user.
#[derive(Serialize)]
struct Done {
    label: String,
    serial: String,
    user: String,
    done: &'static str,
}

impl Done {
    fn new(chosen: &Chosen, user: &str, done: &'static str) -> Done {
        Done { label: chosen.label(), serial: chosen.header.serial.clone(), user: user.to_owned(), done }
    }
}

/// The user of that name, if there is one.
fn named(chosen: &Chosen, name: &str) -> Result<Option<NamedUser>> {
    Ok(chosen.token.users()?.into_iter().find(|user| user.name == name))
}

/// Stops before a PIN is asked for, when there is no such user.
fn must_be(chosen: &Chosen, name: &str) -> Result<()> {
    match named(chosen, name)? {
        Some(_) => Ok(()),
        None => Err(Problem::new(format!(
            "token {:?} has no user named {:?}",
            chosen.label(),
            plain(name.as_bytes())
        ))
        .advise("`tokentool user list` shows who there is")
        .advise(format!("`tokentool user add {}` makes one", quoted(name)))),
    }
}

/// Does what only the SO may.
fn as_officer(
    tokens: &Tokens,
    chosen: &Chosen,
    so_pin: &Secret,
    work: impl FnOnce(&Call) -> tokenkeep::cryptoki::Result<()>,
) -> Result<()> {
    let session = chosen.login(tokens, Role::Officer, so_pin, CKF_RW_SESSION)?;
    Ok(work(&tokens.module().session(session)?)?)
}
