//! Keys from keys: HKDF, PBKDF2, SP 800-108, concatenation and its like, the public half, and HOTP.

use serde_json::json;
use tests::{Mechanism, ids::*, keys::secret, template};

use super::super::judge::{Judge, Verdict, digits, readable, refused, same};
use super::super::names::HASHES;
use super::data;
use crate::vectors::module::Result;

pub fn run(judge: &mut Judge) -> Result<()> {
    for (id, mode) in [
        (CKM_SP800_108_COUNTER_KDF, "COUNTER"),
        (CKM_SP800_108_FEEDBACK_KDF, "FEEDBACK"),
        (CKM_SP800_108_DOUBLE_PIPELINE_KDF, "DOUBLE"),
    ] {
        for hash in HASHES.iter().filter(|hash| hash.signs.is_some()) {
            judge.cross(id, hash.name, |judge| sp800_108(judge, id, mode, hash.hmac, hash.name));
        }
        judge.cross(id, "AES-CMAC", |judge| sp800_108(judge, id, mode, CKM_AES_CMAC, "AES-CMAC"));
    }
    for hash in HASHES.iter().filter(|hash| hash.signs.is_some()) {
        judge.cross(CKM_HKDF_DERIVE, hash.name, |judge| {
            let (id, wanted) = (CKM_HKDF_DERIVE, readable(CKK_GENERIC_SECRET, 100));
            hkdf(judge, id, hash.digest, hash.name, &wanted)
        });
    }
    judge.generated(CKM_HKDF_KEY_GEN, CKK_HKDF, 32, |judge, key, value| {
        let (mut info, mut salt) = (data(4), data(9));
        let mut params = hkdf_params(CKM_SHA256, &mut salt, &mut info);
        let wanted = readable(CKK_GENERIC_SECRET, 50);
        let ours = judge.session().derive(Mechanism::of(CKM_HKDF_DERIVE, &mut params), key, &wanted);
        let request = json!({
            "hash": "SHA-256", "key": digits(value), "salt": digits(&data(9)), "info": digits(&data(4)), "size": 50,
        });
        same(&judge.take(ours.map_err(refused)?).map_err(refused)?, &judge.peer.bytes("hkdf", request)?)
    });
    joined(judge);
    judge.cross(CKM_PUB_KEY_FROM_PRIV_KEY, "P-256", public_half);
    hotp(judge);
    Ok(())
}

fn hkdf_params(hash: CK_MECHANISM_TYPE, salt: &mut [u8], info: &mut [u8]) -> CK_HKDF_PARAMS {
    CK_HKDF_PARAMS {
        bExtract: CK_TRUE,
        bExpand: CK_TRUE,
        prfHashMechanism: hash,
        ulSaltType: CKF_HKDF_SALT_DATA,
        pSalt: salt.as_mut_ptr(),
        ulSaltLen: salt.len() as CK_ULONG,
        hSaltKey: 0,
        pInfo: info.as_mut_ptr(),
        ulInfoLen: info.len() as CK_ULONG,
    }
}

fn hkdf(
    judge: &mut Judge,
    id: CK_MECHANISM_TYPE,
    hash: CK_MECHANISM_TYPE,
    name: &str,
    wanted: &tests::Template,
) -> Verdict {
    let (mut salt, mut info) = (data(20), data(11));
    let request = json!({
        "hash": name, "key": digits(&data(40)), "salt": digits(&salt), "info": digits(&info), "size": 100,
    });
    let value = judge.peer.bytes("hkdf", request)?;
    let mut params = hkdf_params(hash, &mut salt, &mut info);
    judge.derived(Mechanism::of(id, &mut params), &secret(CKK_HKDF, &data(40)), wanted, &value)
}

