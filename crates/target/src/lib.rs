//! Seam 2: what an engine may ask of the machine where the debuggees are.
//!
//! Six small services, each written once as a table ([`Machine`], [`Acquire`], [`Run`], [`Look`], [`Files`]), the events
//! that come up from them ([`Event`]), the plan a target is resumed with ([`ResumePlan`]), what comes back when it
//! rests ([`Stop`]), and the sans-IO machine that carries out step plans and trap counts ([`plan`]) for every
//! implementer alike. Nothing here does input or output. Read [`ResumePlan`] and [`Stop`] first.

mod error;
mod event;
mod image;
pub mod plan;
mod resume;
mod services;
mod stop;

pub use error::{Obstacle, TargetError};
pub use event::{Event, Note, OutputChunk, SessionEnd};
pub use image::{Image, Section};
pub use resume::{
    DataAccess, EventStops, LineEntry, LineMark, ModuleOrder, ResumePlan, Resumed, SignalOrder, SignalPolicy,
    SignalSet, StepGoal, StepOrder, StepPlan, StopDetail, ThreadOrder, ThreadRule, Trap, TrapDelta, TrapId, TrapKind,
    TrapUpdate,
};
pub use services::*;
pub use stop::{
    BirthKind, Chance, ExitStatus, Family, ImageDelta, ProcessBirth, ProcessDelta, ProcessEnd, SignalInfo, StepMark,
    StepMarkKind, Stop, StopCause, ThreadDelta, ThreadRecord, TrapHits,
};
