//! The functions of messages: a parameter that is read and written, the message, and where the answer goes.
//!
//! All `unsafe` here hands on the caller's contract, see `pointer.rs`.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Error, Reply, Result, Room, Rv, names};
use crate::mechanism::message::{self, Message};
use crate::mechanism::params::{Choice, Params, Shape};

use super::api::{Call, Kind};
use super::mechanism::shape;
use super::params;
use super::pointer::{In, Out, Output, answer, bytes, null, put, read};
use super::rows::Attributes;
use super::template::template;

/// A parameter of a message, as C gives it.
pub type Parameter = (CK_VOID_PTR, CK_ULONG);

/// An IV longer than this is a wrong length.
const IV_LIMIT: CK_ULONG = 64 * 1024;
/// The longest tag, in bytes.
const TAG_LIMIT: CK_ULONG = 16;

/// What a call needs of the parameter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// The IV, and a tag: to read it when decrypting, to write it when encrypting.
    All,
    /// The IV: the tag is asked for at the end.
    Iv,
    /// The tag: the IV was told at the beginning.
    Tag,
    /// Only how long the tag is.
    Length,
}

/// What the structs of C have in common.
struct Fields {
    iv: (CK_BYTE_PTR, CK_ULONG),
    fixed_bits: CK_ULONG,
    generator: CK_GENERATOR_FUNCTION,
    data_len: CK_ULONG,
    tag: (CK_BYTE_PTR, CK_ULONG),
}

/// A message's parameter, and where the caller has it.
struct Place {
    message: Message,
    iv: CK_BYTE_PTR,
    tag: CK_BYTE_PTR,
}

impl Place {
    /// Reads the parameter.
    ///
    /// # Safety
    /// §5.1.1: the pointer is NULL or has so many bytes, in which pointers are NULL or as long as is told.
    unsafe fn at(shape: Shape, parameter: Parameter, kind: Kind, needs: Needs) -> Result<Place> {
        // SAFETY: handed on.
        let fields = unsafe { fields(shape, parameter) }?;
        let (iv, iv_len) = fields.iv;
        let (tag, tag_len) = fields.tag;
        if iv_len > IV_LIMIT || tag_len > TAG_LIMIT {
            return Err(refuse(format!("an IV of {iv_len} bytes and a tag of {tag_len}")));
        }
        let reads_iv = matches!(needs, Needs::All | Needs::Iv);
        let has_tag = matches!(needs, Needs::All | Needs::Tag);
        if reads_iv && iv.is_null() || has_tag && tag.is_null() && tag_len > 0 {
            return Err(refuse("the IV or the tag is NULL".into()));
        }
        let given = |wanted, pointer, len: CK_ULONG| match wanted {
            // SAFETY: §5.1.1: not NULL, `len` bytes.
            true => unsafe { bytes((pointer, len)) }.map(<[u8]>::to_vec),
            false => Ok(vec![0; len as usize]),
        };
        let message = Message {
            iv: given(reads_iv, iv, iv_len)?,
            fixed_bits: fields.fixed_bits as usize,
            generator: fields.generator,
            data_len: fields.data_len as usize,
            tag: given(has_tag && kind == Kind::Decrypt, tag, tag_len)?,
        };
        let written = |used, pointer| if used { pointer } else { std::ptr::null_mut() };
        let encrypts = kind == Kind::Encrypt;
        Ok(Place { message, iv: written(encrypts && reads_iv, iv), tag: written(encrypts && has_tag, tag) })
    }

    /// Writes what the token made: the IV and the tag.
    ///
    /// # Safety
    /// As for [`Place::at`]; no borrow of the caller's memory is alive.
    unsafe fn put(&self) {
        for (target, value) in [(self.iv, &self.message.iv), (self.tag, &self.message.tag)] {
            if !target.is_null() {
                // SAFETY: §6.13.6: as long as was told, which is as long as what was read.
                unsafe { put(target, value) };
            }
        }
    }
}

