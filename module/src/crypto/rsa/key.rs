//! RSA keys, parsed once, and what they do with data (RFC 8017).

use super::components::Components;
use super::rejection::{self, OVERHEAD};
use crate::crypto::awslc::{Number, Padding, Rsa};
use crate::crypto::hash::Hash;
use crate::crypto::mac;
use crate::crypto::tlv::trim;
use crate::cryptoki::{Error, Result, Rv, Secret};

/// A private key; to be shared between threads. Every result is checked against the public key before it leaves.
pub struct PrivateKey {
    rsa: Rsa,
    modulus: Vec<u8>,
    /// SHA-256 of the private exponent as wide as the modulus: what bad ciphertexts are answered from.
    rejection: Secret,
}

impl PrivateKey {
    /// Parses. `CKR_ATTRIBUTE_VALUE_INVALID` when the numbers contradict each other.
    pub fn new(components: &Components) -> Result<PrivateKey> {
        let bad = || Rv::AttributeValueInvalid.because("the numbers of the RSA key contradict each other");
        let modulus = trim(&components.modulus).to_vec();
        let parts = [
            Number::new(&modulus),
            Number::new(&components.public_exponent),
            Number::new(components.private_exponent.expose()),
            Number::new(components.prime_1.expose()),
            Number::new(components.prime_2.expose()),
            Number::new(components.exponent_1.expose()),
            Number::new(components.exponent_2.expose()),
            Number::new(components.coefficient.expose()),
        ];
        let [Some(n), Some(e), Some(d), Some(p), Some(q), Some(dp), Some(dq), Some(qinv)] = parts else {
            return Err(Rv::HostMemory.into());
        };
        let rsa = Rsa::private(&[n, e, d, p, q, dp, dq, qinv]).ok_or_else(bad)?;
        let wide = pad(components.private_exponent.expose(), modulus.len()).ok_or_else(bad)?;
        let rejection = Secret::from(Hash::Sha256.digest(wide.expose()));
        Ok(PrivateKey { rsa, modulus, rejection })
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> usize {
        bits(&self.modulus)
    }

    /// Bytes of the modulus: of every signature and ciphertext.
    pub fn size(&self) -> usize {
        self.modulus.len()
    }

    /// RSASSA-PKCS1-v1_5 (§8.2.1) around `data`: a DigestInfo, or whatever the caller means to sign, at most
    /// `size() - 11` bytes (`CKR_DATA_LEN_RANGE`).
    pub fn sign_pkcs1(&self, data: &[u8]) -> Result<Vec<u8>> {
        if data.len().saturating_add(OVERHEAD) > self.size() {
            return Err(Rv::DataLenRange.because("the data are longer than the modulus less 11 bytes"));
        }
        self.rsa.sign(Padding::Pkcs1, data).map(public).ok_or_else(failed)
    }

    /// x^d mod n (§5.1.2, CKM_RSA_X_509), as wide as the modulus; short data are padded on the left. `CKR_DATA_LEN_RANGE`
    /// for data longer than the modulus, `CKR_DATA_INVALID` for data not below it.
    pub fn raw(&self, data: &[u8]) -> Result<Secret> {
        let block = block(&self.modulus, data)?;
        // aws-lc refuses 0, 1 and n-1, which every odd exponent leaves as they are.
        if is_fixed(&self.modulus, block.expose()) {
            return Ok(block);
        }
        self.rsa.sign(Padding::None, block.expose()).ok_or_else(failed)
    }

    /// RSASSA-PSS (§8.1.1) with a salt of `salt_len` bytes. `CKR_DATA_LEN_RANGE` when the digest is not the hash's, or
    /// digest and salt do not fit the modulus.
    pub fn sign_pss(&self, hash: Hash, mgf: Hash, salt_len: usize, digest: &[u8]) -> Result<Vec<u8>> {
        check_pss(self.bits(), hash, salt_len, digest)?;
        self.rsa.sign_pss(hash, mgf, salt_len, digest).map(public).ok_or_else(failed)
    }

    /// RSAES-PKCS1-v1_5 (§7.2.2) with implicit rejection: a ciphertext with bad padding gives a message that depends on
    /// key and ciphertext only. `CKR_ENCRYPTED_DATA_LEN_RANGE`, `CKR_ENCRYPTED_DATA_INVALID` for a number not below n.
    pub fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Secret> {
        self.check_ciphertext(ciphertext)?;
        let encoded = self.raw(ciphertext)?;
        Ok(rejection::unpad(&encoded, &self.rejection, ciphertext))
    }

    /// RSAES-OAEP (§7.1.2). `CKR_ENCRYPTED_DATA_LEN_RANGE`, and for every other fault `CKR_ENCRYPTED_DATA_INVALID`.
    pub fn decrypt_oaep(&self, hash: Hash, mgf: Hash, label: &[u8], ciphertext: &[u8]) -> Result<Secret> {
        self.check_ciphertext(ciphertext)?;
        let bad = || Rv::EncryptedDataInvalid.because("the OAEP block is not one under this key and label");
        self.rsa.oaep(false, hash, mgf, label, ciphertext).ok_or_else(bad)
    }

    fn check_ciphertext(&self, ciphertext: &[u8]) -> Result<()> {
        if ciphertext.len() != self.size() {
            return Err(Rv::EncryptedDataLenRange.because("the ciphertext is not as long as the modulus"));
        }
        if ciphertext >= &self.modulus[..] {
            return Err(Rv::EncryptedDataInvalid.because("the ciphertext is not below the modulus"));
        }
        Ok(())
    }
}

/// A public key; to be shared between threads.
pub struct PublicKey {
    rsa: Rsa,
    modulus: Vec<u8>,
}

impl PublicKey {
    /// Parses modulus and exponent, big-endian. `CKR_ATTRIBUTE_VALUE_INVALID` unless the modulus is odd and has 512 to
    /// 16384 bits and the exponent is odd, above 1, below 2^256 and below the modulus.
    pub fn new(modulus: &[u8], public_exponent: &[u8]) -> Result<PublicKey> {
        let bad = || {
            Rv::AttributeValueInvalid.because("CKA_MODULUS or CKA_PUBLIC_EXPONENT is not that of an RSA key")
        };
        let (modulus, exponent) = (trim(modulus).to_vec(), trim(public_exponent));
        if !(512..=16384).contains(&bits(&modulus)) || exponent.len() > 32 {
            return Err(bad());
        }
        let (n, e) = (Number::new(&modulus), Number::new(exponent));
        let rsa = n.zip(e).and_then(|(n, e)| Rsa::public(&n, &e)).ok_or_else(bad)?;
        Ok(PublicKey { rsa, modulus })
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> usize {
        bits(&self.modulus)
    }

    /// Bytes of the modulus: of every signature and ciphertext.
    pub fn size(&self) -> usize {
        self.modulus.len()
    }

    /// Checks a PKCS#1 v1.5 signature (§8.2.2) around exactly `data`. `CKR_SIGNATURE_LEN_RANGE`, `CKR_SIGNATURE_INVALID`.
    pub fn verify_pkcs1(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        match mac::equal(&self.recover_pkcs1(signature)?, data) {
            true => Ok(()),
            false => Err(Rv::SignatureInvalid.into()),
        }
    }

    /// What a PKCS#1 v1.5 signature was made around. `CKR_SIGNATURE_LEN_RANGE`, `CKR_SIGNATURE_INVALID`.
    pub fn recover_pkcs1(&self, signature: &[u8]) -> Result<Vec<u8>> {
        self.check_signature(signature)?;
        self.rsa.recover(Padding::Pkcs1, signature).map(public).ok_or_else(|| Rv::SignatureInvalid.into())
    }

    /// y^e mod n (§5.2.2, CKM_RSA_X_509), as wide as the modulus; short data are padded on the left. `CKR_DATA_LEN_RANGE`
    /// for data longer than the modulus, `CKR_DATA_INVALID` for data not below it.
    pub fn raw(&self, data: &[u8]) -> Result<Vec<u8>> {
        let block = block(&self.modulus, data)?;
        self.rsa.recover(Padding::None, block.expose()).map(public).ok_or_else(failed)
    }

    /// Checks an RSASSA-PSS signature (§8.1.2) with a salt of exactly `salt_len` bytes. `CKR_SIGNATURE_LEN_RANGE`,
    /// `CKR_SIGNATURE_INVALID`, and `CKR_DATA_LEN_RANGE` as for signing.
    pub fn verify_pss(
        &self,
        hash: Hash,
        mgf: Hash,
        salt_len: usize,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        check_pss(self.bits(), hash, salt_len, digest)?;
        self.check_signature(signature)?;
        self.rsa.verify_pss(hash, mgf, salt_len, digest, signature).ok_or_else(|| Rv::SignatureInvalid.into())
    }

    /// RSAES-PKCS1-v1_5 (§7.2.1). `CKR_DATA_LEN_RANGE` for more than `size() - 11` bytes.
    pub fn encrypt_pkcs1(&self, data: &[u8]) -> Result<Vec<u8>> {
        if data.len().saturating_add(OVERHEAD) > self.size() {
            return Err(Rv::DataLenRange.because("the data are longer than the modulus less 11 bytes"));
        }
        self.rsa.encrypt(data).map(public).ok_or_else(failed)
    }

    /// RSAES-OAEP (§7.1.1). `CKR_DATA_LEN_RANGE` for more than `size() - 2 × hash.len() - 2` bytes.
    pub fn encrypt_oaep(&self, hash: Hash, mgf: Hash, label: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        if data.len().saturating_add(2 * hash.len() + 2) > self.size() {
            return Err(
                Rv::DataLenRange.because("the data are longer than the modulus less two hashes and 2 bytes")
            );
        }
        self.rsa.oaep(true, hash, mgf, label, data).map(public).ok_or_else(failed)
    }

    fn check_signature(&self, signature: &[u8]) -> Result<()> {
        match signature.len() == self.size() {
            true => Ok(()),
            false => Err(Rv::SignatureLenRange.because("an RSA signature is as long as the modulus")),
        }
    }
}

/// emLen >= hLen + sLen + 2 (§9.1.1), and the digest's length.
fn check_pss(bits: usize, hash: Hash, salt_len: usize, digest: &[u8]) -> Result<()> {
    if digest.len() != hash.len() {
        return Err(
            Rv::DataLenRange.because("the data are not a digest of the hash that the PSS parameters name")
        );
    }
    if salt_len.saturating_add(hash.len() + 2) > (bits - 1).div_ceil(8) {
        return Err(Rv::DataLenRange.because("digest and salt do not fit the modulus"));
    }
    Ok(())
}

/// The data as wide as the modulus, and below it.
fn block(modulus: &[u8], data: &[u8]) -> Result<Secret> {
    let long = || Rv::DataLenRange.because("the data are longer than the modulus");
    let block = if data.len() > modulus.len() { None } else { pad(data, modulus.len()) };
    let block = block.ok_or_else(long)?;
    match block.expose() < modulus {
        true => Ok(block),
        false => Err(Rv::DataInvalid.because("the data, as a number, are not below the modulus")),
    }
}

/// Whether the block is 0, 1 or n-1. The modulus is odd: n-1 differs from it in the last bit only.
fn is_fixed(modulus: &[u8], block: &[u8]) -> bool {
    let (Some((n, front)), Some((last, rest))) = (modulus.split_last(), block.split_last()) else {
        return false;
    };
    (rest == front && *last == n ^ 1) || (*last <= 1 && rest.iter().all(|byte| *byte == 0))
}

/// Big-endian bytes padded on the left to `len`; `None` when they do not fit.
fn pad(bytes: &[u8], len: usize) -> Option<Secret> {
    let bytes = trim(bytes);
    let mut out = Secret::zeroed(len);
    let start = len.checked_sub(bytes.len())?;
    out.expose_mut()[start..].copy_from_slice(bytes);
    Some(out)
}

/// Bits of a number without leading zeros.
fn bits(bytes: &[u8]) -> usize {
    bytes.first().map_or(0, |first| 8 * bytes.len() - first.leading_zeros() as usize)
}

/// An answer that is no secret: a signature, a ciphertext.
fn public(bytes: Secret) -> Vec<u8> {
    bytes.expose().to_vec()
}

fn failed() -> Error {
    Rv::FunctionFailed.because("the RSA operation could not run")
}
