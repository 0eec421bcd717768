//! Fuzzes `parsers::step_plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farsight_fuzz::parsers::step_plan(input));
