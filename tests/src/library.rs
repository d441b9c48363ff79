//! One private copy of the module, and the directory that holds its tokens.

use std::ffi::{CStr, CString, c_void};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex, Once, PoisonError};

use libloading::os::unix;
use tempfile::TempDir;

use crate::call::{input, len, ok};
use crate::{Result, Rv, Session, code, ids::*};

/// The environment variable that names another module to test.
const MODULE: &str = "TOKENKEEP_MODULE";

/// The module under test: `TOKENKEEP_MODULE`, or the one that Cargo built beside this program.
pub fn module_path() -> PathBuf {
    if let Some(path) = std::env::var_os(MODULE) {
        return path.into();
    }
    let program = std::env::current_exe().expect("a program knows its path");
    let folder = program.parent().expect("a program is in a folder");
    [folder.to_owned(), folder.join("deps")]
        .into_iter()
        .filter(|folder| folder.ends_with("deps"))
        .map(|folder| {
            folder.join(format!("{}tokenkeep{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX))
        })
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("libtokenkeep is not built beside {}; set {MODULE}", program.display()))
}

/// True when the module under test is Tokenkeep: only then is there a configuration string, a file layout to look at.
pub fn is_ours() -> bool {
    let path = module_path();
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("tokenkeep"))
}

/// A directory of tokens, gone with its last owner.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
    more: String,
    _owner: Option<Arc<TempDir>>,
}

impl Home {
    /// A new empty directory.
    pub fn new() -> Home {
        let owner = TempDir::with_prefix("tokenkeep-home-").expect("a temporary directory");
        Home { _owner: Some(Arc::new(owner)), ..Home::at("") }.settle()
    }

    /// A directory that somebody else owns, as in another process.
    pub fn at(path: impl Into<PathBuf>) -> Home {
        // Few rounds, so that tests are quick; few tries, so that locking is too. A later setting overrides.
        let more = " kdf_iterations=1000 so_pin_retries=3".to_owned();
        Home { path: path.into(), more, _owner: None }
    }

    /// The same directory with a further `key=value` in the initialisation string.
    pub fn with(&self, setting: &str) -> Home {
        Home { more: format!("{} {setting}", self.more), ..self.clone() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The initialisation string for our module.
    pub fn settings(&self) -> CString {
        CString::new(format!("dir={}{}", self.path.display(), self.more)).expect("a path has no NUL")
    }

    fn settle(mut self) -> Home {
        if let Some(owner) = &self._owner {
            self.path = owner.path().join("tokens");
            std::fs::create_dir(&self.path).expect("a directory for tokens");
            let file =
                format!("directories.tokendir = {}\nobjectstore.backend = file\n", self.path.display());
            std::fs::write(self.softhsm(), file).expect("a configuration for SoftHSM");
        }
        self
    }

    /// SoftHSM is told its directory by a file that an environment variable names.
    fn softhsm(&self) -> PathBuf {
        self.path.with_file_name("softhsm2.conf")
    }
}

impl Default for Home {
    fn default() -> Home {
        Home::new()
    }
}

/// A loaded copy of the module. Dropping it finalises and unloads.
pub struct Library {
    list: &'static CK_FUNCTION_LIST,
    loaded: ManuallyDrop<unix::Library>,
    home: Home,
    finalized_by_drop: bool,
}

/// The environment belongs to the process: whoever sets it for C_Initialize holds this.
static ENVIRONMENT: Mutex<()> = Mutex::new(());

impl Library {
    /// A copy of its own, initialised, on an empty directory.
    pub fn fresh() -> Library {
        Library::on(&Home::new())
    }

    /// A copy of its own, initialised, on that directory: as good as another process.
    pub fn on(home: &Home) -> Library {
        let library = Library::asleep(home);
        library.initialize().expect("C_Initialize");
        library
    }

    /// A copy of its own, not initialised yet.
    ///
    /// The loader keeps one instance per file, so the file is copied: tests in parallel threads do not meet.
    pub fn asleep(home: &Home) -> Library {
        let copy = TempDir::with_prefix("tokenkeep-copy-").expect("a temporary directory");
        let path = module_path();
        let target = copy.path().join(path.file_name().expect("a module is a file"));
        std::fs::copy(&path, &target).unwrap_or_else(|e| panic!("copy {}: {e}", path.display()));
        // The copy's file goes with its folder, here; what is loaded stays, and nothing is left after a crash.
        Library::load(&target, home)
    }

    /// The module at its own path, not initialised: for programs that test the process as a whole.
    pub fn load(path: &Path, home: &Home) -> Library {
        away_from_the_real_home();
        // SAFETY: the module's load-time code is our own, or that of the module the caller chose.
        let loaded = unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }
            .unwrap_or_else(|e| panic!("dlopen {}: {e}", path.display()));
        let mut list = null_mut();
        // SAFETY: the symbol has this type by the standard.
        let rv = unsafe {
            let function: unix::Symbol<unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV> =
                loaded.get("C_GetFunctionList").expect("C_GetFunctionList is exported");
            code(function(&mut list))
        };
        assert_eq!(rv, Rv::Ok, "C_GetFunctionList");
        // SAFETY: C_GetFunctionList answered CKR_OK; the list lives as long as the module is loaded,
        // and `c()` lends it for no longer than that.
        let list = unsafe { list.as_ref() }.expect("C_GetFunctionList gives a list");
        Library { list, loaded: ManuallyDrop::new(loaded), home: home.clone(), finalized_by_drop: true }
    }

    /// Keeps the module loaded and initialised for ever, as programs do that call exit().
    pub fn leak(self) -> &'static Library {
        Box::leak(Box::new(self))
    }

