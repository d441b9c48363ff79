//! The vault: a token as the upper rooms see it, with plain records, PINs that unlock, and a search.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::envelope::{self, Face, Place};
use super::memory::MemoryStore;
use super::sqlite::SqliteStore;
use super::*;

/// What a new token is made from.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// 32 bytes, padded by the caller.
    pub label: [u8; 32],
    /// Where it stays.
    pub slot: u64,
    /// Seconds since 1970.
    pub created: u64,
    /// Of the security officer.
    pub so_pin: Secret,
    /// Of the user, when it has one from the beginning.
    pub user_pin: Option<Secret>,
    /// PBKDF2 iterations, from 1 to [`MAX_ITERATIONS`].
    pub kdf_iterations: u32,
    /// Wrong SO PINs until it is locked, at least 1.
    pub so_tries: u32,
    /// Wrong user PINs until it is locked, at least 1.
    pub user_tries: u32,
    /// The shortest PIN; for the upper room to enforce.
    pub pin_min: usize,
    /// The longest PIN.
    pub pin_max: usize,
}

/// An object to be written.
#[derive(Clone, Debug)]
pub struct Record {
    /// Of the object that it replaces.
    pub handle: Option<u64>,
    /// Random, and for ever: the same when it replaces.
    pub id: Id,
    /// The revision that was read, 0 for a new object. The row gets one more.
    pub revision: u64,
    /// Sealed under the token key, and hidden from those who have not got it.
    pub private: bool,
    /// What to seal.
    pub plain: Secret,
    /// What it can be found by: strings of the upper room.
    pub index: Vec<Vec<u8>>,
}

/// An object that was read.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Where it is.
    pub handle: u64,
    /// Its name for ever.
    pub id: Id,
    /// From 1.
    pub revision: u64,
    /// See [`Record::private`].
    pub private: bool,
    /// What was sealed.
    pub plain: Secret,
    /// Is it known that somebody with the token key wrote it? True for private rows, and for public ones whose
    /// vouch was checked; never without keys.
    pub vouched: bool,
}

/// One token.
pub struct Vault {
    pub(super) store: Arc<dyn Store>,
    public: Mutex<Arc<Face>>,
}

impl Vault {
    /// Makes a token file under a random serial. Errors: those of [`Store`]; `ArgumentsBad` on impossible numbers.
    pub fn create(dir: &Path, new: &NewToken, fill: &Fill) -> Result<Vault> {
        Vault::on(Arc::new(SqliteStore::create(dir, &first(new, fill)?)?))
    }

    /// A token that is nowhere but here.
    pub fn in_memory(new: &NewToken, fill: &Fill) -> Result<Vault> {
        Vault::on(Arc::new(MemoryStore::create(&first(new, fill)?)))
    }

    /// Opens a token file. Errors: those of [`SqliteStore::open`].
    pub fn open(path: &Path) -> Result<Vault> {
        Vault::on(Arc::new(SqliteStore::open(path)?))
    }

    /// A vault on any store.
    pub fn on(store: Arc<dyn Store>) -> Result<Vault> {
        let public = Mutex::new(Arc::new(Face::public(&store.seed()?)));
        Ok(Vault { store, public })
    }

    /// The sealed rows below, for what needs no key: settings, label, slot, snapshot, presence, deletion.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// What everybody may know.
    pub fn header(&self) -> Result<Header> {
        self.store.header()
    }

    /// Another number after any change by any process.
    pub fn freshness(&self) -> Result<u64> {
        self.store.freshness()
    }

    /// Tries a PIN. The try is spent, on the disk, before the KDF begins, and given back on success; no
    /// transaction is held while it runs. Processes take turns, so that those who know the PIN do not use up
    /// each other's tries.
    ///
    /// Errors: `PinIncorrect`, `PinLocked`, `UserPinNotInitialized`, those of [`Store`].
    pub fn unlock(&self, role: &str, pin: &Secret) -> Result<Keys> {
        let _turn = self.store.turn()?;
        let lock = self.store.debit(role)?;
        let place = self.renew()?.place().clone();
        let keys = Keys::unlock(place, role, pin, &lock)?;
        self.store.credit(role, &lock)?;
        Ok(keys)
    }

