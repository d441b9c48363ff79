//! `tokentool demo`: a token made, used, locked and thrown away, through the module as other programs load it.
//!
//! The steps run in a process of their own, which sees no other token and no setting of the user's: the parent
//! removes the directory whatever happens to it.

mod certificate;
mod client;
mod custody;
mod judge;
mod lines;

mod steps;
mod witness;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use clap::{Args, ValueHint};
use serde::Serialize;

use crate::Answer;
use crate::module;
use crate::options::{LEAVE_OUT, Options};
use crate::problem::{Problem, Result, at};
use lines::Try;
use steps::{Step, Steps};

/// See it all work, on a token that is thrown away
///
/// Loads libtokenkeep.so as any other program does, makes a token in a temporary directory, generates keys, signs,
/// has the signatures verified by other code, locks the PIN and unblocks it. Then five custodians share the key of a
/// backup, the token is lost, and three of them bring it back. Your own tokens are not touched.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Demo {
    /// The module to load [default: libtokenkeep.so beside this program]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    module: Option<PathBuf>,

    /// Where the demo's own second process works
    #[arg(long, value_name = "DIR", hide = true)]
    stage: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  tokentool demo
  tokentool demo --module target/release/libtokenkeep.so
  cargo run --release -p tokentool -- demo               in a checkout";

/// What the demo's token is made with: few PBKDF2 rounds, since it is worth nothing.
const SETTINGS: &str = "kdf_iterations = 10000\n";

#[derive(Serialize)]
struct Report {
    module: String,
    passed: bool,
    steps: Vec<Step>,
    #[serde(rename = "try")]
    lines: Vec<Try>,
}

impl Demo {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        options.without_token(LEAVE_OUT)?;
        let module = module::find(self.module.as_deref())?;
        match &self.stage {
            Some(_) => play(&module, options.json),
            None => on_stage(&module, options.json),
        }
    }
}

/// Makes the stage, runs this program again on it, and clears it away.
fn on_stage(module: &Path, json: bool) -> Result<Answer> {
    let stage = tempfile::Builder::new().prefix("tokenkeep-demo-").tempdir()?;
    let done = run_on(stage.path(), module, json);
    stage.close().map_err(at("cannot remove the demo's directory"))?;
    match done? {
        status if status.success() => Ok(Answer::verbatim(String::new())),
        status => {
            let problem = Problem::new(format!("the demo failed: {}", ended(status)));
            Err(problem.advise(
                "`tokentool demo --json` for a report to the makers, if it is our module that failed",
            ))
        }
    }
}

fn run_on(stage: &Path, module: &Path, json: bool) -> Result<ExitStatus> {
    let settings = stage.join("tokenkeep.toml");
    fs::write(&settings, SETTINGS).map_err(|error| Problem::file("write", &settings, &error))?;
    let program = env::current_exe().map_err(at("cannot find this program"))?;
    let mut command = Command::new(program);
    command.arg("demo").arg("--stage").arg(stage).arg("--module").arg(module).args(json.then_some("--json"));
    command
        .env("TOKENKEEP_DIR", stage.join("tokens"))
        .env("TOKENKEEP_CONF", settings)
        .env_remove("TOKENKEEP_TRACE");
    command.status().map_err(at("cannot start the demo's process"))
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(_) => "a step did not do what it must".into(),
        None => format!("its process ended by {status}"),
    }
}

/// The steps themselves, in the second process.
fn play(module: &Path, json: bool) -> Result<Answer> {
    let mut steps = Steps::new(!json);
    let played = client::play(&mut steps, module);
    let lines = lines::all(module);
    let text = match &played {
        Ok(()) => lines::text(module, &lines),
        Err(_) => String::new(),
    };
    let report =
        Report { module: module.display().to_string(), passed: played.is_ok(), steps: steps.done(), lines };
    let answer = Answer::new(text, &report)?;
    match played {
        Ok(()) => Ok(answer),
        Err(_) => {
            // The step was told; the parent says the rest.
            crate::print(&answer, json)?;
            std::process::exit(1)
        }
    }
}
