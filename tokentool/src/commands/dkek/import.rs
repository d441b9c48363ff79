//! `tokentool dkek import-share`: opens a share file and adds the share to the token's DKEK.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use tokenkeep::backup::{Import, Kcv, ShareFile, split};
use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::CKF_RW_SESSION;
use tokenkeep::token::User;

use super::custodians::Given;
use super::status::none;
use super::{State, done};
use crate::Answer;
use crate::files;
use crate::options::Options;
use crate::pin::{self, Password, SoPin, UserPin};
use crate::problem::{Problem, Result};
use crate::progress::bar;
use crate::tokens::{Chosen, Tokens};

/// Import a share of the token's DKEK from a file
///
/// The DKEK is sealed under the token's key: the user or the SO logs in. With the last share compare the key check value
/// that is shown with the one on the custodians' papers, or let --expect-kcv do it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportShare {
    /// The file that `dkek create-share` or sc-hsm-tool made
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    #[command(flatten)]
    password: Password,

    /// How many custodians will type their share of the password
    #[arg(long, value_name = "K", conflicts_with = "password-source")]
    pwd_shares_total: Option<usize>,

    /// The prime that every custodian has
    #[arg(long, value_name = "HEX", requires = "share", conflicts_with = "password-source")]
    prime: Option<String>,

    /// A custodian's share of the password; once for each
    #[arg(long, value_name = "ID:HEX", requires = "prime")]
    share: Vec<String>,

    /// The prime in the first line of this file, then ID:HEX of each custodian
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["prime", "password-source"])]
    shares_file: Option<PathBuf>,

    /// Refuse the last share if the DKEK would have another key check value
    #[arg(long, value_name = "KCV")]
    expect_kcv: Option<Kcv>,

    /// Import a share although the same one was imported before
    #[arg(long)]
    force: bool,

    /// The key domain
    #[arg(long, value_name = "N", default_value_t = 0)]
    key_domain: u64,

    #[command(flatten)]
    pin: UserPin,

    #[command(flatten)]
    so_pin: SoPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool dkek import-share alice.pbe
  tokentool dkek import-share safe.pbe --pwd-shares-total 3
  PIN=… WORD=… tokentool dkek import-share alice.pbe --pin-env PIN --password-env WORD";

impl ImportShare {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let file = ShareFile::read(&files::read(&self.file)?)?;
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let session = self.login(&tokens, &chosen)?;
        let call = tokens.module().session(session)?;
        // What cannot be imported is not worth the seconds.
        let before = call.dkek_status(self.key_domain)?.ok_or_else(|| none(&chosen.label()))?;
        if before.missing == 0 {
            return Err(Problem::new(format!(
                "all shares of the DKEK of token {:?} are there",
                chosen.label()
            ))
            .advise("`tokentool dkek status` shows its key check value"));
        }
        let share = open(&file, &self.passwords()?)?;
        let import = Import { repeated: self.force, expect: self.expect_kcv };
        let state = State::from(call.dkek_import(self.key_domain, &share, import)?);
        Answer::new(done("DKEK share imported") + &state.text(), &state)
    }

    fn login(&self, tokens: &Tokens, chosen: &Chosen) -> Result<u64> {
        let (user, source) = match self.so_pin.source().is_given() {
            true => (User::Officer, self.so_pin.source()),
            false => (User::User, self.pin.source()),
        };
        chosen.enter(tokens, user, &source, CKF_RW_SESSION)
    }

    /// The passwords that may open the file.
    fn passwords(&self) -> Result<Vec<Secret>> {
        let given = match (&self.prime, &self.shares_file, self.pwd_shares_total) {
            (Some(prime), ..) => {
                pin::warn("password share", "--shares-file FILE hides it")?;
                Given::parse(prime, &self.share)?
            }
            (_, Some(path), _) => Given::read(path)?,
            (_, _, Some(count)) => Given::ask(count)?,
            _ => return Ok(vec![self.password.source().known(&format!(" of {}", self.file.display()))?]),
        };
        Ok(split::passwords(&given.prime, &given.shares)?)
    }
}

/// Tries one password after the other.
fn open(file: &ShareFile, passwords: &[Secret]) -> Result<Secret> {
    let mut last = None;
    for password in passwords {
        let cover = bar("Deciphering the DKEK share", |progress| file.cover(password, progress));
        match file.open(&cover) {
            Ok(share) => return Ok(share),
            Err(error) => last = Some(error),
        }
    }
    let what = last.map_or("there is no password to try".into(), |error| error.to_string());
    Err(Problem::new(what)
        .advise("the right password, the right values of the custodians, or another copy of the file"))
}
