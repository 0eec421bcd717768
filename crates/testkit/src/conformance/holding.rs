//! Checks of getting hold of debuggees and of letting them go.

use std::process::{Command, Stdio};

use farsight_target::*;
use farsight_types::registers::RegisterSets;
use farsight_types::{OsPid, OsTid};
use farsight_wire::Nothing;

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, Scratch, Session, deadline, proc, programs, wait_until};

/// Attaching stops every thread and tells all that a first backtrace needs; detaching leaves nothing behind.
pub fn attaches_to_all_threads_and_lets_go(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, stop) = attached_counter(&mut session, 8);
    let pid = counter.pid().0;
    let told: Vec<u32> = sorted(stop.threads.started.iter().map(|thread| thread.tid.0));
    assert_eq!(told, proc::threads(pid));
    assert!(told.contains(&stop.thread.0));
    assert_eq!(stop.threads.ended, []);

    let image = program(&stop);
    assert_eq!(image.path, counter.path().to_str().unwrap());
    assert!(image.build_id.as_ref().is_some_and(|id| !id.0.is_empty()));
    assert!(
        image.sections.iter().any(|section| section.name == ".eh_frame"),
        "{:?}",
        image.sections
    );
    assert_eq!(symbol_in(image, "count_step"), counter.address("count_step"));
    for wanted in ["libc.so", "ld-linux", "[vdso]"] {
        let mut images = stop.images.loaded.iter();
        assert!(
            images.any(|image| image.path.contains(wanted)),
            "no {wanted} in {:#?}",
            stop.images.loaded
        );
    }
    let (range, stack) = stop.memory_parts().next().expect("stack bytes");
    assert_eq!(range.start, registers(&stop).sp());
    assert_eq!(stack, proc::read_memory(pid, range.start, stack.len()));
    let covers_pc = stop
        .memory_parts()
        .any(|(range, _)| range.contains(registers(&stop).pc()));
    assert!(covers_pc, "no code at the pc in {:?}", stop.memory);

    let before = counter.number("counter");
    assert!(proc::threads(pid).len() == 8 && proc::state(pid) == Some('t'));
    assert_eq!(counter.number("counter"), before);
    detach(&mut session, counter.pid());
    proc::assert_clean(pid, Deadline::usual());
    let address = counter.address("counter");
    proc::assert_advances(pid, address, Deadline::usual());
}

