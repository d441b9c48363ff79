//! What each room costs, from the bottom of the house to the top: `cargo bench -p tokenkeep --bench rooms`, with
//! `-- store` for one room and `-- --quick` for a first look. Times of one machine, to be compared on it; what must not
//! grow is counted by `conformance count`.

#![allow(clippy::unwrap_used, reason = "a bench of what fails measures nothing")]

use std::hint::black_box;
use std::ptr::null_mut;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;

use tokenkeep::abi::exports::V2_40;
use tokenkeep::api;
use tokenkeep::crypto::cipher::{Ctr, Direction, Gcm};
use tokenkeep::crypto::edwards::{self, Eddsa};
use tokenkeep::crypto::hash::Hash;
use tokenkeep::crypto::mac::Hmac;
use tokenkeep::crypto::{ec, kdf, rng};
use tokenkeep::cryptoki::ids::*;
use tokenkeep::cryptoki::{Room, Rv, Secret};
use tokenkeep::emulation::Emulation;
use tokenkeep::mechanism::{self, Choice, Params, Start};
use tokenkeep::object::{Attributes, Birth, Given, Object, Sort, Template, encoding, key, policy};
use tokenkeep::session::{Active, Kind, Origin, Table, operation};
use tokenkeep::store::{NewToken, Record, USER, Vault};
use tokenkeep::token::User;

criterion_group! {
    name = rooms;
    config = brief();
    targets = cryptoki, crypto, store, emulation, object, mechanism, token, session, api, abi
}
criterion_main!(rooms);

/// A second for each bench, so that all of them take a minute.
fn brief() -> Criterion {
    let brief = Criterion::default().sample_size(50);
    brief.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1))
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn bench<T>(room: &mut Group<'_>, name: &str, mut work: impl FnMut() -> T) {
    room.bench_function(name, |bencher| bencher.iter(&mut work));
}

fn cryptoki(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("cryptoki");
    for len in [32, 16 << 10] {
        bench(&mut room, &format!("secret of {len} bytes, made and zeroed"), || {
            Secret::zeroed(black_box(len))
        });
    }
}

// ── crypto ───────────────────────────────────────────────────────────────────────────────────────────────────

fn crypto(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("crypto");
    signatures(&mut room);
    bench(&mut room, "PBKDF2-HMAC-SHA-256, 10 000 rounds", || kdf::pbkdf2_sha256(&pin(), &[1; 16], 10_000));
    bulk(&mut room);
}

fn signatures(room: &mut Group<'_>) {
    let (scalar, point) = p256();
    let private = ec::PrivateKey::new(ec::Curve::P256, &scalar).unwrap();
    let public = ec::PublicKey::new(ec::Curve::P256, &point).unwrap();
    let signature = private.sign(&[1; 32]).unwrap();
    bench(room, "P-256 sign", || private.sign(&[1; 32]).unwrap());
    bench(room, "P-256 verify", || public.verify(&[1; 32], &signature).unwrap());
    let (seed, point) = edwards::generate(edwards::Curve::Ed25519, &mut rng::system).unwrap();
    let private = edwards::PrivateKey::new(edwards::Curve::Ed25519, &seed).unwrap();
    let public = edwards::PublicKey::new(edwards::Curve::Ed25519, &point).unwrap();
    let signature = private.sign(Eddsa::Pure, &[1; 32]).unwrap();
    bench(room, "Ed25519 sign", || private.sign(Eddsa::Pure, &[1; 32]).unwrap());
    bench(room, "Ed25519 verify", || public.verify(Eddsa::Pure, &[1; 32], &signature).unwrap());
}

fn bulk(room: &mut Group<'_>) {
    let (key, data) = (Secret::from(&[7; 32][..]), vec![1; 16 << 10]);
    room.throughput(Throughput::Bytes(64));
    bench(room, "HMAC-SHA-256, 64 bytes", || {
        let mut hmac = Hmac::new(Hash::Sha256, &key);
        hmac.update(&data[..64]);
        hmac.finish()
    });
    room.throughput(Throughput::Bytes(1 << 10));
    bench(room, "AES-256-GCM, 1 KiB", || {
        let mut out = Vec::with_capacity(2 << 10);
        let mut gcm = Gcm::new(Direction::Encrypt, &key, &[1; 12], &[], 128).unwrap();
        gcm.update(&data[..1 << 10], &mut out).and_then(|()| gcm.finish(&mut out)).unwrap();
        out
    });
    room.throughput(Throughput::Bytes(16 << 10));
    let mut out = vec![0; 16 << 10];
    bench(room, "AES-256-CTR, 16 KiB", || {
        Ctr::new(Direction::Encrypt, &key, 128, &[1; 16]).unwrap().apply(&data, &mut out).unwrap();
    });
}

// ── store and emulation ──────────────────────────────────────────────────────────────────────────────────────

