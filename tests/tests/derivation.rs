//! Derivations through the C border: several keys and answers through the parameter, inheritance, and refusals.

use std::ptr;

use tests::keys::{self, hex};
use tests::{Mechanism, Rv, Scene, Template, ids::*, template};

/// A generic secret of known value, with other attributes in place of its own.
fn secret(scene: &Scene, value: &[u8], other: &Template) -> CK_OBJECT_HANDLE {
    scene.object(&keys::secret(CKK_GENERIC_SECRET, value).and(other))
}

fn value(scene: &Scene, key: CK_OBJECT_HANDLE) -> Vec<u8> {
    scene.session().get(key, CKA_VALUE).expect("CKA_VALUE")
}

fn readable(len: CK_ULONG) -> Template {
    template![CKA_VALUE_LEN => len, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true]
}

fn randoms(client: &mut [u8; 32], server: &mut [u8; 32]) -> CK_SSL3_RANDOM_DATA {
    CK_SSL3_RANDOM_DATA {
        pClientRandom: client.as_mut_ptr(),
        ulClientRandomLen: 32,
        pServerRandom: server.as_mut_ptr(),
        ulServerRandomLen: 32,
    }
}

#[test]
fn a_master_key_comes_with_its_version_and_is_for_tls_only() {
    let scene = Scene::new();
    let premaster: Vec<u8> = [3, 3].into_iter().chain(0..46).collect();
    let base = secret(&scene, &premaster, &template![]);
    let (mut client, mut server) = ([1; 32], [2; 32]);
    let mut version = CK_VERSION { major: 0, minor: 0 };
    let mut params = CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
        RandomInfo: randoms(&mut client, &mut server),
        pVersion: &raw mut version,
        prfHashMechanism: CKM_SHA256,
    };
    let mechanism = Mechanism::of(CKM_TLS12_MASTER_KEY_DERIVE, &mut params);
    let master = scene.session().derive(mechanism, base, &template![]).expect("a master key");
    assert_eq!((version.major, version.minor), (3, 3));
    assert_eq!(value(&scene, master).len(), 48);
    assert_eq!(
        scene.session().sign(CKM_SHA256_HMAC, master, b"data"),
        Err(Rv::MechanismInvalid),
        "CKA_ALLOWED_MECHANISMS leaves HMAC out"
    );
    params.pVersion = ptr::null_mut();
    let mechanism = Mechanism::of(CKM_TLS12_MASTER_KEY_DERIVE_DH, &mut params);
    scene.session().derive(mechanism, base, &template![]).expect("NULL for the version is legal");
}

#[test]
fn four_keys_and_two_ivs_come_back_through_the_parameter() {
    let scene = Scene::new();
    let base = secret(&scene, &[7; 48], &template![]);
    let (mut client, mut server) = ([1; 32], [2; 32]);
    let (mut iv_client, mut iv_server) = ([0u8; 4], [0u8; 4]);
    let mut out = CK_SSL3_KEY_MAT_OUT {
        hClientMacSecret: 99,
        hServerMacSecret: 99,
        hClientKey: 99,
        hServerKey: 99,
        pIVClient: iv_client.as_mut_ptr(),
        pIVServer: iv_server.as_mut_ptr(),
    };
    let mut params = CK_TLS12_KEY_MAT_PARAMS {
        ulMacSizeInBits: 160,
        ulKeySizeInBits: 128,
        ulIVSizeInBits: 32,
        bIsExport: CK_FALSE,
        RandomInfo: randoms(&mut client, &mut server),
        pReturnedKeyMaterial: &raw mut out,
        prfHashMechanism: CKM_SHA256,
    };
    let aes = template![CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES];
    let go = |params: &mut CK_TLS12_KEY_MAT_PARAMS| {
        scene.session().derive_without_handle(Mechanism::of(CKM_TLS12_KEY_AND_MAC_DERIVE, params), base, &aes)
    };
    assert_eq!(go(&mut params), Ok(()));
    let keys = [out.hClientMacSecret, out.hServerMacSecret, out.hClientKey, out.hServerKey];
    assert_eq!(keys.map(|key| value(&scene, key).len()), [20, 20, 16, 16]);
    assert!(iv_client != [0; 4] && iv_server != [0; 4] && iv_client != iv_server);
    scene.session().sign(CKM_SHA_1_HMAC, keys[0], b"record").expect("a MAC key signs");
    scene.session().encrypt(CKM_AES_ECB, keys[2], &[0; 16]).expect("a cipher key encrypts");
    params.ulMacSizeInBits = 0;
    assert_eq!(go(&mut params), Ok(()));
    assert_eq!((out.hClientMacSecret, out.hServerMacSecret), (CK_INVALID_HANDLE, CK_INVALID_HANDLE));
    out.pIVClient = ptr::null_mut();
    params.pReturnedKeyMaterial = &raw mut out;
    assert_eq!(go(&mut params), Err(Rv::MechanismParamInvalid), "an IV without a place");
    params.bIsExport = CK_TRUE;
    assert_eq!(go(&mut params), Err(Rv::MechanismParamInvalid), "export ciphers");
    params.pReturnedKeyMaterial = ptr::null_mut();
    assert_eq!(go(&mut params), Err(Rv::MechanismParamInvalid), "no place for the keys");
}

