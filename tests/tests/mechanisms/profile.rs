//! `profile=modern` through the C border: what is weak is off, and what was protected before can still be read.

use std::collections::BTreeSet;
use std::ptr::null_mut;

use tests::{
    Home, Kind, LABEL, Library, Mechanism, Rv, Scene, Session, USER_PIN, ids::*, keys, names, raw, template,
};

const P224: &[u8; 7] = b"\x06\x05\x2b\x81\x04\x00\x21";

fn modern() -> Scene {
    Scene::on(&Home::new().with("profile=modern"))
}

/// A token that was filled without a profile, and now is looked at with one.
struct Old {
    scene: Scene,
    library: Library,
}

impl Old {
    fn new() -> Old {
        let home = Home::new();
        let scene = Scene::on(&home);
        let library = Library::on(&home.with("profile=modern"));
        Old { scene, library }
    }

    /// A session under the profile, and the handle there of each token object with these labels.
    fn now(&self, labels: &[&str]) -> (Session<'_>, Vec<CK_OBJECT_HANDLE>) {
        let slot = self.library.slot_of(LABEL).expect("the token");
        let session = self.library.open(slot, true).expect("a session");
        session.login(CKU_USER, USER_PIN).expect("C_Login");
        let find = |label: &&str| session.find(&template![CKA_LABEL => *label]).expect("find")[0];
        (session, labels.iter().map(find).collect())
    }
}

fn list(scene: &Scene) -> BTreeSet<CK_MECHANISM_TYPE> {
    let (c, slot, mut count) = (scene.library.c(), scene.slot, 0);
    assert_eq!(raw!(c, C_GetMechanismList(slot, null_mut(), &mut count)), Rv::Ok);
    let mut list = vec![0; count as usize];
    assert_eq!(raw!(c, C_GetMechanismList(slot, list.as_mut_ptr(), &mut count)), Rv::Ok);
    list.into_iter().collect()
}

fn info(scene: &Scene, id: CK_MECHANISM_TYPE) -> (Rv, CK_MECHANISM_INFO) {
    let mut info = CK_MECHANISM_INFO::default();
    (raw!(scene.library.c(), C_GetMechanismInfo(scene.slot, id, &mut info)), info)
}

#[test]
fn the_list_and_the_info_leave_out_what_is_off() {
    let (open, modern) = (Scene::closed(), modern());
    let (all, left) = (list(&open), list(&modern));
    assert!(left.is_subset(&all));
    let off: BTreeSet<_> = all.difference(&left).map(|id| names::mechanism(*id).into_owned()).collect();
    for name in
        ["CKM_MD5", "CKM_MD5_HMAC", "CKM_MD5_RSA_PKCS", "CKM_DES_CBC", "CKM_DES_KEY_GEN", "CKM_DES3_KEY_GEN"]
    {
        assert!(off.contains(name), "{name} is there");
    }
    for name in
        ["CKM_SHA_1", "CKM_SHA_1_HMAC", "CKM_SHA1_RSA_PKCS", "CKM_DES3_CBC", "CKM_RSA_PKCS", "CKM_AES_ECB"]
    {
        assert!(!off.contains(name), "{name} is gone");
    }
    for id in all.difference(&left) {
        assert_eq!(info(&modern, *id).0, Rv::MechanismInvalid, "{}", names::mechanism(*id));
    }
    let signs = CKF_SIGN | CKF_MESSAGE_SIGN;
    for id in [CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_ECDSA_SHA1, CKM_DSA_SHA1, CKM_DSA_SHA256] {
        let (rv, said) = info(&modern, id);
        assert_eq!((rv, said.flags & signs, said.flags & CKF_VERIFY), (Rv::Ok, 0, CKF_VERIFY));
    }
    let said = info(&modern, CKM_DES3_CBC).1;
    assert_eq!(said.flags & (CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP), CKF_DECRYPT | CKF_UNWRAP);
    for (id, least) in [
        (CKM_RSA_PKCS_KEY_PAIR_GEN, 2048),
        (CKM_RSA_PKCS, 2048),
        (CKM_ECDSA, 256),
        (CKM_DH_PKCS_DERIVE, 2048),
    ] {
        assert_eq!(info(&modern, id).1.ulMinKeySize, least, "{}", names::mechanism(id));
    }
    let objects = modern.session().find(&template![CKA_CLASS => CKO_MECHANISM]).expect("find").len();
    assert_eq!(objects, left.len(), "the mechanism objects are those of the list");
}

