//! A message process: many messages under one mechanism and key, each whole or in parts (PKCS#11 v3.2 §5.9, §5.11,
//! §5.14, §5.16).
//!
//! `none → Open ⇄ in a message → none`. An error ends the message, never the process; a length query and a buffer
//! too small end nothing and run nothing.

use std::sync::Arc;

use crate::cryptoki::{Error, Reply, Result, Room, Rv, Secret};
use crate::emulation::Emulation;
use crate::mechanism::message::{self, Generator, Message};
use crate::mechanism::{Begun, Mechanism, Params, Shape, Start};
use crate::object::Object;

use super::Kind;

/// What a session has begun by C_MessageEncryptInit and its like.
pub struct Process {
    kind: Kind,
    row: &'static Mechanism,
    /// Of a signature; a cipher gets its parameter with each message.
    params: Params,
    key: Arc<Object>,
    /// The login epoch of a private key: the process is void after a logout.
    pub epoch: Option<u64>,
    /// The key asks for a login of its own for each message, and it has not come yet.
    pub unproven: bool,
    generator: Generator,
    part: Option<Part>,
}

/// A message in the middle.
struct Part {
    begun: Begun,
    /// Bytes of its tag, as told at its beginning.
    tag: usize,
}

impl Process {
    /// A process without a message yet.
    pub fn new(kind: Kind, row: &'static Mechanism, params: Params, key: Arc<Object>) -> Process {
        let generator = Generator::default();
        Process { kind, row, params, key, epoch: None, unproven: false, generator, part: None }
    }

    /// The shape of the mechanism's parameter, from which that of each message follows.
    pub fn shape(&self) -> Shape {
        self.row.shape
    }

    /// The key that it works with.
    pub fn key(&self) -> &Object {
        &self.key
    }

    /// Ends the message, if one is in the middle.
    pub fn drop_message(&mut self) {
        self.part = None;
    }

    /// Refuses what comes between messages only.
    ///
    /// # Errors
    /// CKR_OPERATION_ACTIVE.
    pub fn between(&self) -> Result<()> {
        match self.part {
            None => Ok(()),
            Some(_) => Err(Rv::OperationActive.because("a message is in the middle: its last part ends it")),
        }
    }

    /// C_EncryptMessage, C_DecryptMessage, C_SignMessage: a message in one call.
    ///
    /// # Errors
    /// CKR_OPERATION_ACTIVE in the middle of a message, and those of [`Process::begin`] and [`Process::next`].
    pub fn whole(
        &mut self,
        mut message: Option<&mut Message>,
        aad: &[u8],
        data: &[u8],
        room: Room,
        emulation: &Emulation,
    ) -> Result<Reply> {
        self.between()?;
        // What leaves is as long as what comes; the tag stands apart. A signature tells its own length.
        if self.kind != Kind::Sign
            && let Some(short) = short(data.len(), room)
        {
            return Ok(short);
        }
        self.begin(message.as_deref_mut(), aad, emulation)?;
        let reply = self.next(message, data, room, true);
        self.part = None;
        reply
    }

    /// C_EncryptMessageBegin and its like. The IV that the token generates is set in the message.
    ///
    /// # Errors
    /// CKR_OPERATION_ACTIVE, CKR_MECHANISM_PARAM_INVALID, those of the IV's generator.
    pub fn begin(
        &mut self,
        mut message: Option<&mut Message>,
        aad: &[u8],
        emulation: &Emulation,
    ) -> Result<()> {
        self.between()?;
        let params = match message.as_deref_mut() {
            None => self.params.clone(),
            Some(message) => {
                if self.kind == Kind::Encrypt {
                    self.generator.next(message, &mut |bytes| emulation.fill(bytes))?;
                }
                message::params(self.row.shape, message, aad)?
            }
        };
        let begin = self.kind.begin(self.row).ok_or(Rv::MechanismInvalid)?;
        let begun = begin(&Start { row: self.row, params: &params, key: self.key.key()?, emulation })?;
        self.part = Some(Part { begun, tag: message.map_or(0, |message| message.tag.len()) });
        Ok(())
    }

