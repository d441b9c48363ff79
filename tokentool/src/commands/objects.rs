//! `tokentool objects`: what is in a token.

use clap::Args;
use serde::Serialize;
use tokenkeep::api::Call;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::names;
use tokenkeep::object::Given;
use tokenkeep::token::User;

use crate::Answer;
use crate::options::Options;
use crate::paint::{FAINT, HINT, WARN, paint, plain};
use crate::pin::UserPin;
use crate::problem::Result;
use crate::table::{Cell, Table};
use crate::tokens::Tokens;

/// List the objects of a token: keys, certificates, data
///
/// Private objects, which private keys mostly are, show when a PIN option is given, or with --login, which asks.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Objects {
    /// Ask for the user PIN, to see private objects
    #[arg(long, short = 'l')]
    login: bool,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool objects --login
  PIN=… tokentool objects --token bench --pin-env PIN
  tokentool objects --json | jq -r '.[] | select(.class==\"CKO_CERTIFICATE\") | .id'";

#[derive(Serialize)]
struct Row {
    handle: u64,
    class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    curve: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits: Option<usize>,
    label: String,
    id: String,
    private: bool,
    uses: Vec<&'static str>,
    flags: Vec<&'static str>,
}

/// What a key may do.
const USES: &[(CK_ATTRIBUTE_TYPE, &str)] = &[
    (CKA_ENCRYPT, "encrypt"),
    (CKA_DECRYPT, "decrypt"),
    (CKA_SIGN, "sign"),
    (CKA_SIGN_RECOVER, "sign-recover"),
    (CKA_VERIFY, "verify"),
    (CKA_VERIFY_RECOVER, "verify-recover"),
    (CKA_WRAP, "wrap"),
    (CKA_UNWRAP, "unwrap"),
    (CKA_DERIVE, "derive"),
];

/// What protects an object, and what it has gone through.
const FLAGS: &[(CK_ATTRIBUTE_TYPE, &str)] = &[
    (CKA_SENSITIVE, "sensitive"),
    (CKA_ALWAYS_SENSITIVE, "always-sensitive"),
    (CKA_EXTRACTABLE, "extractable"),
    (CKA_NEVER_EXTRACTABLE, "never-extractable"),
    (CKA_WRAP_WITH_TRUSTED, "wrap-with-trusted"),
    (CKA_ALWAYS_AUTHENTICATE, "always-authenticate"),
    (CKA_TRUSTED, "trusted"),
    (CKA_LOCAL, "local"),
];

/// Curves by the end of their CKA_EC_PARAMS, a DER object identifier.
const CURVES: &[(&[u8], &str)] = &[
    (&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "P-256"),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], "P-384"),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], "P-521"),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21], "P-224"),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x70], "Ed25519"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x71], "Ed448"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x6e], "X25519"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x6f], "X448"),
];

impl Objects {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let (source, module) = (self.pin.source(), tokens.module());
        let login = self.login || source.is_given();
        let session = match login {
            true => chosen.enter(&tokens, User::User, &source, 0)?,
            false => module.open_session(chosen.slot, CKF_SERIAL_SESSION)?,
        };
        let call = module.session(session)?;
        let rows = stored(&call)?.into_iter().map(|handle| row(&call, handle));
        let rows = rows.collect::<Result<Vec<Row>>>()?;
        Answer::new(text(&rows, login), &rows)
    }
}

/// The handles of the objects that the user put there: not those that the token says of itself.
pub fn stored(call: &Call<'_>) -> Result<Vec<CK_OBJECT_HANDLE>> {
    call.find_init(&Vec::new())?;
    let handles = call.find(usize::MAX)?;
    call.find_final()?;
    let mut stored = Vec::with_capacity(handles.len());
    for handle in handles {
        if number(call, handle, CKA_CLASS)? != Some(CKO_PROFILE) {
            stored.push(handle);
        }
    }
    Ok(stored)
}

/// An attribute's bytes; empty when the object has none to give.
pub fn bytes(call: &Call<'_>, handle: u64, attribute: CK_ATTRIBUTE_TYPE) -> Result<Vec<u8>> {
    match call.attributes(handle, &[attribute])?.pop() {
        Some(Ok(Given::Bytes(bytes))) => Ok(bytes.expose().to_vec()),
        _ => Ok(Vec::new()),
    }
}

