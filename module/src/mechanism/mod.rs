//! The mechanism table: one file per family, rows first, then the work.
//!
//! A row carries data and implementation: from it come C_GetMechanismList and C_GetMechanismInfo, the reading of
//! the parameter, the checks of key type, size and usage, and the work itself.

pub mod aes;
pub mod agreement;
pub mod block_mac;
pub mod chacha;
pub mod derivation;
pub mod des;
pub mod digest;
pub mod dkek;
pub mod ec;
pub mod edwards;
pub mod encrypt_data;
pub mod field;
pub mod hashes;
pub mod kdf;
pub mod key_wrap;
pub mod message;
pub mod operation;
pub mod otp;
pub mod params;
pub mod pq;
pub mod profile;
pub mod rsa;
pub mod secret;
pub mod tls;
#[cfg(test)]
mod trial;

use std::borrow::Cow;

use crate::crypto::Fill;
use crate::crypto::hash::Hash;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret, names};
use crate::emulation::Emulation;
use crate::object::{Attributes, Key};

pub use derivation::{Brood, Heir, Yield};
pub use operation::{Begun, Operation};
pub use params::{Choice, Params, Shape};
pub use profile::Profile;

/// What an operation begins with: its row, the caller's parameter, and the key.
pub struct Start<'a> {
    pub row: &'static Mechanism,
    pub params: &'a Params,
    pub key: &'a Key,
    /// Where randomness comes from.
    pub emulation: &'a Emulation,
}

/// What a key is generated with: its row, the caller's parameter, the judged templates, randomness.
pub struct Making<'a> {
    pub row: &'static Mechanism,
    pub params: &'a Params,
    /// The template of the secret key, or of the public key of a pair.
    pub template: &'a Attributes,
    /// The template of the private key of a pair; empty for a secret key.
    pub private: &'a Attributes,
    pub fill: &'a mut Fill<'a>,
}

