//! Step plans told where the thread is, without a thread.

use super::*;

const NOP: &[u8] = &[0x90, 0x90, 0x90, 0x90];

fn at(pc: u64, sp: u64, code: &[u8]) -> Observation<'_> {
    Observation {
        pc: Address(pc),
        sp: Address(sp),
        code,
        stack_top: None,
    }
}

#[test]
fn into_counts_instructions() {
    let mut machine = StepMachine::new(StepPlan::Into { count: 2 });
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
        let mut machine = StepMachine::new(StepPlan::Over { count: 2 });
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
    let mut machine = StepMachine::new(StepPlan::Over { count: 1 });
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
    let mut machine = StepMachine::new(StepPlan::Over { count: 1 });
    assert_eq!(machine.next(at(0x10, 0x1000, rep)), Move::Step);
    assert_eq!(machine.next(at(0x10, 0x1000, rep)), Move::Step);
    assert_eq!(machine.next(at(0x13, 0x1000, NOP)), Move::Done);
}

#[test]
fn a_range_is_stepped_over_its_calls_until_it_is_left() {
    let mut machine = StepMachine::new(StepPlan::OverRange {
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
    let mut machine = StepMachine::new(StepPlan::UntilReturn {
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
