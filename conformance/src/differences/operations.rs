//! Operations: what is refused, how lengths are told, and what ends an operation.

use std::ptr::null_mut;

use cryptoki_sys::*;
use tokenkeep::cryptoki::Rv;

use super::super::module::{call, len};
use super::objects::{P256, aes};
use super::probe::{Probe, Template, is, plain};

type Init = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_MECHANISM, CK_OBJECT_HANDLE) -> CK_RV;
type Single =
    unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_BYTE, CK_ULONG, *mut CK_BYTE, *mut CK_ULONG) -> CK_RV;

/// A kind of work: its functions, and a mechanism and a key with which it goes well.
struct Work {
    name: &'static str,
    init: Option<Init>,
    single: Option<Single>,
    mechanism: CK_MECHANISM_TYPE,
    key: CK_OBJECT_HANDLE,
    data: &'static [u8],
}

/// The keys of both modules: made by the same templates.
struct Keys {
    secret: CK_OBJECT_HANDLE,
    mute: CK_OBJECT_HANDLE,
    stays: CK_OBJECT_HANDLE,
    rsa: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    ec: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    data: CK_OBJECT_HANDLE,
}

fn keys(probe: &Probe) -> Keys {
    const USES: [CK_ATTRIBUTE_TYPE; 7] =
        [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_EXTRACTABLE];
    let all = |yes: bool| USES.iter().map(|usage| is(*usage, yes)).collect::<Template>();
    let object = |more: Template| probe.create(&[aes(), more].concat()).unwrap_or(CK_INVALID_HANDLE);
    let pair = |mechanism, public: Template, usage: &[CK_ATTRIBUTE_TYPE]| {
        let private: Template = usage.iter().map(|usage| is(*usage, true)).collect();
        let (public, private) = probe.pair(mechanism, &public, &private);
        (public.unwrap_or(CK_INVALID_HANDLE), private.unwrap_or(CK_INVALID_HANDLE))
    };
    let bits = vec![is(CKA_MODULUS_BITS, 2048), is(CKA_ENCRYPT, true), is(CKA_VERIFY, true)];
    let curve = vec![is(CKA_EC_PARAMS, P256), is(CKA_VERIFY, true)];
    Keys {
        secret: object(all(true)),
        mute: object(all(false)),
        stays: object(vec![is(CKA_EXTRACTABLE, false)]),
        rsa: pair(CKM_RSA_PKCS_KEY_PAIR_GEN, bits, &[CKA_SIGN, CKA_DECRYPT]),
        ec: pair(CKM_EC_KEY_PAIR_GEN, curve, &[CKA_SIGN]),
        data: probe.create(&super::objects::data()).unwrap_or(CK_INVALID_HANDLE),
    }
}

fn works(probe: &Probe, keys: &Keys) -> Vec<Work> {
    let c = probe.v2();
    let row = |name, init, single, mechanism, key, data| Work { name, init, single, mechanism, key, data };
    vec![
        row("C_Encrypt, CKM_AES_ECB", c.C_EncryptInit, c.C_Encrypt, CKM_AES_ECB, keys.secret, &[1; 32]),
        row("C_Decrypt, CKM_AES_ECB", c.C_DecryptInit, c.C_Decrypt, CKM_AES_ECB, keys.secret, &[1; 32]),
        row("C_Encrypt, CKM_RSA_PKCS", c.C_EncryptInit, c.C_Encrypt, CKM_RSA_PKCS, keys.rsa.0, &[1; 32]),
        row("C_Sign, CKM_AES_CMAC", c.C_SignInit, c.C_Sign, CKM_AES_CMAC, keys.secret, &[1; 33]),
        row("C_Sign, CKM_RSA_PKCS", c.C_SignInit, c.C_Sign, CKM_RSA_PKCS, keys.rsa.1, &[1; 32]),
        row("C_Sign, CKM_SHA256_RSA_PKCS", c.C_SignInit, c.C_Sign, CKM_SHA256_RSA_PKCS, keys.rsa.1, &[1; 99]),
        row("C_Sign, CKM_ECDSA", c.C_SignInit, c.C_Sign, CKM_ECDSA, keys.ec.1, &[1; 32]),
    ]
}

