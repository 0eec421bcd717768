//! Lets go of targets: in good order, or because the link was lost.

use farsight_session::record::EventKind;
use farsight_target::{DetachOrder, ProcessRef, RunProxy, SignalOrder, TargetError};
use farsight_types::{OsPid, SystemId};
use farsight_wire::{Nothing, Pending};

use super::RunState;
use crate::LinkId;
use crate::error::CommandError;
use crate::mailbox::Link;
use crate::model::{Motion, Process, System};
use crate::session::Session;

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// `q`: launched processes die, attached ones are let go.
    Quit,
    /// `qd`: all are let go.
    Detach,
}

/// Whether a server said that it ends a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Farewell {
    Said,
    None,
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// Killed.
    Kill,
    /// Let go, with its pending signal delivered or dropped.
    Detach(SignalOrder),
}

/// A release on its way.
struct Sent {
    link: Link,
    pid: OsPid,
    name: String,
    release: Release,
    /// The signal that it gets on being let go.
    signal: Option<String>,
    pending: Result<Pending<Nothing, TargetError>, TargetError>,
}

impl Session {
    /// Ends the session, and says what became of each process.
    pub(super) fn end(&mut self, departure: Departure) {
        self.mailbox.clear_interrupt();
        let keep = departure == Departure::Detach || self.options.detach_on_exit;
        self.execution.start_failed |= !self.release_all(keep);
        self.abort_suspended();
        for (client, ticket, _) in std::mem::take(&mut self.execution.waiting) {
            self.output
                .done(client, ticket, farsight_session::CommandOutcome::Failed);
        }
        self.execution.state = RunState::Ended;
    }

    /// Lets go of every process, and says what became of each. Whether that went well.
    fn release_all(&mut self, keep: bool) -> bool {
        let mut sent = Vec::new();
        for system in self.systems.iter().filter(|system| !system.link.is_lost()) {
            for process in &system.processes {
                let release = match process.origin.dies_at_quit() && !keep {
                    true => Release::Kill,
                    false => Release::Detach(self.usual_signal_order()),
                };
                sent.push(self.send_release(system, process, release));
            }
        }
        let mut well = true;
        for sent in sent {
            well &= self.finish_release(sent).is_ok();
        }
        well
    }

    /// Lets go of every process as `q` does, while the session stays (`.endpsrv`).
    pub(crate) fn release_everything(&mut self) -> Result<(), CommandError> {
        let processes: Vec<(SystemId, OsPid)> = self
            .systems
            .iter()
            .flat_map(|system| system.processes.iter().map(|process| (system.id, process.os)))
            .collect();
        if !self.release_all(self.options.detach_on_exit) {
            return Err(CommandError::Refused(
                "a process could not be let go; the server was not asked to end".into(),
            ));
        }
        for (system, pid) in processes {
            self.process_gone(system, pid);
        }
        self.execution.state = RunState::Rest;
        self.abort_suspended();
        Ok(())
    }

    /// The signal that a process at rest has stopped for, where that will be delivered.
    fn signal_due(&self, process: &Process, release: Release) -> Option<String> {
        let event = self.last_event.as_ref()?;
        let rests = matches!(self.execution.state, RunState::Rest);
        match &event.kind {
            EventKind::Signal { name, .. }
                if rests && event.pid == process.os && release == Release::Detach(SignalOrder::Deliver) =>
            {
                Some(name.clone())
            }
            _ => None,
        }
    }

    fn send_release(&self, system: &System, process: &Process, release: Release) -> Sent {
        let (link, pid) = (&system.link, process.os);
        let pending = match release {
            Release::Kill => RunProxy(link).begin_terminate(ProcessRef { process: pid }),
            Release::Detach(signal) => RunProxy(link).begin_detach(DetachOrder { process: pid, signal }),
        };
        Sent {
            link: link.clone(),
            pid,
            name: process.name().to_owned(),
            release,
            signal: self.signal_due(process, release),
            pending,
        }
    }

    /// Lets go of the current process (`.detach`, `.kill`).
    pub(crate) fn release_current(&mut self, release: Release) -> Result<(), CommandError> {
        let place = self.place()?;
        let system = self.system()?;
        let sent = self.send_release(system, self.process()?, release);
        let pid = sent.pid;
        self.finish_release(sent)?;
        self.process_gone(place.system, pid);
        self.none_left();
        Ok(())
    }

    /// Nothing runs where nothing is.
    fn none_left(&mut self) {
        for system in &mut self.systems {
            if system.processes.is_empty() {
                system.motion = Motion::Rest;
            }
        }
        if self.is_running() && !self.systems.iter().any(System::is_running) && self.execution.arrived.is_empty() {
            self.execution.state = RunState::Rest;
            self.abort_suspended();
        }
    }

