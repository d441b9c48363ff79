//! The password of a share file among n custodians, of whom any t open it, as `sc-hsm-tool` does it.
//!
//! Two defects of that program are met here. It drops leading zero bytes of the password when it puts it together: no
//! such password is made, and both forms are tried when reading. It shows share IDs in decimal and reads them in
//! hexadecimal: IDs of 10 and more are shown with a hint, and both readings are tried.

use std::fmt;

use crate::crypto::threshold::{self, Point};
use crate::cryptoki::{Error, Result, Rv, Secret};

use super::Fill;

/// Bytes of a password that is split.
const WIDTH: usize = 8;
/// The most custodians for whom decimal and hexadecimal IDs are the same.
pub const UNAMBIGUOUS: u8 = 9;

/// What one custodian writes down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub prime: Vec<u8>,
    pub id: u8,
    pub total: u8,
    pub value: Secret,
}

/// A random password, and the sheets that bring it back.
#[derive(Debug)]
pub struct Custody {
    pub password: Secret,
    pub sheets: Vec<Sheet>,
}

/// What a custodian types: an ID as it was typed, and the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    pub id: String,
    pub value: Secret,
}

impl Custody {
    /// A fresh password for `total` custodians, of whom `threshold` are needed.
    ///
    /// # Errors
    /// CKR_ARGUMENTS_BAD unless 2 <= threshold <= total and 3 <= total; those of the randomness.
    pub fn new(threshold: u8, total: u8, fill: &Fill) -> Result<Custody> {
        let rules = [
            (total >= 3, "the total of password shares must be 3 or larger"),
            (threshold >= 2, "the threshold of password shares must be 2 or larger"),
            (threshold <= total, "the threshold of password shares must be smaller or equal to their total"),
        ];
        if let Some((_, why)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(Rv::ArgumentsBad.because(*why));
        }
        let password = password(fill)?;
        let mut rng = |bytes: &mut [u8]| fill(bytes);
        let prime = threshold::safe_prime(&mut rng)?;
        let points = threshold::split(&prime, &password, threshold, total, &mut rng)?;
        // Whatever may have gone wrong shows here, before anybody relies on it.
        if threshold::combine(&prime, &points[..threshold.into()])? != password {
            return Err(Rv::FunctionFailed.because("the password shares do not give the password back"));
        }
        let sheets = (1..).zip(points);
        let sheets = sheets.map(|(id, point)| Sheet { prime: prime.clone(), id, total, value: point.y });
        Ok(Custody { sheets: sheets.collect(), password })
    }
}

/// 63 random bits, the first byte not zero.
fn password(fill: &Fill) -> Result<Secret> {
    let mut password = Secret::zeroed(WIDTH);
    for _ in 0..100 {
        fill(password.expose_mut())?;
        password.expose_mut()[0] &= 0x7f;
        if password.expose()[0] != 0 {
            return Ok(password);
        }
    }
    Err(Rv::DeviceError.because("the random generator gives nothing but zeros"))
}

impl fmt::Display for Sheet {
    /// As the real tool shows it, so that either program reads what was written down.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Share {} of {}\n\n", self.id, self.total)?;
        writeln!(f, "Prime       : {}", colons(&self.prime))?;
        write!(f, "Share ID    : {}", self.id)?;
        if self.id > UNAMBIGUOUS {
            write!(f, "   (type as hex in sc-hsm-tool: {:x})", self.id)?;
        }
        writeln!(f, "\nShare value : {}", colons(self.value.expose()))
    }
}

fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// Hexadecimal digits of either case as bytes, big-endian; colons and blanks are passed over, an odd digit comes first.
///
/// # Errors
/// CKR_ARGUMENTS_BAD for anything else, and for none. The text is not repeated: it may be secret.
pub fn digits(text: &str) -> Result<Secret> {
    let marks = text.chars().filter(|c| *c != ':' && !c.is_whitespace());
    let digits: Option<Vec<u8>> = marks.map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = Secret::from(digits.unwrap_or_default());
    if digits.is_empty() {
        return Err(Rv::ArgumentsBad.because("hexadecimal digits are expected, with colons or without"));
    }
    let mut out = Secret::zeroed(digits.len().div_ceil(2));
    let odd = digits.len() % 2;
    for (at, digit) in digits.expose().iter().enumerate() {
        let byte = &mut out.expose_mut()[(at + odd) / 2];
        *byte = *byte << 4 | digit;
    }
    Ok(out)
}

