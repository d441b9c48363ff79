//! The mechanism table as programs see it: which there are, what each does in parts, and what profiles turn off.

mod list;
mod nonce;
mod otp;
mod parts;
mod profile;
mod refusals;
