//! Checks of hardware traps.

use farsight_target::*;
use farsight_types::{Address, OsPid};

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, Session, deadline, proc};

/// A trap on writes of so many bytes.
pub fn write_trap(id: u32, process: OsPid, address: Address, size: u8) -> Trap {
    let access = DataAccess::Write;
    Trap {
        kind: TrapKind::HardwareData { access, size },
        ..trap(id, process, address)
    }
}

fn read_trap(id: u32, process: OsPid, address: Address, size: u8) -> Trap {
    let access = DataAccess::ReadWrite;
    Trap {
        kind: TrapKind::HardwareData { access, size },
        ..trap(id, process, address)
    }
}

fn execution_trap(id: u32, process: OsPid, address: Address) -> Trap {
    Trap {
        kind: TrapKind::HardwareExecute,
        ..trap(id, process, address)
    }
}

/// Changes no trap.
fn on() -> ResumePlan {
    ResumePlan {
        traps: TrapDelta {
            base: Some(farsight_types::Generation(1)),
            generation: farsight_types::Generation(1),
            ..TrapDelta::default()
        },
        stop_at_exit: true,
        ..ResumePlan::default()
    }
}

pub(super) fn attached_watched(session: &mut Session, arguments: &[&str]) -> (Debuggee, OsPid) {
    let mut watched = Debuggee::start("watched", arguments);
    watched.address("steps");
    let process = watched.pid();
    attach(session, process);
    (watched, process)
}

#[track_caller]
fn assert_traps(stop: &Stop, ids: &[u32]) {
    let ids = ids.iter().copied().map(TrapId).collect();
    assert_eq!(
        stop.cause,
        StopCause::Traps { ids },
        "{:x?}",
        (stop.thread, &stop.hits, &stop.registers)
    );
}

#[track_caller]
fn goes_to_its_end(session: &mut Session, plan: ResumePlan) {
    let status = ExitStatus::Code { code: 0 };
    let plan = ResumePlan {
        stop_at_exit: false,
        ..plan
    };
    assert_eq!(go(session, plan).cause, StopCause::Exited { status });
}

/// A watched access stops behind the instruction that made it, whatever its size; one that changes nothing, too.
pub fn stops_after_watched_accesses(connect: Connect<'_>) {
    let mut session = connect();
    let (mut watched, process) = attached_watched(&mut session, &["1", "2", "same"]);
    let (bytes, words, shared) = (
        watched.address("bytes"),
        watched.address("words"),
        watched.address("shared"),
    );
    let traps = vec![
        write_trap(1, process, bytes.wrapping_add(3), 1),
        write_trap(2, process, words.wrapping_add(2), 2),
        write_trap(3, process, shared, 8),
        read_trap(4, process, watched.address("slot"), 8),
    ];
    resume(&mut session, plan(traps));
    watched.send("");
    let stop = session.stop();
    // The push, the pop, then steps().
    assert_traps(&stop, &[4]);
    assert_eq!(registers(&stop).pc(), watched.address("after_push"));
    assert_traps(&go(&mut session, on()), &[4]);
    for (id, address, value) in [
        (1, bytes.wrapping_add(3), &[1u8][..]),
        (2, words.wrapping_add(2), &[2, 0]),
        (3, shared, &[3, 0, 0, 0]),
    ] {
        let stop = go(&mut session, on());
        assert_traps(&stop, &[id]);
        assert_eq!(read(&mut session, process, address, value.len() as u64), value);
        assert_eq!(
            stop.hits,
            [TrapHits {
                id: TrapId(id),
                hits: 1
            }]
        );
    }
    // The thread writes 1 over 3, then 1 over 1.
    for hits in 2..=3 {
        let stop = go(&mut session, on());
        assert_traps(&stop, &[3]);
        assert_eq!(stop.hits, [TrapHits { id: TrapId(3), hits }]);
    }
    goes_to_its_end(&mut session, on());
    watched.output().expect("writes=2\n", Deadline::usual());
}

/// Those that no processor has are refused with the reason, and nothing is changed then.
pub fn refuses_hardware_traps_that_cannot_be(connect: Connect<'_>) {
    let mut session = connect();
    let (mut watched, process) = attached_watched(&mut session, &["1", "3"]);
    let shared = watched.address("shared");
    let at = |offset| shared.wrapping_add(offset);
    let five = (0..5).map(|id| write_trap(id, process, at(u64::from(id)), 1)).collect();
    for (traps, place, reason) in [
        (vec![write_trap(1, process, shared, 3)], shared, "3 bytes"),
        (vec![write_trap(1, process, at(1), 8)], at(1), "multiple of 8"),
        (vec![write_trap(1, process, at(2), 4)], at(2), "multiple of 4"),
        (
            vec![read_trap(1, process, Address(0xffff_8000_0000_0000), 8)],
            Address(0xffff_8000_0000_0000),
            "",
        ),
        (five, at(4), "debug registers are in use"),
    ] {
        let error = session.run().resume(plan(traps)).expect_err("no trap");
        let TargetError::Trap { at, why } = &error else {
            panic!("{error:?}")
        };
        assert!(*at == place && why.contains(reason), "{error}");
    }
    let four = (0..4).map(|id| write_trap(id, process, at(4 + u64::from(id)), 1));
    let update = TrapUpdate {
        traps: only(four.collect()),
    };
    session.run().update_traps(update).expect("four places");
    // The full set replaces these four by another.
    resume(&mut session, plan(vec![write_trap(9, process, shared, 8)]));
    watched.send("");
    let stop = session.stop();
    assert_traps(&stop, &[9]);
    goes_to_its_end(&mut session, plan(Vec::new()));
}

