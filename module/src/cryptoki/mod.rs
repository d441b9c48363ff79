//! Words of the standard: numbers, names, return values, and the small types that every room speaks.

pub mod error;
pub mod names;
pub mod reply;
pub mod rv;
pub mod secret;
pub mod vendor;

/// The numbers of the standard: `CKA_…`, `CKM_…`, `CK_…` types, as in its C header.
pub use cryptoki_sys as ids;

pub use error::{Error, Result};
pub use reply::{Reply, Room};
pub use rv::Rv;
pub use secret::Secret;
