//! `tokentool list`: the tokens there are.

use clap::Args;
use serde::Serialize;
use tokenkeep::token::User;

use super::pin::state::{PinFacts, cell};
use crate::Answer;
use crate::options::Options;
use crate::paint::{BAD, FAINT, HINT, paint};
use crate::problem::Result;
use crate::table::{Cell, Table};
use crate::tokens::{Chosen, Found, Tokens};

/// List the tokens, or those that --token names
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct List {}

const EXAMPLES: &str = "\
Examples:
  tokentool list
  tokentool list --json | jq -r '.[].serial'";

#[derive(Serialize)]
struct Row {
    slot: u64,
    #[serde(flatten)]
    token: Option<Known>,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Known {
    label: String,
    serial: String,
    user_pin: PinFacts,
    so_pin: PinFacts,
}

impl List {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let rows: Vec<Row> = tokens.meant()?.iter().map(row).collect();
        if rows.is_empty() {
            let text = format!(
                "No tokens in {}.\n  {} `tokentool init --label NAME` makes one\n",
                tokens.settings.dir.display(),
                paint(HINT, "try:"),
            );
            return Answer::new(text, &rows);
        }
        Answer::new(text(&rows), &rows)
    }
}

fn row(found: &Found) -> Row {
    let known = |chosen: &Chosen| Known {
        label: chosen.label(),
        serial: chosen.header.serial.clone(),
        user_pin: PinFacts::of(&chosen.header, User::User),
        so_pin: PinFacts::of(&chosen.header, User::Officer),
    };
    Row {
        slot: found.slot,
        token: found.token.as_ref().ok().map(known),
        file: found.path.display().to_string(),
        error: found.token.as_ref().err().map(ToString::to_string),
    }
}

fn text(rows: &[Row]) -> String {
    let mut table = Table::new(&[">SLOT", "LABEL", "SERIAL", "USER PIN", "SO PIN", "FILE"]);
    let mut notes = String::new();
    for row in rows {
        let slot = row.slot.to_string().into();
        let file = Cell::styled(FAINT, &row.file);
        match &row.token {
            Some(known) => table.row([
                slot,
                known.label.as_str().into(),
                known.serial.as_str().into(),
                cell(&known.user_pin),
                cell(&known.so_pin),
                file,
            ]),
            None => table.row([slot, Cell::styled(BAD, "unreadable"), "".into(), "".into(), "".into(), file]),
        }
        if let Some(error) = &row.error {
            notes += &format!("{} slot {}: {error}\n", paint(BAD, "!"), row.slot);
        }
    }
    table.text() + &notes
}
