//! CK_MECHANISM with its CK_…_PARAMS, read by shape into an owned choice.

use std::mem::offset_of;

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, names};
use crate::mechanism::params::{Choice, Params, Shape};

use super::mechanism::shape;
use super::pointer::{null, read};

/// Data beside a parameter longer than this is a wrong length.
const DATA_LIMIT: usize = 64 * 1024 * 1024;

/// CK_GCM_PARAMS as PKCS#11 v2.30 had it and some programs still send it: without ulIvBits.
#[repr(C)]
#[derive(Clone, Copy)]
struct GcmWithoutBits {
    iv: CK_BYTE_PTR,
    iv_len: CK_ULONG,
    aad: CK_BYTE_PTR,
    aad_len: CK_ULONG,
    tag_bits: CK_ULONG,
}

/// The two layouts agree up to the length of the IV, and have different sizes.
const _: () = assert!(
    offset_of!(CK_GCM_PARAMS, ulIvLen) == offset_of!(GcmWithoutBits, iv_len)
        && size_of::<CK_GCM_PARAMS>() != size_of::<GcmWithoutBits>()
);

/// The caller's choice of a mechanism; None for a NULL pointer.
///
/// # Safety
/// PKCS#11 v3.2 §5.1.1: `pointer` is NULL or a CK_MECHANISM whose `pParameter` is NULL or points to
/// `ulParameterLen` bytes, in which pointers are NULL or point to as many bytes as the length beside them says.
pub unsafe fn choice(pointer: CK_MECHANISM_PTR) -> Result<Option<Choice>> {
    // SAFETY: §5.1.1: NULL or a CK_MECHANISM.
    let Some(mechanism) = (unsafe { read(pointer) }) else {
        return Ok(None);
    };
    let id = mechanism.mechanism;
    let parameter = Parameter { mechanism };
    // SAFETY: handed on.
    let params = unsafe { parameter.shaped(shape(id)?) }?;
    Ok(Some(Choice { id, params }))
}

/// The caller's choice where there must be one.
///
/// # Safety
/// As for [`choice`].
pub unsafe fn chosen(pointer: CK_MECHANISM_PTR) -> Result<Choice> {
    // SAFETY: handed on.
    unsafe { choice(pointer) }?.ok_or_else(|| null("the mechanism"))
}

/// A mechanism whose parameter is not yet read.
pub(super) struct Parameter {
    pub(super) mechanism: CK_MECHANISM,
}

impl Parameter {
    /// The table from shape to reader. Unsafe as [`choice`] is.
    unsafe fn shaped(&self, shape: Shape) -> Result<Params> {
        // SAFETY: §5.1.1, of the parameter and of the pointers within, see `choice`.
        unsafe {
            Ok(match shape {
                Shape::None => self.none()?,
                Shape::Iv(len) => Params::Iv(self.exactly(len)?),
                Shape::Bytes => self.bytes()?,
                Shape::Pss => pss(self.body()?),
                Shape::Oaep => self.oaep(self.body()?)?,
                Shape::RsaAes => self.rsa_aes(self.body()?)?,
                Shape::Ecdh => self.ecdh(self.body()?)?,
                Shape::EcdhAes => self.ecdh_aes(self.body()?)?,
                Shape::Eddsa if self.mechanism.ulParameterLen == 0 => Params::None,
                Shape::Eddsa => self.eddsa(self.body()?)?,
                Shape::SignContext if self.mechanism.ulParameterLen == 0 => Params::None,
                Shape::SignContext => self.sign_context(self.body()?)?,
                Shape::HashSignContext => self.hash_sign_context(self.body()?)?,
                Shape::Ctr => ctr(self.body()?),
                Shape::Gcm => self.gcm()?,
                Shape::OptionalIv(_) if self.mechanism.ulParameterLen == 0 => Params::None,
                Shape::OptionalIv(len) => Params::Iv(self.exactly(len)?),
                Shape::Ccm => self.ccm(self.body()?)?,
                Shape::ChaCha20 => self.chacha20(self.body()?)?,
                Shape::ChaCha20Poly1305 => self.chacha20_poly1305(self.body()?)?,
                Shape::Data => {
                    let p = self.body::<CK_KEY_DERIVATION_STRING_DATA>()?;
                    Params::Data(self.data("pData", p.pData, p.ulLen)?)
                }
                Shape::DataWithIv(8) => {
                    let p = self.body::<CK_DES_CBC_ENCRYPT_DATA_PARAMS>()?;
                    Params::DataWithIv { iv: p.iv.to_vec(), data: self.data("pData", p.pData, p.length)? }
                }
                Shape::DataWithIv(_) => {
                    let p = self.body::<CK_AES_CBC_ENCRYPT_DATA_PARAMS>()?;
                    Params::DataWithIv { iv: p.iv.to_vec(), data: self.data("pData", p.pData, p.length)? }
                }
                Shape::MacGeneral => Params::MacGeneral(self.body::<CK_MAC_GENERAL_PARAMS>()? as usize),
                Shape::Otp if self.mechanism.ulParameterLen == 0 => Params::None,
                Shape::Otp => self.otp(self.body()?)?,
                derivation => self.derivation(derivation)?,
            })
        }
    }

