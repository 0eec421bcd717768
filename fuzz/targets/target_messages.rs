//! Fuzzes `parsers::target_messages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::target_messages(input));
