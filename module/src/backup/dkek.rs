//! The device key encryption key: put together from shares, known by its check value.

use std::fmt;
use std::str::FromStr;

use crate::crypto::{hash::Hash, kdf};
use crate::cryptoki::{Error, Result, Rv, Secret};

/// Bytes of a DKEK and of each share.
pub const LENGTH: usize = 32;

/// The key check value: the first eight bytes of the key's SHA-256, written as 16 upper-case digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kcv(pub [u8; 8]);

impl Kcv {
    /// Of a key, or of a single share.
    pub fn of(key: &Secret) -> Kcv {
        let hash = Hash::Sha256.digest(key.expose());
        Kcv(std::array::from_fn(|at| hash[at]))
    }
}

impl fmt::Display for Kcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl FromStr for Kcv {
    type Err = Error;

    /// Digits of either case; blanks and colons do not matter.
    fn from_str(text: &str) -> Result<Kcv> {
        let bytes = super::split::digits(text).ok().and_then(|bytes| bytes.expose().try_into().ok());
        bytes.map(Kcv).ok_or_else(|| {
            Rv::ArgumentsBad.because(format!("a key check value has 16 hexadecimal digits, not {text:?}"))
        })
    }
}

/// A complete DKEK.
#[derive(Clone, Debug)]
pub struct Dkek(Secret);

impl Dkek {
    /// From its 32 bytes.
    ///
    /// # Errors
    /// CKR_DATA_INVALID for another length, and for zeros: a share that was imported twice cancels itself out.
    pub fn new(key: Secret) -> Result<Dkek> {
        if key.len() != LENGTH {
            return Err(Rv::DataInvalid.because(format!("a DKEK has {LENGTH} bytes, not {}", key.len())));
        }
        match key == Secret::zeroed(LENGTH) {
            true => Err(Rv::DataInvalid.because(
                "the DKEK would be all zero: shares cancel each other out, as the same one twice does",
            )),
            false => Ok(Dkek(key)),
        }
    }

    /// What is written on every custodian's paper.
    pub fn kcv(&self) -> Kcv {
        Kcv::of(&self.0)
    }

    /// The key of the blobs' encryption.
    pub(super) fn encryption(&self) -> Secret {
        self.numbered(1)
    }

    /// The key of the blobs' CMAC.
    pub(super) fn authentication(&self) -> Secret {
        self.numbered(2)
    }

    /// A key for our own archives.
    pub(super) fn derive(&self, salt: &[u8], what: &str) -> Secret {
        kdf::hkdf_sha256(&self.0, salt, what.as_bytes(), 32)
    }

    fn numbered(&self, number: u32) -> Secret {
        let mut hasher = Hash::Sha256.start();
        hasher.update(self.0.expose());
        hasher.update(&number.to_be_bytes());
        hasher.finish().into()
    }
}

/// How it stands with a DKEK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// How many shares it is made of; 0 for one that the token drew itself.
    pub shares: u8,
    /// How many are still missing.
    pub missing: u8,
    /// Known when none is missing.
    pub kcv: Option<Kcv>,
}

/// What an import may do, and what it must lead to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Import {
    /// Take a share although the same one was imported before.
    pub repeated: bool,
    /// Refuse the last share when the DKEK would have another check value than this.
    pub expect: Option<Kcv>,
}

/// A DKEK in the making: the exclusive or of the shares so far, and which they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembly {
    shares: u8,
    sum: Secret,
    /// SHA-256 of each share imported, in order.
    seen: Vec<[u8; 32]>,
}

impl Assembly {
    /// Waits for so many shares.
    ///
    /// # Errors
    /// CKR_ARGUMENTS_BAD for none.
    pub fn of_shares(shares: u8) -> Result<Assembly> {
        match shares {
            0 => Err(Rv::ArgumentsBad.because("a DKEK has 1 to 255 shares")),
            _ => Ok(Assembly { shares, sum: Secret::zeroed(LENGTH), seen: Vec::new() }),
        }
    }

