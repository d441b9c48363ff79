//! The table of curves in Weierstrass form, and how CKA_EC_PARAMS names them.

use super::awslc::{self, EcKey, Nid};
use super::domain::Domain;
use super::tlv::{self, Elements};
use crate::cryptoki::{Result, Rv};

/// A curve.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Curve {
    P192,
    P224,
    P256,
    P384,
    P521,
    K256,
    Bp224,
    Bp256,
    Bp320,
    Bp384,
    Bp512,
}

struct Row {
    curve: Curve,
    nid: Nid,
    /// What programs call it, in any case of letters.
    names: &'static [&'static str],
    /// Bits of the field, and of the order, which is as long on all these curves.
    bits: usize,
    /// Its OID, with tag and length: the value of CKA_EC_PARAMS.
    oid: &'static [u8],
}

/// In the order of `Curve`: SEC 2, and RFC 5639.
#[rustfmt::skip]
const ROWS: [Row; 11] = [
    Row { curve: Curve::P192, nid: awslc::P192, names: &["secp192r1", "prime192v1", "P-192", "nistp192"], bits: 192, oid: &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1] },
    Row { curve: Curve::P224, nid: awslc::P224, names: &["secp224r1", "P-224", "nistp224"], bits: 224, oid: &[6, 5, 0x2b, 0x81, 4, 0, 0x21] },
    Row { curve: Curve::P256, nid: awslc::P256, names: &["secp256r1", "prime256v1", "P-256", "nistp256"], bits: 256, oid: &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7] },
    Row { curve: Curve::P384, nid: awslc::P384, names: &["secp384r1", "P-384", "nistp384"], bits: 384, oid: &[6, 5, 0x2b, 0x81, 4, 0, 0x22] },
    Row { curve: Curve::P521, nid: awslc::P521, names: &["secp521r1", "P-521", "nistp521"], bits: 521, oid: &[6, 5, 0x2b, 0x81, 4, 0, 0x23] },
    Row { curve: Curve::K256, nid: awslc::K256, names: &["secp256k1", "K-256"], bits: 256, oid: &[6, 5, 0x2b, 0x81, 4, 0, 0x0a] },
    Row { curve: Curve::Bp224, nid: awslc::BP224, names: &["brainpoolP224r1"], bits: 224, oid: &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 5] },
    Row { curve: Curve::Bp256, nid: awslc::BP256, names: &["brainpoolP256r1"], bits: 256, oid: &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7] },
    Row { curve: Curve::Bp320, nid: awslc::BP320, names: &["brainpoolP320r1"], bits: 320, oid: &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 9] },
    Row { curve: Curve::Bp384, nid: awslc::BP384, names: &["brainpoolP384r1"], bits: 384, oid: &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11] },
    Row { curve: Curve::Bp512, nid: awslc::BP512, names: &["brainpoolP512r1"], bits: 512, oid: &[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13] },
];

const _: () = {
    let mut i = 0;
    while i < ROWS.len() {
        assert!(ROWS[i].curve as usize == i, "ROWS stand in the order of Curve");
        i += 1;
    }
    assert!(Curve::ALL.len() == ROWS.len());
};

/// 1.2.840.10045.1.1, with its tag and length (RFC 3279 §2.3.5).
const PRIME_FIELD: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 1, 1];

