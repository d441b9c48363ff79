//! A token directory of SoftHSM 2: which one is meant, its key under the user PIN, its objects.

use std::fs;
use std::path::{Path, PathBuf};

use tokenkeep::crypto::cipher::{self, Algorithm, Direction, Mode};
use tokenkeep::crypto::hash::Hash;
use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::*;

use super::object::{self, Attributes, Raw};
use crate::files;
use crate::paint::plain;
use crate::problem::{Problem, Result};

/// Attributes of token.object, in SoftHSM's own range.
const TOKEN_LABEL: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED + 0x5349;
const USER_PIN: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED + 0x534d;

/// What stands before the key once it is decrypted with the right PIN.
const MAGIC: &[u8] = b"RJR";
/// Bytes of the salt, of an IV, and of the token key.
const SALT: usize = 8;
const IV: usize = 16;
const KEY: usize = 32;
/// The rounds of the KDF, to which the last byte of the salt is added.
const ROUNDS: u32 = 1500;

/// A token directory.
pub struct Token {
    pub label: String,
    directory: PathBuf,
    about: Attributes,
}

impl Token {
    /// The token in a directory, or the only one below it.
    ///
    /// # Errors
    /// None or several.
    pub fn find(directory: &Path) -> Result<Token> {
        let none = |what: String| {
            Problem::new(what).advise(
                "the directory of one token, where its token.object is: mostly below /var/lib/softhsm/tokens",
            )
        };
        if directory.join("token.object").is_file() {
            return Token::open(directory);
        }
        let told = |error| Problem::file("read", directory, &error);
        let (mut found, mut database) = (Vec::new(), directory.join("sqlite3.db").is_file());
        for entry in fs::read_dir(directory).map_err(told)? {
            let path = entry.map_err(told)?.path();
            database |= path.join("sqlite3.db").is_file();
            if path.join("token.object").is_file() {
                found.push(path);
            }
        }
        found.sort();
        match &found[..] {
            [one] => Token::open(one),
            [] if database => Err(Problem::new(format!(
                "the SoftHSM token in {} is a database (objectstore.backend = db), which is not read here",
                directory.display()
            ))
            .advise("`softhsm2-util --import` puts key files into a token of objectstore.backend = file")),
            [] => Err(none(format!("there is no SoftHSM token in {}", directory.display()))),
            several => {
                let mut problem = Problem::new(format!(
                    "there are {} SoftHSM tokens in {}",
                    found.len(),
                    directory.display()
                ));
                for path in several {
                    problem = problem.advise(format!(
                        "{}, which is {:?}",
                        path.display(),
                        Token::open(path)?.label
                    ));
                }
                Err(problem)
            }
        }
    }

    fn open(directory: &Path) -> Result<Token> {
        let path = directory.join("token.object");
        let about = object::read(&files::read(&path)?).ok_or_else(|| damaged(&path))?;
        let label = bytes(&about, TOKEN_LABEL).map(|label| plain(label.trim_ascii_end())).unwrap_or_default();
        Ok(Token { label, directory: directory.to_owned(), about })
    }

    /// Every object with the name of its file, decrypted with the user PIN.
    ///
    /// # Errors
    /// A wrong PIN, no PIN, damaged files.
    pub fn objects(&self, pin: &Secret) -> Result<Vec<(String, Attributes)>> {
        let key = self.key(pin)?;
        let told = |error| Problem::file("read", &self.directory, &error);
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(told)? {
            let path = entry.map_err(told)?.path();
            let object = path.extension().is_some_and(|end| end == "object");
            if object && path.file_name().is_some_and(|name| name != "token.object") {
                paths.push(path);
            }
        }
        paths.sort();
        let read = |path: PathBuf| {
            let sealed = object::read(files::read_secret(&path)?.expose()).ok_or_else(|| damaged(&path))?;
            let opened = opened(sealed, &key).ok_or_else(|| damaged(&path))?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            Ok((name.unwrap_or_default(), opened))
        };
        paths.into_iter().map(read).collect()
    }

    /// The token key.
    fn key(&self, pin: &Secret) -> Result<Secret> {
        let wrong = || {
            Problem::new(format!("wrong user PIN of the SoftHSM token {:?}", self.label))
                .advise("--softhsm-pin-env or --softhsm-pin-file, if it is not that of the new token")
        };
        let sealed = bytes(&self.about, USER_PIN).filter(|sealed| !sealed.is_empty()).ok_or_else(|| {
            Problem::new(format!("the SoftHSM token {:?} has no user PIN", self.label))
                .advise("`softhsm2-util --init-pin`; without one there are no private objects")
        })?;
        let (salt, sealed) = sealed.split_at_checked(SALT).ok_or_else(wrong)?;
        let opened = decrypt(&derived(pin, salt), sealed).ok_or_else(wrong)?;
        match opened.expose().strip_prefix(MAGIC) {
            Some(key) if key.len() == KEY => Ok(key.into()),
            _ => Err(wrong()),
        }
    }
}

/// The key of a PIN: SHA-256 over salt and PIN, again and again.
fn derived(pin: &Secret, salt: &[u8]) -> Secret {
    let rounds = ROUNDS + u32::from(salt.last().copied().unwrap_or(0));
    let mut hasher = Hash::Sha256.start();
    [salt, pin.expose()].iter().for_each(|part| hasher.update(part));
    (1..rounds).fold(Secret::from(hasher.finish()), |last, _| Hash::Sha256.digest(last.expose()).into())
}

/// IV and AES-256-CBC.
fn decrypt(key: &Secret, sealed: &[u8]) -> Option<Secret> {
    let (iv, sealed) = sealed.split_at_checked(IV)?;
    cipher::whole(Algorithm::Aes, Mode::CbcPad, Direction::Decrypt, key, iv, sealed).ok()
}

/// The bytes of a private object in clear.
fn opened(attributes: Attributes, key: &Secret) -> Option<Attributes> {
    let private = attributes.iter().any(|attribute| *attribute == (CKA_PRIVATE, Raw::Bool(true)));
    let open = |(attribute, value)| match value {
        Raw::Bytes(sealed) if private && !sealed.is_empty() => {
            decrypt(key, sealed.expose()).map(|plain| (attribute, Raw::Bytes(plain)))
        }
        other => Some((attribute, other)),
    };
    attributes.into_iter().map(open).collect()
}

fn bytes(attributes: &Attributes, wanted: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
    attributes.iter().find_map(|(attribute, value)| match value {
        Raw::Bytes(bytes) if *attribute == wanted => Some(bytes.expose()),
        _ => None,
    })
}

fn damaged(path: &Path) -> Problem {
    Problem::new(format!("{} is damaged, or is no file of SoftHSM 2", path.display()))
        .advise("a copy of the directory that was made while nobody wrote")
}
