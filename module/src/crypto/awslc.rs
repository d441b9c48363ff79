//! aws-lc in safe functions over bytes: the only file of this room with `unsafe`.
//!
//! `None` means that aws-lc refused; its callers know the rule that was broken and say it.

use std::os::raw::c_int;
use std::ptr::{self, NonNull};

use aws_lc_sys::*;

use super::hash::Hash;
use crate::cryptoki::Secret;

// ── Ownership ────────────────────────────────────────────────────────────────────────────────────

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
    EC_KEY => EC_KEY_free;
    EC_POINT => EC_POINT_free;
    aws_lc_sys::ECDSA_SIG => ECDSA_SIG_free;
    CMAC_CTX => CMAC_CTX_free;
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

// ── Numbers ──────────────────────────────────────────────────────────────────────────────────────

/// A non-negative integer of any size.
pub struct Number(Owned<BIGNUM>);

impl Number {
    /// From big-endian bytes.
    pub fn new(bytes: &[u8]) -> Option<Number> {
        // SAFETY: pointer and length are of one slice; NULL asks for a new number.
        Owned::take(unsafe { BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) }).map(Number)
    }

    /// Big-endian bytes without leading zeros.
    pub fn bytes(&self) -> Secret {
        let mut out = Secret::zeroed(self.bits().div_ceil(8));
        // SAFETY: writes BN_num_bytes bytes, which is what `out` has.
        unsafe { BN_bn2bin(self.0.raw(), out.expose_mut().as_mut_ptr()) };
        out
    }

    /// How many bits, without leading zeros.
    pub fn bits(&self) -> usize {
        // SAFETY: reads a number that is alive.
        unsafe { BN_num_bits(self.0.raw()) as usize }
    }

    pub fn is_odd(&self) -> bool {
        // SAFETY: reads a number that is alive.
        unsafe { BN_is_odd(self.0.raw()) == 1 }
    }

    pub fn is_one(&self) -> bool {
        // SAFETY: reads a number that is alive.
        unsafe { BN_is_one(self.0.raw()) == 1 }
    }

    pub fn is_prime(&self) -> Option<bool> {
        let context = context()?;
        let mut answer = 0;
        // SAFETY: number and context are alive, `answer` is ours; no callback.
        done(unsafe {
            BN_primality_test(
                &mut answer,
                self.0.raw(),
                BN_prime_checks_for_validation,
                context.raw(),
                1,
                ptr::null_mut(),
            )
        })?;
        Some(answer == 1)
    }

    /// `self - other`; `None` below zero.
    pub fn minus(&self, other: &Number) -> Option<Number> {
        if *self < *other {
            return None;
        }
        // SAFETY: three numbers that are alive.
        computed(|out, _| unsafe { BN_sub(out, self.0.raw(), other.0.raw()) })
    }

    pub fn times(&self, other: &Number) -> Option<Number> {
        // SAFETY: three numbers and a context that are alive.
        computed(|out, context| unsafe { BN_mul(out, self.0.raw(), other.0.raw(), context) })
    }

    /// `self / other`, rounded down; `None` for zero.
    pub fn over(&self, other: &Number) -> Option<Number> {
        // SAFETY: three numbers and a context that are alive; no remainder is asked.
        computed(|out, context| unsafe { BN_div(out, ptr::null_mut(), self.0.raw(), other.0.raw(), context) })
    }

    /// `self mod other`; `None` for zero.
    pub fn modulo(&self, other: &Number) -> Option<Number> {
        // SAFETY: three numbers and a context that are alive; no quotient is asked.
        computed(|out, context| unsafe { BN_div(ptr::null_mut(), out, self.0.raw(), other.0.raw(), context) })
    }

    pub fn gcd(&self, other: &Number) -> Option<Number> {
        // SAFETY: three numbers and a context that are alive.
        computed(|out, context| unsafe { BN_gcd(out, self.0.raw(), other.0.raw(), context) })
    }

    /// The inverse modulo `modulus`, if there is one.
    pub fn inverse(&self, modulus: &Number) -> Option<Number> {
        // SAFETY: three numbers and a context that are alive.
        computed(|out, context| {
            c_int::from(!unsafe { BN_mod_inverse(out, self.0.raw(), modulus.0.raw(), context) }.is_null())
        })
    }

    /// `self ^ exponent mod modulus`.
    pub fn power(&self, exponent: &Number, modulus: &Number) -> Option<Number> {
        // SAFETY: four numbers and a context that are alive.
        computed(|out, context| unsafe {
            BN_mod_exp(out, self.0.raw(), exponent.0.raw(), modulus.0.raw(), context)
        })
    }

    /// `self / 2`, rounded down.
    pub fn half(&self) -> Option<Number> {
        // SAFETY: two numbers that are alive.
        computed(|out, _| unsafe { BN_rshift1(out, self.0.raw()) })
    }

    /// Big-endian bytes, padded to `out` on the left; `None` when they do not fit.
    fn write(number: *const BIGNUM, out: &mut [u8]) -> Option<()> {
        // SAFETY: the callers hand in numbers that are alive; pointer and length are of one slice.
        done(unsafe { BN_bn2bin_padded(out.as_mut_ptr(), out.len(), number) })
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.partial_cmp(other).is_some_and(|order| order.is_eq())
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<std::cmp::Ordering> {
        // SAFETY: reads two numbers that are alive.
        Some(unsafe { BN_cmp(self.0.raw(), other.0.raw()) }.cmp(&0))
    }
}

