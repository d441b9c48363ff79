//! A reader under libFuzzer: see `Cargo.toml` beside this.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::fuzz::run(env!("CARGO_BIN_NAME"), data));
