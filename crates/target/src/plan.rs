//! The plan machine: carries out step plans and decides about trap hits, sans-IO, for every implementer of the target
//! services.
//!
//! The implementer moves one thread by single steps and by running to a place; the machine is told where the thread
//! has come to and says what comes next. It decodes no instructions: a call shows by its opcode bytes and by the return
//! address it pushed. Read [`StepMachine`] first.

mod hits;
mod step;

pub use hits::{HitBook, Verdict};
pub use step::{Move, Observation, StepMachine, code_at_marks, enters_kernel, is_call};
