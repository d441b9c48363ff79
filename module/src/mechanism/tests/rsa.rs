//! RSA against signatures and wrapped keys that OpenSSL made.

use super::*;

fn keys() -> (Object, Object) {
    let (n, e) = ((CKA_MODULUS, bytes(N)), (CKA_PUBLIC_EXPONENT, bytes("010001")));
    let d = (CKA_PRIVATE_EXPONENT, secret(D));
    (public(CKK_RSA, &[n.clone(), e.clone()]), private(CKK_RSA, &[n, e, d]))
}

#[test]
fn signatures_with_old_and_new_hashes_agree_with_openssl() {
    let (public, private) = keys();
    for (id, theirs) in PKCS {
        assert_eq!(hex::encode(sign(*id, &Params::None, &private, b"tokenkeep").unwrap()), *theirs);
        verify(*id, &Params::None, &public, b"tokenkeep", &unhex(theirs)).unwrap();
        let other = verify(*id, &Params::None, &public, b"tokenkeeps", &unhex(theirs));
        assert_eq!(refused(other), Rv::SignatureInvalid);
    }
    for (id, hash, mgf, theirs) in PSS {
        let params = Params::Pss { hash: *hash, mgf: *mgf, salt: 20 };
        verify(*id, &params, &public, b"tokenkeep", &unhex(theirs)).unwrap();
        let ours = sign(*id, &params, &private, b"tokenkeep").unwrap();
        verify(*id, &params, &public, b"tokenkeep", &ours).unwrap();
        let raw = hashes::by_digest(*hash).unwrap().digest(b"tokenkeep");
        verify(CKM_RSA_PKCS_PSS, &params, &public, &raw, &ours).unwrap();
    }
}

#[test]
fn pss_parameters_that_do_not_fit_are_refused() {
    let (_, private) = keys();
    for (hash, mgf, salt) in [
        (CKM_SHA256, CKG_MGF1_SHA3_256, 32),
        (CKM_SHA3_256, 99, 32),
        (CKM_SHA3_256, CKG_MGF1_SHA3_256, 95),
        (CKM_RSA_PKCS, CKG_MGF1_SHA3_256, 32),
    ] {
        let params = Params::Pss { hash, mgf, salt };
        assert_eq!(
            refused(sign(CKM_SHA3_256_RSA_PKCS_PSS, &params, &private, b"")),
            Rv::MechanismParamInvalid
        );
    }
}

fn rsa_aes(bits: usize, hash: CK_MECHANISM_TYPE, mgf: CK_RSA_PKCS_MGF_TYPE) -> Params {
    Params::RsaAes { bits, oaep: Box::new(Params::Oaep { hash, mgf, label: b"label".to_vec() }) }
}

#[test]
fn a_key_that_openssl_wrapped_is_unwrapped() {
    let (public, private) = keys();
    let params = rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA1);
    let target = unwrap(CKM_RSA_AES_KEY_WRAP, &params, &private, &unhex(WRAPPED)).unwrap();
    assert_eq!(target.expose(), b"the target key");
    for bits in [128, 192, 256] {
        let params = rsa_aes(bits, CKM_SHA3_224, CKG_MGF1_SHA3_256);
        let wrapped = wrap(CKM_RSA_AES_KEY_WRAP, &params, &public, &[7; 1000]).unwrap();
        assert_eq!(wrapped.len(), 128 + 1008);
        let target = unwrap(CKM_RSA_AES_KEY_WRAP, &params, &private, &wrapped).unwrap();
        assert_eq!(target.expose(), [7; 1000]);
    }
}

