//! ChaCha20, Poly1305 and ChaCha20-Poly1305 (PKCS#11 v3.2 §6.58, §6.60, §6.61).

use crate::crypto::chacha::{ChaCha20, ChaCha20Poly1305, Poly1305};
use crate::crypto::cipher::Direction;
use crate::cryptoki::Result;
use crate::cryptoki::ids::*;

use super::operation::{Tagging, run};
use super::{Begun, Mechanism, Params, ROW, Shape, Start, Unit, secret};

const CHACHA: Mechanism = Mechanism { keys: &[CKK_CHACHA20], sizes: (32, 32), unit: Unit::Bytes, ..ROW };
const POLY: Mechanism = Mechanism { keys: &[CKK_POLY1305], ..CHACHA };

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_CHACHA20_KEY_GEN, generate: Some(secret::generate), ..CHACHA },
    Mechanism {
        id: CKM_CHACHA20,
        sizes: (256, 256),
        unit: Unit::Bits,
        shape: Shape::ChaCha20,
        encrypt: Some(stream),
        decrypt: Some(stream),
        wrap: Some(|start, key| run(stream(start)?, key)),
        unwrap: Some(|start, wrapped| run(stream(start)?, wrapped).map_err(secret::not_a_key)),
        ..CHACHA
    },
    Mechanism {
        id: CKM_CHACHA20_POLY1305,
        shape: Shape::ChaCha20Poly1305,
        encrypt: Some(|start| sealed(start, Direction::Encrypt)),
        decrypt: Some(|start| sealed(start, Direction::Decrypt)),
        wrap: Some(|start, key| run(sealed(start, Direction::Encrypt)?, key)),
        unwrap: Some(|start, wrapped| {
            run(sealed(start, Direction::Decrypt)?, wrapped).map_err(secret::not_a_key)
        }),
        ..CHACHA
    },
    Mechanism { id: CKM_POLY1305_KEY_GEN, generate: Some(secret::generate), ..POLY },
    Mechanism { id: CKM_POLY1305, sign: Some(mac), verify: Some(mac), ..POLY },
];

fn stream(start: &Start<'_>) -> Result<Begun> {
    let Params::ChaCha20 { bits, counter, nonce } = start.params else {
        return Err(start.wrong_params("a CK_CHACHA20_PARAMS is needed"));
    };
    Ok(Box::new(ChaCha20::new(secret::value(start)?, nonce, *bits, *counter)?))
}

fn sealed(start: &Start<'_>, direction: Direction) -> Result<Begun> {
    let Params::ChaCha20Poly1305 { nonce, aad } = start.params else {
        return Err(start.wrong_params("a CK_SALSA20_CHACHA20_POLY1305_PARAMS is needed"));
    };
    Ok(Box::new(ChaCha20Poly1305::new(direction, secret::value(start)?, nonce, aad)?))
}

