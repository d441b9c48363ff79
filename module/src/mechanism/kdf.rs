//! Keys from keys and passwords: HKDF (PKCS#11 v3.2 §6.62), SP 800-108 (§6.42), PBKDF2 (§6.37), and the simple ones
//! (§6.43).

use crate::crypto::cipher::Algorithm;
use crate::crypto::hash::Hash;
use crate::crypto::kdf;
use crate::crypto::kdf108::{self, Derivation, Pipeline, Prf};
use crate::crypto::stealing::xored;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret, names};
use crate::object::{Attributes, Value, key};

use super::params::Field;
use super::{Brood, Derive, Heir, Making, Mechanism, Params, ROW, Shape, Start, Yield, digest, secret};

const fn simple(id: CK_MECHANISM_TYPE, shape: Shape, derive: Derive) -> Mechanism {
    Mechanism { id, shape, derive: Some(derive), heir: Heir::Bound, ..secret::BASE }
}

const fn hkdf(id: CK_MECHANISM_TYPE, gives: CK_OBJECT_CLASS) -> Mechanism {
    Mechanism { id, shape: Shape::Hkdf, derive: Some(extract_expand), gives, ..secret::BASE }
}

const fn sp800_108(id: CK_MECHANISM_TYPE, shape: Shape) -> Mechanism {
    let brood = Brood { templates: |params, template| Ok(one_and_more(params, template)), work: several };
    Mechanism { id, shape, brood: Some(brood), heir: Heir::Like, ..secret::BASE }
}

pub const ROWS: &[Mechanism] = &[
    hkdf(CKM_HKDF_DERIVE, CKO_SECRET_KEY),
    hkdf(CKM_HKDF_DATA, CKO_DATA),
    Mechanism {
        id: CKM_HKDF_KEY_GEN,
        keys: &[CKK_HKDF],
        sizes: (1, 65_536),
        generate: Some(secret::generate),
        ..secret::BASE
    },
    sp800_108(CKM_SP800_108_COUNTER_KDF, Shape::Kdf108),
    sp800_108(CKM_SP800_108_FEEDBACK_KDF, Shape::Kdf108Feedback),
    sp800_108(CKM_SP800_108_DOUBLE_PIPELINE_KDF, Shape::Kdf108),
    Mechanism { id: CKM_PKCS5_PBKD2, shape: Shape::Pbkd2, generate: Some(pbkdf2), ..secret::BASE },
    simple(CKM_CONCATENATE_BASE_AND_KEY, Shape::Handle, concatenate),
    simple(CKM_CONCATENATE_BASE_AND_DATA, Shape::Data, concatenate),
    simple(CKM_CONCATENATE_DATA_AND_BASE, Shape::Data, concatenate),
    simple(CKM_XOR_BASE_AND_DATA, Shape::Data, exclusive_or),
    simple(CKM_EXTRACT_KEY_FROM_KEY, Shape::Bit, extract),
    // No secret is worked with: the object room knows a private key's public half.
    Mechanism {
        id: CKM_PUB_KEY_FROM_PRIV_KEY,
        keys: key::PUBLIC_HALVES,
        flags: CKF_DERIVE,
        gives: CKO_PUBLIC_KEY,
        ..ROW
    },
];

fn extract_expand(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let Params::Hkdf { extract, expand, hash, salt, info } = start.params else {
        return Err(start.wrong_params("a CK_HKDF_PARAMS is needed"));
    };
    let (hash, base) = (super::hashes::by_digest(*hash)?, secret::value(start)?);
    let key = match extract {
        true => kdf::hkdf_extract(hash, base, salt.bytes()),
        false => base.clone(),
    };
    match (*expand, len) {
        (false, _) if !extract => Err(start.wrong_params("bExtract and bExpand are both CK_FALSE (§6.62.3)")),
        (false, Some(len)) if len != hash.len() => Err(Rv::TemplateInconsistent
            .because(format!("an extracted key has {} bytes, CKA_VALUE_LEN is {len}", hash.len()))),
        (false, _) => Ok(key),
        (true, Some(len)) if len <= 255 * hash.len() => Ok(kdf::hkdf_expand(hash, &key, info, len)),
        (true, Some(len)) => Err(Rv::KeySizeRange
            .because(format!("{len} bytes are asked, this HKDF gives {} at most", 255 * hash.len()))),
        (true, None) => Err(Rv::TemplateIncomplete.because("CKA_VALUE_LEN says how far HKDF expands")),
    }
}

