//! The envelope: keys derived from the token key, and what they seal, tag and sum.

use std::fmt;

use super::{Change, Fill, Id, MAX_ITERATIONS, Mark, NewRow, PinLock, Row, Seed, Tag, rows};
use crate::crypto::{hash::Hash, kdf, mac, mac::Hmac, seal::Sealer};
use crate::cryptoki::{Error, Result, Rv, Secret};

const NONCE: usize = 12;

/// What is derived, from which key, for what.
const SEAL: &str = "tokenkeep 1 seal rows";
const SEARCH: &str = "tokenkeep 1 search tags";
const VOUCH: &str = "tokenkeep 1 vouch for public rows";
const SUM: &str = "tokenkeep 1 sum of rows";
const SEAL_SUM: &str = "tokenkeep 1 seal the sum";

/// The keys of a token that somebody has unlocked. They end with the token's generation.
pub struct Keys {
    pub(super) generation: u64,
    pub(super) iterations: u32,
    token: Secret,
    private: Face,
    vouch: Secret,
    sum: Secret,
    seal_sum: Sealer,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys(generation {})", self.generation)
    }
}

/// What seals rows and makes their tags: one pair of keys for private rows, one for public ones.
pub(super) struct Face {
    place: Place,
    seal: Sealer,
    search: Secret,
}

/// The token and generation to which everything sealed is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub serial: String,
    pub generation: u64,
}

impl Place {
    pub fn of(seed: &Seed) -> Place {
        Place { serial: seed.serial.clone(), generation: seed.generation }
    }

    /// Unambiguous associated data: what it is, where, and its fields.
    fn aad(&self, kind: &str, fields: &[&[u8]]) -> Vec<u8> {
        let generation = self.generation.to_be_bytes();
        let mut aad = Vec::with_capacity(96);
        for part in [kind.as_bytes(), self.serial.as_bytes(), &generation].iter().chain(fields) {
            aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
            aad.extend_from_slice(part);
        }
        aad
    }

    fn pin_aad(&self, role: &str, iterations: u32) -> Vec<u8> {
        self.aad("pin", &[role.as_bytes(), &iterations.to_be_bytes()])
    }

    fn row_aad(&self, kind: &str, id: &Id, revision: u64, private: bool) -> Vec<u8> {
        self.aad(kind, &[id, &revision.to_be_bytes(), &[private.into()]])
    }

    fn derive(&self, key: &Secret, what: &str) -> Secret {
        kdf::hkdf_sha256(key, &self.aad("key", &[]), what.as_bytes(), 32)
    }

    /// The row is not what was written under these keys.
    pub fn changed(&self, handle: u64) -> Error {
        Rv::DeviceError
            .because(format!("row {handle} of token {} was changed outside Tokenkeep", self.serial))
    }
}

impl Face {
    fn of(place: Place, key: &Secret) -> Face {
        let (seal, search) = (Sealer::new(&place.derive(key, SEAL)), place.derive(key, SEARCH));
        Face { place, seal, search }
    }

    /// The keys that everybody can derive.
    pub fn public(seed: &Seed) -> Face {
        Face::of(Place::of(seed), &seed.public_secret)
    }

    pub fn generation(&self) -> u64 {
        self.place.generation
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The tag by which a row with that index string is found.
    pub fn tag(&self, index: &[u8]) -> Tag {
        let full = hmac(&self.search, &[index]);
        std::array::from_fn(|n| full.get(n).copied().unwrap_or_default())
    }

    /// A body: nonce, ciphertext, tag.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE],
        id: &Id,
        revision: u64,
        private: bool,
        plain: &Secret,
    ) -> Vec<u8> {
        let aad = self.place.row_aad("row", id, revision, private);
        sealed(&self.seal, nonce, &aad, plain)
    }

    /// What was sealed. Errors: `DeviceError` when the row is not as it was written, or not there.
    pub fn open(&self, row: &Row) -> Result<Secret> {
        let aad = self.place.row_aad("row", &row.id, row.revision, row.private);
        opened(&self.seal, &aad, &row.body).ok_or_else(|| self.place.changed(row.handle))
    }
}

