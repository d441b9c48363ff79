//! A template as it comes from the caller: attribute types with bytes not yet judged.

use crate::cryptoki::Secret;
use crate::cryptoki::ids::CK_ATTRIBUTE_TYPE;

/// What a caller gives for one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Bytes in C's layout: a CK_BBOOL is one byte, a CK_ULONG is native, text has no terminator.
    Bytes(Secret),
    /// A nested template, of the CKA_…_TEMPLATE attributes.
    Template(Template),
}

/// Attributes in the order in which the caller gave them; repetitions are kept for the policy to refuse.
pub type Template = Vec<(CK_ATTRIBUTE_TYPE, Given)>;
