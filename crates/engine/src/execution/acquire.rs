//! Gets hold of targets: connects where there is no link, then attaches or launches.

use std::rc::Rc;

use farsight_target::{
    AcquireProxy, Acquired, AttachSpec, EnvironmentMerge, LINUX_PROCESSES, LaunchSpec, LettingGo, LossPolicy, Machine,
    MachineProxy, NameQuery, RunProxy, TargetError,
};
use farsight_types::{OsPid, SystemId};
use farsight_wire::Pending;
use farsight_wire::handshake::Welcome;

use super::resume::first_stop;
use super::{Asked, Release, RunState};
use crate::error::CommandError;
use crate::mailbox::Link;
use crate::model::{Origin, System};
use crate::session::Session;
use crate::{Acquisition, AttachMode, ChildPolicy, Destination, InitialBreak, LinkId, Target};

impl Session {
    /// Acquires a target, over the link there is or a new one. Every target rests.
    pub(super) fn connect(&mut self, wanted: Acquisition) {
        let there = match &wanted.destination {
            None => self.server_system(),
            Some(to) => {
                let mut systems = self.systems.iter();
                let found = systems.find(|system| system.destination == *to && !system.link.is_lost());
                found.map(|system| system.id)
            }
        };
        if let Some(system) = there {
            return self.acquire(system, Asked::new(wanted));
        }
        let destination = wanted.destination.clone();
        let destination = destination.unwrap_or_else(|| self.options.destination.clone());
        let id = self.new_link_id();
        let link = Link::new(id, &self.mailbox);
        let sender = self.outside.connect(&destination, id, self.inbox.clone());
        link.set_sender(sender);
        if self.options.detach_on_exit {
            set_loss_policy(&link);
        }
        let pending = match &wanted.target {
            // Needs an answer before the target can be asked for.
            Target::None | Target::Name(_) => None,
            Target::Process(_) | Target::Program { .. } => ask(&link, &wanted, None, self.withheld(&destination)).ok(),
        };
        let fresh = !self.systems.is_empty();
        let system = self.new_system_id();
        self.systems.push(System::new(system, link, destination));
        let asked = Asked { wanted, pending, fresh };
        self.execution.state = RunState::Connecting { link: id, asked };
    }

    pub(super) fn opened(&mut self, link: LinkId, welcome: Welcome) {
        let Some(id) = self.system_behind(link) else {
            return;
        };
        let offers = welcome.capabilities.iter().any(|name| name == LINUX_PROCESSES);
        if !offers {
            let machine = welcome.machine;
            self.give_up_connecting(link, format!("the server on {machine} offers no processes to debug"));
            return;
        }
        if let Ok(system) = self.system_of_mut(id) {
            system.machine = welcome.machine;
            system.server = welcome.product;
        }
        if self.options.verbose
            && let Ok(system) = self.system_of(id)
        {
            let text = format!("Connected to {} on {}", system.server, system.machine);
            self.output.line(text);
        }
        match std::mem::replace(&mut self.execution.state, RunState::Rest) {
            RunState::Connecting { asked, .. } if asked.pending.is_some() => self.await_target(id, asked),
            RunState::Connecting { asked, .. } => self.acquire(id, asked),
            before => self.execution.state = before,
        }
    }

    fn await_target(&mut self, system: SystemId, asked: Asked) {
        self.execution.initial_break = asked.wanted.initial_break;
        self.execution.state = RunState::Acquiring { system, asked };
    }

    fn acquire(&mut self, id: SystemId, mut asked: Asked) {
        if asked.wanted.target == Target::None {
            self.execution.state = RunState::Rest;
            self.rest_reached();
            return;
        }
        match self.send_acquire(id, &asked.wanted) {
            Ok(pending) => {
                asked.pending = Some(pending);
                self.await_target(id, asked);
            }
            Err(error) => self.acquire_failed(id, &asked, &error),
        }
    }

