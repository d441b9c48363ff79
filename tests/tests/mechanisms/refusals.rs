//! Bad input, family by family: the standard's code for each, and never an answer.

use tests::{Kind, Mechanism, Rv, Safe, Scene, Template, given, ids::*, keys, names, template};
use tokenkeep::api::{Call, Kind as Work};
use tokenkeep::cryptoki::{Reply, Room};
use tokenkeep::mechanism::{self, Choice, Params, Shape};

/// Room enough for any answer here.
const ROOM: Room = Room::Of(4096);
const DATA: &[u8] = &[0x2a; 64];

fn create(call: &Call, template: &Template) -> Result<u64, Rv> {
    call.create(&given(template)).map_err(|error| error.rv())
}

fn run(
    call: &Call,
    work: Work,
    (id, params): (CK_MECHANISM_TYPE, Params),
    key: u64,
    data: &[u8],
) -> Result<Vec<u8>, Rv> {
    let reply = call
        .begin(work, &Choice { id, params }, Some(key))
        .and_then(|()| call.single(work, data, ROOM))
        .map_err(|error| error.rv());
    match reply? {
        Reply::Data(data) => Ok(data.expose().to_vec()),
        reply => panic!("{reply:?}"),
    }
}

fn derive(call: &Call, id: CK_MECHANISM_TYPE, params: Params, base: u64) -> Result<(), Rv> {
    call.derive(&Choice { id, params }, base, &given(&template![])).map(drop).map_err(|error| error.rv())
}

fn ecdh(public: &[u8]) -> Params {
    Params::Ecdh { kdf: CKD_NULL, shared: Vec::new(), public: public.to_vec() }
}

