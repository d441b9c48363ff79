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
        (0, Some(depth)) => {
            // SAFETY: §5.1.1 for templates within: `ulValueLen` bytes of CK_ATTRIBUTE.
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

#[cfg(test)]
mod tests {
    use std::ptr;

    use proptest::prelude::*;

    use super::super::fence::Fence;
    use super::*;

    /// One attribute as a caller may give it, good or bad.
    #[derive(Clone, Debug)]
    enum Item {
        Value(Vec<u8>),
        Null(CK_ULONG),
        Hostile(CK_ULONG),
        Nested(Vec<Item>),
        Ragged(usize),
    }

    /// The caller's memory: every array and value ends at a page that cannot be read.
    #[derive(Default)]
    struct Memory(Vec<Fence>);

    impl Memory {
        fn keep(&mut self, fence: Fence) -> *mut u8 {
            let start = fence.start();
            self.0.push(fence);
            start
        }

        /// An array of attributes; one of three lies unaligned, a byte before the fence.
        fn lay(&mut self, items: &[Item]) -> (*mut CK_ATTRIBUTE, CK_ULONG) {
            let mut bytes = Vec::new();
            for item in items {
                let attribute = self.attribute(item);
                // SAFETY: the bytes of a struct without padding.
                bytes.extend(unsafe { ptr::from_ref(&attribute).cast::<[u8; ITEM]>().read() });
            }
            bytes.resize(bytes.len() + usize::from(items.len() == 3), 0);
            let array = self.keep(Fence::of(&bytes)).cast();
            (array, items.len() as CK_ULONG)
        }

        fn attribute(&mut self, item: &Item) -> CK_ATTRIBUTE {
            let (type_, pointer, len) = match item {
                Item::Value(value) => (CKA_LABEL, self.keep(Fence::of(value)), value.len() as CK_ULONG),
                Item::Null(len) => (CKA_ID, ptr::null_mut(), *len),
                Item::Hostile(len) => (CKA_VALUE, self.keep(Fence::of(b"x")), *len),
                Item::Nested(items) => {
                    let (array, count) = self.lay(items);
                    (CKA_WRAP_TEMPLATE, array.cast(), count * ITEM as CK_ULONG)
                }
                Item::Ragged(len) => {
                    (CKA_UNWRAP_TEMPLATE, self.keep(Fence::of(&vec![0; *len])), *len as CK_ULONG)
                }
            };
            CK_ATTRIBUTE { type_, pValue: pointer.cast(), ulValueLen: len }
        }
    }

    /// What must come of it, at that depth.
    fn expected(items: &[Item], depth: usize) -> std::result::Result<Template, Rv> {
        let one = |item: &Item| match item {
            Item::Value(value) => Ok((CKA_LABEL, Given::Bytes(value.as_slice().into()))),
            Item::Null(0) => Ok((CKA_ID, Given::Bytes(Secret::default()))),
            Item::Nested(items) if depth > 0 => {
                expected(items, depth - 1).map(|nested| (CKA_WRAP_TEMPLATE, Given::Template(nested)))
            }
            Item::Ragged(0) => Ok((CKA_UNWRAP_TEMPLATE, Given::Template(vec![]))),
            _ => Err(Rv::AttributeValueInvalid),
        };
        items.iter().map(one).collect()
    }

    fn item() -> impl Strategy<Value = Item> {
        let hostile = prop_oneof![
            Just(CK_UNAVAILABLE_INFORMATION),
            Just(1 << 63),
            Just((1 << 63) - 1),
            Just(VALUE_LIMIT as CK_ULONG + 1),
            Just(CK_ULONG::MAX / ITEM as CK_ULONG * ITEM as CK_ULONG),
        ];
        let leaf = prop_oneof![
            8 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Item::Value),
            2 => Just(Item::Null(0)),
            1 => (1..100u64).prop_map(Item::Null),
            1 => hostile.clone().prop_map(Item::Null),
            1 => hostile.prop_map(Item::Hostile),
            1 => (0..ITEM).prop_map(Item::Ragged),
        ];
        leaf.prop_recursive(6, 24, 4, |item| prop::collection::vec(item, 0..4).prop_map(Item::Nested))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

        #[test]
        fn a_template_is_read_exactly_or_refused(items in prop::collection::vec(item(), 0..6)) {
            let mut memory = Memory::default();
            let (array, count) = memory.lay(&items);
            // SAFETY: every pointer has what its length says, or a length that is refused unread.
            let read = unsafe { template(array, count) };
            prop_assert_eq!(read.map_err(|error| error.rv()), expected(&items, DEPTH));
        }

        #[test]
        fn a_count_that_cannot_be_is_refused_unread(count in ATTRIBUTES as CK_ULONG + 1..) {
            let fence = Fence::of(b"");
            // SAFETY: refused unread.
            let (read, asked) = unsafe { (template(fence.start().cast(), count), types(fence.start().cast(), count)) };
            prop_assert_eq!(read.map_err(|error| error.rv()), Err(Rv::ArgumentsBad));
            prop_assert_eq!(asked.map_err(|error| error.rv()), Err(Rv::ArgumentsBad));
        }
    }

    #[test]
    fn a_null_template_has_count_zero() {
        // SAFETY: NULL is legal to give.
        unsafe {
            assert_eq!(template(ptr::null(), 0), Ok(vec![]));
            assert_eq!(template(ptr::null(), 1).unwrap_err().rv(), Rv::ArgumentsBad);
            assert_eq!(types(ptr::null(), 0), Ok(vec![]));
            assert_eq!(types(ptr::null(), 1).unwrap_err().rv(), Rv::ArgumentsBad);
        }
    }

    #[test]
    fn a_template_that_contains_itself_is_refused() {
        let mut items = [CK_ATTRIBUTE::default(); 300];
        let whole = items.as_mut_ptr();
        items.fill(CK_ATTRIBUTE {
            type_: CKA_DERIVE_TEMPLATE,
            pValue: whole.cast(),
            ulValueLen: 300 * ITEM as CK_ULONG,
        });
        // SAFETY: the array is ours, and within itself as large as told.
        assert!(unsafe { template(whole, 300) }.is_err());
    }

    /// An attribute to be filled, in a buffer of so many bytes.
    fn asked(type_: CK_ATTRIBUTE_TYPE, buffer: &mut [u8]) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE { type_, pValue: buffer.as_mut_ptr().cast(), ulValueLen: buffer.len() as CK_ULONG }
    }

    fn value(bytes: &[u8]) -> Given {
        Given::Bytes(bytes.into())
    }

    #[test]
    fn all_attributes_are_served_and_the_first_refusal_is_told() {
        let (mut small, mut id, mut secret) = ([0; 2], [0; 4], [0; 8]);
        let mut items = [
            CK_ATTRIBUTE { type_: CKA_CLASS, ..Default::default() },
            asked(CKA_VALUE, &mut secret),
            asked(CKA_LABEL, &mut small),
            asked(CKA_VENDOR_DEFINED, &mut []),
            asked(CKA_ID, &mut id),
        ];
        let answers = [
            Ok(value(&[0; 8])),
            Err(Rv::AttributeSensitive.into()),
            Ok(value(b"label")),
            Err(Rv::AttributeTypeInvalid.into()),
            Ok(value(b"id")),
        ];
        // SAFETY: five attributes with the buffers they tell.
        let result = unsafe { fill(items.as_mut_ptr(), &answers) };
        assert_eq!(result.unwrap_err().rv(), Rv::AttributeSensitive);
        let none = CK_UNAVAILABLE_INFORMATION;
        assert_eq!(items.map(|item| item.ulValueLen), [8, none, none, none, 2]);
        assert_eq!((&small, &id, &secret), (b"\0\0", b"id\0\0", &[0; 8]));
    }

    #[test]
    fn a_nested_template_is_filled_level_by_level() {
        let stored = || Ok(Given::Template(vec![(CKA_CLASS, value(b"class")), (CKA_ID, value(b"id"))]));
        let (mut class, mut id) = ([0; 5], [0; 1]);
        let mut outer = CK_ATTRIBUTE { type_: CKA_WRAP_TEMPLATE, ..Default::default() };
        // SAFETY: here and below: one attribute, whose array and buffers are as large as told.
        assert!(unsafe { fill(&raw mut outer, &[stored()]) }.is_ok());
        assert_eq!(outer.ulValueLen as usize, 2 * ITEM, "first the length of the array");

        let mut inner = [CK_ATTRIBUTE::default(); 2];
        outer.pValue = inner.as_mut_ptr().cast();
        // SAFETY: as above.
        assert!(unsafe { fill(&raw mut outer, &[stored()]) }.is_ok());
        let seen = inner.map(|item| (item.type_, item.ulValueLen));
        assert_eq!(seen, [(CKA_CLASS, 5), (CKA_ID, 2)], "then the types and lengths within");

        inner = [asked(0, &mut class), asked(0, &mut id)];
        outer.pValue = inner.as_mut_ptr().cast();
        // SAFETY: as above.
        let result = unsafe { fill(&raw mut outer, &[stored()]) };
        assert_eq!(result.unwrap_err().rv(), Rv::BufferTooSmall);
        assert_eq!((outer.ulValueLen as usize, &class), (2 * ITEM, b"class"), "then the values");
        assert_eq!(inner.map(|item| item.ulValueLen), [5, CK_UNAVAILABLE_INFORMATION]);

        outer.ulValueLen -= 1;
        // SAFETY: as above.
        assert_eq!(unsafe { fill(&raw mut outer, &[stored()]) }.unwrap_err().rv(), Rv::BufferTooSmall);
        assert_eq!(outer.ulValueLen, CK_UNAVAILABLE_INFORMATION, "an array too small is told as any value");
    }
}
