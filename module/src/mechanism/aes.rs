//! AES (PKCS#11 v3.2 §6.10 – §6.13): key generation, ECB, CBC, CBC with padding, CTR, GCM.

use crate::crypto::cipher::{Cipher, Direction, Gcm, Mode};
use crate::cryptoki::Result;
use crate::cryptoki::ids::*;
use crate::object::Key;

use super::operation::run;
use super::{Begun, Mechanism, Operation, Params, ROW, Shape, Start, Unit, secret};

const AES: Mechanism = Mechanism { keys: &[CKK_AES], sizes: (16, 32), unit: Unit::Bytes, ..ROW };

const CIPHER: Mechanism = Mechanism {
    encrypt: Some(encrypt),
    decrypt: Some(decrypt),
    wrap: Some(|start, key| run(encrypt(start)?, key)),
    unwrap: Some(|start, wrapped| run(decrypt(start)?, wrapped).map_err(secret::not_a_key)),
    ..AES
};

pub const ROWS: &[Mechanism] = &[
    Mechanism { id: CKM_AES_KEY_GEN, generate: Some(secret::generate), ..AES },
    Mechanism { id: CKM_AES_ECB, ..CIPHER },
    Mechanism { id: CKM_AES_CBC, shape: Shape::Iv(16), ..CIPHER },
    Mechanism { id: CKM_AES_CBC_PAD, shape: Shape::Iv(16), ..CIPHER },
    Mechanism { id: CKM_AES_CTR, shape: Shape::Ctr, ..CIPHER },
    Mechanism { id: CKM_AES_GCM, shape: Shape::Gcm, ..CIPHER },
];

fn encrypt(start: &Start<'_>) -> Result<Begun> {
    begin(start, Direction::Encrypt)
}

fn decrypt(start: &Start<'_>) -> Result<Begun> {
    begin(start, Direction::Decrypt)
}

fn begin(start: &Start<'_>, direction: Direction) -> Result<Begun> {
    let Key::Secret(key) = start.key else { return Err(start.wrong_key()) };
    let iv = |mode: Mode, iv: &[u8]| Ok(Box::new(Cipher::new(mode, direction, key, iv)?) as Begun);
    match (start.row.id, start.params) {
        (CKM_AES_ECB, _) => iv(Mode::Ecb, &[]),
        (CKM_AES_CBC, Params::Iv(bytes)) => iv(Mode::Cbc, bytes),
        (CKM_AES_CBC_PAD, Params::Iv(bytes)) => iv(Mode::CbcPad, bytes),
        (CKM_AES_CTR, Params::Ctr { bits, counter }) => iv(Mode::Ctr { bits: *bits }, counter),
        (CKM_AES_GCM, Params::Gcm { iv, aad, tag_bits }) => {
            Ok(Box::new(Gcm::new(direction, key, iv, aad, *tag_bits)?))
        }
        _ => Err(start.wrong_params("the parameter is of another mechanism")),
    }
}

/// A cipher of the crypto room is an operation as it stands.
macro_rules! operation {
    ($($cipher:ty),*) => {$(
        impl Operation for $cipher {
            fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<()> {
                <$cipher>::update(self, data, out)
            }

            fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
                <$cipher>::finish(self, out)
            }

            fn room(&self, more: usize) -> usize {
                <$cipher>::room(self, more)
            }

            fn rest(&self, more: usize) -> usize {
                self.final_room(more)
            }
        }
    )*};
}

operation!(Cipher, Gcm);
