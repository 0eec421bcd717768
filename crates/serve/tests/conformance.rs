//! The conformance suite of the target services on `dbgsrv`, as a process of its own: over tcp, over a pipe, in TLS, behind
//! a link with a round trip of 50 milliseconds, behind two repeaters, and over a serial cable.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use farsight_testkit::conformance::Check;
use farsight_testkit::{
    Cable, CablePlan, DbgSrv, PortClient, Proxy, ProxyPlan, Repeater, Session, Way, conformance_tests, port_client,
};

fn over_tcp(check: Check) {
    let server = DbgSrv::start();
    check(&|| server.connect());
}

fn far_away(check: Check) {
    let server = DbgSrv::start();
    let proxy = Proxy::start(server.address(), ProxyPlan::far_away());
    check(&|| Session::new(PortClient::open(port_client::dial_address(proxy.address()))));
}

fn over_a_pipe(check: Check) {
    let server = DbgSrv::start_on_pipe();
    check(&|| server.connect());
}

fn in_tls(check: Check) {
    let server = DbgSrv::start_by(Way::Tls);
    check(&|| server.connect());
}

/// Two repeaters in a row, three kinds of hops.
fn through_repeaters(check: Check) {
    let server = DbgSrv::start();
    let near = Repeater::start_persistent(server.connection(), &Repeater::new_pipe());
    let far = Repeater::start_persistent(near.connection(), "tcp:port=0");
    check(&|| Session::new(PortClient::open(port_client::dial(far.connection()))));
}

/// A fast serial line: the suite moves many megabytes.
fn over_a_cable(check: Check) {
    const BAUD: u32 = 50_000_000;
    let cable = Cable::new(CablePlan::default());
    let server = DbgSrv::start_with(&["-t", &cable.transport(0, BAUD, 7)]);
    // The test is no program that could be run again as a line process.
    let _line = cable.hold(1, BAUD);
    check(&|| Session::new(PortClient::open(port_client::dial(&cable.transport(1, BAUD, 7)))));
    drop(server);
}

mod tcp {
    super::conformance_tests!(super::over_tcp);
}

mod slow_link {
    super::conformance_tests!(super::far_away);
}

mod pipe {
    super::conformance_tests!(super::over_a_pipe);
}

mod tls {
    super::conformance_tests!(super::in_tls);
}

mod repeaters {
    super::conformance_tests!(super::through_repeaters);
}

mod serial {
    super::conformance_tests!(super::over_a_cable);
}