/// The counter in 32 bits, the label, a zero, the context, and the length in bits (SP 800-108 §4).
fn sp800_108(
    judge: &mut Judge,
    id: CK_MECHANISM_TYPE,
    mode: &str,
    prf: CK_MECHANISM_TYPE,
    name: &str,
) -> Verdict {
    const SIZE: usize = 100;
    let (mut fixed, mut iv) = ([b"label\0".to_vec(), data(7)].concat(), data(16));
    let mut counter = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_FALSE, ulWidthInBits: 32 };
    let mut length = CK_SP800_108_DKM_LENGTH_FORMAT {
        dkmLengthMethod: CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS,
        bLittleEndian: CK_FALSE,
        ulWidthInBits: 32,
    };
    let field = |type_, value: *mut std::ffi::c_void, len: usize| CK_PRF_DATA_PARAM {
        type_,
        pValue: value,
        ulValueLen: len as CK_ULONG,
    };
    let place = ((&raw mut counter).cast(), size_of_val(&counter));
    let first = match mode {
        "COUNTER" => vec![field(CK_SP800_108_ITERATION_VARIABLE, place.0, place.1)],
        _ => vec![
            field(CK_SP800_108_ITERATION_VARIABLE, std::ptr::null_mut(), 0),
            field(CK_SP800_108_COUNTER, place.0, place.1),
        ],
    };
    let rest = [
        field(CK_SP800_108_BYTE_ARRAY, fixed.as_mut_ptr().cast(), fixed.len()),
        field(CK_SP800_108_DKM_LENGTH, (&raw mut length).cast(), size_of_val(&length)),
    ];
    let mut fields: Vec<_> = first.into_iter().chain(rest).collect();
    let count = fields.len() as CK_ULONG;
    let mut feedback = CK_SP800_108_FEEDBACK_KDF_PARAMS {
        prfType: prf,
        ulNumberOfDataParams: count,
        pDataParams: fields.as_mut_ptr(),
        ulIVLen: iv.len() as CK_ULONG,
        pIV: iv.as_mut_ptr(),
        ulAdditionalDerivedKeys: 0,
        pAdditionalDerivedKeys: std::ptr::null_mut(),
    };
    let mut plain = CK_SP800_108_KDF_PARAMS {
        prfType: prf,
        ulNumberOfDataParams: count,
        pDataParams: fields.as_mut_ptr(),
        ulAdditionalDerivedKeys: 0,
        pAdditionalDerivedKeys: std::ptr::null_mut(),
    };
    let mechanism = match mode {
        "FEEDBACK" => Mechanism::of(id, &mut feedback),
        _ => Mechanism::of(id, &mut plain),
    };
    let given = [&fixed[..], &(SIZE as u32 * 8).to_be_bytes()].concat();
    let request = json!({
        "mode": mode, "prf": name, "key": digits(&data(32)), "fixed": digits(&given), "size": SIZE, "iv": digits(&iv),
    });
    let value = judge.peer.bytes("sp800_108", request)?;
    let kind = if prf == CKM_AES_CMAC { CKK_AES } else { CKK_GENERIC_SECRET };
    judge.derived(mechanism, &secret(kind, &data(32)), &readable(CKK_GENERIC_SECRET, SIZE), &value)
}

/// Keys put together, by the definitions of PKCS #11 §6.43.
fn joined(judge: &mut Judge) {
    let (base, other) = (data(20), vec![0x5a; 20]);
    let template = secret(CKK_GENERIC_SECRET, &base);
    let mut bytes = other.clone();
    let mut params = CK_KEY_DERIVATION_STRING_DATA { pData: bytes.as_mut_ptr(), ulLen: 20 };
    let xor = base.iter().zip(&other).map(|(a, b)| a ^ b).collect();
    for (id, value) in [
        (CKM_CONCATENATE_BASE_AND_DATA, [base.clone(), other.clone()].concat()),
        (CKM_CONCATENATE_DATA_AND_BASE, [other.clone(), base.clone()].concat()),
        (CKM_XOR_BASE_AND_DATA, xor),
    ] {
        for len in [value.len(), 16] {
            judge.cross(id, &format!("{len} bytes, by definition"), |judge| {
                let mechanism = Mechanism::of(id, &mut params);
                judge.derived(mechanism, &template, &readable(CKK_GENERIC_SECRET, len), &value[..len])
            });
        }
    }
    judge.cross(CKM_CONCATENATE_BASE_AND_KEY, "40 bytes, by definition", |judge| {
        let more = judge.session().create(&secret(CKK_GENERIC_SECRET, &other)).map_err(refused)?;
        let mechanism = Mechanism::number(CKM_CONCATENATE_BASE_AND_KEY, more);
        judge.derived(
            mechanism,
            &template,
            &readable(CKK_GENERIC_SECRET, 40),
            &[base.clone(), other].concat(),
        )
    });
    // The bits of the example in §6.43.7: from bit 21 of 0x329F84A9.
    for (bit, value) in [(21, [0x95, 0x26]), (0, [0x32, 0x9f])] {
        judge.cross(CKM_EXTRACT_KEY_FROM_KEY, &format!("from bit {bit}, PKCS #11 §6.43.7"), |judge| {
            let base = secret(CKK_GENERIC_SECRET, &[0x32, 0x9f, 0x84, 0xa9]);
            let mechanism = Mechanism::number(CKM_EXTRACT_KEY_FROM_KEY, bit);
            judge.derived(mechanism, &base, &readable(CKK_GENERIC_SECRET, 2), &value)
        });
    }
}

