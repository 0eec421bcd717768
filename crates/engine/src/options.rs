//! What an engine is started with: the host's command line as data.

use farsight_types::OsPid;

use crate::Destination;

/// The first target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Acquisition {
    /// None: the session waits for `.attach` or `.create`.
    #[default]
    None,
    /// Attach to a process (`-p`).
    Attach(OsPid),
    /// Attach to the one process whose executable has this name (`-pn`).
    AttachName(String),
    /// Start a program.
    Launch {
        /// Path at the target's machine, or a name to look up there.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
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
    /// Let go of every target instead of killing those that were launched, however the session ends (`-pd`).
    pub detach_on_exit: bool,
    /// Run after the first stop (`-c`).
    pub command: Option<String>,
    /// Symbol path (`-y`): directories and debug roots, separated by `;`.
    pub symbol_path: Option<String>,
    /// Image path (`-i`): directories, separated by `;`.
    pub image_path: Option<String>,
    /// Say more (`-v`).
    pub verbose: bool,
}

impl EngineOptions {
    /// The defaults, with targets at `destination`.
    pub fn new(destination: Destination) -> EngineOptions {
        EngineOptions {
            destination,
            acquisition: Acquisition::None,
            initial_break: true,
            final_break: true,
            detach_on_exit: false,
            command: None,
            symbol_path: None,
            image_path: None,
            verbose: false,
        }
    }
}
