//! SLH-DSA (FIPS 205) by the `slh-dsa` crate: functions over bytes, picked by parameter set.

use slh_dsa::{ParameterSet, Signature, SigningKey, VerifyingKey};

use crate::cryptoki::Secret;

/// Signs the parts of a message, with n bytes of randomness or deterministic.
type Sign = fn(&Secret, &[&[u8]], Option<&[u8]>) -> Option<Vec<u8>>;
/// Judges a signature over the parts of a message.
type Verify = fn(&[u8], &[&[u8]], &[u8]) -> Option<()>;

/// What a parameter set can do.
pub struct Engine {
    /// The whole private key from its first three parts, each n bytes: SK.seed, SK.prf, PK.seed.
    pub expand: fn(&[u8]) -> Option<Secret>,
    pub sign: Sign,
    pub verify: Verify,
}

const fn engine<P: ParameterSet>() -> Engine {
    Engine { expand: expand::<P>, sign: sign::<P>, verify: verify::<P> }
}

macro_rules! engines {
    ($($name:ident = $set:ty;)*) => { $(pub static $name: Engine = engine::<$set>();)* };
}

engines! {
    SHA2_128S = slh_dsa::Sha2_128s;
    SHAKE_128S = slh_dsa::Shake128s;
    SHA2_128F = slh_dsa::Sha2_128f;
    SHAKE_128F = slh_dsa::Shake128f;
    SHA2_192S = slh_dsa::Sha2_192s;
    SHAKE_192S = slh_dsa::Shake192s;
    SHA2_192F = slh_dsa::Sha2_192f;
    SHAKE_192F = slh_dsa::Shake192f;
    SHA2_256S = slh_dsa::Sha2_256s;
    SHAKE_256S = slh_dsa::Shake256s;
    SHA2_256F = slh_dsa::Sha2_256f;
    SHAKE_256F = slh_dsa::Shake256f;
}

fn expand<P: ParameterSet>(seeds: &[u8]) -> Option<Secret> {
    let n = seeds.len() / 3;
    let whole = seeds.len() == 3 * n && matches!(n, 16 | 24 | 32);
    let (first, rest) = whole.then(|| seeds.split_at(n))?;
    let (second, third) = rest.split_at(n);
    let key = SigningKey::<P>::slh_keygen_internal(first, second, third);
    Some(key.to_bytes().as_slice().into())
}

fn sign<P: ParameterSet>(private: &Secret, message: &[&[u8]], random: Option<&[u8]>) -> Option<Vec<u8>> {
    let key = SigningKey::<P>::try_from(private.expose()).ok()?;
    // The crate panics at randomness of another length than n, a fourth of the key's.
    let random = random.filter(|random| random.len() * 4 == private.len());
    Some(key.slh_sign_internal(message, random).to_vec())
}

fn verify<P: ParameterSet>(public: &[u8], message: &[&[u8]], signature: &[u8]) -> Option<()> {
    let key = VerifyingKey::<P>::try_from(public).ok()?;
    let signature = Signature::<P>::try_from(signature).ok()?;
    key.slh_verify_internal(message, &signature).ok()
}
