//! `tokentool pin status`: the counters, without spending a try.

use clap::Args;
use serde::Serialize;
use tokenkeep::token::User;

use super::state::{PinFacts, State, cell};
use crate::Answer;
use crate::options::Options;
use crate::paint::{HINT, paint};
use crate::problem::Result;
use crate::table::Table;
use crate::tokens::{Tokens, name};

/// Show the PINs' counters, which spends no try
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Status {}

const EXAMPLES: &str = "\
Examples:
  tokentool pin status --token bench
  tokentool pin status --json | jq -r .user.state     ok, low, final-try, locked or not-set";

#[derive(Serialize)]
struct Facts {
    label: String,
    serial: String,
    user: PinFacts,
    so: PinFacts,
}

impl Status {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let chosen = Tokens::open(options)?.one()?;
        let facts = Facts {
            label: chosen.label(),
            serial: chosen.header.serial.clone(),
            user: PinFacts::of(&chosen.header, User::User),
            so: PinFacts::of(&chosen.header, User::Officer),
        };
        let mut table = Table::new(&["PIN", "STATE", ">LEFT", ">OF"]);
        for (user, pin) in [(User::User, &facts.user), (User::Officer, &facts.so)] {
            let number =
                |number: Option<u32>| number.map_or(String::new(), |number| number.to_string()).into();
            table.row([name(user).into(), cell(pin), number(pin.tries_left), number(pin.tries_max)]);
        }
        let unblock =
            matches!(facts.user.state, State::Locked | State::NotSet) && facts.so.state != State::Locked;
        let hint = match unblock {
            true => {
                format!("  {} `tokentool pin unblock`: the SO gives the user a PIN\n", paint(HINT, "try:"))
            }
            false => String::new(),
        };
        Answer::new(table.text() + &hint, &facts)
    }
}
