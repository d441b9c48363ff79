//! `tokentool mechanisms`: what the tokens can do.

use clap::Args;
use serde::Serialize;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::names;
use tokenkeep::mechanism::{self, Mechanism, Unit};

use crate::Answer;
use crate::options::Options;
use crate::paint::FAINT;
use crate::problem::{Problem, Result};
use crate::table::{Cell, Table};

/// List the mechanisms: names, key sizes, what each can do
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Mechanisms {
    /// Only those with this text in their name
    name: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  tokentool mechanisms
  tokentool mechanisms ecdsa
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
];

impl Mechanisms {
    pub fn run(&self, _options: &Options) -> Result<Answer> {
        let wanted = self.name.as_deref().unwrap_or("").to_uppercase().replace('-', "_");
        let rows: Vec<Row> = mechanism::all().map(row).filter(|row| row.name.contains(&wanted)).collect();
        if rows.is_empty() {
            return Err(Problem::new(format!("no mechanism has {wanted:?} in its name"))
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

fn row(row: &'static Mechanism) -> Row {
    let offers = row.offers();
    Row {
        name: row.name().into_owned(),
        id: row.id,
        keys: row.keys.iter().map(|kind| names::key_type(*kind).into_owned()).collect(),
        min: row.sizes.0,
        max: row.sizes.1,
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
