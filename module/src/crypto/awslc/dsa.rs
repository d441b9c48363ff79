//! DSA in aws-lc, and the primes of RFC 3526.

use std::ptr;

use aws_lc_sys::*;

use super::{Number, Owned, done};

/// A DSA key, parsed once: public, or private with its public half.
pub struct Dsa {
    key: Owned<DSA>,
    /// Bytes of q.
    size: usize,
}

// SAFETY: a DSA of aws-lc that is made and then only read may be used from many threads; what it computes lazily is
// under the key's own lock (dsa.h).
unsafe impl Send for Dsa {}
// SAFETY: as above.
unsafe impl Sync for Dsa {}

impl Dsa {
    /// A key from p, q, g, y and, for a private one, x.
    pub fn new([p, q, g, y]: [Number; 4], x: Option<Number>) -> Option<Dsa> {
        // SAFETY: takes nothing; the result is checked.
        let key = Owned::take(unsafe { DSA_new() })?;
        let size = q.bits().div_ceil(8);
        // SAFETY: on success the key owns the numbers, so their owners here forget them.
        unsafe {
            done(DSA_set0_pqg(key.raw(), p.0.raw(), q.0.raw(), g.0.raw()))?;
            std::mem::forget((p, q, g));
            let private = x.as_ref().map_or(ptr::null_mut(), |x| x.0.raw());
            done(DSA_set0_key(key.raw(), y.0.raw(), private))?;
            std::mem::forget((y, x));
        }
        Some(Dsa { key, size })
    }

    /// r and s over a digest, each as wide as q; of a longer digest the leftmost bits count.
    pub fn sign(&self, digest: &[u8]) -> Option<Vec<u8>> {
        // SAFETY: the key is alive; the digest is one slice.
        let signature = Owned::take(unsafe { DSA_do_sign(digest.as_ptr(), digest.len(), self.key.raw()) })?;
        let (mut r, mut s) = (ptr::null(), ptr::null());
        // SAFETY: gives two numbers that live as long as the signature.
        unsafe { DSA_SIG_get0(signature.raw(), &mut r, &mut s) };
        let mut out = vec![0; 2 * self.size];
        let (left, right) = out.split_at_mut(self.size);
        // SAFETY: both numbers are the signature's, which is alive.
        unsafe {
            Number::write(r, left)?;
            Number::write(s, right)?;
        }
        Some(out)
    }

    /// Whether r and s are a signature of the digest.
    pub fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Option<()> {
        // SAFETY: takes nothing; the result is checked.
        let signature = Owned::take(unsafe { DSA_SIG_new() })?;
        let (r, s) = (Number::new(r)?, Number::new(s)?);
        // SAFETY: on success the signature owns both numbers, so their owners here forget them.
        done(unsafe { DSA_SIG_set0(signature.raw(), r.0.raw(), s.0.raw()) })?;
        std::mem::forget((r, s));
        let (data, len) = (digest.as_ptr(), digest.len());
        // SAFETY: key and signature are alive; the digest is one slice.
        done(unsafe { DSA_do_verify(data, len, signature.raw(), self.key.raw()) })
    }
}

impl Number {
    /// The prime of RFC 3526 with so many bits, whose generator is 2.
    pub fn modp(bits: usize) -> Option<Number> {
        let get = match bits {
            1536 => BN_get_rfc3526_prime_1536,
            2048 => BN_get_rfc3526_prime_2048,
            3072 => BN_get_rfc3526_prime_3072,
            4096 => BN_get_rfc3526_prime_4096,
            6144 => BN_get_rfc3526_prime_6144,
            8192 => BN_get_rfc3526_prime_8192,
            _ => return None,
        };
        // SAFETY: NULL asks for a new number.
        Owned::take(unsafe { get(ptr::null_mut()) }).map(Number)
    }

    /// A safe prime of so many bits, by aws-lc's own randomness, for the generator 2 (p = 23 modulo 24).
    pub fn safe_prime(bits: usize) -> Option<Number> {
        let prime = Number::new(&[])?;
        let (add, rem) = (Number::new(&[24])?, Number::new(&[23])?);
        let bits = i32::try_from(bits).ok()?;
        // SAFETY: three numbers that are alive; no callback.
        done(unsafe {
            BN_generate_prime_ex(prime.0.raw(), bits, 1, add.0.raw(), rem.0.raw(), ptr::null_mut())
        })?;
        Some(prime)
    }
}
