//! Files of the real tools and broken ones: see `module/tests/fixtures/dkek/manifest.toml`.

use std::path::PathBuf;

use serde::Deserialize;

use super::share::Cover;
use super::*;
use crate::crypto::rng;
use crate::crypto::tlv::trim;
use crate::cryptoki::{Rv, Secret};

#[derive(Deserialize)]
struct Manifest {
    dkek: Vec<Known>,
    share: Vec<Share>,
    blob: Vec<Wrapped>,
}

#[derive(Deserialize)]
struct Known {
    name: String,
    shares: Vec<String>,
    dkek: String,
    kcv: String,
}

#[derive(Deserialize)]
struct Share {
    file: String,
    expect: String,
    password: Option<String>,
    prime: Option<String>,
    threshold: Option<usize>,
    #[serde(default)]
    sheets: Vec<Shown>,
    share: Option<String>,
    share_kcv: Option<String>,
    #[serde(default)]
    covers: Vec<Derived>,
}

#[derive(Deserialize)]
struct Shown {
    id: String,
    value: String,
}

#[derive(Deserialize)]
struct Derived {
    password: String,
    cover: String,
}

#[derive(Deserialize)]
struct Wrapped {
    file: String,
    expect: String,
    dkek: String,
    r#type: Option<u8>,
    curve: Option<String>,
    label: Option<String>,
    id: Option<String>,
    prkd: Option<String>,
    cert_tag: Option<String>,
    certificate: Option<String>,
    allowed: Option<String>,
    key: Option<String>,
    modulus: Option<String>,
    private: Option<String>,
}

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/dkek", name].iter().collect()
}

