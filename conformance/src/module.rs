//! A PKCS#11 module by its path, with whichever function lists it has, and a token to try it on.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::{null, null_mut};

use cryptoki_sys::*;
use tempfile::TempDir;
use tokenkeep::cryptoki::Rv;

/// A refusal, or whatever else went wrong, as a sentence.
pub type Result<T> = std::result::Result<T, String>;

/// Calls a function of a list; one that is not there answers CKR_FUNCTION_NOT_SUPPORTED.
macro_rules! call {
    ($list:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $list.$function {
            // SAFETY: every pointer is NULL or to something live of the length given with it (PKCS#11 v3.2 §5.1.1).
            Some(function) => unsafe { function($($argument),*) },
            None => cryptoki_sys::CKR_FUNCTION_NOT_SUPPORTED,
        }
    };
}
pub(crate) use call;

/// Turns everything but CKR_OK into a sentence.
pub fn ok(function: &str, rv: CK_RV) -> Result<()> {
    match rv {
        CKR_OK => Ok(()),
        rv => Err(format!("{function} answered {}", Rv::name_of(rv))),
    }
}

/// The length of a slice as C wants it.
pub fn len<T>(slice: &[T]) -> CK_ULONG {
    slice.len() as CK_ULONG
}

/// The PINs of a token that is made here.
pub const SO_PIN: &str = "12345678";
pub const PIN: &str = "648219";

/// A loaded module. It stays loaded: a judge does one thing and ends.
pub struct Module {
    pub v2: &'static CK_FUNCTION_LIST,
    pub v3: Option<&'static CK_FUNCTION_LIST_3_0>,
    pub v3_2: Option<&'static CK_FUNCTION_LIST_3_2>,
    /// What goes into pReserved.
    settings: Option<CString>,
    /// The tokens of our own module are here, and go with it.
    _home: Option<TempDir>,
}

impl Module {
    /// Loads the module at that path; without one our own, with an empty directory for its tokens.
    pub fn load(path: Option<&Path>) -> Result<Module> {
        match path {
            Some(path) => Module::at(path, None),
            None => {
                let home = TempDir::new().map_err(|error| error.to_string())?;
                let (path, place) = (ours()?, home.path().to_owned());
                Ok(Module {
                    _home: Some(home),
                    ..Module::at(&path, settings(&path, &place, FEW_ROUNDS).as_deref())?
                })
            }
        }
    }

    /// Loads the module at that path, with that string for pReserved.
    pub fn at(path: &Path, settings: Option<&str>) -> Result<Module> {
        let settings = settings.map(CString::new).transpose().map_err(|error| error.to_string())?;
        // SAFETY: the caller names a PKCS#11 module, whose load-time code is trusted to be one.
        let library = unsafe { libloading::Library::new(path) };
        let library = library.map_err(|error| format!("{}: {error}", path.display()))?;
        let v2 = plain(&library)?;
        let (v3, v3_2) = (interface(&library, (3, 0)), interface(&library, (3, 2)));
        std::mem::forget(library);
        // SAFETY: interfaces "PKCS 11" of these versions point to these types, for as long as the module is loaded.
        let (v3, v3_2) = unsafe {
            (
                v3.and_then(|list| list.cast::<CK_FUNCTION_LIST_3_0>().as_ref()),
                v3_2.and_then(|list| list.cast::<CK_FUNCTION_LIST_3_2>().as_ref()),
            )
        };
        Ok(Module { v2, v3, v3_2, settings, _home: None })
    }

    /// C_Initialize
    pub fn initialize(&self) -> CK_RV {
        let mut arguments = CK_C_INITIALIZE_ARGS {
            flags: CKF_OS_LOCKING_OK,
            pReserved: self.settings.as_ref().map_or(null_mut(), |text| text.as_ptr().cast_mut().cast()),
            ..Default::default()
        };
        call!(self.v2, C_Initialize((&raw mut arguments).cast()))
    }

    /// The slots with a token.
    pub fn slots(&self) -> Result<Vec<CK_SLOT_ID>> {
        let mut count = 0;
        ok("C_GetSlotList", call!(self.v2, C_GetSlotList(CK_TRUE, null_mut(), &raw mut count)))?;
        let mut slots = vec![0; count as usize];
        ok("C_GetSlotList", call!(self.v2, C_GetSlotList(CK_TRUE, slots.as_mut_ptr(), &raw mut count)))?;
        slots.truncate(count as usize);
        Ok(slots)
    }

