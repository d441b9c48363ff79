//! A trace of refusals, of unknown settings, and of the keys that are used: one JSON object a line. No PIN, key or secret is ever given
//! to it. `tokentool why` reads it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{Point, Timestamp};

/// The file that the trace goes to, opened at its first line.
pub struct Trace {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl Trace {
    pub fn new(path: &Path) -> Trace {
        Trace { path: path.to_owned(), file: Mutex::new(None) }
    }

    /// Writes a line. A trace that cannot be written is no reason to refuse work.
    pub fn write(&self, now: Timestamp, point: Point<'_>) {
        let Some(line) = line(now, std::process::id(), point) else { return };
        let Ok(mut file) = self.file.lock() else { return };
        if file.is_none() {
            *file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path).ok();
        }
        if let Some(file) = file.as_mut() {
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// The line of a point; none for what is not told.
fn line(now: Timestamp, process: u32, point: Point<'_>) -> Option<String> {
    let rest = match point {
        Point::Enter(_) | Point::Leave(_, None) => return None,
        Point::Leave(function, Some(error)) => format!(
            "\"function\":{},\"rv\":{},\"why\":{}",
            quoted(function),
            quoted(error.rv().name()),
            quoted(error.why())
        ),
        Point::Unknown(setting) => {
            format!("\"setting\":{},\"why\":\"no setting of Tokenkeep: passed over\"", quoted(setting))
        }
        Point::Use { mechanism, object } => {
            format!("\"use\":{},\"mechanism\":{}", quoted(object), quoted(mechanism))
        }
    };
    Some(format!("{{\"time\":{},\"process\":{process},{rest}}}\n", now.0))
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cryptoki::Rv;

    #[test]
    fn a_refusal_is_one_line_of_json() {
        let error = Rv::PinIncorrect.because("2 tries are \"left\"\n");
        let line = line(Timestamp(7), 9, Point::Leave("C_Login", Some(&error)));
        assert_eq!(
            line.unwrap(),
            "{\"time\":7,\"process\":9,\"function\":\"C_Login\",\"rv\":\"CKR_PIN_INCORRECT\",\
             \"why\":\"2 tries are \\\"left\\\"\\u000a\"}\n"
        );
    }
}
