//! `conformance count`: instructions of a step of a workload, as valgrind counts them, against those that are kept in
//! `conformance/bench/baseline.json`. Counts do not depend on who else works on the machine, as times do: two runs agree to
//! the instruction, but for RSA (0.1 %: blinding, another key) and searches (0.2 %). Another compiler or C library may move
//! them by a few percent, another processor by much more: then nothing is judged.
//!
//! ```text
//!   valgrind conformance bench --steps N     ┐  the difference is N steps and nothing else:
//!   valgrind conformance bench --steps 2·N   ┘  loading, login and the first step are in both
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::super::module;
use super::round::{self, Homes};
use super::told;
use super::workload::{self, Workload};

#[derive(Args)]
pub struct Arguments {
    /// The module to count: without it, the one that Cargo built
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,
    /// Only workloads whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// The counts to compare with
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/baseline.json"))]
    baseline: PathBuf,
    /// Print the counts as the baseline has them, and compare nothing
    #[arg(long)]
    json: bool,
}

/// The workloads that are counted, and N.
const COUNTED: &[(&str, u64)] = &[
    ("C_GetInfo", 10_000),
    ("C_GetSessionInfo", 10_000),
    ("session open/close", 2_000),
    ("begin and cancel", 1_000),
    ("find by label", 500),
    ("read a label", 1_000),
    ("HMAC-SHA-256 64 B", 500),
    ("AES-256-GCM 64 B", 500),
    ("P-256 sign", 100),
    ("RSA-2048 sign", 10),
];

/// A row that grew by more is a failure; in percent.
const ALLOWED: u64 = 10;

const UPDATE: &str = "conformance count --json >conformance/bench/baseline.json";

/// The processor as valgrind shows it, and the instructions of a step of each workload.
#[derive(Serialize, Deserialize)]
struct Counts {
    processor: String,
    instructions: BTreeMap<String, u64>,
}

/// Counts, and compares; true when no row has grown.
///
/// # Errors
/// What kept it from counting.
pub fn run(arguments: &Arguments) -> Result<bool, String> {
    if cfg!(debug_assertions) {
        return Err("it is the release that counts: cargo build --release --workspace".into());
    }
    let module = arguments.module.clone().map_or_else(module::ours, Ok)?;
    let now = counted(&module.canonicalize().map_err(told)?, &arguments.only)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&now).map_err(told)?);
        return Ok(true);
    }
    let (word, good) = compared(&kept(&arguments.baseline)?, &now);
    print!("{word}");
    Ok(good)
}

fn kept(baseline: &Path) -> Result<Counts, String> {
    let text = std::fs::read_to_string(baseline).map_err(told);
    text.and_then(|text| serde_json::from_str(&text).map_err(told))
        .map_err(|error| format!("{}: {error}", baseline.display()))
}

// ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────

fn counted(module: &Path, only: &str) -> Result<Counts, String> {
    let homes = Homes::new()?;
    let mut counts = Counts { processor: String::new(), instructions: BTreeMap::new() };
    for (name, steps) in COUNTED.iter().filter(|(name, _)| name.contains(only)) {
        let workload = workload::named(name).ok_or("no such workload")?;
        let (_, once) = instructions(&homes, module, workload, *steps)?;
        let (processor, twice) = instructions(&homes, module, workload, 2 * steps)?;
        counts.processor = processor;
        counts.instructions.insert((*name).to_owned(), twice.saturating_sub(once) / steps);
    }
    match counts.instructions.len() {
        0 => Err(format!("no workload that is counted is called {only}")),
        _ => Ok(counts),
    }
}

/// A process that does so many steps: the processor that it saw, and its instructions from its start to its end.
fn instructions(
    homes: &Homes,
    module: &Path,
    workload: &Workload,
    steps: u64,
) -> Result<(String, u64), String> {
    let (home, file) =
        (homes.of(module, workload.objects, workload.slow_pin)?, homes.path().join("callgrind.out"));
    let round = round::command(module, &home)?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind", &format!("--callgrind-out-file={}", file.display())]);
    valgrind.arg(round.get_program()).args(round.get_args());
    valgrind.envs(round.get_envs().filter_map(|(name, value)| Some((name, value?))));
    valgrind.args(["--only", workload.name, "--steps", &steps.to_string()]);
    let output = valgrind.output().map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!("{}: {}", workload.name, String::from_utf8_lossy(&output.stderr)));
    }
    let profile = std::fs::read_to_string(file).map_err(told)?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")?.parse().ok());
    let processor = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((processor, total.ok_or("callgrind has counted nothing")?))
}

