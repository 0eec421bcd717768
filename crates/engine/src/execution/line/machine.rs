//! The machine that carries out command texts: a stack of what is being carried out, kept apart from the engine's own
//! stack, so that it can wait at any depth for targets to come to rest.
//!
//! Invariant: its depth and the length of its texts are bounded, and it looks for an interrupt at every turn.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use farsight_session::{ClientId, OutputMask};
use farsight_types::AccessRole;

use super::frames::{Captured, Each, Frame, Lines, PerThread, Phase, Repeat, Sequence, Then};
use super::{Construct, Departure, Flow, Jump, ResumeIntent};
use crate::Acquisition;
use crate::error::CommandError;
use crate::expression::command_line::{Command, LineError, split, split_part};
use crate::output::Capture;
use crate::rights::Rights;
use crate::session::Session;

/// How deep blocks, loops and scripts may be nested.
const MOST_DEPTH: usize = 200;

/// Most bytes of all texts that are being carried out.
const MOST_TEXTS: usize = 32 << 20;

/// Most bytes of output that are used as text.
const MOST_CAPTURED: usize = 16 << 20;

/// Why a machine does not go on by itself.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
pub(super) enum Halt {
    /// It has come to its end.
    Over,
    /// A command sets the targets going.
    Resume(ResumeIntent),
    /// A command wants a target.
    Acquire(Acquisition),
    /// A command ends the session.
    End(Departure),
}

/// Command texts on their way.
#[derive(Debug)]
pub(super) struct Machine {
    frames: Vec<Frame>,
    /// Something of it did not succeed.
    pub(super) failed: bool,
    /// The user broke in while it waited, which ends loops at their next turn.
    pub(super) broken_in: bool,
    /// It has waited for targets, and goes on where its author leaves in good order meanwhile.
    pub(super) can_be_left: bool,
    /// Whose commands these are.
    pub(super) author: Option<ClientId>,
    /// What they may do.
    rights: Rights,
    /// What was captured so far, while the machine waits.
    captures: Vec<Capture>,
    /// The command that runs, and the text that it stands in.
    text: Rc<str>,
    command: String,
}

impl Machine {
    pub(super) fn new(author: Option<ClientId>, rights: Rights) -> Machine {
        Machine {
            frames: Vec::new(),
            failed: false,
            broken_in: false,
            can_be_left: false,
            author,
            rights,
            captures: Vec::new(),
            text: Rc::from(""),
            command: String::new(),
        }
    }

    /// The name of the command that runs.
    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// Whether the commands that run stand in a script.
    fn in_script(&self) -> bool {
        let is_script = |frame: &Frame| match frame {
            Frame::Lines(_) => true,
            Frame::Sequence(sequence) => sequence.is_script,
            _ => false,
        };
        self.frames.iter().any(is_script)
    }

