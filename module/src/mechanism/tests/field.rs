//! DSA and Diffie-Hellman against keys, signatures and secrets that OpenSSL made.

use super::*;

/// A DSA key that OpenSSL made for these tests; it protects nothing.
struct Known {
    prime: &'static str,
    subprime: &'static str,
    base: &'static str,
    x: &'static str,
    y: &'static str,
    /// Signatures of "tokenkeep".
    sha1: &'static str,
    sha512: &'static str,
    pkcs8: &'static str,
    info: &'static str,
}

impl Known {
    fn group(&self) -> Vec<(CK_ATTRIBUTE_TYPE, Value)> {
        vec![
            (CKA_PRIME, bytes(self.prime)),
            (CKA_SUBPRIME, bytes(self.subprime)),
            (CKA_BASE, bytes(self.base)),
        ]
    }

    fn keys(&self) -> (Object, Object) {
        let with = |value| [self.group(), vec![(CKA_VALUE, value)]].concat();
        (public(CKK_DSA, &with(bytes(self.y))), private(CKK_DSA, &with(secret(self.x))))
    }
}

fn dh_group() -> Vec<(CK_ATTRIBUTE_TYPE, Value)> {
    vec![(CKA_PRIME, bytes(DH_PRIME)), (CKA_BASE, bytes(DH_BASE))]
}

fn derive(params: &Params, key: &Object, len: Option<usize>) -> Result<Secret> {
    with(CKM_DH_PKCS_DERIVE, params, key, |row, start| row.derive.unwrap()(start, len))
}

fn info(key: &Object) -> String {
    hex::encode(key.attributes().bytes(CKA_PUBLIC_KEY_INFO).unwrap())
}

#[test]
fn dsa_agrees_with_openssl() {
    for known in DSA_KEYS {
        let (public, private) = known.keys();
        assert_eq!((info(&public), info(&private)), (known.info.to_owned(), known.info.to_owned()));
        assert_eq!(hex::encode(goes_and_comes(&private).expose()), known.pkcs8);
        for (id, theirs) in [(CKM_DSA_SHA1, known.sha1), (CKM_DSA_SHA512, known.sha512)] {
            verify(id, &Params::None, &public, b"tokenkeep", &unhex(theirs)).unwrap();
            let other = verify(id, &Params::None, &public, b"tokenkeeps", &unhex(theirs));
            assert_eq!(refused(other), Rv::SignatureInvalid);
            let short = verify(id, &Params::None, &public, b"tokenkeep", &unhex(theirs)[1..]);
            assert_eq!(refused(short), Rv::SignatureLenRange);
        }
    }
}

#[test]
fn every_hash_signs_with_new_keys_in_a_given_group() {
    for known in DSA_KEYS {
        let (public, private) = generate(CKM_DSA_KEY_PAIR_GEN, &known.group()).unwrap();
        goes_and_comes(&private);
        for id in [CKM_DSA_SHA1, CKM_DSA_SHA224, CKM_DSA_SHA256, CKM_DSA_SHA384, CKM_DSA_SHA512] {
            let signature = sign(id, &Params::None, &private, b"a message").unwrap();
            assert_eq!(signature.len(), known.subprime.len());
            verify(id, &Params::None, &public, b"a message", &signature).unwrap();
            let digest = find(id).unwrap().hash.unwrap().digest(b"a message");
            verify(CKM_DSA, &Params::None, &public, &digest, &signature).unwrap();
        }
        assert_eq!(refused(sign(CKM_DSA, &Params::None, &private, &[7; 31])), Rv::DataLenRange);
        assert_eq!(refused(sign(CKM_DSA, &Params::None, &public, &[7; 32])), Rv::KeyTypeInconsistent);
    }
}

#[test]
fn diffie_hellman_agrees_with_openssl() {
    let value = |value| [dh_group(), vec![(CKA_VALUE, value)]].concat();
    let (public, private) = (public(CKK_DH, &value(bytes(DH_Y))), private(CKK_DH, &value(secret(DH_X))));
    assert_eq!((info(&public), info(&private)), (DH_INFO.to_owned(), DH_INFO.to_owned()));
    let der = goes_and_comes(&private);
    assert_eq!(hex::encode(der.expose()), DH_PKCS8);
    let peer = Params::Bytes(unhex(DH_PEER));
    let agreed = derive(&peer, &private, None).unwrap();
    assert_eq!(hex::encode(agreed.expose()), DH_AGREED);
    assert_eq!(derive(&peer, &private, Some(16)).unwrap().expose(), &agreed.expose()[48..]);
    assert_eq!(refused(derive(&peer, &private, Some(65))), Rv::KeySizeRange);
    for bad in [vec![1], vec![0], unhex(DH_PRIME), vec![0xff; 64]] {
        assert_eq!(refused(derive(&Params::Bytes(bad), &private, None)), Rv::MechanismParamInvalid);
    }
    assert_eq!(refused(derive(&Params::None, &private, None)), Rv::MechanismParamInvalid);
}

