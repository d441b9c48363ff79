//! What a request or a certificate says of its holder: name, other names, uses.

use std::net::IpAddr;
use std::str::FromStr;

use clap::Args;
use tokenkeep::crypto::hash::Hash;
use x509_cert::der::asn1::{Ia5String, OctetString};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::{rfc4519, rfc5280};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::refused;
use crate::commands::import::public;
use crate::problem::{Problem, Result};

/// The holder of a key.
#[derive(Args)]
pub struct Holder {
    /// The name: CN=me,O=ours,C=NL (RFC 4514), or /C=NL/O=ours/CN=me as openssl has it
    #[arg(long, short, value_name = "NAME")]
    pub subject: String,

    /// Another name: dns:NAME, ip:ADDRESS, email:ADDRESS or uri:URI; several with commas, or by repeating
    #[arg(long, value_name = "KIND:NAME", value_delimiter = ',')]
    pub san: Vec<String>,

    /// Key usage: digitalSignature, keyEncipherment, keyAgreement, keyCertSign, cRLSign …; several with commas
    #[arg(long, value_name = "USE", value_delimiter = ',')]
    pub key_usage: Vec<String>,

    /// Extended key usage: serverAuth, clientAuth, codeSigning, emailProtection, timeStamping, OCSPSigning, or an OID
    #[arg(long, value_name = "USE", value_delimiter = ',')]
    pub extended_key_usage: Vec<String>,

    /// It is a certificate authority
    #[arg(long)]
    pub ca: bool,
}

const USES: [(&str, KeyUsages); 9] = [
    ("digitalSignature", KeyUsages::DigitalSignature),
    ("nonRepudiation", KeyUsages::NonRepudiation),
    ("keyEncipherment", KeyUsages::KeyEncipherment),
    ("dataEncipherment", KeyUsages::DataEncipherment),
    ("keyAgreement", KeyUsages::KeyAgreement),
    ("keyCertSign", KeyUsages::KeyCertSign),
    ("cRLSign", KeyUsages::CRLSign),
    ("encipherOnly", KeyUsages::EncipherOnly),
    ("decipherOnly", KeyUsages::DecipherOnly),
];

const EXTENDED_USES: [(&str, ObjectIdentifier); 6] = [
    ("serverAuth", rfc5280::ID_KP_SERVER_AUTH),
    ("clientAuth", rfc5280::ID_KP_CLIENT_AUTH),
    ("codeSigning", rfc5280::ID_KP_CODE_SIGNING),
    ("emailProtection", rfc5280::ID_KP_EMAIL_PROTECTION),
    ("timeStamping", rfc5280::ID_KP_TIME_STAMPING),
    ("OCSPSigning", rfc5280::ID_KP_OCSP_SIGNING),
];

impl Holder {
    /// The name.
    ///
    /// # Errors
    /// It is none.
    pub fn name(&self) -> Result<Name> {
        let text = self.subject.trim();
        let bad = |part: &str| {
            Problem::new(format!("--subject {:?} is no name: look at {part:?}", self.subject))
                .advise("CN=me,O=ours,C=NL, or /C=NL/O=ours/CN=me")
        };
        let mut parts = match text.strip_prefix('/') {
            Some(text) => split(text, '/'),
            None => split(text, ','),
        };
        // RFC 4514 begins with the last part.
        if !text.starts_with('/') {
            parts.reverse();
        }
        let mut names = RdnSequence::default();
        for part in parts {
            let part = part.trim_start();
            // A slash is escaped for openssl only.
            names
                .push(RelativeDistinguishedName::from_str(&part.replace("\\/", "/")).map_err(|_| bad(part))?);
        }
        // X.520 §6.3.1: a country is two letters, whatever the library takes.
        let country = |value: &[u8]| value.len() == 2 && value.iter().all(u8::is_ascii_alphabetic);
        let mut values = names.iter().flat_map(|name| name.iter());
        if !values.all(|pair| pair.oid != rfc4519::C || country(pair.value.value())) {
            return Err(bad("C"));
        }
        names.to_der().and_then(|der| Name::from_der(&der)).map_err(|_| bad(text))
    }

