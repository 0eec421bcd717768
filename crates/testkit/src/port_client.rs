//! A client of the target services without an engine: sends requests, pipelines them, collects events.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use farsight_target::Event;
use farsight_transport::{ClientRole, ClientTransport, Stream};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{self, Hello, Role, VERSIONS, Welcome};
use farsight_wire::{
    Call, CallStatus, Decoder, Frame, FrameKind, Header, Limits, Operation, Port, PortError, Reply, Requests,
};

use crate::Deadline;

/// Connects to an address.
///
/// # Panics
/// When nobody listens there.
#[track_caller]
pub fn dial_address(address: SocketAddr) -> Stream {
    let stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    Stream::from_tcp(stream).expect("a stream")
}

/// Connects to what a connection string says.
///
/// # Panics
/// When the string is wrong or nobody listens there.
#[track_caller]
pub fn dial(connection: &str) -> Stream {
    let transport = ClientTransport::parse(connection, ClientRole::SmartClient);
    let transport = transport.unwrap_or_else(|error| panic!("{connection}: {error}"));
    let stream = farsight_transport::dial(&transport, Deadline::usual().left());
    stream.unwrap_or_else(|error| panic!("{connection}: {error}"))
}

/// Frames as they come, until the stream ends or makes no sense.
enum Arrival {
    Frame(Frame),
    End(String),
}

/// The port of one session.
#[derive(Debug)]
pub struct PortClient {
    stream: Stream,
    arrivals: Receiver<Arrival>,
    state: RefCell<State>,
    welcome: Welcome,
}

#[derive(Debug, Default)]
struct State {
    requests: Requests,
    replies: HashMap<u64, Reply>,
    events: VecDeque<Event>,
    last_event: u64,
    session: u64,
    ended: Option<String>,
}

impl PortClient {
    /// Opens a session as a smart client.
    ///
    /// # Panics
    /// When the server does not open one.
    #[track_caller]
    pub fn open(stream: Stream) -> PortClient {
        PortClient::try_open(stream).unwrap_or_else(|why| panic!("no session: {why}"))
    }

    /// Opens a session, or says in words why there is none.
    pub fn try_open(mut stream: Stream) -> Result<PortClient, String> {
        let hello = Hello {
            versions: VERSIONS,
            role: Role::SmartClient,
            product: "farsight-testkit".into(),
            identity: "test@here".into(),
            resume: None,
        };
        let mut opening = PREAMBLE.to_vec();
        opening.extend(handshake::opening_frame(FrameKind::Hello, &hello).encode());
        stream.write_all(&opening).map_err(|error| error.to_string())?;
        let (sender, arrivals) = channel();
        let reading = stream.try_clone().map_err(|error| error.to_string())?;
        thread::spawn(move || read_frames(reading, &sender));
        let first = match arrivals.recv_timeout(Deadline::usual().left()) {
            Ok(Arrival::Frame(frame)) => frame,
            Ok(Arrival::End(why)) => return Err(why),
            Err(_) => return Err("no answer to the hello".into()),
        };
        let welcome = handshake::read_welcome(&first)
            .map_err(|error| error.to_string())?
            .map_err(|refusal| refusal.to_string())?;
        let session = welcome.ticket.as_ref().map_or(0, |ticket| ticket.session);
        Ok(PortClient {
            stream,
            arrivals,
            state: RefCell::new(State {
                session,
                ..State::default()
            }),
            welcome,
        })
    }

    /// What the server said of itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The next event; none when the deadline passes or the stream ends first.
    pub fn next_event(&self, deadline: Deadline) -> Option<Event> {
        loop {
            if let Some(event) = self.state.borrow_mut().events.pop_front() {
                return Some(event);
            }
            if self.receive(deadline).is_err() {
                return None;
            }
        }
    }

    /// Why the stream ended, if it did.
    pub fn ended(&self) -> Option<String> {
        self.state.borrow().ended.clone()
    }

