//! One message of many under one key (PKCS#11 v3.2 §6.13.2, §6.13.4): its parameter, and where its IV comes from.

use crate::crypto::Fill;
use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv};

use super::{Params, Shape};

/// The parameter of a message, owned: CK_GCM_MESSAGE_PARAMS, CK_CCM_MESSAGE_PARAMS,
/// CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS. What the token makes is set in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The IV or nonce; when the token generates it, its fixed bits.
    pub iv: Vec<u8>,
    /// How many of the first bits of the IV stay as they are given.
    pub fixed_bits: usize,
    pub generator: CK_GENERATOR_FUNCTION,
    /// The length of the data, where the mechanism must know it first.
    pub data_len: usize,
    /// As long as the tag; to be checked when decrypting, set when encrypting.
    pub tag: Vec<u8>,
}

/// Whether mechanisms whose parameter has this shape work on messages with associated data.
pub fn serves(shape: Shape) -> bool {
    matches!(shape, Shape::Gcm | Shape::Ccm | Shape::ChaCha20Poly1305)
}

/// Whether mechanisms whose parameter has this shape sign messages: a one-time password signs none.
pub fn signs(shape: Shape) -> bool {
    shape != Shape::Otp
}

/// What the mechanism takes for this one message.
///
/// # Errors
/// CKR_MECHANISM_INVALID for a mechanism that has no messages.
pub fn params(shape: Shape, message: &Message, aad: &[u8]) -> Result<Params> {
    match shape {
        Shape::Gcm => {
            Ok(Params::Gcm { iv: message.iv.clone(), aad: aad.to_vec(), tag_bits: message.tag.len() * 8 })
        }
        Shape::Ccm => Ok(Params::Ccm {
            len: message.data_len,
            nonce: message.iv.clone(),
            aad: aad.to_vec(),
            tag: message.tag.len(),
        }),
        Shape::ChaCha20Poly1305 => {
            Ok(Params::ChaCha20Poly1305 { nonce: message.iv.clone(), aad: aad.to_vec() })
        }
        _ => Err(Rv::MechanismInvalid.because("the mechanism does not work on messages")),
    }
}

/// Generates the IVs of a message process, no two of them the same.
#[derive(Default)]
pub struct Generator {
    /// Messages so far that the counter counted.
    count: u128,
    /// Where CKG_GENERATE began to count: random, so that two processes do not begin alike.
    start: Option<u128>,
    /// The IV that CKG_GENERATE_COUNTER_XOR was first given.
    base: Option<Vec<u8>>,
}

impl Generator {
    /// Sets the message's IV as its generator says.
    ///
    /// # Errors
    /// CKR_MECHANISM_PARAM_INVALID for an unknown generator, for fixed bits that leave nothing to generate, and
    /// for a base that varies; CKR_FUNCTION_FAILED when all IVs have been used.
    pub fn next(&mut self, message: &mut Message, fill: &mut Fill<'_>) -> Result<()> {
        if message.generator == CKG_NO_GENERATE {
            return Ok(());
        }
        let free = (message.iv.len() * 8).checked_sub(message.fixed_bits).filter(|free| *free > 0);
        let free = free.ok_or_else(|| {
            refuse(format!(
                "{} fixed bits in an IV of {} bytes leave nothing to generate",
                message.fixed_bits,
                message.iv.len()
            ))
        })?;
        match message.generator {
            CKG_GENERATE_RANDOM => return random(&mut message.iv, free, fill),
            CKG_GENERATE => {
                let start = self.start(fill)?;
                let value = start.wrapping_add(self.step(free)?);
                put(&mut message.iv, free, value);
            }
            CKG_GENERATE_COUNTER => {
                let value = self.step(free)?;
                put(&mut message.iv, free, value);
            }
            CKG_GENERATE_COUNTER_XOR => {
                if *self.base.get_or_insert_with(|| message.iv.clone()) != message.iv {
                    return Err(refuse(
                        "the IV given to CKG_GENERATE_COUNTER_XOR must not vary (§6.13.2)".into(),
                    ));
                }
                let value = self.step(free)?;
                mix(&mut message.iv, value);
            }
            other => return Err(refuse(format!("there is no IV generator {other:#x}"))),
        }
        Ok(())
    }

    /// Counts a message, as far as so many bits can.
    fn step(&mut self, free: usize) -> Result<u128> {
        let now = self.count;
        if free < 128 && now >> free != 0 {
            return Err(Rv::FunctionFailed.because("every IV with these fixed bits was used: begin anew"));
        }
        self.count += 1;
        Ok(now)
    }

    fn start(&mut self, fill: &mut Fill<'_>) -> Result<u128> {
        if let Some(start) = self.start {
            return Ok(start);
        }
        let mut bytes = [0; 16];
        fill(&mut bytes)?;
        Ok(*self.start.insert(u128::from_be_bytes(bytes)))
    }
}

