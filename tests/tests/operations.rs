//! Operations: every mechanism of the first issue, its length protocol, its parts, and its refusals.

use tests::keys;
use tests::{Kind, Mechanism, Rv, Scene, Session, ids::*, names, template};

/// Long enough for several blocks, and a multiple of none but 16.
const DATA: &[u8; 208] = &[0x6B; 208];

/// A generic secret as long as the longest digest.
const SECRET: &[u8; 64] = &[0x5E; 64];

/// What an operation works with: a kind, a mechanism, a key, and data that it accepts.
struct Work {
    kind: Kind,
    mechanism: Mechanism,
    key: CK_OBJECT_HANDLE,
    data: Vec<u8>,
    /// Whether the standard lets it be done in parts.
    parts: bool,
    /// Whether it answers the same each time.
    steady: bool,
}

/// Keys of every type.
struct Keys {
    aes: CK_OBJECT_HANDLE,
    secret: CK_OBJECT_HANDLE,
    rsa: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    ec: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
}

impl Keys {
    fn of(scene: &Scene) -> Keys {
        Keys { aes: scene.aes(&[0x2B; 16]), secret: scene.secret(SECRET), rsa: scene.rsa(), ec: scene.ec() }
    }
}

/// SHA-1, SHA-256, SHA-384, SHA-512 with the mechanisms built on them.
struct Hash {
    digest: CK_MECHANISM_TYPE,
    length: usize,
    mgf: CK_RSA_PKCS_MGF_TYPE,
    hmac: CK_MECHANISM_TYPE,
    pkcs: CK_MECHANISM_TYPE,
    pss: CK_MECHANISM_TYPE,
    ecdsa: CK_MECHANISM_TYPE,
}

const HASHES: &[Hash] = &[
    Hash {
        digest: CKM_SHA_1,
        length: 20,
        mgf: CKG_MGF1_SHA1,
        hmac: CKM_SHA_1_HMAC,
        pkcs: CKM_SHA1_RSA_PKCS,
        pss: CKM_SHA1_RSA_PKCS_PSS,
        ecdsa: CKM_ECDSA_SHA1,
    },
    Hash {
        digest: CKM_SHA256,
        length: 32,
        mgf: CKG_MGF1_SHA256,
        hmac: CKM_SHA256_HMAC,
        pkcs: CKM_SHA256_RSA_PKCS,
        pss: CKM_SHA256_RSA_PKCS_PSS,
        ecdsa: CKM_ECDSA_SHA256,
    },
    Hash {
        digest: CKM_SHA384,
        length: 48,
        mgf: CKG_MGF1_SHA384,
        hmac: CKM_SHA384_HMAC,
        pkcs: CKM_SHA384_RSA_PKCS,
        pss: CKM_SHA384_RSA_PKCS_PSS,
        ecdsa: CKM_ECDSA_SHA384,
    },
    Hash {
        digest: CKM_SHA512,
        length: 64,
        mgf: CKG_MGF1_SHA512,
        hmac: CKM_SHA512_HMAC,
        pkcs: CKM_SHA512_RSA_PKCS,
        pss: CKM_SHA512_RSA_PKCS_PSS,
        ecdsa: CKM_ECDSA_SHA512,
    },
];

/// Signatures and MACs: signing key, verifying key, mechanism, data.
fn signatures(keys: &Keys) -> Vec<(Work, CK_OBJECT_HANDLE)> {
    let mut all = Vec::new();
    let mut add = |mechanism: Mechanism, pair: (_, CK_OBJECT_HANDLE), data: &[u8], parts, steady| {
        let data = data.to_vec();
        all.push((Work { kind: Kind::Sign, mechanism, key: pair.1, data, parts, steady }, pair.0));
    };
    add(CKM_RSA_PKCS.into(), keys.rsa, &DATA[..51], false, true);
    add(CKM_RSA_X_509.into(), keys.rsa, &DATA[..200], false, true);
    add(CKM_ECDSA.into(), keys.ec, &DATA[..32], false, false);
    for hash in HASHES {
        let raw = Mechanism::pss(CKM_RSA_PKCS_PSS, hash.digest, hash.mgf, hash.length);
        add(raw, keys.rsa, &DATA[..hash.length], false, false);
        add(Mechanism::pss(hash.pss, hash.digest, hash.mgf, hash.length), keys.rsa, DATA, true, false);
        add(hash.pkcs.into(), keys.rsa, DATA, true, true);
        add(hash.ecdsa.into(), keys.ec, DATA, true, false);
        add(hash.hmac.into(), (keys.secret, keys.secret), DATA, true, true);
    }
    all
}

