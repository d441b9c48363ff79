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
        catch(|| work(&module)).inspect_err(|error| module.note(function, error))
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
    seat.share()?;
    if !reserved.is_null() {
        return Err(Rv::ArgumentsBad.because("pReserved of C_Finalize is not NULL"));
    }
    seat.leave(Module::stop)
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
