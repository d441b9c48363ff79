//! C_WrapKey and C_UnwrapKey under the DKEK of a key domain: see [`CKM_TOKENKEEP_DKEK`].

use crate::backup::blob;
use crate::cryptoki::ids::*;
use crate::cryptoki::vendor::*;
use crate::cryptoki::{Error, Reply, Result, Room, Rv};
use crate::mechanism::Mechanism;
use crate::object::{Attributes, Birth, Object, Template};

use super::Call;
use super::backup::Form;
use super::keys::{of_unwrapping_key, of_wrapping_key};
use super::operations::no_key;

impl Call<'_> {
    /// The blob of a key, by the DKEK of its own domain.
    pub(super) fn wrap_whole(
        &self,
        row: &'static Mechanism,
        wrapping: u64,
        key: u64,
        room: Room,
    ) -> Result<Reply> {
        let with = self.usable(wrapping, row, CKA_WRAP).map_err(of_wrapping_key)?.object;
        let object = self.session.token.object(key).map_err(no_key)?;
        let blob = self.dkek_wrap(key, Form::Blob)?;
        match domain(&object) == domain(&with) {
            true => Ok(Reply::fit(blob.into(), room)),
            false => Err(Rv::KeyNotWrappable.because(format!(
                "{} belongs to key domain {}, {} is of domain {}",
                object.describe(),
                domain(&object),
                with.describe(),
                domain(&with)
            ))),
        }
    }

    /// The key in a blob as an object of the caller's template.
    pub(super) fn unwrap_whole(
        &self,
        row: &'static Mechanism,
        unwrapping: u64,
        wrapped: &[u8],
        template: &Template,
    ) -> Result<u64> {
        let with = self.usable(unwrapping, row, CKA_UNWRAP).map_err(of_unwrapping_key)?.object;
        let opened = blob::unwrap(&self.session.token.dkek(domain(&with))?, wrapped)?;
        let key = self.born(opened, domain(&with), Attributes::default(), template);
        let key = key.map_err(|error: Error| match error.rv() {
            // What the blob says was sound: it is the template that says otherwise.
            Rv::AttributeValueInvalid => Rv::TemplateInconsistent.because(error.why().to_owned()),
            _ => error,
        })?;
        self.session.token.make(self.session.access(), key.attributes().clone(), Birth::Unwrap)
    }
}

fn domain(key: &Object) -> u64 {
    key.attributes().ulong(CKA_TOKENKEEP_KEY_DOMAIN).unwrap_or(0)
}
