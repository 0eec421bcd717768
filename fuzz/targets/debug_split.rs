//! Fuzzes `parsers::debug_split`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::debug_split(input));
