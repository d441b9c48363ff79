//! Known keys and a known certificate, so that what the token computes can be checked outside it.
//!
//! They were made with OpenSSL for these tests and protect nothing.

use crate::{Template, ids::*};

/// The OID of P-256 in DER, for CKA_EC_PARAMS.
pub const P256: &[u8; 10] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
/// The OID of P-384 in DER.
pub const P384: &[u8; 7] = b"\x06\x05\x2b\x81\x04\x00\x22";
/// The OID of P-521 in DER.
pub const P521: &[u8; 7] = b"\x06\x05\x2b\x81\x04\x00\x23";

/// The bytes of a hexadecimal text.
pub fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of digits");
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// A session secret key that may be used for everything and be read.
pub fn secret(kind: CK_KEY_TYPE, value: &[u8]) -> Template {
    template![
        CKA_CLASS => CKO_SECRET_KEY,
        CKA_KEY_TYPE => kind,
        CKA_VALUE => value,
        CKA_TOKEN => false,
        CKA_PRIVATE => true,
        CKA_SENSITIVE => false,
        CKA_EXTRACTABLE => true,
        CKA_ENCRYPT => true,
        CKA_DECRYPT => true,
        CKA_SIGN => true,
        CKA_VERIFY => true,
        CKA_WRAP => true,
        CKA_UNWRAP => true,
        CKA_DERIVE => true,
    ]
}

/// The public half of the known RSA pair, as a session object.
pub fn rsa_public() -> Template {
    template![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_RSA,
        CKA_TOKEN => false,
        CKA_PRIVATE => false,
        CKA_ENCRYPT => true,
        CKA_VERIFY => true,
        CKA_WRAP => true,
        CKA_MODULUS => hex(RSA_N),
        CKA_PUBLIC_EXPONENT => RSA_E,
    ]
}

/// The private half of the known RSA pair, as a sensitive session object.
pub fn rsa_private() -> Template {
    template![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_RSA,
        CKA_TOKEN => false,
        CKA_PRIVATE => true,
        CKA_SENSITIVE => true,
        CKA_EXTRACTABLE => false,
        CKA_DECRYPT => true,
        CKA_SIGN => true,
        CKA_UNWRAP => true,
        CKA_MODULUS => hex(RSA_N),
        CKA_PUBLIC_EXPONENT => RSA_E,
        CKA_PRIVATE_EXPONENT => hex(RSA_D),
        CKA_PRIME_1 => hex(RSA_P),
        CKA_PRIME_2 => hex(RSA_Q),
        CKA_EXPONENT_1 => hex(RSA_DP),
        CKA_EXPONENT_2 => hex(RSA_DQ),
        CKA_COEFFICIENT => hex(RSA_QI),
    ]
}

/// The public half of the known P-256 pair, as a session object.
pub fn ec_public() -> Template {
    template![
        CKA_CLASS => CKO_PUBLIC_KEY,
        CKA_KEY_TYPE => CKK_EC,
        CKA_TOKEN => false,
        CKA_PRIVATE => false,
        CKA_VERIFY => true,
        CKA_EC_PARAMS => P256,
        CKA_EC_POINT => ec_point(),
    ]
}

/// The private half of the known P-256 pair, as a sensitive session object.
pub fn ec_private() -> Template {
    template![
        CKA_CLASS => CKO_PRIVATE_KEY,
        CKA_KEY_TYPE => CKK_EC,
        CKA_TOKEN => false,
        CKA_PRIVATE => true,
        CKA_SENSITIVE => true,
        CKA_EXTRACTABLE => false,
        CKA_SIGN => true,
        CKA_DERIVE => true,
        CKA_EC_PARAMS => P256,
        CKA_VALUE => hex(EC_D),
    ]
}

/// The known P-256 point as CKA_EC_POINT wants it: a DER OCTET STRING.
pub fn ec_point() -> Vec<u8> {
    [&b"\x04\x41"[..], &hex(EC_Q)].concat()
}

/// The known certificate, of the P-256 pair, as a public session object.
pub fn certificate() -> Template {
    template![
        CKA_CLASS => CKO_CERTIFICATE,
        CKA_CERTIFICATE_TYPE => CKC_X_509,
        CKA_TOKEN => false,
        CKA_PRIVATE => false,
        CKA_SUBJECT => hex(NAME),
        CKA_ISSUER => hex(NAME),
        CKA_SERIAL_NUMBER => b"\x02\x02\x12\x34",
        CKA_VALUE => hex(CERTIFICATE),
    ]
}

/// 65537, big-endian.
pub const RSA_E: &[u8; 3] = &[1, 0, 1];
/// The RSA-2048 modulus.
pub const RSA_N: &str = "\
    c18f7ef2e24a6a77c68949a9850e1598f410540c0bce5ec28acd62861b8d126012d92e3fc427c7548db4213039ea393d\
    431804cbf19ef2e6d32bf579da62cac54dfbcfbc5ab32fba6b36b4076caf445bcb92b6c3a0db697bd02d9b9047f50380\
    c1acc3bcbe9091b70c8731de7fe1ac89a6b2233fc882d467f6a73daeceefacd1581e2e5b1951ecd69af7d14b377488d2\
    36dbc8691aa8394e81fe4c9dbda73e3e73949fa858971388bced42565d199ff915e2940b6278fdf329655b2eeb909c0b\
    ab0ce3f91de0818e6c1c3a95a3fe471b0e23e1106cc4781c491f11427ccbf1eb0c3edddd4589c3c0f92abc59fcb7a2de\
    d4b964185d694301847685584bd5de9f";
