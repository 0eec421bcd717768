//! Debuggees whose threads hit traps all the time, most of them in a storm of signals: no hit is lost, and none of them is
//! harmed by being let go of, however that is done.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::{Child, Command};

use farsight_target::*;
use farsight_testkit::conformance::{attach, break_in, detach, plan, resume, trap};
use farsight_testkit::{DbgSrv, Deadline, Debuggee, Session, proc, wait_until};
use farsight_types::{Address, Generation, OsPid};

/// Four threads that call `work()` all the time, and the signals that a shell sends them all the while.
struct Storm {
    hostile: Debuggee,
    shell: Option<Child>,
}

impl Storm {
    fn prepare() -> Storm {
        Storm {
            hostile: Debuggee::start("hostile", &["storm"]),
            shell: None,
        }
    }

    fn begin(&mut self, signals: &str) {
        let (pid, worked) = (self.hostile.pid(), self.hostile.address("worked"));
        self.hostile.send("");
        // From here on it handles SIGUSR1.
        proc::assert_advances(pid.0, worked, Deadline::usual());
        let script = format!("while kill -0 {pid}; do for s in {signals}; do kill -$s {pid}; done; done 2>/dev/null");
        self.shell = Some(Command::new("sh").args(["-c", &script]).spawn().unwrap());
    }

    /// Attaches, with a trap that is hit all the time and never due.
    fn trap(&mut self, session: &mut Session) {
        attach(session, self.hostile.pid());
        let passing = Trap {
            passes: u64::MAX,
            ..trap(1, self.hostile.pid(), self.hostile.address("work"))
        };
        resume(session, plan(vec![passing]));
    }

    /// It has survived it all.
    fn end(&mut self, what: &str) {
        let (pid, worked) = (self.hostile.pid(), self.hostile.address("worked"));
        if let Some(mut shell) = self.shell.take() {
            shell.kill().unwrap();
            shell.wait().unwrap();
        }
        if !proc::alive(pid.0) {
            panic!("{what}: {}", self.hostile.wait(Deadline::usual()));
        }
        proc::signal(pid.0, "CONT");
        proc::assert_clean(pid.0, Deadline::usual());
        proc::assert_advances(pid.0, worked, Deadline::usual());
    }
}

const STORMS: [&str; 3] = ["STOP CONT", "USR1", "USR1 CONT STOP CONT"];

/// Signals that stop, continue and trap a process rain on it while a trap is hit all the time, and break-ins come: not a
/// hit is lost.
#[test]
fn heavy_a_storm_of_signals_loses_nothing() {
    const ROUNDS: u64 = 10;
    let server = DbgSrv::start();
    for signals in STORMS {
        let mut session = server.connect();
        let mut storm = Storm::prepare();
        let (pid, worked) = (storm.hostile.pid(), storm.hostile.address("worked"));
        storm.trap(&mut session);
        storm.begin(signals);
        let keep = ResumePlan {
            traps: TrapDelta {
                base: Some(Generation(1)),
                generation: Generation(1),
                ..TrapDelta::default()
            },
            ..ResumePlan::default()
        };
        let mut hits = 0;
        for round in 0..ROUNDS {
            let stop = break_in(&mut session);
            hits = stop.hits.iter().map(|trap| trap.hits).max().unwrap_or(hits);
            let done = proc::read_u64(pid.0, worked);
            // Whoever stands on the trap, or behind it on the way to the count, is counted and has not worked yet.
            assert!(
                (done..=done + 4).contains(&hits),
                "{signals}: {hits} hits, worked {done} times, round {round}"
            );
            resume(&mut session, keep.clone());
            proc::assert_advances(pid.0, worked, Deadline::usual());
        }
        session.port.close();
        wait_until("it is let go", Deadline::usual(), || proc::tracer(pid.0) == 0);
        storm.end(signals);
    }
}

