//! `tokentool dkek init`: gives a token that is there already a DKEK.

use clap::Args;
use tokenkeep::cryptoki::Rv;
use tokenkeep::cryptoki::ids::CKF_RW_SESSION;
use tokenkeep::token::User;

use super::{State, done};
use crate::Answer;
use crate::options::Options;
use crate::pin::SoPin;
use crate::problem::{Problem, Result};
use crate::tokens::Tokens;

/// Give a token a DKEK, as SO: `tokentool init --dkek-shares` does it for a new one
///
/// A DKEK of which shares are missing may begin anew; a complete one stays as long as the token.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Init {
    /// Of how many shares; 0 draws a random key that nobody else will ever have
    #[arg(long, value_name = "N")]
    shares: u8,

    /// The key domain
    #[arg(long, value_name = "N", default_value_t = 0)]
    key_domain: u64,

    #[command(flatten)]
    so_pin: SoPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool dkek init --shares 2 --token bench
  SO=… tokentool dkek init --shares 0 --so-pin-env SO";

impl Init {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let session = chosen.enter(&tokens, User::Officer, &self.so_pin.source(), CKF_RW_SESSION)?;
        let status = tokens.module().session(session)?.dkek_init(self.key_domain, self.shares);
        let status = status.map_err(|error| match error.rv() {
            Rv::ActionProhibited => Problem::new(error.to_string())
                .advise("`tokentool dkek status` shows it")
                .advise("`tokentool init --dkek-shares N` makes another token, for another DKEK"),
            _ => error.into(),
        })?;
        let told = match status.missing {
            0 => format!("Token {:?} has a DKEK that no other token will ever have.", chosen.label()),
            _ => format!("Token {:?} waits for its DKEK.", chosen.label()),
        };
        let state = State::from(status);
        Answer::new(done(&told) + &state.text(), &state)
    }
}
