//! The kinds of operations: what each wants of a key and of a mechanism, in one table.

use crate::cryptoki::ids::*;
use crate::mechanism::{Begin, Mechanism};

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

/// A row: the kind, the key's usage attribute, the flag of C_SessionCancel, the function in the mechanism's row.
struct Row {
    kind: Kind,
    usage: CK_ATTRIBUTE_TYPE,
    flag: CK_FLAGS,
    begin: fn(&Mechanism) -> Option<Begin>,
}

#[rustfmt::skip]
const ROWS: [Row; Kind::COUNT] = [
    Row { kind: Kind::Encrypt,       usage: CKA_ENCRYPT,        flag: CKF_ENCRYPT,        begin: |row| row.encrypt },
    Row { kind: Kind::Decrypt,       usage: CKA_DECRYPT,        flag: CKF_DECRYPT,        begin: |row| row.decrypt },
    Row { kind: Kind::Digest,        usage: CKA_CLASS,          flag: CKF_DIGEST,         begin: |_| None },
    Row { kind: Kind::Sign,          usage: CKA_SIGN,           flag: CKF_SIGN,           begin: |row| row.sign },
    Row { kind: Kind::Verify,        usage: CKA_VERIFY,         flag: CKF_VERIFY,         begin: |row| row.verify },
    Row { kind: Kind::SignRecover,   usage: CKA_SIGN_RECOVER,   flag: CKF_SIGN_RECOVER,   begin: |row| row.sign_recover },
    Row { kind: Kind::VerifyRecover, usage: CKA_VERIFY_RECOVER, flag: CKF_VERIFY_RECOVER, begin: |row| row.verify_recover },
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
    pub const COUNT: usize = 7;

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
        match self {
            Kind::Digest => Side::None,
            Kind::Encrypt | Kind::Decrypt => Side::Encryption,
            Kind::Sign | Kind::Verify | Kind::SignRecover | Kind::VerifyRecover => Side::Authentication,
        }
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
