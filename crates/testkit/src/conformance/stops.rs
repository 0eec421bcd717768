//! Checks of traps, counts, break-ins and running.

use farsight_target::*;
use farsight_types::registers::RegisterSets;
use farsight_types::{Address, Generation};
use farsight_wire::Nothing;

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, Session, deadline, proc, wait_until};

/// Every thread that comes by stops, once each time, with a count of one.
pub fn stops_at_a_trap_each_time(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, attached) = attached_counter(&mut session, 4);
    let (process, at) = (counter.pid(), counter.address("count_step"));
    let mut number = attached.number;
    let mut stopped = std::collections::BTreeSet::new();
    let first = plan(vec![trap(1, process, at)]);
    // Changes nothing: the set of the generation before stays.
    let on = ResumePlan {
        traps: TrapDelta {
            base: Some(Generation(1)),
            generation: Generation(1),
            ..TrapDelta::default()
        },
        ..ResumePlan::default()
    };
    for round in 1..=40 {
        let stop = go(&mut session, if round == 1 { first.clone() } else { on.clone() });
        assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
        assert_eq!(registers(&stop).pc(), at);
        assert_eq!(
            stop.hits,
            [TrapHits {
                id: TrapId(1),
                hits: round
            }]
        );
        assert!(stop.number > number);
        number = stop.number;
        stopped.insert(stop.thread);
    }
    assert!(stopped.len() > 1, "only {stopped:?} ever stopped");
    resume(&mut session, plan(Vec::new()));
    let address = counter.address("counter");
    proc::assert_advances(process.0, address, Deadline::usual());
    break_in(&mut session);
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
}

/// Counts calls under a trap that never stops; `each` calls in 8 threads.
pub fn count_calls(session: &mut Session, each: u64) {
    let mut calls = Debuggee::start("calls", &["8", &each.to_string()]);
    let (process, at) = (calls.pid(), calls.address("counted"));
    attach(session, process);
    let mut passing = trap(1, process, at);
    passing.passes = u64::MAX;
    let plan = ResumePlan {
        stop_at_exit: true,
        ..plan(vec![passing])
    };
    resume(session, plan.clone());
    calls.send("");
    let stop = session.stop_within(Deadline::seconds(280));
    let status = ExitStatus::Code { code: 0 };
    assert_eq!(stop.cause, StopCause::Exiting { status });
    let hits: Vec<u64> = stop.hits.iter().map(|hits| hits.hits).collect();
    calls
        .output()
        .expect(&format!("calls={}\n", 8 * each), Deadline::usual());
    assert_eq!(hits, [8 * each], "the debuggee counted {}", 8 * each);
    let stop = go(session, plan);
    assert_eq!(stop.cause, StopCause::Exited { status });
}

/// No call of eight threads is missed and none is counted twice.
pub fn counts_and_passes_hits(connect: Connect<'_>) {
    count_calls(&mut connect(), 500);
}

/// A pass count stops at exactly its hit, and at each later one.
pub fn stops_at_the_hit_of_a_pass_count(connect: Connect<'_>) {
    let mut session = connect();
    let mut calls = Debuggee::start("calls", &["8", "1000"]);
    let (process, at) = (calls.pid(), calls.address("counted"));
    attach(&mut session, process);
    let mut counted = trap(1, process, at);
    counted.passes = 3000;
    resume(&mut session, plan(vec![counted]));
    calls.send("");
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    assert_eq!(
        stop.hits,
        [TrapHits {
            id: TrapId(1),
            hits: 3000
        }]
    );
    let total = calls.number("total");
    // The thread that stopped has not counted yet, and each of the others may be between its hit and its counting.
    assert!((2992..3000).contains(&total), "{total} of 3000 calls were counted");
    let on = ResumePlan {
        traps: TrapDelta {
            base: Some(Generation(1)),
            generation: Generation(1),
            ..TrapDelta::default()
        },
        ..ResumePlan::default()
    };
    for hits in 3001..3010 {
        let stop = go(&mut session, on.clone());
        assert_eq!(stop.hits, [TrapHits { id: TrapId(1), hits }]);
    }
    let status = ExitStatus::Code { code: 0 };
    assert_eq!(go(&mut session, plan(Vec::new())).cause, StopCause::Exited { status });
    calls.output().expect("calls=8000\n", Deadline::usual());
}

