//! RSA keys in aws-lc.

use std::os::raw::c_int;
use std::ptr;

use aws_lc_sys::*;

use super::{Number, Owned, done, filled};
use crate::crypto::hash::Hash;
use crate::cryptoki::Secret;

/// What stands around the data in an RSA block.
#[derive(Clone, Copy)]
pub enum Padding {
    None,
    /// Type 1 when signing, type 2 when encrypting (RFC 8017 §9.2, §7.2.1).
    Pkcs1,
}

impl Padding {
    fn number(self) -> c_int {
        match self {
            Padding::None => RSA_NO_PADDING,
            Padding::Pkcs1 => RSA_PKCS1_PADDING,
        }
    }
}

/// An RSA key, parsed once: public, or private with its public half.
pub struct Rsa {
    key: Owned<aws_lc_sys::RSA>,
    /// The same key, as OAEP wants it.
    envelope: Owned<EVP_PKEY>,
}

// SAFETY: an RSA of aws-lc is made once and then only read; what it computes lazily (Montgomery
// contexts, blinding) is under the key's own lock (rsa.h, "RSA objects are thread-safe").
unsafe impl Send for Rsa {}
// SAFETY: as above.
unsafe impl Sync for Rsa {}

impl Rsa {
    /// A public key; `None` when modulus or exponent are impossible.
    pub fn public(modulus: &Number, exponent: &Number) -> Option<Rsa> {
        // SAFETY: the numbers are alive and are copied.
        Rsa::of(unsafe { RSA_new_public_key_large_e(modulus.0.raw(), exponent.0.raw()) })
    }

    /// A private key from n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p; `None` when they contradict each other.
    pub fn private(parts: &[Number; 8]) -> Option<Rsa> {
        let [n, e, d, p, q, dp, dq, qinv] = parts.each_ref().map(|number| number.0.raw());
        // SAFETY: the numbers are alive and are copied.
        Rsa::of(unsafe { RSA_new_private_key_large_e(n, e, d, p, q, dp, dq, qinv) })
    }

    fn of(raw: *mut aws_lc_sys::RSA) -> Option<Rsa> {
        let key = Owned::take(raw)?;
        // SAFETY: takes nothing; the result is checked.
        let envelope = Owned::take(unsafe { EVP_PKEY_new() })?;
        // SAFETY: both are alive; the envelope takes a reference of its own.
        done(unsafe { EVP_PKEY_set1_RSA(envelope.raw(), key.raw()) })?;
        Some(Rsa { key, envelope })
    }

    /// Bytes of the modulus.
    pub fn size(&self) -> usize {
        // SAFETY: reads a key that is alive.
        unsafe { RSA_size(self.key.raw()) as usize }
    }

    /// x^d mod n, blinded, and checked against the public key before it is given (rsa_default_private_transform).
    pub fn sign(&self, padding: Padding, data: &[u8]) -> Option<Secret> {
        filled(self.size(), |out| {
            let mut len = 0;
            // SAFETY: `out` has `size` bytes; data is one slice.
            done(unsafe {
                RSA_sign_raw(
                    self.key.raw(),
                    &mut len,
                    out,
                    self.size(),
                    data.as_ptr(),
                    data.len(),
                    padding.number(),
                )
            })?;
            Some(len)
        })
    }

    /// y^e mod n, without its padding.
    pub fn recover(&self, padding: Padding, signature: &[u8]) -> Option<Secret> {
        filled(self.size(), |out| {
            let (mut len, data) = (0, signature);
            // SAFETY: `out` has `size` bytes; data is one slice.
            done(unsafe {
                RSA_verify_raw(
                    self.key.raw(),
                    &mut len,
                    out,
                    self.size(),
                    data.as_ptr(),
                    data.len(),
                    padding.number(),
                )
            })?;
            Some(len)
        })
    }

    /// PKCS#1 v1.5 encryption (RFC 8017 §7.2.1).
    pub fn encrypt(&self, data: &[u8]) -> Option<Secret> {
        filled(self.size(), |out| {
            let (mut len, padding) = (0, RSA_PKCS1_PADDING);
            // SAFETY: `out` has `size` bytes; data is one slice.
            done(unsafe {
                RSA_encrypt(self.key.raw(), &mut len, out, self.size(), data.as_ptr(), data.len(), padding)
            })?;
            Some(len)
        })
    }

