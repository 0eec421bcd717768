//! Fuzzes `parsers::cpp_expression`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::cpp_expression(input));
