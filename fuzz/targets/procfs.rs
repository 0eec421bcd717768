//! Fuzzes `parsers::procfs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::procfs(input));