    fn none(&self) -> Result<Params> {
        match self.mechanism.ulParameterLen {
            0 => Ok(Params::None),
            _ => self.wrong_size("none"),
        }
    }

    unsafe fn bytes(&self) -> Result<Params> {
        let (pointer, len) = (self.mechanism.pParameter.cast(), self.mechanism.ulParameterLen);
        // SAFETY: handed on.
        match unsafe { self.data("pParameter", pointer, len) }? {
            bytes if bytes.is_empty() => self.refuse("a parameter is needed"),
            bytes => Ok(Params::Bytes(bytes)),
        }
    }

    unsafe fn oaep(&self, p: CK_RSA_PKCS_OAEP_PARAMS) -> Result<Params> {
        if p.source != CKZ_DATA_SPECIFIED && (p.source != 0 || p.ulSourceDataLen != 0) {
            return self.refuse(&format!("source {:#x} is not CKZ_DATA_SPECIFIED", p.source));
        }
        // SAFETY: handed on.
        let label = unsafe { self.data("pSourceData", p.pSourceData.cast(), p.ulSourceDataLen) }?;
        Ok(Params::Oaep { hash: p.hashAlg, mgf: p.mgf, label })
    }

    unsafe fn rsa_aes(&self, p: CK_RSA_AES_KEY_WRAP_PARAMS) -> Result<Params> {
        // SAFETY: §6.1.23: NULL or a CK_RSA_PKCS_OAEP_PARAMS.
        let Some(oaep) = (unsafe { read(p.pOAEPParams) }) else {
            return self.refuse("pOAEPParams is NULL");
        };
        // SAFETY: handed on.
        let oaep = Box::new(unsafe { self.oaep(oaep) }?);
        Ok(Params::RsaAes { bits: p.ulAESKeyBits as usize, oaep })
    }

    unsafe fn ecdh(&self, p: CK_ECDH1_DERIVE_PARAMS) -> Result<Params> {
        // SAFETY: handed on.
        let shared = unsafe { self.data("pSharedData", p.pSharedData, p.ulSharedDataLen) }?;
        // SAFETY: handed on.
        let public = unsafe { self.data("pPublicData", p.pPublicData, p.ulPublicDataLen) }?;
        Ok(Params::Ecdh { kdf: p.kdf, shared, public })
    }

    unsafe fn ecdh_aes(&self, p: CK_ECDH_AES_KEY_WRAP_PARAMS) -> Result<Params> {
        // SAFETY: handed on.
        let shared = unsafe { self.data("pSharedData", p.pSharedData, p.ulSharedDataLen) }?;
        Ok(Params::EcdhAes { bits: p.ulAESKeyBits as usize, kdf: p.kdf, shared })
    }

