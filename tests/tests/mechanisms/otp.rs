//! HOTP through the C border: a structure with pointers comes back, and the token's counter never stands still.

use std::ptr::null_mut;

use tests::{Mechanism, Rv, Scene, Session, Template, USER_PIN, ids::*, raw, template};

/// RFC 4226, appendix D.
const SECRET: &[u8; 20] = b"12345678901234567890";
const PASSWORDS: [&str; 10] =
    ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];

fn hotp(more: &Template) -> Template {
    let base = template![CKA_CLASS => CKO_OTP_KEY, CKA_KEY_TYPE => CKK_HOTP, CKA_VALUE => SECRET, CKA_TOKEN => false];
    base.and(more)
}

/// What came back in a CK_OTP_SIGNATURE_INFO: type and value of each parameter.
type Items = Vec<(CK_ULONG, Vec<u8>)>;

/// C_Sign into a buffer of its own length, whose pointers must all point into it.
#[allow(clippy::disallowed_methods, reason = "what the pointers point to is what is tested")]
fn finished(session: &Session) -> Result<Items, Rv> {
    let (c, h, mut len) = (session.c(), session.handle, 0);
    match raw!(c, C_Sign(h, null_mut(), 0, null_mut(), &mut len)) {
        Rv::Ok => {}
        rv => return Err(rv),
    }
    let mut buffer = vec![0_u64; (len as usize).div_ceil(8)];
    assert_eq!(raw!(c, C_Sign(h, null_mut(), 0, buffer.as_mut_ptr().cast(), &mut len)), Rv::Ok);
    let inside = buffer.as_ptr().addr()..buffer.as_ptr().addr() + len as usize;
    // SAFETY: the module answered OK: the buffer, aligned as the structure is, begins with it.
    let info = unsafe { &*buffer.as_ptr().cast::<CK_OTP_SIGNATURE_INFO>() };
    assert!(inside.contains(&info.pParams.addr()));
    // SAFETY: as many parameters as the structure says, within the buffer.
    let params = unsafe { std::slice::from_raw_parts(info.pParams, info.ulCount as usize) };
    let value = |param: &CK_OTP_PARAM| {
        let (start, len) = (param.pValue.addr(), param.ulValueLen as usize);
        assert!(inside.contains(&start) && start + len <= inside.end);
        // SAFETY: just checked to lie in the buffer.
        unsafe { std::slice::from_raw_parts(param.pValue.cast::<u8>(), len) }.to_vec()
    };
    Ok(params.iter().map(|param| (param.type_, value(param))).collect())
}

/// Calls with a CK_OTP_PARAMS of these items.
fn asked<T>(items: &[(CK_ULONG, Vec<u8>)], call: impl FnOnce(Mechanism) -> T) -> T {
    let param = |(kind, value): &(CK_ULONG, Vec<u8>)| CK_OTP_PARAM {
        type_: *kind,
        pValue: value.as_ptr().cast_mut().cast(),
        ulValueLen: value.len() as CK_ULONG,
    };
    let mut list: Vec<_> = items.iter().map(param).collect();
    let mut params = CK_OTP_PARAMS { pParams: list.as_mut_ptr(), ulCount: list.len() as CK_ULONG };
    call(Mechanism::of(CKM_HOTP, &mut params))
}

fn begin(session: &Session, key: CK_OBJECT_HANDLE, items: &[(CK_ULONG, Vec<u8>)]) -> Result<(), Rv> {
    asked(items, |mechanism| session.begin(tests::Kind::Sign, mechanism, key))
}

/// A password by the token's own counter.
fn next(session: &Session, key: CK_OBJECT_HANDLE) -> String {
    session.begin(tests::Kind::Sign, CKM_HOTP, key).expect("C_SignInit");
    password(finished(session).expect("C_Sign"))
}

