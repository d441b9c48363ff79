//! The safe API as the border calls it, refusing everything: to be deleted when the api room is merged.
#![allow(dead_code, unused_variables)]

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Reply, Result, Room, Rv, Secret};
use crate::mechanism::params::Choice;
use crate::object::template::{Given, Template};

/// Stands for `crate::store::gate`.
pub mod gate {
    use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

    static GATE: RwLock<()> = RwLock::new(());

    pub fn close() -> RwLockWriteGuard<'static, ()> {
        GATE.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn abandon_inherited() {}
}

/// Stands for `crate::mechanism`.
pub mod mechanism {
    use crate::cryptoki::ids::*;
    use crate::cryptoki::{Result, Rv};
    use crate::mechanism::params::Shape;

    pub fn shape(id: CK_MECHANISM_TYPE) -> Result<Shape> {
        match id {
            CKM_SHA256 | CKM_RSA_PKCS => Ok(Shape::None),
            CKM_AES_CBC => Ok(Shape::Iv(16)),
            CKM_RSA_PKCS_PSS => Ok(Shape::Pss),
            CKM_RSA_PKCS_OAEP => Ok(Shape::Oaep),
            CKM_ECDH1_DERIVE => Ok(Shape::Ecdh),
            CKM_AES_CTR => Ok(Shape::Ctr),
            CKM_AES_GCM => Ok(Shape::Gcm),
            CKM_AES_CMAC_GENERAL => Ok(Shape::MacGeneral),
            _ => Err(Rv::MechanismInvalid.into()),
        }
    }
}

pub struct Module;

pub struct Info {
    pub cryptoki: (u8, u8),
    pub manufacturer: &'static str,
    pub description: &'static str,
    pub library: (u8, u8),
}

pub struct SlotInfo {
    pub description: String,
    pub manufacturer: String,
    pub flags: CK_FLAGS,
    pub hardware: (u8, u8),
    pub firmware: (u8, u8),
}

pub struct TokenInfo {
    pub label: [u8; 32],
    pub manufacturer: String,
    pub model: String,
    pub serial: String,
    pub flags: CK_FLAGS,
    pub max_sessions: u64,
    pub sessions: u64,
    pub max_rw_sessions: u64,
    pub rw_sessions: u64,
    pub max_pin: u64,
    pub min_pin: u64,
    pub total_public: u64,
    pub free_public: u64,
    pub total_private: u64,
    pub free_private: u64,
    pub hardware: (u8, u8),
    pub firmware: (u8, u8),
    pub utc: [u8; 16],
}

pub struct MechanismInfo {
    pub min: u64,
    pub max: u64,
    pub flags: CK_FLAGS,
}

pub struct SessionInfo {
    pub slot: u64,
    pub state: CK_STATE,
    pub flags: CK_FLAGS,
    pub device_error: u64,
}

fn no<T>() -> Result<T> {
    Err(Rv::FunctionNotSupported.into())
}

#[rustfmt::skip]
impl Module {
    pub fn start(reserved: Option<&str>) -> Result<Module> { Ok(Module) }
    pub fn stop(&self) {}
    pub fn note(&self, function: &'static str, error: &Error) {}
    pub fn info(&self) -> Info {
        Info { cryptoki: (3, 2), manufacturer: "Tokenkeep", description: "stand-in", library: (0, 1) }
    }
    pub fn slots(&self, present: bool, rescan: bool) -> Result<Vec<u64>> { Ok(vec![0, 7]) }
    pub fn slot_info(&self, slot: u64) -> Result<SlotInfo> { no() }
    pub fn token_info(&self, slot: u64) -> Result<TokenInfo> { no() }
    pub fn mechanisms(&self, slot: u64) -> Result<Vec<CK_MECHANISM_TYPE>> { no() }
    pub fn mechanism_info(&self, slot: u64, id: CK_MECHANISM_TYPE) -> Result<MechanismInfo> { no() }
    pub fn init_token(&self, slot: u64, pin: &Secret, label: [u8; 32]) -> Result<()> { no() }
    pub fn open_session(&self, slot: u64, flags: CK_FLAGS) -> Result<u64> { no() }
    pub fn close_session(&self, session: u64) -> Result<()> { Err(Rv::SessionHandleInvalid.into()) }
    pub fn close_all_sessions(&self, slot: u64) -> Result<()> { no() }
    pub fn wait_for_slot_event(&self, block: bool) -> Result<u64> { no() }
    pub fn session(&self, handle: u64) -> Result<Call> { Err(Rv::SessionHandleInvalid.into()) }
}

pub struct Call;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
    Verify,
    SignRecover,
    VerifyRecover,
}

