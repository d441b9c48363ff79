//! Block ciphers in all their modes, their MACs, keys from encrypted data, key wrapping, ChaCha20 and Poly1305.

use serde_json::{Value, json};
use tests::{Mechanism, ids::*, keys::secret};

use super::super::judge::{Judge, Verdict, digits, readable, refused, same};
use super::{data, spoiled};
use crate::vectors::module::Result;

/// A mode of a cipher: its mechanism, what the peer calls it, the lengths of keys, of the IV, and of data.
struct Mode {
    id: CK_MECHANISM_TYPE,
    name: &'static str,
    /// Bits of a segment of CFB.
    bits: usize,
    keys: Keys,
    iv: usize,
    lengths: &'static [usize],
}

/// Types of keys with their lengths.
type Keys = &'static [(CK_KEY_TYPE, usize)];

const AES: Keys = &[(CKK_AES, 16), (CKK_AES, 24), (CKK_AES, 32)];
const XTS: Keys = &[(CKK_AES_XTS, 32), (CKK_AES_XTS, 64)];
const DES: Keys = &[(CKK_DES, 8)];
const DES3: Keys = &[(CKK_DES2, 16), (CKK_DES3, 24)];

const ANY: &[usize] = &[1, 15, 16, 17, 33, 100];
const WHOLE: &[usize] = &[16, 32, 160];
const BLOCK: &[usize] = &[16, 17, 31, 32, 33, 100];

#[rustfmt::skip]
const MODES: &[Mode] = &[
    Mode { id: CKM_AES_ECB,      name: "ECB",     bits: 0,   keys: AES,  iv: 0,  lengths: WHOLE },
    Mode { id: CKM_AES_CBC,      name: "CBC",     bits: 0,   keys: AES,  iv: 16, lengths: WHOLE },
    Mode { id: CKM_AES_CBC_PAD,  name: "CBC_PAD", bits: 0,   keys: AES,  iv: 16, lengths: ANY },
    Mode { id: CKM_AES_CFB1,     name: "CFB",     bits: 1,   keys: AES,  iv: 16, lengths: &[1, 2, 20] },
    Mode { id: CKM_AES_CFB8,     name: "CFB",     bits: 8,   keys: AES,  iv: 16, lengths: ANY },
    Mode { id: CKM_AES_CFB64,    name: "CFB",     bits: 64,  keys: AES,  iv: 16, lengths: ANY },
    Mode { id: CKM_AES_CFB128,   name: "CFB",     bits: 128, keys: AES,  iv: 16, lengths: ANY },
    Mode { id: CKM_AES_OFB,      name: "OFB",     bits: 0,   keys: AES,  iv: 16, lengths: ANY },
    Mode { id: CKM_AES_CTS,      name: "CTS",     bits: 0,   keys: AES,  iv: 16, lengths: BLOCK },
    Mode { id: CKM_AES_XTS,      name: "XTS",     bits: 0,   keys: XTS,  iv: 16, lengths: BLOCK },
    Mode { id: CKM_DES_ECB,      name: "ECB",     bits: 0,   keys: DES,  iv: 0,  lengths: WHOLE },
    Mode { id: CKM_DES_CBC,      name: "CBC",     bits: 0,   keys: DES,  iv: 8,  lengths: WHOLE },
    Mode { id: CKM_DES_CBC_PAD,  name: "CBC_PAD", bits: 0,   keys: DES,  iv: 8,  lengths: ANY },
    Mode { id: CKM_DES3_ECB,     name: "ECB",     bits: 0,   keys: DES3, iv: 0,  lengths: WHOLE },
    Mode { id: CKM_DES3_CBC,     name: "CBC",     bits: 0,   keys: DES3, iv: 8,  lengths: WHOLE },
    Mode { id: CKM_DES3_CBC_PAD, name: "CBC_PAD", bits: 0,   keys: DES3, iv: 8,  lengths: ANY },
];

/// A MAC: with the length it has without a parameter, or with one.
struct Mac {
    id: CK_MECHANISM_TYPE,
    work: &'static str,
    keys: Keys,
    lengths: &'static [usize],
    general: bool,
}