    /// A new PIN for a role, with a full counter; `tries` as before when none. The KDF has at least as many
    /// iterations as the one that gave `keys`, whatever the file says.
    pub fn set_pin(
        &self,
        keys: &Keys,
        role: &str,
        pin: &Secret,
        tries: Option<u32>,
        fill: &Fill,
    ) -> Result<()> {
        let iterations = sound(self.store.header()?.kdf_iterations.max(keys.iterations))?;
        let lock = keys.lock(role, pin, iterations, fill)?;
        self.store.put_pin(keys.generation, role, &lock, tries)
    }

    /// The role has no PIN any more, and nobody can unlock by it. Errors: `UserPinNotInitialized`.
    pub fn remove_pin(&self, keys: &Keys, role: &str) -> Result<()> {
        self.store.remove_pin(keys.generation, role)
    }

    /// Initialises the token again: everything goes, also the user's PIN and the token key. The caller has
    /// checked the old SO PIN.
    pub fn reset(&self, so_pin: &Secret, label: &[u8; 32], fill: &Fill) -> Result<()> {
        let mut header = self.store.header()?;
        header.label = *label;
        header.generation = header.generation.wrapping_add(1);
        self.store.reset(&genesis(header, so_pin, None, fill)?)?;
        self.renew().map(drop)
    }

    /// Writes a batch: all of it, or nothing. Answers the handles, in order.
    ///
    /// Errors: `UserNotLoggedIn` (a private record without keys), `ObjectHandleInvalid`, `FunctionFailed` (the
    /// object has another revision by now), those of [`Store`].
    pub fn put(&self, keys: Option<&Keys>, records: &[Record], fill: &Fill) -> Result<Vec<u64>> {
        let public = self.face_for(keys)?;
        let changes = records.iter().map(|record| {
            let mut nonce = [0; 12];
            fill(&mut nonce)?;
            let row = envelope::seal_row(keys, &public, record, &nonce)?;
            Ok(record.handle.map_or(Change::Insert(row.clone()), |handle| Change::Replace { handle, row }))
        });
        self.change(keys, public.generation(), &changes.collect::<Result<Vec<_>>>()?, fill)
    }

    /// Removes a batch: all of it, or nothing. Errors: as [`Vault::put`].
    pub fn remove(&self, keys: Option<&Keys>, handles: &[u64], fill: &Fill) -> Result<()> {
        let changes: Vec<Change> = handles.iter().map(|&handle| Change::Remove { handle }).collect();
        self.change(keys, self.face_for(keys)?.generation(), &changes, fill).map(drop)
    }

    /// Reads an object; none when it is not there, or private and there are no keys.
    ///
    /// Errors: `DeviceError` when it was changed outside, `DeviceRemoved` when the keys are of an earlier
    /// initialisation.
    pub fn load(&self, keys: Option<&Keys>, handle: u64) -> Result<Option<Opened>> {
        let Some(row) = self.store.load(handle)? else { return Ok(None) };
        let (plain, vouched) = match (row.private, keys) {
            (true, None) => return Ok(None),
            (true, Some(keys)) => {
                envelope::same(keys, row.generation)?;
                (keys.face().open(&row)?, true)
            }
            (false, keys) => {
                let plain = self.face(row.generation)?.open(&row)?;
                let keys =
                    keys.map(|keys| envelope::same(keys, row.generation).map(|()| keys)).transpose()?;
                (plain, keys.map_or(Ok(false), |keys| keys.vouched(&row))?)
            }
        };
        let Row { handle, id, revision, private, .. } = row;
        Ok(Some(Opened { handle, id, revision, private, plain, vouched }))
    }

    /// Revision and privacy of an object, to see whether what was loaded is still good.
    pub fn head(&self, handle: u64) -> Result<Option<(u64, bool)>> {
        self.store.head(handle)
    }

    /// Handles, and privacy, of the objects that have all those index strings (the most selective first), ascending: public
    /// ones, and private ones when there are keys. All objects when there are no strings.
    ///
    /// A hint, as fast as an index: compare what you load. Errors: `DeviceRemoved`, those of [`Store`].
    pub fn find(&self, keys: Option<&Keys>, index: &[Vec<u8>]) -> Result<Vec<(u64, bool)>> {
        let mut public = self.public();
        let mut found = self.store.find(&tags(&public, index), false)?;
        while found.generation != public.generation() {
            public = self.renew()?;
            found = self.store.find(&tags(&public, index), false)?;
        }
        let mut rows: Vec<(u64, bool)> = found.handles.into_iter().map(|handle| (handle, false)).collect();
        if let Some(keys) = keys {
            let private = self.store.find(&tags(keys.face(), index), true)?;
            envelope::same(keys, private.generation)?;
            rows.extend(private.handles.into_iter().map(|handle| (handle, true)));
            rows.sort_unstable();
        }
        Ok(rows)
    }

