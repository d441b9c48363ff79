//! `tokentool import`: keys and certificates from elsewhere.

mod ber;
mod item;
pub mod jwk;
mod pbe;
mod pkcs12;
mod plan;
pub mod public;
mod read;
mod softhsm;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use serde::Serialize;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::names;
use tokenkeep::object::{Given, Template};
use tokenkeep::token::User;

use crate::Answer;
use crate::commands::key;
use crate::files;
use crate::options::Options;
use crate::paint::{FAINT, GOOD, HINT, count, paint, plain};
use crate::pin::{Password, UserPin};
use crate::problem::{Problem, Result};
use crate::table::Table;
use crate::tokens::Tokens;
use item::Item;
use plan::{Plan, Wishes};

/// Import keys and certificates: PEM, DER, PKCS#8, PKCS#12, JWK
///
/// What a file holds is told by its contents. Everything comes into the token in one step, or nothing does. A private key
/// brings its public key with it; CKA_ID is the SHA-1 of the public value, as NSS has it, and a certificate gets the one
/// of its key.
#[derive(Args)]
#[command(
    after_help = EXAMPLES,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Import {
    #[command(subcommand)]
    elsewhere: Option<Elsewhere>,

    /// The files; of a directory all files in it
    #[arg(value_name = "FILE|DIR", required = true, value_hint = ValueHint::AnyPath)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    password: Password,

    /// The files are the raw bytes of secret keys of this type
    #[arg(long, value_name = "TYPE")]
    secret_key: Option<SecretType>,

    #[command(flatten)]
    how: How,

    #[command(flatten)]
    pin: UserPin,
}

/// Where whole tokens come from.
#[derive(Subcommand)]
enum Elsewhere {
    Softhsm(softhsm::SoftHsm),
}

const EXAMPLES: &str = "\
Examples:
  tokentool import server.key server.crt
  WORD=… tokentool import --password-env WORD keystore.p12
  tokentool import --label ca --id 01 --extractable ca.pem
  tokentool import --secret-key aes kek.bin
  tokentool import --dry-run keys/
  tokentool import softhsm /var/lib/softhsm/tokens";

/// How things come into the token.
#[derive(Args)]
struct How {
    /// The label; of one key with its certificate
    #[arg(long, short)]
    label: Option<String>,

    /// The CKA_ID; of one key with its certificate
    #[arg(long, value_name = "HEX")]
    id: Option<String>,

    /// Whether the values of keys stay hidden in the token (CKA_SENSITIVE) [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sensitive: Option<bool>,

    /// Whether keys may leave the token wrapped (CKA_EXTRACTABLE) [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    extractable: Option<bool>,

    #[command(flatten)]
    mode: Mode,
}

/// What is done about what is there, and whether anything is done.
#[derive(Args)]
struct Mode {
    /// Replace what is in the token already
    #[arg(long)]
    force: bool,

    /// Check everything and say what would come, but change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What comes from elsewhere.
struct Brought {
    items: Vec<Item>,
    /// What cannot come, and is not missed: files of a directory in which nothing is known, attributes.
    left_out: Vec<String>,
}

/// The types of raw secret keys.
#[derive(Clone, Copy, ValueEnum)]
enum SecretType {
    Aes,
    Des3,
    Chacha20,
    Generic,
}

#[derive(Serialize)]
struct Done {
    objects: Vec<Made>,
    /// What the token had already.
    there: Vec<String>,
    /// What did not come, and why.
    left_out: Vec<String>,
    dry_run: bool,
}

#[derive(Serialize)]
struct Made {
    class: String,
    key_type: Option<String>,
    label: String,
    id: String,
    file: String,
    replaced: bool,
}

impl Import {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        if let Some(Elsewhere::Softhsm(command)) = &self.elsewhere {
            return command.run(options);
        }
        let wishes = Wishes {
            label: self.how.label.clone(),
            id: self.how.id.as_deref().map(key::id).transpose()?,
            sensitive: self.how.sensitive.unwrap_or(true),
            extractable: self.how.extractable.unwrap_or(false),
            force: self.how.mode.force,
        };
        import(options, &self.pin, self.brought()?, &wishes, self.how.mode.dry_run)
    }

    /// Everything in the files.
    fn brought(&self) -> Result<Brought> {
        let password = read::Password::new(self.password.source());
        let (mut items, mut left_out) = (Vec::new(), Vec::new());
        for (path, meant) in self.paths()? {
            let (name, bytes) = (plain(path.as_os_str().as_encoded_bytes()), files::read_secret(&path)?);
            let found = match self.secret_key {
                Some(kind) => vec![kind.item(&name, bytes, &password)?],
                None => read::file(&name, bytes.expose(), &password)?,
            };
            match (found.is_empty(), meant) {
                (true, true) => return Err(unknown(&name)),
                (true, false) => left_out.push(format!("{name}: nothing known is in it")),
                (false, _) => items.extend(found),
            }
        }
        match items.is_empty() {
            true => Err(Problem::new("there is nothing to import").advise("files with keys or certificates")),
            false => Ok(Brought { items, left_out }),
        }
    }

