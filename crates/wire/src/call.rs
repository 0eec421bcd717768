//! Requests and replies as values, and the port they go through.

use std::marker::PhantomData;

use minicbor::{Decode, Encode};

use crate::WireError;

/// The number of a service and of a row in its table: `service << 8 | row`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation(pub u16);

impl Operation {
    /// The operation of a row.
    pub const fn new(service: u8, row: u8) -> Operation {
        Operation((service as u16) << 8 | row as u16)
    }
}

/// A message of a service: a CBOR body, and for a few of them raw bytes behind it. Made with [`crate::message!`].
pub trait Message: Sized {
    /// The body's bytes.
    fn to_body(&self) -> Vec<u8>;
    /// Reads a body. Unknown fields are skipped, missing optional ones are none.
    fn from_body(body: &[u8]) -> Result<Self, WireError>;
    /// Takes the raw bytes out, to be sent behind the body.
    fn take_bulk(&mut self) -> Vec<u8> {
        Vec::new()
    }
    /// Puts received raw bytes in.
    fn put_bulk(&mut self, _bulk: Vec<u8>) {}
}

/// A message that says nothing yet; fields may be added to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Nothing {}

crate::message!(Nothing);

/// A request on its way out.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked for.
    pub operation: Operation,
    /// CBOR.
    pub body: Vec<u8>,
    /// Raw bytes.
    pub bulk: Vec<u8>,
}

/// A request as a server's dispatcher gets it.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// What is asked for.
    pub operation: Operation,
    /// CBOR.
    pub body: Vec<u8>,
    /// Raw bytes.
    pub bulk: Vec<u8>,
}

/// How a request ended: the header's status byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CallStatus {
    /// The body is the row's reply.
    Done = 0,
    /// The body is the service's error.
    Failed = 1,
    /// The server has no such operation.
    Unsupported = 2,
    /// The server could not read the request's body.
    Malformed = 3,
}

impl CallStatus {
    /// Reads a status byte.
    pub fn from_number(number: u8) -> Option<CallStatus> {
        use CallStatus::*;
        [Done, Failed, Unsupported, Malformed]
            .into_iter()
            .find(|status| *status as u8 == number)
    }
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Reply {
    /// How it ended.
    pub status: CallStatus,
    /// CBOR: the reply or the error.
    pub body: Vec<u8>,
    /// Raw bytes.
    pub bulk: Vec<u8>,
}

impl Reply {
    /// An answer without a body.
    pub fn bare(status: CallStatus) -> Reply {
        Reply {
            status,
            body: Vec::new(),
            bulk: Vec::new(),
        }
    }
}

/// Why no answer came through a port. Services turn it into their own error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// The link is gone; whether the request ran is unknown.
    #[error("the connection was lost; whether the request was carried out is unknown")]
    Lost,
    /// The user gave up waiting; the request may still run.
    #[error("cancelled")]
    Cancelled,
    /// Whoever asked for it may not have it; nothing was sent.
    #[error("this connection is an observer's, which changes no target")]
    Forbidden,
    /// The server has no such operation.
    #[error("the server does not offer this operation")]
    Unsupported,
    /// The peer sent something that cannot be read.
    #[error(transparent)]
    Malformed(#[from] WireError),
}

/// Where requests go. One thread owns a port; numbers it returns are only good for it.
pub trait Port {
    /// Sends a request and returns its number at once.
    fn send(&self, call: Call) -> Result<u64, PortError>;
    /// Waits for the answer to a request that [`Port::send`] numbered. Each number is waited for once.
    fn wait(&self, number: u64) -> Result<Reply, PortError>;
    /// Sends a request that overtakes all others and gets no answer.
    fn urgent(&self, operation: Operation) -> Result<(), PortError>;
}

impl<P: Port + ?Sized> Port for &P {
    fn send(&self, call: Call) -> Result<u64, PortError> {
        (**self).send(call)
    }
    fn wait(&self, number: u64) -> Result<Reply, PortError> {
        (**self).wait(number)
    }
    fn urgent(&self, operation: Operation) -> Result<(), PortError> {
        (**self).urgent(operation)
    }
}

/// A request that was sent and not yet waited for: how requests are pipelined.
#[derive(Debug)]
#[must_use = "a request that is never waited for leaves its reply behind"]
pub struct Pending<M, E> {
    number: u64,
    expects: PhantomData<fn() -> (M, E)>,
}

impl<M: Message, E: Message + From<PortError>> Pending<M, E> {
    pub(crate) fn new(number: u64) -> Pending<M, E> {
        Pending {
            number,
            expects: PhantomData,
        }
    }

    /// The request's number at its port.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Waits for the answer through the port that the request was sent by.
    pub fn wait<P: Port + ?Sized>(self, port: &P) -> Result<M, E> {
        let reply = port.wait(self.number)?;
        match reply.status {
            CallStatus::Done => {
                let mut message = M::from_body(&reply.body).map_err(PortError::from)?;
                message.put_bulk(reply.bulk);
                Ok(message)
            }
            CallStatus::Failed => Err(E::from_body(&reply.body).map_err(PortError::from)?),
            CallStatus::Unsupported => Err(PortError::Unsupported.into()),
            CallStatus::Malformed => Err(PortError::Malformed(WireError::Malformed {
                what: "request, says the server",
                why: "it could not be read there".into(),
            })
            .into()),
        }
    }
}
