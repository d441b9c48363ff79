//! The keys and MACs of TLS 1.0 to 1.2 (PKCS#11 v3.2 §6.39, §6.40).

use crate::crypto::tls::Prf;
use crate::cryptoki::ids::*;
use crate::cryptoki::vendor::CKM_TLS_PRF_GENERAL;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::{Attributes, Given, Template, Value};

use super::derivation::{unless_given, without};
use super::operation::{Act, Check, Intake};
use super::params::Randoms;
use super::{Begun, Brood, Heir, Making, Mechanism, Params, ROW, Shape, Start, Unit, Yield, secret};

/// Bytes of a pre-master secret with a version, and of every master secret.
const MASTER: usize = 48;

const SECRET: Mechanism = Mechanism { keys: &[CKK_GENERIC_SECRET], unit: Unit::Bytes, ..ROW };

/// From a pre-master secret of 48 bytes with a version in it.
const fn master(id: CK_MECHANISM_TYPE, shape: Shape) -> Mechanism {
    Mechanism { sizes: (MASTER as u64, MASTER as u64), ..master_dh(id, shape) }
}

/// From a Diffie-Hellman secret.
const fn master_dh(id: CK_MECHANISM_TYPE, shape: Shape) -> Mechanism {
    let brood = match shape {
        Shape::TlsMaster { old: true } => {
            Brood { templates: |_, template| Ok(vec![template.clone()]), work: derive_master }
        }
        _ => Brood { templates: |_, template| Ok(vec![for_tls_only(template)]), work: derive_master },
    };
    Mechanism { id, shape, brood: Some(brood), ..SECRET }
}

const fn keys(id: CK_MECHANISM_TYPE, old: bool) -> Mechanism {
    let brood = Brood { templates: four_templates, work: four_keys };
    Mechanism { id, shape: Shape::TlsKeys { old }, brood: Some(brood), heir: Heir::Same, ..SECRET }
}

const fn kdf(id: CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism { id, shape: Shape::TlsKdf, derive: Some(export), heir: Heir::Bound, ..SECRET }
}

const fn mac(id: CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism { id, shape: Shape::TlsMac, sign: Some(sign), verify: Some(verify), ..SECRET }
}

pub const ROWS: &[Mechanism] = &[
    Mechanism {
        id: CKM_TLS_PRE_MASTER_KEY_GEN,
        sizes: (MASTER as u64, MASTER as u64),
        shape: Shape::Iv(2),
        generate: Some(generate),
        ..SECRET
    },
    master(CKM_TLS_MASTER_KEY_DERIVE, Shape::TlsMaster { old: true }),
    master_dh(CKM_TLS_MASTER_KEY_DERIVE_DH, Shape::TlsMaster { old: true }),
    keys(CKM_TLS_KEY_AND_MAC_DERIVE, true),
    master(CKM_TLS12_MASTER_KEY_DERIVE, Shape::TlsMaster { old: false }),
    master_dh(CKM_TLS12_MASTER_KEY_DERIVE_DH, Shape::TlsMaster { old: false }),
    master(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, Shape::TlsExtended),
    master_dh(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, Shape::TlsExtended),
    keys(CKM_TLS12_KEY_AND_MAC_DERIVE, false),
    keys(CKM_TLS12_KEY_SAFE_DERIVE, false),
    kdf(CKM_TLS_KDF),
    kdf(CKM_TLS12_KDF),
    mac(CKM_TLS_MAC),
    mac(CKM_TLS12_MAC),
    Mechanism { shape: Shape::None, ..mac(CKM_TLS_PRF_GENERAL) },
];

/// What a master secret of TLS 1.2 may be used for (§6.40.4).
const USES: &[CK_MECHANISM_TYPE] = &[
    CKM_TLS12_KEY_AND_MAC_DERIVE,
    CKM_TLS12_KEY_SAFE_DERIVE,
    CKM_TLS_KDF,
    CKM_TLS_MAC,
    CKM_TLS12_KDF,
    CKM_TLS12_MAC,
];

fn for_tls_only(template: &Template) -> Template {
    let uses: Vec<u8> = USES.iter().flat_map(|id| id.to_ne_bytes()).collect();
    unless_given(template.clone(), CKA_ALLOWED_MECHANISMS, &uses)
}

