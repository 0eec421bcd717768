//! `!error !gle`: error numbers of the target's system.

mod table;

use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::{Session, number};
use table::ERRORS;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["!error"],
        usage: "!error Number",
        summary: "Says what an error number means; a negative one is taken for a system call's result.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: explain,
    },
    Row {
        names: &["!gle"],
        usage: "[~Thread] !gle",
        summary: "Shows errno of the thread, where its C library is one that is known.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: last_error,
    },
];

/// The most that a system call's result is below zero for an error.
const MOST_ERROR: u64 = 4095;

fn words(code: u64) -> String {
    let known = ERRORS.iter().find(|(known, ..)| u64::from(*known) == code);
    match known {
        Some((_, name, meaning)) => format!("{code:#x} ({code}) - {name}: {meaning}"),
        None if code == 0 => "0x0 (0) - no error".to_owned(),
        None => format!("{code:#x} ({code}) - no error of Linux has this number"),
    }
}

fn explain(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if invocation.text.is_empty() {
        return Err(invocation.missing("a number"));
    }
    let value = session.evaluate(invocation.text, invocation.at)?;
    // Results are 64 or, where a program kept them in an int, 32 bits wide.
    let negative = match value {
        0x8000_0000..=0xffff_ffff => u64::from((value as u32).wrapping_neg()),
        value => value.wrapping_neg(),
    };
    let code = if negative <= MOST_ERROR { negative } else { value };
    session.output.line(format!("Error code: (Linux) {}", words(code)));
    Ok(Flow::Done)
}

fn last_error(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let refused = |why: &str| CommandError::Refused(format!("errno cannot be found: {why}"));
    let found = session.evaluate("__errno_location", 0);
    let function =
        found.map_err(|_| refused("no module has __errno_location; .reload and ld look for symbols again"))?;
    const CODE: u64 = 32;
    let code = session.read_memory(AddressRange::new(Address(function), CODE))?;
    let offset = match offset_in(&code) {
        Some(Offset::Fixed(offset)) => offset,
        Some(Offset::At(distance)) => session.read_number(Address(function).wrapping_add(distance), 8)?,
        None => {
            return Err(refused(
                "this C library computes its place in a way that is not known here",
            ));
        }
    };
    let block = session.registers()?.value(amd64::FS_BASE);
    let value = session.read_number(Address(block.wrapping_add(offset)), 4)?;
    session.output.line(format!("LastErrorValue: (errno) {}", words(value)));
    Ok(Flow::Done)
}

/// Where errno is, from the thread's control block on.
#[derive(Debug, PartialEq, Eq)]
enum Offset {
    Fixed(u64),
    /// Said by the word that lies so far from the function.
    At(u64),
}

/// Reads the few instructions of `__errno_location`.
fn offset_in(code: &[u8]) -> Option<Offset> {
    const ENDBR: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
    let start = if code.starts_with(&ENDBR) { ENDBR.len() } else { 0 };
    let signed = |bytes: &[u8]| i64::from(number(bytes) as u32 as i32).cast_unsigned();
    match code.get(start..)? {
        // glibc: mov rax,[rip+d]; add rax,fs:[0]; ret
        [
            0x48,
            0x8b,
            0x05,
            a,
            b,
            c,
            d,
            0x64,
            0x48,
            0x03,
            0x04,
            0x25,
            0,
            0,
            0,
            0,
            0xc3,
            ..,
        ] => {
            let behind = start as u64 + 7;
            Some(Offset::At(behind.wrapping_add(signed(&[*a, *b, *c, *d]))))
        }
        // A program without a dynamic linker: mov rax,offset; add rax,fs:[0]; ret
        [
            0x48,
            0xc7,
            0xc0,
            a,
            b,
            c,
            d,
            0x64,
            0x48,
            0x03,
            0x04,
            0x25,
            0,
            0,
            0,
            0,
            0xc3,
            ..,
        ] => Some(Offset::Fixed(signed(&[*a, *b, *c, *d]))),
        // The same the other way round: mov rax,fs:[0]; add or lea rax,[rax+offset]; ret
        [0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0x48, rest @ ..] => match rest {
            [0x83, 0xc0, small, 0xc3, ..] => Some(Offset::Fixed(i64::from(*small as i8).cast_unsigned())),
            [0x05, a, b, c, d, 0xc3, ..] | [0x8d, 0x80, a, b, c, d, 0xc3, ..] => {
                Some(Offset::Fixed(signed(&[*a, *b, *c, *d])))
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_errno_is_read_from_the_function_that_says_it() {
        let glibc = b"\xf3\x0f\x1e\xfa\x48\x8b\x05\x10\0\0\0\x64\x48\x03\x04\x25\0\0\0\0\xc3";
        assert_eq!(offset_in(glibc), Some(Offset::At(0x1b)));
        let musl = b"\x64\x48\x8b\x04\x25\0\0\0\0\x48\x83\xc0\x34\xc3";
        assert_eq!(offset_in(musl), Some(Offset::Fixed(0x34)));
        let fixed = b"\x48\xc7\xc0\xc0\xff\xff\xff\x64\x48\x03\x04\x25\0\0\0\0\xc3";
        assert_eq!(offset_in(fixed), Some(Offset::Fixed(0x40_u64.wrapping_neg())));
        for code in [&b""[..], b"\xf3\x0f", b"\xc3", &glibc[..12]] {
            assert_eq!(offset_in(code), None);
        }
    }

    #[test]
    fn error_numbers_are_sorted_and_named() {
        assert!(ERRORS.is_sorted_by_key(|(number, ..)| *number));
        assert!(words(2).contains("ENOENT"));
        assert!(words(999).contains("no error of Linux"));
    }
}