/// The first key is the caller's, the others stand in the parameter (§6.42.6).
fn one_and_more(params: &Params, template: &crate::object::Template) -> Vec<crate::object::Template> {
    let more = match params {
        Params::Kdf108 { more, .. } => more.as_slice(),
        _ => &[],
    };
    std::iter::once(template).chain(more).cloned().collect()
}

fn several(start: &Start<'_>, lengths: &[Option<usize>]) -> Result<Yield> {
    let Params::Kdf108 { prf, fields, iv, .. } = start.params else {
        return Err(start.wrong_params("a CK_SP800_108_KDF_PARAMS is needed"));
    };
    let unsaid =
        || Rv::TemplateIncomplete.because("CKA_VALUE_LEN, or a type of one length, says how long a key is");
    let lengths = lengths.iter().map(|len| len.ok_or_else(unsaid)).collect::<Result<Vec<_>>>()?;
    let fields: Vec<_> = fields.iter().map(field).collect();
    let pipeline = match start.row.id {
        CKM_SP800_108_COUNTER_KDF => Pipeline::Counter,
        CKM_SP800_108_FEEDBACK_KDF => Pipeline::Feedback,
        _ => Pipeline::Double,
    };
    let derivation = Derivation { prf: prf_of(start, *prf)?, pipeline, fields: &fields, iv };
    Ok(Yield { keys: derivation.keys(secret::value(start)?, &lengths)?, back: Vec::new() })
}

fn field(field: &Field) -> kdf108::Field<'_> {
    match field {
        Field::Iteration(width) => kdf108::Field::Iteration(*width),
        Field::Counter(width) => kdf108::Field::Counter(*width),
        Field::Length { segments, width } => kdf108::Field::Length { segments: *segments, width: *width },
        Field::Piece(piece) => kdf108::Field::Bytes(piece.bytes()),
    }
}

/// A pseudo-random function is named by its MAC (§6.42.2.1).
fn prf_of(start: &Start<'_>, id: CK_MECHANISM_TYPE) -> Result<Prf> {
    match id {
        CKM_AES_CMAC => Ok(Prf::Cmac(Algorithm::Aes)),
        CKM_DES3_CMAC => Ok(Prf::Cmac(Algorithm::Des)),
        _ => digest::of_hmac(id).map(Prf::Hmac).ok_or_else(|| {
            start.wrong_params(format!("prfType {} is no function of this token", names::mechanism(id)))
        }),
    }
}

/// The hashes of PBKDF2, by CKP_ number (§6.37.2.3).
const PRFS: &[(CK_ULONG, Hash)] = &[
    (CKP_PKCS5_PBKD2_HMAC_SHA1, Hash::Sha1),
    (CKP_PKCS5_PBKD2_HMAC_SHA224, Hash::Sha224),
    (CKP_PKCS5_PBKD2_HMAC_SHA256, Hash::Sha256),
    (CKP_PKCS5_PBKD2_HMAC_SHA384, Hash::Sha384),
    (CKP_PKCS5_PBKD2_HMAC_SHA512, Hash::Sha512),
    (CKP_PKCS5_PBKD2_HMAC_SHA512_224, Hash::Sha512_224),
    (CKP_PKCS5_PBKD2_HMAC_SHA512_256, Hash::Sha512_256),
];

fn pbkdf2(making: &mut Making<'_>) -> Result<Attributes> {
    let invalid = |why: String| Rv::MechanismParamInvalid.because(format!("CKM_PKCS5_PBKD2: {why}"));
    let Params::Pbkd2 { prf, salt, iterations, password } = making.params else {
        return Err(invalid("a CK_PKCS5_PBKD2_PARAMS2 is needed".into()));
    };
    let hash = PRFS.iter().find(|(id, _)| id == prf).map(|(_, hash)| *hash);
    let hash = hash.ok_or_else(|| invalid(format!("prf {prf:#x} is no function of this token")))?;
    let iterations = u32::try_from(*iterations).map_err(|_| invalid(format!("{iterations} iterations")))?;
    let kind = making.template.ulong(CKA_KEY_TYPE).unwrap_or(CKK_GENERIC_SECRET);
    let len = key::wanted_length(kind, making.template)?;
    let len = len.ok_or_else(|| Rv::TemplateIncomplete.because("CKA_VALUE_LEN says how long the key is"))?;
    let value = kdf::pbkdf2(hash, password, salt, iterations, len)?;
    Ok(Attributes::default().with(CKA_VALUE, Value::Secret(key::with_parity(kind, value))))
}

