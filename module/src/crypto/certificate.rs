//! X.509 certificates: checked as DER before they are stored, since malformed ones crash browsers.

use der::Decode;
use x509_cert::Certificate;
use x509_cert::time::Time;

use super::tlv::{self, Elements};
use crate::cryptoki::{Error, Result, Rv};

/// What an object of a certificate shows (PKCS#11 v3.2 §4.6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct X509 {
    /// CKA_SUBJECT: the Name in DER.
    pub subject: Vec<u8>,
    /// CKA_ISSUER: the Name in DER.
    pub issuer: Vec<u8>,
    /// CKA_SERIAL_NUMBER: the INTEGER in DER.
    pub serial: Vec<u8>,
    /// CKA_PUBLIC_KEY_INFO: the SubjectPublicKeyInfo in DER.
    pub spki: Vec<u8>,
    /// CKA_START_DATE, "YYYYMMDD".
    pub not_before: [u8; 8],
    /// CKA_END_DATE, "YYYYMMDD".
    pub not_after: [u8; 8],
}

/// Reads a certificate (RFC 5280 §4.1). `CKR_ATTRIBUTE_VALUE_INVALID` unless it is one in DER, with nothing behind it.
pub fn check_x509(der: &[u8]) -> Result<X509> {
    let certificate = Certificate::from_der(der).map_err(|_| bad())?;
    let validity = certificate.tbs_certificate().validity();
    let mut fields = fields(der).ok_or_else(bad)?;
    fields.not_before = date(&validity.not_before);
    fields.not_after = date(&validity.not_after);
    Ok(fields)
}

fn bad() -> Error {
    Rv::AttributeValueInvalid.because("CKA_VALUE is not an X.509 certificate in DER")
}

/// The fields as they stand in the certificate, byte for byte.
fn fields(der: &[u8]) -> Option<X509> {
    let mut certificate = Elements::new(tlv::only(tlv::SEQUENCE, der)?)?;
    let mut body = certificate.sequence()?;
    if body.tag() == Some(tlv::context(0)) {
        body.whole()?;
    }
    let serial = body.whole()?.to_vec();
    body.whole()?;
    let issuer = body.whole()?.to_vec();
    body.whole()?;
    let subject = body.whole()?.to_vec();
    let spki = body.whole()?.to_vec();
    Some(X509 { subject, issuer, serial, spki, not_before: [0; 8], not_after: [0; 8] })
}

fn date(time: &Time) -> [u8; 8] {
    let date = time.to_date_time();
    let (year, month, day) = (date.year(), u16::from(date.month()), u16::from(date.day()));
    let digit = |number: u16, ten: u16| b'0' + (number / ten % 10) as u8;
    [
        digit(year, 1000), digit(year, 100), digit(year, 10), digit(year, 1),
        digit(month, 10), digit(month, 1), digit(day, 10), digit(day, 1),
    ]
}
