//! What stands behind a return value: the rule, and its place in the standard (PKCS#11 v3.2).

use tokenkeep::cryptoki::Rv;

/// A code, the rule that was broken, and the section that has it.
type Rule = (Rv, &'static str, &'static str);

#[rustfmt::skip]
const RULES: &[Rule] = &[
    (Rv::ActionProhibited, "an object is copied, changed and destroyed only when CKA_COPYABLE, CKA_MODIFIABLE and CKA_DESTROYABLE let it", "§4.4"),
    (Rv::AttributeReadOnly, "what an object is when it is made stays, but for the attributes that may change", "§4.1.2"),
    (Rv::AttributeSensitive, "the value of a sensitive or unextractable key is not shown", "§5.7.5"),
    (Rv::AttributeTypeInvalid, "an object has the attributes of its class and type, and no others", "§4.1.1"),
    (Rv::AttributeValueInvalid, "a value must be of its attribute's kind and range", "§4.1.1"),
    (Rv::BufferTooSmall, "the answer must fit the buffer; its length is told, and the operation goes on", "§5.2"),
    (Rv::KeyFunctionNotPermitted, "a key does only what its usage attributes, its mechanisms and its dates allow", "§4.8"),
    (Rv::KeyHandleInvalid, "a handle must be that of a key which the one who is logged in may see", "§5.1.6"),
    (Rv::KeyNotWrappable, "some keys leave the token by no wrapping key, or by a trusted one only", "§5.18.3"),
    (Rv::KeySizeRange, "a mechanism works with keys of some sizes: C_GetMechanismInfo tells them", "§5.5.6"),
    (Rv::KeyTypeInconsistent, "a mechanism works with keys of its own type", "§5.1.6"),
    (Rv::KeyUnextractable, "a key leaves the token only when its CKA_EXTRACTABLE is CK_TRUE", "§5.18.3"),
    (Rv::MechanismInvalid, "a token does what is in its list of mechanisms, and what their flags say", "§5.5.6"),
    (Rv::ObjectHandleInvalid, "a handle must be that of an object which the one who is logged in may see", "§5.1.6"),
    (Rv::OperationActive, "a session has one operation of a kind at a time", "§5.6"),
    (Rv::OperationNotInitialized, "an operation is begun before it is gone on with", "§5.6"),
    (Rv::PinIncorrect, "the PIN must be that of the user who logs in", "§5.6.8"),
    (Rv::PinLenRange, "a PIN has between ulMinPinLen and ulMaxPinLen bytes", "§3.2"),
    (Rv::PinLocked, "after too many wrong PINs a PIN is locked", "§5.6.8"),
    (Rv::SessionHandleInvalid, "a session is used from C_OpenSession until it is closed", "§5.1.2"),
    (Rv::SessionReadOnly, "token objects and PINs are changed in a read-write session", "§5.6"),
    (Rv::SignatureInvalid, "a signature must be that of this data by this key", "§5.15"),
    (Rv::TemplateIncomplete, "a template must say all that makes its kind of object", "§4.1.1"),
    (Rv::TemplateInconsistent, "what a template says must fit together", "§4.1.1"),
    (Rv::UserAlreadyLoggedIn, "all sessions of a program with a token share one login", "§5.6.8"),
    (Rv::UserAnotherAlreadyLoggedIn, "all sessions of a program with a token share one login", "§5.6.8"),
    (Rv::UserNotLoggedIn, "private objects, and what only a user may do, need a login", "§5.6"),
    (Rv::UserPinNotInitialized, "a user logs in once the SO has set the PIN", "§5.5.8"),
    (Rv::WrappingKeyTypeInconsistent, "a mechanism works with keys of its own type", "§5.18.3"),
];

/// The rule behind a code, by the code's name.
pub fn rule(code: &str) -> Option<(&'static str, &'static str)> {
    RULES.iter().find(|(rv, ..)| rv.name() == code).map(|(_, rule, section)| (*rule, *section))
}

