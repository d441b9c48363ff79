//! The parameters of derivations: those that hold arrays and templates, and those that are written back.

use std::ptr::addr_of_mut;

use crate::crypto::kdf108::Width;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::mechanism::params::{Field, Params, Piece, Randoms, Shape};
use crate::object::Template;

use super::api::Derived;
use super::params::Parameter;
use super::pointer::{null, put, read};
use super::template::template;

/// Items of an array within a parameter: more is a wrong number.
const ITEMS_LIMIT: CK_ULONG = 1024;
/// A password longer than this is where an older struct has a pointer to the length.
const PASSWORD_LIMIT: CK_ULONG = 1 << 20;

impl Parameter {
    /// The shapes of derivations. Unsafe as `choice` is.
    pub(super) unsafe fn derivation(&self, shape: Shape) -> Result<Params> {
        // SAFETY: §5.1.1, of the parameter and of the pointers within, see `choice`.
        unsafe {
            Ok(match shape {
                Shape::Handle => Params::Piece(Piece::Key(self.body::<CK_OBJECT_HANDLE>()?)),
                Shape::Bit => {
                    Params::Bit(usize::try_from(self.body::<CK_EXTRACT_PARAMS>()?).unwrap_or(usize::MAX))
                }
                Shape::Hkdf => self.hkdf(self.body()?)?,
                Shape::Kdf108Feedback => self.kdf108(self.body()?)?,
                Shape::Kdf108 => {
                    let p = self.body::<CK_SP800_108_KDF_PARAMS>()?;
                    self.kdf108(feedback(p))?
                }
                Shape::Pbkd2 => self.pbkd2(self.body()?)?,
                Shape::TlsMaster { .. } => {
                    let (prf, p) = self.master(shape)?;
                    Params::TlsMaster { prf, randoms: self.randoms(p.RandomInfo)? }
                }
                Shape::TlsExtended => {
                    let p = self.body::<CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS>()?;
                    let session = self.data("pSessionHash", p.pSessionHash, p.ulSessionHashLen)?;
                    Params::TlsExtended { prf: p.prfHashMechanism, session }
                }
                Shape::TlsKeys { .. } => self.keys(shape)?,
                Shape::TlsKdf => self.tls_kdf(self.body()?)?,
                Shape::TlsMac => self.tls_mac(self.body()?)?,
                _ => return self.refuse("a parameter of no derivation"),
            })
        }
    }

    unsafe fn hkdf(&self, p: CK_HKDF_PARAMS) -> Result<Params> {
        let extract = p.bExtract != CK_FALSE;
        let salt = match p.ulSaltType {
            // What is not used is not looked at (§6.62.3).
            _ if !extract => Piece::Bytes(Secret::default()),
            CKF_HKDF_SALT_NULL => Piece::Bytes(Secret::default()),
            // SAFETY: handed on.
            CKF_HKDF_SALT_DATA => Piece::Bytes(unsafe { self.data("pSalt", p.pSalt, p.ulSaltLen) }?.into()),
            CKF_HKDF_SALT_KEY => Piece::Key(p.hSaltKey),
            other => return self.refuse(&format!("ulSaltType {other:#x}")),
        };
        let expand = p.bExpand != CK_FALSE;
        let info = match expand {
            // SAFETY: handed on.
            true => unsafe { self.data("pInfo", p.pInfo, p.ulInfoLen) }?,
            false => Vec::new(),
        };
        Ok(Params::Hkdf { extract, expand, hash: p.prfHashMechanism, salt, info })
    }

    unsafe fn kdf108(&self, p: CK_SP800_108_FEEDBACK_KDF_PARAMS) -> Result<Params> {
        // SAFETY: handed on: arrays with their counts, bytes with their lengths.
        unsafe {
            let iv = self.data("pIV", p.pIV, p.ulIVLen)?;
            let fields = self.items("pDataParams", p.pDataParams, p.ulNumberOfDataParams)?;
            let fields = fields.into_iter().map(|field| self.field(field)).collect::<Result<_>>()?;
            let more =
                self.items("pAdditionalDerivedKeys", p.pAdditionalDerivedKeys, p.ulAdditionalDerivedKeys)?;
            let more = more.iter().map(|key| template(key.pTemplate, key.ulAttributeCount));
            Ok(Params::Kdf108 { prf: p.prfType, fields, iv, more: more.collect::<Result<Vec<Template>>>()? })
        }
    }

