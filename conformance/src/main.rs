//! Any PKCS#11 module against the world: one subcommand per kind of judge.

mod bench;
mod client;
mod differences;
mod functions;
mod module;
mod profile;
mod vectors;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "conformance", about, version)]
struct Arguments {
    #[command(subcommand)]
    judge: Judge,
}

/// Who judges the module.
#[derive(Subcommand)]
enum Judge {
    /// Real client programs: the scripts in conformance/clients
    Client(client::Arguments),
    /// The speed of modules side by side
    Bench(bench::Arguments),
    /// Instructions of a call, against those that were kept
    Count(bench::count::Arguments),
    /// What the module answers to each of the 104 functions
    Functions(functions::Arguments),
    /// Wycheproof, published vectors and cross-checks, by mechanism
    Vectors(vectors::Arguments),
    /// What the module answers differently from another, and by which section of the standard
    Differences(differences::Arguments),
    /// The mandatory test cases of the PKCS#11 3.2 profiles
    Profile(profile::Arguments),
}

fn main() -> ExitCode {
    let verdict = match Arguments::parse().judge {
        Judge::Client(arguments) => client::run(&arguments).map_err(|error| error.to_string()),
        Judge::Bench(arguments) => bench::run(&arguments),
        Judge::Count(arguments) => bench::count::run(&arguments),
        Judge::Functions(arguments) => functions::run(&arguments),
        Judge::Differences(arguments) => differences::run(&arguments),
        Judge::Profile(arguments) => profile::run(&arguments),
        Judge::Vectors(arguments) => vectors::run(&arguments),
    };
    match verdict {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::from(2)
        }
    }
}
