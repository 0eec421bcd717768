//! Fuzzes `parsers::debug_scopes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::debug_scopes(input));
