//! Two operations over the same data, signatures that give their data back, and keys digested
//! (PKCS#11 v3.2 §5.12.4, §5.13.6, §5.15.6, §5.17).

use tests::{Answer, Kind, Rv, Scene, ids::*, raw, room};

const DATA: &[u8] = &[0x61; 48];

#[derive(Clone, Copy, Debug)]
enum Dual {
    DigestEncrypt,
    DecryptDigest,
    SignEncrypt,
    DecryptVerify,
}

fn dual(scene: &Scene, dual: Dual, part: &[u8], size: Option<usize>) -> Answer {
    let (c, h) = (scene.library.c(), scene.session().handle);
    let (d, n) = (part.as_ptr().cast_mut(), part.len() as CK_ULONG);
    room(size, |p, l| match dual {
        Dual::DigestEncrypt => raw!(c, C_DigestEncryptUpdate(h, d, n, p, l)),
        Dual::DecryptDigest => raw!(c, C_DecryptDigestUpdate(h, d, n, p, l)),
        Dual::SignEncrypt => raw!(c, C_SignEncryptUpdate(h, d, n, p, l)),
        Dual::DecryptVerify => raw!(c, C_DecryptVerifyUpdate(h, d, n, p, l)),
    })
}

#[test]
fn each_pair_does_what_its_two_halves_do_alone() {
    let scene = Scene::new();
    let session = scene.session();
    let (aes, secret) = (scene.aes(&[1; 16]), scene.secret(&[2; 32]));
    let cipher = session.encrypt(CKM_AES_ECB, aes, DATA).expect("encrypt");
    let digest = session.digest(CKM_SHA256, DATA).expect("digest");
    let mac = session.sign(CKM_SHA256_HMAC, secret, DATA).expect("sign");

    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    session.begin(Kind::Encrypt, CKM_AES_ECB, aes).expect("C_EncryptInit");
    assert_eq!(dual(&scene, Dual::DigestEncrypt, DATA, Some(48)).bytes(), Ok(cipher.clone()));
    assert_eq!(session.finish(Kind::Encrypt, Some(16)).bytes(), Ok(vec![]));
    assert_eq!(session.finish(Kind::Digest, Some(32)).bytes(), Ok(digest.clone()));

    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    session.begin(Kind::Decrypt, CKM_AES_ECB, aes).expect("C_DecryptInit");
    assert_eq!(dual(&scene, Dual::DecryptDigest, &cipher, Some(48)).bytes(), Ok(DATA.to_vec()));
    assert_eq!(session.finish(Kind::Decrypt, Some(16)).bytes(), Ok(vec![]));
    assert_eq!(session.finish(Kind::Digest, Some(32)).bytes(), Ok(digest));

    session.begin(Kind::Sign, CKM_SHA256_HMAC, secret).expect("C_SignInit");
    session.begin(Kind::Encrypt, CKM_AES_ECB, aes).expect("C_EncryptInit");
    assert_eq!(dual(&scene, Dual::SignEncrypt, DATA, Some(48)).bytes(), Ok(cipher.clone()));
    assert_eq!(session.finish(Kind::Encrypt, Some(16)).bytes(), Ok(vec![]));
    assert_eq!(session.finish(Kind::Sign, Some(32)).bytes(), Ok(mac.clone()));

    session.begin(Kind::Verify, CKM_SHA256_HMAC, secret).expect("C_VerifyInit");
    session.begin(Kind::Decrypt, CKM_AES_ECB, aes).expect("C_DecryptInit");
    assert_eq!(dual(&scene, Dual::DecryptVerify, &cipher, Some(48)).bytes(), Ok(DATA.to_vec()));
    assert_eq!(session.finish(Kind::Decrypt, Some(16)).bytes(), Ok(vec![]));
    assert_eq!(session.verify_finish(&mac), Ok(()));
}

#[test]
fn a_buffer_too_small_moves_neither_half() {
    let scene = Scene::new();
    let session = scene.session();
    let aes = scene.aes(&[1; 16]);
    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    session.begin(Kind::Encrypt, CKM_AES_ECB, aes).expect("C_EncryptInit");
    for size in [None, Some(47), None] {
        let answer = dual(&scene, Dual::DigestEncrypt, DATA, size);
        let expected = if size.is_some() { Rv::BufferTooSmall } else { Rv::Ok };
        assert_eq!((answer.rv, answer.length), (expected, 48));
    }
    assert_eq!(dual(&scene, Dual::DigestEncrypt, DATA, Some(48)).rv, Rv::Ok);
    let digest = session.finish(Kind::Digest, Some(32)).bytes();
    session.cancel(Kind::Encrypt);
    assert_eq!(digest, session.digest(CKM_SHA256, DATA));
}

