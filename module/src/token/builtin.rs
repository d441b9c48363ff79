//! Objects that every token has and no file holds: what the token says about itself.

use std::sync::{Arc, OnceLock};

use crate::cryptoki::ids::*;
use crate::object::{Attributes, Object, Value};

/// A built-in object's handle has this bit.
pub(super) const BUILT_IN: u64 = 1 << 61;

/// The profiles that tokens conform to (PKCS#11 v3.2 §4.12). NSS reads certificates without a PIN where the public
/// certificates profile is told.
const PROFILES: &[CK_PROFILE_ID] =
    &[CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN, CKP_PUBLIC_CERTIFICATES_TOKEN];

/// The built-in objects, in the order of their handles.
fn all() -> &'static [Arc<Object>] {
    static ALL: OnceLock<Vec<Arc<Object>>> = OnceLock::new();
    ALL.get_or_init(|| PROFILES.iter().map(|profile| Arc::new(Object::new(attributes(*profile)))).collect())
}

fn attributes(profile: CK_PROFILE_ID) -> Attributes {
    let fixed = [CKA_PRIVATE, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE];
    let mut attributes = Attributes::default()
        .with(CKA_CLASS, Value::Ulong(CKO_PROFILE))
        .with(CKA_TOKEN, Value::Bool(true))
        .with(CKA_LABEL, Value::Bytes(Vec::new()))
        .with(CKA_PROFILE_ID, Value::Ulong(profile))
        .with(CKA_UNIQUE_ID, Value::Bytes(format!("profile-{profile}").into_bytes()));
    for attribute in fixed {
        attributes.set(attribute, Value::Bool(false));
    }
    attributes
}

/// The object behind a built-in handle.
pub(super) fn object(handle: u64) -> Option<Arc<Object>> {
    all().get(usize::try_from((handle & !BUILT_IN).checked_sub(1)?).ok()?).cloned()
}

/// Handles and objects.
pub(super) fn objects() -> impl Iterator<Item = (u64, &'static Arc<Object>)> {
    (1..).map(|n: u64| BUILT_IN | n).zip(all())
}
