//! The calls of the cases, in the order and with the arguments that the profiles show.

use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::module::{Module, Result, call, len, ok};
use super::furnish::{self, PRIVATE, PUBLIC, attribute};

/// A case that runs: what differs from what the profile shows, and what may.
pub struct Flow<'a> {
    module: &'a Module,
    pin: &'a str,
    slot: CK_SLOT_ID,
    session: CK_SESSION_HANDLE,
    pub wrong: Vec<String>,
    pub notes: Vec<String>,
}

/// The flags that the cases show of a token.
const TOKEN_FLAGS: CK_FLAGS = CKF_RNG
    | CKF_LOGIN_REQUIRED
    | CKF_USER_PIN_INITIALIZED
    | CKF_RESTORE_KEY_NOT_NEEDED
    | CKF_TOKEN_INITIALIZED;

/// The mechanisms that EXT-M-1-32 shows, with the flags it shows of them.
const MECHANISMS: [(CK_MECHANISM_TYPE, &str, CK_FLAGS); 3] = [
    (CKM_SHA512, "CKM_SHA512", CKF_DIGEST),
    (CKM_RSA_PKCS_KEY_PAIR_GEN, "CKM_RSA_PKCS_KEY_PAIR_GEN", CKF_GENERATE_KEY_PAIR),
    (CKM_RSA_PKCS, "CKM_RSA_PKCS", CKF_ENCRYPT | CKF_DECRYPT | CKF_SIGN | CKF_VERIFY | CKF_WRAP | CKF_UNWRAP),
];