#[rustfmt::skip]
const MACS: &[Mac] = &[
    Mac { id: CKM_AES_CMAC,          work: "cmac",    keys: AES,  lengths: &[16],    general: false },
    Mac { id: CKM_AES_CMAC_GENERAL,  work: "cmac",    keys: AES,  lengths: &[1, 8, 16], general: true },
    Mac { id: CKM_AES_MAC,           work: "cbc_mac", keys: AES,  lengths: &[8],     general: false },
    Mac { id: CKM_AES_MAC_GENERAL,   work: "cbc_mac", keys: AES,  lengths: &[1, 16], general: true },
    Mac { id: CKM_DES_MAC,           work: "cbc_mac", keys: DES,  lengths: &[4],     general: false },
    Mac { id: CKM_DES_MAC_GENERAL,   work: "cbc_mac", keys: DES,  lengths: &[1, 8],  general: true },
    Mac { id: CKM_DES3_MAC,          work: "cbc_mac", keys: DES3, lengths: &[4],     general: false },
    Mac { id: CKM_DES3_MAC_GENERAL,  work: "cbc_mac", keys: DES3, lengths: &[1, 8],  general: true },
    Mac { id: CKM_DES3_CMAC,         work: "cmac",    keys: DES3, lengths: &[8],     general: false },
    Mac { id: CKM_DES3_CMAC_GENERAL, work: "cmac",    keys: DES3, lengths: &[1, 8],  general: true },
];

/// The key generation of each type, and a mechanism that shows the key.
#[rustfmt::skip]
const MAKERS: &[(CK_MECHANISM_TYPE, Keys, CK_MECHANISM_TYPE)] = &[
    (CKM_AES_KEY_GEN, AES, CKM_AES_ECB),
    (CKM_AES_XTS_KEY_GEN, XTS, CKM_AES_XTS),
    (CKM_DES_KEY_GEN, DES, CKM_DES_ECB),
    (CKM_DES2_KEY_GEN, &[(CKK_DES2, 16)], CKM_DES3_ECB),
    (CKM_DES3_KEY_GEN, &[(CKK_DES3, 24)], CKM_DES3_ECB),
];

pub fn run(judge: &mut Judge) -> Result<()> {
    MODES.iter().for_each(|mode| ciphers(judge, mode));
    MACS.iter().for_each(|mac| macs(judge, mac));
    counters(judge);
    encrypted_data(judge);
    wraps(judge);
    chacha(judge);
    for (maker, keys, shown) in MAKERS {
        let mode = MODES.iter().find(|mode| mode.id == *shown);
        for ((kind, len), mode) in keys.iter().zip(mode.iter().cycle()) {
            judge.generated(*maker, *kind, *len, |judge, key, value| {
                let ours = judge.session().encrypt(mode.mechanism(), key, &data(32)).map_err(refused)?;
                same(&ours, &judge.peer.bytes("encrypt", mode.request(*kind, value, 32))?)
            });
        }
    }
    Ok(())
}

fn algorithm(kind: CK_KEY_TYPE) -> &'static str {
    if matches!(kind, CKK_AES | CKK_AES_XTS) { "AES" } else { "DES" }
}

/// The parity of DES keys does not matter to the peer; our token wants none either.
fn key(len: usize) -> Vec<u8> {
    data(len)
}

impl Mode {
    fn mechanism(&self) -> Mechanism {
        match self.iv {
            0 => self.id.into(),
            len => Mechanism::bytes(self.id, &data(len)),
        }
    }

    fn request(&self, kind: CK_KEY_TYPE, key: &[u8], len: usize) -> Value {
        json!({
            "algorithm": algorithm(kind), "mode": self.name, "bits": self.bits,
            "key": digits(key), "iv": digits(&data(self.iv)), "data": digits(&data(len)),
        })
    }
}

fn ciphers(judge: &mut Judge, mode: &Mode) {
    for (kind, size) in mode.keys {
        for len in mode.lengths {
            judge.cross(mode.id, &format!("{len} bytes, a key of {size}"), |judge| {
                let theirs = judge.peer.bytes("encrypt", mode.request(*kind, &key(*size), *len))?;
                there_and_back(judge, &secret(*kind, &key(*size)), mode.mechanism(), *len, &theirs)
            });
        }
    }
}

fn there_and_back(
    judge: &Judge,
    template: &tests::Template,
    mechanism: Mechanism,
    len: usize,
    theirs: &[u8],
) -> Verdict {
    let (ours, back) = judge
        .with(template, |session, key| {
            let ours = session.encrypt(mechanism.clone(), key, &data(len))?;
            Ok((ours, session.decrypt(mechanism, key, theirs)?))
        })
        .map_err(refused)?;
    same(&ours, theirs).and(same(&back, &data(len)))
}

