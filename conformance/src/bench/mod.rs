//! `conformance bench`: modules side by side. Their rounds are interleaved (A B A B), each round is a process of its
//! own, and what is told are medians and ratios.

#![allow(clippy::disallowed_methods, reason = "it measures")]

mod module;
mod workload;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use clap::Args;

use module::Module;
use workload::{Ground, WORKLOADS, Workload};

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
    threads: usize,
    /// Processes at the same time
    #[arg(long, default_value_t = 1)]
    processes: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// A round: the directory of the token
    #[arg(long, hide = true)]
    home: Option<PathBuf>,
    /// A round makes its token instead of measuring; so many objects
    #[arg(long, hide = true)]
    make: Option<u32>,
}

/// What came of a workload: steps a second, for each module; none where it does not take part.
struct Row {
    workload: &'static Workload,
    rates: Vec<Option<f64>>,
}

/// Runs the benchmark, or one round of it in a process that the benchmark started.
///
/// # Errors
/// What kept it from measuring.
pub fn run(arguments: &Arguments) -> Result<bool, String> {
    if let Some(home) = &arguments.home {
        return round(arguments, home).map(|()| true);
    }
    let modules = modules(arguments)?;
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for workload in WORKLOADS.iter().filter(|workload| workload.name.contains(&arguments.only)) {
        let homes = grounds(&modules, place.path(), workload.ground)?;
        let mut rates: Vec<Vec<f64>> = vec![Vec::new(); modules.len()];
        for _ in 0..arguments.rounds {
            for (at, (module, home)) in modules.iter().zip(&homes).enumerate() {
                rates[at].extend(measured(arguments, module, home, workload)?);
            }
        }
        let row = Row { workload, rates: rates.into_iter().map(median).collect() };
        if !arguments.json {
            tell(&row, rows.is_empty(), &modules);
        }
        rows.push(row);
    }
    if arguments.json {
        println!("{}", json(&rows, &modules));
    }
    Ok(true)
}

/// Ours and SoftHSM, unless others are named.
fn modules(arguments: &Arguments) -> Result<Vec<PathBuf>, String> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/libtokenkeep.so");
    let usual = [ours, "/usr/lib/softhsm/libsofthsm2.so".into()];
    let named = if arguments.modules.is_empty() { usual.to_vec() } else { arguments.modules.clone() };
    named
        .into_iter()
        .map(|path| path.canonicalize().map_err(|error| format!("{}: {error}", path.display())))
        .collect()
}

/// A token for each module with what the workload needs; made once and used by all such workloads.
fn grounds(modules: &[PathBuf], place: &Path, ground: Ground) -> Result<Vec<PathBuf>, String> {
    let objects = match ground {
        Ground::Keys => 0,
        Ground::Objects(count) => count,
    };
    let mut homes = Vec::new();
    for (at, module) in modules.iter().enumerate() {
        let home = place.join(format!("{at}-{objects}"));
        if !home.exists() {
            let mut command = command(module, &home)?;
            let status = command.arg("--make").arg(objects.to_string()).status();
            if !status.map_err(|error| error.to_string())?.success() {
                return Err(format!("no token could be made with {}", module.display()));
            }
        }
        homes.push(home);
    }
    Ok(homes)
}

/// This program again, for one module.
fn command(module: &Path, home: &Path) -> Result<Command, String> {
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    super::module::prepare(home, &mut command)?;
    command.arg("bench").arg("--module").arg(module).arg("--home").arg(home);
    Ok(command)
}

/// One round: as many processes as asked begin together; answers their steps a second, added up.
fn measured(
    arguments: &Arguments,
    module: &Path,
    home: &Path,
    workload: &Workload,
) -> Result<Option<f64>, String> {
    let mut children = Vec::new();
    for _ in 0..arguments.processes {
        let mut command = command(module, home)?;
        command.arg("--only").arg(workload.name).arg("--time").arg(arguments.time.to_string());
        command.arg("--threads").arg(arguments.threads.to_string());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipe to a round".into());
        };
        children.push((child, input, BufReader::new(output)));
    }
    let mut lines = Vec::new();
    for (_, _, output) in &mut children {
        lines.push(line(output)?); // ready, or not taking part
    }
    for (_, input, _) in &mut children {
        begin(input)?;
    }
    let mut rate = 0.0;
    for ((mut child, _input, mut output), ready) in children.into_iter().zip(lines) {
        let told = if ready == "ready" { line(&mut output)? } else { String::new() };
        ended(&mut child)?;
        match told.parse::<f64>() {
            Ok(steps) => rate += steps,
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(rate))
}

fn line(output: &mut impl BufRead) -> Result<String, String> {
    let mut line = String::new();
    output.read_line(&mut line).map_err(|error| error.to_string())?;
    Ok(line.trim().to_owned())
}

