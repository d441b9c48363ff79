//! What the tests of the commands share: a directory of its own, and the tool in a clean environment.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;
use tokenkeep::api::{Call, Module};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::token::Settings;

pub const SO_PIN: &str = "87654321";
pub const PIN: &str = "13579";

pub const TOOL: &str = env!("CARGO_BIN_EXE_tokentool");

/// A directory for tokens.
pub struct Bench {
    place: TempDir,
}

/// How a run of the tool ended.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    /// An empty directory.
    pub fn new() -> Bench {
        Bench { place: tempfile::tempdir().unwrap() }
    }

    /// An empty directory in another.
    pub fn within(place: &Path) -> Bench {
        Bench { place: tempfile::tempdir_in(place).unwrap() }
    }

    /// The same tokens again, in a directory of their own; in that one, if it is named.
    pub fn again(&self, within: Option<&Path>) -> Bench {
        let bench = within.map_or_else(Bench::new, Bench::within);
        std::fs::create_dir(bench.dir()).unwrap();
        for path in self.files() {
            std::fs::copy(&path, bench.dir().join(path.file_name().unwrap())).unwrap();
        }
        bench
    }

    /// A directory with a token of each label.
    pub fn with(labels: &[&str]) -> Bench {
        let bench = Bench::new();
        labels.iter().for_each(|label| bench.make(label));
        bench
    }

    pub fn dir(&self) -> PathBuf {
        self.place.path().join("tokens")
    }

    /// A place for other files.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn make(&self, label: &str) {
        self.init(&["--label", label]).ok();
    }

    /// `init` with PINs, few rounds, and more options.
    pub fn init(&self, more: &[&str]) -> Ended {
        let plain = ["init", "--so-pin", SO_PIN, "--pin", PIN, "--kdf-iterations", "1000"];
        self.run(&[&plain, more].concat())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::from_std(self.child(TOOL));
        command.args(arguments);
        command
    }

    /// The same for tests that look on while it runs.
    pub fn child(&self, program: &str) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        for name in ["TOKENKEEP_CONF", "TOKENKEEP_TRACE", "XDG_DATA_HOME", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("HOME", self.place.path()).env("XDG_CONFIG_HOME", self.place.path());
        command.env("TOKENKEEP_DIR", self.dir());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments))
    }

    /// What `--json` prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        serde_json::from_str(ended.ok()).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
    }

    /// Works as another program on the token of that label, logged in; the user, or the SO.
    pub fn call<T>(&self, token: &str, user: CK_USER_TYPE, work: impl FnOnce(&Call<'_>) -> T) -> T {
        let slot = self.json(&["show", "--token", token])["slot"].as_u64().unwrap();
        let mut settings = Settings::read(Some("dir=.")).unwrap();
        settings.dir = self.dir();
        let module = Module::with(settings).unwrap();
        let session = module.open_session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
        let call = module.session(session).unwrap();
        let pin = if user == CKU_SO { SO_PIN } else { PIN };
        call.login(user, Some(&pin.as_bytes().into())).unwrap();
        work(&call)
    }

    /// The only token file.
    pub fn file(&self) -> PathBuf {
        self.files().into_iter().find(|path| path.extension().is_some_and(|end| end == "token")).unwrap()
    }

    pub fn files(&self) -> Vec<PathBuf> {
        list(&self.dir())
    }
}

/// What is in a directory.
pub fn list(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).map_or(Vec::new(), |files| files.map(|file| file.unwrap().path()).collect())
}

pub fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ended =
        Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
    for secret in [SO_PIN, PIN] {
        assert!(!ended.out.contains(secret) && !ended.err.contains(secret), "a PIN is in the output");
    }
    ended
}

impl Ended {
    /// It went well: what it printed.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        &self.out
    }

    /// It failed as told: the error has all these words, and an advice.
    #[track_caller]
    pub fn fails(&self, words: &[&str]) {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert_eq!(self.out, "", "nothing goes to stdout on failure");
        assert!(self.err.starts_with("tokentool: ") && self.err.contains("\n  try: "), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in: {}", self.err);
        }
    }

    /// The command line was wrong.
    #[track_caller]
    pub fn misused(&self, word: &str) {
        assert_eq!(self.code, 2, "{}{}", self.out, self.err);
        assert!(self.err.contains(word), "{word:?} is not in: {}", self.err);
    }
}
