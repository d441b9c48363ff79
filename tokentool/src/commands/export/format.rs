//! How public keys and certificates are written.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value as Json, json};
use tokenkeep::crypto::edwards::Curve;
use tokenkeep::crypto::{ec, spki};

use super::{Format, Public};
use crate::commands::import::{jwk, public};
use crate::problem::{Problem, Result};

/// Everything as one file, and each object as text.
pub fn write(format: Format, keys: bool, found: &[Public]) -> Result<(Vec<u8>, Vec<String>)> {
    let each: Vec<String> = match format {
        Format::Pem => {
            let tag = if keys { "PUBLIC KEY" } else { "CERTIFICATE" };
            let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
            let block = |found: &Public| pem::encode_config(&pem::Pem::new(tag, &found.der[..]), config);
            found.iter().map(block).collect()
        }
        Format::Der => {
            let whole = found.iter().flat_map(|found| found.der.clone()).collect();
            return Ok((whole, Vec::new()));
        }
        Format::Ssh => found.iter().map(ssh).collect::<Result<_>>()?,
        Format::Jwk => {
            let keys = found.iter().map(jwk).collect::<Result<Vec<Json>>>()?;
            let whole = match &keys[..] {
                [key] => format!("{key:#}\n"),
                keys => format!("{:#}\n", json!({ "keys": keys })),
            };
            return Ok((whole.into_bytes(), keys.iter().map(Json::to_string).collect()));
        }
    };
    Ok((each.concat().into_bytes(), each))
}

fn no_such(found: &Public, format: &str) -> Problem {
    Problem::new(format!("{format} has no keys of the type of {:?}", found.label))
        .advise("--label or --id of another key, or --format pem")
}

/// Curve25519 or Curve448, and the public value.
fn edwards(found: &Public) -> Option<(Curve, &[u8])> {
    let (oid, _, point) = public::outline(&found.der)?;
    public::curve(oid).map(|(curve, _)| (curve, point))
}

/// RFC 7517, RFC 7518 §6, RFC 8037 §2.
fn jwk(found: &Public) -> Result<Json> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let mut key = match (spki::read(&found.der), edwards(found)) {
        (Ok(spki::PublicKeyInfo::Rsa { modulus, public_exponent }), _) => {
            json!({ "kty": "RSA", "n": text(&modulus), "e": text(&public_exponent) })
        }
        (Ok(spki::PublicKeyInfo::Ec { curve, point }), _) => {
            let name = jwk::CURVES.iter().find(|(_, known)| *known == curve).map(|(name, _)| *name);
            let name = name.ok_or_else(|| no_such(found, "JWK"))?;
            let (x, y) = point[1..].split_at(curve.size());
            json!({ "kty": "EC", "crv": name, "x": text(x), "y": text(y) })
        }
        (Err(_), Some((curve, point))) => {
            let name = match curve {
                Curve::Ed25519 => "Ed25519",
                Curve::Ed448 => "Ed448",
                Curve::X25519 => "X25519",
                Curve::X448 => "X448",
            };
            json!({ "kty": "OKP", "crv": name, "x": text(point) })
        }
        (Err(_), None) => return Err(no_such(found, "JWK")),
    };
    if !found.label.is_empty() {
        key["kid"] = json!(found.label);
    }
    Ok(key)
}

/// The curves of SSH (RFC 5656 §10.1).
const SSH_CURVES: [(ec::Curve, &str); 3] =
    [(ec::Curve::P256, "nistp256"), (ec::Curve::P384, "nistp384"), (ec::Curve::P521, "nistp521")];

/// A line of authorized_keys (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4), with the label as its comment.
fn ssh(found: &Public) -> Result<String> {
    let none = || no_such(found, "SSH");
    let (name, parts) = match (spki::read(&found.der), edwards(found)) {
        (Ok(spki::PublicKeyInfo::Rsa { modulus, public_exponent }), _) => {
            ("ssh-rsa".to_owned(), vec![number(public_exponent), number(modulus)])
        }
        (Ok(spki::PublicKeyInfo::Ec { curve, point }), _) => {
            let name = SSH_CURVES.iter().find(|(known, _)| *known == curve).ok_or_else(none)?.1;
            (format!("ecdsa-sha2-{name}"), vec![name.as_bytes().to_vec(), point])
        }
        (Err(_), Some((Curve::Ed25519, point))) => ("ssh-ed25519".to_owned(), vec![point.to_vec()]),
        _ => return Err(none()),
    };
    let parts = [vec![name.clone().into_bytes()], parts].concat();
    let blob: Vec<u8> =
        parts.iter().flat_map(|part| [&(part.len() as u32).to_be_bytes()[..], part].concat()).collect();
    let comment = found.label.replace(char::is_whitespace, "_");
    Ok(format!("{name} {} {comment}", STANDARD.encode(blob)).trim_end().to_owned() + "\n")
}

/// A positive mpint (RFC 4251 §5).
fn number(bytes: Vec<u8>) -> Vec<u8> {
    match bytes.first() {
        Some(first) if *first >= 0x80 => [&[0][..], &bytes].concat(),
        _ => bytes,
    }
}
