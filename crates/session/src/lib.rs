//! Seam 1: a session as its users see it.
//!
//! A [`Client`] is a concrete handle over a pair of channels: requests go to the engine, notifications come back. A
//! local client and one over a wire are the same type. Results are [`Record`]s, which the viewer's side renders. No
//! input or output here. Read [`Client`] first.

mod client;
mod notification;
pub mod record;
pub mod wire;

pub use client::{
    Client, ClientEnd, ClientId, Deliver, Gone, Introduction, Outbox, QuestionId, Request, Sink, Ticket, Told,
};
pub use notification::{CommandOutcome, Content, Notification, OutputMask, SessionState};
pub use record::Record;
