//! Backup in the format of the SmartCard-HSM: a DKEK from shares, keys wrapped under it, whole tokens in one archive.
//!
//! ```text
//!   custodians ── split      the password of a share file among n of whom t are needed
//!                   share     a DKEK share under a password, 64 bytes
//!                   dkek      shares XORed: the device key encryption key and its check value
//!                   blob      a key under the DKEK          body, material: what is inside
//!                   container blob, description and certificate in one file, as sc-hsm-tool writes them
//!                   archive   a whole token under the DKEK, with a MACed manifest
//! ```

pub mod archive;
pub mod blob;
mod body;
pub mod container;
pub mod description;
pub mod dkek;
pub mod manifest;
pub mod material;
pub mod share;
pub mod split;
mod tlv;

#[cfg(test)]
mod fixtures;

pub use archive::{Archive, Entry};
pub use blob::Unwrapped;
pub use container::Container;
pub use description::Description;
pub use dkek::{Assembly, Dkek, Import, Kcv, Status};
pub use manifest::Manifest;
pub use material::Material;
pub use share::ShareFile;
pub use split::{Custody, Sheet, Typed};

pub use crate::crypto::kdf::Progress;
pub use crate::store::Fill;
