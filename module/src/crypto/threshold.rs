//! A secret among n people, of whom any t bring it back: a polynomial over a prime field (Shamir 1979).

use super::Fill;
use super::awslc::Number;
use crate::cryptoki::{Error, Result, Rv, Secret};

/// Bytes of the primes that are made.
const WIDTH: usize = 8;

/// A point of the polynomial: where, and its value, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub x: u64,
    pub y: Secret,
}

/// A random safe prime of 64 bits, the top two of them set.
pub fn safe_prime(rng: &mut Fill) -> Result<Vec<u8>> {
    let mut bytes = [0; WIDTH];
    // About one candidate in five hundred is one.
    for _ in 0..100_000 {
        rng(&mut bytes)?;
        bytes[0] |= 0xc0;
        bytes[WIDTH - 1] |= 3;
        let number = Number::new(&bytes).ok_or_else(failed)?;
        let half = number.half().ok_or_else(failed)?;
        if half.is_prime() == Some(true) && number.is_prime() == Some(true) {
            return Ok(bytes.to_vec());
        }
    }
    Err(Rv::DeviceError.because("the random generator gives no prime"))
}

/// Whether a number is prime.
pub fn is_prime(number: &[u8]) -> bool {
    Number::new(number).and_then(|number| number.is_prime()).unwrap_or(false)
}

/// Whether a value is the prime or above it: no point has such a value.
pub fn reaches(value: &[u8], prime: &[u8]) -> bool {
    Number::new(value).zip(Number::new(prime)).is_none_or(|(value, prime)| value >= prime)
}

/// The points 1 to `total` of a random polynomial of degree `threshold - 1` whose value at 0 is the secret.
///
/// `CKR_ARGUMENTS_BAD` unless the secret is below the prime and 1 <= threshold <= total.
pub fn split(prime: &[u8], secret: &Secret, threshold: u8, total: u8, rng: &mut Fill) -> Result<Vec<Point>> {
    let (p, secret) = (number(prime)?, number(secret.expose())?);
    if secret >= p || threshold == 0 || threshold > total {
        return Err(
            Rv::ArgumentsBad.because("the secret must be below the prime, the threshold at most the total")
        );
    }
    let mut coefficients = vec![secret];
    for _ in 1..threshold {
        coefficients.push(below(&p, rng)?);
    }
    let point = |x: u8| -> Option<Point> {
        let at = Number::new(&[x])?;
        let mut y = Number::new(&[])?;
        for coefficient in coefficients.iter().rev() {
            y = y.times(&at)?.plus(coefficient)?.modulo(&p)?;
        }
        Some(Point { x: x.into(), y: y.bytes() })
    };
    (1..=total).map(|x| point(x).ok_or_else(failed)).collect()
}

/// The value at 0 of the polynomial through these points, without leading zeros (Lagrange).
///
/// `CKR_ARGUMENTS_BAD` when two of them are at the same place, modulo the prime.
pub fn combine(prime: &[u8], points: &[Point]) -> Result<Secret> {
    let p = number(prime)?;
    if p.bits() < 2 {
        return Err(Rv::ArgumentsBad.because("the prime must be above 1"));
    }
    let places: Vec<Number> =
        points.iter().map(|point| number(&point.x.to_be_bytes())).collect::<Result<_>>()?;
    let mut sum = number(&[])?;
    for (at, point) in points.iter().enumerate() {
        let weight = weight(&places, at, &p).ok_or_else(|| {
            Rv::ArgumentsBad.because(format!("share {} is there twice, or the prime is none", point.x))
        })?;
        let term = number(point.y.expose())?.times(&weight);
        sum = term.and_then(|term| sum.plus(&term)?.modulo(&p)).ok_or_else(failed)?;
    }
    Ok(sum.bytes())
}

/// The product of x_j / (x_j - x_i) over all j but i, modulo p.
fn weight(places: &[Number], at: usize, p: &Number) -> Option<Number> {
    let (mut above, mut below) = (Number::new(&[1])?, Number::new(&[1])?);
    let own = p.minus(&places[at].modulo(p)?)?;
    for (_, place) in places.iter().enumerate().filter(|(j, _)| *j != at) {
        above = above.times(place)?.modulo(p)?;
        below = below.times(&place.plus(&own)?)?.modulo(p)?;
    }
    above.times(&below.inverse(p)?)?.modulo(p)
}

