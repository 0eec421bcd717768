//! The console as a machine without input or output: what happens goes in, what is to be done comes out.
//!
//! It knows when a line is wanted, whose turn it is, and what the exit code will be. One line is carried out at a time:
//! the next is asked for when the one before is done and the session is at rest. Read [`Conversation::take`] first.

mod guest;

use std::collections::VecDeque;
use std::time::Duration;

use farsight_session::{
    CommandOutcome, Content, Notification, OutputMask, QuestionId, Request, SessionState, Ticket, Told,
};

use super::{ConsoleOptions, FirstTarget};
use guest::GuestCommand;

/// The prompt while there is no target.
const NO_TARGET_PROMPT: &str = "> ";

/// How long the engine may take to let go of its targets when the program was told to end.
const LETTING_GO: Duration = Duration::from_secs(5);

/// So many interrupts in a row without an answer mean that none will come.
const PATIENCE: u32 = 3;

/// What somebody at an empty prompt needs to know.
const FIRST_STEPS: &str = "No target yet: .tlist, .attach PID, .create PROGRAM; .help tells of the rest, q leaves.\n";

/// The same for somebody in another's session.
const GUESTS_FIRST_STEPS: &str =
    "No target yet: .tlist, .attach PID, .create PROGRAM; .help tells of the rest, CTRL+B and ENTER leaves.\n";

/// The prompt while targets run that others have set going, and of a guest whenever they do.
const BUSY: &str = "*BUSY* ";

/// Tickets of probes, apart from those of commands and of the editor's questions.
const PROBES: u64 = 1 << 63;

/// How the user is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// At a terminal: a line editor shows prompts and what is typed.
    Terminal,
    /// Lines come from a file or another program; they are shown so that the output reads like a session.
    Transcript,
    /// Nobody types and nobody reads; only the lines that it began with are run.
    Silent,
}

/// A signal to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGINT: CTRL+C.
    Interrupt,
    /// SIGTERM or SIGHUP, by its number.
    Leave(u8),
    /// SIGWINCH.
    Resized,
}

/// What can happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The engine tells.
    Told(Told),
    /// The engine is gone; nothing more will be told.
    EngineGone,
    /// The line that was asked for.
    Line(String),
    /// The user typed for the program that is being debugged.
    Typed(Vec<u8>),
    /// The user took the line back (CTRL+C while typing).
    LineCleared {
        /// There was nothing to take back.
        was_empty: bool,
    },
    /// There are no more lines.
    EndOfLines,
    /// A signal came.
    Signalled(Signal),
    /// The time given with [`Action::LimitTime`] is over.
    TimeOver,
    /// Whoever reads the output has gone.
    NobodyReads,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Ask for a line.
    Ask {
        /// Shown before it.
        prompt: String,
    },
    /// The line that is being typed stands behind another prompt from now on.
    ChangePrompt {
        /// The new one.
        prompt: String,
    },
    /// What is typed from now on is for the program that is being debugged.
    BeginTyping,
    /// It no longer is.
    EndTyping,
    /// Show a prompt with a line that nobody typed here.
    ShowLine {
        /// The prompt.
        prompt: String,
        /// The line.
        line: String,
    },
    /// Show output of the engine.
    Show(Content),
    /// Show an error where a console that shows nothing can be heard.
    Complain(Content),
    /// Show output of the program that is being debugged.
    ShowProgram(Vec<u8>),
    /// Hand candidates to the line editor.
    Complete {
        /// For which question.
        ticket: Ticket,
        /// Where they begin.
        start: usize,
        /// What could stand there.
        candidates: Vec<String>,
    },
    /// Look for source files there from now on; none to show where that is.
    SetSourcePath {
        /// In addition to where it is done already.
        add: bool,
        /// Folders.
        folders: Vec<String>,
    },
    /// Ask the engine.
    Send(Request),
    /// Tell the engine how wide the terminal is now.
    SendWidth,
    /// Say [`Happening::TimeOver`] after so long.
    LimitTime(Duration),
    /// The program ends.
    Exit {
        /// With this code.
        code: u8,
        /// Whether the engine has ended too, or is about to.
        engine_ended: bool,
    },
}

