//! Objects that the token has of itself: profiles, mechanisms, hardware features (PKCS#11 v3.2 §4.3, §4.13, §4.14), and
//! its DKEKs. Nobody can change them, and a search finds them only when it names their class, or the type of the DKEKs.

use std::sync::Arc;

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, names};
use crate::mechanism::Profile;
use crate::object::{Attributes, Given, Object, Template, Value, rules};

use super::Token;
use super::keyring::is_dkek;

/// The handle of such an object has these bits.
pub(super) const MARK: u64 = 3 << 61;

/// A row of the profiles: which, and of which mechanism it makes a promise.
const PROFILES: &[(CK_PROFILE_ID, &str, Option<CK_MECHANISM_TYPE>)] = &[
    (CKP_BASELINE_PROVIDER, "Baseline Provider", None),
    (CKP_EXTENDED_PROVIDER, "Extended Provider", None),
    (CKP_AUTHENTICATION_TOKEN, "Authentication Token", None),
    (CKP_PUBLIC_CERTIFICATES_TOKEN, "Public Certificates Token", None),
    (CKP_HKDF_TLS_TOKEN, "HKDF TLS Token", Some(CKM_HKDF_DATA)),
];

/// What is behind a handle: its class above, its number of the class's own below.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BuiltIn {
    Profile(CK_PROFILE_ID),
    Mechanism(CK_MECHANISM_TYPE),
    Counter,
    Clock,
}

impl BuiltIn {
    /// All of them.
    fn all(profile: &'static Profile) -> impl Iterator<Item = BuiltIn> {
        let served = |wanted: &Option<_>| wanted.is_none_or(|id| profile.find(id, 0).is_ok());
        let profiles = PROFILES.iter().filter(move |row| served(&row.2)).map(|row| BuiltIn::Profile(row.0));
        let mechanisms = profile.all().map(|row| BuiltIn::Mechanism(row.id));
        profiles.chain(mechanisms).chain([BuiltIn::Counter, BuiltIn::Clock])
    }

    /// Its handle, the same in every process: 8 bits for the class, 32 for the number.
    fn handle(self) -> u64 {
        let (class, number) = match self {
            BuiltIn::Profile(id) => (CKO_PROFILE, id),
            BuiltIn::Mechanism(id) => (CKO_MECHANISM, id),
            BuiltIn::Counter => (CKO_HW_FEATURE, CKH_MONOTONIC_COUNTER),
            BuiltIn::Clock => (CKO_HW_FEATURE, CKH_CLOCK),
        };
        MARK | class << 32 | number & 0xffff_ffff
    }

    /// What does not change from one look to the next.
    fn attributes(self) -> Attributes {
        match self {
            BuiltIn::Profile(id) => {
                let row = PROFILES.iter().find(|row| row.0 == id);
                let label = row.map_or_else(String::new, |row| format!("{} profile", row.1));
                shown(CKO_PROFILE, &label, self.handle()).with(CKA_PROFILE_ID, Value::Ulong(id))
            }
            BuiltIn::Mechanism(id) => shown(CKO_MECHANISM, &names::mechanism(id), self.handle())
                .with(CKA_MECHANISM_TYPE, Value::Ulong(id)),
            BuiltIn::Counter => feature(CKH_MONOTONIC_COUNTER)
                .with(CKA_RESET_ON_INIT, Value::Bool(false))
                .with(CKA_HAS_RESET, Value::Bool(false)),
            BuiltIn::Clock => feature(CKH_CLOCK),
        }
    }
}

/// The attributes that a stored object would have, for clients that ask for them.
fn shown(class: CK_OBJECT_CLASS, label: &str, handle: u64) -> Attributes {
    Attributes::default()
        .with(CKA_CLASS, Value::Ulong(class))
        .with(CKA_TOKEN, Value::Bool(true))
        .with(CKA_PRIVATE, Value::Bool(false))
        .with(CKA_MODIFIABLE, Value::Bool(false))
        .with(CKA_COPYABLE, Value::Bool(false))
        .with(CKA_DESTROYABLE, Value::Bool(false))
        .with(CKA_LABEL, Value::Bytes(label.as_bytes().to_vec()))
        .with(CKA_UNIQUE_ID, Value::Bytes(format!("{handle:032x}").into_bytes()))
}

fn feature(kind: CK_HW_FEATURE_TYPE) -> Attributes {
    Attributes::default()
        .with(CKA_CLASS, Value::Ulong(CKO_HW_FEATURE))
        .with(CKA_HW_FEATURE_TYPE, Value::Ulong(kind))
}

/// Whether a handle is one of the token's own objects, if of any.
pub(super) fn is_built_in(handle: u64) -> bool {
    handle & MARK == MARK
}

impl Token {
    /// The object behind such a handle, as it is now: each look at the counter counts.
    pub(super) fn built_in(&self, handle: u64) -> Result<Option<Arc<Object>>> {
        if is_dkek(handle) {
            return Ok(self.dkek_object(handle)?.map(Arc::new));
        }
        let Some(which) = BuiltIn::all(self.profile()).find(|which| which.handle() == handle) else {
            return Ok(None);
        };
        let mut attributes = which.attributes();
        match which {
            BuiltIn::Clock => {
                attributes.set(CKA_VALUE, Value::Bytes(self.emulation.now().utc().to_vec()));
            }
            // Where nothing can be written nothing can be counted: the value is not there then.
            BuiltIn::Counter => {
                if let Ok(count) = self.vault.store().count() {
                    attributes.set(CKA_VALUE, Value::Bytes(count.to_be_bytes().to_vec()));
                }
            }
            BuiltIn::Profile(_) | BuiltIn::Mechanism(_) => {}
        }
        Ok(Some(Arc::new(Object::new(attributes))))
    }

    /// The handles of those that match a search which names one of their classes, and of DKEKs that it names.
    pub(super) fn find_built_in(&self, wanted: &Template) -> Result<Vec<u64>> {
        let named = |class: &u64| {
            let given = Value::Ulong(*class).to_given();
            wanted.iter().any(|(attribute, value): &(_, Given)| *attribute == CKA_CLASS && *value == given)
        };
        if !rules::BUILT_IN.iter().any(named) {
            return self.find_dkeks(wanted);
        }
        let matches = |which: &BuiltIn| Object::new(which.attributes()).matches(wanted);
        Ok(BuiltIn::all(self.profile()).filter(matches).map(BuiltIn::handle).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_have_the_same_handle() {
        let handles: Vec<u64> = BuiltIn::all(<&Profile>::default()).map(BuiltIn::handle).collect();
        assert_eq!(handles.iter().collect::<BTreeSet<_>>().len(), handles.len());
        assert!(handles.iter().all(|handle| is_built_in(*handle)));
    }
}
