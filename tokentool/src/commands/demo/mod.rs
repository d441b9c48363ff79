//! `tokentool demo`: a token made, used, locked and thrown away, through the module as other programs load it.

use clap::Args;

use crate::Answer;
use crate::options::Options;
use crate::problem::{Problem, Result};

/// See it all work, on a token that is thrown away
#[derive(Args)]
pub struct Demo {}

impl Demo {
    pub fn run(&self, _options: &Options) -> Result<Answer> {
        Err(Problem::new("the demo is not written yet"))
    }
}
