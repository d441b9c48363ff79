//! A token through the crate `cryptoki`: keys, signatures, agreement, sealing, threads; ML-KEM and ML-DSA where there are.
//!
//!     bench MODULE TOKEN-LABEL PIN
//!
//! Leaves signatures of `message` (LABEL.ALGORITHM.sig) and `aes.sealed` for another program.

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::thread;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{
    Attribute, AttributeType, KeyType, MlDsaParameterSetType, MlKemParameterSetType, ObjectClass,
    ObjectHandle,
};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

type Answer = Result<(), Box<dyn Error>>;

/// The OID of P-256 in DER, for CKA_EC_PARAMS.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn main() -> Answer {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, label, pin] = arguments.as_slice() else {
        return Err("usage: bench MODULE TOKEN-LABEL PIN".into());
    };
    let pin = AuthPin::from(pin.as_str());
    let client = Pkcs11::new(module)?;
    client.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let mut found = None;
    for slot in client.get_slots_with_token()? {
        if client.get_token_info(slot)?.label() == label {
            found = Some(slot);
        }
    }
    let slot = found.ok_or("no such token")?;
    let session = client.open_rw_session(slot)?;
    match session.login(UserType::User, Some(&AuthPin::from("0000"))) {
        Err(cryptoki::error::Error::Pkcs11(RvError::PinIncorrect, _)) => {}
        other => return Err(format!("a wrong PIN: {other:?}").into()),
    }
    session.login(UserType::User, Some(&pin))?;
    let message = fs::read("message")?;
    tell("rsa", rsa(&session, &message));
    tell("ec", ec(&session, &message));
    tell("secrets", secrets(&session, &message));
    tell("threads", threads(&client, slot, &message));
    match client.get_mechanism_list(slot)?.contains(&MechanismType::ML_DSA) {
        true => tell("ML-DSA", dsa(&session, &message)),
        false => println!("absent: ML-DSA: not offered"),
    }
    // The crate takes the interface that C_GetInterface answers when no version is asked for.
    match client.is_fn_supported(Function::EncapsulateKey) {
        true => tell("ML-KEM", kem(&session)),
        false => {
            println!("absent: ML-KEM: the interface that is given first has no functions of PKCS#11 3.2")
        }
    }
    session.logout()?;
    drop(session);
    client.finalize()?;
    println!("done");
    Ok(())
}

fn tell(part: &str, answer: Answer) {
    if let Err(error) = answer {
        println!("lacks: {part}: {error}");
    }
}

fn holds(rule: &str, truth: bool) -> Answer {
    if truth { Ok(()) } else { Err(rule.into()) }
}

/// A key pair in the token, under one label.
fn pair(
    session: &Session,
    mechanism: &Mechanism,
    label: &str,
    more: &[Attribute],
) -> cryptoki::error::Result<(ObjectHandle, ObjectHandle)> {
    let own = [Attribute::Token(true), Attribute::Label(label.into())];
    let private = [&own[..], &[Attribute::Private(true)]].concat();
    session.generate_key_pair(mechanism, &[&own[..], more].concat(), &private)
}

fn bytes(session: &Session, key: ObjectHandle, kind: AttributeType) -> Result<Vec<u8>, Box<dyn Error>> {
    match session.get_attributes(key, &[kind])?.pop() {
        Some(Attribute::Value(bytes) | Attribute::EcPoint(bytes)) => Ok(bytes),
        other => Err(format!("{kind}: {other:?}").into()),
    }
}

fn rsa(session: &Session, message: &[u8]) -> Answer {
    let size = [Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])];
    let (public, private) = pair(session, &Mechanism::RsaPkcsKeyPairGen, "rsa", &size)?;
    fs::write("rsa.pkcs1.sig", session.sign(&Mechanism::Sha256RsaPkcs, private, message)?)?;
    let pss =
        PkcsPssParams { hash_alg: MechanismType::SHA256, mgf: PkcsMgfType::MGF1_SHA256, s_len: 32.into() };
    let signature = session.sign(&Mechanism::Sha256RsaPkcsPss(pss), private, message)?;
    fs::write("rsa.pss.sig", &signature)?;
    match session.verify(&Mechanism::Sha256RsaPkcsPss(pss), public, b"another message", &signature) {
        Err(cryptoki::error::Error::Pkcs11(RvError::SignatureInvalid, _)) => {}
        other => return Err(format!("a signature of another message: {other:?}").into()),
    }
    let oaep = PkcsOaepParams::new(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, PkcsOaepSource::empty());
    let sealed = session.encrypt(&Mechanism::RsaPkcsOaep(oaep), public, b"a secret")?;
    holds("OAEP", session.decrypt(&Mechanism::RsaPkcsOaep(oaep), private, &sealed)? == b"a secret")
}