#[test]
fn the_keys_of_a_connection_are_as_sensitive_as_their_master() {
    let scene = Scene::new();
    let base = secret(&scene, &[7; 48], &template![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false]);
    let (mut client, mut server) = ([1; 32], [2; 32]);
    let mut out = CK_SSL3_KEY_MAT_OUT {
        hClientMacSecret: 0,
        hServerMacSecret: 0,
        hClientKey: 0,
        hServerKey: 0,
        pIVClient: ptr::null_mut(),
        pIVServer: ptr::null_mut(),
    };
    let mut params = CK_SSL3_KEY_MAT_PARAMS {
        ulMacSizeInBits: 160,
        ulKeySizeInBits: 192,
        ulIVSizeInBits: 0,
        bIsExport: CK_FALSE,
        RandomInfo: randoms(&mut client, &mut server),
        pReturnedKeyMaterial: &raw mut out,
    };
    let des = template![CKA_KEY_TYPE => CKK_DES3];
    let mut go = |template: &Template| {
        let mechanism = Mechanism::of(CKM_TLS_KEY_AND_MAC_DERIVE, &mut params);
        scene.session().derive_without_handle(mechanism, base, template)
    };
    assert_eq!(go(&des.clone().with(CKA_SENSITIVE, false)), Err(Rv::TemplateInconsistent));
    assert_eq!(go(&des), Ok(()));
    for key in [out.hClientMacSecret, out.hServerMacSecret, out.hClientKey, out.hServerKey] {
        assert_eq!(scene.session().get(key, CKA_VALUE), Err(Rv::AttributeSensitive));
        assert_eq!(scene.session().get(key, CKA_EXTRACTABLE), Ok(vec![CK_FALSE]));
    }
}

#[test]
fn additional_keys_of_sp_800_108_come_with_their_own_templates() {
    let scene = Scene::new();
    let base = secret(&scene, &(0..32).collect::<Vec<u8>>(), &template![]);
    let mut counter = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_TRUE, ulWidthInBits: 16 };
    let mut length = CK_SP800_108_DKM_LENGTH_FORMAT {
        dkmLengthMethod: CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS,
        bLittleEndian: CK_TRUE,
        ulWidthInBits: 16,
    };
    let mut label = *b"label";
    let field = |type_, value: *mut std::ffi::c_void, len: usize| CK_PRF_DATA_PARAM {
        type_,
        pValue: value,
        ulValueLen: len as CK_ULONG,
    };
    let mut fields = [
        field(CK_SP800_108_ITERATION_VARIABLE, (&raw mut counter).cast(), size_of_val(&counter)),
        field(CK_SP800_108_BYTE_ARRAY, label.as_mut_ptr().cast(), 5),
        field(CK_SP800_108_DKM_LENGTH, (&raw mut length).cast(), size_of_val(&length)),
    ];
    let second = template![CKA_KEY_TYPE => CKK_AES].and(&readable(16));
    let mut handle = 0;
    second.lend(|items, count| {
        let mut more = [CK_DERIVED_KEY { pTemplate: items, ulAttributeCount: count, phKey: &raw mut handle }];
        let mut params = CK_SP800_108_KDF_PARAMS {
            prfType: CKM_SHA256_HMAC,
            ulNumberOfDataParams: 3,
            pDataParams: fields.as_mut_ptr(),
            ulAdditionalDerivedKeys: 1,
            pAdditionalDerivedKeys: more.as_mut_ptr(),
        };
        let mechanism = Mechanism::of(CKM_SP800_108_COUNTER_KDF, &mut params);
        let first = scene.session().derive(mechanism, base, &readable(48)).expect("two keys");
        // Computed with Python's hmac from the definition.
        assert_eq!(value(&scene, first), hex(ONE));
        assert_eq!(value(&scene, handle), hex(TWO));
        assert_eq!(scene.session().encrypt(CKM_AES_ECB, handle, &[0; 16]).map(|text| text.len()), Ok(16));
        more[0].phKey = ptr::null_mut();
        params.pAdditionalDerivedKeys = more.as_mut_ptr();
        let mechanism = Mechanism::of(CKM_SP800_108_COUNTER_KDF, &mut params);
        let refused = scene.session().derive(mechanism, base, &readable(48));
        assert_eq!(refused, Err(Rv::MechanismParamInvalid));
    });
}