fn prf(start: &Start<'_>, id: CK_MECHANISM_TYPE) -> Result<Prf> {
    match id {
        CKM_TLS_PRF => Ok(Prf::Old),
        _ => super::hashes::by_digest(id).map(Prf::Of).map_err(|error| start.wrong_params(error.why())),
    }
}

/// A pre-master secret: the client's version, and 46 random bytes.
fn generate(making: &mut Making<'_>) -> Result<Attributes> {
    let Params::Iv(version) = making.params else {
        return Err(Rv::MechanismParamInvalid.because("a CK_VERSION is needed"));
    };
    if making.template.ulong(CKA_VALUE_LEN).is_some_and(|len| len != MASTER as u64) {
        return Err(Rv::TemplateInconsistent
            .because("a pre-master secret has 48 bytes, by CKA_VALUE_LEN another number"));
    }
    let mut value = Secret::zeroed(MASTER);
    (making.fill)(value.expose_mut())?;
    value.expose_mut()[..2].copy_from_slice(version);
    Ok(Attributes::default().with(CKA_VALUE, Value::Secret(value)))
}

fn derive_master(start: &Start<'_>, lengths: &[Option<usize>]) -> Result<Yield> {
    let secret = secret::value(start)?;
    let (id, label, seed) = match start.params {
        Params::TlsMaster { prf, randoms } => {
            (*prf, &b"master secret"[..], vec![&randoms.client[..], &randoms.server])
        }
        Params::TlsExtended { prf, session } => (*prf, &b"extended master secret"[..], vec![&session[..]]),
        _ => return Err(start.wrong_params("the parameter is of another mechanism")),
    };
    if lengths.iter().flatten().any(|len| *len != MASTER) {
        return Err(
            Rv::TemplateInconsistent.because("a master secret has 48 bytes, by CKA_VALUE_LEN another number")
        );
    }
    let key = prf(start, id)?.run(secret, label, &seed, MASTER);
    let version = secret.expose().get(..2).unwrap_or_default();
    Ok(Yield { keys: vec![key], back: vec![version.into()] })
}

/// Two MAC keys and two cipher keys, as far as there are any (§6.40.6).
fn four_templates(params: &Params, template: &Template) -> Result<Vec<Template>> {
    let Params::TlsKeys { mac, key, .. } = params else {
        return Err(Rv::MechanismParamInvalid.because("a CK_TLS12_KEY_MAT_PARAMS is needed"));
    };
    let number = |number: u64| number.to_ne_bytes();
    let set = |template, attributes: &[CK_ATTRIBUTE_TYPE]| {
        attributes.iter().fold(template, |template, attribute| unless_given(template, *attribute, &[CK_TRUE]))
    };
    let mut templates = Vec::new();
    if *mac > 0 {
        const OF_CIPHERS: &[CK_ATTRIBUTE_TYPE] = &[
            CKA_KEY_TYPE,
            CKA_VALUE_LEN,
            CKA_ENCRYPT,
            CKA_DECRYPT,
            CKA_WRAP,
            CKA_UNWRAP,
            CKA_SIGN,
            CKA_VERIFY,
        ];
        let mut macing = without(template, OF_CIPHERS);
        macing.push((CKA_KEY_TYPE, Given::Bytes(number(CKK_GENERIC_SECRET)[..].into())));
        macing.push((CKA_VALUE_LEN, Given::Bytes(number(*mac as u64)[..].into())));
        templates.extend(vec![set(macing, &[CKA_SIGN, CKA_VERIFY, CKA_DERIVE]); 2]);
    }
    if *key > 0 {
        let sized = unless_given(template.clone(), CKA_VALUE_LEN, &number(*key as u64));
        templates.extend(vec![set(sized, &[CKA_ENCRYPT, CKA_DECRYPT, CKA_DERIVE]); 2]);
    }
    Ok(templates)
}

