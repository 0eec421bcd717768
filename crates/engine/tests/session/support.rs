//! An engine with one client, whose target is the testkit's fake, and which counts what travels.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use farsight_engine::{
    Acquisition, ClientLoss, ConnectFailure, Destination, Engine, EngineMessage, EngineOptions, FileFailure, LinkId,
    LinkNews, LinkSender, ListingFailure, OpenFiles, OutputFile, OutputMode, Outside, Target,
};
use farsight_render::{View, render};
use farsight_session::record::{MachineServer, MachineServers, ServerKind, ServerKinds};
use farsight_session::{
    Client, ClientId, CommandOutcome, Content, Introduction, Notification, Request, SessionState, Ticket,
};
use farsight_symbols::ImageBytes;
use farsight_target::Event;
use farsight_testkit::fake::{self, toy};
use farsight_testkit::{FakeTarget, Stream};
use farsight_types::OsPid;
use farsight_types::{AccessRole, ServerId};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{self, Hello, Role, VERSIONS};
use farsight_wire::{CallStatus, Decoder, Frame, FrameKind, Limits, PortError, Reply};

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// What travelled.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Request frames.
    requests: AtomicU64,
    /// Times that a request was sent after something had come back.
    round_trips: AtomicU64,
    heard: AtomicBool,
    /// Counts the messages that the engine has taken: it asks for the time at each.
    turn: AtomicU64,
}

