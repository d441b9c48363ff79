//! The store without a file: the same law, for tests and for tokens that end with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::*;

/// One token in memory. It cannot be copied to a file, nor deleted otherwise than by dropping it.
pub struct MemoryStore(Mutex<State>);

#[derive(Clone)]
struct State {
    header: Header,
    public_secret: [u8; 32],
    digest: Vec<u8>,
    locks: BTreeMap<String, PinLock>,
    settings: BTreeMap<String, String>,
    rows: BTreeMap<u64, (Row, Mark)>,
    search: BTreeSet<(Tag, u64)>,
    removed: BTreeSet<Vec<u8>>,
    last: u64,
    version: u64,
}

impl MemoryStore {
    /// A new token.
    pub fn create(genesis: &Genesis) -> MemoryStore {
        let mut state = State {
            header: genesis.header.clone(),
            public_secret: [0; 32],
            digest: Vec::new(),
            locks: BTreeMap::new(),
            settings: BTreeMap::new(),
            rows: BTreeMap::new(),
            search: BTreeSet::new(),
            removed: BTreeSet::new(),
            last: 0,
            version: 0,
        };
        state.begin(genesis);
        MemoryStore(Mutex::new(state))
    }

    fn look(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of `work`, or nothing.
    fn change<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut now = self.look();
        let mut next = now.clone();
        let answer = work(&mut next)?;
        next.version += 1;
        *now = next;
        Ok(answer)
    }
}

impl State {
    fn begin(&mut self, genesis: &Genesis) {
        self.header = genesis.header.clone();
        self.header.pins.clear();
        self.public_secret = genesis.public_secret;
        self.digest.clone_from(&genesis.digest);
        self.locks.clear();
        self.rows.clear();
        self.search.clear();
        self.removed.clear();
        for (role, lock) in &genesis.pins {
            self.put_pin(role, lock, None);
        }
    }

    fn same_generation(&self, generation: u64) -> Result<()> {
        match self.header.generation == generation {
            true => Ok(()),
            false => Err(rows::renewed()),
        }
    }

    fn pin(&mut self, role: &str) -> Result<&mut PinState> {
        self.header.pins.iter_mut().find(|pin| pin.role == role).ok_or_else(|| rows::no_pin(role))
    }

    fn put_pin(&mut self, role: &str, lock: &PinLock, tries: Option<u32>) {
        let usual = if role == SO { self.header.so_tries } else { self.header.user_tries };
        let tries = tries.or(self.header.pin(role).map(|pin| pin.tries_max)).unwrap_or(usual);
        self.header.pins.retain(|pin| pin.role != role);
        let (tries_left, tries_max) = (tries, tries);
        self.header.pins.push(PinState {
            role: role.to_owned(),
            tries_left,
            tries_max,
            to_be_changed: false,
        });
        self.header.pins.sort_by(|a, b| a.role.cmp(&b.role));
        self.locks.insert(role.to_owned(), lock.clone());
    }

    fn step(&mut self, change: &Change, keyed: bool) -> Result<(u64, Option<Mark>)> {
        let old = match change.target() {
            Some(handle) => Some(self.rows.get(&handle).ok_or_else(|| rows::gone(handle))?.1.clone()),
            None => None,
        };
        change.allowed(old.as_ref(), keyed)?;
        if let Some(item) = old.as_ref().filter(|old| old.counted() && !keyed).map(Mark::item) {
            self.removed.insert(item);
        }
        let handle = match change {
            Change::Insert(row) if self.rows.values().any(|(old, _)| old.id == row.id) => {
                return Err(Rv::FunctionFailed.because("the token has such a row already"));
            }
            Change::Insert(row) => {
                self.last += 1;
                self.put(self.last, row)
            }
            Change::Replace { handle, row } => self.put(*handle, row),
            Change::Remove { handle } => self.take(*handle),
            Change::Vouch { handle, vouch, .. } => {
                if let Some((row, mark)) = self.rows.get_mut(handle) {
                    (row.vouch, mark.vouched) = (Some(vouch.clone()), true);
                }
                *handle
            }
            Change::Forget { item } => {
                self.removed.remove(item);
                0
            }
        };
        Ok((handle, old))
    }

    fn put(&mut self, handle: u64, row: &NewRow) -> u64 {
        self.take(handle);
        let mark = Mark::from(row);
        self.search.extend(mark.tags.iter().map(|tag| (*tag, handle)));
        let NewRow { id, revision, private, body, vouch, .. } = row.clone();
        let row = Row { generation: self.header.generation, handle, id, revision, private, body, vouch };
        self.rows.insert(handle, (row, mark));
        handle
    }

    fn take(&mut self, handle: u64) -> u64 {
        if let Some((_, mark)) = self.rows.remove(&handle) {
            for tag in mark.tags {
                self.search.remove(&(tag, handle));
            }
        }
        handle
    }
}

impl Store for MemoryStore {
    fn header(&self) -> Result<Header> {
        Ok(self.look().header.clone())
    }

    fn seed(&self) -> Result<Seed> {
        let state = self.look();
        let (serial, generation) = (state.header.serial.clone(), state.header.generation);
        Ok(Seed { serial, generation, public_secret: state.public_secret.as_slice().into() })
    }

