//! Bytes that must not outlive their use, nor be printed, nor be compared in variable time.

use std::fmt;

use subtle::ConstantTimeEq;
/// Secret bytes: zeroed when dropped, opaque to `Debug`, compared in constant time.
#[derive(Clone, Default)]
pub struct Secret(Vec<u8>);

impl Drop for Secret {
    /// Zeroed as fast as memory goes, capacity that was never used included; the barrier keeps the compiler from
    /// leaving it out.
    fn drop(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        zeroize::optimization_barrier(self.0.as_slice());
    }
}

impl Secret {
    /// A secret of `len` zero bytes, to be filled in place.
    pub fn zeroed(len: usize) -> Secret {
        Secret(vec![0; len])
    }

    /// The bytes. Call it only in the expression that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be written in place.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Takes more bytes at the end; where they do not fit, the old place is zeroed.
    pub fn extend(&mut self, more: &[u8]) {
        let needed = self.0.len() + more.len();
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.max(2 * self.0.capacity()));
            larger.extend_from_slice(&self.0);
            *self = Secret(larger);
        }
        self.0.extend_from_slice(more);
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for Secret {
    /// Takes the bytes over; nothing is copied.
    fn from(bytes: Vec<u8>) -> Secret {
        Secret(bytes)
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Secret {
        Secret(bytes.to_vec())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_only() {
        let secret = Secret::from(&b"648219"[..]);
        assert_eq!(format!("{secret:?}"), "Secret(6 bytes)");
    }
}
