//! ECDSA that is always the same for the same data: asked by the parameter, or by a setting.

use tests::{Home, Mechanism, Rv, Scene, ids::*, keys, template};

/// RFC 6979 A.2.5: P-256, SHA-256, "sample".
const SCALAR: &str = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
const SIGNATURE: &str = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                         f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
const SHA256: &str = "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf";

fn key(scene: &Scene) -> CK_OBJECT_HANDLE {
    scene.object(&template![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_EC,
        CKA_EC_PARAMS => keys::P256,
        CKA_VALUE => keys::hex(SCALAR),
        CKA_TOKEN => false,
    ])
}

fn hedge(variant: CK_HEDGE_TYPE) -> CK_SIGN_ADDITIONAL_CONTEXT {
    CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: variant, ..Default::default() }
}

#[test]
fn the_parameter_asks_for_a_signature_without_randomness() {
    let scene = Scene::new();
    let (key, session) = (key(&scene), scene.session());
    let mut p = hedge(CKH_DETERMINISTIC_REQUIRED);
    let signature = session.sign(Mechanism::of(CKM_ECDSA_SHA256, &mut p), key, b"sample");
    assert_eq!(signature, Ok(keys::hex(SIGNATURE)));
    // Of a bare digest the length tells the hash.
    let signature = session.sign(Mechanism::of(CKM_ECDSA, &mut p), key, &keys::hex(SHA256));
    assert_eq!(signature, Ok(keys::hex(SIGNATURE)));
    for variant in [CKH_HEDGE_PREFERRED, CKH_HEDGE_REQUIRED] {
        let signature = session.sign(Mechanism::of(CKM_ECDSA_SHA256, &mut hedge(variant)), key, b"sample");
        assert_ne!(signature.expect("a signature"), keys::hex(SIGNATURE));
    }
    let bare = [0, 1].map(|_| session.sign(CKM_ECDSA_SHA256, key, b"sample").expect("a signature"));
    assert_ne!(bare[0], bare[1]);
}

#[test]
fn a_parameter_that_ecdsa_has_no_use_for_is_refused() {
    let scene = Scene::new();
    let (key, session) = (key(&scene), scene.session());
    let refused = |p: &mut CK_SIGN_ADDITIONAL_CONTEXT| {
        assert_eq!(
            session.sign(Mechanism::of(CKM_ECDSA_SHA256, p), key, b"sample"),
            Err(Rv::MechanismParamInvalid)
        );
    };
    refused(&mut hedge(17));
    let mut context = *b"context";
    let with = CK_SIGN_ADDITIONAL_CONTEXT { pContext: context.as_mut_ptr(), ulContextLen: 7, ..hedge(0) };
    refused(&mut { with });
    let short = Mechanism::bytes(CKM_ECDSA_SHA256, &[0; 8]);
    assert_eq!(session.sign(short, key, b"sample"), Err(Rv::MechanismParamInvalid));
}

#[test]
fn a_setting_makes_all_signatures_the_same_unless_the_caller_wants_it_otherwise() {
    let scene = Scene::on(&Home::new().with("deterministic_signatures=true"));
    let (key, session) = (key(&scene), scene.session());
    assert_eq!(session.sign(CKM_ECDSA_SHA256, key, b"sample"), Ok(keys::hex(SIGNATURE)));
    let mut p = hedge(CKH_HEDGE_REQUIRED);
    let hedged = session.sign(Mechanism::of(CKM_ECDSA_SHA256, &mut p), key, b"sample");
    assert_ne!(hedged, Ok(keys::hex(SIGNATURE)));
    let set = template![CKA_PARAMETER_SET => CKP_ML_DSA_44 as CK_ULONG, CKA_TOKEN => false];
    let own = template![CKA_TOKEN => false];
    let (_, key) = session.generate_pair(CKM_ML_DSA_KEY_PAIR_GEN, &set, &own).expect("a pair");
    let twice = [0, 1].map(|_| session.sign(CKM_ML_DSA, key, b"sample").expect("a signature"));
    assert_eq!(twice[0], twice[1]);
}
