//! What whoever runs a command may do, below the table of commands ([`crate::commands::access`]): a row that is listed
//! there by mistake still reaches nothing that its user may not touch.
//!
//! Three gates: files and servers of the engine's machine ([`Gate`]), requests that change a target
//! ([`crate::mailbox`]), and the session's own state, which an observer's line works on a copy of ([`Aside`]).

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use farsight_session::record::MachineServers;
use farsight_session::{ClientId, Record};
use farsight_types::{AccessRole, ServerId};

use crate::aliases::AliasBook;
use crate::breakpoints::BreakpointBook;
use crate::error::CommandError;
use crate::filters::Filters;
use crate::manners::Manners;
use crate::model::Place;
use crate::outside::OutputFile;
use crate::session::{Memos, Session, SourceSettings};
use crate::symbols::search::SymbolPaths;
use crate::{
    ConnectFailure, DebuggingServer, Destination, EngineMessage, FileFailure, LinkId, LinkSender, ListingFailure,
    OpenFiles, OutputMode, Outside,
};

/// What the author of commands may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) role: AccessRole,
    /// The author came through a debugging server, and is not the engine's own console or the engine itself.
    pub(crate) through_server: bool,
    /// The commands were not typed now: the author set them to run at an event, or made an alias of them.
    pub(crate) kept: bool,
}

impl Default for Rights {
    fn default() -> Rights {
        Rights::ALL
    }
}

impl Rights {
    /// Those of the engine itself and of its console.
    pub(crate) const ALL: Rights = Rights {
        role: AccessRole::Owner,
        through_server: false,
        kept: false,
    };

    /// Those of somebody who is not there.
    const NONE: Rights = Rights {
        role: AccessRole::Observer,
        through_server: true,
        kept: false,
    };

    /// Those of commands that the author leaves behind, to be run when an event comes.
    pub(crate) fn left_behind(self) -> Rights {
        Rights {
            role: self.role,
            through_server: false,
            kept: true,
        }
    }

    /// Those of commands that come from both authors.
    pub(crate) fn at_most(self, other: Rights) -> Rights {
        match other.role < self.role {
            true => Rights {
                role: other.role,
                kept: true,
                ..self
            },
            false => self,
        }
    }

    /// Why something is refused, and what it takes.
    pub(crate) fn refusal(self, what: &str, needed: AccessRole) -> String {
        let role = self.role;
        match self.kept {
            true => format!("{what}: these commands, or an alias in them, come from an {role}; it takes an {needed}"),
            false => format!("{what}: this connection is an {role}'s; connect through a server with role={needed}"),
        }
    }

    /// Whether the author may change nothing.
    pub(crate) fn only_look(self) -> bool {
        self.role == AccessRole::Observer
    }
}

/// What an observer remembers from one line to the next; nobody else notices.
pub(crate) struct OwnMemos {
    memos: Memos,
    sources: SourceSettings,
}

/// The session's own state while an observer's line works on a copy of it.
pub(crate) struct Aside {
    observer: ClientId,
    memos: Memos,
    sources: SourceSettings,
    current: Option<Place>,
    chosen_system: Option<farsight_types::SystemId>,
    aliases: AliasBook,
    filters: Filters,
    breakpoints: BreakpointBook,
    manners: Manners,
    paths: SymbolPaths,
    symbol_options: u32,
    stamps: bool,
}

impl Session {
    /// What a client may do.
    pub(crate) fn rights_of(&self, id: ClientId) -> Rights {
        self.output.clients.get(id).map_or(Rights::NONE, |client| Rights {
            role: client.who.role,
            through_server: client.who.server.is_some(),
            kept: false,
        })
    }

    /// From now on these rights count; those that counted before.
    pub(crate) fn act_with(&mut self, rights: Rights) -> Rights {
        self.outside.0.rights = rights;
        self.mailbox.set_only_look(rights.only_look());
        std::mem::replace(&mut self.rights, rights)
    }

    /// Runs something with these rights.
    pub(crate) fn acting_with<T>(&mut self, rights: Rights, run: impl FnOnce(&mut Session) -> T) -> T {
        let before = self.act_with(rights);
        let result = run(self);
        self.act_with(before);
        result
    }

    /// Refuses what takes a higher role than the author has. `what` is a clause, such as `this writes memory`.
    pub(crate) fn demand(&self, needed: AccessRole, what: &str) -> Result<(), CommandError> {
        match self.rights.role >= needed {
            true => Ok(()),
            false => Err(CommandError::Refused(self.rights.refusal(what, needed))),
        }
    }