    fn send_acquire(
        &mut self,
        id: SystemId,
        wanted: &Acquisition,
    ) -> Result<Pending<Acquired, TargetError>, TargetError> {
        let Ok(system) = self.system_of(id) else {
            return Err(TargetError::Lost);
        };
        let link = system.link.clone();
        let withheld = self.withheld(&system.destination);
        let found = match &wanted.target {
            Target::Name(name) => {
                let query = NameQuery { name: name.clone() };
                Some(MachineProxy(&link).find_by_name(query)?.process)
            }
            _ => None,
        };
        ask(&link, wanted, found, withheld)
    }

    /// Variables that programs are started without: those that held secrets, where a session process may have been started
    /// before that was known.
    fn withheld(&self, destination: &Destination) -> Vec<String> {
        match destination {
            Destination::Local => self.outside.secret_variables(),
            Destination::ProcessServer(_) | Destination::Image(_) => Vec::new(),
        }
    }

    /// The server has answered: the target is ours and its first stop follows, or it is not.
    pub(super) fn acquire_answered(&mut self) {
        let RunState::Acquiring { system, asked } = &mut self.execution.state else {
            return;
        };
        let id = *system;
        let Some(pending) = asked.pending.take() else {
            return;
        };
        let mailbox = Rc::clone(&self.mailbox);
        let Ok(system) = self.system_of_mut(id) else {
            return;
        };
        let result = mailbox.patiently(|| pending.wait(&system.link));
        let RunState::Acquiring { asked, .. } = &self.execution.state else {
            return;
        };
        let wanted = asked.wanted.clone();
        match result {
            Ok(acquired) => self.have(id, acquired, wanted),
            Err(error) => {
                let RunState::Acquiring { asked, .. } = std::mem::replace(&mut self.execution.state, RunState::Rest)
                else {
                    return;
                };
                self.acquire_failed(id, &asked, &error);
            }
        }
    }

    /// A process is ours.
    fn have(&mut self, id: SystemId, acquired: Acquired, wanted: Acquisition) {
        let Ok(system) = self.system_of_mut(id) else {
            return;
        };
        let pid = acquired.process;
        if system.process_by_os(pid).is_none() {
            system.add_process(pid, acquired.path, origin_of(&wanted));
        }
        let Some(process) = system.processes.iter_mut().find(|process| process.os == pid) else {
            return;
        };
        process.children = wanted.children;
        let number = process.id;
        if wanted.freezes_others {
            self.execution.alone = Some((id, pid));
        }
        if let Target::Program { .. } = &wanted.target {
            let again = self
                .execution
                .restartable
                .take_if(|_| wanted.initial_break == InitialBreak::Always);
            for breakpoint in again.map(|again| again.breakpoints).unwrap_or_default() {
                self.breakpoints.put_back(breakpoint, id, number, pid);
            }
            let recipe = Acquisition {
                initial_break: InitialBreak::Usual,
                ..wanted
            };
            if let Ok(system) = self.system_of_mut(id)
                && let Some(process) = system.process_mut(number)
            {
                process.recipe = Some(recipe);
            }
        }
    }

    fn acquire_failed(&mut self, id: SystemId, asked: &Asked, error: &TargetError) {
        // Errors about processes and programs name the thing, the machine and the cure by themselves.
        let names_it = matches!(
            error,
            TargetError::NoSuchProcess { .. }
                | TargetError::NoSuchName { .. }
                | TargetError::Ambiguous { .. }
                | TargetError::Denied { .. }
                | TargetError::Launch { .. }
        );
        match names_it {
            true => self.output.error(error.to_string()),
            false => {
                let what = in_words(&asked.wanted.target);
                self.output.error(format!("cannot {what}: {error}"));
            }
        }
        // A link that was made for nothing else goes with it, so that the session is as it was.
        if asked.fresh {
            self.drop_system(id);
        }
        self.execution.state = RunState::Rest;
        self.could_not_start();
    }

    /// There is no link.
    pub(super) fn give_up_connecting(&mut self, link: LinkId, why: String) {
        let Some(id) = self.system_behind(link) else {
            return;
        };
        match self.system_of(id).map(|system| &system.destination) {
            Ok(Destination::ProcessServer(_)) => self.output.error(format!("cannot connect: {why}")),
            _ => self.output.error(why),
        }
        self.drop_system(id);
        self.execution.state = RunState::Rest;
        self.could_not_start();
    }

