//! How the session runs: the loop over the inbox, and what state the targets are in.
//!
//! A command line is a machine that can be suspended: it waits here while what it set going runs, and goes on when that
//! has come to rest ([`line`]). [`resume`] sets targets going, [`settle`] brings all systems to rest when something
//! happens in one, [`stop`] decides what a stop comes to, [`family`] keeps account of processes, [`acquire`] gets hold of
//! targets, [`ending`] lets go of them.

mod acquire;
mod ending;
mod family;
mod judge;
mod landings;
mod line;
mod lines;
mod repeat;
mod resume;
mod settle;
mod signals;
mod stepping;
mod stop;

pub(crate) use ending::{Departure, Release};
pub(crate) use family::Restartable;
pub(crate) use line::{Construct, Doing, EachPlan, Flow, Jump, Line, tokens};
pub(crate) use resume::ResumeIntent;
pub(crate) use signals::{KNOWN_SIGNALS, Usual, signal_code, signal_meaning, signal_name, signal_number, usual};
pub(crate) use stepping::{StepShow, WatchOrder};

use std::collections::VecDeque;

use farsight_session::{ClientId, CommandOutcome, Request, SessionState, Ticket};
use farsight_target::{Acquired, Event, Note, TargetError, TerminalInput};
use farsight_types::{OsPid, SystemId};
use farsight_wire::Pending;

use crate::filters::EventCode;
use crate::model::{Motion, Origin};
use crate::session::Session;
use crate::{Acquisition, EngineMessage, InitialBreak, LinkId, LinkNews};

/// Lines that wait while a target is being acquired.
const MOST_WAITING_LINES: usize = 4096;

/// What the session does. What each system does is its [`Motion`].
#[derive(Default)]
pub(crate) enum RunState {
    /// No client has joined yet.
    #[default]
    Waiting,
    /// At rest, or there are no targets.
    Rest,
    /// A link is being made, while every target rests.
    Connecting {
        /// Its number.
        link: LinkId,
        /// What is acquired over it. The request may be on its way already, right behind the handshake, which saves a
        /// round trip.
        asked: Asked,
    },
    /// A target was asked for and has not had its first stop. The others rest.
    Acquiring { system: SystemId, asked: Asked },
    /// Targets run.
    Running {
        /// How they were set going, so that a stop that is not shown can be followed by the same.
        intent: ResumeIntent,
    },
    /// Something happened in one system, and the others are being stopped.
    Settling { intent: ResumeIntent },
    /// The session is over.
    Ended,
}

/// A target that was asked for.
pub(crate) struct Asked {
    wanted: Acquisition,
    /// The unanswered request; none when it has not been sent, or only the stop is missing.
    pending: Option<Pending<Acquired, TargetError>>,
    /// The system was made for this and goes again if there will be no target.
    fresh: bool,
}

/// The run state, and the lines that wait.
#[derive(Default)]
pub(crate) struct Execution {
    pub(crate) state: RunState,
    /// The line that goes on at the next stop that is shown.
    suspended: Option<Line>,
    /// What an empty line repeats.
    last_line: Option<String>,
    /// The line whose commands run now.
    busy: Option<line::Busy>,
    /// Lines that came while the first target was being acquired.
    waiting: VecDeque<(ClientId, Ticket, String)>,
    /// Runs at the first rest (`-c`).
    initial_command: Option<String>,
    /// Stops of systems that came to rest in the same moment, in order of arrival: one is shown, those that tell of more
    /// than the break-in are shown at the next resume, before anything runs.
    arrived: VecDeque<settle::Arrived>,
    /// Whether the first stop of the target that is being acquired is shown.
    initial_break: InitialBreak,
    /// Only this process runs, until something has happened in it (`-f`).
    alone: Option<(SystemId, OsPid)>,
    /// A program that can be started again, although it has ended.
    restartable: Option<Restartable>,
    /// Something that was asked for at the start did not happen.
    start_failed: bool,
    /// The first target has been had, or none was asked for.
    started: bool,
    /// Somebody broke in and no stop has been shown since. A server at rest ignores a break-in, so one that crosses a
    /// stop which the engine would pass over in silence must be remembered here.
    break_in_wanted: bool,
    /// How the targets ran when the last event came, for `gc`.
    pub(crate) before: ResumeIntent,
    /// The line of a program's output that its filter wants a stop for; the break-in is on its way.
    output_seen: Option<String>,
}

