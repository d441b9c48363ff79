//! AES key wrap (PKCS#11 v3.2 §6.16): KW, KWP and its older name PAD (RFC 5649), and PKCS #7 padding before KW.

use crate::crypto::wrap::{DEFAULT_IV, Wrap, unwrap, wrap};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};

use super::operation::Whole;
use super::{Begun, Mechanism, Params, ROW, Shape, Start, Unit, secret};

const KW: Mechanism = Mechanism {
    keys: &[CKK_AES],
    sizes: (16, 32),
    unit: Unit::Bytes,
    shape: Shape::OptionalIv(8),
    encrypt: Some(encrypt),
    decrypt: Some(decrypt),
    wrap: Some(|start, key| sealed(start)?.seal(secret::filled(start, key).expose())),
    unwrap: Some(|start, wrapped| sealed(start)?.open(wrapped).map_err(secret::not_a_key)),
    ..ROW
};

pub const ROWS: &[Mechanism] = &[
    // A key is filled up with zeros, data are not (§6.16.3.1).
    Mechanism { id: CKM_AES_KEY_WRAP, fill: 8, ..KW },
    Mechanism { id: CKM_AES_KEY_WRAP_PAD, shape: Shape::OptionalIv(4), ..KW },
    Mechanism { id: CKM_AES_KEY_WRAP_KWP, shape: Shape::OptionalIv(4), ..KW },
    Mechanism { id: CKM_AES_KEY_WRAP_PKCS7, ..KW },
];

/// How a row wraps, and under which key.
struct Sealed {
    how: Wrap,
    /// With the padding of PKCS #7 to whole half blocks.
    padded: bool,
    key: Secret,
}

fn sealed(start: &Start<'_>) -> Result<Sealed> {
    let key = secret::value(start)?.clone();
    let how = match (start.row.id, start.params) {
        (CKM_AES_KEY_WRAP | CKM_AES_KEY_WRAP_PKCS7, params) => {
            Wrap::Plain { iv: iv(start, params, DEFAULT_IV)? }
        }
        (_, Params::None) => Wrap::Padded,
        (_, params) => Wrap::PaddedAs { icv: iv(start, params, [0; 4])? },
    };
    Ok(Sealed { how, padded: start.row.id == CKM_AES_KEY_WRAP_PKCS7, key })
}

fn iv<const N: usize>(start: &Start<'_>, params: &Params, default: [u8; N]) -> Result<[u8; N]> {
    match params {
        Params::None => Ok(default),
        Params::Iv(iv) => iv
            .as_slice()
            .try_into()
            .map_err(|_| start.wrong_params(format!("the initial value has {} bytes, not {N}", iv.len()))),
        _ => Err(start.wrong_params("the parameter is of another mechanism")),
    }
}

impl Sealed {
    fn seal(&self, data: &[u8]) -> Result<Secret> {
        if !self.padded {
            return wrap(self.how, &self.key, data).map(Secret::from);
        }
        let missing = 8 - data.len() % 8;
        let padded = Secret::from([data, &[missing as u8; 8][..missing]].concat());
        wrap(self.how, &self.key, padded.expose()).map(Secret::from)
    }

    fn open(&self, wrapped: &[u8]) -> Result<Secret> {
        let plain = unwrap(self.how, &self.key, wrapped)?;
        if !self.padded {
            return Ok(plain);
        }
        // Whether the padding is right tells no more than that the wrapping was, which is checked already.
        let missing = plain.expose().last().map_or(0, |last| usize::from(*last));
        let data = plain.len().checked_sub(missing).filter(|_| (1..=8).contains(&missing));
        match data.map(|len| plain.expose().split_at(len)) {
            Some((data, padding)) if padding.iter().all(|byte| usize::from(*byte) == missing) => {
                Ok(data.into())
            }
            _ => Err(Rv::EncryptedDataInvalid.because("the padding is not that of PKCS #7")),
        }
    }
}

fn encrypt(start: &Start<'_>) -> Result<Begun> {
    let sealed = sealed(start)?;
    Ok(Whole::begin(16, move |data| sealed.seal(data)))
}

