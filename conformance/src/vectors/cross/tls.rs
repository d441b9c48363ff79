//! TLS 1.0 to 1.2: master secrets, key blocks, exported keys, and the MACs of Finished.

use serde_json::json;
use tests::{Mechanism, Template, ids::*, keys::secret, template};

use super::super::judge::{Judge, Verdict, digits, readable, refused, same};
use super::super::names::mechanism;
use super::data;
use crate::vectors::module::Result;

/// The randoms of client and server, in one piece as their places in it say.
struct Randoms(Vec<u8>);

impl Randoms {
    fn new() -> Randoms {
        Randoms((1..=64).collect())
    }

    fn lend(&mut self) -> CK_SSL3_RANDOM_DATA {
        let (client, server) = self.0.split_at_mut(32);
        CK_SSL3_RANDOM_DATA {
            pClientRandom: client.as_mut_ptr(),
            ulClientRandomLen: 32,
            pServerRandom: server.as_mut_ptr(),
            ulServerRandomLen: 32,
        }
    }

    /// The client's first, as for master secrets, or the server's, as for key blocks.
    fn seed(&self, server_first: bool) -> Vec<u8> {
        let (client, server) = self.0.split_at(32);
        if server_first { [server, client].concat() } else { [client, server].concat() }
    }
}

/// What the PRF of that hash gives; without a hash that of TLS 1.0.
fn prf(
    judge: &mut Judge,
    hash: &str,
    secret: &[u8],
    label: &str,
    seed: &[u8],
    size: usize,
) -> std::result::Result<Vec<u8>, String> {
    let request =
        json!({ "hash": hash, "secret": digits(secret), "label": label, "seed": digits(seed), "size": size });
    judge.peer.bytes("tls_prf", request)
}

/// A pre-master secret of TLS 1.2, and one of a Diffie-Hellman agreement.
fn premaster() -> Vec<u8> {
    [vec![3, 3], data(46)].concat()
}

const HASHES: [(CK_MECHANISM_TYPE, &str); 3] =
    [(CKM_SHA256, "SHA-256"), (CKM_SHA384, "SHA-384"), (CKM_SHA512, "SHA-512")];

pub fn run(judge: &mut Judge) -> Result<()> {
    masters(judge);
    blocks(judge);
    exports(judge);
    macs(judge);
    // NSS's: the data are label and seed, the tag has 12 bytes.
    let general = mechanism("CKM_TLS_PRF_GENERAL").unwrap_or(CK_UNAVAILABLE_INFORMATION);
    judge.cross(general, "of 48 and 100 bytes", |judge| {
        for secret_len in [48, 100] {
            let key = secret(CKK_GENERIC_SECRET, &data(secret_len));
            let ours = judge.with(&key, |session, key| session.sign(general, key, &data(40)));
            let ours = ours.map_err(refused)?;
            same(&ours, &prf(judge, "", &data(secret_len), "", &data(40), ours.len())?)?;
        }
        Ok(())
    });
    Ok(())
}

/// What reads a master secret: class and type, readable.
fn wanted() -> Template {
    readable(CKK_GENERIC_SECRET, 48)
}

fn masters(judge: &mut Judge) {
    for (id, base) in [(CKM_TLS_MASTER_KEY_DERIVE, premaster()), (CKM_TLS_MASTER_KEY_DERIVE_DH, data(128))] {
        judge.cross(id, "TLS 1.0", |judge| {
            let mut randoms = Randoms::new();
            let value = prf(judge, "", &base, "master secret", &randoms.seed(false), 48)?;
            let mut version = CK_VERSION::default();
            let mut params = CK_SSL3_MASTER_KEY_DERIVE_PARAMS {
                RandomInfo: randoms.lend(),
                pVersion: place(id, &mut version),
            };
            master(judge, Mechanism::of(id, &mut params), &base, &value)?;
            right_version(id, version)
        });
    }
    for (hash, name) in HASHES {
        for (id, base) in
            [(CKM_TLS12_MASTER_KEY_DERIVE, premaster()), (CKM_TLS12_MASTER_KEY_DERIVE_DH, data(128))]
        {
            judge.cross(id, name, |judge| {
                let mut randoms = Randoms::new();
                let value = prf(judge, name, &base, "master secret", &randoms.seed(false), 48)?;
                let mut version = CK_VERSION::default();
                let mut params = CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
                    RandomInfo: randoms.lend(),
                    pVersion: place(id, &mut version),
                    prfHashMechanism: hash,
                };
                master(judge, Mechanism::of(id, &mut params), &base, &value)?;
                right_version(id, version)
            });
        }
        for (id, base) in [
            (CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, premaster()),
            (CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, data(128)),
        ] {
            judge.cross(id, name, |judge| {
                let mut session = data(32);
                let value = prf(judge, name, &base, "extended master secret", &session, 48)?;
                let mut version = CK_VERSION::default();
                let mut params = CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
                    prfHashMechanism: hash,
                    pSessionHash: session.as_mut_ptr(),
                    ulSessionHashLen: 32,
                    pVersion: place(id, &mut version),
                };
                master(judge, Mechanism::of(id, &mut params), &base, &value)?;
                right_version(id, version)
            });
        }
    }
}

