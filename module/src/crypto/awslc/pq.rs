//! ML-DSA and ML-KEM in aws-lc.

use std::os::raw::c_int;
use std::ptr;

use aws_lc_sys::*;

use super::{Nid, Owned, done, filled};
use crate::cryptoki::Secret;

pub const ML_DSA_44: Nid = NID_MLDSA44;
pub const ML_DSA_65: Nid = NID_MLDSA65;
pub const ML_DSA_87: Nid = NID_MLDSA87;
pub const ML_KEM_512: Nid = NID_MLKEM512;
pub const ML_KEM_768: Nid = NID_MLKEM768;
pub const ML_KEM_1024: Nid = NID_MLKEM1024;

/// Signs a message representative with randomness of the caller's; FIPS 204 algorithm 7 from its line 7 on. Takes the
/// private key, room for the signature and its length, the representative, a prefix (none), 32 random bytes.
type SignMu = unsafe extern "C" fn(
    *const u8,
    *mut u8,
    *mut usize,
    *const u8,
    usize,
    *const u8,
    usize,
    *const u8,
) -> c_int;

/// A function of [`SignMu`]'s form under its name in the library.
macro_rules! sign_mu {
    ($($name:ident = $symbol:literal),*) => {
        // Not in the public headers, and so not in the bindings; the crate is pinned to the release of this prefix.
        unsafe extern "C" {
            $(
                #[link_name = concat!("aws_lc_0_47_0_ml_dsa_extmu_", $symbol, "_sign_internal")]
                fn $name(
                    private: *const u8,
                    signature: *mut u8,
                    signature_len: *mut usize,
                    mu: *const u8,
                    mu_len: usize,
                    prefix: *const u8,
                    prefix_len: usize,
                    random: *const u8,
                ) -> c_int;
            )*
        }
    };
}

sign_mu!(sign_44 = "44", sign_65 = "65", sign_87 = "87");

/// The function of a parameter set, with the bytes of its private keys and of its signatures.
fn signer(set: Nid) -> Option<(SignMu, usize, usize)> {
    match set {
        ML_DSA_44 => Some((sign_44, 2560, 2420)),
        ML_DSA_65 => Some((sign_65, 4032, 3309)),
        ML_DSA_87 => Some((sign_87, 4896, 4627)),
        _ => None,
    }
}

/// An ML-DSA signature of a 64-byte message representative under an expanded private key.
pub fn ml_dsa_sign(set: Nid, private: &Secret, mu: &[u8; 64], random: &[u8; 32]) -> Option<Vec<u8>> {
    let (sign, _, len) = signer(set).filter(|(_, size, _)| *size == private.len())?;
    let signature = filled(len, |out| {
        let mut written = 0;
        let (key, message, none) = (private.expose().as_ptr(), mu.as_ptr(), ptr::null());
        // SAFETY: `out` has the bytes of the set's signatures, the key those of its private keys, the rest is fixed.
        done(unsafe { sign(key, out, &mut written, message, mu.len(), none, 0, random.as_ptr()) })?;
        Some(written)
    })?;
    Some(signature.expose().to_vec())
}

/// A lattice key, parsed once.
pub struct Lattice(Owned<EVP_PKEY>);

// SAFETY: an EVP_PKEY of aws-lc that is made and then only read may be used from many threads (evp.h).
unsafe impl Send for Lattice {}
// SAFETY: as above.
unsafe impl Sync for Lattice {}

impl Lattice {
    /// An ML-DSA key from its 32-byte seed or its expanded private key; with its public half.
    pub fn ml_dsa_private(set: Nid, bytes: &[u8]) -> Option<Lattice> {
        // SAFETY: one slice with its length, which is copied.
        Owned::take(unsafe { EVP_PKEY_pqdsa_new_raw_private_key(set, bytes.as_ptr(), bytes.len()) })
            .map(Lattice)
    }

    /// An ML-DSA public key.
    pub fn ml_dsa_public(set: Nid, bytes: &[u8]) -> Option<Lattice> {
        // SAFETY: as above.
        Owned::take(unsafe { EVP_PKEY_pqdsa_new_raw_public_key(set, bytes.as_ptr(), bytes.len()) })
            .map(Lattice)
    }

