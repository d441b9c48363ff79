//! What is inside a key blob: each key's numbers, each with its length, in the vendor's order.

use crate::crypto::domain::Domain;
use crate::crypto::rsa;
use crate::crypto::tlv::trim;
use crate::cryptoki::{Error, Result, Rv, Secret};

use super::material::{Material, wide};

/// RSA with its private exponent.
pub const RSA: u8 = 0x05;
/// RSA with its primes.
pub const RSA_CRT: u8 = 0x06;
pub const EC: u8 = 0x0c;
pub const AES: u8 = 0x0f;

/// id-TA-RSA-v1-5-SHA-256
const OID_RSA: &[u8] = &[0x04, 0, 0x7f, 0, 7, 2, 2, 2, 1, 2];
/// id-TA-ECDSA-SHA-256
const OID_EC: &[u8] = &[0x04, 0, 0x7f, 0, 7, 2, 2, 2, 2, 3];
/// 2.16.840.1.101.3.4.1, the arc of AES
const OID_AES: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1];

/// A type of key: its number, its default algorithm, the algorithms that are allowed by default.
pub struct Row {
    pub kind: u8,
    pub oid: &'static [u8],
    pub allowed: &'static [u8],
    read: fn(&mut Fields<'_>) -> Result<Material>,
}

pub const ROWS: &[Row] = &[
    Row { kind: RSA, oid: OID_RSA, allowed: &[], read: read_rsa },
    Row { kind: RSA_CRT, oid: OID_RSA, allowed: &[], read: read_crt },
    Row { kind: EC, oid: OID_EC, allowed: &[], read: read_ec },
    // CBC encryption, CBC decryption, CMAC, derivation
    Row { kind: AES, oid: OID_AES, allowed: &[0x10, 0x11, 0x18, 0x99], read: read_aes },
];

impl Row {
    /// Whether this default algorithm belongs to the type. Firmware 3.0 to 3.2 wrote that of AES with a wrong first byte.
    pub fn takes(&self, oid: &[u8]) -> bool {
        match self.kind {
            AES => oid.get(1..) == self.oid.get(1..),
            _ => oid == self.oid,
        }
    }

    /// The key in a plaintext behind its eight random bytes.
    ///
    /// # Errors
    /// CKR_WRAPPED_KEY_INVALID when it is garbled, or its numbers contradict each other.
    pub fn read(&self, body: &[u8]) -> Result<Material> {
        let mut fields = Fields(body);
        let material = (self.read)(&mut fields)?;
        let padded = match fields.0 {
            // Some firmware adds nothing when nothing is missing.
            [] => true,
            [0x80, rest @ ..] => rest.len() < 16 && rest.iter().all(|byte| *byte == 0),
            _ => false,
        };
        padded.then_some(material).ok_or_else(|| bad("bytes stand behind the key that are no padding"))
    }
}

/// The type as which a key is written: RSA up to 2048 bits with its primes, above without, as the vendor's tools do.
pub fn row_of(material: &Material) -> &'static Row {
    let kind = match material {
        Material::Rsa(key) if trim(&key.modulus).len() > 256 => RSA,
        Material::Rsa(_) => RSA_CRT,
        Material::Ec { .. } => EC,
        Material::Aes(_) => AES,
    };
    // Every type above has its row.
    ROWS.iter().find(|row| row.kind == kind).unwrap_or(&ROWS[0])
}

/// The body of a key. Allocated once: no part of it stays behind.
///
/// # Errors
/// CKR_KEY_SIZE_RANGE for a number of 64 KiB or more.
pub fn write(material: &Material) -> Result<Secret> {
    match material {
        Material::Rsa(key) => write_rsa(key, row_of(material).kind),
        Material::Ec { domain, value, point } => {
            let value = wide(value.expose(), domain.n.len());
            let Domain { p, a, b, n, g, .. } = *domain;
            joined(8 * domain.size(), &[a, b, p, n, g, value.expose(), point])
        }
        Material::Aes(key) => {
            let mut out = Vec::with_capacity(2 + key.len());
            out.extend(short(key.len())?);
            out.extend_from_slice(key.expose());
            Ok(out.into())
        }
    }
}

