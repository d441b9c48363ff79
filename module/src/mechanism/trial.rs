//! A bench for the mechanisms' tests: rows run as a session runs them, in one part and in many.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Secret};
use crate::object::Key;

use super::{Begin, Begun, Mechanism, Params, Start, Yield, find};

/// A secret key and a parameter to try mechanisms with.
#[derive(Clone)]
pub struct Trial<'a> {
    pub kind: CK_KEY_TYPE,
    pub key: &'a [u8],
    pub params: Params,
}

/// Bytes that are all different in a row.
pub fn data(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 256) as u8).collect()
}

/// The key 000102… of so many bytes.
pub fn key(len: usize) -> Vec<u8> {
    (0..len as u8).collect()
}

/// The operation gives `whole` in one part, and in parts of many sizes; what it foretells of lengths comes true.
pub fn parts(begin: impl Fn() -> Begun, data: &[u8], whole: &[u8]) {
    let cuts = [1, 2, 3, 5, 7, 8, 13, 15, 16, 17, 31, 33, 64, 100];
    for shift in 0..=cuts.len() {
        let (mut operation, mut rest) = (begin(), data);
        let mut out = Vec::new();
        for cut in cuts.iter().cycle().skip(shift) {
            let cut = if shift == cuts.len() { rest.len() } else { *cut.min(&rest.len()) };
            let (part, after) = rest.split_at(cut);
            assert!(out.len() + operation.rest(rest.len()) >= whole.len(), "less foretold than came");
            let (before, room) = (out.len(), operation.room(part.len()));
            operation.update(part, &mut out).unwrap();
            assert_eq!(out.len() - before, room, "a part gave what it had not foretold");
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        operation.finish(&mut out).unwrap();
        assert_eq!(hex::encode(&out), hex::encode(whole), "in parts, from cut {shift}");
    }
}

impl Trial<'_> {
    fn begin(&self, row: &'static Mechanism, begin: Begin) -> Result<Begun> {
        self.with(row, begin)
    }

    /// Works with the key after the row's own checks.
    pub fn with<T>(&self, row: &'static Mechanism, work: impl FnOnce(&Start<'_>) -> Result<T>) -> Result<T> {
        let key = Key::Secret(self.key.into());
        row.suits(self.kind, &key)?;
        let world = crate::emulation::Emulation::new(None);
        work(&Start { row, params: &self.params, key: &key, emulation: &world })
    }

    fn run(&self, row: &'static Mechanism, begin: Begin, data: &[u8]) -> Result<Vec<u8>> {
        let (mut operation, mut out) = (self.begin(row, begin)?, Vec::new());
        operation.update(data, &mut out)?;
        operation.finish(&mut out)?;
        Ok(out)
    }

    pub fn encrypt(&self, id: CK_MECHANISM_TYPE, data: &[u8]) -> Result<Vec<u8>> {
        let row = find(id)?;
        self.run(row, row.encrypt.unwrap(), data)
    }

    pub fn decrypt(&self, id: CK_MECHANISM_TYPE, data: &[u8]) -> Result<Vec<u8>> {
        let row = find(id)?;
        self.run(row, row.decrypt.unwrap(), data)
    }

    pub fn sign(&self, id: CK_MECHANISM_TYPE, data: &[u8]) -> Result<Vec<u8>> {
        let row = find(id)?;
        self.run(row, row.sign.unwrap(), data)
    }

    pub fn verify(&self, id: CK_MECHANISM_TYPE, data: &[u8], signature: &[u8]) -> Result<()> {
        let row = find(id)?;
        let mut operation = self.begin(row, row.verify.unwrap())?;
        operation.update(data, &mut Vec::new())?;
        operation.verify(signature)
    }

    pub fn derive(&self, id: CK_MECHANISM_TYPE, len: Option<usize>) -> Result<Secret> {
        let row = find(id)?;
        self.with(row, |start| (row.derive.unwrap())(start, len))
    }

    pub fn brood(&self, id: CK_MECHANISM_TYPE, lengths: &[Option<usize>]) -> Result<Yield> {
        let row = find(id)?;
        self.with(row, |start| (row.brood.unwrap().work)(start, lengths))
    }

    pub fn wrap(&self, id: CK_MECHANISM_TYPE, key: &[u8]) -> Result<Secret> {
        let row = find(id)?;
        self.with(row, |start| (row.wrap.unwrap())(start, key))
    }

    pub fn unwrap(&self, id: CK_MECHANISM_TYPE, wrapped: &[u8]) -> Result<Secret> {
        let row = find(id)?;
        self.with(row, |start| (row.unwrap.unwrap())(start, wrapped))
    }

    /// Both ways, in one part and in many.
    pub fn encrypts(&self, id: CK_MECHANISM_TYPE, plain: &[u8], sealed: &[u8]) {
        let row = find(id).unwrap();
        parts(|| self.begin(row, row.encrypt.unwrap()).unwrap(), plain, sealed);
        parts(|| self.begin(row, row.decrypt.unwrap()).unwrap(), sealed, plain);
    }

    /// Both ways, in one part and in many; a bit more or less is no signature.
    pub fn signs(&self, id: CK_MECHANISM_TYPE, data: &[u8], tag: &[u8]) {
        use crate::cryptoki::Rv;
        let row = find(id).unwrap();
        parts(|| self.begin(row, row.sign.unwrap()).unwrap(), data, tag);
        self.verify(id, data, tag).unwrap();
        let mut wrong = tag.to_vec();
        wrong[0] ^= 1;
        assert_eq!(self.verify(id, data, &wrong).unwrap_err().rv(), Rv::SignatureInvalid);
        assert_eq!(self.verify(id, data, &tag[1..]).unwrap_err().rv(), Rv::SignatureLenRange);
    }
}