    /// A random DKEK without shares: what is wrapped under it is of use to nobody else.
    ///
    /// # Errors
    /// Those of the randomness.
    pub fn random(fill: &super::Fill) -> Result<Assembly> {
        let mut sum = Secret::zeroed(LENGTH);
        fill(sum.expose_mut())?;
        Ok(Assembly { shares: 0, sum, seen: Vec::new() })
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        let missing = self.missing();
        Status { shares: self.shares, missing, kcv: (missing == 0).then(|| Kcv::of(&self.sum)) }
    }

    fn missing(&self) -> u8 {
        // Each import is counted, and none beyond the last is taken.
        self.shares - self.seen.len() as u8
    }

    /// With one share more. On an error nothing has changed.
    ///
    /// # Errors
    /// CKR_ACTION_PROHIBITED when all shares are there, CKR_DATA_INVALID for a share that was imported before (unless
    /// it may be), for a DKEK of zeros, and for another check value than the expected one.
    pub fn add(&mut self, share: &Secret, import: Import) -> Result<Status> {
        if share.len() != LENGTH {
            return Err(Rv::DataInvalid.because(format!("a share has {LENGTH} bytes, not {}", share.len())));
        }
        if self.missing() == 0 {
            return Err(Rv::ActionProhibited
                .because(format!("all {} shares of the DKEK are imported already", self.shares)));
        }
        let print = fingerprint(share);
        if self.seen.contains(&print) && !import.repeated {
            return Err(Rv::DataInvalid
                .because("this share was imported before: twice the same cancel each other out"));
        }
        let mut next = self.clone();
        next.sum.expose_mut().iter_mut().zip(share.expose()).for_each(|(sum, byte)| *sum ^= byte);
        next.seen.push(print);
        if next.missing() == 0 {
            let kcv = Dkek::new(next.sum.clone())?.kcv();
            if let Some(expected) = import.expect.filter(|expected| *expected != kcv) {
                return Err(Rv::DataInvalid.because(format!(
                    "the DKEK would have the key check value {kcv}, not {expected}: one of the shares is wrong"
                )));
            }
        }
        *self = next;
        Ok(self.status())
    }

    /// The DKEK.
    ///
    /// # Errors
    /// CKR_KEY_NEEDED while shares are missing.
    pub fn dkek(&self) -> Result<Dkek> {
        match self.missing() {
            0 => Dkek::new(self.sum.clone()),
            n => Err(Rv::KeyNeeded.because(format!("the DKEK is not complete: {n} share(s) still missing"))),
        }
    }

    /// As bytes, to be sealed.
    pub fn encode(&self) -> Secret {
        let mut out = Vec::with_capacity(1 + LENGTH + 32 * self.seen.len());
        out.push(self.shares);
        out.extend_from_slice(self.sum.expose());
        self.seen.iter().for_each(|print| out.extend_from_slice(print));
        out.into()
    }

    /// From the bytes again; `None` when they are not [`Assembly::encode`]'s.
    pub fn decode(bytes: &Secret) -> Option<Assembly> {
        let (shares, rest) = bytes.expose().split_first()?;
        let (sum, rest) = rest.split_at_checked(LENGTH)?;
        let (seen, left) = rest.as_chunks::<32>();
        let sound = left.is_empty() && seen.len() <= usize::from(*shares);
        sound.then(|| Assembly { shares: *shares, sum: sum.into(), seen: seen.to_vec() })
    }
}

