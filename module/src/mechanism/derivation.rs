//! What derivations have in common: several keys from one base, answers through the parameter, and inheritance.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Secret};
use crate::object::{Given, Template};

use super::{Params, Start};

/// A derivation of several keys, or of one with an answer through the parameter.
#[derive(Clone, Copy)]
pub struct Brood {
    /// The templates of the keys, out of the caller's, in the order of their bytes.
    pub templates: fn(&Params, &Template) -> Result<Vec<Template>>,
    /// The keys, each of the length asked where one is, and what goes back through the parameter.
    pub work: fn(&Start<'_>, &[Option<usize>]) -> Result<Yield>,
}

/// What a derivation gives.
#[derive(Debug, Default)]
pub struct Yield {
    pub keys: Vec<Secret>,
    /// A version, initialisation vectors: in the order of the parameter's fields.
    pub back: Vec<Secret>,
}

impl From<Secret> for Yield {
    fn from(key: Secret) -> Yield {
        Yield { keys: vec![key], back: Vec::new() }
    }
}

/// What a derived key has of its base beside CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heir {
    /// Nothing: the value does not tell that of the base.
    Free,
    /// CKA_SENSITIVE and CKA_EXTRACTABLE where the template says nothing.
    Like,
    /// At least as sensitive and as little extractable: the value tells something of the base.
    Bound,
    /// CKA_SENSITIVE and CKA_EXTRACTABLE as they are.
    Same,
}

/// The template with an attribute of its own where it has none of that type.
pub(super) fn unless_given(mut template: Template, attribute: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Template {
    if template.iter().all(|(given, _)| *given != attribute) {
        template.push((attribute, Given::Bytes(value.into())));
    }
    template
}

/// The template without some attributes.
pub(super) fn without(template: &Template, attributes: &[CK_ATTRIBUTE_TYPE]) -> Template {
    template.iter().filter(|(given, _)| !attributes.contains(given)).cloned().collect()
}
