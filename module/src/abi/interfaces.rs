//! The function lists as interfaces: "PKCS 11" in versions 3.2, 3.0 and 2.40 (PKCS#11 v3.2 §5.4.4 to §5.4.6).

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv};

use super::exports::{V2_40, V3_0, V3_2};
use super::pointer::{answer, list, read};

const NAME: &[u8; 8] = b"PKCS 11\0";

/// What we offer. No flag: CKF_INTERFACE_FORK_SAFE promises that a child may go on without C_Initialize.
static OFFERS: [Offer; 3] =
    [Offer::of(V3_2.version, &V3_2), Offer::of(V3_0.version, &V3_0), Offer::of(V2_40.version, &V2_40)];

/// What a caller gets who names no version: 3.0, whose list every tracer between us and the caller knows.
const DEFAULT: (u8, u8) = (3, 0);

struct Offer {
    version: CK_VERSION,
    interface: CK_INTERFACE,
    lent: Lent,
}

/// The CK_INTERFACE that callers of C_GetInterface get. It can be written, since pkcs11-spy puts its own list in;
/// it is made new for each caller, so that one who asks us gets our list.
#[repr(C)]
struct Lent {
    name: AtomicPtr<CK_UTF8CHAR>,
    list: AtomicPtr<c_void>,
    flags: AtomicU64,
}

const _: () = assert!(size_of::<Lent>() == size_of::<CK_INTERFACE>());

// SAFETY: the pointers lead to statics that are never changed.
unsafe impl Sync for Offer {}

impl Offer {
    const fn of<T>(version: CK_VERSION, list: &'static T) -> Offer {
        let interface = CK_INTERFACE {
            pInterfaceName: NAME.as_ptr().cast_mut(),
            pFunctionList: ptr::from_ref(list).cast_mut().cast(),
            flags: 0,
        };
        let lent = Lent {
            name: AtomicPtr::new(ptr::null_mut()),
            list: AtomicPtr::new(ptr::null_mut()),
            flags: AtomicU64::new(0),
        };
        Offer { version, interface, lent }
    }

    /// Our interface, for a caller to keep.
    fn lend(&self) -> CK_INTERFACE_PTR {
        self.lent.name.store(self.interface.pInterfaceName.cast(), Ordering::Relaxed);
        self.lent.list.store(self.interface.pFunctionList.cast(), Ordering::Relaxed);
        self.lent.flags.store(self.interface.flags, Ordering::Release);
        ptr::from_ref(&self.lent).cast_mut().cast()
    }
}

/// C_GetFunctionList: 2.40, whose version clients take for the version of the list.
///
/// # Safety
/// §5.4.4: the target is NULL or has room for a pointer.
pub unsafe fn function_list(target: *mut *mut CK_FUNCTION_LIST) -> Result<()> {
    // SAFETY: handed on.
    unsafe { answer(target, || Ok(ptr::from_ref(&V2_40).cast_mut())) }
}

/// C_GetInterfaceList.
///
/// # Safety
/// §5.4.5 and §5.2: `count` is NULL or a CK_ULONG, `target` is NULL or has room for so many.
pub unsafe fn all(target: CK_INTERFACE_PTR, count: CK_ULONG_PTR) -> Result<()> {
    // SAFETY: handed on.
    unsafe { list(target, count, || Ok(OFFERS.iter().map(|offer| offer.interface).collect())) }
}

/// C_GetInterface.
///
/// # Safety
/// §5.4.6: the name is NULL or NUL-terminated, the version NULL or a CK_VERSION, the target NULL or a pointer.
pub unsafe fn one(
    name: CK_UTF8CHAR_PTR,
    version: CK_VERSION_PTR,
    target: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> Result<()> {
    // SAFETY: handed on.
    let (ours, version) = unsafe { (named(name), read(version)) };
    let version = version.map_or(DEFAULT, |version| (version.major, version.minor));
    let offer = OFFERS
        .iter()
        .filter(|offer| ours && offer.interface.flags & flags == flags)
        .find(|offer| (offer.version.major, offer.version.minor) == version)
        .ok_or_else(|| Rv::FunctionFailed.because("no such interface"));
    // SAFETY: handed on.
    unsafe { answer(target, || Ok(offer?.lend())) }
}

/// NULL is any name.
unsafe fn named(name: CK_UTF8CHAR_PTR) -> bool {
    // SAFETY: §5.4.6: NUL-terminated; `all` stops at the first byte that differs, so never beyond the terminator.
    name.is_null() || NAME.iter().enumerate().all(|(at, byte)| unsafe { name.add(at).read() } == *byte)
}
