//! Test vectors on any module: Wycheproof, published tables, and cross-checks with other programs, by mechanism.

mod cross;
mod judge;
mod keys;
mod names;
mod peer;
mod published;
mod report;
mod tally;
mod wycheproof;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use super::module;
use super::module::Result;
use judge::Judge;
use tally::Tally;

/// Runs every vector and tells which mechanisms are proven.
#[derive(clap::Args)]
pub struct Arguments {
    /// The module to judge [default: the one that Cargo built]; it gets a token of its own in an empty directory
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,
    /// Another module to run the same on, for its counts
    #[arg(long, value_name = "PATH")]
    beside: Option<PathBuf>,
    /// Only these families of vectors; all if none is named
    #[arg(value_name = "FAMILY")]
    families: Vec<String>,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    /// Judge in this process the module that the environment names, and print JSON
    #[arg(long, hide = true)]
    here: bool,
}

/// A family of vectors, and what runs it.
struct Family {
    name: &'static str,
    run: fn(&mut Judge) -> Result<()>,
}

const fn family(name: &'static str, run: fn(&mut Judge) -> Result<()>) -> Family {
    Family { name, run }
}

/// Those that take long stand first, so that nobody waits for them alone.
const FAMILIES: &[Family] = &[
    family("cross-pq", cross::pq::run),
    family("wycheproof-rsa-ciphers", wycheproof::rsa::ciphers),
    family("wycheproof-rsa-signatures", wycheproof::rsa::signatures),
    family("wycheproof-ecdh", wycheproof::agreement::ecdh),
    family("wycheproof-ecdsa", wycheproof::signature::ecdsa),
    family("wycheproof-dsa", wycheproof::signature::dsa),
    family("wycheproof-eddsa", wycheproof::signature::eddsa),
    family("wycheproof-xdh", wycheproof::agreement::xdh),
    family("wycheproof-mac", wycheproof::mac::run),
    family("wycheproof-cipher", wycheproof::cipher::run),
    family("wycheproof-kdf", wycheproof::kdf::run),
    family("wycheproof-pq", wycheproof::pq::run),
    family("published", published::run),
    family("cross-digest", cross::digest::run),
    family("cross-symmetric", cross::symmetric::run),
    family("cross-rsa", cross::rsa::run),
    family("cross-curves", cross::curves::run),
    family("cross-field", cross::field::run),
    family("cross-derivation", cross::derivation::run),
    family("cross-tls", cross::tls::run),
];

/// The environment variable by which the harness is told another module.
const MODULE: &str = "TOKENKEEP_MODULE";

/// Judges, and prints; true when no vector failed.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let families = chosen(&arguments.families)?;
    if arguments.here {
        return json(&here(&families)?);
    }
    let tally = elsewhere(arguments.module.as_deref(), &families)?;
    if arguments.json {
        return json(&tally);
    }
    let beside = arguments.beside.as_deref().map(|path| elsewhere(Some(path), &families)).transpose()?;
    Ok(report::print(&tally, beside.as_ref()))
}

fn json(tally: &Tally) -> Result<bool> {
    println!("{}", serde_json::to_string(tally).map_err(|error| error.to_string())?);
    Ok(tally.failed() == 0)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Family>> {
    if names.is_empty() {
        return Ok(FAMILIES.iter().collect());
    }
    let find = |name: &String| {
        FAMILIES.iter().find(|family| family.name == name).ok_or_else(|| {
            let known: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
            format!("no family {name}; there are {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// Judges in this process.
fn here(families: &[&Family]) -> Result<Tally> {
    let mut judge = Judge::new(peer::Peer::default());
    for family in families {
        (family.run)(&mut judge)?;
    }
    Ok(judge.tally)
}

/// Judges each family in a process of its own, as many at a time as there are processors: a module that crashes is told
/// and not followed.
fn elsewhere(module: Option<&Path>, families: &[&Family]) -> Result<Tally> {
    let module = module.map(Path::canonicalize).transpose();
    let module = module.map_err(|error| format!("the module: {error}"))?;
    let (waiting, all) =
        (Mutex::new(families.iter().rev().collect::<Vec<_>>()), Mutex::new(Tally::default()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(family) = lock(&waiting).pop() {
                    let judged = alone(module.as_deref(), family.name);
                    match judged {
                        Ok(tally) => lock(&all).add(tally),
                        Err(why) => lock(&all).note(family.name, "family", "all of it", Err(why)),
                    }
                }
            });
        }
    });
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn alone(module: Option<&Path>, family: &str) -> Result<Tally> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.args(["vectors", "--here", family]).stdin(Stdio::null()).stderr(Stdio::inherit());
    if let Some(path) = module {
        command.env(MODULE, path);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    serde_json::from_slice(&output.stdout).map_err(|_| format!("it did not end well: {}", output.status))
}