    unsafe fn eddsa(&self, p: CK_EDDSA_PARAMS) -> Result<Params> {
        // SAFETY: handed on.
        let context = unsafe { self.data("pContextData", p.pContextData, p.ulContextDataLen) }?;
        Ok(Params::Eddsa { prehash: p.phFlag != CK_FALSE, context })
    }

    unsafe fn sign_context(&self, p: CK_SIGN_ADDITIONAL_CONTEXT) -> Result<Params> {
        // SAFETY: handed on.
        let context = unsafe { self.data("pContext", p.pContext, p.ulContextLen) }?;
        Ok(Params::SignContext { hedge: p.hedgeVariant, context, hash: None })
    }

    unsafe fn hash_sign_context(&self, p: CK_HASH_SIGN_ADDITIONAL_CONTEXT) -> Result<Params> {
        // SAFETY: handed on.
        let context = unsafe { self.data("pContext", p.pContext, p.ulContextLen) }?;
        Ok(Params::SignContext { hedge: p.hedgeVariant, context, hash: Some(p.hash) })
    }

    /// Both layouts: ulParameterLen tells them apart. The IV is as long as ulIvLen says; ulIvBits is not read.
    unsafe fn gcm(&self) -> Result<Params> {
        let p = if self.mechanism.ulParameterLen as usize == size_of::<GcmWithoutBits>() {
            // SAFETY: handed on.
            unsafe { self.body::<GcmWithoutBits>() }?
        } else {
            // SAFETY: handed on.
            let p = unsafe { self.body::<CK_GCM_PARAMS>() }?;
            GcmWithoutBits {
                iv: p.pIv,
                iv_len: p.ulIvLen,
                aad: p.pAAD,
                aad_len: p.ulAADLen,
                tag_bits: p.ulTagBits,
            }
        };
        // SAFETY: handed on.
        let iv = unsafe { self.data("pIv", p.iv, p.iv_len) }?;
        // SAFETY: handed on.
        let aad = unsafe { self.data("pAAD", p.aad, p.aad_len) }?;
        Ok(Params::Gcm { iv, aad, tag_bits: p.tag_bits as usize })
    }

    unsafe fn ccm(&self, p: CK_CCM_PARAMS) -> Result<Params> {
        // SAFETY: handed on.
        let nonce = unsafe { self.data("pNonce", p.pNonce, p.ulNonceLen) }?;
        // SAFETY: handed on.
        let aad = unsafe { self.data("pAAD", p.pAAD, p.ulAADLen) }?;
        let [len, tag] = [p.ulDataLen, p.ulMACLen].map(|len| usize::try_from(len).unwrap_or(usize::MAX));
        Ok(Params::Ccm { len, nonce, aad, tag })
    }

    unsafe fn chacha20(&self, p: CK_CHACHA20_PARAMS) -> Result<Params> {
        if !matches!(p.blockCounterBits, 32 | 64) || !matches!(p.ulNonceBits, 64 | 96 | 192) {
            return self.refuse(&format!(
                "a counter of {} bits and a nonce of {}: they have 32 or 64, and 64, 96 or 192",
                p.blockCounterBits, p.ulNonceBits
            ));
        }
        // SAFETY: handed on.
        let counter = unsafe { self.data("pBlockCounter", p.pBlockCounter, p.blockCounterBits / 8) }?;
        // SAFETY: handed on.
        let nonce = unsafe { self.data("pNonce", p.pNonce, p.ulNonceBits / 8) }?;
        let counter_value = counter.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Ok(Params::ChaCha20 { bits: p.blockCounterBits as usize, counter: counter_value, nonce })
    }

    /// ulNonceLen counts bits by the standard and bytes in many programs; no length is both.
    unsafe fn chacha20_poly1305(&self, p: CK_SALSA20_CHACHA20_POLY1305_PARAMS) -> Result<Params> {
        let len = match p.ulNonceLen {
            64 | 96 | 192 => p.ulNonceLen / 8,
            bytes => bytes,
        };
        // SAFETY: handed on.
        let nonce = unsafe { self.data("pNonce", p.pNonce, len) }?;
        // SAFETY: handed on.
        let aad = unsafe { self.data("pAAD", p.pAAD, p.ulAADLen) }?;
        Ok(Params::ChaCha20Poly1305 { nonce, aad })
    }

