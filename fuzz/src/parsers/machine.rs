//! What a processor runs and keeps: instructions, vector registers, steps.

use farsight_engine::disassembly;
use farsight_target as target;
use farsight_types::registers::xsave;
use farsight_types::{Address, Architecture};

/// Instructions: the first byte chooses how far from the end of the address space the code lies.
pub fn disassembly(input: &[u8]) {
    let Some((place, code)) = input.split_first() else {
        return;
    };
    let Some(disassembler) = disassembly::disassembler(Architecture::Amd64) else {
        return;
    };
    let address = Address(u64::MAX - u64::from(*place) * 3);
    let mut covered = 0;
    for instruction in disassembly::decode_all(disassembler, address, code, 4096, &mut |_| None) {
        assert!(instruction.length >= 1 && !instruction.text.is_empty());
        let _ = disassembler.memory(instruction.address, &code[covered..], &mut |name| {
            Some(name.len() as u64)
        });
        covered += instruction.length;
        assert!(covered <= code.len());
    }
    let starts = disassembly::instructions_before(disassembler, code, 8, place % 2 == 0);
    assert!(starts.iter().all(|start| *start < code.len()) && starts.is_sorted());
}

/// Areas of vector registers: what is written is read again, and nothing else of the register's size changes.
pub fn vector_area(input: &[u8]) {
    let (value, area) = input.split_at(input.len().min(64));
    for kind in ["st", "mm", "xmm", "ymm", "zmm", "k", "mxcsr", "fpcw", ""] {
        for number in ["", "0", "7", "15", "16", "31", "32", "99999999999999999999"] {
            let name = format!("{kind}{number}");
            let before = xsave::read(area, &name);
            let mut changed = area.to_vec();
            let written = value.get(..before.as_ref().map_or(1, Vec::len)).unwrap_or(value);
            if xsave::write(&mut changed, &name, written) {
                let after = xsave::read(&changed, &name).expect("what was written can be read");
                assert!(after.starts_with(written) && Some(after.len()) == before.map(|bytes| bytes.len()));
            } else {
                assert_eq!(changed, area);
            }
        }
    }
}

/// A step plan and what its thread meets: the first three bytes are the plan, then come 18 bytes for each place.
pub fn step_plan(input: &[u8]) {
    let [which, count, marks, rest @ ..] = input else {
        return;
    };
    let (count, place) = (u64::from(*count), |byte: &u8| Address(0x1000 + u64::from(*byte) * 4));
    let goal = |goal| target::StepPlan::Goal {
        goal,
        over: which & 0x80 != 0,
        count,
    };
    let plan = match which % 10 {
        0 => target::StepPlan::Into { count },
        1 => target::StepPlan::Over { count },
        2 => target::StepPlan::OverRange {
            start: Address(u64::MAX - 7),
            length: count << 56,
        },
        3 => target::StepPlan::UntilReturn {
            return_address: place(which),
            frame_address: Address(u64::MAX),
        },
        4 => goal(target::StepGoal::Address { address: place(marks) }),
        5 => goal(target::StepGoal::Call),
        6 => goal(target::StepGoal::CallOrReturn),
        7 => goal(target::StepGoal::Branch),
        other => target::StepPlan::Watch {
            return_address: place(marks),
            frame_address: Address(0x8000),
            end: (other == 8).then(|| place(which)),
            depth: u32::from(*which >> 6),
            inside: (other == 9).then(|| vec![farsight_types::AddressRange::new(Address(0x1000), u64::MAX)]),
        },
    };
    let order = target::StepOrder {
        thread: farsight_types::OsTid(1),
        plan,
        marks: (*marks > 0).then_some(u32::from(*marks)),
        goes_on: None,
        landings: (count % 2 == 1).then(|| vec![place(which), place(marks)]),
    };
    let mut machine = target::plan::StepMachine::new(order);
    let mut given = 0;
    for seen in rest.chunks_exact(18) {
        let word = |at: usize| u64::from_le_bytes([seen[at], seen[at + 1], 0, 0, 0, 0, 0, seen[at + 2] & 0x80]);
        let moved = machine.next(target::plan::Observation {
            pc: place(&seen[0]),
            sp: Address(word(1)),
            code: &seen[4..12],
            stack_top: (seen[12] & 1 == 0).then(|| place(&seen[13]).0),
            result: word(14),
        });
        if moved == target::plan::Move::Done {
            break;
        }
        given += 1;
    }
    let noted = machine.take_marks().unwrap_or_default();
    let most = usize::from(*marks);
    assert!(noted.len() <= most.max(1), "{} marks of {most}", noted.len());
    // A place is visited once for each move.
    assert!(noted.iter().all(|mark| mark.instructions <= given + 1));
    let _ = target::plan::code_at_marks(&noted);
}
