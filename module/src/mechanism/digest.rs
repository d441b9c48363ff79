//! Digests, their HMACs, the keys of these, and keys that are digests (PKCS#11 v3.2 §6.20 – §6.22).

use crate::crypto::hash::{self, Hash, Hasher};
use crate::crypto::mac::Hmac;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::Key;

use super::{Begun, Mechanism, Operation, Params, ROW, Shape, Start, Unit, secret};

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

/// A key for the HMAC.
const fn generation(id: CK_MECHANISM_TYPE, keys: &'static [CK_KEY_TYPE]) -> Mechanism {
    Mechanism { id, keys, sizes: (1, 65_536), unit: Unit::Bytes, generate: Some(secret::generate), ..ROW }
}

/// A key that is the digest of another.
const fn derivation(id: CK_MECHANISM_TYPE, hash: Option<Hash>) -> Mechanism {
    Mechanism { id, hash, derive: Some(derive), ..secret::BASE }
}

macro_rules! rows {
    ($($hash:ident: $digest:ident, $hmac:ident, $general:ident, $derive:ident, $key:ident $(, $generate:ident)?;)*) => {
        pub const ROWS: &[Mechanism] = &[
            $(
                digest($digest, Hash::$hash),
                hmac($hmac, Hash::$hash, &[CKK_GENERIC_SECRET, $key]),
                general($general, Hash::$hash, &[CKK_GENERIC_SECRET, $key]),
                derivation($derive, Some(Hash::$hash)),
                $(generation($generate, &[$key]),)?
            )*
            derivation(CKM_SHAKE_128_KEY_DERIVATION, None),
            derivation(CKM_SHAKE_256_KEY_DERIVATION, None),
        ];
    };
}

#[rustfmt::skip]
rows! {
    // hash      digest          HMAC                 HMAC, shortened              key from a digest              type of key          key of that type
    Md5:        CKM_MD5,        CKM_MD5_HMAC,        CKM_MD5_HMAC_GENERAL,        CKM_MD5_KEY_DERIVATION,        CKK_MD5_HMAC;
    Sha1:       CKM_SHA_1,      CKM_SHA_1_HMAC,      CKM_SHA_1_HMAC_GENERAL,      CKM_SHA1_KEY_DERIVATION,       CKK_SHA_1_HMAC,      CKM_SHA_1_KEY_GEN;
    Sha224:     CKM_SHA224,     CKM_SHA224_HMAC,     CKM_SHA224_HMAC_GENERAL,     CKM_SHA224_KEY_DERIVATION,     CKK_SHA224_HMAC,     CKM_SHA224_KEY_GEN;
    Sha256:     CKM_SHA256,     CKM_SHA256_HMAC,     CKM_SHA256_HMAC_GENERAL,     CKM_SHA256_KEY_DERIVATION,     CKK_SHA256_HMAC,     CKM_SHA256_KEY_GEN;
    Sha384:     CKM_SHA384,     CKM_SHA384_HMAC,     CKM_SHA384_HMAC_GENERAL,     CKM_SHA384_KEY_DERIVATION,     CKK_SHA384_HMAC,     CKM_SHA384_KEY_GEN;
    Sha512:     CKM_SHA512,     CKM_SHA512_HMAC,     CKM_SHA512_HMAC_GENERAL,     CKM_SHA512_KEY_DERIVATION,     CKK_SHA512_HMAC,     CKM_SHA512_KEY_GEN;
    Sha512_224: CKM_SHA512_224, CKM_SHA512_224_HMAC, CKM_SHA512_224_HMAC_GENERAL, CKM_SHA512_224_KEY_DERIVATION, CKK_SHA512_224_HMAC, CKM_SHA512_224_KEY_GEN;
    Sha512_256: CKM_SHA512_256, CKM_SHA512_256_HMAC, CKM_SHA512_256_HMAC_GENERAL, CKM_SHA512_256_KEY_DERIVATION, CKK_SHA512_256_HMAC, CKM_SHA512_256_KEY_GEN;
    Sha3_224:   CKM_SHA3_224,   CKM_SHA3_224_HMAC,   CKM_SHA3_224_HMAC_GENERAL,   CKM_SHA3_224_KEY_DERIVATION,   CKK_SHA3_224_HMAC,   CKM_SHA3_224_KEY_GEN;
    Sha3_256:   CKM_SHA3_256,   CKM_SHA3_256_HMAC,   CKM_SHA3_256_HMAC_GENERAL,   CKM_SHA3_256_KEY_DERIVATION,   CKK_SHA3_256_HMAC,   CKM_SHA3_256_KEY_GEN;
    Sha3_384:   CKM_SHA3_384,   CKM_SHA3_384_HMAC,   CKM_SHA3_384_HMAC_GENERAL,   CKM_SHA3_384_KEY_DERIVATION,   CKK_SHA3_384_HMAC,   CKM_SHA3_384_KEY_GEN;
    Sha3_512:   CKM_SHA3_512,   CKM_SHA3_512_HMAC,   CKM_SHA3_512_HMAC_GENERAL,   CKM_SHA3_512_KEY_DERIVATION,   CKK_SHA3_512_HMAC,   CKM_SHA3_512_KEY_GEN;
}

