//! The safe interface below the C border, with a token and a session of its user.

use tempfile::TempDir;
use tokenkeep::api::{Call, Module};
use tokenkeep::cryptoki::Secret;
use tokenkeep::object::{Given, Template};

use crate::ids::*;

/// A module by its safe interface, with a token and a session of its user.
pub struct Safe {
    pub module: Module,
    pub session: u64,
    _home: TempDir,
}

impl Safe {
    /// A token with both PINs, and a read-write session with the user logged in.
    pub fn new() -> Safe {
        let home = TempDir::with_prefix("tokenkeep-laws-").expect("a directory");
        let settings = format!("dir={} kdf_iterations=1000", home.path().display());
        let module = Module::start(Some(&settings)).expect("C_Initialize");
        let slot = module.slots(true, true).expect("C_GetSlotList")[0];
        let pin = Secret::from(&b"1234"[..]);
        module.init_token(slot, &pin, [b' '; 32]).expect("C_InitToken");
        let session = module.open_session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).expect("a session");
        let call = module.session(session).expect("a call");
        call.login(CKU_SO, Some(&pin)).expect("the SO");
        call.init_pin(Some(&pin)).expect("C_InitPIN");
        call.logout().expect("C_Logout");
        call.login(CKU_USER, Some(&pin)).expect("the user");
        drop(call);
        Safe { module, session, _home: home }
    }

    /// A call on the session.
    pub fn call(&self) -> Call<'_> {
        self.module.session(self.session).expect("a call")
    }
}

impl Default for Safe {
    fn default() -> Safe {
        Safe::new()
    }
}

/// A template of C as the safe interface takes it.
pub fn given(template: &crate::Template) -> Template {
    template.bytes().map(|(kind, bytes)| (kind, Given::Bytes(bytes.into()))).collect()
}