fn concatenate(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let (mut base, mut other) = (secret::value(start)?.expose(), data(start)?);
    if start.row.id == CKM_CONCATENATE_DATA_AND_BASE {
        (base, other) = (other, base);
    }
    secret::first([base, other].concat().into(), len)
}

fn exclusive_or(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    secret::first(xored(secret::value(start)?.expose(), data(start)?), len)
}

fn data<'a>(start: &Start<'a>) -> Result<&'a [u8]> {
    match start.params {
        Params::Data(data) => Ok(data),
        Params::Piece(piece) => Ok(piece.bytes()),
        _ => Err(start.wrong_params("another key or data are needed")),
    }
}

/// Bits from the middle of the key, and on at its beginning where it ends (§6.43.7).
fn extract(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let Params::Bit(bit) = start.params else {
        return Err(start.wrong_params("a CK_EXTRACT_PARAMS is needed"));
    };
    let base = secret::value(start)?.expose();
    let len =
        len.ok_or_else(|| Rv::TemplateIncomplete.because("CKA_VALUE_LEN says how much is extracted"))?;
    if len > base.len() {
        return Err(Rv::KeySizeRange.because(format!("{len} bytes are asked of a key of {}", base.len())));
    }
    if *bit >= base.len() * 8 {
        return Err(start.wrong_params(format!("bit {bit} of a key of {} bits", base.len() * 8)));
    }
    let mut out = Secret::zeroed(len);
    for (at, byte) in out.expose_mut().iter_mut().enumerate() {
        let (first, shift) = (bit / 8 + at, bit % 8);
        let [high, low] = [first, first + 1].map(|at| base[at % base.len()]);
        *byte = (u16::from_be_bytes([high, low]) >> (8 - shift)) as u8;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::params::Piece;
    use super::super::trial::{Trial, data, key};
    use super::*;
    use crate::crypto::kdf108::Width;
    use crate::object::Template;

    fn generic(key: &[u8], params: Params) -> Trial<'_> {
        Trial { kind: CKK_GENERIC_SECRET, key, params }
    }

    fn code<T: std::fmt::Debug>(result: Result<T>) -> Rv {
        result.unwrap_err().rv()
    }

    fn piece(bytes: &[u8]) -> Piece {
        Piece::Bytes(bytes.into())
    }

    fn hkdf(extract: bool, expand: bool, hash: CK_MECHANISM_TYPE, salt: &[u8]) -> Params {
        Params::Hkdf { extract, expand, hash, salt: piece(salt), info: b"info".to_vec() }
    }

    /// From OpenSSL's kdf and Python's cryptography.
    #[test]
    fn hkdf_agrees_with_openssl() {
        let salt = b"salt".repeat(5);
        for (keys, params, len, value) in [
            (
                32,
                hkdf(true, true, CKM_SHA256, &salt),
                Some(50),
                "1666cb5605fe554789df4b32b41220d15c619f2e9abb4a251b4aecb58b535f7bc738d8e2c100a08789e01f1eeddeb00cb310",
            ),
            (
                32,
                hkdf(true, true, CKM_SHA512, &salt),
                Some(50),
                "04c594e377a773c32b3f7be7b8c6e959de1558642ca922c399b9ab556e8cc51d95d500df417712ade2dd8d8933642724996b",
            ),
            (
                32,
                hkdf(true, true, CKM_SHA3_256, &salt),
                Some(50),
                "f2bb2f5d161ac4b4ef1601326923e36ac5d42b850adcd08e1e83dca02035a13922ebc7dda4522aa4fd87e88b88b94bd216dc",
            ),
            (
                32,
                hkdf(true, true, CKM_SHA256, b""),
                Some(50),
                "cccad7895238973b7b227c5216571c432f4602b7264e8e35cde4d3249e93720e96b889988ac234d00929b4f15a884821d677",
            ),
            (
                32,
                hkdf(true, false, CKM_SHA256, &salt),
                None,
                "0314be0455d7c9a080a5181e929791818c4c0d240b7decb636364e9e28fd274a",
            ),
            (
                48,
                hkdf(false, true, CKM_SHA384, b""),
                Some(50),
                "ef1be6da9fde779499afc872e55e6739e74d30bdca39e14a68b4b0c16602ee75869f1f9dc364d19f6490d97cf398e043dae8",
            ),
        ] {
            let key = key(keys);
            let trial = generic(&key, params);
            assert_eq!(hex::encode(trial.derive(CKM_HKDF_DERIVE, len).unwrap().expose()), value);
            assert_eq!(hex::encode(trial.derive(CKM_HKDF_DATA, len).unwrap().expose()), value);
        }
    }

    #[test]
    fn hkdf_refuses_what_it_cannot_do() {
        let key = key(32);
        let go = |params, len| code(generic(&key, params).derive(CKM_HKDF_DERIVE, len));
        assert_eq!(go(hkdf(false, false, CKM_SHA256, b""), None), Rv::MechanismParamInvalid);
        assert_eq!(go(hkdf(true, true, CKM_SHA256_HMAC, b""), Some(32)), Rv::MechanismParamInvalid);
        assert_eq!(go(hkdf(true, true, CKM_SHA256, b""), None), Rv::TemplateIncomplete);
        assert_eq!(go(hkdf(true, false, CKM_SHA256, b""), Some(31)), Rv::TemplateInconsistent);
        assert_eq!(go(hkdf(true, true, CKM_SHA256, b""), Some(255 * 32 + 1)), Rv::KeySizeRange);
    }

    fn wide(little: bool, bits: usize) -> Width {
        Width { little, bits }
    }

    fn openssl_fields(first: Field) -> Vec<Field> {
        let length = Field::Length { segments: false, width: wide(false, 32) };
        let texts = [&b"label"[..], b"\0", b"context"].map(|text| Field::Piece(piece(text)));
        [first].into_iter().chain(texts).chain([length]).collect()
    }

    fn kdf108(prf: CK_MECHANISM_TYPE, fields: Vec<Field>, iv: &[u8]) -> Params {
        Params::Kdf108 { prf, fields, iv: iv.to_vec(), more: Vec::new() }
    }

    /// From OpenSSL's KBKDF; the double pipeline, which it lacks, from its definition.
    #[test]
    fn sp_800_108_agrees_with_openssl() {
        let (base, small) = (key(32), key(16));
        let counter = || openssl_fields(Field::Iteration(Some(wide(false, 32))));
        let mut feedback = openssl_fields(Field::Counter(wide(false, 32)));
        feedback.insert(0, Field::Iteration(None));
        let mut double = openssl_fields(Field::Counter(wide(true, 8)));
        double.insert(0, Field::Iteration(None));
        for (id, key, params, len, value) in [
            (
                CKM_SP800_108_COUNTER_KDF,
                &base,
                kdf108(CKM_SHA256_HMAC, counter(), b""),
                70,
                "4074371b251d6edef8141e9e3e04183d0d2cf48211479bdc77334f613978aed6ddf046629ae7207e8495cc8857c0f20367cae7cdf78b43b5354c4d00948541029fa882e55480",
            ),
            (
                CKM_SP800_108_COUNTER_KDF,
                &small,
                kdf108(CKM_AES_CMAC, counter(), b""),
                40,
                "3fc9b552ad320ef843abf45fe0209ce553353235b587ffa35dfd387b410da1c1a60066f8b9f805ce",
            ),
            (
                CKM_SP800_108_FEEDBACK_KDF,
                &base,
                kdf108(CKM_SHA256_HMAC, feedback, &base),
                70,
                "0c73a218869318313805b2676611efc01d3055d340e5bf2c2964d6c8a6657c71a7daa17ac633f2a25627eed6f13784f5ebe1f805ff22e5bf9c839776320afa6c8b05b7c5e310",
            ),
            (
                CKM_SP800_108_DOUBLE_PIPELINE_KDF,
                &base,
                kdf108(CKM_SHA256_HMAC, double, b""),
                70,
                "eb620d3955e56ccb8b9fef279bb09b95d0c248034fff651b7efd85222fb02feac6aa6408852c5b06b998f2be523caae665512f34cd6447531176a31f59147c3c207e373b8af1",
            ),
        ] {
            let given = generic(key, params).brood(id, &[Some(len)]).unwrap();
            assert_eq!(hex::encode(given.keys[0].expose()), value);
        }
    }

    /// The example of §6.42.6: 48 and 16 bytes are made of three segments.
    #[test]
    fn each_key_has_segments_of_its_own() {
        let key = key(32);
        let fields = vec![
            Field::Iteration(Some(wide(true, 16))),
            Field::Piece(piece(b"label")),
            Field::Length { segments: true, width: wide(true, 16) },
        ];
        let trial = generic(&key, kdf108(CKM_SHA256_HMAC, fields, b""));
        let given = trial.brood(CKM_SP800_108_COUNTER_KDF, &[Some(48), Some(16)]).unwrap();
        let given: Vec<_> = given.keys.iter().map(|key| hex::encode(key.expose())).collect();
        assert_eq!(
            given,
            [
                "f5d1ae75c9c221c81477ac83e4ca8efef34ee50571c064e9d924c1208739eadf1f32244a2db038b6d5855110b67d2de5",
                "73fe6f08dd395c6ec7f8eb4746310bd1"
            ]
        );
    }

    #[test]
    fn sp_800_108_refuses_what_its_modes_do_not_have() {
        let key = key(32);
        let (counter, length) = (
            |bits| Field::Iteration(Some(wide(false, bits))),
            |bits| Field::Length { segments: false, width: wide(false, bits) },
        );
        let go = |id, prf, fields: Vec<Field>, len| {
            code(generic(&key, kdf108(prf, fields, b"")).brood(id, &[Some(len)]).map(|given| given.keys))
        };
        use Rv::{KeySizeRange, MechanismParamInvalid as Invalid};
        for (id, prf, fields, len, rv) in [
            (CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, vec![], 16, Invalid),
            (CKM_SP800_108_COUNTER_KDF, CKM_SHA256, vec![counter(8)], 16, Invalid),
            (CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, vec![Field::Iteration(None)], 16, Invalid),
            (CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, vec![counter(8), counter(8)], 16, Invalid),
            (CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, vec![counter(12)], 16, Invalid),
            (CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, vec![counter(8), length(8)], 32, Invalid),
            (CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, vec![counter(8), length(72)], 32, Invalid),
            (
                CKM_SP800_108_COUNTER_KDF,
                CKM_SHA256_HMAC,
                vec![counter(8), length(16), length(16)],
                32,
                Invalid,
            ),
            (
                CKM_SP800_108_COUNTER_KDF,
                CKM_SHA256_HMAC,
                vec![counter(8), Field::Counter(wide(false, 8))],
                32,
                Invalid,
            ),
            (CKM_SP800_108_COUNTER_KDF, CKM_SHA256_HMAC, vec![counter(8)], 256 * 32, KeySizeRange),
            (CKM_SP800_108_COUNTER_KDF, CKM_DES3_CMAC, vec![counter(8)], 16, KeySizeRange),
        ] {
            assert_eq!(go(id, prf, fields.clone(), len), rv, "{fields:?}");
        }
        let trial = generic(&key, kdf108(CKM_SHA256_HMAC, vec![counter(8)], b""));
        assert_eq!(code(trial.brood(CKM_SP800_108_COUNTER_KDF, &[None])), Rv::TemplateIncomplete);
    }

    #[test]
    fn the_templates_are_the_callers_and_the_parameters() {
        let template =
            |label: &[u8]| -> Template { vec![(CKA_LABEL, crate::object::Given::Bytes(label.into()))] };
        let mut params = kdf108(CKM_SHA256_HMAC, vec![], b"");
        if let Params::Kdf108 { more, .. } = &mut params {
            *more = vec![template(b"second"), template(b"third")];
        }
        let all = one_and_more(&params, &template(b"first"));
        assert_eq!(all, [template(b"first"), template(b"second"), template(b"third")]);
    }

    fn pbkdf2_of(prf: CK_ULONG, iterations: u64, len: u64) -> Result<Secret> {
        let params = Params::Pbkd2 {
            prf,
            salt: b"salt".to_vec(),
            iterations,
            password: Secret::from(&b"password"[..]),
        };
        let mut template = Attributes::default().with(CKA_KEY_TYPE, Value::Ulong(CKK_GENERIC_SECRET));
        if len > 0 {
            template.set(CKA_VALUE_LEN, Value::Ulong(len));
        }
        let row = super::super::find(CKM_PKCS5_PBKD2)?;
        let private = Attributes::default();
        let mut fill = |_: &mut [u8]| Ok(());
        let mut making =
            Making { row, params: &params, template: &template, private: &private, fill: &mut fill };
        Ok(pbkdf2(&mut making)?.need(CKA_VALUE)?.into())
    }

    /// From Python's hashlib.
    #[test]
    fn pbkdf2_agrees_with_others() {
        for (prf, value) in [
            (
                CKP_PKCS5_PBKD2_HMAC_SHA1,
                "6e88be8bad7eae9d9e10aa061224034fed48d03fcbad968b56006784539d5214ce970d912ec2049b",
            ),
            (
                CKP_PKCS5_PBKD2_HMAC_SHA224,
                "d3bcf320fd918908eafcaa460faf40e201f6508d4e6f3d9c1c0abd30dae08cc8b1bc0657e2ebc229",
            ),
            (
                CKP_PKCS5_PBKD2_HMAC_SHA256,
                "632c2812e46d4604102ba7618e9d6d7d2f8128f6266b4a03264d2a0460b7dcb388b3b1131f741bcb",
            ),
            (
                CKP_PKCS5_PBKD2_HMAC_SHA384,
                "3bd37e2236941d4a77b1b5b714c6f913fabb6b0841a6d7d8656b99d611e900fe06edb93b5b809efa",
            ),
            (
                CKP_PKCS5_PBKD2_HMAC_SHA512,
                "afe6c5530785b6cc6b1c6453384731bd5ee432ee549fd42fb6695779ad8a1c5bf59de69c48f774ef",
            ),
            (
                CKP_PKCS5_PBKD2_HMAC_SHA512_224,
                "2f7dd7172b0324e8234fb87a2a789b8ca20f613fb043be228e1edbfc159a909f4b9d36ec651e5b05",
            ),
            (
                CKP_PKCS5_PBKD2_HMAC_SHA512_256,
                "f7e4fb1d98c78b615f585f974af8cd97651a244f4c5004189d136fed65652fa00e3e2060276cbcea",
            ),
        ] {
            assert_eq!(hex::encode(pbkdf2_of(prf, 1000, 40).unwrap().expose()), value);
        }
        assert_eq!(code(pbkdf2_of(2, 1000, 40)), Rv::MechanismParamInvalid);
        assert_eq!(code(pbkdf2_of(CKP_PKCS5_PBKD2_HMAC_SHA1, 0, 40)), Rv::MechanismParamInvalid);
        assert_eq!(code(pbkdf2_of(CKP_PKCS5_PBKD2_HMAC_SHA1, 1 << 32, 40)), Rv::MechanismParamInvalid);
        assert_eq!(code(pbkdf2_of(CKP_PKCS5_PBKD2_HMAC_SHA1, 1, 0)), Rv::TemplateIncomplete);
    }

    /// The examples of §6.43.
    #[test]
    fn simple_derivations_are_the_standards_examples() {
        let base = [0x01, 0x23, 0x45, 0x67];
        let other = [0x89, 0xab, 0xcd, 0xef];
        for (id, params, value) in [
            (CKM_CONCATENATE_BASE_AND_KEY, Params::Piece(piece(&other)), "0123456789abcdef"),
            (CKM_CONCATENATE_BASE_AND_DATA, Params::Data(other.into()), "0123456789abcdef"),
            (CKM_CONCATENATE_DATA_AND_BASE, Params::Data(other.into()), "89abcdef01234567"),
            (CKM_XOR_BASE_AND_DATA, Params::Data(other.into()), "88888888"),
        ] {
            let trial = generic(&base, params);
            assert_eq!(hex::encode(trial.derive(id, None).unwrap().expose()), value);
            assert_eq!(hex::encode(trial.derive(id, Some(3)).unwrap().expose()), value[..6]);
            assert_eq!(code(trial.derive(id, Some(9))), Rv::KeySizeRange);
        }
        let trial = generic(&[0x32, 0x9f, 0x84, 0xa9], Params::Bit(21));
        let value = trial.derive(CKM_EXTRACT_KEY_FROM_KEY, Some(2)).unwrap();
        assert_eq!(hex::encode(value.expose()), "9526");
        assert_eq!(code(trial.derive(CKM_EXTRACT_KEY_FROM_KEY, None)), Rv::TemplateIncomplete);
        assert_eq!(code(trial.derive(CKM_EXTRACT_KEY_FROM_KEY, Some(5))), Rv::KeySizeRange);
        let beyond = Trial { params: Params::Bit(32), ..trial };
        assert_eq!(code(beyond.derive(CKM_EXTRACT_KEY_FROM_KEY, Some(2))), Rv::MechanismParamInvalid);
    }

    #[test]
    fn extraction_from_any_bit_is_a_rotation() {
        let base = data(16);
        let bits = |bytes: &[u8]| -> Vec<bool> {
            bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1 == 1)).collect()
        };
        for bit in 0..128 {
            let value = generic(&base, Params::Bit(bit)).derive(CKM_EXTRACT_KEY_FROM_KEY, Some(16)).unwrap();
            let mut rotated = bits(&base);
            rotated.rotate_left(bit);
            assert_eq!(bits(value.expose()), rotated);
        }
    }
}