fn decrypt(start: &Start<'_>) -> Result<Begun> {
    let sealed = sealed(start)?;
    Ok(Whole::begin(-8, move |data| sealed.open(data)))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, data, key};
    use super::*;

    fn aes(key: &[u8], params: Params) -> Trial<'_> {
        Trial { kind: CKK_AES, key, params }
    }

    /// From Python's cryptography.
    #[test]
    fn wrapping_agrees_with_others() {
        for (id, keys, len, wrapped) in [
            (CKM_AES_KEY_WRAP, 32, 24, "c8d79f8fe8bfc2f480e4f4155b4185bfdf2f693835d1c6f6f3706cbc829dd1a2"),
            (
                CKM_AES_KEY_WRAP,
                32,
                40,
                "d101168a5f9e8f8c9e685f6cc5c91d9f69ee25d47200667cd5d4fcea804b4c335a658ae3003c8f1311da42b4dd95224e",
            ),
            (CKM_AES_KEY_WRAP_PAD, 16, 1, "5ebd8abe5c33aca1efa882f092efa095"),
            (CKM_AES_KEY_WRAP_PAD, 16, 8, "dae6ec3bacdbcb2b05a34852d658d7c4"),
            (
                CKM_AES_KEY_WRAP_PAD,
                16,
                20,
                "efd3d2684f8b9f7cce82ed0afde793fb2fdfe2b25d867f5d7aa2db03dffcc617",
            ),
            (CKM_AES_KEY_WRAP_KWP, 16, 9, "d69d140242733f16aef51e240fa1ea89f5b0e4f1b4273808"),
            (
                CKM_AES_KEY_WRAP_KWP,
                16,
                40,
                "dcf0971d9c50bace7454a4215c12cd78b9c9e62d9d1ead14bc644aaadb6865fa39288e08606c56c24577e39804729d61",
            ),
            (
                CKM_AES_KEY_WRAP_PKCS7,
                24,
                16,
                "8a36a3e6105d8a3d888e25f1674b3756b492122f13394719cfb51309627f9f20",
            ),
            (
                CKM_AES_KEY_WRAP_PKCS7,
                24,
                20,
                "4e310369902c517f07b400fe555244de2abe01f43128c00331f6d373af308245",
            ),
        ] {
            let (key, wrapped) = (key(keys), hex::decode(wrapped).unwrap());
            let trial = aes(&key, Params::None);
            trial.encrypts(id, &data(len), &wrapped);
            assert_eq!(trial.wrap(id, &data(len)).unwrap().expose(), wrapped);
            assert_eq!(trial.unwrap(id, &wrapped).unwrap().expose(), data(len));
        }
    }

    #[test]
    fn an_initial_value_of_ones_own_is_taken_in_both_directions() {
        let key = key(16);
        for (id, iv) in [
            (CKM_AES_KEY_WRAP, &b"eight by"[..]),
            (CKM_AES_KEY_WRAP_PKCS7, b"eight by"),
            (CKM_AES_KEY_WRAP_KWP, b"four"),
            (CKM_AES_KEY_WRAP_PAD, b"four"),
        ] {
            let (own, default) = (aes(&key, Params::Iv(iv.to_vec())), aes(&key, Params::None));
            let wrapped = own.wrap(id, &data(32)).unwrap();
            assert_eq!(own.unwrap(id, wrapped.expose()).unwrap().expose(), data(32));
            assert_eq!(default.unwrap(id, wrapped.expose()).unwrap_err().rv(), Rv::WrappedKeyInvalid);
            let wrong = aes(&key, Params::Iv(vec![0; 5]));
            assert_eq!(wrong.wrap(id, &data(32)).unwrap_err().rv(), Rv::MechanismParamInvalid);
        }
    }

    #[test]
    fn a_key_is_filled_up_but_data_are_not() {
        let key = key(16);
        let trial = aes(&key, Params::None);
        let wrapped = trial.wrap(CKM_AES_KEY_WRAP, &data(21)).unwrap();
        let filled = [&data(21)[..], &[0; 3]].concat();
        assert_eq!(trial.unwrap(CKM_AES_KEY_WRAP, wrapped.expose()).unwrap().expose(), filled);
        assert_eq!(trial.encrypt(CKM_AES_KEY_WRAP, &data(21)).unwrap_err().rv(), Rv::DataLenRange);
        assert_eq!(trial.encrypt(CKM_AES_KEY_WRAP_KWP, b"").unwrap_err().rv(), Rv::DataLenRange);
    }

    #[test]
    fn what_was_not_wrapped_is_refused() {
        let key = key(16);
        let trial = aes(&key, Params::None);
        for row in ROWS {
            for len in [0, 8, 20, 33] {
                assert_eq!(trial.decrypt(row.id, &data(len)).unwrap_err().rv(), Rv::EncryptedDataLenRange);
                assert_eq!(trial.unwrap(row.id, &data(len)).unwrap_err().rv(), Rv::WrappedKeyLenRange);
            }
            assert_eq!(trial.decrypt(row.id, &data(32)).unwrap_err().rv(), Rv::EncryptedDataInvalid);
            assert_eq!(trial.unwrap(row.id, &data(32)).unwrap_err().rv(), Rv::WrappedKeyInvalid);
        }
        // Rightly wrapped, wrongly padded.
        let wrapped = trial.wrap(CKM_AES_KEY_WRAP, &[9; 16]).unwrap();
        let error = trial.unwrap(CKM_AES_KEY_WRAP_PKCS7, wrapped.expose()).unwrap_err();
        assert_eq!(error.rv(), Rv::WrappedKeyInvalid);
    }
}
