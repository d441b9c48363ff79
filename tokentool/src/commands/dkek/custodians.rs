//! Custodians at the terminal: one screen each, and what they type.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use tokenkeep::backup::{Sheet, Typed, split};
use tokenkeep::cryptoki::{Error, Secret};

use crate::files;
use crate::problem::{Problem, Result};

/// Clears the screen and what was scrolled out of it.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

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
        let prime = split::digits(&line("Please enter prime: ")?)?;
        if let Some(doubt) = split::doubt(&prime) {
            writeln!(io::stderr(), "{doubt}")?;
        }
        let mut shares = Vec::new();
        for at in 1..=count {
            line(&format!("{CLEAR}Press <enter> to enter share {at} of {count}"))?;
            let id = line("Please enter share ID: ")?;
            shares.push(Typed::new(&id, &line("Please enter share value: ")?)?);
        }
        write!(io::stdout(), "{CLEAR}")?;
        Ok(Given { prime, shares })
    }
}

/// A line that is typed after a prompt.
fn line(prompt: &str) -> Result<String> {
    let mut out = io::stdout();
    write!(out, "{prompt}")?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
