//! Objects: attributes, the policy table that rules them, and the keys inside.

pub mod attributes;
pub mod encoding;
pub mod key;
pub mod policy;
pub mod rules;
pub mod template;

use std::sync::OnceLock;

use crate::crypto::spki;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, names};

pub use attributes::{Attributes, Kind, Value};
pub use key::Key;
pub use policy::{Birth, Sort};
pub use template::{Given, Template};

/// An object, never changed in place: a change makes a new one.
pub struct Object {
    attributes: Attributes,
    key: OnceLock<Result<Key>>,
}

impl Object {
    /// An object of these attributes, which have been judged.
    pub fn new(attributes: Attributes) -> Object {
        Object { attributes, key: OnceLock::new() }
    }

    /// A newborn object: template and key material together, checked and completed. A key of a pair and a certificate get
    /// their usual CKA_ID where the template has none, as the driver of a SmartCard-HSM gives it: programs find by it
    /// what belongs together.
    ///
    /// # Errors
    /// Those of [`key::settle`].
    pub fn born(mut attributes: Attributes, birth: Birth) -> Result<Object> {
        key::settle(&mut attributes, birth)?;
        if attributes.of(CKA_ID).is_none()
            && let Some(id) = attributes.bytes(CKA_PUBLIC_KEY_INFO).and_then(spki::usual_id)
        {
            attributes.set(CKA_ID, Value::Bytes(id));
        }
        policy::complete(&mut attributes, birth);
        let object = Object::new(attributes);
        if object.is_key() {
            object.key()?;
        }
        Ok(object)
    }

    /// Its attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Class and type.
    pub fn sort(&self) -> Sort {
        Sort::of(&self.attributes)
    }

    /// A flag; absent is false.
    pub fn flag(&self, attribute: CK_ATTRIBUTE_TYPE) -> bool {
        self.attributes.flag(attribute)
    }

    /// True for public, private and secret keys.
    pub fn is_key(&self) -> bool {
        matches!(self.sort().class, CKO_PUBLIC_KEY | CKO_PRIVATE_KEY | CKO_SECRET_KEY | CKO_OTP_KEY)
    }

    /// The key inside, parsed at its first use.
    ///
    /// # Errors
    /// CKR_KEY_HANDLE_INVALID when the object is no key.
    pub fn key(&self) -> Result<&Key> {
        self.key.get_or_init(|| Key::parse(&self.attributes)).as_ref().map_err(Clone::clone)
    }

    /// Whether the object has all attributes of a search template; guarded values never match (§5.7.7).
    pub fn matches(&self, template: &Template) -> bool {
        template.iter().all(|(attribute, given)| {
            policy::read(&self.attributes, *attribute).is_ok_and(|value| match (value.to_given(), given) {
                (Given::Bytes(has), Given::Bytes(wants)) => has == *wants,
                (Given::Template(has), Given::Template(wants)) => has == *wants,
                _ => false,
            })
        })
    }

    /// About how many bytes the object takes, for C_GetObjectSize.
    pub fn size(&self) -> usize {
        self.attributes.iter().map(|(_, value)| 8 + value.size()).sum()
    }

    /// What a person would call it, for errors and traces: class and label.
    pub fn describe(&self) -> String {
        let label = self.attributes.bytes(CKA_LABEL).unwrap_or_default();
        format!("{} \"{}\"", names::class(self.sort().class), String::from_utf8_lossy(label))
    }
}

/// The attributes by which objects are found through the store's index, the most telling first.
pub const INDEXED: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_UNIQUE_ID,
    CKA_ID,
    CKA_LABEL,
    CKA_SERIAL_NUMBER,
    CKA_EC_POINT,
    CKA_MODULUS,
    CKA_SUBJECT,
    CKA_ISSUER,
    CKA_OBJECT_ID,
    CKA_APPLICATION,
    CKA_KEY_TYPE,
    CKA_CERTIFICATE_TYPE,
    CKA_CLASS,
];

/// The index entry of an attribute: its type and its value in C's layout.
pub fn index_entry(attribute: CK_ATTRIBUTE_TYPE, given: &Given) -> Option<Vec<u8>> {
    match given {
        Given::Bytes(bytes) if !bytes.is_empty() && INDEXED.contains(&attribute) => {
            Some([&attribute.to_be_bytes(), bytes.expose()].concat())
        }
        _ => None,
    }
}