impl Work {
    fn begin(&self, probe: &Probe, mechanism: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE) -> CK_RV {
        let mut mechanism = plain(mechanism);
        // SAFETY: the mechanism is our own (PKCS#11 v3.2 §5.1.1).
        self.init.map_or(CKR_FUNCTION_NOT_SUPPORTED, |init| unsafe {
            init(probe.session, &raw mut mechanism, key)
        })
    }

    /// The code, and the length that was told.
    fn ask(&self, probe: &Probe, data: &[u8], room: Option<usize>) -> (CK_RV, CK_ULONG) {
        let mut out = vec![0u8; 4096];
        let (pointer, mut size) = match room {
            Some(room) => (out.as_mut_ptr(), room as CK_ULONG),
            None => (null_mut(), 0),
        };
        let (input, length) = (data.as_ptr().cast_mut(), len(data));
        // SAFETY: the buffer is at least as long as `size` says (PKCS#11 v3.2 §5.2).
        let rv = self.single.map_or(CKR_FUNCTION_NOT_SUPPORTED, |single| unsafe {
            single(probe.session, input, length, pointer, &raw mut size)
        });
        (rv, size)
    }

    /// Leaves no operation behind.
    fn end(&self, probe: &Probe) {
        self.ask(probe, self.data, Some(4096));
    }
}

/// The answer to a question about a length: the code, and the length.
fn told((rv, size): (CK_RV, CK_ULONG)) -> String {
    format!("{} {size}", Rv::name_of(rv))
}

/// The length protocol (§5.2): the question, a buffer too small, the exact one, and whether the operation has ended.
pub fn lengths(probe: &Probe) {
    let keys = keys(probe);
    for work in works(probe, &keys) {
        let name = work.name;
        probe.code(format!("{name}: begun"), work.begin(probe, work.mechanism, work.key));
        let question = work.ask(probe, work.data, None);
        probe.tell(format!("{name}: the length is asked"), told(question));
        probe.tell(format!("{name}: no room"), told(work.ask(probe, work.data, Some(0))));
        let exact = question.1 as usize;
        let less = exact.saturating_sub(1);
        probe.tell(format!("{name}: one byte too few"), told(work.ask(probe, work.data, Some(less))));
        probe.tell(format!("{name}: the exact room"), told(work.ask(probe, work.data, Some(exact))));
        probe
            .code(format!("{name}: once more without a beginning"), work.ask(probe, work.data, Some(4096)).0);
    }
    slots(probe);
    attributes(probe, keys.secret);
}

fn slots(probe: &Probe) {
    let c = probe.v2();
    let mut count = 0;
    probe.code(
        "C_GetSlotList: the count is asked",
        call!(c, C_GetSlotList(CK_TRUE, null_mut(), &raw mut count)),
    );
    let (mut one, mut none) = ([0; 64], 0);
    probe.code("C_GetSlotList: no room", call!(c, C_GetSlotList(CK_TRUE, one.as_mut_ptr(), &raw mut none)));
    let (mut list, mut one) = ([0; 1], 1);
    let rv = call!(c, C_GetMechanismList(probe.slot, list.as_mut_ptr(), &raw mut one));
    probe.code("C_GetMechanismList: room for one", rv);
}

