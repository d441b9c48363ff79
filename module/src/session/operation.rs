//! The operation machine: `none → Ready → Streaming → Done(answer) → none`, once for every kind.
//!
//! A length query never runs anything. A buffer too small keeps the finished answer, so that nothing is done
//! twice. Every other end ends the operation (PKCS#11 v3.2 §5.2).

use crate::cryptoki::{Error, Reply, Result, Room, Rv, Secret};
use crate::mechanism::{Begun, Choice};

use super::Kind;
use super::saved::Saved;

/// An operation that a session has begun.
pub struct Active {
    begun: Begun,
    stage: Stage,
    origin: Origin,
    /// The signature to judge, where it came first.
    signature: Option<Vec<u8>>,
    /// The login epoch of a private key: the operation is void after a logout.
    pub epoch: Option<u64>,
    /// The key asks for a login of its own for each use (CKA_ALWAYS_AUTHENTICATE), and it has not come yet.
    pub unproven: bool,
}

/// With what an operation was begun, so that it can be begun again from a saved state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub choice: Choice,
    pub key: Option<KeyName>,
}

/// Which key an operation works with: its handle, and its CKA_UNIQUE_ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    pub handle: u64,
    pub unique: Vec<u8>,
}

enum Stage {
    Ready,
    Streaming,
    Done(Secret),
}

impl Active {
    /// An operation, ready for data.
    pub fn new(begun: Begun, origin: Origin, epoch: Option<u64>, unproven: bool) -> Active {
        Active { begun, stage: Stage::Ready, origin, signature: None, epoch, unproven }
    }

    /// The same operation with the signature that it is to judge.
    pub fn judging(self, signature: &[u8]) -> Active {
        Active { signature: Some(signature.to_vec()), ..self }
    }

    /// The operation as it is, for C_GetOperationState.
    ///
    /// # Errors
    /// CKR_STATE_UNSAVEABLE.
    pub fn save(&self, kind: Kind) -> Result<Saved> {
        let streaming = match self.stage {
            Stage::Ready => false,
            Stage::Streaming => true,
            Stage::Done(_) => return Err(unsaveable("it is finished, and its answer waits to be taken")),
        };
        if self.signature.is_some() {
            return Err(unsaveable("its signature came first"));
        }
        let Origin { choice, key } = self.origin.clone();
        let state = self.begun.save().filter(|_| choice.params.save().is_some());
        let state = state.ok_or_else(|| unsaveable("its mechanism does not tell its state"))?;
        Ok(Saved { kind, choice, key, streaming, state })
    }

    /// Goes on from a saved state of an operation that was begun in the same way.
    ///
    /// # Errors
    /// CKR_SAVED_STATE_INVALID.
    pub fn resume(&mut self, saved: &Saved) -> Result<()> {
        self.begun.load(saved.state.expose())?;
        self.stage = if saved.streaming { Stage::Streaming } else { Stage::Ready };
        Ok(())
    }
}

/// What a step leaves behind: the operation goes on, or it is over.
enum After {
    Stays(Reply),
    Ends(Reply),
}

/// Takes a step; an error ends the operation.
fn step(slot: &mut Option<Active>, work: impl FnOnce(&mut Active) -> Result<After>) -> Result<Reply> {
    let active = slot.as_mut().ok_or_else(nothing)?;
    match work(active) {
        Ok(After::Stays(reply)) => Ok(reply),
        Ok(After::Ends(reply)) => {
            *slot = None;
            Ok(reply)
        }
        Err(error) => {
            *slot = None;
            Err(error)
        }
    }
}

/// The refusal of a call on an operation that was never begun.
pub fn nothing() -> Error {
    Rv::OperationNotInitialized.because("no operation of this kind is active: call its Init function first")
}

fn unsaveable(why: &'static str) -> Error {
    Rv::StateUnsaveable.because(format!("the operation cannot be saved: {why}"))
}

