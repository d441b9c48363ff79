//! What is in a file, told by its contents: PEM, DER, PKCS#12, JWK.

use std::cell::RefCell;

use tokenkeep::crypto::tlv::{self, Elements};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Error, Secret};
use tokenkeep::object::key::RSA_NUMBERS;
use tokenkeep::object::{Attributes, Value};
use x509_cert::der::Decode;
use x509_cert::request::CertReq;

use super::item::Item;
use super::pbe::{self, Refusal};
use super::{jwk, pkcs12, public};
use crate::pin::Source;
use crate::problem::{Problem, Result};

/// 1.2.840.113549.1.1.1 and its NULL, 1.2.840.113549.1.1.10, 1.2.840.10045.2.1, 1.2.840.113549.1.7.2, with their tags
/// and lengths.
const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
const RSA_PSS: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const EC: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const SIGNED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// The passphrase of the files, asked for when the first of them needs it, and which file is read.
pub struct Password<'a> {
    source: Source<'a>,
    known: RefCell<Option<Secret>>,
    file: RefCell<String>,
}

impl<'a> Password<'a> {
    pub fn new(source: Source<'a>) -> Password<'a> {
        Password { source, known: RefCell::default(), file: RefCell::default() }
    }

    /// The file that is read now.
    pub fn at(&self, file: &str) {
        file.clone_into(&mut self.file.borrow_mut());
    }

    /// The passphrase; `what` needs it.
    pub fn of(&self, what: &str) -> Result<Secret> {
        let known = self.known.borrow().clone();
        match known {
            Some(secret) => Ok(secret),
            None => {
                let secret = self.source.known(&format!(" of {what} {}", self.file.borrow()))?;
                // One that is typed is asked for again by the next file.
                if self.source.is_given() {
                    *self.known.borrow_mut() = Some(secret.clone());
                }
                Ok(secret)
            }
        }
    }

    /// What a file is, or is not.
    pub fn problem(&self, what: &str) -> Problem {
        self.convert(what).advise("another copy of the file, or leave it out")
    }

    /// What a file is, and should not be.
    fn convert(&self, what: &str) -> Problem {
        Problem::new(format!("{} {what}", self.file.borrow()))
    }

    pub fn wrong(&self) -> Problem {
        Problem::new(format!("wrong password of {}", self.file.borrow())).advise(
            "the right one by --password-env or --password-file; files with others are imported one by one",
        )
    }

    /// What was decrypted, or why it was not.
    pub fn opened(&self, opened: std::result::Result<Secret, Refusal>) -> Result<Secret> {
        opened.map_err(|refusal| match refusal {
            Refusal::WrongPassword => self.wrong(),
            Refusal::Unknown => self
                .convert("is encrypted in a way that is not known here")
                .advise("`openssl pkcs8 -topk8` or `openssl pkcs12` write it anew"),
        })
    }
}

/// An item, or what is wrong with it.
pub fn told<T>(password: &Password<'_>, item: std::result::Result<T, Error>) -> Result<T> {
    item.map_err(|error| password.problem(&format!("cannot be imported: {}", error.why())))
}

/// The objects in a file; none when nothing in it is known.
///
/// # Errors
/// A wrong passphrase, a damaged key, formats that must be converted.
pub fn file(name: &str, bytes: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    password.at(name);
    let mut items = contents(bytes, password)?;
    items.iter_mut().for_each(|item| name.clone_into(&mut item.file));
    Ok(items)
}

fn contents(bytes: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    if let Some((_, advice)) = FOREIGN.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(password.convert("is of a format that must be converted").advise(*advice));
    }
    if bytes.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return pem(bytes, password);
    }
    match bytes.trim_ascii_start() {
        [b'{', ..] => jwk::read(bytes, password),
        _ => der(bytes, password),
    }
}

/// What other programs read, by how it begins.
const FOREIGN: [(&[u8], &str); 4] = [
    (
        b"\xfe\xed\xfe\xed",
        "`keytool -importkeystore -srckeystore FILE -destkeystore FILE.p12 -deststoretype PKCS12`",
    ),
    (
        b"\xce\xce\xce\xce",
        "`keytool -importkeystore -srckeystore FILE -destkeystore FILE.p12 -deststoretype PKCS12`",
    ),
    (b"-----BEGIN OPENSSH PRIVATE KEY", "a copy of the file by `ssh-keygen -p -m PKCS8 -f COPY`"),
    (b"PuTTY-User-Key-File", "`puttygen FILE -O private-openssh-new`, and then `ssh-keygen -p -m PKCS8`"),
];

