//! Every function of the standard once, with NULL and 0 for every argument: for laws that hold for all.

use std::ptr::null_mut;

use crate::{Rv, ids::*};

macro_rules! calls {
    ($list:expr, $($function:ident($($argument:expr),*),)*) => {
        vec![$((stringify!($function), raw!($list, $function($($argument),*)))),*]
    };
}

/// Functions of version 2.40 that take no session, but for C_Initialize and C_GetFunctionList.
pub fn general(c: &CK_FUNCTION_LIST) -> Vec<(&'static str, Rv)> {
    calls![
        c,
        C_Finalize(null_mut()),
        C_GetInfo(null_mut()),
        C_GetSlotList(CK_FALSE, null_mut(), null_mut()),
        C_GetSlotInfo(0, null_mut()),
        C_GetTokenInfo(0, null_mut()),
        C_GetMechanismList(0, null_mut(), null_mut()),
        C_GetMechanismInfo(0, 0, null_mut()),
        C_InitToken(0, null_mut(), 0, null_mut()),
        C_OpenSession(0, 0, null_mut(), None, null_mut()),
        C_CloseAllSessions(0),
        C_WaitForSlotEvent(0, null_mut(), null_mut()),
    ]
}

/// Functions of version 2.40 that take a session.
pub fn of_session(c: &CK_FUNCTION_LIST, session: CK_SESSION_HANDLE) -> Vec<(&'static str, Rv)> {
    calls![
        c,
        C_InitPIN(session, null_mut(), 0),
        C_SetPIN(session, null_mut(), 0, null_mut(), 0),
        C_CloseSession(session),
        C_GetSessionInfo(session, null_mut()),
        C_GetOperationState(session, null_mut(), null_mut()),
        C_SetOperationState(session, null_mut(), 0, 0, 0),
        C_Login(session, 0, null_mut(), 0),
        C_Logout(session),
        C_CreateObject(session, null_mut(), 0, null_mut()),
        C_CopyObject(session, 0, null_mut(), 0, null_mut()),
        C_DestroyObject(session, 0),
        C_GetObjectSize(session, 0, null_mut()),
        C_GetAttributeValue(session, 0, null_mut(), 0),
        C_SetAttributeValue(session, 0, null_mut(), 0),
        C_FindObjectsInit(session, null_mut(), 0),
        C_FindObjects(session, null_mut(), 0, null_mut()),
        C_FindObjectsFinal(session),
        C_EncryptInit(session, null_mut(), 0),
        C_Encrypt(session, null_mut(), 0, null_mut(), null_mut()),
        C_EncryptUpdate(session, null_mut(), 0, null_mut(), null_mut()),
        C_EncryptFinal(session, null_mut(), null_mut()),
        C_DecryptInit(session, null_mut(), 0),
        C_Decrypt(session, null_mut(), 0, null_mut(), null_mut()),
        C_DecryptUpdate(session, null_mut(), 0, null_mut(), null_mut()),
        C_DecryptFinal(session, null_mut(), null_mut()),
        C_DigestInit(session, null_mut()),
        C_Digest(session, null_mut(), 0, null_mut(), null_mut()),
        C_DigestUpdate(session, null_mut(), 0),
        C_DigestKey(session, 0),
        C_DigestFinal(session, null_mut(), null_mut()),
        C_SignInit(session, null_mut(), 0),
        C_Sign(session, null_mut(), 0, null_mut(), null_mut()),
        C_SignUpdate(session, null_mut(), 0),
        C_SignFinal(session, null_mut(), null_mut()),
        C_SignRecoverInit(session, null_mut(), 0),
        C_SignRecover(session, null_mut(), 0, null_mut(), null_mut()),
        C_VerifyInit(session, null_mut(), 0),
        C_Verify(session, null_mut(), 0, null_mut(), 0),
        C_VerifyUpdate(session, null_mut(), 0),
        C_VerifyFinal(session, null_mut(), 0),
        C_VerifyRecoverInit(session, null_mut(), 0),
        C_VerifyRecover(session, null_mut(), 0, null_mut(), null_mut()),
        C_DigestEncryptUpdate(session, null_mut(), 0, null_mut(), null_mut()),
        C_DecryptDigestUpdate(session, null_mut(), 0, null_mut(), null_mut()),
        C_SignEncryptUpdate(session, null_mut(), 0, null_mut(), null_mut()),
        C_DecryptVerifyUpdate(session, null_mut(), 0, null_mut(), null_mut()),
        C_GenerateKey(session, null_mut(), null_mut(), 0, null_mut()),
        C_GenerateKeyPair(session, null_mut(), null_mut(), 0, null_mut(), 0, null_mut(), null_mut()),
        C_WrapKey(session, null_mut(), 0, 0, null_mut(), null_mut()),
        C_UnwrapKey(session, null_mut(), 0, null_mut(), 0, null_mut(), 0, null_mut()),
        C_DeriveKey(session, null_mut(), 0, null_mut(), 0, null_mut()),
        C_SeedRandom(session, null_mut(), 0),
        C_GenerateRandom(session, null_mut(), 0),
        C_GetFunctionStatus(session),
        C_CancelFunction(session),
    ]
}

