//! Message-based encryption, decryption, signing and verification (PKCS#11 v3.2 §5.9, §5.11, §5.14, §5.16).

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Reply, Result, Room, Rv};
use crate::mechanism::message::{self, Message};
use crate::mechanism::{Choice, Shape, Start};
use crate::session::{Kind, Process};

use super::Call;
use super::operations::{Usable, cannot};

impl Call<'_> {
    /// C_MessageEncryptInit, C_MessageDecryptInit, C_MessageSignInit, C_MessageVerifyInit. The mechanism's own
    /// parameter counts for signatures only: a cipher gets its parameter with each message.
    ///
    /// # Errors
    /// CKR_OPERATION_ACTIVE, CKR_MECHANISM_INVALID, and those of the key.
    pub fn begin_messages(&self, kind: Kind, choice: &Choice, key: u64) -> Result<()> {
        let mut work = self.session.work();
        let slot = work.process(kind);
        if slot.as_ref().is_some_and(|process| self.is_of_now(process.epoch)) {
            return Err(
                Rv::OperationActive.because(format!("a message process of kind {kind:?} is active already"))
            );
        }
        let row = self.row(choice.id, kind.flag())?;
        let cipher = matches!(kind, Kind::Encrypt | Kind::Decrypt);
        let begin = kind.begin(row).filter(|_| match cipher {
            true => message::serves(row.shape),
            false => message::signs(row.shape),
        });
        let begin = begin.ok_or_else(|| cannot(kind, row))?;
        let epoch = self.session.token.epoch(); // before the key: a logout after it ends the process
        let Usable { object, row } = self.usable(key, row, kind.usage())?;
        self.session.token.profile().permits(kind.flag(), &choice.params)?;
        if !cipher {
            // What is wrong with key or parameter is told here, not with the first message.
            begin(&Start {
                row,
                params: &choice.params,
                key: object.key()?,
                emulation: &self.module.emulation,
            })?;
        }
        let epoch = object.flag(CKA_PRIVATE).then_some(epoch);
        let unproven = object.flag(CKA_ALWAYS_AUTHENTICATE);
        let mut process = Process::new(kind, row, choice.params.clone(), object);
        (process.epoch, process.unproven) = (epoch, unproven);
        *slot = Some(process);
        Ok(())
    }

    /// C_MessageXxxInit with a NULL mechanism: the process ends, also in the middle of a message.
    ///
    /// # Errors
    /// None of its own.
    pub fn cancel_messages(&self, kind: Kind) -> Result<()> {
        *self.session.work().process(kind) = None;
        Ok(())
    }

    /// C_MessageEncryptFinal and its like.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED; CKR_OPERATION_ACTIVE in the middle of a message.
    pub fn end_messages(&self, kind: Kind) -> Result<()> {
        let mut work = self.session.work();
        let slot = work.process(kind);
        slot.as_ref().ok_or_else(no_process)?.between()?;
        *slot = None;
        Ok(())
    }

    /// Which parameter the messages of the active process have.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED.
    pub fn message_shape(&self, kind: Kind) -> Result<Shape> {
        self.session.work().process(kind).as_ref().map(Process::shape).ok_or_else(no_process)
    }

    /// A bad argument in the middle of a message ends it (§5.9.4 and its like).
    pub fn drop_message(&self, kind: Kind) {
        if let Some(process) = self.session.work().process(kind) {
            process.drop_message();
        }
    }

    /// C_EncryptMessage, C_DecryptMessage, C_SignMessage. What the token makes is set in the message.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, and those of [`Process::whole`].
    pub fn message(
        &self,
        kind: Kind,
        message: Option<&mut Message>,
        aad: &[u8],
        data: &[u8],
        room: Room,
    ) -> Result<Reply> {
        self.process(kind, |process| {
            let reply = process.whole(message, aad, data, room, &self.module.emulation);
            (ended(&reply), reply)
        })
    }

    /// C_EncryptMessageBegin, C_DecryptMessageBegin, C_SignMessageBegin, C_VerifyMessageBegin.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, and those of [`Process::begin`].
    pub fn begin_message(&self, kind: Kind, message: Option<&mut Message>, aad: &[u8]) -> Result<()> {
        self.process(kind, |process| (false, process.begin(message, aad, &self.module.emulation)))
    }

    /// C_EncryptMessageNext, C_DecryptMessageNext, C_SignMessageNext.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, and those of [`Process::next`].
    pub fn next_message(
        &self,
        kind: Kind,
        message: Option<&mut Message>,
        data: &[u8],
        room: Room,
        last: bool,
    ) -> Result<Reply> {
        self.process(kind, |process| {
            let reply = process.next(message, data, room, last);
            (last && ended(&reply), reply)
        })
    }

    /// C_VerifyMessage
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, and those of [`Process::verify`].
    pub fn verify_message(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.process(Kind::Verify, |process| (true, process.verify(data, signature, &self.module.emulation)))
    }

    /// C_VerifyMessageNext; the signature comes with the last part.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, and those of [`Process::verify_next`].
    pub fn verify_message_next(&self, data: &[u8], signature: Option<&[u8]>) -> Result<()> {
        self.process(Kind::Verify, |process| (signature.is_some(), process.verify_next(data, signature)))
    }

    /// Works on the active process of a kind. The work tells whether a message ended: then a key that asks for a
    /// login of its own for each use asks again.
    fn process<T>(&self, kind: Kind, work: impl FnOnce(&mut Process) -> (bool, Result<T>)) -> Result<T> {
        let mut session = self.session.work();
        let slot = session.process(kind);
        if slot.as_ref().is_some_and(|process| !self.is_of_now(process.epoch)) {
            *slot = None;
        }
        let process = slot.as_mut().ok_or_else(no_process)?;
        if process.unproven {
            return Err(Rv::UserNotLoggedIn.because(
                "the key has CKA_ALWAYS_AUTHENTICATE: C_Login with CKU_CONTEXT_SPECIFIC comes before each message",
            ));
        }
        let (ended, result) = work(process);
        process.unproven = ended && process.key().flag(CKA_ALWAYS_AUTHENTICATE);
        result
    }
}

/// Whether a message is over: it gave its answer, or an error.
fn ended(reply: &Result<Reply>) -> bool {
    matches!(reply, Ok(Reply::Data(_)) | Err(_))
}

fn no_process() -> Error {
    Rv::OperationNotInitialized
        .because("no message process of this kind is active: call its Init function first")
}
