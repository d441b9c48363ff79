//! `tokentool dkek status`: how many shares, how many are missing, the key check value.

use clap::Args;
use tokenkeep::cryptoki::ids::CKF_SERIAL_SESSION;

use super::State;
use crate::Answer;
use crate::options::Options;
use crate::problem::{Problem, Result};
use crate::tokens::Tokens;

/// Show how many shares the DKEK has, how many are missing, and its key check value; no PIN is needed
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Show {
    /// The key domain
    #[arg(long, value_name = "N", default_value_t = 0)]
    key_domain: u64,
}

const EXAMPLES: &str = "\
Examples:
  tokentool dkek status
  tokentool dkek status --json | jq -r .kcv";

impl Show {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let session = tokens.module().open_session(chosen.slot, CKF_SERIAL_SESSION)?;
        let status = tokens.module().session(session)?.dkek_status(self.key_domain)?;
        let state = State::from(status.ok_or_else(|| none(&chosen.label()))?);
        Answer::new(state.text(), &state)
    }
}

/// The token was made without.
pub fn none(label: &str) -> Problem {
    Problem::new(format!("token {label:?} has no DKEK: its keys cannot be backed up"))
        .advise("`tokentool dkek init --shares N`, as SO")
}
