//! Fuzzes `parsers::serial_frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::serial_frames(input));
