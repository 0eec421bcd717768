//! Fuzzes `parsers::formatted_values`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::formatted_values(input));
