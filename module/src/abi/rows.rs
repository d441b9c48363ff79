//! The verbs that rows share: arguments in, the safe call, the answer out.
//!
//! All `unsafe` here hands on the caller's contract, see `pointer.rs`. Borrows of the caller's memory end before
//! anything is written.

use crate::cryptoki::ids::*;
use crate::cryptoki::{Reply, Result, Room, Rv, Secret};

use super::api::{Call, Kind, List, Module};
use super::derivation::Targets;
use super::mechanism::shape;
use super::params::{choice, chosen};
use super::pointer::{In, Out, Output, answer, bytes, list, null, pin, put, read, size, text};
use super::template::{fill, template, types};

/// A template, as C gives it.
pub type Attributes = (CK_ATTRIBUTE_PTR, CK_ULONG);

/// The two functions of parallel sessions (§5.20).
pub fn not_parallel(_: &Module) -> Result<()> {
    Err(Rv::FunctionNotParallel.because("no function runs beside others any more (§5.20)"))
}

pub unsafe fn init_token(module: &Module, slot: CK_SLOT_ID, so_pin: In, label: CK_BYTE_PTR) -> Result<()> {
    // SAFETY: §5.5.7: the PIN has its length, the label 32 bytes.
    let (so_pin, label) = unsafe { (pin(so_pin)?, read(label.cast::<[u8; 32]>())) };
    let so_pin = so_pin.ok_or_else(|| null("the SO PIN"))?;
    module.init_token(slot, &so_pin, label.ok_or_else(|| null("the label"))?)
}

pub unsafe fn wait(
    module: &Module,
    flags: CK_FLAGS,
    slot: CK_SLOT_ID_PTR,
    reserved: CK_VOID_PTR,
) -> Result<()> {
    if !reserved.is_null() {
        return Err(Rv::ArgumentsBad.because("pReserved of C_WaitForSlotEvent is not NULL"));
    }
    // SAFETY: §5.5.4.
    unsafe { answer(slot, || module.wait_for_slot_event(flags & CKF_DONT_BLOCK == 0)) }
}

pub unsafe fn login_user(call: &Call, user: CK_USER_TYPE, user_pin: In, name: In) -> Result<()> {
    // SAFETY: §5.6.9.
    let (user_pin, name) = unsafe { (pin(user_pin)?, text(name, Rv::ArgumentsBad)?) };
    let name = str::from_utf8(name).map_err(|_| Rv::ArgumentsBad.because("a user name that is not UTF-8"))?;
    call.login_user(user, user_pin.as_ref(), name)
}

pub unsafe fn set_pin(call: &Call, old: In, new: In) -> Result<()> {
    // SAFETY: §5.5.9.
    let (old, new) = unsafe { (pin(old)?, pin(new)?) };
    call.set_pin(old.as_ref(), new.as_ref())
}

pub unsafe fn restore(call: &Call, state: In, encryption: CK_ULONG, authentication: CK_ULONG) -> Result<()> {
    let key = |handle| (handle != CK_INVALID_HANDLE).then_some(handle);
    // SAFETY: §5.6.7.
    call.set_operation_state(unsafe { bytes(state) }?, key(encryption), key(authentication))
}

pub unsafe fn attributes(
    call: &Call,
    list: List,
    object: CK_OBJECT_HANDLE,
    (items, count): Attributes,
) -> Result<()> {
    // SAFETY: §5.7.5.
    let types = unsafe { types(items, count) }?;
    let mut answers = call.attributes_through(list, object, &types)?;
    answers.truncate(types.len());
    // SAFETY: §5.7.5; not more answers than attributes.
    unsafe { fill(items, &answers) }
}

pub unsafe fn find(
    call: &Call,
    target: CK_OBJECT_HANDLE_PTR,
    max: CK_ULONG,
    count: CK_ULONG_PTR,
) -> Result<()> {
    if target.is_null() && max > 0 {
        return Err(null("the object handles"));
    }
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let work = || {
        let mut found = call.find(max)?;
        found.truncate(max);
        // SAFETY: §5.7.8: room for `max` handles, and there are no more.
        unsafe { put(target, &found) };
        Ok(found.len() as CK_ULONG)
    };
    // SAFETY: §5.7.8.
    unsafe { answer(count, work) }
}

/// C_…Init. A NULL mechanism ends the active operation (§5.8.1 and its like).
pub unsafe fn begin(
    call: &Call,
    kind: Kind,
    mechanism: CK_MECHANISM_PTR,
    key: Option<CK_OBJECT_HANDLE>,
) -> Result<()> {
    if !mechanism.is_null() {
        call.idle(kind)?;
    }
    // SAFETY: §5.1.1.
    match unsafe { choice(mechanism) }? {
        Some(choice) => call.begin(kind, &choice, key),
        None => call.cancel(kind),
    }
}