impl Session {
    /// Serves the inbox until the session ends.
    pub(crate) fn serve(&mut self) {
        self.execution.initial_command = self.options.command.clone();
        loop {
            // A line may have asked to go on while something was still to be shown.
            self.show_arrived();
            self.flush_log();
            self.tell_state();
            if matches!(self.execution.state, RunState::Ended) {
                break;
            }
            let Some(message) = self.mailbox.next() else {
                break;
            };
            self.output.now = self.outside.now();
            self.take(message);
            // An interrupt that no command took up is for the targets, if they run again.
            if self.mailbox.take_interrupt() && !matches!(self.execution.state, RunState::Rest) {
                self.interrupt();
            }
        }
        for system in &self.systems {
            system.link.close();
        }
        self.close_log();
        self.output.ended(!self.execution.start_failed);
    }

    fn take(&mut self, message: EngineMessage) {
        match message {
            EngineMessage::Join(end) => {
                self.client_came(end);
                if matches!(self.execution.state, RunState::Waiting) {
                    self.open_first_log();
                    self.start();
                }
            }
            EngineMessage::Client(client, request) => {
                self.output.heard(client);
                self.take_request(client, request);
            }
            EngineMessage::Gone(client, loss) => self.client_gone(client, &loss),
            EngineMessage::ServerOver(server) => self.server_is_over(server),
            EngineMessage::Link(link, news) => self.take_news(link, news),
            EngineMessage::Worked => {}
        }
    }

    /// The session's servers and its first target.
    fn start(&mut self) {
        if let Err(error) = self.start_first_servers() {
            self.output.error(error.to_string());
            self.execution.start_failed = true;
            self.execution.state = RunState::Ended;
            return;
        }
        let wanted = self.options.acquisition.clone();
        self.connect(wanted);
    }

    fn take_request(&mut self, client: ClientId, request: Request) {
        if self.output.clients.get(client).is_none() {
            // It was shown out, and this was on its way.
            return;
        }
        if !self.output.clients.is_in_session(client) && takes_part(&request) {
            return self.refuse_stranger(client, request);
        }
        match request {
            // Nobody waits for it any more.
            Request::Execute { .. } if !self.mailbox.is_here(client) => {}
            Request::Execute { ticket, line } => {
                let line = self.line_or_last(client, line);
                self.take_line(client, ticket, line);
            }
            Request::Interrupt if !self.mailbox.may_interrupt(client) => {
                self.output.refuse(client, "an observer cannot break in");
            }
            Request::Interrupt => self.interrupt(),
            Request::ProgramInput { .. } if !self.may_change(client) => {
                self.output.refuse(client, "an observer cannot type into the program");
            }
            Request::ProgramInput { bytes, end } => self.type_in(bytes, end),
            Request::SetOutput { mask, .. } => self.output.set_mask(client, mask),
            Request::Complete { ticket, line } => {
                let rights = self.rights_of(client);
                let (start, candidates) = self.acting_with(rights, |session| crate::commands::complete(session, &line));
                self.output.completions(client, ticket, start, candidates);
            }
            // Whoever asks takes it before it comes here.
            Request::AnswerInput { question, .. } => self.refuse_late_answer(client, question),
            Request::ListServers { ticket, machine, kinds } => {
                let rights = self.rights_of(client);
                let listed = self.acting_with(rights, |session| session.servers_for_a_client(&machine, kinds));
                let outcome = match listed {
                    // It may not have joined, and then nothing that it does shows to others.
                    Ok(servers) => {
                        self.output.show_one_record(client, servers);
                        CommandOutcome::Done
                    }
                    Err(error) => {
                        self.output.refuse(client, &error.to_string());
                        CommandOutcome::Failed
                    }
                };
                self.output.done(client, ticket, outcome);
            }
            Request::ConnectSession { history, announce } => self.connect_session(client, history, announce),
            Request::Leave => self.client_left(client),
            Request::EndOfInput => self.input_ended(client),
        }
    }

    /// Answers a client that asks for more than to look around before it is part of the session: what others do not see
    /// coming is not done to them.
    fn refuse_stranger(&mut self, client: ClientId, request: Request) {
        self.output.refuse(client, "join the session first (ConnectSession)");
        match request {
            Request::Execute { ticket, .. } => self.output.done(client, ticket, CommandOutcome::Failed),
            Request::Complete { ticket, line } => self.output.completions(client, ticket, line.len(), Vec::new()),
            _ => {}
        }
    }

