//! Attribute templates, owned and safe; C sees them only during the call.

use crate::{call::len, ids::*, names};

/// What a test author may write for an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Bytes(Vec<u8>),
    Nested(Template),
}

/// Attributes in the order given; repetitions are kept, since some tests want them refused.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Template(Vec<(CK_ATTRIBUTE_TYPE, Value)>);

impl Template {
    /// One more attribute at the end, even if its type is there already.
    pub fn also(mut self, attribute: CK_ATTRIBUTE_TYPE, value: impl Into<Value>) -> Template {
        self.0.push((attribute, value.into()));
        self
    }

    /// This template with that value for the attribute, in place of any other.
    pub fn with(self, attribute: CK_ATTRIBUTE_TYPE, value: impl Into<Value>) -> Template {
        self.without(attribute).also(attribute, value)
    }

    /// This template without the attribute.
    pub fn without(mut self, attribute: CK_ATTRIBUTE_TYPE) -> Template {
        self.0.retain(|(kind, _)| *kind != attribute);
        self
    }

    /// This template, with the other's attributes in place of its own where both have one.
    pub fn and(self, other: &Template) -> Template {
        other.0.iter().fold(self, |all, (attribute, value)| all.with(*attribute, value.clone()))
    }

    /// The attribute types, in order.
    pub fn types(&self) -> impl Iterator<Item = CK_ATTRIBUTE_TYPE> + '_ {
        self.0.iter().map(|(attribute, _)| *attribute)
    }

    /// Types with the bytes of their values; nested templates are left out.
    pub fn bytes(&self) -> impl Iterator<Item = (CK_ATTRIBUTE_TYPE, &[u8])> {
        self.0.iter().filter_map(|(attribute, value)| match value {
            Value::Bytes(bytes) => Some((*attribute, bytes.as_slice())),
            Value::Nested(_) => None,
        })
    }

    /// Shows the template to C for the time of one call.
    pub fn lend<T>(&self, call: impl FnOnce(*mut CK_ATTRIBUTE, CK_ULONG) -> T) -> T {
        let mut lent = Lent::of(self);
        call(lent.attributes.as_mut_ptr(), len(lent.attributes.len()))
    }
}

/// A template in C's layout, with the nested ones that it points to.
struct Lent {
    attributes: Vec<CK_ATTRIBUTE>,
    _nested: Vec<Lent>,
}

impl Lent {
    fn of(template: &Template) -> Lent {
        let mut nested = Vec::new();
        let attributes = template.0.iter().map(|(attribute, value)| {
            let (pointer, length) = match value {
                Value::Bytes(bytes) => (bytes.as_ptr().cast_mut().cast(), bytes.len()),
                Value::Nested(inner) => {
                    let mut lent = Lent::of(inner);
                    let place = (lent.attributes.as_mut_ptr().cast(), size_of_val(&lent.attributes[..]));
                    nested.push(lent);
                    place
                }
            };
            CK_ATTRIBUTE { type_: *attribute, pValue: pointer, ulValueLen: len(length) }
        });
        Lent { attributes: attributes.collect(), _nested: nested }
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(a, value)| (names::attribute(*a), value))).finish()
    }
}

macro_rules! values {
    ($($type:ty: $given:ident => $bytes:expr),* $(,)?) => {
        $(impl From<$type> for Value {
            fn from($given: $type) -> Value {
                Value::Bytes($bytes)
            }
        })*
    };
}

values! {
    bool: given => vec![if given { CK_TRUE } else { CK_FALSE }],
    CK_ULONG: given => given.to_ne_bytes().to_vec(),
    &str: given => given.as_bytes().to_vec(),
    &[u8]: given => given.to_vec(),
    Vec<u8>: given => given,
    &Vec<u8>: given => given.clone(),
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(given: &[u8; N]) -> Value {
        Value::Bytes(given.to_vec())
    }
}

impl From<Template> for Value {
    fn from(given: Template) -> Value {
        Value::Nested(given)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "looks at what C would see")]
mod tests {
    use super::*;

    #[test]
    fn a_template_reaches_c_in_the_order_given_with_its_bytes() {
        let given = template![CKA_LABEL => "x", CKA_TOKEN => true, CKA_CLASS => CKO_DATA, CKA_LABEL => "y"];
        given.lend(|pointer, count| {
            assert_eq!(count, 4);
            // SAFETY: `lend` gives `count` attributes, alive during the call.
            let lent = unsafe { std::slice::from_raw_parts(pointer, 4) };
            let lengths: Vec<_> = lent.iter().map(|a| (a.type_, a.ulValueLen)).collect();
            assert_eq!(lengths, [(CKA_LABEL, 1), (CKA_TOKEN, 1), (CKA_CLASS, 8), (CKA_LABEL, 1)]);
        });
    }

    #[test]
    fn with_replaces_and_without_removes() {
        let given = template![CKA_LABEL => "x", CKA_TOKEN => true];
        assert_eq!(given.clone().with(CKA_LABEL, "y"), template![CKA_TOKEN => true, CKA_LABEL => "y"]);
        assert_eq!(given.without(CKA_LABEL), template![CKA_TOKEN => true]);
    }

    #[test]
    fn a_nested_template_is_lent_as_an_array() {
        let inner = template![CKA_SENSITIVE => true, CKA_EXTRACTABLE => false];
        template![CKA_WRAP_TEMPLATE => inner].lend(|pointer, _| {
            // SAFETY: one attribute, whose value is an array of two, alive during the call.
            let array = unsafe { std::slice::from_raw_parts((*pointer).pValue.cast::<CK_ATTRIBUTE>(), 2) };
            assert_eq!(array.iter().map(|a| a.type_).collect::<Vec<_>>(), [CKA_SENSITIVE, CKA_EXTRACTABLE]);
        });
    }
}
