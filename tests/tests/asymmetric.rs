//! Edwards points through the lists of 2.40 and 3.x, key encapsulation, domain parameters: through the C ABI.

use std::ptr::null_mut;

use tests::{Home, Mechanism, Rv, Scene, Session, Template, ids::*, raw, template};

/// edwards25519 by name, as a DER PrintableString.
const EDWARDS: &[u8; 14] = b"\x13\x0cedwards25519";
/// The OID of X448 in DER.
const X448: &[u8; 5] = b"\x06\x03\x2b\x65\x6f";

fn pair(scene: &Scene, maker: CK_MECHANISM_TYPE, public: &Template) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let own = template![CKA_TOKEN => false, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
    scene.session().generate_pair(maker, public, &own).expect("C_GenerateKeyPair")
}

/// CKA_EC_POINT through the list of 3.2.
fn point_3_2(scene: &Scene, session: &Session, object: CK_OBJECT_HANDLE) -> Vec<u8> {
    let list = scene.library.c_3_2().expect("a list of 3.2");
    let mut value = vec![0; 200];
    let mut wanted = CK_ATTRIBUTE { type_: CKA_EC_POINT, pValue: value.as_mut_ptr().cast(), ulValueLen: 200 };
    assert_eq!(raw!(list, C_GetAttributeValue(session.handle, object, &mut wanted, 1)), Rv::Ok);
    value.truncate(wanted.ulValueLen as usize);
    value
}

#[test]
fn a_point_of_an_edwards_key_is_der_through_2_40_and_bare_through_3_2() {
    let scene = Scene::new();
    let session = scene.session();
    for (maker, params, len) in
        [(CKM_EC_EDWARDS_KEY_PAIR_GEN, &EDWARDS[..], 32), (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, X448, 56)]
    {
        let (public, private) = pair(&scene, maker, &template![CKA_EC_PARAMS => params]);
        for key in [public, private] {
            let (old, new) = (session.get(key, CKA_EC_POINT).unwrap(), point_3_2(&scene, &session, key));
            assert_eq!(new.len(), len);
            assert_eq!(old, [&[4, len as u8], &new[..]].concat());
        }
    }
    // Weierstrass points are DER always.
    let (public, _) = scene.ec();
    assert_eq!(session.get(public, CKA_EC_POINT).unwrap(), point_3_2(&scene, &session, public));
}

#[test]
fn a_setting_gives_points_in_one_form_always() {
    for (setting, len) in [("edwards_point=raw", 32), ("edwards_point=der", 34)] {
        let scene = Scene::on(&Home::new().with(setting));
        let (public, _) = pair(&scene, CKM_EC_EDWARDS_KEY_PAIR_GEN, &template![CKA_EC_PARAMS => EDWARDS]);
        assert_eq!(scene.session().get(public, CKA_EC_POINT).unwrap().len(), len);
        assert_eq!(point_3_2(&scene, &scene.session(), public).len(), len);
    }
}

#[test]
fn a_key_is_found_by_its_point_in_either_form() {
    let scene = Scene::new();
    let (public, private) = pair(&scene, CKM_EC_EDWARDS_KEY_PAIR_GEN, &template![CKA_EC_PARAMS => EDWARDS]);
    let bare = point_3_2(&scene, &scene.session(), public);
    for point in [bare.clone(), [b"\x04\x20", &bare[..]].concat()] {
        let mut found = scene.session().find(&template![CKA_EC_POINT => &point]).unwrap();
        found.sort_unstable();
        assert_eq!(found, [public.min(private), public.max(private)]);
    }
}

struct Sealed {
    rv: Rv,
    len: usize,
    ciphertext: Vec<u8>,
    key: CK_OBJECT_HANDLE,
}

fn encapsulate(scene: &Scene, public: CK_OBJECT_HANDLE, template: &Template, room: Option<usize>) -> Sealed {
    let list = scene.library.c_3_2().expect("a list of 3.2");
    let mut ciphertext = vec![0; room.unwrap_or(0)];
    let (mut len, mut key) = (ciphertext.len() as CK_ULONG, CK_INVALID_HANDLE);
    let out = if room.is_some() { ciphertext.as_mut_ptr() } else { null_mut() };
    let session = scene.session().handle;
    let rv = Mechanism::from(CKM_ML_KEM).lend(|mechanism| {
        template.lend(|t, n| {
            raw!(list, C_EncapsulateKey(session, mechanism, public, t, n, out, &mut len, &mut key))
        })
    });
    Sealed { rv, len: len as usize, ciphertext, key }
}

