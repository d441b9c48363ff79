//! A kill at any moment, and a disk that is full: afterwards the old state is there, or the new one.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod bench;

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use bench::{Bench, Ended, PIN, SO_PIN, TOOL};
use serde_json::Value;
use tokenkeep::backup::Import;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::mechanism::{Choice, Params};
use tokenkeep::object::{Given, Value as Of};

/// How many objects the source token has.
const OBJECTS: usize = 12;

/// The source of a restore, and the files that are read and written.
struct Stage {
    /// A token without objects, whose DKEK is complete.
    empty: Bench,
    backup: String,
    wrapped: String,
    _source: Bench,
}

/// What is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Init,
    Restore,
    Unwrap,
    Backup,
    Directory,
    Snapshot,
}

const ALL: [Work; 6] =
    [Work::Init, Work::Restore, Work::Unwrap, Work::Backup, Work::Directory, Work::Snapshot];

fn set_up() -> Stage {
    let complete = |label: &str| {
        let bench = Bench::new();
        bench.init(&["--label", label, "--dkek-shares", "1"]).ok();
        let share = tokenkeep::cryptoki::Secret::from(&[7; 32][..]);
        bench.call(label, CKU_USER, |call| call.dkek_import(0, &share, Import::default()).unwrap());
        bench
    };
    let (source, empty) = (complete("source"), complete("empty"));
    source.call("source", CKU_USER, |call| {
        let choice = Choice { id: CKM_AES_KEY_GEN, params: Params::None };
        for at in 0..OBJECTS {
            let label = Given::Bytes(format!("key {at}").into_bytes().into());
            let len = Of::Ulong(32).to_given();
            let template =
                vec![(CKA_VALUE_LEN, len), (CKA_TOKEN, Of::Bool(true).to_given()), (CKA_LABEL, label)];
            call.generate(&choice, &template).unwrap();
        }
    });
    let path = |name: &str| source.path(name).display().to_string();
    let (backup, wrapped) = (path("backup"), path("wrapped"));
    source.run(&["backup", &backup, "--pin", PIN]).ok();
    source.run(&["key", "wrap", "--label", "key 0", &wrapped, "--pin", PIN]).ok();
    Stage { empty, backup, wrapped, _source: source }
}

impl Work {
    fn arguments(self, stage: &Stage, bench: &Bench) -> Vec<String> {
        std::fs::create_dir_all(bench.path("copies")).unwrap();
        let out = self.out(bench).display().to_string();
        let words: &[&str] = match self {
            Work::Init => &[
                "init",
                "--label",
                "new",
                "--so-pin",
                SO_PIN,
                "--kdf-iterations",
                "1000",
                "--dkek-shares",
                "2",
            ],
            Work::Restore => &["restore", &stage.backup],
            Work::Unwrap => &["key", "unwrap", &stage.wrapped],
            Work::Backup | Work::Directory => &["backup", &out],
            Work::Snapshot => &["snapshot", &out],
        };
        let pin: &[&str] = if self == Work::Snapshot { &[] } else { &["--pin", PIN] };
        let chosen: &[&str] = if self == Work::Init { &[] } else { &["--token", "empty"] };
        [words, pin, chosen].concat().into_iter().map(str::to_owned).collect()
    }

    /// What is made outside the token's directory.
    fn out(self, bench: &Bench) -> PathBuf {
        match self {
            Work::Snapshot => bench.path("copies").join(bench.file().file_name().unwrap()),
            Work::Directory => bench.path("out/"),
            _ => bench.path("out"),
        }
    }

