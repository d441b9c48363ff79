//! Seen in runs of real programs, by their numbers; what is not here is in the table of `main.rs`.

use std::thread;

use tests::{Kind, Mechanism, Rv, SO_PIN, Scene, USER_PIN, ids::*, keys, template};

#[test]
fn trap_5_no_symbol_of_another_library_is_given_away() {
    let scene = Scene::closed();
    let strangers = [
        "sqlite3_open",
        "sqlite3_prepare_v2",
        "EVP_DigestSign",
        "ECDSA_sign",
        "AES_encrypt",
        "RSA_new",
        "rust_eh_personality",
    ];
    for name in strangers {
        // A symbol of the test program itself would be found too, so that only our own file is asked.
        let file = std::fs::read(tests::module_path()).expect("the module");
        assert!(!exported(&file, name), "{name}");
    }
    assert!(scene.library.exports("C_GetFunctionList"));
}

/// Whether the file's table of dynamic symbols has the name.
fn exported(file: &[u8], name: &str) -> bool {
    let number = |at: usize, len: usize| {
        file[at..at + len].iter().rev().fold(0usize, |n, byte| n << 8 | usize::from(*byte))
    };
    assert_eq!(&file[..5], b"\x7fELF\x02", "an ELF file of 64 bits");
    let (sections, size, count) = (number(40, 8), number(58, 2), number(60, 2));
    let section = |at: usize| sections + at * size;
    let symbols = (0..count).map(section).find(|at| number(at + 4, 4) == 11).expect("SHT_DYNSYM");
    let names = number(section(number(symbols + 40, 4)) + 24, 8);
    let (begin, len) = (number(symbols + 24, 8), number(symbols + 32, 8));
    (begin..begin + len).step_by(24).any(|at| {
        let defined = number(at + 6, 2) != 0;
        let text = &file[names + number(at, 4)..];
        defined && text.starts_with(name.as_bytes()) && text.get(name.len()) == Some(&0)
    })
}

#[test]
fn trap_7_the_codes_that_tools_read() {
    let scene = Scene::new();
    let session = scene.session();
    assert_eq!(session.login(CKU_USER, USER_PIN), Err(Rv::UserAlreadyLoggedIn));
    assert_eq!(scene.library.init_token(scene.slot, SO_PIN, "again"), Err(Rv::SessionExists));
    let private = keys::secret(CKK_AES, &[1; 16]).with(CKA_TOKEN, true);
    assert_eq!(scene.open_read_only().create(&private), Err(Rv::SessionReadOnly));
    let (public, _) = scene.ec();
    assert_eq!(session.verify(CKM_ECDSA, public, &[1; 32], &[1; 64]), Err(Rv::SignatureInvalid));
    session.begin(Kind::Verify, CKM_ECDSA_SHA256, public).expect("C_VerifyInit");
    assert_eq!(session.update(Kind::Verify, b"data", None).rv, Rv::Ok);
    assert_eq!(session.verify_finish(&[1; 64]), Err(Rv::SignatureInvalid));
    session.logout().expect("C_Logout");
    assert_eq!(session.create(&private), Err(Rv::UserNotLoggedIn));
    assert_eq!(session.login(CKU_USER, "000000"), Err(Rv::PinIncorrect));
    scene.library.close_all(scene.slot).expect("C_CloseAllSessions");
    assert_eq!(scene.library.init_token(scene.slot, "00000000", "again"), Err(Rv::PinIncorrect));
}

#[test]
fn trap_9_keytool_stores_a_key_by_a_copy_and_nss_copies_without_a_template() {
    let scene = Scene::new();
    let session = scene.session();
    let key = scene.object(&keys::ec_private().with(CKA_EXTRACTABLE, false).with(CKA_SENSITIVE, true));
    let stored = session.copy(key, &template![CKA_TOKEN => true, CKA_ID => b"alias"]).expect("C_CopyObject");
    assert_eq!(
        (session.flag(stored, CKA_SENSITIVE), session.flag(stored, CKA_EXTRACTABLE)),
        (Ok(true), Ok(false))
    );
    session.set(stored, &template![CKA_ID => b"other"]).expect("C_SetAttributeValue");
    session.sign(CKM_ECDSA, stored, &[1; 32]).expect("C_Sign");
    let mut copy = CK_INVALID_HANDLE;
    let rv =
        tests::raw!(scene.library.c(), C_CopyObject(session.handle, key, std::ptr::null_mut(), 0, &mut copy));
    assert_eq!(rv, Rv::Ok);
    session.sign(CKM_ECDSA, copy, &[1; 32]).expect("C_Sign with the copy");
}

