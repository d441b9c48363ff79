//! The program that uses the token: everything goes through the loaded module, by the crate `cryptoki`.

use std::path::Path;
use std::time::Instant;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::judge::Judge;
use super::steps::Steps;
use super::{custody, witness};
use crate::problem::{Problem, Result, at};

/// The token's and the keys' label.
pub const LABEL: &str = "demo";

/// The second token's label.
const SPARE: &str = "spare";

const SO_PIN: &str = "87654321";
/// The user PIN from the unblocking on.
const NEW_PIN: &str = "4321";

/// What is signed.
pub const MESSAGE: &[u8] = b"Tokenkeep: an HSM token in a file";

/// The OID of P-256 in DER, for CKA_EC_PARAMS.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// CKA_ID of the RSA pair.
const RSA: u8 = 1;
/// CKA_ID of the EC pair.
pub const EC: u8 = 2;

/// PINs of a token that lives for a second.
struct Pins {
    so: AuthPin,
    user: AuthPin,
    new: AuthPin,
    wrong: AuthPin,
}

/// A key pair in the token, with who judges its signatures.
struct Pair {
    mechanism: Mechanism<'static>,
    name: &'static str,
    verifier: &'static str,
    private: ObjectHandle,
    judge: Judge,
}

/// Plays all steps.
pub fn play(steps: &mut Steps, module: &Path) -> Result<()> {
    let pin = |pin: &str| AuthPin::from(pin);
    let pins = Pins { so: pin(SO_PIN), user: pin("1234"), new: pin(NEW_PIN), wrong: pin("0000") };
    let client = steps.take("load the module", || load(module))?;
    let slot = steps.take("make a token", || make(&client, &pins))?;
    let session = client.open_rw_session(slot).map_err(at("C_OpenSession"))?;
    steps.take("log in", || {
        session.login(UserType::User, Some(&pins.user)).map_err(at("C_Login"))?;
        Ok(("as user, with the PIN".into(), ()))
    })?;
    let rsa = steps.take("generate RSA 2048", || rsa(&session))?;
    let ec = steps.take("generate EC P-256", || ec(&session))?;
    steps.take("keep keys inside", || kept(&session, &rsa, &ec))?;
    steps.take("sign with RSA", || sign(&session, &rsa))?;
    steps.take("sign with EC", || sign(&session, &ec))?;
    steps.take("refuse a forgery", || forge(&session, &[&rsa, &ec]))?;
    session.logout().map_err(at("C_Logout"))?;
    lockout(steps, &client, slot, &session, &pins)?;
    steps.take("sign again", || {
        session.login(UserType::User, Some(&pins.new)).map_err(at("C_Login"))?;
        // The logout made its handle void: the key is found again, by its id.
        let again = Pair { private: search(&session, EC)?, ..ec };
        let (found, ()) = sign(&session, &again)?;
        Ok((format!("with the new PIN and the same key: {found}"), ()))
    })?;
    let certificate = steps.take("certify", || witness::certify(&session))?;
    drop(session);
    steps.take("unload", || {
        client.finalize().map_err(at("C_Finalize"))?;
        Ok(("C_Finalize".into(), ()))
    })?;
    let spare = custody::play(steps, slot.id(), &custody::Pins { so: SO_PIN, user: NEW_PIN }, SPARE)?;
    let client = steps.take("load it again", || load(module))?;
    steps.take("sign as before", || witness::sign_as_before(&client, spare, &pins.new, &certificate))?;
    steps.take("unload", || {
        client.finalize().map_err(at("C_Finalize"))?;
        Ok(("C_Finalize; both tokens are thrown away".into(), ()))
    })
}

fn load(module: &Path) -> Result<(String, Pkcs11)> {
    let client = Pkcs11::new(module).map_err(at("it cannot be loaded"))?;
    client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(at("C_Initialize"))?;
    let info = client.get_library_info().map_err(at("C_GetInfo"))?;
    let (cryptoki, library) = (info.cryptoki_version(), info.library_version());
    let found = format!(
        "{} {}.{}, PKCS#11 {}.{}",
        info.manufacturer_id().trim(),
        library.major(),
        library.minor(),
        cryptoki.major(),
        cryptoki.minor()
    );
    Ok((found, client))
}

