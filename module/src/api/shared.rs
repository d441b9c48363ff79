//! Keys from shared secrets (PKCS#11 v3.2 §5.18.8, §5.18.9).

use crate::cryptoki::ids::*;
use crate::cryptoki::{Reply, Result, Room, Secret};
use crate::mechanism::{Choice, Start, agreement};
use crate::object::{Attributes, Birth, Object, Sort, Template, key, policy};

use super::Call;
use super::keys::{imposed, no_such_use};

impl Call<'_> {
    /// C_EncapsulateKey: the ciphertext, and the handle of the new key once the room holds it.
    ///
    /// # Errors
    /// CKR_KEY_HANDLE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_MECHANISM_INVALID, and those of the template.
    pub fn encapsulate(
        &self,
        choice: &Choice,
        public: u64,
        template: &Template,
        room: Room,
    ) -> Result<(Reply, Option<u64>)> {
        let row = self.row(choice.id, CKF_ENCAPSULATE)?;
        let encapsulate = row.encapsulate.ok_or_else(|| no_such_use(choice.id, "encapsulate a key"))?;
        let with = self.usable(public, row, CKA_ENCAPSULATE)?.object;
        let (sort, attributes) = self.shared(&with, template, CKA_ENCAPSULATE_TEMPLATE)?;
        let start =
            Start { row, params: &choice.params, key: with.key()?, emulation: &self.module.emulation };
        let (ciphertext, secret) = encapsulate(&start)?;
        match Reply::fit(ciphertext.into(), room) {
            reply @ Reply::Data(_) => Ok((reply, Some(self.keep_shared(sort, attributes, secret)?))),
            reply => Ok((reply, None)),
        }
    }

    /// C_DecapsulateKey
    ///
    /// # Errors
    /// As [`Call::encapsulate`], and CKR_WRAPPED_KEY_LEN_RANGE for a ciphertext of another length.
    pub fn decapsulate(
        &self,
        choice: &Choice,
        private: u64,
        ciphertext: &[u8],
        template: &Template,
    ) -> Result<u64> {
        let row = self.row(choice.id, CKF_DECAPSULATE)?;
        let decapsulate = row.decapsulate.ok_or_else(|| no_such_use(choice.id, "decapsulate a key"))?;
        let with = self.usable(private, row, CKA_DECAPSULATE)?.object;
        let (sort, attributes) = self.shared(&with, template, CKA_DECAPSULATE_TEMPLATE)?;
        let start =
            Start { row, params: &choice.params, key: with.key()?, emulation: &self.module.emulation };
        let secret = decapsulate(&start, ciphertext)?;
        self.keep_shared(sort, attributes, secret)
    }

    /// The judged template of a key to be made of a shared secret.
    fn shared(
        &self,
        with: &Object,
        template: &Template,
        name: CK_ATTRIBUTE_TYPE,
    ) -> Result<(Sort, Attributes)> {
        let template = imposed(template.clone(), with, name)?;
        let kind = template.iter().all(|(t, _)| *t != CKA_KEY_TYPE).then_some(CKK_GENERIC_SECRET);
        let sort = Sort::wanted(&template, Some(CKO_SECRET_KEY), kind)?;
        Ok((sort, policy::judge(SHARED, sort, &template, self.officer())?))
    }

    /// Keeps as many bytes of the shared secret as CKA_VALUE_LEN says, taken from its end (§6.68.6).
    fn keep_shared(&self, sort: Sort, mut attributes: Attributes, secret: Secret) -> Result<u64> {
        let len = attributes.ulong(CKA_VALUE_LEN).map(|len| usize::try_from(len).unwrap_or(usize::MAX));
        attributes.absorb(key::decode(sort, agreement::last(secret, len)?)?);
        self.session.token.make(self.session.access(), attributes, SHARED)
    }
}

/// A key of a shared secret was known outside the token at some time.
const SHARED: Birth = Birth::Derive { always_sensitive: false, never_extractable: false };
