//! What the names in the templates stand for.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::{CKA_LABEL, CKF_SERIAL_SESSION};

use super::Configure;
use crate::commands::objects::{bytes, stored};
use crate::module;
use crate::options::Options;
use crate::problem::{Problem, Result, at};
use crate::tokens::{self, Tokens};

/// The values of one run.
pub struct Values<'a> {
    command: &'a Configure,
    options: &'a Options,
    module: PathBuf,
    pin: Option<Secret>,
    /// The token's label and slot, as far as they are known.
    token: Result<(Option<String>, Option<u64>)>,
    /// The directory of the file that is written.
    place: PathBuf,
}

impl<'a> Values<'a> {
    pub fn of(command: &'a Configure, options: &'a Options, pin: Option<Secret>) -> Result<Values<'a>> {
        let module = module::find(command.module.as_deref())?;
        let ours = is_ours(&module);
        let token = match ours {
            true => known(options).and_then(|known| match (known, command.slot) {
                ((label, Some(slot)), Some(wanted)) if slot != wanted => Err(Problem::new(format!(
                    "token {:?} is in slot {slot}, not in slot {wanted}",
                    label.unwrap_or_default()
                ))
                .advise(format!("--slot {slot}, or no --slot, or --token of another token"))),
                (known, _) => Ok(known),
            }),
            false => Ok((options.token.clone(), None)),
        };
        Ok(Values { command, options, module, pin, token, place: PathBuf::new() })
    }

    /// The same values for a file in this directory.
    pub fn at(&mut self, place: &Path) {
        self.place = place.to_owned();
    }

    /// What a name stands for; nothing if nobody has said it.
    pub fn of_name(&self, name: &str) -> Result<Option<String>> {
        match name {
            "module" => text(&self.module).map(Some),
            "tokens" => match is_ours(&self.module) {
                true => absolute(&tokens::settings(self.options)?.dir).map(Some),
                false => Ok(None),
            },
            "elsewhere" => self.elsewhere(),
            "environment" => {
                Ok(self.elsewhere()?.map(|dir| format!("TOKENKEEP_DIR={}", tokens::quoted(&dir))))
            }
            "token" => self.label(),
            "slot" => self.slot(),
            "key" => self.command.key.as_deref().map(simple).transpose(),
            "pin" => self.pin.as_ref().map(pin).transpose(),
            "uri" => self.uri(),
            "place" => text(&self.place).map(Some),
            "home" => home().and_then(|home| text(&home)).map(Some),
            "config" => config().and_then(|config| text(&config)).map(Some),
            "profile" => profile().and_then(|profile| text(&profile)).map(Some),
            _ => Err(Problem::new(format!("a template has the name {name:?}, which stands for nothing"))),
        }
    }

    /// The directory of the tokens, when programs would not find it themselves.
    fn elsewhere(&self) -> Result<Option<String>> {
        let named = env::var_os("TOKENKEEP_DIR").is_some_and(|dir| !dir.is_empty());
        match named || self.options.dir.is_some() {
            true => self.of_name("tokens"),
            false => Ok(None),
        }
    }

    fn label(&self) -> Result<Option<String>> {
        let (label, _) = self.token.as_ref().map_err(Problem::clone)?;
        label.as_deref().map(simple).transpose()
    }

    /// A `--key` that nobody sees in the token without a PIN; none is sure to be wrong.
    pub fn unseen_key(&self) -> Result<Option<&str>> {
        let Some(key) = self.command.key.as_deref().filter(|_| is_ours(&self.module)) else {
            return Ok(None);
        };
        let tokens = Tokens::open(self.options)?;
        if self.options.token.is_none() && tokens.all().is_empty() {
            return Ok(None);
        }
        let session = tokens.module().open_session(tokens.one()?.slot, CKF_SERIAL_SESSION)?;
        let call = tokens.module().session(session)?;
        for object in stored(&call)? {
            if bytes(&call, object, CKA_LABEL)? == key.as_bytes() {
                return Ok(None);
            }
        }
        Ok(Some(key))
    }

    fn slot(&self) -> Result<Option<String>> {
        let (_, slot) = self.token.as_ref().map_err(Problem::clone)?;
        Ok(self.command.slot.or(*slot).map(|slot| slot.to_string()))
    }

    /// The private key as a PKCS#11 URI (RFC 7512), which names a PIN's file but never holds a PIN.
    fn uri(&self) -> Result<Option<String>> {
        let Some(key) = &self.command.key else { return Ok(None) };
        let token = self.label()?.map_or(String::new(), |label| format!("token={};", encoded(&label)));
        let pin = match self.command.pin.source().path() {
            Some(file) => format!("?pin-source=file:{}", absolute(file)?),
            None => String::new(),
        };
        Ok(Some(format!("pkcs11:{token}object={};type=private{pin}", encoded(key))))
    }
}

