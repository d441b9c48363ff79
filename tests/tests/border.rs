//! The C border: function lists, C_Initialize and C_Finalize, and arguments that no program should send.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Barrier;

use tests::keys::secret;
use tests::{Home, Kind, Library, Mechanism, Rv, Scene, USER_PIN, every, ids::*, is_ours, raw, template};

const NAME: &std::ffi::CStr = c"PKCS 11";

/// A handle that nothing has.
const NOTHING: CK_ULONG = 0x7FFF_1234;

/// A length that no memory holds.
const HUGE: CK_ULONG = CK_ULONG::MAX - 1;

fn asleep() -> Library {
    Library::asleep(&Home::new())
}

mod function_lists {
    use super::*;

    #[test]
    fn the_plain_list_is_of_version_2_40_and_has_every_function() {
        let library = asleep();
        assert_eq!((library.c().version.major, library.c().version.minor), (2, 40));
        assert_eq!(every::general(library.c()).len() + every::of_session(library.c(), 0).len() + 2, 68);
    }

    #[test]
    fn an_interface_without_a_version_is_3_0() {
        let library = asleep();
        for name in [None, Some(NAME)] {
            let interface = library.interface(name, None, 0).expect("C_GetInterface");
            // SAFETY: every function list begins with its version.
            let version = unsafe { *interface.pFunctionList.cast::<CK_VERSION>() };
            assert_eq!((version.major, version.minor), (3, 0));
        }
    }

    #[test]
    fn each_version_is_given_when_it_is_asked_for() {
        let library = asleep();
        for wanted in [(2, 40), (3, 0), (3, 2)] {
            let interface = library.interface(Some(NAME), Some(wanted), 0).expect("C_GetInterface");
            // SAFETY: as above.
            let version = unsafe { *interface.pFunctionList.cast::<CK_VERSION>() };
            assert_eq!((version.major, version.minor), wanted);
        }
    }

    #[test]
    fn c_get_info_answers_the_version_of_the_list_it_is_called_through() {
        let library = Library::fresh();
        let mut info = CK_INFO::default();
        let version = |info: &CK_INFO| (info.cryptokiVersion.major, info.cryptokiVersion.minor);
        assert_eq!(raw!(library.c(), C_GetInfo(&mut info)), Rv::Ok);
        assert_eq!(version(&info), (2, 40));
        assert_eq!(raw!(library.c_3_0().expect("3.0"), C_GetInfo(&mut info)), Rv::Ok);
        assert_eq!(version(&info), (3, 0));
        assert_eq!(raw!(library.c_3_2().expect("3.2"), C_GetInfo(&mut info)), Rv::Ok);
        assert_eq!(version(&info), (3, 2));
    }

    #[test]
    fn the_newest_list_has_every_function_and_each_is_exported() {
        let library = asleep();
        let c = library.c_3_2().expect("a list of version 3.2");
        for (name, _) in every::of_session_3(c, 0) {
            assert!(library.exports(name), "{name}");
        }
        for (name, _) in [every::general(library.c()), every::of_session(library.c(), 0)].concat() {
            assert!(library.exports(name), "{name}");
        }
        for name in ["C_Initialize", "C_GetFunctionList", "C_GetInterface", "C_GetInterfaceList"] {
            assert!(library.exports(name), "{name}");
        }
    }

    #[test]
    fn the_list_of_interfaces_names_3_2_and_3_0_and_2_40() {
        let library = asleep();
        let c = library.c_3_2().expect("a list of version 3.2");
        let mut count = 0;
        assert_eq!(raw!(c, C_GetInterfaceList(null_mut(), &mut count)), Rv::Ok);
        let mut list = vec![CK_INTERFACE::default(); count as usize];
        assert_eq!(raw!(c, C_GetInterfaceList(list.as_mut_ptr(), &mut count)), Rv::Ok);
        // SAFETY: every function list begins with its version.
        let versions = list.iter().map(|i| unsafe { *i.pFunctionList.cast::<CK_VERSION>() });
        let mut versions: Vec<_> = versions.map(|v| (v.major, v.minor)).collect();
        versions.sort_unstable();
        assert_eq!(versions, [(2, 40), (3, 0), (3, 2)]);
    }

