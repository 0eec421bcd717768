//! Runs one command: what must hold before it may.

use crate::commands::{self, Needs};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::command_line::Command;
use crate::session::Session;

/// Commands that a script may not hold (specification 5.18).
const NOT_IN_SCRIPTS: [&str; 11] = [
    ".lsrcpath",
    ".lsrcfix",
    ".open",
    ".write_cmd_hist",
    ".beep",
    ".cls",
    ".hh",
    ".idle_cmd",
    ".remote",
    ".restart",
    ".wtitle",
];

pub(super) fn not_in_scripts(name: &str) -> bool {
    NOT_IN_SCRIPTS.contains(&name)
}

impl Session {
    /// Runs one command, for each thread that its prefix names.
    pub(super) fn run_command(&mut self, line: &str, command: &Command) -> Result<Flow, CommandError> {
        let span = tracing::info_span!("command", name = %command.name, arguments = %command.arguments);
        let _inside = span.enter();
        self.check_interrupt()?;
        let row = commands::find(&command.name)?;
        match row.needs {
            Needs::Nothing => {}
            Needs::Target => {
                self.process()?;
                if self.is_running() {
                    // Nothing that is remembered of a running target is true any more.
                    self.process_mut()?.forget_rest();
                }
            }
            Needs::Rest => {
                self.process()?;
                if self.is_running() {
                    return Err(CommandError::Running {
                        name: command.name.clone(),
                    });
                }
            }
        }
        commands::run(self, row, line, command)
    }
}