fn store(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("store");
    let home = tempfile::tempdir().unwrap();
    let vaults = [
        ("memory", Vault::in_memory(&new_token(), &rng::system).unwrap()),
        ("sqlite", Vault::create(home.path(), &new_token(), &rng::system).unwrap()),
    ];
    for (name, vault) in vaults {
        let keys = vault.unlock(USER, &pin()).unwrap();
        let records: Vec<_> = (0..1000).map(record).collect();
        let handles = vault.put(Some(&keys), &records, &rng::system).unwrap();
        let wanted = [b"object 500".to_vec()];
        bench(&mut room, &format!("{name}: load"), || vault.load(Some(&keys), handles[500]).unwrap());
        bench(&mut room, &format!("{name}: find among 1 000"), || vault.find(Some(&keys), &wanted).unwrap());
        bench(&mut room, &format!("{name}: put and remove"), || {
            let handles = vault.put(Some(&keys), &[record(1000)], &rng::system).unwrap();
            vault.remove(Some(&keys), &handles, &rng::system).unwrap();
        });
    }
}

fn new_token() -> NewToken {
    NewToken {
        label: [b' '; 32],
        slot: 0,
        created: 0,
        so_pin: pin(),
        user_pin: Some(pin()),
        kdf_iterations: 10,
        so_tries: 3,
        user_tries: 3,
        pin_min: 4,
        pin_max: 64,
    }
}

fn record(number: u32) -> Record {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_ne_bytes());
    let index = vec![format!("object {number}").into_bytes()];
    Record { handle: None, id, revision: 0, private: true, plain: vec![1; 300].into(), index }
}

fn emulation(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("emulation");
    let home = tempfile::tempdir().unwrap();
    let refusal = Rv::DataLenRange.because("33 bytes do not fit");
    for (name, emulation) in
        [("no trace", Emulation::new(None)), ("trace", Emulation::new(Some(&home.path().join("trace"))))]
    {
        bench(&mut room, &format!("{name}: a call that goes well"), || emulation.around("C_Sign", || Ok(())));
        bench(&mut room, &format!("{name}: a refusal"), || {
            emulation.around("C_Sign", || Err::<(), _>(refusal.clone()))
        });
    }
}

// ── object and mechanism ─────────────────────────────────────────────────────────────────────────────────────

fn object(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("object");
    let object = signing_key();
    let encoded = encoding::encode(object.attributes());
    let template = private_key_template();
    let sort = Sort { class: CKO_PRIVATE_KEY, kind: CKK_EC };
    let birth = Birth::Generate(CKM_EC_KEY_PAIR_GEN);
    bench(&mut room, "encode a private key", || encoding::encode(object.attributes()));
    bench(&mut room, "decode a private key", || encoding::decode(encoded.expose()).unwrap());
    bench(&mut room, "judge a template", || policy::judge(birth, sort, &template, false).unwrap());
}

fn mechanism(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("mechanism");
    let (object, emulation) = (signing_key(), Emulation::new(None));
    let (row, key) = (mechanism::find(CKM_ECDSA).unwrap(), object.key().unwrap());
    let begin = row.sign.unwrap();
    bench(&mut room, "find a row", || mechanism::find(black_box(CKM_ECDSA)).unwrap().id);
    bench(&mut room, "begin an ECDSA signature", || {
        begin(&Start { row, params: &Params::None, key, emulation: &emulation }).unwrap()
    });
}

fn p256() -> (Secret, Vec<u8>) {
    ec::generate(ec::Curve::P256, &mut rng::system).unwrap()
}

fn signing_key() -> Object {
    let (scalar, point) = p256();
    let sort = Sort { class: CKO_PRIVATE_KEY, kind: CKK_EC };
    let birth = Birth::Generate(CKM_EC_KEY_PAIR_GEN);
    let mut attributes: Attributes = policy::judge(birth, sort, &private_key_template(), false).unwrap();
    attributes.absorb(key::from_scalar(ec::Curve::P256, scalar, &point));
    Object::born(attributes, birth).unwrap()
}

fn private_key_template() -> Template {
    template(&[(CKA_TOKEN, &[1]), (CKA_SIGN, &[1]), (CKA_LABEL, b"signer"), (CKA_ID, b"signer")])
}

fn template(pairs: &[(CK_ATTRIBUTE_TYPE, &[u8])]) -> Template {
    pairs.iter().map(|(attribute, value)| (*attribute, Given::Bytes((*value).into()))).collect()
}

// ── token, session, api, abi ─────────────────────────────────────────────────────────────────────────────────

/// A token with a P-256 key and 1 000 data objects, and a session of its user. PINs have 1 000 rounds.
struct Scene {
    module: api::Module,
    slot: u64,
    session: u64,
    key: u64,
    home: TempDir,
}

