//! The conformance suite of the target services on `dbgsrv`, as a process of its own: over tcp, over a pipe, and behind
//! a link with a round trip of 50 milliseconds.

use farsight_testkit::conformance::Check;
use farsight_testkit::{DbgSrv, PortClient, Proxy, ProxyPlan, Session, Stream, conformance_tests};

fn over_tcp(check: Check) {
    let server = DbgSrv::start();
    check(&|| server.connect());
}

fn far_away(check: Check) {
    let server = DbgSrv::start();
    let proxy = Proxy::start(server.address(), ProxyPlan::far_away());
    check(&|| Session::new(PortClient::open(Stream::tcp(proxy.address()))));
}

mod tcp {
    super::conformance_tests!(super::over_tcp);
}

mod slow_link {
    super::conformance_tests!(super::far_away);
}
