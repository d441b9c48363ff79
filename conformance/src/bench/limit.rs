//! What the library underneath can do with the same work and no token around it: the limit of each workload.

use std::io::Write;
use std::path::Path;

use tokenkeep::crypto::cipher::{Ctr, Direction, Gcm};
use tokenkeep::crypto::edwards::{Curve as Edwards, Eddsa};
use tokenkeep::crypto::hash::Hash;
use tokenkeep::crypto::mac::Hmac;
use tokenkeep::crypto::{ec, edwards, kdf, rng, rsa};
use tokenkeep::cryptoki::{Result, Secret};
use tokenkeep::token::settings::KDF_ITERATIONS;

use super::workload::Step;

/// Begins the bare work; the directory is where a file may be written. None where there is nothing underneath.
pub type Limit = fn(&Path) -> Option<Step>;

pub const NONE: Limit = |_| None;

/// A step that must succeed.
fn step<T>(mut work: impl FnMut(u64) -> Result<T> + 'static) -> Option<Step> {
    Some(Box::new(move |n| match work(n) {
        Ok(done) => drop(std::hint::black_box(done)),
        Err(error) => panic!("the library refused: {error}"),
    }))
}

pub fn ec_sign(curve: ec::Curve) -> Option<Step> {
    let (scalar, _) = ec::generate(curve, &mut rng::system).ok()?;
    let key = ec::PrivateKey::new(curve, &scalar).ok()?;
    step(move |_| key.sign(&[1; 32]))
}

pub fn ec_verify(curve: ec::Curve) -> Option<Step> {
    let (scalar, point) = ec::generate(curve, &mut rng::system).ok()?;
    let signature = ec::PrivateKey::new(curve, &scalar).ok()?.sign(&[1; 32]).ok()?;
    let key = ec::PublicKey::new(curve, &point).ok()?;
    step(move |_| key.verify(&[1; 32], &signature))
}

pub fn ecdh(curve: ec::Curve) -> Option<Step> {
    let (scalar, point) = ec::generate(curve, &mut rng::system).ok()?;
    let key = ec::PrivateKey::new(curve, &scalar).ok()?;
    step(move |_| key.ecdh(&point))
}

pub fn ed25519(_: &Path) -> Option<Step> {
    let (private, _) = edwards::generate(Edwards::Ed25519, &mut rng::system).ok()?;
    let key = edwards::PrivateKey::new(Edwards::Ed25519, &private).ok()?;
    step(move |_| key.sign(Eddsa::Pure, &[1; 32]))
}

pub fn rsa_sign(bits: usize) -> Option<Step> {
    let key = rsa::PrivateKey::new(&rsa::generate(bits, &[1, 0, 1], &mut rng::system).ok()?).ok()?;
    step(move |_| key.sign_pkcs1(&[1; 32]))
}

pub fn rsa_verify(bits: usize) -> Option<Step> {
    let numbers = rsa::generate(bits, &[1, 0, 1], &mut rng::system).ok()?;
    let signature = rsa::PrivateKey::new(&numbers).ok()?.sign_pkcs1(&[1; 32]).ok()?;
    let key = rsa::PublicKey::new(&numbers.modulus, &numbers.public_exponent).ok()?;
    step(move |_| key.verify_pkcs1(&[1; 32], &signature))
}

pub fn rsa_generate(_: &Path) -> Option<Step> {
    step(|_| rsa::generate(2048, &[1, 0, 1], &mut rng::system))
}

pub fn gcm(len: usize) -> Option<Step> {
    let (key, data) = (Secret::from(&[7; 32][..]), vec![1; len]);
    let mut out = vec![0; len + 64];
    step(move |n| {
        let mut iv = [0; 12];
        iv[..8].copy_from_slice(&n.to_ne_bytes());
        Gcm::new(Direction::Encrypt, &key, &iv, &[], 128)?.straight(&data, &mut out).transpose()
    })
}

pub fn ctr(len: usize) -> Option<Step> {
    let (key, data) = (Secret::from(&[7; 32][..]), vec![1; len]);
    let mut out = vec![0; len];
    step(move |_| Ctr::new(Direction::Encrypt, &key, 128, &[1; 16])?.apply(&data, &mut out))
}

pub fn hmac(len: usize) -> Option<Step> {
    let (key, data) = (Secret::from(&[7; 32][..]), vec![1; len]);
    step(move |_| {
        let mut hmac = Hmac::new(Hash::Sha256, &key);
        hmac.update(&data);
        Ok(hmac.finish())
    })
}

/// The rounds of PBKDF2 that a PIN goes through.
pub fn slow_pin(_: &Path) -> Option<Step> {
    let pin = Secret::from(&b"648219"[..]);
    step(move |_| Ok(kdf::pbkdf2_sha256(&pin, &[1; 16], KDF_ITERATIONS)))
}

/// One write of 4 KiB that is on the disk when it returns.
pub fn fsync(place: &Path) -> Option<Step> {
    let mut file = std::fs::File::create(place.join("fsync")).ok()?;
    Some(Box::new(move |_| {
        let written = file.write_all(&[1; 4096]).and_then(|()| file.sync_data());
        assert!(written.is_ok(), "the disk does not take 4 KiB");
    }))
}
