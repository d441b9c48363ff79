//! Sessions and logins: what is refused in which state (PKCS#11 v3.2 §5.6).

use std::ptr::null_mut;

use cryptoki_sys::*;
use tokenkeep::cryptoki::Rv;

use super::super::module::{PIN, Result, SO_PIN, call, len};
use super::objects::{aes, data};
use super::probe::{Probe, Template, is};

/// Public, user and SO, in read-only and read-write sessions; the session of the probe is logged in when this ends.
pub fn states(probe: &Probe) -> Result<()> {
    let _ = probe.logout();
    let state = |what: &str, session| match probe.state(session) {
        Ok(state) => probe.tell(format!("state: {what}"), state),
        Err(rv) => probe.code(format!("state: {what}"), rv),
    };
    sessions(probe)?;
    state("public", probe.session);
    everything(probe, "public");
    probe.code("C_Login: a wrong PIN", probe.login(CKU_USER, "000000"));
    probe.code("C_Login: a user type nobody knows", probe.login(17, PIN));
    probe.code("C_Login: CKU_CONTEXT_SPECIFIC without an operation", probe.login(CKU_CONTEXT_SPECIFIC, PIN));
    probe.code("C_Login: the user", probe.login(CKU_USER, PIN));
    probe.code("C_Login: the user again", probe.login(CKU_USER, PIN));
    probe.code("C_Login: the SO beside the user", probe.login(CKU_SO, SO_PIN));
    state("user", probe.session);
    everything(probe, "user");
    if let Ok(reader) = probe.open(CKF_SERIAL_SESSION) {
        state("user, read-only", reader);
        writes(&Probe { session: reader, ..*probe }, "user, read-only");
        probe.code("C_Logout: through another session", call!(probe.v2(), C_Logout(reader)));
        state("after it", probe.session);
        probe.code("C_Login: the SO beside a read-only session", probe.login(CKU_SO, SO_PIN));
        probe.close(reader)?;
    }
    probe.code("C_Login: the SO", probe.login(CKU_SO, SO_PIN));
    state("SO", probe.session);
    everything(probe, "SO");
    probe.made("C_OpenSession: read-only beside the SO", probe.open(CKF_SERIAL_SESSION));
    probe.code("C_Logout: the SO", probe.logout());
    probe.code("C_Logout: nobody", probe.logout());
    pins(probe);
    probe.code("C_Login: the user at last", probe.login(CKU_USER, PIN));
    Ok(())
}

fn sessions(probe: &Probe) -> Result<()> {
    probe.made("C_OpenSession: without CKF_SERIAL_SESSION", probe.open(CKF_RW_SESSION));
    probe.made("C_OpenSession: without flags", probe.open(0));
    let nowhere = Probe { slot: 0x7777_7777, ..*probe };
    probe.made("C_OpenSession: a slot that is not there", nowhere.open(CKF_SERIAL_SESSION));
    if let Ok(session) = probe.open(CKF_SERIAL_SESSION) {
        probe.close(session)?;
        probe.code("C_CloseSession: twice", call!(probe.v2(), C_CloseSession(session)));
        probe.code("C_GetSessionInfo: closed", probe.state(session).err().unwrap_or(CKR_OK));
    }
    let mut label = [b' '; 32];
    let so = SO_PIN.as_bytes();
    let rv = call!(probe.v2(), C_InitToken(probe.slot, so.as_ptr().cast_mut(), len(so), label.as_mut_ptr()));
    probe.code("C_InitToken: a session is open", rv);
    Ok(())
}

/// What depends on who is logged in.
fn everything(probe: &Probe, who: &str) {
    writes(probe, who);
    probe.made(
        format!("{who}: a key is generated"),
        probe.generate(CKM_AES_KEY_GEN, &vec![is(CKA_VALUE_LEN, 16)]),
    );
    let trusted = [aes(), vec![is(CKA_PRIVATE, false), is(CKA_TRUSTED, true)]].concat();
    probe.made(format!("{who}: a trusted key is made"), probe.create(&trusted));
    let new = b"1234567890";
    let rv = call!(probe.v2(), C_InitPIN(probe.session, new[..3].as_ptr().cast_mut(), 3));
    probe.code(format!("{who}: C_InitPIN with three characters"), rv);
    let rv = call!(probe.v2(), C_FindObjectsInit(probe.session, null_mut(), 0));
    probe.code(format!("{who}: C_FindObjectsInit"), rv);
    let rv = call!(probe.v2(), C_FindObjectsInit(probe.session, null_mut(), 0));
    probe.code(format!("{who}: C_FindObjectsInit twice"), rv);
    probe.code(format!("{who}: C_FindObjectsFinal"), call!(probe.v2(), C_FindObjectsFinal(probe.session)));
    probe.code(
        format!("{who}: C_FindObjectsFinal twice"),
        call!(probe.v2(), C_FindObjectsFinal(probe.session)),
    );
}

fn writes(probe: &Probe, who: &str) {
    for (token, private) in [(false, false), (false, true), (true, false), (true, true)] {
        let more: Template = vec![is(CKA_TOKEN, token), is(CKA_PRIVATE, private)];
        let words = |yes, word: &'static str, other: &'static str| if yes { word } else { other };
        let what = [words(private, "private", "public"), words(token, "token", "session")].join(" ");
        let made = probe.create(&[data(), more].concat());
        probe.made(format!("{who}: a {what} object is made"), made);
        if let Ok(object) = made {
            probe.code(format!("{who}: a {what} object is destroyed"), probe.destroy(object));
        }
    }
}

fn pins(probe: &Probe) {
    let set = |old: &str, new: &str| {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        let (o, n) = (old.as_ptr().cast_mut(), new.as_ptr().cast_mut());
        call!(probe.v2(), C_SetPIN(probe.session, o, len(old), n, len(new)))
    };
    probe.code("C_SetPIN: a wrong old one", set("000000", PIN));
    probe.code("C_SetPIN: three characters", set(PIN, "abc"));
    probe.code("C_SetPIN: the user's, without a login", set(PIN, PIN));
    let mut info = CK_TOKEN_INFO::default();
    let rv = call!(probe.v2(), C_GetTokenInfo(probe.slot, &raw mut info));
    let named = [
        ("CKF_RNG", CKF_RNG),
        ("CKF_LOGIN_REQUIRED", CKF_LOGIN_REQUIRED),
        ("CKF_USER_PIN_INITIALIZED", CKF_USER_PIN_INITIALIZED),
        ("CKF_TOKEN_INITIALIZED", CKF_TOKEN_INITIALIZED),
        ("CKF_DUAL_CRYPTO_OPERATIONS", CKF_DUAL_CRYPTO_OPERATIONS),
        ("CKF_RESTORE_KEY_NOT_NEEDED", CKF_RESTORE_KEY_NOT_NEEDED),
        ("CKF_USER_PIN_COUNT_LOW", CKF_USER_PIN_COUNT_LOW),
        ("CKF_WRITE_PROTECTED", CKF_WRITE_PROTECTED),
        ("CKF_CLOCK_ON_TOKEN", CKF_CLOCK_ON_TOKEN),
    ];
    for (name, flag) in named {
        let answer = if rv == CKR_OK { (info.flags & flag != 0).to_string() } else { Rv::name_of(rv) };
        probe.tell(format!("C_GetTokenInfo: {name}"), answer);
    }
}
