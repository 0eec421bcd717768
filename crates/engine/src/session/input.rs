//! Asks the user for a line in the middle of a command.
//!
//! The command waits; the inbox does not: what has nothing to do with the line is served or kept in order, and an
//! interrupt or the end of the session ends the wait.

use farsight_session::{ClientId, QuestionId, Request};
use farsight_types::AccessRole;

use super::Session;
use crate::EngineMessage;
use crate::clients::KnownClient;
use crate::error::CommandError;

/// What a command asks for.
pub(crate) struct Question<'p> {
    pub(crate) id: QuestionId,
    pub(crate) prompt: &'p str,
    /// Whose command asks; none is the session's own.
    asker: Option<ClientId>,
}

impl Question<'_> {
    /// Whether a client's own command asks. For the session's own, the debugger's console stands in.
    pub(crate) fn is_of(&self, client: &KnownClient) -> bool {
        match self.asker {
            Some(asker) => client.id == asker,
            None => client.is_console(),
        }
    }
}

/// What was asked for until now.
#[derive(Default)]
pub(super) struct Questions {
    last: QuestionId,
    /// The last that was answered, and by whom.
    answered: Option<(QuestionId, String)>,
}

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
        self.questions.last.0 += 1;
        let question = Question {
            id: self.questions.last,
            prompt,
            // Commands at an event belong to whoever set the target going.
            asker: self.author.or_else(|| self.running_line().map(|(author, ..)| author)),
        };
        self.output.input_wanted(&question, |_| true);
        let answer = self.wait_for_line(&question);
        self.output.input_taken();
        answer.ok_or(CommandError::Interrupted)
    }

    /// Says that a line was not used, and why: what it was meant for is over.
    pub(crate) fn refuse_late_answer(&mut self, client: ClientId, question: Option<QuestionId>) {
        let why = match (question, &self.questions.answered) {
            (Some(question), Some((answered, by))) if question == *answered => format!("{by} has answered"),
            (Some(question), _) if question == self.questions.last => "none is asked for any more".into(),
            (Some(_), _) => "something else is asked for by now".into(),
            (None, _) => "none is asked for any more".into(),
        };
        self.output.refuse(client, &format!("that line came too late: {why}"));
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

    fn wait_for_line(&mut self, question: &Question<'_>) -> Option<String> {
        loop {
            let message = self.mailbox.next_beside()?;
            self.note_time(&message);
            match message {
                EngineMessage::Client(client, Request::AnswerInput { .. }) if !self.may_change(client) => {
                    self.output.refuse(client, "an observer cannot answer");
                }
                EngineMessage::Client(client, Request::AnswerInput { question: given, .. })
                    if given.is_some_and(|given| given != question.id) =>
                {
                    self.refuse_late_answer(client, given);
                }
                EngineMessage::Client(client, Request::AnswerInput { text, .. }) => {
                    self.output.echo(client, question.prompt, &text);
                    self.questions.answered = Some((question.id, self.output.clients.identity(client)));
                    return Some(text);
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
                    self.output.input_wanted(question, |known| known.id == client);
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