#[test]
fn a_bad_wrapping_has_its_code() {
    let (public, private) = keys();
    let (good, wrapped) = (rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA1), unhex(WRAPPED));
    let other =
        |params: &Params, wrapped: &[u8]| refused(unwrap(CKM_RSA_AES_KEY_WRAP, params, &private, wrapped));
    assert_eq!(other(&rsa_aes(128, CKM_SHA256, CKG_MGF1_SHA1), &wrapped), Rv::WrappedKeyInvalid);
    assert_eq!(other(&rsa_aes(255, CKM_SHA256, CKG_MGF1_SHA1), &wrapped), Rv::MechanismParamInvalid);
    assert_eq!(other(&rsa_aes(256, CKM_SHA256, CKG_MGF1_SHA256), &wrapped), Rv::WrappedKeyInvalid);
    assert_eq!(other(&Params::None, &wrapped), Rv::MechanismParamInvalid);
    assert_eq!(other(&good, &wrapped[..127]), Rv::WrappedKeyLenRange);
    assert_eq!(other(&good, &wrapped[..128]), Rv::WrappedKeyLenRange);
    assert_eq!(other(&good, &[&wrapped[..151], &[0]].concat()), Rv::WrappedKeyInvalid);
    let wide = rsa_aes(256, CKM_SHA512, CKG_MGF1_SHA512);
    assert_eq!(refused(wrap(CKM_RSA_AES_KEY_WRAP, &wide, &public, &[7; 16])), Rv::WrappingKeySizeRange);
}

