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
mod terminal;
mod tokens;

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use options::Line;
use paint::{BAD, HINT};
use problem::{Problem, Result};

/// What a command found: for people, and for programs.
pub struct Answer {
    text: String,
    json: serde_json::Value,
    but: Option<Problem>,
}

impl Answer {
    /// The same facts twice: as text, and as what `--json` prints.
    pub fn new(text: impl Into<String>, facts: &impl serde::Serialize) -> Result<Answer> {
        let json = serde_json::to_value(facts).map_err(|error| Problem::new(error.to_string()))?;
        Ok(Answer { text: text.into(), json, but: None })
    }

    /// Text that is data itself, and stays the same with `--json`: completions, man pages.
    pub fn verbatim(text: String) -> Answer {
        Answer { text, json: serde_json::Value::Null, but: None }
    }

    /// The same, and then what is wrong with some of it: the command fails.
    #[must_use]
    pub fn but(self, problem: Option<Problem>) -> Answer {
        Answer { but: problem, ..self }
    }
}

fn main() -> ExitCode {
    secrecy::begin();
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(refused) if refused.use_stderr() => refused.exit(),
        Err(help) => return end(say(&help.render().ansi().to_string()).map(drop)),
    };
    end(commands::run(&line).and_then(|answer| print(&answer, line.options.json)))
}

fn end(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            complain(&problem);
            ExitCode::FAILURE
        }
    }
}

fn print(answer: &Answer, json: bool) -> Result<()> {
    match (&answer.json, json) {
        (serde_json::Value::Null, _) | (_, false) => say(&answer.text),
        (facts, true) => say(&format!("{facts:#}\n")),
    }
    .and_then(|_| answer.but.clone().map_or(Ok(()), Err))
}

/// Writes to standard output; whether anybody listens. Whoever reads may have read enough: `tokentool demo | head`.
fn say(text: &str) -> Result<bool> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Problem::file("write", Path::new("standard output"), &error)),
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
