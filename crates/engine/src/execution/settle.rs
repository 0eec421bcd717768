//! Brings all systems to rest when something happens in one, and chooses what of it is shown.
//!
//! The others are asked to stop in parallel. What they answer to that is taken in and not shown; what really happened
//! in one of them in the same moment is kept, and shown at the next resume before anything runs.

use farsight_target::{BREAK_IN, ProcessEnd, Stop, StopCause};
use farsight_types::SystemId;
use farsight_wire::Port;

use super::stop::ModuleNews;
use super::{ResumeIntent, RunState};
use crate::model::{Motion, Place};
use crate::session::Session;

/// A stop that has been taken in and not been shown.
pub(super) struct Arrived {
    pub(super) system: SystemId,
    pub(super) stop: Box<Stop>,
    /// What it told of the modules of its process.
    pub(super) news: ModuleNews,
}

impl Arrived {
    /// Whether something happened, beside that the stop was asked for.
    fn is_event(&self) -> bool {
        self.stop.cause != StopCause::BreakIn
    }
}

impl Session {
    /// Asks a system to stop.
    pub(super) fn break_in(&mut self, id: SystemId) {
        let Ok(system) = self.system_of_mut(id) else {
            return;
        };
        if let Motion::Running { asked_to_stop, .. } = &mut system.motion {
            *asked_to_stop = true;
        }
        if system.link.urgent(BREAK_IN).is_err() {
            let machine = system.machine.clone();
            self.output
                .error(format!("cannot break in on {machine}: the connection is gone"));
        }
    }

    /// Asks every system that runs to stop; those that were asked already only `again`.
    pub(super) fn stop_running(&mut self, again: bool) {
        let running = self.systems.iter().filter(|system| match &system.motion {
            Motion::Running { asked_to_stop, .. } => again || !asked_to_stop,
            Motion::Rest => false,
        });
        let running: Vec<SystemId> = running.map(|system| system.id).collect();
        for id in running {
            self.break_in(id);
        }
    }

    /// A system has come to rest and its news have been taken in.
    pub(super) fn arrive(&mut self, arrived: Arrived) {
        if self.is_running() && self.ends_quietly(&arrived) {
            return;
        }
        match std::mem::replace(&mut self.execution.state, RunState::Rest) {
            RunState::Running { intent } | RunState::Settling { intent } => {
                self.execution.arrived.push_back(arrived);
                self.settle(intent);
            }
            RunState::Acquiring { .. } => self.show_or_pass(arrived, &ResumeIntent::go()),
            before => {
                self.execution.state = before;
                // One that did not answer in time: nobody waits for its answer any more.
                self.execution.arrived.push_back(arrived);
                self.swallow_break_ins();
            }
        }
    }

    /// A system's last process is gone while other systems run: told, and nothing is stopped for it.
    fn ends_quietly(&mut self, arrived: &Arrived) -> bool {
        let StopCause::Exited { status } = arrived.stop.cause else {
            return false;
        };
        let process = arrived.stop.process;
        let last = self
            .system_of(arrived.system)
            .is_ok_and(|system| system.processes.iter().all(|one| one.os == process));
        if !last || !self.systems.iter().any(|system| system.is_running()) {
            return false;
        }
        self.process_ended(arrived.system, ProcessEnd { process, status });
        true
    }

    /// Something has happened: goes on when every system rests.
    pub(super) fn settle(&mut self, intent: ResumeIntent) {
        if self.systems.iter().any(|system| system.is_running()) {
            self.execution.state = RunState::Settling { intent };
            self.stop_running(false);
            return;
        }
        self.settled(&intent);
    }

    /// The user does not wait for systems that do not answer.
    pub(super) fn settle_without(&mut self) {
        let RunState::Settling { intent } = std::mem::replace(&mut self.execution.state, RunState::Rest) else {
            return;
        };
        let late = self.systems.iter().filter(|system| system.is_running());
        let late: Vec<String> = late.map(|system| system.machine.clone()).collect();
        for machine in late {
            self.output
                .warning(format!("*** {machine} does not answer; its processes may still run"));
        }
        self.settled(&intent);
    }

    fn settled(&mut self, intent: &ResumeIntent) {
        self.execution.state = RunState::Rest;
        let current = self.current.map(|place| place.system);
        let arrived = &self.execution.arrived;
        let chosen = arrived
            .iter()
            .position(Arrived::is_event)
            .or_else(|| arrived.iter().position(|arrived| Some(arrived.system) == current))
            .unwrap_or(0);
        let chosen = self.execution.arrived.remove(chosen);
        self.swallow_break_ins();
        match chosen {
            Some(arrived) => self.show_or_pass(arrived, intent),
            // A system could not be set going, or was lost, and that has been told.
            None => {
                self.breakpoints.clear_temporary();
                self.abort_suspended();
                self.rest_reached();
            }
        }
    }

    /// Forgets the stops that were only asked for, but for their news.
    fn swallow_break_ins(&mut self) {
        let all = std::mem::take(&mut self.execution.arrived);
        let (events, break_ins) = all.into_iter().partition(Arrived::is_event);
        self.execution.arrived = events;
        for Arrived { system, stop, news } in Vec::from(break_ins) {
            let Ok(system) = self.system_of(system) else {
                continue;
            };
            let place = system.process_by_os(stop.process).and_then(|process| {
                Some(Place {
                    system: system.id,
                    process: process.id,
                    thread: process.threads.first()?.id,
                })
            });
            if let Some(place) = place {
                self.at(place, |session| session.judge_modules(&news, false));
            }
        }
    }

    /// Shows what was kept, where the targets shall go on.
    pub(super) fn show_arrived(&mut self) {
        while let RunState::Running { intent } = &self.execution.state
            && !self.systems.iter().any(|system| system.is_running())
        {
            let intent = intent.clone();
            self.settled(&intent);
        }
    }
}
