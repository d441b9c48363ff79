//! Post-quantum keys: ML-DSA (FIPS 204), ML-KEM (FIPS 203), SLH-DSA (FIPS 205), in one table of parameter sets.

use super::Fill;
use super::awslc::{self, Lattice, Nid};
use super::prehash::shake256;
use super::slhdsa::{self, Engine};
use crate::cryptoki::{Error, Result, Rv, Secret};

pub use super::pq_encoding::{from_pkcs8, to_pkcs8};

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    MlDsa,
    MlKem,
    SlhDsa,
}

use Family::{MlDsa, MlKem, SlhDsa};

/// Which library does the work.
enum Work {
    /// aws-lc, with its number.
    Lattice(Nid),
    Hashes(&'static Engine),
}

struct Row {
    family: Family,
    /// CKA_PARAMETER_SET.
    number: u64,
    name: &'static str,
    /// With tag and length.
    oid: [u8; 11],
    work: Work,
    /// Bytes of a seed, 0 where the standard has none; of a private and of a public key; of a signature or ciphertext.
    sizes: [usize; 4],
}

/// 2.16.840.1.101.3.4.`branch`.`arc`
const fn oid(branch: u8, arc: u8) -> [u8; 11] {
    [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, branch, arc]
}

const fn lattice(
    family: Family,
    number: u64,
    name: &'static str,
    oid: [u8; 11],
    nid: Nid,
    sizes: [usize; 4],
) -> Row {
    Row { family, number, name, oid, work: Work::Lattice(nid), sizes }
}

const fn hashes(
    number: u64,
    name: &'static str,
    oid: [u8; 11],
    engine: &'static Engine,
    [private, public, signature]: [usize; 3],
) -> Row {
    let sizes = [0, private, public, signature];
    Row { family: SlhDsa, number, name, oid, work: Work::Hashes(engine), sizes }
}

/// In the order of the numbers in PKCS#11 v3.2 §6.67 – §6.69.
#[rustfmt::skip]
static ROWS: [Row; 18] = [
    lattice(MlDsa, 1, "ML-DSA-44", oid(3, 17), awslc::ML_DSA_44, [32, 2560, 1312, 2420]),
    lattice(MlDsa, 2, "ML-DSA-65", oid(3, 18), awslc::ML_DSA_65, [32, 4032, 1952, 3309]),
    lattice(MlDsa, 3, "ML-DSA-87", oid(3, 19), awslc::ML_DSA_87, [32, 4896, 2592, 4627]),
    lattice(MlKem, 1, "ML-KEM-512", oid(4, 1), awslc::ML_KEM_512, [64, 1632, 800, 768]),
    lattice(MlKem, 2, "ML-KEM-768", oid(4, 2), awslc::ML_KEM_768, [64, 2400, 1184, 1088]),
    lattice(MlKem, 3, "ML-KEM-1024", oid(4, 3), awslc::ML_KEM_1024, [64, 3168, 1568, 1568]),
    hashes(1, "SLH-DSA-SHA2-128S", oid(3, 20), &slhdsa::SHA2_128S, [64, 32, 7856]),
    hashes(2, "SLH-DSA-SHAKE-128S", oid(3, 26), &slhdsa::SHAKE_128S, [64, 32, 7856]),
    hashes(3, "SLH-DSA-SHA2-128F", oid(3, 21), &slhdsa::SHA2_128F, [64, 32, 17088]),
    hashes(4, "SLH-DSA-SHAKE-128F", oid(3, 27), &slhdsa::SHAKE_128F, [64, 32, 17088]),
    hashes(5, "SLH-DSA-SHA2-192S", oid(3, 22), &slhdsa::SHA2_192S, [96, 48, 16224]),
    hashes(6, "SLH-DSA-SHAKE-192S", oid(3, 28), &slhdsa::SHAKE_192S, [96, 48, 16224]),
    hashes(7, "SLH-DSA-SHA2-192F", oid(3, 23), &slhdsa::SHA2_192F, [96, 48, 35664]),
    hashes(8, "SLH-DSA-SHAKE-192F", oid(3, 29), &slhdsa::SHAKE_192F, [96, 48, 35664]),
    hashes(9, "SLH-DSA-SHA2-256S", oid(3, 24), &slhdsa::SHA2_256S, [128, 64, 29792]),
    hashes(10, "SLH-DSA-SHAKE-256S", oid(3, 30), &slhdsa::SHAKE_256S, [128, 64, 29792]),
    hashes(11, "SLH-DSA-SHA2-256F", oid(3, 25), &slhdsa::SHA2_256F, [128, 64, 49856]),
    hashes(12, "SLH-DSA-SHAKE-256F", oid(3, 31), &slhdsa::SHAKE_256F, [128, 64, 49856]),
];

/// A parameter set.
#[derive(Clone, Copy)]
pub struct Set(&'static Row);

impl PartialEq for Set {
    fn eq(&self, other: &Set) -> bool {
        self.0.oid == other.0.oid
    }
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Set {
    /// All sets of a family.
    pub fn all(family: Family) -> impl Iterator<Item = Set> {
        ROWS.iter().filter(move |row| row.family == family).map(Set)
    }

    /// The set of a CKA_PARAMETER_SET. `CKR_PARAMETER_SET_NOT_SUPPORTED` when there is none.
    pub fn of(family: Family, number: u64) -> Result<Set> {
        Set::all(family).find(|set| set.0.number == number).ok_or_else(|| {
            Rv::ParameterSetNotSupported
                .because(format!("CKA_PARAMETER_SET is {number}, which {family:?} has not"))
        })
    }

    /// The set with this OID, tag and length included.
    pub(super) fn by_oid(family: Family, oid: &[u8]) -> Option<Set> {
        Set::all(family).find(|set| set.0.oid == oid)
    }

    /// What it is for.
    pub fn family(self) -> Family {
        self.0.family
    }

    /// The CKA_PARAMETER_SET.
    pub fn number(self) -> u64 {
        self.0.number
    }

    /// The name in its FIPS.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The OID in DER.
    pub fn oid(self) -> &'static [u8] {
        &self.0.oid
    }

    /// Bytes of a seed; 0 for SLH-DSA, whose keys are three seeds already.
    pub fn seed_size(self) -> usize {
        self.0.sizes[0]
    }

    /// Bytes of an expanded private key.
    pub fn private_size(self) -> usize {
        self.0.sizes[1]
    }

    /// Bytes of a public key.
    pub fn public_size(self) -> usize {
        self.0.sizes[2]
    }

    /// Bytes of a signature or of a ciphertext.
    pub fn output_size(self) -> usize {
        self.0.sizes[3]
    }

    /// Bytes of randomness that a signature takes.
    pub fn hedge_size(self) -> usize {
        match self.family() {
            SlhDsa => self.public_size() / 2,
            _ => 32,
        }
    }

    /// Refuses bytes of another length than the set's. `CKR_ATTRIBUTE_VALUE_INVALID`.
    fn check(self, what: &str, bytes: &[u8], size: usize) -> Result<()> {
        match bytes.len() == size {
            true => Ok(()),
            false => Err(Rv::AttributeValueInvalid.because(format!(
                "{what} of {} has {size} bytes, not {}",
                self.name(),
                bytes.len()
            ))),
        }
    }

    fn refuse(self, what: &str) -> Error {
        Rv::AttributeValueInvalid.because(format!("{what} is no key of {}", self.name()))
    }
}

/// A key pair in bytes.
pub struct Pair {
    pub set: Set,
    /// Where the key was made from one, and it is still known.
    pub seed: Option<Secret>,
    pub private: Secret,
    pub public: Vec<u8>,
}

/// A new key pair.
pub fn generate(set: Set, rng: &mut Fill) -> Result<Pair> {
    let len = if set.family() == SlhDsa { 3 * set.hedge_size() } else { set.seed_size() };
    let mut seed = Secret::zeroed(len);
    rng(seed.expose_mut())?;
    match set.0.work {
        Work::Lattice(_) => Pair::from_seed(set, &seed),
        Work::Hashes(engine) => {
            let private = (engine.expand)(seed.expose()).ok_or_else(|| set.refuse("what was made"))?;
            let public = private.expose()[2 * set.hedge_size()..].to_vec();
            Ok(Pair { set, seed: None, private, public })
        }
    }
}

impl Pair {
    /// From a seed (FIPS 204 algorithm 6, FIPS 203 algorithm 16). `CKR_ATTRIBUTE_VALUE_INVALID` for one of another length.
    pub fn from_seed(set: Set, seed: &Secret) -> Result<Pair> {
        set.check("CKA_SEED", seed.expose(), set.seed_size())?;
        let bad = || set.refuse("CKA_SEED");
        let key = match (set.family(), &set.0.work) {
            (MlDsa, Work::Lattice(nid)) => Lattice::ml_dsa_private(*nid, seed.expose()),
            (MlKem, Work::Lattice(nid)) => Lattice::ml_kem_seed(*nid, seed.expose()),
            _ => None,
        };
        let key = key.ok_or_else(bad)?;
        let private = key.private(set.private_size()).ok_or_else(bad)?;
        let public = key.public(set.public_size()).ok_or_else(bad)?;
        Ok(Pair { set, seed: Some(seed.clone()), private, public })
    }

    /// From an expanded private key, which is checked in itself. `CKR_ATTRIBUTE_VALUE_INVALID`.
    pub fn from_private(set: Set, private: &Secret) -> Result<Pair> {
        set.check("CKA_VALUE", private.expose(), set.private_size())?;
        let public = match (set.family(), &set.0.work) {
            (MlDsa, Work::Lattice(nid)) => {
                Lattice::ml_dsa_private(*nid, private.expose()).and_then(|key| key.public(set.public_size()))
            }
            (MlKem, Work::Lattice(nid)) => {
                let public = embedded(set, private).to_vec();
                Lattice::ml_kem_private(*nid, &public, private.expose()).map(|_| public)
            }
            (_, Work::Hashes(engine)) => {
                let seeds = &private.expose()[..3 * set.hedge_size()];
                let same = (engine.expand)(seeds).is_some_and(|whole| whole == *private);
                same.then(|| private.expose()[2 * set.hedge_size()..].to_vec())
            }
            _ => None,
        };
        let public = public.ok_or_else(|| set.refuse("CKA_VALUE"))?;
        Ok(Pair { set, seed: None, private: private.clone(), public })
    }
}

/// The public key within an expanded ML-KEM private key (FIPS 203 algorithm 16): before its hash and z, 32 bytes each.
fn embedded(set: Set, private: &Secret) -> &[u8] {
    let end = set.private_size() - 64;
    &private.expose()[end - set.public_size()..end]
}

/// A private key, parsed once; to be shared between threads.
pub struct PrivateKey {
    set: Set,
    private: Secret,
    /// Of ML-DSA the hash of the public key, which begins every message representative.
    hash: Vec<u8>,
    /// Of ML-KEM the key in aws-lc.
    kem: Option<Lattice>,
}

impl PrivateKey {
    /// From the expanded key that a [`Pair`] holds; not checked again. `CKR_ATTRIBUTE_VALUE_INVALID`.
    pub fn new(set: Set, private: &Secret) -> Result<PrivateKey> {
        set.check("CKA_VALUE", private.expose(), set.private_size())?;
        let (mut hash, mut kem) = (Vec::new(), None);
        match (set.family(), &set.0.work) {
            // rho, K, tr (FIPS 204 algorithm 24).
            (MlDsa, _) => hash = private.expose()[64..128].to_vec(),
            (MlKem, Work::Lattice(nid)) => {
                let key = Lattice::ml_kem_private(*nid, embedded(set, private), private.expose());
                kem = Some(key.ok_or_else(|| set.refuse("CKA_VALUE"))?);
            }
            _ => {}
        }
        Ok(PrivateKey { set, private: private.clone(), hash, kem })
    }

    /// The parameter set.
    pub fn set(&self) -> Set {
        self.set
    }

    /// A signature over a message in parts, its prefix among them (FIPS 204 §5.2, FIPS 205 §10.2), with randomness of
    /// `hedge_size` bytes or deterministic.
    pub fn sign(&self, message: &[&[u8]], random: Option<&[u8]>) -> Result<Vec<u8>> {
        let signed = match self.set.0.work {
            Work::Hashes(engine) => (engine.sign)(&self.private, message, random),
            Work::Lattice(nid) if self.set.family() == MlDsa => {
                let random = random.map_or(Some([0; 32]), |random| random.try_into().ok());
                random.and_then(|random| {
                    awslc::ml_dsa_sign(nid, &self.private, &representative(&self.hash, message)?, &random)
                })
            }
            Work::Lattice(_) => return Err(wrong_family()),
        };
        signed.ok_or_else(|| {
            Rv::FunctionFailed.because(format!("the {} signature could not be made", self.set.name()))
        })
    }

    /// The shared secret of a ciphertext. `CKR_ENCRYPTED_DATA_LEN_RANGE` for one of another length.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Secret> {
        let key = self.kem.as_ref().ok_or_else(wrong_family)?;
        if ciphertext.len() != self.set.output_size() {
            return Err(Rv::EncryptedDataLenRange.because(format!(
                "a ciphertext of {} has {} bytes, not {}",
                self.set.name(),
                self.set.output_size(),
                ciphertext.len()
            )));
        }
        key.decapsulate(ciphertext).ok_or_else(|| Rv::FunctionFailed.because("the decapsulation failed"))
    }
}

/// A public key, parsed once; to be shared between threads.
pub struct PublicKey {
    set: Set,
    bytes: Vec<u8>,
    hash: Vec<u8>,
    lattice: Option<Lattice>,
}

impl PublicKey {
    /// From its bytes. `CKR_ATTRIBUTE_VALUE_INVALID`.
    pub fn new(set: Set, bytes: &[u8]) -> Result<PublicKey> {
        set.check("CKA_VALUE", bytes, set.public_size())?;
        let bad = || set.refuse("CKA_VALUE");
        let (mut hash, mut lattice) = (Vec::new(), None);
        match (set.family(), &set.0.work) {
            (MlDsa, Work::Lattice(nid)) => {
                hash = shake256(&[bytes]);
                lattice = Some(Lattice::ml_dsa_public(*nid, bytes).ok_or_else(bad)?);
            }
            (MlKem, Work::Lattice(nid)) => {
                let key = Lattice::ml_kem_public(*nid, bytes).ok_or_else(bad)?;
                // Its coefficients are checked when it is used (FIPS 203 §7.2).
                key.encapsulate(set.output_size(), &[0; 32]).ok_or_else(bad)?;
                lattice = Some(key);
            }
            _ => {}
        }
        Ok(PublicKey { set, bytes: bytes.to_vec(), hash, lattice })
    }

