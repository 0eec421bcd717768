//! What the engine needs from the world: one trait that the host gives it.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use farsight_session::Record;
use farsight_session::record::MachineServers;
use farsight_types::{AccessRole, ServerId};
use farsight_wire::{Frame, PortError};

use crate::{EngineMessage, LinkId};

/// Where target services are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// On this machine, in a session process of our own.
    Local,
    /// At a process server, named by a connection string (`tcp:server=HOST,port=5005`).
    ProcessServer(String),
    /// In a file of this machine, which is looked at as it would be mapped (`-z`).
    Image(String),
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

/// Why a file of the engine's machine could not be read or written: which file, what was tried, the system's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FileFailure(pub String);

/// How a file is opened for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputMode {
    /// Made anew; one that is there is emptied.
    Replace,
    /// Made anew; refused where one is there.
    New,
    /// Written behind what is there.
    Append,
}

/// A file that is being written, such as a log. Dropping it closes it.
pub trait OutputFile: Send {
    /// Writes all of these bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), FileFailure>;
}

/// Opens files of the engine's machine from whatever thread reads debug information.
pub trait OpenFiles: Send + Sync {
    /// As [`Outside::open_file`].
    fn open(&self, path: &Path) -> Option<Arc<dyn farsight_symbols::ImageBytes>>;
}

/// Why the servers of a machine cannot be listed: which machine, why not, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ListingFailure(pub String);

/// How clients come to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// What a client gives behind `-remote`.
    pub string: String,
    /// What it may do, where the string decides that.
    pub role: Option<AccessRole>,
    /// The string holds a key.
    pub has_secret: bool,
}

/// A debugging server that listens. Dropping it ends it.
pub trait DebuggingServer: Send {
    /// What a client on this machine gives behind `-remote`, as listings show it, such as `tcp:Port=5005`, without any
    /// secret.
    fn listing(&self) -> String;

    /// What clients give behind `-remote`, the most powerful first.
    fn invitations(&self) -> Vec<Invitation>;

    /// What those who come through it may do.
    fn role(&self) -> AccessRole;

    /// Whether it is shown to its user alone, and so to no client but owners.
    fn is_hidden(&self) -> bool;

    /// Why nobody finds it by looking for servers, where that is so although it was to be found.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Takes no more clients. Those that came through it stay, or are cut off. Waits a moment until its name or port is
    /// free again; whether it is.
    fn stop(&mut self, cut_clients: bool) -> bool;
}

/// The world outside of the engine.
pub trait Outside: Send {
    /// Starts to connect and returns at once. [`crate::LinkNews::Open`] or [`crate::LinkNews::Failed`] comes first
    /// (before it [`crate::LinkNews::Waiting`], where a server is waited for, as long as the sender lives), then replies and events, at last [`crate::LinkNews::Lost`].
    fn connect(&mut self, to: &Destination, link: LinkId, inbox: Sender<EngineMessage>) -> Box<dyn LinkSender>;

    /// Listens for debugging clients at a connection string (`tcp:port=5005`). They come as [`EngineMessage::Join`].
    fn start_server(
        &mut self,
        transport: &str,
        server: ServerId,
        inbox: Sender<EngineMessage>,
    ) -> Result<Box<dyn DebuggingServer>, ConnectFailure>;

    /// The servers of a machine, of this one where the name is empty. `\\` may stand before the name.
    fn servers_of_machine(&mut self, machine: &str) -> Result<MachineServers, ListingFailure>;

    /// The whole of a file on the engine's machine, mapped rather than read; none where there is no such file.
    fn open_file(&mut self, path: &Path) -> Option<Arc<dyn farsight_symbols::ImageBytes>>;

    /// Opens files of the engine's machine from other threads.
    fn files(&self) -> Arc<dyn OpenFiles>;

    /// Reads a regular file of the engine's machine, or refuses one of more than `most` bytes: scripts, `.readmem`.
    fn read_file(&mut self, path: &Path, most: u64) -> Result<Vec<u8>, FileFailure>;

    /// Permission bits of a file of the engine's machine, such as 0o755.
    fn file_mode(&mut self, path: &Path) -> Result<u32, FileFailure>;

    /// Opens a file of the engine's machine for writing: logs, `.writemem`.
    fn open_output(&mut self, path: &Path, mode: OutputMode) -> Result<Box<dyn OutputFile>, FileFailure>;

    /// Paths of the engine's machine that begin so, directories with a slash behind them, at most `most`.
    fn complete_path(&mut self, beginning: &str, most: usize) -> Vec<String>;

    /// The clock, in microseconds of Unix time.
    fn now(&self) -> u64;

    /// A record as plain text, for what the engine itself needs as text: its log, `.foreach`, `as /c`.
    fn render(&self, record: &Record) -> String;

    /// A variable of the engine's environment.
    fn variable(&self, name: &str) -> Option<String>;

    /// Variables of the engine's environment that hold secrets: debuggees are started without them.
    fn secret_variables(&self) -> Vec<String>;
}
