//! What a mechanism does once begun: one trait for every kind, and the two shapes that most work has.

use crate::crypto::chacha::{ChaCha20, ChaCha20Poly1305, Poly1305};
use crate::crypto::cipher::{Cipher, Ctr, Gcm};
use crate::crypto::feedback::Cfb64;
use crate::crypto::gcm::Gmac;
use crate::crypto::hash::Hasher;
use crate::crypto::mac::{self, CbcMac, Cmac};
use crate::crypto::prehash::Prehasher;
use crate::cryptoki::{Result, Rv, Secret};

/// A begun operation. Output goes to the end of `out`.
pub trait Operation: Send {
    /// Takes more data in; a cipher gives what it can.
    fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()>;

    /// Gives the signature, the digest, or the rest of the text.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()>;

    /// Does all of the work at once, when fresh, with the answer straight to where it goes: how many bytes it has. None where
    /// the mechanism does not do so, or the answer does not fit; nothing is done then.
    fn straight(&mut self, _data: &[u8], _out: &mut [u8]) -> Option<Result<usize>> {
        None
    }

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

    /// What was taken in so far, for C_GetOperationState; none where that cannot be told.
    fn save(&self) -> Option<Secret> {
        None
    }

    /// Goes on from what an operation of the same mechanism, parameter and key saved.
    ///
    /// # Errors
    /// CKR_SAVED_STATE_INVALID.
    fn load(&mut self, _state: &[u8]) -> Result<()> {
        Err(Rv::SavedStateInvalid.because("this mechanism saves no state"))
    }

    /// Exactly how many bytes `update` gives for `more` bytes.
    fn room(&self, _more: usize) -> usize {
        0
    }

    /// Where in the answer pointers stand, which count from its begin until the border makes addresses of them.
    fn pointers(&self) -> &'static [usize] {
        &[]
    }

    /// At most how many bytes come out from here to the end when `more` bytes go in.
    fn rest(&self, more: usize) -> usize;
}

/// A cipher of the crypto room is an operation as it stands.
macro_rules! ciphers {
    ($($cipher:ty $(: $straight:ident)?),*) => {$(
        impl Operation for $cipher {
            fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
                <$cipher>::update(self, data, out)
            }

            fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
                <$cipher>::finish(self, out)
            }

            $(fn $straight(&mut self, data: &[u8], out: &mut [u8]) -> Option<Result<usize>> {
                <$cipher>::$straight(self, data, out)
            })?

            fn room(&self, more: usize) -> usize {
                <$cipher>::room(self, more)
            }

            fn rest(&self, more: usize) -> usize {
                self.final_room(more)
            }
        }
    )*};
}

ciphers!(Cipher: straight, Gcm: straight, Ctr: straight, Cfb64, ChaCha20, ChaCha20Poly1305);

/// A MAC of the crypto room, of which the first `len` bytes are the signature.
pub struct Tagging<M> {
    mac: M,
    len: usize,
}

impl<M: Tag + 'static> Tagging<M> {
    /// Such an operation.
    pub fn begin(mac: M, len: usize) -> Begun {
        Box::new(Tagging { mac, len })
    }
}

/// What takes data and ends in a tag.
pub trait Tag: Send {
    fn update(&mut self, data: &[u8]) -> Result<()>;
    fn finish(&mut self) -> Result<Vec<u8>>;
}

macro_rules! macs {
    ($($mac:ty),*) => {$(
        impl Tag for $mac {
            fn update(&mut self, data: &[u8]) -> Result<()> {
                <$mac>::update(self, data)
            }

            fn finish(&mut self) -> Result<Vec<u8>> {
                <$mac>::finish(self)
            }
        }
    )*};
}

macs!(Cmac, CbcMac, Gmac, Poly1305);

impl<M: Tag> Operation for Tagging<M> {
    fn update(&mut self, data: &[u8], _out: &mut Vec<u8>) -> Result<()> {
        self.mac.update(data)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let tag = self.mac.finish()?;
        out.extend_from_slice(tag.get(..self.len).unwrap_or(&tag));
        Ok(())
    }

    fn rest(&self, _more: usize) -> usize {
        self.len
    }
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
            Intake::Whole(kept) => kept.extend(data),
        }
    }

    fn save(&self) -> Option<Secret> {
        match self {
            Intake::Hashed(hasher) => Some(hasher.save()),
            Intake::Prehashed(_) => None,
            Intake::Whole(kept) => Some(kept.clone()),
        }
    }

    fn load(&mut self, state: &[u8]) -> Result<()> {
        match self {
            Intake::Hashed(hasher) => hasher.load(state),
            Intake::Prehashed(_) => Err(Rv::SavedStateInvalid.because("SHAKE saves no state")),
            Intake::Whole(kept) => {
                *kept = state.into();
                Ok(())
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

    fn save(&self) -> Option<Secret> {
        self.intake.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<()> {
        self.intake.load(state)
    }
}

/// Work on all of the data at its end that gives as many bytes, or by so many more or less at most.
pub struct Whole<W> {
    kept: Secret,
    work: W,
    grows: isize,
}

impl<W: FnMut(&[u8]) -> Result<Secret> + Send + 'static> Whole<W> {
    /// Such an operation.
    pub fn begin(grows: isize, work: W) -> Begun {
        Box::new(Whole { kept: Secret::default(), work, grows })
    }
}

impl<W: FnMut(&[u8]) -> Result<Secret> + Send> Operation for Whole<W> {
    fn update(&mut self, data: &[u8], _out: &mut Vec<u8>) -> Result<()> {
        self.kept.extend(data);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let kept = std::mem::take(&mut self.kept);
        out.extend_from_slice((self.work)(kept.expose())?.expose());
        Ok(())
    }

    fn rest(&self, more: usize) -> usize {
        self.kept.len().saturating_add(more).saturating_add_signed(self.grows)
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

    fn save(&self) -> Option<Secret> {
        self.intake.save()
    }

    fn load(&mut self, state: &[u8]) -> Result<()> {
        self.intake.load(state)
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
