//! One-time passwords (PKCS#11 v3.2 §6.53): HOTP, the one of RFC 4226. A signature is a CK_OTP_SIGNATURE_INFO.

use crate::crypto::{mac, otp};
use crate::cryptoki::ids::*;
use crate::cryptoki::{Result, Rv, Secret};
use crate::object::key::Otp;
use crate::object::{Attributes, Key, Value, key};

use super::{Begun, Making, Mechanism, Operation, Params, ROW, Shape, Start, Unit};

/// Bytes of a secret: many services give 10, RFC 4226 wants 16 or more, longer ones than 64 add nothing.
const HOTP: Mechanism =
    Mechanism { keys: &[CKK_HOTP], sizes: (10, 64), unit: Unit::Bytes, class: CKO_OTP_KEY, ..ROW };
/// Bytes of a generated secret, when nobody says it (RFC 4226 §4, R6).
const USUAL: u64 = 20;

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_HOTP_KEY_GEN, generate: Some(generate), ..HOTP },
    Mechanism { id: CKM_HOTP, shape: Shape::Otp, sign: Some(sign), verify: Some(verify), ..HOTP },
];

fn generate(making: &mut Making<'_>) -> Result<Attributes> {
    let len = making.template.ulong(CKA_VALUE_LEN).unwrap_or(USUAL);
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    key::check_length(CKK_HOTP, len)?;
    let mut value = Secret::zeroed(len);
    (making.fill)(value.expose_mut())?;
    Ok(Attributes::default().with(CKA_VALUE, Value::Secret(value)))
}

/// What the parameter says of the password.
struct Asked {
    counter: Option<[u8; 8]>,
    digits: u32,
}

/// Reads the parameter against the key (§6.53.1): what the algorithm does not know is refused or passed over, as the
/// standard says of each.
fn asked(start: &Start<'_>, key: &Otp) -> Result<Asked> {
    let (counter, flags, length, format) = match start.params {
        Params::None => (None, 0, None, None),
        Params::Otp { counter, flags, length, format } => (counter.as_deref(), *flags, *length, *format),
        _ => return Err(start.wrong_params("a CK_OTP_PARAMS is needed, or none")),
    };
    if flags & (CKF_NEXT_OTP | CKF_EXCLUDE_COUNTER) != 0 {
        return Err(start.wrong_params("CKF_NEXT_OTP and CKF_EXCLUDE_COUNTER are not of this algorithm"));
    }
    if flags & CKF_USER_FRIENDLY_OTP != 0 && !key.friendly {
        return Err(start.wrong_params("CKA_OTP_USER_FRIENDLY_MODE of the key is CK_FALSE"));
    }
    if format.is_some_and(|format| format != CK_OTP_FORMAT_DECIMAL) {
        return Err(start.wrong_params("the passwords are decimal (CK_OTP_FORMAT_DECIMAL)"));
    }
    let digits = length.unwrap_or(u64::from(key.digits));
    let digits = u32::try_from(digits).ok().filter(|digits| (6..=8).contains(digits));
    let digits = digits.ok_or_else(|| start.wrong_params("a password has 6 to 8 digits"))?;
    let counter = counter.map(|counter| {
        <[u8; 8]>::try_from(counter).map_err(|_| start.wrong_params("CK_OTP_COUNTER has 8 bytes, big-endian"))
    });
    match (counter.transpose()?, key.counter_requirement) {
        (None, CK_OTP_PARAM_MANDATORY) => {
            Err(start.wrong_params("CKA_OTP_COUNTER_REQUIREMENT of the key wants a CK_OTP_COUNTER"))
        }
        (counter, _) => Ok(Asked { counter, digits }),
    }
}

fn of(key: &Key) -> Option<&Otp> {
    match key {
        Key::Otp(key) => Some(key),
        _ => None,
    }
}

/// Whether a signature with this parameter takes the key's own counter, which then counts on.
pub fn counts(params: &Params, key: &Key) -> bool {
    let given = matches!(params, Params::Otp { counter: Some(_), .. });
    of(key).is_some_and(|key| match key.counter_requirement {
        CK_OTP_PARAM_IGNORED => true,
        CK_OTP_PARAM_OPTIONAL => !given,
        _ => false,
    })
}

fn sign(start: &Start<'_>) -> Result<Begun> {
    let key = of(start.key).ok_or_else(|| start.wrong_key())?;
    let Asked { counter, digits } = asked(start, key)?;
    let counter = counter.filter(|_| key.counter_requirement != CK_OTP_PARAM_IGNORED).unwrap_or(key.counter);
    Ok(Box::new(Password { value: otp::hotp(&key.secret, counter, digits), counter }))
}

fn verify(start: &Start<'_>) -> Result<Begun> {
    let key = of(start.key).ok_or_else(|| start.wrong_key())?;
    let Asked { counter, digits } = asked(start, key)?;
    let counter =
        counter.ok_or_else(|| start.wrong_params("a verification needs a CK_OTP_COUNTER (§6.53)"))?;
    Ok(Box::new(Password { value: otp::hotp(&key.secret, counter, digits), counter }))
}

/// A password in a structure of C: CK_OTP_SIGNATURE_INFO, two CK_OTP_PARAM, and the values they point to.
struct Password {
    value: String,
    counter: [u8; 8],
}

const INFO: usize = size_of::<CK_OTP_SIGNATURE_INFO>();
const PARAM: usize = size_of::<CK_OTP_PARAM>();
/// Where the values lie, behind the two parameters.
const VALUES: usize = INFO + 2 * PARAM;

impl Operation for Password {
    fn update(&mut self, data: &[u8], _out: &mut Vec<u8>) -> Result<()> {
        match data {
            [] => Ok(()),
            _ => {
                Err(Rv::DataLenRange.because("a one-time password is made of no data: pData is NULL (§6.53)"))
            }
        }
    }

    /// The counter stands first among the values, since it is as wide as a pointer.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let value = (VALUES + self.counter.len(), self.value.len());
        let numbers = [
            [INFO, 2].as_slice(),
            &[CK_OTP_VALUE as usize, value.0, value.1],
            &[CK_OTP_COUNTER as usize, VALUES, self.counter.len()],
        ];
        out.extend(numbers.concat().iter().flat_map(|number| number.to_ne_bytes()));
        out.extend(self.counter);
        out.extend(self.value.bytes());
        Ok(())
    }

    fn verify(&mut self, signature: &[u8]) -> Result<()> {
        match mac::equal(signature, self.value.as_bytes()) {
            true => Ok(()),
            false if signature.len() == self.value.len() => Err(Rv::SignatureInvalid.into()),
            false => Err(Rv::SignatureLenRange.because("a password has another number of digits")),
        }
    }

    fn rest(&self, _more: usize) -> usize {
        VALUES + self.counter.len() + self.value.len()
    }

    fn pointers(&self) -> &'static [usize] {
        &[0, INFO + size_of::<CK_OTP_PARAM_TYPE>(), INFO + PARAM + size_of::<CK_OTP_PARAM_TYPE>()]
    }
}