/// Counters of any width, over their end.
fn counters(judge: &mut Judge) {
    for bits in [1, 7, 8, 32, 64, 127, 128] {
        judge.cross(CKM_AES_CTR, &format!("a counter of {bits} bits"), |judge| {
            let len = if bits == 1 { 32 } else { 100 };
            let start = [0xff; 16];
            let theirs = judge.peer.bytes(
                "encrypt",
                json!({
                    "algorithm": "AES", "mode": "CTR", "bits": bits,
                    "key": digits(&key(16)), "iv": digits(&start), "data": digits(&data(len)),
                }),
            )?;
            there_and_back(judge, &secret(CKK_AES, &key(16)), Mechanism::ctr(bits, start), len, &theirs)
        });
    }
}

fn macs(judge: &mut Judge, mac: &Mac) {
    for (kind, size) in mac.keys {
        for (cut, len) in mac.lengths.iter().flat_map(|cut| [0, 1, 8, 16, 33].map(|len| (*cut, len))) {
            judge.cross(mac.id, &format!("{len} bytes, {cut} of tag, a key of {size}"), |judge| {
                let request = json!({
                    "algorithm": algorithm(*kind), "key": digits(&key(*size)), "data": digits(&data(len)),
                });
                let tag = judge.peer.bytes(mac.work, request)?;
                let mechanism = match mac.general {
                    true => Mechanism::number(mac.id, cut as CK_ULONG),
                    false => mac.id.into(),
                };
                let made = judge.with(&secret(*kind, &key(*size)), |session, key| {
                    session.verify(mechanism.clone(), key, &data(len), &tag[..cut])?;
                    session.sign(mechanism, key, &data(len))
                });
                same(&made.map_err(refused)?, &tag[..cut])
            });
        }
    }
}

fn encrypted_data(judge: &mut Judge) {
    for (kind, size, ecb, cbc, iv) in [
        (CKK_AES, 16, CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_CBC_ENCRYPT_DATA, 16),
        (CKK_AES, 32, CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_CBC_ENCRYPT_DATA, 16),
        (CKK_DES, 8, CKM_DES_ECB_ENCRYPT_DATA, CKM_DES_CBC_ENCRYPT_DATA, 8),
        (CKK_DES2, 16, CKM_DES3_ECB_ENCRYPT_DATA, CKM_DES3_CBC_ENCRYPT_DATA, 8),
        (CKK_DES3, 24, CKM_DES3_ECB_ENCRYPT_DATA, CKM_DES3_CBC_ENCRYPT_DATA, 8),
    ] {
        let (mut text, base) = (data(32), secret(kind, &key(size)));
        let mut plain = CK_KEY_DERIVATION_STRING_DATA { pData: text.as_mut_ptr(), ulLen: 32 };
        let mut aes = CK_AES_CBC_ENCRYPT_DATA_PARAMS { iv: [0; 16], pData: text.as_mut_ptr(), length: 32 };
        let mut des = CK_DES_CBC_ENCRYPT_DATA_PARAMS { iv: [0; 8], pData: text.as_mut_ptr(), length: 32 };
        aes.iv.copy_from_slice(&data(16));
        des.iv.copy_from_slice(&data(8));
        let with_iv = match iv {
            16 => Mechanism::of(cbc, &mut aes),
            _ => Mechanism::of(cbc, &mut des),
        };
        for (mode, mechanism) in [("ECB", Mechanism::of(ecb, &mut plain)), ("CBC", with_iv)] {
            judge.cross(mechanism.id, &format!("a key of {size} bytes"), |judge| {
                let request = json!({
                    "algorithm": algorithm(kind), "mode": mode, "key": digits(&key(size)),
                    "iv": digits(&data(iv)), "data": digits(&data(32)),
                });
                let value = judge.peer.bytes("encrypt", request)?;
                judge.derived(mechanism, &base, &readable(CKK_GENERIC_SECRET, 32), &value)
            });
        }
    }
}

