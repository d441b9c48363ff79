//! Cross-checks with the peer, both ways: what we make it understands, what it makes we understand.

pub mod curves;
pub mod derivation;
pub mod digest;
pub mod field;
pub mod pq;
pub mod rsa;
pub mod symmetric;
pub mod tls;

use tests::{Mechanism, ids::*, names};

use super::judge::{Judge, Verdict, digits, readable, refused, same};

impl Judge {
    /// A check with the peer, when the module has the mechanism.
    fn cross(&mut self, id: CK_MECHANISM_TYPE, case: &str, work: impl FnOnce(&mut Judge) -> Verdict) {
        if self.has(id) {
            let verdict = work(self);
            self.note(id, "cross-check", case, verdict);
        }
    }

    /// A key is generated, and a key of that value does for the peer what this one does here.
    fn generated(
        &mut self,
        maker: CK_MECHANISM_TYPE,
        kind: CK_KEY_TYPE,
        len: usize,
        use_it: impl FnOnce(&mut Judge, CK_OBJECT_HANDLE, &[u8]) -> Verdict,
    ) {
        self.cross(maker, &format!("a key of {len} bytes, {}", names::key_type(kind)), |judge| {
            let template = uses(readable(kind, len));
            let template = if is_fixed(kind) { template.without(CKA_VALUE_LEN) } else { template };
            let key = judge.session().generate(maker, &template).map_err(refused)?;
            let value = judge.session().get(key, CKA_VALUE).map_err(refused)?;
            if value.len() != len || value.iter().all(|byte| *byte == value[0]) && len > 1 {
                return Err(format!("a key of {} bytes: {}", value.len(), digits(&value)));
            }
            let verdict = use_it(judge, key, &value);
            let _ = judge.session().destroy(key);
            verdict
        });
    }

    /// A key is derived from a secret, and has that value.
    fn derived(
        &mut self,
        mechanism: Mechanism,
        base: &tests::Template,
        wanted: &tests::Template,
        value: &[u8],
    ) -> Verdict {
        let key =
            self.with(base, |session, base| session.derive(mechanism, base, wanted)).map_err(refused)?;
        same(&self.take(key).map_err(refused)?, value)
    }
}

/// The template of a key that may do everything.
fn uses(template: tests::Template) -> tests::Template {
    template.also(CKA_ENCRYPT, true).also(CKA_DECRYPT, true).also(CKA_SIGN, true).also(CKA_VERIFY, true)
}

/// Types whose keys have one length, so that CKA_VALUE_LEN is none of their attributes.
fn is_fixed(kind: CK_KEY_TYPE) -> bool {
    matches!(kind, CKK_DES | CKK_DES2 | CKK_DES3 | CKK_CHACHA20 | CKK_POLY1305)
}

/// So many bytes, all different from their neighbours.
fn data(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 256 + 1) as u8).collect()
}

/// The same with a bit of its first byte turned: what lies behind the bits of a curve's order does not count.
fn spoiled(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(first) = bytes.first_mut() {
        *first ^= 1;
    }
    bytes
}

/// A signature of ours that the peer accepts, one of the peer's that we accept, and one that nobody may accept.
fn both_ways(
    judge: &mut Judge,
    mechanism: &Mechanism,
    (public, private): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    message: &[u8],
    accepts: impl FnOnce(&mut Judge, &[u8]) -> Verdict,
    signs: impl FnOnce(&mut Judge) -> Result<Vec<u8>, String>,
) -> Verdict {
    let ours = judge.session().sign(mechanism.clone(), private, message).map_err(refused)?;
    accepts(judge, &ours)?;
    let theirs = signs(judge)?;
    let verify = |message: &[u8], signature: &[u8]| {
        judge.session().verify(mechanism.clone(), public, message, signature)
    };
    verify(message, &theirs).map_err(|rv| format!("the peer's signature: {}", refused(rv)))?;
    match verify(&spoiled(message), &theirs) {
        Err(tests::Rv::SignatureInvalid) => Ok(()),
        other => Err(format!("of another message: {other:?}")),
    }
}
