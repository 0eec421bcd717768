//! The fake target through its stream: what an engine may count on when it is tested with it.

use farsight_target::*;
use farsight_types::Address;

use super::*;
use crate::{PortClient, Session};

fn session() -> Session {
    Session::new(PortClient::open(FakeTarget::start().0))
}

fn launched() -> (Session, Toy) {
    let session = session();
    let spec = LaunchSpec {
        program: "toy".into(),
        arguments: Vec::new(),
        environment: EnvironmentMerge::default(),
        directory: None,
        randomize: false,
        terminal: None,
        signals: None,
        detail: StopDetail::default(),
        children: None,
    };
    session.acquire().launch(spec).unwrap();
    (session, Toy::build())
}

fn trap_at(address: Address, passes: u64) -> TrapDelta {
    TrapDelta {
        base: None,
        generation: Generation(1),
        remove: Vec::new(),
        set: vec![Trap {
            id: TrapId(1),
            process: LAUNCHED,
            address,
            kind: TrapKind::Software,
            passes,
            thread: None,
            stack_at_least: None,
        }],
    }
}

#[test]
fn a_launched_toy_greets_starts_threads_and_exits() {
    let (mut session, _) = launched();
    assert_eq!(session.stop().cause, StopCause::Launched);
    let plan = ResumePlan {
        stop_at_exit: true,
        ..ResumePlan::default()
    };
    session.run().resume(plan.clone()).unwrap();
    let status = ExitStatus::Code { code: 0 };
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Exiting { status });
    assert_eq!(stop.threads.started.len(), 2);
    assert_eq!(session.text(), "hello from toy\n");
    session.run().resume(plan).unwrap();
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Exited { status });
    assert_eq!(stop.threads.ended.len(), 3);
    assert!(session.output_ended);
}

#[test]
fn traps_count_and_steps_go_over_calls() {
    let (mut session, toy) = launched();
    session.stop();
    let plan = ResumePlan {
        traps: trap_at(toy.function("leaf"), 2),
        ..ResumePlan::default()
    };
    session.run().resume(plan).unwrap();
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    assert_eq!(stop.hits, vec![TrapHits { id: TrapId(1), hits: 2 }]);
    let registers = stop.registers.clone().unwrap();
    assert_eq!(registers.pc(), toy.function("leaf"));

    let (_, stack) = stop.memory_parts().next().unwrap();
    let return_address = u64::from_le_bytes(*stack.first_chunk().unwrap());
    assert_eq!(return_address, toy.function("work").0 + 9);
    let plan = ResumePlan {
        traps: TrapDelta {
            generation: Generation(2),
            ..TrapDelta::default()
        },
        step: Some(StepOrder {
            thread: stop.thread,
            plan: StepPlan::UntilReturn {
                return_address: Address(return_address),
                frame_address: registers.sp().wrapping_add(8),
            },
            marks: None,
            goes_on: None,
            landings: None,
        }),
        ..ResumePlan::default()
    };
    session.run().resume(plan).unwrap();
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::StepDone);
    assert_eq!(stop.registers.unwrap().pc().0, return_address);
}

#[test]
fn an_attached_toy_runs_until_it_is_asked_to_stop() {
    let mut session = session();
    let spec = AttachSpec {
        process: TOY,
        signals: None,
        detail: StopDetail::default(),
        mode: None,
        children: None,
        start: None,
    };
    session.acquire().attach(spec.clone()).unwrap();
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Attached);
    assert_eq!(stop.threads.started.len(), 3);
    session.run().resume(ResumePlan::default()).unwrap();
    assert_eq!(session.run().resume(ResumePlan::default()), Err(TargetError::Running));
    session.break_in();
    assert_eq!(session.stop().cause, StopCause::BreakIn);
    let again = session.acquire().attach(spec);
    assert!(matches!(again, Err(TargetError::Denied { .. })));
    let denied = session.machine().find_by_name(NameQuery { name: "nobody".into() });
    assert!(matches!(denied, Err(TargetError::NoSuchName { .. })));
}

