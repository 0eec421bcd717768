//! A session process: one client, its debuggees, and nothing else.
//!
//! The main thread reads and answers requests, a writer sends, the tracer traces, and a watcher waits for the end of the
//! control socket. The session is over when the client's stream ends, the listener is gone, or the client sends
//! something that cannot be read; then every debuggee is let go by the policy.

use std::cell::RefCell;
use std::io::Read;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use farsight_linux::LinuxServices;
use farsight_target::{BREAK_IN, Event, LINUX_PROCESSES, SessionEnd, changes_state, dispatch};
use farsight_transport::Stream;
use farsight_wire::handshake::{self, Hello, ServerKind, Welcome};
use farsight_wire::{
    CallStatus, Decoder, Frame, FrameKind, Header, Incoming, KeptReplies, Limits, Operation, Repeat, WireError,
};

use crate::PRODUCT;
use crate::control::{Control, Ordered};
use crate::limits::{Limited, ServerLimits};
use crate::outbox::Outbox;
use crate::spawn::SESSION_ARGUMENT;
use crate::surroundings::{SessionEvents, Surroundings, client_in_words};

/// How long a client may take for its first frame.
pub(crate) const FIRST_FRAME_TIME: Duration = Duration::from_secs(10);

/// How long a client may take to take the last that a session says.
const LAST_WORDS_TIME: Duration = Duration::from_secs(10);

const READ_BUFFER: usize = 64 << 10;

