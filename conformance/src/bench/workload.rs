//! The workloads: one row each, and what a step of it calls.

use std::ptr::null_mut;

use cryptoki_sys::*;

use tokenkeep::crypto::ec::Curve;

use super::goal::Goal::{self, Alone, AtMost, Beyond, Nothing, Own, Peer};
use super::limit::{self, Limit};
use super::module::{Attribute, Module, Session, call, plain};

/// What a workload needs on its token before it begins: the keys of [`furnish`] and so many data objects.
pub type Objects = u32;

/// What a figure counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Steps a second.
    Steps,
    /// Steps a second, told as megabytes a second: so many bytes in a step.
    Bytes(u64),
    /// Steps a second, told as milliseconds a step.
    Millis,
    /// Resident memory of the process, in KiB: less is better.
    Memory,
}

/// Where a thread works.
#[derive(Clone, Copy)]
pub struct Place {
    pub module: Module,
    pub session: Session,
    pub objects: Objects,
}

/// A step, to be done as often as time allows; its number counts up.
pub type Step = Box<dyn FnMut(u64)>;

/// How a workload begins.
pub enum Begin {
    /// In a process that is logged in, each thread with a session of its own.
    Session(fn(Place) -> Step),
    /// In a process that has only loaded the module.
    Library(fn(Module) -> Step),
    /// In a process that runs so many others at once, each from its start to its first signature.
    Processes(u32),
    /// The memory of a process that is logged in.
    Memory,
}

/// A row of the table.
pub struct Workload {
    pub name: &'static str,
    pub unit: Unit,
    pub objects: Objects,
    /// As in [`super::round::Setting`], at least.
    pub threads: u32,
    pub processes: u32,
    /// The PIN goes through as many rounds of PBKDF2 as the module sees fit; otherwise ours takes 10 000.
    pub slow_pin: bool,
    /// A mechanism that a module must have to take part.
    pub needs: CK_MECHANISM_TYPE,
    /// What ours must reach.
    pub goal: Goal,
    pub begin: Begin,
    /// The same work without a token around it.
    pub limit: Limit,
}

const fn row(
    name: &'static str,
    needs: CK_MECHANISM_TYPE,
    goal: Goal,
    begin: fn(Place) -> Step,
    limit: Limit,
) -> Workload {
    Workload { needs, limit, ..whole(name, goal, Unit::Steps, Begin::Session(begin)) }
}

const fn bulk(
    name: &'static str,
    needs: CK_MECHANISM_TYPE,
    goal: f64,
    bytes: u64,
    begin: fn(Place) -> Step,
    limit: Limit,
) -> Workload {
    Workload { unit: Unit::Bytes(bytes), ..row(name, needs, Peer(goal), begin, limit) }
}

const fn among(objects: Objects, row: Workload) -> Workload {
    Workload { objects, ..row }
}

const fn slow(row: Workload) -> Workload {
    Workload { slow_pin: true, limit: limit::slow_pin, ..row }
}

const fn timed(row: Workload) -> Workload {
    Workload { unit: Unit::Millis, ..row }
}

const fn whole(name: &'static str, goal: Goal, unit: Unit, begin: Begin) -> Workload {
    let (threads, processes, slow_pin) = (1, 1, false);
    let (objects, needs, limit) = (0, CKM_RSA_PKCS, limit::NONE);
    Workload { name, unit, objects, threads, processes, slow_pin, needs, goal, begin, limit }
}

const KIB: u64 = 1024;

