//! Keys from passwords and from other secrets.

use super::awslc;
use super::hash::Hash;
use super::mac::Hmac;
use crate::cryptoki::{Result, Rv, Secret};

/// PBKDF2-HMAC-SHA-256 (RFC 8018 §5.2): 32 bytes. No iterations count as one.
pub fn pbkdf2_sha256(password: &Secret, salt: &[u8], iterations: u32) -> Secret {
    let (mut key, iterations) = (Secret::zeroed(32), iterations.max(1));
    // aws-lc is a few percent faster than the `pbkdf2` crate, which steps in should aws-lc lack memory.
    if awslc::pbkdf2(awslc::Digest::Sha256, password.expose(), salt, iterations, key.expose_mut()).is_none() {
        plain_pbkdf2(password, salt, iterations, &mut key);
    }
    key
}

fn plain_pbkdf2(password: &Secret, salt: &[u8], iterations: u32, key: &mut Secret) {
    type Prf = hmac::Hmac<sha2::Sha256>;
    // The only error is a key length that the function refuses, and HMAC takes every length.
    let done = pbkdf2::pbkdf2::<Prf>(password.expose(), salt, iterations, key.expose_mut());
    debug_assert!(done.is_ok());
}

/// PBKDF2 (RFC 8018 §5.2) with HMAC over SHA-1 or SHA-2: `len` bytes.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` without iterations and for another hash.
pub fn pbkdf2(hash: Hash, password: &Secret, salt: &[u8], iterations: u32, len: usize) -> Result<Secret> {
    let digest = match hash {
        Hash::Sha1 => awslc::Digest::Sha1,
        Hash::Sha224 => awslc::Digest::Sha224,
        Hash::Sha256 => awslc::Digest::Sha256,
        Hash::Sha384 => awslc::Digest::Sha384,
        Hash::Sha512 => awslc::Digest::Sha512,
        Hash::Sha512_224 => awslc::Digest::Sha512_224,
        Hash::Sha512_256 => awslc::Digest::Sha512_256,
        _ => return Err(Rv::MechanismParamInvalid.because("PBKDF2 takes SHA-1 and SHA-2 only")),
    };
    let mut key = Secret::zeroed(len);
    awslc::pbkdf2(digest, password.expose(), salt, iterations, key.expose_mut())
        .ok_or_else(|| Rv::MechanismParamInvalid.because("PBKDF2 needs at least one iteration"))?;
    Ok(key)
}

/// HKDF-SHA-256 (RFC 5869), extract and expand; `len` counts bytes, at most 255 × 32: more is cut to that.
pub fn hkdf_sha256(key: &Secret, salt: &[u8], info: &[u8], len: usize) -> Secret {
    hkdf_expand(Hash::Sha256, &hkdf_extract(Hash::Sha256, key, salt), info, len)
}

/// HKDF-Extract (RFC 5869 §2.2); no salt is one of zeros.
pub fn hkdf_extract(hash: Hash, key: &Secret, salt: &[u8]) -> Secret {
    let mut extract = Hmac::new(hash, &Secret::from(salt));
    extract.update(key.expose());
    extract.finish().into()
}

/// HKDF-Expand (RFC 5869 §2.3): at most 255 digests, more is cut to that.
pub fn hkdf_expand(hash: Hash, key: &Secret, info: &[u8], len: usize) -> Secret {
    let mut expand = Hmac::new(hash, key);
    let mut out = Secret::zeroed(len.min(255 * hash.len()));
    let mut last = Secret::default();
    for (counter, chunk) in (1u8..=255).zip(out.expose_mut().chunks_mut(hash.len())) {
        expand.update(last.expose());
        expand.update(info);
        expand.update(&[counter]);
        last = Secret::from(expand.finish());
        chunk.copy_from_slice(&last.expose()[..chunk.len()]);
    }
    out
}

/// The most that `x963` gives, in bytes.
const MOST: usize = 1 << 20;

/// The key derivation of ANSI X9.63 (SEC 1 §3.6.1): `len` bytes from `secret` and the shared information, at most
/// 1 MiB: more is cut to that.
pub fn x963(hash: Hash, secret: &Secret, shared: &[u8], len: usize) -> Secret {
    counted(hash, len, secret.expose(), &[shared])
}

/// The one-step key derivation of SP 800-56A (2007) §5.8.1, which counts before the secret; lengths as for [`x963`].
pub fn sp800_56(hash: Hash, secret: &Secret, other: &[u8], len: usize) -> Secret {
    counted(hash, len, &[], &[secret.expose(), other])
}

/// Hashes over a counter from 1 on and what stands before and after it, one behind the other.
fn counted(hash: Hash, len: usize, before: &[u8], after: &[&[u8]]) -> Secret {
    let mut out = Secret::zeroed(len.min(MOST));
    let mut hasher = hash.start();
    for (counter, chunk) in (1u32..).zip(out.expose_mut().chunks_mut(hash.len())) {
        hasher.update(before);
        hasher.update(&counter.to_be_bytes());
        after.iter().for_each(|part| hasher.update(part));
        let block = Secret::from(hasher.finish());
        chunk.copy_from_slice(&block.expose()[..chunk.len()]);
    }
    out
}

/// Told now and then how far a long computation is: so much of so much.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;

/// Rounds between two tellings of the progress: some milliseconds.
const STRIDE: u32 = 100_000;

