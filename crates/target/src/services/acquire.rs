//! Service 2: getting hold of debuggees. Each acquisition is followed by a [`crate::Stop`].

use farsight_types::OsPid;
use farsight_wire::{message, service};
use minicbor::{Decode, Encode};

use crate::{SignalPolicy, StopDetail, TargetError};

/// Size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WindowSize {
    /// Lines.
    #[n(0)]
    pub rows: u16,
    /// Characters a line.
    #[n(1)]
    pub columns: u16,
}

/// How a program's environment is made from the server's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct EnvironmentMerge {
    /// Start from nothing instead of the server's environment.
    #[n(0)]
    pub clear: bool,
    /// Taken away.
    #[n(1)]
    pub remove: Vec<String>,
    /// Set, name and value.
    #[n(2)]
    pub set: Vec<(String, String)>,
}

/// A program to start under the debugger.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LaunchSpec {
    /// Path at the server, or a name to be looked up in its `PATH`.
    #[n(0)]
    pub program: String,
    /// Arguments behind the program's name.
    #[n(1)]
    pub arguments: Vec<String>,
    /// Changes to the environment.
    #[n(2)]
    pub environment: EnvironmentMerge,
    /// Working directory; none is the server's.
    #[n(3)]
    pub directory: Option<String>,
    /// Leave address space randomisation on (the default turns it off, so that addresses repeat).
    #[n(4)]
    pub randomize: bool,
    /// Size of the program's terminal; none is 24 by 80.
    #[n(5)]
    pub terminal: Option<WindowSize>,
    /// Signal policy from the start.
    #[n(6)]
    pub signals: Option<SignalPolicy>,
    /// What the first stop carries.
    #[n(7)]
    pub detail: StopDetail,
}

message!(LaunchSpec);

/// A process to attach to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AttachSpec {
    /// Which.
    #[n(0)]
    pub process: OsPid,
    /// Signal policy from the start.
    #[n(1)]
    pub signals: Option<SignalPolicy>,
    /// What the first stop carries.
    #[n(2)]
    pub detail: StopDetail,
}

message!(AttachSpec);

/// A debuggee of this session. Its first stop follows as an event.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Acquired {
    /// The process.
    #[n(0)]
    pub process: OsPid,
    /// Path of its executable.
    #[n(1)]
    pub path: String,
    /// The server's machine.
    #[n(2)]
    pub machine: String,
}

message!(Acquired);

service! {
    /// Getting hold of debuggees. One acquisition at a time: the session must be at rest or empty.
    pub trait Acquire = 2, proxy AcquireProxy, module acquire_service, error TargetError {
        /// Starts a program (DbgEng's `CreateProcess2`); its first stop is [`crate::StopCause::Launched`].
        1 changes launch / begin_launch(LaunchSpec) -> Acquired;
        /// Attaches to all threads of a process (DbgEng's `AttachProcess`); its first stop is
        /// [`crate::StopCause::Attached`].
        2 changes attach / begin_attach(AttachSpec) -> Acquired;
    }
}