/// The sections of the functions, each with its functions.
#[rustfmt::skip]
const FUNCTIONS: &[(&str, &[&str])] = &[
    ("§5.4", &["Initialize", "Finalize", "GetInfo", "GetFunctionList", "GetInterfaceList", "GetInterface"]),
    ("§5.5", &["GetSlotList", "GetSlotInfo", "GetTokenInfo", "WaitForSlotEvent", "GetMechanismList", "GetMechanismInfo",
        "InitToken", "InitPIN", "SetPIN"]),
    ("§5.6", &["OpenSession", "CloseSession", "CloseAllSessions", "GetSessionInfo", "SessionCancel", "GetOperationState",
        "SetOperationState", "Login", "LoginUser", "Logout", "GetSessionValidationFlags"]),
    ("§5.7", &["CreateObject", "CopyObject", "DestroyObject", "GetObjectSize", "GetAttributeValue", "SetAttributeValue",
        "FindObjectsInit", "FindObjects", "FindObjectsFinal"]),
    ("§5.8", &["EncryptInit", "Encrypt", "EncryptUpdate", "EncryptFinal"]),
    ("§5.9", &["MessageEncryptInit", "EncryptMessage", "EncryptMessageBegin", "EncryptMessageNext", "MessageEncryptFinal"]),
    ("§5.10", &["DecryptInit", "Decrypt", "DecryptUpdate", "DecryptFinal"]),
    ("§5.11", &["MessageDecryptInit", "DecryptMessage", "DecryptMessageBegin", "DecryptMessageNext", "MessageDecryptFinal"]),
    ("§5.12", &["DigestInit", "Digest", "DigestUpdate", "DigestKey", "DigestFinal"]),
    ("§5.13", &["SignInit", "Sign", "SignUpdate", "SignFinal", "SignRecoverInit", "SignRecover"]),
    ("§5.14", &["MessageSignInit", "SignMessage", "SignMessageBegin", "SignMessageNext", "MessageSignFinal"]),
    ("§5.15", &["VerifyInit", "Verify", "VerifyUpdate", "VerifyFinal", "VerifyRecoverInit", "VerifyRecover",
        "VerifySignatureInit", "VerifySignature", "VerifySignatureUpdate", "VerifySignatureFinal"]),
    ("§5.16", &["MessageVerifyInit", "VerifyMessage", "VerifyMessageBegin", "VerifyMessageNext", "MessageVerifyFinal"]),
    ("§5.17", &["DigestEncryptUpdate", "DecryptDigestUpdate", "SignEncryptUpdate", "DecryptVerifyUpdate"]),
    ("§5.18", &["GenerateKey", "GenerateKeyPair", "WrapKey", "UnwrapKey", "DeriveKey", "EncapsulateKey", "DecapsulateKey",
        "WrapKeyAuthenticated", "UnwrapKeyAuthenticated"]),
    ("§5.19", &["SeedRandom", "GenerateRandom"]),
    ("§5.20", &["GetFunctionStatus", "CancelFunction"]),
    ("§5.21", &["AsyncComplete", "AsyncGetID", "AsyncJoin"]),
];

/// The section of a function.
pub fn section(function: &str) -> Option<&'static str> {
    let name = function.strip_prefix("C_")?;
    FUNCTIONS.iter().find(|(_, names)| names.contains(&name)).map(|(section, _)| *section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_section() {
        let rows = include_str!("../../../../module/src/abi/exports.rs").lines().map(str::trim_start);
        let row = |line: &str| {
            let rest = ["open ", "module ", "session "].iter().find_map(|needs| line.strip_prefix(needs))?;
            rest.trim_start()
                .starts_with("C_")
                .then(|| rest.trim_start().split('(').next().unwrap().to_owned())
        };
        let functions: Vec<String> = rows.filter_map(row).collect();
        assert_eq!(functions.len(), 104, "{functions:?}");
        functions.iter().for_each(|function| assert!(section(function).is_some(), "{function}"));
    }

    #[test]
    fn no_code_has_two_rules() {
        for (at, (rv, ..)) in RULES.iter().enumerate() {
            assert!(RULES[..at].iter().all(|(other, ..)| other != rv), "{}", rv.name());
        }
    }
}
