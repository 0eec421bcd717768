//! The session's clients and what they are told.

use farsight_session::{
    ClientEnd, ClientId, CommandOutcome, Content, Notification, Outbox, OutputMask, Record, SessionState, Ticket,
};

use crate::clock::Moment;
use crate::log::Log;

/// Notifications that a client has not read yet, beyond which commands wait for it.
const MOST_WAITING: usize = 4096;

/// One client.
struct Listener {
    id: ClientId,
    name: String,
    mask: OutputMask,
    sender: Outbox,
}

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

/// Tells clients. Sending never waits; a client that is gone is forgotten.
#[derive(Default)]
pub(crate) struct Output {
    listeners: Vec<Listener>,
    /// What was last said of the session's state.
    state: Option<SessionState>,
    /// What commands show goes here instead, into the last one.
    captures: Vec<Capture>,
    pub(crate) log: Option<Log>,
    /// Events are shown with their time.
    pub(crate) stamps: bool,
    /// When the message came that is being dealt with, in microseconds of Unix time.
    pub(crate) now: u64,
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
    pub(crate) fn join(&mut self, end: ClientEnd, name: String) {
        if let Some(state) = &self.state {
            let _ = end.notifications.send(Notification::State(state.clone()));
        }
        self.listeners.push(Listener {
            id: end.id,
            name,
            mask: OutputMask::DEFAULT,
            sender: end.notifications,
        });
    }

    pub(crate) fn leave(&mut self, id: ClientId) {
        self.listeners.retain(|listener| listener.id != id);
    }

    pub(crate) fn is_deserted(&self) -> bool {
        self.listeners.is_empty()
    }

    /// Whether a client has so much left to read that commands shall wait for it.
    pub(crate) fn is_ahead(&self) -> bool {
        self.listeners
            .iter()
            .any(|listener| listener.sender.waiting() > MOST_WAITING)
    }

    pub(crate) fn set_mask(&mut self, id: ClientId, mask: OutputMask) {
        if let Some(listener) = self.listeners.iter_mut().find(|listener| listener.id == id) {
            listener.mask = mask;
        }
    }

    /// Which kinds of output a client gets.
    pub(crate) fn mask(&self, id: ClientId) -> OutputMask {
        let found = self.listeners.iter().find(|listener| listener.id == id);
        found.map_or(OutputMask::DEFAULT, |listener| listener.mask)
    }

    fn tell(&mut self, make: impl Fn() -> Notification, wants: impl Fn(&Listener) -> bool) {
        self.listeners
            .retain(|listener| !wants(listener) || listener.sender.send(make()).is_ok());
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
        if Capture::MASK.meets(mask)
            && let Some(capture) = self.captures.last_mut()
        {
            capture.0.push(content);
            return;
        }
        if let Some(log) = &mut self.log {
            log.note(mask, &content);
        }
        self.tell(
            || Notification::Output {
                mask,
                content: content.clone(),
            },
            |listener| listener.mask.meets(mask),
        );
    }

    /// Shows text of a kind; line ends included.
    pub(crate) fn text(&mut self, mask: OutputMask, text: impl Into<String>) {
        self.content(mask, Content::Text(text.into()));
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
        self.tell(
            || Notification::ProgramOutput { bytes: bytes.clone() },
            |listener| listener.mask.meets(OutputMask::DEBUGGEE),
        );
    }

    /// Shows the other clients what one of them typed.
    pub(crate) fn echo(&mut self, author: ClientId, line: &str) {
        let found = self.listeners.iter().find(|listener| listener.id == author);
        let name = found.map(|listener| listener.name.clone()).unwrap_or_default();
        self.tell(
            || Notification::Echo {
                author: name.clone(),
                line: line.to_owned(),
            },
            |listener| listener.id != author && listener.mask.meets(OutputMask::PROMPT),
        );
    }

    /// Says that a command line is over.
    pub(crate) fn done(&mut self, client: ClientId, ticket: Ticket, outcome: CommandOutcome) {
        self.tell(
            || Notification::Done { ticket, outcome },
            |listener| listener.id == client,
        );
    }

    /// Answers a wish for candidates.
    pub(crate) fn completions(&mut self, client: ClientId, ticket: Ticket, start: usize, candidates: Vec<String>) {
        self.tell(
            || Notification::Completions {
                ticket,
                start,
                candidates: candidates.clone(),
            },
            |listener| listener.id == client,
        );
    }

    /// Tells the state where it has changed.
    pub(crate) fn state(&mut self, state: SessionState) {
        if self.state.as_ref() == Some(&state) {
            return;
        }
        self.state = Some(state.clone());
        self.tell(|| Notification::State(state.clone()), |_| true);
    }

    /// Asks clients for a line of text.
    pub(crate) fn input_wanted(&mut self, prompt: &str) {
        self.tell(
            || Notification::InputWanted {
                prompt: prompt.to_owned(),
            },
            |_| true,
        );
    }

    /// Says that no line is wanted any more.
    pub(crate) fn input_taken(&mut self) {
        self.tell(|| Notification::InputTaken, |_| true);
    }

    /// Says that the session is over.
    pub(crate) fn ended(&mut self, clean: bool) {
        self.tell(|| Notification::Ended { clean }, |_| true);
    }
}
