//! How the session behaves beside the targets: what users have locked, allowed and asked to be shown.

use crate::rights::Rights;
use crate::session::Memos;

/// Settings that hold for the session.
#[derive(Clone)]
pub(crate) struct Manners {
    /// Commands may set targets going (`.allow_exec_cmds`).
    pub(crate) may_run: bool,
    /// `.shell` is refused for good (`.noshell`).
    pub(crate) no_shell: bool,
    /// What unlocks the session's end (`.quit_lock`).
    pub(crate) quit_lock: Option<String>,
    /// Run at each stop that is shown (`.pcmd`).
    pub(crate) stop_command: Option<String>,
    /// What that may do.
    pub(crate) stop_rights: Rights,
    /// What a stop shows (`.prompt_allow`).
    pub(crate) shown: Shown,
    /// Put aside by `.push`.
    pub(crate) pushed: Vec<Memos>,
    /// A script that has yet to run (`-cf`, `-cfr`).
    pub(crate) script_due: bool,
}

impl Default for Manners {
    fn default() -> Manners {
        Manners {
            may_run: true,
            no_shell: false,
            quit_lock: None,
            stop_command: None,
            stop_rights: Rights::ALL,
            shown: Shown::default(),
            pushed: Vec::new(),
            script_due: true,
        }
    }
}

/// What a stop shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// The instruction.
    pub(crate) disassembly: bool,
    /// Where its operand lies. Nothing shows that yet; the setting is kept.
    pub(crate) effective_address: bool,
    /// Registers, where they are asked for.
    pub(crate) registers: bool,
    /// The source line.
    pub(crate) source: bool,
    /// The place by its name.
    pub(crate) symbol: bool,
}

impl Default for Shown {
    fn default() -> Shown {
        Shown {
            disassembly: true,
            effective_address: true,
            registers: true,
            source: true,
            symbol: true,
        }
    }
}
