//! Requests and notifications as frames, for clients that are elsewhere.
//!
//! A request is a frame of kind [`FrameKind::Request`], a notification one of kind [`FrameKind::Event`]; the body is the
//! CBOR of the one or the other. The header's operation names the kind once more, so that a peer knows what it does not
//! know: such a frame is passed over. Requests are numbered by each client, notifications by the server for all clients
//! together, so that one encoding serves all of them; a client sees gaps where something was not for it.

use farsight_wire::{Frame, FrameKind, Header, Operation, WireError};
use minicbor::{Decode, Encode};

use crate::{Content, Notification, OutputMask, Request};

/// The service number of both tables; those of target services are smaller.
const SERVICE: u8 = 0x40;

/// Kinds of requests that this release knows: those of the enumeration's indices below.
const REQUESTS: u8 = 10;

/// As [`REQUESTS`].
const NOTIFICATIONS: u8 = 10;

/// Shown instead of output that this release does not know.
const NEWER_OUTPUT: &str = "[output of a newer release]\n";

/// The frame of a client's request.
pub fn request_frame(number: u64, last_event: u64, request: &Request) -> Frame {
    let kind = match request {
        Request::Execute { .. } => 0,
        Request::Interrupt => 1,
        Request::AnswerInput { .. } => 2,
        Request::ProgramInput { .. } => 3,
        Request::SetOutput { .. } => 4,
        Request::Complete { .. } => 5,
        Request::Leave => 6,
        Request::EndOfInput => 7,
        Request::ConnectSession { .. } => 8,
        Request::ListServers { .. } => 9,
    };
    let mut frame = frame(FrameKind::Request, kind, number, request);
    frame.header.last_event = last_event;
    frame
}

/// The frame of a notification.
pub fn notification_frame(number: u64, notification: &Notification) -> Frame {
    let kind = match notification {
        Notification::Output { .. } => 0,
        Notification::ProgramOutput { .. } => 1,
        Notification::Echo { .. } => 2,
        Notification::State(_) => 3,
        Notification::InputWanted { .. } => 4,
        Notification::InputTaken => 5,
        Notification::Done { .. } => 6,
        Notification::Completions { .. } => 7,
        Notification::Ended { .. } => 8,
        Notification::ProgramTerminal { .. } => 9,
    };
    frame(FrameKind::Event, kind, number, notification)
}

/// Reads a client's request; none where a newer release asks for something that this one does not know.
pub fn read_request(frame: &Frame) -> Result<Option<Request>, WireError> {
    read(frame, FrameKind::Request, REQUESTS, "a client's request").map_err(Unread::into_error)
}

/// Reads a notification; none where a newer release tells something that this one does not know.
pub fn read_notification(frame: &Frame) -> Result<Option<Notification>, WireError> {
    let read = read(frame, FrameKind::Event, NOTIFICATIONS, "a notification");
    match read {
        Err(Unread::Unknown(error)) => match unknown_output(&frame.body) {
            Some(mask) => {
                let content = Content::Text(NEWER_OUTPUT.into());
                Ok(Some(Notification::Output { mask, content }))
            }
            None => Err(error),
        },
        read => read.map_err(Unread::into_error),
    }
}

/// The mask of an output whose content this release does not know, where the rest is as it should be.
fn unknown_output(body: &[u8]) -> Option<OutputMask> {
    let mut whole = minicbor::Decoder::new(body);
    whole.skip().ok()?;
    if whole.position() != body.len() {
        return None;
    }
    let mut parts = minicbor::Decoder::new(body);
    let is_output = parts.array().ok()? == Some(2) && parts.u32().ok()? == 0 && parts.array().ok()? >= Some(2);
    is_output.then(|| parts.decode().ok())?
}

fn frame<M: Encode<()>>(kind: FrameKind, operation: u8, number: u64, message: &M) -> Frame {
    let mut header = Header::new(kind);
    header.operation = Operation::new(SERVICE, operation).0;
    header.number = number;
    let mut body = Vec::new();
    // Writing to a vector cannot fail; a derive of ours never raises an error of its own.
    let _ = minicbor::encode(message, &mut body);
    Frame::new(header, body)
}

fn read<'f, M: Decode<'f, ()>>(
    frame: &'f Frame,
    kind: FrameKind,
    known: u8,
    what: &'static str,
) -> Result<Option<M>, Unread> {
    let [operation, service] = frame.header.operation.to_le_bytes();
    if frame.header.kind != kind || service != SERVICE {
        return Err(Unread::Malformed(WireError::Unexpected {
            kind: frame.header.kind as u8,
            phase: what,
        }));
    }
    if operation >= known {
        return Ok(None);
    }
    match minicbor::decode(&frame.body) {
        Ok(read) => Ok(Some(read)),
        Err(error) => {
            let why = error.to_string();
            let malformed = WireError::Malformed { what, why };
            Err(match error.is_unknown_variant() {
                true => Unread::Unknown(malformed),
                false => Unread::Malformed(malformed),
            })
        }
    }
}

/// Why a message was not read.
enum Unread {
    /// Something in it has a number that this release does not know.
    Unknown(WireError),
    /// It is nothing that any release writes.
    Malformed(WireError),
}

impl Unread {
    fn into_error(self) -> WireError {
        let (Unread::Unknown(error) | Unread::Malformed(error)) = self;
        error
    }
}

#[cfg(test)]
mod tests;
