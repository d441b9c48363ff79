//! `tokentool self-sign`: a certificate that a key of the token signs for itself.

use std::time::Duration;

use clap::Args;
use tokenkeep::api::Call;
use tokenkeep::crypto::{certificate, tlv};
use tokenkeep::cryptoki::Error;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::object::{Given, Template, Value};
use tokenkeep::token::User;
use x509_cert::der::Encode;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::name::Name;
use x509_cert::time::Validity;

use super::certify::subject::{add, key_identifier};
use super::certify::{Holder, Signer, Target, Which, refused};
use super::objects::bytes;
use crate::Answer;
use crate::options::Options;
use crate::pin::UserPin;
use crate::problem::{Problem, Result};
use crate::tokens::Tokens;

/// Make a self-signed certificate with a key of the token, and keep it under the key's ID
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct SelfSign {
    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    holder: Holder,

    /// How long it is valid from now on
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,

    #[command(flatten)]
    target: Target,

    /// Do not keep it in the token
    #[arg(long)]
    output_only: bool,

    #[command(flatten)]
    pin: UserPin,
}

const EXAMPLES: &str = "\
Examples:
  tokentool self-sign --label ca --subject CN=Root --ca --days 3650 -o ca.pem
  tokentool self-sign --label web --subject CN=localhost --san dns:localhost,ip:127.0.0.1 --extended-key-usage serverAuth
  tokentool self-sign --label web --subject CN=try --output-only | openssl x509 -text";

impl SelfSign {
    pub fn run(&self, options: &Options) -> Result<Answer> {
        let name = self.holder.name()?;
        let tokens = Tokens::open(options)?;
        let chosen = tokens.one()?;
        let pin = chosen.ask(User::User, &self.pin.source())?;
        let mode = if self.output_only { 0 } else { CKF_RW_SESSION };
        let session = chosen.login(&tokens, User::User, &pin, mode)?;
        let call = tokens.module().session(session)?;
        let signer = self.which.key(&call)?;
        let body = self.body(&call, &signer, &name)?;
        let der = signer.signed(&call, &pin, &body)?;
        let template = self.template(&call, &signer, &der)?;
        let pem = self.target.save("CERTIFICATE", &der)?;
        let stored = match self.output_only {
            true => None,
            false => Some((call.create(&template).map_err(|error| self.unstored(error))?, chosen.label())),
        };
        self.target.answer(pem, name.to_string(), signer.name, stored)
    }

    /// The file is there, and the token has not taken the certificate.
    fn unstored(&self, error: Error) -> Problem {
        let problem = Problem::from(error);
        match self.target.output.as_ref().map(|path| path.display()) {
            Some(file) => problem
                .but(&format!("the certificate is in {file}, but not in the token"))
                .advise(format!("`tokentool import {file}`, when that is set right")),
            None => problem,
        }
    }

    /// TBSCertificate (RFC 5280 §4.1).
    fn body(&self, call: &Call<'_>, signer: &Signer, name: &Name) -> Result<Vec<u8>> {
        let mut extensions = self.holder.extensions(name, true)?;
        let identifier = key_identifier(&signer.info)?;
        let of_issuer = AuthorityKeyIdentifier {
            key_identifier: Some(identifier.0.clone()),
            ..AuthorityKeyIdentifier::default()
        };
        add(&mut extensions, name, &identifier)?;
        add(&mut extensions, name, &of_issuer)?;
        let mut serial = [0; 16];
        call.random(&mut serial)?;
        serial[0] = serial[0] & 0x7f | 0x40; // positive, and always as long
        let days = Duration::from_secs(u64::from(self.days) * 24 * 60 * 60);
        let validity: Validity = Validity::from_now(days).map_err(refused)?;
        let (subject, validity) = (name.to_der().map_err(refused)?, validity.to_der().map_err(refused)?);
        let extensions = tlv::put(tlv::context(3), &[&extensions.to_der().map_err(refused)?]);
        let version = tlv::put(tlv::context(0), &[&[2, 1, 2]]);
        let serial = tlv::put_number(&serial);
        let parts: [&[u8]; 8] = [
            version.expose(),
            serial.expose(),
            &signer.algorithm,
            &subject,
            &validity,
            &subject,
            &signer.info,
            extensions.expose(),
        ];
        Ok(tlv::put(tlv::SEQUENCE, &parts).expose().to_vec())
    }

    /// The certificate as an object beside its key.
    fn template(&self, call: &Call<'_>, signer: &Signer, der: &[u8]) -> Result<Template> {
        let x509 = certificate::check_x509(der)
            .map_err(|error| Problem::new(error.to_string()).advise("look at --subject and --san"))?;
        let of_key =
            |attribute| bytes(call, signer.handle, attribute).map(|bytes| Given::Bytes(bytes.into()));
        let category = if self.holder.ca {
            CK_CERTIFICATE_CATEGORY_AUTHORITY
        } else {
            CK_CERTIFICATE_CATEGORY_TOKEN_USER
        };
        Ok(vec![
            (CKA_CLASS, Value::Ulong(CKO_CERTIFICATE).to_given()),
            (CKA_CERTIFICATE_TYPE, Value::Ulong(CKC_X_509).to_given()),
            (CKA_CERTIFICATE_CATEGORY, Value::Ulong(category).to_given()),
            (CKA_TOKEN, Value::Bool(true).to_given()),
            (CKA_LABEL, of_key(CKA_LABEL)?),
            (CKA_ID, of_key(CKA_ID)?),
            (CKA_SUBJECT, Given::Bytes(x509.subject.into())),
            (CKA_START_DATE, Given::Bytes(x509.not_before[..].into())),
            (CKA_END_DATE, Given::Bytes(x509.not_after[..].into())),
            (CKA_VALUE, Given::Bytes(der.into())),
        ])
    }
}
