//! Keys in the multiplicative group of a prime field: DSA (FIPS 186-4 §4) and Diffie-Hellman (PKCS #3).

use super::Fill;
use super::awslc::{Dsa, Number};
use super::ec::{open_pkcs8, pkcs8};
use super::groups;
use super::tlv::{self, Elements};
use crate::cryptoki::{Error, Result, Rv, Secret};

/// Bits of a prime that is taken.
const TAKEN: std::ops::RangeInclusive<usize> = 512..=8192;
/// p and q of DSA, in bits (FIPS 186-4 §4.2).
pub const DSA_SIZES: [(usize, usize); 4] = [(1024, 160), (2048, 224), (2048, 256), (3072, 256)];

/// 1.2.840.10040.4.1 and 1.2.840.113549.1.3.1, with tag and length (RFC 3279 §2.3.2, PKCS #3 §9).
const DSA: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const DH: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1];

/// The group: p, the order q of the base for DSA, and the base g, big-endian without leading zeros. Of a group that is
/// known by its prime (RFC 3526, RFC 7919) the order is known without being told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    pub prime: Vec<u8>,
    pub subprime: Option<Vec<u8>>,
    pub base: Vec<u8>,
}

struct Numbers {
    p: Number,
    /// The order of the base, where it is told.
    q: Option<Number>,
    g: Number,
}

impl Domain {
    /// Bits of p.
    pub fn bits(&self) -> usize {
        bits(&self.prime)
    }

    /// Bytes of p: of a public value and of a shared secret.
    pub fn size(&self) -> usize {
        self.prime.len()
    }

    /// Bytes of q: of each half of a signature.
    pub fn subprime_size(&self) -> usize {
        self.subprime.as_ref().map_or(0, Vec::len)
    }

    /// Refuses what can be no group. `CKR_DOMAIN_PARAMS_INVALID` says which number.
    pub fn check(&self) -> Result<()> {
        self.numbers().map(drop)
    }

    fn numbers(&self) -> Result<Numbers> {
        let bad = |why: &'static str| -> Error { Rv::DomainParamsInvalid.because(why) };
        if !TAKEN.contains(&self.bits()) || self.prime.last().is_none_or(|last| last % 2 == 0) {
            return Err(bad("CKA_PRIME must be odd and of 512 to 8192 bits"));
        }
        let numbers = || -> Option<Numbers> {
            let q = self.subprime.as_ref().map(|q| Number::new(q));
            let q = if self.subprime.is_some() { Some(q.flatten()?) } else { None };
            Some(Numbers { p: Number::new(&self.prime)?, q, g: Number::new(&self.base)? })
        };
        let Numbers { p, q, g } = numbers().ok_or(Rv::HostMemory)?;
        if !within(&g, &p).unwrap_or(false) {
            return Err(bad("CKA_BASE must be above 1 and below CKA_PRIME - 1"));
        }
        if let Some(q) = &q {
            let divides = || Some(p.minus(&Number::new(&[1])?)?.modulo(q)?.bits() == 0);
            if !matches!(q.bits(), 160 | 224 | 256) || !divides().unwrap_or(false) {
                return Err(bad("CKA_SUBPRIME must have 160, 224 or 256 bits and divide CKA_PRIME - 1"));
            }
            if !g.power(q, &p).is_some_and(|power| power.is_one()) {
                return Err(bad("CKA_BASE is not of the order CKA_SUBPRIME"));
            }
        }
        Ok(Numbers { p, q, g })
    }

    /// Whether 1 < y < p - 1, and y is of the order of the base, where that is told or known (SP 800-56A §5.6.2.3.1).
    fn has(&self, y: &Number, Numbers { p, q, .. }: &Numbers) -> bool {
        let of = |q: &Number| y.power(q, p).is_some_and(|power| power.is_one());
        let known = || groups::order(&self.prime, &self.base);
        within(y, p).unwrap_or(false)
            && match q {
                Some(q) => of(q),
                None => known().is_none_or(|q| of(&q)),
            }
    }

