//! Fuzzes `parsers::certificates`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::certificates(input));
