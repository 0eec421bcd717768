//! From a destination to an open session, or to words about why there is none.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use farsight_engine::{ConnectFailure, Destination};
use farsight_transport::{ClientRole, ClientTransport, Stream, Wait, dial_or_wait};
use farsight_wire::frame::PREAMBLE;
use farsight_wire::handshake::{Hello, Role, VERSIONS, Welcome, opening_frame, read_welcome};
use farsight_wire::{Decoder, Frame, FrameKind, Limits, WireError};

/// How long dialling may take.
const DIAL: Duration = Duration::from_secs(10);

/// How long the server may take to answer the first frame.
const ANSWER: Duration = Duration::from_secs(10);

/// An open session and what has been read of it.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) stream: Stream,
    /// May hold frames that came behind the welcome.
    pub(crate) decoder: Decoder,
    pub(crate) welcome: Welcome,
}

/// A stream on which the first frame has gone out and no answer has come.
#[derive(Debug)]
pub(crate) struct Opening {
    stream: Stream,
    /// What went wrong in writing, if something did.
    write_error: Option<io::Error>,
    /// What the words about a failure begin with.
    place: String,
    /// What this program wants to be.
    role: Role,
}

/// Dials and says hello; `wait` as for [`call`].
pub(super) fn begin(to: &Destination, wait: &Wait<'_>) -> Result<Opening, ConnectFailure> {
    match to {
        Destination::Local => {
            let place = "cannot debug on this machine".to_owned();
            match farsight_serve::local_session() {
                Ok(stream) => Ok(Opening::new(Stream::from_unix(stream), place, Role::SmartClient)),
                Err(error) => Err(ConnectFailure(format!(
                    "{place}: no session process could be started: {error}"
                ))),
            }
        }
        // Answered by itself, without a stream.
        Destination::Image(path) => Err(ConnectFailure(format!("{path} is an image, not a server"))),
        Destination::ProcessServer(text) => {
            let transport = ClientTransport::parse(text, ClientRole::SmartClient)
                .map_err(|error| ConnectFailure(error.to_string()))?;
            call(&transport, Role::SmartClient, wait)
        }
    }
}

/// Dials, or waits for the server's call, and says what this program wants to be there; `wait` is told what the user
/// should know of that.
pub(crate) fn call(transport: &ClientTransport, role: Role, wait: &Wait<'_>) -> Result<Opening, ConnectFailure> {
    match dial_or_wait(transport, DIAL, Some(wait)) {
        Ok(stream) => Ok(Opening::new(stream, transport.to_string(), role)),
        Err(error) => Err(ConnectFailure(format!("{transport}: {error}"))),
    }
}

impl Opening {
    fn new(stream: Stream, place: String, role: Role) -> Opening {
        let write_error = say_hello(&stream, role).err();
        Opening {
            stream,
            write_error,
            place,
            role,
        }
    }

    /// The stream, on which requests may follow the first frame: a server that refuses never looks at them.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Waits for the answer.
    pub(crate) fn finish(self) -> Result<Connected, ConnectFailure> {
        let Opening {
            stream,
            write_error,
            place,
            role,
        } = self;
        hear_answer(stream, role, ANSWER, write_error).map_err(|trouble| ConnectFailure(format!("{place}: {trouble}")))
    }
}

/// What went wrong between the first byte and an open session.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("what listens there is not a farsight server: it {answers}; check the port")]
    NotAServer { answers: String },
    #[error(
        "what listens there speaks TLS: use ssl: instead of tcp:, or spipe: instead of npipe:, with pin= or certuser= as the \
         server's own line has it"
    )]
    SpeaksTls,
    #[error(
        "the connection was accepted and then nothing came for {} s; is it a farsight server, and is it not stopped?",
        after.as_secs()
    )]
    Silent { after: Duration },
    #[error(
        "the connection was closed before any answer; that is not a farsight server, or it is just ending, or it is a \
         repeater that does not reach its server"
    )]
    Closed,
    #[error("the connection broke during the first exchange: {0}")]
    Broken(#[source] io::Error),
    #[error("{0}")]
    Refused(String),
    #[error(
        "its answer cannot be read: {0}; the two releases are too far apart, or something changes the bytes between"
    )]
    Unreadable(#[source] WireError),
}

fn say_hello(mut stream: &Stream, role: Role) -> io::Result<()> {
    let mut opening = PREAMBLE.to_vec();
    opening.extend_from_slice(&opening_frame(FrameKind::Hello, &hello(role)).encode());
    stream.set_write_timeout(Some(ANSWER))?;
    stream.write_all(&opening)
}

