//! Codes and buffers at the C border.

use crate::{Result, Rv, ids::*};

/// The `Rv` of a number. A number that the standard does not have fails the test.
pub fn code(number: CK_RV) -> Rv {
    Rv::of(number).unwrap_or_else(|| panic!("the module answered {number:#x}, which is no CKR_ code"))
}

pub(crate) fn ok(rv: Rv) -> Result<()> {
    if rv == Rv::Ok { Ok(()) } else { Err(rv) }
}

/// A length or count, as C wants it.
pub(crate) fn len(length: usize) -> CK_ULONG {
    length.try_into().expect("a length fits a CK_ULONG")
}

/// Bytes that the module only reads: C has no const in these signatures.
pub(crate) fn input(bytes: &[u8]) -> *mut CK_BYTE {
    bytes.as_ptr().cast_mut()
}

/// All that a function with the length protocol (PKCS#11 v3.2 §5.2) gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub rv: Rv,
    /// What the function wrote to `*pulLen`.
    pub length: usize,
    /// What it wrote to the buffer; empty unless `rv` is `Ok` and there was a buffer.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The bytes, or the refusal.
    pub fn bytes(self) -> Result<Vec<u8>> {
        ok(self.rv).map(|()| self.bytes)
    }
}

/// Bytes after the buffer that no call may touch.
const GUARD: [u8; 32] = [0xA5; 32];

/// Calls with a NULL buffer (`None`) or one of exactly so many bytes, and checks that nothing beyond was written.
pub fn room(room: Option<usize>, call: impl FnOnce(*mut CK_BYTE, *mut CK_ULONG) -> Rv) -> Answer {
    let size = room.unwrap_or(0);
    let mut buffer = vec![0x5A; size];
    buffer.extend_from_slice(&GUARD);
    let mut length = len(size);
    let pointer = if room.is_some() { buffer.as_mut_ptr() } else { std::ptr::null_mut() };
    let rv = call(pointer, &mut length);
    assert_eq!(buffer[size..], GUARD, "the module wrote past the end of a buffer of {size} bytes");
    let written = if rv == Rv::Ok && room.is_some() { length as usize } else { 0 };
    assert!(written <= size, "the module claims {written} bytes in a buffer of {size}");
    buffer.truncate(written);
    Answer { rv, length: length as usize, bytes: buffer }
}

/// Asks for the length, then calls with a buffer of that size.
pub(crate) fn ask(mut call: impl FnMut(*mut CK_BYTE, *mut CK_ULONG) -> Rv) -> Result<Vec<u8>> {
    let query = room(None, &mut call);
    ok(query.rv)?;
    room(Some(query.length), &mut call).bytes()
}
