//! Asks the user for a line in the middle of a command.
//!
//! The command waits; the inbox does not: what has nothing to do with the line is served or kept in order, and an
//! interrupt or the end of the session ends the wait.

use farsight_session::{ClientId, Request};
use farsight_types::AccessRole;

use super::Session;
use crate::EngineMessage;
use crate::error::CommandError;

impl Session {
    /// A line that a client types behind a prompt.
    pub(crate) fn ask_line(&mut self, prompt: &str) -> Result<String, CommandError> {
        self.check_interrupt()?;
        self.demand(AccessRole::Operator, "what asks for values")?;
        if !self.output.clients.can_answer() {
            return Err(CommandError::Refused(
                "there is nobody to ask for values; give them in the command".into(),
            ));
        }
        self.output.input_wanted(prompt);
        let answer = self.wait_for_line(prompt);
        self.output.input_taken();
        answer.ok_or(CommandError::Interrupted)
    }

    /// What is dealt with here has been heard; what waits for its turn will be.
    fn note_time(&mut self, message: &EngineMessage) {
        match message {
            EngineMessage::Client(
                client,
                Request::AnswerInput { .. } | Request::Interrupt | Request::Complete { .. } | Request::SetOutput { .. },
            ) => self.heard_beside(*client),
            EngineMessage::Client(client, Request::ConnectSession { .. }) => {
                self.output.now = self.outside.now();
                self.heard_beside(*client);
            }
            EngineMessage::Join(_) | EngineMessage::Gone(..) | EngineMessage::Client(_, Request::Leave) => {
                self.output.now = self.outside.now();
            }
            _ => {}
        }
    }

    fn heard_beside(&mut self, client: ClientId) {
        self.mailbox.done_with(client);
        self.output.heard(client);
    }

    fn wait_for_line(&mut self, prompt: &str) -> Option<String> {
        loop {
            let message = self.mailbox.next_beside()?;
            self.note_time(&message);
            match message {
                EngineMessage::Client(client, Request::AnswerInput { text }) => {
                    if self.may_change(client) {
                        self.output.echo(client, prompt, &text);
                        return Some(text);
                    }
                    self.output.refuse(client, "an observer cannot answer");
                }
                EngineMessage::Client(client, Request::Interrupt) => {
                    if self.mailbox.may_interrupt(client) {
                        return None;
                    }
                    self.output
                        .refuse(client, "an observer cannot end the command of another");
                }
                // An editor that completes waits for its answer; a value has nothing to be completed with.
                EngineMessage::Client(client, Request::Complete { ticket, line }) => {
                    self.output.completions(client, ticket, line.len(), Vec::new());
                }
                // Who goes meanwhile is not waited for, be it the one whose command asks: another may answer.
                EngineMessage::Gone(client, loss) if self.output.clients.has_others(client) => {
                    self.client_gone(client, &loss);
                }
                EngineMessage::Client(client, Request::Leave) if self.output.clients.has_others(client) => {
                    self.client_left(client);
                }
                EngineMessage::Client(client, Request::SetOutput { mask, .. }) => self.output.set_mask(client, mask),
                EngineMessage::Join(end) => self.client_came(end),
                EngineMessage::Client(client, Request::ConnectSession { history, announce }) => {
                    self.connect_session(client, history, announce);
                    self.output.input_wanted_by(client, prompt);
                }
                message => {
                    if self.mailbox.postpone(message) {
                        return None;
                    }
                }
            }
        }
    }
}
