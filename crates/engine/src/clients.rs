//! The users of the session: who they are, since when, what they may do; how they come and go.

use std::sync::Arc;

use farsight_session::{ClientEnd, ClientId, Content, Introduction, Notification, OutputMask, Sink};
use farsight_types::{AccessRole, Moment, ServerId};

use crate::ClientLoss;
use crate::error::CommandError;
use crate::execution::{Departure, Doing};
use crate::rights::OwnMemos;
use crate::servers::for_everybody;
use crate::session::Session;

/// Notifications that a client has not read yet, beyond which commands wait for it.
const MOST_WAITING: usize = 4096;

/// As [`MOST_WAITING`], beyond which a console is left behind by a session that others share.
const MOST_BEHIND: usize = 1 << 16;

/// One client.
pub(crate) struct KnownClient {
    pub(crate) id: ClientId,
    pub(crate) who: Introduction,
    pub(crate) mask: OutputMask,
    /// When it connected, in microseconds of Unix time.
    pub(crate) came: u64,
    /// When it became part of the session, in microseconds of Unix time; none before that.
    pub(crate) since: Option<u64>,
    /// When it last asked for anything.
    pub(crate) last_active: u64,
    /// The others were told when it came, and will be when it goes.
    announced: bool,
    /// What an observer's lines remember.
    pub(crate) own: Option<Box<OwnMemos>>,
    /// Its last line, where only it repeats that.
    pub(crate) last_line: Option<String>,
    pub(crate) sink: Arc<dyn Sink>,
    /// Whom its sink told last, for the first of a sink: the next is mostly for the same.
    audience: Arc<[ClientId]>,
    /// What it was not told, because it stood still while others went on.
    left_out: u64,
}

impl KnownClient {
    /// Whether it is told what all are told.
    pub(crate) fn is_in_session(&self) -> bool {
        self.since.is_some()
    }

    /// Whether a line that a command asks for may come from it.
    pub(crate) fn may_answer(&self) -> bool {
        // Who wants no prompts, such as a console that shows nothing, has nobody who could.
        self.is_in_session() && self.who.role > AccessRole::Observer && self.mask.meets(OutputMask::PROMPT)
    }

    /// Whether it sees what commands ask for and can do nothing about it.
    pub(crate) fn only_reads_questions(&self) -> bool {
        self.is_in_session() && !self.may_answer() && self.mask.meets(OutputMask::PROMPT)
    }

    /// Whether it is told the session's news by the debugger itself, without a server between.
    pub(crate) fn is_console(&self) -> bool {
        self.who.server.is_none()
    }

    /// Whether it has stood still for so long that what is shown is left out for it; when it reads again it is told
    /// how much that was.
    fn is_left_behind(&mut self, notification: &Notification) -> bool {
        let is_output = matches!(
            notification,
            Notification::Output { .. } | Notification::ProgramOutput { .. } | Notification::Echo { .. }
        );
        if !is_output || !self.is_console() {
            return false;
        }
        let waiting = self.sink.waiting();
        if waiting > MOST_BEHIND || self.left_out > 0 && waiting > MOST_WAITING {
            self.left_out += 1;
            return true;
        }
        if self.left_out > 0 {
            let missed = std::mem::take(&mut self.left_out);
            let why = format!("*** {missed} pieces of output are left out here: this console stood still\n");
            let content = Content::Text(why);
            let mask = OutputMask::WARNING;
            // Its end shows when it is told the next.
            let _ = self
                .sink
                .tell(&Arc::from([self.id]), Arc::new(Notification::Output { mask, content }));
        }
        false
    }

    /// `ann@desk (tcp 127.0.0.1:63141)`.
    pub(crate) fn name(&self) -> String {
        match self.who.address.as_str() {
            "" => self.who.identity.clone(),
            address => format!("{} ({address})", self.who.identity),
        }
    }
}

/// All clients. Those of one sink stand together.
#[derive(Default)]
pub(crate) struct ClientBook {
    known: Vec<KnownClient>,
}

impl ClientBook {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &KnownClient> {
        self.known.iter()
    }

