//! HKDF, as a key and as data, and PBKDF2.

use serde_json::Value;
use tests::{Mechanism, ids::*, keys::secret, template};

use super::super::judge::{Judge, bytes, readable};
use super::super::names;
use super::{Did, File, files, vectors};
use crate::vectors::module::Result;

/// Above this a vector of PBKDF2 takes minutes and shows nothing more.
const ITERATIONS: u64 = 100_000;

pub fn run(judge: &mut Judge) -> Result<()> {
    for (name, hash) in
        [("sha1", "SHA-1"), ("sha256", "SHA-256"), ("sha384", "SHA-384"), ("sha512", "SHA-512")]
    {
        let digest = names::hash(hash).map_or(0, |hash| hash.digest);
        for file in files!(hkdf, [&format!("hkdf_{name}")[..]]) {
            hkdf(judge, digest, &file, CKM_HKDF_DERIVE);
            hkdf(judge, digest, &file, CKM_HKDF_DATA);
        }
    }
    for (name, prf) in [
        ("sha1", CKP_PKCS5_PBKD2_HMAC_SHA1),
        ("sha224", CKP_PKCS5_PBKD2_HMAC_SHA224),
        ("sha256", CKP_PKCS5_PBKD2_HMAC_SHA256),
        ("sha384", CKP_PKCS5_PBKD2_HMAC_SHA384),
        ("sha512", CKP_PKCS5_PBKD2_HMAC_SHA512),
    ] {
        files!(pbkdf2, [&format!("pbkdf2_hmac{name}")[..]]).for_each(|file| pbkdf2(judge, prf, &file));
    }
    Ok(())
}

fn hkdf(judge: &mut Judge, digest: CK_MECHANISM_TYPE, file: &File, id: CK_MECHANISM_TYPE) {
    if !judge.has(id) {
        return;
    }
    for group in file.groups() {
        for test in vectors(&group) {
            let did = expanded(judge, digest, id, test);
            file.judge(judge, id, test, did);
        }
    }
}

fn expanded(judge: &Judge, digest: CK_MECHANISM_TYPE, id: CK_MECHANISM_TYPE, test: &Value) -> Did {
    let (mut salt, mut info) = (bytes(&test["salt"]), bytes(&test["info"]));
    let mut params = CK_HKDF_PARAMS {
        bExtract: CK_TRUE,
        bExpand: CK_TRUE,
        prfHashMechanism: digest,
        ulSaltType: if salt.is_empty() { CKF_HKDF_SALT_NULL } else { CKF_HKDF_SALT_DATA },
        pSalt: salt.as_mut_ptr(),
        ulSaltLen: salt.len() as CK_ULONG,
        hSaltKey: 0,
        pInfo: info.as_mut_ptr(),
        ulInfoLen: info.len() as CK_ULONG,
    };
    let size = test["size"].as_u64().unwrap_or_default();
    let wanted = match id {
        CKM_HKDF_DATA => template![CKA_CLASS => CKO_DATA, CKA_TOKEN => false, CKA_VALUE_LEN => size],
        _ => readable(CKK_GENERIC_SECRET, size as usize),
    };
    let key = judge.with(&secret(CKK_HKDF, &bytes(&test["ikm"])), |session, base| {
        session.derive(Mechanism::of(id, &mut params), base, &wanted)
    })?;
    Ok(judge.take(key)? == bytes(&test["okm"]))
}

fn pbkdf2(judge: &mut Judge, prf: CK_ULONG, file: &File) {
    if !judge.has(CKM_PKCS5_PBKD2) {
        return;
    }
    for group in file.groups() {
        for test in vectors(&group) {
            if test["iterationCount"].as_u64().is_some_and(|count| count > ITERATIONS) {
                judge.tally.leave_out("PBKDF2 with more than 100 000 iterations");
                continue;
            }
            let did = stretched(judge, prf, test);
            file.judge(judge, CKM_PKCS5_PBKD2, test, did);
        }
    }
}

fn stretched(judge: &Judge, prf: CK_ULONG, test: &Value) -> Did {
    let (mut password, mut salt) = (bytes(&test["password"]), bytes(&test["salt"]));
    let mut params = CK_PKCS5_PBKD2_PARAMS2 {
        saltSource: CKZ_SALT_SPECIFIED,
        pSaltSourceData: salt.as_mut_ptr().cast(),
        ulSaltSourceDataLen: salt.len() as CK_ULONG,
        iterations: test["iterationCount"].as_u64().unwrap_or_default(),
        prf,
        pPrfData: std::ptr::null_mut(),
        ulPrfDataLen: 0,
        pPassword: password.as_mut_ptr(),
        ulPasswordLen: password.len() as CK_ULONG,
    };
    let wanted = readable(CKK_GENERIC_SECRET, test["dkLen"].as_u64().unwrap_or_default() as usize);
    let key = judge.session().generate(Mechanism::of(CKM_PKCS5_PBKD2, &mut params), &wanted)?;
    Ok(judge.take(key)? == bytes(&test["dk"]))
}