fn four_keys(start: &Start<'_>, lengths: &[Option<usize>]) -> Result<Yield> {
    let Params::TlsKeys { prf: id, randoms: Randoms { client, server }, mac, key, iv } = start.params else {
        return Err(start.wrong_params("a CK_TLS12_KEY_MAT_PARAMS is needed"));
    };
    let iv = if start.row.id == CKM_TLS12_KEY_SAFE_DERIVE { 0 } else { *iv };
    let sizes = [*mac, *mac, *key, *key, iv, iv];
    let keys: Vec<usize> = sizes[..4].iter().copied().filter(|size| *size > 0).collect();
    if keys.iter().zip(lengths).any(|(size, len)| len.is_some_and(|len| len != *size)) {
        return Err(Rv::TemplateInconsistent
            .because("CKA_VALUE_LEN or the type of the key is not what ulKeySizeInBits asks"));
    }
    let block =
        prf(start, *id)?.run(secret::value(start)?, b"key expansion", &[server, client], sizes.iter().sum());
    let mut rest = block.expose();
    let mut cut = |size: &usize| {
        let (part, after) = rest.split_at(*size);
        rest = after;
        Secret::from(part)
    };
    let keys = keys.iter().map(&mut cut).collect();
    Ok(Yield { keys, back: sizes[4..].iter().map(&mut cut).collect() })
}

/// Keying material for other protocols (RFC 5705).
fn export(start: &Start<'_>, len: Option<usize>) -> Result<Secret> {
    let Params::TlsKdf { prf: id, label, randoms, context } = start.params else {
        return Err(start.wrong_params("a CK_TLS_KDF_PARAMS is needed"));
    };
    let len = len.ok_or_else(|| Rv::TemplateIncomplete.because("CKA_VALUE_LEN says how much is derived"))?;
    let size = match context.as_ref().map(|context| u16::try_from(context.len())) {
        None => Vec::new(),
        Some(Ok(size)) => size.to_be_bytes().to_vec(),
        Some(Err(_)) => return Err(start.wrong_params("the context has more than 65535 bytes")),
    };
    let seed = [&randoms.client, &randoms.server, &size, context.as_deref().unwrap_or_default()];
    Ok(prf(start, *id)?.run(secret::value(start)?, label, &seed, len))
}

/// The verify_data of a Finished message. Of NSS's bare function, whose data are label and seed, as many bytes.
fn finished(start: &Start<'_>) -> Result<(usize, impl Fn(&[u8]) -> Secret + Send + use<>)> {
    let (id, len, label) = match start.params {
        Params::TlsMac { prf, len, server: true } => (*prf, *len, &b"server finished"[..]),
        Params::TlsMac { prf, len, server: false } => (*prf, *len, &b"client finished"[..]),
        Params::None if start.row.shape == Shape::None => (CKM_TLS_PRF, 12, &b""[..]),
        _ => return Err(start.wrong_params("a CK_TLS_MAC_PARAMS is needed")),
    };
    let (prf, key) = (prf(start, id)?, secret::value(start)?.clone());
    let fits = if prf == Prf::Old { 12..=12 } else { 12..=1024 };
    if !fits.contains(&len) {
        return Err(start.wrong_params(format!("a MAC of {len} bytes: it has 12, or more in TLS 1.2")));
    }
    Ok((len, move |data: &[u8]| prf.run(&key, label, &[data], len)))
}

fn sign(start: &Start<'_>) -> Result<Begun> {
    let (len, tag) = finished(start)?;
    Ok(Box::new(Act { intake: Intake::whole(), work: move |data: &[u8]| Ok(tag(data)), len }))
}