/// Counts writes under a watch that never stops, `each` of them in 8 threads that are born under it, with that many
/// break-ins meanwhile. The count equals the debuggee's own at every stop.
pub fn count_writes(session: &mut Session, each: u64, break_ins: u64) {
    let (mut watched, process) = attached_watched(session, &["8", &each.to_string()]);
    let mut passing = write_trap(1, process, watched.address("shared"), 8);
    passing.passes = u64::MAX;
    let plan = ResumePlan {
        stop_at_exit: true,
        ..plan(vec![passing])
    };
    resume(session, plan);
    watched.send("");
    let mut hits = 0;
    let mut broken_in = 0;
    let deadline = Deadline::seconds(280);
    let last = loop {
        if broken_in < break_ins {
            session.break_in();
        }
        let stop = session.stop_within(deadline);
        hits = stop.hits.first().map_or(hits, |hits| hits.hits);
        if stop.cause != StopCause::BreakIn {
            break stop;
        }
        broken_in += 1;
        // steps() has written once, then the count begins; a thread may rest between its write and its counting.
        let written = watched.number("written");
        assert!(
            hits == 0 || hits == written + 1 || hits == written + 2,
            "{hits} hits of {written} writes at break-in {broken_in}"
        );
        resume(session, on());
    };
    let status = ExitStatus::Code { code: 0 };
    assert_eq!(last.cause, StopCause::Exiting { status });
    let (written, out) = (watched.number("written"), format!("writes={}\n", 8 * each));
    watched.output().expect(&out, Deadline::usual());
    assert_eq!((hits, written), (8 * each + 1, 8 * each));
    // Behind a slow link the debuggee may end first.
    assert!(broken_in > 0 || break_ins == 0, "nobody broke in");
    goes_to_its_end(session, on());
}

/// No write of eight threads is missed and none is counted twice.
pub fn counts_watched_writes(connect: Connect<'_>) {
    count_writes(&mut connect(), 300, 20);
}

/// Hits of several threads that are due are shown one by one, each once.
pub fn shows_each_watched_write(connect: Connect<'_>) {
    let mut session = connect();
    let (mut watched, process) = attached_watched(&mut session, &["8", "10"]);
    let shared = watched.address("shared");
    resume(&mut session, plan(vec![write_trap(1, process, shared, 8)]));
    watched.send("");
    let mut stop = session.stop();
    let mut threads = std::collections::BTreeSet::new();
    let mut hits = 0;
    for shown in 1..=81 {
        assert_traps(&stop, &[1]);
        hits = stop.hits.first().map_or(hits, |hits| hits.hits);
        assert!(hits >= shown, "{hits} hits at stop {shown}");
        threads.insert(stop.thread);
        stop = go(&mut session, on());
    }
    let status = ExitStatus::Code { code: 0 };
    assert_eq!((&stop.cause, hits), (&StopCause::Exiting { status }, 81));
    assert_eq!(threads.len(), 9);
    goes_to_its_end(&mut session, on());
}

/// An execution trap stops before its instruction, once, together with a breakpoint instruction at the same place.
pub fn stops_before_execution_traps(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 3);
    let (process, at) = (counter.pid(), counter.address("count_step"));
    resume(&mut session, plan(vec![execution_trap(1, process, at)]));
    for hits in 1..=20 {
        let stop = if hits == 1 {
            session.stop()
        } else {
            go(&mut session, on())
        };
        assert_traps(&stop, &[1]);
        assert_eq!(registers(&stop).pc(), at);
        assert_eq!(stop.hits, [TrapHits { id: TrapId(1), hits }]);
    }
    let both = vec![trap(2, process, at), execution_trap(1, process, at)];
    for hits in 1..=20 {
        let stop = go(&mut session, if hits == 1 { plan(both.clone()) } else { on() });
        assert_traps(&stop, &[1, 2]);
        let hits = |id| TrapHits { id: TrapId(id), hits };
        assert_eq!(stop.hits, [hits(1), hits(2)]);
    }
    detach(&mut session, process);
    let counted = counter.address("counter");
    proc::assert_advances(process.0, counted, Deadline::usual());
    proc::assert_clean(process.0, Deadline::usual());
}

