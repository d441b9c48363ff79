//! Profiles: which mechanisms, keys and parameters are off, as tables.

use crate::crypto::ec::Curve;
use crate::crypto::hash::Hash;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, names};
use crate::object::{Attributes, Sort};

use super::{Mechanism, Params};

/// What is off, by the rules of its tables; what no rule names is on.
pub struct Profile {
    pub name: &'static str,
    rules: &'static [Rule],
    floors: &'static [Floor],
    /// Digests that no parameter of a new signature names.
    digests: &'static [CK_MECHANISM_TYPE],
}

/// Some uses of the mechanisms that fit all three columns; an empty column fits every mechanism.
struct Rule {
    mechanisms: &'static [CK_MECHANISM_TYPE],
    /// The types of keys that they work with are all among these.
    keys: &'static [CK_KEY_TYPE],
    /// They are named after one of these.
    hashes: &'static [Hash],
    uses: CK_FLAGS,
    why: &'static str,
}

/// Keys of these types have at least so many bits: of the modulus, of p, of the curve, of the secret.
struct Floor {
    keys: &'static [CK_KEY_TYPE],
    bits: u64,
    why: &'static str,
}

/// Whatever a mechanism does.
const EVERY: CK_FLAGS = CKF_DIGEST | PROTECT | PROCESS;
/// What protects something new.
const PROTECT: CK_FLAGS = CKF_ENCRYPT
    | CKF_SIGN
    | CKF_SIGN_RECOVER
    | CKF_GENERATE
    | CKF_GENERATE_KEY_PAIR
    | CKF_WRAP
    | CKF_DERIVE
    | CKF_ENCAPSULATE;
/// What reads what was protected before.
const PROCESS: CK_FLAGS = CKF_DECRYPT | CKF_VERIFY | CKF_VERIFY_RECOVER | CKF_UNWRAP | CKF_DECAPSULATE;
/// The message functions go with those of one message.
const MESSAGES: [(CK_FLAGS, CK_FLAGS); 4] = [
    (CKF_ENCRYPT, CKF_MESSAGE_ENCRYPT),
    (CKF_DECRYPT, CKF_MESSAGE_DECRYPT),
    (CKF_SIGN, CKF_MESSAGE_SIGN),
    (CKF_VERIFY, CKF_MESSAGE_VERIFY),
];

const ANY: Rule = Rule { mechanisms: &[], keys: &[], hashes: &[], uses: EVERY, why: "" };

/// The profiles; the first is the one that nobody asked for.
pub static PROFILES: &[Profile] = &[
    Profile { name: "open", rules: &[], floors: &[], digests: &[] },
    Profile {
        name: "modern",
        rules: &[
            Rule { hashes: &[Hash::Md5], why: "MD5 has collisions (RFC 6151)", ..ANY },
            Rule { keys: &[CKK_DES], why: "DES has keys of 56 bits", ..ANY },
            Rule {
                keys: &[CKK_DES, CKK_DES2, CKK_DES3],
                uses: PROTECT,
                why: "triple DES only opens what it closed (SP 800-131A)",
                ..ANY
            },
            Rule {
                keys: &[CKK_RSA, CKK_EC, CKK_DSA],
                hashes: &[Hash::Sha1],
                uses: CKF_SIGN,
                why: "SHA-1 signs nothing new (SP 800-131A)",
                ..ANY
            },
            Rule { keys: &[CKK_DSA], uses: PROTECT, why: "DSA only verifies (FIPS 186-5)", ..ANY },
            Rule {
                mechanisms: &[
                    CKM_TLS_MASTER_KEY_DERIVE,
                    CKM_TLS_MASTER_KEY_DERIVE_DH,
                    CKM_TLS_KEY_AND_MAC_DERIVE,
                    crate::cryptoki::vendor::CKM_TLS_PRF_GENERAL,
                ],
                why: "TLS 1.0 and 1.1 are over (RFC 8996)",
                ..ANY
            },
        ],
        floors: &[
            Floor {
                keys: &[CKK_RSA, CKK_DSA, CKK_DH],
                bits: 2048,
                why: "less than 112 bits of strength (SP 800-57)",
            },
            Floor { keys: &[CKK_EC], bits: 256, why: "less than 128 bits of strength (SP 800-57)" },
            Floor {
                keys: &[CKK_DES, CKK_DES2],
                bits: 192,
                why: "DES has keys of 56 bits, or of two times 56",
            },
        ],
        digests: &[CKM_SHA_1, CKM_MD5],
    },
];

