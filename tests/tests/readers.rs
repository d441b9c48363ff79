//! Every reader of files from outside, over thousands of mutated ones: none panics, none takes more memory than the file
//! is worth. `TOKENKEEP_FUZZ=100 cargo test -p tests --test readers` tries a hundred times as many.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tests::fuzz::{READERS, Reader, dkek};
use tokenkeep::backup::archive::{self, About};
use tokenkeep::backup::description::{Description, Kind};
use tokenkeep::backup::{Archive, Container, Entry, Material};
use tokenkeep::crypto::rng;
use tokenkeep::cryptoki::ids::*;
use tokenkeep::object::{Attributes, Value, encoding};

/// Mutations of each reader's seeds; fewer where a key that is read is calculated with.
const ROUNDS: usize = 3000;
const SLOW: (&str, usize) = ("body", 10);
/// What a reader may take at once: so many bytes for each of the file, and this beside.
const PER_BYTE: u64 = 64;
const BESIDE: u64 = 1 << 20;

/// xorshift64*: the same mutations in each run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// A place in the bytes and the end of a short part from there.
    fn part(&mut self, bytes: &[u8]) -> (usize, usize) {
        let at = self.below(bytes.len());
        (at, (at + 1 + self.below(24)).min(bytes.len()))
    }
}

/// Numbers that lengths go wrong at.
const EDGES: [u8; 8] = [0, 1, 0x0a, 0x30, 0x7f, 0x80, 0x84, 0xff];

