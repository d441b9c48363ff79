//! Fork, exit and dlclose, each in a program of its own: see `src/bin/fork.rs`.

use tests::{Home, Program};

#[track_caller]
fn goes_well(mode: &str) {
    let home = Home::new();
    Program::new(env!("CARGO_BIN_EXE_fork")).arg(mode).arg(home.path()).run().success();
}

#[test]
fn a_child_must_initialise_and_then_has_everything_while_the_parent_goes_on() {
    goes_well("child");
}

#[test]
fn a_child_that_finalises_at_once_does_not_hurt_its_parent() {
    goes_well("finalize");
}

#[test]
fn grandchildren_are_children_too() {
    goes_well("grandchild");
}

#[test]
fn twenty_forks_go_well_while_threads_sign_and_write() {
    goes_well("storm");
}

#[test]
fn finalising_in_exit_handlers_twice_does_not_crash() {
    goes_well("atexit");
}

#[test]
fn exiting_without_finalising_does_not_crash() {
    goes_well("exit");
}

#[test]
fn unloading_without_finalising_does_not_crash() {
    goes_well("unload");
}

#[test]
fn the_module_may_be_loaded_and_unloaded_many_times() {
    goes_well("reload");
}