impl Typed {
    /// From what was typed.
    ///
    /// # Errors
    /// CKR_ARGUMENTS_BAD when one of them is no number.
    pub fn new(id: &str, value: &str) -> Result<Typed> {
        let id = id.trim().to_owned();
        match u64::from_str_radix(&id, 16) {
            Ok(1..) => Ok(Typed { id, value: digits(value)? }),
            _ => Err(Rv::ArgumentsBad.because(format!("{id:?} is no share ID: 1, 2, … or a for the tenth"))),
        }
    }

    /// From `ID:HEX`, as the command line has it.
    ///
    /// # Errors
    /// As [`Typed::new`].
    pub fn parse(text: &str) -> Result<Typed> {
        let (id, value) = text.split_once(':').ok_or_else(|| {
            Rv::ArgumentsBad.because("a password share is written ID:HEX, its ID and its value")
        })?;
        Typed::new(id, value)
    }
}

/// What is strange about a prime that was typed, if anything: it may still be right.
pub fn doubt(prime: &Secret) -> Option<&'static str> {
    match threshold::is_prime(prime.expose()) {
        false => Some("this number is not prime: was it typed correctly?"),
        true if prime.len() != WIDTH || prime.expose()[0] < 0x80 => {
            Some("this prime has not 64 bits: was it typed correctly?")
        }
        true => None,
    }
}

