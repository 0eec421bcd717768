//! Fuzzes `parsers::debug_file_search`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::debug_file_search(input));
