//! The numbers of an RSA key: made, completed, and checked against each other.

use rsa::{BoxedUint, RsaPrivateKey};

use crate::crypto::Fill;
use crate::crypto::awslc::Number;
use crate::crypto::tlv::trim;
use crate::cryptoki::{Error, Result, Rv, Secret};

/// The smallest and largest modulus that is made or taken, in bits.
const MADE: std::ops::RangeInclusive<usize> = 1024..=16384;
const TAKEN: std::ops::RangeInclusive<usize> = 512..=16384;
/// Public exponents tried when an imported key brings none and no primes to find it with.
const COMMON_EXPONENTS: [&[u8]; 6] = [&[1, 0, 1], &[3], &[17], &[5], &[7], &[1, 1]];

/// All the numbers of a two-prime RSA private key (RFC 8017 §3.2), big-endian, without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Components {
    pub modulus: Vec<u8>,
    pub public_exponent: Vec<u8>,
    pub private_exponent: Secret,
    pub prime_1: Secret,
    pub prime_2: Secret,
    pub exponent_1: Secret,
    pub exponent_2: Secret,
    pub coefficient: Secret,
}

/// A new key with a modulus of exactly `bits` bits (1024 to 16384, else `CKR_KEY_SIZE_RANGE`). The public exponent must
/// be odd, at least 3, and below 2^33 (`CKR_ATTRIBUTE_VALUE_INVALID`). The private exponent is the least (FIPS 186-5 A.1.1).
pub fn generate(bits: usize, public_exponent: &[u8], rng: &mut Fill) -> Result<Components> {
    let e = trim(public_exponent);
    let wide = e.len() > 5 || (e.len() == 5 && e[0] > 1);
    if wide || e.last().is_none_or(|last| last % 2 == 0) || e == [1] {
        return Err(invalid("CKA_PUBLIC_EXPONENT must be odd, at least 3 and below 2^33"));
    }
    if !MADE.contains(&bits) {
        return Err(Rv::KeySizeRange.because("CKA_MODULUS_BITS must be 1024 to 16384"));
    }
    let e = number(e, "CKA_PUBLIC_EXPONENT")?;
    loop {
        let (p, q) = (prime(bits.div_ceil(2), &e, rng)?, prime(bits / 2, &e, rng)?);
        // The larger prime first, as most programs write it.
        let (p, q) = if p > q { (p, q) } else { (q, p) };
        // Primes that lie together, or a short d, come once in 2^100 keys (FIPS 186-5 A.1.3 steps 5.4 and A.1.1).
        if p.minus(&q).is_some_and(|gap| gap.bits() + 100 > bits / 2) {
            let key = assemble(&e, &p, &q).filter(|key| key.private_exponent.len() * 8 > bits / 2);
            return agreed(key.ok_or(Rv::HostMemory)?);
        }
    }
}

/// A prime of exactly `bits` bits, at least √2·2^(bits-1), with e coprime to p - 1 (FIPS 186-5 A.1.3). Every candidate is
/// drawn afresh: those that are refused, in a time that tells what they were, say nothing about the one that is taken.
fn prime(bits: usize, e: &Number, rng: &mut Fill) -> Result<Number> {
    /// The upper 64 bits of √2·2^63, rounded up.
    const ROOT: u64 = 0xb504_f333_f9de_6485;
    let (mut draw, one) = (Secret::zeroed(bits.div_ceil(8)), number(&[1], "one")?);
    let idle = draw.len() * 8 - bits;
    loop {
        rng(draw.expose_mut())?;
        let bytes = draw.expose_mut();
        bytes[0] &= 0xff >> idle;
        if let Some(last) = bytes.last_mut() {
            *last |= 1;
        }
        let top = bytes.iter().take(16).fold(0u128, |top, byte| top << 8 | u128::from(*byte)) << idle >> 64;
        if top < u128::from(ROOT) {
            continue;
        }
        let candidate = number(bytes, "a prime")?;
        let coprime = || Some(candidate.minus(&one)?.gcd(e)?.is_one());
        if candidate.is_likely_prime().ok_or(Rv::HostMemory)? && coprime().ok_or(Rv::HostMemory)? {
            return Ok(candidate);
        }
    }
}

/// A new key on which another library agrees: a key that was made wrong must not leave.
fn agreed(key: Components) -> Result<Components> {
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
    let primes = vec![number(key.prime_1.expose()), number(key.prime_2.expose())];
    let (n, e, d) =
        (number(&key.modulus), number(&key.public_exponent), number(key.private_exponent.expose()));
    match RsaPrivateKey::from_components(n, e, d, primes).is_ok_and(|theirs| theirs.validate().is_ok()) {
        true => Ok(key),
        false => Err(Rv::FunctionFailed.because("the RSA key that was made does not hold together")),
    }
}

