//! Checks of signals: first and second chance, policies, the program's own traps.

use farsight_target::*;
use farsight_types::Address;

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, proc, wait_until};

const SIGILL: i32 = 4;
const SIGABRT: i32 = 6;
const SIGBUS: i32 = 7;
const SIGFPE: i32 = 8;
const SIGUSR1: i32 = 10;
const SIGSEGV: i32 = 11;

/// Nothing stops and nothing is told.
const SILENCE: SignalPolicy = SignalPolicy {
    stop: SignalSet(0),
    report: SignalSet(0),
    stop_second: SignalSet(0),
    drop: None,
};

fn signal_of(stop: &Stop) -> (SignalInfo, Chance) {
    match stop.cause {
        StopCause::Signal { signal, chance } => (signal, chance),
        ref other => panic!("a signal was expected: {other:?}"),
    }
}

/// An unhandled fault stops before it is delivered, once more when it is about to end the process, and then the
/// process is gone of it.
pub fn stops_at_first_and_second_chance(connect: Connect<'_>) {
    let mut session = connect();
    let mut faults = Debuggee::start("faults", &["segv", "wait"]);
    let process = faults.pid();
    attach(&mut session, process);
    resume(&mut session, plan(Vec::new()));
    faults.send("");
    let (signal, chance) = signal_of(&session.stop());
    assert_eq!(
        (signal.number, signal.address, chance),
        (SIGSEGV, Some(Address(0)), Chance::First)
    );
    let stop = go(&mut session, plan(Vec::new()));
    let (signal, chance) = signal_of(&stop);
    assert_eq!(
        (signal.number, signal.address, chance),
        (SIGSEGV, Some(Address(0)), Chance::Second)
    );
    let sp = registers(&stop).sp();
    assert_eq!(read(&mut session, process, sp, 8).len(), 8);
    let status = ExitStatus::Signal { number: SIGSEGV };
    assert_eq!(go(&mut session, plan(Vec::new())).cause, StopCause::Exited { status });
}

/// Each kind of fault comes with its number.
pub fn shows_each_fault(connect: Connect<'_>) {
    for (mode, number) in [("bus", SIGBUS), ("fpe", SIGFPE), ("ill", SIGILL), ("abort", SIGABRT)] {
        let mut session = connect();
        let mut faults = Debuggee::start("faults", &[mode, "wait"]);
        attach(&mut session, faults.pid());
        resume(&mut session, plan(Vec::new()));
        faults.send("");
        let (signal, chance) = signal_of(&session.stop());
        assert_eq!((signal.number, chance), (number, Chance::First), "{mode}");
    }
}

/// A signal is delivered or dropped, as the next resume says.
pub fn delivers_or_drops_a_signal(connect: Connect<'_>) {
    let mut session = connect();
    let mut faults = Debuggee::start("faults", &["count"]);
    let process = faults.pid();
    faults.address("handled");
    attach(&mut session, process);
    let policy = SignalPolicy {
        stop: SignalSet::of(&[SIGUSR1]),
        ..SILENCE
    };
    let with = |signal| ResumePlan {
        signal,
        signals: Some(policy),
        ..ResumePlan::default()
    };
    resume(&mut session, with(SignalOrder::Deliver));
    for order in [
        SignalOrder::Drop,
        SignalOrder::Deliver,
        SignalOrder::Deliver,
        SignalOrder::Drop,
    ] {
        proc::signal(process.0, "USR1");
        let (signal, chance) = signal_of(&session.stop());
        assert_eq!((signal.number, chance), (SIGUSR1, Chance::First));
        assert!(signal.sender.is_some());
        resume(&mut session, with(order));
    }
    wait_until("both are handled", Deadline::usual(), || faults.number("handled") == 2);
    detach_after(&mut session, &mut faults);
}

/// Letting go leaves the program as it was: it counts what was delivered, and ends by itself.
fn detach_after(session: &mut crate::Session, faults: &mut Debuggee) {
    let process = faults.pid();
    detach(session, process);
    proc::assert_clean(process.0, Deadline::usual());
    let handled = faults.number("handled");
    faults.send("");
    faults
        .output()
        .expect(&format!("handled={handled}\n"), Deadline::usual());
}

/// What is only reported is delivered without a stop, with a note; the rest passes unseen.
pub fn reports_signals_without_stopping(connect: Connect<'_>) {
    let mut session = connect();
    let mut faults = Debuggee::start("faults", &["count"]);
    let process = faults.pid();
    faults.address("handled");
    attach(&mut session, process);
    let plan = ResumePlan {
        signals: Some(SignalPolicy {
            report: SignalSet::of(&[SIGUSR1]),
            ..SILENCE
        }),
        ..ResumePlan::default()
    };
    resume(&mut session, plan);
    for count in 1..=3 {
        proc::signal(process.0, "USR1");
        wait_until("it is handled", Deadline::usual(), || faults.number("handled") == count);
    }
    session.hear_until("three notes", |session| {
        let of = |note: &&Note| matches!(note, Note::Signal { signal, .. } if signal.number == SIGUSR1);
        session.notes.iter().filter(of).count() == 3
    });
    session
        .run()
        .update_traps(TrapUpdate {
            traps: only(Vec::new()),
        })
        .expect("a session that still runs");
    break_in(&mut session);
    detach_after(&mut session, &mut faults);
}

/// A breakpoint instruction of the program's own stops with the pc behind it, and is the program's own again after a
/// detach.
pub fn leaves_the_programs_own_traps_to_it(connect: Connect<'_>) {
    let mut session = connect();
    let mut faults = Debuggee::start("faults", &["owntrap"]);
    let process = faults.pid();
    faults.address("sent");
    attach(&mut session, process);
    for _ in 0..3 {
        let stop = go(&mut session, plan(Vec::new()));
        assert_eq!(stop.cause, StopCause::ForeignTrap);
        let pc = registers(&stop).pc();
        assert_eq!(read(&mut session, process, Address(pc.0 - 1), 1), [0xcc]);
    }
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
    let address = faults.address("handled");
    proc::assert_advances(process.0, address, Deadline::usual());
}

/// A policy that does not stop at SIGTRAP passes the program's own breakpoint instructions on to it.
pub fn passes_the_programs_own_traps_unseen(connect: Connect<'_>) {
    let mut session = connect();
    let mut faults = Debuggee::start("faults", &["owntrap"]);
    let process = faults.pid();
    faults.address("sent");
    attach(&mut session, process);
    let silent = ResumePlan {
        signals: Some(SILENCE),
        ..ResumePlan::default()
    };
    resume(&mut session, silent);
    let before = faults.number("handled");
    wait_until("its handler runs", Deadline::usual(), || {
        faults.number("handled") > before + 5
    });
    break_in(&mut session);
}
