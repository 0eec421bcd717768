//! Fuzzes `parsers::words_of_commands`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::words_of_commands(input));