    /// Whether the targets may not be set going, because the commands run for one thread after another.
    fn for_threads(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Frame::Threads(_)))
    }

    fn push(&mut self, frame: Frame) -> Result<(), CommandError> {
        if self.frames.len() >= MOST_DEPTH {
            return Err(CommandError::Refused(format!(
                "blocks, loops and scripts are nested deeper than {MOST_DEPTH}"
            )));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn push_commands(&mut self, text: Rc<str>, commands: Vec<Command>, is_script: bool) -> Result<(), CommandError> {
        let length =
            commands.last().map_or(0, |last| last.span.end) - commands.first().map_or(0, |first| first.span.start);
        let lengths = self.frames.iter().map(|frame| match frame {
            Frame::Sequence(sequence) => sequence.length,
            _ => 0,
        });
        if length + lengths.sum::<usize>() > MOST_TEXTS {
            return Err(CommandError::Refused(format!(
                "the commands that are nested here are longer than {MOST_TEXTS} bytes together"
            )));
        }
        self.push(Frame::Sequence(Sequence {
            text,
            commands,
            next: 0,
            length,
            is_script,
        }))
    }

    /// Where the loop is that `.break` and `.continue` are about.
    fn innermost_loop(&self) -> Option<usize> {
        for (index, frame) in self.frames.iter().enumerate().rev() {
            match frame {
                Frame::Repeat(_) | Frame::Each(_) => return Some(index),
                Frame::Lines(_) | Frame::Threads(_) | Frame::Captured(_) => return None,
                Frame::Sequence(sequence) if sequence.is_script => return None,
                Frame::Sequence(_) | Frame::Catch => {}
            }
        }
        None
    }
}

impl Session {
    /// Begins a text: aliases are replaced, and it is cut into commands as a whole before any of it runs.
    pub(super) fn load_line(&mut self, machine: &mut Machine, text: &str) {
        let expanded = match self.expand(machine, text) {
            Ok(expanded) => expanded,
            Err(error) => return self.throw(machine, text, &error),
        };
        let line: Rc<str> = Rc::from(&*expanded);
        let begun = match split(&line) {
            Ok(commands) => machine.push_commands(Rc::clone(&line), commands, false),
            Err(error) => Err(as_command_error(error)),
        };
        if let Err(error) = begun {
            self.throw(machine, &line, &error);
        }
    }

    /// A text with its aliases replaced. Where one comes from somebody with a lower role, the commands have no more rights
    /// from here on: an alias does not do for another what its maker may not.
    fn expand<'t>(&mut self, machine: &mut Machine, text: &'t str) -> Result<Cow<'t, str>, CommandError> {
        let expanded = self.aliases.expand(text)?;
        if let Cow::Owned(_) = expanded {
            let role = self.aliases.lowest_author(text);
            machine.rights = machine.rights.at_most(Rights { role, ..machine.rights });
        }
        Ok(expanded)
    }

    /// Goes on until there is nothing left to do, or something that only the caller can do.
    pub(super) fn advance(&mut self, machine: &mut Machine) -> Halt {
        self.output.resume_captures(std::mem::take(&mut machine.captures));
        let author = std::mem::replace(&mut self.author, machine.author);
        self.mailbox.set_author(self.author);
        let can_be_left = self.mailbox.set_can_be_left(machine.can_be_left);
        let halt = self.acting_with(machine.rights, |session| session.run_machine(machine));
        self.author = author;
        self.mailbox.set_author(author);
        self.mailbox.set_can_be_left(can_be_left);
        machine.captures = self.output.pause_captures();
        halt
    }

    /// As [`Session::advance`], for a client's own line: an observer's works on a copy of the session's state.
    pub(super) fn advance_line(&mut self, machine: &mut Machine) -> Halt {
        let observer = machine.author.filter(|_| machine.rights.only_look());
        let aside = observer.map(|observer| self.put_aside(observer));
        let halt = self.advance(machine);
        if let Some(aside) = aside {
            self.put_back(aside);
        }
        halt
    }

    fn run_machine(&mut self, machine: &mut Machine) -> Halt {
        loop {
            self.serve_beside();
            // An alias may have taken some away.
            self.act_with(machine.rights);
            let Some(frame) = machine.frames.last_mut() else {
                return Halt::Over;
            };
            let result = match frame {
                Frame::Sequence(sequence) => match sequence.commands.get(sequence.next).cloned() {
                    None => {
                        machine.frames.pop();
                        continue;
                    }
                    Some(command) => {
                        sequence.next += 1;
                        machine.text = Rc::clone(&sequence.text);
                        let result = self.run_in(machine, &command);
                        machine.command = command.name;
                        self.flush_log();
                        result
                    }
                },
                _ => self.turn(machine),
            };
            let result = match result {
                Ok(Flow::Done) => Ok(()),
                Ok(Flow::Enter(construct)) => self.enter(machine, *construct),
                Ok(Flow::Jump(jump)) => self.jump(machine, jump),
                Ok(Flow::Resume(_) | Flow::Acquire(_)) if machine.for_threads() => Err(CommandError::Refused(format!(
                    "'{}' cannot be run for each thread",
                    machine.command
                ))),
                Ok(Flow::Resume(intent)) => return Halt::Resume(intent),
                Ok(Flow::Acquire(wanted)) => return Halt::Acquire(wanted),
                Ok(Flow::End(departure)) => return Halt::End(departure),
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                let text = Rc::clone(&machine.text);
                self.throw(machine, &text, &error);
            }
        }
    }

    fn run_in(&mut self, machine: &Machine, command: &Command) -> Result<Flow, CommandError> {
        if machine.in_script() && super::run::not_in_scripts(&command.name) {
            return Err(CommandError::Refused(format!(
                "'{}' is not allowed in scripts",
                command.name
            )));
        }
        match self.run_command(&machine.text, command)? {
            // Whatever the tables say.
            Flow::Resume(_) | Flow::Acquire(_) | Flow::End(_) if machine.rights.only_look() => {
                self.demand(AccessRole::Operator, &format!("'{}' changes the target", command.name))?;
                Ok(Flow::Done)
            }
            flow => Ok(flow),
        }
    }

    /// What the command that ran last had set going fails.
    pub(super) fn fail(&mut self, machine: &mut Machine, error: &CommandError) {
        self.output.resume_captures(std::mem::take(&mut machine.captures));
        let text = Rc::clone(&machine.text);
        self.throw(machine, &text, error);
        machine.captures = self.output.pause_captures();
    }

    /// Shows an error, and goes out to where it is caught: the nearest `.catch`, the next line of a script, the next
    /// command for a thread. A user's interrupt is caught nowhere.
    fn throw(&mut self, machine: &mut Machine, text: &str, error: &CommandError) {
        let report = match error {
            CommandError::Interrupted => self.tell_of_interrupt(machine.author),
            error => error.report(text),
        };
        self.output.text(OutputMask::ERROR, report);
        let interrupted = matches!(error, CommandError::Interrupted);
        loop {
            // The commands for a thread go on behind one that failed.
            if let [.., Frame::Threads(_), Frame::Sequence(_)] = machine.frames.as_slice()
                && !interrupted
            {
                machine.failed = true;
                return;
            }
            match machine.frames.last() {
                None => {
                    machine.failed = true;
                    return;
                }
                Some(Frame::Catch) if !interrupted => {
                    machine.frames.pop();
                    return;
                }
                Some(Frame::Lines(_) | Frame::Threads(_)) if !interrupted => {
                    machine.failed = true;
                    return;
                }
                Some(_) => self.leave_frame(machine),
            }
        }
    }

    /// That a command was interrupted, and by whom where that was not its author.
    fn tell_of_interrupt(&self, author: Option<ClientId>) -> String {
        let clients = &self.output.clients;
        let gone = author.filter(|_| self.mailbox.is_author_gone());
        let gone = gone
            .map(|author| clients.identity(author))
            .filter(|name| !name.is_empty());
        let by = self
            .mailbox
            .interrupter()
            .filter(|by| author.is_some() && author != Some(*by));
        match (gone, by) {
            (Some(name), _) => format!("interrupted: {name} is gone\n"),
            (None, Some(by)) => format!("interrupted by {}\n", clients.identity(by)),
            (None, None) => CommandError::Interrupted.report(""),
        }
    }

    /// Leaves everything, as when the session ends around a machine.
    pub(super) fn unwind(&mut self, machine: &mut Machine) {
        // What was captured belongs to nobody any more.
        machine.captures.clear();
        machine.frames.clear();
    }

    /// Takes the innermost frame away and undoes what it set.
    fn leave_frame(&mut self, machine: &mut Machine) {
        match machine.frames.pop() {
            Some(Frame::Captured(_)) => {
                self.output.end_capture();
            }
            Some(Frame::Threads(threads)) => self.restore_thread(&threads),
            _ => {}
        }
    }

    /// A target that went in the meantime is not brought back.
    fn restore_thread(&mut self, threads: &PerThread) {
        if self.current.is_some() {
            self.current = Some(threads.before);
        }
    }

    /// Another turn of the frame on top, which holds no commands itself.
    fn turn(&mut self, machine: &mut Machine) -> Result<Flow, CommandError> {
        self.check_interrupt()?;
        let broken_in = machine.broken_in;
        let Some(frame) = machine.frames.last_mut() else {
            return Ok(Flow::Done);
        };
        match frame {
            Frame::Repeat(_) | Frame::Each(_) | Frame::Lines(_) if broken_in => return Err(CommandError::Interrupted),
            Frame::Sequence(_) => {}
            Frame::Catch => {
                machine.frames.pop();
            }
            Frame::Repeat(repeat) => {
                let repeat = repeat.clone();
                return self.repeat(machine, repeat);
            }
            Frame::Each(each) => {
                let Some(token) = each.next() else {
                    machine.frames.pop();
                    return Ok(Flow::Done);
                };
                let body = each.body(&token)?;
                self.begin_block(machine, &body)?;
            }
            Frame::Captured(_) => {
                let text = self.captured_text();
                if let Some(Frame::Captured(captured)) = machine.frames.pop() {
                    self.use_captured(machine, captured, text?)?;
                }
            }
            Frame::Lines(lines) => {
                let Some(line) = lines.lines.next() else {
                    machine.frames.pop();
                    return Ok(Flow::Done);
                };
                let echo = format!("{}{line}\n", self.prompt());
                self.output.text(OutputMask::PROMPT, echo);
                self.load_line(machine, &line);
            }
            Frame::Threads(threads) => match threads.threads.next() {
                Some(thread) => {
                    let place = crate::model::Place {
                        thread,
                        ..threads.before
                    };
                    let commands = Rc::clone(&threads.commands);
                    self.current = Some(place);
                    self.begin_block(machine, &commands)?;
                }
                None => self.leave_frame(machine),
            },
        }
        Ok(Flow::Done)
    }

    fn repeat(&mut self, machine: &mut Machine, repeat: Repeat) -> Result<Flow, CommandError> {
        machine.text = Rc::clone(&repeat.text);
        let mut phase = repeat.phase;
        if phase == Phase::Test {
            let condition = repeat.text.get(repeat.condition.clone()).unwrap_or_default();
            let holds = condition.trim().is_empty() || self.evaluate(condition, repeat.condition.start)? != 0;
            if !holds {
                machine.frames.pop();
                return Ok(Flow::Done);
            }
            phase = Phase::Body;
        }
        let (range, next) = match (phase, &repeat.step) {
            (Phase::Body, Some(_)) => (&repeat.body, Phase::Step),
            (_, Some(step)) => (step, Phase::Test),
            (_, None) => (&repeat.body, Phase::Test),
        };
        if let Some(Frame::Repeat(top)) = machine.frames.last_mut() {
            top.phase = next;
        }
        self.begin_part(machine, &repeat.text, range.clone())?;
        Ok(Flow::Done)
    }

    fn use_captured(&mut self, machine: &mut Machine, captured: Captured, text: String) -> Result<(), CommandError> {
        match captured.then {
            Then::Each(mut each) => {
                each.tokens = tokens(&text).into_iter();
                each.skip_first();
                machine.push(Frame::Each(each))
            }
            Then::Alias(name) => {
                self.aliases.define(&name, text.trim_end_matches('\n'))?;
                self.aliases.note_author(&name, self.rights.role);
                Ok(())
            }
        }
    }

    /// Enters a part of a text: aliases are replaced again. What stands where it stood keeps its places for errors.
    fn begin_part(&mut self, machine: &mut Machine, text: &Rc<str>, part: Range<usize>) -> Result<(), CommandError> {
        let inside = text.get(part.clone()).unwrap_or_default();
        let expanded = match self.expand(machine, inside)? {
            Cow::Borrowed(_) => None,
            Cow::Owned(expanded) => Some(expanded),
        };
        match expanded {
            Some(expanded) => self.begin_expanded(machine, Rc::from(expanded), false),
            None => {
                machine.text = Rc::clone(text);
                let commands = split_part(text, part).map_err(as_command_error)?;
                machine.push_commands(Rc::clone(text), commands, false)
            }
        }
    }

    /// Enters a text of its own.
    fn begin_block(&mut self, machine: &mut Machine, text: &str) -> Result<(), CommandError> {
        let expanded = Rc::from(&*self.expand(machine, text)?);
        self.begin_expanded(machine, expanded, false)
    }

    fn begin_expanded(&mut self, machine: &mut Machine, text: Rc<str>, is_script: bool) -> Result<(), CommandError> {
        machine.text = Rc::clone(&text);
        let commands = split_part(&text, 0..text.len()).map_err(as_command_error)?;
        machine.push_commands(text, commands, is_script)
    }

    /// Enters what a command is made of.
    fn enter(&mut self, machine: &mut Machine, construct: Construct) -> Result<(), CommandError> {
        let text = Rc::clone(&machine.text);
        match construct {
            Construct::Part(part) => self.begin_part(machine, &text, part),
            Construct::Text(text) => self.begin_block(machine, &text),
            Construct::Script(script) => {
                let expanded = Rc::from(&*self.expand(machine, &script)?);
                self.begin_expanded(machine, expanded, true)
            }
            Construct::Lines(lines) => machine.push(Frame::Lines(Lines {
                lines: lines.into_iter(),
            })),
            Construct::Catch(part) => {
                machine.push(Frame::Catch)?;
                self.begin_part(machine, &text, part)
            }
            Construct::Loop {
                condition,
                body,
                tested,
            } => machine.push(Frame::Repeat(Repeat {
                text,
                condition,
                body,
                step: None,
                phase: if tested { Phase::Test } else { Phase::Body },
            })),
            Construct::For {
                init,
                condition,
                step,
                body,
            } => {
                machine.push(Frame::Repeat(Repeat {
                    text: Rc::clone(&text),
                    condition,
                    body,
                    step: Some(step),
                    phase: Phase::Test,
                }))?;
                self.begin_part(machine, &text, init)
            }
            Construct::Each(each) => {
                let mut each = Each::new(each, text);
                each.skip_first();
                machine.push(Frame::Each(each))
            }
            Construct::EachOf { commands, each } => {
                let each = Each::new(each, Rc::clone(&text));
                self.capture(machine, Then::Each(each))?;
                self.begin_part(machine, &text, commands)
            }
            Construct::AliasOf { commands, name } => {
                self.capture(machine, Then::Alias(name))?;
                self.begin_part(machine, &text, commands)
            }
            Construct::Threads { threads, commands } => {
                let before = self.place()?;
                machine.push(Frame::Threads(PerThread {
                    threads: threads.into_iter(),
                    commands: Rc::from(commands),
                    before,
                }))
            }
        }
    }

    /// Ends a capture; what was captured, as text.
    fn captured_text(&mut self) -> Result<String, CommandError> {
        use farsight_session::Content;
        let capture = self.output.end_capture();
        let mut text = String::new();
        for part in capture.parts() {
            match part {
                Content::Text(part) => text.push_str(part),
                Content::Record(record) => text.push_str(&self.outside.render(record)),
            }
            if text.len() > MOST_CAPTURED {
                return Err(CommandError::Refused(format!(
                    "the commands show more than {MOST_CAPTURED} bytes, too much to be used as text"
                )));
            }
        }
        Ok(text)
    }

    fn capture(&mut self, machine: &mut Machine, then: Then) -> Result<(), CommandError> {
        machine.push(Frame::Captured(Captured { then }))?;
        self.output.begin_capture();
        Ok(())
    }

    fn jump(&mut self, machine: &mut Machine, jump: Jump) -> Result<(), CommandError> {
        let place = match jump {
            Jump::Again if machine.broken_in => return Err(CommandError::Interrupted),
            Jump::Again => {
                if let Some(Frame::Sequence(sequence)) = machine.frames.last_mut() {
                    sequence.next = 0;
                }
                return Ok(());
            }
            Jump::Leave => {
                let catch = machine.frames.iter().rposition(|frame| matches!(frame, Frame::Catch));
                catch.ok_or("'.leave' stands in no .catch block")
            }
            Jump::Break | Jump::Continue => machine.innermost_loop().ok_or(match jump {
                Jump::Break => "'.break' stands in no loop",
                _ => "'.continue' stands in no loop",
            }),
        };
        let place = place.map_err(|why| CommandError::Refused(why.into()))?;
        let keep = match jump {
            Jump::Continue => place + 1,
            _ => place,
        };
        while machine.frames.len() > keep {
            self.leave_frame(machine);
        }
        Ok(())
    }
}

/// The words of a text.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

pub(super) fn as_command_error(error: LineError) -> CommandError {
    CommandError::syntax(error.position, error.what)
}
