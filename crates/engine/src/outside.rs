//! What the engine needs from the world: one trait that the host gives it.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use farsight_wire::{Frame, PortError};

use crate::{EngineMessage, LinkId};

/// Where target services are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// On this machine, in a session process of our own.
    Local,
    /// At a process server, named by a connection string (`tcp:server=HOST,port=5005`).
    ProcessServer(String),
}

/// Why there is no link: what was tried, on which machine, why not, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConnectFailure(pub String);

/// The sending side of a link. Frames go out in the order they are given; dropping it closes the link.
pub trait LinkSender: Send {
    /// Queues a frame (request, urgent) and returns at once. The session id is filled in behind this.
    fn send(&self, frame: Frame) -> Result<(), PortError>;
}

/// The world outside of the engine.
pub trait Outside: Send {
    /// Starts to connect and returns at once. [`crate::LinkNews::Open`] or [`crate::LinkNews::Failed`] comes first,
    /// then replies and events, at last [`crate::LinkNews::Lost`].
    fn connect(&mut self, to: &Destination, link: LinkId, inbox: Sender<EngineMessage>) -> Box<dyn LinkSender>;

    /// The whole of a file on the engine's machine, mapped rather than read; none where there is no such file.
    fn open_file(&mut self, path: &Path) -> Option<Arc<dyn farsight_symbols::ImageBytes>>;

    /// A variable of the engine's environment.
    fn variable(&self, name: &str) -> Option<String>;
}
