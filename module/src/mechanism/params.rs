//! Mechanism parameters, read at the border and owned, so that no caller's memory is held.

use crate::cryptoki::ids::*;

/// Which `CK_…_PARAMS` a mechanism takes: what the border must read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No parameter; some programs send an empty one.
    None,
    /// Exactly so many bytes: an initialisation vector.
    Iv(usize),
    /// Bytes, of any length but none.
    Bytes,
    /// The same, or nothing.
    OptionalIv(usize),
    /// CK_RSA_PKCS_PSS_PARAMS
    Pss,
    /// CK_RSA_PKCS_OAEP_PARAMS
    Oaep,
    /// CK_RSA_AES_KEY_WRAP_PARAMS
    RsaAes,
    /// CK_ECDH1_DERIVE_PARAMS
    Ecdh,
    /// CK_ECDH_AES_KEY_WRAP_PARAMS
    EcdhAes,
    /// CK_EDDSA_PARAMS, or none
    Eddsa,
    /// CK_SIGN_ADDITIONAL_CONTEXT, or none
    SignContext,
    /// CK_HASH_SIGN_ADDITIONAL_CONTEXT
    HashSignContext,
    /// CK_AES_CTR_PARAMS
    Ctr,
    /// CK_GCM_PARAMS, in both its layouts
    Gcm,
    /// CK_CCM_PARAMS
    Ccm,
    /// CK_CHACHA20_PARAMS
    ChaCha20,
    /// CK_SALSA20_CHACHA20_POLY1305_PARAMS
    ChaCha20Poly1305,
    /// CK_KEY_DERIVATION_STRING_DATA
    Data,
    /// CK_AES_CBC_ENCRYPT_DATA_PARAMS and its like, with an IV of so many bytes
    DataWithIv(usize),
    /// CK_MAC_GENERAL_PARAMS: the length of the tag in bytes
    MacGeneral,
}

/// A parameter, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Params {
    None,
    Iv(Vec<u8>),
    Bytes(Vec<u8>),
    Pss {
        hash: CK_MECHANISM_TYPE,
        mgf: CK_RSA_PKCS_MGF_TYPE,
        salt: usize,
    },
    Oaep {
        hash: CK_MECHANISM_TYPE,
        mgf: CK_RSA_PKCS_MGF_TYPE,
        label: Vec<u8>,
    },
    /// The temporary AES key's bits, and how OAEP wraps it.
    RsaAes {
        bits: usize,
        oaep: Box<Params>,
    },
    Ecdh {
        kdf: CK_EC_KDF_TYPE,
        shared: Vec<u8>,
        public: Vec<u8>,
    },
    EcdhAes {
        bits: usize,
        kdf: CK_EC_KDF_TYPE,
        shared: Vec<u8>,
    },
    Eddsa {
        prehash: bool,
        context: Vec<u8>,
    },
    /// With the hash of a digest that the caller made.
    SignContext {
        hedge: CK_HEDGE_TYPE,
        context: Vec<u8>,
        hash: Option<CK_MECHANISM_TYPE>,
    },
    Ctr {
        bits: usize,
        counter: [u8; 16],
    },
    Gcm {
        iv: Vec<u8>,
        aad: Vec<u8>,
        tag_bits: usize,
    },
    /// `len` is of the data without the tag.
    Ccm {
        len: usize,
        nonce: Vec<u8>,
        aad: Vec<u8>,
        tag: usize,
    },
    /// `bits` are those of the counter.
    ChaCha20 {
        bits: usize,
        counter: u64,
        nonce: Vec<u8>,
    },
    ChaCha20Poly1305 {
        nonce: Vec<u8>,
        aad: Vec<u8>,
    },
    Data(Vec<u8>),
    DataWithIv {
        iv: Vec<u8>,
        data: Vec<u8>,
    },
    MacGeneral(usize),
}

/// A CK_MECHANISM: which mechanism, and its parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub id: CK_MECHANISM_TYPE,
    pub params: Params,
}

impl Params {
    /// As bytes, for C_GetOperationState; none for a parameter that no saved operation has.
    pub fn save(&self) -> Option<Vec<u8>> {
        let numbers = match self {
            Params::None => vec![0],
            Params::MacGeneral(len) => vec![1, *len as u64],
            Params::Pss { hash, mgf, salt } => vec![2, *hash, *mgf, *salt as u64],
            _ => return None,
        };
        Some(numbers.iter().flat_map(|number| number.to_be_bytes()).collect())
    }

    /// What [`Params::save`] gave; none for anything else.
    pub fn load(bytes: &[u8]) -> Option<Params> {
        let number = |chunk: &[u8]| chunk.try_into().map(u64::from_be_bytes).ok();
        let numbers: Option<Vec<u64>> = bytes.chunks(8).map(number).collect();
        match numbers?[..] {
            [0] => Some(Params::None),
            [1, len] => Some(Params::MacGeneral(len as usize)),
            [2, hash, mgf, salt] => Some(Params::Pss { hash, mgf, salt: salt as usize }),
            _ => None,
        }
    }
}
