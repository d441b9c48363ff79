//! `tokentool key wrap`: a key under the DKEK, into a file.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueHint};
use serde::Serialize;
use tokenkeep::api::{Call, Form};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::object::{Given, Template, Value};
use tokenkeep::token::User;

use crate::Answer;
use crate::files;
use crate::options::Options;
use crate::paint::{GOOD, paint};
use crate::pin::UserPin;
use crate::problem::{Problem, Result};
use crate::tokens::Tokens;

/// Wrap a private or secret key under the DKEK into a file that sc-hsm-tool --unwrap-key reads
///
/// Its certificate goes with it, if the token has one of the same ID. CKA_EXTRACTABLE does not matter; a key of which
/// CKA_TOKENKEEP_BACKUP is false stays.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("named").args(["label", "id"]).required(true).multiple(true))]
pub struct Wrap {
    /// The new file
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// The key's label
    #[arg(long, short)]
    label: Option<String>,

    /// The key's ID
    #[arg(long, value_name = "HEX")]
    id: Option<String>,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool key wrap --label ca ca.wrapped
  PIN=… tokentool key wrap --id 03 --pin-env PIN web.wrapped";

#[derive(Serialize)]
struct Wrapped {
    file: String,
    bytes: usize,
}

impl Wrap {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let session = chosen.enter(&tokens, User::User, &self.pin.source(), 0)?;
        let call = tokens.module().session(session)?;
        let bytes = call.dkek_wrap(self.key(&call)?, Form::File)?;
        files::write(&self.file, &bytes)?;
        let done = Wrapped { file: self.file.display().to_string(), bytes: bytes.len() };
        Answer::new(format!("{} The wrapped key is in {}.\n", paint(GOOD, "✓"), done.file), &done)
    }

    /// The only private or secret key of that label and ID.
    fn key(&self, call: &Call<'_>) -> Result<u64> {
        let mut named = Template::new();
        if let Some(label) = &self.label {
            named.push((CKA_LABEL, Given::Bytes(label.as_bytes().into())));
        }
        if let Some(hex) = &self.id {
            named.push((CKA_ID, Given::Bytes(super::id(hex)?.into())));
        }
        let mut found = Vec::new();
        for class in [CKO_PRIVATE_KEY, CKO_SECRET_KEY] {
            let class = (CKA_CLASS, Value::Ulong(class).to_given());
            call.find_init(&[&[class][..], &named].concat())?;
            found.extend(call.find(usize::MAX)?);
            call.find_final()?;
        }
        match found[..] {
            [key] => Ok(key),
            [] => Err(Problem::new("no private or secret key has that label and ID")),
            _ => Err(Problem::new(format!("{} keys have that label and ID", found.len()))),
        }
        .map_err(|problem| problem.advise("`tokentool objects --login`, and then --label and --id"))
    }
}