fn begin(input: &mut ChildStdin) -> Result<(), String> {
    input.write_all(b"go\n").or_else(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Ok(()), // it does not take part
        _ => Err(error.to_string()),
    })
}

fn ended(child: &mut Child) -> Result<(), String> {
    match child.wait().map_err(|error| error.to_string())? {
        status if status.success() => Ok(()),
        status => Err(format!("a round ended with {status}")),
    }
}

/// In the process of a round: makes the token, or measures one workload on it.
fn round(arguments: &Arguments, home: &Path) -> Result<(), String> {
    let path = arguments.modules.first().ok_or("a round wants a module")?;
    let module = Module::load(path, super::module::settings(path, home).as_deref())?;
    if let Some(objects) = arguments.make {
        let slot = module.make_token()?;
        let session = module.open(slot);
        session.login();
        let ground = if objects == 0 { Ground::Keys } else { Ground::Objects(objects) };
        workload::furnish(module, slot, session, ground);
        return Ok(());
    }
    let workload = WORKLOADS.iter().find(|row| row.name == arguments.only).ok_or("no such workload")?;
    let slot = module.token().ok_or("there is no token")?;
    if !module.has(slot, workload.needs) {
        println!("not offered");
        return Ok(());
    }
    module.open(slot).login();
    println!("{}", threads(module, slot, workload, arguments));
    Ok(())
}

/// Steps a second of all threads together.
fn threads(module: Module, slot: u64, workload: &Workload, arguments: &Arguments) -> f64 {
    let time = Duration::from_millis(arguments.time);
    let (ready, begin) = (Barrier::new(arguments.threads + 1), Barrier::new(arguments.threads + 1));
    std::thread::scope(|scope| {
        let work = || {
            let mut step = (workload.begin)(module, module.open(slot));
            step(0);
            ready.wait();
            begin.wait();
            rate(&mut step, time)
        };
        let threads: Vec<_> = (0..arguments.threads).map(|_| scope.spawn(work)).collect();
        ready.wait();
        println!("ready");
        let _ = std::io::stdin().lock().read_line(&mut String::new());
        begin.wait();
        threads.into_iter().map(|thread| thread.join().unwrap_or(f64::NAN)).sum()
    })
}

fn rate(step: &mut workload::Step, time: Duration) -> f64 {
    let (start, mut done, mut batch) = (Instant::now(), 0u64, 1u64);
    loop {
        for n in 0..batch {
            step(1 + done + n);
        }
        done += batch;
        let spent = start.elapsed();
        if spent >= time {
            return done as f64 / spent.as_secs_f64();
        }
        // The clock is read now and then only: about a hundred times a round.
        batch = (done as f64 * (time.as_secs_f64() / 100.0) / spent.as_secs_f64().max(1e-9)).clamp(1.0, 1e6)
            as u64;
    }
}

fn median(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}

fn tell(row: &Row, first: bool, modules: &[PathBuf]) {
    let name = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if first {
        print!("{:<20}", "");
        modules.iter().for_each(|module| print!("{:>20}", name(module)));
        println!("{:>10}{:>8}", "ratio", "goal");
    }
    print!("{:<20}", row.workload.name);
    for rate in &row.rates {
        print!("{:>20}", rate.map_or_else(|| "–".into(), |rate| figure(rate, row.workload.bytes)));
    }
    let goal = if row.workload.goal > 0.0 { format!("{:.1}×", row.workload.goal) } else { String::new() };
    println!("{:>10}{goal:>8}", ratio(row).map_or_else(String::new, |ratio| format!("{ratio:.2}×")));
}

/// The first module's speed over the second's.
fn ratio(row: &Row) -> Option<f64> {
    match row.rates[..] {
        [Some(ours), Some(theirs), ..] => Some(ours / theirs),
        _ => None,
    }
}

fn figure(rate: f64, bytes: u64) -> String {
    match bytes {
        0 if rate >= 100.0 => format!("{rate:.0}/s"),
        0 => format!("{rate:.1}/s"),
        bytes => format!("{:.1} MB/s", rate * bytes as f64 / 1e6),
    }
}

fn json(rows: &[Row], modules: &[PathBuf]) -> String {
    let row = |row: &Row| {
        let rates: HashMap<String, Option<f64>> = modules
            .iter()
            .map(|module| module.display().to_string())
            .zip(row.rates.iter().copied())
            .collect();
        serde_json::json!({ "workload": row.workload.name, "bytes": row.workload.bytes,
            "steps_per_second": rates, "ratio": ratio(row), "goal": row.workload.goal })
    };
    serde_json::Value::from(rows.iter().map(row).collect::<Vec<_>>()).to_string()
}
