//! Whole numbers of any size, as RSA counts with them.

use std::os::raw::c_int;
use std::ptr;

use aws_lc_sys::*;

use super::{Owned, done};
use crate::cryptoki::Secret;

/// A non-negative integer of any size.
pub struct Number(pub(super) Owned<BIGNUM>);

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

    /// Of a number that may have been chosen to deceive: wrong once in 2^128 (FIPS 186-5 B.3.1).
    pub fn is_prime(&self) -> Option<bool> {
        self.passes(BN_prime_checks_for_validation)
    }

    /// Of a number that would deceive only whoever brings it, which takes fewer rounds: wrong once in 2^32 at worst.
    pub fn is_honest_prime(&self) -> Option<bool> {
        self.passes(16)
    }

    /// Of a number drawn at random, which takes fewer rounds (FIPS 186-5 table B.1). Tells by its time what a composite is,
    /// and of a prime only that it is one.
    pub fn is_likely_prime(&self) -> Option<bool> {
        self.passes(BN_prime_checks_for_generation)
    }

    /// Trial division, then `rounds` of Miller-Rabin.
    fn passes(&self, rounds: c_int) -> Option<bool> {
        let (context, mut answer) = (context()?, 0);
        // SAFETY: number and context are alive, `answer` is ours; no callback.
        done(unsafe {
            BN_primality_test(&mut answer, self.0.raw(), rounds, context.raw(), 1, ptr::null_mut())
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

    pub fn plus(&self, other: &Number) -> Option<Number> {
        // SAFETY: three numbers that are alive.
        computed(|out, _| unsafe { BN_add(out, self.0.raw(), other.0.raw()) })
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
        computed(|out, context| {
            // SAFETY: three numbers and a context that are alive.
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

    /// `self ^ exponent mod modulus`, in a time that does not tell the exponent; `None` for an even modulus.
    pub fn secret_power(&self, exponent: &Number, modulus: &Number) -> Option<Number> {
        if *self >= *modulus || !modulus.is_odd() {
            return None;
        }
        // SAFETY: four numbers and a context that are alive, base below the odd modulus; no Montgomery context.
        computed(|out, context| unsafe {
            let (base, power, n) = (self.0.raw(), exponent.0.raw(), modulus.0.raw());
            BN_mod_exp_mont_consttime(out, base, power, n, context, ptr::null())
        })
    }

    /// `self / 2`, rounded down.
    pub fn half(&self) -> Option<Number> {
        // SAFETY: two numbers that are alive.
        computed(|out, _| unsafe { BN_rshift1(out, self.0.raw()) })
    }

    /// Big-endian bytes, padded to `out` on the left; `None` when they do not fit.
    ///
    /// # Safety
    /// `number` is alive.
    pub(super) unsafe fn write(number: *const BIGNUM, out: &mut [u8]) -> Option<()> {
        // SAFETY: the caller's promise; pointer and length are of one slice.
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

pub(super) fn context() -> Option<Owned<BN_CTX>> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(n(&[97]).is_honest_prime(), Some(true));
        assert_eq!(n(&[91]).is_honest_prime(), Some(false));
    }
}
