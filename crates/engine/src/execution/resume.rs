//! Sets targets going: everything that must be decided at an event travels with the request.

use std::rc::Rc;

use farsight_target::{
    ResumePlan, Run, RunProxy, SignalOrder, StepOrder, StepPlan, StopDetail, TargetError, ThreadOrder, ThreadRule,
    TrapUpdate,
};
use farsight_types::{Address, OsTid, SystemId};

use super::RunState;
use super::stepping::StepShow;
use crate::error::CommandError;
use crate::model::{Motion, Origin, System};
use crate::rights::Rights;
use crate::session::Session;

/// DbgEng's sentence for `g` at a process that is only looked at.
const NOT_ATTACHED: &str = "The debugger is not attached, so process execution cannot be monitored.";

/// How the targets go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResumeIntent {
    /// What becomes of the signal of the last stop, where the command says so.
    pub(crate) signal: Option<SignalOrder>,
    /// A step of the current thread.
    pub(crate) step: Option<StepPlan>,
    /// Where the thread's frames go on when what it steps over throws; none where that is still to be looked up.
    pub(crate) landings: Option<Vec<Address>>,
    /// The step goes on where a stop that was not shown broke it off.
    pub(crate) goes_on: bool,
    /// Only this thread runs (`~2 g`).
    pub(crate) only: Option<OsTid>,
    /// The thread that was current when it was said, which `step` and `only` are about; filled in when the targets are
    /// set going.
    pub(crate) origin: Option<(SystemId, OsTid)>,
    /// What the step notes, and how that is shown.
    pub(crate) shows: StepShow,
    /// Source lines that come behind this step: over calls or into them, and how many.
    pub(crate) lines_left: Option<(bool, u64)>,
    /// Commands that run when the step is done, before it is shown.
    pub(crate) then: Option<String>,
    /// What they may do.
    pub(crate) then_rights: Rights,
}

impl ResumeIntent {
    /// Go, the pending signal dealt with as its kind wants.
    pub(crate) fn go() -> ResumeIntent {
        ResumeIntent::default()
    }

    /// Whether stops between are wanted when modules come: not while single instructions are counted, because a stop
    /// in between would lose the count.
    fn stops_for_modules(&self) -> bool {
        matches!(
            self.step,
            None | Some(StepPlan::UntilReturn { .. } | StepPlan::Lines { .. })
        )
    }

