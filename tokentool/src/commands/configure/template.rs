//! Templates: text with `@names@` in it. A line that names what nobody has given is left out.

use tokenkeep::cryptoki::Secret;

use crate::problem::Result;

/// How a file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The file is ours.
    Whole,
    /// The file is the user's: our lines stand in it between two marks.
    Block,
}

/// A file of a client.
pub struct Template {
    /// Its path, with names.
    pub place: &'static str,
    /// How it is written.
    pub mode: Mode,
    /// Its text, with names.
    pub text: &'static str,
}

impl Template {
    /// Whether it lies where programs of other users read it, and not below somebody's home.
    pub fn is_public(&self) -> bool {
        self.place.starts_with('/')
    }

    /// Whether it names this.
    pub fn has(&self, name: &str) -> bool {
        self.text.contains(&format!("@{name}@"))
    }
}

const BEGIN: &str = "# tokentool configure: begin\n";
const END: &str = "# tokentool configure: end\n";

/// The text with every `@name@` replaced by what `value` knows of it, as it may hold a PIN: a secret.
pub fn fill(text: &str, value: &dyn Fn(&str) -> Result<Option<String>>) -> Result<Secret> {
    let mut filled = Vec::with_capacity(2 * text.len());
    for line in text.split_inclusive('\n') {
        if let Some(line) = fill_line(line, value)? {
            filled.extend_from_slice(line.expose());
        }
    }
    Ok(filled.into())
}

/// One line, or nothing if a name in it has no value.
fn fill_line(line: &str, value: &dyn Fn(&str) -> Result<Option<String>>) -> Result<Option<Secret>> {
    let mut filled = Vec::with_capacity(LONGEST);
    for (at, part) in line.split('@').enumerate() {
        match at % 2 {
            0 => filled.extend_from_slice(part.as_bytes()),
            _ => match value(part)? {
                Some(value) => filled.extend_from_slice(Secret::from(value.into_bytes()).expose()),
                None => return Ok(None),
            },
        }
    }
    Ok(Some(filled.into()))
}

/// Room for a line, so that a PIN in it is not left behind where the line has grown.
const LONGEST: usize = 4096;

/// The user's file with our lines in it: in the place of those of last time, else at the end.
pub fn insert(file: &str, lines: &str) -> String {
    let ours = format!("{BEGIN}{lines}{END}");
    match file.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1))) {
        Some((before, after)) => format!("{before}{ours}{after}"),
        None if file.is_empty() => ours,
        None => format!("{}\n\n{ours}", file.trim_end_matches('\n')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let value = |name: &str| Ok((name == "module").then(|| "/lib/m.so".to_owned()));
        String::from_utf8(fill(text, &value).unwrap().expose().to_vec()).unwrap()
    }

    #[test]
    fn names_are_replaced_and_lines_without_a_value_left_out() {
        assert_eq!(filled("load @module@;\npin @pin@\nend"), "load /lib/m.so;\nend");
        assert_eq!(filled("@module@ @module@ @pin@\n"), "");
    }

    #[test]
    fn a_block_is_put_at_the_end_and_replaced_the_next_time() {
        let once = insert("Host a\n", "one\n");
        assert_eq!(once, format!("Host a\n\n{BEGIN}one\n{END}"));
        assert_eq!(
            insert(&format!("{once}Host b\n"), "two\n"),
            format!("Host a\n\n{BEGIN}two\n{END}Host b\n")
        );
        assert_eq!(insert("", "one\n"), format!("{BEGIN}one\n{END}"));
    }
}
