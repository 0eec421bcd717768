//! What an engine is started with: the host's command line as data.

use farsight_target::{AttachMode, ChildPolicy};
use farsight_types::OsPid;

use crate::Destination;

/// A process that is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// None: only the connection is.
    #[default]
    None,
    /// This one is attached to (`-p`).
    Process(OsPid),
    /// The one process whose executable has this name is attached to (`-pn`).
    Name(String),
    /// A program is started.
    Program {
        /// Path at the target's machine, or a name to look up there.
        path: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

/// Whether a target's first stop is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialBreak {
    /// As [`EngineOptions::initial_break`] says.
    #[default]
    Usual,
    /// It is not (`-pb`).
    Never,
    /// It is, whatever the session's options are (`.restart`).
    Always,
}

/// A target that is wanted: which, where and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquisition {
    /// Which.
    pub target: Target,
    /// Where; none is the current system, and where there is none, [`EngineOptions::destination`].
    pub destination: Option<Destination>,
    /// How a process is attached to (`-pv -pvr -pe -pr`).
    pub mode: AttachMode,
    /// Whether it is shown when it is first seen.
    pub initial_break: InitialBreak,
    /// What becomes of the processes that it makes (`-o`).
    pub children: ChildPolicy,
    /// Other targets stay where they are until something has happened in this one (`-f`).
    pub freezes_others: bool,
    /// A program's working directory; none is the server's.
    pub directory: Option<String>,
}

impl Acquisition {
    /// A target at the usual place, in the usual way.
    pub fn of(target: Target) -> Acquisition {
        Acquisition {
            target,
            ..Acquisition::default()
        }
    }
}

/// What an event does to the targets, from the start on (`-xe -xd -xn -xi`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventStatus {
    /// Stops them, at an exception's first chance.
    Break,
    /// Stops them at an exception's second chance.
    SecondChance,
    /// Is told.
    Output,
    /// Passes unseen.
    Ignore,
}

/// How an engine starts and how it treats its first target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Where the target services are.
    pub destination: Destination,
    /// The first target.
    pub acquisition: Acquisition,
    /// Stop when the target is first seen; `-g` clears it.
    pub initial_break: bool,
    /// Stop when a process is about to end; `-G` clears it.
    pub final_break: bool,
    /// Events that do something else than usual, as [`crate::check_event`] reads them; the last for an event wins.
    pub filters: Vec<(EventStatus, String)>,
    /// Let go of every target instead of killing those that were launched, however the session ends (`-pd`).
    pub detach_on_exit: bool,
    /// How many seconds a target may take to stop when somebody breaks in; none is the server's own choice (`-pt`).
    pub break_in_seconds: Option<u32>,
    /// Debugging servers that are started with the session (`-server`), as connection strings.
    pub servers: Vec<String>,
    /// How many past commands newcomers can be shown (`-clines`); none is as many as are kept.
    pub history_commands: Option<u32>,
    /// Run after the first stop (`-c`).
    pub command: Option<String>,
    /// A script that runs at the first stop, before `command` (`-cf`); `true` where it shall run again at the first stop
    /// behind each `.restart` (`-cfr`).
    pub script: Option<(String, bool)>,
    /// The log file, written anew (`-logo`), or `true` where what it holds stays (`-loga`).
    pub log: Option<(String, bool)>,
    /// Tell where symbols are found (`-n`).
    pub noisy_symbols: bool,
    /// What expressions are written in at first (`-ee`).
    pub language: crate::expression::Language,
    /// Load symbols with their module and not when they are needed (`-s`).
    pub eager_symbols: bool,
    /// Symbol path (`-y`): directories and debug roots, separated by `;`.
    pub symbol_path: Option<String>,
    /// Image path (`-i`): directories, separated by `;`.
    pub image_path: Option<String>,
    /// Source path (`-srcpath`): directories, separated by `;`.
    pub source_path: Option<String>,
    /// The words that the debugger was started with (`vercommand`).
    pub command_line: Vec<String>,
    /// Say more (`-v`).
    pub verbose: bool,
}

impl EngineOptions {
    /// The defaults, with targets at `destination`.
    pub fn new(destination: Destination) -> EngineOptions {
        EngineOptions {
            destination,
            acquisition: Acquisition::default(),
            initial_break: true,
            final_break: true,
            filters: Vec::new(),
            detach_on_exit: false,
            break_in_seconds: None,
            servers: Vec::new(),
            history_commands: None,
            command: None,
            script: None,
            log: None,
            noisy_symbols: false,
            language: crate::expression::Language::default(),
            eager_symbols: false,
            symbol_path: None,
            image_path: None,
            source_path: None,
            command_line: Vec::new(),
            verbose: false,
        }
    }
}