    /// An ML-KEM key from its 64-byte seed d ‖ z; with its public half.
    pub fn ml_kem_seed(set: Nid, seed: &[u8]) -> Option<Lattice> {
        // SAFETY: a number; no engine; the result is checked.
        let context = Owned::take(unsafe { EVP_PKEY_CTX_new_id(EVP_PKEY_KEM, ptr::null_mut()) })?;
        let (mut key, mut len) = (ptr::null_mut(), seed.len());
        // SAFETY: the context is alive; the seed has its length, which aws-lc checks; the key becomes ours.
        unsafe {
            done(EVP_PKEY_CTX_kem_set_params(context.raw(), set))?;
            done(EVP_PKEY_keygen_init(context.raw()))?;
            done(EVP_PKEY_keygen_deterministic(context.raw(), &mut key, seed.as_ptr(), &mut len))?;
        }
        Owned::take(key).map(Lattice)
    }

    /// An ML-KEM key from both of its halves, which are tried on each other.
    pub fn ml_kem_private(set: Nid, public: &[u8], private: &[u8]) -> Option<Lattice> {
        let (p, s) = (public.as_ptr(), private.as_ptr());
        // SAFETY: two slices with their lengths, which are copied.
        let key = Owned::take(unsafe { EVP_PKEY_kem_new_raw_key(set, p, public.len(), s, private.len()) })?;
        // SAFETY: the key is alive.
        done(unsafe { EVP_PKEY_kem_check_key(key.raw()) })?;
        Some(Lattice(key))
    }

    /// An ML-KEM public key.
    pub fn ml_kem_public(set: Nid, bytes: &[u8]) -> Option<Lattice> {
        // SAFETY: one slice with its length, which is copied.
        Owned::take(unsafe { EVP_PKEY_kem_new_raw_public_key(set, bytes.as_ptr(), bytes.len()) }).map(Lattice)
    }

    /// The expanded private key of so many bytes.
    pub fn private(&self, len: usize) -> Option<Secret> {
        filled(len, |out| {
            let mut written = len;
            // SAFETY: the key is alive; `out` has `written` bytes.
            done(unsafe { EVP_PKEY_get_raw_private_key(self.0.raw(), out, &mut written) })?;
            Some(written)
        })
    }

    /// The public key of so many bytes.
    pub fn public(&self, len: usize) -> Option<Vec<u8>> {
        let public = filled(len, |out| {
            let mut written = len;
            // SAFETY: as above.
            done(unsafe { EVP_PKEY_get_raw_public_key(self.0.raw(), out, &mut written) })?;
            Some(written)
        })?;
        Some(public.expose().to_vec())
    }

    /// Whether an ML-DSA signature of a message representative is good.
    pub fn verify(&self, mu: &[u8; 64], signature: &[u8]) -> Option<()> {
        let context = self.context()?;
        // SAFETY: the context is alive; two slices with their lengths.
        unsafe {
            done(EVP_PKEY_verify_init(context.raw()))?;
            let (data, len) = (signature.as_ptr(), signature.len());
            done(EVP_PKEY_verify(context.raw(), data, len, mu.as_ptr(), mu.len()))
        }
    }

    /// ML-KEM encapsulation with 32 bytes of randomness: the ciphertext of so many bytes, and the shared secret.
    pub fn encapsulate(&self, len: usize, random: &[u8; 32]) -> Option<(Vec<u8>, Secret)> {
        let context = self.context()?;
        let mut shared = Secret::zeroed(32);
        let ciphertext = filled(len, |out| {
            let (mut written, mut shared_len, mut random_len) = (len, 32, random.len());
            let secret = shared.expose_mut().as_mut_ptr();
            // SAFETY: the context is alive; each pointer is of a buffer with the length beside it.
            done(unsafe {
                EVP_PKEY_encapsulate_deterministic(
                    context.raw(),
                    out,
                    &mut written,
                    secret,
                    &mut shared_len,
                    random.as_ptr(),
                    &mut random_len,
                )
            })?;
            Some(written)
        })?;
        Some((ciphertext.expose().to_vec(), shared))
    }

    /// The shared secret of a ciphertext; of a bad one a secret that nobody else knows (FIPS 203 algorithm 18).
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Option<Secret> {
        let context = self.context()?;
        filled(32, |out| {
            let (mut len, data) = (32, ciphertext.as_ptr());
            // SAFETY: the context is alive; `out` has `len` bytes; aws-lc checks the length of the ciphertext.
            done(unsafe { EVP_PKEY_decapsulate(context.raw(), out, &mut len, data, ciphertext.len()) })?;
            Some(len)
        })
    }

    fn context(&self) -> Option<Owned<EVP_PKEY_CTX>> {
        // SAFETY: the key is alive; no engine.
        Owned::take(unsafe { EVP_PKEY_CTX_new(self.0.raw(), ptr::null_mut()) })
    }
}