fn attributes(probe: &Probe, key: CK_OBJECT_HANDLE) {
    let mut room = [0u8; 64];
    for (what, attribute, size) in [
        ("the length is asked", CKA_KEY_TYPE, None),
        ("the exact room", CKA_KEY_TYPE, Some(8)),
        ("one byte too few", CKA_KEY_TYPE, Some(7)),
        ("an attribute that is not there", CKA_MODULUS, Some(64)),
        ("an attribute nobody knows", 0x7777_7777, Some(64)),
        ("an empty value without room", CKA_LABEL, Some(0)),
    ] {
        let pointer = size.map_or(null_mut(), |_| room.as_mut_ptr().cast());
        let mut asked = CK_ATTRIBUTE { type_: attribute, pValue: pointer, ulValueLen: size.unwrap_or(0) };
        let rv = call!(probe.v2(), C_GetAttributeValue(probe.session, key, &raw mut asked, 1));
        let length = match asked.ulValueLen {
            CK_UNAVAILABLE_INFORMATION => "unavailable".to_owned(),
            length => length.to_string(),
        };
        probe.tell(format!("C_GetAttributeValue: {what}"), format!("{} {length}", Rv::name_of(rv)));
    }
}

/// What the beginning of an operation refuses, and what its data may be.
pub fn refusals(probe: &Probe) {
    let keys = keys(probe);
    for work in works(probe, &keys) {
        let name = work.name.replacen(',', "Init,", 1);
        let begin = |what: &str, mechanism, key| {
            let rv = work.begin(probe, mechanism, key);
            probe.code(format!("{name}: {what}"), rv);
            if rv == CKR_OK {
                work.end(probe);
            }
        };
        begin("no key", work.mechanism, CK_INVALID_HANDLE);
        begin("a handle of nothing", work.mechanism, 0x7777);
        begin(
            "a key of another type",
            work.mechanism,
            if work.key == keys.secret { keys.rsa.0 } else { keys.secret },
        );
        begin("data instead of a key", work.mechanism, keys.data);
        begin("a mechanism nobody knows", 0x7777_7777, work.key);
        begin("a mechanism of digests", CKM_SHA256, work.key);
        if work.key == keys.secret {
            begin("a key that may not", work.mechanism, keys.mute);
        }
        probe.code(format!("{name}: begun"), work.begin(probe, work.mechanism, work.key));
        probe.code(format!("{name}: begun twice"), work.begin(probe, work.mechanism, work.key));
        work.end(probe);
    }
    data(probe, &keys);
    wrapping(probe, &keys);
    digests(probe, &keys);
}

fn data(probe: &Probe, keys: &Keys) {
    for work in works(probe, keys) {
        for (what, data) in [("no data", &[][..]), ("31 bytes", &[1; 31]), ("300 bytes", &[1; 300])] {
            if work.begin(probe, work.mechanism, work.key) != CKR_OK {
                continue;
            }
            let rv = work.ask(probe, data, Some(4096)).0;
            probe.code(format!("{}: {what}", work.name), rv);
            let after = work.begin(probe, work.mechanism, work.key);
            probe.code(format!("{}: {what}, and another beginning", work.name), after);
            work.end(probe);
        }
    }
}