/// A secret of an agreement has no version in it.
fn is_agreed(id: CK_MECHANISM_TYPE) -> bool {
    matches!(
        id,
        CKM_TLS_MASTER_KEY_DERIVE_DH
            | CKM_TLS12_MASTER_KEY_DERIVE_DH
            | CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH
    )
}

fn place(id: CK_MECHANISM_TYPE, version: &mut CK_VERSION) -> *mut CK_VERSION {
    if is_agreed(id) { std::ptr::null_mut() } else { version }
}

fn right_version(id: CK_MECHANISM_TYPE, version: CK_VERSION) -> Verdict {
    match (version.major, version.minor) {
        (3, 3) => Ok(()),
        _ if is_agreed(id) => Ok(()),
        other => Err(format!("the version {other:?} instead of (3, 3)")),
    }
}

fn master(judge: &mut Judge, mechanism: Mechanism, base: &[u8], value: &[u8]) -> Verdict {
    judge.derived(mechanism, &secret(CKK_GENERIC_SECRET, base), &wanted(), value)
}

/// Two MAC keys, two cipher keys and two IVs, in that order of the key block.
fn blocks(judge: &mut Judge) {
    for (hash, name) in HASHES {
        judge.cross(CKM_TLS12_KEY_AND_MAC_DERIVE, name, |judge| {
            block(judge, CKM_TLS12_KEY_AND_MAC_DERIVE, hash, name, true)
        });
        judge.cross(CKM_TLS12_KEY_SAFE_DERIVE, name, |judge| {
            block(judge, CKM_TLS12_KEY_SAFE_DERIVE, hash, name, false)
        });
    }
    judge.cross(CKM_TLS_KEY_AND_MAC_DERIVE, "TLS 1.0", |judge| {
        block(judge, CKM_TLS_KEY_AND_MAC_DERIVE, CKM_TLS_PRF, "", true)
    });
}

