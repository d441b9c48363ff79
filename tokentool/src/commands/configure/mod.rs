//! `tokentool configure`: what tells a program of the module.

mod clients;
mod template;
mod values;

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};
use serde::Serialize;
use tokenkeep::cryptoki::Secret;

use crate::Answer;
use crate::files::{self, Readers, Written};
use crate::options::Options;
use crate::paint::{GOOD, HINT, WARN, paint};
use crate::pin::UserPin;
use crate::problem::{Problem, Result};
use crate::table::Table;
use clients::{CLIENTS, Client};
use template::{Mode, Template};
use values::Values;

/// Print what a program wants in its configuration to use the token, or put it there
///
/// Without a client: the list of clients.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Configure {
    /// The program
    #[arg(value_parser = PossibleValuesParser::new(CLIENTS.iter().map(|client| client.name)), hide_possible_values = true)]
    client: Option<String>,

    /// Write the files; those that are there already are kept as FILE.~1~, FILE.~2~ …
    #[arg(long, requires = "client")]
    write: bool,

    /// Write them into this directory, not into their usual places
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "write")]
    to: Option<PathBuf>,

    /// The module to use [default: libtokenkeep.so beside this program]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    module: Option<PathBuf>,

    /// The label of the key, for programs that are told of one
    #[arg(long, value_name = "LABEL")]
    key: Option<String>,

    /// The slot [default: that of the token]
    #[arg(long)]
    slot: Option<u64>,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
A PIN is written only into files (mode 600), never printed; without one the program asks for it. What lies in /etc is
readable by all (mode 644) unless a PIN is in it. For a module that is not Tokenkeep's, --token and --slot are taken as
they are.

Examples:
  tokentool configure                                              the clients
  tokentool configure p11-kit --write
  tokentool configure firefox --write --to ~/.mozilla/firefox/x7.default-esr
  tokentool configure nginx --key web --pin-file /etc/nginx/pin --write
  OPENSSL_CONF=<(tokentool configure openssl-engine) openssl engine -t pkcs11";

/// A file with its text filled in.
struct Filled {
    path: PathBuf,
    mode: Mode,
    readers: Readers,
    text: Secret,
}

#[derive(Serialize)]
struct Row {
    client: &'static str,
    about: &'static str,
}

#[derive(Serialize)]
struct Printed {
    file: String,
    text: String,
}

impl Configure {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let Some(client) = self.client.as_deref().and_then(clients::find) else {
            options.without_token("`tokentool configure CLIENT`")?;
            return list();
        };
        let source = self.pin.source();
        if source.is_given() && !self.write {
            return Err(Problem::new("a PIN is not printed, where others could see it")
                .advise("the same with --write, and --to DIR for a place of your own")
                .advise("without a PIN option: the program asks for the PIN"));
        }
        let pin = source.is_given().then(|| source.known("")).transpose()?;
        let mut values = Values::of(self, options, pin)?;
        let filled = client.files.iter().map(|file| self.filled(file, &mut values));
        let filled = filled.collect::<Result<Vec<_>>>()?;
        match self.write {
            true => {
                let told = client.files.iter().any(|file| file.has("environment"));
                let environment = values.of_name("environment")?.filter(|_| told);
                write(&filled, environment.as_deref(), values.unseen_key()?)
            }
            false => print(client, &filled),
        }
    }

    fn filled(&self, file: &Template, values: &mut Values<'_>) -> Result<Filled> {
        let name = Path::new(file.place).file_name().unwrap_or_default();
        let path = match (&self.to, self.write) {
            (Some(to), _) => std::path::absolute(to)?.join(name),
            (None, true) => expose(&template::fill(file.place, &|name| values.of_name(name))?).into(),
            // What is only printed may go anywhere.
            (None, false) => match template::fill(file.place, &|name| values.of_name(name)) {
                Ok(place) => expose(&place).into(),
                Err(_) => name.into(),
            },
        };
        values.at(path.parent().unwrap_or(Path::new("/")));
        let text = template::fill(file.text, &|name| values.of_name(name))?;
        let secret = file.has("pin") && values.of_name("pin")?.is_some();
        let readers = if file.is_public() && !secret { Readers::All } else { Readers::Owner };
        Ok(Filled { path, mode: file.mode, readers, text })
    }
}

fn expose(text: &Secret) -> String {
    String::from_utf8_lossy(text.expose()).into_owned()
}

fn list() -> Result<Answer> {
    let rows: Vec<Row> =
        CLIENTS.iter().map(|client| Row { client: client.name, about: client.about }).collect();
    let mut table = Table::new(&["CLIENT", "WHAT IT IS"]);
    for row in &rows {
        table.row([row.client.into(), row.about.into()]);
    }
    let text = format!("{}  {} `tokentool configure CLIENT`\n", table.text(), paint(HINT, "try:"));
    Answer::new(text, &rows)
}

/// One file as it is; several with their paths above them.
fn print(client: &Client, files: &[Filled]) -> Result<Answer> {
    let text: Vec<String> = match files {
        [file] => vec![expose(&file.text)],
        _ => files.iter().map(|file| format!("# {}\n{}", file.path.display(), expose(&file.text))).collect(),
    };
    let printed = |file: &Filled| Printed { file: file.path.display().to_string(), text: expose(&file.text) };
    let facts =
        serde_json::json!({ "client": client.name, "files": files.iter().map(printed).collect::<Vec<_>>() });
    Answer::new(text.join("\n"), &facts)
}

/// Writes them; `environment` is what the program needs besides, `unseen` a key that may not be there.
fn write(files: &[Filled], environment: Option<&str>, unseen: Option<&str>) -> Result<Answer> {
    let mut text = String::new();
    let mut done = Vec::new();
    for file in files {
        let written = write_one(file)?;
        let kept = written.kept.as_deref().map_or(String::new(), |kept| format!(", the old one is {kept}"));
        let state = if written.changed { "is written" } else { "was so already" };
        text += &format!("{} {} {state}{kept}.\n", paint(GOOD, "✓"), written.file);
        done.push(written);
    }
    if let Some(environment) = environment {
        let hint = paint(HINT, "in the program's environment, as no file of it can say it:");
        text += &format!("  {hint} {environment}\n");
    }
    if let Some(key) = unseen {
        let doubt = paint(WARN, "is the label right?");
        text += &format!("{doubt} nothing that is seen in the token without a PIN is called {key:?}\n");
    }
    Answer::new(text, &done)
}

fn write_one(file: &Filled) -> Result<Written> {
    match file.mode {
        Mode::Whole => files::replace(file.readers, &file.path, file.text.expose()),
        Mode::Block => {
            let old = if file.path.exists() { files::read(&file.path)? } else { Vec::new() };
            let old = String::from_utf8(old).map_err(|_| {
                Problem::new(format!("{} is not UTF-8 text", file.path.display()))
                    .advise("another file, by --to DIR")
            })?;
            files::replace(file.readers, &file.path, template::insert(&old, &expose(&file.text)).as_bytes())
        }
    }
}
