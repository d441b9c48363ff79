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
        digit(year, 1000),
        digit(year, 100),
        digit(year, 10),
        digit(year, 1),
        digit(month, 10),
        digit(month, 1),
        digit(day, 10),
        digit(day, 1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made by openssl: /C=NL/O=Tokenkeep/CN=test, serial 0x1234, a P-256 key.
    const CERTIFICATE: &str = "308201a330820149a00302010202021234300a06082a8648ce3d0403023030310b3009060355040613024e4c31123010060355040a0c09546f6b656e6b656570310d300b06035504030c0474657374301e170d3236313132313130343332345a170d3336313131383130343332345a3030310b3009060355040613024e4c31123010060355040a0c09546f6b656e6b656570310d300b06035504030c04746573743059301306072a8648ce3d020106082a8648ce3d03010703420004849dcf744ebf6bfe998d0edd480ce983a2671fe75da93c44a3dda2db64abd69477dbe4c0ca04c2c63cd891b09827f049409a45076fa9bb0edde3215b1308e83fa3533051301d0603551d0e04160414f54d703a188a56dc370bf289603613618497609a301f0603551d23041830168014f54d703a188a56dc370bf289603613618497609a300f0603551d130101ff040530030101ff300a06082a8648ce3d0403020348003045022100e9611878b1f5209992a79e75200c6a79f312c1b0d994795b6ff8e5c61bc2823102202ef827e1d7755b02b8a63630e5b46ef131ce454a2bfab31589eb604f44a35278";

    #[test]
    fn the_fields_are_given_as_they_stand() {
        let der = hex::decode(CERTIFICATE).unwrap();
        let x509 = check_x509(&der).unwrap();
        assert_eq!(x509.serial, [2, 2, 0x12, 0x34]);
        assert_eq!(x509.subject, x509.issuer);
        assert!(x509.subject.ends_with(b"\x0c\x04test"));
        assert!(matches!(
            super::super::spki::read(&x509.spki),
            Ok(super::super::spki::PublicKeyInfo::Ec { .. })
        ));
        assert_eq!(&x509.not_before, b"20261121");
        assert_eq!(&x509.not_after, b"20361118");
    }

    #[test]
    fn anything_else_is_refused() {
        let der = hex::decode(CERTIFICATE).unwrap();
        let refused = |der: &[u8]| assert_eq!(check_x509(der).unwrap_err().rv(), Rv::AttributeValueInvalid);
        (0..der.len()).for_each(|end| refused(&der[..end]));
        refused(&[&der[..], &[0]].concat());
        refused(b"-----BEGIN CERTIFICATE-----");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, at: prop::sample::Index, byte: u8) {
            let _ = check_x509(&bytes);
            let mut der = hex::decode(CERTIFICATE).unwrap();
            let at = at.index(der.len());
            der[at] = byte;
            let _ = check_x509(&der);
        }
    }
}