#[test]
fn trap_10_a_length_is_accepted_where_it_fits_and_missed_nowhere() {
    let scene = Scene::new();
    let session = scene.session();
    let (with, key) = (scene.aes(&[1; 16]), scene.aes(&[2; 32]));
    let wrapped = session.wrap(CKM_AES_KEY_WRAP, with, key).expect("C_WrapKey");
    let aes = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => false];
    session
        .unwrap(CKM_AES_KEY_WRAP, with, &wrapped, &aes.clone().with(CKA_VALUE_LEN, 32 as CK_ULONG))
        .expect("it fits");
    let refused = session.unwrap(CKM_AES_KEY_WRAP, with, &wrapped, &aes.with(CKA_VALUE_LEN, 17 as CK_ULONG));
    assert_eq!(refused, Err(Rv::AttributeValueInvalid), "no AES key is so long");
    let des = template![CKA_TOKEN => false, CKA_VALUE_LEN => 24 as CK_ULONG];
    session.generate(CKM_DES3_KEY_GEN, &des).expect("a DES3 key has 24 bytes");
    let (_, private) = scene.ec();
    let secret =
        template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_TOKEN => false];
    let ecdh = || Mechanism::ecdh(CKD_NULL, b"", &keys::hex(keys::EC_Q));
    for (template, len) in [(secret.clone(), 32), (secret.with(CKA_VALUE_LEN, 16 as CK_ULONG), 16)] {
        let key = session.derive(ecdh(), private, &template).expect("C_DeriveKey");
        assert_eq!(session.number(key, CKA_VALUE_LEN), Ok(len));
    }
}

#[test]
fn trap_12_nss_brings_a_private_key_by_unwrapping_it() {
    let scene = Scene::new();
    let session = scene.session();
    let key = scene.object(&keys::ec_private().with(CKA_EXTRACTABLE, true));
    let des =
        scene.object(&keys::secret(CKK_DES3, &keys::hex("0123456789abcdef23456789abcdef01456789abcdef0123")));
    for (mechanism, with) in [
        (Mechanism::bytes(CKM_AES_CBC_PAD, &[9; 16]), scene.aes(&[1; 32])),
        (Mechanism::bytes(CKM_DES3_CBC_PAD, &[9; 8]), des),
    ] {
        let wrapped = session.wrap(mechanism.clone(), with, key).expect("C_WrapKey");
        let wanted = template![
            CKA_CLASS => CKO_PRIVATE_KEY,
            CKA_KEY_TYPE => CKK_EC,
            CKA_TOKEN => true,
            CKA_PRIVATE => true,
            CKA_SENSITIVE => true,
            CKA_ID => b"imported",
            CKA_SIGN => true,
        ];
        let brought = session.unwrap(mechanism, with, &wrapped, &wanted).expect("C_UnwrapKey");
        let signature = session.sign(CKM_ECDSA, brought, &[1; 32]).expect("C_Sign");
        assert_eq!(session.verify(CKM_ECDSA, scene.ec().0, &[1; 32], &signature), Ok(()));
    }
}

#[test]
fn trap_13_certificates_may_repeat_an_id() {
    let scene = Scene::new();
    for _ in 0..2 {
        scene.object(&keys::certificate().with(CKA_ID, b"same"));
    }
    assert_eq!(scene.session().find(&template![CKA_ID => b"same"]).map(|found| found.len()), Ok(2));
}

#[test]
fn trap_14_a_fresh_token_lists_nothing() {
    let scene = Scene::new();
    assert_eq!(scene.session().find(&template![]), Ok(vec![]), "a search for everything");
    for class in [CKO_DATA, CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY] {
        assert_eq!(scene.session().find(&template![CKA_CLASS => class]), Ok(vec![]));
    }
}

