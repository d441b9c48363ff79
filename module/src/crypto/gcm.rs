//! AES-GCM with any IV and tag length, in parts; what is decrypted stays here until its tag was good.

use zeroize::Zeroize;

use super::awslc::{Evp, Stream};
use super::cipher::{Direction, check_key, failed};
use crate::cryptoki::{Error, Result, Rv, Secret};

/// A running AES-GCM encryption or decryption (SP 800-38D). The tag stands behind the ciphertext (PKCS#11 v3.2 §6.13.4).
pub struct Gcm {
    stream: Stream,
    direction: Direction,
    /// Bytes of the tag.
    tag: usize,
    /// Decryption: the last bytes so far, which may be the tag.
    tail: Vec<u8>,
    /// Decryption: plaintext whose tag has not been seen.
    plain: Vec<u8>,
}

impl Gcm {
    /// Begins. `CKR_KEY_SIZE_RANGE` for a key that is not 16, 24 or 32 bytes, `CKR_MECHANISM_PARAM_INVALID` for an empty
    /// IV or a tag that is not 32, 64, 96, 104, 112, 120 or 128 bits.
    pub fn new(direction: Direction, key: &Secret, iv: &[u8], aad: &[u8], tag_bits: usize) -> Result<Gcm> {
        check_key(key)?;
        if !matches!(tag_bits, 32 | 64 | 96 | 104 | 112 | 120 | 128) {
            return Err(
                Rv::MechanismParamInvalid.because("ulTagBits must be 32, 64, or 96 to 128 in steps of 8")
            );
        }
        if iv.is_empty() {
            return Err(Rv::MechanismParamInvalid.because("GCM needs an IV of at least one byte"));
        }
        let stream = Stream::new(Evp::Gcm, direction == Direction::Encrypt, false, key.expose(), iv);
        let mut stream = stream.ok_or_else(failed)?;
        if !aad.is_empty() {
            stream.authenticate(aad).ok_or_else(failed)?;
        }
        Ok(Gcm { stream, direction, tag: tag_bits / 8, tail: Vec::new(), plain: Vec::new() })
    }

    /// Takes the next part; exactly `room(data.len())` bytes go to the end of `out`: as many as came when encrypting,
    /// none when decrypting.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self.direction {
            Direction::Encrypt => {
                // Room for the tag too, so that a message in one piece is allocated once.
                out.try_reserve_exact(data.len().saturating_add(48)).map_err(|_| Rv::HostMemory)?;
                self.stream.update(data, out).ok_or_else(too_long)
            }
            Direction::Decrypt => self.hold(data),
        }
    }

    /// All of the message at once, the answer straight to `out`: how many bytes it has. None when decrypting, or when `out` is
    /// too short; nothing is done then.
    pub fn straight(&mut self, data: &[u8], out: &mut [u8]) -> Option<Result<usize>> {
        let whole = data.len().checked_add(self.tag)?;
        let can = self.direction == Direction::Encrypt && whole <= out.len();
        can.then(|| {
            let sealed = self.stream.straight(data, out).filter(|len| *len == data.len());
            sealed.ok_or_else(too_long)?;
            let mut tag = Vec::with_capacity(self.tag);
            self.finish(&mut tag)?;
            out[data.len()..whole].copy_from_slice(&tag);
            Ok(whole)
        })
    }

    /// Decrypts into `plain` all but the last bytes, which may be the tag.
    fn hold(&mut self, data: &[u8]) -> Result<()> {
        let all = self.tail.len() + data.len();
        let ready = all.saturating_sub(self.tag);
        let from_tail = ready.min(self.tail.len());
        let from_data = ready - from_tail;
        self.grow(ready)?;
        let long = || Rv::EncryptedDataLenRange.because("too much data for one GCM message");
        self.stream.update(&self.tail[..from_tail], &mut self.plain).ok_or_else(long)?;
        self.stream.update(&data[..from_data], &mut self.plain).ok_or_else(long)?;
        self.tail.drain(..from_tail);
        self.tail.extend_from_slice(&data[from_data..]);
        Ok(())
    }

    /// Makes room for `more` bytes of plaintext, and leaves none behind where it stood.
    fn grow(&mut self, more: usize) -> Result<()> {
        let needed = self.plain.len().saturating_add(more).saturating_add(64);
        if self.plain.capacity() < needed {
            let wanted = if self.plain.is_empty() {
                needed
            } else {
                needed.max(self.plain.capacity().saturating_mul(2))
            };
            let mut larger = Vec::new();
            larger.try_reserve_exact(wanted).map_err(|_| Rv::HostMemory)?;
            larger.extend_from_slice(&self.plain);
            std::mem::replace(&mut self.plain, larger).zeroize();
        }
        Ok(())
    }

    /// Ends: gives the tag, or checks it and gives the plaintext. `CKR_ENCRYPTED_DATA_INVALID` for a wrong tag,
    /// `CKR_ENCRYPTED_DATA_LEN_RANGE` for data shorter than one; nothing is given then.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.direction {
            Direction::Encrypt => {
                self.stream.finish(out).ok_or_else(failed)?;
                let tag = self.stream.tag().ok_or_else(failed)?;
                out.extend_from_slice(&tag[..self.tag]);
            }
            Direction::Decrypt => {
                if self.tail.len() != self.tag {
                    return Err(Rv::EncryptedDataLenRange.because("the data are shorter than the tag"));
                }
                self.stream.expect(&self.tail).ok_or_else(failed)?;
                let good = self.stream.finish(&mut self.plain);
                good.ok_or_else(|| {
                    Rv::EncryptedDataInvalid.because("the tag does not fit key, IV, data and ciphertext")
                })?;
                if out.is_empty() {
                    std::mem::swap(out, &mut self.plain);
                } else {
                    out.extend_from_slice(&self.plain);
                }
            }
        }
        Ok(())
    }

    /// How many bytes `update` of `n` bytes gives, exactly.
    pub fn room(&self, n: usize) -> usize {
        match self.direction {
            Direction::Encrypt => n,
            Direction::Decrypt => 0,
        }
    }

    /// How many bytes `update` of `n` bytes and `finish` give together.
    pub fn final_room(&self, n: usize) -> usize {
        match self.direction {
            Direction::Encrypt => n.saturating_add(self.tag),
            Direction::Decrypt => {
                (self.plain.len() + self.tail.len()).saturating_add(n).saturating_sub(self.tag)
            }
        }
    }
}