fn write_rsa(key: &rsa::Components, kind: u8) -> Result<Secret> {
    let (n, e) = (trim(&key.modulus), trim(&key.public_exponent));
    if kind == RSA {
        return joined(8 * n.len(), &[trim(key.private_exponent.expose()), n, e]);
    }
    let half = |number: &Secret| wide(number.expose(), n.len().div_ceil(2));
    let parts = [&key.exponent_1, &key.exponent_2, &key.prime_1, &key.coefficient, &key.prime_2].map(half);
    let [dp, dq, p, pq, q] = parts.each_ref().map(Secret::expose);
    joined(8 * n.len(), &[dp, dq, p, pq, q, n, e])
}

fn joined(bits: usize, fields: &[&[u8]]) -> Result<Secret> {
    let mut out = Vec::with_capacity(2 + fields.iter().map(|field| 2 + field.len()).sum::<usize>());
    out.extend(short(bits)?);
    for field in fields {
        out.extend(short(field.len())?);
        out.extend_from_slice(field);
    }
    Ok(out.into())
}

fn short(number: usize) -> Result<[u8; 2]> {
    let number = u16::try_from(number);
    number.map(u16::to_be_bytes).map_err(|_| Rv::KeySizeRange.because("the key is too long for the format"))
}

fn read_rsa(fields: &mut Fields<'_>) -> Result<Material> {
    fields.short()?;
    let (d, n, e) = (fields.next()?, fields.next()?, fields.next()?);
    rsa::complete(n, Some(e), d, None).map(Material::Rsa).map_err(inconsistent)
}

fn read_crt(fields: &mut Fields<'_>) -> Result<Material> {
    fields.short()?;
    let [dp, dq, p, pq, q, n, e] = fields.take()?;
    let key = rsa::from_primes(n, e, (p, q)).map_err(inconsistent)?;
    let same = |field: &[u8], number: &Secret| Secret::from(trim(field)) == *number;
    match same(dp, &key.exponent_1) && same(dq, &key.exponent_2) && same(pq, &key.coefficient) {
        true => Ok(Material::Rsa(key)),
        false => Err(bad("the exponents or the coefficient are not those of the primes")),
    }
}

fn read_ec(fields: &mut Fields<'_>) -> Result<Material> {
    fields.short()?;
    let [a, b, p, n, g, d, q] = fields.take()?;
    let domain = Domain::spelled(p, n, g).ok_or_else(|| bad("the curve is none that is known"))?;
    // Some firmware leaves `a` out, and leading zeros of both.
    for (given, known) in [(a, domain.a), (b, domain.b)] {
        if !given.is_empty() && trim(given) != trim(known) {
            return Err(bad("a coefficient is not that of the curve"));
        }
    }
    let value = wide(d, domain.n.len());
    let point = domain.public_point(&value).map_err(inconsistent)?;
    match point == q {
        true => Ok(Material::Ec { domain, value, point }),
        false => Err(bad("the public point does not belong to the private value")),
    }
}

fn read_aes(fields: &mut Fields<'_>) -> Result<Material> {
    match fields.short()? {
        len @ (16 | 24 | 32) => fields.bytes(len).map(|key| Material::Aes(key.into())),
        len => Err(bad(format!("an AES key has 16, 24 or 32 bytes, not {len}"))),
    }
}

/// Takes one field after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(len).ok_or_else(|| bad("the key ends too early"))?;
        self.0 = rest;
        Ok(field)
    }

    fn short(&mut self) -> Result<usize> {
        let digits = self.bytes(2)?;
        Ok(usize::from(digits[0]) << 8 | usize::from(digits[1]))
    }

    fn next(&mut self) -> Result<&'a [u8]> {
        let len = self.short()?;
        self.bytes(len)
    }

    fn take<const N: usize>(&mut self) -> Result<[&'a [u8]; N]> {
        let mut fields = [&[][..]; N];
        for field in &mut fields {
            *field = self.next()?;
        }
        Ok(fields)
    }
}

fn bad(why: impl std::fmt::Display) -> Error {
    Rv::WrappedKeyInvalid.because(format!("the wrapped key is not sound: {why}"))
}

fn inconsistent(error: Error) -> Error {
    bad(error.why())
}
