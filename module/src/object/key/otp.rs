//! Keys of one-time passwords (PKCS#11 v3.2 §4.12, §6.53).

use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret, names};

use super::super::attributes::{Attributes, Value};

/// An HOTP key, ready for work.
pub struct Otp {
    pub secret: Secret,
    /// The number of the next password.
    pub counter: [u8; 8],
    /// Digits of a password.
    pub digits: u32,
    pub counter_requirement: CK_ULONG,
    /// Whether a password may be asked in a form for people.
    pub friendly: bool,
}

impl Otp {
    /// The key of attributes that were settled.
    ///
    /// # Errors
    /// CKR_ATTRIBUTE_VALUE_INVALID.
    pub fn parse(attributes: &Attributes) -> Result<Otp> {
        Ok(Otp {
            secret: attributes.need(CKA_VALUE)?.into(),
            counter: counter(attributes)?,
            digits: attributes.ulong(CKA_OTP_LENGTH).map_or(6, |digits| digits as u32),
            counter_requirement: attributes
                .ulong(CKA_OTP_COUNTER_REQUIREMENT)
                .unwrap_or(CK_OTP_PARAM_OPTIONAL),
            friendly: attributes.flag(CKA_OTP_USER_FRIENDLY_MODE),
        })
    }
}

/// Nobody gave a counter: it begins at 0.
fn counter(attributes: &Attributes) -> Result<[u8; 8]> {
    match attributes.bytes(CKA_OTP_COUNTER) {
        None | Some([]) => Ok([0; 8]),
        Some(given) => given.try_into().map_err(|_| {
            Rv::AttributeValueInvalid.because("CKA_OTP_COUNTER has 8 bytes, big-endian (§6.53)")
        }),
    }
}

/// Checks the numbers that a template gave; the counter gets its first value.
pub fn settle(attributes: &mut Attributes) -> Result<()> {
    for (attribute, fits) in [
        (CKA_OTP_FORMAT, CK_OTP_FORMAT_DECIMAL..=CK_OTP_FORMAT_DECIMAL),
        (CKA_OTP_LENGTH, 6..=8),
        (CKA_OTP_COUNTER_REQUIREMENT, CK_OTP_PARAM_IGNORED..=CK_OTP_PARAM_MANDATORY),
        (CKA_OTP_CHALLENGE_REQUIREMENT, CK_OTP_PARAM_IGNORED..=CK_OTP_PARAM_IGNORED),
        (CKA_OTP_TIME_REQUIREMENT, CK_OTP_PARAM_IGNORED..=CK_OTP_PARAM_IGNORED),
        (CKA_OTP_PIN_REQUIREMENT, CK_OTP_PARAM_IGNORED..=CK_OTP_PARAM_IGNORED),
    ] {
        if let Some(given) = attributes.ulong(attribute).filter(|given| !fits.contains(given)) {
            return Err(Rv::AttributeValueInvalid.because(format!(
                "{} is {given}: HOTP takes {} to {}",
                names::attribute(attribute),
                fits.start(),
                fits.end()
            )));
        }
    }
    let counter = counter(attributes)?;
    attributes.set(CKA_OTP_COUNTER, Value::Bytes(counter.to_vec()));
    Ok(())
}

/// The same key with its counter at the next number.
///
/// # Errors
/// CKR_FUNCTION_REJECTED when there is none.
pub fn counted(attributes: &Attributes) -> Result<Attributes> {
    let next = u64::from_be_bytes(counter(attributes)?)
        .checked_add(1)
        .ok_or_else(|| Rv::FunctionRejected.because("CKA_OTP_COUNTER is at its end"))?;
    Ok(attributes.clone().with(CKA_OTP_COUNTER, Value::Bytes(next.to_be_bytes().to_vec())))
}