impl Default for &'static Profile {
    fn default() -> &'static Profile {
        &PROFILES[0]
    }
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Rule {
    fn fits(&self, row: &Mechanism) -> bool {
        let keys = || !row.keys.is_empty() && row.keys.iter().all(|kind| self.keys.contains(kind));
        (self.mechanisms.is_empty() || self.mechanisms.contains(&row.id))
            && (self.keys.is_empty() || keys())
            && (self.hashes.is_empty() || row.hash.is_some_and(|hash| self.hashes.contains(&hash)))
    }
}

impl Profile {
    /// The profile of this name.
    ///
    /// # Errors
    /// CKR_ARGUMENTS_BAD when there is none.
    pub fn named(name: &str) -> Result<&'static Profile> {
        PROFILES.iter().find(|profile| profile.name == name).ok_or_else(|| {
            let names: Vec<_> = PROFILES.iter().map(|profile| profile.name).collect();
            Rv::ArgumentsBad.because(format!("there is no profile {name:?}: there are {}", names.join(", ")))
        })
    }

    /// The rows that are not off altogether.
    pub fn all(&self) -> impl Iterator<Item = &'static Mechanism> + use<'_> {
        super::all().filter(|row| self.offers(row) & EVERY != 0)
    }

    /// The row of a mechanism for one of its uses, a CKF_; for 0 whatever is left of it.
    ///
    /// # Errors
    /// CKR_MECHANISM_INVALID when there is no such mechanism, or that use of it is off.
    pub fn find(&self, id: CK_MECHANISM_TYPE, usage: CK_FLAGS) -> Result<&'static Mechanism> {
        let row = super::find(id)?;
        let mut rules = self.rules.iter().filter(|rule| rule.fits(row));
        let off = match usage {
            0 => rules.next().filter(|_| self.offers(row) & EVERY == 0),
            usage => rules.find(|rule| rule.uses & usage != 0),
        };
        match off {
            Some(rule) => Err(Rv::MechanismInvalid.because(format!(
                "profile {} turns this use of {} off: {}",
                self.name,
                row.name(),
                rule.why
            ))),
            None => Ok(row),
        }
    }

    /// The CKF_ flags of a row, without what is off.
    pub fn offers(&self, row: &Mechanism) -> CK_FLAGS {
        let off = self.rules.iter().filter(|rule| rule.fits(row)).fold(0, |off, rule| off | rule.uses);
        let mut flags = row.offers() & !off;
        for (_, message) in MESSAGES.iter().filter(|(single, _)| off & single != 0) {
            flags &= !message;
        }
        if MESSAGES.iter().all(|(_, message)| flags & message == 0) {
            flags &= !CKF_MULTI_MESSAGE;
        }
        flags
    }

    /// Smallest and largest key of a row, in its own unit.
    pub fn sizes(&self, row: &Mechanism) -> (u64, u64) {
        let least = row.keys.iter().map(|kind| self.floor(*kind).map_or(0, |floor| floor.bits)).min();
        let least = least.unwrap_or(0) / row.unit.bits();
        match row.sizes {
            (min, max) if max > 0 => (min.max(least).min(max), max),
            none => none,
        }
    }

    fn floor(&self, kind: CK_KEY_TYPE) -> Option<&'static Floor> {
        self.floors.iter().find(|floor| floor.keys.contains(&kind))
    }

    /// Whether a key of this type and so many bits works here.
    ///
    /// # Errors
    /// CKR_KEY_SIZE_RANGE.
    pub fn suits(&self, kind: CK_KEY_TYPE, bits: usize) -> Result<()> {
        match self.floor(kind).filter(|floor| (bits as u64) < floor.bits) {
            Some(floor) => Err(self.too_small(Rv::KeySizeRange, floor, kind, bits as u64)),
            None => Ok(()),
        }
    }

    /// Whether a key or a group with these attributes may come to be here; of a template, as far as it tells its size.
    ///
    /// # Errors
    /// CKR_CURVE_NOT_SUPPORTED, CKR_KEY_SIZE_RANGE.
    pub fn admits(&self, attributes: &Attributes) -> Result<()> {
        let kind = Sort::of(attributes).kind;
        match self.floor(kind).zip(bits(attributes)) {
            Some((floor, bits)) if bits < floor.bits => {
                let rv = if kind == CKK_EC { Rv::CurveNotSupported } else { Rv::KeySizeRange };
                Err(self.too_small(rv, floor, kind, bits))
            }
            _ => Ok(()),
        }
    }

    fn too_small(&self, rv: Rv, floor: &Floor, kind: CK_KEY_TYPE, bits: u64) -> Error {
        rv.because(format!(
            "profile {} wants keys of {} to have {} bits or more, this one has {bits}: {}",
            self.name,
            names::key_type(kind),
            floor.bits,
            floor.why
        ))
    }

    /// Whether a parameter is good for a use, a CKF_.
    ///
    /// # Errors
    /// CKR_MECHANISM_PARAM_INVALID.
    pub fn permits(&self, usage: CK_FLAGS, params: &Params) -> Result<()> {
        let named = match params {
            Params::Pss { hash, .. } | Params::SignContext { hash: Some(hash), .. } => *hash,
            _ => return Ok(()),
        };
        match usage == CKF_SIGN && self.digests.contains(&named) {
            true => Err(Rv::MechanismParamInvalid.because(format!(
                "profile {} signs nothing new with {}",
                self.name,
                names::mechanism(named)
            ))),
            false => Ok(()),
        }
    }
}

