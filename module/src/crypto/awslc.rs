//! aws-lc in safe functions over bytes: this file and its folder are the only ones of the room with `unsafe`.
//!
//! `None` means that aws-lc refused; its callers know the rule that was broken and say it.

#![allow(clippy::disallowed_methods, reason = "the room of the other `unsafe`")]

mod aes;
mod chacha;
mod curve;
mod dsa;
mod group;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod memory;
mod number;
mod pq;
mod rsa;

use std::os::raw::c_int;
use std::ptr::NonNull;

use aws_lc_sys::*;

use crate::cryptoki::Secret;

pub use aes::{Cmac, Evp, Stream, ccm, wrap};
pub use chacha::{Poly1305, chacha20};
pub use curve::{BP224, BP256, BP320, BP384, BP512, EcKey, Eddsa, K256, Nid, P192, P224, P256, P384, P521};
pub use curve::{ed25519_key, ed25519_sign, ed25519_verify, x25519, x25519_public};
pub use dsa::Dsa;
pub use group::Group;
pub use number::Number;
pub use pq::{Lattice, ML_DSA_44, ML_DSA_65, ML_DSA_87, ML_KEM_512, ML_KEM_768, ML_KEM_1024, ml_dsa_sign};
pub use rsa::{Padding, Rsa};

trait Free {
    /// # Safety
    /// `raw` is alive, was made by aws-lc, and is not used afterwards.
    unsafe fn free(raw: *mut Self);
}

macro_rules! freed {
    ($($raw:ty => $free:path;)*) => {$(
        impl Free for $raw {
            unsafe fn free(raw: *mut Self) {
                // SAFETY: the caller's promise is just what the C function asks.
                unsafe { $free(raw) }
            }
        }
    )*};
}

freed! {
    BIGNUM => BN_clear_free;
    BN_CTX => BN_CTX_free;
    aws_lc_sys::RSA => RSA_free;
    EVP_PKEY => EVP_PKEY_free;
    EVP_PKEY_CTX => EVP_PKEY_CTX_free;
    EVP_CIPHER_CTX => EVP_CIPHER_CTX_free;
    EC_GROUP => EC_GROUP_free;
    EC_KEY => EC_KEY_free;
    EC_POINT => EC_POINT_free;
    aws_lc_sys::ECDSA_SIG => ECDSA_SIG_free;
    CMAC_CTX => CMAC_CTX_free;
    aws_lc_sys::DSA => DSA_free;
    aws_lc_sys::DSA_SIG => DSA_SIG_free;
    EVP_MD_CTX => EVP_MD_CTX_free;
}

/// An object of aws-lc, freed (and so zeroed) when dropped.
struct Owned<T: Free>(NonNull<T>);

impl<T: Free> Owned<T> {
    /// Takes over what a constructor gave; `None` for its NULL.
    fn take(raw: *mut T) -> Option<Owned<T>> {
        let owned = NonNull::new(raw).map(Owned);
        if owned.is_none() {
            forget_errors();
        }
        owned
    }

    fn raw(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T: Free> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `self` owns the object, and is gone after this.
        unsafe { T::free(self.raw()) }
    }
}

/// The answer of a C function: 1 is success.
fn done(answer: c_int) -> Option<()> {
    if answer != 1 {
        forget_errors();
    }
    (answer == 1).then_some(())
}

/// Empties aws-lc's error queue of this thread: our errors carry their own reasons.
fn forget_errors() {
    // SAFETY: takes nothing, always allowed.
    unsafe { ERR_clear_error() }
}

/// `len` bytes, written by `fill`, which answers how many it wrote.
fn filled(len: usize, fill: impl FnOnce(*mut u8) -> Option<usize>) -> Option<Secret> {
    let mut out = vec![0; len];
    let written = fill(out.as_mut_ptr());
    let mut out = Secret::from(out);
    match written? {
        n if n == len => Some(out),
        n => Some(Secret::from(out.expose_mut().get(..n)?)),
    }
}

/// A hash of HMAC in PBKDF2.
#[derive(Clone, Copy)]
pub enum Digest {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
}

impl Digest {
    fn engine(self) -> *const EVP_MD {
        // SAFETY: these take nothing and give static objects.
        unsafe {
            match self {
                Digest::Sha1 => EVP_sha1(),
                Digest::Sha224 => EVP_sha224(),
                Digest::Sha256 => EVP_sha256(),
                Digest::Sha384 => EVP_sha384(),
                Digest::Sha512 => EVP_sha512(),
                Digest::Sha512_224 => EVP_sha512_224(),
                Digest::Sha512_256 => EVP_sha512_256(),
            }
        }
    }
}

/// PBKDF2 of HMAC; `None` without iterations.
pub fn pbkdf2(digest: Digest, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) -> Option<()> {
    let (password, n) = (password.as_ptr().cast(), password.len());
    // SAFETY: three slices with their lengths; the hash is static.
    done(unsafe {
        let (hash, len) = (digest.engine(), out.len());
        PKCS5_PBKDF2_HMAC(password, n, salt.as_ptr(), salt.len(), iterations, hash, len, out.as_mut_ptr())
    })
}

/// SHAKE-128 or, `wide`, SHAKE-256 (FIPS 202) of the data: as many bytes as `out` has.
pub fn shake(wide: bool, data: &[u8], out: &mut [u8]) -> Option<()> {
    // SAFETY: takes nothing; the result is checked.
    let context = Owned::take(unsafe { EVP_MD_CTX_new() })?;
    // SAFETY: the context is alive, the hash static; two slices with their lengths.
    unsafe {
        let hash = if wide { EVP_shake256() } else { EVP_shake128() };
        done(EVP_DigestInit_ex(context.raw(), hash, std::ptr::null_mut()))?;
        done(EVP_DigestUpdate(context.raw(), data.as_ptr().cast(), data.len()))?;
        done(EVP_DigestFinalXOF(context.raw(), out.as_mut_ptr(), out.len()))
    }
}
