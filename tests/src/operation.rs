//! Operations in one part and in many, one function for every kind.

use std::ptr::null_mut;

use crate::call::{Answer, input, len, ok, room};
use crate::{Mechanism, Result, Rv, Session, ids::*};

/// What an operation does to its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
    Verify,
}

impl Session<'_> {
    /// C_…Init. A digest takes no key.
    pub fn begin(&self, kind: Kind, mechanism: impl Into<Mechanism>, key: CK_OBJECT_HANDLE) -> Result<()> {
        let (c, h) = (self.c(), self.handle);
        ok(mechanism.into().lend(|m| match kind {
            Kind::Encrypt => raw!(c, C_EncryptInit(h, m, key)),
            Kind::Decrypt => raw!(c, C_DecryptInit(h, m, key)),
            Kind::Digest => raw!(c, C_DigestInit(h, m)),
            Kind::Sign => raw!(c, C_SignInit(h, m, key)),
            Kind::Verify => raw!(c, C_VerifyInit(h, m, key)),
        }))
    }

    /// The whole work in one call, into a buffer of that size, or NULL for None. Not for verification.
    pub fn single(&self, kind: Kind, data: &[u8], size: Option<usize>) -> Answer {
        let (c, h) = (self.c(), self.handle);
        let (d, n) = (input(data), len(data.len()));
        room(size, |p, l| match kind {
            Kind::Encrypt => raw!(c, C_Encrypt(h, d, n, p, l)),
            Kind::Decrypt => raw!(c, C_Decrypt(h, d, n, p, l)),
            Kind::Digest => raw!(c, C_Digest(h, d, n, p, l)),
            Kind::Sign => raw!(c, C_Sign(h, d, n, p, l)),
            Kind::Verify => panic!("C_Verify takes a signature: call verify_single"),
        })
    }

    /// The next part. Only encryption and decryption answer something.
    pub fn update(&self, kind: Kind, part: &[u8], size: Option<usize>) -> Answer {
        let (c, h) = (self.c(), self.handle);
        let (d, n) = (input(part), len(part.len()));
        let silent = |rv| Answer { rv, length: 0, bytes: Vec::new() };
        match kind {
            Kind::Encrypt => room(size, |p, l| raw!(c, C_EncryptUpdate(h, d, n, p, l))),
            Kind::Decrypt => room(size, |p, l| raw!(c, C_DecryptUpdate(h, d, n, p, l))),
            Kind::Digest => silent(raw!(c, C_DigestUpdate(h, d, n))),
            Kind::Sign => silent(raw!(c, C_SignUpdate(h, d, n))),
            Kind::Verify => silent(raw!(c, C_VerifyUpdate(h, d, n))),
        }
    }

    /// The end of a work in parts. Not for verification.
    pub fn finish(&self, kind: Kind, size: Option<usize>) -> Answer {
        let (c, h) = (self.c(), self.handle);
        room(size, |p, l| match kind {
            Kind::Encrypt => raw!(c, C_EncryptFinal(h, p, l)),
            Kind::Decrypt => raw!(c, C_DecryptFinal(h, p, l)),
            Kind::Digest => raw!(c, C_DigestFinal(h, p, l)),
            Kind::Sign => raw!(c, C_SignFinal(h, p, l)),
            Kind::Verify => panic!("C_VerifyFinal takes a signature: call verify_finish"),
        })
    }

    /// Begins, asks for the length, and does the whole work in one part.
    pub fn whole(
        &self,
        kind: Kind,
        mechanism: impl Into<Mechanism>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        self.begin(kind, mechanism, key)?;
        let query = self.single(kind, data, None);
        ok(query.rv)?;
        self.single(kind, data, Some(query.length)).bytes()
    }

    /// Begins and does the work in parts of `step` bytes.
    pub fn parts(
        &self,
        kind: Kind,
        mechanism: impl Into<Mechanism>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        step: usize,
    ) -> Result<Vec<u8>> {
        self.begin(kind, mechanism, key)?;
        let mut all = Vec::new();
        for part in data.chunks(step) {
            all.extend(self.update(kind, part, Some(part.len() + 64)).bytes()?);
        }
        let query = self.finish(kind, None);
        ok(query.rv)?;
        all.extend(self.finish(kind, Some(query.length)).bytes()?);
        Ok(all)
    }

    pub fn encrypt(&self, m: impl Into<Mechanism>, key: CK_OBJECT_HANDLE, data: &[u8]) -> Result<Vec<u8>> {
        self.whole(Kind::Encrypt, m, key, data)
    }

    pub fn decrypt(&self, m: impl Into<Mechanism>, key: CK_OBJECT_HANDLE, data: &[u8]) -> Result<Vec<u8>> {
        self.whole(Kind::Decrypt, m, key, data)
    }

    pub fn sign(&self, m: impl Into<Mechanism>, key: CK_OBJECT_HANDLE, data: &[u8]) -> Result<Vec<u8>> {
        self.whole(Kind::Sign, m, key, data)
    }

    pub fn digest(&self, mechanism: impl Into<Mechanism>, data: &[u8]) -> Result<Vec<u8>> {
        self.whole(Kind::Digest, mechanism, CK_INVALID_HANDLE, data)
    }

    /// C_DigestKey.
    pub fn digest_key(&self, key: CK_OBJECT_HANDLE) -> Result<()> {
        ok(raw!(self.c(), C_DigestKey(self.handle, key)))
    }

    pub fn verify(
        &self,
        mechanism: impl Into<Mechanism>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        self.begin(Kind::Verify, mechanism, key)?;
        self.verify_single(data, signature)
    }

    /// C_Verify.
    pub fn verify_single(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let (s, n) = (input(signature), len(signature.len()));
        ok(raw!(self.c(), C_Verify(self.handle, input(data), len(data.len()), s, n)))
    }

    /// C_VerifyFinal.
    pub fn verify_finish(&self, signature: &[u8]) -> Result<()> {
        ok(raw!(self.c(), C_VerifyFinal(self.handle, input(signature), len(signature.len()))))
    }

    /// C_VerifyInit, C_VerifyUpdate in parts of `step` bytes, C_VerifyFinal.
    pub fn verify_parts(
        &self,
        mechanism: impl Into<Mechanism>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        step: usize,
        signature: &[u8],
    ) -> Result<()> {
        self.begin(Kind::Verify, mechanism, key)?;
        for part in data.chunks(step) {
            ok(self.update(Kind::Verify, part, None).rv)?;
        }
        self.verify_finish(signature)
    }

    /// Ends an operation by a NULL mechanism, as version 3.0 allows.
    pub fn cancel(&self, kind: Kind) -> Rv {
        let (c, h) = (self.c(), self.handle);
        match kind {
            Kind::Encrypt => raw!(c, C_EncryptInit(h, null_mut(), 0)),
            Kind::Decrypt => raw!(c, C_DecryptInit(h, null_mut(), 0)),
            Kind::Digest => raw!(c, C_DigestInit(h, null_mut())),
            Kind::Sign => raw!(c, C_SignInit(h, null_mut(), 0)),
            Kind::Verify => raw!(c, C_VerifyInit(h, null_mut(), 0)),
        }
    }
}