/// The answering half of the first exchange. A peer that speaks first and closes is better judged by what it said than
/// by the broken write.
fn hear_answer(
    stream: Stream,
    role: Role,
    time: Duration,
    write_error: Option<io::Error>,
) -> Result<Connected, Trouble> {
    let deadline = Instant::now() + time;
    let mut decoder = Decoder::new();
    let frame = first_frame(&stream, &mut decoder, deadline, time, write_error)?;
    let welcome = match read_welcome(&frame).map_err(Trouble::Unreadable)? {
        Ok(welcome) => welcome,
        Err(refusal) => return Err(Trouble::Refused(refusal.to_string())),
    };
    if welcome.server.serves() != role {
        return Err(Trouble::Refused(format!("the server there is a {}", welcome.server)));
    }
    decoder.set_limits(Limits::SESSION);
    stream.set_read_timeout(None).map_err(Trouble::Broken)?;
    Ok(Connected {
        stream,
        decoder,
        welcome,
    })
}

fn first_frame(
    mut stream: &Stream,
    decoder: &mut Decoder,
    deadline: Instant,
    time: Duration,
    write_error: Option<io::Error>,
) -> Result<Frame, Trouble> {
    let mut chunk = [0; 4096];
    let mut seen = Vec::new();
    loop {
        match decoder.next_frame() {
            Ok(Some(frame)) => return Ok(frame),
            Ok(None) => {}
            Err(WireError::NotOurs) if is_tls(&seen) => return Err(Trouble::SpeaksTls),
            Err(WireError::NotOurs) => {
                return Err(Trouble::NotAServer {
                    answers: answers(&seen),
                });
            }
            Err(error) => return Err(Trouble::Unreadable(error)),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Trouble::Silent { after: time });
        }
        stream.set_read_timeout(Some(left)).map_err(Trouble::Broken)?;
        match stream.read(&mut chunk) {
            Ok(0) => return Err(closed(write_error)),
            Ok(length) => {
                // Only the beginning is ever quoted; it all comes in the first pieces.
                seen.extend_from_slice(&chunk[..length.min(256)]);
                decoder.feed(&chunk[..length]);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Err(Trouble::Silent { after: time }),
                io::ErrorKind::ConnectionReset => return Err(Trouble::Closed),
                _ => return Err(Trouble::Broken(error)),
            },
        }
    }
}

fn closed(write_error: Option<io::Error>) -> Trouble {
    match write_error {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Trouble::Broken(error),
        _ => Trouble::Closed,
    }
}

/// Whether these are the first bytes of a TLS record.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 0x03, ..])
}

/// What the stranger said, in words.
fn answers(bytes: &[u8]) -> String {
    let kind = match bytes {
        _ if bytes.starts_with(b"HTTP/") || bytes.starts_with(b"<") => "answers like a web server",
        _ if bytes.starts_with(b"SSH-") => "answers like an ssh server",
        [b'+' | b'-' | b'$', ..] => "may be a GDB stub",
        _ => "answers something else",
    };
    format!("{kind} ({})", quote(bytes))
}

/// The first line of what came, harmless to a terminal.
fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for byte in bytes.iter().take(48).take_while(|byte| !b"\r\n".contains(byte)) {
        // Writing to a string cannot fail.
        let _ = write!(quoted, "{}", byte.escape_ascii());
    }
    quoted.push('"');
    quoted
}

fn hello(role: Role) -> Hello {
    Hello {
        versions: VERSIONS,
        role,
        product: format!("farsight {}", env!("CARGO_PKG_VERSION")),
        identity: identity(),
        resume: None,
    }
}

/// `user@machine`, for people.
pub(crate) fn identity() -> String {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| user_of_the_system());
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    // The first frame has a limit, an environment has none.
    let clip = |name: &str| name.trim().chars().take(64).collect::<String>();
    match clip(&machine).as_str() {
        "" => clip(&user),
        machine => format!("{}@{machine}", clip(&user)),
    }
}

/// The user that this program runs as; services and containers often have nobody in their environment.
fn user_of_the_system() -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(uid) = std::fs::metadata("/proc/self").map(|own| own.uid()) else {
        return "someone".into();
    };
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    user_in(&known, uid).unwrap_or_else(|| format!("uid{uid}"))
}

/// The name of a user in `/etc/passwd`.
fn user_in(passwd: &str, uid: u32) -> Option<String> {
    let mut users = passwd.lines().map(|line| line.split(':'));
    users.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests;