    #[test]
    fn a_list_of_interfaces_that_does_not_fit_says_how_many_there_are() {
        let library = asleep();
        let c = library.c_3_2().expect("a list of version 3.2");
        let (mut one, mut count) = ([CK_INTERFACE::default()], 1);
        assert_eq!(raw!(c, C_GetInterfaceList(one.as_mut_ptr(), &mut count)), Rv::BufferTooSmall);
        assert_eq!(count, 3);
    }

    #[test]
    fn an_unknown_interface_is_refused() {
        let library = asleep();
        assert!(library.interface(None, None, 0).is_ok());
        let vendor = c"Vendor NSS Module Interface";
        for (name, version, flags) in [(vendor, None, 0), (NAME, Some((9, 9)), 0), (NAME, None, 1 << 20)] {
            let answer = library.interface(Some(name), version, flags).err();
            // §5.5.6 names both and prescribes neither.
            assert!(matches!(answer, Some(Rv::ArgumentsBad | Rv::FunctionFailed)), "{answer:?}");
        }
    }

    #[test]
    fn a_null_place_for_the_list_is_refused() {
        let library = asleep();
        assert_eq!(raw!(library.c(), C_GetFunctionList(null_mut())), Rv::ArgumentsBad);
    }
}

mod initialising {
    use super::*;

    unsafe extern "C" fn create(mutex: *mut *mut c_void) -> CK_RV {
        // SAFETY: the module gives a place for one pointer.
        unsafe { *mutex = Box::into_raw(Box::new(0u8)).cast() };
        CKR_OK
    }

    unsafe extern "C" fn destroy(mutex: *mut c_void) -> CK_RV {
        // SAFETY: made by `create`.
        drop(unsafe { Box::from_raw(mutex.cast::<u8>()) });
        CKR_OK
    }

    unsafe extern "C" fn lock(_: *mut c_void) -> CK_RV {
        CKR_OK
    }

    fn all_callbacks() -> CK_C_INITIALIZE_ARGS {
        CK_C_INITIALIZE_ARGS {
            CreateMutex: Some(create),
            DestroyMutex: Some(destroy),
            LockMutex: Some(lock),
            UnlockMutex: Some(lock),
            ..Default::default()
        }
    }

    #[test]
    fn null_is_enough() {
        let library = asleep();
        assert_eq!(library.initialize_raw(None), Ok(()));
        assert!(library.info().is_ok());
    }

    #[test]
    fn every_sound_choice_of_locking_is_accepted() {
        let threads = CKF_LIBRARY_CANT_CREATE_OS_THREADS;
        for flags in [0, CKF_OS_LOCKING_OK, threads, CKF_OS_LOCKING_OK | threads] {
            for args in [CK_C_INITIALIZE_ARGS::default(), all_callbacks()] {
                let library = asleep();
                assert_eq!(
                    library.initialize_with(CK_C_INITIALIZE_ARGS { flags, ..args }),
                    Ok(()),
                    "{args:?}"
                );
            }
        }
    }

    #[test]
    fn some_callbacks_without_the_others_are_refused() {
        let library = asleep();
        let all = all_callbacks();
        for some in [
            CK_C_INITIALIZE_ARGS { CreateMutex: None, ..all },
            CK_C_INITIALIZE_ARGS { DestroyMutex: None, ..all },
            CK_C_INITIALIZE_ARGS { LockMutex: None, ..all },
            CK_C_INITIALIZE_ARGS { UnlockMutex: None, ..all },
        ] {
            let flags = CKF_OS_LOCKING_OK;
            assert_eq!(
                library.initialize_with(CK_C_INITIALIZE_ARGS { flags, ..some }),
                Err(Rv::ArgumentsBad)
            );
        }
        assert_eq!(library.initialize(), Ok(()), "and the refusal left nothing behind");
    }