/// A random number below p, by rejection.
fn below(p: &Number, rng: &mut Fill) -> Result<Number> {
    let mut bytes = Secret::zeroed(p.bits().div_ceil(8));
    for _ in 0..1000 {
        rng(bytes.expose_mut())?;
        let drawn = number(bytes.expose())?;
        if drawn < *p {
            return Ok(drawn);
        }
    }
    Err(Rv::DeviceError.because("the random generator gives no number below the prime"))
}

fn number(bytes: &[u8]) -> Result<Number> {
    Number::new(bytes).ok_or_else(failed)
}

fn failed() -> Error {
    Rv::HostMemory.because("the numbers of the shares could not be computed")
}

#[cfg(test)]
mod tests {
    use super::super::rng;
    use super::*;
    use proptest::prelude::*;

    /// The design's worked example, part B.
    const PRIME: [u8; 8] = [0xe2, 0x2c, 0x53, 0xbf, 0xa0, 0x76, 0x3a, 0xa3];

    #[test]
    fn the_worked_example() {
        let mut draws = [0x1122_3344_5566_7788u64, 0x0f1e_2d3c_4b5a_6978].into_iter();
        let mut rng = |bytes: &mut [u8]| {
            bytes.copy_from_slice(&draws.next().unwrap().to_be_bytes());
            Ok(())
        };
        let secret = Secret::from(hex::decode("6e50de4e45d8bb25").unwrap());
        let points = split(&PRIME, &secret, 3, 5, &mut rng).unwrap();
        let values: Vec<String> = points.iter().map(|point| hex::encode(point.y.expose())).collect();
        let known = [
            "8e913ecee6999c25",
            "cd0df9c81e0f5015",
            "479abb7a4bc39c52",
            "c2902b64b0a2f622",
            "7995a2080bc0e83f",
        ];
        assert_eq!(values, known);
        let some = [points[4].clone(), points[1].clone(), points[3].clone()];
        assert_eq!(combine(&PRIME, &some).unwrap(), secret);
        assert_ne!(combine(&PRIME, &some[..2]).unwrap(), secret);
        let twice = [points[0].clone(), points[0].clone()];
        assert_eq!(combine(&PRIME, &twice).unwrap_err().rv(), Rv::ArgumentsBad);
    }

    #[test]
    fn primes_are_safe_and_of_64_bits() {
        let prime = safe_prime(&mut rng::system).unwrap();
        let number = Number::new(&prime).unwrap();
        assert_eq!((number.bits(), number.is_prime()), (64, Some(true)));
        assert_eq!(number.half().unwrap().is_prime(), Some(true));
    }

    #[test]
    fn impossible_numbers_are_refused_without_a_panic() {
        let secret = Secret::from(&[0xff; 8][..]);
        assert_eq!(split(&PRIME, &secret, 2, 3, &mut rng::system).unwrap_err().rv(), Rv::ArgumentsBad);
        for (threshold, total) in [(0, 3), (4, 3)] {
            let refused = split(&PRIME, &Secret::zeroed(8), threshold, total, &mut rng::system);
            assert_eq!(refused.unwrap_err().rv(), Rv::ArgumentsBad);
        }
        for prime in [&[][..], &[0], &[1], &[4]] {
            let points = [1, 3].map(|x| Point { x, y: secret.clone() });
            let _ = combine(prime, &points);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_t_of_n_recombine_and_fewer_never_do(
            secret: [u8; 8], t in 2u8..9, more in 0u8..6, order in Just((0usize..14).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut secret = secret;
            secret[0] &= 0x7f;
            let secret = Secret::from(&secret[..]);
            let points = split(&PRIME, &secret, t, t + more, &mut rng::system).unwrap();
            let drawn: Vec<Point> = order.iter().filter_map(|at| points.get(*at).cloned()).collect();
            let trimmed = super::super::tlv::trim(secret.expose());
            for count in 2..=drawn.len() {
                let found = combine(&PRIME, &drawn[..count]).unwrap();
                prop_assert_eq!(found.expose() == trimmed, count >= usize::from(t));
            }
        }
    }
}