impl Traffic {
    /// A request goes out over a link that was made in turn `made`. In that same turn nothing can have been heard from it,
    /// however early its welcome is in the inbox.
    fn sent(&self, made: u64) {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if self.turn.load(Ordering::SeqCst) != made && self.heard.swap(false, Ordering::SeqCst) {
            self.round_trips.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Request frames and round trips so far.
    pub fn counts(&self) -> (u64, u64) {
        (
            self.requests.load(Ordering::SeqCst),
            self.round_trips.load(Ordering::SeqCst),
        )
    }
}

struct FakeSender {
    stream: RefCell<Stream>,
    traffic: Arc<Traffic>,
    made: u64,
}

impl LinkSender for FakeSender {
    fn send(&self, frame: Frame) -> Result<(), PortError> {
        if frame.header.kind == FrameKind::Request {
            self.traffic.sent(self.made);
        }
        let bytes = frame.encode();
        self.stream.borrow_mut().write_all(&bytes).map_err(|_| PortError::Lost)
    }
}

impl Drop for FakeSender {
    fn drop(&mut self) {
        let _ = self.stream.borrow().shutdown(std::net::Shutdown::Both);
    }
}

/// A world with one machine and some files at the engine's own.
pub struct World {
    pub files: HashMap<PathBuf, Vec<u8>>,
    pub traffic: Arc<Traffic>,
    /// The streams of the links, with what they lead to, so that a test can cut them.
    pub links: Links,
    /// Connecting fails.
    pub refuses: bool,
    /// What the engine wrote.
    pub written: Files,
}

/// The streams of links, with what they lead to.
pub type Links = Arc<std::sync::Mutex<Vec<(String, Stream)>>>;

/// Files by their paths, shared with the engine's thread.
pub type Files = Arc<std::sync::Mutex<HashMap<PathBuf, Vec<u8>>>>;

impl World {
    /// The toy's file is at the engine's machine.
    pub fn with_files() -> World {
        let mut world = World::without_files();
        let toy = toy::Toy::build();
        world.files.insert(toy::PATH.into(), toy.file);
        world
    }

    /// The engine's machine has no file of the target.
    pub fn without_files() -> World {
        World {
            files: HashMap::new(),
            traffic: Arc::default(),
            links: Arc::default(),
            refuses: false,
            written: Arc::default(),
        }
    }
}

/// A file that the engine writes.
struct Written {
    path: PathBuf,
    files: Files,
}

impl OutputFile for Written {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FileFailure> {
        if self.path.starts_with("/full") {
            let name = self.path.display();
            return Err(FileFailure(format!("cannot write '{name}': No space left on device")));
        }
        let mut files = self.files.lock().unwrap();
        files.entry(self.path.clone()).or_default().extend(bytes);
        Ok(())
    }
}

/// A debugging server that nobody comes through.
struct FakeServer {
    options: String,
    role: AccessRole,
}

impl farsight_engine::DebuggingServer for FakeServer {
    fn listing(&self) -> String {
        let port = self.options.split(',').next().unwrap_or_default();
        format!("tcp:{port}")
    }

    fn invitations(&self) -> Vec<farsight_engine::Invitation> {
        let string = format!("tcp:server=fakebox,{}", self.options);
        vec![farsight_engine::Invitation {
            has_secret: string.contains("key="),
            string,
            role: None,
        }]
    }

    fn role(&self) -> AccessRole {
        self.role
    }

    fn is_hidden(&self) -> bool {
        self.options.contains("hidden")
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn stop(&mut self, _: bool) -> bool {
        true
    }
}

/// The files of the world's machine, as they were when symbols were looked for.
struct Snapshot(HashMap<PathBuf, Vec<u8>>);

impl OpenFiles for Snapshot {
    fn open(&self, path: &Path) -> Option<Arc<dyn ImageBytes>> {
        let bytes = self.0.get(path)?.clone();
        Some(Arc::new(bytes))
    }
}

impl Outside for World {
    fn secret_variables(&self) -> Vec<String> {
        Vec::new()
    }

    fn start_server(
        &mut self,
        transport: &str,
        _: farsight_types::ServerId,
        _: Sender<EngineMessage>,
    ) -> Result<Box<dyn farsight_engine::DebuggingServer>, ConnectFailure> {
        let Some(options) = transport.strip_prefix("tcp:") else {
            return Err(ConnectFailure(format!("{transport}: this world has tcp only")));
        };
        let role = options
            .split_once("role=")
            .and_then(|(_, role)| AccessRole::named(role));
        Ok(Box::new(FakeServer {
            options: options.into(),
            role: role.unwrap_or(AccessRole::Owner),
        }))
    }

    fn servers_of_machine(&mut self, machine: &str) -> Result<MachineServers, ListingFailure> {
        let server = |kind, transport: &str, hidden| MachineServer {
            kind,
            transport: transport.into(),
            hidden,
            pid: OsPid(7),
            since: 0,
            uid: None,
            product: "test".into(),
        };
        let rows = vec![
            server(ServerKind::DebuggingServer, "npipe:Pipe=MainPipe", false),
            server(ServerKind::DebuggingServer, "npipe:Pipe=secret,Hidden", true),
            server(ServerKind::ProcessServer, "tcp:Port=5005", false),
            server(ServerKind::KernelConnectionServer, "npipe:Pipe=KernelPipe", false),
        ];
        match machine.trim_start_matches('\\') {
            name @ ("" | "HERE") => Ok(MachineServers {
                machine: name.into(),
                rows,
            }),
            other => Err(ListingFailure(format!("'{other}' is another machine"))),
        }
    }

    fn connect(&mut self, to: &Destination, link: LinkId, inbox: Sender<EngineMessage>) -> Box<dyn LinkSender> {
        let (mut stream, _server) = FakeTarget::start();
        let made = self.traffic.turn.load(Ordering::SeqCst);
        let name = match to {
            Destination::Local => "local",
            Destination::ProcessServer(text) | Destination::Image(text) => text,
        };
        let copy = stream.try_clone().unwrap();
        self.links.lock().unwrap().push((name.into(), copy));
        if self.refuses || name.contains("refuses") {
            let failure = ConnectFailure("fakebox refuses".into());
            let _ = inbox.send(EngineMessage::Link(link, LinkNews::Failed(failure)));
            return Box::new(FakeSender {
                stream: RefCell::new(stream),
                traffic: Arc::clone(&self.traffic),
                made,
            });
        }
        stream.write_all(&PREAMBLE).unwrap();
        let hello = Hello {
            versions: VERSIONS,
            role: Role::SmartClient,
            product: "test".into(),
            identity: "test".into(),
            resume: None,
        };
        let frame = handshake::opening_frame(FrameKind::Hello, &hello);
        stream.write_all(&frame.encode()).unwrap();
        let reader = stream.try_clone().unwrap();
        let traffic = Arc::clone(&self.traffic);
        thread::spawn(move || read(reader, link, &inbox, &traffic));
        Box::new(FakeSender {
            stream: RefCell::new(stream),
            traffic: Arc::clone(&self.traffic),
            made,
        })
    }

    fn open_file(&mut self, path: &Path) -> Option<Arc<dyn ImageBytes>> {
        let written = self.written.lock().unwrap().get(path).cloned();
        let bytes = written.or_else(|| self.files.get(path).cloned())?;
        Some(Arc::new(bytes))
    }

    fn files(&self) -> Arc<dyn OpenFiles> {
        Arc::new(Snapshot(self.files.clone()))
    }

    fn read_file(&mut self, path: &Path, most: u64) -> Result<Vec<u8>, FileFailure> {
        let written = self.written.lock().unwrap().get(path).cloned();
        match written.or_else(|| self.files.get(path).cloned()) {
            Some(bytes) if bytes.len() as u64 <= most => Ok(bytes),
            Some(_) => Err(FileFailure(format!("cannot read '{}': it is too long", path.display()))),
            None => Err(FileFailure(format!("cannot read '{}': there is none", path.display()))),
        }
    }

    fn file_mode(&mut self, path: &Path) -> Result<u32, FileFailure> {
        let there = self.files.contains_key(path) || self.written.lock().unwrap().contains_key(path);
        let missing = || FileFailure(format!("cannot look at '{}': it is not there", path.display()));
        there.then_some(0o644).ok_or_else(missing)
    }

    fn open_output(&mut self, path: &Path, mode: OutputMode) -> Result<Box<dyn OutputFile>, FileFailure> {
        let mut written = self.written.lock().unwrap();
        let there = written.contains_key(path) || self.files.contains_key(path);
        if mode == OutputMode::New && there {
            return Err(FileFailure(format!("cannot write '{}': it is there", path.display())));
        }
        let file = written.entry(path.to_owned()).or_default();
        if mode == OutputMode::Replace {
            file.clear();
        }
        Ok(Box::new(Written {
            path: path.to_owned(),
            files: Arc::clone(&self.written),
        }))
    }

    fn complete_path(&mut self, beginning: &str, most: usize) -> Vec<String> {
        let paths = self.files.keys().filter_map(|path| path.to_str());
        let mut found: Vec<String> = paths
            .filter(|path| path.starts_with(beginning))
            .map(str::to_owned)
            .collect();
        found.sort_unstable();
        found.truncate(most);
        found
    }

    fn now(&self) -> u64 {
        self.traffic.turn.fetch_add(1, Ordering::SeqCst);
        1_795_000_000_000_000
    }

    fn render(&self, record: &farsight_session::Record) -> String {
        farsight_render::render(record, &farsight_render::View::default())
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

fn read(mut stream: Stream, link: LinkId, inbox: &Sender<EngineMessage>, traffic: &Traffic) {
    let tell = |news: LinkNews| inbox.send(EngineMessage::Link(link, news)).is_ok();
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match decoder.next_frame().unwrap() {
            None => match stream.read(&mut buffer) {
                Ok(0) | Err(_) => {
                    tell(LinkNews::Lost {
                        why: "the stream ended".into(),
                    });
                    return;
                }
                Ok(length) => decoder.feed(&buffer[..length]),
            },
            Some(frame) => {
                traffic.heard.store(true, Ordering::SeqCst);
                decoder.set_limits(Limits::SESSION);
                let news = match frame.header.kind {
                    FrameKind::Reply => LinkNews::Reply {
                        number: frame.header.number,
                        reply: Reply {
                            status: CallStatus::from_number(frame.header.status).unwrap(),
                            body: frame.body,
                            bulk: frame.bulk,
                        },
                    },
                    FrameKind::Event => LinkNews::Event(Event::from_frame(frame).unwrap().unwrap()),
                    _ => LinkNews::Open(Box::new(handshake::read_welcome(&frame).unwrap().unwrap())),
                };
                if !tell(news) {
                    return;
                }
            }
        }
    }
}

/// How a line ended, or the session with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    Done(CommandOutcome),
    Ended,
}

/// A client: what it runs, and what it is shown.
pub struct Guest {
    pub client: Client,
    pub prompt: Option<String>,
    pub program_output: Vec<u8>,
    ended: Option<bool>,
    /// Lines of others are shown, with their authors.
    echoes: bool,
}

impl Guest {
    fn new(client: Client, echoes: bool) -> Guest {
        Guest {
            client,
            prompt: None,
            program_output: Vec::new(),
            ended: None,
            echoes,
        }
    }

    /// Runs a line that must succeed; what it showed.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        let (shown, outcome) = self.try_run(line);
        assert_eq!(outcome, CommandOutcome::Done, "{line}: {shown}");
        shown
    }

    /// Runs a line that must fail; what it showed.
    #[track_caller]
    pub fn fail(&mut self, line: &str) -> String {
        let (shown, outcome) = self.try_run(line);
        assert_eq!(outcome, CommandOutcome::Failed, "{line}: {shown}");
        shown
    }

    pub fn try_run(&mut self, line: &str) -> (String, CommandOutcome) {
        let ticket = self.send(line);
        self.finish(line, ticket)
    }

    /// Runs a line that may end the session, which counts as done.
    #[allow(dead_code, reason = "only one of the two test programs that share this needs it")]
    pub fn run_or_end(&mut self, line: &str) -> (String, CommandOutcome) {
        let wanted = self.send(line);
        let mut found = CommandOutcome::Done;
        let shown = self.until(line, |notification| match notification {
            Notification::Done { ticket, outcome } if *ticket == wanted => {
                found = *outcome;
                true
            }
            Notification::Ended { .. } => true,
            _ => false,
        });
        (shown, found)
    }

    /// Sends a line without waiting for its end.
    pub fn send(&mut self, line: &str) -> Ticket {
        self.client.execute(line)
    }

    /// Asks for the servers of a machine; what was shown, and whether it was done.
    #[allow(dead_code, reason = "only one of the two test programs that share this needs it")]
    pub fn list_servers(&mut self, machine: &str, kinds: u32) -> (String, CommandOutcome) {
        let ticket = Ticket(0xffff);
        self.client.send(Request::ListServers {
            ticket,
            machine: machine.into(),
            kinds: ServerKinds(kinds),
        });
        self.finish("the list of servers", ticket)
    }

    /// Waits for a line's end.
    pub fn finish(&mut self, what: &str, wanted: Ticket) -> (String, CommandOutcome) {
        let mut found = None;
        let shown = self.until(what, |notification| match notification {
            Notification::Done { ticket, outcome } if *ticket == wanted => {
                found = Some(*outcome);
                true
            }
            _ => false,
        });
        (shown, found.unwrap())
    }

    /// Waits for a line's end, and breaks in again and again once it has taken too long.
    pub fn finish_or_interrupt(&mut self, line: &str, wanted: Ticket, patience: Duration) {
        let begun = Instant::now();
        let mut next = begun + patience;
        loop {
            let now = Instant::now();
            assert!(now < begun + PATIENCE, "{line} does not end");
            if now >= next {
                self.client.interrupt();
                next = now + patience;
            }
            match self.client.next_within(next.saturating_duration_since(now)) {
                None => {}
                Some(None) => panic!("the engine was gone: {line}"),
                Some(Some(Notification::Done { ticket, .. })) if ticket == wanted => return,
                Some(Some(_)) => {}
            }
        }
    }

    /// Waits for a line's end, or the session's, and breaks in again and again once it has taken too long; an input that is
    /// asked for is empty. What it showed, and how it ended.
    pub fn survive(&mut self, line: &str, patience: Duration) -> (String, Survival) {
        let wanted = self.send(line);
        let begun = Instant::now();
        let mut next = begun + patience;
        let mut shown = String::new();
        loop {
            let now = Instant::now();
            assert!(now < begun + PATIENCE, "{} does not end", line.escape_debug());
            if now >= next {
                self.client.interrupt();
                next = now + patience;
            }
            match self.client.next_within(next.saturating_duration_since(now)) {
                None => {}
                Some(None) => panic!("the engine was gone: {}", line.escape_debug()),
                // Rendering is slower than the engine; what nobody will read is not rendered.
                Some(Some(Notification::Output { content, .. })) if shown.len() < 64 << 10 => match content {
                    Content::Text(text) => shown.push_str(&text),
                    Content::Record(record) => shown.push_str(&render(&record, &View::default())),
                },
                Some(Some(Notification::InputWanted { .. })) => self.client.send(Request::AnswerInput {
                    text: String::new(),
                    question: None,
                }),
                Some(Some(Notification::Ended { .. })) => return (shown, Survival::Ended),
                Some(Some(Notification::Done { ticket, outcome })) if ticket == wanted => {
                    return (shown, Survival::Done(outcome));
                }
                Some(Some(_)) => {}
            }
        }
    }

    /// Takes notifications until one is the right one; what was shown meanwhile.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut is_it: impl FnMut(&Notification) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(next) = self.client.next_within(left) else {
                panic!("{what} did not come; shown: {shown}");
            };
            let Some(notification) = next else {
                panic!("the engine was gone before {what}; shown: {shown}");
            };
            match &notification {
                Notification::Output { content, .. } => match content {
                    Content::Text(text) => shown.push_str(text),
                    Content::Record(record) => shown.push_str(&render(record, &View::default())),
                },
                Notification::Echo { author, line, .. } if self.echoes => {
                    shown.push_str(&format!("<{author}> {line}\n"));
                }
                Notification::State(SessionState::Accessible { prompt }) => self.prompt = Some(prompt.clone()),
                Notification::State(_) => self.prompt = None,
                Notification::ProgramOutput { bytes } => self.program_output.extend_from_slice(bytes),
                Notification::Ended { clean } => self.ended = Some(*clean),
                _ => {}
            }
            if is_it(&notification) {
                return shown;
            }
        }
    }

    /// What is offered to complete a line with.
    pub fn complete(&mut self, line: &str) -> (usize, Vec<String>) {
        self.request(Request::Complete {
            ticket: Ticket(u64::MAX),
            line: line.into(),
        });
        let mut found = None;
        self.until("candidates", |notification| match notification {
            Notification::Completions { start, candidates, .. } => {
                found = Some((*start, candidates.clone()));
                true
            }
            _ => false,
        });
        found.unwrap()
    }

    pub fn request(&self, request: Request) {
        self.client.send(request);
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn interrupt(&self) {
        self.client.interrupt();
    }
}

