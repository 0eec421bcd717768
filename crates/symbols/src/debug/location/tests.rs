//! Expressions by hand, in frames by hand; hostile ones among them.

use std::sync::Arc;

use farsight_types::registers::amd64;

use super::*;
use crate::debug::{BitRange, DebugInfo, UnitId};
use crate::image::ImageFile;

const STACK: u64 = 0x7fff_0000;

/// Memory that holds its own addresses, from the stack on for a page; the page behind is not fetched yet.
#[derive(Default)]
struct Memory {
    asked: Vec<Address>,
}

impl ValueContext for Memory {
    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        match address.0 {
            STACK..0x7fff_1000 => {
                for (at, byte) in (address.0..).zip(into.iter_mut()) {
                    *byte = (at & !7).to_le_bytes()[(at % 8) as usize];
                }
                ReadOutcome::Read
            }
            0x7fff_1000..0x7fff_2000 => {
                self.asked.push(address);
                ReadOutcome::NotYet
            }
            _ => ReadOutcome::Unreadable,
        }
    }

    fn vector(&mut self, dwarf: u16) -> RegisterOutcome {
        match dwarf {
            17 => RegisterOutcome::Known(2.5_f64.to_bits().to_le_bytes().repeat(2).try_into().unwrap()),
            18 => RegisterOutcome::NotYet,
            _ => RegisterOutcome::Lost,
        }
    }

    fn thread_local(&mut self, _: u64, offset: u64) -> Result<Address, ValueError> {
        Ok(Address(STACK + offset))
    }
}

fn info() -> DebugInfo {
    let path = std::env::current_exe().unwrap();
    let image = ImageFile::parse(Arc::new(std::fs::read(path).unwrap())).unwrap();
    DebugInfo::new(&image, None).expect("test programs are built with line tables")
}

/// What an expression comes to in a frame, as bytes of an object of this size.
fn run(info: &DebugInfo, expression: &[u8], level: usize, size: u64) -> Result<Vec<u8>, ValueError> {
    let reader = info.reader();
    let mut registers = FrameRegisters::default();
    registers.set(amd64::RBX, Some(0x1122_3344_5566_7788));
    registers.set(amd64::RSP, Some(STACK + 0x100));
    let frame = ValueFrame {
        reader: Some(&reader),
        bias: 0x1000,
        place: Rva(1),
        pc: Rva(1),
        registers,
        cfa: Some(Address(STACK + 0x200)),
        function: None,
    };
    let frames = [frame, frame];
    let mut memory = Memory::default();
    let unit = reader.unit(UnitId(0)).unwrap();
    let expression = kept(expression);
    let mut machine = Machine::new(&frames, &mut memory);
    let scope = Scope {
        reader: &reader,
        bias: 0x1000,
        level,
    };
    let value = Attribute::Exprloc(Expression(Slice::new(expression, gimli::LittleEndian)));
    let place = machine.location(scope, &unit, value)?;
    let bytes = place.read(size, &mut memory);
    assert_eq!(bytes == Err(ValueError::NotYet), !memory.asked.is_empty());
    bytes
}

/// Expressions of tests live as long as the program, as those of debug information live as long as it.
fn kept(bytes: &[u8]) -> &'static [u8] {
    Box::leak(bytes.to_vec().into_boxed_slice())
}

#[test]
fn expressions_lead_to_memory_registers_and_values() {
    let info = info();
    let word = |value: u64| Ok(value.to_le_bytes().to_vec());
    for (expression, level, expected) in [
        // fbreg has no function here; breg7+8, call_frame_cfa.
        (&[0x77, 8][..], 0, word(STACK + 0x108)),
        (&[0x9c], 0, word(STACK + 0x200)),
        (&[0x91, 0], 0, Err(ValueError::NoFrame)),
        // A register; one that is lost in outer frames, and a vector register there.
        (&[0x53], 0, word(0x1122_3344_5566_7788)),
        (&[0x50], 1, Err(ValueError::LostRegister("rax"))),
        (&[0x61], 0, word(2.5_f64.to_bits())),
        (&[0x61], 1, Err(ValueError::LostRegister("xmm0"))),
        // Not fetched; not there.
        (&[0x62], 0, Err(ValueError::NotYet)),
        (&[0x90, 50], 0, Err(ValueError::LostRegister("register"))),
        (&[0x30], 0, Err(ValueError::Unreadable { at: Address(0) })),
        // lit5 stack_value; implicit_value of 8 bytes; of too few.
        (&[0x35, 0x9f], 0, word(5)),
        (&[0x9e, 8, 1, 2, 3, 4, 5, 6, 7, 8], 0, word(0x0807_0605_0403_0201)),
        (&[0x9e, 2, 1, 2], 0, Err(ValueError::OptimizedOut)),
        // Address with the module's bias: addr 0x7ffef000 + 0x1000.
        (&[0x03, 0, 0xf0, 0xfe, 0x7f, 0, 0, 0, 0], 0, word(STACK)),
        // Storage of the thread: const1u 16, form_tls_address.
        (&[0x08, 16, 0x9b], 0, word(STACK + 16)),
        // Two pieces, of rbx and memory; the second optimised away; both.
        (&[0x53, 0x93, 4, 0x77, 0, 0x93, 4], 0, word(0x7fff_0100_5566_7788)),
        (&[0x53, 0x93, 4, 0x93, 4], 0, Err(ValueError::PartlyOptimizedOut)),
        (&[0x93, 4, 0x93, 4], 0, Err(ValueError::OptimizedOut)),
        // Bit pieces: 4 bits of rbx from bit 8, 60 bits of a constant.
        (&[0x53, 0x9d, 4, 8, 0x31, 0x9f, 0x9d, 60, 0], 0, word(0x17)),
        // The caller does not tell: entry_value(reg5), stack_value.
        (&[0xa3, 1, 0x55, 0x9f], 0, Err(ValueError::EntryValue)),
        // Nothing at all.
        (&[], 0, Err(ValueError::OptimizedOut)),
    ] {
        assert_eq!(run(&info, expression, level, 8), expected, "{expression:02x?}");
    }
}