#[test]
fn a_salt_may_be_a_key_and_the_result_may_be_data() {
    let scene = Scene::new();
    let base = scene.object(&keys::secret(CKK_HKDF, &(0..32).collect::<Vec<u8>>()));
    let mut salt = b"salt".repeat(5);
    let salt_key = secret(&scene, &salt, &template![]);
    let mut info = *b"info";
    let mut params = CK_HKDF_PARAMS {
        bExtract: CK_TRUE,
        bExpand: CK_TRUE,
        prfHashMechanism: CKM_SHA256,
        ulSaltType: CKF_HKDF_SALT_DATA,
        pSalt: salt.as_mut_ptr(),
        ulSaltLen: 20,
        hSaltKey: 0,
        pInfo: info.as_mut_ptr(),
        ulInfoLen: 4,
    };
    let derive = |id, params: &mut CK_HKDF_PARAMS, template: &Template| {
        scene.session().derive(Mechanism::of(id, params), base, template)
    };
    let key = derive(CKM_HKDF_DERIVE, &mut params, &readable(50)).expect("with data");
    assert_eq!(value(&scene, key), hex(HKDF));
    params.ulSaltType = CKF_HKDF_SALT_KEY;
    params.hSaltKey = salt_key;
    let key = derive(CKM_HKDF_DERIVE, &mut params, &readable(50)).expect("with a key");
    assert_eq!(value(&scene, key), hex(HKDF));
    let of_data = template![CKA_CLASS => CKO_DATA, CKA_VALUE_LEN => 50 as CK_ULONG, CKA_LABEL => "derived"];
    let data = derive(CKM_HKDF_DATA, &mut params, &of_data).expect("data");
    assert_eq!(value(&scene, data), hex(HKDF));
    params.hSaltKey = 4711;
    assert_eq!(derive(CKM_HKDF_DERIVE, &mut params, &readable(50)), Err(Rv::KeyHandleInvalid));
    params.ulSaltType = 3;
    assert_eq!(derive(CKM_HKDF_DERIVE, &mut params, &readable(50)), Err(Rv::MechanismParamInvalid));
}

#[test]
fn a_sensitive_key_cannot_be_drawn_out_piece_by_piece() {
    let scene = Scene::new();
    let base = secret(&scene, &[9; 16], &template![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false]);
    let open = secret(&scene, &[8; 16], &template![]);
    let mut data = [1u8; 16];
    let mut string = CK_KEY_DERIVATION_STRING_DATA { pData: data.as_mut_ptr(), ulLen: 16 };
    for id in [CKM_CONCATENATE_BASE_AND_DATA, CKM_CONCATENATE_DATA_AND_BASE, CKM_XOR_BASE_AND_DATA] {
        let mut derive =
            |template: &Template| scene.session().derive(Mechanism::of(id, &mut string), base, template);
        assert_eq!(derive(&readable(8)), Err(Rv::TemplateInconsistent));
        let key = derive(&template![]).expect("as sensitive as its base");
        assert_eq!(scene.session().get(key, CKA_VALUE), Err(Rv::AttributeSensitive));
    }
    let extract = Mechanism::number(CKM_EXTRACT_KEY_FROM_KEY, 0);
    assert_eq!(scene.session().derive(extract, base, &readable(1)), Err(Rv::TemplateInconsistent));
    // The other key of a concatenation counts as well.
    let other = Mechanism::number(CKM_CONCATENATE_BASE_AND_KEY, base);
    assert_eq!(scene.session().derive(other.clone(), open, &readable(32)), Err(Rv::TemplateInconsistent));
    let key = scene.session().derive(other, open, &template![]).expect("as sensitive as either");
    assert_eq!(scene.session().get(key, CKA_EXTRACTABLE), Ok(vec![CK_FALSE]));
}

#[test]
fn a_password_becomes_a_key_by_either_struct() {
    let scene = Scene::new();
    let (mut salt, mut password, mut len) = (*b"salt", *b"password", 8 as CK_ULONG);
    let mut new = CK_PKCS5_PBKD2_PARAMS2 {
        saltSource: CKZ_SALT_SPECIFIED,
        pSaltSourceData: salt.as_mut_ptr().cast(),
        ulSaltSourceDataLen: 4,
        iterations: 1000,
        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
        pPrfData: ptr::null_mut(),
        ulPrfDataLen: 0,
        pPassword: password.as_mut_ptr(),
        ulPasswordLen: 8,
    };
    let mut old = CK_PKCS5_PBKD2_PARAMS {
        saltSource: CKZ_SALT_SPECIFIED,
        pSaltSourceData: salt.as_mut_ptr().cast(),
        ulSaltSourceDataLen: 4,
        iterations: 1000,
        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
        pPrfData: ptr::null_mut(),
        ulPrfDataLen: 0,
        pPassword: password.as_mut_ptr(),
        ulPasswordLen: &raw mut len,
    };
    // RFC 8018, computed with Python's hashlib.
    let expected = hex("632c2812e46d4604102ba7618e9d6d7d2f8128f6266b4a03264d2a0460b7dcb3");
    let wanted = readable(32).and(&template![CKA_KEY_TYPE => CKK_AES]);
    for mechanism in [Mechanism::of(CKM_PKCS5_PBKD2, &mut new), Mechanism::of(CKM_PKCS5_PBKD2, &mut old)] {
        let key = scene.session().generate(mechanism, &wanted).expect("a key");
        assert_eq!(value(&scene, key), expected);
    }
    new.saltSource = 7;
    let refused = scene.session().generate(Mechanism::of(CKM_PKCS5_PBKD2, &mut new), &wanted);
    assert_eq!(refused, Err(Rv::MechanismParamInvalid));
}

