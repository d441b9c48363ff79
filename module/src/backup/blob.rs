//! Key blobs: a key under the DKEK, as a SmartCard-HSM gives and takes them.
//!
//! `KCV 8 | type 1 | 4 × (length 2 | field) | AES-256-CBC(random 8 | body | 80 00…) | CMAC 16`

use crate::crypto::cipher::{Algorithm, Cipher, Direction, Mode};
use crate::crypto::mac::{self, Cmac};
use crate::cryptoki::{Error, Result, Rv, Secret};

use super::body::{self, Row};
use super::{Dkek, Fill, Kcv, Material};

const BLOCK: usize = 16;
const TAG: usize = 16;
/// Random bytes before the body.
const SALT: usize = 8;
/// The header with nothing in its four fields.
const HEADER: usize = 8 + 1 + 8;

/// A key that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwrapped {
    pub key: Material,
    /// The card's numbers of the algorithms that the key may be used with; none means all.
    pub allowed: Vec<u8>,
}

/// A key under the DKEK. `allowed`: the algorithms that a card may use it with; the type's default when none is given.
///
/// # Errors
/// CKR_KEY_SIZE_RANGE, those of the randomness.
pub fn wrap(dkek: &Dkek, key: &Material, allowed: Option<&[u8]>, fill: &Fill) -> Result<Vec<u8>> {
    let row = body::row_of(key);
    let mut blob = header(dkek.kcv(), row, allowed.unwrap_or(row.allowed));
    let body = body::write(key)?;
    let padded = (SALT + body.len() + 1).next_multiple_of(BLOCK);
    let mut plain = Secret::zeroed(padded);
    fill(&mut plain.expose_mut()[..SALT])?;
    plain.expose_mut()[SALT..SALT + body.len()].copy_from_slice(body.expose());
    plain.expose_mut()[SALT + body.len()] = 0x80;
    blob.extend_from_slice(cbc(dkek, Direction::Encrypt, plain.expose())?.expose());
    let tag = tag(dkek, &blob)?;
    blob.extend(tag);
    Ok(blob)
}

fn header(kcv: Kcv, row: &Row, allowed: &[u8]) -> Vec<u8> {
    let mut out = [&kcv.0[..], &[row.kind]].concat();
    for field in [row.oid, allowed, &[], &[]] {
        // Algorithm lists and OIDs have a few bytes.
        out.extend((field.len() as u16).to_be_bytes());
        out.extend_from_slice(field);
    }
    out
}

/// The check value of the DKEK that a blob was made under; `None` when it is too short for one.
pub fn kcv(blob: &[u8]) -> Option<Kcv> {
    blob.first_chunk().map(|bytes| Kcv(*bytes))
}

/// The key in a blob. Nothing is decrypted before check value and CMAC were right.
///
/// # Errors
/// CKR_WRAPPED_KEY_LEN_RANGE when it is too short, CKR_WRAPPED_KEY_INVALID when it was made under another DKEK, when it
/// is damaged or forged, and when what is inside is no sound key.
pub fn unwrap(dkek: &Dkek, blob: &[u8]) -> Result<Unwrapped> {
    let (body, given) =
        blob.split_last_chunk::<TAG>().filter(|(body, _)| body.len() >= HEADER + BLOCK).ok_or_else(|| {
            Rv::WrappedKeyLenRange.because(format!("{} bytes are too few for a key blob", blob.len()))
        })?;
    let (theirs, ours) = (kcv(body), dkek.kcv());
    if let Some(theirs) = theirs.filter(|theirs| *theirs != ours) {
        return Err(Rv::WrappedKeyInvalid.because(format!(
            "this key was wrapped under another DKEK: its key check value is {theirs}, the token's {ours}"
        )));
    }
    if !mac::equal(given, &tag(dkek, body)?) {
        return Err(bad("it is damaged or forged: its MAC is wrong"));
    }
    let (row, allowed, cipher) = outline(body)?;
    let plain = cbc(dkek, Direction::Decrypt, cipher)?;
    let key = row.read(&plain.expose()[SALT..])?;
    Ok(Unwrapped { key, allowed: allowed.to_vec() })
}

/// The row of the type, the allowed algorithms, and the ciphertext.
fn outline(body: &[u8]) -> Result<(&'static Row, &[u8], &[u8])> {
    let kind = body[8];
    let row = body::ROWS.iter().find(|row| row.kind == kind);
    let row = row.ok_or_else(|| bad(format!("{kind:#04x} is no type of key that is known")))?;
    let (mut rest, mut fields) = (&body[9..], [&[][..]; 4]);
    for field in &mut fields {
        let (len, after) = rest.split_first_chunk::<2>().ok_or_else(overrun)?;
        let len = usize::from(u16::from_be_bytes(*len));
        (*field, rest) = after.split_at_checked(len).ok_or_else(overrun)?;
    }
    if !row.takes(fields[0]) {
        return Err(bad(format!("its default algorithm is not that of type {kind:#04x}")));
    }
    match rest.len() {
        len if len > 0 && len.is_multiple_of(BLOCK) => Ok((row, fields[1], rest)),
        len => Err(bad(format!("its ciphertext of {len} bytes is not whole blocks"))),
    }
}

fn overrun() -> Error {
    bad("a length in its header leads out of it")
}

fn cbc(dkek: &Dkek, direction: Direction, data: &[u8]) -> Result<Secret> {
    let mut out = Vec::with_capacity(data.len() + 2 * BLOCK);
    let mut cipher = Cipher::new(Algorithm::Aes, Mode::Cbc, direction, &dkek.encryption(), &[0; BLOCK])?;
    cipher.update(data, &mut out)?;
    cipher.finish(&mut out)?;
    Ok(out.into())
}