#[rustfmt::skip]
pub const WORKLOADS: &[Workload] = &[
    row("P-256 sign",       CKM_ECDSA,        Peer(3.0), |p| sign(p, b"p256", CKM_ECDSA, 32), |_| limit::ec_sign(Curve::P256)),
    row("P-256 verify",     CKM_ECDSA,        Peer(1.5), |p| verify(p, b"p256", CKM_ECDSA, 32), |_| limit::ec_verify(Curve::P256)),
    row("P-384 sign",       CKM_ECDSA,        Peer(9.0), |p| sign(p, b"p384", CKM_ECDSA, 48), |_| limit::ec_sign(Curve::P384)),
    row("Ed25519 sign",     CKM_EDDSA,       Peer(18.0), |p| sign(p, b"ed25519", CKM_EDDSA, 32), limit::ed25519),
    row("P-256 ECDH",       CKM_ECDH1_DERIVE, Peer(2.7), ecdh, |_| limit::ecdh(Curve::P256)),
    row("RSA-2048 sign",    CKM_RSA_PKCS,     Peer(2.2), |p| sign(p, b"rsa2048", CKM_RSA_PKCS, 32), |_| limit::rsa_sign(2048)),
    row("RSA-2048 PSS",     CKM_RSA_PKCS_PSS, Peer(2.2), pss, |_| limit::rsa_sign(2048)),
    row("RSA-2048 decrypt", CKM_RSA_PKCS,     Peer(2.2), decrypt, |_| limit::rsa_sign(2048)),
    row("RSA-3072 sign",    CKM_RSA_PKCS,     Peer(2.7), |p| sign(p, b"rsa3072", CKM_RSA_PKCS, 32), |_| limit::rsa_sign(3072)),
    row("RSA-4096 sign",    CKM_RSA_PKCS,     Peer(3.0), |p| sign(p, b"rsa4096", CKM_RSA_PKCS, 32), |_| limit::rsa_sign(4096)),
    row("RSA-2048 verify",  CKM_RSA_PKCS,     Peer(2.1), |p| verify(p, b"rsa2048", CKM_RSA_PKCS, 32), |_| limit::rsa_verify(2048)),
    bulk("AES-256-GCM 64 B",   CKM_AES_GCM,     12.0, 64, |p| gcm(p, 64), |_| limit::gcm(64)),
    bulk("AES-256-GCM 1 KiB",  CKM_AES_GCM,     12.0, KIB, |p| gcm(p, 1 << 10), |_| limit::gcm(1 << 10)),
    bulk("AES-256-GCM 16 KiB", CKM_AES_GCM,      8.0, 16 * KIB, |p| gcm(p, 16 << 10), |_| limit::gcm(16 << 10)),
    bulk("AES-256-GCM 1 MiB",  CKM_AES_GCM,     10.0, KIB * KIB, |p| gcm(p, 1 << 20), |_| limit::gcm(1 << 20)),
    bulk("AES-256-CTR 16 KiB", CKM_AES_CTR,      6.0, 16 * KIB, |p| ctr(p, 16 << 10), |_| limit::ctr(16 << 10)),
    bulk("AES-256-CTR 1 MiB",  CKM_AES_CTR,      2.5, KIB * KIB, |p| ctr(p, 1 << 20), |_| limit::ctr(1 << 20)),
    bulk("HMAC-SHA-256 64 B",  CKM_SHA256_HMAC, 12.0, 64, |p| hmac(p, 64), |_| limit::hmac(64)),
    row("C_GetInfo",          CKM_RSA_PKCS,    Nothing, info, limit::NONE),
    row("C_GetSessionInfo",   CKM_RSA_PKCS,    Nothing, session_info, limit::NONE),
    row("session open/close", CKM_RSA_PKCS,    Peer(1.0), sessions, limit::NONE),
    row("begin and cancel",   CKM_ECDSA,       Nothing, begin, limit::NONE),
    row("find by label",      CKM_RSA_PKCS,    Nothing, find_key, limit::NONE),
    row("read a label",       CKM_RSA_PKCS,    Nothing, label, limit::NONE),
    row("RSA-2048 generate",  CKM_RSA_PKCS_KEY_PAIR_GEN, Peer(2.9), generate, limit::rsa_generate),
    timed(row("create object", CKM_RSA_PKCS,   Alone(1.5), create, limit::fsync)),
    whole("open and login",   Nothing, Unit::Millis, Begin::Library(login)),
    whole("first signature",  Peer(2.0), Unit::Millis, Begin::Processes(1)),
    slow(whole("first, slow PIN", Beyond(5.0), Unit::Millis, Begin::Processes(1))),
    whole("8 starts at once", Nothing, Unit::Millis, Begin::Processes(8)),
    whole("memory",           Nothing, Unit::Memory, Begin::Memory),
    Workload { threads: 2,   ..row("P-256, 2 threads",   CKM_ECDSA, Own(1.85, "P-256 sign"), |p| sign(p, b"p256", CKM_ECDSA, 32), limit::NONE) },
    Workload { processes: 2, ..row("P-256, 2 processes", CKM_ECDSA, Own(1.85, "P-256 sign"), |p| sign(p, b"p256", CKM_ECDSA, 32), limit::NONE) },
    among(10_000, timed(row("find among 10 000", CKM_RSA_PKCS, AtMost(0.05), find, limit::NONE))),
    among(10_000, row("sign among 10 000",   CKM_ECDSA, Own(0.9, "P-256 sign"), |p| sign(p, b"p256", CKM_ECDSA, 32), limit::NONE)),
    among(10_000, whole("login among 10 000", Own(0.9, "open and login"), Unit::Millis, Begin::Library(login))),
    among(10_000, whole("memory, 10 000",     AtMost(12.0), Unit::Memory, Begin::Memory)),
];