fn fingerprint(share: &Secret) -> [u8; 32] {
    let hash = Hash::Sha256.digest(share.expose());
    std::array::from_fn(|at| hash[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(hex: &str) -> Secret {
        hex::decode(hex).unwrap().into()
    }

    /// The design's sections 9 C and G: the last two are values that real devices printed.
    #[test]
    fn known_keys() {
        for (key, kcv, encryption, authentication) in [
            (
                "e0b941ac22a1849295bab976f667421555a86176f426d4a693fc4a3266aed74e",
                "16C0923B2DB63DAC",
                "e5327b63f4ed0c75d84df8c1c20462396bac313496331862c7917f86b8222a3d",
                "24522e46eb3dd4d3bd8f47a93cedcf73a444e68f92bcef0187593a4844035fe2",
            ),
            (
                "4444444444444444444444444444444444444444444444444444444444444444",
                "BB391415C05E39D7",
                "34423c9ab36899bd772d73da3e350709f009634946c288a7b5e8a248868ae9ff",
                "1392790984a79da93e797c0fd1919e16c9fe90d652a147df16186e6840e9f2eb",
            ),
            (
                "20b3ee1caba5eca7eceb6be51f11bd9a04f5fe9a6b0a1e0a8bc13074d32cf830",
                "0FB85F69F6EBF256",
                "6890320d25d318530c3ab5988e29d8df445e5f5ace223364f41000394614b763",
                "be9ba334e3a89e75e7e8308ae2c28df3ccc4fda8b805112e03ad0c3fd452e9a0",
            ),
        ] {
            let dkek = Dkek::new(secret(key)).unwrap();
            assert_eq!(dkek.kcv().to_string(), kcv);
            assert_eq!(dkek.encryption(), secret(encryption));
            assert_eq!(dkek.authentication(), secret(authentication));
            assert_eq!(kcv.to_lowercase().parse::<Kcv>().unwrap(), dkek.kcv());
        }
        assert!("16C0923B2DB63D".parse::<Kcv>().is_err() && "x".parse::<Kcv>().is_err());
    }

    #[test]
    fn shares_are_summed_in_any_order_and_counted() {
        let shares = [[0xa5; 32], [0xe1; 32], [7; 32]].map(|share| Secret::from(&share[..]));
        let mut kcvs = Vec::new();
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut assembly = Assembly::of_shares(3).unwrap();
            for (at, share) in order.into_iter().enumerate() {
                assert_eq!(assembly.dkek().unwrap_err().rv(), Rv::KeyNeeded);
                let status = assembly.add(&shares[share], Import::default()).unwrap();
                assert_eq!((status.shares, usize::from(status.missing)), (3, 2 - at));
                assert_eq!(status.kcv.is_some(), at == 2);
                assert_eq!(Assembly::decode(&assembly.encode()), Some(assembly.clone()));
            }
            kcvs.push(assembly.dkek().unwrap().kcv());
            let more = assembly.add(&secret(&"09".repeat(32)), Import::default());
            assert_eq!(more.unwrap_err().rv(), Rv::ActionProhibited);
        }
        assert!(kcvs.iter().all(|kcv| *kcv == kcvs[0]));
    }

    #[test]
    fn a_repeated_share_zeros_and_another_check_value_are_refused_and_change_nothing() {
        let share = Secret::from(&[0xa5; 32][..]);
        let mut assembly = Assembly::of_shares(2).unwrap();
        assembly.add(&share, Import::default()).unwrap();
        let before = assembly.clone();
        let twice = assembly.add(&share, Import::default()).unwrap_err();
        assert!(twice.why().contains("imported before"), "{twice}");
        let zero = assembly.add(&share, Import { repeated: true, expect: None }).unwrap_err();
        assert!(zero.why().contains("all zero"), "{zero}");
        let other = Import { repeated: false, expect: Some("16C0923B2DB63DAC".parse().unwrap()) };
        let refused = assembly.add(&Secret::from(&[0xe1; 32][..]), other).unwrap_err();
        assert!(refused.why().contains("BB391415C05E39D7"), "{refused}");
        assert!(refused.why().contains("16C0923B2DB63DAC"), "{refused}");
        assert_eq!(assembly, before);
        assembly.add(&Secret::from(&[0xe1; 32][..]), Import::default()).unwrap();
        assert_eq!(assembly.dkek().unwrap().kcv().to_string(), "BB391415C05E39D7");
    }

    #[test]
    fn damaged_bytes_are_no_assembly() {
        let mut assembly = Assembly::of_shares(1).unwrap();
        assembly.add(&Secret::from(&[1; 32][..]), Import::default()).unwrap();
        let bytes = assembly.encode();
        for end in 0..bytes.len() {
            let cut = Assembly::decode(&bytes.expose()[..end].into());
            assert!(cut.is_none() || end == 33, "{end}");
        }
        let mut few = bytes.expose().to_vec();
        few[0] = 0;
        assert_eq!(Assembly::decode(&few.into()), None);
    }
}
