//! What objects say of themselves after each way to make them, and what templates are refused.

use cryptoki_sys::*;
use tests::keys::{self, NAME, hex};
use tokenkeep::cryptoki::names;
use tokenkeep::object::key::RSA_NUMBERS;

use super::probe::{Made, Probe, Template, is};

/// The OID of P-256 in DER.
pub const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

const STORAGE: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_CLASS,
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_LABEL,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_UNIQUE_ID,
];
const KEY: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_KEY_TYPE,
    CKA_ID,
    CKA_START_DATE,
    CKA_END_DATE,
    CKA_DERIVE,
    CKA_LOCAL,
    CKA_KEY_GEN_MECHANISM,
    CKA_ALLOWED_MECHANISMS,
];
const PUBLIC: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_SUBJECT,
    CKA_ENCRYPT,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_WRAP,
    CKA_TRUSTED,
    CKA_WRAP_TEMPLATE,
    CKA_PUBLIC_KEY_INFO,
];
const PRIVATE: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_SUBJECT,
    CKA_SENSITIVE,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_UNWRAP,
    CKA_EXTRACTABLE,
    CKA_ALWAYS_SENSITIVE,
    CKA_NEVER_EXTRACTABLE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_UNWRAP_TEMPLATE,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_PUBLIC_KEY_INFO,
];
const SECRET: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_SENSITIVE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_VERIFY,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_EXTRACTABLE,
    CKA_ALWAYS_SENSITIVE,
    CKA_NEVER_EXTRACTABLE,
    CKA_CHECK_VALUE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_TRUSTED,
    CKA_VALUE_LEN,
    CKA_VALUE,
    CKA_WRAP_TEMPLATE,
    CKA_UNWRAP_TEMPLATE,
];
const CERTIFICATE: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_CERTIFICATE_TYPE,
    CKA_TRUSTED,
    CKA_CERTIFICATE_CATEGORY,
    CKA_CHECK_VALUE,
    CKA_START_DATE,
    CKA_END_DATE,
    CKA_PUBLIC_KEY_INFO,
    CKA_SUBJECT,
    CKA_ID,
    CKA_ISSUER,
    CKA_SERIAL_NUMBER,
    CKA_VALUE,
    CKA_URL,
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
    CKA_HASH_OF_ISSUER_PUBLIC_KEY,
    CKA_JAVA_MIDP_SECURITY_DOMAIN,
    CKA_NAME_HASH_ALGORITHM,
];
const DATA: &[CK_ATTRIBUTE_TYPE] = &[CKA_APPLICATION, CKA_OBJECT_ID, CKA_VALUE];

/// What is read of a class.
fn attributes(class: CK_OBJECT_CLASS) -> Vec<CK_ATTRIBUTE_TYPE> {
    let more: &[&[CK_ATTRIBUTE_TYPE]] = match class {
        CKO_PUBLIC_KEY => &[KEY, PUBLIC],
        CKO_PRIVATE_KEY => &[KEY, PRIVATE],
        CKO_SECRET_KEY => &[KEY, SECRET],
        CKO_CERTIFICATE => &[CERTIFICATE],
        _ => &[DATA],
    };
    [STORAGE, &more.concat()].concat()
}

pub fn data() -> Template {
    vec![is(CKA_CLASS, CKO_DATA), is(CKA_VALUE, b"some data")]
}

pub fn aes() -> Template {
    vec![is(CKA_CLASS, CKO_SECRET_KEY), is(CKA_KEY_TYPE, CKK_AES), is(CKA_VALUE, &[7; 16])]
}

fn generic() -> Template {
    vec![is(CKA_CLASS, CKO_SECRET_KEY), is(CKA_KEY_TYPE, CKK_GENERIC_SECRET), is(CKA_VALUE, &[7; 20])]
}

fn certificate() -> Template {
    vec![
        is(CKA_CLASS, CKO_CERTIFICATE),
        is(CKA_CERTIFICATE_TYPE, CKC_X_509),
        is(CKA_SUBJECT, &hex(NAME)[..]),
        is(CKA_VALUE, &hex(keys::CERTIFICATE)[..]),
    ]
}

/// The parts of keys by which they are made again.
const RSA_PUBLIC: &[CK_ATTRIBUTE_TYPE] = RSA_NUMBERS.split_at(2).0;
const EC_PUBLIC: &[CK_ATTRIBUTE_TYPE] = &[CKA_EC_PARAMS, CKA_EC_POINT];
const EC_PRIVATE: &[CK_ATTRIBUTE_TYPE] = &[CKA_EC_PARAMS, CKA_VALUE];

/// Every kind of object made in every way that both modules know; then each attribute of each is read.
pub fn attributes_after_birth(probe: &Probe) {
    for (birth, class, object) in births(probe) {
        probe.made(format!("{birth}: made"), object);
        let Ok(object) = object else { continue };
        for attribute in attributes(class) {
            probe.tell(format!("{birth}: {}", names::attribute(attribute)), probe.value(object, attribute));
        }
    }
}

