//! The token in a file: sealed rows with tags, PIN counters, and a digest that covers the set; no PKCS#11 here.
//!
//! ```text
//!   Vault        plain records, PINs, verification    vault.rs, verify.rs
//!     │ Keys     derivation, sealing, tags, digest     envelope.rs
//!   Store        rows, transactions, counters          this file: the trait and its words
//!     ├ SqliteStore   one file per token               sqlite.rs, rows.rs; file.rs makes, finds and opens files
//!     └ MemoryStore   the same law without a file      memory.rs
//!   pulse        whether anything changed               pulse.rs
//!   gate         fork: nobody inside SQLite            gate.rs
//!   draft        what is being made, out of sight       draft.rs
//! ```
//!
//! What the layers promise: a row's body opens only at its own place (token, generation, id, revision, private
//! or not); a set of rows is whole when its digest fits ([`Vault::verify`]); the answer of a search is a hint
//! (the search table is covered by the digest, not by each row's seal), so whoever needs certainty compares
//! what it loads. Copying an older file over a newer one cannot be seen from within the file.

mod draft;
pub mod envelope;
mod fault;
mod file;
pub mod gate;
pub mod memory;
mod pulse;
mod rows;
pub mod sqlite;
pub mod vault;
pub mod verify;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::cryptoki::{Result, Rv, Secret};

pub use draft::{Draft, Over, parent, reveal};
pub use envelope::Keys;
pub use file::{make_dir, scan};
pub use gate::abandon_inherited;
pub use vault::{NewToken, Opened, Record, Vault};
pub use verify::Report;

/// Where random bytes come from: the caller, since a test may want to repeat them.
pub type Fill<'a> = dyn Fn(&mut [u8]) -> Result<()> + Sync + 'a;

/// What names an object for ever: random, chosen by the caller.
pub type Id = [u8; 16];

/// A keyed hash by which rows are found.
pub type Tag = [u8; 16];

/// The role of the security officer; every token has it.
pub const SO: &str = "so";

/// The role of the ordinary user.
pub const USER: &str = "user";

/// The largest number of KDF iterations that is believed: a minute or so. More is a damaged file.
pub const MAX_ITERATIONS: u32 = 100_000_000;

/// What everybody may know of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// 16 upper-case hexadecimal digits.
    pub serial: String,
    /// As PKCS#11 wants it: 32 bytes, padded by the caller.
    pub label: [u8; 32],
    /// The slot in which the token stays.
    pub slot: u64,
    /// How often it was initialised, from 1.
    pub generation: u64,
    /// Seconds since 1970, as the creator said.
    pub created: u64,
    /// For PINs to come; each PIN row knows its own.
    pub kdf_iterations: u32,
    /// The shortest PIN in bytes; for the upper room to enforce.
    pub pin_min: usize,
    /// The longest PIN in bytes.
    pub pin_max: usize,
    /// Wrong SO PINs in a row until it is locked.
    pub so_tries: u32,
    /// The same for the user and for named users.
    pub user_tries: u32,
    /// Who has a PIN, by role.
    pub pins: Vec<PinState>,
}

impl Header {
    /// The PIN of that role, when it has one.
    pub fn pin(&self, role: &str) -> Option<&PinState> {
        self.pins.iter().find(|pin| pin.role == role)
    }
}

/// How it stands with a PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinState {
    /// `so`, `user`, or what the upper room calls a named user.
    pub role: String,
    /// 0 is locked; less than `tries_max` means that a try has failed since the last success.
    pub tries_left: u32,
    /// Where the counter starts.
    pub tries_max: u32,
    /// Somebody else chose it.
    pub to_be_changed: bool,
}

/// A PIN's lock: what a try needs, and what a new PIN stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinLock {
    /// For the KDF; fresh for each PIN.
    pub salt: [u8; 16],
    /// For the KDF.
    pub iterations: u32,
    /// Nonce and sealed token key.
    pub wrapped: Vec<u8>,
}

/// What a token starts with, the first time and each time it is initialised again.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// Its `pins` are ignored; its `generation` must be the one before plus one (1 for a new file).
    pub header: Header,
    /// From which the keys of public rows are derived.
    pub public_secret: [u8; 32],
    /// The sealed digest of no rows.
    pub digest: Vec<u8>,
    /// Roles with their locks; the counters come from the header.
    pub pins: Vec<(String, PinLock)>,
}

/// What the keys of public rows are derived from.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Of the token.
    pub serial: String,
    /// Of the token.
    pub generation: u64,
    /// 32 random bytes that everybody can read.
    pub public_secret: Secret,
}

