//! Keeps account of processes: those that followed ones make, those that end, and what commands are about then.

use farsight_session::record::{EventKind, EventReport};
use farsight_target::{Chance, Family, ProcessBirth, ProcessEnd};
use farsight_types::{OsPid, OsTid, ProcessId, SystemId};

use super::stop::{ModuleNews, ending};
use crate::Acquisition;
use crate::breakpoints::Breakpoint;
use crate::filters::EventCode;
use crate::model::Place;
use crate::session::Session;

/// A program of the session that has ended and can be started again (`.restart`), with its breakpoints.
pub(crate) struct Restartable {
    pub(crate) recipe: Acquisition,
    pub(super) breakpoints: Vec<Breakpoint>,
}

impl Session {
    /// Takes in what a stop tells of other processes than its own, but for those that ended.
    pub(super) fn apply_family(&mut self, system: SystemId, family: &mut Family) {
        for birth in family.started.drain(..) {
            self.process_born(system, &birth);
        }
        for change in family.changed.drain(..) {
            let Ok(found) = self.system_of_mut(system) else {
                return;
            };
            let process = found.processes.iter_mut().find(|process| process.os == change.process);
            let Some(process) = process else { continue };
            process.apply_threads(change.threads);
            let (loaded, gone) = process.apply_images(change.images);
            let first = process.threads.first().map(|thread| (thread.id, thread.os));
            let place = first.map(|(thread, _)| Place {
                system,
                process: process.id,
                thread,
            });
            let mut news = ModuleNews { loaded, gone };
            if let Some(path) = change.path {
                process.path.clone_from(&path);
                self.forget_program(system, change.process);
                news.gone.clear();
                let tid = first.map_or(OsTid(change.process.0), |(_, os)| os);
                self.tell_of(EventCode::Exec, change.process, tid, EventKind::Exec { path });
            }
            if let Some(place) = place {
                self.take_modules(place, &news);
            }
        }
    }

    /// A followed process made another.
    pub(super) fn process_born(&mut self, system: SystemId, birth: &ProcessBirth) {
        let Ok(found) = self.system_of_mut(system) else {
            return;
        };
        found.add_child(birth);
        let kind = EventKind::ProcessStarted { parent: birth.parent };
        if self.filters.event(EventCode::ProcessStarted).stops(Chance::First) {
            // A stop of its own tells it.
            return;
        }
        self.tell_of(EventCode::ProcessStarted, birth.process, birth.thread.tid, kind);
    }

    /// A process is gone while others go on.
    pub(super) fn process_ended(&mut self, system: SystemId, end: ProcessEnd) {
        let kind = EventKind::Exited {
            ending: ending(end.status),
        };
        self.tell_of(EventCode::ProcessEnded, end.process, OsTid(end.process.0), kind);
        self.process_gone(system, end.process);
    }

    /// Tells what happened beside, where its filter does not forbid it.
    fn tell_of(&mut self, code: EventCode, pid: OsPid, tid: OsTid, kind: EventKind) {
        if self.filters.event(code).is_told() {
            self.tell_event(EventReport { pid, tid, kind });
        }
    }

    /// Whether processes are left beside this one.
    pub(super) fn has_others(&self, system: SystemId, pid: OsPid) -> bool {
        self.systems.iter().any(|one| {
            let mut processes = one.processes.iter();
            processes.any(|process| one.id != system || process.os != pid)
        })
    }

    /// Forgets a process that has ended or was let go of.
    pub(crate) fn process_gone(&mut self, system_id: SystemId, pid: OsPid) {
        let Ok(system) = self.system_of_mut(system_id) else {
            return;
        };
        let Some(at) = system.processes.iter().position(|process| process.os == pid) else {
            return;
        };
        let process = system.processes.remove(at);
        let heir = system.heir_of(&process);
        // Copies made by fork may still have its traps: only the full set says what they shall have.
        match system.processes.is_empty() {
            true => system.traps.forget_process(pid),
            false => drop(system.traps.forget()),
        }
        let kept = heir.map(|heir| self.breakpoints.hand_on(system_id, process.id, heir));
        match process.recipe {
            Some(recipe) => {
                let taken = self.breakpoints.take_process(system_id, process.id);
                let breakpoints = kept.unwrap_or(taken);
                self.execution.restartable = Some(Restartable { recipe, breakpoints });
            }
            None => self.breakpoints.forget_process(system_id, process.id),
        }
        if self.execution.alone == Some((system_id, pid)) {
            self.execution.alone = None;
        }
        self.execution
            .arrived
            .retain(|arrived| arrived.system != system_id || arrived.stop.process != pid);
        self.choose_another(system_id, process.id);
    }

    /// Chooses what commands are about after a process went: another one of its system, of any, or nothing.
    fn choose_another(&mut self, system: SystemId, gone: ProcessId) {
        let was_here = |place: &Option<Place>| place.is_some_and(|at| at.system == system && at.process == gone);
        if was_here(&self.event_place) {
            self.event_place = None;
        }
        if !was_here(&self.current) {
            return;
        }
        self.chosen_system = Some(system);
        self.current = self.any_place(system);
    }

    /// A place where a process is, in this system if it has one.
    pub(super) fn any_place(&self, rather: SystemId) -> Option<Place> {
        let all = self.systems.iter().map(|system| system.id);
        [rather]
            .into_iter()
            .chain(all)
            .find_map(|system| self.place_in(system, None))
    }
}
