//! The mechanism table: one file per family, rows first, then the work.

pub mod params;