#[test]
fn new_pairs_of_a_named_group_agree() {
    let group = make(CKM_DH_PKCS_PARAMETER_GEN, CKK_DH, &[(CKA_PRIME_BITS, Value::Ulong(2048))]).unwrap();
    let parts: Vec<_> =
        [CKA_PRIME, CKA_BASE].iter().map(|a| (*a, group.attributes().of(*a).unwrap().clone())).collect();
    let short = [parts.clone(), vec![(CKA_VALUE_BITS, Value::Ulong(256))]].concat();
    let (ours, theirs) = (generate_dh(&parts), generate_dh(&short));
    assert!(theirs.1.attributes().ulong(CKA_VALUE_BITS).unwrap() <= 256);
    let agree = |private: &Object, public: &Object| {
        let peer = public.attributes().bytes(CKA_VALUE).unwrap().to_vec();
        derive(&Params::Bytes(peer), private, None).unwrap()
    };
    assert_eq!(agree(&ours.1, &theirs.0), agree(&theirs.1, &ours.0));
    for bits in [1, 159, 2048] {
        let bad = [parts.clone(), vec![(CKA_VALUE_BITS, Value::Ulong(bits))]].concat();
        assert_eq!(refused(generate(CKM_DH_PKCS_KEY_PAIR_GEN, &bad)), Rv::AttributeValueInvalid);
    }
}

fn generate_dh(parts: Parts) -> (Object, Object) {
    generate(CKM_DH_PKCS_KEY_PAIR_GEN, parts).unwrap()
}

/// Domain parameters as C_GenerateKey makes them.
fn make(id: CK_MECHANISM_TYPE, kind: CK_KEY_TYPE, parts: Parts) -> Result<Object> {
    let (row, world, private) = (find(id)?, Emulation::new(None), Attributes::default());
    assert_eq!(row.class, CKO_DOMAIN_PARAMETERS);
    let mut template =
        Attributes::default().with(CKA_CLASS, Value::Ulong(row.class)).with(CKA_KEY_TYPE, Value::Ulong(kind));
    parts.iter().for_each(|(attribute, value)| drop(template.set(*attribute, value.clone())));
    let mut fill = |bytes: &mut [u8]| world.fill(bytes);
    let mut making =
        Making { row, params: &Params::None, template: &template, private: &private, fill: &mut fill };
    let made = row.generate.unwrap()(&mut making)?;
    template.absorb(made);
    Object::born(template, Birth::Generate(id))
}

#[test]
fn groups_are_made_in_the_size_that_is_asked() {
    for (bits, subbits, becomes) in [(1024, None, 160), (1024, Some(160), 160), (2048, Some(224), 224)] {
        let mut parts = vec![(CKA_PRIME_BITS, Value::Ulong(bits))];
        parts.extend(subbits.map(|bits| (CKA_SUBPRIME_BITS, Value::Ulong(bits))));
        let group = make(CKM_DSA_PARAMETER_GEN, CKK_DSA, &parts).unwrap();
        assert_eq!(group.attributes().ulong(CKA_SUBPRIME_BITS), Some(becomes));
        assert!(group.flag(CKA_LOCAL));
        let parts: Vec<_> = [CKA_PRIME, CKA_SUBPRIME, CKA_BASE]
            .iter()
            .map(|attribute| (*attribute, group.attributes().of(*attribute).unwrap().clone()))
            .collect();
        let (public, private) = generate(CKM_DSA_KEY_PAIR_GEN, &parts).unwrap();
        let signature = sign(CKM_DSA_SHA256, &Params::None, &private, b"m").unwrap();
        verify(CKM_DSA_SHA256, &Params::None, &public, b"m", &signature).unwrap();
    }
    let small = make(CKM_DH_PKCS_PARAMETER_GEN, CKK_DH, &[(CKA_PRIME_BITS, Value::Ulong(512))]).unwrap();
    assert_eq!(small.attributes().ulong(CKA_PRIME_BITS), Some(512));
    for (id, kind, bits) in [
        (CKM_DSA_PARAMETER_GEN, CKK_DSA, 1000),
        (CKM_DSA_PARAMETER_GEN, CKK_DSA, 4096),
        (CKM_DH_PKCS_PARAMETER_GEN, CKK_DH, 511),
        (CKM_DH_PKCS_PARAMETER_GEN, CKK_DH, 2049),
    ] {
        assert_eq!(
            refused(make(id, kind, &[(CKA_PRIME_BITS, Value::Ulong(bits))])),
            Rv::AttributeValueInvalid
        );
    }
}

