//! Block modes of AES and DES, in parts: ECB, CBC with and without padding, OFB, CFB.

use super::awslc::{Evp, Stream};
pub use super::ctr::Ctr;
pub use super::gcm::Gcm;
use crate::cryptoki::{Error, Result, Rv, Secret};

/// Bytes of a block of AES.
const BLOCK: usize = 16;

/// A block cipher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    Aes,
    /// DES, and triple DES with two or three keys: 8, 16 or 24 bytes. The parity bits are not looked at.
    Des,
}

impl Algorithm {
    /// Bytes of a block.
    pub const fn block(self) -> usize {
        match self {
            Algorithm::Aes => BLOCK,
            Algorithm::Des => 8,
        }
    }

    /// The key as the engine takes it. `CKR_KEY_SIZE_RANGE` for a length the cipher does not have.
    pub(super) fn key(self, key: &Secret) -> Result<Secret> {
        match (self, key.len()) {
            (Algorithm::Aes, _) => check_key(key).map(|()| key.clone()),
            (Algorithm::Des, 8 | 24) => Ok(key.clone()),
            // The first key comes again as the third.
            (Algorithm::Des, 16) => Ok([key.expose(), &key.expose()[..8]].concat().into()),
            (Algorithm::Des, _) => Err(Rv::KeySizeRange.because("a DES key has 8, 16 or 24 bytes")),
        }
    }
}

/// A mode of operation (SP 800-38A).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// No IV.
    Ecb,
    /// An IV of a block.
    Cbc,
    /// CBC with the padding of PKCS#7 (RFC 5652 §6.3).
    CbcPad,
    /// Output feedback (AES): a 16-byte IV, any length of data.
    Ofb,
    /// Cipher feedback of 1, 8 or 128 bits (AES): a 16-byte IV, any length of data.
    Cfb1,
    Cfb8,
    Cfb128,
}

impl Mode {
    /// The engine for it.
    fn engine(self, algorithm: Algorithm) -> Result<Evp> {
        Ok(match (algorithm, self) {
            (Algorithm::Aes, Mode::Ecb) => Evp::Ecb,
            (Algorithm::Aes, Mode::Cbc | Mode::CbcPad) => Evp::Cbc,
            (Algorithm::Aes, Mode::Ofb) => Evp::Ofb,
            (Algorithm::Aes, Mode::Cfb1) => Evp::Cfb1,
            (Algorithm::Aes, Mode::Cfb8) => Evp::Cfb8,
            (Algorithm::Aes, Mode::Cfb128) => Evp::Cfb128,
            (Algorithm::Des, Mode::Ecb) => Evp::DesEcb,
            (Algorithm::Des, Mode::Cbc | Mode::CbcPad) => Evp::DesCbc,
            (Algorithm::Des, _) => {
                return Err(Rv::MechanismInvalid.because("DES runs in ECB and CBC only"));
            }
        })
    }

    /// Whether as many bytes come out as went in, whatever their number.
    fn streams(self) -> bool {
        matches!(self, Mode::Ofb | Mode::Cfb1 | Mode::Cfb8 | Mode::Cfb128)
    }
}

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Encrypt,
    Decrypt,
}

/// A running encryption or decryption.
pub struct Cipher {
    mode: Mode,
    /// Bytes of a block.
    block: usize,
    direction: Direction,
    stream: Stream,
    /// Bytes taken whose block has not come out yet.
    held: usize,
}

impl Cipher {
    /// Begins. `CKR_KEY_SIZE_RANGE` for a key of a length the algorithm does not have, `CKR_MECHANISM_PARAM_INVALID` for
    /// an IV that is not a block (none for ECB).
    pub fn new(
        algorithm: Algorithm,
        mode: Mode,
        direction: Direction,
        key: &Secret,
        iv: &[u8],
    ) -> Result<Cipher> {
        let (key, engine, block) = (algorithm.key(key)?, mode.engine(algorithm)?, algorithm.block());
        let wanted = if mode == Mode::Ecb { 0 } else { block };
        if iv.len() != wanted {
            return Err(Rv::MechanismParamInvalid
                .because(format!("the IV must have {wanted} bytes, not {}", iv.len())));
        }
        let encrypt = direction == Direction::Encrypt;
        let stream = Stream::new(engine, encrypt, mode == Mode::CbcPad, key.expose(), iv);
        Ok(Cipher { mode, block, direction, stream: stream.ok_or_else(failed)?, held: 0 })
    }

