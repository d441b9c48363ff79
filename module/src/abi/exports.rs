//! One row per function: what C gives, the safe call, and where the answer goes.
//!
//! From the rows come the 104 exported symbols and the three function lists, so that no function can be in one and
//! not in the other. A row begins with what the function needs: `open` nothing, `module` that C_Initialize was
//! called, `session` also a session handle, which is its first argument.

#![allow(non_snake_case)]

use crate::cryptoki::ids::*;

use super::api::Kind::*;
use super::api::List;
use super::rows::*;
use super::{interfaces, messages, pointer, runtime, structs, template};

/// Makes one function. The lists point to it directly: the exported symbol of the same name is a door to it, which
/// another library's symbol may replace in the dynamic linker without misleading our lists.
macro_rules! function {
    ($name:ident ($($arg:ident: $type:ty),*), $answer:expr) => {
        #[inline(never)]
        #[allow(unused_unsafe)] // the work of some rows is safe
        unsafe extern "C" fn $name($($arg: $type),*) -> CK_RV {
            $answer
        }

        const _: () = {
            mod door {
                use super::*;

                #[doc = concat!("PKCS#11 v3.2, ", stringify!($name))]
                ///
                /// # Safety
                /// §5.1.1: pointers are NULL or point to what the standard says, as long as it says.
                #[unsafe(no_mangle)]
                pub unsafe extern "C" fn $name($($arg: $type),*) -> CK_RV {
                    // SAFETY: handed on.
                    unsafe { super::$name($($arg),*) }
                }
            }
        };
    };
}

/// Makes one row into its function: first what it needs, then its work.
macro_rules! row {
    (open $name:ident ($($arg:ident: $type:ty),*) $answer:expr) => {
        // SAFETY: the caller keeps the contract of §5.1.1, on which the work relies.
        function! { $name($($arg: $type),*), runtime::open(|| unsafe { $answer }) }
    };
    (module $name:ident ($($arg:ident: $type:ty),*) $answer:expr) => {
        // SAFETY: as above.
        function! { $name($($arg: $type),*), runtime::module(stringify!($name), unsafe { $answer }) }
    };
    (session $name:ident ($($arg:ident: $type:ty),*) $answer:expr) => {
        function! {
            $name(session: CK_SESSION_HANDLE $(, $arg: $type)*),
            // SAFETY: as above.
            runtime::session(stringify!($name), session, unsafe { $answer })
        }
    };
}

#[cfg(test)]
macro_rules! with_nothing {
    (session $name:ident ($($arg:ident: $type:ty),*)) => {
        with_nothing!(module $name(session: CK_SESSION_HANDLE $(, $arg: $type)*))
    };
    ($needs:ident $name:ident ($($arg:ident: $type:ty),*)) => {
        // SAFETY: numbers and pointers may be zero.
        || unsafe { $name($(std::mem::zeroed::<$type>()),*) }
    };
}

/// Makes all rows into functions and into the three lists.
macro_rules! exports {
    (2.40 { $($needs_a:ident $a:ident $args_a:tt => $work_a:expr;)* }
     3.0  { $($needs_b:ident $b:ident $args_b:tt => $work_b:expr;)* }
     3.2  { $($needs_c:ident $c:ident $args_c:tt => $work_c:expr;)* }) => {
        $(row! { $needs_a $a $args_a $work_a })*
        $(row! { $needs_b $b $args_b $work_b })*
        $(row! { $needs_c $c $args_c $work_c })*

        /// The list of C_GetFunctionList.
        pub static V2_40: CK_FUNCTION_LIST =
            CK_FUNCTION_LIST { version: structs::version((2, 40)), $($a: Some($a),)* };
        /// The list of interface "PKCS 11" 3.0.
        pub static V3_0: CK_FUNCTION_LIST_3_0 =
            CK_FUNCTION_LIST_3_0 { version: structs::version((3, 0)), $($a: Some(new::$a),)* $($b: Some($b),)* };
        /// The list of interface "PKCS 11" 3.2.
        pub static V3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: structs::version((3, 2)), $($a: Some(new::$a),)* $($b: Some($b),)* $($c: Some($c),)*
        };

        /// What each function needs, its name, and a call of it with NULL and 0 for all arguments.
        #[cfg(test)]
        pub const ROWS: &[(&str, &str, fn() -> CK_RV)] = &[
            $((stringify!($needs_a), stringify!($a), with_nothing!($needs_a $a $args_a)),)*
            $((stringify!($needs_b), stringify!($b), with_nothing!($needs_b $b $args_b)),)*
            $((stringify!($needs_c), stringify!($c), with_nothing!($needs_c $c $args_c)),)*
        ];
    };
}

