//! What the post-quantum algorithms must do: published answers, agreement with other implementations, refusals.

use super::super::rng::system;
use super::*;
use crate::crypto::hash::Hash;
use crate::crypto::prehash::Prehash;

fn refused<T>(result: Result<T>) -> Rv {
    result.err().expect("must be refused").rv()
}

/// All sets but the slow ones.
fn some() -> impl Iterator<Item = Set> {
    let quick = |set: &Set| set.family() != SlhDsa || set.name().ends_with('F');
    ROWS.iter().map(Set).filter(quick)
}

#[test]
fn every_set_signs_or_encapsulates() {
    some().for_each(works);
}

#[test]
#[ignore = "takes minutes without optimisation"]
fn the_slow_sets_sign() {
    Set::all(SlhDsa).filter(|set| set.name().ends_with('S')).for_each(works);
}

fn works(set: Set) {
    let pair = generate(set, &mut system).unwrap();
    assert_eq!(pair.private.len(), set.private_size());
    let private = PrivateKey::new(set, &pair.private).unwrap();
    let public = PublicKey::new(set, &pair.public).unwrap();
    if set.family() == MlKem {
        let (ciphertext, secret) = public.encapsulate(&mut system).unwrap();
        assert_eq!(ciphertext.len(), set.output_size());
        assert_eq!(private.decapsulate(&ciphertext).unwrap(), secret);
        let mut bad = ciphertext.clone();
        bad[0] ^= 1;
        assert_ne!(private.decapsulate(&bad).unwrap(), secret, "implicit rejection");
        assert_eq!(refused(private.decapsulate(&ciphertext[1..])), Rv::EncryptedDataLenRange);
        assert_eq!(refused(private.sign(&[b""], None)), Rv::KeyTypeInconsistent);
        return;
    }
    let signature = private.sign(&[b"mess", b"age"], None).unwrap();
    assert_eq!(signature.len(), set.output_size());
    public.verify(&[b"message"], &signature).unwrap();
    assert_eq!(refused(public.verify(&[b"massage"], &signature)), Rv::SignatureInvalid);
    assert_eq!(refused(public.verify(&[b"message"], &signature[1..])), Rv::SignatureLenRange);
    assert_eq!(refused(private.decapsulate(b"")), Rv::KeyTypeInconsistent);
}

#[test]
fn hedged_signatures_differ_and_deterministic_ones_do_not() {
    for set in some().filter(|set| set.family() != MlKem) {
        let pair = generate(set, &mut system).unwrap();
        let private = PrivateKey::new(set, &pair.private).unwrap();
        let public = PublicKey::new(set, &pair.public).unwrap();
        assert_eq!(private.sign(&[b"m"], None).unwrap(), private.sign(&[b"m"], None).unwrap());
        let (one, two) = (vec![1; set.hedge_size()], vec![2; set.hedge_size()]);
        let (first, second) =
            (private.sign(&[b"m"], Some(&one)).unwrap(), private.sign(&[b"m"], Some(&two)).unwrap());
        assert_ne!(first, second);
        public.verify(&[b"m"], &first).unwrap();
        public.verify(&[b"m"], &second).unwrap();
    }
}

fn counted(from: u8, len: usize) -> Secret {
    (from..from + len as u8).collect::<Vec<u8>>().into()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Hash::Sha256.digest(bytes))
}

/// Made with `dilithium-py`: set; SHA-256 of the public key, of the private key, and of the deterministic signature of
/// "tokenkeep" with the context "context", all from the seed 00 01 02 ….
#[rustfmt::skip]
const ML_DSA: [[&str; 4]; 3] = [
    ["ML-DSA-44", "9f107644c1084526af3bc8098680b05499a2325a644e388fb4f970e058d19d46", "04bf6b9f579166a627961dfc5c3bf9717df868db88863856356c4668c8b56b0b", "5bdff1a70755df1c179acb1324e627da88be85835c0b3c68a694caf771d26777"],
    ["ML-DSA-65", "d666806e11cee19a7c989f7445f90dd419cf4d2d51db8c0fdb4c0f0a542238c9", "9f1e24f47795fe50040384e3d6183988047170fa2d866406b70fe0a3f8216063", "82ea802e9dafd8dc0e66243dd3c2e68bdc9a0b42b6afe99c39aa9d566b3924fc"],
    ["ML-DSA-87", "91dc389cfaa01470b7f66eee45a4ae9026d154817c754dfe22298b3fa241ffcd", "764d3e223ed90c07bc91a0ab6ecd170e5c66ffe39f7039298596039a36005435", "5b9a021198adc7cf893633b9b9196ede6b3a530662e4f2ec826406dae7329934"],
];