    /// Takes the next part; exactly `room(data.len())` bytes go to the end of `out`.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if self.mode.streams() {
            return self.stream.update(data, out).ok_or_else(failed);
        }
        let room = self.room(data.len());
        let before = out.len();
        self.stream.update(data, out).ok_or_else(failed)?;
        debug_assert_eq!(out.len() - before, room);
        self.held = self.held + data.len() - room;
        Ok(())
    }

    /// All of the data of a fresh cipher, the answer straight to `out`: how many bytes it has. None when the mode holds
    /// bytes back, or `out` is too short; nothing is done then.
    pub fn straight(&mut self, data: &[u8], out: &mut [u8]) -> Option<Result<usize>> {
        let whole = self.mode != Mode::CbcPad && data.len().is_multiple_of(self.block);
        let can = self.mode.streams() || whole;
        (can && data.len() <= out.len()).then(|| self.stream.straight(data, out).ok_or_else(failed))
    }

    /// Ends: the last block, if the mode has one. Without padding the data must have been whole blocks
    /// (`CKR_DATA_LEN_RANGE`, `CKR_ENCRYPTED_DATA_LEN_RANGE`); bad padding is `CKR_ENCRYPTED_DATA_INVALID`.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let ragged = match self.mode {
            Mode::CbcPad if self.direction == Direction::Encrypt => false,
            Mode::CbcPad => self.held != self.block,
            Mode::Ecb | Mode::Cbc => self.held != 0,
            _ => return Ok(()),
        };
        if ragged {
            let rv = match self.direction {
                Direction::Encrypt => Rv::DataLenRange,
                Direction::Decrypt => Rv::EncryptedDataLenRange,
            };
            return Err(rv.because(format!("the data must be whole blocks of {} bytes", self.block)));
        }
        self.stream
            .finish(out)
            .ok_or_else(|| Rv::EncryptedDataInvalid.because("the padding is not that of PKCS#7"))
    }

    /// How many bytes `update` of `n` bytes gives, exactly.
    pub fn room(&self, n: usize) -> usize {
        let all = self.held.saturating_add(n);
        match (self.mode, self.direction) {
            (mode, _) if mode.streams() => n,
            // The last block may be padding, and waits for what follows.
            (Mode::CbcPad, Direction::Decrypt) => all.saturating_sub(1) / self.block * self.block,
            _ => all / self.block * self.block,
        }
    }

    /// How many bytes `update` of `n` bytes and `finish` give together, at most.
    pub fn final_room(&self, n: usize) -> usize {
        let all = self.held.saturating_add(n);
        match (self.mode, self.direction) {
            (mode, _) if mode.streams() => n,
            (Mode::CbcPad, Direction::Encrypt) => (all / self.block * self.block).saturating_add(self.block),
            _ => all,
        }
    }
}

/// All of the data at once.
///
/// # Errors
/// Those of the cipher.
pub fn whole(
    algorithm: Algorithm,
    mode: Mode,
    direction: Direction,
    key: &Secret,
    iv: &[u8],
    data: &[u8],
) -> Result<Secret> {
    let mut cipher = Cipher::new(algorithm, mode, direction, key, iv)?;
    let mut out = Vec::with_capacity(data.len() + 48);
    cipher.update(data, &mut out).and_then(|()| cipher.finish(&mut out)).map(|()| Secret::from(out))
}

/// `CKR_KEY_SIZE_RANGE` unless it is an AES key.
pub(super) fn check_key(key: &Secret) -> Result<()> {
    match key.len() {
        16 | 24 | 32 => Ok(()),
        _ => Err(Rv::KeySizeRange.because("an AES key has 16, 24 or 32 bytes")),
    }
}

