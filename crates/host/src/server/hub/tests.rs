//! What the hub tells, when it waits, and how it parts with clients that take nothing.

use std::io::Write;
use std::sync::mpsc::channel;

use farsight_session::wire::read_notification;
use farsight_session::{Gone, Ticket};
use farsight_testkit::raw_client::RawClient;
use farsight_transport::{ServerRole, ServerTransport, Stream};
use farsight_wire::Decoder;

use super::*;

struct Nobody;

impl Sink for Nobody {
    fn tell(&self, _: &Arc<[ClientId]>, _: Arc<Notification>) -> Result<(), Gone> {
        Err(Gone)
    }

    fn waiting(&self) -> usize {
        0
    }
}

fn hub() -> (Sender<Order>, Arc<AtomicU64>, Hub) {
    let (orders, ordered) = channel();
    let (engine, _) = channel();
    let followed: Arc<AtomicU64> = Arc::default();
    let waker = Arc::new(Waker::new().unwrap());
    let counter = Arc::clone(&followed);
    let hub = Hub::new(ordered, counter, waker, Arc::new(Nobody), engine, Limits::default());
    (orders, followed, hub)
}

#[test]
fn what_no_client_would_read_is_told_as_an_error() {
    let mask = OutputMask::NORMAL;
    let text = |length: usize| Notification::Output {
        mask,
        content: Content::Text("n".repeat(length)),
    };
    let read = |told: &Notification| {
        let frame = frame_that_fits(7, told);
        assert_eq!(frame.header.number, 7);
        read_notification(&frame).unwrap().unwrap()
    };
    assert_eq!(read(&text(15 << 20)), text(15 << 20));
    let instead = "output of 17 MiB is too large to be sent; narrow the command\n";
    assert_eq!(
        read(&text(17 << 20)),
        Notification::Output {
            mask: OutputMask::ERROR,
            content: Content::Text(instead.into()),
        }
    );
    // Whoever waits for an answer gets one.
    let completions = |candidates| Notification::Completions {
        ticket: Ticket(3),
        start: 1,
        candidates,
    };
    assert_eq!(read(&completions(vec!["n".repeat(17 << 20)])), completions(Vec::new()));
}

#[test]
fn a_rest_that_is_over_is_no_deadline() {
    let (orders, _, mut hub) = hub();
    hub.rest_until = Some(Instant::now());
    hub.wait(Some(Instant::now()), true).unwrap();
    assert_eq!(hub.next_deadline(), None);
    hub.rest_until = Some(Instant::now() + Duration::from_secs(3600));
    hub.wait(Some(Instant::now()), true).unwrap();
    assert!(hub.next_deadline().is_some(), "a rest is forgotten before it is over");
    let server = ServerId(0);
    orders
        .send(Order::Close {
            server,
            cut_clients: true,
            closed: channel().0,
        })
        .unwrap();
    assert!(hub.follow_orders());
    assert_eq!(hub.next_deadline(), None);
}

#[test]
fn only_a_flood_is_held_back_and_not_for_long() {
    let start = Instant::now();
    let at = |milliseconds| start + Duration::from_millis(milliseconds);
    let mut flow = Flow::new(start);
    flow.told(FLOOD);
    flow.told(1);
    assert_eq!(flow.held_until(at(1)), None, "what comes first is written at once");
    flow.held = 0;
    assert_eq!(flow.held_until(at(4)), None);
    assert_eq!(flow.held_until(at(5)), None, "nothing waits");
    flow.told(10);
    assert_eq!(flow.held_until(at(5)), Some(at(8)));
    flow.told(PIECE);
    assert_eq!(flow.held_until(at(6)), None, "a whole piece is written");
    flow.held = 0;
    // Silence ends it.
    assert_eq!(flow.held_until(at(20)), None);
    flow.told(10);
    assert_eq!(flow.held_until(at(21)), None);
}

#[test]
fn lines_of_one_kind_become_one_notification_and_keep_their_order() {
    let output = |mask, text: &str| Notification::Output {
        mask,
        content: Content::Text(text.to_owned()),
    };
    let clients: Arc<[ClientId]> = Arc::from([ClientId(1)]);
    let mut pending = Pending::new(&clients);
    let mut number = 7;
    for told in [
        output(OutputMask::NORMAL, "a\n"),
        output(OutputMask::NORMAL, "b\n"),
        output(OutputMask::ERROR, "c\n"),
        Notification::InputTaken,
        output(OutputMask::ERROR, "d\n"),
        output(OutputMask::ERROR, "e\n"),
    ] {
        pending.add(&mut number, &told);
    }
    assert!(pending.takes(&clients) && !pending.takes(&Arc::from([ClientId(2)])));
    let (_, piece) = pending.ended(&mut number);
    assert_eq!(number, 11);
    let mut decoder = Decoder::new();
    decoder.feed(&[&PREAMBLE[..], &piece].concat());
    let mut read = Vec::new();
    while let Some(frame) = decoder.next_frame().unwrap() {
        assert_eq!(frame.header.number, 8 + read.len() as u64);
        read.push(read_notification(&frame).unwrap().unwrap());
    }
    assert_eq!(
        read,
        [
            output(OutputMask::NORMAL, "a\nb\n"),
            output(OutputMask::ERROR, "c\n"),
            Notification::InputTaken,
            output(OutputMask::ERROR, "d\ne\n"),
        ]
    );
    let mut full = Pending::new(&clients);
    full.add(&mut number, &output(OutputMask::NORMAL, &"x".repeat(PIECE)));
    assert!(!full.takes(&clients));
}

