//! A server that calls its client (`clicon=` at the server).
//!
//! One connection is ever made. A client that is not there yet is called again, for a server may be started first; the
//! pauses grow, and end with the listener.

use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use super::arrivals::{Bringer, arrivals};
use super::{Brought, Carrier};
use crate::connection_string::Host;
use crate::error::ConnectError;
use crate::stream::Stream;
use crate::tls::ServerSide;
use crate::{dial, sys};

/// How long a call may take.
const CALL: Duration = Duration::from_secs(10);

/// How long a name is looked up before the listener is there: a mistyped one shall be told, a slow resolver be no
/// hindrance.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// The first pause between two calls; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Whether the client is certainly on this machine.
pub(super) fn is_loopback(client: &Host, port: u16, only_ipv6: bool) -> Result<bool, ConnectError> {
    match dial::addresses(client, port, only_ipv6, FIRST_LOOK) {
        Err(ConnectError::UnknownHost { source, .. }) if source.kind() == std::io::ErrorKind::TimedOut => Ok(false),
        known => Ok(known?.iter().all(|address| address.ip().is_loopback())),
    }
}

/// Begins to call; who answers is shown the certificate of `side`, where there is one.
pub(super) fn call(
    client: &Host,
    port: u16,
    only_ipv6: bool,
    side: Option<ServerSide>,
) -> Result<Brought, ConnectError> {
    let fail = |source| ConnectError::Unreachable {
        server: client.clone(),
        port,
        source,
    };
    let (arrivals, bringer) = arrivals().map_err(fail)?;
    let (carrier, ended) = UnixStream::pair().map_err(fail)?;
    let certificate = side.as_ref().map(|side| side.thumbprint().clone());
    let caller = Caller {
        client: client.clone(),
        port,
        only_ipv6,
        side,
        ended,
    };
    thread::Builder::new()
        .name("caller".into())
        .spawn(move || caller.run(&bringer))
        .map_err(fail)?;
    Ok(Brought {
        arrivals,
        is_single: true,
        addresses: Vec::new(),
        certificate,
        _carrier: Box::new(Calling(carrier)),
    })
}

/// Calls as long as it is not dropped.
#[derive(Debug)]
struct Calling(UnixStream);

impl Carrier for Calling {}

impl Drop for Calling {
    fn drop(&mut self) {
        // The thread is not waited for: it may be in a call, which ends by itself in time and then brings nothing.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// The thread that calls.
struct Caller {
    client: Host,
    port: u16,
    only_ipv6: bool,
    /// What TLS shows who answers; none where there is no TLS.
    side: Option<ServerSide>,
    /// Readable when nobody waits for the connection any more.
    ended: UnixStream,
}

impl Caller {
    fn run(&self, bringer: &Bringer) {
        let mut pause = FIRST_PAUSE;
        while !self.has_ended(Duration::ZERO) {
            let called = dial::call(&self.client, self.port, self.only_ipv6, CALL);
            if let Some(stream) = called.ok().and_then(|stream| self.secure(stream))
                && let Ok(peer) = stream.peer()
            {
                // A listener that is gone meanwhile takes nothing, and the connection closes.
                let _ = bringer.bring(stream, peer);
                return;
            }
            if self.has_ended(pause) {
                return;
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// The stream as it is served: behind TLS where that is wanted. One that has called speaks first, and may take its time
    /// until then: a repeater may wait for it.
    fn secure(&self, stream: Stream) -> Option<Stream> {
        let Some(side) = &self.side else {
            return Some(stream);
        };
        let ready = sys::poll_readable(&[stream.as_fd(), self.ended.as_fd()], None).ok()?;
        match ready.last() {
            Some(true) => None,
            _ => side.wrap(stream, CALL).ok(),
        }
    }

    /// Whether nobody waits any more; looks for so long.
    fn has_ended(&self, time: Duration) -> bool {
        let ready = sys::poll_readable(&[self.ended.as_fd()], Some(time));
        ready.is_ok_and(|ready| ready.contains(&true))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;
    use crate::connection_string::{ServerRole, ServerTransport};
    use crate::listen::Listener;

    fn bind(text: &str) -> Result<Listener, ConnectError> {
        Listener::bind(&ServerTransport::parse(text, ServerRole::ProcessServer).unwrap())
    }

    #[test]
    fn a_client_that_comes_later_is_called_again_and_once() {
        // An address of this test's own, at which no other takes the port.
        let client = TcpListener::bind("127.0.0.92:0").unwrap();
        let address = client.local_addr().unwrap();
        drop(client);
        let server = bind(&format!("tcp:port={},clicon=127.0.0.92", address.port())).unwrap();
        assert!(server.is_single() && !server.is_over() && server.local_addresses().is_empty());
        assert!(!sys::poll_readable(&server.descriptors(), Some(Duration::from_millis(200))).unwrap()[0]);
        let client = TcpListener::bind(address).unwrap();
        let (mut here, _) = client.accept().unwrap();
        let (mut there, peer) = server.accept().unwrap();
        assert_eq!(peer, there.peer().unwrap());
        there.write_all(b"x").unwrap();
        here.read_exact(&mut [0]).unwrap();
        // Nothing comes behind it, not even when it has ended.
        drop((here, there));
        client.set_nonblocking(true).unwrap();
        assert!(!sys::poll_readable(&[client.as_fd()], Some(Duration::from_millis(300))).unwrap()[0]);
        assert!(server.accept_ready().unwrap().is_none());
        assert!(server.is_over());
    }

    #[test]
    fn who_does_not_listen_any_more_calls_no_more() {
        let client = TcpListener::bind("127.0.0.93:0").unwrap();
        let address = client.local_addr().unwrap();
        drop(client);
        drop(bind(&format!("tcp:port={},clicon=127.0.0.93", address.port())).unwrap());
        let client = TcpListener::bind(address).unwrap();
        // One call may have been on its way; it is not kept.
        let end = Instant::now() + 3 * LONGEST_PAUSE / 2;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            client.set_nonblocking(true).unwrap();
            if sys::poll_readable(&[client.as_fd()], Some(left)).unwrap()[0] {
                let (mut late, _) = client.accept().unwrap();
                late.set_read_timeout(Some(CALL)).unwrap();
                assert_eq!(late.read(&mut [0]).unwrap(), 0);
            }
        }
    }

    #[test]
    fn the_line_for_the_client_names_the_machine_that_calls() {
        let line = |client: &str| bind(&format!("tcp:port=9,clicon={client}")).unwrap().client_string();
        assert_eq!(line("127.0.0.20"), "tcp:Port=9,CliCon=localhost");
        let here = Host::this_machine();
        assert_eq!(line("192.0.2.1,insecure"), format!("tcp:Port=9,CliCon={here},Insecure"));
    }

    #[test]
    fn who_answers_elsewhere_needs_a_secret_or_a_word() {
        let error = bind("tcp:port=9,clicon=192.0.2.1").unwrap_err();
        assert!(matches!(error, ConnectError::UnprotectedCall { .. }), "{error}");
        assert!(error.to_string().contains("'insecure'"), "{error}");
    }

    #[test]
    fn a_mistyped_client_is_told() {
        let error = bind("tcp:port=9,clicon=no-such-machine.invalid").unwrap_err();
        assert!(matches!(error, ConnectError::UnknownHost { .. }), "{error}");
    }
}
