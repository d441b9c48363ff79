//! What people see and type at a terminal: passwords twice, a screen for each custodian, PINs unseen.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing fails")]

mod bench;

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use bench::{Bench, PIN, SO_PIN, TOOL};
use rexpect::session::{PtySession, spawn_command};

/// Long enough for the rounds of a password on a busy machine.
const PATIENCE: u64 = 300_000;

/// The tool at a terminal of its own.
fn at_terminal(bench: &Bench, arguments: &[&str]) -> PtySession {
    let mut command = bench.child(TOOL);
    command.args(arguments).env("TERM", "xterm");
    spawn_command(command, Some(PATIENCE)).unwrap()
}

/// What was shown up to the end, and whether the tool was content.
fn ended(mut session: PtySession) -> (String, bool) {
    let rest = session.exp_eof().unwrap();
    let status = format!("{:?}", session.process().wait().unwrap());
    (rest, status.starts_with("Exited(") && status.ends_with(", 0)"))
}

#[test]
fn a_token_is_made_with_pins_typed_twice_and_shown_never() {
    let bench = Bench::new();
    let mut session = at_terminal(&bench, &["init", "--label", "one", "--kdf-iterations", "1000"]);
    let mut seen = String::new();
    for (prompt, pin) in
        [("SO PIN (4", SO_PIN), ("SO PIN again:", SO_PIN), ("ser PIN (4", PIN), ("ser PIN again:", PIN)]
    {
        seen += &session.exp_string(prompt).unwrap();
        session.send_line(pin).unwrap();
    }
    let (rest, good) = ended(session);
    assert!(good && rest.contains("is ready"), "{rest}");
    seen += &rest;
    assert!(!seen.contains(PIN) && !seen.contains(SO_PIN), "a PIN was echoed: {seen}");
    bench.run(&["verify", "--pin", PIN]).ok();
}

#[test]
fn two_entries_that_differ_make_nothing() {
    let bench = Bench::new();
    let share = bench.path("a.pbe").display().to_string();
    let mut session = at_terminal(&bench, &["dkek", "create-share", &share]);
    session.exp_string("Password (6 to 127 characters): ").unwrap();
    session.send_line("correct horse").unwrap();
    session.exp_string("Password again: ").unwrap();
    session.send_line("correct hearse").unwrap();
    let (rest, good) = ended(session);
    assert!(!good && rest.contains("the two entries of the password differ"), "{rest}");

    let mut session = at_terminal(&bench, &["dkek", "create-share", &share]);
    session.exp_string("Password (6").unwrap();
    session.send_line("short").unwrap();
    let (rest, good) = ended(session);
    assert!(!good && rest.contains("too short"), "{rest}");
    assert!(!bench.path("a.pbe").exists());
}

#[test]
fn a_share_is_made_and_imported_with_a_typed_password() {
    let bench = Bench::new();
    let share = bench.path("a.pbe").display().to_string();
    let mut session = at_terminal(&bench, &["dkek", "create-share", &share]);
    for prompt in ["Password (6", "Password again: "] {
        session.exp_string(prompt).unwrap();
        session.send_line("Pferd, ja: äöü").unwrap();
    }
    let bar = session.exp_string("Enciphering the DKEK share").unwrap();
    assert!(!bar.contains("Pferd"), "the password was echoed");
    assert!(ended(session).1);

    bench.init(&["--label", "one", "--dkek-shares", "1"]).ok();
    let mut session = at_terminal(&bench, &["dkek", "import-share", &share]);
    session.exp_string("User PIN of \"one\": ").unwrap();
    session.send_line(PIN).unwrap();
    session.exp_string("Password of ").unwrap();
    session.send_line("Pferd, ja: äöü").unwrap();
    session.exp_string("Deciphering the DKEK share").unwrap();
    let (rest, good) = ended(session);
    assert!(good && rest.contains("DKEK key check value"), "{rest}");
}

/// The tool at a prompt for a PIN, started by a shell that says afterwards how it ended and whether the terminal
/// echoes; and its process.
fn at_prompt(bench: &Bench) -> (PtySession, String) {
    let mut shell = bench.child("sh");
    shell.args(["-c", "trap : INT QUIT; stty echo; sh -c 'echo \"pid $$.\"; exec \"$@\"' sh \"$@\"; echo \"code $?\"; stty -a"]);
    shell.args(["sh", TOOL, "verify", "--login"]).env("TERM", "xterm");
    let mut session = spawn_command(shell, Some(PATIENCE)).unwrap();
    session.exp_string("pid ").unwrap();
    let process = session.exp_string(".").unwrap();
    session.exp_string("User PIN of \"one\": ").unwrap();
    (session, process)
}

fn kill(signal: &str, process: &str) {
    assert!(std::process::Command::new("kill").args([signal, process]).status().unwrap().success());
}

#[test]
fn whatever_ends_a_prompt_leaves_a_terminal_that_echoes_and_spends_no_try() {
    let bench = Bench::with(&["one"]);
    type End = fn(&mut PtySession, &str);
    let ends: [(&str, End); 6] = [
        ("code 130", |session, _| session.send_control('c').unwrap()),
        ("code 131", |session, _| session.send_control('\\').unwrap()),
        ("code 143", |_, process| kill("-TERM", process)),
        ("code 129", |_, process| kill("-HUP", process)),
        ("no user PIN was typed", |session, _| session.send_control('d').unwrap()),
        ("is whole", |session, _| assert!(session.send_line(PIN).is_ok())),
    ];
    for (how, end) in ends {
        let (mut session, process) = at_prompt(&bench);
        end(&mut session, &process);
        let rest = session.exp_eof().unwrap();
        assert!(rest.contains(how), "{how}: {rest}");
        assert!(rest.contains(" echo ") && !rest.contains("-echo "), "{how}: {rest}");
        assert_eq!(bench.json(&["pin", "status"])["user"]["state"], "ok", "{how}");
    }
}

