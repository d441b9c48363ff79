//! The DKEKs of a token, one per key domain: sealed as private objects are, their state readable beside them.

use crate::backup::{Assembly, Dkek, Import, Kcv, Status};
use crate::crypto::hash::Hash;
use crate::cryptoki::ids::{CKA_CLASS, CKA_VALUE};
use crate::cryptoki::vendor::{CKA_TOKENKEEP_KEY_DOMAIN, CKO_TOKENKEEP_DKEK};
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::object::{Attributes, Value, encoding};
use crate::store::{Keys, Opened, Record};

use super::objects::CHANGE_TRIES;
use super::{Access, Token, User};

/// By which the rows of all DKEKs are found; no attribute's index entry looks like it.
const HIDDEN: &[u8] = b"tokenkeep dkek";

/// A card tells its key domains by one byte.
pub(super) const LAST_DOMAIN: u64 = 0xff;

/// The rows of a domain: the sealed one, and the one for everybody.
struct Held {
    sealed: Opened,
    open: Opened,
    assembly: Assembly,
}

impl Token {
    /// How it stands with the DKEK of a domain; `None` when it has none. Before a login it is what anybody may have
    /// written into the file.
    ///
    /// # Errors
    /// Those of the store.
    pub fn dkek_status(&self, domain: u64) -> Result<Option<Status>> {
        self.look()?;
        if let Some(keys) = self.keys() {
            return Ok(self.held(&keys, domain)?.map(|held| held.assembly.status()));
        }
        for (row, _) in self.vault.find(None, &[of(domain)])? {
            if let Some(opened) = self.vault.load(None, row)? {
                return shown(&opened).map(Some);
            }
        }
        Ok(None)
    }

    /// Gives a domain a DKEK, or begins again with one that is not complete. The SO does it.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN unless the SO is, CKR_ARGUMENTS_BAD for a domain above 255, CKR_ACTION_PROHIBITED when the
    /// domain has a complete one: it goes by C_InitToken only.
    pub fn begin_dkek(&self, access: Access, domain: u64, assembly: &Assembly) -> Result<Status> {
        if self.user_now()? != Some(User::Officer) {
            return Err(Rv::UserNotLoggedIn.because("only the SO, logged in, gives a key domain a DKEK"));
        }
        if domain > LAST_DOMAIN {
            return Err(Rv::ArgumentsBad
                .because(format!("key domains have the numbers 0 to {LAST_DOMAIN}, not {domain}")));
        }
        self.amend_dkek(access, domain, &mut |before| match before {
            Some(before) if before.status().missing == 0 => Err(Rv::ActionProhibited
                .because(format!("key domain {domain} has a DKEK: only C_InitToken takes it away"))),
            _ => Ok(assembly.clone()),
        })
    }

    /// Imports a share of a domain's DKEK. Whoever is logged in may.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_KEY_NEEDED when the domain waits for none, and those of [`Assembly::add`].
    pub fn import_dkek_share(
        &self,
        access: Access,
        domain: u64,
        share: &Secret,
        import: Import,
    ) -> Result<Status> {
        self.amend_dkek(access, domain, &mut |before| {
            let mut assembly = before.ok_or_else(|| none(domain))?;
            assembly.add(share, import)?;
            Ok(assembly)
        })
    }

    /// The DKEK of a domain.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, CKR_KEY_NEEDED when there is none or shares are missing.
    pub fn dkek(&self, domain: u64) -> Result<Dkek> {
        self.look()?;
        let keys = self.keys().ok_or_else(login)?;
        self.held(&keys, domain)?.ok_or_else(|| none(domain))?.assembly.dkek()
    }

    /// The domain whose DKEK has this check value, and that DKEK; that of domain 0 when no other has.
    ///
    /// # Errors
    /// As [`Token::dkek`].
    pub fn dkek_of(&self, kcv: Option<Kcv>) -> Result<(u64, Dkek)> {
        self.look()?;
        let has = |status: &Status| status.kcv.is_some() && status.kcv == kcv;
        let domain =
            self.dkeks()?.into_iter().find(|(_, status)| has(status)).map_or(0, |(domain, _)| domain);
        Ok((domain, self.dkek(domain)?))
    }

    /// How it stands with the DKEK of each domain that has one.
    ///
    /// # Errors
    /// CKR_USER_NOT_LOGGED_IN, and those of the store.
    pub(super) fn dkeks(&self) -> Result<Vec<(u64, Status)>> {
        let keys = self.keys().ok_or_else(login)?;
        let mut found = Vec::new();
        for (row, private) in self.hidden(Some(&keys))? {
            let Some(opened) = self.vault.load(Some(&keys), row)?.filter(|_| private) else { continue };
            let (domain, value) = parts(&opened)?;
            found.push((domain, Assembly::decode(&value).ok_or_else(damaged)?.status()));
        }
        Ok(found)
    }

