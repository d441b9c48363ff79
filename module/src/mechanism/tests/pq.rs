//! Post-quantum keys as the token keeps them, and their mechanisms with their parameters.

use super::*;
use crate::crypto::hash::Hash;

/// Key pairs of ML-DSA-44 and of SLH-DSA-SHA2-128f.
fn signers() -> Vec<(CK_KEY_TYPE, Object, Object)> {
    [
        (CKM_ML_DSA_KEY_PAIR_GEN, CKK_ML_DSA, CKP_ML_DSA_44),
        (CKM_SLH_DSA_KEY_PAIR_GEN, CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F),
    ]
    .into_iter()
    .map(|(maker, kind, set)| {
        let (public, private) = generate(maker, &[(CKA_PARAMETER_SET, Value::Ulong(set))]).unwrap();
        (kind, public, private)
    })
    .collect()
}

fn context(hedge: CK_HEDGE_TYPE, context: &[u8], hash: Option<CK_MECHANISM_TYPE>) -> Params {
    Params::SignContext { hedge, context: context.to_vec(), hash }
}

#[test]
fn every_mechanism_signs_and_is_told_from_the_others() {
    for (kind, public, private) in signers() {
        let mut made: Vec<(CK_MECHANISM_TYPE, Vec<u8>)> = Vec::new();
        let rows = all().filter(|row| row.keys == [kind] && row.sign.is_some());
        for row in rows.filter(|row| row.shape == Shape::SignContext) {
            let signature = sign(row.id, &Params::None, &private, b"a message").unwrap();
            for (other, theirs) in &made {
                let answer = verify(row.id, &Params::None, &public, b"a message", theirs);
                assert_eq!(
                    refused(answer),
                    Rv::SignatureInvalid,
                    "{} {}",
                    row.name(),
                    names::mechanism(*other)
                );
            }
            verify(row.id, &Params::None, &public, b"a message", &signature).unwrap();
            made.push((row.id, signature));
        }
        assert_eq!(made.len(), 11);
    }
}

#[test]
fn a_digest_of_the_callers_is_signed_like_one_of_the_tokens() {
    for ((kind, public, private), of_digest) in signers().into_iter().zip([CKM_HASH_ML_DSA, CKM_HASH_SLH_DSA])
    {
        for row in all().filter(|row| row.keys == [kind] && row.hash.is_some()) {
            let hash = row.hash.unwrap();
            let id = hashes::HASHES.iter().find(|named| named.hash == hash).unwrap().digest;
            let params = context(CKH_DETERMINISTIC_REQUIRED, b"c", Some(id));
            let theirs = sign(of_digest, &params, &private, &hash.digest(b"a message")).unwrap();
            let own = context(CKH_DETERMINISTIC_REQUIRED, b"c", None);
            assert_eq!(sign(row.id, &own, &private, b"a message").unwrap(), theirs, "{}", row.name());
            verify(row.id, &context(CKH_HEDGE_REQUIRED, b"c", None), &public, b"a message", &theirs).unwrap();
            assert_eq!(refused(sign(of_digest, &params, &private, b"short")), Rv::DataLenRange);
        }
        for (hash, rv) in [(CKM_SHA_1, Rv::MechanismParamInvalid), (CKM_RSA_PKCS, Rv::MechanismParamInvalid)]
        {
            let params = context(CKH_HEDGE_PREFERRED, b"", Some(hash));
            let digest = Hash::Sha1.digest(b"");
            assert_eq!(refused(sign(of_digest, &params, &private, &digest)), rv);
        }
    }
}

#[test]
fn contexts_and_hedging_are_as_the_parameter_says() {
    for ((_, public, private), id) in signers().into_iter().zip([CKM_ML_DSA, CKM_SLH_DSA]) {
        let steady = context(CKH_DETERMINISTIC_REQUIRED, b"c", None);
        let first = sign(id, &steady, &private, b"a message").unwrap();
        assert_eq!(sign(id, &steady, &private, b"a message").unwrap(), first);
        for hedge in [CKH_HEDGE_PREFERRED, CKH_HEDGE_REQUIRED] {
            let params = context(hedge, b"c", None);
            let hedged = sign(id, &params, &private, b"a message").unwrap();
            assert_ne!(hedged, first);
            verify(id, &params, &public, b"a message", &hedged).unwrap();
        }
        for other in [Params::None, context(CKH_HEDGE_PREFERRED, b"d", None)] {
            assert_eq!(refused(verify(id, &other, &public, b"a message", &first)), Rv::SignatureInvalid);
        }
        for bad in
            [context(3, b"", None), context(CKH_HEDGE_REQUIRED, &[0; 256], None), Params::MacGeneral(1)]
        {
            assert_eq!(refused(sign(id, &bad, &private, b"")), Rv::MechanismParamInvalid);
        }
        assert_eq!(refused(sign(id, &Params::None, &public, b"")), Rv::KeyTypeInconsistent);
    }
}

