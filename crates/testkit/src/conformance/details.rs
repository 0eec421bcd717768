//! Checks of what is said of threads and processes, of suspend counts, and of memory that is made and filled.

use farsight_target::*;
use farsight_types::registers::RegisterSets;
use farsight_types::{Address, AddressRange, OsPid, OsTid};

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, Session, deadline, proc, wait_until};

/// A pattern is repeated and cut short, traps stay in place under it, and memory that ends cuts it shorter.
pub fn fills_with_a_pattern(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 1);
    let (process, buffer) = (counter.pid(), counter.address("buffer"));
    let fill = |session: &Session, start, length, pattern: &[u8]| {
        let request = FillRequest {
            process,
            range: AddressRange::new(start, length),
            pattern: pattern.to_vec(),
        };
        session.look().fill(request)
    };
    let update = TrapUpdate {
        traps: only(vec![trap(1, process, buffer.wrapping_add(4))]),
    };
    session.run().update_traps(update).expect("a trap");
    assert_eq!(fill(&session, buffer, 10, b"abc").expect("to be filled").length, 10);
    assert_eq!(read(&mut session, process, buffer, 12)[..10], *b"abcabcabca");
    assert_eq!(proc::read_memory(process.0, buffer, 10), b"abca\xcccabca");
    let none = TrapUpdate {
        traps: only(Vec::new()),
    };
    session.run().update_traps(none).expect("no trap");
    assert_eq!(proc::read_memory(process.0, buffer, 10), b"abcabcabca");
    let made = AllocateRequest {
        process,
        size: 0x30_0000,
        at: None,
    };
    let made = session.look().allocate(made).expect("memory").range;
    let (half, rest) = (made.length / 2, made.length / 2);
    let half = AddressRange::new(made.start.wrapping_add(half), rest);
    session
        .look()
        .free(Allocation { process, range: half })
        .expect("to be freed");
    let filled = fill(&session, made.start, made.length, &[7, 8, 9]).expect("to be filled");
    assert_eq!(filled.length, made.length / 2);
    let last = made.start.wrapping_add(made.length / 2 - 3);
    let phase = ((made.length / 2 - 3) % 3) as usize;
    assert_eq!(read(&mut session, process, last, 3)[0], [7, 8, 9][phase]);
    for (start, length, pattern) in [
        (Address(8), 16, &b"x"[..]),
        (buffer, 1, b""),
        (buffer, 1, &[0; 65537]),
        (buffer, 1 << 40, b"x"),
    ] {
        let refused = fill(&session, start, length, pattern);
        assert!(
            matches!(
                refused,
                Err(TargetError::Invalid { .. } | TargetError::Unwritable { .. })
            ),
            "{refused:?}"
        );
    }
}

fn allocate(session: &Session, process: OsPid, size: u64, at: Option<Address>) -> Result<Allocation, TargetError> {
    session.look().allocate(AllocateRequest { process, size, at })
}

/// Memory is made and given back in a process whose threads all sleep in the kernel, and no call of theirs is disturbed.
pub fn makes_and_gives_back_memory(connect: Connect<'_>) {
    let mut session = connect();
    let mut blocked = Debuggee::start("blocked", &[]);
    blocked.address("disturbed");
    let process = blocked.pid();
    let attached = attach(&mut session, process);
    for _ in 0..5 {
        let before = registers_of(&mut session, process, attached.thread).general;
        let made = allocate(&session, process, 5000, None).expect("memory");
        assert_eq!(made.range.length, 8192);
        let regions = session.look().regions(ProcessRef { process }).expect("regions").regions;
        let region = regions.iter().find(|region| region.range.contains(made.range.start));
        assert!(
            region.is_some_and(|region| region.read && region.write && region.execute),
            "{region:?}"
        );
        write(&mut session, process, made.range.start, b"here");
        assert_eq!(read(&mut session, process, made.range.start, 5), b"here\0");
        let there = allocate(&session, process, 4096, Some(made.range.start));
        assert!(
            there
                .as_ref()
                .is_err_and(|error| error.to_string().contains("File exists")),
            "{there:?}"
        );
        session.look().free(made).expect("to be freed");
        let again = allocate(&session, process, 8192, Some(made.range.start)).expect("the same place");
        assert_eq!(again, made);
        session.look().free(made).expect("to be freed");
        let refused = session.look().free(made);
        assert!(matches!(refused, Err(TargetError::Invalid { .. })), "{refused:?}");
        assert_eq!(registers_of(&mut session, process, attached.thread).general, before);
        resume(&mut session, plan(Vec::new()));
        let refused = allocate(&session, process, 4096, None);
        assert_eq!(refused, Err(TargetError::Running));
        wait_until("it sleeps again", Deadline::usual(), || {
            proc::state(process.0) == Some('S')
        });
        break_in(&mut session);
    }
    for (size, at) in [
        (0, None),
        (u64::MAX, None),
        (1 << 62, None),
        (4096, Some(Address(0x1001))),
    ] {
        let refused = allocate(&session, process, size, at);
        assert!(
            matches!(refused, Err(TargetError::Invalid { .. } | TargetError::System { .. })),
            "{refused:?}"
        );
    }
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
    blocked.send("");
    blocked.output().expect("disturbed=0\n", Deadline::usual());
}

