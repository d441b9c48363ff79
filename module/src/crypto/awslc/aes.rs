//! AES and DES in aws-lc: block modes, GCM, CMAC and key wrap.

use std::os::raw::c_int;
use std::ptr;

use aws_lc_sys::*;

use super::{Owned, done, filled};
use crate::cryptoki::Secret;

/// Which cipher runs: AES in a mode, or DES with a key of one or three parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Evp {
    Ecb,
    Cbc,
    Ofb,
    Cfb1,
    Cfb8,
    Cfb128,
    Gcm,
    Ccm,
    DesEcb,
    DesCbc,
}

impl Evp {
    fn cipher(self, key: usize) -> Option<*const EVP_CIPHER> {
        let make: unsafe extern "C" fn() -> *const EVP_CIPHER = match (self, key) {
            (Evp::Ecb, 16) => EVP_aes_128_ecb,
            (Evp::Ecb, 24) => EVP_aes_192_ecb,
            (Evp::Ecb, 32) => EVP_aes_256_ecb,
            (Evp::Cbc, 16) => EVP_aes_128_cbc,
            (Evp::Cbc, 24) => EVP_aes_192_cbc,
            (Evp::Cbc, 32) => EVP_aes_256_cbc,
            (Evp::Ofb, 16) => EVP_aes_128_ofb,
            (Evp::Ofb, 24) => EVP_aes_192_ofb,
            (Evp::Ofb, 32) => EVP_aes_256_ofb,
            (Evp::Cfb1, 16) => EVP_aes_128_cfb1,
            (Evp::Cfb1, 24) => EVP_aes_192_cfb1,
            (Evp::Cfb1, 32) => EVP_aes_256_cfb1,
            (Evp::Cfb8, 16) => EVP_aes_128_cfb8,
            (Evp::Cfb8, 24) => EVP_aes_192_cfb8,
            (Evp::Cfb8, 32) => EVP_aes_256_cfb8,
            (Evp::Cfb128, 16) => EVP_aes_128_cfb128,
            (Evp::Cfb128, 24) => EVP_aes_192_cfb128,
            (Evp::Cfb128, 32) => EVP_aes_256_cfb128,
            (Evp::DesEcb, 8) => EVP_des_ecb,
            (Evp::DesEcb, 24) => EVP_des_ede3_ecb,
            (Evp::DesCbc, 8) => EVP_des_cbc,
            (Evp::DesCbc, 24) => EVP_des_ede3_cbc,
            (Evp::Gcm, 16) => EVP_aes_128_gcm,
            (Evp::Gcm, 24) => EVP_aes_192_gcm,
            (Evp::Gcm, 32) => EVP_aes_256_gcm,
            (Evp::Ccm, 16) => EVP_aes_128_ccm,
            (Evp::Ccm, 24) => EVP_aes_192_ccm,
            (Evp::Ccm, 32) => EVP_aes_256_ccm,
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
    pub fn new(mode: Evp, encrypt: bool, padded: bool, key: &[u8], iv: &[u8]) -> Option<Stream> {
        let cipher = mode.cipher(key.len())?;
        let right = match mode {
            Evp::Ecb | Evp::DesEcb => iv.is_empty(),
            Evp::Cbc | Evp::Ofb | Evp::Cfb1 | Evp::Cfb8 | Evp::Cfb128 => iv.len() == 16,
            Evp::DesCbc => iv.len() == 8,
            Evp::Gcm => !iv.is_empty(),
            // Takes its lengths first: see `ccm`.
            Evp::Ccm => false,
        };
        let len = c_int::try_from(iv.len()).ok().filter(|_| right)?;
        // SAFETY: takes nothing; the result is checked.
        let stream = Stream(Owned::take(unsafe { EVP_CIPHER_CTX_new() })?);
        let (raw, way, none) = (stream.0.raw(), c_int::from(encrypt), ptr::null());
        // SAFETY: the context is alive; key and IV have the lengths that the cipher reads.
        unsafe {
            done(EVP_CipherInit_ex(raw, cipher, ptr::null_mut(), none, none, way))?;
            if mode == Evp::Gcm {
                done(EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_IVLEN, len, ptr::null_mut()))?;
            }
            done(EVP_CipherInit_ex(raw, ptr::null(), ptr::null_mut(), key.as_ptr(), iv.as_ptr(), way))?;
            done(EVP_CIPHER_CTX_set_padding(raw, c_int::from(padded)))?;
        }
        Some(stream)
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

    /// Takes whole blocks when none are held back; what comes of them goes to `out`, which is at least as long. Answers how
    /// many bytes that are.
    pub fn straight(&mut self, data: &[u8], out: &mut [u8]) -> Option<usize> {
        let raw = self.0.raw();
        // SAFETY: the context is alive, and nobody else has it.
        let (block, held) = unsafe { (EVP_CIPHER_CTX_block_size(raw), (*raw).buf_len + (*raw).final_used) };
        if held != 0 || !data.len().is_multiple_of(block as usize) || data.len() > out.len() {
            return None;
        }
        let mut written = 0;
        for part in data.chunks(Self::STRIDE) {
            let (end, mut len) = (out.get_mut(written..)?.as_mut_ptr(), 0);
            // SAFETY: nothing came before these whole blocks, so no more is written than was read, and `out` has room for
            // all of it.
            done(unsafe { EVP_CipherUpdate(raw, end, &mut len, part.as_ptr(), part.len() as c_int) })?;
            written += usize::try_from(len).ok()?;
        }
        Some(written)
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

/// AES-CCM (SP 800-38C) of a whole message, either way; the tag of `tag` bytes stands behind the ciphertext.
pub fn ccm(encrypt: bool, key: &[u8], nonce: &[u8], aad: &[u8], tag: usize, data: &[u8]) -> Option<Secret> {
    let cipher = Evp::Ccm.cipher(key.len())?;
    let (body, expected) =
        if encrypt { (data, &[][..]) } else { data.split_at_checked(data.len().checked_sub(tag)?)? };
    let [n, a, t, iv] = [body.len(), aad.len(), tag, nonce.len()].map(|len| c_int::try_from(len).ok());
    let (n, a, t, iv) = (n?, a?, t?, iv?);
    // SAFETY: takes nothing; the result is checked.
    let context = Owned::take(unsafe { EVP_CIPHER_CTX_new() })?;
    let (raw, way, none, nil) = (context.raw(), c_int::from(encrypt), ptr::null(), ptr::null_mut());
    let tag_from = if encrypt { ptr::null_mut() } else { expected.as_ptr().cast_mut().cast() };
    let mut len = 0;
    // SAFETY: the context is alive; every pointer goes with the length of its slice, and the tag is only read.
    unsafe {
        done(EVP_CipherInit_ex(raw, cipher, ptr::null_mut(), none, none, way))?;
        done(EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_IVLEN, iv, ptr::null_mut()))?;
        done(EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_TAG, t, tag_from))?;
        done(EVP_CipherInit_ex(raw, ptr::null(), ptr::null_mut(), key.as_ptr(), nonce.as_ptr(), way))?;
        done(EVP_CipherUpdate(raw, nil, &mut len, none, n))?;
        if !aad.is_empty() {
            done(EVP_CipherUpdate(raw, nil, &mut len, aad.as_ptr(), a))?;
        }
    }
    filled(body.len() + if encrypt { tag } else { 0 }, |out| {
        // SAFETY: `out` has room for the body, and for the tag when it is made.
        unsafe {
            done(EVP_CipherUpdate(raw, out, &mut len, body.as_ptr(), n))?;
            if encrypt {
                done(EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_GET_TAG, t, out.add(body.len()).cast()))?;
            }
        }
        Some(data.len() - expected.len() + if encrypt { tag } else { 0 })
    })
}

/// A running CMAC (SP 800-38B) of AES or triple DES.
pub struct Cmac(Owned<CMAC_CTX>);

// SAFETY: the context is owned here and belongs to no thread.
unsafe impl Send for Cmac {}
// SAFETY: what takes `&self` only reads the context.
unsafe impl Sync for Cmac {}

impl Cmac {
    /// Under a key of 16, 24 or 32 bytes for AES, or 24 for triple DES.
    pub fn new(des: bool, key: &[u8]) -> Option<Cmac> {
        let cipher = if des { Evp::DesCbc } else { Evp::Cbc }.cipher(key.len())?;
        let cmac = Cmac::empty()?;
        // SAFETY: the context is alive; pointer and length are of one slice, as long as the cipher's key.
        done(unsafe { CMAC_Init(cmac.0.raw(), key.as_ptr().cast(), key.len(), cipher, ptr::null_mut()) })?;
        Some(cmac)
    }

    pub fn update(&mut self, data: &[u8]) -> Option<()> {
        // SAFETY: the context is alive; the data are one slice.
        done(unsafe { CMAC_Update(self.0.raw(), data.as_ptr(), data.len()) })
    }

    /// The tag, as long as a block of the cipher.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let (mut tag, mut len) = (vec![0; 16], 0);
        // SAFETY: writes one block, for which there is room.
        done(unsafe { CMAC_Final(self.0.raw(), tag.as_mut_ptr(), &mut len) })?;
        tag.truncate(len);
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