    /// The extensions that were asked for; with `issued` also those that a certificate has of itself.
    ///
    /// # Errors
    /// Names and uses that are none.
    pub fn extensions(&self, name: &Name, issued: bool) -> Result<Vec<Extension>> {
        let mut extensions: Vec<Extension> = Vec::new();
        if issued || self.ca {
            let constraints = BasicConstraints { ca: self.ca, path_len_constraint: None };
            add(&mut extensions, name, (true, &constraints))?;
        }
        let asked: Vec<&str> = match &self.key_usage[..] {
            [] if self.ca => vec!["keyCertSign", "cRLSign"],
            [] if issued => vec!["digitalSignature"],
            asked => asked.iter().map(String::as_str).collect(),
        };
        if !asked.is_empty() {
            let mut usage = KeyUsage(KeyUsages::DigitalSignature.into());
            usage.0.clear();
            for word in asked {
                usage.0 |= known(&USES, word, "--key-usage")?;
            }
            add(&mut extensions, name, (true, &usage))?;
        }
        if !self.extended_key_usage.is_empty() {
            let oid = |word: &String| match ObjectIdentifier::new(word) {
                Ok(oid) => Ok(oid),
                Err(_) => known(&EXTENDED_USES, word, "--extended-key-usage"),
            };
            let uses = self.extended_key_usage.iter().map(oid).collect::<Result<_>>()?;
            add(&mut extensions, name, (false, &ExtendedKeyUsage(uses)))?;
        }
        if !self.san.is_empty() {
            let names = self.san.iter().map(|text| other_name(text)).collect::<Result<_>>()?;
            add(&mut extensions, name, (name.is_empty(), &SubjectAltName(names)))?;
        }
        Ok(extensions)
    }
}

/// The key identifier of RFC 5280 §4.2.1.2, method 1.
///
/// # Errors
/// None for a key of the token.
pub fn key_identifier(info: &[u8]) -> Result<SubjectKeyIdentifier> {
    let key = public::outline(info).map(|(_, _, key)| key).unwrap_or_default();
    OctetString::new(Hash::Sha1.digest(key)).map(SubjectKeyIdentifier).map_err(refused)
}

/// Adds an extension.
///
/// # Errors
/// What cannot be DER.
pub fn add<E>(extensions: &mut Vec<Extension>, name: &Name, extension: E) -> Result<()>
where
    E: ToExtension<Error: std::fmt::Display>,
{
    let extension = extension.to_extension(name, extensions).map_err(refused)?;
    extensions.push(extension);
    Ok(())
}

/// The parts between separators that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        if letter == separator && !escaped {
            parts.push(&text[start..at]);
            start = at + letter.len_utf8();
        }
        escaped = letter == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts
}

fn known<T: Copy>(table: &[(&str, T)], word: &str, option: &str) -> Result<T> {
    let found = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.trim()));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        Problem::new(format!("{option} {word:?} is not known")).advise(names.join(", "))
    })
}

fn other_name(text: &str) -> Result<GeneralName> {
    let bad = || {
        Problem::new(format!("--san {text:?} is no name"))
            .advise("dns:www.example.org, ip:192.0.2.1, email:me@example.org or uri:https://example.org")
    };
    let (kind, value) = text.trim().split_once(':').ok_or_else(bad)?;
    let string =
        || Some(value).filter(|value| !value.is_empty()).and_then(|value| Ia5String::new(value).ok());
    match kind.to_ascii_lowercase().as_str() {
        "ip" => value.parse::<IpAddr>().map(GeneralName::from).map_err(|_| bad()),
        "dns" => string().map(GeneralName::DnsName).ok_or_else(bad),
        "email" => string().map(GeneralName::Rfc822Name).ok_or_else(bad),
        "uri" => string().map(GeneralName::UniformResourceIdentifier).ok_or_else(bad),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(subject: &str) -> Holder {
        let (san, key_usage, extended_key_usage) = (Vec::new(), Vec::new(), Vec::new());
        Holder { subject: subject.into(), san, key_usage, extended_key_usage, ca: false }
    }

    #[test]
    fn both_spellings_of_a_name_are_the_same() {
        let name = |text: &str| holder(text).name().unwrap();
        assert_eq!(name("CN=me,O=a b,C=NL"), name("/C=NL/O=a b/CN=me"));
        assert_eq!(name("CN=me, O=a b, C=NL"), name("/C=NL/O=a b/CN=me"));
        assert_eq!(name(r"CN=a\,b").to_string(), r"CN=a\,b");
        assert_eq!(name(r"/CN=a\/b").to_string(), "CN=a/b");
        for bad in ["", "me", "/CN", "XX=me", "C=\u{fc}", "C=\u{fc}\u{fc}", "C=Holland"] {
            assert!(holder(bad).name().is_err(), "{bad}");
        }
    }
}