    unsafe fn field(&self, p: CK_PRF_DATA_PARAM) -> Result<Field> {
        // SAFETY: `value` reads no more than the length beside the pointer, handed on.
        unsafe {
            Ok(match p.type_ {
                CK_SP800_108_ITERATION_VARIABLE if p.pValue.is_null() => Field::Iteration(None),
                CK_SP800_108_ITERATION_VARIABLE => Field::Iteration(Some(counter(self.value(p)?))),
                CK_SP800_108_COUNTER => Field::Counter(counter(self.value(p)?)),
                CK_SP800_108_DKM_LENGTH => {
                    let format: CK_SP800_108_DKM_LENGTH_FORMAT = self.value(p)?;
                    let segments = match format.dkmLengthMethod {
                        CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS => false,
                        CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS => true,
                        other => return self.refuse(&format!("dkmLengthMethod {other:#x}")),
                    };
                    Field::Length { segments, width: width(format.bLittleEndian, format.ulWidthInBits) }
                }
                CK_SP800_108_BYTE_ARRAY => {
                    Field::Piece(Piece::Bytes(self.data("pValue", p.pValue.cast(), p.ulValueLen)?.into()))
                }
                CK_SP800_108_KEY_HANDLE => Field::Piece(Piece::Key(self.value(p)?)),
                other => return self.refuse(&format!("a data field of type {other:#x}")),
            })
        }
    }

    /// The struct that a data field points to, if it says its size.
    unsafe fn value<T: Copy>(&self, p: CK_PRF_DATA_PARAM) -> Result<T> {
        if p.ulValueLen as usize != size_of::<T>() {
            return self.refuse(&format!(
                "a data field of {} bytes, expected {}",
                p.ulValueLen,
                size_of::<T>()
            ));
        }
        // SAFETY: §6.42.2.3: the value has the length beside it, which is that of the struct.
        match unsafe { read(p.pValue.cast::<T>()) } {
            Some(value) => Ok(value),
            None => self.refuse("a data field without a value"),
        }
    }

    /// An array within the parameter.
    pub(super) unsafe fn items<T: Copy>(
        &self,
        name: &str,
        pointer: *const T,
        count: CK_ULONG,
    ) -> Result<Vec<T>> {
        if count > ITEMS_LIMIT || (count > 0 && pointer.is_null()) {
            return self.refuse(&format!("{name} has {count} items, or is NULL"));
        }
        // SAFETY: §5.1.1: not NULL where there are items, so `count` of them; they may lie unaligned.
        Ok((0..count as usize).map(|at| unsafe { pointer.add(at).read_unaligned() }).collect())
    }

    /// Two structs of one size: in the older one the length of the password stands behind a pointer.
    unsafe fn pbkd2(&self, p: CK_PKCS5_PBKD2_PARAMS2) -> Result<Params> {
        const _: () = assert!(size_of::<CK_PKCS5_PBKD2_PARAMS2>() == size_of::<CK_PKCS5_PBKD2_PARAMS>());
        if p.saltSource != CKZ_SALT_SPECIFIED {
            return self.refuse(&format!("saltSource {:#x} is not CKZ_SALT_SPECIFIED", p.saltSource));
        }
        if p.ulPrfDataLen != 0 {
            return self.refuse("HMAC takes no pPrfData");
        }
        let len = match p.ulPasswordLen {
            len @ 0..=PASSWORD_LIMIT => len,
            // SAFETY: too much to be a length, so the pointer of CK_PKCS5_PBKD2_PARAMS.
            pointer => unsafe { read(pointer as *const CK_ULONG) }.unwrap_or(0),
        };
        // SAFETY: handed on.
        let (salt, password) = unsafe {
            (
                self.data("pSaltSourceData", p.pSaltSourceData.cast(), p.ulSaltSourceDataLen)?,
                self.data("pPassword", p.pPassword, len)?,
            )
        };
        Ok(Params::Pbkd2 { prf: p.prf, salt, iterations: p.iterations, password: password.into() })
    }

