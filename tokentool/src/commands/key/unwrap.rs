//! `tokentool key unwrap`: a key from a file into the token.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde::Serialize;
use tokenkeep::backup::Container;
use tokenkeep::cryptoki::Rv;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::object::{Given, Template};
use tokenkeep::token::User;

use crate::Answer;
use crate::files;
use crate::options::Options;
use crate::paint::{GOOD, WARN, paint};
use crate::pin::UserPin;
use crate::problem::{Problem, Result};
use crate::tokens::Tokens;

/// Unwrap a key that sc-hsm-tool --wrap-key or `tokentool key wrap` made, with its public key and certificate
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Unwrap {
    /// The file
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Another label than the file says
    #[arg(long, short)]
    label: Option<String>,

    /// Another ID than the file says
    #[arg(long, value_name = "HEX")]
    id: Option<String>,

    /// Put it in the place of a key with the same ID
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool key unwrap ca.wrapped --token spare
  tokentool key unwrap ca.wrapped --id 04 --label copy";

#[derive(Serialize)]
struct Unwrapped {
    key: u64,
    public: Option<u64>,
    certificate: Option<u64>,
    left_out: Option<String>,
}

impl Unwrap {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let bytes = files::read(&self.file)?;
        let template = self.template(&Container::read(&bytes)?)?;
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let session = chosen.enter(&tokens, User::User, &self.pin.source(), CKF_RW_SESSION)?;
        let brought = tokens.module().session(session)?.dkek_unwrap(&bytes, &template, self.force);
        let brought = brought.map_err(|error| match error.rv() {
            Rv::ActionProhibited => Problem::new(error.to_string())
                .advise("--force replaces it, --id HEX puts the new one beside"),
            _ => error.into(),
        })?;
        let (key, public, certificate) = (brought.key, brought.public, brought.certificate);
        let done = Unwrapped { key, public, certificate, left_out: brought.left_out };
        Answer::new(done.text(&chosen.label()), &done)
    }

    /// What the line says of the key; the file's name is its label when nobody else gives one.
    fn template(&self, container: &Container<'_>) -> Result<Template> {
        let mut template = Template::new();
        let said = container.description.as_ref().is_some_and(|said| !said.label.is_empty());
        let name = self.file.file_stem().map(|name| name.to_string_lossy().into_owned());
        if let Some(label) = self.label.clone().or(name.filter(|_| !said)) {
            template.push((CKA_LABEL, Given::Bytes(label.into_bytes().into())));
        }
        if let Some(hex) = &self.id {
            template.push((CKA_ID, Given::Bytes(super::id(hex)?.into())));
        }
        Ok(template)
    }
}

impl Unwrapped {
    fn text(&self, label: &str) -> String {
        let with = match (self.public, self.certificate) {
            (_, Some(_)) => ", with its public key and certificate",
            (Some(_), None) => ", with its public key",
            (None, None) => "",
        };
        let mut text = format!("{} The key is in token {label:?}{with}.\n", paint(GOOD, "✓"));
        if let Some(why) = &self.left_out {
            text += &format!("{} {why}\n", paint(WARN, "left out:"));
        }
        text
    }
}
