//! A debugging client without a console: speaks seam 1 to a debugging server, well or badly, and keeps what it is told.

use std::io::{self, Read, Write};

use farsight_session::wire::{read_notification, request_frame};
use farsight_session::{CommandOutcome, Content, Notification, OutputMask, Request, Ticket};
use farsight_transport::{ClientRole, ClientTransport, Stream};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{Hello, Role, VERSIONS, opening_frame, read_welcome};
use farsight_wire::{Decoder, Limits};
pub use farsight_wire::{Frame, FrameKind, Header};

use crate::Deadline;

/// A connection to a debugging server; it reads only when it is asked to.
#[derive(Debug)]
pub struct RawClient {
    stream: Stream,
    decoder: Decoder,
    requests: u64,
    tickets: u64,
}

impl RawClient {
    /// Connects, under a name, and is welcomed; it does not join the session.
    ///
    /// # Panics
    /// When the server does not welcome it.
    #[track_caller]
    pub fn connect(connection: &str, name: &str) -> RawClient {
        RawClient::knock(connection, name).welcomed()
    }

    /// Connects and says who it is; the answer comes later ([`RawClient::welcomed`]).
    #[track_caller]
    pub fn knock(connection: &str, name: &str) -> RawClient {
        let mut client = RawClient::over(dial(connection));
        client.send_bytes(&opening(name)).expect("a server that reads");
        client
    }

    /// It is welcomed.
    ///
    /// # Panics
    /// When the server does not welcome it.
    #[track_caller]
    #[must_use]
    pub fn welcomed(mut self) -> RawClient {
        let frame = self.next_frame(Deadline::usual());
        let frame = frame.expect("an answer to a hello");
        let welcome = read_welcome(&frame).expect("a valid answer to a hello");
        welcome.unwrap_or_else(|refusal| panic!("{refusal}"));
        self.decoder.set_limits(Limits::SESSION);
        self
    }

    /// Connects and joins the session, with its whole history.
    #[track_caller]
    pub fn join(connection: &str, name: &str) -> RawClient {
        let mut client = RawClient::connect(connection, name);
        client.send(&Request::ConnectSession {
            history: u32::MAX,
            announce: true,
        });
        client
    }

    /// A client that has said nothing yet.
    pub fn over(stream: Stream) -> RawClient {
        RawClient {
            stream,
            decoder: Decoder::new(),
            requests: 0,
            tickets: 0,
        }
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When the server has closed the connection.
    #[track_caller]
    pub fn send(&mut self, request: &Request) {
        let sent = self.try_send(request);
        sent.unwrap_or_else(|error| panic!("the server takes no request: {error}"));
    }

    /// Sends a request, or says why it cannot.
    pub fn try_send(&mut self, request: &Request) -> io::Result<()> {
        self.requests += 1;
        let frame = request_frame(self.requests, 0, request);
        self.send_bytes(&frame.encode())
    }

    /// Sends anything.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&self.stream).write_all(bytes)
    }

