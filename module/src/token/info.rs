//! What a slot and a token say about themselves (PKCS#11 v3.2 §3.2).

use crate::cryptoki::Result;
use crate::cryptoki::ids::*;
use crate::store::Header;

use super::Token;

/// CK_SLOT_INFO
#[derive(Clone, Debug)]
pub struct SlotInfo {
    pub description: String,
    pub manufacturer: String,
    pub flags: CK_FLAGS,
    pub hardware: (u8, u8),
    pub firmware: (u8, u8),
}

/// CK_TOKEN_INFO
#[derive(Clone, Debug)]
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

/// Who makes the tokens.
pub const MANUFACTURER: &str = "Tokenkeep";
/// The model that every token is of.
pub const MODEL: &str = "Tokenkeep HSM";
/// Version of the library, as CK_VERSION.
pub const VERSION: (u8, u8) = (0, 1);

/// CKF_ flags of the token that show the state of its PINs: what they say of a counter, for user and SO.
const PIN_FLAGS: [(&str, [CK_FLAGS; 3]); 2] = [
    ("user", [CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED]),
    ("so", [CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED]),
];

impl TokenInfo {
    /// A token that waits for C_InitToken.
    pub fn blank() -> TokenInfo {
        TokenInfo {
            label: [b' '; 32],
            manufacturer: MANUFACTURER.into(),
            model: MODEL.into(),
            serial: String::new(),
            flags: CKF_RNG | CKF_LOGIN_REQUIRED,
            max_sessions: CK_EFFECTIVELY_INFINITE,
            sessions: 0,
            max_rw_sessions: CK_EFFECTIVELY_INFINITE,
            rw_sessions: 0,
            max_pin: super::settings::PIN_LENGTH.1 as u64,
            min_pin: super::settings::PIN_LENGTH.0 as u64,
            total_public: CK_UNAVAILABLE_INFORMATION,
            free_public: CK_UNAVAILABLE_INFORMATION,
            total_private: CK_UNAVAILABLE_INFORMATION,
            free_private: CK_UNAVAILABLE_INFORMATION,
            hardware: VERSION,
            firmware: VERSION,
            utc: *b"                ",
        }
    }
}

impl Token {
    /// C_GetTokenInfo
    ///
    /// # Errors
    /// Those of reading the store.
    pub fn info(&self) -> Result<TokenInfo> {
        self.look()?;
        let header = self.vault.header()?;
        let (sessions, rw_sessions) = self.sessions();
        Ok(TokenInfo {
            label: header.label,
            serial: header.serial.clone(),
            flags: self.flags(&header),
            max_sessions: self.limits.sessions.unwrap_or(CK_EFFECTIVELY_INFINITE),
            sessions,
            max_rw_sessions: self.limits.read_write_sessions.unwrap_or(CK_EFFECTIVELY_INFINITE),
            rw_sessions,
            max_pin: header.pin_max as u64,
            min_pin: header.pin_min as u64,
            utc: self.emulation.now().utc(),
            ..TokenInfo::blank()
        })
    }

    fn flags(&self, header: &Header) -> CK_FLAGS {
        let mut flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_RESTORE_KEY_NOT_NEEDED | CKF_TOKEN_INITIALIZED;
        flags |= CKF_DUAL_CRYPTO_OPERATIONS;
        if self.vault.store().read_only().is_some() {
            flags |= CKF_WRITE_PROTECTED;
        }
        if header.pin("user").is_some() {
            flags |= CKF_USER_PIN_INITIALIZED;
        }
        for (role, [low, last, locked]) in PIN_FLAGS {
            let Some(pin) = header.pin(role) else { continue };
            // A wrong PIN was given since the last right one; the next wrong one locks; it is locked.
            flags |= if pin.tries_left < pin.tries_max { low } else { 0 };
            flags |= match pin.tries_left {
                0 => locked,
                1 => last,
                _ => 0,
            };
        }
        flags
    }
}
