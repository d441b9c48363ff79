//! For tests: memory that ends at a page which cannot be touched, so that reading beyond it is a crash.

use std::ptr;
use std::slice;

const PAGE: usize = 65_536; // no page is larger where tests run

/// Bytes that end at a fence.
pub struct Fence {
    map: *mut u8,
    len: usize,
}

impl Fence {
    /// A copy of the bytes, right before the fence; at most one page.
    pub fn of(bytes: &[u8]) -> Fence {
        assert!(bytes.len() <= PAGE);
        let (write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping of two pages, the second then closed; the bytes fit the first.
        unsafe {
            let map = libc::mmap(ptr::null_mut(), 2 * PAGE, write, private, -1, 0);
            assert_ne!(map, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(map.byte_add(PAGE), PAGE, libc::PROT_NONE), 0);
            let fence = Fence { map: map.cast(), len: bytes.len() };
            ptr::copy(bytes.as_ptr(), fence.start(), bytes.len());
            fence
        }
    }

    /// Where the bytes begin.
    pub fn start(&self) -> *mut u8 {
        // SAFETY: within the first page.
        unsafe { self.map.add(PAGE - self.len) }
    }

    /// The bytes as they are now.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: ours, and `len` long.
        unsafe { slice::from_raw_parts(self.start(), self.len) }
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        // SAFETY: our own mapping.
        unsafe { libc::munmap(self.map.cast(), 2 * PAGE) };
    }
}
