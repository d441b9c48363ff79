//! Encryption under a passphrase: PBES2 (RFC 8018), PKCS#12's own schemes (RFC 7292 appendix B), and OpenSSL's PEM of old.

use pkcs5::EncryptionScheme;
use rc2::Rc2;
use rc2::cipher::{BlockCipherDecrypt, KeyInit};
use tokenkeep::crypto::cipher::{self, Algorithm, Direction, Mode};
use tokenkeep::crypto::hash::Hash;
use tokenkeep::crypto::kdf;
use tokenkeep::crypto::tlv::{self, Elements};
use tokenkeep::cryptoki::Secret;
use x509_cert::der::Decode;

/// Why something was not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    WrongPassword,
    /// Another scheme than those known here, or no scheme at all.
    Unknown,
}

type Opened = std::result::Result<Secret, Refusal>;

/// The most iterations of a KDF that are run: minutes.
const MOST_ITERATIONS: usize = 50_000_000;

/// 1.2.840.113549.1.12.1 with its tag and length, without its last arc.
const PKCS12_PBE: &[u8] = &[6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1];

/// The ciphers of PKCS#12 by the last arc of their OIDs, with the bytes of the key.
const PKCS12_CIPHERS: [(u8, Cipher, usize); 4] =
    [(3, Cipher::Des, 24), (4, Cipher::Des, 16), (5, Cipher::Rc2, 16), (6, Cipher::Rc2, 5)];

#[derive(Clone, Copy)]
enum Cipher {
    Des,
    Rc2,
}

/// Opens what the AlgorithmIdentifier `scheme` says how it is encrypted.
///
/// # Errors
/// Wrong passphrase, unknown scheme.
pub fn open(scheme: &[u8], password: &Secret, encrypted: &[u8]) -> Opened {
    let read = |scheme| {
        let mut scheme = Elements::new(tlv::only(tlv::SEQUENCE, scheme)?)?;
        let oid = scheme.whole()?;
        let (arc, head) = oid.split_last()?;
        if head != PKCS12_PBE {
            return None;
        }
        let mut parameters = scheme.sequence()?;
        let salt = parameters.take(tlv::OCTET_STRING)?;
        let iterations = number(parameters.number()?)?;
        let row = PKCS12_CIPHERS.iter().find(|(known, ..)| known == arc)?;
        Some((row, salt, iterations))
    };
    if let Some(((_, cipher, size), salt, iterations)) = read(scheme) {
        let password = utf16(password);
        let derived = |purpose, len| derive(Hash::Sha1, &password, salt, iterations, purpose, len);
        let (key, iv) = (derived(Purpose::Key, *size), derived(Purpose::Iv, 8));
        let plain = match cipher {
            Cipher::Des => cbc(Algorithm::Des, &key, iv.expose(), encrypted),
            Cipher::Rc2 => rc2_cbc(&key, iv.expose(), encrypted),
        };
        return plain.ok_or(Refusal::WrongPassword);
    }
    let scheme = EncryptionScheme::from_der(scheme).map_err(|_| Refusal::Unknown)?;
    match scheme.decrypt(password.expose(), encrypted) {
        Ok(plain) => Ok(plain.into()),
        Err(pkcs5::Error::DecryptFailed) => Err(Refusal::WrongPassword),
        Err(_) => Err(Refusal::Unknown),
    }
}

/// A PEM block of `Proc-Type: 4,ENCRYPTED`, whose cipher and IV are in `DEK-Info`.
///
/// # Errors
/// Wrong passphrase, unknown cipher.
pub fn open_traditional(dek_info: &str, password: &Secret, encrypted: &[u8]) -> Opened {
    const CIPHERS: [(&str, Algorithm, usize); 5] = [
        ("AES-128-CBC", Algorithm::Aes, 16),
        ("AES-192-CBC", Algorithm::Aes, 24),
        ("AES-256-CBC", Algorithm::Aes, 32),
        ("DES-EDE3-CBC", Algorithm::Des, 24),
        ("DES-CBC", Algorithm::Des, 8),
    ];
    let (name, iv) = dek_info.split_once(',').ok_or(Refusal::Unknown)?;
    let row = CIPHERS.iter().find(|(known, ..)| *known == name.trim()).ok_or(Refusal::Unknown)?;
    let iv = tokenkeep::backup::split::digits(iv.trim()).map_err(|_| Refusal::Unknown)?;
    let salt = iv.expose().first_chunk::<8>().ok_or(Refusal::Unknown)?;
    let key = kdf::bytes_to_key(password, salt, 1, row.2, &mut |_, _| ());
    cbc(row.1, &key, iv.expose(), encrypted).ok_or(Refusal::WrongPassword)
}

