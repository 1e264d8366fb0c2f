//! See `src/answers.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pengwatch_fuzz::answers::read(data));
