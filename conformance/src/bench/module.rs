//! A module called through its 2.40 function list with as little as possible in between.

use std::path::Path;
use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::module::{self, PIN};

/// A loaded module. It stays loaded: a benchmark process does one thing and ends.
#[derive(Clone, Copy)]
pub struct Module(&'static module::Module);

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
        Ok(Module(Box::leak(Box::new(module::Module::at(path, settings)?))))
    }

    pub fn initialize(self) {
        assert!(self.0.initialize() == CKR_OK, "C_Initialize failed");
    }

    pub fn finalize(self) {
        call!(self.0.v2, C_Finalize(null_mut()));
    }

    /// The slot of the initialised token.
    pub fn token(self) -> Option<CK_SLOT_ID> {
        self.0.initialised().ok().flatten()
    }

    pub fn has(self, slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE) -> bool {
        let mut info = CK_MECHANISM_INFO::default();
        let list = self.0.v2;
        module::call!(list, C_GetMechanismInfo(slot, mechanism, &raw mut info)) == CKR_OK
    }

    /// Makes the token, with both PINs.
    ///
    /// # Errors
    /// The function that did not go well, and its answer.
    pub fn make_token(self) -> Result<CK_SLOT_ID, String> {
        self.0.token()
    }

    pub fn open(self, slot: CK_SLOT_ID) -> Session {
        let mut handle = 0;
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        call!(self.0.v2, C_OpenSession(slot, flags, null_mut(), None, &raw mut handle));
        Session { functions: self.0.v2, handle }
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
        let mut pin = PIN.as_bytes().to_vec();
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
