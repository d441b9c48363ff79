//! Post-quantum mechanisms (PKCS#11 v3.2 §6.67 – §6.69): ML-DSA, SLH-DSA, ML-KEM.

use crate::crypto::hash::Hash;
use crate::crypto::pq;
use crate::crypto::prehash::Prehash;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::{Attributes, Key, key};

use super::operation::{Act, Check, Intake};
use super::{Begun, Making, Mechanism, Params, ROW, Shape, Start, Unit, hashes};

/// Sizes are those of public keys in bytes, as other tokens count them.
const ML_DSA: Mechanism = Mechanism { keys: &[CKK_ML_DSA], sizes: (1312, 2592), unit: Unit::Bytes, ..ROW };
const SLH_DSA: Mechanism = Mechanism { keys: &[CKK_SLH_DSA], sizes: (32, 64), ..ML_DSA };
const ML_KEM: Mechanism = Mechanism { keys: &[CKK_ML_KEM], sizes: (800, 1568), ..ML_DSA };

const fn signing(id: CK_MECHANISM_TYPE, base: Mechanism) -> Mechanism {
    Mechanism { id, shape: Shape::SignContext, sign: Some(sign), verify: Some(verify), ..base }
}

const fn hashed(id: CK_MECHANISM_TYPE, hash: Hash, base: Mechanism) -> Mechanism {
    Mechanism { hash: Some(hash), ..signing(id, base) }
}

/// Over a digest that the caller made, of the hash named in the parameter.
const fn of_digest(id: CK_MECHANISM_TYPE, base: Mechanism) -> Mechanism {
    Mechanism { shape: Shape::HashSignContext, ..signing(id, base) }
}

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_ML_DSA_KEY_PAIR_GEN, pair: Some(generate), ..ML_DSA },
    signing(CKM_ML_DSA, ML_DSA),
    of_digest(CKM_HASH_ML_DSA, ML_DSA),
    hashed(CKM_HASH_ML_DSA_SHA224, Hash::Sha224, ML_DSA),
    hashed(CKM_HASH_ML_DSA_SHA256, Hash::Sha256, ML_DSA),
    hashed(CKM_HASH_ML_DSA_SHA384, Hash::Sha384, ML_DSA),
    hashed(CKM_HASH_ML_DSA_SHA512, Hash::Sha512, ML_DSA),
    hashed(CKM_HASH_ML_DSA_SHA3_224, Hash::Sha3_224, ML_DSA),
    hashed(CKM_HASH_ML_DSA_SHA3_256, Hash::Sha3_256, ML_DSA),
    hashed(CKM_HASH_ML_DSA_SHA3_384, Hash::Sha3_384, ML_DSA),
    hashed(CKM_HASH_ML_DSA_SHA3_512, Hash::Sha3_512, ML_DSA),
    signing(CKM_HASH_ML_DSA_SHAKE128, ML_DSA),
    signing(CKM_HASH_ML_DSA_SHAKE256, ML_DSA),
    Mechanism { id: CKM_SLH_DSA_KEY_PAIR_GEN, pair: Some(generate), ..SLH_DSA },
    signing(CKM_SLH_DSA, SLH_DSA),
    of_digest(CKM_HASH_SLH_DSA, SLH_DSA),
    hashed(CKM_HASH_SLH_DSA_SHA224, Hash::Sha224, SLH_DSA),
    hashed(CKM_HASH_SLH_DSA_SHA256, Hash::Sha256, SLH_DSA),
    hashed(CKM_HASH_SLH_DSA_SHA384, Hash::Sha384, SLH_DSA),
    hashed(CKM_HASH_SLH_DSA_SHA512, Hash::Sha512, SLH_DSA),
    hashed(CKM_HASH_SLH_DSA_SHA3_224, Hash::Sha3_224, SLH_DSA),
    hashed(CKM_HASH_SLH_DSA_SHA3_256, Hash::Sha3_256, SLH_DSA),
    hashed(CKM_HASH_SLH_DSA_SHA3_384, Hash::Sha3_384, SLH_DSA),
    hashed(CKM_HASH_SLH_DSA_SHA3_512, Hash::Sha3_512, SLH_DSA),
    signing(CKM_HASH_SLH_DSA_SHAKE128, SLH_DSA),
    signing(CKM_HASH_SLH_DSA_SHAKE256, SLH_DSA),
    Mechanism { id: CKM_ML_KEM_KEY_PAIR_GEN, pair: Some(generate), ..ML_KEM },
    Mechanism { id: CKM_ML_KEM, encapsulate: Some(encapsulate), decapsulate: Some(decapsulate), ..ML_KEM },
];

