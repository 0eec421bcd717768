//! One session with a server of target services, as conformance checks see it.

use farsight_target::{AcquireProxy, Event, FilesProxy, LookProxy, MachineProxy, Note, RunProxy, SessionEnd, Stop};
use farsight_wire::Port;

use crate::{Deadline, PortClient};

/// The services of a session, and what it has told so far.
#[derive(Debug)]
pub struct Session {
    /// Where requests go.
    pub port: PortClient,
    /// Notes since the session was opened.
    pub notes: Vec<Note>,
    /// Output of launched programs since the session was opened.
    pub output: Vec<u8>,
    /// Whether a program's terminal has ended.
    pub output_ended: bool,
    /// Why the server ended the session, if it did.
    pub end: Option<SessionEnd>,
}

impl Session {
    /// A session on an open port.
    pub fn new(port: PortClient) -> Session {
        Session {
            port,
            notes: Vec::new(),
            output: Vec::new(),
            output_ended: false,
            end: None,
        }
    }

    /// The machine.
    pub fn machine(&self) -> MachineProxy<&PortClient> {
        MachineProxy(&self.port)
    }

    /// Getting hold of debuggees.
    pub fn acquire(&self) -> AcquireProxy<&PortClient> {
        AcquireProxy(&self.port)
    }

    /// Running and letting go.
    pub fn run(&self) -> RunProxy<&PortClient> {
        RunProxy(&self.port)
    }

    /// Looking and changing.
    pub fn look(&self) -> LookProxy<&PortClient> {
        LookProxy(&self.port)
    }

    /// Files and terminals.
    pub fn files(&self) -> FilesProxy<&PortClient> {
        FilesProxy(&self.port)
    }

    /// Asks a running target to stop.
    pub fn break_in(&self) {
        self.port.urgent(farsight_target::BREAK_IN).expect("a port");
    }

    /// The next stop. Notes and output that come before it are kept.
    ///
    /// # Panics
    /// When none comes within the usual deadline.
    #[track_caller]
    pub fn stop(&mut self) -> Stop {
        self.stop_within(Deadline::usual())
    }

    /// As [`Session::stop`] with a deadline of one's own.
    #[track_caller]
    pub fn stop_within(&mut self, deadline: Deadline) -> Stop {
        while let Some(event) = self.port.next_event(deadline) {
            if let Some(stop) = self.keep(event) {
                return stop;
            }
        }
        let heard = String::from_utf8_lossy(&self.output);
        let ended = self.port.ended();
        panic!(
            "no stop came; stream: {ended:?}, end: {:?}, notes: {:?}, output: {heard}",
            self.end, self.notes
        )
    }

    /// Takes in events until a condition holds.
    ///
    /// # Panics
    /// When it does not within the usual deadline, or when a stop comes first.
    #[track_caller]
    pub fn hear_until(&mut self, what: &str, condition: impl Fn(&Session) -> bool) {
        let deadline = Deadline::usual();
        while !condition(self) {
            let Some(event) = self.port.next_event(deadline) else {
                let heard = String::from_utf8_lossy(&self.output);
                panic!("waited in vain for {what}; notes: {:?}, output: {heard}", self.notes);
            };
            if let Some(stop) = self.keep(event) {
                panic!("a stop came before {what}: {stop:?}");
            }
        }
    }

    /// The output so far as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).replace('\r', "")
    }

    fn keep(&mut self, event: Event) -> Option<Stop> {
        match event {
            Event::Stop(stop) => return Some(*stop),
            Event::Note(note) => self.notes.push(note),
            Event::Output(chunk) => {
                self.output_ended = chunk.bytes.is_empty();
                self.output.extend(chunk.bytes);
            }
            Event::End(end) => self.end = Some(end),
        }
        None
    }
}
