//! CK_OTP_PARAMS (PKCS#11 v3.2 §6.53.1).

use crate::cryptoki::Result;
use crate::cryptoki::ids::*;
use crate::mechanism::params::Params;

use super::params::Parameter;

impl Parameter {
    /// The items of the parameter, each once. A PIN, a challenge and a time are passed over, since no key here wants them.
    pub(super) unsafe fn otp(&self, p: CK_OTP_PARAMS) -> Result<Params> {
        let (mut counter, mut flags, mut length, mut format) = (None, None, None, None);
        // SAFETY: handed on.
        for item in unsafe { self.items("pParams", p.pParams, p.ulCount) }? {
            // SAFETY: handed on.
            let value = unsafe { self.data("pValue", item.pValue.cast(), item.ulValueLen) }?;
            let number = || match value[..].try_into() {
                Ok(bytes) => Ok(CK_ULONG::from_ne_bytes(bytes)),
                Err(_) => self.refuse(&format!("item {} is no CK_ULONG", item.type_)),
            };
            let twice = match item.type_ {
                CK_OTP_COUNTER => counter.replace(value).is_some(),
                CK_OTP_FLAGS => flags.replace(number()?).is_some(),
                CK_OTP_OUTPUT_LENGTH => length.replace(number()?).is_some(),
                CK_OTP_OUTPUT_FORMAT => format.replace(number()?).is_some(),
                CK_OTP_PIN | CK_OTP_CHALLENGE | CK_OTP_TIME => false,
                other => return self.refuse(&format!("item {other} is no parameter of an OTP")),
            };
            if twice {
                return self.refuse(&format!("item {} stands there twice", item.type_));
            }
        }
        Ok(Params::Otp { counter, flags: flags.unwrap_or(0), length, format })
    }
}
