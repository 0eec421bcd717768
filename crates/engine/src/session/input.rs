//! Asks the user for a line in the middle of a command.
//!
//! The command waits; the inbox does not: what has nothing to do with the line is served or kept in order, and an
//! interrupt or the end of the session ends the wait.

use farsight_session::Request;

use super::Session;
use crate::EngineMessage;
use crate::error::CommandError;

impl Session {
    /// A line that a client types behind a prompt.
    pub(crate) fn ask_line(&mut self, prompt: &str) -> Result<String, CommandError> {
        self.check_interrupt()?;
        self.output.input_wanted(prompt);
        let answer = self.wait_for_line(prompt);
        self.output.input_taken();
        answer.ok_or(CommandError::Interrupted)
    }

    fn wait_for_line(&mut self, prompt: &str) -> Option<String> {
        loop {
            match self.mailbox.next_beside()? {
                EngineMessage::Client(client, Request::AnswerInput { text }) => {
                    if self.may_change(client) {
                        self.output.input_given(client, prompt, &text);
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