#[test]
fn the_engine_sees_how_far_the_hub_is_behind() {
    let (orders, followed, mut hub) = hub();
    let handle = super::super::HubHandle {
        orders,
        given: Arc::default(),
        followed,
        waker: Arc::clone(&hub.waker),
    };
    let told = Arc::new(Notification::InputTaken);
    for _ in 0..5 {
        handle.tell(&Arc::from([ClientId(1)]), Arc::clone(&told)).unwrap();
    }
    assert_eq!(handle.waiting(), 5);
    hub.follow_orders();
    assert_eq!(handle.waiting(), 0);
    handle.tell(&Arc::from([ClientId(1)]), Arc::clone(&told)).unwrap();
    drop(hub);
    assert_eq!(handle.waiting(), 0, "nobody waits for a hub that has ended");
    assert_eq!(handle.tell(&Arc::from([ClientId(1)]), told), Err(Gone));
    assert_eq!(handle.waiting(), 0);
}

/// A hub that runs, a server of it, and where its news for the engine come.
struct Running {
    handle: super::super::HubHandle,
    thread: std::thread::JoinHandle<()>,
    news: Receiver<EngineMessage>,
    connection: String,
}

const SERVER: ServerId = ServerId(0);

fn running(limits: Limits) -> Running {
    let (inbox, news) = channel();
    let (handle, thread) = super::super::start_hub(inbox, limits).unwrap();
    let transport = ServerTransport::parse("tcp:port=0", ServerRole::DebuggingServer).unwrap();
    let listener = Listener::bind(&transport).unwrap();
    let connection = listener.client_string();
    let open = Order::Open {
        server: SERVER,
        listener: Box::new(listener),
        role: AccessRole::Operator,
    };
    handle.order(open).unwrap();
    Running {
        handle,
        thread,
        news,
        connection,
    }
}

impl Running {
    /// A client that reads when it is asked to, and its number.
    fn client(&self, name: &str) -> (RawClient, ClientId) {
        let client = RawClient::connect(&self.connection, name);
        match self.news() {
            EngineMessage::Join(end) => (client, end.id),
            other => panic!("{other:?}"),
        }
    }

