//! AES in counter mode (SP 800-38A §6.5) with a counter of 1 to 128 bits, in parts.

use aes::cipher::{KeyIvInit, StreamCipher};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use ctr::Ctr64BE;

use super::cipher::{Direction, check_key, failed};
use crate::cryptoki::{Result, Rv, Secret};

/// Bytes of a block.
const BLOCK: usize = 16;

/// The key stream from a counter block on, of which the low 64 bits count.
type KeyStream = Box<dyn StreamCipher + Send>;

/// More bytes than any process will see.
const NEVER: u128 = u64::MAX as u128;

/// A running encryption, which is decryption too.
pub struct Ctr {
    direction: Direction,
    stream: KeyStream,
    /// The key stream after the wrap, and bytes until there.
    wrapped: Option<KeyStream>,
    until_wrap: u128,
    /// Bytes until the counter comes to where it began.
    until_reuse: u128,
}

impl Ctr {
    /// Begins at a 16-byte counter block, of which the low `bits` count and wrap. `CKR_KEY_SIZE_RANGE`,
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub fn new(direction: Direction, key: &Secret, bits: usize, counter: &[u8]) -> Result<Ctr> {
        if !(1..=128).contains(&bits) {
            return Err(Rv::MechanismParamInvalid.because("ulCounterBits must be 1 to 128"));
        }
        let first: [u8; BLOCK] = counter.try_into().map_err(|_| {
            Rv::MechanismParamInvalid
                .because(format!("the counter block must have 16 bytes, not {}", counter.len()))
        })?;
        check_key(key)?;
        let (stream, block) = (key_stream(key, first)?, u128::from_be_bytes(first));
        // The stream counts in 64 bits at most; at the wrap of those the other counting bits go on by one.
        let (blocks, counting) = (1u128 << bits.min(64), u128::MAX >> (128 - bits));
        let low = block & (blocks - 1);
        let high = (block & counting & !(blocks - 1)).wrapping_add(blocks) & counting;
        let until_wrap = (blocks - low) * BLOCK as u128;
        let after = || key_stream(key, (block & !counting | high).to_be_bytes());
        let wrapped = (until_wrap <= NEVER).then(after).transpose()?;
        let until_reuse = counting.saturating_add(1).saturating_mul(BLOCK as u128);
        Ok(Ctr { direction, stream, wrapped, until_wrap, until_reuse })
    }

    /// Takes the next part; as many bytes go to the end of `out`. Errors: as [`Ctr::apply`].
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.try_reserve(data.len()).map_err(|_| Rv::HostMemory)?;
        let begin = out.len();
        out.resize(begin + data.len(), 0);
        self.apply(data, &mut out[begin..]).inspect_err(|_| out.truncate(begin))
    }

    /// Takes the next part; its answer goes to `out`, which is as long. `CKR_DATA_LEN_RANGE` or
    /// `CKR_ENCRYPTED_DATA_LEN_RANGE` when the counter would come round to a value already used.
    pub fn apply(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let asked = data.len() as u128;
        if asked > self.until_reuse {
            let rv = match self.direction {
                Direction::Encrypt => Rv::DataLenRange,
                Direction::Decrypt => Rv::EncryptedDataLenRange,
            };
            return Err(rv.because("more blocks than ulCounterBits can count: the key stream would repeat"));
        }
        let before = asked.min(self.until_wrap) as usize;
        let ((data, more), (out, room)) = (data.split_at(before), out.split_at_mut(before));
        self.stream.try_apply_keystream_b2b(data, out).map_err(|_| failed())?;
        self.until_wrap -= before as u128;
        if let Some(wrapped) = self.wrapped.take_if(|_| self.until_wrap == 0) {
            // It wraps once: after that, reuse comes first.
            (self.stream, self.until_wrap) = (wrapped, u128::MAX);
            self.stream.try_apply_keystream_b2b(more, room).map_err(|_| failed())?;
        }
        self.until_reuse -= asked;
        Ok(())
    }

    /// All of the data, the answer straight to `out`: how many bytes it has. None when `out` is too short.
    pub fn straight(&mut self, data: &[u8], out: &mut [u8]) -> Option<Result<usize>> {
        out.get_mut(..data.len()).map(|out| self.apply(data, out).map(|()| data.len()))
    }

    /// Ends; nothing is left.
    pub fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    /// How many bytes `update` of `n` bytes gives, exactly.
    pub fn room(&self, n: usize) -> usize {
        n
    }

    /// How many bytes `update` of `n` bytes and `finish` give together.
    pub fn final_room(&self, n: usize) -> usize {
        n
    }
}

fn key_stream(key: &Secret, first: [u8; BLOCK]) -> Result<KeyStream> {
    let (key, first) = (key.expose(), &first);
    Ok(match key.len() {
        16 => Box::new(Ctr64BE::<Aes128Enc>::new_from_slices(key, first).map_err(|_| failed())?),
        24 => Box::new(Ctr64BE::<Aes192Enc>::new_from_slices(key, first).map_err(|_| failed())?),
        _ => Box::new(Ctr64BE::<Aes256Enc>::new_from_slices(key, first).map_err(|_| failed())?),
    })
}

