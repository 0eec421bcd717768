//! Command lines as machines that can be suspended.

use std::collections::VecDeque;
use std::rc::Rc;

use farsight_session::{ClientId, CommandOutcome, OutputMask, Ticket};
use farsight_target::{Run, RunProxy, TrapUpdate};

use super::{Departure, ResumeIntent, RunState};
use crate::Acquisition;
use crate::commands::{self, Needs};
use crate::error::CommandError;
use crate::expression::command_line::{Command, split};
use crate::session::Session;

/// What a command comes to.
#[derive(Debug)]
pub(crate) enum Flow {
    /// It is done.
    Done,
    /// It sets the targets going; the line goes on when they rest.
    Resume(ResumeIntent),
    /// It wants a target; the line goes on at its first stop.
    Acquire(Acquisition),
    /// It ends the session.
    End(Departure),
}

/// A command line on its way.
#[derive(Debug)]
pub(crate) struct Line {
    /// Who waits for its end.
    owner: Option<(ClientId, Ticket)>,
    text: Rc<str>,
    rest: VecDeque<Command>,
    failed: bool,
}

impl Session {
    /// Runs a line from its start. The targets rest.
    pub(super) fn start_line(&mut self, owner: Option<(ClientId, Ticket)>, text: String) {
        self.mailbox.clear_interrupt();
        let mut line = Line {
            owner,
            text: Rc::from(text.as_str()),
            rest: VecDeque::new(),
            failed: false,
        };
        match split(&text) {
            Ok(commands) => line.rest.extend(commands),
            Err(error) => {
                let error = CommandError::syntax(error.position, error.what);
                self.fail_line(&mut line, &error);
            }
        }
        self.go_on(line);
    }

    /// Runs what is left of a line, until it is over or has set something going.
    pub(super) fn go_on(&mut self, mut line: Line) {
        while let Some(command) = line.rest.pop_front() {
            let flow = match self.run_command(&line.text, &command) {
                Ok(flow) => flow,
                Err(error) => {
                    self.fail_line(&mut line, &error);
                    break;
                }
            };
            let begun = match flow {
                Flow::Done => continue,
                Flow::Resume(intent) => self.begin_resume(intent),
                Flow::Acquire(wanted) => {
                    self.connect(wanted);
                    Ok(())
                }
                Flow::End(departure) => {
                    self.end(departure);
                    self.finish_line(line);
                    return;
                }
            };
            match begun {
                // What could not even be asked for has been told already.
                Ok(()) if matches!(self.execution.state, RunState::Rest) => {
                    line.failed = true;
                    break;
                }
                Ok(()) => {
                    self.execution.suspended = Some(line);
                    return;
                }
                Err(error) => {
                    self.fail_line(&mut line, &error);
                    break;
                }
            }
        }
        self.finish_line(line);
    }

    fn fail_line(&mut self, line: &mut Line, error: &CommandError) {
        self.output.text(OutputMask::ERROR, error.report(&line.text));
        line.failed = true;
        line.rest.clear();
    }

    fn finish_line(&mut self, line: Line) {
        match line.owner {
            Some((client, ticket)) => {
                let outcome = match line.failed {
                    true => CommandOutcome::Failed,
                    false => CommandOutcome::Done,
                };
                // The state comes first, so that who waits for the line finds the prompt already there.
                self.tell_state();
                self.output.done(client, ticket, outcome);
            }
            None => self.execution.start_failed |= line.failed,
        }
    }

    /// The line that waited for a rest fails, because there will be none.
    pub(super) fn abort_suspended(&mut self) {
        if let Some(mut line) = self.execution.suspended.take() {
            line.failed = true;
            line.rest.clear();
            self.finish_line(line);
        }
    }

