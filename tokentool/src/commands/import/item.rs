//! What a file holds: an object to be, with its key material and what the file calls it.

use tokenkeep::crypto::{certificate, spki};

use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Result, Secret};
use tokenkeep::object::{Attributes, Birth, Sort, Value, key};
use x509_cert::Certificate;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::BasicConstraints;

use super::public;

/// An object to be.
#[derive(Clone)]
pub struct Item {
    pub attributes: Attributes,
    /// What the file calls it: friendlyName, kid.
    pub name: Option<String>,
    /// The file that it comes from, as the user spelled it.
    pub file: String,
    /// The SHA-1 of the public value, by which keys and certificates are told to belong together.
    pub belongs: Option<Vec<u8>>,
    /// The common name of a certificate's subject.
    pub common_name: Option<String>,
    /// It comes along with another one, which the user meant.
    pub companion: bool,
}

impl Item {
    fn new(attributes: Attributes, belongs: Option<Vec<u8>>) -> Item {
        let (name, file, common_name) = (None, String::new(), None);
        Item { attributes, name, file, belongs, common_name, companion: false }
    }

    /// A private key and its public half, from the attributes of the private one.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn pair(kind: CK_KEY_TYPE, material: Attributes) -> Result<Vec<Item>> {
        let mut private =
            material.with(CKA_CLASS, Value::Ulong(CKO_PRIVATE_KEY)).with(CKA_KEY_TYPE, Value::Ulong(kind));
        // The token checks the primes of an RSA key itself, which takes time.
        let info = match (kind, private.bytes(CKA_MODULUS), private.bytes(CKA_PUBLIC_EXPONENT)) {
            (CKK_RSA, Some(modulus), Some(exponent)) => spki::rsa(modulus, exponent),
            _ => {
                key::settle(&mut private, Birth::Create)?;
                private.need(CKA_PUBLIC_KEY_INFO)?.to_vec()
            }
        };
        // What the token computes itself is not given to it.
        let private = keep(private, &[CKA_VALUE_BITS]);
        let public = Item::public(&info)?;
        let private = Item::new(private, public.belongs.clone());
        Ok(vec![private, Item { companion: true, ..public }])
    }

    /// A private key and its public half, from PKCS#8.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn pkcs8(kind: CK_KEY_TYPE, der: Secret) -> Result<Vec<Item>> {
        Item::pair(kind, key::decode(Sort { class: CKO_PRIVATE_KEY, kind }, der)?)
    }

    /// A public key, from its SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn public(info: &[u8]) -> Result<Item> {
        let (kind, material) = public::read(info)?;
        let mut attributes =
            material.with(CKA_CLASS, Value::Ulong(CKO_PUBLIC_KEY)).with(CKA_KEY_TYPE, Value::Ulong(kind));
        key::settle(&mut attributes, Birth::Create)?;
        Ok(Item::new(keep(attributes, &[CKA_MODULUS_BITS]), spki::usual_id(info)))
    }

    /// A secret key.
    ///
    /// # Errors
    /// CKR_ATTRIBUTE_VALUE_INVALID for a length that its type has not.
    pub fn secret(kind: CK_KEY_TYPE, value: Secret) -> Result<Item> {
        key::check_length(kind, value.len())?;
        let attributes = Attributes::default()
            .with(CKA_CLASS, Value::Ulong(CKO_SECRET_KEY))
            .with(CKA_KEY_TYPE, Value::Ulong(kind))
            .with(CKA_VALUE, Value::Secret(value));
        Ok(Item::new(attributes, None))
    }

    /// An X.509 certificate; its category says whether it is an authority's.
    ///
    /// # Errors
    /// CKR_ATTRIBUTE_VALUE_INVALID when it is none.
    pub fn certificate(der: &[u8]) -> Result<Item> {
        let x509 = certificate::check_x509(der)?;
        let parsed = Certificate::from_der(der).ok();
        let authority = parsed.as_ref().is_some_and(is_authority);
        let category = if authority { CK_CERTIFICATE_CATEGORY_AUTHORITY } else { 0 };
        let attributes = Attributes::default()
            .with(CKA_CLASS, Value::Ulong(CKO_CERTIFICATE))
            .with(CKA_CERTIFICATE_TYPE, Value::Ulong(CKC_X_509))
            .with(CKA_CERTIFICATE_CATEGORY, Value::Ulong(category))
            .with(CKA_SUBJECT, Value::Bytes(x509.subject))
            .with(CKA_START_DATE, Value::Bytes(x509.not_before.to_vec()))
            .with(CKA_END_DATE, Value::Bytes(x509.not_after.to_vec()))
            .with(CKA_VALUE, Value::Bytes(der.to_vec()));
        let common_name = parsed.as_ref().and_then(common_name);
        Ok(Item { common_name, ..Item::new(attributes, spki::usual_id(&x509.spki)) })
    }

    /// An object with all of its attributes.
    pub fn whole(attributes: Attributes, belongs: Option<Vec<u8>>) -> Item {
        Item::new(attributes, belongs)
    }

    pub fn class(&self) -> CK_OBJECT_CLASS {
        Sort::of(&self.attributes).class
    }

    /// Whether it has all of its attributes, label and ID too.
    pub fn is_whole(&self) -> bool {
        self.attributes.of(CKA_LABEL).is_some()
    }

    /// Whether it is an authority's certificate.
    pub fn is_authority(&self) -> bool {
        self.attributes.ulong(CKA_CERTIFICATE_CATEGORY) == Some(CK_CERTIFICATE_CATEGORY_AUTHORITY)
    }
}

/// The attributes without some.
fn keep(attributes: Attributes, without: &[CK_ATTRIBUTE_TYPE]) -> Attributes {
    let kept = attributes.iter().filter(|(attribute, _)| !without.contains(attribute));
    kept.fold(Attributes::default(), |kept, (attribute, value)| kept.with(attribute, value.clone()))
}

fn is_authority(certificate: &Certificate) -> bool {
    let extensions = certificate.tbs_certificate().extensions();
    let constraints = extensions.into_iter().flatten().find(|ext| ext.extn_id == BasicConstraints::OID);
    constraints
        .and_then(|found| BasicConstraints::from_der(found.extn_value.as_bytes()).ok())
        .is_some_and(|constraints| constraints.ca)
}

/// The last CN of the subject; of a subject without one its last attribute.
fn common_name(certificate: &Certificate) -> Option<String> {
    /// 2.5.4.3, with its tag and length.
    const CN: &[u8] = &[6, 3, 0x55, 4, 3];
    let subject = certificate.tbs_certificate().subject();
    let all: Vec<_> = subject.iter().collect();
    let named = all.iter().rev().find(|pair| pair.oid.to_der().is_ok_and(|oid| oid == CN));
    let value = named.or(all.last())?;
    let text = value.value.value();
    let name = match value.value.tag() {
        Tag::BmpString => {
            let units = text.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            String::from_utf16_lossy(&units.collect::<Vec<u16>>())
        }
        // ASCII or UTF-8, where people write it.
        _ => String::from_utf8_lossy(text).into_owned(),
    };
    Some(name).filter(|name| !name.is_empty())
}
