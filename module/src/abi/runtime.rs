//! One call across the border: is there a module in this process, is there a session, and what came of it.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv};

use super::api::{Call, Module};
use super::fork::{self, PerProcess};
use super::gate;
use super::pointer::{read, terminated};
use super::quiet::{catch, hush};
use super::seat::Seat;

/// The module of this process.
static HERE: PerProcess<Seat<Module>> = PerProcess::new();

/// A function that needs no module: it answers in any process at any time.
pub fn open(work: impl FnOnce() -> Result<()>) -> CK_RV {
    code(catch(work))
}

/// A function of the module.
pub fn module(function: &'static str, work: impl FnOnce(&Module) -> Result<()>) -> CK_RV {
    code(catch(|| {
        let seat = HERE.here().ok_or(Rv::CryptokiNotInitialized)?;
        let module = seat.share()?;
        module.around(function, || catch(|| work(&module)))
    }))
}

/// A function of a session, whose handle is looked up before the other arguments are read.
pub fn session(
    function: &'static str,
    handle: CK_SESSION_HANDLE,
    work: impl FnOnce(&Call) -> Result<()>,
) -> CK_RV {
    module(function, |module| work(&module.session(handle)?))
}

/// C_Initialize. A forked child leaves its parent's module alone and gets its own.
///
/// # Safety
/// PKCS#11 v3.2 §5.4.1: `args` is NULL or points to a CK_C_INITIALIZE_ARGS.
pub unsafe fn initialise(args: CK_VOID_PTR) -> Result<()> {
    hush();
    // SAFETY: handed on.
    let reserved = unsafe { reserved(args.cast()) }?;
    HERE.here_or(Seat::new).take(|inherited| {
        if inherited {
            gate::abandon_inherited();
        }
        fork::close_store_while_forking()?;
        Module::start(reserved.as_deref())
    })
}

/// C_Finalize. It waits for no call: those at work end by themselves, those that wait are woken.
pub fn finalise(reserved: CK_VOID_PTR) -> Result<()> {
    let seat = HERE.here().ok_or(Rv::CryptokiNotInitialized)?;
    seat.share()?.around("C_Finalize", || match reserved.is_null() {
        true => seat.leave(Module::stop),
        false => Err(Rv::ArgumentsBad.because("pReserved of C_Finalize is not NULL")),
    })
}

/// The string in the arguments of C_Initialize. We always lock, with the system's own mutexes: the application's
/// are not called, and neither flag of the arguments changes what we do.
unsafe fn reserved(args: *const CK_C_INITIALIZE_ARGS) -> Result<Option<String>> {
    // SAFETY: §5.4.1: NULL or the struct.
    let Some(args) = (unsafe { read(args) }) else {
        return Ok(None);
    };
    let callbacks = [
        args.CreateMutex.is_some(),
        args.DestroyMutex.is_some(),
        args.LockMutex.is_some(),
        args.UnlockMutex.is_some(),
    ];
    if callbacks.contains(&true) && callbacks.contains(&false) {
        return Err(Rv::ArgumentsBad.because("some but not all of the mutex functions"));
    }
    // SAFETY: §5.4.1 reserves the pointer; programs that set it give a NUL-terminated string of key=value pairs.
    unsafe { terminated(args.pReserved.cast()) }
}

fn code(result: Result<()>) -> CK_RV {
    result.map_or_else(|error: Error| error.rv().code(), |()| CKR_OK)
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::ptr;

    use super::*;

    unsafe extern "C" fn create(_: *mut CK_VOID_PTR) -> CK_RV {
        CKR_OK
    }

    unsafe extern "C" fn other(_: CK_VOID_PTR) -> CK_RV {
        CKR_OK
    }

    fn given(args: CK_C_INITIALIZE_ARGS) -> Result<Option<String>> {
        // SAFETY: the struct is ours.
        unsafe { reserved(&raw const args) }
    }

    #[test]
    fn no_arguments_are_no_configuration() {
        // SAFETY: NULL is legal.
        assert_eq!(unsafe { reserved(ptr::null()) }, Ok(None));
        assert_eq!(given(CK_C_INITIALIZE_ARGS::default()), Ok(None));
    }

    #[test]
    fn all_mutex_functions_or_none() {
        for given_functions in 0..16 {
            let one = |bit| {
                (given_functions & bit != 0).then_some(other as unsafe extern "C" fn(CK_VOID_PTR) -> CK_RV)
            };
            for flags in [0, CKF_OS_LOCKING_OK, CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS] {
                let result = given(CK_C_INITIALIZE_ARGS {
                    CreateMutex: (given_functions & 1 != 0).then_some(create),
                    DestroyMutex: one(2),
                    LockMutex: one(4),
                    UnlockMutex: one(8),
                    flags,
                    pReserved: ptr::null_mut(),
                });
                assert_eq!(result.is_ok(), matches!(given_functions, 0 | 15), "{given_functions:b}");
            }
        }
    }

    #[test]
    fn the_reserved_pointer_is_a_string_in_utf8_with_an_end() {
        let with = |bytes: &[u8]| {
            let text = CString::new(bytes).unwrap();
            given(CK_C_INITIALIZE_ARGS { pReserved: text.as_ptr().cast_mut().cast(), ..Default::default() })
        };
        assert_eq!(with("directory=/tmp/schlüssel".as_bytes()), Ok(Some("directory=/tmp/schlüssel".into())));
        assert_eq!(with(b""), Ok(Some(String::new())));
        assert_eq!(with(b"\xff").map_err(|e| e.rv()), Err(Rv::ArgumentsBad));
        assert!(with(&[b'a'; 65_536]).is_ok());
        assert_eq!(with(&[b'a'; 65_537]).map_err(|e| e.rv()), Err(Rv::ArgumentsBad));
    }
}
