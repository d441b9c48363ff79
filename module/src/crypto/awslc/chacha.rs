//! ChaCha20 and Poly1305 in aws-lc.

use aws_lc_sys::*;

/// Encrypts in place, from a block of the key stream on; the 32-bit counter wraps.
pub fn chacha20(key: &[u8; 32], nonce: &[u8; 12], counter: u32, data: &mut [u8]) {
    // SAFETY: key and nonce have the lengths that are read; input and output are the same slice, as is allowed.
    unsafe {
        let at = data.as_mut_ptr();
        CRYPTO_chacha_20(at, at, data.len(), key.as_ptr(), nonce.as_ptr(), counter);
    }
}

/// A running Poly1305. Its state knows its own address, and so stays where it is.
pub struct Poly1305(Box<poly1305_state>);

impl Poly1305 {
    /// Under a key that is used once.
    pub fn new(key: &[u8; 32]) -> Poly1305 {
        let mut state = Box::new([0; size_of::<poly1305_state>()]);
        // SAFETY: the state is written, the key has the 32 bytes that are read.
        unsafe { CRYPTO_poly1305_init(&mut *state, key.as_ptr()) };
        Poly1305(state)
    }

    pub fn update(&mut self, data: &[u8]) {
        // SAFETY: the state was begun in `new`; the data are one slice.
        unsafe { CRYPTO_poly1305_update(&mut *self.0, data.as_ptr(), data.len()) };
    }

    /// The tag; what comes after it makes no sense.
    pub fn finish(&mut self) -> [u8; 16] {
        let mut tag = [0; 16];
        // SAFETY: the state was begun in `new`; 16 bytes are written.
        unsafe { CRYPTO_poly1305_finish(&mut *self.0, tag.as_mut_ptr()) };
        tag
    }
}

impl Drop for Poly1305 {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut *self.0);
    }
}