/// e, p and q to a whole key; `None` when e has no inverse.
fn assemble(e: &Number, p: &Number, q: &Number) -> Option<Components> {
    let one = Number::new(&[1])?;
    let d = e.inverse(&carmichael(&p.minus(&one)?, &q.minus(&one)?)?)?;
    spread(&p.times(q)?, e, &d, p, q)
}

/// lcm(p-1, q-1)
fn carmichael(p1: &Number, q1: &Number) -> Option<Number> {
    p1.over(&p1.gcd(q1)?)?.times(q1)
}

/// Adds what the Chinese remainder theorem needs.
fn spread(n: &Number, e: &Number, d: &Number, p: &Number, q: &Number) -> Option<Components> {
    let one = Number::new(&[1])?;
    Some(Components {
        modulus: n.bytes().expose().to_vec(),
        public_exponent: e.bytes().expose().to_vec(),
        private_exponent: d.bytes(),
        prime_1: p.bytes(),
        prime_2: q.bytes(),
        exponent_1: d.modulo(&p.minus(&one)?)?.bytes(),
        exponent_2: d.modulo(&q.minus(&one)?)?.bytes(),
        coefficient: q.inverse(p)?.bytes(),
    })
}

/// A whole key from what an imported one brings: n and d, and e or the primes or both. What is missing is found, what is
/// there is checked (n = pq, primes prime, ed = 1 modulo p-1 and q-1). `CKR_ATTRIBUTE_VALUE_INVALID` when it does not fit.
pub fn complete(
    modulus: &[u8],
    public_exponent: Option<&[u8]>,
    private_exponent: &[u8],
    primes: Option<(&[u8], &[u8])>,
) -> Result<Components> {
    let n = number(modulus, "CKA_MODULUS")?;
    let d = number(private_exponent, "CKA_PRIVATE_EXPONENT")?;
    if !TAKEN.contains(&n.bits()) || !n.is_odd() {
        return Err(invalid("CKA_MODULUS must be odd and of 512 to 16384 bits"));
    }
    if d.bits() == 0 || d >= n {
        return Err(invalid("CKA_PRIVATE_EXPONENT must be above 0 and below CKA_MODULUS"));
    }
    let given = match public_exponent {
        Some(e) => Some(check_exponent(number(e, "CKA_PUBLIC_EXPONENT")?)?),
        None => None,
    };
    let (e, p, q) = match (given, primes) {
        (given, Some((p, q))) => {
            let (p, q) = (number(p, "CKA_PRIME_1")?, number(q, "CKA_PRIME_2")?);
            check_product(&n, &p, &q)?;
            let e = match given {
                Some(e) => e,
                None => find_exponent(&d, &p, &q)?,
            };
            (e, p, q)
        }
        (given, None) => {
            let e = match given {
                Some(e) => e,
                None => guess_exponent(&n, &d)?,
            };
            let (p, q) = factor(&n, &e, &d).ok_or_else(|| {
                invalid("CKA_PRIVATE_EXPONENT does not belong to CKA_MODULUS and CKA_PUBLIC_EXPONENT")
            })?;
            (e, p, q)
        }
    };
    check_primes(&p, &q)?;
    let fits = is_inverse(&e, &d, &p, &q).unwrap_or(false);
    let whole = if fits { spread(&n, &e, &d, &p, &q) } else { None };
    whole.ok_or_else(|| invalid("CKA_PRIVATE_EXPONENT is not the inverse of CKA_PUBLIC_EXPONENT"))
}

/// A whole key from its modulus, public exponent and primes, all of them checked; the private exponent is the least.
/// `CKR_ATTRIBUTE_VALUE_INVALID` when they do not fit.
pub fn from_primes(modulus: &[u8], public_exponent: &[u8], primes: (&[u8], &[u8])) -> Result<Components> {
    let n = number(modulus, "CKA_MODULUS")?;
    if !TAKEN.contains(&n.bits()) || !n.is_odd() {
        return Err(invalid("CKA_MODULUS must be odd and of 512 to 16384 bits"));
    }
    let e = check_exponent(number(public_exponent, "CKA_PUBLIC_EXPONENT")?)?;
    let (p, q) = (number(primes.0, "CKA_PRIME_1")?, number(primes.1, "CKA_PRIME_2")?);
    check_product(&n, &p, &q)?;
    check_primes(&p, &q)?;
    assemble(&e, &p, &q).ok_or_else(|| invalid("CKA_PUBLIC_EXPONENT has no inverse"))
}

