//! See `src/rules.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pengwatch_fuzz::rules::read(data));
