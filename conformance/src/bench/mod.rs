//! `conformance bench`: modules side by side. Their rounds are interleaved (A B A B), each round is a process of its
//! own, and what is told are medians and ratios.
//!
//! ```text
//!   workload   what a step is: one row each      limit    the same work in the library underneath
//!   round      processes and threads that do it  growth   figures against objects, threads, processes, sessions
//!   module     the module, loaded                goal     what a figure must reach
//!                                                report   all of it as a page with plots
//!   count      instructions instead of time, for `conformance count`
//! ```

#![allow(clippy::disallowed_methods, reason = "it measures")]

pub mod count;
mod goal;
mod growth;
mod limit;
mod module;
mod report;
mod round;
mod workload;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use growth::Curve;
use round::{Homes, Setting};
use workload::{Objects, Unit, WORKLOADS, Workload};

#[derive(Args)]
pub struct Arguments {
    /// Modules to run side by side; the first is ours, the second is what it is compared with
    #[arg(long = "module", value_name = "PATH")]
    modules: Vec<PathBuf>,
    /// Only workloads whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Rounds of each workload and module
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Milliseconds of each round
    #[arg(long, default_value_t = 400)]
    time: u64,
    /// Threads in each process, each with a session of its own
    #[arg(long, default_value_t = 1)]
    threads: u32,
    /// Processes at the same time
    #[arg(long, default_value_t = 1)]
    processes: u32,
    /// Sessions that are open all the while
    #[arg(long, default_value_t = 1)]
    sessions: u32,
    /// Measure how the figures grow with threads, processes, sessions and objects, after the table
    #[arg(long)]
    growth: bool,
    /// The most objects of --growth, up to 1000000; with 100000 a peer may need a quarter of an hour to make them
    #[arg(long, default_value_t = 10_000)]
    most: Objects,
    /// Write a page with the table and plots of the growth (implies --growth)
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// A round: the directory of the token
    #[arg(long, hide = true)]
    home: Option<PathBuf>,
    /// A round makes a token whose PIN goes through as many rounds as the module sees fit
    #[arg(long, hide = true)]
    slow_pin: bool,
    /// A round: objects on the token
    #[arg(long, hide = true)]
    objects: Option<Objects>,
    /// A round makes its token instead of measuring; so many objects
    #[arg(long, hide = true)]
    make: Option<Objects>,
    /// A round signs once and ends
    #[arg(long, hide = true)]
    first_signature: bool,
    /// A round does so many steps after its first, untimed, and tells its processor
    #[arg(long, hide = true)]
    steps: Option<u64>,
}

impl Arguments {
    fn setting(&self, workload: &Workload) -> Setting {
        Setting {
            threads: self.threads.max(workload.threads),
            processes: self.processes.max(workload.processes),
            sessions: self.sessions,
            objects: self.objects.unwrap_or(workload.objects),
            slow_pin: workload.slow_pin,
            time: self.time,
        }
    }
}

/// What came of a workload: its figure for each module; none where one does not take part.
pub struct Row {
    workload: &'static Workload,
    figures: Vec<Option<f64>>,
    /// Of the library underneath.
    limit: Option<f64>,
}

/// Runs the benchmark, or one round of it in a process that the benchmark started.
///
/// # Errors
/// What kept it from measuring.
pub fn run(arguments: &Arguments) -> Result<bool, String> {
    if let Some(home) = &arguments.home {
        return round::run(arguments, home).map(|()| true);
    }
    let (modules, homes) = (modules(arguments)?, Homes::new()?);
    let mut rows = Vec::new();
    for workload in WORKLOADS.iter().filter(|workload| workload.name.contains(&arguments.only)) {
        let figures = medians(arguments.rounds, &homes, &modules, workload, arguments.setting(workload))?;
        let limit = (workload.limit)(homes.path())
            .map(|mut step| round::rate(&mut step, Duration::from_millis(arguments.time)));
        let row = Row { workload, figures, limit };
        if !arguments.json {
            tell(&row, &rows, &modules);
        }
        rows.push(row);
    }
    let mut curves = Vec::new();
    if arguments.growth || arguments.report.is_some() {
        curves = growth::measured(arguments, &homes, &modules)?;
    }
    if arguments.json {
        println!("{}", json(&rows, &curves, &modules));
    }
    match &arguments.report {
        Some(path) => std::fs::write(path, report::page(&rows, &curves, &modules)?)
            .map(|()| true)
            .map_err(|error| format!("{}: {error}", path.display())),
        None => Ok(true),
    }
}

