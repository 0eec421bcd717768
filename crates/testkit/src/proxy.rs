//! A proxy between a client and a server that counts what passes, delays it, and cuts it off.
//!
//! Counting happens at the client's side of the delay: a request counts when the client sends it, a reply when the
//! client gets it. With a delay, requests that were sent without waiting for each other are therefore one burst, and
//! the number of round trips does not depend on how fast the server is.

mod counts;
mod line;

pub use counts::{Counts, Direction, Recorded};

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use counts::Counter;

/// What a proxy does to the bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProxyPlan {
    /// Time of a round trip over the link; half of it is added in each direction, and all of it to connecting.
    pub round_trip: Duration,
    /// Cuts the connection behind that many frames of that direction.
    pub cut: Option<(Direction, u64)>,
    /// Passes each byte in a write of its own.
    pub single_bytes: bool,
}

impl ProxyPlan {
    /// A link with a round trip of 50 milliseconds.
    pub fn far_away() -> ProxyPlan {
        ProxyPlan {
            round_trip: Duration::from_millis(50),
            ..ProxyPlan::default()
        }
    }
}

/// A running proxy. It ends, with all its connections, when it goes out of scope.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    counter: Counter,
    open: Arc<Mutex<Vec<TcpStream>>>,
    ending: Arc<AtomicBool>,
    stalled: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy in front of a server.
    pub fn start(server: SocketAddr, plan: ProxyPlan) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        let mut proxy = Proxy {
            address,
            counter: Counter::default(),
            open: Arc::default(),
            ending: Arc::default(),
            stalled: Arc::default(),
            acceptor: None,
        };
        let (counter, open) = (proxy.counter.clone(), proxy.open.clone());
        let (ending, stalled) = (proxy.ending.clone(), proxy.stalled.clone());
        proxy.acceptor = Some(thread::spawn(move || {
            for client in listener.incoming() {
                if ending.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                // A server that is gone shows to the client as a connection that closes at once.
                let Ok(server) = TcpStream::connect(server) else {
                    continue;
                };
                open.lock()
                    .unwrap()
                    .extend([&client, &server].map(|stream| stream.try_clone().unwrap()));
                line::join(client, server, plan, &counter, &stalled);
            }
        }));
        proxy
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to put behind `-premote`.
    pub fn connection(&self) -> String {
        format!("tcp:server=127.0.0.1,port={}", self.address.port())
    }

    /// What has passed since the start or the last [`Proxy::take_counts`].
    pub fn counts(&self) -> Counts {
        self.counter.counts()
    }

    /// Keeps every byte that passes from now on; what was kept until now.
    pub fn record(&self) -> Recorded {
        self.counter.record()
    }

    /// What has passed, and counts from zero again.
    pub fn take_counts(&self) -> Counts {
        self.counter.take()
    }

    /// Closes all connections; new ones are still accepted.
    pub fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Holds everything back, without closing anything, until it is called with false.
    pub fn stall(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the acceptor, which then sees that it shall end.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(acceptor) = self.acceptor.take().filter(|_| woken) {
            let _ = acceptor.join();
        }
    }
}

#[cfg(test)]
mod tests;
