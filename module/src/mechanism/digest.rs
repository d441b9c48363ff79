//! Digests and their HMACs (PKCS#11 v3.2 §6.19 – §6.25).

use crate::crypto::hash::{Hash, Hasher};
use crate::crypto::mac::Hmac;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::Key;

use super::{Begun, Mechanism, Operation, Params, ROW, Shape, Start, Unit};

const fn digest(id: CK_MECHANISM_TYPE, hash: Hash) -> Mechanism {
    Mechanism { id, hash: Some(hash), digest: Some(begin), ..ROW }
}

/// The key types an HMAC works with: generic secrets and the type of its own.
const fn hmac(id: CK_MECHANISM_TYPE, hash: Hash, keys: &'static [CK_KEY_TYPE]) -> Mechanism {
    Mechanism {
        id,
        hash: Some(hash),
        keys,
        sizes: (1, 65_536),
        unit: Unit::Bytes,
        sign: Some(mac),
        verify: Some(mac),
        ..ROW
    }
}

/// The same with a tag as short as the caller says.
const fn general(id: CK_MECHANISM_TYPE, hash: Hash, keys: &'static [CK_KEY_TYPE]) -> Mechanism {
    Mechanism { shape: Shape::MacGeneral, ..hmac(id, hash, keys) }
}

const SHA1: &[CK_KEY_TYPE] = &[CKK_GENERIC_SECRET, CKK_SHA_1_HMAC];
const SHA224: &[CK_KEY_TYPE] = &[CKK_GENERIC_SECRET, CKK_SHA224_HMAC];
const SHA256: &[CK_KEY_TYPE] = &[CKK_GENERIC_SECRET, CKK_SHA256_HMAC];
const SHA384: &[CK_KEY_TYPE] = &[CKK_GENERIC_SECRET, CKK_SHA384_HMAC];
const SHA512: &[CK_KEY_TYPE] = &[CKK_GENERIC_SECRET, CKK_SHA512_HMAC];

pub const ROWS: &[Mechanism] = &[
    digest(CKM_SHA_1, Hash::Sha1),
    digest(CKM_SHA224, Hash::Sha224),
    digest(CKM_SHA256, Hash::Sha256),
    digest(CKM_SHA384, Hash::Sha384),
    digest(CKM_SHA512, Hash::Sha512),
    hmac(CKM_SHA_1_HMAC, Hash::Sha1, SHA1),
    general(CKM_SHA_1_HMAC_GENERAL, Hash::Sha1, SHA1),
    hmac(CKM_SHA224_HMAC, Hash::Sha224, SHA224),
    general(CKM_SHA224_HMAC_GENERAL, Hash::Sha224, SHA224),
    hmac(CKM_SHA256_HMAC, Hash::Sha256, SHA256),
    general(CKM_SHA256_HMAC_GENERAL, Hash::Sha256, SHA256),
    hmac(CKM_SHA384_HMAC, Hash::Sha384, SHA384),
    general(CKM_SHA384_HMAC_GENERAL, Hash::Sha384, SHA384),
    hmac(CKM_SHA512_HMAC, Hash::Sha512, SHA512),
    general(CKM_SHA512_HMAC_GENERAL, Hash::Sha512, SHA512),
];

fn hash_of(row: &Mechanism) -> Result<Hash> {
    row.hash.ok_or_else(|| Rv::GeneralError.because("the row names no hash"))
}

fn begin(row: &'static Mechanism, _params: &Params) -> Result<Begun> {
    let hash = hash_of(row)?;
    Ok(Box::new(Digesting { hasher: hash.start(), len: hash.len() }))
}

struct Digesting {
    hasher: Hasher,
    len: usize,
}

impl Operation for Digesting {
    fn update(&mut self, data: &[u8], _out: &mut Vec<u8>) -> Result<()> {
        self.hasher.update(data);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        out.extend(self.hasher.finish());
        Ok(())
    }

    fn rest(&self, _more: usize) -> usize {
        self.len
    }

    fn save(&self) -> Option<Secret> {
        Some(self.hasher.save())
    }

    fn load(&mut self, state: &[u8]) -> Result<()> {
        self.hasher.load(state)
    }
}

fn mac(start: &Start<'_>) -> Result<Begun> {
    let Key::Secret(key) = start.key else { return Err(start.wrong_key()) };
    let hash = hash_of(start.row)?;
    let len = match start.params {
        Params::MacGeneral(len) if (1..=hash.len()).contains(len) => *len,
        Params::MacGeneral(len) => {
            return Err(start.wrong_params(format!("a tag of {len} bytes: it has 1 to {}", hash.len())));
        }
        _ => hash.len(),
    };
    Ok(Box::new(Macing { hmac: Hmac::new(hash, key), len }))
}

struct Macing {
    hmac: Hmac,
    len: usize,
}

impl Operation for Macing {
    fn update(&mut self, data: &[u8], _out: &mut Vec<u8>) -> Result<()> {
        self.hmac.update(data);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        out.extend(&self.hmac.finish()[..self.len]);
        Ok(())
    }

    fn rest(&self, _more: usize) -> usize {
        self.len
    }

    fn save(&self) -> Option<Secret> {
        Some(self.hmac.save())
    }

    fn load(&mut self, state: &[u8]) -> Result<()> {
        self.hmac.load(state)
    }
}
