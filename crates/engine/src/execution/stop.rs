//! What a stop comes to: shown, or passed over in silence.

use farsight_session::Record;
use farsight_session::record::{Ending, EventKind, EventReport, Location, SignalChance, StopReport};
use farsight_target::{Chance, ExitStatus, SignalInfo, StepPlan, Stop, StopCause};
use farsight_types::{Address, OsPid, OsTid, SystemId};

use super::settle::Arrived;
use super::{ResumeIntent, RunState, signal_meaning, signal_name};
use crate::InitialBreak;
use crate::breakpoints::Breakpoint;
use crate::error::CommandError;
use crate::filters::{Code, EventCode};
use crate::model::{Module, Motion, Origin, Place};
use crate::session::{Session, take_source_line};

/// What becomes of a stop.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
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
    pub(super) fn take_stop(&mut self, system: SystemId, mut stop: Box<Stop>) {
        let span = tracing::info_span!("stop", number = stop.number, cause = ?stop.cause);
        let _inside = span.enter();
        self.mailbox.clear_interrupt();
        // An answer that the stop has overtaken still says what traps the server has, and whose process this is.
        self.resume_answered(system);
        self.acquire_answered();
        if let Ok(news) = self.apply(system, &mut stop) {
            self.arrive(Arrived { system, stop, news });
        }
    }

    /// Decides what a stop comes to. Every system rests, and its news have been taken in.
    pub(super) fn show_or_pass(&mut self, arrived: Arrived, before: &ResumeIntent) {
        let Arrived { system, stop, news } = arrived;
        self.execution.state = RunState::Rest;
        let (pid, tid, cause) = (stop.process, stop.thread, stop.cause);
        self.go_to(system, pid, tid);
        let marks = stop.marks.unwrap_or_default();
        self.show_marks(pid, tid, before, &marks);
        if matches!(cause, StopCause::StepDone)
            && let Some(rest) = self.rest_of_line_step(before, marks.len() as u64)
            && self.begin_resume(rest).is_ok()
        {
            return;
        }
        let gone = matches!(cause, StopCause::Exited { .. });
        let early = match &cause {
            // Told before the new program's modules are.
            StopCause::Exec { path } => Some(self.judge_exec(path, before)),
            _ => None,
        };
        let module = self.judge_modules(&news, !matches!(cause, StopCause::Attached | StopCause::Exited { .. }));
        let mut decision = match early {
            Some(decision) => decision,
            None => self.decide(cause, before),
        };
        if let Some((code, kind)) = module {
            decision = match decision {
                // The targets rest anyway.
                shown @ (Decision::Show(_) | Decision::Over) => {
                    self.tell(kind);
                    shown
                }
                Decision::Pass(_) => self.judge(Code::Event(code), Chance::First, kind, before),
            };
        }
        if matches!(decision, Decision::Pass(_)) && self.execution.output_seen.is_some() {
            // A server at rest ignores a break-in: this stop is the one for the output.
            decision = self.judge_break_in(before);
        }
        let kind = match decision {
            // The end of one process is no reason to stop the others.
            Decision::Show(kind) if gone && self.has_others(system, pid) && !self.execution.break_in_wanted => {
                self.tell_event(EventReport { pid, tid, kind });
                self.process_gone(system, pid);
                let intent = match before.origin {
                    Some(origin) if origin == (system, tid) => ResumeIntent::go(),
                    _ => before.continued(),
                };
                match self.begin_resume(intent) {
                    Ok(()) => return,
                    Err(error) => self.output.error(error.to_string()),
                }
                return self.come_to_rest();
            }
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
        let event = EventReport { pid, tid, kind };
        self.last_event = Some(event.clone());
        if self.execution.alone == Some((system, pid)) {
            self.execution.alone = None;
        }
        if gone {
            self.process_gone(system, pid);
        }
        self.show_stop(event);
        self.come_to_rest();
    }

    fn come_to_rest(&mut self) {
        self.execution.break_in_wanted = false;
        self.execution.output_seen = None;
        self.breakpoints.clear_temporary();
        self.rest_reached();
    }

    /// Makes the place of an event the current one.
    fn go_to(&mut self, system_id: SystemId, pid: OsPid, tid: OsTid) {
        let Ok(system) = self.system_of_mut(system_id) else {
            return;
        };
        let Some(process) = system.processes.iter_mut().find(|process| process.os == pid) else {
            return;
        };
        let place = Place {
            system: system_id,
            process: process.id,
            thread: process.thread_for(tid),
        };
        self.leave_place();
        self.current = Some(place);
        self.event_place = Some(place);
        self.memos.dump = None;
        self.memos.disassembly = None;
    }

    /// Takes over what a stop tells of processes, threads, images, registers and memory. What it tells of is taken out.
    fn apply(&mut self, system_id: SystemId, stop: &mut Stop) -> Result<ModuleNews, CommandError> {
        self.breakpoints.note_hits(&stop.hits);
        let system = self.system_of_mut(system_id)?;
        system.motion = Motion::Rest;
        system.forget_rest();
        system.stop_number = stop.number;
        let mut family = stop.family.take().unwrap_or_default();
        self.apply_family(system_id, &mut family);
        let system = self.system_of_mut(system_id)?;
        if system.process_by_os(stop.process).is_none() {
            system.add_process(stop.process, String::new(), Origin::Attached);
        }
        let found = system.processes.iter_mut().find(|process| process.os == stop.process);
        let process = found.ok_or(CommandError::NoDebuggee)?;
        for (range, bytes) in stop.memory_parts() {
            process.memory.fill(range.start, bytes);
        }
        stop.bytes = Vec::new();
        process.apply_threads(std::mem::take(&mut stop.threads));
        let (loaded, mut gone) = process.apply_images(std::mem::take(&mut stop.images));
        let thread = process.thread_for(stop.thread);
        if let Some(thread) = process.thread_mut(thread) {
            thread.registers = stop.registers.take();
        }
        let place = Place {
            system: system_id,
            process: process.id,
            thread,
        };
        if let StopCause::Exec { path } = &stop.cause {
            process.path.clone_from(path);
            self.forget_program(system_id, stop.process);
            // That the old program's modules went goes without saying.
            gone.clear();
        }
        let news = ModuleNews { loaded, gone };
        if !matches!(stop.cause, StopCause::Exited { .. }) {
            self.at(place, |session| session.bind_for(&news));
        }
        for end in family.ended {
            self.process_ended(system_id, end);
        }
        Ok(news)
    }

    fn bind_for(&mut self, news: &ModuleNews) {
        if !news.is_empty() {
            self.bind_breakpoints(&news.gone);
        }
    }

    /// Tells what came of modules where nothing is shown, and looks breakpoints up again.
    pub(super) fn take_modules(&mut self, place: Place, news: &ModuleNews) {
        self.at(place, |session| {
            session.judge_modules(news, false);
            session.bind_for(news);
        });
    }

    /// Does something that is about the current place, at another.
    pub(super) fn at<T>(&mut self, place: Place, work: impl FnOnce(&mut Session) -> T) -> T {
        let before = self.current.replace(place);
        let result = work(self);
        self.current = before;
        result
    }

    /// The process runs another program: nothing that was known of the old one holds.
    pub(super) fn forget_program(&mut self, system: SystemId, pid: OsPid) {
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
        let mut over = Vec::new();
        let mut lost = Vec::new();
        let mut kept = Vec::new();
        let mut lines = Vec::new();
        for one in self.breakpoints.iter() {
            if one.spec.system != place.system || one.spec.process != place.process {
                continue;
            }
            let is_gone = |address: &Address| gone.iter().any(|module| module.range().contains(*address));
            let (goes, stays): (Vec<Address>, Vec<Address>) = one.addresses().partition(is_gone);
            match (goes.is_empty(), stays.is_empty()) {
                (true, true) if !one.spec.expression.is_empty() => {
                    unbound.push((one.id, one.spec.expression.clone()));
                }
                // What came may have the line, too.
                (true, false) if take_source_line(&one.spec.expression).is_some() => {
                    lines.push((one.id, one.spec.expression.clone(), stays));
                }
                (true, _) => {}
                // The places in modules that stay are kept.
                (false, false) if !one.spec.deferred => kept.push((one.id, stays)),
                (false, _) if !one.spec.deferred => over.push(one.id),
                (false, _) => {
                    unbound.push((one.id, one.spec.expression.clone()));
                    lost.push(one.id);
                }
            }
        }
        for id in over {
            self.output
                .line(format!("Breakpoint {id} is cleared: its module was unloaded"));
            self.breakpoints.clear(id);
        }
        // The module may have come back to the same place: its trap went with the old memory all the same.
        for id in lost {
            self.breakpoints.bind(id, &[]);
        }
        for (id, expression, known) in lines {
            let addresses = self.breakpoint_places(&expression);
            if known.iter().all(|address| addresses.contains(address)) {
                self.breakpoints.bind(id, &addresses);
            }
        }
        for (id, stays) in kept {
            self.breakpoints.bind(id, &stays);
        }
        for (id, expression) in unbound {
            let addresses = self.breakpoint_places(&expression);
            self.breakpoints.bind(id, &addresses);
        }
    }

    fn decide(&mut self, cause: StopCause, before: &ResumeIntent) -> Decision {
        let name = || self.process().map(|process| process.path.clone()).unwrap_or_default();
        match cause {
            StopCause::Attached => self.first_stop(EventKind::Attached { name: name() }, before),
            StopCause::Launched => self.first_stop(EventKind::Created { name: name() }, before),
            StopCause::Traps { ids } => {
                let (breakpoints, temporary) = self.breakpoints.behind(&ids);
                let due = |id: &u32| self.breakpoints.get(*id).is_none_or(Breakpoint::is_due);
                let breakpoints: Vec<u32> = breakpoints.into_iter().filter(due).collect();
                let breakpoints = self.at_right_depth(breakpoints);
                match breakpoints.is_empty() && !temporary {
                    // The breakpoint was cleared while its hit was on the way.
                    true => Decision::Pass(before.continued()),
                    false => self.breakpoints_hit(breakpoints, before),
                }
            }
            StopCause::StepDone => self.step_done(before),
            StopCause::BreakIn => self.judge_break_in(before),
            StopCause::Signal { signal, chance } => self.judge_signal(signal, chance, before),
            StopCause::ForeignTrap => self.judge_own_trap(before),
            StopCause::ThreadStarted => {
                self.judge_event(EventCode::ThreadStarted, &[], EventKind::ThreadStarted, before)
            }
            StopCause::ThreadEnding => self.judge_event(EventCode::ThreadEnded, &[], EventKind::ThreadEnded, before),
            StopCause::ProcessStarted => {
                let path = name();
                let parent = self.process().map(|process| process.parent).unwrap_or_default();
                let kind = EventKind::ProcessStarted {
                    parent: parent.unwrap_or_default(),
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

    fn first_stop(&mut self, kind: EventKind, before: &ResumeIntent) -> Decision {
        match self.execution.initial_break {
            InitialBreak::Usual => self.judge_event(EventCode::InitialBreak, &[], kind, before),
            InitialBreak::Never => Decision::Pass(ResumeIntent::go()),
            InitialBreak::Always => Decision::Show(kind),
        }
    }

    /// The commands of a step have the last word.
    fn step_done(&mut self, before: &ResumeIntent) -> Decision {
        let vote = match &before.then {
            Some(text) => self.run_breakpoint_commands(text, before.then_rights),
            None => None,
        };
        match vote {
            _ if matches!(self.execution.state, RunState::Ended) => Decision::Over,
            Some(intent) => Decision::Pass(intent),
            None => Decision::Show(EventKind::Step),
        }
    }

    /// Runs the commands of breakpoints that were hit; the first that sets the targets going decides.
    fn breakpoints_hit(&mut self, ids: Vec<u32>, before: &ResumeIntent) -> Decision {
        // `gu` is a way to go; the others count instructions. A step is one of its own system only.
        let elsewhere = before.origin.map(|(system, _)| system) != self.current.map(|place| place.system);
        let ran_freely = elsewhere || matches!(before.step, None | Some(StepPlan::UntilReturn { .. }));
        self.execution.before = before.clone();
        if let Err(error) = self.choose_frame_of(&ids) {
            self.output.error(error.to_string());
        }
        let mut commands = Vec::new();
        for id in &ids {
            if let Some(breakpoint) = self.breakpoints.get(*id) {
                if ran_freely && !breakpoint.spec.commands.is_empty() {
                    commands.push((breakpoint.spec.commands.clone(), breakpoint.spec.rights));
                }
                if breakpoint.spec.one_shot {
                    self.breakpoints.clear(*id);
                }
            }
        }
        let mut votes = Vec::new();
        for (text, rights) in &commands {
            let vote = self.run_breakpoint_commands(text, *rights);
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

    /// What `.prompt_allow` lets a stop show of where the thread stands: all, or a line of its own.
    fn allowed(&self, mut location: Location) -> (Option<Location>, Option<String>) {
        let shown = self.manners.shown;
        match (shown.disassembly, shown.symbol) {
            (true, true) => (Some(location), None),
            (true, false) => {
                location.place.symbol = None;
                (Some(location), None)
            }
            (false, true) => (None, location.place.symbol.map(|name| format!("{name}:"))),
            (false, false) => (None, None),
        }
    }

    fn show_stop(&mut self, event: EventReport) {
        self.history.note(event.clone());
        self.note_event_place();
        let gone = matches!(event.kind, EventKind::Exited { .. });
        if !gone
            && !self.symbols.is_lazy()
            && let Err(error) = self.load_all_symbols()
        {
            self.output.error(error.to_string());
        }
        let location = match gone {
            true => None,
            false => match self.load_touched().and_then(|()| self.location_at_stop()) {
                Ok(location) => Some(location),
                Err(error) => {
                    self.output.error(error.to_string());
                    None
                }
            },
        };
        let (location, place) = location.map_or((None, None), |location| self.allowed(location));
        let registers = match gone || !self.memos.shows_registers || !self.manners.shown.registers {
            true => None,
            false => crate::commands::register_block(self).ok(),
        };
        self.sources.stopped();
        self.output.record(Record::Stop(StopReport {
            event,
            registers,
            location,
        }));
        if let Some(place) = place {
            self.output.record(Record::Lines(vec![place]));
        }
    }
}

/// What a stop told of modules.
pub(super) struct ModuleNews {
    pub(super) loaded: Vec<Address>,
    pub(super) gone: Vec<Module>,
}

impl ModuleNews {
    fn is_empty(&self) -> bool {
        self.loaded.is_empty() && self.gone.is_empty()
    }
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

pub(super) fn ending(status: ExitStatus) -> Ending {
    match status {
        ExitStatus::Code { code } => Ending::Code { code },
        ExitStatus::Signal { number } => Ending::Signal {
            number,
            name: signal_name(number),
        },
    }
}
