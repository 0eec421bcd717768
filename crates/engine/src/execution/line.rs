//! Command lines as machines that can be suspended.

mod frames;
mod machine;
mod run;

use std::ops::Range;

use farsight_session::record::EventKind;
use farsight_session::{ClientId, CommandOutcome, OutputMask, Ticket};
use farsight_types::ThreadId;

use super::{Departure, ResumeIntent, RunState};
use crate::Acquisition;
use crate::error::CommandError;
use crate::rights::Rights;
use crate::session::Session;
pub(crate) use machine::tokens;
use machine::{Halt, Machine};

/// What a command comes to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
pub(crate) enum Flow {
    /// It is done.
    Done,
    /// It sets the targets going; the line goes on when they rest.
    Resume(ResumeIntent),
    /// It wants a target; the line goes on at its first stop.
    Acquire(Acquisition),
    /// It ends the session.
    End(Departure),
    /// It is made of other commands; what follows it waits for them.
    Enter(Box<Construct>),
    /// The line goes on elsewhere.
    Jump(Jump),
}

/// Commands that a command is made of. Places are those of the text that the command stands in.
#[derive(Debug)]
pub(crate) enum Construct {
    /// A part of the line, such as a block.
    Part(Range<usize>),
    /// Commands that stand elsewhere.
    Text(String),
    /// A script as one block.
    Script(String),
    /// A script line by line: an error in one keeps no other from running.
    Lines(Vec<String>),
    /// Commands whose errors go no further.
    Catch(Range<usize>),
    /// `.while`, or `.do`, which is not tested before its first turn.
    Loop {
        condition: Range<usize>,
        body: Range<usize>,
        tested: bool,
    },
    /// `.for`
    For {
        init: Range<usize>,
        condition: Range<usize>,
        step: Range<usize>,
        body: Range<usize>,
    },
    /// `.foreach` over words.
    Each(EachPlan),
    /// `.foreach` over what commands show.
    EachOf { commands: Range<usize>, each: EachPlan },
    /// `as /c`
    AliasOf { commands: Range<usize>, name: String },
    /// Commands for several threads.
    Threads { threads: Vec<ThreadId>, commands: String },
}

/// What `.foreach` does with words.
#[derive(Debug)]
pub(crate) struct EachPlan {
    pub(crate) variable: String,
    pub(crate) tokens: Vec<String>,
    /// Words that are passed over before the first.
    pub(crate) skip_first: usize,
    /// Words that are passed over behind each.
    pub(crate) skip_each: usize,
    pub(crate) body: Range<usize>,
}

/// Where a line goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    /// Behind the loop.
    Break,
    /// At the loop's next turn.
    Continue,
    /// Behind the `.catch` block.
    Leave,
    /// At the beginning of its own sequence (`z`).
    Again,
}

/// Who waits for a line.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Client(ClientId, Ticket),
    /// The session's start, which fails with the line.
    Start,
}

/// A command line on its way.
#[derive(Debug)]
pub(crate) struct Line {
    owner: Owner,
    /// Who typed it; who has left by now has a name still.
    author: String,
    machine: Machine,
    /// As it was typed.
    text: String,
    /// When it began, in microseconds of Unix time.
    since: u64,
}

/// Somebody's line that runs.
#[derive(Clone, Copy)]
pub(crate) struct Doing<'a> {
    /// Whose.
    pub(crate) client: ClientId,
    /// His name.
    pub(crate) author: &'a str,
    /// As it was typed.
    pub(crate) line: &'a str,
    /// Since when, in microseconds of Unix time.
    pub(crate) since: u64,
}

/// A line whose commands run.
#[derive(Debug)]
pub(super) struct Busy {
    client: ClientId,
    author: String,
    line: String,
    since: u64,
}

impl Busy {
    pub(super) fn doing(&self) -> Doing<'_> {
        Doing {
            client: self.client,
            author: &self.author,
            line: &self.line,
            since: self.since,
        }
    }
}