fn number(bytes: &[u8], name: &'static str) -> Result<Number> {
    // Bounds the arithmetic that follows.
    if trim(bytes).len() > TAKEN.end() / 8 {
        return Err(invalid(format!("{name} is longer than 16384 bits")));
    }
    Number::new(bytes).ok_or_else(|| Rv::HostMemory.into())
}

fn check_exponent(e: Number) -> Result<Number> {
    // 2^256 is the bound of FIPS 186-5, and keeps public operations from taking minutes.
    if !e.is_odd() || e.is_one() || e.bits() > 256 {
        return Err(invalid("CKA_PUBLIC_EXPONENT must be odd, at least 3 and below 2^256"));
    }
    Ok(e)
}

fn check_product(n: &Number, p: &Number, q: &Number) -> Result<()> {
    match p.times(q).is_some_and(|product| product == *n) && !p.is_one() && !q.is_one() && p != q {
        true => Ok(()),
        false => Err(invalid("CKA_MODULUS is not the product of CKA_PRIME_1 and CKA_PRIME_2")),
    }
}

fn check_primes(p: &Number, q: &Number) -> Result<()> {
    match p.is_honest_prime() == Some(true) && q.is_honest_prime() == Some(true) {
        true => Ok(()),
        false => Err(invalid("CKA_PRIME_1 and CKA_PRIME_2 must be primes")),
    }
}

fn is_inverse(e: &Number, d: &Number, p: &Number, q: &Number) -> Option<bool> {
    let (one, product) = (Number::new(&[1])?, e.times(d)?);
    let (left, right) = (product.modulo(&p.minus(&one)?)?, product.modulo(&q.minus(&one)?)?);
    Some(left.is_one() && right.is_one())
}

/// The public exponent, when only the primes are known.
fn find_exponent(d: &Number, p: &Number, q: &Number) -> Result<Number> {
    let found = || {
        let one = Number::new(&[1])?;
        d.inverse(&carmichael(&p.minus(&one)?, &q.minus(&one)?)?)
    };
    check_exponent(found().ok_or_else(|| invalid("CKA_PRIVATE_EXPONENT has no inverse"))?)
}

/// The public exponent, when only n and d are known: one of those that everybody uses.
fn guess_exponent(n: &Number, d: &Number) -> Result<Number> {
    let fits = |e: &Number| -> Option<bool> {
        let two = Number::new(&[2])?;
        Some(two.power(d, n)?.power(e, n)? == two)
    };
    COMMON_EXPONENTS.iter().filter_map(|e| Number::new(e)).find(|e| fits(e).unwrap_or(false)).ok_or_else(
        || Rv::TemplateIncomplete.because("CKA_PUBLIC_EXPONENT is missing and is none of the usual ones"),
    )
}

/// p and q from n, e and d (SP 800-56B Appendix C.1), the larger first; `None` when they do not belong together.
fn factor(n: &Number, e: &Number, d: &Number) -> Option<(Number, Number)> {
    let one = Number::new(&[1])?;
    let last = n.minus(&one)?;
    let mut odd = e.times(d)?.minus(&one)?;
    let mut twos = 0;
    while odd.bits() > 0 && !odd.is_odd() {
        odd = odd.half()?;
        twos += 1;
    }
    if twos == 0 || odd.bits() == 0 {
        return None;
    }
    // Each base finds the factors with a chance of one half or better.
    for base in (2u8..=255).filter(|base| [2, 3, 5, 7].iter().all(|p| base == p || base % p != 0)) {
        let mut root = Number::new(&[base])?.power(&odd, n)?;
        if root.is_one() || root == last {
            continue;
        }
        let mut found = None;
        for _ in 0..twos {
            let square = root.times(&root)?.modulo(n)?;
            if square.is_one() {
                found = Some(root.minus(&one)?.gcd(n)?);
                break;
            }
            if square == last {
                break;
            }
            root = square;
        }
        match found {
            Some(p) => {
                let q = n.over(&p)?;
                return Some(if p > q { (p, q) } else { (q, p) });
            }
            // Neither 1 nor -1 came: the exponent is no multiple of the group's, and no base will help.
            None if root.times(&root)?.modulo(n)? != last => return None,
            None => {}
        }
    }
    None
}

fn invalid(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Rv::AttributeValueInvalid.because(why)
}