    /// The slot of an initialised token. When there is none, one is made in a slot that waits for C_InitToken.
    pub fn token(&self) -> Result<CK_SLOT_ID> {
        if let Some(slot) = self.initialised()? {
            return Ok(slot);
        }
        let slot = *self.slots()?.first().ok_or("the module has no slot with a token")?;
        let mut label = *b"conformance                     ";
        let (so, user) = (SO_PIN.as_bytes(), PIN.as_bytes());
        let bytes = |pin: &[u8]| pin.as_ptr().cast_mut();
        ok("C_InitToken", call!(self.v2, C_InitToken(slot, bytes(so), len(so), label.as_mut_ptr())))?;
        // SoftHSM moves the token to another slot.
        let slot = self.initialised()?.ok_or("the token is not there after C_InitToken")?;
        let session = self.open(slot, true)?;
        ok("C_Login", call!(self.v2, C_Login(session, CKU_SO, bytes(so), len(so))))?;
        ok("C_InitPIN", call!(self.v2, C_InitPIN(session, bytes(user), len(user))))?;
        ok("C_CloseSession", call!(self.v2, C_CloseSession(session)))?;
        Ok(slot)
    }

    /// The slot of an initialised token, if there is one.
    pub fn initialised(&self) -> Result<Option<CK_SLOT_ID>> {
        let is = |slot: &CK_SLOT_ID| {
            let mut info = CK_TOKEN_INFO::default();
            let rv = call!(self.v2, C_GetTokenInfo(*slot, &raw mut info));
            rv == CKR_OK && info.flags & CKF_TOKEN_INITIALIZED != 0
        };
        Ok(self.slots()?.into_iter().find(is))
    }

    /// A session, for reading and writing or for reading only.
    pub fn open(&self, slot: CK_SLOT_ID, write: bool) -> Result<CK_SESSION_HANDLE> {
        let flags = CKF_SERIAL_SESSION | if write { CKF_RW_SESSION } else { 0 };
        let mut session = 0;
        let rv = call!(self.v2, C_OpenSession(slot, flags, null_mut(), None, &raw mut session));
        ok("C_OpenSession", rv).map(|()| session)
    }
}

/// A place for the tokens of a module that the command will load. SoftHSM finds it by a file that the environment names.
pub fn prepare(home: &Path, command: &mut Command) -> Result<()> {
    let (tokens, file) = (home.join("tokens"), home.join("softhsm2.conf"));
    std::fs::create_dir_all(&tokens).map_err(|error| error.to_string())?;
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    command.env("SOFTHSM2_CONF", file);
    Ok(())
}

/// Rounds of PBKDF2 for tokens that guard nothing.
pub const FEW_ROUNDS: u32 = 10_000;

/// The string by which our own module finds its tokens there, and the rounds for the PINs of new ones; others get none.
pub fn settings(module: &Path, home: &Path, rounds: u32) -> Option<String> {
    let ours = module.file_name().is_some_and(|name| name.to_string_lossy().contains("tokenkeep"));
    ours.then(|| format!("dir={}/tokens kdf_iterations={rounds}", home.display()))
}

/// The module that Cargo built beside this program.
pub fn ours() -> Result<PathBuf> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = program.parent().unwrap_or(Path::new("."));
    let name = format!("{}tokenkeep{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    // A dependency is built into `deps`; what lies beside us may be older.
    let places = [folder.join("deps").join(&name), folder.join(&name)];
    let found = places.iter().find(|path| path.exists()).cloned();
    found.ok_or_else(|| format!("{name} is not built beside {}: give --module", program.display()))
}

fn plain(library: &libloading::Library) -> Result<&'static CK_FUNCTION_LIST> {
    type Get = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;
    let mut list = null_mut();
    // SAFETY: the function has this signature by the standard, and the list lives as long as the module (§5.4.4).
    unsafe {
        let get = library.get::<Get>(b"C_GetFunctionList\0").map_err(|error| error.to_string())?;
        ok("C_GetFunctionList", get(&raw mut list))?;
        list.as_ref().ok_or_else(|| "C_GetFunctionList gave no list".to_owned())
    }
}

fn interface(library: &libloading::Library, (major, minor): (u8, u8)) -> Option<CK_VOID_PTR> {
    type Get =
        unsafe extern "C" fn(*const CK_UTF8CHAR, *mut CK_VERSION, *mut *mut CK_INTERFACE, CK_FLAGS) -> CK_RV;
    let (mut version, mut found) = (CK_VERSION { major, minor }, null_mut());
    // SAFETY: the function has this signature by the standard, and the interface lives as long as the module.
    unsafe {
        let get = library.get::<Get>(b"C_GetInterface\0").ok()?;
        match get(null(), &raw mut version, &raw mut found, 0) {
            CKR_OK => found.as_ref().map(|interface| interface.pFunctionList),
            _ => None,
        }
    }
}
