//! The DKEKs as key objects, by which programs wrap and unwrap: what can be told of them, and never their value.

use crate::backup::Status;
use crate::cryptoki::Result;
use crate::cryptoki::ids::*;
use crate::cryptoki::vendor::*;
use crate::object::{Attributes, Birth, Given, Object, Template, Value, policy};

use super::builtin::MARK;
use super::dkek::LAST_DOMAIN;
use super::{Token, User};

/// The handle: a built-in secret key, the epoch of the login, the domain.
const HANDLE: u64 = MARK | CKO_SECRET_KEY << 32;
const EPOCH_SHIFT: u32 = 8;
const EPOCHS: u64 = 0xff_ffff;

/// The flags; what is not here is false, or as the birth of a key tells it.
const TRUE: [CK_ATTRIBUTE_TYPE; 6] =
    [CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_TRUSTED, CKA_WRAP, CKA_UNWRAP];
const FALSE: [CK_ATTRIBUTE_TYPE; 8] = [
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_EXTRACTABLE,
    CKA_SIGN,
    CKA_VERIFY,
    CKA_DERIVE,
    CKA_TOKENKEEP_BACKUP,
];

/// Whether a built-in handle is that of a DKEK.
pub(super) fn is_dkek(handle: u64) -> bool {
    handle >> 32 == HANDLE >> 32
}

/// What a search or a look shows of a complete DKEK.
fn shown(domain: u64, status: Status) -> Option<Object> {
    let kcv = status.kcv?;
    let label = if domain == 0 { "DKEK".to_owned() } else { format!("DKEK {domain}") };
    let mut attributes = Attributes::default()
        .with(CKA_CLASS, Value::Ulong(CKO_SECRET_KEY))
        .with(CKA_KEY_TYPE, Value::Ulong(CKK_TOKENKEEP_DKEK))
        .with(CKA_LABEL, Value::Bytes(label.into_bytes()))
        .with(CKA_UNIQUE_ID, Value::Bytes(format!("{:032x}", HANDLE | domain).into_bytes()))
        .with(CKA_CHECK_VALUE, Value::Bytes(kcv.0.to_vec()))
        .with(CKA_TOKENKEEP_KEY_DOMAIN, Value::Ulong(domain))
        .with(CKA_ALLOWED_MECHANISMS, Value::Ulongs(vec![CKM_TOKENKEEP_DKEK]));
    for (flags, value) in [(&TRUE[..], true), (&FALSE[..], false)] {
        flags.iter().for_each(|flag| _ = attributes.set(*flag, Value::Bool(value)));
    }
    policy::complete(&mut attributes, Birth::Unwrap);
    Some(Object::new(attributes))
}

impl Token {
    /// The DKEK behind such a handle, if the user is logged in as when it was found.
    pub(super) fn dkek_object(&self, handle: u64) -> Result<Option<Object>> {
        let domain = handle & LAST_DOMAIN;
        if self.user() != Some(User::User) || handle != self.dkek_handle(domain) {
            return Ok(None);
        }
        Ok(self.dkek_status(domain)?.and_then(|status| shown(domain, status)))
    }

    /// The DKEKs that match a search which names their type, or a label that one of them could have.
    pub(super) fn find_dkeks(&self, wanted: &Template) -> Result<Vec<u64>> {
        let kind = Value::Ulong(CKK_TOKENKEEP_DKEK).to_given();
        let named = wanted.iter().any(|(attribute, given)| match (*attribute, given) {
            (CKA_KEY_TYPE, given) => *given == kind,
            (CKA_LABEL, Given::Bytes(label)) => label.expose().starts_with(b"DKEK"),
            _ => false,
        });
        if !named || self.user() != Some(User::User) {
            return Ok(Vec::new());
        }
        self.look()?;
        let mut dkeks = self.dkeks()?;
        dkeks.sort_by_key(|(domain, _)| *domain);
        let matches = |&(domain, status): &(u64, Status)| {
            shown(domain, status).is_some_and(|object| object.matches(wanted))
        };
        Ok(dkeks.into_iter().filter(matches).map(|(domain, _)| self.dkek_handle(domain)).collect())
    }

    fn dkek_handle(&self, domain: u64) -> u64 {
        HANDLE | (self.epoch() & EPOCHS) << EPOCH_SHIFT | domain
    }
}
