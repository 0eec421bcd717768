//! What a stop comes to: shown, or passed over in silence.

use farsight_session::Record;
use farsight_session::record::{Ending, EventKind, EventReport, SignalChance, StopReport};
use farsight_target::{Chance, ExitStatus, SignalInfo, Stop, StopCause};
use farsight_types::{Address, OsPid, SystemId};

use super::{ResumeIntent, RunState, signal_meaning, signal_name};
use crate::error::CommandError;
use crate::model::{Module, Origin, Place};
use crate::session::Session;

/// What becomes of a stop.
enum Decision {
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
        if let StopCause::Exec { path } = &cause {
            self.forget_program(system, pid);
            // That the old program's modules went goes without saying.
            news.gone.clear();
            if let Ok(process) = self.process_mut() {
                process.path.clone_from(path);
            }
            let kind = EventKind::Exec { path: path.clone() };
            self.output.record(Record::Event(EventReport { pid, tid, kind }));
        }
        self.show_modules(pid, tid, &news);
        let has_news = !news.loaded.is_empty() || !news.gone.is_empty();
        if has_news && !matches!(cause, StopCause::Exited { .. }) {
            self.bind_breakpoints(&news.gone);
        }
        let kind = match self.decide(cause, &before) {
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

    fn show_modules(&mut self, pid: OsPid, tid: farsight_types::OsTid, news: &ModuleNews) {
        let Ok(process) = self.process() else {
            return;
        };
        let loaded = news.loaded.iter().filter_map(|base| {
            let module = process.modules.iter().find(|module| module.image.base == *base)?;
            Some(EventKind::ModuleLoaded {
                start: module.image.base,
                end: module.range().end(),
                path: module.image.path.clone(),
            })
        });
        let unloaded = news.gone.iter().map(|module| EventKind::ModuleUnloaded {
            start: module.image.base,
            path: module.image.path.clone(),
        });
        let kinds: Vec<EventKind> = unloaded.chain(loaded).collect();
        for kind in kinds {
            self.output.record(Record::Event(EventReport { pid, tid, kind }));
        }
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
            StopCause::Attached => self.first_stop(EventKind::Attached { name: name() }),
            StopCause::Launched => self.first_stop(EventKind::Created { name: name() }),
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
            StopCause::Signal { signal, chance } => Decision::Show(signal_event(signal, chance)),
            StopCause::ForeignTrap => Decision::Show(EventKind::BreakInstruction),
            // Nothing here asks for these yet.
            StopCause::ThreadStarted | StopCause::ThreadEnding | StopCause::ProcessStarted => {
                Decision::Show(EventKind::BreakIn)
            }
            StopCause::Modules => Decision::Pass(before.continued()),
            // Told already, before the new program's modules were.
            StopCause::Exec { .. } => Decision::Pass(ResumeIntent::go()),
            StopCause::Exiting { status } => Decision::Show(EventKind::Exiting { ending: ending(status) }),
            StopCause::Exited { status } => Decision::Show(EventKind::Exited { ending: ending(status) }),
        }
    }

    fn first_stop(&mut self, kind: EventKind) -> Decision {
        if self.options.initial_break {
            return Decision::Show(kind);
        }
        Decision::Pass(ResumeIntent::go())
    }

    /// Runs the commands of breakpoints that were hit; the first that sets the targets going decides.
    fn breakpoints_hit(&mut self, ids: Vec<u32>, before: &ResumeIntent) -> Decision {
        let ran_freely = before.step.is_none();
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
struct ModuleNews {
    loaded: Vec<Address>,
    gone: Vec<Module>,
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
