//! The answers that are structs of C: texts padded with blanks, versions, numbers (PKCS#11 v3.2 §3).

use crate::cryptoki::ids::*;

use super::api;

/// CK_INFO
pub fn info(info: api::Info) -> CK_INFO {
    CK_INFO {
        cryptokiVersion: version(info.cryptoki),
        manufacturerID: padded(info.manufacturer),
        flags: 0,
        libraryDescription: padded(info.description),
        libraryVersion: version(info.library),
    }
}

/// CK_SLOT_INFO
pub fn slot(slot: api::SlotInfo) -> CK_SLOT_INFO {
    CK_SLOT_INFO {
        slotDescription: padded(slot.description),
        manufacturerID: padded(slot.manufacturer),
        flags: slot.flags,
        hardwareVersion: version(slot.hardware),
        firmwareVersion: version(slot.firmware),
    }
}

/// CK_TOKEN_INFO
pub fn token(token: api::TokenInfo) -> CK_TOKEN_INFO {
    CK_TOKEN_INFO {
        label: token.label,
        manufacturerID: padded(token.manufacturer),
        model: padded(token.model),
        serialNumber: padded(token.serial),
        flags: token.flags,
        ulMaxSessionCount: token.max_sessions,
        ulSessionCount: token.sessions,
        ulMaxRwSessionCount: token.max_rw_sessions,
        ulRwSessionCount: token.rw_sessions,
        ulMaxPinLen: token.max_pin,
        ulMinPinLen: token.min_pin,
        ulTotalPublicMemory: token.total_public,
        ulFreePublicMemory: token.free_public,
        ulTotalPrivateMemory: token.total_private,
        ulFreePrivateMemory: token.free_private,
        hardwareVersion: version(token.hardware),
        firmwareVersion: version(token.firmware),
        utcTime: token.utc,
    }
}

/// CK_MECHANISM_INFO
pub fn mechanism(mechanism: api::MechanismInfo) -> CK_MECHANISM_INFO {
    CK_MECHANISM_INFO { ulMinKeySize: mechanism.min, ulMaxKeySize: mechanism.max, flags: mechanism.flags }
}

/// CK_SESSION_INFO
pub fn session(session: api::SessionInfo) -> CK_SESSION_INFO {
    CK_SESSION_INFO {
        slotID: session.slot,
        state: session.state,
        flags: session.flags,
        ulDeviceError: session.device_error,
    }
}

/// CK_VERSION
pub const fn version((major, minor): (u8, u8)) -> CK_VERSION {
    CK_VERSION { major, minor }
}

/// A text in a field of N bytes: filled with blanks, cut between characters, without a terminator.
pub fn padded<const N: usize>(text: impl AsRef<str>) -> [u8; N] {
    let text = text.as_ref();
    let len = (0..=N.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let mut field = [b' '; N];
    field[..len].copy_from_slice(&text.as_bytes()[..len]);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_padded_with_blanks_and_cut_between_characters() {
        assert_eq!(&padded::<6>("key"), b"key   ");
        assert_eq!(&padded::<6>("keykey"), b"keykey");
        assert_eq!(&padded::<6>("schlüssel"), "schlü".as_bytes());
        assert_eq!(&padded::<5>("schlüssel"), b"schl ");
    }
}
