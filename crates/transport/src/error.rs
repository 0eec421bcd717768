//! Why a listener or a connection could not be had, named for what the caller can do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

mod ssh;

pub use ssh::SshFault;

use crate::channel::handshake::ChannelError;
use crate::connection_string::{ConnectionStringError, Host, PipeName, Ports};

/// Why listening or connecting failed; each message ends with the cure where there is one.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Mend the string.
    #[error(transparent)]
    ConnectionString(#[from] ConnectionStringError),

    /// A serial line; see the reason.
    #[error(transparent)]
    Serial(#[from] crate::com::SerialError),

    /// Use another transport, or a build that has this one.
    #[error("this build does not have {what} yet, which '{text}' asks for")]
    NotInThisBuild {
        /// What is missing.
        what: &'static str,
        /// The transport in its canonical form.
        text: String,
    },

    /// Use the build that has TLS, or another way to encrypt.
    #[error(
        "this build has no TLS, which ssl: and spipe: need: use dbgsrv-tls, the same server with it, or tcp: and npipe: with \
         password= or key=, which encrypt too"
    )]
    NoTls,

    /// Mend this side's certificate.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Certificate(#[from] crate::tls::CertificateFault),

    /// Mend what the two sides know of each other.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsFault),

    /// Listen on loopback, or say `insecure`.
    #[error(
        "'{text}' would let anyone who reaches this machine run code on it: leave server= out to listen on loopback \
         only, add key=new (it prints the line that a client pastes) or password=..., or 'insecure' to accept that"
    )]
    Unprotected {
        /// The transport in its canonical form.
        text: String,
    },

    /// Give the secret otherwise.
    #[error("no password or key to use: {why}")]
    Secret {
        /// What is wrong with where it should come from.
        why: String,
    },

    /// Correct the password or key, or find out who answers there.
    #[error(transparent)]
    Channel(#[from] ChannelError),

    /// The connection broke before it was secured.
    #[error(
        "the connection broke while password or key were checked: {0}; is it a farsight server, and does it run on?"
    )]
    Handshake(#[source] io::Error),

    /// Ask the client for a secret, or say `insecure`.
    #[error(
        "'{text}' would let whoever answers there run code on this machine: give both ends the same password= or key=, or \
         add 'insecure' to accept that"
    )]
    UnprotectedCall {
        /// The transport in its canonical form.
        text: String,
    },

    /// Prove the server, or say `insecure`.
    #[error(
        "'{text}' would take whoever calls for your server: give both ends the same password= or key=, or add 'insecure' \
         to accept that"
    )]
    Unproven {
        /// The transport in its canonical form.
        text: String,
    },

    /// Have the clients prove themselves, listen on loopback, or say `insecure`.
    #[error(
        "'{text}' would let anyone who reaches this machine run code on it: TLS proves the server to its clients, and not them \
         to it. Add pin= with the thumbprint of the client's certificate, or password= or key=; or leave server= out to listen \
         on loopback only, or add 'insecure' to accept that"
    )]
    UnprovenClients {
        /// The transport in its canonical form.
        text: String,
    },

    /// The operating system refuses what listening needs.
    #[error("cannot {what}: {source}")]
    Os {
        /// What was to be done.
        what: &'static str,
        /// The operating system's word.
        source: io::Error,
    },

    /// Choose another port.
    #[error("cannot listen on {address} port {ports}: {source}; choose another port or a range LOW:HIGH")]
    PortInUse {
        /// The address of the last attempt.
        address: std::net::IpAddr,
        /// The ports that were tried.
        ports: Ports,
        /// The operating system's word.
        source: io::Error,
    },

    /// Choose an address that this machine has, or a port that this user may have.
    #[error("cannot listen on {address}: {source}{}", listen_cure(.source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's word.
        source: io::Error,
    },

    /// Choose another pipe name, or end the server that has this one.
    #[error("the pipe name '{name}' belongs to a server that is running (its lock is {})", .lock.display())]
    PipeInUse {
        /// The name.
        name: PipeName,
        /// The lock file that the other server holds.
        lock: PathBuf,
    },

    /// Choose a shorter pipe name.
    #[error("the pipe name '{name}' is too long: its socket {} may have {limit} bytes", .path.display())]
    PipeNameTooLong {
        /// The name.
        name: PipeName,
        /// The socket that it would need.
        path: PathBuf,
        /// How long the socket's path may be.
        limit: usize,
    },

    /// Mend the directory that holds pipes.
    #[error("the directory of pipes {} cannot be used: {why}", .path.display())]
    PipeDirectory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: PipeDirectoryFault,
    },

    /// Start the server, or correct the pipe's name.
    #[error(
        "no server has a pipe '{name}' ({}: {source}); is it running, and as this user or root?",
        .path.display()
    )]
    NoSuchPipe {
        /// The name.
        name: PipeName,
        /// The socket that was looked for.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// A pipe could not be opened or made for another reason.
    #[error("the pipe '{name}' ({}) cannot be used: {source}", .path.display())]
    Pipe {
        /// The name.
        name: PipeName,
        /// Its socket or lock file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// Have another program hold standard input and output.
    #[error(
        "stdio: is for a program at the other ends of standard input and output, such as ssh, and standard {which} is a \
         terminal; listen with tcp:port=P or npipe:pipe=NAME, or let farsight -premote ssh:server=HOST start this"
    )]
    StandardTerminal {
        /// Which of the two.
        which: &'static str,
    },

    /// Do what the fault says.
    #[error("ssh to {login}: {why}")]
    Ssh {
        /// User and machine.
        login: String,
        /// Why.
        why: Box<SshFault>,
    },

    /// Start the program with standard input and output.
    #[error("standard input and output cannot be used: {source}")]
    StandardStreams {
        /// The operating system's word.
        source: io::Error,
    },

    /// Use `tcp` to reach another machine.
    #[error(
        "npipe reaches only servers on this machine, and '{server}' is another one: use \
         tcp:server={server},port=P, through a tunnel of ssh where need be"
    )]
    OtherMachine {
        /// The machine that was named.
        server: Host,
    },

    /// Start the server there, or correct machine and port.
    #[error(
        "{server} refused the connection to port {port} ({source}): nothing listens there; is the server running (dbgsrv for \
         -premote, farsight -server or .server for -remote){}?",
        refused_cure(.server)
    )]
    Refused {
        /// The machine.
        server: Host,
        /// The port.
        port: u16,
        /// The operating system's word.
        source: io::Error,
    },

    /// Check the machine, the network and firewalls, or wait longer.
    #[error(
        "{server} did not answer at port {port} within {}: is the machine up, and does a firewall drop the port?",
        seconds(.after)
    )]
    TimedOut {
        /// The machine.
        server: Host,
        /// The port.
        port: u16,
        /// How long was waited.
        after: Duration,
    },

    /// Start the server there, with `clicon=` and this machine's name, or wait longer.
    #[error(
        "no server on {server} has called here at port {port} within {}: start it there with \
         tcp:port={port},clicon=THIS-MACHINE",
        seconds(.after)
    )]
    NotCalled {
        /// The machine.
        server: Host,
        /// The port that was listened on.
        port: u16,
        /// How long was waited.
        after: Duration,
    },

    /// Nothing is wrong: the user did not want to wait any more.
    #[error("nobody waits any more for {server} at port {port}")]
    WaitEnded {
        /// The machine.
        server: Host,
        /// The port that was listened on.
        port: u16,
    },

    /// Free some: a thread or a descriptor could not be had.
    #[error("'{text}' cannot be used: {source}")]
    NoMeans {
        /// The transport in its canonical form.
        text: String,
        /// The operating system's word.
        source: io::Error,
    },

    /// Correct the machine's name.
    #[error("the machine '{server}' is not known: {source}; check the name, or give its address")]
    UnknownHost {
        /// The machine.
        server: Host,
        /// The resolver's word.
        source: io::Error,
    },

    /// Check the network.
    #[error("cannot reach {server} port {port}: {source}; check the network between here and there")]
    Unreachable {
        /// The machine.
        server: Host,
        /// The port.
        port: u16,
        /// The operating system's word.
        source: io::Error,
    },
}

/// What is wrong with the directory that holds pipes.
#[derive(Debug, thiserror::Error)]
pub enum PipeDirectoryFault {
    /// The operating system refused.
    #[error("{0}")]
    Os(#[from] io::Error),
    /// Something else has the name.
    #[error("it is not a directory")]
    NotADirectory,
    /// Another user could replace what is in it.
    #[error("it belongs to uid {owner}, not to uid {expected}; remove it")]
    Owner {
        /// Who owns it.
        owner: u32,
        /// Who should.
        expected: u32,
    },
}

fn listen_cure(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "; ports below 1024 are for root, choose a higher one",
        io::ErrorKind::AddrNotAvailable => "; server= takes an address of this machine, or '*' for all",
        _ => "",
    }
}

fn refused_cure(server: &Host) -> &'static str {
    match server.is_loopback() {
        true => "",
        false => ", and with a server= that other machines reach (without it a server listens on loopback only)",
    }
}

fn seconds(time: &Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        // Without numbers with a point, which would bring much code with them.
        millis => format!("{}.{} s", time.as_secs(), millis / 100),
    }
}
