//! Object functions (PKCS#11 v3.2 §5.7).

use crate::cryptoki::ids::{CK_ATTRIBUTE_TYPE, CKA_EC_POINT, CKA_TOKEN};
use crate::cryptoki::{Error, Result, Rv};
use crate::object::{Birth, Given, Object, Sort, Template, Value, key, policy};
use crate::token::{EdwardsPoint, User};

use super::Call;

/// Through which function list a call comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// 2.40, and the exported symbols.
    Old,
    /// 3.0 and 3.2.
    New,
}

impl Call<'_> {
    /// Whether the SO is logged in, who may do what others may not.
    pub(super) fn officer(&self) -> bool {
        self.session.token.user_now() == Ok(Some(User::Officer))
    }

    /// C_CreateObject
    ///
    /// # Errors
    /// Those of [`policy::judge`], and of making the object.
    pub fn create(&self, template: &Template) -> Result<u64> {
        let sort = Sort::wanted(template, None, None)?;
        let attributes = policy::judge(Birth::Create, sort, template, self.officer())?;
        self.session.token.make(self.session.access(), attributes, Birth::Create)
    }

    /// C_CreateObject for many token objects, each as a new one or in the place of another: all in one transaction, or
    /// nothing has changed. With `dry` everything is checked and nothing is written. Not of the standard: for the tool.
    ///
    /// # Errors
    /// As [`Call::create`]; CKR_ACTION_PROHIBITED when CKA_DESTROYABLE of the other is false.
    pub fn create_all(&self, wanted: &[(Template, Option<u64>)], dry: bool) -> Result<Vec<u64>> {
        let born = |template: &Template| {
            let sort = Sort::wanted(template, None, None)?;
            let attributes = policy::judge(Birth::Create, sort, template, self.officer())?;
            let object = Object::born(attributes, Birth::Create)?;
            match object.flag(CKA_TOKEN) {
                true => self.session.token.may_write(self.session.access(), &object).map(|()| object),
                false => {
                    Err(Rv::TemplateInconsistent.because("CKA_TOKEN of an object of a batch must be CK_TRUE"))
                }
            }
        };
        let mut objects = Vec::with_capacity(wanted.len());
        for (number, (template, other)) in wanted.iter().enumerate() {
            let told = |error: Error| {
                error.rv().because(format!("object {} of {}: {}", number + 1, wanted.len(), error.why()))
            };
            objects.push((born(template).map_err(told)?, *other));
        }
        match dry {
            true => Ok(Vec::new()),
            false => self.session.token.put_all(self.session.access(), objects),
        }
    }

    /// C_CopyObject
    ///
    /// # Errors
    /// CKR_OBJECT_HANDLE_INVALID, those of [`policy::change`], and of making the object.
    pub fn copy(&self, object: u64, template: &Template) -> Result<u64> {
        self.session.token.copy(self.session.access(), object, template)
    }

    /// C_DestroyObject
    ///
    /// # Errors
    /// CKR_OBJECT_HANDLE_INVALID, CKR_ACTION_PROHIBITED, CKR_SESSION_READ_ONLY.
    pub fn destroy(&self, object: u64) -> Result<()> {
        self.session.token.destroy(self.session.access(), object)
    }

    /// C_GetObjectSize: about how many bytes the object takes.
    ///
    /// # Errors
    /// CKR_OBJECT_HANDLE_INVALID.
    pub fn size(&self, object: u64) -> Result<u64> {
        Ok(self.session.token.object(object)?.size() as u64)
    }

    /// C_GetAttributeValue: the value of each attribute in C's layout, or why it is not given.
    ///
    /// # Errors
    /// CKR_OBJECT_HANDLE_INVALID; for single attributes CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID.
    pub fn attributes(&self, object: u64, types: &[CK_ATTRIBUTE_TYPE]) -> Result<Vec<Result<Given>>> {
        let object = self.session.token.object(object)?;
        let read = |attribute| policy::read(object.attributes(), attribute).map(Value::to_given);
        Ok(types.iter().map(|attribute| read(*attribute)).collect())
    }

    /// C_GetAttributeValue as a function list answers it: points of Edwards and Montgomery keys dressed as it expects.
    ///
    /// # Errors
    /// As [`Call::attributes`].
    pub fn attributes_through(
        &self,
        list: List,
        object: u64,
        types: &[CK_ATTRIBUTE_TYPE],
    ) -> Result<Vec<Result<Given>>> {
        let mut answers = self.attributes(object, types)?;
        let dressed = match self.module.slots.settings().edwards_point {
            EdwardsPoint::Auto => list == List::Old,
            EdwardsPoint::Raw => false,
            EdwardsPoint::Der => true,
        };
        let sort = self.session.token.object(object)?.sort();
        if dressed && key::edwards::is_one(sort) {
            for (attribute, answer) in types.iter().zip(&mut answers) {
                if let (CKA_EC_POINT, Ok(Given::Bytes(point))) = (*attribute, answer) {
                    *point = key::edwards::dressed(point.expose());
                }
            }
        }
        Ok(answers)
    }

    /// C_SetAttributeValue
    ///
    /// # Errors
    /// CKR_OBJECT_HANDLE_INVALID, those of [`policy::change`], CKR_SESSION_READ_ONLY.
    pub fn set_attributes(&self, object: u64, template: &Template) -> Result<()> {
        self.session.token.change(self.session.access(), object, template)
    }

    /// C_FindObjectsInit: what is found is settled here, whatever others create and destroy afterwards.
    ///
    /// # Errors
    /// CKR_OPERATION_ACTIVE.
    pub fn find_init(&self, template: &Template) -> Result<()> {
        let mut work = self.session.work();
        if work.found.is_some() {
            return Err(Rv::OperationActive.because("a search is active: C_FindObjectsFinal ends it"));
        }
        let mut found = self.session.token.find(template)?;
        if found.is_empty()
            && let Some(bare) = bare_point(template)
        {
            found = self.session.token.find(&bare)?;
        }
        found.reverse();
        work.found = Some(found);
        Ok(())
    }

    /// C_FindObjects: at most `max` handles more.
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED.
    pub fn find(&self, max: usize) -> Result<Vec<u64>> {
        let mut work = self.session.work();
        let found = work.found.as_mut().ok_or_else(no_search)?;
        let rest = found.len().saturating_sub(max);
        Ok(found.drain(rest..).rev().collect())
    }

    /// C_FindObjectsFinal
    ///
    /// # Errors
    /// CKR_OPERATION_NOT_INITIALIZED.
    pub fn find_final(&self) -> Result<()> {
        self.session.work().found.take().map(drop).ok_or_else(no_search)
    }
}

/// The same search by the bare point, as Edwards and Montgomery keys keep it, when the template dresses it in DER.
fn bare_point(template: &Template) -> Option<Template> {
    let mut bare = template.clone();
    let (_, point) = bare.iter_mut().find(|(attribute, _)| *attribute == CKA_EC_POINT)?;
    let Given::Bytes(bytes) = &*point else { return None };
    *point = Given::Bytes(key::edwards::undressed(bytes.expose())?);
    Some(bare)
}

fn no_search() -> Error {
    Rv::OperationNotInitialized.because("no search is active: call C_FindObjectsInit first")
}