/// A signal that a thread rests with is still delivered when the thread was used to make memory.
pub fn keeps_signals_while_making_memory(connect: Connect<'_>) {
    let mut session = connect();
    let mut faults = Debuggee::start("spin", &["1"]);
    faults.address("spins");
    let process = faults.pid();
    attach(&mut session, process);
    let mut policy = usual_signals();
    policy.stop = SignalSet(policy.stop.0 | SignalSet::of(&[10, 12]).0);
    let on = ResumePlan {
        signals: Some(policy),
        ..plan(Vec::new())
    };
    resume(&mut session, on.clone());
    proc::signal(process.0, "USR1");
    let stop = session.stop();
    let StopCause::Signal { signal, .. } = &stop.cause else {
        panic!("{:?}", stop.cause)
    };
    assert_eq!(signal.number, 10);
    // One more comes meanwhile.
    proc::signal(process.0, "USR2");
    let made = allocate(&session, process, 4096, None).expect("memory");
    session.look().free(made).expect("to be freed");
    let dropped = ResumePlan {
        signal: SignalOrder::Drop,
        ..on
    };
    let stop = go(&mut session, dropped);
    assert!(
        matches!(&stop.cause, StopCause::Signal { signal, .. } if signal.number == 12),
        "{:?}",
        stop.cause
    );
    // Unhandled, it ends the process, as it would have without.
    let made = allocate(&session, process, 4096, None).expect("memory");
    session.look().free(made).expect("to be freed");
    let mut stop = go(&mut session, plan(Vec::new()));
    if !matches!(stop.cause, StopCause::Exited { .. }) {
        stop = go(&mut session, plan(Vec::new()));
    }
    let status = ExitStatus::Signal { number: 12 };
    assert_eq!(stop.cause, StopCause::Exited { status });
}

/// Suspended threads stay where they are, counts nest, and all run again when let go of.
pub fn suspends_threads(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, attached) = attached_counter(&mut session, 4);
    let process = counter.pid();
    let array = counter.address("per_thread");
    let counts = || -> Vec<u64> {
        (0..4)
            .map(|index| proc::read_u64(process.0, array.wrapping_add(8 * index)))
            .collect()
    };
    let change = |session: &Session, threads: &[OsTid], change| {
        let order = SuspendOrder {
            process,
            threads: threads.to_vec(),
            change,
        };
        session.look().change_suspend_counts(order).expect("counts").counts
    };
    let all: Vec<OsTid> = attached.threads.started.iter().map(|record| record.tid).collect();
    let (first, others) = (all[0], &all[1..]);
    let with = |count: u32, tids: &[OsTid]| tids.iter().map(|tid| (*tid, count)).collect::<Vec<_>>();
    assert_eq!(change(&session, &[], 1), with(1, &all));
    assert_eq!(change(&session, others, 1), with(2, others));
    assert_eq!(change(&session, &[first], -1), with(0, &[first]));
    let only_first_runs = |before: &[u64]| {
        wait_until("the first runs", Deadline::usual(), || counts()[0] > before[0] + 20);
        assert_eq!(counts()[1..], before[1..]);
    };
    let before = counts();
    resume(&mut session, plan(Vec::new()));
    only_first_runs(&before);
    let stop = break_in(&mut session);
    let step = StepPlan::Over { count: 3 };
    let stepped = go(&mut session, step_plan(first, step.clone(), Vec::new()));
    assert_eq!(stepped.cause, StopCause::StepDone);
    assert_eq!(counts()[1..], before[1..]);
    assert!(stop.number < stepped.number);
    let refused = session.run().resume(step_plan(others[0], step, Vec::new()));
    assert!(matches!(refused, Err(TargetError::Invalid { .. })), "{refused:?}");
    resume(&mut session, plan(Vec::new()));
    // While it runs: one is resumed as often as it was suspended, the first suspended.
    assert_eq!(change(&session, &others[..1], -1), with(1, &others[..1]));
    assert_eq!(change(&session, &[first], 1), with(1, &[first]));
    let before = counts();
    assert_eq!(change(&session, &others[..1], -5), with(0, &others[..1]));
    let far = deadline::poll(Deadline::usual(), || {
        (counts().iter().sum::<u64>() > before.iter().sum::<u64>() + 20).then_some(())
    });
    assert!(far.is_some(), "nobody runs");
    assert_eq!(counts()[0], before[0]);
    detach(&mut session, process);
    let before = counts();
    wait_until("all run again", Deadline::usual(), || {
        counts().iter().zip(&before).all(|(now, before)| now > before)
    });
    proc::assert_clean(process.0, Deadline::usual());
}