/// An attribute that is true or false; absent is false.
pub fn flag(call: &Call<'_>, handle: u64, attribute: CK_ATTRIBUTE_TYPE) -> Result<bool> {
    Ok(bytes(call, handle, attribute)? == [1])
}

/// An attribute that is a number.
pub fn number(call: &Call<'_>, handle: u64, attribute: CK_ATTRIBUTE_TYPE) -> Result<Option<CK_ULONG>> {
    Ok(bytes(call, handle, attribute)?.try_into().ok().map(CK_ULONG::from_ne_bytes))
}

fn flags(
    call: &Call<'_>,
    handle: u64,
    words: &[(CK_ATTRIBUTE_TYPE, &'static str)],
) -> Result<Vec<&'static str>> {
    let mut set = Vec::new();
    for (attribute, word) in words {
        if flag(call, handle, *attribute)? {
            set.push(*word);
        }
    }
    Ok(set)
}

fn row(call: &Call<'_>, handle: u64) -> Result<Row> {
    let params = bytes(call, handle, CKA_EC_PARAMS)?;
    let class = number(call, handle, CKA_CLASS)?.unwrap_or(CKO_DATA);
    let kind = number(call, handle, CKA_KEY_TYPE)?;
    Ok(Row {
        handle,
        class: names::class(class).into_owned(),
        key_type: kind.map(|kind| names::key_type(kind).into_owned()),
        curve: CURVES.iter().find(|(der, _)| *der == params).map(|(_, name)| *name),
        bits: bits(call, handle)?,
        label: plain(&bytes(call, handle, CKA_LABEL)?),
        id: bytes(call, handle, CKA_ID)?.iter().map(|byte| format!("{byte:02x}")).collect(),
        private: flag(call, handle, CKA_PRIVATE)?,
        uses: flags(call, handle, USES)?,
        flags: flags(call, handle, FLAGS)?,
    })
}

/// The size of an RSA or a secret key.
fn bits(call: &Call<'_>, handle: u64) -> Result<Option<usize>> {
    let modulus = bytes(call, handle, CKA_MODULUS)?;
    if let Some(first) = modulus.first() {
        return Ok(Some(modulus.len() * 8 - first.leading_zeros() as usize));
    }
    Ok(number(call, handle, CKA_VALUE_LEN)?.map(|length| length as usize * 8))
}

fn text(rows: &[Row], login: bool) -> String {
    let hint = match login {
        true => String::new(),
        false => format!("  {} --login shows private objects too\n", paint(HINT, "try:")),
    };
    if rows.is_empty() {
        return format!("No {}objects.\n{hint}", if login { "" } else { "public " });
    }
    let mut table = Table::new(&["CLASS", "KEY", "LABEL", "ID", "USES", "FLAGS"]);
    for row in rows {
        table.row([
            words(&row.class).into(),
            key(row).into(),
            row.label.as_str().into(),
            row.id.as_str().into(),
            row.uses.join(" ").into(),
            Cell::styled(if open(row) { WARN } else { FAINT }, marks(row).join(" ")),
        ]);
    }
    table.text() + &hint
}

/// `CKO_PRIVATE_KEY`, as people say it.
fn words(class: &str) -> String {
    class.trim_start_matches("CKO_").to_lowercase().replace('_', " ")
}

/// `RSA 2048`, `EC P-256`, `AES 256`.
fn key(row: &Row) -> String {
    let kind = row.key_type.as_deref().unwrap_or("").trim_start_matches("CKK_").replace('_', " ");
    match (row.curve, row.bits) {
        (Some(curve), _) if kind == "EC" => format!("EC {curve}"),
        (Some(curve), _) => curve.to_owned(),
        (None, Some(bits)) if bits > 0 => format!("{kind} {bits}"),
        _ => kind,
    }
}

/// A key whose value can be read.
fn open(row: &Row) -> bool {
    row.class != "CKO_PUBLIC_KEY" && row.key_type.is_some() && !row.flags.contains(&"sensitive")
}

/// The flags that say something new: who is always sensitive is sensitive.
fn marks(row: &Row) -> Vec<&'static str> {
    let told = |mark: &&str| match *mark {
        "sensitive" => !row.flags.contains(&"always-sensitive"),
        "local" => false,
        _ => true,
    };
    let mut marks: Vec<&'static str> = row.flags.iter().copied().filter(told).collect();
    if open(row) {
        marks.insert(0, "not-sensitive");
    }
    if row.private && row.class != "CKO_PRIVATE_KEY" {
        marks.insert(0, "private");
    }
    marks
}
