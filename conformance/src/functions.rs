//! What a module answers to each of the 104 functions of PKCS#11 v3.2, called with nothing: served, or not.

use std::path::PathBuf;
use std::ptr::null_mut;

use cryptoki_sys::*;
use tokenkeep::cryptoki::Rv;

use super::module::{Module, Result, ok};

/// A table of the functions and what the module answers.
#[derive(clap::Args)]
pub struct Arguments {
    /// The module to judge: without it, the one that Cargo built, on a token of its own. A module that has no
    /// token gets one in its first slot.
    #[arg(long)]
    module: Option<PathBuf>,
}

/// A function, and its answer; none when the module's list has no such function.
pub struct Row {
    pub since: &'static str,
    pub function: &'static str,
    pub answer: Option<CK_RV>,
}

/// What an answer says of the function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Served,
    /// Parallel functions, which every module refuses so (§5.20).
    Legacy,
    NotSupported,
    Absent,
}

impl Row {
    fn verdict(&self) -> Verdict {
        match self.answer {
            None => Verdict::Absent,
            Some(CKR_FUNCTION_NOT_SUPPORTED) => Verdict::NotSupported,
            Some(CKR_FUNCTION_NOT_PARALLEL) => Verdict::Legacy,
            Some(_) => Verdict::Served,
        }
    }
}

/// Prints the table; true when no function is missing.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let module = Module::load(arguments.module.as_deref())?;
    ok("C_Initialize", module.initialize())?;
    let slot = module.token()?;
    let session = module.open(slot, false)?;
    let rows = answers(&module, session);
    for row in &rows {
        let answer = row.answer.map_or_else(|| "-".to_owned(), Rv::name_of);
        let word = match row.verdict() {
            Verdict::Served => "served",
            Verdict::Legacy => "legacy (§5.20)",
            Verdict::NotSupported => "NOT SUPPORTED",
            Verdict::Absent => "ABSENT",
        };
        println!("{:<28} {:<5} {word:<15} {answer}", row.function, row.since);
    }
    let count = |verdict| rows.iter().filter(|row| row.verdict() == verdict).count();
    let (served, legacy) = (count(Verdict::Served), count(Verdict::Legacy));
    println!(
        "{} functions: {served} served, {legacy} legacy, {} not",
        rows.len(),
        rows.len() - served - legacy
    );
    Ok(served + legacy == rows.len())
}

/// Calls each function of a list with those arguments.
macro_rules! table {
    ($($since:literal $list:expr => { $($function:ident($($argument:expr),*);)* })*) => {
        vec![$($(Row {
            since: $since,
            function: stringify!($function),
            // SAFETY: NULL and 0 are arguments that every function must refuse or take (§5.1.1); handles are numbers.
            answer: $list.and_then(|list| list.$function).map(|function| unsafe { function($($argument),*) }),
        },)*)*]
    };
}

/// A number that is no slot, user, object or mechanism.
const NONE: CK_ULONG = 0x7fff_fff0;

