//! DSA and Diffie-Hellman (PKCS#11 v3.2 §6.2, §6.4): groups, key pairs, signatures, agreement.

use crate::crypto::field::{self, Domain};
use crate::crypto::hash::Hash;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::{Attributes, Key, Value, key};

use super::agreement::last;
use super::operation::{Act, Check, Intake};
use super::{Begun, Making, Mechanism, Params, ROW, Shape, Start};

const DSA: Mechanism = Mechanism { keys: &[CKK_DSA], sizes: (512, 3072), ..ROW };
const DH: Mechanism = Mechanism { keys: &[CKK_DH], sizes: (512, 8192), ..ROW };
const SIGN: Mechanism = Mechanism { sign: Some(sign), verify: Some(verify), ..DSA };

const fn dsa(id: CK_MECHANISM_TYPE, hash: Hash) -> Mechanism {
    Mechanism { id, hash: Some(hash), ..SIGN }
}

pub const ROWS: &[Mechanism] = &[
    Mechanism {
        id: CKM_DSA_PARAMETER_GEN,
        sizes: (1024, 3072),
        generate: Some(make_group),
        class: GROUP,
        ..DSA
    },
    Mechanism { id: CKM_DSA_KEY_PAIR_GEN, pair: Some(generate), ..DSA },
    Mechanism { id: CKM_DSA, ..SIGN },
    dsa(CKM_DSA_SHA1, Hash::Sha1),
    dsa(CKM_DSA_SHA224, Hash::Sha224),
    dsa(CKM_DSA_SHA256, Hash::Sha256),
    dsa(CKM_DSA_SHA384, Hash::Sha384),
    dsa(CKM_DSA_SHA512, Hash::Sha512),
    Mechanism { id: CKM_DH_PKCS_PARAMETER_GEN, generate: Some(make_group), class: GROUP, ..DH },
    Mechanism { id: CKM_DH_PKCS_KEY_PAIR_GEN, pair: Some(generate), ..DH },
    Mechanism { id: CKM_DH_PKCS_DERIVE, shape: Shape::Bytes, derive: Some(derive), ..DH },
];

const GROUP: CK_OBJECT_CLASS = CKO_DOMAIN_PARAMETERS;

fn make_group(making: &mut Making<'_>) -> Result<Attributes> {
    let bits = |attribute| making.template.ulong(attribute).and_then(|bits| usize::try_from(bits).ok());
    let size = bits(CKA_PRIME_BITS).unwrap_or(0);
    let domain = match making.row.keys {
        [CKK_DSA, ..] => {
            let usual =
                field::DSA_SIZES.iter().rfind(|(prime, _)| *prime == size).map(|(_, subprime)| *subprime);
            Domain::dsa(size, bits(CKA_SUBPRIME_BITS).or(usual).unwrap_or(0), making.fill)?
        }
        _ => Domain::dh(size)?,
    };
    Ok(key::field::group(&domain))
}

fn generate(making: &mut Making<'_>) -> Result<(Attributes, Attributes)> {
    let domain = key::field::domain(making.row.keys[0], making.template)?;
    let size = making.private.ulong(CKA_VALUE_BITS).and_then(|bits| usize::try_from(bits).ok());
    let (value, public) = field::generate(&domain, size, making.fill)?;
    let public = key::field::group(&domain).with(CKA_VALUE, Value::Bytes(public));
    Ok((public, key::field::private(&domain, value)))
}

/// Hashed when the mechanism is named after a hash, whole otherwise.
fn intake(start: &Start<'_>) -> Intake {
    start.row.hash.map_or_else(Intake::whole, |hash| Intake::Hashed(hash.start()))
}

/// A digest of the caller's is as long as one that exists (§6.2.8).
fn fits(data: &[u8]) -> Result<()> {
    match data.len() {
        20 | 28 | 32 | 48 | 64 => Ok(()),
        len => Err(Rv::DataLenRange.because(format!("{len} bytes: DSA signs 20, 28, 32, 48 or 64"))),
    }
}

fn sign(start: &Start<'_>) -> Result<Begun> {
    let Key::FieldPrivate(key) = start.key else { return Err(start.wrong_key()) };
    let (key, len) = (key.clone(), 2 * key.domain().subprime_size());
    let work = move |digest: &[u8]| {
        fits(digest)?;
        Ok(Secret::from(key.sign(digest)?))
    };
    Ok(Box::new(Act { intake: intake(start), work, len }))
}

fn verify(start: &Start<'_>) -> Result<Begun> {
    let Key::FieldPublic(key) = start.key else { return Err(start.wrong_key()) };
    let key = key.clone();
    let work = move |digest: &[u8], signature: &[u8]| {
        fits(digest)?;
        key.verify(digest, signature)
    };
    Ok(Box::new(Check { intake: intake(start), work }))
}

fn derive(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let Key::FieldPrivate(key) = start.key else { return Err(start.wrong_key()) };
    let Params::Bytes(peer) = start.params else {
        return Err(start.wrong_params("the peer's public value is needed"));
    };
    last(key.agree(peer)?, len)
}
