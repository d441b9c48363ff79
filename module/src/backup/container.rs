//! The file of a wrapped key: `SEQUENCE { OCTET STRING { blob }, description, certificate }`, the last two optional.
//!
//! Only the blob has a MAC: what the description and the certificate say is anybody's word.

use crate::crypto::tlv::{OCTET_STRING, SEQUENCE, put};
use crate::cryptoki::{Error, Result, Rv};

use super::tlv::{self, Element};
use super::{Description, description};

/// Tags of a card's own certificates and of its requests for one.
const CARD_VERIFIABLE: [u32; 2] = [0x67, 0x7f21];

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container<'a> {
    pub blob: &'a [u8],
    pub description: Option<Description>,
    /// An X.509 certificate, not checked.
    pub certificate: Option<&'a [u8]>,
    /// There is a card's certificate or request, which is of no use here.
    pub request: bool,
}

impl<'a> Container<'a> {
    /// Reads a file. Members are told by their shape, not by their place; bytes behind the whole are ignored.
    ///
    /// # Errors
    /// CKR_WRAPPED_KEY_INVALID when it is no such file, or cut.
    pub fn read(mut bytes: &'a [u8]) -> Result<Container<'a>> {
        let outer = tlv::next(&mut bytes).filter(|outer| outer.tag == u32::from(SEQUENCE));
        let mut members = outer.ok_or_else(|| bad("it is no SEQUENCE, or ends too early"))?.value;
        let blob = tlv::next(&mut members).filter(|blob| blob.tag == u32::from(OCTET_STRING));
        let blob = blob.ok_or_else(|| bad("it does not begin with an OCTET STRING"))?.value;
        let mut container = Container { blob, description: None, certificate: None, request: false };
        for member in tlv::all(members) {
            container.take(member);
        }
        Ok(container)
    }

    fn take(&mut self, member: Element<'a>) {
        if CARD_VERIFIABLE.contains(&member.tag) {
            self.request = true;
        } else if is_x509(&member) {
            self.certificate = Some(member.whole);
        } else if self.description.is_none() {
            self.description = description::read(member.whole);
        }
    }

    /// Writes a file.
    ///
    /// # Errors
    /// CKR_ARGUMENTS_BAD for a certificate without a description: the real tool would take it for one.
    pub fn write(
        blob: &[u8],
        description: Option<&Description>,
        certificate: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        if description.is_none() && certificate.is_some() {
            return Err(Rv::ArgumentsBad.because("a certificate needs a key description before it"));
        }
        let blob = put(OCTET_STRING, &[blob]);
        let description = description.map(description::write).unwrap_or_default();
        let file = put(SEQUENCE, &[blob.expose(), &description, certificate.unwrap_or_default()]);
        Ok(file.expose().to_vec())
    }
}

/// `SEQUENCE { SEQUENCE, SEQUENCE, BIT STRING }`: a description has no BIT STRING there.
fn is_x509(member: &Element<'_>) -> bool {
    let tags: Vec<u32> = tlv::all(member.value).map(|element| element.tag).collect();
    member.tag == u32::from(SEQUENCE) && tags == [0x30, 0x30, 0x03]
}

fn bad(why: &str) -> Error {
    Rv::WrappedKeyInvalid.because(format!("the file holds no wrapped key: {why}"))
}