/// Made with `kyber-py`: set; SHA-256 of both keys from the seed 00 01 02 … and of the ciphertext from 64 65 66 …; the
/// shared secret.
#[rustfmt::skip]
const ML_KEM: [[&str; 5]; 3] = [
    ["ML-KEM-512", "3ae268dccc5456ac0d0f9b39257dc48fe081383b97c400512d712b739762daee", "17fb29b8c4baf74fb81eea15ffd583b3e37f5a5b8dcf6db96c72c3b3751d6f17", "9596d0c11b16c7cf90bb1efd90595bdcb2aa9c17614ea9ffb6c416002bdf6d2f", "3a607cff6eafff95c45dcfb474aba90719265620a28c465f3f6ffe39d5dc5f18"],
    ["ML-KEM-768", "0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9", "dac268bde6a8dd238e9887117d6b664e7a7a9350ad6b7c08a948e504809572a5", "57fe559432dbb3c5547c73f155820622f7efdd532e4330360a36ebf7d2ddec55", "c5a74110c158acbaf9c01deb86fa6cc10c14533feda54bec1fdd000d61f07e4e"],
    ["ML-KEM-1024", "c7b8fa0aa471d5ae18922d6ccad5b31e1d84f92ae723abfd13747018740a8530", "3a2a676c5a242ee683cb6097c8f3e64fbef4d90267f9250ec2beab8f99621fad", "1fe22ad629280fa1dc35fb4e640ab7cef0eae704976517f163d599966f231e9d", "f64fab54e0b56ccc058bf30d5d5d9dc2023e266432bf4e8009fbbaf3c8602331"],
];

#[test]
fn ml_dsa_agrees_with_another_implementation() {
    for (set, known) in Set::all(MlDsa).zip(ML_DSA) {
        let pair = Pair::from_seed(set, &counted(0, 32)).unwrap();
        let key = PrivateKey::new(set, &pair.private).unwrap();
        let signature = key.sign(&[&[0, 7], b"context", b"tokenkeep"], None).unwrap();
        let ours = [&pair.public[..], pair.private.expose(), &signature].map(sha256);
        assert_eq!([set.name(), &ours[0], &ours[1], &ours[2]], known);
        assert_eq!(Pair::from_private(set, &pair.private).unwrap().public, pair.public);
    }
}

#[test]
fn ml_kem_agrees_with_another_implementation() {
    for (set, known) in Set::all(MlKem).zip(ML_KEM) {
        let pair = Pair::from_seed(set, &counted(0, 64)).unwrap();
        let public = PublicKey::new(set, &pair.public).unwrap();
        let mut fixed = |bytes: &mut [u8]| {
            bytes.copy_from_slice(counted(100, 32).expose());
            Ok(())
        };
        let (ciphertext, secret) = public.encapsulate(&mut fixed).unwrap();
        let ours = [&pair.public[..], pair.private.expose(), &ciphertext].map(sha256);
        assert_eq!([set.name(), &ours[0], &ours[1], &ours[2], &hex::encode(secret.expose())], known);
        assert_eq!(PrivateKey::new(set, &pair.private).unwrap().decapsulate(&ciphertext).unwrap(), secret);
        assert_eq!(Pair::from_private(set, &pair.private).unwrap().public, pair.public);
    }
}

