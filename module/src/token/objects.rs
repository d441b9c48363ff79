//! The live objects of a token: looked up, made, changed and destroyed, with other processes doing the same.

use std::sync::Arc;

use crate::cryptoki::ids::*;
use crate::cryptoki::vendor::CKO_TOKENKEEP_DKEK;
use crate::cryptoki::{Error, Result, Rv, Secret};
use crate::object::key::otp;
use crate::object::{Attributes, Birth, INDEXED, Object, Template, Value, encoding, index_entry, policy};
use crate::store::{Opened, Record};

use super::builtin::is_built_in;
use super::state::{SESSION_OBJECT, View, private};
use super::{Token, User};

/// Where the epoch stands in the handle of a private object; the row's number is below.
const EPOCH_SHIFT: u32 = 40;
const ROW: u64 = (1 << EPOCH_SHIFT) - 1;
const EPOCHS: u64 = (1 << (62 - EPOCH_SHIFT)) - 1;
/// So often a change is tried while other processes change the same object.
pub(super) const CHANGE_TRIES: usize = 16;

/// Who asks: which session, and whether it may write.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    pub session: u64,
    pub read_write: bool,
}

/// A token object as it was when the store had this freshness.
#[derive(Clone)]
pub(super) struct Kept {
    fresh: u64,
    revision: u64,
    id: [u8; 16],
    pub private: bool,
    /// Whether its integrity was checked under the token key.
    vouched: bool,
    object: Arc<Object>,
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
            return self.state().object(handle).ok_or_else(|| no_object(handle));
        }
        self.kept(handle).map(|kept| kept.object)
    }

    /// A token object, as fresh as the store.
    fn kept(&self, handle: u64) -> Result<Kept> {
        let fresh = self.look()?;
        let (row, epoch) = (handle & ROW, handle >> EPOCH_SHIFT);
        let (view, mut kept) = self.view(row);
        let keyed = view.keys.is_some();
        if kept.as_ref().is_some_and(|kept| kept.fresh != fresh || (keyed && !kept.vouched)) {
            kept = self.renewed(row, fresh, kept, &view)?;
        }
        let kept = match kept {
            Some(kept) => kept,
            None => self.opened(row, fresh, &view)?.ok_or_else(|| no_object(handle))?,
        };
        if kept.object.sort().class == CKO_TOKENKEEP_DKEK {
            return Err(no_object(handle));
        }
        let of_now = if kept.private { view.epoch & EPOCHS } else { 0 };
        match epoch == of_now && (!kept.private || view.user == Some(User::User)) {
            true => Ok(kept),
            false => Err(no_object(handle)),
        }
    }

    /// What was kept, if the store still has that revision.
    fn renewed(&self, row: u64, fresh: u64, kept: Option<Kept>, view: &View) -> Result<Option<Kept>> {
        let head = self.vault.head(row)?;
        let same = kept.filter(|kept| {
            head.is_some_and(|(revision, _)| revision == kept.revision)
                && (kept.vouched || view.keys.is_none())
        });
        let Some(mut kept) = same else {
            self.state_mut().close(row);
            return Ok(None);
        };
        kept.fresh = fresh;
        self.keep(row, &kept, view.epoch);
        Ok(Some(kept))
    }

    /// Opens a row of the store and keeps it.
    fn opened(&self, row: u64, fresh: u64, view: &View) -> Result<Option<Kept>> {
        let Some(opened) = self.vault.load(view.keys.as_deref(), row)? else { return Ok(None) };
        let kept = keep(&opened, fresh, view.keys.is_some())?;
        self.keep(row, &kept, view.epoch);
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
        Ok(self.make_all(access, vec![attributes], birth)?[0])
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
        self.add(access, objects)
    }

    /// Whether an object may be made or changed here.
    ///
    /// # Errors
    /// CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN.
    pub fn may_write(&self, access: Access, object: &Object) -> Result<()> {
        let (of_token, secret) = (object.flag(CKA_TOKEN), object.flag(CKA_PRIVATE));
        if of_token && !access.read_write {
            return Err(
                Rv::SessionReadOnly.because("the session is read-only: token objects need CKF_RW_SESSION")
            );
        }
        let user = if of_token || secret { self.user_now()? } else { None };
        if secret && user != Some(User::User) {
            return Err(private());
        }
        Ok(())
    }

    /// Adds objects, all or none: those of the session first, since they can be taken back without fail.
    pub(super) fn add(&self, access: Access, objects: Vec<Object>) -> Result<Vec<u64>> {
        let (mut stored, mut held, mut order) = (Vec::new(), Vec::new(), Vec::new());
        for object in objects {
            self.may_write(access, &object)?;
            let (id, of_token) = (self.fresh_id()?, object.flag(CKA_TOKEN));
            let attributes = object.attributes().clone().with(CKA_UNIQUE_ID, unique(id));
            match of_token {
                true => stored.push(record(None, id, 0, &attributes)),
                false => held.push(Object::new(attributes)),
            }
            order.push(of_token);
        }
        let held = self.state_mut().hold(access, held)?;
        let stored = self.write(&stored).inspect_err(|_| {
            let mut state = self.state_mut();
            held.iter().for_each(|handle| _ = state.release(*handle));
        })?;
        let (mut stored, mut held) = (stored.into_iter(), held.into_iter());
        let next = |of_token| if of_token { stored.next() } else { held.next() };
        Ok(order.into_iter().filter_map(next).collect())
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
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.vault.put(self.keys().as_deref(), records, &|bytes| self.emulation.fill(bytes))?;
        Ok(rows.into_iter().zip(records).map(|(row, record)| self.handle(row, record.private)).collect())
    }

    /// C_SetAttributeValue.
    ///
    /// # Errors
    /// Those of [`policy::change`], and as [`Token::make`].
    pub fn change(&self, access: Access, handle: u64, template: &Template) -> Result<()> {
        let officer = self.user_now()? == Some(User::Officer);
        let changed = |object: &Object| policy::change(object.attributes(), template, false, officer);
        if is_built_in(handle) {
            return changed(&*self.object(handle)?).map(drop); // none is modifiable: it refuses
        }
        if handle & SESSION_OBJECT != 0 {
            return self.state_mut().amend(handle, changed).map(drop);
        }
        let after = |object: &Object| {
            self.may_write(access, object)?;
            changed(object)
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
            return self.state_mut().amend(handle, |object| otp::counted(object.attributes()));
        }
        self.rewritten(handle, |kept| otp::counted(kept.attributes()))
    }

    /// C_CopyObject.
    ///
    /// # Errors
    /// Those of [`policy::change`], and as [`Token::make`].
    pub fn copy(&self, access: Access, handle: u64, template: &Template) -> Result<u64> {
        let officer = self.user_now()? == Some(User::Officer);
        let before = self.object(handle)?;
        let after = policy::change(before.attributes(), template, true, officer)?;
        Ok(self.add(access, vec![Object::new(after)])?[0])
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
            return match self.state_mut().release(handle) {
                true => Ok(()),
                false => Err(no_object(handle)),
            };
        }
        self.vault.remove(self.keys().as_deref(), &[handle & ROW], &|bytes| self.emulation.fill(bytes))?;
        self.state_mut().close(handle & ROW);
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
            let state = self.state();
            let matching = state.objects().filter(|(_, object)| object.matches(&wanted));
            found.extend(matching.map(|(handle, _)| handle));
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

pub(super) fn no_object(handle: u64) -> Error {
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
