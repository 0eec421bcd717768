//! Fuzzes `parsers::connection_string`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::connection_string(input));
