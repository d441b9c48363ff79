//! A module to ask, with a token and a session, and the list of its answers.

use std::ptr::null_mut;

use cryptoki_sys::*;
use tokenkeep::cryptoki::{Rv, names};

use super::super::module::{Module, Result, call, len, ok};

/// An attribute to give.
pub type Attribute = (CK_ATTRIBUTE_TYPE, Vec<u8>);
pub type Template = Vec<Attribute>;
/// A handle, or the code of the refusal.
pub type Made = std::result::Result<CK_OBJECT_HANDLE, CK_RV>;

/// A value that can stand in a template.
pub trait Bytes {
    fn bytes(self) -> Vec<u8>;
}

impl Bytes for bool {
    fn bytes(self) -> Vec<u8> {
        vec![self.into()]
    }
}

impl Bytes for CK_ULONG {
    fn bytes(self) -> Vec<u8> {
        self.to_ne_bytes().to_vec()
    }
}

impl<const N: usize> Bytes for &[u8; N] {
    fn bytes(self) -> Vec<u8> {
        self.to_vec()
    }
}

impl Bytes for &[u8] {
    fn bytes(self) -> Vec<u8> {
        self.to_vec()
    }
}

/// An attribute of a template.
pub fn is(attribute: CK_ATTRIBUTE_TYPE, value: impl Bytes) -> Attribute {
    (attribute, value.bytes())
}

/// A module under questions.
pub struct Probe<'a> {
    pub module: &'a Module,
    pub slot: CK_SLOT_ID,
    pub session: CK_SESSION_HANDLE,
}