fn make(client: &Pkcs11, pins: &Pins) -> Result<(String, Slot)> {
    let slot = client.get_all_slots().map_err(at("C_GetSlotList"))?.into_iter().next();
    let slot = slot.ok_or_else(|| Problem::new("the module offers no slot for a new token"))?;
    client.init_token(slot, &pins.so, LABEL).map_err(at("C_InitToken"))?;
    let session = client.open_rw_session(slot).map_err(at("C_OpenSession"))?;
    session.login(UserType::So, Some(&pins.so)).map_err(at("C_Login of the SO"))?;
    session.init_pin(&pins.user).map_err(at("C_InitPIN"))?;
    session.logout().map_err(at("C_Logout"))?;
    let info = client.get_token_info(slot).map_err(at("C_GetTokenInfo"))?;
    let known = info.label() == LABEL && info.token_initialized() && info.user_pin_initialized();
    must(known, "C_GetTokenInfo does not show the token that was made")?;

    Ok((format!("slot {}, serial {}", slot.id(), info.serial_number()), slot))
}

/// Attributes of a key pair that is to stay: of the public key, and of the private one.
fn templates(id: u8, kind: Vec<Attribute>) -> (Vec<Attribute>, Vec<Attribute>) {
    let both = || vec![Attribute::Token(true), Attribute::Label(LABEL.into()), Attribute::Id(vec![id])];
    let mut public = both();
    public.extend(kind);
    let mut private = both();
    private.extend([
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ]);
    (public, private)
}

fn rsa(session: &Session) -> Result<(String, Pair)> {
    let kind = vec![Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])];
    let (public, private, took) = generate(session, &Mechanism::RsaPkcsKeyPairGen, RSA, kind)?;
    let (modulus, exponent) = (
        value(session, public, AttributeType::Modulus)?,
        value(session, public, AttributeType::PublicExponent)?,
    );
    must(modulus.len() == 256, "CKA_MODULUS does not have 2048 bits")?;
    let judge = Judge::rsa(&modulus, &exponent)?;
    let found = format!("in {took:.1} ms, public key SHA-256 {}…", judge.fingerprint()?);
    let mechanism = Mechanism::Sha256RsaPkcs;
    Ok((found, Pair { mechanism, name: "CKM_SHA256_RSA_PKCS", verifier: "rsa", private, judge }))
}

fn ec(session: &Session) -> Result<(String, Pair)> {
    let kind = vec![Attribute::EcParams(P256.to_vec())];
    let (public, private, took) = generate(session, &Mechanism::EccKeyPairGen, EC, kind)?;
    let judge = Judge::ec(&value(session, public, AttributeType::EcPoint)?)?;
    let found = format!("in {took:.1} ms, public key SHA-256 {}…", judge.fingerprint()?);
    Ok((
        found,
        Pair {
            mechanism: Mechanism::EcdsaSha256,
            name: "CKM_ECDSA_SHA256",
            verifier: "p256",
            private,
            judge,
        },
    ))
}

#[allow(clippy::disallowed_methods, reason = "how long a key takes is told, and nothing depends on it")]
fn generate(
    session: &Session,
    mechanism: &Mechanism,
    id: u8,
    kind: Vec<Attribute>,
) -> Result<(ObjectHandle, ObjectHandle, f64)> {
    let (public, private) = templates(id, kind);
    let begun = Instant::now();
    let (public, private) =
        session.generate_key_pair(mechanism, &public, &private).map_err(at("C_GenerateKeyPair"))?;
    Ok((public, private, begun.elapsed().as_secs_f64() * 1000.0))
}

pub fn value(session: &Session, object: ObjectHandle, attribute: AttributeType) -> Result<Vec<u8>> {
    let read = session.get_attributes(object, &[attribute]).map_err(at("C_GetAttributeValue"))?;
    match read.into_iter().next() {
        Some(
            Attribute::Modulus(bytes)
            | Attribute::PublicExponent(bytes)
            | Attribute::EcPoint(bytes)
            | Attribute::Value(bytes),
        ) => Ok(bytes),
        _ => Err(Problem::new(format!("{attribute} cannot be read"))),
    }
}

/// The private parts cannot be read, by anybody.
fn kept(session: &Session, rsa: &Pair, ec: &Pair) -> Result<(String, ())> {
    for (pair, secret) in [(rsa, AttributeType::PrivateExponent), (ec, AttributeType::Value)] {
        // The crate leaves out what it is not given.
        let read = session.get_attributes(pair.private, &[secret, AttributeType::AlwaysSensitive]);
        let read = read.map_err(at("C_GetAttributeValue"))?;
        let only_the_flag = matches!(read.as_slice(), [Attribute::AlwaysSensitive(true)]);
        must(only_the_flag, "a private key can be read, or has not always been sensitive")?;
    }
    Ok(("always sensitive; C_GetAttributeValue gives no private value".into(), ()))
}