    fn run(self, stage: &Stage, bench: &Bench) -> Ended {
        bench.run(&self.arguments(stage, bench).iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Whether the new state is there and not the old one; anything between them fails.
    fn is_done(self, bench: &Bench) -> bool {
        let objects = bench.json(&["objects", "--token", "empty", "--pin", PIN]).as_array().unwrap().len();
        let whole = bench.json(&["verify", "--token", "empty", "--pin", PIN]);
        assert_eq!(whole["whole"], true, "{self:?}");
        let (tokens, made) = (bench.json(&["list"]), self.out(bench).exists());
        let tokens = tokens.as_array().unwrap().len();
        assert!(self == Work::Init || tokens == 1, "{self:?}: {tokens} tokens");
        match (self, tokens, objects) {
            (Work::Init, 1, 0) => false,
            (Work::Init, 2, 0) => {
                let new = |command: &[&str]| bench.json(&[command, &["--token", "new"]].concat());
                assert_eq!(new(&["dkek", "status"])["missing"], 2, "a new token has its DKEK");
                assert_eq!(new(&["verify", "--pin", PIN])["whole"], true);
                true
            }
            (Work::Backup | Work::Directory, _, 0) => {
                let out = bench.path("out").display().to_string();
                if made {
                    bench.run(&["restore", "--verify", &out, "--token", "empty", "--pin", PIN]).ok();
                }
                made
            }
            (Work::Snapshot, _, 0) => {
                if made {
                    let copies = bench.path("copies").display().to_string();
                    assert_eq!(bench.json(&["verify", "--dir", &copies, "--pin", PIN])["whole"], true);
                }
                made
            }
            (Work::Restore | Work::Unwrap, _, 0) => false,
            (Work::Restore, _, OBJECTS) | (Work::Unwrap, _, 1) => true,
            other => panic!("neither old nor new: {other:?}"),
        }
    }

    /// What was interrupted stands in the old state, and can be done again, or in the new one. What was left of it is
    /// gone when something is made there again.
    fn settles(self, stage: &Stage, bench: &Bench) -> bool {
        let done = self.is_done(bench);
        if !done {
            self.run(stage, bench).ok();
            assert!(self.is_done(bench), "{self:?}");
            for place in [bench.dir(), bench.path(""), bench.path("copies")] {
                let hidden = bench::list(&place).into_iter().find(|path| is_hidden(path));
                assert_eq!(hidden, None, "{self:?}");
            }
        }
        done
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The tool with a limit on how long a file may become, in blocks of 512 bytes; beyond it the kernel kills it, in the
/// middle of a write, or the write fails (`trap`).
fn limited(bench: &Bench, arguments: &[String], blocks: u32, trap: &str) -> Output {
    let mut shell = bench.child("sh");
    shell.args(["-c", &format!("{trap} ulimit -f {blocks}; exec \"$@\""), "sh", TOOL]).args(arguments);
    shell.output().unwrap()
}

/// Stops the work at one write after the other, until it is left alone; how often it was stopped.
fn at_every_write(work: Work, trap: &str, stopped: impl Fn(&Output)) -> usize {
    let stage = set_up();
    for count in 0.. {
        let bench = stage.empty.again(None);
        let output = limited(&bench, &work.arguments(&stage, &bench), count * 4, trap);
        if output.status.success() {
            assert!(work.is_done(&bench));
            return count as usize;
        }
        stopped(&output);
        work.settles(&stage, &bench);
    }
    unreachable!("a file needs no more than the largest limit")
}

fn killed_in_the_middle_of_a_write(work: Work) {
    let times = at_every_write(work, "", |output| {
        assert_eq!(output.status.signal(), Some(25), "SIGXFSZ: {}", String::from_utf8_lossy(&output.stderr));
    });
    let least = if matches!(work, Work::Backup | Work::Directory) { 1 } else { 10 };
    assert!(times >= least, "{work:?} was killed {times} times only");
}

#[test]
fn an_init_is_killed_at_every_write() {
    killed_in_the_middle_of_a_write(Work::Init);
}

#[test]
fn a_restore_is_killed_at_every_write() {
    killed_in_the_middle_of_a_write(Work::Restore);
}

#[test]
fn an_import_of_a_key_is_killed_at_every_write() {
    killed_in_the_middle_of_a_write(Work::Unwrap);
}

#[test]
fn a_backup_is_killed_at_every_write() {
    killed_in_the_middle_of_a_write(Work::Backup);
}

#[test]
fn a_backup_into_a_directory_is_killed_at_every_write() {
    killed_in_the_middle_of_a_write(Work::Directory);
}

#[test]
fn a_snapshot_is_killed_at_every_write() {
    killed_in_the_middle_of_a_write(Work::Snapshot);
}

#[test]
fn a_write_that_fails_is_told_and_changes_nothing() {
    for work in ALL {
        at_every_write(work, "trap '' XFSZ;", |output| {
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{work:?}: {said}");
            assert!(said.starts_with("tokentool: ") && said.contains("\n  try: "), "{work:?}: {said}");
        });
    }
}

#[test]
fn a_kill_from_outside_at_any_time_leaves_old_or_new() {
    const TIMES: u32 = 8;
    let stage = set_up();
    for work in ALL {
        for at in 0..TIMES {
            let bench = stage.empty.again(None);
            let mut child = bench.child(TOOL);
            child.args(work.arguments(&stage, &bench)).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = child.spawn().unwrap();
            pause(at * at);
            child.kill().unwrap();
            child.wait().unwrap();
            work.settles(&stage, &bench);
        }
    }
}

/// The share is of the real tool; its password takes seconds, and the write that comes then is met.
#[test]
fn an_import_of_a_share_is_killed_while_it_is_written() {
    let bench = Bench::new();
    bench.init(&["--label", "one", "--dkek-shares", "1"]).ok();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../module/tests/fixtures/dkek/dkek2-share1.pbe");
    let import = ["dkek", "import-share", file, "--password", "correct horse 1", "--pin", PIN];
    let log = format!("{}-wal", bench.file().display());
    let mut child =
        bench.child(TOOL).args(import).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The login writes the counter of tries; when the log has been still for a while, the rounds are running.
    let size = || std::fs::metadata(&log).map_or(0, |data| data.len());
    let (mut last, mut still) = (0, 0);
    while still < 200 && child.try_wait().unwrap().is_none() {
        pause(1);
        still = if size() == last && last > 0 { still + 1 } else { 0 };
        last = size();
    }
    while size() == last && child.try_wait().unwrap().is_none() {}
    child.kill().unwrap();
    child.wait().unwrap();
    let missing = |bench: &Bench| bench.json(&["dkek", "status"])["missing"].clone();
    assert_eq!(bench.json(&["verify", "--pin", PIN])["whole"], true);
    if missing(&bench) == 1 {
        bench.run(&import).ok();
    }
    let status = bench.json(&["dkek", "status"]);
    assert_eq!((&status["missing"], &status["kcv"]), (&Value::from(0), &Value::from("EE06FA165E2FFA34")));
}

const SMALL: &str = "TOKENTOOL_TEST_SMALL_DISK";

/// Mounts a small disk that only this test sees, where the system lets it; the test before is for the others.
#[test]
fn a_full_disk_is_told_and_changes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let allowed = |how: &[&str]| {
        let mut mount = Command::new("unshare");
        mount.args(how).args(["mount", "-t", "tmpfs", "tmpfs"]).arg(place.path());
        mount.output().is_ok_and(|output| output.status.success())
    };
    let ways: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
    let Some(how) = ways.iter().find(|how| allowed(how)) else {
        return eprintln!("no disk can be mounted here: the limit on files stands for it");
    };
    let test = std::env::current_exe().unwrap();
    let mut inside = Command::new("unshare");
    inside.args(*how).args([
        "sh",
        "-c",
        "mount -t tmpfs -o size=1m tmpfs \"$1\" && exec \"$2\" --exact --ignored on_a_small_disk",
        "sh",
    ]);
    let output = inside.arg(place.path()).arg(test).env(SMALL, place.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "needs the disk of the test above, which runs it"]
fn on_a_small_disk() {
    let disk = std::env::var_os(SMALL).expect("the disk");
    let disk = Path::new(&disk);
    let stage = set_up();

    // What is there can be read; only a login is no reading, since it counts.
    let bench = stage.empty.again(Some(disk));
    let filler = disk.join("filler");
    fill(&filler, 0);
    for reading in [&["list"][..], &["show"], &["objects"], &["pin", "status"], &["verify"]] {
        bench.run(&[reading, &["--token", "0"]].concat()).ok();
        bench.run(&["objects", "--token", "0", "--pin", PIN]).fails(&["full", "make room on the disk"]);
    }
    std::fs::remove_file(&filler).unwrap();
    bench.run(&["objects", "--token", "0", "--pin", PIN]).ok();
    drop(bench);

    for work in ALL {
        let mut refused = 0;
        for free in 0.. {
            let bench = stage.empty.again(Some(disk));
            let filler = disk.join("filler");
            fill(&filler, free * 8192);
            let ended = work.run(&stage, &bench);
            std::fs::remove_file(&filler).unwrap();
            if ended.code == 0 {
                assert!(work.is_done(&bench));
                break;
            }
            assert!(
                ["full", "No space left"].iter().any(|word| ended.err.contains(word)),
                "{work:?}: {}",
                ended.err
            );
            ended.fails(&["make room on the disk"]);
            assert!(
                !ended.err.contains("draft"),
                "{work:?} tells of a file that nobody knows: {}",
                ended.err
            );
            refused += 1;
            assert!(!work.settles(&stage, &bench), "what failed was not done");
        }
        assert!(refused > 0, "{work:?} was never refused");
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "when the kill comes is what is tried, and nothing depends on it"
)]
fn pause(milliseconds: u32) {
    std::thread::sleep(Duration::from_millis(milliseconds.into()));
}

/// Takes all of the disk but so many bytes.
fn fill(filler: &Path, free: u64) {
    let mut file = std::fs::File::create(filler).unwrap();
    let taken = std::io::copy(&mut std::io::repeat(0), &mut file);
    assert!(taken.is_err(), "the disk is small");
    let size = file.metadata().unwrap().len();
    file.set_len(size.saturating_sub(free)).unwrap();
}