/// One change, of the kinds that files suffer.
fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], chance: &mut Chance) {
    let (at, end) = chance.part(bytes);
    match (chance.below(9), bytes.len()) {
        (_, 0) => bytes.push(chance.next() as u8),
        (0, _) => bytes[at] ^= 1 << chance.below(8),
        (1, _) => bytes[at] = EDGES[chance.below(EDGES.len())],
        (2, _) => bytes[at] = chance.next() as u8,
        (3, _) => bytes.truncate(at),
        (4, _) => drop(bytes.drain(at..end)),
        (5, _) => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
        (6, _) => bytes[at..end].fill(EDGES[chance.below(EDGES.len())]),
        (7, _) => {
            let more = (0..=chance.below(8)).map(|_| chance.next() as u8).collect::<Vec<_>>();
            bytes.splice(at..at, more);
        }
        _ => {
            // The head of this one with the tail of another.
            let other = &others[chance.below(others.len())];
            let from = at.min(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

fn fixtures(end: &str) -> Vec<Vec<u8>> {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "module", "tests", "fixtures", "dkek"].iter().collect();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Objects as an archive has them: a key that the vendor's format knows, one that it does not, and data.
fn entries() -> Vec<Entry> {
    let of = |class, kind| {
        Attributes::default().with(CKA_CLASS, Value::Ulong(class)).with(CKA_KEY_TYPE, Value::Ulong(kind))
    };
    let nested = Value::Template(Attributes::default().with(CKA_LABEL, Value::Bytes(b"inner".to_vec())));
    let all = [
        of(CKO_SECRET_KEY, CKK_AES).with(CKA_VALUE, Value::Secret(vec![1; 32].into())),
        of(CKO_SECRET_KEY, CKK_GENERIC_SECRET)
            .with(CKA_VALUE, Value::Secret(vec![2; 50].into()))
            .with(CKA_ALLOWED_MECHANISMS, Value::Ulongs(vec![CKM_SHA256_HMAC, CKM_SHA512_HMAC]))
            .with(CKA_UNWRAP_TEMPLATE, nested),
        Attributes::default()
            .with(CKA_CLASS, Value::Ulong(CKO_DATA))
            .with(CKA_PRIVATE, Value::Bool(true))
            .with(CKA_VALUE, Value::Bytes(vec![3; 100])),
    ];
    (1..).zip(all).map(|(id, attributes)| Entry { id: [id; 16], attributes }).collect()
}

fn archived() -> Vec<u8> {
    let describe = |_: &Material, _: &Attributes| Description {
        kind: Kind::Secret,
        label: b"seed".to_vec(),
        id: vec![1],
        usage: 0,
        bits: 256,
    };
    let about = About { serial: "0123456789ABCDEF".into(), domain: 0, created: 1_800_000_000, left_out: 1 };
    archive::write(&dkek(), &about, &entries(), &describe, &rng::system, &mut |_, _| {}).unwrap()
}

/// Type and plaintext of keys: eight random bytes, the body, the padding.
fn bodies() -> Vec<Vec<u8>> {
    let aes = [&[15][..], &[9; 8], &[0, 32], &[7; 32], &[0x80, 0, 0, 0, 0, 0]].concat();
    let curve = "01000020ffffffff00000001000000000000000000000000fffffffffffffffffffffffc00205ac635d8aa3a93e7b3ebbd55\
                 769886bc651d06b0cc53b0f63bce3c3e27d2604b0020ffffffff00000001000000000000000000000000ffffffffffffffffff\
                 ffffff0020ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc6325510041046b17d1f2e12c4247f8bce6\
                 e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf\
                 51f50020519b423d715f8b581f4fa8ee59f4771a5b44c8130b4e3eacca54a56dda72b4640041041ccbe91c075fc7f4f033bfa2\
                 48db8fccd3565de94bbfb12f3c59ff46c271bf83ce4014c68811f9a21a1fdb2c0e6113e06db7ca93b7404e78dc7ccd5ca89a4c\
                 a9800000000000";
    let ec = [&[12][..], &[9; 8], &tests::keys::hex(curve)].concat();
    let field = |hex: &str| {
        let bytes = tests::keys::hex(hex);
        [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()
    };
    let rsa = [tests::keys::RSA_D, tests::keys::RSA_N, "010001"].map(field).concat();
    let rsa = [&[5][..], &[9; 8], &[8, 0], &rsa, &[0x80; 1], &[0; 15]].concat();
    vec![aes, ec, rsa]
}

fn seeds() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let wrapped = fixtures(".wrapped");
    let blobs = wrapped.iter().filter_map(|file| Some(Container::read(file).ok()?.blob.to_vec())).collect();
    let whole = archived();
    let text = Archive::read(&whole).unwrap().manifest.text().into_bytes();
    let sheets = b"e2:2c:53:bf:a0:76:3a:a3\n5:79:95:a2:08:0b:c0:e8:3f\n2:cd:0d:f9:c8:1e:0f:50:15\na:c2902b64b0a2f622\n";
    let attributes =
        entries().iter().map(|entry| encoding::encode(&entry.attributes).expose().to_vec()).collect();
    BTreeMap::from([
        ("share", fixtures(".pbe")),
        ("typed", vec![sheets.to_vec(), b"507BE84101B3952A".to_vec()]),
        ("blob", blobs),
        ("body", bodies()),
        ("container", wrapped),
        ("manifest", vec![text]),
        ("archive", vec![whole]),
        ("attributes", attributes),
    ])
}

/// Runs a reader and looks how much memory it held at once.
fn tried(name: &str, reader: Reader, data: &[u8]) {
    let used = allocation_counter::measure(|| reader(data)).bytes_max;
    let allowed = BESIDE + PER_BYTE * data.len() as u64;
    assert!(used <= allowed, "{name} held {used} bytes for a file of {}", data.len());
}

#[test]
fn no_reader_panics_or_is_greedy_whatever_the_file_is() {
    let more = std::env::var("TOKENKEEP_FUZZ").ok().map_or(1, |times| times.parse().expect("a number"));
    let seeds = seeds();
    for (name, reader) in READERS {
        let seeds = &seeds[name];
        seeds.iter().for_each(|seed| tried(name, *reader, seed));
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        let slower = if *name == SLOW.0 { SLOW.1 } else { 1 };
        for _ in 0..ROUNDS * more / slower {
            let mut data = seeds[chance.below(seeds.len())].clone();
            (0..=chance.below(4)).for_each(|_| mutate(&mut data, seeds, &mut chance));
            tried(name, *reader, &data);
        }
    }
}

/// The seeds reach what they are to reach.
#[test]
fn the_seeds_are_good_files() {
    let seeds = seeds();
    assert!(READERS.iter().all(|(name, _)| !seeds[name].is_empty()));
    assert!(seeds["container"].len() >= 50 && seeds["share"].len() >= 12);
    let opened =
        seeds["blob"].iter().filter(|blob| tokenkeep::backup::blob::unwrap(&dkek(), blob).is_ok()).count();
    assert!(opened >= 20, "{opened}");
    assert_eq!(Archive::read(&seeds["archive"][0]).unwrap().open(&dkek(), &mut |_, _| {}), Ok(entries()));
    for attributes in &seeds["attributes"] {
        encoding::decode(attributes).unwrap();
    }
}