    /// A DSA group of these sizes (FIPS 186-4 A.1, without the proof that a seed would give). `CKR_ATTRIBUTE_VALUE_INVALID`
    /// for sizes that are not of [`DSA_SIZES`].
    pub fn dsa(size: usize, subsize: usize, rng: &mut Fill) -> Result<Domain> {
        if !DSA_SIZES.contains(&(size, subsize)) {
            return Err(Rv::AttributeValueInvalid.because(
                "CKA_PRIME_BITS and CKA_SUBPRIME_BITS are 1024 and 160, 2048 and 224 or 256, or 3072 and 256",
            ));
        }
        let failed = || Rv::FunctionFailed.because("no DSA group was found");
        loop {
            let q = draw(subsize, rng)?;
            let q = Number::new(q.expose()).ok_or_else(failed)?;
            if q.is_prime() != Some(true) {
                continue;
            }
            // FIPS 186-4 A.1.1.2: 4 L tries for one q.
            for _ in 0..4 * size {
                let x = draw(size, rng)?;
                if let Some((p, g)) = beside(&q, x.expose(), size) {
                    let [prime, base, subprime] = [p, g, q].map(|number| number.bytes().expose().to_vec());
                    return Ok(Domain { prime, subprime: Some(subprime), base });
                }
            }
        }
    }

    /// A Diffie-Hellman group: of RFC 3526 for the sizes it has, else of a new safe prime of 512 to 1535 bits.
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for other sizes.
    pub fn dh(size: usize) -> Result<Domain> {
        let found = match size {
            512..=1535 => Number::safe_prime(size),
            _ => Number::modp(size),
        };
        let prime = found.ok_or_else(|| {
            Rv::AttributeValueInvalid.because("CKA_PRIME_BITS is 512 to 1536, 2048, 3072, 4096, 6144 or 8192")
        })?;
        Ok(Domain { prime: prime.bytes().expose().to_vec(), subprime: None, base: vec![2] })
    }
}

/// A prime p = 1 modulo 2q near x, and a base of the order q.
fn beside(q: &Number, x: &[u8], size: usize) -> Option<(Number, Number)> {
    let (one, x) = (Number::new(&[1])?, Number::new(x)?);
    let p = x.minus(&x.modulo(&q.plus(q)?)?)?.plus(&one)?;
    if p.bits() != size || p.is_prime() != Some(true) {
        return None;
    }
    let exponent = p.minus(&one)?.over(q)?;
    let base = |h: u8| Number::new(&[h])?.power(&exponent, &p);
    let g = (2..=255).find_map(|h| base(h).filter(|g| !g.is_one()))?;
    Some((p, g))
}

/// A random number of exactly so many bits, odd.
fn draw(size: usize, rng: &mut Fill) -> Result<Secret> {
    let mut bytes = Secret::zeroed(size.div_ceil(8));
    rng(bytes.expose_mut())?;
    let spare = 8 * bytes.len() - size;
    if let [first, .., last] = bytes.expose_mut() {
        *first = (*first & (0xff >> spare)) | (0x80 >> spare);
        *last |= 1;
    }
    Ok(bytes)
}

/// 1 < value < p - 1
fn within(value: &Number, p: &Number) -> Option<bool> {
    let one = Number::new(&[1])?;
    Some(*value > one && *value < p.minus(&one)?)
}

