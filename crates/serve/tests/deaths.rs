//! Servers and clients that die: debuggees that were attached to run on clean, launched ones are gone, and other
//! sessions do not notice.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use farsight_target::{Machine, Run};
use farsight_testkit::conformance::{
    attach, attached_counter, break_in, count_calls, detach, launch, plan, program, resume, symbol_in, trap,
};
use farsight_testkit::{DbgSrv, Deadline, Debuggee, Session, proc, wait_until};
use farsight_types::{Address, OsPid};
use farsight_wire::Nothing;

/// Four debuggees: two attached, one of them running with a trap that is hit all the time and one stopped at its trap;
/// two launched, one running and one stopped.
struct Four {
    sessions: Vec<Session>,
    attached: Vec<(Debuggee, Address)>,
    launched: Vec<OsPid>,
}

impl Four {
    fn start(server: &DbgSrv) -> Four {
        let mut four = Four {
            sessions: Vec::new(),
            attached: Vec::new(),
            launched: Vec::new(),
        };
        for running in [true, false] {
            let mut session = server.connect();
            let (mut counter, _) = attached_counter(&mut session, 4);
            let mut at_step = trap(1, counter.pid(), counter.address("count_step"));
            at_step.passes = if running { u64::MAX } else { 50 };
            resume(&mut session, plan(vec![at_step]));
            let address = counter.address("counter");
            if running {
                proc::assert_advances(counter.pid().0, address, Deadline::usual());
            } else {
                session.stop();
            }
            four.attached.push((counter, address));
            four.sessions.push(session);

            let mut session = server.connect();
            let stop = launch(&mut session, "counter", &["4"]);
            if running {
                let mut at_step = trap(1, stop.process, symbol_in(program(&stop), "count_step"));
                at_step.passes = u64::MAX;
                resume(&mut session, plan(vec![at_step]));
                session.hear_until("the program", |session| session.text().contains("ready"));
            }
            four.launched.push(stop.process);
            four.sessions.push(session);
        }
        four
    }

    /// Nothing is left of the server on what was attached to, and nothing at all of what was launched.
    fn are_let_go(self) {
        for (counter, address) in &self.attached {
            proc::assert_clean(counter.pid().0, Deadline::usual());
            proc::assert_advances(counter.pid().0, *address, Deadline::usual());
        }
        for launched in &self.launched {
            wait_until("a launched one is gone", Deadline::usual(), || !proc::alive(launched.0));
        }
    }
}

#[test]
fn heavy_a_terminated_server_lets_go_of_everything() {
    for _ in 0..3 {
        let mut server = DbgSrv::start();
        let four = Four::start(&server);
        let sessions = server.sessions();
        assert_eq!(sessions.len(), 4);
        server.terminate();
        server.wait(Deadline::usual());
        four.are_let_go();
        for session in sessions {
            wait_until("a session process has ended", Deadline::usual(), || {
                !proc::alive(session)
            });
        }
    }
}

#[test]
fn heavy_a_killed_server_lets_go_of_everything() {
    for _ in 0..3 {
        let mut server = DbgSrv::start();
        let four = Four::start(&server);
        let sessions = server.sessions();
        server.kill();
        server.wait(Deadline::usual());
        four.are_let_go();
        for session in sessions {
            wait_until("a session process has ended", Deadline::usual(), || {
                !proc::alive(session)
            });
        }
    }
}

#[test]
fn a_client_is_told_that_its_server_ended() {
    for kill in [true, false] {
        let mut server = DbgSrv::start();
        let mut session = server.connect();
        let (counter, _) = attached_counter(&mut session, 2);
        if kill {
            server.kill()
        } else {
            server.terminate()
        }
        while session.port.next_event(Deadline::usual()).is_some() {}
        assert!(session.port.ended().is_some(), "the stream stayed open");
        assert!(session.machine().describe(Nothing {}).is_err());
        proc::assert_clean(counter.pid().0, Deadline::usual());
    }
}

#[test]
fn a_server_that_is_asked_to_end_ends() {
    let mut server = DbgSrv::start();
    let four = Four::start(&server);
    four.sessions[0]
        .machine()
        .end_server(farsight_target::EndServerOrder::default())
        .unwrap();
    server.wait(Deadline::usual());
    four.are_let_go();
}

#[test]
fn heavy_sessions_do_not_notice_the_death_of_others() {
    let server = DbgSrv::start();
    let mut sessions: Vec<_> = (0..16)
        .map(|_| {
            let mut session = server.connect();
            let (mut counter, _) = attached_counter(&mut session, 3);
            let mut passing = trap(1, counter.pid(), counter.address("count_step"));
            passing.passes = u64::MAX;
            resume(&mut session, plan(vec![passing]));
            (session, counter)
        })
        .collect();
    let dying: Vec<_> = sessions.drain(..8).collect();
    for (session, _) in &dying {
        session.port.close();
    }
    for (_, mut counter) in dying {
        proc::assert_clean(counter.pid().0, Deadline::usual());
        let address = counter.address("counter");
        proc::assert_advances(counter.pid().0, address, Deadline::usual());
    }
    for (session, counter) in &mut sessions {
        let address = counter.address("counter");
        proc::assert_advances(counter.pid().0, address, Deadline::usual());
        break_in(session);
        detach(session, counter.pid());
        proc::assert_clean(counter.pid().0, Deadline::usual());
    }
}

#[test]
fn a_killed_session_process_harms_no_other_session() {
    let server = DbgSrv::start();
    let mut doomed = server.connect();
    let [session_process] = server.sessions()[..] else {
        panic!("one session was opened")
    };
    let launched = launch(&mut doomed, "counter", &["2"]).process;
    let mut other = server.connect();
    let (mut counter, _) = attached_counter(&mut other, 3);
    proc::signal(session_process, "KILL");
    wait_until("its launched debuggee is gone", Deadline::usual(), || {
        !proc::alive(launched.0)
    });
    while doomed.port.next_event(Deadline::usual()).is_some() {}
    resume(&mut other, plan(Vec::new()));
    let address = counter.address("counter");
    proc::assert_advances(counter.pid().0, address, Deadline::usual());
    break_in(&mut other);
    detach(&mut other, counter.pid());
    assert!(server.connect().machine().describe(Nothing {}).is_ok());
}

#[test]
fn the_order_of_deaths_does_not_matter() {
    // The debuggee first, then the client, then the server.
    let mut server = DbgSrv::start();
    let mut session = server.connect();
    let mut counter = Debuggee::start("counter", &["3"]);
    attach(&mut session, counter.pid());
    counter.kill();
    session.port.close();
    wait_until("the session is over", Deadline::usual(), || {
        server.sessions().is_empty()
    });
    server.terminate();
    server.wait(Deadline::usual());
}

/// 8 threads, a million counted calls, a breakpoint with a pass count: hits equal the debuggee's own count.
#[test]
fn slow_a_million_calls_are_counted() {
    let server = DbgSrv::start();
    count_calls(&mut server.connect(), 125_000);
}

/// Many small debuggees one after another in one session.
#[test]
fn a_session_takes_one_debuggee_after_another() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    for _ in 0..10 {
        let (mut counter, _) = attached_counter(&mut session, 2);
        let at = counter.address("count_step");
        resume(&mut session, plan(vec![trap(1, counter.pid(), at)]));
        session.stop();
        detach(&mut session, counter.pid());
        proc::assert_clean(counter.pid().0, Deadline::usual());
    }
    assert!(session.run().resume(plan(Vec::new())).is_err());
}
