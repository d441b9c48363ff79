//! Cipher feedback of 64 bits (SP 800-38A §6.3), which aws-lc does not have.

use super::awslc::{Evp, Stream};
use super::cipher::{Direction, check_key, failed};
use crate::cryptoki::{Result, Rv, Secret};

/// Bytes of a segment.
const SEGMENT: usize = 8;

/// A running AES-CFB64 encryption or decryption; the last segment may be short.
pub struct Cfb64 {
    block: Stream,
    direction: Direction,
    /// The last 16 bytes of ciphertext, of which the block cipher makes the next key stream.
    register: Vec<u8>,
    /// The key stream of the segment, and how much of it is used.
    stream: Secret,
    used: usize,
}

impl Cfb64 {
    /// Begins. `CKR_KEY_SIZE_RANGE`, `CKR_MECHANISM_PARAM_INVALID` for an IV that has not 16 bytes.
    pub fn new(direction: Direction, key: &Secret, iv: &[u8]) -> Result<Cfb64> {
        check_key(key)?;
        if iv.len() != 16 {
            return Err(Rv::MechanismParamInvalid.because("the IV must have 16 bytes"));
        }
        let block = Stream::new(Evp::Ecb, true, false, key.expose(), &[]).ok_or_else(failed)?;
        Ok(Cfb64 { block, direction, register: iv.to_vec(), stream: Secret::default(), used: SEGMENT })
    }

    /// Takes the next part and gives as many bytes.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.try_reserve(data.len()).map_err(|_| Rv::HostMemory)?;
        for byte in data {
            if self.used == SEGMENT {
                let mut stream = Vec::with_capacity(48);
                self.block.update(&self.register, &mut stream).ok_or_else(failed)?;
                self.stream = stream.into();
                self.register.drain(..SEGMENT);
                self.used = 0;
            }
            let given = byte ^ self.stream.expose()[self.used];
            self.used += 1;
            self.register.push(if self.direction == Direction::Encrypt { given } else { *byte });
            out.push(given);
        }
        Ok(())
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