/// Times, states and beginnings of threads, and what a process was started with.
pub fn describes_threads_and_processes(connect: Connect<'_>) {
    let mut session = connect();
    let mut spec = launch_spec(&crate::programs::debuggee("watched"), &["2", "1", "", "last"]);
    spec.environment.set.push(("FARSIGHT_TOLD".into(), "a=b".into()));
    let stop = launch_as(&mut session, spec);
    let process = stop.process;
    let parameters = session
        .look()
        .describe_process(ProcessRef { process })
        .expect("parameters");
    assert_eq!(parameters.arguments[1..], ["2", "1", "", "last"]);
    assert!(parameters.environment.contains(&"FARSIGHT_TOLD=a=b".to_owned()));
    assert!(parameters.executable.is_some_and(|path| path.ends_with("/watched")));
    assert!(parameters.started <= parameters.now && parameters.uptime < parameters.now);
    let entry = parameters
        .auxiliary
        .iter()
        .find(|(kind, _)| *kind == 9)
        .map(|(_, value)| Address(*value));
    let writer = symbol_in(program(&stop), "writer");
    resume(&mut session, plan(vec![trap(1, process, writer)]));
    let input = TerminalInput {
        process,
        end: false,
        bytes: b"\n".to_vec(),
    };
    session.files().type_in(input).expect("a terminal");
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    let request = |threads| ThreadsRequest { process, threads };
    let all = session
        .look()
        .describe_threads(request(Vec::new()))
        .expect("threads")
        .threads;
    assert!(all.len() >= 2, "{all:?}");
    assert_eq!((all[0].tid.0, all[0].start), (process.0, entry));
    assert!(all[1].start.is_some_and(|start| start.0 != 0), "{all:?}");
    for thread in &all {
        assert_eq!((thread.state, thread.nice, thread.suspended), ('t', 0, 0));
        assert!(thread.started >= parameters.started && thread.started <= parameters.now + 60_000_000);
    }
    let some = session
        .look()
        .describe_threads(request(vec![OsTid(1), stop.thread]))
        .expect("one");
    assert_eq!(
        some.threads.iter().map(|thread| thread.tid).collect::<Vec<_>>(),
        [stop.thread]
    );
    let refused = session.look().describe_process(ProcessRef { process: NOBODY });
    assert!(refused.is_err(), "{refused:?}");
}

/// Debug registers and vector state are set as a whole, and refused where they hold traps or do not fit.
pub fn sets_debug_and_vector_registers(connect: Connect<'_>) {
    let mut session = connect();
    let (mut watched, process) = super::hardware::attached_watched(&mut session, &["1", "2"]);
    let (bytes, shared) = (watched.address("bytes"), watched.address("shared"));
    let steps = watched.address("steps");
    let watch = super::hardware::write_trap(2, process, shared, 8);
    resume(&mut session, plan(vec![trap(1, process, steps), watch]));
    watched.send("");
    let stop = session.stop();
    let request = RegistersRequest {
        process,
        threads: vec![stop.thread],
        sets: RegisterSets {
            debug: true,
            vector: true,
        },
    };
    let reply = session.look().registers(request.clone()).expect("registers").registers;
    let now = reply[0].clone().expect("a thread");
    let set = |change: &dyn Fn(&mut farsight_types::Registers)| {
        let mut registers = now.clone();
        change(&mut registers);
        session.look().set_registers(SetRegistersRequest {
            process,
            thread: stop.thread,
            registers,
        })
    };
    assert_eq!(now.debug[0], shared.0);
    for change in [
        (&|registers: &mut farsight_types::Registers| registers.debug[0] += 8)
            as &dyn Fn(&mut farsight_types::Registers),
        &|registers| registers.debug[5] = 0,
        &|registers| registers.debug.truncate(2),
        &|registers| registers.vector.truncate(100),
    ] {
        let refused = set(change);
        assert!(matches!(refused, Err(TargetError::Invalid { .. })), "{refused:?}");
    }
    set(&|_| ()).expect("what is there already");
    // A watch of the user's own beside ours, and xmm3 at byte 160 + 3 * 16 of the area.
    set(&|registers| {
        registers.debug[1] = bytes.0 + 3;
        registers.debug[5] |= 1 << 2 | 1 << 20;
        registers.vector[208..212].copy_from_slice(&[1, 2, 3, 4]);
    })
    .expect("to be set");
    let reply = session.look().registers(request).expect("registers").registers;
    assert_eq!(reply[0].as_ref().expect("a thread").vector[208..212], [1, 2, 3, 4]);
    let own = go(
        &mut session,
        plan(vec![super::hardware::write_trap(2, process, shared, 8)]),
    );
    assert!(
        matches!(&own.cause, StopCause::Signal { signal, .. } if signal.number == 5),
        "{:?}",
        own.cause
    );
    assert_eq!(read(&mut session, process, bytes.wrapping_add(3), 1), [1]);
    let dropped = ResumePlan {
        signal: SignalOrder::Drop,
        ..plan(vec![super::hardware::write_trap(2, process, shared, 8)])
    };
    assert_eq!(
        go(&mut session, dropped).cause,
        StopCause::Traps { ids: vec![TrapId(2)] }
    );
    detach(&mut session, process);
    watched.output().expect("writes=2\n", Deadline::usual());
}