    /// Closes the stream without a word, as a client that dies does.
    pub fn close(&self) {
        // An error means that it was closed before.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn write(&self, kind: FrameKind, number: u64, call: Call) -> Result<(), PortError> {
        let mut header = Header::new(kind);
        {
            let state = self.state.borrow();
            header.session = state.session;
            header.last_event = state.last_event;
            header.last_reply = state.requests.acknowledged();
        }
        header.operation = call.operation.0;
        header.number = number;
        let frame = Frame {
            header,
            body: call.body,
            bulk: call.bulk,
        };
        (&self.stream).write_all(&frame.encode()).map_err(|_| PortError::Lost)
    }

    fn receive(&self, deadline: Deadline) -> Result<(), PortError> {
        if self.state.borrow().ended.is_some() {
            return Err(PortError::Lost);
        }
        let arrival = self
            .arrivals
            .recv_timeout(deadline.left())
            .map_err(|_| PortError::Cancelled)?;
        let mut state = self.state.borrow_mut();
        let frame = match arrival {
            Arrival::Frame(frame) => frame,
            Arrival::End(why) => {
                state.ended = Some(why);
                return Err(PortError::Lost);
            }
        };
        match frame.header.kind {
            FrameKind::Reply => {
                let number = frame.header.number;
                assert!(
                    state.requests.answered(number),
                    "a second or unasked reply to request {number}"
                );
                let status = CallStatus::from_number(frame.header.status).expect("a known status");
                let reply = Reply {
                    status,
                    body: frame.body,
                    bulk: frame.bulk,
                };
                state.replies.insert(number, reply);
            }
            FrameKind::Event => {
                let number = frame.header.number;
                assert_eq!(number, state.last_event + 1, "events are numbered without gaps");
                state.last_event = number;
                state
                    .events
                    .extend(Event::from_frame(frame).expect("an event that can be read"));
            }
            FrameKind::Ping => {
                drop(state);
                let pong = Call {
                    operation: Operation(0),
                    body: Vec::new(),
                    bulk: Vec::new(),
                };
                return self.write(FrameKind::Pong, frame.header.number, pong);
            }
            FrameKind::Pong => {}
            kind => panic!("a server does not send {kind:?}"),
        }
        Ok(())
    }
}

impl Port for PortClient {
    fn send(&self, call: Call) -> Result<u64, PortError> {
        let number = self.state.borrow_mut().requests.begin();
        self.write(FrameKind::Request, number, call)?;
        Ok(number)
    }

    fn wait(&self, number: u64) -> Result<Reply, PortError> {
        let deadline = Deadline::seconds(60);
        loop {
            if let Some(reply) = self.state.borrow_mut().replies.remove(&number) {
                return Ok(reply);
            }
            self.receive(deadline)?;
        }
    }

    fn urgent(&self, operation: Operation) -> Result<(), PortError> {
        let call = Call {
            operation,
            body: Vec::new(),
            bulk: Vec::new(),
        };
        self.write(FrameKind::Urgent, 0, call)
    }
}

impl Drop for PortClient {
    fn drop(&mut self) {
        // An error means that it was closed before.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn read_frames(mut stream: Stream, arrivals: &Sender<Arrival>) {
    let mut decoder = Decoder::new();
    let mut buffer = vec![0; 64 << 10];
    let why = loop {
        match decoder.next_frame() {
            Ok(Some(frame)) => {
                decoder.set_limits(Limits::SESSION);
                if arrivals.send(Arrival::Frame(frame)).is_err() {
                    return;
                }
            }
            Err(error) => break error.to_string(),
            Ok(None) => match stream.read(&mut buffer) {
                Ok(0) => break "the server closed the connection".into(),
                Ok(length) => decoder.feed(&buffer[..length]),
                Err(error) => break error.to_string(),
            },
        }
    };
    // The receiver is gone when the test no longer cares.
    let _ = arrivals.send(Arrival::End(why));
}
