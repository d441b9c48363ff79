//! What is inside a certificate.

use crate::crypto::{certificate, hash::Hash};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, names};

use super::computed;
use crate::object::attributes::{Attributes, Value};

fn fill(attributes: &mut Attributes, attribute: CK_ATTRIBUTE_TYPE, value: Vec<u8>) {
    if attributes.bytes(attribute).is_none() {
        attributes.set(attribute, Value::Bytes(value));
    }
}

/// Checks a certificate, fills in what it says itself, and computes what follows from it.
///
/// # Errors
/// CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_VALUE_INVALID.
pub(super) fn settle(attributes: &mut Attributes, kind: CK_CERTIFICATE_TYPE) -> Result<()> {
    linked(attributes)?;
    let Some(value) = attributes.bytes(CKA_VALUE).map(<[u8]>::to_vec) else { return Ok(()) };
    if kind == CKC_X_509 {
        let x509 = certificate::check_x509(&value)?;
        fill(attributes, CKA_SUBJECT, x509.subject);
        fill(attributes, CKA_ISSUER, x509.issuer);
        fill(attributes, CKA_SERIAL_NUMBER, x509.serial);
        computed(attributes, CKA_PUBLIC_KEY_INFO, Value::Bytes(x509.spki))?;
    }
    let check = Hash::Sha1.digest(&value)[..3].to_vec();
    computed(attributes, CKA_CHECK_VALUE, Value::Bytes(check))
}

/// A certificate is there, or a URL to find it by, with the hashes to know it again (§4.6.3, footnotes 2 to 4).
fn linked(attributes: &Attributes) -> Result<()> {
    let has = |attribute| attributes.bytes(attribute).is_some();
    if !has(CKA_VALUE) && !has(CKA_URL) {
        return Err(Rv::TemplateIncomplete
            .because("CKA_VALUE is missing: a certificate needs CKA_VALUE or CKA_URL (§4.6.3)"));
    }
    let hashes = [CKA_HASH_OF_SUBJECT_PUBLIC_KEY, CKA_HASH_OF_ISSUER_PUBLIC_KEY];
    match hashes.into_iter().find(|hash| has(CKA_URL) && !has(*hash)) {
        None => Ok(()),
        Some(hash) => Err(Rv::TemplateIncomplete
            .because(format!("{} is missing: it goes with CKA_URL (§4.6.3)", names::attribute(hash)))),
    }
}