/// A new key pair: the private value, of `size` bits when that is asked, and the public one.
/// `CKR_ATTRIBUTE_VALUE_INVALID` for a size that the group has not.
pub fn generate(domain: &Domain, size: Option<usize>, rng: &mut Fill) -> Result<(Secret, Vec<u8>)> {
    let numbers = domain.numbers()?;
    let most = numbers.q.as_ref().map_or(domain.bits() - 1, Number::bits);
    let size = size.filter(|size| *size > 0).unwrap_or(most);
    if !(160..=most).contains(&size) {
        return Err(Rv::AttributeValueInvalid
            .because(format!("CKA_VALUE_BITS is {size}: this group takes 160 to {most}")));
    }
    // One draw in two or better is below the order.
    for _ in 0..128 {
        let mut bytes = Secret::zeroed(size.div_ceil(8));
        rng(bytes.expose_mut())?;
        if let Some(first) = bytes.expose_mut().first_mut() {
            *first &= 0xff >> (size.div_ceil(8) * 8 - size);
        }
        let private = Secret::from(tlv::trim(bytes.expose()));
        if let Ok(public) = public(domain, &private) {
            return Ok((private, public));
        }
    }
    Err(Rv::DeviceError.because("the random generator gives no usable private value"))
}

/// The public value of a private one. `CKR_ATTRIBUTE_VALUE_INVALID` unless that is above 0 and below the order.
pub fn public(domain: &Domain, private: &Secret) -> Result<Vec<u8>> {
    let Numbers { p, q, g } = domain.numbers()?;
    let x = Number::new(private.expose()).ok_or(Rv::HostMemory)?;
    let fits = x.bits() > 0 && x < *q.as_ref().unwrap_or(&p);
    let y = fits.then(|| g.secret_power(&x, &p)).flatten();
    let y = y.filter(|y| within(y, &p).unwrap_or(false));
    y.map(|y| y.bytes().expose().to_vec()).ok_or_else(|| {
        Rv::AttributeValueInvalid.because("CKA_VALUE must be above 0 and below the group's order")
    })
}

/// Whether a public value can be one of the group. `CKR_ATTRIBUTE_VALUE_INVALID`.
pub fn check_public(domain: &Domain, public: &[u8]) -> Result<()> {
    let y = Number::new(public).ok_or(Rv::HostMemory)?;
    match domain.has(&y, &domain.numbers()?) {
        true => Ok(()),
        false => Err(Rv::AttributeValueInvalid.because("CKA_VALUE is no public value of its group")),
    }
}

/// A key; to be shared between threads.
pub struct FieldKey {
    domain: Domain,
    value: Secret,
    dsa: Option<Dsa>,
}

impl FieldKey {
    /// A private key. `CKR_ATTRIBUTE_VALUE_INVALID`, `CKR_DOMAIN_PARAMS_INVALID`.
    pub fn private(domain: Domain, value: Secret) -> Result<FieldKey> {
        let y = public(&domain, &value)?;
        FieldKey::new(domain, &y, Some(&value), value.clone())
    }

    /// A public key. `CKR_ATTRIBUTE_VALUE_INVALID`, `CKR_DOMAIN_PARAMS_INVALID`.
    pub fn public(domain: Domain, value: &[u8]) -> Result<FieldKey> {
        check_public(&domain, value)?;
        FieldKey::new(domain, value, None, value.into())
    }

    fn new(domain: Domain, y: &[u8], x: Option<&Secret>, value: Secret) -> Result<FieldKey> {
        let Numbers { p, q, g } = domain.numbers()?;
        let dsa = match q {
            None => None,
            Some(q) => {
                let y = Number::new(y).ok_or(Rv::HostMemory)?;
                let x = x.map(|x| Number::new(x.expose()).ok_or(Rv::HostMemory)).transpose()?;
                let bad = || Rv::AttributeValueInvalid.because("the numbers are no DSA key");
                Some(Dsa::new([p, q, g, y], x).ok_or_else(bad)?)
            }
        };
        Ok(FieldKey { domain, value, dsa })
    }