/// The public half of a private key is the peer's public key.
fn public_half(judge: &mut Judge) -> Verdict {
    let key = judge.peer.ask("ec_key", json!({ "curve": "secp256r1" }))?;
    let value = super::super::judge::bytes(&key["value"]);
    let private = super::super::keys::ec_private(CKK_EC, tests::keys::P256, &value);
    let wanted = template![CKA_CLASS => CKO_PUBLIC_KEY, CKA_TOKEN => false];
    let public = judge
        .with(&private, |session, key| session.derive(CKM_PUB_KEY_FROM_PRIV_KEY, key, &wanted))
        .map_err(refused)?;
    let point = judge.session().get(public, CKA_EC_POINT).map_err(refused)?;
    same(point.get(2..).unwrap_or_default(), &super::super::judge::bytes(&key["point"]))
}

/// The numbers of RFC 4226, appendix D, and of the peer.
fn hotp(judge: &mut Judge) {
    for (counter, digits) in (0..10).map(|counter| (counter, 6)).chain([(1 << 33, 8)]) {
        judge.cross(CKM_HOTP, &format!("counter {counter}, {digits} digits"), |judge| {
            let value = b"12345678901234567890";
            let key = judge.session().create(&one_time().also(CKA_VALUE, value)).map_err(refused)?;
            password(judge, key, value, counter, digits)
        });
    }
    judge.cross(CKM_HOTP_KEY_GEN, "a key of 20 bytes", |judge| {
        let wanted = one_time().also(CKA_VALUE_LEN, 20 as CK_ULONG);
        let key = judge.session().generate(CKM_HOTP_KEY_GEN, &wanted).map_err(refused)?;
        let value = judge.session().get(key, CKA_VALUE).map_err(refused)?;
        password(judge, key, &value, 5, 6)
    });
}

fn one_time() -> tests::Template {
    template![
        CKA_CLASS => CKO_OTP_KEY, CKA_KEY_TYPE => CKK_HOTP, CKA_TOKEN => false, CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true, CKA_SIGN => true, CKA_VERIFY => true,
    ]
}

/// The password stands in a CK_OTP_SIGNATURE_INFO, after its numbers and pointers.
fn password(
    judge: &mut Judge,
    key: CK_OBJECT_HANDLE,
    value: &[u8],
    counter: u64,
    count: CK_ULONG,
) -> Verdict {
    let (mut at, mut length) = (counter.to_be_bytes(), count);
    let mut given = [
        CK_OTP_PARAM { type_: CK_OTP_COUNTER, pValue: at.as_mut_ptr().cast(), ulValueLen: 8 },
        CK_OTP_PARAM {
            type_: CK_OTP_OUTPUT_LENGTH,
            pValue: (&raw mut length).cast(),
            ulValueLen: size_of::<CK_ULONG>() as CK_ULONG,
        },
    ];
    let mut params = CK_OTP_PARAMS { pParams: given.as_mut_ptr(), ulCount: 2 };
    let ours = judge.session().sign(Mechanism::of(CKM_HOTP, &mut params), key, &[]).map_err(refused)?;
    let wanted =
        judge.peer.ask("hotp", json!({ "key": digits(value), "counter": counter, "digits": count }))?;
    match wanted.as_str() {
        Some(wanted) if ours.ends_with(wanted.as_bytes()) => Ok(()),
        _ => Err(format!("{} instead of {wanted}", digits(&ours))),
    }
}
