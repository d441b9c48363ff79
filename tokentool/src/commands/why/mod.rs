//! `tokentool why`: what the module refused of late, and by which rule; read from the trace.

mod refusal;
mod rules;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};

use crate::Answer;
use crate::options::{LEAVE_OUT, Options};
use crate::problem::{Problem, Result};
use crate::tokens::settings;
use refusal::Refusal;

/// Show what the module refused of late, and why
///
/// Programs write their refusals down when `trace` names a file for them: in tokenkeep.toml, in TOKENKEEP_TRACE, or
/// as trace=… in the string that C_Initialize gets. PINs and keys are never written.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Why {
    /// The trace [default: $TOKENKEEP_TRACE, or what tokenkeep.toml says]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    trace: Option<PathBuf>,

    /// Only refusals to this process
    #[arg(long, value_name = "PID")]
    process: Option<u32>,

    /// So many refusals, the latest last
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,

    /// Go on: show each refusal when it comes, until interrupted; with --json one object a line
    #[arg(long)]
    follow: bool,
}

const EXAMPLES: &str = "\
Examples:
  tokentool why                                     after: export TOKENKEEP_TRACE=$HOME/tokenkeep.trace
  tokentool why --process 4711 --last 1
  tokentool why --follow
  tokentool why --json | jq -r '.[] | .code + \" \" + .why'";

/// How often a trace that is followed is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Why {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        options.without_token(LEAVE_OUT)?;
        let path = match &self.trace {
            Some(path) => path.clone(),
            None => settings(options)?.trace.ok_or_else(untraced)?,
        };
        let mut trace = BufReader::new(File::open(&path).map_err(|error| unread(&path, &error))?);
        // One JSON object a line, from the first byte of the file.
        if !matches!(trace.fill_buf().map_err(|error| unread(&path, &error))?, [] | [b'{', ..]) {
            return Err(Problem::new(format!("{} is no trace", path.display()))
                .advise("the file that TOKENKEEP_TRACE named when the program ran"));
        }
        let mut last = VecDeque::new();
        self.rest(&mut trace, &path, &mut |refusal| {
            last.push_back(refusal);
            if last.len() > self.last as usize {
                last.pop_front();
            }
            Ok(())
        })?;
        if self.follow {
            return self.followed(&mut trace, &path, last, options.json);
        }
        let text = match last.is_empty() {
            true => format!("Nothing was refused, as far as {} tells.\n", path.display()),
            false => last.iter().map(Refusal::text).collect::<Vec<_>>().join("\n"),
        };
        Answer::new(text, &last)
    }

    /// Whole lines that have come to the trace; one that is still being written is left for later.
    fn rest(
        &self,
        trace: &mut BufReader<File>,
        path: &Path,
        tell: &mut dyn FnMut(Refusal) -> Result<()>,
    ) -> Result<()> {
        let told = |error| Problem::file("read", path, &error);
        let mut line = Vec::new();
        while trace.read_until(b'\n', &mut line).map_err(told)? > 0 {
            if line.last() != Some(&b'\n') {
                trace.seek_relative(-(line.len() as i64)).map_err(told)?;
                break;
            }
            let refusal = Refusal::read(&String::from_utf8_lossy(&line));
            line.clear();
            let ours = |refusal: &Refusal| self.process.is_none_or(|process| process == refusal.process);
            refusal.filter(ours).map_or(Ok(()), &mut *tell)?;
        }
        Ok(())
    }

    #[allow(clippy::disallowed_methods, reason = "it waits for other programs to write")]
    fn followed(
        &self,
        trace: &mut BufReader<File>,
        path: &Path,
        last: VecDeque<Refusal>,
        json: bool,
    ) -> Result<Answer> {
        let mut tell = |refusal: Refusal| {
            let text = match json {
                true => {
                    serde_json::to_string(&refusal).map_err(|error| Problem::new(error.to_string()))? + "\n"
                }
                false => refusal.text() + "\n",
            };
            match crate::say(&text)? {
                true => Ok(()),
                false => std::process::exit(0),
            }
        };
        last.into_iter().try_for_each(&mut tell)?;
        loop {
            std::thread::sleep(LOOK_AGAIN);
            self.rest(trace, path, &mut tell)?;
        }
    }
}

fn untraced() -> Problem {
    Problem::new("nothing is traced: no setting names a file for it")
        .advise("export TOKENKEEP_TRACE=$HOME/tokenkeep.trace, run the program again, then `tokentool why`")
        .advise("`trace = \"FILE\"` in tokenkeep.toml, for every program")
}

fn unread(path: &Path, error: &std::io::Error) -> Problem {
    match error.kind() {
        ErrorKind::NotFound => {
            Problem::new(format!("{} is not there: no program has refused anything yet", path.display()))
                .advise("run the program again, with the same TOKENKEEP_TRACE")
        }
        _ => Problem::file("read", path, error),
    }
}
