//! Runs one command: what must hold before it may.

use farsight_types::without_secrets;

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

/// Commands that end the session.
const ENDING: [&str; 4] = ["q", "qq", "qd", ".endpsrv"];

/// Commands that set targets going.
const RUNNING: [&str; 27] = [
    "g", "gc", "gh", "gn", "gN", "gu", "p", "pa", "pc", "pct", "ph", "pr", "pt", "t", "ta", "tb", "tc", "tct", "th",
    "tr", "tt", "wt", ".restart", ".create", ".attach", ".call", ".reboot",
];

pub(super) fn not_in_scripts(name: &str) -> bool {
    NOT_IN_SCRIPTS.contains(&name)
}

impl Session {
    /// Runs one command, for each thread that its prefix names.
    pub(super) fn run_command(&mut self, line: &str, command: &Command) -> Result<Flow, CommandError> {
        let span =
            tracing::info_span!("command", name = %command.name, arguments = %without_secrets(&command.arguments));
        let _inside = span.enter();
        self.check_interrupt()?;
        if self.rights.through_server {
            commands::check_client(&command.name)?;
        }
        let row = commands::find(&command.name)?;
        commands::check_role(row, &command.name, self.rights)?;
        if command.prefixes.system.is_some() && self.current.is_none() && !self.is_running() {
            // The prefix chooses the process; whether there is one shows then.
            return commands::run(self, row, line, command);
        }
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
                if self.is_running() || self.system()?.is_running() {
                    return Err(CommandError::Running {
                        name: command.name.clone(),
                    });
                }
            }
        }
        self.check_locks(&command.name)?;
        let result = commands::run(self, row, line, command);
        if command.name == ".restart" && result.is_ok() && self.options.script.as_ref().is_some_and(|(_, again)| *again)
        {
            self.manners.script_due = true;
        }
        result
    }

    /// What users have forbidden.
    fn check_locks(&self, name: &str) -> Result<(), CommandError> {
        if self.manners.quit_lock.is_some() && ENDING.contains(&name) {
            return Err(CommandError::Refused(format!(
                "'{name}' is locked; .quit_lock shows the password, .quit_lock /q \"Password\" unlocks"
            )));
        }
        if !self.manners.may_run && RUNNING.contains(&name) {
            return Err(CommandError::Refused(format!(
                "'{name}' would run the target, which .allow_exec_cmds 1 allows again"
            )));
        }
        Ok(())
    }
}
