//! Keys that are encrypted data (PKCS#11 v3.2 §6.17): the base key encrypts, the ciphertext is the new key.

use crate::crypto::cipher::{Algorithm, Direction, Mode, whole};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Secret};

use super::{Mechanism, Params, ROW, Shape, Start, Unit, secret};

const AES: Mechanism =
    Mechanism { keys: &[CKK_AES], sizes: (16, 32), unit: Unit::Bytes, derive: Some(derive), ..ROW };
const DES: Mechanism = Mechanism { keys: &[CKK_DES], derive: Some(derive), ..ROW };
const DES3: Mechanism = Mechanism { keys: &[CKK_DES2, CKK_DES3], ..DES };

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_AES_ECB_ENCRYPT_DATA, shape: Shape::Data, ..AES },
    Mechanism { id: CKM_AES_CBC_ENCRYPT_DATA, shape: Shape::DataWithIv(16), ..AES },
    Mechanism { id: CKM_DES_ECB_ENCRYPT_DATA, shape: Shape::Data, ..DES },
    Mechanism { id: CKM_DES_CBC_ENCRYPT_DATA, shape: Shape::DataWithIv(8), ..DES },
    Mechanism { id: CKM_DES3_ECB_ENCRYPT_DATA, shape: Shape::Data, ..DES3 },
    Mechanism { id: CKM_DES3_CBC_ENCRYPT_DATA, shape: Shape::DataWithIv(8), ..DES3 },
];

fn derive(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let (mode, iv, data) = match start.params {
        Params::Data(data) => (Mode::Ecb, &[][..], data),
        Params::DataWithIv { iv, data } => (Mode::Cbc, &iv[..], data),
        _ => return Err(start.wrong_params("the data to encrypt are needed")),
    };
    let algorithm = match start.row.keys {
        [CKK_AES] => Algorithm::Aes,
        _ => Algorithm::Des,
    };
    let block = algorithm.block();
    if data.is_empty() || !data.len().is_multiple_of(block) {
        return Err(start.wrong_params(format!("{} bytes of data, not whole blocks of {block}", data.len())));
    }
    secret::first(whole(algorithm, mode, Direction::Encrypt, secret::value(start)?, iv, data)?, len)
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, data, key};
    use super::*;
    use crate::cryptoki::Rv;

    /// From Python's cryptography.
    #[test]
    fn the_key_is_the_ciphertext() {
        let (iv, data) = ((0xf0..=0xff).collect::<Vec<u8>>(), data(32));
        let with_iv = |len: usize| Params::DataWithIv { iv: iv[..len].to_vec(), data: data.clone() };
        for (id, kind, keys, params, value) in [
            (
                CKM_AES_ECB_ENCRYPT_DATA,
                CKK_AES,
                32,
                Params::Data(data.clone()),
                "70e2a796600eaa0cfe6ef599b72ae17655e0db4e4263311bbc79300c9df30d02",
            ),
            (
                CKM_AES_CBC_ENCRYPT_DATA,
                CKK_AES,
                32,
                with_iv(16),
                "1570fe04e7cc3accef8107127e292139ed160c48971985a93d1616f3c558b619",
            ),
            (
                CKM_DES3_ECB_ENCRYPT_DATA,
                CKK_DES3,
                24,
                Params::Data(data.clone()),
                "569a020486318ee81b37c895acb2ae525bf6189fc5245cc2139e85a0134a16e5",
            ),
            (
                CKM_DES3_CBC_ENCRYPT_DATA,
                CKK_DES3,
                24,
                with_iv(8),
                "3b3c512cc78107f0a26864d2038ee7a4f61eb905d4ea3295b336a62e3a693dd6",
            ),
        ] {
            let key = key(keys);
            let trial = Trial { kind, key: &key, params };
            assert_eq!(hex::encode(trial.derive(id, None).unwrap().expose()), value);
            assert_eq!(hex::encode(trial.derive(id, Some(24)).unwrap().expose()), value[..48]);
            assert_eq!(trial.derive(id, Some(33)).unwrap_err().rv(), Rv::KeySizeRange);
        }
    }

    #[test]
    fn the_data_are_whole_blocks() {
        let key = key(16);
        for len in [0, 15, 17] {
            let trial = Trial { kind: CKK_AES, key: &key, params: Params::Data(data(len)) };
            let error = trial.derive(CKM_AES_ECB_ENCRYPT_DATA, None).unwrap_err();
            assert_eq!(error.rv(), Rv::MechanismParamInvalid);
        }
    }
}