    /// The parameter of a master key, whose older form names no hash.
    unsafe fn master(&self, shape: Shape) -> Result<(CK_MECHANISM_TYPE, CK_SSL3_MASTER_KEY_DERIVE_PARAMS)> {
        // SAFETY: handed on.
        unsafe {
            if shape == (Shape::TlsMaster { old: true }) {
                return Ok((CKM_TLS_PRF, self.body()?));
            }
            let p = self.body::<CK_TLS12_MASTER_KEY_DERIVE_PARAMS>()?;
            let same = CK_SSL3_MASTER_KEY_DERIVE_PARAMS { RandomInfo: p.RandomInfo, pVersion: p.pVersion };
            Ok((p.prfHashMechanism, same))
        }
    }

    /// The parameter of the keys of a connection, whose older form names no hash.
    unsafe fn material(&self, shape: Shape) -> Result<CK_TLS12_KEY_MAT_PARAMS> {
        // SAFETY: handed on.
        unsafe {
            if shape == (Shape::TlsKeys { old: false }) {
                return self.body();
            }
            let p = self.body::<CK_SSL3_KEY_MAT_PARAMS>()?;
            Ok(CK_TLS12_KEY_MAT_PARAMS {
                ulMacSizeInBits: p.ulMacSizeInBits,
                ulKeySizeInBits: p.ulKeySizeInBits,
                ulIVSizeInBits: p.ulIVSizeInBits,
                bIsExport: p.bIsExport,
                RandomInfo: p.RandomInfo,
                pReturnedKeyMaterial: p.pReturnedKeyMaterial,
                prfHashMechanism: CKM_TLS_PRF,
            })
        }
    }

    unsafe fn keys(&self, shape: Shape) -> Result<Params> {
        // SAFETY: handed on.
        let p = unsafe { self.material(shape) }?;
        if p.bIsExport != CK_FALSE {
            return self.refuse("bIsExport must be CK_FALSE (§6.40.2.3)");
        }
        let bytes = |name: &str, bits: CK_ULONG| match bits.is_multiple_of(8) && bits <= 8 * 65_536 {
            true => Ok((bits / 8) as usize),
            false => self.refuse(&format!("{name} is {bits}")),
        };
        Ok(Params::TlsKeys {
            prf: p.prfHashMechanism,
            // SAFETY: handed on.
            randoms: unsafe { self.randoms(p.RandomInfo) }?,
            mac: bytes("ulMacSizeInBits", p.ulMacSizeInBits)?,
            key: bytes("ulKeySizeInBits", p.ulKeySizeInBits)?,
            iv: bytes("ulIVSizeInBits", p.ulIVSizeInBits)?,
        })
    }

    unsafe fn randoms(&self, p: CK_SSL3_RANDOM_DATA) -> Result<Randoms> {
        // SAFETY: handed on.
        unsafe {
            Ok(Randoms {
                client: self.data("pClientRandom", p.pClientRandom, p.ulClientRandomLen)?,
                server: self.data("pServerRandom", p.pServerRandom, p.ulServerRandomLen)?,
            })
        }
    }

    unsafe fn tls_kdf(&self, p: CK_TLS_KDF_PARAMS) -> Result<Params> {
        // SAFETY: handed on.
        let (label, randoms, context) = unsafe {
            (
                self.data("pLabel", p.pLabel, p.ulLabelLength)?,
                self.randoms(p.RandomInfo)?,
                self.data("pContextData", p.pContextData, p.ulContextDataLength)?,
            )
        };
        // An empty context is not the same as none (RFC 5705 §4).
        let context = (!p.pContextData.is_null()).then_some(context);
        Ok(Params::TlsKdf { prf: p.prfMechanism, label, randoms, context })
    }