impl Curve {
    /// Every curve, in the table's order.
    pub const ALL: &[Curve] = &[
        Curve::P192,
        Curve::P224,
        Curve::P256,
        Curve::P384,
        Curve::P521,
        Curve::K256,
        Curve::Bp224,
        Curve::Bp256,
        Curve::Bp320,
        Curve::Bp384,
        Curve::Bp512,
    ];

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The curve that a CKA_EC_PARAMS means: by OID, by PrintableString, or by explicit parameters that are
    /// those of a curve of the table (PKCS#11 v3.2 §6.3.3).
    ///
    /// `CKR_CURVE_NOT_SUPPORTED` for a curve that is not in the table, `CKR_DOMAIN_PARAMS_INVALID` for implicit
    /// parameters and explicit ones that cannot be read, `CKR_ATTRIBUTE_VALUE_INVALID` for what is not DER.
    pub fn from_params(der: &[u8]) -> Result<Curve> {
        let unknown =
            || Rv::CurveNotSupported.because("CKA_EC_PARAMS names a curve that this token does not have");
        let find = |is: &dyn Fn(&Row) -> bool| ROWS.iter().find(|row| is(row)).map(|row| row.curve);
        if tlv::only(tlv::OID, der).is_some_and(|oid| !oid.is_empty()) {
            return find(&|row| row.oid == der).ok_or_else(unknown);
        }
        if let Some(name) = tlv::only(tlv::PRINTABLE_STRING, der) {
            let same = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
            return find(&|row| row.names.iter().any(same)).ok_or_else(unknown);
        }
        if let Some(parameters) = tlv::only(tlv::SEQUENCE, der) {
            let given = Explicit::read(parameters).ok_or_else(|| {
                Rv::DomainParamsInvalid.because("CKA_EC_PARAMS is no ECParameters over a prime field")
            })?;
            return find(&|row| given.is(row).unwrap_or(false)).ok_or_else(unknown);
        }
        if tlv::only(tlv::NULL, der).is_some() {
            return Err(Rv::DomainParamsInvalid.because("CKA_EC_PARAMS must say its curve, not imply it"));
        }
        Err(Rv::AttributeValueInvalid.because("CKA_EC_PARAMS is neither a DER OID nor a PrintableString"))
    }

    /// The OID in DER: the value of CKA_EC_PARAMS.
    pub fn params(self) -> &'static [u8] {
        self.row().oid
    }

    /// The first of its names, as SEC 2 has it.
    pub fn name(self) -> &'static str {
        self.row().names[0]
    }

    /// All of its names.
    #[cfg(test)]
    pub(super) fn names(self) -> &'static [&'static str] {
        self.row().names
    }

    /// Bits of the field.
    pub fn bits(self) -> usize {
        self.row().bits
    }

    /// Bits of the order.
    pub(super) fn order_bits(self) -> usize {
        self.row().bits
    }

    /// Bytes of a field element: a coordinate, an ECDH secret.
    pub fn size(self) -> usize {
        self.row().bits.div_ceil(8)
    }

    /// Bytes of a scalar, and half the bytes of a signature.
    pub fn order_size(self) -> usize {
        self.order_bits().div_ceil(8)
    }

    /// Its number in aws-lc.
    pub(super) fn nid(self) -> Nid {
        self.row().nid
    }
}

/// ECParameters (RFC 3279 §2.3.5): a prime field, two coefficients, the base point and its order.
struct Explicit<'a> {
    p: &'a [u8],
    a: &'a [u8],
    b: &'a [u8],
    base: &'a [u8],
    order: &'a [u8],
}

impl Explicit<'_> {
    fn read(parameters: &[u8]) -> Option<Explicit<'_>> {
        let mut all = Elements::new(parameters)?;
        let version = all.number()?;
        let mut field = all.sequence()?;
        let (kind, p) = (field.whole()?, field.number()?);
        let mut curve = all.sequence()?;
        let (a, b) = (curve.take(tlv::OCTET_STRING)?, curve.take(tlv::OCTET_STRING)?);
        let (base, order) = (all.take(tlv::OCTET_STRING)?, all.number()?);
        let cofactor = if all.done() { &[1][..] } else { all.number()? };
        // A seed may follow the coefficients; it proves nothing here.
        let sound = field.done() && all.done() && cofactor == [1] && matches!(version, [1..=3]);
        (sound && kind == PRIME_FIELD).then_some(Explicit {
            p,
            a: tlv::trim(a),
            b: tlv::trim(b),
            base,
            order,
        })
    }

    /// Whether these are the parameters of a curve of the table; the base point may be compressed.
    fn is(&self, row: &Row) -> Option<bool> {
        let domain = Domain::named(row.oid)?;
        let same = [(domain.p, self.p), (domain.a, self.a), (domain.b, self.b), (domain.n, self.order)];
        let same = same.iter().all(|(ours, given)| tlv::trim(ours) == *given);
        Some(same && EcKey::public(row.nid, self.base)?.public_point()? == domain.g)
    }
}
