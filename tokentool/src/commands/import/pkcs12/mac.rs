//! The MAC of a PKCS#12 file: by the KDF of PKCS#12 (RFC 7292 §4.1), or PBMAC1 (RFC 9579).

use tokenkeep::crypto::hash::Hash;
use tokenkeep::crypto::kdf;
use tokenkeep::crypto::mac::{Hmac, equal};
use tokenkeep::crypto::tlv::{self, Elements};
use tokenkeep::cryptoki::Secret;

use super::super::pbe::{self, Purpose};

/// The hashes by their OIDs, and by the last arc of their HMACs below 1.2.840.113549.2.
const HASHES: [(&[u8], u8, Hash); 5] = [
    (&[6, 5, 0x2b, 0x0e, 3, 2, 0x1a], 7, Hash::Sha1),
    (&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4], 8, Hash::Sha224),
    (&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], 9, Hash::Sha256),
    (&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2], 10, Hash::Sha384),
    (&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3], 11, Hash::Sha512),
];
const HMAC: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2];
/// 1.2.840.113549.1.5.14 and .12 with their tags and lengths.
const PBMAC1: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 14];
const PBKDF2: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
/// The longest key of an HMAC that is derived, in bytes.
const LONGEST: usize = 1024;

/// A MAC, and how its key comes from the passphrase.
pub struct Mac<'a> {
    hash: Hash,
    digest: &'a [u8],
    salt: &'a [u8],
    iterations: usize,
    /// Of PBMAC1: the hash of PBKDF2, and the bytes of the key.
    pbkdf2: Option<(Hash, usize)>,
}

/// Reads MacData; the inner none is a MAC of a kind that is not known here.
pub fn read(data: &[u8]) -> Option<Option<Mac<'_>>> {
    let mut data = Elements::new(tlv::only(tlv::SEQUENCE, data)?)?;
    let mut info = data.sequence()?;
    let mut algorithm = info.sequence()?;
    let oid = algorithm.whole()?;
    let digest = info.take(tlv::OCTET_STRING)?;
    if oid == PBMAC1 {
        return Some(pbmac1(&mut algorithm.sequence()?, digest));
    }
    let salt = data.take(tlv::OCTET_STRING)?;
    let iterations = if data.done() { 1 } else { pbe::number(data.number()?)? };
    let hash = HASHES.iter().find(|(known, ..)| *known == oid).map(|(.., hash)| *hash);
    Some(hash.map(|hash| Mac { hash, digest, salt, iterations, pbkdf2: None }))
}

/// PBMAC1-params (RFC 8018 appendix A.5), with the length of the key that RFC 9579 §5 wants.
fn pbmac1<'a>(parameters: &mut Elements<'a>, digest: &'a [u8]) -> Option<Mac<'a>> {
    let mut scheme = parameters.sequence()?;
    (scheme.whole()? == PBKDF2).then_some(())?;
    let mut kdf = scheme.sequence()?;
    let salt = kdf.take(tlv::OCTET_STRING)?;
    let iterations = pbe::number(kdf.number()?)?;
    let len = pbe::number(kdf.number()?).filter(|len| *len <= LONGEST)?;
    let prf = if kdf.done() { Hash::Sha1 } else { hmac(kdf.sequence()?.whole()?)? };
    let hash = hmac(parameters.sequence()?.whole()?)?;
    Some(Mac { hash, digest, salt, iterations, pbkdf2: Some((prf, len)) })
}

fn hmac(oid: &[u8]) -> Option<Hash> {
    let (arc, head) = oid.split_last()?;
    HASHES.iter().find(|(_, known, _)| known == arc && head == HMAC).map(|(.., hash)| *hash)
}

impl Mac<'_> {
    /// Whether the contents have this MAC under the passphrase.
    pub fn fits(&self, content: &[u8], secret: &Secret) -> bool {
        let under = |key: &Secret| {
            let mut hmac = Hmac::new(self.hash, key);
            hmac.update(content);
            equal(&hmac.finish(), self.digest)
        };
        let own = |secret: &Secret| {
            let len = self.hash.len();
            under(&pbe::derive(self.hash, secret, self.salt, self.iterations, Purpose::Mac, len))
        };
        match self.pbkdf2 {
            Some((prf, len)) => {
                let rounds = u32::try_from(self.iterations).unwrap_or(u32::MAX);
                kdf::pbkdf2(prf, secret, self.salt, rounds, len).is_ok_and(|key| under(&key))
            }
            // No passphrase is nothing, or an end of nothing.
            None => own(&pbe::utf16(secret)) || (secret.is_empty() && own(secret)),
        }
    }
}
