//! Message-based calls of version 3.0, with their parameters in C's layout for the time of one call.

use std::ptr::null_mut;

use crate::call::{Answer, input, len, ok, room};
use crate::{Kind, Mechanism, Result, Rv, Session, ids::*};

/// Which mechanism a message's parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// CK_GCM_MESSAGE_PARAMS
    Gcm,
    /// CK_CCM_MESSAGE_PARAMS for so many bytes of data
    Ccm(usize),
    /// CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS
    ChaCha,
}

impl Family {
    /// The mechanism.
    pub fn id(self) -> CK_MECHANISM_TYPE {
        match self {
            Family::Gcm => CKM_AES_GCM,
            Family::Ccm(_) => CKM_AES_CCM,
            Family::ChaCha => CKM_CHACHA20_POLY1305,
        }
    }
}

/// A message's parameter, owned: what the module writes is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gcm {
    pub family: Family,
    pub iv: Vec<u8>,
    pub fixed_bits: usize,
    pub generator: CK_GENERATOR_FUNCTION,
    pub tag: Vec<u8>,
}

impl Gcm {
    /// An IV of the caller's, and room for a tag of 16 bytes.
    pub fn given(iv: &[u8]) -> Gcm {
        Gcm {
            family: Family::Gcm,
            iv: iv.to_vec(),
            fixed_bits: 0,
            generator: CKG_NO_GENERATE,
            tag: vec![0; 16],
        }
    }

    /// Twelve bytes of IV to be generated, behind the fixed bits of that one.
    pub fn generated(generator: CK_GENERATOR_FUNCTION, iv: &[u8; 12], fixed_bits: usize) -> Gcm {
        Gcm { fixed_bits, generator, ..Gcm::given(iv) }
    }

    /// Shows the parameter to C for the time of one call.
    pub fn lend<T>(&mut self, call: impl FnOnce(CK_VOID_PTR, CK_ULONG) -> T) -> T {
        let (iv, iv_len, fixed) = (self.iv.as_mut_ptr(), len(self.iv.len()), len(self.fixed_bits));
        let (tag, tag_len, generator) = (self.tag.as_mut_ptr(), len(self.tag.len()), self.generator);
        match self.family {
            Family::Gcm => {
                let mut c = CK_GCM_MESSAGE_PARAMS {
                    pIv: iv,
                    ulIvLen: iv_len,
                    ulIvFixedBits: fixed,
                    ivGenerator: generator,
                    pTag: tag,
                    ulTagBits: tag_len * 8,
                };
                call((&raw mut c).cast(), len(size_of_val(&c)))
            }
            Family::Ccm(data) => {
                let mut c = CK_CCM_MESSAGE_PARAMS {
                    ulDataLen: len(data),
                    pNonce: iv,
                    ulNonceLen: iv_len,
                    ulNonceFixedBits: fixed,
                    nonceGenerator: generator,
                    pMAC: tag,
                    ulMACLen: tag_len,
                };
                call((&raw mut c).cast(), len(size_of_val(&c)))
            }
            Family::ChaCha => {
                let mut c =
                    CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS { pNonce: iv, ulNonceLen: iv_len * 8, pTag: tag };
                call((&raw mut c).cast(), len(size_of_val(&c)))
            }
        }
    }

    /// Shows it as the parameter of its mechanism.
    pub fn lend_mechanism<T>(&mut self, call: impl FnOnce(*mut CK_MECHANISM) -> T) -> T {
        let id = self.family.id();
        self.lend(|pointer, length| {
            let mut mechanism = CK_MECHANISM { mechanism: id, pParameter: pointer, ulParameterLen: length };
            call(&mut mechanism)
        })
    }
}

