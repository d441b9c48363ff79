//! The key of a token that signs, by the algorithm that X.509 names for it.

use clap::{ArgGroup, Args, ValueEnum};
use tokenkeep::api::{Call, Kind};
use tokenkeep::crypto::{ec, edwards, pq, tlv};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Reply, Room, Secret};
use tokenkeep::mechanism::{Choice, Params};
use tokenkeep::object::{Given, Template, Value};

use crate::commands::import::public;
use crate::commands::key;
use crate::commands::objects::{bytes, flag, number};
use crate::problem::{Problem, Result};

/// Which key of the token, and how it signs.
#[derive(Args)]
#[command(group = ArgGroup::new("named").args(["label", "id"]).required(true).multiple(true))]
pub struct Which {
    /// The key's label
    #[arg(long, short)]
    pub label: Option<String>,

    /// The key's ID
    #[arg(long, value_name = "HEX")]
    pub id: Option<String>,

    /// The hash of RSA and ECDSA signatures [default: as strong as the key]
    #[arg(long, value_name = "HASH")]
    hash: Option<Hash>,

    /// Sign by RSASSA-PSS
    #[arg(long)]
    pss: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A hash with what goes with it: its own OID, the last arcs of sha…WithRSAEncryption and ecdsa-with-SHA…, and mechanisms.
struct Row {
    hash: Hash,
    /// 2.16.840.1.101.3.4.2.`arc`
    arc: u8,
    size: usize,
    names: [&'static str; 3],
    rsa: (u8, CK_MECHANISM_TYPE),
    pss: (CK_MECHANISM_TYPE, CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE),
    ecdsa: (u8, CK_MECHANISM_TYPE),
}

#[rustfmt::skip]
const ROWS: [Row; 3] = [
    Row { hash: Hash::Sha256, arc: 1, size: 32, names: ["sha256WithRSAEncryption", "RSASSA-PSS with SHA-256", "ecdsa-with-SHA256"], rsa: (11, CKM_SHA256_RSA_PKCS),
          pss: (CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256), ecdsa: (2, CKM_ECDSA_SHA256) },
    Row { hash: Hash::Sha384, arc: 2, size: 48, names: ["sha384WithRSAEncryption", "RSASSA-PSS with SHA-384", "ecdsa-with-SHA384"], rsa: (12, CKM_SHA384_RSA_PKCS),
          pss: (CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384), ecdsa: (3, CKM_ECDSA_SHA384) },
    Row { hash: Hash::Sha512, arc: 3, size: 64, names: ["sha512WithRSAEncryption", "RSASSA-PSS with SHA-512", "ecdsa-with-SHA512"], rsa: (13, CKM_SHA512_RSA_PKCS),
          pss: (CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512), ecdsa: (4, CKM_ECDSA_SHA512) },
];

/// A private key, ready to sign.
pub struct Signer {
    pub handle: u64,
    /// SubjectPublicKeyInfo.
    pub info: Vec<u8>,
    /// AlgorithmIdentifier of the signatures.
    pub algorithm: Vec<u8>,
    pub name: &'static str,
    choice: Choice,
    /// Whether signatures are r and s, and X.509 wants them in a SEQUENCE.
    pair: bool,
    /// Whether each use needs the PIN again.
    always: bool,
}

impl Which {
    /// The only private key of that label and ID.
    ///
    /// # Errors
    /// There is none, or several; one that cannot sign certificates.
    pub fn key(&self, call: &Call<'_>) -> Result<Signer> {
        let mut named: Template = vec![(CKA_CLASS, Value::Ulong(CKO_PRIVATE_KEY).to_given())];
        if let Some(label) = &self.label {
            named.push((CKA_LABEL, Given::Bytes(label.as_bytes().into())));
        }
        if let Some(hex) = &self.id {
            named.push((CKA_ID, Given::Bytes(key::id(hex)?.into())));
        }
        call.find_init(&named)?;
        let found = call.find(usize::MAX)?;
        call.find_final()?;
        let advise =
            |problem: Problem| problem.advise("`tokentool objects --login`, and then --label and --id");
        match found[..] {
            [handle] => self.signer(call, handle),
            [] => Err(advise(Problem::new("no private key has that label and ID"))),
            _ => Err(advise(Problem::new(format!("{} private keys have that label and ID", found.len())))),
        }
    }

