//! What the cases find on the token: put there by the same interface, and taken away afterwards.

use std::ptr::null_mut;

use cryptoki_sys::*;
use tests::keys;

use super::super::module::{Module, Result, call, len, ok};

/// What a case needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// The RSA pair `testrsa-pub` and `testrsa-pri`.
    Pair,
    /// Five public objects with a label and a value.
    Certificates,
}

/// The labels of the case's keys.
pub const PUBLIC: &str = "testrsa-pub";
pub const PRIVATE: &str = "testrsa-pri";
/// What is made here has this label, or one of those.
pub const CERTIFICATE: &str = "conformance certificate";

/// An attribute to give.
pub fn attribute(kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE { type_: kind, pValue: value.as_ptr().cast_mut().cast(), ulValueLen: len(value) }
}

const YES: &[u8] = &[CK_TRUE];
const NO: &[u8] = &[CK_FALSE];

/// Makes the token if there is none, and on it what is needed; answers what was made.
pub fn make(module: &Module, needs: Needs, pin: &str) -> Result<Vec<CK_OBJECT_HANDLE>> {
    let slot = module.token()?;
    if needs == Needs::Nothing {
        return Ok(Vec::new());
    }
    let session = login(module, slot, pin)?;
    match needs {
        Needs::Nothing => Ok(Vec::new()),
        Needs::Pair => pair(module, session),
        Needs::Certificates => (0..5).map(|number| certificate(module, session, number)).collect(),
    }
}

/// Destroys what was made.
pub fn clear(module: &Module, pin: &str) -> Result<()> {
    let slot = module.token()?;
    let session = login(module, slot, pin)?;
    for label in [PUBLIC, PRIVATE, CERTIFICATE] {
        for object in find(module, session, &[attribute(CKA_LABEL, label.as_bytes())], 16)? {
            ok("C_DestroyObject", call!(module.v2, C_DestroyObject(session, object)))?;
        }
    }
    Ok(())
}

pub fn finalize(module: &Module) -> Result<()> {
    ok("C_Finalize", call!(module.v2, C_Finalize(null_mut())))
}

fn login(module: &Module, slot: CK_SLOT_ID, pin: &str) -> Result<CK_SESSION_HANDLE> {
    let session = module.open(slot, true)?;
    let pin = pin.as_bytes();
    let rv = call!(module.v2, C_Login(session, CKU_USER, pin.as_ptr().cast_mut(), len(pin)));
    ok("C_Login (give --pin)", rv).map(|()| session)
}

/// C_FindObjectsInit, C_FindObjects for so many, C_FindObjectsFinal.
pub fn find(
    module: &Module,
    session: CK_SESSION_HANDLE,
    template: &[CK_ATTRIBUTE],
    most: usize,
) -> Result<Vec<CK_OBJECT_HANDLE>> {
    let (pointer, mut found, mut count) = (template.as_ptr().cast_mut(), vec![0; most], 0);
    ok("C_FindObjectsInit", call!(module.v2, C_FindObjectsInit(session, pointer, len(template))))?;
    let rv = call!(module.v2, C_FindObjects(session, found.as_mut_ptr(), most as CK_ULONG, &raw mut count));
    ok("C_FindObjects", rv)?;
    ok("C_FindObjectsFinal", call!(module.v2, C_FindObjectsFinal(session)))?;
    found.truncate(count as usize);
    Ok(found)
}

fn pair(module: &Module, session: CK_SESSION_HANDLE) -> Result<Vec<CK_OBJECT_HANDLE>> {
    let bits = (2048 as CK_ULONG).to_ne_bytes();
    let mut public = [
        attribute(CKA_LABEL, PUBLIC.as_bytes()),
        attribute(CKA_TOKEN, YES),
        attribute(CKA_VERIFY, YES),
        attribute(CKA_MODULUS_BITS, &bits),
        attribute(CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
    ];
    let mut private = [
        attribute(CKA_LABEL, PRIVATE.as_bytes()),
        attribute(CKA_TOKEN, YES),
        attribute(CKA_PRIVATE, YES),
        attribute(CKA_SIGN, YES),
    ];
    let mut mechanism =
        CK_MECHANISM { mechanism: CKM_RSA_PKCS_KEY_PAIR_GEN, pParameter: null_mut(), ulParameterLen: 0 };
    let (mut first, mut second) = (0, 0);
    let rv = call!(
        module.v2,
        C_GenerateKeyPair(
            session,
            &raw mut mechanism,
            public.as_mut_ptr(),
            len(&public),
            private.as_mut_ptr(),
            len(&private),
            &raw mut first,
            &raw mut second,
        )
    );
    ok("C_GenerateKeyPair", rv).map(|()| vec![first, second])
}

fn certificate(module: &Module, session: CK_SESSION_HANDLE, number: u8) -> Result<CK_OBJECT_HANDLE> {
    let class = CKO_CERTIFICATE.to_ne_bytes();
    let kind = CKC_X_509.to_ne_bytes();
    let value = keys::hex(keys::CERTIFICATE);
    let name = keys::hex(keys::NAME);
    let id = [number];
    let mut template = [
        attribute(CKA_CLASS, &class),
        attribute(CKA_CERTIFICATE_TYPE, &kind),
        attribute(CKA_TOKEN, YES),
        attribute(CKA_PRIVATE, NO),
        attribute(CKA_LABEL, CERTIFICATE.as_bytes()),
        attribute(CKA_ID, &id),
        attribute(CKA_SUBJECT, &name),
        attribute(CKA_VALUE, &value),
    ];
    let mut object = 0;
    let rv =
        call!(module.v2, C_CreateObject(session, template.as_mut_ptr(), len(&template), &raw mut object));
    ok("C_CreateObject of a certificate", rv).map(|()| object)
}
