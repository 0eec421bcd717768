//! The state of the session: everything that the engine's one thread owns.
//!
//! Commands see targets through the methods in [`access`], [`names`] and [`walk`]; they wait for answers where they
//! must, while everything else that arrives is kept in order.

mod access;
mod code;
mod fetch_debug;
mod index;
mod input;
mod load;
mod locals;
mod looks;
mod names;
mod pseudo;
mod registers;
mod source;
mod stack;
mod step_filter;
mod stream;
mod typed;
mod values;
mod visitors;
mod walk;

pub(crate) use access::number;
use index::Builders;
pub(crate) use index::TypeNames;
pub(crate) use input::Question;
use input::Questions;
pub(crate) use load::Manner;
pub(crate) use locals::{FrameLocals, LocalVariable, ShownLocal};
pub(crate) use looks::{ChosenFrame, LookMemos};
pub(crate) use source::{Reach, SourceFault, SourceSettings, is_shared_line, take_function_name, take_source_line};
pub(crate) use stack::{Readers, Stacked};
pub(crate) use step_filter::StepFilter;
pub(crate) use stream::PIECE;
pub(crate) use typed::{TypedScope, cpp_type_in_module, split_name};
pub(crate) use values::ValueScope;
pub(crate) use walk::Walked;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use farsight_session::ClientId;
use farsight_session::record::EventReport;
use farsight_types::{Address, ProcessId, SystemId};

use crate::aliases::AliasBook;
use crate::breakpoints::BreakpointBook;
use crate::error::CommandError;
use crate::execution::Execution;
use crate::expression::cpp::Operand;
use crate::expression::{Language, Radix};
use crate::filters::{Filters, History};
use crate::mailbox::Mailbox;
use crate::manners::Manners;
use crate::model::{Place, Process, System};
use crate::output::Output;
use crate::rights::{Gate, Rights};
use crate::servers::KnownServer;
use crate::symbols::SymbolStore;
use crate::values::Formatters;
use crate::{EngineMessage, EngineOptions, LinkId, Outside};

/// How long is waited before it is looked again whether clients have read on.
const PACE: Duration = Duration::from_millis(2);

/// What commands remember from one to the next.
#[derive(Clone)]
pub(crate) struct Memos {
    /// What numbers without a prefix are.
    pub(crate) radix: Radix,
    /// What expressions are written in (`.expr`).
    pub(crate) language: Language,
    /// `$t0` to `$t19`.
    pub(crate) user_variables: [u64; 20],
    /// The last name that `dt` showed.
    pub(crate) type_name: Option<String>,
    /// Those of them that were set with a type (`r?`).
    pub(crate) typed_variables: BTreeMap<usize, Operand>,
    /// Where `d` goes on, and in which form.
    pub(crate) dump: Option<(Address, &'static str)>,
    /// Where `u` goes on.
    pub(crate) disassembly: Option<Address>,
    /// Where programs are started (`.createdir`); none is the server's directory.
    pub(crate) create_directory: Option<String>,
    /// Where `s` goes on.
    pub(crate) search: Option<Address>,
    /// `$exp`.
    pub(crate) last_value: u64,
    /// What commands that look and change remember beside.
    pub(crate) looks: LookMemos,
    /// `$eventip` and `$previp`.
    pub(crate) event_ip: Option<u64>,
    pub(crate) previous_event_ip: Option<u64>,
    /// Stops show registers (`pr`, `tr`).
    pub(crate) shows_registers: bool,
}

/// Everything the engine's thread owns.
pub(crate) struct Session {
    pub(crate) mailbox: Rc<Mailbox>,
    /// Given to links, so that their news arrive here.
    pub(crate) inbox: Sender<EngineMessage>,
    pub(crate) outside: Gate,
    pub(crate) options: EngineOptions,
    pub(crate) output: Output,
    pub(crate) systems: Vec<System>,
    /// What commands are about.
    pub(crate) current: Option<Place>,
    /// The system that commands which need no process are about, where it is not the current place's: one without
    /// processes.
    pub(crate) chosen_system: Option<SystemId>,
    /// Where the last event happened.
    pub(crate) event_place: Option<Place>,
    pub(crate) last_event: Option<EventReport>,
    pub(crate) filters: Filters,
    pub(crate) history: History,
    pub(crate) breakpoints: BreakpointBook,
    pub(crate) symbols: SymbolStore,
    pub(crate) memos: Memos,
    pub(crate) sources: SourceSettings,
    pub(crate) builders: Builders,
    pub(crate) execution: Execution,
    pub(crate) aliases: AliasBook,
    pub(crate) manners: Manners,
    /// How values of libraries' types are shown.
    pub(crate) formatters: Formatters,
    /// Those of this session, by number.
    pub(crate) servers: Vec<KnownServer>,
    /// Whose command runs.
    pub(crate) author: Option<ClientId>,
    /// What its author may do.
    pub(crate) rights: Rights,
    questions: Questions,
    next_link: u32,
    next_system: u32,
}

impl Session {
    pub(crate) fn new(
        mailbox: Rc<Mailbox>,
        inbox: Sender<EngineMessage>,
        outside: Box<dyn Outside>,
        options: EngineOptions,
    ) -> Session {
        use crate::symbols::search::split_paths;
        let mut symbols = SymbolStore::default();
        symbols.begin_with(options.noisy_symbols, options.eager_symbols);
        symbols.paths.symbols = options.symbol_path.as_deref().map(split_paths).unwrap_or_default();
        symbols.paths.images = options.image_path.as_deref().map(split_paths).unwrap_or_default();
        symbols.paths.sources = options.source_path.as_deref().map(split_paths).unwrap_or_default();
        let filters = Filters::at_start(&options);
        let output = Output::keeping(options.history_commands);
        let language = options.language;
        Session {
            mailbox,
            inbox,
            outside: Gate::new(outside),
            options,
            output,
            systems: Vec::new(),
            current: None,
            chosen_system: None,
            event_place: None,
            last_event: None,
            filters,
            history: History::default(),
            breakpoints: BreakpointBook::default(),
            symbols,
            memos: Memos {
                radix: Radix::default(),
                language,
                user_variables: [0; 20],
                type_name: None,
                typed_variables: BTreeMap::new(),
                dump: None,
                disassembly: None,
                search: None,
                create_directory: None,
                last_value: 0,
                looks: LookMemos::default(),
                event_ip: None,
                previous_event_ip: None,
                shows_registers: false,
            },
            sources: SourceSettings::default(),
            builders: Builders::default(),
            execution: Execution::default(),
            aliases: AliasBook::default(),
            manners: Manners::default(),
            formatters: Formatters::default(),
            servers: Vec::new(),
            author: None,
            rights: Rights::ALL,
            questions: Questions::default(),
            next_link: 0,
            next_system: 0,
        }
    }