/// Nothing here logs in, tries a PIN, or changes a token; the session and the module end last.
#[rustfmt::skip]
pub fn answers(module: &Module, s: CK_SESSION_HANDLE) -> Vec<Row> {
    let (v2, v3, v3_2) = (Some(module.v2), module.v3, module.v3_2);
    let n = null_mut::<CK_BYTE>;
    let mut rows = table! {
        "2.40" v2 => {
            C_Initialize(null_mut()); C_GetInfo(null_mut()); C_GetFunctionList(null_mut());
            C_GetSlotList(0, null_mut(), null_mut()); C_GetSlotInfo(NONE, null_mut()); C_GetTokenInfo(NONE, null_mut());
            C_GetMechanismList(NONE, null_mut(), null_mut()); C_GetMechanismInfo(NONE, 0, null_mut());
            C_InitToken(NONE, n(), 0, n()); C_InitPIN(s, n(), 0); C_SetPIN(s, n(), 0, n(), 0);
            C_OpenSession(NONE, CKF_SERIAL_SESSION, null_mut(), None, null_mut());
            C_CloseSession(0); C_CloseAllSessions(NONE); C_GetSessionInfo(s, null_mut());
            C_GetOperationState(s, n(), null_mut()); C_SetOperationState(s, n(), 0, 0, 0);
            C_Login(s, NONE, n(), 0); C_Logout(s);
            C_CreateObject(s, null_mut(), 0, null_mut()); C_CopyObject(s, 0, null_mut(), 0, null_mut());
            C_DestroyObject(s, 0); C_GetObjectSize(s, 0, null_mut());
            C_GetAttributeValue(s, 0, null_mut(), 0); C_SetAttributeValue(s, 0, null_mut(), 0);
            C_FindObjectsInit(s, null_mut(), 0); C_FindObjects(s, null_mut(), 0, null_mut()); C_FindObjectsFinal(s);
            C_EncryptInit(s, null_mut(), 0); C_Encrypt(s, n(), 0, n(), null_mut());
            C_EncryptUpdate(s, n(), 0, n(), null_mut()); C_EncryptFinal(s, n(), null_mut());
            C_DecryptInit(s, null_mut(), 0); C_Decrypt(s, n(), 0, n(), null_mut());
            C_DecryptUpdate(s, n(), 0, n(), null_mut()); C_DecryptFinal(s, n(), null_mut());
            C_DigestInit(s, null_mut()); C_Digest(s, n(), 0, n(), null_mut());
            C_DigestUpdate(s, n(), 0); C_DigestKey(s, 0); C_DigestFinal(s, n(), null_mut());
            C_SignInit(s, null_mut(), 0); C_Sign(s, n(), 0, n(), null_mut());
            C_SignUpdate(s, n(), 0); C_SignFinal(s, n(), null_mut());
            C_SignRecoverInit(s, null_mut(), 0); C_SignRecover(s, n(), 0, n(), null_mut());
            C_VerifyInit(s, null_mut(), 0); C_Verify(s, n(), 0, n(), 0);
            C_VerifyUpdate(s, n(), 0); C_VerifyFinal(s, n(), 0);
            C_VerifyRecoverInit(s, null_mut(), 0); C_VerifyRecover(s, n(), 0, n(), null_mut());
            C_DigestEncryptUpdate(s, n(), 0, n(), null_mut()); C_DecryptDigestUpdate(s, n(), 0, n(), null_mut());
            C_SignEncryptUpdate(s, n(), 0, n(), null_mut()); C_DecryptVerifyUpdate(s, n(), 0, n(), null_mut());
            C_GenerateKey(s, null_mut(), null_mut(), 0, null_mut());
            C_GenerateKeyPair(s, null_mut(), null_mut(), 0, null_mut(), 0, null_mut(), null_mut());
            C_WrapKey(s, null_mut(), 0, 0, n(), null_mut());
            C_UnwrapKey(s, null_mut(), 0, n(), 0, null_mut(), 0, null_mut());
            C_DeriveKey(s, null_mut(), 0, null_mut(), 0, null_mut());
            C_SeedRandom(s, n(), 0); C_GenerateRandom(s, n(), 0);
            C_GetFunctionStatus(s); C_CancelFunction(s);
            C_WaitForSlotEvent(CKF_DONT_BLOCK, null_mut(), null_mut());
        }
        "3.0" v3 => {
            C_GetInterfaceList(null_mut(), null_mut()); C_GetInterface(n(), null_mut(), null_mut(), 0);
            C_LoginUser(s, NONE, n(), 0, n(), 0); C_SessionCancel(s, 0);
            C_MessageEncryptInit(s, null_mut(), 0);
            C_EncryptMessage(s, null_mut(), 0, n(), 0, n(), 0, n(), null_mut());
            C_EncryptMessageBegin(s, null_mut(), 0, n(), 0);
            C_EncryptMessageNext(s, null_mut(), 0, n(), 0, n(), null_mut(), 0);
            C_MessageEncryptFinal(s);
            C_MessageDecryptInit(s, null_mut(), 0);
            C_DecryptMessage(s, null_mut(), 0, n(), 0, n(), 0, n(), null_mut());
            C_DecryptMessageBegin(s, null_mut(), 0, n(), 0);
            C_DecryptMessageNext(s, null_mut(), 0, n(), 0, n(), null_mut(), 0);
            C_MessageDecryptFinal(s);
            C_MessageSignInit(s, null_mut(), 0); C_SignMessage(s, null_mut(), 0, n(), 0, n(), null_mut());
            C_SignMessageBegin(s, null_mut(), 0); C_SignMessageNext(s, null_mut(), 0, n(), 0, n(), null_mut());
            C_MessageSignFinal(s);
            C_MessageVerifyInit(s, null_mut(), 0); C_VerifyMessage(s, null_mut(), 0, n(), 0, n(), 0);
            C_VerifyMessageBegin(s, null_mut(), 0); C_VerifyMessageNext(s, null_mut(), 0, n(), 0, n(), 0);
            C_MessageVerifyFinal(s);
        }
        "3.2" v3_2 => {
            C_EncapsulateKey(s, null_mut(), 0, null_mut(), 0, n(), null_mut(), null_mut());
            C_DecapsulateKey(s, null_mut(), 0, null_mut(), 0, n(), 0, null_mut());
            C_VerifySignatureInit(s, null_mut(), 0, n(), 0); C_VerifySignature(s, n(), 0);
            C_VerifySignatureUpdate(s, n(), 0); C_VerifySignatureFinal(s);
            C_GetSessionValidationFlags(s, 0, null_mut());
            C_AsyncComplete(s, n(), null_mut()); C_AsyncGetID(s, n(), null_mut()); C_AsyncJoin(s, n(), 0, n(), 0);
            C_WrapKeyAuthenticated(s, null_mut(), 0, 0, n(), 0, n(), null_mut());
            C_UnwrapKeyAuthenticated(s, null_mut(), 0, n(), 0, null_mut(), 0, n(), 0, null_mut());
        }
    };
    rows.extend(table! { "2.40" v2 => { C_Finalize(null_mut()); } });
    rows
}
