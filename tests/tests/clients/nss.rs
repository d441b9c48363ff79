//! NSS: Firefox, Chromium.

use std::ffi::CString;

use tests::{Home, Library, Rv, Scene, ids::*, keys, template};

#[test]
fn an_interface_that_is_fork_safe_is_not_offered_and_the_plain_one_is() {
    let library = Library::fresh();
    let name = CString::new("PKCS 11").expect("a name");
    let vendor = CString::new("Vendor NSS Module Interface").expect("a name");
    let asked = |name: &CString, flags| library.interface(Some(name), None, flags).map(|_| ());
    assert_eq!(asked(&name, CKF_INTERFACE_FORK_SAFE), Err(Rv::FunctionFailed));
    assert_eq!(asked(&name, 0), Ok(()));
    assert_eq!(asked(&vendor, 0), Err(Rv::FunctionFailed));
}

unsafe extern "C" fn create(mutex: *mut CK_VOID_PTR) -> CK_RV {
    // SAFETY: §5.4.1: the place for the mutex; a module that calls it shows that it does.
    unsafe { mutex.write(std::ptr::null_mut()) };
    CKR_OK
}

unsafe extern "C" fn other(_: CK_VOID_PTR) -> CK_RV {
    CKR_OK
}

#[test]
fn it_initialises_with_its_own_mutexes_both_flags_and_a_string() {
    let home = Home::new();
    let library = Library::asleep(&home);
    let string =
        format!("{} configdir='sql:/x y' secmod='secmod.db'", home.settings().to_str().expect("UTF-8"));
    let string = CString::new(string).expect("a string");
    let args = CK_C_INITIALIZE_ARGS {
        CreateMutex: Some(create),
        DestroyMutex: Some(other),
        LockMutex: Some(other),
        UnlockMutex: Some(other),
        flags: CKF_LIBRARY_CANT_CREATE_OS_THREADS | CKF_OS_LOCKING_OK,
        pReserved: string.as_ptr().cast_mut().cast(),
    };
    assert_eq!(library.initialize_with(args), Ok(()));
    assert_eq!(library.slots(true).map(|slots| slots.len()), Ok(1), "in the directory of the string");
}

#[test]
fn the_flags_it_reads_are_those_of_a_token_in_a_slot_with_a_pin() {
    let scene = Scene::closed();
    let slot = scene.library.slot_info(scene.slot).expect("C_GetSlotInfo").flags;
    assert_eq!(slot & (CKF_TOKEN_PRESENT | CKF_HW_SLOT), CKF_TOKEN_PRESENT);
    let wanted = CKF_LOGIN_REQUIRED | CKF_RNG | CKF_USER_PIN_INITIALIZED;
    assert_eq!(scene.flags() & (wanted | CKF_WRITE_PROTECTED | CKF_PROTECTED_AUTHENTICATION_PATH), wanted);
}

#[test]
fn it_draws_and_seeds_random_numbers_before_any_login() {
    let scene = Scene::closed();
    let session = scene.open_read_only();
    assert_eq!(session.random(32).map(|bytes| bytes.len()), Ok(32));
    assert_eq!(session.seed(&[1; 32]), Ok(()));
}

#[test]
fn an_id_is_set_after_the_import() {
    let scene = Scene::new();
    let session = scene.session();
    let key = scene.object(&keys::ec_private());
    session.set(key, &template![CKA_ID => &[7; 20]]).expect("C_SetAttributeValue");
    assert_eq!(session.find(&template![CKA_ID => &[7; 20]]), Ok(vec![key]));
}