/// Functions that came with versions 3.0 and 3.2; all take a session.
pub fn of_session_3(c: &CK_FUNCTION_LIST_3_2, session: CK_SESSION_HANDLE) -> Vec<(&'static str, Rv)> {
    calls![
        c,
        C_LoginUser(session, 0, null_mut(), 0, null_mut(), 0),
        C_SessionCancel(session, 0),
        C_MessageEncryptInit(session, null_mut(), 0),
        C_EncryptMessage(session, null_mut(), 0, null_mut(), 0, null_mut(), 0, null_mut(), null_mut()),
        C_EncryptMessageBegin(session, null_mut(), 0, null_mut(), 0),
        C_EncryptMessageNext(session, null_mut(), 0, null_mut(), 0, null_mut(), null_mut(), 0),
        C_MessageEncryptFinal(session),
        C_MessageDecryptInit(session, null_mut(), 0),
        C_DecryptMessage(session, null_mut(), 0, null_mut(), 0, null_mut(), 0, null_mut(), null_mut()),
        C_DecryptMessageBegin(session, null_mut(), 0, null_mut(), 0),
        C_DecryptMessageNext(session, null_mut(), 0, null_mut(), 0, null_mut(), null_mut(), 0),
        C_MessageDecryptFinal(session),
        C_MessageSignInit(session, null_mut(), 0),
        C_SignMessage(session, null_mut(), 0, null_mut(), 0, null_mut(), null_mut()),
        C_SignMessageBegin(session, null_mut(), 0),
        C_SignMessageNext(session, null_mut(), 0, null_mut(), 0, null_mut(), null_mut()),
        C_MessageSignFinal(session),
        C_MessageVerifyInit(session, null_mut(), 0),
        C_VerifyMessage(session, null_mut(), 0, null_mut(), 0, null_mut(), 0),
        C_VerifyMessageBegin(session, null_mut(), 0),
        C_VerifyMessageNext(session, null_mut(), 0, null_mut(), 0, null_mut(), 0),
        C_MessageVerifyFinal(session),
        C_EncapsulateKey(session, null_mut(), 0, null_mut(), 0, null_mut(), null_mut(), null_mut()),
        C_DecapsulateKey(session, null_mut(), 0, null_mut(), 0, null_mut(), 0, null_mut()),
        C_VerifySignatureInit(session, null_mut(), 0, null_mut(), 0),
        C_VerifySignature(session, null_mut(), 0),
        C_VerifySignatureUpdate(session, null_mut(), 0),
        C_VerifySignatureFinal(session),
        C_GetSessionValidationFlags(session, 0, null_mut()),
        C_AsyncComplete(session, null_mut(), null_mut()),
        C_AsyncGetID(session, null_mut(), null_mut()),
        C_AsyncJoin(session, null_mut(), 0, null_mut(), 0),
        C_WrapKeyAuthenticated(session, null_mut(), 0, 0, null_mut(), 0, null_mut(), null_mut()),
        C_UnwrapKeyAuthenticated(
            session,
            null_mut(),
            0,
            null_mut(),
            0,
            null_mut(),
            0,
            null_mut(),
            0,
            null_mut()
        ),
    ]
}

/// The names of the functions that answered anything else.
pub fn others(answers: Vec<(&'static str, Rv)>, expected: Rv) -> Vec<(&'static str, Rv)> {
    answers.into_iter().filter(|(_, rv)| *rv != expected).collect()
}
