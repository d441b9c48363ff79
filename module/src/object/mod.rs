//! Attributes, the policy table, and keys.

pub mod template;
