//! Connections to a channel of a serial port, as the port's line process hands them out.

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use super::arrivals::{Bringer, arrivals};
use super::{Brought, Carrier};
use crate::com::{self, Port, SerialError};
use crate::connection_string::ComPort;
use crate::error::ConnectError;
use crate::peer::Peer;
use crate::stream::Stream;
use crate::sys;

/// Between two attempts to open a port again that is gone, such as an adapter that was pulled out.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(500);

/// Takes the connections to a channel of this end, until it is dropped.
pub(super) fn bind(port: &ComPort, baud: u32, channel: u8) -> Result<Brought, ConnectError> {
    let channel = Channel {
        port: Port::of(port),
        baud,
        channel,
    };
    let line = com::serve(&channel.port, baud, channel.channel)?;
    let fault = |source| {
        ConnectError::from(SerialError::Process {
            port: channel.port.path.clone(),
            source,
        })
    };
    let (arrivals, bringer) = arrivals().map_err(fault)?;
    let (bell, rope) = UnixStream::pair().map_err(fault)?;
    let serving = channel.clone();
    let started = thread::Builder::new()
        .name("serial-channel".into())
        .spawn(move || serving.bring_all(line, &bell, &bringer));
    started.map_err(fault)?;
    Ok(Brought {
        arrivals,
        is_single: false,
        addresses: Vec::new(),
        certificate: None,
        _carrier: Box::new(Rope { _rope: rope }),
    })
}

/// Dropping it ends the thread.
#[derive(Debug)]
struct Rope {
    _rope: UnixStream,
}

impl Carrier for Rope {}

#[derive(Clone, Debug)]
struct Channel {
    port: Port,
    baud: u32,
    channel: u8,
}

impl Channel {
    /// Brings connections until the bell rings; a line that has ended is opened again.
    fn bring_all(&self, line: UnixStream, bell: &UnixStream, bringer: &Bringer) {
        let mut line = Some(line);
        loop {
            let Some(open) = &line else {
                if is_rung(bell, BETWEEN_ATTEMPTS) {
                    return;
                }
                line = com::serve(&self.port, self.baud, self.channel).ok();
                continue;
            };
            match sys::poll_readable(&[open.as_fd(), bell.as_fd()], None).as_deref() {
                Ok([_, false]) => {}
                // The listener is gone, or nothing can be waited for.
                _ => return,
            }
            match com::next_arrival(open) {
                Ok(Some(socket)) => {
                    let peer = self.peer();
                    if bringer.bring(Stream::carried(socket, peer.clone()), peer).is_err() {
                        return;
                    }
                }
                _ => line = None,
            }
        }
    }

    fn peer(&self) -> Peer {
        peer(&self.port, self.channel)
    }
}

/// Who is at the other end of a channel.
pub(crate) fn peer(port: &Port, channel: u8) -> Peer {
    // Channels cost nothing: whoever has the line is one place.
    Peer::Over {
        words: format!("com {} channel {channel}", port.name()),
        from: Box::new(Peer::Carried(format!("com {}", port.name()))),
    }
}

/// Whether the bell rings within a time.
fn is_rung(mut bell: &UnixStream, time: Duration) -> bool {
    match bell.set_read_timeout(Some(time)) {
        // Nothing is ever said: only its end is heard.
        Ok(()) => bell.read(&mut [0]).is_ok(),
        Err(_) => true,
    }
}