fn generate(making: &mut Making<'_>) -> Result<(Attributes, Attributes)> {
    let pair = pq::generate(key::pq::set(making.row.keys[0], making.template)?, making.fill)?;
    Ok((key::pq::public(pair.set, &pair.public), key::pq::private(pair)))
}

/// The hash that a row is named after.
fn prehash(row: &Mechanism) -> Option<Prehash> {
    match row.id {
        CKM_HASH_ML_DSA_SHAKE128 | CKM_HASH_SLH_DSA_SHAKE128 => Some(Prehash::Shake128),
        CKM_HASH_ML_DSA_SHAKE256 | CKM_HASH_SLH_DSA_SHAKE256 => Some(Prehash::Shake256),
        _ => row.hash.map(Prehash::Hash),
    }
}

/// How a signature is made, out of the row and the parameter.
struct Way {
    intake: Option<Intake>,
    /// What stands before the message or its digest: 0 or 1, the context with its length, the hash's OID.
    prefix: Vec<u8>,
    /// Bytes that a digest of the caller's must have.
    digest: Option<usize>,
    hedged: bool,
}

impl Way {
    fn of(start: &Start<'_>) -> Result<Way> {
        let (hedge, context, given) = match start.params {
            Params::None => (CKH_HEDGE_PREFERRED, &[][..], None),
            Params::SignContext { hedge, context, hash } => (*hedge, &context[..], *hash),
            _ => return Err(start.wrong_params("a CK_SIGN_ADDITIONAL_CONTEXT is needed, or none")),
        };
        let len = u8::try_from(context.len())
            .map_err(|_| start.wrong_params("a context has at most 255 bytes (FIPS 204, FIPS 205)"))?;
        let hedged = start.hedged(hedge)?;
        let named = prehash(start.row);
        let given = given.map(hashes::by_digest).transpose()?.map(Prehash::Hash);
        let hash = named.or(given);
        let oid = match hash {
            Some(hash) => hash.oid().ok_or_else(|| start.wrong_params("no such hash for this signature"))?,
            None => &[],
        };
        let prefix = [&[u8::from(hash.is_some()), len], context, oid].concat();
        let intake = named.map(|hash| match hash {
            Prehash::Hash(hash) => Intake::Hashed(hash.start()),
            shake => Intake::Prehashed(shake.start()),
        });
        Ok(Way { intake, prefix, digest: given.map(Prehash::len), hedged })
    }

    /// Refuses a digest that is not one of the hash named in the parameter.
    fn check(digest: Option<usize>, data: &[u8]) -> Result<()> {
        match digest {
            Some(len) if len != data.len() => Err(Rv::DataLenRange.because(format!(
                "{} bytes of data, but the hash named in the parameter gives {len}",
                data.len()
            ))),
            _ => Ok(()),
        }
    }
}

fn sign(start: &Start<'_>) -> Result<Begun> {
    let Key::PqPrivate(key) = start.key else { return Err(start.wrong_key()) };
    let Way { intake, prefix, digest, hedged } = Way::of(start)?;
    let (key, mut random) = (key.clone(), Secret::zeroed(key.set().hedge_size()));
    // Drawn here: an operation signs once.
    start.emulation.fill(random.expose_mut())?;
    let len = key.set().output_size();
    let work = move |data: &[u8]| {
        Way::check(digest, data)?;
        Ok(key.sign(&[&prefix, data], hedged.then_some(random.expose()))?.into())
    };
    Ok(Box::new(Act { intake: intake.unwrap_or_else(Intake::whole), work, len }))
}

fn verify(start: &Start<'_>) -> Result<Begun> {
    let Key::PqPublic(key) = start.key else { return Err(start.wrong_key()) };
    let (key, Way { intake, prefix, digest, .. }) = (key.clone(), Way::of(start)?);
    let work = move |data: &[u8], signature: &[u8]| {
        Way::check(digest, data)?;
        key.verify(&[&prefix, data], signature)
    };
    Ok(Box::new(Check { intake: intake.unwrap_or_else(Intake::whole), work }))
}

fn encapsulate(start: &Start<'_>) -> Result<(Vec<u8>, Secret)> {
    let Key::PqPublic(key) = start.key else { return Err(start.wrong_key()) };
    key.encapsulate(&mut |bytes| start.emulation.fill(bytes))
}

fn decapsulate(start: &Start<'_>, ciphertext: &[u8]) -> Result<Secret> {
    let Key::PqPrivate(key) = start.key else { return Err(start.wrong_key()) };
    key.decapsulate(ciphertext).map_err(super::secret::not_a_key)
}
