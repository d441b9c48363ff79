//! What C_GetOperationState saves of a session's operations, as the bytes that are sealed.
//!
//! `version 1 | (kind u8 | streaming u8 | mechanism u64 | params | handle u64 | unique id | state)*`, big-endian;
//! what has no fixed length has it before it, as u32.

use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::mechanism::{Choice, Params};

use super::{KeyName, Kind};

const VERSION: u8 = 1;

/// An operation between two calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub kind: Kind,
    pub choice: Choice,
    pub key: Option<KeyName>,
    /// Whether a part of the data was taken in.
    pub streaming: bool,
    pub state: Secret,
}

/// The operations as bytes. They hold what was to be encrypted or signed: seal them.
pub fn encode(operations: &[Saved]) -> Secret {
    let room: usize = operations.iter().map(|saved| 256 + saved.state.len()).sum();
    let mut out = Vec::with_capacity(room + 1);
    out.push(VERSION);
    for saved in operations {
        let key = saved.key.as_ref();
        out.extend([saved.kind as u8, saved.streaming.into()]);
        out.extend(saved.choice.id.to_be_bytes());
        put(&mut out, &saved.choice.params.save().unwrap_or_default());
        out.extend(key.map_or(0, |key| key.handle).to_be_bytes());
        put(&mut out, key.map_or(&[][..], |key| &key.unique));
        put(&mut out, saved.state.expose());
    }
    out.into()
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The operations again.
///
/// # Errors
/// CKR_SAVED_STATE_INVALID for bytes that [`encode`] does not write.
pub fn decode(bytes: &[u8]) -> Result<Vec<Saved>> {
    let mut rest = bytes;
    if take::<1>(&mut rest)? != [VERSION] {
        return Err(damaged());
    }
    let mut operations = Vec::new();
    while !rest.is_empty() {
        operations.push(one(&mut rest)?);
    }
    Ok(operations)
}

fn one(rest: &mut &[u8]) -> Result<Saved> {
    let [kind, streaming] = take::<2>(rest)?;
    let id = u64::from_be_bytes(take::<8>(rest)?);
    let params = Params::load(bytes(rest)?).ok_or_else(damaged)?;
    let handle = u64::from_be_bytes(take::<8>(rest)?);
    let unique = bytes(rest)?.to_vec();
    Ok(Saved {
        kind: Kind::of(kind).ok_or_else(damaged)?,
        choice: Choice { id, params },
        key: (handle != 0).then_some(KeyName { handle, unique }),
        streaming: streaming != 0,
        state: bytes(rest)?.into(),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or_else(damaged)?;
    *rest = tail;
    Ok(*head)
}

fn bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8]> {
    let len = u32::from_be_bytes(take::<4>(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(len).ok_or_else(damaged)?;
    *rest = tail;
    Ok(head)
}

fn damaged() -> Error {
    Rv::SavedStateInvalid.because("the saved state is of another Tokenkeep")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cryptoki::ids::*;

    fn sample() -> Vec<Saved> {
        let digest = Choice { id: CKM_SHA256, params: Params::None };
        let pss = Params::Pss { hash: CKM_SHA384, mgf: CKG_MGF1_SHA384, salt: 48 };
        let mac = Choice { id: CKM_SHA256_HMAC_GENERAL, params: Params::MacGeneral(8) };
        let key = || Some(KeyName { handle: 7 << 40 | 3, unique: b"unique".to_vec() });
        let saved = |kind, choice, key, streaming, state: &[u8]| Saved {
            kind,
            choice,
            key,
            streaming,
            state: state.into(),
        };
        vec![
            saved(Kind::Digest, digest, None, true, b"state"),
            saved(Kind::Sign, Choice { id: CKM_SHA384_RSA_PKCS_PSS, params: pss }, key(), true, b""),
            saved(Kind::Verify, mac, key(), false, &[9; 70_000]),
        ]
    }

    #[test]
    fn what_is_saved_is_read() {
        assert_eq!(decode(encode(&sample()).expose()), Ok(sample()));
        assert_eq!(decode(encode(&[]).expose()), Ok(vec![]));
    }

    #[test]
    fn nonsense_is_refused_and_never_panics() {
        let whole = encode(&sample()[..2]);
        for len in 0..whole.len() {
            let cut = decode(&whole.expose()[..len]);
            assert!(cut.is_err() || cut.is_ok_and(|saved| saved.len() < 2));
            let mut flipped = whole.expose().to_vec();
            flipped[len] ^= 0xff;
            let _ = decode(&flipped);
        }
    }
}
