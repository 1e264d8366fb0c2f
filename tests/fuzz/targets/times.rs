//! See `src/times.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pengwatch_fuzz::times::read(data));
