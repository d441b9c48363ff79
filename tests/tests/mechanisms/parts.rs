//! One law for every mechanism that takes data: in parts, wherever they are cut, it does what it does in one.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tests::{Rv, Safe, Template, given, ids::*, keys, template};
use tokenkeep::api::{Call, Kind};
use tokenkeep::cryptoki::{Reply, Room};
use tokenkeep::mechanism::hashes::HASHES;
use tokenkeep::mechanism::{self, Choice, Mechanism, Params, Shape};
use tokenkeep::object::Given;

/// Room enough for any answer here.
const ROOM: Room = Room::Of(100_000);
/// Cuts of the data into parts are tried so often.
const CASES: u32 = 6;

const ED25519: &[u8; 5] = b"\x06\x03\x2b\x65\x70";

/// A public and a private key, or a secret one twice.
type Pair = (u64, u64);

/// A key of each type, made once.
struct Keys<'a> {
    call: Call<'a>,
    made: HashMap<CK_KEY_TYPE, Pair>,
}

impl Keys<'_> {
    fn of(&mut self, kind: CK_KEY_TYPE) -> Pair {
        if let Some(pair) = self.made.get(&kind) {
            return *pair;
        }
        let pair = match kind {
            CKK_RSA => self.known(keys::rsa_public(), keys::rsa_private()),
            CKK_EC => self.known(keys::ec_public(), keys::ec_private()),
            CKK_EC_EDWARDS => self.pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, template![CKA_EC_PARAMS => ED25519]),
            CKK_ML_DSA => self.pair(CKM_ML_DSA_KEY_PAIR_GEN, set(CKP_ML_DSA_44)),
            CKK_SLH_DSA => self.pair(CKM_SLH_DSA_KEY_PAIR_GEN, set(CKP_SLH_DSA_SHA2_128F)),
            CKK_DSA => {
                let size = template![CKA_PRIME_BITS => 1024 as CK_ULONG];
                let choice = Choice { id: CKM_DSA_PARAMETER_GEN, params: Params::None };
                let group = self.call.generate(&choice, &given(&size)).expect("a group");
                let types = [CKA_PRIME, CKA_SUBPRIME, CKA_BASE];
                let read = self.call.attributes(group, &types).expect("its numbers");
                let numbers = types.into_iter().zip(read).map(|(attribute, value)| match value {
                    Ok(Given::Bytes(bytes)) => (attribute, bytes.expose().to_vec()),
                    other => panic!("{other:?}"),
                });
                self.pair(
                    CKM_DSA_KEY_PAIR_GEN,
                    numbers.fold(template![], |all, (a, bytes)| all.also(a, bytes)),
                )
            }
            kind => {
                let create =
                    |len: &usize| self.call.create(&given(&keys::secret(kind, &vec![0x6b; *len]))).ok();
                let key = [32, 16, 24, 8].iter().find_map(create).expect("a secret key");
                (key, key)
            }
        };
        self.made.insert(kind, pair);
        pair
    }

    fn known(&self, public: Template, private: Template) -> Pair {
        let create = |template| self.call.create(&given(&template)).expect("a key");
        (create(public), create(private))
    }

    fn pair(&self, id: CK_MECHANISM_TYPE, public: Template) -> Pair {
        let choice = Choice { id, params: Params::None };
        self.call.generate_pair(&choice, &given(&public), &given(&template![])).expect("a key pair")
    }
}

fn set(number: CK_ULONG) -> Template {
    template![CKA_PARAMETER_SET => number]
}

