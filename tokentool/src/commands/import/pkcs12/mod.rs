//! PKCS#12 (RFC 7292), as OpenSSL, Java, NSS and Windows write it.

mod mac;

use tokenkeep::crypto::tlv::{self, Elements};
use tokenkeep::cryptoki::Secret;

use super::ber;
use super::item::Item;
use super::pbe::{self, Refusal};
use super::read::{self, Password};
use crate::problem::Result;

/// 1.2.840.113549.1.7.1 and .6 with their tags and lengths: data in clear, and encrypted under a passphrase.
const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const ENCRYPTED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
/// 1.2.840.113549.1.12.10.1 without its last arc: the bags.
const BAG: &[u8] = &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1];
/// 1.2.840.113549.1.9.22.1: an X.509 certificate in a bag.
const X509: &[u8] = &[6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
/// 1.2.840.113549.1.9.20: the name of what is in a bag.
const FRIENDLY_NAME: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
/// `[0]` IMPLICIT OCTET STRING
const CONTENT: u8 = 0x80;

/// What makes bytes a PKCS#12 file: version 3, and contents.
pub fn is_one(bytes: &[u8]) -> bool {
    outline(bytes).is_some()
}

/// Contents and MAC.
fn outline(bytes: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let whole = ber::to_der(bytes)?;
    let mut pfx = Elements::new(tlv::only(tlv::SEQUENCE, &whole)?)?;
    if pfx.take(tlv::INTEGER)? != [3] {
        return None;
    }
    let content = data(&mut pfx.sequence()?)?;
    let mac = if pfx.done() { None } else { Some(pfx.whole()?.to_vec()) };
    Some((content, mac))
}

/// The contents of a ContentInfo of data.
fn data(info: &mut Elements<'_>) -> Option<Vec<u8>> {
    (info.whole()? == DATA).then_some(())?;
    tlv::only(tlv::OCTET_STRING, info.take(tlv::context(0))?).map(<[u8]>::to_vec)
}

/// Everything in the file that a token can hold.
///
/// # Errors
/// A wrong passphrase, damage, what is not known here.
pub fn read(bytes: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    let damaged = || password.problem("is a damaged PKCS#12 file");
    let (content, mac) = outline(bytes).ok_or_else(damaged)?;
    let secret = password.of("the PKCS#12 file")?;
    let secret = match mac {
        Some(mac) => sound(&content, &mac, &secret, password)?,
        None => vec![secret],
    };
    let safes = ber::to_der(&content).ok_or_else(damaged)?;
    let mut safes =
        Elements::new(tlv::only(tlv::SEQUENCE, &safes).ok_or_else(damaged)?).ok_or_else(damaged)?;
    let mut items = Vec::new();
    while !safes.done() {
        let mut info = safes.sequence().ok_or_else(damaged)?;
        let kind = info.whole().ok_or_else(damaged)?;
        let inner = info.take(tlv::context(0)).ok_or_else(damaged)?;
        let bags = match kind {
            DATA => tlv::only(tlv::OCTET_STRING, inner).map(Secret::from).ok_or_else(damaged)?,
            ENCRYPTED_DATA => {
                let (scheme, sealed) = encrypted(inner).ok_or_else(damaged)?;
                password.opened(first(&secret, |secret| pbe::open(scheme, secret, &sealed)))?
            }
            _ => return Err(password.problem("is a PKCS#12 file encrypted for a certificate")),
        };
        let bags = Secret::from(ber::to_der(bags.expose()).ok_or_else(damaged)?);
        contents(bags.expose(), &secret, password, &mut items)?;
    }
    Ok(items)
}

/// The first passphrase that opens.
fn first(
    secrets: &[Secret],
    open: impl Fn(&Secret) -> std::result::Result<Secret, Refusal>,
) -> std::result::Result<Secret, Refusal> {
    let mut opened = Err(Refusal::WrongPassword);
    for secret in secrets {
        opened = open(secret);
        if opened.is_ok() {
            break;
        }
    }
    opened
}

/// Checks the MAC; the spellings of the passphrase to open the contents with.
fn sound(content: &[u8], mac: &[u8], secret: &Secret, password: &Password<'_>) -> Result<Vec<Secret>> {
    let damaged = || password.problem("is a damaged PKCS#12 file: its MAC cannot be read");
    let unknown = || {
        password
            .problem("is a PKCS#12 file with a MAC of another kind")
            .advise("`openssl pkcs12 -in FILE -out all.pem` and import all.pem")
    };
    let mac = mac::read(mac).ok_or_else(damaged)?.ok_or_else(unknown)?;
    // Some programs give the wide spelling to PBES2 too.
    let wide = pbe::utf16(secret);
    match mac.fits(content, secret) {
        true => Ok(vec![secret.clone(), wide.clone(), wide.expose()[..wide.len() - 2].into()]),
        false => Err(password.wrong()),
    }
}

/// Scheme and ciphertext of EncryptedData (RFC 5652 §8).
fn encrypted(inner: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let mut data = Elements::new(tlv::only(tlv::SEQUENCE, inner)?)?;
    data.number()?;
    let mut info = data.sequence()?;
    info.whole()?;
    let scheme = info.whole()?;
    let sealed = match info.tag()? {
        CONTENT => info.take(CONTENT)?.to_vec(),
        // In pieces.
        tag => {
            let mut pieces = Elements::new(info.take(tag).filter(|_| tag == tlv::context(0))?)?;
            let mut whole = Vec::new();
            while !pieces.done() {
                whole.extend_from_slice(pieces.take(tlv::OCTET_STRING)?);
            }
            whole
        }
    };
    Some((scheme, sealed))
}

/// The bags of SafeContents.
fn contents(bags: &[u8], secret: &[Secret], password: &Password<'_>, items: &mut Vec<Item>) -> Result<()> {
    let damaged = || password.problem("is a damaged PKCS#12 file");
    let mut bags = Elements::new(tlv::only(tlv::SEQUENCE, bags).ok_or_else(damaged)?).ok_or_else(damaged)?;
    while !bags.done() {
        let mut bag = bags.sequence().ok_or_else(damaged)?;
        let (arc, head) = bag.whole().and_then(<[u8]>::split_last).ok_or_else(damaged)?;
        let value = bag.take(tlv::context(0)).ok_or_else(damaged)?;
        let name = bag.take(SET).and_then(friendly_name);
        if head != BAG {
            return Err(damaged());
        }
        let before = items.len();
        match arc {
            1 => items.extend(read::private(value.into(), password)?),
            2 => items.extend(read::private(shrouded(value, secret, password)?, password)?),
            3 => {
                let der = certificate(value).ok_or_else(damaged)?;
                items.extend(der.map(|der| read::told(password, Item::certificate(der))).transpose()?);
            }
            // Revocation lists stay.
            4 => {}
            5 => items.extend(secret_key(value, secret, password)?),
            6 => contents(value, secret, password, items)?,
            _ => return Err(damaged()),
        }
        if *arc != 6 {
            items[before..].iter_mut().for_each(|item| item.name.clone_from(&name));
        }
    }
    Ok(())
}

const SET: u8 = 0x31;

/// PKCS#8 in the EncryptedPrivateKeyInfo of a bag.
fn shrouded(value: &[u8], secret: &[Secret], password: &Password<'_>) -> Result<Secret> {
    let damaged = || password.problem("is a damaged PKCS#12 file: a key in it cannot be read");
    let (scheme, sealed) = read::sealed(value).ok_or_else(damaged)?;
    password.opened(first(secret, |secret| pbe::open(scheme, secret, sealed)))
}

/// The X.509 certificate of a bag, unless it is of another kind.
fn certificate(value: &[u8]) -> Option<Option<&[u8]>> {
    let mut bag = Elements::new(tlv::only(tlv::SEQUENCE, value)?)?;
    let kind = bag.whole()?;
    let der = tlv::only(tlv::OCTET_STRING, bag.take(tlv::context(0))?)?;
    Some((kind == X509).then_some(der))
}

/// A secret key as Java puts it into a bag: under the OID of a shrouded key bag, PKCS#8 around the raw key.
fn secret_key(value: &[u8], secret: &[Secret], password: &Password<'_>) -> Result<Vec<Item>> {
    let damaged = || password.problem("is a damaged PKCS#12 file: a secret in it cannot be read");
    let read = || {
        let mut bag = Elements::new(tlv::only(tlv::SEQUENCE, value)?)?;
        let kind = bag.whole()?;
        let inner = tlv::only(tlv::OCTET_STRING, bag.take(tlv::context(0))?)?;
        Some((kind, inner))
    };
    let (kind, inner) = read().ok_or_else(damaged)?;
    let key = match kind.split_last() {
        Some((2, BAG)) => shrouded(inner, secret, password)?,
        Some((1, BAG)) => inner.into(),
        _ => return Err(password.problem("has a secret of a kind that is not known")),
    };
    read::raw_secret(key.expose(), password).map(|item| vec![item])
}

/// The friendlyName among a bag's attributes: UTF-16.
fn friendly_name(attributes: &[u8]) -> Option<String> {
    let mut attributes = Elements::new(attributes)?;
    while !attributes.done() {
        let mut attribute = attributes.sequence()?;
        if attribute.whole()? == FRIENDLY_NAME {
            const BMP_STRING: u8 = 0x1e;
            let text = tlv::only(BMP_STRING, attribute.take(SET)?)?;
            let units: Vec<u16> =
                text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            return Some(String::from_utf16_lossy(&units)).filter(|name| !name.is_empty());
        }
    }
    None
}
