//! The policy table: one row per attribute and kind of object, in the order of the standard's own tables.
//!
//! The columns say what the footnotes of PKCS#11 v3.2 Table 13 say: who must (M), may (O) or must not (N)
//! give the attribute when the object is created, generated, unwrapped or derived, who may change it
//! later, and whether it can be read from a sensitive key.

use crate::cryptoki::ids::*;
use crate::cryptoki::vendor::*;

use super::attributes::Kind;

/// Whether a template must (M), may (O) or must not (N) give an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Give {
    Must,
    May,
    MustNot,
}

/// Who may change an attribute of an object that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nobody.
    Never,
    /// C_SetAttributeValue and C_CopyObject.
    Free,
    /// Free, but once true it stays true (footnote 11).
    ToTrue,
    /// Free, but once false it stays false (footnote 12).
    ToFalse,
    /// C_CopyObject only.
    Copy,
    /// C_CopyObject only, and only to true.
    CopyToTrue,
    /// Free, but only the SO sets it true (footnote 10).
    ByOfficer,
}

/// The value of an attribute that nobody gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// None: it is given, or made with the object.
    Unset,
    False,
    True,
    /// True for a key that was generated in the token to stay there, else false.
    Kept,
    /// The opposite of [`Unsaid::Kept`].
    Loose,
    Number(CK_ULONG),
    /// Bytes, a list or a template with nothing in it.
    Empty,
}

/// To which objects a rule applies.
#[derive(Clone, Copy, Debug)]
pub struct On {
    pub classes: &'static [CK_OBJECT_CLASS],
    /// Key types (or certificate types); none means all.
    pub types: &'static [CK_ULONG],
}

/// A row of the policy table.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub attribute: CK_ATTRIBUTE_TYPE,
    pub on: On,
    pub kind: Kind,
    pub default: Unsaid,
    pub create: Give,
    pub generate: Give,
    pub unwrap: Give,
    pub derive: Give,
    pub change: Change,
    /// False: cannot be read when CKA_SENSITIVE is true or CKA_EXTRACTABLE is false (footnote 7).
    pub open: bool,
}

use Change::*;
use Give::{May as O, Must as M, MustNot as N};
use Kind::{Bool, Bytes, Date, Mechanisms, Secret, SecretNumber, Template, Ulong};
use Unsaid::{Empty, False, Kept, Loose, Number, True, Unset};

const fn on(classes: &'static [CK_OBJECT_CLASS], types: &'static [CK_ULONG]) -> On {
    On { classes, types }
}

