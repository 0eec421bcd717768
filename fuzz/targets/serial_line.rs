//! Fuzzes `parsers::serial_line`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::serial_line(input));