    pub(crate) fn get(&self, id: ClientId) -> Option<&KnownClient> {
        self.known.iter().find(|client| client.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: ClientId) -> Option<&mut KnownClient> {
        self.known.iter_mut().find(|client| client.id == id)
    }

    /// Whether others take part besides the debugger's own console.
    fn is_shared(&self) -> bool {
        self.known
            .iter()
            .any(|client| client.is_in_session() && !client.is_console())
    }

    /// Whether somebody has so much left to read that commands shall wait. A console that stands still holds nobody up
    /// but itself.
    pub(crate) fn is_behind(&self) -> bool {
        let is_shared = self.is_shared();
        let mut sinks = self.sinks();
        sinks.any(|first| !(is_shared && first.is_console()) && first.sink.waiting() > MOST_WAITING)
    }

    /// The first client of each sink.
    fn sinks(&self) -> impl Iterator<Item = &KnownClient> {
        self.known
            .chunk_by(|one, other| Arc::ptr_eq(&one.sink, &other.sink))
            .filter_map(<[KnownClient]>::first)
    }

    /// Whether nobody is there besides this one.
    pub(crate) fn is_only(&self, id: ClientId) -> bool {
        self.known.iter().all(|client| client.id == id)
    }

    /// Whether anybody may answer what is asked.
    pub(crate) fn can_answer(&self) -> bool {
        self.known.iter().any(KnownClient::may_answer)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether a client is there and part of the session.
    pub(crate) fn is_in_session(&self, id: ClientId) -> bool {
        self.get(id).is_some_and(KnownClient::is_in_session)
    }

    /// Who a client is, in words; nobody where it is not there any more.
    pub(crate) fn identity(&self, id: ClientId) -> String {
        self.get(id)
            .map(|client| client.who.identity.clone())
            .unwrap_or_default()
    }

    fn insert(&mut self, client: KnownClient) {
        let behind = self
            .known
            .iter()
            .rposition(|known| Arc::ptr_eq(&known.sink, &client.sink));
        self.known.insert(behind.map_or(self.known.len(), |at| at + 1), client);
    }

    fn remove(&mut self, id: ClientId) -> Option<KnownClient> {
        let at = self.known.iter().position(|client| client.id == id)?;
        Some(self.known.remove(at))
    }

    /// Tells those who want it, each sink once, and forgets those who are gone.
    pub(crate) fn tell(&mut self, notification: &Arc<Notification>, wants: impl Fn(&KnownClient) -> bool) {
        let mut lost: Vec<ClientId> = Vec::new();
        let is_shared = self.is_shared();
        for clients in self
            .known
            .chunk_by_mut(|one, other| Arc::ptr_eq(&one.sink, &other.sink))
        {
            if let [console] = &mut *clients
                && is_shared
                && wants(console)
                && console.is_left_behind(notification)
            {
                continue;
            }
            let wanting = || clients.iter().filter(|client| wants(client)).map(|client| client.id);
            if wanting().next().is_none() {
                continue;
            }
            let Some(first) = clients.first() else {
                continue;
            };
            let audience = match wanting().eq(first.audience.iter().copied()) {
                true => Arc::clone(&first.audience),
                false => wanting().collect(),
            };
            if first.sink.tell(&audience, Arc::clone(notification)).is_err() {
                lost.extend(clients.iter().map(|client| client.id));
            }
            if let Some(first) = clients.first_mut() {
                first.audience = audience;
            }
        }
        if !lost.is_empty() {
            self.known.retain(|client| !lost.contains(&client.id));
        }
    }
}

impl Session {
    /// A client is there. The engine's own console is part of the session at once.
    pub(crate) fn client_came(&mut self, end: ClientEnd) {
        let is_console = end.introduction.server.is_none();
        let id = end.id;
        let now = self.output.now;
        self.output.clients.insert(KnownClient {
            id,
            who: end.introduction,
            mask: OutputMask::DEFAULT,
            came: now,
            since: None,
            last_active: now,
            announced: false,
            own: None,
            last_line: None,
            sink: end.notifications,
            audience: Arc::default(),
            left_out: 0,
        });
        if is_console {
            self.connect_session(id, 0, false);
        }
    }

    /// DbgEng's `ConnectSession`: the client becomes part of the session.
    pub(crate) fn connect_session(&mut self, id: ClientId, history: u32, announce: bool) {
        let now = self.output.now;
        let Some(client) = self.output.clients.get_mut(id).filter(|client| !client.is_in_session()) else {
            return;
        };
        client.announced = announce;
        let name = client.name();
        let outside = &self.outside;
        let is_busy = self.busy_line().is_some();
        self.output
            .catch_up(id, history, is_busy, |record| outside.render(record));
        let running = self.running_line().map(|running| (running, "breaks in"));
        let busy = self.busy_line().map(|busy| (busy, "ends it"));
        let doing = running.into_iter().chain(busy);
        let doing = doing.map(|(doing, cure)| format!("*** {}; CTRL+C {cure}\n", self.doing_in_words(doing)));
        for text in doing.collect::<Vec<_>>() {
            self.output.show_one(id, text);
        }
        if announce {
            self.announce(&format!("{name} connected at {}", Moment::from_unix(now)));
        }
        if let Some(client) = self.output.clients.get_mut(id) {
            client.since = Some(now);
        }
    }

    /// Who runs what since when.
    pub(crate) fn doing_in_words(&self, doing: Doing<'_>) -> String {
        let left = match self.output.clients.get(doing.client) {
            Some(_) => "",
            None => " (who has left)",
        };
        let since = Moment::from_unix(doing.since);
        format!(
            "{}{left} runs '{}' since {since}",
            doing.author,
            for_everybody(doing.line)
        )
    }

    /// A client asked to go: it is told the end, the others that it went.
    pub(crate) fn client_left(&mut self, id: ClientId) {
        self.output.dismiss(id, true);
        self.mailbox.forget(id);
        self.leave_lines_of(id);
        self.client_gone_as(id, "disconnected");
    }

    /// A client is gone that did not ask to go.
    pub(crate) fn client_gone(&mut self, id: ClientId, loss: &ClientLoss) {
        self.drop_lines_of(id);
        match loss {
            ClientLoss::Vanished => self.client_gone_as(id, "lost"),
            ClientLoss::CutOff(why) => self.client_gone_as(id, &format!("cut off ({why})")),
        };
    }

    /// Shows a client out: it is told why, and the others that it went.
    pub(crate) fn kick(&mut self, id: ClientId) -> Result<(), CommandError> {
        self.demand(AccessRole::Owner, "no client can be cut off")?;
        let refused = |why: String| Err(CommandError::Refused(why));
        let Some(client) = self.output.clients.get(id) else {
            return refused(format!("there is no client {}; .clients lists them", id.0));
        };
        if client.is_console() {
            return refused(format!("client {} is the debugger's own console, which stays", id.0));
        }
        if self.author == Some(id) {
            return refused("this is your own number; .remote_exit or Ctrl+B leaves the session".into());
        }
        self.show_out(id);
        Ok(())
    }

    /// Shows out whoever came through a server, but for who asks for it.
    pub(crate) fn show_out_those_of(&mut self, server: ServerId) {
        let author = self.author;
        let those = self.output.clients.iter();
        let those = those.filter(|client| client.who.server == Some(server) && Some(client.id) != author);
        for id in those.map(|client| client.id).collect::<Vec<_>>() {
            self.show_out(id);
        }
    }

    fn show_out(&mut self, id: ClientId) {
        let by = self.author.and_then(|author| self.output.clients.get(author));
        let by = by.map_or_else(|| "the debugger".to_owned(), KnownClient::name);
        self.output
            .refuse(id, &format!("{by} has cut you off from this session"));
        self.output.dismiss(id, true);
        self.mailbox.forget(id);
        self.drop_lines_of(id);
        let how = format!("cut off by {by}");
        if let Some(name) = self.client_gone_as(id, &how) {
            // Nobody knew of it, but whoever has looked wants to hear what became of it.
            self.output
                .line(format!("{name} {how} at {}", Moment::from_unix(self.output.now)));
        }
    }

    /// Its name, where nobody was told.
    fn client_gone_as(&mut self, id: ClientId, how: &str) -> Option<String> {
        let client = self.output.clients.remove(id)?;
        let is_told = client.announced && client.is_in_session();
        if is_told {
            let now = Moment::from_unix(self.output.now);
            self.announce(&format!("{} {how} at {now}", client.name()));
        }
        if self.output.clients.is_empty() {
            self.end(Departure::Quit);
        }
        (!is_told).then(|| client.name())
    }

    /// A client's command ends the session: everybody is told whose it was.
    pub(crate) fn tell_who_ends(&mut self, author: ClientId) {
        let client = self.output.clients.get(author);
        if let Some(name) = client.filter(|client| !client.is_console()).map(KnownClient::name) {
            let now = Moment::from_unix(self.output.now);
            self.announce(&format!("{name} ended the session at {now}"));
        }
    }

    /// The end of the console's input ends the session.
    pub(crate) fn input_ended(&mut self, id: ClientId) {
        let is_console = self.output.clients.get(id).is_some_and(|client| client.is_console());
        match is_console {
            true => {
                let now = Moment::from_unix(self.output.now);
                let text = format!(
                    "{} (the server's console) ended the session at {now}",
                    self.output.clients.identity(id)
                );
                self.output.line_to_others(id, &text);
                self.end(Departure::Quit);
            }
            false => self.client_left(id),
        }
    }

    /// Tells everybody, even where a command's output goes elsewhere.
    fn announce(&mut self, text: &str) {
        self.output.aside(text);
    }

    /// Whether a client may change anything.
    pub(crate) fn may_change(&self, id: ClientId) -> bool {
        self.output
            .clients
            .get(id)
            .is_some_and(|client| client.is_in_session() && client.who.role > AccessRole::Observer)
    }
}

impl crate::output::Output {
    /// A client asked for something.
    pub(crate) fn heard(&mut self, id: ClientId) {
        let now = self.now;
        if let Some(client) = self.clients.get_mut(id) {
            client.last_active = now;
        }
    }

    pub(crate) fn set_mask(&mut self, id: ClientId, mask: OutputMask) {
        if let Some(client) = self.clients.get_mut(id) {
            client.mask = mask;
        }
    }

    /// Which kinds of output a client gets.
    pub(crate) fn mask(&self, id: ClientId) -> OutputMask {
        self.clients.get(id).map_or(OutputMask::DEFAULT, |client| client.mask)
    }
}
