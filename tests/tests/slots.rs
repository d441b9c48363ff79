//! Slots: which are there, what they say of themselves, and when the list changes.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use tests::{Home, LABEL, Library, Rv, SO_PIN, Scene, ids::*, is_ours, names, raw};

#[test]
fn with_no_token_there_is_one_slot_whose_token_is_not_initialised() {
    let library = Library::fresh();
    let slots = library.slots(false).expect("C_GetSlotList");
    assert_eq!(slots.len(), 1);
    assert_eq!(library.slots(true), Ok(slots.clone()));
    let flags = library.token_info(slots[0]).expect("C_GetTokenInfo").flags;
    assert_eq!(flags & (CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED), 0);
    assert_ne!(library.slot_info(slots[0]).expect("C_GetSlotInfo").flags & CKF_TOKEN_PRESENT, 0);
}

#[test]
fn the_first_slot_is_slot_0() {
    let library = Library::fresh();
    assert_eq!(library.slots(false), Ok(vec![0]));
}

#[test]
fn after_initialisation_the_slot_keeps_its_number_and_no_spare_one_appears() {
    let library = Library::fresh();
    let before = library.slots(false).expect("C_GetSlotList");
    library.init_token(before[0], SO_PIN, LABEL).expect("C_InitToken");
    assert_eq!(library.slots(false), Ok(before.clone()));
    assert_eq!(library.slot_of(LABEL), Some(before[0]));
    library.restart();
    assert_eq!(library.slots(false), Ok(before.clone()));
    assert_eq!(library.slot_of(LABEL), Some(before[0]));
}

#[test]
fn a_token_that_another_process_makes_is_seen_by_the_next_slot_list() {
    let home = Home::new();
    let (one, two) = (Library::on(&home), Library::on(&home));
    let slot = one.spare_slot().expect("a spare slot");
    assert_eq!(two.slot_of(LABEL), None);
    one.init_token(slot, SO_PIN, LABEL).expect("C_InitToken");
    let mut count = 0;
    assert_eq!(raw!(two.c(), C_GetSlotList(CK_FALSE, std::ptr::null_mut(), &mut count)), Rv::Ok);
    assert_eq!(two.slot_of(LABEL), one.slot_of(LABEL));
    assert_eq!(two.slots(false), one.slots(false));
}

#[test]
fn a_slot_list_that_does_not_fit_says_how_many_there_are() {
    let library = Library::fresh();
    let (mut slots, mut count) = ([0; 1], 0);
    let answer = raw!(library.c(), C_GetSlotList(CK_FALSE, slots.as_mut_ptr(), &mut count));
    assert_eq!((answer, count), (Rv::BufferTooSmall, 1));
}

#[test]
fn a_slot_and_its_token_present_themselves_as_the_standard_wants() {
    let scene = Scene::closed();
    let slot = scene.library.slot_info(scene.slot).expect("C_GetSlotInfo");
    let token = scene.library.token_info(scene.slot).expect("C_GetTokenInfo");
    let info = scene.library.info().expect("C_GetInfo");
    for text in [
        &slot.slotDescription[..],
        &slot.manufacturerID,
        &token.label,
        &token.manufacturerID,
        &token.model,
        &token.serialNumber,
        &info.manufacturerID,
        &info.libraryDescription,
    ] {
        let text = std::str::from_utf8(text).expect("UTF-8");
        assert!(!text.contains('\0') && !text.trim_end().is_empty(), "{text:?} is padded with blanks");
    }
    assert_eq!(token.serialNumber.trim_ascii().len(), 16, "a serial number of 16 characters");
    assert_eq!(token.label.trim_ascii_end(), LABEL.as_bytes());
    let wanted = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
    assert_eq!(token.flags & wanted, wanted);
    assert_eq!(token.flags & (CKF_WRITE_PROTECTED | CKF_PROTECTED_AUTHENTICATION_PATH), 0);
    assert_eq!((token.ulMinPinLen, token.ulMaxPinLen), (4, 255));
    assert_eq!((token.ulSessionCount, token.ulRwSessionCount), (0, 0));
}

#[test]
fn the_token_counts_its_sessions() {
    let scene = Scene::closed();
    let sessions = (scene.open(), scene.open_read_only(), scene.open_read_only());
    let token = scene.library.token_info(scene.slot).expect("C_GetTokenInfo");
    assert_eq!((token.ulSessionCount, token.ulRwSessionCount), (3, 1));
    sessions.0.close().expect("C_CloseSession");
    let token = scene.library.token_info(scene.slot).expect("C_GetTokenInfo");
    assert_eq!((token.ulSessionCount, token.ulRwSessionCount), (2, 0));
    scene.library.close_all(scene.slot).expect("C_CloseAllSessions");
    assert_eq!(scene.library.token_info(scene.slot).map(|token| token.ulSessionCount), Ok(0));
}

#[test]
fn tokens_have_serial_numbers_of_their_own() {
    let serials: BTreeSet<_> = (0..5)
        .map(|_| Scene::without_user_pin())
        .map(|scene| scene.library.token_info(scene.slot).expect("C_GetTokenInfo").serialNumber)
        .collect();
    assert_eq!(serials.len(), 5);
}

