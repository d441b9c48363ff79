//! Custodians at the terminal: one screen each, and what they type.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use tokenkeep::backup::{Sheet, Typed, split};
use tokenkeep::cryptoki::{Error, Secret};

use crate::files;
use crate::problem::{Problem, Result};

/// Clears the screen and what was scrolled out of it.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

/// How often a custodian may type what cannot be right.
const TRIES: usize = 3;

/// Shows each custodian his sheet on a screen of his own; without a terminal, answers them as text.
pub fn show(sheets: &[Sheet]) -> Result<String> {
    if sheets.is_empty() || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Ok(sheets.iter().map(|sheet| format!("{sheet}\n")).collect());
    }
    let mut out = io::stdout();
    for sheet in sheets {
        write!(out, "{CLEAR}Press <enter> to display share {} of {}", sheet.id, sheet.total)?;
        line("")?;
        write!(out, "{CLEAR}{sheet}\n\nPlease note ALL values above and press <enter> when finished")?;
        line("")?;
        write!(out, "{CLEAR}")?;
        out.flush()?;
    }
    Ok(String::new())
}

/// The prime and the shares, as they were typed or given.
pub struct Given {
    pub prime: Secret,
    pub shares: Vec<Typed>,
}

impl Given {
    /// From the command line: `HEX` and `ID:HEX` each.
    pub fn parse(prime: &str, shares: &[String]) -> Result<Given> {
        // Which one is wrong is told, and not its value.
        let wrong = |what: String| {
            move |error: Error| {
                Problem::new(error.to_string()).but(&what).advise("what stands on the custodian's paper")
            }
        };
        let share = |(at, text): (usize, &String)| {
            Typed::parse(text).map_err(wrong(format!("share {} of {}", at + 1, shares.len())))
        };
        let prime = split::digits(prime).map_err(wrong("the prime".into()))?;
        Ok(Given { prime, shares: shares.iter().enumerate().map(share).collect::<Result<_>>()? })
    }

    /// From a file: the prime in its first line, then `ID:HEX` in each.
    pub fn read(path: &Path) -> Result<Given> {
        let bytes = Secret::from(files::read(path)?);
        let text = std::str::from_utf8(bytes.expose());
        let text = text.map_err(|_| Problem::new(format!("{} is not UTF-8 text", path.display())))?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let prime = lines.next().unwrap_or_default();
        Given::parse(prime, &lines.map(str::to_owned).collect::<Vec<_>>())
    }

    /// From the terminal, `count` shares, as sc-hsm-tool asks.
    pub fn ask(count: usize) -> Result<Given> {
        if !io::stdin().is_terminal() {
            return Err(Problem::new(
                "the password shares are needed, and there is no terminal to ask for them",
            )
            .advise("--prime HEX --share ID:HEX --share ID:HEX, or --shares-file FILE"));
        }
        let mut doubted = None;
        let prime = typed(|| {
            let prime = split::digits(&line("Please enter prime: ")?)?;
            // It may be right all the same: who types it twice means it.
            match split::doubt(&prime).filter(|_| doubted.as_ref() != Some(&prime)) {
                Some(doubt) => {
                    doubted = Some(prime);
                    Err(Problem::new(doubt).advise("what stands on the custodian's paper"))
                }
                None => Ok(prime),
            }
        })?;
        let mut shares: Vec<Typed> = Vec::new();
        for at in 1..=count {
            line(&format!("{CLEAR}Press <enter> to enter share {at} of {count}"))?;
            let share = typed(|| {
                let id = line("Please enter share ID: ")?;
                let share = Typed::new(&id, &line("Please enter share value: ")?)?;
                match shares.iter().any(|other| other.id == share.id) {
                    true => Err(Problem::new(format!("share {} is there already", share.id))
                        .advise("the share of another custodian")),
                    false => Ok(share),
                }
            })?;
            shares.push(share);
        }
        write!(io::stdout(), "{CLEAR}")?;
        Ok(Given { prime, shares })
    }
}

/// What a custodian types, and types again when it cannot be right.
fn typed<T>(mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..TRIES {
        match ask() {
            Err(problem) => writeln!(io::stderr(), "{}; once more, please", problem.what())?,
            done => return done,
        }
    }
    ask()
}

/// A line that is typed after a prompt; the end of them is no answer.
fn line(prompt: &str) -> Result<String> {
    let mut out = io::stdout();
    write!(out, "{prompt}")?;
    out.flush()?;
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Err(Problem::new("the terminal was closed before everything was typed")
            .advise("the command again; nothing was changed"));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
