//! `tokentool export`: public keys and certificates, for everybody to see.

mod format;

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum, ValueHint};
use serde::Serialize;
use tokenkeep::api::Call;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::object::{Given, Template, Value};
use tokenkeep::token::User;

use super::key;
use super::objects::bytes;
use crate::Answer;
use crate::files;
use crate::options::Options;
use crate::paint::{GOOD, count, paint, plain};
use crate::pin::UserPin;
use crate::problem::{Problem, Result};
use crate::tokens::Tokens;

/// Export public keys and certificates: PEM, DER, JWK, SSH
///
/// Private and secret keys never leave so: `tokentool backup` and `tokentool key wrap` take them away under the DKEK.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("named").args(["label", "id", "all"]).required(true).multiple(true))]
pub struct Export {
    /// The label
    #[arg(long, short)]
    label: Option<String>,

    /// The ID
    #[arg(long, value_name = "HEX")]
    id: Option<String>,

    /// Everything of that type
    #[arg(long, conflicts_with_all = ["label", "id"])]
    all: bool,

    /// What is exported
    #[arg(long = "type", value_name = "TYPE", default_value = "public-key")]
    what: What,

    /// How it is written
    #[arg(long, short, value_name = "FORMAT", default_value = "pem")]
    format: Format,

    /// The new file; standard output when none is named
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,

    /// Ask for the user PIN, for public keys of which the token has the private half only
    #[arg(long)]
    login: bool,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool export --label web > web.pub.pem
  tokentool export --label me --format ssh >> ~/.ssh/authorized_keys
  tokentool export --all --format jwk -o jwks.json
  tokentool export --label web --type chain -o web.chain.pem
  tokentool export --id 0a0b --type certificate --format der -o web.cer";

/// What can be exported.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    PublicKey,
    Certificate,
    /// A certificate, and those of its issuers that the token has
    Chain,
}

/// How it can be written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Pem,
    Der,
    /// JSON Web Key; of several a set
    Jwk,
    /// A line for authorized_keys
    Ssh,
}

/// Something to be exported: a SubjectPublicKeyInfo or a certificate, in DER.
#[derive(Clone)]
pub struct Public {
    label: String,
    id: String,
    der: Vec<u8>,
    /// Of certificates, in DER.
    subject: Vec<u8>,
    issuer: Vec<u8>,
}

#[derive(Serialize)]
struct Exported {
    label: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Serialize)]
struct Done {
    objects: Vec<Exported>,
    file: Option<String>,
}

