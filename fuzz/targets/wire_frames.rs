//! Fuzzes `parsers::wire_frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::wire_frames(input));
