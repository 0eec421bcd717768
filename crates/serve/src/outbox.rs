//! What a session sends: one queue, one thread that writes. Nobody else waits for the client's network, except a
//! program's terminal, whose output is bounded.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use farsight_target::Event;
use farsight_transport::Stream;
use farsight_wire::{Frame, FrameKind, Header};

/// Chunks of program output that may be under way; then the program waits.
const OUTPUT_UNDER_WAY: usize = 16;

enum Outgoing {
    Frame(Frame),
    /// A frame that holds one of the permits for program output.
    Output(Frame),
    /// Everything before this is to be written, then the writer ends.
    End,
}

/// The sending end; clones go to the threads that send.
#[derive(Clone)]
pub(crate) struct Outbox {
    queue: Sender<Outgoing>,
    permits: SyncSender<()>,
    last_event: Arc<AtomicU64>,
}

impl Outbox {
    /// Starts to write to a stream.
    pub(crate) fn start(stream: Stream) -> io::Result<(Outbox, JoinHandle<()>)> {
        let (queue, frames) = channel();
        let (permits, permitted) = sync_channel(OUTPUT_UNDER_WAY);
        let builder = std::thread::Builder::new().name("writer".into()).stack_size(64 << 10);
        let thread = builder.spawn(move || write_all(&stream, &frames, &permitted))?;
        let outbox = Outbox {
            queue,
            permits,
            last_event: Arc::default(),
        };
        Ok((outbox, thread))
    }

    /// Queues a frame. After the stream broke, frames go nowhere; the reader notices the break.
    pub(crate) fn send(&self, frame: Frame) {
        let _ = self.queue.send(Outgoing::Frame(frame));
    }

    /// Queues an event under the next event number. Program output waits while too much of it is under way.
    pub(crate) fn tell(&self, event: Event) {
        let is_output = matches!(event, Event::Output(_));
        if is_output && self.permits.send(()).is_err() {
            return;
        }
        let mut header = Header::new(FrameKind::Event);
        let (operation, body, bulk) = event.into_parts();
        header.operation = operation.0;
        header.number = self.last_event.fetch_add(1, Ordering::SeqCst) + 1;
        let frame = Frame { header, body, bulk };
        let _ = self.queue.send(if is_output {
            Outgoing::Output(frame)
        } else {
            Outgoing::Frame(frame)
        });
    }

    /// Lets the writer end when it has written what is queued.
    pub(crate) fn end(&self) {
        let _ = self.queue.send(Outgoing::End);
    }
}

fn write_all(mut stream: &Stream, frames: &Receiver<Outgoing>, permitted: &Receiver<()>) {
    while let Ok(outgoing) = frames.recv() {
        let (frame, is_output) = match outgoing {
            Outgoing::Frame(frame) => (frame, false),
            Outgoing::Output(frame) => (frame, true),
            Outgoing::End => break,
        };
        let written = stream.write_all(&frame.encode_head()).and_then(|()| {
            if frame.bulk.is_empty() {
                Ok(())
            } else {
                stream.write_all(&frame.bulk)
            }
        });
        if is_output {
            let _ = permitted.try_recv();
        }
        if written.is_err() {
            // The reader sees the end too, and lets go.
            let _ = stream.shutdown(std::net::Shutdown::Both);
            break;
        }
    }
}