fn sorted(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

/// What may not be debugged is refused, with the reason as data.
pub fn refuses_to_attach_with_the_reason(connect: Connect<'_>) {
    let mut session = connect();
    let obstacle_of = |session: &Session, pid: OsPid| match session.acquire().attach(attach_spec(pid)) {
        Err(TargetError::Denied {
            obstacle, pid: told, ..
        }) if told == pid => obstacle,
        other => panic!("attaching to {pid} should be denied: {other:?}"),
    };
    let nobody = session.acquire().attach(attach_spec(NOBODY));
    assert!(
        matches!(nobody, Err(TargetError::NoSuchProcess { pid: NOBODY, .. })),
        "{nobody:?}"
    );
    let server = session.machine().describe(Nothing {}).unwrap().server_pid;
    assert_eq!(obstacle_of(&session, server), Obstacle::Ourselves);

    let mut child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    let zombie = OsPid(child.id());
    wait_until("it is a zombie", Deadline::usual(), || {
        proc::state(zombie.0) == Some('Z')
    });
    assert_eq!(obstacle_of(&session, zombie), Obstacle::Zombie);
    child.wait().unwrap();

    let (counter, _) = attached_counter(&mut session, 2);
    let other = connect();
    let Obstacle::Tracer { pid, .. } = obstacle_of(&other, counter.pid()) else {
        panic!("the tracer should be named");
    };
    // The kernel names the thread that traces, the services its process.
    assert!(proc::threads(pid.0).contains(&proc::tracer(counter.pid().0)));
    // A thread of a process is no process.
    let tid = proc::threads(counter.pid().0)[1];
    let thread = other.acquire().attach(attach_spec(OsPid(tid)));
    assert!(thread.is_err(), "{thread:?}");
}

/// A launched program stops before its constructors, at its `main`, and ends with its exit code.
pub fn launches_and_runs_to_the_end(connect: Connect<'_>) {
    let mut session = connect();
    let stop = launch(&mut session, "hello", &["one two", "code", "7"]);
    let pid = stop.process;
    assert_eq!(stop.threads.started.len(), 1);
    let main = symbol_in(program(&stop), "main");
    assert!(
        stop.images.loaded.iter().any(|image| image.path.contains("libc.so")),
        "{:?}",
        stop.images
    );

    let stop = go(&mut session, plan(vec![trap(1, pid, main)]));
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    assert_eq!(registers(&stop).pc(), main);
    assert_eq!(session.text(), "");

    let stop = go(&mut session, plan(Vec::new()));
    let status = ExitStatus::Code { code: 7 };
    assert_eq!(stop.cause, StopCause::Exited { status });
    assert_eq!(stop.registers, None);
    session.hear_until("the end of the terminal", |session| session.output_ended);
    let text = session.text();
    assert!(text.contains(&format!("ready {pid}\n")), "{text}");
    assert!(
        text.contains("arg 1=one two\n") && text.contains("out: hello\n") && text.contains("err: hello\n"),
        "{text}"
    );
    assert!(!proc::alive(pid.0));
}

/// What cannot be started is refused with the program's name and the reason; the session goes on.
pub fn refuses_to_launch_with_the_reason(connect: Connect<'_>) {
    let mut session = connect();
    let scratch = Scratch::new();
    let text = scratch.path().join("no-program");
    std::fs::write(&text, "this is no program").unwrap();
    let hello = programs::debuggee("hello");
    let mut nowhere = launch_spec(&hello, &[]);
    nowhere.directory = Some("/no/such/folder".into());
    for spec in [
        launch_spec("/no/such/program".as_ref(), &[]),
        launch_spec("no-such-program-in-the-path".as_ref(), &[]),
        launch_spec(&text, &[]),
        launch_spec(scratch.path(), &[]),
        nowhere,
    ] {
        let refused = session.acquire().launch(spec.clone());
        let Err(TargetError::Launch { program, why, .. }) = refused else {
            panic!("{spec:?} should be refused: {refused:?}");
        };
        assert_eq!(program, spec.program);
        assert!(!why.is_empty());
    }
    launch(&mut session, "hello", &[]);
    assert!(matches!(
        go(&mut session, plan(Vec::new())).cause,
        StopCause::Exited { .. }
    ));
}

/// Without randomisation a program lies at the same place each time; with it, it does not lie there.
pub fn repeats_addresses_without_randomisation(connect: Connect<'_>) {
    let place = |randomize: bool| {
        let mut session = connect();
        let mut spec = launch_spec(&programs::debuggee("hello"), &[]);
        spec.randomize = randomize;
        let stop = launch_as(&mut session, spec);
        (program(&stop).base, registers(&stop).sp())
    };
    let first = place(false);
    assert_eq!(place(false).0, first.0);
    assert_ne!(place(true).0, first.0);
}

/// A running debuggee can be let go of, traps and all.
pub fn detaches_while_running(connect: Connect<'_>) {
    for _ in 0..3 {
        let mut session = connect();
        let (mut counter, _) = attached_counter(&mut session, 4);
        let mut passing = trap(1, counter.pid(), counter.address("count_step"));
        passing.passes = u64::MAX;
        resume(&mut session, plan(vec![passing]));
        let address = counter.address("counter");
        proc::assert_advances(counter.pid().0, address, Deadline::usual());
        detach(&mut session, counter.pid());
        proc::assert_clean(counter.pid().0, Deadline::usual());
        proc::assert_advances(counter.pid().0, address, Deadline::usual());
    }
}

/// Terminating ends the process, at rest and running.
pub fn kills_a_debuggee(connect: Connect<'_>) {
    for running in [false, true] {
        let mut session = connect();
        let stop = launch(&mut session, "counter", &[]);
        let process = stop.process;
        if running {
            resume(&mut session, plan(Vec::new()));
            session.hear_until("the program", |session| session.text().contains("ready"));
        }
        session.run().terminate(ProcessRef { process }).unwrap();
        wait_until("it is gone", Deadline::usual(), || !proc::alive(process.0));
        assert!(session.look().threads(ProcessRef { process }).is_err());
        let (counter, _) = attached_counter(&mut session, 2);
        session.run().terminate(ProcessRef { process: counter.pid() }).unwrap();
        wait_until("it is gone", Deadline::usual(), || !proc::alive(counter.pid().0));
    }
}

/// A client that is gone without a word: what it attached to runs on clean, what it launched is gone.
pub fn lets_go_when_the_client_vanishes(connect: Connect<'_>) {
    for running in [false, true] {
        let mut session = connect();
        let (mut counter, _) = attached_counter(&mut session, 4);
        let mut passing = trap(1, counter.pid(), counter.address("count_step"));
        passing.passes = u64::MAX;
        let address = counter.address("counter");
        resume(&mut session, plan(vec![passing]));
        proc::assert_advances(counter.pid().0, address, Deadline::usual());
        if !running {
            break_in(&mut session);
        }
        session.port.close();
        proc::assert_clean(counter.pid().0, Deadline::usual());
        proc::assert_advances(counter.pid().0, address, Deadline::usual());

        let mut session = connect();
        let launched = launch(&mut session, "counter", &[]).process;
        if running {
            resume(&mut session, plan(Vec::new()));
        }
        session.port.close();
        wait_until("the launched one is gone", Deadline::usual(), || {
            !proc::alive(launched.0)
        });
    }
}

/// The other choices of the policy.
pub fn kills_by_policy_when_the_client_vanishes(connect: Connect<'_>) {
    let policy = LossPolicy {
        attached: LettingGo::Kill,
        launched: LettingGo::Detach,
    };
    let mut session = connect();
    session.run().set_loss_policy(policy).unwrap();
    let (counter, _) = attached_counter(&mut session, 2);
    session.port.close();
    wait_until("the attached one is gone", Deadline::usual(), || {
        !proc::alive(counter.pid().0)
    });

    let mut session = connect();
    session.run().set_loss_policy(policy).unwrap();
    let launched = launch(&mut session, "selfcheck", &[]).process;
    session.port.close();
    // Its terminal goes with the session process, which a program may well notice; what must not happen is that it
    // stays stopped or traced.
    let free = deadline::poll(Deadline::usual(), || (proc::tracer(launched.0) == 0).then_some(()));
    assert!(free.is_some(), "the launched one is still traced");
    if proc::alive(launched.0) {
        proc::signal(launched.0, "KILL");
    }
}

/// SIGKILL between two requests: the requests fail with words, nothing hangs, the session is of use afterwards.
pub fn survives_a_debuggee_killed_at_rest(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, stop) = attached_counter(&mut session, 4);
    let process = counter.pid();
    counter.kill();
    // Whichever comes first is fine: the kernel may take a moment to take the process away.
    let _ = session.look().registers(RegistersRequest {
        process,
        threads: vec![stop.thread],
        sets: RegisterSets::default(),
    });
    let _ = session.look().stacks(StacksRequest {
        process,
        threads: Vec::new(),
        bytes: 512,
    });
    if session.run().resume(plan(Vec::new())).is_ok() {
        let status = ExitStatus::Signal { number: 9 };
        assert_eq!(session.stop().cause, StopCause::Exited { status });
    }
    wait_until("it is gone", Deadline::usual(), || !proc::alive(process.0));
    let mut session = connect();
    let (counter, _) = attached_counter(&mut session, 2);
    detach(&mut session, counter.pid());
    proc::assert_clean(counter.pid().0, Deadline::usual());
}

