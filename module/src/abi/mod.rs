//! The C border: what a C program gives, checked once; the safe call; and where the answer goes.
//!
//! ```text
//!   exports     one row per function ─► 104 symbols and the three function lists
//!      │
//!   runtime     is there a module in this process? panics end here ─── fork, seat, quiet
//!      │
//!   rows        the verbs that rows share: begin, single, update, finish …
//!      │
//!   pointer  template  params  messages  derivation  otp  structs     every pointer, template, parameter and struct of C
//! ```
//!
//! Only this room and `crypto/awslc.rs` hold `unsafe`.

#![allow(clippy::disallowed_methods, reason = "the room where pointers are checked")]

mod derivation;
pub mod exports;
#[cfg(test)]
mod fence;
mod fork;
mod interfaces;
mod messages;
mod otp;
mod params;
mod pointer;
mod quiet;
mod rows;
mod runtime;
mod seat;
mod structs;
mod template;
#[cfg(test)]
mod tests;

use crate::api;
use crate::mechanism;
use crate::store::gate;
