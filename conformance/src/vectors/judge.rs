//! The module under judgement, on a token of its own, and what was found out about it.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::Value;
use tests::{Mechanism, Rv, Scene, Session, Template, ids::*, names};

use super::peer::Peer;
use super::tally::Tally;

/// A sentence on what was wrong, or nothing.
pub type Verdict = Result<(), String>;

/// A token, its mechanisms, and the tally.
pub struct Judge {
    scene: Scene,
    offered: BTreeSet<CK_MECHANISM_TYPE>,
    pub tally: Tally,
    pub peer: Peer,
}

impl Judge {
    /// The module that the environment names, or ours, with a fresh token; `peer` is the program to check against.
    pub fn new(peer: Peer) -> Judge {
        let scene = Scene::new();
        let offered: BTreeSet<_> =
            scene.library.mechanisms(scene.slot).unwrap_or_default().into_iter().collect();
        let names = offered.iter().map(|id| names::mechanism(*id).into_owned()).collect();
        Judge { scene, offered, tally: Tally { offered: names, ..Tally::default() }, peer }
    }

    pub fn session(&self) -> Session<'_> {
        self.scene.session()
    }

    /// True when the module offers the mechanism: nothing else is asked of it.
    pub fn has(&self, id: CK_MECHANISM_TYPE) -> bool {
        self.offered.contains(&id)
    }

    /// Notes one vector.
    pub fn note(&mut self, id: CK_MECHANISM_TYPE, source: &str, case: impl Display, verdict: Verdict) {
        self.tally.note(&names::mechanism(id), source, &case.to_string(), verdict);
    }

    /// Does what the session is asked to, with an object that lives as long.
    pub fn with<T>(
        &self,
        template: &Template,
        work: impl FnOnce(&Session, CK_OBJECT_HANDLE) -> tests::Result<T>,
    ) -> tests::Result<T> {
        let session = self.session();
        let object = session.create(template)?;
        let done = work(&session, object);
        session.destroy(object)?;
        done
    }

    /// The value of a key that was made, which is then destroyed.
    pub fn take(&self, key: CK_OBJECT_HANDLE) -> tests::Result<Vec<u8>> {
        let value = self.session().get(key, CKA_VALUE);
        self.session().destroy(key)?;
        value
    }

    /// Both halves of a C_GenerateKeyPair, as session objects that may be read.
    pub fn pair(
        &self,
        mechanism: impl Into<Mechanism>,
        public: &Template,
    ) -> tests::Result<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let own = tests::template![CKA_TOKEN => false, CKA_SENSITIVE => false, CKA_EXTRACTABLE => true];
        self.session().generate_pair(mechanism, &public.clone().with(CKA_TOKEN, false), &own)
    }
}

/// Says that two values must be one.
pub fn same(got: &[u8], wanted: &[u8]) -> Verdict {
    match got == wanted {
        true => Ok(()),
        false => Err(format!("{} instead of {}", digits(got), digits(wanted))),
    }
}

/// The code of a refusal as a sentence.
pub fn refused(rv: Rv) -> String {
    format!("answered {rv:?}")
}

/// Bytes in hexadecimal.
pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that a JSON string gives in hexadecimal; none when there is no string.
pub fn bytes(value: &Value) -> Vec<u8> {
    value.as_str().map(tests::keys::hex).unwrap_or_default()
}

/// A template of a readable secret key with so many bytes.
pub fn readable(kind: CK_KEY_TYPE, len: usize) -> Template {
    tests::template![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => kind,
        CKA_TOKEN => false,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
        CKA_VALUE_LEN => len as CK_ULONG,
    ]
}
