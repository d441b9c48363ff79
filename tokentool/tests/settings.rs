//! Where the tokens are looked for, place by place.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use bench::{Bench, PIN, SO_PIN, ended};

/// `init` in an environment without a word about tokens, but for what `place` adds.
fn init(bench: &Bench, place: impl FnOnce(&mut Command) -> &mut Command) -> bench::Ended {
    let line = ["init", "--label", "x", "--so-pin", SO_PIN, "--pin", PIN, "--kdf-iterations", "1000"];
    let mut command = bench.command(&line);
    command.env_remove("TOKENKEEP_DIR").env_remove("XDG_CONFIG_HOME");
    ended(place(&mut command))
}

fn tokens(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[test]
fn with_nothing_said_tokens_lie_in_the_home_directory() {
    let bench = Bench::new();
    init(&bench, |command| command).ok();
    assert_eq!(tokens(&bench.path(".local/share/tokenkeep")), 1);
}

#[test]
fn the_data_directory_of_the_desktop_comes_before_the_home_directory() {
    let bench = Bench::new();
    init(&bench, |command| command.env("XDG_DATA_HOME", bench.path("data"))).ok();
    assert_eq!(tokens(&bench.path("data/tokenkeep")), 1);
}

#[test]
fn the_file_comes_before_the_default_and_the_environment_before_the_file() {
    let bench = Bench::new();
    let (here, there) = (bench.path("here"), bench.path("there"));
    let directory = bench.path("config/tokenkeep");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("tokenkeep.toml"), format!("dir = {here:?}")).unwrap();
    init(&bench, |command| command.env("XDG_CONFIG_HOME", bench.path("config"))).ok();
    assert_eq!(tokens(&here), 1);
    let file = bench.path("named.toml");
    fs::write(&file, format!("dir = {there:?}\n")).unwrap();
    init(&bench, |command| command.env("TOKENKEEP_CONF", &file)).ok();
    assert_eq!(tokens(&there), 1);
    let dir = bench.dir();
    init(&bench, |command| command.env("TOKENKEEP_CONF", &file).env("TOKENKEEP_DIR", &dir)).ok();
    assert_eq!((tokens(&there), tokens(&dir)), (1, 1));
}

#[test]
fn a_file_that_was_named_must_be_there_and_make_sense() {
    let bench = Bench::new();
    let file = bench.path("tokenkeep.toml");
    init(&bench, |command| command.env("TOKENKEEP_CONF", &file)).fails(&["tokenkeep.toml", "No such file"]);
    fs::write(&file, "directory = '/nowhere'").unwrap();
    init(&bench, |command| command.env("TOKENKEEP_CONF", &file)).fails(&["unknown field", "directory"]);
}