/// The console's state.
#[derive(Debug)]
pub(crate) struct Conversation {
    manner: Manner,
    /// Lines to run before any that are asked for.
    script: VecDeque<String>,
    /// The prompt; none while the session is not at rest.
    prompt: Option<String>,
    /// Whether a target, or the prompt of a session that is to start without one, has been seen.
    begun: bool,
    /// Whether there is to be a first target and nothing has been heard of it.
    target_awaited: bool,
    last_ticket: u64,
    outstanding: Option<Outstanding>,
    /// A guest's own line that has set targets going. It is waited for as any other, but the guest can leave meanwhile.
    away: Option<Outstanding>,
    /// What a guest typed behind a line that was not over.
    typed_ahead: VecDeque<String>,
    /// The key that leaves has been typed at the program; ENTER behind it leaves.
    leave_key: bool,
    /// The question whose answer says that the engine goes on after a line.
    probe: Option<Ticket>,
    /// Whether a line has been asked for and has not come.
    asking: bool,
    /// The prompt that it stands behind.
    asked: String,
    /// What a command asks for, where this console may answer.
    input_wanted: Option<Question>,
    /// How many times a command has asked.
    questions: u64,
    /// The line that was asked for is an answer to the question of this number.
    asks_for_input: Option<u64>,
    running: bool,
    /// Whether a target has its terminal here, as far as is known: its output has been seen.
    program_here: bool,
    /// Whether what is typed goes to the program.
    typing: bool,
    lines_ended: bool,
    /// Whether something failed that was not typed at a terminal.
    failed: bool,
    interrupts: u32,
    /// The exit code if the program ends because it was told to.
    told_to_leave: Option<u8>,
    exited: bool,
    /// The session is somebody else's.
    is_guest: bool,
    /// A guest that nobody sits at has come for its lines, and leaves when they are done.
    only_runs: bool,
    /// The line behind which this console leaves (`.remote_exit`).
    leaves_behind: Option<Ticket>,
}

/// A line that a command asks for.
#[derive(Debug)]
struct Question {
    prompt: String,
    /// Its name at the engine.
    id: Option<QuestionId>,
    /// How many were asked here until then, itself included.
    number: u64,
}

#[derive(Debug)]
struct Outstanding {
    ticket: Ticket,
    scripted: bool,
    /// Only such a line sets targets going.
    began_at_rest: bool,
}

impl Conversation {
    /// A conversation that has not begun.
    pub(crate) fn new(manner: Manner, options: ConsoleOptions) -> Conversation {
        Conversation {
            manner,
            only_runs: options.is_guest && manner == Manner::Silent && options.commands.is_some(),
            script: options.commands.into_iter().collect(),
            prompt: None,
            begun: false,
            target_awaited: options.first_target != FirstTarget::None,
            last_ticket: 0,
            outstanding: None,
            away: None,
            typed_ahead: VecDeque::new(),
            leave_key: false,
            probe: None,
            asking: false,
            asked: String::new(),
            input_wanted: None,
            questions: 0,
            asks_for_input: None,
            running: false,
            program_here: options.first_target == FirstTarget::Program,
            typing: false,
            lines_ended: false,
            failed: false,
            interrupts: 0,
            told_to_leave: None,
            exited: false,
            is_guest: options.is_guest,
            leaves_behind: None,
        }
    }

    /// Takes what happened and answers what to do, in order.
    pub(crate) fn take(&mut self, happening: Happening) -> Vec<Action> {
        let mut actions = Vec::new();
        match happening {
            Happening::Told(told) => {
                self.interrupts = 0;
                self.told(told.notification, &mut actions);
            }
            Happening::EngineGone => {
                show(
                    &mut actions,
                    "the engine has failed; what became of the targets is not known\n",
                );
                self.exit(4, true, &mut actions);
            }
            Happening::Line(line) => {
                self.asking = false;
                self.line(line, &mut actions);
            }
            Happening::Typed(bytes) => self.typed(bytes, &mut actions),
            Happening::LineCleared { was_empty } => {
                self.asking = false;
                for line in self.typed_ahead.drain(..) {
                    show(&mut actions, &format!("*** Not run: {line}\n"));
                }
                self.asks_for_input = None;
                // The command that asks is what CTRL+C is meant for.
                // At the prompt of one that others have set going it is for them. What others run besides is not told, so
                // who has nothing to take back means that; where nothing runs, it is nothing.
                if self.input_wanted.take().is_some() || self.running || was_empty {
                    actions.push(Action::Send(Request::Interrupt));
                }
            }
            Happening::EndOfLines => {
                self.asking = false;
                self.lines_ended = true;
            }
            Happening::Signalled(signal) => self.signalled(signal, &mut actions),
            Happening::TimeOver => {
                let why = match self.is_guest {
                    true => "the server does not answer; the session stays as it is\n",
                    false => "the targets could not be let go of in time\n",
                };
                show(&mut actions, why);
                self.exit(self.told_to_leave.unwrap_or(4), false, &mut actions);
            }
            Happening::NobodyReads => {
                self.failed = true;
                self.leave(1, &mut actions);
            }
        }
        self.go_on(&mut actions);
        actions
    }