#[rustfmt::skip]
impl Call {
    pub fn info(&self) -> Result<SessionInfo> { no() }
    pub fn login(&self, user: CK_USER_TYPE, pin: Option<&Secret>) -> Result<()> { no() }
    pub fn login_user(&self, user: CK_USER_TYPE, pin: Option<&Secret>, name: &str) -> Result<()> { no() }
    pub fn logout(&self) -> Result<()> { no() }
    pub fn init_pin(&self, pin: Option<&Secret>) -> Result<()> { no() }
    pub fn set_pin(&self, old: Option<&Secret>, new: Option<&Secret>) -> Result<()> { no() }
    pub fn cancel_session(&self, flags: CK_FLAGS) -> Result<()> { no() }
    pub fn operation_state(&self, room: Room) -> Result<Reply> { no() }
    pub fn set_operation_state(&self, state: &[u8], encryption_key: Option<u64>, authentication_key: Option<u64>) -> Result<()> { no() }
    pub fn validation_flags(&self, kind: CK_ULONG) -> Result<CK_FLAGS> { no() }
    pub fn create(&self, t: &Template) -> Result<u64> { no() }
    pub fn copy(&self, object: u64, t: &Template) -> Result<u64> { no() }
    pub fn destroy(&self, object: u64) -> Result<()> { no() }
    pub fn size(&self, object: u64) -> Result<u64> { no() }
    pub fn attributes(&self, object: u64, types: &[CK_ATTRIBUTE_TYPE]) -> Result<Vec<Result<Given>>> { no() }
    pub fn set_attributes(&self, object: u64, t: &Template) -> Result<()> { no() }
    pub fn find_init(&self, t: &Template) -> Result<()> { no() }
    pub fn find(&self, max: usize) -> Result<Vec<u64>> { no() }
    pub fn find_final(&self) -> Result<()> { no() }
    pub fn begin(&self, kind: Kind, choice: &Choice, key: Option<u64>) -> Result<()> { no() }
    pub fn cancel(&self, kind: Kind) -> Result<()> { no() }
    pub fn single(&self, kind: Kind, data: &[u8], room: Room) -> Result<Reply> { no() }
    pub fn update(&self, kind: Kind, data: &[u8], room: Room) -> Result<Reply> { no() }
    pub fn finish(&self, kind: Kind, room: Room) -> Result<Reply> { no() }
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> { no() }
    pub fn verify_final(&self, signature: &[u8]) -> Result<()> { no() }
    pub fn digest_key(&self, key: u64) -> Result<()> { no() }
    pub fn dual(&self, first: Kind, second: Kind, data: &[u8], room: Room) -> Result<Reply> { no() }
    pub fn generate(&self, choice: &Choice, t: &Template) -> Result<u64> { no() }
    pub fn generate_pair(&self, choice: &Choice, public: &Template, private: &Template) -> Result<(u64, u64)> { no() }
    pub fn wrap(&self, choice: &Choice, wrapping: u64, key: u64, room: Room) -> Result<Reply> { no() }
    pub fn unwrap(&self, choice: &Choice, unwrapping: u64, wrapped: &[u8], t: &Template) -> Result<u64> { no() }
    pub fn derive(&self, choice: &Choice, base: u64, t: &Template) -> Result<u64> { no() }
    pub fn seed(&self, seed: &[u8]) -> Result<()> { no() }
    pub fn random(&self, bytes: &mut [u8]) -> Result<()> { no() }
}