/// What of a processor decides which code runs: here of the one that valgrind makes up, which is no newer than Haswell.
pub fn processor() -> String {
    let mut words = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! features {
            ($($name:tt)*) => { $(if std::arch::is_x86_feature_detected!($name) { words.push($name); })* };
        }
        features!("sse4.1" "ssse3" "aes" "pclmulqdq" "avx" "avx2" "bmi1" "bmi2" "adx" "sha" "rdrand" "rdseed"
            "vaes" "vpclmulqdq" "avx512f" "avx512ifma");
    }
    words.join(" ")
}

// ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────

/// A row of the table: instructions of a step; 0 before for a row that is not in the baseline.
struct Row<'a> {
    name: &'a str,
    before: u64,
    now: u64,
}

impl Row<'_> {
    fn percent(&self) -> f64 {
        (self.now as f64 / self.before as f64 - 1.0) * 100.0
    }

    fn mark(&self) -> &'static str {
        match 100 * self.now {
            now if now > (100 + ALLOWED) * self.before => "GREW",
            now if now < (100 - ALLOWED) * self.before => "shrank",
            _ => "",
        }
    }
}

/// A table that ends with a word on what to do; and whether no row has grown, which only the same processor can tell.
fn compared(before: &Counts, now: &Counts) -> (String, bool) {
    let kept = |name| before.instructions.get(name).copied().unwrap_or_default();
    let rows = now.instructions.iter().map(|(name, now)| Row { name, before: kept(name), now: *now });
    let rows: Vec<_> = rows.collect();
    let mut text = format!("{:<20}{:>10}{:>10}\n", "instructions", "before", "now");
    for row in &rows {
        let (Row { name, before, now }, mark) = (row, row.mark());
        let line = format!("{name:<20}{before:>10}{now:>10}{:>+8.1} %  {mark}", row.percent());
        text += &format!("{}\n", line.trim_end());
    }
    let marked = |mark| rows.iter().filter(|row| row.mark() == mark).count();
    let (count, grown, shrunk) = (rows.len(), marked("GREW"), marked("shrank"));
    let same = before.processor == now.processor;
    text += &match (grown, shrunk) {
        _ if !same => format!(
            "another processor, not compared: {}; the baseline is of {}\n",
            now.processor, before.processor
        ),
        (0, 0) => format!("{count} rows, none further than {ALLOWED} % from the baseline\n"),
        (0, _) => format!("{count} rows, none has grown; {shrunk} shrank: {UPDATE}\n"),
        (_, _) => format!(
            "{grown} of {count} rows grew by more than {ALLOWED} %. valgrind --tool=callgrind tells where; \
             where it must be so, {UPDATE}\n"
        ),
    };
    (text, !same || grown == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(processor: &str, instructions: &[(&str, u64)]) -> Counts {
        let instructions = instructions.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Counts { processor: processor.to_owned(), instructions }
    }

    #[test]
    fn a_row_that_grows_by_more_than_a_tenth_fails_and_is_named() {
        let before = counts("one", &[("sign", 1000), ("find", 1000)]);
        let (text, good) = compared(&before, &counts("one", &[("sign", 1101), ("find", 1100)]));
        assert!(!good);
        assert!(text.contains("sign                      1000      1101   +10.1 %  GREW\n"), "{text}");
        assert!(text.contains("find                      1000      1100   +10.0 %\n"), "{text}");
        assert!(text.contains("1 of 2 rows grew"), "{text}");
    }

    #[test]
    fn a_row_that_shrinks_is_told_and_is_no_failure() {
        let (text, good) = compared(&counts("one", &[("sign", 1000)]), &counts("one", &[("sign", 800)]));
        assert!(good);
        assert!(text.contains("-20.0 %  shrank\n") && text.contains("baseline.json"), "{text}");
    }

    #[test]
    fn a_row_that_the_baseline_does_not_have_is_a_failure() {
        assert!(!compared(&counts("one", &[]), &counts("one", &[("sign", 1000)])).1);
    }

    #[test]
    fn another_processor_is_not_compared() {
        let (text, good) = compared(&counts("one", &[("sign", 1)]), &counts("two", &[("sign", 1000)]));
        assert!(good);
        assert!(text.contains("not compared: two; the baseline is of one"), "{text}");
    }

    #[test]
    fn what_is_counted_is_in_the_baseline_and_nothing_else() {
        let kept: Counts = serde_json::from_str(include_str!("../../bench/baseline.json")).unwrap();
        let mut counted: Vec<_> = COUNTED.iter().map(|(name, _)| *name).collect();
        counted.sort_unstable();
        assert_eq!(kept.instructions.keys().collect::<Vec<_>>(), counted);
    }
}
