//! A round: processes of our own that do one workload on one module, all beginning together.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use tokenkeep::token::settings::KDF_ITERATIONS;

use super::super::module;
use super::module::Module;
use super::workload::{self, Begin, Objects, Place, Step, Workload};
use super::{Arguments, count, told};

/// How a workload is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// In each process, each with a session of its own.
    pub threads: u32,
    pub processes: u32,
    /// Sessions that are open beside them.
    pub sessions: u32,
    /// Data objects on the token.
    pub objects: Objects,
    /// See [`Workload::slow_pin`].
    pub slow_pin: bool,
    /// Milliseconds.
    pub time: u64,
}

/// Where the tokens of a benchmark lie: one home for each module and number of objects, made when first asked for.
pub struct Homes(tempfile::TempDir);

impl Homes {
    pub fn new() -> Result<Homes, String> {
        tempfile::tempdir().map(Homes).map_err(told)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The home of a module with so many objects.
    pub fn of(&self, module: &Path, objects: Objects, slow_pin: bool) -> Result<PathBuf, String> {
        let (name, pin) = (module.to_string_lossy().replace('/', "_"), if slow_pin { "-slow" } else { "" });
        let home = self.path().join(format!("{name}-{objects}{pin}"));
        if !home.exists() {
            let mut command = command(module, &home)?;
            command.args(slow_pin.then_some("--slow-pin"));
            let status = command.arg("--make").arg(objects.to_string()).status();
            if !status.map_err(told)?.success() {
                return Err(format!("no token could be made with {}", module.display()));
            }
        }
        Ok(home)
    }
}

/// This program again, for one module.
pub fn command(module: &Path, home: &Path) -> Result<Command, String> {
    let mut command = Command::new(std::env::current_exe().map_err(told)?);
    module::prepare(home, &mut command)?;
    command.arg("bench").arg("--module").arg(module).arg("--home").arg(home);
    Ok(command)
}

/// One round; answers the figure of the workload, those of the processes added up. None for a module that does not take
/// part, or that fails at it.
pub fn measured(
    homes: &Homes,
    module: &Path,
    workload: &Workload,
    setting: Setting,
) -> Result<Option<f64>, String> {
    let home = homes.of(module, setting.objects, setting.slow_pin)?;
    let mut children = Vec::new();
    for _ in 0..setting.processes {
        let mut command = command(module, &home)?;
        command.args(["--only", workload.name, "--time", &setting.time.to_string()]);
        command.args([
            "--threads",
            &setting.threads.to_string(),
            "--sessions",
            &setting.sessions.to_string(),
        ]);
        command.args(["--objects", &setting.objects.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(told)?;
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
    let mut sum = Some(0.0);
    for ((mut child, _input, mut output), ready) in children.into_iter().zip(lines) {
        let figure = if ready == "ready" { line(&mut output)? } else { String::new() };
        let whole = ended(&mut child)?;
        sum = sum.zip(figure.parse::<f64>().ok().filter(|_| whole)).map(|(sum, figure)| sum + figure);
    }
    Ok(sum)
}

fn line(output: &mut impl BufRead) -> Result<String, String> {
    let mut line = String::new();
    output.read_line(&mut line).map_err(told)?;
    Ok(line.trim().to_owned())
}

fn begin(input: &mut ChildStdin) -> Result<(), String> {
    input.write_all(b"go\n").or_else(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Ok(()), // it does not take part
        _ => Err(told(error)),
    })
}

fn ended(child: &mut Child) -> Result<bool, String> {
    Ok(child.wait().map_err(told)?.success())
}

// ── in the process of a round ────────────────────────────────────────────────────────────────────────────────

/// Makes the token, or does one workload on it.
pub fn run(arguments: &Arguments, home: &Path) -> Result<(), String> {
    // A thread that fails ends the process: the others would wait for it.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::exit(1);
    }));
    let path = arguments.modules.first().ok_or("a round wants a module")?;
    let rounds = if arguments.slow_pin { KDF_ITERATIONS } else { module::FEW_ROUNDS };
    let module = Module::load(path, module::settings(path, home, rounds).as_deref())?;
    if let Some(objects) = arguments.make {
        module.initialize();
        let slot = module.make_token()?;
        let session = module.open(slot);
        session.login();
        workload::furnish(module, slot, session, objects);
        return Ok(());
    }
    if arguments.first_signature {
        module.initialize();
        let session = module.open(module.token().ok_or("there is no token")?);
        session.login();
        workload::sign_once(module, session);
        return Ok(());
    }
    let workload = workload::named(&arguments.only).ok_or("no such workload")?;
    let setting = arguments.setting(workload);
    module.initialize();
    let slot = module.token().ok_or("there is no token")?;
    if !module.has(slot, workload.needs) {
        println!("not offered");
        return Ok(());
    }
    let figure = match workload.begin {
        Begin::Session(begin) => {
            let first = module.open(slot);
            first.login();
            if let Some(steps) = arguments.steps {
                let mut step = begin(Place { module, session: first, objects: setting.objects });
                (0..=steps).for_each(&mut step);
                println!("{}", count::processor());
                return Ok(());
            }
            (1..setting.sessions).for_each(|_| _ = module.open(slot));
            threads(module, slot, begin, setting)
        }
        Begin::Library(begin) => alone(&mut begin(module), setting),
        Begin::Processes(count) => {
            module.finalize();
            alone(&mut first_signatures(count, path.clone(), home.to_owned()), setting)
        }
        Begin::Memory => {
            module.open(slot).login();
            ready();
            memory().ok_or("the system does not tell how much memory a process has")?
        }
    };
    println!("{figure}");
    Ok(())
}

/// A step that runs processes, all at once: each from its start over login and one signature to its end.
fn first_signatures(count: u32, module: PathBuf, home: PathBuf) -> Step {
    let start = move |_| {
        command(&module, &home).and_then(|mut command| command.arg("--first-signature").spawn().map_err(told))
    };
    Box::new(move |_| {
        let children: Vec<_> = (0..count).map(&start).collect();
        let done =
            children.into_iter().all(|child| child.is_ok_and(|mut child| ended(&mut child) == Ok(true)));
        assert!(done, "a process that wanted to sign failed");
    })
}

/// Steps a second of all threads together.
fn threads(module: Module, slot: u64, start: fn(Place) -> Step, setting: Setting) -> f64 {
    let time = Duration::from_millis(setting.time);
    let count = setting.threads as usize;
    let (prepared, begin) = (Barrier::new(count + 1), Barrier::new(count + 1));
    std::thread::scope(|scope| {
        let work = || {
            let mut step = start(Place { module, session: module.open(slot), objects: setting.objects });
            step(0);
            prepared.wait();
            begin.wait();
            rate(&mut step, time)
        };
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        prepared.wait();
        ready();
        begin.wait();
        threads.into_iter().map(|thread| thread.join().unwrap_or(f64::NAN)).sum()
    })
}

fn alone(step: &mut Step, setting: Setting) -> f64 {
    step(0);
    ready();
    rate(step, Duration::from_millis(setting.time))
}

/// Says so, and waits until all others are.
fn ready() {
    println!("ready");
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

/// Steps a second.
pub fn rate(step: &mut Step, time: Duration) -> f64 {
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

/// Resident memory in KiB.
fn memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