fn refuse(why: String) -> Error {
    Rv::MechanismParamInvalid.because(why)
}

/// Fills the last bits of an IV at random.
fn random(iv: &mut [u8], free: usize, fill: &mut Fill<'_>) -> Result<()> {
    let mut bytes = vec![0; iv.len()];
    fill(&mut bytes)?;
    blend(iv, free, &bytes);
    Ok(())
}

/// Writes a number into the last bits of an IV.
fn put(iv: &mut [u8], free: usize, value: u128) {
    let mut bytes = vec![0; iv.len()];
    mix(&mut bytes, value);
    blend(iv, free, &bytes);
}

/// Adds a number to the end of an IV, bit by bit without carry.
fn mix(iv: &mut [u8], value: u128) {
    iv.iter_mut().rev().zip(value.to_le_bytes()).for_each(|(byte, more)| *byte ^= more);
}

/// Replaces the last bits of an IV.
fn blend(iv: &mut [u8], free: usize, bytes: &[u8]) {
    let fixed = iv.len() * 8 - free;
    for (at, (byte, new)) in iv.iter_mut().zip(bytes).enumerate() {
        let keep = match fixed.saturating_sub(at * 8).min(8) {
            0 => 0,
            bits => 0xff_u8 << (8 - bits),
        };
        *byte = *byte & keep | new & !keep;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn message(generator: CK_GENERATOR_FUNCTION, iv: &[u8], fixed_bits: usize) -> Message {
        Message { iv: iv.to_vec(), fixed_bits, generator, data_len: 0, tag: vec![0; 16] }
    }

    /// The next IV, from a source of randomness that gives one byte only.
    fn next(generator: &mut Generator, message: &Message) -> Result<Vec<u8>> {
        let mut message = message.clone();
        generator.next(&mut message, &mut |bytes: &mut [u8]| {
            bytes.fill(0xA7);
            Ok(())
        })?;
        Ok(message.iv)
    }

    #[test]
    fn a_counter_counts_from_zero_behind_the_fixed_bits() {
        let mut generator = Generator::default();
        let asked = message(CKG_GENERATE_COUNTER, &[0xff; 12], 36);
        let mut expected = [0xff, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 0, 0, 0, 0];
        for count in 0..300u16 {
            expected[10..].copy_from_slice(&count.to_be_bytes());
            assert_eq!(next(&mut generator, &asked), Ok(expected.to_vec()));
        }
    }

    #[test]
    fn a_counter_that_is_added_needs_the_same_iv_each_time() {
        let mut generator = Generator::default();
        let asked = message(CKG_GENERATE_COUNTER_XOR, &[0x55; 12], 32);
        let ends: Vec<u8> = (0..3).map(|_| next(&mut generator, &asked).unwrap()[11]).collect();
        assert_eq!(ends, [0x55, 0x54, 0x57]);
        let other = message(CKG_GENERATE_COUNTER_XOR, &[0x54; 12], 32);
        assert_eq!(next(&mut generator, &other).unwrap_err().rv(), Rv::MechanismParamInvalid);
    }

    #[test]
    fn what_cannot_be_generated_is_refused() {
        for (generator, fixed_bits) in
            [(CKG_GENERATE, 96), (CKG_GENERATE, 97), (5, 0), (CKG_GENERATE_RANDOM, usize::MAX)]
        {
            let asked = message(generator, &[0; 12], fixed_bits);
            let error = next(&mut Generator::default(), &asked).unwrap_err();
            assert_eq!(error.rv(), Rv::MechanismParamInvalid, "{generator} {fixed_bits}");
        }
    }

    #[test]
    fn no_iv_comes_twice_and_then_there_are_none_left() {
        for generator in [CKG_GENERATE, CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR] {
            let (mut ivs, asked) = (Generator::default(), message(generator, &[3; 12], 88));
            let seen: HashSet<_> = (0..256).map(|_| next(&mut ivs, &asked).unwrap()).collect();
            assert_eq!(seen.len(), 256);
            assert_eq!(next(&mut ivs, &asked).unwrap_err().rv(), Rv::FunctionFailed);
        }
    }

    proptest! {
        #[test]
        fn fixed_bits_stay(iv in prop::collection::vec(any::<u8>(), 1..40), cut: prop::sample::Index, of in 1..5u64) {
            let fixed = cut.index(iv.len() * 8);
            let made = next(&mut Generator::default(), &message(of, &iv, fixed)).unwrap();
            prop_assert_eq!(made.len(), iv.len());
            for bit in 0..fixed {
                let mask = 0x80 >> (bit % 8);
                prop_assert_eq!(iv[bit / 8] & mask, made[bit / 8] & mask);
            }
        }
    }
}
