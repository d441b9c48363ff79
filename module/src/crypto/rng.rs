//! The system's randomness.

use crate::cryptoki::{Result, Rv};

/// Fills `bytes` from the operating system. `CKR_RANDOM_NO_RNG` when it has none to give.
#[allow(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub fn system(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| Rv::RandomNoRng.because("the operating system gives no randomness"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let (mut a, mut b) = ([0; 32], [0; 32]);
        system(&mut a).unwrap();
        system(&mut b).unwrap();
        assert_ne!(a, b);
        system(&mut []).unwrap();
    }
}