    /// The files, and whether each was named itself.
    fn paths(&self) -> Result<Vec<(PathBuf, bool)>> {
        let mut paths = Vec::new();
        for path in &self.files {
            match path.is_dir() {
                false => paths.push((path.clone(), true)),
                true => paths.extend(inside(path)?.into_iter().map(|path| (path, false))),
            }
        }
        Ok(paths)
    }
}

/// The files in a directory, by their names.
fn inside(directory: &Path) -> Result<Vec<PathBuf>> {
    let told = |error| Problem::file("read", directory, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn unknown(name: &str) -> Problem {
    Problem::new(format!("{name} holds neither keys nor certificates of a known format"))
        .advise("PEM, DER, PKCS#8, PKCS#12, PKCS#7 or JWK")
        .advise("--secret-key TYPE, if it is the raw bytes of a secret key")
}

impl SecretType {
    fn item(
        self,
        name: &str,
        bytes: tokenkeep::cryptoki::Secret,
        password: &read::Password<'_>,
    ) -> Result<Item> {
        let kind = match self {
            SecretType::Aes => CKK_AES,
            SecretType::Des3 => CKK_DES3,
            SecretType::Chacha20 => CKK_CHACHA20,
            SecretType::Generic => CKK_GENERIC_SECRET,
        };
        password.at(name);
        read::told(password, Item::secret(kind, bytes)).map(|item| Item { file: name.to_owned(), ..item })
    }
}

/// Puts everything into the token, or nothing.
fn import(
    options: &Options,
    pin: &UserPin,
    brought: Brought,
    wishes: &Wishes,
    dry_run: bool,
) -> Result<Answer> {
    let tokens = Tokens::open(options)?;
    let chosen = tokens.one()?;
    let session = chosen.enter(&tokens, User::User, &pin.source(), CKF_RW_SESSION)?;
    let call = tokens.module().session(session)?;
    let plan = plan::plan(&call, brought.items, wishes)?;
    let batch: Vec<(Template, Option<u64>)> =
        plan.steps.iter().map(|step| (step.template.clone(), step.replaces)).collect();
    for (object, id) in plan.ids.iter().filter(|_| !dry_run) {
        call.set_attributes(*object, &vec![(CKA_ID, Given::Bytes(id.as_slice().into()))])?;
    }
    call.create_all(&batch, dry_run)?;
    let done = Done::new(plan, brought.left_out, dry_run);
    Answer::new(done.text(&chosen.label()), &done)
}

impl Done {
    fn new(plan: Plan, left_out: Vec<String>, dry_run: bool) -> Done {
        let made = |step: plan::Step| Made {
            class: names::class(step.class).into_owned(),
            key_type: step.kind.map(|kind| names::key_type(kind).into_owned()),
            label: plain(step.label.as_bytes()),
            id: step.id.iter().map(|byte| format!("{byte:02x}")).collect(),
            file: step.file,
            replaced: step.replaces.is_some(),
        };
        let there = plan.there.iter().map(|name| plain(name.as_bytes())).collect();
        Done { objects: plan.steps.into_iter().map(made).collect(), there, left_out, dry_run }
    }

    fn text(&self, label: &str) -> String {
        let objects = count(self.objects.len() as u64, "object", "objects");
        let mut text = match (self.objects.is_empty(), self.dry_run) {
            (true, _) => format!("{} Token {label:?} has everything already.\n", paint(GOOD, "✓")),
            (_, true) => format!("{objects} would come into token {label:?}; nothing was changed.\n"),
            _ => format!("{} {objects} came into token {label:?}.\n", paint(GOOD, "✓")),
        };
        let mut table = Table::new(&["CLASS", "KEY", "LABEL", "ID", "FILE", ""]);
        for made in &self.objects {
            table.row([
                made.class.trim_start_matches("CKO_").to_lowercase().replace('_', " ").into(),
                made.key_type
                    .as_deref()
                    .unwrap_or_default()
                    .trim_start_matches("CKK_")
                    .replace('_', " ")
                    .into(),
                made.label.as_str().into(),
                made.id.as_str().into(),
                made.file.as_str().into(),
                if made.replaced { "replaced" } else { "" }.into(),
            ]);
        }
        if !self.objects.is_empty() {
            text += &table.text();
        }
        for name in &self.there {
            text += &format!("{} {name}\n", paint(FAINT, "there already:"));
        }
        for name in &self.left_out {
            text += &format!("{} {name}\n", paint(HINT, "left out:"));
        }
        text
    }
}
