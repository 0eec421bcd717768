//! The servers of a machine as data.

use farsight_types::OsPid;
pub use farsight_wire::handshake::ServerKind;
use minicbor::{Decode, Encode};

/// Kinds of servers, with DbgEng's bit values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
#[doc(alias = "DEBUG_SERVERS")]
pub struct ServerKinds(#[n(0)] pub u32);

impl ServerKinds {
    /// Debugging servers.
    #[doc(alias = "DEBUG_SERVERS_DEBUGGER")]
    pub const DEBUGGER: ServerKinds = ServerKinds(0x1);
    /// Process servers and kernel connection servers.
    #[doc(alias = "DEBUG_SERVERS_PROCESS")]
    pub const PROCESS: ServerKinds = ServerKinds(0x2);
    /// All of them.
    #[doc(alias = "DEBUG_SERVERS_ALL")]
    pub const ALL: ServerKinds = ServerKinds(0x3);

    /// Whether these are kinds that there are, and at least one.
    pub fn is_valid(self) -> bool {
        self.0 != 0 && self.0 & !ServerKinds::ALL.0 == 0
    }

    /// Whether a server is of one of these kinds.
    pub fn holds(self, kind: ServerKind) -> bool {
        let bit = match kind {
            ServerKind::DebuggingServer => ServerKinds::DEBUGGER,
            ServerKind::ProcessServer | ServerKind::KernelConnectionServer => ServerKinds::PROCESS,
        };
        self.0 & bit.0 != 0
    }
}

/// One server that runs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MachineServer {
    /// What it is.
    #[n(0)]
    pub kind: ServerKind,
    /// How it is reached, with secrets as stars, such as `tcp:Port=5005`.
    #[n(1)]
    pub transport: String,
    /// Nobody else is shown it.
    #[n(2)]
    pub hidden: bool,
    /// Its process.
    #[n(3)]
    pub pid: OsPid,
    /// Since when, in microseconds of Unix time.
    #[n(4)]
    pub since: u64,
    /// Whose it is, where it is not the asking user's.
    #[n(5)]
    pub uid: Option<u32>,
    /// Name and release of the program.
    #[n(6)]
    pub product: String,
}

/// `farsight -QR`, DbgEng's `OutputServers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct MachineServers {
    /// The machine's name as it was given, without the `\\` before it.
    #[n(0)]
    pub machine: String,
    /// One each.
    #[n(1)]
    pub rows: Vec<MachineServer>,
}