    /// A client has left: what it set going goes on without it, what it left waiting is not begun.
    pub(crate) fn leave_lines_of(&mut self, client: ClientId) {
        self.execution.waiting.retain(|(author, ..)| *author != client);
        if let Some(line) = &mut self.execution.suspended
            && line.doing().is_some_and(|doing| doing.client == client)
        {
            line.disown();
        }
    }

    /// A client was shown out or is lost: what it set going or left waiting goes no further.
    pub(crate) fn drop_lines_of(&mut self, client: ClientId) {
        self.execution.waiting.retain(|(author, ..)| *author != client);
        if self.running_line().is_some_and(|doing| doing.client == client) {
            self.abort_suspended();
        }
    }

    fn take_line(&mut self, client: ClientId, ticket: Ticket, line: String) {
        let prompt = match self.execution.state {
            RunState::Rest => self.shown_prompt(),
            _ => String::new(),
        };
        self.output.echo(client, &prompt, &line);
        match self.execution.state {
            RunState::Waiting | RunState::Connecting { .. } | RunState::Acquiring { .. } => {
                if self.execution.waiting.len() >= MOST_WAITING_LINES {
                    self.output.refuse(client, "too many lines wait for the target already");
                    return self.output.done(client, ticket, CommandOutcome::Failed);
                }
                self.execution.waiting.push_back((client, ticket, line));
            }
            RunState::Rest => self.start_line(Some((client, ticket)), line),
            RunState::Running { .. } | RunState::Settling { .. } => self.run_beside(client, ticket, line),
            RunState::Ended => self.output.done(client, ticket, CommandOutcome::Failed),
        }
    }

    /// A user wants the running thing to end. A running command has noticed by itself, in its wait.
    fn interrupt(&mut self) {
        match &self.execution.state {
            RunState::Running { .. } => {
                self.execution.break_in_wanted = true;
                // The stop may be another, such as a step's end, and the loop that set it going must end all the same.
                if let Some(line) = &mut self.execution.suspended {
                    line.note_break_in();
                }
                self.stop_running(true);
            }
            RunState::Settling { .. } => self.settle_without(),
            RunState::Acquiring { system, .. } => {
                let system = *system;
                self.execution.break_in_wanted = true;
                self.break_in(system);
            }
            RunState::Connecting { link, .. } => {
                let link = *link;
                self.give_up_connecting(link, "interrupted".into());
            }
            RunState::Waiting | RunState::Rest | RunState::Ended => {}
        }
    }

    fn type_in(&mut self, bytes: Vec<u8>, end: bool) {
        let launched = |place: Option<crate::model::Place>| {
            let place = place?;
            let process = self.process_of(place.system, place.process).ok()?;
            (process.origin == Origin::Launched).then_some((place.system, process.os))
        };
        let last = || {
            self.systems.iter().rev().find_map(|system| {
                let mut processes = system.processes.iter().rev();
                let process = processes.find(|process| process.origin == Origin::Launched)?;
                Some((system.id, process.os))
            })
        };
        let launched = launched(self.current)
            .or_else(last)
            .and_then(|(system, process)| Some((self.system_of(system).ok()?.link.clone(), process)));
        let Some((link, process)) = launched else {
            self.output.warning("no program of this session takes input");
            return;
        };
        let request = TerminalInput { process, end, bytes };
        match farsight_target::FilesProxy(&link).begin_type_in(request) {
            Ok(pending) => link.abandon(pending.number()),
            Err(error) => self.output.error(error.to_string()),
        }
    }

    fn take_news(&mut self, link: LinkId, news: LinkNews) {
        match news {
            LinkNews::Open(welcome) => self.opened(link, *welcome),
            LinkNews::Told(text) => self.output.line(text),
            LinkNews::Failed(failure) => self.give_up_connecting(link, failure.to_string()),
            // The answer waits at its link.
            LinkNews::Reply { number, .. } => self.take_reply(link, number),
            LinkNews::Event(event) => {
                if let Some(system) = self.system_behind(link) {
                    self.take_event(system, event);
                }
            }
            LinkNews::Lost { why } => self.lost(link, &why),
        }
    }

    fn system_behind(&self, link: LinkId) -> Option<SystemId> {
        let mut systems = self.systems.iter();
        systems.find(|system| system.link.id() == link).map(|system| system.id)
    }

