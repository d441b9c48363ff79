//! The trace: each refusal of the C border is a line with its reason, and nothing else is; never a PIN or a key.

use tests::{Home, Kind, Library, Rv, SO_PIN, Scene, USER_PIN, ids::*, keys, raw, template};

/// A scene that writes down what it refuses, and where.
fn traced() -> (Scene, std::path::PathBuf) {
    let home = Home::new();
    let path = home.path().with_file_name("trace");
    (Scene::on(&home.with(&format!("trace={}", path.display()))), path)
}

/// The refusals so far: function, code and reason.
fn told(path: &std::path::Path) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = |line: &str| {
        let json: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        assert_eq!(json["process"], std::process::id());
        let field = |name: &str| json[name].as_str().map(str::to_owned);
        Some((field("function")?, field("rv")?, field("why")?))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn a_refusal_is_a_line_with_its_reason_and_what_went_well_is_none() {
    let (scene, path) = traced();
    let session = scene.session();
    let key = scene.object(&keys::secret(CKK_AES, &[1; 16]).with(CKA_SIGN, false));
    assert_eq!(told(&path), vec![], "so far all went well");
    assert_eq!(session.begin(Kind::Sign, CKM_AES_CMAC, key), Err(Rv::KeyFunctionNotPermitted));
    assert_eq!(session.create(&template![CKA_CLASS => CKO_SECRET_KEY]), Err(Rv::TemplateIncomplete));
    assert_eq!(scene.library.session(4711).info().err(), Some(Rv::SessionHandleInvalid));
    let refusals = told(&path);
    let wanted = [
        ("C_SignInit", "CKR_KEY_FUNCTION_NOT_PERMITTED", "CKA_SIGN of"),
        ("C_CreateObject", "CKR_TEMPLATE_INCOMPLETE", "CKA_KEY_TYPE"),
        ("C_GetSessionInfo", "CKR_SESSION_HANDLE_INVALID", "0x1267"),
    ];
    assert_eq!(refusals.len(), wanted.len(), "{refusals:?}");
    for ((function, code, why), wanted) in refusals.iter().zip(wanted) {
        assert_eq!((function.as_str(), code.as_str()), (wanted.0, wanted.1));
        assert!(why.contains(wanted.2), "{why}");
    }
}

#[test]
fn beginning_and_end_of_the_module_are_told_too() {
    let home = Home::new();
    let (path, file) = (home.path().with_file_name("trace"), home.path().with_file_name("file"));
    std::fs::write(&file, "no directory").expect("a file");
    let library = Library::asleep(&home.with(&format!("trace={} dir={}", path.display(), file.display())));
    assert_eq!(library.initialize(), Err(Rv::DeviceError));
    let (function, code, why) = told(&path).remove(0);
    assert_eq!((function.as_str(), code.as_str()), ("C_Initialize", "CKR_DEVICE_ERROR"));
    assert!(why.contains("file"), "{why}");
    let (scene, path) = traced();
    let mut reserved = 1;
    assert_eq!(raw!(scene.library.c(), C_Finalize((&raw mut reserved).cast())), Rv::ArgumentsBad);
    assert_eq!(told(&path)[0].0, "C_Finalize");
}

#[test]
fn no_pin_and_no_key_is_in_it() {
    let (scene, path) = traced();
    let session = scene.session();
    session.logout().expect("C_Logout");
    assert_eq!(session.login(CKU_USER, "wrong pin"), Err(Rv::PinIncorrect));
    assert_eq!(session.set_pin("old wrong", "brand new"), Err(Rv::PinIncorrect));
    session.login(CKU_USER, USER_PIN).expect("C_Login");
    let odd = keys::secret(CKK_AES, b"a key of 17 byte.").with(CKA_LABEL, "odd");
    assert_eq!(session.create(&odd), Err(Rv::AttributeValueInvalid));
    let text = std::fs::read_to_string(&path).expect("the trace");
    assert_eq!(told(&path).len(), 3);
    for secret in ["wrong pin", "old wrong", "brand new", SO_PIN, USER_PIN, "a key of 17 byte."] {
        assert!(!text.contains(secret), "{secret:?} is in the trace");
    }
}

#[test]
fn a_key_that_the_wrap_template_does_not_match_stays_and_is_told_by_its_handle() {
    let (scene, path) = traced();
    let session = scene.session();
    let only = template![CKA_KEY_TYPE => CKK_AES, CKA_LABEL => "may go"];
    let with = scene.object(&keys::secret(CKK_AES, &[1; 16]).with(CKA_WRAP_TEMPLATE, only));
    let aes = |label: &str| scene.object(&keys::secret(CKK_AES, &[2; 16]).with(CKA_LABEL, label));
    let (goes, stays, secret) = (aes("may go"), aes("stays"), scene.secret(&[2; 16]));
    session.wrap(CKM_AES_KEY_WRAP, with, goes).expect("it matches");
    // §5.18.3: a mismatch is CKR_KEY_HANDLE_INVALID.
    for key in [stays, secret] {
        assert_eq!(session.wrap(CKM_AES_KEY_WRAP, with, key), Err(Rv::KeyHandleInvalid));
        let mut given = tests::Gcm::given(&[0; 12]);
        assert_eq!(session.wrap_authenticated(&mut given, with, key, b"", Some(64)).rv, Rv::KeyHandleInvalid);
    }
    for (_, code, why) in told(&path) {
        assert_eq!(code, "CKR_KEY_HANDLE_INVALID");
        assert!(why.contains("CKA_WRAP_TEMPLATE") && why.contains("§5.18.3"), "{why}");
    }
}