fn mac(start: &Start<'_>) -> Result<Begun> {
    Ok(Tagging::begin(Poly1305::new(secret::value(start)?)?, 16))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, data, key};
    use super::*;
    use crate::cryptoki::Rv;

    fn chacha(key: &[u8], params: Params) -> Trial<'_> {
        Trial { kind: CKK_CHACHA20, key, params }
    }

    /// From Python's cryptography: from block 1 on, and across the end of the low half of a 64-bit counter.
    #[test]
    fn streams_agree_with_openssl() {
        let key = key(32);
        let ietf = Params::ChaCha20 { bits: 32, counter: 1, nonce: (0..12).collect() };
        let wide = Params::ChaCha20 { bits: 64, counter: 0xffff_ffff, nonce: (0..8).collect() };
        for (params, sealed) in [
            (
                ietf,
                "89fc061535348f718fbc79becc466c0ab907cc62dde737184e389978b10b74e50c67c2061a1dbb892f2d50f551afcd6a2ed3f711915bc21a9a374f9a34e42c6fb9bf721839f7c6183ce94bb10c67fed8eae979772339aa5f663886735cf69026ed79c2464b1aed256984155a566ab589f978481da56e7ab9072262821d54cd3f21e14d28359075ddf1acb9b7f8e789d344867977077c",
            ),
            (
                wide,
                "a2bfde5e0fa4517b482c8ddd65bfd561469e0edf1a0227b950531238c6211f13005f145b136f57effc2989f512b1e4710dfcece03b1268fbb1c92390c03428f2ef0d7c154675efb43e0a789f7df0e0027ee619c7aa3e9eaa094a4088493546251ab1013f2ed7c125060b66670c15ea22c0e6919e48c34983ed08ea7e1639fd4f4b47c6375481bf762c945f5675d8116aee7fd3f76701",
            ),
        ] {
            chacha(&key, params).encrypts(CKM_CHACHA20, &data(150), &hex::decode(sealed).unwrap());
        }
    }

    #[test]
    fn a_counter_does_not_come_round() {
        let key = key(32);
        let last = Params::ChaCha20 { bits: 32, counter: 0xffff_ffff, nonce: vec![0; 12] };
        let trial = chacha(&key, last);
        assert_eq!(trial.encrypt(CKM_CHACHA20, &[0; 64]).unwrap().len(), 64);
        assert_eq!(trial.encrypt(CKM_CHACHA20, &[0; 65]).unwrap_err().rv(), Rv::DataLenRange);
        for (bits, counter, nonce) in [(32, 0, 8), (64, 0, 12), (32, 1 << 32, 12), (16, 0, 12), (32, 0, 11)] {
            let trial = chacha(&key, Params::ChaCha20 { bits, counter, nonce: vec![0; nonce] });
            assert_eq!(trial.encrypt(CKM_CHACHA20, b"").unwrap_err().rv(), Rv::MechanismParamInvalid);
        }
    }

    /// From Python's cryptography; draft-irtf-cfrg-xchacha A.3.1.
    #[test]
    fn sealing_agrees_with_others() {
        let own = key(32);
        let params = Params::ChaCha20Poly1305 { nonce: (0..12).collect(), aad: b"aad".to_vec() };
        chacha(&own, params).encrypts(CKM_CHACHA20_POLY1305, &data(100), &hex::decode("89fc061535348f718fbc79becc466c0ab907cc62dde737184e389978b10b74e50c67c2061a1dbb892f2d50f551afcd6a2ed3f711915bc21a9a374f9a34e42c6fb9bf721839f7c6183ce94bb10c67fed8eae979772339aa5f663886735cf69026ed79c246cfb025be70f5618339c31276731ddfae").unwrap());
        let draft: Vec<u8> = (0x80..=0x9f).collect();
        let aad = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
        let params = Params::ChaCha20Poly1305 { nonce: (0x40..=0x57).collect(), aad };
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
                      future, sunscreen would be it.";
        let sealed = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4e\
                      da7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76\
                      b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49";
        chacha(&draft, params).encrypts(CKM_CHACHA20_POLY1305, plain, &hex::decode(sealed).unwrap());
    }

    #[test]
    fn a_broken_seal_gives_nothing() {
        let key = key(32);
        let seal = |nonce| chacha(&key, Params::ChaCha20Poly1305 { nonce: vec![0; nonce], aad: vec![] });
        let sealed = seal(12).encrypt(CKM_CHACHA20_POLY1305, b"text").unwrap();
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            let error = seal(12).decrypt(CKM_CHACHA20_POLY1305, &bad).unwrap_err();
            assert_eq!(error.rv(), Rv::EncryptedDataInvalid);
        }
        let error = seal(12).decrypt(CKM_CHACHA20_POLY1305, &sealed[..15]).unwrap_err();
        assert_eq!(error.rv(), Rv::EncryptedDataLenRange);
        for nonce in [0, 8, 11, 13] {
            let error = seal(nonce).encrypt(CKM_CHACHA20_POLY1305, b"").unwrap_err();
            assert_eq!(error.rv(), Rv::MechanismParamInvalid);
        }
    }

    #[test]
    fn poly1305_agrees_with_openssl() {
        let key = key(32);
        let trial = Trial { kind: CKK_POLY1305, key: &key, params: Params::None };
        trial.signs(CKM_POLY1305, &data(100), &hex::decode("6c17082f1eb4a98538a182daf142d627").unwrap());
    }
}