/// All at once: C_Encrypt, C_Sign and their like.
pub unsafe fn single(call: &Call, kind: Kind, input: In, output: Out) -> Result<()> {
    // SAFETY: §5.2.
    let (data, output) = or_end(call, &[kind], unsafe { both(input, output) })?;
    if matches!(kind, Kind::Encrypt | Kind::Decrypt) {
        // SAFETY: §5.2; the place is not the data's.
        if let Some(place) = unsafe { output.apart_from(input) }
            && let Some(len) = call.straight(kind, data, place)?
        {
            // SAFETY: §5.2; `place` and `data` are used no more.
            return unsafe { output.put(Reply::Length(len)) };
        }
    }
    let reply = call.single(kind, data, output.room())?;
    // SAFETY: §5.2; the reply is owned and `data` is used no more.
    unsafe { output.put(reply) }
}

/// A part, with a part of the answer.
pub unsafe fn update(call: &Call, kind: Kind, input: In, output: Out) -> Result<()> {
    // SAFETY: §5.2.
    let (data, output) = or_end(call, &[kind], unsafe { both(input, output) })?;
    let reply = call.update(kind, data, output.room())?;
    // SAFETY: as in `single`.
    unsafe { output.put(reply) }
}

/// A part, with no answer yet: digests, signatures, verifications.
pub unsafe fn absorb(call: &Call, kind: Kind, input: In) -> Result<()> {
    // SAFETY: §5.1.1.
    let data = or_end(call, &[kind], unsafe { bytes(input) })?;
    call.update(kind, data, Room::Of(0)).map(drop)
}

/// The end of the parts.
pub unsafe fn finish(call: &Call, kind: Kind, output: Out) -> Result<()> {
    // SAFETY: §5.2.
    let output = or_end(call, &[kind], unsafe { Output::at(output) })?;
    let reply = call.finish(kind, output.room())?;
    // SAFETY: as in `single`.
    unsafe { output.put(reply) }
}

pub unsafe fn verify(call: &Call, data: In, signature: In) -> Result<()> {
    // SAFETY: §5.1.1.
    let data = or_end(call, &[Kind::Verify], unsafe { bytes(data) })?;
    // SAFETY: §5.1.1.
    let signature = or_end(call, &[Kind::Verify], unsafe { bytes(signature) })?;
    call.verify(data, signature)
}

/// C_VerifySignatureInit. A NULL mechanism ends the active operation.
pub unsafe fn begin_judging(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    key: CK_OBJECT_HANDLE,
    signature: In,
) -> Result<()> {
    if !mechanism.is_null() {
        call.idle(Kind::VerifySignature)?;
    }
    // SAFETY: §5.1.1.
    match unsafe { choice(mechanism) }? {
        // SAFETY: §5.1.1.
        Some(choice) => call.begin_judging(&choice, key, unsafe { bytes(signature) }?),
        None => call.cancel(Kind::VerifySignature),
    }
}

/// C_VerifySignature
pub unsafe fn judge(call: &Call, data: In) -> Result<()> {
    // SAFETY: §5.1.1.
    call.judge(Some(or_end(call, &[Kind::VerifySignature], unsafe { bytes(data) })?))
}

pub unsafe fn verify_final(call: &Call, signature: In) -> Result<()> {
    // SAFETY: §5.1.1.
    call.verify_final(or_end(call, &[Kind::Verify], unsafe { bytes(signature) })?)
}

/// Two operations over one part (§5.17).
pub unsafe fn dual(call: &Call, first: Kind, second: Kind, input: In, output: Out) -> Result<()> {
    // SAFETY: §5.2.
    let (data, output) = or_end(call, &[first, second], unsafe { both(input, output) })?;
    let reply = call.dual(first, second, data, output.room())?;
    // SAFETY: as in `single`.
    unsafe { output.put(reply) }
}

pub unsafe fn save(call: &Call, output: Out) -> Result<()> {
    // SAFETY: §5.2.
    let output = unsafe { Output::at(output) }?;
    let reply = call.operation_state(output.room())?;
    // SAFETY: as in `single`.
    unsafe { output.put(reply) }
}

/// The functions that make one object from a mechanism and a template.
pub unsafe fn generate(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    (items, count): Attributes,
    target: CK_OBJECT_HANDLE_PTR,
) -> Result<()> {
    // SAFETY: §5.1.1.
    unsafe { answer(target, || call.generate(&chosen(mechanism)?, &template(items, count)?)) }
}

pub unsafe fn generate_pair(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    public: Attributes,
    private: Attributes,
    (public_key, private_key): (CK_OBJECT_HANDLE_PTR, CK_OBJECT_HANDLE_PTR),
) -> Result<()> {
    if private_key.is_null() {
        return Err(null("the private key's handle"));
    }
    // SAFETY: §5.18.2: both targets are CK_OBJECT_HANDLEs, and the second is not NULL.
    let work = || unsafe {
        let choice = chosen(mechanism)?;
        let (public, private) = (template(public.0, public.1)?, template(private.0, private.1)?);
        let (public, private) = call.generate_pair(&choice, &public, &private)?;
        private_key.write_unaligned(private);
        Ok(public)
    };
    // SAFETY: §5.18.2.
    unsafe { answer(public_key, work) }
}