/// Its private exponent.
pub const RSA_D: &str = "\
    0e54855d8e0b5c5e89c05847c8a6064b50a674d27f7d43debb50015f5462d95d6b87d0b8bfd90214ec78cd8c387d72c7\
    6a5438e6b078c81af6bf66692315f5552e34da68637ea8a5f092183a047de55db670a23f51856d05d19fcec89bcb33fb\
    305b8e12473984d03c8935d3f73bc9fe56ed1157038d4c14765a6362b1c764cfe9f432f363264f6c0bc1dbb9633e9bf9\
    b9396349503b6af96a5a5c8e11ac7b5d28c1d5d9346064e2d84cd483fe113aae607c9e71dd0b2c621e39b0573aaab8f2\
    9f4482b2cd1f74354cdf2632a27e1c3efa82ea0e0f603950f5a0f160932c45ea43e9772131433d8d39554f8a8e1f9bea\
    03327a280bdfcf4c517dc99a431ecfe1";
/// Its first prime.
pub const RSA_P: &str = "\
    dec749e2128c463e7315edc846a0905eea615867ec9a8f8a9b299d911b103a651d24a67fc2dba9f8fde1df9bf94a271b\
    77f2f51a56558cfd158a278f1993ba90dd44bc42bdefc8297df3046eaf2df53c692ee6ac278bdfe0362f130fb5b9b5cc\
    5b0b6f89d75f45b5b9cdb69e497f65cfff8c62056272725605c973cdf01f878b";
/// Its second prime.
pub const RSA_Q: &str = "\
    de6ccb2b40165897fcf07a732aa7b11954557a34114ff949369e4a917a2534b9ac98fd6e1cedc934b8f0f634df355e4b\
    67bffb09c453e82278892e16b12c2cf6ad538daf3566a11585092e75d9f8b242bf06e32006d779fe14f293f62d986740\
    26fab5bb08a129cfca8549467b2d942281c9528f9a19e480664b66cd02ce07bd";
/// d mod p-1.
pub const RSA_DP: &str = "\
    23c0ec34a2316d1c9cafca47b83e10ad8b0430820d5108f47fce800147cca4f29168ce67f6c7f65185bd787bb9d892ca\
    2fc8085a3fbcdf31c70133341e30bd627e80878e5699631075ac48ebd2a5979428756484009ccc4359aed86a4f0a0d09\
    4d1b5abd4e9975c0a29f474dc411f42f1b9e5624f315d70fc341ff99ef8dbfdd";
/// d mod q-1.
pub const RSA_DQ: &str = "\
    cb0d7cc88620204ed85ddd1b8824409c040e689a61f7a5773e0271c6af408a0abb538b80dbae04923a07d86c5a1d0971\
    434cd2eb8eac9eede12632ca0a826ea5df83b883ebf73e353c172eafee06890e40001496a7484d19349c639148fca9bd\
    ba180491b386157a99c2e62b0ec68446a03f5f3cb38cd1ba9a2859b7ecc893ed";
/// q⁻¹ mod p.
pub const RSA_QI: &str = "\
    38aea631660dcfb13bfa212dfa9eda6a465c7cb0b5489b5b9f815d794af159fcdff0e8e46de605dd1658dc1a638782ec\
    54df6eb21fe1d40d003c2bd6643a39a87004dac53d3140a1b00e276138c64743471f6e2e51105e38c5c4cb72931b2b10\
    b4e62d371dd020e0088e530b6d7e910cd6642112daea56b1bf71ac6511a9b880";
/// The P-256 private scalar.
pub const EC_D: &str = "\
    00b354254c4e802b0c91147ca0fb3ca71817cbd07098a079730d3d4e76eff6fb";
/// Its public point, uncompressed.
pub const EC_Q: &str = "\
    04e8b45db81ab1594ad86cca8aea643cace16313bdb8a0550030c6d5e272a69dc5b544a241312c2137ee52e6aef1eed1\
    275d6f8cd440aae82cac2429723a96c5a6";
/// The subject and issuer of the certificate, in DER.
pub const NAME: &str = "\
    30193117301506035504030c0e746f6b656e6b6565702074657374";
/// A self-signed certificate of the P-256 pair, serial number 0x1234.
pub const CERTIFICATE: &str = "\
    308201763082011da00302010202021234300a06082a8648ce3d04030230193117301506035504030c0e746f6b656e6b\
    65657020746573743020170d3236313132313130333034385a180f32313236313032383130333034385a301931173015\
    06035504030c0e746f6b656e6b65657020746573743059301306072a8648ce3d020106082a8648ce3d03010703420004\
    e8b45db81ab1594ad86cca8aea643cace16313bdb8a0550030c6d5e272a69dc5b544a241312c2137ee52e6aef1eed127\
    5d6f8cd440aae82cac2429723a96c5a6a3533051301d0603551d0e04160414f954716029783a947a43b4eb1dab4fbda3\
    041723301f0603551d23041830168014f954716029783a947a43b4eb1dab4fbda3041723300f0603551d130101ff0405\
    30030101ff300a06082a8648ce3d0403020347003044022003e35c3a5b7c833382c2d4b971bdf8aa63338fe4fcf83e5e\
    2889d435f9d8197d02205eb7c61a2d9cf2a63cd4c8152779c83d1cd032a96d5bbde0376044b02e754d4c";
