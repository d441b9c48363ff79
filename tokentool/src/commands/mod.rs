//! The commands, one file each.

mod backup;
mod certify;
mod completions;
mod configure;
mod csr;
mod delete;
mod demo;
mod dkek;
mod export;
mod import;
mod init;
mod key;
mod list;
mod man;
mod mechanisms;
mod objects;
mod pin;
mod restore;
mod self_sign;
mod show;
mod snapshot;
mod user;
mod verify;
mod why;

use clap::Subcommand;

use crate::Answer;
use crate::options::Line;
use crate::problem::Result;

/// What the tool can do.
#[derive(Subcommand)]
pub enum Command {
    Init(init::Init),
    List(list::List),
    Show(show::Show),
    Objects(objects::Objects),
    Pin(pin::Pin),
    User(user::User),
    Delete(delete::Delete),
    Dkek(dkek::Dkek),
    Key(key::Key),
    Import(import::Import),
    Export(export::Export),
    Csr(csr::Csr),
    SelfSign(self_sign::SelfSign),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Snapshot(snapshot::Snapshot),
    Verify(verify::Verify),
    Configure(configure::Configure),
    Why(why::Why),
    Mechanisms(mechanisms::Mechanisms),
    Demo(demo::Demo),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs the command of the line.
pub fn run(line: &Line) -> Result<Answer> {
    let options = &line.options;
    match &line.command {
        Command::Init(command) => command.run(options),
        Command::List(command) => command.run(options),
        Command::Show(command) => command.run(options),
        Command::Objects(command) => command.run(options),
        Command::Pin(command) => command.run(options),
        Command::User(command) => command.run(options),
        Command::Delete(command) => command.run(options),
        Command::Dkek(command) => command.run(options),
        Command::Key(command) => command.run(options),
        Command::Import(command) => command.run(options),
        Command::Export(command) => command.run(options),
        Command::Csr(command) => command.run(options),
        Command::SelfSign(command) => command.run(options),
        Command::Backup(command) => command.run(options),
        Command::Restore(command) => command.run(options),
        Command::Snapshot(command) => command.run(options),
        Command::Verify(command) => command.run(options),
        Command::Configure(command) => command.run(options),
        Command::Why(command) => command.run(options),
        Command::Mechanisms(command) => command.run(options),
        Command::Demo(command) => command.run(options),
        Command::Completions(command) => command.run(options),
        Command::Man(command) => command.run(options),
    }
}