    /// Sends a batch to the store, with the digest when there are keys. Randomness is drawn before: nothing is
    /// called from within the transaction.
    pub(super) fn change(
        &self,
        keys: Option<&Keys>,
        generation: u64,
        changes: &[Change],
        fill: &Fill,
    ) -> Result<Vec<u64>> {
        let Some(keys) = keys else { return self.store.write(generation, changes, None) };
        let mut nonce = [0; 12];
        fill(&mut nonce)?;
        let amend = |digest: &[u8], before: &[Option<Mark>]| keys.amend(digest, changes, before, &nonce);
        self.store.write(generation, changes, Some(&amend))
    }

    /// The public keys that go with a change: those of the keys' generation, or else of the present one.
    fn face_for(&self, keys: Option<&Keys>) -> Result<Arc<Face>> {
        match keys {
            Some(keys) => self.face(keys.generation),
            None => self.renew(),
        }
    }

    /// The public keys of a generation.
    pub(super) fn face(&self, generation: u64) -> Result<Arc<Face>> {
        let known = self.public();
        let face = if known.generation() == generation { known } else { self.renew()? };
        match face.generation() == generation {
            true => Ok(face),
            false => Err(rows::renewed()),
        }
    }

    fn public(&self) -> Arc<Face> {
        self.public.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The public keys as the store has them now: another process may have initialised the token again.
    fn renew(&self) -> Result<Arc<Face>> {
        let seed = self.store.seed()?;
        let mut public = self.public.lock().unwrap_or_else(PoisonError::into_inner);
        if *public.place() != Place::of(&seed) {
            *public = Arc::new(Face::public(&seed));
        }
        Ok(public.clone())
    }
}

fn tags(face: &Face, index: &[Vec<u8>]) -> Vec<Tag> {
    index.iter().map(|string| face.tag(string)).collect()
}

fn first(new: &NewToken, fill: &Fill) -> Result<Genesis> {
    if new.so_tries == 0 || new.user_tries == 0 {
        return Err(Rv::ArgumentsBad.because("a PIN needs at least one try"));
    }
    let mut serial = [0; 8];
    fill(&mut serial)?;
    let header = Header {
        serial: serial.iter().map(|byte| format!("{byte:02X}")).collect(),
        label: new.label,
        slot: new.slot,
        generation: 1,
        created: new.created,
        kdf_iterations: new.kdf_iterations,
        pin_min: new.pin_min,
        pin_max: new.pin_max,
        so_tries: new.so_tries,
        user_tries: new.user_tries,
        pins: Vec::new(),
    };
    genesis(header, &new.so_pin, new.user_pin.as_ref(), fill)
}

/// A token key and a public secret that nobody had before, and the locks on the key.
fn genesis(header: Header, so_pin: &Secret, user_pin: Option<&Secret>, fill: &Fill) -> Result<Genesis> {
    let iterations = sound(header.kdf_iterations)?;
    let (mut token, mut public_secret, mut nonce) = (Secret::zeroed(32), [0; 32], [0; 12]);
    fill(token.expose_mut())?;
    fill(&mut public_secret)?;
    fill(&mut nonce)?;
    let place = Place { serial: header.serial.clone(), generation: header.generation };
    let keys = Keys::derive(token, place, iterations);
    let mut pins = Vec::new();
    for (role, pin) in [(SO, Some(so_pin)), (USER, user_pin)] {
        if let Some(pin) = pin {
            pins.push((role.to_owned(), keys.lock(role, pin, iterations, fill)?));
        }
    }
    Ok(Genesis { digest: keys.seal_sum(&Default::default(), &nonce), header, public_secret, pins })
}

fn sound(iterations: u32) -> Result<u32> {
    match iterations {
        1..=MAX_ITERATIONS => Ok(iterations),
        _ => {
            Err(Rv::ArgumentsBad
                .because(format!("{iterations} KDF iterations, expected 1 to {MAX_ITERATIONS}")))
        }
    }
}
