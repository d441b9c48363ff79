//! `tokentool csr`: a request for a certificate.

use clap::Args;
use tokenkeep::crypto::tlv;
use tokenkeep::token::User;
use x509_cert::der::Encode;

use super::certify::{Holder, Target, Which, refused};
use crate::Answer;
use crate::options::Options;
use crate::pin::UserPin;
use crate::problem::Result;
use crate::tokens::Tokens;

/// Make a certificate request (PKCS#10) with a key of the token
///
/// The certificate that an authority makes of it is imported by `tokentool import`, and gets the ID of its key.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Csr {
    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    holder: Holder,

    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool csr --label web --subject CN=www.example.org --san dns:www.example.org,dns:example.org -o web.csr
  tokentool csr --id 03 --pss --subject /C=NL/O=ours/CN=me --san email:me@example.org --extended-key-usage clientAuth";

/// 1.2.840.113549.1.9.14, extensionRequest, with its tag and length.
const EXTENSION_REQUEST: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
const SET: u8 = 0x31;

impl Csr {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let name = self.holder.name()?;
        let extensions = self.holder.extensions(&name, false)?;
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let pin = chosen.ask(User::User, &self.pin.source())?;
        let session = chosen.login(&tokens, User::User, &pin, 0)?;
        let call = tokens.module().session(session)?;
        let signer = self.which.key(&call)?;
        let attributes = match extensions.is_empty() {
            true => Vec::new(),
            false => {
                let asked = tlv::put(SET, &[&extensions.to_der().map_err(refused)?]);
                tlv::put(tlv::SEQUENCE, &[EXTENSION_REQUEST, asked.expose()]).expose().to_vec()
            }
        };
        // CertificationRequestInfo (RFC 2986 §4.1)
        let subject = name.to_der().map_err(refused)?;
        let attributes = tlv::put(tlv::context(0), &[&attributes]);
        let version: &[u8] = &[2, 1, 0];
        let body = tlv::put(tlv::SEQUENCE, &[version, &subject, &signer.info, attributes.expose()]);
        let der = signer.signed(&call, &pin, body.expose())?;
        let pem = self.target.save("CERTIFICATE REQUEST", &der)?;
        self.target.answer(pem, name.to_string(), signer.name, None)
    }
}
