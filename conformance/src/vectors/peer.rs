//! The program that mechanisms are checked against: `conformance/vectors/peer`, spoken to in lines of JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::judge::bytes;

/// The program, started when it is first asked.
#[derive(Default)]
pub struct Peer(Option<Running>);

struct Running {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Asks for the work of that name, with its arguments; bytes are hexadecimal strings.
    ///
    /// # Errors
    /// What the peer says is wrong, or that it does not run.
    pub fn ask(&mut self, work: &str, mut arguments: Value) -> Result<Value, String> {
        arguments["do"] = json!(work);
        let running = match &mut self.0 {
            Some(running) => running,
            none => none.insert(start()?),
        };
        let broken = |error: std::io::Error| format!("the peer: {error}");
        writeln!(running.ask, "{arguments}").map_err(broken)?;
        let mut line = String::new();
        running.answers.read_line(&mut line).map_err(broken)?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|_| format!("the peer ended when asked for {work}"))?;
        match answer["error"].as_str() {
            Some(error) => Err(format!("the peer, asked for {work}: {error}")),
            None => Ok(answer["out"].clone()),
        }
    }

    /// The same for an answer of bytes.
    pub fn bytes(&mut self, work: &str, arguments: Value) -> Result<Vec<u8>, String> {
        self.ask(work, arguments).map(|out| bytes(&out))
    }

    /// The same for a check; `Err` when the peer finds it false.
    pub fn agrees(&mut self, work: &str, arguments: Value) -> Result<(), String> {
        match self.ask(work, arguments)? {
            Value::Bool(true) => Ok(()),
            _ => Err(format!("the peer does not accept it ({work})")),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            let Running { mut child, ask, .. } = running;
            drop(ask);
            let _ = child.wait();
        }
    }
}

fn start() -> Result<Running, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut command = Command::new("python3");
    command.arg("-m").arg("peer").current_dir(directory).env("PYTHONDONTWRITEBYTECODE", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("python3: {error}"))?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(ask), Some(answers)) => Ok(Running { child, ask, answers: BufReader::new(answers) }),
        _ => Err("python3 has no pipes".into()),
    }
}