/// Made with the Python package `slh-dsa`: set; private key; SHA-256 of the deterministic signature of "tokenkeep" with the
/// context "context", and of the prehashed one with SHAKE128.
#[rustfmt::skip]
const SLH_DSA: [[&str; 4]; 7] = [
    ["SLH-DSA-SHA2-128F", "c36ccdc04846b664343e2f7b7bd4ac03a0548bc0a9ef51e75c078fc59cee24276a2d61381ffd540b8a6d3198530d988a5d7f2aef511e14d5acfd8bf5001ab2b5", "41862199297b8af866e92eac3c8815da741a2c8d0b2e00cb7494fdb35b47fcf4", "5034da7571cafe35f3ac50b7b62aa220cd2eb02244983e8fc7f19ecc2c5fac55"],
    ["SLH-DSA-SHAKE-128F", "4ad487262dd57359e6bd0918ad721ae037b281665649722faac6ec54318d9a5179402014bd8a24836cce323d89c220373aa1e171e3cc999201d6495cdeacbe09", "24ca6f1bb91ffe97f398940e4d2a474cd14f5ccbcd104a53f5602339219b8753", "f2fcc6b15dbde2ab5ca8762885674d6c27a0971dda666d525c9c65aa760fa763"],
    ["SLH-DSA-SHA2-192F", "f3cfc98f7a853654750da8a5c56a147d991cc1d39c083ebaea062a3a79883133a27cd6b304d6b28b07d7fe10c049b884babbb97738a0a1e51643b24dab90fa6127d316df312e4f0474b17f07215f05c1c09193a4bc63f7294b1d95e74444cd4d", "34ca2c207e320e0ce73b247b6c532bb3e3c831eaae839b7ce9984d1ddd550825", "6ca39dd368e9509a3d3c5d88544018bae8568ddb103597f5bae049ccbf9bfc51"],
    ["SLH-DSA-SHAKE-192F", "76e19d355b6dc0bd8754d1305a53cbd895e375e52d2368d0524142f4a53fa47e006f207d55db36384fbe3ad09618372f6c4e41aa07be6a002c3a28f459a50f046abf07b91c0b4e4e56f549870bda51647c8b152f392055acc2e3a991b57a52a8", "47fb1f00d9932acc0a2294432a6ec8f1e1cfeceffb8f05f7421e87d860303740", "9415e22e5a9eeedad7846d8b411428596e65dd3121f898981d3977e8ab40b1fe"],
    ["SLH-DSA-SHA2-256F", "eeaffe6ec4d665b168ec6a6401756b31362e1e3ed142709a85dcff466f06a7f2c80041e3fe6552ddd087be5c95f5f15486b02c4fff8d38f6d3fce84a40b7cd588ef00d7c8fa44fd73ee43eb2d5bd9799f832f43b21719b0ffc0f94c99689bd7d3817694bce95afa8b08f3ba2c6f7ce1719d006465cd73808cce696263bcc46c5", "5ff6a9bfc11c16a7a431cf4bc98a66ef900e758c487dda6aad0cc8d35e749eca", "8314612673153aacdc40189d84555a8b06a33bd11839542d2015271546d9cdf7"],
    ["SLH-DSA-SHAKE-256F", "26dc099935e4f99ac09ca244f1d41400b76dce60d8e4a6155ca123072fddd896fd02febd34d64dee446a0eff7309f8fb389894bcd39c195da1ad0c12cd205160d40dfb32dcd6e136acaacc405cef3c56cb4afb8ad1eedaec1df66e40cb1b55091330aaa4d57ed63c33dd7f7ec9c1f3a77c36463c3de48a7719b4ec5662a4e6b9", "d095d6644074433c0d2c7c1682088b40b6226f579fdbabbbe1b7d03bb9db9a2e", "522497e952f9fee897dd599f38c56cdbeb821da105202ec32bc0d6ffb27c8334"],
    ["SLH-DSA-SHA2-128S", "4a0fd6a9b0a739199d852bc1140fd40de73f17a26d7ebab2fc3ba6fa7263a43da7344fa62a3601cf183b3583b44efe54edfc905b00326b1e44b239a3c7c85a07", "c6112b11de64219a878a743b03bc8036371864a93f956a515a2533fabee7f77d", "73d58d3f3529177665affd298d4aba86d2f25991f8444f5f34365d86cdbf197f"],
];