fn births(probe: &Probe) -> Vec<(&'static str, CK_OBJECT_CLASS, Made)> {
    let open = [is(CKA_SENSITIVE, false), is(CKA_EXTRACTABLE, true)];
    let bits = [is(CKA_MODULUS_BITS, 2048), is(CKA_PUBLIC_EXPONENT, &[1, 0, 1])];
    let curve = [is(CKA_EC_PARAMS, P256)];
    let (rsa_public, rsa_private) = probe.pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &bits.to_vec(), &open.to_vec());
    let (ec_public, ec_private) = probe.pair(CKM_EC_KEY_PAIR_GEN, &curve.to_vec(), &open.to_vec());
    let plain_pair = probe.pair(CKM_EC_KEY_PAIR_GEN, &curve.to_vec(), &vec![]);
    let again = |from: Made, class, kind, parts: &[CK_ATTRIBUTE_TYPE]| {
        let given = [is(CKA_CLASS, class), is(CKA_KEY_TYPE, kind)];
        let part = |attribute: &CK_ATTRIBUTE_TYPE| Ok((*attribute, probe.bytes(from?, *attribute)?));
        let parts: Result<Template, CK_RV> = parts.iter().map(part).collect();
        probe.create(&[&given[..], &parts?].concat())
    };
    let secret = probe.create(&aes());
    let extractable = probe.create(&[&aes()[..], &[is(CKA_EXTRACTABLE, true), is(CKA_WRAP, true)]].concat());
    let unwrapped = || {
        let with = probe.create(&[&aes()[..], &[is(CKA_WRAP, true), is(CKA_UNWRAP, true)]].concat())?;
        let wrapped = probe.wrap(CKM_AES_KEY_WRAP, with, extractable?)?;
        let template = vec![is(CKA_CLASS, CKO_SECRET_KEY), is(CKA_KEY_TYPE, CKK_AES)];
        probe.unwrap(CKM_AES_KEY_WRAP, with, &wrapped, &template)
    };
    let copied = secret.and_then(|secret| probe.copy(secret, &vec![is(CKA_LABEL, b"copy")]));
    vec![
        ("data, created", CKO_DATA, probe.create(&data())),
        ("certificate, created", CKO_CERTIFICATE, probe.create(&certificate())),
        ("AES key, created", CKO_SECRET_KEY, secret),
        ("generic secret, created", CKO_SECRET_KEY, probe.create(&generic())),
        ("AES key, generated", CKO_SECRET_KEY, probe.generate(CKM_AES_KEY_GEN, &vec![is(CKA_VALUE_LEN, 16)])),
        ("AES key, unwrapped", CKO_SECRET_KEY, unwrapped()),
        ("AES key, copied", CKO_SECRET_KEY, copied),
        ("RSA public key, generated", CKO_PUBLIC_KEY, rsa_public),
        ("RSA private key, generated to be shown", CKO_PRIVATE_KEY, rsa_private),
        ("RSA public key, created", CKO_PUBLIC_KEY, again(rsa_public, CKO_PUBLIC_KEY, CKK_RSA, RSA_PUBLIC)),
        (
            "RSA private key, created",
            CKO_PRIVATE_KEY,
            again(rsa_private, CKO_PRIVATE_KEY, CKK_RSA, &RSA_NUMBERS),
        ),
        ("EC public key, generated", CKO_PUBLIC_KEY, plain_pair.0),
        ("EC private key, generated", CKO_PRIVATE_KEY, plain_pair.1),
        ("EC public key, created", CKO_PUBLIC_KEY, again(ec_public, CKO_PUBLIC_KEY, CKK_EC, EC_PUBLIC)),
        ("EC private key, created", CKO_PRIVATE_KEY, again(ec_private, CKO_PRIVATE_KEY, CKK_EC, EC_PRIVATE)),
    ]
}

