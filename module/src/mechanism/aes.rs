//! AES (PKCS#11 v3.2 §6.10 – §6.13, §6.15): key generation, and its modes as ciphers.

use crate::crypto::ccm;
use crate::crypto::cipher::{Algorithm, Cipher, Ctr, Direction, Gcm, Mode};
use crate::crypto::feedback::Cfb64;
use crate::crypto::stealing::{cts, xts};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret};

use super::operation::{Whole, run};
use super::{Begun, Mechanism, Params, ROW, Shape, Start, Unit, secret};

const AES: Mechanism = Mechanism { keys: &[CKK_AES], sizes: (16, 32), unit: Unit::Bytes, ..ROW };

const CIPHER: Mechanism = Mechanism {
    encrypt: Some(encrypt),
    decrypt: Some(decrypt),
    wrap: Some(|start, key| run(encrypt(start)?, secret::filled(start, key).expose())),
    unwrap: Some(|start, wrapped| run(decrypt(start)?, wrapped).map_err(secret::not_a_key)),
    ..AES
};

const BLOCKS: Mechanism = Mechanism { fill: 16, ..CIPHER };

const IV: Mechanism = Mechanism { shape: Shape::Iv(16), ..CIPHER };

const XTS: Mechanism = Mechanism { keys: &[CKK_AES_XTS], sizes: (32, 64), ..IV };

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_AES_KEY_GEN, generate: Some(secret::generate), ..AES },
    Mechanism { id: CKM_AES_ECB, ..BLOCKS },
    Mechanism { id: CKM_AES_CBC, shape: Shape::Iv(16), ..BLOCKS },
    Mechanism { id: CKM_AES_CBC_PAD, ..IV },
    Mechanism { id: CKM_AES_OFB, ..IV },
    Mechanism { id: CKM_AES_CFB1, ..IV },
    Mechanism { id: CKM_AES_CFB8, ..IV },
    Mechanism { id: CKM_AES_CFB64, ..IV },
    Mechanism { id: CKM_AES_CFB128, ..IV },
    Mechanism { id: CKM_AES_CTR, shape: Shape::Ctr, ..CIPHER },
    Mechanism { id: CKM_AES_CTS, ..IV },
    Mechanism { id: CKM_AES_GCM, shape: Shape::Gcm, ..CIPHER },
    Mechanism {
        id: CKM_AES_CCM,
        shape: Shape::Ccm,
        // The length of what is wrapped is the token's to know: the caller's is not looked at.
        wrap: Some(|start, key| seal(start, Direction::Encrypt, key)),
        unwrap: Some(|start, wrapped| seal(start, Direction::Decrypt, wrapped).map_err(secret::not_a_key)),
        ..CIPHER
    },
    Mechanism {
        id: CKM_AES_XTS_KEY_GEN,
        keys: &[CKK_AES_XTS],
        sizes: (32, 64),
        generate: Some(secret::generate),
        ..AES
    },
    Mechanism { id: CKM_AES_XTS, ..XTS },
];

fn encrypt(start: &Start<'_>) -> Result<Begun> {
    begin(start, Direction::Encrypt)
}

fn decrypt(start: &Start<'_>) -> Result<Begun> {
    begin(start, Direction::Decrypt)
}

fn begin(start: &Start<'_>, direction: Direction) -> Result<Begun> {
    let key = secret::value(start)?;
    let cipher =
        |mode: Mode, iv: &[u8]| Ok(Box::new(Cipher::new(Algorithm::Aes, mode, direction, key, iv)?) as Begun);
    match (start.row.id, start.params) {
        (CKM_AES_ECB, _) => cipher(Mode::Ecb, &[]),
        (CKM_AES_CBC, Params::Iv(iv)) => cipher(Mode::Cbc, iv),
        (CKM_AES_CBC_PAD, Params::Iv(iv)) => cipher(Mode::CbcPad, iv),
        (CKM_AES_OFB, Params::Iv(iv)) => cipher(Mode::Ofb, iv),
        (CKM_AES_CFB1, Params::Iv(iv)) => cipher(Mode::Cfb1, iv),
        (CKM_AES_CFB8, Params::Iv(iv)) => cipher(Mode::Cfb8, iv),
        (CKM_AES_CFB64, Params::Iv(iv)) => Ok(Box::new(Cfb64::new(direction, key, iv)?)),
        (CKM_AES_CFB128, Params::Iv(iv)) => cipher(Mode::Cfb128, iv),
        (CKM_AES_CTR, Params::Ctr { bits, counter }) => {
            Ok(Box::new(Ctr::new(direction, key, *bits, counter)?))
        }
        (CKM_AES_CTS, Params::Iv(iv)) => Ok(stolen(cts, direction, key, iv)),
        (CKM_AES_XTS, Params::Iv(iv)) => Ok(stolen(xts, direction, key, iv)),
        (CKM_AES_GCM, Params::Gcm { iv, aad, tag_bits }) => {
            Ok(Box::new(Gcm::new(direction, key, iv, aad, *tag_bits)?))
        }
        (CKM_AES_CCM, Params::Ccm { len, nonce, aad, tag }) => {
            ccm::check(key, nonce, *tag)?;
            Ok(counted(direction, key, *len, nonce, aad, *tag))
        }
        _ => Err(start.wrong_params("the parameter is of another mechanism")),
    }
}

