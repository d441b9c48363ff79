//! A fresh token with its PINs, a user session, and keys on demand.

use crate::{Home, Library, Result, Session, Template, ids::*, keys};

pub const SO_PIN: &str = "12345678";
pub const USER_PIN: &str = "648219";
pub const LABEL: &str = "scene";

/// A library of its own with one initialised token.
pub struct Scene {
    pub library: Library,
    pub slot: CK_SLOT_ID,
    session: CK_SESSION_HANDLE,
}

impl Scene {
    /// A token with both PINs, and a read-write session with the user logged in.
    pub fn new() -> Scene {
        Scene::on(&Home::new())
    }

    /// The same in a given directory.
    pub fn on(home: &Home) -> Scene {
        let mut scene = Scene::closed_on(home);
        let session = scene.open();
        session.login(CKU_USER, USER_PIN).expect("log in with the user PIN");
        scene.session = session.handle;
        scene
    }

    /// A token with both PINs; no session is open.
    pub fn closed() -> Scene {
        Scene::closed_on(&Home::new())
    }

    /// The same in a given directory.
    pub fn closed_on(home: &Home) -> Scene {
        let scene = Scene::without_user_pin_on(home);
        let session = scene.open();
        session.login(CKU_SO, SO_PIN).expect("log in with the SO PIN");
        session.init_pin(USER_PIN).expect("C_InitPIN");
        session.close().expect("C_CloseSession");
        scene
    }

    /// A token fresh from C_InitToken: the user PIN is not set.
    pub fn without_user_pin() -> Scene {
        Scene::without_user_pin_on(&Home::new())
    }

    fn without_user_pin_on(home: &Home) -> Scene {
        let library = Library::on(home);
        let spare = library.spare_slot().expect("with no token there is an uninitialised slot");
        library.init_token(spare, SO_PIN, LABEL).expect("C_InitToken");
        let slot = library.slot_of(LABEL).expect("the token is in the slot list");
        Scene { library, slot, session: CK_INVALID_HANDLE }
    }

    /// The session of `Scene::new`: read-write, user logged in.
    pub fn session(&self) -> Session<'_> {
        assert_ne!(self.session, CK_INVALID_HANDLE, "this scene has no session: use Scene::new()");
        self.library.session(self.session)
    }

    /// Another read-write session. It shares the login of the others.
    pub fn open(&self) -> Session<'_> {
        self.library.open(self.slot, true).expect("C_OpenSession")
    }

    /// Another read-only session.
    pub fn open_read_only(&self) -> Session<'_> {
        self.library.open(self.slot, false).expect("C_OpenSession")
    }

    /// The token flags, CKF_….
    pub fn flags(&self) -> CK_FLAGS {
        self.library.token_info(self.slot).expect("C_GetTokenInfo").flags
    }

    /// Another library on the same directory, as good as another process, with the token's slot there.
    pub fn second(&self) -> (Library, CK_SLOT_ID) {
        let library = Library::on(self.library.home());
        let slot = library.slot_of(LABEL).expect("the second library sees the token");
        (library, slot)
    }

    /// Any object.
    pub fn object(&self, template: &Template) -> CK_OBJECT_HANDLE {
        self.session().create(template).unwrap_or_else(|rv| panic!("create {template:?}: {rv:?}"))
    }

    /// A session AES key of known value.
    pub fn aes(&self, value: &[u8]) -> CK_OBJECT_HANDLE {
        self.object(&keys::secret(CKK_AES, value))
    }

    /// A session generic secret of known value.
    pub fn secret(&self, value: &[u8]) -> CK_OBJECT_HANDLE {
        self.object(&keys::secret(CKK_GENERIC_SECRET, value))
    }

    /// The known RSA-2048 pair as session objects: public and private.
    pub fn rsa(&self) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
        (self.object(&keys::rsa_public()), self.object(&keys::rsa_private()))
    }

    /// The known P-256 pair as session objects: public and private.
    pub fn ec(&self) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
        (self.object(&keys::ec_public()), self.object(&keys::ec_private()))
    }

    /// A P-256 pair that the token generates, as session objects.
    pub fn generate_ec(&self) -> Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        self.session().generate_pair(
            CKM_EC_KEY_PAIR_GEN,
            &template![CKA_EC_PARAMS => keys::P256, CKA_TOKEN => false, CKA_VERIFY => true],
            &template![CKA_TOKEN => false, CKA_PRIVATE => true, CKA_SIGN => true, CKA_DERIVE => true],
        )
    }
}

impl Default for Scene {
    fn default() -> Scene {
        Scene::new()
    }
}
