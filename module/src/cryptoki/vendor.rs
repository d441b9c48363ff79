//! Numbers of our own, in the ranges that the standard leaves to vendors.

use cryptoki_sys::*;

/// "TK", so that other vendors' numbers are not met.
const OURS: CK_ULONG = CKA_VENDOR_DEFINED | 0x544b_0000;

/// The class of the rows in which a token keeps its device key encryption keys. They are no objects for anybody: never
/// found, read or destroyed; what programs see of a DKEK is a key of CKK_TOKENKEEP_DKEK.
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

/// The key type of a DKEK as an object, of CKO_SECRET_KEY. The user, logged in, finds one for each key domain whose DKEK
/// is complete by a search that names this type or the label: `DKEK`, `DKEK 1` and so on for the domains above 0. Its
/// CKA_TOKENKEEP_KEY_DOMAIN is the domain, its CKA_CHECK_VALUE the key check value of 8 bytes. Its value is never read,
/// and nobody changes, copies or destroys it.
pub const CKK_TOKENKEEP_DKEK: CK_KEY_TYPE = OURS | 1;

/// Wraps and unwraps under a DKEK, without a parameter: C_WrapKey gives a SmartCard-HSM's key blob, C_UnwrapKey makes the
/// key in such a blob with the caller's template.
///
/// Keys of RSA, EC and AES go, whatever their CKA_EXTRACTABLE and CKA_WRAP_WITH_TRUSTED, if CKA_TOKENKEEP_BACKUP is
/// CK_TRUE and the domain is the DKEK's. CKA_CLASS and CKA_KEY_TYPE need not be in the template; what contradicts the
/// blob is refused with CKR_TEMPLATE_INCONSISTENT. A blob of another DKEK is refused with CKR_WRAPPED_KEY_INVALID.
pub const CKM_TOKENKEEP_DKEK: CK_MECHANISM_TYPE = OURS | 1;

/// NSS's CKM_TLS_PRF_GENERAL: the pseudo-random function of TLS 1.0 and 1.1 as a MAC, whose data are label and seed.
pub const CKM_TLS_PRF_GENERAL: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED | 0x373;
