//! IBM GSKit (runmqakm) and MQ.

use tests::{LABEL, Mechanism, Scene, USER_PIN, ids::*, keys, template};

/// The token by its label, certificates by theirs, a key for a PKCS#10 request, and later the signed certificate
/// under the key's CKA_ID.
#[test]
fn gskit_asks_for_a_certificate_and_stores_it_under_the_id_of_its_key() {
    let scene = Scene::closed();
    // -tokenlabel: every slot with a token is asked for its label, padded to 32 bytes.
    let slot = scene.library.slot_of(LABEL).expect("the token by its label");
    let session = scene.library.open(slot, true).expect("C_OpenSession");
    session.login(CKU_USER, USER_PIN).expect("C_Login");
    let labelled = |label: &str| template![CKA_CLASS => CKO_CERTIFICATE, CKA_LABEL => label];
    assert_eq!(session.find(&labelled("mq")), Ok(vec![]), "-cert -list of a fresh token");

    // -certreq -create: an RSA pair in the token, and a request signed by it.
    let id = [0x51; 20];
    let public = template![
        CKA_TOKEN => true,
        CKA_LABEL => "mq",
        CKA_ID => &id,
        CKA_MODULUS_BITS => 2048 as CK_ULONG,
        CKA_PUBLIC_EXPONENT => b"\x01\x00\x01",
        CKA_VERIFY => true,
    ];
    let private = template![CKA_TOKEN => true, CKA_PRIVATE => true, CKA_SENSITIVE => true, CKA_LABEL => "mq", CKA_ID => &id, CKA_SIGN => true];
    let pair = session.generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &public, &private);
    let (public, private) = pair.expect("C_GenerateKeyPair");
    let modulus = session.get(public, CKA_MODULUS).expect("CKA_MODULUS");
    assert_eq!((modulus.len(), session.get(private, CKA_MODULUS)), (256, Ok(modulus)), "for the request");
    let request = b"the CertificationRequestInfo of PKCS#10";
    let signature = session.sign(CKM_SHA256_RSA_PKCS, private, request).expect("C_Sign");
    assert_eq!(session.verify(CKM_SHA256_RSA_PKCS, public, request, &signature), Ok(()));
    let digest = session.digest(CKM_SHA256, request).expect("C_Digest");
    let pss = || Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
    let signature = session.sign(pss(), private, &digest).expect("C_Sign");
    assert_eq!(session.verify(pss(), public, &digest, &signature), Ok(()));

    // -cert -receive, in another process: the certificate of the request goes under the id of the key.
    session.close().expect("C_CloseSession");
    let (second, slot) = scene.second();
    let session = second.open(slot, true).expect("C_OpenSession");
    session.login(CKU_USER, USER_PIN).expect("C_Login");
    let key =
        session.find(&template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_LABEL => "mq"]).expect("C_FindObjects");
    let id = session.get(key[0], CKA_ID).expect("CKA_ID");
    let received = keys::certificate().with(CKA_TOKEN, true).with(CKA_LABEL, "mq").with(CKA_ID, id.clone());
    let certificate = session.create(&received).expect("C_CreateObject");
    assert_eq!(session.find(&labelled("mq")), Ok(vec![certificate]), "-cert -list");
    let found = session.find(&template![CKA_CLASS => CKO_PRIVATE_KEY, CKA_ID => id]).expect("C_FindObjects");
    assert_eq!(found, key, "the key of the certificate, by its id");
}
