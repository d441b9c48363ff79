//! The live objects of a token: looked up, made, changed and destroyed, with other processes doing the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cryptoki::ids::*;
use crate::cryptoki::vendor::CKO_TOKENKEEP_DKEK;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::object::key::otp;
use crate::object::{Attributes, Birth, INDEXED, Object, Template, Value, encoding, index_entry, policy};
use crate::store::{Keys, Opened, Record};

use super::builtin::is_built_in;
use super::{Token, User};

/// A session object's handle has this bit.
const SESSION_OBJECT: u64 = 1 << 62;
/// Where the epoch stands in the handle of a private object; the row's number is below.
const EPOCH_SHIFT: u32 = 40;
const ROW: u64 = (1 << EPOCH_SHIFT) - 1;
const EPOCHS: u64 = (1 << (62 - EPOCH_SHIFT)) - 1;
/// So often a change is tried while other processes change the same object.
pub(super) const CHANGE_TRIES: usize = 16;
/// So many objects are kept open; more are opened again when they are needed.
const KEPT_OPEN: usize = 4096;

/// Who asks: which session, and whether it may write.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub session: u64,
    pub read_write: bool,
}

/// Objects in memory: those of sessions, and those of the token that were read.
#[derive(Default)]
pub(super) struct Live {
    session: Mutex<SessionObjects>,
    open: Mutex<HashMap<u64, Kept>>,
}

#[derive(Default)]
struct SessionObjects {
    last: u64,
    objects: HashMap<u64, Arc<Object>>,
    owned: HashMap<u64, Vec<u64>>,
}

/// A token object as it was when the store had this freshness.
#[derive(Clone)]
struct Kept {
    fresh: u64,
    revision: u64,
    id: [u8; 16],
    private: bool,
    /// Whether its integrity was checked under the token key.
    vouched: bool,
    object: Arc<Object>,
}

impl Live {
    fn session(&self) -> MutexGuard<'_, SessionObjects> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Kept>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At logout private session objects are destroyed and private token objects are no longer known.
    pub fn forget_private(&self) {
        self.session().objects.retain(|_, object| !object.flag(CKA_PRIVATE));
        self.open().retain(|_, kept| !kept.private);
    }

    /// A session's objects go with it.
    pub fn drop_session(&self, session: u64) {
        let mut live = self.session();
        for handle in live.owned.remove(&session).unwrap_or_default() {
            live.objects.remove(&handle);
        }
    }

    fn add(&self, session: u64, object: Object) -> u64 {
        let mut live = self.session();
        live.last += 1;
        let handle = SESSION_OBJECT | live.last;
        live.objects.insert(handle, Arc::new(object));
        live.owned.entry(session).or_default().push(handle);
        handle
    }
}

impl Token {
    /// The object behind a handle.
    ///
    /// # Errors
    /// CKR_OBJECT_HANDLE_INVALID when there is none, or when it is private and its login is over.
    pub fn object(&self, handle: u64) -> Result<Arc<Object>> {
        if is_built_in(handle) {
            return self.built_in(handle)?.ok_or_else(|| no_object(handle));
        }
        if handle & SESSION_OBJECT != 0 {
            return self.objects.session().objects.get(&handle).cloned().ok_or_else(|| no_object(handle));
        }
        self.kept(handle).map(|kept| kept.object)
    }

    /// A token object, as fresh as the store.
    fn kept(&self, handle: u64) -> Result<Kept> {
        let fresh = self.look()?;
        let (row, epoch) = (handle & ROW, handle >> EPOCH_SHIFT);
        let keys = self.keys();
        let mut kept = self.objects.open().get(&row).cloned();
        if kept.as_ref().is_some_and(|kept| kept.fresh != fresh || (keys.is_some() && !kept.vouched)) {
            kept = self.renewed(row, fresh, kept, keys.is_some())?;
        }
        let kept = match kept {
            Some(kept) => kept,
            None => self.opened(row, fresh, keys.as_deref())?.ok_or_else(|| no_object(handle))?,
        };
        if kept.object.sort().class == CKO_TOKENKEEP_DKEK {
            return Err(no_object(handle));
        }
        let of_now = if kept.private { self.epoch() & EPOCHS } else { 0 };
        match epoch == of_now && (!kept.private || self.user() == Some(User::User)) {
            true => Ok(kept),
            false => Err(no_object(handle)),
        }
    }

