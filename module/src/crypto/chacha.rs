//! ChaCha20, XChaCha20, Poly1305, and the two together (RFC 8439, draft-irtf-cfrg-xchacha), in parts.

use super::awslc;
use super::cipher::Direction;
use super::mac::equal;
use crate::cryptoki::{Result, Rv, Secret};

/// Bytes of a block of key stream.
const BLOCK: u64 = 64;
/// Bytes of a tag.
const TAG: usize = 16;

fn keyed(key: &Secret) -> Result<[u8; 32]> {
    key.expose().try_into().map_err(|_| Rv::KeySizeRange.because("the key must have 32 bytes"))
}

/// A running ChaCha20 encryption, which is decryption too.
pub struct ChaCha20 {
    key: Secret,
    /// What stands after the low 32 bits of the counter.
    nonce: [u8; 12],
    /// With a 64-bit counter the first third of `nonce` counts on.
    wide: bool,
    /// The block that comes, and the bytes of it that are used.
    counter: u64,
    used: usize,
}

impl ChaCha20 {
    /// Begins at a block. The nonce has 8 bytes with a 64-bit counter (the original), 12 with 32 bits (IETF), or 24 with
    /// either (XChaCha20). `CKR_KEY_SIZE_RANGE`, `CKR_MECHANISM_PARAM_INVALID`.
    pub fn new(key: &Secret, nonce: &[u8], bits: usize, counter: u64) -> Result<ChaCha20> {
        let mut key = Secret::from(&keyed(key)?[..]);
        let mut inner = [0; 12];
        match (nonce.len(), bits) {
            (8, 64) => inner[4..].copy_from_slice(nonce),
            (12, 32) => inner.copy_from_slice(nonce),
            (24, 32 | 64) => {
                key = hchacha20(&keyed(&key)?, &nonce[..16]);
                inner[4..].copy_from_slice(&nonce[16..]);
            }
            (len, bits) => {
                return Err(Rv::MechanismParamInvalid
                    .because(format!("ChaCha20 has no nonce of {len} bytes with a counter of {bits} bits")));
            }
        }
        let wide = bits == 64;
        if !wide && counter > u64::from(u32::MAX) {
            return Err(Rv::MechanismParamInvalid.because("the block counter is longer than its bits"));
        }
        Ok(ChaCha20 { key, nonce: inner, wide, counter, used: 0 })
    }

    /// Takes the next part and gives as many bytes. `CKR_DATA_LEN_RANGE` when the counter would come round.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.try_reserve(data.len()).map_err(|_| Rv::HostMemory)?;
        let blocks = (self.used as u64 + data.len() as u64).div_ceil(BLOCK);
        let most = if self.wide { u64::MAX } else { 1 << 32 };
        if blocks > most - self.counter.min(most) {
            return Err(
                Rv::DataLenRange.because("more blocks than the counter counts: the key stream would repeat")
            );
        }
        let key = keyed(&self.key)?;
        let mut rest = data;
        while !rest.is_empty() {
            // A call ends where the low half of the counter wraps, at the latest.
            let until = ((1 << 32) - u64::from(self.counter as u32)) * BLOCK - self.used as u64;
            let (part, after) = rest.split_at(rest.len().min(usize::try_from(until).unwrap_or(usize::MAX)));
            self.stream(&key, part, out);
            rest = after;
        }
        Ok(())
    }

    fn stream(&mut self, key: &[u8; 32], part: &[u8], out: &mut Vec<u8>) {
        let mut work = Secret::zeroed(self.used + part.len());
        work.expose_mut()[self.used..].copy_from_slice(part);
        let mut nonce = self.nonce;
        if self.wide {
            nonce[..4].copy_from_slice(&((self.counter >> 32) as u32).to_le_bytes());
        }
        awslc::chacha20(key, &nonce, self.counter as u32, work.expose_mut());
        out.extend_from_slice(&work.expose()[self.used..]);
        self.counter += work.len() as u64 / BLOCK;
        self.used = work.len() % BLOCK as usize;
    }

    /// Ends; nothing is left.
    pub fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    /// How many bytes `update` of `n` bytes gives, exactly.
    pub fn room(&self, n: usize) -> usize {
        n
    }

    /// The same for all that comes.
    pub fn final_room(&self, n: usize) -> usize {
        n
    }
}

/// HChaCha20 (draft-irtf-cfrg-xchacha §2.2): the rounds of a ChaCha20 block without the sum that ends it.
fn hchacha20(key: &[u8; 32], nonce: &[u8]) -> Secret {
    let word = |bytes: &[u8], at: usize| {
        bytes[4 * at..4 * at + 4].iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte))
    };
    let (mut block, mut rest) = (Secret::zeroed(BLOCK as usize), [0; 12]);
    rest.copy_from_slice(&nonce[4..]);
    awslc::chacha20(key, &rest, word(nonce, 0), block.expose_mut());
    let mut subkey = Secret::zeroed(32);
    for (at, place) in subkey.expose_mut().chunks_mut(4).enumerate() {
        let (from, added) = match at {
            0..4 => (at, word(b"expand 32-byte k", at)),
            _ => (at + 8, word(nonce, at - 4)),
        };
        place.copy_from_slice(&word(block.expose(), from).wrapping_sub(added).to_le_bytes());
    }
    subkey
}