/// The median of each module, their rounds taking turns.
fn medians(
    rounds: usize,
    homes: &Homes,
    modules: &[PathBuf],
    workload: &Workload,
    setting: Setting,
) -> Result<Vec<Option<f64>>, String> {
    let mut figures: Vec<Vec<f64>> = vec![Vec::new(); modules.len()];
    for _ in 0..rounds {
        for (module, figures) in modules.iter().zip(&mut figures) {
            figures.extend(round::measured(homes, module, workload, setting)?);
        }
    }
    Ok(figures.into_iter().map(median).collect())
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// Ours and SoftHSM, unless others are named.
fn modules(arguments: &Arguments) -> Result<Vec<PathBuf>, String> {
    let named = match &arguments.modules[..] {
        [] => vec![super::module::ours()?, "/usr/lib/softhsm/libsofthsm2.so".into()],
        named => named.to_vec(),
    };
    named
        .into_iter()
        .map(|path| path.canonicalize().map_err(|error| format!("{}: {error}", path.display())))
        .collect()
}

// ── telling it ───────────────────────────────────────────────────────────────────────────────────────────────

fn told(error: impl Display) -> String {
    error.to_string()
}

fn name(module: &Path) -> String {
    module.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn tell(row: &Row, rows: &[Row], modules: &[PathBuf]) {
    if rows.is_empty() {
        let names: String = modules.iter().map(|module| format!("{:>18}", name(module))).collect();
        println!("{:<20}{names}{:>10}{:>18}   goal", "", "ratio", "library alone");
    }
    let cells: String = row.figures.iter().map(|figure| format!("{:>18}", cell(*figure, row))).collect();
    let goal = row.workload.goal.judged(row, rows).map_or_else(String::new, |judgement| {
        let missed = if judgement.reached { "" } else { "  MISSED" };
        format!("   {}{missed}", judgement.text)
    });
    println!("{:<20}{cells}{:>10}{:>18}{goal}", row.workload.name, row.times(), cell(row.limit, row));
}

fn cell(figure: Option<f64>, row: &Row) -> String {
    figure.map_or_else(|| "–".into(), |figure| row.workload.unit.tell(figure))
}

impl Unit {
    /// The figure in this unit.
    fn value(self, figure: f64) -> f64 {
        match self {
            Unit::Steps => figure,
            Unit::Bytes(bytes) => figure * bytes as f64 / 1e6,
            Unit::Millis => 1000.0 / figure,
            Unit::Memory => figure / 1024.0,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Steps => "a second",
            Unit::Bytes(_) => "MB/s",
            Unit::Millis => "ms",
            Unit::Memory => "MB",
        }
    }

    /// The figure for people.
    fn tell(self, figure: f64) -> String {
        let value = self.value(figure);
        match self {
            Unit::Steps if figure >= 100.0 => format!("{value:.0}/s"),
            Unit::Steps => format!("{value:.1}/s"),
            Unit::Millis => format!("{value:.3} ms"),
            Unit::Bytes(_) | Unit::Memory => format!("{value:.1} {}", self.name()),
        }
    }
}

impl Row {
    /// How many times better the first module is than the second.
    fn ratio(&self) -> Option<f64> {
        match (self.workload.unit, &self.figures[..]) {
            (Unit::Memory, [Some(ours), Some(theirs), ..]) => Some(theirs / ours),
            (_, [Some(ours), Some(theirs), ..]) => Some(ours / theirs),
            _ => None,
        }
    }

    /// The ratio for people.
    fn times(&self) -> String {
        self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}×"))
    }
}

fn json(rows: &[Row], curves: &[Curve], modules: &[PathBuf]) -> String {
    let row = |(at, row): (usize, &Row)| {
        let goal = row.workload.goal.judged(row, &rows[..at]);
        serde_json::json!({ "workload": row.workload.name, "figures": row.figures, "limit": row.limit,
            "unit": if row.workload.unit == Unit::Memory { "KiB" } else { "steps per second" },
            "bytes": if let Unit::Bytes(bytes) = row.workload.unit { bytes } else { 0 },
            "ratio": row.ratio(), "goal": goal.as_ref().map(|goal| &goal.text),
            "reached": goal.as_ref().map(|goal| goal.reached) })
    };
    serde_json::json!({
        "modules": modules,
        "table": rows.iter().enumerate().map(row).collect::<Vec<_>>(),
        "growth": curves.iter().map(Curve::json).collect::<Vec<_>>(),
    })
    .to_string()
}
