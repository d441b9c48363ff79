//! `tokentool mechanisms`: what the tokens can do.

use clap::Args;
use serde::Serialize;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::names;
use tokenkeep::mechanism::{self, Mechanism, Profile, Unit};

use crate::Answer;
use crate::options::{LEAVE_OUT, Options};
use crate::paint::FAINT;
use crate::problem::{Problem, Result};
use crate::table::{Cell, Table};

/// List the mechanisms: names, key sizes, what each can do
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Mechanisms {
    /// Only those with this text in their name
    name: Option<String>,
    /// What this profile leaves of them: open or modern
    #[arg(long, value_name = "NAME", default_value = "open")]
    profile: String,
    /// Print tables in Markdown, one for each family
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

const EXAMPLES: &str = "\
Examples:
  tokentool mechanisms
  tokentool mechanisms ecdsa
  tokentool mechanisms --profile modern
  tokentool mechanisms --json | jq -r '.[] | select(.flags | index(\"sign\")) | .name'";

#[derive(Serialize)]
struct Row {
    name: String,
    id: u64,
    keys: Vec<String>,
    min: u64,
    max: u64,
    unit: &'static str,
    flags: Vec<&'static str>,
}

/// What a mechanism offers (PKCS#11 v3.2 §5.5.6).
const FLAGS: &[(CK_FLAGS, &str)] = &[
    (CKF_GENERATE, "generate"),
    (CKF_GENERATE_KEY_PAIR, "generate-pair"),
    (CKF_ENCRYPT, "encrypt"),
    (CKF_DECRYPT, "decrypt"),
    (CKF_DIGEST, "digest"),
    (CKF_SIGN, "sign"),
    (CKF_SIGN_RECOVER, "sign-recover"),
    (CKF_VERIFY, "verify"),
    (CKF_VERIFY_RECOVER, "verify-recover"),
    (CKF_WRAP, "wrap"),
    (CKF_UNWRAP, "unwrap"),
    (CKF_DERIVE, "derive"),
    (CKF_ENCAPSULATE, "encapsulate"),
    (CKF_DECAPSULATE, "decapsulate"),
];

impl Mechanisms {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        options.without_token(LEAVE_OUT)?;
        let name = self.name.as_deref().unwrap_or("").to_uppercase().replace('-', "_");
        let profile = Profile::named(&self.profile).map_err(|error| {
            Problem::new(error.why().to_owned()).advise("`tokentool mechanisms --profile modern`")
        })?;
        let wanted = |row: &Row| !row.flags.is_empty() && row.name.contains(&name);
        if self.markdown {
            return Answer::new(markdown(profile, wanted), &());
        }
        let rows: Vec<Row> = mechanism::all().map(|of| row(profile, of)).filter(wanted).collect();
        if rows.is_empty() {
            return Err(Problem::new(format!("no mechanism has {name:?} in its name"))
                .advise("`tokentool mechanisms` lists them all"));
        }
        let mut table = Table::new(&["MECHANISM", "KEYS", ">SIZES", "", "CAN"]);
        for row in &rows {
            table.row([
                row.name.as_str().into(),
                keys(row).into(),
                sizes(row).into(),
                Cell::styled(FAINT, if row.max > 0 { row.unit } else { "" }),
                row.flags.join(" ").into(),
            ]);
        }
        Answer::new(table.text(), &rows)
    }
}

/// A table for each family that has something to show.
fn markdown(profile: &Profile, wanted: impl Fn(&Row) -> bool) -> String {
    let mut text = String::from("# Mechanisms\n\nMade by `tokentool mechanisms --markdown`.\n");
    for (family, rows) in mechanism::FAMILIES {
        let rows: Vec<Row> = rows.iter().map(|of| row(profile, of)).filter(&wanted).collect();
        if rows.is_empty() {
            continue;
        }
        text += &format!("\n## {family}\n\n| Mechanism | Keys | Sizes | Uses |\n|---|---|---|---|\n");
        for row in &rows {
            let size = if row.max > 0 { format!("{} {}", sizes(row), row.unit) } else { String::new() };
            text += &format!("| {} | {} | {size} | {} |\n", row.name, keys(row), row.flags.join(", "));
        }
    }
    text
}

fn row(profile: &Profile, row: &'static Mechanism) -> Row {
    let (offers, (min, max)) = (profile.offers(row), profile.sizes(row));
    Row {
        name: row.name().into_owned(),
        id: row.id,
        keys: row.keys.iter().map(|kind| names::key_type(*kind).into_owned()).collect(),
        min,
        max,
        unit: match row.unit {
            Unit::Bits => "bits",
            Unit::Bytes => "bytes",
        },
        flags: FLAGS.iter().filter(|(flag, _)| offers & flag != 0).map(|(_, name)| *name).collect(),
    }
}

/// The first key types that it works with, and how many more there are.
fn keys(row: &Row) -> String {
    let named: Vec<&str> = row.keys.iter().take(2).map(|key| key.trim_start_matches("CKK_")).collect();
    match row.keys.len().saturating_sub(named.len()) {
        0 => named.join(" "),
        more => format!("{} +{more}", named.join(" ")),
    }
}

fn sizes(row: &Row) -> String {
    match (row.min, row.max) {
        (_, 0) => String::new(),
        (min, max) if min == max => min.to_string(),
        (min, max) => format!("{min}–{max}"),
    }
}