    /// Whose turn it is at the keyboard, and the next line when it is time for one.
    fn go_on(&mut self, actions: &mut Vec<Action>) {
        let program_types = self.manner == Manner::Terminal
            && self.running
            && self.program_here
            // Whoever set the program going types for it.
            && (!self.is_guest || self.away.is_some())
            && !self.asking
            && self.input_wanted.is_none()
            && self.told_to_leave.is_none()
            && !self.exited;
        if std::mem::replace(&mut self.typing, program_types) != program_types {
            actions.push(match program_types {
                true => Action::BeginTyping,
                false => Action::EndTyping,
            });
            self.leave_key = false;
        }
        self.next_line(actions);
    }

    fn next_line(&mut self, actions: &mut Vec<Action>) {
        if self.exited || self.told_to_leave.is_some() {
            return;
        }
        if self.prompt.is_some()
            && self.away.is_none()
            && self.is_idle()
            && let Some(line) = self.typed_ahead.pop_front()
        {
            self.execute(line, false, actions);
        }
        if self.asking || self.typing {
            return;
        }
        if let Some(question) = &self.input_wanted {
            let prompt = question.prompt.clone();
            self.asks_for_input = Some(question.number);
            return match self.manner {
                // Nobody will answer, so the command that asks is told to end.
                Manner::Silent => {
                    self.input_wanted = None;
                    actions.push(Action::Send(Request::Interrupt));
                }
                Manner::Terminal | Manner::Transcript => self.ask_or_end(prompt, actions),
            };
        }
        // A line that has set targets going may have more to do when they rest.
        if !self.is_idle() || self.away.is_some() && !self.running {
            return;
        }
        let Some(prompt) = self.prompt.clone() else {
            return;
        };
        match self.script.pop_front() {
            Some(line) => {
                actions.push(Action::ShowLine {
                    prompt,
                    line: line.clone(),
                });
                match self.take_own_command(&line, actions) {
                    true => self.next_line(actions),
                    false => self.execute(line, true, actions),
                }
            }
            None if self.only_runs => self.leave(u8::from(self.failed), actions),
            None if self.manner == Manner::Silent => {}
            None => self.ask_or_end(prompt, actions),
        }
    }

    /// Whether no line is being carried out, but for one whose targets run.
    fn is_idle(&self) -> bool {
        self.outstanding.is_none() && self.probe.is_none() && self.input_wanted.is_none()
    }

    fn ask_or_end(&mut self, prompt: String, actions: &mut Vec<Action>) {
        if self.lines_ended {
            // The engine answers with its end; until then nothing is asked.
            self.asking = true;
            actions.push(Action::Send(self.farewell()));
        } else {
            self.asking = true;
            self.asked.clone_from(&prompt);
            actions.push(Action::Ask { prompt });
        }
    }

    /// What says to the engine that this console is going.
    fn farewell(&self) -> Request {
        match self.is_guest {
            true => Request::Leave,
            false => Request::EndOfInput,
        }
    }

    /// Does what a guest's console does without the server; whether this is that.
    fn take_own_command(&mut self, line: &str, actions: &mut Vec<Action>) -> bool {
        let Some(command) = guest::command(line) else {
            return false;
        };
        match command {
            // The key means nothing here; what is spelt out the engine explains.
            GuestCommand::Leave { .. } if !self.is_guest && guest::is_leave_key(line) => show(
                actions,
                "CTRL+B leaves the session of another debugger, and this is this one's own: q ends it\n",
            ),
            _ if !self.is_guest => return false,
            GuestCommand::Leave { commands: None } => self.leave(u8::from(self.failed), actions),
            GuestCommand::Leave { commands: Some(line) } => {
                self.execute(line, true, actions);
                self.leaves_behind = self.outstanding.as_ref().map(|outstanding| outstanding.ticket);
            }
            GuestCommand::SourcePath { add, folders } => actions.push(Action::SetSourcePath { add, folders }),
            GuestCommand::NotHere(why) => show(actions, &format!("{why}\n")),
        }
        true
    }

