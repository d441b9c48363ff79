//! Panics: caught, silent on stderr, and told by their place in the source only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use crate::cryptoki::{Result, Rv};

/// Where the last panic was; never its message, which may hold a secret.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// Runs the work; a panic becomes CKR_GENERAL_ERROR.
pub fn catch<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Whatever the work had locked or half changed is the safe rooms' own, who expect poisoned locks.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Rv::GeneralError.because(place())))
}

/// Silences panics. The hook is that of the standard library linked into this module, so in the `.so` it is ours
/// alone; a host in Rust keeps its own.
pub fn hush() {
    #[cfg(not(test))]
    {
        static HUSHED: std::sync::Once = std::sync::Once::new();
        HUSHED.call_once(|| std::panic::set_hook(Box::new(|panic| remember(panic.location()))));
    }
}

/// Keeps the place; `try_lock`, since a forked child may find the lock held for ever.
#[cfg_attr(test, allow(dead_code))]
fn remember(location: Option<&std::panic::Location<'_>>) {
    if let (Some(location), Ok(mut place)) = (location, PLACE.try_lock()) {
        *place = format!("a panic at {}:{}", location.file(), location.line());
    }
}

fn place() -> String {
    match PLACE.try_lock() {
        Ok(place) if !place.is_empty() => place.clone(),
        _ => "a panic".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_general_error_that_does_not_tell_its_message() {
        remember(Some(std::panic::Location::caller()));
        let result = catch(|| if "648219".len() == 6 { panic!("648219") } else { Ok(()) });
        let error = result.unwrap_err();
        assert_eq!(error.rv(), Rv::GeneralError);
        assert!(error.why().contains("quiet.rs:") && !error.why().contains("648219"), "{error}");
    }
}