    fn tls_mac(&self, p: CK_TLS_MAC_PARAMS) -> Result<Params> {
        let server = match p.ulServerOrClient {
            1 => true,
            2 => false,
            other => return self.refuse(&format!("ulServerOrClient is {other}: it is 1 or 2")),
        };
        let len = usize::try_from(p.ulMacLength).unwrap_or(usize::MAX);
        Ok(Params::TlsMac { prf: p.prfHashMechanism, len, server })
    }
}

fn feedback(p: CK_SP800_108_KDF_PARAMS) -> CK_SP800_108_FEEDBACK_KDF_PARAMS {
    CK_SP800_108_FEEDBACK_KDF_PARAMS {
        prfType: p.prfType,
        ulNumberOfDataParams: p.ulNumberOfDataParams,
        pDataParams: p.pDataParams,
        ulIVLen: 0,
        pIV: std::ptr::null_mut(),
        ulAdditionalDerivedKeys: p.ulAdditionalDerivedKeys,
        pAdditionalDerivedKeys: p.pAdditionalDerivedKeys,
    }
}

fn counter(format: CK_SP800_108_COUNTER_FORMAT) -> Width {
    width(format.bLittleEndian, format.ulWidthInBits)
}

fn width(little: CK_BBOOL, bits: CK_ULONG) -> Width {
    Width { little: little != CK_FALSE, bits: usize::try_from(bits).unwrap_or(usize::MAX) }
}

/// Where the answers of C_DeriveKey go: the handles, and what comes back through the parameter.
pub struct Targets {
    keys: Vec<CK_OBJECT_HANDLE_PTR>,
    back: Vec<CK_BYTE_PTR>,
}

impl Targets {
    /// Found and checked before anything runs; `own` is the handle of C_DeriveKey itself.
    ///
    /// # Safety
    /// As for [`super::params::choice`], of a mechanism whose parameter was read in this shape.
    pub unsafe fn of(mechanism: CK_MECHANISM, shape: Shape, own: CK_OBJECT_HANDLE_PTR) -> Result<Targets> {
        let parameter = Parameter { mechanism };
        let (mut keys, mut back) = (vec![own], Vec::new());
        // SAFETY: handed on.
        unsafe {
            match shape {
                Shape::TlsMaster { .. } => back.push(parameter.master(shape)?.1.pVersion.cast()),
                Shape::TlsExtended => {
                    let p = parameter.body::<CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS>()?;
                    back.push(p.pVersion.cast());
                }
                Shape::TlsKeys { .. } => return parameter.key_material(shape),
                Shape::Kdf108 => keys.extend(parameter.more_keys(feedback(parameter.body()?))?),
                Shape::Kdf108Feedback => keys.extend(parameter.more_keys(parameter.body()?)?),
                _ => {}
            }
        }
        match keys.iter().any(|target| target.is_null()) {
            true => Err(null("the place for a handle")),
            false => Ok(Targets { keys, back }),
        }
    }

    /// Writes all answers.
    ///
    /// # Safety
    /// As for [`Targets::of`]; no borrow of the caller's memory is alive.
    pub unsafe fn write(self, derived: &Derived) -> Result<()> {
        if derived.handles.len() != self.keys.len() {
            return Err(Rv::GeneralError.because("not as many keys as places for their handles"));
        }
        // SAFETY: each target is NULL or has room: a handle, or bytes of the length that the parameter asked.
        unsafe {
            for (target, handle) in self.keys.iter().zip(&derived.handles) {
                target.write_unaligned(*handle);
            }
            for (target, bytes) in self.back.iter().zip(&derived.back).filter(|(target, _)| !target.is_null())
            {
                put(*target, bytes.expose());
            }
        }
        Ok(())
    }
}

