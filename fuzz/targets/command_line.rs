//! Fuzzes `parsers::command_line`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::command_line(input));
