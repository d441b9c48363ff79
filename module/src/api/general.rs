//! General, slot and token functions (PKCS#11 v3.2 §5.4, §5.5).

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Secret};
use crate::token::{SlotInfo, TokenInfo};

use super::Module;

/// CK_INFO
#[derive(Clone, Copy, Debug)]
pub struct Info {
    pub cryptoki: (u8, u8),
    pub manufacturer: &'static str,
    pub description: &'static str,
    pub library: (u8, u8),
}

/// CK_MECHANISM_INFO
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MechanismInfo {
    pub min: u64,
    pub max: u64,
    pub flags: CK_FLAGS,
}

impl Module {
    /// C_GetInfo through the function list of that version.
    pub fn info(&self, version: (u8, u8)) -> Info {
        Info {
            cryptoki: version,
            manufacturer: "Tokenkeep",
            description: "Tokenkeep: an HSM token in a file",
            library: (0, 1),
        }
    }

    /// C_GetSlotList; `rescan` is the call with a NULL list, which looks for new tokens.
    ///
    /// # Errors
    /// CKR_DEVICE_ERROR when the directory cannot be read.
    pub fn slots(&self, present: bool, rescan: bool) -> Result<Vec<u64>> {
        if rescan {
            self.slots.scan()?;
        }
        Ok(self.slots.ids(present))
    }

    /// C_GetSlotInfo
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID.
    pub fn slot_info(&self, slot: u64) -> Result<SlotInfo> {
        self.slots.info(slot)
    }

    /// C_GetTokenInfo
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED.
    pub fn token_info(&self, slot: u64) -> Result<TokenInfo> {
        self.slots.token_info(slot)
    }

    /// C_GetMechanismList
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID.
    pub fn mechanisms(&self, slot: u64) -> Result<Vec<CK_MECHANISM_TYPE>> {
        self.slots.of(slot)?;
        Ok(self.slots.settings().profile.all().map(|row| row.id).collect())
    }

    /// C_GetMechanismInfo
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID, CKR_MECHANISM_INVALID.
    pub fn mechanism_info(&self, slot: u64, id: CK_MECHANISM_TYPE) -> Result<MechanismInfo> {
        self.slots.of(slot)?;
        let profile = self.slots.settings().profile;
        let row = profile.find(id, 0)?;
        let (min, max) = profile.sizes(row);
        Ok(MechanismInfo { min, max, flags: profile.offers(row) })
    }

    /// C_InitToken
    ///
    /// # Errors
    /// CKR_SLOT_ID_INVALID, CKR_SESSION_EXISTS, CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_LEN_RANGE.
    pub fn init_token(&self, slot: u64, pin: &Secret, label: [u8; 32]) -> Result<()> {
        self.slots.init(slot, pin, label)
    }
}