/// An engine and its console, which it stands for.
pub struct Session {
    console: Guest,
    pub traffic: Arc<Traffic>,
    links: Links,
    engine: Engine,
}

impl Deref for Session {
    type Target = Guest;

    fn deref(&self) -> &Guest {
        &self.console
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Guest {
        &mut self.console
    }
}

/// Options for a session that begins at process 4711.
pub fn attach() -> EngineOptions {
    let mut options = EngineOptions::new(Destination::ProcessServer("tcp:server=fakebox,port=1".into()));
    options.acquisition = Acquisition::of(Target::Process(fake::TOY));
    options
}

/// Options for a session that begins with a program.
pub fn launch() -> EngineOptions {
    let mut options = attach();
    options.acquisition = Acquisition::of(Target::Program {
        path: toy::PATH.into(),
        arguments: Vec::new(),
    });
    options
}

impl Session {
    /// Starts without waiting for anything.
    pub fn begin(world: World, options: EngineOptions) -> Session {
        let (traffic, links) = (Arc::clone(&world.traffic), Arc::clone(&world.links));
        let engine = Engine::start(Box::new(world), options).unwrap();
        let inbox = std::sync::Mutex::new(engine.inbox.clone());
        let deliver = Arc::new(move |client: ClientId, request: Request| {
            let _ = inbox.lock().unwrap().send(EngineMessage::Client(client, request));
        });
        let (client, end) = Client::new(ClientId(0), Introduction::console("tester"), deliver);
        engine.inbox.send(EngineMessage::Join(end)).unwrap();
        Session {
            console: Guest::new(client, false),
            traffic,
            links,
            engine,
        }
    }