    /// Puts the session's state aside for an observer's line, which begins where everybody is, and goes on where this
    /// observer was.
    pub(crate) fn put_aside(&mut self, observer: ClientId) -> Aside {
        let aside = Aside {
            observer,
            memos: self.memos.clone(),
            sources: self.sources.clone(),
            current: self.current,
            chosen_system: self.chosen_system,
            aliases: self.aliases.clone(),
            filters: self.filters.clone(),
            breakpoints: self.breakpoints.clone(),
            manners: self.manners.clone(),
            paths: self.symbols.paths.clone(),
            symbol_options: self.symbols.options,
            stamps: self.output.stamps,
        };
        let own = self
            .output
            .clients
            .get_mut(observer)
            .and_then(|client| client.own.take());
        if let Some(own) = own {
            let shared = std::mem::replace(&mut self.memos, own.memos);
            self.memos.looks.frame = shared.looks.frame;
            self.memos.event_ip = shared.event_ip;
            self.memos.previous_event_ip = shared.previous_event_ip;
            self.memos.shows_registers = shared.shows_registers;
            self.sources = own.sources;
        }
        aside
    }

    /// Puts back what was put aside.
    pub(crate) fn put_back(&mut self, aside: Aside) {
        let memos = std::mem::replace(&mut self.memos, aside.memos);
        let sources = std::mem::replace(&mut self.sources, aside.sources);
        if let Some(client) = self.output.clients.get_mut(aside.observer) {
            client.own = Some(Box::new(OwnMemos { memos, sources }));
        }
        self.current = aside.current;
        self.chosen_system = aside.chosen_system;
        self.aliases = aside.aliases;
        self.filters = aside.filters;
        self.manners = aside.manners;
        self.symbols.paths = aside.paths;
        self.symbols.options = aside.symbol_options;
        self.output.stamps = aside.stamps;
        // Places that were found meanwhile, because symbols came, stay found.
        if !self.breakpoints.are_those_of(&aside.breakpoints) {
            self.breakpoints = aside.breakpoints;
        }
    }
}

/// The world outside, as far as whoever runs commands may use it.
pub(crate) struct Gate(Guarded);

impl Gate {
    pub(crate) fn new(outside: Box<dyn Outside>) -> Gate {
        Gate(Guarded {
            outside,
            rights: Rights::ALL,
        })
    }
}

impl std::ops::Deref for Gate {
    type Target = dyn Outside;

    fn deref(&self) -> &(dyn Outside + 'static) {
        &self.0
    }
}

impl std::ops::DerefMut for Gate {
    fn deref_mut(&mut self) -> &mut (dyn Outside + 'static) {
        &mut self.0
    }
}

struct Guarded {
    outside: Box<dyn Outside>,
    rights: Rights,
}

impl Guarded {
    fn owner(&self, what: &str) -> Result<(), String> {
        match self.rights.role {
            AccessRole::Owner => Ok(()),
            _ => Err(self.rights.refusal(what, AccessRole::Owner)),
        }
    }

    fn file(&self, verb: &str, path: &Path) -> Result<(), FileFailure> {
        let what = format!("cannot {verb} '{}' on the machine of the debugger", path.display());
        self.owner(&what).map_err(FileFailure)
    }
}

impl Outside for Guarded {
    fn connect(&mut self, to: &Destination, link: LinkId, inbox: Sender<EngineMessage>) -> Box<dyn LinkSender> {
        self.outside.connect(to, link, inbox)
    }

    fn start_server(
        &mut self,
        transport: &str,
        server: ServerId,
        inbox: Sender<EngineMessage>,
    ) -> Result<Box<dyn DebuggingServer>, ConnectFailure> {
        self.owner("cannot let others into the session")
            .map_err(ConnectFailure)?;
        self.outside.start_server(transport, server, inbox)
    }

    fn servers_of_machine(&mut self, machine: &str) -> Result<MachineServers, ListingFailure> {
        if self.rights.only_look() {
            let what = "cannot list the servers of a machine";
            return Err(ListingFailure(self.rights.refusal(what, AccessRole::Operator)));
        }
        self.outside.servers_of_machine(machine)
    }

    /// Symbols come from there, whoever asks for them.
    fn open_file(&mut self, path: &Path) -> Option<Arc<dyn farsight_symbols::ImageBytes>> {
        self.outside.open_file(path)
    }

    fn files(&self) -> Arc<dyn OpenFiles> {
        self.outside.files()
    }

    fn read_file(&mut self, path: &Path, most: u64) -> Result<Vec<u8>, FileFailure> {
        self.file("read", path)?;
        self.outside.read_file(path, most)
    }

    fn file_mode(&mut self, path: &Path) -> Result<u32, FileFailure> {
        self.file("read", path)?;
        self.outside.file_mode(path)
    }

    fn open_output(&mut self, path: &Path, mode: OutputMode) -> Result<Box<dyn OutputFile>, FileFailure> {
        self.file("write", path)?;
        self.outside.open_output(path, mode)
    }

    fn complete_path(&mut self, beginning: &str, most: usize) -> Vec<String> {
        match self.rights.role {
            AccessRole::Owner => self.outside.complete_path(beginning, most),
            AccessRole::Observer | AccessRole::Operator => Vec::new(),
        }
    }

    fn now(&self) -> u64 {
        self.outside.now()
    }

    fn render(&self, record: &Record) -> String {
        self.outside.render(record)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.outside.variable(name)
    }

    fn secret_variables(&self) -> Vec<String> {
        self.outside.secret_variables()
    }
}