/// The row with this name.
pub fn named(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|row| row.name == name)
}

const YES: &[u8] = &[CK_TRUE];
const NO: &[u8] = &[CK_FALSE];
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = b"\x13\x0cedwards25519";

/// Puts the keys of all workloads, and data objects, on a fresh token.
pub fn furnish(module: Module, slot: CK_SLOT_ID, session: Session, objects: Objects) {
    for (label, bits) in [(b"rsa2048", 2048u64), (b"rsa3072", 3072), (b"rsa4096", 4096)] {
        if objects == 0 {
            pair(session, CKM_RSA_PKCS_KEY_PAIR_GEN, label, (CKA_MODULUS_BITS, &bits.to_ne_bytes()));
        }
    }
    pair(session, CKM_EC_KEY_PAIR_GEN, b"p256", (CKA_EC_PARAMS, P256));
    pair(session, CKM_EC_KEY_PAIR_GEN, b"p384", (CKA_EC_PARAMS, P384));
    if module.has(slot, CKM_EDDSA) {
        pair(session, CKM_EC_EDWARDS_KEY_PAIR_GEN, b"ed25519", (CKA_EC_PARAMS, ED25519));
    }
    secret(session, b"aes", CKK_AES);
    secret(session, b"hmac", CKK_GENERIC_SECRET);
    (0..objects).for_each(|n| data(session, &format!("object {n}")));
}

fn pair(session: Session, mechanism: CK_MECHANISM_TYPE, label: &[u8], what: Attribute<'_>) {
    let common = [(CKA_TOKEN, YES), (CKA_LABEL, label), (CKA_ID, label)];
    let public = [&common[..], &[(CKA_VERIFY, YES), (CKA_ENCRYPT, YES), (CKA_PRIVATE, NO), what]].concat();
    let usage: &[Attribute<'_>] = &[(CKA_SIGN, YES), (CKA_PRIVATE, YES), (CKA_SENSITIVE, YES)];
    let also: &[Attribute<'_>] = match mechanism {
        CKM_EC_KEY_PAIR_GEN => &[(CKA_DERIVE, YES)],
        CKM_RSA_PKCS_KEY_PAIR_GEN => &[(CKA_DECRYPT, YES)],
        _ => &[],
    };
    session.generate_pair(mechanism, &public, &[&common[..], usage, also].concat());
}

fn secret(session: Session, label: &[u8], kind: CK_KEY_TYPE) {
    session.create(&[
        (CKA_CLASS, &CKO_SECRET_KEY.to_ne_bytes()),
        (CKA_KEY_TYPE, &kind.to_ne_bytes()),
        (CKA_VALUE, &[7; 32]),
        (CKA_TOKEN, YES),
        (CKA_PRIVATE, YES),
        (CKA_LABEL, label),
        (CKA_ENCRYPT, YES),
        (CKA_DECRYPT, YES),
        (CKA_SIGN, YES),
        (CKA_VERIFY, YES),
    ]);
}

fn data(session: Session, label: &str) {
    session.create(&[
        (CKA_CLASS, &CKO_DATA.to_ne_bytes()),
        (CKA_TOKEN, YES),
        (CKA_PRIVATE, YES),
        (CKA_LABEL, label.as_bytes()),
        (CKA_APPLICATION, b"bench"),
        (CKA_VALUE, &[1; 100]),
    ]);
}

fn key(session: Session, label: &[u8], class: CK_OBJECT_CLASS) -> CK_OBJECT_HANDLE {
    let found = session.find(&[(CKA_LABEL, label), (CKA_CLASS, &class.to_ne_bytes())]);
    assert!(found.len() == 1, "{} keys are labelled {}", found.len(), String::from_utf8_lossy(label));
    found[0]
}

fn sign(place: Place, label: &[u8], mechanism: CK_MECHANISM_TYPE, len: usize) -> Step {
    signing(place.session, label, plain(mechanism), len)
}

fn signing(session: Session, label: &[u8], mut mechanism: CK_MECHANISM, len: usize) -> Step {
    let key = key(session, label, CKO_PRIVATE_KEY);
    let (mut data, mut signature) = (vec![1; len], vec![0u8; 1024]);
    Box::new(move |_| {
        let mut size = 1024;
        call!(session.functions(), C_SignInit(session.handle, &raw mut mechanism, key));
        call!(
            session.functions(),
            C_Sign(session.handle, data.as_mut_ptr(), len as u64, signature.as_mut_ptr(), &raw mut size)
        );
    })
}

fn pss(place: Place) -> Step {
    let params =
        Box::leak(Box::new(CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 }));
    let mechanism = CK_MECHANISM {
        mechanism: CKM_RSA_PKCS_PSS,
        pParameter: std::ptr::from_mut(params).cast(),
        ulParameterLen: size_of::<CK_RSA_PKCS_PSS_PARAMS>() as u64,
    };
    signing(place.session, b"rsa2048", mechanism, 32)
}

