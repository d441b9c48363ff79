//! Whole tokens: backed up under the DKEK of a key domain, and restored. Not of the standard: for the tool.

use crate::backup::archive::{self, About};
use crate::backup::{Archive, Entry, Manifest, Progress};
use crate::cryptoki::ids::*;
use crate::cryptoki::vendor::*;
use crate::cryptoki::{Result, Rv};
use crate::object::{Object, Sort, Value};

use super::Call;
use super::backup::describe;

/// A token, backed up.
#[derive(Clone, Debug)]
pub struct Backup {
    pub archive: Vec<u8>,
    /// How many objects are in it.
    pub objects: usize,
    /// Keys that must not leave the token, or belong to another key domain.
    pub left_out: Vec<String>,
}

impl Call<'_> {
    /// Every key of a key domain; with domain 0 every other object too.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_KEY_NEEDED while the DKEK is not complete.
    pub fn backup(&self, domain: u64, progress: &mut Progress) -> Result<Backup> {
        let token = &self.session.token;
        let dkek = token.dkek(domain)?;
        let (mut entries, mut left_out) = (Vec::new(), Vec::new());
        for entry in token.everything()? {
            match belongs(&entry, domain) {
                true => entries.push(entry),
                false => left_out.push(Object::new(entry.attributes).describe()),
            }
        }
        let about = About {
            serial: token.vault().header()?.serial,
            domain,
            created: self.module.emulation.now().0,
            left_out: left_out.len() as u64,
        };
        let fill = |bytes: &mut [u8]| self.module.emulation.fill(bytes);
        let archive = archive::write(&dkek, &about, &entries, &describe, &fill, progress)?;
        Ok(Backup { archive, objects: entries.len(), left_out })
    }

    /// Whether a backup is whole, and made under a DKEK of this token: what it says of itself.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_KEY_NEEDED, CKR_DATA_INVALID.
    pub fn verify_backup(&self, bytes: &[u8], progress: &mut Progress) -> Result<Manifest> {
        self.read_archive(bytes, progress).map(|(manifest, _)| manifest)
    }

    /// Puts every object of a backup into the token, each attribute as it was: all of them, or nothing has changed. With
    /// `dry` everything is checked and nothing is written.
    ///
    /// # Errors
    /// Those of [`Call::verify_backup`]; CKR_ACTION_PROHIBITED when the token is not empty; CKR_SESSION_READ_ONLY; those
    /// of a key that this token cannot hold.
    pub fn restore(&self, bytes: &[u8], dry: bool, progress: &mut Progress) -> Result<Manifest> {
        let (manifest, entries) = self.read_archive(bytes, progress)?;
        let token = &self.session.token;
        let there = token.everything()?;
        // The other domains come onto a token that was restored before.
        let clash = |entry: &Entry| manifest.domain == 0 || entries.iter().any(|ours| ours.id == entry.id);
        if let Some(entry) = there.into_iter().find(clash) {
            return Err(Rv::ActionProhibited.because(format!(
                "the token is not empty: it has {}; a backup is restored onto a fresh token",
                Object::new(entry.attributes).describe()
            )));
        }
        match dry {
            true => token.acceptable(self.session.access(), &entries).map(drop)?,
            false => token.take_in(self.session.access(), &entries)?,
        }
        Ok(manifest)
    }

    fn read_archive(&self, bytes: &[u8], progress: &mut Progress) -> Result<(Manifest, Vec<Entry>)> {
        let archive = Archive::read(bytes)?;
        let (_, dkek) = self.session.token.dkek_of(Some(archive.manifest.kcv))?;
        let entries = archive.open(&dkek, progress)?;
        Ok((archive.manifest, entries))
    }
}

/// Whether an object is backed up with a domain.
fn belongs(entry: &Entry, domain: u64) -> bool {
    let closed = matches!(Sort::of(&entry.attributes).class, CKO_PRIVATE_KEY | CKO_SECRET_KEY);
    let free = entry.attributes.of(CKA_TOKENKEEP_BACKUP) != Some(&Value::Bool(false));
    match closed {
        true => free && entry.attributes.ulong(CKA_TOKENKEEP_KEY_DOMAIN).unwrap_or(0) == domain,
        false => domain == 0,
    }
}
