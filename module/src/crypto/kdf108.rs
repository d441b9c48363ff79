//! The key derivations of SP 800-108: one pseudo-random function, run over fields that the caller puts together.

use super::cipher::Algorithm;
use super::hash::Hash;
use super::mac::{Cmac, Hmac};
use crate::cryptoki::{Error, Result, Rv, Secret};

/// Which function is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prf {
    Hmac(Hash),
    Cmac(Algorithm),
}

/// What each run's result is used for in the next (§5.1 – §5.3 of the publication).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipeline {
    Counter,
    Feedback,
    Double,
}

/// How a number stands in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    pub little: bool,
    pub bits: usize,
}

/// A piece of the input of each run.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// The counter in counter mode, else what the run before gave.
    Iteration(Option<Width>),
    Counter(Width),
    /// The length in bits of all that is derived: of the keys, or of the `segments` that they are cut from.
    Length {
        segments: bool,
        width: Width,
    },
    Bytes(&'a [u8]),
}

/// A derivation: all but the key and the lengths.
pub struct Derivation<'a> {
    pub prf: Prf,
    pub pipeline: Pipeline,
    pub fields: &'a [Field<'a>],
    /// What feedback begins with.
    pub iv: &'a [u8],
}

/// A function under its key, ready to run again and again.
enum Engine {
    Hmac(Box<Hmac>),
    Cmac(Cmac),
}

impl Engine {
    fn new(prf: Prf, key: &Secret) -> Result<Engine> {
        Ok(match prf {
            Prf::Hmac(hash) => Engine::Hmac(Box::new(Hmac::new(hash, key))),
            Prf::Cmac(algorithm) => Engine::Cmac(Cmac::new(algorithm, key)?),
        })
    }

    fn run(&mut self, input: &Secret) -> Result<Secret> {
        Ok(match self {
            Engine::Hmac(hmac) => {
                hmac.update(input.expose());
                hmac.finish().into()
            }
            Engine::Cmac(cmac) => {
                cmac.update(input.expose())?;
                cmac.finish()?.into()
            }
        })
    }
}

impl Prf {
    /// Bytes that a run gives.
    fn len(self) -> usize {
        match self {
            Prf::Hmac(hash) => hash.len(),
            Prf::Cmac(algorithm) => algorithm.block(),
        }
    }
}

fn invalid(why: &'static str) -> Error {
    Rv::MechanismParamInvalid.because(why)
}

impl Derivation<'_> {
    /// Keys of these lengths, each from segments of its own (PKCS#11 v3.2 §6.42.6).
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` for fields that the mode does not have, `CKR_KEY_SIZE_RANGE` for a key that the
    /// function does not take, and for more than the counter counts.
    pub fn keys(&self, key: &Secret, lengths: &[usize]) -> Result<Vec<Secret>> {
        self.check()?;
        let mut engine = Engine::new(self.prf, key)?;
        let segments = lengths.iter().map(|len| len.div_ceil(self.prf.len())).sum::<usize>();
        if segments as u64 > self.most() {
            return Err(Rv::KeySizeRange.because("more is asked than the counter counts"));
        }
        let total =
            Lengths { keys: lengths.iter().sum::<usize>() * 8, segments: segments * self.prf.len() * 8 };
        let mut state = match self.pipeline {
            Pipeline::Feedback => self.iv.into(),
            _ => self.input(&total, None, 0)?,
        };
        let mut counter = 0;
        let mut keys = Vec::with_capacity(lengths.len());
        for len in lengths {
            let mut bytes = Secret::default();
            while bytes.len() < *len {
                counter += 1;
                if self.pipeline == Pipeline::Double {
                    state = engine.run(&state)?;
                }
                let segment = engine.run(&self.input(&total, Some(&state), counter)?)?;
                if self.pipeline == Pipeline::Feedback {
                    state = segment.clone();
                }
                bytes.extend(segment.expose());
            }
            keys.push(bytes.expose()[..*len].into());
        }
        Ok(keys)
    }

    /// The iteration variable is there once, the counter and the length at most once; each as wide as it may be.
    fn check(&self) -> Result<()> {
        let count = |wanted: fn(&Field<'_>) -> bool| self.fields.iter().filter(|field| wanted(field)).count();
        if count(|field| matches!(field, Field::Iteration(_))) != 1 {
            return Err(invalid("CK_SP800_108_ITERATION_VARIABLE must be given once"));
        }
        let counters = count(|field| matches!(field, Field::Counter(_)));
        if counters > 1 || (counters == 1 && self.pipeline == Pipeline::Counter) {
            return Err(invalid("CK_SP800_108_COUNTER may be given once, and not in counter mode"));
        }
        if count(|field| matches!(field, Field::Length { .. })) > 1 {
            return Err(invalid("CK_SP800_108_DKM_LENGTH may be given once"));
        }
        for field in self.fields {
            match field {
                Field::Iteration(None) if self.pipeline == Pipeline::Counter => {
                    return Err(invalid("the counter needs its CK_SP800_108_COUNTER_FORMAT"));
                }
                Field::Iteration(Some(width)) | Field::Counter(width)
                    if !matches!(width.bits, 8 | 16 | 24 | 32) =>
                {
                    return Err(invalid("a counter has 8, 16, 24 or 32 bits"));
                }
                Field::Length { width, .. } if !matches!(width.bits, 8..=64) || width.bits % 8 != 0 => {
                    return Err(invalid("a length has 8 to 64 bits, in steps of 8"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// How often the function may run.
    fn most(&self) -> u64 {
        self.fields.iter().fold(u64::from(u32::MAX), |most, field| match field {
            Field::Iteration(Some(width)) | Field::Counter(width) => most.min((1 << width.bits) - 1),
            _ => most,
        })
    }

    /// The fields one behind the other; what begins the double pipeline leaves out all that changes (`state` is None).
    fn input(&self, total: &Lengths, state: Option<&Secret>, counter: u64) -> Result<Secret> {
        let mut input = Secret::default();
        for field in self.fields {
            match (field, state) {
                (Field::Bytes(bytes), _) => input.extend(bytes),
                (Field::Length { segments, width }, _) => {
                    let bits = if *segments { total.segments } else { total.keys } as u64;
                    if width.bits < 64 && bits >> width.bits > 0 {
                        return Err(invalid("the length of the keys does not fit the bits it is given"));
                    }
                    input.extend(&width.put(bits));
                }
                (_, None) => {}
                (Field::Iteration(Some(width)), _) if self.pipeline == Pipeline::Counter => {
                    input.extend(&width.put(counter));
                }
                (Field::Iteration(_), Some(state)) => input.extend(state.expose()),
                (Field::Counter(width), _) => input.extend(&width.put(counter)),
            }
        }
        Ok(input)
    }
}

/// How much is derived, in bits.
struct Lengths {
    keys: usize,
    segments: usize,
}

impl Width {
    fn put(self, number: u64) -> Vec<u8> {
        let mut bytes = number.to_le_bytes()[..self.bits / 8].to_vec();
        if !self.little {
            bytes.reverse();
        }
        bytes
    }
}