    #[test]
    fn twice_is_once_too_often() {
        let library = Library::fresh();
        assert_eq!(library.initialize(), Err(Rv::CryptokiAlreadyInitialized));
        assert!(library.info().is_ok());
    }

    #[test]
    fn of_many_threads_exactly_one_initialises() {
        let library = asleep();
        let together = Barrier::new(8);
        let answers: Vec<_> = std::thread::scope(|scope| {
            let start = || {
                together.wait();
                library.initialize()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        let late = answers.iter().filter(|answer| **answer == Err(Rv::CryptokiAlreadyInitialized));
        assert_eq!(late.count(), 7, "{answers:?}");
    }

    #[test]
    fn a_string_where_reserved_is_may_say_what_it_likes() {
        if !is_ours() {
            return;
        }
        let home = Home::new().with("no_such_setting=1");
        let library = Library::asleep(&home);
        let answer = library.initialize();
        assert!(matches!(answer, Ok(()) | Err(Rv::ArgumentsBad)), "{answer:?}");
    }

    #[test]
    fn finalising_twice_is_refused_and_harmless() {
        let library = Library::fresh();
        assert_eq!(library.finalize(), Ok(()));
        assert_eq!(library.finalize(), Err(Rv::CryptokiNotInitialized));
        assert_eq!(library.initialize(), Ok(()));
    }

    #[test]
    fn finalising_with_an_argument_is_refused() {
        let library = Library::fresh();
        let mut something = 0u8;
        assert_eq!(raw!(library.c(), C_Finalize((&raw mut something).cast())), Rv::ArgumentsBad);
        assert!(library.info().is_ok());
    }

    #[test]
    fn before_it_and_after_finalising_every_function_says_so() {
        let library = asleep();
        let quiet = |when: &str| {
            let mut answers = [every::general(library.c()), every::of_session(library.c(), 1)].concat();
            if let Some(c) = library.c_3_2() {
                answers.extend(every::of_session_3(c, 1));
            }
            assert_eq!(every::others(answers, Rv::CryptokiNotInitialized), [], "{when}");
        };
        quiet("before C_Initialize");
        library.initialize().expect("C_Initialize");
        library.finalize().expect("C_Finalize");
        quiet("after C_Finalize");
    }

    #[test]
    fn finalising_closes_sessions_and_logs_out() {
        let scene = Scene::new();
        let old = scene.session();
        scene.library.restart();
        assert_eq!(old.state(), Err(Rv::SessionHandleInvalid));
        assert_eq!(scene.open().state(), Ok(CKS_RW_PUBLIC_SESSION));
    }
}

mod bad_arguments {
    use super::*;

    /// These "simply return CKR_FUNCTION_NOT_PARALLEL" (§5.20) and need not look at the session.
    const PARALLEL: [&str; 2] = ["C_GetFunctionStatus", "C_CancelFunction"];

    #[test]
    fn a_wrong_session_is_named_before_any_other_argument_is_read() {
        let library = Library::fresh();
        for handle in [CK_INVALID_HANDLE, NOTHING, CK_ULONG::MAX] {
            let mut answers = every::of_session(library.c(), handle);
            answers.retain(|(name, _)| !PARALLEL.contains(name));
            assert_eq!(every::others(answers, Rv::SessionHandleInvalid), [], "{handle:#x}");
            if let Some(c) = library.c_3_2() {
                let answers = every::of_session_3(c, handle);
                assert_eq!(every::others(answers, Rv::SessionHandleInvalid), [], "{handle:#x}");
            }
        }
    }

    #[test]
    fn the_relics_of_parallel_work_say_that_there_is_none() {
        let scene = Scene::closed();
        let (c, session) = (scene.library.c(), scene.open().handle);
        assert_eq!(raw!(c, C_GetFunctionStatus(session)), Rv::FunctionNotParallel);
        assert_eq!(raw!(c, C_CancelFunction(session)), Rv::FunctionNotParallel);
    }

    #[test]
    fn a_closed_session_is_no_session() {
        let scene = Scene::new();
        let session = scene.open();
        session.close().expect("C_CloseSession");
        assert_eq!(session.close(), Err(Rv::SessionHandleInvalid));
        assert_eq!(session.random(1), Err(Rv::SessionHandleInvalid));
    }

    #[test]
    fn a_slot_that_is_not_there_is_invalid() {
        let library = Library::fresh();
        for slot in [NOTHING, CK_ULONG::MAX] {
            assert_eq!(library.slot_info(slot).err(), Some(Rv::SlotIdInvalid));
            assert_eq!(library.token_info(slot).err(), Some(Rv::SlotIdInvalid));
            assert_eq!(library.mechanisms(slot).err(), Some(Rv::SlotIdInvalid));
            assert_eq!(library.mechanism_info(slot, CKM_SHA256).err(), Some(Rv::SlotIdInvalid));
            assert_eq!(library.open(slot, true).err().map(|rv| rv.name()), Some("CKR_SLOT_ID_INVALID"));
            assert_eq!(library.init_token(slot, "12345678", "x"), Err(Rv::SlotIdInvalid));
            assert_eq!(library.close_all(slot), Err(Rv::SlotIdInvalid));
        }
    }

    #[test]
    fn null_where_an_answer_goes_is_refused() {
        let scene = Scene::new();
        let (c, slot, h) = (scene.library.c(), scene.slot, scene.session().handle);
        let key = scene.aes(&[1; 16]);
        let answers = [
            raw!(c, C_GetInfo(null_mut())),
            raw!(c, C_GetSlotList(CK_FALSE, null_mut(), null_mut())),
            raw!(c, C_GetSlotInfo(slot, null_mut())),
            raw!(c, C_GetTokenInfo(slot, null_mut())),
            raw!(c, C_GetMechanismList(slot, null_mut(), null_mut())),
            raw!(c, C_GetMechanismInfo(slot, CKM_SHA256, null_mut())),
            raw!(c, C_OpenSession(slot, CKF_SERIAL_SESSION, null_mut(), None, null_mut())),
            raw!(c, C_GetSessionInfo(h, null_mut())),
            raw!(c, C_CreateObject(h, null_mut(), 3, null_mut())),
            raw!(c, C_CreateObject(h, null_mut(), 0, null_mut())),
            raw!(c, C_GetObjectSize(h, key, null_mut())),
            raw!(c, C_GetAttributeValue(h, key, null_mut(), 3)),
            raw!(c, C_SetAttributeValue(h, key, null_mut(), 3)),
            raw!(c, C_FindObjectsInit(h, null_mut(), 3)),
            raw!(c, C_GenerateKey(h, null_mut(), null_mut(), 0, null_mut())),
            raw!(c, C_WrapKey(h, null_mut(), key, key, null_mut(), null_mut())),
            raw!(c, C_DeriveKey(h, null_mut(), key, null_mut(), 0, null_mut())),
            raw!(c, C_GenerateRandom(h, null_mut(), 8)),
            raw!(c, C_SeedRandom(h, null_mut(), 8)),
        ];
        assert_eq!(answers, [Rv::ArgumentsBad; 19]);
    }

    #[test]
    fn null_data_of_some_length_is_refused_and_of_no_length_is_empty() {
        let scene = Scene::new();
        let (session, c) = (scene.session(), scene.library.c());
        let (mut out, mut length) = ([0; 64], 64);
        session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
        let answer = raw!(c, C_Digest(session.handle, null_mut(), 8, out.as_mut_ptr(), &mut length));
        assert_eq!(answer, Rv::ArgumentsBad);
        let empty = session.digest(CKM_SHA256, b"");
        let again = match empty {
            Err(Rv::OperationActive) => session.single(Kind::Digest, b"", Some(32)).bytes(),
            other => other,
        };
        let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(again, Ok(tests::keys::hex(known)));
        session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
        length = 64;
        let answer = raw!(c, C_Digest(session.handle, null_mut(), 0, out.as_mut_ptr(), &mut length));
        assert_eq!((answer, &out[..32]), (Rv::Ok, &tests::keys::hex(known)[..]));
    }

    #[test]
    fn lengths_that_no_memory_holds_are_refused_without_following_them() {
        let scene = Scene::new();
        let (c, h) = (scene.library.c(), scene.session().handle);
        let mut byte = [0u8; 64];
        let p = byte.as_mut_ptr();
        let mut handle = 0;
        let mut attribute = CK_ATTRIBUTE { type_: CKA_LABEL, pValue: p.cast(), ulValueLen: HUGE };
        let mut mechanism =
            CK_MECHANISM { mechanism: CKM_AES_CBC, pParameter: p.cast(), ulParameterLen: HUGE };
        let key = scene.aes(&[1; 16]);
        for (what, rv) in [
            ("data", {
                scene.session().begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
                raw!(c, C_DigestUpdate(h, p, HUGE))
            }),
            ("template count", raw!(c, C_CreateObject(h, &mut attribute, HUGE, &mut handle))),
            ("attribute", raw!(c, C_CreateObject(h, &mut attribute, 1, &mut handle))),
            ("parameter", raw!(c, C_EncryptInit(h, &mut mechanism, key))),
            ("seed", raw!(c, C_SeedRandom(h, p, HUGE))),
            ("random", raw!(c, C_GenerateRandom(h, p, HUGE))),
            ("PIN", raw!(c, C_SetPIN(h, p, HUGE, p, HUGE))),
        ] {
            let sound = [
                Rv::ArgumentsBad,
                Rv::AttributeValueInvalid,
                Rv::MechanismParamInvalid,
                Rv::PinLenRange,
                Rv::PinIncorrect,
                Rv::DataLenRange,
            ];
            assert!(sound.contains(&rv), "{what}: {rv:?}");
        }
    }

    #[test]
    fn a_session_must_be_serial() {
        let scene = Scene::closed();
        let mut handle = 0;
        let answer =
            raw!(scene.library.c(), C_OpenSession(scene.slot, CKF_RW_SESSION, null_mut(), None, &mut handle));
        assert_eq!(answer, Rv::SessionParallelNotSupported);
    }

    #[test]
    fn a_user_type_that_the_standard_does_not_know_is_invalid() {
        let scene = Scene::closed();
        assert_eq!(scene.open().login(7, USER_PIN), Err(Rv::UserTypeInvalid));
    }

    #[test]
    fn handles_of_nothing_are_refused_by_their_kind() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        let empty = template![];
        assert_eq!(session.destroy(NOTHING), Err(Rv::ObjectHandleInvalid));
        assert_eq!(session.size(NOTHING), Err(Rv::ObjectHandleInvalid));
        assert_eq!(session.get(NOTHING, CKA_CLASS), Err(Rv::ObjectHandleInvalid));
        assert_eq!(session.set(NOTHING, &template![CKA_LABEL => "x"]), Err(Rv::ObjectHandleInvalid));
        assert_eq!(session.copy(NOTHING, &empty), Err(Rv::ObjectHandleInvalid));
        for (kind, mechanism) in [
            (Kind::Encrypt, CKM_AES_ECB),
            (Kind::Decrypt, CKM_AES_ECB),
            (Kind::Sign, CKM_SHA256_HMAC),
            (Kind::Verify, CKM_SHA256_HMAC),
        ] {
            assert_eq!(session.begin(kind, mechanism, NOTHING), Err(Rv::KeyHandleInvalid), "{kind:?}");
        }
        let wrapping = session.wrap(CKM_AES_ECB, NOTHING, key);
        assert_eq!(wrapping, Err(Rv::WrappingKeyHandleInvalid));
        assert_eq!(session.wrap(CKM_AES_ECB, key, NOTHING), Err(Rv::KeyHandleInvalid));
        let unwrapping = session.unwrap(CKM_AES_ECB, NOTHING, &[0; 24], &secret(CKK_AES, &[]));
        assert_eq!(unwrapping, Err(Rv::UnwrappingKeyHandleInvalid));
        let ecdh = Mechanism::ecdh(CKD_NULL, b"", &tests::keys::hex(tests::keys::EC_Q));
        assert_eq!(session.derive(ecdh, NOTHING, &empty), Err(Rv::KeyHandleInvalid));
    }

    #[test]
    fn an_unknown_mechanism_is_invalid_everywhere() {
        let scene = Scene::new();
        let session = scene.session();
        let (key, unknown) = (scene.aes(&[1; 16]), CKM_VENDOR_DEFINED | 0x1234);
        for kind in [Kind::Encrypt, Kind::Decrypt, Kind::Digest, Kind::Sign, Kind::Verify] {
            assert_eq!(session.begin(kind, unknown, key), Err(Rv::MechanismInvalid), "{kind:?}");
        }
        assert_eq!(session.generate(unknown, &template![]), Err(Rv::MechanismInvalid));
        assert_eq!(session.generate_pair(unknown, &template![], &template![]), Err(Rv::MechanismInvalid));
        assert_eq!(session.wrap(unknown, key, key), Err(Rv::MechanismInvalid));
        assert_eq!(session.derive(unknown, key, &template![]), Err(Rv::MechanismInvalid));
        assert_eq!(
            scene.library.mechanism_info(scene.slot, unknown).map(|i| i.flags),
            Err(Rv::MechanismInvalid)
        );
    }
}

mod overlapping_buffers {
    use super::*;

    const KEY: [u8; 16] = [7; 16];
    const LENGTHS: [usize; 3] = [16, 4096, 100_000];

    /// Encrypts `len` bytes that start at `from` into the place that starts at `to` of one buffer.
    fn encrypted(
        scene: &Scene,
        mechanism: Mechanism,
        len: usize,
        from: usize,
        to: usize,
        parts: bool,
    ) -> Vec<u8> {
        let session = scene.open();
        let c = scene.library.c();
        let key = session.create(&secret(CKK_AES, &KEY)).expect("C_CreateObject");
        let mut buffer = vec![0; 2 * len + 64];
        for (index, byte) in buffer[from..from + len].iter_mut().enumerate() {
            *byte = index as u8;
        }
        session.begin(Kind::Encrypt, mechanism, key).expect("C_EncryptInit");
        let start = buffer.as_mut_ptr();
        let mut length = len as CK_ULONG;
        let (source, target) = (start.wrapping_add(from), start.wrapping_add(to));
        let answer = match parts {
            false => raw!(c, C_Encrypt(session.handle, source, len as CK_ULONG, target, &mut length)),
            true => raw!(c, C_EncryptUpdate(session.handle, source, len as CK_ULONG, target, &mut length)),
        };
        assert_eq!((answer, length as usize), (Rv::Ok, len));
        assert!(buffer[to + len..].iter().all(|byte| *byte == 0) || from > to, "more was written than told");
        session.close().expect("C_CloseSession");
        buffer[to..to + len].to_vec()
    }

    #[test]
    fn the_answer_may_be_written_over_the_question() {
        let scene = Scene::new();
        for mechanism in [
            Mechanism::from(CKM_AES_ECB),
            Mechanism::bytes(CKM_AES_CBC, &[9; 16]),
            Mechanism::bytes(CKM_AES_OFB, &[9; 16]),
            Mechanism::ctr(128, [3; 16]),
            Mechanism::ctr(20, [0xff; 16]),
        ] {
            for (len, parts) in LENGTHS.into_iter().flat_map(|len| [(len, false), (len, true)]) {
                let expected = encrypted(&scene, mechanism.clone(), len, 0, 0, parts);
                assert_ne!(expected[..4], [0, 1, 2, 3]);
                assert!(expected == encrypted(&scene, mechanism.clone(), len, 0, 0, !parts));
                // What is apart goes straight from one place to the other.
                let apart = [(0, len), (len, 0), (0, len + 64)];
                for (from, to) in
                    [(0, 1), (1, 0), (0, 16), (16, 0), (0, 64), (64, 0)].into_iter().chain(apart)
                {
                    let answer = encrypted(&scene, mechanism.clone(), len, from, to, parts);
                    assert!(answer == expected, "{mechanism:?} {len} from {from} to {to}, parts: {parts}");
                }
            }
        }
    }
}
