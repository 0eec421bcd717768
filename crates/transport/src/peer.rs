//! Who is at the other end of a stream, as far as the operating system knows.

use std::fmt;
use std::net::SocketAddr;

use farsight_types::OsPid;

/// The other end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A machine and port.
    Tcp(SocketAddr),
    /// A process of this machine, as it was when it connected.
    Pipe {
        /// Its process id; 0 when it lives in a namespace that this process cannot see.
        process: OsPid,
        /// The user it runs as.
        uid: u32,
    },
    /// Something that this program reaches by way of a carrier of its own, in words: transport and place.
    Carried(String),
    /// As [`Peer::Carried`], where what carries it knows where it comes from.
    Over {
        /// Transport and place.
        words: String,
        /// The other end of the connection below.
        from: Box<Peer>,
    },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A dual-stack listener reports IPv4 peers as mapped addresses, which nobody recognises.
            Peer::Tcp(address) => write!(
                f,
                "tcp {}",
                SocketAddr::new(address.ip().to_canonical(), address.port())
            ),
            Peer::Pipe { process, uid } => write!(f, "npipe process {process} uid {uid}"),
            Peer::Carried(words) | Peer::Over { words, .. } => f.write_str(words),
        }
    }
}
