//! Gets hold of targets: connects where there is no link, then attaches or launches.

use std::rc::Rc;

use farsight_target::{
    AcquireProxy, AttachSpec, EnvironmentMerge, LINUX_PROCESSES, LaunchSpec, LettingGo, LossPolicy, Machine,
    MachineProxy, NameQuery, RunProxy, TargetError,
};
use farsight_types::{OsPid, SystemId};
use farsight_wire::handshake::Welcome;

use super::resume::first_stop;
use super::{Asked, RunState};
use crate::mailbox::Link;
use crate::model::{Origin, System};
use crate::session::Session;
use crate::{Acquisition, AttachMode, ChildPolicy, Destination, LinkId, Target};

impl Session {
    /// Acquires a target, over the link there is or a new one.
    pub(super) fn connect(&mut self, wanted: Acquisition) {
        if let Some(system) = self.systems.iter().find(|system| !system.link.is_lost()) {
            let id = system.id;
            self.acquire(id, wanted);
            return;
        }
        let id = self.new_link_id();
        let link = Link::new(id, &self.mailbox);
        let sender = self.outside.connect(&self.options.destination, id, self.inbox.clone());
        link.set_sender(sender);
        if self.options.detach_on_exit {
            set_loss_policy(&link);
        }
        let asked = match &wanted.target {
            // Needs an answer before the target can be asked for.
            Target::None | Target::Name(_) => None,
            Target::Process(_) | Target::Program { .. } => ask(&link, &wanted, None).ok(),
        };
        self.execution.wanted = wanted;
        self.execution.state = RunState::Connecting { link: id, asked };
        self.systems.retain(|system| !system.link.is_lost());
        let system = self.new_system_id();
        self.systems
            .push(System::new(system, link, String::new(), String::new()));
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
        let wanted = std::mem::take(&mut self.execution.wanted);
        match &mut self.execution.state {
            RunState::Connecting { asked, .. } if asked.is_some() => {
                if let Some(asked) = asked.take() {
                    self.execution.state = RunState::Acquiring { system: id, asked };
                }
            }
            _ => self.acquire(id, wanted),
        }
    }

    fn acquire(&mut self, id: SystemId, wanted: Acquisition) {
        if wanted.target == Target::None {
            self.execution.state = RunState::Rest;
            self.rest_reached();
            return;
        }
        match self.send_acquire(id, &wanted) {
            Ok(asked) => self.execution.state = RunState::Acquiring { system: id, asked },
            Err(error) => self.acquire_failed(&in_words(&wanted.target), &error),
        }
    }

    fn send_acquire(&mut self, id: SystemId, wanted: &Acquisition) -> Result<Asked, TargetError> {
        let Ok(system) = self.system_of(id) else {
            return Err(TargetError::Lost);
        };
        let link = system.link.clone();
        let found = match &wanted.target {
            Target::Name(name) => {
                let query = NameQuery { name: name.clone() };
                Some(MachineProxy(&link).find_by_name(query)?.process)
            }
            _ => None,
        };
        ask(&link, wanted, found)
    }

    /// The server has answered: the target is ours and its first stop follows, or it is not.
    pub(super) fn acquire_answered(&mut self) {
        let RunState::Acquiring { system, asked } = &mut self.execution.state else {
            return;
        };
        let (id, origin, what) = (*system, asked.origin, asked.what.clone());
        let Some(pending) = asked.pending.take() else {
            return;
        };
        let mailbox = Rc::clone(&self.mailbox);
        let Ok(system) = self.system_of_mut(id) else {
            return;
        };
        match mailbox.patiently(|| pending.wait(&system.link)) {
            Ok(acquired) => {
                if system.process_by_os(acquired.process).is_none() {
                    system.add_process(acquired.process, acquired.path, origin);
                }
            }
            Err(error) => self.acquire_failed(&what, &error),
        }
    }

    fn acquire_failed(&mut self, what: &str, error: &TargetError) {
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
            false => self.output.error(format!("cannot {what}: {error}")),
        }
        self.execution.state = RunState::Rest;
        self.could_not_start();
    }

    /// There is no link.
    pub(super) fn give_up_connecting(&mut self, link: LinkId, why: String) {
        self.systems.retain(|system| system.link.id() != link);
        match &self.options.destination {
            Destination::Local => self.output.error(why),
            Destination::ProcessServer(_) => self.output.error(format!("cannot connect: {why}")),
        }
        self.execution.state = RunState::Rest;
        self.could_not_start();
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

/// Sends a request for a target; `found` is the process behind a name.
fn ask(link: &Link, wanted: &Acquisition, found: Option<OsPid>) -> Result<Asked, TargetError> {
    let process = match &wanted.target {
        Target::Process(process) => Some(*process),
        _ => found,
    };
    let signals = Some(crate::filters::Filters::default().policy());
    let detail = first_stop();
    // What is the rule is not said, so that servers of any release understand.
    let children = Some(wanted.children).filter(|children| *children != ChildPolicy::default());
    let (pending, origin) = match (&wanted.target, process) {
        (Target::Program { path, arguments }, _) => {
            let spec = LaunchSpec {
                program: path.clone(),
                arguments: arguments.clone(),
                environment: EnvironmentMerge::default(),
                directory: wanted.directory.clone(),
                randomize: false,
                terminal: None,
                signals,
                detail,
                children,
            };
            (AcquireProxy(link).begin_launch(spec)?, Origin::Launched)
        }
        (_, Some(process)) => {
            let spec = AttachSpec {
                process,
                signals,
                detail,
                mode: Some(wanted.mode).filter(|mode| *mode != AttachMode::default()),
                children,
                start: None,
            };
            (AcquireProxy(link).begin_attach(spec)?, Origin::Attached)
        }
        (_, None) => return Err(TargetError::Unsupported),
    };
    link.watch(pending.number());
    Ok(Asked {
        pending: Some(pending),
        origin,
        what: in_words(&wanted.target),
    })
}