impl Keys {
    /// Derives the keys of a token from its token key; `iterations` is what guarded it.
    pub(super) fn derive(token: Secret, place: Place, iterations: u32) -> Keys {
        Keys {
            generation: place.generation,
            iterations,
            vouch: place.derive(&token, VOUCH),
            sum: place.derive(&token, SUM),
            seal_sum: Sealer::new(&place.derive(&token, SEAL_SUM)),
            private: Face::of(place, &token),
            token,
        }
    }

    /// The keys of private rows.
    pub(super) fn face(&self) -> &Face {
        &self.private
    }

    /// A lock on the token key for a role's new PIN.
    pub(super) fn lock(&self, role: &str, pin: &Secret, iterations: u32, fill: &Fill) -> Result<PinLock> {
        let (mut salt, mut nonce) = ([0; 16], [0; NONCE]);
        fill(&mut salt)?;
        fill(&mut nonce)?;
        let sealer = Sealer::new(&kdf::pbkdf2_sha256(pin, &salt, iterations));
        let wrapped = sealed(&sealer, &nonce, &self.private.place.pin_aad(role, iterations), &self.token);
        Ok(PinLock { salt, iterations, wrapped })
    }

    /// The keys behind a lock. Slow on purpose. Errors: `PinIncorrect`; `DeviceError` on an impossible lock.
    pub(super) fn unlock(place: Place, role: &str, pin: &Secret, lock: &PinLock) -> Result<Keys> {
        if lock.iterations == 0 || lock.iterations > MAX_ITERATIONS {
            let why = format!(
                "the PIN of {role} has {} KDF iterations: changed outside Tokenkeep",
                lock.iterations
            );
            return Err(Rv::DeviceError.because(why));
        }
        let sealer = Sealer::new(&kdf::pbkdf2_sha256(pin, &lock.salt, lock.iterations));
        let token = opened(&sealer, &place.pin_aad(role, lock.iterations), &lock.wrapped);
        let token = token.ok_or_else(|| Rv::PinIncorrect.because(format!("not the PIN of {role}")))?;
        Ok(Keys::derive(token, place, lock.iterations))
    }

    /// The second tag of a public row.
    pub(super) fn vouch(&self, id: &Id, revision: u64, body: &[u8]) -> Vec<u8> {
        hmac(&self.vouch, &[&self.private.place.row_aad("vouch", id, revision, false), body])
    }

    /// Was the row vouched for with these keys? False when it was not vouched for at all.
    /// Errors: `DeviceError` when the vouch is wrong.
    pub(super) fn vouched(&self, row: &Row) -> Result<bool> {
        match &row.vouch {
            None => Ok(false),
            Some(vouch) if mac::equal(vouch, &self.vouch(&row.id, row.revision, &row.body)) => Ok(true),
            Some(_) => Err(self.private.place.changed(row.handle)),
        }
    }

    /// The digest of the rows after a batch.
    pub(super) fn amend(
        &self,
        digest: &[u8],
        changes: &[Change],
        before: &[Option<Mark>],
        nonce: &[u8; NONCE],
    ) -> Result<Vec<u8>> {
        let mut sum = self.open_sum(digest)?;
        for (change, old) in changes.iter().zip(before) {
            if let Some(old) = old.as_ref().filter(|old| old.counted()) {
                sum.take(self, &old.item());
            }
            match change {
                Change::Insert(row) | Change::Replace { row, .. } => sum.put_mark(self, &Mark::from(row)),
                Change::Vouch { .. } => {
                    let vouched = old.clone().map(|old| Mark { vouched: true, ..old });
                    vouched.iter().for_each(|mark| sum.put_mark(self, mark));
                }
                Change::Forget { item } => sum.take(self, item),
                Change::Remove { .. } => {}
            }
        }
        Ok(self.seal_sum(&sum, nonce))
    }