fn wrapping(probe: &Probe, keys: &Keys) {
    let code = |answer: Result<Vec<u8>, CK_RV>| answer.err().unwrap_or(CKR_OK);
    let wraps = [
        ("it may", CKM_AES_KEY_WRAP, keys.secret, keys.secret),
        ("a key that must stay", CKM_AES_KEY_WRAP, keys.secret, keys.stays),
        ("by a key that may not", CKM_AES_KEY_WRAP, keys.mute, keys.secret),
        ("by no key", CKM_AES_KEY_WRAP, CK_INVALID_HANDLE, keys.secret),
        ("no key", CKM_AES_KEY_WRAP, keys.secret, CK_INVALID_HANDLE),
        ("data", CKM_AES_KEY_WRAP, keys.secret, keys.data),
        ("by a key of another type", CKM_AES_KEY_WRAP, keys.rsa.0, keys.secret),
        ("by a mechanism of digests", CKM_SHA256, keys.secret, keys.secret),
        ("by a mechanism nobody knows", 0x7777_7777, keys.secret, keys.secret),
    ];
    for (what, mechanism, with, key) in wraps {
        probe.code(format!("C_WrapKey: {what}"), code(probe.wrap(mechanism, with, key)));
    }
    let template = vec![is(CKA_CLASS, CKO_SECRET_KEY), is(CKA_KEY_TYPE, CKK_AES)];
    let wrapped = probe.wrap(CKM_AES_KEY_WRAP, keys.secret, keys.secret).unwrap_or_default();
    let mut changed = wrapped.clone();
    if let Some(byte) = changed.first_mut() {
        *byte ^= 1;
    }
    let unwraps: Vec<(&str, CK_OBJECT_HANDLE, &[u8], Template)> = vec![
        ("it may", keys.secret, &wrapped, template.clone()),
        ("changed bytes", keys.secret, &changed, template.clone()),
        ("a length that cannot be", keys.secret, &wrapped[..wrapped.len().min(9)], template.clone()),
        ("by a key that may not", keys.mute, &wrapped, template.clone()),
        ("by no key", CK_INVALID_HANDLE, &wrapped, template.clone()),
        ("by a key of another type", keys.rsa.1, &wrapped, template.clone()),
        ("without CKA_CLASS", keys.secret, &wrapped, template[1..].to_vec()),
        ("without CKA_KEY_TYPE", keys.secret, &wrapped, template[..1].to_vec()),
    ];
    for (what, with, bytes, template) in unwraps {
        probe.made(format!("C_UnwrapKey: {what}"), probe.unwrap(CKM_AES_KEY_WRAP, with, bytes, &template));
    }
}

fn digests(probe: &Probe, keys: &Keys) {
    let c = probe.v2();
    for (what, id) in [("SHA-256", CKM_SHA256), ("of signatures", CKM_ECDSA), ("nobody knows", 0x7777_7777)] {
        let mut mechanism = plain(id);
        probe.code(
            format!("C_DigestInit: a mechanism {what}"),
            call!(c, C_DigestInit(probe.session, &raw mut mechanism)),
        );
    }
    let (mut data, mut out) = ([1u8; 10], [0u8; 64]);
    probe.code("C_DigestUpdate", call!(c, C_DigestUpdate(probe.session, data.as_mut_ptr(), 10)));
    probe.code("C_DigestKey: a key that must stay", call!(c, C_DigestKey(probe.session, keys.stays)));
    let mut size = 31;
    let rv = call!(c, C_DigestFinal(probe.session, out.as_mut_ptr(), &raw mut size));
    probe.tell("C_DigestFinal: one byte too few", told((rv, size)));
    let rv = call!(c, C_DigestFinal(probe.session, out.as_mut_ptr(), &raw mut size));
    probe.tell("C_DigestFinal: the exact room", told((rv, size)));
    probe.code(
        "C_DigestFinal: once more",
        call!(c, C_DigestFinal(probe.session, out.as_mut_ptr(), &raw mut size)),
    );
    for (what, signature) in [("of a wrong length", 5usize), ("of zeros", 64)] {
        let (mut mechanism, mut zeros) = (plain(CKM_ECDSA), vec![0u8; signature]);
        let begun = call!(c, C_VerifyInit(probe.session, &raw mut mechanism, keys.ec.0));
        probe.code(format!("C_VerifyInit: a signature {what}"), begun);
        let rv = call!(c, C_Verify(probe.session, data.as_mut_ptr(), 10, zeros.as_mut_ptr(), len(&zeros)));
        probe.code(format!("C_Verify: a signature {what}"), rv);
    }
    let mut more = [0u8; 8];
    probe.code("C_GenerateRandom", call!(c, C_GenerateRandom(probe.session, more.as_mut_ptr(), 8)));
    probe.code("C_SeedRandom", call!(c, C_SeedRandom(probe.session, more.as_mut_ptr(), 8)));
}
