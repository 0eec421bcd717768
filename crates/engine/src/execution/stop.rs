//! What a stop comes to: shown, or passed over in silence.

use farsight_session::Record;
use farsight_session::record::{Ending, EventKind, EventReport, SignalChance, StopReport};
use farsight_target::{Chance, ExitStatus, SignalInfo, StepPlan, Stop, StopCause};
use farsight_types::{Address, OsPid, SystemId};

use super::{ResumeIntent, RunState, signal_meaning, signal_name};
use crate::error::CommandError;
use crate::filters::{Code, EventCode};
use crate::model::{Module, Origin, Place};
use crate::session::Session;

/// What becomes of a stop.
pub(super) enum Decision {
    /// It is shown, and the session rests.
    Show(EventKind),
    /// The targets go on.
    Pass(ResumeIntent),
    /// A breakpoint's commands ended the session.
    Over,
}

impl Session {
    /// A system has come to rest.
    pub(super) fn take_stop(&mut self, system: SystemId, stop: Stop) {
        let span = tracing::info_span!("stop", number = stop.number, cause = ?stop.cause);
        let _inside = span.enter();
        self.mailbox.clear_interrupt();
        // An answer that the stop has overtaken still says what traps the server has, and whose process this is.
        self.resume_answered();
        self.acquire_answered();
        let before = match std::mem::replace(&mut self.execution.state, RunState::Rest) {
            RunState::Running { intent, .. } => intent,
            _ => ResumeIntent::go(),
        };
        let (pid, tid, cause) = (stop.process, stop.thread, stop.cause.clone());
        let Ok(mut news) = self.apply(system, stop) else {
            return;
        };
        let mut early = None;
        if let StopCause::Exec { path } = &cause {
            self.forget_program(system, pid);
            // That the old program's modules went goes without saying.
            news.gone.clear();
            if let Ok(process) = self.process_mut() {
                process.path.clone_from(path);
            }
            // Told before the new program's modules are.
            early = Some(self.judge_exec(path, &before));
        }
        let module = self.judge_modules(&news, !matches!(cause, StopCause::Attached | StopCause::Exited { .. }));
        let has_news = !news.loaded.is_empty() || !news.gone.is_empty();
        if has_news && !matches!(cause, StopCause::Exited { .. }) {
            self.bind_breakpoints(&news.gone);
        }
        let mut decision = match early {
            Some(decision) => decision,
            None => self.decide(cause, &before),
        };
        if let Some((code, kind)) = module {
            decision = match decision {
                // The targets rest anyway.
                shown @ (Decision::Show(_) | Decision::Over) => {
                    self.tell(kind);
                    shown
                }
                Decision::Pass(_) => self.judge(Code::Event(code), Chance::First, kind, &before),
            };
        }
        let kind = match decision {
            Decision::Show(kind) => kind,
            Decision::Pass(_) if self.execution.break_in_wanted => EventKind::BreakIn,
            Decision::Pass(intent) => {
                match self.begin_resume(intent) {
                    Ok(()) => return,
                    Err(error) => self.output.error(error.to_string()),
                }
                EventKind::BreakIn
            }
            Decision::Over => return,
        };
        self.execution.break_in_wanted = false;
        self.breakpoints.clear_temporary();
        let event = EventReport { pid, tid, kind };
        self.last_event = Some(event.clone());
        if matches!(event.kind, EventKind::Exited { .. }) {
            self.process_gone(system, pid);
        }
        self.show_stop(event);
        self.rest_reached();
    }

    /// Takes over what a stop tells of processes, threads, images, registers and memory.
    fn apply(&mut self, system_id: SystemId, stop: Stop) -> Result<ModuleNews, CommandError> {
        self.breakpoints.note_hits(&stop.hits);
        let system = self.system_of_mut(system_id)?;
        system.forget_rest();
        system.stop_number = stop.number;
        if system.process_by_os(stop.process).is_none() {
            system.add_process(stop.process, String::new(), Origin::Attached);
        }
        let found = system.processes.iter_mut().find(|process| process.os == stop.process);
        let process = found.ok_or(CommandError::NoDebuggee)?;
        for (range, bytes) in stop.memory_parts() {
            process.memory.fill(range.start, bytes);
        }
        process.apply_threads(stop.threads);
        let (loaded, gone) = process.apply_images(stop.images);
        let thread = process.thread_for(stop.thread);
        if let Some(thread) = process.thread_mut(thread) {
            thread.registers = stop.registers;
        }
        let place = Place {
            system: system_id,
            process: process.id,
            thread,
        };
        self.current = Some(place);
        self.event_place = Some(place);
        self.memos.dump = None;
        self.memos.disassembly = None;
        Ok(ModuleNews { loaded, gone })
    }

    /// The process runs another program: nothing that was known of the old one holds.
    fn forget_program(&mut self, system: SystemId, pid: OsPid) {
        let Ok(system) = self.system_of_mut(system) else {
            return;
        };
        system.traps.forget_process(pid);
        let id = system.id;
        if let Some(process) = system.process_by_os(pid).map(|process| process.id) {
            self.breakpoints.unbind_process(id, process);
        }
    }

    /// Looks breakpoints of the current process up again, after modules came or went or their symbols were reloaded.
    pub(crate) fn bind_breakpoints(&mut self, gone: &[Module]) {
        let Some(place) = self.current else {
            return;
        };
        let mut unbound = Vec::new();
        for one in self.breakpoints.iter() {
            if one.spec.system != place.system || one.spec.process != place.process {
                continue;
            }
            match one.bound {
                None if !one.spec.expression.is_empty() => unbound.push((one.id, one.spec.expression.clone())),
                Some(bound) if gone.iter().any(|module| module.range().contains(bound.address)) => {
                    unbound.push((one.id, one.spec.expression.clone()));
                }
                _ => {}
            }
        }
        for (id, expression) in unbound {
            let address = self.evaluate(&expression, 0).ok().map(Address);
            self.breakpoints.bind(id, address);
        }
    }

