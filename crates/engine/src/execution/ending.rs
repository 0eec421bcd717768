//! Lets go of targets: in good order, or because the link was lost.

use farsight_session::record::EventKind;
use farsight_target::{
    AbandonOrder, DetachOrder, EndServerOrder, Machine, MachineProxy, ProcessRef, RunProxy, SignalOrder, TargetError,
};
use farsight_types::{OsPid, SystemId};
use farsight_wire::{Nothing, Pending};

use super::RunState;
use crate::error::CommandError;
use crate::mailbox::Link;
use crate::model::{Motion, Process, System};
use crate::session::Session;
use crate::{Destination, LinkId};

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
    /// Left stopped, for another session of this debugger.
    Abandon,
    /// Left stopped, for any debugger.
    AbandonToAll,
}

/// A release on its way.
struct Sent {
    link: Link,
    pid: OsPid,
    name: String,
    release: Release,
    /// It is a file that is looked at, and nothing that could run.
    of_image: bool,
    /// The signal that it gets on being let go.
    signal: Option<String>,
    pending: Result<Pending<Nothing, TargetError>, TargetError>,
}

impl Session {
    /// Ends the session, and says what became of each process.
    pub(crate) fn end(&mut self, departure: Departure) {
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
            if let Err(why) = self.finish_release(sent) {
                self.output.error(why);
                well = false;
            }
        }
        well
    }

    /// Ends the current system's server (`.endpsrv`), which lets go of its processes. The link ends with it.
    pub(crate) fn end_server(&mut self, force: bool) -> Result<(), CommandError> {
        let id = self.server_system();
        let id = id.ok_or_else(|| CommandError::Refused("there is no connection to a server".into()))?;
        let system = self.system_of(id)?;
        if system.destination == Destination::Local {
            return Err(CommandError::Refused(
                "this system has no process server; q ends the session".into(),
            ));
        }
        let (link, machine) = (system.link.clone(), system.machine.clone());
        let order = EndServerOrder {
            only_unused: Some(!force).filter(|only| *only),
        };
        // Asked first: where other sessions hold processes nothing of ours may have been let go.
        MachineProxy(&link).end_server(order)?;
        self.output.line(format!("The server on {machine} ends."));
        self.tell_fates(id, Farewell::Said);
        self.forget_system(id);
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
            Release::Abandon | Release::AbandonToAll => RunProxy(link).begin_abandon(AbandonOrder {
                process: pid,
                release: release == Release::AbandonToAll,
            }),
        };
        Sent {
            link: link.clone(),
            pid,
            name: process.name().to_owned(),
            release,
            of_image: matches!(system.destination, Destination::Image(_)),
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
        self.finish_release(sent).map_err(CommandError::Refused)?;
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

    /// Waits for a release and tells of it, or says why it cannot be. A process that is gone already is let go.
    fn finish_release(&mut self, sent: Sent) -> Result<(), String> {
        let (pid, name) = (sent.pid, sent.name);
        // What became of a process must be known and said, however impatient the user is.
        let wait = |pending: Pending<Nothing, TargetError>| self.mailbox.patiently(|| pending.wait(&sent.link));
        let result = sent.pending.and_then(wait);
        let told = match (result, sent.release) {
            (Ok(_), _) if sent.of_image => format!("Closed the image file {name}"),
            (Ok(_), Release::Kill) => format!("Killed process {pid} ({name})"),
            (Ok(_), Release::Detach(_)) => {
                let signal = sent.signal.map(|signal| format!(" and gets its {signal}"));
                let signal = signal.unwrap_or_default();
                format!("Detached from process {pid} ({name}); it runs on{signal}")
            }
            (Ok(_), Release::Abandon) => format!(
                "Abandoned process {pid} ({name}); it stays stopped until a session takes it over (.attach -e {pid}) \
                 or it is killed"
            ),
            (Ok(_), Release::AbandonToAll) => format!(
                "Abandoned process {pid} ({name}); it stays stopped until a SIGCONT sets it going, and any debugger may \
                 attach"
            ),
            (Err(TargetError::Ended { .. } | TargetError::NotDebugged { .. }), _) => {
                format!("Process {pid} ({name}) had ended")
            }
            (Err(error), release) => {
                let what = match release {
                    Release::Kill => "kill",
                    Release::Detach(_) => "detach from",
                    Release::Abandon | Release::AbandonToAll => "abandon",
                };
                return Err(format!("Cannot {what} process {pid} ({name}): {error}"));
            }
        };
        self.output.line(told);
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
        let server = self.server_title(id);
        self.output
            .error(format!("*** The connection to {server} was lost: {why}"));
        self.tell_fates(id, Farewell::None);
        self.forget_system(id);
    }

    /// The server ended the session by itself.
    pub(super) fn server_ended(&mut self, id: SystemId, why: &str) {
        let server = self.server_title(id);
        self.output
            .error(format!("*** The server on {server} ended the session: {why}"));
        self.tell_fates(id, Farewell::Said);
        self.forget_system(id);
    }

    /// The server's machine and, where the session has several, which of them it is.
    fn server_title(&self, id: SystemId) -> String {
        let Ok(system) = self.system_of(id) else {
            return String::new();
        };
        let machine = &system.machine;
        match (system.server_name(), self.systems.len()) {
            (_, 0 | 1) => machine.clone(),
            (Some(name), _) => format!("{machine} (system {id}, {name})"),
            (None, _) => format!("{machine} (system {id})"),
        }
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