fn decrypt(Place { session, .. }: Place) -> Step {
    let (private, public) =
        (key(session, b"rsa2048", CKO_PRIVATE_KEY), key(session, b"rsa2048", CKO_PUBLIC_KEY));
    let (mut mechanism, mut data, mut sealed) = (plain(CKM_RSA_PKCS), vec![1u8; 32], vec![0u8; 1024]);
    let mut size = 1024;
    call!(session.functions(), C_EncryptInit(session.handle, &raw mut mechanism, public));
    call!(
        session.functions(),
        C_Encrypt(session.handle, data.as_mut_ptr(), 32, sealed.as_mut_ptr(), &raw mut size)
    );
    Box::new(move |_| {
        let (mut plain, mut len) = ([0u8; 1024], 1024);
        call!(session.functions(), C_DecryptInit(session.handle, &raw mut mechanism, private));
        call!(
            session.functions(),
            C_Decrypt(session.handle, sealed.as_mut_ptr(), size, plain.as_mut_ptr(), &raw mut len)
        );
    })
}

fn verify(Place { session, .. }: Place, label: &[u8], mechanism: CK_MECHANISM_TYPE, len: usize) -> Step {
    let (private, public) = (key(session, label, CKO_PRIVATE_KEY), key(session, label, CKO_PUBLIC_KEY));
    let (mut mechanism, mut data, mut signature) = (plain(mechanism), vec![1; len], vec![0u8; 1024]);
    let mut size = 1024;
    call!(session.functions(), C_SignInit(session.handle, &raw mut mechanism, private));
    call!(
        session.functions(),
        C_Sign(session.handle, data.as_mut_ptr(), len as u64, signature.as_mut_ptr(), &raw mut size)
    );
    Box::new(move |_| {
        call!(session.functions(), C_VerifyInit(session.handle, &raw mut mechanism, public));
        call!(
            session.functions(),
            C_Verify(session.handle, data.as_mut_ptr(), len as u64, signature.as_mut_ptr(), size)
        );
    })
}

fn ecdh(Place { session, .. }: Place) -> Step {
    let (private, public) = (key(session, b"p256", CKO_PRIVATE_KEY), key(session, b"p256", CKO_PUBLIC_KEY));
    // A DER OCTET STRING of a raw point.
    let mut point = session.value(public, CKA_EC_POINT).split_off(2);
    let class = CKO_SECRET_KEY.to_ne_bytes();
    let (kind, len) = (CKK_GENERIC_SECRET.to_ne_bytes(), 32u64.to_ne_bytes());
    Box::new(move |_| {
        let mut params = CK_ECDH1_DERIVE_PARAMS {
            kdf: CKD_NULL,
            ulSharedDataLen: 0,
            pSharedData: null_mut(),
            ulPublicDataLen: point.len() as u64,
            pPublicData: point.as_mut_ptr(),
        };
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_ECDH1_DERIVE,
            pParameter: (&raw mut params).cast(),
            ulParameterLen: size_of_val(&params) as u64,
        };
        let attribute = |type_, value: &[u8]| CK_ATTRIBUTE {
            type_,
            pValue: value.as_ptr().cast_mut().cast(),
            ulValueLen: value.len() as u64,
        };
        let mut template = [
            attribute(CKA_CLASS, &class),
            attribute(CKA_KEY_TYPE, &kind),
            attribute(CKA_VALUE_LEN, &len),
            attribute(CKA_TOKEN, NO),
        ];
        let mut secret = 0;
        call!(
            session.functions(),
            C_DeriveKey(
                session.handle,
                &raw mut mechanism,
                private,
                template.as_mut_ptr(),
                4,
                &raw mut secret
            )
        );
        call!(session.functions(), C_DestroyObject(session.handle, secret));
    })
}

fn encrypt(session: Session, len: usize) -> impl FnMut(&mut CK_MECHANISM) {
    let key = key(session, b"aes", CKO_SECRET_KEY);
    let (mut data, mut out) = (vec![1u8; len], vec![0u8; len + 64]);
    move |mechanism: &mut CK_MECHANISM| {
        let mut size = out.len() as u64;
        call!(session.functions(), C_EncryptInit(session.handle, mechanism, key));
        call!(
            session.functions(),
            C_Encrypt(session.handle, data.as_mut_ptr(), len as u64, out.as_mut_ptr(), &raw mut size)
        );
    }
}

