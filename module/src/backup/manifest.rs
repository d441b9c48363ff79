//! What is in an archive: text for people, with a size and a hash for every part, under a MAC.

use std::fmt::Write;

use crate::cryptoki::ids::CK_OBJECT_CLASS;
use crate::cryptoki::{Error, Result, Rv, names};
use crate::store::Id;

use super::{Kcv, split};

/// The first line.
const HEAD: &str = "tokenkeep backup 1";
/// So many objects are believed.
const MOST: usize = 1 << 20;

/// The table of contents of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Of the DKEK that the archive was made under.
    pub kcv: Kcv,
    /// From which the archive's keys are derived; no two archives have the same.
    pub salt: [u8; 16],
    /// Of the token that was backed up.
    pub serial: String,
    /// The key domain whose keys are here.
    pub domain: u64,
    /// Seconds since 1970.
    pub created: u64,
    /// Keys that must not leave the token.
    pub left_out: u64,
    pub objects: Vec<Item>,
}

/// An object of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub id: Id,
    pub class: CK_OBJECT_CLASS,
    /// Its sealed attributes.
    pub sealed: Part,
    /// Its key, in the vendor's format, if that knows it.
    pub key: Option<Part>,
}

/// A part of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub size: usize,
    /// SHA-256
    pub hash: [u8; 32],
}

impl Manifest {
    /// The text, line by line.
    pub fn text(&self) -> String {
        let mut text = format!("{HEAD}\nkcv {}\nsalt {}\n", self.kcv, hex(&self.salt));
        // Writing into a String does not fail.
        let _ = write!(text, "token {}\ndomain {}\ncreated {}\n", self.serial, self.domain, self.created);
        let _ = writeln!(text, "left-out {}", self.left_out);
        for item in &self.objects {
            let _ =
                write!(text, "object {} {} {}", hex(&item.id), names::class(item.class), item.sealed.text());
            let _ = match &item.key {
                Some(key) => writeln!(text, " key {}", key.text()),
                None => writeln!(text),
            };
        }
        text
    }

    /// From the text again: exactly the one that [`Manifest::text`] gives.
    ///
    /// # Errors
    /// CKR_DATA_INVALID for any other.
    pub fn parse(text: &str) -> Result<Manifest> {
        let manifest = Lines(text.lines()).manifest().ok_or_else(bad)?;
        match manifest.text() == text {
            true => Ok(manifest),
            false => Err(bad()),
        }
    }
}

impl Part {
    fn text(&self) -> String {
        format!("{} {}", self.size, hex(&self.hash))
    }

    fn parse<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Part> {
        Some(Part { size: words.next()?.parse().ok()?, hash: unhex(words.next()?)? })
    }
}

struct Lines<'a>(std::str::Lines<'a>);

impl<'a> Lines<'a> {
    fn manifest(&mut self) -> Option<Manifest> {
        (self.0.next()? == HEAD).then_some(())?;
        Some(Manifest {
            kcv: Kcv(unhex(self.after("kcv")?)?),
            salt: unhex(self.after("salt")?)?,
            serial: self.after("token")?.to_owned(),
            domain: self.after("domain")?.parse().ok()?,
            created: self.after("created")?.parse().ok()?,
            left_out: self.after("left-out")?.parse().ok()?,
            objects: self.0.by_ref().take(MOST).map(item).collect::<Option<_>>()?,
        })
    }

    fn after(&mut self, word: &str) -> Option<&'a str> {
        self.0.next()?.strip_prefix(word)?.strip_prefix(' ')
    }
}

fn item(line: &str) -> Option<Item> {
    let mut words = line.split(' ');
    (words.next()? == "object").then_some(())?;
    let id = unhex(words.next()?)?;
    let class = words.next()?;
    let (class, _) = names::CLASSES.iter().find(|(_, name)| *name == class)?;
    let sealed = Part::parse(&mut words)?;
    let key = match words.next() {
        Some("key") => Some(Part::parse(&mut words)?),
        Some(_) => return None,
        None => None,
    };
    Some(Item { id, class: *class, sealed, key })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    split::digits(text).ok()?.expose().try_into().ok()
}

fn bad() -> Error {
    Rv::DataInvalid.because("the manifest of the backup is garbled, or of a newer version")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cryptoki::ids::*;
    use proptest::prelude::*;

    fn sample() -> Manifest {
        let part = |size| Part { size, hash: [7; 32] };
        let item = |class, key| Item { id: [9; 16], class, sealed: part(3), key };
        Manifest {
            kcv: Kcv([0xab; 8]),
            salt: [1; 16],
            serial: "0123456789ABCDEF".into(),
            domain: 2,
            created: 1_795_219_199,
            left_out: 1,
            objects: vec![item(CKO_PRIVATE_KEY, Some(part(400))), item(CKO_CERTIFICATE, None)],
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let text = sample().text();
        assert_eq!(Manifest::parse(&text).unwrap(), sample());
        for line in 0..text.lines().count() {
            let fewer: Vec<_> =
                text.lines().enumerate().filter(|(at, _)| *at != line).map(|(_, l)| l).collect();
            let parsed = Manifest::parse(&(fewer.join("\n") + "\n"));
            assert!(parsed.is_err() || line >= 7, "{line}");
        }
        for other in
            [text.to_uppercase(), text.clone() + "\n", text.replace(' ', "  "), text.replace("512", "0512")]
        {
            assert!(Manifest::parse(&other).is_err() || other == text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String, at: prop::sample::Index, with: char) {
            let _ = Manifest::parse(&text);
            let mut chars: Vec<char> = sample().text().chars().collect();
            let at = at.index(chars.len());
            chars[at] = with;
            let _ = Manifest::parse(&chars.into_iter().collect::<String>());
        }
    }
}