    /// The targets rest and it has been shown: lines go on, in order.
    pub(super) fn rest_reached(&mut self) {
        self.execution.started = true;
        if let Some(line) = self.execution.suspended.take() {
            self.go_on(line);
        }
        if matches!(self.execution.state, RunState::Rest)
            && let Some(command) = self.execution.initial_command.take()
        {
            self.start_line(None, command);
        }
        while matches!(self.execution.state, RunState::Rest) {
            let Some((client, ticket, line)) = self.execution.waiting.pop_front() else {
                return;
            };
            self.start_line(Some((client, ticket)), line);
        }
        if self.is_running() {
            // Lines that came before the start was over are not heard while it runs.
            for (client, ticket, line) in std::mem::take(&mut self.execution.waiting) {
                self.run_beside(client, ticket, line);
            }
        }
    }

    /// Runs a line while the targets run: what needs them at rest is refused.
    pub(super) fn run_beside(&mut self, client: ClientId, ticket: Ticket, text: String) {
        let mut failed = false;
        match split(&text) {
            Err(error) => {
                let error = CommandError::syntax(error.position, error.what);
                self.output.text(OutputMask::ERROR, error.report(&text));
                failed = true;
            }
            Ok(commands) => {
                for command in commands {
                    match self.run_command(&text, &command) {
                        Ok(Flow::Done) => {}
                        Ok(Flow::End(departure)) => {
                            self.end(departure);
                            self.output.done(client, ticket, CommandOutcome::Done);
                            return;
                        }
                        Ok(Flow::Resume(_) | Flow::Acquire(_)) => {
                            let error = CommandError::Running { name: command.name };
                            self.output.text(OutputMask::ERROR, error.report(&text));
                            failed = true;
                        }
                        Err(error) => {
                            self.output.text(OutputMask::ERROR, error.report(&text));
                            failed = true;
                        }
                    }
                    if failed {
                        break;
                    }
                }
            }
        }
        if let Err(error) = self.send_traps() {
            self.output.text(OutputMask::ERROR, error.report(&text));
            failed = true;
        }
        let outcome = match failed {
            true => CommandOutcome::Failed,
            false => CommandOutcome::Done,
        };
        self.output.done(client, ticket, outcome);
    }

    /// Sends breakpoints that changed while the targets run.
    fn send_traps(&mut self) -> Result<(), CommandError> {
        let RunState::Running { system, .. } = self.execution.state else {
            return Ok(());
        };
        let wanted = self.breakpoints.traps(system);
        let mailbox = Rc::clone(&self.mailbox);
        let system = self.system_of_mut(system)?;
        if !system.traps.differs(&wanted) {
            return Ok(());
        }
        let traps = system.traps.delta(wanted);
        let result = mailbox.patiently(|| RunProxy(&system.link).update_traps(TrapUpdate { traps }));
        match result {
            Ok(resumed) => {
                system.traps.acknowledge(resumed.generation);
                Ok(())
            }
            Err(error) => {
                system.traps.forget();
                Err(error.into())
            }
        }
    }

    /// Runs the commands of a breakpoint, inside the wait that its hit ended: the first that sets the targets going is
    /// the vote on how to go on, and what is behind it is dropped.
    pub(super) fn run_breakpoint_commands(&mut self, text: &str) -> Option<ResumeIntent> {
        let commands = match split(text) {
            Ok(commands) => commands,
            Err(error) => {
                let error = CommandError::syntax(error.position, error.what);
                self.output.text(OutputMask::ERROR, error.report(text));
                return None;
            }
        };
        for command in commands {
            match self.run_command(text, &command) {
                Ok(Flow::Done) => {}
                Ok(Flow::Resume(intent)) => return Some(intent),
                Ok(Flow::Acquire(_)) => {
                    self.output
                        .error("a breakpoint's commands cannot acquire a target: the session is inside a wait");
                    return None;
                }
                Ok(Flow::End(departure)) => {
                    self.end(departure);
                    return None;
                }
                Err(error) => {
                    self.output.text(OutputMask::ERROR, error.report(text));
                    return None;
                }
            }
        }
        None
    }

    /// Runs one command, for each thread that its prefix names.
    fn run_command(&mut self, line: &str, command: &Command) -> Result<Flow, CommandError> {
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
