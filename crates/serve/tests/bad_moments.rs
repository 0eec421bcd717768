//! Programs and clients that do things at the worst moment: no session is wedged by it, and no debuggee is harmed.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::Command;
use std::sync::Barrier;

use farsight_target::*;
use farsight_testkit::conformance::{
    attach, attach_spec, attached_counter, break_in, detach, go, plan, program, read, registers, resume, stack_top,
    step_plan, symbol_in, trap,
};
use farsight_testkit::{DbgSrv, Deadline, Debuggee, Scratch, Session, proc, wait_until};
use farsight_types::{Address, AddressRange, Architecture, Registers};

fn hostile(session: &mut Session, what: &str) -> (Debuggee, Stop) {
    let mut hostile = Debuggee::start("hostile", &[what]);
    hostile.address("work");
    let stop = attach(session, hostile.pid());
    (hostile, stop)
}

/// A SIGTRAP that the program holds back is its own: nobody waits for it.
#[test]
fn a_blocked_trap_that_is_pending_stays_pending() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    let (mut hostile, _) = hostile(&mut session, "pending");
    let (pid, worked) = (hostile.pid(), hostile.address("worked"));
    resume(&mut session, plan(Vec::new()));
    hostile.send("");
    proc::assert_advances(pid.0, worked, Deadline::usual());
    break_in(&mut session);
    let stop = go(&mut session, plan(vec![trap(1, pid, hostile.address("work"))]));
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    assert_eq!(registers(&stop).pc(), hostile.address("work"));
}

/// A trap on a system call that blocks, by an instruction that is not the usual one: others can still be stopped.
#[test]
fn a_trap_on_the_old_system_call_does_not_wedge() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    let (mut hostile, _) = hostile(&mut session, "gate");
    let (pid, call) = (hostile.pid(), hostile.address("gate_call"));
    resume(&mut session, plan(vec![trap(1, pid, call)]));
    hostile.send("");
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    resume(&mut session, plan(vec![trap(1, pid, call)]));
    break_in(&mut session);
    resume(&mut session, plan(Vec::new()));
    hostile.send("");
    hostile.output().expect("gate=1\n", Deadline::usual());
}

/// More signals than are held back for a step past a trap.
#[test]
fn a_flood_of_queued_signals_does_not_hold_a_thread() {
    const SIGNALS: u64 = 200;
    let server = DbgSrv::start();
    let mut session = server.connect();
    let (mut hostile, _) = hostile(&mut session, "queue");
    let (pid, queued) = (hostile.pid(), hostile.address("queued"));
    // Not at the first instruction, which needs no step.
    let inside = hostile.address("work").wrapping_add(4);
    resume(&mut session, plan(vec![trap(1, pid, inside)]));
    hostile.send("");
    session.stop();
    for _ in 0..SIGNALS {
        let sent = Command::new("kill").args(["-34", &pid.to_string()]).status().unwrap();
        assert!(sent.success());
    }
    let passing = Trap {
        passes: u64::MAX,
        ..trap(1, pid, inside)
    };
    resume(&mut session, plan(vec![passing]));
    wait_until("all are handled", Deadline::usual(), || {
        proc::read_u64(pid.0, queued) == SIGNALS
    });
    detach(&mut session, pid);
    proc::assert_clean(pid.0, Deadline::usual());
}

/// Two sessions attach to one process at the same time: one has it all, the other nothing.
#[test]
fn heavy_two_sessions_never_share_a_process() {
    let server = DbgSrv::start();
    for _ in 0..20 {
        let mut counter = Debuggee::start("counter", &["100"]);
        let address = counter.address("counter");
        let sessions = [server.connect(), server.connect()];
        let barrier = Barrier::new(2);
        let pid = counter.pid();
        let (barrier_ref, pid_ref) = (&barrier, pid);
        let results: Vec<(Session, bool)> = std::thread::scope(|scope| {
            let handles: Vec<_> = sessions
                .into_iter()
                .map(|mut session| {
                    scope.spawn(move || {
                        barrier_ref.wait();
                        let got = session.acquire().attach(attach_spec(pid_ref)).is_ok();
                        if got {
                            session.stop();
                        }
                        (session, got)
                    })
                })
                .collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).collect()
        });
        let winners = results.iter().filter(|(_, got)| *got).count();
        assert_eq!(winners, 1);
        for (mut session, got) in results {
            if got {
                let threads = session.look().threads(ProcessRef { process: pid }).unwrap().threads;
                assert_eq!(threads.len(), proc::threads(pid.0).len());
                detach(&mut session, pid);
            }
        }
        proc::assert_clean(pid.0, Deadline::usual());
        proc::assert_advances(pid.0, address, Deadline::usual());
    }
}