    /// What was kept, if the store still has that revision.
    fn renewed(&self, row: u64, fresh: u64, kept: Option<Kept>, keyed: bool) -> Result<Option<Kept>> {
        let head = self.vault.head(row)?;
        let same = kept.filter(|kept| {
            head.is_some_and(|(revision, _)| revision == kept.revision) && (kept.vouched || !keyed)
        });
        let mut open = self.objects.open();
        let Some(mut kept) = same else {
            open.remove(&row);
            return Ok(None);
        };
        kept.fresh = fresh;
        open.insert(row, kept.clone());
        Ok(Some(kept))
    }

    /// Opens a row of the store and keeps it.
    fn opened(&self, row: u64, fresh: u64, keys: Option<&Keys>) -> Result<Option<Kept>> {
        let Some(opened) = self.vault.load(keys, row)? else { return Ok(None) };
        let kept = keep(&opened, fresh, keys.is_some())?;
        let mut open = self.objects.open();
        if open.len() >= KEPT_OPEN
            && let Some(any) = open.keys().next().copied()
        {
            open.remove(&any);
        }
        open.insert(row, kept.clone());
        Ok(Some(kept))
    }

    /// The handle of a row.
    fn handle(&self, row: u64, private: bool) -> u64 {
        match private {
            true => row | (self.epoch() & EPOCHS) << EPOCH_SHIFT,
            false => row,
        }
    }

    /// Makes an object of judged attributes; answers its handle.
    ///
    /// # Errors
    /// CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN, CKR_TOKEN_WRITE_PROTECTED, CKR_KEY_SIZE_RANGE or
    /// CKR_CURVE_NOT_SUPPORTED when the profile keeps it out, and those of the object itself.
    pub fn make(&self, access: Access, attributes: Attributes, birth: Birth) -> Result<u64> {
        self.add(access, self.born(attributes, birth)?)
    }

    /// A newborn object that the profile admits.
    fn born(&self, attributes: Attributes, birth: Birth) -> Result<Object> {
        let object = Object::born(attributes, birth)?;
        self.profile().admits(object.attributes())?;
        Ok(object)
    }

    /// Makes two objects, or none.
    ///
    /// # Errors
    /// As [`Token::make`].
    pub fn make_pair(
        &self,
        access: Access,
        pair: (Attributes, Attributes),
        birth: Birth,
    ) -> Result<(u64, u64)> {
        let handles = self.make_all(access, vec![pair.0, pair.1], birth)?;
        Ok((handles[0], handles[1]))
    }

    /// Makes as many objects as there are attributes, or none.
    ///
    /// # Errors
    /// As [`Token::make`].
    pub fn make_all(&self, access: Access, all: Vec<Attributes>, birth: Birth) -> Result<Vec<u64>> {
        let born = all.into_iter().map(|attributes| self.born(attributes, birth));
        let objects = born.collect::<Result<Vec<_>>>()?;
        for object in &objects {
            self.may_write(access, object)?;
        }
        if objects.iter().all(|object| object.flag(CKA_TOKEN)) {
            return self.put(objects);
        }
        let mut handles = Vec::with_capacity(objects.len());
        for object in objects {
            match self.add(access, object) {
                Ok(handle) => handles.push(handle),
                Err(error) => {
                    handles.iter().try_for_each(|handle| self.destroy(access, *handle))?;
                    return Err(error);
                }
            }
        }
        Ok(handles)
    }

    /// Whether an object may be made or changed here.
    ///
    /// # Errors
    /// CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN.
    pub fn may_write(&self, access: Access, object: &Object) -> Result<()> {
        if object.flag(CKA_TOKEN) && !access.read_write {
            return Err(
                Rv::SessionReadOnly.because("the session is read-only: token objects need CKF_RW_SESSION")
            );
        }
        if object.flag(CKA_PRIVATE) && self.user() != Some(User::User) {
            return Err(Rv::UserNotLoggedIn
                .because("the object is private (CKA_PRIVATE is CK_TRUE): the user must be logged in"));
        }
        Ok(())
    }

    fn add(&self, access: Access, object: Object) -> Result<u64> {
        self.may_write(access, &object)?;
        match object.flag(CKA_TOKEN) {
            true => Ok(self.put(vec![object])?[0]),
            false => {
                let attributes = object.attributes().clone().with(CKA_UNIQUE_ID, unique(self.fresh_id()?));
                Ok(self.objects.add(access.session, Object::new(attributes)))
            }
        }
    }

    fn fresh_id(&self) -> Result<[u8; 16]> {
        let mut id = [0; 16];
        self.emulation.fill(&mut id)?;
        Ok(id)
    }

