//! DSA and Diffie-Hellman: signatures, agreement, key pairs, domain parameters.

use serde_json::{Value, json};
use tests::{Mechanism, Template, ids::*, template};

use super::super::judge::{Judge, Verdict, digits, readable, refused, same};
use super::super::keys::{dsa_private, dsa_public, number};
use super::super::names;
use super::{both_ways, data};
use crate::vectors::module::Result;

const SIGNS: &[(&str, CK_MECHANISM_TYPE)] = &[
    ("SHA-1", CKM_DSA_SHA1),
    ("SHA-224", CKM_DSA_SHA224),
    ("SHA-256", CKM_DSA_SHA256),
    ("SHA-384", CKM_DSA_SHA384),
    ("SHA-512", CKM_DSA_SHA512),
];

/// The group 14 of RFC 3526 §3, with the generator 2.
const MODP_2048: &str = "\
    ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd\
    ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed\
    ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f\
    83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b\
    e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510\
    15728e5a8aacaa68ffffffffffffffff";

pub fn run(judge: &mut Judge) -> Result<()> {
    if judge.has(CKM_DSA) {
        let numbers = judge.peer.ask("dsa_key", json!({ "bits": 2048 }))?;
        let made = |template: Template| judge.session().create(&template).map_err(refused);
        let handles = (made(dsa_public(&numbers))?, made(dsa_private(&numbers))?);
        signatures(judge, &numbers, handles);
        dsa_pair(judge, &numbers);
    }
    judge.cross(CKM_DSA_PARAMETER_GEN, "1024 and 160 bits", |judge| dsa_group(judge, 1024, 160));
    judge.cross(CKM_DH_PKCS_PARAMETER_GEN, "2048 bits", |judge| {
        let session = judge.session();
        let group = session
            .generate(
                CKM_DH_PKCS_PARAMETER_GEN,
                &template![CKA_PRIME_BITS => 2048 as CK_ULONG, CKA_TOKEN => false],
            )
            .map_err(refused)?;
        let get = |attribute| session.get(group, attribute).map_err(refused).map(|number| digits(&number));
        let request = json!({ "p": get(CKA_PRIME)?, "g": get(CKA_BASE)?, "bits": 2048 });
        judge.peer.agrees("dh_group", request)
    });
    judge.cross(CKM_DH_PKCS_KEY_PAIR_GEN, "group 14", dh_pair);
    judge.cross(CKM_DH_PKCS_DERIVE, "group 14", |judge| dh(judge, 256));
    judge.cross(CKM_DH_PKCS_DERIVE, "the last 32 bytes", |judge| dh(judge, 32));
    Ok(())
}

fn signatures(judge: &mut Judge, numbers: &Value, handles: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)) {
    for (name, id) in SIGNS {
        judge.cross(*id, name, |judge| signed(judge, *id, numbers, handles, name, &data(100), false));
        judge.cross(CKM_DSA, &format!("a digest of {name}"), |judge| {
            let digest = data(names::hash(name).map_or(0, |hash| hash.len));
            signed(judge, CKM_DSA, numbers, handles, name, &digest, true)
        });
    }
}

fn signed(
    judge: &mut Judge,
    id: CK_MECHANISM_TYPE,
    numbers: &Value,
    handles: (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    hash: &str,
    message: &[u8],
    digested: bool,
) -> Verdict {
    let request = json!({ "key": numbers, "hash": hash, "data": digits(message), "digested": digested });
    let mut check = request.clone();
    both_ways(
        judge,
        &id.into(),
        handles,
        message,
        |judge, signature| {
            check["signature"] = json!(digits(signature));
            judge.peer.agrees("dsa_verify", check)
        },
        |judge| judge.peer.bytes("dsa_sign", request),
    )
}

fn dsa_pair(judge: &mut Judge, numbers: &Value) {
    judge.cross(CKM_DSA_KEY_PAIR_GEN, "in a group of 2048 bits", |judge| {
        let [p, q, g] = ["p", "q", "g"].map(|name| number(&numbers[name]));
        let group = template![CKA_PRIME => p, CKA_SUBPRIME => q, CKA_BASE => g];
        let (public, private) = judge.pair(CKM_DSA_KEY_PAIR_GEN, &group).map_err(refused)?;
        let mut own = numbers.clone();
        own["y"] = json!(digits(&judge.session().get(public, CKA_VALUE).map_err(refused)?));
        own["x"] = json!(digits(&judge.session().get(private, CKA_VALUE).map_err(refused)?));
        signed(judge, CKM_DSA_SHA256, &own, (public, private), "SHA-256", &data(100), false)
    });
}

fn dsa_group(judge: &mut Judge, bits: CK_ULONG, sub_bits: CK_ULONG) -> Verdict {
    let wanted = template![CKA_PRIME_BITS => bits, CKA_SUBPRIME_BITS => sub_bits, CKA_TOKEN => false];
    let session = judge.session();
    let group = session.generate(CKM_DSA_PARAMETER_GEN, &wanted).map_err(refused)?;
    let get = |attribute| session.get(group, attribute).map_err(refused).map(|number| digits(&number));
    let request = json!({
        "p": get(CKA_PRIME)?, "q": get(CKA_SUBPRIME)?, "g": get(CKA_BASE)?, "bits": bits, "sub_bits": sub_bits,
    });
    judge.peer.agrees("dsa_group", request)
}

fn group() -> Template {
    template![CKA_PRIME => tests::keys::hex(MODP_2048), CKA_BASE => &[2u8]]
}

fn pair(judge: &Judge) -> std::result::Result<(CK_OBJECT_HANDLE, Vec<u8>, Vec<u8>), String> {
    let (public, private) = judge.pair(CKM_DH_PKCS_KEY_PAIR_GEN, &group()).map_err(refused)?;
    let get = |key| judge.session().get(key, CKA_VALUE).map_err(refused);
    Ok((private, get(private)?, get(public)?))
}

/// The public value is the generator to the power of the private one.
fn dh_pair(judge: &mut Judge) -> Verdict {
    let (_, value, public) = pair(judge)?;
    let request = json!({ "p": MODP_2048, "base": "02", "exponent": digits(&value) });
    let wanted = judge.peer.bytes("dh_power", request)?;
    same(&[vec![0; wanted.len().saturating_sub(public.len())], public].concat(), &wanted)
}

fn dh(judge: &mut Judge, len: usize) -> Verdict {
    let (private, value, _) = pair(judge)?;
    let theirs = judge.peer.ask("dh_key", json!({ "p": MODP_2048, "g": "02" }))?;
    let request = json!({ "p": MODP_2048, "base": theirs["y"], "exponent": digits(&value) });
    let wanted = judge.peer.bytes("dh_power", request)?;
    let mechanism = Mechanism::bytes(CKM_DH_PKCS_DERIVE, &number(&theirs["y"]));
    let key =
        judge.session().derive(mechanism, private, &readable(CKK_GENERIC_SECRET, len)).map_err(refused)?;
    same(&judge.take(key).map_err(refused)?, &wanted[wanted.len() - len..])
}