impl Line {
    /// What it is to others; none for what the session began with.
    pub(crate) fn doing(&self) -> Option<Doing<'_>> {
        match self.owner {
            Owner::Client(client, _) => Some(Doing {
                client,
                author: &self.author,
                line: &self.text,
                since: self.since,
            }),
            Owner::Start => None,
        }
    }

    /// As [`Line::doing`], while its commands run; what the session began with is the debugger's.
    fn busy(&self) -> Busy {
        let (client, author) = match self.owner {
            Owner::Client(client, _) => (client, self.author.clone()),
            Owner::Start => (ClientId::default(), "the debugger".to_owned()),
        };
        Busy {
            client,
            author,
            line: self.text.clone(),
            since: self.since,
        }
    }

    /// Its author has left it behind, to be carried out all the same.
    pub(super) fn disown(&mut self) {
        self.machine.author = None;
    }

    /// The user broke in: its loops end at their next turn.
    pub(super) fn note_break_in(&mut self) {
        self.machine.broken_in = true;
    }
}

impl Session {
    /// Runs a line from its start. The targets rest.
    pub(super) fn start_line(&mut self, owner: Option<(ClientId, Ticket)>, text: String) {
        self.mailbox.clear_interrupt();
        self.log_command(owner.map(|(client, _)| client), &text);
        let rights = owner.map_or(Rights::ALL, |(client, _)| self.rights_of(client));
        let mut line = Line {
            author: owner.map_or_else(String::new, |(client, _)| self.output.clients.identity(client)),
            owner: owner.map_or(Owner::Start, |(client, ticket)| Owner::Client(client, ticket)),
            machine: Machine::new(owner.map(|(client, _)| client), rights),
            text,
            since: self.output.now,
        };
        let text = line.text.clone();
        self.load_line(&mut line.machine, &text);
        self.go_on(line);
    }

    /// Runs what is left of a line, until it is over or has set something going.
    pub(super) fn go_on(&mut self, mut line: Line) {
        loop {
            self.execution.busy = Some(line.busy());
            let halt = self.advance_line(&mut line.machine);
            self.execution.busy = None;
            let begun = match halt {
                Halt::Over => break,
                Halt::Resume(intent) => self.begin_resume(intent),
                Halt::Acquire(wanted) => {
                    self.connect(wanted);
                    Ok(())
                }
                Halt::End(departure) => {
                    if let Owner::Client(client, _) = line.owner {
                        self.tell_who_ends(client);
                    }
                    self.end(departure);
                    break;
                }
            };
            match begun {
                // What could not even be asked for has been told already.
                Ok(()) if matches!(self.execution.state, RunState::Rest) => {
                    line.machine.failed = true;
                    break;
                }
                Ok(()) => {
                    self.execution.suspended = Some(line);
                    return;
                }
                Err(error) => self.fail(&mut line.machine, &error),
            }
        }
        self.finish_line(line);
    }

    fn finish_line(&mut self, mut line: Line) {
        self.unwind(&mut line.machine);
        self.flush_log();
        match line.owner {
            Owner::Client(client, ticket) => {
                // The state comes first, so that who waits for the line finds the prompt already there.
                self.tell_state();
                self.output.done(client, ticket, outcome(line.machine.failed));
            }
            Owner::Start => self.execution.start_failed |= line.machine.failed,
        }
    }

    /// The line that waited for a rest fails, because there will be none.
    pub(super) fn abort_suspended(&mut self) {
        if let Some(mut line) = self.execution.suspended.take() {
            line.machine.failed = true;
            self.finish_line(line);
        }
    }