/// A good parameter for data of that length.
fn params(row: &Mechanism, len: usize) -> Params {
    let named = HASHES.iter().find(|named| Some(named.hash) == row.hash);
    let hash = named.map_or(CKM_SHA256, |named| named.digest);
    let mgf = named.and_then(|named| named.mgf).unwrap_or(CKG_MGF1_SHA256);
    match row.shape {
        Shape::None | Shape::Eddsa | Shape::SignContext => Params::None,
        Shape::Iv(len) | Shape::OptionalIv(len) => Params::Iv(vec![3; len]),
        Shape::Pss => Params::Pss { hash, mgf, salt: 20 },
        Shape::Oaep => Params::Oaep { hash, mgf, label: Vec::new() },
        Shape::HashSignContext => {
            Params::SignContext { hedge: CKH_HEDGE_PREFERRED, context: Vec::new(), hash: Some(CKM_SHA256) }
        }
        Shape::Ctr => Params::Ctr { bits: 64, counter: [0xfe; 16] },
        Shape::Gcm => Params::Gcm { iv: vec![1; 12], aad: vec![2; 7], tag_bits: 128 },
        Shape::Ccm => Params::Ccm { len, nonce: vec![1; 12], aad: vec![2; 7], tag: 16 },
        Shape::ChaCha20 => Params::ChaCha20 { bits: 32, counter: 1, nonce: vec![5; 12] },
        Shape::ChaCha20Poly1305 => Params::ChaCha20Poly1305 { nonce: vec![5; 12], aad: vec![6; 9] },
        Shape::MacGeneral => Params::MacGeneral(4),
        Shape::TlsMac => Params::TlsMac { prf: CKM_SHA256, len: 12, server: true },
        shape => panic!("{}: no parameter for {shape:?}", row.name()),
    }
}

/// Lengths that some mechanism wants just so, beside any.
const LENGTHS: [usize; 8] = [0, 1, 16, 20, 32, 48, 240, 256];

type Answer = Result<Vec<u8>, Rv>;

fn bytes(reply: tokenkeep::cryptoki::Result<Reply>) -> Answer {
    match reply {
        Ok(Reply::Data(data)) => Ok(data.expose().to_vec()),
        Ok(reply) => panic!("{reply:?}"),
        Err(error) => Err(error.rv()),
    }
}

/// One mechanism at work on a session.
struct Work<'a, 'b> {
    call: &'a Call<'b>,
    row: &'static Mechanism,
    params: Params,
    keys: Pair,
}

impl Work<'_, '_> {
    fn begin(&self, kind: Kind) {
        let (public, private) = self.keys;
        let key = match kind {
            Kind::Digest => None,
            Kind::Encrypt | Kind::Verify => Some(public),
            _ => Some(private),
        };
        let choice = Choice { id: self.row.id, params: self.params.clone() };
        self.call.begin(kind, &choice, key).unwrap_or_else(|error| panic!("{}: {error}", self.row.name()));
    }

    fn whole(&self, kind: Kind, data: &[u8]) -> Answer {
        self.begin(kind);
        bytes(self.call.single(kind, data, ROOM))
    }

    fn parts(&self, kind: Kind, parts: &[&[u8]]) -> Answer {
        self.begin(kind);
        let mut out = Vec::new();
        for part in parts {
            out.extend(bytes(self.call.update(kind, part, ROOM))?);
        }
        out.extend(bytes(self.call.finish(kind, ROOM))?);
        Ok(out)
    }

    fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> Result<(), Rv> {
        self.begin(Kind::Verify);
        let absorbed = parts.iter().try_for_each(|part| self.call.update(Kind::Verify, part, ROOM).map(drop));
        absorbed.and_then(|()| self.call.verify_final(signature)).map_err(|error| error.rv())
    }

    fn verify_whole(&self, data: &[u8], signature: &[u8]) -> Result<(), Rv> {
        self.begin(Kind::Verify);
        self.call.verify(data, signature).map_err(|error| error.rv())
    }