fn verify(start: &Start<'_>) -> Result<Begun> {
    let (len, tag) = finished(start)?;
    let work = move |data: &[u8], signature: &[u8]| match signature.len() == len {
        false => {
            Err(Rv::SignatureLenRange.because(format!("the MAC has {len} bytes, not {}", signature.len())))
        }
        true if tag(data) == signature.into() => Ok(()),
        true => Err(Rv::SignatureInvalid.into()),
    };
    Ok(Box::new(Check { intake: Intake::whole(), work }))
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, key};
    use super::*;

    fn randoms() -> Randoms {
        Randoms { client: (0..32).collect(), server: (32..64).collect() }
    }

    fn code<T: std::fmt::Debug>(result: Result<T>) -> Rv {
        result.unwrap_err().rv()
    }

    fn premaster() -> Vec<u8> {
        [3, 3].into_iter().chain(0..46).collect()
    }

    /// From OpenSSL's TLS1-PRF, as all here.
    #[test]
    fn master_secrets_agree_with_openssl() {
        let key = premaster();
        let of = |prf| Params::TlsMaster { prf, randoms: randoms() };
        let extended = Params::TlsExtended { prf: CKM_SHA256, session: (0..32).collect() };
        for (id, params, value) in [
            (
                CKM_TLS12_MASTER_KEY_DERIVE,
                of(CKM_SHA256),
                "d2c76cb7c4c86a909737874ceccddc57f2c211e2a4c6f44532306227ba5173089e3a96968874bb7e9ff14f3ed8c6a41a",
            ),
            (
                CKM_TLS12_MASTER_KEY_DERIVE_DH,
                of(CKM_SHA384),
                "1e468578fd0095f995c1ef54628717936aea68bd896b5bacbd48e04f558c35764a4cf64a46cad6942f0ea1f659a9f17c",
            ),
            (
                CKM_TLS_MASTER_KEY_DERIVE,
                of(CKM_TLS_PRF),
                "73ca30c0d219536fb65a2a40e7d888ab3248a570eb18690c7332d25b75e7792d97ee35deba30e9b83ae1ba7823b7c6ab",
            ),
            (
                CKM_TLS_MASTER_KEY_DERIVE_DH,
                of(CKM_TLS_PRF),
                "73ca30c0d219536fb65a2a40e7d888ab3248a570eb18690c7332d25b75e7792d97ee35deba30e9b83ae1ba7823b7c6ab",
            ),
            (
                CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE,
                extended.clone(),
                "c585881c670108a5077923d6e239aea5222913c609b06009a2d9f865178e0e012f148f1514e3e9b4b5d4854a689ea856",
            ),
            (
                CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH,
                extended,
                "c585881c670108a5077923d6e239aea5222913c609b06009a2d9f865178e0e012f148f1514e3e9b4b5d4854a689ea856",
            ),
        ] {
            let trial = Trial { kind: CKK_GENERIC_SECRET, key: &key, params };
            let given = trial.brood(id, &[None]).unwrap();
            assert_eq!(hex::encode(given.keys[0].expose()), value);
            assert_eq!(given.back[0].expose(), [3, 3], "the version of the pre-master secret");
            assert_eq!(code(trial.brood(id, &[Some(47)])), Rv::TemplateInconsistent);
        }
    }

    #[test]
    fn a_premaster_secret_with_a_version_has_48_bytes_and_another_any() {
        let params = Params::TlsMaster { prf: CKM_SHA256, randoms: randoms() };
        let trial = Trial { kind: CKK_GENERIC_SECRET, key: &[7; 32], params };
        assert_eq!(code(trial.brood(CKM_TLS12_MASTER_KEY_DERIVE, &[None])), Rv::KeySizeRange);
        assert!(trial.brood(CKM_TLS12_MASTER_KEY_DERIVE_DH, &[None]).is_ok());
        let unknown = Params::TlsMaster { prf: CKM_AES_ECB, randoms: randoms() };
        let trial = Trial { params: unknown, ..trial };
        assert_eq!(code(trial.brood(CKM_TLS12_MASTER_KEY_DERIVE_DH, &[None])), Rv::MechanismParamInvalid);
    }

    fn four(prf: CK_MECHANISM_TYPE, mac: usize, key: usize, iv: usize) -> Params {
        Params::TlsKeys { prf, randoms: randoms(), mac, key, iv }
    }

    #[test]
    fn the_key_block_is_cut_as_openssl_gives_it() {
        let key = key(48);
        let trial = Trial { kind: CKK_GENERIC_SECRET, key: &key, params: four(CKM_SHA256, 20, 16, 4) };
        let lengths = [Some(20), Some(20), Some(16), Some(16)];
        let given = trial.brood(CKM_TLS12_KEY_AND_MAC_DERIVE, &lengths).unwrap();
        let all: Vec<_> =
            given.keys.iter().chain(&given.back).map(|part| hex::encode(part.expose())).collect();
        assert_eq!(
            all,
            [
                "fbe0dbb71e9097fcfe644317a16d334fac721a5f",
                "822730468a366a4ef2f2206848092b65ca8b00c3",
                "56742cd5bae70ed8ac35e70945a53033",
                "866a9b3abca98806f6ba1048b7cd53eb",
                "2f258495",
                "5a68b87c"
            ]
        );
        let safe = trial.brood(CKM_TLS12_KEY_SAFE_DERIVE, &lengths).unwrap();
        assert_eq!(safe.keys, given.keys);
        assert!(safe.back.iter().all(Secret::is_empty), "no IV is given away");
        let old = Trial { params: four(CKM_TLS_PRF, 20, 16, 4), ..trial.clone() };
        let given = old.brood(CKM_TLS_KEY_AND_MAC_DERIVE, &lengths).unwrap();
        assert_eq!(hex::encode(given.keys[0].expose()), "f3771f99cf91858748dc50ed540edc39efb06a25");
        let wrong = trial.brood(CKM_TLS12_KEY_AND_MAC_DERIVE, &[Some(20), Some(20), Some(32), Some(32)]);
        assert_eq!(code(wrong), Rv::TemplateInconsistent);
    }

    #[test]
    fn the_four_templates_say_what_each_key_is() {
        let aes = vec![(CKA_KEY_TYPE, Given::Bytes(CKK_AES.to_ne_bytes()[..].into()))];
        for (mac, key, count) in [(20, 16, 4), (0, 16, 2), (20, 0, 2), (0, 0, 0)] {
            let all = four_templates(&four(CKM_SHA256, mac, key, 0), &aes).unwrap();
            assert_eq!(all.len(), count);
            for (at, template) in all.iter().enumerate() {
                let macing = mac > 0 && at < 2;
                let (kind, size) = if macing { (CKK_GENERIC_SECRET, mac) } else { (CKK_AES, key) };
                let has =
                    |attribute, value: &[u8]| template.contains(&(attribute, Given::Bytes(value.into())));
                assert!(has(CKA_KEY_TYPE, &kind.to_ne_bytes()) && has(CKA_VALUE_LEN, &size.to_ne_bytes()));
                assert_eq!((has(CKA_SIGN, &[1]), has(CKA_ENCRYPT, &[1])), (macing, !macing));
            }
        }
    }

    #[test]
    fn exported_material_agrees_with_openssl() {
        let key = key(48);
        let of = |context: Option<&[u8]>| Params::TlsKdf {
            prf: CKM_SHA256,
            label: b"EXPORTER-x".to_vec(),
            randoms: randoms(),
            context: context.map(<[u8]>::to_vec),
        };
        for (id, params, value) in [
            (
                CKM_TLS_KDF,
                of(None),
                "58c07eb8f946ef7f27aec70333c3be0a20ad8b61f905b9cbb17d6862e3a63498dcd6c3c05d7a6242",
            ),
            (
                CKM_TLS12_KDF,
                of(None),
                "58c07eb8f946ef7f27aec70333c3be0a20ad8b61f905b9cbb17d6862e3a63498dcd6c3c05d7a6242",
            ),
            (
                CKM_TLS_KDF,
                of(Some(b"ctx")),
                "f23b77043c859d51db8598f47712a5771bf0c1ad3015b4ea883bf0928f32d120667daf847c364d83",
            ),
        ] {
            let trial = Trial { kind: CKK_GENERIC_SECRET, key: &key, params };
            assert_eq!(hex::encode(trial.derive(id, Some(40)).unwrap().expose()), value);
            assert_eq!(code(trial.derive(id, None)), Rv::TemplateIncomplete);
        }
        let long = Trial { kind: CKK_GENERIC_SECRET, key: &key, params: of(Some(&[0; 65_536])) };
        assert_eq!(code(long.derive(CKM_TLS_KDF, Some(1))), Rv::MechanismParamInvalid);
    }

    #[test]
    fn finished_messages_agree_with_openssl() {
        let (key, data) = (key(48), (0..32).collect::<Vec<u8>>());
        for (prf, server, tag) in
            [(CKM_SHA256, true, "6d86171328c8844935432779"), (CKM_TLS_PRF, false, "fb71948c81b16da1abdc037a")]
        {
            let params = Params::TlsMac { prf, len: 12, server };
            let trial = Trial { kind: CKK_GENERIC_SECRET, key: &key, params };
            for id in [CKM_TLS_MAC, CKM_TLS12_MAC] {
                trial.signs(id, &data, &hex::decode(tag).unwrap());
            }
        }
        for (prf, len) in [(CKM_SHA256, 11), (CKM_TLS_PRF, 13), (CKM_SHA256, usize::MAX)] {
            let params = Params::TlsMac { prf, len, server: true };
            let trial = Trial { kind: CKK_GENERIC_SECRET, key: &key, params };
            assert_eq!(code(trial.sign(CKM_TLS_MAC, b"")), Rv::MechanismParamInvalid);
        }
    }
}
