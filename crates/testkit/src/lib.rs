//! What the tests stand on: real programs started and ended cleanly, a client of the target services, a proxy that
//! counts and delays, a target made of nothing but memory, and one conformance suite for every implementer.
//!
//! For tests only; no released program depends on it. Nothing here sleeps for a guessed time: every wait is for an
//! event, with a deadline, and a missed deadline panics with what was seen until then. Read [`Session`] first, then
//! [`conformance`].

// The crate is part of the tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod cable;
pub mod conformance;
pub mod deadline;
pub mod elf;
pub mod fake;
pub mod output;
pub mod port_client;
pub mod proc;
pub mod programs;
pub mod proxy;
pub mod raw_client;
pub mod running;
pub mod session;
pub mod transcript;

pub use cable::{Cable, CablePlan};
pub use deadline::{Deadline, wait_until};
pub use fake::FakeTarget;
pub use farsight_transport::Stream;
pub use output::Output;
pub use port_client::PortClient;
pub use proxy::{Counts, Proxy, ProxyPlan, Recorded};
pub use raw_client::RawClient;
pub use running::{Console, DbgSrv, Debuggee, DebuggingServer, Repeater, Scratch, Sshd, Way};
pub use session::Session;
