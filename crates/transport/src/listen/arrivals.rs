//! Connections that threads of ours bring to a listener: those that need work before they are streams, such as a
//! handshake, a dialled call or a line that many share.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::peer::Peer;
use crate::stream::Stream;

/// The listener's end. Its descriptor is readable while connections wait.
#[derive(Debug)]
pub(crate) struct Arrivals {
    queue: Receiver<(Stream, Peer)>,
    bell: UnixStream,
    /// Somebody was taken.
    given: AtomicBool,
    /// Held, so that the bell does not ring for ever when nobody brings any more.
    _rope: Arc<UnixStream>,
}

/// The end of whoever brings connections.
#[derive(Clone, Debug)]
pub(crate) struct Bringer {
    queue: Sender<(Stream, Peer)>,
    bell: Arc<UnixStream>,
}

/// The listener is gone: nobody takes connections any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NobodyTakes;

/// A listener's end, and one for those who bring.
pub(crate) fn arrivals() -> io::Result<(Arrivals, Bringer)> {
    let (bell, rope) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    let (brought, queue) = channel();
    let rope = Arc::new(rope);
    let bringer = Bringer {
        queue: brought,
        bell: Arc::clone(&rope),
    };
    let _rope = rope;
    let given = AtomicBool::new(false);
    Ok((
        Arrivals {
            queue,
            bell,
            given,
            _rope,
        },
        bringer,
    ))
}

impl Arrivals {
    /// The next connection that waits, if one does.
    pub(crate) fn take(&self) -> io::Result<Option<(Stream, Peer)>> {
        // One ring each; the connection is queued before its ring.
        match (&self.bell).read(&mut [0]) {
            Ok(_) => {
                let taken = self.queue.try_recv().ok();
                self.given.fetch_or(taken.is_some(), Ordering::Relaxed);
                Ok(taken)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Arrivals {
    /// Whether somebody was taken.
    pub(crate) fn has_given(&self) -> bool {
        self.given.load(Ordering::Relaxed)
    }
}

impl AsFd for Arrivals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

impl Bringer {
    /// Queues a connection for the listener.
    pub(crate) fn bring(&self, stream: Stream, peer: Peer) -> Result<(), NobodyTakes> {
        self.queue.send((stream, peer)).map_err(|_| NobodyTakes)?;
        (&*self.bell).write_all(&[1]).map_err(|_| NobodyTakes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys;

    #[test]
    fn who_waits_is_taken_in_order_and_the_descriptor_says_whether_somebody_does() {
        let (listener, bringer) = arrivals().unwrap();
        let is_ready = || sys::poll_readable(&[listener.as_fd()], Some(std::time::Duration::ZERO)).unwrap()[0];
        assert!(listener.take().unwrap().is_none());
        let names = ["one", "two"].map(|name| Peer::Carried(name.into()));
        for name in &names {
            bringer.bring(Stream::pair().unwrap().0, name.clone()).unwrap();
        }
        for name in &names {
            assert!(is_ready());
            assert_eq!(listener.take().unwrap().unwrap().1, *name);
        }
        assert!(!is_ready());
        drop(listener);
        let late = bringer.bring(Stream::pair().unwrap().0, names[0].clone());
        assert_eq!(late, Err(NobodyTakes));
    }

    #[test]
    fn a_listener_to_whom_nobody_brings_any_more_is_quiet() {
        let (listener, bringer) = arrivals().unwrap();
        drop(bringer);
        assert!(!sys::poll_readable(&[listener.as_fd()], Some(std::time::Duration::ZERO)).unwrap()[0]);
        assert!(listener.take().unwrap().is_none());
    }
}
