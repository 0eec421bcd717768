//! What a session process tells and asks the listener that started it.

use std::cell::RefCell;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use farsight_linux::{Door, Events, Server};
use farsight_target::Event;
use farsight_types::OsPid;

use crate::adoption::{self, OpenDoor};
use crate::control::Control;
use crate::outbox::Outbox;

/// How long a listener may take to say who else uses it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most characters of what a client calls itself.
const LONGEST_NAME: usize = 80;

/// The client of a session, in words.
pub(crate) fn client_in_words(identity: &str, peer: Option<String>) -> String {
    let name: String = identity
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_NAME)
        .collect();
    match peer {
        Some(peer) => format!("{name} ({peer})"),
        None => name,
    }
}

/// Where events go: to the client, and what is held, to the listener.
pub(crate) struct SessionEvents {
    pub(crate) outbox: Outbox,
    /// None where there is no listener.
    pub(crate) listener: Option<Control>,
    pub(crate) client: String,
}

impl Events for SessionEvents {
    fn tell(&self, event: Event) {
        self.outbox.tell(event);
    }

    fn wait_for_room(&self) -> bool {
        self.outbox.wait_for_room()
    }

    fn holds(&self, targets: String) {
        let Some(listener) = &self.listener else { return };
        let phrase = match targets.as_str() {
            "" => String::new(),
            targets => format!("{} holds {targets}", self.client),
        };
        // Without a listener nobody asks.
        let _ = listener.tell_holds(&phrase);
    }
}

/// The server as the services of one session see it.
pub(crate) struct Surroundings {
    /// None where there is no listener.
    pub(crate) listener: Option<Control>,
    /// What the listener answers.
    pub(crate) answers: Receiver<Vec<String>>,
    pub(crate) door: RefCell<Option<OpenDoor>>,
}

impl Server for Surroundings {
    fn end(&self, only_unused: bool) -> Result<(), Vec<String>> {
        let Some(listener) = self.listener.as_ref().filter(|_| only_unused) else {
            return Ok(());
        };
        // An answer that came too late for the question before is no answer to this one.
        while self.answers.try_recv().is_ok() {}
        if listener.ask_who_holds().is_err() {
            return Ok(());
        }
        match self.answers.recv_timeout(PATIENCE) {
            Ok(holders) if holders.is_empty() => Ok(()),
            Ok(holders) => Err(holders),
            Err(_) => Err(vec!["the listener does not say who".into()]),
        }
    }

    fn open_door(&self, door: Door) -> std::io::Result<()> {
        let mut open = self.door.borrow_mut();
        if open.is_none() {
            *open = Some(adoption::open(door)?);
        }
        Ok(())
    }

    fn ask_holder(&self, holder: OsPid, process: OsPid) -> Result<(), Option<String>> {
        adoption::ask(holder, process)
    }
}