/// A running Poly1305 (RFC 8439 §2.5), whose key is for one message.
pub struct Poly1305(awslc::Poly1305);

impl Poly1305 {
    /// Begins. `CKR_KEY_SIZE_RANGE` unless the key has 32 bytes.
    pub fn new(key: &Secret) -> Result<Poly1305> {
        Ok(Poly1305(awslc::Poly1305::new(&keyed(key)?)))
    }

    /// Takes the next part.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        self.0.update(data);
        Ok(())
    }

    /// The tag over all parts, 16 bytes.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        Ok(self.0.finish().to_vec())
    }
}

/// A running ChaCha20-Poly1305 (RFC 8439 §2.8) or XChaCha20-Poly1305; the tag stands behind the ciphertext.
pub struct ChaCha20Poly1305 {
    cipher: ChaCha20,
    mac: Poly1305,
    direction: Direction,
    /// Bytes authenticated, and bytes of ciphertext.
    aad: u64,
    text: u64,
    /// Decryption: what has come, tag and all; nothing leaves before the tag was good.
    held: Secret,
}

impl ChaCha20Poly1305 {
    /// Begins. `CKR_KEY_SIZE_RANGE`, `CKR_MECHANISM_PARAM_INVALID` for a nonce that has not 12 or 24 bytes.
    pub fn new(direction: Direction, key: &Secret, nonce: &[u8], aad: &[u8]) -> Result<ChaCha20Poly1305> {
        if !matches!(nonce.len(), 12 | 24) {
            return Err(Rv::MechanismParamInvalid
                .because(format!("ChaCha20-Poly1305 takes a nonce of 12 or 24 bytes, not {}", nonce.len())));
        }
        let mut first = Vec::with_capacity(32);
        ChaCha20::new(key, nonce, 32, 0)?.update(&[0; 32], &mut first)?;
        let mut mac = Poly1305::new(&first.into())?;
        mac.update(aad)?;
        mac.update(padding(aad.len() as u64))?;
        let cipher = ChaCha20::new(key, nonce, 32, 1)?;
        Ok(ChaCha20Poly1305 {
            cipher,
            mac,
            direction,
            aad: aad.len() as u64,
            text: 0,
            held: Secret::default(),
        })
    }

    /// Takes the next part; as many bytes as came when encrypting, none when decrypting, go to the end of `out`.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if self.direction == Direction::Decrypt {
            self.held.extend(data);
            return Ok(());
        }
        let before = out.len();
        self.cipher.update(data, out)?;
        self.absorb_at(out, before)
    }

    fn absorb_at(&mut self, out: &[u8], from: usize) -> Result<()> {
        self.text += (out.len() - from) as u64;
        self.mac.update(&out[from..])
    }

    fn tag(&mut self) -> Result<Vec<u8>> {
        self.mac.update(padding(self.text))?;
        self.mac.update(&self.aad.to_le_bytes())?;
        self.mac.update(&self.text.to_le_bytes())?;
        self.mac.finish()
    }

    /// Ends: gives the tag, or checks it and gives the plaintext. `CKR_ENCRYPTED_DATA_INVALID` for a wrong tag,
    /// `CKR_ENCRYPTED_DATA_LEN_RANGE` for data shorter than one.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.direction == Direction::Encrypt {
            let tag = self.tag()?;
            out.extend_from_slice(&tag);
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        let len = held.len().checked_sub(TAG);
        let len =
            len.ok_or_else(|| Rv::EncryptedDataLenRange.because("the data are shorter than the tag"))?;
        let (text, expected) = held.expose().split_at(len);
        self.absorb_at(text, 0)?;
        if !equal(&self.tag()?, expected) {
            return Err(
                Rv::EncryptedDataInvalid.because("the tag does not fit key, nonce, data and ciphertext")
            );
        }
        self.cipher.update(text, out)
    }

    /// How many bytes `update` of `n` bytes gives, exactly.
    pub fn room(&self, n: usize) -> usize {
        if self.direction == Direction::Encrypt { n } else { 0 }
    }

    /// How many bytes `update` of `n` bytes and `finish` give together.
    pub fn final_room(&self, n: usize) -> usize {
        match self.direction {
            Direction::Encrypt => n.saturating_add(TAG),
            Direction::Decrypt => self.held.len().saturating_add(n).saturating_sub(TAG),
        }
    }
}

/// Zeros to the end of a block of 16 bytes.
fn padding(len: u64) -> &'static [u8] {
    &[0; 16][..(16 - len as usize % 16) % 16]
}