    /// Takes back a system that never had a target.
    fn drop_system(&mut self, id: SystemId) {
        if let Ok(system) = self.system_of(id) {
            system.link.close();
        }
        self.systems.retain(|system| system.id != id);
        self.return_system_id(id);
    }

    /// A target that was asked for cannot be had. At the start that ends the session: there is nothing else to do.
    fn could_not_start(&mut self) {
        if self.execution.started {
            self.abort_suspended();
            self.rest_reached();
        } else {
            self.execution.start_failed = true;
            self.execution.state = RunState::Ended;
        }
    }

    /// How the current program, or the last that has ended, is started again (`.restart`). It is killed.
    pub(crate) fn recipe_for_restart(&mut self) -> Result<Acquisition, CommandError> {
        const NOT_OURS: &str = "only a program that this session has started can be started again";
        if self.current.is_some() {
            if self.process()?.recipe.is_none() {
                return Err(CommandError::Refused(NOT_OURS.into()));
            }
            self.release_current(Release::Kill)?;
        }
        let again = self.execution.restartable.as_ref();
        let again = again.ok_or_else(|| CommandError::Refused(NOT_OURS.into()))?;
        Ok(Acquisition {
            initial_break: InitialBreak::Always,
            ..again.recipe.clone()
        })
    }
}

impl Asked {
    fn new(wanted: Acquisition) -> Asked {
        Asked {
            wanted,
            pending: None,
            fresh: false,
        }
    }
}

/// `-pd` holds however the session ends, so the server must know.
fn set_loss_policy(link: &Link) {
    let policy = LossPolicy {
        attached: LettingGo::Detach,
        launched: LettingGo::Detach,
    };
    if let Ok(pending) = RunProxy(link).begin_set_loss_policy(policy) {
        link.abandon(pending.number());
    }
}

/// What was asked for, in words.
fn in_words(target: &Target) -> String {
    match target {
        Target::None => "acquire nothing".to_owned(),
        Target::Process(pid) => format!("attach to process {pid}"),
        Target::Name(name) => format!("attach to '{name}'"),
        Target::Program { path, .. } => format!("start '{path}'"),
    }
}

fn origin_of(wanted: &Acquisition) -> Origin {
    match (&wanted.target, wanted.mode) {
        (Target::Program { .. }, _) => Origin::Launched,
        (_, AttachMode::Noninvasive | AttachMode::NoninvasiveNoSuspend) => Origin::Observed,
        _ => Origin::Attached,
    }
}

/// Sends a request for a target; `found` is the process behind a name, and `withheld` are variables that a program is started
/// without.
fn ask(
    link: &Link,
    wanted: &Acquisition,
    found: Option<OsPid>,
    withheld: Vec<String>,
) -> Result<Pending<Acquired, TargetError>, TargetError> {
    let process = match &wanted.target {
        Target::Process(process) => Some(*process),
        _ => found,
    };
    let signals = Some(crate::filters::Filters::default().policy());
    let detail = first_stop();
    // What is the rule is not said, so that servers of any release understand.
    let children = Some(wanted.children).filter(|children| *children != ChildPolicy::default());
    let pending = match (&wanted.target, process) {
        (Target::Program { path, arguments }, _) => AcquireProxy(link).begin_launch(LaunchSpec {
            program: path.clone(),
            arguments: arguments.clone(),
            environment: EnvironmentMerge {
                remove: withheld,
                ..EnvironmentMerge::default()
            },
            directory: wanted.directory.clone(),
            randomize: false,
            terminal: None,
            signals,
            detail,
            children,
        })?,
        (_, Some(process)) => AcquireProxy(link).begin_attach(AttachSpec {
            process,
            signals,
            detail,
            mode: Some(wanted.mode).filter(|mode| *mode != AttachMode::default()),
            children,
            start: None,
        })?,
        (_, None) => return Err(TargetError::Unsupported),
    };
    link.watch(pending.number());
    Ok(pending)
}