pub unsafe fn wrap(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    wrapping: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    output: Out,
) -> Result<()> {
    // SAFETY: §5.2.
    let (choice, output) = unsafe { (chosen(mechanism)?, Output::at(output)?) };
    let reply = call.wrap(&choice, wrapping, key, output.room())?;
    // SAFETY: as in `single`.
    unsafe { output.put(reply) }
}

pub unsafe fn unwrap(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    unwrapping: CK_OBJECT_HANDLE,
    wrapped: In,
    (items, count): Attributes,
    target: CK_OBJECT_HANDLE_PTR,
) -> Result<()> {
    // SAFETY: §5.1.1.
    let work =
        || unsafe { call.unwrap(&chosen(mechanism)?, unwrapping, bytes(wrapped)?, &template(items, count)?) };
    // SAFETY: §5.1.1.
    unsafe { answer(target, work) }
}

/// The one function that may make several keys, and write back through its parameter.
pub unsafe fn derive(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    base: CK_OBJECT_HANDLE,
    (items, count): Attributes,
    target: CK_OBJECT_HANDLE_PTR,
) -> Result<()> {
    // SAFETY: §5.1.1.
    let (choice, chosen) = unsafe { (chosen(mechanism)?, read(mechanism)) };
    let chosen = chosen.ok_or_else(|| null("the mechanism"))?;
    // SAFETY: §5.1.1; the parameter was read in this shape.
    let targets = unsafe { Targets::of(chosen, shape(choice.id)?, target) }?;
    // SAFETY: §5.1.1.
    let derived = call.derive(&choice, base, &unsafe { template(items, count) }?)?;
    // SAFETY: as in `single`.
    unsafe { targets.write(&derived) }
}

/// Two answers: the ciphertext, and the handle of the key in it.
pub unsafe fn encapsulate(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    public: CK_OBJECT_HANDLE,
    (items, count): Attributes,
    output: Out,
    target: CK_OBJECT_HANDLE_PTR,
) -> Result<()> {
    // SAFETY: §5.2 and §5.1.1.
    let (output, choice) = unsafe { (Output::at(output)?, chosen(mechanism)?) };
    if target.is_null() && output.room() != Room::Query {
        return Err(null("the key's handle"));
    }
    // SAFETY: §5.1.1.
    let template = unsafe { template(items, count) }?;
    let (reply, key) = call.encapsulate(&choice, public, &template, output.room())?;
    if let Some(key) = key {
        // SAFETY: §5.18.8: not NULL, so a CK_OBJECT_HANDLE.
        unsafe { target.write_unaligned(key) };
    }
    // SAFETY: as in `single`.
    unsafe { output.put(reply) }
}

pub unsafe fn decapsulate(
    call: &Call,
    mechanism: CK_MECHANISM_PTR,
    private: CK_OBJECT_HANDLE,
    (items, count): Attributes,
    ciphertext: In,
    target: CK_OBJECT_HANDLE_PTR,
) -> Result<()> {
    // SAFETY: §5.1.1.
    let work = || unsafe {
        call.decapsulate(&chosen(mechanism)?, private, bytes(ciphertext)?, &template(items, count)?)
    };
    // SAFETY: §5.1.1.
    unsafe { answer(target, work) }
}

/// Random bytes, made in our own memory piece by piece, whatever length is asked.
pub unsafe fn random(call: &Call, (target, len): In) -> Result<()> {
    const PIECE: usize = 64 * 1024;
    let len = size(len)?;
    if target.is_null() && len > 0 {
        return Err(null("the random bytes"));
    }
    let mut piece = Secret::zeroed(len.min(PIECE));
    for start in (0..len).step_by(PIECE) {
        let bytes = &mut piece.expose_mut()[..PIECE.min(len - start)];
        call.random(bytes)?;
        // SAFETY: §5.19.2: the target has `len` bytes, of which this piece ends within.
        unsafe { put(target.add(start), bytes) };
    }
    Ok(())
}

pub unsafe fn slots(
    module: &Module,
    present: CK_BBOOL,
    target: CK_SLOT_ID_PTR,
    count: CK_ULONG_PTR,
) -> Result<()> {
    // SAFETY: §5.5.1. The call with a NULL pointer is the one that may change the list.
    unsafe { list(target, count, || module.slots(present != CK_FALSE, target.is_null())) }
}

/// The caller's input and output. Unsafe as `bytes` and `Output::at` are.
unsafe fn both<'a>(input: In, output: Out) -> Result<(&'a [u8], Output)> {
    // SAFETY: handed on.
    unsafe { Ok((bytes(input)?, Output::at(output)?)) }
}

/// An operation ends by every error but CKR_BUFFER_TOO_SMALL (§5.8.2 and its like), by a bad argument too.
fn or_end<T>(call: &Call, kinds: &[Kind], argument: Result<T>) -> Result<T> {
    argument.inspect_err(|_| kinds.iter().for_each(|kind| drop(call.cancel(*kind))))
}
