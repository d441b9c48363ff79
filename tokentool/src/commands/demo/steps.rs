//! The steps of the demo: each is done, and then told in one line.

use serde::Serialize;

use crate::paint::{BAD, FAINT, GOOD, paint};
use crate::problem::{Problem, Result};

/// A step that was tried.
#[derive(Serialize)]
pub struct Step {
    step: &'static str,
    ok: bool,
    found: String,
}

/// All steps so far; told as they happen when `aloud`, as long as anybody listens.
pub struct Steps {
    aloud: bool,
    steps: Vec<Step>,
}

impl Steps {
    /// No steps yet.
    pub fn new(aloud: bool) -> Steps {
        Steps { aloud, steps: Vec::new() }
    }

    /// Does a step: the work answers what it found, in words, and what later steps need.
    pub fn take<T>(&mut self, step: &'static str, work: impl FnOnce() -> Result<(String, T)>) -> Result<T> {
        let (found, done) = match work() {
            Ok((found, value)) => (found, Ok(value)),
            Err(problem) => (problem.what().to_owned(), Err(problem)),
        };
        let ok = done.is_ok();
        if self.aloud {
            let mark = if ok { paint(GOOD, "✓") } else { paint(BAD, "✗") };
            self.aloud = crate::say(&format!("{mark} {step:<22} {}\n", paint(FAINT, &found)))?;
        }
        self.steps.push(Step { step, ok, found });
        done.map_err(|problem| Problem::new(format!("{step}: {}", problem.what())))
    }

    /// What was done.
    pub fn done(self) -> Vec<Step> {
        self.steps
    }
}