/// A stored row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The token's generation when the row was read.
    pub generation: u64,
    /// Never used twice in a token, also after it was initialised again.
    pub handle: u64,
    /// See [`Id`].
    pub id: Id,
    /// From 1, one more with each change.
    pub revision: u64,
    /// Sealed under the token key, and not there for those who have not got it.
    pub private: bool,
    /// Nonce, ciphertext and tag.
    pub body: Vec<u8>,
    /// The second tag of a public row, made with the token key; none when it was written without.
    pub vouch: Option<Vec<u8>>,
}

/// A row to be written.
#[derive(Clone, Debug)]
pub struct NewRow {
    /// See [`Id`].
    pub id: Id,
    /// The revision that it will have.
    pub revision: u64,
    /// See [`Row::private`].
    pub private: bool,
    /// Nonce, ciphertext and tag.
    pub body: Vec<u8>,
    /// See [`Row::vouch`].
    pub vouch: Option<Vec<u8>>,
    /// By which it is found.
    pub tags: Vec<Tag>,
}

/// One step of a batch.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new row, under a new handle.
    Insert(NewRow),
    /// The row under that handle, if it has still the id and the revision before `row.revision`.
    Replace { handle: u64, row: NewRow },
    /// The row goes.
    Remove { handle: u64 },
    /// The row gets a vouch, if it has still that revision.
    Vouch { handle: u64, revision: u64, vouch: Vec<u8> },
    /// A tombstone is accepted.
    Forget { item: Vec<u8> },
}

impl Change {
    /// The row that must be there already.
    fn target(&self) -> Option<u64> {
        match self {
            Change::Replace { handle, .. } | Change::Remove { handle } | Change::Vouch { handle, .. } => {
                Some(*handle)
            }
            Change::Insert(_) | Change::Forget { .. } => None,
        }
    }

    /// May this step be made on the row as it is? `keyed`: the digest is amended with it.
    fn allowed(&self, old: Option<&Mark>, keyed: bool) -> Result<()> {
        let row = match self {
            Change::Insert(row) | Change::Replace { row, .. } => Some(row),
            _ => None,
        };
        if !keyed && (row.is_some_and(|row| row.private) || old.is_some_and(|old| old.private)) {
            return Err(Rv::UserNotLoggedIn.because("a private object is written only by who is logged in"));
        }
        let (Some(old), Some(next)) = (old, self.next()) else { return Ok(()) };
        match row {
            Some(row) if row.id != old.id => {
                Err(Rv::ObjectHandleInvalid.because("the handle is another object's"))
            }
            _ if old.revision.checked_add(1) != Some(next) => {
                Err(Rv::FunctionFailed.because("somebody else changed the object in the meantime"))
            }
            _ => Ok(()),
        }
    }

    /// One more than the revision that the row must have.
    fn next(&self) -> Option<u64> {
        match self {
            Change::Replace { row, .. } => Some(row.revision),
            Change::Vouch { revision, .. } => revision.checked_add(1),
            _ => None,
        }
    }
}

/// What is known of a row apart from its body; what the digest covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// See [`Id`].
    pub id: Id,
    /// See [`Row::revision`].
    pub revision: u64,
    /// See [`Row::private`].
    pub private: bool,
    /// Whether it has a vouch.
    pub vouched: bool,
    /// By which it is found, in ascending order.
    pub tags: Vec<Tag>,
}

impl Mark {
    /// Is the row in the digest?
    pub fn counted(&self) -> bool {
        self.private || self.vouched
    }

    /// The row's element in the digest: id, revision, private, tags.
    pub fn item(&self) -> Vec<u8> {
        let mut item = Vec::with_capacity(25 + self.tags.len() * 16);
        item.extend_from_slice(&self.id);
        item.extend_from_slice(&self.revision.to_be_bytes());
        item.push(self.private.into());
        self.tags.iter().for_each(|tag| item.extend_from_slice(tag));
        item
    }
}

impl From<&NewRow> for Mark {
    fn from(row: &NewRow) -> Mark {
        let mut tags = row.tags.clone();
        tags.sort_unstable();
        tags.dedup();
        Mark { id: row.id, revision: row.revision, private: row.private, vouched: row.vouch.is_some(), tags }
    }
}

/// The digest after a batch, from the digest before and, for each step, the row that it changes.
///
/// It runs inside the transaction and must not call the store. An error undoes the batch.
pub type Amend<'a> = dyn Fn(&[u8], &[Option<Mark>]) -> Result<Vec<u8>> + 'a;

