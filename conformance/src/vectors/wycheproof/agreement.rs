//! ECDH on all curves, X25519 and X448.

use serde_json::Value;
use tests::{Mechanism, ids::*};

use super::super::judge::{Judge, bytes, readable};
use super::super::keys::{der, ec_private, number};
use super::super::names::{CURVES, Curve, X448, X25519};
use super::{Did, File, files, vectors};
use crate::vectors::module::Result;

pub fn ecdh(judge: &mut Judge) -> Result<()> {
    for curve in CURVES {
        for file in files!(ecdh, ["", "_ecpoint"].map(|form| format!("ecdh_{}{form}", curve.name))) {
            for group in file.groups() {
                for test in vectors(&group) {
                    weierstrass(judge, curve, &file, &group, test);
                }
            }
        }
    }
    Ok(())
}

fn weierstrass(judge: &mut Judge, curve: &Curve, file: &File, group: &Value, test: &Value) {
    let public = bytes(&test["public"]);
    let point = match group["encoding"] == "asn" {
        true => of_spki(curve, &public),
        false => Some(public),
    };
    let Some(point) = point else {
        judge.tally.leave_out(
            "public keys about the reading of SubjectPublicKeyInfo, which C_DeriveKey does not do",
        );
        return;
    };
    // Scalars stand there as numbers; CKA_VALUE has as many bytes as the order (§6.3.4).
    let scalar = number(&test["private"]);
    let scalar = [vec![0; curve.size.saturating_sub(scalar.len())], scalar].concat();
    for id in [CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE]
        .into_iter()
        .filter(|id| judge.has(*id))
        .collect::<Vec<_>>()
    {
        let did = agreed(judge, id, CKK_EC, curve.params, &scalar, &point, &bytes(&test["shared"]));
        file.judge(judge, id, test, did);
    }
}

/// The point in a SubjectPublicKeyInfo, when all before it is what this named curve always has.
fn of_spki(curve: &Curve, spki: &[u8]) -> Option<Vec<u8>> {
    let algorithm = der(0x30, &[b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", curve.params].concat());
    [1 + 2 * curve.size, 1 + curve.size].into_iter().find_map(|len| {
        let point = spki.get(spki.len().checked_sub(len)?..)?;
        let whole = der(0x30, &[algorithm.clone(), der(0x03, &[&[0], point].concat())].concat());
        (whole == spki).then(|| point.to_vec())
    })
}

pub fn xdh(judge: &mut Judge) -> Result<()> {
    if !judge.has(CKM_ECDH1_DERIVE) {
        return Ok(());
    }
    for (name, params) in [("x25519", X25519), ("x448", X448)] {
        for file in files!(xdh, [name]) {
            for group in file.groups() {
                for test in vectors(&group) {
                    let [private, public, shared] =
                        ["private", "public", "shared"].map(|name| bytes(&test[name]));
                    let did = agreed(
                        judge,
                        CKM_ECDH1_DERIVE,
                        CKK_EC_MONTGOMERY,
                        params,
                        &private,
                        &public,
                        &shared,
                    );
                    file.judge(judge, CKM_ECDH1_DERIVE, test, did);
                }
            }
        }
    }
    Ok(())
}

fn agreed(
    judge: &Judge,
    id: CK_MECHANISM_TYPE,
    kind: CK_KEY_TYPE,
    params: &[u8],
    private: &[u8],
    public: &[u8],
    shared: &[u8],
) -> Did {
    let mut mechanism = Mechanism::ecdh(CKD_NULL, &[], public);
    mechanism.id = id;
    let wanted = readable(CKK_GENERIC_SECRET, shared.len()).without(CKA_VALUE_LEN);
    let key = judge
        .with(&ec_private(kind, params, private), |session, base| session.derive(mechanism, base, &wanted))?;
    Ok(judge.take(key)? == shared)
}