#[test]
fn a_prompt_that_is_stopped_goes_on() {
    let bench = Bench::with(&["one"]);
    let (mut session, process) = at_prompt(&bench);
    session.send_control('z').unwrap();
    let status = format!("/proc/{process}/stat");
    let stopped = || std::fs::read_to_string(&status).unwrap().contains(") T ");
    assert!((0..2_000_000).any(|_| stopped()), "it does not stop");
    kill("-CONT", &process);
    session.send_line(PIN).unwrap();
    let rest = session.exp_eof().unwrap();
    assert!(rest.contains("is whole") && rest.contains("code 0"), "{rest}");
}

/// What a custodian writes down of his screen.
fn written_down(screen: &str, name: &str) -> String {
    let line =
        screen.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {screen}"));
    line.split_once(" : ").unwrap().1.trim().to_owned()
}

#[test]
fn each_custodian_has_a_screen_and_any_two_of_three_open_the_share() {
    const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";
    let bench = Bench::new();
    let share = bench.path("a.pbe").display().to_string();
    let of = ["--pwd-shares-threshold", "2", "--pwd-shares-total", "3"];
    let create = [&["dkek", "create-share", &share][..], &of].concat();
    let mut session = at_terminal(&bench, &create);
    for prompt in ["display share 1 of 3", "press <enter> when finished", "display share 2 of 3"] {
        session.exp_string(prompt).unwrap();
        session.send_line("").unwrap();
    }
    session.exp_string("press <enter> when finished").unwrap();
    session.send_control('c').unwrap();
    assert!(!ended(session).1 && !bench.path("a.pbe").exists(), "two of three custodians have seen nothing");

    let mut session = at_terminal(&bench, &create);
    let mut sheets = Vec::new();
    for number in 1..=3 {
        session.exp_string(&format!("{CLEAR}Press <enter> to display share {number} of 3")).unwrap();
        session.send_line("").unwrap();
        session.exp_string(CLEAR).unwrap();
        let screen =
            session.exp_string("Please note ALL values above and press <enter> when finished").unwrap();
        assert!(screen.starts_with(&format!("Share {number} of 3")), "{screen:?}");
        assert_eq!(written_down(&screen, "Share ID"), number.to_string());
        sheets.push((written_down(&screen, "Prime"), written_down(&screen, "Share value")));
        session.send_line("").unwrap();
    }
    session.exp_string(CLEAR).unwrap();
    let (rest, good) = ended(session);
    assert!(good && !rest.contains("Share value"), "{rest}");

    bench.init(&["--label", "one", "--dkek-shares", "1"]).ok();
    let import = ["dkek", "import-share", &share, "--pwd-shares-total", "2", "--pin-env", "THE_PIN"];
    let mut command = bench.child(TOOL);
    command.args(import).env("THE_PIN", PIN).env("TERM", "xterm");
    let mut session = spawn_command(command, Some(PATIENCE)).unwrap();
    for (mistyped, told) in [("12:zz", "hexadecimal"), ("12:34", "not prime")] {
        session.exp_string("Please enter prime: ").unwrap();
        session.send_line(mistyped).unwrap();
        let said = session.exp_string("; once more, please").unwrap();
        assert!(said.contains(told), "{said}");
    }
    session.exp_string("Please enter prime: ").unwrap();
    session.send_line(&sheets[0].0).unwrap();
    for (at, custodian) in [(1, 2), (2, 0)] {
        session.exp_string(&format!("Press <enter> to enter share {at} of 2")).unwrap();
        session.send_line("").unwrap();
        for (id, value) in [("none", "0"), ("3", "x")] {
            session.exp_string("Please enter share ID: ").unwrap();
            session.send_line(id).unwrap();
            session.exp_string("Please enter share value: ").unwrap();
            session.send_line(value).unwrap();
            session.exp_string("; once more, please").unwrap();
        }
        session.exp_string("Please enter share ID: ").unwrap();
        session.send_line(&(custodian + 1).to_string()).unwrap();
        session.exp_string("Please enter share value: ").unwrap();
        session.send_line(&sheets[custodian].1).unwrap();
    }
    let (rest, good) = ended(session);
    assert!(good && rest.contains("DKEK key check value"), "{rest}");
}

#[test]
fn a_pin_on_the_command_line_is_warned_of_at_a_terminal_only() {
    let bench = Bench::with(&["one"]);
    let (said, good) = ended(at_terminal(&bench, &["verify", "--pin", PIN]));
    assert!(good && said.contains("others can see a user PIN") && said.contains("--pin-env NAME"), "{said}");
    assert_eq!(bench.run(&["verify", "--pin", PIN]).err, "");
}

#[test]
fn no_core_is_written_where_one_could_be() {
    let bench = Bench::with(&["one"]);
    let mut shell = bench.child("sh");
    shell.args([
        "-c",
        "ulimit -c unlimited 2>/dev/null; exec \"$@\"",
        "sh",
        TOOL,
        "verify",
        "--pin-file",
        "-",
    ]);
    let mut child =
        shell.current_dir(bench.path("")).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    // It waits for its PIN: by then the limit is set.
    let limit = (0..200_000).find_map(|_| {
        std::thread::yield_now();
        let text = std::fs::read_to_string(&limits).ok()?;
        let line = text.lines().find(|line| line.starts_with("Max core file size"))?.to_owned();
        line.split_whitespace().skip(4).take(2).all(|size| size == "0").then_some(line)
    });
    assert!(limit.is_some(), "a core file is possible");
    let killed =
        std::process::Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}
