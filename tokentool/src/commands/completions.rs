//! `tokentool completions`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Answer;
use crate::options::{LEAVE_OUT, Line, Options};
use crate::problem::Result;

/// Print completions for a shell
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  tokentool completions bash > ~/.local/share/bash-completion/completions/tokentool
  tokentool completions zsh > ~/.zfunc/_tokentool
  tokentool completions fish > ~/.config/fish/completions/tokentool.fish";

impl Completions {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        options.without_token(LEAVE_OUT)?;
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Line::command(), "tokentool", &mut script);
        Ok(Answer::verbatim(String::from_utf8_lossy(&script).into_owned()))
    }
}