#[test]
fn a_parameter_of_a_size_that_no_struct_has_is_refused_by_every_mechanism() {
    let scene = Scene::new();
    let session = scene.session();
    let mut tried = 0;
    for row in mechanism::all().filter(|row| row.shape != Shape::Bytes) {
        for (kind, offered) in [
            (Kind::Encrypt, row.encrypt.is_some()),
            (Kind::Decrypt, row.decrypt.is_some()),
            (Kind::Digest, row.digest.is_some()),
            (Kind::Sign, row.sign.is_some()),
            (Kind::Verify, row.verify.is_some()),
        ] {
            let wrong = || Mechanism::bytes(row.id, &[0; 3]);
            let refused = session.begin(kind, wrong(), 0).unwrap_err();
            assert_eq!(refused, Rv::MechanismParamInvalid, "{kind:?} {}", row.name());
            tried += usize::from(offered);
        }
        let key = session.derive(Mechanism::bytes(row.id, &[0; 3]), 0, &template![]);
        assert_eq!(key, Err(Rv::MechanismParamInvalid), "{}", row.name());
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn an_iv_of_another_length_is_refused_by_every_mechanism_that_has_one() {
    let scene = Scene::new();
    let session = scene.session();
    let mut tried = 0;
    for row in mechanism::all() {
        let (Shape::Iv(len), true) = (row.shape, row.encrypt.is_some()) else { continue };
        for wrong in [0, 1, len - 1, len + 1, 2 * len] {
            let refused = session.begin(Kind::Encrypt, Mechanism::bytes(row.id, &vec![0; wrong]), 0);
            assert_eq!(refused, Err(Rv::MechanismParamInvalid), "{} with {wrong}", row.name());
        }
        tried += 1;
    }
    assert!(tried > 8, "{tried}");
}

#[test]
fn numbers_in_parameters_of_ciphers_and_macs_are_refused_out_of_their_range() {
    let safe = Safe::new();
    let call = safe.call();
    let aes = create(&call, &keys::secret(CKK_AES, &[1; 16])).expect("a key");
    let chacha = create(&call, &keys::secret(CKK_CHACHA20, &[1; 32])).expect("a key");
    let secret = create(&call, &keys::secret(CKK_GENERIC_SECRET, &[1; 32])).expect("a key");
    let gcm = |iv: usize, tag_bits| Params::Gcm { iv: vec![0; iv], aad: Vec::new(), tag_bits };
    let ccm =
        |nonce: usize, tag| Params::Ccm { len: DATA.len(), nonce: vec![0; nonce], aad: Vec::new(), tag };
    let nonce = |len: usize| Params::ChaCha20Poly1305 { nonce: vec![0; len], aad: Vec::new() };
    let ctr = |bits| Params::Ctr { bits, counter: [0; 16] };
    for (work, id, key, params) in [
        (Work::Encrypt, CKM_AES_GCM, aes, gcm(0, 128)),
        (Work::Encrypt, CKM_AES_GCM, aes, gcm(12, 129)),
        (Work::Encrypt, CKM_AES_GCM, aes, gcm(12, 136)),
        (Work::Encrypt, CKM_AES_GCM, aes, gcm(12, 7)),
        (Work::Encrypt, CKM_AES_CCM, aes, ccm(6, 16)),
        (Work::Encrypt, CKM_AES_CCM, aes, ccm(14, 16)),
        (Work::Encrypt, CKM_AES_CCM, aes, ccm(12, 2)),
        (Work::Encrypt, CKM_AES_CCM, aes, ccm(12, 5)),
        (Work::Encrypt, CKM_AES_CCM, aes, ccm(12, 18)),
        (Work::Encrypt, CKM_AES_CTR, aes, ctr(0)),
        (Work::Encrypt, CKM_AES_CTR, aes, ctr(129)),
        (Work::Encrypt, CKM_CHACHA20_POLY1305, chacha, nonce(0)),
        (Work::Encrypt, CKM_CHACHA20_POLY1305, chacha, nonce(13)),
        (Work::Sign, CKM_AES_CMAC_GENERAL, aes, Params::MacGeneral(0)),
        (Work::Sign, CKM_AES_CMAC_GENERAL, aes, Params::MacGeneral(17)),
        (Work::Sign, CKM_AES_MAC_GENERAL, aes, Params::MacGeneral(17)),
        (Work::Sign, CKM_SHA256_HMAC_GENERAL, secret, Params::MacGeneral(33)),
    ] {
        let refused = run(&call, work, (id, params.clone()), key, DATA);
        assert_eq!(refused, Err(Rv::MechanismParamInvalid), "{} {params:?}", names::mechanism(id));
    }
    let short = Params::Ccm { len: DATA.len() + 1, nonce: vec![0; 12], aad: Vec::new(), tag: 16 };
    assert_eq!(run(&call, Work::Encrypt, (CKM_AES_CCM, short), aes, DATA), Err(Rv::DataLenRange));
    for (id, iv) in [(CKM_AES_ECB, Params::None), (CKM_AES_CBC, Params::Iv(vec![0; 16]))] {
        assert_eq!(run(&call, Work::Encrypt, (id, iv.clone()), aes, &DATA[..17]), Err(Rv::DataLenRange));
        assert_eq!(run(&call, Work::Decrypt, (id, iv), aes, &DATA[..17]), Err(Rv::EncryptedDataLenRange));
    }
}

#[test]
fn a_ciphertext_that_was_cut_or_changed_gives_no_text() {
    let safe = Safe::new();
    let call = safe.call();
    let aes = create(&call, &keys::secret(CKK_AES, &[1; 32])).expect("a key");
    let chacha = create(&call, &keys::secret(CKK_CHACHA20, &[1; 32])).expect("a key");
    let ccm = |len| Params::Ccm { len, nonce: vec![7; 12], aad: vec![1], tag: 8 };
    for (id, key, params) in [
        (CKM_AES_GCM, aes, Params::Gcm { iv: vec![7; 12], aad: vec![1], tag_bits: 96 }),
        (CKM_AES_CCM, aes, ccm(20)),
        (CKM_CHACHA20_POLY1305, chacha, Params::ChaCha20Poly1305 { nonce: vec![7; 12], aad: vec![1] }),
    ] {
        let name = names::mechanism(id);
        let text = run(&call, Work::Encrypt, (id, params.clone()), key, &DATA[..20]).expect("a ciphertext");
        for len in 0..text.len() {
            // CCM is told how much comes.
            let params = if id == CKM_AES_CCM { ccm(len.saturating_sub(8)) } else { params.clone() };
            let rv = run(&call, Work::Decrypt, (id, params), key, &text[..len]).unwrap_err();
            let codes = [Rv::EncryptedDataInvalid, Rv::EncryptedDataLenRange, Rv::AeadDecryptFailed];
            assert!(codes.contains(&rv), "{name} of {len} bytes: {rv:?}");
        }
        for at in 0..text.len() {
            let mut wrong = text.clone();
            wrong[at] ^= 0x40;
            let rv = run(&call, Work::Decrypt, (id, params.clone()), key, &wrong).unwrap_err();
            assert!(
                [Rv::EncryptedDataInvalid, Rv::AeadDecryptFailed].contains(&rv),
                "{name} at {at}: {rv:?}"
            );
        }
    }
    let iv = || Params::Iv(vec![0; 16]);
    let text = run(&call, Work::Encrypt, (CKM_AES_CBC_PAD, iv()), aes, &DATA[..20]).expect("a ciphertext");
    for len in (0..text.len()).filter(|len| *len != 16) {
        let rv = run(&call, Work::Decrypt, (CKM_AES_CBC_PAD, iv()), aes, &text[..len]);
        assert_eq!(rv, Err(Rv::EncryptedDataLenRange), "{len}");
    }
    let rv = run(&call, Work::Decrypt, (CKM_AES_CBC_PAD, iv()), aes, &text[..16]);
    assert_eq!(rv, Err(Rv::EncryptedDataInvalid));
}

#[test]
fn keys_that_are_too_short_or_too_long_are_refused() {
    let safe = Safe::new();
    let call = safe.call();
    for (kind, wrong) in [
        (CKK_AES, &[0_usize, 1, 15, 17, 33, 64][..]),
        (CKK_AES_XTS, &[16, 48, 65]),
        (CKK_DES, &[7, 9, 16]),
        (CKK_DES2, &[8, 24]),
        (CKK_DES3, &[8, 16, 25]),
        (CKK_CHACHA20, &[16, 31, 33]),
        (CKK_POLY1305, &[16, 33]),
        (CKK_GENERIC_SECRET, &[0]),
    ] {
        for len in wrong {
            let refused = create(&call, &keys::secret(kind, &vec![1; *len]));
            assert_eq!(refused, Err(Rv::AttributeValueInvalid), "{} of {len}", names::key_type(kind));
        }
    }
}

/// The curves with the bytes of their order; the order is below all ones.
const CURVES: [(&[u8], usize); 11] = [
    (&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1], 24),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x21], 28),
    (&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 32),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x22], 48),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x23], 66),
    (&[6, 5, 0x2b, 0x81, 4, 0, 0x0a], 32),
    (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 5], 28),
    (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], 32),
    (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 9], 40),
    (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11], 48),
    (&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13], 64),
];