pub(super) fn file(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn manifest() -> Manifest {
    toml::from_str(&std::fs::read_to_string(path("manifest.toml")).unwrap()).unwrap()
}

fn secret(hex: &str) -> Secret {
    split::digits(hex).unwrap()
}

fn dkek(hex: &str) -> Dkek {
    Dkek::new(secret(hex)).unwrap()
}

impl Share {
    /// Opens the file with this password, whose rounds were run when the manifest was made.
    fn open(&self, password: &Secret) -> crate::cryptoki::Result<Secret> {
        let share = ShareFile::read(&file(&self.file))?;
        let cover =
            self.covers.iter().find(|cover| hex::decode(&cover.password).unwrap() == password.expose());
        let cover = cover.map_or_else(|| vec![0x5a; 48], |cover| hex::decode(&cover.cover).unwrap());
        share.open(&Cover::known(cover.into()))
    }

    fn passwords(&self, order: impl Iterator<Item = usize>) -> Vec<Secret> {
        let Some(prime) = &self.prime else {
            return vec![self.password.as_ref().unwrap().as_bytes().into()];
        };
        let shown = order.map(|at| &self.sheets[at]);
        let typed: Vec<_> = shown.map(|sheet| Typed::new(&sheet.id, &sheet.value).unwrap()).collect();
        assert_eq!(split::doubt(&secret(prime)), None);
        split::passwords(&secret(prime), &typed).unwrap()
    }
}

#[test]
fn every_dkek_has_the_recorded_check_value() {
    for known in manifest().dkek {
        let mut assembly = Assembly::of_shares(known.shares.len() as u8).unwrap();
        for share in &known.shares {
            assembly.add(&secret(share), Import::default()).unwrap();
        }
        assert_eq!(assembly.dkek().unwrap().kcv().to_string(), known.kcv, "{}", known.name);
        assert_eq!(dkek(&known.dkek).kcv().to_string(), known.kcv);
    }
}

#[test]
fn every_share_file_opens_to_the_recorded_share_or_is_refused() {
    let (mut opened, mut refused) = (0, 0);
    for share in manifest().share {
        let name = &share.file;
        let count = share.threshold.unwrap_or(0);
        let all = share.sheets.len();
        // The first custodians, the last ones backwards, and all of them.
        for order in [(0..count).collect::<Vec<_>>(), (all - count..all).rev().collect(), (0..all).collect()]
        {
            let passwords = share.passwords(order.into_iter());
            let found = passwords.iter().map(|password| share.open(password)).find(Result::is_ok);
            match share.expect.as_str() {
                "ok" => {
                    let found = found.unwrap_or_else(|| panic!("{name} does not open")).unwrap();
                    assert_eq!(Some(hex::encode(found.expose())), share.share, "{name}");
                    assert_eq!(Some(Kcv::of(&found).to_string()), share.share_kcv, "{name}");
                    opened += 1;
                }
                _ => {
                    assert!(found.is_none(), "{name}");
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((opened, refused), (3 * 9, 3 * 5));
}

#[test]
fn broken_share_files_and_wrong_passwords_say_what_is_wrong() {
    let why = |name: &str| ShareFile::read(&file(name)).unwrap_err();
    assert!(why("neg-share-magic.pbe").why().contains("not a DKEK share"));
    assert!(why("neg-share-truncated63.pbe").why().contains("64 bytes, this one 63"));
    let manifest = manifest();
    let share = manifest.share.iter().find(|share| share.file == "dkek2-share1.pbe").unwrap();
    let wrong = share.open(&b"correct horse 1x"[..].into()).unwrap_err();
    assert_eq!(wrong.rv(), Rv::EncryptedDataInvalid);
    assert!(wrong.why().contains("password is wrong"), "{wrong}");
}

#[test]
fn a_custodian_too_few_and_a_wrong_value_open_nothing() {
    for share in manifest().share.iter().filter(|share| share.threshold.is_some_and(|count| count > 2)) {
        let few = share.passwords(0..2);
        assert!(few.iter().all(|password| share.open(password).is_err()), "{}", share.file);
    }
}

#[test]
fn leading_zeros_and_ids_from_ten_on_are_tried_in_both_ways() {
    let manifest = manifest();
    let of = |name: &str| manifest.share.iter().find(|share| share.file == name).unwrap();
    let zero = of("edge-share-zero-2of3.pbe").passwords(0..2);
    assert_eq!(zero.iter().map(Secret::len).collect::<Vec<_>>(), [7, 8]);
    let trimmed = of("edge-share-zero-trimmed-2of3.pbe");
    assert!(trimmed.open(&trimmed.passwords(0..2)[0]).is_ok(), "the short form comes first");
    let twelve = of("edge-share-2of12.pbe");
    let prime = secret(twelve.prime.as_ref().unwrap());
    for ids in [["10", "12"], ["a", "c"], ["A", "C"]] {
        let typed = ids.iter().zip([9, 11]).map(|(id, at)| Typed::new(id, &twelve.sheets[at].value).unwrap());
        let passwords = split::passwords(&prime, &typed.collect::<Vec<_>>()).unwrap();
        assert!(passwords.iter().any(|password| twelve.open(password).is_ok()), "{ids:?}");
    }
}

/// What an error of the manifest is to say.
fn words(expect: &str) -> &'static [&'static str] {
    match expect {
        "fail:kcv" => &["another DKEK"],
        "fail:mac" => &["damaged or forged"],
        "fail:format" => &["is refused"],
        "fail:key" => &["does not belong to the private value"],
        _ => &["no SEQUENCE", "OCTET STRING"],
    }
}

fn open(wrapped: &Wrapped) -> crate::cryptoki::Result<Unwrapped> {
    let bytes = file(&wrapped.file);
    blob::unwrap(&dkek(&wrapped.dkek), Container::read(&bytes)?.blob)
}

#[test]
fn every_wrapped_key_opens_to_the_recorded_key_or_is_refused_with_the_reason() {
    let (mut opened, mut refused) = (0, 0);
    for wrapped in manifest().blob {
        let result = open(&wrapped);
        if wrapped.expect == "ok" {
            is_recorded(&wrapped, &result.unwrap_or_else(|error| panic!("{}: {error}", wrapped.file)));
            opened += 1;
        } else {
            let error = result.expect_err(&wrapped.file);
            let words = words(&wrapped.expect);
            assert!(words.iter().any(|word| error.why().contains(word)), "{}: {error}", wrapped.file);
            refused += 1;
        }
    }
    assert!(opened >= 25 && refused >= 22, "{opened} {refused}");
}

fn is_recorded(wrapped: &Wrapped, opened: &Unwrapped) {
    let name = &wrapped.file;
    let same = |ours: &Secret, theirs: &Option<String>| {
        assert_eq!(trim(ours.expose()), trim(secret(theirs.as_ref().unwrap()).expose()), "{name}");
    };
    match &opened.key {
        Material::Rsa(key) => {
            same(&key.modulus[..].into(), &wrapped.modulus);
            // The exponent may be that of another program, modulo p-1 and q-1 it is the same.
            let recorded = secret(wrapped.private.as_ref().unwrap());
            let whole = crate::crypto::rsa::complete(
                &key.modulus,
                Some(&key.public_exponent),
                recorded.expose(),
                Some((key.prime_1.expose(), key.prime_2.expose())),
            );
            assert_eq!(whole.unwrap().exponent_1, key.exponent_1, "{name}");
        }
        Material::Ec { domain, value, .. } => {
            same(value, &wrapped.private);
            if let Some(curve) = &wrapped.curve {
                let curve = curve.replace("prime192v1", "secp192r1").replace("prime256v1", "secp256r1");
                assert_eq!(domain.name, curve);
            }
        }
        Material::Aes(key) => same(key, &wrapped.key),
    }
    if let Some(allowed) = &wrapped.allowed {
        assert_eq!(&hex::encode(&opened.allowed), allowed, "{name}");
    }
}

#[test]
fn descriptions_and_certificates_are_told_apart() {
    for wrapped in manifest().blob.iter().filter(|wrapped| wrapped.expect == "ok") {
        let (name, bytes) = (&wrapped.file, file(&wrapped.file));
        let container = Container::read(&bytes).unwrap();
        if let (Some(description), Some(label)) = (&container.description, &wrapped.label) {
            assert_eq!(String::from_utf8_lossy(&description.label), *label, "{name}");
            assert_eq!(Some(hex::encode(&description.id)), wrapped.id, "{name}");
        }
        assert!(wrapped.prkd.is_none() || container.description.is_some(), "{name}");
        if let Some(tag) = &wrapped.cert_tag {
            assert_eq!(container.request, tag == "6782", "{name}");
        }
        let certificate = wrapped.certificate.as_ref().map(|name| file(name));
        assert_eq!(container.certificate, certificate.as_deref(), "{name}");
        let longer = [&bytes[..], b"more"].concat();
        assert_eq!(Container::read(&longer).unwrap(), container, "{name}");
    }
}

#[test]
fn every_cut_and_every_flipped_bit_of_a_file_is_refused_or_leaves_the_key_as_it_is() {
    let name = "ours-ec-prime256v1.wrapped";
    let manifest = manifest();
    let wrapped = manifest.blob.iter().find(|wrapped| wrapped.file == name).unwrap();
    let (bytes, dkek, good) = (file(name), dkek(&wrapped.dkek), open(wrapped).unwrap());
    let open =
        |bytes: &[u8]| Container::read(bytes).and_then(|container| blob::unwrap(&dkek, container.blob));
    for at in 0..bytes.len() {
        assert!(open(&bytes[..at]).is_err(), "{at}");
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        assert!(open(&flipped).map_or(true, |opened| opened == good), "{at}");
    }
}

#[test]
fn what_others_wrote_is_written_again_with_the_same_random_bytes() {
    let mut count = 0;
    for wrapped in manifest().blob.iter().filter(|wrapped| wrapped.expect == "ok") {
        let (bytes, opened) = (file(&wrapped.file), open(wrapped).unwrap());
        let Some(written) = again(wrapped, &bytes, &opened) else { continue };
        let ours = Container::read(&bytes).unwrap().blob;
        assert_eq!(hex::encode(written), hex::encode(ours), "{}", wrapped.file);
        count += 1;
    }
    assert_eq!(count, 8);
}

/// The blob once more, when the writer wrote as we do: the vendor's form, of the type that we write.
fn again(wrapped: &Wrapped, bytes: &[u8], opened: &Unwrapped) -> Option<Vec<u8>> {
    let vendor = wrapped.file.starts_with("ours-");
    let ours = body::row_of(&opened.key).kind;
    if !vendor || ours != wrapped.r#type? {
        return None;
    }
    let blob = Container::read(bytes).unwrap().blob;
    let random = blob::tests::random(&dkek(&wrapped.dkek), blob);
    let fill = move |bytes: &mut [u8]| {
        bytes.copy_from_slice(&random);
        Ok(())
    };
    blob::wrap(&dkek(&wrapped.dkek), &opened.key, Some(&opened.allowed), &fill).ok()
}

#[test]
fn the_real_fill_is_fresh_each_time() {
    let (dkek, key) = (dkek(&"44".repeat(32)), Material::Aes(Secret::zeroed(16)));
    let [one, two] = [(); 2].map(|()| blob::wrap(&dkek, &key, None, &rng::system).unwrap());
    assert_ne!(one, two);
    assert_eq!(blob::unwrap(&dkek, &one).unwrap(), blob::unwrap(&dkek, &two).unwrap());
}
