//! `tokentool dkek create-share`: a random share in a file, under a password or the shares of one.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde::Serialize;
use tokenkeep::backup::{Custody, Kcv, ShareFile, Typed, share, split};
use tokenkeep::crypto::rng;
use tokenkeep::cryptoki::Secret;

use super::{custodians, done};
use crate::Answer;
use crate::files::{self, Readers};
use crate::options::{LEAVE_OUT, Options};
use crate::pin::{Password, Rule};
use crate::problem::{Problem, Result};
use crate::progress::bar;

/// The longest password that sc-hsm-tool reads.
const PASSWORD_MAX: usize = 127;

/// Make a DKEK share: 32 random bytes in a file, under a password
///
/// No token is needed. With --pwd-shares-threshold and --pwd-shares-total nobody knows the password: it is random, and
/// split among so many custodians, of whom so many are needed. Each of them is shown his values on a screen of his own.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct CreateShare {
    /// The new file, conventionally *.pbe; sc-hsm-tool reads it too
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    #[command(flatten)]
    password: Password,

    /// How many custodians are needed to open the file, at least 2
    #[arg(long, value_name = "T", requires = "pwd_shares_total", conflicts_with = "password-source")]
    pwd_shares_threshold: Option<u8>,

    /// How many custodians there are, at least 3; up to 9 spare trouble with sc-hsm-tool
    #[arg(long, value_name = "N", requires = "pwd_shares_threshold")]
    pwd_shares_total: Option<u8>,
}

const EXAMPLES: &str = "\
Examples:
  tokentool dkek create-share alice.pbe
  tokentool dkek create-share safe.pbe --pwd-shares-threshold 3 --pwd-shares-total 5";

#[derive(Serialize)]
struct Made {
    file: String,
    share_kcv: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    custodians: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sheets: Vec<Shown>,
}

/// What a custodian is shown, for programs that show it.
#[derive(Serialize)]
struct Shown {
    id: u8,
    prime: String,
    value: String,
}

impl CreateShare {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        options.without_token(LEAVE_OUT)?;
        if self.file.exists() {
            return Err(files::taken(&self.file));
        }
        let custody = match self.pwd_shares_threshold.zip(self.pwd_shares_total) {
            Some((threshold, total)) => Some((threshold, Custody::new(threshold, total, &rng::system)?)),
            None => None,
        };
        let (file, share) = match &custody {
            Some((_, custody)) => seal(&custody.password)?,
            None => seal(&self.chosen()?)?,
        };
        if let Some((threshold, custody)) = &custody {
            check(custody, *threshold, &file, &share)?;
        }
        // A share whose custodians did not all see their sheets would open to nobody.
        let prepared = files::prepare(Readers::Owner, &self.file, &file.bytes())?;
        let sheets = custody.as_ref().map(|(_, custody)| custody.sheets.as_slice()).unwrap_or_default();
        let mut text = if options.json { String::new() } else { custodians::show(sheets)? };
        prepared.publish()?;
        let made = Made {
            file: self.file.display().to_string(),
            share_kcv: Kcv::of(&share).to_string(),
            custodians: self.pwd_shares_total,
            threshold: self.pwd_shares_threshold,
            sheets: sheets.iter().map(shown).collect(),
        };
        text += &done(&format!("The DKEK share is in {}.", made.file));
        Answer::new(text, &made)
    }

    /// People should choose six characters or more; programs may have their reasons.
    fn chosen(&self) -> Result<Secret> {
        let source = self.password.source();
        let min = if source.is_given() { 1 } else { share::PASSWORD_MIN };
        source.chosen(Rule::Length(min, PASSWORD_MAX))
    }
}

fn seal(password: &Secret) -> Result<(ShareFile, Secret)> {
    Ok(bar("Enciphering the DKEK share", |progress| ShareFile::create(password, &rng::system, progress))?)
}

/// The file opens with what the last custodians will type.
fn check(custody: &Custody, threshold: u8, file: &ShareFile, share: &Secret) -> Result<()> {
    let last = custody.sheets.iter().rev().take(threshold.into());
    let typed = last.map(|sheet| Typed { id: sheet.id.to_string(), value: sheet.value.clone() });
    let typed: Vec<Typed> = typed.collect();
    let prime = custody.sheets.first().map(|sheet| Secret::from(&sheet.prime[..])).unwrap_or_default();
    let opens = split::passwords(&prime, &typed)?.iter().any(|password| {
        let cover = bar("Checking that the custodians open it", |progress| file.cover(password, progress));
        file.open(&cover).is_ok_and(|opened| opened == *share)
    });
    match opens {
        true => Ok(()),
        false => Err(Problem::new("the custodians would not open the share").advise("the command again")),
    }
}

fn shown(sheet: &tokenkeep::backup::Sheet) -> Shown {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    Shown { id: sheet.id, prime: hex(&sheet.prime), value: hex(sheet.value.expose()) }
}