/// Ciphers: each with its encrypting work and the decrypting key.
fn ciphers(keys: &Keys) -> Vec<(Work, CK_OBJECT_HANDLE)> {
    let mut all = Vec::new();
    let mut add = |mechanism: Mechanism, pair: (_, CK_OBJECT_HANDLE), data: &[u8], parts, steady| {
        let data = data.to_vec();
        all.push((Work { kind: Kind::Encrypt, mechanism, key: pair.0, data, parts, steady }, pair.1));
    };
    let aes = (keys.aes, keys.aes);
    add(CKM_AES_ECB.into(), aes, DATA, true, true);
    add(Mechanism::bytes(CKM_AES_CBC, &[4; 16]), aes, DATA, true, true);
    add(Mechanism::bytes(CKM_AES_CBC_PAD, &[4; 16]), aes, DATA, true, true);
    add(Mechanism::bytes(CKM_AES_CBC_PAD, &[4; 16]), aes, &DATA[..37], true, true);
    add(Mechanism::ctr(128, [3; 16]), aes, &DATA[..99], true, true);
    add(Mechanism::gcm(&[5; 12], b"seen by all", 128), aes, &DATA[..99], true, true);
    add(Mechanism::gcm(&[5; 16], b"", 96), aes, &DATA[..99], true, true);
    add(CKM_RSA_PKCS.into(), keys.rsa, &DATA[..100], false, false);
    add(CKM_RSA_X_509.into(), keys.rsa, &[&[0; 1], &[0x6B; 255][..]].concat(), false, true);
    for hash in HASHES {
        add(Mechanism::oaep(hash.digest, hash.mgf, b""), keys.rsa, &DATA[..60], false, false);
        add(Mechanism::oaep(hash.digest, hash.mgf, b"a label"), keys.rsa, &DATA[..60], false, false);
    }
    all
}

fn digests() -> impl Iterator<Item = Work> {
    HASHES.iter().map(|hash| Work {
        kind: Kind::Digest,
        mechanism: hash.digest.into(),
        key: 0,
        data: DATA.to_vec(),
        parts: true,
        steady: true,
    })
}

/// Everything that has an answer: ciphers both ways, signatures, digests.
fn works(session: Session, keys: &Keys) -> Vec<Work> {
    let mut all: Vec<_> = digests().collect();
    all.extend(signatures(keys).into_iter().map(|(work, _)| work));
    for (work, key) in ciphers(keys) {
        let data = session.encrypt(work.mechanism.clone(), work.key, &work.data);
        let data = data.unwrap_or_else(|rv| panic!("{:?}: {rv:?}", work.mechanism));
        let mechanism = work.mechanism.clone();
        all.push(Work { kind: Kind::Decrypt, mechanism, key, data, parts: work.parts, steady: true });
        all.push(work);
    }
    all
}

mod round_trips {
    use super::*;

    #[test]
    fn what_is_encrypted_is_decrypted_by_every_cipher() {
        let scene = Scene::new();
        for (work, key) in ciphers(&Keys::of(&scene)) {
            let Work { mechanism, data, .. } = &work;
            let cipher = scene.session().encrypt(mechanism.clone(), work.key, data);
            let cipher = cipher.unwrap_or_else(|rv| panic!("{mechanism:?}: {rv:?}"));
            assert_ne!(&cipher, data, "{mechanism:?}");
            assert_eq!(
                scene.session().decrypt(mechanism.clone(), key, &cipher),
                Ok(data.clone()),
                "{mechanism:?}"
            );
        }
    }

