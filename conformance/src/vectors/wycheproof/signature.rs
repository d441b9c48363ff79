//! ECDSA, DSA and EdDSA: signatures verified.
//!
//! PKCS#11 takes r‖s. A signature in DER is translated when it is a DER SEQUENCE of two numbers that fit; all others
//! are about the reading of DER, which a token does not do.

use serde_json::Value;
use tests::{Mechanism, Template, ids::*};

use super::super::judge::{Judge, bytes};
use super::super::keys::{dsa_public, ec_public, number};
use super::super::names::{self, CURVES, ED448, ED25519};
use super::{File, files, vectors};
use crate::vectors::module::Result;

const HASHES: [&str; 10] = [
    "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512", "shake128",
    "shake256",
];
const DSA: [&str; 4] = ["2048_224_sha224", "2048_224_sha256", "2048_256_sha256", "3072_256_sha256"];
/// In DER, and as r‖s. Bitcoin has files of its own, for the rule that s is below half the order, which ECDSA has not.
const ENCODINGS: [&str; 2] = ["", "_p1363"];

pub fn ecdsa(judge: &mut Judge) -> Result<()> {
    for curve in CURVES {
        let names = HASHES
            .iter()
            .flat_map(|hash| ENCODINGS.map(|encoding| format!("ecdsa_{}_{hash}{encoding}", curve.name)));
        for file in files!(ecdsa, names) {
            for group in file.groups() {
                let signs = group["sha"].as_str().and_then(names::hash).and_then(|hash| hash.signs);
                let point = bytes(&group["publicKey"]["uncompressed"]);
                let key = ec_public(CKK_EC, curve.params, &point);
                each(judge, &file, &group, signs.map(|signs| signs.ecdsa.into()), &key, curve.size);
            }
        }
    }
    Ok(())
}

pub fn dsa(judge: &mut Judge) -> Result<()> {
    let names = DSA.iter().flat_map(|name| ENCODINGS.map(|encoding| format!("dsa_{name}{encoding}")));
    for file in files!(dsa, names) {
        for group in file.groups() {
            let id = match group["sha"].as_str() {
                Some("SHA-224") => Some(CKM_DSA_SHA224.into()),
                Some("SHA-256") => Some(CKM_DSA_SHA256.into()),
                _ => None,
            };
            let size = number(&group["publicKey"]["q"]).len();
            each(judge, &file, &group, id, &dsa_public(&group["publicKey"]), size);
        }
    }
    Ok(())
}

pub fn eddsa(judge: &mut Judge) -> Result<()> {
    for (name, params, size) in [("ed25519", ED25519, 32), ("ed448", ED448, 57)] {
        for file in files!(eddsa, [name]) {
            for group in file.groups() {
                let key = ec_public(CKK_EC_EDWARDS, params, &bytes(&group["publicKey"]["pk"]));
                // Ed448 has no form without a parameter (§6.3.16).
                let mut pure = CK_EDDSA_PARAMS {
                    phFlag: CK_FALSE,
                    ulContextDataLen: 0,
                    pContextData: std::ptr::null_mut(),
                };
                let mechanism = match name {
                    "ed448" => Mechanism::of(CKM_EDDSA, &mut pure),
                    _ => CKM_EDDSA.into(),
                };
                each(judge, &file, &group, Some(mechanism), &key, size);
            }
        }
    }
    Ok(())
}

fn each(
    judge: &mut Judge,
    file: &File,
    group: &Value,
    mechanism: Option<Mechanism>,
    template: &Template,
    size: usize,
) {
    let Some(mechanism) = mechanism.filter(|mechanism| judge.has(mechanism.id)) else {
        vectors(group)
            .for_each(|_| judge.tally.leave_out("a signature over a hash that PKCS #11 has no mechanism of"));
        return;
    };
    let in_der = matches!(group["type"].as_str(), Some("EcdsaVerify" | "DsaVerify"));
    let key = judge.session().create(template);
    for test in vectors(group) {
        let signature = bytes(&test["sig"]);
        let signature = if in_der { from_der(&signature, size) } else { Some(signature) };
        let short = signature.as_ref().is_some_and(|rs| rs.len() < 2 * size && rs.len().is_multiple_of(2));
        if group["type"] == "EcdsaP1363Verify" && short && super::has_flag(test, "SignatureSize") {
            judge
                .tally
                .leave_out("r‖s of less bytes than the order has, which C_Verify takes (PKCS #11 §6.3.1)");
            continue;
        }
        let Some(signature) = signature else {
            judge.tally.leave_out("signatures about the reading of DER, which a token does not do");
            continue;
        };
        let verify = |key| judge.session().verify(mechanism.clone(), key, &bytes(&test["msg"]), &signature);
        let did = key.and_then(verify).map(|()| true);
        file.judge(judge, mechanism.id, test, did);
    }
    if let Ok(key) = key {
        let _ = judge.session().destroy(key);
    }
}

/// The two numbers of a signature in DER, each filled up to that size.
fn from_der(signature: &[u8], size: usize) -> Option<Vec<u8>> {
    let (body, []) = value(0x30, signature)? else { return None };
    let (r, rest) = value(0x02, body)?;
    let (s, []) = value(0x02, rest)? else { return None };
    Some([filled(r, size)?, filled(s, size)?].concat())
}

/// A number that is not negative and has no byte too many.
fn filled(number: &[u8], size: usize) -> Option<Vec<u8>> {
    let number = match number {
        [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => rest,
        [first, rest @ ..] if *first < 0x80 && (*first > 0 || rest.is_empty()) => number,
        _ => return None,
    };
    let missing = size.checked_sub(number.len())?;
    Some([&vec![0; missing], number].concat())
}

/// The value of that tag, and what is behind it.
fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    match der {
        [found, 0x81, len, rest @ ..] if *found == tag && *len >= 0x80 => {
            rest.split_at_checked((*len).into())
        }
        [found, len, rest @ ..] if *found == tag && *len < 0x80 => rest.split_at_checked((*len).into()),
        _ => None,
    }
}

#[cfg(test)]
mod der {
    use super::from_der;

    #[test]
    fn only_der_of_two_numbers_that_fit_is_translated() {
        assert_eq!(from_der(b"\x30\x07\x02\x02\x00\x80\x02\x01\x05", 2), Some(vec![0, 0x80, 0, 5]));
        for bad in [
            &b"\x30\x07\x02\x02\x00\x80\x02\x01\x05\x00"[..],
            b"\x30\x06\x02\x01\x80\x02\x01\x05",
            b"\x30\x07\x02\x02\x00\x05\x02\x01\x05",
            b"\x30\x09\x02\x04\x01\x02\x03\x04\x02\x01\x05",
        ] {
            assert_eq!(from_der(bad, 2), None, "{bad:?}");
        }
    }
}
