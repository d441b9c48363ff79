//! Small programs of our own, run with a deadline: a deadlock is a failure, not a hung test run.

use std::ffi::OsStr;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A program to run, with arguments.
pub struct Program(Command);

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; None when a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Program {
    /// The program at that path: `env!("CARGO_BIN_EXE_…")`.
    pub fn new(path: impl AsRef<OsStr>) -> Program {
        let mut command = Command::new(path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Program(command)
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.0.arg(argument);
        self
    }

    /// Starts it; its standard input, output and error are pipes.
    pub fn start(mut self) -> Child {
        self.0.spawn().expect("the program starts")
    }

    /// Runs it to its end, which must come within a minute.
    pub fn run(self) -> Ended {
        Ended::of(self.start())
    }
}

impl Ended {
    /// Waits for a started program; one that is still running after a minute is killed and fails the test.
    pub fn of(child: Child) -> Ended {
        let pid = child.id();
        let (done, gone) = std::sync::mpsc::channel();
        std::thread::spawn(move || done.send(child.wait_with_output()));
        let output: Output = match gone.recv_timeout(Duration::from_secs(60)) {
            Ok(output) => output.expect("the program's output"),
            Err(_) => {
                // SAFETY: the child is ours and not yet waited for, so the number is still its own.
                unsafe { libc::kill(pid.cast_signed(), libc::SIGKILL) };
                let last = gone.recv_timeout(Duration::from_secs(5));
                panic!("the program hangs; its last words: {last:?}");
            }
        };
        Ended {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails with all the program said unless it exited with 0.
    #[track_caller]
    pub fn success(self) -> Ended {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}