#[test]
fn scalars_and_points_that_are_none_of_their_curve_are_refused() {
    let safe = Safe::new();
    let call = safe.call();
    for (oid, size) in CURVES {
        let private = |scalar: &[u8]| {
            let key = template![
                CKA_CLASS => CKO_PRIVATE_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_PARAMS => oid, CKA_VALUE => scalar,
            ];
            create(&call, &key)
        };
        let public = |point: &[u8]| {
            let key = template![
                CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_EC, CKA_EC_PARAMS => oid, CKA_EC_POINT => point,
            ];
            create(&call, &key)
        };
        for scalar in [vec![], vec![0; size], vec![0xff; size], vec![1; size + 1]] {
            assert_eq!(private(&scalar), Err(Rv::AttributeValueInvalid), "{oid:?} {scalar:?}");
        }
        let good = private(&[1]).expect("the scalar 1");
        for point in [
            vec![],
            vec![0],                                     // infinity
            vec![4; 1 + 2 * size],                       // not on the curve
            [&[4][..], &vec![0; 2 * size]].concat(),     // not on it either
            [&[2][..], &vec![0xff; size]].concat(),      // x is not below p
            [&[4][..], &vec![1; 2 * size - 1]].concat(), // too short
        ] {
            assert_eq!(public(&point), Err(Rv::AttributeValueInvalid), "{oid:?} {point:?}");
            let agreed = derive(&call, CKM_ECDH1_DERIVE, ecdh(&point), good);
            assert_eq!(agreed, Err(Rv::MechanismParamInvalid), "{oid:?} {point:?}");
        }
    }
}

#[test]
fn a_peer_of_small_order_is_refused() {
    let safe = Safe::new();
    let call = safe.call();
    let x25519 = keys::hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
    let minus_one = keys::hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    let one = |len: usize| [&[1][..], &vec![0; len - 1]].concat();
    for (oid, peers) in [
        (&b"\x06\x03\x2b\x65\x6e"[..], vec![vec![0; 32], one(32), x25519, minus_one]),
        (b"\x06\x03\x2b\x65\x6f", vec![vec![0; 56], one(56)]),
    ] {
        let making = Choice { id: CKM_EC_MONTGOMERY_KEY_PAIR_GEN, params: Params::None };
        let pair =
            call.generate_pair(&making, &given(&template![CKA_EC_PARAMS => oid]), &given(&template![]));
        let (_, private) = pair.expect("a pair");
        for peer in peers {
            let agreed = derive(&call, CKM_ECDH1_DERIVE, ecdh(&peer), private);
            assert_eq!(agreed, Err(Rv::MechanismParamInvalid), "{peer:?}");
        }
    }
}