    /// What is always the same is the same in parts; what has randomness in it is undone the same way.
    fn is_one(&self, kind: Kind, data: &[u8], cut: impl Fn(usize) -> Vec<usize>) {
        let say = |what: &str| format!("{kind:?} {} of {} bytes: {what}", self.row.name(), data.len());
        let (whole, again) = (self.whole(kind, data), self.whole(kind, data));
        let split = self.parts(kind, &pieces(data, &cut(data.len())));
        let (Ok(one), Ok(two)) = (&whole, &split) else {
            return assert_eq!(whole, split, "{}", say("refused alike"));
        };
        if whole == again {
            assert_eq!(one, two, "{}", say("the same in parts"));
        }
        for made in [one, two] {
            match kind {
                Kind::Sign => {
                    assert_eq!(
                        self.verify(&pieces(data, &cut(data.len())), made),
                        Ok(()),
                        "{}",
                        say("verified")
                    );
                    assert_eq!(self.verify_whole(data, made), Ok(()), "{}", say("verified in one"));
                }
                Kind::Encrypt => {
                    let text = self.parts(Kind::Decrypt, &pieces(made, &cut(made.len())));
                    assert_eq!(text, self.whole(Kind::Decrypt, made), "{}", say("decrypted alike"));
                    let text = text.unwrap_or_else(|rv| panic!("{}", say(&format!("{rv:?}"))));
                    let start = text.len() - data.len();
                    assert_eq!(&text[start..], data, "{}", say("decrypted"));
                }
                _ => {}
            }
        }
    }
}

/// The data cut at these places.
fn pieces<'a>(data: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let ends = cuts.iter().copied().chain([data.len()]);
    ends.scan(0, |start, end| {
        let piece = &data[*start..end];
        *start = end;
        Some(piece)
    })
    .collect()
}

/// Places in data of that length, as fractions say.
fn places(fractions: &[f64], len: usize) -> Vec<usize> {
    let mut places: Vec<_> = fractions.iter().map(|at| (at * len as f64) as usize).collect();
    places.sort_unstable();
    places
}

fn every_row_keeps_the_law(kind: Kind, offers: impl Fn(&Mechanism) -> bool) -> usize {
    let safe = Safe::new();
    let mut keys = Keys { call: safe.call(), made: HashMap::new() };
    let call = safe.call();
    let mut done = 0;
    for row in mechanism::all().filter(|row| offers(row) && row.shape != Shape::Otp) {
        let pair = row.keys.first().map_or((0, 0), |kind| keys.of(*kind));
        // One good length at least, or nothing was tried.
        let mut worked = 0;
        let mut runner = TestRunner::new(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(if row.keys == [CKK_SLH_DSA] { 1 } else { CASES })
        });
        let lengths = prop_oneof![prop::sample::select(&LENGTHS[..]), 0..400_usize];
        let cuts = prop::collection::vec(0.0..1.0, 0..6);
        let tried = runner.run(&(lengths, cuts), |(len, fractions)| {
            let data: Vec<u8> = (0..len).map(|at| (at * 7 + 1) as u8 & 0x7f).collect();
            let work = Work { call: &call, row, params: params(row, len), keys: pair };
            work.is_one(kind, &data, |len| places(&fractions, len));
            Ok(())
        });
        tried.unwrap_or_else(|error| panic!("{}: {error}", row.name()));
        for len in LENGTHS {
            let data: Vec<u8> = (0..len).map(|at| (at * 7 + 1) as u8 & 0x7f).collect();
            let work = Work { call: &call, row, params: params(row, len), keys: pair };
            worked += usize::from(work.whole(kind, &data).is_ok());
            if worked == 1 {
                work.is_one(kind, &data, |len| places(&[0.1, 0.3, 0.35, 0.9], len));
            }
        }
        assert!(worked > 0, "{} did nothing with data of {LENGTHS:?} bytes", row.name());
        done += 1;
    }
    done
}

#[test]
fn encryption_and_decryption_in_parts_are_those_in_one() {
    assert!(every_row_keeps_the_law(Kind::Encrypt, |row| row.encrypt.is_some()) > 25);
}

#[test]
fn signatures_in_parts_are_those_in_one() {
    assert!(every_row_keeps_the_law(Kind::Sign, |row| row.sign.is_some()) > 90);
}

#[test]
fn digests_in_parts_are_those_in_one() {
    assert!(every_row_keeps_the_law(Kind::Digest, |row| row.digest.is_some()) > 10);
}
