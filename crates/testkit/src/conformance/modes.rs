//! Checks of attach modes, of processes that are abandoned, and of those that take them over.

use farsight_target::*;
use farsight_types::registers::RegisterSets;
use farsight_types::registers::amd64;
use farsight_types::{OsPid, OsTid};

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, Session, proc, programs, wait_until};

fn spec(process: OsPid, mode: AttachMode) -> AttachSpec {
    AttachSpec {
        mode: Some(mode),
        ..attach_spec(process)
    }
}

#[track_caller]
fn attach_in(session: &mut Session, process: OsPid, mode: AttachMode) -> Stop {
    session.acquire().attach(spec(process, mode)).expect("to be attached");
    let stop = session.stop();
    assert_eq!((&stop.cause, stop.process), (&StopCause::Attached, process));
    stop
}

fn counter() -> Debuggee {
    let mut counter = Debuggee::start("counter", &["3"]);
    counter.address("count_step");
    counter
}

#[track_caller]
fn goes_on_clean(counter: &mut Debuggee) {
    let address = counter.address("counter");
    proc::assert_clean(counter.pid().0, Deadline::usual());
    proc::assert_advances(counter.pid().0, address, Deadline::usual());
}

#[track_caller]
fn refuses(session: &mut Session, process: OsPid, tracer: Option<OsPid>, at: farsight_types::Address) {
    let refused = Err(TargetError::Noninvasive { pid: process, tracer });
    let mut run = session.run();
    assert_eq!(run.resume(plan(Vec::new())).map(drop), refused);
    let traps = only(vec![trap(1, process, at)]);
    assert_eq!(run.update_traps(TrapUpdate { traps }).map(drop), refused);
    let release = true;
    assert_eq!(run.abandon(AbandonOrder { process, release }).map(drop), refused);
    let children = ChildPolicy::Follow;
    assert_eq!(
        run.set_process_options(ProcessOptions { process, children }).map(drop),
        refused
    );
}

/// A process that is only looked at rests, shows everything, is never set going, and survives the session by any policy.
pub fn looks_without_steering(connect: Connect<'_>) {
    let mut session = connect();
    let mut counter = counter();
    let (process, at) = (counter.pid(), counter.address("count_step"));
    let stop = attach_in(&mut session, process, AttachMode::Noninvasive);
    assert_eq!(stop.threads.started.len(), 3);
    assert_eq!(registers(&stop).known, None);
    let code = proc::read_memory(process.0, at, 16);
    assert_eq!(read(&mut session, process, at, 16), code);
    let before = counter.number("counter");
    refuses(&mut session, process, None, at);
    assert_eq!(counter.number("counter"), before);
    let kill = LossPolicy {
        attached: LettingGo::Kill,
        launched: LettingGo::Kill,
    };
    session.run().set_loss_policy(kill).unwrap();
    session.port.close();
    goes_on_clean(&mut counter);

    // Beside one that is debugged it stays where it is.
    let mut session = connect();
    attach_in(&mut session, process, AttachMode::Noninvasive);
    let before = counter.number("counter");
    let stop = launch(&mut session, "hello", &[]);
    let stop = go(
        &mut session,
        plan(vec![trap(1, stop.process, symbol_in(program(&stop), "main"))]),
    );
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    assert!(matches!(
        go(&mut session, plan(Vec::new())).cause,
        StopCause::Exited { .. }
    ));
    assert_eq!(counter.number("counter"), before);
    detach(&mut session, process);
    goes_on_clean(&mut counter);
}

/// A process that another debugger holds, or that is not to be stopped, is looked at without ptrace: what can be known is
/// told, what cannot is not made up, and the rest is refused with the debugger's name.
pub fn looks_without_suspending(connect: Connect<'_>) {
    let mut owner = connect();
    let (mut counter, _) = attached_counter(&mut owner, 3);
    let (process, at) = (counter.pid(), counter.address("count_step"));
    let holder = owner.machine().describe(farsight_wire::Nothing {}).unwrap().server_pid;
    for mode in [AttachMode::Noninvasive, AttachMode::NoninvasiveNoSuspend] {
        let mut session = connect();
        let stop = attach_in(&mut session, process, mode);
        assert_eq!(stop.threads.started.len(), 3);
        assert!(program(&stop).path.ends_with("/counter"));
        assert_eq!(
            read(&mut session, process, at, 16),
            proc::read_memory(process.0, at, 16)
        );
        refuses(&mut session, process, Some(holder), at);
        assert!(session.run().terminate(ProcessRef { process }).is_err());
        detach(&mut session, process);
        assert!(session.look().threads(ProcessRef { process }).is_err());
    }
    detach(&mut owner, process);
    goes_on_clean(&mut counter);

    let mut session = connect();
    let sleepers = Debuggee::start("threads", &["2", "3"]);
    let spinner = Debuggee::start("spin", &[]);
    attach_in(&mut session, sleepers.pid(), AttachMode::NoninvasiveNoSuspend);
    attach_in(&mut session, spinner.pid(), AttachMode::NoninvasiveNoSuspend);
    assert_eq!(proc::tracer(sleepers.pid().0), 0);
    let tids: Vec<OsTid> = proc::threads(sleepers.pid().0).into_iter().map(OsTid).collect();
    let request = |process, threads| RegistersRequest {
        process,
        threads,
        sets: RegisterSets::default(),
    };
    let found = session
        .look()
        .registers(request(sleepers.pid(), tids))
        .unwrap()
        .registers;
    assert_eq!(found.len(), 3);
    for registers in found.into_iter().map(Option::unwrap) {
        assert_eq!(registers.known, Some(1 << amd64::RSP | 1 << amd64::RIP));
        assert!(registers.pc().0 != 0 && registers.by_name("rsp").is_some() && registers.by_name("rax").is_none());
    }
    let running = session
        .look()
        .registers(request(spinner.pid(), vec![OsTid(spinner.pid().0)]))
        .unwrap();
    assert_eq!(running.registers, [None]);
    let stacks = StacksRequest {
        process: sleepers.pid(),
        threads: Vec::new(),
        bytes: 256,
    };
    let stacks = session.look().stacks(stacks).unwrap();
    assert_eq!((stacks.threads.len(), stacks.bytes.len()), (3, 3 * 256));
}