/// Reads the struct that goes with the shape of the mechanism's parameter.
unsafe fn fields(shape: Shape, (pointer, len): Parameter) -> Result<Fields> {
    if size_of_params(shape) != Some(len as usize) || pointer.is_null() {
        return Err(refuse(format!("a message parameter of {len} bytes, or NULL")));
    }
    match shape {
        Shape::Gcm => {
            // SAFETY: not NULL and as long as the struct.
            let p = unsafe { read(pointer.cast::<CK_GCM_MESSAGE_PARAMS>()) }
                .ok_or_else(|| null("the parameter"))?;
            if p.ulTagBits % 8 != 0 {
                return Err(refuse(format!("ulTagBits is {}: no whole bytes", p.ulTagBits)));
            }
            Ok(Fields {
                iv: (p.pIv, p.ulIvLen),
                fixed_bits: p.ulIvFixedBits,
                generator: p.ivGenerator,
                data_len: 0,
                tag: (p.pTag, p.ulTagBits / 8),
            })
        }
        Shape::Ccm => {
            // SAFETY: as above.
            let p = unsafe { read(pointer.cast::<CK_CCM_MESSAGE_PARAMS>()) }
                .ok_or_else(|| null("the parameter"))?;
            Ok(Fields {
                iv: (p.pNonce, p.ulNonceLen),
                fixed_bits: p.ulNonceFixedBits,
                generator: p.nonceGenerator,
                data_len: p.ulDataLen,
                tag: (p.pMAC, p.ulMACLen),
            })
        }
        Shape::ChaCha20Poly1305 => {
            // SAFETY: as above.
            let p = unsafe { read(pointer.cast::<CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS>()) }
                .ok_or_else(|| null("the parameter"))?;
            // ulNonceLen counts bits by the standard and bytes in many programs; no length is both.
            let len = match p.ulNonceLen {
                64 | 96 | 192 => p.ulNonceLen / 8,
                bytes => bytes,
            };
            let iv = (p.pNonce, len);
            Ok(Fields {
                iv,
                fixed_bits: 0,
                generator: CKG_NO_GENERATE,
                data_len: 0,
                tag: (p.pTag, TAG_LIMIT),
            })
        }
        _ => Err(refuse("the mechanism does not work on messages".into())),
    }
}

/// The size of the struct for messages that goes with a shape.
fn size_of_params(shape: Shape) -> Option<usize> {
    match shape {
        Shape::Gcm => Some(size_of::<CK_GCM_MESSAGE_PARAMS>()),
        Shape::Ccm => Some(size_of::<CK_CCM_MESSAGE_PARAMS>()),
        Shape::ChaCha20Poly1305 => Some(size_of::<CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS>()),
        _ => None,
    }
}

fn refuse(why: String) -> Error {
    Rv::MechanismParamInvalid.because(why)
}

/// C_MessageXxxInit. A NULL mechanism ends the process.
pub unsafe fn begin_messages(
    call: &Call,
    kind: Kind,
    mechanism: CK_MECHANISM_PTR,
    key: CK_OBJECT_HANDLE,
) -> Result<()> {
    let choice = match kind {
        // SAFETY: §5.1.1.
        Kind::Encrypt | Kind::Decrypt => unsafe { bare(mechanism) }?,
        // SAFETY: §5.1.1.
        _ => unsafe { params::choice(mechanism) }?,
    };
    match choice {
        Some(choice) => call.begin_messages(kind, &choice, key),
        None => call.cancel_messages(kind),
    }
}

/// A mechanism whose parameter comes with each message: here it is none, or one of the right size, and not read.
unsafe fn bare(mechanism: CK_MECHANISM_PTR) -> Result<Option<Choice>> {
    // SAFETY: §5.1.1.
    let Some(mechanism) = (unsafe { read(mechanism) }) else { return Ok(None) };
    let (id, len) = (mechanism.mechanism, mechanism.ulParameterLen as usize);
    match size_of_params(shape(id)?) {
        Some(size) if len != 0 && len != size => Err(refuse(format!(
            "{}: a parameter of {len} bytes, expected {size} or none",
            names::mechanism(id)
        ))),
        _ => Ok(Some(Choice { id, params: Params::None })),
    }
}

/// C_EncryptMessage, C_DecryptMessage.
pub unsafe fn message(
    call: &Call,
    kind: Kind,
    parameter: Parameter,
    aad: In,
    input: In,
    output: Out,
) -> Result<()> {
    let shape = call.message_shape(kind)?;
    // SAFETY: §5.1.1 and §5.2.
    let (output, mut place) =
        unsafe { (Output::at(output)?, Place::at(shape, parameter, kind, Needs::All)?) };
    // SAFETY: §5.1.1.
    let (aad, data) = unsafe { (bytes(aad)?, bytes(input)?) };
    let reply = call.message(kind, Some(&mut place.message), aad, data, output.room())?;
    // SAFETY: §5.2; what is written is owned, and the input is used no more.
    unsafe { give(reply, &place, output) }
}