/// A count of iterations that can be run.
pub fn number(bytes: &[u8]) -> Option<usize> {
    let number = bytes.iter().try_fold(0usize, |number, byte| {
        number.checked_mul(256).and_then(|number| number.checked_add((*byte).into()))
    })?;
    (1..=MOST_ITERATIONS).contains(&number).then_some(number)
}

fn cbc(algorithm: Algorithm, key: &Secret, iv: &[u8], encrypted: &[u8]) -> Option<Secret> {
    cipher::whole(algorithm, Mode::CbcPad, Direction::Decrypt, key, iv, encrypted).ok()
}

fn rc2_cbc(key: &Secret, iv: &[u8], encrypted: &[u8]) -> Option<Secret> {
    let cipher = match key.len() {
        5 => Rc2::new_with_eff_key_len(key.expose(), 40),
        _ => Rc2::new_from_slice(key.expose()).ok()?,
    };
    let mut plain = Secret::from(encrypted);
    let mut before: [u8; 8] = iv.try_into().ok()?;
    for (block, sealed) in plain.expose_mut().chunks_mut(8).zip(encrypted.chunks(8)) {
        let sealed: [u8; 8] = sealed.try_into().ok()?;
        let mut opened = sealed.into();
        cipher.decrypt_block(&mut opened);
        block.iter_mut().zip(opened.iter().zip(before)).for_each(|(out, (a, b))| *out = a ^ b);
        before = sealed;
    }
    let pad = usize::from(*plain.expose().last()?);
    let (body, padding) = plain.expose().split_at_checked(plain.len().checked_sub(pad)?)?;
    let sound = (1..=8).contains(&pad) && padding.iter().all(|byte| usize::from(*byte) == pad);
    sound.then(|| body.into())
}

/// What a derived secret is for (RFC 7292 appendix B.3).
#[derive(Clone, Copy)]
pub enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// The passphrase as PKCS#12 takes it: UTF-16, big-endian, with its end.
pub fn utf16(password: &Secret) -> Secret {
    let text = String::from_utf8_lossy(password.expose());
    let mut units: Vec<u8> = Vec::with_capacity(2 * password.len() + 2);
    units.extend(text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
    units.into()
}

/// The KDF of PKCS#12 (RFC 7292 appendix B.2).
pub fn derive(
    hash: Hash,
    password: &Secret,
    salt: &[u8],
    iterations: usize,
    purpose: Purpose,
    len: usize,
) -> Secret {
    let block = hash.block();
    let filled = |bytes: &[u8]| -> Secret {
        let whole = bytes.len().div_ceil(block) * block;
        bytes
            .iter()
            .copied()
            .cycle()
            .take(if bytes.is_empty() { 0 } else { whole })
            .collect::<Vec<u8>>()
            .into()
    };
    let mut input = Secret::from([filled(salt).expose(), filled(password.expose()).expose()].concat());
    let mut out = Secret::zeroed(len);
    for chunk in out.expose_mut().chunks_mut(hash.len()) {
        let first = [&vec![purpose as u8; block], input.expose()].concat();
        let mut digest = Secret::from(hash.digest(Secret::from(first).expose()));
        for _ in 1..iterations {
            digest = hash.digest(digest.expose()).into();
        }
        chunk.copy_from_slice(&digest.expose()[..chunk.len()]);
        let added: Vec<u8> = digest.expose().iter().copied().cycle().take(block).collect();
        for part in input.expose_mut().chunks_mut(block) {
            // part + digest + 1, modulo its size.
            let mut carry = 1;
            for (byte, more) in part.iter_mut().zip(&added).rev() {
                carry += u16::from(*byte) + u16::from(*more);
                *byte = carry as u8;
                carry >>= 8;
            }
        }
    }
    out
}