    /// Asks to run a line.
    #[track_caller]
    pub fn execute(&mut self, line: &str) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let line = line.to_owned();
        self.send(&Request::Execute { ticket, line });
        ticket
    }

    /// Runs a line to its end: what was told meanwhile, and how it ended.
    ///
    /// # Panics
    /// When it does not end within the deadline.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> (String, CommandOutcome) {
        let ticket = self.execute(line);
        let mut shown = String::new();
        loop {
            let told = self.next(Deadline::usual());
            match told.unwrap_or_else(|| panic!("'{line}' does not end; shown was:\n{shown}")) {
                Notification::Done { ticket: done, outcome } if done == ticket => return (shown, outcome),
                told => shown.push_str(&words(&told)),
            }
        }
    }

    /// Reads until something was told that fits; all that was told until then, in words.
    ///
    /// # Panics
    /// When it is not told within the deadline.
    #[track_caller]
    pub fn expect(&mut self, what: &str, fits: impl Fn(&Notification) -> bool) -> String {
        let mut shown = String::new();
        loop {
            let told = self.next(Deadline::usual());
            let told = told.unwrap_or_else(|| panic!("it was not told {what}; told was:\n{shown}"));
            shown.push_str(&words(&told));
            if fits(&told) {
                return shown;
            }
        }
    }

    /// Reads until a text was shown.
    #[track_caller]
    pub fn expect_text(&mut self, text: &str) -> String {
        self.expect(&format!("{text:?}"), |told| words(told).contains(text))
    }

    /// The next that it is told; none when the deadline passes or the connection ends first.
    pub fn next(&mut self, deadline: Deadline) -> Option<Notification> {
        loop {
            let frame = self.next_frame(deadline)?;
            if let Some(told) = read_notification(&frame).expect("a notification") {
                return Some(told);
            }
        }
    }

    fn next_frame(&mut self, deadline: Deadline) -> Option<Frame> {
        let mut chunk = vec![0; 64 << 10];
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("frames") {
                // Answers to pings are of no interest.
                if frame.header.kind != FrameKind::Pong {
                    return Some(frame);
                }
                continue;
            }
            let length = self.read(&mut chunk, deadline)?;
            self.decoder.feed(&chunk[..length]);
        }
    }

    /// Bytes as they come; none at the end of the connection or of the time.
    fn read(&self, chunk: &mut [u8], deadline: Deadline) -> Option<usize> {
        loop {
            let left = deadline.left();
            if left.is_zero() {
                return None;
            }
            self.stream.set_read_timeout(Some(left)).expect("a timeout");
            match (&self.stream).read(chunk) {
                Ok(0) => return None,
                Ok(length) => return Some(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Waits until the server closes the connection; how many bytes came before.
    ///
    /// # Panics
    /// When it does not within the deadline.
    #[track_caller]
    pub fn expect_end(&mut self, deadline: Deadline) -> usize {
        let mut chunk = vec![0; 64 << 10];
        let mut count = 0;
        while let Some(length) = self.read(&mut chunk, deadline) {
            count += length;
        }
        assert!(!deadline.passed(), "the server does not close the connection");
        count
    }

    /// Its stream, for whoever reads bytes.
    pub fn into_stream(self) -> Stream {
        let _ = self.stream.set_read_timeout(None);
        self.stream
    }

    /// One that sends and one that reads, for two threads.
    pub fn split(self) -> (RawClient, RawClient) {
        let stream = self.stream.try_clone().expect("a second descriptor");
        let sender = RawClient {
            stream,
            decoder: Decoder::new(),
            requests: self.requests,
            tickets: self.tickets,
        };
        (sender, self)
    }
}

/// The first bytes of a debugging client.
pub fn opening(name: &str) -> Vec<u8> {
    let hello = Hello {
        versions: VERSIONS,
        role: Role::DebuggingClient,
        product: "farsight-testkit".into(),
        identity: name.into(),
        resume: None,
    };
    let mut opening = PREAMBLE.to_vec();
    opening.extend(opening_frame(FrameKind::Hello, &hello).encode());
    opening
}

/// Connects to a debugging server.
///
/// # Panics
/// When the string is wrong or nobody listens there.
#[track_caller]
pub fn dial(connection: &str) -> Stream {
    try_dial(connection).unwrap_or_else(|error| panic!("{connection}: {error}"))
}

/// As [`dial`]; why not.
///
/// # Panics
/// When the string is wrong.
#[track_caller]
pub fn try_dial(connection: &str) -> Result<Stream, farsight_transport::ConnectError> {
    let transport = ClientTransport::parse(connection, ClientRole::DebuggingClient);
    let transport = transport.unwrap_or_else(|error| panic!("{connection}: {error}"));
    farsight_transport::dial(&transport, Deadline::usual().left())
}

/// What a notification shows, as far as that needs no rendering: errors are marked `!`, asked-for lines `?`.
pub fn words(told: &Notification) -> String {
    match told {
        Notification::Output {
            mask,
            content: Content::Text(text),
        } if mask.meets(OutputMask::ERROR) => format!("! {text}"),
        Notification::Output {
            content: Content::Text(text),
            ..
        } => text.clone(),
        Notification::Output { .. } => "(a record)\n".into(),
        Notification::Echo { author, line, prompt } => format!("[{author}] {prompt}{line}\n"),
        Notification::InputWanted { prompt, .. } => format!("? {prompt}\n"),
        Notification::InputTaken => "? no more\n".into(),
        Notification::Ended { clean } => format!("ended, clean: {clean}\n"),
        _ => String::new(),
    }
}