/// Begins an operation with a key.
pub type Begin = fn(&Start<'_>) -> Result<Begun>;
/// Turns the bytes of a key into a wrapped key, or back.
pub type Transform = fn(&Start<'_>, &[u8]) -> Result<Secret>;

/// Begins a digest, which has no key.
pub type Digest = fn(&'static Mechanism, &Params) -> Result<Begun>;
/// Gives the derived bytes: of that length when one is asked, else all there are.
pub type Derive = fn(&Start<'_>, Option<usize>) -> Result<Secret>;
/// Gives a ciphertext and the shared secret in it.
pub type Encapsulate = fn(&Start<'_>) -> Result<(Vec<u8>, Secret)>;
/// Makes a key: what the token adds to the template.
pub type Generate = fn(&mut Making<'_>) -> Result<Attributes>;
/// Makes a key pair: what the token adds to the public and to the private template.
pub type Pair = fn(&mut Making<'_>) -> Result<(Attributes, Attributes)>;

/// In what a key's size is counted (C_GetMechanismInfo's ulMinKeySize and ulMaxKeySize).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bits,
    Bytes,
}

impl Unit {
    /// How many bits one is.
    pub fn bits(self) -> u64 {
        match self {
            Unit::Bits => 1,
            Unit::Bytes => 8,
        }
    }
}

/// A row of the table.
pub struct Mechanism {
    pub id: CK_MECHANISM_TYPE,
    /// Types of keys it works with, or makes; the first is the default of generation.
    pub keys: &'static [CK_KEY_TYPE],
    /// Smallest and largest key; 0 and 0 where keys have no size.
    pub sizes: (u64, u64),
    pub unit: Unit,
    pub shape: Shape,
    /// The hash that the mechanism is named after.
    pub hash: Option<Hash>,
    /// The class of what `generate` makes.
    pub class: CK_OBJECT_CLASS,
    /// Flags beside those that follow from what the row offers.
    pub flags: CK_FLAGS,
    pub digest: Option<Digest>,
    pub sign: Option<Begin>,
    pub verify: Option<Begin>,
    pub sign_recover: Option<Begin>,
    pub verify_recover: Option<Begin>,
    pub encrypt: Option<Begin>,
    pub decrypt: Option<Begin>,
    pub wrap: Option<Transform>,
    pub unwrap: Option<Transform>,
    /// A key to be wrapped is filled up with zeros to a multiple of so many bytes (§6.10.4, §6.16.3.1).
    pub fill: usize,
    /// Wraps and unwraps a key with what belongs to it, not its bytes: the work of the api room.
    pub whole: bool,
    pub derive: Option<Derive>,
    /// The same for what makes several keys, or answers through its parameter too.
    pub brood: Option<Brood>,
    /// The class of what is derived.
    pub gives: CK_OBJECT_CLASS,
    /// What a derived key has of its base.
    pub heir: Heir,
    pub encapsulate: Option<Encapsulate>,
    pub decapsulate: Option<Transform>,
    pub generate: Option<Generate>,
    pub pair: Option<Pair>,
}

/// A row that offers nothing, to build rows on.
pub const ROW: Mechanism = Mechanism {
    id: 0,
    keys: &[],
    sizes: (0, 0),
    unit: Unit::Bits,
    shape: Shape::None,
    hash: None,
    class: CKO_SECRET_KEY,
    flags: 0,
    digest: None,
    sign: None,
    verify: None,
    sign_recover: None,
    verify_recover: None,
    encrypt: None,
    decrypt: None,
    wrap: None,
    unwrap: None,
    fill: 1,
    whole: false,
    derive: None,
    brood: None,
    gives: CKO_SECRET_KEY,
    heir: Heir::Free,
    encapsulate: None,
    decapsulate: None,
    generate: None,
    pair: None,
};

/// The families with their names, in the order of C_GetMechanismList.
pub const FAMILIES: &[(&str, &[Mechanism])] = &[
    ("RSA", rsa::ROWS),
    ("Elliptic curves", ec::ROWS),
    ("Edwards and Montgomery curves", edwards::ROWS),
    ("Agreement on curves", agreement::ROWS),
    ("DSA and Diffie-Hellman", field::ROWS),
    ("Post-quantum", pq::ROWS),
    ("AES", aes::ROWS),
    ("Key wrapping by AES", key_wrap::ROWS),
    ("MACs of block ciphers", block_mac::ROWS),
    ("Keys from encrypted data", encrypt_data::ROWS),
    ("DES", des::ROWS),
    ("ChaCha20 and Poly1305", chacha::ROWS),
    ("Digests, HMACs, keys from digests", digest::ROWS),
    ("Key derivation", kdf::ROWS),
    ("TLS 1.0 to 1.2", tls::ROWS),
    ("One-time passwords", otp::ROWS),
    ("Generic secrets", secret::ROWS),
    ("Backup", dkek::ROWS),
];

/// Every mechanism.
pub fn all() -> impl Iterator<Item = &'static Mechanism> {
    FAMILIES.iter().flat_map(|(_, rows)| rows.iter())
}

/// How many there are.
const COUNT: usize = {
    let (mut family, mut count) = (0, 0);
    while family < FAMILIES.len() {
        count += FAMILIES[family].1.len();
        family += 1;
    }
    count
};

/// The same rows in the order of their numbers, sorted when the table is compiled.
static SORTED: [&Mechanism; COUNT] = {
    let mut sorted = [&ROW; COUNT];
    let (mut family, mut count) = (0, 0);
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].1.len() {
            let mut at = count;
            while at > 0 && sorted[at - 1].id > FAMILIES[family].1[row].id {
                sorted[at] = sorted[at - 1];
                at -= 1;
            }
            assert!(at == 0 || sorted[at - 1].id != FAMILIES[family].1[row].id, "a mechanism has two rows");
            sorted[at] = &FAMILIES[family].1[row];
            (row, count) = (row + 1, count + 1);
        }
        family += 1;
    }
    sorted
};

/// The row of a mechanism.
///
/// # Errors
/// CKR_MECHANISM_INVALID when there is none.
pub fn find(id: CK_MECHANISM_TYPE) -> Result<&'static Mechanism> {
    let place = SORTED.binary_search_by_key(&id, |row| row.id);
    place.map(|place| SORTED[place]).map_err(|_| {
        Rv::MechanismInvalid.because(format!("{} is not offered by this token", names::mechanism(id)))
    })
}

/// Which parameter a mechanism takes.
///
/// # Errors
/// CKR_MECHANISM_INVALID when there is no such mechanism.
pub fn shape(id: CK_MECHANISM_TYPE) -> Result<Shape> {
    find(id).map(|row| row.shape)
}

impl Mechanism {
    /// The standard's name.
    pub fn name(&self) -> Cow<'static, str> {
        names::mechanism(self.id)
    }

    /// The CKF_ flags: what the row offers, and the ones it adds.
    pub fn offers(&self) -> CK_FLAGS {
        [
            (self.encrypt.is_some(), CKF_ENCRYPT),
            (self.decrypt.is_some(), CKF_DECRYPT),
            (self.digest.is_some(), CKF_DIGEST),
            (self.sign.is_some(), CKF_SIGN),
            (self.sign_recover.is_some(), CKF_SIGN_RECOVER),
            (self.verify.is_some(), CKF_VERIFY),
            (self.verify_recover.is_some(), CKF_VERIFY_RECOVER),
            (self.generate.is_some(), CKF_GENERATE),
            (self.pair.is_some(), CKF_GENERATE_KEY_PAIR),
            (self.wrap.is_some() || self.whole, CKF_WRAP),
            (self.unwrap.is_some() || self.whole, CKF_UNWRAP),
            (self.derive.is_some() || self.brood.is_some(), CKF_DERIVE),
            (self.encapsulate.is_some(), CKF_ENCAPSULATE),
            (self.decapsulate.is_some(), CKF_DECAPSULATE),
            (message::serves(self.shape) && self.encrypt.is_some(), CKF_MESSAGE_ENCRYPT | CKF_MULTI_MESSAGE),
            (message::serves(self.shape) && self.decrypt.is_some(), CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE),
            (message::signs(self.shape) && self.sign.is_some(), CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE),
            (message::signs(self.shape) && self.verify.is_some(), CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE),
        ]
        .iter()
        .filter(|(offered, _)| *offered)
        .fold(self.flags, |flags, (_, flag)| flags | flag)
    }

    /// Checks that a key is of a type and size this mechanism works with.
    ///
    /// # Errors
    /// CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE.
    pub fn suits(&self, key_type: CK_KEY_TYPE, key: &Key) -> Result<()> {
        if !self.keys.contains(&key_type) {
            return Err(self.wrong_type(key_type));
        }
        let size = key.bits() as u64 / self.unit.bits();
        let (min, max) = self.sizes;
        if max > 0 && !(min..=max).contains(&size) {
            return Err(Rv::KeySizeRange.because(format!(
                "{} works with keys of {min} to {max} {:?}, this one has {size}",
                self.name(),
                self.unit
            )));
        }
        Ok(())
    }

    fn wrong_type(&self, key_type: CK_KEY_TYPE) -> Error {
        let wants: Vec<_> = self.keys.iter().map(|wanted| names::key_type(*wanted)).collect();
        Rv::KeyTypeInconsistent.because(format!(
            "{} wants a key of {}, this one is of {}",
            self.name(),
            wants.join(" or "),
            names::key_type(key_type)
        ))
    }
}

impl Start<'_> {
    /// The refusal of a key of the wrong class: a public key to sign with, say.
    pub fn wrong_key(&self) -> Error {
        Rv::KeyTypeInconsistent
            .because(format!("the key is of a class that {} cannot use here", self.row.name()))
    }

    /// Whether a signature is to have fresh randomness in it, as its parameter or the settings say.
    ///
    /// # Errors
    /// CKR_MECHANISM_PARAM_INVALID.
    pub fn hedged(&self, variant: CK_HEDGE_TYPE) -> Result<bool> {
        match variant {
            CKH_HEDGE_PREFERRED => Ok(!self.emulation.deterministic()),
            CKH_HEDGE_REQUIRED => Ok(true),
            CKH_DETERMINISTIC_REQUIRED => Ok(false),
            _ => Err(self.wrong_params(format!("hedgeVariant {variant:#x} is none of the standard"))),
        }
    }

    /// The refusal of a parameter.
    pub fn wrong_params(&self, why: impl std::fmt::Display) -> Error {
        Rv::MechanismParamInvalid.because(format!("{}: {why}", self.row.name()))
    }
}

#[cfg(test)]
mod tests;
