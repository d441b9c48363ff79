//! Tables of published vectors: `conformance/vectors/published.json`, each with the document it stands in.

use serde::Deserialize;
use serde_json::Value;
use tests::{Mechanism, ids::*, keys::secret};

use super::judge::{Judge, Verdict, bytes, refused, same};
use super::names::mechanism;
use crate::vectors::module::Result;

const TABLE: &str = include_str!("../../vectors/published.json");

/// Vectors of one document.
#[derive(Deserialize)]
struct Source {
    source: String,
    vectors: Vec<Vector>,
}

/// One vector: bytes are hexadecimal.
#[derive(Deserialize)]
struct Vector {
    mechanism: String,
    #[serde(rename = "do")]
    work: Work,
    #[serde(default)]
    key: Value,
    /// An initialisation vector.
    #[serde(default)]
    iv: Value,
    data: Value,
    answer: Value,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Work {
    Digest,
    /// A MAC made, and verified.
    Mac,
    /// Encrypted, and decrypted.
    Cipher,
}

pub fn run(judge: &mut Judge) -> Result<()> {
    let sources: Vec<Source> = serde_json::from_str(TABLE).map_err(|error| error.to_string())?;
    for source in &sources {
        for (number, vector) in source.vectors.iter().enumerate() {
            let id = mechanism(&vector.mechanism)
                .ok_or_else(|| format!("published.json: there is no {}", vector.mechanism))?;
            if judge.has(id) {
                let verdict = tried(judge, id, vector);
                judge.note(id, &source.source, format!("vector {}", number + 1), verdict);
            }
        }
    }
    Ok(())
}

/// The type of key that a mechanism of these tables takes.
fn key_type(name: &str, key: &[u8]) -> CK_KEY_TYPE {
    match (name, key.len()) {
        (name, _) if name.starts_with("CKM_AES_") => CKK_AES,
        (name, 16) if name.starts_with("CKM_DES3_") => CKK_DES2,
        (name, _) if name.starts_with("CKM_DES3_") => CKK_DES3,
        (name, _) if name.starts_with("CKM_DES_") => CKK_DES,
        ("CKM_POLY1305", _) => CKK_POLY1305,
        _ => CKK_GENERIC_SECRET,
    }
}

fn tried(judge: &Judge, id: CK_MECHANISM_TYPE, vector: &Vector) -> Verdict {
    let (key, iv) = (bytes(&vector.key), bytes(&vector.iv));
    let (data, answer) = (bytes(&vector.data), bytes(&vector.answer));
    let wanted = || match (id, iv.as_slice()) {
        (CKM_AES_CTR, iv) => Mechanism::ctr(128, iv.try_into().unwrap_or_default()),
        (_, []) => id.into(),
        _ => Mechanism::bytes(id, &iv),
    };
    let session = judge.session();
    if let Work::Digest = vector.work {
        return same(&session.digest(wanted(), &data).map_err(refused)?, &answer);
    }
    let template = secret(key_type(&vector.mechanism, &key), &key);
    judge
        .with(&template, |session, key| {
            Ok(match vector.work {
                Work::Mac => {
                    session.verify(wanted(), key, &data, &answer)?;
                    same(&session.sign(wanted(), key, &data)?, &answer)
                }
                _ => same(&session.encrypt(wanted(), key, &data)?, &answer)
                    .and(same(&session.decrypt(wanted(), key, &answer)?, &data)),
            })
        })
        .map_err(refused)?
}
