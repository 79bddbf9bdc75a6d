//! See `bodies.rs`, which the ordinary tests run too.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kopeck_fuzz::emulator_request(data));