fn context() -> Option<Owned<BN_CTX>> {
    // SAFETY: takes nothing; the result is checked.
    Owned::take(unsafe { BN_CTX_new() })
}

fn computed(work: impl FnOnce(*mut BIGNUM, *mut BN_CTX) -> c_int) -> Option<Number> {
    // SAFETY: takes nothing; the result is checked.
    let out = Owned::take(unsafe { BN_new() })?;
    let context = context()?;
    done(work(out.raw(), context.raw()))?;
    Some(Number(out))
}

// ── RSA ──────────────────────────────────────────────────────────────────────────────────────────

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

// ── Elliptic curves ──────────────────────────────────────────────────────────────────────────────

/// A curve's number in aws-lc.
pub type Nid = c_int;
pub const P224: Nid = NID_secp224r1;
pub const P256: Nid = NID_X9_62_prime256v1;
pub const P384: Nid = NID_secp384r1;
pub const P521: Nid = NID_secp521r1;
pub const K256: Nid = NID_secp256k1;

/// A key on a curve, parsed once: public, or private with its public half.
pub struct EcKey(Owned<EC_KEY>);

// SAFETY: an EC_KEY of aws-lc that is made and then only read may be used from many threads
// (ec_key.h); groups are static.
unsafe impl Send for EcKey {}
// SAFETY: as above.
unsafe impl Sync for EcKey {}

impl EcKey {
    /// A public key from a point as SEC 1 §2.3.3 encodes it; `None` when it is not on the curve.
    pub fn public(curve: Nid, point: &[u8]) -> Option<EcKey> {
        let key = EcKey::empty(curve)?;
        let point = key.point(point)?;
        // SAFETY: both are alive; the point is copied.
        done(unsafe { EC_KEY_set_public_key(key.0.raw(), point.raw()) })?;
        Some(key)
    }

    /// A private key from its scalar; `None` for zero and for the order or more.
    pub fn private(curve: Nid, scalar: &[u8]) -> Option<EcKey> {
        let key = EcKey::empty(curve)?;
        let scalar = Number::new(scalar)?;
        let (point, context) = (key.blank()?, context()?);
        // SAFETY: all are alive; scalar and point are copied.
        unsafe {
            done(EC_KEY_set_private_key(key.0.raw(), scalar.0.raw()))?;
            let (n, none) = (scalar.0.raw(), ptr::null());
            done(EC_POINT_mul(key.group(), point.raw(), n, none, ptr::null(), context.raw()))?;
            done(EC_KEY_set_public_key(key.0.raw(), point.raw()))?;
        }
        Some(key)
    }

    /// The public point, uncompressed.
    pub fn public_point(&self) -> Option<Vec<u8>> {
        let mut out = vec![0; 1 + 2 * self.size()];
        let form = point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED;
        // SAFETY: key and group are alive; pointer and length are of one vector.
        let len = unsafe {
            let point = EC_KEY_get0_public_key(self.0.raw());
            EC_POINT_point2oct(self.group(), point, form, out.as_mut_ptr(), out.len(), ptr::null_mut())
        };
        (len == out.len()).then_some(out).or_else(|| done(0).and(None))
    }