/// Objects that are stored.
const ANY: On = on(
    &[
        CKO_DATA,
        CKO_CERTIFICATE,
        CKO_PUBLIC_KEY,
        CKO_PRIVATE_KEY,
        CKO_SECRET_KEY,
        CKO_OTP_KEY,
        CKO_DOMAIN_PARAMETERS,
        CKO_TRUST,
    ],
    &[],
);
const PLAIN: On = on(&[CKO_DATA, CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_DOMAIN_PARAMETERS, CKO_TRUST], &[]);
/// Objects that the token has of itself.
pub const BUILT_IN: &[CK_OBJECT_CLASS] = &[CKO_HW_FEATURE, CKO_MECHANISM, CKO_PROFILE, CKO_VALIDATION];
const OWN: On = on(BUILT_IN, &[]);
const DATA: On = on(&[CKO_DATA], &[]);
const CERT: On = on(&[CKO_CERTIFICATE], &[]);
const X509: On = on(&[CKO_CERTIFICATE], &[CKC_X_509]);
/// Certificates that may be a URL only.
const LINKED: On = on(&[CKO_CERTIFICATE], &[CKC_X_509, CKC_WTLS]);
const ATTR: On = on(&[CKO_CERTIFICATE], &[CKC_X_509_ATTR_CERT]);
const TRUST: On = on(&[CKO_TRUST], &[]);
const FEATURE: On = on(&[CKO_HW_FEATURE], &[]);
const COUNTER: On = on(&[CKO_HW_FEATURE], &[CKH_MONOTONIC_COUNTER]);
const KEY: On = on(&[CKO_PUBLIC_KEY, CKO_PRIVATE_KEY, CKO_SECRET_KEY, CKO_OTP_KEY], &[]);
const CLOSED: On = on(&[CKO_PRIVATE_KEY, CKO_SECRET_KEY, CKO_OTP_KEY], &[]);
const PUB: On = on(&[CKO_PUBLIC_KEY], &[]);
const PRV: On = on(&[CKO_PRIVATE_KEY], &[]);
const PAIR: On = on(&[CKO_PUBLIC_KEY, CKO_PRIVATE_KEY], &[]);
/// OTP keys are secret keys too (§4.12).
const SEC: On = on(&[CKO_SECRET_KEY, CKO_OTP_KEY], &[]);
const OTP: On = on(&[CKO_OTP_KEY], &[]);
const RSA: &[CK_ULONG] = &[CKK_RSA];
const EC: &[CK_ULONG] = &[CKK_EC, CKK_EC_EDWARDS, CKK_EC_MONTGOMERY];
const BYTE_SCALARS: &[CK_ULONG] = &[CKK_EC_EDWARDS, CKK_EC_MONTGOMERY];
const AGREERS: &[CK_ULONG] = &[CKK_EC, CKK_EC_MONTGOMERY, CKK_DH];
const WRAPPERS: &[CK_ULONG] = &[CKK_RSA, CKK_EC, CKK_EC_MONTGOMERY];
const SIGNERS: &[CK_ULONG] = &[CKK_RSA, CKK_EC, CKK_EC_EDWARDS, CKK_DSA, CKK_ML_DSA, CKK_SLH_DSA];
const DSA: &[CK_ULONG] = &[CKK_DSA];
const DH: &[CK_ULONG] = &[CKK_DH];
const FIELDS: &[CK_ULONG] = &[CKK_DSA, CKK_DH];
const GROUP: On = on(&[CKO_DOMAIN_PARAMETERS], &[]);
/// Keys that encapsulate.
const KEMS: &[CK_ULONG] = &[CKK_ML_KEM];
const LATTICES: &[CK_ULONG] = &[CKK_ML_DSA, CKK_ML_KEM];
const POST_QUANTUM: &[CK_ULONG] = &[CKK_ML_DSA, CKK_ML_KEM, CKK_SLH_DSA];
const CIPHERS: &[CK_ULONG] = &[CKK_AES, CKK_AES_XTS, CKK_DES, CKK_DES2, CKK_DES3, CKK_CHACHA20];

/// What a trust object says of a use that it does not name.
const UNKNOWN: Unsaid = Number(CKT_TRUST_UNKNOWN as CK_ULONG);

/// Written as a function so that a row reads as a line of the standard's table.
#[allow(clippy::too_many_arguments)]
const fn row(
    attribute: CK_ATTRIBUTE_TYPE,
    on: On,
    kind: Kind,
    default: Unsaid,
    [create, generate, unwrap, derive]: [Give; 4],
    change: Change,
) -> Rule {
    Rule { attribute, on, kind, default, create, generate, unwrap, derive, change, open: true }
}

/// A row whose attribute cannot be read from a sensitive key.
const fn closed(row: Rule) -> Rule {
    Rule { open: false, ..row }
}