    /// Unloads the module as it is, without C_Finalize.
    pub fn unload(mut self) {
        self.finalized_by_drop = false;
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The function list of version 2.40.
    pub fn c(&self) -> &CK_FUNCTION_LIST {
        self.list
    }

    /// The function list of version 3.0, if the module has one.
    pub fn c_3_0(&self) -> Option<&CK_FUNCTION_LIST_3_0> {
        let found = self.interface(None, Some((3, 0)), 0).ok()?;
        // SAFETY: an interface "PKCS 11" of version 3.0 points to this type, for as long as the module is loaded.
        unsafe { found.pFunctionList.cast::<CK_FUNCTION_LIST_3_0>().as_ref() }
    }

    /// The function list of version 3.2, if the module has one.
    pub fn c_3_2(&self) -> Option<&CK_FUNCTION_LIST_3_2> {
        let found = self.interface(None, Some((3, 2)), 0).ok()?;
        // SAFETY: as above, for version 3.2.
        unsafe { found.pFunctionList.cast::<CK_FUNCTION_LIST_3_2>().as_ref() }
    }

    /// True when the module exports a function of that name.
    pub fn exports(&self, name: &str) -> bool {
        // SAFETY: the address is looked at, not called.
        unsafe { self.loaded.get::<*const c_void>(name) }.is_ok()
    }

    /// C_GetInterface; a module without it answers CKR_FUNCTION_NOT_SUPPORTED here.
    pub fn interface(
        &self,
        name: Option<&CStr>,
        version: Option<(u8, u8)>,
        flags: CK_FLAGS,
    ) -> Result<CK_INTERFACE> {
        type Function = unsafe extern "C" fn(
            *mut CK_UTF8CHAR,
            *mut CK_VERSION,
            *mut *mut CK_INTERFACE,
            CK_FLAGS,
        ) -> CK_RV;
        let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
        let mut found = null_mut();
        // SAFETY: the symbol has this type by the standard; the pointers are valid or NULL, as it allows.
        unsafe {
            let function: unix::Symbol<Function> =
                self.loaded.get("C_GetInterface").map_err(|_| Rv::FunctionNotSupported)?;
            let name = name.map_or(null(), CStr::as_ptr).cast_mut().cast();
            let version = version.as_mut().map_or(null_mut(), |version| version);
            ok(code(function(name, version, &mut found, flags)))?;
            Ok(*found.as_ref().expect("C_GetInterface gives an interface"))
        }
    }

    /// C_Initialize on this library's directory.
    pub fn initialize(&self) -> Result<()> {
        let settings = self.home.settings();
        let reserved = if is_ours() { settings.as_ptr().cast_mut().cast() } else { null_mut() };
        self.initialize_with(CK_C_INITIALIZE_ARGS {
            flags: CKF_OS_LOCKING_OK,
            pReserved: reserved,
            ..Default::default()
        })
    }

    /// C_Initialize with any arguments.
    pub fn initialize_with(&self, mut args: CK_C_INITIALIZE_ARGS) -> Result<()> {
        self.initialize_raw(Some(&mut args))
    }

    /// C_Initialize with those arguments, or with NULL.
    pub fn initialize_raw(&self, args: Option<&mut CK_C_INITIALIZE_ARGS>) -> Result<()> {
        let args = args.map_or(null_mut(), |args| (&raw mut *args).cast());
        if is_ours() {
            return ok(raw!(self.c(), C_Initialize(args)));
        }
        let _held = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: everything in this process that writes the environment holds the lock.
        unsafe { std::env::set_var("SOFTHSM2_CONF", self.home.softhsm()) };
        ok(raw!(self.c(), C_Initialize(args)))
    }

    pub fn finalize(&self) -> Result<()> {
        ok(raw!(self.c(), C_Finalize(null_mut())))
    }

    /// Finalise and initialise: what is left was kept in the token.
    pub fn restart(&self) {
        self.finalize().expect("C_Finalize");
        self.initialize().expect("C_Initialize");
    }

    pub fn info(&self) -> Result<CK_INFO> {
        let mut info = CK_INFO::default();
        ok(raw!(self.c(), C_GetInfo(&mut info))).map(|()| info)
    }

    /// Slots, all of them or those with a token.
    pub fn slots(&self, with_token: bool) -> Result<Vec<CK_SLOT_ID>> {
        let present = if with_token { CK_TRUE } else { CK_FALSE };
        let mut count = 0;
        ok(raw!(self.c(), C_GetSlotList(present, null_mut(), &mut count)))?;
        let mut slots = vec![0; count as usize];
        ok(raw!(self.c(), C_GetSlotList(present, slots.as_mut_ptr(), &mut count)))?;
        slots.truncate(count as usize);
        Ok(slots)
    }

    pub fn slot_info(&self, slot: CK_SLOT_ID) -> Result<CK_SLOT_INFO> {
        let mut info = CK_SLOT_INFO::default();
        ok(raw!(self.c(), C_GetSlotInfo(slot, &mut info))).map(|()| info)
    }

    pub fn token_info(&self, slot: CK_SLOT_ID) -> Result<CK_TOKEN_INFO> {
        let mut info = CK_TOKEN_INFO::default();
        ok(raw!(self.c(), C_GetTokenInfo(slot, &mut info))).map(|()| info)
    }

    pub fn mechanisms(&self, slot: CK_SLOT_ID) -> Result<Vec<CK_MECHANISM_TYPE>> {
        let mut count = 0;
        ok(raw!(self.c(), C_GetMechanismList(slot, null_mut(), &mut count)))?;
        let mut list = vec![0; count as usize];
        ok(raw!(self.c(), C_GetMechanismList(slot, list.as_mut_ptr(), &mut count)))?;
        list.truncate(count as usize);
        Ok(list)
    }

    pub fn mechanism_info(&self, slot: CK_SLOT_ID, id: CK_MECHANISM_TYPE) -> Result<CK_MECHANISM_INFO> {
        let mut info = CK_MECHANISM_INFO::default();
        ok(raw!(self.c(), C_GetMechanismInfo(slot, id, &mut info))).map(|()| info)
    }

    /// C_InitToken; the label is padded with blanks to 32 bytes.
    pub fn init_token(&self, slot: CK_SLOT_ID, pin: &str, label: &str) -> Result<()> {
        let mut padded = [b' '; 32];
        padded[..label.len()].copy_from_slice(label.as_bytes());
        ok(raw!(self.c(), C_InitToken(slot, input(pin.as_bytes()), len(pin.len()), padded.as_mut_ptr())))
    }

    /// The first slot whose token is not initialised.
    pub fn spare_slot(&self) -> Option<CK_SLOT_ID> {
        let blank = |slot: &CK_SLOT_ID| {
            self.token_info(*slot).is_ok_and(|info| info.flags & CKF_TOKEN_INITIALIZED == 0)
        };
        self.slots(true).expect("C_GetSlotList").into_iter().find(blank)
    }

    /// The slot of the initialised token with that label.
    pub fn slot_of(&self, label: &str) -> Option<CK_SLOT_ID> {
        let same = |slot: &CK_SLOT_ID| {
            self.token_info(*slot).is_ok_and(|info| {
                info.flags & CKF_TOKEN_INITIALIZED != 0 && info.label.trim_ascii_end() == label.as_bytes()
            })
        };
        self.slots(true).expect("C_GetSlotList").into_iter().find(same)
    }

    /// Opens a session: for reading and writing, or for reading only.
    pub fn open(&self, slot: CK_SLOT_ID, write: bool) -> Result<Session<'_>> {
        let flags = CKF_SERIAL_SESSION | if write { CKF_RW_SESSION } else { 0 };
        let mut handle = CK_INVALID_HANDLE;
        ok(raw!(self.c(), C_OpenSession(slot, flags, null_mut(), None, &mut handle)))?;
        Ok(self.session(handle))
    }

    /// A session by its handle, which may be a wrong one.
    pub fn session(&self, handle: CK_SESSION_HANDLE) -> Session<'_> {
        Session { library: self, handle }
    }

    pub fn close_all(&self, slot: CK_SLOT_ID) -> Result<()> {
        ok(raw!(self.c(), C_CloseAllSessions(slot)))
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        if self.finalized_by_drop {
            let _ = self.finalize();
        }
        // SAFETY: taken once, here; nothing borrowed from the module outlives `self`.
        let loaded = unsafe { ManuallyDrop::take(&mut self.loaded) };
        let _ = loaded.close();
    }
}

/// Points HOME and its kin at an empty directory, so that C_Initialize(NULL) never meets a real token.
fn away_from_the_real_home() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _held = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
        let home = std::env::temp_dir().join("tokenkeep-nowhere");
        std::fs::create_dir_all(&home).expect("an empty home");
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "TOKENKEEP_DIR"] {
            // SAFETY: done once, before the first module is loaded, by the harness alone.
            unsafe { std::env::set_var(name, &home) };
        }
    });
}
