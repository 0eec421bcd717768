//! The wire between farsight programs, sans-IO: bytes in, frames and messages out.
//!
//! Frames ([`Frame`], [`Decoder`]), the first exchange ([`handshake`]), matching of replies to requests
//! ([`Requests`], [`KeptReplies`]), and the [`service!`] table from which a trait, its proxy and its dispatcher
//! are made. Nothing here owns a socket, a clock or a thread. Read [`frame`] first.

mod call;
mod error;
pub mod frame;
pub mod handshake;
mod matching;
mod service;

pub use call::{Call, CallStatus, Incoming, Message, Nothing, Operation, Pending, Port, PortError, Reply};
pub use error::WireError;
pub use frame::{Decoder, Frame, FrameKind, Header, Limits};
pub use matching::{KeptReplies, Repeat, Requests};

/// Not for callers: what [`service!`] expands to.
#[doc(hidden)]
pub mod macros {
    pub use crate::service::{answer, begin};
}