    /// Another client joins through a server whose clients have a role. It shares the engine and nothing else.
    pub fn join(&self, id: u32, identity: &str, role: AccessRole) -> Guest {
        let mut guest = self.visit(id, identity, role);
        guest.client.send(Request::ConnectSession {
            history: 0,
            announce: true,
        });
        guest.until("the session's state", |notification| {
            matches!(notification, Notification::State(_))
        });
        guest
    }

    /// A client is gone without a word.
    pub fn lose(&self, id: u32) {
        let gone = EngineMessage::Gone(ClientId(id), ClientLoss::Vanished);
        self.engine.inbox.send(gone).unwrap();
    }

    /// A client that is there and has not joined the session.
    pub fn visit(&self, id: u32, identity: &str, role: AccessRole) -> Guest {
        let inbox = std::sync::Mutex::new(self.engine.inbox.clone());
        let deliver = Arc::new(move |client: ClientId, request: Request| {
            let _ = inbox.lock().unwrap().send(EngineMessage::Client(client, request));
        });
        let introduction = Introduction {
            identity: identity.into(),
            address: format!("tcp 127.0.0.1:{id}"),
            role,
            server: Some(ServerId(0)),
        };
        let (client, end) = Client::new(ClientId(id), introduction, deliver);
        self.engine.inbox.send(EngineMessage::Join(end)).unwrap();
        Guest::new(client, true)
    }

