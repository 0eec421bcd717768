//! What stands in for TLS in builds without it: nothing can be made of it, and it says what to use instead.

use std::time::Duration;

use crate::connection_string::{Host, Thumbprint, Tls};
use crate::error::ConnectError;
use crate::stream::Stream;

/// Never exists.
#[derive(Clone, Debug)]
pub(crate) enum ServerSide {}

/// Never exists.
#[derive(Clone, Debug)]
pub(crate) enum ClientSide {}

impl ServerSide {
    pub(crate) fn load(_: &Tls) -> Result<ServerSide, ConnectError> {
        Err(ConnectError::NoTls)
    }

    pub(crate) fn thumbprint(&self) -> &Thumbprint {
        match *self {}
    }

    pub(crate) fn wrap(&self, _: Stream, _: Duration) -> Result<Stream, ConnectError> {
        match *self {}
    }
}

impl ClientSide {
    pub(crate) fn load(_: &Tls, _: &Host) -> Result<ClientSide, ConnectError> {
        Err(ConnectError::NoTls)
    }

    pub(crate) fn wrap(&self, _: Stream, _: Duration) -> Result<Stream, ConnectError> {
        match *self {}
    }
}
