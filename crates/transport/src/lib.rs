//! Byte streams between farsight programs, and the connection strings that name them.
//!
//! It moves bytes and never looks into them: frames, handshakes and sessions belong to other crates. Names are resolved
//! only where a client dials or looks for servers, so a server built from this crate never asks a resolver for anything.
//! Read [`ServerTransport`] and [`ClientTransport`] first, then [`Listener::bind`] and [`dial`]; [`registry`] lists the
//! servers of a machine.

#[cfg_attr(not(feature = "tls"), allow(dead_code))]
mod carriers;
pub mod channel;
mod com;
mod connection_string;
mod dial;
mod error;
mod listen;
mod peer;
mod pipe_directory;
pub mod registry;
pub mod secrets;
mod stream;
pub mod sys;
pub mod tls;

pub use carriers::settle;
pub use com::{HeldLine, SerialError, run_if_line_process, serial_frames, serial_line};
pub use connection_string::{
    BindAddress, Certificate, CertificateStore, ClientEndpoint, ClientRole, ClientTransport, ComPort,
    ConnectionStringError, Credential, Fault, Host, KernelConnection, KernelLink, PipeName, PipeTemplate, Ports,
    Secret, SecretSource, ServerEndpoint, ServerOptions, ServerRole, ServerTransport, Thumbprint, Tls,
};
#[doc(hidden)]
pub use dial::read_words as read_words_of_ssh;
pub use dial::{Awaiting, Wait, dial, dial_or_wait};
pub use error::{ConnectError, PipeDirectoryFault, SshFault};
pub use listen::{Listener, relay_standard_streams};
pub use peer::Peer;
pub use pipe_directory::runtime_directory;
pub use stream::Stream;