    /// Starts and waits for the first prompt; what was shown until then.
    pub fn start(world: World, options: EngineOptions) -> (Session, String) {
        let mut session = Session::begin(world, options);
        let shown = session.until("the first prompt", |notification| {
            matches!(notification, Notification::State(SessionState::Accessible { .. }))
        });
        (session, shown)
    }

    /// Waits until the engine has ended; what it showed and whether it ended clean.
    pub fn end(mut self) -> (String, bool) {
        let shown = match self.ended {
            Some(_) => String::new(),
            None => self.until("the end", |notification| {
                matches!(notification, Notification::Ended { .. })
            }),
        };
        self.engine.thread.join().unwrap();
        (shown, self.console.ended.unwrap())
    }

    /// Cuts the last connection.
    pub fn cut(&self) {
        self.cut_link("");
    }

    /// Cuts the last connection whose destination has this in it.
    pub fn cut_link(&self, to: &str) {
        let links = self.links.lock().unwrap();
        let (_, stream) = links.iter().rfind(|(name, _)| name.contains(to)).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }

    /// What a line costs: request frames and round trips, beside what it shows.
    #[track_caller]
    pub fn cost(&mut self, line: &str) -> (String, u64, u64) {
        let (requests, trips) = self.traffic.counts();
        let shown = self.run(line);
        let (requests_after, trips_after) = self.traffic.counts();
        (shown, requests_after - requests, trips_after - trips)
    }
}
