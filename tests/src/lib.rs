//! The harness: a module loaded as programs load it, and a fresh token to try things on.
//!
//! ```text
//!   Scene      a token with its PINs, a user session, keys on demand
//!   Session    the calls that take a session handle
//!   Library    one private copy of the module: load, initialise, slots, tokens
//!   Home       the directory that holds the tokens; two libraries may share it
//! ```
//!
//! Comfortable calls answer `Result<T, Rv>`, so that a failed assertion prints the code's name.
//! Hostile calls go through [`raw!`], which takes any arguments at all.

#![allow(clippy::macro_metavars_in_unsafe)] // `raw!` takes arguments as they come: that is the point of it

/// Calls one function of a function list with whatever arguments are given, and answers its `Rv`.
///
/// `raw!(library.c(), C_Login(session, CKU_USER, null_mut(), 4))`
#[macro_export]
macro_rules! raw {
    ($list:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let function = $list.$function.expect(concat!(stringify!($function), " is in the function list"));
        // SAFETY: none is claimed. That the module answers bad arguments with a code is what is tested;
        // pointers that it may follow are valid or NULL.
        $crate::code(unsafe { function($($argument),*) })
    }};
}

/// A template: `template![CKA_CLASS => CKO_DATA, CKA_TOKEN => true, CKA_LABEL => "x", CKA_VALUE => b"…"]`.
#[macro_export]
macro_rules! template {
    ($($attribute:expr => $value:expr),* $(,)?) => {
        $crate::Template::default()$(.also($attribute, $value))*
    };
}

mod call;
pub mod every;
pub mod fuzz;
pub mod keys;
mod library;
mod mechanism;
mod message;
mod object;
mod operation;
mod process;
mod safe;
mod scene;
mod session;
mod template;

pub use tokenkeep::cryptoki::{Rv, ids, names};

pub use call::{Answer, code, room};
pub use library::{Home, Library, is_ours, module_path};
pub use mechanism::Mechanism;
pub use message::{Family, Gcm};
pub use object::Read;
pub use operation::Kind;
pub use process::{Ended, Program};
pub use safe::{Safe, given};
pub use scene::{LABEL, SO_PIN, Scene, USER_PIN};
pub use session::Session;
pub use template::{Template, Value};

/// What the comfortable calls answer.
pub type Result<T> = std::result::Result<T, Rv>;
