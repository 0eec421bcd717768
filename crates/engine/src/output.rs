//! What clients are told.
//!
//! Telling never waits. What is told is made once, however many clients there are, and each sink is told once for all of
//! its clients. A client that is gone is forgotten.

use std::sync::Arc;

use farsight_session::{ClientId, CommandOutcome, Content, Notification, OutputMask, Record, SessionState, Ticket};
use farsight_types::{AccessRole, Moment, without_secrets};

use crate::clients::{ClientBook, KnownClient};
use crate::history::ShownHistory;
use crate::log::Log;
use crate::secrets::masked;
use crate::servers::without_hidden_servers;
use crate::session::Question;

/// So much of a line is shown to others, in characters.
const MOST_SHOWN: usize = 2000;

/// Whether a record tells of something that happened.
fn is_event(record: &Record) -> bool {
    use farsight_session::record::EventKind;
    match record {
        Record::Event(_) => true,
        // A step says nothing of itself.
        Record::Stop(stop) => !matches!(stop.event.kind, EventKind::Step),
        _ => false,
    }
}

/// A line as others are shown it: a script that was pasted is not for their screens.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(MOST_SHOWN) {
        Some((at, _)) => format!("{}... ({} bytes)", line.get(..at).unwrap_or_default(), line.len()),
        None => line.to_owned(),
    }
}

/// Tells clients.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) clients: ClientBook,
    /// What newcomers are shown.
    pub(crate) history: ShownHistory,
    /// What was last said of the session's state.
    state: Option<SessionState>,
    /// What was last said of a launched program.
    terminal: bool,
    /// Those who came while a command ran, and know of no state but that.
    came_while_busy: Vec<ClientId>,
    /// What commands show goes here instead, into the last one.
    captures: Vec<Capture>,
    pub(crate) log: Option<Log>,
    /// Events are shown with their time.
    pub(crate) stamps: bool,
    /// When the message came that is being dealt with, in microseconds of Unix time.
    pub(crate) now: u64,
}

/// Whom something is shown to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// All who take part, and those who come later.
    All,
    /// The owners among those who take part now, the debugger's own console with them.
    Owners,
}

impl Audience {
    fn has(self, client: &KnownClient) -> bool {
        self == Audience::All || client.who.role == AccessRole::Owner
    }

    /// Those who belong to both.
    pub(crate) fn narrowed(self, other: Audience) -> Audience {
        match self {
            Audience::All => other,
            Audience::Owners => self,
        }
    }
}

/// What commands showed while nobody was to see it.
#[derive(Debug, Default)]
pub(crate) struct Capture(Vec<Content>);

impl Capture {
    /// What is captured: results. Errors and warnings are for the user.
    const MASK: OutputMask = OutputMask(OutputMask::NORMAL.0 | OutputMask::VERBOSE.0);

    pub(crate) fn parts(&self) -> &[Content] {
        &self.0
    }
}

impl Output {
    /// Keeps the output of so many commands for newcomers.
    pub(crate) fn keeping(commands: Option<u32>) -> Output {
        let mut output = Output::default();
        output.history.most_commands = commands.map(|commands| commands as usize);
        output
    }

    fn tell(&mut self, notification: Notification, wants: impl Fn(&KnownClient) -> bool) {
        self.clients.tell(&Arc::new(notification), wants);
    }

    fn tell_one(&mut self, client: ClientId, notification: Notification) {
        self.tell(notification, |known| known.id == client);
    }

    /// Shows a client, and no other, what is not done for it.
    pub(crate) fn refuse(&mut self, client: ClientId, why: &str) {
        let content = masked(Content::Text(format!("{why}\n")));
        let mask = OutputMask::ERROR;
        self.tell_one(client, Notification::Output { mask, content });
    }

    /// Shows one client text.
    pub(crate) fn show_one(&mut self, client: ClientId, text: String) {
        let mask = OutputMask::NORMAL;
        let content = masked(Content::Text(text));
        self.tell_one(client, Notification::Output { mask, content });
    }

    /// Shows one client a result.
    pub(crate) fn show_one_record(&mut self, client: ClientId, record: Record) {
        let mask = OutputMask::NORMAL;
        let content = masked(Content::Record(Box::new(record)));
        self.tell_one(client, Notification::Output { mask, content });
    }

    /// Shows a newcomer what was shown before, at most so many characters, and where the session stands.
    pub(crate) fn catch_up(
        &mut self,
        client: ClientId,
        characters: u32,
        is_busy: bool,
        render: impl Fn(&Record) -> String,
    ) {
        for notification in self.history.last(characters, render) {
            self.clients.tell(&notification, |known| known.id == client);
        }
        // Also after output of a program that has ended since.
        let is_here = self.terminal;
        self.tell_one(client, Notification::ProgramTerminal { is_here });
        if is_busy {
            self.tell_one(client, Notification::State(SessionState::Running));
            self.came_while_busy.push(client);
        } else if let Some(state) = self.state.clone() {
            self.tell_one(client, Notification::State(state));
        }
    }

