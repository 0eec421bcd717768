//! What comes up from a target unasked.

use farsight_types::{OsPid, OsTid};
use farsight_wire::{Frame, Message, Operation, WireError, message};
use minicbor::{Decode, Encode};

use crate::{SignalInfo, Stop};

/// Something worth telling that did not stop the target.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Note {
    /// A signal was delivered, as the policy says.
    #[n(0)]
    Signal {
        /// The process.
        #[n(0)]
        process: OsPid,
        /// The thread.
        #[n(1)]
        thread: OsTid,
        /// Which.
        #[n(2)]
        signal: SignalInfo,
    },
    /// A thread started.
    #[n(1)]
    ThreadStarted {
        /// The process.
        #[n(0)]
        process: OsPid,
        /// The thread.
        #[n(1)]
        thread: OsTid,
    },
    /// A thread ended.
    #[n(2)]
    ThreadEnded {
        /// The process.
        #[n(0)]
        process: OsPid,
        /// The thread.
        #[n(1)]
        thread: OsTid,
    },
    /// Something went wrong that the user should know, such as a trap that could not be planted again.
    #[n(3)]
    Trouble {
        /// In words.
        #[n(0)]
        text: String,
    },
    /// A followed process started and runs; told only where children are followed.
    #[n(4)]
    ProcessStarted {
        /// Its birth; it is not told again with the next stop.
        #[n(0)]
        birth: crate::ProcessBirth,
    },
    /// A process of the session is gone while others go on; it is not told again with the next stop.
    #[n(5)]
    ProcessEnded {
        /// Which, and how.
        #[n(0)]
        end: crate::ProcessEnd,
    },
}

message!(Note);

/// What a launched program wrote to its terminal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OutputChunk {
    /// The program's process.
    #[n(0)]
    pub process: OsPid,
    /// The bytes, as they came; empty at the end of the stream.
    #[cbor(skip)]
    pub bytes: Vec<u8>,
}

message!(OutputChunk, bulk = bytes);

/// The server ends the session by itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SessionEnd {
    /// Why, and what became of the debuggees.
    #[n(0)]
    pub why: String,
}

message!(SessionEnd);

/// Everything that comes up unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session has come to rest.
    Stop(Box<Stop>),
    /// News of a running target.
    Note(Note),
    /// Output of a launched program.
    Output(OutputChunk),
    /// The session is over.
    End(SessionEnd),
}

impl Event {
    const STOP: u16 = 1;
    const NOTE: u16 = 2;
    const OUTPUT: u16 = 3;
    const END: u16 = 4;

    /// The event's operation number, body and bulk, to be put into a frame of kind `Event`.
    pub fn into_parts(self) -> (Operation, Vec<u8>, Vec<u8>) {
        fn parts<M: Message>(number: u16, mut message: M) -> (Operation, Vec<u8>, Vec<u8>) {
            let bulk = message.take_bulk();
            (Operation(number), message.to_body(), bulk)
        }
        match self {
            Event::Stop(stop) => parts(Event::STOP, *stop),
            Event::Note(note) => parts(Event::NOTE, note),
            Event::Output(output) => parts(Event::OUTPUT, output),
            Event::End(end) => parts(Event::END, end),
        }
    }

    /// Reads an event frame; none for kinds of events that this release does not know.
    pub fn from_frame(frame: Frame) -> Result<Option<Event>, WireError> {
        fn read<M: Message>(frame: Frame) -> Result<M, WireError> {
            let mut message = M::from_body(&frame.body)?;
            message.put_bulk(frame.bulk);
            Ok(message)
        }
        Ok(Some(match frame.header.operation {
            Event::STOP => Event::Stop(Box::new(read(frame)?)),
            Event::NOTE => Event::Note(read(frame)?),
            Event::OUTPUT => Event::Output(read(frame)?),
            Event::END => Event::End(read(frame)?),
            _ => return Ok(None),
        }))
    }
}