#[test]
fn a_label_of_32_bytes_with_blanks_and_umlauts_comes_back() {
    let library = Library::fresh();
    let label = "Schlüssel für die Prüfung, 20";
    assert_eq!(label.len(), 32);
    let slot = library.spare_slot().expect("a spare slot");
    library.init_token(slot, SO_PIN, label).expect("C_InitToken");
    assert_eq!(library.slot_of(label), Some(slot));
}

#[test]
fn only_the_owner_may_read_what_is_stored() {
    if !is_ours() {
        return;
    }
    let scene = Scene::new();
    let home = scene.library.home().path();
    let mode = |path: &std::path::Path| path.metadata().expect("metadata").permissions().mode() & 0o7777;
    let files: Vec<_> =
        std::fs::read_dir(home).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    assert!(!files.is_empty(), "the token is a file");
    for path in files {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_directory_that_is_not_there_is_made_for_the_owner_alone() {
    if !is_ours() {
        return;
    }
    let home = Home::new();
    let inner = Home::at(home.path().join("new"));
    let library = Library::on(&inner);
    let slot = library.spare_slot().expect("a spare slot");
    library.init_token(slot, SO_PIN, LABEL).expect("C_InitToken");
    let mode = inner.path().metadata().expect("the directory").permissions().mode();
    assert_eq!(mode & 0o7777, 0o700);
}

#[test]
fn the_mechanism_list_has_no_double_and_each_mechanism_tells_what_it_does() {
    let scene = Scene::closed();
    let list = scene.library.mechanisms(scene.slot).expect("C_GetMechanismList");
    let once: BTreeSet<_> = list.iter().collect();
    assert_eq!(once.len(), list.len());
    let work = CKF_ENCRYPT
        | CKF_DECRYPT
        | CKF_DIGEST
        | CKF_SIGN
        | CKF_SIGN_RECOVER
        | CKF_VERIFY
        | CKF_VERIFY_RECOVER
        | CKF_GENERATE
        | CKF_GENERATE_KEY_PAIR
        | CKF_WRAP
        | CKF_UNWRAP
        | CKF_DERIVE
        | CKF_ENCAPSULATE
        | CKF_DECAPSULATE;
    for id in list {
        let info = scene.library.mechanism_info(scene.slot, id).expect("C_GetMechanismInfo");
        let name = names::mechanism(id);
        assert_ne!(info.flags & work, 0, "{name} does nothing");
        assert!(info.ulMinKeySize <= info.ulMaxKeySize, "{name}");
        // Java drops a mechanism that has only one side.
        assert_eq!(info.flags & CKF_DECRYPT == 0, info.flags & CKF_ENCRYPT == 0, "{name}");
        assert_eq!(info.flags & CKF_VERIFY == 0, info.flags & CKF_SIGN == 0, "{name}");
    }
}

#[test]
fn every_mechanism_of_the_first_issue_is_offered_with_both_its_sides() {
    let scene = Scene::closed();
    let (crypt, sign) = (CKF_ENCRYPT | CKF_DECRYPT, CKF_SIGN | CKF_VERIFY);
    for (id, flags) in [
        (CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR),
        (CKM_RSA_PKCS, crypt | sign | CKF_WRAP | CKF_UNWRAP),
        (CKM_RSA_X_509, crypt | sign),
        (CKM_RSA_PKCS_OAEP, crypt | CKF_WRAP | CKF_UNWRAP),
        (CKM_RSA_PKCS_PSS, sign),
        (CKM_SHA1_RSA_PKCS, sign),
        (CKM_SHA256_RSA_PKCS, sign),
        (CKM_SHA384_RSA_PKCS, sign),
        (CKM_SHA512_RSA_PKCS, sign),
        (CKM_SHA256_RSA_PKCS_PSS, sign),
        (CKM_SHA384_RSA_PKCS_PSS, sign),
        (CKM_SHA512_RSA_PKCS_PSS, sign),
        (CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR),
        (CKM_ECDSA, sign),
        (CKM_ECDSA_SHA256, sign),
        (CKM_ECDSA_SHA384, sign),
        (CKM_ECDSA_SHA512, sign),
        (CKM_ECDH1_DERIVE, CKF_DERIVE),
        (CKM_AES_KEY_GEN, CKF_GENERATE),
        (CKM_AES_ECB, crypt),
        (CKM_AES_CBC, crypt),
        (CKM_AES_CBC_PAD, crypt),
        (CKM_AES_CTR, crypt),
        (CKM_AES_GCM, crypt),
        (CKM_SHA_1, CKF_DIGEST),
        (CKM_SHA256, CKF_DIGEST),
        (CKM_SHA384, CKF_DIGEST),
        (CKM_SHA512, CKF_DIGEST),
        (CKM_SHA_1_HMAC, sign),
        (CKM_SHA256_HMAC, sign),
        (CKM_SHA384_HMAC, sign),
        (CKM_SHA512_HMAC, sign),
        (CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE),
    ] {
        let info = scene.library.mechanism_info(scene.slot, id);
        let answer = info.map(|info| info.flags & flags);
        assert_eq!(answer, Ok(flags), "{}", names::mechanism(id));
    }
}
