//! RSA private keys as PKCS#8 (RFC 5208) around RSAPrivateKey (RFC 8017 A.1.2).

use super::components::{Components, complete};
use crate::crypto::ec::{open_pkcs8, pkcs8};
use crate::crypto::spki::{NO_PARAMETERS, RSA_ENCRYPTION};
use crate::crypto::tlv::{self, Elements};
use crate::cryptoki::{Result, Rv, Secret};

/// The key as PrivateKeyInfo.
pub fn to_pkcs8(components: &Components) -> Result<Secret> {
    let numbers = [
        &[0][..],
        &components.modulus,
        &components.public_exponent,
        components.private_exponent.expose(),
        components.prime_1.expose(),
        components.prime_2.expose(),
        components.exponent_1.expose(),
        components.exponent_2.expose(),
        components.coefficient.expose(),
    ]
    .map(tlv::put_number);
    let key = tlv::put(tlv::SEQUENCE, &numbers.each_ref().map(|number| number.expose()));
    Ok(pkcs8(&[RSA_ENCRYPTION, NO_PARAMETERS], &key))
}

/// A key from PrivateKeyInfo, its numbers checked against each other. `CKR_WRAPPED_KEY_INVALID` when it is not one or does
/// not fit together, `CKR_KEY_TYPE_INCONSISTENT` for a key of another kind.
pub fn from_pkcs8(der: &[u8]) -> Result<Components> {
    let bad = || Rv::WrappedKeyInvalid.because("the key is not a PKCS#8 RSA private key");
    let (oid, _, key) = open_pkcs8(der).ok_or_else(bad)?;
    if oid != RSA_ENCRYPTION {
        return Err(Rv::KeyTypeInconsistent.because("the PKCS#8 key is not an RSA key"));
    }
    let [n, e, d, p, q, dp, dq, qinv] = numbers(key).ok_or_else(bad)?;
    let fits = |error: crate::cryptoki::Error| Rv::WrappedKeyInvalid.because(error.why().to_owned());
    let components = complete(n, Some(e), d, Some((p, q))).map_err(fits)?;
    let same = Secret::from(dp) == components.exponent_1
        && Secret::from(dq) == components.exponent_2
        && Secret::from(qinv) == components.coefficient;
    same.then_some(components)
        .ok_or_else(|| Rv::WrappedKeyInvalid.because("the key's CRT numbers do not belong to its primes"))
}

/// The eight numbers of an RSAPrivateKey of two primes.
fn numbers(key: &[u8]) -> Option<[&[u8]; 8]> {
    let mut key = Elements::new(tlv::only(tlv::SEQUENCE, key)?)?;
    if !key.number()?.is_empty() {
        return None;
    }
    let mut out = [&[][..]; 8];
    for number in &mut out {
        *number = key.number()?;
    }
    key.done().then_some(out)
}