fn pem(bytes: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    /// What stands beside keys and is none.
    const BESIDE: [&str; 4] = ["EC PARAMETERS", "DH PARAMETERS", "DSA PARAMETERS", "X509 CRL"];
    let blocks =
        pem::parse_many(bytes).map_err(|error| password.problem(&format!("is damaged PEM: {error}")))?;
    let mut items = Vec::new();
    for block in blocks.into_iter().filter(|block| !BESIDE.contains(&block.tag())) {
        let (tag, dek) = (block.tag().to_owned(), block.headers().get("DEK-Info").map(str::to_owned));
        let mut body = Secret::from(block.into_contents());
        if let Some(dek) = dek {
            let secret = password.of("the key in")?;
            body = password.opened(pbe::open_traditional(&dek, &secret, body.expose()))?;
            if tlv::only(tlv::SEQUENCE, body.expose()).is_none() {
                return Err(password.wrong());
            }
        }
        if tag == "TRUSTED CERTIFICATE" {
            let first = Elements::new(body.expose()).and_then(|mut both| both.whole().map(Secret::from));
            body = first.unwrap_or(body);
        }
        let found = der(body.expose(), password)?;
        if found.is_empty() {
            return Err(password.problem(&format!("has a PEM block {tag:?}, which is nothing for a token")));
        }
        items.extend(found);
    }
    Ok(items)
}

/// The objects of one DER element, by its shape.
fn der(bytes: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    if pkcs12::is_one(bytes) {
        return pkcs12::read(bytes, password);
    }
    let Some(shape) = shape(bytes) else { return Ok(Vec::new()) };
    let one = |item| told(password, item).map(|item| vec![item]);
    match shape {
        [tlv::SEQUENCE, tlv::SEQUENCE, tlv::BIT_STRING] if CertReq::from_der(bytes).is_ok() => Err(password
            .convert("is a request for a certificate (CSR), and no certificate")
            .advise("the certificate that the authority makes of it")),
        [tlv::SEQUENCE, tlv::SEQUENCE, tlv::BIT_STRING] => one(Item::certificate(bytes)),
        [tlv::SEQUENCE, tlv::BIT_STRING, 0] => one(Item::public(bytes)),
        [tlv::SEQUENCE, tlv::OCTET_STRING, 0] => {
            let secret = password.of("the key in")?;
            let (scheme, sealed) = sealed(bytes).ok_or_else(|| password.problem("is damaged"))?;
            let key = password.opened(pbe::open(scheme, &secret, sealed))?;
            match tlv::only(tlv::SEQUENCE, key.expose()) {
                Some(_) => private(key, password),
                None => Err(password.wrong()),
            }
        }
        [tlv::INTEGER, tlv::SEQUENCE, tlv::OCTET_STRING] => private(bytes.into(), password),
        [tlv::INTEGER, tlv::OCTET_STRING, _] => sec1(bytes, password),
        [tlv::INTEGER, tlv::INTEGER, 0] => {
            let key = tlv::put(tlv::BIT_STRING, &[&[0], bytes]);
            let info = tlv::put(tlv::SEQUENCE, &[tlv::put(tlv::SEQUENCE, &[RSA]).expose(), key.expose()]);
            one(Item::public(info.expose()))
        }
        [tlv::INTEGER, tlv::INTEGER, tlv::INTEGER] => rsa(bytes, password),
        [tlv::OID, 0xa0, 0] => certificates(bytes, password),
        _ => Ok(Vec::new()),
    }
}

/// The tags of the first three elements of a SEQUENCE; 0 where there is none.
fn shape(bytes: &[u8]) -> Option<[u8; 3]> {
    let mut inside = Elements::new(tlv::only(tlv::SEQUENCE, bytes)?)?;
    let mut shape = [0; 3];
    for tag in &mut shape {
        if !inside.done() {
            *tag = inside.tag()?;
            inside.whole()?;
        }
    }
    Some(shape)
}

/// Scheme and ciphertext of EncryptedPrivateKeyInfo (RFC 5958 §3).
pub fn sealed(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut info = Elements::new(tlv::only(tlv::SEQUENCE, der)?)?;
    let (scheme, sealed) = (info.whole()?, info.take(tlv::OCTET_STRING)?);
    info.done().then_some((scheme, sealed))
}

fn pkcs8(algorithm: &[&[u8]], key: &[u8]) -> Secret {
    let algorithm = tlv::put(tlv::SEQUENCE, algorithm);
    let key = tlv::put(tlv::OCTET_STRING, &[key]);
    tlv::put(tlv::SEQUENCE, &[&[2, 1, 0], algorithm.expose(), key.expose()])
}

