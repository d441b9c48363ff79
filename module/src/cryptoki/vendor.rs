//! Numbers of our own, in the ranges that the standard leaves to vendors.

use cryptoki_sys::*;

/// "TK", so that other vendors' numbers are not met.
const OURS: CK_ULONG = CKA_VENDOR_DEFINED | 0x544b_0000;

/// The class of a token's device key encryption keys. They are no objects for anybody: never found, read or destroyed.
pub const CKO_TOKENKEEP_DKEK: CK_OBJECT_CLASS = OURS | 1;

/// CK_BBOOL of secret and private keys, CK_TRUE when not given, and once CK_FALSE for ever so: whether the key may leave
/// the token under the DKEK of its domain. It has nothing to do with CKA_EXTRACTABLE, as on a SmartCard-HSM, where keys
/// that cannot be extracted are backed up so.
pub const CKA_TOKENKEEP_BACKUP: CK_ATTRIBUTE_TYPE = OURS | 1;

/// CK_ULONG of secret and private keys, 0 when not given, never changed: the key domain, under whose DKEK the key may leave.
pub const CKA_TOKENKEEP_KEY_DOMAIN: CK_ATTRIBUTE_TYPE = OURS | 2;

/// Bytes of secret and private keys that came from a SmartCard-HSM: the card's numbers of the algorithms that it allows
/// the key. Kept for the way back; this token goes by CKA_ALLOWED_MECHANISMS.
pub const CKA_TOKENKEEP_CARD_ALGORITHMS: CK_ATTRIBUTE_TYPE = OURS | 3;

/// NSS's CKM_TLS_PRF_GENERAL: the pseudo-random function of TLS 1.0 and 1.1 as a MAC, whose data are label and seed.
pub const CKM_TLS_PRF_GENERAL: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED | 0x373;