fn is_ours(module: &Path) -> bool {
    module.file_name().is_some_and(|file| file == module::name().as_str())
}

/// The token that `--token` names, or the only one; with none there is nothing to say.
fn known(options: &Options) -> Result<(Option<String>, Option<u64>)> {
    let tokens = Tokens::open(options)?;
    match options.token.is_none() && tokens.all().is_empty() {
        true => Ok((None, None)),
        false => tokens.one().map(|chosen| (Some(chosen.label()), Some(chosen.slot))),
    }
}

fn home() -> Result<PathBuf> {
    let home = env::home_dir().filter(|home| home.is_absolute());
    home.ok_or_else(|| Problem::new("there is no home directory").advise("--to DIR"))
}

fn config() -> Result<PathBuf> {
    let base = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    Ok(base.map_or_else(|| home().map(|home| home.join(".config")), Ok)?.join("tokenkeep"))
}

/// The profile that Firefox starts with: `Default=` in the section of an installation.
fn profile() -> Result<PathBuf> {
    let firefox = home()?.join(".mozilla/firefox");
    let text = fs::read_to_string(firefox.join("installs.ini")).unwrap_or_default();
    let default = text.lines().find_map(|line| line.strip_prefix("Default="));
    default.map(|profile| firefox.join(profile)).ok_or_else(|| {
        Problem::new(format!("{} names no profile", firefox.join("installs.ini").display()))
            .advise("--to DIR, the profile's directory: about:profiles shows it")
            .advise("start Firefox once: it makes one")
    })
}

fn absolute(path: &Path) -> Result<String> {
    text(&std::path::absolute(path).map_err(at("cannot tell where we are"))?)
}

fn text(path: &Path) -> Result<String> {
    let problem = || Problem::new(format!("{path:?} is not UTF-8 text, as configuration files are"));
    simple(path.to_str().ok_or_else(|| problem().advise("another name or place"))?)
}

/// Text that means itself in every format: between quotes, in a shell, in JSON.
fn simple(text: &str) -> Result<String> {
    match text.chars().find(|c| c.is_control() || "\"'\\`$@".contains(*c)) {
        None => Ok(text.to_owned()),
        Some(odd) => {
            Err(Problem::new(format!("{text:?} has a {odd:?} in it, which configuration files misread"))
                .advise("another name or place"))
        }
    }
}

/// The same for a PIN, which no error shows.
fn pin(pin: &Secret) -> Result<String> {
    let odd = |byte: &u8| !byte.is_ascii_graphic() || b"\"'\\`$@#;&<>".contains(byte);
    match std::str::from_utf8(pin.expose()) {
        Ok(text) if !text.as_bytes().iter().any(odd) => Ok(text.to_owned()),
        _ => Err(Problem::new("the PIN has characters in it that configuration files misread")
            .advise("without a PIN option: the program asks for the PIN")),
    }
}

/// What stands in a URI: letters, digits and - . _ as they are, all else as %XX.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_escapes_what_is_not_plain() {
        assert_eq!(encoded("my key;é"), "my%20key%3B%C3%A9");
    }

    #[test]
    fn what_could_end_a_quotation_is_refused() {
        for odd in ["a\"b", "a'b", "a\\b", "a\nb", "$(reboot)", "`x`", "a@b"] {
            assert!(simple(odd).is_err(), "{odd}");
            assert!(pin(&odd.as_bytes().into()).is_err(), "{odd}");
        }
        assert_eq!(simple("/home/a b/é.so").unwrap(), "/home/a b/é.so");
    }
}
