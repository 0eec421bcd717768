//! Step plans told where the thread is, without a thread.

use super::*;

const NOP: &[u8] = &[0x90, 0x90, 0x90, 0x90];

fn at(pc: u64, sp: u64, code: &[u8]) -> Observation<'_> {
    Observation {
        pc: Address(pc),
        sp: Address(sp),
        code,
        stack_top: None,
        result: 0,
    }
}

#[test]
fn into_counts_instructions() {
    let mut machine = machine(StepPlan::Into { count: 2 });
    assert_eq!(machine.next(at(0x10, 0x1000, &[0xe8, 0, 0, 0])), Move::Step);
    assert_eq!(machine.next(at(0x50, 0xff8, NOP)), Move::Step);
    assert_eq!(machine.next(at(0x51, 0xff8, NOP)), Move::Done);
}

#[test]
fn over_runs_a_call_whole_and_counts_it_once() {
    for call in [
        &[0xe8, 1, 2, 3][..],
        &[0x41, 0xff, 0xd4, 0x90],
        &[0xff, 0x55, 0xf8, 0x90],
    ] {
        let mut machine = machine(StepPlan::Over { count: 2 });
        assert_eq!(machine.next(at(0x10, 0x1000, call)), Move::Step);
        let inside = Observation {
            stack_top: Some(0x15),
            ..at(0x500, 0xff8, NOP)
        };
        assert_eq!(
            machine.next(inside),
            Move::RunTo {
                address: Address(0x15),
                stack_at_least: Address(0x1000)
            }
        );
        assert_eq!(machine.next(at(0x15, 0x1000, NOP)), Move::Step);
        assert_eq!(machine.next(at(0x16, 0x1000, NOP)), Move::Done);
    }
}

#[test]
fn a_call_to_the_next_instruction_is_no_call() {
    let mut machine = machine(StepPlan::Over { count: 1 });
    assert_eq!(machine.next(at(0x10, 0x1000, &[0xe8, 0, 0, 0])), Move::Step);
    let next = Observation {
        stack_top: Some(0x15),
        ..at(0x15, 0xff8, NOP)
    };
    assert_eq!(machine.next(next), Move::Done);
}

#[test]
fn over_takes_a_repeated_string_instruction_as_one() {
    let rep = &[0xf3, 0x48, 0xab, 0x90];
    let mut machine = machine(StepPlan::Over { count: 1 });
    assert_eq!(machine.next(at(0x10, 0x1000, rep)), Move::Step);
    assert_eq!(machine.next(at(0x10, 0x1000, rep)), Move::Step);
    assert_eq!(machine.next(at(0x13, 0x1000, NOP)), Move::Done);
}

#[test]
fn a_range_is_stepped_over_its_calls_until_it_is_left() {
    let mut machine = machine(StepPlan::OverRange {
        start: Address(0x10),
        length: 0x10,
    });
    assert_eq!(machine.next(at(0x10, 0x1000, NOP)), Move::Step);
    assert_eq!(machine.next(at(0x11, 0x1000, &[0xe8, 0, 0, 0])), Move::Step);
    let inside = Observation {
        stack_top: Some(0x16),
        ..at(0x800, 0xff8, NOP)
    };
    assert!(matches!(machine.next(inside), Move::RunTo { .. }));
    assert_eq!(machine.next(at(0x16, 0x1000, NOP)), Move::Step);
    assert_eq!(machine.next(at(0x20, 0x1000, NOP)), Move::Done);
}

#[test]
fn until_return_runs_once() {
    let mut machine = machine(StepPlan::UntilReturn {
        return_address: Address(0x99),
        frame_address: Address(0x2000),
    });
    assert_eq!(
        machine.next(at(0x10, 0x1000, NOP)),
        Move::RunTo {
            address: Address(0x99),
            stack_at_least: Address(0x2000)
        }
    );
    assert_eq!(machine.next(at(0x99, 0x2000, NOP)), Move::Done);
}

fn machine(plan: StepPlan) -> StepMachine {
    with_marks(plan, None)
}

fn with_marks(plan: StepPlan, marks: Option<u32>) -> StepMachine {
    StepMachine::new(StepOrder {
        thread: farsight_types::OsTid(1),
        plan,
        marks,
        goes_on: None,
        landings: None,
    })
}