/// The size of a key or of a group, as its attributes or its template tell it.
fn bits(attributes: &Attributes) -> Option<u64> {
    let number = |attribute| {
        let bytes = attributes.bytes(attribute)?;
        Some(8 * bytes.len() as u64 - u64::from(bytes.first()?.leading_zeros()))
    };
    let curve = || Curve::from_params(attributes.bytes(CKA_EC_PARAMS)?).ok();
    number(CKA_MODULUS)
        .or_else(|| number(CKA_PRIME))
        .or_else(|| attributes.ulong(CKA_MODULUS_BITS))
        .or_else(|| attributes.ulong(CKA_PRIME_BITS))
        .or_else(|| curve().map(|curve| curve.bits() as u64))
        .or_else(|| attributes.bytes(CKA_VALUE).map(|value| 8 * value.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_profile_is_the_table_as_it_stands() {
        let open = <&Profile>::default();
        assert_eq!(open.all().count(), super::super::all().count());
        for row in super::super::all() {
            assert_eq!((open.offers(row), open.sizes(row)), (row.offers(), row.sizes), "{}", row.name());
            assert!(open.find(row.id, 0).is_ok());
        }
        assert_eq!(Profile::named("ancient").unwrap_err().rv(), Rv::ArgumentsBad);
    }

    #[test]
    fn every_rule_turns_something_off_and_every_floor_lifts_something() {
        for profile in PROFILES {
            for rule in profile.rules {
                let fits = super::super::all().any(|row| rule.fits(row) && row.offers() & rule.uses != 0);
                assert!(fits && !rule.why.is_empty(), "{}: {}", profile.name, rule.why);
            }
            for floor in profile.floors {
                let lifts = super::super::all().any(|row| {
                    row.keys.iter().any(|kind| floor.keys.contains(kind))
                        && row.sizes.0 * row.unit.bits() < floor.bits
                });
                assert!(lifts && !floor.why.is_empty(), "{}: {}", profile.name, floor.why);
            }
        }
    }
}
