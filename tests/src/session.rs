//! What needs a session handle: state, login, PINs, random numbers.

use std::ptr::null_mut;

use crate::call::{input, len, ok};
use crate::{Library, Result, ids::*};

/// A session of a library. Copied freely; closing it is the test's business.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    pub library: &'a Library,
    pub handle: CK_SESSION_HANDLE,
}

impl<'a> Session<'a> {
    /// The function list of version 2.40.
    pub fn c(&self) -> &'a CK_FUNCTION_LIST {
        self.library.c()
    }

    pub fn close(&self) -> Result<()> {
        ok(raw!(self.c(), C_CloseSession(self.handle)))
    }

    pub fn info(&self) -> Result<CK_SESSION_INFO> {
        let mut info = CK_SESSION_INFO::default();
        ok(raw!(self.c(), C_GetSessionInfo(self.handle, &mut info))).map(|()| info)
    }

    /// One of `CKS_…`.
    pub fn state(&self) -> Result<CK_STATE> {
        self.info().map(|info| info.state)
    }

    /// C_Login as one of `CKU_…`.
    pub fn login(&self, user: CK_USER_TYPE, pin: &str) -> Result<()> {
        ok(raw!(self.c(), C_Login(self.handle, user, input(pin.as_bytes()), len(pin.len()))))
    }

    pub fn logout(&self) -> Result<()> {
        ok(raw!(self.c(), C_Logout(self.handle)))
    }

    pub fn init_pin(&self, pin: &str) -> Result<()> {
        ok(raw!(self.c(), C_InitPIN(self.handle, input(pin.as_bytes()), len(pin.len()))))
    }

    pub fn set_pin(&self, old: &str, new: &str) -> Result<()> {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        ok(raw!(self.c(), C_SetPIN(self.handle, input(old), len(old.len()), input(new), len(new.len()))))
    }

    pub fn random(&self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        ok(raw!(self.c(), C_GenerateRandom(self.handle, bytes.as_mut_ptr(), len(count)))).map(|()| bytes)
    }

    pub fn seed(&self, seed: &[u8]) -> Result<()> {
        ok(raw!(self.c(), C_SeedRandom(self.handle, input(seed), len(seed.len()))))
    }

    /// C_GetFunctionStatus, a relic that still must answer.
    pub fn function_status(&self) -> Result<()> {
        ok(raw!(self.c(), C_GetFunctionStatus(self.handle)))
    }

    /// C_GetOperationState.
    pub fn operation_state(&self) -> Result<Vec<u8>> {
        crate::call::ask(|p, l| raw!(self.c(), C_GetOperationState(self.handle, p, l)))
    }

    /// C_SetOperationState.
    pub fn set_operation_state(
        &self,
        state: &[u8],
        encryption_key: CK_OBJECT_HANDLE,
        authentication_key: CK_OBJECT_HANDLE,
    ) -> Result<()> {
        let (pointer, length) = (input(state), len(state.len()));
        ok(raw!(
            self.c(),
            C_SetOperationState(self.handle, pointer, length, encryption_key, authentication_key)
        ))
    }

    /// A login whose PIN pointer is NULL: the protected authentication path.
    pub fn login_without_pin(&self, user: CK_USER_TYPE) -> Result<()> {
        ok(raw!(self.c(), C_Login(self.handle, user, null_mut(), 0)))
    }
}
