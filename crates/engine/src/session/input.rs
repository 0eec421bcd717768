//! Asks the user for a line in the middle of a command.
//!
//! The command waits; the inbox does not: what has nothing to do with the line is served or kept in order, and an
//! interrupt or the end of the session ends the wait.

use farsight_session::{ClientId, QuestionId, Request};
use farsight_types::AccessRole;

use super::Session;
use super::visitors::Visit;
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
        self.serve_beside();
        self.demand(AccessRole::Operator, "what asks for values")?;
        if !self.output.clients.can_answer() {
            return Err(CommandError::Refused(
                "there is nobody to ask for values; give them in the command".into(),
            ));
        }
        // Commands at an event belong to whoever set the target going.
        let asker = self.author.or_else(|| self.running_line().map(|doing| doing.client));
        self.questions.last.0 += 1;
        let question = Question {
            id: self.questions.last,
            prompt,
            asker: asker.filter(|asker| self.output.clients.get(*asker).is_some()),
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

    /// The answer; none where there will be none, because somebody does not want the command to go on, because whoever it
    /// belongs to has gone, or because nobody is left who could answer.
    fn wait_for_line(&mut self, question: &Question<'_>) -> Option<String> {
        loop {
            let asker_is_gone = question
                .asker
                .is_some_and(|asker| self.output.clients.get(asker).is_none());
            if asker_is_gone || self.mailbox.shall_end() || !self.output.clients.can_answer() {
                return None;
            }
            let message = match self.serve_visitor(self.mailbox.next_beside()?) {
                Visit::Joined(client) => {
                    self.output.input_wanted(question, |known| known.id == client);
                    continue;
                }
                Visit::Served => continue,
                Visit::Other(message) => message,
            };
            match message {
                EngineMessage::Client(client, Request::AnswerInput { text, question: given }) => {
                    self.heard_beside(client);
                    if !self.may_change(client) {
                        self.output.refuse(client, "an observer cannot answer");
                    } else if given.is_some_and(|given| given != question.id) {
                        self.refuse_late_answer(client, given);
                    } else {
                        self.output.echo(client, question.prompt, &text);
                        self.questions.answered = Some((question.id, self.output.clients.identity(client)));
                        return Some(text);
                    }
                }
                EngineMessage::Client(client, Request::Interrupt) => {
                    self.heard_beside(client);
                    if self.mailbox.may_interrupt(client) {
                        self.mailbox.end_for(client);
                        return None;
                    }
                    self.output
                        .refuse(client, "an observer cannot end the command of another");
                }
                message => {
                    self.mailbox.postpone(message);
                    self.serve_beside();
                }
            }
        }
    }
}