/// A trap of one thread lets the others by, uncounted.
pub fn counts_only_the_thread_of_a_trap(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, attached) = attached_counter(&mut session, 4);
    let (process, at) = (counter.pid(), counter.address("count_step"));
    let thread = attached.threads.started[2].tid;
    let mine = Trap {
        thread: Some(thread),
        ..trap(1, process, at)
    };
    let mut passing = trap(2, process, at);
    passing.passes = u64::MAX;
    let mut hits = 0;
    for _ in 0..5 {
        let stop = go(&mut session, plan(vec![mine.clone(), passing.clone()]));
        assert_eq!(
            (stop.thread, &stop.cause),
            (thread, &StopCause::Traps { ids: vec![TrapId(1)] })
        );
        let of = |id| {
            stop.hits
                .iter()
                .find(|hits| hits.id == TrapId(id))
                .map_or(0, |hits| hits.hits)
        };
        assert_eq!(of(1), 1);
        hits += of(2);
    }
    assert!(hits > 5, "the other threads were held up");
}

/// While it runs, what needs it at rest is refused; memory can still be looked at.
pub fn is_running_until_it_stops(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, attached) = attached_counter(&mut session, 3);
    let process = counter.pid();
    resume(&mut session, plan(Vec::new()));
    assert_eq!(session.run().resume(plan(Vec::new())), Err(TargetError::Running));
    let request = RegistersRequest {
        process,
        threads: vec![attached.thread],
        sets: RegisterSets::default(),
    };
    assert_eq!(session.look().registers(request), Err(TargetError::Running));
    let address = counter.address("counter");
    let value = || u64::from_le_bytes(proc::read_memory(process.0, address, 8).try_into().unwrap());
    let before = value();
    let through = read(&mut session, process, address, 8);
    assert!(u64::from_le_bytes(through.try_into().unwrap()) >= before);
    assert_eq!(session.look().threads(ProcessRef { process }).unwrap().threads.len(), 3);
    let stop = break_in(&mut session);
    assert_eq!(
        registers_of(&mut session, process, stop.thread).general,
        registers(&stop).general
    );
    assert_eq!(value(), value());
}

/// Every thread sleeps in the kernel: breaking in works again and again, and no system call returns for it.
pub fn breaks_in_without_disturbing_system_calls(connect: Connect<'_>) {
    let mut session = connect();
    let mut blocked = Debuggee::start("blocked", &[]);
    blocked.address("disturbed");
    let process = blocked.pid();
    attach(&mut session, process);
    for _ in 0..5 {
        resume(&mut session, plan(Vec::new()));
        wait_until("it sleeps again", Deadline::usual(), || {
            proc::state(process.0) == Some('S')
        });
        break_in(&mut session);
    }
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
    blocked.send("");
    blocked.output().expect("disturbed=0\n", Deadline::usual());
}

/// A program that never enters the kernel stops as well.
pub fn breaks_in_to_a_busy_loop(connect: Connect<'_>) {
    let mut session = connect();
    let mut spin = Debuggee::start("spin", &["2"]);
    let address = spin.address("spins");
    let process = spin.pid();
    attach(&mut session, process);
    for _ in 0..10 {
        resume(&mut session, plan(Vec::new()));
        proc::assert_advances(process.0, address, Deadline::usual());
        break_in(&mut session);
        let before = spin.number("spins");
        assert_eq!(spin.number("spins"), before);
    }
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
}

/// A break-in that comes when the target rests already does nothing, not even later.
pub fn ignores_a_break_in_at_rest(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 2);
    session.break_in();
    session.break_in();
    session.machine().describe(Nothing {}).unwrap();
    resume(&mut session, plan(Vec::new()));
    let address = counter.address("counter");
    proc::assert_advances(counter.pid().0, address, Deadline::usual());
    let mut passing = trap(1, counter.pid(), counter.address("count_step"));
    passing.passes = 20;
    session
        .run()
        .update_traps(TrapUpdate {
            traps: only(vec![passing]),
        })
        .unwrap();
    assert_eq!(session.stop().cause, StopCause::Traps { ids: vec![TrapId(1)] });
}

