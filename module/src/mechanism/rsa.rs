//! RSA (PKCS#11 v3.2 §6.1): PKCS #1 v1.5, X.509 raw, PSS and OAEP.

use std::sync::Arc;

use crate::crypto::hash::Hash;
use crate::crypto::rsa::{self, PrivateKey, PublicKey};
use crate::crypto::wrap::{self, Wrap};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::{Attributes, Key, Value, key};

use super::operation::{Act, Check, Intake, run};
use super::{Begun, Making, Mechanism, Params, ROW, Shape, Start, hashes, secret};

const RSA: Mechanism = Mechanism { keys: &[CKK_RSA], sizes: (1024, 16_384), ..ROW };

const PKCS: Mechanism = Mechanism { sign: Some(sign_pkcs), verify: Some(verify_pkcs), ..RSA };

const PSS: Mechanism = Mechanism { shape: Shape::Pss, sign: Some(sign_pss), verify: Some(verify_pss), ..RSA };

const fn pkcs(id: CK_MECHANISM_TYPE, hash: Hash) -> Mechanism {
    Mechanism { id, hash: Some(hash), ..PKCS }
}

const fn pss(id: CK_MECHANISM_TYPE, hash: Hash) -> Mechanism {
    Mechanism { id, hash: Some(hash), ..PSS }
}

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_RSA_PKCS_KEY_PAIR_GEN, sizes: (1024, 8192), pair: Some(generate), ..RSA },
    Mechanism {
        id: CKM_RSA_PKCS,
        sign_recover: Some(sign_pkcs),
        verify_recover: Some(recover_pkcs),
        encrypt: Some(encrypt_pkcs),
        decrypt: Some(decrypt_pkcs),
        wrap: Some(|start, key| run(encrypt_pkcs(start)?, key)),
        unwrap: Some(|start, wrapped| run(decrypt_pkcs(start)?, wrapped).map_err(secret::not_a_key)),
        ..PKCS
    },
    Mechanism {
        id: CKM_RSA_X_509,
        sign: Some(sign_raw),
        verify: Some(verify_raw),
        sign_recover: Some(sign_raw),
        verify_recover: Some(recover_raw),
        encrypt: Some(encrypt_raw),
        decrypt: Some(decrypt_raw),
        ..RSA
    },
    pkcs(CKM_MD5_RSA_PKCS, Hash::Md5),
    pkcs(CKM_SHA1_RSA_PKCS, Hash::Sha1),
    pkcs(CKM_SHA224_RSA_PKCS, Hash::Sha224),
    pkcs(CKM_SHA256_RSA_PKCS, Hash::Sha256),
    pkcs(CKM_SHA384_RSA_PKCS, Hash::Sha384),
    pkcs(CKM_SHA512_RSA_PKCS, Hash::Sha512),
    pkcs(CKM_SHA3_224_RSA_PKCS, Hash::Sha3_224),
    pkcs(CKM_SHA3_256_RSA_PKCS, Hash::Sha3_256),
    pkcs(CKM_SHA3_384_RSA_PKCS, Hash::Sha3_384),
    pkcs(CKM_SHA3_512_RSA_PKCS, Hash::Sha3_512),
    Mechanism { id: CKM_RSA_PKCS_PSS, ..PSS },
    pss(CKM_SHA1_RSA_PKCS_PSS, Hash::Sha1),
    pss(CKM_SHA224_RSA_PKCS_PSS, Hash::Sha224),
    pss(CKM_SHA256_RSA_PKCS_PSS, Hash::Sha256),
    pss(CKM_SHA384_RSA_PKCS_PSS, Hash::Sha384),
    pss(CKM_SHA512_RSA_PKCS_PSS, Hash::Sha512),
    pss(CKM_SHA3_224_RSA_PKCS_PSS, Hash::Sha3_224),
    pss(CKM_SHA3_256_RSA_PKCS_PSS, Hash::Sha3_256),
    pss(CKM_SHA3_384_RSA_PKCS_PSS, Hash::Sha3_384),
    pss(CKM_SHA3_512_RSA_PKCS_PSS, Hash::Sha3_512),
    Mechanism {
        id: CKM_RSA_PKCS_OAEP,
        shape: Shape::Oaep,
        encrypt: Some(encrypt_oaep),
        decrypt: Some(decrypt_oaep),
        wrap: Some(|start, key| run(encrypt_oaep(start)?, key)),
        unwrap: Some(|start, wrapped| run(decrypt_oaep(start)?, wrapped).map_err(secret::not_a_key)),
        ..RSA
    },
    Mechanism {
        id: CKM_RSA_AES_KEY_WRAP,
        shape: Shape::RsaAes,
        wrap: Some(wrap_aes),
        unwrap: Some(unwrap_aes),
        ..RSA
    },
];