#[test]
fn one_half_alone_is_not_enough() {
    let scene = Scene::new();
    let session = scene.session();
    let aes = scene.aes(&[1; 16]);
    session.begin(Kind::Encrypt, CKM_AES_ECB, aes).expect("C_EncryptInit");
    let answer = dual(&scene, Dual::DigestEncrypt, DATA, Some(48));
    assert_eq!(answer.rv, Rv::OperationNotInitialized);
    session.cancel(Kind::Encrypt);
    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    assert_eq!(dual(&scene, Dual::DecryptDigest, DATA, Some(48)).rv, Rv::OperationNotInitialized);
}

fn begin_recover(scene: &Scene, sign: bool, id: CK_MECHANISM_TYPE, key: CK_OBJECT_HANDLE) -> Rv {
    let (c, h) = (scene.library.c(), scene.session().handle);
    let mut mechanism = CK_MECHANISM { mechanism: id, pParameter: std::ptr::null_mut(), ulParameterLen: 0 };
    match sign {
        true => raw!(c, C_SignRecoverInit(h, &mut mechanism, key)),
        false => raw!(c, C_VerifyRecoverInit(h, &mut mechanism, key)),
    }
}

fn recover(scene: &Scene, sign: bool, data: &[u8], size: Option<usize>) -> Answer {
    let (c, h) = (scene.library.c(), scene.session().handle);
    let (d, n) = (data.as_ptr().cast_mut(), data.len() as CK_ULONG);
    room(size, |p, l| match sign {
        true => raw!(c, C_SignRecover(h, d, n, p, l)),
        false => raw!(c, C_VerifyRecover(h, d, n, p, l)),
    })
}

#[test]
fn a_signature_gives_its_data_back() {
    let scene = Scene::new();
    let (public, private) = scene.rsa();
    assert_eq!(begin_recover(&scene, true, CKM_RSA_PKCS, private), Rv::Ok);
    assert_eq!(begin_recover(&scene, true, CKM_RSA_PKCS, private), Rv::OperationActive);
    assert_eq!(recover(&scene, true, DATA, None).length, 256);
    assert_eq!(recover(&scene, true, DATA, Some(255)).rv, Rv::BufferTooSmall);
    let signature = recover(&scene, true, DATA, Some(256)).bytes().expect("C_SignRecover");
    assert_eq!(recover(&scene, true, DATA, Some(256)).rv, Rv::OperationNotInitialized);

    assert_eq!(begin_recover(&scene, false, CKM_RSA_PKCS, public), Rv::Ok);
    assert_eq!(recover(&scene, false, &signature, Some(47)).rv, Rv::BufferTooSmall);
    assert_eq!(recover(&scene, false, &signature, Some(48)).bytes(), Ok(DATA.to_vec()));

    let mut forged = signature;
    forged[100] ^= 1;
    assert_eq!(begin_recover(&scene, false, CKM_RSA_PKCS, public), Rv::Ok);
    assert_eq!(recover(&scene, false, &forged, Some(1)).rv, Rv::SignatureInvalid, "before the small buffer");
    assert_eq!(begin_recover(&scene, false, CKM_RSA_PKCS, public), Rv::Ok);
    assert_eq!(recover(&scene, false, &forged[1..], Some(256)).rv, Rv::SignatureLenRange);
    assert_eq!(begin_recover(&scene, false, CKM_SHA256_RSA_PKCS, public), Rv::MechanismInvalid);
}

#[test]
fn a_key_is_digested_as_its_value_is() {
    let scene = Scene::new();
    let session = scene.session();
    let (secret, (public, _)) = (scene.secret(b"a secret value"), scene.rsa());
    session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
    assert_eq!(session.update(Kind::Digest, b"before ", None).rv, Rv::Ok);
    assert_eq!(session.digest_key(public), Err(Rv::KeyIndigestible));
    assert_eq!(session.digest_key(4711), Err(Rv::KeyHandleInvalid));
    assert_eq!(session.digest_key(secret), Ok(()));
    let digest = session.finish(Kind::Digest, Some(32)).bytes();
    assert_eq!(digest, session.digest(CKM_SHA256, b"before a secret value"));
    assert_eq!(session.digest_key(secret), Err(Rv::OperationNotInitialized));
}
