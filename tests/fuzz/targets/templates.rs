//! See `src/templates.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pengwatch_fuzz::templates::read(data));
