//! Tokenkeep: an HSM token in a file. A PKCS#11 module (`libtokenkeep.so`) on an encrypted token store.
//!
//! ```text
//!         C application                     tokentool            tests/, conformance/
//!               │  C_Sign(…)                    │                        │
//!    ┌──────────▼───────────┐                   │                        │
//!    │ abi        pointers  │  unsafe lives here (and in crypto/awslc)
//!    ├──────────────────────┤                   │                        │
//!    │ api        Cryptoki in safe Rust  ◄──────┴────────────────────────┘
//!    ├──────────────────────┤
//!    │ session    sessions, one operation machine
//!    ├──────────────────────┤
//!    │ token      slot, login, live objects, freshness
//!    ├─────────┬────────────┤
//!    │ backup  │ mechanism  │  DKEK n-of-m   │  the mechanism table
//!    ├─────────┴────────────┤
//!    │ object     attributes, policy table, keys
//!    ├─────────┬────────────┤
//!    │ store   │ emulation  │  SQLite, envelope │ clock, randomness, trace
//!    ├─────────┴────────────┤
//!    │ crypto     primitives: the only room that names a crypto crate
//!    ├──────────────────────┤
//!    │ cryptoki   words of the standard: ids, Rv, Error, Secret
//!    └──────────────────────┘
//!         imports go down only; tests/architecture.rs reads the source and says so
//! ```
//!
//! One C_Sign, file by file:
//!
//! ```text
//!  1 abi/exports.rs        row C_Sign → runtime
//!  2 abi/runtime.rs        fork? emulation: enter; catch_unwind
//!  3 api/mod.rs            session table → Arc<Session>
//!  4 abi/pointer.rs        bytes(data, len) → &[u8];  room(sig, len) → Query | Of(n)
//!  5 api/operations.rs     single(Kind::Sign, data, room): lock this session
//!  6 session/operation.rs  Ready → update, finish → answer; fits? Data : TooSmall + Done
//!  7 mechanism/ec.rs       the row's sign function: hash, then
//!  8 crypto/ec.rs          sign with the key parsed once
//!  9 abi/pointer.rs        memmove, write the length
//! 10 abi/runtime.rs        emulation: leave, with the why; Ok → CKR_OK | Error → its code | panic → CKR_GENERAL_ERROR
//! ```
//!
//! To add a mechanism: one row. An attribute: one row. A function: one row and one method. An error code: one line.

pub mod abi;
pub mod api;
pub mod backup;
pub mod crypto;
pub mod cryptoki;
pub mod emulation;
pub mod mechanism;
pub mod object;
pub mod session;
pub mod store;
pub mod token;
