//! Links to a scripted server over real sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::RecvTimeoutError;

use farsight_target::{Event, Note};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{ServerKind, SessionTicket, Welcome, opening_frame, read_hello};
use farsight_wire::{CallStatus, Decoder, FrameKind, Header, Limits};

use super::*;

const LONG: Duration = Duration::from_secs(20);

/// The server's end, in the hands of a test.
struct Peer {
    stream: TcpStream,
    decoder: Decoder,
}

impl Peer {
    fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(frame);
            }
            let mut chunk = vec![0; 1 << 16];
            match self.stream.read(&mut chunk).unwrap() {
                0 => return None,
                length => self.decoder.feed(&chunk[..length]),
            }
        }
    }

    fn send(&mut self, frame: &Frame) {
        self.stream.write_all(&frame.encode()).unwrap();
    }
}

struct Rig {
    link: Link,
    news: Receiver<EngineMessage>,
    threads: LinkThreads,
}

impl Rig {
    fn new(to: &str) -> Rig {
        let (inbox, news) = channel();
        let mut threads = LinkThreads::default();
        let to = Destination::ProcessServer(to.into());
        let link = Link::open(to, LinkId(1), inbox, &mut threads);
        Rig { link, news, threads }
    }

    fn next(&self) -> LinkNews {
        match self.news.recv_timeout(LONG).unwrap() {
            EngineMessage::Link(LinkId(1), news) => news,
            other => panic!("{other:?}"),
        }
    }

    fn lost(&self) -> String {
        match self.next() {
            LinkNews::Lost { why } => why,
            other => panic!("{other:?}"),
        }
    }
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("tcp:server=127.0.0.1,port={port}"))
}

/// A rig with an open session.
fn connected() -> (Rig, Peer) {
    let (listener, to) = listener();
    let rig = Rig::new(&to);
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut peer = Peer {
        stream,
        decoder: Decoder::new(),
    };
    read_hello(&peer.next().unwrap()).unwrap();
    peer.decoder.set_limits(Limits::SESSION);
    peer.stream.write_all(&PREAMBLE).unwrap();
    peer.send(&opening_frame(
        FrameKind::Welcome,
        &Welcome {
            version: 1,
            server: ServerKind::ProcessServer,
            product: "dbgsrv 0.1.0".into(),
            machine: "box17".into(),
            capabilities: Vec::new(),
            ticket: Some(SessionTicket {
                session: 42,
                secret: vec![7; 16],
            }),
        },
    ));
    assert!(matches!(rig.next(), LinkNews::Open(welcome) if welcome.machine == "box17"));
    (rig, peer)
}

fn request(number: u64, bulk: Vec<u8>) -> Frame {
    let mut header = Header::new(FrameKind::Request);
    header.number = number;
    Frame {
        header,
        body: vec![0x80],
        bulk,
    }
}

fn event(number: u64) -> Frame {
    let note = Event::Note(Note::Trouble { text: "x".into() });
    let (operation, body, _) = note.into_parts();
    let mut header = Header::new(FrameKind::Event);
    header.number = number;
    header.operation = operation.0;
    Frame::new(header, body)
}

#[test]
fn requests_go_out_in_order_and_are_answered() {
    let (rig, mut peer) = connected();
    for number in 1..=300 {
        rig.link.send(request(number, Vec::new())).unwrap();
    }
    rig.link.send(request(301, vec![5; 1 << 20])).unwrap();
    for number in 1..=301 {
        let frame = peer.next().unwrap();
        assert_eq!((frame.header.number, frame.header.session), (number, 42));
        assert_eq!(frame.bulk.len(), if number == 301 { 1 << 20 } else { 0 });
    }
    let mut header = Header::new(FrameKind::Reply);
    (header.number, header.status) = (301, CallStatus::Failed as u8);
    peer.send(&Frame {
        header,
        body: vec![1, 2],
        bulk: vec![3; 100_000],
    });
    match rig.next() {
        LinkNews::Reply { number: 301, reply } => {
            assert_eq!(reply.status, CallStatus::Failed);
            assert_eq!((reply.body, reply.bulk), (vec![1, 2], vec![3; 100_000]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_last_event_seen_is_acknowledged_by_what_follows() {
    let (rig, mut peer) = connected();
    peer.send(&event(9));
    assert!(matches!(rig.next(), LinkNews::Event(Event::Note(_))));
    rig.link.send(request(1, Vec::new())).unwrap();
    assert_eq!(peer.next().unwrap().header.last_event, 9);
    let mut unknown = event(10);
    unknown.header.operation = 999;
    peer.send(&unknown);
    peer.send(&event(11));
    assert!(
        matches!(rig.next(), LinkNews::Event(Event::Note(_))),
        "an event of a later release is passed over"
    );
}

#[test]
fn a_ping_is_answered() {
    let (_rig, mut peer) = connected();
    let mut header = Header::new(FrameKind::Ping);
    header.number = 77;
    peer.send(&Frame::new(header, Vec::new()));
    let pong = peer.next().unwrap();
    assert_eq!((pong.header.kind, pong.header.number), (FrameKind::Pong, 77));
}

#[test]
fn a_closed_link_says_so_and_takes_no_more() {
    let (rig, peer) = connected();
    drop(peer);
    assert_eq!(rig.lost(), "the server closed it");
    let Rig {
        link,
        mut threads,
        news,
    } = rig;
    threads.join(LONG);
    assert!(link.send(request(1, Vec::new())).is_err());
    assert!(matches!(news.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected)));
}

#[test]
fn a_frame_that_does_not_belong_ends_the_link() {
    let (rig, mut peer) = connected();
    peer.send(&Frame::new(Header::new(FrameKind::Hello), Vec::new()));
    let why = rig.lost();
    assert!(why.contains("sent what this release cannot read"), "{why}");
    assert_eq!(peer.next(), None);
}

#[test]
fn a_huge_frame_ends_the_link_before_it_is_read() {
    let (rig, mut peer) = connected();
    let mut head = Frame::new(Header::new(FrameKind::Event), Vec::new()).encode();
    head[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    peer.stream.write_all(&head).unwrap();
    assert!(rig.lost().contains("4294967295"));
}

#[test]
fn dropping_the_sender_sends_what_waits_and_ends_both_threads() {
    let (rig, mut peer) = connected();
    rig.link.send(request(1, Vec::new())).unwrap();
    rig.link.send(request(2, vec![1; 100_000])).unwrap();
    let Rig { link, mut threads, .. } = rig;
    drop(link);
    assert_eq!(peer.next().unwrap().header.number, 1);
    assert_eq!(peer.next().unwrap().header.number, 2);
    assert_eq!(peer.next(), None);
    let before = Instant::now();
    threads.join(LONG);
    assert!(before.elapsed() < LONG && threads.running.is_empty());
}

#[test]
fn where_nothing_listens_the_failure_names_string_and_cure() {
    let (listener, to) = listener();
    drop(listener);
    match Rig::new(&to).next() {
        LinkNews::Failed(failure) => {
            let text = failure.to_string();
            assert!(
                text.contains("127.0.0.1") && text.contains("is the server running"),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_string_that_cannot_be_parsed_is_a_failure_too() {
    match Rig::new("tcp:prot=1").next() {
        LinkNews::Failed(failure) => assert!(failure.to_string().contains("prot"), "{failure}"),
        other => panic!("{other:?}"),
    }
}
