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

/// The name of a function, which must be given.
///
/// # Safety
/// As for [`terminated`].
pub unsafe fn name(pointer: *const u8) -> Result<String> {
    // SAFETY: handed on.
    unsafe { terminated(pointer) }?.ok_or_else(|| null("the function's name"))
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
    match target.is_null() || fits {
        true => Ok(()),
        false => Err(Rv::BufferTooSmall.because(format!("{} items do not fit {room}", items.len()))),
    }
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

    /// The place for the answer, when the caller gives one that is not also the input's.
    ///
    /// # Safety
    /// As for [`Output::at`]; the place is used no more when [`Output::put`] is called.
    pub unsafe fn apart_from<'a>(&self, (input, len): In) -> Option<&'a mut [u8]> {
        let (Room::Of(room), false) = (self.room, self.buffer.is_null()) else { return None };
        let (out, input) = (self.buffer.addr(), input.addr());
        let apart = out.checked_add(room)? <= input || input.checked_add(size(len).ok()?)? <= out;
        // SAFETY: §5.2: not NULL, and `room` bytes long; bytes have no alignment.
        apart.then(|| unsafe { slice::from_raw_parts_mut(self.buffer, room) })
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
            // SAFETY: handed on.
            Reply::Data(answer) => (answer.len(), unsafe { self.fill(answer) }),
            Reply::Pointing(answer, places) => {
                let answer = addressed(answer.clone(), places, self.buffer.addr());
                // SAFETY: handed on.
                (answer.len(), unsafe { self.fill(&answer) })
            }
        };
        // SAFETY: §5.2: `len` was read in `at`.
        unsafe { self.len.write_unaligned(len as CK_ULONG) };
        result
    }

    unsafe fn fill(&self, answer: &Secret) -> Result<()> {
        match self.room {
            Room::Of(room) if answer.len() <= room => {
                // SAFETY: §5.2: the buffer has `room` bytes, and the answer no more.
                unsafe { put(self.buffer, answer.expose()) };
                Ok(())
            }
            _ => Err(Rv::GeneralError.because("an answer larger than its room")),
        }
    }
}

/// The answer with addresses where pointers stand that count from its begin.
fn addressed(mut answer: Secret, places: &[usize], begin: usize) -> Secret {
    for place in places {
        if let Some(pointer) = answer.expose_mut()[*place..].first_chunk_mut() {
            *pointer = usize::from_ne_bytes(*pointer).wrapping_add(begin).to_ne_bytes();
        }
    }
    answer
}

/// The refusal of a NULL pointer.
pub fn null(what: &'static str) -> crate::cryptoki::Error {
    Rv::ArgumentsBad.because(format!("a NULL pointer for {what}"))
}

#[cfg(test)]
mod tests {
    use super::super::fence::Fence;
    use super::*;

    const HOSTILE: [CK_ULONG; 3] = [1 << 63, CK_UNAVAILABLE_INFORMATION - 1, CK_UNAVAILABLE_INFORMATION];

    /// The refusal, by its number.
    fn rv<T>(result: Result<T>) -> std::result::Result<T, Rv> {
        result.map_err(|error| error.rv())
    }

    #[test]
    fn input_is_read_to_its_end_and_no_further() {
        let fence = Fence::of(b"to be signed");
        // SAFETY: the fence's own bytes; hostile lengths are refused unread.
        unsafe {
            assert_eq!(rv(bytes((fence.start(), 12))), Ok(&b"to be signed"[..]));
            assert_eq!(rv(bytes((fence.start(), 0))), Ok(&[][..]));
            assert_eq!(rv(bytes((ptr::null_mut(), 0))), Ok(&[][..]));
            assert_eq!(rv(bytes((ptr::null_mut(), 1))), Err(Rv::ArgumentsBad));
            for len in HOSTILE {
                assert_eq!(rv(bytes((fence.start(), len))), Err(Rv::ArgumentsBad));
                assert_eq!(rv(bytes((ptr::null_mut(), len))), Err(Rv::ArgumentsBad));
            }
        }
    }

    #[test]
    fn a_pin_is_a_secret_or_null_or_too_long() {
        let fence = Fence::of(b"648219");
        // SAFETY: as above.
        unsafe {
            assert_eq!(rv(pin((fence.start(), 6))), Ok(Some(Secret::from(&b"648219"[..]))));
            assert_eq!(rv(pin((fence.start(), 0))), Ok(Some(Secret::default())));
            assert_eq!(rv(pin((ptr::null_mut(), 6))), Ok(None));
            assert_eq!(rv(pin((fence.start(), TEXT_LIMIT as CK_ULONG + 1))), Err(Rv::PinLenRange));
            assert_eq!(rv(pin((fence.start(), CK_ULONG::MAX))), Err(Rv::ArgumentsBad));
        }
    }

    #[test]
    fn a_text_ends_at_its_terminator() {
        let fence = Fence::of(b"a=b\0");
        // SAFETY: terminated, at a fence.
        assert_eq!(unsafe { terminated(fence.start()) }, Ok(Some("a=b".to_owned())));
    }