    /// ECDSA over a digest of any length: r and s, each as wide as the order.
    pub fn sign(&self, digest: &[u8]) -> Option<Vec<u8>> {
        // SAFETY: the key is alive; the digest is one slice.
        let signature = Owned::take(unsafe { ECDSA_do_sign(digest.as_ptr(), digest.len(), self.0.raw()) })?;
        let (mut r, mut s) = (ptr::null(), ptr::null());
        // SAFETY: gives two numbers that live as long as the signature.
        unsafe { ECDSA_SIG_get0(signature.raw(), &mut r, &mut s) };
        let mut out = vec![0; 2 * self.order_size()];
        let (left, right) = out.split_at_mut(self.order_size());
        Number::write(r, left)?;
        Number::write(s, right)?;
        Some(out)
    }

    /// Whether r and s are a signature of the digest.
    pub fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Option<()> {
        // SAFETY: takes nothing; the result is checked.
        let signature = Owned::take(unsafe { ECDSA_SIG_new() })?;
        let (r, s) = (Number::new(r)?, Number::new(s)?);
        // SAFETY: on success the signature owns both numbers, so their owners here forget them.
        done(unsafe { ECDSA_SIG_set0(signature.raw(), r.0.raw(), s.0.raw()) })?;
        std::mem::forget((r, s));
        // SAFETY: key and signature are alive; the digest is one slice.
        done(unsafe { ECDSA_do_verify(digest.as_ptr(), digest.len(), signature.raw(), self.0.raw()) })
    }

    /// The x coordinate of our scalar times the peer's point.
    pub fn agree(&self, peer: &[u8]) -> Option<Secret> {
        let peer = self.point(peer)?;
        filled(self.size(), |out| {
            // SAFETY: key and point are alive and on one group; `out` has `size` bytes.
            let len = unsafe { ECDH_compute_key(out.cast(), self.size(), peer.raw(), self.0.raw(), None) };
            done(c_int::from(len > 0))?;
            usize::try_from(len).ok()
        })
    }

    fn empty(curve: Nid) -> Option<EcKey> {
        // SAFETY: takes a number; the result is checked.
        Owned::take(unsafe { EC_KEY_new_by_curve_name(curve) }).map(EcKey)
    }

    fn blank(&self) -> Option<Owned<EC_POINT>> {
        // SAFETY: the group is alive.
        Owned::take(unsafe { EC_POINT_new(self.group()) })
    }

    fn point(&self, bytes: &[u8]) -> Option<Owned<EC_POINT>> {
        let point = self.blank()?;
        // SAFETY: group and point are alive; the bytes are one slice. Checks that the point is on the curve.
        done(unsafe {
            EC_POINT_oct2point(self.group(), point.raw(), bytes.as_ptr(), bytes.len(), ptr::null_mut())
        })?;
        Some(point)
    }

    fn group(&self) -> *const EC_GROUP {
        // SAFETY: the key is alive, and has a group since it was made by name.
        unsafe { EC_KEY_get0_group(self.0.raw()) }
    }

    fn size(&self) -> usize {
        // SAFETY: the group is alive.
        unsafe { EC_GROUP_get_degree(self.group()) }.div_ceil(8) as usize
    }

    fn order_size(&self) -> usize {
        // SAFETY: the group is alive, and so is its order.
        unsafe { BN_num_bits(EC_GROUP_get0_order(self.group())) }.div_ceil(8) as usize
    }
}

// ── AES ──────────────────────────────────────────────────────────────────────────────────────────

/// Which AES mode runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Aes {
    Ecb,
    Cbc,
    Ctr,
    Gcm,
}

impl Aes {
    fn cipher(self, key: usize) -> Option<*const EVP_CIPHER> {
        let make: unsafe extern "C" fn() -> *const EVP_CIPHER = match (self, key) {
            (Aes::Ecb, 16) => EVP_aes_128_ecb,
            (Aes::Ecb, 24) => EVP_aes_192_ecb,
            (Aes::Ecb, 32) => EVP_aes_256_ecb,
            (Aes::Cbc, 16) => EVP_aes_128_cbc,
            (Aes::Cbc, 24) => EVP_aes_192_cbc,
            (Aes::Cbc, 32) => EVP_aes_256_cbc,
            (Aes::Ctr, 16) => EVP_aes_128_ctr,
            (Aes::Ctr, 24) => EVP_aes_192_ctr,
            (Aes::Ctr, 32) => EVP_aes_256_ctr,
            (Aes::Gcm, 16) => EVP_aes_128_gcm,
            (Aes::Gcm, 24) => EVP_aes_192_gcm,
            (Aes::Gcm, 32) => EVP_aes_256_gcm,
            _ => return None,
        };
        // SAFETY: takes nothing and gives a static object.
        Some(unsafe { make() })
    }
}

