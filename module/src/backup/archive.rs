//! A whole token in one piece: every object sealed under the DKEK, keys also as the vendor's programs read them.
//!
//! ```text
//!   manifest (text)        manifest.rs
//!   mac HMAC-SHA-256 of it, and an empty line
//!   for each object        nonce, AES-256-GCM of its attributes; then, if the vendor's format knows the key,
//!                          the file of sc-hsm-tool with it, and its secrets are not among the sealed attributes
//! ```
//!
//! Both keys come from the DKEK and the archive's salt by HKDF.

use crate::crypto::hash::Hash;
use crate::crypto::mac::{self, Hmac};
use crate::crypto::seal::Sealer;
use crate::cryptoki::vendor::CKA_TOKENKEEP_CARD_ALGORITHMS;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::object::{Attributes, Sort, encoding};
use crate::store::Id;

use super::manifest::{Item, Manifest, Part, hex, unhex};
use super::{Container, Description, Dkek, Fill, Material, Progress, blob};

const SEAL: &str = "tokenkeep 1 backup objects";
const VOUCH: &str = "tokenkeep 1 backup manifest";
const NONCE: usize = 12;
/// What ends the manifest's text.
const MAC: &str = "mac ";

/// An object of a token, with all its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name for ever: CKA_UNIQUE_ID.
    pub id: Id,
    pub attributes: Attributes,
}

/// What the manifest says beside the objects.
#[derive(Clone, Debug)]
pub struct About {
    pub serial: String,
    pub domain: u64,
    pub created: u64,
    pub left_out: u64,
}

/// An archive as it stands: nothing is checked yet but its outline.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    pub manifest: Manifest,
    text: &'a str,
    mac: [u8; 32],
    members: &'a [u8],
}

/// Writes an archive, and reads it again: what it answers opens to these entries.
///
/// `describe` gives the vendor's description of a key; the progress counts objects, twice.
///
/// # Errors
/// Those of the randomness; CKR_FUNCTION_FAILED when the archive does not give the entries back.
pub fn write(
    dkek: &Dkek,
    about: &About,
    entries: &[Entry],
    describe: &dyn Fn(&Material, &Attributes) -> Description,
    fill: &Fill,
    progress: &mut Progress,
) -> Result<Vec<u8>> {
    let mut salt = [0; 16];
    fill(&mut salt)?;
    let sealer = Sealer::new(&dkek.derive(&salt, SEAL));
    let (mut objects, mut members) = (Vec::with_capacity(entries.len()), Vec::new());
    let total = 2 * entries.len() as u64;
    for (at, entry) in (1..).zip(entries) {
        let (rest, key) = halves(dkek, entry, describe, fill)?;
        let sealed = seal(&sealer, &entry.id, &rest, fill)?;
        objects.push(Item {
            id: entry.id,
            class: Sort::of(&entry.attributes).class,
            sealed: part(&sealed),
            key: key.as_deref().map(part),
        });
        members.extend(sealed);
        members.extend(key.unwrap_or_default());
        progress(at, total);
    }
    let About { serial, domain, created, left_out } = about.clone();
    let text = Manifest { kcv: dkek.kcv(), salt, serial, domain, created, left_out, objects }.text();
    let mac = vouch(dkek, &salt, &text);
    let whole = [text.as_bytes(), MAC.as_bytes(), hex(&mac).as_bytes(), b"\n\n", &members].concat();
    let offset = total / 2;
    let again = Archive::read(&whole)?.open(dkek, &mut |done, _| progress(offset + done, total))?;
    match again == entries {
        true => Ok(whole),
        false => Err(Rv::FunctionFailed.because("the archive would not give the objects back as they are")),
    }
}

/// The attributes to seal, and the vendor's file with the key, when both together give the entry back.
fn halves(
    dkek: &Dkek,
    entry: &Entry,
    describe: &dyn Fn(&Material, &Attributes) -> Description,
    fill: &Fill,
) -> Result<(Attributes, Option<Vec<u8>>)> {
    let whole = &entry.attributes;
    let Ok(material) = Material::of(whole) else { return Ok((whole.clone(), None)) };
    let carried = material.clone().attributes();
    let mut rest = Attributes::default();
    for (attribute, value) in whole.iter().filter(|(attribute, value)| carried.of(*attribute) != Some(value))
    {
        rest.set(attribute, value.clone());
    }
    if joined(carried, rest.clone()) != *whole {
        return Ok((whole.clone(), None));
    }
    let blob = blob::wrap(dkek, &material, whole.bytes(CKA_TOKENKEEP_CARD_ALGORITHMS), fill)?;
    // A key whose numbers are others after the way through the blob is sealed as it is.
    if blob::unwrap(dkek, &blob).ok().is_none_or(|opened| opened.key != material) {
        return Ok((whole.clone(), None));
    }
    let file = Container::write(&blob, Some(&describe(&material, whole)), None)?;
    Ok((rest, Some(file)))
}

fn joined(mut carried: Attributes, rest: Attributes) -> Attributes {
    carried.absorb(rest);
    carried
}