type Stolen = fn(Direction, &Secret, &[u8], &[u8]) -> Result<Secret>;

/// Work over all of the data at once, that gives as much.
fn stolen(work: Stolen, direction: Direction, key: &Secret, iv: &[u8]) -> Begun {
    let (key, iv) = (key.clone(), iv.to_vec());
    Whole::begin(0, move |data: &[u8]| work(direction, &key, &iv, data))
}

/// CCM over as many bytes as the parameter announced (§6.13.5).
fn counted(direction: Direction, key: &Secret, len: usize, nonce: &[u8], aad: &[u8], tag: usize) -> Begun {
    let (key, nonce, aad) = (key.clone(), nonce.to_vec(), aad.to_vec());
    let (wanted, grows) = match direction {
        Direction::Encrypt => (len, tag as isize),
        Direction::Decrypt => (len.saturating_add(tag), -(tag as isize)),
    };
    let work = move |data: &[u8]| match data.len() == wanted {
        true => ccm::run(direction, &key, &nonce, &aad, tag, data),
        false => Err(wrong_length(direction, wanted, data.len())),
    };
    Whole::begin(grows, work)
}

fn wrong_length(direction: Direction, wanted: usize, given: usize) -> Error {
    let rv = match direction {
        Direction::Encrypt => Rv::DataLenRange,
        Direction::Decrypt => Rv::EncryptedDataLenRange,
    };
    rv.because(format!("{given} bytes of data, where ulDataLen announced {wanted}, the MAC included"))
}