/// A process that stands in a job-control stop is set going by the first resume where that was asked for, and stays where
/// it is elsewhere.
pub fn resumes_a_stopped_process(connect: Connect<'_>) {
    let mut counter = counter();
    let (process, address) = (counter.pid(), counter.address("counter"));
    proc::signal(process.0, "STOP");
    wait_until("it is stopped", Deadline::usual(), || {
        proc::state(process.0) == Some('T')
    });
    let mut session = connect();
    attach_in(&mut session, process, AttachMode::Invasive);
    let before = counter.number("counter");
    resume(&mut session, plan(Vec::new()));
    break_in(&mut session);
    assert_eq!(counter.number("counter"), before);
    detach(&mut session, process);
    wait_until("it is stopped", Deadline::usual(), || {
        proc::state(process.0) == Some('T')
    });
    attach_in(&mut session, process, AttachMode::ResumeStopped);
    resume(&mut session, plan(Vec::new()));
    proc::assert_advances(process.0, address, Deadline::usual());
    break_in(&mut session);
    detach(&mut session, process);
    goes_on_clean(&mut counter);
}

/// An abandoned process stays stopped, client or not, until another session takes it over, with nothing of the first left
/// in it; and what was not abandoned is refused.
pub fn hands_abandoned_processes_over(connect: Connect<'_>) {
    for release in [false, true] {
        let mut counter = counter();
        let (process, at) = (counter.pid(), counter.address("count_step"));
        let code = proc::read_memory(process.0, at, 16);
        let mut first = connect();
        attach(&mut first, process);
        go(&mut first, plan(vec![trap(1, process, at)]));
        let mut second = connect();
        let early = second.acquire().attach(spec(process, AttachMode::Existing));
        assert!(early.is_err(), "{early:?}");
        first.run().abandon(AbandonOrder { process, release }).unwrap();
        assert!(first.look().threads(ProcessRef { process }).is_err());
        if !release {
            let denied = second.acquire().attach(attach_spec(process));
            assert!(
                matches!(
                    denied,
                    Err(TargetError::Denied {
                        obstacle: Obstacle::Tracer { .. },
                        ..
                    })
                ),
                "{denied:?}"
            );
        }
        first.port.close();
        let before = counter.number("counter");
        wait_until("it stays stopped", Deadline::usual(), || {
            proc::state(process.0) == Some(if release { 'T' } else { 't' })
        });
        assert_eq!(proc::read_memory(process.0, at, 16), code);
        let stop = attach_in(&mut second, process, AttachMode::Existing);
        assert_eq!((stop.threads.started.len(), counter.number("counter")), (3, before));
        let stop = go(&mut second, plan(vec![trap(1, process, at)]));
        assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
        detach(&mut second, process);
        goes_on_clean(&mut counter);
        let running = second.acquire().attach(spec(process, AttachMode::Existing));
        assert!(matches!(running, Err(TargetError::Invalid { .. })), "{running:?}");
    }
}

/// A launched program that is abandoned outlives its session by any policy, and one that is killed is missed by nobody.
pub fn keeps_abandoned_launched_programs(connect: Connect<'_>) {
    let mut session = connect();
    let mut launched = Vec::new();
    for _ in 0..2 {
        let process = launch(&mut session, "counter", &["2"]).process;
        session
            .run()
            .abandon(AbandonOrder {
                process,
                release: false,
            })
            .unwrap();
        launched.push(process);
    }
    session.port.close();
    proc::signal(launched[0].0, "KILL");
    let mut session = connect();
    wait_until("it is gone", Deadline::usual(), || !proc::alive(launched[0].0));
    let stop = attach_in(&mut session, launched[1], AttachMode::Existing);
    session.run().terminate(ProcessRef { process: stop.process }).unwrap();
    wait_until("it is gone", Deadline::usual(), || !proc::alive(launched[1].0));
}

/// A program that is started with an attachment runs undebugged once that has succeeded, and not at all where it has not.
pub fn starts_a_program_with_an_attachment(connect: Connect<'_>) {
    let start = || Some(launch_spec(&programs::debuggee("hello"), &["code", "5"]));
    let mut session = connect();
    let nobody = AttachSpec {
        start: start(),
        ..attach_spec(NOBODY)
    };
    assert!(matches!(
        session.acquire().attach(nobody),
        Err(TargetError::NoSuchProcess { .. })
    ));
    let mut counter = counter();
    let attached = AttachSpec {
        start: start(),
        ..attach_spec(counter.pid())
    };
    session.acquire().attach(attached).unwrap();
    assert_eq!(session.stop().cause, StopCause::Attached);
    session.hear_until("the end of the program", |session| session.output_ended);
    assert!(session.text().contains("out: hello\n"), "{}", session.text());
    detach(&mut session, counter.pid());
    goes_on_clean(&mut counter);
    let alone = AttachSpec {
        start: start(),
        ..attach_spec(OsPid(0))
    };
    session.acquire().attach(alone).unwrap();
    assert_eq!(session.stop().cause, StopCause::Launched);
    let status = ExitStatus::Code { code: 5 };
    assert_eq!(go(&mut session, plan(Vec::new())).cause, StopCause::Exited { status });
}
