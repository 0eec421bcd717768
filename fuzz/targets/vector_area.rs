//! Fuzzes `parsers::vector_area`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::vector_area(input));
