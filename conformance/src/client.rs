//! Real client programs: runs the scripts in `conformance/clients` and prints a table.

use std::fs;
use std::io::{self, Error, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Arguments {
    /// The clients to run; all of them if none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// The module to judge [default: target/release/libtokenkeep.so of this checkout]
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,

    /// Only list the clients, with what each one does
    #[arg(long)]
    list: bool,
}

/// How a script's exit code reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Verdict {
    const SKIPPED: i32 = 77;

    fn of(code: Option<i32>) -> Self {
        match code {
            Some(0) => Self::Passed,
            Some(Self::SKIPPED) => Self::Skipped,
            _ => Self::Failed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Runs what was asked for; `Ok(false)` when a client failed.
pub fn run(arguments: &Arguments) -> io::Result<bool> {
    let scripts = chosen(&arguments.names, scripts(&directory()?)?)?;
    if arguments.list {
        for script in &scripts {
            println!("{:<16} {}", name(script), about(script)?);
        }
        return Ok(true);
    }
    let mut verdicts = Vec::new();
    for script in &scripts {
        verdicts.push(judge(script, arguments.module.as_deref())?);
    }
    let count = |wanted| verdicts.iter().filter(|v| **v == wanted).count();
    let failed = count(Verdict::Failed);
    println!("{} passed, {failed} failed, {} skipped", count(Verdict::Passed), count(Verdict::Skipped));
    Ok(failed == 0)
}

/// Runs one script and prints its line of the table, with all it said if it failed.
#[allow(clippy::disallowed_methods, reason = "how long a client took is told by the real clock")]
fn judge(script: &Path, module: Option<&Path>) -> io::Result<Verdict> {
    let mut command = Command::new(script);
    command.stdin(Stdio::null());
    if let Some(module) = module {
        command.arg("--module").arg(module);
    }
    let begun = Instant::now();
    let output = command.output()?;
    let verdict = Verdict::of(output.status.code());
    if verdict == Verdict::Failed {
        print!("{}", String::from_utf8_lossy(&output.stdout));
        io::stderr().write_all(&output.stderr)?;
    }
    println!("{}", row(name(script), verdict, begun.elapsed(), &last_word(&output)));
    Ok(verdict)
}

fn row(name: &str, verdict: Verdict, took: Duration, word: &str) -> String {
    format!("{:<8} {name:<16} {:>6.1} s  {word}", verdict.word(), took.as_secs_f64())
}

/// What a script says at its end: `proved: …`, `skipped: …` or `FAILED NAME: …`, without that first word.
fn last_word(output: &Output) -> String {
    let said = [output.stdout.as_slice(), b"\n", &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let ends = |line: &&str| ["proved: ", "skipped: ", "FAILED "].iter().any(|word| line.starts_with(word));
    let line = said.lines().rfind(ends).unwrap_or("it said nothing");
    line.split_once(": ").map_or(line, |(_, rest)| rest).trim_end().to_owned()
}

/// `conformance/clients` of the checkout we stand in, else of the one we were built in.
fn directory() -> io::Result<PathBuf> {
    let here = std::env::current_dir()?;
    here.ancestors()
        .map(|up| up.join("conformance/clients"))
        .chain([Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")])
        .find(|clients| clients.join("lib.sh").is_file())
        .ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "conformance/clients is neither here nor where we were built")
        })
}

/// The executable files of the directory, by name.
fn scripts(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut scripts = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let metadata = fs::metadata(&path)?;
        if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
            scripts.push(path);
        }
    }
    scripts.sort();
    Ok(scripts)
}

/// The scripts that are named, in the order of the names; all if there is no name.
fn chosen(names: &[String], scripts: Vec<PathBuf>) -> io::Result<Vec<PathBuf>> {
    if names.is_empty() {
        return Ok(scripts);
    }
    let find = |wanted: &String| {
        scripts.iter().find(|script| name(script) == wanted).cloned().ok_or_else(|| {
            let known: Vec<_> = scripts.iter().map(|script| name(script)).collect();
            Error::new(ErrorKind::NotFound, format!("no client {wanted}; there are {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

fn name(script: &Path) -> &str {
    script.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The comment under a script's first line.
fn about(script: &Path) -> io::Result<String> {
    let text = fs::read_to_string(script)?;
    let comment = text.lines().skip(1).map_while(|line| line.strip_prefix("# "));
    Ok(comment.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn said(stdout: &str, stderr: &str) -> Output {
        Output { status: ExitStatus::from_raw(0), stdout: stdout.into(), stderr: stderr.into() }
    }

    #[test]
    fn an_exit_code_other_than_0_and_77_is_a_failure() {
        assert_eq!(Verdict::of(Some(0)), Verdict::Passed);
        assert_eq!(Verdict::of(Some(77)), Verdict::Skipped);
        for code in [Some(1), Some(2), Some(139), None] {
            assert_eq!(Verdict::of(code), Verdict::Failed);
        }
    }

    #[test]
    fn the_last_word_is_the_reason() {
        assert_eq!(last_word(&said("note: slow\nproved: it signs: well\n", "")), "it signs: well");
        assert_eq!(last_word(&said("", "+ command\nFAILED nss: no key\n")), "no key");
        assert_eq!(last_word(&said("", "")), "it said nothing");
    }

    #[test]
    fn every_client_says_what_it_does() {
        let scripts = scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")).unwrap();
        assert!(scripts.len() >= 8);
        for script in scripts {
            assert!(about(&script).unwrap().len() > 20, "{} has no comment", name(&script));
        }
    }

    #[test]
    fn an_unknown_client_is_an_error_that_names_the_known_ones() {
        let error = chosen(&["nobody".into()], vec!["clients/nss".into()]).unwrap_err();
        assert_eq!(error.to_string(), "no client nobody; there are nss");
    }
}
