//! A self-signed certificate, as small as one can be: what the token signs in it is judged before and after.

use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePublicKey, EncodePublicKey};
use tokenkeep::crypto::tlv::{BIT_STRING, Elements, OID, SEQUENCE, put, put_number};

use super::judge::Judge;
use crate::problem::{Problem, Result, at};

/// ecdsa-with-SHA256
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// id-at-commonName
const NAME: &[u8] = &[0x55, 4, 3];
const SET: u8 = 0x31;
const UTF8: u8 = 0x0c;
const TIME: u8 = 0x18;

/// The name of the owner, in DER.
pub fn subject() -> Vec<u8> {
    let name = put(SEQUENCE, &[put(OID, &[NAME]).expose(), put(UTF8, &[b"demo"]).expose()]);
    put(SEQUENCE, &[put(SET, &[name.expose()]).expose()]).expose().to_vec()
}

/// A certificate of this key, which `sign` signs: ECDSA with SHA-256, as PKCS#11 gives it.
pub fn self_signed(key: &VerifyingKey, sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let info = key.to_public_key_der().map_err(at("the public key cannot be encoded"))?;
    let algorithm = put(SEQUENCE, &[put(OID, &[ECDSA]).expose()]);
    let time = |time: &str| put(TIME, &[time.as_bytes()]);
    let validity = put(SEQUENCE, &[time("20260101000000Z").expose(), time("99991231235959Z").expose()]);
    let (name, serial) = (subject(), put_number(&[1]));
    let body = [serial.expose(), algorithm.expose(), &name, validity.expose(), &name, info.as_bytes()];
    let body = put(SEQUENCE, &body);
    let signature = Signature::from_slice(&sign(body.expose())?).map_err(at("the signature is none"))?;
    let bits = put(BIT_STRING, &[&[0], signature.to_der().as_bytes()]);
    Ok(put(SEQUENCE, &[body.expose(), algorithm.expose(), bits.expose()]).expose().to_vec())
}

/// Who judges signatures by the key in a certificate that [`self_signed`] made.
pub fn judge(certificate: &[u8]) -> Result<Judge> {
    let key = info(certificate).and_then(|info| VerifyingKey::from_public_key_der(info).ok());
    key.map(Judge::Ec).ok_or_else(|| Problem::new("the certificate has no key of P-256"))
}

/// Serial number, algorithm, issuer, validity and subject stand before the key.
fn info(certificate: &[u8]) -> Option<&[u8]> {
    let mut body =
        Elements::new(Elements::new(Elements::new(certificate)?.take(SEQUENCE)?)?.take(SEQUENCE)?)?;
    (0..5).try_for_each(|_| body.whole().map(drop))?;
    body.whole()
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;

    #[test]
    fn the_key_of_a_certificate_judges_what_the_key_signed() {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let sign = |message: &[u8]| Ok(Signer::<Signature>::sign(&key, message).to_bytes().to_vec());
        let certificate = self_signed(key.verifying_key(), sign).unwrap();
        let judge = judge(&certificate).unwrap();
        assert!(judge.verify(b"message", &sign(b"message").unwrap()).is_ok());
        assert!(judge.verify(b"another", &sign(b"message").unwrap()).is_err());
        // What the crate that the module checks certificates with says of it.
        assert!(tokenkeep::crypto::certificate::check_x509(&certificate).is_ok());
        assert!(super::judge(&certificate[1..]).is_err());
    }
}