    #[test]
    fn what_is_signed_is_verified_and_nothing_else() {
        let scene = Scene::new();
        let session = scene.session();
        for (work, key) in signatures(&Keys::of(&scene)) {
            let Work { mechanism, data, .. } = &work;
            let verify =
                |data: &[u8], signature: &[u8]| session.verify(mechanism.clone(), key, data, signature);
            let signature = session.sign(mechanism.clone(), work.key, data);
            let signature = signature.unwrap_or_else(|rv| panic!("{mechanism:?}: {rv:?}"));
            assert_eq!(verify(data, &signature), Ok(()), "{mechanism:?}");
            let mut other = data.clone();
            other[7] ^= 1;
            assert_eq!(verify(&other, &signature), Err(Rv::SignatureInvalid), "{mechanism:?}");
            let mut forged = signature.clone();
            *forged.last_mut().expect("a byte") ^= 1;
            assert_eq!(verify(data, &forged), Err(Rv::SignatureInvalid), "{mechanism:?}");
            let long = [&signature[..], &[0]].concat();
            assert_eq!(verify(data, &long), Err(Rv::SignatureLenRange), "{mechanism:?}");
        }
    }

    #[test]
    fn signatures_made_in_parts_are_verified_in_parts() {
        let scene = Scene::new();
        let session = scene.session();
        for (work, key) in signatures(&Keys::of(&scene)).into_iter().filter(|(work, _)| work.parts) {
            let Work { mechanism, data, .. } = &work;
            let signature = session.parts(Kind::Sign, mechanism.clone(), work.key, data, 13);
            let signature = signature.unwrap_or_else(|rv| panic!("{mechanism:?}: {rv:?}"));
            assert_eq!(session.verify(mechanism.clone(), key, data, &signature), Ok(()), "{mechanism:?}");
            let answer = session.verify_parts(mechanism.clone(), key, data, 29, &signature);
            assert_eq!(answer, Ok(()), "{mechanism:?}");
            let answer = session.verify_parts(mechanism.clone(), key, &data[1..], 29, &signature);
            assert_eq!(answer, Err(Rv::SignatureInvalid), "{mechanism:?}");
        }
    }

    #[test]
    fn parts_of_any_size_make_the_same_whole() {
        let scene = Scene::new();
        let session = scene.session();
        let keys = Keys::of(&scene);
        for work in works(session, &keys).into_iter().filter(|work| work.parts && work.steady) {
            let Work { kind, mechanism, key, data, .. } = &work;
            let whole = session.whole(*kind, mechanism.clone(), *key, data);
            assert!(whole.is_ok(), "{kind:?} {mechanism:?}: {whole:?}");
            for step in [1, 15, 16, 17, 64, 1000] {
                let parts = session.parts(*kind, mechanism.clone(), *key, data, step);
                assert_eq!(parts, whole, "{kind:?} {mechanism:?} by {step}");
            }
        }
    }

    #[test]
    fn nothing_at_all_can_be_digested_signed_and_encrypted() {
        let scene = Scene::new();
        let session = scene.session();
        let keys = Keys::of(&scene);
        for hash in HASHES {
            let digest = session.digest(hash.digest, b"");
            assert_eq!(digest.map(|d| d.len()), Ok(hash.length));
            let mac = session.sign(hash.hmac, keys.secret, b"");
            assert_eq!(mac.map(|d| d.len()), Ok(hash.length));
        }
        let pad = Mechanism::bytes(CKM_AES_CBC_PAD, &[0; 16]);
        assert_eq!(session.encrypt(pad, keys.aes, b"").map(|c| c.len()), Ok(16));
        let gcm = Mechanism::gcm(&[0; 12], b"", 128);
        assert_eq!(session.encrypt(gcm, keys.aes, b"").map(|c| c.len()), Ok(16));
    }
}

mod lengths {
    use super::*;

    #[test]
    fn the_length_may_be_asked_and_a_small_buffer_ends_nothing() {
        let scene = Scene::new();
        let session = scene.session();
        for work in works(session, &Keys::of(&scene)) {
            let Work { kind, mechanism, key, data, .. } = &work;
            let what = format!("{kind:?} {mechanism:?}");
            session.begin(*kind, mechanism.clone(), *key).unwrap_or_else(|rv| panic!("{what}: {rv:?}"));
            let query = session.single(*kind, data, None);
            assert_eq!(query.rv, Rv::Ok, "{what}");
            assert_eq!(session.single(*kind, data, None), query, "{what}: asked twice");
            let small = session.single(*kind, data, Some(0));
            assert_eq!(small.rv, Rv::BufferTooSmall, "{what}");
            assert!(small.length > 0 && small.length <= query.length, "{what}");
            let answer = session.single(*kind, data, Some(query.length));
            assert_eq!((answer.rv, answer.bytes.len()), (Rv::Ok, answer.length), "{what}");
            let over = session.single(*kind, data, Some(query.length));
            assert_eq!(over.rv, Rv::OperationNotInitialized, "{what}");
        }
    }

