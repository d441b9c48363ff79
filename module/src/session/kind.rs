//! The kinds of operations: what each wants of a key and of a mechanism, in one table.

use crate::cryptoki::ids::*;
use crate::mechanism::{Begin, Mechanism};

use Kind::{Decrypt, Digest, Encrypt, Sign, SignRecover, Verify, VerifyRecover, VerifySignature};

/// A kind of operation that a session can have begun, one at a time of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
    Verify,
    SignRecover,
    VerifyRecover,
    /// C_VerifySignatureInit and its like: the signature comes first.
    VerifySignature,
}

/// Which of C_SetOperationState's two keys is an operation's (§5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It has no key.
    None,
    /// hEncryptionKey
    Encryption,
    /// hAuthenticationKey
    Authentication,
}

/// A row: the kind, the key's usage attribute, the flags by which C_SessionCancel names the operation and the
/// message process, the function in the mechanism's row, and the key of C_SetOperationState.
struct Row {
    kind: Kind,
    usage: CK_ATTRIBUTE_TYPE,
    flag: CK_FLAGS,
    message: CK_FLAGS,
    begin: fn(&Mechanism) -> Option<Begin>,
    side: Side,
}

const fn row(
    kind: Kind,
    usage: CK_ATTRIBUTE_TYPE,
    flag: CK_FLAGS,
    message: CK_FLAGS,
    begin: fn(&Mechanism) -> Option<Begin>,
    side: Side,
) -> Row {
    Row { kind, usage, flag, message, begin, side }
}

#[rustfmt::skip]
const ROWS: [Row; Kind::COUNT] = [
    row(Encrypt,         CKA_ENCRYPT,        CKF_ENCRYPT,        CKF_MESSAGE_ENCRYPT, |row| row.encrypt,        Side::Encryption),
    row(Decrypt,         CKA_DECRYPT,        CKF_DECRYPT,        CKF_MESSAGE_DECRYPT, |row| row.decrypt,        Side::Encryption),
    row(Digest,          CKA_CLASS,          CKF_DIGEST,         0,                   |_| None,                 Side::None),
    row(Sign,            CKA_SIGN,           CKF_SIGN,           CKF_MESSAGE_SIGN,    |row| row.sign,           Side::Authentication),
    row(Verify,          CKA_VERIFY,         CKF_VERIFY,         CKF_MESSAGE_VERIFY,  |row| row.verify,         Side::Authentication),
    row(SignRecover,     CKA_SIGN_RECOVER,   CKF_SIGN_RECOVER,   0,                   |row| row.sign_recover,   Side::Authentication),
    row(VerifyRecover,   CKA_VERIFY_RECOVER, CKF_VERIFY_RECOVER, 0,                   |row| row.verify_recover, Side::Authentication),
    row(VerifySignature, CKA_VERIFY,         CKF_VERIFY,         0,                   |row| row.verify,         Side::Authentication),
];

// The table stands in the order of the kinds.
const _: () = {
    let mut at = 0;
    while at < ROWS.len() {
        assert!(ROWS[at].kind as usize == at);
        at += 1;
    }
};

impl Kind {
    /// How many kinds there are.
    pub const COUNT: usize = 8;

    /// All kinds.
    pub fn all() -> impl Iterator<Item = Kind> {
        ROWS.iter().map(|row| row.kind)
    }

    /// The attribute that must be true in a key for this kind of work.
    pub fn usage(self) -> CK_ATTRIBUTE_TYPE {
        ROWS[self as usize].usage
    }

    /// The flag by which C_SessionCancel names the kind (§5.6.12).
    pub fn flag(self) -> CK_FLAGS {
        ROWS[self as usize].flag
    }

    /// Which key of C_SetOperationState is this kind's.
    pub fn side(self) -> Side {
        ROWS[self as usize].side
    }

    /// The flag by which C_SessionCancel names the kind's message process; 0 when it has none.
    pub fn message_flag(self) -> CK_FLAGS {
        ROWS[self as usize].message
    }

    /// The kind of that number, in the order of the table.
    pub fn of(number: u8) -> Option<Kind> {
        ROWS.get(usize::from(number)).map(|row| row.kind)
    }

    /// How a mechanism begins this kind of work, if it does.
    pub fn begin(self, row: &Mechanism) -> Option<Begin> {
        (ROWS[self as usize].begin)(row)
    }
}
