//! A PKCS#11 module by its path, called through its 2.40 function list with as little as possible in between.

use std::ffi::{CStr, CString};
use std::path::Path;
use std::ptr::null_mut;

use cryptoki_sys::*;

/// The PINs of every benchmark token.
pub const SO_PIN: &[u8] = b"12345678";
pub const PIN: &[u8] = b"1234";

/// A loaded module. It stays loaded: a benchmark process does one thing and ends.
#[derive(Clone, Copy)]
pub struct Module {
    list: &'static CK_FUNCTION_LIST,
    settings: Option<&'static CStr>,
}

/// A session, for one thread.
#[derive(Clone, Copy)]
pub struct Session {
    functions: &'static CK_FUNCTION_LIST,
    pub handle: CK_SESSION_HANDLE,
}

/// An attribute to give.
pub type Attribute<'a> = (CK_ATTRIBUTE_TYPE, &'a [u8]);

/// A call that must succeed; a benchmark of something that fails measures nothing.
macro_rules! call {
    ($list:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let Some(function) = $list.$function else { panic!("{} is missing", stringify!($function)) };
        // SAFETY: every pointer is to a live local or to a slice given with its length (PKCS#11 v3.2 §5.1.1).
        let rv = unsafe { function($($argument),*) };
        assert!(rv == CKR_OK, "{} answered {rv:#x}", stringify!($function));
    }};
}
pub(super) use call;

impl Module {
    /// Loads; `settings` will go into pReserved.
    ///
    /// # Errors
    /// What the loader says.
    pub fn load(path: &Path, settings: Option<&str>) -> Result<Module, String> {
        type List = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;
        // SAFETY: the caller names a PKCS#11 module; C_GetFunctionList has this signature (§5.4.4).
        let list = unsafe {
            let library = libloading::Library::new(path).map_err(|error| error.to_string())?;
            let function: List = *library.get(b"C_GetFunctionList\0").map_err(|error| error.to_string())?;
            std::mem::forget(library);
            let mut list = null_mut();
            assert!(function(&raw mut list) == CKR_OK && !list.is_null(), "C_GetFunctionList failed");
            &*list
        };
        let settings = settings.map(CString::new).transpose().map_err(|error| error.to_string())?;
        Ok(Module { list, settings: settings.map(|text| &*Box::leak(text.into_boxed_c_str())) })
    }

    pub fn initialize(self) {
        let mut arguments = CK_C_INITIALIZE_ARGS {
            flags: CKF_OS_LOCKING_OK,
            pReserved: self.settings.map_or(null_mut(), |text| text.as_ptr().cast_mut().cast()),
            ..Default::default()
        };
        call!(self.list, C_Initialize((&raw mut arguments).cast()));
    }

    pub fn finalize(self) {
        call!(self.list, C_Finalize(null_mut()));
    }

    pub fn slots(self, present: bool) -> Vec<CK_SLOT_ID> {
        let mut count = 0;
        call!(self.list, C_GetSlotList(present.into(), null_mut(), &raw mut count));
        let mut slots = vec![0; count as usize];
        call!(self.list, C_GetSlotList(present.into(), slots.as_mut_ptr(), &raw mut count));
        slots.truncate(count as usize);
        slots
    }

    /// The slot of the initialised token.
    pub fn token(self) -> Option<CK_SLOT_ID> {
        self.slots(true).into_iter().find(|slot| {
            let mut info = CK_TOKEN_INFO::default();
            call!(self.list, C_GetTokenInfo(*slot, &raw mut info));
            info.flags & CKF_TOKEN_INITIALIZED != 0
        })
    }

    pub fn has(self, slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE) -> bool {
        let mut info = CK_MECHANISM_INFO::default();
        // SAFETY: our own CK_MECHANISM_INFO.
        self.list
            .C_GetMechanismInfo
            .is_some_and(|function| unsafe { function(slot, mechanism, &raw mut info) == CKR_OK })
    }

