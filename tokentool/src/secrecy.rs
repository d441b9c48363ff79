//! What this process has in its memory stays there: PINs, shares, the keys of tokens.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No core file, and no other process of the same user reads this one's memory or environment.
pub fn begin() {
    // Where the system forbids it the rest is done as well as before.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
