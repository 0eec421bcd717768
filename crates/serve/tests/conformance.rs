//! The conformance suite of the target services on `dbgsrv`, as a process of its own: over tcp, over a pipe, behind a link
//! with a round trip of 50 milliseconds, and behind two repeaters.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use farsight_testkit::conformance::Check;
use farsight_testkit::{DbgSrv, PortClient, Proxy, ProxyPlan, Repeater, Session, conformance_tests, port_client};

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

/// Two repeaters in a row, three kinds of hops.
fn through_repeaters(check: Check) {
    let server = DbgSrv::start();
    let near = Repeater::start_persistent(server.connection(), &Repeater::new_pipe());
    let far = Repeater::start_persistent(near.connection(), "tcp:port=0");
    check(&|| Session::new(PortClient::open(port_client::dial(far.connection()))));
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

mod repeaters {
    super::conformance_tests!(super::through_repeaters);
}
