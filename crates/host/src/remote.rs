//! The role debugging client: a console here, the engine and its session at a debugging server.
//!
//! The console is the same as a debugger's; only its requests go over a stream instead of into an inbox.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use farsight_engine::ConnectFailure;
use farsight_session::wire::{read_notification, request_frame};
use farsight_session::{Client, ClientId, Content, Deliver, Notification, Outbox, OutputMask, Request};
use farsight_transport::{ClientTransport, Stream, Wait};
use farsight_wire::handshake::Role;
use farsight_wire::{Decoder, FrameKind};

use crate::console::{self, ConsoleOptions};
use crate::link::connect::{Connected, call};

/// How much is asked of the stream at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Notifications that the console has not taken, beyond which no more are read: the server sees that, and decides.
const MOST_UNREAD: usize = 1 << 16;

/// What a debugging client is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteOptions {
    /// The debugging server (`-remote`).
    pub server: ClientTransport,
    /// Run at the server first (`-c`).
    pub commands: Option<String>,
    /// No input and no output (`-noio`).
    pub silent: bool,
    /// How many characters of what was shown before are shown.
    pub history: u32,
    /// Break into a running target first (`-bonc`).
    pub break_in: bool,
    /// Folders of this machine where source files are looked for (`-lsrcpath`).
    pub source_path: Vec<String>,
}

/// Takes part in the session of a debugging server; answers the exit code, or why there is no session.
pub fn run(options: RemoteOptions) -> std::io::Result<Result<u8, ConnectFailure>> {
    let client = match connect(&options.server, options.silent) {
        Ok(client) => client,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut first_requests = vec![Request::ConnectSession {
        history: options.history,
        announce: true,
    }];
    first_requests.extend(options.break_in.then_some(Request::Interrupt));
    let console = ConsoleOptions {
        commands: options.commands,
        silent: options.silent,
        is_guest: true,
        source_path: options.source_path,
        first_requests,
        ..ConsoleOptions::default()
    };
    Ok(Ok(console::run(client, console)?.code))
}

/// A client of the session that a debugging server has; it is not joined to it yet (DbgEng's `DebugConnect`).
fn connect(server: &ClientTransport, silent: bool) -> Result<Client, ConnectFailure> {
    let fail = |error: std::io::Error| ConnectFailure(format!("{server}: {error}"));
    // Nobody ends the wait but the user, whose CTRL+C still ends the whole program.
    let (_rope, end) = UnixStream::pair().map_err(fail)?;
    let tell = |text: String| {
        if !silent {
            // There is no session that could tell it; and where nobody reads this, the work goes on.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    };
    let wait = Wait {
        tell: &tell,
        end: end.as_fd(),
    };
    let Connected { stream, decoder, .. } = call(server, Role::DebuggingClient, &wait)?.finish()?;
    let (requests, queue) = channel();
    let deliver: Deliver = Arc::new(move |_, request| {
        // A connection that is lost shows in the notifications.
        let _ = requests.send(request);
    });
    let (client, outbox) = Client::over(ClientId::default(), deliver);
    let link = Arc::new(Link {
        stream,
        seen: AtomicU64::new(0),
        leaves: AtomicBool::new(false),
    });
    let writer = Arc::clone(&link);
    thread::Builder::new()
        .name("server-writer".into())
        .spawn(move || writer.write(&queue))
        .map_err(fail)?;
    let name = server.to_string();
    thread::Builder::new()
        .name("server-reader".into())
        .spawn(move || {
            let why = link.read(decoder, &outbox);
            link.tell_end(&outbox, &name, why);
        })
        .map_err(fail)?;
    Ok(client)
}

/// The stream between a client and its server.
struct Link {
    stream: Stream,
    /// The last notification that came.
    seen: AtomicU64,
    /// The client has said that it goes.
    leaves: AtomicBool,
}

impl Link {
    fn write(&self, queue: &Receiver<Request>) {
        let mut number = 0;
        while let Ok(request) = queue.recv() {
            number += 1;
            if request == Request::Leave {
                self.leaves.store(true, Ordering::Relaxed);
            }
            let frame = request_frame(number, self.seen.load(Ordering::Relaxed), &request);
            // A sealed stream may keep what the socket did not take.
            let written = (&self.stream).write_all(&frame.encode());
            if written.and_then(|()| (&self.stream).flush()).is_err() {
                break;
            }
        }
        // The reader sees the end.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Reads until the session has ended, or the stream; then, why.
    fn read(&self, mut decoder: Decoder, outbox: &Outbox) -> Option<String> {
        let mut chunk = vec![0; CHUNK];
        loop {
            loop {
                let frame = match decoder.next_frame() {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break,
                    Err(error) => return Some(format!("it sent what cannot be read: {error}")),
                };
                if frame.header.kind == FrameKind::Pong {
                    continue;
                }
                self.seen.store(frame.header.number, Ordering::Relaxed);
                let notification = match read_notification(&frame) {
                    Ok(Some(notification)) => notification,
                    // A newer release tells more.
                    Ok(None) => continue,
                    Err(error) => return Some(format!("it sent what cannot be read: {error}")),
                };
                let ended = matches!(notification, Notification::Ended { .. });
                if outbox.send(Arc::new(notification)).is_err() || ended {
                    return None;
                }
            }
            // The terminal may stand still (CTRL+S). A console that has ended waits for nothing, and shows below.
            outbox.wait_for_reader(MOST_UNREAD);
            match (&self.stream).read(&mut chunk) {
                Ok(0) => return Some("the server closed it".into()),
                Ok(length) => decoder.feed(&chunk[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Some(error.to_string()),
            }
        }
    }

    /// The end, where the server did not tell it.
    fn tell_end(&self, outbox: &Outbox, server: &str, why: Option<String>) {
        let Some(why) = why else { return };
        let clean = self.leaves.load(Ordering::Relaxed);
        if !clean {
            let content = Content::Text(format!("*** The connection to {server} is lost: {why}\n"));
            let mask = OutputMask::ERROR;
            let _ = outbox.send(Arc::new(Notification::Output { mask, content }));
        }
        let _ = outbox.send(Arc::new(Notification::Ended { clean }));
    }
}