const CALL: &[u8] = &[0xe8, 0, 0, 0];
const RET: &[u8] = &[0xc3, 0, 0, 0];

#[test]
fn instructions_are_told_apart_by_their_opcodes() {
    let cases: &[(&[u8], Kind)] = &[
        (&[0xe8], Kind::Call),
        (&[0x41, 0xff, 0xd4], Kind::Call),
        (&[0xff, 0x14, 0x25], Kind::Call),
        (&[0xf3, 0xc3], Kind::Return),
        (&[0xc2, 8, 0], Kind::Return),
        (&[0xeb, 0xfe], Kind::Jump),
        (&[0x3e, 0xff, 0xe0], Kind::IndirectJump),
        (&[0xf2, 0xff, 0x25], Kind::IndirectJump),
        (&[0x0f, 0x84], Kind::Conditional),
        (&[0x75, 2], Kind::Conditional),
        (&[0xe3, 2], Kind::Conditional),
        (&[0x0f, 0x05], Kind::SystemCall),
        (&[0xcd, 0x80], Kind::SystemCall),
        (&[0xf3, 0xa4], Kind::Repeat),
        (&[0xa4], Kind::Plain),
        (&[0xff, 0x30], Kind::Plain),
        (&[0x0f, 0x1f], Kind::Plain),
        (&[0x48], Kind::Plain),
        (&[], Kind::Plain),
    ];
    for (code, kind) in cases {
        assert_eq!(Kind::of(code), *kind, "{code:x?}");
    }
}

#[test]
fn a_goal_is_looked_for_after_the_first_instruction() {
    let code = [CALL, NOP, RET, &[0x75, 0, 0, 0], CALL, &[0x0f, 5, 0, 0], RET];
    let cases = [
        (StepGoal::Call, 1, 4),
        (StepGoal::Return, 1, 2),
        (StepGoal::Return, 2, 6),
        (StepGoal::CallOrReturn, 2, 4),
        (StepGoal::Branch, 1, 2),
        (StepGoal::Branch, 4, 5),
        (StepGoal::Address { address: Address(3) }, 1, 3),
    ];
    for (goal, count, wanted) in cases {
        let over = false;
        let mut machine = machine(StepPlan::Goal { goal, over, count });
        let place = (0..code.len()).find(|place| machine.next(at(*place as u64, 0x1000, code[*place])) == Move::Done);
        assert_eq!(place, Some(wanted), "{goal:?} {count}");
    }
}

#[test]
fn a_goal_over_calls_does_not_look_inside() {
    let goal = StepGoal::Return;
    let mut machine = machine(StepPlan::Goal {
        goal,
        over: true,
        count: 1,
    });
    assert_eq!(machine.next(at(0x10, 0x1000, CALL)), Move::Step);
    assert!(machine.wants_stack());
    let inside = Observation {
        stack_top: Some(0x15),
        ..at(0x500, 0xff8, RET)
    };
    assert!(matches!(machine.next(inside), Move::RunTo { .. }));
    assert_eq!(machine.next(at(0x15, 0x1000, RET)), Move::Done);
}

#[test]
fn the_last_steps_are_marked_and_earlier_ones_counted() {
    let mut machine = with_marks(StepPlan::Into { count: 5 }, Some(2));
    for pc in 0..6 {
        machine.next(at(pc, 0x1000, NOP));
    }
    let marks = machine.take_marks().unwrap();
    let seen: Vec<(u64, u64)> = marks.iter().map(|mark| (mark.pc.0, mark.instructions)).collect();
    assert_eq!(seen, [(4, 4), (5, 1)]);
}

