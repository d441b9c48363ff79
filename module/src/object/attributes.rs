//! Judged attributes: values with their kinds, in the order of their types.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret, names};

use super::template::{Given, Template};

/// What kind of value an attribute has: how its bytes from C are read and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CK_BBOOL
    Bool,
    /// CK_ULONG
    Ulong,
    /// Bytes, UTF-8 text or DER, not interpreted here.
    Bytes,
    /// A big-endian unsigned number; leading zeros are dropped.
    Number,
    /// Key material: zeroed after use, and never readable when the key is sensitive.
    Secret,
    /// A big-endian unsigned number that is key material.
    SecretNumber,
    /// CK_DATE, or empty
    Date,
    /// An array of CK_MECHANISM_TYPE
    Mechanisms,
    /// An array of attributes
    Template,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Bool(bool),
    Ulong(u64),
    Bytes(Vec<u8>),
    Secret(Secret),
    Ulongs(Vec<u64>),
    Template(Attributes),
}

impl Kind {
    /// Reads what the caller gave for `attribute`.
    ///
    /// # Errors
    /// CKR_ATTRIBUTE_VALUE_INVALID with the attribute, the length and what was expected.
    pub fn read(self, attribute: CK_ATTRIBUTE_TYPE, given: &Given) -> Result<Value> {
        let bytes = match (self, given) {
            (Kind::Template, Given::Template(template)) => return nested(template).map(Value::Template),
            (Kind::Template, Given::Bytes(bytes)) if bytes.is_empty() => {
                return Ok(Value::Template(Attributes::default()));
            }
            (_, Given::Template(_)) | (Kind::Template, _) => {
                return Err(invalid(attribute, 0, "a nested template"));
            }
            (_, Given::Bytes(bytes)) => bytes,
        };
        let raw = bytes.expose();
        match self {
            Kind::Bool => match raw {
                [0] => Ok(Value::Bool(false)),
                [_] => Ok(Value::Bool(true)),
                _ => Err(invalid(attribute, raw.len(), "one byte, CK_TRUE or CK_FALSE")),
            },
            Kind::Ulong => match ulong(raw) {
                Some(number) => Ok(Value::Ulong(number)),
                None => Err(invalid(attribute, raw.len(), "a CK_ULONG")),
            },
            Kind::Bytes => Ok(Value::Bytes(raw.to_vec())),
            Kind::Number => Ok(Value::Bytes(trimmed(raw).to_vec())),
            Kind::Secret => Ok(Value::Secret(bytes.clone())),
            Kind::SecretNumber => Ok(Value::Secret(trimmed(raw).into())),
            Kind::Date if raw.is_empty() || is_date(raw) => Ok(Value::Bytes(raw.to_vec())),
            Kind::Date => Err(invalid(attribute, raw.len(), "a CK_DATE of 8 digits, or nothing")),
            Kind::Mechanisms => ulongs(raw)
                .map(Value::Ulongs)
                .ok_or_else(|| invalid(attribute, raw.len(), "an array of CK_MECHANISM_TYPE")),
            // Handled above, where the value is a template.
            Kind::Template => Err(invalid(attribute, raw.len(), "a nested template")),
        }
    }
}

fn invalid(attribute: CK_ATTRIBUTE_TYPE, len: usize, wants: &str) -> crate::cryptoki::Error {
    Rv::AttributeValueInvalid
        .because(format!("{} of {len} bytes: it must be {wants}", names::attribute(attribute)))
}

/// A nested template is judged by the kinds of its attributes wherever they may stand.
fn nested(template: &Template) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    for (attribute, given) in template {
        let kind = super::policy::kind(*attribute).ok_or_else(|| {
            Rv::AttributeTypeInvalid.because(format!(
                "{} in a nested template is no attribute of the standard",
                names::attribute(*attribute)
            ))
        })?;
        attributes.set(*attribute, kind.read(*attribute, given)?);
    }
    Ok(attributes)
}

fn ulong(raw: &[u8]) -> Option<u64> {
    // A CK_ULONG has the width of C's unsigned long.
    let raw: [u8; size_of::<CK_ULONG>()] = raw.try_into().ok()?;
    Some(CK_ULONG::from_ne_bytes(raw))
}

fn ulongs(raw: &[u8]) -> Option<Vec<u64>> {
    raw.chunks(size_of::<CK_ULONG>()).map(ulong).collect()
}

/// The number without its leading zeros.
fn trimmed(raw: &[u8]) -> &[u8] {
    &raw[raw.iter().take_while(|byte| **byte == 0).count()..]
}

fn is_date(raw: &[u8]) -> bool {
    raw.len() == 8
        && raw.iter().all(u8::is_ascii_digit)
        && (b"01"..=b"12").contains(&&[raw[4], raw[5]])
        && (b"01"..=b"31").contains(&&[raw[6], raw[7]])
}

impl Value {
    /// The value in C's layout, as C_GetAttributeValue gives it.
    pub fn to_given(&self) -> Given {
        match self {
            Value::Bool(yes) => Given::Bytes(vec![u8::from(*yes)].into()),
            Value::Ulong(number) => Given::Bytes(native(*number).into()),
            Value::Bytes(bytes) => Given::Bytes(bytes.clone().into()),
            Value::Secret(secret) => Given::Bytes(secret.clone()),
            Value::Ulongs(numbers) => {
                Given::Bytes(numbers.iter().flat_map(|n| native(*n)).collect::<Vec<u8>>().into())
            }
            Value::Template(attributes) => {
                Given::Template(attributes.iter().map(|(t, v)| (t, v.to_given())).collect())
            }
        }
    }