impl Export {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        if self.what != What::PublicKey && matches!(self.format, Format::Jwk | Format::Ssh) {
            return Err(Problem::new("certificates are written as PEM or DER").advise("--format pem"));
        }
        if self.format == Format::Der && self.output.is_none() {
            return Err(Problem::new("DER is not for the screen").advise("--output FILE"));
        }
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let source = self.pin.source();
        let session = match self.login || source.is_given() {
            true => chosen.enter(&tokens, User::User, &source, 0)?,
            false => tokens.module().open_session(chosen.slot, CKF_SERIAL_SESSION)?,
        };
        let found = self.found(&tokens.module().session(session)?)?;
        if self.format == Format::Der && found.len() > 1 {
            return Err(Problem::new(format!("one DER file holds one object, here are {}", found.len()))
                .advise("--label and --id, or --format pem"));
        }
        self.written(&found)
    }

    /// What is meant.
    fn found(&self, call: &Call<'_>) -> Result<Vec<Public>> {
        let mut found = Vec::new();
        match self.what {
            What::PublicKey => {
                found = self.of(call, CKO_PUBLIC_KEY, CKA_PUBLIC_KEY_INFO)?;
                // Some programs keep the private half only.
                for private in self.of(call, CKO_PRIVATE_KEY, CKA_PUBLIC_KEY_INFO)? {
                    if found.iter().all(|public| public.der != private.der) {
                        found.push(private);
                    }
                }
            }
            What::Certificate => found.extend(self.of(call, CKO_CERTIFICATE, CKA_VALUE)?),
            What::Chain => {
                let everything = self::all(call, CKO_CERTIFICATE, CKA_VALUE, &Template::new())?;
                for leaf in self.of(call, CKO_CERTIFICATE, CKA_VALUE)? {
                    found.extend(chain(leaf, &everything));
                }
                let mut seen = Vec::new();
                found.retain(|public| {
                    !seen.contains(&public.der) && {
                        seen.push(public.der.clone());
                        true
                    }
                });
            }
        }
        match found.is_empty() {
            false => Ok(found),
            true => {
                let what = if self.what == What::PublicKey { "public key" } else { "certificate" };
                let named = if self.all { "at all" } else { "of that label and ID" };
                Err(Problem::new(format!("there is no {what} {named}"))
                    .advise("`tokentool objects` shows what there is; --login sees what hides behind the PIN")
                    .advise("`tokentool key wrap` or `tokentool backup`, if a private key is meant"))
            }
        }
    }

    /// The objects of a class that the command line names.
    fn of(&self, call: &Call<'_>, class: CK_OBJECT_CLASS, value: CK_ATTRIBUTE_TYPE) -> Result<Vec<Public>> {
        let mut named = Template::new();
        if let Some(label) = &self.label {
            named.push((CKA_LABEL, Given::Bytes(label.as_bytes().into())));
        }
        if let Some(hex) = &self.id {
            named.push((CKA_ID, Given::Bytes(key::id(hex)?.into())));
        }
        all(call, class, value, &named)
    }

    fn written(&self, found: &[Public]) -> Result<Answer> {
        let (whole, each) = format::write(self.format, self.what == What::PublicKey, found)?;
        let value = |at: usize| each.get(at).filter(|_| self.output.is_none()).cloned();
        let objects = found.iter().enumerate().map(|(at, public)| Exported {
            label: public.label.clone(),
            id: public.id.clone(),
            value: value(at),
        });
        let file = self.output.as_ref().map(|path| path.display().to_string());
        let done = Done { objects: objects.collect(), file };
        let text = match (&self.output, &done.file) {
            (Some(path), Some(file)) => {
                files::write(path, &whole)?;
                let objects = count(found.len() as u64, "object is", "objects are");
                format!("{} {objects} in {file}.\n", paint(GOOD, "✓"))
            }
            _ => String::from_utf8_lossy(&whole).into_owned(),
        };
        Answer::new(text, &done)
    }
}

/// The objects of a class with these attributes.
fn all(
    call: &Call<'_>,
    class: CK_OBJECT_CLASS,
    value: CK_ATTRIBUTE_TYPE,
    named: &Template,
) -> Result<Vec<Public>> {
    let class = (CKA_CLASS, Value::Ulong(class).to_given());
    call.find_init(&[&[class][..], named].concat())?;
    let handles = call.find(usize::MAX)?;
    call.find_final()?;
    let mut found = Vec::with_capacity(handles.len());
    for handle in handles {
        let der = bytes(call, handle, value)?;
        if !der.is_empty() {
            found.push(Public {
                label: plain(&bytes(call, handle, CKA_LABEL)?),
                id: bytes(call, handle, CKA_ID)?.iter().map(|byte| format!("{byte:02x}")).collect(),
                der,
                subject: bytes(call, handle, CKA_SUBJECT)?,
                issuer: bytes(call, handle, CKA_ISSUER)?,
            });
        }
    }
    Ok(found)
}

/// A certificate and its issuers, as far as they are there.
fn chain(leaf: Public, all: &[Public]) -> Vec<Public> {
    let mut chain = vec![leaf];
    while let Some(last) = chain.last().filter(|last| last.subject != last.issuer) {
        let issuer = all.iter().find(|other| other.subject == last.issuer);
        match issuer.filter(|issuer| chain.iter().all(|known| known.der != issuer.der)) {
            Some(issuer) => chain.push(issuer.clone()),
            None => break,
        }
    }
    chain
}
