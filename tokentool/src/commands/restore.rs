//! `tokentool restore`: a backup onto a fresh token.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde::Serialize;
use tokenkeep::backup::{Manifest, archive};
use tokenkeep::cryptoki::Rv;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::names;
use tokenkeep::token::User;

use crate::Answer;
use crate::files;
use crate::options::Options;
use crate::paint::{GOOD, WARN, count, paint};
use crate::pin::UserPin;
use crate::problem::{Problem, Result};
use crate::progress::bar;
use crate::tokens::Tokens;

/// Restore a backup onto a fresh token with the same DKEK: every object with every attribute, or nothing
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Restore {
    /// What `tokentool backup` made
    #[arg(value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    path: PathBuf,

    /// Check everything and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Only check that the backup is whole and under this token's DKEK; the token need not be empty
    #[arg(long, conflicts_with = "dry_run")]
    verify: bool,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool init --label spare --dkek-shares 2
  tokentool dkek import-share alice.pbe --token spare
  tokentool dkek import-share bob.pbe --token spare
  tokentool restore hsm.backup --token spare";

#[derive(Serialize)]
struct Done {
    written: bool,
    kcv: String,
    token: String,
    created: u64,
    left_out: u64,
    objects: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    class: String,
    wrapped_key: bool,
}

impl Restore {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let bytes = read(&self.path)?;
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let session = chosen.enter(&tokens, User::User, &self.pin.source(), CKF_RW_SESSION)?;
        let call = tokens.module().session(session)?;
        let manifest = bar("Restoring", |progress| match self.verify {
            true => call.verify_backup(&bytes, progress),
            false => call.restore(&bytes, self.dry_run, progress),
        });
        let manifest = manifest.map_err(|error| match error.rv() {
            Rv::ActionProhibited => {
                Problem::new(error.to_string()).advise("`tokentool init` makes a fresh token")
            }
            Rv::DataInvalid => Problem::new(error.to_string())
                .advise("another copy of the backup, or the token with its DKEK"),
            _ => error.into(),
        })?;
        let done = Done::of(&manifest, !self.dry_run && !self.verify);
        Answer::new(done.text(&chosen.label()), &done)
    }
}

/// A backup, from its file or from the files of its directory.
fn read(path: &Path) -> Result<Vec<u8>> {
    match path.is_dir() {
        true => archive::from_files(|name| files::read(&path.join(name))),
        false => files::read(path),
    }
}

impl Done {
    fn of(manifest: &Manifest, written: bool) -> Done {
        let listed = manifest.objects.iter().map(|item| Listed {
            class: names::class(item.class).into_owned(),
            wrapped_key: item.key.is_some(),
        });
        Done {
            written,
            kcv: manifest.kcv.to_string(),
            token: manifest.serial.clone(),
            created: manifest.created,
            left_out: manifest.left_out,
            objects: listed.collect(),
        }
    }

    fn text(&self, label: &str) -> String {
        let objects = count(self.objects.len() as u64, "object", "objects");
        let what = match self.written {
            true => format!("{objects} of token {} are in token {label:?}, each as it was.", self.token),
            false => format!("The backup of token {} is whole: {objects}. Nothing was written.", self.token),
        };
        let mut text = format!("{} {what}\n", paint(GOOD, "✓"));
        if self.left_out > 0 {
            let keys = count(self.left_out, "key", "keys");
            text +=
                &format!("{} {keys} that must not leave their token\n", paint(WARN, "not in the backup:"));
        }
        text
    }
}