fn ec(session: &Session, message: &[u8]) -> Answer {
    let curve = [Attribute::EcParams(P256.to_vec())];
    let (public, private) = pair(session, &Mechanism::EccKeyPairGen, "ec", &curve)?;
    let digest = session.digest(&Mechanism::Sha256, message)?;
    fs::write("ec.raw", session.sign(&Mechanism::Ecdsa, private, &digest)?)?;
    let (theirs, hidden) = pair(session, &Mechanism::EccKeyPairGen, "peer", &curve)?;
    let agree = |mine: ObjectHandle, point: ObjectHandle| -> Result<Vec<u8>, Box<dyn Error>> {
        let point = bytes(session, point, AttributeType::EcPoint)?;
        let parameters = Ecdh1DeriveParams::new(EcKdf::null(), &point[2..]);
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::ValueLen(32.into()),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
        ];
        let secret = session.derive_key(&Mechanism::Ecdh1Derive(parameters), mine, &template)?;
        bytes(session, secret, AttributeType::Value)
    };
    holds("ECDH", agree(private, theirs)? == agree(hidden, public)?)
}

fn secrets(session: &Session, message: &[u8]) -> Answer {
    let template = [
        Attribute::ValueLen(32.into()),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
    ];
    let key = session.generate_key(&Mechanism::AesKeyGen, &template)?;
    let iv = [7; 16];
    fs::write("aes.sealed", session.encrypt(&Mechanism::AesCbcPad(iv), key, message)?)?;
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    fs::write("aes", format!("{} {}\n", hex(&bytes(session, key, AttributeType::Value)?), hex(&iv)))?;
    let mut nonces = [[1; 12]; 2];
    let [seal, open] = &mut nonces;
    let sealed =
        session.encrypt(&Mechanism::AesGcm(GcmParams::new(seal, b"address", 128.into())?), key, message)?;
    let opened =
        session.decrypt(&Mechanism::AesGcm(GcmParams::new(open, b"address", 128.into())?), key, &sealed)?;
    holds("AES-GCM", opened == message)?;
    let inner = session.generate_key(&Mechanism::AesKeyGen, &template)?;
    let carried = session.wrap_key(&Mechanism::AesKeyWrap, key, inner)?;
    let kind = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let back = session.unwrap_key(&Mechanism::AesKeyWrap, key, &carried, &kind)?;
    let [one, other] = [inner, back].map(|key| bytes(session, key, AttributeType::Value));
    holds("AES key wrap", one? == other?)
}

/// Sixteen threads, each with a session of its own.
fn threads(client: &Pkcs11, slot: cryptoki::slot::Slot, message: &[u8]) -> Answer {
    let message = Arc::new(message.to_vec());
    let workers: Vec<_> = (0..16)
        .map(|_| {
            let (client, message) = (client.clone(), message.clone());
            thread::spawn(move || -> Result<Vec<u8>, String> {
                let sign = || -> Result<Vec<u8>, Box<dyn Error>> {
                    let session = client.open_ro_session(slot)?;
                    let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label("rsa".into())];
                    let key = *session.find_objects(&wanted)?.first().ok_or("no key")?;
                    Ok(session.sign(&Mechanism::Sha256RsaPkcs, key, &message)?)
                };
                sign().map_err(|error| error.to_string())
            })
        })
        .collect();
    let expected = fs::read("rsa.pkcs1.sig")?;
    for worker in workers {
        let signature = worker.join().map_err(|_| "a thread panicked")??;
        holds("every thread signs the same", signature == expected)?;
    }
    Ok(())
}

fn kem(session: &Session) -> Answer {
    let set =
        [Attribute::ParameterSet(MlKemParameterSetType::ML_KEM_768.into()), Attribute::Encapsulate(true)];
    let (public, private) = pair(session, &Mechanism::MlKemKeyPairGen, "kem", &set)?;
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(32.into()),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let (sealed, ours) = session.encapsulate_key(&Mechanism::MlKem, public, &template)?;
    let theirs = session.decapsulate_key(&Mechanism::MlKem, private, &template, &sealed)?;
    let [ours, theirs] = [ours, theirs].map(|key| bytes(session, key, AttributeType::Value));
    holds("ML-KEM", ours? == theirs?)
}

fn dsa(session: &Session, message: &[u8]) -> Answer {
    let set = [Attribute::ParameterSet(MlDsaParameterSetType::ML_DSA_65.into())];
    let (public, private) = pair(session, &Mechanism::MlDsaKeyPairGen, "dsa", &set)?;
    let mechanism = Mechanism::MlDsa(SignAdditionalContext::new(HedgeType::Preferred, Some(b"context")));
    let signature = session.sign(&mechanism, private, message)?;
    session.verify(&mechanism, public, message, &signature)?;
    let without = Mechanism::MlDsa(SignAdditionalContext::new(HedgeType::Preferred, None));
    holds("ML-DSA without its context", session.verify(&without, public, message, &signature).is_err())
}