    fn line(&mut self, line: String, actions: &mut Vec<Action>) {
        let answers = self.asks_for_input.take();
        if self.take_own_command(&line, actions) {
            return;
        }
        let answered = self.input_wanted.take_if(|question| answers == Some(question.number));
        if let Some(Question { id: question, .. }) = answered {
            actions.push(Action::Send(Request::AnswerInput { text: line, question }));
        } else if answers.is_some() {
            // Somebody was quicker, or the command has ended: as an answer to another question, or as a command, the line
            // would do what nobody meant.
            self.failed |= self.manner != Manner::Terminal;
            show(
                actions,
                "*** That line came too late and was not sent: it was answered, or is asked for no more\n",
            );
        } else if self.input_wanted.is_some() {
            // A line that was begun at another prompt was not meant as an answer.
            show(
                actions,
                "*** That line was not sent: a command asks for something else\n",
            );
        } else if self.is_guest && self.manner == Manner::Terminal && (self.away.is_some() || !self.is_idle()) {
            self.typed_ahead.push_back(line);
        } else if self.manner == Manner::Terminal || !line.trim().is_empty() {
            // At a terminal an empty line repeats a command; blank lines of a script are only blank.
            self.execute(line, self.manner != Manner::Terminal, actions);
        }
    }

    /// Keys for the program. A guest leaves with the same two as at a prompt, without waiting for the program.
    fn typed(&mut self, bytes: Vec<u8>, actions: &mut Vec<Action>) {
        let mut keys = Vec::with_capacity(bytes.len());
        let mut leaves = false;
        for key in bytes {
            if std::mem::take(&mut self.leave_key) {
                leaves = matches!(key, b'\r' | b'\n');
                if leaves {
                    break;
                }
                keys.push(guest::LEAVE_KEY);
            }
            match self.is_guest && key == guest::LEAVE_KEY {
                true => self.leave_key = true,
                false => keys.push(key),
            }
        }
        if !keys.is_empty() {
            actions.push(Action::Send(Request::ProgramInput {
                bytes: keys,
                end: false,
            }));
        }
        if leaves {
            self.leave(u8::from(self.failed), actions);
        }
    }

    fn execute(&mut self, line: String, scripted: bool, actions: &mut Vec<Action>) {
        // Such a program may want to be typed into before it has written anything.
        self.program_here |= line.contains(".create");
        let ticket = self.next_ticket();
        self.outstanding = Some(Outstanding {
            ticket,
            scripted,
            began_at_rest: !self.running,
        });
        actions.push(Action::Send(Request::Execute { ticket, line }));
    }

    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    fn told(&mut self, notification: Notification, actions: &mut Vec<Action>) {
        match notification {
            // Nobody would learn why there is no session.
            Notification::Output { mask, content }
                if self.manner == Manner::Silent && !self.begun && mask.meets(OutputMask::ERROR) =>
            {
                actions.push(Action::Complain(content));
            }
            Notification::Output { content, .. } => actions.push(Action::Show(content)),
            Notification::ProgramOutput { bytes } => {
                self.program_here = true;
                actions.push(Action::ShowProgram(bytes));
            }
            Notification::ProgramTerminal { is_here } => self.program_here = is_here,
            Notification::Echo { author, line, prompt } => {
                let line = farsight_render::visible(&line).into_owned();
                show(actions, &format!("[{author}] {prompt}{line}\n"));
            }
            Notification::State(state) => self.state(state, actions),
            Notification::InputWanted {
                prompt,
                question,
                is_own,
            } => {
                let is_own = is_own.unwrap_or(!self.is_guest || self.outstanding.is_some() || self.away.is_some());
                let may_answer = is_own || self.manner == Manner::Terminal;
                if self.asking || !may_answer {
                    show(actions, &format!("*** A command asks: {}\n", prompt.trim_end()));
                }
                // What a script says next is no answer to somebody else's question.
                if may_answer {
                    self.questions += 1;
                    self.input_wanted = Some(Question {
                        prompt,
                        id: question,
                        number: self.questions,
                    });
                }
            }
            Notification::InputTaken => self.input_wanted = None,
            Notification::Done { ticket, outcome } => {
                if let Some(away) = self.away.take_if(|away| away.ticket == ticket) {
                    self.failed |= away.scripted && outcome == CommandOutcome::Failed;
                }
                if let Some(outstanding) = self.outstanding.take_if(|outstanding| outstanding.ticket == ticket) {
                    self.failed |= outstanding.scripted && outcome == CommandOutcome::Failed;
                    if self.leaves_behind.take() == Some(ticket) {
                        return self.leave(u8::from(self.failed), actions);
                    }
                    // A line that ends the session is done too. The engine answers in order, so an answer to this says
                    // that there is more to come, and until then no prompt is put up in vain.
                    let ticket = Ticket(PROBES | ticket.0);
                    self.probe = Some(ticket);
                    let line = String::new();
                    actions.push(Action::Send(Request::Complete { ticket, line }));
                }
            }
            Notification::Completions { ticket, .. } if self.probe == Some(ticket) => self.probe = None,
            Notification::Completions {
                ticket,
                start,
                candidates,
            } => actions.push(Action::Complete {
                ticket,
                start,
                candidates,
            }),
            Notification::Ended { clean } => {
                let code = match (clean, self.begun) {
                    (true, _) => u8::from(self.failed),
                    (false, false) => 3,
                    (false, true) => 4,
                };
                self.exit(self.told_to_leave.unwrap_or(code), true, actions);
            }
        }
    }

