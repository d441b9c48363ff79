//! One-time passwords from a counter (RFC 4226).

use super::hash::Hash;
use super::mac::Hmac;
use crate::cryptoki::Secret;

/// HOTP (RFC 4226 §5.3): the decimal digits, of which there are 6 to 8.
pub fn hotp(secret: &Secret, counter: [u8; 8], digits: u32) -> String {
    let mut hmac = Hmac::new(Hash::Sha1, secret);
    hmac.update(&counter);
    let mac = hmac.finish();
    let offset = mac.last().map_or(0, |last| usize::from(last & 15));
    let truncated = mac.iter().skip(offset).take(4).fold(0, |number, byte| number << 8 | u32::from(*byte));
    let number = (truncated & 0x7fff_ffff) % 10_u32.pow(digits.clamp(6, 8));
    format!("{number:0width$}", width = digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4226, appendix D.
    #[test]
    fn the_passwords_are_those_of_the_rfc() {
        const SIX: [&str; 10] = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        const DECIMAL: [u32; 10] = [
            1284755224, 1094287082, 137359152, 1726969429, 1640338314, 868254676, 1918287922, 82162583,
            673399871, 645520489,
        ];
        let secret = Secret::from(&b"12345678901234567890"[..]);
        for (counter, (six, decimal)) in SIX.iter().zip(DECIMAL).enumerate() {
            let counter = (counter as u64).to_be_bytes();
            assert_eq!(hotp(&secret, counter, 6), *six);
            assert_eq!(hotp(&secret, counter, 7), format!("{:07}", decimal % 10_000_000));
            assert_eq!(hotp(&secret, counter, 8), format!("{:08}", decimal % 100_000_000));
        }
    }
}
