//! Elliptic curves in aws-lc: keys in Weierstrass form, and Curve25519.

use std::os::raw::c_int;
use std::ptr;
use std::sync::OnceLock;

use aws_lc_sys::*;

use super::number::context;
use super::{Group, Number, Owned, done, filled};
use crate::crypto::domain::Domain;
use crate::cryptoki::Secret;

/// A curve's number in aws-lc.
pub type Nid = c_int;
pub const P224: Nid = NID_secp224r1;
pub const P256: Nid = NID_X9_62_prime256v1;
pub const P384: Nid = NID_secp384r1;
pub const P521: Nid = NID_secp521r1;
pub const K256: Nid = NID_secp256k1;
pub const P192: Nid = NID_X9_62_prime192v1;
pub const BP224: Nid = NID_brainpoolP224r1;
pub const BP256: Nid = NID_brainpoolP256r1;
pub const BP320: Nid = NID_brainpoolP320r1;
pub const BP384: Nid = NID_brainpoolP384r1;
pub const BP512: Nid = NID_brainpoolP512r1;

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
        self.halves(unsafe { ECDSA_do_sign(digest.as_ptr(), digest.len(), self.0.raw()) })
    }

    /// The same with a nonce as wide as the order, which nobody else may know or see twice; `None` for zero and for the
    /// order or more. What the function's name warns of is a nonce that was not made as RFC 6979 has it.
    pub fn sign_with(&self, digest: &[u8], nonce: &Secret) -> Option<Vec<u8>> {
        let (data, nonce) = (digest.as_ptr(), nonce.expose());
        // SAFETY: the key is alive; digest and nonce are slices with their lengths.
        self.halves(unsafe {
            ECDSA_sign_with_nonce_and_leak_private_key_for_testing(
                data,
                digest.len(),
                self.0.raw(),
                nonce.as_ptr(),
                nonce.len(),
            )
        })
    }

    /// The scalar of a private key, as wide as the order.
    pub fn scalar(&self) -> Option<Secret> {
        let mut scalar = Secret::zeroed(self.order_size());
        // SAFETY: the key is alive; its number is NULL or as alive.
        let number = unsafe { EC_KEY_get0_private_key(self.0.raw()) };
        if number.is_null() {
            return None;
        }
        // SAFETY: the number is the key's, which is alive.
        unsafe { Number::write(number, scalar.expose_mut()) }?;
        Some(scalar)
    }

    /// r and s of a signature that is ours, each as wide as the order.
    fn halves(&self, signature: *mut ECDSA_SIG) -> Option<Vec<u8>> {
        let signature = Owned::take(signature)?;
        let (mut r, mut s) = (ptr::null(), ptr::null());
        // SAFETY: gives two numbers that live as long as the signature.
        unsafe { ECDSA_SIG_get0(signature.raw(), &mut r, &mut s) };
        let mut out = vec![0; 2 * self.order_size()];
        let (left, right) = out.split_at_mut(self.order_size());
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
        if curve == P192 {
            // SAFETY: takes nothing; the result is checked.
            let key = Owned::take(unsafe { EC_KEY_new() }).map(EcKey)?;
            // SAFETY: both are alive; the key takes a copy of the group.
            done(unsafe { EC_KEY_set_group(key.0.raw(), p192()?.raw()) })?;
            return Some(key);
        }
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

/// P-192, which aws-lc does not have by name: a group from its numbers, made once and copied into each key.
fn p192() -> Option<&'static Group> {
    static GROUP: OnceLock<Option<Group>> = OnceLock::new();
    GROUP.get_or_init(|| Domain::of("secp192r1")?.group()).as_ref()
}

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
