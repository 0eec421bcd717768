//! Walks over stacks made by hand, without any table: how they end, and how they wait.

use std::collections::BTreeMap;

use farsight_types::registers::amd64;

use super::*;

const CODE: u64 = 0x40_0000;
const STACK: u64 = 0x7fff_0000;

/// Words of memory; code is all `call` instructions of five bytes, from `CODE`.
#[derive(Default)]
struct Words {
    words: BTreeMap<u64, u64>,
    not_yet: bool,
}

impl UnwindContext for Words {
    fn module_at(&mut self, _: Address) -> ModuleLookup {
        ModuleLookup::Nowhere
    }

    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        for (offset, byte) in (0..).zip(into.iter_mut()) {
            let at = address.0.wrapping_add(offset);
            *byte = if self.is_code(Address(at)) {
                [0xe8, 1, 2, 3, 4][(at - CODE) as usize % 5]
            } else if self.not_yet {
                return ReadOutcome::NotYet;
            } else if let Some(word) = self.words.get(&(at & !7)) {
                word.to_le_bytes()[(at % 8) as usize]
            } else {
                return ReadOutcome::Unreadable;
            };
        }
        ReadOutcome::Read
    }

    fn is_code(&mut self, address: Address) -> bool {
        (CODE..CODE + 0x1000).contains(&address.0)
    }
}

/// The address behind the call instruction of this number.
fn behind_call(number: u64) -> u64 {
    CODE + 0x100 * 5 + number * 5
}

fn thread(pc: u64, rsp: u64, rbp: u64) -> Unwinder {
    let mut registers = FrameRegisters::default();
    registers.set(amd64::RIP, Some(pc));
    registers.set(amd64::RSP, Some(rsp));
    registers.set(amd64::RBP, Some(rbp));
    Unwinder::new(registers)
}

fn walk(mut unwinder: Unwinder, memory: &mut Words) -> (Vec<(u64, Trust)>, EndReason) {
    let mut frames = Vec::new();
    for _ in 0..100 {
        match unwinder.step(memory) {
            Step::Frame(frame) => frames.push((frame.pc.0, frame.trust)),
            Step::End(reason) => return (frames, reason),
            other => panic!("{other:?}"),
        }
    }
    panic!("no end: {frames:x?}");
}

/// A chain of frame pointers, 0x20 apart, that ends in zeros.
fn chain(length: u64) -> Words {
    let mut memory = Words::default();
    for number in 0..length {
        let frame = STACK + number * 0x20;
        memory.words.insert(frame, frame + 0x20);
        memory.words.insert(frame + 8, behind_call(number));
    }
    memory.words.insert(STACK + length * 0x20, 0);
    memory.words.insert(STACK + length * 0x20 + 8, 0);
    memory
}

#[test]
fn a_chain_of_frame_pointers_ends_in_zeros() {
    let (frames, end) = walk(thread(CODE + 2, STACK - 16, STACK), &mut chain(3));
    let expected: Vec<(u64, Trust)> = std::iter::once((CODE + 2, Trust::Context))
        .chain((0..3).map(|number| (behind_call(number), Trust::FramePointer)))
        .collect();
    assert_eq!(frames, expected);
    assert_eq!(end, EndReason::Outermost);
}

#[test]
fn a_chain_that_leads_back_to_itself_comes_to_an_end() {
    let mut memory = chain(3);
    memory.words.insert(STACK + 0x40, STACK);
    // The frame pointer below the stack pointer is not believed, and nothing else is left.
    let (frames, end) = walk(thread(CODE + 2, STACK, STACK), &mut memory);
    assert_eq!(frames.len(), 4);
    assert_eq!(
        end,
        EndReason::Unreadable {
            at: Address(STACK + 0x50)
        }
    );
}

#[test]
fn a_missing_stack_says_where_it_is_missing() {
    let (frames, end) = walk(thread(CODE + 2, STACK, 0), &mut Words::default());
    assert_eq!(frames, [(CODE + 2, Trust::Context)]);
    assert_eq!(end, EndReason::Unreadable { at: Address(STACK) });
}

#[test]
fn a_walk_waits_for_memory_and_goes_on() {
    let mut memory = chain(3);
    let mut unwinder = thread(CODE + 2, STACK, STACK);
    memory.not_yet = true;
    let need = unwinder.step(&mut memory);
    assert!(matches!(need, Step::NeedMemory(range) if range.contains(Address(STACK))));
    assert_eq!(unwinder.step(&mut memory), need, "asking again changes nothing");
    memory.not_yet = false;
    assert_eq!(walk(unwinder, &mut memory).0.len(), 4);
}

#[test]
fn a_call_through_a_bad_pointer_leads_back_to_the_caller() {
    let mut memory = chain(1);
    memory.words.insert(STACK - 8, behind_call(7));
    for bad in [0, 0x10, u64::MAX] {
        let (frames, _) = walk(thread(bad, STACK - 8, STACK), &mut memory);
        assert_eq!(frames[..2], [(bad, Trust::Context), (behind_call(7), Trust::Guessed)]);
        assert_eq!(frames[2], (behind_call(0), Trust::FramePointer));
    }
}

#[test]
fn extreme_registers_do_no_harm() {
    let extremes = [0, 1, 7, u64::MAX, u64::MAX - 7, u64::MAX - 15, 1 << 63];
    for pc in [CODE + 2, 0, u64::MAX] {
        for rsp in extremes {
            for rbp in extremes {
                let (frames, _) = walk(thread(pc, rsp, rbp), &mut chain(1));
                assert_eq!(frames.len(), 1);
            }
        }
    }
}
