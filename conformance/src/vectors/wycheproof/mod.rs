//! Project Wycheproof's files, each vector through the C ABI.
//!
//! A vector is named by its file and tcId. What is invalid must be refused; what is acceptable is judged by [`RULES`].

pub mod agreement;
pub mod cipher;
pub mod kdf;
pub mod mac;
pub mod pq;
pub mod rsa;
pub mod signature;

use serde_json::Value;
use tests::{Rv, ids::*};

use super::judge::{Judge, Verdict, refused};

/// What a module did with a vector: `Ok(true)` the value of the vector, `Ok(false)` another one, `Err` a refusal.
pub type Did = tests::Result<bool>;

/// How a vector that is merely acceptable must be treated.
enum Rule {
    /// Both are right: to refuse it, or to give its value.
    Either,
    /// Small-order points and all-zero secrets.
    Refuse,
}

/// By flag; an acceptable vector with none of these flags counts as valid.
const RULES: &[(&str, Rule)] = &[
    // A DigestInfo without NULL: RFC 8017 §8.2.2, note 2 lets verification compare encodings, which refuses it.
    ("MissingNull", Rule::Either),
    // Data shorter than 16 bytes, which RFC 3394 §2 leaves to RFC 5649.
    ("ShortKey", Rule::Either),
    // RFC 7748 §6: an all-zero secret may be refused, and this token's rule is to.
    ("ZeroSharedSecret", Rule::Refuse),
    // The ciphertexts 0 and 1, which SP 800-56B §7.1.2.1 forbids.
    ("SmallIntegerCiphertext", Rule::Either),
    // The point has another y: only who never looks at y gets the secret.
    ("InvalidAsn", Rule::Either),
];

/// A file: its name, and the text.
pub struct File {
    name: String,
    text: &'static str,
}

/// The files of those names that there are.
macro_rules! files {
    ($room:ident, $names:expr) => {
        $names.into_iter().filter_map(|name| {
            let file: wycheproof::$room::TestName = name.parse().ok()?;
            Some($crate::vectors::wycheproof::File::new(name.to_string(), file.json_data()))
        })
    };
}
pub(super) use files;

impl File {
    pub fn new(name: String, text: &'static str) -> File {
        File { name, text }
    }

    /// The groups of the file.
    fn groups(&self) -> Vec<Value> {
        let mut file: Value = serde_json::from_str(self.text).unwrap_or_default();
        match file["testGroups"].take() {
            Value::Array(groups) => groups,
            _ => Vec::new(),
        }
    }

    /// Judges one vector.
    fn judge(&self, judge: &mut Judge, id: CK_MECHANISM_TYPE, test: &Value, did: Did) {
        judge.note(id, "Wycheproof", self.case(test), verdict(test, did));
    }

    fn case(&self, test: &Value) -> String {
        format!("{} tcId {} ({})", self.name, test["tcId"], test["comment"].as_str().unwrap_or_default())
    }
}

/// The vectors of a group.
fn vectors(group: &Value) -> impl Iterator<Item = &Value> {
    group["tests"].as_array().into_iter().flatten()
}

fn has_flag(test: &Value, flag: &str) -> bool {
    test["flags"].as_array().is_some_and(|flags| flags.iter().any(|one| one == flag))
}

fn verdict(test: &Value, did: Did) -> Verdict {
    // A refusal says what is wrong with the input, not that the device is broken.
    if let Err(rv @ (Rv::GeneralError | Rv::FunctionFailed | Rv::DeviceError | Rv::HostMemory)) = did {
        return Err(refused(rv));
    }
    let rule = RULES.iter().find(|(flag, _)| has_flag(test, flag)).map(|(_, rule)| rule);
    match (test["result"].as_str(), rule, did) {
        (Some("invalid"), _, Err(_)) | (Some("acceptable"), Some(_), Err(_)) => Ok(()),
        (Some("invalid"), _, Ok(_)) => Err("accepted, and is invalid".into()),
        (Some("acceptable"), Some(Rule::Refuse), Ok(_)) => Err("accepted, and must be refused".into()),
        (Some("valid" | "acceptable"), _, Ok(true)) => Ok(()),
        (Some("valid" | "acceptable"), _, Ok(false)) => Err("another value".into()),
        (Some("valid" | "acceptable"), _, Err(rv)) => Err(refused(rv)),
        _ => Err("the vector has no result".into()),
    }
}

#[cfg(test)]
mod rules {
    use super::*;
    use serde_json::json;

    #[test]
    fn invalid_vectors_must_be_refused_and_valid_ones_give_their_value() {
        let of = |result: &str, flags: &[&str]| json!({ "result": result, "flags": flags });
        let refusal = Err(Rv::SignatureInvalid);
        assert!(verdict(&of("valid", &[]), Ok(true)).is_ok());
        assert!(verdict(&of("valid", &[]), Ok(false)).is_err());
        assert!(verdict(&of("valid", &[]), refusal).is_err());
        assert!(verdict(&of("invalid", &[]), refusal).is_ok());
        assert!(verdict(&of("invalid", &[]), Ok(false)).is_err());
        assert!(verdict(&of("invalid", &[]), Err(Rv::GeneralError)).is_err());
        assert!(verdict(&of("acceptable", &["MissingNull"]), refusal).is_ok());
        assert!(verdict(&of("acceptable", &["Twist"]), refusal).is_err());
        assert!(verdict(&of("acceptable", &["ZeroSharedSecret"]), Ok(true)).is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_passed_over_and_one_that_is_has_groups() {
        let found: Vec<File> = files!(mac, ["hmac_sha256", "hmac_nothing"]).collect();
        assert_eq!(found.len(), 1);
        assert!(!found[0].groups().is_empty());
    }
}