fn private(start: &Start<'_>) -> Result<Arc<PrivateKey>> {
    match start.key {
        Key::RsaPrivate(key) => Ok(key.clone()),
        _ => Err(start.wrong_key()),
    }
}

fn public(start: &Start<'_>) -> Result<Arc<PublicKey>> {
    match start.key {
        Key::RsaPublic(key) => Ok(key.clone()),
        _ => Err(start.wrong_key()),
    }
}

/// Work with the private key that gives at most as many bytes as the modulus has.
fn act<W>(intake: Intake, len: usize, work: W) -> Result<Begun>
where
    W: FnMut(&[u8]) -> Result<Secret> + Send + 'static,
{
    Ok(Box::new(Act { intake, work, len }))
}

fn check<W>(intake: Intake, work: W) -> Result<Begun>
where
    W: FnMut(&[u8], &[u8]) -> Result<()> + Send + 'static,
{
    Ok(Box::new(Check { intake, work }))
}

/// Hashed when the mechanism is named after a hash, whole otherwise.
fn intake(start: &Start<'_>) -> Intake {
    start.row.hash.map_or_else(Intake::whole, |hash| Intake::Hashed(hash.start()))
}

/// What PKCS #1 v1.5 signs: the DigestInfo of the hash, or the caller's bytes as they are.
fn block(hash: Option<Hash>, data: &[u8]) -> Vec<u8> {
    [hash.map_or(&[][..], Hash::digest_info), data].concat()
}

fn sign_pkcs(start: &Start<'_>) -> Result<Begun> {
    let (key, hash) = (private(start)?, start.row.hash);
    act(intake(start), key.size(), move |data| Ok(key.sign_pkcs1(&block(hash, data))?.into()))
}

fn verify_pkcs(start: &Start<'_>) -> Result<Begun> {
    let (key, hash) = (public(start)?, start.row.hash);
    check(intake(start), move |data, signature| key.verify_pkcs1(&block(hash, data), signature))
}

fn recover_pkcs(start: &Start<'_>) -> Result<Begun> {
    let key = public(start)?;
    act(Intake::whole(), key.size(), move |signature| Ok(key.recover_pkcs1(signature)?.into()))
}

fn encrypt_pkcs(start: &Start<'_>) -> Result<Begun> {
    let key = public(start)?;
    act(Intake::whole(), key.size(), move |data| Ok(key.encrypt_pkcs1(data)?.into()))
}

fn decrypt_pkcs(start: &Start<'_>) -> Result<Begun> {
    let key = private(start)?;
    act(Intake::whole(), key.size(), move |data| key.decrypt_pkcs1(data))
}

fn sign_raw(start: &Start<'_>) -> Result<Begun> {
    let key = private(start)?;
    act(Intake::whole(), key.size(), move |data| {
        fits(data, key.size(), Rv::DataLenRange)?;
        key.raw(data)
    })
}

fn verify_raw(start: &Start<'_>) -> Result<Begun> {
    let key = public(start)?;
    check(Intake::whole(), move |data, signature| {
        fits(data, key.size(), Rv::DataLenRange)?;
        if signature.len() != key.size() {
            return Err(Rv::SignatureLenRange
                .because(format!("the signature must have {} bytes, as the modulus has", key.size())));
        }
        let recovered = key.raw(signature).map_err(|_| Rv::SignatureInvalid)?;
        let (pad, tail) = recovered.split_at(recovered.len() - data.len());
        match pad.iter().all(|byte| *byte == 0) && tail == data {
            true => Ok(()),
            false => Err(Rv::SignatureInvalid.into()),
        }
    })
}