fn password(items: Items) -> String {
    let value = items.into_iter().find(|(kind, _)| *kind == CK_OTP_VALUE).expect("CK_OTP_VALUE").1;
    String::from_utf8(value).expect("digits")
}

fn counter(number: u64) -> (CK_ULONG, Vec<u8>) {
    (CK_OTP_COUNTER, number.to_be_bytes().to_vec())
}

fn number(kind: CK_ULONG, number: CK_ULONG) -> (CK_ULONG, Vec<u8>) {
    (kind, number.to_ne_bytes().to_vec())
}

#[test]
fn passwords_are_those_of_the_rfc_by_a_given_counter_and_by_the_token_s() {
    let scene = Scene::new();
    let (session, key) = (scene.session(), scene.object(&hotp(&template![])));
    for (at, wanted) in PASSWORDS.iter().enumerate() {
        begin(&session, key, &[counter(at as u64)]).expect("C_SignInit");
        let items = finished(&session).expect("C_Sign");
        assert_eq!(items[1], counter(at as u64), "which counter it was");
        assert_eq!(password(items), *wanted);
        assert_eq!(session.get(key, CKA_OTP_COUNTER), Ok((at as u64).to_be_bytes().to_vec()));
        assert_eq!(next(&session, key), *wanted);
    }
    begin(&session, key, &[counter(0), number(CK_OTP_OUTPUT_LENGTH, 8)]).expect("C_SignInit");
    assert_eq!(password(finished(&session).expect("C_Sign")), "84755224");
}

#[test]
fn a_password_is_verified_by_the_counter_that_comes_with_it() {
    let scene = Scene::new();
    let (session, key) = (scene.session(), scene.object(&hotp(&template![])));
    let judge = |items: &[(CK_ULONG, Vec<u8>)], password: &[u8]| {
        asked(items, |mechanism| session.verify(mechanism, key, b"", password))
    };
    assert_eq!(judge(&[counter(3)], b"969429"), Ok(()));
    assert_eq!(judge(&[counter(4)], b"969429"), Err(Rv::SignatureInvalid));
    assert_eq!(judge(&[counter(3)], b"96942"), Err(Rv::SignatureLenRange));
    assert_eq!(judge(&[], b"755224"), Err(Rv::MechanismParamInvalid));
    assert_eq!(session.get(key, CKA_OTP_COUNTER), Ok(vec![0; 8]), "verifying does not count");
}

#[test]
fn what_the_algorithm_or_the_key_does_not_want_is_refused() {
    let scene = Scene::new();
    let (session, key) =
        (scene.session(), scene.object(&hotp(&template![CKA_OTP_USER_FRIENDLY_MODE => false])));
    for items in [
        vec![(CK_OTP_COUNTER, vec![0; 4])],
        vec![counter(1), counter(1)],
        vec![number(CK_OTP_OUTPUT_LENGTH, 5)],
        vec![number(CK_OTP_OUTPUT_LENGTH, 9)],
        vec![number(CK_OTP_OUTPUT_FORMAT, CK_OTP_FORMAT_BINARY)],
        vec![number(CK_OTP_FLAGS, CKF_NEXT_OTP)],
        vec![number(CK_OTP_FLAGS, CKF_EXCLUDE_COUNTER)],
        vec![number(CK_OTP_FLAGS, CKF_USER_FRIENDLY_OTP)],
        vec![(CK_OTP_FLAGS, vec![0])],
        vec![(CK_OTP_VALUE, b"755224".to_vec())],
        vec![(77, Vec::new())],
    ] {
        assert_eq!(begin(&session, key, &items), Err(Rv::MechanismParamInvalid), "{items:?}");
    }
    let idle =
        [(CK_OTP_PIN, b"1234".to_vec()), (CK_OTP_TIME, Vec::new()), number(CK_OTP_FLAGS, CKF_EXCLUDE_PIN)];
    begin(&session, key, &idle).expect("what the key ignores is passed over");
    assert_eq!(session.single(tests::Kind::Sign, b"data", Some(200)).rv, Rv::DataLenRange);
    let wants = scene.object(&hotp(&template![CKA_OTP_COUNTER_REQUIREMENT => CK_OTP_PARAM_MANDATORY]));
    assert_eq!(session.begin(tests::Kind::Sign, CKM_HOTP, wants), Err(Rv::MechanismParamInvalid));
    let ignores = scene.object(&hotp(&template![CKA_OTP_COUNTER_REQUIREMENT => CK_OTP_PARAM_IGNORED]));
    begin(&session, ignores, &[counter(7)]).expect("C_SignInit");
    assert_eq!(password(finished(&session).expect("C_Sign")), PASSWORDS[0]);
    for (attribute, wrong) in [
        (CKA_OTP_FORMAT, CK_OTP_FORMAT_HEXADECIMAL),
        (CKA_OTP_LENGTH, 9),
        (CKA_OTP_PIN_REQUIREMENT, CK_OTP_PARAM_MANDATORY),
        (CKA_OTP_COUNTER_REQUIREMENT, 3),
    ] {
        let refused = session.create(&hotp(&template![]).also(attribute, wrong));
        assert_eq!(refused, Err(Rv::AttributeValueInvalid));
    }
    let short = session.create(&hotp(&template![]).also(CKA_OTP_COUNTER, &[0; 4]));
    assert_eq!(short, Err(Rv::AttributeValueInvalid));
}

