//! Optional fields and variants that messages of the first table gained; without them they are encoded as ever.

use farsight_target::*;
use farsight_types::{Address, AddressRange, Architecture, Generation, OsPid, Registers};

use super::later_messages::birth;
use super::{PID, TID, golden, image, registers};

fn signals() -> SignalPolicy {
    SignalPolicy {
        stop: SignalSet::of(&[11]),
        report: SignalSet::of(&[15]),
        stop_second: SignalSet(u64::MAX),
        drop: Some(SignalSet::of(&[13])),
    }
}

#[test]
fn acquisitions() {
    let launch = LaunchSpec {
        program: "/bin/prog".into(),
        arguments: Vec::new(),
        environment: EnvironmentMerge::default(),
        directory: None,
        randomize: true,
        terminal: None,
        signals: Some(signals()),
        detail: StopDetail::default(),
        children: Some(ChildPolicy::Follow),
    };
    golden("launch_spec_children", &launch);
    let modes = [
        ("invasive", AttachMode::Invasive),
        ("noninvasive", AttachMode::Noninvasive),
        ("no_suspend", AttachMode::NoninvasiveNoSuspend),
        ("existing", AttachMode::Existing),
        ("resume_stopped", AttachMode::ResumeStopped),
    ];
    for (name, mode) in modes {
        golden(
            &format!("attach_spec_{name}"),
            &AttachSpec {
                process: PID,
                signals: None,
                detail: StopDetail::default(),
                mode: Some(mode),
                children: Some(ChildPolicy::Leave),
                start: None,
            },
        );
    }
    golden(
        "attach_spec_start",
        &AttachSpec {
            process: PID,
            signals: None,
            detail: StopDetail::default(),
            mode: None,
            children: None,
            start: Some(launch),
        },
    );
}

#[test]
fn resume_plans() {
    let goal = |goal| StepPlan::Goal {
        goal,
        over: true,
        count: 3,
    };
    let watch = |inside, end| StepPlan::Watch {
        return_address: Address(0x1010),
        frame_address: Address(0x7fff_0010),
        end,
        depth: 4,
        inside,
    };
    let lines = |into, end, landings: Option<u64>| StepPlan::Lines {
        count: 3,
        into,
        line: 2,
        frames: vec![Address(0x7fff_0010), Address(0x7fff_0100)],
        rows: vec![
            LineMark {
                start: Address(0x1000),
                line: Some(2),
                statement: true,
            },
            LineMark {
                start: Address(0x1040),
                line: None,
                statement: false,
            },
        ],
        entries: vec![LineEntry {
            entry: Address(0x1100),
            statement: Address(0x1104),
        }],
        known: vec![AddressRange::new(Address(0x1000), 0x1000)],
        stubs: vec![AddressRange::new(Address(0x3000), 0x100)],
        end,
        landings: landings.map(|landing| vec![Address(landing)]),
    };
    let inside = vec![AddressRange::new(Address(0x1000), 0x1000)];
    let plans = [
        (
            "address",
            goal(StepGoal::Address {
                address: Address(0x1020),
            }),
        ),
        ("call", goal(StepGoal::Call)),
        ("return", goal(StepGoal::Return)),
        ("call_or_return", goal(StepGoal::CallOrReturn)),
        ("branch", goal(StepGoal::Branch)),
        ("lines", lines(false, None, None)),
        ("lines_into", lines(true, Some(Address(0x1030)), None)),
        ("lines_landings", lines(false, None, Some(0x1038))),
        ("watch", watch(None, None)),
        ("watch_inside", watch(Some(inside), Some(Address(0x1030)))),
    ];
    for (name, plan) in plans {
        golden(
            &format!("resume_plan_{name}"),
            &ResumePlan {
                traps: TrapDelta {
                    base: None,
                    generation: Generation(1),
                    ..TrapDelta::default()
                },
                step: Some(StepOrder {
                    thread: TID,
                    plan,
                    marks: Some(64),
                    goes_on: None,
                    landings: None,
                }),
                signals: Some(signals()),
                stops: Some(EventStops {
                    process_started: true,
                    process_ended: false,
                    thread_started: true,
                    thread_ended: false,
                    unload: true,
                    unload_names: vec!["libx.so".into()],
                }),
                break_in_seconds: Some(30),
                ..ResumePlan::default()
            },
        );
    }
}

#[test]
fn a_step_that_goes_on() {
    golden(
        "resume_plan_goes_on",
        &ResumePlan {
            step: Some(StepOrder {
                thread: TID,
                plan: StepPlan::Over { count: 2 },
                marks: None,
                goes_on: Some(true),
                landings: None,
            }),
            ..ResumePlan::default()
        },
    );
}

#[test]
fn a_step_over_what_throws() {
    golden(
        "resume_plan_landings",
        &ResumePlan {
            step: Some(StepOrder {
                thread: TID,
                plan: StepPlan::Over { count: 1 },
                marks: None,
                goes_on: None,
                landings: Some(vec![Address(0x1038), Address(0x1040)]),
            }),
            ..ResumePlan::default()
        },
    );
}

#[test]
fn stops() {
    let family = Family {
        started: [BirthKind::Fork, BirthKind::Vfork, BirthKind::Clone].map(birth).into(),
        changed: vec![ProcessDelta {
            process: OsPid(4713),
            threads: ThreadDelta {
                started: Vec::new(),
                ended: vec![TID],
            },
            images: ImageDelta {
                replaced: true,
                loaded: vec![image()],
                unloaded: Vec::new(),
            },
            path: Some("/bin/other".into()),
        }],
        ended: vec![ProcessEnd {
            process: OsPid(4714),
            status: ExitStatus::Signal { number: 9 },
        }],
    };
    let kinds = [
        StepMarkKind::Step,
        StepMarkKind::Call,
        StepMarkKind::Return,
        StepMarkKind::SystemCall,
    ];
    let marks = kinds.map(|kind| StepMark {
        kind,
        pc: Address(0x1000),
        instructions: 7,
        value: (kind != StepMarkKind::Step).then_some(39),
    });
    let stop = |cause| Stop {
        number: 12,
        process: PID,
        thread: TID,
        cause,
        registers: Some(registers()),
        memory: vec![AddressRange::new(Address(0x7fff_0000), 2)],
        bytes: vec![0xde, 0xad],
        threads: ThreadDelta::default(),
        images: ImageDelta::default(),
        hits: Vec::new(),
        family: None,
        marks: None,
    };
    let causes = [
        ("thread_started", StopCause::ThreadStarted),
        ("thread_ending", StopCause::ThreadEnding),
        ("process_started", StopCause::ProcessStarted),
    ];
    for (name, cause) in causes {
        golden(&format!("stop_{name}"), &stop(cause));
    }
    golden(
        "stop_family",
        &Stop {
            family: Some(family),
            ..stop(StopCause::BreakIn)
        },
    );
    golden(
        "stop_marks",
        &Stop {
            marks: Some(marks.into()),
            ..stop(StopCause::StepDone)
        },
    );
}

#[test]
fn registers_of_which_not_all_are_known() {
    let mut some = Registers::zeroed(Architecture::Amd64);
    some.set_pc(Address(0x5555_5555_1234));
    some.known = Some(1 << 7 | 1 << 16);
    golden(
        "registers_reply_known",
        &RegistersReply {
            registers: vec![Some(some)],
        },
    );
}
