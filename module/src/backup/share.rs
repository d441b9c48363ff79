//! Share files (`*.pbe`): 32 bytes under a password, in the 64 bytes that `sc-hsm-tool` writes.
//!
//! `Salted__ | salt 8 | AES-256-CBC(share 32 | 16 × 10)`, key and IV by ten million rounds of MD5. There is no MAC: a
//! damaged file may give a wrong share, which only the check value of the finished DKEK tells.

use crate::crypto::cipher::{Algorithm, Cipher, Direction, Mode};
use crate::crypto::kdf::{self, Progress};
use crate::crypto::mac;
use crate::cryptoki::{Error, Result, Rv, Secret};

use super::Fill;
use super::dkek::LENGTH;

/// Bytes of a file; more are ignored, as the real tool does.
pub const FILE: usize = 64;
/// The shortest password that people should choose, in bytes; files with shorter ones are read.
pub const PASSWORD_MIN: usize = 6;

const MAGIC: &[u8; 8] = b"Salted__";
const ROUNDS: u32 = 10_000_000;
/// A whole block of padding, all of which is checked: a wrong password passes once in 2^128 times.
const PADDING: [u8; 16] = [16; 16];

/// A share file as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareFile {
    salt: [u8; 8],
    body: [u8; 48],
}

/// The key and IV that a password and a salt give.
#[derive(Clone, Debug)]
pub struct Cover(Secret);

impl ShareFile {
    /// Reads a file.
    ///
    /// # Errors
    /// CKR_DATA_LEN_RANGE when it is too short, CKR_DATA_INVALID when it is no share file.
    pub fn read(bytes: &[u8]) -> Result<ShareFile> {
        let short = || {
            Rv::DataLenRange.because(format!("a DKEK share file has {FILE} bytes, this one {}", bytes.len()))
        };
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
        if magic != MAGIC {
            return Err(
                Rv::DataInvalid.because("the file is not a DKEK share: it does not begin with Salted__")
            );
        }
        let (salt, rest) = rest.split_first_chunk().ok_or_else(short)?;
        let body = rest.first_chunk().ok_or_else(short)?;
        Ok(ShareFile { salt: *salt, body: *body })
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        [&MAGIC[..], &self.salt, &self.body].concat()
    }

    /// What opens the file if the password is right. Takes seconds.
    pub fn cover(&self, password: &Secret, progress: &mut Progress) -> Cover {
        Cover(kdf::bytes_to_key(password, &self.salt, ROUNDS, 48, progress))
    }

    /// The share.
    ///
    /// # Errors
    /// CKR_ENCRYPTED_DATA_INVALID for a wrong password, and for most damaged files.
    pub fn open(&self, cover: &Cover) -> Result<Secret> {
        let plain = cover.run(Direction::Decrypt, &self.body)?;
        let (share, padding) = plain.expose().split_at_checked(LENGTH).ok_or_else(wrong)?;
        match mac::equal(padding, &PADDING) {
            true => Ok(share.into()),
            false => Err(wrong()),
        }
    }

    /// A share under a password, with a fresh salt. Takes seconds.
    ///
    /// # Errors
    /// Those of the randomness, and CKR_DATA_LEN_RANGE for a share of another length.
    pub fn seal(
        share: &Secret,
        password: &Secret,
        fill: &Fill,
        progress: &mut Progress,
    ) -> Result<ShareFile> {
        let mut file = ShareFile { salt: [0; 8], body: [0; 48] };
        fill(&mut file.salt)?;
        let cover = file.cover(password, progress);
        file.put(share, &cover)?;
        Ok(file)
    }

    /// A new random share under a password: the file and the share.
    ///
    /// # Errors
    /// Those of the randomness.
    pub fn create(password: &Secret, fill: &Fill, progress: &mut Progress) -> Result<(ShareFile, Secret)> {
        let mut share = Secret::zeroed(LENGTH);
        fill(share.expose_mut())?;
        Ok((ShareFile::seal(&share, password, fill, progress)?, share))
    }