#[test]
fn a_lattice_key_is_made_of_its_seed_or_of_its_value_or_of_both() {
    for (kind, set, len) in [(CKK_ML_DSA, CKP_ML_DSA_65, 32), (CKK_ML_KEM, CKP_ML_KEM_768, 64)] {
        let set = (CKA_PARAMETER_SET, Value::Ulong(set));
        let seed = (CKA_SEED, Value::Secret(Secret::from(vec![7; len])));
        let by_seed = private(kind, &[set.clone(), seed.clone()]);
        let value = (CKA_VALUE, by_seed.attributes().of(CKA_VALUE).unwrap().clone());
        let by_value = private(kind, &[set.clone(), value.clone()]);
        let by_both = private(kind, &[set.clone(), seed.clone(), value.clone()]);
        assert_eq!(by_both.attributes(), by_seed.attributes());
        let info = |key: &Object| key.attributes().of(CKA_PUBLIC_KEY_INFO).cloned();
        assert_eq!(info(&by_value), info(&by_seed));
        goes_and_comes(&by_seed);
        goes_and_comes(&by_value);
        let other = (CKA_SEED, Value::Secret(Secret::from(vec![8; len])));
        let short = (CKA_SEED, Value::Secret(Secret::from(vec![7; len - 1])));
        for (parts, rv) in [
            (vec![set.clone(), other, value.clone()], Rv::AttributeValueInvalid),
            (vec![set.clone(), short], Rv::AttributeValueInvalid),
            (vec![set.clone()], Rv::TemplateIncomplete),
            (vec![seed.clone()], Rv::TemplateIncomplete),
            (vec![(CKA_PARAMETER_SET, Value::Ulong(9)), seed], Rv::ParameterSetNotSupported),
        ] {
            assert_eq!(refused(create(CKO_PRIVATE_KEY, kind, &parts)), rv);
        }
        let parts = [set, (CKA_VALUE, Value::Bytes(vec![0; 100]))];
        assert_eq!(refused(create(CKO_PUBLIC_KEY, kind, &parts)), Rv::AttributeValueInvalid);
    }
}

#[test]
fn an_slh_dsa_key_goes_out_and_comes_back_and_takes_no_seed() {
    let (_, _, key) = signers().pop().unwrap();
    goes_and_comes(&key);
    let mut parts: Vec<_> = [CKA_PARAMETER_SET, CKA_VALUE]
        .iter()
        .map(|attribute| (*attribute, key.attributes().of(*attribute).unwrap().clone()))
        .collect();
    private(CKK_SLH_DSA, &parts);
    parts.push((CKA_SEED, Value::Secret(vec![1; 48].into())));
    assert_eq!(refused(create(CKO_PRIVATE_KEY, CKK_SLH_DSA, &parts)), Rv::TemplateInconsistent);
}

#[test]
fn a_secret_is_encapsulated_and_decapsulated() {
    for set in [CKP_ML_KEM_512, CKP_ML_KEM_768, CKP_ML_KEM_1024] {
        let parts = [(CKA_PARAMETER_SET, Value::Ulong(set))];
        let (public, private) = generate(CKM_ML_KEM_KEY_PAIR_GEN, &parts).unwrap();
        let (ciphertext, secret) =
            with(CKM_ML_KEM, &Params::None, &public, |row, start| row.encapsulate.unwrap()(start)).unwrap();
        let open = |key: &Object, ciphertext: &[u8]| {
            with(CKM_ML_KEM, &Params::None, key, |row, start| row.decapsulate.unwrap()(start, ciphertext))
        };
        assert_eq!(open(&private, &ciphertext).unwrap(), secret);
        assert_eq!(refused(open(&private, &ciphertext[1..])), Rv::WrappedKeyLenRange);
        assert_eq!(refused(open(&public, &ciphertext)), Rv::KeyTypeInconsistent);
    }
}