#[test]
fn a_premaster_secret_begins_with_its_version() {
    let scene = Scene::new();
    let mechanism = Mechanism::bytes(CKM_TLS_PRE_MASTER_KEY_GEN, &[3, 1]);
    let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true, CKA_TOKEN => false];
    let key = scene.session().generate(mechanism.clone(), &open).expect("a pre-master secret");
    let made = value(&scene, key);
    assert_eq!((made.len(), &made[..2]), (48, &[3, 1][..]));
    let refused = scene.session().generate(mechanism, &open.with(CKA_VALUE_LEN, 47 as CK_ULONG));
    assert_eq!(refused, Err(Rv::TemplateInconsistent));
    let refused = scene.session().generate(CKM_GENERIC_SECRET_KEY_GEN, &template![]);
    assert_eq!(refused, Err(Rv::TemplateIncomplete));
}

#[test]
fn the_public_half_of_a_private_key_verifies_what_it_signs() {
    let scene = Scene::new();
    for (private, mechanism) in
        [(keys::rsa_private(), CKM_SHA256_RSA_PKCS), (keys::ec_private(), CKM_ECDSA_SHA256)]
    {
        let private = scene.object(&private.with(CKA_ID, b"id"));
        let public = scene.session().derive(CKM_PUB_KEY_FROM_PRIV_KEY, private, &template![]);
        let public = public.expect("the public half");
        let signature = scene.session().sign(mechanism, private, b"data").expect("a signature");
        assert_eq!(scene.session().verify(mechanism, public, b"data", &signature), Ok(()));
        assert_eq!(scene.session().get(public, CKA_ID), Ok(b"id".to_vec()));
        assert_eq!(scene.session().get(public, CKA_PRIVATE), Ok(vec![CK_FALSE]));
    }
    let refused = scene.session().derive(CKM_PUB_KEY_FROM_PRIV_KEY, scene.aes(&[1; 16]), &template![]);
    assert_eq!(refused, Err(Rv::KeyTypeInconsistent));
}

#[test]
fn des_keys_have_odd_parity_when_the_token_makes_them_and_any_when_they_come() {
    let scene = Scene::new();
    let open = template![CKA_SENSITIVE => false, CKA_EXTRACTABLE => true, CKA_TOKEN => false];
    for (id, len) in [(CKM_DES_KEY_GEN, 8), (CKM_DES2_KEY_GEN, 16), (CKM_DES3_KEY_GEN, 24)] {
        let key = scene.session().generate(id, &open).expect("a DES key");
        let value = value(&scene, key);
        assert_eq!(value.len(), len);
        assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1), "{value:02x?}");
    }
    let imported = scene.object(&keys::secret(CKK_DES3, &[0; 24]));
    assert_eq!(value(&scene, imported), [0; 24]);
    let mut data = [0u8; 24];
    let mut string = CK_KEY_DERIVATION_STRING_DATA { pData: data.as_mut_ptr(), ulLen: 24 };
    let derived = scene.session().derive(
        Mechanism::of(CKM_DES3_ECB_ENCRYPT_DATA, &mut string),
        imported,
        &open.with(CKA_KEY_TYPE, CKK_DES3),
    );
    let derived = value(&scene, derived.expect("a derived DES key"));
    assert!(derived.iter().all(|byte| byte.count_ones() % 2 == 1), "{derived:02x?}");
}

const ONE: &str =
    "f5d1ae75c9c221c81477ac83e4ca8efef34ee50571c064e9d924c1208739eadf1f32244a2db038b6d5855110b67d2de5";
const TWO: &str = "73fe6f08dd395c6ec7f8eb4746310bd1";
const HKDF: &str =
    "1666cb5605fe554789df4b32b41220d15c619f2e9abb4a251b4aecb58b535f7bc738d8e2c100a08789e01f1eeddeb00cb310";
