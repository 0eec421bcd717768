//! Fuzzes `parsers::secure_channel`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::secure_channel(input));