    #[test]
    fn a_buffer_of_the_answers_size_is_enough_and_one_byte_less_is_not() {
        let scene = Scene::new();
        let session = scene.session();
        for work in works(session, &Keys::of(&scene)) {
            let Work { kind, mechanism, key, data, .. } = &work;
            let what = format!("{kind:?} {mechanism:?}");
            let size = session.whole(*kind, mechanism.clone(), *key, data).expect(&what).len();
            session.begin(*kind, mechanism.clone(), *key).expect(&what);
            let small = session.single(*kind, data, Some(size - 1));
            assert_eq!(small.rv, Rv::BufferTooSmall, "{what}");
            assert!(small.length >= size, "{what}");
            let answer = session.single(*kind, data, Some(size));
            assert_eq!((answer.rv, answer.bytes.len()), (Rv::Ok, size), "{what}");
        }
    }

    #[test]
    fn the_end_of_parts_keeps_the_same_protocol() {
        let scene = Scene::new();
        let session = scene.session();
        let finals = |work: &Work| work.parts && matches!(work.kind, Kind::Sign | Kind::Digest);
        for work in works(session, &Keys::of(&scene)).into_iter().filter(finals) {
            let Work { kind, mechanism, key, data, .. } = &work;
            let what = format!("{kind:?} {mechanism:?}");
            session.begin(*kind, mechanism.clone(), *key).expect(&what);
            assert_eq!(session.update(*kind, data, None).rv, Rv::Ok, "{what}");
            let query = session.finish(*kind, None);
            assert_eq!(query.rv, Rv::Ok, "{what}");
            let small = session.finish(*kind, Some(query.length - 1));
            assert_eq!((small.rv, small.length), (Rv::BufferTooSmall, query.length), "{what}");
            let answer = session.finish(*kind, Some(query.length));
            assert_eq!((answer.rv, answer.bytes.len()), (Rv::Ok, query.length), "{what}");
            assert_eq!(session.finish(*kind, Some(64)).rv, Rv::OperationNotInitialized, "{what}");
        }
    }

    #[test]
    fn an_update_that_does_not_fit_may_be_called_again() {
        let scene = Scene::new();
        let session = scene.session();
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[4; 16]);
        let key = scene.aes(&[1; 16]);
        let whole = session.encrypt(cbc.clone(), key, DATA).expect("encrypt");
        session.begin(Kind::Encrypt, cbc, key).expect("C_EncryptInit");
        let small = session.update(Kind::Encrypt, DATA, Some(10));
        assert_eq!(small.rv, Rv::BufferTooSmall);
        assert!(small.length >= DATA.len());
        assert_eq!(session.update(Kind::Encrypt, DATA, Some(DATA.len())).bytes(), Ok(whole));
        assert_eq!(session.finish(Kind::Encrypt, Some(0)).rv, Rv::Ok);
    }

    #[test]
    fn data_of_a_wrong_length_is_named_so() {
        let scene = Scene::new();
        let session = scene.session();
        let keys = Keys::of(&scene);
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[4; 16]);
        let pss = Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 32);
        let oaep = Mechanism::oaep(CKM_SHA256, CKG_MGF1_SHA256, b"");
        for (kind, mechanism, key, length) in [
            (Kind::Encrypt, CKM_AES_ECB.into(), keys.aes, 17),
            (Kind::Encrypt, cbc, keys.aes, 17),
            (Kind::Encrypt, CKM_RSA_PKCS.into(), keys.rsa.0, 246),
            (Kind::Encrypt, CKM_RSA_X_509.into(), keys.rsa.0, 257),
            (Kind::Encrypt, oaep, keys.rsa.0, 191),
            (Kind::Sign, CKM_RSA_PKCS.into(), keys.rsa.1, 246),
            (Kind::Sign, CKM_RSA_X_509.into(), keys.rsa.1, 257),
            (Kind::Sign, pss, keys.rsa.1, 31),
        ] {
            let answer = session.whole(kind, mechanism.clone(), key, &vec![1; length]);
            assert_eq!(answer, Err(Rv::DataLenRange), "{kind:?} {mechanism:?}");
            let after = session.single(kind, &[1; 16], Some(512));
            assert_eq!(after.rv, Rv::OperationNotInitialized, "{mechanism:?} is over");
        }
        for (mechanism, key, length) in [
            (Mechanism::from(CKM_AES_ECB), keys.aes, 17),
            (Mechanism::bytes(CKM_AES_CBC_PAD, &[4; 16]), keys.aes, 17),
            (Mechanism::from(CKM_RSA_PKCS), keys.rsa.1, 255),
            (Mechanism::from(CKM_RSA_X_509), keys.rsa.1, 257),
        ] {
            let answer = session.decrypt(mechanism.clone(), key, &vec![1; length]);
            assert_eq!(answer, Err(Rv::EncryptedDataLenRange), "{mechanism:?}");
        }
    }
}