fn tag(dkek: &Dkek, data: &[u8]) -> Result<Vec<u8>> {
    let mut cmac = Cmac::new(Algorithm::Aes, &dkek.authentication())?;
    cmac.update(data)?;
    cmac.finish()
}

fn bad(why: impl std::fmt::Display) -> Error {
    Rv::WrappedKeyInvalid.because(format!("the key blob is refused: {why}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::crypto::domain::DOMAINS;
    use crate::crypto::{ec, rng, rsa};
    use proptest::prelude::*;

    /// The random bytes in a blob.
    pub fn random(dkek: &Dkek, blob: &[u8]) -> [u8; SALT] {
        let (_, _, cipher) = outline(&blob[..blob.len() - TAG]).unwrap();
        *cbc(dkek, Direction::Decrypt, cipher).unwrap().expose().first_chunk().unwrap()
    }

    fn worked() -> Dkek {
        let key = "e0b941ac22a1849295bab976f667421555a86176f426d4a693fc4a3266aed74e";
        Dkek::new(hex::decode(key).unwrap().into()).unwrap()
    }

    fn fixed(bytes: &mut [u8]) -> Result<()> {
        bytes.copy_from_slice(&[0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7]);
        Ok(())
    }

    /// Part E of the design's worked example.
    #[test]
    fn an_aes_blob_is_bit_exact() {
        let key = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
        let key = Material::Aes(hex::decode(key).unwrap().into());
        let blob = "16c0923b2db63dac0f000860864801650304010004101118990000000094b0a991e641f8da9f899fdf1e38318061fe459bba518831031bf1662dc181a80afc1803199a9a070ca02abb27ea5dd1d87599dc4fbb2b97891e49d679c83e9c";
        assert_eq!(hex::encode(wrap(&worked(), &key, None, &fixed).unwrap()), blob);
        let opened = unwrap(&worked(), &hex::decode(blob).unwrap()).unwrap();
        assert_eq!(opened, Unwrapped { key, allowed: vec![0x10, 0x11, 0x18, 0x99] });
    }

    #[test]
    fn short_blobs_unknown_types_and_wild_lengths_are_refused_even_with_a_good_mac() {
        let dkek = worked();
        let key = Material::Aes(Secret::zeroed(16));
        let good = wrap(&dkek, &key, None, &fixed).unwrap();
        for len in 0..HEADER + BLOCK + TAG {
            assert_eq!(unwrap(&dkek, &good[..len]).unwrap_err().rv(), Rv::WrappedKeyLenRange);
        }
        for (at, byte, word) in [(8, 0x07, "no type"), (9, 0xff, "leads out"), (12, 0, "not that of type")] {
            let mut body = good[..good.len() - TAG].to_vec();
            body[at] = byte;
            let tag = tag(&dkek, &body).unwrap();
            let error = unwrap(&dkek, &[body, tag].concat()).unwrap_err();
            assert!(error.why().contains(word), "{error}");
        }
    }

    #[test]
    fn the_wrong_first_byte_of_old_firmware_is_read() {
        let (dkek, key) = (worked(), Material::Aes(Secret::zeroed(24)));
        let blob = wrap(&dkek, &key, None, &fixed).unwrap();
        let mut body = blob[..blob.len() - TAG].to_vec();
        body[11] = 0x06;
        let tag = tag(&dkek, &body).unwrap();
        assert_eq!(unwrap(&dkek, &[body, tag].concat()).unwrap().key, key);
    }

    fn round(key: Material) {
        let dkek = worked();
        let blob = wrap(&dkek, &key, None, &rng::system).unwrap();
        assert_eq!(unwrap(&dkek, &blob).unwrap().key, key, "{}", key.describe());
    }

    #[test]
    fn rsa_keys_of_both_forms_come_back() {
        for bits in [1024, 2048, 2056] {
            round(Material::Rsa(rsa::generate(bits, &[1, 0, 1], &mut rng::system).unwrap()));
        }
    }

    #[test]
    fn ec_keys_of_every_curve_come_back() {
        for domain in DOMAINS {
            let mut value = Secret::zeroed(domain.n.len());
            rng::system(value.expose_mut()).unwrap();
            value.expose_mut()[0] = 0;
            let point = domain.public_point(&value).unwrap();
            round(Material::Ec { domain, value, point });
        }
        let curve = ec::Curve::P521;
        let domain = crate::crypto::domain::Domain::named(curve.params()).unwrap();
        let (value, point) = ec::generate(curve, &mut rng::system).unwrap();
        round(Material::Ec { domain, value, point });
    }

    proptest! {
        #[test]
        fn aes_keys_come_back_with_their_list(key: [u8; 32], len in 2usize..5, allowed in prop::collection::vec(any::<u8>(), 0..9)) {
            let key = Material::Aes(key[..8 * len].into());
            let blob = wrap(&worked(), &key, Some(&allowed), &rng::system).unwrap();
            prop_assert_eq!(unwrap(&worked(), &blob).unwrap(), Unwrapped { key, allowed });
        }

        #[test]
        fn small_ec_values_come_back(value in 1u64.., at in 0..DOMAINS.len()) {
            let domain = &DOMAINS[at];
            let value = super::super::material::wide(&value.to_be_bytes(), domain.n.len());
            let point = domain.public_point(&value).unwrap();
            round(Material::Ec { domain, value, point });
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, body: Vec<u8>) {
            let dkek = worked();
            let _ = unwrap(&dkek, &bytes);
            let mut forged = [&dkek.kcv().0[..], &body].concat();
            forged.extend(tag(&dkek, &forged).unwrap());
            let _ = unwrap(&dkek, &forged);
            for row in body::ROWS {
                let _ = row.read(&bytes);
            }
        }
    }
}