#[test]
fn a_key_that_is_too_small_is_neither_made_nor_taken() {
    let scene = modern();
    let session = scene.session();
    let none = template![CKA_TOKEN => false];
    let pair = |id, public: tests::Template| session.generate_pair(id, &public.and(&none), &none).map(drop);
    let rsa = |bits: CK_ULONG| template![CKA_MODULUS_BITS => bits, CKA_PUBLIC_EXPONENT => &[1, 0, 1]];
    assert_eq!(pair(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(1024)), Err(Rv::KeySizeRange));
    assert_eq!(pair(CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(2048)), Ok(()));
    let curve = |oid: &[u8]| template![CKA_EC_PARAMS => oid];
    assert_eq!(pair(CKM_EC_KEY_PAIR_GEN, curve(P224)), Err(Rv::CurveNotSupported));
    assert_eq!(pair(CKM_EC_KEY_PAIR_GEN, curve(keys::P256)), Ok(()));
    assert_eq!(
        session.generate(CKM_DH_PKCS_PARAMETER_GEN, &template![CKA_PRIME_BITS => 512 as CK_ULONG]),
        Err(Rv::KeySizeRange)
    );
    let small = template![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_RSA,
        CKA_MODULUS => [&[0xc1][..], &[0x55; 126], &[0x57]].concat(),
        CKA_PUBLIC_EXPONENT => &[1, 0, 1],
    ];
    assert_eq!(session.create(&small), Err(Rv::KeySizeRange));
    for (kind, len) in [(CKK_DES, 8), (CKK_DES2, 16)] {
        assert_eq!(session.create(&keys::secret(kind, &vec![1; len])), Err(Rv::KeySizeRange));
    }
    assert_eq!(session.generate(CKM_DES3_KEY_GEN, &none), Err(Rv::MechanismInvalid));
    let scalar = template![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_EC,
        CKA_EC_PARAMS => P224,
        CKA_VALUE => &[7; 28],
    ];
    assert_eq!(session.create(&scalar), Err(Rv::CurveNotSupported));
}

#[test]
fn a_small_key_that_was_there_before_is_seen_but_does_not_work() {
    let old = Old::new();
    let session = old.scene.session();
    let rsa = template![CKA_MODULUS_BITS => 1024 as CK_ULONG, CKA_PUBLIC_EXPONENT => &[1, 0, 1]];
    let named = |label: &str| template![CKA_TOKEN => true, CKA_LABEL => label];
    session
        .generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &rsa.and(&named("public")), &named("private"))
        .expect("a pair");
    let (now, found) = old.now(&["public", "private"]);
    assert_eq!(now.number(found[0], CKA_MODULUS_BITS), Ok(1024));
    assert_eq!(now.sign(CKM_SHA256_RSA_PKCS, found[1], b"data"), Err(Rv::KeySizeRange));
    assert_eq!(now.verify(CKM_SHA256_RSA_PKCS, found[0], b"data", &[0; 128]), Err(Rv::KeySizeRange));
    assert_eq!(now.whole(Kind::Encrypt, CKM_RSA_PKCS, found[0], b"data"), Err(Rv::KeySizeRange));
}

#[test]
fn what_was_signed_or_encrypted_before_can_be_verified_and_decrypted() {
    let old = Old::new();
    let session = old.scene.session();
    let named = |label: &str| template![CKA_TOKEN => true, CKA_LABEL => label];
    let (_, private) = old.scene.rsa();
    session.create(&keys::rsa_public().and(&named("public"))).expect("a public key");
    session.create(&keys::rsa_private().and(&named("private"))).expect("a private key");
    let triple = keys::hex("0123456789abcdef23456789abcdef01456789abcdef0123");
    let cipher = session.create(&keys::secret(CKK_DES3, &triple).and(&named("cipher"))).expect("a key");
    let signature = session.sign(CKM_SHA1_RSA_PKCS, private, b"data").expect("a signature");
    let pss = || Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, 20);
    let of_digest = session.sign(pss(), private, &[7; 20]).expect("a signature");
    let iv = || Mechanism::bytes(CKM_DES3_CBC_PAD, &[0; 8]);
    let text = session.whole(Kind::Encrypt, iv(), cipher, b"what is old").expect("a ciphertext");

    let (now, found) = old.now(&["public", "private", "cipher"]);
    assert_eq!(now.verify(CKM_SHA1_RSA_PKCS, found[0], b"data", &signature), Ok(()));
    assert_eq!(now.verify(pss(), found[0], &[7; 20], &of_digest), Ok(()));
    assert_eq!(now.whole(Kind::Decrypt, iv(), found[2], &text), Ok(b"what is old".to_vec()));

    assert_eq!(now.sign(CKM_SHA1_RSA_PKCS, found[1], b"data"), Err(Rv::MechanismInvalid));
    assert_eq!(now.sign(pss(), found[1], &[7; 20]), Err(Rv::MechanismParamInvalid));
    assert_eq!(now.begin(Kind::Encrypt, iv(), found[2]), Err(Rv::MechanismInvalid));
    assert_eq!(now.wrap(iv(), found[2], found[2]).map(drop), Err(Rv::MechanismInvalid));
    assert_eq!(now.begin(Kind::Digest, CKM_MD5, 0), Err(Rv::MechanismInvalid));
    let messages = now.begin_messages(Kind::Sign, Some(CKM_SHA1_RSA_PKCS.into()), found[1]);
    assert_eq!(messages, Err(Rv::MechanismInvalid));
    assert!(now.sign(CKM_SHA256_RSA_PKCS, found[1], b"data").is_ok());
}

#[test]
fn a_saved_digest_does_not_bring_back_what_is_off() {
    let scene = modern();
    let session = scene.session();
    session.begin(Kind::Digest, CKM_SHA_1, 0).expect("SHA-1 as a digest is no signature");
    let state = session.operation_state().expect("a state");
    session.set_operation_state(&state, 0, 0).expect("the same again");
}

#[test]
fn a_profile_that_is_not_there_is_told_at_once() {
    let library = Library::asleep(&Home::new().with("profile=ancient"));
    assert_eq!(library.initialize(), Err(Rv::ArgumentsBad));
}
