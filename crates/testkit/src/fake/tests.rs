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
    assert!(matches!(again, Err(TargetError::Invalid { .. })));
    let denied = session.machine().find_by_name(NameQuery { name: "nobody".into() });
    assert!(matches!(denied, Err(TargetError::NoSuchName { .. })));
}

#[test]
fn the_fake_passes_the_checks_that_need_no_real_process() {
    let connect = || session();
    crate::conformance::describes_the_machine(&connect);
    crate::conformance::refuses_what_makes_no_sense(&connect);
}