fn too_long() -> Error {
    Rv::DataLenRange.because("too much data for one GCM message")
}

impl Drop for Gcm {
    fn drop(&mut self) {
        self.plain.zeroize();
    }
}

/// A running AES-GMAC (SP 800-38D §3): GCM that only authenticates. A tag has 16 bytes.
pub struct Gmac(Stream);

impl Gmac {
    /// Begins. `CKR_KEY_SIZE_RANGE`, `CKR_MECHANISM_PARAM_INVALID` for an empty IV.
    pub fn new(key: &Secret, iv: &[u8]) -> Result<Gmac> {
        check_key(key)?;
        if iv.is_empty() {
            return Err(Rv::MechanismParamInvalid.because("GMAC needs an IV of at least one byte"));
        }
        Stream::new(Evp::Gcm, true, false, key.expose(), iv).map(Gmac).ok_or_else(failed)
    }

    /// Takes the next part.
    pub fn update(&mut self, data: &[u8]) -> Result<()> {
        match data {
            [] => Ok(()),
            _ => self.0.authenticate(data).ok_or_else(|| Rv::DataLenRange.because("too much data for GMAC")),
        }
    }

    /// The tag over all parts.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        self.0.finish(&mut Vec::new()).ok_or_else(failed)?;
        Ok(self.0.tag().ok_or_else(failed)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(
        direction: Direction,
        key: &[u8],
        iv: &[u8],
        aad: &[u8],
        tag_bits: usize,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        let mut gcm = Gcm::new(direction, &Secret::from(key), iv, aad, tag_bits)?;
        let (room, mut out) = (gcm.final_room(data.len()), Vec::new());
        gcm.update(data, &mut out)?;
        if let Err(error) = gcm.finish(&mut out) {
            assert!(
                direction == Direction::Encrypt || out.is_empty(),
                "nothing leaves before the tag was good"
            );
            return Err(error);
        }
        assert_eq!(out.len(), room);
        Ok(out)
    }

    fn refused<T>(result: Result<T>) -> Rv {
        result.err().expect("must be refused").rv()
    }

    /// McGrew and Viega, test cases 4 (96-bit IV), 5 (64-bit IV) and 6 (480-bit IV), AES-128.
    #[test]
    fn published_messages() {
        let unhex = |hex: &str| hex::decode(hex).unwrap();
        let key = unhex("feffe9928665731c6d6a8f9467308308");
        let aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain = unhex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        for (iv, tag) in [
            ("cafebabefacedbaddecaf888", "5bc94fbc3221a5db94fae95ae7121a47"),
            ("cafebabefacedbad", "3612d2e79e3b0785561be14aaca2fccb"),
            (
                "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b",
                "619cc5aefffe0bfa462af43c1699d050",
            ),
        ] {
            let sealed = run(Direction::Encrypt, &key, &unhex(iv), &aad, 128, &plain).unwrap();
            assert_eq!(hex::encode(&sealed[plain.len()..]), tag);
            assert_eq!(run(Direction::Decrypt, &key, &unhex(iv), &aad, 128, &sealed).unwrap(), plain);
        }
    }

    #[test]
    fn bad_parameters_have_their_codes() {
        let new = |key: usize, iv: usize, tag| {
            Gcm::new(Direction::Encrypt, &Secret::zeroed(key), &vec![0; iv], b"", tag)
        };
        for key in [0, 15, 31, 33] {
            assert_eq!(refused(new(key, 12, 128)), Rv::KeySizeRange);
        }
        assert_eq!(refused(new(16, 0, 128)), Rv::MechanismParamInvalid);
        for tag in [0, 8, 16, 40, 88, 100, 127, 136, usize::MAX] {
            assert_eq!(refused(new(16, 12, tag)), Rv::MechanismParamInvalid);
        }
    }

    #[test]
    fn whatever_is_changed_gives_nothing() {
        let (key, iv) = ([1; 32], [2; 12]);
        for tag_bits in [32, 64, 96, 104, 112, 120, 128] {
            let sealed = run(Direction::Encrypt, &key, &iv, b"aad", tag_bits, b"plaintext").unwrap();
            assert_eq!(sealed.len(), 9 + tag_bits / 8);
            let open = |aad: &[u8], data: &[u8]| run(Direction::Decrypt, &key, &iv, aad, tag_bits, data);
            assert_eq!(open(b"aad", &sealed).unwrap(), b"plaintext");
            assert_eq!(refused(open(b"", &sealed)), Rv::EncryptedDataInvalid);
            for at in 0..sealed.len() {
                let mut bad = sealed.clone();
                bad[at] ^= 0x80;
                assert_eq!(refused(open(b"aad", &bad)), Rv::EncryptedDataInvalid);
            }
            assert_eq!(refused(open(b"aad", &sealed[..tag_bits / 8 - 1])), Rv::EncryptedDataLenRange);
        }
    }

    proptest! {
        #[test]
        fn parts_give_what_the_whole_gives(
            key: [u8; 24], iv in prop::collection::vec(any::<u8>(), 1..80), aad: Vec<u8>, data: Vec<u8>,
            cuts in prop::collection::vec(0usize..40, 0..8)
        ) {
            let whole = run(Direction::Encrypt, &key, &iv, &aad, 128, &data).unwrap();
            for (direction, from, to) in [(Direction::Encrypt, &data, &whole), (Direction::Decrypt, &whole, &data)] {
                let mut gcm = Gcm::new(direction, &Secret::from(&key[..]), &iv, &aad, 128).unwrap();
                let (mut out, mut rest) = (Vec::new(), &from[..]);
                for cut in cuts.iter().chain([&usize::MAX]) {
                    let (part, after) = rest.split_at((*cut).min(rest.len()));
                    let (room, before) = (gcm.room(part.len()), out.len());
                    gcm.update(part, &mut out).unwrap();
                    prop_assert_eq!(out.len() - before, room);
                    rest = after;
                }
                gcm.finish(&mut out).unwrap();
                prop_assert_eq!(&out, to);
            }
        }

        #[test]
        fn agrees_with_the_envelope(key: [u8; 32], iv: [u8; 12], aad: Vec<u8>, data: Vec<u8>) {
            let sealer = super::super::seal::Sealer::new(&Secret::from(&key[..]));
            let sealed = run(Direction::Encrypt, &key, &iv, &aad, 128, &data).unwrap();
            prop_assert_eq!(sealed, sealer.seal(&iv, &aad, &data));
        }
    }
}