#[cfg(test)]
mod tests {
    use super::super::cipher::{Algorithm, Mode, whole};
    use super::*;
    use proptest::prelude::*;

    fn begin(direction: Direction, key: &[u8], bits: usize, counter: &[u8]) -> Ctr {
        Ctr::new(direction, &Secret::from(key), bits, counter).unwrap()
    }

    fn run(key: &[u8], bits: usize, counter: &[u8], data: &[u8]) -> Vec<u8> {
        let (mut ctr, mut out) = (begin(Direction::Encrypt, key, bits, counter), Vec::new());
        ctr.update(data, &mut out).unwrap();
        ctr.finish(&mut out).unwrap();
        out
    }

    fn refused<T>(result: Result<T>) -> Rv {
        result.err().expect("must be refused").rv()
    }

    /// SP 800-38A F.5.1 (AES-128), F.5.3 (AES-192) and F.5.5 (AES-256), first blocks.
    #[test]
    fn published_blocks() {
        let [plain, counter] = ["6bc1bee22e409f96e93d7e117393172a", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"]
            .map(|hex| hex::decode(hex).unwrap());
        for (key, cipher) in [
            ("2b7e151628aed2a6abf7158809cf4f3c", "874d6191b620e3261bef6864990db6ce"),
            ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "1abc932417521ca24f2b0459fe7e6e0b"),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "601ec313775789a5b7a7f504bbf3d228",
            ),
        ] {
            let (key, cipher) = (hex::decode(key).unwrap(), hex::decode(cipher).unwrap());
            for bits in [32, 64, 128] {
                assert_eq!(run(&key, bits, &counter, &plain), cipher, "{bits}");
            }
            assert_eq!(run(&key, 128, &counter, &cipher), plain);
        }
    }

    #[test]
    fn bad_parameters_have_their_codes() {
        let new = |key, bits, counter: usize| {
            Ctr::new(Direction::Encrypt, &Secret::zeroed(key), bits, &vec![0; counter])
        };
        for key in [0, 8, 15, 17, 33, 64] {
            assert_eq!(refused(new(key, 128, 16)), Rv::KeySizeRange);
        }
        for (bits, counter) in [(0, 16), (129, 16), (usize::MAX, 16), (32, 12), (128, 0), (128, 17)] {
            assert_eq!(refused(new(16, bits, counter)), Rv::MechanismParamInvalid);
        }
    }

    #[test]
    fn a_counter_does_not_come_round() {
        for (direction, rv) in
            [(Direction::Encrypt, Rv::DataLenRange), (Direction::Decrypt, Rv::EncryptedDataLenRange)]
        {
            let (mut ctr, mut out) = (begin(direction, &[1; 16], 3, &[0xff; 16]), Vec::new());
            assert_eq!(refused(ctr.update(&[0; 129], &mut out)), rv);
            ctr.update(&[0; 127], &mut out).unwrap();
            ctr.update(&[0; 1], &mut out).unwrap();
            assert_eq!(refused(ctr.update(&[0; 1], &mut out)), rv);
            ctr.update(&[], &mut out).unwrap();
            assert_eq!(out.len(), 128);
        }
    }

    proptest! {
        /// The definition: each counter block encrypted, with only its low bits counting.
        #[test]
        fn the_low_bits_count_and_wrap(
            key: [u8; 32], block: u128, bits in 1usize..=128, short in 0u128..12, cuts in prop::collection::vec(0usize..99, 0..5)
        ) {
            let counting = u128::MAX >> (128 - bits);
            let blocks = 10.min(counting.saturating_add(1));
            // The wrap of the low bits, or of the low 64, is near.
            let low = u128::MAX >> (128 - bits.min(64));
            for first in [block, block & !counting | (counting - short.min(counting)), block & !low | (low - short.min(low))] {
                let counters: Vec<u8> = (0..blocks)
                    .flat_map(|n| (first & !counting | first.wrapping_add(n) & counting).to_be_bytes())
                    .collect();
                let secret = Secret::from(&key[..]);
                let expected = whole(Algorithm::Aes, Mode::Ecb, Direction::Encrypt, &secret, &[], &counters).unwrap();
                let zeros = vec![0; counters.len()];
                prop_assert_eq!(&run(&key, bits, &first.to_be_bytes(), &zeros)[..], expected.expose());
                // In parts, and straight to where it goes.
                let mut ctr = begin(Direction::Decrypt, &key, bits, &first.to_be_bytes());
                let (mut out, mut rest) = (vec![9; zeros.len()], &zeros[..]);
                for cut in cuts.iter().chain([&usize::MAX]) {
                    let at = zeros.len() - rest.len();
                    let (part, after) = rest.split_at((*cut).min(rest.len()));
                    ctr.apply(part, &mut out[at..at + part.len()]).unwrap();
                    rest = after;
                }
                prop_assert_eq!(&out[..], expected.expose());
            }
        }
    }
}
