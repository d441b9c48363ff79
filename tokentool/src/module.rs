//! Where the module is: beside this program, as Cargo and packages put it.

use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use crate::problem::{Problem, Result, at};

/// From the program's directory: a release archive, Cargo's own place, an installed package.
const PLACES: &[&str] = &[".", "deps", "../lib", "../lib/pkcs11", "../lib64/pkcs11"];

/// The module that was named, or else the newest of those beside this program.
pub fn find(named: Option<&Path>) -> Result<PathBuf> {
    let found = match named {
        Some(path) if path.is_file() => Some(path.to_owned()),
        Some(path) => {
            return Err(Problem::new(format!("there is no module at {}", path.display())).advise(BUILD));
        }
        None => beside()?,
    };
    let Some(path) = found else {
        return Err(Problem::new(format!("{} is not beside this program", name()))
            .advise(BUILD)
            .advise(format!("--module PATH/{}", name())));
    };
    path.canonicalize().map_err(|error| Problem::file("find", &path, &error))
}

const BUILD: &str =
    "cargo build --release --workspace, in a checkout: it makes target/release/libtokenkeep.so";

/// What our module is called.
pub fn name() -> String {
    format!("{DLL_PREFIX}tokenkeep{DLL_SUFFIX}")
}

fn beside() -> Result<Option<PathBuf>> {
    let program = env::current_exe().map_err(at("cannot find this program"))?;
    let directory = program.parent().unwrap_or(Path::new("."));
    let there = PLACES.iter().map(|place| directory.join(place).join(name())).filter(|path| path.is_file());
    Ok(there.max_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok()))
}