/// A key is wrapped here and there, and unwrapped from both; what is spoiled is refused.
fn wraps(judge: &mut Judge) {
    for (id, how, sizes) in [
        (CKM_AES_KEY_WRAP, "KW", &[16, 24, 64][..]),
        (CKM_AES_KEY_WRAP_PAD, "KWP", &[1, 7, 8, 20, 64]),
        (CKM_AES_KEY_WRAP_KWP, "KWP", &[1, 7, 8, 20, 64]),
        (CKM_AES_KEY_WRAP_PKCS7, "PKCS7", &[9, 16, 20, 64]),
    ] {
        for (size, len) in [16, 24, 32].into_iter().flat_map(|size| sizes.iter().map(move |len| (size, *len)))
        {
            judge.cross(id, &format!("{len} bytes under a key of {size}"), |judge| {
                let request = json!({ "how": how, "key": digits(&key(size)), "data": digits(&data(len)) });
                let theirs = judge.peer.bytes("wrap", request)?;
                let session = judge.session();
                let target = session.create(&secret(CKK_GENERIC_SECRET, &data(len))).map_err(refused)?;
                let wanted = readable(CKK_GENERIC_SECRET, len).without(CKA_VALUE_LEN);
                let (ours, back, bad) = judge
                    .with(&secret(CKK_AES, &key(size)), |session, wrapping| {
                        let back = session.unwrap(id, wrapping, &theirs, &wanted)?;
                        let bad = session.unwrap(id, wrapping, &spoiled(&theirs), &wanted);
                        Ok((session.wrap(id, wrapping, target)?, back, bad))
                    })
                    .map_err(refused)?;
                session.destroy(target).map_err(refused)?;
                same(&ours, &theirs)?;
                same(&judge.take(back).map_err(refused)?, &data(len))?;
                bad.map_or(Ok(()), |_| Err("a spoiled key is unwrapped".into()))
            });
        }
    }
}

fn chacha(judge: &mut Judge) {
    for (nonce, len) in [(12, 1), (12, 63), (12, 200), (8, 64), (8, 130)] {
        judge.cross(CKM_CHACHA20, &format!("{len} bytes, a nonce of {nonce}"), |judge| {
            let theirs = stream(judge, &data(32), nonce, len)?;
            let (mut counter, mut bytes) = (7u64.to_le_bytes(), data(nonce));
            let mut params = chacha_params(&mut counter, &mut bytes);
            let mechanism = Mechanism::of(CKM_CHACHA20, &mut params);
            there_and_back(judge, &secret(CKK_CHACHA20, &data(32)), mechanism, len, &theirs)
        });
    }
    for len in [0, 1, 16, 17, 100] {
        judge.cross(CKM_POLY1305, &format!("{len} bytes"), |judge| {
            let request = json!({ "key": digits(&data(32)), "data": digits(&data(len)) });
            let tag = judge.peer.bytes("poly1305", request)?;
            let made = judge.with(&secret(CKK_POLY1305, &data(32)), |session, key| {
                session.verify(CKM_POLY1305, key, &data(len), &tag)?;
                session.sign(CKM_POLY1305, key, &data(len))
            });
            same(&made.map_err(refused)?, &tag)
        });
    }
    judge.generated(CKM_CHACHA20_KEY_GEN, CKK_CHACHA20, 32, |judge, key, value| {
        let (mut counter, mut nonce) = (7u64.to_le_bytes(), data(12));
        let mut params = chacha_params(&mut counter, &mut nonce);
        let ours = judge.session().encrypt(Mechanism::of(CKM_CHACHA20, &mut params), key, &data(100));
        same(&ours.map_err(refused)?, &stream(judge, value, 12, 100)?)
    });
    judge.generated(CKM_POLY1305_KEY_GEN, CKK_POLY1305, 32, |judge, key, value| {
        let ours = judge.session().sign(CKM_POLY1305, key, &data(100)).map_err(refused)?;
        let request = json!({ "key": digits(value), "data": digits(&data(100)) });
        same(&ours, &judge.peer.bytes("poly1305", request)?)
    });
}

fn chacha_params(counter: &mut [u8; 8], nonce: &mut [u8]) -> CK_CHACHA20_PARAMS {
    CK_CHACHA20_PARAMS {
        pBlockCounter: counter.as_mut_ptr(),
        blockCounterBits: if nonce.len() == 8 { 64 } else { 32 },
        pNonce: nonce.as_mut_ptr(),
        ulNonceBits: 8 * nonce.len() as CK_ULONG,
    }
}

fn stream(judge: &mut Judge, key: &[u8], nonce: usize, len: usize) -> std::result::Result<Vec<u8>, String> {
    let request = json!({ "key": digits(key), "nonce": digits(&data(nonce)), "counter": 7, "data": digits(&data(len)) });
    judge.peer.bytes("chacha20", request)
}
