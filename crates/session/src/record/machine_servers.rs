//! The servers of a machine as data.

use farsight_types::OsPid;
pub use farsight_wire::handshake::ServerKind;
use minicbor::{Decode, Encode};

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
