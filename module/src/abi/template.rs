//! Templates: CK_ATTRIBUTE arrays read into owned ones, and attribute values written into them.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Result, Rv, Secret, names};
use crate::object::template::{Given, Template};

use super::pointer::{null, put};

/// The attributes whose value is itself a template (CKA_ALLOWED_MECHANISMS is an array of plain numbers).
pub const NESTED: [CK_ATTRIBUTE_TYPE; 5] = [
    CKA_WRAP_TEMPLATE,
    CKA_UNWRAP_TEMPLATE,
    CKA_DERIVE_TEMPLATE,
    CKA_ENCAPSULATE_TEMPLATE,
    CKA_DECAPSULATE_TEMPLATE,
];

/// More attributes than this in one template, nested ones counted, are a wrong count.
pub const ATTRIBUTES: usize = 65_536;
/// Templates within templates within templates, and no deeper.
pub const DEPTH: usize = 4;
/// An attribute value longer than this is a wrong length.
pub const VALUE_LIMIT: usize = 64 * 1024 * 1024;

const ITEM: usize = size_of::<CK_ATTRIBUTE>();

/// The caller's template, copied. NULL with count 0 is empty.
///
/// # Safety
/// PKCS#11 v3.2 §5.1.1: `pointer` is NULL or points to `count` attributes, whose `pValue` are NULL or point to
/// `ulValueLen` bytes; the value of a [`NESTED`] attribute is a template of which the same holds.
pub unsafe fn template(pointer: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<Template> {
    // SAFETY: handed on.
    unsafe { level(pointer, counted(pointer, count)?, DEPTH, &mut ATTRIBUTES.clone()) }
}

/// Only the types of the caller's template: C_GetAttributeValue reads no value.
///
/// # Safety
/// As for [`template`], without the values.
pub unsafe fn types(pointer: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<Vec<CK_ATTRIBUTE_TYPE>> {
    let count = counted(pointer, count)?;
    // SAFETY: §5.1.1: `count` attributes; they may lie unaligned.
    Ok((0..count).map(|at| unsafe { pointer.add(at).read_unaligned() }.type_).collect())
}

/// Writes an answer to each attribute; all are served, and the first refusal is told (§5.7.5).
///
/// # Safety
/// As for [`template`], with `pValue` having room for `ulValueLen` bytes; at least as many attributes as answers.
pub unsafe fn fill(pointer: *mut CK_ATTRIBUTE, answers: &[Result<Given>]) -> Result<()> {
    let mut result = Ok(());
    for (at, answer) in answers.iter().enumerate() {
        // SAFETY: §5.7.5: one attribute for each answer.
        result = result.and(unsafe { fill_one(pointer.add(at), answer.as_ref()) });
    }
    result
}

/// The count of a template that can be.
fn counted(pointer: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<usize> {
    match usize::try_from(count) {
        Ok(0) => Ok(0),
        Ok(_) if pointer.is_null() => Err(null("the template")),
        Ok(count) if count <= ATTRIBUTES => Ok(count),
        _ => Err(Rv::ArgumentsBad.because(format!("a template of {count} attributes"))),
    }
}

/// One level of a template; `left` is what remains of [`ATTRIBUTES`].
unsafe fn level(
    pointer: *const CK_ATTRIBUTE,
    count: usize,
    depth: usize,
    left: &mut usize,
) -> Result<Template> {
    *left = left.checked_sub(count).ok_or_else(|| Rv::ArgumentsBad.because("a template without an end"))?;
    (0..count)
        .map(|at| {
            // SAFETY: §5.1.1: `count` attributes; they may lie unaligned.
            let attribute = unsafe { pointer.add(at).read_unaligned() };
            // SAFETY: handed on.
            Ok((attribute.type_, unsafe { given(attribute, depth, left) }?))
        })
        .collect()
}

/// One attribute's value.
unsafe fn given(attribute: CK_ATTRIBUTE, depth: usize, left: &mut usize) -> Result<Given> {
    let refuse = |why: &str| {
        Err(Rv::AttributeValueInvalid.because(format!("{}: {why}", names::attribute(attribute.type_))))
    };
    let len = match usize::try_from(attribute.ulValueLen) {
        Ok(len) if len <= VALUE_LIMIT => len,
        _ => return refuse(&format!("a length of {:#x} bytes", attribute.ulValueLen)),
    };
    if attribute.pValue.is_null() && len > 0 {
        return refuse("a NULL value with a length");
    }
    if !NESTED.contains(&attribute.type_) {
        let mut value = Secret::zeroed(len);
        if len > 0 {
            // SAFETY: §5.1.1: `pValue` is not NULL and has `ulValueLen` bytes; the copy is as long and our own.
            unsafe {
                attribute.pValue.cast::<u8>().copy_to_nonoverlapping(value.expose_mut().as_mut_ptr(), len)
            };
        }
        return Ok(Given::Bytes(value));
    }
    match (len % ITEM, depth.checked_sub(1)) {
        // SAFETY: §5.1.1 for templates within: `ulValueLen` bytes of CK_ATTRIBUTE.
        (0, Some(depth)) => {
            unsafe { level(attribute.pValue.cast(), len / ITEM, depth, left) }.map(Given::Template)
        }
        (0, None) => refuse("too many templates in one another"),
        _ => refuse("its length is no multiple of a CK_ATTRIBUTE"),
    }
}

/// Writes one answer: the value, or its length, or that there is none.
unsafe fn fill_one(at: *mut CK_ATTRIBUTE, answer: std::result::Result<&Given, &Error>) -> Result<()> {
    // SAFETY: §5.7.5: `at` is an attribute of the caller; it may lie unaligned.
    let attribute = unsafe { at.read_unaligned() };
    let written = match answer {
        // SAFETY: handed on.
        Ok(Given::Bytes(value)) => unsafe { fill_bytes(attribute, value.expose()) },
        // SAFETY: handed on.
        Ok(Given::Template(template)) => unsafe { fill_template(attribute, template) },
        Err(error) => Err(error.clone()),
    };
    let (len, result) = match written {
        Ok((len, result)) => (len as CK_ULONG, result),
        Err(error) => (CK_UNAVAILABLE_INFORMATION, Err(error)),
    };
    // SAFETY: read above; a raw field place needs no alignment.
    unsafe { (&raw mut (*at).ulValueLen).write_unaligned(len) };
    result
}

/// The length to write beside the value, with a refusal from within; or that the room is too small.
type Written = Result<(usize, Result<()>)>;

unsafe fn fill_bytes(attribute: CK_ATTRIBUTE, value: &[u8]) -> Written {
    if !attribute.pValue.is_null() {
        fits(attribute, value.len())?;
        // SAFETY: §5.7.5: `pValue` has room for `ulValueLen` bytes, and the value no more.
        unsafe { put(attribute.pValue.cast(), value) };
    }
    Ok((value.len(), Ok(())))
}

/// A template goes into the caller's array, whose own attributes say where their values go (§5.7.5).
unsafe fn fill_template(attribute: CK_ATTRIBUTE, template: &Template) -> Written {
    let (len, items) = (template.len() * ITEM, attribute.pValue.cast::<CK_ATTRIBUTE>());
    let mut result = Ok(());
    if !items.is_null() {
        fits(attribute, len)?;
        for (at, (kind, value)) in template.iter().enumerate() {
            // SAFETY: §5.7.5: the array has room for the whole template; "the type element … MUST be set on output".
            result = result.and(unsafe {
                let item = items.add(at);
                (&raw mut (*item).type_).write_unaligned(*kind);
                fill_one(item, Ok(value))
            });
        }
    }
    Ok((len, result))
}

fn fits(attribute: CK_ATTRIBUTE, len: usize) -> Result<()> {
    if attribute.ulValueLen >= len as CK_ULONG {
        return Ok(());
    }
    let name = names::attribute(attribute.type_);
    Err(Rv::BufferTooSmall.because(format!("{name}: {len} bytes do not fit {}", attribute.ulValueLen)))
}
