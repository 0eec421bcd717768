//! Roles without an engine: the process server `dbgsrv` and its session processes.
//!
//! The [`listener`] only accepts, routes and watches. For each session it runs this same program again as a *session
//! process* ([`session`]), which alone traces; the accepted stream is handed to it over a control socket. The control
//! socket's end tells the session that the listener is gone, whatever ended it. A debugger without a process server
//! uses the same session process over a socket pair ([`local_session`]). Nothing here knows symbols or an engine: this
//! is what gets copied to the machine under test.

mod adoption;
mod control;
pub mod limits;
pub mod listener;
pub mod options;
mod outbox;
pub mod probe;
pub mod repeater;
mod session;
mod spawn;
pub mod strangers;
mod surroundings;

pub use session::run_if_session_process;
pub use spawn::local_session;

/// Name and release, as the handshake tells it.
pub const PRODUCT: &str = concat!("farsight ", env!("CARGO_PKG_VERSION"));