#[test]
fn trap_15_signatures_may_be_shorter_and_keys_of_any_length() {
    let scene = Scene::new();
    let session = scene.session();
    let (public, private) = scene.ec();
    // r‖s with s of 31 bytes: the JDK drops the leading zero of both halves.
    let short = (0..5000).find_map(|_| {
        let signature = session.sign(CKM_ECDSA, private, &[7; 32]).expect("C_Sign");
        let (r, s) = signature.split_at(32);
        (r[0] == 0 || s[0] == 0).then(|| (r.to_vec(), s.to_vec()))
    });
    let (r, s) = short.expect("one in 128 begins with a zero");
    let width = if r[0] == 0 && s[0] == 0 { 31 } else { 32 };
    let trimmed = [&r[32 - width..], &s[32 - width..]].concat();
    assert_eq!(session.verify(CKM_ECDSA, public, &[7; 32], &trimmed), Ok(()));
    for len in [1, 5, 64, 200] {
        let key = scene.secret(&vec![1; len]);
        let mac = session.sign(CKM_SHA256_HMAC, key, b"data").expect("C_Sign");
        assert_eq!(session.verify(CKM_SHA256_HMAC, key, b"data", &mac), Ok(()));
    }
    // RFC 5649, §6: the second example.
    let with = scene.aes(&keys::hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"));
    let seven = scene.secret(&keys::hex("466f7250617369"));
    let wrapped = session.wrap(CKM_AES_KEY_WRAP_KWP, with, seven).expect("C_WrapKey");
    assert_eq!(wrapped, keys::hex("afbeb0f07dfbf5419200f2ccb50bb24f"));
    let three =
        template![CKA_MODULUS_BITS => 1024 as CK_ULONG, CKA_PUBLIC_EXPONENT => b"\x03", CKA_TOKEN => false];
    session
        .generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &three, &template![CKA_TOKEN => false])
        .expect("exponent 3");
    let (public, private) = scene.rsa();
    let oaep = || Mechanism::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
    let sealed = session.encrypt(oaep(), public, b"secret").expect("OAEP with SHA-256");
    assert_eq!(session.decrypt(oaep(), private, &sealed), Ok(b"secret".to_vec()));
}

/// CK_GCM_PARAMS of version 2.30, which has no ulIvBits.
#[repr(C)]
#[derive(Clone, Copy)]
struct OldGcm {
    iv: CK_BYTE_PTR,
    iv_len: CK_ULONG,
    aad: CK_BYTE_PTR,
    aad_len: CK_ULONG,
    tag_bits: CK_ULONG,
}

#[test]
fn trap_16_gcm_parameters_come_in_two_layouts() {
    let scene = Scene::new();
    let key = scene.aes(&[1; 16]);
    let new = scene.session().encrypt(Mechanism::gcm(&[3; 12], b"", 128), key, b"data");
    let mut iv = [3u8; 12];
    let (none, tag_bits) = (std::ptr::null_mut(), 128);
    let mut old = OldGcm { iv: iv.as_mut_ptr(), iv_len: 12, aad: none, aad_len: 0, tag_bits };
    let old = scene.session().encrypt(Mechanism::of(CKM_AES_GCM, &mut old), key, b"data");
    assert!(new.is_ok());
    assert_eq!(old, new);
}

#[test]
fn trap_18_loads_that_were_seen() {
    let scene = Scene::new();
    let session = scene.session();
    for n in 0..2000u32 {
        let object = scene.object(&template![CKA_CLASS => CKO_DATA, CKA_VALUE => &n.to_be_bytes()]);
        session.destroy(object).expect("C_DestroyObject");
    }
    for n in 0..300u32 {
        scene.object(&template![CKA_CLASS => CKO_DATA, CKA_LABEL => "many", CKA_VALUE => &n.to_be_bytes()]);
    }
    assert_eq!(session.find(&template![CKA_LABEL => "many"]).map(|found| found.len()), Ok(300));
    let (public, private) = scene.ec();
    thread::scope(|scope| {
        for n in 0..16 {
            let scene = &scene;
            scope.spawn(move || {
                let session = scene.open();
                for _ in 0..20 {
                    let signature = session.sign(CKM_ECDSA, private, &[n; 32]).expect("C_Sign");
                    assert_eq!(session.verify(CKM_ECDSA, public, &[n; 32], &signature), Ok(()));
                }
                session.close().expect("C_CloseSession");
            });
        }
    });
}
