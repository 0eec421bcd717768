//! Service 3: running and letting go. The stop is an event; breaking in is an urgent frame.

use farsight_wire::{Nothing, Operation, message, service};
use minicbor::{Decode, Encode};

use crate::{ProcessRef, ResumePlan, Resumed, SignalOrder, TargetError, TrapUpdate};

/// The urgent operation that asks a running session to stop (DbgEng's `SetInterrupt`). A session at rest ignores it.
pub const BREAK_IN: Operation = Operation::new(3, 255);

/// What becomes of a debuggee that nobody steers any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum LettingGo {
    /// It runs on by itself, its code restored.
    #[n(0)]
    Detach,
    /// It is killed.
    #[n(1)]
    Kill,
}

/// What happens to debuggees when the client vanishes or the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LossPolicy {
    /// Processes that were attached to.
    #[n(0)]
    pub attached: LettingGo,
    /// Processes that were launched.
    #[n(1)]
    pub launched: LettingGo,
}

impl Default for LossPolicy {
    fn default() -> LossPolicy {
        LossPolicy {
            attached: LettingGo::Detach,
            launched: LettingGo::Kill,
        }
    }
}

message!(LossPolicy);

/// A debuggee to let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DetachOrder {
    /// Which.
    #[n(0)]
    pub process: farsight_types::OsPid,
    /// What becomes of the signal that it stopped for.
    #[n(1)]
    pub signal: SignalOrder,
}

message!(DetachOrder);

/// A debuggee that is left stopped for another debugger (DbgEng's `AbandonCurrentProcess`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AbandonOrder {
    /// Which.
    #[n(0)]
    pub process: farsight_types::OsPid,
    /// Let go of it altogether, stopped by SIGSTOP, so that any debugger can take it and any SIGCONT frees it. Otherwise
    /// this session keeps it until another one adopts it ([`crate::AttachMode::Existing`]).
    #[n(1)]
    pub release: bool,
}

message!(AbandonOrder);

/// How a debuggee is treated from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProcessOptions {
    /// Which.
    #[n(0)]
    pub process: farsight_types::OsPid,
    /// What becomes of the processes that it makes.
    #[n(1)]
    pub children: crate::ChildPolicy,
}

message!(ProcessOptions);

service! {
    /// Running and letting go.
    pub trait Run = 3, proxy RunProxy, module run_service, error TargetError {
        /// Sets every debuggee of the session going. One [`crate::Stop`] answers it, as an event.
        1 changes resume / begin_resume(ResumePlan) -> Resumed;
        /// Changes traps, also while the target runs.
        2 changes update_traps / begin_update_traps(TrapUpdate) -> Resumed;
        /// Lets a debuggee run on by itself, from rest or running: set back behind traps, code restored, no hidden
        /// signal left, debug registers cleared.
        3 changes detach / begin_detach(DetachOrder) -> Nothing;
        /// Kills a debuggee and waits for its end.
        4 changes terminate / begin_terminate(ProcessRef) -> Nothing;
        /// Says what happens when the client vanishes or the server ends.
        5 changes set_loss_policy / begin_set_loss_policy(LossPolicy) -> Nothing;
        /// Leaves a debuggee stopped for another debugger. From rest only.
        6 changes abandon / begin_abandon(AbandonOrder) -> Nothing;
        /// Changes how a debuggee is treated (DbgEng's `SetProcessOptions`).
        7 changes set_process_options / begin_set_process_options(ProcessOptions) -> Nothing;
    }
}
