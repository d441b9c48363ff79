//! JSON Web Keys and sets of them (RFC 7517, RFC 7518 §6, RFC 8037).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;
use tokenkeep::crypto::{ec, edwards, spki};
use tokenkeep::cryptoki::Secret;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::object::{Attributes, Value};

use super::item::Item;
use super::public::EDWARDS;
use super::read::{Password, told};
use crate::problem::Result;

/// The curves of EC keys as JOSE names them (RFC 7518 §6.2.1.1, RFC 8812 §3.1).
pub const CURVES: [(&str, ec::Curve); 4] = [
    ("P-256", ec::Curve::P256),
    ("P-384", ec::Curve::P384),
    ("P-521", ec::Curve::P521),
    ("secp256k1", ec::Curve::K256),
];

/// The parts of an RSA private key.
const RSA_PARTS: [(&str, CK_ATTRIBUTE_TYPE); 5] = [
    ("d", CKA_PRIVATE_EXPONENT),
    ("p", CKA_PRIME_1),
    ("q", CKA_PRIME_2),
    ("dp", CKA_EXPONENT_1),
    ("dq", CKA_EXPONENT_2),
];

/// The keys in a JWK or in a set.
///
/// # Errors
/// What is wrong with the first key that cannot be read.
pub fn read(bytes: &[u8], password: &Password<'_>) -> Result<Vec<Item>> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| {
        password.problem(&format!("is no JSON: line {}, column {}", error.line(), error.column()))
    })?;
    let keys = match json.get("keys").and_then(Json::as_array) {
        Some(keys) => keys.iter().collect(),
        None if json.get("kty").is_some() => vec![&json],
        None => return Ok(Vec::new()),
    };
    let mut items = Vec::new();
    for (number, json) in keys.iter().enumerate() {
        let key = Key { json, place: format!("key {} of the set", number + 1), password };
        let mut found = key.items()?;
        let name = json.get("kid").and_then(Json::as_str).map(str::to_owned);
        found.iter_mut().for_each(|item| item.name.clone_from(&name));
        items.extend(found);
    }
    Ok(items)
}

struct Key<'a> {
    json: &'a Json,
    place: String,
    password: &'a Password<'a>,
}

impl Key<'_> {
    fn items(&self) -> Result<Vec<Item>> {
        match self.text("kty")? {
            "RSA" => self.rsa(),
            "EC" => self.ec(),
            "OKP" => self.edwards(),
            "oct" => self.secret(),
            other => Err(self.bad(&format!("is of kty {other:?}, which this token has not"))),
        }
    }

    fn rsa(&self) -> Result<Vec<Item>> {
        let (n, e) = (self.bytes("n")?, self.bytes("e")?);
        if self.json.get("d").is_none() {
            return self.public(&spki::rsa(n.expose(), e.expose()));
        }
        if self.json.get("oth").is_some() {
            return Err(self.bad("has more than two primes"));
        }
        let mut attributes = Attributes::default()
            .with(CKA_MODULUS, Value::Bytes(trimmed(&n)))
            .with(CKA_PUBLIC_EXPONENT, Value::Bytes(trimmed(&e)));
        for (name, attribute) in RSA_PARTS {
            if self.json.get(name).is_some() {
                attributes.set(attribute, Value::Secret(trimmed(&self.bytes(name)?).into()));
            }
        }
        self.pair(CKK_RSA, attributes)
    }

    fn ec(&self) -> Result<Vec<Item>> {
        let name = self.text("crv")?;
        let curve = CURVES.iter().find(|(known, _)| *known == name).map(|(_, curve)| *curve);
        let curve =
            curve.ok_or_else(|| self.bad(&format!("is of the curve {name:?}, which JWK has not here")))?;
        let (x, y) = (self.bytes("x")?, self.bytes("y")?);
        let point = [&[4][..], x.expose(), y.expose()].concat();
        match self.json.get("d") {
            None => self.public(&spki::ec(curve, &point)),
            Some(_) => self.pair(
                CKK_EC,
                Attributes::default()
                    .with(CKA_EC_PARAMS, Value::Bytes(curve.params().to_vec()))
                    .with(CKA_EC_POINT, Value::Bytes(point))
                    .with(CKA_VALUE, Value::Secret(self.bytes("d")?)),
            ),
        }
    }

    fn edwards(&self) -> Result<Vec<Item>> {
        let name = self.text("crv")?;
        let known = EDWARDS.iter().find_map(|(family, kind)| {
            let text =
                tokenkeep::crypto::tlv::put(tokenkeep::crypto::tlv::PRINTABLE_STRING, &[name.as_bytes()]);
            Some((edwards::Curve::from_params(*family, text.expose()).ok()?, *kind))
        });
        let (curve, kind) =
            known.ok_or_else(|| self.bad(&format!("is of the curve {name:?}, which JWK has not here")))?;
        let point = self.bytes("x")?;
        match self.json.get("d") {
            None => self.public(&spki::edwards(curve, point.expose())),
            Some(_) => self.pair(
                kind,
                tokenkeep::object::key::edwards::private(curve, self.bytes("d")?, point.expose()),
            ),
        }
    }

    /// A secret key: of AES when `alg` says so, or else of any use.
    fn secret(&self) -> Result<Vec<Item>> {
        let (value, alg) =
            (self.bytes("k")?, self.json.get("alg").and_then(Json::as_str).unwrap_or_default());
        let aes = alg.starts_with('A') && !alg.contains("-HS") && matches!(value.len(), 16 | 24 | 32);
        let kind = if aes { CKK_AES } else { CKK_GENERIC_SECRET };
        self.told(Item::secret(kind, value)).map(|item| vec![item])
    }

    fn public(&self, info: &[u8]) -> Result<Vec<Item>> {
        self.told(Item::public(info)).map(|item| vec![item])
    }

    fn pair(&self, kind: CK_KEY_TYPE, attributes: Attributes) -> Result<Vec<Item>> {
        self.told(Item::pair(kind, attributes))
    }

    fn told<T>(&self, item: std::result::Result<T, tokenkeep::cryptoki::Error>) -> Result<T> {
        told(
            self.password,
            item.map_err(|error| error.rv().because(format!("{}: {}", self.place, error.why()))),
        )
    }

    fn text(&self, name: &str) -> Result<&str> {
        self.json.get(name).and_then(Json::as_str).ok_or_else(|| self.bad(&format!("has no {name:?}")))
    }

    fn bytes(&self, name: &str) -> Result<Secret> {
        let text = self.text(name)?.trim_end_matches('=');
        let bytes = URL_SAFE_NO_PAD.decode(text).map(Secret::from);
        bytes.map_err(|_| self.bad(&format!("has a {name:?} that is no base64url")))
    }

    fn bad(&self, what: &str) -> crate::problem::Problem {
        self.password.problem(&format!("cannot be imported: {} {what}", self.place))
    }
}

fn trimmed(number: &Secret) -> Vec<u8> {
    tokenkeep::crypto::tlv::trim(number.expose()).to_vec()
}