impl<'a> Session<'a> {
    pub(crate) fn c_3_2(&self) -> &'a CK_FUNCTION_LIST_3_2 {
        self.library.c_3_2().expect("the module has version 3.2")
    }

    /// C_MessageEncryptInit and its like; None for a NULL mechanism.
    pub fn begin_messages(
        &self,
        kind: Kind,
        mechanism: Option<Mechanism>,
        key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let (c, h) = (self.c_3_2(), self.handle);
        let call = |m| match kind {
            Kind::Encrypt => raw!(c, C_MessageEncryptInit(h, m, key)),
            Kind::Decrypt => raw!(c, C_MessageDecryptInit(h, m, key)),
            Kind::Sign => raw!(c, C_MessageSignInit(h, m, key)),
            Kind::Verify => raw!(c, C_MessageVerifyInit(h, m, key)),
            Kind::Digest => panic!("there are no digests of messages"),
        };
        ok(match mechanism {
            Some(mechanism) => mechanism.lend(call),
            None => call(null_mut()),
        })
    }

    /// C_MessageEncryptFinal and its like.
    pub fn end_messages(&self, kind: Kind) -> Result<()> {
        let (c, h) = (self.c_3_2(), self.handle);
        ok(match kind {
            Kind::Encrypt => raw!(c, C_MessageEncryptFinal(h)),
            Kind::Decrypt => raw!(c, C_MessageDecryptFinal(h)),
            Kind::Sign => raw!(c, C_MessageSignFinal(h)),
            Kind::Verify => raw!(c, C_MessageVerifyFinal(h)),
            Kind::Digest => panic!("there are no digests of messages"),
        })
    }

    /// C_EncryptMessage, C_DecryptMessage.
    pub fn crypt_message(
        &self,
        kind: Kind,
        gcm: &mut Gcm,
        aad: &[u8],
        data: &[u8],
        size: Option<usize>,
    ) -> Answer {
        let (c, h) = (self.c_3_2(), self.handle);
        let (a, an, d, n) = (input(aad), len(aad.len()), input(data), len(data.len()));
        gcm.lend(|p, pn| {
            room(size, |o, l| match kind {
                Kind::Encrypt => raw!(c, C_EncryptMessage(h, p, pn, a, an, d, n, o, l)),
                _ => raw!(c, C_DecryptMessage(h, p, pn, a, an, d, n, o, l)),
            })
        })
    }

    /// C_EncryptMessageBegin, C_DecryptMessageBegin.
    pub fn begin_message(&self, kind: Kind, gcm: &mut Gcm, aad: &[u8]) -> Result<()> {
        let (c, h) = (self.c_3_2(), self.handle);
        let (a, an) = (input(aad), len(aad.len()));
        ok(gcm.lend(|p, pn| match kind {
            Kind::Encrypt => raw!(c, C_EncryptMessageBegin(h, p, pn, a, an)),
            _ => raw!(c, C_DecryptMessageBegin(h, p, pn, a, an)),
        }))
    }

    /// C_EncryptMessageNext, C_DecryptMessageNext.
    pub fn next_message(
        &self,
        kind: Kind,
        gcm: &mut Gcm,
        part: &[u8],
        size: Option<usize>,
        last: bool,
    ) -> Answer {
        let (c, h) = (self.c_3_2(), self.handle);
        let (d, n, flags) = (input(part), len(part.len()), if last { CKF_END_OF_MESSAGE } else { 0 });
        gcm.lend(|p, pn| {
            room(size, |o, l| match kind {
                Kind::Encrypt => raw!(c, C_EncryptMessageNext(h, p, pn, d, n, o, l, flags)),
                _ => raw!(c, C_DecryptMessageNext(h, p, pn, d, n, o, l, flags)),
            })
        })
    }

    /// C_SignMessage
    pub fn sign_message(&self, data: &[u8], size: Option<usize>) -> Answer {
        let (c, h) = (self.c_3_2(), self.handle);
        let (d, n) = (input(data), len(data.len()));
        room(size, |o, l| raw!(c, C_SignMessage(h, null_mut(), 0, d, n, o, l)))
    }

    /// C_SignMessageBegin
    pub fn begin_sign_message(&self) -> Result<()> {
        ok(raw!(self.c_3_2(), C_SignMessageBegin(self.handle, null_mut(), 0)))
    }

    /// C_SignMessageNext with more to follow.
    pub fn more_to_sign(&self, part: &[u8]) -> Rv {
        let (d, n) = (input(part), len(part.len()));
        raw!(self.c_3_2(), C_SignMessageNext(self.handle, null_mut(), 0, d, n, null_mut(), null_mut()))
    }

    /// C_SignMessageNext with the last part.
    pub fn last_to_sign(&self, part: &[u8], size: Option<usize>) -> Answer {
        let (c, h) = (self.c_3_2(), self.handle);
        let (d, n) = (input(part), len(part.len()));
        room(size, |o, l| raw!(c, C_SignMessageNext(h, null_mut(), 0, d, n, o, l)))
    }

    /// C_VerifyMessage
    pub fn verify_message(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let (d, n, s, sn) = (input(data), len(data.len()), input(signature), len(signature.len()));
        ok(raw!(self.c_3_2(), C_VerifyMessage(self.handle, null_mut(), 0, d, n, s, sn)))
    }

    /// C_VerifyMessageBegin
    pub fn begin_verify_message(&self) -> Result<()> {
        ok(raw!(self.c_3_2(), C_VerifyMessageBegin(self.handle, null_mut(), 0)))
    }

    /// C_VerifyMessageNext; the signature comes with the last part.
    pub fn next_to_verify(&self, part: &[u8], signature: Option<&[u8]>) -> Result<()> {
        let (d, n) = (input(part), len(part.len()));
        let (s, sn) = signature.map_or((null_mut(), 0), |s| (input(s), len(s.len())));
        ok(raw!(self.c_3_2(), C_VerifyMessageNext(self.handle, null_mut(), 0, d, n, s, sn)))
    }

    /// C_VerifySignatureInit
    pub fn begin_judging(
        &self,
        mechanism: impl Into<Mechanism>,
        key: CK_OBJECT_HANDLE,
        signature: &[u8],
    ) -> Result<()> {
        let (s, n) = (input(signature), len(signature.len()));
        let c = self.c_3_2();
        ok(mechanism.into().lend(|m| raw!(c, C_VerifySignatureInit(self.handle, m, key, s, n))))
    }

    /// C_VerifySignature
    pub fn judge(&self, data: &[u8]) -> Result<()> {
        ok(raw!(self.c_3_2(), C_VerifySignature(self.handle, input(data), len(data.len()))))
    }

    /// C_VerifySignatureUpdate
    pub fn judge_update(&self, data: &[u8]) -> Result<()> {
        ok(raw!(self.c_3_2(), C_VerifySignatureUpdate(self.handle, input(data), len(data.len()))))
    }

    /// C_VerifySignatureFinal
    pub fn judge_finish(&self) -> Result<()> {
        ok(raw!(self.c_3_2(), C_VerifySignatureFinal(self.handle)))
    }

    /// C_SessionCancel
    pub fn cancel_session(&self, flags: CK_FLAGS) -> Result<()> {
        ok(raw!(self.c_3_2(), C_SessionCancel(self.handle, flags)))
    }

    /// C_WrapKeyAuthenticated
    pub fn wrap_authenticated(
        &self,
        gcm: &mut Gcm,
        wrapping: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        aad: &[u8],
        size: Option<usize>,
    ) -> Answer {
        let (c, h) = (self.c_3_2(), self.handle);
        let (a, an) = (input(aad), len(aad.len()));
        gcm.lend_mechanism(|m| {
            room(size, |o, l| raw!(c, C_WrapKeyAuthenticated(h, m, wrapping, key, a, an, o, l)))
        })
    }

    /// C_UnwrapKeyAuthenticated
    pub fn unwrap_authenticated(
        &self,
        gcm: &mut Gcm,
        unwrapping: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        aad: &[u8],
        template: &crate::Template,
    ) -> Result<CK_OBJECT_HANDLE> {
        let (c, h) = (self.c_3_2(), self.handle);
        let (a, an, w, wn) = (input(aad), len(aad.len()), input(wrapped), len(wrapped.len()));
        let mut key = CK_INVALID_HANDLE;
        let rv = gcm.lend_mechanism(|m| {
            template.lend(|t, n| {
                raw!(c, C_UnwrapKeyAuthenticated(h, m, unwrapping, w, wn, t, n, a, an, &mut key))
            })
        });
        ok(rv).map(|()| key)
    }
}