fn seal(start: &Start<'_>, direction: Direction, data: &[u8]) -> Result<Secret> {
    match start.params {
        Params::Ccm { nonce, aad, tag, .. } => {
            ccm::run(direction, secret::value(start)?, nonce, aad, *tag, data)
        }
        _ => Err(start.wrong_params("a CK_CCM_PARAMS is needed")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, data, key};
    use super::*;

    const IV: [u8; 16] = *b"\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff";

    fn aes(key: &[u8], params: Params) -> Trial<'_> {
        Trial { kind: CKK_AES, key, params }
    }

    fn code<T: std::fmt::Debug>(result: Result<T>) -> Rv {
        result.unwrap_err().rv()
    }

    /// From OpenSSL and Python's cryptography; CFB64 from its definition over their ECB.
    #[test]
    fn feedback_modes_agree_with_others() {
        for (id, len, sealed) in [
            (CKM_AES_CFB1, 16, "11c05aeef87a7fe2ef4084d2a5a95d6ebf3b371b72e2a6479add921acb1a2243e7b96598b7"),
            (CKM_AES_CFB1, 24, "7b92a3fc3507880ef941ec9c378721511eebaba0f78f9fa09ccd69e6a1370063e8e5d8b198"),
            (CKM_AES_CFB1, 32, "8f00f06d8dc2f4b548366c90a764f46e41913008ef6cc2dc4f4e01b2e009f048587bafe859"),
            (CKM_AES_CFB8, 16, "66b807d8a559a65aa25bba0f52792abafcd2d3f5e1fbdbf8bb970299af1cfcbb21318e74b3"),
            (CKM_AES_CFB8, 24, "2b94c041c057db66d821976ab90c26de6bab6691294c47bf2e3834f8042de864324e0c0d36"),
            (CKM_AES_CFB8, 32, "923c86f491933905a974fc8f0e3ea1de2b14b420ab00387079f5930a1fcf1ae3a8146470d6"),
            (CKM_AES_CFB64, 16, "66a0c9fd28711b79dfe64a2687baa7ab49327c449f5839febf7e05ef7b35edf4ee60006ceb"),
            (CKM_AES_CFB64, 24, "2b85464748d143a1352c6560793dcb8d13ea8859681a71d2cdd36e67462482d4c5d439f5e1"),
            (CKM_AES_CFB64, 32, "9207c3983fb5aafac2f1b7d8658a30e12ed42446d64061e52a5f2614419a48994a2ece4ad6"),
            (
                CKM_AES_CFB128,
                16,
                "66a0c9fd28711b79af6e984a674dcfc46a207761a39c397e6f0621e914b1e82a98711f6a34",
            ),
            (
                CKM_AES_CFB128,
                24,
                "2b85464748d143a18be6704fa4beca9aa63ca3fd0e5c29b355b16abb5098e696842b6b88a3",
            ),
            (
                CKM_AES_CFB128,
                32,
                "9207c3983fb5aafa6256a0191469017dab709901cba2745e4ee122f18d3b86c0f4c16ae8ad",
            ),
            (CKM_AES_OFB, 16, "66a0c9fd28711b79af6e984a674dcfc41e16e73fda4616f3a3c1d3ab350153733f2f9c4b70"),
            (CKM_AES_OFB, 24, "2b85464748d143a18be6704fa4beca9a905936eea2aa1175213a74e75ccbad42fbdce16fd3"),
            (CKM_AES_OFB, 32, "9207c3983fb5aafa6256a0191469017dd853d25a67591ca517ea3c2cd085cd02ac4af86eb1"),
        ] {
            let key = key(len);
            let trial = aes(&key, Params::Iv(IV.into()));
            trial.encrypts(id, &data(37), &hex::decode(sealed).unwrap());
            trial.encrypts(id, b"", b"");
        }
    }

    /// From OpenSSL's AES-128-CBC-CTS, whose default is CS1.
    #[test]
    fn stealing_agrees_with_openssl() {
        let key = key(16);
        let trial = aes(&key, Params::Iv(IV.into()));
        for (len, sealed) in [
            (16, "fd6d13f56f1c8e510c5268ab3f0466d6"),
            (17, "fd6adb275dacc7b0f9de2a220c515f97c5"),
            (31, "fd6d13f56f1c8e510c5268ab3f046648cad4cdda115dba9867b3163c45c3cd"),
            (32, "fd6d13f56f1c8e510c5268ab3f0466d66d7ba17965145debc25966e8a96870a2"),
            (40, "fd6d13f56f1c8e510c5268ab3f0466d66d7ba17965145deb92e17a040495d4e94be59c82a95ab1da"),
        ] {
            trial.encrypts(CKM_AES_CTS, &data(len), &hex::decode(sealed).unwrap());
        }
        assert_eq!(code(trial.encrypt(CKM_AES_CTS, &[0; 15])), Rv::DataLenRange);
        assert_eq!(code(trial.decrypt(CKM_AES_CTS, &[0; 15])), Rv::EncryptedDataLenRange);
    }

    #[test]
    fn xts_agrees_with_openssl() {
        for (keys, len, sealed) in [
            (32, 16, "d7327e9e1c72ecd78b65701e4f404ee4"),
            (32, 17, "2e6e3faee1ced8c34fbf935a2c5fdcbfd7"),
            (32, 32, "d7327e9e1c72ecd78b65701e4f404ee4019f37e41c5f9eada1ca95bb20ec53bd"),
            (
                32,
                47,
                "d7327e9e1c72ecd78b65701e4f404ee431ec8c2571d35f329b281432f07458cd019f37e41c5f9eada1ca95bb20ec53",
            ),
            (
                32,
                48,
                "d7327e9e1c72ecd78b65701e4f404ee4019f37e41c5f9eada1ca95bb20ec53bdb76ea070fb065500a20d902d89a259a2",
            ),
            (64, 16, "c1bbaa7eafe9d1f7f75a0d6220e879c6"),
            (64, 17, "eb28bd896b16f2035034d267b72887afc1"),
            (
                64,
                47,
                "c1bbaa7eafe9d1f7f75a0d6220e879c63ed4ca07561a4de3492f4e7f9e9eca97c8818feb0062170192bbf66a74ae93",
            ),
            (
                64,
                48,
                "c1bbaa7eafe9d1f7f75a0d6220e879c6c8818feb0062170192bbf66a74ae932b7b768d1963ee24276056c855af0e9d15",
            ),
        ] {
            let key = key(keys);
            let trial = Trial { kind: CKK_AES_XTS, key: &key, params: Params::Iv(IV.into()) };
            trial.encrypts(CKM_AES_XTS, &data(len), &hex::decode(sealed).unwrap());
        }
        let key = key(48);
        let trial = Trial { kind: CKK_AES_XTS, key: &key, params: Params::Iv(IV.into()) };
        assert_eq!(code(trial.encrypt(CKM_AES_XTS, &[0; 16])), Rv::KeySizeRange);
        let trial = Trial { key: &key[..32], ..trial };
        assert_eq!(code(trial.encrypt(CKM_AES_XTS, &[0; 15])), Rv::DataLenRange);
        assert_eq!(code(trial.decrypt(CKM_AES_XTS, &[0; (16 << 20) + 1])), Rv::EncryptedDataLenRange);
        let short = Trial { params: Params::Iv(vec![0; 15]), ..trial.clone() };
        assert_eq!(code(short.encrypt(CKM_AES_XTS, &[0; 16])), Rv::MechanismParamInvalid);
        let other = Trial { kind: CKK_AES, ..trial };
        assert_eq!(code(other.encrypt(CKM_AES_XTS, &[0; 16])), Rv::KeyTypeInconsistent);
    }

    fn ccm(len: usize, nonce: usize, tag: usize) -> Params {
        Params::Ccm { len, nonce: (0..nonce as u8).collect(), aad: b"aad".to_vec(), tag }
    }

    /// From Python's cryptography: every tag length, every nonce length.
    #[test]
    fn ccm_agrees_with_openssl() {
        let key = key(16);
        for (tag, sealed) in [
            (4, "5713bdf921a52b3e9433e9a8c0bd65d6af47651ae300df93293d0a41d663525306e624a7b5b20f63b85d2cb7"),
            (
                6,
                "0df074e7e740fc361f3d00202728bea14f49e8d01c7798ca483bbf061876fa9ba68fb82da468e0c01647e8da2805",
            ),
            (
                8,
                "e77b05c6b40805004798fb37e599d9968dfd4832575396743a544adbed09a9f58184692497faf1200f66996a217bd2e9",
            ),
            (
                10,
                "341705e1b558409d1137df5085fa88883674e73077ad3edde7ce7e307b9c0d5cf1bb4b6e4a3eb7aedca7cd44187a2e2cf43f",
            ),
            (
                12,
                "3f9b2bbeca6b1b4df9a74ec5cfd3a80232822ac57d757ec83df395dbba24ebb4da212c5960e921f9b5a7898745f310e234e50038",
            ),
            (
                14,
                "3312fd72c0a3ee80492c8fad56b1e7e91c2167b747972d99e6c8fa2034eb796812a2a7e8e89d041cb44af5a4aa6552658130c8f4b9c9",
            ),
            (
                16,
                "1633ba9d4f2ad0b362a875eac96f7cb193777aa7fabeeb47845048e7489919c235b2a1bd29afad69da69bc2d00c5827f52de7b5d3aa6d713",
            ),
        ] {
            let trial = aes(&key, ccm(40, 7 + tag / 2 - 2, tag));
            trial.encrypts(CKM_AES_CCM, &data(40), &hex::decode(sealed).unwrap());
        }
    }

    #[test]
    fn ccm_refuses_what_was_not_announced() {
        let key = key(16);
        let trial = aes(&key, ccm(40, 12, 16));
        assert_eq!(code(trial.encrypt(CKM_AES_CCM, &[0; 39])), Rv::DataLenRange);
        assert_eq!(code(trial.encrypt(CKM_AES_CCM, &[0; 41])), Rv::DataLenRange);
        assert_eq!(code(trial.decrypt(CKM_AES_CCM, &[0; 40])), Rv::EncryptedDataLenRange);
        assert_eq!(code(trial.decrypt(CKM_AES_CCM, &[0; 56])), Rv::EncryptedDataInvalid);
        for (nonce, tag) in [(6, 16), (14, 16), (12, 3), (12, 5), (12, 18), (12, usize::MAX)] {
            let trial = aes(&key, ccm(0, nonce, tag));
            assert_eq!(code(trial.encrypt(CKM_AES_CCM, b"")), Rv::MechanismParamInvalid);
        }
    }

    #[test]
    fn a_key_is_wrapped_whatever_its_length() {
        let key = key(32);
        for (id, params, block) in [
            (CKM_AES_ECB, Params::None, 16),
            (CKM_AES_CBC, Params::Iv(IV.into()), 16),
            (CKM_AES_CBC_PAD, Params::Iv(IV.into()), 16),
            (CKM_AES_CTR, Params::Ctr { bits: 128, counter: IV }, 1),
            (CKM_AES_CCM, ccm(0, 12, 8), 1),
            (CKM_AES_CFB64, Params::Iv(IV.into()), 1),
        ] {
            let trial = aes(&key, params);
            let wrapped = trial.wrap(id, &data(21)).unwrap();
            assert!(wrapped.len().is_multiple_of(block));
            assert_eq!(trial.unwrap(id, wrapped.expose()).unwrap().expose()[..21], data(21));
        }
    }
}