/// SIGKILL while it runs: the stop says so.
pub fn tells_of_a_debuggee_killed_while_it_runs(connect: Connect<'_>) {
    let mut session = connect();
    let (mut counter, _) = attached_counter(&mut session, 4);
    let at = counter.address("count_step");
    let mut passing = trap(1, counter.pid(), at);
    passing.passes = u64::MAX;
    resume(&mut session, plan(vec![passing]));
    counter.kill();
    let status = ExitStatus::Signal { number: 9 };
    assert_eq!(session.stop().cause, StopCause::Exited { status });
    let process = counter.pid();
    assert!(session.look().threads(ProcessRef { process }).is_err());
    // The same session takes the next debuggee.
    let (counter, stop) = attached_counter(&mut session, 2);
    assert_eq!(stop.threads.started.len(), 2);
    detach(&mut session, counter.pid());
}

/// Attaching tells of all threads at once; their registers need no request each.
pub fn attaches_to_fifty_threads_with_one_answer(connect: Connect<'_>) {
    let mut session = connect();
    let mut threads = Debuggee::start("threads", &["49", "5"]);
    threads.address("born");
    let stop = attach(&mut session, threads.pid());
    assert_eq!(stop.threads.started.len(), 50);
    let tids: Vec<OsTid> = stop.threads.started.iter().map(|thread| thread.tid).collect();
    let request = RegistersRequest {
        process: threads.pid(),
        threads: tids,
        sets: RegisterSets::default(),
    };
    let reply = session.look().registers(request).unwrap();
    assert_eq!(reply.registers.iter().flatten().count(), 50);
    detach(&mut session, threads.pid());
    proc::assert_clean(threads.pid().0, Deadline::usual());
}