/// One debugger after another takes a process in a storm of signals and lets go of it, each in its own way. Whoever sees it
/// let go of can take it at once.
#[test]
fn heavy_letting_go_in_a_storm_harms_nobody() {
    const ROUNDS: u64 = 6;
    let server = DbgSrv::start();
    for signals in STORMS {
        let mut storm = Storm::prepare();
        let (pid, worked) = (storm.hostile.pid(), storm.hostile.address("worked"));
        storm.begin(signals);
        for round in 0..ROUNDS {
            let mut session = server.connect();
            storm.trap(&mut session);
            proc::assert_advances(pid.0, worked, Deadline::usual());
            match round % 3 {
                0 => detach(&mut session, pid),
                1 => session.port.close(),
                _ => {
                    break_in(&mut session);
                    let abandon = AbandonOrder {
                        process: pid,
                        release: true,
                    };
                    session.run().abandon(abandon).unwrap();
                }
            }
            wait_until("it is let go", Deadline::usual(), || proc::tracer(pid.0) == 0);
            if round % 3 == 2 {
                // It was left stopped.
                proc::signal(pid.0, "CONT");
            }
        }
        storm.end(signals);
    }
}

/// Two debuggees of one session hit traps all the time, each of which is stepped past while all others of its process
/// rest. One is let go of, then the other: what one had just hit while the other was being stepped is taken back.
#[test]
fn heavy_one_of_two_busy_debuggees_is_let_go_unharmed() {
    const ROUNDS: u64 = 6;
    let server = DbgSrv::start();
    let mut storms = [Storm::prepare(), Storm::prepare()];
    for storm in &mut storms {
        storm.hostile.send("");
    }
    let places: Vec<(OsPid, Address)> = storms
        .iter_mut()
        .map(|storm| (storm.hostile.pid(), storm.hostile.address("worked")))
        .collect();
    for round in 0..ROUNDS {
        let mut session = server.connect();
        let mut traps = Vec::new();
        for (number, storm) in storms.iter_mut().enumerate() {
            attach(&mut session, storm.hostile.pid());
            // Not at the first instruction, which needs no step.
            let inside = storm.hostile.address("work").wrapping_add(4);
            traps.push(Trap {
                passes: u64::MAX,
                ..trap(number as u32 + 1, storm.hostile.pid(), inside)
            });
        }
        resume(&mut session, plan(traps));
        for (pid, worked) in &places {
            proc::assert_advances(pid.0, *worked, Deadline::usual());
        }
        let (first, second) = (places[round as usize % 2].0, places[1 - round as usize % 2].0);
        detach(&mut session, first);
        match round % 4 {
            0 | 1 => detach(&mut session, second),
            _ => session.port.close(),
        }
        for (pid, _) in &places {
            wait_until("it is let go", Deadline::usual(), || proc::tracer(pid.0) == 0);
        }
    }
    for storm in &mut storms {
        storm.end("two");
    }
}

/// A process is killed by its debugger while a child that runs in its memory hits a trap all the time: the child lives on.
#[test]
fn heavy_a_borrower_of_memory_survives_the_kill_of_its_lender() {
    const ROUNDS: u64 = 10;
    let server = DbgSrv::start();
    for round in 0..ROUNDS {
        let mut session = server.connect();
        let mut hostile = Debuggee::start("hostile", &["borrow"]);
        let (process, worked) = (hostile.pid(), hostile.address("worked"));
        attach(&mut session, process);
        let passing = Trap {
            passes: u64::MAX,
            ..trap(1, process, hostile.address("work"))
        };
        resume(&mut session, plan(vec![passing]));
        hostile.send("");
        proc::assert_advances(process.0, worked, Deadline::usual());
        let child = proc::children(process.0)[0];
        session.run().terminate(ProcessRef { process }).unwrap();
        assert!(proc::alive(child), "round {round}");
        proc::assert_clean(child, Deadline::usual());
        proc::assert_advances(child, worked, Deadline::usual());
        proc::signal(child, "KILL");
    }
}
