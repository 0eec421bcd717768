//! Serves users while a command runs: who comes is shown what goes on, who goes is not waited for, and the command of
//! somebody who has gone or is shown out ends.
//!
//! Everything else that users ask keeps its turn behind the command.

use farsight_session::{ClientId, Request};

use super::Session;
use crate::EngineMessage;

/// What became of a message while a command runs.
pub(super) enum Visit {
    /// A client has joined.
    Joined(ClientId),
    /// It was dealt with.
    Served,
    /// It is for somebody else.
    Other(EngineMessage),
}

impl Session {
    /// Serves what has arrived and need not wait for the end of the running command.
    pub(crate) fn serve_beside(&mut self) {
        let Some(messages) = self.mailbox.take_beside() else {
            return;
        };
        for message in messages {
            match self.serve_visitor(message) {
                Visit::Other(EngineMessage::Client(client, Request::AnswerInput { question, .. })) => {
                    self.heard_beside(client);
                    self.refuse_late_answer(client, question);
                }
                // Whoever comes next may be on the way already.
                Visit::Other(message) => self.mailbox.postpone(message),
                Visit::Joined(_) | Visit::Served => {}
            }
        }
    }

    /// Serves one message where it is of that kind.
    pub(super) fn serve_visitor(&mut self, message: EngineMessage) -> Visit {
        let going = match &message {
            EngineMessage::Gone(client, _) | EngineMessage::Client(client, Request::Leave | Request::EndOfInput) => {
                Some(*client)
            }
            _ => None,
        };
        // With the last client the session ends, and that has its turn behind the command.
        if going.is_some_and(|client| self.mailbox.ends_session(&message) || self.output.clients.is_only(client)) {
            return Visit::Other(message);
        }
        let now = self.outside.now();
        match message {
            EngineMessage::Join(end) => {
                self.output.now = now;
                self.client_came(end);
            }
            EngineMessage::Gone(client, loss) => {
                self.output.now = now;
                self.client_gone(client, &loss);
            }
            EngineMessage::Client(client, Request::Leave | Request::EndOfInput) => {
                self.output.now = now;
                self.client_left(client);
            }
            EngineMessage::Client(client, Request::SetOutput { mask, .. }) => {
                self.heard_beside(client);
                self.output.set_mask(client, mask);
            }
            // An editor that completes, and a console that asks whether the engine goes on, stand still until they are
            // answered. What could stand there is not looked up in the middle of something else.
            EngineMessage::Client(client, Request::Complete { ticket, line }) => {
                self.heard_beside(client);
                self.output.completions(client, ticket, line.len(), Vec::new());
            }
            EngineMessage::Client(client, Request::ConnectSession { history, announce }) => {
                self.output.now = now;
                self.heard_beside(client);
                self.connect_session(client, history, announce);
                return Visit::Joined(client);
            }
            message => return Visit::Other(message),
        }
        Visit::Served
    }

    /// A request of a client was dealt with before its turn.
    pub(super) fn heard_beside(&mut self, client: ClientId) {
        self.mailbox.done_with(client);
        self.output.heard(client);
    }
}
