//! Keys as the vendor format knows them: RSA, EC with all domain parameters, AES.

use crate::crypto::domain::Domain;
use crate::crypto::hash::Hash;
use crate::crypto::{rsa, tlv};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::{Attributes, Sort, Value, key};

/// A key that can stand in a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    Rsa(rsa::Components),
    /// The private value as wide as the order, and the uncompressed public point.
    Ec {
        domain: &'static Domain,
        value: Secret,
        point: Vec<u8>,
    },
    Aes(Secret),
}

impl Material {
    /// The key in these attributes.
    ///
    /// # Errors
    /// CKR_KEY_NOT_WRAPPABLE for what the vendor format does not know.
    pub fn of(attributes: &Attributes) -> Result<Material> {
        let sort = Sort::of(attributes);
        match (sort.class, sort.kind) {
            (CKO_PRIVATE_KEY, CKK_RSA) => key::components(attributes).map(Material::Rsa),
            (CKO_PRIVATE_KEY, CKK_EC) => {
                let domain = Domain::named(attributes.need(CKA_EC_PARAMS)?).ok_or_else(|| {
                    Rv::KeyNotWrappable.because("the SmartCard-HSM format does not know the curve of the key")
                })?;
                let value = wide(attributes.need(CKA_VALUE)?, domain.n.len());
                let point = match attributes.bytes(CKA_EC_POINT) {
                    Some(point) => tlv::only(tlv::OCTET_STRING, point).unwrap_or(point).to_vec(),
                    None => domain.public_point(&value)?,
                };
                Ok(Material::Ec { domain, value, point })
            }
            (CKO_SECRET_KEY, CKK_AES) => Ok(Material::Aes(attributes.need(CKA_VALUE)?.into())),
            _ => Err(Rv::KeyNotWrappable
                .because("the SmartCard-HSM format knows RSA, EC and AES keys only, and this is none")),
        }
    }

    /// The attributes that make this key, class and type included.
    pub fn attributes(self) -> Attributes {
        let (class, kind, key) = match self {
            Material::Rsa(components) => (CKO_PRIVATE_KEY, CKK_RSA, key::from_components(components)),
            Material::Ec { domain, value, point } => {
                let point = tlv::put(tlv::OCTET_STRING, &[&point]);
                let key = Attributes::default()
                    .with(CKA_EC_PARAMS, Value::Bytes(domain.oid.to_vec()))
                    .with(CKA_EC_POINT, Value::Bytes(point.expose().to_vec()))
                    .with(CKA_VALUE, Value::Secret(value));
                (CKO_PRIVATE_KEY, CKK_EC, key)
            }
            Material::Aes(key) => {
                (CKO_SECRET_KEY, CKK_AES, Attributes::default().with(CKA_VALUE, Value::Secret(key)))
            }
        };
        key.with(CKA_CLASS, Value::Ulong(class)).with(CKA_KEY_TYPE, Value::Ulong(kind))
    }

    /// The attributes of the public key that goes with it; none for AES.
    pub fn public_attributes(&self) -> Option<Attributes> {
        let (kind, key) = match self {
            Material::Rsa(key) => {
                let number = |bytes: &[u8]| Value::Bytes(tlv::trim(bytes).to_vec());
                let public = Attributes::default()
                    .with(CKA_MODULUS, number(&key.modulus))
                    .with(CKA_PUBLIC_EXPONENT, number(&key.public_exponent));
                (CKK_RSA, public)
            }
            Material::Ec { domain, point, .. } => {
                let point = tlv::put(tlv::OCTET_STRING, &[point]);
                let public = Attributes::default()
                    .with(CKA_EC_PARAMS, Value::Bytes(domain.oid.to_vec()))
                    .with(CKA_EC_POINT, Value::Bytes(point.expose().to_vec()));
                (CKK_EC, public)
            }
            Material::Aes(_) => return None,
        };
        Some(key.with(CKA_CLASS, Value::Ulong(CKO_PUBLIC_KEY)).with(CKA_KEY_TYPE, Value::Ulong(kind)))
    }

    /// What a person would call it.
    pub fn describe(&self) -> String {
        match self {
            Material::Rsa(key) => format!("RSA {}", tlv::trim(&key.modulus).len() * 8),
            Material::Ec { domain, .. } => format!("EC {}", domain.name),
            Material::Aes(key) => format!("AES {}", key.len() * 8),
        }
    }

    /// The CKA_ID for a key that brings none: SHA-1 of the modulus or of the point, nothing for AES.
    pub fn usual_id(&self) -> Vec<u8> {
        match self {
            Material::Rsa(key) => Hash::Sha1.digest(tlv::trim(&key.modulus)),
            Material::Ec { point, .. } => Hash::Sha1.digest(point),
            Material::Aes(_) => Vec::new(),
        }
    }
}

/// A number padded on the left; as it is when it is wider already.
pub(super) fn wide(number: &[u8], width: usize) -> Secret {
    let number = tlv::trim(number);
    let mut out = Secret::zeroed(width.max(number.len()));
    let start = out.len() - number.len();
    out.expose_mut()[start..].copy_from_slice(number);
    out
}