#[test]
fn numbers_that_do_not_belong_together_are_refused() {
    let known = &DSA_KEYS[0];
    let changed = |attribute, value: Value| {
        let mut parts = [known.group(), vec![(CKA_VALUE, bytes(known.y))]].concat();
        parts.iter_mut().filter(|(a, _)| *a == attribute).for_each(|(_, v)| *v = value.clone());
        refused(create(CKO_PUBLIC_KEY, CKK_DSA, &parts))
    };
    assert_eq!(changed(CKA_PRIME, bytes(&known.prime.replacen('1', "2", 1))), Rv::DomainParamsInvalid);
    assert_eq!(changed(CKA_PRIME, Value::Bytes(vec![2; 128])), Rv::DomainParamsInvalid);
    assert_eq!(changed(CKA_SUBPRIME, bytes(&known.subprime[2..])), Rv::DomainParamsInvalid);
    assert_eq!(changed(CKA_BASE, bytes("02")), Rv::DomainParamsInvalid);
    assert_eq!(changed(CKA_BASE, bytes("01")), Rv::DomainParamsInvalid);
    assert_eq!(changed(CKA_VALUE, bytes("02")), Rv::AttributeValueInvalid);
    assert_eq!(changed(CKA_VALUE, bytes(known.prime)), Rv::AttributeValueInvalid);
    let private = [known.group(), vec![(CKA_VALUE, secret(known.subprime))]].concat();
    assert_eq!(refused(create(CKO_PRIVATE_KEY, CKK_DSA, &private)), Rv::AttributeValueInvalid);
    let foreign =
        with(CKM_DSA, &Params::None, &known.keys().1, |row, start| Ok((row.keys, start.key.bits())));
    assert_eq!(foreign.unwrap(), (&[CKK_DSA][..], 1024));
}

