//! What the user's filters make of an event: told, run by commands, shown, or passed over.

use farsight_session::Record;
use farsight_session::record::{EventKind, EventReport};
use farsight_target::{Chance, SignalInfo, SignalOrder};
use farsight_types::SystemId;

use super::ResumeIntent;
use super::stop::{Decision, ModuleNews, file_name, signal_event};
use crate::filters::{Code, EventCode, ExceptionRecord, Filter};
use crate::model::Origin;
use crate::rights::Rights;
use crate::session::Session;

impl Session {
    /// Notes an exception before anything is decided about it, so that commands see it.
    pub(super) fn note_exception(&mut self, signal: SignalInfo, chance: Chance) {
        let Some(place) = self.event_place else {
            return;
        };
        let pc = self.registers().ok().map(|registers| registers.pc());
        self.history.exception = Some(ExceptionRecord {
            signal,
            chance,
            place,
            pc,
        });
    }

    /// A signal that its filter stops.
    pub(super) fn judge_signal(&mut self, signal: SignalInfo, chance: Chance, before: &ResumeIntent) -> Decision {
        self.note_exception(signal, chance);
        let kind = signal_event(signal, chance);
        self.judge(Code::Signal(signal.number), chance, kind, before)
    }

    /// Breaks in where a program wrote a line that its filter asks for (`sxe out:...`).
    pub(super) fn watch_output(&mut self, system: SystemId, bytes: &[u8]) {
        let filter = self.filters.event(EventCode::Output);
        let wanted = filter.breaks(Chance::First) || !filter.first.is_empty();
        if !wanted || !self.is_running() || self.execution.output_seen.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        if let Some(line) = lines.find(|line| filter.is_about(&[line])) {
            self.execution.output_seen = Some(line.to_owned());
            self.break_in(system);
        }
    }

    /// A break-in: the user's, or one for a line of output.
    pub(super) fn judge_break_in(&mut self, before: &ResumeIntent) -> Decision {
        match self.execution.output_seen.take() {
            Some(line) if !self.execution.break_in_wanted => {
                let text = format!("Debuggee output: {line}");
                self.judge(
                    Code::Event(EventCode::Output),
                    Chance::First,
                    EventKind::Other { text },
                    before,
                )
            }
            _ => Decision::Show(EventKind::BreakIn),
        }
    }

    /// The program's own break instruction.
    pub(super) fn judge_own_trap(&mut self, before: &ResumeIntent) -> Decision {
        let signal = SignalInfo {
            number: 5,
            code: 1,
            ..SignalInfo::default()
        };
        self.note_exception(signal, Chance::First);
        self.judge(Code::OwnTrap, Chance::First, EventKind::BreakInstruction, before)
    }

    /// An event of a process or thread. `names` is what the filter's argument may ask for.
    pub(super) fn judge_event(
        &mut self,
        code: EventCode,
        names: &[&str],
        kind: EventKind,
        before: &ResumeIntent,
    ) -> Decision {
        match self.filters.event(code).is_about(names) {
            true => self.judge(Code::Event(code), Chance::First, kind, before),
            false => Decision::Pass(before.continued()),
        }
    }

    /// A process runs another program now.
    pub(super) fn judge_exec(&mut self, path: &str, before: &ResumeIntent) -> Decision {
        let kind = EventKind::Exec { path: path.to_owned() };
        // The program that a followed child begins is where it begins for the user.
        let followed = self
            .process()
            .is_ok_and(|process| matches!(process.origin, Origin::Child { .. }));
        let first = self.filters.event(EventCode::InitialBreak).breaks(Chance::First);
        let code = match followed && first && !self.filters.event(EventCode::Exec).explicit {
            true => EventCode::InitialBreak,
            false => EventCode::Exec,
        };
        // A step of the old program leads nowhere in the new one.
        let go = ResumeIntent {
            step: None,
            ..before.continued()
        };
        self.judge_event(code, &[path, file_name(path)], kind, &go)
    }

    /// Runs a filter's commands whatever its break status is; their vote wins, then the status.
    pub(super) fn judge(&mut self, code: Code, chance: Chance, kind: EventKind, before: &ResumeIntent) -> Decision {
        let filter = self.filters.get(code).clone();
        let breaks = filter.breaks(chance);
        if !breaks && filter.is_told() {
            self.tell(kind.clone());
        }
        // What `g` means for the pending signal depends on what happened.
        let event = self.event_of(kind.clone());
        self.last_event.clone_from(&event);
        match self.run_event_commands(filter.commands(chance), filter.rights, before) {
            Vote::Over => Decision::Over,
            Vote::Go(intent) => {
                // Told already where the status does not break; remembered in any case.
                if breaks && let Some(event) = event {
                    self.history.note(event);
                }
                Decision::Pass(*intent)
            }
            Vote::None if breaks => Decision::Show(kind),
            Vote::None => Decision::Pass(ResumeIntent {
                signal: code.is_exception().then(|| order_of(&filter)),
                ..before.continued()
            }),
        }
    }