#[test]
fn the_fake_passes_the_checks_that_need_no_real_process() {
    let connect = || session();
    crate::conformance::describes_the_machine(&connect);
    crate::conformance::refuses_what_makes_no_sense(&connect);
}

fn start(program: &str, children: Option<ChildPolicy>) -> (Session, Stop) {
    let mut session = session();
    let spec = LaunchSpec {
        program: program.into(),
        arguments: Vec::new(),
        environment: EnvironmentMerge::default(),
        directory: None,
        randomize: false,
        terminal: None,
        signals: None,
        detail: StopDetail::default(),
        children,
    };
    session.acquire().launch(spec).unwrap();
    let stop = session.stop();
    (session, stop)
}

fn go(session: &mut Session, plan: ResumePlan) -> Stop {
    session.run().resume(plan).unwrap();
    session.stop()
}

fn stops(stops: EventStops) -> ResumePlan {
    ResumePlan {
        stops: Some(stops),
        ..ResumePlan::default()
    }
}

#[test]
fn a_family_is_followed_through_fork_exec_and_ends() {
    let all = || {
        stops(EventStops {
            process_started: true,
            process_ended: true,
            thread_started: true,
            thread_ended: true,
            ..EventStops::default()
        })
    };
    let (mut session, _) = start("forker", Some(ChildPolicy::Follow));
    let mut seen = Vec::new();
    loop {
        let stop = go(&mut session, all());
        let births = stop.family.map_or(0, |family| family.started.len());
        assert_eq!(births, usize::from(stop.cause == StopCause::ProcessStarted));
        if let StopCause::Exec { .. } = stop.cause {
            assert!(stop.images.replaced && stop.images.loaded.len() == 1);
        }
        let last = matches!(stop.cause, StopCause::Exited { .. });
        seen.push((
            stop.process.0,
            format!("{:?}", stop.cause).split(' ').next().unwrap().to_owned(),
        ));
        if last {
            break;
        }
    }
    seen.sort();
    let counted = |pid: u32, cause: &str| {
        seen.iter()
            .filter(|(process, seen)| (*process, seen.as_str()) == (pid, cause))
            .count()
    };
    assert_eq!(
        (counted(4810, "ProcessStarted"), counted(4810, "Exec")),
        (1, 1),
        "{seen:?}"
    );
    assert_eq!(
        (counted(4800, "ThreadStarted"), counted(4800, "ThreadEnding")),
        (1, 1),
        "{seen:?}"
    );
    assert_eq!((counted(4800, "Exiting"), counted(4810, "Exiting")), (1, 1), "{seen:?}");

    // What is not followed is not heard of.
    let (mut session, _) = start("forker", None);
    let stop = go(&mut session, all());
    assert_eq!(stop.cause, StopCause::ThreadStarted);
    let status = ExitStatus::Code { code: 0 };
    let stop = go(&mut session, ResumePlan::default());
    assert_eq!((stop.cause, session.notes.len()), (StopCause::Exited { status }, 0));
}

#[test]
fn libraries_come_and_go_and_signals_have_two_chances() {
    let (mut session, stop) = start("loader", None);
    assert_eq!(stop.images.loaded.len(), 1);
    let mut plan = stops(EventStops {
        unload_names: vec!["plugin.so".into()],
        ..EventStops::default()
    });
    plan.modules.stop = true;
    let stop = go(&mut session, plan.clone());
    assert_eq!((stop.cause, stop.images.loaded.len()), (StopCause::Modules, 1));
    let stop = go(&mut session, plan);
    assert_eq!((stop.cause, stop.images.unloaded.len()), (StopCause::Modules, 1));

    let (mut session, _) = start("faults", None);
    let order = |signal| ResumePlan {
        signal,
        signals: Some(SignalPolicy {
            stop: SignalSet::of(&[4, 10]),
            report: SignalSet::default(),
            stop_second: SignalSet::of(&[4]),
            drop: None,
        }),
        ..ResumePlan::default()
    };
    let mut seen = Vec::new();
    for signal in [
        SignalOrder::Deliver,
        SignalOrder::Deliver,
        SignalOrder::Drop,
        SignalOrder::Deliver,
        SignalOrder::Deliver,
    ] {
        let stop = go(&mut session, order(signal));
        seen.push(match stop.cause {
            StopCause::Signal { signal, chance } => (signal.number, chance == Chance::Second),
            StopCause::ForeignTrap => (5, false),
            StopCause::Exited { status } => (i32::from(status == ExitStatus::Signal { number: 4 }), true),
            cause => panic!("{cause:?}"),
        });
    }
    assert_eq!(seen, [(10, false), (5, false), (4, false), (4, true), (1, true)]);
}

