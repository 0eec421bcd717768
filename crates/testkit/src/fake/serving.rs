//! Puts the fake target behind a stream, as `dbgsrv` puts the real one.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use farsight_target::{BREAK_IN, Event, LINUX_PROCESSES, changes_state, dispatch};
use farsight_transport::Stream;
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{self, ServerKind, SessionTicket, Welcome};
use farsight_wire::{Decoder, Frame, FrameKind, Header, Incoming, KeptReplies, Limits, Operation, Repeat};

use super::FakeTarget;

/// Instructions between two looks whether a request has come.
const SLICE: usize = 10_000;

/// A fake target that serves sessions on the loopback interface; each connection gets a machine of its own.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
}

impl Served {
    /// Starts serving on a free port, for the length of the test program.
    pub fn start() -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || FakeTarget::new().serve(Stream::from_tcp(stream).expect("a stream")));
            }
        });
        Served { address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to put behind `-premote`.
    pub fn connection(&self) -> String {
        format!("tcp:server=127.0.0.1,port={}", self.address.port())
    }
}

impl FakeTarget {
    /// Serves one session in a thread of its own; the other end of its stream.
    pub fn start() -> (Stream, JoinHandle<()>) {
        FakeTarget::new().begin()
    }

    /// As [`FakeTarget::start`], for a machine of one's own.
    pub fn begin(self) -> (Stream, JoinHandle<()>) {
        let (ours, theirs) = Stream::pair().expect("a pair of sockets");
        let server = thread::spawn(move || self.serve(theirs));
        (ours, server)
    }

    /// Serves one session until its stream ends.
    pub fn serve(mut self, stream: Stream) {
        let mut server = Server {
            stream: stream.try_clone().expect("a second handle"),
            events_sent: 0,
            kept: KeptReplies::default(),
        };
        let frames = frames_of(stream.try_clone().expect("a second handle"));
        if server.open(&self.machine, &frames).is_some() {
            // The stream's end ends the session; there is nobody to tell.
            let _ = server.run(&mut self, &frames);
        }
        // An error means that the client closed it before.
        let _ = stream.shutdown(Shutdown::Both);
    }
}

struct Server {
    stream: Stream,
    events_sent: u64,
    kept: KeptReplies,
}

impl Server {
    fn open(&mut self, machine: &str, frames: &Receiver<Frame>) -> Option<()> {
        let hello = handshake::read_hello(&frames.recv().ok()?).ok()?;
        self.stream.write_all(&PREAMBLE).ok()?;
        let answer = match handshake::judge(&hello, ServerKind::ProcessServer) {
            Err(refusal) => handshake::opening_frame(FrameKind::Refused, &refusal),
            Ok(version) => handshake::opening_frame(
                FrameKind::Welcome,
                &Welcome {
                    version,
                    server: ServerKind::ProcessServer,
                    product: "farsight-testkit".into(),
                    machine: machine.into(),
                    capabilities: vec![LINUX_PROCESSES.into()],
                    ticket: Some(SessionTicket {
                        session: 1,
                        secret: vec![7; 16],
                    }),
                },
            ),
        };
        self.send(&answer)?;
        (answer.header.kind == FrameKind::Welcome).then_some(())
    }

    fn run(&mut self, target: &mut FakeTarget, frames: &Receiver<Frame>) -> Option<()> {
        loop {
            for event in target.take_events() {
                self.send_event(event)?;
            }
            let frame = if target.is_running() {
                match frames.try_recv() {
                    Ok(frame) => frame,
                    Err(TryRecvError::Disconnected) => return None,
                    Err(TryRecvError::Empty) => {
                        target.run_slice(SLICE);
                        continue;
                    }
                }
            } else {
                frames.recv().ok()?
            };
            self.take(target, frame)?;
        }
    }

    fn take(&mut self, target: &mut FakeTarget, frame: Frame) -> Option<()> {
        let number = frame.header.number;
        self.kept.acknowledge(frame.header.last_reply);
        match frame.header.kind {
            FrameKind::Request => {
                let operation = Operation(frame.header.operation);
                if changes_state(operation) {
                    match self.kept.arrived(number) {
                        Repeat::New => {}
                        Repeat::Answered(reply) => return self.send(&reply),
                        Repeat::Ignore => return Some(()),
                    }
                }
                let call = Incoming {
                    operation,
                    body: frame.body,
                    bulk: frame.bulk,
                };
                let reply = dispatch(target, call);
                let mut header = Header::new(FrameKind::Reply);
                (header.status, header.operation, header.number) = (reply.status as u8, operation.0, number);
                header.session = 1;
                let reply = Frame {
                    header,
                    body: reply.body,
                    bulk: reply.bulk,
                };
                self.kept.keep(&reply);
                self.send(&reply)
            }
            FrameKind::Urgent => {
                if Operation(frame.header.operation) == BREAK_IN {
                    target.break_in();
                }
                Some(())
            }
            FrameKind::Ping => {
                let mut header = Header::new(FrameKind::Pong);
                header.number = number;
                self.send(&Frame::new(header, Vec::new()))
            }
            _ => None,
        }
    }

    fn send_event(&mut self, event: Event) -> Option<()> {
        let (operation, body, bulk) = event.into_parts();
        self.events_sent += 1;
        let mut header = Header::new(FrameKind::Event);
        (header.operation, header.number, header.session) = (operation.0, self.events_sent, 1);
        self.send(&Frame { header, body, bulk })
    }

    fn send(&mut self, frame: &Frame) -> Option<()> {
        self.stream.write_all(&frame.encode()).ok()
    }
}

fn frames_of(mut stream: Stream) -> Receiver<Frame> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut decoder = Decoder::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    decoder.set_limits(Limits::SESSION);
                    if sender.send(frame).is_err() {
                        return;
                    }
                }
                Err(_) => return,
                Ok(None) => match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => return,
                    Ok(length) => decoder.feed(&buffer[..length]),
                },
            }
        }
    });
    receiver
}