    /// What commands show from now on goes to nobody but [`Output::end_capture`]. Captures nest.
    pub(crate) fn begin_capture(&mut self) {
        self.captures.push(Capture::default());
    }

    /// Ends the innermost capture.
    pub(crate) fn end_capture(&mut self) -> Capture {
        self.captures.pop().unwrap_or_default()
    }

    /// Takes captures away while the line that they belong to waits.
    pub(crate) fn pause_captures(&mut self) -> Vec<Capture> {
        std::mem::take(&mut self.captures)
    }

    /// Puts back what was taken away.
    pub(crate) fn resume_captures(&mut self, captures: Vec<Capture>) {
        self.captures = captures;
    }

    fn content(&mut self, mask: OutputMask, content: Content) {
        self.content_for(Audience::All, mask, content);
    }

    fn content_for(&mut self, audience: Audience, mask: OutputMask, content: Content) {
        // Whoever sees it now or later, and what is done with it.
        let content = masked(content);
        if Capture::MASK.meets(mask)
            && let Some(capture) = self.captures.last_mut()
        {
            capture.0.push(content);
            return;
        }
        if let Some(log) = &mut self.log {
            log.note(mask, &content);
        }
        let notification = Arc::new(Notification::Output { mask, content });
        // Who comes late may be anybody.
        if ShownHistory::MASK.meets(mask) && audience == Audience::All {
            self.history.note(&notification);
        }
        self.clients.tell(&notification, |client| {
            client.is_in_session() && client.mask.meets(mask) && audience.has(client)
        });
    }

    /// Shows a line of ordinary text to some.
    pub(crate) fn line_for(&mut self, audience: Audience, text: impl AsRef<str>) {
        let content = Content::Text(format!("{}\n", text.as_ref()));
        self.content_for(audience, OutputMask::NORMAL, content);
    }

    /// Shows a line of ordinary text whose keys are for owners who are there: others, late ones and logs have stars for them.
    pub(crate) fn line_with_secret(&mut self, audience: Audience, line: &str) {
        let mask = OutputMask::NORMAL;
        let told = |line: &str| {
            let content = Content::Text(format!("{line}\n"));
            Arc::new(Notification::Output { mask, content })
        };
        let (whole, shown) = (told(line), told(&without_secrets(line)));
        if let (Some(log), Notification::Output { content, .. }) = (&mut self.log, &*shown) {
            log.note(mask, content);
        }
        if audience == Audience::All {
            self.history.note(&shown);
        }
        let wants = |client: &KnownClient| client.is_in_session() && client.mask.meets(mask) && audience.has(client);
        let owns = |client: &KnownClient| Audience::Owners.has(client);
        self.clients.tell(&whole, |client| wants(client) && owns(client));
        self.clients.tell(&shown, |client| wants(client) && !owns(client));
    }

    /// Shows a result, which is no event, to some.
    pub(crate) fn record_for(&mut self, audience: Audience, record: Record) {
        let content = Content::Record(Box::new(record));
        self.content_for(audience, OutputMask::NORMAL, content);
    }

    /// Shows text of a kind; line ends included.
    pub(crate) fn text(&mut self, mask: OutputMask, text: impl Into<String>) {
        self.content(mask, Content::Text(text.into()));
    }

    /// Shows a line to everybody, wherever the output of the running command goes.
    pub(crate) fn aside(&mut self, text: &str) {
        let captures = self.pause_captures();
        self.line(text);
        self.resume_captures(captures);
    }

    /// Shows a line to everybody but one.
    pub(crate) fn line_to_others(&mut self, client: ClientId, text: &str) {
        let mask = OutputMask::NORMAL;
        let content = masked(Content::Text(format!("{text}\n")));
        self.tell(Notification::Output { mask, content }, |known| {
            known.id != client && known.is_in_session() && known.mask.meets(mask)
        });
    }

