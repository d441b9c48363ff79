//! Mechanism parameters, read at the border and owned, so that no caller's memory is held.

use crate::crypto::kdf108::Width;
use crate::cryptoki::Secret;
use crate::cryptoki::ids::*;
use crate::object::Template;

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
    /// CK_OBJECT_HANDLE of another key
    Handle,
    /// CK_EXTRACT_PARAMS
    Bit,
    /// CK_HKDF_PARAMS
    Hkdf,
    /// CK_SP800_108_KDF_PARAMS
    Kdf108,
    /// CK_SP800_108_FEEDBACK_KDF_PARAMS
    Kdf108Feedback,
    /// CK_PKCS5_PBKD2_PARAMS2 and CK_PKCS5_PBKD2_PARAMS
    Pbkd2,
    /// CK_TLS12_MASTER_KEY_DERIVE_PARAMS, or CK_SSL3_MASTER_KEY_DERIVE_PARAMS when `old`
    TlsMaster { old: bool },
    /// CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS
    TlsExtended,
    /// CK_TLS12_KEY_MAT_PARAMS, or CK_SSL3_KEY_MAT_PARAMS when `old`
    TlsKeys { old: bool },
    /// CK_TLS_KDF_PARAMS
    TlsKdf,
    /// CK_TLS_MAC_PARAMS
    TlsMac,
    /// CK_OTP_PARAMS, or none
    Otp,
}

/// Bytes, or the key whose value they are: the session looks it up before the mechanism begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Bytes(Secret),
    Key(CK_OBJECT_HANDLE),
}

impl Piece {
    /// The bytes; a key that was not looked up has none.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Piece::Bytes(bytes) => bytes.expose(),
            Piece::Key(_) => &[],
        }
    }
}

/// A CK_PRF_DATA_PARAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Iteration(Option<Width>),
    Counter(Width),
    Length { segments: bool, width: Width },
    Piece(Piece),
}

/// The randoms of a TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Randoms {
    pub client: Vec<u8>,
    pub server: Vec<u8>,
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
    Piece(Piece),
    Bit(usize),
    Hkdf {
        extract: bool,
        expand: bool,
        hash: CK_MECHANISM_TYPE,
        salt: Piece,
        info: Vec<u8>,
    },
    /// `more` are the templates of the keys beside the first.
    Kdf108 {
        prf: CK_MECHANISM_TYPE,
        fields: Vec<Field>,
        iv: Vec<u8>,
        more: Vec<Template>,
    },
    Pbkd2 {
        prf: CK_ULONG,
        salt: Vec<u8>,
        iterations: u64,
        password: Secret,
    },
    TlsMaster {
        prf: CK_MECHANISM_TYPE,
        randoms: Randoms,
    },
    TlsExtended {
        prf: CK_MECHANISM_TYPE,
        session: Vec<u8>,
    },
    /// Lengths in bytes.
    TlsKeys {
        prf: CK_MECHANISM_TYPE,
        randoms: Randoms,
        mac: usize,
        key: usize,
        iv: usize,
    },
    TlsKdf {
        prf: CK_MECHANISM_TYPE,
        label: Vec<u8>,
        randoms: Randoms,
        context: Option<Vec<u8>>,
    },
    TlsMac {
        prf: CK_MECHANISM_TYPE,
        len: usize,
        server: bool,
    },
    /// What a CK_OTP_PARAMS says, but for what the key's algorithm has no use for.
    Otp {
        counter: Option<Vec<u8>>,
        flags: CK_FLAGS,
        length: Option<u64>,
        format: Option<CK_ULONG>,
    },
}

impl Params {
    /// The places where another key may stand.
    pub fn pieces(&mut self) -> Vec<&mut Piece> {
        match self {
            Params::Piece(piece) | Params::Hkdf { salt: piece, .. } => vec![piece],
            Params::Kdf108 { fields, .. } => fields
                .iter_mut()
                .filter_map(|field| match field {
                    Field::Piece(piece) => Some(piece),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
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