impl<'a> Archive<'a> {
    /// Reads the outline: what the manifest says, on nobody's word yet.
    ///
    /// # Errors
    /// CKR_DATA_INVALID when it is no archive, or its parts are not all there.
    pub fn read(bytes: &'a [u8]) -> Result<Archive<'a>> {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").ok_or_else(none)?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| none())?;
        let (text, mac) = head.split_at(head.rfind('\n').ok_or_else(none)? + 1);
        let mac = mac.strip_prefix(MAC).and_then(unhex).ok_or_else(none)?;
        let manifest = Manifest::parse(text)?;
        let members = &bytes[end + 2..];
        let sizes = manifest.objects.iter().flat_map(|item| [Some(&item.sealed), item.key.as_ref()]);
        let wanted = sizes.flatten().try_fold(0usize, |sum, part| sum.checked_add(part.size));
        match wanted {
            Some(wanted) if wanted == members.len() => Ok(Archive { manifest, text, mac, members }),
            _ => Err(Rv::DataInvalid.because("the backup is cut, or something stands behind its end")),
        }
    }

    /// Everything in it, checked. The progress counts objects.
    ///
    /// # Errors
    /// CKR_DATA_INVALID when it was made under another DKEK, or is damaged or forged.
    pub fn open(&self, dkek: &Dkek, progress: &mut Progress) -> Result<Vec<Entry>> {
        let (theirs, ours) = (self.manifest.kcv, dkek.kcv());
        if theirs != ours {
            return Err(Rv::DataInvalid.because(format!(
                "this backup was made under another DKEK: its key check value is {theirs}, the token's {ours}"
            )));
        }
        if !mac::equal(&self.mac, &vouch(dkek, &self.manifest.salt, self.text)) {
            return Err(
                Rv::DataInvalid.because("the backup is damaged or forged: the MAC of its manifest is wrong")
            );
        }
        let sealer = Sealer::new(&dkek.derive(&self.manifest.salt, SEAL));
        let (mut rest, mut entries) = (self.members, Vec::with_capacity(self.manifest.objects.len()));
        for (at, item) in (1..).zip(&self.manifest.objects) {
            let sealed = take(&mut rest, &item.sealed, item)?;
            let key = item.key.as_ref().map(|part| take(&mut rest, part, item)).transpose()?;
            entries.push(open(dkek, &sealer, item, sealed, key)?);
            progress(at, self.manifest.objects.len() as u64);
        }
        Ok(entries)
    }

    /// The archive as files of a directory: names and contents, the manifest first.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let manifest = format!("{}{MAC}{}\n", self.text, hex(&self.mac));
        let (mut files, mut rest) = (vec![("manifest".to_owned(), manifest.into_bytes())], self.members);
        for (name, size) in names(&self.manifest) {
            let (member, after) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            files.push((name, member.to_vec()));
            rest = after;
        }
        files
    }
}

/// The archive again, from its files; `read` gives the contents of a name.
///
/// # Errors
/// Those of `read`, and CKR_DATA_INVALID when the manifest is none.
pub fn from_files<E: From<Error>>(
    mut read: impl FnMut(&str) -> std::result::Result<Vec<u8>, E>,
) -> std::result::Result<Vec<u8>, E> {
    let mut whole = read("manifest")?;
    let text = std::str::from_utf8(&whole).map_err(|_| none())?;
    let manifest = text.rfind(MAC).and_then(|at| Manifest::parse(&text[..at]).ok()).ok_or_else(none)?;
    whole.push(b'\n');
    for (name, _) in names(&manifest) {
        whole.extend(read(&name)?);
    }
    Ok(whole)
}

/// Names and sizes of the members, in their order.
fn names(manifest: &Manifest) -> Vec<(String, usize)> {
    let mut names = Vec::new();
    for (at, item) in (1..).zip(&manifest.objects) {
        names.push((format!("{at:04}.sealed"), item.sealed.size));
        names.extend(item.key.as_ref().map(|key| (format!("{at:04}.wrapped"), key.size)));
    }
    names
}

/// Takes a part off the members.
fn take<'a>(rest: &mut &'a [u8], part: &Part, item: &Item) -> Result<&'a [u8]> {
    let (member, after) = rest.split_at_checked(part.size).ok_or_else(|| damaged(item))?;
    *rest = after;
    match mac::equal(&Hash::Sha256.digest(member), &part.hash) {
        true => Ok(member),
        false => Err(damaged(item)),
    }
}

fn open(dkek: &Dkek, sealer: &Sealer, item: &Item, sealed: &[u8], key: Option<&[u8]>) -> Result<Entry> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or_else(|| damaged(item))?;
    let plain = sealer.open(nonce, &item.id, body).map_err(|_| damaged(item))?;
    let rest = encoding::decode(plain.expose())?;
    let attributes = match key {
        Some(file) => {
            let key = blob::unwrap(dkek, Container::read(file)?.blob)?.key;
            joined(key.attributes(), rest)
        }
        None => rest,
    };
    Ok(Entry { id: item.id, attributes })
}

fn seal(sealer: &Sealer, id: &Id, attributes: &Attributes, fill: &Fill) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE];
    fill(&mut nonce)?;
    let plain: Secret = encoding::encode(attributes);
    Ok([&nonce[..], &sealer.seal(&nonce, id, plain.expose())].concat())
}

fn part(bytes: &[u8]) -> Part {
    let hash = Hash::Sha256.digest(bytes);
    Part { size: bytes.len(), hash: std::array::from_fn(|at| hash[at]) }
}

fn vouch(dkek: &Dkek, salt: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::new(Hash::Sha256, &dkek.derive(salt, VOUCH));
    mac.update(text.as_bytes());
    let tag = mac.finish();
    std::array::from_fn(|at| tag[at])
}

fn none() -> Error {
    Rv::DataInvalid.because("this is no backup of Tokenkeep, or its beginning is damaged")
}

fn damaged(item: &Item) -> Error {
    Rv::DataInvalid.because(format!("object {} of the backup is damaged", hex(&item.id)))
}
