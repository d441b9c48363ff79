//! Post-quantum private keys as PKCS#8 (RFC 9881, RFC 9935, RFC 9909).

use super::ec::{open_pkcs8, pkcs8};
use super::pq::{Family, Pair, Set};
use super::tlv::{self, Elements};
use crate::cryptoki::{Error, Result, Rv, Secret};

/// `[0]` IMPLICIT OCTET STRING: the seed alone.
const SEED: u8 = 0x80;

/// PrivateKeyInfo: of a lattice key the seed and the expanded key, or the latter alone where no seed is known; of an
/// SLH-DSA key its bytes.
pub fn to_pkcs8(pair: &Pair) -> Secret {
    let expanded = || tlv::put(tlv::OCTET_STRING, &[pair.private.expose()]);
    let key = match (&pair.seed, pair.set.family()) {
        (_, Family::SlhDsa) => pair.private.clone(),
        (None, _) => expanded(),
        (Some(seed), _) => {
            let seed = tlv::put(tlv::OCTET_STRING, &[seed.expose()]);
            tlv::put(tlv::SEQUENCE, &[seed.expose(), expanded().expose()])
        }
    };
    pkcs8(&[pair.set.oid()], &key)
}

/// The key pair of a PKCS#8 key of a family, in any of the forms of its RFC. `CKR_WRAPPED_KEY_INVALID` when it is not one or
/// its halves contradict each other, `CKR_KEY_TYPE_INCONSISTENT` for a key of another kind.
pub fn from_pkcs8(family: Family, der: &[u8]) -> Result<Pair> {
    let bad =
        || -> Error { Rv::WrappedKeyInvalid.because("the key is not a PKCS#8 private key of its algorithm") };
    let (oid, parameters, key) = open_pkcs8(der).ok_or_else(bad)?;
    let set = Set::by_oid(family, oid)
        .ok_or_else(|| Rv::KeyTypeInconsistent.because("the PKCS#8 key is of another algorithm"))?;
    let invalid = |error: Error| Rv::WrappedKeyInvalid.because(error.why().to_owned());
    if !parameters.is_empty() {
        return Err(bad());
    }
    if family == Family::SlhDsa {
        return Pair::from_private(set, &key.into()).map_err(invalid);
    }
    let (seed, expanded) = halves(key).ok_or_else(bad)?;
    let pair = match (seed, expanded) {
        (Some(seed), _) => Pair::from_seed(set, &seed.into()).map_err(invalid)?,
        (None, Some(expanded)) => Pair::from_private(set, &expanded.into()).map_err(invalid)?,
        (None, None) => return Err(bad()),
    };
    match expanded.is_none_or(|expanded| pair.private == Secret::from(expanded)) {
        true => Ok(pair),
        false => Err(Rv::WrappedKeyInvalid.because("the expanded key does not come from the seed")),
    }
}

/// The seed and the expanded key, of which one may be missing.
type Halves<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

fn halves(key: &[u8]) -> Option<Halves<'_>> {
    let mut whole = Elements::new(key)?;
    let halves = match whole.tag()? {
        SEED => (Some(whole.take(SEED)?), None),
        tlv::OCTET_STRING => (None, Some(whole.take(tlv::OCTET_STRING)?)),
        tlv::SEQUENCE => {
            let mut both = whole.sequence()?;
            let halves = (Some(both.take(tlv::OCTET_STRING)?), Some(both.take(tlv::OCTET_STRING)?));
            both.done().then_some(halves)?
        }
        _ => return None,
    };
    whole.done().then_some(halves)
}