/// The OID and the key of PrivateKeyInfo.
fn outline(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut info = Elements::new(tlv::only(tlv::SEQUENCE, der)?)?;
    info.number()?;
    let oid = info.sequence()?.whole()?;
    Some((oid, info.take(tlv::OCTET_STRING)?))
}

/// A private key in PKCS#8, of whatever algorithm.
///
/// # Errors
/// What is wrong with it.
pub fn private(der: Secret, password: &Password<'_>) -> Result<Vec<Item>> {
    let (oid, key) =
        outline(der.expose()).ok_or_else(|| password.problem("has a private key that is no PKCS#8"))?;
    let kind = match oid {
        _ if RSA.starts_with(oid) => return rsa(key, password),
        RSA_PSS => return rsa(key, password),
        EC => CKK_EC,
        _ => {
            let curve = public::curve(oid).map(|(_, kind)| kind);
            let kind =
                curve.or_else(|| public::field(oid)).or_else(|| public::set(oid).map(|(_, kind)| kind));
            told(password, kind.ok_or_else(|| public::unknown(oid)))?
        }
    };
    told(password, Item::pkcs8(kind, der))
}

/// RSAPrivateKey of two primes (RFC 8017 appendix A.1.2).
fn rsa(der: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    let read = || {
        let mut key = Elements::new(tlv::only(tlv::SEQUENCE, der)?)?;
        key.number()?.is_empty().then_some(())?;
        let mut attributes = Attributes::default();
        for attribute in RSA_NUMBERS {
            let number = key.number().filter(|number| !number.is_empty())?;
            attributes.set(
                attribute,
                match attribute {
                    CKA_MODULUS | CKA_PUBLIC_EXPONENT => Value::Bytes(number.to_vec()),
                    _ => Value::Secret(number.into()),
                },
            );
        }
        key.done().then_some(attributes)
    };
    let key = read()
        .ok_or_else(|| password.problem("has an RSA key that is damaged, or of more than two primes"))?;
    told(password, Item::pair(CKK_RSA, key))
}

/// ECPrivateKey, which names its curve (RFC 5915).
fn sec1(der: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    let curve = || {
        let mut key = Elements::new(tlv::only(tlv::SEQUENCE, der)?)?;
        key.number()?;
        key.take(tlv::OCTET_STRING)?;
        key.take(tlv::context(0))
    };
    let curve = curve().ok_or_else(|| {
        password
            .problem("has an EC key that does not say its curve")
            .advise("`openssl pkcs8 -topk8` writes it anew")
    })?;
    told(password, Item::pkcs8(CKK_EC, pkcs8(&[EC, curve], der)))
}

/// The certificates of PKCS#7 (RFC 5652 §5.1).
fn certificates(der: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    let read = || {
        let mut info = Elements::new(tlv::only(tlv::SEQUENCE, der)?)?;
        (info.whole()? == SIGNED_DATA).then_some(())?;
        let mut data = Elements::new(tlv::only(tlv::SEQUENCE, info.take(tlv::context(0))?)?)?;
        for _ in 0..3 {
            data.whole()?;
        }
        let mut all = Elements::new(data.take(tlv::context(0))?)?;
        let mut certificates = Vec::new();
        while !all.done() {
            certificates.push(all.whole()?);
        }
        Some(certificates)
    };
    let all = read().ok_or_else(|| password.problem("is PKCS#7 without certificates"))?;
    all.into_iter().map(|der| told(password, Item::certificate(der))).collect()
}

/// The types of secret keys by their OIDs, as Java writes them into PKCS#12.
const SECRETS: [(&[u8], CK_KEY_TYPE); 2] = [
    (&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1], CKK_AES),
    (&[6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7], CKK_DES3),
];

/// A secret key in PrivateKeyInfo.
///
/// # Errors
/// What is wrong with it.
pub fn raw_secret(der: &[u8], password: &Password<'_>) -> Result<Item> {
    let (oid, key) = outline(der).ok_or_else(|| password.problem("has a secret key that cannot be read"))?;
    // AES has an OID of its own for each size and mode, below the one that Java gives.
    let known = SECRETS
        .iter()
        .find(|(known, _)| oid == *known || oid.get(2..).is_some_and(|oid| oid.starts_with(&known[2..])));
    let kind = known.map_or(CKK_GENERIC_SECRET, |(_, kind)| *kind);
    told(password, Item::secret(kind, key.into()))
}