impl Parameter {
    /// The fields of CK_SSL3_KEY_MAT_OUT; the handles of keys that are not asked become CK_INVALID_HANDLE.
    unsafe fn key_material(&self, shape: Shape) -> Result<Targets> {
        // SAFETY: handed on.
        let p = unsafe { self.material(shape) }?;
        let out = p.pReturnedKeyMaterial;
        // SAFETY: §6.39.2.3: NULL or a CK_SSL3_KEY_MAT_OUT.
        let Some(ivs) = (unsafe { read(out) }) else {
            return self.refuse("pReturnedKeyMaterial is NULL");
        };
        let wants_iv = p.ulIVSizeInBits > 0 && self.mechanism.mechanism != CKM_TLS12_KEY_SAFE_DERIVE;
        if wants_iv && (ivs.pIVClient.is_null() || ivs.pIVServer.is_null()) {
            return self.refuse("pIVClient or pIVServer is NULL, with an IV asked");
        }
        // SAFETY: `out` is not NULL; only addresses are taken, and unaligned writes go to fields of it.
        let keys = unsafe {
            let all = [
                (p.ulMacSizeInBits, addr_of_mut!((*out).hClientMacSecret)),
                (p.ulMacSizeInBits, addr_of_mut!((*out).hServerMacSecret)),
                (p.ulKeySizeInBits, addr_of_mut!((*out).hClientKey)),
                (p.ulKeySizeInBits, addr_of_mut!((*out).hServerKey)),
            ];
            for (_, unasked) in all.iter().filter(|(bits, _)| *bits == 0) {
                unasked.write_unaligned(CK_INVALID_HANDLE);
            }
            all.into_iter().filter(|(bits, _)| *bits > 0).map(|(_, target)| target).collect()
        };
        Ok(Targets { keys, back: vec![ivs.pIVClient, ivs.pIVServer] })
    }

