//! An engine of the test's own, whose answers are records and not text.

use std::sync::Arc;

use farsight_engine::{Acquisition, Destination, Engine, EngineMessage, EngineOptions, Target};
use farsight_host::Machine;
use farsight_session::{
    Client, ClientId, CommandOutcome, Content, Deliver, Introduction, Notification, Record, SessionState,
};
use farsight_testkit::Deadline;

/// A smart client without a console.
pub(crate) struct Host {
    client: Client,
    /// Whether a target can be looked at.
    pub(crate) is_accessible: bool,
}

impl Host {
    /// Starts a program at a process server, and waits until it rests.
    pub(crate) fn launch(connection: &str, program: &str) -> Host {
        let mut options = EngineOptions::new(Destination::ProcessServer(connection.to_owned()));
        options.acquisition = Acquisition::of(Target::Program {
            path: program.to_owned(),
            arguments: Vec::new(),
        });
        options.final_break = false;
        let engine = Engine::start(Box::new(Machine::default()), options).expect("an engine");
        let inbox = engine.inbox.clone();
        let deliver: Deliver = Arc::new(move |client, request| {
            let _ = inbox.send(EngineMessage::Client(client, request));
        });
        let (client, end) = Client::new(ClientId(0), Introduction::console("test"), deliver);
        let _ = engine.inbox.send(EngineMessage::Join(end));
        let mut host = Host {
            client,
            is_accessible: false,
        };
        let deadline = Deadline::usual();
        while !host.is_accessible {
            host.heard(deadline);
        }
        host
    }

    /// Runs a line to its end, which for one that sets the target going is the next stop; answers its records.
    ///
    /// # Panics
    /// When it fails, or is not done within the deadline.
    #[track_caller]
    pub(crate) fn run(&mut self, line: &str) -> Vec<Record> {
        let (records, text, outcome) = self.try_run(line);
        assert_eq!(outcome, CommandOutcome::Done, "'{line}': {text}");
        records
    }

    /// As [`Host::run`], for a line that may fail; with what was said beside records.
    #[track_caller]
    pub(crate) fn try_run(&mut self, line: &str) -> (Vec<Record>, String, CommandOutcome) {
        let wanted = self.client.execute(line);
        let (mut records, mut text) = (Vec::new(), String::new());
        let deadline = Deadline::usual();
        loop {
            match self.heard(deadline) {
                Notification::Output { content, .. } => match content {
                    Content::Record(record) => records.push(*record),
                    Content::Text(line) => text += &line,
                },
                Notification::Done { ticket, outcome } if ticket == wanted => return (records, text, outcome),
                _ => {}
            }
        }
    }

    fn heard(&mut self, deadline: Deadline) -> Notification {
        let heard = self.client.next_within(deadline.left());
        let heard = heard.expect("something of the engine within the deadline");
        let heard = heard.expect("an engine that has not ended");
        if let Notification::State(state) = &heard {
            self.is_accessible = matches!(state, SessionState::Accessible { .. });
        }
        heard
    }
}