    fn decide(&mut self, cause: StopCause, before: &ResumeIntent) -> Decision {
        let name = || self.process().map(|process| process.path.clone()).unwrap_or_default();
        match cause {
            StopCause::Attached => {
                let kind = EventKind::Attached { name: name() };
                self.judge_event(EventCode::InitialBreak, &[], kind, before)
            }
            StopCause::Launched => {
                let kind = EventKind::Created { name: name() };
                self.judge_event(EventCode::InitialBreak, &[], kind, before)
            }
            StopCause::Traps { ids } => {
                let (breakpoints, temporary) = self.breakpoints.behind(&ids);
                match breakpoints.is_empty() && !temporary {
                    // The breakpoint was cleared while its hit was on the way.
                    true => Decision::Pass(before.continued()),
                    false => self.breakpoints_hit(breakpoints, before),
                }
            }
            StopCause::StepDone => Decision::Show(EventKind::Step),
            StopCause::BreakIn => Decision::Show(EventKind::BreakIn),
            StopCause::Signal { signal, chance } => self.judge_signal(signal, chance, before),
            StopCause::ForeignTrap => self.judge_own_trap(before),
            StopCause::ThreadStarted => {
                self.judge_event(EventCode::ThreadStarted, &[], EventKind::ThreadStarted, before)
            }
            StopCause::ThreadEnding => self.judge_event(EventCode::ThreadEnded, &[], EventKind::ThreadEnded, before),
            StopCause::ProcessStarted => {
                let path = name();
                let kind = EventKind::Other {
                    text: format!("Create process {path}"),
                };
                self.judge_event(EventCode::ProcessStarted, &[&path, file_name(&path)], kind, before)
            }
            StopCause::Modules => Decision::Pass(before.continued()),
            StopCause::Exec { path } => self.judge_exec(&path, before),
            StopCause::Exiting { status } => {
                let path = name();
                let kind = EventKind::Exiting { ending: ending(status) };
                self.judge_event(EventCode::ProcessEnded, &[&path, file_name(&path)], kind, before)
            }
            StopCause::Exited { status } => Decision::Show(EventKind::Exited { ending: ending(status) }),
        }
    }

    /// Runs the commands of breakpoints that were hit; the first that sets the targets going decides.
    fn breakpoints_hit(&mut self, ids: Vec<u32>, before: &ResumeIntent) -> Decision {
        // `gu` is a way to go; the others count instructions.
        let ran_freely = matches!(before.step, None | Some(StepPlan::UntilReturn { .. }));
        self.execution.before = before.clone();
        let mut commands = Vec::new();
        for id in &ids {
            if let Some(breakpoint) = self.breakpoints.get(*id) {
                if ran_freely && !breakpoint.spec.commands.is_empty() {
                    commands.push(breakpoint.spec.commands.clone());
                }
                if breakpoint.spec.one_shot {
                    self.breakpoints.clear(*id);
                }
            }
        }
        let mut votes = Vec::new();
        for text in &commands {
            let vote = self.run_breakpoint_commands(text);
            if matches!(self.execution.state, RunState::Ended) {
                return Decision::Over;
            }
            votes.push(vote);
        }
        // The least execution wins: a breakpoint without a vote to go on, or with none, keeps the targets at rest.
        let all_go_on = !votes.is_empty() && votes.len() == ids.len() && votes.iter().all(Option::is_some);
        let stepping = votes.iter().flatten().find(|vote| vote.step.is_some());
        match (all_go_on, stepping.or(votes.iter().flatten().next())) {
            (true, Some(vote)) => Decision::Pass(vote.clone()),
            _ => Decision::Show(EventKind::Breakpoints { ids }),
        }
    }

    fn show_stop(&mut self, event: EventReport) {
        self.history.note(event.clone());
        let gone = matches!(event.kind, EventKind::Exited { .. });
        let location = match gone {
            true => None,
            false => match self.load_touched().and_then(|()| self.location()) {
                Ok(location) => Some(location),
                Err(error) => {
                    self.output.error(error.to_string());
                    None
                }
            },
        };
        self.output.record(Record::Stop(StopReport {
            event,
            registers: None,
            location,
        }));
    }

    /// Forgets a process that has ended.
    pub(super) fn process_gone(&mut self, system_id: SystemId, pid: OsPid) {
        let Ok(system) = self.system_of_mut(system_id) else {
            return;
        };
        system.traps.forget_process(pid);
        let process = system.process_by_os(pid).map(|process| process.id);
        system.processes.retain(|process| process.os != pid);
        if let Some(process) = process {
            self.breakpoints.forget_process(system_id, process);
        }
        self.choose_another(pid);
    }
}

/// What a stop told of modules.
pub(super) struct ModuleNews {
    pub(super) loaded: Vec<Address>,
    pub(super) gone: Vec<Module>,
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A signal as an event.
pub(super) fn signal_event(signal: SignalInfo, chance: Chance) -> EventKind {
    EventKind::Signal {
        number: signal.number,
        name: signal_name(signal.number),
        meaning: signal_meaning(signal.number),
        address: signal.address,
        sender: signal.sender,
        chance: match chance {
            Chance::First => SignalChance::First,
            Chance::Second => SignalChance::Second,
        },
    }
}

fn ending(status: ExitStatus) -> Ending {
    match status {
        ExitStatus::Code { code } => Ending::Code { code },
        ExitStatus::Signal { number } => Ending::Signal {
            number,
            name: signal_name(number),
        },
    }
}
