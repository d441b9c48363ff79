//! What a mechanism does once begun: one trait for every kind, and the two shapes that most work has.

use crate::crypto::hash::Hasher;
use crate::crypto::mac;
use crate::crypto::prehash::Prehasher;
use crate::cryptoki::{Result, Rv, Secret};

/// A begun operation. Output goes to the end of `out`.
pub trait Operation: Send {
    /// Takes more data in; a cipher gives what it can.
    fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()>;

    /// Gives the signature, the digest, or the rest of the text.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()>;

    /// Judges a signature over what was taken in: by making it again, unless the mechanism knows better.
    ///
    /// # Errors
    /// CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID.
    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        let mut expected = Vec::new();
        self.finish(&mut expected)?;
        if signature.len() != expected.len() {
            return Err(Rv::SignatureLenRange.because(format!(
                "a signature of this mechanism has {} bytes, this one {}",
                expected.len(),
                signature.len()
            )));
        }
        match mac::equal(signature, &expected) {
            true => Ok(()),
            false => Err(Rv::SignatureInvalid.into()),
        }
    }

    /// Exactly how many bytes `update` gives for `more` bytes.
    fn room(&self, _more: usize) -> usize {
        0
    }

    /// At most how many bytes come out from here to the end when `more` bytes go in.
    fn rest(&self, more: usize) -> usize;
}

/// An operation of whichever mechanism.
pub type Begun = Box<dyn Operation>;

/// How an operation takes its data in: hashed as it comes, or kept whole.
pub enum Intake {
    Hashed(Hasher),
    Prehashed(Prehasher),
    Whole(Secret),
}

impl Intake {
    /// Keeps everything.
    pub fn whole() -> Intake {
        Intake::Whole(Secret::default())
    }

    fn take(&mut self, data: &[u8]) {
        match self {
            Intake::Hashed(hasher) => hasher.update(data),
            Intake::Prehashed(hasher) => hasher.update(data),
            Intake::Whole(kept) if kept.is_empty() => *kept = data.into(),
            Intake::Whole(kept) => {
                let mut longer = Vec::with_capacity(kept.len() + data.len());
                longer.extend_from_slice(kept.expose());
                longer.extend_from_slice(data);
                *kept = longer.into();
            }
        }
    }

    fn taken(&mut self) -> Secret {
        match self {
            Intake::Hashed(hasher) => hasher.finish().into(),
            Intake::Prehashed(hasher) => hasher.finish().into(),
            Intake::Whole(kept) => std::mem::take(kept),
        }
    }
}

/// Work on all of the data, or on its hash, at the end: signing, RSA encryption, decryption.
pub struct Act<W> {
    pub intake: Intake,
    pub work: W,
    /// At most how many bytes come out.
    pub len: usize,
}

impl<W: FnMut(&[u8]) -> Result<Secret> + Send> Operation for Act<W> {
    fn update(&mut self, data: &[u8], _out: &mut Vec<u8>) -> Result<()> {
        self.intake.take(data);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let taken = self.intake.taken();
        out.extend_from_slice((self.work)(taken.expose())?.expose());
        Ok(())
    }

    fn rest(&self, _more: usize) -> usize {
        self.len
    }
}

/// A judgement of a signature over all of the data, or over its hash.
pub struct Check<W> {
    pub intake: Intake,
    pub work: W,
}

impl<W: FnMut(&[u8], &[u8]) -> Result<()> + Send> Operation for Check<W> {
    fn update(&mut self, data: &[u8], _out: &mut Vec<u8>) -> Result<()> {
        self.intake.take(data);
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<()> {
        Err(Rv::OperationNotInitialized.because("a verification gives no output"))
    }

    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        let taken = self.intake.taken();
        (self.work)(taken.expose(), signature)
    }

    fn rest(&self, _more: usize) -> usize {
        0
    }
}

/// Runs an operation over all its data at once.
///
/// # Errors
/// Those of the operation.
pub fn run(mut operation: Begun, data: &[u8]) -> Result<Secret> {
    let mut out = Vec::with_capacity(operation.rest(data.len()));
    let done = operation.update(data, &mut out).and_then(|()| operation.finish(&mut out));
    let out = Secret::from(out);
    done.map(|()| out)
}