#[test]
fn a_diffie_hellman_peer_outside_the_subgroup_of_a_known_group_is_refused() {
    let safe = Safe::new();
    let call = safe.call();
    let size = template![CKA_PRIME_BITS => 2048 as CK_ULONG];
    let making = Choice { id: CKM_DH_PKCS_PARAMETER_GEN, params: Params::None };
    let group = call.generate(&making, &given(&size)).expect("a group");
    let read = |object, attribute| match call.attributes(object, &[attribute]).expect("read").remove(0) {
        Ok(tokenkeep::object::Given::Bytes(bytes)) => bytes.expose().to_vec(),
        other => panic!("{other:?}"),
    };
    let (prime, base) = (read(group, CKA_PRIME), read(group, CKA_BASE));
    let numbers = template![CKA_PRIME => &prime[..], CKA_BASE => &base[..]];
    let pair = |public: &Template| {
        let making = Choice { id: CKM_DH_PKCS_KEY_PAIR_GEN, params: Params::None };
        call.generate_pair(&making, &given(public), &given(&template![])).expect("a pair")
    };
    let ((_, private), (peer, _)) = (pair(&numbers), pair(&numbers));
    let agree = |public: Vec<u8>| derive(&call, CKM_DH_PKCS_DERIVE, Params::Bytes(public), private);
    assert_eq!(agree(read(peer, CKA_VALUE)), Ok(()));
    let less = |by: u8| {
        let mut number = prime.clone();
        *number.last_mut().expect("a prime") -= by;
        number
    };
    // p - 4 is the negative of a square, and so none; it can be told only by the order.
    for wrong in [vec![0], vec![1], less(0), less(1), less(4)] {
        assert_eq!(agree(wrong.clone()), Err(Rv::MechanismParamInvalid));
        let public = numbers.clone().and(&template![
            CKA_CLASS => CKO_PUBLIC_KEY, CKA_KEY_TYPE => CKK_DH, CKA_VALUE => &wrong[..],
        ]);
        assert_eq!(create(&call, &public), Err(Rv::AttributeValueInvalid));
    }
    assert_eq!(agree(vec![4]), Ok(()), "a square is of the order");
}

#[test]
fn bad_padding_of_pkcs1_is_not_told() {
    let scene = Scene::new();
    let (session, (public, private)) = (scene.session(), scene.rsa());
    let text =
        session.whole(Kind::Encrypt, CKM_RSA_PKCS, public, b"a premaster secret").expect("a ciphertext");
    let raw =
        |block: &[u8]| session.whole(Kind::Encrypt, CKM_RSA_X_509, public, block).expect("a ciphertext");
    let mut block = vec![0x55; 256];
    block[..2].copy_from_slice(&[0, 2]);
    let without_end = raw(&block);
    block[5] = 0;
    let too_short = raw(&block);
    block[..2].copy_from_slice(&[0, 1]);
    let of_a_signature = raw(&block);
    for (what, wrong) in [("no end", without_end), ("short padding", too_short), ("type 1", of_a_signature)] {
        let given = [0, 1].map(|_| session.whole(Kind::Decrypt, CKM_RSA_PKCS, private, &wrong));
        let given = given.map(|answer| answer.unwrap_or_else(|rv| panic!("{what}: {rv:?}")));
        assert_eq!(given[0], given[1], "{what}: the same message each time");
        assert!(given[0].len() <= 245 && given[0] != b"a premaster secret", "{what}");
    }
    assert_eq!(
        session.whole(Kind::Decrypt, CKM_RSA_PKCS, private, &text),
        Ok(b"a premaster secret".to_vec())
    );
    assert_eq!(
        session.whole(Kind::Decrypt, CKM_RSA_PKCS, private, &text[1..]),
        Err(Rv::EncryptedDataLenRange)
    );
    let above = vec![0xff; 256];
    assert_eq!(session.whole(Kind::Decrypt, CKM_RSA_PKCS, private, &above), Err(Rv::EncryptedDataInvalid));
}
