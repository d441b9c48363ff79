//! `tokentool snapshot`: a copy of the sealed token file while others use it.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde::Serialize;

use crate::Answer;
use crate::files;
use crate::options::Options;
use crate::paint::{GOOD, paint};
use crate::problem::Result;
use crate::tokens::Tokens;

/// Copy the sealed token file as it is at one moment, while other programs use it; no PIN is needed
///
/// The copy has the same PINs, serial number and slot: it is for disaster recovery, not a second token.
///
/// The way back: end the programs that use the token, move its file away with the -wal and -shm beside it, and copy the
/// snapshot to its place, DIR/SERIAL.token, under that very name. `tokentool verify --login` then says whether it is whole.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Snapshot {
    /// The new file
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  tokentool snapshot /mnt/backup/hsm.token
  tokentool snapshot --token bench bench-2026-11-21.token";

#[derive(Serialize)]
struct Done {
    file: String,
    serial: String,
}

impl Snapshot {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        if self.file.exists() {
            return Err(files::taken(&self.file));
        }
        let chosen = Tokens::open(options)?.one()?;
        chosen.token.vault().store().snapshot(&self.file)?;
        let done = Done { file: self.file.display().to_string(), serial: chosen.header.serial.clone() };
        let text =
            format!("{} Token {:?} as it is now is in {}.\n", paint(GOOD, "✓"), chosen.label(), done.file);
        Answer::new(text, &done)
    }
}