    /// Waits for a release and tells of it. A process that is gone already is let go.
    fn finish_release(&mut self, sent: Sent) -> Result<(), TargetError> {
        let (pid, name) = (sent.pid, sent.name);
        // What became of a process must be known and said, however impatient the user is.
        let wait = |pending: Pending<Nothing, TargetError>| self.mailbox.patiently(|| pending.wait(&sent.link));
        let result = sent.pending.and_then(wait);
        match (result, sent.release) {
            (Ok(_), Release::Kill) => self.output.line(format!("Killed process {pid} ({name})")),
            (Ok(_), Release::Detach(_)) => {
                let signal = sent.signal.map(|signal| format!(" and gets its {signal}"));
                let signal = signal.unwrap_or_default();
                self.output
                    .line(format!("Detached from process {pid} ({name}); it runs on{signal}"));
            }
            (Err(TargetError::Ended { .. } | TargetError::NotDebugged { .. }), _) => {
                self.output.line(format!("Process {pid} ({name}) had ended"));
            }
            (Err(error), Release::Kill) => {
                self.output
                    .error(format!("Cannot kill process {pid} ({name}): {error}"));
                return Err(error);
            }
            (Err(error), Release::Detach(_)) => {
                self.output
                    .error(format!("Cannot detach from process {pid} ({name}): {error}"));
                return Err(error);
            }
        }
        Ok(())
    }

    /// A link is gone, and the processes behind it with it.
    pub(super) fn lost(&mut self, link: LinkId, why: &str) {
        let Some(id) = self.system_behind(link) else {
            return;
        };
        if let RunState::Connecting { link: connecting, .. } = &self.execution.state
            && *connecting == link
        {
            self.give_up_connecting(link, why.to_owned());
            return;
        }
        let machine = self
            .system_of(id)
            .map(|system| system.machine.clone())
            .unwrap_or_default();
        self.output
            .error(format!("*** The connection to {machine} was lost: {why}"));
        self.tell_fates(id, Farewell::None);
        self.forget_system(id);
    }

    /// The server ended the session by itself.
    pub(super) fn server_ended(&mut self, id: SystemId, why: &str) {
        let machine = self
            .system_of(id)
            .map(|system| system.machine.clone())
            .unwrap_or_default();
        self.output
            .error(format!("*** The server on {machine} ended the session: {why}"));
        self.tell_fates(id, Farewell::Said);
        self.forget_system(id);
    }

    /// What the server does with processes that nobody steers any more.
    fn tell_fates(&mut self, id: SystemId, farewell: Farewell) {
        let keep = self.options.detach_on_exit;
        let Ok(system) = self.system_of(id) else {
            return;
        };
        let fates: Vec<String> = system
            .processes
            .iter()
            .map(|process| {
                let fate = match process.origin {
                    origin if origin.dies_at_quit() && !keep => "was launched: the server kills it",
                    // Whether the server could still clean up is not known here.
                    _ if farewell == Farewell::None && system.traps.may_have(process.os) => {
                        "should run on; if its session process was killed, it may die at a breakpoint that was left \
                         planted"
                    }
                    _ => "is let go by the server and runs on",
                };
                format!("*** Process {} ({}) {fate}", process.os, process.name())
            })
            .collect();
        for fate in fates {
            self.output.error(fate);
        }
    }

    fn forget_system(&mut self, id: SystemId) {
        let processes: Vec<_> = match self.system_of(id) {
            Ok(system) => {
                system.link.close();
                system.processes.iter().map(|process| process.id).collect()
            }
            Err(_) => Vec::new(),
        };
        for process in processes {
            self.breakpoints.forget_process(id, process);
        }
        self.systems.retain(|system| system.id != id);
        if self.event_place.is_some_and(|place| place.system == id) {
            self.event_place = None;
        }
        if self.current.is_some_and(|place| place.system == id) {
            self.current = self.any_place(id);
        }
        self.execution.arrived.retain(|arrived| arrived.system != id);
        if self.execution.alone.is_some_and(|(system, _)| system == id) {
            self.execution.alone = None;
        }
        match std::mem::replace(&mut self.execution.state, RunState::Rest) {
            RunState::Acquiring { system, .. } if system == id => self.abort_suspended(),
            // The others run on, as long as there are any.
            RunState::Running { intent } if self.systems.iter().any(System::is_running) => {
                self.execution.state = RunState::Running { intent };
            }
            RunState::Running { intent } | RunState::Settling { intent } => self.settle(intent),
            before => self.execution.state = before,
        }
        if !self.execution.started {
            self.execution.start_failed = true;
            self.execution.state = RunState::Ended;
        }
    }
}
