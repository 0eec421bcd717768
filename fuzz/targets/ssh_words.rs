//! Fuzzes `parsers::ssh_words`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::ssh_words(input));
