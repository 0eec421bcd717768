//! The book by itself: numbers, counts and what becomes of traps.

use super::*;

fn spec(passes: u64) -> Spec {
    Spec {
        system: SystemId(0),
        process: ProcessId(0),
        os: OsPid(7),
        expression: "main".into(),
        kind: TrapKind::Software,
        deferred: true,
        thread: None,
        passes,
        one_shot: false,
        depth: Depth::default(),
        commands: String::new(),
        rights: Rights::ALL,
    }
}

fn trap_of(book: &BreakpointBook) -> Trap {
    let traps = book.traps(SystemId(0));
    assert_eq!(traps.len(), 1, "{traps:?}");
    traps.into_iter().next().unwrap()
}

#[test]
fn numbers_are_the_lowest_free_ones() {
    let mut book = BreakpointBook::default();
    for wanted in [0, 1, 2] {
        assert_eq!(book.free_id(), wanted);
        book.set(wanted, spec(1), &[]);
    }
    assert!(book.clear(1));
    assert_eq!(book.free_id(), 1);
    assert!(!book.clear(1));
}

#[test]
fn an_unchanged_breakpoint_keeps_its_trap() {
    let mut book = BreakpointBook::default();
    book.set(0, spec(1), &[Address(0x10)]);
    let before = trap_of(&book);
    book.enable(0, true);
    book.bind(0, &[Address(0x10)]);
    assert_eq!(trap_of(&book), before);
}

#[test]
fn a_pass_count_goes_on_after_a_rest() {
    let mut book = BreakpointBook::default();
    book.set(0, spec(5), &[Address(0x10)]);
    let first = trap_of(&book);
    book.note_hits(&[TrapHits { id: first.id, hits: 2 }]);
    assert_eq!(book.get(0).unwrap().remaining(), 3);
    book.enable(0, false);
    assert!(book.traps(SystemId(0)).is_empty());
    book.enable(0, true);
    let second = trap_of(&book);
    assert_ne!(second.id, first.id, "the server must count anew");
    assert_eq!(second.passes, 3);
    book.note_hits(&[TrapHits { id: second.id, hits: 4 }]);
    assert_eq!(book.get(0).unwrap().hits, 6);
    assert_eq!(book.get(0).unwrap().remaining(), 1);
}

#[test]
fn hits_of_a_trap_that_is_gone_count_for_nobody() {
    let mut book = BreakpointBook::default();
    book.set(0, spec(1), &[Address(0x10)]);
    book.note_hits(&[TrapHits {
        id: TrapId(999),
        hits: 9,
    }]);
    assert_eq!(book.get(0).unwrap().hits, 0);
}

#[test]
fn deferred_breakpoints_have_no_trap_until_they_are_bound() {
    let mut book = BreakpointBook::default();
    book.set(3, spec(1), &[]);
    assert!(book.wants_modules(SystemId(0), |_, _| true));
    assert!(!book.wants_modules(SystemId(1), |_, _| true));
    book.bind(3, &[Address(0x40)]);
    assert!(!book.wants_modules(SystemId(0), |_, _| true));
    assert_eq!(trap_of(&book).address, Address(0x40));
    assert_eq!(book.behind(&[trap_of(&book).id]), (vec![3], false));
}

#[test]
fn lines_of_headers_may_have_places_in_modules_to_come() {
    for (expression, wanted) in [
        ("`list.h:7`", true),
        ("`src/list.HPP:7`", true),
        ("`include/vector:70`", true),
        ("`one!list.h:7`", false),
        ("`list.c:7`", false),
        ("`src/lib.rs:7`", false),
        ("`:7`", false),
        ("list", false),
    ] {
        let mut book = BreakpointBook::default();
        let expression = expression.to_owned();
        book.set(0, Spec { expression, ..spec(1) }, &[Address(0x10)]);
        assert_eq!(
            book.wants_modules(SystemId(0), |_, _| true),
            wanted,
            "{:?}",
            book.get(0)
        );
        book.enable(0, false);
        assert!(!book.wants_modules(SystemId(0), |_, _| true));
    }
}

#[test]
fn a_new_program_unbinds_and_an_ended_one_clears() {
    let mut book = BreakpointBook::default();
    book.set(0, spec(1), &[Address(0x10)]);
    book.add_temporary(
        (SystemId(0), ProcessId(0)),
        OsPid(7),
        Address(0x20),
        TrapKind::Software,
        None,
    );
    book.unbind_process(SystemId(0), ProcessId(0));
    assert!(book.traps(SystemId(0)).is_empty());
    assert!(book.wants_modules(SystemId(0), |_, _| true));
    book.forget_process(SystemId(0), ProcessId(0));
    assert_eq!(book.iter().count(), 0);
}

#[test]
fn debug_registers_are_held_by_enabled_hardware_breakpoints() {
    let mut book = BreakpointBook::default();
    let hardware = Spec {
        kind: TrapKind::HardwareExecute,
        ..spec(1)
    };
    book.set(0, spec(1), &[Address(0x10)]);
    book.set(1, hardware.clone(), &[Address(0x20)]);
    book.set(2, hardware, &[]);
    assert_eq!(book.hardware_of(SystemId(0), ProcessId(0)), [1, 2]);
    assert!(book.hardware_of(SystemId(0), ProcessId(1)).is_empty());
    book.enable(1, false);
    assert_eq!(book.hardware_of(SystemId(0), ProcessId(0)), [2]);
}

#[test]
fn a_new_number_keeps_the_trap_and_its_count() {
    let mut book = BreakpointBook::default();
    book.set(0, spec(5), &[Address(0x10)]);
    let trap = trap_of(&book);
    book.renumber(0, 7);
    assert_eq!(trap_of(&book), trap);
    book.note_hits(&[TrapHits { id: trap.id, hits: 2 }]);
    assert_eq!(book.get(7).unwrap().hits, 2);
    assert!(book.get(0).is_none());
}

#[test]
fn a_copy_that_goes_on_takes_over_breakpoints_with_their_counts() {
    let mut book = BreakpointBook::default();
    book.set(0, spec(5), &[Address(0x10)]);
    let of_thread = Spec {
        thread: Some((ThreadId(0), OsTid(7))),
        ..spec(1)
    };
    book.set(1, of_thread, &[Address(0x20)]);
    let trap = trap_of_first(&book);
    book.note_hits(&[TrapHits { id: trap.id, hits: 2 }]);
    let before = book.hand_on(SystemId(0), ProcessId(0), (ProcessId(1), OsPid(8)));
    book.forget_process(SystemId(0), ProcessId(0));
    assert_eq!(before.len(), 2);
    let left = trap_of(&book);
    assert_eq!((left.process, left.passes), (OsPid(8), 3));
    assert_ne!(left.id, trap.id);
}

fn trap_of_first(book: &BreakpointBook) -> Trap {
    book.traps(SystemId(0)).into_iter().next().unwrap()
}

#[test]
fn where_a_process_is_to_go_outlives_another() {
    let mut book = BreakpointBook::default();
    for process in [0, 1] {
        let place = (SystemId(0), ProcessId(process));
        book.add_temporary(place, OsPid(7 + process), Address(0x10), TrapKind::Software, None);
    }
    book.forget_process(SystemId(0), ProcessId(0));
    assert_eq!(trap_of(&book).process, OsPid(8));
    book.unbind_process(SystemId(0), ProcessId(0));
    assert_eq!(trap_of(&book).process, OsPid(8));
    book.unbind_process(SystemId(0), ProcessId(1));
    assert!(book.traps(SystemId(0)).is_empty());
}