/// The handles of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The token's generation at that moment; tags of another one find nothing.
    pub generation: u64,
    /// Ascending.
    pub handles: Vec<u64>,
}

/// What stands beside the rows.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The token's generation.
    pub generation: u64,
    /// The sealed digest.
    pub digest: Vec<u8>,
    /// Items of vouched public rows that were changed or removed without the key.
    pub removed: Vec<Vec<u8>>,
    /// What the file format itself complains of.
    pub complaints: Vec<String>,
}

/// Sealed rows, PIN counters and named settings of one token, for any number of threads and processes.
///
/// Errors of every function: `DeviceError` (input and output, or content that was changed outside),
/// `DeviceMemory` (disk full), `TokenWriteProtected`, `DeviceRemoved` (the file is gone, or the token was
/// initialised again), `CryptokiNotInitialized` (inherited over a fork), `FunctionFailed` (somebody else
/// changed the row, or held the write lock for half a minute: try again).
pub trait Store: Send + Sync {
    /// What everybody may know.
    fn header(&self) -> Result<Header>;
    /// From which the public keys are derived.
    fn seed(&self) -> Result<Seed>;
    /// A number that is another one after any change, by whichever process.
    fn freshness(&self) -> Result<u64>;
    /// Why nothing can be written, when nothing can.
    fn read_only(&self) -> Option<&'static str>;
    /// False when the file was removed or another one took its place.
    fn present(&self) -> bool;
    /// Another label.
    fn set_label(&self, label: &[u8; 32]) -> Result<()>;
    /// Another slot.
    fn set_slot(&self, slot: u64) -> Result<()>;
    /// A named value of the upper rooms.
    fn setting(&self, name: &str) -> Result<Option<String>>;
    /// Sets it, or forgets it.
    fn set_setting(&self, name: &str, value: Option<&str>) -> Result<()>;

    /// One more than ever before, whichever process asks; it goes on after the token is initialised again.
    fn count(&self) -> Result<u64>;

    /// Takes one try, on the disk, and only then tells what is needed to use it. `PinLocked` when none is
    /// left, `UserPinNotInitialized` when the role has no PIN.
    fn debit(&self, role: &str) -> Result<PinLock>;

    /// A turn at trying a PIN, among all processes that have the token open. `FunctionFailed` when another has it
    /// for half a minute.
    fn turn(&self) -> Result<gate::Turn>;
    /// The try was a success: the counter is full again, if the PIN is still the same.
    fn credit(&self, role: &str, lock: &PinLock) -> Result<()>;
    /// A new PIN, its counter full; `tries` as before (or as the header says) when none.
    fn put_pin(&self, generation: u64, role: &str, lock: &PinLock, tries: Option<u32>) -> Result<()>;
    /// The role has no PIN any more. `UserPinNotInitialized` when it had none.
    fn remove_pin(&self, generation: u64, role: &str) -> Result<()>;
    /// Marks a PIN as chosen by somebody else, or no longer so.
    fn expire_pin(&self, role: &str, to_be_changed: bool) -> Result<()>;

    /// The row under that handle.
    fn load(&self, handle: u64) -> Result<Option<Row>>;
    /// Its revision and whether it is private: cheaper than the row.
    fn head(&self, handle: u64) -> Result<Option<(u64, bool)>>;
    /// Rows that have all the tags, the most selective first; all rows of that privacy when there are none.
    fn find(&self, tags: &[Tag], private: bool) -> Result<Found>;
    /// A batch: all of it or nothing, on the disk. Answers one handle for each step (0 for `Forget`).
    ///
    /// Without `amend` the digest stays, private rows cannot be touched (`UserNotLoggedIn`), and a vouched
    /// row that changes leaves a tombstone. `ObjectHandleInvalid` when a row is not there.
    fn write(&self, generation: u64, changes: &[Change], amend: Option<&Amend>) -> Result<Vec<u64>>;
    /// Everything goes, and starts again from `genesis`; settings and the sequence of handles stay.
    fn reset(&self, genesis: &Genesis) -> Result<()>;

    /// Shows each row with its mark, and then the ledger, all of one moment. `visit` must not call the store.
    fn survey(&self, visit: &mut dyn FnMut(Row, Mark) -> Result<()>) -> Result<Ledger>;
    /// A copy of one moment under a path where nothing is yet.
    fn snapshot(&self, to: &Path) -> Result<()>;
    /// The token goes for good.
    fn delete(&self) -> Result<()>;
}
