//! Any PKCS#11 module against the world: one subcommand per kind of judge.

mod bench;
mod client;

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
}

fn main() -> ExitCode {
    let verdict = match Arguments::parse().judge {
        Judge::Client(arguments) => client::run(&arguments).map_err(|error| error.to_string()),
        Judge::Bench(arguments) => bench::run(&arguments),
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