    /// Shows a line of ordinary text.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.text(OutputMask::NORMAL, format!("{}\n", text.as_ref()));
    }

    /// Shows a line that warns.
    pub(crate) fn warning(&mut self, text: impl AsRef<str>) {
        self.text(OutputMask::WARNING, format!("{}\n", text.as_ref()));
    }

    /// Shows how far work is, to those who asked to be told: a script's output does not depend on how long something took.
    pub(crate) fn status(&mut self, text: impl AsRef<str>) {
        self.text(OutputMask::STATUS, format!("{}\n", text.as_ref()));
    }

    /// Shows a line that tells of a failure.
    pub(crate) fn error(&mut self, text: impl AsRef<str>) {
        self.text(OutputMask::ERROR, format!("{}\n", text.as_ref()));
    }

    /// Shows a result.
    pub(crate) fn record(&mut self, record: Record) {
        if self.stamps && is_event(&record) {
            let moment = Moment::from_unix(self.now);
            self.text(OutputMask::NORMAL, format!("{moment}: "));
        }
        self.content(OutputMask::NORMAL, Content::Record(Box::new(record)));
    }

    /// Passes on what a launched program wrote.
    pub(crate) fn program(&mut self, bytes: Vec<u8>) {
        self.history.note_program(&bytes);
        self.tell(Notification::ProgramOutput { bytes }, |client| {
            client.is_in_session() && client.mask.meets(OutputMask::DEBUGGEE)
        });
    }

    /// Shows the other clients what one of them typed, as a command or as a line that was asked for, at which prompt.
    pub(crate) fn echo(&mut self, author: ClientId, prompt: &str, line: &str) {
        let echo = |line: &str| {
            Arc::new(Notification::Echo {
                author: self.clients.identity(author),
                line: shortened(line),
                prompt: prompt.to_owned(),
            })
        };
        let line = &*without_secrets(line);
        let whole = echo(line);
        // A line that starts a hidden server is shown to others without its connection.
        let shown = without_hidden_servers(line).map_or_else(|| Arc::clone(&whole), |line| echo(&line));
        let hides = !Arc::ptr_eq(&whole, &shown);
        self.history.note(&shown);
        let wants = |client: &KnownClient| {
            client.id != author && client.is_in_session() && client.mask.meets(OutputMask::PROMPT)
        };
        let sees_all = |client: &KnownClient| !hides || Audience::Owners.has(client);
        self.clients.tell(&whole, |client| wants(client) && sees_all(client));
        self.clients.tell(&shown, |client| wants(client) && !sees_all(client));
    }

    /// Says that a command line is over.
    pub(crate) fn done(&mut self, client: ClientId, ticket: Ticket, outcome: CommandOutcome) {
        self.tell_one(client, Notification::Done { ticket, outcome });
    }

    /// Answers a wish for candidates.
    pub(crate) fn completions(&mut self, client: ClientId, ticket: Ticket, start: usize, candidates: Vec<String>) {
        let notification = Notification::Completions {
            ticket,
            start,
            candidates,
        };
        self.tell_one(client, notification);
    }

    /// Tells the state where it has changed.
    pub(crate) fn state(&mut self, state: SessionState) {
        for client in std::mem::take(&mut self.came_while_busy) {
            self.tell_one(client, Notification::State(state.clone()));
        }
        if self.state.as_ref() == Some(&state) {
            return;
        }
        self.state = Some(state.clone());
        self.tell(Notification::State(state), KnownClient::is_in_session);
    }

    /// Tells whether a launched program takes what is typed, where that has changed.
    pub(crate) fn terminal(&mut self, is_here: bool) {
        if std::mem::replace(&mut self.terminal, is_here) != is_here {
            self.tell(Notification::ProgramTerminal { is_here }, KnownClient::is_in_session);
        }
    }

    /// Asks clients for a line of text, of those that are meant. Who may not answer reads what is asked.
    pub(crate) fn input_wanted(&mut self, question: &Question<'_>, meant: impl Fn(&KnownClient) -> bool) {
        let prompt = &*without_secrets(question.prompt);
        for is_own in [true, false] {
            let asked = Notification::InputWanted {
                prompt: prompt.to_owned(),
                question: Some(question.id),
                is_own: Some(is_own),
            };
            self.tell(asked, |client| {
                meant(client) && client.may_answer() && question.is_of(client) == is_own
            });
        }
        let text = format!("*** A command asks: {}\n", prompt.trim_end());
        let (mask, content) = (OutputMask::NORMAL, Content::Text(text));
        self.tell(Notification::Output { mask, content }, |client| {
            meant(client) && client.only_reads_questions()
        });
    }

    /// Says that no line is wanted any more.
    pub(crate) fn input_taken(&mut self) {
        self.tell(Notification::InputTaken, KnownClient::may_answer);
    }

    /// Says that the session is over.
    pub(crate) fn ended(&mut self, clean: bool) {
        self.tell(Notification::Ended { clean }, |_| true);
    }

    /// Says to one client that the session is over for it.
    pub(crate) fn dismiss(&mut self, client: ClientId, clean: bool) {
        self.tell_one(client, Notification::Ended { clean });
    }
}