/// A running cipher.
pub struct Stream(Owned<EVP_CIPHER_CTX>);

// SAFETY: the context is owned here and belongs to no thread.
unsafe impl Send for Stream {}
// SAFETY: every function that touches the context takes `&mut self`.
unsafe impl Sync for Stream {}

impl Stream {
    /// Bytes taken by one call: a C int counts them.
    const STRIDE: usize = 1 << 30;

    /// A cipher with its key and IV. The IV has the block's length, but for ECB (none) and GCM (any but none).
    pub fn new(mode: Aes, encrypt: bool, padded: bool, key: &[u8], iv: &[u8]) -> Option<Stream> {
        let cipher = mode.cipher(key.len())?;
        let right = match mode {
            Aes::Ecb => iv.is_empty(),
            Aes::Cbc | Aes::Ctr => iv.len() == 16,
            Aes::Gcm => !iv.is_empty(),
        };
        let len = c_int::try_from(iv.len()).ok().filter(|_| right)?;
        // SAFETY: takes nothing; the result is checked.
        let stream = Stream(Owned::take(unsafe { EVP_CIPHER_CTX_new() })?);
        let (raw, way, none) = (stream.0.raw(), c_int::from(encrypt), ptr::null());
        // SAFETY: the context is alive; key and IV have the lengths that the cipher reads.
        unsafe {
            done(EVP_CipherInit_ex(raw, cipher, ptr::null_mut(), none, none, way))?;
            if mode == Aes::Gcm {
                done(EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_IVLEN, len, ptr::null_mut()))?;
            }
            done(EVP_CipherInit_ex(raw, ptr::null(), ptr::null_mut(), key.as_ptr(), iv.as_ptr(), way))?;
            done(EVP_CIPHER_CTX_set_padding(raw, c_int::from(padded)))?;
        }
        Some(stream)
    }

    /// Begins anew from this 16-byte counter block, under the same key.
    pub fn restart(&mut self, iv: &[u8; 16]) -> Option<()> {
        let (none, same) = (ptr::null(), -1);
        // SAFETY: the context is alive and has its key; the IV has 16 bytes, as CTR reads.
        done(unsafe {
            EVP_CipherInit_ex(self.0.raw(), ptr::null(), ptr::null_mut(), none, iv.as_ptr(), same)
        })
    }

    /// Takes data; what comes of it goes to the end of `out`.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Option<()> {
        // One block may come from before, and decryption with padding writes one block that it takes back.
        out.try_reserve(data.len().checked_add(32)?).ok()?;
        for part in data.chunks(Self::STRIDE) {
            let mut len = 0;
            // SAFETY: at most the part and two blocks are written, and so much was reserved beyond the
            // parts before it; `len` bytes of it are then initialised.
            unsafe {
                let end = out.as_mut_ptr().add(out.len());
                done(EVP_CipherUpdate(self.0.raw(), end, &mut len, part.as_ptr(), part.len() as c_int))?;
                out.set_len(out.len() + len as usize);
            }
        }
        Some(())
    }

    /// Takes data that is authenticated only (GCM).
    pub fn authenticate(&mut self, data: &[u8]) -> Option<()> {
        data.chunks(Self::STRIDE).try_for_each(|part| {
            let mut len = 0;
            // SAFETY: no output is asked; the part is one slice.
            done(unsafe {
                EVP_CipherUpdate(self.0.raw(), ptr::null_mut(), &mut len, part.as_ptr(), part.len() as c_int)
            })
        })
    }

    /// The last block, to the end of `out`; with GCM, checks the tag that was expected.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let (mut block, mut len) = (zeroize::Zeroizing::new([0; 32]), 0);
        // SAFETY: at most one block is written, and there is room for two.
        done(unsafe { EVP_CipherFinal_ex(self.0.raw(), block.as_mut_ptr(), &mut len) })?;
        out.extend_from_slice(block.get(..usize::try_from(len).ok()?)?);
        Some(())
    }

    /// The tag of an encryption that is finished (GCM).
    pub fn tag(&mut self) -> Option<[u8; 16]> {
        let mut tag = [0; 16];
        // SAFETY: 16 bytes are asked and there is room for them.
        done(unsafe {
            EVP_CIPHER_CTX_ctrl(self.0.raw(), EVP_CTRL_AEAD_GET_TAG, 16, tag.as_mut_ptr().cast())
        })?;
        Some(tag)
    }

    /// The tag that a decryption must have (GCM), 1 to 16 bytes.
    pub fn expect(&mut self, tag: &[u8]) -> Option<()> {
        let len = c_int::try_from(tag.len()).ok()?;
        // SAFETY: the tag is one slice, and is only read and copied.
        done(unsafe {
            EVP_CIPHER_CTX_ctrl(self.0.raw(), EVP_CTRL_AEAD_SET_TAG, len, tag.as_ptr().cast_mut().cast())
        })
    }
}