    fn take_reply(&mut self, link: LinkId, number: u64) {
        let Some(id) = self.system_behind(link) else {
            return;
        };
        let resumed = self.system_of(id).is_ok_and(|system| match &system.motion {
            Motion::Running { pending, .. } => pending.as_ref().is_some_and(|pending| pending.number() == number),
            Motion::Rest => false,
        });
        if resumed {
            return self.resume_answered(id);
        }
        if let RunState::Acquiring { system, asked } = &self.execution.state
            && *system == id
            && asked.pending.as_ref().is_some_and(|pending| pending.number() == number)
        {
            self.acquire_answered();
        }
    }

    fn take_event(&mut self, system: SystemId, event: Event) {
        match event {
            Event::Stop(stop) => self.take_stop(system, stop),
            Event::Note(note) => self.take_note(system, note),
            Event::Output(chunk) if chunk.bytes.is_empty() => {}
            Event::Output(chunk) => {
                self.watch_output(system, &chunk.bytes);
                self.output.program(chunk.bytes);
            }
            Event::End(end) => self.server_ended(system, &end.why),
        }
    }

    fn take_note(&mut self, system: SystemId, note: Note) {
        use farsight_session::record::{EventKind, EventReport};
        let (pid, tid, kind) = match note {
            Note::Signal {
                process,
                thread,
                signal,
            } => (
                process,
                thread,
                stop::signal_event(signal, farsight_target::Chance::First),
            ),
            Note::ThreadStarted { process, thread } if self.filters.event(EventCode::ThreadStarted).is_told() => {
                (process, thread, EventKind::ThreadStarted)
            }
            Note::ThreadEnded { process, thread } if self.filters.event(EventCode::ThreadEnded).is_told() => {
                (process, thread, EventKind::ThreadEnded)
            }
            Note::ThreadStarted { .. } | Note::ThreadEnded { .. } => return,
            Note::ProcessStarted { birth } => return self.process_born(system, &birth),
            Note::ProcessEnded { end } => return self.process_ended(system, end),
            Note::Trouble { text } => {
                self.output.warning(format!("*** WARNING: {text}"));
                return;
            }
        };
        self.tell_event(EventReport { pid, tid, kind });
    }

    /// Tells clients whether commands may look at targets.
    fn tell_state(&mut self) {
        let launched = |process: &crate::model::Process| process.origin == Origin::Launched;
        let is_here = self.systems.iter().any(|system| system.processes.iter().any(launched));
        self.output.terminal(is_here);
        let state = match &self.execution.state {
            RunState::Waiting | RunState::Ended => return,
            RunState::Connecting { .. }
            | RunState::Acquiring { .. }
            | RunState::Running { .. }
            | RunState::Settling { .. } => SessionState::Running,
            RunState::Rest if self.has_no_process() => SessionState::NoDebuggee,
            RunState::Rest => SessionState::Accessible { prompt: self.prompt() },
        };
        self.output.state(state);
    }

    fn has_no_process(&self) -> bool {
        self.systems.iter().all(|system| system.processes.is_empty())
    }

    /// What everybody's prompt is, at rest.
    fn shown_prompt(&self) -> String {
        match self.has_no_process() {
            true => "> ".to_owned(),
            false => self.prompt(),
        }
    }

    /// `0:000> `, with the system in front once there is more than one.
    pub(crate) fn prompt(&self) -> String {
        let several = self.systems.len() > 1;
        match (self.current, self.server_system()) {
            (Some(place), _) if several => format!("||{}:{}:{:03}> ", place.system, place.process, place.thread.0),
            (Some(place), _) => format!("{}:{:03}> ", place.process, place.thread.0),
            // A system without processes was chosen.
            (None, Some(system)) => format!("||{system}> "),
            (None, None) => "> ".to_owned(),
        }
    }

    /// The line that has set the targets going.
    pub(crate) fn running_line(&self) -> Option<Doing<'_>> {
        self.execution.suspended.as_ref().and_then(Line::doing)
    }

    /// The line whose commands run now.
    pub(crate) fn busy_line(&self) -> Option<Doing<'_>> {
        self.execution.busy.as_ref().map(line::Busy::doing)
    }

    /// Whether anything runs.
    pub(crate) fn is_running(&self) -> bool {
        matches!(
            self.execution.state,
            RunState::Running { .. } | RunState::Settling { .. }
        )
    }
}

/// Whether a request is something that only those who are part of the session do.
fn takes_part(request: &Request) -> bool {
    !matches!(
        request,
        Request::ConnectSession { .. }
            | Request::ListServers { .. }
            | Request::SetOutput { .. }
            | Request::Leave
            | Request::EndOfInput
    )
}