    /// RSASSA-PSS over a digest (RFC 8017 §8.1.1). The digest must have the hash's length.
    pub fn sign_pss(&self, hash: Hash, mgf: Hash, salt: usize, digest: &[u8]) -> Option<Secret> {
        let salt = c_int::try_from(salt).ok()?;
        filled(self.size(), |out| {
            let mut len = 0;
            let (data, n) = (digest.as_ptr(), digest.len());
            // SAFETY: `out` has `size` bytes; data and n are of one slice; the hashes are static.
            done(unsafe {
                RSA_sign_pss_mgf1(
                    self.key.raw(),
                    &mut len,
                    out,
                    self.size(),
                    data,
                    n,
                    md(hash),
                    md(mgf),
                    salt,
                )
            })?;
            Some(len)
        })
    }

    /// Whether a PSS signature is good, with a salt of exactly this length.
    pub fn verify_pss(
        &self,
        hash: Hash,
        mgf: Hash,
        salt: usize,
        digest: &[u8],
        signature: &[u8],
    ) -> Option<()> {
        let salt = c_int::try_from(salt).ok()?;
        let (data, n) = (digest.as_ptr(), digest.len());
        // SAFETY: both slices with their lengths; the hashes are static.
        done(unsafe {
            RSA_verify_pss_mgf1(
                self.key.raw(),
                data,
                n,
                md(hash),
                md(mgf),
                salt,
                signature.as_ptr(),
                signature.len(),
            )
        })
    }

    /// RSAES-OAEP (RFC 8017 §7.1), one way or the other.
    pub fn oaep(&self, encrypt: bool, hash: Hash, mgf: Hash, label: &[u8], data: &[u8]) -> Option<Secret> {
        // SAFETY: the key is alive; no engine.
        let context = Owned::take(unsafe { EVP_PKEY_CTX_new(self.envelope.raw(), ptr::null_mut()) })?;
        // SAFETY: the context is alive; the hashes are static.
        unsafe {
            done(match encrypt {
                true => EVP_PKEY_encrypt_init(context.raw()),
                false => EVP_PKEY_decrypt_init(context.raw()),
            })?;
            done(EVP_PKEY_CTX_set_rsa_padding(context.raw(), RSA_PKCS1_OAEP_PADDING))?;
            done(EVP_PKEY_CTX_set_rsa_oaep_md(context.raw(), md(hash)))?;
            done(EVP_PKEY_CTX_set_rsa_mgf1_md(context.raw(), md(mgf)))?;
        }
        if !label.is_empty() {
            // SAFETY: the copy is made by aws-lc's allocator, as the context frees it by it.
            unsafe {
                let copy = OPENSSL_memdup(label.as_ptr().cast(), label.len());
                if copy.is_null()
                    || EVP_PKEY_CTX_set0_rsa_oaep_label(context.raw(), copy.cast(), label.len()) != 1
                {
                    OPENSSL_free(copy);
                    return done(0).and(None);
                }
            }
        }
        filled(self.size(), |out| {
            let mut len = self.size();
            // SAFETY: `out` has `size` bytes and `len` says so; data is one slice.
            done(unsafe {
                match encrypt {
                    true => EVP_PKEY_encrypt(context.raw(), out, &mut len, data.as_ptr(), data.len()),
                    false => EVP_PKEY_decrypt(context.raw(), out, &mut len, data.as_ptr(), data.len()),
                }
            })?;
            Some(len)
        })
    }
}

/// The hash as aws-lc names it.
fn md(hash: Hash) -> *const EVP_MD {
    // SAFETY: these take nothing and give static objects.
    unsafe {
        match hash {
            Hash::Md5 => EVP_md5(),
            Hash::Sha1 => EVP_sha1(),
            Hash::Sha224 => EVP_sha224(),
            Hash::Sha256 => EVP_sha256(),
            Hash::Sha384 => EVP_sha384(),
            Hash::Sha512 => EVP_sha512(),
            Hash::Sha512_224 => EVP_sha512_224(),
            Hash::Sha512_256 => EVP_sha512_256(),
            Hash::Sha3_224 => EVP_sha3_224(),
            Hash::Sha3_256 => EVP_sha3_256(),
            Hash::Sha3_384 => EVP_sha3_384(),
            Hash::Sha3_512 => EVP_sha3_512(),
        }
    }
}