    fn put(&mut self, share: &Secret, cover: &Cover) -> Result<()> {
        let mut plain = Secret::zeroed(LENGTH + PADDING.len());
        if share.len() != LENGTH {
            return Err(Rv::DataLenRange.because(format!("a share has {LENGTH} bytes, not {}", share.len())));
        }
        plain.expose_mut()[..LENGTH].copy_from_slice(share.expose());
        plain.expose_mut()[LENGTH..].copy_from_slice(&PADDING);
        let sealed = cover.run(Direction::Encrypt, plain.expose())?;
        self.body.copy_from_slice(sealed.expose());
        Ok(())
    }
}

impl Cover {
    fn run(&self, direction: Direction, data: &[u8]) -> Result<Secret> {
        let (key, iv) = self.0.expose().split_at(32);
        let mut out = Vec::with_capacity(data.len() + 32);
        let mut cipher = Cipher::new(Algorithm::Aes, Mode::Cbc, direction, &key.into(), iv)?;
        cipher.update(data, &mut out)?;
        cipher.finish(&mut out)?;
        Ok(out.into())
    }
}

fn wrong() -> Error {
    Rv::EncryptedDataInvalid
        .because("the DKEK share does not open: the password is wrong, or the file is damaged")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    impl Cover {
        /// What was derived before, so that tests need not spend the seconds.
        pub fn known(bytes: Secret) -> Cover {
            assert_eq!(bytes.len(), 48);
            Cover(bytes)
        }
    }

    /// The design's worked example, parts A and B.
    #[test]
    fn the_worked_examples_are_written_and_read_bit_by_bit() {
        for (salt, cover, share, file) in [
            (
                "0102030405060708",
                "9c2c483395b38e92ecb194d81ab38cc350d1bc4188180894fd65149b66698d1c596fbfb26c61edcc98f9473d4f0de5cb",
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                "53616c7465645f5f01020304050607083bdb02451ea36d1a98e1e1e20ae71a0a4cea88548eec4c901b1873aa193aaae88ff894f5a42e2130bcd6e9543fbc273d",
            ),
            (
                "a1a2a3a4a5a6a7a8",
                "ba82eb26bb636ee170ccbb6968b8cbe81b2fe83e39a396c06a57cc5f710f3b695a9c1cf8e29faa3a03d2312eed995d4f",
                "e0b843af26a482959db3b37dfa6a4c1a45b97365e033c2b18be550297ab3c951",
                "53616c7465645f5fa1a2a3a4a5a6a7a898ca22ec0741388c14242ff0063ca1734efe52e27d323a543710394e951eec6ec5d70b7d4dccb410a40fb8cbd3ed3aad",
            ),
        ] {
            let [salt, cover, share, file] = [salt, cover, share, file].map(|hex| hex::decode(hex).unwrap());
            let cover = Cover::known(cover.into());
            let mut written = ShareFile { salt: salt.try_into().unwrap(), body: [0; 48] };
            written.put(&share.clone().into(), &cover).unwrap();
            assert_eq!(written.bytes(), file);
            let longer = [&file[..], b"more"].concat();
            assert_eq!(ShareFile::read(&longer).unwrap(), written);
            assert_eq!(written.open(&cover).unwrap().expose(), share);
            let other = Cover::known(Secret::zeroed(48));
            assert_eq!(written.open(&other).unwrap_err().rv(), Rv::EncryptedDataInvalid);
        }
    }

    /// The one test that spends all ten million rounds three times.
    #[test]
    fn a_password_of_the_real_tool_opens_its_share() {
        let file = super::super::fixtures::file("dkek2-share1.pbe");
        let mut told = 0;
        let share = ShareFile::read(&file).unwrap();
        let cover = share.cover(&b"correct horse 1"[..].into(), &mut |done, total| {
            assert!(told < done && done <= total && total == 30_000_000);
            told = done;
        });
        assert_eq!(told, 30_000_000);
        assert_eq!(
            hex::encode(share.open(&cover).unwrap().expose()),
            "d01f919d17c410a9cb9c07cac51deb714799e91d504a3b7128e1c4a9dc9f4b1b"
        );
    }
}