/// The rules. A more special row stands before a more general one of the same attribute: the first that
/// applies is the rule.
#[rustfmt::skip]
pub static RULES: &[Rule] = &[
    //  attribute                     on               kind        default     create generate unwrap derive   change
    // §4.2 common, §4.4 storage objects
    row(CKA_CLASS,                    ANY,             Ulong,      Unset,      [M, O, O, O],  Never),
    row(CKA_TOKEN,                    ANY,             Bool,       False,      [O, O, O, O],  Copy),
    row(CKA_PRIVATE,                  PLAIN,           Bool,       False,      [O, O, O, O],  CopyToTrue),
    row(CKA_PRIVATE,                  ANY,             Bool,       True,       [O, O, O, O],  CopyToTrue),
    row(CKA_MODIFIABLE,               ANY,             Bool,       True,       [O, O, O, O],  Copy),
    row(CKA_LABEL,                    ANY,             Bytes,      Empty,      [O, O, O, O],  Free),
    row(CKA_COPYABLE,                 ANY,             Bool,       True,       [O, O, O, O],  ToFalse),
    row(CKA_DESTROYABLE,              ANY,             Bool,       True,       [O, O, O, O],  Copy),
    row(CKA_UNIQUE_ID,                ANY,             Bytes,      Unset,      [N, N, N, N],  Never),
    // §4.5 data objects
    row(CKA_APPLICATION,              DATA,            Bytes,      Empty,      [O, N, N, O],  Free),
    row(CKA_OBJECT_ID,                DATA,            Bytes,      Empty,      [O, N, N, O],  Free),
    row(CKA_VALUE,                    DATA,            Bytes,      Empty,      [O, N, N, N],  Free),
    // §6.62.4 data that are derived
    row(CKA_VALUE_LEN,                DATA,            Ulong,      Unset,      [N, N, N, O],  Never),
    // §4.6 certificates
    row(CKA_CERTIFICATE_TYPE,         CERT,            Ulong,      Unset,      [M, N, N, N],  Never),
    row(CKA_TRUSTED,                  CERT,            Bool,       False,      [O, N, N, N],  ByOfficer),
    row(CKA_CERTIFICATE_CATEGORY,     CERT,            Ulong,      Number(0),  [O, N, N, N],  Never),
    row(CKA_CHECK_VALUE,              CERT,            Bytes,      Empty,      [O, N, N, N],  Never),
    row(CKA_START_DATE,               CERT,            Date,       Empty,      [O, N, N, N],  Never),
    row(CKA_END_DATE,                 CERT,            Date,       Empty,      [O, N, N, N],  Never),
    row(CKA_PUBLIC_KEY_INFO,          CERT,            Bytes,      Empty,      [O, N, N, N],  Never),
    // §4.6.3 X.509 public key certificates, §4.6.4 WTLS certificates
    row(CKA_SUBJECT,                  LINKED,          Bytes,      Unset,      [M, N, N, N],  Never),
    row(CKA_ID,                       X509,            Bytes,      Empty,      [O, N, N, N],  Free),
    row(CKA_ISSUER,                   LINKED,          Bytes,      Empty,      [O, N, N, N],  Free),
    row(CKA_SERIAL_NUMBER,            X509,            Bytes,      Empty,      [O, N, N, N],  Free),
    row(CKA_VALUE,                    LINKED,          Bytes,      Empty,      [O, N, N, N],  Never),
    row(CKA_URL,                      LINKED,          Bytes,      Empty,      [O, N, N, N],  Never),
    row(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, LINKED,        Bytes,      Empty,      [O, N, N, N],  Never),
    row(CKA_HASH_OF_ISSUER_PUBLIC_KEY, LINKED,         Bytes,      Empty,      [O, N, N, N],  Never),
    row(CKA_JAVA_MIDP_SECURITY_DOMAIN, X509,           Ulong,      Number(0),  [O, N, N, N],  Never),
    row(CKA_NAME_HASH_ALGORITHM,      LINKED,          Ulong,      Number(CKM_SHA_1), [O, N, N, N],  Never),
    // §4.6.5 X.509 attribute certificates
    row(CKA_OWNER,                    ATTR,            Bytes,      Unset,      [M, N, N, N],  Never),
    row(CKA_AC_ISSUER,                ATTR,            Bytes,      Empty,      [O, N, N, N],  Free),
    row(CKA_SERIAL_NUMBER,            ATTR,            Bytes,      Empty,      [O, N, N, N],  Free),
    row(CKA_ATTR_TYPES,               ATTR,            Bytes,      Empty,      [O, N, N, N],  Free),
    row(CKA_VALUE,                    ATTR,            Bytes,      Unset,      [M, N, N, N],  Never),
    // §4.7 trust
    row(CKA_ISSUER,                   TRUST,           Bytes,      Unset,      [M, N, N, N],  Never),
    row(CKA_SERIAL_NUMBER,            TRUST,           Bytes,      Unset,      [M, N, N, N],  Never),
    row(CKA_HASH_OF_CERTIFICATE,      TRUST,           Bytes,      Empty,      [O, N, N, N],  Never),
    row(CKA_NAME_HASH_ALGORITHM,      TRUST,           Ulong,      Number(CKM_SHA_1), [O, N, N, N],  Never),
    row(CKA_TRUST_SERVER_AUTH,        TRUST,           Ulong,      UNKNOWN,    [O, N, N, N],  Free),
    row(CKA_TRUST_CLIENT_AUTH,        TRUST,           Ulong,      UNKNOWN,    [O, N, N, N],  Free),
    row(CKA_TRUST_CODE_SIGNING,       TRUST,           Ulong,      UNKNOWN,    [O, N, N, N],  Free),
    row(CKA_TRUST_EMAIL_PROTECTION,   TRUST,           Ulong,      UNKNOWN,    [O, N, N, N],  Free),
    row(CKA_TRUST_IPSEC_IKE,          TRUST,           Ulong,      UNKNOWN,    [O, N, N, N],  Free),
    row(CKA_TRUST_TIME_STAMPING,      TRUST,           Ulong,      UNKNOWN,    [O, N, N, N],  Free),
    row(CKA_TRUST_OCSP_SIGNING,       TRUST,           Ulong,      UNKNOWN,    [O, N, N, N],  Free),
    // §4.8 keys
    row(CKA_KEY_TYPE,                 KEY,             Ulong,      Unset,      [M, O, M, O],  Never),
    row(CKA_ID,                       KEY,             Bytes,      Empty,      [O, O, O, O],  Free),
    row(CKA_START_DATE,               KEY,             Date,       Empty,      [O, O, O, O],  Free),
    row(CKA_END_DATE,                 KEY,             Date,       Empty,      [O, O, O, O],  Free),
    row(CKA_DERIVE,                   on(PAIR.classes, AGREERS), Bool, True,      [O, O, O, O],  Free),
    row(CKA_DERIVE,                   OTP,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_DERIVE,                   SEC,             Bool,       True,       [O, O, O, O],  Free),
    row(CKA_DERIVE,                   KEY,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_LOCAL,                    KEY,             Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_KEY_GEN_MECHANISM,        KEY,             Ulong,      Unset,      [N, N, N, N],  Never),
    row(CKA_ALLOWED_MECHANISMS,       KEY,             Mechanisms, Empty,      [O, O, O, O],  Never),
    row(CKA_OBJECT_VALIDATION_FLAGS,  KEY,             Ulong,      Number(0),  [N, N, N, N],  Never),
    // §4.9 public keys, §4.10 private keys, §4.11 secret keys
    row(CKA_SUBJECT,                  PAIR,            Bytes,      Empty,      [O, O, O, O],  Free),
    row(CKA_PUBLIC_KEY_INFO,          PAIR,            Bytes,      Empty,      [O, O, O, O],  Never),
    row(CKA_ENCRYPT,                  on(PUB.classes, RSA), Bool,  True,       [O, O, O, O],  Free),
    row(CKA_ENCRYPT,                  PUB,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_ENCRYPT,                  on(SEC.classes, CIPHERS), Bool, True,    [O, O, O, O],  Free),
    row(CKA_ENCRYPT,                  SEC,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_DECRYPT,                  on(PRV.classes, RSA), Bool,  True,       [O, O, O, O],  Free),
    row(CKA_DECRYPT,                  PRV,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_DECRYPT,                  on(SEC.classes, CIPHERS), Bool, True,    [O, O, O, O],  Free),
    row(CKA_DECRYPT,                  SEC,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_SIGN,                     on(PRV.classes, SIGNERS), Bool, True,    [O, O, O, O],  Free),
    row(CKA_SIGN,                     PRV,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_SIGN,                     SEC,             Bool,       True,       [O, O, O, O],  Free),
    row(CKA_VERIFY,                   on(PUB.classes, SIGNERS), Bool, True,    [O, O, O, O],  Free),
    row(CKA_VERIFY,                   PUB,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_VERIFY,                   SEC,             Bool,       True,       [O, O, O, O],  Free),
    row(CKA_SIGN_RECOVER,             on(PRV.classes, RSA), Bool,  True,       [O, O, O, O],  Free),
    row(CKA_SIGN_RECOVER,             PRV,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_VERIFY_RECOVER,           on(PUB.classes, RSA), Bool,  True,       [O, O, O, O],  Free),
    row(CKA_VERIFY_RECOVER,           PUB,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_WRAP,                     on(PUB.classes, WRAPPERS), Bool, True,      [O, O, O, O],  Free),
    row(CKA_WRAP,                     PUB,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_WRAP,                     on(SEC.classes, CIPHERS), Bool, True,    [O, O, O, O],  Free),
    row(CKA_WRAP,                     SEC,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_UNWRAP,                   on(PRV.classes, WRAPPERS), Bool, True,      [O, O, O, O],  Free),
    row(CKA_UNWRAP,                   PRV,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_UNWRAP,                   on(SEC.classes, CIPHERS), Bool, True,    [O, O, O, O],  Free),
    row(CKA_UNWRAP,                   SEC,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_ENCAPSULATE,              on(PUB.classes, KEMS), Bool,  True,       [O, O, O, O],  Free),
    row(CKA_ENCAPSULATE,              PUB,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_DECAPSULATE,              on(PRV.classes, KEMS), Bool,  True,       [O, O, O, O],  Free),
    row(CKA_DECAPSULATE,              PRV,             Bool,       False,      [O, O, O, O],  Free),
    row(CKA_TRUSTED,                  PUB,             Bool,       False,      [O, O, O, O],  ByOfficer),
    row(CKA_TRUSTED,                  SEC,             Bool,       False,      [O, O, O, O],  ByOfficer),
    row(CKA_SENSITIVE,                PRV,             Bool,       True,       [O, O, O, O],  ToTrue),
    row(CKA_SENSITIVE,                SEC,             Bool,       Kept,       [O, O, O, O],  ToTrue),
    row(CKA_EXTRACTABLE,              PRV,             Bool,       False,      [O, O, O, O],  ToFalse),
    row(CKA_EXTRACTABLE,              SEC,             Bool,       Loose,      [O, O, O, O],  ToFalse),
    row(CKA_ALWAYS_SENSITIVE,         CLOSED,          Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_NEVER_EXTRACTABLE,        CLOSED,          Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_WRAP_WITH_TRUSTED,        CLOSED,          Bool,       False,      [O, O, O, O],  ToTrue),
    row(CKA_ALWAYS_AUTHENTICATE,      PRV,             Bool,       False,      [O, O, O, O],  Never),
    row(CKA_WRAP_TEMPLATE,            on(&[CKO_PUBLIC_KEY, CKO_SECRET_KEY, CKO_OTP_KEY], &[]), Template, Empty, [O, O, O, O], Never),
    row(CKA_UNWRAP_TEMPLATE,          CLOSED,          Template,   Empty,      [O, O, O, O],  Never),
    row(CKA_DERIVE_TEMPLATE,          CLOSED,          Template,   Empty,      [O, O, O, O],  Never),
    row(CKA_ENCAPSULATE_TEMPLATE,     PUB,             Template,   Empty,      [O, O, O, O],  Never),
    row(CKA_DECAPSULATE_TEMPLATE,     PRV,             Template,   Empty,      [O, O, O, O],  Never),
    row(CKA_CHECK_VALUE,              SEC,             Bytes,      Empty,      [O, O, O, O],  Never),
    // §4.3 hardware features, §4.13 mechanisms, §4.14 profiles, §4.15 validations: the token's own
    row(CKA_CLASS,                    OWN,             Ulong,      Unset,      [N, N, N, N],  Never),
    row(CKA_TOKEN,                    OWN,             Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_PRIVATE,                  OWN,             Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_MODIFIABLE,               OWN,             Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_LABEL,                    OWN,             Bytes,      Unset,      [N, N, N, N],  Never),
    row(CKA_COPYABLE,                 OWN,             Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_DESTROYABLE,              OWN,             Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_UNIQUE_ID,                OWN,             Bytes,      Unset,      [N, N, N, N],  Never),
    row(CKA_HW_FEATURE_TYPE,          FEATURE,         Ulong,      Unset,      [N, N, N, N],  Never),
    row(CKA_VALUE,                    FEATURE,         Bytes,      Unset,      [N, N, N, N],  Never),
    row(CKA_RESET_ON_INIT,            COUNTER,         Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_HAS_RESET,                COUNTER,         Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_MECHANISM_TYPE,           on(&[CKO_MECHANISM], &[]), Ulong, Unset, [N, N, N, N],  Never),
    row(CKA_PROFILE_ID,               on(&[CKO_PROFILE], &[]), Ulong, Unset,   [N, N, N, N],  Never),
    // §6.1 RSA
    row(CKA_MODULUS,                  on(PUB.classes, RSA), Kind::Number, Unset, [M, N, N, N],  Never),
    row(CKA_MODULUS_BITS,             on(PUB.classes, RSA), Ulong, Unset,      [N, M, N, N],  Never),
    row(CKA_PUBLIC_EXPONENT,          on(PUB.classes, RSA), Kind::Number, Unset, [M, O, N, N],  Never),
    row(CKA_MODULUS,                  on(PRV.classes, RSA), Kind::Number, Unset, [M, N, N, N],  Never),
    row(CKA_PUBLIC_EXPONENT,          on(PRV.classes, RSA), Kind::Number, Empty, [O, N, N, N],  Never),
    closed(row(CKA_PRIVATE_EXPONENT,  on(PRV.classes, RSA), SecretNumber, Unset, [M, N, N, N],  Never)),
    closed(row(CKA_PRIME_1,           on(PRV.classes, RSA), SecretNumber, Empty, [O, N, N, N],  Never)),
    closed(row(CKA_PRIME_2,           on(PRV.classes, RSA), SecretNumber, Empty, [O, N, N, N],  Never)),
    closed(row(CKA_EXPONENT_1,        on(PRV.classes, RSA), SecretNumber, Empty, [O, N, N, N],  Never)),
    closed(row(CKA_EXPONENT_2,        on(PRV.classes, RSA), SecretNumber, Empty, [O, N, N, N],  Never)),
    closed(row(CKA_COEFFICIENT,       on(PRV.classes, RSA), SecretNumber, Empty, [O, N, N, N],  Never)),
    // §6.2 DSA, §6.4 Diffie-Hellman
    row(CKA_KEY_TYPE,                 GROUP,           Ulong,      Unset,      [M, O, N, N],  Never),
    row(CKA_LOCAL,                    GROUP,           Bool,       Unset,      [N, N, N, N],  Never),
    row(CKA_PRIME,                    GROUP,           Kind::Number, Unset,    [M, N, N, N],  Never),
    row(CKA_SUBPRIME,                 on(GROUP.classes, DSA), Kind::Number, Unset, [M, N, N, N], Never),
    row(CKA_BASE,                     GROUP,           Kind::Number, Unset,    [M, N, N, N],  Never),
    row(CKA_PRIME_BITS,               GROUP,           Ulong,      Unset,      [N, M, N, N],  Never),
    row(CKA_SUBPRIME_BITS,            on(GROUP.classes, DSA), Ulong, Unset,    [N, O, N, N],  Never),
    row(CKA_PRIME,                    on(PUB.classes, FIELDS), Kind::Number, Unset, [M, M, N, N], Never),
    row(CKA_SUBPRIME,                 on(PUB.classes, DSA), Kind::Number, Unset, [M, M, N, N], Never),
    row(CKA_BASE,                     on(PUB.classes, FIELDS), Kind::Number, Unset, [M, M, N, N], Never),
    row(CKA_VALUE,                    on(PUB.classes, FIELDS), Kind::Number, Unset, [M, N, N, N], Never),
    row(CKA_PRIME,                    on(PRV.classes, FIELDS), Kind::Number, Unset, [M, N, N, N], Never),
    row(CKA_SUBPRIME,                 on(PRV.classes, DSA), Kind::Number, Unset, [M, N, N, N], Never),
    row(CKA_BASE,                     on(PRV.classes, FIELDS), Kind::Number, Unset, [M, N, N, N], Never),
    row(CKA_VALUE_BITS,               on(PRV.classes, DH), Ulong,  Unset,      [N, O, N, N],  Never),
    closed(row(CKA_VALUE,             on(PRV.classes, FIELDS), SecretNumber, Unset, [M, N, N, N], Never)),
    // §6.3 elliptic curves
    row(CKA_EC_PARAMS,                on(PUB.classes, EC), Bytes,  Unset,      [M, M, N, N],  Never),
    row(CKA_EC_POINT,                 on(PUB.classes, EC), Bytes,  Unset,      [M, N, N, N],  Never),
    row(CKA_EC_PARAMS,                on(PRV.classes, EC), Bytes,  Unset,      [M, O, O, O],  Never),
    row(CKA_EC_POINT,                 on(PRV.classes, EC), Bytes,  Empty,      [O, N, N, N],  Never),
    closed(row(CKA_VALUE,             on(PRV.classes, BYTE_SCALARS), Secret, Unset, [M, N, N, N],  Never)),
    closed(row(CKA_VALUE,             on(PRV.classes, EC), SecretNumber, Unset, [M, N, N, N],  Never)),
    // §6.67 ML-DSA, §6.68 ML-KEM, §6.69 SLH-DSA
    row(CKA_PARAMETER_SET,            on(PUB.classes, POST_QUANTUM), Ulong, Unset, [M, M, N, N], Never),
    row(CKA_VALUE,                    on(PUB.classes, POST_QUANTUM), Bytes, Unset, [M, N, N, N], Never),
    row(CKA_PARAMETER_SET,            on(PRV.classes, POST_QUANTUM), Ulong, Unset, [M, O, O, N], Never),
    closed(row(CKA_SEED,              on(PRV.classes, LATTICES), Secret, Empty, [O, N, N, N],  Never)),
    closed(row(CKA_VALUE,             on(PRV.classes, LATTICES), Secret, Unset, [O, N, N, N],  Never)),
    closed(row(CKA_VALUE,             on(PRV.classes, POST_QUANTUM), Secret, Unset, [M, N, N, N], Never)),
    // §6.8 generic secrets, §6.10 AES and the other secret keys
    closed(row(CKA_VALUE,             SEC,             Secret,     Unset,      [M, N, N, N],  Never)),
    // A type of one length needs no CKA_VALUE_LEN when generated; for the others the mechanism asks it.
    row(CKA_VALUE_LEN,                SEC,             Ulong,      Unset,      [O, O, O, O],  Never),
    // §4.12 one-time passwords, §6.53 HOTP: the token's own counter never goes back, and nothing else is asked
    row(CKA_OTP_FORMAT,               OTP,             Ulong,      Number(CK_OTP_FORMAT_DECIMAL), [O, O, O, N], Never),
    row(CKA_OTP_LENGTH,               OTP,             Ulong,      Number(6),  [O, O, O, N],  Never),
    row(CKA_OTP_USER_FRIENDLY_MODE,   OTP,             Bool,       True,       [O, O, O, N],  Never),
    row(CKA_OTP_CHALLENGE_REQUIREMENT, OTP,            Ulong,      Number(CK_OTP_PARAM_IGNORED), [O, O, O, N], Never),
    row(CKA_OTP_TIME_REQUIREMENT,     OTP,             Ulong,      Number(CK_OTP_PARAM_IGNORED), [O, O, O, N], Never),
    row(CKA_OTP_COUNTER_REQUIREMENT,  OTP,             Ulong,      Number(CK_OTP_PARAM_OPTIONAL), [O, O, O, N], Never),
    row(CKA_OTP_PIN_REQUIREMENT,      OTP,             Ulong,      Number(CK_OTP_PARAM_IGNORED), [O, O, O, N], Never),
    row(CKA_OTP_COUNTER,              OTP,             Bytes,      Empty,      [O, O, O, N],  Never),
    row(CKA_OTP_TIME,                 OTP,             Bytes,      Empty,      [O, O, O, N],  Never),
    row(CKA_OTP_USER_IDENTIFIER,      OTP,             Bytes,      Empty,      [O, O, O, N],  Free),
    row(CKA_OTP_SERVICE_IDENTIFIER,   OTP,             Bytes,      Empty,      [O, O, O, N],  Free),
    row(CKA_OTP_SERVICE_LOGO,         OTP,             Bytes,      Empty,      [O, O, O, N],  Free),
    row(CKA_OTP_SERVICE_LOGO_TYPE,    OTP,             Bytes,      Empty,      [O, O, O, N],  Free),
    // ours
    row(CKA_TOKENKEEP_BACKUP,         CLOSED,          Bool,       True,       [O, O, O, O],  ToFalse),
    row(CKA_TOKENKEEP_KEY_DOMAIN,     CLOSED,          Ulong,      Number(0),  [O, O, O, O],  Never),
    row(CKA_TOKENKEEP_CARD_ALGORITHMS, CLOSED,         Bytes,      Unset,      [O, O, O, O],  Never),
];
