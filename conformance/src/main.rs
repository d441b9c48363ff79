//! Any PKCS#11 module against the world: one subcommand per kind of judge.

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
}

fn main() -> ExitCode {
    let verdict = match Arguments::parse().judge {
        Judge::Client(arguments) => client::run(&arguments),
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