/// A long step is under way when the debuggee is let go of, by a request and by the end of the stream.
#[test]
fn a_step_under_way_harms_nobody_when_it_is_let_go() {
    let server = DbgSrv::start();
    for round in 0..20 {
        let mut session = server.connect();
        let (mut counter, stop) = attached_counter(&mut session, 3);
        let (pid, address) = (counter.pid(), counter.address("counter"));
        let count = u64::MAX;
        let plans = [StepPlan::Into { count }, StepPlan::Over { count }];
        let step = plans[round % 2].clone();
        resume(&mut session, step_plan(stop.thread, step, Vec::new()));
        proc::assert_advances(pid.0, address, Deadline::usual());
        if round % 4 < 2 {
            detach(&mut session, pid);
        } else {
            session.port.close();
        }
        proc::assert_clean(pid.0, Deadline::usual());
        proc::assert_advances(pid.0, address, Deadline::usual());
    }
}

/// A thread waits for its vfork child while its debugger goes: what was in its debug registers does not stay.
#[test]
fn a_vfork_parent_keeps_no_debug_registers() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    let (mut hostile, _) = hostile(&mut session, "vfork");
    let (pid, worked) = (hostile.pid(), hostile.address("worked"));
    let watch = Trap {
        kind: TrapKind::HardwareData {
            access: DataAccess::Write,
            size: 8,
        },
        ..trap(1, pid, worked)
    };
    resume(&mut session, plan(vec![watch]));
    hostile.send("");
    wait_until("the child is there", Deadline::usual(), || {
        !proc::children(pid.0).is_empty()
    });
    session.port.close();
    wait_until("it is let go", Deadline::usual(), || {
        proc::tracer(proc::children(pid.0)[0]) == 0
    });
    hostile.send("");
    proc::assert_advances(pid.0, worked, Deadline::usual());
}

/// A file without end cannot keep a session busy.
#[test]
fn an_endless_file_is_not_read_to_its_end() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    let (counter, _) = attached_counter(&mut session, 2);
    let folder = Scratch::new();
    let path = folder.path().join("endless");
    std::fs::File::create(&path).unwrap().set_len(8 << 40).unwrap();
    let order = FileFetch {
        path: path.display().to_string(),
        offset: 0,
        length: 16,
        seal: true,
    };
    let answer = session.files().fetch_file(order);
    assert!(answer.is_err(), "{answer:?}");
    // The system tells no length of files that it makes up.
    let order = FileFetch {
        path: "/proc/self/comm".into(),
        offset: 0,
        length: 16,
        seal: true,
    };
    let piece = session.files().fetch_file(order).unwrap();
    assert_eq!(piece.seal.unwrap().size, piece.bytes.len() as u64);
    assert_eq!(piece.bytes, b"dbgsrv-session\n");
    detach(&mut session, counter.pid());
}

/// What is only looked at is not changed.
#[test]
fn looking_on_changes_no_memory() {
    let server = DbgSrv::start();
    for mode in [AttachMode::Noninvasive, AttachMode::NoninvasiveNoSuspend] {
        let mut session = server.connect();
        let mut counter = Debuggee::start("counter", &["2"]);
        let (process, address) = (counter.pid(), counter.address("counter"));
        let spec = AttachSpec {
            mode: Some(mode),
            ..attach_spec(process)
        };
        session.acquire().attach(spec).unwrap();
        let stop = session.stop();
        let bytes = vec![0; 8];
        let written = session.look().write(WriteRequest {
            process,
            address,
            bytes,
        });
        assert!(matches!(written, Err(TargetError::Noninvasive { .. })), "{written:?}");
        let range = AddressRange::new(address, 8);
        let pattern = vec![0];
        let filled = session.look().fill(FillRequest {
            process,
            range,
            pattern,
        });
        assert!(matches!(filled, Err(TargetError::Noninvasive { .. })), "{filled:?}");
        let set = session.look().set_registers(SetRegistersRequest {
            process,
            thread: stop.thread,
            registers: stop.registers.unwrap_or_else(|| Registers::zeroed(Architecture::Amd64)),
        });
        assert!(matches!(set, Err(TargetError::Noninvasive { .. })), "{set:?}");
    }
}