/// The functions of 2.40 as the lists of 3.x have them: the same, but for the one that answers in a newer form.
mod new {
    pub(super) use super::*;

    pub(super) unsafe extern "C" fn C_GetAttributeValue(
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        template: CK_ATTRIBUTE_PTR,
        count: CK_ULONG,
    ) -> CK_RV {
        runtime::session("C_GetAttributeValue", session, |s| {
            // SAFETY: the caller keeps the contract of §5.7.5.
            unsafe { attributes(s, List::New, object, (template, count)) }
        })
    }
}

exports! {
2.40 {
    // §5.4 General purpose
    open    C_Initialize(args: CK_VOID_PTR) => runtime::initialise(args);
    open    C_Finalize(reserved: CK_VOID_PTR) => runtime::finalise(reserved);
    module  C_GetInfo(info: CK_INFO_PTR) => |m| pointer::answer(info, || Ok(structs::info(m.info())));
    open    C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) => interfaces::function_list(list);
    // §5.5 Slots and tokens
    module  C_GetSlotList(present: CK_BBOOL, list: CK_SLOT_ID_PTR, count: CK_ULONG_PTR) =>
            |m| slots(m, present, list, count);
    module  C_GetSlotInfo(slot: CK_SLOT_ID, info: CK_SLOT_INFO_PTR) =>
            |m| pointer::answer(info, || m.slot_info(slot).map(structs::slot));
    module  C_GetTokenInfo(slot: CK_SLOT_ID, info: CK_TOKEN_INFO_PTR) =>
            |m| pointer::answer(info, || m.token_info(slot).map(structs::token));
    module  C_GetMechanismList(slot: CK_SLOT_ID, list: CK_MECHANISM_TYPE_PTR, count: CK_ULONG_PTR) =>
            |m| pointer::list(list, count, || m.mechanisms(slot));
    module  C_GetMechanismInfo(slot: CK_SLOT_ID, id: CK_MECHANISM_TYPE, info: CK_MECHANISM_INFO_PTR) =>
            |m| pointer::answer(info, || m.mechanism_info(slot, id).map(structs::mechanism));
    module  C_InitToken(slot: CK_SLOT_ID, pin: CK_UTF8CHAR_PTR, pin_len: CK_ULONG, label: CK_UTF8CHAR_PTR) =>
            |m| init_token(m, slot, (pin, pin_len), label);
    session C_InitPIN(pin: CK_UTF8CHAR_PTR, pin_len: CK_ULONG) =>
            |s| s.init_pin(pointer::pin((pin, pin_len))?.as_ref());
    session C_SetPIN(old: CK_UTF8CHAR_PTR, old_len: CK_ULONG, new: CK_UTF8CHAR_PTR, new_len: CK_ULONG) =>
            |s| set_pin(s, (old, old_len), (new, new_len));
    // §5.6 Sessions
    module  C_OpenSession(slot: CK_SLOT_ID, flags: CK_FLAGS, _application: CK_VOID_PTR, _notify: CK_NOTIFY,
                session: CK_SESSION_HANDLE_PTR) =>
            |m| pointer::answer(session, || m.open_session(slot, flags));
    module  C_CloseSession(session: CK_SESSION_HANDLE) => |m| m.close_session(session);
    module  C_CloseAllSessions(slot: CK_SLOT_ID) => |m| m.close_all_sessions(slot);
    session C_GetSessionInfo(info: CK_SESSION_INFO_PTR) =>
            |s| pointer::answer(info, || s.info().map(structs::session));
    session C_GetOperationState(state: CK_BYTE_PTR, len: CK_ULONG_PTR) => |s| save(s, (state, len));
    session C_SetOperationState(state: CK_BYTE_PTR, len: CK_ULONG, encryption: CK_OBJECT_HANDLE,
                authentication: CK_OBJECT_HANDLE) =>
            |s| restore(s, (state, len), encryption, authentication);
    session C_Login(user: CK_USER_TYPE, pin: CK_UTF8CHAR_PTR, len: CK_ULONG) =>
            |s| s.login(user, pointer::pin((pin, len))?.as_ref());
    session C_Logout() => |s| s.logout();
    // §5.7 Objects
    session C_CreateObject(template: CK_ATTRIBUTE_PTR, count: CK_ULONG, object: CK_OBJECT_HANDLE_PTR) =>
            |s| pointer::answer(object, || s.create(&template::template(template, count)?));
    session C_CopyObject(object: CK_OBJECT_HANDLE, template: CK_ATTRIBUTE_PTR, count: CK_ULONG,
                copy: CK_OBJECT_HANDLE_PTR) =>
            |s| pointer::answer(copy, || s.copy(object, &template::template(template, count)?));
    session C_DestroyObject(object: CK_OBJECT_HANDLE) => |s| s.destroy(object);
    session C_GetObjectSize(object: CK_OBJECT_HANDLE, size: CK_ULONG_PTR) =>
            |s| pointer::answer(size, || s.size(object));
    session C_GetAttributeValue(object: CK_OBJECT_HANDLE, template: CK_ATTRIBUTE_PTR, count: CK_ULONG) =>
            |s| attributes(s, List::Old, object, (template, count));
    session C_SetAttributeValue(object: CK_OBJECT_HANDLE, template: CK_ATTRIBUTE_PTR, count: CK_ULONG) =>
            |s| s.set_attributes(object, &template::template(template, count)?);
    session C_FindObjectsInit(template: CK_ATTRIBUTE_PTR, count: CK_ULONG) =>
            |s| s.find_init(&template::template(template, count)?);
    session C_FindObjects(objects: CK_OBJECT_HANDLE_PTR, max: CK_ULONG, count: CK_ULONG_PTR) =>
            |s| find(s, objects, max, count);
    session C_FindObjectsFinal() => |s| s.find_final();
    // §5.8 Encryption
    session C_EncryptInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| begin(s, Encrypt, mechanism, Some(key));
    session C_Encrypt(data: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| single(s, Encrypt, (data, len), (out, out_len));
    session C_EncryptUpdate(part: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| update(s, Encrypt, (part, len), (out, out_len));
    session C_EncryptFinal(out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) => |s| finish(s, Encrypt, (out, out_len));
    // §5.10 Decryption
    session C_DecryptInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| begin(s, Decrypt, mechanism, Some(key));
    session C_Decrypt(data: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| single(s, Decrypt, (data, len), (out, out_len));
    session C_DecryptUpdate(part: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| update(s, Decrypt, (part, len), (out, out_len));
    session C_DecryptFinal(out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) => |s| finish(s, Decrypt, (out, out_len));
    // §5.12 Digests
    session C_DigestInit(mechanism: CK_MECHANISM_PTR) => |s| begin(s, Digest, mechanism, None);
    session C_Digest(data: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| single(s, Digest, (data, len), (out, out_len));
    session C_DigestUpdate(part: CK_BYTE_PTR, len: CK_ULONG) => |s| absorb(s, Digest, (part, len));
    session C_DigestKey(key: CK_OBJECT_HANDLE) => |s| s.digest_key(key);
    session C_DigestFinal(out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) => |s| finish(s, Digest, (out, out_len));
    // §5.13 Signatures and MACs
    session C_SignInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| begin(s, Sign, mechanism, Some(key));
    session C_Sign(data: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| single(s, Sign, (data, len), (out, out_len));
    session C_SignUpdate(part: CK_BYTE_PTR, len: CK_ULONG) => |s| absorb(s, Sign, (part, len));
    session C_SignFinal(out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) => |s| finish(s, Sign, (out, out_len));
    session C_SignRecoverInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| begin(s, SignRecover, mechanism, Some(key));
    session C_SignRecover(data: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| single(s, SignRecover, (data, len), (out, out_len));
    // §5.15 Verification
    session C_VerifyInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| begin(s, Verify, mechanism, Some(key));
    session C_Verify(data: CK_BYTE_PTR, len: CK_ULONG, signature: CK_BYTE_PTR, signature_len: CK_ULONG) =>
            |s| verify(s, (data, len), (signature, signature_len));
    session C_VerifyUpdate(part: CK_BYTE_PTR, len: CK_ULONG) => |s| absorb(s, Verify, (part, len));
    session C_VerifyFinal(signature: CK_BYTE_PTR, len: CK_ULONG) => |s| verify_final(s, (signature, len));
    session C_VerifyRecoverInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| begin(s, VerifyRecover, mechanism, Some(key));
    session C_VerifyRecover(signature: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| single(s, VerifyRecover, (signature, len), (out, out_len));
    // §5.17 Two at once
    session C_DigestEncryptUpdate(part: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR,
                out_len: CK_ULONG_PTR) =>
            |s| dual(s, Digest, Encrypt, (part, len), (out, out_len));
    session C_DecryptDigestUpdate(part: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR,
                out_len: CK_ULONG_PTR) =>
            |s| dual(s, Decrypt, Digest, (part, len), (out, out_len));
    session C_SignEncryptUpdate(part: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| dual(s, Sign, Encrypt, (part, len), (out, out_len));
    session C_DecryptVerifyUpdate(part: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR,
                out_len: CK_ULONG_PTR) =>
            |s| dual(s, Decrypt, Verify, (part, len), (out, out_len));
    // §5.18 Keys
    session C_GenerateKey(mechanism: CK_MECHANISM_PTR, template: CK_ATTRIBUTE_PTR, count: CK_ULONG,
                key: CK_OBJECT_HANDLE_PTR) =>
            |s| generate(s, mechanism, (template, count), key);
    session C_GenerateKeyPair(mechanism: CK_MECHANISM_PTR, public: CK_ATTRIBUTE_PTR, public_count: CK_ULONG,
                private: CK_ATTRIBUTE_PTR, private_count: CK_ULONG, public_key: CK_OBJECT_HANDLE_PTR,
                private_key: CK_OBJECT_HANDLE_PTR) =>
            |s| generate_pair(s, mechanism, (public, public_count), (private, private_count),
                (public_key, private_key));
    session C_WrapKey(mechanism: CK_MECHANISM_PTR, wrapping: CK_OBJECT_HANDLE, key: CK_OBJECT_HANDLE,
                out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| wrap(s, mechanism, wrapping, key, (out, out_len));
    session C_UnwrapKey(mechanism: CK_MECHANISM_PTR, unwrapping: CK_OBJECT_HANDLE, wrapped: CK_BYTE_PTR,
                len: CK_ULONG, template: CK_ATTRIBUTE_PTR, count: CK_ULONG, key: CK_OBJECT_HANDLE_PTR) =>
            |s| unwrap(s, mechanism, unwrapping, (wrapped, len), (template, count), key);
    session C_DeriveKey(mechanism: CK_MECHANISM_PTR, base: CK_OBJECT_HANDLE, template: CK_ATTRIBUTE_PTR,
                count: CK_ULONG, key: CK_OBJECT_HANDLE_PTR) =>
            |s| derive(s, mechanism, base, (template, count), key);
    // §5.19 Random numbers, §5.20 parallel sessions, and the event of §5.5.4 where the list has it
    session C_SeedRandom(seed: CK_BYTE_PTR, len: CK_ULONG) => |s| s.seed(pointer::bytes((seed, len))?);
    session C_GenerateRandom(out: CK_BYTE_PTR, len: CK_ULONG) => |s| random(s, (out, len));
    module  C_GetFunctionStatus(_session: CK_SESSION_HANDLE) => not_parallel;
    module  C_CancelFunction(_session: CK_SESSION_HANDLE) => not_parallel;
    module  C_WaitForSlotEvent(flags: CK_FLAGS, slot: CK_SLOT_ID_PTR, reserved: CK_VOID_PTR) =>
            |m| wait(m, flags, slot, reserved);
}
3.0 {
    // §5.4 General purpose, §5.6 sessions
    open    C_GetInterfaceList(list: CK_INTERFACE_PTR, count: CK_ULONG_PTR) => interfaces::all(list, count);
    open    C_GetInterface(name: CK_UTF8CHAR_PTR, version: CK_VERSION_PTR, interface: *mut *mut CK_INTERFACE,
                flags: CK_FLAGS) =>
            interfaces::one(name, version, interface, flags);
    session C_LoginUser(user: CK_USER_TYPE, pin: CK_UTF8CHAR_PTR, len: CK_ULONG, name: CK_UTF8CHAR_PTR,
                name_len: CK_ULONG) =>
            |s| login_user(s, user, (pin, len), (name, name_len));
    session C_SessionCancel(flags: CK_FLAGS) => |s| s.cancel_session(flags);
    // §5.9 Message encryption
    session C_MessageEncryptInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| messages::begin_messages(s, Encrypt, mechanism, key);
    session C_EncryptMessage(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, aad: CK_BYTE_PTR,
                aad_len: CK_ULONG, data: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR,
                out_len: CK_ULONG_PTR) =>
            |s| messages::message(s, Encrypt, (parameter, parameter_len), (aad, aad_len), (data, len),
                (out, out_len));
    session C_EncryptMessageBegin(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, aad: CK_BYTE_PTR,
                aad_len: CK_ULONG) =>
            |s| messages::begin(s, Encrypt, (parameter, parameter_len), (aad, aad_len));
    session C_EncryptMessageNext(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, part: CK_BYTE_PTR,
                len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR, flags: CK_FLAGS) =>
            |s| messages::next(s, Encrypt, (parameter, parameter_len), (part, len), (out, out_len), flags);
    session C_MessageEncryptFinal() => |s| s.end_messages(Encrypt);
    // §5.11 Message decryption
    session C_MessageDecryptInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| messages::begin_messages(s, Decrypt, mechanism, key);
    session C_DecryptMessage(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, aad: CK_BYTE_PTR,
                aad_len: CK_ULONG, data: CK_BYTE_PTR, len: CK_ULONG, out: CK_BYTE_PTR,
                out_len: CK_ULONG_PTR) =>
            |s| messages::message(s, Decrypt, (parameter, parameter_len), (aad, aad_len), (data, len),
                (out, out_len));
    session C_DecryptMessageBegin(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, aad: CK_BYTE_PTR,
                aad_len: CK_ULONG) =>
            |s| messages::begin(s, Decrypt, (parameter, parameter_len), (aad, aad_len));
    session C_DecryptMessageNext(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, part: CK_BYTE_PTR,
                len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR, flags: CK_FLAGS) =>
            |s| messages::next(s, Decrypt, (parameter, parameter_len), (part, len), (out, out_len), flags);
    session C_MessageDecryptFinal() => |s| s.end_messages(Decrypt);
    // §5.14 Message signatures
    session C_MessageSignInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| messages::begin_messages(s, Sign, mechanism, key);
    session C_SignMessage(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, data: CK_BYTE_PTR,
                len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| messages::sign(s, (parameter, parameter_len), (data, len), (out, out_len));
    session C_SignMessageBegin(parameter: CK_VOID_PTR, parameter_len: CK_ULONG) =>
            |s| messages::begin_without(s, Sign, (parameter, parameter_len));
    session C_SignMessageNext(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, part: CK_BYTE_PTR,
                len: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR) =>
            |s| messages::sign_next(s, (parameter, parameter_len), (part, len), (out, out_len));
    session C_MessageSignFinal() => |s| s.end_messages(Sign);
    // §5.16 Message verification
    session C_MessageVerifyInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE) =>
            |s| messages::begin_messages(s, Verify, mechanism, key);
    session C_VerifyMessage(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, data: CK_BYTE_PTR,
                len: CK_ULONG, signature: CK_BYTE_PTR, signature_len: CK_ULONG) =>
            |s| messages::verify(s, (parameter, parameter_len), (data, len), (signature, signature_len));
    session C_VerifyMessageBegin(parameter: CK_VOID_PTR, parameter_len: CK_ULONG) =>
            |s| messages::begin_without(s, Verify, (parameter, parameter_len));
    session C_VerifyMessageNext(parameter: CK_VOID_PTR, parameter_len: CK_ULONG, part: CK_BYTE_PTR,
                len: CK_ULONG, signature: CK_BYTE_PTR, signature_len: CK_ULONG) =>
            |s| messages::verify_next(s, (parameter, parameter_len), (part, len), (signature, signature_len));
    session C_MessageVerifyFinal() => |s| s.end_messages(Verify);
}
3.2 {
    session C_EncapsulateKey(mechanism: CK_MECHANISM_PTR, public: CK_OBJECT_HANDLE,
                template: CK_ATTRIBUTE_PTR, count: CK_ULONG, out: CK_BYTE_PTR, out_len: CK_ULONG_PTR,
                key: CK_OBJECT_HANDLE_PTR) =>
            |s| encapsulate(s, mechanism, public, (template, count), (out, out_len), key);
    session C_DecapsulateKey(mechanism: CK_MECHANISM_PTR, private: CK_OBJECT_HANDLE,
                template: CK_ATTRIBUTE_PTR, count: CK_ULONG, data: CK_BYTE_PTR, len: CK_ULONG,
                key: CK_OBJECT_HANDLE_PTR) =>
            |s| decapsulate(s, mechanism, private, (template, count), (data, len), key);
    // §5.15 Verification, with the signature first
    session C_VerifySignatureInit(mechanism: CK_MECHANISM_PTR, key: CK_OBJECT_HANDLE,
                signature: CK_BYTE_PTR, len: CK_ULONG) =>
            |s| begin_judging(s, mechanism, key, (signature, len));
    session C_VerifySignature(data: CK_BYTE_PTR, len: CK_ULONG) => |s| judge(s, (data, len));
    session C_VerifySignatureUpdate(part: CK_BYTE_PTR, len: CK_ULONG) => |s| absorb(s, VerifySignature, (part, len));
    session C_VerifySignatureFinal() => |s| s.judge(None);
    // §5.6.14, §5.21 Asynchronous functions, of which there are none
    session C_GetSessionValidationFlags(kind: CK_SESSION_VALIDATION_FLAGS_TYPE, flags: CK_FLAGS_PTR) =>
            |s| pointer::answer(flags, || s.validation_flags(kind));
    session C_AsyncComplete(function: CK_UTF8CHAR_PTR, _result: CK_ASYNC_DATA_PTR) =>
            |s| s.pending(&pointer::name(function)?);
    session C_AsyncGetID(function: CK_UTF8CHAR_PTR, id: CK_ULONG_PTR) =>
            |s| pointer::answer(id, || s.pending(&pointer::name(function)?).map(|()| 0));
    session C_AsyncJoin(function: CK_UTF8CHAR_PTR, id: CK_ULONG, _data: CK_BYTE_PTR, _len: CK_ULONG) =>
            |s| s.join(&pointer::name(function)?, id);
    // §5.18 Keys, with associated data
    session C_WrapKeyAuthenticated(mechanism: CK_MECHANISM_PTR, wrapping: CK_OBJECT_HANDLE,
                key: CK_OBJECT_HANDLE, aad: CK_BYTE_PTR, aad_len: CK_ULONG, out: CK_BYTE_PTR,
                out_len: CK_ULONG_PTR) =>
            |s| messages::wrap(s, mechanism, (wrapping, key), (aad, aad_len), (out, out_len));
    session C_UnwrapKeyAuthenticated(mechanism: CK_MECHANISM_PTR, unwrapping: CK_OBJECT_HANDLE,
                wrapped: CK_BYTE_PTR, len: CK_ULONG, template: CK_ATTRIBUTE_PTR, count: CK_ULONG,
                aad: CK_BYTE_PTR, aad_len: CK_ULONG, key: CK_OBJECT_HANDLE_PTR) =>
            |s| messages::unwrap(s, mechanism, unwrapping, ((wrapped, len), (aad, aad_len)),
                (template, count), key);
}
}
