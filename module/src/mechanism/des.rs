//! DES, double and triple DES (PKCS#11 v3.2 §6.18 and the historical mechanisms): for what is old.

use crate::crypto::cipher::{Algorithm, Cipher, Direction, Mode};
use crate::cryptoki::Result;
use crate::cryptoki::ids::*;

use super::operation::run;
use super::{Begun, Mechanism, Params, ROW, Shape, Start, secret};

const CIPHER: Mechanism = Mechanism {
    encrypt: Some(encrypt),
    decrypt: Some(decrypt),
    wrap: Some(|start, key| run(encrypt(start)?, secret::filled(start, key).expose())),
    unwrap: Some(|start, wrapped| run(decrypt(start)?, wrapped).map_err(secret::not_a_key)),
    fill: 8,
    ..ROW
};

/// Keys have no size: there is one for each type.
const DES: Mechanism = Mechanism { keys: &[CKK_DES], ..CIPHER };
const DES3: Mechanism = Mechanism { keys: &[CKK_DES3, CKK_DES2], ..CIPHER };

const fn padded(id: CK_MECHANISM_TYPE, of: Mechanism) -> Mechanism {
    Mechanism { id, shape: Shape::Iv(8), fill: 1, ..of }
}

const fn generation(id: CK_MECHANISM_TYPE, keys: &'static [CK_KEY_TYPE]) -> Mechanism {
    Mechanism { id, keys, generate: Some(secret::generate), ..ROW }
}

pub const ROWS: &[Mechanism] = &[
    generation(CKM_DES_KEY_GEN, &[CKK_DES]),
    generation(CKM_DES2_KEY_GEN, &[CKK_DES2]),
    generation(CKM_DES3_KEY_GEN, &[CKK_DES3]),
    Mechanism { id: CKM_DES_ECB, ..DES },
    Mechanism { id: CKM_DES_CBC, shape: Shape::Iv(8), ..DES },
    padded(CKM_DES_CBC_PAD, DES),
    Mechanism { id: CKM_DES3_ECB, ..DES3 },
    Mechanism { id: CKM_DES3_CBC, shape: Shape::Iv(8), ..DES3 },
    padded(CKM_DES3_CBC_PAD, DES3),
];

fn encrypt(start: &Start<'_>) -> Result<Begun> {
    begin(start, Direction::Encrypt)
}

fn decrypt(start: &Start<'_>) -> Result<Begun> {
    begin(start, Direction::Decrypt)
}

fn begin(start: &Start<'_>, direction: Direction) -> Result<Begun> {
    let (mode, iv) = match (start.row.id, start.params) {
        (CKM_DES_ECB | CKM_DES3_ECB, _) => (Mode::Ecb, &[][..]),
        (CKM_DES_CBC | CKM_DES3_CBC, Params::Iv(iv)) => (Mode::Cbc, &iv[..]),
        (_, Params::Iv(iv)) => (Mode::CbcPad, &iv[..]),
        _ => return Err(start.wrong_params("an IV of 8 bytes is needed")),
    };
    Ok(Box::new(Cipher::new(Algorithm::Des, mode, direction, secret::value(start)?, iv)?))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, data, key};
    use super::*;
    use crate::cryptoki::Rv;

    /// From Python's cryptography.
    #[test]
    fn ciphertexts_agree_with_others() {
        let iv = Params::Iv((0xf0..=0xf7).collect());
        for (id, kind, keys, len, sealed) in [
            (
                CKM_DES_ECB,
                CKK_DES,
                8,
                40,
                "00bb7aa8787c168f64f06c30776c863edfc1142be7235b99d5613069e5ffc6d0a2d5d59bd9b8d9c9",
            ),
            (
                CKM_DES_CBC,
                CKK_DES,
                8,
                40,
                "986a874fc56225e7bfbe7b7cbe5e195c114803e06b247e15f391acf8d04b75a51b073bbe596e8743",
            ),
            (
                CKM_DES_CBC_PAD,
                CKK_DES,
                8,
                37,
                "986a874fc56225e7bfbe7b7cbe5e195c114803e06b247e15f391acf8d04b75a57f9b36ccd5c982ad",
            ),
            (
                CKM_DES3_ECB,
                CKK_DES2,
                16,
                40,
                "941cf8314293a426044d959a0f9b4178643b062169a278da6f14b3b7bbda4a967f88655077421d40",
            ),
            (
                CKM_DES3_CBC,
                CKK_DES2,
                16,
                40,
                "024a298dc47d375efa2f538a1f974e591e303e470121d88b290c74457a509b669d6aa58397482b31",
            ),
            (
                CKM_DES3_CBC_PAD,
                CKK_DES2,
                16,
                37,
                "024a298dc47d375efa2f538a1f974e591e303e470121d88b290c74457a509b66552023cc00e4c487",
            ),
            (
                CKM_DES3_ECB,
                CKK_DES3,
                24,
                40,
                "569a020486318ee81b37c895acb2ae525bf6189fc5245cc2139e85a0134a16e5b406dff96c8fc063",
            ),
            (
                CKM_DES3_CBC,
                CKK_DES3,
                24,
                40,
                "3b3c512cc78107f0a26864d2038ee7a4f61eb905d4ea3295b336a62e3a693dd6c24459be1a6b5c84",
            ),
            (
                CKM_DES3_CBC_PAD,
                CKK_DES3,
                24,
                37,
                "3b3c512cc78107f0a26864d2038ee7a4f61eb905d4ea3295b336a62e3a693dd6c1b2d38f3f709be8",
            ),
        ] {
            let key = key(keys);
            let params = if id == CKM_DES_ECB || id == CKM_DES3_ECB { Params::None } else { iv.clone() };
            let trial = Trial { kind, key: &key, params };
            trial.encrypts(id, &data(len), &hex::decode(sealed).unwrap());
            let wrapped = trial.wrap(id, &data(21)).unwrap();
            assert_eq!(trial.unwrap(id, wrapped.expose()).unwrap().expose()[..21], data(21));
        }
    }

    #[test]
    fn ragged_data_bad_padding_and_other_keys_have_their_codes() {
        let key = key(24);
        let trial = Trial { kind: CKK_DES3, key: &key, params: Params::Iv(vec![0; 8]) };
        assert_eq!(trial.encrypt(CKM_DES3_CBC, &[0; 9]).unwrap_err().rv(), Rv::DataLenRange);
        assert_eq!(trial.decrypt(CKM_DES3_CBC, &[0; 9]).unwrap_err().rv(), Rv::EncryptedDataLenRange);
        assert_eq!(trial.decrypt(CKM_DES3_CBC_PAD, &[]).unwrap_err().rv(), Rv::EncryptedDataLenRange);
        let sealed = trial.encrypt(CKM_DES3_CBC, &[9; 8]).unwrap();
        assert_eq!(trial.decrypt(CKM_DES3_CBC_PAD, &sealed).unwrap_err().rv(), Rv::EncryptedDataInvalid);
        let short = Trial { params: Params::Iv(vec![0; 7]), ..trial.clone() };
        assert_eq!(short.encrypt(CKM_DES3_CBC, &[0; 8]).unwrap_err().rv(), Rv::MechanismParamInvalid);
        assert_eq!(trial.encrypt(CKM_DES_CBC, &[0; 8]).unwrap_err().rv(), Rv::KeyTypeInconsistent);
    }
}
