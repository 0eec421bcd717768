//! What is abandoned outlives its session, its client and its server; and a server ends only when nobody uses it, where
//! that was asked for.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use farsight_target::{
    AbandonOrder, Acquire, AttachMode, AttachSpec, EndServerOrder, Machine, Run, StopCause, TargetError,
};
use farsight_testkit::conformance::{attach, attach_spec, attached_counter, detach};
use farsight_testkit::{DbgSrv, Deadline, Debuggee, Session, proc, wait_until};
use farsight_types::OsPid;

fn abandon(session: &mut Session, process: OsPid) {
    let release = false;
    session.run().abandon(AbandonOrder { process, release }).unwrap();
}

fn adopt(session: &mut Session, counter: &mut Debuggee) {
    let spec = AttachSpec {
        mode: Some(AttachMode::Existing),
        ..attach_spec(counter.pid())
    };
    session.acquire().attach(spec).unwrap();
    assert_eq!(session.stop().cause, StopCause::Attached);
    detach(session, counter.pid());
    proc::assert_clean(counter.pid().0, Deadline::usual());
    let address = counter.address("counter");
    proc::assert_advances(counter.pid().0, address, Deadline::usual());
}

/// The listener is killed, the client gone: another server's session takes over, and the keeper ends when it has nothing
/// left to keep.
#[test]
fn what_is_abandoned_survives_its_server() {
    let mut first = DbgSrv::start();
    let mut session = first.connect();
    let (mut counter, _) = attached_counter(&mut session, 2);
    let keeper = first.sessions()[0];
    abandon(&mut session, counter.pid());
    first.kill();
    first.wait(Deadline::usual());
    while session.port.next_event(Deadline::usual()).is_some() {}
    assert!(proc::alive(keeper));
    assert_eq!(proc::state(counter.pid().0), Some('t'));
    let second = DbgSrv::start();
    adopt(&mut second.connect(), &mut counter);
    wait_until("the keeper has ended", Deadline::usual(), || !proc::alive(keeper));
}

/// Even a keeper that is killed leaves the process stopped, and it can be taken over.
#[test]
fn what_is_abandoned_survives_its_keeper() {
    let server = DbgSrv::start();
    let mut session = server.connect();
    let (mut counter, _) = attached_counter(&mut session, 4);
    abandon(&mut session, counter.pid());
    proc::signal(server.sessions()[0], "KILL");
    wait_until("it is stopped", Deadline::usual(), || {
        proc::state(counter.pid().0) == Some('T')
    });
    adopt(&mut server.connect(), &mut counter);
}

#[test]
fn a_server_in_use_ends_only_by_force() {
    let mut server = DbgSrv::start();
    let unused = EndServerOrder {
        only_unused: Some(true),
    };
    let mut holder = server.connect();
    let (counter, _) = attached_counter(&mut holder, 2);
    let asking = server.connect();
    let Err(TargetError::InUse { holders, .. }) = asking.machine().end_server(unused) else {
        panic!("a server in use ended");
    };
    let phrase = "test@here (tcp 127.0.0.1:";
    let targets = format!("holds {} (counter)", counter.pid());
    assert!(
        holders.len() == 1 && holders[0].starts_with(phrase) && holders[0].ends_with(&targets),
        "{holders:?}"
    );
    // What a session holds itself does not keep it from ending the server.
    detach(&mut holder, counter.pid());
    let mut asking = asking;
    attach(&mut asking, counter.pid());
    asking.machine().end_server(unused).unwrap();
    server.wait(Deadline::usual());
    proc::assert_clean(counter.pid().0, Deadline::usual());
}
