//! The commands, one file each.

mod completions;
mod delete;
mod demo;
mod init;
mod list;
mod man;
mod mechanisms;
mod objects;
mod pin;
mod show;

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
    Delete(delete::Delete),
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
        Command::Delete(command) => command.run(options),
        Command::Mechanisms(command) => command.run(options),
        Command::Demo(command) => command.run(options),
        Command::Completions(command) => command.run(options),
        Command::Man(command) => command.run(options),
    }
}