/// Runs as a session process, or as the line process of a serial port, when the command line says so; to be called first
/// thing in `main`.
pub fn run_if_session_process() -> Option<ExitCode> {
    if let Some(code) = farsight_transport::run_if_line_process() {
        return Some(code);
    }
    let is_session = std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == SESSION_ARGUMENT);
    is_session.then(|| match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn run() -> std::io::Result<()> {
    // One whose limits cannot be read must not do without them.
    let limits = ServerLimits::of_arguments(std::env::args().skip(2));
    let limits = limits.ok_or(std::io::ErrorKind::InvalidInput)?;
    // It was started by way of /proc/self/exe, which would be its name otherwise. Only people read it.
    let _ = std::fs::write("/proc/self/comm", "dbgsrv-session");
    let control = Control::from_fd(std::io::stdin().as_fd().try_clone_to_owned()?);
    let Some(Ordered::Serve {
        stream,
        read_so_far,
        has_listener,
    }) = control.receive()?
    else {
        return Ok(());
    };
    let (answered, answers) = channel();
    let listener_gone = watch_listener(&control, &stream, answered)?;
    let mut session = Connection {
        stream: stream.try_clone()?,
        decoder: Decoder::new(),
    };
    session.decoder.feed(&read_so_far);
    let Some(hello) = session.welcome(&limits)? else {
        return Ok(());
    };
    let peer = stream.peer().ok().filter(|_| has_listener);
    let client = client_in_words(&hello.identity, peer.map(|peer| peer.to_string()));
    let (outbox, writer) = Outbox::start(stream)?;
    let listener = has_listener.then(|| control.try_clone()).transpose()?;
    let events = SessionEvents {
        outbox: outbox.clone(),
        listener: listener.as_ref().map(Control::try_clone).transpose()?,
        client,
    };
    let surroundings = Surroundings {
        listener,
        answers,
        door: RefCell::new(None),
    };
    let mut served = Served {
        services: Limited {
            services: LinuxServices::start(PRODUCT, Arc::new(events), Box::new(surroundings))?,
            limits,
            machine: farsight_transport::Host::this_machine().to_string(),
        },
        outbox: outbox.clone(),
        kept: KeptReplies::default(),
        control,
    };
    session.decoder.set_limits(Limits::SESSION);
    // A frame that cannot be read ends the session like the stream's end: nothing behind it can be trusted.
    while let Ok(Some(frame)) = session.next_frame() {
        served.serve(frame);
    }
    served.services.services.let_go();
    if listener_gone.load(Ordering::SeqCst) {
        outbox.tell(Event::End(SessionEnd {
            why: "the process server ended".into(),
        }));
    }
    outbox.end(LAST_WORDS_TIME);
    let _ = writer.join();
    // What was abandoned is kept for those who ask for it, client and listener or not. Nobody must wait for that who waits
    // for the end of what the server says.
    let control = served.control;
    served.services.services.end(|| {
        let _ = control.tell_client_gone();
        let _ = farsight_transport::sys::let_go_of_standard_error();
    });
    Ok(())
}

/// Waits on a thread of its own for the end of the control socket, and ends the reading of requests then.
fn watch_listener(
    control: &Control,
    stream: &Stream,
    answered: Sender<Vec<String>>,
) -> std::io::Result<Arc<AtomicBool>> {
    let gone = Arc::new(AtomicBool::new(false));
    let (control, stream, flag) = (control.try_clone()?, stream.try_clone()?, Arc::clone(&gone));
    let builder = std::thread::Builder::new()
        .name("listener-watch".into())
        .stack_size(64 << 10);
    builder.spawn(move || {
        while let Ok(Some(order)) = control.receive() {
            if let Ordered::Holders(holders) = order {
                let _ = answered.send(holders);
            }
        }
        flag.store(true, Ordering::SeqCst);
        let _ = stream.shutdown(Shutdown::Read);
    })?;
    Ok(gone)
}

/// The reading side of a client's stream.
struct Connection {
    stream: Stream,
    decoder: Decoder,
}

impl Connection {
    /// Answers the first frame, and returns it; none where the client is refused.
    fn welcome(&mut self, limits: &ServerLimits) -> std::io::Result<Option<Hello>> {
        let deadline = Instant::now() + FIRST_FRAME_TIME;
        let frame = loop {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => break frame,
                Ok(None) => {}
                Err(_) => return Ok(None),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.stream.set_read_timeout(Some(left))?;
            if !self.fill()? {
                return Ok(None);
            }
        };
        self.stream.set_read_timeout(None)?;
        let Ok(hello) = handshake::read_hello(&frame) else {
            return Ok(None);
        };
        let answer = match handshake::judge(&hello, ServerKind::ProcessServer) {
            Ok(version) => handshake::opening_frame(FrameKind::Welcome, &welcome(version, limits)),
            Err(refusal) => handshake::opening_frame(FrameKind::Refused, &refusal),
        };
        let bytes = [&farsight_wire::frame::PREAMBLE[..], &answer.encode()].concat();
        std::io::Write::write_all(&mut &self.stream, &bytes)?;
        Ok((answer.header.kind == FrameKind::Welcome).then_some(hello))
    }

    /// The next frame; none at the end of the stream.
    fn next_frame(&mut self) -> Result<Option<Frame>, WireError> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return Ok(Some(frame));
            }
            if !self.fill().unwrap_or(false) {
                return Ok(None);
            }
        }
    }

    fn fill(&mut self) -> std::io::Result<bool> {
        let mut buffer = [0; READ_BUFFER];
        loop {
            match (&self.stream).read(&mut buffer) {
                Ok(read) => {
                    self.decoder.feed(&buffer[..read]);
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn welcome(version: u32, limits: &ServerLimits) -> Welcome {
    Welcome {
        version,
        server: ServerKind::ProcessServer,
        product: PRODUCT.into(),
        machine: farsight_transport::Host::this_machine().to_string(),
        capabilities: std::iter::once(LINUX_PROCESSES.into()).chain(limits.told()).collect(),
        // Sessions cannot be returned to yet.
        ticket: None,
    }
}

/// The answering side.
struct Served {
    services: Limited,
    outbox: Outbox,
    kept: KeptReplies,
    control: Control,
}

impl Served {
    fn serve(&mut self, frame: Frame) {
        self.kept.acknowledge(frame.header.last_reply);
        match frame.header.kind {
            FrameKind::Request => self.answer(frame),
            FrameKind::Urgent if frame.header.operation == BREAK_IN.0 => self.services.services.break_in().ask(),
            FrameKind::Ping => {
                let mut header = Header::new(FrameKind::Pong);
                header.number = frame.header.number;
                self.outbox.send(Frame::new(header, Vec::new()));
            }
            // Kinds that have no meaning here are passed over: a newer client may know more of them.
            _ => {}
        }
    }

    fn answer(&mut self, frame: Frame) {
        const END_SERVER: Operation = Operation::new(1, 4);
        let number = frame.header.number;
        let operation = Operation(frame.header.operation);
        let changes = changes_state(operation);
        if changes {
            match self.kept.arrived(number) {
                Repeat::New => {}
                Repeat::Answered(reply) => return self.outbox.send(reply),
                Repeat::Ignore => return,
            }
        }
        let reply = dispatch(
            &mut self.services,
            Incoming {
                operation,
                body: frame.body,
                bulk: frame.bulk,
            },
        );
        let mut header = Header::new(FrameKind::Reply);
        header.number = number;
        header.operation = operation.0;
        header.status = reply.status as u8;
        let reply = Frame {
            header,
            body: reply.body,
            bulk: reply.bulk,
        };
        if changes {
            self.kept.keep(&reply);
        }
        let ends = operation == END_SERVER && reply.header.status == CallStatus::Done as u8;
        self.outbox.send(reply);
        if ends {
            // Asked only now, so that the reply goes out before the end.
            let _ = self.control.ask_to_end();
        }
    }
}