/// Held threads stay where they are while the others run.
pub fn holds_threads(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, attached) = attached_counter(&mut session, 4);
    let process = counter.pid();
    let array = counter.address("per_thread");
    let counts = || -> Vec<u64> {
        (0..4)
            .map(|index| proc::read_u64(process.0, array.wrapping_add(8 * index)))
            .collect()
    };
    let held = attached.threads.started.iter().skip(1).map(|thread| ThreadOrder {
        thread: thread.tid,
        rule: ThreadRule::Hold,
    });
    let plan = ResumePlan {
        threads: held.collect(),
        ..ResumePlan::default()
    };
    let before = counts();
    resume(&mut session, plan);
    let far = deadline::poll(Deadline::usual(), || {
        counts()
            .iter()
            .zip(&before)
            .any(|(now, before)| *now > before + 20)
            .then_some(())
    });
    assert!(far.is_some(), "nobody runs");
    break_in(&mut session);
    let changed = counts()
        .iter()
        .zip(&before)
        .filter(|(now, before)| now != before)
        .count();
    assert_eq!(changed, 1, "{before:?} {:?}", counts());
    resume(&mut session, ResumePlan::default());
    wait_until("all run again", Deadline::usual(), || {
        counts().iter().zip(&before).all(|(now, before)| now > before)
    });
}

/// Traps can be set and taken away without stopping the target.
pub fn changes_traps_while_running(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 3);
    let (process, at) = (counter.pid(), counter.address("count_step"));
    resume(&mut session, plan(Vec::new()));
    let mut passing = trap(3, process, at);
    passing.passes = u64::MAX;
    let update = |session: &Session, traps| session.run().update_traps(TrapUpdate { traps }).unwrap();
    update(&session, only(vec![passing.clone()]));
    let address = counter.address("counter");
    proc::assert_advances(process.0, address, Deadline::usual());
    update(&session, only(Vec::new()));
    let is_planted = || proc::read_memory(process.0, at, 1) == [0xcc];
    wait_until("the trap is gone", Deadline::usual(), || !is_planted());
    proc::assert_advances(process.0, address, Deadline::usual());
    let delta = TrapDelta {
        base: Some(Generation(1)),
        generation: Generation(2),
        remove: Vec::new(),
        set: vec![trap(4, process, at)],
    };
    update(&session, delta);
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(4)] });
    let nowhere = only(vec![trap(5, process, Address(0x10))]);
    let refused = session.run().update_traps(TrapUpdate { traps: nowhere });
    assert!(
        matches!(refused, Err(TargetError::Trap { at: Address(0x10), .. })),
        "{refused:?}"
    );
}

/// A thousand traps go with one request and leave no trace.
pub fn plants_a_thousand_traps_at_once(connect: Connect<'_>) {
    let mut session = connect();
    let mut threads = Debuggee::start("threads", &["2"]);
    threads.address("born");
    let process = threads.pid();
    attach(&mut session, process);
    let mappings = proc::mappings(process.0);
    let libc = mappings
        .iter()
        .find(|mapping| mapping.rights.contains('x') && mapping.path.contains("libc.so"));
    let text = libc.expect("the text of libc").range;
    // Nobody runs there: all threads sleep in pause(), whose place is left out.
    let pcs: Vec<Address> = proc::threads(process.0)
        .iter()
        .map(|tid| registers_of(&mut session, process, farsight_types::OsTid(*tid)).pc())
        .collect();
    let places = (0..2000).map(|index| text.start.wrapping_add(0x1000 + index * 64));
    let free = places.filter(|place| pcs.iter().all(|pc| pc.0.abs_diff(place.0) > 64));
    let traps: Vec<Trap> = free
        .take(1000)
        .zip(1..)
        .map(|(place, id)| trap(id, process, place))
        .collect();
    assert_eq!(traps.len(), 1000);
    let places: Vec<Address> = traps.iter().map(|trap| trap.address).collect();
    resume(&mut session, plan(traps));
    let planted = || {
        places
            .iter()
            .filter(|place| proc::read_memory(process.0, **place, 1) == [0xcc])
            .count()
    };
    wait_until("all are planted", Deadline::usual(), || planted() == 1000);
    break_in(&mut session);
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
}

/// The exit stop comes while memory can still be read; then the process is gone.
pub fn stops_at_exit_while_memory_is_there(connect: Connect<'_>) {
    let mut session = connect();
    let stop = launch(&mut session, "hello", &["code", "3"]);
    let process = stop.process;
    let main = symbol_in(program(&stop), "main");
    let plan = ResumePlan {
        stop_at_exit: true,
        ..ResumePlan::default()
    };
    let status = ExitStatus::Code { code: 3 };
    let stop = go(&mut session, plan.clone());
    assert_eq!(stop.cause, StopCause::Exiting { status });
    assert!(stop.registers.is_some());
    assert_eq!(read(&mut session, process, main, 4).len(), 4);
    assert_eq!(go(&mut session, plan).cause, StopCause::Exited { status });
    assert!(!proc::alive(process.0));
}
