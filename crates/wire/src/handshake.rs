//! The first exchange: who is there, which version, what the server offers.
//!
//! The client sends [`Hello`], the server answers [`Welcome`] or [`Refusal`]. Nothing else is read before, and nothing
//! has any effect on a target before the first request of an open session.

use minicbor::{Decode, Encode};

use crate::{Frame, FrameKind, Header, WireError};

/// The protocol versions that this build speaks.
pub const VERSIONS: VersionRange = VersionRange { lowest: 1, highest: 1 };

/// An inclusive range of protocol versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct VersionRange {
    /// Oldest spoken.
    #[n(0)]
    pub lowest: u32,
    /// Newest spoken.
    #[n(1)]
    pub highest: u32,
}

impl VersionRange {
    /// The newest version in both ranges.
    pub fn common(self, other: VersionRange) -> Option<u32> {
        let highest = self.highest.min(other.highest);
        (highest >= self.lowest.max(other.lowest)).then_some(highest)
    }
}

impl std::fmt::Display for VersionRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.lowest, self.highest)
    }
}

/// What the connecting program wants to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// A host engine that needs processes of the server's machine (`-premote`).
    #[n(0)]
    SmartClient,
    /// A user of the server's own session (`-remote`).
    #[n(1)]
    DebuggingClient,
    /// A host engine that needs a kernel link of the server's machine.
    #[n(2)]
    KernelClient,
}

/// What the listening program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ServerKind {
    /// `dbgsrv`.
    #[n(0)]
    ProcessServer,
    /// A debugger with `-server`.
    #[n(1)]
    DebuggingServer,
    /// `kdsrv`.
    #[n(2)]
    KernelConnectionServer,
}

impl ServerKind {
    /// The role that this kind of server serves.
    pub fn serves(self) -> Role {
        match self {
            ServerKind::ProcessServer => Role::SmartClient,
            ServerKind::DebuggingServer => Role::DebuggingClient,
            ServerKind::KernelConnectionServer => Role::KernelClient,
        }
    }
}

impl std::fmt::Display for ServerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ServerKind::ProcessServer => "process server (connect with -premote)",
            ServerKind::DebuggingServer => "debugging server (connect with -remote)",
            ServerKind::KernelConnectionServer => "kernel connection server (connect with -k kdsrv:)",
        })
    }
}

/// Names a session that outlived its stream, with the secret that proves the right to it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SessionTicket {
    /// The session.
    #[n(0)]
    pub session: u64,
    /// 16 random bytes given in [`Welcome`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub secret: Vec<u8>,
}

/// The client's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Versions the client speaks.
    #[n(0)]
    pub versions: VersionRange,
    /// What it wants to be.
    #[n(1)]
    pub role: Role,
    /// Name and release of the program, for people.
    #[n(2)]
    pub product: String,
    /// User and machine, for people; nothing is decided by it.
    #[n(3)]
    pub identity: String,
    /// A session to return to.
    #[n(4)]
    pub resume: Option<SessionTicket>,
}

/// The server's answer to a client that it serves.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Welcome {
    /// The version of everything that follows.
    #[n(0)]
    pub version: u32,
    /// What the server is.
    #[n(1)]
    pub server: ServerKind,
    /// Name and release of the program, for people.
    #[n(2)]
    pub product: String,
    /// The server's machine, for messages.
    #[n(3)]
    pub machine: String,
    /// What the server offers, such as `linux-processes`. A missing name is a service that is not there.
    #[n(4)]
    pub capabilities: Vec<String>,
    /// The new session.
    #[n(5)]
    pub ticket: Option<SessionTicket>,
}