    /// How to go on after a stop that is not shown. The signal has been dealt with.
    pub(super) fn continued(&self) -> ResumeIntent {
        ResumeIntent {
            signal: None,
            goes_on: self.step.is_some(),
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
    /// Sets every system going, with one request each: all are sent before the first is answered. Answers and stops come
    /// up later. Where a system has something to tell that was kept, that is shown first and nothing runs.
    pub(super) fn begin_resume(&mut self, mut intent: ResumeIntent) -> Result<(), CommandError> {
        let place = self.place()?;
        if self.process()?.origin == Origin::Observed {
            return Err(CommandError::Refused(NOT_ATTACHED.into()));
        }
        if intent.origin.is_none() {
            intent.origin = self.os_tid().ok().map(|thread| (place.system, thread));
        }
        if intent.landings.is_none()
            && self
                .os_tid()
                .is_ok_and(|thread| intent.origin == Some((place.system, thread)))
        {
            intent.landings = self.landings_for(intent.step.as_ref()).ok();
        }
        if let Some(event) = self.event_place {
            let order = intent.signal.unwrap_or_else(|| self.usual_signal_order());
            if let Ok(system) = self.system_of_mut(event.system) {
                system.signal = Some(order);
            }
        }
        if self.execution.arrived.is_empty() {
            self.send_resumes(&intent)?;
        }
        self.execution.state = RunState::Running { intent };
        Ok(())
    }

    fn send_resumes(&mut self, intent: &ResumeIntent) -> Result<(), CommandError> {
        let mut plans = Vec::new();
        for id in self.to_run(intent) {
            plans.push((id, self.plan(id, intent)?));
        }
        let mut sent = Err(CommandError::NoDebuggee);
        for (id, plan) in plans {
            let system = self.system_of_mut(id)?;
            match RunProxy(&system.link).begin_resume(plan) {
                Ok(pending) => {
                    system.link.watch(pending.number());
                    system.forget_rest();
                    system.signal = None;
                    system.motion = Motion::Running {
                        pending: Some(pending),
                        asked_to_stop: false,
                    };
                    sent = Ok(());
                }
                // What became of a lost link's processes is told with its loss. The others run.
                Err(error) if sent.is_err() => sent = Err(error.into()),
                Err(_) => {}
            }
        }
        sent
    }

    /// The systems that are set going: those that have something that may run.
    fn to_run(&self, intent: &ResumeIntent) -> Vec<SystemId> {
        let only = match (intent.only, self.execution.alone) {
            (Some(_), _) => intent.origin.map(|(system, _)| system),
            (None, Some((system, _))) => Some(system),
            (None, None) => None,
        };
        let runs = |system: &&System| {
            let mut processes = system.processes.iter();
            !system.is_running()
                && only.is_none_or(|only| only == system.id)
                && processes.any(|process| process.origin != Origin::Observed)
        };
        self.systems.iter().filter(runs).map(|system| system.id).collect()
    }

    fn plan(&mut self, system_id: SystemId, intent: &ResumeIntent) -> Result<ResumePlan, CommandError> {
        let here = intent.origin.filter(|(system, _)| *system == system_id);
        let step = match (&intent.step, here) {
            (Some(plan), Some((_, thread))) => Some(StepOrder {
                thread: intent.only.unwrap_or(thread),
                plan: plan.clone(),
                marks: intent.shows.marks(),
                goes_on: intent.goes_on.then_some(true),
                landings: intent.landings.clone().filter(|landings| !landings.is_empty()),
            }),
            _ => None,
        };
        let wanted = self.breakpoints.traps(system_id);
        let system = self.system_of(system_id)?;
        let deferred = self.breakpoints.wants_modules(system_id, |process, address| {
            let module = system.process(process).and_then(|process| process.module_at(address));
            module.is_some_and(|module| module.image.is_program)
        });
        let filters = self.filters.clone();
        let alone = self.execution.alone;
        let system = self.system_of_mut(system_id)?;
        let held = system.processes.iter().flat_map(|process| {
            let waits = alone.is_some_and(|alone| alone != (system_id, process.os));
            process.threads.iter().filter(move |thread| match intent.only {
                Some(only) => thread.os != only,
                None => thread.frozen || waits,
            })
        });
        let threads = held
            .map(|thread| ThreadOrder {
                thread: thread.os,
                rule: ThreadRule::Hold,
            })
            .collect();
        let signal = system.signal.unwrap_or_default();
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
            break_in_seconds: self.options.break_in_seconds,
        })
    }

    /// The server has answered a resume: the system runs, or nothing of it runs and here is why.
    pub(super) fn resume_answered(&mut self, id: SystemId) {
        let mailbox = Rc::clone(&self.mailbox);
        let Ok(system) = self.system_of_mut(id) else {
            return;
        };
        let Motion::Running { pending, .. } = &mut system.motion else {
            return;
        };
        let Some(pending) = pending.take() else {
            return;
        };
        // The answer is here, or right behind the stop that overtook it.
        let result = mailbox.patiently(|| pending.wait(&system.link));
        let error = match result {
            Ok(resumed) => return system.traps.acknowledge(resumed.generation),
            // The link's loss is told by itself.
            Err(TargetError::Lost) => return,
            Err(error) => error,
        };
        system.motion = Motion::Rest;
        let known = system.traps.forget();
        let (RunState::Running { intent } | RunState::Settling { intent }) = &self.execution.state else {
            return;
        };
        let intent = intent.clone();
        // The server's set is another than was thought: the full set mends it.
        if matches!(error, TargetError::Invalid { .. })
            && known
            && matches!(self.execution.state, RunState::Running { .. })
        {
            match self.send_resumes(&intent) {
                Ok(()) => return,
                Err(error) => self.output.error(error.to_string()),
            }
        }
        self.explain_refused_resume(&error);
        self.settle(intent);
    }

    /// Sends breakpoints that changed while the targets run.
    pub(super) fn send_traps(&mut self) -> Result<(), CommandError> {
        let mailbox = Rc::clone(&self.mailbox);
        let running = self.systems.iter().filter(|system| system.is_running());
        for id in running.map(|system| system.id).collect::<Vec<_>>() {
            let wanted = self.breakpoints.traps(id);
            let system = self.system_of_mut(id)?;
            if !system.traps.differs(&wanted) {
                continue;
            }
            let traps = system.traps.delta(wanted);
            match mailbox.patiently(|| RunProxy(&system.link).update_traps(TrapUpdate { traps })) {
                Ok(resumed) => system.traps.acknowledge(resumed.generation),
                Err(error) => {
                    system.traps.forget();
                    return Err(error.into());
                }
            }
        }
        Ok(())
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
