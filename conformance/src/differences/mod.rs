//! `conformance differences`: the same questions to two modules, side by side. Where the answers differ, a row of
//! [`reasons`] must say by which section of the standard ours is as it is.

mod objects;
mod operations;
mod probe;
mod reasons;
mod states;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::ptr::null_mut;

use cryptoki_sys::CK_SLOT_ID;
use tokenkeep::cryptoki::Rv;

use super::functions;
use super::module::{self, Module, Result, call, ok};
use probe::Probe;
use reasons::{Reason, reason};

/// Asks both modules the same, and tells where the answers differ.
#[derive(clap::Args)]
pub struct Arguments {
    /// The module to judge: without it, the one that Cargo built
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,
    /// The module to compare it with
    #[arg(long, value_name = "PATH", default_value = "/usr/lib/softhsm/libsofthsm2.so")]
    beside: PathBuf,
    /// Print the page conformance/differences.md
    #[arg(long)]
    markdown: bool,
    /// Where the tokens are of a module that is only asked, in a process of its own
    #[arg(long, value_name = "DIR", hide = true)]
    home: Option<PathBuf>,
}

/// A question, and the two answers.
struct Pair {
    question: String,
    ours: String,
    theirs: String,
}

/// Compares; true when each difference has its reason.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let path = arguments.module.clone().map_or_else(module::ours, Ok)?;
    if let Some(home) = &arguments.home {
        return ask(&path, home).map(|()| true);
    }
    let (ours, theirs) = (answers(&path)?, answers(&arguments.beside)?);
    let pairs = paired(ours, &theirs);
    let unexplained = pairs.iter().filter(|pair| pair.differs() && pair.reason().is_none()).count();
    match arguments.markdown {
        true => print!("{}", page(&pairs)),
        false => print!("{}", table(&pairs)),
    }
    Ok(unexplained == 0)
}

impl Pair {
    fn differs(&self) -> bool {
        self.ours != self.theirs
    }

    fn reason(&self) -> Option<&'static Reason> {
        reason(&self.question, &self.ours, &self.theirs)
    }
}

/// What a module answers, in a process of its own: one that dies has answered so far.
fn answers(module: &Path) -> Result<Vec<(String, String)>> {
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    module::prepare(home.path(), &mut command)?;
    command.arg("differences").arg("--module").arg(module).arg("--home").arg(home.path());
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    if output.status.code() == Some(2) {
        return Err(format!("{} could not be asked", module.display()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer =
        |line: &str| line.split_once('\t').map(|(question, answer)| (question.into(), answer.into()));
    Ok(text.lines().filter_map(answer).collect())
}

/// All questions to one module.
fn ask(path: &Path, home: &Path) -> Result<()> {
    let module = Module::at(path, module::settings(path, home, module::FEW_ROUNDS).as_deref())?;
    let nothing = |state: &str, session| {
        for row in functions::answers(&module, session).iter().filter(|row| row.since == "2.40") {
            let answer = row.answer.map_or_else(|| "not there".to_owned(), Rv::name_of);
            println!("{state}: {}\t{answer}", row.function);
        }
    };
    awake(&module)?;
    // C_Finalize is the last of the functions.
    nothing("with nothing, without a session", 0x7777_7777);
    let slot = awake(&module)?;
    nothing("with nothing, in a session", module.open(slot, true)?);
    let slot = awake(&module)?;
    let probe = Probe { module: &module, slot, session: module.open(slot, true)? };
    states::states(&probe)?;
    objects::attributes_after_birth(&probe);
    objects::refused_templates(&probe);
    objects::changes(&probe);
    operations::lengths(&probe);
    operations::refusals(&probe);
    ok("C_Finalize", call!(module.v2, C_Finalize(null_mut())))
}

/// Initialised again; SoftHSM may have moved its token to another slot.
fn awake(module: &Module) -> Result<CK_SLOT_ID> {
    ok("C_Initialize", module.initialize())?;
    module.token()
}

/// The answers to the same question side by side, in the order of ours.
fn paired(ours: Vec<(String, String)>, theirs: &[(String, String)]) -> Vec<Pair> {
    let answer = |question: &str| {
        let found = theirs.iter().find(|(other, _)| other == question);
        found.map_or_else(|| "no answer".to_owned(), |(_, answer)| answer.clone())
    };
    ours.into_iter().map(|(question, ours)| Pair { theirs: answer(&question), question, ours }).collect()
}

fn table(pairs: &[Pair]) -> String {
    let mut text = String::new();
    for pair in pairs.iter().filter(|pair| pair.differs()) {
        let why = pair.reason().map_or("WITHOUT A REASON", |reason| reason.section);
        let _ = writeln!(text, "{:<58} {:<34} {:<34} {why}", pair.question, pair.ours, pair.theirs);
    }
    let differences = pairs.iter().filter(|pair| pair.differs());
    let (all, explained) =
        (differences.clone().count(), differences.filter(|pair| pair.reason().is_some()).count());
    let _ = writeln!(
        text,
        "{} questions: {all} answered differently, {} without a reason",
        pairs.len(),
        all - explained
    );
    text
}

/// The page: the reasons, each with its differences.
fn page(pairs: &[Pair]) -> String {
    let differences: Vec<&Pair> = pairs.iter().filter(|pair| pair.differs()).collect();
    let mut text = format!(
        "# Where Tokenkeep and SoftHSM answer differently\n\n\
         Both modules were asked the same {} questions, on a fresh token each; {} answers differ. Each difference is below,\n\
         with the section of PKCS#11 v3.2 by which ours is as it is. `conformance differences` asks again, and fails when a\n\
         difference has no reason; `conformance differences --markdown` writes this page.\n",
        pairs.len(),
        differences.len()
    );
    for reason in reasons::REASONS {
        let its =
            differences.iter().filter(|pair| pair.reason().is_some_and(|other| std::ptr::eq(other, reason)));
        let rows: Vec<_> = its.collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "\n## {}\n\n{}\n\n| question | Tokenkeep | SoftHSM |\n|---|---|---|\n",
            reason.section, reason.why
        );
        for pair in rows {
            let _ = writeln!(text, "| {} | {} | {} |", pair.question, pair.ours, pair.theirs);
        }
    }
    text
}
