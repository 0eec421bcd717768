//! What a session sends: one queue, one thread that writes. Nobody waits for the client's network, except those who
//! read a program's output, which is bounded by that.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use farsight_target::Event;
use farsight_transport::Stream;
use farsight_wire::{Frame, FrameKind, Header};

enum Outgoing {
    Frame(Frame),
    Event(Event),
    /// Dropped when everything before it is written.
    Passed(#[expect(dead_code, reason = "its end is the message")] Sender<()>),
    /// Everything before this is to be written, then the writer ends.
    End,
}

/// The sending end; clones go to the threads that send.
#[derive(Clone)]
pub(crate) struct Outbox(Sender<Outgoing>);

impl Outbox {
    /// Starts to write to a stream.
    pub(crate) fn start(stream: Stream) -> io::Result<(Outbox, JoinHandle<()>)> {
        let (queue, frames) = channel();
        let builder = std::thread::Builder::new().name("writer".into()).stack_size(64 << 10);
        let thread = builder.spawn(move || write_all(&stream, &frames))?;
        Ok((Outbox(queue), thread))
    }

    /// Queues a frame. After the stream broke, frames go nowhere; the reader notices the break.
    pub(crate) fn send(&self, frame: Frame) {
        let _ = self.0.send(Outgoing::Frame(frame));
    }

    /// Lets the writer end when it has written what is queued.
    pub(crate) fn end(&self) {
        let _ = self.0.send(Outgoing::End);
    }
}

impl Outbox {
    /// Queues an event.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.0.send(Outgoing::Event(event));
    }

    /// Waits until what is queued now has been written.
    pub(crate) fn wait_for_room(&self) -> bool {
        let (passed, wait) = channel::<()>();
        if self.0.send(Outgoing::Passed(passed)).is_err() {
            return false;
        }
        // It only ever ends by being dropped.
        let _ = wait.recv();
        true
    }
}

fn write_all(stream: &Stream, frames: &Receiver<Outgoing>) {
    let mut last_event = 0;
    while let Ok(outgoing) = frames.recv() {
        let frame = match outgoing {
            Outgoing::Frame(frame) => frame,
            Outgoing::Event(event) => {
                last_event += 1;
                event_frame(event, last_event)
            }
            Outgoing::Passed(_) => continue,
            Outgoing::End => break,
        };
        if write(stream, &frame).is_err() {
            // The reader sees the end too, and lets go.
            let _ = stream.shutdown(std::net::Shutdown::Both);
            break;
        }
    }
}

fn write(mut stream: &Stream, frame: &Frame) -> io::Result<()> {
    stream.write_all(&frame.encode_head())?;
    if frame.bulk.is_empty() {
        Ok(())
    } else {
        stream.write_all(&frame.bulk)
    }
}

fn event_frame(event: Event, number: u64) -> Frame {
    let (operation, body, bulk) = event.into_parts();
    let mut header = Header::new(FrameKind::Event);
    header.operation = operation.0;
    header.number = number;
    Frame { header, body, bulk }
}