fn gcm(Place { session, .. }: Place, len: usize) -> Step {
    let mut encrypt = encrypt(session, len);
    Box::new(move |n| {
        let mut iv = [0u8; 12];
        iv[..8].copy_from_slice(&n.to_ne_bytes());
        let mut params = CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: null_mut(),
            ulAADLen: 0,
            ulTagBits: 128,
        };
        encrypt(&mut CK_MECHANISM {
            mechanism: CKM_AES_GCM,
            pParameter: (&raw mut params).cast(),
            ulParameterLen: size_of_val(&params) as u64,
        });
    })
}

fn ctr(Place { session, .. }: Place, len: usize) -> Step {
    let mut encrypt = encrypt(session, len);
    Box::new(move |_| {
        let mut params = CK_AES_CTR_PARAMS { ulCounterBits: 128, cb: [1; 16] };
        encrypt(&mut CK_MECHANISM {
            mechanism: CKM_AES_CTR,
            pParameter: (&raw mut params).cast(),
            ulParameterLen: size_of_val(&params) as u64,
        });
    })
}

fn hmac(Place { session, .. }: Place, len: usize) -> Step {
    let key = key(session, b"hmac", CKO_SECRET_KEY);
    let (mut mechanism, mut data, mut tag) = (plain(CKM_SHA256_HMAC), vec![1; len], [0u8; 64]);
    Box::new(move |_| {
        let mut size = 64;
        call!(session.functions(), C_SignInit(session.handle, &raw mut mechanism, key));
        call!(
            session.functions(),
            C_Sign(session.handle, data.as_mut_ptr(), len as u64, tag.as_mut_ptr(), &raw mut size)
        );
    })
}

/// The least that a call can ask: nothing but the border.
fn info(Place { session, .. }: Place) -> Step {
    let mut info = CK_INFO::default();
    Box::new(move |_| call!(session.functions(), C_GetInfo(&raw mut info)))
}

fn session_info(Place { session, .. }: Place) -> Step {
    let mut info = CK_SESSION_INFO::default();
    Box::new(move |_| call!(session.functions(), C_GetSessionInfo(session.handle, &raw mut info)))
}

/// A signature that is begun and given up: all of it but the arithmetic.
fn begin(Place { session, .. }: Place) -> Step {
    let (key, mut mechanism) = (key(session, b"p256", CKO_PRIVATE_KEY), plain(CKM_ECDSA));
    Box::new(move |_| {
        call!(session.functions(), C_SignInit(session.handle, &raw mut mechanism, key));
        call!(session.functions(), C_SignInit(session.handle, null_mut(), key));
    })
}

fn find_key(Place { session, .. }: Place) -> Step {
    Box::new(move |_| _ = key(session, b"p256", CKO_PRIVATE_KEY))
}

fn label(Place { session, .. }: Place) -> Step {
    let key = key(session, b"p256", CKO_PRIVATE_KEY);
    Box::new(move |_| assert!(session.value(key, CKA_LABEL) == b"p256", "the label is another"))
}

fn sessions(Place { module, .. }: Place) -> Step {
    let Some(slot) = module.token() else { panic!("there is no token") };
    Box::new(move |_| module.open(slot).close())
}

fn generate(Place { session, .. }: Place) -> Step {
    let bits = 2048u64.to_ne_bytes();
    Box::new(move |_| {
        let public = [(CKA_MODULUS_BITS, &bits[..]), (CKA_TOKEN, NO)];
        session.generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &[(CKA_TOKEN, NO)]);
    })
}

fn create(Place { session, .. }: Place) -> Step {
    let process = std::process::id();
    Box::new(move |n| data(session, &format!("new {process} {n}")))
}

fn find(Place { session, objects, .. }: Place) -> Step {
    Box::new(move |n| {
        let label = format!("object {}", n * 7919 % u64::from(objects));
        assert!(session.find(&[(CKA_LABEL, label.as_bytes())]).len() == 1, "{label} was not found");
    })
}

/// From C_Initialize to the login, and back.
fn login(module: Module) -> Step {
    Box::new(move |_| {
        module.finalize();
        module.initialize();
        let Some(slot) = module.token() else { panic!("there is no token") };
        module.open(slot).login();
    })
}

/// One signature, for those who count the way to it.
pub fn sign_once(module: Module, session: Session) {
    sign(Place { module, session, objects: 0 }, b"p256", CKM_ECDSA, 32)(0);
}
