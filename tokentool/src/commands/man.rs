//! `tokentool man`: the manual pages.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory, ValueHint};
use clap_mangen::Man as Page;

use crate::Answer;
use crate::options::{LEAVE_OUT, Line, Options};
use crate::paint::{GOOD, paint};
use crate::problem::{Problem, Result};

/// Print the manual page, or write those of all commands
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Man {
    /// Where to write one page for each command
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tokentool man | man -l -
  tokentool man ~/.local/share/man/man1";

impl Man {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        options.without_token(LEAVE_OUT)?;
        let Some(directory) = &self.directory else {
            let mut page = Vec::new();
            Page::new(Line::command()).render(&mut page)?;
            return Ok(Answer::verbatim(String::from_utf8_lossy(&page).into_owned()));
        };
        let told = |error| Problem::file("write to", directory, &error);
        fs::create_dir_all(directory).map_err(told)?;
        clap_mangen::generate_to(Line::command(), directory).map_err(told)?;
        let text = format!("{} Manual pages are in {}.\n", paint(GOOD, "✓"), directory.display());
        Answer::new(text, &serde_json::json!({ "directory": directory.display().to_string() }))
    }
}