/// RSA-1024, made with Python's `cryptography` for these tests; it protects nothing.
const N: &str = "ad37bfcd4026b33808ec81bf1f15d099816df604e56901c92e243bcf9418b287a6b3ab62e17e2b81ba24a653ceb21bf101dfc93ba72026702af30c7e9744f17f5f2ea46ce05567deb5247d7abacb04ebf374397aa5592725cf7475ea8e1db8b8f991cd28fcf0b01955ba71fa9ca51d2d2248b7894b0eb9b763660897ee0143f5";
const D: &str = "a5c7bc6ef15dd89ae1979159dca36140f969c752ca4964a729dd0dcd4e5d10c8d9580dc8962dcdefdbba65e1c1ea1ee9dbb455811d239d062f64ec695fd76114c5ee1d9ff6dbd8ddcbd1092f408b27f6fc8d6e9dbeb38180fa577f2388f61dba9d08b4b77e4499f94f5f08c57246f85276a577f9a865d3565cb78eb06777a385";
/// PKCS #1 v1.5 signatures of "tokenkeep".
const PKCS: &[(CK_MECHANISM_TYPE, &str)] = &[
    (
        CKM_MD5_RSA_PKCS,
        "612389c80d146ddc1eb878f7ec4d045c5efe73b860bf90005908a17a0ea82af256dde8e48ba9cd2ee98c5352b04ec133e52ede249004fb42c1d70c917495bdd1ced340d8afc60b74a6f035bb0db78c4dc20a2b3fa515729b6b5d4d50115a7c99f5581dacd59d27c9c826b24f94251bc4b9f98f694115f27d8f4ff00ff1a462d1",
    ),
    (
        CKM_SHA3_224_RSA_PKCS,
        "a6b98685451e00c141ceaacf909275c29fa4b5a4bfbb06351a57aa11c7bd67c97c7c5e130b686afe0ad9c88cd9094867e9e24d4e9400c78162b69bf331491c2e439aab602e80fd9096b018f1fb19728b987ecff3ec707d24bbfec6f8b0864123510461f771ef0aedf283fde6559b4529645211a14b5696453063f5f9cd8224f6",
    ),
    (
        CKM_SHA3_256_RSA_PKCS,
        "9e29baeaad6b10cf10369bc45d2e0649b2a63cf6c427ade33aff116fa831c2232bf69a420ab31d0c05c8eb1f78f24d0c1791f68c3727f1b17b0b0efc3f8cfc31e7d6e36ee6f77e9311eaa25a75187c2afe33a1dfc77992e1dfb9981e4ad88d91950ec50cde7fc70edc582d715124970c6a1c0d93650eea6b0c8c34f650605735",
    ),
    (
        CKM_SHA3_384_RSA_PKCS,
        "a310ba4ca1ea74bdab72a80f39aa24176204a25b5b019a71600a15bb1baa7d47b2d56ac71cb970acd02ec3ce68bd9177f37ed70bee3cc29db934a8eac062277f80be761174c149c669385d0d07ac23feaa57bb73cd9d145ae2b9a0756f4c974d48adb138bf2640e6b063c74d463c76a953fbad210469c6ee17ca15bbf283a250",
    ),
    (
        CKM_SHA3_512_RSA_PKCS,
        "95c9b7dd667587552f0b8097927ea349810e8118a1f1085a821aec1f83294ba3cf938d063f4ff9e6c400d1fb7a61056eeab16ea8b6f2554f2923e72d97f91a4c1cf9f5c34540130d7b110d387556036c0e7cb65024d14309f33f81fa101d649596f014d44f03ca198506b0ede699b28dc6083efdc597d2e2f71439d011edf306",
    ),
];
/// PSS signatures of the same with a salt of 20 bytes.
const PSS: &[(CK_MECHANISM_TYPE, CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE, &str)] = &[
    (
        CKM_SHA3_224_RSA_PKCS_PSS,
        CKM_SHA3_224,
        CKG_MGF1_SHA3_224,
        "3bc6009352bc973d6b95c90d31478df1ce329c6c4f09b90c5c66133a58da70dc739fd985cb81fecc7183217e1e38ba11595c8a79d1e168be55b4ee9ea0849fed185112a94827b888f5cd4627e8a0f600df0758b246f440d48619bfcc7efb60267b31b45fb8a3c0f0016c9b6a2343e33bcd3295fdd81d1098e15d0c2635670345",
    ),
    (
        CKM_SHA3_256_RSA_PKCS_PSS,
        CKM_SHA3_256,
        CKG_MGF1_SHA3_256,
        "8c243eb24693288bc2f180fef71d9866c2cbf9a9a00d4fb4ad584a28fe456167de68a6b71b690209a4e84934a1ce549ade2e6959e58655c1add7c962edc3570569216149131b3d6c77ae907577b31680959e2142633fd21bb6e3911845a6dd08f8752ea76b36e858466a1a1b0d1ecc77b76c914bd366b706a9bb39292eb707a3",
    ),
    (
        CKM_SHA3_384_RSA_PKCS_PSS,
        CKM_SHA3_384,
        CKG_MGF1_SHA3_384,
        "2b6b9a1c4c6a1d60229c2f3a733b0f258b2bce0918efaee5cfbf94f879300b72693029568e5619086ec455eb63409e90bfa6daa8a68927f50b16f46f14da8361f20af39228f99738c957ab74f4452cb7a2040186380009b55b582a152f1bcf6289ddb9c68fd3410aa58f980daa39bf51933196c44eefbc10cfb9051ee6a3dcdb",
    ),
    (
        CKM_SHA3_512_RSA_PKCS_PSS,
        CKM_SHA3_512,
        CKG_MGF1_SHA3_512,
        "150d1ce4988cfe1e1bbed3578456b5a02a14944ec5f47d51f145468e5ae481dcd0c1700f2c5b59fccdc4ad156d5c74b8b51d2caefd8c3945bfba937373cdc8f0a0d1fe2175a4d11c1515bfbcae33305fb799762a6bf141a6d2f174766e3b14eb5579a82e28df1bd3d395fa6e6db47d0b4448278e8872c120a240ab7cc99456da",
    ),
];
/// AES-256 under OAEP with SHA-256, MGF1 with SHA-1 and "label"; "the target key" under AES.
const WRAPPED: &str = "98c8d3681f0de9900786064dd940a182262abe801cb242b7544a0d3c413127de8739e4a0943292c18b3c019dbfc468f4da9268d92e475aec0ee37cb01e298380311a3d9c8dfcfab98fc1f278854154bfd11309170bd2be9b738164187a856f8d01894c5b293b6711493bcdaccc97ce12bba9e8c3ef21577cbe7f16f67ffa74ac6b7a4a02e80846bf1f5625cde8f477f448daf5ee10b0ea9a";