/// The passwords that the shares may stand for, in the order in which to try them: at most four.
///
/// # Errors
/// CKR_ARGUMENTS_BAD for fewer than two shares, one that is there twice, or a value that is not below the prime.
pub fn passwords(prime: &Secret, shares: &[Typed]) -> Result<Vec<Secret>> {
    if shares.len() < 2 {
        return Err(Rv::ArgumentsBad.because("at least two password shares are needed"));
    }
    let first = decimal(shares);
    let second = hexadecimal(shares).filter(|second| first.as_ref() != Some(second));
    let mut found = Vec::new();
    let mut refused = None;
    for ids in [first, second].into_iter().flatten() {
        match combined(prime, &ids, shares) {
            Ok(short) => found.extend(forms(short)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match (found.is_empty(), refused) {
        (true, Some(error)) => Err(error),
        _ => Ok(found),
    }
}

/// Both writings of a password with leading zeros: without them, and with.
fn forms(short: Secret) -> Vec<Secret> {
    if short.len() >= WIDTH {
        return vec![short];
    }
    let mut wide = Secret::zeroed(WIDTH);
    wide.expose_mut()[WIDTH - short.len()..].copy_from_slice(short.expose());
    vec![short, wide]
}

fn combined(prime: &Secret, ids: &[u64], shares: &[Typed]) -> Result<Secret> {
    for share in shares {
        if threshold::reaches(share.value.expose(), prime.expose()) {
            return Err(Rv::ArgumentsBad.because(format!(
                "the value of share {} is not below the prime: was it typed correctly?",
                share.id
            )));
        }
    }
    let points: Vec<Point> =
        ids.iter().zip(shares).map(|(x, share)| Point { x: *x, y: share.value.clone() }).collect();
    threshold::combine(prime.expose(), &points).map_err(explained)
}

fn explained(error: Error) -> Error {
    error.rv().because(format!("the password cannot be put together: {}", error.why()))
}

fn decimal(shares: &[Typed]) -> Option<Vec<u64>> {
    shares.iter().map(|share| share.id.parse().ok().filter(|id| *id > 0)).collect()
}

fn hexadecimal(shares: &[Typed]) -> Option<Vec<u64>> {
    shares.iter().map(|share| u64::from_str_radix(&share.id, 16).ok().filter(|id| *id > 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng;
    use proptest::prelude::*;

    fn typed(shares: &[(&str, &str)]) -> Vec<Typed> {
        shares.iter().map(|(id, value)| Typed::new(id, value).unwrap()).collect()
    }

    #[test]
    fn the_rules_are_checked_in_the_real_tools_order() {
        for (threshold, total, word) in
            [(1, 2, "3 or larger"), (1, 3, "2 or larger"), (4, 3, "smaller or equal")]
        {
            let error = Custody::new(threshold, total, &rng::system).unwrap_err();
            assert!(error.why().contains(word), "{error}");
        }
    }

    #[test]
    fn a_sheet_reads_as_the_real_tools() {
        let sheet = Sheet { prime: vec![0xe2, 0x2c], id: 1, total: 12, value: vec![0x6a, 0x0d].into() };
        let text = "Share 1 of 12\n\n\nPrime       : e2:2c\nShare ID    : 1\nShare value : 6a:0d\n";
        assert_eq!(sheet.to_string(), text);
        let tenth = Sheet { id: 10, ..sheet }.to_string();
        assert!(tenth.contains("Share ID    : 10   (type as hex in sc-hsm-tool: a)"), "{tenth}");
    }

    #[test]
    fn digits_are_read_as_people_type_them() {
        for text in ["e2:2C:53", "E22c53", " e2 2c 53 "] {
            assert_eq!(digits(text).unwrap().expose(), [0xe2, 0x2c, 0x53]);
        }
        assert_eq!(digits("123").unwrap().expose(), [1, 0x23]);
        assert!(digits("").is_err() && digits("e2:2x").is_err());
        assert!(Typed::parse("1").is_err() && Typed::parse("0:12").is_err() && Typed::parse("z:12").is_err());
    }

    #[test]
    fn a_strange_prime_is_doubted() {
        assert_eq!(doubt(&digits("e2:2c:53:bf:a0:76:3a:a3").unwrap()), None);
        assert!(doubt(&digits("e2:2c:53:bf:a0:76:3a:a5").unwrap()).unwrap().contains("not prime"));
        assert!(doubt(&digits("07").unwrap()).unwrap().contains("64 bits"));
    }

    #[test]
    fn too_few_repeated_and_impossible_shares_are_refused() {
        let prime = digits("e2:2c:53:bf:a0:76:3a:a3").unwrap();
        let one = ("1", "8e:91:3e:ce:e6:99:9c:25");
        for (shares, word) in [
            (typed(&[one]), "at least two"),
            (typed(&[one, one]), "twice"),
            (typed(&[one, ("2", "ff:ff:ff:ff:ff:ff:ff:ff")]), "not below the prime"),
        ] {
            let error = passwords(&prime, &shares).unwrap_err();
            assert!(error.why().contains(word), "{error}");
        }
    }

    #[test]
    fn ids_from_ten_on_are_read_in_both_ways_and_letters_in_one() {
        let prime = digits("e2:2c:53:bf:a0:76:3a:a3").unwrap();
        let of = |a, b| passwords(&prime, &typed(&[(a, "11"), (b, "22:33")])).unwrap();
        assert_eq!(of("1", "9").len(), 1);
        assert_eq!(of("1", "10").len(), 2);
        assert_eq!(of("1", "a"), of("1", "10")[..1]);
        assert_eq!(of("1", "10")[1..], of("1", "16")[..1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_t_of_n_open_and_fewer_never_do(
            t in 2u8..6, more in 0u8..5, order in Just((0usize..10).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let custody = Custody::new(t, (t + more).max(3), &rng::system).unwrap();
            prop_assert!(custody.password.expose()[0] != 0 && custody.password.len() == 8);
            let prime = Secret::from(&custody.sheets[0].prime[..]);
            prop_assert_eq!(doubt(&prime), None);
            let shares: Vec<Typed> = order.iter().filter_map(|at| custody.sheets.get(*at))
                .map(|sheet| Typed { id: sheet.id.to_string(), value: sheet.value.clone() }).collect();
            for count in 2..=shares.len() {
                let found = passwords(&prime, &shares[..count]).unwrap();
                prop_assert_eq!(found.first() == Some(&custody.password), count >= usize::from(t));
            }
        }
    }
}
