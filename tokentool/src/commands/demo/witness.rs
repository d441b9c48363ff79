//! The certificate that is made before the token is lost, and the signature that it verifies afterwards.

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use p256::ecdsa::VerifyingKey;

use super::certificate;
use super::client::{EC, LABEL, MESSAGE, must, search, value};
use super::judge::Judge;
use crate::problem::{Problem, Result, at};

/// The EC pair in the token, found anew.
fn pair(session: &Session) -> Result<(ObjectHandle, VerifyingKey)> {
    let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Id(vec![EC])];
    let public = session.find_objects(&template).map_err(at("C_FindObjects"))?;
    let public = public.first().ok_or_else(|| Problem::new("the public key is not there"))?;
    match Judge::ec(&value(session, *public, AttributeType::EcPoint)?)? {
        Judge::Ec(key) => Ok((search(session, EC)?, key)),
        Judge::Rsa(_) => Err(Problem::new("the public key is of RSA")),
    }
}

/// A certificate of the EC pair, signed by itself, kept in the token.
pub fn certify(session: &Session) -> Result<(String, Vec<u8>)> {
    let (private, public) = pair(session)?;
    let sign = |body: &[u8]| session.sign(&Mechanism::EcdsaSha256, private, body).map_err(at("C_Sign"));
    let certificate = certificate::self_signed(&public, sign)?;
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Label(LABEL.into()),
        Attribute::Id(vec![EC]),
        Attribute::Subject(certificate::subject()),
        Attribute::Value(certificate.clone()),
    ];
    session.create_object(&template).map_err(at("C_CreateObject"))?;
    Ok((format!("a self-signed certificate of {} bytes, beside its key", certificate.len()), certificate))
}

/// The second token's key makes a signature that the certificate from before verifies, which is there too.
pub fn sign_as_before(
    client: &Pkcs11,
    spare: u64,
    pin: &AuthPin,
    certificate: &[u8],
) -> Result<(String, ())> {
    let slots = client.get_slots_with_token().map_err(at("C_GetSlotList"))?;
    let slot = slots.into_iter().find(|slot| slot.id() == spare);
    let slot = slot.ok_or_else(|| Problem::new("the second token is not there"))?;
    let session = client.open_rw_session(slot).map_err(at("C_OpenSession"))?;
    session.login(UserType::User, Some(pin)).map_err(at("C_Login"))?;
    let template = [Attribute::Class(ObjectClass::CERTIFICATE), Attribute::Id(vec![EC])];
    let found = session.find_objects(&template).map_err(at("C_FindObjects"))?;
    let found = found.first().ok_or_else(|| Problem::new("the certificate was not restored"))?;
    must(value(&session, *found, AttributeType::Value)? == certificate, "the certificate is another one")?;
    let signature =
        session.sign(&Mechanism::EcdsaSha256, search(&session, EC)?, MESSAGE).map_err(at("C_Sign"))?;
    certificate::judge(certificate)?.verify(MESSAGE, &signature)?;
    Ok(("with the restored key; verified by the certificate from before".into(), ()))
}
