//! Agreement on curves (PKCS#11 v3.2 §6.3.17 – §6.3.22): ECDH on all of them, and keys wrapped under its secret.

use crate::crypto::wrap::{self, Wrap};
use crate::crypto::{ec, edwards, kdf};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::object::Key;

use super::{Mechanism, Params, ROW, Shape, Start, hashes, secret};

const EC: Mechanism = Mechanism {
    keys: &[CKK_EC],
    sizes: (192, 521),
    flags: CKF_EC_F_P
        | CKF_EC_OID
        | CKF_EC_CURVENAME
        | CKF_EC_ECPARAMETERS
        | CKF_EC_UNCOMPRESS
        | CKF_EC_COMPRESS,
    ..ROW
};

const DERIVE: Mechanism = Mechanism { shape: Shape::Ecdh, derive: Some(derive), ..EC };

const WRAP: Mechanism =
    Mechanism { shape: Shape::EcdhAes, wrap: Some(wrap_key), unwrap: Some(unwrap_key), ..EC };

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_ECDH1_DERIVE, keys: &[CKK_EC, CKK_EC_MONTGOMERY], ..DERIVE },
    // Every curve of this token has the cofactor 1, or clears it in its own definition.
    Mechanism { id: CKM_ECDH1_COFACTOR_DERIVE, ..DERIVE },
    Mechanism { id: CKM_ECDH_AES_KEY_WRAP, ..WRAP },
    Mechanism { id: CKM_ECDH_COF_AES_KEY_WRAP, ..WRAP },
    Mechanism {
        id: CKM_ECDH_X_AES_KEY_WRAP,
        keys: &[CKK_EC_MONTGOMERY],
        sizes: (255, 448),
        flags: CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_COMPRESS,
        ..WRAP
    },
];

fn derive(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let Params::Ecdh { kdf, shared, public } = start.params else {
        return Err(start.wrong_params("a CK_ECDH1_DERIVE_PARAMS is needed"));
    };
    let bad = |error: Error| start.wrong_params(format!("pPublicData: {}", error.why()));
    let secret = match start.key {
        Key::EcPrivate(key) => key.ecdh(&ec::point_from_attribute(key.curve(), public).map_err(bad)?)?,
        Key::EdwardsPrivate(key) => {
            key.agree(&edwards::point_from_attribute(key.curve(), public).map_err(bad)?)?
        }
        _ => return Err(start.wrong_key()),
    };
    spread(start, *kdf, secret, shared, len)
}

/// What the key derivation function makes of the shared secret: `len` bytes, or as many as it gives.
fn spread(
    start: &Start<'_>,
    kdf: CK_EC_KDF_TYPE,
    secret: Secret,
    shared: &[u8],
    len: Option<usize>,
) -> Result<Secret> {
    if kdf == CKD_NULL {
        return match shared {
            [] => last(secret, len),
            _ => Err(start.wrong_params("CKD_NULL takes no pSharedData (§6.3.17)")),
        };
    }
    match hashes::by_kdf(kdf) {
        Some((hash, false)) => Ok(kdf::x963(hash, &secret, shared, len.unwrap_or(hash.len()))),
        Some((hash, true)) => Ok(kdf::sp800_56(hash, &secret, shared, len.unwrap_or(hash.len()))),
        None => Err(start.wrong_params(format!("kdf {kdf:#x} is none of this token"))),
    }
}

/// The last `len` bytes: truncation removes bytes from the leading end (§6.3.17).
pub(crate) fn last(secret: Secret, len: Option<usize>) -> Result<Secret> {
    match len {
        None => Ok(secret),
        Some(len) if len <= secret.len() => Ok(secret.expose()[secret.len() - len..].into()),
        Some(len) => Err(Rv::KeySizeRange
            .because(format!("{len} bytes are asked, the shared secret has only {}", secret.len()))),
    }
}

/// The temporary AES key of a key wrapping, from the shared secret.
fn temporary(start: &Start<'_>, agreed: Secret) -> Result<Secret> {
    let Params::EcdhAes { bits, kdf, shared } = start.params else {
        return Err(start.wrong_params("a CK_ECDH_AES_KEY_WRAP_PARAMS is needed"));
    };
    if !matches!(bits, 128 | 192 | 256) {
        return Err(start.wrong_params(format!("ulAESKeyBits is {bits}, not 128, 192 or 256")));
    }
    // Of the secret as it is, the first bits are the key, not the last as in C_DeriveKey (§6.3.20).
    match (*kdf, agreed.expose().get(..bits / 8)) {
        (CKD_NULL, Some(first)) if shared.is_empty() => Ok(first.into()),
        (CKD_NULL, None) => Err(Rv::WrappingKeySizeRange.because("the curve is too small for that AES key")),
        _ => spread(start, *kdf, agreed, shared, Some(bits / 8)),
    }
}

/// The public value of a new key pair, then the target key under the secret it shares with the wrapping key.
fn wrap_key(start: &Start<'_>, target: &[u8]) -> Result<Secret> {
    let mut fill = |bytes: &mut [u8]| start.emulation.fill(bytes);
    let (public, agreed) = match start.key {
        Key::EcPublic(key) => {
            let (scalar, point) = ec::generate(key.curve(), &mut fill)?;
            (point, ec::PrivateKey::new(key.curve(), &scalar)?.ecdh(&key.point())?)
        }
        Key::EdwardsPublic(key) => {
            let (value, point) = edwards::generate(key.curve(), &mut fill)?;
            (point, edwards::PrivateKey::new(key.curve(), &value)?.agree(key.point())?)
        }
        _ => return Err(start.wrong_key()),
    };
    let key = temporary(start, agreed)?;
    Ok([public, wrap::wrap(Wrap::Padded, &key, target)?].concat().into())
}

fn unwrap_key(start: &Start<'_>, wrapped: &[u8]) -> Result<Secret> {
    let full = match start.key {
        Key::EcPrivate(key) => 1 + 2 * key.curve().size(),
        Key::EdwardsPrivate(key) => key.curve().size(),
        _ => return Err(start.wrong_key()),
    };
    let (public, second) = split(full, wrapped)
        .ok_or_else(|| Rv::WrappedKeyLenRange.because("too short for a public value and a wrapped key"))?;
    let bad = |error: Error| Rv::WrappedKeyInvalid.because(format!("the public value: {}", error.why()));
    let agreed = match start.key {
        Key::EcPrivate(key) => key.ecdh(public).map_err(bad)?,
        Key::EdwardsPrivate(key) => key.agree(public).map_err(bad)?,
        _ => return Err(start.wrong_key()),
    };
    let key = temporary(start, agreed)?;
    wrap::unwrap(Wrap::Padded, &key, second).map_err(secret::not_a_key)
}

/// The public value and the rest. The standard leaves open how the value stands there: we write it bare, and also
/// read it in a DER OCTET STRING. Which it is, the length tells: AES key wrap gives whole blocks of 8 bytes.
fn split(full: usize, wrapped: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = if full < 0x80 { 2 } else { 3 };
    let start = match wrapped.len().checked_sub(full)? % 8 {
        0 => 0,
        _ => head,
    };
    let (public, rest) = wrapped.get(start..)?.split_at_checked(full)?;
    Some((public, rest))
}
