//! Ciphers: AEAD, CBC with padding, XTS, and key wrapping; encrypted and compared, then decrypted.

use serde_json::Value;
use tests::{Mechanism, Session, ids::*, keys::secret};

use super::super::judge::{Judge, bytes};
use super::{Did, File, files, vectors};
use crate::vectors::module::Result;

/// A row: the file, the key's type, the mechanism, and how a vector's parameter is lent to the work.
struct Row {
    file: &'static str,
    key: CK_KEY_TYPE,
    id: CK_MECHANISM_TYPE,
    work: fn(&Session, CK_OBJECT_HANDLE, CK_MECHANISM_TYPE, &Value) -> Did,
}

const fn row(
    file: &'static str,
    key: CK_KEY_TYPE,
    id: CK_MECHANISM_TYPE,
    work: fn(&Session, CK_OBJECT_HANDLE, CK_MECHANISM_TYPE, &Value) -> Did,
) -> Row {
    Row { file, key, id, work }
}

const AEADS: &[Row] = &[
    row("aes_gcm", CKK_AES, CKM_AES_GCM, gcm),
    row("aes_ccm", CKK_AES, CKM_AES_CCM, ccm),
    row("chacha20_poly1305", CKK_CHACHA20, CKM_CHACHA20_POLY1305, chacha),
];
const CIPHERS: &[Row] = &[
    row("aes_cbc_pkcs5", CKK_AES, CKM_AES_CBC_PAD, with_iv),
    row("aes_xts", CKK_AES_XTS, CKM_AES_XTS, with_tweak),
];
const WRAPS: &[Row] = &[
    row("aes_wrap", CKK_AES, CKM_AES_KEY_WRAP, plain),
    row("aes_kwp", CKK_AES, CKM_AES_KEY_WRAP_KWP, plain),
    row("aes_kwp", CKK_AES, CKM_AES_KEY_WRAP_PAD, plain),
];

pub fn run(judge: &mut Judge) -> Result<()> {
    for row in AEADS {
        files!(aead, [row.file]).for_each(|file| each(judge, row, &file));
    }
    for row in CIPHERS {
        files!(cipher, [row.file]).for_each(|file| each(judge, row, &file));
    }
    for row in WRAPS {
        files!(keywrap, [row.file]).for_each(|file| each(judge, row, &file));
    }
    Ok(())
}

fn each(judge: &mut Judge, row: &Row, file: &File) {
    if !judge.has(row.id) {
        return;
    }
    for group in file.groups() {
        for test in vectors(&group) {
            if row.id == CKM_AES_XTS && group["keySize"] == 384 {
                judge.tally.leave_out("CKM_AES_XTS has keys of 32 or 64 bytes");
                continue;
            }
            let template = secret(row.key, &bytes(&test["key"]));
            let did = judge.with(&template, |session, key| (row.work)(session, key, row.id, test));
            file.judge(judge, row.id, test, did);
        }
    }
}

/// Decrypts; then what was decrypted must encrypt to the same. What is invalid need not have a plaintext.
fn both_ways(session: &Session, key: CK_OBJECT_HANDLE, mechanism: Mechanism, test: &Value) -> Did {
    let sealed = [bytes(&test["ct"]), bytes(&test["tag"])].concat();
    let plain = session.decrypt(mechanism.clone(), key, &sealed)?;
    Ok(plain == bytes(&test["msg"]) && session.encrypt(mechanism, key, &plain)? == sealed)
}

fn plain(session: &Session, key: CK_OBJECT_HANDLE, id: CK_MECHANISM_TYPE, test: &Value) -> Did {
    both_ways(session, key, id.into(), test)
}

fn with_iv(session: &Session, key: CK_OBJECT_HANDLE, id: CK_MECHANISM_TYPE, test: &Value) -> Did {
    both_ways(session, key, Mechanism::bytes(id, &bytes(&test["iv"])), test)
}

/// A tweak is a number, little-endian, which the mechanism wants in 16 bytes.
fn with_tweak(session: &Session, key: CK_OBJECT_HANDLE, id: CK_MECHANISM_TYPE, test: &Value) -> Did {
    let mut tweak = bytes(&test["iv"]);
    tweak.resize(16, 0);
    both_ways(session, key, Mechanism::bytes(id, &tweak), test)
}

fn gcm(session: &Session, key: CK_OBJECT_HANDLE, _: CK_MECHANISM_TYPE, test: &Value) -> Did {
    let bits = bytes(&test["tag"]).len() * 8;
    both_ways(session, key, Mechanism::gcm(&bytes(&test["iv"]), &bytes(&test["aad"]), bits), test)
}

fn ccm(session: &Session, key: CK_OBJECT_HANDLE, id: CK_MECHANISM_TYPE, test: &Value) -> Did {
    let (mut nonce, mut aad) = (bytes(&test["iv"]), bytes(&test["aad"]));
    let mut params = CK_CCM_PARAMS {
        ulDataLen: bytes(&test["ct"]).len() as CK_ULONG,
        pNonce: nonce.as_mut_ptr(),
        ulNonceLen: nonce.len() as CK_ULONG,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: aad.len() as CK_ULONG,
        ulMACLen: bytes(&test["tag"]).len() as CK_ULONG,
    };
    both_ways(session, key, Mechanism::of(id, &mut params), test)
}

fn chacha(session: &Session, key: CK_OBJECT_HANDLE, id: CK_MECHANISM_TYPE, test: &Value) -> Did {
    let (mut nonce, mut aad) = (bytes(&test["iv"]), bytes(&test["aad"]));
    let mut params = CK_SALSA20_CHACHA20_POLY1305_PARAMS {
        pNonce: nonce.as_mut_ptr(),
        ulNonceLen: nonce.len() as CK_ULONG,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: aad.len() as CK_ULONG,
    };
    both_ways(session, key, Mechanism::of(id, &mut params), test)
}