    fn state(&mut self, state: SessionState, actions: &mut Vec<Action>) {
        self.running = state == SessionState::Running;
        // What was to be run is on its way.
        if self.running && self.leaves_behind.take().is_some() {
            self.leave(u8::from(self.failed), actions);
        }
        if self.running && self.is_guest && self.manner == Manner::Terminal && self.away.is_none() {
            self.away = self.outstanding.take_if(|line| line.began_at_rest);
        }
        self.program_here &= state != SessionState::NoDebuggee;
        self.prompt = match state {
            // The first target is still to come.
            SessionState::NoDebuggee if !self.begun && self.target_awaited => None,
            SessionState::NoDebuggee => {
                if !std::mem::replace(&mut self.begun, true) && self.manner == Manner::Terminal {
                    show(
                        actions,
                        match self.is_guest {
                            true => GUESTS_FIRST_STEPS,
                            false => FIRST_STEPS,
                        },
                    );
                }
                Some(NO_TARGET_PROMPT.into())
            }
            SessionState::Accessible { prompt } => {
                self.begun = true;
                Some(prompt)
            }
            SessionState::Running => {
                self.target_awaited = false;
                // Others have set it going; what needs no target at rest can be typed all the same.
                (self.is_guest && self.manner == Manner::Terminal).then(|| BUSY.to_owned())
            }
        };
        // Whoever is typing must see where the line will go. An answer to a question goes where it went.
        let prompt = self.prompt.as_deref().unwrap_or(BUSY);
        if self.asking && self.manner == Manner::Terminal && self.asks_for_input.is_none() && self.asked != prompt {
            self.asked = prompt.to_owned();
            let prompt = self.asked.clone();
            actions.push(Action::ChangePrompt { prompt });
        }
    }

    fn signalled(&mut self, signal: Signal, actions: &mut Vec<Action>) {
        match signal {
            // A script that waits for its next line has nothing to interrupt but itself.
            Signal::Interrupt if self.asking && self.manner == Manner::Transcript => self.leave(130, actions),
            Signal::Interrupt => {
                actions.push(Action::Send(Request::Interrupt));
                self.interrupts += 1;
                if self.interrupts >= PATIENCE {
                    let what = match self.is_guest {
                        true => "no answer; leaving the session, which stays\n",
                        false => "no answer; ending the session\n",
                    };
                    show(actions, what);
                    self.leave(130, actions);
                }
            }
            Signal::Leave(number) => self.leave(128 + number, actions),
            Signal::Resized => actions.push(Action::SendWidth),
        }
    }

    /// Ends the session in good order, within a time.
    fn leave(&mut self, code: u8, actions: &mut Vec<Action>) {
        if self.told_to_leave.is_none() {
            self.told_to_leave = Some(code);
            actions.push(Action::Send(self.farewell()));
            actions.push(Action::LimitTime(LETTING_GO));
        }
    }

    fn exit(&mut self, code: u8, engine_ended: bool, actions: &mut Vec<Action>) {
        if !self.exited {
            self.exited = true;
            actions.push(Action::Exit { code, engine_ended });
        }
    }
}

fn show(actions: &mut Vec<Action>, text: &str) {
    actions.push(Action::Show(Content::Text(text.into())));
}

#[cfg(test)]
mod tests;