    #[test]
    fn a_buffer_is_a_query_or_a_room() {
        let mut len: CK_ULONG = 7;
        let mut byte = 0;
        // SAFETY: our own; nothing is written.
        let at = |buffer, len| rv(unsafe { Output::at((buffer, len)) }.map(|output| output.room()));
        assert_eq!(at(ptr::null_mut(), &raw mut len), Ok(Room::Query));
        assert_eq!(at(&raw mut byte, &raw mut len), Ok(Room::Of(7)));
        assert_eq!(at(&raw mut byte, ptr::null_mut()), Err(Rv::ArgumentsBad));
        assert_eq!(at(ptr::null_mut(), ptr::null_mut()), Err(Rv::ArgumentsBad));
        for mut hostile in HOSTILE {
            assert_eq!(at(&raw mut byte, &raw mut hostile), Err(Rv::ArgumentsBad));
            assert_eq!(at(ptr::null_mut(), &raw mut hostile), Ok(Room::Query), "not read for a query");
        }
    }

    /// Answers into a fence of 4 bytes: what came of it, the length written, and the bytes.
    fn answered(reply: Reply) -> (std::result::Result<(), Rv>, CK_ULONG, Vec<u8>) {
        let (fence, mut len) = (Fence::of(b"...."), 4);
        // SAFETY: the fence has 4 bytes.
        let result = unsafe { Output::at((fence.start(), &raw mut len)).unwrap().put(reply) };
        (rv(result), len, fence.bytes().to_vec())
    }

    #[test]
    fn an_answer_goes_where_it_fits() {
        let data = |bytes: &[u8]| Reply::Data(Secret::from(bytes));
        assert_eq!(answered(data(b"sig")), (Ok(()), 3, b"sig.".to_vec()));
        assert_eq!(answered(data(b"sign")), (Ok(()), 4, b"sign".to_vec()));
        assert_eq!(answered(data(b"")), (Ok(()), 0, b"....".to_vec()));
        assert_eq!(answered(Reply::Length(64)), (Ok(()), 64, b"....".to_vec()));
        assert_eq!(answered(Reply::TooSmall(64)), (Err(Rv::BufferTooSmall), 64, b"....".to_vec()));
        assert_eq!(answered(data(b"longer than said")), (Err(Rv::GeneralError), 16, b"....".to_vec()));
    }

    #[test]
    fn input_and_output_may_be_the_same_memory_or_overlap() {
        for shift in 0..8 {
            let mut memory = *b"plaintext.......";
            let (base, mut len) = (memory.as_mut_ptr(), 9);
            // SAFETY: 9 bytes in and at most 9 out, all within the 16.
            unsafe {
                let input = bytes((base, 9)).unwrap();
                let output = Output::at((base.add(shift), &raw mut len)).unwrap();
                let reply = Reply::fit(Secret::from(input), output.room());
                output.put(reply).unwrap();
            }
            assert_eq!(&memory[shift..shift + 9], b"plaintext", "shifted by {shift}");
        }
    }

    #[test]
    fn values_may_lie_unaligned() {
        let mut memory = [0xAAu8; 1 + size_of::<CK_ULONG>()];
        // SAFETY: room for a CK_ULONG at an odd address.
        unsafe {
            let place = memory.as_mut_ptr().add(1).cast::<CK_ULONG>();
            answer(place, || Ok(42)).unwrap();
            assert_eq!(read(place), Some(42));
            list(place, place, || Ok(vec![7])).unwrap(); // the count is written last
            assert_eq!(read(place), Some(1));
        }
    }

    #[test]
    fn a_null_target_is_refused_before_the_work() {
        let mut ran = false;
        // SAFETY: NULL is legal to give.
        let result = unsafe {
            answer(ptr::null_mut::<CK_ULONG>(), || {
                ran = true;
                Ok(1)
            })
        };
        assert_eq!((rv(result), ran), (Err(Rv::ArgumentsBad), false));
    }

    #[test]
    fn a_list_keeps_the_length_protocol() {
        let fence = Fence::of(&[0; 2 * size_of::<CK_ULONG>()]);
        let rows = [
            (0, Err(Rv::BufferTooSmall)),
            (1, Err(Rv::BufferTooSmall)),
            (2, Ok(())),
            (CK_ULONG::MAX, Ok(())),
        ];
        for (offered, expected) in rows {
            let mut count = offered;
            // SAFETY: room for two; more is offered, but no more is written.
            let result = unsafe { list::<CK_ULONG>(fence.start().cast(), &raw mut count, || Ok(vec![5, 6])) };
            assert_eq!((rv(result), count), (expected, 2), "{offered}");
        }
        // SAFETY: NULL is legal to give.
        let result = unsafe { list::<CK_ULONG>(ptr::null_mut(), ptr::null_mut(), || Ok(vec![])) };
        assert_eq!(rv(result), Err(Rv::ArgumentsBad));
    }
}