fn recover_raw(start: &Start<'_>) -> Result<Begun> {
    let key = public(start)?;
    act(Intake::whole(), key.size(), move |signature| {
        if signature.len() != key.size() {
            return Err(Rv::SignatureLenRange.into());
        }
        Ok(key.raw(signature).map_err(|_| Rv::SignatureInvalid)?.into())
    })
}

fn encrypt_raw(start: &Start<'_>) -> Result<Begun> {
    let key = public(start)?;
    act(Intake::whole(), key.size(), move |data| {
        fits(data, key.size(), Rv::DataLenRange)?;
        Ok(key.raw(data)?.into())
    })
}

fn decrypt_raw(start: &Start<'_>) -> Result<Begun> {
    let key = private(start)?;
    act(Intake::whole(), key.size(), move |data| {
        if data.len() != key.size() {
            return Err(Rv::EncryptedDataLenRange.because(format!(
                "the ciphertext must have {} bytes, as the modulus has, not {}",
                key.size(),
                data.len()
            )));
        }
        key.raw(data).map_err(|_| Rv::EncryptedDataInvalid.because("the ciphertext is not below the modulus"))
    })
}

fn fits(data: &[u8], size: usize, rv: Rv) -> Result<()> {
    match data.len() <= size {
        true => Ok(()),
        false => Err(rv.because(format!("{} bytes are more than the {size} of the modulus", data.len()))),
    }
}

/// The hash, the MGF's hash and the salt length of a PSS parameter, all checked.
fn pss_params(start: &Start<'_>, size: usize) -> Result<(Hash, Hash, usize)> {
    let Params::Pss { hash, mgf, salt } = start.params else {
        return Err(start.wrong_params("a CK_RSA_PKCS_PSS_PARAMS is needed"));
    };
    let hash = hashes::by_digest(*hash)?;
    if start.row.hash.is_some_and(|named| named != hash) {
        return Err(start.wrong_params("hashAlg is not the hash of the mechanism (§6.1.10)"));
    }
    if *salt > size.saturating_sub(hash.len() + 2) {
        return Err(start.wrong_params(format!("a salt of {salt} bytes is too long for this key")));
    }
    Ok((hash, mgf_hash(start, *mgf)?, *salt))
}

fn mgf_hash(start: &Start<'_>, mgf: CK_RSA_PKCS_MGF_TYPE) -> Result<Hash> {
    hashes::by_mgf(mgf).ok_or_else(|| {
        start.wrong_params(format!("mgf {mgf:#x} is no mask generation function of this token"))
    })
}

/// A digest given by the caller must be as long as the hash named in the parameter.
fn digest_fits(hash: Hash, data: &[u8]) -> Result<()> {
    match data.len() == hash.len() {
        true => Ok(()),
        false => Err(Rv::DataLenRange.because(format!(
            "{} bytes of data, but the hash named in the parameter gives {}",
            data.len(),
            hash.len()
        ))),
    }
}

fn sign_pss(start: &Start<'_>) -> Result<Begun> {
    let key = private(start)?;
    let (hash, mgf, salt) = pss_params(start, key.size())?;
    act(intake(start), key.size(), move |data| {
        digest_fits(hash, data)?;
        Ok(key.sign_pss(hash, mgf, salt, data)?.into())
    })
}

fn verify_pss(start: &Start<'_>) -> Result<Begun> {
    let key = public(start)?;
    let (hash, mgf, salt) = pss_params(start, key.size())?;
    check(intake(start), move |data, signature| {
        digest_fits(hash, data)?;
        key.verify_pss(hash, mgf, salt, data, signature)
    })
}

/// The hash, the MGF's hash and the label of an OAEP parameter.
fn oaep_params<'a>(start: &Start<'_>, params: &'a Params) -> Result<(Hash, Hash, &'a [u8])> {
    let Params::Oaep { hash, mgf, label } = params else {
        return Err(start.wrong_params("a CK_RSA_PKCS_OAEP_PARAMS is needed"));
    };
    Ok((hashes::by_digest(*hash)?, mgf_hash(start, *mgf)?, label))
}