fn streaming() -> Error {
    Rv::OperationActive.because("a multi-part operation is active: its Final function ends it")
}

/// All data in one call: C_Encrypt, C_Decrypt, C_Digest, C_Sign …
///
/// # Errors
/// CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_ACTIVE in the middle of a multi-part operation, and those of
/// the mechanism.
pub fn single(slot: &mut Option<Active>, data: &[u8], room: Room) -> Result<Reply> {
    step(slot, |active| {
        match (&active.stage, room) {
            (Stage::Streaming, _) => return Err(streaming()),
            (Stage::Ready, Room::Query) => {
                return Ok(After::Stays(Reply::Length(active.begun.rest(data.len()))));
            }
            (Stage::Ready, Room::Of(_)) => {
                let mut out = room_for(active.begun.rest(data.len()))?;
                let done = active.begun.update(data, &mut out).and_then(|()| active.begun.finish(&mut out));
                active.stage = Stage::Done(out.into());
                done?;
            }
            (Stage::Done(_), _) => {}
        }
        Ok(answer(active, room))
    })
}

/// As [`single`], with the answer straight to where it goes: how many bytes it has. None where the mechanism does not do
/// so, and where [`single`] has something else to say; nothing is done then.
///
/// # Errors
/// Those of the mechanism.
pub fn straight(slot: &mut Option<Active>, data: &[u8], out: &mut [u8]) -> Result<Option<usize>> {
    let fresh = slot.as_mut().filter(|active| matches!(active.stage, Stage::Ready));
    let done = fresh.and_then(|active| active.begun.straight(data, out));
    slot.take_if(|_| done.is_some());
    done.transpose()
}

/// An empty answer that will not move: an engine writes up to two blocks ahead, which it takes back.
fn room_for(len: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    out.try_reserve_exact(len.saturating_add(64)).map_err(|_| Rv::HostMemory)?;
    Ok(out)
}

/// Gives the finished answer, which stays when it does not fit.
fn answer(active: &mut Active, room: Room) -> After {
    let Stage::Done(answer) = &mut active.stage else {
        return After::Stays(Reply::Length(0)); // not reached: callers finish first
    };
    match room {
        Room::Of(size) if size >= answer.len() => {
            let answer = std::mem::take(answer);
            After::Ends(match active.begun.pointers() {
                [] => Reply::Data(answer),
                places => Reply::Pointing(answer, places),
            })
        }
        Room::Of(_) => After::Stays(Reply::TooSmall(answer.len())),
        Room::Query => After::Stays(Reply::Length(answer.len())),
    }
}

/// More data: C_EncryptUpdate, C_DigestUpdate, C_SignUpdate …
///
/// # Errors
/// As [`single`].
pub fn update(slot: &mut Option<Active>, data: &[u8], room: Room) -> Result<Reply> {
    step(slot, |active| {
        if matches!(active.stage, Stage::Done(_)) {
            return Err(streaming());
        }
        let needs = active.begun.room(data.len());
        match room {
            Room::Query => return Ok(After::Stays(Reply::Length(needs))),
            Room::Of(size) if size < needs => return Ok(After::Stays(Reply::TooSmall(needs))),
            Room::Of(_) => {}
        }
        active.stage = Stage::Streaming;
        let mut out = room_for(needs)?;
        let done = active.begun.update(data, &mut out);
        let out = Secret::from(out);
        done?;
        Ok(After::Stays(Reply::Data(out)))
    })
}

/// The end of a multi-part operation: C_EncryptFinal, C_DigestFinal, C_SignFinal …
///
/// # Errors
/// As [`single`].
pub fn finish(slot: &mut Option<Active>, room: Room) -> Result<Reply> {
    step(slot, |active| {
        if !matches!(active.stage, Stage::Done(_)) {
            if room == Room::Query {
                return Ok(After::Stays(Reply::Length(active.begun.rest(0))));
            }
            let mut out = room_for(active.begun.rest(0))?;
            let done = active.begun.finish(&mut out);
            active.stage = Stage::Done(out.into());
            done?;
        }
        Ok(answer(active, room))
    })
}