/// The private key of that CKA_ID.
pub fn search(session: &Session, id: u8) -> Result<ObjectHandle> {
    let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(vec![id])];
    let found = session.find_objects(&template).map_err(at("C_FindObjects"))?;
    match found.as_slice() {
        [key] => Ok(*key),
        others => Err(Problem::new(format!("{} private keys have the id, expected 1", others.len()))),
    }
}

fn sign(session: &Session, pair: &Pair) -> Result<(String, ())> {
    let signature = session.sign(&pair.mechanism, pair.private, MESSAGE).map_err(at("C_Sign"))?;
    pair.judge.verify(MESSAGE, &signature)?;
    Ok((format!("{}, {} bytes, verified by crate {}", pair.name, signature.len(), pair.verifier), ()))
}

/// Good signatures under another message are refused: so the judges do judge.
fn forge(session: &Session, pairs: &[&Pair]) -> Result<(String, ())> {
    for pair in pairs {
        let signature = session.sign(&pair.mechanism, pair.private, MESSAGE).map_err(at("C_Sign"))?;
        must(pair.judge.verify(b"another message", &signature).is_err(), "a forged message is accepted")?;
    }
    Ok(("the same signatures under another message do not verify".into(), ()))
}

/// Wrong PINs until it locks, and the way out.
fn lockout(steps: &mut Steps, client: &Pkcs11, slot: Slot, session: &Session, pins: &Pins) -> Result<()> {
    let try_wrong = |wants: &'static [&'static str]| {
        refused(session.login(UserType::User, Some(&pins.wrong)), RvError::PinIncorrect)?;
        shows(client, slot, wants)
    };
    shows(client, slot, &[])?;
    steps.take("wrong PIN", || try_wrong(&["CKF_USER_PIN_COUNT_LOW"]))?;
    steps.take("wrong PIN", || try_wrong(&["CKF_USER_PIN_COUNT_LOW", "CKF_USER_PIN_FINAL_TRY"]))?;
    steps.take("wrong PIN", || try_wrong(&["CKF_USER_PIN_COUNT_LOW", "CKF_USER_PIN_LOCKED"]))?;
    steps.take("right PIN, too late", || {
        refused(session.login(UserType::User, Some(&pins.user)), RvError::PinLocked)?;
        Ok(("CKR_PIN_LOCKED".into(), ()))
    })?;
    steps.take("unblock", || {
        session.login(UserType::So, Some(&pins.so)).map_err(at("C_Login of the SO"))?;
        session.init_pin(&pins.new).map_err(at("C_InitPIN"))?;
        session.logout().map_err(at("C_Logout"))?;
        shows(client, slot, &[])?;
        Ok(("the SO gave the user a new PIN, the counter is full".into(), ()))
    })
}

fn refused(login: cryptoki::error::Result<()>, wants: RvError) -> Result<()> {
    match login {
        Err(Error::Pkcs11(rv, _)) if rv == wants => Ok(()),
        Err(error) => Err(Problem::new(format!("C_Login answers {error}, expected {wants:?}"))),
        Ok(()) => Err(Problem::new(format!("C_Login succeeds, expected {wants:?}"))),
    }
}

/// C_GetTokenInfo shows exactly these flags of the user PIN's counter.
fn shows(client: &Pkcs11, slot: Slot, wants: &[&'static str]) -> Result<(String, ())> {
    let info = client.get_token_info(slot).map_err(at("C_GetTokenInfo"))?;
    let flags = [
        (info.user_pin_count_low(), "CKF_USER_PIN_COUNT_LOW"),
        (info.user_pin_final_try(), "CKF_USER_PIN_FINAL_TRY"),
        (info.user_pin_locked(), "CKF_USER_PIN_LOCKED"),
    ];
    let set: Vec<&'static str> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    match set == wants {
        true => Ok((set.join(" "), ())),
        false => Err(Problem::new(format!("C_GetTokenInfo shows {set:?}, expected {wants:?}"))),
    }
}

pub fn must(holds: bool, otherwise: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Problem::new(otherwise)) }
}