#[test]
fn hardware_traps_watch_accesses_and_have_four_places() {
    let (mut session, _) = start("toy", None);
    let data = |id: u32, at: u64, size| Trap {
        kind: TrapKind::HardwareData {
            access: DataAccess::Write,
            size,
        },
        address: Address(at),
        id: TrapId(id),
        ..trap_at(Address(0), 1).set.remove(0)
    };
    let plan = |set: Vec<Trap>| ResumePlan {
        traps: TrapDelta {
            set,
            ..trap_at(Address(0), 1)
        },
        ..ResumePlan::default()
    };
    let stop = go(&mut session, plan(vec![data(1, toy::COUNTER + 4, 4)]));
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    // It is told behind the access.
    let leaf = Toy::build().function("leaf");
    assert_eq!(stop.registers.unwrap().pc(), leaf.wrapping_add(11));
    let bytes = session.look().read(ReadRequest {
        process: LAUNCHED,
        ranges: vec![farsight_types::AddressRange::new(Address(toy::COUNTER), 8)],
    });
    assert_eq!(bytes.unwrap().bytes, 1_u64.to_le_bytes());
    for refused in [
        vec![data(1, toy::COUNTER + 1, 4)],
        vec![data(1, toy::COUNTER, 3)],
        (0..5).map(|id| data(id, toy::COUNTER + 8 * u64::from(id), 8)).collect(),
    ] {
        let result = session.run().resume(plan(refused));
        assert!(matches!(result, Err(TargetError::Trap { .. })), "{result:?}");
    }
}

#[test]
fn a_process_that_another_debugger_holds_is_only_looked_at() {
    let mut session = session();
    let spec = |mode| AttachSpec {
        process: HELD,
        signals: None,
        detail: StopDetail::default(),
        mode,
        children: None,
        start: None,
    };
    let denied = session.acquire().attach(spec(None));
    assert!(matches!(
        denied,
        Err(TargetError::Denied {
            obstacle: Obstacle::Tracer { pid: HOLDER, .. },
            ..
        })
    ));
    session.acquire().attach(spec(Some(AttachMode::Noninvasive))).unwrap();
    assert_eq!(session.stop().cause, StopCause::Attached);
    let refusal = TargetError::Noninvasive {
        pid: HELD,
        tracer: Some(HOLDER),
    };
    assert_eq!(session.run().resume(ResumePlan::default()), Err(refusal.clone()));
    assert_eq!(session.run().terminate(ProcessRef { process: HELD }), Err(refusal));

    // Others are debugged beside it, suspended, abandoned and taken over again.
    let spec = AttachSpec {
        process: TOY,
        ..spec(None)
    };
    session.acquire().attach(spec.clone()).unwrap();
    session.stop();
    let order = |change| SuspendOrder {
        process: TOY,
        threads: Vec::new(),
        change,
    };
    let counts = |session: &Session, change| {
        let counts = session.look().change_suspend_counts(order(change)).unwrap().counts;
        counts.iter().map(|(_, count)| *count).collect::<Vec<u32>>()
    };
    assert_eq!(counts(&session, 2), [2, 2, 2]);
    assert_eq!(counts(&session, -5), [0, 0, 0]);
    let abandon = AbandonOrder {
        process: TOY,
        release: false,
    };
    session.run().abandon(abandon).unwrap();
    let existing = AttachSpec {
        mode: Some(AttachMode::Existing),
        ..spec
    };
    session.acquire().attach(existing).unwrap();
    assert_eq!(session.stop().threads.started.len(), 3);
}