/// A running AES-CMAC (SP 800-38B).
pub struct Cmac(Owned<CMAC_CTX>);

// SAFETY: the context is owned here and belongs to no thread.
unsafe impl Send for Cmac {}
// SAFETY: what takes `&self` only reads the context.
unsafe impl Sync for Cmac {}

impl Cmac {
    /// Under a key of 16, 24 or 32 bytes.
    pub fn new(key: &[u8]) -> Option<Cmac> {
        let cipher = Aes::Cbc.cipher(key.len())?;
        let cmac = Cmac::empty()?;
        // SAFETY: the context is alive; pointer and length are of one slice, as long as the cipher's key.
        done(unsafe { CMAC_Init(cmac.0.raw(), key.as_ptr().cast(), key.len(), cipher, ptr::null_mut()) })?;
        Some(cmac)
    }

    pub fn update(&mut self, data: &[u8]) -> Option<()> {
        // SAFETY: the context is alive; the data are one slice.
        done(unsafe { CMAC_Update(self.0.raw(), data.as_ptr(), data.len()) })
    }

    pub fn finish(&mut self) -> Option<[u8; 16]> {
        let (mut tag, mut len) = ([0; 16], 0);
        // SAFETY: writes one block of AES, for which there is room.
        done(unsafe { CMAC_Final(self.0.raw(), tag.as_mut_ptr(), &mut len) })?;
        Some(tag)
    }

    /// The same state once more.
    pub fn twin(&self) -> Option<Cmac> {
        let twin = Cmac::empty()?;
        // SAFETY: both contexts are alive; only the new one is written.
        done(unsafe { CMAC_CTX_copy(twin.0.raw(), self.0.raw()) })?;
        Some(twin)
    }

    fn empty() -> Option<Cmac> {
        // SAFETY: takes nothing; the result is checked.
        Owned::take(unsafe { CMAC_CTX_new() }).map(Cmac)
    }
}

/// An AES key schedule that is zeroed when dropped.
struct Schedule(AES_KEY);

impl Schedule {
    fn new(encrypt: bool, key: &[u8]) -> Option<Schedule> {
        // SAFETY: the schedule is plain numbers; aws-lc fills it from as many bits as the slice has, and
        // answers 0 (its only success here) or refuses the length.
        unsafe {
            let mut schedule = Schedule(std::mem::zeroed());
            let (bits, set) = (u32::try_from(8 * key.len()).ok()?, &mut schedule.0);
            let answer = match encrypt {
                true => AES_set_encrypt_key(key.as_ptr(), bits, set),
                false => AES_set_decrypt_key(key.as_ptr(), bits, set),
            };
            (answer == 0).then_some(schedule)
        }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        // SAFETY: zeroes exactly the schedule.
        unsafe { OPENSSL_cleanse(ptr::from_mut(&mut self.0).cast(), size_of::<AES_KEY>()) }
    }
}

/// AES key wrap (RFC 3394) with this IV, either way; without one, with padding (RFC 5649).
pub fn wrap(encrypt: bool, key: &[u8], iv: Option<&[u8; 8]>, data: &[u8]) -> Option<Secret> {
    let schedule = Schedule::new(encrypt, key)?;
    let (key, from, n) = (&raw const schedule.0, data.as_ptr(), data.len());
    let most = n.checked_add(16)?;
    filled(most, |out| {
        let mut len = 0;
        // SAFETY: from and n are of one slice; wrapping writes at most 15 bytes more than it reads, and `out`
        // has 16 more; the IV has 8 bytes.
        let written = unsafe {
            match (iv, encrypt) {
                (Some(iv), true) => AES_wrap_key(key, iv.as_ptr(), out, from, n),
                (Some(iv), false) => AES_unwrap_key(key, iv.as_ptr(), out, from, n),
                (None, true) => AES_wrap_key_padded(key, out, &mut len, most, from, n),
                (None, false) => AES_unwrap_key_padded(key, out, &mut len, most, from, n),
            }
        };
        done(c_int::from(written > 0))?;
        if iv.is_some() { usize::try_from(written).ok() } else { Some(len) }
    })
}