/// The hash of an HMAC named by its mechanism.
pub fn of_hmac(id: CK_MECHANISM_TYPE) -> Option<Hash> {
    let row = ROWS.iter().find(|row| row.id == id && row.shape == Shape::None && row.sign.is_some())?;
    row.hash
}

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

/// The digest of the base key: the first bytes of it, or of the endless digest of SHAKE.
fn derive(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let base = secret::value(start)?;
    match start.row.id {
        CKM_SHAKE_128_KEY_DERIVATION => hash::shake(false, base, len.unwrap_or(32)),
        CKM_SHAKE_256_KEY_DERIVATION => hash::shake(true, base, len.unwrap_or(64)),
        _ => secret::first(hash_of(start.row)?.digest(base.expose()).into(), len),
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{self, Trial};
    use super::*;

    const JEFE: Trial = Trial { kind: CKK_GENERIC_SECRET, key: b"Jefe", params: Params::None };

    /// RFC 2202, RFC 4231 and their like for the newer hashes (made with Python's hmac), test case 2.
    #[test]
    fn macs_of_every_hash() {
        for (id, tag) in [
            (CKM_MD5_HMAC, "750c783e6ab0b503eaa86e310a5db738"),
            (CKM_SHA_1_HMAC, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (CKM_SHA224_HMAC, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
            (CKM_SHA256_HMAC, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (CKM_SHA512_224_HMAC, "4a530b31a79ebcce36916546317c45f247d83241dfb818fd37254bde"),
            (CKM_SHA512_256_HMAC, "6df7b24630d5ccb2ee335407081a87188c221489768fa2020513b2d593359456"),
            (CKM_SHA3_224_HMAC, "7fdb8dd88bd2f60d1b798634ad386811c2cfc85bfaf5d52bbace5e66"),
            (CKM_SHA3_256_HMAC, "c7d4072e788877ae3596bbb0da73b887c9171f93095b294ae857fbe2645e1ba5"),
            (
                CKM_SHA3_384_HMAC,
                "f1101f8cbf9766fd6764d2ed61903f21ca9b18f57cf3e1a23ca13508a93243ce48c045dc007f26a21b3f5e0e9df4c20a",
            ),
            (
                CKM_SHA3_512_HMAC,
                "5a4bfeab6166427c7a3647b747292b8384537cdb89afb3bf5665e4c5e709350b287baec921fd7ca0ee7a0c31d022a95e1fc92ba9d77df883960275beb4e62024",
            ),
        ] {
            let tag = hex::decode(tag).unwrap();
            JEFE.signs(id, b"what do ya want for nothing?", &tag);
            for len in [1, tag.len() / 2, tag.len()] {
                let short = Trial { params: Params::MacGeneral(len), ..JEFE };
                short.signs(id + 1, b"what do ya want for nothing?", &tag[..len]);
            }
            for len in [0, tag.len() + 1, usize::MAX] {
                let wrong = Trial { params: Params::MacGeneral(len), ..JEFE };
                assert_eq!(wrong.sign(id + 1, b"").unwrap_err().rv(), Rv::MechanismParamInvalid);
            }
        }
    }

    #[test]
    fn a_key_of_another_hash_is_refused() {
        let row = super::super::find(CKM_SHA256_HMAC).unwrap();
        let key = Key::Secret(Secret::zeroed(32));
        assert!(row.suits(CKK_SHA256_HMAC, &key).is_ok());
        assert_eq!(row.suits(CKK_SHA384_HMAC, &key).unwrap_err().rv(), Rv::KeyTypeInconsistent);
    }

    /// FIPS 202: the endless digests of nothing and of "abc", checked with Python's hashlib.
    #[test]
    fn derived_keys_are_digests() {
        let abc = Trial { kind: CKK_GENERIC_SECRET, key: b"abc", params: Params::None };
        for (id, len, value) in [
            (
                CKM_SHA256_KEY_DERIVATION,
                None,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (CKM_SHA3_256_KEY_DERIVATION, Some(16), "3a985da74fe225b2045c172d6bd390bd"),
            (CKM_MD5_KEY_DERIVATION, Some(16), "900150983cd24fb0d6963f7d28e17f72"),
            (
                CKM_SHAKE_128_KEY_DERIVATION,
                None,
                "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8",
            ),
            (CKM_SHAKE_256_KEY_DERIVATION, Some(7), "483366601360a8"),
        ] {
            assert_eq!(hex::encode(abc.derive(id, len).unwrap().expose()), value);
        }
        assert_eq!(abc.derive(CKM_SHA256_KEY_DERIVATION, Some(33)).unwrap_err().rv(), Rv::KeySizeRange);
        assert_eq!(abc.derive(CKM_SHAKE_128_KEY_DERIVATION, Some(500)).unwrap().len(), 500);
    }

    #[test]
    fn every_digest_is_the_same_in_parts() {
        for row in ROWS.iter().filter(|row| row.digest.is_some()) {
            let data = trial::data(1000);
            let whole = row.hash.unwrap().digest(&data);
            let begin = || (row.digest.unwrap())(row, &Params::None).unwrap();
            trial::parts(begin, &data, &whole);
        }
    }
}