    /// The group.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// A DSA signature over a digest (FIPS 186-4 §4.6): r and s.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>> {
        let signed = self.dsa.as_ref().and_then(|key| key.sign(digest));
        signed.ok_or_else(|| Rv::FunctionFailed.because("the DSA signature could not be made"))
    }

    /// Checks a DSA signature. `CKR_SIGNATURE_LEN_RANGE`, `CKR_SIGNATURE_INVALID`.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<()> {
        let half = self.domain.subprime_size();
        if signature.len() != 2 * half {
            return Err(
                Rv::SignatureLenRange.because("a DSA signature is r and s, each as long as CKA_SUBPRIME")
            );
        }
        let (r, s) = signature.split_at(half);
        let good = self.dsa.as_ref().and_then(|key| key.verify(digest, r, s));
        good.ok_or_else(|| Rv::SignatureInvalid.into())
    }

    /// The Diffie-Hellman secret with a peer's public value, as wide as p (RFC 2631 §2.1.2).
    /// `CKR_MECHANISM_PARAM_INVALID` for a value that is not above 1 and below p - 1, or not of the base's order where
    /// that is known.
    pub fn agree(&self, peer: &[u8]) -> Result<Secret> {
        let numbers = self.domain.numbers()?;
        let bad = || Rv::MechanismParamInvalid.because("the peer's public value is none of this key's group");
        let peer = Number::new(peer).filter(|peer| self.domain.has(peer, &numbers)).ok_or_else(bad)?;
        let x = Number::new(self.value.expose()).ok_or(Rv::HostMemory)?;
        let z = peer.secret_power(&x, &numbers.p).filter(|z| !z.is_one()).ok_or_else(bad)?.bytes();
        let mut wide = Secret::zeroed(self.domain.size());
        let start = wide.len() - z.len();
        wide.expose_mut()[start..].copy_from_slice(z.expose());
        Ok(wide)
    }
}

/// The algorithm of a key in this group: OID and parameters.
pub(super) fn algorithm(domain: &Domain) -> [Vec<u8>; 2] {
    let number = |bytes: &[u8]| tlv::put_number(bytes).expose().to_vec();
    let (oid, numbers) = match &domain.subprime {
        Some(q) => (DSA, [number(&domain.prime), number(q), number(&domain.base)].concat()),
        None => (DH, [number(&domain.prime), number(&domain.base)].concat()),
    };
    [oid.to_vec(), tlv::put(tlv::SEQUENCE, &[&numbers]).expose().to_vec()]
}

/// PKCS#8 PrivateKeyInfo around the private value as an INTEGER.
pub fn to_pkcs8(domain: &Domain, private: &Secret) -> Secret {
    let [oid, parameters] = algorithm(domain);
    pkcs8(&[&oid, &parameters], &tlv::put_number(private.expose()))
}

/// Group and private value of a PKCS#8 key. `CKR_WRAPPED_KEY_INVALID` when it is not one, `CKR_KEY_TYPE_INCONSISTENT` for a
/// key of another kind.
pub fn from_pkcs8(dsa: bool, der: &[u8]) -> Result<(Domain, Secret)> {
    let bad =
        || -> Error { Rv::WrappedKeyInvalid.because("the key is not a PKCS#8 private key of its group") };
    let (oid, parameters, key) = open_pkcs8(der).ok_or_else(bad)?;
    if oid != if dsa { DSA } else { DH } {
        return Err(Rv::KeyTypeInconsistent.because("the PKCS#8 key is of another algorithm"));
    }
    let read = || -> Option<(Domain, Secret)> {
        let mut numbers = Elements::new(tlv::only(tlv::SEQUENCE, parameters)?)?;
        let prime = numbers.number()?.to_vec();
        let subprime = if dsa { Some(numbers.number()?.to_vec()) } else { None };
        let base = numbers.number()?.to_vec();
        // PKCS #3 may say the length of private values.
        if !dsa && !numbers.done() {
            numbers.number()?;
        }
        let mut value = Elements::new(key)?;
        let private = Secret::from(value.number()?);
        (numbers.done() && value.done()).then_some((Domain { prime, subprime, base }, private))
    };
    read().ok_or_else(bad)
}

/// Bits of a number without leading zeros.
fn bits(bytes: &[u8]) -> usize {
    bytes.first().map_or(0, |first| 8 * bytes.len() - first.leading_zeros() as usize)
}