    /// The parameter as a struct of C, if it has exactly its size.
    pub(super) unsafe fn body<T: Copy>(&self) -> Result<T> {
        if self.mechanism.ulParameterLen as usize != size_of::<T>() {
            return self.wrong_size(&format!("{} bytes", size_of::<T>()));
        }
        // SAFETY: §5.1.1: as many bytes as the struct has, in which every bit pattern is a value.
        match unsafe { read(self.mechanism.pParameter.cast::<T>()) } {
            Some(body) => Ok(body),
            None => self.refuse("a NULL parameter"),
        }
    }

    /// The parameter as exactly so many bytes.
    unsafe fn exactly(&self, len: usize) -> Result<Vec<u8>> {
        if self.mechanism.ulParameterLen as usize != len {
            return self.wrong_size(&format!("{len} bytes"));
        }
        // SAFETY: handed on.
        unsafe { self.data("pParameter", self.mechanism.pParameter.cast(), len as CK_ULONG) }
    }

    /// Bytes to which a parameter points.
    pub(super) unsafe fn data(&self, name: &str, pointer: CK_BYTE_PTR, len: CK_ULONG) -> Result<Vec<u8>> {
        match usize::try_from(len) {
            Ok(0) => Ok(Vec::new()),
            Ok(_) if pointer.is_null() => self.refuse(&format!("{name} is NULL, with a length of {len}")),
            Ok(len) if len <= DATA_LIMIT => {
                // SAFETY: §5.1.1: not NULL, so `len` bytes.
                Ok(unsafe { std::slice::from_raw_parts(pointer, len) }.to_vec())
            }
            _ => self.refuse(&format!("{name} has a length of {len:#x} bytes")),
        }
    }

    fn wrong_size<T>(&self, expected: &str) -> Result<T> {
        self.refuse(&format!("a parameter of {} bytes, expected {expected}", self.mechanism.ulParameterLen))
    }

    pub(super) fn refuse<T>(&self, why: &str) -> Result<T> {
        let name = names::mechanism(self.mechanism.mechanism);
        Err(Rv::MechanismParamInvalid.because(format!("{name}: {why}")))
    }
}

fn pss(p: CK_RSA_PKCS_PSS_PARAMS) -> Params {
    Params::Pss { hash: p.hashAlg, mgf: p.mgf, salt: p.sLen as usize }
}