/// Neither going past a trap nor a step hides an access, and a step ends with it.
pub fn watches_while_stepping_and_past_traps(connect: Connect<'_>) {
    let mut session = connect();
    let (mut watched, process) = attached_watched(&mut session, &["1", "1"]);
    let (slot, pushes, after) = (
        watched.address("slot"),
        watched.address("pushes"),
        watched.address("after_push"),
    );
    let traps = || vec![trap(1, process, pushes), write_trap(2, process, slot, 8)];
    resume(&mut session, plan(traps()));
    watched.send("");
    let stop = session.stop();
    assert_traps(&stop, &[1]);
    // The push stands under a trap and would be done in its stead.
    let stop = go(&mut session, on());
    assert_traps(&stop, &[2]);
    assert_eq!(registers(&stop).pc(), after);
    // Once more, as a step.
    let mut back = registers(&stop).clone();
    back.set_pc(pushes);
    back.set_by_name("rsp", back.sp().0 + 8);
    let request = SetRegistersRequest {
        process,
        thread: stop.thread,
        registers: back,
    };
    session.look().set_registers(request).expect("registers");
    let step = StepPlan::Into { count: 5 };
    let stop = go(&mut session, step_plan(stop.thread, step, traps()));
    assert_traps(&stop, &[2]);
    assert_eq!(registers(&stop).pc(), after);
    goes_to_its_end(&mut session, plan(Vec::new()));
}

/// Only the thread of a trap counts, and a pass count stops at its hit.
pub fn filters_and_passes_watched_writes(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, attached) = attached_counter(&mut session, 4);
    let (process, at) = (counter.pid(), counter.address("counter"));
    let thread = attached.threads.started[2].tid;
    let mine = Trap {
        thread: Some(thread),
        passes: 7,
        ..write_trap(1, process, at, 8)
    };
    let all = Trap {
        passes: u64::MAX,
        ..write_trap(2, process, at, 8)
    };
    let stop = go(&mut session, plan(vec![mine, all]));
    assert_traps(&stop, &[1]);
    assert_eq!((stop.thread, stop.hits[0].hits), (thread, 7));
    assert!(stop.hits[1].hits > 7, "{:?}", stop.hits);
    detach(&mut session, process);
    proc::assert_advances(process.0, at, Deadline::usual());
}

/// Watches come and go while the target runs, and none stays behind when it is let go of.
pub fn changes_hardware_traps_while_running(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 8);
    let (process, at) = (counter.pid(), counter.address("counter"));
    for round in 0..10 {
        resume(&mut session, plan(Vec::new()));
        let passing = Trap {
            passes: 20,
            ..write_trap(round, process, at, 8)
        };
        let update = |set| TrapUpdate { traps: only(set) };
        session.run().update_traps(update(vec![passing])).expect("a watch");
        assert_traps(&session.stop(), &[round]);
        resume(&mut session, on());
        session.run().update_traps(update(Vec::new())).expect("no watch");
        let (mut seen, deadline) = (0, Deadline::usual());
        deadline::wait_until("counting without stops", deadline, || {
            seen += 1;
            counter.number("counter") > 0 && seen > 1
        });
        session.break_in();
        let stop = session.stop();
        // A hit from before its trap went may be on its way.
        assert!(
            matches!(stop.cause, StopCause::BreakIn | StopCause::Traps { .. }),
            "{stop:?}"
        );
        if stop.cause != StopCause::BreakIn {
            resume(&mut session, on());
            break_in(&mut session);
        }
    }
    resume(&mut session, plan(vec![write_trap(1, process, at, 8)]));
    session.stop();
    resume(&mut session, on());
    detach(&mut session, process);
    proc::assert_advances(process.0, at, Deadline::usual());
    proc::assert_clean(process.0, Deadline::usual());
}

/// Followed children are born with their parent's watches: in copies of its memory, and in the memory itself. A program that
/// a child runs has none.
pub fn watches_in_followed_children(connect: Connect<'_>) {
    // Every child calls step() once, and every tenth has a child that does too.
    const STORM: u64 = 20 + 2;
    for (arguments, expected) in [(["storm", "20", "4"], Some(STORM)), (["clone", "3", "50"], None)] {
        let mut session = connect();
        let mut spec = launch_spec(&crate::programs::debuggee("family"), &arguments);
        spec.children = Some(ChildPolicy::Follow);
        let stop = launch_as(&mut session, spec);
        let process = stop.process;
        let steps = symbol_in(program(&stop), "steps");
        let passing = Trap {
            passes: u64::MAX,
            ..write_trap(1, process, steps, 8)
        };
        let mut hits = 0;
        let mut counted = 0;
        let mut order = ResumePlan {
            stop_at_exit: true,
            ..plan(vec![passing])
        };
        loop {
            let stop = go(&mut session, order);
            order = on();
            hits = stop.hits.iter().map(|trap| trap.hits).max().unwrap_or(hits);
            match stop.cause {
                StopCause::Exiting { .. } if stop.process == process => {
                    let bytes = read(&mut session, process, steps, 8);
                    counted = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
                }
                StopCause::Exited { status } if stop.process == process => {
                    assert_eq!(status, ExitStatus::Code { code: 0 }, "{}", session.text());
                    break;
                }
                StopCause::Exec { .. } | StopCause::Exiting { .. } | StopCause::Exited { .. } => {}
                cause => panic!("{cause:?}"),
            }
        }
        assert_eq!(hits, expected.unwrap_or(counted), "{arguments:?}");
        assert!(hits > 0);
    }
}