mod order {
    use super::*;

    #[test]
    fn without_a_beginning_there_is_no_operation() {
        let scene = Scene::new();
        let session = scene.session();
        for kind in [Kind::Encrypt, Kind::Decrypt, Kind::Digest, Kind::Sign] {
            assert_eq!(session.single(kind, DATA, Some(512)).rv, Rv::OperationNotInitialized, "{kind:?}");
            assert_eq!(session.update(kind, DATA, Some(512)).rv, Rv::OperationNotInitialized, "{kind:?}");
            assert_eq!(session.finish(kind, Some(512)).rv, Rv::OperationNotInitialized, "{kind:?}");
        }
        assert_eq!(session.verify_single(DATA, &[0; 64]), Err(Rv::OperationNotInitialized));
        assert_eq!(session.update(Kind::Verify, DATA, None).rv, Rv::OperationNotInitialized);
        assert_eq!(session.verify_finish(&[0; 64]), Err(Rv::OperationNotInitialized));
    }

    #[test]
    fn an_operation_stands_in_the_way_of_its_own_kind_only() {
        let scene = Scene::new();
        let session = scene.session();
        let keys = Keys::of(&scene);
        let all = [
            (Kind::Encrypt, CKM_AES_ECB, keys.aes),
            (Kind::Decrypt, CKM_AES_ECB, keys.aes),
            (Kind::Digest, CKM_SHA256, 0),
            (Kind::Sign, CKM_SHA256_HMAC, keys.secret),
            (Kind::Verify, CKM_SHA256_HMAC, keys.secret),
        ];
        for (kind, mechanism, key) in all {
            assert_eq!(session.begin(kind, mechanism, key), Ok(()), "{kind:?} beside the others");
        }
        for (kind, mechanism, key) in all {
            assert_eq!(session.begin(kind, mechanism, key), Err(Rv::OperationActive), "{kind:?}");
        }
        assert_eq!(scene.open().digest(CKM_SHA256, b"x").map(|d| d.len()), Ok(32), "nor of another session");
    }

    #[test]
    fn an_operation_in_parts_is_not_ended_in_one() {
        let scene = Scene::new();
        let session = scene.session();
        session.begin(Kind::Digest, CKM_SHA256, 0).expect("C_DigestInit");
        assert_eq!(session.update(Kind::Digest, b"ab", None).rv, Rv::Ok);
        assert_ne!(session.single(Kind::Digest, b"c", Some(32)).rv, Rv::Ok);
    }

    #[test]
    fn a_failed_verification_ends_the_operation() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.secret(SECRET);
        let mac = session.sign(CKM_SHA256_HMAC, key, DATA).expect("sign");
        assert_eq!(session.verify(CKM_SHA256_HMAC, key, b"other", &mac), Err(Rv::SignatureInvalid));
        assert_eq!(session.verify_single(DATA, &mac), Err(Rv::OperationNotInitialized));
    }

    #[test]
    fn logging_out_ends_operations_with_private_keys() {
        let scene = Scene::new();
        let session = scene.session();
        session.begin(Kind::Sign, CKM_SHA256_HMAC, scene.secret(SECRET)).expect("C_SignInit");
        session.logout().expect("C_Logout");
        assert_ne!(session.single(Kind::Sign, DATA, Some(64)).rv, Rv::Ok);
    }

    #[test]
    fn a_session_signs_as_often_as_it_is_asked() {
        let scene = Scene::new();
        let (public, private) = scene.ec();
        for round in 0..50u8 {
            let signature = scene.session().sign(CKM_ECDSA, private, &[round; 32]).expect("sign");
            assert_eq!(scene.session().verify(CKM_ECDSA, public, &[round; 32], &signature), Ok(()));
        }
    }
}

