//! Sets targets going: everything that must be decided at an event travels with the request.

use std::rc::Rc;

use farsight_target::{
    ResumePlan, RunProxy, SignalOrder, StepOrder, StepPlan, StopDetail, TargetError, ThreadOrder, ThreadRule,
};
use farsight_types::{OsTid, SystemId};

use super::RunState;
use crate::error::CommandError;
use crate::session::Session;

/// How the targets go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResumeIntent {
    /// What becomes of the signal of the last stop, where the command says so.
    pub(crate) signal: Option<SignalOrder>,
    /// A step of the current thread.
    pub(crate) step: Option<StepPlan>,
    /// Only this thread runs (`~2 g`).
    pub(crate) only: Option<OsTid>,
}

impl ResumeIntent {
    /// Go, the pending signal dealt with as its kind wants.
    pub(crate) fn go() -> ResumeIntent {
        ResumeIntent::default()
    }

    /// Whether stops between are wanted when modules come: not while single instructions are counted, because a stop
    /// in between would lose the count.
    fn stops_for_modules(&self) -> bool {
        matches!(self.step, None | Some(StepPlan::UntilReturn { .. }))
    }

    /// How to go on after a stop that is not shown. The signal has been dealt with.
    pub(super) fn continued(&self) -> ResumeIntent {
        ResumeIntent {
            signal: None,
            ..self.clone()
        }
    }
}

/// Bytes of stack that come with a stop: enough for a backtrace of some thirty frames where the program ran freely,
/// and little where steps follow each other.
const STACK_AFTER_RUN: u32 = 16 << 10;
const STACK_AFTER_STEP: u32 = 4 << 10;

/// What a first stop shall carry.
pub(crate) fn first_stop() -> StopDetail {
    StopDetail {
        stack_bytes: STACK_AFTER_RUN,
        vector: false,
    }
}

impl Session {
    /// Sends everything off: one request. The answer and the stop come up later.
    pub(super) fn begin_resume(&mut self, intent: ResumeIntent) -> Result<(), CommandError> {
        let place = self.place()?;
        let system_id = place.system;
        let plan = self.plan(system_id, &intent)?;
        let system = self.system_of_mut(system_id)?;
        let pending = RunProxy(&system.link).begin_resume(plan)?;
        system.link.watch(pending.number());
        system.forget_rest();
        self.execution.state = RunState::Running {
            system: system_id,
            pending: Some(pending),
            intent,
        };
        Ok(())
    }

    fn plan(&mut self, system_id: SystemId, intent: &ResumeIntent) -> Result<ResumePlan, CommandError> {
        let step = match &intent.step {
            Some(plan) => Some(StepOrder {
                thread: intent.only.map_or_else(|| self.os_tid(), Ok)?,
                plan: plan.clone(),
                marks: None,
            }),
            None => None,
        };
        let signal = intent.signal.unwrap_or_else(|| self.usual_signal_order());
        let wanted = self.breakpoints.traps(system_id);
        let deferred = self.breakpoints.has_deferred(system_id);
        let filters = self.filters.clone();
        let system = self.system_of_mut(system_id)?;
        let threads = system.processes.iter().flat_map(|process| &process.threads);
        let held = threads.filter(|thread| match intent.only {
            Some(only) => thread.os != only,
            None => thread.frozen,
        });
        let threads = held
            .map(|thread| ThreadOrder {
                thread: thread.os,
                rule: ThreadRule::Hold,
            })
            .collect();
        Ok(ResumePlan {
            threads,
            signal,
            modules: filters.modules(deferred && intent.stops_for_modules()),
            signals: Some(filters.policy()),
            detail: StopDetail {
                stack_bytes: match step {
                    Some(_) => STACK_AFTER_STEP,
                    None => STACK_AFTER_RUN,
                },
                vector: false,
            },
            stop_at_exit: filters.stops_at_exit(),
            note_threads: filters.notes_threads(),
            traps: system.traps.delta(wanted),
            step,
            stops: filters.stops(),
        })
    }

    /// The server has answered a resume: the target runs, or nothing runs and here is why.
    pub(super) fn resume_answered(&mut self) {
        let RunState::Running { system, pending, .. } = &mut self.execution.state else {
            return;
        };
        let (system, Some(pending)) = (*system, pending.take()) else {
            return;
        };
        let mailbox = Rc::clone(&self.mailbox);
        let Ok(target) = self.system_of_mut(system) else {
            return;
        };
        // The answer is here, or right behind the stop that overtook it.
        match mailbox.patiently(|| pending.wait(&target.link)) {
            Ok(resumed) => target.traps.acknowledge(resumed.generation),
            // The server's set is another than was thought: the full set mends it.
            Err(TargetError::Invalid { .. }) if target.traps.forget() => {
                let RunState::Running { intent, .. } = std::mem::take(&mut self.execution.state) else {
                    return;
                };
                self.execution.state = RunState::Rest;
                if let Err(error) = self.begin_resume(intent) {
                    self.output.error(error.to_string());
                    self.abort_suspended();
                }
            }
            Err(error) => {
                target.traps.forget();
                self.explain_refused_resume(&error);
                self.execution.state = RunState::Rest;
                self.breakpoints.clear_temporary();
                self.abort_suspended();
                self.rest_reached();
            }
        }
    }

    fn explain_refused_resume(&mut self, error: &TargetError) {
        if let TargetError::Trap { at, why } = error {
            for id in self.breakpoints.note_trouble(*at, why) {
                self.output.error(format!(
                    "Unable to insert breakpoint {id} at {at}: {why}; clear it (bc {id}) or disable it (bd {id})"
                ));
            }
        }
        self.output.error(format!("The target does not run: {error}"));
    }
}