    /// Rows that are no objects, with their privacy.
    pub(super) fn hidden(&self, keys: Option<&Keys>) -> Result<Vec<(u64, bool)>> {
        self.vault.find(keys, &[HIDDEN.to_vec()])
    }

    fn held(&self, keys: &Keys, domain: u64) -> Result<Option<Held>> {
        let (mut sealed, mut open) = (None, None);
        for (row, private) in self.vault.find(Some(keys), &[of(domain)])? {
            let opened = self.vault.load(Some(keys), row)?;
            *if private { &mut sealed } else { &mut open } = opened;
        }
        let (sealed, open) = match (sealed, open) {
            (Some(sealed), Some(open)) => (sealed, open),
            (None, None) => return Ok(None),
            _ => return Err(damaged()),
        };
        let (of, value) = parts(&sealed)?;
        let assembly = Assembly::decode(&value).filter(|_| of == domain).ok_or_else(damaged)?;
        Ok(Some(Held { sealed, open, assembly }))
    }

    /// Changes both rows of a domain in one transaction, again if another process was quicker.
    fn amend_dkek(
        &self,
        access: Access,
        domain: u64,
        next: &mut dyn FnMut(Option<Assembly>) -> Result<Assembly>,
    ) -> Result<Status> {
        if !access.read_write {
            return Err(Rv::SessionReadOnly.because("the session is read-only: a DKEK needs CKF_RW_SESSION"));
        }
        for _ in 0..CHANGE_TRIES {
            self.look()?;
            let keys = self.keys().ok_or_else(login)?;
            let held = self.held(&keys, domain)?;
            let after = next(held.as_ref().map(|held| held.assembly.clone()))?;
            let status = after.status();
            let records = Token::records(domain, held.as_ref(), &after);
            match self.vault.put(Some(&keys), &records, &|bytes| self.emulation.fill(bytes)) {
                Err(error) if error.rv() == Rv::FunctionFailed => continue,
                done => return done.map(|_| status),
            }
        }
        Err(Rv::FunctionFailed.because("other processes keep changing the DKEK: try again"))
    }

    fn records(domain: u64, held: Option<&Held>, assembly: &Assembly) -> [Record; 2] {
        let record = |before: Option<&Opened>, private, value: Secret| {
            let attributes = Attributes::default()
                .with(CKA_CLASS, Value::Ulong(CKO_TOKENKEEP_DKEK))
                .with(CKA_TOKENKEEP_KEY_DOMAIN, Value::Ulong(domain))
                .with(CKA_VALUE, Value::Secret(value));
            Record {
                handle: before.map(|before| before.handle),
                id: name(domain, private),
                revision: before.map_or(0, |before| before.revision),
                private,
                plain: encoding::encode(&attributes),
                index: vec![of(domain), HIDDEN.to_vec()],
            }
        };
        let sealed = record(held.map(|held| &held.sealed), true, assembly.encode());
        [sealed, record(held.map(|held| &held.open), false, show(assembly.status()))]
    }
}

/// By which the rows of a domain's DKEK are found.
fn of(domain: u64) -> Vec<u8> {
    [HIDDEN, &domain.to_be_bytes()].concat()
}

/// The rows' ids are no accident: of two that give a domain its first DKEK at the same time, one is refused.
fn name(domain: u64, private: bool) -> [u8; 16] {
    let hash = Hash::Sha256.digest(&[&of(domain)[..], &[private.into()]].concat());
    std::array::from_fn(|at| hash[at])
}

/// Domain and value in a row.
fn parts(opened: &Opened) -> Result<(u64, Secret)> {
    let attributes = encoding::decode(opened.plain.expose())?;
    let domain = attributes.ulong(CKA_TOKENKEEP_KEY_DOMAIN).ok_or_else(damaged)?;
    match attributes.of(CKA_VALUE) {
        Some(Value::Secret(value)) => Ok((domain, value.clone())),
        _ => Err(damaged()),
    }
}

/// The state for everybody: shares, missing ones, and the check value when none is missing.
fn show(status: Status) -> Secret {
    let kcv = status.kcv.map(|kcv| kcv.0.to_vec()).unwrap_or_default();
    [vec![status.shares, status.missing], kcv].concat().into()
}

fn shown(opened: &Opened) -> Result<Status> {
    let (_, value) = parts(opened)?;
    match value.expose() {
        [shares, missing, kcv @ ..] => {
            Ok(Status { shares: *shares, missing: *missing, kcv: kcv.try_into().ok().map(Kcv) })
        }
        _ => Err(damaged()),
    }
}

fn login() -> Error {
    Rv::UserNotLoggedIn.because("the DKEK is sealed under the token key: log in first")
}

fn none(domain: u64) -> Error {
    Rv::KeyNeeded
        .because(format!("key domain {domain} has no DKEK: the token was not initialised with DKEK shares"))
}

fn damaged() -> Error {
    Rv::DeviceError.because("the DKEK in the token file cannot be read: run `tokentool verify`")
}