    /// Puts token objects into the store, in one transaction, each as a new one or in the place of another.
    ///
    /// # Errors
    /// As [`Token::make`]; CKR_ACTION_PROHIBITED when CKA_DESTROYABLE of the other is false.
    pub fn put_all(&self, access: Access, objects: Vec<(Object, Option<u64>)>) -> Result<Vec<u64>> {
        let mut records = Vec::with_capacity(objects.len());
        for (object, other) in objects {
            self.may_write(access, &object)?;
            let (row, id, revision) = match other {
                None => (None, self.fresh_id()?, 0),
                Some(handle) => {
                    let kept = self.kept(handle)?;
                    destroyable(&kept.object)?;
                    (Some(handle & ROW), kept.id, kept.revision)
                }
            };
            let attributes = object.attributes().clone().with(CKA_UNIQUE_ID, unique(id));
            records.push(record(row, id, revision, &attributes));
        }
        self.write(&records)
    }

    /// Writes records in one transaction; answers their handles.
    pub(super) fn write(&self, records: &[Record]) -> Result<Vec<u64>> {
        let rows = self.vault.put(self.keys().as_deref(), records, &|bytes| self.emulation.fill(bytes))?;
        Ok(rows.into_iter().zip(records).map(|(row, record)| self.handle(row, record.private)).collect())
    }

    /// Puts new objects into the store, in one transaction.
    fn put(&self, objects: Vec<Object>) -> Result<Vec<u64>> {
        let mut records = Vec::with_capacity(objects.len());
        for object in objects {
            let id = self.fresh_id()?;
            let attributes = object.attributes().clone().with(CKA_UNIQUE_ID, unique(id));
            records.push(record(None, id, 0, &attributes));
        }
        self.write(&records)
    }

    /// C_SetAttributeValue.
    ///
    /// # Errors
    /// Those of [`policy::change`], and as [`Token::make`].
    pub fn change(&self, access: Access, handle: u64, template: &Template) -> Result<()> {
        let officer = self.user() == Some(User::Officer);
        if handle & SESSION_OBJECT != 0 {
            let before = self.object(handle)?;
            let after = policy::change(before.attributes(), template, false, officer)?;
            self.objects.session().objects.insert(handle, Arc::new(Object::new(after)));
            return Ok(());
        }
        let after = |object: &Object| {
            self.may_write(access, object)?;
            policy::change(object.attributes(), template, false, officer)
        };
        self.rewritten(handle, after).map(drop)
    }

    /// Writes a token object anew; answers what it was before.
    fn rewritten(&self, handle: u64, after: impl Fn(&Object) -> Result<Attributes>) -> Result<Arc<Object>> {
        // Another process may change the object between the look and the write: then look again.
        for _ in 0..CHANGE_TRIES {
            let kept = self.kept(handle)?;
            let record = record(Some(handle & ROW), kept.id, kept.revision, &after(&kept.object)?);
            match self.vault.put(self.keys().as_deref(), &[record], &|bytes| self.emulation.fill(bytes)) {
                Err(error) if error.rv() == Rv::FunctionFailed => continue,
                done => return done.map(|_| kept.object),
            }
        }
        Err(Rv::FunctionFailed.because("other processes keep changing the object: try again"))
    }

    /// An OTP key as it is, whose counter then stands at the next number: no two passwords come from one number, in
    /// whichever session or process.
    ///
    /// # Errors
    /// CKR_FUNCTION_REJECTED after the last number, and as [`Token::change`].
    pub fn count_on(&self, handle: u64) -> Result<Arc<Object>> {
        if handle & SESSION_OBJECT != 0 {
            let mut live = self.objects.session();
            let before = live.objects.get(&handle).cloned().ok_or_else(|| no_object(handle))?;
            let after = Object::new(otp::counted(before.attributes())?);
            live.objects.insert(handle, Arc::new(after));
            return Ok(before);
        }
        self.rewritten(handle, |kept| otp::counted(kept.attributes()))
    }

    /// C_CopyObject.
    ///
    /// # Errors
    /// Those of [`policy::change`], and as [`Token::make`].
    pub fn copy(&self, access: Access, handle: u64, template: &Template) -> Result<u64> {
        let officer = self.user() == Some(User::Officer);
        let before = self.object(handle)?;
        let after = policy::change(before.attributes(), template, true, officer)?;
        self.add(access, Object::new(after))
    }