/// A function at 0x100 that calls 0x200, which makes a system call and jumps to 0x400, where it returns.
fn watch(depth: u32, inside: Option<Vec<AddressRange>>, marks: u32) -> (Vec<Move>, Vec<(StepMarkKind, u64, u64)>) {
    let path: [(u64, u64, &[u8], u64); 8] = [
        (0x100, 0xff8, NOP, 0),
        (0x101, 0xff8, CALL, 0),
        (0x200, 0xff0, &[0x0f, 5, 0, 0], 0x106),
        (0x202, 0xff0, &[0xff, 0x25, 0, 0], 0x106),
        (0x400, 0xff0, RET, 0x106),
        (0x106, 0xff8, NOP, 0),
        (0x107, 0xff8, RET, 0),
        (0x50, 0x1000, NOP, 0),
    ];
    let plan = StepPlan::Watch {
        return_address: Address(0x50),
        frame_address: Address(0x1000),
        end: None,
        depth,
        inside,
    };
    let mut machine = with_marks(plan, Some(marks));
    let (mut moves, mut index) = (Vec::new(), 0);
    while let Some((pc, sp, code, top)) = path.get(index) {
        let next = machine.next(Observation {
            stack_top: Some(*top),
            ..at(*pc, *sp, code)
        });
        moves.push(next);
        index = match next {
            Move::Step => index + 1,
            Move::RunTo { address, .. } => path.iter().position(|place| place.0 == address.0).unwrap(),
            Move::Done => break,
        };
    }
    let marks = machine.take_marks().unwrap();
    let marks = marks.iter().map(|mark| (mark.kind, mark.pc.0, mark.instructions));
    (moves, marks.collect())
}

#[test]
fn a_watch_marks_calls_jumps_system_calls_and_returns() {
    use StepMarkKind::{Call, Return, Step, SystemCall};
    let (moves, marks) = watch(0, None, 100);
    assert_eq!(moves.last(), Some(&Move::Done));
    assert_eq!(
        marks,
        [
            (Call, 0x200, 2),
            (SystemCall, 0x202, 1),
            (Step, 0x400, 1),
            (Return, 0x106, 1),
            (Return, 0x50, 2)
        ]
    );
    // What is too deep, or elsewhere, runs as a whole.
    for (depth, inside) in [(1, None), (0, Some(vec![AddressRange::new(Address(0x100), 0x10)]))] {
        let (moves, marks) = watch(depth, inside, 100);
        let whole = Move::RunTo {
            address: Address(0x106),
            stack_at_least: Address(0xff8),
        };
        assert!(moves.contains(&whole));
        assert_eq!(marks, [(Call, 0x200, 2), (Return, 0x106, 0), (Return, 0x50, 2)]);
    }
}

#[test]
fn a_watch_without_room_runs_to_its_end() {
    let (moves, marks) = watch(0, None, 2);
    assert_eq!(marks.len(), 2);
    let home = Move::RunTo {
        address: Address(0x50),
        stack_at_least: Address(0x1000),
    };
    assert_eq!(moves[moves.len() - 2..], [home, Move::Done]);
}

#[test]
fn what_throws_ends_where_a_frame_goes_on() {
    let goal = |goal| StepPlan::Goal {
        goal,
        over: true,
        count: 1,
    };
    let watch = StepPlan::Watch {
        return_address: Address(0x15),
        frame_address: Address(0x1000),
        end: None,
        depth: 1,
        inside: None,
    };
    let caught = at(0x80, 0x1100, RET);
    for (plan, calls, expected) in [
        (StepPlan::Over { count: 1 }, 1, Move::Done),
        (StepPlan::Over { count: 2 }, 1, Move::Step),
        (goal(StepGoal::Return), 1, Move::Done),
        (goal(StepGoal::Call), 1, Move::Step),
        (watch, 2, Move::Done),
    ] {
        let name = format!("{plan:?}");
        let mut machine = StepMachine::new(StepOrder {
            thread: farsight_types::OsTid(1),
            plan,
            marks: Some(8),
            goes_on: None,
            landings: Some(vec![Address(0x80)]),
        });
        assert_eq!(machine.landings(), [Address(0x80)]);
        assert_eq!(machine.next(at(0x10, 0x1000, CALL)), Move::Step, "{name}");
        for (place, sp, top) in [(0x500, 0xff8, 0x15), (0x600, 0xff0, 0x505)].into_iter().take(calls) {
            let called = Observation {
                stack_top: Some(top),
                ..at(place, sp, CALL)
            };
            let next = machine.next(called);
            let deepest = place == if calls == 1 { 0x500 } else { 0x600 };
            assert_eq!(matches!(next, Move::RunTo { .. }), deepest, "{name}: {next:?}");
        }
        assert_eq!(machine.next(caught), expected, "{name}");
    }
}