    /// C_EncryptMessageNext and its like; with the last part the tag is set, or checked.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, CKR_AEAD_DECRYPT_FAILED, and those of the mechanism.
    pub fn next(
        &mut self,
        message: Option<&mut Message>,
        data: &[u8],
        room: Room,
        last: bool,
    ) -> Result<Reply> {
        let kind = self.kind;
        let part = self.part.as_mut().ok_or_else(no_message)?;
        let reply = part.step(kind, message, data, room, last);
        if reply.is_err() || last && matches!(reply, Ok(Reply::Data(_))) {
            self.part = None;
        }
        reply
    }

    /// C_VerifyMessage: judges a message's signature.
    ///
    /// # Errors
    /// CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE, and as [`Process::begin`].
    pub fn verify(&mut self, data: &[u8], signature: &[u8], emulation: &Emulation) -> Result<()> {
        self.begin(None, &[], emulation)?;
        self.verify_next(data, Some(signature))
    }

    /// C_VerifyMessageNext: with the last part comes the signature.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED, and as [`Process::verify`].
    pub fn verify_next(&mut self, data: &[u8], signature: Option<&[u8]>) -> Result<()> {
        let mut part = self.part.take().ok_or_else(no_message)?;
        part.begun.update(data, &mut Vec::new())?;
        match signature {
            Some(signature) => part.begun.verify(signature),
            None => {
                self.part = Some(part);
                Ok(())
            }
        }
    }
}

impl Part {
    fn step(
        &mut self,
        kind: Kind,
        message: Option<&mut Message>,
        data: &[u8],
        room: Room,
        last: bool,
    ) -> Result<Reply> {
        let needs = self.needs(kind, data.len(), last);
        if let Some(short) = short(needs, room) {
            return Ok(short);
        }
        let mut out = Vec::with_capacity(needs + self.tag);
        let done = match last {
            false => self.begun.update(data, &mut out),
            true => self.end(kind, message, data, &mut out),
        };
        let out = Secret::from(out);
        done.map(|()| Reply::Data(out))
    }

    /// How many bytes come out.
    fn needs(&self, kind: Kind, len: usize, last: bool) -> usize {
        match (kind, last) {
            (Kind::Encrypt, true) => self.begun.rest(len).saturating_sub(self.tag),
            (Kind::Decrypt, true) => self.begun.rest(len.saturating_add(self.tag)),
            (_, true) => self.begun.rest(len),
            (_, false) => self.begun.room(len),
        }
    }

    /// The last part: mechanisms put the tag behind the ciphertext, messages have it apart.
    fn end(
        &mut self,
        kind: Kind,
        message: Option<&mut Message>,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(message) = message else {
            self.begun.update(data, out)?;
            return self.begun.finish(out);
        };
        if message.tag.len() != self.tag {
            return Err(Rv::MechanismParamInvalid.because("the tag has another length than at the beginning"));
        }
        self.begun.update(data, out)?;
        if kind == Kind::Encrypt {
            self.begun.finish(out)?;
            message.tag = out.split_off(out.len().saturating_sub(self.tag));
            return Ok(());
        }
        let done = self.begun.update(&message.tag, out).and_then(|()| self.begun.finish(out));
        done.map_err(|error| match error.rv() {
            Rv::EncryptedDataInvalid => Rv::AeadDecryptFailed.because(error.why().to_owned()),
            _ => error,
        })
    }
}

/// The answer to who only asks for the length, or offers too little.
fn short(needs: usize, room: Room) -> Option<Reply> {
    match room {
        Room::Query => Some(Reply::Length(needs)),
        Room::Of(size) if size < needs => Some(Reply::TooSmall(needs)),
        Room::Of(_) => None,
    }
}

fn no_message() -> Error {
    Rv::OperationNotInitialized.because("no message is in the middle: call its Begin function first")
}