impl<'a> Flow<'a> {
    pub fn new(module: &'a Module, pin: &'a str) -> Flow<'a> {
        Flow { module, pin, slot: 0, session: 0, wrong: Vec::new(), notes: Vec::new() }
    }

    /// After a refusal: the module must be free for the next case.
    pub fn abandon(&self) {
        let _ = call!(self.module.v2, C_Finalize(null_mut()));
    }

    /// What must be as the profile shows it.
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, shown: T, found: T) {
        if shown != found {
            self.wrong.push(format!("{what} is {found:?}, the case shows {shown:?}"));
        }
    }

    /// Flags that must all be there; more are noted.
    fn flags(&mut self, what: &str, shown: CK_FLAGS, found: CK_FLAGS) {
        match (shown & !found, found & !shown) {
            (0, 0) => {}
            (0, more) => self.notes.push(format!("{what} has the flags {more:#x} beside those shown")),
            (missing, _) => self.wrong.push(format!("{what} lacks the flags {missing:#x}")),
        }
    }

    /// A capacity of the device.
    fn capacity(&mut self, what: &str, shown: CK_ULONG, found: CK_ULONG) {
        if shown != found {
            let found = match found {
                CK_UNAVAILABLE_INFORMATION => "not told".to_owned(),
                number => number.to_string(),
            };
            self.notes.push(format!("{what}: {found}, the case shows {shown}"));
        }
    }

    /// C_Initialize, C_GetInfo, C_GetSlotList twice.
    pub fn begins(&mut self) -> Result<()> {
        ok("C_Initialize", self.module.initialize())?;
        let mut info = CK_INFO::default();
        let rv = match self.module.v3_2 {
            Some(list) => call!(list, C_GetInfo(&raw mut info)),
            None => call!(self.module.v2, C_GetInfo(&raw mut info)),
        };
        ok("C_GetInfo", rv)?;
        let version = (info.cryptokiVersion.major, info.cryptokiVersion.minor);
        self.same("CryptokiVersion", (3, 2), version);
        self.same("Flags of C_GetInfo", 0, info.flags);
        // The case takes the first slot; others may stand in the list (§3.1.2).
        self.module.slots()?;
        self.slot = self.module.token()?;
        Ok(())
    }

    pub fn slot_info(&mut self) -> Result<()> {
        let mut info = CK_SLOT_INFO::default();
        ok("C_GetSlotInfo", call!(self.module.v2, C_GetSlotInfo(self.slot, &raw mut info)))?;
        self.flags("the slot", CKF_TOKEN_PRESENT, info.flags);
        Ok(())
    }

    pub fn token_info(&mut self) -> Result<()> {
        let mut info = CK_TOKEN_INFO::default();
        ok("C_GetTokenInfo", call!(self.module.v2, C_GetTokenInfo(self.slot, &raw mut info)))?;
        self.flags("the token", TOKEN_FLAGS, info.flags);
        self.same("SessionCount", 0, info.ulSessionCount);
        self.same("RwSessionCount", 0, info.ulRwSessionCount);
        for (what, shown, found) in [
            ("MaxSessionCount", CK_EFFECTIVELY_INFINITE, info.ulMaxSessionCount),
            ("MaxRwSessionCount", CK_EFFECTIVELY_INFINITE, info.ulMaxRwSessionCount),
            ("MaxPinLen", 255, info.ulMaxPinLen),
            ("MinPinLen", 4, info.ulMinPinLen),
            ("TotalPublicMemory", 0, info.ulTotalPublicMemory),
            ("FreePublicMemory", 0, info.ulFreePublicMemory),
            ("TotalPrivateMemory", 0, info.ulTotalPrivateMemory),
            ("FreePrivateMemory", 0, info.ulFreePrivateMemory),
        ] {
            self.capacity(what, shown, found);
        }
        Ok(())
    }

    /// C_GetMechanismList twice, and C_GetMechanismInfo of those shown.
    pub fn mechanisms(&mut self) -> Result<()> {
        let (list, mut count) = (self.module.v2, 0);
        ok("C_GetMechanismList", call!(list, C_GetMechanismList(self.slot, null_mut(), &raw mut count)))?;
        let mut found = vec![0; count as usize];
        let rv = call!(list, C_GetMechanismList(self.slot, found.as_mut_ptr(), &raw mut count));
        ok("C_GetMechanismList", rv)?;
        for (id, name, flags) in MECHANISMS {
            if !found.contains(&id) {
                self.wrong.push(format!("C_GetMechanismList leaves out {name}"));
                continue;
            }
            let mut info = CK_MECHANISM_INFO::default();
            ok("C_GetMechanismInfo", call!(list, C_GetMechanismInfo(self.slot, id, &raw mut info)))?;
            self.flags(name, flags, info.flags);
            let (min, max) = if id == CKM_SHA512 { (0, 0) } else { (512, 16_384) };
            self.capacity(&format!("MinKeySize of {name}"), min, info.ulMinKeySize);
            self.capacity(&format!("MaxKeySize of {name}"), max, info.ulMaxKeySize);
        }
        Ok(())
    }

    pub fn opens(&mut self, write: bool) -> Result<()> {
        self.session = self.module.open(self.slot, write)?;
        Ok(())
    }

    pub fn login(&mut self) -> Result<()> {
        let pin = self.pin.as_bytes();
        let rv = call!(self.module.v2, C_Login(self.session, CKU_USER, pin.as_ptr().cast_mut(), len(pin)));
        ok("C_Login", rv)
    }

    pub fn logout(&mut self) -> Result<()> {
        ok("C_Logout", call!(self.module.v2, C_Logout(self.session)))
    }

    /// C_CloseSession, C_CloseAllSessions, C_Finalize.
    pub fn ends(&mut self) -> Result<()> {
        ok("C_CloseSession", call!(self.module.v2, C_CloseSession(self.session)))?;
        ok("C_CloseAllSessions", call!(self.module.v2, C_CloseAllSessions(self.slot)))?;
        furnish::finalize(self.module)
    }

    /// A search for CKA_TOKEN; what it finds may vary.
    pub fn finds_token_objects(&mut self, most: usize) -> Result<Vec<CK_OBJECT_HANDLE>> {
        furnish::find(self.module, self.session, &[attribute(CKA_TOKEN, &[CK_TRUE])], most)
    }

    /// The one key with that label and class.
    fn key(&mut self, label: &str, class: CK_OBJECT_CLASS) -> Result<CK_OBJECT_HANDLE> {
        let class = class.to_ne_bytes();
        let template = [
            attribute(CKA_TOKEN, &[CK_TRUE]),
            attribute(CKA_LABEL, label.as_bytes()),
            attribute(CKA_CLASS, &class),
        ];
        let found = furnish::find(self.module, self.session, &template, 1)?;
        found.first().copied().ok_or_else(|| format!("C_FindObjects finds no {label}"))
    }

    /// An attribute in a buffer of that size.
    fn read(&self, object: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE, size: usize) -> Result<Vec<u8>> {
        let mut value = vec![0; size];
        let mut asked =
            CK_ATTRIBUTE { type_: kind, pValue: value.as_mut_ptr().cast(), ulValueLen: size as CK_ULONG };
        let rv = call!(self.module.v2, C_GetAttributeValue(self.session, object, &raw mut asked, 1));
        ok("C_GetAttributeValue", rv)?;
        value.truncate(asked.ulValueLen as usize);
        Ok(value)
    }

    /// The length of an attribute, asked with a NULL pointer.
    fn length(&self, object: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Result<usize> {
        let mut asked = CK_ATTRIBUTE { type_: kind, pValue: null_mut(), ulValueLen: 0 };
        let rv = call!(self.module.v2, C_GetAttributeValue(self.session, object, &raw mut asked, 1));
        ok("C_GetAttributeValue", rv).map(|()| asked.ulValueLen as usize)
    }

    pub fn reads_the_public_key(&mut self) -> Result<()> {
        let key = self.key(PUBLIC, CKO_PUBLIC_KEY)?;
        let modulus = self.read(key, CKA_MODULUS, 1024)?;
        let exponent = self.read(key, CKA_PUBLIC_EXPONENT, 1024)?;
        self.same("the length of MODULUS", 256, modulus.len());
        self.same("PUBLIC_EXPONENT", vec![1, 0, 1], exponent);
        Ok(())
    }

    /// C_SignInit with CKM_SHA256_RSA_PKCS and C_Sign; the public key verifies what comes out.
    pub fn signs(&mut self) -> Result<()> {
        let private = self.key(PRIVATE, CKO_PRIVATE_KEY)?;
        let mut mechanism =
            CK_MECHANISM { mechanism: CKM_SHA256_RSA_PKCS, pParameter: null_mut(), ulParameterLen: 0 };
        let (list, session, data) = (self.module.v2, self.session, *b"what a certificate request says");
        let input = data.as_ptr().cast_mut();
        ok("C_SignInit", call!(list, C_SignInit(session, &raw mut mechanism, private)))?;
        let (mut signature, mut length) = ([0; 256], 256);
        let rv = call!(list, C_Sign(session, input, len(&data), signature.as_mut_ptr(), &raw mut length));
        ok("C_Sign", rv)?;
        self.same("the length of the signature", 256, length);
        let public = self.key(PUBLIC, CKO_PUBLIC_KEY)?;
        ok("C_VerifyInit", call!(list, C_VerifyInit(session, &raw mut mechanism, public)))?;
        let rv = call!(list, C_Verify(session, input, len(&data), signature.as_mut_ptr(), length));
        ok("C_Verify", rv)
    }

    /// Five public objects without a login: a label and a value, each by its length first.
    pub fn reads_the_certificates(&mut self) -> Result<()> {
        let found = self.finds_token_objects(5)?;
        self.same("the number of objects", 5, found.len());
        let [first, second, ..] = found[..] else { return Ok(()) };
        for (object, kind) in [(first, CKA_LABEL), (second, CKA_VALUE)] {
            let length = self.length(object, kind)?;
            let value = self.read(object, kind, length)?;
            self.same("the length told and the value's", length, value.len());
            if value.is_empty() {
                self.wrong.push(format!("attribute {kind:#x} is empty"));
            }
        }
        Ok(())
    }
}