/// C_Verify (with data) and C_VerifyFinal (without): the operation ends, whatever comes out.
///
/// # Errors
/// CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE, and as [`single`].
pub fn verify(slot: &mut Option<Active>, data: Option<&[u8]>, signature: &[u8]) -> Result<()> {
    let mut active = slot.take().ok_or_else(nothing)?;
    if let Some(data) = data {
        if matches!(active.stage, Stage::Streaming) {
            return Err(streaming());
        }
        active.begun.update(data, &mut Vec::new())?;
    }
    active.begun.verify(signature)
}

/// C_VerifySignature (with data) and C_VerifySignatureFinal (without): the signature came with Init.
///
/// # Errors
/// As [`verify`].
pub fn verify_given(slot: &mut Option<Active>, data: Option<&[u8]>) -> Result<()> {
    let signature = slot.as_mut().and_then(|active| active.signature.take()).unwrap_or_default();
    verify(slot, data, &signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::Operation;

    /// Doubles each byte, and ends with a full stop.
    struct Echo;

    impl Operation for Echo {
        fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
            if data.contains(&b'!') {
                return Err(Rv::DataInvalid.into());
            }
            out.extend(data.iter().flat_map(|byte| [*byte, *byte]));
            Ok(())
        }

        fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
            out.push(b'.');
            Ok(())
        }

        fn room(&self, more: usize) -> usize {
            2 * more
        }

        fn rest(&self, more: usize) -> usize {
            2 * more + 1
        }
    }

    fn begun() -> Option<Active> {
        let choice = Choice { id: 0, params: crate::mechanism::Params::None };
        Some(Active::new(Box::new(Echo), Origin { choice, key: None }, None, false))
    }

    fn data(text: &str) -> Result<Reply> {
        Ok(Reply::Data(text.as_bytes().into()))
    }

    #[test]
    fn a_query_and_a_small_buffer_leave_the_operation_alive() {
        let mut slot = begun();
        assert_eq!(single(&mut slot, b"ab", Room::Query), Ok(Reply::Length(5)));
        assert_eq!(single(&mut slot, b"ab", Room::Of(4)), Ok(Reply::TooSmall(5)));
        assert_eq!(single(&mut slot, b"ab", Room::Of(5)), data("aabb."));
        assert_eq!(single(&mut slot, b"ab", Room::Of(5)).unwrap_err().rv(), Rv::OperationNotInitialized);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let mut slot = begun();
        assert_eq!(update(&mut slot, b"a", Room::Query), Ok(Reply::Length(2)));
        assert_eq!(update(&mut slot, b"a", Room::Of(1)), Ok(Reply::TooSmall(2)));
        assert_eq!(update(&mut slot, b"a", Room::Of(2)), data("aa"));
        assert_eq!(finish(&mut slot, Room::Query), Ok(Reply::Length(1)));
        assert_eq!(finish(&mut slot, Room::Of(0)), Ok(Reply::TooSmall(1)));
        assert_eq!(finish(&mut slot, Room::Of(9)), data("."));
        assert!(slot.is_none());
    }

    #[test]
    fn an_error_ends_the_operation() {
        let mut slot = begun();
        assert!(update(&mut slot, b"!", Room::Of(9)).is_err());
        assert_eq!(finish(&mut slot, Room::Of(9)).unwrap_err().rv(), Rv::OperationNotInitialized);
    }

    #[test]
    fn a_whole_in_the_middle_of_parts_is_refused() {
        let mut slot = begun();
        update(&mut slot, b"a", Room::Of(2)).unwrap();
        assert_eq!(single(&mut slot, b"b", Room::Of(9)).unwrap_err().rv(), Rv::OperationActive);
    }
}