/// Templates that are wrong in one way each.
pub fn refused_templates(probe: &Probe) {
    let with = |more: Template| [aes(), more].concat();
    let without =
        |attribute| aes().into_iter().filter(|(other, _)| *other != attribute).collect::<Template>();
    let cases: Vec<(&str, Template)> = vec![
        ("nothing", vec![]),
        ("no CKA_CLASS", without(CKA_CLASS)),
        ("no CKA_KEY_TYPE", without(CKA_KEY_TYPE)),
        ("no CKA_VALUE", without(CKA_VALUE)),
        ("a class nobody knows", vec![is(CKA_CLASS, 0x7777)]),
        (
            "a key type nobody knows",
            vec![is(CKA_CLASS, CKO_SECRET_KEY), is(CKA_KEY_TYPE, 0x7777), is(CKA_VALUE, &[1; 16])],
        ),
        ("an attribute nobody knows", with(vec![is(0x7777_7777, b"x")])),
        ("an attribute of another class", with(vec![is(CKA_MODULUS, &[1; 64])])),
        ("CKA_TOKEN of two bytes", with(vec![is(CKA_TOKEN, &[1, 1])])),
        ("CKA_CLASS of four bytes", vec![is(CKA_CLASS, &[4, 0, 0, 0])]),
        ("CKA_LOCAL", with(vec![is(CKA_LOCAL, true)])),
        ("CKA_ALWAYS_SENSITIVE", with(vec![is(CKA_ALWAYS_SENSITIVE, true)])),
        ("CKA_NEVER_EXTRACTABLE", with(vec![is(CKA_NEVER_EXTRACTABLE, true)])),
        ("CKA_KEY_GEN_MECHANISM", with(vec![is(CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN)])),
        ("CKA_TRUSTED by the user", with(vec![is(CKA_TRUSTED, true)])),
        ("CKA_START_DATE of seven bytes", with(vec![is(CKA_START_DATE, b"2026010")])),
        ("CKA_START_DATE that is no date", with(vec![is(CKA_START_DATE, b"20261399")])),
        ("one attribute twice, the same", with(vec![is(CKA_LABEL, b"x"), is(CKA_LABEL, b"x")])),
        ("one attribute twice, not the same", with(vec![is(CKA_LABEL, b"x"), is(CKA_LABEL, b"y")])),
        (
            "an AES key of 17 bytes",
            vec![is(CKA_CLASS, CKO_SECRET_KEY), is(CKA_KEY_TYPE, CKK_AES), is(CKA_VALUE, &[1; 17])],
        ),
        (
            "an AES key without bytes",
            vec![is(CKA_CLASS, CKO_SECRET_KEY), is(CKA_KEY_TYPE, CKK_AES), is(CKA_VALUE, b"")],
        ),
        ("CKA_VALUE_LEN beside CKA_VALUE", with(vec![is(CKA_VALUE_LEN, 16)])),
        (
            "a certificate without a value",
            vec![
                is(CKA_CLASS, CKO_CERTIFICATE),
                is(CKA_CERTIFICATE_TYPE, CKC_X_509),
                is(CKA_SUBJECT, &hex(NAME)[..]),
            ],
        ),
        (
            "a certificate that is no DER",
            vec![
                is(CKA_CLASS, CKO_CERTIFICATE),
                is(CKA_CERTIFICATE_TYPE, CKC_X_509),
                is(CKA_SUBJECT, &hex(NAME)[..]),
                is(CKA_VALUE, b"rubbish"),
            ],
        ),
        (
            "an EC point that is none",
            vec![
                is(CKA_CLASS, CKO_PUBLIC_KEY),
                is(CKA_KEY_TYPE, CKK_EC),
                is(CKA_EC_PARAMS, P256),
                is(CKA_EC_POINT, b"\x04\x03\x04\x01\x01"),
            ],
        ),
        ("a hardware feature", vec![is(CKA_CLASS, CKO_HW_FEATURE)]),
        ("a mechanism", vec![is(CKA_CLASS, CKO_MECHANISM)]),
    ];
    for (what, template) in cases {
        probe.made(format!("C_CreateObject: {what}"), probe.create(&template));
    }
    let cases: Vec<(&str, CK_MECHANISM_TYPE, Template)> = vec![
        ("AES without CKA_VALUE_LEN", CKM_AES_KEY_GEN, vec![]),
        ("AES of 17 bytes", CKM_AES_KEY_GEN, vec![is(CKA_VALUE_LEN, 17)]),
        ("AES of no bytes", CKM_AES_KEY_GEN, vec![is(CKA_VALUE_LEN, 0)]),
        ("AES with CKA_VALUE", CKM_AES_KEY_GEN, vec![is(CKA_VALUE_LEN, 16), is(CKA_VALUE, &[1; 16])]),
        ("AES of another class", CKM_AES_KEY_GEN, vec![is(CKA_CLASS, CKO_PUBLIC_KEY), is(CKA_VALUE_LEN, 16)]),
        ("AES of another type", CKM_AES_KEY_GEN, vec![is(CKA_KEY_TYPE, CKK_DES3), is(CKA_VALUE_LEN, 16)]),
        ("by a mechanism of digests", CKM_SHA256, vec![]),
        ("by a mechanism of pairs", CKM_RSA_PKCS_KEY_PAIR_GEN, vec![]),
        ("by a mechanism nobody knows", 0x7777_7777, vec![]),
    ];
    for (what, mechanism, template) in cases {
        probe.made(format!("C_GenerateKey: {what}"), probe.generate(mechanism, &template));
    }
    let rsa = |bits: CK_ULONG| vec![is(CKA_MODULUS_BITS, bits)];
    let cases: Vec<(&str, CK_MECHANISM_TYPE, Template)> = vec![
        ("RSA without CKA_MODULUS_BITS", CKM_RSA_PKCS_KEY_PAIR_GEN, vec![]),
        ("RSA without CKA_PUBLIC_EXPONENT", CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(1024)),
        ("RSA of 8 bits", CKM_RSA_PKCS_KEY_PAIR_GEN, rsa(8)),
        ("EC without CKA_EC_PARAMS", CKM_EC_KEY_PAIR_GEN, vec![]),
        (
            "EC with a curve nobody knows",
            CKM_EC_KEY_PAIR_GEN,
            vec![is(CKA_EC_PARAMS, b"\x06\x03\x2a\x03\x04")],
        ),
        ("EC with rubbish for a curve", CKM_EC_KEY_PAIR_GEN, vec![is(CKA_EC_PARAMS, b"rubbish")]),
        ("by a mechanism of keys", CKM_AES_KEY_GEN, vec![]),
    ];
    for (what, mechanism, template) in cases {
        probe.made(format!("C_GenerateKeyPair: {what}"), probe.pair(mechanism, &template, &vec![]).0);
    }
}