    fn freshness(&self) -> Result<u64> {
        Ok(self.look().version)
    }

    fn read_only(&self) -> Option<&'static str> {
        None
    }

    fn present(&self) -> bool {
        true
    }

    fn set_label(&self, label: &[u8; 32]) -> Result<()> {
        self.change(|state| {
            state.header.label = *label;
            Ok(())
        })
    }

    fn set_slot(&self, slot: u64) -> Result<()> {
        self.change(|state| {
            state.header.slot = slot;
            Ok(())
        })
    }

    fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok(self.look().settings.get(name).cloned())
    }

    fn set_setting(&self, name: &str, value: Option<&str>) -> Result<()> {
        self.change(|state| {
            match value {
                Some(value) => state.settings.insert(name.to_owned(), value.to_owned()),
                None => state.settings.remove(name),
            };
            Ok(())
        })
    }

    fn count(&self) -> Result<u64> {
        self.change(|state| {
            let last = state.settings.get(rows::COUNTER).and_then(|count| count.parse().ok()).unwrap_or(0u64);
            state.settings.insert(rows::COUNTER.to_owned(), (last + 1).to_string());
            Ok(last + 1)
        })
    }

    fn turn(&self) -> Result<gate::Turn> {
        gate::turn(None, Duration::ZERO)
    }

    fn debit(&self, role: &str) -> Result<PinLock> {
        self.change(|state| {
            let pin = state.pin(role)?;
            pin.tries_left = pin.tries_left.checked_sub(1).ok_or_else(|| rows::pin_locked(role))?;
            state.locks.get(role).cloned().ok_or_else(|| rows::no_pin(role))
        })
    }

    fn credit(&self, role: &str, lock: &PinLock) -> Result<()> {
        self.change(|state| {
            if state.locks.get(role).is_some_and(|now| now.salt == lock.salt) {
                let pin = state.pin(role)?;
                pin.tries_left = pin.tries_max;
            }
            Ok(())
        })
    }

    fn put_pin(&self, generation: u64, role: &str, lock: &PinLock, tries: Option<u32>) -> Result<()> {
        self.change(|state| {
            state.same_generation(generation)?;
            state.put_pin(role, lock, tries);
            Ok(())
        })
    }

    fn remove_pin(&self, generation: u64, role: &str) -> Result<()> {
        self.change(|state| {
            state.same_generation(generation)?;
            state.pin(role)?;
            state.header.pins.retain(|pin| pin.role != role);
            state.locks.remove(role);
            Ok(())
        })
    }

    fn expire_pin(&self, role: &str, to_be_changed: bool) -> Result<()> {
        self.change(|state| {
            state.pin(role)?.to_be_changed = to_be_changed;
            Ok(())
        })
    }

    fn load(&self, handle: u64) -> Result<Option<Row>> {
        Ok(self.look().rows.get(&handle).map(|(row, _)| row.clone()))
    }

    fn head(&self, handle: u64) -> Result<Option<(u64, bool)>> {
        Ok(self.look().rows.get(&handle).map(|(row, _)| (row.revision, row.private)))
    }

    fn find(&self, tags: &[Tag], private: bool) -> Result<Found> {
        let state = self.look();
        let has = |handle: &u64| tags.iter().skip(1).all(|tag| state.search.contains(&(*tag, *handle)));
        let handles = match tags.first() {
            None => state
                .rows
                .values()
                .map(|(row, _)| row)
                .filter(|r| r.private == private)
                .map(|r| r.handle)
                .collect(),
            Some(tag) => {
                let range = state.search.range((*tag, 0)..=(*tag, u64::MAX));
                range.map(|(_, handle)| *handle).filter(has).collect()
            }
        };
        Ok(Found { generation: state.header.generation, handles })
    }

    fn write(&self, generation: u64, changes: &[Change], amend: Option<&Amend>) -> Result<Vec<u64>> {
        self.change(|state| {
            state.same_generation(generation)?;
            let mut done = Vec::with_capacity(changes.len());
            for change in changes {
                done.push(state.step(change, amend.is_some())?);
            }
            let (handles, before): (Vec<_>, Vec<_>) = done.into_iter().unzip();
            if let Some(amend) = amend {
                state.digest = amend(&state.digest, &before)?;
            }
            Ok(handles)
        })
    }

    fn reset(&self, genesis: &Genesis) -> Result<()> {
        self.change(|state| {
            state.same_generation(genesis.header.generation.wrapping_sub(1))?;
            state.begin(genesis);
            Ok(())
        })
    }

    fn survey(&self, visit: &mut dyn FnMut(Row, Mark) -> Result<()>) -> Result<Ledger> {
        let state = self.look();
        state.rows.values().try_for_each(|(row, mark)| visit(row.clone(), mark.clone()))?;
        let (generation, digest) = (state.header.generation, state.digest.clone());
        Ok(Ledger {
            generation,
            digest,
            removed: state.removed.iter().cloned().collect(),
            complaints: Vec::new(),
        })
    }

    fn snapshot(&self, _: &Path) -> Result<()> {
        Err(Rv::FunctionNotSupported.because("a token in memory has no file to copy"))
    }

    fn delete(&self) -> Result<()> {
        Err(Rv::FunctionNotSupported.because("a token in memory goes when it is dropped"))
    }
}