#[test]
fn registers_that_calls_leave_alone_are_those_of_the_frames_within() {
    let info = info();
    let reader = info.reader();
    let frame = |place: u64, rax: Option<u64>| {
        let mut registers = FrameRegisters::default();
        registers.set(amd64::RAX, rax);
        ValueFrame {
            reader: Some(&reader),
            bias: 0,
            place: Rva(place),
            pc: Rva(0x100),
            registers,
            cfa: None,
            function: None,
        }
    };
    // The innermost one, one that calls it, one that a signal interrupted, one that calls that.
    let frames = [
        frame(0x100, Some(7)),
        frame(0xff, None),
        frame(0x100, None),
        frame(0xff, None),
    ];
    for (holds, level, rax, xmm0) in [
        (true, 0, true, true),
        (true, 1, true, true),
        (true, 2, false, false),
        (true, 3, false, false),
        (false, 1, false, false),
    ] {
        let mut memory = Memory::default();
        let mut machine = Machine::new(&frames, &mut memory);
        machine.holds_over_calls = holds;
        let scope = Scope {
            reader: &reader,
            bias: 0,
            level,
        };
        let found = machine.register_bytes(scope, 0).map(|bytes| bytes[0]);
        assert_eq!(
            found,
            if rax {
                Ok(7)
            } else {
                Err(ValueError::LostRegister("rax"))
            },
            "{level}"
        );
        assert_eq!(machine.register_bytes(scope, 17).is_ok(), xmm0, "{level}");
    }
}

#[test]
fn hostile_expressions_end_with_what_is_wrong() {
    let info = info();
    let damaged = |expression: &[u8]| match run(&info, expression, 0, 8) {
        Err(ValueError::Damaged(_) | ValueError::Unsupported(_)) => {}
        other => panic!("{expression:02x?}: {other:?}"),
    };
    // skip -3 for ever; pushing for ever; an operand that is cut off; no operand; divided by 0; a call of itself.
    damaged(&[0x2f, 0xfd, 0xff]);
    damaged(&[0x31, 0x2f, 0xfc, 0xff]);
    damaged(&[0x03, 1, 2]);
    damaged(&[0x22]);
    damaged(&[0x31, 0x30, 0x1b]);
    damaged(&[0xff]);
    // Entry values in each other, deeper than any.
    let mut nested = vec![0x55];
    for _ in 0..40 {
        let mut outer = vec![0xa3, nested.len() as u8];
        outer.extend(&nested);
        nested = outer;
        if nested.len() > 100 {
            break;
        }
    }
    nested.push(0x9f);
    assert_eq!(run(&info, &nested, 0, 8), Err(ValueError::EntryValue));
    let many: Vec<u8> = [0x93, 1].repeat(MOST_PIECES + 1);
    damaged(&many);
    assert!(matches!(
        run(&info, &[0x77, 0], 0, 1 << 40),
        Err(ValueError::Unsupported(_))
    ));
}

#[test]
fn bits_are_read_from_any_place() {
    let mut memory = Memory::default();
    let value = Place::value(vec![0xb5, 0x01]);
    for (offset, size, expected) in [(0, 1, 1), (2, 3, 5), (4, 8, 0x1b), (0, 0, 0), (7, 2, 3)] {
        let bits = BitRange { offset, size };
        assert_eq!(value.read_bits(bits, &mut memory), Ok(expected), "{bits:?}");
    }
    let far = BitRange {
        offset: u64::MAX,
        size: 64,
    };
    assert_eq!(value.read_bits(far, &mut memory), Err(ValueError::OptimizedOut));
    let wide = BitRange { offset: 0, size: 65 };
    assert!(matches!(
        value.read_bits(wide, &mut memory),
        Err(ValueError::Damaged(_))
    ));
}

#[test]
fn bits_are_there_where_those_beside_them_are_gone() {
    let piece = |stored, count| Bits {
        stored,
        first: 0,
        count: Some(count),
    };
    let lost = || Stored::Lost(ValueError::OptimizedOut);
    let of = |byte: u8| Stored::Bytes(vec![byte, 0]);
    // Four bits, seven, one, and a hole of four.
    let value = Place::parts(vec![
        piece(of(0x3), 4),
        piece(of(0x7b), 7),
        piece(lost(), 1),
        piece(lost(), 4),
        piece(of(9), 8),
    ]);
    for (offset, size, expected) in [
        (0, 4, Ok(3)),
        (4, 7, Ok(0x7b)),
        (11, 1, Err(ValueError::OptimizedOut)),
        (16, 8, Ok(9)),
        (10, 2, Err(ValueError::PartlyOptimizedOut)),
    ] {
        let bits = BitRange { offset, size };
        assert_eq!(
            value.read_bits(bits, &mut Memory::default()),
            expected,
            "{offset}, {size}"
        );
    }
}
