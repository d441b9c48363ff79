//! `tokentool verify`: is the token whole?

use clap::Args;
use serde::Serialize;
use tokenkeep::store::Report;
use tokenkeep::token::User;

use crate::Answer;
use crate::options::Options;
use crate::paint::{GOOD, WARN, count, paint};
use crate::pin::UserPin;
use crate::problem::{Problem, Result};
use crate::tokens::Tokens;

/// Check a token for changes made outside Tokenkeep: every row, the digest of the set, the search index
///
/// Without a PIN only the file and the public objects can be checked.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    /// Ask for the user PIN, and check everything
    #[arg(long, short = 'l')]
    login: bool,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool verify
  tokentool verify --login
  PIN=… tokentool verify --token bench --pin-env PIN --json | jq .whole";

#[derive(Serialize)]
struct Done {
    objects: u64,
    private: u64,
    whole: Option<bool>,
    unvouched: Vec<u64>,
    removed: usize,
}

impl Verify {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let source = self.pin.source();
        if self.login || source.is_given() {
            chosen.enter(&tokens, User::User, &source, 0)?;
        }
        let report = chosen.token.verify()?;
        if !report.is_sound() {
            return Err(damaged(&chosen.label(), &report));
        }
        let done = Done {
            objects: report.rows,
            private: report.private,
            whole: report.whole,
            unvouched: report.unvouched.clone(),
            removed: report.removed.len(),
        };
        Answer::new(done.text(&chosen.label()), &done)
    }
}

fn damaged(label: &str, report: &Report) -> Problem {
    let mut what = format!("token {label:?} was changed outside Tokenkeep");
    for (row, why) in &report.damaged {
        what += &format!("\n  row {row}: {why}");
    }
    report.complaints.iter().for_each(|complaint| what += &format!("\n  {complaint}"));
    if report.whole == Some(false) {
        what += "\n  rows were removed, exchanged or put back: the digest does not fit";
    }
    Problem::new(what).advise("the last snapshot or backup")
}

impl Done {
    fn text(&self, label: &str) -> String {
        let (objects, good) = (count(self.objects, "row", "rows"), paint(GOOD, "✓"));
        let mut text = match self.whole {
            Some(_) => {
                format!("{good} Token {label:?} is whole: {objects}, {} of them private.\n", self.private)
            }
            None => format!(
                "{good} What can be seen of token {label:?} without a PIN is sound: {objects}, {} of them sealed.\n",
                self.private
            ),
        };
        if !self.unvouched.is_empty() || self.removed > 0 {
            let (new, gone) = (self.unvouched.len() as u64, self.removed as u64);
            text += &format!(
                "{} {} written and {} removed without a login\n",
                paint(WARN, "look at:"),
                count(new, "public object", "public objects"),
                count(gone, "one", "ones")
            );
        }
        text
    }
}
