//! The length protocol of functions with output (PKCS#11 v3.2 §5.2), as types.

use super::Secret;

/// What the caller offers for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// A NULL buffer: only the length is asked.
    Query,
    /// A buffer of so many bytes.
    Of(usize),
}

/// What the caller gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The length that was asked for; nothing ran.
    Length(usize),
    /// The buffer is too small: CKR_BUFFER_TOO_SMALL with the length needed; the operation goes on.
    TooSmall(usize),
    /// The answer. It fits the room. Zeroed when dropped, since it may be plaintext.
    Data(Secret),
    /// The same with pointers into itself at these places, which count from its begin.
    Pointing(Secret, &'static [usize]),
}

impl Reply {
    /// The finished answer, if the room holds it.
    pub fn fit(answer: Secret, room: Room) -> Reply {
        match room {
            Room::Query => Reply::Length(answer.len()),
            Room::Of(size) if size < answer.len() => Reply::TooSmall(answer.len()),
            Room::Of(_) => Reply::Data(answer),
        }
    }
}