    fn signer(&self, call: &Call<'_>, handle: u64) -> Result<Signer> {
        let kind = number(call, handle, CKA_KEY_TYPE)?;
        let info = bytes(call, handle, CKA_PUBLIC_KEY_INFO)?;
        let unfit = || {
            Problem::new("keys of this type do not sign certificates")
                .advise("an RSA, EC, Ed25519, Ed448, ML-DSA or SLH-DSA key")
        };
        let (oid, parameters, _) = public::outline(&info).ok_or_else(unfit)?;
        if self.pss && kind != Some(CKK_RSA) {
            return Err(Problem::new("--pss is for RSA keys").advise("the command without --pss"));
        }
        let row =
            |default| ROWS.iter().find(|row| row.hash == self.hash.unwrap_or(default)).unwrap_or(&ROWS[0]);
        let none = |id| Choice { id, params: Params::None };
        let mut pair = false;
        let (algorithm, name, choice) = match kind {
            Some(CKK_RSA) if self.pss => {
                let row = row(Hash::Sha256);
                let (id, hash, mgf) = row.pss;
                let params = Params::Pss { hash, mgf, salt: row.size };
                (pss(row), row.names[1], Choice { id, params })
            }
            Some(CKK_RSA) => {
                let row = row(Hash::Sha256);
                let oid = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, row.rsa.0];
                (identifier(&[&oid, &[tlv::NULL, 0]]), row.names[0], none(row.rsa.1))
            }
            Some(CKK_EC) => {
                let bits = ec::Curve::from_params(parameters)?.bits();
                let row = row(match bits {
                    0..=256 => Hash::Sha256,
                    257..=384 => Hash::Sha384,
                    _ => Hash::Sha512,
                });
                pair = true;
                let oid = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, row.ecdsa.0];
                (identifier(&[&oid]), row.names[2], none(row.ecdsa.1))
            }
            _ => match (public::curve(oid), public::set(oid)) {
                (Some((curve @ (edwards::Curve::Ed25519 | edwards::Curve::Ed448), _)), _) => {
                    (identifier(&[oid]), curve.name(), none(CKM_EDDSA))
                }
                (_, Some((set, _))) if set.family() == pq::Family::MlDsa => {
                    (identifier(&[oid]), set.name(), none(CKM_ML_DSA))
                }
                (_, Some((set, _))) if set.family() == pq::Family::SlhDsa => {
                    (identifier(&[oid]), set.name(), none(CKM_SLH_DSA))
                }
                _ => return Err(unfit()),
            },
        };
        let always = flag(call, handle, CKA_ALWAYS_AUTHENTICATE)?;
        Ok(Signer { handle, algorithm, name, choice, pair, always, info })
    }
}

impl Signer {
    /// The signature of these bytes, as X.509 has it in its BIT STRING.
    ///
    /// # Errors
    /// The key may not sign, or the mechanism is not allowed to it.
    pub fn sign(&self, call: &Call<'_>, pin: &Secret, data: &[u8]) -> Result<Vec<u8>> {
        /// More than the longest signature of SLH-DSA.
        const ROOM: usize = 65_536;
        call.begin(Kind::Sign, &self.choice, Some(self.handle))?;
        if self.always {
            call.login(CKU_CONTEXT_SPECIFIC, Some(pin))?;
        }
        let signature = match call.single(Kind::Sign, data, Room::Of(ROOM))? {
            Reply::Data(signature) => signature.expose().to_vec(),
            _ => return Err(Problem::new("the signature is longer than any that is known")),
        };
        if !self.pair {
            return Ok(signature);
        }
        let (r, s) = signature.split_at(signature.len() / 2);
        let (r, s) = (tlv::put_number(r), tlv::put_number(s));
        Ok(tlv::put(tlv::SEQUENCE, &[r.expose(), s.expose()]).expose().to_vec())
    }

    /// What was signed, the algorithm and the signature, as one SEQUENCE.
    ///
    /// # Errors
    /// As [`Signer::sign`].
    pub fn signed(&self, call: &Call<'_>, pin: &Secret, body: &[u8]) -> Result<Vec<u8>> {
        let signature = self.sign(call, pin, body)?;
        let bits = tlv::put(tlv::BIT_STRING, &[&[0], &signature]);
        Ok(tlv::put(tlv::SEQUENCE, &[body, &self.algorithm, bits.expose()]).expose().to_vec())
    }
}

fn identifier(parts: &[&[u8]]) -> Vec<u8> {
    tlv::put(tlv::SEQUENCE, parts).expose().to_vec()
}

/// id-RSASSA-PSS with its parameters (RFC 4055 §3.1).
fn pss(row: &Row) -> Vec<u8> {
    const PSS: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    const MGF1: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
    let hash = identifier(&[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, row.arc], &[tlv::NULL, 0]]);
    let tagged = |tag, value: &[u8]| tlv::put(tlv::context(tag), &[value]).expose().to_vec();
    let salt = tlv::put_number(&[row.size as u8]);
    let parameters = [tagged(0, &hash), tagged(1, &identifier(&[&MGF1, &hash])), tagged(2, salt.expose())];
    identifier(&[&PSS, &identifier(&[&parameters.concat()])])
}