    fn run_event_commands(&mut self, text: &str, rights: Rights, before: &ResumeIntent) -> Vote {
        if text.is_empty() {
            return Vote::None;
        }
        self.execution.before = before.clone();
        let vote = self.run_breakpoint_commands(text, rights);
        if matches!(self.execution.state, super::RunState::Ended) {
            return Vote::Over;
        }
        vote.map_or(Vote::None, |intent| Vote::Go(Box::new(intent)))
    }

    /// An event at the current place.
    fn event_of(&self, kind: EventKind) -> Option<EventReport> {
        let pid = self.os_pid().ok()?;
        let tid = self.os_tid().ok()?;
        Some(EventReport { pid, tid, kind })
    }

    /// How to go on as the targets went when the last event came (`gc`).
    pub(crate) fn going_on(&self) -> ResumeIntent {
        self.execution.before.continued()
    }

    /// Of breakpoints that were hit, those whose depth of calls is right.
    pub(super) fn at_right_depth(&mut self, mut ids: Vec<u32>) -> Vec<u32> {
        let limits = |session: &Session, id: u32| session.breakpoints.get(id).map(|one| one.spec.depth);
        let deepest = ids.iter().filter_map(|id| limits(self, *id));
        let deepest = deepest.filter_map(|depth| depth.below.max(depth.above)).max();
        let Some(deepest) = deepest else {
            return ids;
        };
        let frames = usize::try_from(deepest).unwrap_or(usize::MAX).saturating_add(1);
        let walked = self.place().and_then(|place| self.walk(place.thread, frames));
        // Where the calls cannot be counted, a stop too many is better than one too few.
        if let Ok(walked) = walked {
            let found = walked.frames.len() as u64;
            ids.retain(|id| {
                limits(self, *id).is_none_or(|depth| {
                    depth.below.is_none_or(|below| found < u64::from(below))
                        && depth.above.is_none_or(|above| found > u64::from(above))
                })
            });
        }
        ids
    }

    /// Tells an event that the targets go on from, and remembers it.
    pub(super) fn tell(&mut self, kind: EventKind) {
        if let Some(event) = self.event_of(kind) {
            self.tell_event(event);
        }
    }

    pub(super) fn tell_event(&mut self, event: EventReport) {
        self.history.note(event.clone());
        self.output.record(Record::Event(event));
    }

    /// Modules that came and went: told as the filters say, less the one that the targets stop for, which is returned.
    pub(super) fn judge_modules(&mut self, news: &ModuleNews, may_break: bool) -> Option<(EventCode, EventKind)> {
        let Ok(process) = self.process() else {
            return None;
        };
        let loaded = news.loaded.iter().filter_map(|base| {
            let module = process.modules.iter().find(|module| module.image.base == *base)?;
            let kind = EventKind::ModuleLoaded {
                start: module.image.base,
                end: module.range().end(),
                path: module.image.path.clone(),
            };
            Some((EventCode::Load, module.name.clone(), kind))
        });
        let unloaded = news.gone.iter().map(|module| {
            let kind = EventKind::ModuleUnloaded {
                start: module.image.base,
                path: module.image.path.clone(),
            };
            (EventCode::Unload, module.name.clone(), kind)
        });
        let events: Vec<_> = unloaded.chain(loaded).collect();
        let mut stops = None;
        for (code, name, kind) in events {
            let filter = self.filters.event(code);
            let about = filter.is_about(&[&name, file_of(&kind)]);
            let wanted = about && (filter.breaks(Chance::First) || !filter.first.is_empty());
            if may_break && wanted && stops.is_none() {
                stops = Some((code, kind));
            } else if filter.is_told() {
                self.tell(kind);
            }
        }
        stops
    }

    /// What becomes of the signal of the last stop when a command does not say: it is delivered unless its filter calls
    /// it handled.
    pub(super) fn usual_signal_order(&self) -> SignalOrder {
        match self.last_event.as_ref().map(|event| &event.kind) {
            Some(EventKind::BreakInstruction) => order_of(self.filters.get(Code::OwnTrap)),
            Some(EventKind::Signal { number, .. }) => order_of(self.filters.signal(*number)),
            _ => SignalOrder::Deliver,
        }
    }
}

/// What commands of an event come to.
enum Vote {
    /// None of them sets the targets going.
    None,
    Go(Box<ResumeIntent>),
    /// The session is over.
    Over,
}

fn order_of(filter: &Filter) -> SignalOrder {
    match filter.handled {
        true => SignalOrder::Drop,
        false => SignalOrder::Deliver,
    }
}

/// The file's name of a module that came or went.
fn file_of(kind: &EventKind) -> &str {
    match kind {
        EventKind::ModuleLoaded { path, .. } | EventKind::ModuleUnloaded { path, .. } => file_name(path),
        _ => "",
    }
}
