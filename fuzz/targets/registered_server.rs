//! Fuzzes `parsers::registered_server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::registered_server(input));
