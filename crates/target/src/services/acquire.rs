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

/// What becomes of the processes that a debuggee makes (DbgEng's `DEBUG_PROCESS_ONLY_THIS_PROCESS`, `.childdbg`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ChildPolicy {
    /// They run undebugged.
    #[n(0)]
    #[default]
    Leave,
    /// They become debuggees of the session, and so do their own.
    #[n(1)]
    Follow,
}

/// How a process is attached to (2.4.1 of the reference).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum AttachMode {
    /// Seized and interrupted.
    #[n(0)]
    #[default]
    Invasive,
    /// Seized and interrupted to be looked at: no trap is ever planted, neither memory nor registers are changed, it is
    /// never set going, and it is released at the end (`-pv`). Where another debugger holds it, as [`AttachMode::NoninvasiveNoSuspend`].
    #[n(1)]
    Noninvasive,
    /// Not seized: memory, mappings, threads, and pc and sp of sleeping threads; everything else is refused (`-pvr`).
    #[n(2)]
    NoninvasiveNoSuspend,
    /// Taken over from a session that abandoned it, on this machine (`-pe`).
    #[n(3)]
    Existing,
    /// Invasive; a process that stands in a job-control stop is set going by the first resume (`-pr`).
    #[n(4)]
    ResumeStopped,
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
    /// What becomes of the processes that it makes; none leaves them alone.
    #[n(8)]
    pub children: Option<ChildPolicy>,
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
    /// How; none is [`AttachMode::Invasive`].
    #[n(3)]
    pub mode: Option<AttachMode>,
    /// What becomes of the processes that it makes; none leaves them alone.
    #[n(4)]
    pub children: Option<ChildPolicy>,
    /// A program that is started first, undebugged and held before its first instruction, and set going once the
    /// attachment has succeeded (DbgEng's `CreateProcessAndAttach2`); killed where it has not.
    #[n(5)]
    pub start: Option<LaunchSpec>,
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
