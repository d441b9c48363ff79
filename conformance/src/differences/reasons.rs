//! Why our answer is another than SoftHSM's: each reason with its section of the standard (PKCS#11 v3.2).

/// A reason, and the questions and answers that it explains.
pub struct Reason {
    pub section: &'static str,
    pub why: &'static str,
    /// Texts that the question must contain, one of them.
    questions: &'static [&'static str],
    ours: &'static str,
    theirs: &'static str,
}

/// Any answer.
const ANY: &str = "";

const fn row(
    section: &'static str,
    questions: &'static [&'static str],
    ours: &'static str,
    theirs: &'static str,
    why: &'static str,
) -> Reason {
    Reason { section, why, questions, ours, theirs }
}

#[rustfmt::skip]
pub static REASONS: &[Reason] = &[
    row("§5.5.6, CK_TOKEN_INFO", &["CKF_DUAL_CRYPTO_OPERATIONS"], "true", "false",
        "The four functions of §5.17 are served."),
    // what keys have unasked
    row("§4.8, §4.9", &[": CKA_ID"], "20 bytes", "empty",
        "The default is empty; a key of a pair gets the SHA-1 of its public value instead, as by OpenSC on a SmartCard-HSM: Java and browsers find its certificate by it."),
    // what functions answer when they are called with nothing
    row("§5.1.7, the order of refusals", &["without a session: C_GetFunctionStatus", "without a session: C_CancelFunction"],
        "CKR_FUNCTION_NOT_PARALLEL", "CKR_SESSION_HANDLE_INVALID",
        "§5.20: a legacy function which simply returns CKR_FUNCTION_NOT_PARALLEL, whatever it is called with."),
    row("§5.1.7, a session handle comes first", &["without a session: "],
        "CKR_SESSION_HANDLE_INVALID", "CKR_ARGUMENTS_BAD",
        "Codes of session handles stand above CKR_ARGUMENTS_BAD in the order of the standard: the handle is looked at before the other arguments."),
    row("§5.1.7, codes of one rank", &["C_GetSlotInfo", "C_GetTokenInfo", "C_InitToken"],
        "CKR_ARGUMENTS_BAD", "CKR_SLOT_ID_INVALID",
        "NULL arguments and a slot that is not there at the same time: both codes are of one rank, either may be told."),
    row("§5.1.7, codes of one rank", &["in a session: C_InitPIN"], "CKR_ARGUMENTS_BAD", "CKR_USER_NOT_LOGGED_IN",
        "A NULL PIN, and nobody is logged in: either may be told."),
    row("§5.1.7, codes of one rank", &["in a session: C_Login"], "CKR_USER_TYPE_INVALID", "CKR_ARGUMENTS_BAD",
        "A NULL PIN of a user type that does not exist: either may be told."),
    row("§5.1.7, codes of one rank", &["in a session: C_GetAttributeValue", "in a session: C_SetAttributeValue"],
        "CKR_OBJECT_HANDLE_INVALID", "CKR_ARGUMENTS_BAD",
        "An empty template is none that is wrong; the handle is."),
    row("§5.5.4", &["C_WaitForSlotEvent"], "CKR_ARGUMENTS_BAD", "CKR_NO_EVENT",
        "There is no place for the slot, so that an event would be lost."),
    row("§5.6.6, §5.6.7", &["C_GetOperationState", "C_SetOperationState"], ANY, "CKR_FUNCTION_NOT_SUPPORTED",
        "States of operations can be saved here."),
    row("§5.6.10", &["C_Logout"], "CKR_USER_NOT_LOGGED_IN", "CKR_OK",
        "Nobody is logged in: C_Logout has a code for that."),
    row("§5.8.1, §5.10.1, §5.12.1, §5.13.1, §5.15.1",
        &["in a session: C_EncryptInit", "in a session: C_DecryptInit", "in a session: C_DigestInit", "in a session: C_SignInit", "in a session: C_VerifyInit"],
        "CKR_OK", "CKR_ARGUMENTS_BAD",
        "Since version 3.0 a NULL mechanism ends the active operation, and is no error when there is none."),
    row("§5.12.3, §5.13.3, §5.15.2", &["C_DigestUpdate", "C_SignUpdate", "C_VerifyUpdate", "C_VerifyFinal", "in a session: C_Verify"],
        "CKR_OPERATION_NOT_INITIALIZED", "CKR_ARGUMENTS_BAD",
        "NULL data of length 0 is no data and no error; that no operation was begun is."),
    row("§5.13.5, §5.15.5", &["C_SignRecover", "C_VerifyRecover"], ANY, "CKR_FUNCTION_NOT_SUPPORTED",
        "Signatures with recovery are served here."),
    row("§5.17", &["C_DigestEncryptUpdate", "C_DecryptDigestUpdate", "C_SignEncryptUpdate", "C_DecryptVerifyUpdate"],
        ANY, "CKR_FUNCTION_NOT_SUPPORTED", "Functions for two operations at once are served here."),
    row("§5.19", &["in a session: C_SeedRandom", "in a session: C_GenerateRandom"], "CKR_OK", "CKR_ARGUMENTS_BAD",
        "No bytes are asked for or given: nothing has to be done."),

    // attributes
    row("§4.4.1", &["CKA_UNIQUE_ID"], ANY, "CKR_ATTRIBUTE_TYPE_INVALID",
        "Every storage object has CKA_UNIQUE_ID since version 3.0; the token sets it, and nobody changes it."),
    row("§4.4", &["data, created: CKA_PRIVATE"], "CK_FALSE", "CK_TRUE",
        "The default of CKA_PRIVATE is the token's own: data and certificates are public, as clients write them that give no CKA_PRIVATE."),
    row("§4.6.3", &["CKA_ISSUER", "CKA_SERIAL_NUMBER", "certificate, created: CKA_PUBLIC_KEY_INFO"], ANY, "empty",
        "What was not given is read from the certificate itself, so that it is found by its issuer and serial number."),
    row("§4.8, §4.9", &["CKA_PUBLIC_KEY_INFO"], ANY, "empty",
        "The token makes CKA_PUBLIC_KEY_INFO from the key: the attribute is there for finding public halves that belong to a private key."),
    row("§4.8, default not kept", &["CKA_DERIVE"], "CK_TRUE", "CK_FALSE",
        "The standard's default is CK_FALSE. SunPKCS11 derives with keys for which it has set no usage, so that here CKA_DERIVE is CK_TRUE where the type of the key can derive."),
    row("§4.8, §4.10", &["CKA_ENCRYPT", "CKA_DECRYPT", "CKA_WRAP", "CKA_UNWRAP", "CKA_VERIFY_RECOVER", "CKA_SIGN_RECOVER"], "CK_FALSE", "CK_TRUE",
        "The default is the token's own: a key may do what its type can, and no mechanism of this token does that with this type."),
    row("§4.9, default of the token", &["private key, created: CKA_SENSITIVE", "private key, generated: CKA_SENSITIVE", "private key, generated: CKA_ALWAYS_SENSITIVE"], "CK_TRUE", "CK_FALSE",
        "The default of CKA_SENSITIVE of private keys is the token's own: they are sensitive unless the template says otherwise."),
    row("§4.10, default of the token", &["CKA_EXTRACTABLE"], "CK_TRUE", "CK_FALSE",
        "The default of CKA_EXTRACTABLE is the token's own: secret keys are extractable unless the template says otherwise."),
    row("§4.10", &["AES key, generated: CKA_NEVER_EXTRACTABLE"], "CK_FALSE", "CK_TRUE",
        "The key was made extractable, see above."),
    row("§4.10", &["AES key, generated: CKA_VALUE", "AES key, created: CKA_VALUE", "AES key, copied: CKA_VALUE", "AES key, unwrapped: CKA_VALUE", "generic secret, created: CKA_VALUE"], ANY, "CKR_ATTRIBUTE_SENSITIVE",
        "CKA_SENSITIVE is CK_FALSE by the standard's default, and the key is extractable: its value is shown. That of SoftHSM is not extractable."),
    row("§4.10.2", &["AES key, unwrapped: CKA_CHECK_VALUE"], "3 bytes", "empty",
        "The check value of an unwrapped key is as good as that of a generated one."),
    row("§6.10.2", &["AES key, unwrapped: CKA_VALUE_LEN"], "16", "0", "The key has 16 bytes."),

    // templates
    row("§4.1.1, inconsistent", &["an attribute of another class", "one attribute twice, not the same"], "CKR_TEMPLATE_INCONSISTENT", ANY,
        "The standard's own examples of an inconsistent template: two values of one attribute, and an attribute of public keys for a secret key."),
    row("§4.1.1, inconsistent", &["C_GenerateKey: AES with CKA_VALUE"], "CKR_TEMPLATE_INCONSISTENT", "CKR_ATTRIBUTE_READ_ONLY",
        "CKA_VALUE must not be given when a key is generated (Table 13, footnote 4): it cannot be satisfied together with the rest."),
    row("§5.18.1", &["C_GenerateKey: AES of another class"], "CKR_TEMPLATE_INCONSISTENT", "CKR_ATTRIBUTE_VALUE_INVALID",
        "A class that contradicts the function is CKR_TEMPLATE_INCONSISTENT."),
    row("§4.1.1, values", &["CKA_CLASS of four bytes", "AES of no bytes"], "CKR_ATTRIBUTE_VALUE_INVALID", "CKR_TEMPLATE_INCOMPLETE",
        "The attribute is there; its value cannot be."),
    row("§4.1.1, values", &["CKA_START_DATE that is no date", "an AES key of 17 bytes", "an AES key without bytes", "a certificate that is no DER", "an EC point that is none"],
        "CKR_ATTRIBUTE_VALUE_INVALID", "CKR_OK", "A value that no such object can have is refused when the object is made, not when it is used."),
    row("§4.1.1, values", &["RSA of 8 bits", "EC with rubbish for a curve"], "CKR_ATTRIBUTE_VALUE_INVALID", "CKR_GENERAL_ERROR",
        "The value of an attribute is wrong, which has a code of its own."),
    row("§6.3.3", &["EC with a curve nobody knows"], "CKR_CURVE_NOT_SUPPORTED", "CKR_GENERAL_ERROR",
        "A curve that the token does not know has a code of its own."),
    row("§6.10.2, footnote not kept", &["CKA_VALUE_LEN beside CKA_VALUE"], "CKR_OK", "CKR_ATTRIBUTE_READ_ONLY",
        "CKA_VALUE_LEN should not be given here. Programs do; one that agrees with CKA_VALUE does no harm, any other is refused."),
    row("§4.4", &["C_SetAttributeValue: CKA_COPYABLE to CK_FALSE"], "CKR_OK", "CKR_ATTRIBUTE_READ_ONLY",
        "CKA_COPYABLE cannot become CK_TRUE once it is CK_FALSE; it may become CK_FALSE."),

    // operations
    row("§5.1.6, key handles", &["Init, "], "CKR_KEY_HANDLE_INVALID", ANY,
        "A handle that is no key's is CKR_KEY_HANDLE_INVALID in functions that take a key."),
    row("§5.1.6, key types", &["a key of another type"], "CKR_KEY_TYPE_INCONSISTENT", ANY,
        "A key whose type is not that of the mechanism is told so before its usage is looked at, and when the operation begins."),
    row("§5.8.2, §5.13.2", &[": 300 bytes"], "CKR_DATA_LEN_RANGE", "CKR_GENERAL_ERROR",
        "Data too long for the mechanism have a code of their own."),
    row("§5.18.3", &["C_WrapKey: data"], "CKR_KEY_NOT_WRAPPABLE", "CKR_KEY_UNEXTRACTABLE", "A data object is no key; it has no CKA_EXTRACTABLE."),
    row("§5.18.4", &["C_UnwrapKey: changed bytes"], "CKR_WRAPPED_KEY_INVALID", "CKR_GENERAL_ERROR",
        "A wrapped key that was changed has a code of its own."),
];

/// The reason of a difference.
pub fn reason(question: &str, ours: &str, theirs: &str) -> Option<&'static Reason> {
    let explains = |reason: &&Reason| {
        reason.questions.iter().any(|part| question.contains(part))
            && ours.starts_with(reason.ours)
            && theirs.starts_with(reason.theirs)
    };
    REASONS.iter().find(explains)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_that_nobody_explains_has_no_reason() {
        assert!(
            reason("AES key, created: CKA_UNIQUE_ID", "32 bytes", "CKR_ATTRIBUTE_TYPE_INVALID").is_some()
        );
        assert!(reason("AES key, created: CKA_UNIQUE_ID", "32 bytes", "16 bytes").is_none());
        assert!(reason("C_Sign, CKM_ECDSA: begun", "CKR_GENERAL_ERROR", "CKR_OK").is_none());
    }
}
