//! Calling a channel at the other end of a serial line.

use std::time::Duration;

use crate::com::{self, Port};
use crate::connection_string::ComPort;
use crate::error::ConnectError;
use crate::listen::com_peer;
use crate::stream::Stream;

/// Connects to whoever serves the channel there, within a time.
pub(super) fn dial(port: &ComPort, baud: u32, channel: u8, timeout: Duration) -> Result<Stream, ConnectError> {
    let port = Port::of(port);
    let socket = com::call(&port, baud, channel, timeout)?;
    Ok(Stream::carried(socket, com_peer(&port, channel)))
}