impl Scene {
    fn new() -> Scene {
        let home = tempfile::tempdir().unwrap();
        let module = api::Module::start(Some(&settings(&home))).unwrap();
        let slot = module.slots(true, true).unwrap()[0];
        module.init_token(slot, &pin(), [b' '; 32]).unwrap();
        let session = module.open_session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION).unwrap();
        let call = module.session(session).unwrap();
        call.login(CKU_SO, Some(&pin())).and_then(|()| call.init_pin(Some(&pin()))).unwrap();
        call.logout().and_then(|()| call.login(CKU_USER, Some(&pin()))).unwrap();
        let public = template(&[(CKA_EC_PARAMS, ec::Curve::P256.params()), (CKA_VERIFY, &[1])]);
        let choice = plain(CKM_EC_KEY_PAIR_GEN);
        let (_, key) = call.generate_pair(&choice, &public, &private_key_template()).unwrap();
        let objects: Vec<_> = (0..1000).map(|number| (data(number), None)).collect();
        call.create_all(&objects, false).unwrap();
        drop(call);
        Scene { module, slot, session, key, home }
    }
}

fn settings(home: &TempDir) -> String {
    format!("dir={} kdf_iterations=1000", home.path().display())
}

fn pin() -> Secret {
    b"1234"[..].into()
}

fn plain(id: CK_MECHANISM_TYPE) -> Choice {
    Choice { id, params: Params::None }
}

fn data(number: u32) -> Template {
    let (class, label) = (CKO_DATA.to_ne_bytes(), format!("object {number}"));
    template(&[(CKA_CLASS, &class), (CKA_TOKEN, &[1]), (CKA_LABEL, label.as_bytes()), (CKA_VALUE, &[1; 100])])
}

fn token(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("token");
    let scene = Scene::new();
    let token = scene.module.slots_table().token(scene.slot).unwrap();
    let wanted = template(&[(CKA_LABEL, b"object 500")]);
    bench(&mut room, "object", || token.object(scene.key).unwrap());
    bench(&mut room, "find among 1 000", || token.find(&wanted).unwrap());
    bench(&mut room, "logout and login, 1 000 rounds", || {
        token.logout().and_then(|()| token.login(scene.session, User::User, "", &pin())).unwrap();
    });
}

fn session(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("session");
    let scene = Scene::new();
    let (table, token) = (Table::default(), scene.module.slots_table().token(scene.slot).unwrap());
    bench(&mut room, "open and close", || {
        let session = table.open(scene.slot, token.clone(), true).unwrap();
        table.close(session).unwrap();
    });
    let row = mechanism::find(CKM_SHA256).unwrap();
    let digest = row.digest.unwrap();
    bench(&mut room, "the machine: a digest of 32 bytes", || {
        let begun = digest(row, &Params::None).unwrap();
        let active = Active::new(begun, Origin { choice: plain(CKM_SHA256), key: None }, None, false);
        operation::single(&mut Some(active), &[1; 32], Room::Of(32)).unwrap()
    });
}

fn api(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("api");
    let scene = Scene::new();
    let choice = plain(CKM_ECDSA);
    bench(&mut room, "P-256 sign", || {
        let call = scene.module.session(scene.session).unwrap();
        call.begin(Kind::Sign, &choice, Some(scene.key)).unwrap();
        call.single(Kind::Sign, &[1; 32], Room::Of(64)).unwrap()
    });
    bench(&mut room, "read a label", || {
        let call = scene.module.session(scene.session).unwrap();
        call.attributes(scene.key, &[CKA_LABEL]).unwrap()
    });
}

fn abi(criterion: &mut Criterion) {
    let mut room = criterion.benchmark_group("abi");
    let Scene { home, slot, .. } = Scene::new();
    let settings = std::ffi::CString::new(settings(&home)).unwrap();
    let mut arguments =
        CK_C_INITIALIZE_ARGS { pReserved: settings.as_ptr().cast_mut().cast(), ..Default::default() };
    let (mut session, mut info, mut about) = (0, CK_INFO::default(), CK_SESSION_INFO::default());
    let initialize = V2_40.C_Initialize.unwrap();
    let (open, finalize) = (V2_40.C_OpenSession.unwrap(), V2_40.C_Finalize.unwrap());
    let (get_info, get_session_info) = (V2_40.C_GetInfo.unwrap(), V2_40.C_GetSessionInfo.unwrap());
    // SAFETY: every pointer is NULL or to a local that outlives the call (PKCS#11 v3.2 §5.1.1).
    unsafe {
        assert_eq!(initialize((&raw mut arguments).cast()), CKR_OK);
        assert_eq!(open(slot, CKF_SERIAL_SESSION, null_mut(), None, &raw mut session), CKR_OK);
        bench(&mut room, "C_GetInfo", || assert_eq!(get_info(&raw mut info), CKR_OK));
        bench(&mut room, "C_GetSessionInfo", || {
            assert_eq!(get_session_info(session, &raw mut about), CKR_OK);
        });
        assert_eq!(finalize(null_mut()), CKR_OK);
    }
}