#[rustfmt::skip]
const DSA_KEYS: &[Known] = &[
    Known {
        prime: "dff0c04f80c56dc91d7f38e2cd4ec3b273017591ab17f1eb725d922ad99b1342cfe644559e7e19549e4be1c6082511d8828322cd6bd3b2fff4cb7fd371836fc8ef8ead837f47d5cf34b346a8d3af2970561989b385edc6e1209ca0e43c86cb1d3bce8242992b526b0de8056a07bd169c25766181fd27cce41ed581b0017eb4fb",
        subprime: "8fdcea7bbef7a1ad1569801f845f2ee3fd57821f",
        base: "25e0decfa1236c9b1efc118a39cea954c4d17b96bba91dd41d46b09419adf84dfbe5cd1bd46ffc69a83f3f9e57e4643ed9ea7967b4b82a9998937fe0f23d3b51bdea86ba218930aef3ea7f743984e3dcfa727cd9f8c0619182f768ddedb334785e94ad48a0e754539bf66d2c4c13dec72a4558600552b0fd4510182df1733128",
        x: "6753a2dbf19d247861a5ee5df7bd507ef49e4aaa",
        y: "c6b647518127ba06fd0b9b07e4262c29a0bdc91644eeaae79ca499f1f5b642adae4bdc4a63b16cb3d8adc2d832eb393de57628293990a039b7b322909fd2f43f6ad91253fdef4f5b4f050004b2750bd5e2632c0fb83fca4cf6be3531877d65534a8151b7751ddfb925a29e690927afd9343a662ea2d0d26afd93b741ba41c29d",
        sha1: "71cf08a5b21842dead7f5671c2110c5d17dc14b74f7c16ca3777a812c17b37f96bf127fcf6c56f51",
        sha512: "5a41fee8c17ace8c769fb196f565b1cf9c2c20f71076c380016f045d026bcd6eb25157869a182b05",
        pkcs8: "3082014a0201003082012b06072a8648ce3804013082011e02818100dff0c04f80c56dc91d7f38e2cd4ec3b273017591ab17f1eb725d922ad99b1342cfe644559e7e19549e4be1c6082511d8828322cd6bd3b2fff4cb7fd371836fc8ef8ead837f47d5cf34b346a8d3af2970561989b385edc6e1209ca0e43c86cb1d3bce8242992b526b0de8056a07bd169c25766181fd27cce41ed581b0017eb4fb0215008fdcea7bbef7a1ad1569801f845f2ee3fd57821f02818025e0decfa1236c9b1efc118a39cea954c4d17b96bba91dd41d46b09419adf84dfbe5cd1bd46ffc69a83f3f9e57e4643ed9ea7967b4b82a9998937fe0f23d3b51bdea86ba218930aef3ea7f743984e3dcfa727cd9f8c0619182f768ddedb334785e94ad48a0e754539bf66d2c4c13dec72a4558600552b0fd4510182df1733128041602146753a2dbf19d247861a5ee5df7bd507ef49e4aaa",
        info: "308201b73082012b06072a8648ce3804013082011e02818100dff0c04f80c56dc91d7f38e2cd4ec3b273017591ab17f1eb725d922ad99b1342cfe644559e7e19549e4be1c6082511d8828322cd6bd3b2fff4cb7fd371836fc8ef8ead837f47d5cf34b346a8d3af2970561989b385edc6e1209ca0e43c86cb1d3bce8242992b526b0de8056a07bd169c25766181fd27cce41ed581b0017eb4fb0215008fdcea7bbef7a1ad1569801f845f2ee3fd57821f02818025e0decfa1236c9b1efc118a39cea954c4d17b96bba91dd41d46b09419adf84dfbe5cd1bd46ffc69a83f3f9e57e4643ed9ea7967b4b82a9998937fe0f23d3b51bdea86ba218930aef3ea7f743984e3dcfa727cd9f8c0619182f768ddedb334785e94ad48a0e754539bf66d2c4c13dec72a4558600552b0fd4510182df17331280381850002818100c6b647518127ba06fd0b9b07e4262c29a0bdc91644eeaae79ca499f1f5b642adae4bdc4a63b16cb3d8adc2d832eb393de57628293990a039b7b322909fd2f43f6ad91253fdef4f5b4f050004b2750bd5e2632c0fb83fca4cf6be3531877d65534a8151b7751ddfb925a29e690927afd9343a662ea2d0d26afd93b741ba41c29d",
    },
    Known {
        prime: "bc0f55e0960a4f31bca1f8b64c7a5faca3751b1535b72c0eca5fe75b974f3ccff1c7cc6a5ea37b8e7a86970017fa80966cf2d9ff028f49a2309de15d530d976dfc74a71f79279dd040dbfe5d87b994aa351e2a8505fe61be96740b63e5a94abcd3b0293bb9b4a9adfb4b802ff4266639dce7d5cd381ad15aa5c2d9c8aa5b3b7378321f36ba2bd1e9da5b90253e96696bdef42dfa832a415f53e498b68a0ee9f1fb21d0de178de478706215df1892e41f350f0cb9f27ade5e2d3f1b78894fc047063fc2894909750e0a463f2ca058b04070b5d50f34de0f7a886430ee1c211084ece67bcdf356a0f631e219a7c261286cd721b718997aef952f19f6f97dd61069",
        subprime: "ffa722e9057c564d5a8c0460e31f1f611aa5f90dfbf7705bba496b78ca6d1945",
        base: "2a05fa19e819147d9424f7cd234ab3638de00f02780667afae46ec97bc44a4b73491117ebeef64475c37bb1d8a33ed390e1b5da5f47fa32e5576cbdaf5d3c68e7af092ba59fdc21a88b3f389c1fe2e02bceeeb1656e2b17c036f5eb54a20a95e704b9a2e776029d8036f8f71d55582a6aae7fea3307eb490216f59870bfbfa1a7e839fbcda62979d05d7e63aab5c8a654ecfec0b0c53c0a9e07e7621de41a2f996fcab9123b3e5e7ddab996b180c4122d837d1e2bbfdeae5a8239fb95d07bd7b1490c0820ec54bbc265d199f9aa56e484fbc3f3ab4ef55903571bccda1a1e82362885389807fdb80a5285112d19a146cd6bc2d745b90fddbbccd24ab1fdb7d8f",
        x: "71511b9261d952f3a065ee846b05463a794b5d479104ba89d654cc176cfc3de2",
        y: "2dea5997b66fbb35245b5634678b2c66e2186ab7ea63ba2a9c2415bc760a88e9b32902d1db2eb73ffc68329f4146203abc0afee7c85840bbdc2fe3804966c9460cdd0a701a4f87ddb3c996ab1e7cb1fbf07e571bbe14da19ca8a3c9fd246a98f4ef55489f34bd23a77d6f6f9cb9d143445e8d310682c10701ece254f465668f186488429b34953c49eabd25d532210dbf9f750d3345bd2c4022a79a2f2dadda6e5843fce66bbbdec29ebaa217366528604eefbd966ad5ad0f7b2e9344068c6b7a7cf6aec74765f3c964d5ae0bbfc55984c3fa4f834301c729c87c60ba8a2d751ce262378bd3aa1a280b0015ad7801ccaf8f7a6c29f33239c549479628b0e69df",
        sha1: "e9e23abf70b86ab34a25dc3f855e42f522e4aec687c84b3a94a4dd61f1cdb711fe3868391727f50f02c8fe4730f4489d236a11dd6f125b9f524d7e1304e1d016",
        sha512: "b469aa314d0db452c053287323da1cb341d06b505f6efbfd5ec2309d31c2a2e2ddd14a30932f5dcc01177b8d8bb087ecb1ef1ad52bf957676311535b6449e3b3",
        pkcs8: "308202640201003082023906072a8648ce3804013082022c0282010100bc0f55e0960a4f31bca1f8b64c7a5faca3751b1535b72c0eca5fe75b974f3ccff1c7cc6a5ea37b8e7a86970017fa80966cf2d9ff028f49a2309de15d530d976dfc74a71f79279dd040dbfe5d87b994aa351e2a8505fe61be96740b63e5a94abcd3b0293bb9b4a9adfb4b802ff4266639dce7d5cd381ad15aa5c2d9c8aa5b3b7378321f36ba2bd1e9da5b90253e96696bdef42dfa832a415f53e498b68a0ee9f1fb21d0de178de478706215df1892e41f350f0cb9f27ade5e2d3f1b78894fc047063fc2894909750e0a463f2ca058b04070b5d50f34de0f7a886430ee1c211084ece67bcdf356a0f631e219a7c261286cd721b718997aef952f19f6f97dd61069022100ffa722e9057c564d5a8c0460e31f1f611aa5f90dfbf7705bba496b78ca6d1945028201002a05fa19e819147d9424f7cd234ab3638de00f02780667afae46ec97bc44a4b73491117ebeef64475c37bb1d8a33ed390e1b5da5f47fa32e5576cbdaf5d3c68e7af092ba59fdc21a88b3f389c1fe2e02bceeeb1656e2b17c036f5eb54a20a95e704b9a2e776029d8036f8f71d55582a6aae7fea3307eb490216f59870bfbfa1a7e839fbcda62979d05d7e63aab5c8a654ecfec0b0c53c0a9e07e7621de41a2f996fcab9123b3e5e7ddab996b180c4122d837d1e2bbfdeae5a8239fb95d07bd7b1490c0820ec54bbc265d199f9aa56e484fbc3f3ab4ef55903571bccda1a1e82362885389807fdb80a5285112d19a146cd6bc2d745b90fddbbccd24ab1fdb7d8f0422022071511b9261d952f3a065ee846b05463a794b5d479104ba89d654cc176cfc3de2",
        info: "308203463082023906072a8648ce3804013082022c0282010100bc0f55e0960a4f31bca1f8b64c7a5faca3751b1535b72c0eca5fe75b974f3ccff1c7cc6a5ea37b8e7a86970017fa80966cf2d9ff028f49a2309de15d530d976dfc74a71f79279dd040dbfe5d87b994aa351e2a8505fe61be96740b63e5a94abcd3b0293bb9b4a9adfb4b802ff4266639dce7d5cd381ad15aa5c2d9c8aa5b3b7378321f36ba2bd1e9da5b90253e96696bdef42dfa832a415f53e498b68a0ee9f1fb21d0de178de478706215df1892e41f350f0cb9f27ade5e2d3f1b78894fc047063fc2894909750e0a463f2ca058b04070b5d50f34de0f7a886430ee1c211084ece67bcdf356a0f631e219a7c261286cd721b718997aef952f19f6f97dd61069022100ffa722e9057c564d5a8c0460e31f1f611aa5f90dfbf7705bba496b78ca6d1945028201002a05fa19e819147d9424f7cd234ab3638de00f02780667afae46ec97bc44a4b73491117ebeef64475c37bb1d8a33ed390e1b5da5f47fa32e5576cbdaf5d3c68e7af092ba59fdc21a88b3f389c1fe2e02bceeeb1656e2b17c036f5eb54a20a95e704b9a2e776029d8036f8f71d55582a6aae7fea3307eb490216f59870bfbfa1a7e839fbcda62979d05d7e63aab5c8a654ecfec0b0c53c0a9e07e7621de41a2f996fcab9123b3e5e7ddab996b180c4122d837d1e2bbfdeae5a8239fb95d07bd7b1490c0820ec54bbc265d199f9aa56e484fbc3f3ab4ef55903571bccda1a1e82362885389807fdb80a5285112d19a146cd6bc2d745b90fddbbccd24ab1fdb7d8f0382010500028201002dea5997b66fbb35245b5634678b2c66e2186ab7ea63ba2a9c2415bc760a88e9b32902d1db2eb73ffc68329f4146203abc0afee7c85840bbdc2fe3804966c9460cdd0a701a4f87ddb3c996ab1e7cb1fbf07e571bbe14da19ca8a3c9fd246a98f4ef55489f34bd23a77d6f6f9cb9d143445e8d310682c10701ece254f465668f186488429b34953c49eabd25d532210dbf9f750d3345bd2c4022a79a2f2dadda6e5843fce66bbbdec29ebaa217366528604eefbd966ad5ad0f7b2e9344068c6b7a7cf6aec74765f3c964d5ae0bbfc55984c3fa4f834301c729c87c60ba8a2d751ce262378bd3aa1a280b0015ad7801ccaf8f7a6c29f33239c549479628b0e69df",
    },
];

