//! RSA: aws-lc does the work on data; the `rsa` crate finds the primes; no private operation runs through the latter.

mod components;
mod encoding;
mod key;
mod rejection;

pub use components::{Components, complete, from_primes, generate};
pub use encoding::{from_pkcs8, to_pkcs8};
pub use key::{PrivateKey, PublicKey};

#[cfg(test)]
mod tests;