#[test]
fn a_generated_key_begins_at_0_and_no_password_comes_twice_from_two_processes() {
    let scene = Scene::new();
    let session = scene.session();
    let key =
        session.generate(CKM_HOTP_KEY_GEN, &template![CKA_TOKEN => true, CKA_LABEL => "otp"]).expect("a key");
    assert_eq!(session.number(key, CKA_CLASS), Ok(CKO_OTP_KEY));
    assert_eq!(session.number(key, CKA_VALUE_LEN), Ok(20));
    assert_eq!(session.get(key, CKA_OTP_COUNTER), Ok(vec![0; 8]));
    assert_eq!(session.get(key, CKA_VALUE), Err(Rv::AttributeSensitive));
    let (other, slot) = scene.second();
    let there = other.open(slot, false).expect("a read-only session");
    there.login(CKU_USER, USER_PIN).expect("C_Login");
    let found = there.find(&template![CKA_LABEL => "otp"]).expect("find")[0];
    let counted = |session: &Session, key| {
        session.begin(tests::Kind::Sign, CKM_HOTP, key).expect("C_SignInit");
        finished(session).expect("C_Sign")[1].1.clone()
    };
    let all: Vec<_> = (0..3).flat_map(|_| [counted(&session, key), counted(&there, found)]).collect();
    assert_eq!(all, (0..6_u64).map(|number| number.to_be_bytes().to_vec()).collect::<Vec<_>>());
    // The last number is not given out: there is no next one.
    let last = scene.object(&hotp(&template![CKA_OTP_COUNTER => &u64::MAX.to_be_bytes()]));
    assert_eq!(session.begin(tests::Kind::Sign, CKM_HOTP, last), Err(Rv::FunctionRejected));
}

#[test]
fn it_is_no_mechanism_for_messages_and_no_key_for_anything_else() {
    let scene = Scene::new();
    let (session, key) = (scene.session(), scene.object(&hotp(&template![])));
    let messages = session.begin_messages(tests::Kind::Sign, Some(CKM_HOTP.into()), key);
    assert_eq!(messages, Err(Rv::MechanismInvalid));
    assert_eq!(session.sign(CKM_SHA_1_HMAC, key, b"data"), Err(Rv::KeyTypeInconsistent));
    let secret = scene.secret(SECRET);
    assert_eq!(session.begin(tests::Kind::Sign, CKM_HOTP, secret), Err(Rv::KeyTypeInconsistent));
}
