//! The readers of what comes from outside, each as a function of any bytes: for mutated files in `tests/readers.rs`, and
//! for cargo-fuzz in `tests/fuzz`. A reader refuses, or gives what can be written again; it does not panic.

use tokenkeep::backup::blob::{unwrap, wrap};
use tokenkeep::backup::{Archive, Container, Dkek, Kcv, Manifest, ShareFile, Typed, description, split};
use tokenkeep::crypto::cipher::{Algorithm, Cipher, Direction, Mode};
use tokenkeep::crypto::hash::Hash;
use tokenkeep::crypto::mac::{Cmac, Hmac};
use tokenkeep::crypto::{kdf, rng};
use tokenkeep::cryptoki::Secret;
use tokenkeep::object::encoding;

/// Takes any bytes.
pub type Reader = fn(&[u8]);

/// Names and readers.
pub const READERS: &[(&str, Reader)] = &[
    ("share", share),
    ("typed", typed),
    ("blob", blob),
    ("body", body),
    ("container", container),
    ("manifest", manifest),
    ("archive", archive),
    ("attributes", attributes),
];

/// Runs the reader of that name.
pub fn run(name: &str, data: &[u8]) {
    let (_, reader) = READERS.iter().find(|(reader, _)| *reader == name).expect("a reader of that name");
    reader(data);
}

/// The DKEK of most fixtures.
pub fn dkek() -> Dkek {
    Dkek::new(key()).expect("a DKEK")
}

fn key() -> Secret {
    crate::keys::hex("dc3cea52c89c8909673677c01dfe8192f23444d63fe3d839c9508668ec37d4bc").into()
}

fn share(data: &[u8]) {
    if let Ok(file) = ShareFile::read(data) {
        assert_eq!(file.bytes(), data[..64]);
    }
}

/// What custodians type, or have in a file: the prime, and a share in each line.
fn typed(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    let prime = split::digits(lines.next().unwrap_or_default());
    let shares: Vec<Typed> = lines.filter_map(|line| Typed::parse(line).ok()).take(12).collect();
    if let Ok(prime) = prime.as_ref().map(|prime| Secret::from(&prime.expose()[..prime.len().min(16)])) {
        split::doubt(&prime);
        let passwords = split::passwords(&prime, &shares).unwrap_or_default();
        assert!(passwords.len() <= 4);
    }
    if let Ok(kcv) = text.parse::<Kcv>() {
        assert_eq!(kcv.to_string().parse::<Kcv>(), Ok(kcv));
    }
}

fn blob(data: &[u8]) {
    let Ok(opened) = unwrap(&dkek(), data) else { return };
    let again =
        wrap(&dkek(), &opened.key, Some(&opened.allowed), &rng::system).expect("what was read is written");
    assert_eq!(unwrap(&dkek(), &again), Ok(opened));
}

/// The type of a key and the plaintext behind it, rightly encrypted: what stands behind the MAC.
fn body(data: &[u8]) {
    let Some((kind, plain)) = data.split_first() else { return };
    let oid: &[u8] = match kind {
        5 | 6 => b"\x04\x00\x7f\x00\x07\x02\x02\x02\x01\x02",
        12 => b"\x04\x00\x7f\x00\x07\x02\x02\x02\x02\x03",
        _ => b"\x60\x86\x48\x01\x65\x03\x04\x01",
    };
    let whole = plain.len() / 16 * 16;
    let mut out = [&dkek().kcv().0[..], &[*kind, 0, oid.len() as u8], oid, &[0; 6]].concat();
    let zero = [0; 16];
    let mut cipher =
        Cipher::new(Algorithm::Aes, Mode::Cbc, Direction::Encrypt, &numbered(1), &zero).expect("AES");
    cipher.update(&plain[..whole], &mut out).expect("whole blocks");
    cipher.finish(&mut out).expect("whole blocks");
    let mut cmac = Cmac::new(Algorithm::Aes, &numbered(2)).expect("AES");
    cmac.update(&out).expect("CMAC");
    out.extend(cmac.finish().expect("CMAC"));
    blob(&out);
}

/// The keys of the blobs' encryption (1) and MAC (2).
fn numbered(number: u8) -> Secret {
    let mut hash = Hash::Sha256.start();
    hash.update(key().expose());
    hash.update(&[0, 0, 0, number]);
    hash.finish().into()
}

fn container(data: &[u8]) {
    description::read(data);
    let Ok(read) = Container::read(data) else { return };
    if let Ok(written) = Container::write(read.blob, read.description.as_ref(), read.certificate) {
        let again = Container::read(&written).expect("what was written is read");
        assert_eq!((again.blob, again.certificate), (read.blob, read.certificate));
    }
}

fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(manifest) = Manifest::parse(text) {
        assert_eq!(manifest.text(), text);
    }
}

/// As it stands, and with a MAC that is right: what stands behind it.
fn archive(data: &[u8]) {
    let open = |bytes: &[u8]| Archive::read(bytes).and_then(|archive| archive.open(&dkek(), &mut |_, _| {}));
    let _ = open(data);
    let Some(end) = data.windows(2).position(|pair| pair == b"\n\n") else { return };
    let Ok(head) = std::str::from_utf8(&data[..end]) else { return };
    let text = &head[..head.rfind('\n').map_or(0, |at| at + 1)];
    let Ok(manifest) = Manifest::parse(text) else { return };
    let mut mac = Hmac::new(
        Hash::Sha256,
        &kdf::hkdf_sha256(&key(), &manifest.salt, b"tokenkeep 1 backup manifest", 32),
    );
    mac.update(text.as_bytes());
    let mac: String = mac.finish().iter().map(|byte| format!("{byte:02x}")).collect();
    let _ = open(&[text.as_bytes(), b"mac ", mac.as_bytes(), &data[end..]].concat());
}

/// What is sealed in an archive, and in a token.
fn attributes(data: &[u8]) {
    if let Ok(read) = encoding::decode(data) {
        assert_eq!(encoding::decode(encoding::encode(&read).expose()), Ok(read));
    }
}