/// EVP_BytesToKey of OpenSSL with MD5: `D1 = MD5^rounds(password ‖ salt)`, `D2 = MD5^rounds(D1 ‖ password ‖ salt)` and so
/// on, up to `len` bytes. No rounds count as one. Ten million rounds, as share files have them, take seconds.
pub fn bytes_to_key(
    password: &Secret,
    salt: &[u8; 8],
    rounds: u32,
    len: usize,
    progress: &mut Progress,
) -> Secret {
    let (rounds, mut out) = (rounds.max(1), Secret::zeroed(len));
    let total = u64::from(rounds) * len.div_ceil(16) as u64;
    let mut last = Secret::default();
    for (before, chunk) in (0..).step_by(rounds as usize).zip(out.expose_mut().chunks_mut(16)) {
        let mut hasher = Hash::Md5.start();
        [last.expose(), password.expose(), salt].iter().for_each(|part| hasher.update(part));
        last = Secret::from(hasher.finish());
        let mut done = 1;
        while done < rounds {
            let some = STRIDE.min(rounds - done);
            repeat_md5(&mut last, some);
            done += some;
            progress(before + u64::from(done), total);
        }
        chunk.copy_from_slice(&last.expose()[..chunk.len()]);
    }
    out
}

/// MD5 of MD5 of … a digest, in place: each message is one block, whose padding never changes.
fn repeat_md5(digest: &mut Secret, rounds: u32) {
    const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let mut block = zeroize::Zeroizing::new([0; 64]);
    block[..16].copy_from_slice(digest.expose());
    (block[16], block[56]) = (0x80, 128);
    for _ in 0..rounds {
        let mut state = START;
        md5::block_api::compress(&mut state, std::slice::from_ref(&*block));
        block.chunks_exact_mut(4).zip(state).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
    }
    digest.expose_mut().copy_from_slice(&block[..16]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret(hex: &str) -> Secret {
        Secret::from(hex::decode(hex).unwrap())
    }

    #[test]
    fn pbkdf2_rfc_7914_section_11() {
        let key = pbkdf2_sha256(&Secret::from(&b"passwd"[..]), b"salt", 1);
        assert_eq!(
            hex::encode(key.expose()),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        );
        let key = pbkdf2_sha256(&Secret::from(&b"Password"[..]), b"NaCl", 80000);
        assert_eq!(
            hex::encode(key.expose()),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        );
        assert_eq!(pbkdf2_sha256(&Secret::default(), b"", 0), pbkdf2_sha256(&Secret::default(), b"", 1));
    }

    proptest! {
        #[test]
        fn both_ways_of_pbkdf2_agree(password: Vec<u8>, salt: Vec<u8>, iterations in 1u32..20) {
            let (password, mut key) = (Secret::from(password), Secret::zeroed(32));
            plain_pbkdf2(&password, &salt, iterations, &mut key);
            prop_assert_eq!(pbkdf2_sha256(&password, &salt, iterations), key);
        }
    }

    /// `openssl enc -aes-256-cbc -md md5 -k secret -S 0102030405060708 -P` with one round; the repetition by its definition.
    #[test]
    fn bytes_to_key_is_openssls() {
        let (password, salt) = (Secret::from(&b"secret"[..]), [1, 2, 3, 4, 5, 6, 7, 8]);
        let mut told = Vec::new();
        let one = bytes_to_key(&password, &salt, 1, 48, &mut |_, _| {});
        assert_eq!(
            hex::encode(&one.expose()[..32]),
            "c9e5a1bd216dbe1317e230cef48f38ee7f0e17ad64022144bccec4a1aa2879ab"
        );
        assert_eq!(hex::encode(&one.expose()[32..]), "e24b32bbbc4ef02ecbcb6576523ad893");
        let many = bytes_to_key(&password, &salt, 200_003, 20, &mut |done, of| told.push((done, of)));
        let mut slow = one.expose()[..16].to_vec();
        (1..200_003).for_each(|_| slow = Hash::Md5.digest(&slow));
        assert_eq!((many.len(), &many.expose()[..16]), (20, &slow[..]));
        assert_eq!(told.last(), Some(&(400_006, 400_006)));
        assert!(told.is_sorted());
    }

    #[test]
    fn hkdf_rfc_5869_case_1() {
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let key = hkdf_sha256(&Secret::from(vec![0x0b; 22]), &salt, &info, 42);
        assert_eq!(
            hex::encode(key.expose()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
        assert_eq!(hkdf_sha256(&key, b"", b"", usize::MAX).len(), 255 * 32);
    }

    /// NIST CAVS "ANSX963_2001" SHA-256.
    #[test]
    fn x963_known_answer() {
        let z = secret("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08");
        assert_eq!(x963(Hash::Sha256, &z, b"", 16), secret("443024c3dae66b95e6f5670601558f71"));
        assert_eq!(x963(Hash::Sha256, &z, b"", 0).len(), 0);
        assert_eq!(x963(Hash::Sha256, &z, b"", usize::MAX).len(), MOST);
        assert_eq!(
            sp800_56(Hash::Sha1, &z, b"info", 45).expose()[20..40],
            Hash::Sha1.digest(&[&[0, 0, 0, 2], z.expose(), b"info"].concat())[..]
        );
        assert_eq!(
            x963(Hash::Sha1, &z, b"info", 45).expose()[..20],
            Hash::Sha1.digest(&[z.expose(), &[0, 0, 0, 1], b"info"].concat())[..]
        );
    }
}