    /// How many bytes the value has in C's layout.
    pub fn size(&self) -> usize {
        match self {
            Value::Bool(_) => 1,
            Value::Ulong(_) => size_of::<CK_ULONG>(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Secret(secret) => secret.len(),
            Value::Ulongs(numbers) => numbers.len() * size_of::<CK_ULONG>(),
            Value::Template(attributes) => attributes.iter().map(|(_, value)| value.size()).sum(),
        }
    }
}

fn native(number: u64) -> Vec<u8> {
    number.to_ne_bytes().to_vec()
}

/// Attributes, each type once, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(CK_ATTRIBUTE_TYPE, Value)>);

impl Attributes {
    /// The value of an attribute, if it is there.
    pub fn of(&self, attribute: CK_ATTRIBUTE_TYPE) -> Option<&Value> {
        let at = self.0.binary_search_by_key(&attribute, |(t, _)| *t).ok()?;
        Some(&self.0[at].1)
    }

    /// Sets an attribute; answers the value it had.
    pub fn set(&mut self, attribute: CK_ATTRIBUTE_TYPE, value: Value) -> Option<Value> {
        match self.0.binary_search_by_key(&attribute, |(t, _)| *t) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (attribute, value));
                None
            }
        }
    }

    /// The same attributes with one more, for building in one expression.
    #[must_use]
    pub fn with(mut self, attribute: CK_ATTRIBUTE_TYPE, value: Value) -> Attributes {
        self.set(attribute, value);
        self
    }

    /// Sets all attributes of `other`.
    pub fn absorb(&mut self, other: Attributes) {
        for (attribute, value) in other.0 {
            self.set(attribute, value);
        }
    }

    /// In ascending order of types.
    pub fn iter(&self) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, &Value)> {
        self.0.iter().map(|(attribute, value)| (*attribute, value))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A flag; absent is false.
    pub fn flag(&self, attribute: CK_ATTRIBUTE_TYPE) -> bool {
        matches!(self.of(attribute), Some(Value::Bool(true)))
    }

    /// A number.
    pub fn ulong(&self, attribute: CK_ATTRIBUTE_TYPE) -> Option<u64> {
        match self.of(attribute) {
            Some(Value::Ulong(number)) => Some(*number),
            _ => None,
        }
    }

    /// Bytes, public or secret; absent and empty are both `None`.
    pub fn bytes(&self, attribute: CK_ATTRIBUTE_TYPE) -> Option<&[u8]> {
        match self.of(attribute) {
            Some(Value::Bytes(bytes)) if !bytes.is_empty() => Some(bytes),
            Some(Value::Secret(secret)) if !secret.is_empty() => Some(secret.expose()),
            _ => None,
        }
    }

    /// Bytes that must be there for the object to make sense.
    ///
    /// # Errors
    /// CKR_TEMPLATE_INCOMPLETE when it is missing, CKR_ATTRIBUTE_VALUE_INVALID when it is empty.
    pub fn need(&self, attribute: CK_ATTRIBUTE_TYPE) -> Result<&[u8]> {
        self.bytes(attribute).ok_or_else(|| {
            let name = names::attribute(attribute);
            match self.of(attribute) {
                None => Rv::TemplateIncomplete.because(format!("{name} is missing")),
                Some(_) => Rv::AttributeValueInvalid.because(format!("{name} is empty")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(bytes: &[u8]) -> Given {
        Given::Bytes(bytes.into())
    }

    #[test]
    fn a_value_of_the_wrong_size_is_refused_with_its_name() {
        let error = Kind::Bool.read(CKA_SIGN, &given(&[1, 1])).unwrap_err();
        assert_eq!(error.rv(), Rv::AttributeValueInvalid);
        assert!(error.why().starts_with("CKA_SIGN of 2 bytes"), "{}", error.why());
        assert!(Kind::Ulong.read(CKA_MODULUS_BITS, &given(&[0; 4])).is_err());
        assert!(Kind::Date.read(CKA_START_DATE, &given(b"20261301")).is_err());
        assert!(Kind::Date.read(CKA_START_DATE, &given(b"20261231")).is_ok());
    }

    #[test]
    fn numbers_lose_their_leading_zeros() {
        let value = Kind::Number.read(CKA_MODULUS, &given(&[0, 0, 7, 0])).unwrap();
        assert_eq!(value, Value::Bytes(vec![7, 0]));
    }

    #[test]
    fn attributes_stay_sorted_and_single() {
        let mut attributes = Attributes::default();
        attributes.set(CKA_LABEL, Value::Bytes(vec![1]));
        attributes.set(CKA_CLASS, Value::Ulong(3));
        attributes.set(CKA_LABEL, Value::Bytes(vec![2]));
        assert_eq!(attributes.iter().map(|(t, _)| t).collect::<Vec<_>>(), [CKA_CLASS, CKA_LABEL]);
        assert_eq!(attributes.bytes(CKA_LABEL), Some(&[2][..]));
    }
}