mod keys_and_their_use {
    use super::*;

    #[test]
    fn a_key_of_the_wrong_type_is_inconsistent_with_every_mechanism() {
        let scene = Scene::new();
        let keys = Keys::of(&scene);
        for (work, _) in signatures(&keys).into_iter().chain(ciphers(&keys)) {
            let hmac = HASHES.iter().any(|hash| hash.hmac == work.mechanism.id);
            for key in [keys.aes, keys.secret, keys.rsa.0, keys.rsa.1, keys.ec.0, keys.ec.1] {
                let kind = |key| scene.session().number(key, CKA_KEY_TYPE);
                if kind(key) == kind(work.key) || hmac && key == keys.aes {
                    continue;
                }
                let answer = scene.session().begin(work.kind, work.mechanism.clone(), key);
                let sound = [Err(Rv::KeyTypeInconsistent), Err(Rv::KeyFunctionNotPermitted)];
                assert!(sound.contains(&answer), "{:?} {:?}: {answer:?}", work.kind, work.mechanism);
            }
        }
    }

    #[test]
    fn a_key_of_another_type_is_refused_for_its_type_even_if_its_usage_fits() {
        let scene = Scene::new();
        let keys = Keys::of(&scene);
        for (kind, mechanism, key) in [
            (Kind::Sign, CKM_ECDSA, keys.rsa.1),
            (Kind::Sign, CKM_RSA_PKCS, keys.ec.1),
            (Kind::Verify, CKM_ECDSA, keys.rsa.0),
            (Kind::Encrypt, CKM_AES_ECB, keys.secret),
        ] {
            let answer = scene.session().begin(kind, mechanism, key);
            assert_eq!(answer, Err(Rv::KeyTypeInconsistent), "{kind:?} {}", names::mechanism(mechanism));
        }
    }

    #[test]
    fn a_key_does_only_what_it_is_for() {
        let scene = Scene::new();
        let aes = keys::secret(CKK_AES, &[1; 16]);
        let secret = keys::secret(CKK_GENERIC_SECRET, SECRET);
        for (kind, mechanism, template, usage) in [
            (Kind::Encrypt, CKM_AES_ECB, aes.clone(), CKA_ENCRYPT),
            (Kind::Decrypt, CKM_AES_ECB, aes, CKA_DECRYPT),
            (Kind::Sign, CKM_SHA256_HMAC, secret.clone(), CKA_SIGN),
            (Kind::Verify, CKM_SHA256_HMAC, secret, CKA_VERIFY),
            (Kind::Sign, CKM_RSA_PKCS, keys::rsa_private(), CKA_SIGN),
            (Kind::Decrypt, CKM_RSA_PKCS, keys::rsa_private(), CKA_DECRYPT),
            (Kind::Verify, CKM_RSA_PKCS, keys::rsa_public(), CKA_VERIFY),
            (Kind::Encrypt, CKM_RSA_PKCS, keys::rsa_public(), CKA_ENCRYPT),
            (Kind::Sign, CKM_ECDSA, keys::ec_private(), CKA_SIGN),
            (Kind::Verify, CKM_ECDSA, keys::ec_public(), CKA_VERIFY),
        ] {
            let name = names::attribute(usage);
            let able = scene.object(&template.clone().with(usage, true));
            assert_eq!(scene.open().begin(kind, mechanism, able), Ok(()), "{name}");
            let barred = scene.object(&template.with(usage, false));
            let answer = scene.open().begin(kind, mechanism, barred);
            assert_eq!(answer, Err(Rv::KeyFunctionNotPermitted), "{name}");
        }
    }

    #[test]
    fn a_public_key_does_not_sign_nor_a_private_one_verify() {
        let scene = Scene::new();
        let (public, private) = scene.ec();
        let refused = [Err(Rv::KeyTypeInconsistent), Err(Rv::KeyFunctionNotPermitted)];
        assert!(refused.contains(&scene.session().begin(Kind::Sign, CKM_ECDSA, public)));
        assert!(refused.contains(&scene.session().begin(Kind::Verify, CKM_ECDSA, private)));
    }