fn ctr(p: CK_AES_CTR_PARAMS) -> Params {
    Params::Ctr { bits: p.ulCounterBits as usize, counter: p.cb }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    /// Reads `body` as the parameter of some mechanism of that shape, told to be `len` bytes long.
    fn shaped<T>(shape: Shape, body: &T, len: usize) -> Result<Params> {
        let mechanism = CK_MECHANISM {
            mechanism: CKM_AES_GCM,
            pParameter: ptr::from_ref(body).cast_mut().cast(),
            ulParameterLen: len as CK_ULONG,
        };
        // SAFETY: a length that is not the shape's own is refused unread.
        unsafe { Parameter { mechanism }.shaped(shape) }
    }

    /// The shape is read at its own size, and at no other.
    fn read_at_its_size_only<T>(shape: Shape, body: T) -> Params {
        for len in [0, 1, size_of::<T>() - 1, size_of::<T>() + 1, usize::MAX] {
            let error = shaped(shape, &body, len).unwrap_err();
            assert_eq!(error.rv(), Rv::MechanismParamInvalid);
            assert!(error.why().contains(&format!("{len} bytes, expected")), "{error}");
        }
        let null = CK_MECHANISM {
            mechanism: CKM_AES_GCM,
            pParameter: ptr::null_mut(),
            ulParameterLen: size_of::<T>() as CK_ULONG,
        };
        // SAFETY: NULL is legal.
        let error = unsafe { Parameter { mechanism: null }.shaped(shape) }.unwrap_err();
        assert_eq!(error.rv(), Rv::MechanismParamInvalid, "{error}");
        shaped(shape, &body, size_of::<T>()).unwrap()
    }

    #[test]
    fn every_shape_is_read_at_its_own_size() {
        let (mut a, mut b) = (*b"abcd", *b"xyz");
        let pss = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
        let oaep = CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: CKM_SHA384,
            mgf: CKG_MGF1_SHA1,
            source: CKZ_DATA_SPECIFIED,
            pSourceData: a.as_mut_ptr().cast(),
            ulSourceDataLen: 4,
        };
        let ecdh = CK_ECDH1_DERIVE_PARAMS {
            kdf: CKD_NULL,
            ulSharedDataLen: 4,
            pSharedData: a.as_mut_ptr(),
            ulPublicDataLen: 3,
            pPublicData: b.as_mut_ptr(),
        };
        let ctr = CK_AES_CTR_PARAMS { ulCounterBits: 32, cb: [7; 16] };
        let rows = [
            (read_at_its_size_only(Shape::Iv(16), [9u8; 16]), Params::Iv(vec![9; 16])),
            (
                read_at_its_size_only(Shape::Pss, pss),
                Params::Pss { hash: CKM_SHA256, mgf: CKG_MGF1_SHA256, salt: 32 },
            ),
            (
                read_at_its_size_only(Shape::Oaep, oaep),
                Params::Oaep { hash: CKM_SHA384, mgf: CKG_MGF1_SHA1, label: b"abcd".to_vec() },
            ),
            (
                read_at_its_size_only(Shape::Ecdh, ecdh),
                Params::Ecdh { kdf: CKD_NULL, shared: b"abcd".to_vec(), public: b"xyz".to_vec() },
            ),
            (read_at_its_size_only(Shape::Ctr, ctr), Params::Ctr { bits: 32, counter: [7; 16] }),
            (read_at_its_size_only(Shape::MacGeneral, 8 as CK_ULONG), Params::MacGeneral(8)),
            (
                read_at_its_size_only(
                    Shape::Ccm,
                    CK_CCM_PARAMS {
                        ulDataLen: 5,
                        pNonce: a.as_mut_ptr(),
                        ulNonceLen: 4,
                        pAAD: b.as_mut_ptr(),
                        ulAADLen: 3,
                        ulMACLen: 16,
                    },
                ),
                Params::Ccm { len: 5, nonce: b"abcd".to_vec(), aad: b"xyz".to_vec(), tag: 16 },
            ),
            (
                read_at_its_size_only(
                    Shape::Data,
                    CK_KEY_DERIVATION_STRING_DATA { pData: a.as_mut_ptr(), ulLen: 4 },
                ),
                Params::Data(b"abcd".to_vec()),
            ),
            (
                read_at_its_size_only(
                    Shape::DataWithIv(8),
                    CK_DES_CBC_ENCRYPT_DATA_PARAMS { iv: [1; 8], pData: a.as_mut_ptr(), length: 4 },
                ),
                Params::DataWithIv { iv: vec![1; 8], data: b"abcd".to_vec() },
            ),
        ];
        for (read, expected) in rows {
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn an_initial_value_may_be_left_out_but_not_cut() {
        let shape = Shape::OptionalIv(8);
        assert_eq!(shaped(shape, &[7u8; 8], 0), Ok(Params::None));
        assert_eq!(shaped(shape, &[7u8; 8], 8), Ok(Params::Iv(vec![7; 8])));
        assert_eq!(shaped(shape, &[7u8; 8], 4).unwrap_err().rv(), Rv::MechanismParamInvalid);
    }

    #[test]
    fn a_nonce_of_chacha_is_counted_in_bits_or_bytes() {
        let mut nonce = [3u8; 24];
        for (len, bytes) in [(96, 12), (12, 12), (192, 24), (24, 24), (64, 8), (8, 8)] {
            let p = CK_SALSA20_CHACHA20_POLY1305_PARAMS {
                pNonce: nonce.as_mut_ptr(),
                ulNonceLen: len,
                pAAD: ptr::null_mut(),
                ulAADLen: 0,
            };
            let expected = Params::ChaCha20Poly1305 { nonce: vec![3; bytes], aad: Vec::new() };
            assert_eq!(shaped(Shape::ChaCha20Poly1305, &p, size_of_val(&p)), Ok(expected));
        }
        let mut counter = [1, 0, 0, 0, 2, 0, 0, 0];
        for (bits, value) in [(32, 1), (64, 2 << 32 | 1)] {
            let p = CK_CHACHA20_PARAMS {
                pBlockCounter: counter.as_mut_ptr(),
                blockCounterBits: bits,
                pNonce: nonce.as_mut_ptr(),
                ulNonceBits: 96,
            };
            let expected = Params::ChaCha20 { bits: bits as usize, counter: value, nonce: vec![3; 12] };
            assert_eq!(shaped(Shape::ChaCha20, &p, size_of_val(&p)), Ok(expected));
            let odd = CK_CHACHA20_PARAMS { blockCounterBits: 33, ..p };
            assert!(shaped(Shape::ChaCha20, &odd, size_of_val(&odd)).is_err());
        }
    }

    #[test]
    fn gcm_is_read_in_both_layouts_by_the_length_of_its_iv() {
        let (mut iv, mut aad) = (*b"twelve bytes", *b"aad");
        let with_bits = CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 0, // as many programs leave it
            pAAD: aad.as_mut_ptr(),
            ulAADLen: 3,
            ulTagBits: 128,
        };
        let without = GcmWithoutBits {
            iv: iv.as_mut_ptr(),
            iv_len: 12,
            aad: aad.as_mut_ptr(),
            aad_len: 3,
            tag_bits: 128,
        };
        let expected = Params::Gcm { iv: b"twelve bytes".to_vec(), aad: b"aad".to_vec(), tag_bits: 128 };
        assert_eq!(read_at_its_size_only(Shape::Gcm, with_bits), expected);
        assert_eq!(shaped(Shape::Gcm, &without, size_of_val(&without)), Ok(expected));
    }

    #[test]
    fn a_null_pointer_within_a_parameter_needs_length_zero() {
        for (len, ok) in [(0, true), (1, false), (CK_ULONG::MAX, false)] {
            let ecdh = CK_ECDH1_DERIVE_PARAMS {
                kdf: CKD_NULL,
                ulSharedDataLen: len,
                pSharedData: ptr::null_mut(),
                ulPublicDataLen: 0,
                pPublicData: ptr::null_mut(),
            };
            let result = shaped(Shape::Ecdh, &ecdh, size_of_val(&ecdh));
            assert_eq!(
                result.map(drop).map_err(|e| e.rv()),
                if ok { Ok(()) } else { Err(Rv::MechanismParamInvalid) }
            );
        }
    }

    #[test]
    fn no_parameter_may_be_an_empty_one() {
        assert_eq!(shaped(Shape::None, &0u8, 0), Ok(Params::None));
        assert_eq!(shaped(Shape::None, &0u8, 1).unwrap_err().rv(), Rv::MechanismParamInvalid);
    }

    #[test]
    fn an_oaep_source_without_data_may_be_unnamed() {
        for (source, len, ok) in [(0, 0, true), (0, 1, false), (CKZ_DATA_SPECIFIED, 1, true), (2, 0, false)] {
            let mut label = *b"l";
            let oaep = CK_RSA_PKCS_OAEP_PARAMS {
                hashAlg: CKM_SHA_1,
                mgf: CKG_MGF1_SHA1,
                source,
                pSourceData: label.as_mut_ptr().cast(),
                ulSourceDataLen: len,
            };
            assert_eq!(shaped(Shape::Oaep, &oaep, size_of_val(&oaep)).is_ok(), ok, "{source} {len}");
        }
    }

    #[test]
    fn a_null_mechanism_is_no_choice() {
        // SAFETY: NULL is legal.
        unsafe {
            assert_eq!(choice(ptr::null_mut()), Ok(None));
            assert_eq!(chosen(ptr::null_mut()).unwrap_err().rv(), Rv::ArgumentsBad);
        }
    }
}