#[test]
fn slh_dsa_agrees_with_another_implementation() {
    for [name, private, pure, prehashed] in SLH_DSA {
        let set = Set::all(SlhDsa).find(|set| set.name() == name).unwrap();
        let private = Secret::from(hex::decode(private).unwrap());
        let pair = Pair::from_private(set, &private).unwrap();
        let (key, public) =
            (PrivateKey::new(set, &private).unwrap(), PublicKey::new(set, &pair.public).unwrap());
        let signature = key.sign(&[&[0, 7], b"context", b"tokenkeep"], None).unwrap();
        assert_eq!(sha256(&signature), pure, "{name}");
        public.verify(&[&[0, 7], b"context", b"tokenkeep"], &signature).unwrap();
        let mut hasher = Prehash::Shake128.start();
        hasher.update(b"tokenkeep");
        let (oid, digest) = (Prehash::Shake128.oid().unwrap(), hasher.finish());
        let signature = key.sign(&[&[1, 7], b"context", oid, &digest], None).unwrap();
        assert_eq!(sha256(&signature), prehashed, "{name}");
    }
}

#[test]
fn keys_go_out_as_pkcs8_and_come_back() {
    for set in some() {
        let pair = generate(set, &mut system).unwrap();
        let bare = Pair { seed: None, private: pair.private.clone(), public: pair.public.clone(), set };
        for pair in [&pair, &bare] {
            let der = to_pkcs8(pair);
            let back = from_pkcs8(set.family(), der.expose()).unwrap();
            assert!(back.set == set && back.private == pair.private && back.public == pair.public);
            assert_eq!(back.seed, pair.seed);
            for other in [MlDsa, MlKem, SlhDsa].into_iter().filter(|family| *family != set.family()) {
                assert_eq!(refused(from_pkcs8(other, der.expose())), Rv::KeyTypeInconsistent);
            }
            for end in [0, 1, 20, der.len() - 1] {
                assert_eq!(refused(from_pkcs8(set.family(), &der.expose()[..end])), Rv::WrappedKeyInvalid);
            }
        }
    }
}

#[test]
fn a_seed_and_an_expanded_key_must_belong_together() {
    for set in [Set::of(MlDsa, 1).unwrap(), Set::of(MlKem, 1).unwrap()] {
        let (one, two) = (generate(set, &mut system).unwrap(), generate(set, &mut system).unwrap());
        let mixed = Pair { seed: one.seed, ..two };
        assert_eq!(refused(from_pkcs8(set.family(), to_pkcs8(&mixed).expose())), Rv::WrappedKeyInvalid);
    }
}

#[test]
fn bad_keys_have_their_codes() {
    assert_eq!(refused(Set::of(MlDsa, 4)), Rv::ParameterSetNotSupported);
    assert_eq!(refused(Set::of(SlhDsa, 0)), Rv::ParameterSetNotSupported);
    for set in some() {
        let pair = generate(set, &mut system).unwrap();
        let short = Secret::from(&pair.private.expose()[1..]);
        assert_eq!(refused(Pair::from_private(set, &short)), Rv::AttributeValueInvalid);
        assert_eq!(refused(PrivateKey::new(set, &short)), Rv::AttributeValueInvalid);
        assert_eq!(refused(PublicKey::new(set, &pair.public[1..])), Rv::AttributeValueInvalid);
        assert_eq!(refused(Pair::from_seed(set, &Secret::zeroed(31))), Rv::AttributeValueInvalid);
        // The root of an SLH-DSA key, the hash in an ML-KEM key.
        let mut bad = pair.private.clone();
        let at = bad.len() - if set.family() == SlhDsa { 1 } else { 40 };
        bad.expose_mut()[at] ^= 0x55;
        if set.family() != MlDsa {
            assert_eq!(refused(Pair::from_private(set, &bad)), Rv::AttributeValueInvalid, "{set:?}");
        }
    }
    let kem = Set::of(MlKem, 2).unwrap();
    assert_eq!(refused(PublicKey::new(kem, &[0xff; 1184])), Rv::AttributeValueInvalid);
}
