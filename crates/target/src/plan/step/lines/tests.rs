//! Steps by line told where the thread is, without a thread: a function at 0x10 to 0x30 with lines 1 to 3, its caller at
//! 0x100, a function at 0x50 that may be called, code without lines everywhere else.

use super::*;
use crate::plan::StepMachine;
use crate::{StepMark, StepOrder};
use farsight_types::OsTid;

const NOP: &[u8] = &[0x90, 0x90, 0x90, 0x90];
const CALL: &[u8] = &[0xe8, 1, 2, 3];
const FRAME: u64 = 0x1000;
const CALLER: u64 = 0x2000;

fn row(start: u64, line: Option<u32>, statement: bool) -> LineMark {
    LineMark {
        start: Address(start),
        line,
        statement,
    }
}

fn machine(count: u64, into: bool) -> StepMachine {
    let range = |start, length| AddressRange::new(Address(start), length);
    let entry = |entry, statement| LineEntry {
        entry: Address(entry),
        statement: Address(statement),
    };
    StepMachine::new(StepOrder {
        thread: OsTid(1),
        plan: StepPlan::Lines {
            count,
            into,
            line: 1,
            frames: vec![Address(FRAME), Address(CALLER), Address(0x3000)],
            rows: vec![
                row(0x10, Some(1), true),
                row(0x14, Some(2), false),
                row(0x18, Some(2), true),
                row(0x1c, Some(0), false),
                row(0x20, Some(3), true),
                row(0x30, None, false),
                row(0x100, Some(7), true),
                row(0x110, Some(8), true),
                row(0x120, None, false),
            ],
            entries: vec![entry(0x50, 0x54)],
            known: vec![range(0x10, 0x20), range(0x50, 0x30), range(0x100, 0x20)],
            stubs: vec![range(0x40, 0x10)],
            end: None,
            landings: Some(vec![Address(0x1c), Address(0x110)]),
        },
        marks: Some(16),
        goes_on: None,
        landings: None,
    })
}

/// What the machine sees and what it shall do next.
type Walk<'a> = &'a [(u64, u64, &'a [u8], Option<u64>, Move)];

fn to(address: u64, stack: u64) -> Move {
    Move::RunTo {
        address: Address(address),
        stack_at_least: Address(stack),
    }
}

fn walk(mut machine: StepMachine, walk: Walk<'_>) -> Vec<StepMark> {
    for (number, (pc, sp, code, stack_top, expected)) in walk.iter().enumerate() {
        let seen = Observation {
            pc: Address(*pc),
            sp: Address(*sp),
            code,
            stack_top: *stack_top,
            result: 0,
        };
        assert_eq!(machine.next(seen), *expected, "at {number}: {pc:#x}");
    }
    machine.take_marks().unwrap()
}

#[test]
fn a_step_ends_where_a_statement_of_another_line_begins() {
    let over = || machine(1, false);
    // Neither the middle of a statement nor a row that begins none.
    walk(
        over(),
        &[
            (0x12, 0xf00, NOP, None, Move::Step),
            (0x14, 0xf00, NOP, None, Move::Step),
            (0x16, 0xf00, NOP, None, Move::Step),
            (0x18, 0xf00, NOP, None, Move::Done),
        ],
    );
    // The same line once more is no other line; a jump into the middle of another is no beginning.
    walk(
        over(),
        &[
            (0x12, 0xf00, NOP, None, Move::Step),
            (0x10, 0xf00, NOP, None, Move::Step),
            (0x22, 0xf00, NOP, None, Move::Step),
            (0x1c, 0xf00, NOP, None, Move::Step),
            (0x20, 0xf00, NOP, None, Move::Done),
        ],
    );
}

#[test]
fn a_count_of_lines_is_one_plan() {
    let marks = walk(
        machine(3, false),
        &[
            (0x10, 0xf00, NOP, None, Move::Step),
            (0x18, 0xf00, NOP, None, Move::Step),
            (0x20, 0xf00, NOP, None, Move::Step),
            (0x18, 0xf00, NOP, None, Move::Done),
        ],
    );
    let places: Vec<u64> = marks.iter().map(|mark| mark.pc.0).collect();
    assert_eq!(places, [0x18, 0x20, 0x18]);
}

#[test]
fn calls_run_as_a_whole_or_are_entered_behind_their_prologue() {
    walk(
        machine(1, false),
        &[
            (0x12, 0xf00, CALL, None, Move::Step),
            (0x50, 0xef8, NOP, Some(0x17), to(0x17, 0xf00)),
            (0x17, 0xf00, NOP, None, Move::Step),
            (0x18, 0xf00, NOP, None, Move::Done),
        ],
    );
    walk(
        machine(1, true),
        &[
            (0x12, 0xf00, CALL, None, Move::Step),
            (0x50, 0xef8, NOP, Some(0x17), to(0x54, 0)),
            (0x54, 0xe00, NOP, None, Move::Done),
        ],
    );
    // One that only its own lines are known of ends there; one without lines runs as a whole.
    walk(
        machine(1, true),
        &[
            (0x12, 0xf00, CALL, None, Move::Step),
            (0x60, 0xef8, NOP, Some(0x17), Move::Done),
        ],
    );
    walk(
        machine(1, true),
        &[
            (0x12, 0xf00, CALL, None, Move::Step),
            (0x900, 0xef8, NOP, Some(0x17), to(0x17, 0xf00)),
        ],
    );
    // Through a stub, and what binds it at the first call.
    walk(
        machine(1, true),
        &[
            (0x12, 0xf00, CALL, None, Move::Step),
            (0x40, 0xef8, NOP, Some(0x17), Move::Step),
            (0x900, 0xee8, NOP, Some(5), Move::Step),
            (0x50, 0xef8, NOP, Some(0x17), to(0x54, 0)),
        ],
    );
}

#[test]
fn a_return_into_the_middle_of_a_line_finishes_that_line() {
    walk(
        machine(1, false),
        &[
            (0x12, 0xf00, NOP, None, Move::Step),
            (0x105, FRAME, NOP, None, Move::Step),
            (0x100, FRAME, NOP, None, Move::Step),
            (0x110, FRAME, NOP, None, Move::Done),
        ],
    );
    // Right behind the call there is code of the next line, whose statement begins later: that is another line.
    let mut optimised = machine(1, false);
    let Some(lines) = optimised.lines.as_mut() else {
        panic!("a plan by lines");
    };
    lines.rows.insert(7, row(0x108, Some(8), false));
    walk(
        optimised,
        &[
            (0x12, 0xf00, NOP, None, Move::Step),
            (0x108, FRAME, NOP, None, Move::Step),
            (0x110, FRAME, NOP, None, Move::Done),
        ],
    );
    // Into code without lines: there it ends, however many lines are left.
    walk(
        machine(9, false),
        &[
            (0x12, 0xf00, NOP, None, Move::Step),
            (0x900, FRAME, NOP, None, Move::Done),
        ],
    );
    // Past several frames at once, as longjmp does.
    walk(
        machine(9, false),
        &[
            (0x12, 0xf00, NOP, None, Move::Step),
            (0x900, CALLER, NOP, None, Move::Done),
        ],
    );
}

#[test]
fn a_jump_to_another_function_is_a_call_in_place_of_a_return() {
    walk(
        machine(1, false),
        &[
            (0x12, 0xf00, NOP, None, Move::Step),
            (0x900, FRAME - 8, NOP, Some(0x105), to(0x105, FRAME)),
            (0x105, FRAME, NOP, None, Move::Step),
            (0x110, FRAME, NOP, None, Move::Done),
        ],
    );
}
