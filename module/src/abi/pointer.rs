//! Every pointer check, once: what comes in becomes a slice or a value, what goes out is written last.
//!
//! The contract that all `unsafe` of this file relies on is the caller's (PKCS#11 v3.2 §5.1.1 and §5.2): a
//! pointer that is not NULL points to as many items as the length beside it says, and stays so during the call.
//! Nothing is promised about alignment, nor that input and output are apart.

use std::ptr;
use std::slice;

use crate::cryptoki::ids::*;
use crate::cryptoki::{Reply, Result, Room, Rv, Secret};

/// A PIN, a user name or a configuration string longer than this is a wrong length, not a long text.
pub const TEXT_LIMIT: usize = 64 * 1024;

/// Bytes of the caller, as C gives them.
pub type In = (CK_BYTE_PTR, CK_ULONG);
/// A buffer of the caller and its length, as C gives them.
pub type Out = (CK_BYTE_PTR, CK_ULONG_PTR);

/// A length that a Rust slice can have.
pub fn size(len: CK_ULONG) -> Result<usize> {
    match usize::try_from(len) {
        Ok(size) if size <= isize::MAX as usize => Ok(size),
        _ => Err(Rv::ArgumentsBad.because(format!("a length of {len:#x} bytes"))),
    }
}

/// The caller's bytes. NULL with length 0 is empty. The borrow must end before anything is written.
///
/// # Safety
/// `pointer` is NULL or points to `len` bytes that live for `'a`.
pub unsafe fn bytes<'a>((pointer, len): In) -> Result<&'a [u8]> {
    match (pointer.is_null(), size(len)?) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(null("the input")),
        // SAFETY: §5.1.1: not NULL, `len` bytes long and at most isize::MAX; bytes have no alignment.
        (false, size) => Ok(unsafe { slice::from_raw_parts(pointer, size) }),
    }
}

/// A short text of the caller; longer than [`TEXT_LIMIT`] is refused unread.
///
/// # Safety
/// As for [`bytes`].
pub unsafe fn text<'a>((pointer, len): In, too_long: Rv) -> Result<&'a [u8]> {
    if size(len)? > TEXT_LIMIT {
        return Err(too_long.because(format!("a text of {len} bytes")));
    }
    // SAFETY: handed on.
    unsafe { bytes((pointer, len)) }
}

/// A PIN; None for a NULL pointer, which asks for the protected authentication path (§5.6.8).
///
/// # Safety
/// As for [`bytes`].
pub unsafe fn pin((pointer, len): In) -> Result<Option<Secret>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: handed on.
    unsafe { text((pointer, len), Rv::PinLenRange) }.map(|pin| Some(Secret::from(pin)))
}

/// A NUL-terminated UTF-8 text; None for NULL.
///
/// # Safety
/// `pointer` is NULL or points to bytes of which one is zero, or to more than [`TEXT_LIMIT`] bytes.
pub unsafe fn terminated(pointer: *const u8) -> Result<Option<String>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: read one by one, so never beyond the terminator.
    let mut bytes = (0..=TEXT_LIMIT).map(|at| unsafe { pointer.add(at).read() });
    let text: Vec<u8> = bytes.by_ref().take_while(|byte| *byte != 0).collect();
    match String::from_utf8(text) {
        Ok(text) if text.len() <= TEXT_LIMIT => Ok(Some(text)),
        Ok(_) => Err(Rv::ArgumentsBad.because("a text without an end")),
        Err(_) => Err(Rv::ArgumentsBad.because("a text that is not UTF-8")),
    }
}

/// A value of the caller; None for NULL.
///
/// # Safety
/// `pointer` is NULL or points to a `T`, and `T` is a C struct for which every bit pattern is a value.
pub unsafe fn read<T: Copy>(pointer: *const T) -> Option<T> {
    // SAFETY: not NULL, so a T by §5.1.1; it may lie unaligned.
    (!pointer.is_null()).then(|| unsafe { pointer.read_unaligned() })
}

