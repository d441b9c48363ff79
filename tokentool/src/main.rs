//! tokentool: makes, shows and manages Tokenkeep tokens from the command line.

#![forbid(unsafe_code)]

mod commands;
mod files;
mod module;
mod options;
mod paint;
mod pin;
mod problem;
mod progress;
mod secrecy;
mod table;
mod tokens;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;

use options::Line;
use paint::{BAD, HINT};
use problem::{Problem, Result};

/// What a command found: for people, and for programs.
pub struct Answer {
    text: String,
    json: serde_json::Value,
}

impl Answer {
    /// The same facts twice: as text, and as what `--json` prints.
    pub fn new(text: impl Into<String>, facts: &impl serde::Serialize) -> Result<Answer> {
        let json = serde_json::to_value(facts).map_err(|error| Problem::new(error.to_string()))?;
        Ok(Answer { text: text.into(), json })
    }

    /// Text that is data itself, and stays the same with `--json`: completions, man pages.
    pub fn verbatim(text: String) -> Answer {
        Answer { text, json: serde_json::Value::Null }
    }
}

fn main() -> ExitCode {
    secrecy::begin();
    let line = Line::parse();
    let done =
        commands::run(&line).and_then(|answer| print(&answer, line.options.json).map_err(Problem::from));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

fn print(answer: &Answer, json: bool) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let printed = match (&answer.json, json) {
        (serde_json::Value::Null, _) | (_, false) => out.write_all(answer.text.as_bytes()),
        (facts, true) => writeln!(out, "{facts:#}"),
    };
    match printed.and_then(|()| out.flush()) {
        // Whoever reads has read enough: `tokentool mechanisms | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn complain(problem: &Problem) {
    let mut err = anstream::stderr().lock();
    // There is nobody left to tell when stderr is closed.
    let _ = writeln!(err, "{BAD}tokentool:{BAD:#} {}", problem.what());
    for advice in problem.advice() {
        let _ = writeln!(err, "  {HINT}try:{HINT:#} {advice}");
    }
}