    /// Makes the token, with both PINs.
    pub fn make_token(self) {
        let slot = self.slots(false)[0];
        let mut label = *b"bench                           ";
        let (mut so, mut user) = (SO_PIN.to_vec(), PIN.to_vec());
        call!(self.list, C_InitToken(slot, so.as_mut_ptr(), so.len() as u64, label.as_mut_ptr()));
        // SoftHSM moves the token to another slot.
        let Some(slot) = self.token() else { panic!("the token is not there after C_InitToken") };
        let session = self.open(slot);
        call!(self.list, C_Login(session.handle, CKU_SO, so.as_mut_ptr(), so.len() as u64));
        call!(self.list, C_InitPIN(session.handle, user.as_mut_ptr(), user.len() as u64));
        call!(self.list, C_Logout(session.handle));
        session.close();
    }

    pub fn open(self, slot: CK_SLOT_ID) -> Session {
        let mut handle = 0;
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        call!(self.list, C_OpenSession(slot, flags, null_mut(), None, &raw mut handle));
        Session { functions: self.list, handle }
    }
}

impl Session {
    pub fn close(self) {
        call!(self.functions, C_CloseSession(self.handle));
    }

    pub fn functions(self) -> &'static CK_FUNCTION_LIST {
        self.functions
    }

    pub fn login(self) {
        let mut pin = PIN.to_vec();
        call!(self.functions, C_Login(self.handle, CKU_USER, pin.as_mut_ptr(), pin.len() as u64));
    }

    pub fn create(self, template: &[Attribute<'_>]) -> CK_OBJECT_HANDLE {
        let (mut template, mut handle) = (lend(template), 0);
        let count = template.len() as u64;
        call!(self.functions, C_CreateObject(self.handle, template.as_mut_ptr(), count, &raw mut handle));
        handle
    }

    pub fn generate_pair(
        self,
        mechanism: CK_MECHANISM_TYPE,
        public: &[Attribute<'_>],
        private: &[Attribute<'_>],
    ) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
        let (mut public, mut private, mut mechanism) = (lend(public), lend(private), plain(mechanism));
        let (counts, mut handles) = ((public.len() as u64, private.len() as u64), (0, 0));
        call!(
            self.functions,
            C_GenerateKeyPair(
                self.handle,
                &raw mut mechanism,
                public.as_mut_ptr(),
                counts.0,
                private.as_mut_ptr(),
                counts.1,
                &raw mut handles.0,
                &raw mut handles.1,
            )
        );
        handles
    }

    /// The objects that match; at most 16 of them.
    pub fn find(self, template: &[Attribute<'_>]) -> Vec<CK_OBJECT_HANDLE> {
        let mut template = lend(template);
        let (mut found, mut count) = ([0; 16], 0);
        call!(self.functions, C_FindObjectsInit(self.handle, template.as_mut_ptr(), template.len() as u64));
        call!(self.functions, C_FindObjects(self.handle, found.as_mut_ptr(), 16, &raw mut count));
        call!(self.functions, C_FindObjectsFinal(self.handle));
        found[..count as usize].to_vec()
    }

    pub fn value(self, object: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> Vec<u8> {
        let mut value = vec![0; 4096];
        let mut asked =
            CK_ATTRIBUTE { type_: attribute, pValue: value.as_mut_ptr().cast(), ulValueLen: 4096 };
        call!(self.functions, C_GetAttributeValue(self.handle, object, &raw mut asked, 1));
        value.truncate(asked.ulValueLen as usize);
        value
    }
}

fn lend(template: &[Attribute<'_>]) -> Vec<CK_ATTRIBUTE> {
    let one = |(attribute, value): &Attribute<'_>| CK_ATTRIBUTE {
        type_: *attribute,
        pValue: value.as_ptr().cast_mut().cast(),
        ulValueLen: value.len() as u64,
    };
    template.iter().map(one).collect()
}

/// A mechanism without a parameter.
pub fn plain(mechanism: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism, pParameter: null_mut(), ulParameterLen: 0 }
}