    /// C_DestroyObject.
    ///
    /// # Errors
    /// CKR_ACTION_PROHIBITED when CKA_DESTROYABLE is false, and as [`Token::make`].
    pub fn destroy(&self, access: Access, handle: u64) -> Result<()> {
        let object = self.object(handle)?;
        self.may_write(access, &object)?;
        destroyable(&object)?;
        if handle & SESSION_OBJECT != 0 {
            self.objects.session().objects.remove(&handle);
            return Ok(());
        }
        self.vault.remove(self.keys().as_deref(), &[handle & ROW], &|bytes| self.emulation.fill(bytes))?;
        self.objects.open().remove(&(handle & ROW));
        Ok(())
    }

    /// C_FindObjects: the handles of all objects that match, token objects first.
    ///
    /// # Errors
    /// Those of the store. A template that nothing can match finds nothing.
    pub fn find(&self, template: &Template) -> Result<Vec<u64>> {
        let Some(wanted) = normal(template) else { return Ok(Vec::new()) };
        let token =
            wanted.iter().find(|(attribute, _)| *attribute == CKA_TOKEN).map(|(_, given)| given.clone());
        let is = |yes: bool| token.as_ref().is_none_or(|given| *given == Value::Bool(yes).to_given());
        let mut found = self.find_built_in(&wanted)?;
        if is(true) {
            found.extend(self.find_stored(&wanted)?);
        }
        if is(false) {
            let live = self.objects.session();
            let mut handles: Vec<u64> =
                live.objects.iter().filter(|(_, object)| object.matches(&wanted)).map(|(h, _)| *h).collect();
            handles.sort_unstable();
            found.extend(handles);
        }
        Ok(found)
    }

    fn find_stored(&self, wanted: &Template) -> Result<Vec<u64>> {
        self.look()?;
        let keys = self.keys().filter(|_| self.user() == Some(User::User));
        let place = |attribute: &u64| INDEXED.iter().position(|indexed| indexed == attribute);
        let mut indexed: Vec<_> = wanted
            .iter()
            .filter_map(|(attribute, given)| Some((place(attribute)?, index_entry(*attribute, given)?)))
            .collect();
        indexed.sort();
        let entries: Vec<Vec<u8>> = indexed.into_iter().map(|(_, entry)| entry).collect();
        let left: Template = wanted
            .iter()
            .filter(|(attribute, given)| *attribute != CKA_TOKEN && index_entry(*attribute, given).is_none())
            .cloned()
            .collect();
        let mut rows = self.vault.find(keys.as_deref(), &entries)?;
        if entries.is_empty() {
            let hidden = self.hidden(keys.as_deref())?;
            rows.retain(|row| !hidden.contains(row));
        }
        let mut found = Vec::with_capacity(rows.len());
        for (row, private) in rows {
            let handle = self.handle(row, private);
            if left.is_empty() || self.object(handle).is_ok_and(|object| object.matches(&left)) {
                found.push(handle);
            }
        }
        Ok(found)
    }
}

fn destroyable(object: &Object) -> Result<()> {
    match object.flag(CKA_DESTROYABLE) {
        true => Ok(()),
        false => {
            Err(Rv::ActionProhibited.because(format!("CKA_DESTROYABLE of {} is CK_FALSE", object.describe())))
        }
    }
}

fn no_object(handle: u64) -> Error {
    Rv::ObjectHandleInvalid.because(format!("there is no object {handle:#x}, or not for who is logged in"))
}

fn unique(id: [u8; 16]) -> Value {
    Value::Bytes(id.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect())
}

fn keep(opened: &Opened, fresh: u64, keyed: bool) -> Result<Kept> {
    let object = Object::new(encoding::decode(opened.plain.expose())?);
    Ok(Kept {
        fresh,
        revision: opened.revision,
        id: opened.id,
        private: opened.private,
        vouched: keyed,
        object: Arc::new(object),
    })
}

pub(super) fn record(handle: Option<u64>, id: [u8; 16], revision: u64, attributes: &Attributes) -> Record {
    let index = INDEXED
        .iter()
        .filter_map(|attribute| index_entry(*attribute, &attributes.of(*attribute)?.to_given()))
        .collect();
    let plain: Secret = encoding::encode(attributes);
    Record { handle, id, revision, private: attributes.flag(CKA_PRIVATE), plain, index }
}

/// The template in the form in which values are kept; `None` when no object can match it.
fn normal(template: &Template) -> Option<Template> {
    template
        .iter()
        .map(|(attribute, given)| {
            let value = policy::kind(*attribute)?.read(*attribute, given).ok()?;
            Some((*attribute, value.to_given()))
        })
        .collect()
}