    /// The parameter set.
    pub fn set(&self) -> Set {
        self.set
    }

    /// Checks a signature over a message in parts. `CKR_SIGNATURE_LEN_RANGE`, `CKR_SIGNATURE_INVALID`.
    pub fn verify(&self, message: &[&[u8]], signature: &[u8]) -> Result<()> {
        if signature.len() != self.set.output_size() {
            return Err(Rv::SignatureLenRange.because(format!(
                "a signature of {} has {} bytes, not {}",
                self.set.name(),
                self.set.output_size(),
                signature.len()
            )));
        }
        let good = match (&self.set.0.work, &self.lattice) {
            (Work::Hashes(engine), _) => (engine.verify)(&self.bytes, message, signature),
            (Work::Lattice(_), Some(key)) if self.set.family() == MlDsa => {
                representative(&self.hash, message).and_then(|mu| key.verify(&mu, signature))
            }
            _ => return Err(wrong_family()),
        };
        good.ok_or_else(|| Rv::SignatureInvalid.into())
    }

    /// A ciphertext and the secret in it, from 32 bytes of randomness.
    pub fn encapsulate(&self, rng: &mut Fill) -> Result<(Vec<u8>, Secret)> {
        let key = self.lattice.as_ref().filter(|_| self.set.family() == MlKem).ok_or_else(wrong_family)?;
        let mut random = Secret::zeroed(32);
        rng(random.expose_mut())?;
        let failed = || Rv::FunctionFailed.because("the encapsulation failed");
        let random = random.expose().try_into().map_err(|_| failed())?;
        key.encapsulate(self.set.output_size(), random).ok_or_else(failed)
    }
}

/// The message representative mu (FIPS 204 algorithm 7, line 6).
fn representative(hash: &[u8], message: &[&[u8]]) -> Option<[u8; 64]> {
    let parts: Vec<&[u8]> = std::iter::once(hash).chain(message.iter().copied()).collect();
    shake256(&parts).try_into().ok()
}

fn wrong_family() -> Error {
    Rv::KeyTypeInconsistent.because("signatures are made by ML-DSA and SLH-DSA keys, secrets by ML-KEM keys")
}

#[cfg(test)]
#[path = "pq_tests.rs"]
mod tests;