// ── Curve25519 ───────────────────────────────────────────────────────────────────────────────────

/// What EdDSA signs (RFC 8032 §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Eddsa<'a> {
    /// Ed25519: the message.
    Pure,
    /// Ed25519ctx: the message in a context of 1 to 255 bytes.
    Context(&'a [u8]),
    /// Ed25519ph: the message's SHA-512 in a context of up to 255 bytes.
    Prehash(&'a [u8]),
}

/// The 64-byte key (seed and point) of a seed.
pub fn ed25519_key(seed: &[u8; 32]) -> Secret {
    let (mut public, mut key) = ([0; 32], Secret::zeroed(64));
    // SAFETY: reads 32 bytes, writes 32 and 64, as the arrays have.
    unsafe { ED25519_keypair_from_seed(public.as_mut_ptr(), key.expose_mut().as_mut_ptr(), seed.as_ptr()) };
    key
}

/// An Ed25519 signature under a 64-byte key.
pub fn ed25519_sign(how: Eddsa, key: &Secret, message: &[u8]) -> Option<[u8; 64]> {
    if key.len() != 64 {
        return None;
    }
    let (mut out, data, n) = ([0; 64], message.as_ptr(), message.len());
    let (to, key) = (out.as_mut_ptr(), key.expose().as_ptr());
    // SAFETY: writes 64 bytes, reads a key of 64, and slices with their lengths.
    done(unsafe {
        match how {
            Eddsa::Pure => ED25519_sign(to, data, n, key),
            Eddsa::Context(context) => ED25519ctx_sign(to, data, n, key, context.as_ptr(), context.len()),
            Eddsa::Prehash(context) => ED25519ph_sign(to, data, n, key, context.as_ptr(), context.len()),
        }
    })?;
    Some(out)
}

/// Whether an Ed25519 signature is good.
pub fn ed25519_verify(how: Eddsa, public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Option<()> {
    let (data, n, sig, key) = (message.as_ptr(), message.len(), signature.as_ptr(), public.as_ptr());
    // SAFETY: reads a signature of 64 bytes, a key of 32, and slices with their lengths.
    done(unsafe {
        match how {
            Eddsa::Pure => ED25519_verify(data, n, sig, key),
            Eddsa::Context(context) => ED25519ctx_verify(data, n, sig, key, context.as_ptr(), context.len()),
            Eddsa::Prehash(context) => ED25519ph_verify(data, n, sig, key, context.as_ptr(), context.len()),
        }
    })
}

/// The public value of an X25519 key.
pub fn x25519_public(private: &[u8; 32]) -> [u8; 32] {
    let mut out = [0; 32];
    // SAFETY: reads and writes 32 bytes, as the arrays have.
    unsafe { X25519_public_from_private(out.as_mut_ptr(), private.as_ptr()) };
    out
}

/// The X25519 secret; `None` when it is zero (a peer of small order).
pub fn x25519(private: &[u8; 32], peer: &[u8; 32]) -> Option<Secret> {
    let mut out = Secret::zeroed(32);
    // SAFETY: reads twice 32 bytes and writes 32, as the arrays have.
    done(unsafe { X25519(out.expose_mut().as_mut_ptr(), private.as_ptr(), peer.as_ptr()) })?;
    Some(out)
}

// ── Memory ───────────────────────────────────────────────────────────────────────────────────────

/// aws-lc's allocator. The four functions are weak in aws-lc, so that a host process that has such
/// symbols of its own would lend its allocator to our keys. They are defined here, hidden: neither
/// imported nor exported by the module.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod memory {
    use std::alloc::{Layout, alloc, dealloc};
    use std::ptr;

    /// Room before each allocation for its size, and its alignment.
    const HEAD: usize = 16;

    fn layout(size: usize) -> Option<Layout> {
        Layout::from_size_align(size.checked_add(HEAD)?, HEAD).ok()
    }

    pub extern "C" fn allocate(size: usize) -> *mut u8 {
        #[cfg(test)]
        super::tests::COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let Some(layout) = layout(size) else { return ptr::null_mut() };
        // SAFETY: the layout is not empty; the head is aligned and has room for a size.
        unsafe {
            let base = alloc(layout);
            if base.is_null() {
                return base;
            }
            base.cast::<usize>().write(size);
            base.add(HEAD)
        }
    }

    /// # Safety
    /// `block` came from `allocate` and is not used afterwards.
    pub unsafe extern "C" fn free(block: *mut u8) {
        // SAFETY: by the promise, the head is before the block and tells its size.
        unsafe {
            let size = size(block);
            let Some(layout) = layout(size) else { return };
            // A plain memset that the compiler may not drop; `zeroize` writes byte by byte, eight times slower.
            aws_lc_sys::OPENSSL_cleanse(block.cast(), size);
            dealloc(block.sub(HEAD), layout);
        }
    }

    /// # Safety
    /// `block` came from `allocate`.
    pub unsafe extern "C" fn size(block: *mut u8) -> usize {
        // SAFETY: by the promise, the head is before the block.
        unsafe { block.sub(HEAD).cast::<usize>().read() }
    }

    /// # Safety
    /// `block` came from `allocate`; it is not used afterwards, unless the answer is NULL.
    pub unsafe extern "C" fn reallocate(block: *mut u8, len: usize) -> *mut u8 {
        let new = allocate(len);
        if !new.is_null() {
            // SAFETY: both blocks have at least the smaller size, and are apart.
            unsafe {
                ptr::copy_nonoverlapping(block, new, size(block).min(len));
                free(block);
            }
        }
        new
    }

    #[cfg(target_arch = "x86_64")]
    macro_rules! jump {
        () => {
            "jmp"
        };
    }
    #[cfg(target_arch = "aarch64")]
    macro_rules! jump {
        () => {
            "b"
        };
    }

    macro_rules! hidden {
        ($($name:literal => $function:path;)*) => {$(
            std::arch::global_asm!(
                concat!(".pushsection .text.", $name, ",\"ax\",@progbits"),
                concat!(".globl ", $name),
                concat!(".hidden ", $name),
                concat!(".type ", $name, ",@function"),
                concat!($name, ":"),
                concat!(jump!(), " {function}"),
                concat!(".size ", $name, ", . - ", $name),
                ".popsection",
                function = sym $function,
            );
        )*};
    }

    hidden! {
        "OPENSSL_memory_alloc" => allocate;
        "OPENSSL_memory_free" => free;
        "OPENSSL_memory_get_size" => size;
        "OPENSSL_memory_realloc" => reallocate;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    pub static COUNT: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn aws_lc_allocates_through_us() {
        let before = COUNT.load(Ordering::Relaxed);
        let number = Number::new(&[7; 100]).unwrap();
        assert!(COUNT.load(Ordering::Relaxed) > before);
        assert_eq!(number.bytes().expose(), [7; 100]);
        // SAFETY: a block of aws-lc's allocator, used within its size, freed once.
        unsafe {
            let block = OPENSSL_malloc(10).cast::<u8>();
            block.write_bytes(5, 10);
            let block = OPENSSL_realloc(block.cast(), 10_000).cast::<u8>();
            assert_eq!(std::slice::from_raw_parts(block, 10), [5; 10]);
            OPENSSL_free(block.cast());
            assert!(OPENSSL_malloc(usize::MAX).is_null());
            ERR_clear_error();
        }
    }

    #[test]
    fn numbers_count() {
        let n = |bytes: &[u8]| Number::new(bytes).unwrap();
        assert_eq!(n(&[]).bytes().len(), 0);
        assert_eq!(n(&[1, 0]).minus(&n(&[1])).unwrap().bytes().expose(), [255]);
        assert!(n(&[1]).minus(&n(&[2])).is_none());
        assert!(n(&[1]).over(&n(&[])).is_none());
        assert!(n(&[1]).modulo(&n(&[])).is_none());
        assert!(n(&[2]).inverse(&n(&[4])).is_none());
        assert!(n(&[2]).power(&n(&[10]), &n(&[3, 233])).unwrap() == n(&[23]));
        assert_eq!(n(&[97]).is_prime(), Some(true));
        assert_eq!(n(&[91]).is_prime(), Some(false));
    }
}