fn block(
    judge: &mut Judge,
    id: CK_MECHANISM_TYPE,
    hash: CK_MECHANISM_TYPE,
    name: &str,
    ivs: bool,
) -> Verdict {
    const MAC: usize = 20;
    const KEY: usize = 16;
    const IV: usize = 16;
    let mut randoms = Randoms::new();
    let value = prf(judge, name, &data(48), "key expansion", &randoms.seed(true), 2 * (MAC + KEY + IV))?;
    let (mut client, mut server) = ([0u8; IV], [0u8; IV]);
    let mut out = CK_SSL3_KEY_MAT_OUT {
        hClientMacSecret: 0,
        hServerMacSecret: 0,
        hClientKey: 0,
        hServerKey: 0,
        pIVClient: client.as_mut_ptr(),
        pIVServer: server.as_mut_ptr(),
    };
    let bits = |bytes: usize| 8 * bytes as CK_ULONG;
    let mut old = CK_SSL3_KEY_MAT_PARAMS {
        ulMacSizeInBits: bits(MAC),
        ulKeySizeInBits: bits(KEY),
        ulIVSizeInBits: bits(IV),
        bIsExport: CK_FALSE,
        RandomInfo: randoms.lend(),
        pReturnedKeyMaterial: &raw mut out,
    };
    let mut new = CK_TLS12_KEY_MAT_PARAMS {
        ulMacSizeInBits: bits(MAC),
        ulKeySizeInBits: bits(KEY),
        ulIVSizeInBits: bits(IV),
        bIsExport: CK_FALSE,
        RandomInfo: randoms.lend(),
        pReturnedKeyMaterial: &raw mut out,
        prfHashMechanism: hash,
    };
    let mechanism = match id {
        CKM_TLS_KEY_AND_MAC_DERIVE => Mechanism::of(id, &mut old),
        _ => Mechanism::of(id, &mut new),
    };
    let wanted = template![
        CKA_CLASS => CKO_SECRET_KEY, CKA_KEY_TYPE => CKK_AES, CKA_TOKEN => false,
        CKA_SENSITIVE => false, CKA_EXTRACTABLE => true,
    ];
    judge
        .with(&secret(CKK_GENERIC_SECRET, &data(48)), |session, base| {
            session.derive_without_handle(mechanism, base, &wanted)
        })
        .map_err(refused)?;
    let mut ours = Vec::new();
    for key in [out.hClientMacSecret, out.hServerMacSecret, out.hClientKey, out.hServerKey] {
        ours.extend(judge.take(key).map_err(refused)?);
    }
    // KEY_SAFE gives no IVs (§6.40.8).
    if ivs {
        ours.extend(client.into_iter().chain(server));
    }
    same(&ours, &value[..ours.len()])
}

/// RFC 5705: a label, both randoms, and a context with its length before it.
fn exports(judge: &mut Judge) {
    for (id, hash, name) in [
        (CKM_TLS12_KDF, CKM_SHA256, "SHA-256"),
        (CKM_TLS12_KDF, CKM_SHA384, "SHA-384"),
        (CKM_TLS_KDF, CKM_TLS_PRF, ""),
    ] {
        for context in [0, 10] {
            judge.cross(id, &format!("{name}, {context} bytes of context"), |judge| {
                let (mut randoms, mut label, mut more) =
                    (Randoms::new(), b"EXPORTER test".to_vec(), data(context));
                let tail = match context {
                    0 => Vec::new(),
                    len => [&(len as u16).to_be_bytes()[..], &more].concat(),
                };
                let seed = [randoms.seed(false), tail].concat();
                let value = prf(judge, name, &data(48), "EXPORTER test", &seed, 40)?;
                let mut params = CK_TLS_KDF_PARAMS {
                    prfMechanism: hash,
                    pLabel: label.as_mut_ptr(),
                    ulLabelLength: label.len() as CK_ULONG,
                    RandomInfo: randoms.lend(),
                    pContextData: if more.is_empty() { std::ptr::null_mut() } else { more.as_mut_ptr() },
                    ulContextDataLength: more.len() as CK_ULONG,
                };
                let wanted = readable(CKK_GENERIC_SECRET, 40);
                let base = secret(CKK_GENERIC_SECRET, &data(48));
                judge.derived(Mechanism::of(id, &mut params), &base, &wanted, &value)
            });
        }
    }
}

/// The verify_data of both Finished messages.
fn macs(judge: &mut Judge) {
    for (id, hash, name) in [
        (CKM_TLS12_MAC, CKM_SHA256, "SHA-256"),
        (CKM_TLS12_MAC, CKM_SHA384, "SHA-384"),
        (CKM_TLS_MAC, CKM_TLS_PRF, ""),
    ] {
        for (side, label) in [(1, "server finished"), (2, "client finished")] {
            judge.cross(id, &format!("{name}, {label}"), |judge| {
                let value = prf(judge, name, &data(48), label, &data(36), 12)?;
                let mut params =
                    CK_TLS_MAC_PARAMS { prfHashMechanism: hash, ulMacLength: 12, ulServerOrClient: side };
                let ours = judge.with(&secret(CKK_GENERIC_SECRET, &data(48)), |session, key| {
                    let mechanism = Mechanism::of(id, &mut params);
                    session.verify(mechanism.clone(), key, &data(36), &value)?;
                    session.sign(mechanism, key, &data(36))
                });
                same(&ours.map_err(refused)?, &value)
            });
        }
    }
}