impl Probe<'_> {
    pub fn v2(&self) -> &'static CK_FUNCTION_LIST {
        self.module.v2
    }

    /// One answer, told to whoever compares. It is printed at once: a module that dies has answered so far.
    pub fn tell(&self, question: impl std::fmt::Display, answer: impl std::fmt::Display) {
        println!("{question}\t{answer}");
    }

    pub fn code(&self, question: impl std::fmt::Display, rv: CK_RV) {
        self.tell(question, Rv::name_of(rv));
    }

    pub fn made(&self, question: impl std::fmt::Display, made: Made) {
        self.code(question, made.err().unwrap_or(CKR_OK));
    }

    /// The user or the SO logs in.
    pub fn login(&self, user: CK_USER_TYPE, pin: &str) -> CK_RV {
        let pin = pin.as_bytes();
        call!(self.v2(), C_Login(self.session, user, pin.as_ptr().cast_mut(), len(pin)))
    }

    pub fn logout(&self) -> CK_RV {
        call!(self.v2(), C_Logout(self.session))
    }

    pub fn state(&self, session: CK_SESSION_HANDLE) -> std::result::Result<CK_STATE, CK_RV> {
        let mut info = CK_SESSION_INFO::default();
        match call!(self.v2(), C_GetSessionInfo(session, &raw mut info)) {
            CKR_OK => Ok(info.state),
            rv => Err(rv),
        }
    }

    /// A session beside the first.
    pub fn open(&self, flags: CK_FLAGS) -> Made {
        made(|session| call!(self.v2(), C_OpenSession(self.slot, flags, null_mut(), None, session)))
    }

    pub fn close(&self, session: CK_SESSION_HANDLE) -> Result<()> {
        ok("C_CloseSession", call!(self.v2(), C_CloseSession(session)))
    }

    pub fn create(&self, template: &Template) -> Made {
        let mut c = lend(template);
        made(|handle| call!(self.v2(), C_CreateObject(self.session, c.as_mut_ptr(), len(&c), handle)))
    }

    pub fn copy(&self, object: CK_OBJECT_HANDLE, template: &Template) -> Made {
        let mut c = lend(template);
        made(|handle| call!(self.v2(), C_CopyObject(self.session, object, c.as_mut_ptr(), len(&c), handle)))
    }

    pub fn set(&self, object: CK_OBJECT_HANDLE, template: &Template) -> CK_RV {
        let mut c = lend(template);
        call!(self.v2(), C_SetAttributeValue(self.session, object, c.as_mut_ptr(), len(&c)))
    }

    pub fn destroy(&self, object: CK_OBJECT_HANDLE) -> CK_RV {
        call!(self.v2(), C_DestroyObject(self.session, object))
    }

    pub fn generate(&self, mechanism: CK_MECHANISM_TYPE, template: &Template) -> Made {
        let (mut c, mut mechanism) = (lend(template), plain(mechanism));
        made(|handle| {
            call!(self.v2(), C_GenerateKey(self.session, &raw mut mechanism, c.as_mut_ptr(), len(&c), handle))
        })
    }

    /// The public and the private key.
    pub fn pair(&self, mechanism: CK_MECHANISM_TYPE, public: &Template, private: &Template) -> (Made, Made) {
        let (mut public, mut private, mut mechanism) = (lend(public), lend(private), plain(mechanism));
        let mut other = 0;
        let first = made(|handle| {
            call!(
                self.v2(),
                C_GenerateKeyPair(
                    self.session,
                    &raw mut mechanism,
                    public.as_mut_ptr(),
                    len(&public),
                    private.as_mut_ptr(),
                    len(&private),
                    handle,
                    &raw mut other,
                )
            )
        });
        (first, first.map(|_| other))
    }

    pub fn wrap(
        &self,
        mechanism: CK_MECHANISM_TYPE,
        with: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
    ) -> std::result::Result<Vec<u8>, CK_RV> {
        let (mut mechanism, mut out, mut size) = (plain(mechanism), vec![0; 4096], 4096);
        let function = self.v2();
        match call!(
            function,
            C_WrapKey(self.session, &raw mut mechanism, with, key, out.as_mut_ptr(), &raw mut size)
        ) {
            CKR_OK => {
                out.truncate(size as usize);
                Ok(out)
            }
            rv => Err(rv),
        }
    }

    pub fn unwrap(
        &self,
        mechanism: CK_MECHANISM_TYPE,
        with: CK_OBJECT_HANDLE,
        wrapped: &[u8],
        template: &Template,
    ) -> Made {
        let (mut c, mut mechanism) = (lend(template), plain(mechanism));
        let (bytes, size) = (wrapped.as_ptr().cast_mut(), len(wrapped));
        made(|handle| {
            call!(
                self.v2(),
                C_UnwrapKey(
                    self.session,
                    &raw mut mechanism,
                    with,
                    bytes,
                    size,
                    c.as_mut_ptr(),
                    len(&c),
                    handle
                )
            )
        })
    }

    /// The bytes of an attribute.
    pub fn bytes(
        &self,
        object: CK_OBJECT_HANDLE,
        attribute: CK_ATTRIBUTE_TYPE,
    ) -> std::result::Result<Vec<u8>, CK_RV> {
        let mut value = vec![0u8; 4096];
        let mut asked =
            CK_ATTRIBUTE { type_: attribute, pValue: value.as_mut_ptr().cast(), ulValueLen: len(&value) };
        match call!(self.v2(), C_GetAttributeValue(self.session, object, &raw mut asked, 1)) {
            CKR_OK => {
                value.truncate(asked.ulValueLen as usize);
                Ok(value)
            }
            rv => Err(rv),
        }
    }

    /// An attribute in words: its flag, its number, the length of its bytes, or the code of the refusal.
    pub fn value(&self, object: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> String {
        let value = match self.bytes(object, attribute) {
            Ok(value) => value,
            Err(rv) => return Rv::name_of(rv),
        };
        match (attribute, &value[..]) {
            (_, []) => "empty".to_owned(),
            (_, [CK_FALSE]) => "CK_FALSE".to_owned(),
            (_, [CK_TRUE]) => "CK_TRUE".to_owned(),
            (CKA_KEY_GEN_MECHANISM, bytes) => match number(bytes) {
                Some(CK_UNAVAILABLE_INFORMATION) => "CK_UNAVAILABLE_INFORMATION".to_owned(),
                Some(number) => names::mechanism(number).into_owned(),
                None => format!("{} bytes", bytes.len()),
            },
            (
                CKA_CLASS | CKA_KEY_TYPE | CKA_CERTIFICATE_TYPE | CKA_CERTIFICATE_CATEGORY | CKA_VALUE_LEN,
                bytes,
            ) => number(bytes).map_or_else(|| format!("{} bytes", bytes.len()), |number| number.to_string()),
            (_, bytes) => format!("{} bytes", bytes.len()),
        }
    }
}

fn number(bytes: &[u8]) -> Option<CK_ULONG> {
    bytes.try_into().ok().map(CK_ULONG::from_ne_bytes)
}

fn made(call: impl FnOnce(*mut CK_ULONG) -> CK_RV) -> Made {
    let mut handle = 0;
    match call(&raw mut handle) {
        CKR_OK => Ok(handle),
        rv => Err(rv),
    }
}

/// A template as C wants it, for as long as it lives.
pub fn lend(template: &Template) -> Vec<CK_ATTRIBUTE> {
    let one = |(attribute, value): &Attribute| CK_ATTRIBUTE {
        type_: *attribute,
        pValue: value.as_ptr().cast_mut().cast(),
        ulValueLen: len(value),
    };
    template.iter().map(one).collect()
}

/// A mechanism without a parameter.
pub fn plain(mechanism: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism, pParameter: null_mut(), ulParameterLen: 0 }
}
