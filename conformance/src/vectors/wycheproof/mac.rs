//! HMAC, CMAC and GMAC: made whole and compared, then verified; truncated tags through the GENERAL mechanisms.

use serde_json::Value;
use tests::{Mechanism, Session, ids::*, keys::secret};

use super::super::judge::{Judge, bytes};
use super::super::names::HASHES;
use super::{Did, File, files, vectors};
use crate::vectors::module::Result;

/// A file and the mechanisms of its MAC: with the whole tag, and with a length as parameter.
struct Mac {
    file: String,
    key: CK_KEY_TYPE,
    whole: CK_MECHANISM_TYPE,
    general: CK_MECHANISM_TYPE,
    len: usize,
}

pub fn run(judge: &mut Judge) -> Result<()> {
    let hmacs = HASHES.iter().map(|hash| Mac {
        file: format!("hmac_{}", hash.name.to_lowercase().replace("sha-", "sha").replace(['-', '/'], "_")),
        key: CKK_GENERIC_SECRET,
        whole: hash.hmac,
        general: hash.general,
        len: hash.len,
    });
    let cmac = Mac {
        file: "aes_cmac".into(),
        key: CKK_AES,
        whole: CKM_AES_CMAC,
        general: CKM_AES_CMAC_GENERAL,
        len: 16,
    };
    for mac in hmacs.chain([cmac]) {
        for file in files!(mac, [&mac.file[..]]) {
            each(judge, &mac, &file);
        }
    }
    for file in files!(mac_with_nonce, ["aes_gmac"]) {
        gmac(judge, &file);
    }
    Ok(())
}

fn each(judge: &mut Judge, mac: &Mac, file: &File) {
    for group in file.groups() {
        let len = group["tagSize"].as_u64().unwrap_or_default() / 8;
        let id = if len as usize == mac.len { mac.whole } else { mac.general };
        if !judge.has(id) {
            continue;
        }
        for test in vectors(&group) {
            let mechanism = match id == mac.whole {
                true => Mechanism::from(id),
                false => Mechanism::number(id, len),
            };
            let did = judge.with(&secret(mac.key, &bytes(&test["key"])), |session, key| {
                made_and_verified(session, mechanism, key, test)
            });
            file.judge(judge, id, test, did);
        }
    }
}

fn gmac(judge: &mut Judge, file: &File) {
    for group in file.groups() {
        for test in vectors(&group) {
            if group["tagSize"] != 128 || group["ivSize"] != 96 || !judge.has(CKM_AES_GMAC) {
                judge.tally.leave_out("CKM_AES_GMAC has an IV of 12 bytes and a tag of 16");
                continue;
            }
            let mechanism = Mechanism::bytes(CKM_AES_GMAC, &bytes(&test["iv"]));
            let did = judge.with(&secret(CKK_AES, &bytes(&test["key"])), |session, key| {
                made_and_verified(session, mechanism, key, test)
            });
            file.judge(judge, CKM_AES_GMAC, test, did);
        }
    }
}

/// An invalid tag is not the one that is made, and does not verify.
fn made_and_verified(session: &Session, mechanism: Mechanism, key: CK_OBJECT_HANDLE, test: &Value) -> Did {
    let (message, tag) = (bytes(&test["msg"]), bytes(&test["tag"]));
    let made = session.sign(mechanism.clone(), key, &message)?;
    session.verify(mechanism, key, &message, &tag).map(|()| made == tag)
}