/// Runs the work and writes its answer; a NULL target is refused before anything runs.
///
/// # Safety
/// `target` is NULL or has room for a `T`.
pub unsafe fn answer<T>(target: *mut T, work: impl FnOnce() -> Result<T>) -> Result<()> {
    if target.is_null() {
        return Err(null("the place for the answer"));
    }
    let value = work()?;
    // SAFETY: not NULL, so room for a T by §5.1.1; it may lie unaligned.
    unsafe { target.write_unaligned(value) };
    Ok(())
}

/// A list by the length protocol of C_GetSlotList and its like: NULL asks for the count.
///
/// # Safety
/// `count` is NULL or points to a CK_ULONG; `target` is NULL or has room for `*count` items.
pub unsafe fn list<T: Copy>(
    target: *mut T,
    count: CK_ULONG_PTR,
    items: impl FnOnce() -> Result<Vec<T>>,
) -> Result<()> {
    // SAFETY: §5.2: `count` is NULL or a CK_ULONG.
    let room = unsafe { read(count) }.ok_or_else(|| null("the place for the count"))?;
    let items = items()?;
    let fits = items.len() as CK_ULONG <= room;
    if !target.is_null() && fits {
        // SAFETY: §5.2: room for `*count` items, and there are no more.
        unsafe { put(target, &items) };
    }
    // SAFETY: read above.
    unsafe { count.write_unaligned(items.len() as CK_ULONG) };
    if target.is_null() || fits { Ok(()) } else { Err(Rv::BufferTooSmall.into()) }
}

/// Copies items out; they are owned, so that a caller whose output is its input is served too.
///
/// # Safety
/// `target` has room for all items.
pub unsafe fn put<T: Copy>(target: *mut T, items: &[T]) {
    // SAFETY: the room is promised; as bytes, since the target may lie unaligned, and `copy` allows overlap.
    unsafe { ptr::copy(items.as_ptr().cast::<u8>(), target.cast::<u8>(), size_of_val(items)) };
}

/// Where an answer of variable length goes (§5.2).
pub struct Output {
    buffer: CK_BYTE_PTR,
    len: CK_ULONG_PTR,
    room: Room,
}

impl Output {
    /// Reads what the caller offers.
    ///
    /// # Safety
    /// `len` is NULL or points to a CK_ULONG; `buffer` is NULL or has room for `*len` bytes; both until `put`.
    pub unsafe fn at((buffer, len): Out) -> Result<Output> {
        // SAFETY: §5.2: `len` is NULL or a CK_ULONG.
        let offered = unsafe { read(len) }.ok_or_else(|| null("the length of the output"))?;
        let room = if buffer.is_null() { Room::Query } else { Room::Of(size(offered)?) };
        Ok(Output { buffer, len, room })
    }

    /// What the caller offers.
    pub fn room(&self) -> Room {
        self.room
    }

    /// Writes the length, and the answer if there is one.
    ///
    /// # Safety
    /// As for [`Output::at`]; no borrow of the caller's memory is alive.
    pub unsafe fn put(self, reply: Reply) -> Result<()> {
        let (len, result) = match &reply {
            Reply::Length(len) => (*len, Ok(())),
            Reply::TooSmall(len) => {
                (*len, Err(Rv::BufferTooSmall.because(format!("{len} bytes are needed"))))
            }
            Reply::Data(answer) => match self.room {
                Room::Of(room) if answer.len() <= room => {
                    // SAFETY: §5.2: the buffer has `room` bytes, and the answer no more.
                    unsafe { put(self.buffer, answer.expose()) };
                    (answer.len(), Ok(()))
                }
                _ => (answer.len(), Err(Rv::GeneralError.because("an answer larger than its room"))),
            },
        };
        // SAFETY: §5.2: `len` was read in `at`.
        unsafe { self.len.write_unaligned(len as CK_ULONG) };
        result
    }
}

/// The refusal of a NULL pointer.
pub fn null(what: &'static str) -> crate::cryptoki::Error {
    Rv::ArgumentsBad.because(format!("a NULL pointer for {what}"))
}
