//! `tokentool backup`: the whole token under its DKEK.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde::Serialize;
use tokenkeep::backup::Archive;
use tokenkeep::token::User;

use crate::Answer;
use crate::files;
use crate::options::Options;
use crate::paint::{GOOD, WARN, count, paint, plain};
use crate::pin::UserPin;
use crate::problem::Result;
use crate::progress::bar;
use crate::tokens::Tokens;

/// Back up a whole token under its DKEK: keys, certificates, data, every attribute
///
/// What is written is read again before it is believed. Keys of which CKA_TOKENKEEP_BACKUP is false stay, and are named.
/// `tokentool restore` puts everything onto a fresh token with the same DKEK.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Backup {
    /// The new file; or directory, where the name ends in / or one is there: its *.wrapped are also for sc-hsm-tool
    #[arg(value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    path: PathBuf,

    /// The key domain; every other one has its own backup
    #[arg(long, value_name = "N", default_value_t = 0)]
    key_domain: u64,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool backup hsm.backup
  PIN=… tokentool backup --pin-env PIN backups/2026-11-21/";

#[derive(Serialize)]
struct Done {
    path: String,
    objects: usize,
    kcv: String,
    /// The DKEK is random: nobody else can have it.
    only_here: bool,
    left_out: Vec<String>,
}

impl Backup {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let as_directory = self.path.is_dir() || self.path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if self.path.exists() && !as_directory {
            return Err(files::taken(&self.path));
        }
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let session = chosen.enter(&tokens, User::User, &self.pin.source(), 0)?;
        let call = tokens.module().session(session)?;
        let backup = bar("Backing up", |progress| call.backup(self.key_domain, progress))?;
        let archive = Archive::read(&backup.archive)?;
        match as_directory {
            true => files::write_all(&self.path, &archive.files())?,
            false => files::write(&self.path, &backup.archive)?,
        }
        let done = Done {
            path: self.path.display().to_string(),
            objects: backup.objects,
            kcv: archive.manifest.kcv.to_string(),
            only_here: call.dkek_status(self.key_domain)?.is_some_and(|status| status.shares == 0),
            left_out: backup.left_out.iter().map(|name| plain(name.as_bytes())).collect(),
        };
        Answer::new(done.text(&chosen.label()), &done)
    }
}

impl Done {
    fn text(&self, label: &str) -> String {
        let objects = count(self.objects as u64, "object", "objects");
        let mut text = format!(
            "{} {objects} of token {label:?} are in {}, under the DKEK {}.\n",
            paint(GOOD, "✓"),
            self.path,
            self.kcv
        );
        if self.only_here {
            let warning = paint(WARN, "of use to this token only:");
            text += &format!("{warning} its DKEK has no shares, and no other token can have it\n");
        }
        for name in &self.left_out {
            text += &format!("{} {name}\n", paint(WARN, "left out:"));
        }
        text
    }
}