    /// The sum in a sealed digest. Errors: `DeviceError` when it was not sealed with these keys.
    pub(super) fn open_sum(&self, digest: &[u8]) -> Result<Sum> {
        let place = &self.private.place;
        let sum =
            opened(&self.seal_sum, &place.aad("sum", &[]), digest).and_then(|plain| Sum::of(plain.expose()));
        sum.ok_or_else(|| {
            Rv::DeviceError
                .because(format!("the digest of token {} was changed outside Tokenkeep", place.serial))
        })
    }

    /// A sum, sealed.
    pub(super) fn seal_sum(&self, sum: &Sum, nonce: &[u8; NONCE]) -> Vec<u8> {
        sealed(&self.seal_sum, nonce, &self.private.place.aad("sum", &[]), &sum.bytes().into())
    }
}

/// The digest of a set of rows: the exclusive or of a keyed hash of each, and how many they are.
///
/// Ids are unique, so the elements are; nobody without the key knows a hash or the sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    hash: [u8; 32],
    count: u64,
}

impl Sum {
    /// With one element more.
    pub fn put(&mut self, keys: &Keys, item: &[u8]) {
        self.turn(keys, item);
        self.count = self.count.wrapping_add(1);
    }

    /// With one element less.
    pub fn take(&mut self, keys: &Keys, item: &[u8]) {
        self.turn(keys, item);
        self.count = self.count.wrapping_sub(1);
    }

    /// With that row, if it counts.
    pub fn put_mark(&mut self, keys: &Keys, mark: &Mark) {
        if mark.counted() {
            self.put(keys, &mark.item());
        }
    }

    fn turn(&mut self, keys: &Keys, item: &[u8]) {
        let hash = hmac(&keys.sum, &[item]);
        self.hash.iter_mut().zip(hash).for_each(|(sum, byte)| *sum ^= byte);
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.hash[..], &self.count.to_be_bytes()].concat()
    }

    fn of(bytes: &[u8]) -> Option<Sum> {
        let (hash, count) = bytes.split_first_chunk::<32>()?;
        Some(Sum { hash: *hash, count: u64::from_be_bytes(count.try_into().ok()?) })
    }
}

/// A sealed row for the store: tags under the row's own search key, vouched for when it is public and there
/// are keys.
pub(super) fn seal_row(
    keys: Option<&Keys>,
    public: &Face,
    record: &super::Record,
    nonce: &[u8; NONCE],
) -> Result<NewRow> {
    let face = match (record.private, keys) {
        (false, _) => public,
        (true, Some(keys)) => keys.face(),
        (true, None) => return Err(Rv::UserNotLoggedIn.because("a private object needs a login")),
    };
    let revision = record.revision.checked_add(1);
    let revision = revision.ok_or_else(|| Rv::DeviceMemory.because("the object has no revision left"))?;
    let body = face.seal(nonce, &record.id, revision, record.private, &record.plain);
    let vouch = keys.filter(|_| !record.private).map(|keys| keys.vouch(&record.id, revision, &body));
    let tags = record.index.iter().map(|index| face.tag(index)).collect();
    Ok(NewRow { id: record.id, revision, private: record.private, body, vouch, tags })
}

/// Refuses keys of an earlier initialisation.
pub(super) fn same(keys: &Keys, generation: u64) -> Result<()> {
    match keys.generation == generation {
        true => Ok(()),
        false => Err(rows::renewed()),
    }
}

fn hmac(key: &Secret, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::new(Hash::Sha256, key);
    parts.iter().for_each(|part| mac.update(part));
    mac.finish()
}

fn sealed(sealer: &Sealer, nonce: &[u8; NONCE], aad: &[u8], plain: &Secret) -> Vec<u8> {
    let mut out = nonce.to_vec();
    out.extend(sealer.seal(nonce, aad, plain.expose()));
    out
}

fn opened(sealer: &Sealer, aad: &[u8], sealed: &[u8]) -> Option<Secret> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    sealer.open(nonce, aad, rest).ok()
}
