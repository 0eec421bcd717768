//! Starts the engine's thread.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use crate::mailbox::Mailbox;
use crate::session::Session;
use crate::{EngineMessage, EngineOptions, Outside};

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    /// Wakes the engine. Sending to an engine that has ended fails, which is how its end shows.
    pub inbox: Sender<EngineMessage>,
    /// Ends after [`farsight_session::Notification::Ended`] was sent to every client.
    pub thread: JoinHandle<()>,
}

impl Engine {
    /// Starts the engine's thread. Connecting and acquiring begin when the first client has joined, so that no message
    /// is lost; it is told [`farsight_session::SessionState`] whenever that changes.
    ///
    /// A command line is over ([`farsight_session::Notification::Done`]) when the last thing it set going has come to
    /// rest: a line that ends in `g` is done at the stop. The engine ends by `q`, `qd`, the end of a client's input, or
    /// when the first target cannot be had; then its inbox is closed.
    pub fn start(outside: Box<dyn Outside>, options: EngineOptions) -> std::io::Result<Engine> {
        let (inbox, messages) = channel();
        let own = inbox.clone();
        let thread = thread::Builder::new()
            .name("engine".into())
            .spawn(move || run(outside, options, own, messages))?;
        Ok(Engine { inbox, thread })
    }
}

fn run(
    outside: Box<dyn Outside>,
    options: EngineOptions,
    inbox: Sender<EngineMessage>,
    messages: Receiver<EngineMessage>,
) {
    Session::new(Mailbox::new(messages), inbox, outside, options).serve();
}