pub(super) fn failed() -> Error {
    Rv::FunctionFailed.because("the cipher could not run")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVERY: [Mode; 7] =
        [Mode::Ecb, Mode::Cbc, Mode::CbcPad, Mode::Ofb, Mode::Cfb1, Mode::Cfb8, Mode::Cfb128];

    fn unhex(hex: &str) -> Vec<u8> {
        hex::decode(hex).unwrap()
    }

    fn begin(mode: Mode, direction: Direction, key: &[u8], iv: &[u8]) -> Cipher {
        let iv = if mode == Mode::Ecb { &[] } else { iv };
        Cipher::new(Algorithm::Aes, mode, direction, &Secret::from(key), iv).unwrap()
    }

    fn run(mode: Mode, direction: Direction, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        let (mut cipher, mut out) = (begin(mode, direction, key, iv), Vec::new());
        let most = cipher.final_room(data.len());
        cipher.update(data, &mut out)?;
        cipher.finish(&mut out)?;
        assert!(out.len() <= most);
        Ok(out)
    }

    fn refused<T>(result: Result<T>) -> Rv {
        result.err().expect("must be refused").rv()
    }

    /// SP 800-38A F.1.1, F.2.1 and F.5.1 (AES-128), F.2.3 (AES-192), F.5.5 (AES-256), first blocks.
    #[test]
    fn published_blocks() {
        let (plain, iv) = ("6bc1bee22e409f96e93d7e117393172a", "000102030405060708090a0b0c0d0e0f");
        let k128 = "2b7e151628aed2a6abf7158809cf4f3c";
        let k192 = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
        for (mode, key, iv, cipher) in [
            (Mode::Ecb, k128, iv, "3ad77bb40d7a3660a89ecaf32466ef97"),
            (Mode::Cbc, k128, iv, "7649abac8119b246cee98e9b12e9197d"),
            (Mode::Cbc, k192, iv, "4f021db243bc633d7178183a9fa071e8"),
        ] {
            let (key, iv, plain, cipher) = (unhex(key), unhex(iv), unhex(plain), unhex(cipher));
            assert_eq!(run(mode, Direction::Encrypt, &key, &iv, &plain).unwrap(), cipher, "{mode:?}");
            assert_eq!(run(mode, Direction::Decrypt, &key, &iv, &cipher).unwrap(), plain, "{mode:?}");
        }
    }

    #[test]
    fn bad_parameters_have_their_codes() {
        let new = |mode, key: usize, iv: usize| {
            Cipher::new(Algorithm::Aes, mode, Direction::Encrypt, &Secret::zeroed(key), &vec![0; iv])
        };
        for key in [0, 8, 15, 17, 33, 64] {
            assert_eq!(refused(new(Mode::Cbc, key, 16)), Rv::KeySizeRange);
        }
        for (mode, iv) in [(Mode::Ecb, 16), (Mode::Cbc, 0), (Mode::CbcPad, 15)] {
            assert_eq!(refused(new(mode, 16, iv)), Rv::MechanismParamInvalid);
        }
    }

    #[test]
    fn ragged_data_and_bad_padding_have_their_codes() {
        let (key, iv) = ([1; 16], [2; 16]);
        for mode in [Mode::Ecb, Mode::Cbc] {
            assert_eq!(refused(run(mode, Direction::Encrypt, &key, &iv, &[0; 17])), Rv::DataLenRange);
            assert_eq!(
                refused(run(mode, Direction::Decrypt, &key, &iv, &[0; 15])),
                Rv::EncryptedDataLenRange
            );
            assert_eq!(run(mode, Direction::Decrypt, &key, &iv, &[]).unwrap(), []);
        }
        for len in [0, 15, 17] {
            assert_eq!(
                refused(run(Mode::CbcPad, Direction::Decrypt, &key, &iv, &vec![0; len])),
                Rv::EncryptedDataLenRange
            );
        }
        for last in [0, 17, 255, 2] {
            let sealed =
                run(Mode::Cbc, Direction::Encrypt, &key, &iv, &[&[0; 15][..], &[last]].concat()).unwrap();
            assert_eq!(
                refused(run(Mode::CbcPad, Direction::Decrypt, &key, &iv, &sealed)),
                Rv::EncryptedDataInvalid
            );
        }
    }

    proptest! {
        #[test]
        fn parts_give_what_the_whole_gives(
            key: [u8; 32], iv: [u8; 16], blocks in prop::collection::vec(any::<[u8; 16]>(), 0..8), cuts in prop::collection::vec(0usize..129, 0..6)
        ) {
            let data = blocks.concat();
            for mode in EVERY {
                let whole = run(mode, Direction::Encrypt, &key, &iv, &data).unwrap();
                prop_assert_eq!(&run(mode, Direction::Decrypt, &key, &iv, &whole).unwrap(), &data);
                for (direction, from, to) in [(Direction::Encrypt, &data, &whole), (Direction::Decrypt, &whole, &data)] {
                    let (mut cipher, mut out, mut rest) = (begin(mode, direction, &key, &iv), Vec::new(), &from[..]);
                    for cut in cuts.iter().chain([&usize::MAX]) {
                        let (part, after) = rest.split_at((*cut).min(rest.len()));
                        let (room, before) = (cipher.room(part.len()), out.len());
                        cipher.update(part, &mut out).unwrap();
                        prop_assert_eq!(out.len() - before, room);
                        rest = after;
                    }
                    cipher.finish(&mut out).unwrap();
                    prop_assert_eq!(&out, to);
                }
            }
        }

        #[test]
        fn padding_takes_any_length(key: [u8; 16], iv: [u8; 16], data: Vec<u8>) {
            let sealed = run(Mode::CbcPad, Direction::Encrypt, &key, &iv, &data).unwrap();
            prop_assert_eq!(sealed.len(), data.len() / 16 * 16 + 16);
            prop_assert_eq!(run(Mode::CbcPad, Direction::Decrypt, &key, &iv, &sealed).unwrap(), data);
        }
    }
}