// A Diffie-Hellman group and pair of 512 bits that OpenSSL made for these tests; they protect nothing.
const DH_PRIME: &str = "f750430cfc140899e5fcc6069deb668544ec9e4163c07509d13cd375c641a150c7d8771233c37a1f0be204303bfe8aec5483dcb18ad043455fa0f071b4fc631f";
const DH_BASE: &str = "02";
const DH_X: &str = "2331d74092b47ffd81d1ca6ca1fa84b532a918f49fba6a31a3467a592e5f12990646fb866dee424ce5433f6bced9e9f10d2a979a554e50868add2cc8bbe60fe4";
const DH_Y: &str = "7963bcc7c4b57a582106992052a37b5ae826645dfe8f27dd07be36d440a4b699037f452c1ee64fbc2ef2058b52426595de8c0802a7ff8added289f3be0f09b7a";
const DH_PEER: &str = "1b270a5a952572e469e5cc4b762730379203dede334da23684bf073907313597902709c802ac81f7b54d9068ebcfb96f9b95f905acae9d2c2285cc688fdb2e16";
const DH_AGREED: &str = "31d6acbaa9b78dc61e57d64d1d54b43f29d9683ad8d3ae7cee7f9ada45537c17e157f8f52da864dc868d059beb642c16beba50dc4848214351a535b3c9d94b26";
const DH_PKCS8: &str = "30819c020100305306092a864886f70d0103013046024100f750430cfc140899e5fcc6069deb668544ec9e4163c07509d13cd375c641a150c7d8771233c37a1f0be204303bfe8aec5483dcb18ad043455fa0f071b4fc631f020102044202402331d74092b47ffd81d1ca6ca1fa84b532a918f49fba6a31a3467a592e5f12990646fb866dee424ce5433f6bced9e9f10d2a979a554e50868add2cc8bbe60fe4";
const DH_INFO: &str = "30819a305306092a864886f70d0103013046024100f750430cfc140899e5fcc6069deb668544ec9e4163c07509d13cd375c641a150c7d8771233c37a1f0be204303bfe8aec5483dcb18ad043455fa0f071b4fc631f02010203430002407963bcc7c4b57a582106992052a37b5ae826645dfe8f27dd07be36d440a4b699037f452c1ee64fbc2ef2058b52426595de8c0802a7ff8added289f3be0f09b7a";