    #[test]
    fn a_key_may_name_the_mechanisms_that_may_use_it() {
        let scene = Scene::new();
        let only = template![CKA_ALLOWED_MECHANISMS => &CKM_SHA256_HMAC.to_ne_bytes()];
        let secret = keys::secret(CKK_GENERIC_SECRET, b"a secret of 32 bytes, more or less").and(&only);
        let key = scene.object(&secret);
        assert!(scene.session().sign(CKM_SHA256_HMAC, key, DATA).is_ok());
        assert_eq!(scene.session().sign(CKM_SHA512_HMAC, key, DATA), Err(Rv::MechanismInvalid));
    }

    #[test]
    fn a_parameter_that_is_missing_or_wrong_is_named_so() {
        let scene = Scene::new();
        let keys = Keys::of(&scene);
        for (kind, mechanism, key) in [
            (Kind::Encrypt, Mechanism::from(CKM_AES_CBC), keys.aes),
            (Kind::Encrypt, Mechanism::bytes(CKM_AES_CBC, &[0; 15]), keys.aes),
            (Kind::Encrypt, Mechanism::bytes(CKM_AES_CBC_PAD, &[0; 17]), keys.aes),
            (Kind::Encrypt, Mechanism::from(CKM_AES_CTR), keys.aes),
            (Kind::Encrypt, Mechanism::ctr(0, [0; 16]), keys.aes),
            (Kind::Encrypt, Mechanism::ctr(129, [0; 16]), keys.aes),
            (Kind::Encrypt, Mechanism::from(CKM_AES_GCM), keys.aes),
            (Kind::Encrypt, Mechanism::gcm(&[], b"", 128), keys.aes),
            (Kind::Encrypt, Mechanism::gcm(&[0; 12], b"", 129), keys.aes),
            (Kind::Encrypt, Mechanism::from(CKM_RSA_PKCS_OAEP), keys.rsa.0),
            (Kind::Encrypt, Mechanism::oaep(CKM_AES_ECB, CKG_MGF1_SHA1, b""), keys.rsa.0),
            (Kind::Sign, Mechanism::from(CKM_RSA_PKCS_PSS), keys.rsa.1),
            (Kind::Sign, Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, 0x77, 32), keys.rsa.1),
            (
                Kind::Sign,
                Mechanism::pss(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48),
                keys.rsa.1,
            ),
            (Kind::Sign, Mechanism::pss(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 300), keys.rsa.1),
        ] {
            let answer = scene.session().begin(kind, mechanism.clone(), key);
            assert_eq!(answer, Err(Rv::MechanismParamInvalid), "{kind:?} {mechanism:?}");
        }
    }
}

mod forgeries {
    use super::*;

    #[test]
    fn a_ciphertext_that_was_changed_is_not_decrypted() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        let gcm = Mechanism::gcm(&[5; 12], b"seen by all", 128);
        let cipher = session.encrypt(gcm.clone(), key, DATA).expect("encrypt");
        let invalid = [Err(Rv::EncryptedDataInvalid), Err(Rv::AeadDecryptFailed)];
        for place in [0, DATA.len() - 1, DATA.len(), cipher.len() - 1] {
            let mut forged = cipher.clone();
            forged[place] ^= 1;
            assert!(invalid.contains(&session.decrypt(gcm.clone(), key, &forged)), "byte {place}");
        }
        let other = Mechanism::gcm(&[5; 12], b"seen by ALL", 128);
        assert!(invalid.contains(&session.decrypt(other, key, &cipher)));
        let pad = Mechanism::bytes(CKM_AES_CBC_PAD, &[4; 16]);
        let mut forged = session.encrypt(pad.clone(), key, b"short").expect("encrypt");
        forged[15] ^= 1;
        assert_eq!(session.decrypt(pad, key, &forged), Err(Rv::EncryptedDataInvalid));
    }

    #[test]
    fn no_plaintext_leaves_gcm_before_the_tag_is_checked() {
        let scene = Scene::new();
        let session = scene.session();
        let key = scene.aes(&[1; 16]);
        let gcm = Mechanism::gcm(&[5; 12], b"", 128);
        let cipher = session.encrypt(gcm.clone(), key, DATA).expect("encrypt");
        session.begin(Kind::Decrypt, gcm, key).expect("C_DecryptInit");
        let part = session.update(Kind::Decrypt, &cipher[..200], Some(512));
        assert_eq!(part.bytes(), Ok(vec![]));
    }
}