/// C_EncryptMessageBegin, C_DecryptMessageBegin.
pub unsafe fn begin(call: &Call, kind: Kind, parameter: Parameter, aad: In) -> Result<()> {
    let shape = call.message_shape(kind)?;
    // SAFETY: §5.1.1.
    let (mut place, aad) = unsafe { (Place::at(shape, parameter, kind, Needs::Iv)?, bytes(aad)?) };
    call.begin_message(kind, Some(&mut place.message), aad)?;
    // SAFETY: as in `message`.
    unsafe { place.put() };
    Ok(())
}

/// C_EncryptMessageNext, C_DecryptMessageNext.
pub unsafe fn next(
    call: &Call,
    kind: Kind,
    parameter: Parameter,
    input: In,
    output: Out,
    flags: CK_FLAGS,
) -> Result<()> {
    let shape = call.message_shape(kind)?;
    let last = flags & CKF_END_OF_MESSAGE != 0;
    let needs = if last { Needs::Tag } else { Needs::Length };
    // SAFETY: §5.1.1 and §5.2.
    let read =
        || unsafe { Ok((Place::at(shape, parameter, kind, needs)?, bytes(input)?, Output::at(output)?)) };
    let (mut place, data, output) = read().inspect_err(|_: &Error| call.drop_message(kind))?;
    let reply = call.next_message(kind, Some(&mut place.message), data, output.room(), last)?;
    // SAFETY: as in `message`.
    unsafe { give(reply, &place, output) }
}

/// The answer, and with it what the token made.
unsafe fn give(reply: Reply, place: &Place, output: Output) -> Result<()> {
    if matches!(reply, Reply::Data(_)) {
        // SAFETY: handed on.
        unsafe { place.put() };
    }
    // SAFETY: handed on.
    unsafe { output.put(reply) }
}

/// Signatures have no parameter of a message.
fn without((_, len): Parameter) -> Result<()> {
    match len {
        0 => Ok(()),
        _ => Err(refuse(format!("a message parameter of {len} bytes, expected none"))),
    }
}

/// C_SignMessage
pub unsafe fn sign(call: &Call, parameter: Parameter, input: In, output: Out) -> Result<()> {
    call.message_shape(Kind::Sign)?;
    without(parameter)?;
    // SAFETY: §5.1.1 and §5.2.
    let (data, output) = unsafe { (bytes(input)?, Output::at(output)?) };
    let reply = call.message(Kind::Sign, None, &[], data, output.room())?;
    // SAFETY: as in `message`.
    unsafe { output.put(reply) }
}

/// C_SignMessageBegin, C_VerifyMessageBegin.
pub fn begin_without(call: &Call, kind: Kind, parameter: Parameter) -> Result<()> {
    call.message_shape(kind)?;
    without(parameter)?;
    call.begin_message(kind, None, &[])
}

/// C_SignMessageNext; a NULL length says that there is more (§5.14.4).
pub unsafe fn sign_next(call: &Call, parameter: Parameter, input: In, output: Out) -> Result<()> {
    let last = !output.1.is_null();
    // SAFETY: §5.1.1 and §5.2.
    let read = || unsafe {
        without(parameter)?;
        Ok((bytes(input)?, if last { Some(Output::at(output)?) } else { None }))
    };
    let (data, output) = read().inspect_err(|_: &Error| call.drop_message(Kind::Sign))?;
    let room = output.as_ref().map_or(Room::Of(0), Output::room);
    let reply = call.next_message(Kind::Sign, None, data, room, last)?;
    match output {
        // SAFETY: as in `message`.
        Some(output) => unsafe { output.put(reply) },
        None => Ok(()),
    }
}

/// C_VerifyMessage
pub unsafe fn verify(call: &Call, parameter: Parameter, data: In, signature: In) -> Result<()> {
    call.message_shape(Kind::Verify)?;
    without(parameter)?;
    // SAFETY: §5.1.1.
    let (data, signature) = unsafe { (bytes(data)?, bytes(signature)?) };
    call.verify_message(data, signature)
}

/// C_VerifyMessageNext; a NULL signature says that there is more (§5.16.4).
pub unsafe fn verify_next(call: &Call, parameter: Parameter, data: In, signature: In) -> Result<()> {
    let last = !signature.0.is_null();
    // SAFETY: §5.1.1.
    let read = || unsafe {
        without(parameter)?;
        Ok((bytes(data)?, if last { Some(bytes(signature)?) } else { None }))
    };
    let (data, signature) = read().inspect_err(|_: &Error| call.drop_message(Kind::Verify))?;
    call.verify_message_next(data, signature)
}

