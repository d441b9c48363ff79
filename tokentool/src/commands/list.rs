//! `tokentool list`: the tokens there are.

use std::path::Path;

use clap::Args;
use serde::Serialize;
use tokenkeep::token::User;

use super::pin::state::{PinFacts, cell};
use crate::Answer;
use crate::options::Options;
use crate::paint::{BAD, FAINT, HINT, WARN, count, paint, plain};
use crate::problem::{Problem, Result};
use crate::table::{Cell, Table};
use crate::tokens::{Chosen, Found, Tokens, unreadable};

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
        let found = tokens.meant()?;
        let rows: Vec<Row> = found.iter().map(row).collect();
        let notes: String = tokens.misnamed().iter().map(|path| passed_over(path)).collect();
        if rows.is_empty() {
            let text = format!(
                "No tokens in {}.\n  {} `tokentool init --label NAME` makes one\n",
                tokens.settings.dir.display(),
                paint(HINT, "try:"),
            );
            return Answer::new(text + &notes, &rows);
        }
        Ok(Answer::new(text(&rows) + &notes, &rows)?.but(closed(&found)))
    }
}

/// A file that is no token for its name alone.
fn passed_over(path: &Path) -> String {
    let name = plain(path.as_os_str().as_encoded_bytes());
    format!(
        "{} {name}: a token's file has its serial number's name, SERIAL.token\n",
        paint(WARN, "passed over:")
    )
}

/// What to do with the tokens that cannot be opened.
fn closed(found: &[Found]) -> Option<Problem> {
    let reasons = found.iter().filter_map(|found| Some(unreadable(found, found.token.as_ref().err()?)));
    let reasons: Vec<Problem> = reasons.collect();
    let what = count(reasons.len() as u64, "token cannot be opened", "tokens cannot be opened");
    let mut advice: Vec<&String> = reasons.iter().flat_map(Problem::advice).collect();
    advice.dedup();
    let problem = advice.into_iter().fold(Problem::new(what), |problem, advice| problem.advise(advice));
    (!reasons.is_empty()).then_some(problem)
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