/// Why a client is not served.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Refusal {
    /// No common version.
    #[n(0)]
    Version {
        /// What the server speaks.
        #[n(0)]
        speaks: VersionRange,
    },
    /// A server of another kind.
    #[n(1)]
    WrongKind {
        /// What the server is.
        #[n(0)]
        server: ServerKind,
    },
    /// As many sessions as the server allows.
    #[n(2)]
    Busy {
        /// That many.
        #[n(0)]
        sessions: u32,
    },
    /// The session to return to is gone.
    #[n(3)]
    NoSuchSession,
    /// The server failed; its own words.
    #[n(4)]
    Failed {
        /// What happened.
        #[n(0)]
        why: String,
    },
    /// The server serves those only who prove that they know its secret.
    #[n(5)]
    Locked {
        /// A password is asked for; else the key that the server printed.
        #[n(0)]
        password: bool,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Version { speaks } => write!(
                f,
                "the server speaks protocol versions {speaks}, this program {VERSIONS}; use releases that are closer"
            ),
            Refusal::WrongKind { server } => write!(f, "the server there is a {server}"),
            Refusal::Busy { sessions } => {
                write!(f, "the server has its limit of {sessions} sessions; end one of them")
            }
            Refusal::NoSuchSession => f.write_str("the server no longer has that session"),
            Refusal::Locked { password: true } => f.write_str(
                "the server asks for a password: add password=... to the string (password=* lets you type it unseen)",
            ),
            Refusal::Locked { password: false } => {
                f.write_str("the server asks for its key: paste the line that it printed, with key=...")
            }
            Refusal::Failed { why } => write!(f, "the server could not open a session: {why}"),
        }
    }
}

/// A frame that carries `message` and no numbers.
pub fn opening_frame<M: Encode<()>>(kind: FrameKind, message: &M) -> Frame {
    Frame::new(Header::new(kind), encode(message))
}

/// Decides about a client's hello at a server of one kind.
pub fn judge(hello: &Hello, server: ServerKind) -> Result<u32, Refusal> {
    let version = VERSIONS
        .common(hello.versions)
        .ok_or(Refusal::Version { speaks: VERSIONS })?;
    if hello.role != server.serves() {
        return Err(Refusal::WrongKind { server });
    }
    Ok(version)
}

/// Reads a client's first frame.
pub fn read_hello(frame: &Frame) -> Result<Hello, WireError> {
    expect(frame, FrameKind::Hello, "a client's first frame")?;
    decode("hello", &frame.body)
}

/// Reads a server's first frame; a refusal is the inner error.
pub fn read_welcome(frame: &Frame) -> Result<Result<Welcome, Refusal>, WireError> {
    if frame.header.kind == FrameKind::Refused {
        return decode("refusal", &frame.body).map(Err);
    }
    expect(frame, FrameKind::Welcome, "a server's first frame")?;
    let welcome: Welcome = decode("welcome", &frame.body)?;
    if welcome.version < VERSIONS.lowest || welcome.version > VERSIONS.highest {
        return Err(WireError::NoCommonVersion {
            ours: VERSIONS.to_string(),
            theirs: welcome.version.to_string(),
        });
    }
    Ok(Ok(welcome))
}

fn expect(frame: &Frame, kind: FrameKind, phase: &'static str) -> Result<(), WireError> {
    if frame.header.kind != kind {
        return Err(WireError::Unexpected {
            kind: frame.header.kind as u8,
            phase,
        });
    }
    Ok(())
}

pub(crate) fn encode<M: Encode<()>>(message: &M) -> Vec<u8> {
    let mut body = Vec::new();
    // Writing to a vector cannot fail; a derive of ours never raises an error of its own.
    let _ = minicbor::encode(message, &mut body);
    body
}

pub(crate) fn decode<'b, M: Decode<'b, ()>>(what: &'static str, body: &'b [u8]) -> Result<M, WireError> {
    minicbor::decode(body).map_err(|error| WireError::Malformed {
        what,
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            versions: VERSIONS,
            role: Role::SmartClient,
            product: "farsight 0.1.0".into(),
            identity: "ann@desk".into(),
            resume: None,
        }
    }

    #[test]
    fn golden_bytes_of_a_hello() {
        let frame = opening_frame(FrameKind::Hello, &hello());
        let hex: String = frame.body.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "848201010\
             06e666172736967687420302e312e3068616e6e406465736b"
        );
        assert_eq!(read_hello(&frame), Ok(hello()));
    }

    #[test]
    fn a_client_of_another_role_is_told_what_is_there() {
        let mut hello = hello();
        hello.role = Role::DebuggingClient;
        let refusal = judge(&hello, ServerKind::ProcessServer).unwrap_err();
        assert!(refusal.to_string().contains("process server (connect with -premote)"));
    }

    #[test]
    fn versions_meet_at_the_newest_common_one() {
        let ours = VersionRange { lowest: 2, highest: 5 };
        assert_eq!(ours.common(VersionRange { lowest: 1, highest: 3 }), Some(3));
        assert_eq!(ours.common(VersionRange { lowest: 6, highest: 9 }), None);
    }
}
