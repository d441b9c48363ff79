//! The mandatory test cases of the PKCS#11 3.2 profiles, each as the calls that the profile lists, and what it lets
//! vary (PKCS #11 Profiles v3.2, §3.1 and the cases BL-M-1-32, EXT-M-1-32, AUTH-M-1-32, CERT-M-1-32).
//!
//! What the profiles do not name as variable must be as they show it, with two readings that are told as notes: a
//! device may have more flags than the case shows, and capacities of its own.

mod flow;
pub mod furnish;

use std::path::PathBuf;

use super::module::{Module, PIN, Result, ok};
use flow::Flow;

/// Runs the four mandatory test cases.
#[derive(clap::Args)]
pub struct Arguments {
    /// The module to judge: without it, the one that Cargo built, on a token of its own. A module that has no
    /// token gets one in its first slot; objects that the cases need are made, and destroyed afterwards.
    #[arg(long)]
    module: Option<PathBuf>,
    /// The user PIN of the token, if it is not one made here
    #[arg(long, default_value = PIN)]
    pin: String,
}

/// A case: its name, what must be on the token, and its calls.
struct Case {
    name: &'static str,
    profile: &'static str,
    needs: furnish::Needs,
    calls: fn(&mut Flow) -> Result<()>,
}

const CASES: [Case; 4] = [
    Case { name: "BL-M-1-32", profile: "Baseline Provider", needs: furnish::Needs::Nothing, calls: baseline },
    Case {
        name: "EXT-M-1-32",
        profile: "Extended Provider",
        needs: furnish::Needs::Nothing,
        calls: extended,
    },
    Case {
        name: "AUTH-M-1-32",
        profile: "Authentication Token",
        needs: furnish::Needs::Pair,
        calls: authentication,
    },
    Case {
        name: "CERT-M-1-32",
        profile: "Public Certificates Token",
        needs: furnish::Needs::Certificates,
        calls: certificates,
    },
];

/// Runs the cases; true when all pass.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let module = Module::load(arguments.module.as_deref())?;
    let mut all = true;
    for case in &CASES {
        let undo = prepared(&module, case.needs, &arguments.pin)?;
        let mut flow = Flow::new(&module, &arguments.pin);
        let done = (case.calls)(&mut flow);
        if done.is_err() {
            flow.abandon();
        }
        cleared(&module, undo, &arguments.pin)?;
        let passed = done.is_ok() && flow.wrong.is_empty();
        println!("{:<7} {:<12} {}", if passed { "passed" } else { "FAILED" }, case.name, case.profile);
        for line in done.err().iter().chain(&flow.wrong) {
            println!("          wrong: {line}");
        }
        for line in &flow.notes {
            println!("          note:  {line}");
        }
        all &= passed;
    }
    Ok(all)
}

/// Puts on the token what a case needs.
fn prepared(module: &Module, needs: furnish::Needs, pin: &str) -> Result<Vec<u64>> {
    ok("C_Initialize", module.initialize())?;
    let made = furnish::make(module, needs, pin);
    furnish::finalize(module)?;
    made
}

/// Takes it away again.
fn cleared(module: &Module, undo: Vec<u64>, pin: &str) -> Result<()> {
    if undo.is_empty() {
        return Ok(());
    }
    ok("C_Initialize", module.initialize())?;
    let done = furnish::clear(module, pin);
    furnish::finalize(module)?;
    done
}

fn baseline(flow: &mut Flow) -> Result<()> {
    flow.begins()?;
    flow.slot_info()?;
    flow.token_info()?;
    flow.opens(false)?;
    flow.finds_token_objects(1)?;
    flow.ends()
}

fn extended(flow: &mut Flow) -> Result<()> {
    flow.begins()?;
    flow.slot_info()?;
    flow.token_info()?;
    flow.mechanisms()?;
    flow.opens(true)?;
    flow.login()?;
    flow.finds_token_objects(1)?;
    flow.logout()?;
    flow.ends()
}

fn authentication(flow: &mut Flow) -> Result<()> {
    flow.begins()?;
    flow.opens(true)?;
    flow.login()?;
    flow.reads_the_public_key()?;
    flow.signs()?;
    flow.logout()?;
    flow.ends()
}

fn certificates(flow: &mut Flow) -> Result<()> {
    flow.begins()?;
    flow.opens(false)?;
    flow.reads_the_certificates()?;
    flow.ends()
}
