//! Everything that can wake the engine.

use farsight_session::{ClientEnd, ClientId, Request};
use farsight_target::Event;
use farsight_types::ServerId;
use farsight_wire::Reply;
use farsight_wire::handshake::Welcome;

use crate::ConnectFailure;

/// Names a link to target services; chosen by the engine, one a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// Why a client is gone that did not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientLoss {
    /// Its connection ended.
    Vanished,
    /// It was cut off, for this reason.
    CutOff(String),
}

/// What a link tells.
#[derive(Debug)]
pub enum LinkNews {
    /// The other side answered the handshake; requests may be sent.
    Open(Box<Welcome>),
    /// Something was done to get a connection that the user should know.
    Told(String),
    /// There will be no link.
    Failed(ConnectFailure),
    /// The answer to a request.
    Reply {
        /// The request's number.
        number: u64,
        /// The answer.
        reply: Reply,
    },
    /// Something came up unasked.
    Event(Event),
    /// The link is gone; no more news will come from it.
    Lost {
        /// What the operating system or the protocol said.
        why: String,
    },
}

/// The closed set of events that wake the engine's thread.
#[derive(Debug)]
pub enum EngineMessage {
    /// A client is there: the engine's own console, which is part of the session from now on, or one that came through a
    /// server, which is when it asks for that ([`Request::ConnectSession`]).
    Join(ClientEnd),
    /// A client asks.
    Client(ClientId, Request),
    /// The only connection that this server makes has ended, and it with it.
    ServerOver(ServerId),
    /// A client is gone, and did not say that it would go.
    Gone(ClientId, ClientLoss),
    /// A link tells.
    Link(LinkId, LinkNews),
    /// Work on another thread is over; whoever waits for it looks.
    Worked,
}
