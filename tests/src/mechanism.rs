//! Mechanisms with their parameters, owned and safe; C sees them only during the call.

use crate::{
    call::{input, len},
    ids::*,
    names,
};

/// A mechanism and its parameter. A bare `CKM_…` converts into one without a parameter.
#[derive(Clone, PartialEq, Eq)]
pub struct Mechanism {
    pub id: CK_MECHANISM_TYPE,
    params: Params,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Params {
    None,
    Bytes(Vec<u8>),
    /// Address and size of a struct that the test keeps alive.
    Struct(usize, usize),
    Number(CK_ULONG),
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
    Ctr {
        bits: usize,
        counter: [u8; 16],
    },
    Gcm {
        iv: Vec<u8>,
        aad: Vec<u8>,
        tag_bits: usize,
    },
    Ecdh {
        kdf: CK_EC_KDF_TYPE,
        shared: Vec<u8>,
        public: Vec<u8>,
    },
}

impl From<CK_MECHANISM_TYPE> for Mechanism {
    fn from(id: CK_MECHANISM_TYPE) -> Mechanism {
        Mechanism { id, params: Params::None }
    }
}

impl Mechanism {
    /// An initialisation vector, or any other bytes as they are.
    pub fn bytes(id: CK_MECHANISM_TYPE, bytes: &[u8]) -> Mechanism {
        Mechanism { id, params: Params::Bytes(bytes.to_vec()) }
    }

    /// Any struct of C, which the module may write to; it must live as long as the mechanism is used.
    pub fn of<T: Copy>(id: CK_MECHANISM_TYPE, parameter: &mut T) -> Mechanism {
        let address = std::ptr::from_mut(parameter).expose_provenance();
        Mechanism { id, params: Params::Struct(address, size_of::<T>()) }
    }

    /// A CK_ULONG: CK_MAC_GENERAL_PARAMS.
    pub fn number(id: CK_MECHANISM_TYPE, number: CK_ULONG) -> Mechanism {
        Mechanism { id, params: Params::Number(number) }
    }

    pub fn pss(
        id: CK_MECHANISM_TYPE,
        hash: CK_MECHANISM_TYPE,
        mgf: CK_RSA_PKCS_MGF_TYPE,
        salt: usize,
    ) -> Mechanism {
        Mechanism { id, params: Params::Pss { hash, mgf, salt } }
    }

    pub fn oaep(hash: CK_MECHANISM_TYPE, mgf: CK_RSA_PKCS_MGF_TYPE, label: &[u8]) -> Mechanism {
        Mechanism { id: CKM_RSA_PKCS_OAEP, params: Params::Oaep { hash, mgf, label: label.to_vec() } }
    }

    pub fn ctr(bits: usize, counter: [u8; 16]) -> Mechanism {
        Mechanism { id: CKM_AES_CTR, params: Params::Ctr { bits, counter } }
    }

    pub fn gcm(iv: &[u8], aad: &[u8], tag_bits: usize) -> Mechanism {
        Mechanism { id: CKM_AES_GCM, params: Params::Gcm { iv: iv.to_vec(), aad: aad.to_vec(), tag_bits } }
    }

    pub fn ecdh(kdf: CK_EC_KDF_TYPE, shared: &[u8], public: &[u8]) -> Mechanism {
        let params = Params::Ecdh { kdf, shared: shared.to_vec(), public: public.to_vec() };
        Mechanism { id: CKM_ECDH1_DERIVE, params }
    }

    /// Shows the mechanism to C for the time of one call.
    pub fn lend<T>(&self, call: impl FnOnce(*mut CK_MECHANISM) -> T) -> T {
        let Mechanism { id, params } = self;
        let lend = |parameter: *mut std::ffi::c_void, length: usize| {
            let mut mechanism =
                CK_MECHANISM { mechanism: *id, pParameter: parameter, ulParameterLen: len(length) };
            call(&mut mechanism)
        };
        match params {
            Params::None => lend(std::ptr::null_mut(), 0),
            Params::Bytes(bytes) => lend(input(bytes).cast(), bytes.len()),
            Params::Struct(address, size) => lend(std::ptr::with_exposed_provenance_mut(*address), *size),
            Params::Number(number) => lend((&raw const *number).cast_mut().cast(), size_of::<CK_ULONG>()),
            Params::Pss { hash, mgf, salt } => {
                let mut c = CK_RSA_PKCS_PSS_PARAMS { hashAlg: *hash, mgf: *mgf, sLen: len(*salt) };
                lend((&raw mut c).cast(), size_of_val(&c))
            }
            Params::Oaep { hash, mgf, label } => {
                let mut c = CK_RSA_PKCS_OAEP_PARAMS {
                    hashAlg: *hash,
                    mgf: *mgf,
                    source: CKZ_DATA_SPECIFIED,
                    pSourceData: if label.is_empty() { std::ptr::null_mut() } else { input(label).cast() },
                    ulSourceDataLen: len(label.len()),
                };
                lend((&raw mut c).cast(), size_of_val(&c))
            }
            Params::Ctr { bits, counter } => {
                let mut c = CK_AES_CTR_PARAMS { ulCounterBits: len(*bits), cb: *counter };
                lend((&raw mut c).cast(), size_of_val(&c))
            }
            Params::Gcm { iv, aad, tag_bits } => {
                let mut c = CK_GCM_PARAMS {
                    pIv: input(iv),
                    ulIvLen: len(iv.len()),
                    ulIvBits: len(iv.len() * 8),
                    pAAD: input(aad),
                    ulAADLen: len(aad.len()),
                    ulTagBits: len(*tag_bits),
                };
                lend((&raw mut c).cast(), size_of_val(&c))
            }
            Params::Ecdh { kdf, shared, public } => {
                let mut c = CK_ECDH1_DERIVE_PARAMS {
                    kdf: *kdf,
                    ulSharedDataLen: len(shared.len()),
                    pSharedData: if shared.is_empty() { std::ptr::null_mut() } else { input(shared) },
                    ulPublicDataLen: len(public.len()),
                    pPublicData: input(public),
                };
                lend((&raw mut c).cast(), size_of_val(&c))
            }
        }
    }
}

impl std::fmt::Debug for Mechanism {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.params {
            Params::None => f.write_str(&names::mechanism(self.id)),
            params => write!(f, "{} {params:?}", names::mechanism(self.id)),
        }
    }
}
