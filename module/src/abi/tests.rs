//! The border seen from C: the lists, the interfaces, the life of the module, forks.

use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::ptr;

use crate::cryptoki::ids::*;

use super::exports::{ROWS, V2_40, V3_0, V3_2};
use super::fork::tests::in_child;

/// The functions of a list, as addresses.
fn functions<T>(list: &'static T) -> &'static [usize] {
    let start = ptr::from_ref(list).cast::<usize>();
    // SAFETY: a function list is a CK_VERSION, padded to a pointer, and pointers; an absent one is zero.
    unsafe { std::slice::from_raw_parts(start.add(1), size_of::<T>() / size_of::<usize>() - 1) }
}

/// C_GetInterface: the version of the list it gives, or the refusal.
fn interface(name: Option<&CStr>, version: Option<(u8, u8)>, flags: CK_FLAGS) -> Result<(u8, u8), CK_RV> {
    let name = name.map_or(ptr::null_mut(), |name| name.as_ptr().cast_mut().cast());
    let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
    let version = version.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    let mut found: *mut CK_INTERFACE = ptr::null_mut();
    // SAFETY: all pointers are NULL or ours; what is found is an interface whose list begins with its version.
    unsafe {
        match V3_0.C_GetInterface.unwrap()(name, version, &raw mut found, flags) {
            CKR_OK => {
                assert_eq!(CStr::from_ptr((*found).pInterfaceName.cast()), c"PKCS 11");
                let version = (*found).pFunctionList.cast::<CK_VERSION>().read();
                Ok((version.major, version.minor))
            }
            rv => Err(rv),
        }
    }
}

#[test]
fn the_lists_are_complete_and_the_longer_begin_with_the_shorter() {
    assert_eq!(ROWS.len(), 104);
    let (old, middle, new) = (functions(&V2_40), functions(&V3_0), functions(&V3_2));
    assert_eq!((old.len(), middle.len(), new.len()), (68, 92, 104));
    // C_GetInfo tells the version of its list, and C_GetAttributeValue has a door of its own in the lists of 3.x,
    // where points of Edwards keys are bare; all else is the same function in every list.
    let differ = |a: &[usize], b: &[usize]| (0..a.len()).filter(|at| a[*at] != b[*at]).collect::<Vec<_>>();
    let place = |function: usize| old.iter().position(|f| *f == function).unwrap();
    let told = place(V2_40.C_GetInfo.unwrap() as usize);
    let points = place(V2_40.C_GetAttributeValue.unwrap() as usize);
    assert_eq!(differ(old, middle), [told, points]);
    assert_eq!(differ(middle, new), [told]);
    assert!(!new.contains(&0), "a function is missing");
    assert_eq!(new.iter().collect::<HashSet<_>>().len(), 104, "two functions are one");
    assert_eq!(ROWS.iter().map(|row| row.1).collect::<HashSet<_>>().len(), 104);
}

#[test]
fn the_function_list_is_2_40_and_wants_a_place_to_go() {
    let get = V3_2.C_GetFunctionList.unwrap();
    let mut list = ptr::null_mut();
    // SAFETY: NULL, and a pointer of ours.
    unsafe {
        assert_eq!(get(ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(get(&raw mut list), CKR_OK);
        assert_eq!(((*list).version.major, (*list).version.minor), (2, 40));
    }
}

#[test]
fn interfaces_are_chosen_by_name_version_and_flags() {
    let rows = [
        (None, None, 0, Ok((3, 0))),
        (Some(c"PKCS 11"), None, 0, Ok((3, 0))),
        (Some(c"PKCS 11"), Some((3, 2)), 0, Ok((3, 2))),
        (Some(c"PKCS 11"), Some((3, 0)), 0, Ok((3, 0))),
        (None, Some((2, 40)), 0, Ok((2, 40))),
        (None, Some((3, 1)), 0, Err(CKR_FUNCTION_FAILED)),
        (None, None, CKF_INTERFACE_FORK_SAFE, Err(CKR_FUNCTION_FAILED)),
        (Some(c"PKCS 11"), None, CKF_INTERFACE_FORK_SAFE, Err(CKR_FUNCTION_FAILED)),
        (Some(c"PKCS"), None, 0, Err(CKR_FUNCTION_FAILED)),
        (Some(c"PKCS 11 "), None, 0, Err(CKR_FUNCTION_FAILED)),
        (Some(c""), None, 0, Err(CKR_FUNCTION_FAILED)),
        (Some(c"Vendor NSS Module Interface"), None, 0, Err(CKR_FUNCTION_FAILED)),
    ];
    for (name, version, flags, expected) in rows {
        assert_eq!(interface(name, version, flags), expected, "{name:?} {version:?} {flags}");
    }
    // SAFETY: NULL is legal to give.
    let nowhere =
        unsafe { V3_0.C_GetInterface.unwrap()(ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0) };
    assert_eq!(nowhere, CKR_ARGUMENTS_BAD);
}

#[test]
fn the_interface_list_keeps_the_length_protocol() {
    let list = V3_0.C_GetInterfaceList.unwrap();
    let mut interfaces = [CK_INTERFACE::default(); 3];
    // SAFETY: our own memory, as large as told.
    unsafe {
        let mut count = 0;
        assert_eq!(list(ptr::null_mut(), ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!((list(ptr::null_mut(), &raw mut count), count), (CKR_OK, 3));
        count = 2;
        assert_eq!((list(interfaces.as_mut_ptr(), &raw mut count), count), (CKR_BUFFER_TOO_SMALL, 3));
        assert!(interfaces[0].pFunctionList.is_null(), "nothing is written then");
        assert_eq!((list(interfaces.as_mut_ptr(), &raw mut count), count), (CKR_OK, 3));
    }
    assert!(interfaces.iter().all(|interface| !interface.pFunctionList.is_null() && interface.flags == 0));
}

/// Every function that needs the module, called with nothing.
fn expect_not_initialised() -> bool {
    let mut needy = ROWS.iter().filter(|row| row.0 != "open");
    needy.all(|(_, _, call)| call() == CKR_CRYPTOKI_NOT_INITIALIZED)
}

/// One test for all that needs the one module of the process, in its order.
#[test]
fn the_life_of_the_module() {
    let initialise = V3_2.C_Initialize.unwrap();
    let (finalise, info) = (V3_2.C_Finalize.unwrap(), V3_2.C_GetInfo.unwrap());
    let dir = tempfile::tempdir().unwrap();
    let settings = CString::new(format!("dir={}", dir.path().display())).unwrap();
    let initialise = || {
        let mut args = CK_C_INITIALIZE_ARGS {
            flags: CKF_OS_LOCKING_OK,
            pReserved: settings.as_ptr().cast_mut().cast(),
            ..Default::default()
        };
        // SAFETY: our own arguments, with a string that outlives the call.
        unsafe { initialise((&raw mut args).cast()) }
    };
    // SAFETY: a pointer that is not NULL is refused, not followed.
    let finalise = |reserved| unsafe { finalise(reserved) };
    let described = || {
        let mut about = CK_INFO::default();
        // SAFETY: our own CK_INFO.
        let rv = unsafe { info(&raw mut about) };
        (rv, about.manufacturerID, about.libraryDescription)
    };

    assert!(expect_not_initialised());
    assert_eq!(finalise(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED);

    let rvs: Vec<CK_RV> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(initialise)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(rvs.iter().filter(|rv| **rv == CKR_OK).count(), 1, "one wins: {rvs:x?}");
    assert_eq!(rvs.iter().filter(|rv| **rv == CKR_CRYPTOKI_ALREADY_INITIALIZED).count(), 7);

    for (needs, name, call) in ROWS {
        let expected = match (*needs, *name) {
            ("session", _) | (_, "C_CloseSession") => Some(CKR_SESSION_HANDLE_INVALID),
            (_, "C_GetFunctionStatus" | "C_CancelFunction") => Some(CKR_FUNCTION_NOT_PARALLEL),
            (_, "C_CloseAllSessions") | ("open", _) => None,
            _ => Some(CKR_ARGUMENTS_BAD),
        };
        if let Some(expected) = expected {
            assert_eq!(call(), expected, "{name} with nothing");
        }
    }

    let before = described();
    assert_eq!(before.0, CKR_OK);
    assert!(in_child(|| {
        expect_not_initialised()
            && finalise(ptr::null_mut()) == CKR_CRYPTOKI_NOT_INITIALIZED
            && initialise() == CKR_OK
            && described() == before
            && initialise() == CKR_CRYPTOKI_ALREADY_INITIALIZED
            && in_child(expect_not_initialised)
            && finalise(ptr::null_mut()) == CKR_OK
    }));
    assert_eq!(described(), before, "the parent goes on");

    assert_eq!(finalise(ptr::dangling_mut()), CKR_ARGUMENTS_BAD);
    assert_eq!(described(), before, "and that was no end");
    assert_eq!(finalise(ptr::null_mut()), CKR_OK);
    assert_eq!(finalise(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert!(expect_not_initialised());
    assert_eq!((initialise(), finalise(ptr::null_mut())), (CKR_OK, CKR_OK), "and again");
}