fn decapsulate(
    scene: &Scene,
    private: CK_OBJECT_HANDLE,
    template: &Template,
    ciphertext: &[u8],
) -> Result<CK_OBJECT_HANDLE, Rv> {
    let list = scene.library.c_3_2().expect("a list of 3.2");
    let (session, mut key) = (scene.session().handle, CK_INVALID_HANDLE);
    let (data, len) = (ciphertext.as_ptr().cast_mut(), ciphertext.len() as CK_ULONG);
    let rv = Mechanism::from(CKM_ML_KEM).lend(|mechanism| {
        template
            .lend(|t, n| raw!(list, C_DecapsulateKey(session, mechanism, private, t, n, data, len, &mut key)))
    });
    if rv == Rv::Ok { Ok(key) } else { Err(rv) }
}

#[test]
fn both_sides_of_an_encapsulation_get_one_key() {
    let scene = Scene::new();
    let session = scene.session();
    let kem = |set: CK_ULONG| pair(&scene, CKM_ML_KEM_KEY_PAIR_GEN, &template![CKA_PARAMETER_SET => set]);
    let open = template![CKA_KEY_TYPE => CKK_AES, CKA_VALUE_LEN => 32 as CK_ULONG, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
    for (set, len) in [(CKP_ML_KEM_512, 768), (CKP_ML_KEM_768, 1088), (CKP_ML_KEM_1024, 1568)] {
        let (public, private) = kem(set);
        let before = session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap().len();
        let query = encapsulate(&scene, public, &open, None);
        assert_eq!((query.rv, query.len, query.key), (Rv::Ok, len, CK_INVALID_HANDLE));
        let small = encapsulate(&scene, public, &open, Some(len - 1));
        assert_eq!((small.rv, small.len, small.key), (Rv::BufferTooSmall, len, CK_INVALID_HANDLE));
        assert_eq!(session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap().len(), before);
        let sealed = encapsulate(&scene, public, &open, Some(len));
        assert_eq!((sealed.rv, sealed.len), (Rv::Ok, len));
        let key = decapsulate(&scene, private, &open, &sealed.ciphertext).unwrap();
        let value = |key| session.get(key, CKA_VALUE).unwrap();
        assert_eq!(value(key), value(sealed.key));
        assert_eq!(session.flag(key, CKA_LOCAL), Ok(false));
        assert_eq!(session.flag(key, CKA_NEVER_EXTRACTABLE), Ok(false));
        let bare = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        let whole = decapsulate(&scene, private, &bare, &sealed.ciphertext).unwrap();
        assert_eq!(value(whole), value(key));
        let mut bad = sealed.ciphertext.clone();
        bad[1] ^= 1;
        assert_ne!(value(decapsulate(&scene, private, &open, &bad).unwrap()), value(key));
        assert_eq!(decapsulate(&scene, private, &open, &bad[1..]), Err(Rv::WrappedKeyLenRange));
        assert_eq!(decapsulate(&scene, public, &open, &bad), Err(Rv::KeyFunctionNotPermitted));
        let long = open.clone().with(CKA_KEY_TYPE, CKK_GENERIC_SECRET).with(CKA_VALUE_LEN, 33 as CK_ULONG);
        assert_eq!(decapsulate(&scene, private, &long, &bad), Err(Rv::KeySizeRange));
    }
    assert_eq!(encapsulate(&scene, scene.rsa().0, &open, None).rv, Rv::KeyTypeInconsistent);
    assert_eq!(encapsulate(&scene, 99, &open, None).rv, Rv::KeyHandleInvalid);
}

#[test]
fn domain_parameters_are_generated_and_used() {
    let scene = Scene::new();
    let session = scene.session();
    let wants = template![CKA_PRIME_BITS => 2048 as CK_ULONG, CKA_TOKEN => true, CKA_LABEL => "group"];
    let group = session.generate(CKM_DH_PKCS_PARAMETER_GEN, &wants).unwrap();
    assert_eq!(session.number(group, CKA_CLASS), Ok(CKO_DOMAIN_PARAMETERS));
    assert_eq!(session.number(group, CKA_KEY_TYPE), Ok(CKK_DH));
    assert_eq!(session.flag(group, CKA_LOCAL), Ok(true));
    assert_eq!(session.find(&template![CKA_LABEL => "group"]).unwrap(), [group]);
    let parts = template![CKA_PRIME => session.get(group, CKA_PRIME).unwrap(), CKA_BASE => session.get(group, CKA_BASE).unwrap()];
    let (public, private) = pair(&scene, CKM_DH_PKCS_KEY_PAIR_GEN, &parts);
    let peer = Mechanism::bytes(CKM_DH_PKCS_DERIVE, &session.get(public, CKA_VALUE).unwrap());
    let open = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_GENERIC_SECRET, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
    let secret = session.derive(peer, private, &open).unwrap();
    assert_eq!(session.get(secret, CKA_VALUE).unwrap().len(), 256);
    let copied = parts.also(CKA_CLASS, CKO_DOMAIN_PARAMETERS).also(CKA_KEY_TYPE, CKK_DH);
    let created = session.create(&copied).unwrap();
    assert_eq!(session.number(created, CKA_PRIME_BITS), Ok(2048));
    assert_eq!(session.flag(created, CKA_LOCAL), Ok(false));
}