/// What may change, be copied and go.
pub fn changes(probe: &Probe) {
    let object = |more: Template| probe.create(&[aes(), more].concat()).unwrap_or(CK_INVALID_HANDLE);
    let key = object(vec![is(CKA_EXTRACTABLE, true), is(CKA_SENSITIVE, false)]);
    let fixed = object(vec![is(CKA_MODIFIABLE, false)]);
    let alone = object(vec![is(CKA_COPYABLE, false)]);
    let kept = object(vec![is(CKA_DESTROYABLE, false)]);
    let sealed = object(vec![is(CKA_SENSITIVE, true), is(CKA_EXTRACTABLE, false)]);
    let changes: Vec<(&str, CK_OBJECT_HANDLE, Template)> = vec![
        ("CKA_LABEL", key, vec![is(CKA_LABEL, b"new")]),
        ("CKA_ID", key, vec![is(CKA_ID, &[1])]),
        ("CKA_CLASS", key, vec![is(CKA_CLASS, CKO_DATA)]),
        ("CKA_KEY_TYPE", key, vec![is(CKA_KEY_TYPE, CKK_DES3)]),
        ("CKA_VALUE", key, vec![is(CKA_VALUE, &[1; 16])]),
        ("CKA_TOKEN", key, vec![is(CKA_TOKEN, true)]),
        ("CKA_PRIVATE", key, vec![is(CKA_PRIVATE, false)]),
        ("CKA_MODIFIABLE", key, vec![is(CKA_MODIFIABLE, false)]),
        ("CKA_COPYABLE to CK_FALSE", key, vec![is(CKA_COPYABLE, false)]),
        ("CKA_LOCAL", key, vec![is(CKA_LOCAL, true)]),
        ("CKA_UNIQUE_ID", key, vec![is(CKA_UNIQUE_ID, b"x")]),
        ("CKA_TRUSTED by the user", key, vec![is(CKA_TRUSTED, true)]),
        ("an attribute nobody knows", key, vec![is(0x7777_7777, b"x")]),
        ("an attribute of another class", key, vec![is(CKA_MODULUS, &[1; 64])]),
        ("CKA_SENSITIVE to CK_FALSE", sealed, vec![is(CKA_SENSITIVE, false)]),
        ("CKA_EXTRACTABLE to CK_TRUE", sealed, vec![is(CKA_EXTRACTABLE, true)]),
        ("CKA_LABEL of what is not modifiable", fixed, vec![is(CKA_LABEL, b"new")]),
        ("nothing", key, vec![]),
    ];
    for (what, object, template) in changes {
        probe.code(format!("C_SetAttributeValue: {what}"), probe.set(object, &template));
    }
    for (what, object, template) in [
        ("as it is", sealed, vec![]),
        ("with CKA_SENSITIVE CK_FALSE", sealed, vec![is(CKA_SENSITIVE, false)]),
        ("with CKA_EXTRACTABLE CK_TRUE", sealed, vec![is(CKA_EXTRACTABLE, true)]),
        ("with another CKA_CLASS", sealed, vec![is(CKA_CLASS, CKO_DATA)]),
        ("what is not copyable", alone, vec![]),
        ("no object", CK_INVALID_HANDLE, vec![]),
    ] {
        probe.made(format!("C_CopyObject: {what}"), probe.copy(object, &template));
    }
    for (what, object) in
        [("what is not destroyable", kept), ("an object", key), ("it again", key), ("no object", 0)]
    {
        probe.code(format!("C_DestroyObject: {what}"), probe.destroy(object));
    }
}