    pub(crate) fn new_link_id(&mut self) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link += 1;
        id
    }

    pub(crate) fn new_system_id(&mut self) -> SystemId {
        let id = SystemId(self.next_system);
        self.next_system += 1;
        id
    }

    /// The system was given back unused.
    pub(crate) fn return_system_id(&mut self, id: SystemId) {
        if id.0.checked_add(1) == Some(self.next_system) {
            self.next_system = id.0;
        }
    }

    /// The system whose server answers what needs no process: the current one, or whichever is there.
    pub(crate) fn server_system(&self) -> Option<SystemId> {
        let there = |id: &SystemId| self.system_of(*id).is_ok_and(|system| !system.link.is_lost());
        let current = self.current.map(|place| place.system);
        let any = || self.systems.iter().find(|system| !system.link.is_lost());
        let chosen = current.filter(there).or(self.chosen_system.filter(there));
        chosen.or_else(|| any().map(|system| system.id))
    }

    /// Remembers where the current system and process are left, for when they are chosen again.
    pub(crate) fn leave_place(&mut self) {
        let Some(place) = self.current else { return };
        if let Ok(system) = self.system_of_mut(place.system) {
            system.left_at = Some(place.process);
            if let Some(process) = system.process_mut(place.process) {
                process.left_at = Some(place.thread);
            }
        }
    }

    /// Where commands are in a system, or in this process of it: where it was left, or at the first there is.
    pub(crate) fn place_in(&self, id: SystemId, process: Option<ProcessId>) -> Option<Place> {
        let system = self.system_of(id).ok()?;
        let wanted = process.or(system.left_at).and_then(|process| system.process(process));
        let process = match process {
            Some(_) => wanted?,
            None => wanted.or_else(|| system.processes.iter().find(|process| !process.threads.is_empty()))?,
        };
        let left = process.left_at.and_then(|thread| process.thread(thread));
        Some(Place {
            system: id,
            process: process.id,
            thread: left.or_else(|| process.threads.first())?.id,
        })
    }

    /// What commands are about, or that there is nothing.
    pub(crate) fn place(&self) -> Result<Place, CommandError> {
        self.current.ok_or(CommandError::NoDebuggee)
    }

    pub(crate) fn system_of(&self, id: SystemId) -> Result<&System, CommandError> {
        let found = self.systems.iter().find(|system| system.id == id);
        found.ok_or(CommandError::NoDebuggee)
    }

    pub(crate) fn system_of_mut(&mut self, id: SystemId) -> Result<&mut System, CommandError> {
        let found = self.systems.iter_mut().find(|system| system.id == id);
        found.ok_or(CommandError::NoDebuggee)
    }

    /// The current system.
    pub(crate) fn system(&self) -> Result<&System, CommandError> {
        self.system_of(self.place()?.system)
    }

    /// The current process.
    pub(crate) fn process(&self) -> Result<&Process, CommandError> {
        let place = self.place()?;
        self.process_of(place.system, place.process)
    }

    pub(crate) fn process_of(&self, system: SystemId, process: ProcessId) -> Result<&Process, CommandError> {
        self.system_of(system)?.process(process).ok_or(CommandError::NoDebuggee)
    }

    /// The current process, to be changed.
    pub(crate) fn process_mut(&mut self) -> Result<&mut Process, CommandError> {
        let place = self.place()?;
        let system = self.system_of_mut(place.system)?;
        system.process_mut(place.process).ok_or(CommandError::NoDebuggee)
    }

    /// Ends a command that the user wants to end, and holds one that shows more than its clients can read. Their ends
    /// are on this machine; a client far away is read for by whoever serves it.
    pub(crate) fn check_interrupt(&self) -> Result<(), CommandError> {
        let mut interrupted = self.mailbox.is_interrupted();
        while !interrupted && self.output.clients.is_behind() {
            interrupted = self.mailbox.is_interrupted_within(PACE);
        }
        match interrupted {
            true => Err(CommandError::Interrupted),
            false => Ok(()),
        }
    }
}
