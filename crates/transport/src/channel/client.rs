//! The client's half of a secure channel, on a stream.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use super::handshake::{ChannelError, Finished, Initiator, Proof};
use super::key::Key;
use crate::connection_string::Credential;
use crate::error::ConnectError;
use crate::secrets;
use crate::stream::Stream;

/// A wait of nothing would be one for ever.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// Proves on a stream that waits that this end knows what the other asks for, and that the other knows it too; what
/// goes through the stream is sealed from then on. Spends at most `timeout`.
pub fn prove(stream: Stream, credential: &Credential, timeout: Duration) -> Result<Stream, ConnectError> {
    secure(stream, &proof(credential)?, Instant::now() + timeout)
}

/// What a client proves itself with.
pub(crate) fn proof(credential: &Credential) -> Result<Proof, ConnectError> {
    Ok(match secrets::resolve(credential)? {
        Credential::Password(password) => Proof::Password(password),
        Credential::Key(written) => Proof::Key(Key::read(written.expose()).ok_or(ChannelError::Wrong)?),
    })
}

/// The client's half of a handshake, on a stream that waits.
pub(crate) fn secure(stream: Stream, proof: &Proof, deadline: Instant) -> Result<Stream, ConnectError> {
    let (mut initiator, opening) = Initiator::begin(proof)?;
    let late = || io::Error::new(io::ErrorKind::TimedOut, "nothing came in time");
    let mut exchange = || -> io::Result<Result<Finished, ChannelError>> {
        stream.set_write_timeout(Some(deadline.saturating_duration_since(Instant::now()).max(LEAST_WAIT)))?;
        // One that speaks first and closes is better judged by what it said than by the broken write.
        let written = (&stream).write_all(&opening);
        let mut buffer = [0; 512];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            stream.set_read_timeout(Some(left))?;
            match (&stream).read(&mut buffer) {
                Ok(0) if !initiator.received().is_empty() => return Ok(Err(ChannelError::NotOurs)),
                Ok(0) => return written.and(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it was closed"))),
                Ok(length) => match initiator.take(&buffer[..length]) {
                    Ok(None) => {}
                    Ok(Some(finished)) => return Ok(Ok(finished)),
                    Err(error) => return Ok(Err(error)),
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Err(late());
                }
                Err(error) => return Err(error),
            }
        }
    };
    let finished = exchange().map_err(ConnectError::Handshake)??;
    let set = stream
        .set_read_timeout(None)
        .and_then(|()| stream.set_write_timeout(None));
    set.map_err(ConnectError::Handshake)?;
    Ok(stream.sealed(finished))
}
