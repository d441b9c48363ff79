//! `tokentool user list`: who can log in by name, which no PIN is needed to see.

use clap::Args;
use serde::Serialize;
use tokenkeep::api::NamedUser;

use crate::Answer;
use crate::options::Options;
use crate::paint::{BAD, GOOD, HINT, WARN, paint, plain};
use crate::problem::Result;
use crate::table::{Cell, Table};
use crate::tokens::Tokens;

/// List the named users and how their PINs stand
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct List {}

const EXAMPLES: &str = "\
Examples:
  tokentool user list --token bench
  tokentool user list --json | jq -r '.[].name'";

#[derive(Serialize)]
struct Facts {
    name: String,
    tries_left: u32,
    tries_max: u32,
    locked: bool,
}

impl List {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let chosen = Tokens::open(options)?.one()?;
        let facts: Vec<Facts> = chosen.token.users()?.into_iter().map(Facts::of).collect();
        if facts.is_empty() {
            let hint = paint(HINT, "try:");
            let text = format!(
                "Token {:?} has no named users.\n  {hint} `tokentool user add NAME` makes one\n",
                chosen.label()
            );
            return Answer::new(text, &facts);
        }
        let mut table = Table::new(&["USER", "PIN", ">LEFT", ">OF"]);
        for user in &facts {
            let numbers = (user.tries_left.to_string(), user.tries_max.to_string());
            table.row([plain(user.name.as_bytes()).into(), user.cell(), numbers.0.into(), numbers.1.into()]);
        }
        Answer::new(table.text(), &facts)
    }
}

impl Facts {
    fn of(user: NamedUser) -> Facts {
        let NamedUser { name, tries_left, tries_max } = user;
        Facts { name, tries_left, tries_max, locked: tries_left == 0 }
    }

    fn cell(&self) -> Cell {
        match self.tries_left {
            0 => Cell::styled(BAD, "locked"),
            left if left == self.tries_max => Cell::styled(GOOD, "ok"),
            _ => Cell::styled(WARN, "wrong PINs were tried"),
        }
    }
}