    unsafe fn more_keys(&self, p: CK_SP800_108_FEEDBACK_KDF_PARAMS) -> Result<Vec<CK_OBJECT_HANDLE_PTR>> {
        let (keys, count) = (p.pAdditionalDerivedKeys, p.ulAdditionalDerivedKeys);
        // SAFETY: handed on.
        let more = unsafe { self.items("pAdditionalDerivedKeys", keys, count) }?;
        match more.iter().any(|key| key.phKey.is_null()) {
            true => self.refuse("phKey of an additional key is NULL"),
            false => Ok(more.iter().map(|key| key.phKey).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    /// Reads `body` as the parameter of a mechanism of that shape, told to be `len` bytes long.
    fn shaped<T>(shape: Shape, body: &T, len: usize) -> Result<Params> {
        let mechanism = CK_MECHANISM {
            mechanism: CKM_HKDF_DERIVE,
            pParameter: ptr::from_ref(body).cast_mut().cast(),
            ulParameterLen: len as CK_ULONG,
        };
        // SAFETY: a length that is not the shape's own is refused unread.
        unsafe { Parameter { mechanism }.derivation(shape) }
    }

    /// The shape is read at its own size, and at no other.
    fn read_at_its_size_only<T>(shape: Shape, body: &T) -> Params {
        for len in [0, 1, size_of::<T>() - 1, size_of::<T>() + 1, usize::MAX] {
            assert_eq!(shaped(shape, body, len).unwrap_err().rv(), Rv::MechanismParamInvalid);
        }
        shaped(shape, body, size_of::<T>()).unwrap()
    }

    fn no_randoms() -> CK_SSL3_RANDOM_DATA {
        CK_SSL3_RANDOM_DATA {
            pClientRandom: ptr::null_mut(),
            ulClientRandomLen: 0,
            pServerRandom: ptr::null_mut(),
            ulServerRandomLen: 0,
        }
    }

    #[test]
    fn every_shape_is_read_at_its_own_size() {
        let piece = read_at_its_size_only(Shape::Handle, &(7 as CK_OBJECT_HANDLE));
        assert_eq!(piece, Params::Piece(Piece::Key(7)));
        assert_eq!(read_at_its_size_only(Shape::Bit, &(21 as CK_ULONG)), Params::Bit(21));
        let mac = CK_TLS_MAC_PARAMS { prfHashMechanism: CKM_SHA256, ulMacLength: 12, ulServerOrClient: 1 };
        let expected = Params::TlsMac { prf: CKM_SHA256, len: 12, server: true };
        assert_eq!(read_at_its_size_only(Shape::TlsMac, &mac), expected);
        let nobody = CK_TLS_MAC_PARAMS { ulServerOrClient: 3, ..mac };
        assert!(shaped(Shape::TlsMac, &nobody, size_of_val(&nobody)).is_err());
        let old = CK_SSL3_MASTER_KEY_DERIVE_PARAMS { RandomInfo: no_randoms(), pVersion: ptr::null_mut() };
        let randoms = Randoms { client: vec![], server: vec![] };
        assert_eq!(
            read_at_its_size_only(Shape::TlsMaster { old: true }, &old),
            Params::TlsMaster { prf: CKM_TLS_PRF, randoms }
        );
    }

    #[test]
    fn no_context_is_not_an_empty_one() {
        let mut byte = 0;
        for (context, expected) in [(ptr::null_mut(), None), (&raw mut byte, Some(vec![]))] {
            let kdf = CK_TLS_KDF_PARAMS {
                prfMechanism: CKM_SHA256,
                pLabel: ptr::null_mut(),
                ulLabelLength: 0,
                RandomInfo: no_randoms(),
                pContextData: context,
                ulContextDataLength: 0,
            };
            let Params::TlsKdf { context, .. } = read_at_its_size_only(Shape::TlsKdf, &kdf) else {
                panic!("another shape");
            };
            assert_eq!(context, expected);
        }
    }

    #[test]
    fn sizes_of_keys_are_whole_bytes_and_no_export() {
        let keys = |mac, key, iv, export| CK_SSL3_KEY_MAT_PARAMS {
            ulMacSizeInBits: mac,
            ulKeySizeInBits: key,
            ulIVSizeInBits: iv,
            bIsExport: export,
            RandomInfo: no_randoms(),
            pReturnedKeyMaterial: ptr::null_mut(),
        };
        let shape = Shape::TlsKeys { old: true };
        let Params::TlsKeys { mac, key, iv, prf, .. } = read_at_its_size_only(shape, &keys(160, 128, 64, 0))
        else {
            panic!("another shape");
        };
        assert_eq!((mac, key, iv, prf), (20, 16, 8, CKM_TLS_PRF));
        for bad in [keys(161, 128, 0, 0), keys(0, 1, 0, 0), keys(0, 0, CK_ULONG::MAX, 0), keys(0, 0, 0, 1)] {
            assert!(shaped(shape, &bad, size_of_val(&bad)).is_err());
        }
    }

    #[test]
    fn data_fields_of_the_wrong_size_or_type_are_refused() {
        let mut counter = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: 1, ulWidthInBits: 16 };
        let size = size_of_val(&counter) as CK_ULONG;
        let value = (&raw mut counter).cast();
        for (type_, value, len, ok) in [
            (CK_SP800_108_ITERATION_VARIABLE, value, size, true),
            (CK_SP800_108_ITERATION_VARIABLE, ptr::null_mut(), 0, true),
            (CK_SP800_108_ITERATION_VARIABLE, value, size - 1, false),
            (CK_SP800_108_COUNTER, ptr::null_mut(), size, false),
            (CK_SP800_108_DKM_LENGTH, value, size, false),
            (CK_SP800_108_KEY_HANDLE, value, 4, false),
            (99, value, size, false),
        ] {
            let mut field = CK_PRF_DATA_PARAM { type_, pValue: value, ulValueLen: len };
            let kdf = CK_SP800_108_KDF_PARAMS {
                prfType: CKM_SHA256_HMAC,
                ulNumberOfDataParams: 1,
                pDataParams: &raw mut field,
                ulAdditionalDerivedKeys: 0,
                pAdditionalDerivedKeys: ptr::null_mut(),
            };
            assert_eq!(shaped(Shape::Kdf108, &kdf, size_of_val(&kdf)).is_ok(), ok, "{type_} {len}");
            let many = CK_SP800_108_KDF_PARAMS { ulNumberOfDataParams: CK_ULONG::MAX, ..kdf };
            assert!(shaped(Shape::Kdf108, &many, size_of_val(&many)).is_err());
        }
    }
}