/// The mechanism of C_WrapKeyAuthenticated and C_UnwrapKeyAuthenticated, whose parameter is a message's (§6.13.3).
unsafe fn wrapping(mechanism: CK_MECHANISM_PTR, kind: Kind) -> Result<(CK_MECHANISM_TYPE, Place)> {
    // SAFETY: §5.1.1.
    let mechanism = unsafe { read(mechanism) }.ok_or_else(|| null("the mechanism"))?;
    let (id, parameter) = (mechanism.mechanism, (mechanism.pParameter, mechanism.ulParameterLen));
    let shape = shape(id)?;
    if !message::serves(shape) {
        let why = format!("{} takes no associated data", names::mechanism(id));
        return Err(Rv::MechanismInvalid.because(why));
    }
    // SAFETY: handed on.
    Ok((id, unsafe { Place::at(shape, parameter, kind, Needs::All) }?))
}

pub unsafe fn wrap(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    (with, key): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE),
    aad: In,
    output: Out,
) -> Result<()> {
    // SAFETY: §5.1.1 and §5.2.
    let ((id, mut place), output) = unsafe { (wrapping(mechanism, Kind::Encrypt)?, Output::at(output)?) };
    // SAFETY: §5.1.1.
    let aad = unsafe { bytes(aad) }?;
    let reply = call.wrap_authenticated(id, &mut place.message, aad, (with, key), output.room())?;
    // SAFETY: as in `message`.
    unsafe { give(reply, &place, output) }
}

pub unsafe fn unwrap(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    with: CK_OBJECT_HANDLE,
    (wrapped, aad): (In, In),
    (items, count): Attributes,
    target: CK_OBJECT_HANDLE_PTR,
) -> Result<()> {
    // SAFETY: §5.1.1.
    let work = || unsafe {
        let (id, place) = wrapping(mechanism, Kind::Decrypt)?;
        let template = template(items, count)?;
        call.unwrap_authenticated(id, &place.message, bytes(aad)?, (with, bytes(wrapped)?), &template)
    };
    // SAFETY: §5.1.1.
    unsafe { answer(target, work) }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    fn at(p: &CK_GCM_MESSAGE_PARAMS, len: usize, kind: Kind, needs: Needs) -> Result<Place> {
        let pointer = ptr::from_ref(p).cast_mut().cast();
        // SAFETY: a length that is not the struct's own is refused unread.
        unsafe { Place::at(Shape::Gcm, (pointer, len as CK_ULONG), kind, needs) }
    }

    #[test]
    fn a_parameter_is_read_at_its_own_size_and_only_as_far_as_it_is_needed() {
        let (mut iv, mut tag) = ([7u8; 12], [9u8; 16]);
        let mut p = CK_GCM_MESSAGE_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvFixedBits: 32,
            ivGenerator: CKG_GENERATE,
            pTag: tag.as_mut_ptr(),
            ulTagBits: 128,
        };
        let size = size_of_val(&p);
        let place = at(&p, size, Kind::Decrypt, Needs::All).unwrap();
        assert_eq!((place.message.iv.as_slice(), place.message.tag.as_slice()), (&[7; 12][..], &[9; 16][..]));
        assert!(place.iv.is_null() && place.tag.is_null(), "nothing is written when decrypting");
        assert_eq!(at(&p, size, Kind::Encrypt, Needs::All).unwrap().message.tag, [0; 16]);
        for len in [0, size - 1, size + 1] {
            assert_eq!(at(&p, len, Kind::Encrypt, Needs::All).err().unwrap().rv(), Rv::MechanismParamInvalid);
        }
        p.pTag = ptr::null_mut();
        assert!(at(&p, size, Kind::Encrypt, Needs::Iv).is_ok());
        assert!(at(&p, size, Kind::Encrypt, Needs::All).is_err());
        (p.pIv, p.ulIvLen) = (ptr::null_mut(), 12);
        assert!(at(&p, size, Kind::Encrypt, Needs::Length).is_ok());
        assert!(at(&p, size, Kind::Encrypt, Needs::Iv).is_err());
        p.ulTagBits = 127;
        assert!(at(&p, size, Kind::Encrypt, Needs::Length).is_err());
        (p.ulTagBits, p.ulIvLen) = (128, CK_UNAVAILABLE_INFORMATION);
        assert!(at(&p, size, Kind::Encrypt, Needs::Length).is_err());
    }

    #[test]
    fn a_shape_has_a_struct_exactly_when_its_mechanisms_serve_messages() {
        for row in crate::mechanism::all() {
            assert_eq!(size_of_params(row.shape).is_some(), message::serves(row.shape), "{}", row.name());
        }
    }
}