    /// The targets rest and it has been shown: lines go on, in order.
    pub(super) fn rest_reached(&mut self) {
        self.execution.started = true;
        self.run_stop_command();
        if let Some(mut line) = self.execution.suspended.take() {
            let event = self.last_event.as_ref().map(|event| &event.kind);
            line.machine.broken_in |= matches!(event, Some(EventKind::BreakIn));
            line.machine.can_be_left = true;
            self.go_on(line);
        }
        if matches!(self.execution.state, RunState::Rest)
            && std::mem::take(&mut self.manners.script_due)
            && let Some((path, _)) = self.options.script.clone()
        {
            self.start_line(None, format!("$<{path}"));
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

    /// `.pcmd`: what runs whenever a stop was shown, before the line that waited for it goes on.
    fn run_stop_command(&mut self) {
        let rests = matches!(self.execution.state, RunState::Rest) && self.current.is_some();
        let Some(command) = self.manners.stop_command.clone().filter(|_| rests) else {
            return;
        };
        let mut machine = Machine::new(None, self.manners.stop_rights);
        self.load_line(&mut machine, &command);
        loop {
            match self.advance(&mut machine) {
                Halt::Over => return,
                Halt::Resume(_) | Halt::Acquire(_) | Halt::End(_) => {
                    let error = "commands at each stop cannot run or leave the target: it would never rest";
                    self.fail(&mut machine, &CommandError::Refused(error.into()));
                }
            }
        }
    }

    /// Runs a line while the targets run: what needs them at rest is refused.
    pub(super) fn run_beside(&mut self, client: ClientId, ticket: Ticket, text: String) {
        self.mailbox.forget_interrupter();
        self.log_command(Some(client), &text);
        let mut machine = Machine::new(Some(client), self.rights_of(client));
        self.load_line(&mut machine, &text);
        loop {
            self.execution.busy = Some(Busy {
                client,
                author: self.output.clients.identity(client),
                line: text.clone(),
                since: self.output.now,
            });
            let halt = self.advance_line(&mut machine);
            self.execution.busy = None;
            match halt {
                Halt::Over => break,
                Halt::End(departure) => {
                    self.tell_who_ends(client);
                    self.end(departure);
                    self.output.done(client, ticket, CommandOutcome::Done);
                    return;
                }
                Halt::Resume(_) | Halt::Acquire(_) => {
                    let name = machine.command().to_owned();
                    self.fail(&mut machine, &CommandError::Running { name });
                }
            }
        }
        if let Err(error) = self.send_traps() {
            self.output.text(OutputMask::ERROR, error.report(&text));
            machine.failed = true;
        }
        self.output.done(client, ticket, outcome(machine.failed));
    }

    /// Runs a command string inside of a command: nothing in it may set the targets going.
    pub(crate) fn run_beside_stop(&mut self, text: &str) -> Result<(), CommandError> {
        let rights = self.rights;
        match self.run_breakpoint_commands(text, rights) {
            None => Ok(()),
            Some(_) => Err(CommandError::Refused(
                "commands for each of many cannot set the target going".into(),
            )),
        }
    }

    /// Runs the commands of a breakpoint, inside the wait that its hit ended: the first that sets the targets going is
    /// the vote on how to go on, and what is behind it is dropped.
    pub(super) fn run_breakpoint_commands(&mut self, text: &str, rights: Rights) -> Option<ResumeIntent> {
        let mut machine = Machine::new(self.author, rights);
        self.load_line(&mut machine, text);
        loop {
            match self.advance(&mut machine) {
                Halt::Over => return None,
                Halt::Resume(intent) => {
                    self.unwind(&mut machine);
                    return Some(intent);
                }
                Halt::End(departure) => {
                    self.end(departure);
                    return None;
                }
                Halt::Acquire(_) => {
                    let error = "commands at an event cannot acquire a target: the session is inside a wait";
                    self.fail(&mut machine, &CommandError::Refused(error.into()));
                }
            }
        }
    }
}

fn outcome(failed: bool) -> CommandOutcome {
    match failed {
        true => CommandOutcome::Failed,
        false => CommandOutcome::Done,
    }
}