    fn news(&self) -> EngineMessage {
        self.news.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn tell(&self, to: &[ClientId], text: &str) {
        let told = Notification::Output {
            mask: OutputMask::NORMAL,
            content: Content::Text(text.to_owned()),
        };
        self.handle.tell(&Arc::from(to), Arc::new(told)).unwrap();
    }

    fn end(self) {
        self.handle.order(Order::End).unwrap();
        self.thread.join().unwrap();
    }
}

#[test]
fn the_longer_a_client_is_held_back_the_less_often_it_is_looked_at() {
    let (_orders, _, mut hub) = hub();
    let (engine, _requests) = channel();
    hub.engine = engine;
    let (near, mut far) = Stream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let id = ClientId(1);
    let taken: Arc<AtomicU64> = Arc::default();
    let client = Connection::new(id, SERVER, near, Decoder::new(), Arc::clone(&taken));
    hub.clients.insert(id, client);
    let mut sent = PREAMBLE.to_vec();
    for number in 1..=300 {
        sent.extend(farsight_session::wire::request_frame(number, 0, &Request::Interrupt).encode());
    }
    // At once: what is small takes up more of the socket than it has bytes.
    far.write_all(&sent).unwrap();
    while !hub.clients[&id].is_held_back() {
        hub.wait(Some(Instant::now() + Duration::from_secs(20)), true).unwrap();
        hub.bring_requests();
    }
    let next = |hub: &Hub| hub.next_deadline().unwrap().saturating_duration_since(Instant::now());
    assert!(next(&hub) <= PACE);
    for _ in 0..4 {
        hub.wait(None, true).unwrap();
        hub.bring_requests();
    }
    assert!(next(&hub) > 10 * PACE && next(&hub) <= SLOWEST_PACE);
    // What is taken up makes way for the next.
    taken.store(1, Ordering::Release);
    hub.bring_requests();
    assert!(next(&hub) <= PACE);
}

#[test]
fn who_gives_no_name_has_one_all_the_same() {
    let running = running(Limits::default());
    for (given, shown) in [
        ("", "someone"),
        (" \t", "someone"),
        (" ann ", "ann"),
        ("a\u{1b}[m", "a\\e[m"),
    ] {
        let client = RawClient::connect(&running.connection, given);
        match running.news() {
            EngineMessage::Join(end) => assert_eq!(end.introduction.identity, shown),
            news => panic!("{news:?}"),
        }
        drop(client);
        assert!(matches!(running.news(), EngineMessage::Gone(..)));
    }
    running.end();
}

#[test]
fn a_server_that_was_told_to_end_has_freed_its_port_or_name() {
    let mut servers = super::super::DebuggingServers::default();
    let (inbox, _news) = channel();
    let pipe = format!("npipe:pipe=farsight-again-{}", std::process::id());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp:port={}", free.local_addr().unwrap().port());
    drop(free);
    for number in 0..20 {
        for transport in [&pipe, &port] {
            let started = servers.start(transport, ServerId(number), inbox.clone());
            let mut server = started.unwrap_or_else(|error| panic!("the {number}th time: {error}"));
            assert!(server.stop(false));
        }
    }
    // Nobody waits for one that is not there any more.
    let mut late = servers.start(&pipe, ServerId(20), inbox).unwrap();
    servers.end();
    assert!(late.stop(true));
}

#[test]
fn who_has_not_joined_makes_room_for_others_and_nobody_else_does() {
    let running = running(Limits {
        joining: Duration::ZERO,
        ..Limits::default()
    });
    let join = Request::ConnectSession {
        history: 0,
        announce: false,
    };
    let mut clients: Vec<(RawClient, ClientId)> = Vec::new();
    let mut come = |joins: bool| {
        let (mut client, id) = running.client("one of many");
        if joins {
            client.send(&join);
            let news = running.news();
            assert!(matches!(news, EngineMessage::Client(of, Request::ConnectSession { .. }) if of == id));
        }
        clients.push((client, id));
    };
    for number in 0..MOST_CLIENTS {
        come(number != 3);
    }
    let newcomer = RawClient::knock(&running.connection, "newcomer");
    match running.news() {
        EngineMessage::Gone(id, ClientLoss::CutOff(why)) => {
            assert!(id == clients[3].1 && why.contains("has not joined"), "{why}");
        }
        news => panic!("{news:?}"),
    }
    let (silent, _) = &mut clients[3];
    silent.expect_text("This client is cut off: it has not joined the session");
    assert!(matches!(running.news(), EngineMessage::Join(_)));
    let mut newcomer = newcomer.welcomed();
    newcomer.send(&join);
    assert!(matches!(running.news(), EngineMessage::Client(..)));
    // Now all have joined.
    let mut refused = RawClient::knock(&running.connection, "one too many");
    assert!(refused.expect_end(farsight_testkit::Deadline::usual()) > 0);
    assert!(running.news.try_recv().is_err());
    drop((clients, newcomer));
    running.end();
}

/// Invariant: one who takes nothing is parted with, however slowly his buffers fill, and nobody else is held up.
#[test]
fn one_who_takes_nothing_is_cut_off_and_the_others_are_served() {
    let ample = Limits::default();
    let quick = Limits {
        stuck: Duration::from_millis(300),
        ..ample
    };
    let narrow = Limits {
        queued: 1 << 20,
        ..ample
    };
    let line = format!("{}\n", "x".repeat(64 << 10));
    for (limits, why) in [(quick, "it took nothing for"), (narrow, "MiB waited for it")] {
        let running = running(limits);
        let (stalled, one) = running.client("stalled");
        let (mut reader, other) = running.client("reader");
        for number in 0..400 {
            running.tell(&[one, other], &line);
            let end = format!("line {number}\n");
            running.tell(&[other], &end);
            reader.expect_text(&end);
        }
        match running.news() {
            EngineMessage::Gone(id, ClientLoss::CutOff(told)) => assert!(id == one && told.contains(why), "{told}"),
            news => panic!("{news:?}"),
        }
        running.tell(&[other], "still there\n");
        reader.expect_text("still there\n");
        drop(stalled);
        running.end();
    }
}

/// Invariant: one who reads slowly, but reads, is no one who takes nothing.
#[test]
fn one_who_reads_slowly_is_not_cut_off() {
    let running = running(Limits {
        stuck: Duration::from_secs(1),
        ..Limits::default()
    });
    let (slow, id) = running.client("slow");
    let line = "x".repeat(64 << 10);
    for _ in 0..400 {
        running.tell(&[id], &line);
    }
    let begun = Instant::now();
    let mut stream = slow.into_stream();
    let mut chunk = vec![0; 512 << 10];
    let mut read = 0;
    while read < 400 * line.len() {
        read += std::io::Read::read(&mut stream, &mut chunk).unwrap();
        let news = running.news.recv_timeout(Duration::from_millis(30));
        assert!(news.is_err(), "{news:?} after {read} bytes");
    }
    assert!(begun.elapsed() > Duration::from_secs(1));
    running.end();
}
