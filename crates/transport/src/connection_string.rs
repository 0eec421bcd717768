//! Connection strings: one grammar, parsed into types for each role.
//!
//! Text becomes types here and nowhere else; after this module nobody sees a key. Parsing never asks the machine
//! anything and never fails because a transport does not exist yet: that is said by `require_supported`, so that a
//! mistyped string and a transport of a later release are told apart.
//! Read [`ServerTransport`] first; the keys and forms are one table in `keys`.

mod client;
mod error;
mod kernel;
mod keys;
mod lexer;
mod params;
mod server;
mod show;
mod values;

#[cfg(test)]
mod tests;

pub use client::{ClientEndpoint, ClientTransport};
pub use error::{ConnectionStringError, Fault};
pub use kernel::{KernelConnection, KernelLink};
pub use server::{ServerEndpoint, ServerOptions, ServerTransport};
pub use values::{
    BindAddress, Certificate, CertificateStore, ComPort, Credential, Host, PipeName, PipeTemplate, Ports, Secret,
    SecretSource, Thumbprint, Tls,
};

pub(crate) use values::NEW_KEY;

/// Who is going to listen (specification 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerRole {
    /// `-server`, `.server`, `StartServer`.
    DebuggingServer,
    /// `dbgsrv -t`, `StartProcessServer`.
    ProcessServer,
    /// `kdsrv -t`.
    KernelConnectionServer,
    /// `dbengprx -s`.
    Repeater,
}

/// Who is going to connect (specification 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRole {
    /// `-remote`, `DebugConnect`.
    DebuggingClient,
    /// `-premote`, `ConnectProcessServer`.
    SmartClient,
    /// `dbengprx -c`.
    Repeater,
    /// Inside `-k kdsrv:server=@{...}`.
    KernelClient,
}
