//! A refusal, read from a line of the trace: what the sentence of its reason names, and the rule behind it.

use serde::{Deserialize, Serialize};
use tokenkeep::emulation::Timestamp;

use super::rules;
use crate::paint::{BAD, FAINT, PLAIN, paint, plain};
use crate::table::{Cell, facts};

/// A line of the trace that tells of a refusal.
#[derive(Deserialize)]
struct Line {
    time: u64,
    process: u32,
    function: String,
    rv: String,
    why: String,
}

/// A refusal, with what is known of it.
#[derive(Serialize)]
pub struct Refusal {
    /// Seconds since 1970.
    pub time: u64,
    pub process: u32,
    pub function: String,
    pub code: String,
    pub why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    pub section: String,
}

impl Refusal {
    /// The refusal in a line of the trace; none when the line is about something else.
    pub fn read(line: &str) -> Option<Refusal> {
        let Line { time, process, function, rv, why } = serde_json::from_str(line).ok()?;
        let rule = rules::rule(&rv);
        let section = section(&why)
            .or(rule.map(|(_, section)| section.to_owned()))
            .or(rules::section(&function).map(str::to_owned));
        Some(Refusal {
            attribute: attribute(&why),
            value: value(&why),
            rule: rule.map(|(rule, _)| rule),
            section: format!("PKCS#11 v3.2 {}", section.unwrap_or_default()).trim_end().to_owned(),
            time,
            process,
            function: plain(function.as_bytes()),
            code: plain(rv.as_bytes()),
            why: plain(why.as_bytes()),
        })
    }

    /// For people: a line of what happened, and the facts below it.
    pub fn text(&self) -> String {
        let head = format!(
            "{}  {} answered {}\n",
            paint(FAINT, format!("{}  process {}", clock(self.time), self.process)),
            self.function,
            paint(BAD, &self.code)
        );
        let why = if self.why.is_empty() { "the code says it all" } else { &self.why };
        let some = [
            ("why", Some(why)),
            ("attribute", self.attribute.as_deref()),
            ("value", self.value.as_deref()),
            ("rule", self.rule),
            ("section", Some(self.section.as_str())),
        ];
        let cells = some.into_iter().filter_map(|(name, text)| Some((name, Cell::styled(PLAIN, text?))));
        head + &facts(cells)
    }
}

/// `2026-11-21 14:03:22`, in UTC.
fn clock(time: u64) -> String {
    let digits = Timestamp(time).utc();
    let digits = String::from_utf8_lossy(&digits);
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    let (day, time) = ([part(0, 4), part(4, 6), part(6, 8)], [part(8, 10), part(10, 12), part(12, 14)]);
    format!("{} {}", day.join("-"), time.join(":"))
}

/// The first attribute that a reason names.
fn attribute(why: &str) -> Option<String> {
    let begin = why.find("CKA_")?;
    let name = why[begin..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    Some(name.to_owned())
}

/// The value that a reason says the attribute has: `CKA_… is CK_FALSE`, `CKA_… of … is …`, `CKA_… of 3 bytes`.
fn value(why: &str) -> Option<String> {
    let after = &why[why.find("CKA_")?..];
    let word = |text: &str| {
        let word = text.split([' ', ',', ';', ')']).next().unwrap_or_default().trim_end_matches([':', '.']);
        let told = word.starts_with("CK") || word.starts_with(|c: char| c.is_ascii_digit());
        told.then(|| word.to_owned())
    };
    let is = || after.split(" is ").skip(1).find_map(word);
    let length = || after.split(" of ").nth(1).filter(|rest| rest.contains(" bytes")).and_then(word);
    is().or_else(|| length().map(|length| format!("{length} bytes")))
}

/// The section that a reason names: `§5.18.3`, or `Table 13, footnote 10`.
fn section(why: &str) -> Option<String> {
    let until = |begin: usize, end: &[char]| why[begin..].split(end).next().map(str::to_owned);
    let section = why.find('§').and_then(|begin| until(begin, &[' ', ')', ',', ':', ';']));
    section.or_else(|| why.find("Table ").and_then(|begin| until(begin, &[')', ':', ';'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rv: &str, why: &str) -> Refusal {
        let line =
            serde_json::json!({ "time": 0, "process": 7, "function": "C_WrapKey", "rv": rv, "why": why });
        Refusal::read(&line.to_string()).unwrap()
    }

    #[test]
    fn what_a_reason_names_is_found_in_it() {
        let cases = [
            ("CKA_EXTRACTABLE of secret key \"x\" is CK_FALSE", Some("CKA_EXTRACTABLE"), Some("CK_FALSE")),
            ("CKA_TOKEN of 3 bytes: it must be one byte", Some("CKA_TOKEN"), Some("3 bytes")),
            ("CKA_TRUST is 0x17, which is no CKT_", Some("CKA_TRUST"), Some("0x17")),
            ("CKA_VALUE is missing", Some("CKA_VALUE"), None),
            ("there is no session 0x3", None, None),
        ];
        for (why, attribute, value) in cases {
            let refusal = read("CKR_KEY_UNEXTRACTABLE", why);
            assert_eq!((refusal.attribute.as_deref(), refusal.value.as_deref()), (attribute, value), "{why}");
        }
    }

    #[test]
    fn the_section_is_that_of_the_reason_or_of_the_rule_or_of_the_function() {
        let section = |rv, why| read(rv, why).section;
        assert_eq!(section("CKR_KEY_HANDLE_INVALID", "not so (§5.18.3)"), "PKCS#11 v3.2 §5.18.3");
        assert_eq!(
            section("CKR_ATTRIBUTE_READ_ONLY", "by the SO only (PKCS#11 v3.2 Table 13, footnote 10)"),
            "PKCS#11 v3.2 Table 13, footnote 10"
        );
        assert_eq!(section("CKR_TEMPLATE_INCOMPLETE", "it is missing"), "PKCS#11 v3.2 §4.1.1");
        assert_eq!(section("CKR_DEVICE_MEMORY", ""), "PKCS#11 v3.2 §5.18");
    }

    #[test]
    fn other_lines_are_no_refusals() {
        for line in ["", "{}", "{\"time\":1,\"process\":2,\"use\":\"key\",\"mechanism\":\"CKM_ECDSA\"}"] {
            assert!(Refusal::read(line).is_none(), "{line}");
        }
    }
}
