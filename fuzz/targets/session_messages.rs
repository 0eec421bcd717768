//! Fuzzes `parsers::session_messages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::session_messages(input));
