//! Requests and notifications as frames, for clients that are elsewhere.
//!
//! A request is a frame of kind [`FrameKind::Request`], a notification one of kind [`FrameKind::Event`]; the body is the
//! CBOR of the one or the other. The header's operation names the kind once more, so that a peer knows what it does not
//! know: such a frame is passed over. Requests are numbered by each client, notifications by the server for all clients
//! together, so that one encoding serves all of them; a client sees gaps where something was not for it.

use farsight_wire::{Frame, FrameKind, Header, Operation, WireError};
use minicbor::{Decode, Encode};

use crate::{Notification, Request};

/// The service number of both tables; those of target services are smaller.
const SERVICE: u8 = 0x40;

/// Kinds of requests that this release knows: those of the enumeration's indices below.
const REQUESTS: u8 = 10;

/// As [`REQUESTS`].
const NOTIFICATIONS: u8 = 9;

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
    };
    frame(FrameKind::Event, kind, number, notification)
}

/// Reads a client's request; none where a newer release asks for something that this one does not know.
pub fn read_request(frame: &Frame) -> Result<Option<Request>, WireError> {
    read(frame, FrameKind::Request, REQUESTS, "a client's request")
}

/// Reads a notification; none where a newer release tells something that this one does not know.
pub fn read_notification(frame: &Frame) -> Result<Option<Notification>, WireError> {
    read(frame, FrameKind::Event, NOTIFICATIONS, "a notification")
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
) -> Result<Option<M>, WireError> {
    let [operation, service] = frame.header.operation.to_le_bytes();
    if frame.header.kind != kind || service != SERVICE {
        return Err(WireError::Unexpected {
            kind: frame.header.kind as u8,
            phase: what,
        });
    }
    if operation >= known {
        return Ok(None);
    }
    let read = minicbor::decode(&frame.body).map_err(|error| WireError::Malformed {
        what,
        why: error.to_string(),
    })?;
    Ok(Some(read))
}

#[cfg(test)]
mod tests;