fn encrypt_oaep(start: &Start<'_>) -> Result<Begun> {
    let key = public(start)?;
    let (hash, mgf, label) = oaep_params(start, start.params)?;
    let label = label.to_vec();
    act(Intake::whole(), key.size(), move |data| Ok(key.encrypt_oaep(hash, mgf, &label, data)?.into()))
}

fn decrypt_oaep(start: &Start<'_>) -> Result<Begun> {
    let key = private(start)?;
    let (hash, mgf, label) = oaep_params(start, start.params)?;
    let label = label.to_vec();
    act(Intake::whole(), key.size(), move |data| key.decrypt_oaep(hash, mgf, &label, data))
}

/// The bytes of the temporary AES key, and the OAEP parameters, of CKM_RSA_AES_KEY_WRAP.
fn rsa_aes<'a>(start: &Start<'a>) -> Result<(usize, &'a Params)> {
    match start.params {
        Params::RsaAes { bits: bits @ (128 | 192 | 256), oaep } => Ok((bits / 8, oaep)),
        Params::RsaAes { bits, .. } => {
            Err(start.wrong_params(format!("ulAESKeyBits is {bits}, not 128, 192 or 256")))
        }
        _ => Err(start.wrong_params("a CK_RSA_AES_KEY_WRAP_PARAMS is needed")),
    }
}

/// The temporary key under OAEP, then the target key under the temporary one (§6.1.23).
fn wrap_aes(start: &Start<'_>, target: &[u8]) -> Result<Secret> {
    let (key, (len, oaep)) = (public(start)?, rsa_aes(start)?);
    let (hash, mgf, label) = oaep_params(start, oaep)?;
    let mut temporary = Secret::zeroed(len);
    start.emulation.fill(temporary.expose_mut())?;
    let first = key.encrypt_oaep(hash, mgf, label, temporary.expose()).map_err(|error| {
        Rv::WrappingKeySizeRange.because(format!("the temporary AES key: {}", error.why()))
    })?;
    Ok([first, wrap::wrap(Wrap::Padded, &temporary, target)?].concat().into())
}

fn unwrap_aes(start: &Start<'_>, wrapped: &[u8]) -> Result<Secret> {
    let (key, (len, oaep)) = (private(start)?, rsa_aes(start)?);
    let (hash, mgf, label) = oaep_params(start, oaep)?;
    let (first, second) = wrapped
        .split_at_checked(key.size())
        .ok_or_else(|| Rv::WrappedKeyLenRange.because("the wrapped key is shorter than the modulus"))?;
    let temporary = key.decrypt_oaep(hash, mgf, label, first).map_err(secret::not_a_key)?;
    if temporary.len() != len {
        return Err(
            Rv::WrappedKeyInvalid.because("the temporary AES key is not as long as ulAESKeyBits says")
        );
    }
    wrap::unwrap(Wrap::Padded, &temporary, second).map_err(secret::not_a_key)
}

fn generate(making: &mut Making<'_>) -> Result<(Attributes, Attributes)> {
    let bits = making.template.ulong(CKA_MODULUS_BITS).unwrap_or(0);
    let (min, max) = making.row.sizes;
    if !(min..=max).contains(&bits) || !bits.is_multiple_of(8) {
        return Err(Rv::AttributeValueInvalid
            .because(format!("CKA_MODULUS_BITS is {bits}: it must be a multiple of 8 from {min} to {max}")));
    }
    let exponent = making.template.bytes(CKA_PUBLIC_EXPONENT).unwrap_or(&[1, 0, 1]);
    let components = rsa::generate(bits as usize, exponent, making.fill)?;
    let public = Attributes::default()
        .with(CKA_MODULUS, Value::Bytes(components.modulus.clone()))
        .with(CKA_PUBLIC_EXPONENT, Value::Bytes(components.public_exponent.clone()));
    Ok((public, key::from_components(components)))
}
