//! Fuzzes `parsers::embedded_symbols`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::embedded_symbols(input));
