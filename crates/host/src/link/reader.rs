//! The direction from the server: bytes become news.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use farsight_engine::LinkNews;
use farsight_target::Event;
use farsight_transport::Stream;
use farsight_wire::{CallStatus, Decoder, Frame, FrameKind, Header, Reply, WireError};

use super::{News, Outgoing};

/// How much is asked of the stream at once.
const CHUNK: usize = 64 << 10;

/// Reads until the stream ends; answers why it did.
pub(super) fn read(
    mut stream: &Stream,
    mut decoder: Decoder,
    news: &News,
    queue: &Sender<Outgoing>,
    seen: &AtomicU64,
) -> String {
    let mut chunk = vec![0; CHUNK];
    loop {
        // The handshake may have left frames behind, so these come before the next read.
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => match take(frame, news, queue, seen) {
                    Ok(()) => {}
                    Err(error) => return misunderstood(&error),
                },
                Ok(None) => break,
                Err(error) => return misunderstood(&error),
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) => return "the server closed it".into(),
            Ok(length) => decoder.feed(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return cut_off(&error),
        }
    }
}

fn misunderstood(error: &WireError) -> String {
    format!("the server sent what this release cannot read ({error}), so it was closed here")
}

fn cut_off(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => format!("the server is gone ({error})"),
        io::ErrorKind::TimedOut => format!("the server can no longer be reached ({error})"),
        _ => format!("nothing can be read from it any more ({error})"),
    }
}

/// One frame of an open session.
fn take(frame: Frame, news: &News, queue: &Sender<Outgoing>, seen: &AtomicU64) -> Result<(), WireError> {
    let header = frame.header;
    tracing::trace!(target: "farsight::wire", ?header, body = frame.body.len(), bulk = frame.bulk.len(), "in");
    match header.kind {
        FrameKind::Reply => {
            let status = CallStatus::from_number(header.status).ok_or_else(|| WireError::Malformed {
                what: "reply",
                why: format!("its status is {}", header.status),
            })?;
            let reply = Reply {
                status,
                body: frame.body,
                bulk: frame.bulk,
            };
            news.tell(LinkNews::Reply {
                number: header.number,
                reply,
            });
        }
        FrameKind::Event => {
            let event = Event::from_frame(frame)?;
            // Counted when it has been read: the server may forget it then. Kinds of a later release count as well.
            seen.fetch_max(header.number, Ordering::Relaxed);
            if let Some(event) = event {
                news.tell(LinkNews::Event(event));
            }
        }
        FrameKind::Ping => {
            let mut pong = Header::new(FrameKind::Pong);
            pong.number = header.number;
            // Fails when the writer has ended, which shows here soon.
            let _ = queue.send(Outgoing::Frame(Frame::new(pong, Vec::new())));
        }
        FrameKind::Pong => {}
        FrameKind::Hello | FrameKind::Welcome | FrameKind::Refused | FrameKind::Request | FrameKind::Urgent => {
            return Err(WireError::Unexpected {
                kind: header.kind as u8,
                phase: "an open session",
            });
        }
    }
    Ok(())
}