/// A breakpoint where the program has a breakpoint instruction of its own.
#[test]
fn a_trap_on_the_programs_own_trap() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    let (mut hostile, stop) = hostile(&mut session, "traps");
    let pid = hostile.pid();
    let start = symbol_in(program(&stop), "own_traps");
    let code = proc::read_memory(pid.0, start, 64);
    let own = start.wrapping_add(code.iter().position(|byte| *byte == 0xcc).unwrap() as u64);
    resume(&mut session, plan(vec![trap(1, pid, own)]));
    hostile.send("");
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    assert_eq!(registers(&stop).pc(), own);
    let stop = go(&mut session, plan(vec![trap(1, pid, own)]));
    assert_eq!(
        (stop.cause.clone(), registers(&stop).pc()),
        (StopCause::ForeignTrap, own.wrapping_add(1))
    );
    // The second one.
    let stop = go(&mut session, plan(Vec::new()));
    assert_eq!(stop.cause, StopCause::ForeignTrap);
    resume(&mut session, plan(Vec::new()));
    hostile.output().expect("trapped=2\n", Deadline::usual());
}

/// Processes that end, or are killed, while they are being attached to, and in every state after that.
#[test]
fn heavy_processes_end_at_every_moment() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    for round in 0..60u64 {
        let mut counter = Debuggee::start("counter", &["20"]);
        let (pid, at) = (counter.pid(), counter.address("count_step"));
        let killer = std::thread::spawn(move || {
            let started = std::time::Instant::now();
            while started.elapsed() < std::time::Duration::from_micros(round * 100) {
                std::hint::spin_loop();
            }
            proc::signal(pid.0, "KILL");
        });
        match session.acquire().attach(attach_spec(pid)) {
            Ok(_) => {
                assert_eq!(session.stop().cause, StopCause::Attached);
                let passing = Trap {
                    passes: u64::MAX,
                    ..trap(1, pid, at)
                };
                while session.run().resume(plan(vec![passing.clone()])).is_ok() {
                    session.break_in();
                    let stop = session.stop();
                    if matches!(stop.cause, StopCause::Exited { .. }) {
                        break;
                    }
                }
            }
            Err(TargetError::NoSuchProcess { .. } | TargetError::Ended { .. } | TargetError::Denied { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        killer.join().unwrap();
        counter.kill();
    }
    let (counter, _) = attached_counter(&mut session, 4);
    detach(&mut session, counter.pid());
    proc::assert_clean(counter.pid().0, Deadline::usual());
}

/// A program's own SIGTRAPs, sent to its threads, meet hits of a trap: each is told apart.
#[test]
fn heavy_own_sigtraps_meet_a_trap() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    let mut hostile = Debuggee::start("hostile", &["meet"]);
    let (pid, at) = (hostile.pid(), hostile.address("work"));
    let mut spec = attach_spec(pid);
    let none = SignalSet::default();
    spec.signals = Some(SignalPolicy {
        stop: none,
        report: none,
        stop_second: none,
        drop: None,
    });
    session.acquire().attach(spec).unwrap();
    session.stop();
    let passing = Trap {
        passes: u64::MAX,
        ..trap(1, pid, at)
    };
    resume(&mut session, plan(vec![passing]));
    hostile.send("");
    let stop = session.stop();
    assert!(
        matches!(
            stop.cause,
            StopCause::Exited {
                status: ExitStatus::Code { code: 0 }
            }
        ),
        "{stop:?}"
    );
    hostile.output().expect("worked=20000\n", Deadline::usual());
    assert_eq!(stop.hits.iter().map(|trap| trap.hits).max(), Some(20_000));
}

/// Other code was mapped over a trap: setting the trap anew, as every resume with the full set does, plants it there.
#[test]
fn a_trap_that_is_set_anew_is_in_the_code_that_is_there() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    let (mut hostile, stop) = hostile(&mut session, "remap");
    let (pid, page) = (hostile.pid(), hostile.address("page"));
    let put_code = symbol_in(program(&stop), "put_code");
    let traps = |mut more: Vec<Trap>| {
        more.push(trap(1, pid, page));
        plan(more)
    };
    resume(&mut session, traps(Vec::new()));
    hostile.send("");
    assert_eq!(session.stop().cause, StopCause::Traps { ids: vec![TrapId(1)] });
    let stop = go(&mut session, traps(vec![trap(2, pid, put_code)]));
    let back = Address(stack_top(&stop));
    go(&mut session, traps(vec![trap(2, pid, back)]));
    let stop = go(&mut session, traps(Vec::new()));
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    assert_eq!(read(&mut session, pid, page, 2), [0xb8, 2]);
    resume(&mut session, plan(Vec::new()));
    hostile.output().expect("first=1 second=2\n", Deadline::usual());
}
